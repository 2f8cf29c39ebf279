#include "cli/wecutil_print.h"

#include <optional>
#include <string_view>

#include "cli/json.h"
#include "engine/base/iso8601.h"

namespace cli {
namespace {

using subscriptions::EventSource;
using subscriptions::SourceStatus;
using subscriptions::Subscription;
using subscriptions::SubscriptionStatus;
using subscriptions::Type;

void add_time(JsonObject& object, std::string_view name, std::optional<base::WallTime> time) {
  if (time) object.text(name, base::format_utc(*time, 3));
}

std::string json_of(const std::vector<std::string>& values) {
  JsonArray array;
  for (const std::string& value : values) array.text(value);
  return array.take();
}

std::string json_of(const SourceStatus& source) {
  JsonObject object;
  object.text("Address", source.address).text("RunTimeStatus", name_of(source.status));
  object.number("LastError", source.delivery.last_error);
  if (source.delivery.last_error != 0) {
    object.text("ErrorMessage", source.delivery.error_message);
    add_time(object, "ErrorTime", source.delivery.error_time);
  }
  add_time(object, "NextRetryTime", source.next_retry);
  add_time(object, "LastHeartbeatTime", source.delivery.last_heartbeat);
  add_time(object, "LastEventTime", source.delivery.last_event);
  if (!source.delivery.address.empty()) object.text("NetworkAddress", source.delivery.address);
  object.number("Events", source.delivery.events).number("DroppedEvents", source.delivery.dropped);
  return object.number("LostEvents", source.lost).take();
}

std::string json_of(const EventSource& source) {
  JsonObject object;
  object.text("Address", source.address).boolean("Enabled", source.enabled);
  if (!source.user_name.empty()) object.text("UserName", source.user_name);
  if (!source.password.empty()) object.text("Password", subscriptions::kKeptPassword);
  return object.take();
}

template <typename Each>
std::string json_array(const std::vector<Each>& values) {
  JsonArray array;
  for (const Each& value : values) array.raw(json_of(value));
  return array.take();
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
      << "\n\tLastError: " << status.last_error << '\n';
  if (status.last_error != 0) {
    if (!status.error_message.empty()) out << "\tErrorMessage: " << one_line(status.error_message) << '\n';
    if (status.error_time) out << "\tErrorTime: " << base::format_local(*status.error_time, 3) << '\n';
  }
  out << "\tEventSources:\n";
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
  if (source.next_retry) out << "\t\t\tNextRetryTime: " << base::format_local(*source.next_retry, 3) << '\n';
  if (delivery.last_heartbeat) out << "\t\t\tLastHeartbeatTime: " << base::format_local(*delivery.last_heartbeat, 3) << '\n';
  // Ours: they stand there only where there is bad news.
  if (delivery.dropped != 0) out << "\t\t\tDroppedEvents: " << delivery.dropped << '\n';
  if (source.lost != 0) out << "\t\t\tLostEvents: " << source.lost << '\n';
}

void print_ids_json(std::ostream& out, const std::vector<std::string>& ids) {
  out << json_of(ids) << '\n';
}

void print_subscription_json(std::ostream& out, const Subscription& subscription) {
  JsonObject object;
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
    object.raw("AllowedIssuerCAList", json_of(subscription.allowed_issuers));
    object.raw("AllowedSubjectList", json_of(subscription.allowed_subjects));
    object.raw("DeniedSubjectList", json_of(subscription.denied_subjects));
    object.text("AllowedSourceDomainComputers", subscription.allowed_domain_computers);
  } else {
    object.text("CredentialsType", subscription.credentials_type.empty() ? "Default" : subscription.credentials_type);
    if (!subscription.common_user_name.empty()) object.text("CommonUserName", subscription.common_user_name);
    if (!subscription.common_password.empty()) object.text("CommonPassword", subscriptions::kKeptPassword);
    if (subscription.append_port_to_spn) object.boolean("AppendPortToSpn", true);
  }
  object.raw("EventSources", json_array(subscription.sources));
  out << object.take() << '\n';
}

void print_status_json(std::ostream& out, const SubscriptionStatus& status) {
  JsonObject object;
  object.text("Subscription", status.id).text("RunTimeStatus", name_of(status.status));
  object.number("LastError", status.last_error);
  if (status.last_error != 0) {
    object.text("ErrorMessage", status.error_message);
    add_time(object, "ErrorTime", status.error_time);
  }
  object.raw("EventSources", json_array(status.sources));
  out << object.take() << '\n';
}

}  // namespace cli
