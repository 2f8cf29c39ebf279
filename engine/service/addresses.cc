#include "engine/service/addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>

#include <algorithm>
#include <array>
#include <map>

#include "engine/base/encoding.h"
#include "engine/config/text_rules.h"

namespace service {
namespace {

std::string shown_mac(const sockaddr_ll& link) {
  std::string shown;
  for (int i = 0; i < link.sll_halen; ++i) {
    const char octet = static_cast<char>(link.sll_addr[i]);
    shown += (i == 0 ? "" : "-") + base::to_hex({&octet, 1});
  }
  return shown;
}

std::string shown_ip(const sockaddr& address, const char* interface) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return text.data();
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  std::string shown = text.data();
  if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) shown.append("%").append(interface);
  return shown;
}

bool is_v6(std::string_view address) {
  return address.find(':') != std::string_view::npos;
}

bool is_allowed(const std::string& address, const AddressFilters& filters) {
  const std::string_view bare = std::string_view(address).substr(0, address.find('%'));
  return config::is_in_filter(is_v6(address) ? filters.ipv6 : filters.ipv4, bare);
}

}  // namespace

std::vector<HostAddress> host_addresses() {
  std::vector<HostAddress> found;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return found;
  std::map<std::string, std::string> macs;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_PACKET) continue;
    macs[one->ifa_name] = shown_mac(reinterpret_cast<const sockaddr_ll&>(*one->ifa_addr));
  }
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    found.push_back({shown_ip(*one->ifa_addr, one->ifa_name), family == AF_INET6, macs[one->ifa_name]});
  }
  ::freeifaddrs(all);
  std::ranges::stable_sort(found, {}, &HostAddress::v6);
  return found;
}

std::vector<std::string> addresses_of(const std::string& listener, const AddressFilters& filters,
                                      const std::vector<HostAddress>& host) {
  std::vector<std::string> addresses;
  for (const HostAddress& one : host) {
    const bool meant = listener == "*" || listener == "IP:" + one.address || listener == "MAC:" + one.mac;
    if (meant && is_allowed(one.address, filters)) addresses.push_back(one.address);
  }
  return addresses;
}

std::vector<BindAddress> bind_addresses(const std::string& listener, const AddressFilters& filters,
                                        const std::vector<HostAddress>& host) {
  std::vector<BindAddress> bound;
  if (listener.starts_with("IP:")) {
    // Not looked up among the host's: an address that is not there yet must be an error that says so.
    const std::string address = listener.substr(3);
    if (is_allowed(address, filters)) bound.push_back({address, false});
    return bound;
  }
  const bool all = listener == "*";
  const bool all_v4 = all && config::is_whole_filter(filters.ipv4);
  const bool all_v6 = all && config::is_whole_filter(filters.ipv6);
  if (all_v4 && all_v6) return {{"::", false}};
  if (all_v4) bound.push_back({"0.0.0.0", false});
  if (all_v6) bound.push_back({"::", true});
  for (std::string& address : addresses_of(listener, filters, host)) {
    if (is_v6(address) ? !all_v6 : !all_v4) bound.push_back({std::move(address), false});
  }
  return bound;
}

bool covers(const BindAddress& wildcard, const BindAddress& other) {
  if (wildcard == other) return true;
  if (wildcard.address == "::") return is_v6(other.address) || !wildcard.only_v6;
  return wildcard.address == "0.0.0.0" && !is_v6(other.address);
}

}  // namespace service
