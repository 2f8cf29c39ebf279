#include "storage/column_builder.h"

#include <bit>

#include "storage/column_format.h"
#include "storage/varint.h"

namespace storage {
namespace {

/// From this many entries on it is asked whether looking them up pays.
constexpr std::size_t kEnoughEntries = 512;
constexpr std::size_t kFirstTable = 16;
constexpr std::size_t kMaxVarint = 10;

std::size_t varint_size(std::uint64_t value) {
  return static_cast<std::size_t>(std::bit_width(value | 1) + 6) / 7;
}

}  // namespace

void ColumnBuilder::reset() {
  mode_ = states_time_ ? Mode::RowTime : Mode::Texts;
  looks_up_ = true;
  last_ = 0;
  rows_ = 0;
  text_.clear();
  ends_.clear();
  hashes_.clear();
  table_.clear();
  codes_.clear();
  row_times_.clear();
}

void ColumnBuilder::add_other(std::string_view value, std::int64_t time) {
  if (mode_ == Mode::RowTime) {
    const auto parsed = time_parser_.parse(value);
    if (parsed && parsed->ns == time && (rows_ == 0 || parsed->fraction_digits == fraction_digits_)) {
      fraction_digits_ = parsed->fraction_digits;
      row_times_.push_back(time);
      ++rows_;
      return;
    }
    leave_row_time();
  }
  const std::size_t before = entries();
  last_ = looks_up_ ? find_or_add(value) : append_entry(value);
  if (before == 1 && entries() == 2) codes_.assign(rows_, 0);
  if (entries() > 1) codes_.push_back(last_);
  ++rows_;
}

void ColumnBuilder::leave_row_time() {
  mode_ = Mode::Texts;
  rows_ = 0;
  std::string text;
  for (const std::int64_t time : row_times_) {
    text.clear();
    append_time(text, time, fraction_digits_);
    add(text, 0);
  }
  row_times_.clear();
}

std::uint16_t ColumnBuilder::append_entry(std::string_view value) {
  text_ += value;
  ends_.push_back(static_cast<std::uint32_t>(text_.size()));
  return static_cast<std::uint16_t>(ends_.size() - 1);
}

std::uint16_t ColumnBuilder::find_or_add(std::string_view value) {
  if ((entries() + 1) * 2 > table_.size()) grow_table();
  const auto hash = static_cast<std::uint32_t>(base::hash_bytes(value, 0) >> 32);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    const std::uint16_t found = table_[slot];
    if (found == 0) {
      const std::uint16_t code = append_entry(value);
      hashes_.push_back(hash);
      table_[slot] = static_cast<std::uint16_t>(code + 1);
      if (entries() >= kEnoughEntries && entries() * 8 >= std::size_t{rows_ + 1} * 7) looks_up_ = false;
      return code;
    }
    if (hashes_[found - 1u] == hash && is_text(found - 1u, value)) return static_cast<std::uint16_t>(found - 1);
  }
}

void ColumnBuilder::grow_table() {
  table_.assign(table_.empty() ? kFirstTable : table_.size() * 2, 0);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = 0; i < hashes_.size(); ++i) {
    std::size_t slot = hashes_[i] & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = static_cast<std::uint16_t>(i + 1);
  }
}

std::size_t ColumnBuilder::memory() const {
  return sizeof *this + text_.capacity() + 4 * (ends_.capacity() + hashes_.capacity()) +
         2 * (table_.capacity() + codes_.capacity()) + 8 * row_times_.capacity();
}

void ColumnBuilder::write(std::string& to) const {
  if (mode_ == Mode::RowTime) {
    to += static_cast<char>(ColumnForm::RowTime);
    to += static_cast<char>(fraction_digits_);
    return;
  }
  if (entries() == 1 || entries() * 3 <= rows_) return write_dictionary(to);
  if (write_numbers(to) || write_times(to) || write_guids(to)) return;
  // In the order of the rows a text need not be found through a code; where few repeat, the compressor finds them.
  if (entries() * 2 > rows_) return write_texts(to);
  write_dictionary(to);
}

