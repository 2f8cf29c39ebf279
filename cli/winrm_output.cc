#include "cli/winrm_output.h"

#include <cstdio>
#include <unordered_map>
#include <vector>

#include "cli/json.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

using xml::Element;

constexpr std::size_t kIndent = 4;

bool is_nil(Element element) {
  const auto nil = element.attribute(wsman::ns::kXsi, "nil");
  return nil && (*nil == "true" || *nil == "1");
}

bool is_leaf(Element element) {
  return !element.first_child();
}

bool is_selector(Element element) {
  return element.is(wsman::ns::kWsman, "Selector");
}

std::string printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
  }
  return text;
}

std::string value_of(Element leaf) {
  std::string text = leaf.text();
  return base::trimmed(text).empty() ? std::string() : printable(std::move(text));
}

std::string source_of(Element element) {
  const auto source = element.attribute("Source");
  return source ? " [Source=\"" + printable(std::string(*source)) + "\"]" : std::string();
}

std::string selector_name(Element selector) {
  return printable(std::string(selector.attribute("Name").value_or(std::string_view())));
}

class TextRenderer {
 public:
  std::string render(Element root) {
    element(root, 0);
    return std::move(out_);
  }

 private:
  void line(std::size_t level, std::string_view text) {
    out_.append(level * kIndent, ' ');
    out_ += text;
    out_ += '\n';
  }

  void element(Element element, std::size_t level) {
    const std::string name(element.local_name());
    if (is_nil(element)) {
      line(level, name + " = null" + source_of(element));
      return;
    }
    if (!is_leaf(element)) {
      line(level, name + source_of(element));
      attributes(element, level + 1);
      children(element, level + 1);
      return;
    }
    const std::string value = value_of(element);
    line(level, name + (value.empty() ? "" : " = " + value) + source_of(element));
    attributes(element, level + 1);
  }

  /// Plugin configurations say all that they say in attributes; elsewhere attributes are about the wire.
  void attributes(Element element, std::size_t level) {
    if (element.namespace_uri() != kPluginNamespace) return;
    element.for_each_attribute([&](Element::Attribute attribute) {
      const bool about_xml = attribute.name.find(':') != std::string_view::npos || attribute.name == "xmlns";
      if (about_xml || attribute.name == "Source") return;
      const std::string value = printable(std::string(attribute.value));
      line(level, std::string(attribute.name) + (value.empty() ? "" : " = " + value));
    });
  }

  void children(Element parent, std::size_t level) {
    // Leaves of one name are printed with the first of them.
    std::unordered_map<std::string_view, std::vector<Element>> leaves;
    std::vector<Element> selectors;
    for (const Element child : parent.children()) {
      if (is_selector(child)) {
        selectors.push_back(child);
      } else if (is_leaf(child)) {
        leaves[child.local_name()].push_back(child);
      }
    }
    for (const Element child : parent.children()) {
      if (is_selector(child)) {
        if (child == selectors.front()) print_selectors(selectors, level);
        continue;
      }
      const auto same = is_leaf(child) ? leaves.find(child.local_name()) : leaves.end();
      if (same == leaves.end() || same->second.size() == 1 || child.namespace_uri() == kPluginNamespace) {
        element(child, level);
      } else if (child == same->second.front()) {
        array(child.local_name(), same->second, level);
      }
    }
  }

  void array(std::string_view name, const std::vector<Element>& items, std::size_t level) {
    std::string text(name);
    const char* separator = " = ";
    for (const Element item : items) {
      text += separator + (is_nil(item) ? std::string("null") : value_of(item));
      separator = ", ";
    }
    line(level, text + source_of(items.front()));
  }

  void print_selectors(const std::vector<Element>& selectors, std::size_t level) {
    std::string text;
    for (const Element selector : selectors) {
      if (!is_leaf(selector)) continue;
      text += (text.empty() ? "Selector: " : ", ") + selector_name(selector) + " = " + value_of(selector);
    }
    if (!text.empty()) line(level, text);
    for (const Element selector : selectors) {
      if (is_leaf(selector)) continue;
      line(level, "Selector: " + selector_name(selector));
      children(selector, level + 1);
    }
  }

  std::string out_;
};

/// The xml:lang that holds for the element.
std::string_view language_of(Element element) {
  for (; element; element = element.parent()) {
    if (const auto language = element.attribute(wsman::ns::kXml, "lang")) return *language;
  }
  return {};
}

class XmlRenderer {
 public:
  explicit XmlRenderer(bool pretty) : pretty_(pretty) {}

  std::string render(Element root, std::string_view language, std::size_t level) {
    language_ = language;
    element(root, level);
    return std::move(out_);
  }

 private:
  void indent(std::size_t level) {
    if (pretty_) out_.append(level * kIndent, ' ');
  }
  void end_line() {
    if (pretty_) out_ += '\n';
  }

  void element(Element element, std::size_t level) {
    indent(level);
    const std::string_view name = element.name();
    out_ += '<';
    out_ += name;
    bool has_language = false;
    bool has_attributes = false;
    element.for_each_attribute([&](Element::Attribute attribute) {
      has_language = has_language || attribute.name == "xml:lang";
      has_attributes = true;
      append_attribute(attribute.name, attribute.value);
    });
    if (!language_.empty() && !has_language) append_attribute("xml:lang", language_);
    language_ = {};
    const std::string text = element.text();
    if (is_leaf(element) && text.empty() && has_attributes) {
      out_ += "/>";
      end_line();
      return;
    }
    out_ += '>';
    if (is_leaf(element)) {
      xml::append_text(out_, text);
    } else {
      end_line();
      // Text between elements occurs in no document of ours; where a service sends it, it is kept.
      if (!base::trimmed(text).empty()) xml::append_text(out_, text);
      for (const Element child : element.children()) this->element(child, level + 1);
      indent(level);
    }
    out_ += "</";
    out_ += name;
    out_ += '>';
    end_line();
  }

