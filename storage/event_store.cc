#include "storage/event_store.h"

#include <atomic>
#include <charconv>

#include "engine/base/blocking.h"
#include "engine/base/deadline.h"
#include "storage/admission.h"
#include "storage/backup.h"
#include "storage/bell.h"
#include "storage/event_writer.h"
#include "storage/file_source.h"
#include "storage/log_file.h"
#include "storage/sealer.h"
#include "storage/store_readers.h"
#include "storage/store_setup.h"
#include "storage/template_index.h"
#include "storage/write_queue.h"

namespace storage {

namespace {

// What an event takes in memory besides its text, about.
constexpr std::size_t kEventOverhead = 256;

std::size_t size_of(const DeliveredBatch& batch) {
  std::size_t bytes = 0;
  for (const auto& event : batch.events) bytes += event.xml.size() + kEventOverhead;
  return bytes;
}

std::size_t size_of(const LocalBatch& batch) {
  std::size_t bytes = 0;
  for (const auto& draft : batch.drafts) {
    bytes += draft.ready_xml.size() + kEventOverhead;
    for (const auto& [name, value] : draft.data) bytes += name.size() + value.size();
  }
  return bytes;
}

CutBatch cut_all(const std::vector<events::Event>& batch, const TemplateIndex& index) {
  thread_local Cutter cutter;
  CutBatch cut;
  cut.events.reserve(batch.size());
  for (const auto& event : batch) cutter.cut(event, index, cut);
  return cut;
}

// The writing half of an open store.
class Writers {
 public:
  static base::Result<std::unique_ptr<Writers>> open(StoreShared& shared, Bell& bell) {
    std::unique_ptr<Writers> writers(new Writers(shared));
    RETURN_IF_ERROR(set_up_store(shared, writers->templates));
    ASSIGN_OR_RETURN(auto writer, EventWriter::open(shared, writers->templates, writers->bookmarks));
    WriteQueue::Hooks hooks;
    hooks.stored = [&bell] { bell.ring(); };
    hooks.committed = [sealer = &writers->sealer_at_work_](EventWriter& committed) {
      if (auto* at_work = sealer->load()) at_work->take(committed.take_aftermath(), committed.tail_bytes());
    };
    writers->queue = std::make_unique<WriteQueue>(std::move(writer), std::move(hooks));
    writers->sealer_ = std::make_unique<Sealer>(shared, *writers->queue, *writers->admission);
    writers->sealer_at_work_ = writers->sealer_.get();
    return writers;
  }
  ~Writers() { stop(); }

  void stop() {
    if (sealer_) sealer_->stop();
    admission->close();
    sealer_at_work_ = nullptr;
    if (queue) queue->stop();
  }

  TemplateIndex templates;
  BookmarkTable bookmarks;
  const std::shared_ptr<Admission> admission;
  std::unique_ptr<WriteQueue> queue;

 private:
  explicit Writers(const StoreShared& shared)
      : bookmarks(shared.options.max_bookmark_bytes),
        admission(std::make_shared<Admission>(shared.options.max_queued_bytes)) {}

  // The queue's thread speaks to the sealer, which comes after it and goes before it.
  std::atomic<Sealer*> sealer_at_work_{nullptr};
  std::unique_ptr<Sealer> sealer_;
};

base::Error read_only_error() {
  return base::make_error(Errc::ReadOnly, "the event store");
}

}  // namespace

struct EventStore::State {
  explicit State(base::Clock& store_clock) : clock(store_clock) {}

  base::Clock& clock;
  Bell bell;
  // Of a store in a folder, or of a single file.
  std::unique_ptr<StoreShared> shared;
  std::unique_ptr<ReaderShared> reader_shared;
  std::unique_ptr<FileShared> file;

  std::unique_ptr<Writers> writers;  // null where it is opened to be read
  std::unique_ptr<StoreReaders> readers;
  std::atomic<bool> stopping{false};
  base::BlockingPool pool{1};  // last: its thread uses the rest

