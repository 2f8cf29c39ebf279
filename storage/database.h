// SQLite behind a seam: one connection, its prepared statements and its transactions, with errors as base::Result.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "storage/errc.h"

struct sqlite3;
struct sqlite3_stmt;

namespace storage {

/// A prepared statement. Parameters count from 1, columns from 0. What is bound as text must live until the statement has
/// been stepped for the last time. Must not outlive its Database. One thread at a time.
class Statement {
 public:
  Statement() = default;

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view text);
  /// Must live as long as a text.
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);
  Statement& bind(int parameter, base::WallTime time) { return bind(parameter, time.time_since_epoch().count()); }
  /// Nothing is NULL.
  template <typename T>
  Statement& bind(int parameter, const std::optional<T>& value) {
    if (value) return bind(parameter, *value);
    return bind_null(parameter);
  }

  /// Goes on to the next row; false at the end, when the statement is ready to be bound and stepped again. After an error
  /// as well.
  base::Result<bool> step();
  /// Runs a statement that has no rows, or whose rows do not matter.
  base::Result<void> run();
  /// Makes it ready again before its last row has been reached.
  void reset();

  std::int64_t integer(int column) const;
  /// Valid until the next step() or reset(). NULL is the empty text.
  std::string_view text(int column) const;
  /// The bytes of a blob, valid as text() is.
  std::string_view blob(int column) const;
  bool is_null(int column) const;
  bool is_integer(int column) const;
  bool is_blob(int column) const;
  base::WallTime time(int column) const { return base::WallTime(std::chrono::nanoseconds(integer(column))); }
  std::optional<base::WallTime> optional_time(int column) const;
  std::optional<std::string> optional_text(int column) const;

  explicit operator bool() const { return statement_ != nullptr; }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  class Database* database_ = nullptr;
  int bind_failure_ = 0;
};

/// A connection. One thread at a time.
///
/// Errors of all its functions: Errc::Full where the disk (or the limit) is reached, Errc::Corrupt where the file is damaged
/// or not a database, else Errc::Io; the text names the file.
class Database {
 public:
  struct Options {
    bool read_only = false;
    /// Of a new file: its permissions and the size of its pages.
    unsigned mode = 0640;
    unsigned page_bytes = 4096;
    /// Bytes of pages kept in memory.
    std::size_t cache_bytes = 2u << 20;
    /// SQLite's VFS by name; empty is the default one.
    std::string vfs;
    /// For a file that is read only and that nobody writes any more: no lock, and no journal beside it.
    bool immutable = false;
    /// For a file that is read only and that nobody has open to write: a WAL beside it is read as well, but no byte of
    /// either is changed and no file is made, so that it works on a disk that cannot be written.
    bool still = false;
    /// As much of the file is read through memory; the file must not be cut meanwhile.
    std::size_t map_bytes = 0;
  };

  /// Opens the file, durably made where it is missing, unless `read_only`. Journal is a WAL that is synced at each commit
  /// and checkpointed at about 4 MiB.
  static base::Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, const Options& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs one or more statements without parameters.
  base::Result<void> execute(const std::string& sql);
  base::Result<Statement> prepare(std::string_view sql);
  /// The single number that `sql` asks for.
  base::Result<std::int64_t> ask(const std::string& sql);

  base::Result<void> begin();       ///< takes the write lock
  base::Result<void> begin_read();  ///< what is read until the end is one state
  base::Result<void> commit();      ///< a read is ended so as well; after an error, the transaction is still open
  void rollback();                  ///< does nothing outside of a transaction

  /// Whether a call has failed since the last rollback(): what a transaction must not be committed after.
  bool failed() const { return failed_; }

  /// Errc::Full once the file would be larger; 0 is no limit.
  base::Result<void> limit_size(std::uint64_t bytes);

  const std::string& name() const { return name_; }
  /// For what only SQLite itself can do, such as its backups.
  sqlite3* handle() { return connection_.get(); }

 private:
  friend class Statement;
  Database() = default;
  base::Error failure(int code);

  struct Close {
    void operator()(sqlite3* connection) const;
  };
  std::string name_;
  std::unique_ptr<sqlite3, Close> connection_;
  bool failed_ = false;
};

}  // namespace storage
