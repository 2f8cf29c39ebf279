#include "cli/console.h"

#include <unistd.h>

#include <cerrno>

#include "engine/base/win32.h"

namespace cli {

int exit_status(const base::Error& error) {
  const auto status = static_cast<int>(base::win32_number(error.code) % 256);
  return status != 0 ? status : 1;
}

int print_error(Console& console, const base::Error& error, std::string_view failed) {
  const std::uint32_t number = base::win32_number(error.code);
  const std::string text = base::win32_code(number).message();
  // What has no Win32 number of its own keeps the system's words for it.
  const bool says_it_all = error.code.category() == base::win32_category() || error.code == std::errc::invalid_argument;
  const std::string detail = says_it_all ? error.what : error.message();
  if (!detail.empty() && detail != text) {
    console.err << detail << '\n';
    if (!failed.empty()) console.err << '\n';
  }
  if (!failed.empty()) console.err << failed << '\n';
  console.err << text << " (" << number << ")\n";
  return exit_status(error);
}

DescriptorBuffer::DescriptorBuffer(int descriptor) : descriptor_(descriptor) {
  setp(buffer_.data(), buffer_.data() + buffer_.size());
}

DescriptorBuffer::~DescriptorBuffer() {
  flush_all();
}

bool DescriptorBuffer::flush_all() {
  const char* from = pbase();
  while (failure_ == 0 && from != pptr()) {
    const ssize_t written = ::write(descriptor_, from, static_cast<std::size_t>(pptr() - from));
    if (written < 0 && errno != EINTR) failure_ = errno;
    if (written > 0) from += written;
  }
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  return failure_ == 0;
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type character) {
  if (!flush_all()) return traits_type::eof();
  if (!traits_type::eq_int_type(character, traits_type::eof())) {
    *pptr() = traits_type::to_char_type(character);
    pbump(1);
  }
  return traits_type::not_eof(character);
}

int DescriptorBuffer::sync() {
  return flush_all() ? 0 : -1;
}

}  // namespace cli
