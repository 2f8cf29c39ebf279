#include "engine/xml/document.h"

#include <array>
#include <cstring>
#include <rapidxml/rapidxml.hpp>
#include <string_view>
#include <unordered_set>

#include "engine/xml/writer.h"

namespace xml {
namespace {

using Node = rapidxml::xml_node<char>;
using NodeAttribute = rapidxml::xml_attribute<char>;

constexpr std::string_view kXmlNamespace = "http://www.w3.org/XML/1998/namespace";
// Comments are dropped by the parser; CDATA and text stay apart as nodes.
constexpr int kFlags =
    rapidxml::parse_no_string_terminators | rapidxml::parse_no_element_values | rapidxml::parse_validate_closing_tags;

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "xml"; }
  std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::Malformed:
        return "the XML is not well-formed";
      case Errc::TooDeep:
        return "the XML is nested too deeply";
      case Errc::TooLarge:
        return "the XML has too many elements";
      case Errc::DtdRefused:
        return "a document type declaration is not allowed";
      case Errc::ProcessingInstructionRefused:
        return "a processing instruction is not allowed";
    }
    return "unknown XML error";
  }
};

base::Error error_at(Errc code, std::size_t position) {
  return base::make_error(code, "at byte " + std::to_string(position));
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// True for what may stand in a name. Stricter than the parser, which takes quotes for letters: where the two read a tag
/// differently, a text could hide its depth from us.
bool continues_name(char c) {
  static constexpr auto kAllowed = [] {
    std::array<bool, 256> allowed{};
    for (const char letter : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_-.")) {
      allowed[static_cast<unsigned char>(letter)] = true;
    }
    for (std::size_t other = 0x80; other < 0x100; ++other) allowed[other] = true;
    return allowed;
  }();
  return kAllowed[static_cast<unsigned char>(c)];
}

struct StartTag {
  std::size_t end = 0;  ///< behind its '>'
  std::size_t attributes = 0;
  bool empty = false;
};

/// Reads the start tag whose '<' is at `at`, which it moves to where it has come; nothing where it is not well-formed there.
std::optional<StartTag> scan_start_tag(std::string_view text, std::size_t& at) {
  const auto skip_name = [&] {
    const std::size_t from = at;
    while (at < text.size() && continues_name(text[at])) ++at;
    return at != from;
  };
  const auto skip_blanks = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_blank(text[at])) ++at;
    return at != from;
  };
  StartTag tag;
  ++at;
  if (!skip_name()) return std::nullopt;
  for (;;) {
    const bool apart = skip_blanks();
    if (at == text.size()) return std::nullopt;
    if (text[at] == '/') {
      tag.empty = true;
      if (++at == text.size()) return std::nullopt;
    }
    if (text[at] == '>') {
      tag.end = at + 1;
      return tag;
    }
    if (tag.empty || !apart || !skip_name()) return std::nullopt;
    skip_blanks();
    if (at == text.size() || text[at] != '=') return std::nullopt;
    ++at;
    skip_blanks();
    if (at == text.size() || (text[at] != '"' && text[at] != '\'')) return std::nullopt;
    const char quote = text[at++];
    while (at < text.size() && text[at] != quote && text[at] != '<') ++at;
    if (at == text.size() || text[at] == '<') return std::nullopt;
    ++at;
    ++tag.attributes;
  }
}

