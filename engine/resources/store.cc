#include "engine/resources/store.h"

#include <mutex>
#include <optional>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/resources/log_query.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace resources {
namespace {

constexpr std::size_t kMaxPath = 4096;
/// How long a request waits for the copy, and how often it looks.
constexpr std::chrono::seconds kWait{2};
constexpr std::chrono::milliseconds kStep{20};

/// The one who asks has named the path and may know what is wrong with it.
wsman::Fault backup_fault(const base::Error& error, const std::string& directory) {
  if (error.code == std::errc::file_exists) {
    wsman::Fault fault =
        wsman::make_fault(wsman::FaultCode::AlreadyExists, directory + " is there already and is not empty.");
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::AlreadyExists);
    return fault;
  }
  wsman::Fault fault = wsman::as_fault(error, "copying the store");
  const std::uint32_t number = base::win32_number(error.code);
  if (number == static_cast<std::uint32_t>(base::Win32::InternalError)) return fault;
  fault.windows_code = number;
  fault.reason = directory + ": " + error.message();
  return fault;
}

std::string answer(std::string_view name) {
  xml::Writer writer;
  writer.open("s:" + std::string(name)).attribute("xmlns:s", wsman::resource::kStore);
  return writer.take();
}

}  // namespace

struct StoreResource::State {
  explicit State(EventLogs& l) : logs(l) {}
  EventLogs& logs;
  std::mutex mutex;
  std::string directory;  ///< of the copy that is being made, or that nobody has asked after yet
  std::optional<base::Result<void>> outcome;

  static base::Task<void> copy(std::shared_ptr<State> state, std::string directory) {
    auto done = co_await state->logs.backup(directory);
    std::lock_guard lock(state->mutex);
    state->outcome = std::move(done);
  }

  /// Nothing while the copy is being made; the outcome is told once.
  std::optional<base::Result<void>> take() {
    std::lock_guard lock(mutex);
    if (!outcome) return std::nullopt;
    directory.clear();
    return std::exchange(outcome, std::nullopt);
  }
};

StoreResource::StoreResource(EventLogs& logs, base::TaskGroup& tasks)
    : state_(std::make_shared<State>(logs)), tasks_(tasks) {}
StoreResource::~StoreResource() = default;

std::string_view StoreResource::uri() const {
  return wsman::resource::kStore;
}

wsman::AsyncResult<std::string> StoreResource::invoke(const wsman::Call& call, std::string method) {
  if (method != kBackupMethod) co_return co_await Resource::invoke(call, std::move(method));
  const std::string directory = call.body.child(wsman::resource::kStore, "Directory").text();
  const bool usable =
      directory.starts_with('/') && directory.size() <= kMaxPath && directory.find('\0') == std::string::npos;
  if (!usable) co_return invalid_value(wsman::FaultCode::InvalidParameter, "Directory is not an absolute path.");
  bool start = false;
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->directory.empty() && state_->directory != directory) {
      // An outcome that nobody came for stands in nobody's way.
      if (!state_->outcome) co_return wsman::make_fault(wsman::FaultCode::Concurrency, "Another copy is being made.");
      state_->outcome.reset();
      state_->directory.clear();
    }
    start = state_->directory.empty();
    if (start) state_->directory = directory;
  }
  if (start) {
    base::log_notice("the store is copied to {} for {}", directory, call.who.name);
    tasks_.spawn("backup", State::copy(state_, directory));
  }
  base::Clock& clock = base::system_clock();
  const base::SteadyTime until = clock.steady() + kWait;
  for (;;) {
    if (auto outcome = state_->take()) {
      if (!outcome->ok()) co_return backup_fault(outcome->error(), directory);
      co_return answer("BackupDone");
    }
    if (clock.steady() >= until) co_return answer("BackupRunning");
    co_await clock.sleep_for(kStep);
  }
}

}  // namespace resources
