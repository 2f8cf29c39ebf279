#include "cli/line_difference.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace cli {
namespace {

using Lines = std::span<const std::string_view>;

/// Cells of the table that the longest common subsequence is found with.
constexpr std::size_t kMaxCells = 4'000'000;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void append(std::vector<std::string>& out, char sign, Lines lines) {
  for (const std::string_view line : lines) out.push_back(sign + std::string(line));
}

}  // namespace

std::vector<std::string> line_difference(std::string_view before, std::string_view after) {
  const auto all_old = lines_of(before);
  const auto all_new = lines_of(after);
  const auto begin = std::mismatch(all_old.begin(), all_old.end(), all_new.begin(), all_new.end());
  Lines old_lines(begin.first, all_old.end());
  Lines new_lines(begin.second, all_new.end());
  const auto end = std::mismatch(old_lines.rbegin(), old_lines.rend(), new_lines.rbegin(), new_lines.rend());
  old_lines = old_lines.first(static_cast<std::size_t>(old_lines.rend() - end.first));
  new_lines = new_lines.first(static_cast<std::size_t>(new_lines.rend() - end.second));

  std::vector<std::string> out;
  const std::size_t rows = old_lines.size();
  const std::size_t columns = new_lines.size();
  if (rows == 0 || columns == 0 || rows > kMaxCells / columns) {
    append(out, '-', old_lines);
    append(out, '+', new_lines);
    return out;
  }
  // longest[i][j]: how many lines the rests behind i and j have in common.
  std::vector<std::uint32_t> longest((rows + 1) * (columns + 1));
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return longest[i * (columns + 1) + j]; };
  for (std::size_t i = rows; i-- > 0;) {
    for (std::size_t j = columns; j-- > 0;) {
      at(i, j) = old_lines[i] == new_lines[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && old_lines[i] == new_lines[j]) {
      ++i;
      ++j;
    } else if (j == columns || (i < rows && at(i + 1, j) >= at(i, j + 1))) {
      append(out, '-', old_lines.subspan(i++, 1));
    } else {
      append(out, '+', new_lines.subspan(j++, 1));
    }
  }
  return out;
}

}  // namespace cli
