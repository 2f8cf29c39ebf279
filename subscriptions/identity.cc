// The two GUIDs of a subscription: who it is, and which state of it a source has.

#include <openssl/evp.h>

#include <array>

#include "engine/base/die.h"
#include "engine/base/encoding.h"
#include "engine/xml/document.h"
#include "subscriptions/subscription.h"

namespace subscriptions {
namespace {

/// The name space (RFC 4122, 4.3) of our names: any GUID, as long as it never changes.
constexpr std::array<unsigned char, 16> kNameSpace{0x6e, 0x1b, 0x0d, 0x52, 0x8f, 0x4e, 0x4c, 0x2b,
                                                   0x9d, 0x77, 0x31, 0xc5, 0xa2, 0x0e, 0x5f, 0x94};

std::string guid_named(std::string_view name) {
  std::string text(kNameSpace.begin(), kNameSpace.end());
  text += name;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1 || size < 16) {
    base::die("SHA-1 is not available");
  }
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0F) | 0x50);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3F) | 0x80);
  std::string hex = base::to_hex({reinterpret_cast<const char*>(digest.data()), 16});
  for (const std::size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, 1, '-');
  return hex;
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(":").append(std::to_string(value.size())).append(":").append(value).append("\n");
}

}  // namespace

std::string filter_of(std::string_view query) {
  const auto document = xml::Document::parse(std::string(query));
  if (!document.ok()) return std::string(query);
  return document->root().outer_xml();
}

std::string source_visible_version(const Subscription& subscription) {
  std::string canon;
  append_line(canon, "Id", subscription.id);
  append_line(canon, "Uri", subscription.uri);
  append_line(canon, "Filter", filter_of(subscription.query));
  append_line(canon, "Dialect", subscription.dialect);
  const auto items = subscription.resolved_max_items();
  append_line(canon, "MaxItems", items ? std::to_string(*items) : "");
  append_line(canon, "MaxLatency", std::to_string(subscription.resolved_max_latency().count()));
  append_line(canon, "Heartbeat", std::to_string(subscription.resolved_heartbeat().count()));
  append_line(canon, "Content", name_of(subscription.content_format));
  append_line(canon, "Locale", subscription.locale);
  append_line(canon, "ReadExisting", subscription.read_existing_events ? "true" : "false");
  append_line(canon, "Transport", base::to_lower(subscription.transport_name));
  append_line(canon, "Port", subscription.transport_port ? std::to_string(*subscription.transport_port) : "");
  append_line(canon, "Host", base::to_lower(subscription.host_name));
  return guid_named("version\n" + canon);
}

std::string identifier_of(const Subscription& subscription) {
  return guid_named("subscription\n" + base::to_lower(subscription.id));
}

std::string source_identifier_of(std::string_view id, std::string_view address) {
  std::string name = "source\n";
  append_line(name, "Id", base::to_lower(id));
  append_line(name, "Address", base::to_lower(address));
  return guid_named(name);
}

}  // namespace subscriptions
