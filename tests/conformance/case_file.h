// One file of the corpus: exchanges on one connection, with what they are to come to. The format: README.md.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace conformance {

struct Part {
  std::string first_line;
  std::vector<std::pair<std::string, std::string>> fields;
  /// Lines without the white space around them, joined; with a blank where neither a tag ends nor another begins.
  std::string text;

  std::string_view field(std::string_view name) const;
};

struct Exchange {
  Part request;
  Part answer;
  std::vector<std::string> delivered;
};

struct Case {
  std::map<std::string, std::string> about;  ///< name, spec, as, subscriptions, …
  std::vector<Exchange> exchanges;
};

/// Errors: std::errc::invalid_argument with the line.
base::Result<Case> read_case(const std::filesystem::path& file);

}  // namespace conformance
