#include "storage/row_migration.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <system_error>
#include <vector>

#include "engine/base/log.h"
#include "storage/block_merge.h"
#include "storage/segment_file.h"

namespace storage {
namespace {

// Rows that are taken at once.
constexpr std::size_t kRowsAtOnce = 4 * kMaxBlockEvents;
constexpr std::size_t kTextAtOnce = 32u << 20;
constexpr std::size_t kCacheBytes = 4u << 20;
constexpr auto kSayEvery = std::chrono::seconds(5);

std::int64_t day_of(std::int64_t nanoseconds) {
  return std::chrono::floor<std::chrono::days>(base::WallTime(std::chrono::nanoseconds(nanoseconds)))
      .time_since_epoch()
      .count();
}

struct Row {
  std::uint64_t record = 0;
  std::int64_t received = 0;
  std::uint32_t sender = 0;
  events::Event event;  ///< without its System but for the time
};

// One log's way.
class Move {
 public:
  Move(StoreShared& shared, TemplateIndex& index, Database& catalogue, std::int64_t log)
      : shared_(shared), index_(index), catalogue_(catalogue), log_(log), table_("events_" + std::to_string(log)) {}

  base::Result<void> run() {
    RETURN_IF_ERROR(begin());
    for (;;) {
      ASSIGN_OR_RETURN(const auto rows, read());
      if (rows.empty()) break;
      RETURN_IF_ERROR(store(rows));
      moved_ += rows.size();
      say();
    }
    RETURN_IF_ERROR(finish_file());
    return end();
  }

 private:
  base::Result<void> begin() {
    ASSIGN_OR_RETURN(auto find, catalogue_.prepare("SELECT name, max_size FROM logs WHERE id = ?1"));
    ASSIGN_OR_RETURN(const bool found, find.bind(1, log_).step());
    if (!found) return base::make_error(Errc::Corrupt, catalogue_.name() + " has events of a log that is not there");
    name_ = find.text(0);
    const auto max_size = find.is_null(1) ? shared_.options.default_max_size : static_cast<std::uint64_t>(find.integer(1));
    find.reset();
    room_ = file_size_of(shared_.options, max_size);
    ASSIGN_OR_RETURN(all_, catalogue_.ask("SELECT coalesce(max(record) - min(record) + 1, 0) FROM " + table_));
    ASSIGN_OR_RETURN(auto files, files_of_log(catalogue_, log_));
    if (files.empty() || files.back().finished) return {};
    file_ = files.back();
    ASSIGN_OR_RETURN(writer_, SegmentWriter::reopen(shared_.file(file_), file_.last_record,
                                                    shared_.database_options(false, kCacheBytes)));
    return {};
  }

  /// The first rows that are still there, of one day of reception, without a gap.
  base::Result<std::vector<Row>> read() {
    ASSIGN_OR_RETURN(auto select, catalogue_.prepare("SELECT record, time, received, sender, quality, xml FROM " + table_ +
                                                     " ORDER BY record"));
    std::vector<Row> rows;
    std::size_t text = 0;
    while (rows.size() < kRowsAtOnce && text < kTextAtOnce) {
      ASSIGN_OR_RETURN(const bool more, select.step());
      if (!more) break;
      Row row;
      row.record = static_cast<std::uint64_t>(select.integer(0));
      row.received = select.integer(2);
      const bool follows =
          rows.empty() || (row.record == rows.back().record + 1 && day_of(row.received) == day_of(rows.front().received));
      if (!follows) break;
      row.sender = static_cast<std::uint32_t>(select.integer(3));
      row.event.system.time = select.time(1);
      row.event.quality = static_cast<events::Quality>(select.integer(4));
      row.event.xml = select.text(5);
      text += row.event.xml.size();
      rows.push_back(std::move(row));
    }
    return rows;
  }

  base::Result<void> store(const std::vector<Row>& rows) {
    if (writer_ && (day_of(rows.front().received) != day_of(file_.min_received) || file_.bytes >= room_)) {
      RETURN_IF_ERROR(finish_file());
    }
    CutBatch cut;
    for (const auto& row : rows) cutter_.cut(row.event, index_, cut);
    // In the catalogue before a file uses them: what a crash leaves in a file may be used again.
    ASSIGN_OR_RETURN(const auto templates, templates_of(cut));

    std::vector<SealedBlock> blocks;
    const auto take = [&] {
      if (builder_.events() == 0) return;
      auto block = builder_.encode(kLevelAtRest);
      blocks.push_back({std::move(block.summary), std::move(block.frames), std::move(block.keys)});
    };
    std::set<std::uint32_t> sender_ids;
    builder_.begin(rows.front().record);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& row = rows[i];
      if (builder_.full()) {
        take();
        builder_.begin(row.record);
      }
      if (row.sender != 0) sender_ids.insert(row.sender);
      const BlockBuilder::Arrival arrival{row.received, row.sender};
      const auto& pieces = cut.events[i];
      if (pieces.shape == CutBatch::kWhole || templates[pieces.shape].id == kWholeTemplate) {
        builder_.add_whole(row.event.xml, row.event.system.time, arrival, row.event.quality);
      } else {
        builder_.add(templates[pieces.shape], cut.values_of(pieces), row.event.system.time, arrival, row.event.quality);
      }
    }
    take();

