// Queries of event logs over WS-Management: what `wevtutil qe` asks for.
//
// Source: event-query for the filter; wef-wire, section 8.6, for the form of an item.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/resources/event_logs.h"
#include "engine/resources/log_access.h"
#include "engine/resources/log_query.h"
#include "engine/wsman/resource.h"

namespace resources {

/// The namespace of the attributes that tell of an event in an enumeration where it lies.
inline constexpr std::string_view kEventAttributes = "urn:muster:wsman:1:event";

/// An option of an Enumerate, beside those of log_query.h.
inline constexpr std::string_view kReverseDirectionOption = "ReverseDirection";

/// Enumerates the events that a query selects, oldest first.
///
/// The filter, in the dialect of event queries, is a QueryList, or an XPath together with the option Path; without a filter
/// the option Path alone gives a whole log. The options Text and WholeWords leave only events with a
/// text. The option ReverseDirection gives the newest first. A w:Bookmark header lets the
/// enumeration begin behind the records it names, in reading direction.
///
/// An item is `<w:Event Action="…/wsman/Event" m:Log="…" m:RecordId="…" m:Received="…" m:Machine="…" m:Quality="…">` with
/// the event XML as CDATA, as in a delivery; m is kEventAttributes; Machine is left out for a host's own events and Quality
/// ("Repaired", "Raw") for good ones. Each page carries the w:Bookmark of its last item.
///
/// An event that is larger than any message to this client may be does not stop the enumeration: it comes with m:Cut="true"
/// and its System part only, in front of a ProcessingErrorData with error 122.
///
/// A subscription has the same filters, and gets what they select from its bookmark on, else (with ReadExistingEvents) from
/// the oldest event, else from now on; its items are the events alone, with RenderingInfo where ContentFormat is
/// RenderedText. With IgnoreChannelError a log that is missing is read once it is there.
///
/// Whoever enumerates or subscribes needs the right to read (0x1) by the ChannelAccess of every log of the query, at each
/// Pull and each delivery again.
///
/// Faults: AccessDenied; CannotProcessFilter with 15001, 15008 or 15026 for a bad query, FilterDialectRequestedUnavailable
/// for another dialect (of a subscription FilteringRequestedUnavailable), InvalidBookmark, ResourceNotFound with 15007 for a
/// log that does not exist; of a subscription also
/// FilteringRequired and OptionsInvalidValue.
class EventLogResource final : public wsman::Resource {
 public:
  /// `logs` outlives the resource, its enumerations and its subscriptions, as does `access`: without it whoever may use the
  /// resource may read all logs, and `memory`: without it nothing is remembered of subscriptions.
  explicit EventLogResource(EventLogs& logs, LogAccess* access = nullptr, base::Clock& clock = base::system_clock(),
                            SubscriptionMemory* memory = nullptr)
      : logs_(logs), access_(access), clock_(clock), memory_(memory) {}
  std::string_view uri() const override;
  wsman::Features features() const override;
  bool knows_option(std::string_view name) const override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> subscribe(const wsman::Call& call,
                                                                   const wsman::SubscribeRequest& request) override;

 private:
  EventLogs& logs_;
  LogAccess* const access_;
  base::Clock& clock_;
  SubscriptionMemory* const memory_;
};

/// The item of an enumeration that carries `record`.
std::string event_item(const LogRecord& record);

/// `record` with nothing of its event but the System part, as it is told where the event does not fit into a message.
LogRecord cut_record(const LogRecord& record);

/// Reads an item back. Errors: std::errc::invalid_argument where it is none.
base::Result<LogRecord> parse_event_item(xml::Element item);

}  // namespace resources
