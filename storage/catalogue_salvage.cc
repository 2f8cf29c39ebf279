#include "storage/catalogue_salvage.h"

#include <algorithm>
#include <string>
#include <vector>

#include "storage/migrations.h"
#include "storage/new_file.h"
#include "storage/store_findings.h"

namespace storage {
namespace {

struct Table {
  const char* name;
  const char* key;  ///< what it is ordered by
};
constexpr Table kTables[] = {
    {"logs", "id"},  {"origins", "id"},        {"senders", "id"},       {"templates", "id"},
    {"files", "id"}, {"marks", "log, origin"}, {"positions", "source"}, {"deliveries", "subscription, machine"},
    {"tail", "id"},
};

std::string damaged_name(const std::filesystem::path& file) {
  return file.string() + ".damaged";
}

std::string descending(std::string key) {
  std::string order;
  for (const char c : key) order += c == ',' ? std::string(" DESC,") : std::string(1, c);
  return order + " DESC";
}

base::Result<std::vector<std::string>> columns_of(Database& database, const std::string& table) {
  ASSIGN_OR_RETURN(auto rows, database.prepare("SELECT name FROM pragma_table_info('" + table + "')"));
  std::vector<std::string> columns;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return columns;
    columns.emplace_back(rows.text(0));
  }
}

// What a row's column holds goes from one statement to the other as it is.
void hand_over(const Statement& from, int column, Statement& to) {
  const int parameter = column + 1;
  if (from.is_null(column)) {
    to.bind_null(parameter);
  } else if (from.is_integer(column)) {
    to.bind(parameter, from.integer(column));
  } else if (from.is_blob(column)) {
    to.bind_blob(parameter, from.blob(column));
  } else {
    to.bind(parameter, from.text(column));
  }
}

class Salvage {
 public:
  Salvage(Database& from, Database& to) : from_(from), to_(to) {}

  base::Result<void> copy(const Table& table) {
    ASSIGN_OR_RETURN(const auto wanted, columns_of(to_, table.name));
    const auto there = columns_of(from_, table.name);
    if (!there.ok()) return {};
    std::string columns, parameters;
    int count = 0;
    for (const auto& column : wanted) {
      if (std::find(there->begin(), there->end(), column) == there->end()) continue;
      columns += (count == 0 ? "" : ", ") + column;
      parameters += (count == 0 ? "?" : ", ?") + std::to_string(count + 1);
      ++count;
    }
    if (count == 0) return {};
    const std::string name = table.name;
    const auto select = "SELECT " + columns + " FROM " + name + " ORDER BY ";
    ASSIGN_OR_RETURN(insert_,
                     to_.prepare("INSERT OR IGNORE INTO " + name + " (" + columns + ") VALUES (" + parameters + ")"));
    // From its beginning as far as it goes, then from its end.
    ASSIGN_OR_RETURN(const bool complete, copy_rows(select + table.key, count));
    if (complete) return {};
    ASSIGN_OR_RETURN(const bool met, copy_rows(select + descending(table.key), count));
    (void)met;
    return {};
  }

 private:
  // False where a row could not be read. Ends where a row is in the new table already.
  base::Result<bool> copy_rows(const std::string& sql, int count) {
    auto select = from_.prepare(sql);
    if (!select.ok()) return false;
    for (;;) {
      const auto row = select->step();
      if (!row.ok()) {
        from_.rollback();
        return false;
      }
      if (!*row) return true;
      for (int column = 0; column < count; ++column) hand_over(*select, column, insert_);
      const auto inserted = insert_.run();
      // A row that breaks a rule of its table is damaged; a disk that is full is another matter.
      if (!inserted.ok() && inserted.error().code != Errc::Io) return inserted.error();
      ASSIGN_OR_RETURN(const auto changes, to_.ask("SELECT changes()"));
      if (inserted.ok() && changes == 0) return true;
    }
  }

  Database& from_;
  Database& to_;
  Statement insert_;
};

}  // namespace

base::Result<void> set_aside(const std::filesystem::path& database) {
  std::error_code failed;
  const auto to = damaged_name(database);
  // Its journal goes first: a new database must not find it beside itself.
  for (const char* end : {"-wal", "-journal"}) {
    if (std::filesystem::exists(database.string() + end, failed)) {
      std::filesystem::rename(database.string() + end, to + end, failed);
      if (failed) return base::make_error(failed, "cannot rename " + database.string() + end);
    }
  }
  std::filesystem::remove(database.string() + "-shm", failed);
  std::filesystem::rename(database, to, failed);
  if (failed) return base::make_error(failed, "cannot rename " + database.string());
  return sync_path(database.parent_path());
}

base::Result<void> salvage_catalogue(const std::filesystem::path& directory) {
  const auto file = catalogue_file(directory);
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(file, ignored);
  const std::filesystem::path source = is_there ? file : std::filesystem::path(damaged_name(file));
  ASSIGN_OR_RETURN(auto place, NewFile::plan(file, true));
  {
    Database::Options options;
    options.page_bytes = kCataloguePageBytes;
    ASSIGN_OR_RETURN(auto made, Database::open(place.path(), options));
    RETURN_IF_ERROR(migrate(*made, event_schema()));
    auto old = std::filesystem::exists(source, ignored) ? open_still(source) : base::Result<std::unique_ptr<Database>>();
    if (old.ok()) {
      RETURN_IF_ERROR(made->begin());
      Salvage salvage(**old, *made);
      for (const auto& table : kTables) RETURN_IF_ERROR(salvage.copy(table));
      RETURN_IF_ERROR(made->commit());
    }
    RETURN_IF_ERROR(made->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  if (is_there) RETURN_IF_ERROR(set_aside(file));
  return place.take_place();
}

}  // namespace storage
