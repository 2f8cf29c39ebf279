// The event store as a whole over WS-Management: what `muster store backup` asks for.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/task_group.h"
#include "engine/resources/event_logs.h"
#include "engine/wsman/resource.h"

namespace resources {

inline constexpr std::string_view kBackupMethod = "Backup";

/// The action Backup copies the store, as of one moment, while events go on coming in; its body is
/// `<s:Backup xmlns:s="urn:muster:wsman:1:store"><s:Directory>/srv/copy</s:Directory></s:Backup>`: an absolute path on the
/// service's machine, missing or empty, that the service may write to. It answers `<s:BackupDone/>`, or `<s:BackupRunning/>`
/// after a few seconds: the same request then asks again. One copy is made at a time.
///
/// Faults: InvalidParameter with 87 for another path, AlreadyExists with 183 where something is there, Concurrency while
/// another copy is being made.
class StoreResource final : public wsman::Resource {
 public:
  /// `logs` and `tasks` outlive the resource; `tasks` is stopped before it goes.
  StoreResource(EventLogs& logs, base::TaskGroup& tasks);
  ~StoreResource() override;
  std::string_view uri() const override;
  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
  base::TaskGroup& tasks_;
};

}  // namespace resources
