// Real events as input of a measurement, varied so that no two are the same.

#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

/// The lines of a file, gunzipped where its name ends in .gz; dies with a message where that fails.
std::vector<std::string> read_events(const std::filesystem::path& file);

/// An event whose record id and computer have a fixed width, so that they can be changed in place.
struct Variable {
  std::string xml;              ///< with kRecordPlace and kComputerPlace
  std::size_t record_at = 0;    ///< ten digits
  std::size_t computer_at = 0;  ///< six digits inside the computer's name
};
Variable make_variable(const std::string& event);

/// Writes `value` as `digits` decimal digits at `to`, `stride` bytes apart (2 for UTF-16).
void put_digits(char* to, unsigned long long value, std::size_t digits, std::size_t stride);

}  // namespace bench
