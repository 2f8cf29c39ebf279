// What can go wrong with a store.

#pragma once

#include <string>
#include <system_error>

namespace storage {

enum class Errc {
  Locked = 1,   ///< another process has the state directory
  TooNew,       ///< written by a later version of Muster
  Full,         ///< the disk (or the log, where its retention forbids overwriting) is full; nothing was stored
  Corrupt,      ///< the file is damaged or is not ours
  Io,           ///< reading or writing failed
  NotFound,     ///< no such log
  LogDisabled,  ///< the log does not take events
  Stopped,      ///< the store is being closed
  ReadOnly,     ///< it was opened to be read
};
std::error_code make_error_code(Errc code);

}  // namespace storage

template <>
struct std::is_error_code_enum<storage::Errc> : std::true_type {};
