#include "events/plain_event.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/xml/document.h"
#include "events/system_reader.h"

namespace events {
namespace {

constexpr std::size_t kMaxDepth = 64;
static_assert(kMaxDepth <= xml::ParseLimits{}.depth);

/// A child of System: what SystemReader asks of an element.
struct PlainElement {
  struct Attribute {
    std::string_view name;
    std::string_view value;
  };
  std::string_view name;
  std::array<Attribute, 8> attributes;
  std::size_t attribute_count = 0;
  std::string_view content;

  std::string_view local_name() const { return name; }
  std::optional<std::string_view> attribute(std::string_view wanted) const {
    for (std::size_t i = 0; i < attribute_count; ++i) {
      if (attributes[i].name == wanted) return attributes[i].value;
    }
    return std::nullopt;
  }
  std::string_view text(std::string&) const { return content; }
  bool first_child() const { return false; }
};

constexpr auto kNameCharacters = [] {
  std::array<bool, 256> allowed{};
  for (const char letter : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_-.")) {
    allowed[static_cast<unsigned char>(letter)] = true;
  }
  for (std::size_t other = 0x80; other < 0x100; ++other) allowed[other] = true;
  return allowed;
}();

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// One pass over the text. Every step that meets something unusual says false, and the real parser has the word.
class PlainReader {
 public:
  explicit PlainReader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  std::optional<System> read() {
    if (at_ == end_ || *at_ != '<') return std::nullopt;
    do {
      // Here at_ is at a '<' with a character behind it.
      if (end_ - at_ < 2) return std::nullopt;
      if (!(at_[1] == '/' ? end_tag() : start_tag())) return std::nullopt;
      if (depth_ == 0) break;
      if (!text()) return std::nullopt;
    } while (true);
    if (at_ != end_ || !seen_system_) return std::nullopt;
    return std::move(system_);
  }

 private:
  std::string_view name() {
    const char* const from = at_;
    while (at_ != end_ && kNameCharacters[static_cast<unsigned char>(*at_)]) ++at_;
    return {from, static_cast<std::size_t>(at_ - from)};
  }
  void blanks() {
    while (at_ != end_ && is_blank(*at_)) ++at_;
  }

  /// True inside Event/System, whose elements are read.
  bool in_system() const { return system_open_ && depth_ == 2; }

  bool start_tag() {
    ++at_;
    const std::string_view tag = name();
    if (tag.empty() || depth_ == kMaxDepth) return false;
    const bool is_field = in_system();
    if (depth_ == 0 ? tag != "Event" : (depth_ == 1 || is_field) && tag.find(':') != std::string_view::npos) return false;
    // An element inside a field belongs to its text.
    if (system_open_ && depth_ == 3) return false;
    if (is_field) {
      field_.name = tag;
      field_.attribute_count = 0;
      field_.content = {};
    }
    if (++nodes_ > kMaxNodes) return false;
    std::size_t attributes = 0;
    for (;;) {
      const char* const before = at_;
      blanks();
      if (at_ == end_) return false;
      if (*at_ == '>') {
        ++at_;
        open_[depth_++] = tag;
        if (depth_ == 2 && tag == "System") return begin_system();
        return true;
      }
      if (*at_ == '/') {
        if (end_ - at_ < 2 || at_[1] != '>') return false;
        at_ += 2;
        if (is_field) reader_.read(field_);
        // An event that is nothing but its root, or whose System is empty.
        return depth_ != 0 && !(depth_ == 1 && tag == "System" && !begin_system_and_end());
      }
      if (at_ == before || ++attributes > kMaxAttributes || !attribute(is_field)) return false;
    }
  }

  bool begin_system() {
    if (seen_system_) return false;
    seen_system_ = true;
    system_open_ = true;
    return true;
  }
  bool begin_system_and_end() {
    const bool begun = begin_system();
    system_open_ = false;
    return begun;
  }

  bool attribute(bool is_field) {
    const std::string_view attribute_name = name();
    if (attribute_name.empty()) return false;
    blanks();
    if (at_ == end_ || *at_ != '=') return false;
    ++at_;
    blanks();
    if (at_ == end_ || (*at_ != '"' && *at_ != '\'')) return false;
    const char quote = *at_++;
    const char* const from = at_;
    bool reference = false;
    while (at_ != end_ && *at_ != quote) {
      if (*at_ == '<') return false;
      reference = reference || *at_ == '&';
      ++at_;
    }
    if (at_ == end_) return false;
    const std::string_view value(from, static_cast<std::size_t>(at_ - from));
    ++at_;
    if (reference && (is_field || value.find("&#") != std::string_view::npos)) return false;
    if (is_field) {
      if (field_.attribute_count == field_.attributes.size()) return false;
      field_.attributes[field_.attribute_count++] = {attribute_name, value};
    }
    return ++nodes_ <= kMaxNodes;
  }

  bool end_tag() {
    if (depth_ == 0) return false;
    const std::string_view tag = open_[depth_ - 1];
    at_ += 2;
    if (static_cast<std::size_t>(end_ - at_) <= tag.size() || std::string_view(at_, tag.size()) != tag) return false;
    at_ += tag.size();
    if (*at_++ != '>') return false;
    --depth_;
    if (in_system()) reader_.read(field_);
    if (depth_ == 1) system_open_ = false;
    return true;
  }

  /// Up to the next '<'.
  bool text() {
    const char* const from = at_;
    bool reference = false;
    bool printed = false;
    while (at_ != end_ && *at_ != '<') {
      reference = reference || *at_ == '&';
      printed = printed || !is_blank(*at_);
      ++at_;
    }
    if (at_ == end_) return false;
    const std::string_view content(from, static_cast<std::size_t>(at_ - from));
    if (reference && (system_open_ || content.find("&#") != std::string_view::npos)) return false;
    // White space alone is dropped, as the parser drops it.
    if (system_open_ && depth_ == 3 && printed) field_.content = content;
    return true;
  }

  static constexpr std::size_t kMaxNodes = xml::ParseLimits{}.nodes;
  static constexpr std::size_t kMaxAttributes = xml::ParseLimits{}.attributes;

  const char* at_;
  const char* const end_;
  std::array<std::string_view, kMaxDepth> open_;
  std::size_t depth_ = 0;
  std::size_t nodes_ = 0;
  bool seen_system_ = false;
  bool system_open_ = false;
  PlainElement field_;
  System system_;
  SystemReader<PlainElement> reader_{system_};
};

}  // namespace

std::optional<System> read_plain_system(std::string_view xml) {
  // The parser ends at a zero byte.
  if (xml.find('\0') != std::string_view::npos) return std::nullopt;
  return PlainReader(xml).read();
}

}  // namespace events
