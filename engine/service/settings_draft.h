// Settings while they are read: beside each value where it came from, so that a check can name file and line.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/service/settings.h"

namespace service {

/// Shown as "FILE:LINE: ".
struct Place {
  std::string file;
  std::size_t line = 0;  ///< from 1; 0: the file as a whole
};

struct ListenerDraft {
  ListenerSettings settings;
  std::optional<std::uint16_t> port;
  Place place;
};

struct SourceDraft {
  SourceSettings settings;
  Place place;
};

struct ManagerDraft {
  std::string text;
  Place place;
};

struct SettingsDraft {
  Settings settings;  ///< its lists are filled by finish_settings()
  bool reading_policy = false;
  std::vector<ListenerDraft> listeners;
  std::vector<SourceDraft> sources;
  std::vector<ManagerDraft> managers;
  Place file;  ///< the program's own file
  Place tls;   ///< [forwarder.tls], or the file
};

/// Collects what is wrong, one line each.
class Problems {
 public:
  void add(const Place& place, std::string_view key, std::string_view text);
  bool empty() const { return problems_.empty(); }
  /// All of them by file and line, at most 20, joined by line ends.
  std::string text() const;

 private:
  struct Problem {
    Place place;
    std::string text;
  };
  std::vector<Problem> problems_;
};

/// Fills in what depends on several keys and checks that `program` can work with the whole.
Settings finish_settings(SettingsDraft draft, Program program, Problems& problems);

}  // namespace service