/// Walks over the markup without building anything: refuses what the parser must never see.
base::Result<void> check_markup(std::string_view text, const ParseLimits& limits) {
  std::size_t depth = 0;
  std::size_t nodes = 0;
  std::size_t roots = 0;
  bool seen_markup = false;
  std::size_t at = 0;
  const auto text_outside_root = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      if (!is_blank(text[i])) return std::optional(i);
    }
    return std::optional<std::size_t>();
  };
  for (;;) {
    const std::size_t from = at;
    at = text.find('<', at);
    if (depth == 0) {
      const auto stray = text_outside_root(from, at == std::string_view::npos ? text.size() : at);
      if (stray) return error_at(Errc::Malformed, *stray);
    }
    if (at == std::string_view::npos) break;
    const std::string_view rest = text.substr(at);
    const char kind = rest.size() > 1 ? rest[1] : '\0';
    if (kind != '!' && kind != '?' && kind != '/') {
      if (depth == 0 && ++roots > 1) return error_at(Errc::Malformed, at);
      const auto tag = scan_start_tag(text, at);
      if (!tag) return error_at(Errc::Malformed, std::min(at, text.size()));
      nodes += 1 + tag->attributes;
      if (nodes > limits.nodes || tag->attributes > limits.attributes) return error_at(Errc::TooLarge, at);
      if (!tag->empty && ++depth > limits.depth) return error_at(Errc::TooDeep, at);
      at = tag->end;
    } else if (kind == '/') {
      const auto end = text.find('>', at + 2);
      if (end == std::string_view::npos || depth == 0) return error_at(Errc::Malformed, at);
      --depth;
      at = end + 1;
    } else if (rest.starts_with("<!--")) {
      const auto end = text.find("-->", at + 4);
      if (end == std::string_view::npos) return error_at(Errc::Malformed, at);
      at = end + 3;
    } else if (rest.starts_with("<![CDATA[")) {
      if (depth == 0) return error_at(Errc::Malformed, at);
      const auto end = text.find("]]>", at + 9);
      if (end == std::string_view::npos) return error_at(Errc::Malformed, at);
      at = end + 3;
    } else if (rest.starts_with("<!")) {
      return error_at(Errc::DtdRefused, at);
    } else {
      const bool declaration = !seen_markup && rest.starts_with("<?xml") && rest.size() > 5 && is_blank(rest[5]);
      if (!declaration) return error_at(Errc::ProcessingInstructionRefused, at);
      const auto end = text.find("?>", at + 2);
      if (end == std::string_view::npos) return error_at(Errc::Malformed, at);
      at = end + 2;
    }
    seen_markup = true;
  }
  if (depth != 0 || roots != 1) return error_at(Errc::Malformed, text.size());
  return {};
}

std::string_view name_of(const rapidxml::xml_base<char>& item) {
  return {item.name(), item.name_size()};
}
std::string_view value_of(const rapidxml::xml_base<char>& item) {
  return {item.value(), item.value_size()};
}

std::string_view prefix_of(std::string_view name) {
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? std::string_view() : name.substr(0, colon);
}

