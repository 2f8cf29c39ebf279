#include "storage/segment_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "storage/segment_schema.h"
#include "storage/template_registry.h"
#include "storage/value_index.h"

namespace storage {
namespace {

// More of the same says nothing new.
constexpr std::size_t kMaxProblems = 20;

struct Row {
  BlockRow block;
  std::optional<BlockSummary> summary;
};

// A file that is looked at, sound or not.
class Patient {
 public:
  Patient(const std::filesystem::path& file, const SegmentCheck& check, SegmentFindings& findings)
      : file_(file), name_(file.filename().string()), check_(check), findings_(findings) {}

  base::Result<void> open() {
    Database::Options options;
    options.read_only = true;
    options.immutable = check_.finished;
    options.still = !check_.finished;
    ASSIGN_OR_RETURN(database_, Database::open(file_, options));
    RETURN_IF_ERROR(check_segment(*database_));
    ASSIGN_OR_RETURN(reader_, SegmentReader::open(file_, check_.finished, !check_.finished));
    findings_.info = reader_->info();
    return {};
  }

  SegmentReader& reader() { return *reader_; }
  const TemplateSource& templates() const { return templates_; }
  void add_problem(const std::string& what) {
    findings_.is_damaged = true;
    if (findings_.problems.size() < kMaxProblems) findings_.problems.push_back(name_ + ": " + what);
  }
  void add_problem(const BlockRow& block, const std::string& what) {
    add_problem("records " + std::to_string(block.first_record) + " to " + std::to_string(block.last_record) + ": " + what);
  }

  void check_pages() {
    auto rows = database_->prepare("SELECT integrity_check FROM pragma_integrity_check(10)");
    if (!rows.ok()) return add_problem(rows.error().message());
    for (;;) {
      const auto row = rows->step();
      if (!row.ok()) return add_problem(row.error().message());
      if (!*row) return;
      if (rows->text(0) != "ok") add_problem(std::string(rows->text(0)));
    }
  }

  void check_sender(std::uint32_t id) {
    const auto sender = reader_->sender(id);
    if (!sender.ok() || !*sender) add_problem("the sender " + std::to_string(id) + " is missing");
  }

  /// The blocks up to the last record asked for, as far as they can be found from either end.
  std::vector<Row> rows() {
    std::map<std::uint64_t, Row> found;
    const std::string select = "SELECT first_record, last_record, number, frames, summary FROM blocks ";
    if (!collect(select + "ORDER BY first_record", found)) {
      (void)collect(select + "ORDER BY first_record DESC", found);
    }
    std::vector<Row> rows;
    std::uint64_t last = 0;
    for (auto& [first, row] : found) {
      if (row.block.last_record > check_.last_record) continue;
      if (first <= last) {
        add_problem(row.block, "the block overlaps the one before it");
        continue;
      }
      last = row.block.last_record;
      rows.push_back(std::move(row));
    }
    return rows;
  }

  /// The keys that the index has for a block; nothing where it does not cover it.
  std::optional<std::vector<ValueKey>> indexed_keys(std::uint64_t first_record) {
    load_runs();
    const auto run = runs_.upper_bound(first_record);
    if (run == runs_.begin()) return std::nullopt;
    const auto& row = std::prev(run)->second;
    if (row.last_record < first_record) return std::nullopt;
    if (keys_of_run_ != row.id) read_run(row);
    const auto place = run_keys_.find(first_record);
    if (place == run_keys_.end()) return std::nullopt;
    return place->second;
  }

 private:
  // False where it ended before the end.
  bool collect(const std::string& sql, std::map<std::uint64_t, Row>& found) {
    auto select = database_->prepare(sql);
    if (!select.ok()) {
      add_problem(select.error().message());
      return false;
    }
    for (;;) {
      const auto more = select->step();
      if (!more.ok()) {
        add_problem(more.error().message());
        return false;
      }
      if (!*more) return true;
      const auto block = read_block_row(*select, {}, name_);
      if (!block.ok()) {
        add_problem("record " + std::to_string(select->integer(0)) + ": its block makes no sense");
        continue;
      }
      Row row{*block, std::nullopt};
      if (auto summary = BlockSummary::decode(select->blob(4)); summary.ok()) row.summary = std::move(*summary);
      // What comes again has been there: the other end has reached this one, or the table runs in a circle.
      if (!found.emplace(block->first_record, std::move(row)).second) return false;
    }
  }

