#include "engine/resources/log.h"

#include <charconv>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace resources {
namespace {

constexpr std::uint64_t kSizeStep = 64 << 10;

std::string_view boolean(bool value) {
  return value ? "true" : "false";
}

base::Error unreadable(std::string_view name, const std::string& value) {
  return base::make_error(base::Win32::InvalidParameter,
                          "The value \"" + value + "\" of " + std::string(name) + " is not valid.");
}

/// Reads the child `name` of `element`, where it is there.
class Reader {
 public:
  explicit Reader(xml::Element element) : element_(element) {}

  base::Result<void> operator()(std::string_view name, std::string& into) {
    if (const auto text = find(name)) into = *text;
    return {};
  }
  base::Result<void> operator()(std::string_view name, bool& into) {
    const auto text = find(name);
    if (!text) return {};
    if (*text != "true" && *text != "false" && *text != "1" && *text != "0") return unreadable(name, *text);
    into = *text == "true" || *text == "1";
    return {};
  }
  base::Result<void> operator()(std::string_view name, std::uint64_t& into) {
    const auto text = find(name);
    if (!text) return {};
    const char* end = text->data() + text->size();
    const auto [at, failure] = std::from_chars(text->data(), end, into);
    if (failure != std::errc() || at != end) return unreadable(name, *text);
    return {};
  }
  base::Result<void> operator()(std::string_view name, base::WallTime& into) {
    const auto text = find(name);
    if (!text) return {};
    const auto time = base::parse_datetime(*text);
    if (!time) return unreadable(name, *text);
    into = *time;
    return {};
  }

 private:
  std::optional<std::string> find(std::string_view name) const {
    const xml::Element child = element_.child(wsman::resource::kLog, name);
    if (!child) return std::nullopt;
    const std::string text = child.text();
    return std::string(base::trimmed(text));
  }

  xml::Element element_;
};

wsman::Item item_of(const LogDescription& log) {
  wsman::Item item;
  item.xml = log_to_xml(log);
  item.selectors.push_back({"Name", log.name, {}});
  return item;
}

wsman::Fault invalid(std::string reason) {
  wsman::Fault fault = wsman::make_fault(wsman::FaultCode::InvalidRepresentation, std::move(reason));
  fault.windows_code = static_cast<std::uint32_t>(base::Win32::InvalidParameter);
  return fault;
}

}  // namespace

std::string_view LogResource::uri() const {
  return wsman::resource::kLog;
}

wsman::AsyncResult<LogDescription> LogResource::find(const wsman::Call& call) {
  const auto name = call.headers.find_selector("Name");
  if (!name) co_return wsman::make_fault(wsman::FaultCode::InsufficientSelectors, "Name the log with the selector Name.");
  auto found = co_await logs_.find_log(*name);
  if (!found.ok()) co_return wsman::as_fault(found.error(), "looking for an event log");
  if (!*found) {
    wsman::Fault fault = wsman::make_fault(wsman::FaultCode::ResourceNotFound, "There is no log " + *name + ".");
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::EvtChannelNotFound);
    co_return fault;
  }
  co_return std::move(**found);
}

wsman::AsyncResult<wsman::Item> LogResource::get(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const LogDescription log, co_await find(call));
  co_return item_of(log);
}

wsman::AsyncResult<wsman::Item> LogResource::put(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(LogDescription log, co_await find(call));
  if (!call.body.is(wsman::resource::kLog, "Log")) {
    co_return wsman::make_fault(wsman::FaultCode::SchemaValidationError, "The body is not a Log.");
  }
  LogDescription wanted = log;
  if (const auto read = read_log(call.body, wanted); !read.ok()) co_return invalid(read.error().what);
  if (wanted.max_size < kMinLogSize || wanted.max_size > kMaxLogSize) {
    co_return invalid("MaxSize is 1048576 to 2^60 bytes.");
  }
  if (wanted.auto_backup && !wanted.retention) co_return invalid("AutoBackup needs Retention.");
  log.enabled = wanted.enabled;
  log.retention = wanted.retention;
  log.auto_backup = wanted.auto_backup;
  log.max_size = (wanted.max_size + kSizeStep - 1) / kSizeStep * kSizeStep;
  auto changed = co_await logs_.set_log(log);
  if (!changed.ok()) co_return wsman::as_fault(changed.error(), "changing an event log");
  co_return item_of(log);
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> LogResource::enumerate(const wsman::Call&,
                                                                              wsman::EnumerateRequest request) {
  if (request.filter) {
    co_return wsman::make_fault(wsman::FaultCode::FilteringNotSupported, "The list of logs cannot be filtered.");
  }
  auto logs = co_await logs_.logs();
  if (!logs.ok()) co_return wsman::as_fault(logs.error(), "listing the event logs");
  std::vector<wsman::Item> items;
  for (const LogDescription& log : *logs) items.push_back(item_of(log));
  co_return wsman::enumerate_items(std::move(items));
}

std::string log_to_xml(const LogDescription& log) {
  const auto time = [](base::WallTime value) { return base::format_utc(value, 3); };
  xml::Writer writer;
  writer.open("l:Log").attribute("xmlns:l", wsman::resource::kLog);
  writer.leaf("l:Name", log.name).leaf("l:Enabled", boolean(log.enabled)).leaf("l:Type", log.type);
  writer.leaf("l:OwningPublisher", log.owning_publisher).leaf("l:Retention", boolean(log.retention));
  writer.leaf("l:AutoBackup", boolean(log.auto_backup)).leaf("l:MaxSize", std::to_string(log.max_size));
  writer.leaf("l:CreationTime", time(log.created)).leaf("l:LastAccessTime", time(log.last_access));
  writer.leaf("l:LastWriteTime", time(log.last_write)).leaf("l:FileSize", std::to_string(log.size));
  writer.leaf("l:RecordCount", std::to_string(log.records)).leaf("l:OldestRecord", std::to_string(log.oldest_record));
  writer.leaf("l:NewestRecord", std::to_string(log.newest_record));
  writer.leaf("l:Overwritten", std::to_string(log.overwritten));
  return writer.take();
}

base::Result<void> read_log(xml::Element element, LogDescription& log) {
  Reader read(element);
  RETURN_IF_ERROR(read("Name", log.name));
  RETURN_IF_ERROR(read("Enabled", log.enabled));
  RETURN_IF_ERROR(read("Type", log.type));
  RETURN_IF_ERROR(read("OwningPublisher", log.owning_publisher));
  RETURN_IF_ERROR(read("Retention", log.retention));
  RETURN_IF_ERROR(read("AutoBackup", log.auto_backup));
  RETURN_IF_ERROR(read("MaxSize", log.max_size));
  RETURN_IF_ERROR(read("CreationTime", log.created));
  RETURN_IF_ERROR(read("LastAccessTime", log.last_access));
  RETURN_IF_ERROR(read("LastWriteTime", log.last_write));
  RETURN_IF_ERROR(read("FileSize", log.size));
  RETURN_IF_ERROR(read("RecordCount", log.records));
  RETURN_IF_ERROR(read("OldestRecord", log.oldest_record));
  RETURN_IF_ERROR(read("NewestRecord", log.newest_record));
  return read("Overwritten", log.overwritten);
}

}  // namespace resources
