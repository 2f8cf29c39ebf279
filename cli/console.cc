#include "cli/console.h"

#include <unistd.h>

#include <cerrno>

#include "engine/base/utf16.h"
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

Utf16Buffer::~Utf16Buffer() {
  pass_on(true);
}

Utf16Buffer::int_type Utf16Buffer::overflow(int_type character) {
  if (traits_type::eq_int_type(character, traits_type::eof())) return traits_type::not_eof(character);
  const char byte = traits_type::to_char_type(character);
  xsputn(&byte, 1);
  return to_.good() ? character : traits_type::eof();
}

std::streamsize Utf16Buffer::xsputn(const char* text, std::streamsize size) {
  waiting_.append(text, static_cast<std::size_t>(size));
  if (waiting_.size() >= 4096) pass_on(false);
  return to_.good() ? size : 0;
}

int Utf16Buffer::sync() {
  pass_on(false);
  to_.flush();
  return to_.good() ? 0 : -1;
}

void Utf16Buffer::pass_on(bool all) {
  std::size_t whole = waiting_.size();
  // A character whose bytes have not all come yet waits: at most three of them.
  for (std::size_t back = 1; !all && back <= 3 && back <= waiting_.size(); ++back) {
    const auto byte = static_cast<unsigned char>(waiting_[waiting_.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length > back) whole = waiting_.size() - back;
    break;
  }
  if (whole == 0) return;
  const std::string units = base::utf8_to_utf16le_with_mark(std::string_view(waiting_).substr(0, whole));
  to_ << (begun_ ? std::string_view(units).substr(2) : std::string_view(units));
  begun_ = true;
  waiting_.erase(0, whole);
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
