// Counts of events over WS-Management: what `wevtutil stats` asks for.

#pragma once

#include "engine/base/result.h"
#include "engine/resources/event_logs.h"
#include "engine/resources/log_access.h"
#include "engine/resources/log_query.h"
#include "engine/wsman/resource.h"
#include "engine/xml/element.h"

namespace resources {

/// Options of an Enumerate, beside those of log_query.h: names of kCountKeys with commas between them; a length in seconds.
inline constexpr std::string_view kByOption = "By";
inline constexpr std::string_view kBucketOption = "Bucket";

/// Enumerates how many events a query selects, by the keys and in the spans of time that are asked for. The filter and its
/// options are those of EventLogResource.
///
/// The first item is `<c:Total Events="1234" Complete="true"/>`, the others `<c:Count Events="12"
/// Bucket="2024-05-01T10:00:00Z"> <c:Key>4</c:Key>…</c:Count>`, by bucket and then the most events first, all in the
/// namespace urn:muster:wsman:1:count. Bucket is there where buckets were asked for; the keys stand in the order of By.
/// Complete is "false" where the operation's time was over before all events were counted, or there were more than 100,000
/// different counts.
///
/// Faults: those of EventLogResource, InvalidOptions with 87 for an unknown key or a bucket that is no whole number of
/// seconds from 1 to 31,622,400.
class CountResource final : public wsman::Resource {
 public:
  /// `logs` outlives the resource and its enumerations, as does `access`: without it whoever may use the resource may read
  /// all logs.
  explicit CountResource(EventLogs& logs, LogAccess* access = nullptr) : logs_(logs), access_(access) {}
  std::string_view uri() const override;
  wsman::Features features() const override;
  bool knows_option(std::string_view name) const override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;

 private:
  EventLogs& logs_;
  LogAccess* const access_;
};

/// Reads an item back: adds a group to `counts`, or sets its total. Errors: std::errc::invalid_argument where it is none.
base::Result<void> read_count(xml::Element item, LogCounts& counts);

/// The key of that name in kCountKeys, whatever the case; nothing for other text.
std::optional<CountKey> find_count_key(std::string_view name);

}  // namespace resources
