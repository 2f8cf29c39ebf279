#include <algorithm>
#include <unordered_set>

#include "engine/base/file_system.h"
#include "storage/segment_file.h"
#include "storage/segment_schema.h"
#include "storage/value_index.h"

namespace storage {
namespace {

constexpr std::int64_t kFormat = 1;

Database::Options with_pages(Database::Options options) {
  options.page_bytes = kSegmentPageBytes;
  options.read_only = false;
  return options;
}

std::int64_t as_key(std::uint64_t record) {
  return static_cast<std::int64_t>(record);
}

}  // namespace

struct SegmentWriter::State {
  std::unique_ptr<Database> database;
  SegmentInfo info;

  std::uint64_t last_record = 0;
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::int64_t next_number = 1;
  std::int64_t next_chunk = 1;
  std::size_t without_run = 0;  ///< rows of block_keys
  std::unordered_set<std::uint32_t> templates;
  std::unordered_set<std::uint32_t> senders;
  bool finished = false;

  Statement add_block;
  Statement add_frame;
  Statement add_keys;
  Statement add_template;
  Statement add_sender;

  void close() {
    finished = true;
    for (auto* statement : {&add_block, &add_frame, &add_keys, &add_template, &add_sender}) *statement = Statement();
    database.reset();
  }

  base::Result<void> make(const std::filesystem::path& file, const Database::Options& options);

  base::Result<void> prepare() {
    ASSIGN_OR_RETURN(add_block, database->prepare("INSERT INTO blocks VALUES (?1, ?2, ?3, ?4, ?5)"));
    ASSIGN_OR_RETURN(add_frame, database->prepare("INSERT INTO frames VALUES (?1, ?2)"));
    ASSIGN_OR_RETURN(add_keys, database->prepare("INSERT INTO block_keys VALUES (?1, ?2)"));
    ASSIGN_OR_RETURN(add_template, database->prepare("INSERT OR IGNORE INTO templates VALUES (?1, ?2)"));
    ASSIGN_OR_RETURN(add_sender, database->prepare("INSERT OR IGNORE INTO senders VALUES (?1, ?2, ?3, ?4)"));
    return {};
  }

  /// Learns from the file where it stands.
  base::Result<void> load() {
    ASSIGN_OR_RETURN(const auto blocks, read_block_rows(*database));
    events = 0;
    for (const auto& block : blocks) events += block.last_record - block.first_record + 1;
    last_record = blocks.empty() ? 0 : blocks.back().last_record;
    next_number = blocks.empty() ? 1 : blocks.back().number + 1;
    ASSIGN_OR_RETURN(next_chunk, database->ask("SELECT coalesce(max(id), 0) + 1 FROM value_chunks"));
    ASSIGN_OR_RETURN(const auto keys, database->ask("SELECT count(*) FROM block_keys"));
    without_run = static_cast<std::size_t>(keys);
    RETURN_IF_ERROR(load_ids("SELECT id FROM templates", templates));
    RETURN_IF_ERROR(load_ids("SELECT id FROM senders", senders));
    return measure();
  }

