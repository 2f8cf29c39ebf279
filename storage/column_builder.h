// One column of a block while it grows.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "storage/canonical.h"

namespace storage {

/// Takes values one by one and keeps each different one once, as long as that pays. Keeps its buffers from one block to the
/// next. One thread.
class ColumnBuilder {
 public:
  /// With `states_time`, the values are compared with the rows' times.
  explicit ColumnBuilder(bool states_time) : states_time_(states_time) { reset(); }

  void reset();
  /// `time` is the row's, ns since 1970.
  void add(std::string_view value, std::int64_t time) {
    if (rows_ != 0 && mode_ == Mode::Texts && is_text(last_, value)) {
      // Codes are only kept once there is a second entry.
      if (entries() > 1) codes_.push_back(last_);
      ++rows_;
      return;
    }
    add_other(value, time);
  }
  std::size_t rows() const { return rows_; }

  /// Appends the column in the form of docs/storage-format.md. There is at least one row.
  void write(std::string& to) const;

  /// The different values, apart from those seen again after the column was found to have few that repeat.
  std::size_t entries() const { return ends_.size(); }
  std::string_view entry(std::size_t index) const {
    const std::uint32_t begin = index == 0 ? 0 : ends_[index - 1];
    return {text_.data() + begin, ends_[index] - begin};
  }
  std::uint16_t code(std::size_t row) const { return codes_.empty() ? std::uint16_t{0} : codes_[row]; }
  /// All values are the rows' own times; there are no entries.
  bool is_row_time() const { return mode_ == Mode::RowTime; }

  std::size_t memory() const;

 private:
  enum class Mode : std::uint8_t { RowTime, Texts };

  bool is_text(std::size_t index, std::string_view value) const {
    const std::string_view text = entry(index);
    return text.size() == value.size() && base::equal_bytes(text.data(), value.data(), value.size());
  }
  void add_other(std::string_view value, std::int64_t time);
  void leave_row_time();
  std::uint16_t find_or_add(std::string_view value);
  std::uint16_t append_entry(std::string_view value);
  void grow_table();

  void write_dictionary(std::string& to) const;
  void write_texts(std::string& to) const;
  bool write_numbers(std::string& to) const;
  bool write_times(std::string& to) const;
  bool write_guids(std::string& to) const;

  bool states_time_;
  Mode mode_ = Mode::Texts;
  bool looks_up_ = true;
  std::uint8_t fraction_digits_ = 0;
  std::uint16_t last_ = 0;  ///< code of the last row
  std::uint32_t rows_ = 0;
  std::string text_;  ///< of the entries
  std::vector<std::uint32_t> ends_;
  std::vector<std::uint32_t> hashes_;
  std::vector<std::uint16_t> table_;  ///< entry + 1 by hash, 0 where free; its size is a power of two
  std::vector<std::uint16_t> codes_;
  std::vector<std::int64_t> row_times_;  ///< RowTime: to go back to texts
  TimeParser time_parser_;
};

}  // namespace storage
