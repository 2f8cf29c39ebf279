#include "storage/sealer.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "engine/base/file_system.h"
#include "engine/base/iso8601.h"
#include "engine/base/log.h"

namespace storage {
namespace {

// Tails may be so large in all before those who append have to wait for the sealer.
constexpr std::uint64_t kMaxTailBytes = 64u << 20;
// A sealer that is behind only merges very small blocks.
constexpr std::uint64_t kBehindBytes = 16u << 20;
constexpr std::uint64_t kSmallBlockBehind = 64;
// One that has just sealed something leaves alone what compresses well enough: merging costs as much as taking in.
constexpr std::uint64_t kSmallBlockInHaste = 256;
// What is read from the tail at once.
constexpr std::uint64_t kMaxBytesAtOnce = 24u << 20;
constexpr std::uint64_t kMaxTextAtOnce = 96u << 20;
constexpr std::size_t kOpenWriters = 16;
constexpr std::size_t kCacheBytes = 1u << 20;
// Who has sealed something so lately is in haste: a better compression would only cost those who append.
constexpr auto kHaste = std::chrono::seconds(5);
constexpr auto kTick = std::chrono::seconds(1);
constexpr auto kRound = std::chrono::minutes(1);

std::int64_t day_of(std::int64_t nanoseconds) {
  return std::chrono::floor<std::chrono::days>(base::WallTime(std::chrono::nanoseconds(nanoseconds)))
      .time_since_epoch()
      .count();
}

base::Result<void> sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return base::errno_error("open " + folder.string());
  const int failed = ::fsync(descriptor);
  auto error = base::errno_error("sync " + folder.string());
  ::close(descriptor);
  if (failed != 0) return error;
  return {};
}

}  // namespace

Sealer::Sealer(StoreShared& shared, WriteQueue& writes, Admission& admission)
    : shared_(shared), writes_(writes), admission_(admission), thread_([this] { serve(); }) {
  ::pthread_setname_np(thread_.native_handle(), "store-sealer");
}

Sealer::~Sealer() {
  stop();
}

void Sealer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  std::call_once(joined_, [this] { thread_.join(); });
}

void Sealer::take(Aftermath aftermath, std::uint64_t tail_bytes) {
  {
    std::lock_guard lock(mutex_);
    tail_bytes_ = tail_bytes;
    due_.insert(aftermath.logs.begin(), aftermath.logs.end());
    full_.insert(aftermath.full.begin(), aftermath.full.end());
    std::move(aftermath.gone.begin(), aftermath.gone.end(), std::back_inserter(gone_));
    hold_or_not();
    if (aftermath.empty()) return;
  }
  changed_.notify_one();
}

void Sealer::hold_or_not() {
  const bool hold = tail_bytes_ > kMaxTailBytes && works_ && !stopping_;
  if (hold != held_) admission_.hold(hold);
  held_ = hold;
}

void Sealer::serve() {
  auto last_round = shared_.options.clock->wall();
  for (;;) {
    std::set<std::int64_t> due, full;
    std::vector<FileRow> gone;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [this] { return stopping_ || !due_.empty() || !full_.empty() || !gone_.empty(); };
      // What has failed is tried again after a tick, not at once.
      if (failed_.empty()) {
        changed_.wait_for(lock, kTick, has_work);
      } else {
        changed_.wait_for(lock, kTick, [this] { return stopping_; });
      }
      due.swap(due_);
      full.swap(full_);
      gone.swap(gone_);
      if (stopping_ && gone.empty()) break;
    }
    for (const auto& file : gone) remove_from_disk(file);
    due.insert(failed_.begin(), failed_.end());
    due.insert(full.begin(), full.end());
    for (const auto log : due) {
      {
        std::lock_guard lock(mutex_);
        if (stopping_) break;
      }
      look_after(log, full.contains(log));
    }

    const auto now = shared_.options.clock->wall();
    if (now - last_round < kRound && last_round - now < kRound) continue;
    last_round = now;
    (void)writes_.call<void>([](EventWriter& writer) { return writer.look_after_logs(); });
  }
  writers_.clear();
  catalogue_.reset();
}

void Sealer::look_after(std::int64_t log, bool archive_too) {
  auto done = archive_too ? archive(log) : tend(log, false);
  const bool failed = !done.ok() && done.error().code != Errc::Stopped;
  if (failed) {
    if (failed_.insert(log).second) base::log_error("cannot seal events: {}", done.error().message());
    // What the writers know may not be true any more.
    writers_.clear();
    catalogue_.reset();
  } else if (failed_.erase(log) > 0 && done.ok()) {
    base::log_notice("events are sealed again");
  }
  std::lock_guard lock(mutex_);
  works_ = failed_.empty();
  hold_or_not();
}

