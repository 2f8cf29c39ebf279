// How a column lies in the bytes of a frame: docs/storage-format.md.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "storage/block.h"
#include "storage/varint.h"

namespace storage {

/// The first byte of a column.
enum class ColumnForm : std::uint8_t {
  Texts = 0,
  Dictionary = 1,
  Decimal = 2,
  Hex = 3,
  Time = 4,
  RowTime = 5,
  Guid = 6,
};

/// How whole numbers follow each other.
enum class NumberForm : std::uint8_t {
  Plain = 0,   ///< varints
  Deltas = 1,  ///< zigzag varints of the differences, the first from zero
};

/// Bits of a GUID column's second byte.
inline constexpr std::uint8_t kGuidBraces = 1;
inline constexpr std::uint8_t kGuidCapitals = 2;

/// A column as it was read.
struct DecodedColumn {
  Column::Kind kind = Column::Kind::Texts;
  std::uint8_t fraction_digits = 0;
  std::vector<std::string_view> entries;
  std::vector<std::uint32_t> codes;
  std::vector<std::uint64_t> numbers;
  std::vector<std::string_view> texts;
};

/// Reads the column that `bytes` hold. `times` are those of its rows. Its texts refer to `bytes`, or to `own_text`. Errors:
/// Errc::Corrupt.
base::Result<DecodedColumn> decode_column(std::string_view bytes, std::span<const std::int64_t> times,
                                          std::string& own_text);

/// Reads the value of one of the `rows` of a column without the others; `time` is that row's. What is given refers to
/// `bytes` or to `buffer`. Nothing where the column is damaged, as far as that was looked at.
std::optional<std::string_view> decode_value(std::string_view bytes, std::size_t rows, std::size_t row, std::int64_t time,
                                             std::string& buffer);

/// Times counted in the largest unit of 10^n ns that divides them all: a byte n, then zigzag varints of the differences, the
/// first from zero.
void append_times(std::string& to, std::span<const std::int64_t> times);
/// Fills `times`. False where the bytes are damaged.
bool read_times(ByteReader& from, std::span<std::int64_t> times);

}  // namespace storage
