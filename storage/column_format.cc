#include "storage/column_format.h"

#include <algorithm>
#include <array>

#include "storage/canonical.h"

namespace storage {
namespace {

constexpr std::array<std::int64_t, 10> kUnits = {1,       10,        100,        1'000,       10'000,
                                                 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

base::Error damaged() {
  return base::make_error(Errc::Corrupt, "a column of a block is damaged");
}

/// `count` texts: all their lengths, then all their bytes.
bool read_texts(ByteReader& reader, std::size_t count, std::vector<std::string_view>& texts) {
  // Each length takes at least a byte.
  if (count > reader.left()) return false;
  texts.resize(count);
  std::vector<std::uint64_t> sizes(count);
  for (auto& size : sizes) size = reader.varint();
  for (std::size_t i = 0; i < count; ++i) texts[i] = reader.bytes(sizes[i]);
  return reader.ok();
}

bool read_codes(ByteReader& reader, std::size_t rows, std::size_t entries, std::vector<std::uint32_t>& codes) {
  codes.assign(rows, 0);
  if (entries == 1) return true;
  const std::string_view low = reader.bytes(rows);
  const std::string_view high = entries > 256 ? reader.bytes(rows) : std::string_view();
  if (!reader.ok()) return false;
  std::uint32_t most = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    std::uint32_t code = static_cast<unsigned char>(low[row]);
    if (!high.empty()) code |= static_cast<std::uint32_t>(static_cast<unsigned char>(high[row])) << 8;
    codes[row] = code;
    most = std::max(most, code);
  }
  return most < entries;
}

bool read_numbers(ByteReader& reader, std::size_t rows, std::vector<std::uint64_t>& numbers) {
  const auto form = static_cast<NumberForm>(reader.byte());
  if (rows > reader.left()) return false;
  numbers.resize(rows);
  if (form == NumberForm::Plain) {
    for (auto& number : numbers) number = reader.long_varint();
  } else if (form == NumberForm::Deltas) {
    std::uint64_t number = 0;
    for (auto& to : numbers) to = number += unzigzag(reader.long_varint());
  } else {
    return false;
  }
  return reader.ok();
}

bool read_guids(ByteReader& reader, std::size_t rows, DecodedColumn& column, std::string& own_text) {
  const std::uint8_t flags = reader.byte();
  const GuidForm form{(flags & kGuidBraces) != 0, (flags & kGuidCapitals) != 0};
  const std::string_view bytes = reader.bytes(std::uint64_t{16} * rows);
  if (!reader.ok() || (flags & ~(kGuidBraces | kGuidCapitals)) != 0) return false;
  own_text.reserve(rows * form.size());
  for (std::size_t row = 0; row < rows; ++row) append_guid(own_text, bytes.data() + 16 * row, form);
  column.texts.resize(rows);
  for (std::size_t row = 0; row < rows; ++row) column.texts[row] = {own_text.data() + row * form.size(), form.size()};
  return true;
}

bool read_digits(ByteReader& reader, DecodedColumn& column) {
  column.kind = Column::Kind::Time;
  column.fraction_digits = reader.byte();
  return reader.ok() && column.fraction_digits <= kMaxFractionDigits;
}

bool read_time_column(ByteReader& reader, std::size_t rows, DecodedColumn& column) {
  std::vector<std::int64_t> times(rows);
  if (!read_digits(reader, column) || rows > reader.left() || !read_times(reader, times)) return false;
  column.numbers.assign(times.begin(), times.end());
  return true;
}

bool read_column(ByteReader& reader, std::span<const std::int64_t> times, DecodedColumn& column, std::string& own_text) {
  const std::size_t rows = times.size();
  const std::uint8_t form = reader.byte();
  switch (static_cast<ColumnForm>(form)) {
    case ColumnForm::Texts:
      return reader.ok() && read_texts(reader, rows, column.texts);
    case ColumnForm::Dictionary: {
      column.kind = Column::Kind::Dictionary;
      const std::uint64_t entries = reader.varint(rows);
      return entries != 0 && read_texts(reader, entries, column.entries) && read_codes(reader, rows, entries, column.codes);
    }
    case ColumnForm::Decimal:
      column.kind = Column::Kind::Decimal;
      return read_numbers(reader, rows, column.numbers);
    case ColumnForm::Hex:
      column.kind = Column::Kind::Hex;
      return read_numbers(reader, rows, column.numbers);
    case ColumnForm::Time:
      return read_time_column(reader, rows, column);
    case ColumnForm::RowTime:
      column.numbers.assign(times.begin(), times.end());
      return read_digits(reader, column);
    case ColumnForm::Guid:
      return read_guids(reader, rows, column, own_text);
  }
  return false;
}

/// One text of `count`; goes on behind all of them.
std::optional<std::string_view> read_text(ByteReader& reader, std::size_t count, std::size_t wanted) {
  if (count > reader.left()) return std::nullopt;
  std::uint64_t before = 0;
  std::uint64_t behind = 0;
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t length = reader.varint(reader.left());
    if (i == wanted) {
      size = length;
    } else {
      (i < wanted ? before : behind) += length;
    }
  }
  reader.bytes(before);
  const std::string_view text = reader.bytes(size);
  reader.bytes(behind);
  return reader.ok() ? std::optional(text) : std::nullopt;
}

std::optional<std::string_view> read_entry(ByteReader& reader, std::size_t rows, std::size_t row) {
  const std::uint64_t entries = reader.varint(rows);
  if (entries == 0) return std::nullopt;
  if (entries == 1) return read_text(reader, 1, 0);
  const std::size_t width = entries > 256 ? 2 : 1;
  // The codes are the last bytes.
  ByteReader codes = reader;
  if (reader.left() < width * rows) return std::nullopt;
  const std::string_view bytes = codes.bytes(reader.left()).substr(reader.left() - width * rows);
  std::size_t code = static_cast<unsigned char>(bytes[row]);
  if (width == 2) code |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[rows + row])) << 8;
  if (code >= entries) return std::nullopt;
  return read_text(reader, entries, code);
}

