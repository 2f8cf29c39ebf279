#include <algorithm>
#include <map>
#include <set>

#include "engine/base/file_system.h"
#include "storage/catalogue_salvage.h"
#include "storage/duplicate_rebuild.h"
#include "storage/maintenance.h"
#include "storage/migrations.h"
#include "storage/new_file.h"
#include "storage/store_findings.h"

namespace storage {
namespace {

using Range = std::pair<std::uint64_t, std::uint64_t>;

// Acts on what was found, in one transaction of the catalogue. New files are made before it and old ones set aside after it,
// so that a repair that is interrupted can be begun anew.
class Repair {
 public:
  Repair(const std::filesystem::path& directory, Database& catalogue, bool is_rebuilt)
      : directory_(directory), catalogue_(catalogue), is_rebuilt_(is_rebuilt) {}

  base::Result<CheckReport> run(const Progress& progress) {
    ASSIGN_OR_RETURN(const bool sound, batches_are_sound(catalogue_));
    knows_duplicates_ = sound && !is_rebuilt_;
    VisitEvent visit;
    if (!knows_duplicates_) {
      visit = [this](const std::string& log, const std::string& machine, const CheckedEvent& event) {
        hashes_[event.template_id] = event.template_hash;
        duplicates_.add(log, machine, event);
      };
    }
    if (is_rebuilt_) RETURN_IF_ERROR(in_transaction([this] { return learn_from_files(); }));
    ASSIGN_OR_RETURN(findings_, examine_store(directory_, catalogue_, visit, progress));
    for (auto& file : findings_.files) RETURN_IF_ERROR(make_again(file));
    RETURN_IF_ERROR(in_transaction([this] { return change_catalogue(); }));
    for (const auto& name : set_aside_) RETURN_IF_ERROR(set_aside(segment_folder(directory_) / name));
    return std::move(findings_.report);
  }

 private:
  template <typename Change>
  base::Result<void> in_transaction(Change&& change) {
    RETURN_IF_ERROR(catalogue_.begin());
    base::Result<void> done = change();
    if (done.ok()) done = catalogue_.commit();
    if (!done.ok()) catalogue_.rollback();
    return done;
  }

  std::filesystem::path path_of(const std::string& name) const { return segment_folder(directory_) / name; }

  // A catalogue that was made again lacks what its predecessor could not say any more: the files know their logs, templates
  // and senders by themselves.
  base::Result<void> learn_from_files() {
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(segment_folder(directory_), failed), end; !failed && entry != end;
         entry.increment(failed)) {
      const auto name = entry->path().filename().string();
      if (!segment_number(name)) continue;
      auto reader = SegmentReader::open(entry->path(), false, true);
      if (!reader.ok()) continue;
      RETURN_IF_ERROR(learn_from(**reader));
    }
    return {};
  }

  base::Result<void> learn_from(SegmentReader& reader) {
    ASSIGN_OR_RETURN(auto add_log, catalogue_.prepare(
                                       "INSERT OR IGNORE INTO logs (name, enabled, retention, auto_backup, max_size, type, "
                                       "owning_publisher, created, last_access, last_write, size, records, oldest_record, "
                                       "next_record, overwritten) VALUES (?1, 1, 0, 0, NULL, 'Operational', '', ?2, ?2, ?2, "
                                       "0, 0, 0, 1, 0)"));
    RETURN_IF_ERROR(add_log.bind(1, std::string_view(reader.info().log)).bind(2, reader.info().created).run());
    ASSIGN_OR_RETURN(auto add_template, catalogue_.prepare("INSERT OR IGNORE INTO templates (id, hash, text) VALUES "
                                                           "(?1, 0, ?2)"));
    const auto ids = reader.template_ids();
    for (const auto id : ids.ok() ? *ids : std::vector<std::uint32_t>()) {
      const auto text = reader.template_text(id);
      if (!text.ok() || !*text) continue;
      RETURN_IF_ERROR(add_template.bind(1, std::int64_t{id}).bind(2, std::string_view(**text)).run());
    }
    ASSIGN_OR_RETURN(auto add_sender,
                     catalogue_.prepare("INSERT OR IGNORE INTO senders (id, subscription, machine, address) "
                                        "VALUES (?1, ?2, ?3, ?4)"));
    const auto senders = reader.sender_ids();
    for (const auto id : senders.ok() ? *senders : std::vector<std::uint32_t>()) {
      const auto sender = reader.sender(id);
      if (!sender.ok() || !*sender) continue;
      add_sender.bind(1, std::int64_t{id}).bind(2, std::string_view((*sender)->subscription));
      add_sender.bind(3, std::string_view((*sender)->machine)).bind(4, std::string_view((*sender)->address));
      RETURN_IF_ERROR(add_sender.run());
    }
    return {};
  }

  SegmentCheck how_to_look(const FoundFile& file) const {
    SegmentCheck check;
    check.more_templates = &templates_;
    if (!file.in_catalogue) return check;
    check.finished = file.row.finished;
    check.last_record = file.row.last_record;
    return check;
  }

