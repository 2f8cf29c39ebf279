// Files of a VFS that stands in front of another: what it does not look at is handed on.

#pragma once

#include <sqlite3.h>

namespace storage_test {

/// `kReal` gives the file behind one of the VFS's own.
template <sqlite3_file* (*kReal)(sqlite3_file*)>
class ForwardingFile {
 public:
  /// The methods of such files: these five of the VFS's own, all others forwarded. Without memory-mapped reading.
  static constexpr sqlite3_io_methods methods(decltype(sqlite3_io_methods::xClose) close,
                                              decltype(sqlite3_io_methods::xRead) read,
                                              decltype(sqlite3_io_methods::xWrite) write,
                                              decltype(sqlite3_io_methods::xTruncate) truncate,
                                              decltype(sqlite3_io_methods::xSync) sync) {
    return {2,         close,       read,           write,        truncate,    sync,   file_size,
            lock_file, unlock_file, check_reserved, file_control, sector_size, device, shm_map,
            shm_lock,  shm_barrier, shm_unmap,      nullptr,      nullptr};
  }

 private:
  static const sqlite3_io_methods& of(sqlite3_file* file) { return *kReal(file)->pMethods; }

  static int file_size(sqlite3_file* file, sqlite3_int64* size) { return of(file).xFileSize(kReal(file), size); }
  static int lock_file(sqlite3_file* file, int level) { return of(file).xLock(kReal(file), level); }
  static int unlock_file(sqlite3_file* file, int level) { return of(file).xUnlock(kReal(file), level); }
  static int check_reserved(sqlite3_file* file, int* held) { return of(file).xCheckReservedLock(kReal(file), held); }
  static int file_control(sqlite3_file* file, int operation, void* argument) {
    return of(file).xFileControl(kReal(file), operation, argument);
  }
  static int sector_size(sqlite3_file* file) { return of(file).xSectorSize(kReal(file)); }
  static int device(sqlite3_file* file) { return of(file).xDeviceCharacteristics(kReal(file)); }
  static int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** into) {
    return of(file).xShmMap(kReal(file), page, size, extend, into);
  }
  static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
    return of(file).xShmLock(kReal(file), offset, count, flags);
  }
  static void shm_barrier(sqlite3_file* file) { of(file).xShmBarrier(kReal(file)); }
  static int shm_unmap(sqlite3_file* file, int remove) { return of(file).xShmUnmap(kReal(file), remove); }
};

}  // namespace storage_test
