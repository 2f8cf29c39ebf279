// Logs with their properties and their state over WS-Management: what `wevtutil el gl sl gli cl` and `muster import` ask
// for.

#pragma once

#include <set>
#include <string>
#include <string_view>

#include "engine/resources/event_logs.h"
#include "engine/resources/log_access.h"
#include "engine/wsman/resource.h"

namespace resources {

/// The logs of a service; the selector is Name. Get gives one, Enumerate all; Put changes Enabled, Retention, AutoBackup,
/// MaxSize, MaxAge, MaxRecords, Isolation and ChannelAccess, as far as they are given, and leaves the rest alone. Delete
/// empties the log.
///
/// An instance, all elements in the namespace urn:muster:wsman:1:log:
///
///     <l:Log xmlns:l="urn:muster:wsman:1:log">
///       <l:Name>ForwardedEvents</l:Name> <l:Enabled>true</l:Enabled> <l:Type>Operational</l:Type>
///       <l:OwningPublisher/> <l:Retention>false</l:Retention> <l:AutoBackup>false</l:AutoBackup>
///       <l:MaxSize>1073741824</l:MaxSize>                                     bytes on disk
///       <l:MaxAge>0</l:MaxAge> <l:MaxRecords>0</l:MaxRecords>                 seconds, events; 0 is no limit
///       <l:Isolation>Application</l:Isolation> <l:ChannelAccess/>             SDDL; empty is the service's default
///       <l:CreationTime/> <l:LastAccessTime/> <l:LastWriteTime/>              UTC, "2024-05-01T10:15:30.123Z"
///       <l:FileSize/> <l:RecordCount/> <l:OldestRecord/> <l:NewestRecord/>    numbers of the log's own
///       <l:TextBytes/>                                                        bytes of event text
///       <l:Overwritten/>                                                      events that retention has removed
///     </l:Log>
///
/// The action Clear empties a log as Delete does, and answers `<l:Cleared><l:Events>12</l:Events></l:Cleared>`. Its body may
/// say `<l:Clear><l:Backup>FILE</l:Backup><l:NewestRecord>88</l:NewestRecord></l:Clear>`: the file that the events were
/// written to, for the event that tells of it; and the last record that was written there: where newer ones have come,
/// nothing is removed (Concurrency with 15011).
///
/// The action Import stores the events of `<l:Import><l:Event>…</l:Event>…</l:Import>`, XML as text, in the log Name, or
/// without that selector in their own channels; it answers how many there were: `<l:Imported><l:Stored/><l:Duplicates/>
/// <l:Unreadable/></l:Imported>`. What has been imported before is a duplicate.
///
/// By a log's ChannelAccess Put and Import need the right to write (0x2), Clear and Delete that to clear (0x4); a log that
/// Import makes is as one without ChannelAccess.
///
/// Faults: AccessDenied; ResourceNotFound with 15007 for a log that does not exist, InsufficientSelectors,
/// InvalidRepresentation with 87 for a value out of range (MaxSize below 1,048,576 or above 2^60; AutoBackup without
/// Retention, Custom without ChannelAccess, …) or unreadable.
class LogResource final : public wsman::Resource {
 public:
  /// `logs` outlives the resource, as does `access`: without it whoever may use the resource may do everything with all
  /// logs.
  explicit LogResource(EventLogs& logs, LogAccess* access = nullptr) : logs_(logs), access_(access) {}
  std::string_view uri() const override;
  wsman::Features features() const override { return wsman::item_features(); }
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;
  wsman::AsyncResult<void> remove(const wsman::Call& call) override;
  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override;

 private:
  wsman::AsyncResult<LogDescription> find(const wsman::Call& call);
  /// Whether who calls may write into all of these logs.
  wsman::AsyncResult<void> check_writable(const wsman::Call& call, std::set<std::string> names);
  wsman::AsyncResult<std::uint64_t> clear(const wsman::Call& call);
  wsman::AsyncResult<std::string> import(const wsman::Call& call);

  EventLogs& logs_;
  LogAccess* const access_;
};

/// The range of LogDescription::max_size, bytes.
inline constexpr std::uint64_t kMinLogSize = 1'048'576;
inline constexpr std::uint64_t kMaxLogSize = 1ull << 60;
/// A hundred years.
inline constexpr std::chrono::seconds kMaxLogAge{std::chrono::days(36'500)};

inline constexpr std::string_view kClearMethod = "Clear";
inline constexpr std::string_view kImportMethod = "Import";
/// Events of one Import.
inline constexpr std::size_t kMaxImport = 5'000;

std::string log_to_xml(const LogDescription& log);
/// Changes in `log` what the element says; what it lacks stays. Errors: Win32::InvalidParameter naming the element.
base::Result<void> read_log(xml::Element element, LogDescription& log);

}  // namespace resources
