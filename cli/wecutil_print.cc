#include "cli/wecutil_print.h"

#include <optional>
#include <string_view>

#include "engine/base/iso8601.h"

namespace cli {
namespace {

using subscriptions::EventSource;
using subscriptions::SourceStatus;
using subscriptions::Subscription;
using subscriptions::SubscriptionStatus;
using subscriptions::Type;

std::string quoted(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out.append("\\u00").append(1, kHex[static_cast<unsigned char>(c) >> 4]).append(1, kHex[c & 15]);
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

/// One JSON object on one line.
class Object {
 public:
  Object& raw(std::string_view name, std::string_view json) {
    text_ += text_.empty() ? "{" : ",";
    text_.append(quoted(name)).append(":").append(json);
    return *this;
  }
  Object& text(std::string_view name, std::string_view value) { return raw(name, quoted(value)); }
  Object& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  Object& number(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  Object& time(std::string_view name, std::optional<base::WallTime> value) {
    return value ? text(name, base::format_utc(*value, 3)) : *this;
  }
  std::string take() { return text_.empty() ? "{}" : std::move(text_) + "}"; }

 private:
  std::string text_;
};

template <typename Range, typename Write>
std::string array(const Range& range, Write write) {
  std::string text = "[";
  for (const auto& each : range) text.append(text.size() == 1 ? "" : ",").append(write(each));
  return text + "]";
}

std::string texts(const std::vector<std::string>& values) {
  return array(values, [](const std::string& value) { return quoted(value); });
}

std::string json_of(const SourceStatus& source) {
  Object object;
  object.text("Address", source.address).text("RunTimeStatus", name_of(source.status));
  object.number("LastError", source.delivery.last_error);
  if (source.delivery.last_error != 0) {
    object.text("ErrorMessage", source.delivery.error_message).time("ErrorTime", source.delivery.error_time);
  }
  object.time("LastHeartbeatTime", source.delivery.last_heartbeat).time("LastEventTime", source.delivery.last_event);
  if (!source.delivery.address.empty()) object.text("NetworkAddress", source.delivery.address);
  return object.number("Events", source.delivery.events).number("DroppedEvents", source.delivery.dropped).take();
}

std::string json_of(const EventSource& source) {
  Object object;
  object.text("Address", source.address).boolean("Enabled", source.enabled);
  if (!source.user_name.empty()) object.text("UserName", source.user_name);
  return object.take();
}

/// One line of its own, whatever the text holds: scripts read line by line.
std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return line;
}

}  // namespace

void print_status(std::ostream& out, const SubscriptionStatus& status) {
  out << "\nSubscription: " << status.id << "\n\tRunTimeStatus: " << name_of(status.status)
      << "\n\tLastError: 0\n\tEventSources:\n";
  for (const SourceStatus& source : status.sources) print_source_status(out, source);
}

void print_source_status(std::ostream& out, const SourceStatus& source) {
  const storage::DeliveryState& delivery = source.delivery;
  out << "\t\t" << one_line(source.address) << "\n\t\t\tRunTimeStatus: " << name_of(source.status)
      << "\n\t\t\tLastError: " << delivery.last_error << '\n';
  if (delivery.last_error != 0) {
    if (!delivery.error_message.empty()) out << "\t\t\tErrorMessage: " << one_line(delivery.error_message) << '\n';
    if (delivery.error_time) out << "\t\t\tErrorTime: " << base::format_local(*delivery.error_time, 3) << '\n';
  }
  if (delivery.last_heartbeat) out << "\t\t\tLastHeartbeatTime: " << base::format_local(*delivery.last_heartbeat, 3) << '\n';
}

void print_ids_json(std::ostream& out, const std::vector<std::string>& ids) {
  out << texts(ids) << '\n';
}

void print_subscription_json(std::ostream& out, const Subscription& subscription) {
  Object object;
  object.text("SubscriptionId", subscription.id).text("SubscriptionType", name_of(subscription.type));
  object.text("Description", subscription.description).boolean("Enabled", subscription.enabled);
  object.text("Uri", subscription.uri).text("ConfigurationMode", name_of(subscription.mode));
  object.text("DeliveryMode", name_of(subscription.resolved_delivery_mode()));
  if (const auto items = subscription.resolved_max_items()) object.number("DeliveryMaxItems", *items);
  object.number("DeliveryMaxLatencyTime", static_cast<std::uint64_t>(subscription.resolved_max_latency().count()));
  object.number("HeartbeatInterval", static_cast<std::uint64_t>(subscription.resolved_heartbeat().count()));
  if (!subscription.host_name.empty()) object.text("HostName", subscription.host_name);
  if (subscription.expires) object.text("Expires", subscriptions::format_expires(*subscription.expires));
  object.text("Query", subscription.query).boolean("ReadExistingEvents", subscription.read_existing_events);
  object.text("TransportName", subscription.transport_name);
  if (subscription.transport_port) object.number("TransportPort", *subscription.transport_port);
  object.text("ContentFormat", name_of(subscription.content_format));
  if (!subscription.locale.empty()) object.text("Locale", subscription.locale);
  object.text("LogFile", subscription.log_file).text("PublisherName", subscription.publisher_name);
  if (subscription.type == Type::SourceInitiated) {
    object.raw("AllowedIssuerCAList", texts(subscription.allowed_issuers));
    object.raw("AllowedSubjectList", texts(subscription.allowed_subjects));
    object.raw("DeniedSubjectList", texts(subscription.denied_subjects));
    object.text("AllowedSourceDomainComputers", subscription.allowed_domain_computers);
  } else {
    object.text("CredentialsType", subscription.credentials_type.empty() ? "Default" : subscription.credentials_type);
    if (!subscription.common_user_name.empty()) object.text("CommonUserName", subscription.common_user_name);
  }
  object.raw("EventSources", array(subscription.sources, [](const EventSource& source) { return json_of(source); }));
  out << object.take() << '\n';
}

void print_status_json(std::ostream& out, const SubscriptionStatus& status) {
  Object object;
  object.text("Subscription", status.id).text("RunTimeStatus", name_of(status.status)).number("LastError", 0);
  object.raw("EventSources", array(status.sources, [](const SourceStatus& source) { return json_of(source); }));
  out << object.take() << '\n';
}

}  // namespace cli
