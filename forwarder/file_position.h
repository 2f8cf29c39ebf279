// How far a file source has read, as text.
//
// A line "files 1", then one line for each file: device, inode, offset, parts of the line at the offset that have been taken
// already, length of the fingerprint, fingerprint (hexadecimal), path. In a path, backslash and line feed are \\ and \n.
//
//   files 1
//   2049 131085 40960 0 256 1D5F0C7A90E2B334 /var/log/syslog

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace forwarder {

/// What tells one file from another, whatever it is called at the moment. Inodes are used again, so that the first bytes
/// count too.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
  auto operator<=>(const FileIdentity&) const = default;
};

/// The bytes at the beginning of a file, in short.
struct Fingerprint {
  std::size_t length = 0;  ///< of the bytes that it was made from, at most kFingerprintBytes
  std::uint64_t hash = 0;
  bool operator==(const Fingerprint&) const = default;
};
inline constexpr std::size_t kFingerprintBytes = 256;
Fingerprint fingerprint_of(std::string_view head);

/// One file's part of the position.
struct FilePosition {
  std::string path;
  FileIdentity identity;
  std::uint64_t offset = 0;
  unsigned part = 0;
  Fingerprint fingerprint;
  bool operator==(const FilePosition&) const = default;
};

std::string write_positions(const std::vector<FilePosition>& positions);
/// Errors: std::errc::invalid_argument with the number of the line that cannot be read.
base::Result<std::vector<FilePosition>> parse_positions(std::string_view text);

}  // namespace forwarder
