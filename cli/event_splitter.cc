#include "cli/event_file.h"

namespace cli {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// The name in the tag that begins at `at`, without its prefix and without '/'.
std::string_view local_name(std::string_view text, std::size_t at) {
  std::string_view name = text.substr(at, text.find_first_of(" \t\r\n/>", at) - at);
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// Where the tag that begins at `at` has its '>'; npos where more text is needed, `broken` where it is no tag.
std::size_t end_of_tag(std::string_view text, std::size_t at, bool& broken) {
  char quote = 0;
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '<') {
      broken = true;
      return i;
    }
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

void EventSplitter::add(std::string_view piece) {
  drop(depth_ == 0 ? at_ : begin_);
  text_ += piece;
}

void EventSplitter::drop(std::size_t bytes) {
  text_.erase(0, bytes);
  at_ -= bytes;
  begin_ = begin_ < bytes ? 0 : begin_ - bytes;
}

std::optional<std::string> EventSplitter::next() {
  std::string event;
  for (;;) {
    switch (step(event)) {
      case Step::Event:
        return event;
      case Step::Again:
        break;
      case Step::More:
        if (ended_) {
          const bool rest = depth_ != 0 || text_.find_first_not_of(kSpace, at_) != std::string::npos;
          if (rest) ++unreadable_;
          depth_ = 0;
          at_ = text_.size();
        } else if (text_.size() - (depth_ == 0 ? at_ : begin_) > kMaxEventText) {
          // Too much for one event, or for one token outside of events.
          ++unreadable_;
          depth_ = 0;
          at_ = text_.size();
        }
        return std::nullopt;
    }
  }
}

/// Looks at one piece of markup.
EventSplitter::Step EventSplitter::step(std::string& event) {
  const std::string_view text = text_;
  const auto less = text.find('<', at_);
  if (less == std::string_view::npos) {
    // White space and rubbish outside of events need not be kept, but rubbish is counted once, where it ends.
    return Step::More;
  }
  if (depth_ == 0 && text.find_first_not_of(kSpace, at_) < less) ++unreadable_;
  at_ = less;
  if (text.size() - less < 9 && !ended_) return Step::More;
  const std::string_view rest = text.substr(less);
  const auto pass = [&](std::string_view opening, std::string_view closing) {
    const auto end = text.find(closing, less + opening.size());
    if (end == std::string_view::npos) return Step::More;
    at_ = end + closing.size();
    return Step::Again;
  };
  if (rest.starts_with("<!--")) return pass("<!--", "-->");
  if (rest.starts_with("<![CDATA[")) return pass("<![CDATA[", "]]>");
  if (rest.starts_with("<?")) return pass("<?", "?>");
  if (rest.starts_with("<!")) return pass("<!", ">");

  bool broken = false;
  const auto end = end_of_tag(text, less, broken);
  if (end == std::string_view::npos) return Step::More;
  if (broken) {
    if (depth_ == 0) ++unreadable_;
    at_ = end;
    return Step::Again;
  }
  at_ = end + 1;
  const bool closes = text[less + 1] == '/';
  if (local_name(text, less + (closes ? 2 : 1)) != "Event") return Step::Again;
  if (closes) {
    if (depth_ == 0 || --depth_ != 0) return Step::Again;
    if (at_ - begin_ > kMaxEventText) {
      ++unreadable_;
      return Step::Again;
    }
    event = text.substr(begin_, at_ - begin_);
    return Step::Event;
  }
  const bool begins_line = less == 0 || text[less - 1] == '\n';
  if (depth_ != 0 && begins_line) {
    ++unreadable_;
    depth_ = 0;
  }
  if (text[end - 1] == '/') {
    if (depth_ == 0) ++unreadable_;
    return Step::Again;
  }
  if (depth_++ == 0) begin_ = less;
  return Step::Again;
}

}  // namespace cli
