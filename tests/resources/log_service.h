// The part of a service that answers for its event logs: a real store on disk behind a real dispatcher, without a network.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/principal.h"
#include "engine/base/task_group.h"
#include "engine/resources/count.h"
#include "engine/resources/event_log.h"
#include "engine/resources/log.h"
#include "engine/resources/publisher.h"
#include "engine/resources/store.h"
#include "engine/service/audit_log.h"
#include "engine/service/authorization.h"
#include "engine/service/event_logs.h"
#include "engine/wsman/client.h"
#include "engine/wsman/dispatcher.h"
#include "storage/event_store.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace test_support {

/// Event XML of a source: provider Lab, level 4, computer a.lab.example, one Data named Text. `minute` of 2024-05-01T10 UTC
/// is its time.
std::string event_xml(std::uint64_t record_id, std::string_view text, unsigned event_id = 1, unsigned minute = 0);

class LogService {
 public:
  LogService();
  ~LogService();

  /// Stores texts as if the machine a.lab.example had delivered them; what is no event is kept raw.
  void deliver(const std::string& log, std::vector<std::string> texts);

  /// A client inside the process: root on the control socket where nothing else is said.
  std::unique_ptr<wsman::Client> client(bool administrator = true);
  std::unique_ptr<wsman::Client> client(auth::Principal who);
  /// From now on the security descriptors of resources hold: this one as RootSDDL. Those of logs always do.
  void control_access(const std::string& root_sddl);
  wsman::Dispatcher& dispatcher() { return *dispatcher_; }
  storage::EventStore& store() { return *store_; }
  const std::filesystem::path& directory() const { return folder_.path(); }
  /// Closes the store, so that the folder is as a copy of it would be.
  void stop();

 private:
  TemporaryDirectory folder_;
  Loop loop_;
  std::unique_ptr<base::TaskGroup> tasks_;
  std::unique_ptr<storage::EventStore> store_;
  std::unique_ptr<service::StorageEventLogs> logs_;
  service::AuditLog audits_{"collector.lab.example", base::system_clock()};
  service::Authorization authorization_{audits_};
  std::unique_ptr<resources::EventLogResource> events_;
  std::unique_ptr<resources::LogResource> log_;
  std::unique_ptr<resources::CountResource> count_;
  std::unique_ptr<resources::PublisherResource> publisher_;
  std::unique_ptr<resources::StoreResource> store_resource_;
  std::unique_ptr<wsman::Dispatcher> dispatcher_;
};

}  // namespace test_support
