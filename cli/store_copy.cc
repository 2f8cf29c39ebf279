#include "cli/store_copy.h"

#include <optional>
#include <string>

#include "engine/base/file_system.h"
#include "engine/base/win32.h"
#include "engine/resources/event_log.h"
#include "engine/resources/log.h"
#include "engine/service/event_logs.h"
#include "engine/wsman/dispatcher.h"
#include "storage/event_store.h"

namespace cli {
namespace {

/// Nobody else waits for this engine, and its messages cross no network.
constexpr std::uint64_t kMaxEnvelope = 64u << 20;

wsman::DispatcherOptions dispatcher_options() {
  wsman::DispatcherOptions options;
  options.max_envelope_size = kMaxEnvelope;
  return options;
}

}  // namespace

struct StoreCopy::State {
  State(base::DirectoryLock l, std::unique_ptr<storage::EventStore> s)
      : lock(std::move(l)), store(std::move(s)), logs(*store), events(logs), log(logs), dispatcher(dispatcher_options()) {
    dispatcher.add(events);
    dispatcher.add(log);
  }

  base::DirectoryLock lock;
  std::unique_ptr<storage::EventStore> store;
  service::StorageEventLogs logs;
  resources::EventLogResource events;
  resources::LogResource log;
  wsman::Dispatcher dispatcher;
};

StoreCopy::StoreCopy(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoreCopy::~StoreCopy() = default;

base::Result<std::unique_ptr<StoreCopy>> StoreCopy::open(const std::filesystem::path& directory) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(directory, failure);
  if (failure && failure != std::errc::no_such_file_or_directory && failure != std::errc::not_a_directory) {
    return base::make_error(failure, "look at " + directory.string());
  }
  if (!std::filesystem::exists(status)) return base::make_error(base::Win32::PathNotFound, directory.string());
  if (!std::filesystem::is_directory(status)) {
    return base::make_error(base::Win32::NotSupported,
                            directory.string() + " is a file. This version reads copies of a state directory only.");
  }
  if (!std::filesystem::exists(directory / "events.db", failure)) {
    return base::make_error(base::Win32::InvalidData, directory.string() + " holds no event store.");
  }
  auto lock = base::DirectoryLock::acquire(directory);
  if (!lock.ok()) {
    if (lock.error().code != std::errc::device_or_resource_busy) return std::move(lock).error();
    return base::make_error(base::Win32::SharingViolation,
                            lock.error().what + "\nAsk that service instead, with --state=" + directory.string() + ".");
  }
  ASSIGN_OR_RETURN(auto store, storage::EventStore::open(directory, storage::EventStoreOptions{}));
  return std::unique_ptr<StoreCopy>(new StoreCopy(std::make_unique<State>(std::move(*lock), std::move(store))));
}

std::unique_ptr<wsman::Client> StoreCopy::client() {
  wsman::Caller caller;
  caller.who.scheme = auth::Principal::Scheme::LocalPeer;
  caller.who.name = "wevtutil";
  caller.who.administrator = true;
  caller.path = "/wsman";
  caller.address = "memory";
  wsman::ClientOptions options;
  options.to = "http://localhost:5985/wsman";
  options.max_envelope_size = kMaxEnvelope;
  return std::make_unique<wsman::Client>(wsman::loopback_transport(state_->dispatcher, std::move(caller)),
                                         std::move(options));
}

base::Task<void> StoreCopy::stop() {
  co_await state_->store->stop();
}

}  // namespace cli