std::string_view local_of(std::string_view name) {
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool declares(const NodeAttribute& attribute, std::string_view prefix) {
  constexpr std::string_view kDeclaration = "xmlns:";
  const std::string_view name = name_of(attribute);
  if (prefix.empty()) return name == "xmlns";
  // Most attributes that are looked at declare another prefix: one letter tells.
  return name.size() == kDeclaration.size() + prefix.size() && name.back() == prefix.back() && name.ends_with(prefix) &&
         name.starts_with(kDeclaration);
}

std::optional<std::string_view> namespace_of(const Node* node, std::string_view prefix) {
  if (prefix == "xml") return kXmlNamespace;
  for (; node != nullptr; node = node->parent()) {
    for (auto* attribute = node->first_attribute(); attribute != nullptr; attribute = attribute->next_attribute()) {
      if (declares(*attribute, prefix)) return value_of(*attribute);
    }
  }
  return std::nullopt;
}

bool is_element(const Node* node) {
  return node->type() == rapidxml::node_element;
}
bool is_text(const Node* node) {
  return node->type() == rapidxml::node_data || node->type() == rapidxml::node_cdata;
}

const Node* element_from(const Node* node) {
  while (node != nullptr && !is_element(node)) node = node->next_sibling();
  return node;
}

/// The tree below is no deeper than ParseLimits::depth, so recursion is bounded.
void write_node(std::string& out, const Node* node, const std::string& extra_declarations) {
  if (node->type() == rapidxml::node_cdata) {
    append_cdata(out, value_of(*node));
    return;
  }
  if (node->type() == rapidxml::node_data) {
    append_text(out, value_of(*node));
    return;
  }
  if (!is_element(node)) return;
  out += '<';
  out += name_of(*node);
  out += extra_declarations;
  for (auto* attribute = node->first_attribute(); attribute != nullptr; attribute = attribute->next_attribute()) {
    out += ' ';
    out += name_of(*attribute);
    out += "='";
    append_attribute(out, value_of(*attribute));
    out += '\'';
  }
  if (node->first_node() == nullptr) {
    out += "/>";
    return;
  }
  out += '>';
  for (auto* child = node->first_node(); child != nullptr; child = child->next_sibling()) write_node(out, child, {});
  out += "</";
  out += name_of(*node);
  out += '>';
}

void collect_prefixes(const Node* node, std::unordered_set<std::string_view>& prefixes) {
  if (!is_element(node)) return;
  prefixes.insert(prefix_of(name_of(*node)));
  for (auto* attribute = node->first_attribute(); attribute != nullptr; attribute = attribute->next_attribute()) {
    const auto prefix = prefix_of(name_of(*attribute));
    if (!prefix.empty() && prefix != "xmlns" && prefix != "xml") prefixes.insert(prefix);
  }
  for (auto* child = node->first_node(); child != nullptr; child = child->next_sibling()) collect_prefixes(child, prefixes);
}

/// The prefix that `attribute` binds; nothing where it binds none.
std::optional<std::string_view> bound_prefix(const NodeAttribute& attribute) {
  const std::string_view name = name_of(attribute);
  if (name == "xmlns") return std::string_view();
  if (name.starts_with("xmlns:")) return name.substr(6);
  return std::nullopt;
}

/// Declarations for the prefixes used in `node` that only its ancestors declare. Each attribute above is looked at once.
std::string inherited_declarations(const Node* node) {
  std::unordered_set<std::string_view> missing;
  collect_prefixes(node, missing);
  std::string text;
  for (const Node* at = node; at != nullptr && !missing.empty(); at = at->parent()) {
    for (auto* attribute = at->first_attribute(); attribute != nullptr; attribute = attribute->next_attribute()) {
      const auto prefix = bound_prefix(*attribute);
      if (!prefix || missing.erase(*prefix) == 0 || at == node || attribute->value_size() == 0) continue;
      text += ' ';
      text += name_of(*attribute);
      text += "='";
      append_attribute(text, value_of(*attribute));
      text += '\'';
    }
  }
  return text;
}

}  // namespace