std::optional<std::uint64_t> read_number(ByteReader& reader, std::size_t row) {
  const auto form = static_cast<NumberForm>(reader.byte());
  std::uint64_t number = 0;
  if (form == NumberForm::Plain) {
    for (std::size_t i = 0; i <= row; ++i) number = reader.long_varint();
  } else if (form == NumberForm::Deltas) {
    for (std::size_t i = 0; i <= row; ++i) number += unzigzag(reader.long_varint());
  } else {
    return std::nullopt;
  }
  return reader.ok() ? std::optional(number) : std::nullopt;
}

std::optional<std::string_view> read_time_value(ByteReader& reader, std::size_t row, std::string& buffer) {
  const std::uint8_t digits = reader.byte();
  const std::uint8_t exponent = reader.byte();
  if (digits > kMaxFractionDigits || exponent >= kUnits.size()) return std::nullopt;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= row; ++i) count += unzigzag(reader.long_varint());
  if (!reader.ok()) return std::nullopt;
  append_time(buffer, static_cast<std::int64_t>(count * static_cast<std::uint64_t>(kUnits[exponent])), digits);
  return buffer;
}

}  // namespace

base::Result<DecodedColumn> decode_column(std::string_view bytes, std::span<const std::int64_t> times,
                                          std::string& own_text) {
  DecodedColumn column;
  ByteReader reader(bytes);
  if (!read_column(reader, times, column, own_text) || !reader.done()) return damaged();
  return column;
}

std::optional<std::string_view> decode_value(std::string_view bytes, std::size_t rows, std::size_t row, std::int64_t time,
                                             std::string& buffer) {
  ByteReader reader(bytes);
  buffer.clear();
  const std::uint8_t form = reader.byte();
  if (!reader.ok()) return std::nullopt;
  switch (static_cast<ColumnForm>(form)) {
    case ColumnForm::Texts:
      return read_text(reader, rows, row);
    case ColumnForm::Dictionary:
      return read_entry(reader, rows, row);
    case ColumnForm::Decimal:
    case ColumnForm::Hex: {
      const auto number = read_number(reader, row);
      if (!number) return std::nullopt;
      static_cast<ColumnForm>(form) == ColumnForm::Decimal ? append_decimal(buffer, *number) : append_hex(buffer, *number);
      return buffer;
    }
    case ColumnForm::Time:
      return read_time_value(reader, row, buffer);
    case ColumnForm::RowTime: {
      const std::uint8_t digits = reader.byte();
      if (!reader.ok() || digits > kMaxFractionDigits) return std::nullopt;
      append_time(buffer, time, digits);
      return buffer;
    }
    case ColumnForm::Guid: {
      const std::uint8_t flags = reader.byte();
      reader.bytes(16 * row);
      const std::string_view guid = reader.bytes(16);
      if (!reader.ok()) return std::nullopt;
      append_guid(buffer, guid.data(), {(flags & kGuidBraces) != 0, (flags & kGuidCapitals) != 0});
      return buffer;
    }
  }
  return std::nullopt;
}

void append_times(std::string& to, std::span<const std::int64_t> times) {
  std::uint8_t exponent = kUnits.size() - 1;
  for (const std::int64_t time : times) {
    while (time % kUnits[exponent] != 0) --exponent;
  }
  to += static_cast<char>(exponent);
  const std::size_t begin = to.size();
  to.resize(begin + 10 * times.size());
  char* at = to.data() + begin;
  std::uint64_t before = 0;
  for (const std::int64_t time : times) {
    const auto count = static_cast<std::uint64_t>(time / kUnits[exponent]);
    at = put_varint(at, zigzag(count - before));
    before = count;
  }
  to.resize(static_cast<std::size_t>(at - to.data()));
}

bool read_times(ByteReader& from, std::span<std::int64_t> times) {
  const std::uint8_t exponent = from.byte();
  if (exponent >= kUnits.size()) return false;
  std::uint64_t count = 0;
  for (auto& time : times) {
    count += unzigzag(from.long_varint());
    time = static_cast<std::int64_t>(count * static_cast<std::uint64_t>(kUnits[exponent]));
  }
  return from.ok();
}

}  // namespace storage