  void append_attribute(std::string_view name, std::string_view value) {
    out_ += ' ';
    out_ += name;
    out_ += "=\"";
    xml::append_attribute(out_, value);
    out_ += '"';
  }

  bool pretty_;
  std::string_view language_;
  std::string out_;
};

std::string render_alone(Element element, bool pretty, std::size_t level) {
  // What is bound further out is declared on the element that stands alone.
  auto alone = xml::Document::parse(element.outer_xml());
  if (!alone.ok()) return element.outer_xml();
  return XmlRenderer(pretty).render(alone->root(), language_of(element), level);
}

bool is_plain_attribute(const Element::Attribute& attribute) {
  return attribute.name.find(':') == std::string_view::npos && attribute.name != "xmlns";
}

/// Plugins, and the security of resources: what they say stands in attributes.
bool tells_by_attributes(Element element) {
  const std::string_view uri = element.namespace_uri();
  bool any = false;
  element.for_each_attribute([&](Element::Attribute attribute) { any = any || is_plain_attribute(attribute); });
  return any && (uri == kPluginNamespace || uri == kResourceListNamespace);
}

std::string json_value(Element element) {
  if (is_nil(element)) return "null";
  return is_leaf(element) && !tells_by_attributes(element) ? json_string(element.text()) : render_json(element);
}

}  // namespace

std::string render_text(Element element) {
  return TextRenderer().render(element);
}

std::string render_xml(Element element) {
  return render_alone(element, false, 0);
}

std::string render_pretty(Element element, std::size_t level) {
  return render_alone(element, true, level);
}

std::string render_json(Element element) {
  JsonObject object;
  if (tells_by_attributes(element)) {
    element.for_each_attribute([&](Element::Attribute attribute) {
      if (is_plain_attribute(attribute)) object.text(attribute.name, attribute.value);
    });
  }
  std::unordered_map<std::string_view, std::vector<Element>> by_name;
  for (const Element child : element.children()) by_name[child.local_name()].push_back(child);
  for (const Element child : element.children()) {
    const std::vector<Element>& same = by_name[child.local_name()];
    if (child != same.front()) continue;
    if (same.size() == 1) {
      object.raw(child.local_name(), json_value(child));
      continue;
    }
    JsonArray array;
    for (const Element item : same) array.raw(json_value(item));
    object.raw(child.local_name(), array.take());
  }
  return object.take();
}

void ResultPrinter::print(Element result) {
  switch (format_) {
    case OutputFormat::Text:
      out_ << render_text(result);
      break;
    case OutputFormat::Xml:
      out_ << render_xml(result) << '\n';
      break;
    case OutputFormat::Pretty:
      out_ << render_pretty(result);
      break;
    case OutputFormat::Json:
      out_ << render_json(result) << '\n';
      break;
  }
}

void ResultPrinter::begin_list() {
  if (format_ == OutputFormat::Xml || format_ == OutputFormat::Pretty) {
    out_ << "<wsman:Results xmlns:wsman=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/results\">\n";
  }
}

void ResultPrinter::item(Element item) {
  if (format_ == OutputFormat::Text && any_) out_ << '\n';
  any_ = true;
  if (format_ == OutputFormat::Pretty) {
    out_ << render_pretty(item, 1);
  } else {
    print(item);
  }
}

void ResultPrinter::end_list() {
  if (format_ == OutputFormat::Xml || format_ == OutputFormat::Pretty) out_ << "</wsman:Results>\n";
}

std::uint32_t hresult_of(std::uint32_t number) {
  return number != 0 && number <= 0xFFFF ? 0x80070000u | number : number;
}

std::string text_of_code(std::uint32_t number) {
  const bool is_win32 = (number & 0xFFFF0000u) == 0x80070000u;
  return base::win32_code(is_win32 ? number & 0xFFFFu : number).message();
}

void print_error_number(std::ostream& out, std::uint32_t number) {
  const std::uint32_t shown = hresult_of(number);
  char hex[16];
  std::snprintf(hex, sizeof hex, "0x%X", static_cast<unsigned>(shown));
  out << "Error number:  " << static_cast<std::int32_t>(shown) << ' ' << hex << '\n' << text_of_code(number) << '\n';
}

int print_failure(Console& console, OutputFormat format, const base::Error& error, Element fault) {
  const std::uint32_t number = base::win32_number(error.code);
  xml::Document made;
  // The text of the code stands below, by itself.
  const bool says_it_all = !error.what.empty() && error.code.category() == base::win32_category();
  if (!fault) {
    xml::Writer w;
    w.open("f:WSManFault").attribute("xmlns:f", wsman::ns::kFault).attribute("Code", std::to_string(hresult_of(number)));
    w.leaf("f:Message", says_it_all ? error.what : error.message());
    if (auto document = xml::Document::parse(w.take()); document.ok()) made = std::move(*document);
    fault = made.root();
  }
  ResultPrinter(console.err, format).print(fault);
  console.err << '\n';
  print_error_number(console.err, number);
  return exit_status(error);
}

}  // namespace cli
