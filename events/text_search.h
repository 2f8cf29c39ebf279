// Search for text in what people read of an event: our extension to the query language.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "events/event.h"
#include "events/formula.h"

namespace events {

/// A text to look for in the values below EventData and UserData (texts, and attributes but the Name of a Data), in
/// RenderingInfo's texts, and in the names of provider, event source and computer; each for itself. ASCII letters compare
/// without case. What cannot be read as an event is searched as it is. A value.
class TextSearch {
 public:
  /// Looks for `text` as it is: 1 to 1024 bytes. With `whole_words`, what stands beside it is no letter, digit or byte above
  /// 127. Errors: Win32::InvalidParameter.
  static base::Result<TextSearch> make(std::string text, bool whole_words);

  const std::string& text() const { return text_; }
  bool whole_words() const { return whole_words_; }

  bool matches(const Event& event) const;
  /// The same question to all events of a skeleton: adds to `formula` and returns the node. Nothing where it cannot be put
  /// so (rare: see Query::bind()); such events are asked one by one.
  std::optional<std::uint32_t> bind(const Skeleton& skeleton, Formula& formula) const;

 private:
  std::string text_;
  bool whole_words_ = false;
};

}  // namespace events