base::Result<std::optional<Sealer::View>> Sealer::view_of(std::int64_t log) {
  if (!catalogue_) {
    ASSIGN_OR_RETURN(catalogue_,
                     Database::open(catalogue_file(shared_.directory), shared_.database_options(true, kCacheBytes)));
  }
  RETURN_IF_ERROR(catalogue_->begin_read());
  const auto read = [&]() -> base::Result<std::optional<View>> {
    ASSIGN_OR_RETURN(auto find, catalogue_->prepare("SELECT name, max_size FROM logs WHERE id = ?1"));
    ASSIGN_OR_RETURN(const bool found, find.bind(1, log).step());
    if (!found) return std::optional<View>();
    View view;
    view.log = log;
    view.name = find.text(0);
    view.max_size = find.is_null(1) ? shared_.options.default_max_size : static_cast<std::uint64_t>(find.integer(1));
    find.reset();
    ASSIGN_OR_RETURN(view.files, files_of_log(*catalogue_, log));
    ASSIGN_OR_RETURN(view.tail, tail_of_log(*catalogue_, log));
    return std::optional(std::move(view));
  };
  auto view = read();
  catalogue_->rollback();
  return view;
}

bool Sealer::is_past(std::int64_t received) const {
  return day_of(received) < day_of(shared_.options.clock->wall().time_since_epoch().count());
}

base::Result<void> Sealer::tend(std::int64_t log, bool all) {
  for (;;) {
    ASSIGN_OR_RETURN(const auto found, view_of(log));
    if (!found) return {};
    const auto& view = *found;
    const auto* current = view.current();
    const auto is_full = [&] { return current->bytes >= file_size_of(shared_.options, view.max_size); };
    const auto goes_on_later = [&] {
      return !view.tail.empty() && day_of(view.tail.front().summary.min_received) > day_of(current->min_received);
    };
    const bool is_over = current != nullptr && (is_past(current->min_received) || is_full() || goes_on_later());
    if (const auto blocks = blocks_to_seal(view, all); blocks > 0) {
      ASSIGN_OR_RETURN(const bool sealed, seal(view, blocks, all));
      // The log was cleared meanwhile, say: the next round will find what there is to do now.
      if (!sealed) return {};
    } else if (current != nullptr && (is_over || (all && view.tail.empty()))) {
      RETURN_IF_ERROR(finish(view));
    } else {
      return compact(view);
    }
  }
}

std::size_t Sealer::blocks_to_seal(const View& view, bool all) const {
  std::uint64_t events = 0, bytes = 0;
  for (const auto& block : view.tail) {
    events += block.summary.events;
    bytes += block.bytes;
  }
  const auto* current = view.current();
  const auto room = file_size_of(shared_.options, view.max_size);
  // The rest of a day that is over belongs into that day's file.
  const bool day_is_over = current != nullptr && is_past(current->min_received);
  if (!all && !day_is_over && events < shared_.options.seal_events && bytes < room) return 0;
  if (current != nullptr && current->bytes >= room) return 0;

  // From here on at least one block, unless it belongs to another day than the current file.
  auto size = current != nullptr ? current->bytes : 0;
  const auto day = current != nullptr ? day_of(current->min_received)
                                      : (view.tail.empty() ? 0 : day_of(view.tail.front().summary.min_received));
  std::size_t blocks = 0;
  std::uint64_t taken = 0, text = 0;
  for (const auto& block : view.tail) {
    if (day_of(block.summary.min_received) > day) break;
    if (blocks > 0 && (size >= room || taken >= kMaxBytesAtOnce || text >= kMaxTextAtOnce)) break;
    size += block.bytes;
    taken += block.bytes;
    text += block.summary.text_bytes;
    ++blocks;
  }
  return blocks;
}