  base::Result<void> load_ids(const char* sql, std::unordered_set<std::uint32_t>& ids) {
    ids.clear();
    ASSIGN_OR_RETURN(auto select, database->prepare(sql));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, select.step());
      if (!row) return {};
      ids.insert(static_cast<std::uint32_t>(select.integer(0)));
    }
  }

  base::Result<void> measure() {
    ASSIGN_OR_RETURN(const auto pages, database->ask("PRAGMA page_count"));
    bytes = static_cast<std::uint64_t>(pages) * kSegmentPageBytes;
    return {};
  }

  /// Runs `change` as one transaction; after an error nothing of it has happened.
  template <typename Change>
  base::Result<void> transact(Change&& change) {
    RETURN_IF_ERROR(database->begin());
    base::Result<void> done = change();
    if (done.ok()) done = database->commit();
    if (done.ok()) return {};
    database->rollback();
    // What was learned meanwhile is not true any more.
    if (const auto loaded = load(); !loaded.ok()) return loaded;
    return done;
  }

  /// Makes runs of the blocks that have none, oldest first, as long as there are at least `least`.
  base::Result<void> make_runs(std::size_t least) {
    while (without_run >= least && without_run > 0) RETURN_IF_ERROR(make_run());
    return {};
  }

  base::Result<void> make_run() {
    std::vector<std::uint64_t> first_records;
    std::vector<std::vector<ValueKey>> keys;
    {
      ASSIGN_OR_RETURN(auto select,
                       database->prepare("SELECT first_record, keys FROM block_keys ORDER BY first_record LIMIT ?1"));
      select.bind(1, static_cast<std::int64_t>(kBlocksPerRun));
      for (;;) {
        ASSIGN_OR_RETURN(const bool row, select.step());
        if (!row) break;
        first_records.push_back(static_cast<std::uint64_t>(select.integer(0)));
        ASSIGN_OR_RETURN(auto decoded, decode_keys(select.blob(1)));
        keys.push_back(std::move(decoded));
      }
    }
    const ValueRun run = build_run(keys);
    const std::string blocks = encode_rising(first_records);
    const std::string directory = encode_directory(run.first_keys);
    ASSIGN_OR_RETURN(auto add_run,
                     database->prepare("INSERT INTO value_runs (blocks, last_record, first_chunk, chunks, directory) "
                                       "SELECT ?1, last_record, ?3, ?4, ?5 FROM blocks WHERE first_record = ?2"));
    RETURN_IF_ERROR(add_run.bind_blob(1, blocks)
                        .bind(2, as_key(first_records.back()))
                        .bind(3, next_chunk)
                        .bind(4, static_cast<std::int64_t>(run.chunks.size()))
                        .bind_blob(5, directory)
                        .run());
    ASSIGN_OR_RETURN(auto add_chunk, database->prepare("INSERT INTO value_chunks VALUES (?1, ?2)"));
    for (const auto& chunk : run.chunks) RETURN_IF_ERROR(add_chunk.bind(1, next_chunk++).bind_blob(2, chunk).run());
    ASSIGN_OR_RETURN(auto drop, database->prepare("DELETE FROM block_keys WHERE first_record <= ?1"));
    RETURN_IF_ERROR(drop.bind(1, as_key(first_records.back())).run());
    without_run -= first_records.size();
    return {};
  }

  base::Result<void> add_all(std::span<const SealedBlock> blocks, const TemplateSource& source,
                             std::span<const Sender> all_senders) {
    for (const auto& sender : all_senders) {
      if (!senders.insert(sender.id).second) continue;
      RETURN_IF_ERROR(add_sender.bind(1, static_cast<std::int64_t>(sender.id))
                          .bind(2, std::string_view(sender.subscription))
                          .bind(3, std::string_view(sender.machine))
                          .bind(4, std::string_view(sender.address))
                          .run());
    }
    for (const auto& block : blocks) {
      RETURN_IF_ERROR(add(block, source));
      RETURN_IF_ERROR(make_runs(kBlocksPerRun));
    }
    return {};
  }

  base::Result<void> add(const SealedBlock& block, const TemplateSource& source) {
    const auto& summary = block.summary;
    if (summary.events == 0 || summary.events > kMaxBlockEvents || summary.first_record <= last_record ||
        block.frames.empty() || block.frames.size() > static_cast<std::size_t>(kFramesPerBlock)) {
      return base::make_error(Errc::Corrupt, database->name() + ": a block that does not continue the file");
    }
    for (const auto& count : summary.counts) {
      if (count.template_id == kWholeTemplate || !templates.insert(count.template_id).second) continue;
      ASSIGN_OR_RETURN(const auto skeleton, source.find(count.template_id));
      RETURN_IF_ERROR(add_template.bind(1, static_cast<std::int64_t>(count.template_id))
                          .bind(2, std::string_view(skeleton->text()))
                          .run());
    }
    const std::string bytes_of_summary = summary.encode();
    RETURN_IF_ERROR(add_block.bind(1, as_key(summary.first_record))
                        .bind(2, as_key(summary.last_record()))
                        .bind(3, next_number)
                        .bind(4, static_cast<std::int64_t>(block.frames.size()))
                        .bind_blob(5, bytes_of_summary)
                        .run());
    for (std::size_t i = 0; i < block.frames.size(); ++i) {
      RETURN_IF_ERROR(add_frame.bind(1, next_number * kFramesPerBlock + static_cast<std::int64_t>(i))
                          .bind_blob(2, block.frames[i])
                          .run());
    }
    const std::string keys = encode_keys(block.keys);
    RETURN_IF_ERROR(add_keys.bind(1, as_key(summary.first_record)).bind_blob(2, keys).run());
    ++without_run;
    ++next_number;
    last_record = summary.last_record();
    events += summary.events;
    return {};
  }

  /// Takes everything behind `last` out of the file, also out of runs that reach behind it.
  base::Result<void> cut_behind(std::uint64_t last) {
    RETURN_IF_ERROR(restore_keys_of_runs_behind(last));
    ASSIGN_OR_RETURN(const auto number, database->ask("SELECT coalesce(min(number), -1) FROM blocks WHERE first_record > " +
                                                      std::to_string(last)));
    if (number >= 0) {
      RETURN_IF_ERROR(database->execute("DELETE FROM frames WHERE id >= " + std::to_string(number * kFramesPerBlock)));
    }
    const std::string behind = " WHERE first_record > " + std::to_string(last);
    RETURN_IF_ERROR(database->execute("DELETE FROM block_keys" + behind));
    return database->execute("DELETE FROM blocks" + behind);
  }

  base::Result<void> restore_keys_of_runs_behind(std::uint64_t last) {
    std::vector<RunRow> runs;
    {
      ASSIGN_OR_RETURN(auto select,
                       database->prepare(std::string("SELECT ") + kRunColumns + " FROM value_runs ORDER BY id"));
      RunRow before;
      for (;;) {
        ASSIGN_OR_RETURN(const bool row, select.step());
        if (!row) break;
        ASSIGN_OR_RETURN(before, read_run_row(select, before, database->name()));
        if (before.last_record > last) runs.push_back(before);
      }
    }
    ASSIGN_OR_RETURN(auto select, database->prepare("SELECT data FROM value_chunks WHERE id >= ?1 AND id < ?2 ORDER BY id"));
    for (const auto& run : runs) {
      std::vector<std::vector<ValueKey>> keys(run.first_records.size());
      select.bind(1, run.first_chunk).bind(2, run.first_chunk + run.chunks);
      for (;;) {
        ASSIGN_OR_RETURN(const bool row, select.step());
        if (!row) break;
        bool strange = false;
        const auto take = [&](ValueKey key, RunBlocks blocks) {
          for (; blocks != 0; blocks &= blocks - 1) {
            const auto block = static_cast<std::size_t>(std::countr_zero(blocks));
            strange = strange || block >= keys.size();
            if (!strange) keys[block].push_back(key);
          }
        };
        RETURN_IF_ERROR(scan_chunk(select.blob(0), {0, 0xffffffff}, take));
        if (strange) return base::make_error(Errc::Corrupt, database->name() + ": its value index is damaged");
      }
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (run.first_records[i] > last) break;
        const std::string encoded = encode_keys(keys[i]);
        RETURN_IF_ERROR(add_keys.bind(1, as_key(run.first_records[i])).bind_blob(2, encoded).run());
      }
      const std::string id = std::to_string(run.id);
      RETURN_IF_ERROR(database->execute("DELETE FROM value_runs WHERE id = " + id));
      RETURN_IF_ERROR(database->execute("DELETE FROM value_chunks WHERE id >= " + std::to_string(run.first_chunk) +
                                        " AND id < " + std::to_string(run.first_chunk + run.chunks)));
    }
    return {};
  }
};

