#include "engine/wsman/property.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "20240501101530.000000+120" as "2024-05-01T10:15:30.000000+02:00".
std::optional<std::string> iso_of_cim(std::string_view text) {
  if (text.size() != 25 || text[14] != '.' || (text[21] != '+' && text[21] != '-')) return std::nullopt;
  if (!is_digits(text.substr(0, 14)) || !is_digits(text.substr(15, 6)) || !is_digits(text.substr(22))) return std::nullopt;
  int minutes = 0;
  std::from_chars(text.data() + 22, text.data() + 25, minutes);
  const auto part = [&](std::size_t at, std::size_t size) { return std::string(text.substr(at, size)); };
  const auto two = [](int number) { return std::to_string(number / 10) + std::to_string(number % 10); };
  return part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(8, 2) + ":" + part(10, 2) + ":" + part(12, 9) +
         part(21, 1) + two(minutes / 60) + ":" + two(minutes % 60);
}

/// Without namespaces and prefixes. The depth is that of the document, which its parser bounds.
void append_plain(std::string& out, xml::Element element) {
  out += '<';
  out += element.local_name();
  if (parse_any_boolean(element.attribute(ns::kXsi, "nil").value_or("")).value_or(false)) {
    out += " xsi:nil=\"true\"/>";
    return;
  }
  element.for_each_attribute([&](xml::Element::Attribute attribute) {
    if (attribute.name == "xmlns" || attribute.name.find(':') != std::string_view::npos) return;
    out += ' ';
    out += attribute.name;
    out += "=\"";
    xml::append_attribute(out, attribute.value);
    out += '"';
  });
  out += '>';
  if (element.first_child()) {
    for (const xml::Element child : element.children()) append_plain(out, child);
  } else {
    xml::append_text(out, element.text());
  }
  out += "</";
  out += element.local_name();
  out += '>';
}

}  // namespace

std::vector<xml::Element> find_property(xml::Element instance, std::string_view name) {
  std::vector<xml::Element> found;
  for (const xml::Element child : instance.children()) {
    if (base::equal_ignoring_case(child.local_name(), name)) found.push_back(child);
  }
  return found;
}

std::optional<std::string> value_of(xml::Element property) {
  if (parse_any_boolean(property.attribute(ns::kXsi, "nil").value_or("")).value_or(false)) return std::nullopt;
  return innermost_text(property);
}

bool is_datetime(xml::Element property) {
  const xml::Element inner = property.first_child();
  return inner &&
         (inner.local_name() == "Datetime" || inner.local_name() == "Interval" || inner.local_name() == "CIM_DateTime");
}

std::optional<base::WallTime> parse_any_datetime(std::string_view text) {
  text = base::trimmed(text);
  if (const auto iso = iso_of_cim(text)) return base::parse_datetime(*iso);
  return base::parse_datetime(text);
}

std::optional<long double> parse_any_number(std::string_view text) {
  text = base::trimmed(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || (text.front() != '.' && !is_digits(text.substr(0, 1)))) return std::nullopt;
  long double number = 0;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    std::uint64_t whole = 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), whole, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    number = static_cast<long double>(whole);
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  }
  return negative ? -number : number;
}

std::optional<bool> parse_any_boolean(std::string_view text) {
  text = base::trimmed(text);
  if (text == "1" || base::equal_ignoring_case(text, "true")) return true;
  if (text == "0" || base::equal_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

int compare_ignoring_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); };
  for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
    if (const int difference = lower(left[i]) - lower(right[i]); difference != 0) return difference;
  }
  return left.size() == right.size() ? 0 : left.size() < right.size() ? -1 : 1;
}

std::string project(xml::Element instance, const std::vector<std::string>& names) {
  std::vector<std::string> sorted = names;
  const auto less = [](const std::string& a, const std::string& b) { return compare_ignoring_case(a, b) < 0; };
  const auto equal = [](const std::string& a, const std::string& b) { return base::equal_ignoring_case(a, b); };
  std::sort(sorted.begin(), sorted.end(), less);
  sorted.erase(std::unique(sorted.begin(), sorted.end(), equal), sorted.end());
  std::string out =
      "<w:XmlFragment xmlns:w=\"" + std::string(ns::kWsman) + "\" xmlns:xsi=\"" + std::string(ns::kXsi) + "\">";
  for (const std::string& name : sorted) {
    const auto found = find_property(instance, name);
    for (const xml::Element property : found) append_plain(out, property);
    if (found.empty()) out += "<" + name + " xsi:nil=\"true\"/>";
  }
  return out + "</w:XmlFragment>";
}

}  // namespace wsman
