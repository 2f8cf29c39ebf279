#include "engine/resources/count.h"

#include <charconv>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace resources {
namespace {

constexpr std::int64_t kMaxBucket = 31'622'400;

template <typename T>
bool read_number(std::string_view text, T& into) {
  const auto [at, failure] = std::from_chars(text.data(), text.data() + text.size(), into);
  return failure == std::errc() && at == text.data() + text.size();
}

/// Room for the tags around the keys of a group.
constexpr std::size_t kTags = 160;

std::string group_item(const LogCounts::Group& group) {
  xml::Writer writer;
  writer.open("c:Count").attribute("xmlns:c", wsman::resource::kCount).attribute("Events", std::to_string(group.events));
  if (group.bucket) writer.attribute("Bucket", base::format_utc(*group.bucket, 0));
  for (const std::string& key : group.keys) writer.leaf("c:Key", key);
  return writer.take();
}

/// The counts of one query, made on the first page.
class CountEnumerator final : public wsman::Enumerator {
 public:
  CountEnumerator(EventLogs& logs, LogCountRequest request) : logs_(logs), request_(std::move(request)) {}

  wsman::AsyncResult<Page> next(base::Budget budget) override {
    Page page;
    std::size_t bytes = 0;
    // The first items of an Enumerate are those that are there already: the counting waits for the first Pull.
    if (!counts_ && budget.until == base::SteadyTime::min()) co_return page;
    if (!counts_) {
      request_.until = budget.until;
      auto counted = co_await logs_.count(std::move(request_));
      if (!counted.ok()) co_return log_fault(counted.error(), "counting events");
      counts_ = std::move(*counted);
      xml::Writer writer;
      writer.open("c:Total").attribute("xmlns:c", wsman::resource::kCount);
      writer.attribute("Events", std::to_string(counts_->events));
      writer.attribute("Complete", counts_->complete ? "true" : "false");
      page.items.emplace_back().xml = writer.take();
      bytes = kTags;
    }
    for (; next_ != counts_->groups.size() && page.items.size() < budget.items; ++next_) {
      wsman::Item item;
      item.xml = group_item(counts_->groups[next_]);
      bytes += item.xml.size();
      if (bytes > budget.bytes && !page.items.empty()) break;
      page.items.push_back(std::move(item));
    }
    page.end = next_ == counts_->groups.size();
    co_return page;
  }

 private:
  EventLogs& logs_;
  LogCountRequest request_;
  std::optional<LogCounts> counts_;
  std::size_t next_ = 0;
};

wsman::Result<LogCountRequest> read_options(const wsman::Call& call) {
  LogCountRequest request;
  const std::string by = call.headers.find_option(kByOption).value_or("");
  for (std::string_view rest = by; !rest.empty();) {
    const auto comma = rest.find(',');
    const std::string_view name = base::trimmed(rest.substr(0, comma));
    const auto key = find_count_key(name);
    if (!key || request.by.size() == std::size(kCountKeys)) {
      return invalid_value(wsman::FaultCode::InvalidOptions, "Events cannot be counted by \"" + std::string(name) + "\".");
    }
    request.by.push_back(*key);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (const auto bucket = call.headers.find_option(kBucketOption)) {
    std::int64_t seconds = 0;
    if (!read_number(*bucket, seconds) || seconds < 1 || seconds > kMaxBucket) {
      return invalid_value(wsman::FaultCode::InvalidOptions, "Bucket is 1 to 31622400 seconds.");
    }
    request.bucket = std::chrono::seconds(seconds);
  }
  return request;
}

}  // namespace

std::string_view CountResource::uri() const {
  return wsman::resource::kCount;
}

wsman::Features CountResource::features() const {
  wsman::Features features;
  features.native_dialects = {wsman::kEventQueryDialect};
  features.references = false;
  return features;
}

bool CountResource::knows_option(std::string_view name) const {
  return is_query_option(name) || base::equal_ignoring_case(name, kByOption) ||
         base::equal_ignoring_case(name, kBucketOption);
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> CountResource::enumerate(const wsman::Call& call,
                                                                                wsman::EnumerateRequest request) {
  ASSIGN_OR_CO_RETURN(LogCountRequest wanted, read_options(call));
  ASSIGN_OR_CO_RETURN(wanted.query, compile_query(call, request));
  ASSIGN_OR_CO_RETURN(wanted.text, compile_text(call));
  CO_RETURN_IF_ERROR(co_await check_readable_logs(logs_, wanted.query, access_, call.who));
  co_return std::make_unique<CountEnumerator>(logs_, std::move(wanted));
}

std::optional<CountKey> find_count_key(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kCountKeys); ++i) {
    if (base::equal_ignoring_case(kCountKeys[i], name)) return static_cast<CountKey>(i);
  }
  return std::nullopt;
}

base::Result<void> read_count(xml::Element item, LogCounts& counts) {
  const bool total = item.is(wsman::resource::kCount, "Total");
  std::uint64_t events = 0;
  if ((!total && !item.is(wsman::resource::kCount, "Count")) ||
      !read_number(item.attribute("Events").value_or(""), events)) {
    return base::make_error(std::errc::invalid_argument, "an item of the answer is no count");
  }
  if (total) {
    counts.events = events;
    counts.complete = item.attribute("Complete") == "true";
    return {};
  }
  LogCounts::Group& group = counts.groups.emplace_back();
  group.events = events;
  if (const auto bucket = item.attribute("Bucket")) {
    group.bucket = base::parse_datetime(*bucket);
    if (!group.bucket) return base::make_error(std::errc::invalid_argument, "a count of the answer has an unreadable time");
  }
  for (const xml::Element key : item.children()) group.keys.push_back(key.text());
  return {};
}

}  // namespace resources
