#include "engine/config/listener.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "engine/base/encoding.h"
#include "engine/config/document.h"
#include "engine/config/faults.h"
#include "engine/config/text_rules.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace config {
namespace {

std::optional<std::string> canonical_ip(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  const std::string terminated(text);
  for (const int family : {AF_INET, AF_INET6}) {
    std::array<unsigned char, 16> octets{};
    if (::inet_pton(family, terminated.c_str(), octets.data()) != 1) continue;
    std::array<char, INET6_ADDRSTRLEN> shown{};
    if (::inet_ntop(family, octets.data(), shown.data(), shown.size()) != nullptr) return std::string(shown.data());
  }
  return std::nullopt;
}

/// Six or eight pairs of hexadecimal digits joined by "-".
bool is_mac(std::string_view text) {
  if (text.size() != 17 && text.size() != 23) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
    if (i % 3 == 2 ? c != '-' : !digit) return false;
  }
  return true;
}

wsman::Result<std::string> canonical_address(std::string_view text) {
  if (text == "*") return std::string("*");
  const std::string_view kind = text.substr(0, std::min<std::size_t>(text.find(':'), text.size()));
  const std::string_view rest = text.size() > kind.size() ? text.substr(kind.size() + 1) : std::string_view();
  if (base::equal_ignoring_case(kind, "IP")) {
    if (auto address = canonical_ip(rest)) return "IP:" + *address;
  }
  if (base::equal_ignoring_case(kind, "MAC")) {
    const std::string address = base::to_upper(rest);
    if (is_mac(address)) return "MAC:" + address;
  }
  return refuse(Refusal::ListenerAddress, "The address \"" + std::string(text.substr(0, 100)) +
                                              "\" of the listener is not possible; valid: \"*\", \"IP:192.0.2.7\", " +
                                              "\"IP:2001:db8::7\", \"MAC:00-11-22-33-44-55\"");
}

wsman::Fault wrong_value(std::string_view name, std::string_view text, std::string_view valid,
                         Refusal why = Refusal::SchemaValidation) {
  return refuse(why, std::string(name) + ": \"" + std::string(text.substr(0, 100)) +
                         "\" is not possible; valid: " + std::string(valid));
}

wsman::Result<void> read_value(std::string_view name, std::string_view text, const ListenerKey& key,
                               ListenerChange& change) {
  if (name == "Address" || name == "Transport") {
    auto same = make_listener_key(name == "Address" ? text : key.address, name == "Transport" ? text : key.transport());
    if (!same.ok() || *same != key) {
      return refuse(Refusal::KeysChanged, std::string(name) + " is a key of the listener and cannot be changed");
    }
  } else if (name == "Port") {
    std::uint16_t port = 0;
    const auto [end, failure] = std::from_chars(text.begin(), text.end(), port);
    if (failure != std::errc() || end != text.end() || port == 0) {
      return wrong_value(name, text, "1 to 65535", Refusal::Port);
    }
    change.port = port;
  } else if (name == "Hostname") {
    if (!text.empty() && text != "*" && !is_host(text)) {
      return wrong_value(name, text, "a host name, an address, \"*\" or empty");
    }
    change.hostname = text;
  } else if (name == "Enabled") {
    auto enabled = check(setting_of(Id::AllowUnencrypted), text);
    if (!enabled.ok()) return wrong_value(name, text, "true or false");
    change.enabled = *enabled == "true";
  } else if (name == "URLPrefix") {
    if (!is_url_prefix(text)) return wrong_value(name, text, setting_of(Id::ClientUrlPrefix).valid);
    change.url_prefix = text;
  } else if (name == "CertificateThumbprint") {
    if (!is_thumbprint_or_empty(text)) {
      return wrong_value(name, text, "40 hexadecimal digits, or empty", Refusal::UnknownCertificate);
    }
    change.thumbprint = normal_thumbprint(text);
  } else {
    return refuse(Refusal::SchemaValidation, "There is no element " + std::string(name.substr(0, 100)) + " in Listener");
  }
  return {};
}

}  // namespace

wsman::Result<ListenerKey> make_listener_key(std::string_view address, std::string_view transport) {
  ListenerKey key;
  ASSIGN_OR_RETURN(key.address, canonical_address(base::trimmed(address)));
  key.https = base::equal_ignoring_case(transport, "HTTPS");
  if (!key.https && !base::equal_ignoring_case(transport, "HTTP")) {
    return wrong_value("Transport", transport, "HTTP, HTTPS");
  }
  return key;
}

wsman::Result<ListenerChange> read_listener(xml::Element root, const ListenerKey& key) {
  RETURN_IF_ERROR(check_root(root, kListenerUri, "Listener"));
  ListenerChange change;
  std::set<std::string_view> seen;
  for (const xml::Element child : root.children()) {
    const std::string_view name = child.local_name();
    if (!is_namespace_of(child.namespace_uri(), kListenerUri)) {
      return wsman::make_fault(wsman::FaultCode::InvalidNamespace,
                               std::string(name.substr(0, 100)) + " is in another namespace");
    }
    if (name == "ListeningOn") continue;
    if (!seen.insert(name).second || child.first_child()) {
      return refuse(Refusal::SchemaValidation, std::string(name.substr(0, 100)) + " is there twice, or holds elements");
    }
    const std::string text = child.text();
    RETURN_IF_ERROR(read_value(name, base::trimmed(text), key, change));
  }
  return change;
}

void apply(const ListenerChange& change, Listener& listener) {
  if (change.port) listener.port = *change.port;
  if (change.hostname) listener.hostname = *change.hostname;
  if (change.enabled) listener.enabled = *change.enabled;
  if (change.url_prefix) listener.url_prefix = *change.url_prefix;
  if (change.thumbprint) listener.thumbprint = *change.thumbprint;
}

std::string write_listener(const Listener& listener, const std::vector<std::string>& listening_on) {
  xml::Writer writer;
  writer.open("cfg:Listener").attribute("xmlns:cfg", kListenerUri).attribute("xmlns:xsi", wsman::ns::kXsi);
  if (listener.source == Source::Policy) writer.attribute("Source", "GPO");
  if (listener.compatibility) writer.attribute("Source", "Compatibility");
  writer.leaf("cfg:Address", listener.key.address).leaf("cfg:Transport", listener.key.transport());
  writer.leaf("cfg:Port", std::to_string(listener.port)).leaf("cfg:Hostname", listener.hostname);
  writer.leaf("cfg:Enabled", listener.enabled ? "true" : "false").leaf("cfg:URLPrefix", listener.url_prefix);
  writer.leaf("cfg:CertificateThumbprint", listener.thumbprint);
  for (const std::string& address : listening_on) writer.leaf("cfg:ListeningOn", address);
  if (listening_on.empty()) writer.open("cfg:ListeningOn").attribute("xsi:nil", "true").close();
  return writer.take();
}

}  // namespace config
