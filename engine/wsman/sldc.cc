#include "engine/wsman/sldc.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "engine/base/log.h"

namespace wsman {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sldc"; }
  std::string message(int value) const override {
    switch (static_cast<SldcErrc>(value)) {
      case SldcErrc::Truncated:
        return "the compressed data end too early";
      case SldcErrc::Invalid:
        return "the compressed data are damaged";
      case SldcErrc::TooLarge:
        return "the compressed data expand beyond the limit";
    }
    return "unknown error";
  }
};

constexpr std::size_t kHistory = 1024;
constexpr std::size_t kMinMatch = 2;
constexpr std::size_t kMaxMatch = 271;
constexpr unsigned kLongestSymbol = 1 + 4 + 8 + 10;  // bits of a copy of 32 bytes or more
constexpr unsigned kControlBits = 13;
constexpr unsigned kControlPrefix = 9;     // one-bits that begin a control symbol
constexpr std::uint64_t kControl = 0x1FF;  // their value

enum Control : unsigned {
  kFlush = 0,
  kScheme1 = 1,
  kScheme2 = 2,
  kFileMark = 3,
  kEndOfRecord = 4,
  kReset1 = 5,
  kReset2 = 6,
  kEndMarker = 15,
};

std::uint64_t load_big_endian(const unsigned char* from) {
  std::uint64_t word;
  std::memcpy(&word, from, 8);
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

/// Bits from the most significant one of each byte on. Behind the end come zeros; overrun() tells that some were used.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes)
      : begin_(reinterpret_cast<const unsigned char*>(bytes.data())), next_(begin_), end_(next_ + bytes.size()) {}

  /// Makes at least 56 bits available for peek() and skip().
  void refill() {
    if (end_ - next_ >= 8) {
      // The bits beyond the counted ones are loaded again next time, with the same values.
      window_ |= load_big_endian(next_) >> count_;
      const unsigned bytes = (63 - count_) >> 3;
      next_ += bytes;
      count_ += bytes * 8;
      return;
    }
    while (count_ <= 56) {
      if (next_ != end_) {
        window_ |= std::uint64_t{*next_++} << (56 - count_);
      } else {
        padding_ += 8;
      }
      count_ += 8;
    }
  }
  unsigned available() const { return count_; }
  std::uint64_t window() const { return window_; }
  std::uint64_t peek(unsigned bits) const { return window_ >> (64 - bits); }
  void skip(unsigned bits) {
    window_ <<= bits;
    count_ -= bits;
  }
  bool overrun() const { return padding_ > count_; }
  /// Bits used since the beginning.
  std::size_t used() const { return static_cast<std::size_t>(next_ - begin_) * 8 + padding_ - count_; }

 private:
  const unsigned char* begin_;
  const unsigned char* next_;
  const unsigned char* end_;
  std::uint64_t window_ = 0;
  unsigned count_ = 0;
  std::size_t padding_ = 0;  ///< bits counted that are behind the end
};

/// Copies `length` bytes from `distance` bytes back. Up to 31 bytes behind the copy may be overwritten.
inline void copy_back(char* to, std::size_t distance, std::size_t length) {
  const char* from = to - distance;
  if (distance >= 16) [[likely]] {
    // Most copies are short: these two are one guess less for the processor than a loop.
    std::memcpy(to, from, 16);
    std::memcpy(to + 16, from + 16, 16);
    for (std::size_t done = 32; done < length; done += 16) std::memcpy(to + done, from + done, 16);
  } else if (distance == 1) {
    std::memset(to, *from, length);
  } else {
    for (std::size_t done = 0; done < length; ++done) to[done] = from[done];
  }
}

/// Room for a copy, its overwriting, and the literals that one window of bits can hold besides.
constexpr std::size_t kSlack = kMaxMatch + 32;

class Decoder {
 public:
  Decoder(std::string_view bytes, std::size_t max_bytes) : bytes_(bytes), bits_(bytes), max_bytes_(max_bytes) {}

