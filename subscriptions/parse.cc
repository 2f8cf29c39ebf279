// A subscription file, read.

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/log.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "subscriptions/subscription.h"

namespace subscriptions {
namespace {

using base::Result;
using base::Win32;
using std::chrono::milliseconds;

/// Published pages print the namespace with https, and so do files that were copied from them.
constexpr std::string_view kSecureSpelling = "https://schemas.microsoft.com/2006/03/windows/events/subscription";
constexpr std::size_t kMaxListed = 20'000;
constexpr std::size_t kMaxQuoted = 80;

/// The same of the address of event logs.
constexpr std::string_view kSecureEventLog = "https://schemas.microsoft.com/wbem/wsman/1/windows/EventLog";

/// What old versions of Windows wrote and today's do not heed either.
constexpr std::array<std::string_view, 2> kObsolete{"MaxSize", "DeliveryMaxSize"};

bool is_ours(xml::Element element) {
  const auto uri = element.namespace_uri();
  return uri == kSubscriptionNamespace || uri == kSecureSpelling;
}

std::string quoted(std::string_view value) {
  std::string text = "\"";
  text += value.substr(0, kMaxQuoted);
  text += value.size() > kMaxQuoted ? "...\"" : "\"";
  return base::repaired_utf8(text).text;
}

base::Error wrong(std::string_view element, std::string_view problem) {
  return base::make_error(Win32::InvalidParameter, base::format_text("{}: {}", element, problem));
}

std::string text_of(xml::Element element) {
  return std::string(base::trimmed(element.text()));
}

// Each reader takes the trimmed text of an element that is not empty.

Result<bool> read_boolean(std::string_view name, std::string_view text) {
  if (base::equal_ignoring_case(text, "true") || text == "1") return true;
  if (base::equal_ignoring_case(text, "false") || text == "0") return false;
  return wrong(name, quoted(text) + " is not a boolean; true or false is");
}

Result<std::uint32_t> read_number(std::string_view name, std::string_view text, std::uint32_t least, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc() && end == text.data() + text.size() && value >= least && value <= most) return value;
  return wrong(name, base::format_text("{} is not a whole number from {} to {}", quoted(text), least, most));
}

Result<milliseconds> read_milliseconds(std::string_view name, std::string_view text) {
  ASSIGN_OR_RETURN(const std::uint32_t value, read_number(name, text, 1, std::numeric_limits<std::uint32_t>::max()));
  return milliseconds(value);
}

template <typename Enum>
Result<Enum> read_name(std::string_view name, std::string_view text, std::optional<Enum> found, std::string_view valid) {
  if (found) return *found;
  return wrong(name, quoted(text) + " is unknown; " + std::string(valid) + " are known");
}

/// True where an element asks for nothing: no child, no text, no attribute but declarations.
bool says_nothing(xml::Element element) {
  if (element.first_child() || !base::trimmed(element.text()).empty()) return false;
  bool nothing = true;
  element.for_each_attribute([&nothing](xml::Element::Attribute attribute) {
    if (attribute.name != "xmlns" && !attribute.name.starts_with("xmlns:")) nothing = false;
  });
  return nothing;
}

/// The elements that may stand inside another one, by their local names; each at most once unless it is marked to repeat.
class Fields {
 public:
  using Take = std::function<Result<void>(xml::Element)>;
  Fields& one(std::string name, Take take) { return add(std::move(name), std::move(take), false); }
  Fields& many(std::string name, Take take) { return add(std::move(name), std::move(take), true); }

  Result<void> read(xml::Element parent) const {
    std::set<std::string_view> seen;
    for (const xml::Element child : parent.children()) {
      if (!is_ours(child)) continue;
      const auto name = child.local_name();
      const auto field = fields_.find(std::string(name));
      if (field == fields_.end()) {
        const bool obsolete = std::find(kObsolete.begin(), kObsolete.end(), name) != kObsolete.end();
        if (obsolete || says_nothing(child)) continue;
        return wrong(name, "there is no such element in " + std::string(parent.local_name()));
      }
      if (!seen.insert(field->second.slot).second && !field->second.repeats)
        return wrong(name, "stands there more than once");
      RETURN_IF_ERROR(field->second.take(child));
    }
    return {};
  }

