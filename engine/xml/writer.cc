#include "engine/xml/writer.h"

#include <array>

#include "engine/base/die.h"

namespace xml {
namespace {

/// What append_escaped() has to look at.
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> special{};
  for (std::size_t control = 0; control < 0x20; ++control) special[control] = true;
  for (const char c : {'&', '<', '>', '"', '\''}) special[static_cast<unsigned char>(c)] = true;
  return special;
}();

void append_escaped(std::string& out, std::string_view text, bool attribute) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!kSpecial[c]) continue;
    std::string_view replacement;
    switch (c) {
      case '&':
        replacement = "&amp;";
        break;
      case '<':
        replacement = "&lt;";
        break;
      case '>':
        replacement = "&gt;";
        break;
      case '\r':
        replacement = "&#13;";
        break;
      case '"':
        if (attribute) replacement = "&quot;";
        break;
      case '\'':
        if (attribute) replacement = "&apos;";
        break;
      case '\n':
        if (attribute) replacement = "&#10;";
        break;
      case '\t':
        if (attribute) replacement = "&#9;";
        break;
      default:
        replacement = "?";
        break;
    }
    if (replacement.empty()) continue;
    out += text.substr(from, i - from);
    out += replacement;
    from = i + 1;
  }
  out += text.substr(from);
}

}  // namespace

void append_text(std::string& out, std::string_view text) {
  append_escaped(out, text, false);
}
void append_attribute(std::string& out, std::string_view text) {
  append_escaped(out, text, true);
}

std::string escaped_text(std::string_view text) {
  std::string out;
  append_text(out, text);
  return out;
}

std::string escaped_attribute(std::string_view text) {
  std::string out;
  append_attribute(out, text);
  return out;
}

void append_cdata(std::string& out, std::string_view text) {
  out += "<![CDATA[";
  for (;;) {
    const auto end = text.find("]]>");
    if (end == std::string_view::npos) break;
    out += text.substr(0, end + 2);
    out += "]]><![CDATA[";
    text.remove_prefix(end + 2);
  }
  out += text;
  out += "]]>";
}

void Writer::end_start_tag() {
  if (in_start_tag_) out_ += '>';
  in_start_tag_ = false;
}

Writer& Writer::open(std::string_view name) {
  end_start_tag();
  out_ += '<';
  out_ += name;
  open_.emplace_back(name);
  in_start_tag_ = true;
  return *this;
}

Writer& Writer::attribute(std::string_view name, std::string_view value) {
  if (!in_start_tag_) base::die("xml::Writer: an attribute after the start tag");
  out_ += ' ';
  out_ += name;
  out_ += "=\"";
  append_attribute(out_, value);
  out_ += '"';
  return *this;
}

Writer& Writer::text(std::string_view text) {
  end_start_tag();
  append_text(out_, text);
  return *this;
}

Writer& Writer::cdata(std::string_view text) {
  end_start_tag();
  append_cdata(out_, text);
  return *this;
}

Writer& Writer::raw(std::string_view xml) {
  end_start_tag();
  out_ += xml;
  return *this;
}

Writer& Writer::close() {
  if (open_.empty()) base::die("xml::Writer: nothing is open");
  if (in_start_tag_) {
    out_ += "/>";
    in_start_tag_ = false;
  } else {
    out_ += "</";
    out_ += open_.back();
    out_ += '>';
  }
  open_.pop_back();
  return *this;
}

Writer& Writer::leaf(std::string_view name, std::string_view content) {
  return open(name).text(content).close();
}
Writer& Writer::empty(std::string_view name) {
  return open(name).close();
}

std::string Writer::take() {
  while (!open_.empty()) close();
  return std::move(out_);
}

}  // namespace xml
