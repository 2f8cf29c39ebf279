#include "storage/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/file_system.h"
#include "storage/new_file.h"
#include "storage/segment_schema.h"

namespace storage {
namespace {

constexpr std::size_t kCacheBytes = 1u << 20;
constexpr std::size_t kCopyBytes = 1u << 20;
// The catalogue's name as long as the copy is not complete.
constexpr const char* kUnfinishedCatalogue = "events.db-unfinished";

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Everything that `from` holds at this moment, or since its transaction has begun.
base::Result<void> copy_database(Database& from, const std::filesystem::path& to, Database::Options options) {
  ASSIGN_OR_RETURN(const auto page_bytes, from.ask("PRAGMA page_size"));
  options.page_bytes = static_cast<unsigned>(page_bytes);
  ASSIGN_OR_RETURN(auto copy, Database::open(to, options));
  sqlite3_backup* backup = sqlite3_backup_init(copy->handle(), "main", from.handle(), "main");
  if (backup == nullptr) return base::make_error(Errc::Io, copy->name() + ": " + sqlite3_errmsg(copy->handle()));
  // At one go: in several steps it would begin anew whenever somebody has written.
  errno = 0;
  const int step = sqlite3_backup_step(backup, -1);
  const int system = errno;
  const int finished = sqlite3_backup_finish(backup);
  if (step != SQLITE_DONE || finished != SQLITE_OK) {
    const bool full = (step & 0xff) == SQLITE_FULL || system == ENOSPC || system == EDQUOT;
    return base::make_error(full ? Errc::Full : Errc::Io, copy->name() + ": " + sqlite3_errstr(finished));
  }
  return {};
}

// A file that nobody writes any more. False where there is none.
base::Result<bool> copy_file(const std::filesystem::path& from, const std::filesystem::path& to, unsigned mode,
                             const std::function<bool()>& give_up) {
  const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (source.get() < 0) {
    if (errno == ENOENT) return false;
    return base::errno_error("cannot open " + from.string());
  }
  const Descriptor copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (copy.get() < 0) return base::errno_error("cannot make " + to.string());
  std::vector<char> buffer(kCopyBytes);
  for (;;) {
    const auto got = ::read(source.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::errno_error("cannot read " + from.string());
    if (got == 0) break;
    if (give_up()) return base::make_error(Errc::Stopped, "the copy is not complete");
    for (ssize_t done = 0; done < got;) {
      const auto written = ::write(copy.get(), buffer.data() + done, static_cast<std::size_t>(got - done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return base::errno_error("cannot write " + to.string());
      done += written;
    }
  }
  if (::fsync(copy.get()) != 0) return base::errno_error("cannot sync " + to.string());
  return true;
}

// False where there is none any more.
base::Result<bool> copy_segment(const StoreShared& shared, const FileRow& file, const std::filesystem::path& to,
                                const std::function<bool()>& give_up) {
  const auto from = shared.file(file);
  const auto options = shared.database_options(false, kCacheBytes);
  if (file.finished) return copy_file(from, to, options.mode, give_up);
  auto source = Database::open(from, shared.database_options(true, kCacheBytes));
  std::error_code ignored;
  if (!source.ok() && !std::filesystem::exists(from, ignored)) return false;
  if (!source.ok()) return std::move(source).error();
  if (give_up()) return base::make_error(Errc::Stopped, "the copy is not complete");
  RETURN_IF_ERROR(copy_database(**source, to, options));
  return true;
}

base::Result<std::vector<FileRow>> all_files(Database& catalogue) {
  ASSIGN_OR_RETURN(auto select, catalogue.prepare("SELECT " + std::string(kFileColumns) + " FROM files ORDER BY id"));
  std::vector<FileRow> files;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, select.step());
    if (!row) return files;
    files.push_back(read_file_row(select));
  }
}

// As retention does it.
base::Result<void> take_out(Database& catalogue, const FileRow& file) {
  RETURN_IF_ERROR(catalogue.begin());
  const auto change = [&]() -> base::Result<void> {
    const auto id = std::to_string(file.id), log = std::to_string(file.log);
    RETURN_IF_ERROR(catalogue.execute("DELETE FROM files WHERE id = " + id));
    RETURN_IF_ERROR(catalogue.execute("UPDATE logs SET records = records - " + std::to_string(file.events) +
                                      ", text_bytes = text_bytes - " + std::to_string(file.text_bytes) + ", size = size - " +
                                      std::to_string(file.bytes) + ", overwritten = overwritten + " +
                                      std::to_string(file.events) + " WHERE id = " + log));
    RETURN_IF_ERROR(catalogue.execute(
        "UPDATE logs SET oldest_record = CASE records WHEN 0 THEN 0 ELSE coalesce("
        "(SELECT min(first_record) FROM files WHERE log = " +
        log + "), (SELECT min(first_record) FROM tail WHERE log = " + log + "), 0) END WHERE id = " + log));
    return catalogue.commit();
  };
  auto done = change();
  if (!done.ok()) catalogue.rollback();
  return done;
}

base::Result<void> prepare_folder(const std::filesystem::path& to) {
  std::error_code failed;
  if (std::filesystem::exists(to, failed) && !std::filesystem::is_empty(to, failed)) {
    return base::make_error(std::errc::file_exists, to.string() + " is not empty");
  }
  if (failed) return base::make_error(failed, to.string());
  RETURN_IF_ERROR(base::make_directories(to));
  return base::make_directories(segment_folder(to));
}

}  // namespace

base::Result<void> back_up_store(const StoreShared& shared, const std::filesystem::path& to,
                                 const std::function<bool()>& give_up) {
  RETURN_IF_ERROR(prepare_folder(to));
  const auto unfinished = to / kUnfinishedCatalogue;
  const auto options = shared.database_options(false, kCacheBytes);
  std::vector<FileRow> files;
  {
    ASSIGN_OR_RETURN(auto catalogue,
                     Database::open(catalogue_file(shared.directory), shared.database_options(true, kCacheBytes)));
    RETURN_IF_ERROR(catalogue->begin_read());
    ASSIGN_OR_RETURN(files, all_files(*catalogue));
    RETURN_IF_ERROR(copy_database(*catalogue, unfinished, options));
  }
  std::vector<FileRow> gone;
  for (const auto& file : files) {
    ASSIGN_OR_RETURN(const bool copied, copy_segment(shared, file, segment_folder(to) / file.name, give_up));
    if (!copied) gone.push_back(file);
  }
  if (!gone.empty()) {
    ASSIGN_OR_RETURN(auto catalogue, Database::open(unfinished, options));
    for (const auto& file : gone) RETURN_IF_ERROR(take_out(*catalogue, file));
  }
  RETURN_IF_ERROR(sync_path(segment_folder(to)));
  std::error_code failed;
  std::filesystem::rename(unfinished, catalogue_file(to), failed);
  if (failed) return base::make_error(failed, "cannot make " + catalogue_file(to).string());
  return sync_path(to);
}

}  // namespace storage
