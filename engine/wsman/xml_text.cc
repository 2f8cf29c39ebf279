#include "engine/wsman/xml_text.h"

#include "engine/base/encoding.h"

namespace wsman {
namespace {

constexpr int kNesting = 4;

std::string text_within(xml::Element element, int depth) {
  std::string text = trimmed_text(element);
  if (!text.empty() || depth == kNesting) return text;
  for (xml::Element child : element.children()) {
    text = text_within(child, depth + 1);
    if (!text.empty()) break;
  }
  return text;
}

}  // namespace

std::string trimmed_text(xml::Element element) {
  std::string buffer;
  return std::string(base::trimmed(element.text(buffer)));
}

std::string innermost_text(xml::Element element) {
  return text_within(element, 0);
}

}  // namespace wsman