  /// Makes files that are damaged again, and takes in those that the catalogue does not know, as far as that can be.
  base::Result<void> make_again(FoundFile& file) {
    if (!file.is_there) return drop(file);
    if (file.is_left_over && !is_rebuilt_) return {};
    const auto& found = file.found;
    if (!found.is_segment || found.readable.empty()) {
      set_aside_.push_back(file.row.name);
      return drop(file);
    }
    const auto log = log_of(found.info.log);
    if (!file.in_catalogue && (!log || overlaps(*log, file))) {
      report().problems.push_back("segments/" + file.row.name + " holds records that are held elsewhere, and was set aside");
      set_aside_.push_back(file.row.name);
      return {};
    }
    FileRow row = found.totals;
    row.id = file.row.id;
    row.log = file.in_catalogue ? file.row.log : *log;
    row.name = file.row.name;
    row.finished = file.row.finished;
    row.created = file.in_catalogue ? file.row.created : found.info.created.time_since_epoch().count();
    if (found.is_damaged) {
      RETURN_IF_ERROR(salvage(file, row));
    } else if (!file.in_catalogue) {
      row.id = static_cast<std::int64_t>(*segment_number(file.row.name));
      RETURN_IF_ERROR(finish(row));
    }
    std::error_code failed;
    const auto bytes = std::filesystem::file_size(path_of(row.name), failed);
    row.bytes = failed ? file.row.bytes : static_cast<std::uint64_t>(bytes);
    kept_.push_back(row);
    taken_[row.log].emplace_back(row.first_record, row.last_record);
    if (row.id != file.row.id) return drop(file);
    return {};
  }

  base::Result<void> drop(const FoundFile& file) {
    if (file.in_catalogue) dropped_.push_back(file.row.id);
    return {};
  }

  base::Result<void> salvage(const FoundFile& file, FileRow& row) {
    ASSIGN_OR_RETURN(row.id, reserve_file_number(catalogue_));
    row.name = segment_name(file.found.info.log, static_cast<std::uint64_t>(row.id));
    row.finished = true;
    auto findings = file.found;
    findings.info.id = static_cast<std::uint64_t>(row.id);
    std::error_code ignored;
    std::filesystem::remove(path_of(row.name), ignored);
    RETURN_IF_ERROR(salvage_segment(path_of(file.row.name), findings, how_to_look(file), path_of(row.name)));
    set_aside_.push_back(file.row.name);
    return {};
  }

  /// A file that nobody will go on with.
  base::Result<void> finish(FileRow& row) {
    ASSIGN_OR_RETURN(auto writer, SegmentWriter::reopen(path_of(row.name), row.last_record, {}));
    row.finished = true;
    return writer->finish();
  }

  std::optional<std::int64_t> log_of(const std::string& name) const {
    for (const auto& log : findings_.logs) {
      if (log.name == name) return log.id;
    }
    return std::nullopt;
  }

  bool overlaps(std::int64_t log, const FoundFile& file) {
    const Range own{file.found.totals.first_record, file.found.totals.last_record};
    const auto meets = [&](const Range& other) { return other.first <= own.second && own.first <= other.second; };
    for (const auto& other : findings_.files) {
      if (other.in_catalogue && other.is_there && other.row.log == log &&
          meets({other.row.first_record, other.row.last_record}))
        return true;
    }
    for (const auto& range : taken_[log]) {
      if (meets(range)) return true;
    }
    for (const auto& block : findings_.tail) {
      if (block.log == log && block.is_sound && meets({block.first_record, block.last_record})) return true;
    }
    // What the log has given numbers to and does not name any more was removed on purpose.
    if (is_rebuilt_) return false;
    for (const auto& known : findings_.logs) {
      if (known.id == log) return own.first < known.next_record;
    }
    return false;
  }

  base::Result<void> change_catalogue() {
    for (const auto id : dropped_) RETURN_IF_ERROR(catalogue_.execute("DELETE FROM files WHERE id = " + std::to_string(id)));
    for (const auto& row : kept_) RETURN_IF_ERROR(write_file_row(catalogue_, row));
    std::map<std::int64_t, std::set<std::uint64_t>> seen;
    for (const auto& block : findings_.tail) {
      const bool is_twice = in_a_file(block) || !seen[block.log].insert(block.first_record).second;
      if (block.is_sound && !is_twice) continue;
      RETURN_IF_ERROR(catalogue_.execute("DELETE FROM tail WHERE id = " + std::to_string(block.id)));
    }
    RETURN_IF_ERROR(count_logs());
    if (!knows_duplicates_) RETURN_IF_ERROR(duplicates_.write(catalogue_));
    if (!is_rebuilt_) return {};
    ASSIGN_OR_RETURN(auto set_hash, catalogue_.prepare("UPDATE templates SET hash = ?2 WHERE id = ?1 AND hash = 0"));
    for (const auto& [id, hash] : hashes_) {
      RETURN_IF_ERROR(set_hash.bind(1, std::int64_t{id}).bind(2, static_cast<std::int64_t>(hash)).run());
    }
    return {};
  }