  /// Another name of a field that is there already.
  Fields& alias(std::string name, const std::string& of) {
    fields_[std::move(name)] = fields_.at(of);
    return *this;
  }

 private:
  struct Field {
    Take take;
    bool repeats = false;
    std::string slot;
  };
  Fields& add(std::string name, Take take, bool repeats) {
    fields_[name] = Field{std::move(take), repeats, name};
    return *this;
  }
  std::map<std::string, Field> fields_;
};

/// For elements whose text is kept as it is.
Fields::Take into(std::string& target) {
  return [&target](xml::Element element) -> Result<void> {
    target = text_of(element);
    return {};
  };
}

/// An element without text says nothing: the default stays.
template <typename T, typename Read>
Fields::Take into(T& target, Read read) {
  return [&target, read](xml::Element element) -> Result<void> {
    const std::string text = text_of(element);
    if (text.empty()) return {};
    ASSIGN_OR_RETURN(target, read(element.local_name(), std::string_view(text)));
    return {};
  };
}

/// Blanks are part of a password, but not the lines around an asterisk.
Fields::Take into_password(std::string& target) {
  return [&target](xml::Element element) -> Result<void> {
    target = element.text();
    if (base::trimmed(target) == kKeptPassword) target = kKeptPassword;
    return {};
  };
}

Fields::Take into_list(std::vector<std::string>& list) {
  return [&list](xml::Element element) -> Result<void> {
    std::string text = text_of(element);
    if (text.empty()) return {};
    if (list.size() == kMaxListed) return wrong(element.local_name(), "stands there too many times");
    list.push_back(std::move(text));
    return {};
  };
}

/// Writes a QueryList that was not put into CDATA, without the namespace that it inherits from the subscription.
void write_literal(xml::Writer& writer, xml::Element element) {
  writer.open(element.local_name());
  element.for_each_attribute([&](xml::Element::Attribute attribute) {
    if (attribute.name == "xmlns" || attribute.name.starts_with("xmlns:")) return;
    writer.attribute(attribute.name, attribute.value);
  });
  if (element.first_child()) {
    for (const xml::Element child : element.children()) write_literal(writer, child);
  } else {
    writer.text(element.text());
  }
  writer.close();
}

Result<void> read_query(Subscription& subscription, xml::Element element) {
  const xml::Element literal = element.first_child();
  if (!literal) {
    subscription.query = text_of(element);
    return {};
  }
  if (literal.next_sibling() || literal.local_name() != "QueryList") {
    return wrong("Query", "holds a CDATA section or one QueryList element");
  }
  xml::Writer writer;
  write_literal(writer, literal);
  subscription.query = writer.take();
  return {};
}

Result<void> read_delivery(Subscription& subscription, xml::Element element) {
  if (const auto mode = element.attribute("Mode")) {
    const auto text = base::trimmed(*mode);
    ASSIGN_OR_RETURN(subscription.delivery_mode,
                     read_name("Delivery/@Mode", text, find_delivery_mode(text), "Push and Pull"));
  }
  Fields batching;
  batching
      .one("MaxItems", into(subscription.max_items,
                            [](auto name, auto text) -> Result<std::optional<std::uint32_t>> {
                              ASSIGN_OR_RETURN(const auto items,
                                               read_number(name, text, 1, std::numeric_limits<std::uint32_t>::max()));
                              return std::optional(items);
                            }))
      .one("MaxLatencyTime", into(subscription.max_latency, [](auto name, auto text) -> Result<std::optional<milliseconds>> {
             ASSIGN_OR_RETURN(const auto time, read_milliseconds(name, text));
             return std::optional(time);
           }));
  Fields push;
  push.one("HostName", into(subscription.host_name)).one("Heartbeat", [&](xml::Element heartbeat) -> Result<void> {
    const auto interval = heartbeat.attribute("Interval");
    if (!interval) return wrong("Heartbeat", "the attribute Interval, in milliseconds, is missing");
    ASSIGN_OR_RETURN(subscription.heartbeat, read_milliseconds("Heartbeat/@Interval", base::trimmed(*interval)));
    return {};
  });
  Fields delivery;
  delivery.one("Batching", [&](xml::Element inner) { return batching.read(inner); });
  delivery.one("PushSettings", [&](xml::Element inner) { return push.read(inner); });
  return delivery.read(element);
}

Result<void> read_source(Subscription& subscription, xml::Element element) {
  EventSource source;
  if (const auto enabled = element.attribute("Enabled")) {
    ASSIGN_OR_RETURN(source.enabled, read_boolean("EventSource/@Enabled", base::trimmed(*enabled)));
  }
  Fields fields;
  fields.one("Address", into(source.address))
      .one("UserName", into(source.user_name))
      .one("Password", into_password(source.password));
  RETURN_IF_ERROR(fields.read(element));
  if (source.address.empty()) return wrong("EventSource", "has no Address");
  if (subscription.sources.size() == kMaxListed) return wrong("EventSource", "stands there too many times");
  subscription.sources.push_back(std::move(source));
  return {};
}

Result<void> read_certificates(Subscription& subscription, xml::Element element) {
  const auto list = [](std::string item, std::vector<std::string>& target) {
    Fields fields;
    fields.many(std::move(item), into_list(target));
    return [fields](xml::Element inner) { return fields.read(inner); };
  };
  Fields fields;
  fields.one("AllowedIssuerCAList", list("IssuerCA", subscription.allowed_issuers));
  fields.one("AllowedSubjectList", list("Subject", subscription.allowed_subjects));
  fields.one("DeniedSubjectList", list("Subject", subscription.denied_subjects));
  return fields.read(element);
}

Result<std::optional<base::WallTime>> read_expires(std::string_view name, std::string_view text) {
  if (const auto time = parse_expires(text)) return std::optional(*time);
  return wrong(name, base::format_text("{} is not a time as yyyy-MM-ddThh:mm:ss[.sss][Z], or is later than {}", quoted(text),
                                       kLatestExpires));
}

}  // namespace

