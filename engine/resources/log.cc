#include "engine/resources/log.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "engine/auth/security_descriptor.h"
#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/resources/log_query.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace resources {
namespace {

constexpr std::uint64_t kSizeStep = 64 << 10;
constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxDescriptor = 4096;
constexpr std::string_view kIsolations[] = {"Application", "System", "Custom"};
/// The service writes it; imported events would pass for its own.
constexpr std::string_view kOwnLog = "Muster/Operational";
/// Where events go that name no log.
constexpr std::string_view kDefaultLog = "ForwardedEvents";

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
  return invalid_value(wsman::FaultCode::InvalidRepresentation, std::move(reason));
}

/// The text of a child of a request's body.
std::optional<std::string> field(xml::Element body, std::string_view name) {
  const xml::Element child = body.child(wsman::resource::kLog, name);
  if (!child) return std::nullopt;
  const std::string text = child.text();
  return std::string(base::trimmed(text));
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
  if (!*found) co_return log_not_found(*name);
  co_return std::move(**found);
}

wsman::AsyncResult<wsman::Item> LogResource::get(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const LogDescription log, co_await find(call));
  co_return item_of(log);
}

wsman::AsyncResult<wsman::Item> LogResource::put(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(LogDescription log, co_await find(call));
  CO_RETURN_IF_ERROR(check_log_access(access_, call.who, &log, auth::rights::kWriteLog));
  if (!call.body.is(wsman::resource::kLog, "Log")) {
    co_return wsman::make_fault(wsman::FaultCode::SchemaValidationError, "The body is not a Log.");
  }
  LogDescription wanted = log;
  if (const auto read = read_log(call.body, wanted); !read.ok()) co_return invalid(read.error().what);
  if (wanted.max_size < kMinLogSize || wanted.max_size > kMaxLogSize) {
    co_return invalid("MaxSize is 1048576 to 2^60 bytes.");
  }
  if (wanted.auto_backup && !wanted.retention) co_return invalid("AutoBackup needs Retention.");
  if (wanted.max_age.count() < 0 || wanted.max_age > kMaxLogAge) co_return invalid("MaxAge is 0 to 3153600000 seconds.");
  const auto isolation = std::find_if(std::begin(kIsolations), std::end(kIsolations), [&](std::string_view known) {
    return base::equal_ignoring_case(known, wanted.isolation);
  });
  if (isolation == std::end(kIsolations)) co_return invalid("Isolation is Application, System or Custom.");
  if (*isolation == "Custom" && wanted.channel_access.empty()) co_return invalid("Isolation Custom needs ChannelAccess.");
  if (!wanted.channel_access.empty()) {
    if (wanted.channel_access.size() > kMaxDescriptor) co_return invalid("ChannelAccess is too long.");
    const auto descriptor = auth::SecurityDescriptor::parse(wanted.channel_access);
    if (!descriptor.ok()) co_return invalid("ChannelAccess: " + descriptor.error().what + ".");
    if (!descriptor->controls_access()) co_return invalid("ChannelAccess has no list D: of who may do what.");
  }
  log.enabled = wanted.enabled;
  log.max_age = wanted.max_age;
  log.max_records = wanted.max_records;
  log.isolation = *isolation;
  log.channel_access = wanted.channel_access;
  log.retention = wanted.retention;
  log.auto_backup = wanted.auto_backup;
  log.max_size = (wanted.max_size + kSizeStep - 1) / kSizeStep * kSizeStep;
  auto changed = co_await logs_.set_log(log);
  if (!changed.ok()) co_return wsman::as_fault(changed.error(), "changing an event log");
  base::log_notice("{} ({}) has changed the log {}", call.who.name, call.address, log.name);
  co_return item_of(log);
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> LogResource::enumerate(const wsman::Call&, wsman::EnumerateRequest) {
  auto logs = co_await logs_.logs();
  if (!logs.ok()) co_return wsman::as_fault(logs.error(), "listing the event logs");
  std::vector<wsman::Item> items;
  for (const LogDescription& log : *logs) items.push_back(item_of(log));
  co_return wsman::enumerate_items(std::move(items));
}

wsman::AsyncResult<void> LogResource::remove(const wsman::Call& call) {
  auto cleared = co_await clear(call);
  if (!cleared.ok()) co_return std::move(cleared).error();
  co_return wsman::Result<void>();
}

wsman::AsyncResult<std::uint64_t> LogResource::clear(const wsman::Call& call) {
  const auto name = call.headers.find_selector("Name");
  if (!name) co_return wsman::make_fault(wsman::FaultCode::InsufficientSelectors, "Name the log with the selector Name.");
  if (access_ != nullptr) {
    ASSIGN_OR_CO_RETURN(const LogDescription log, co_await find(call));
    CO_RETURN_IF_ERROR(check_log_access(access_, call.who, &log, auth::rights::kClearLog));
  }
  LogClear wanted;
  wanted.log = *name;
  wanted.user = call.who.name;
  if (call.body) {
    wanted.backup = field(call.body, "Backup").value_or("");
    if (wanted.backup.size() > kMaxPath) co_return invalid("Backup is too long.");
    if (field(call.body, "NewestRecord")) {
      std::uint64_t newest = 0;
      Reader read(call.body);
      if (auto done = read("NewestRecord", newest); !done.ok()) co_return invalid(done.error().what);
      wanted.newest = newest;
    }
  }
  auto removed = co_await logs_.clear(std::move(wanted));
  if (removed.ok()) co_return *removed;
  if (removed.error().code == std::errc::resource_unavailable_try_again) {
    wsman::Fault fault = wsman::make_fault(wsman::FaultCode::Concurrency, "The log has grown beyond NewestRecord.");
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::EvtQueryResultStale);
    co_return fault;
  }
  co_return log_fault(removed.error(), "clearing an event log");
}