  /// Runs a change on the writer's thread.
  template <typename T>
  base::AsyncResult<T> change(WriteQueue::Load load, std::function<base::Result<T>(EventWriter&)> call) {
    if (!writers) co_return read_only_error();
    co_return co_await writers->queue->run<T>(load, std::move(call));
  }
};

base::Result<std::unique_ptr<EventStore>> EventStore::open(const std::filesystem::path& directory,
                                                           EventStoreOptions options) {
  auto state = std::make_unique<State>(*options.clock);
  state->shared = std::make_unique<StoreShared>(directory, options);
  state->reader_shared = std::make_unique<ReaderShared>(*state->shared);
  auto& readers = *state->reader_shared;
  state->shared->let_go_of_file = [&readers](std::int64_t file) { readers.files.let_go(file); };
  StoreReaders::Connect connect = [&readers]() -> base::Result<StoreReaders::Connection> {
    ASSIGN_OR_RETURN(auto catalogue, CatalogueReader::open(readers));
    StoreReaders::Connection connection;
    connection.catalogue = catalogue.get();
    connection.logs = std::move(catalogue);
    return connection;
  };
  if (options.read_only) {
    // What cannot be read is to be known now.
    RETURN_IF_ERROR(connect());
  } else {
    ASSIGN_OR_RETURN(state->writers, Writers::open(*state->shared, state->bell));
  }
  state->readers = std::make_unique<StoreReaders>(std::move(connect), state->clock, !options.read_only);
  return std::unique_ptr<EventStore>(new EventStore(std::move(state)));
}

base::Result<std::unique_ptr<EventStore>> open_log_file(const std::filesystem::path& file) {
  auto state = std::make_unique<EventStore::State>(base::system_clock());
  ASSIGN_OR_RETURN(state->file, FileShared::open(file));
  StoreReaders::Connect connect = [shared = state->file.get()]() -> base::Result<StoreReaders::Connection> {
    StoreReaders::Connection connection;
    connection.logs = std::make_unique<FileSource>(*shared);
    return connection;
  };
  state->readers = std::make_unique<StoreReaders>(std::move(connect), state->clock, false);
  return std::unique_ptr<EventStore>(new EventStore(std::move(state)));
}

EventStore::EventStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventStore::~EventStore() = default;

base::AsyncResult<AppendResult> EventStore::append(DeliveredBatch batch) {
  if (!state_->writers) co_return read_only_error();
  const WriteQueue::Load load{size_of(batch), batch.events.size()};
  const auto place = co_await state_->writers->admission->enter(load.bytes);
  if (!place) co_return base::make_error(Errc::Stopped, "the event store");
  // Here, so that the one thread that writes has less to do.
  const auto cut = cut_all(batch.events, state_->writers->templates);
  std::function<base::Result<AppendResult>(EventWriter&)> change = [&](EventWriter& writer) {
    return writer.append(batch, cut);
  };
  co_return co_await state_->change<AppendResult>(load, std::move(change));
}

base::AsyncResult<void> EventStore::append_local(const LocalBatch& batch) {
  if (!state_->writers) co_return read_only_error();
  const WriteQueue::Load load{size_of(batch), batch.drafts.size()};
  const auto place = co_await state_->writers->admission->enter(load.bytes);
  if (!place) co_return base::make_error(Errc::Stopped, "the event store");
  co_return co_await state_->change<void>(load, [&batch](EventWriter& writer) { return writer.append_local(batch); });
}

base::AsyncResult<std::optional<std::string>> EventStore::find_position(std::string source) {
  co_return co_await state_->readers->find_position(std::move(source));
}

base::AsyncResult<std::uint64_t> EventStore::cleared_record(std::string name) {
  ASSIGN_OR_CO_RETURN(const auto text, co_await state_->readers->find_position(cleared_key(name)));
  std::uint64_t record = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), record);
  co_return record;
}

base::AsyncResult<void> EventStore::update_delivery(DeliveryUpdate update) {
  co_return co_await state_->change<void>({}, [&update](EventWriter& writer) { return writer.update_delivery(update); });
}