  void load_runs() {
    if (runs_loaded_) return;
    runs_loaded_ = true;
    auto select = database_->prepare(std::string("SELECT ") + kRunColumns + ", directory FROM value_runs ORDER BY id");
    RunRow last;
    for (;;) {
      if (!select.ok()) return add_problem(select.error().message());
      const auto more = select->step();
      if (!more.ok()) return add_problem(more.error().message());
      if (!*more) return;
      auto run = read_run_row(*select, last, name_);
      if (!run.ok()) return add_problem("its list of value runs is damaged");
      last = *run;
      const auto directory = decode_directory(select->blob(5));
      if (!directory.ok() || static_cast<std::int64_t>(directory->size()) != run->chunks) {
        add_problem("a value run's directory is damaged");
        continue;
      }
      directories_[run->id] = *directory;
      runs_.emplace(run->first_records.front(), std::move(*run));
    }
  }

  void read_run(const RunRow& run) {
    keys_of_run_ = run.id;
    run_keys_.clear();
    std::vector<std::vector<ValueKey>> keys(run.first_records.size());
    const auto& directory = directories_[run.id];
    auto select = database_->prepare("SELECT data FROM value_chunks WHERE id = ?1");
    for (std::int64_t i = 0; i < run.chunks; ++i) {
      if (!select.ok()) return add_problem(select.error().message());
      const auto found = select->bind(1, run.first_chunk + i).step();
      if (!found.ok() || !*found) return add_problem("a part of the value index cannot be read");
      bool sound = true;
      std::uint64_t last = i + 1 < run.chunks ? directory[static_cast<std::size_t>(i) + 1] : std::uint64_t{1} << 32;
      bool first = true;
      const auto scanned = scan_chunk(select->blob(0), {0, 0xffffffff}, [&](ValueKey key, RunBlocks blocks) {
        if (std::exchange(first, false)) sound = key == directory[static_cast<std::size_t>(i)];
        sound = sound && key < last;
        for (; blocks != 0 && sound; blocks &= blocks - 1) {
          const auto block = static_cast<std::size_t>(std::countr_zero(blocks));
          sound = block < keys.size();
          if (sound) keys[block].push_back(key);
        }
      });
      select->reset();
      if (!scanned.ok() || !sound) return add_problem("a part of the value index is damaged");
    }
    for (std::size_t i = 0; i < keys.size(); ++i) run_keys_[run.first_records[i]] = std::move(keys[i]);
  }

  base::Result<std::string> template_text(std::uint32_t id) {
    auto text = reader_->template_text(id);
    if (text.ok() && *text && events::Skeleton::parse(**text).ok()) return std::move(**text);
    if (check_.more_templates != nullptr) {
      ASSIGN_OR_RETURN(const auto skeleton, check_.more_templates->find(id));
      add_problem("the template " + std::to_string(id) + " is missing");
      return skeleton->text();
    }
    return base::make_error(Errc::Corrupt, "there is no template " + std::to_string(id));
  }

  const std::filesystem::path file_;
  const std::string name_;
  const SegmentCheck& check_;
  SegmentFindings& findings_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<SegmentReader> reader_;
  TemplateRegistry templates_{[this](std::uint32_t id) { return template_text(id); }};

