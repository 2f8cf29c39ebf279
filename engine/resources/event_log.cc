#include "engine/resources/event_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/resources/event_tail.h"
#include "engine/resources/start_position.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace resources {
namespace {

/// ERROR_INSUFFICIENT_BUFFER
constexpr std::string_view kTooLarge = "122";
/// A System part beyond this is not worth keeping.
constexpr std::size_t kMaxSystemBytes = 8 << 10;

/// Of a subscription's name, so much tells it from others.
constexpr std::size_t kMaxNameInKey = 300;

/// Of a Subscribe. Source: wef-wire, section 8.2.
constexpr std::array<std::string_view, 6> kSubscribeOptions{"SubscriptionName", "Compression",        "CDATA",
                                                            "ContentFormat",    "IgnoreChannelError", "ReadExistingEvents"};

std::string_view quality_name(events::Quality quality) {
  switch (quality) {
    case events::Quality::Good:
      break;
    case events::Quality::Repaired:
      return "Repaired";
    case events::Quality::Raw:
      return "Raw";
  }
  return "";
}

/// Names a subscription that comes again with another query or bookmark.
std::string subscription_key(const auth::Principal& who, const wsman::SubscribeRequest& request) {
  const std::string_view name = std::string_view(request.subscription_name).substr(0, kMaxNameInKey);
  return "subscriber|" + base::to_lower(who.name) + "|" + base::to_lower(name);
}

/// The events of one query, in pages.
class EventEnumerator final : public wsman::Enumerator {
 public:
  EventEnumerator(EventLogs& logs, LogAccess* access, auth::Principal who, events::Query query,
                  std::optional<events::TextSearch> text, bool newest_first, events::Bookmark after)
      : logs_(logs),
        access_(access),
        who_(std::move(who)),
        query_(std::move(query)),
        text_(std::move(text)),
        newest_first_(newest_first),
        position_(after),
        told_(std::move(after)) {}

  wsman::AsyncResult<Page> next(base::Budget budget) override {
    // What was allowed at the beginning may not be any more.
    if (checked_ && access_ != nullptr) CO_RETURN_IF_ERROR(co_await check_readable_logs(logs_, query_, access_, who_));
    checked_ = true;
    if (waiting_.empty() && !at_end_) {
      LogRead read;
      read.query = query_;
      read.text = text_;
      read.newest_first = newest_first_;
      read.after = position_;
      read.budget = budget;
      auto found = co_await logs_.read(std::move(read));
      if (!found.ok()) co_return log_fault(found.error(), "reading an event log");
      for (LogRecord& record : found->records) waiting_.push_back(std::move(record));
      position_ = std::move(found->position);
      at_end_ = found->at_end;
    }
    // What does not fit into the largest room that a message has had so far never will.
    largest_room_ = std::max(largest_room_, budget.bytes);
    Page page;
    std::size_t bytes = 0;
    while (!waiting_.empty() && page.items.size() < budget.items) {
      const LogRecord& record = waiting_.front();
      wsman::Item item;
      item.xml = event_item(record);
      events::Bookmark behind = told_;
      behind.set(record.log, record.record);
      item.bookmark = behind.to_xml();
      if (item.xml.size() + item.bookmark.size() > largest_room_) item.xml = event_item(cut_record(record));
      bytes += item.xml.size();
      if (bytes > budget.bytes && !page.items.empty()) break;
      told_ = std::move(behind);
      page.items.push_back(std::move(item));
      waiting_.pop_front();
    }
    page.end = at_end_ && waiting_.empty();
    co_return page;
  }

 private:
  EventLogs& logs_;
  LogAccess* const access_;
  const auth::Principal who_;
  bool checked_ = false;  ///< for the first page that was done already
  events::Query query_;
  std::optional<events::TextSearch> text_;
  bool newest_first_;
  events::Bookmark position_;  ///< up to where the logs have been read
  events::Bookmark told_;      ///< up to where the reader has been given items
  std::deque<LogRecord> waiting_;
  std::size_t largest_room_ = 0;
  bool at_end_ = false;
};

}  // namespace

std::string_view EventLogResource::uri() const {
  return wsman::resource::kEventLog;
}

wsman::Features EventLogResource::features() const {
  wsman::Features features;
  features.native_dialects = {wsman::kEventQueryDialect};
  features.references = false;
  return features;
}

