// A tool's standard streams and the way in which it fails.

#pragma once

#include <array>
#include <istream>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace cli {

/// What a tool reads and writes; tests give it string streams.
struct Console {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool err_is_terminal = false;
  /// The descriptor behind `out`, where there is one.
  int out_descriptor = -1;
};

/// Writes UTF-8 on as UTF-16 in little endian with its mark in front. `to` outlives it. One thread.
class Utf16Buffer final : public std::streambuf {
 public:
  explicit Utf16Buffer(std::ostream& to) : to_(to) {}
  ~Utf16Buffer() override;

 protected:
  int_type overflow(int_type character) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

 private:
  void pass_on(bool all);

  std::ostream& to_;
  std::string waiting_;
  bool begun_ = false;
};

/// The Win32 number of `error` modulo 256 where that is not 0, else 1.
int exit_status(const base::Error& error);

/// Writes to standard error, as the Windows tools do: the detail, an empty line and `failed` where it is given ("Failed to
/// open event query."), and the system's text of the code with its number, which a POSIX exit status cannot hold.
/// Returns exit_status(error).
int print_error(Console& console, const base::Error& error, std::string_view failed = {});

/// Buffers what goes to a file descriptor, and remembers why writing failed. One thread.
class DescriptorBuffer final : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor);
  ~DescriptorBuffer() override;

  /// errno of the first failed write; 0 while there was none. EPIPE: nobody reads any more.
  int failure() const { return failure_; }

 protected:
  int_type overflow(int_type character) override;
  int sync() override;

 private:
  bool flush_all();

  int descriptor_;
  int failure_ = 0;
  std::array<char, 64 << 10> buffer_;
};

}  // namespace cli
