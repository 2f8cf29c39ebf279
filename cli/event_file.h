// Events in files of any form that Muster reads: event XML, our JSON lines, Windows' .evtx.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/json_reader.h"
#include "engine/base/result.h"

namespace cli {

/// Reads a file's events one after the other, however large the file is. One thread.
class EventFile {
 public:
  /// The form is told by the file's beginning, not by its name: "ElfFile" is .evtx; '<' (behind a mark of UTF-8 or UTF-16)
  /// is XML, one event after the other, inside of other elements or not; '{' is JSON, one object a line, as `wevtutil
  /// --json` prints it. Errors: Win32::FileNotFound, PathNotFound, AccessDenied; Win32::InvalidData for another form;
  /// Win32::EventlogFileCorrupt for an .evtx that cannot be opened.
  static base::Result<std::unique_ptr<EventFile>> open(const std::filesystem::path& file);
  virtual ~EventFile() = default;

  /// The next event's XML as text that Event::from_wire() takes; nothing at the end. What cannot be read is passed over and
  /// counted. Errors: those of reading the file; Win32::EventlogFileCorrupt.
  virtual base::Result<std::optional<std::string>> next() = 0;

  std::uint64_t unreadable() const { return unreadable_; }
  /// Bytes read so far and in all, for people who wait.
  std::uint64_t done() const { return done_; }
  std::uint64_t size() const { return size_; }

 protected:
  std::uint64_t unreadable_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t size_ = 0;
};

/// An event larger than this is unreadable.
inline constexpr std::size_t kMaxEventText = 16u << 20;

/// Finds events in XML that comes in pieces: elements named Event, wherever they stand, but for such inside of an event. An
/// event that is broken off ends where another one begins at the start of a line.
class EventSplitter {
 public:
  void add(std::string_view piece);
  void end() { ended_ = true; }
  /// The next whole event; nothing where more text is needed, or at the end.
  std::optional<std::string> next();
  /// Stretches that began like an event and are none.
  std::uint64_t unreadable() const { return unreadable_; }

 private:
  enum class Step { Event, Again, More };
  Step step(std::string& event);
  void drop(std::size_t bytes);

  std::string text_;
  std::size_t at_ = 0;     ///< where to go on looking
  std::size_t begin_ = 0;  ///< of the event that has been entered
  std::size_t depth_ = 0;  ///< 0 outside of events
  bool ended_ = false;
  std::uint64_t unreadable_ = 0;
};

/// The event that event_json() described: XML of its System fields, its data and its message. Nothing where the object has
/// no Provider or EventID; what was raw comes back as it was.
std::optional<std::string> event_from_json(const JsonValue& object);

}  // namespace cli