  bool in_a_file(const FoundBlock& block) {
    for (const auto& range : taken_[block.log]) {
      if (block.first_record <= range.second && range.first <= block.last_record) return true;
    }
    return false;
  }

  base::Result<void> count_logs() {
    // Blocks of the tail know their text by their summaries only.
    ASSIGN_OR_RETURN(auto tail, catalogue_.prepare("SELECT " + std::string(kTailColumns) + ", log FROM tail"));
    std::map<std::int64_t, std::uint64_t> text_bytes;
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, tail.step());
      if (!row) break;
      ASSIGN_OR_RETURN(const auto block, read_tail_row(tail));
      text_bytes[tail.integer(5)] += block.summary.text_bytes;
    }
    RETURN_IF_ERROR(catalogue_.execute(R"(
UPDATE logs SET
  records = (SELECT coalesce(sum(events), 0) FROM files WHERE log = logs.id)
          + (SELECT coalesce(sum(last_record - first_record + 1), 0) FROM tail WHERE log = logs.id),
  text_bytes = (SELECT coalesce(sum(text_bytes), 0) FROM files WHERE log = logs.id),
  size = (SELECT coalesce(sum(bytes), 0) FROM files WHERE log = logs.id)
       + (SELECT coalesce(sum(length(summary) + length(keys) + length(frames)), 0) FROM tail WHERE log = logs.id),
  oldest_record = coalesce((SELECT min(r) FROM (SELECT min(first_record) AS r FROM files WHERE log = logs.id
                            UNION ALL SELECT min(first_record) FROM tail WHERE log = logs.id)), 0),
  next_record = max(next_record, 1 + coalesce((SELECT max(r) FROM (SELECT max(last_record) AS r FROM files WHERE log = logs.id
                            UNION ALL SELECT max(last_record) FROM tail WHERE log = logs.id)), 0));
)"));
    ASSIGN_OR_RETURN(auto add, catalogue_.prepare("UPDATE logs SET text_bytes = text_bytes + ?2 WHERE id = ?1"));
    for (const auto& [log, bytes] : text_bytes) {
      RETURN_IF_ERROR(add.bind(1, log).bind(2, static_cast<std::int64_t>(bytes)).run());
    }
    return {};
  }

  base::Result<std::string> template_text(std::uint32_t id) const {
    ASSIGN_OR_RETURN(auto find, catalogue_.prepare("SELECT text FROM templates WHERE id = ?1"));
    ASSIGN_OR_RETURN(const bool found, find.bind(1, std::int64_t{id}).step());
    if (!found) return base::make_error(Errc::Corrupt, "there is no template " + std::to_string(id));
    return std::string(find.text(0));
  }

  CheckReport& report() { return findings_.report; }

  const std::filesystem::path& directory_;
  Database& catalogue_;
  const bool is_rebuilt_;
  bool knows_duplicates_ = true;  ///< marks and batches are as they should be
  const TemplateRegistry templates_{[this](std::uint32_t id) { return template_text(id); }};
  StoreFindings findings_;
  DuplicateRebuild duplicates_;
  std::map<std::uint32_t, std::uint64_t> hashes_;  // by template
  std::vector<FileRow> kept_;
  std::vector<std::int64_t> dropped_;
  std::vector<std::string> set_aside_;
  std::map<std::int64_t, std::vector<Range>> taken_;  // by log
};

}  // namespace

base::Result<CheckReport> repair_store(const std::filesystem::path& directory, const Progress& progress) {
  std::error_code failed;
  if (!std::filesystem::is_directory(directory, failed)) return base::make_error(Errc::NotFound, directory.string());
  ASSIGN_OR_RETURN(auto state, examine_catalogue(directory));
  const auto newest = static_cast<std::int64_t>(event_schema().steps.size());
  if (state.version > 0 && state.version < newest) {
    if (state.problems.empty()) return check_store(directory, progress);
    return base::make_error(Errc::Corrupt, "events.db is of an earlier version, and damaged: " + state.problems.front());
  }
  RETURN_IF_ERROR(base::make_directories(segment_folder(directory)));
  bool is_rebuilt = !state.problems.empty();
  if (is_rebuilt) RETURN_IF_ERROR(salvage_catalogue(directory));
  Database::Options options;
  options.page_bytes = kCataloguePageBytes;
  ASSIGN_OR_RETURN(auto catalogue, Database::open(catalogue_file(directory), options));
  ASSIGN_OR_RETURN(auto report, Repair(directory, *catalogue, is_rebuilt).run(progress));
  report.problems.insert(report.problems.begin(), state.problems.begin(), state.problems.end());
  return report;
}

}  // namespace storage