  bool runs_loaded_ = false;
  std::map<std::uint64_t, RunRow> runs_;  // by their first record
  std::map<std::int64_t, std::vector<ValueKey>> directories_;
  std::int64_t keys_of_run_ = 0;
  std::map<std::uint64_t, std::vector<ValueKey>> run_keys_;
};

void check_keys(Patient& patient, SegmentFindings& findings, const BlockRow& block, const std::vector<ValueKey>& right,
                bool finished) {
  auto keys = patient.indexed_keys(block.first_record);
  if (!keys) {
    findings.is_indexed = false;
    if (finished) return patient.add_problem(block, "the value index does not know the block");
    auto own = patient.reader().keys(block.first_record);
    if (!own.ok()) return patient.add_problem(block, own.error().message());
    keys = std::move(*own);
  }
  if (*keys != right) patient.add_problem(block, "the value index does not say what the events say");
}

void add_totals(FileRow& totals, const BlockSummary& block) {
  if (totals.events == 0) {
    totals.first_record = block.first_record;
    totals.min_time = block.min_time;
    totals.max_time = block.max_time;
    totals.min_received = block.min_received;
    totals.max_received = block.max_received;
  }
  totals.min_time = std::min(totals.min_time, block.min_time);
  totals.max_time = std::max(totals.max_time, block.max_time);
  totals.min_received = std::min(totals.min_received, block.min_received);
  totals.max_received = std::max(totals.max_received, block.max_received);
  totals.last_record = block.last_record();
  totals.events += block.events;
  totals.text_bytes += block.text_bytes;
}

}  // namespace

base::Result<SegmentFindings> check_segment_file(const std::filesystem::path& file, const SegmentCheck& check) {
  SegmentFindings findings;
  Patient patient(file, check, findings);
  if (const auto opened = patient.open(); !opened.ok()) {
    if (opened.error().code == Errc::TooNew) return opened.error();
    patient.add_problem(opened.error().message());
    return findings;
  }
  findings.is_segment = true;
  findings.is_indexed = true;
  patient.check_pages();
  BlockChecker checker;
  std::set<std::uint32_t> senders{0};
  const auto visit = [&](const CheckedEvent& event) {
    if (senders.insert(event.sender).second) patient.check_sender(event.sender);
    if (check.visit) check.visit(event);
  };
  const auto rows = patient.rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [block, summary] = rows[i];
    ++findings.blocks;
    const std::uint64_t events = block.last_record - block.first_record + 1;
    if (!summary) {
      patient.add_problem(block, "the summary cannot be read");
      findings.events_lost += events;
      continue;
    }
    const auto right = checker.check(*summary, patient.reader().frames(block.first_record), patient.templates(), visit);
    if (!right.ok() || right->summary.first_record != block.first_record || right->summary.events != events) {
      patient.add_problem(block, right.ok() ? "the block has other records" : right.error().message());
      findings.events_lost += events;
      continue;
    }
    if (right->summary.encode() != summary->encode())
      patient.add_problem(block, "the summary does not say what the events say");
    check_keys(patient, findings, block, right->keys, check.finished);
    findings.readable.push_back(block.first_record);
    add_totals(findings.totals, right->summary);
    if (check.progress) check.progress(static_cast<double>(i + 1) / static_cast<double>(rows.size()));
  }
  return findings;
}

base::Result<void> salvage_segment(const std::filesystem::path& file, const SegmentFindings& findings,
                                   const SegmentCheck& check, const std::filesystem::path& to) {
  SegmentFindings again;
  SegmentCheck quietly = check;
  quietly.visit = nullptr;
  Patient patient(file, quietly, again);
  RETURN_IF_ERROR(patient.open());
  ASSIGN_OR_RETURN(auto writer, SegmentWriter::create(to, findings.info, {}));
  BlockChecker checker;
  std::size_t next = 0;
  for (const auto& [row, summary] : patient.rows()) {
    if (next == findings.readable.size()) break;
    if (row.first_record != findings.readable[next] || !summary) continue;
    ++next;
    std::set<std::uint32_t> sender_ids;
    ASSIGN_OR_RETURN(auto right, checker.check(*summary, patient.reader().frames(row.first_record), patient.templates(),
                                               [&](const CheckedEvent& event) { sender_ids.insert(event.sender); }));
    std::vector<Sender> senders;
    for (const auto id : sender_ids) {
      auto sender = patient.reader().sender(id);
      if (id != 0 && sender.ok() && *sender) senders.push_back(std::move(**sender));
    }
    const SealedBlock block{std::move(right.summary), std::move(right.frames), std::move(right.keys)};
    RETURN_IF_ERROR(writer->append({&block, 1}, patient.templates(), senders));
  }
  return writer->finish();
}

}  // namespace storage
