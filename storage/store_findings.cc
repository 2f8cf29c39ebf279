#include "storage/store_findings.h"

#include <algorithm>
#include <map>
#include <set>

#include "storage/migrations.h"
#include "storage/varint.h"

namespace storage {
namespace {

// Of a row of `batches`, as Duplicates reads it.
constexpr std::uint64_t kMaxKeysOfBatch = 1u << 20;
constexpr std::uint64_t kMaxSpanOfKeys = 4096;

// Bytes done and to do, as far as they are known.
class Meter {
 public:
  Meter(const Progress& progress, std::uint64_t all) : progress_(progress), all_(all) {}
  void at(double part, std::uint64_t bytes) {
    if (progress_) progress_(done_ + static_cast<std::uint64_t>(part * static_cast<double>(bytes)), all_);
  }
  void end(std::uint64_t bytes) {
    done_ = std::min(all_, done_ + bytes);
    at(0, 0);
  }

 private:
  const Progress& progress_;
  std::uint64_t all_;
  std::uint64_t done_ = 0;
};

std::uint64_t size_of(const std::filesystem::path& file) {
  std::error_code failed;
  const auto bytes = std::filesystem::file_size(file, failed);
  return failed ? 0 : static_cast<std::uint64_t>(bytes);
}

std::string records_of(const FileRow& file) {
  return "records " + std::to_string(file.first_record) + " to " + std::to_string(file.last_record);
}

class Examination {
 public:
  Examination(const std::filesystem::path& directory, Database& catalogue, const VisitEvent& visit)
      : directory_(directory), catalogue_(catalogue), visit_(visit) {}

  base::Result<StoreFindings> run(const Progress& progress) {
    RETURN_IF_ERROR(read_logs());
    RETURN_IF_ERROR(check_templates());
    RETURN_IF_ERROR(read_senders());
    RETURN_IF_ERROR(list_files());
    const auto catalogue_bytes = size_of(catalogue_file(directory_));
    auto all = catalogue_bytes;
    for (const auto& file : findings_.files) all += size_of(path_of(file));
    Meter meter(progress, all);
    for (auto& file : findings_.files) {
      const auto bytes = size_of(path_of(file));
      RETURN_IF_ERROR(check_file(file, [&](double part) { meter.at(part, bytes); }));
      meter.end(bytes);
    }
    RETURN_IF_ERROR(check_tail());
    ASSIGN_OR_RETURN(const bool sound, batches_are_sound(catalogue_));
    if (!sound) add_problem("events.db: what duplicates are told by is damaged");
    meter.end(catalogue_bytes);
    check_order();
    check_counters();
    return std::move(findings_);
  }

 private:
  CheckReport& report() { return findings_.report; }
  void add_problem(std::string what) { report().problems.push_back(std::move(what)); }
  std::filesystem::path path_of(const FoundFile& file) const { return segment_folder(directory_) / file.row.name; }

  base::Result<void> read_logs() {
    ASSIGN_OR_RETURN(auto rows,
                     catalogue_.prepare("SELECT id, name, records, text_bytes, next_record FROM logs ORDER BY id"));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, rows.step());
      if (!row) return {};
      FoundLog log;
      log.id = rows.integer(0);
      log.name = rows.text(1);
      log.records = static_cast<std::uint64_t>(rows.integer(2));
      log.text_bytes = static_cast<std::uint64_t>(rows.integer(3));
      log.next_record = static_cast<std::uint64_t>(rows.integer(4));
      names_[log.id] = log.name;
      findings_.logs.push_back(std::move(log));
    }
  }

