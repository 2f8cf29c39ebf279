#include "storage/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <limits>

#include "engine/base/file_system.h"

namespace storage {

Statement& Statement::bind(int parameter, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), parameter, value);
  if (code != SQLITE_OK) bind_failure_ = code;
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code = sqlite3_bind_text64(statement_.get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_failure_ = code;
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  const int code = sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) bind_failure_ = code;
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  const int code = sqlite3_bind_null(statement_.get(), parameter);
  if (code != SQLITE_OK) bind_failure_ = code;
  return *this;
}

base::Result<bool> Statement::step() {
  int code = std::exchange(bind_failure_, SQLITE_OK);
  errno = 0;
  if (code == SQLITE_OK) code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  auto error = database_->failure(code);
  sqlite3_reset(statement_.get());
  return error;
}

base::Result<void> Statement::run() {
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, step());
    if (!row) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

bool Statement::is_integer(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_INTEGER;
}

bool Statement::is_blob(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_BLOB;
}

std::optional<base::WallTime> Statement::optional_time(int column) const {
  if (is_null(column)) return std::nullopt;
  return time(column);
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return std::string(text(column));
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

namespace {

// The file as a URI: a path may hold any byte, and SQLite takes some of them for its own.
std::string uri_of(const std::filesystem::path& file, bool immutable) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  static constexpr std::string_view kPlain = "/-._~";
  // An empty authority, so that a path that begins with two slashes is not taken for one.
  std::string uri = file.is_absolute() ? "file://" : "file:";
  for (const char c : file.native()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    if (letter || kPlain.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri += '%';
      uri += kHex[byte >> 4];
      uri += kHex[byte & 15];
    }
  }
  return immutable ? uri + "?immutable=1" : uri;
}

bool has_wal(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file.string() + "-wal", error);
  return !error && size > 0;
}

}  // namespace

base::Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, const Options& options) {
  std::unique_ptr<Database> database(new Database);
  database->name_ = file.string();
  if (!options.read_only) {
    // SQLite would make the file with the process's default mode; its journal takes the mode over from the file.
    auto made = base::create_file(file, "", options.mode);
    if (!made.ok() && made.error().code != std::errc::file_exists) return std::move(made).error();
  }
  sqlite3* connection = nullptr;
  errno = 0;
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
  // What lies in a WAL can be read without the shared index, which would have to be made, if nobody else is there: no locks,
  // and an index of one's own.
  const bool still = options.read_only && options.still && !options.immutable;
  const bool still_wal = still && has_wal(file);
  const char* vfs = still_wal ? "unix-none" : options.vfs.empty() ? nullptr : options.vfs.c_str();
  const std::string name = uri_of(file, options.read_only && (options.immutable || (still && !still_wal)));
  const int code = sqlite3_open_v2(name.c_str(), &connection, flags | SQLITE_OPEN_URI, vfs);
  database->connection_.reset(connection);
  if (code != SQLITE_OK) return database->failure(code);
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, 5000);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);

  // Before anything looks into the file.
  if (still_wal) {
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    RETURN_IF_ERROR(database->execute("PRAGMA locking_mode=EXCLUSIVE"));
  }
  // Some builds of SQLite overwrite whatever is deleted, which doubles the work of emptying a table.
  RETURN_IF_ERROR(database->execute("PRAGMA secure_delete=OFF"));
  // Files come from elsewhere, too: nothing in their schema is trusted, and pages are looked at before they are used.
  const std::string cache = "PRAGMA cache_size=-" + std::to_string(options.cache_bytes / 1024);
  const std::string map = "PRAGMA mmap_size=" + std::to_string(options.map_bytes);
  RETURN_IF_ERROR(database->execute("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; " + cache + "; " + map));
  if (options.read_only) return database;
  // Page size and vacuum mean something to a new file only. EXTRA is FULL in a WAL; but the change to a WAL still needs a
  // rollback journal, and if that one came back after a loss of power, its rollback would empty the file. The WAL is cut
  // back when a large transaction has swollen it.
  const std::string page = std::to_string(options.page_bytes);
  RETURN_IF_ERROR(database->execute("PRAGMA page_size=" + page + "; PRAGMA auto_vacuum=INCREMENTAL"));
  RETURN_IF_ERROR(
      database->execute("PRAGMA synchronous=EXTRA; PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=16777216"));
  const unsigned pages = (4u << 20) / options.page_bytes;
  RETURN_IF_ERROR(database->execute("PRAGMA wal_autocheckpoint=" + std::to_string(pages)));
  return database;
}

Database::~Database() = default;

void Database::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

base::Result<void> Database::execute(const std::string& sql) {
  errno = 0;
  const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

base::Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &prepared, nullptr);
  if (code != SQLITE_OK) return failure(code);
  Statement statement;
  statement.statement_.reset(prepared);
  statement.database_ = this;
  return statement;
}

base::Result<std::int64_t> Database::ask(const std::string& sql) {
  ASSIGN_OR_RETURN(auto statement, prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

base::Result<void> Database::begin() {
  return execute("BEGIN IMMEDIATE");
}

base::Result<void> Database::begin_read() {
  return execute("BEGIN");
}

base::Result<void> Database::commit() {
  return execute("COMMIT");
}

void Database::rollback() {
  // SQLite has already rolled back by itself after some errors; a second time would be an error of its own.
  if (sqlite3_get_autocommit(connection_.get()) == 0) {
    sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  failed_ = false;
}

base::Result<void> Database::limit_size(std::uint64_t bytes) {
  if (bytes == 0) return {};
  ASSIGN_OR_RETURN(const auto page_bytes, ask("PRAGMA page_size"));
  return execute("PRAGMA max_page_count=" + std::to_string(bytes / static_cast<std::uint64_t>(page_bytes)));
}

base::Error Database::failure(int code) {
  // sqlite3_system_errno() knows nothing of a write that has failed at the commit; the thread's own errno does.
  const int system = errno;
  failed_ = true;
  const int reason = code & 0xff;
  auto errc = Errc::Io;
  if (reason == SQLITE_FULL) {
    errc = Errc::Full;
  } else if (reason == SQLITE_NOTADB || reason == SQLITE_CORRUPT) {
    errc = Errc::Corrupt;
  } else if (reason == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT || system == EFBIG)) {
    errc = Errc::Full;
  }
  std::string what = name_ + ": " + (connection_ ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code));
  if (errc == Errc::Io && system != 0) what += " (" + std::generic_category().message(system) + ")";
  return base::make_error(errc, std::move(what));
}

}  // namespace storage
