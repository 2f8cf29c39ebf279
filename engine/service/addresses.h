// Which of this host's addresses a listener takes.
//
// Source: winrm-config, section 4 (ListeningOn) and IPv4Filter, IPv6Filter of section 3.3.

#pragma once

#include <string>
#include <vector>

namespace service {

/// One address of one interface.
struct HostAddress {
  std::string address;  ///< "192.0.2.7", "2001:db8::7", "fe80::1%eth0"
  bool v6 = false;
  std::string mac;  ///< of its interface, "00-11-22-33-44-55", or empty
};

/// Those of all interfaces that are up, loopback among them, IPv4 first.
std::vector<HostAddress> host_addresses();

struct AddressFilters {
  std::string ipv4 = "*";
  std::string ipv6 = "*";
};

/// The addresses that `listener` ("*", "IP:…", "MAC:…") means and the filters allow.
std::vector<std::string> addresses_of(const std::string& listener, const AddressFilters& filters,
                                      const std::vector<HostAddress>& host);

/// What to bind for them: "::" (both families), "0.0.0.0", "::" for IPv6 alone, or single addresses.
struct BindAddress {
  std::string address;
  bool only_v6 = false;

  bool operator==(const BindAddress&) const = default;
  bool is_wildcard() const { return address == "::" || address == "0.0.0.0"; }
};
std::vector<BindAddress> bind_addresses(const std::string& listener, const AddressFilters& filters,
                                        const std::vector<HostAddress>& host);

/// Whether who listens at `wildcard` hears what comes for `other`, too.
bool covers(const BindAddress& wildcard, const BindAddress& other);

}  // namespace service
