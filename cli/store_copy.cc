#include "cli/store_copy.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "cli/event_file.h"
#include "cli/interruption.h"
#include "cli/progress.h"
#include "cli/service_connection.h"
#include "engine/base/win32.h"
#include "engine/resources/count.h"
#include "engine/resources/event_log.h"
#include "engine/resources/log.h"
#include "engine/resources/publisher.h"
#include "engine/service/event_logs.h"
#include "engine/wsman/dispatcher.h"
#include "storage/event_store.h"
#include "storage/log_file.h"

namespace cli {
namespace {

/// Nobody else waits for this engine, and its messages cross no network.
constexpr std::uint64_t kMaxEnvelope = 64u << 20;
constexpr std::size_t kBatchEvents = 2'000;
constexpr std::size_t kBatchBytes = 8u << 20;
constexpr std::size_t kMaxLogName = 255;

wsman::DispatcherOptions dispatcher_options() {
  wsman::DispatcherOptions options;
  options.max_envelope_size = kMaxEnvelope;
  return options;
}

/// A directory that goes with its owner.
class TemporaryDirectory {
 public:
  static base::Result<TemporaryDirectory> make() {
    const char* variable = std::getenv("TMPDIR");
    std::string path = std::string(variable != nullptr && *variable != '\0' ? variable : "/tmp") + "/wevtutil-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      return base::make_error(std::error_code(errno, std::generic_category()), "make a directory " + path);
    }
    TemporaryDirectory made;
    made.path_ = std::move(path);
    return made;
  }
  TemporaryDirectory() = default;
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Whether a service has the directory, found out without making a file there.
bool is_in_use(const std::filesystem::path& directory) {
  const int lock = ::open((directory / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return false;
  const bool used = ::flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(lock);
  return used;
}

base::Result<std::unique_ptr<storage::EventStore>> open_directory(const std::filesystem::path& directory) {
  std::error_code failure;
  if (!std::filesystem::exists(directory / "events.db", failure)) {
    return base::make_error(base::Win32::InvalidData, directory.string() + " holds no event store.");
  }
  if (is_in_use(directory)) {
    return base::make_error(
        base::Win32::SharingViolation,
        directory.string() + " is in use.\nAsk that service instead, with --state=" + directory.string() + ".");
  }
  storage::EventStoreOptions options;
  options.read_only = true;
  return storage::EventStore::open(directory, std::move(options));
}

base::Task<int> stop_store(storage::EventStore& store) {
  co_await store.stop();
  co_return 0;
}

/// What is taken out of a file and put into a store.
struct Loading {
  EventFile& file;
  storage::EventStore& store;
  std::string log;
  Console& console;
};

base::AsyncResult<void> load(Loading& loading) {
  const Interruption interruption;
  Progress progress(loading.console, "Reading");
  for (bool end = false; !end;) {
    storage::DeliveredBatch batch;
    std::size_t bytes = 0;
    while (batch.events.size() < kBatchEvents && bytes < kBatchBytes) {
      ASSIGN_OR_CO_RETURN(auto text, loading.file.next());
      end = !text;
      if (end) break;
      bytes += text->size();
      batch.events.push_back(events::Event::from_wire(std::move(*text)));
    }
    if (batch.events.empty()) break;
    if (loading.log.empty()) loading.log = batch.events.front().system.channel;
    if (loading.log.empty() || loading.log.size() > kMaxLogName) loading.log = "File";
    batch.log = loading.log;
    batch.received = base::system_clock().wall();
    auto stored = co_await loading.store.append(std::move(batch));
    if (!stored.ok()) co_return std::move(stored).error();
    progress.add(stored->stored, loading.file.done(), loading.file.size());
    if (interruption.requested()) co_return Interruption::error();
  }
  if (loading.file.unreadable() != 0) {
    loading.console.err << "Warning: " << loading.file.unreadable() << " events of the file cannot be read.\n";
  }
  co_return base::Result<void>{};
}

}  // namespace

bool is_log_file(const std::filesystem::path& file) {
  static constexpr std::string_view kMark = "SQLite format 3";
  std::string beginning(kMark.size(), '\0');
  std::ifstream(file, std::ios::binary).read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return beginning == kMark;
}

struct StoreCopy::State {
  explicit State(std::unique_ptr<storage::EventStore> s)
      : store(std::move(s)),
        logs(*store),
        events(logs),
        log(logs),
        count(logs),
        publisher(logs),
        dispatcher(dispatcher_options()) {
    dispatcher.add(events);
    dispatcher.add(log);
    dispatcher.add(count);
    dispatcher.add(publisher);
  }

  TemporaryDirectory temporary;
  std::unique_ptr<storage::EventStore> store;
  std::string only_log;
  service::StorageEventLogs logs;
  resources::EventLogResource events;
  resources::LogResource log;
  resources::CountResource count;
  resources::PublisherResource publisher;
  wsman::Dispatcher dispatcher;
};

StoreCopy::StoreCopy(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoreCopy::~StoreCopy() = default;

base::Result<std::unique_ptr<StoreCopy>> StoreCopy::open(Console& console, const std::filesystem::path& path) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  if (failure && failure != std::errc::no_such_file_or_directory && failure != std::errc::not_a_directory) {
    return base::make_error(failure, "look at " + path.string());
  }
  if (!std::filesystem::exists(status)) return base::make_error(base::Win32::PathNotFound, path.string());
  if (std::filesystem::is_directory(status)) {
    ASSIGN_OR_RETURN(auto store, open_directory(path));
    return std::unique_ptr<StoreCopy>(new StoreCopy(std::make_unique<State>(std::move(store))));
  }
  if (is_log_file(path)) {
    ASSIGN_OR_RETURN(auto store, storage::open_log_file(path));
    auto copy = std::unique_ptr<StoreCopy>(new StoreCopy(std::make_unique<State>(std::move(store))));
    auto logs = run_blocking(copy->state_->store->logs());
    if (logs.ok() && !logs->empty()) {
      copy->state_->only_log = logs->front().properties.name;
      return copy;
    }
    run_blocking(stop_store(*copy->state_->store));
    if (!logs.ok()) return std::move(logs).error();
    return base::make_error(base::Win32::InvalidData, path.string() + " holds no log.");
  }
  // The parser of .evtx is a child of this process: it is to be there before the store's threads are.
  ASSIGN_OR_RETURN(const auto file, EventFile::open(path));
  ASSIGN_OR_RETURN(auto temporary, TemporaryDirectory::make());
  storage::EventStoreOptions options;
  options.default_max_size = 1ull << 60;
  ASSIGN_OR_RETURN(auto store, storage::EventStore::open(temporary.path(), std::move(options)));
  auto copy = std::unique_ptr<StoreCopy>(new StoreCopy(std::make_unique<State>(std::move(store))));
  copy->state_->temporary = std::move(temporary);
  Loading loading{*file, *copy->state_->store, {}, console};
  auto loaded = run_blocking(load(loading));
  if (!loaded.ok() && loaded.error().code == base::Win32::EventlogFileCorrupt && !loading.log.empty()) {
    console.err << "Warning: " << loaded.error().what << " What came before is shown.\n";
    loaded = base::Result<void>{};
  }
  if (loaded.ok() && loading.log.empty()) {
    // A file without events is a log without events.
    loading.log = "File";
    storage::LogProperties properties;
    properties.name = loading.log;
    loaded = run_blocking(copy->state_->store->set_log(std::move(properties)));
  }
  copy->state_->only_log = loading.log;
  if (loaded.ok()) return copy;
  run_blocking(stop_store(*copy->state_->store));
  return std::move(loaded).error();
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

const std::string& StoreCopy::only_log() const {
  return state_->only_log;
}

base::Task<void> StoreCopy::stop() {
  co_await state_->store->stop();
}

}  // namespace cli
