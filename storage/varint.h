// Numbers as few bytes, and reading them back from bytes that are not trusted.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/hash.h"

namespace storage {

/// Seven bits a byte, the low ones first, the top bit set in all but the last byte: at most ten bytes.
inline void append_varint(std::string& to, std::uint64_t value) {
  while (value >= 0x80) {
    to += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  to += static_cast<char>(value);
}

/// The same where ten bytes are free at `to`; gives what is behind it.
inline char* put_varint(char* to, std::uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

/// Signed numbers near zero as unsigned ones near zero. Wraps around as the differences of two's complement do.
constexpr std::uint64_t zigzag(std::uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}
constexpr std::uint64_t unzigzag(std::uint64_t value) {
  return value >> 1 ^ (0 - (value & 1));
}

/// Reads from the front of bytes. After the first read beyond their end, or of a malformed number, ok() is false and all
/// further reads give zero or nothing.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  /// Everything was read, and nothing more than that.
  bool done() const { return ok_ && at_ == end_; }

  std::uint64_t varint() {
    if (at_ != end_ && (*at_ & 0x80) == 0) return static_cast<unsigned char>(*at_++);
    return long_varint();
  }
  /// The same, faster where most take several bytes.
  std::uint64_t long_varint() {
    constexpr std::uint64_t kTops = 0x8080808080808080;
    if (end_ - at_ >= 8) {
      const std::uint64_t word = base::load_64(at_);
      const std::uint64_t ends = ~word & kTops;
      if (ends != 0) {
        const auto bits = static_cast<unsigned>(std::countr_zero(ends)) + 1;
        at_ += bits / 8;
        // Seven bits of each byte, pushed together by pairs, by fours, by eights.
        std::uint64_t value = word & ~kTops & (~std::uint64_t{0} >> (64 - bits));
        value = (value & 0x007f007f007f007f) | (value & 0x7f007f007f007f00) >> 1;
        value = (value & 0x00003fff00003fff) | (value & 0x3fff00003fff0000) >> 2;
        return (value & 0x000000000fffffff) | (value & 0x0fffffff00000000) >> 4;
      }
    }
    return any_varint();
  }
  /// A varint of at most `most`; more is malformed.
  std::uint64_t varint(std::uint64_t most) {
    const std::uint64_t value = varint();
    if (value > most) return fail();
    return value;
  }
  std::uint8_t byte() {
    if (at_ == end_) return static_cast<std::uint8_t>(fail());
    return static_cast<std::uint8_t>(*at_++);
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > left()) {
      fail();
      return {};
    }
    const std::string_view read(at_, static_cast<std::size_t>(size));
    at_ += size;
    return read;
  }

 private:
  std::uint64_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }
  std::uint64_t any_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      if (shift == 63 && byte > 1) return fail();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return fail();
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace storage
