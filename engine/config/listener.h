// Where the service listens: one record for each address and transport.
//
// Source: winrm-config, section 4.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/values.h"
#include "engine/wsman/fault.h"
#include "engine/xml/element.h"

namespace config {

/// http://schemas.microsoft.com/wbem/wsman/1/config/listener
inline constexpr std::string_view kListenerUri = "http://schemas.microsoft.com/wbem/wsman/1/config/listener";

struct ListenerKey {
  std::string address;  ///< "*", "IP:192.0.2.7", "IP:2001:db8::7", "MAC:00-11-22-33-44-55"
  bool https = false;

  bool operator==(const ListenerKey&) const = default;
  std::string_view transport() const { return https ? "HTTPS" : "HTTP"; }
};

/// The key in its one form: prefixes and MAC addresses in capitals, IP addresses as the system writes them, without
/// brackets. Refuses with ListenerAddress or SchemaValidation (the transport).
wsman::Result<ListenerKey> make_listener_key(std::string_view address, std::string_view transport);

struct Listener {
  ListenerKey key;
  std::uint16_t port = 0;  ///< 0, in a file only: the system chooses
  std::string hostname;
  bool enabled = true;
  std::string url_prefix = "wsman";
  std::string thumbprint;  ///< capitals
  Source source = Source::Stored;
  bool compatibility = false;  ///< made by EnableCompatibilityHttp(s)Listener

  // Of a listener that the file describes: what `file_thumbprint` stands for.
  std::string file_thumbprint;
  std::filesystem::path certificate;
  std::filesystem::path private_key;
  std::filesystem::path client_ca;
};

/// What a request or a stored document says of a listener; what it does not say stays as it is.
struct ListenerChange {
  std::optional<std::uint16_t> port;
  std::optional<std::string> hostname;
  std::optional<bool> enabled;
  std::optional<std::string> url_prefix;
  std::optional<std::string> thumbprint;
};

/// Reads the body of a Put or Create. ListeningOn is passed over: who changes a document sends it back as it came. Faults:
/// as read_document(); KeysChanged where an Address or Transport is not that of `key`; Port; SchemaValidation.
wsman::Result<ListenerChange> read_listener(xml::Element root, const ListenerKey& key);
void apply(const ListenerChange& change, Listener& listener);

/// `listening_on`: the addresses on which it accepts connections now; none is shown as nil.
std::string write_listener(const Listener& listener, const std::vector<std::string>& listening_on);

}  // namespace config