wsman::AsyncResult<void> LogResource::check_writable(const wsman::Call& call, std::set<std::string> names) {
  if (access_ == nullptr) co_return wsman::Result<void>();
  for (const std::string& name : names) {
    std::string wanted(name.empty() ? kDefaultLog : std::string_view(name));
    auto log = co_await logs_.find_log(std::move(wanted));
    if (!log.ok()) co_return wsman::as_fault(log.error(), "looking for an event log");
    const LogDescription* known = *log ? &**log : nullptr;
    CO_RETURN_IF_ERROR(check_log_access(access_, call.who, known, auth::rights::kWriteLog));
  }
  co_return wsman::Result<void>();
}

wsman::AsyncResult<std::string> LogResource::import(const wsman::Call& call) {
  LogImport wanted;
  wanted.log = call.headers.find_selector("Name").value_or("");
  wanted.user = call.who.name;
  std::uint64_t unreadable = 0;
  std::set<std::string> into;
  for (const xml::Element child : call.body.children()) {
    if (!child.is(wsman::resource::kLog, "Event")) {
      co_return wsman::make_fault(wsman::FaultCode::SchemaValidationError, "The body of Import holds other than Event.");
    }
    if (wanted.events.size() + unreadable >= kMaxImport) co_return invalid("Import takes at most 5000 events at once.");
    events::Event event = events::Event::from_wire(child.text());
    if (event.quality == events::Quality::Raw) {
      ++unreadable;
      continue;
    }
    const std::string& log = wanted.log.empty() ? event.system.channel : wanted.log;
    if (base::equal_ignoring_case(log, kOwnLog)) {
      co_return invalid("Muster/Operational is this service's own log: name another one to import into.");
    }
    into.insert(log);
    wanted.events.push_back(std::move(event));
  }
  CO_RETURN_IF_ERROR(co_await check_writable(call, std::move(into)));
  LogImported imported;
  if (!wanted.events.empty()) {
    auto done = co_await logs_.import(std::move(wanted));
    if (!done.ok()) co_return log_fault(done.error(), "importing events");
    imported = *done;
  }
  xml::Writer writer;
  writer.open("l:Imported").attribute("xmlns:l", wsman::resource::kLog);
  writer.leaf("l:Stored", std::to_string(imported.stored)).leaf("l:Duplicates", std::to_string(imported.duplicates));
  co_return writer.leaf("l:Unreadable", std::to_string(unreadable)).take();
}