  base::Result<void> check_templates() {
    ASSIGN_OR_RETURN(auto rows, catalogue_.prepare("SELECT id, text FROM templates ORDER BY id"));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, rows.step());
      if (!row) return {};
      auto skeleton = events::Skeleton::parse(std::string(rows.text(1)));
      if (skeleton.ok()) {
        templates_.put(static_cast<std::uint32_t>(rows.integer(0)), std::move(*skeleton));
      } else {
        add_problem("events.db: the template " + std::to_string(rows.integer(0)) + " is damaged");
      }
    }
  }

  base::Result<void> read_senders() {
    ASSIGN_OR_RETURN(auto rows, catalogue_.prepare("SELECT id, machine FROM senders"));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, rows.step());
      if (!row) return {};
      machines_[static_cast<std::uint32_t>(rows.integer(0))] = rows.text(1);
    }
  }

  base::Result<void> list_files() {
    std::map<std::string, FoundFile> files;
    ASSIGN_OR_RETURN(auto rows, catalogue_.prepare("SELECT " + std::string(kFileColumns) + " FROM files ORDER BY id"));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, rows.step());
      if (!row) break;
      FoundFile file;
      file.row = read_file_row(rows);
      file.in_catalogue = true;
      // A name that leads elsewhere is not one that we have given.
      if (segment_number(file.row.name) && file.row.name.find('/') == std::string::npos) {
        files.emplace(file.row.name, std::move(file));
      } else {
        add_problem("events.db: a file has an impossible name");
      }
    }
    ASSIGN_OR_RETURN(const auto given,
                     catalogue_.ask("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'files'"));
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(segment_folder(directory_), failed), end; !failed && entry != end;
         entry.increment(failed)) {
      const auto name = entry->path().filename().string();
      const auto number = segment_number(name);
      if (!number) continue;
      auto& file = files[name];
      file.is_there = true;
      if (file.in_catalogue) continue;
      file.row.name = name;
      // A catalogue that was made again does not know any more what it has removed.
      file.is_left_over = !visit_ && *number <= static_cast<std::uint64_t>(given);
    }
    for (auto& [name, file] : files) findings_.files.push_back(std::move(file));
    // Numbers rise as records do.
    std::stable_sort(findings_.files.begin(), findings_.files.end(), [](const FoundFile& a, const FoundFile& b) {
      return segment_number(a.row.name) < segment_number(b.row.name);
    });
    return {};
  }

  base::Result<void> check_file(FoundFile& file, const std::function<void(double)>& progress) {
    if (!file.is_there) {
      add_problem("segments/" + file.row.name + " is missing, and with it " + records_of(file.row));
      report().events_lost += file.row.events;
      return {};
    }
    SegmentCheck check;
    check.more_templates = &templates_;
    check.progress = progress;
    if (file.in_catalogue) {
      check.finished = file.row.finished;
      check.last_record = file.row.last_record;
    }
    std::string log = names_[file.row.log];
    if (visit_ && !file.in_catalogue) {
      const auto reader = SegmentReader::open(path_of(file), false, true);
      if (reader.ok()) log = (*reader)->info().log;
    }
    if (visit_) {
      check.visit = [&](const CheckedEvent& event) { visit_(log, machines_[event.sender], event); };
    }
    ASSIGN_OR_RETURN(file.found, check_segment_file(path_of(file), check));
    if (file.is_left_over) return {};
    auto& found = file.found;
    ++report().files;
    report().blocks += found.blocks;
    report().events += found.totals.events;
    for (const auto& problem : found.problems) add_problem("segments/" + problem);
    if (!file.in_catalogue) {
      report().events_lost += found.events_lost;
      add_problem("segments/" + file.row.name + " is not in the catalogue");
      return {};
    }
    const auto name = names_.find(file.row.log);
    if (name == names_.end() || name->second.empty())
      add_problem("segments/" + file.row.name + ": the catalogue does not know its log");
    if (found.is_segment && name != names_.end() && found.info.log != name->second) {
      add_problem("segments/" + file.row.name + " is of the log " + found.info.log + ", and not of " + name->second);
    }
    const auto& totals = found.totals;
    report().events_lost += std::max(found.events_lost, file.row.events - std::min(file.row.events, totals.events));
    if (!found.is_damaged && !agrees(file.row, totals)) {
      add_problem("segments/" + file.row.name + " holds other events than the catalogue says (" + records_of(file.row) +
                  ")");
    }
    return {};
  }

  static bool agrees(const FileRow& row, const FileRow& totals) {
    return row.first_record == totals.first_record && row.last_record == totals.last_record && row.events == totals.events &&
           row.text_bytes == totals.text_bytes && row.min_time == totals.min_time && row.max_time == totals.max_time &&
           row.min_received == totals.min_received && row.max_received == totals.max_received;
  }

  base::Result<void> check_tail() {
    ASSIGN_OR_RETURN(auto rows, catalogue_.prepare("SELECT " + std::string(kTailColumns) +
                                                   ", log, keys, frames FROM tail ORDER BY log, first_record"));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, rows.step());
      if (!row) return {};
      FoundBlock block;
      block.id = rows.integer(0);
      block.first_record = static_cast<std::uint64_t>(rows.integer(1));
      block.last_record = static_cast<std::uint64_t>(rows.integer(2));
      block.bytes = static_cast<std::uint64_t>(rows.integer(4));
      block.log = rows.integer(5);
      ++report().blocks;
      if (const auto checked = check_tail_row(rows, block); !checked.ok()) {
        const auto events = block.last_record - block.first_record + 1;
        report().events_lost += std::min<std::uint64_t>(events, kMaxBlockEvents);
        add_problem("events.db: records " + std::to_string(block.first_record) + " to " + std::to_string(block.last_record) +
                    " of " + names_[block.log] + ": " + checked.error().message());
      }
      findings_.tail.push_back(block);
    }
  }

  base::Result<void> check_tail_row(const Statement& row, FoundBlock& block) {
    ASSIGN_OR_RETURN(const auto tail, read_tail_row(row));
    ASSIGN_OR_RETURN(const auto keys, decode_keys(row.blob(6)));
    ASSIGN_OR_RETURN(const auto frames, unpack_frames(row.blob(7)));
    if (names_.find(block.log) == names_.end()) return base::make_error(Errc::Corrupt, "there is no such log");
    const auto visit = [&](const CheckedEvent& event) {
      if (event.sender != 0 && machines_.find(event.sender) == machines_.end()) {
        add_problem("events.db: the sender " + std::to_string(event.sender) + " is missing");
        machines_[event.sender] = {};
      }
      if (visit_) visit_(names_[block.log], machines_[event.sender], event);
    };
    ASSIGN_OR_RETURN(const auto right, checker_.check(tail.summary, frames_in_memory(frames), templates_, visit));
    if (right.summary.encode() != tail.summary.encode()) {
      return base::make_error(Errc::Corrupt, "the summary does not say what the events say");
    }
    if (right.keys != keys) return base::make_error(Errc::Corrupt, "the keys are not those of the events");
    report().events += right.summary.events;
    block.text_bytes = right.summary.text_bytes;
    block.is_sound = true;
    return {};
  }

  // Files and tail blocks of a log follow each other.
  void check_order() {
    std::map<std::int64_t, std::map<std::uint64_t, std::uint64_t>> ranges;
    for (const auto& file : findings_.files) {
      if (file.in_catalogue) ranges[file.row.log][file.row.first_record] = file.row.last_record;
    }
    for (const auto& block : findings_.tail) {
      auto& last = ranges[block.log][block.first_record];
      last = std::max(last, block.last_record);
    }
    for (const auto& log : findings_.logs) {
      std::uint64_t last = 0;
      for (const auto& [first, end] : ranges[log.id]) {
        if (first <= last) add_problem(log.name + ": record " + std::to_string(first) + " is held more than once");
        last = std::max(last, end);
      }
      if (last >= log.next_record) add_problem(log.name + ": the catalogue would give numbers a second time");
    }
  }

  void check_counters() {
    for (const auto& log : findings_.logs) {
      std::uint64_t records = 0, text_bytes = 0;
      for (const auto& file : findings_.files) {
        if (!file.in_catalogue || file.row.log != log.id) continue;
        records += file.row.events;
        text_bytes += file.row.text_bytes;
      }
      bool sound = true;
      for (const auto& block : findings_.tail) {
        if (block.log != log.id) continue;
        records += block.last_record - block.first_record + 1;
        text_bytes += block.text_bytes;
        sound = sound && block.is_sound;
      }
      if (records != log.records || (sound && text_bytes != log.text_bytes)) {
        add_problem(log.name + ": the catalogue counts " + std::to_string(log.records) + " events of " +
                    std::to_string(log.text_bytes) + " bytes, and there are " + std::to_string(records) + " of " +
                    std::to_string(text_bytes));
      }
    }
  }

  const std::filesystem::path& directory_;
  Database& catalogue_;
  const VisitEvent& visit_;
  StoreFindings findings_;
  TemplateRegistry templates_{[](std::uint32_t id) -> base::Result<std::string> {
    return base::make_error(Errc::Corrupt, "there is no template " + std::to_string(id));
  }};
  BlockChecker checker_;
  std::map<std::int64_t, std::string> names_;
  std::map<std::uint32_t, std::string> machines_;
};

}  // namespace