  base::Result<std::string> run() {
    out_.resize(std::min(max_bytes_, bytes_.size() * 4) + kSlack);
    while (!ended_) {
      bits_.refill();
      if (size_ > max_bytes_) return fail(SldcErrc::TooLarge, "more than", max_bytes_, "bytes");
      if (bits_.overrun()) return fail(SldcErrc::Truncated, "no End of record in", bytes_.size(), "bytes");
      if (out_.size() - size_ < 2 * kSlack) out_.resize(std::min(out_.size() * 2, max_bytes_) + 4 * kSlack);
      if (bits_.peek(kControlPrefix) == kControl) {
        RETURN_IF_ERROR(control());
      } else if (scheme_ == 1) {
        RETURN_IF_ERROR(scheme1());
      } else if (scheme_ == 2) {
        scheme2();
      } else if (bits_.used() + kControlBits > bytes_.size() * 8) {
        bits_.skip(kControlBits);  // cut within the first symbol
      } else {
        return fail(SldcErrc::Invalid, "data before the first Reset at bit", bits_.used(), "");
      }
    }
    if (bits_.overrun()) return fail(SldcErrc::Truncated, "no End of record in", bytes_.size(), "bytes");
    if (size_ > max_bytes_) return fail(SldcErrc::TooLarge, "more than", max_bytes_, "bytes");
    out_.resize(size_);
    check_length();
    return std::move(out_);
  }

 private:
  static base::Error fail(SldcErrc code, std::string_view before, std::size_t number, std::string_view after) {
    return base::make_error(code, base::format_text("SLDC: {} {} {}", before, number, after));
  }

  base::Result<void> control() {
    const auto symbol = static_cast<unsigned>(bits_.peek(kControlBits) & 15);
    bits_.skip(kControlBits);
    switch (symbol) {
      case kFlush:
        skip_padding();
        break;
      case kScheme1:
      case kScheme2:
        // Before a Reset there is no history to go on with.
        if (scheme_ != 0) scheme_ = symbol;
        break;
      case kReset1:
      case kReset2:
        scheme_ = symbol == kReset1 ? 1 : 2;
        start_ = size_;
        break;
      case kEndOfRecord:
        ended_ = true;
        break;
      case kFileMark:
      case kEndMarker:
        break;
      default:
        if (bits_.overrun()) break;
        return fail(SldcErrc::Invalid, "reserved control symbol", symbol, "");
    }
    return {};
  }

  /// The standard pads to 32 bits behind a Flush; writers that do not pad have a symbol there that is not all zeros.
  void skip_padding() {
    const auto rest = static_cast<unsigned>((32 - bits_.used() % 32) % 32);
    bits_.refill();
    if (rest != 0 && bits_.peek(rest) == 0) bits_.skip(rest);
  }

  /// Data symbols up to a control symbol, the end of the input, or that of the room. There is room for one, and no control
  /// symbol comes first.
  base::Result<void> scheme1() {
    // In locals, which no byte that is written can be part of.
    BitReader bits = bits_;
    char* const begin = out_.data();
    char* to = begin + size_;
    char* const last = begin + out_.size() - kSlack;
    const std::size_t start = start_;
    bool invalid = false;
    while (to <= last) {
      if (bits.available() < kLongestSymbol) {
        bits.refill();
        if (bits.overrun()) break;
      }
      const std::uint64_t window = bits.window();
      if ((window >> 63) == 0) {
        *to++ = static_cast<char>(window >> 55);
        bits.skip(9);
        continue;
      }
      // The leading ones behind the first bit choose how many bits the count has.
      const auto ones = static_cast<unsigned>(std::countl_one(window << 1));
      unsigned prefix = ones + 2;
      unsigned extra = ones + 1;
      std::size_t length = std::size_t{2} << ones;
      if (ones >= 4) {
        if (ones >= 8) break;  // nine in all: a control symbol
        prefix = 5;
        extra = 8;
        length = 32;
      }
      length += (window << prefix) >> (64 - extra);
      const std::size_t displacement = (window << (prefix + extra)) >> 54;
      bits.skip(prefix + extra + 10);
      const auto position = static_cast<std::size_t>(to - begin) - start;
      std::size_t distance = (position - displacement) % kHistory;
      if (distance == 0) distance = kHistory;
      if (distance > position) [[unlikely]] {
        invalid = !bits.overrun();
        break;
      }
      copy_back(to, distance, length);
      to += length;
    }
    bits_ = bits;
    size_ = static_cast<std::size_t>(to - begin);
    if (invalid) return fail(SldcErrc::Invalid, "copy from an empty part of the history at bit", bits_.used(), "");
    return {};
  }

