#include <algorithm>
#include <limits>

#include "storage/segment_file.h"
#include "storage/segment_schema.h"
#include "storage/value_index.h"

namespace storage {
namespace {

// Inner pages, and what of the index is asked for again and again; blocks are kept by whoever reads them.
constexpr std::size_t kReaderCache = 256u << 10;

std::int64_t as_key(std::uint64_t record) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(record, std::numeric_limits<std::int64_t>::max()));
}

struct CachedRun {
  RunRow row;
  std::vector<ValueKey> directory;
};

}  // namespace

struct SegmentReader::State {
  std::unique_ptr<Database> database;
  bool finished = false;
  SegmentInfo info;

  bool runs_loaded = false;
  std::int64_t runs_version = 0;  ///< PRAGMA data_version as of then
  std::vector<CachedRun> runs;

  Statement select_summaries;
  Statement select_block;
  Statement select_frame;
  Statement select_chunk;
  Statement select_runs;
  Statement select_template;
  Statement select_sender;
  Statement select_keys;
  Statement data_version;

  base::Error damaged(const char* what) const { return base::make_error(Errc::Corrupt, database->name() + ": " + what); }

  /// `statement`, prepared when it is first used.
  base::Result<Statement*> prepared(Statement& statement, const char* sql) {
    if (!statement) {
      ASSIGN_OR_RETURN(statement, database->prepare(sql));
    }
    return &statement;
  }

  /// One state of the file for all of `question`.
  template <typename T, typename Question>
  base::Result<T> in_one_state(Question&& question) {
    if (finished) return question();
    RETURN_IF_ERROR(database->begin_read());
    base::Result<T> answer = question();
    database->rollback();
    return answer;
  }

  base::Result<void> load_runs() {
    if (finished && runs_loaded) return {};
    ASSIGN_OR_RETURN(auto* version, prepared(data_version, "PRAGMA data_version"));
    ASSIGN_OR_RETURN(const bool any, version->step());
    const auto now = any ? version->integer(0) : 0;
    version->reset();
    if (runs_loaded && now == runs_version) return {};
    runs.clear();
    runs_loaded = false;
    ASSIGN_OR_RETURN(auto* select, prepared(select_runs,
                                            "SELECT id, blocks, last_record, first_chunk, chunks, directory "
                                            "FROM value_runs ORDER BY id"));
    RunRow last;
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, select->step());
      if (!row) break;
      auto run = read_run(*select, last);
      if (!run.ok()) {
        select->reset();
        return std::move(run).error();
      }
      last = run->row;
      runs.push_back(std::move(run).value());
    }
    runs_loaded = true;
    runs_version = now;
    return {};
  }

  base::Result<CachedRun> read_run(const Statement& row, const RunRow& last) {
    CachedRun run;
    ASSIGN_OR_RETURN(run.row, read_run_row(row, last, database->name()));
    ASSIGN_OR_RETURN(run.directory, decode_directory(row.blob(5)));
    if (static_cast<std::int64_t>(run.directory.size()) != run.row.chunks) return damaged("its value index is damaged");
    return run;
  }

  base::Result<RunBlocks> find_in_run(const CachedRun& run, ValueKeyRange range) {
    RunBlocks found = 0;
    const auto [first, last] = chunks_for(run.directory, range);
    for (auto chunk = first; chunk < last; ++chunk) {
      ASSIGN_OR_RETURN(auto* select, prepared(select_chunk, "SELECT data FROM value_chunks WHERE id = ?1"));
      select->bind(1, run.row.first_chunk + static_cast<std::int64_t>(chunk));
      ASSIGN_OR_RETURN(const bool row, select->step());
      if (!row) return damaged("a part of its value index is missing");
      auto scanned = scan_chunk(select->blob(0), range, [&](ValueKey, RunBlocks blocks) { found |= blocks; });
      select->reset();
      if (!scanned.ok()) return base::with_context(std::move(scanned).error(), database->name());
    }
    return found;
  }

  base::Result<std::vector<std::uint32_t>> ids(const char* sql) {
    ASSIGN_OR_RETURN(auto select, database->prepare(sql));
    std::vector<std::uint32_t> ids;
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, select.step());
      if (!row) return ids;
      const auto id = select.integer(0);
      if (id <= 0 || id > std::numeric_limits<std::uint32_t>::max() || (!ids.empty() && id <= ids.back())) {
        return damaged("its numbers of templates or senders are damaged");
      }
      ids.push_back(static_cast<std::uint32_t>(id));
    }
  }

  base::Result<std::vector<BlockSummary>> summaries(std::uint64_t after, std::uint64_t last_record) {
    // A block that begins at or before `after` may still reach behind it.
    ASSIGN_OR_RETURN(auto* select, prepared(select_summaries,
                                            "SELECT first_record, last_record, number, frames, summary FROM blocks WHERE "
                                            "first_record >= coalesce((SELECT max(first_record) FROM blocks WHERE "
                                            "first_record <= ?1), 0) AND first_record <= ?2 ORDER BY first_record"));
    select->bind(1, as_key(after)).bind(2, as_key(last_record));
    std::vector<BlockSummary> found;
    BlockRow last;
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, select->step());
      if (!row) return found;
      auto read = read_block_row(*select, last, database->name());
      if (!read.ok()) {
        select->reset();
        return std::move(read).error();
      }
      last = *read;
      if (last.last_record <= after) continue;
      if (last.last_record > last_record) {
        select->reset();
        return found;
      }
      auto summary = BlockSummary::decode(select->blob(4));
      if (!summary.ok()) {
        select->reset();
        return base::with_context(std::move(summary).error(), database->name());
      }
      if (summary->first_record != last.first_record || summary->events == 0 || summary->last_record() != last.last_record) {
        select->reset();
        return damaged("the summary of a block is damaged");
      }
      found.push_back(std::move(summary).value());
    }
  }
};