bool EventLogResource::knows_option(std::string_view name) const {
  if (is_query_option(name) || base::equal_ignoring_case(name, kReverseDirectionOption)) return true;
  return std::ranges::any_of(kSubscribeOptions,
                             [&](std::string_view known) { return base::equal_ignoring_case(name, known); });
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> EventLogResource::enumerate(const wsman::Call& call,
                                                                                   wsman::EnumerateRequest request) {
  ASSIGN_OR_CO_RETURN(events::Query query, compile_query(call, request));
  ASSIGN_OR_CO_RETURN(auto text, compile_text(call));
  events::Bookmark after;
  if (call.headers.bookmark && *call.headers.bookmark != events::kEarliestBookmark) {
    auto parsed = events::Bookmark::parse(*call.headers.bookmark);
    if (!parsed.ok()) co_return wsman::make_fault(wsman::FaultCode::InvalidBookmark, parsed.error().message());
    after = std::move(*parsed);
  }
  // A log that is missing is told now, and not first on the first Pull.
  CO_RETURN_IF_ERROR(co_await check_readable_logs(logs_, query, access_, call.who));
  const bool newest_first = call.headers.find_option(kReverseDirectionOption) == "true";
  co_return std::make_unique<EventEnumerator>(logs_, access_, call.who, std::move(query), std::move(text), newest_first,
                                              std::move(after));
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> EventLogResource::subscribe(const wsman::Call& call,
                                                                                   const wsman::SubscribeRequest& request) {
  EventTailOptions options;
  wsman::EnumerateRequest selection;
  if (!request.filter.empty()) {
    selection.filter = wsman::Filter{request.dialect, request.filter};
  } else if (!call.headers.find_option(kPathOption)) {
    co_return wsman::make_fault(wsman::FaultCode::FilteringRequired, "A filter has to say which events are meant.");
  }
  auto query = compile_query(call, selection);
  if (!query.ok()) {
    wsman::Fault fault = std::move(query).error();
    if (fault.code == wsman::FaultCode::CannotProcessFilter) fault.code = wsman::FaultCode::WsmanCannotProcessFilter;
    co_return fault;
  }
  options.query = std::move(query).value();
  ASSIGN_OR_CO_RETURN(options.text, compile_text(call));
  const std::string& format = request.content_format;
  if (!format.empty() && format != "Raw" && format != "RenderedText") {
    co_return wsman::make_fault(wsman::FaultCode::OptionsInvalidValue, "ContentFormat is neither Raw nor RenderedText.");
  }
  options.rendered = format == "RenderedText";
  options.ignore_missing_logs = request.ignore_channel_error;
  if (request.bookmark && *request.bookmark != events::kEarliestBookmark) {
    if (auto parsed = events::Bookmark::parse(*request.bookmark); !parsed.ok()) {
      co_return wsman::make_fault(wsman::FaultCode::BookmarkFormat, parsed.error().message());
    }
  }
  options.access = access_;
  options.who = call.who;
  CO_RETURN_IF_ERROR(co_await check_readable_logs(logs_, options.query, access_, call.who, request.ignore_channel_error));
  StartBasis basis;
  basis.channels = options.query.paths();
  basis.key = subscription_key(call.who, request);
  // Without a name nobody can tell whether it is the same subscription once more.
  if (!request.subscription_name.empty()) basis.memory = memory_;
  options.memory = memory_;
  options.key = basis.key;
  options.name = request.subscription_name.empty() ? call.who.name : request.subscription_name;
  auto start = co_await find_start(request, basis, logs_);
  if (!start.ok()) co_return log_fault(start.error(), "finding where a subscription begins");
  options.after = std::move(start).value();
  co_return std::make_unique<EventTail>(logs_, std::move(options), clock_);
}

std::string event_item(const LogRecord& record) {
  std::string out;
  out.reserve(record.event.xml.size() + 512);
  const auto attribute = [&](std::string_view name, std::string_view value) {
    out += name;
    out += "=\"";
    xml::append_attribute(out, value);
    out += '"';
  };
  attribute("<w:Event Action", wsman::action::kEvent);
  attribute(" xmlns:w", wsman::ns::kWsman);
  attribute(" xmlns:m", kEventAttributes);
  attribute(" m:Log", record.log);
  attribute(" m:RecordId", std::to_string(record.record));
  attribute(" m:Received", base::format_utc(record.received, 7));
  if (!record.machine.empty()) attribute(" m:Machine", record.machine);
  if (record.event.quality != events::Quality::Good) attribute(" m:Quality", quality_name(record.event.quality));
  if (record.cut) attribute(" m:Cut", "true");
  out += '>';
  xml::append_cdata(out, record.event.xml);
  out += "</w:Event>";
  return out;
}

LogRecord cut_record(const LogRecord& record) {
  std::string system;
  if (const auto document = xml::Document::parse(record.event.xml); document.ok()) {
    if (const xml::Element element = document->root().child("System")) system = element.outer_xml();
  }
  if (system.empty() || system.size() > kMaxSystemBytes) {
    xml::Writer writer;
    writer.open("System").attribute("xmlns", events::kEventNamespace).open("Provider").attribute("Name", "Muster").close();
    writer.leaf("EventID", "0").leaf("EventRecordID", std::to_string(record.record)).leaf("Channel", record.log);
    system = writer.leaf("Computer", record.machine).take();
  }
  LogRecord cut;
  cut.log = record.log;
  cut.record = record.record;
  cut.received = record.received;
  cut.machine = record.machine;
  cut.cut = true;
  cut.event.xml = "<Event xmlns='" + std::string(events::kEventNamespace) + "'>" + system +
                  "<ProcessingErrorData><ErrorCode>" + std::string(kTooLarge) +
                  "</ErrorCode><DataItemName/><EventPayload/></ProcessingErrorData></Event>";
  return cut;
}

base::Result<LogRecord> parse_event_item(xml::Element item) {
  const auto log = item.attribute(kEventAttributes, "Log");
  const auto number = item.attribute(kEventAttributes, "RecordId");
  if (!item.is(wsman::ns::kWsman, "Event") || !log || !number) {
    return base::make_error(std::errc::invalid_argument, "an item of the answer is no event of a log");
  }
  LogRecord record;
  record.log = *log;
  const char* end = number->data() + number->size();
  const auto [at, failure] = std::from_chars(number->data(), end, record.record);
  if (failure != std::errc() || at != end) {
    return base::make_error(std::errc::invalid_argument, "an event of the answer has an unreadable record number");
  }
  record.received =
      base::parse_datetime(item.attribute(kEventAttributes, "Received").value_or("")).value_or(base::WallTime{});
  record.machine = item.attribute(kEventAttributes, "Machine").value_or("");
  record.event.xml = item.text();
  record.cut = item.attribute(kEventAttributes, "Cut") == "true";
  const std::string_view quality = item.attribute(kEventAttributes, "Quality").value_or("");
  if (quality == "Repaired") record.event.quality = events::Quality::Repaired;
  if (quality == "Raw") record.event.quality = events::Quality::Raw;
  return record;
}

}  // namespace resources