SegmentWriter::SegmentWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
SegmentWriter::~SegmentWriter() = default;

base::Result<void> SegmentWriter::State::make(const std::filesystem::path& file, const Database::Options& options) {
  ASSIGN_OR_RETURN(database, Database::open(file, with_pages(options)));
  RETURN_IF_ERROR(migrate(*database, segment_schema()));
  ASSIGN_OR_RETURN(auto meta, database->prepare("INSERT INTO meta VALUES (?1, ?2, ?3, ?4)"));
  meta.bind(1, std::string_view(info.log)).bind(2, static_cast<std::int64_t>(info.id)).bind(3, info.created);
  RETURN_IF_ERROR(meta.bind(4, kFormat).run());
  RETURN_IF_ERROR(prepare());
  return load();
}

base::Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(const std::filesystem::path& file,
                                                                   const SegmentInfo& info,
                                                                   const Database::Options& options) {
  RETURN_IF_ERROR(base::create_file(file, "", options.mode));
  auto state = std::make_unique<State>();
  state->info = info;
  auto made = state->make(file, options);
  if (!made.ok()) {
    state->close();
    std::error_code ignored;
    for (const char* end : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(file.string() + end, ignored);
    return std::move(made).error();
  }
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(state)));
}

base::Result<std::unique_ptr<SegmentWriter>> SegmentWriter::reopen(const std::filesystem::path& file,
                                                                   std::uint64_t last_record,
                                                                   const Database::Options& options) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return base::make_error(Errc::NotFound, file.string());
  auto state = std::make_unique<State>();
  ASSIGN_OR_RETURN(state->database, Database::open(file, with_pages(options)));
  RETURN_IF_ERROR(check_segment(*state->database));
  ASSIGN_OR_RETURN(state->info, read_segment_info(*state->database));
  RETURN_IF_ERROR(state->prepare());
  RETURN_IF_ERROR(state->load());
  if (state->last_record > last_record) {
    auto& writer = *state;
    RETURN_IF_ERROR(writer.transact([&] { return writer.cut_behind(last_record); }));
    RETURN_IF_ERROR(writer.load());
  }
  if (state->last_record != last_record) {
    return base::make_error(Errc::Corrupt, file.string() + " ends with record " + std::to_string(state->last_record) +
                                               ", and not with " + std::to_string(last_record));
  }
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(state)));
}

