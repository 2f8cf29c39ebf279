#include "subscriptions/status_document.h"

#include <array>
#include <charconv>

#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace subscriptions {
namespace {

constexpr std::string_view kNamespace = wsman::resource::kSubscriptionStatus;

void write_time(xml::Writer& writer, std::string_view name, std::optional<base::WallTime> time) {
  if (time) writer.leaf(name, base::format_utc(*time, 7));
}

void write_source(xml::Writer& writer, const SourceStatus& source) {
  const storage::DeliveryState& delivery = source.delivery;
  writer.leaf("Address", source.address);
  writer.leaf("RunTimeStatus", name_of(source.status));
  writer.leaf("LastError", std::to_string(delivery.last_error));
  if (delivery.last_error != 0) {
    if (!delivery.error_message.empty()) writer.leaf("ErrorMessage", delivery.error_message);
    write_time(writer, "ErrorTime", delivery.error_time);
  }
  write_time(writer, "NextRetryTime", source.next_retry);
  write_time(writer, "LastHeartbeatTime", delivery.last_heartbeat);
  write_time(writer, "LastEventTime", delivery.last_event);
  if (!delivery.address.empty()) writer.leaf("NetworkAddress", delivery.address);
  writer.leaf("Events", std::to_string(delivery.events));
  writer.leaf("DroppedEvents", std::to_string(delivery.dropped));
  writer.leaf("LostEvents", std::to_string(source.lost));
}

std::optional<RunTimeStatus> find_status(std::string_view name) {
  for (const auto status :
       {RunTimeStatus::Disabled, RunTimeStatus::Active, RunTimeStatus::Inactive, RunTimeStatus::Trying}) {
    if (name_of(status) == name) return status;
  }
  return std::nullopt;
}

template <typename Number>
Number number_in(xml::Element parent, std::string_view name) {
  const std::string text = parent.child(kNamespace, name).text();
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::optional<base::WallTime> time_in(xml::Element parent, std::string_view name) {
  const xml::Element element = parent.child(kNamespace, name);
  return element ? base::parse_datetime(element.text()) : std::nullopt;
}

base::Result<RunTimeStatus> status_in(xml::Element parent) {
  if (const auto status = find_status(parent.child(kNamespace, "RunTimeStatus").text())) return *status;
  return base::make_error(base::Win32::InvalidData, "the service's answer holds no known RunTimeStatus");
}

base::Result<SourceStatus> read_source(xml::Element element) {
  SourceStatus source;
  source.address = element.child(kNamespace, "Address").text();
  ASSIGN_OR_RETURN(source.status, status_in(element));
  storage::DeliveryState& delivery = source.delivery;
  delivery.machine = source.address;
  delivery.last_error = number_in<std::uint32_t>(element, "LastError");
  delivery.error_message = element.child(kNamespace, "ErrorMessage").text();
  delivery.error_time = time_in(element, "ErrorTime");
  source.next_retry = time_in(element, "NextRetryTime");
  delivery.last_heartbeat = time_in(element, "LastHeartbeatTime");
  delivery.last_event = time_in(element, "LastEventTime");
  delivery.address = element.child(kNamespace, "NetworkAddress").text();
  delivery.events = number_in<std::uint64_t>(element, "Events");
  delivery.dropped = number_in<std::uint64_t>(element, "DroppedEvents");
  source.lost = number_in<std::uint64_t>(element, "LostEvents");
  return source;
}

}  // namespace

std::string write_status(const SubscriptionStatus& status) {
  xml::Writer writer;
  writer.open("SubscriptionStatus").attribute("xmlns", kNamespace);
  writer.leaf("SubscriptionId", status.id);
  writer.leaf("RunTimeStatus", name_of(status.status));
  if (status.last_error != 0) {
    writer.leaf("LastError", std::to_string(status.last_error)).leaf("ErrorMessage", status.error_message);
    write_time(writer, "ErrorTime", status.error_time);
  }
  for (const SourceStatus& source : status.sources) {
    writer.open("EventSource");
    write_source(writer, source);
    writer.close();
  }
  return writer.take();
}

std::string write_source_status(const SourceStatus& source) {
  xml::Writer writer;
  writer.open("EventSource").attribute("xmlns", kNamespace);
  write_source(writer, source);
  return writer.take();
}

base::Result<SubscriptionStatus> read_status(xml::Element element) {
  SubscriptionStatus status;
  if (element.is(kNamespace, "EventSource")) {
    ASSIGN_OR_RETURN(auto source, read_source(element));
    status.sources.push_back(std::move(source));
    return status;
  }
  if (!element.is(kNamespace, "SubscriptionStatus")) {
    return base::make_error(base::Win32::InvalidData, "the service's answer is no subscription status");
  }
  status.id = element.child(kNamespace, "SubscriptionId").text();
  ASSIGN_OR_RETURN(status.status, status_in(element));
  status.last_error = number_in<std::uint32_t>(element, "LastError");
  status.error_message = element.child(kNamespace, "ErrorMessage").text();
  status.error_time = time_in(element, "ErrorTime");
  for (const xml::Element child : element.children()) {
    if (!child.is(kNamespace, "EventSource")) continue;
    ASSIGN_OR_RETURN(auto source, read_source(child));
    status.sources.push_back(std::move(source));
  }
  return status;
}

}  // namespace subscriptions
