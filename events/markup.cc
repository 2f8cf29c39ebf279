#include "events/markup.h"

namespace events {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// What begins at a '<'.
struct Tag {
  enum class Kind { Start, Empty, End, Other };
  Kind kind = Kind::Other;
  std::size_t end = 0;  ///< behind its '>'
  std::string_view name;
};

std::size_t behind(std::string_view xml, std::string_view mark, std::size_t at) {
  const auto found = xml.find(mark, at);
  return found == kNone ? kNone : found + mark.size();
}

std::optional<Tag> tag_at(std::string_view xml, std::size_t at) {
  const std::string_view rest = xml.substr(at);
  Tag tag;
  if (rest.starts_with("<!--")) {
    tag.end = behind(xml, "-->", at + 4);
  } else if (rest.starts_with("<![CDATA[")) {
    tag.end = behind(xml, "]]>", at + 9);
  } else if (rest.starts_with("<?")) {
    tag.end = behind(xml, "?>", at + 2);
  } else if (rest.starts_with("</")) {
    tag.kind = Tag::Kind::End;
    tag.end = behind(xml, ">", at + 2);
  } else {
    const auto name_end = xml.find_first_of(" \t\r\n/>", at + 1);
    if (name_end == kNone) return std::nullopt;
    tag.name = xml.substr(at + 1, name_end - at - 1);
    char quote = 0;
    std::size_t i = name_end;
    for (; i < xml.size(); ++i) {
      const char c = xml[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        break;
      }
    }
    if (i == xml.size()) return std::nullopt;
    tag.kind = xml[i - 1] == '/' ? Tag::Kind::Empty : Tag::Kind::Start;
    tag.end = i + 1;
  }
  if (tag.end == kNone) return std::nullopt;
  return tag;
}

}  // namespace

std::string_view Span::local_name() const {
  const auto colon = name.find(':');
  return colon == kNone ? name : name.substr(colon + 1);
}

std::optional<Span> next_element(std::string_view xml, std::size_t at, std::size_t limit) {
  std::optional<Span> found;
  std::size_t depth = 0;
  while ((at = xml.find('<', at)) < limit) {
    const auto tag = tag_at(xml, at);
    if (!tag) return std::nullopt;
    const bool starts = tag->kind == Tag::Kind::Start || tag->kind == Tag::Kind::Empty;
    if (starts && !found) found = Span{at, tag->end, tag->end, tag->end, tag->name};
    if (tag->kind == Tag::Kind::Start) ++depth;
    if (tag->kind == Tag::Kind::End) {
      if (depth == 0) return std::nullopt;
      --depth;
    }
    if (found && depth == 0 && tag->kind != Tag::Kind::Other) {
      if (tag->kind == Tag::Kind::End) {
        found->content_end = at;
        found->end = tag->end;
      }
      return found;
    }
    at = tag->end;
  }
  return std::nullopt;
}

std::optional<Span> find_child(std::string_view xml, const Span& parent, std::string_view local_name) {
  std::size_t at = parent.content_begin;
  while (auto child = next_element(xml, at, parent.content_end)) {
    if (child->local_name() == local_name) return child;
    at = child->end;
  }
  return std::nullopt;
}

}  // namespace events
