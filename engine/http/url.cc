#include <charconv>

#include "engine/base/encoding.h"
#include "engine/http/client.h"

namespace http {
namespace {

constexpr std::uint16_t kHttpPort = 5985;
constexpr std::uint16_t kHttpsPort = 5986;

base::Error bad_url(std::string_view text, const char* why) {
  return base::make_error(std::errc::invalid_argument, "the URL \"" + std::string(text) + "\" " + why);
}

}  // namespace

base::Result<Url> Url::parse(std::string_view text) {
  Url url;
  std::string_view rest = base::trimmed(text);
  for (const char c : rest) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return bad_url(text, "contains a blank or a control character");
  }
  const auto scheme_end = rest.find("://");
  if (scheme_end == std::string_view::npos) return bad_url(text, "has no scheme");
  const std::string scheme = base::to_lower(rest.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return bad_url(text, "is neither http nor https");
  url.tls = scheme == "https";
  url.port = url.tls ? kHttpsPort : kHttpPort;
  rest.remove_prefix(scheme_end + 3);
  const auto path = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, path);
  url.target = path == std::string_view::npos ? "/" : std::string(rest.substr(path));
  if (const auto fragment = url.target.find('#'); fragment != std::string::npos) url.target.resize(fragment);
  if (url.target.empty() || url.target.front() != '/') url.target.insert(0, 1, '/');
  if (authority.find('@') != std::string_view::npos) return bad_url(text, "must not carry a user name");
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return bad_url(text, "has a bracket that is not closed");
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const auto colon = authority.find(':');
    url.host = authority.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
  }
  if (url.host.empty()) return bad_url(text, "has no host");
  if (!port.empty()) {
    unsigned number = 0;
    const auto parsed = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port.front() != ':' || parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() || number == 0 ||
        number > 65535) {
      return bad_url(text, "has a port that is not a number from 1 to 65535");
    }
    url.port = static_cast<std::uint16_t>(number);
  }
  return url;
}

std::string Url::authority() const {
  const bool literal = host.find(':') != std::string::npos;
  return (literal ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace http