    if (!writer_) RETURN_IF_ERROR(make_file());
    std::vector<Sender> senders;
    for (const auto id : sender_ids) {
      ASSIGN_OR_RETURN(auto find, catalogue_.prepare("SELECT subscription, machine, address FROM senders WHERE id = ?1"));
      ASSIGN_OR_RETURN(const bool found, find.bind(1, std::int64_t{id}).step());
      if (!found) return base::make_error(Errc::Corrupt, catalogue_.name() + " lacks a sender");
      senders.push_back({id, std::string(find.text(0)), std::string(find.text(1)), std::string(find.text(2))});
    }
    RETURN_IF_ERROR(writer_->append(blocks, shared_.templates, senders));
    for (const auto& block : blocks) add_to_file(file_, block.summary);
    file_.bytes = writer_->bytes();
    return in_transaction([&]() -> base::Result<void> {
      RETURN_IF_ERROR(write_file_row(catalogue_, file_));
      return catalogue_.execute("DELETE FROM " + table_ + " WHERE record <= " + std::to_string(file_.last_record));
    });
  }

  base::Result<std::vector<Template>> templates_of(const CutBatch& cut) {
    std::vector<Template> templates;
    std::vector<std::pair<std::uint64_t, Template>> fresh;
    auto made = in_transaction([&]() -> base::Result<void> {
      ASSIGN_OR_RETURN(auto add, catalogue_.prepare("INSERT INTO templates (hash, text) VALUES (?1, ?2) RETURNING id"));
      for (const auto& shape : cut.shapes) {
        templates.push_back(shape.known);
        if (shape.known.id != 0) continue;
        if (index_.size() + fresh.size() >= kMaxTemplates) continue;
        ASSIGN_OR_RETURN(const bool added,
                         add.bind(1, static_cast<std::int64_t>(shape.hash)).bind(2, shape.known.skeleton->text()).step());
        if (added) templates.back().id = static_cast<std::uint32_t>(add.integer(0));
        RETURN_IF_ERROR(add.run());
        fresh.emplace_back(shape.hash, templates.back());
      }
      return {};
    });
    if (!made.ok()) return std::move(made).error();
    for (auto& [hash, shape] : fresh) {
      shared_.templates.put(shape.id, shape.skeleton);
      index_.add(hash, std::move(shape));
    }
    return templates;
  }

  base::Result<void> make_file() {
    file_ = {};
    file_.log = log_;
    file_.created = shared_.options.clock->wall().time_since_epoch().count();
    RETURN_IF_ERROR(in_transaction([&]() -> base::Result<void> {
      ASSIGN_OR_RETURN(file_.id, reserve_file_number(catalogue_));
      return {};
    }));
    file_.name = segment_name(name_, static_cast<std::uint64_t>(file_.id));
    const SegmentInfo info{name_, static_cast<std::uint64_t>(file_.id),
                           base::WallTime(std::chrono::nanoseconds(file_.created))};
    ASSIGN_OR_RETURN(writer_,
                     SegmentWriter::create(shared_.file(file_), info, shared_.database_options(false, kCacheBytes)));
    return {};
  }

  base::Result<void> finish_file() {
    if (!writer_) return {};
    RETURN_IF_ERROR(writer_->finish());
    writer_.reset();
    file_.finished = true;
    std::error_code failed;
    const auto bytes = std::filesystem::file_size(shared_.file(file_), failed);
    if (!failed) file_.bytes = bytes;
    return in_transaction([&] { return write_file_row(catalogue_, file_); });
  }

  base::Result<void> end() {
    return in_transaction([&]() -> base::Result<void> {
      RETURN_IF_ERROR(catalogue_.execute("DROP TABLE " + table_));
      const auto log = std::to_string(log_);
      return catalogue_.execute("UPDATE logs SET size = (SELECT coalesce(sum(bytes), 0) FROM files WHERE log = " + log +
                                ") WHERE id = " + log);
    });
  }

  template <typename Change>
  base::Result<void> in_transaction(Change change) {
    RETURN_IF_ERROR(catalogue_.begin());
    base::Result<void> done = change();
    if (done.ok()) done = catalogue_.commit();
    if (!done.ok()) catalogue_.rollback();
    return done;
  }

  void say() {
    const auto now = std::chrono::steady_clock::now();
    if (now - said_ < kSayEvery) return;
    said_ = now;
    base::log_info("the events of the log {} are moved into files: {} of {}", name_, moved_, all_);
  }

  StoreShared& shared_;
  TemplateIndex& index_;
  Database& catalogue_;
  const std::int64_t log_;
  const std::string table_;
  std::string name_;
  std::uint64_t room_ = 0;
  std::int64_t all_ = 0;
  std::size_t moved_ = 0;
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
  Cutter cutter_;
  BlockBuilder builder_;
  FileRow file_;
  std::unique_ptr<SegmentWriter> writer_;
};

}  // namespace

base::Result<void> move_rows(StoreShared& shared, TemplateIndex& index, Database& catalogue) {
  std::vector<std::int64_t> logs;
  ASSIGN_OR_RETURN(auto tables, catalogue.prepare("SELECT CAST(substr(name, 8) AS INTEGER) FROM sqlite_schema "
                                                  "WHERE type = 'table' AND name GLOB 'events_[0-9]*' ORDER BY 1"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, tables.step());
    if (!row) break;
    logs.push_back(tables.integer(0));
  }
  if (logs.empty()) return {};
  base::log_notice("{} is of an older version: its events are moved into files", catalogue.name());
  for (const auto log : logs) RETURN_IF_ERROR(Move(shared, index, catalogue, log).run());
  base::log_notice("all events of {} are in files now", catalogue.name());
  return {};
}

}  // namespace storage
