#include "storage/store_setup.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include "engine/base/file_system.h"
#include "engine/base/log.h"
#include "storage/migrations.h"
#include "storage/row_migration.h"
#include "storage/segment_file.h"

namespace storage {
namespace {

// So many templates may lie about unused before it is worth looking into every file.
constexpr std::int64_t kTemplatesWorthTidying = 4'096;

base::Error needs_repair(const StoreShared& shared, const std::string& what) {
  return base::make_error(Errc::Corrupt, shared.directory.string() + " " + what + ": see muster store repair");
}

// Names below segments/, of files and of what SQLite keeps beside them, with the file's number.
base::Result<std::vector<std::pair<std::string, std::uint64_t>>> names_in(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::uint64_t>> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    const auto name = entry->path().filename().string();
    std::string_view main = name;
    for (const std::string_view beside : {"-wal", "-shm", "-journal"}) {
      if (main.ends_with(beside)) main.remove_suffix(beside.size());
    }
    if (const auto number = segment_number(main)) names.emplace_back(name, *number);
  }
  if (failed) return base::make_error(failed, folder.string());
  return names;
}

base::Result<void> check_files(const StoreShared& shared, Database& catalogue) {
  ASSIGN_OR_RETURN(const auto given, catalogue.ask("SELECT seq FROM sqlite_sequence WHERE name = 'files'"));
  std::unordered_map<std::uint64_t, std::string> known;
  ASSIGN_OR_RETURN(auto rows, catalogue.prepare("SELECT id, name FROM files"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) break;
    known.emplace(static_cast<std::uint64_t>(rows.integer(0)), std::string(rows.text(1)));
  }
  const auto folder = segment_folder(shared.directory);
  ASSIGN_OR_RETURN(const auto names, names_in(folder));
  std::unordered_set<std::string> there;
  std::vector<std::string> orphans;
  for (const auto& [name, number] : names) {
    there.insert(name);
    const auto row = known.find(number);
    if (row != known.end() && name.starts_with(row->second)) continue;
    if (number > static_cast<std::uint64_t>(given)) return needs_repair(shared, "has files that its catalogue cannot know");
    orphans.push_back(name);
  }
  for (const auto& name : orphans) {
    std::error_code failed;
    std::filesystem::remove(folder / name, failed);
    if (failed) base::log_warning("cannot remove {}: {}", (folder / name).string(), failed.message());
  }
  for (const auto& [number, name] : known) {
    if (!there.contains(name)) {
      base::log_error("{} is missing, and its events with it: see muster store repair", (folder / name).string());
    }
  }
  return {};
}

// Templates that neither a file nor the tail uses.
base::Result<void> tidy_templates(const StoreShared& shared, Database& catalogue) {
  ASSIGN_OR_RETURN(const auto count, catalogue.ask("SELECT count(*) FROM templates"));
  if (count < kTemplatesWorthTidying) return {};
  std::unordered_set<std::uint32_t> used;
  ASSIGN_OR_RETURN(auto files, catalogue.prepare("SELECT name, finished FROM files"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, files.step());
    if (!row) break;
    auto reader = SegmentReader::open(segment_folder(shared.directory) / std::string(files.text(0)), files.integer(1) != 0);
    // Who cannot look must not throw away.
    if (!reader.ok()) return {};
    const auto ids = (*reader)->template_ids();
    if (!ids.ok()) return {};
    used.insert(ids->begin(), ids->end());
  }
  ASSIGN_OR_RETURN(auto tail, catalogue.prepare("SELECT " + std::string(kTailColumns) + " FROM tail"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, tail.step());
    if (!row) break;
    ASSIGN_OR_RETURN(const auto block, read_tail_row(tail));
    for (const auto& part : block.summary.counts) used.insert(part.template_id);
  }
  ASSIGN_OR_RETURN(auto all, catalogue.prepare("SELECT id FROM templates"));
  std::vector<std::int64_t> unused;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, all.step());
    if (!row) break;
    if (!used.contains(static_cast<std::uint32_t>(all.integer(0)))) unused.push_back(all.integer(0));
  }
  if (unused.empty()) return {};
  RETURN_IF_ERROR(catalogue.begin());
  const auto remove = [&]() -> base::Result<void> {
    ASSIGN_OR_RETURN(auto drop, catalogue.prepare("DELETE FROM templates WHERE id = ?1"));
    for (const auto id : unused) RETURN_IF_ERROR(drop.bind(1, id).run());
    return catalogue.commit();
  };
  auto done = remove();
  if (!done.ok()) catalogue.rollback();
  return done;
}

base::Result<void> learn_templates(StoreShared& shared, TemplateIndex& index, Database& catalogue) {
  ASSIGN_OR_RETURN(auto rows, catalogue.prepare("SELECT id, hash, text FROM templates"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return {};
    auto skeleton = events::Skeleton::parse(std::string(rows.text(2)));
    if (!skeleton.ok()) {
      return needs_repair(shared, "has a template " + std::to_string(rows.integer(0)) + " that makes no sense");
    }
    const auto id = static_cast<std::uint32_t>(rows.integer(0));
    shared.templates.put(id, *skeleton);
    index.add(static_cast<std::uint64_t>(rows.integer(1)), Template{id, std::move(*skeleton)});
  }
}

}  // namespace

base::Result<void> set_up_store(StoreShared& shared, TemplateIndex& index) {
  RETURN_IF_ERROR(base::make_directories(shared.directory));
  RETURN_IF_ERROR(base::make_directories(segment_folder(shared.directory)));
  std::error_code failed;
  if (!std::filesystem::exists(catalogue_file(shared.directory), failed)) {
    ASSIGN_OR_RETURN(const auto names, names_in(segment_folder(shared.directory)));
    if (!names.empty()) return needs_repair(shared, "has lost its catalogue events.db");
  }
  ASSIGN_OR_RETURN(auto catalogue,
                   Database::open(catalogue_file(shared.directory), shared.database_options(false, 8u << 20)));
  RETURN_IF_ERROR(migrate(*catalogue, event_schema()));
  RETURN_IF_ERROR(check_files(shared, *catalogue));
  RETURN_IF_ERROR(tidy_templates(shared, *catalogue));
  RETURN_IF_ERROR(learn_templates(shared, index, *catalogue));
  return move_rows(shared, index, *catalogue);
}

}  // namespace storage