base::Result<void> SegmentWriter::append(std::span<const SealedBlock> blocks, const TemplateSource& templates,
                                         std::span<const Sender> senders) {
  auto& state = *state_;
  if (state.finished) return base::make_error(Errc::ReadOnly, "a finished file");
  RETURN_IF_ERROR(state.transact([&] { return state.add_all(blocks, templates, senders); }));
  return state.measure();
}

base::Result<void> SegmentWriter::finish() {
  auto& state = *state_;
  if (state.finished) return {};
  RETURN_IF_ERROR(state.transact([&] { return state.make_runs(1); }));
  RETURN_IF_ERROR(state.database->execute("PRAGMA incremental_vacuum"));
  // The whole WAL must be in the file, for who reads a finished file looks at nothing else. That it also goes away can fail
  // while somebody has the file open; it does no harm.
  ASSIGN_OR_RETURN(const auto busy, state.database->ask("PRAGMA wal_checkpoint(FULL)"));
  if (busy != 0) return base::make_error(Errc::Io, state.database->name() + ": somebody holds on to an old state of it");
  RETURN_IF_ERROR(state.measure());
  RETURN_IF_ERROR(state.database->execute("PRAGMA busy_timeout=100"));
  if (!state.database->execute("PRAGMA journal_mode=DELETE").ok()) {
    state.database->rollback();
    (void)state.database->ask("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  state.close();
  return {};
}

const SegmentInfo& SegmentWriter::info() const {
  return state_->info;
}
std::uint64_t SegmentWriter::last_record() const {
  return state_->last_record;
}
std::uint64_t SegmentWriter::bytes() const {
  return state_->bytes;
}
std::uint64_t SegmentWriter::events() const {
  return state_->events;
}

}  // namespace storage
