// A fast hash of bytes whose values may be kept on disk: the same on every machine, and never to be changed.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace base {

/// Eight bytes as a little-endian number.
inline std::uint64_t load_64(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}
inline std::uint32_t load_32(const char* from) {
  std::uint32_t word = 0;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
  return word;
}

/// Whether `size` bytes are the same; for short ones, where a call would cost more than the answer.
inline bool equal_bytes(const char* a, const char* b, std::size_t size) {
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8) {
      if (load_64(a + at) != load_64(b + at)) return false;
    }
    return load_64(a + size - 8) == load_64(b + size - 8);
  }
  if (size >= 4) return load_32(a) == load_32(b) && load_32(a + size - 4) == load_32(b + size - 4);
  for (std::size_t at = 0; at < size; ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

/// Both halves of the product, folded: every bit of both factors reaches every bit of the result.
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
#ifdef __SIZEOF_INT128__
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
  const std::uint64_t low = (a & 0xffffffff) * (b & 0xffffffff);
  const std::uint64_t middle_a = (a >> 32) * (b & 0xffffffff);
  const std::uint64_t middle_b = (a & 0xffffffff) * (b >> 32);
  const std::uint64_t carry = ((low >> 32) + (middle_a & 0xffffffff) + (middle_b & 0xffffffff)) >> 32;
  const std::uint64_t high = (a >> 32) * (b >> 32) + (middle_a >> 32) + (middle_b >> 32) + carry;
  return (a * b) ^ high;
#endif
}

inline constexpr std::uint64_t kHashA = 0x9e3779b97f4a7c15;
inline constexpr std::uint64_t kHashB = 0xd6e8feb86659fd93;

/// Goes on from `seed` with `size` bytes, each word changed by `with |` first (0x20… makes ASCII letters equal without case,
/// and some other characters too). No shield against who looks for collisions on purpose.
inline std::uint64_t hash_bytes(const char* from, std::size_t size, std::uint64_t seed, std::uint64_t with = 0) {
  std::uint64_t hash = seed ^ kHashB * (size + 1);
  while (size > 16) {
    hash = mix((load_64(from) | with) ^ kHashA, (load_64(from + 8) | with) ^ hash);
    from += 16;
    size -= 16;
  }
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (size >= 8) {
    a = load_64(from);
    b = load_64(from + size - 8);
  } else if (size >= 4) {
    a = load_32(from);
    b = load_32(from + size - 4);
  } else if (size != 0) {
    a = static_cast<unsigned char>(from[0]) | static_cast<std::uint64_t>(static_cast<unsigned char>(from[size / 2])) << 8 |
        static_cast<std::uint64_t>(static_cast<unsigned char>(from[size - 1])) << 16;
  }
  return mix((a | with) ^ kHashA, (b | with) ^ hash);
}
inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed, std::uint64_t with = 0) {
  return hash_bytes(text.data(), text.size(), seed, with);
}

}  // namespace base