wsman::AsyncResult<std::string> LogResource::invoke(const wsman::Call& call, std::string method) {
  if (method == kImportMethod) co_return co_await import(call);
  if (method != kClearMethod) co_return co_await Resource::invoke(call, std::move(method));
  ASSIGN_OR_CO_RETURN(const std::uint64_t removed, co_await clear(call));
  xml::Writer writer;
  writer.open("l:Cleared").attribute("xmlns:l", wsman::resource::kLog).leaf("l:Events", std::to_string(removed));
  co_return writer.take();
}

std::string log_to_xml(const LogDescription& log) {
  const auto time = [](base::WallTime value) { return base::format_utc(value, 3); };
  xml::Writer writer;
  writer.open("l:Log").attribute("xmlns:l", wsman::resource::kLog);
  writer.leaf("l:Name", log.name).leaf("l:Enabled", boolean(log.enabled)).leaf("l:Type", log.type);
  writer.leaf("l:OwningPublisher", log.owning_publisher).leaf("l:Retention", boolean(log.retention));
  writer.leaf("l:AutoBackup", boolean(log.auto_backup)).leaf("l:MaxSize", std::to_string(log.max_size));
  writer.leaf("l:MaxAge", std::to_string(log.max_age.count())).leaf("l:MaxRecords", std::to_string(log.max_records));
  writer.leaf("l:Isolation", log.isolation).leaf("l:ChannelAccess", log.channel_access);
  writer.leaf("l:CreationTime", time(log.created)).leaf("l:LastAccessTime", time(log.last_access));
  writer.leaf("l:LastWriteTime", time(log.last_write)).leaf("l:FileSize", std::to_string(log.size));
  writer.leaf("l:RecordCount", std::to_string(log.records)).leaf("l:OldestRecord", std::to_string(log.oldest_record));
  writer.leaf("l:TextBytes", std::to_string(log.text_bytes)).leaf("l:NewestRecord", std::to_string(log.newest_record));
  writer.leaf("l:Overwritten", std::to_string(log.overwritten)).leaf("l:Lost", std::to_string(log.lost));
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
  std::uint64_t age = static_cast<std::uint64_t>(log.max_age.count());
  RETURN_IF_ERROR(read("MaxAge", age));
  // Out of range is told by the one who checks ranges.
  log.max_age = std::chrono::seconds(std::min<std::uint64_t>(age, std::numeric_limits<std::int64_t>::max()));
  RETURN_IF_ERROR(read("MaxRecords", log.max_records));
  RETURN_IF_ERROR(read("Isolation", log.isolation));
  RETURN_IF_ERROR(read("ChannelAccess", log.channel_access));
  RETURN_IF_ERROR(read("CreationTime", log.created));
  RETURN_IF_ERROR(read("LastAccessTime", log.last_access));
  RETURN_IF_ERROR(read("LastWriteTime", log.last_write));
  RETURN_IF_ERROR(read("FileSize", log.size));
  RETURN_IF_ERROR(read("TextBytes", log.text_bytes));
  RETURN_IF_ERROR(read("RecordCount", log.records));
  RETURN_IF_ERROR(read("OldestRecord", log.oldest_record));
  RETURN_IF_ERROR(read("NewestRecord", log.newest_record));
  RETURN_IF_ERROR(read("Overwritten", log.overwritten));
  return read("Lost", log.lost);
}

}  // namespace resources
