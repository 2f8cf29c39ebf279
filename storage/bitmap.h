// A set of rows of a block.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace storage {

/// A fixed number of bits. All operations between two bitmaps need equal sizes.
class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(std::size_t size, bool value = false)
      : size_(size), words_((size + 63) / 64, value ? ~std::uint64_t{0} : 0) {
    trim();
  }

  std::size_t size() const { return size_; }
  bool test(std::size_t bit) const { return (words_[bit / 64] >> (bit % 64) & 1) != 0; }
  void set(std::size_t bit) { words_[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  void clear(std::size_t bit) { words_[bit / 64] &= ~(std::uint64_t{1} << (bit % 64)); }

  bool any() const {
    for (const auto word : words_) {
      if (word != 0) return true;
    }
    return false;
  }
  std::size_t count() const {
    std::size_t bits = 0;
    for (const auto word : words_) bits += static_cast<std::size_t>(std::popcount(word));
    return bits;
  }
  Bitmap& operator&=(const Bitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  Bitmap& operator|=(const Bitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  /// Takes away the bits of `other`.
  Bitmap& operator-=(const Bitmap& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
    return *this;
  }
  /// Calls `visit(bit)` for each bit that is set, rising.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(i * 64 + static_cast<std::size_t>(std::countr_zero(word)));
      }
    }
  }
  /// Keeps the bits for which `keep(bit)` says true; asks only for those that are set.
  template <typename Keep>
  void filter(const Keep& keep) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      std::uint64_t kept = 0;
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        const auto bit = static_cast<unsigned>(std::countr_zero(word));
        kept |= std::uint64_t{keep(i * 64 + bit)} << bit;
      }
      words_[i] = kept;
    }
  }
  void flip() {
    for (auto& word : words_) word = ~word;
    trim();
  }

 private:
  void trim() {
    if (size_ % 64 != 0) words_.back() &= (std::uint64_t{1} << (size_ % 64)) - 1;
  }

  std::size_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace storage