std::optional<base::WallTime> parse_expires(std::string_view text) {
  const auto time = base::parse_datetime(text, true);
  // Times behind 2262 all look alike as a WallTime, so the limit is judged by the year as it is written.
  if (!time || text.substr(0, 4) > kLatestExpires.substr(0, 4)) return std::nullopt;
  return time;
}

std::string format_expires(base::WallTime time) {
  return time == base::WallTime::max() ? std::string(kLatestExpires) : base::format_utc(time, 3);
}

Result<std::string> decode_subscription_file(std::string bytes) {
  std::string_view text = bytes;
  std::optional<base::Utf16Order> order;
  if (text.starts_with("\xFF\xFE")) order = base::Utf16Order::LittleEndian;
  if (text.starts_with("\xFE\xFF")) order = base::Utf16Order::BigEndian;
  if (order) {
    text.remove_prefix(2);
  } else if (text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0')) {
    // XML begins with ASCII, and no other encoding puts zeros there.
    order = text[0] == '\0' ? base::Utf16Order::BigEndian : base::Utf16Order::LittleEndian;
  }
  if (!order) {
    if (base::is_valid_utf8(text)) return bytes;
    return base::make_error(Win32::InvalidData, "it is neither UTF-8 nor UTF-16");
  }
  base::DecodedText decoded = base::utf16_to_utf8(text, *order);
  if (decoded.replaced == 0) return std::move(decoded.text);
  return base::make_error(Win32::InvalidData, base::format_text("it is not valid UTF-16 at {} places", decoded.replaced));
}

