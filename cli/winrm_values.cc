#include "cli/winrm_values.h"

#include <algorithm>
#include <array>
#include <set>

#include "cli/arguments.h"
#include "engine/base/encoding.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

constexpr std::string_view kWql = "http://schemas.microsoft.com/wbem/wsman/1/WQL";
constexpr std::string_view kSelectorFilter = "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter";
constexpr std::string_view kAssociationFilter = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/associationFilter";

constexpr std::array kAliases{
    Alias{"wmicimv2", "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"},
    Alias{"wmi", "http://schemas.microsoft.com/wbem/wsman/1/wmi"},
    Alias{"cimv2", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"},
    Alias{"winrm", "http://schemas.microsoft.com/wbem/wsman/1"},
    Alias{"wsman", "http://schemas.microsoft.com/wbem/wsman/1"},
    Alias{"shell", "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"},
};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// One reading of a list, with or without \" as a quotation mark.
class ValueReader {
 public:
  ValueReader(std::string_view text, bool escapes) : text_(text), escapes_(escapes) {}

  base::Result<std::vector<NamedValue>> read() {
    std::vector<NamedValue> values;
    std::set<std::string, std::less<>> names;
    skip_blanks();
    take('@');
    if (!take('{')) return wrong("a list of values begins with @{");
    skip_blanks();
    while (!take('}')) {
      if (!values.empty()) {
        if (!take(';')) return wrong("';' or '}' is expected");
        skip_blanks();
      }
      NamedValue value;
      while (at_ < text_.size() && is_name_character(text_[at_])) value.name += text_[at_++];
      if (value.name.empty()) return wrong("a name is expected");
      if (!names.insert(value.name).second) return usage("The name " + value.name + " is given more than once.");
      skip_blanks();
      if (!take('=')) return wrong("'=' is expected after " + value.name);
      skip_blanks();
      RETURN_IF_ERROR(read_value(value));
      values.push_back(std::move(value));
      skip_blanks();
    }
    skip_blanks();
    if (at_ != text_.size()) return wrong("nothing may follow '}'");
    return values;
  }

 private:
  base::Result<void> read_value(NamedValue& value) {
    static constexpr std::string_view kNull = "$null";
    if (base::equal_ignoring_case(text_.substr(at_, kNull.size()), kNull)) {
      at_ += kNull.size();
      return {};
    }
    if (!take('"')) {
      return wrong("the value of " + value.name +
                   " must stand in double quotes; in a shell, put the whole list into single quotes");
    }
    std::string text;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (escapes_ && text_.substr(at_).starts_with("\\\"")) ++at_;
      text += text_[at_++];
    }
    if (!take('"')) return wrong("the value of " + value.name + " has no closing quotation mark");
    value.value = std::move(text);
    return {};
  }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  base::Error wrong(const std::string& what) const {
    return usage("The list of values cannot be read at position " + std::to_string(at_ + 1) + ": " + what + ".");
  }

  std::string_view text_;
  bool escapes_;
  std::size_t at_ = 0;
};

/// "AT&T" and "it says \"no\"" alike.
std::string_view unquoted(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') return value.substr(1, value.size() - 2);
  return value;
}

/// Where the value that `text` begins with ends: at a '+' outside of quotation marks.
std::size_t value_end(std::string_view text) {
  if (text.starts_with('"')) {
    const auto closing = text.find('"', 1);
    if (closing != std::string_view::npos && (closing + 1 == text.size() || text[closing + 1] == '+')) return closing + 1;
  }
  return std::min(text.find('+'), text.size());
}

base::Result<std::vector<wsman::Selector>> parse_selectors(std::string_view text) {
  std::vector<wsman::Selector> selectors;
  for (;;) {
    const auto equals = text.find('=');
    const std::string_view name = base::trimmed(text.substr(0, equals));
    if (equals == std::string_view::npos || name.empty() || name.find('+') != std::string_view::npos) {
      return usage(
          "A selector must read NAME=VALUE; selectors are joined by '+', and a value that holds one stands in quotes.");
    }
    for (const wsman::Selector& selector : selectors) {
      if (base::equal_ignoring_case(selector.name, name)) {
        return usage("The selector " + std::string(name) + " is given more than once.");
      }
    }
    text.remove_prefix(equals + 1);
    const auto end = value_end(text);
    selectors.push_back(wsman::Selector{std::string(name), std::string(unquoted(text.substr(0, end))), {}});
    if (end == text.size()) return selectors;
    text.remove_prefix(end + 1);
  }
}

base::Result<FilterText> selector_filter(std::string_view filter) {
  ASSIGN_OR_RETURN(const auto values, parse_values(filter));
  xml::Writer w;
  w.open("w:SelectorSet");
  for (const NamedValue& value : values) {
    if (!value.value) return usage("A selector filter has no place for $null.");
    w.open("w:Selector").attribute("Name", value.name).text(*value.value).close();
  }
  return FilterText{std::string(kSelectorFilter), w.take()};
}

void write_reference(xml::Writer& w, const ResourceAddress& address) {
  w.leaf("a:Address", wsman::kAnonymous).open("a:ReferenceParameters").leaf("w:ResourceURI", address.uri);
  if (!address.selectors.empty()) {
    w.open("w:SelectorSet");
    for (const wsman::Selector& selector : address.selectors) {
      w.open("w:Selector").attribute("Name", selector.name).text(selector.value).close();
    }
    w.close();
  }
  w.close();
}