  void scheme2() {
    const auto byte = static_cast<unsigned char>(bits_.peek(8));
    out_[size_++] = static_cast<char>(byte);
    bits_.skip(byte == 0xFF ? 9 : 8);
  }

  void check_length() const {
    const std::size_t behind = (bits_.used() + 7) / 8;
    if (bytes_.size() < behind + 4) return;
    std::uint32_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(bytes_[bytes_.size() - 1 - i]);
    if (length != static_cast<std::uint32_t>(size_)) {
      base::log_debug("SLDC: the length behind the stream is {}, but it expanded to {} bytes", length, size_);
    }
  }

  std::string_view bytes_;
  BitReader bits_;
  std::size_t max_bytes_;
  std::string out_;
  std::size_t size_ = 0;
  std::size_t start_ = 0;  // where the history begins: the output at the last Reset
  unsigned scheme_ = 0;    // 0 before the first Reset
  bool ended_ = false;
};

class BitWriter {
 public:
  explicit BitWriter(std::size_t reserve) { out_.reserve(reserve); }

  /// `bits` is at most 32.
  void put(std::uint64_t value, unsigned bits) {
    window_ = window_ << bits | value;
    count_ += bits;
    if (count_ < 32) return;
    count_ -= 32;
    put_word(static_cast<std::uint32_t>(window_ >> count_));
  }
  /// Zero bits up to a multiple of 32, then the result.
  std::string take() {
    if (count_ != 0) put(0, 32 - count_);
    return std::move(out_);
  }

 private:
  void put_word(std::uint32_t word) {
    const char bytes[] = {static_cast<char>(word >> 24), static_cast<char>(word >> 16), static_cast<char>(word >> 8),
                          static_cast<char>(word)};
    out_.append(bytes, 4);
  }

  std::string out_;
  std::uint64_t window_ = 0;
  unsigned count_ = 0;
};

/// Finds earlier occurrences within the history: chains of positions with the same four bytes, and the last position with
/// the same two.
class Matcher {
 public:
  struct Match {
    std::size_t length = 0;
    std::size_t from = 0;
  };

  explicit Matcher(std::string_view bytes) : bytes_(bytes) {
    heads4_.fill(kNone);
    heads2_.fill(kNone);
  }

  Match find(std::size_t at) const {
    Match best;
    const std::size_t limit = std::min(kMaxMatch, bytes_.size() - at);
    if (limit < kMinMatch) return best;
    if (limit >= 4) {
      unsigned tries = kMaxTries;
      std::int64_t candidate = heads4_[hash4(at)];
      while (reachable(candidate, at) && tries-- != 0) {
        const auto from = static_cast<std::size_t>(candidate);
        if (best.length == 0 || bytes_[from + best.length] == bytes_[at + best.length]) {
          const std::size_t length = common(from, at, limit);
          if (length > best.length) {
            best = Match{length, from};
            if (length == limit || length >= kGoodEnough) return best;
          }
        }
        candidate = previous_[from % kHistory];
      }
    }
    if (best.length < 4) {
      const std::int64_t candidate = heads2_[hash2(at)];
      if (reachable(candidate, at)) {
        const auto from = static_cast<std::size_t>(candidate);
        const std::size_t length = common(from, at, limit);
        if (length >= kMinMatch && length > best.length) best = Match{length, from};
      }
    }
    return best;
  }

  void insert(std::size_t at) {
    if (at + 4 <= bytes_.size()) {
      auto& head = heads4_[hash4(at)];
      previous_[at % kHistory] = head;
      head = static_cast<std::int64_t>(at);
    }
    if (at + 2 <= bytes_.size()) heads2_[hash2(at)] = static_cast<std::int64_t>(at);
  }

 private:
  static constexpr std::int64_t kNone = -static_cast<std::int64_t>(kHistory) - 1;
  static constexpr unsigned kMaxTries = 24;
  static constexpr std::size_t kGoodEnough = 96;
  static constexpr unsigned kHashBits = 11;