base::AsyncResult<std::vector<DeliveryState>> EventStore::delivery_states(std::optional<std::string> subscription) {
  co_return co_await state_->readers->delivery_states(std::move(subscription), std::nullopt);
}

base::AsyncResult<std::optional<DeliveryState>> EventStore::find_delivery_state(std::string subscription,
                                                                                std::string machine) {
  ASSIGN_OR_CO_RETURN(auto states, co_await state_->readers->delivery_states(std::move(subscription), std::move(machine)));
  if (states.empty()) co_return std::optional<DeliveryState>();
  co_return std::optional(std::move(states.front()));
}

base::AsyncResult<std::optional<std::string>> EventStore::find_bookmark(std::string_view subscription,
                                                                        std::string_view machine) {
  if (state_->writers) {
    auto answer = state_->writers->bookmarks.find(subscription, machine);
    if (answer.known) co_return std::move(answer.bookmark);
  }
  ASSIGN_OR_CO_RETURN(auto state, co_await find_delivery_state(std::string(subscription), std::string(machine)));
  co_return state ? std::move(state->bookmark) : std::nullopt;
}

base::AsyncResult<void> EventStore::forget_subscription(std::string subscription) {
  co_return co_await state_->change<void>(
      {}, [&subscription](EventWriter& writer) { return writer.forget_subscription(subscription); });
}

base::AsyncResult<void> EventStore::forget_machines(std::string subscription, std::vector<std::string> machines,
                                                    base::WallTime before) {
  co_return co_await state_->change<void>(
      {}, [&](EventWriter& writer) { return writer.forget_machines(subscription, machines, before); });
}

base::AsyncResult<ReadResult> EventStore::read(ReadRequest request) {
  co_return co_await state_->readers->read(std::move(request));
}

base::AsyncResult<CountResult> EventStore::count(CountRequest request) {
  co_return co_await state_->readers->count(std::move(request));
}

base::AsyncResult<std::vector<Log>> EventStore::logs() {
  co_return co_await state_->readers->logs();
}

base::AsyncResult<std::optional<Log>> EventStore::find_log(std::string name) {
  co_return co_await state_->readers->find_log(std::move(name));
}

base::AsyncResult<void> EventStore::set_log(LogProperties properties) {
  co_return co_await state_->change<void>({}, [&properties](EventWriter& writer) { return writer.set_log(properties); });
}

base::AsyncResult<void> EventStore::clear_log(std::string name, std::optional<std::uint64_t> newest) {
  co_return co_await state_->change<void>({},
                                          [&name, newest](EventWriter& writer) { return writer.clear_log(name, newest); });
}

base::AsyncResult<void> EventStore::backup(std::filesystem::path directory) {
  if (!state_->shared) co_return base::make_error(std::errc::operation_not_supported, "a single file is copied as it is");
  co_return co_await state_->pool.run([this, &directory]() -> base::Result<void> {
    return back_up_store(*state_->shared, directory, [this] { return state_->stopping.load(); });
  });
}

std::uint64_t EventStore::generation() const {
  return state_->bell.generation();
}

base::Task<void> EventStore::wait_past(std::uint64_t seen, base::SteadyTime until) {
  if (generation() != seen) co_return;
  if (until == base::SteadyTime::max()) {
    co_await state_->bell.wait_past(seen);
  } else {
    co_await base::first_of(state_->bell.wait_past(seen), state_->clock.sleep_until(until));
  }
}

base::Task<void> EventStore::stop() {
  state_->stopping = true;
  if (state_->writers) {
    auto save = state_->change<void>(
        {}, [this](EventWriter& writer) { return writer.set_last_access(state_->readers->accessed().all()); });
    // Where it fails there is nothing to save it in.
    (void)co_await std::move(save);
  }
  co_await state_->pool.run([this] {
    state_->readers->stop();
    if (state_->reader_shared) state_->reader_shared->files.close();
    // The writer goes last: only it can move the journal into the file and remove it.
    if (state_->writers) state_->writers->stop();
  });
  state_->bell.ring(true);
}

}  // namespace storage