base::Result<bool> Sealer::seal(const View& view, std::size_t blocks, bool all) {
  std::uint64_t tail_bytes = 0;
  {
    std::lock_guard lock(mutex_);
    tail_bytes = tail_bytes_;
  }
  const auto now = std::chrono::steady_clock::now();
  const bool in_haste = now - last_seal_ < kHaste;
  const int level = in_haste ? kLevelInHaste : kLevelAtRest;
  last_seal_ = now;
  const auto small = tail_bytes > kBehindBytes ? kSmallBlockBehind : (in_haste ? kSmallBlockInHaste : kSmallBlock);
  ASSIGN_OR_RETURN(auto raw, read_blocks(view, 0, blocks));
  std::vector<SealedBlock> sealed;
  for (std::size_t begin = 0; begin < raw.size();) {
    auto end = begin;
    std::uint64_t events = 0, text = 0;
    while (end < raw.size() && raw[end].summary.events < small && events + raw[end].summary.events <= kMaxBlockEvents &&
           text + raw[end].summary.text_bytes <= kMaxBlockText) {
      events += raw[end].summary.events;
      text += raw[end].summary.text_bytes;
      ++end;
    }
    if (end - begin < 2) {
      sealed.push_back(std::move(raw[begin]));
      ++begin;
      continue;
    }
    // The last ones are left to grow, where the tail may keep them.
    const bool is_rest = end == raw.size() && blocks == view.tail.size() && events < kMaxBlockEvents / 2;
    if (is_rest && !all && !sealed.empty()) break;
    ASSIGN_OR_RETURN(auto merged,
                     merge_blocks(builder_, std::span(raw).subspan(begin, end - begin), shared_.templates, level));
    sealed.push_back({std::move(merged.summary), std::move(merged.frames), std::move(merged.keys)});
    begin = end;
  }

  ASSIGN_OR_RETURN(const auto senders, senders_of(sealed));
  SealedBlocks change;
  change.log = view.log;
  change.first_record = sealed.front().summary.first_record;
  ASSIGN_OR_RETURN(auto* writer, writer_of(view, change.file));
  RETURN_IF_ERROR(writer->append(sealed, shared_.templates, senders));
  for (const auto& block : sealed) add_to_file(change.file, block.summary);
  change.file.bytes = writer->bytes();
  ASSIGN_OR_RETURN(const bool moved,
                   writes_.call<bool>([&change](EventWriter& events) { return events.move_into_file(change); }));
  shared_.files_generation.fetch_add(1, std::memory_order_release);
  if (moved) return true;
  // A file that goes on is cut when it is reopened.
  writers_.erase(change.file.id);
  if (change.file.first_record == change.first_record) remove_from_disk(change.file);
  return false;
}

base::Result<SegmentWriter*> Sealer::writer_of(const View& view, FileRow& file) {
  if (const auto* current = view.current()) {
    file = *current;
    const auto known = writers_.find(file.id);
    if (known != writers_.end() && known->second->last_record() == file.last_record) return known->second.get();
    writers_.erase(file.id);
  } else {
    ASSIGN_OR_RETURN(file.id, writes_.call<std::int64_t>([](EventWriter& writer) { return writer.reserve_file(); }));
    file.log = view.log;
    file.name = segment_name(view.name, static_cast<std::uint64_t>(file.id));
    file.created = shared_.options.clock->wall().time_since_epoch().count();
  }
  if (writers_.size() >= kOpenWriters) writers_.clear();
  const auto options = shared_.database_options(false, kCacheBytes);
  std::unique_ptr<SegmentWriter> writer;
  if (file.events == 0) {
    const SegmentInfo info{view.name, static_cast<std::uint64_t>(file.id),
                           base::WallTime(std::chrono::nanoseconds(file.created))};
    ASSIGN_OR_RETURN(writer, SegmentWriter::create(shared_.file(file), info, options));
  } else {
    auto reopened = SegmentWriter::reopen(shared_.file(file), file.last_record, options);
    if (!reopened.ok()) {
      // What is missing or damaged is for a repair; the tail goes on in a new file.
      if (reopened.error().code == Errc::NotFound || reopened.error().code == Errc::Corrupt) {
        RETURN_IF_ERROR(
            writes_.call<void>([&](EventWriter& events) { return events.finish_file(view.log, file.id, file.bytes); }));
      }
      return std::move(reopened).error();
    }
    writer = std::move(reopened).value();
  }
  return (writers_[file.id] = std::move(writer)).get();
}

base::Result<void> Sealer::finish(const View& view) {
  FileRow file;
  ASSIGN_OR_RETURN(auto* writer, writer_of(view, file));
  if (shared_.let_go_of_file) shared_.let_go_of_file(file.id);
  RETURN_IF_ERROR(writer->finish());
  writers_.erase(file.id);
  std::error_code failed;
  auto bytes = std::filesystem::file_size(shared_.file(file), failed);
  if (failed) bytes = file.bytes;
  RETURN_IF_ERROR(writes_.call<void>(
      [&](EventWriter& events) { return events.finish_file(view.log, file.id, static_cast<std::uint64_t>(bytes)); }));
  shared_.files_generation.fetch_add(1, std::memory_order_release);
  return {};
}