void ColumnBuilder::write_dictionary(std::string& to) const {
  to += static_cast<char>(ColumnForm::Dictionary);
  append_varint(to, entries());
  std::uint32_t begin = 0;
  for (const std::uint32_t end : ends_) {
    append_varint(to, end - begin);
    begin = end;
  }
  to += text_;
  if (entries() == 1) return;
  const bool wide = entries() > 256;
  const std::size_t codes_begin = to.size();
  to.resize(codes_begin + (wide ? 2 : 1) * codes_.size());
  char* at = to.data() + codes_begin;
  for (const std::uint16_t code : codes_) *at++ = static_cast<char>(code);
  if (!wide) return;
  for (const std::uint16_t code : codes_) *at++ = static_cast<char>(code >> 8);
}

void ColumnBuilder::write_texts(std::string& to) const {
  to += static_cast<char>(ColumnForm::Texts);
  for (std::size_t row = 0; row < rows_; ++row) append_varint(to, entry(code(row)).size());
  if (entries() == rows_) {
    to += text_;
    return;
  }
  for (std::size_t row = 0; row < rows_; ++row) to += entry(code(row));
}

bool ColumnBuilder::write_numbers(std::string& to) const {
  const bool hex = entry(0).starts_with("0x");
  std::vector<std::uint64_t> values(entries());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto number = hex ? parse_hex(entry(i)) : parse_decimal(entry(i));
    if (!number) return false;
    values[i] = *number;
  }
  to += static_cast<char>(hex ? ColumnForm::Hex : ColumnForm::Decimal);
  std::size_t plain = 0;
  std::size_t deltas = 0;
  std::uint64_t before = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::uint64_t value = values[code(row)];
    plain += varint_size(value);
    deltas += varint_size(zigzag(value - before));
    before = value;
  }
  const bool as_deltas = deltas < plain;
  to += static_cast<char>(as_deltas ? NumberForm::Deltas : NumberForm::Plain);
  const std::size_t begin = to.size();
  to.resize(begin + (as_deltas ? deltas : plain) + kMaxVarint);
  char* at = to.data() + begin;
  before = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::uint64_t value = values[code(row)];
    at = put_varint(at, as_deltas ? zigzag(value - before) : value);
    before = value;
  }
  to.resize(static_cast<std::size_t>(at - to.data()));
  return true;
}

bool ColumnBuilder::write_times(std::string& to) const {
  if (entry(0).size() < 20 || entry(0).back() != 'Z') return false;
  std::vector<std::int64_t> values(entries());
  std::uint8_t digits = 0;
  TimeParser parser;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto time = parser.parse(entry(i));
    if (!time || (i != 0 && time->fraction_digits != digits)) return false;
    digits = time->fraction_digits;
    values[i] = time->ns;
  }
  std::vector<std::int64_t> times(rows_);
  for (std::size_t row = 0; row < rows_; ++row) times[row] = values[code(row)];
  to += static_cast<char>(ColumnForm::Time);
  to += static_cast<char>(digits);
  append_times(to, times);
  return true;
}

bool ColumnBuilder::write_guids(std::string& to) const {
  if (entry(0).size() != 36 && entry(0).size() != 38) return false;
  GuidParser parser;
  std::string bytes;
  bytes.reserve(16 * entries());
  for (std::size_t i = 0; i < entries(); ++i) {
    if (!parser.parse(entry(i), bytes)) return false;
  }
  to += static_cast<char>(ColumnForm::Guid);
  const GuidForm form = parser.form();
  to += static_cast<char>((form.braces ? kGuidBraces : 0) | (form.capitals ? kGuidCapitals : 0));
  for (std::size_t row = 0; row < rows_; ++row) to.append(bytes, 16u * code(row), 16);
  return true;
}

}  // namespace storage