std::error_code make_error_code(Errc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

struct Document::State {
  std::string text;
  rapidxml::xml_document<char> tree;
};

Document::Document() = default;
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

base::Result<Document> Document::parse(std::string text, ParseLimits limits) {
  Document document;
  RETURN_IF_ERROR(document.reparse(std::move(text), limits));
  return document;
}

base::Result<void> Document::reparse(std::string text, ParseLimits limits) {
  // The parser's pool begins with 64 KiB inside the object, which need not be zeroed.
  if (!state_) state_ = std::make_unique_for_overwrite<State>();
  state_->tree.clear();
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  // The parser ends at a zero byte: one inside would hide what follows it.
  if (text.find('\0') != std::string::npos) return error_at(Errc::Malformed, text.find('\0'));
  RETURN_IF_ERROR(check_markup(text, limits));
  state_->text = std::move(text);
  try {
    state_->tree.parse<kFlags>(state_->text.data());
  } catch (const rapidxml::parse_error& failure) {
    const auto position = static_cast<std::size_t>(failure.where<char>() - state_->text.data());
    state_->tree.clear();
    return base::make_error(Errc::Malformed, std::string(failure.what()) + " at byte " + std::to_string(position));
  }
  if (!root()) return error_at(Errc::Malformed, 0);
  return {};
}

Element Document::root() const {
  return state_ ? Element(element_from(state_->tree.first_node())) : Element();
}

std::string_view Element::name() const {
  return node_ ? name_of(*node_) : std::string_view();
}

std::string_view Element::local_name() const {
  return node_ ? local_of(name_of(*node_)) : std::string_view();
}

std::string_view Element::namespace_uri() const {
  if (!node_) return {};
  return namespace_of(node_, prefix_of(name_of(*node_))).value_or(std::string_view());
}

bool Element::is(std::string_view uri, std::string_view local) const {
  return node_ != nullptr && local_name() == local && namespace_uri() == uri;
}

std::optional<std::string_view> Element::attribute(std::string_view name) const {
  if (!node_) return std::nullopt;
  for (auto* attribute = node_->first_attribute(); attribute != nullptr; attribute = attribute->next_attribute()) {
    if (name_of(*attribute) == name) return value_of(*attribute);
  }
  return std::nullopt;
}

std::optional<std::string_view> Element::attribute(std::string_view uri, std::string_view local) const {
  if (!node_) return std::nullopt;
  for (auto* attribute = node_->first_attribute(); attribute != nullptr; attribute = attribute->next_attribute()) {
    const auto name = name_of(*attribute);
    const auto prefix = prefix_of(name);
    if (prefix.empty() || local_of(name) != local) continue;
    if (namespace_of(node_, prefix) == uri) return value_of(*attribute);
  }
  return std::nullopt;
}

Element Element::child(std::string_view uri, std::string_view local) const {
  for (Element child : children()) {
    if (child.is(uri, local)) return child;
  }
  return {};
}

Element Element::child(std::string_view local) const {
  for (Element child : children()) {
    if (child.local_name() == local) return child;
  }
  return {};
}

Element Element::first_child() const {
  return node_ ? Element(element_from(node_->first_node())) : Element();
}
Element Element::next_sibling() const {
  return node_ ? Element(element_from(node_->next_sibling())) : Element();
}

Element Element::parent() const {
  if (!node_ || !node_->parent() || !is_element(node_->parent())) return {};
  return Element(node_->parent());
}

std::size_t Element::child_count() const {
  std::size_t count = 0;
  for ([[maybe_unused]] Element child : children()) ++count;
  return count;
}

std::string Element::text() const {
  std::string buffer;
  const std::string_view view = text(buffer);
  return buffer.empty() ? std::string(view) : buffer;
}

std::string_view Element::text(std::string& buffer) const {
  buffer.clear();
  if (!node_) return {};
  std::string_view only;
  bool several = false;
  for (auto* child = node_->first_node(); child != nullptr; child = child->next_sibling()) {
    if (!is_text(child)) continue;
    if (only.empty() && !several) {
      only = value_of(*child);
    } else {
      if (!several) buffer = only;
      several = true;
      buffer += value_of(*child);
    }
  }
  return several ? std::string_view(buffer) : only;
}

bool Element::has_cdata() const {
  if (!node_) return false;
  for (auto* child = node_->first_node(); child != nullptr; child = child->next_sibling()) {
    if (child->type() == rapidxml::node_cdata) return true;
  }
  return false;
}

std::string Element::outer_xml() const {
  std::string out;
  if (node_) write_node(out, node_, inherited_declarations(node_));
  return out;
}

std::string Element::inner_xml() const {
  std::string out;
  if (!node_) return out;
  for (auto* child = node_->first_node(); child != nullptr; child = child->next_sibling()) {
    write_node(out, child, is_element(child) ? inherited_declarations(child) : std::string());
  }
  return out;
}

std::optional<std::string_view> Element::lookup_namespace(std::string_view prefix) const {
  return node_ ? namespace_of(node_, prefix) : std::nullopt;
}

const void* Element::first_attribute() const {
  return node_ ? node_->first_attribute() : nullptr;
}

const void* Element::next_attribute(const void* at, Attribute& attribute) {
  const auto* current = static_cast<const NodeAttribute*>(at);
  attribute = Attribute{name_of(*current), value_of(*current)};
  return current->next_attribute();
}

}  // namespace xml
