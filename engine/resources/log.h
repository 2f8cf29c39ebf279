// Logs with their properties and their state over WS-Management: what `wevtutil el gl gli` ask for.

#pragma once

#include <string>
#include <string_view>

#include "engine/resources/event_logs.h"
#include "engine/wsman/resource.h"

namespace resources {

/// The logs of a service; the selector is Name. Get gives one, Enumerate all; Put changes Enabled, Retention, AutoBackup and
/// MaxSize, as far as they are given, and leaves the rest alone.
///
/// An instance, all elements in the namespace urn:muster:wsman:1:log:
///
///     <l:Log xmlns:l="urn:muster:wsman:1:log">
///       <l:Name>ForwardedEvents</l:Name> <l:Enabled>true</l:Enabled> <l:Type>Operational</l:Type>
///       <l:OwningPublisher/> <l:Retention>false</l:Retention> <l:AutoBackup>false</l:AutoBackup>
///       <l:MaxSize>1073741824</l:MaxSize>                                     bytes of event text
///       <l:CreationTime/> <l:LastAccessTime/> <l:LastWriteTime/>              UTC, "2024-05-01T10:15:30.123Z"
///       <l:FileSize/> <l:RecordCount/> <l:OldestRecord/> <l:NewestRecord/>    numbers of the log's own
///       <l:Overwritten/>                                                      events that retention has removed
///     </l:Log>
///
/// Faults: ResourceNotFound with 15007 for a log that does not exist, InsufficientSelectors, InvalidRepresentation with 87
/// for a value out of range (MaxSize below 1,048,576 or above 2^60; AutoBackup without Retention) or unreadable.
class LogResource final : public wsman::Resource {
 public:
  /// `logs` outlives the resource.
  explicit LogResource(EventLogs& logs) : logs_(logs) {}
  std::string_view uri() const override;
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;

 private:
  wsman::AsyncResult<LogDescription> find(const wsman::Call& call);

  EventLogs& logs_;
};

/// The range of LogDescription::max_size, bytes.
inline constexpr std::uint64_t kMinLogSize = 1'048'576;
inline constexpr std::uint64_t kMaxLogSize = 1ull << 60;

std::string log_to_xml(const LogDescription& log);
/// Changes in `log` what the element says; what it lacks stays. Errors: Win32::InvalidParameter naming the element.
base::Result<void> read_log(xml::Element element, LogDescription& log);

}  // namespace resources