  static bool reachable(std::int64_t candidate, std::size_t at) {
    return candidate >= 0 && candidate < static_cast<std::int64_t>(at) &&
           static_cast<std::int64_t>(at) - candidate < static_cast<std::int64_t>(kHistory);
  }
  std::size_t hash4(std::size_t at) const {
    std::uint32_t word;
    std::memcpy(&word, bytes_.data() + at, 4);
    return (word * 2654435761u) >> (32 - kHashBits);
  }
  std::size_t hash2(std::size_t at) const {
    std::uint16_t word;
    std::memcpy(&word, bytes_.data() + at, 2);
    return (word * 2654435761u) >> (32 - kHashBits);
  }
  std::size_t common(std::size_t from, std::size_t at, std::size_t limit) const {
    std::size_t length = 0;
    while (length + 8 <= limit) {
      std::uint64_t a;
      std::uint64_t b;
      std::memcpy(&a, bytes_.data() + from + length, 8);
      std::memcpy(&b, bytes_.data() + at + length, 8);
      if (a != b) {
        if constexpr (std::endian::native == std::endian::little) {
          return length + static_cast<std::size_t>(std::countr_zero(a ^ b)) / 8;
        } else {
          return length + static_cast<std::size_t>(std::countl_zero(a ^ b)) / 8;
        }
      }
      length += 8;
    }
    while (length < limit && bytes_[from + length] == bytes_[at + length]) ++length;
    return length;
  }

  std::string_view bytes_;
  std::array<std::int64_t, std::size_t{1} << kHashBits> heads4_;
  std::array<std::int64_t, std::size_t{1} << kHashBits> heads2_;
  std::array<std::int64_t, kHistory> previous_{};
};

void put_copy(BitWriter& out, Matcher::Match match) {
  const std::size_t length = match.length;
  if (length < 4) {
    out.put(0b100 | (length - 2), 3);
  } else if (length < 8) {
    out.put(0b11000 | (length - 4), 5);
  } else if (length < 16) {
    out.put(0b1110000 | (length - 8), 7);
  } else if (length < 32) {
    out.put(0b111100000 | (length - 16), 9);
  } else {
    out.put(0b1111100000000 | (length - 32), 13);
  }
  out.put(match.from % kHistory, 10);
}

}  // namespace

std::error_code make_error_code(SldcErrc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

bool looks_like_sldc(std::string_view bytes) {
  if (bytes.size() < 2 || static_cast<unsigned char>(bytes[0]) != 0xFF) return false;
  const auto second = static_cast<unsigned char>(bytes[1]);
  return second >= 0xA8 && second <= 0xB7;
}

base::Result<std::string> sldc_decompress(std::string_view bytes, std::size_t max_bytes) {
  return Decoder(bytes, max_bytes).run();
}

std::string sldc_compress(std::string_view bytes) {
  BitWriter out(bytes.size() / 4 + 64);
  const auto put_control = [&](Control symbol) { out.put(kControl << 4 | symbol, kControlBits); };
  put_control(kReset1);
  Matcher matcher(bytes);
  std::size_t at = 0;
  Matcher::Match match = matcher.find(0);
  while (at < bytes.size()) {
    matcher.insert(at);
    if (match.length < kMinMatch) {
      out.put(static_cast<unsigned char>(bytes[at]), 9);
      match = matcher.find(++at);
      continue;
    }
    // A literal and a match that reaches further are often shorter than two matches.
    if (match.length < 16 && at + 1 < bytes.size()) {
      const Matcher::Match later = matcher.find(at + 1);
      if (later.length > match.length + 1) {
        out.put(static_cast<unsigned char>(bytes[at]), 9);
        match = later;
        ++at;
        continue;
      }
    }
    put_copy(out, match);
    const std::size_t behind = at + match.length;
    for (std::size_t i = at + 1; i < behind; ++i) matcher.insert(i);
    at = behind;
    match = matcher.find(at);
  }
  put_control(kEndOfRecord);
  std::string result = out.take();
  const auto length = static_cast<std::uint32_t>(bytes.size());
  for (unsigned shift = 0; shift < 32; shift += 8) result += static_cast<char>(length >> shift);
  return result;
}

}  // namespace wsman