base::Result<StoreFindings> examine_store(const std::filesystem::path& directory, Database& catalogue,
                                          const VisitEvent& visit, const Progress& progress) {
  return Examination(directory, catalogue, visit).run(progress);
}

base::Result<bool> batches_are_sound(Database& catalogue) {
  ASSIGN_OR_RETURN(auto rows, catalogue.prepare("SELECT first_record, last_record, keys FROM batches"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return true;
    if (rows.integer(1) < rows.integer(0)) return false;
    const auto records = static_cast<std::uint64_t>(rows.integer(1)) - static_cast<std::uint64_t>(rows.integer(0));
    ByteReader reader(rows.blob(2));
    for (auto left = reader.varint(kMaxKeysOfBatch); left > 0 && reader.ok(); --left) {
      const bool is_hash = (reader.varint() & 1) != 0;
      reader.varint();
      if (!is_hash) reader.varint(kMaxSpanOfKeys);
      const auto from = reader.varint(records);
      if (!is_hash) reader.varint(records - from);
    }
    if (!reader.done()) return false;
  }
}

base::Result<std::unique_ptr<Database>> open_still(const std::filesystem::path& catalogue) {
  Database::Options options;
  options.read_only = true;
  options.still = true;
  return Database::open(catalogue, options);
}

base::Result<CatalogueState> examine_catalogue(const std::filesystem::path& directory) {
  const auto file = catalogue_file(directory);
  CatalogueState state;
  std::error_code failed;
  state.is_there = std::filesystem::exists(file, failed);
  if (!state.is_there) {
    state.problems.push_back("events.db is missing");
    return state;
  }
  const auto look = [&]() -> base::Result<void> {
    ASSIGN_OR_RETURN(auto database, open_still(file));
    ASSIGN_OR_RETURN(const auto application, database->ask("PRAGMA application_id"));
    ASSIGN_OR_RETURN(const auto version, database->ask("PRAGMA user_version"));
    const auto newest = static_cast<std::int64_t>(event_schema().steps.size());
    if (application != event_schema().application_id || version < 1) {
      return base::make_error(Errc::Corrupt, "events.db is not a catalogue of Muster");
    }
    if (version > newest) return base::make_error(Errc::TooNew, "events.db has version " + std::to_string(version));
    state.version = version;
    ASSIGN_OR_RETURN(auto rows, database->prepare("SELECT integrity_check FROM pragma_integrity_check(20)"));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, rows.step());
      if (!row) return {};
      if (rows.text(0) != "ok") state.problems.push_back("events.db: " + std::string(rows.text(0)));
    }
  };
  const auto looked = look();
  if (!looked.ok() && looked.error().code == Errc::TooNew) return looked.error();
  if (!looked.ok()) state.problems.push_back(looked.error().message());
  return state;
}

}  // namespace storage