SegmentReader::SegmentReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
SegmentReader::~SegmentReader() = default;

base::Result<std::unique_ptr<SegmentReader>> SegmentReader::open(const std::filesystem::path& file, bool finished,
                                                                 bool still) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return base::make_error(Errc::NotFound, file.string());
  Database::Options options;
  options.read_only = true;
  options.cache_bytes = kReaderCache;
  options.immutable = finished;
  options.still = still;
  const auto open_and_check = [&]() -> base::Result<std::unique_ptr<Database>> {
    ASSIGN_OR_RETURN(auto database, Database::open(file, options));
    RETURN_IF_ERROR(check_segment(*database));
    return database;
  };
  auto database = open_and_check();
  const std::filesystem::path wal = file.string() + "-wal";
  if (!database.ok() && database.error().code == Errc::Io && !finished && !std::filesystem::exists(wal, ignored)) {
    // Where no file may be made beside it, SQLite reads one that was written with a WAL only if nobody can be writing it.
    options.immutable = true;
    database = open_and_check();
  }
  if (!database.ok()) return std::move(database).error();
  auto state = std::make_unique<State>();
  state->database = std::move(database).value();
  state->finished = options.immutable;
  ASSIGN_OR_RETURN(state->info, read_segment_info(*state->database));
  return std::unique_ptr<SegmentReader>(new SegmentReader(std::move(state)));
}

const SegmentInfo& SegmentReader::info() const {
  return state_->info;
}

base::Result<std::vector<BlockSummary>> SegmentReader::summaries(std::uint64_t after, std::uint64_t last_record) {
  return state_->summaries(after, last_record);
}

namespace {

// Frames of one block, by their neighbouring keys.
template <typename State>
class FramesOfFile final : public FrameSource {
 public:
  FramesOfFile(State& state, std::uint64_t first_record) : state_(state), first_record_(first_record) {}

  base::Result<std::string> read(std::uint32_t number) override {
    if (frames_ == 0) RETURN_IF_ERROR(find_block());
    if (static_cast<std::int64_t>(number) >= frames_) return state_.damaged("a block has fewer frames than it should have");
    ASSIGN_OR_RETURN(auto* select, state_.prepared(state_.select_frame, "SELECT data FROM frames WHERE id = ?1"));
    select->bind(1, number_ * kFramesPerBlock + static_cast<std::int64_t>(number));
    ASSIGN_OR_RETURN(const bool row, select->step());
    if (!row) return state_.damaged("a frame of a block is missing");
    std::string bytes(select->blob(0));
    select->reset();
    return bytes;
  }