base::Result<void> Sealer::compact(const View& view) {
  const auto& tail = view.tail;
  const auto is_small = [](const TailRow& row) { return row.summary.events < kSmallBlock; };
  if (static_cast<std::size_t>(std::count_if(tail.begin(), tail.end(), is_small)) < kSmallParts) return {};
  for (std::size_t begin = 0; begin < tail.size();) {
    auto end = begin;
    std::uint64_t events = 0, text = 0;
    while (end < tail.size() && is_small(tail[end]) && events + tail[end].summary.events <= kMaxBlockEvents &&
           text + tail[end].summary.text_bytes <= kMaxBlockText) {
      events += tail[end].summary.events;
      text += tail[end].summary.text_bytes;
      ++end;
    }
    if (end - begin > 1) {
      ASSIGN_OR_RETURN(const auto blocks, read_blocks(view, begin, end));
      ASSIGN_OR_RETURN(const auto merged, merge_blocks(builder_, blocks, shared_.templates, kLevelInHaste));
      RETURN_IF_ERROR(writes_.call<bool>([&](EventWriter& writer) { return writer.replace_parts(view.log, merged); }));
      shared_.files_generation.fetch_add(1, std::memory_order_release);
    }
    begin = std::max(end, begin + 1);
  }
  return {};
}

base::Result<std::vector<SealedBlock>> Sealer::read_blocks(const View& view, std::size_t begin, std::size_t end) {
  ASSIGN_OR_RETURN(auto find, catalogue_->prepare("SELECT frames, keys FROM tail WHERE id = ?1 AND first_record = ?2"));
  std::vector<SealedBlock> blocks;
  for (auto i = begin; i < end; ++i) {
    const auto& row = view.tail[i];
    ASSIGN_OR_RETURN(const bool found, find.bind(1, row.id).bind(2, row.summary.first_record).step());
    // The log was cleared in this moment: what is left of the view will be refused.
    if (!found) return base::make_error(Errc::Stopped, "a block of " + view.name + " has gone");
    SealedBlock block;
    block.summary = row.summary;
    ASSIGN_OR_RETURN(block.frames, unpack_frames(find.blob(0)));
    ASSIGN_OR_RETURN(block.keys, decode_keys(find.blob(1)));
    blocks.push_back(std::move(block));
    find.reset();
  }
  return blocks;
}

base::Result<std::vector<Sender>> Sealer::senders_of(const std::vector<SealedBlock>& blocks) {
  std::set<std::uint32_t> ids;
  for (const auto& block : blocks) RETURN_IF_ERROR(collect_senders(block, shared_.templates, ids));
  ASSIGN_OR_RETURN(auto find, catalogue_->prepare("SELECT subscription, machine, address FROM senders WHERE id = ?1"));
  std::vector<Sender> senders;
  for (const auto id : ids) {
    ASSIGN_OR_RETURN(const bool found, find.bind(1, std::int64_t{id}).step());
    if (!found) return base::make_error(Errc::Corrupt, catalogue_->name() + " lacks a sender");
    senders.push_back({id, std::string(find.text(0)), std::string(find.text(1)), std::string(find.text(2))});
    find.reset();
  }
  return senders;
}

base::Result<void> Sealer::archive(std::int64_t log) {
  RETURN_IF_ERROR(tend(log, true));
  ASSIGN_OR_RETURN(const auto view, view_of(log));
  if (!view || view->files.empty()) return {};
  const auto folder = archive_folder(shared_.directory);
  RETURN_IF_ERROR(base::make_directories(folder));
  auto time = base::format_utc(shared_.options.clock->wall(), 0);
  std::replace(time.begin(), time.end(), ':', '-');
  // A second name for each file first: should we fall in between, it is still there under the first.
  std::vector<std::int64_t> files;
  for (const auto& file : view->files) {
    if (!file.finished) break;
    const auto from = shared_.file(file);
    const auto to = folder / ("Archive-" + encode_log_name(view->name) + "-" + time + "-" + std::to_string(file.id) +
                              std::string(kSegmentExtension));
    std::error_code failed;
    std::filesystem::create_hard_link(from, to, failed);
    if (failed && failed != std::errc::file_exists) return base::make_error(failed, "link " + to.string());
    files.push_back(file.id);
  }
  RETURN_IF_ERROR(sync_folder(folder));
  base::log_notice("the log {} was full: {} files of it are in {} now", view->name, files.size(), folder.string());
  return writes_.call<void>([&](EventWriter& writer) { return writer.take_out(log, files); });
}

void Sealer::remove_from_disk(const FileRow& file) {
  if (shared_.let_go_of_file) shared_.let_go_of_file(file.id);
  writers_.erase(file.id);
  const auto path = shared_.file(file);
  for (const char* end : {"", "-wal", "-shm", "-journal"}) {
    std::error_code failed;
    std::filesystem::remove(path.string() + end, failed);
    if (failed) base::log_warning("cannot remove {}: {}", path.string() + end, failed.message());
  }
}

}  // namespace storage