/// The parts of an association filter in the order of the schema.
enum AssociationPart { kAssociationClass, kRole, kResultClass, kResultRole, kProperties, kObject, kParts };
constexpr std::array<std::string_view, kParts> kAssociationKeys{
    "associationclassname", "role", "resultclassname", "resultrole", "includeresultproperty", "object"};
constexpr std::array<std::string_view, kParts> kAssociationElements{
    "b:AssociationClassName", "b:Role", "b:ResultClassName", "b:ResultRole", "b:IncludeResultProperty", "b:Object"};

base::Result<FilterText> association_filter(std::string_view filter, bool instances) {
  filter = base::trimmed(filter);
  if (!filter.starts_with('{') || !filter.ends_with('}')) {
    return usage("An association filter reads {object=URI?NAME=VALUE;resultclassname=NAME;...}.");
  }
  filter = filter.substr(1, filter.size() - 2);
  std::array<std::string_view, kParts> parts;
  while (!base::trimmed(filter).empty()) {
    const auto end = std::min(filter.find(';'), filter.size());
    const std::string_view pair = filter.substr(0, end);
    filter.remove_prefix(std::min(end + 1, filter.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const std::string key = base::to_lower(base::trimmed(pair.substr(0, equals)));
    const auto known = std::find(kAssociationKeys.begin(), kAssociationKeys.end(), key);
    if (known == kAssociationKeys.end()) return usage("An association filter has no part " + key + ".");
    std::string_view& part = parts[static_cast<std::size_t>(known - kAssociationKeys.begin())];
    if (!part.empty()) return usage("The part " + key + " of the association filter is given more than once.");
    part = base::trimmed(pair.substr(std::min(equals + 1, pair.size())));
    if (part.empty()) return usage("The part " + key + " of the association filter has no value.");
  }
  if (parts[kObject].empty()) return usage("An association filter must name its object.");
  if (instances && (!parts[kAssociationClass].empty() || !parts[kResultRole].empty())) {
    return usage("associationclassname and resultrole cannot be used together with -associations.");
  }
  ASSIGN_OR_RETURN(const ResourceAddress object, parse_resource(parts[kObject]));

  xml::Writer w;
  w.open(instances ? "b:AssociationInstances" : "b:AssociatedInstances");
  w.open("b:Object");
  write_reference(w, object);
  w.close();
  for (std::size_t i = 0; i < kProperties; ++i) {
    if (!parts[i].empty()) w.leaf(kAssociationElements[i], parts[i]);
  }
  std::string_view properties = parts[kProperties];
  while (!properties.empty()) {
    const auto end = std::min(properties.find(','), properties.size());
    w.leaf(kAssociationElements[kProperties], base::trimmed(properties.substr(0, end)));
    properties.remove_prefix(std::min(end + 1, properties.size()));
  }
  return FilterText{std::string(kAssociationFilter), w.take()};
}

}  // namespace

bool looks_like_values(std::string_view text) {
  return text.starts_with("@{");
}

base::Result<std::vector<NamedValue>> parse_values(std::string_view text) {
  auto values = ValueReader(text, false).read();
  if (values.ok() || text.find("\\\"") == std::string_view::npos) return values;
  auto escaped = ValueReader(text, true).read();
  return escaped.ok() ? std::move(escaped) : std::move(values);
}

base::Result<ResourceAddress> parse_resource(std::string_view text) {
  const auto question = std::min(text.find('?'), text.size());
  ResourceAddress address;
  address.uri = expand_alias(text.substr(0, question));
  if (address.uri.empty() || last_part(address.uri).empty()) {
    return usage("The resource URI is not complete: " + std::string(text) + ".");
  }
  if (question == text.size()) return address;
  ASSIGN_OR_RETURN(address.selectors, parse_selectors(text.substr(question + 1)));
  return address;
}

std::string expand_alias(std::string_view uri) {
  const std::string_view first = uri.substr(0, uri.find('/'));
  for (const Alias& alias : kAliases) {
    if (base::equal_ignoring_case(first, alias.name)) return std::string(alias.uri) + std::string(uri.substr(first.size()));
  }
  return std::string(uri);
}

std::vector<Alias> aliases() {
  return {kAliases.begin(), kAliases.end()};
}

std::string_view last_part(std::string_view uri) {
  const auto slash = uri.rfind('/');
  return slash == std::string_view::npos ? uri : uri.substr(slash + 1);
}

base::Result<FilterText> make_filter(std::string_view dialect, std::string_view filter, bool associations) {
  const std::string name = dialect.empty() ? "wql" : base::to_lower(dialect);
  const bool association = name == "association" || dialect == kAssociationFilter;
  if (associations && !association) return usage("-associations needs -dialect:association.");
  if (association) return association_filter(filter, associations);
  if (name == "selector" || dialect == kSelectorFilter) return selector_filter(filter);
  if (name == "wql") return FilterText{std::string(kWql), std::string(filter)};
  if (dialect.find(':') == std::string_view::npos) {
    return usage("The dialect " + std::string(dialect) + " is neither wql, selector, association nor a URI.");
  }
  return FilterText{std::string(dialect), std::string(filter)};
}

}  // namespace cli