 private:
  base::Result<void> find_block() {
    ASSIGN_OR_RETURN(auto* select, state_.prepared(state_.select_block,
                                                   "SELECT first_record, last_record, number, frames "
                                                   "FROM blocks WHERE first_record = ?1"));
    select->bind(1, as_key(first_record_));
    ASSIGN_OR_RETURN(const bool row, select->step());
    if (!row) return state_.damaged("a block is missing");
    const auto block = read_block_row(*select, {}, state_.database->name());
    select->reset();
    if (!block.ok()) return block.error();
    number_ = block->number;
    frames_ = block->frames;
    return {};
  }

  State& state_;
  std::uint64_t first_record_;
  std::int64_t number_ = 0;
  std::int64_t frames_ = 0;
};

}  // namespace

std::unique_ptr<FrameSource> SegmentReader::frames(std::uint64_t first_record) {
  return std::make_unique<FramesOfFile<State>>(*state_, first_record);
}

base::Result<void> SegmentReader::find(ValueKeyRange range, std::vector<std::uint64_t>& first_records) {
  auto& state = *state_;
  return state.in_one_state<void>([&]() -> base::Result<void> {
    RETURN_IF_ERROR(state.load_runs());
    for (const auto& run : state.runs) {
      ASSIGN_OR_RETURN(RunBlocks blocks, state.find_in_run(run, range));
      for (; blocks != 0; blocks &= blocks - 1) {
        const auto block = static_cast<std::size_t>(std::countr_zero(blocks));
        if (block >= run.row.first_records.size()) return state.damaged("its value index is damaged");
        first_records.push_back(run.row.first_records[block]);
      }
    }
    return {};
  });
}

base::Result<std::uint64_t> SegmentReader::indexed_through() {
  auto& state = *state_;
  return state.in_one_state<std::uint64_t>([&]() -> base::Result<std::uint64_t> {
    RETURN_IF_ERROR(state.load_runs());
    return state.runs.empty() ? 0 : state.runs.back().row.last_record;
  });
}

base::Result<std::optional<std::string>> SegmentReader::template_text(std::uint32_t id) {
  ASSIGN_OR_RETURN(auto* select, state_->prepared(state_->select_template, "SELECT text FROM templates WHERE id = ?1"));
  select->bind(1, static_cast<std::int64_t>(id));
  ASSIGN_OR_RETURN(const bool row, select->step());
  if (!row) return std::optional<std::string>();
  std::optional<std::string> text(select->text(0));
  select->reset();
  return text;
}

base::Result<std::vector<std::uint32_t>> SegmentReader::template_ids() {
  return state_->ids("SELECT id FROM templates ORDER BY id");
}

base::Result<std::vector<std::uint32_t>> SegmentReader::sender_ids() {
  return state_->ids("SELECT id FROM senders ORDER BY id");
}

base::Result<std::optional<Sender>> SegmentReader::sender(std::uint32_t id) {
  ASSIGN_OR_RETURN(auto* select, state_->prepared(state_->select_sender,
                                                  "SELECT subscription, machine, address FROM senders "
                                                  "WHERE id = ?1"));
  select->bind(1, static_cast<std::int64_t>(id));
  ASSIGN_OR_RETURN(const bool row, select->step());
  if (!row) return std::optional<Sender>();
  std::optional<Sender> sender(
      Sender{id, std::string(select->text(0)), std::string(select->text(1)), std::string(select->text(2))});
  select->reset();
  return sender;
}

base::Result<std::vector<ValueKey>> SegmentReader::keys(std::uint64_t first_record) {
  ASSIGN_OR_RETURN(auto* select,
                   state_->prepared(state_->select_keys, "SELECT keys FROM block_keys WHERE first_record = ?1"));
  select->bind(1, as_key(first_record));
  ASSIGN_OR_RETURN(const bool row, select->step());
  if (!row) return std::vector<ValueKey>();
  auto keys = decode_keys(select->blob(0));
  select->reset();
  return keys;
}

}  // namespace storage