Result<Subscription> parse_subscription(std::string_view xml) {
  auto parsed = xml::Document::parse(std::string(xml));
  if (!parsed.ok()) return base::make_error(Win32::EvtMalformedXml, parsed.error().message());
  const xml::Element root = parsed->root();
  if (root.local_name() != "Subscription" || !is_ours(root)) {
    return wrong(root.local_name(), "the root of a subscription is the element Subscription in the namespace " +
                                        std::string(kSubscriptionNamespace));
  }

  Subscription subscription;
  Fields fields;
  fields.one("SubscriptionId", into(subscription.id))
      .one("SubscriptionType", into(subscription.type,
                                    [](auto name, auto text) {
                                      return read_name(name, text, find_type(text),
                                                       "SourceInitiated and CollectorInitiated");
                                    }))
      .one("Description", into(subscription.description))
      .one("Enabled", into(subscription.enabled, read_boolean))
      .one("Uri", into(subscription.uri))
      .one("ConfigurationMode", into(subscription.mode,
                                     [](auto name, auto text) {
                                       return read_name(name, text, find_configuration_mode(text),
                                                        "Normal, Custom, MinLatency and MinBandwidth");
                                     }))
      .one("Delivery", [&](xml::Element element) { return read_delivery(subscription, element); })
      .one("Expires", into(subscription.expires, read_expires))
      .one("Query", [&](xml::Element element) { return read_query(subscription, element); })
      .one("Dialect", into(subscription.dialect))
      .one("ReadExistingEvents", into(subscription.read_existing_events, read_boolean))
      .one("TransportName", into(subscription.transport_name,
                                 [](auto name, auto text) -> Result<std::string> {
                                   std::string lower = base::to_lower(text);
                                   if (lower == "http" || lower == "https") return lower;
                                   return wrong(name, quoted(text) + " is unknown; http and https are known");
                                 }))
      .one("TransportPort", into(subscription.transport_port,
                                 [](auto name, auto text) -> Result<std::optional<std::uint16_t>> {
                                   ASSIGN_OR_RETURN(const auto port, read_number(name, text, 1, 65535));
                                   return std::optional(static_cast<std::uint16_t>(port));
                                 }))
      .one("ContentFormat", into(subscription.content_format,
                                 [](auto name, auto text) {
                                   return read_name(name, text, find_content_format(text), "Events and RenderedText");
                                 }))
      .one("Locale",
           [&](xml::Element element) -> Result<void> {
             if (const auto language = element.attribute("Language")) subscription.locale = base::trimmed(*language);
             return {};
           })
      .one("LogFile", into(subscription.log_file, [](auto, auto text) { return Result<std::string>(std::string(text)); }))
      .one("PublisherName",
           into(subscription.publisher_name, [](auto, auto text) { return Result<std::string>(std::string(text)); }))
      .one("CredentialsType", into(subscription.credentials_type))
      .one("CommonUserName", into(subscription.common_user_name))
      .one("CommonPassword", into_password(subscription.common_password))
      .one("EventSources",
           [&](xml::Element element) {
             Fields sources;
             sources.many("EventSource", [&](xml::Element source) { return read_source(subscription, source); });
             return sources.read(element);
           })
      .one("AllowedSourceNonDomainComputers", [&](xml::Element element) { return read_certificates(subscription, element); })
      .one("AllowedSourceDomainComputers", into(subscription.allowed_domain_computers))
      .alias("AllowedSourceSDDL", "AllowedSourceDomainComputers");
  RETURN_IF_ERROR(fields.read(root));
  if (const auto extension = root.child(kExtensionNamespace, "AppendPortToSpn")) {
    ASSIGN_OR_RETURN(subscription.append_port_to_spn, read_boolean("AppendPortToSpn", text_of(extension)));
  }
  if (base::equal_ignoring_case(subscription.uri, kSecureEventLog)) subscription.uri.erase(4, 1);

  // A Delivery beside a preset mode is common in exported files: it repeats the preset and has no say.
  if (subscription.mode != ConfigurationMode::Custom) {
    subscription.delivery_mode.reset();
    subscription.max_items.reset();
    subscription.max_latency.reset();
    subscription.heartbeat.reset();
  }
  // Windows exports a Locale beside ContentFormat Events as well, where it says nothing.
  if (subscription.content_format == ContentFormat::Events) subscription.locale.clear();
  return subscription;
}

}  // namespace subscriptions
