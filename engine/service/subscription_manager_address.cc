#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/config/text_rules.h"
#include "engine/service/settings.h"

namespace service {
namespace {

constexpr std::string_view kDefaultPath = "/wsman/SubscriptionManager/WEC";
constexpr long kMaxRefresh = 365L * 24 * 3600;
constexpr std::size_t kMaxLength = 2048;

base::Error invalid(std::string text) {
  return base::make_error(std::errc::invalid_argument, std::move(text));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return copy;
}

bool is_path(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c > ' ' && c < 127 && c != '?' && c != '#' && c != '"' && c != '\\'; });
}

/// The address with lower-case scheme, a port and a path, whatever of them was written.
base::Result<std::string> normal_url(std::string_view text) {
  const std::string wrong =
      "Server=" + std::string(text) + " is not an address; valid: https://HOST:5986" + std::string(kDefaultPath);
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return invalid(wrong);
  const std::string scheme = lower(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return invalid(wrong);
  std::string_view rest = text.substr(scheme_end + 3);
  const auto path_start = rest.find('/');
  const std::string_view authority = rest.substr(0, path_start);
  const std::string_view path = path_start == std::string_view::npos ? std::string_view{} : rest.substr(path_start);
  // A bare IPv6 address is a host, but in a URL it stands in brackets.
  const bool bracketed = authority.starts_with('[');
  if (!config::is_authority(authority) || (!bracketed && std::ranges::count(authority, ':') > 1) || !is_path(path))
    return invalid(wrong);
  std::string url = scheme + "://" + std::string(authority);
  const auto after_host = bracketed ? authority.find(']') : 0;
  if (authority.find(':', after_host) == std::string_view::npos) url += scheme == "https" ? ":5986" : ":5985";
  url += path.empty() || path == "/" ? kDefaultPath : path;
  return url;
}

base::Result<std::chrono::seconds> refresh_of(std::string_view text) {
  long seconds = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), seconds);
  if (error != std::errc{} || end != text.end() || seconds < 1 || seconds > kMaxRefresh) {
    return invalid("Refresh=" + std::string(text) + " is not a time; valid: 1 to " + std::to_string(kMaxRefresh) +
                   " seconds");
  }
  return std::chrono::seconds(seconds);
}

base::Result<std::string> issuer_of(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c != ' ') digits += c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (digits.empty() || !config::is_thumbprint_or_empty(digits)) {
    return invalid("IssuerCA=" + std::string(text) + " is not a thumbprint; valid: 40 hexadecimal digits (SHA-1)");
  }
  return digits;
}

}  // namespace

base::Result<SubscriptionManagerAddress> parse_subscription_manager(std::string_view text) {
  if (text.size() > kMaxLength) return invalid("the text is longer than " + std::to_string(kMaxLength) + " characters");
  std::optional<std::string> url;
  std::optional<std::chrono::seconds> refresh;
  std::optional<std::string> issuer;
  for (std::string_view rest = text; !rest.empty();) {
    const auto comma = rest.find(',');
    const std::string_view part = trimmed(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    const std::string key = lower(trimmed(part.substr(0, equals)));
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : trimmed(part.substr(equals + 1));
    const bool twice = (key == "server" && url) || (key == "refresh" && refresh) || (key == "issuerca" && issuer);
    if (equals == std::string_view::npos || twice) {
      return invalid("\"" + std::string(part) + "\"" + (twice ? " is there a second time" : " is not KEY=VALUE") +
                     "; valid: Server=URL,Refresh=SECONDS,IssuerCA=THUMBPRINT");
    }
    if (key == "server") {
      ASSIGN_OR_RETURN(url, normal_url(value));
    } else if (key == "refresh") {
      ASSIGN_OR_RETURN(refresh, refresh_of(value));
    } else if (key == "issuerca") {
      ASSIGN_OR_RETURN(issuer, issuer_of(value));
    } else {
      return invalid("\"" + std::string(part) + "\" has an unknown key; valid: Server, Refresh, IssuerCA");
    }
  }
  if (!url)
    return invalid("Server= is missing; valid: Server=https://HOST:5986" + std::string(kDefaultPath) + ",Refresh=60");
  if (issuer && url->starts_with("http://"))
    return invalid("IssuerCA= is there without https; valid: an https:// address, or no IssuerCA");
  SubscriptionManagerAddress address;
  address.url = std::move(*url);
  if (refresh) address.refresh = *refresh;
  if (issuer) address.issuer_ca = std::move(*issuer);
  return address;
}

}  // namespace service
