#include "forwarder/file_position.h"

#include <charconv>

namespace forwarder {
namespace {

constexpr std::string_view kHeading = "files 1\n";

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
  out.append(digits, end);
  out += ' ';
}

template <typename Number>
bool take_number(std::string_view& line, Number& value, int base = 10) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos || space == 0) return false;
  const auto [end, error] = std::from_chars(line.data(), line.data() + space, value, base);
  if (error != std::errc() || end != line.data() + space) return false;
  line.remove_prefix(space + 1);
  return true;
}

void append_path(std::string& out, std::string_view path) {
  for (const char c : path) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

std::string path_of(std::string_view text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      path += text[++i] == 'n' ? '\n' : text[i];
    } else {
      path += text[i];
    }
  }
  return path;
}

}  // namespace

Fingerprint fingerprint_of(std::string_view head) {
  // FNV-1a: it tells log files apart, it keeps no secret.
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : head.substr(0, kFingerprintBytes)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  }
  return {std::min(head.size(), kFingerprintBytes), hash};
}

std::string write_positions(const std::vector<FilePosition>& positions) {
  std::string out(kHeading);
  for (const FilePosition& position : positions) {
    append_number(out, position.identity.device);
    append_number(out, position.identity.inode);
    append_number(out, position.offset);
    append_number(out, position.part);
    append_number(out, position.fingerprint.length);
    append_number(out, position.fingerprint.hash, 16);
    append_path(out, position.path);
    out += '\n';
  }
  return out;
}

base::Result<std::vector<FilePosition>> parse_positions(std::string_view text) {
  const auto malformed = [](std::size_t line) {
    return base::make_error(std::errc::invalid_argument, "the stored position of files, line " + std::to_string(line));
  };
  if (!text.starts_with(kHeading)) return malformed(1);
  text.remove_prefix(kHeading.size());
  std::vector<FilePosition> positions;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return malformed(positions.size() + 2);
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    FilePosition position;
    if (!take_number(line, position.identity.device) || !take_number(line, position.identity.inode) ||
        !take_number(line, position.offset) || !take_number(line, position.part) ||
        !take_number(line, position.fingerprint.length) || !take_number(line, position.fingerprint.hash, 16) ||
        line.empty() || position.fingerprint.length > kFingerprintBytes) {
      return malformed(positions.size() + 2);
    }
    position.path = path_of(line);
    positions.push_back(std::move(position));
  }
  return positions;
}

}  // namespace forwarder
