#include "engine/wsman/fragment.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

#include "engine/base/encoding.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

constexpr std::size_t kMaxSteps = 16;

bool is_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  if (name.empty() || !letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
}

/// The name without its prefix; nothing where it is none.
std::optional<std::string> local_name(std::string_view qname) {
  if (const auto colon = qname.find(':'); colon != std::string_view::npos) {
    if (!is_name(qname.substr(0, colon))) return std::nullopt;
    qname.remove_prefix(colon + 1);
  }
  if (!is_name(qname)) return std::nullopt;
  return std::string(qname);
}

Fault bad_path(std::string_view path, std::string_view problem) {
  std::string text = "The fragment path ";
  text += path.substr(0, 200);
  text += ' ';
  text += problem;
  return make_fault(FaultCode::InvalidFragmentPath, std::move(text));
}

Fault bad_fragment(std::string_view problem) {
  return make_fault(FaultCode::InvalidFragment, std::string(problem));
}

void append_start(std::string& out, xml::Element element, std::string_view except = {}) {
  out += '<';
  out += element.name();
  element.for_each_attribute([&](xml::Element::Attribute attribute) {
    if (!except.empty() && attribute.name == except) return;
    out += ' ';
    out += attribute.name;
    out += "=\"";
    xml::append_attribute(out, attribute.value);
    out += '"';
  });
}

void append_end(std::string& out, xml::Element element) {
  out += "</";
  out += element.name();
  out += '>';
}

/// Writes a tree in which some elements are replaced; the recursion goes no deeper than a path has steps.
class Rewriter {
 public:
  /// Writes what takes the place of an element.
  using Replace = std::function<void(std::string& out, xml::Element target)>;

  Rewriter(const std::vector<xml::Element>& targets, Replace replace) : targets_(targets), replace_(std::move(replace)) {
    for (xml::Element target : targets_) {
      for (xml::Element above = target.parent(); above; above = above.parent()) {
        if (!is_in(above, above_)) above_.push_back(above);
      }
    }
  }

  void write(std::string& out, xml::Element element) {
    if (is_in(element, targets_)) {
      replace_(out, element);
    } else if (is_in(element, above_)) {
      append_start(out, element);
      out += '>';
      for (const xml::Element child : element.children()) write(out, child);
      append_end(out, element);
    } else {
      out += element.outer_xml();
    }
  }

 private:
  static bool is_in(xml::Element element, const std::vector<xml::Element>& elements) {
    return std::find(elements.begin(), elements.end(), element) != elements.end();
  }

  const std::vector<xml::Element>& targets_;
  std::vector<xml::Element> above_;
  Replace replace_;
};

Result<std::string> replace_elements(xml::Element root, const std::vector<xml::Element>& targets, xml::Element fragment) {
  const xml::Element first = targets.front();
  std::string with;
  std::size_t count = 0;
  for (const xml::Element child : fragment.children()) {
    if (child.local_name() != first.local_name()) {
      return bad_fragment("The fragment holds another element than the one that is selected");
    }
    with += child.outer_xml();
    ++count;
  }
  if (count == 0) return bad_fragment("The fragment holds no element");
  if (first == root) {
    if (count > 1) return bad_fragment("The fragment holds more than one whole representation");
    return with;
  }
  // What is given stands where the first was; the others go.
  for (const xml::Element target : targets) {
    if (target.parent() != first.parent()) return bad_fragment("The fragment path selects elements in several places");
  }
  std::string out;
  Rewriter(targets, [&](std::string& text, xml::Element target) {
    if (target == first) text += with;
  }).write(out, root);
  return out;
}

Result<std::string> replace_texts(xml::Element root, const std::vector<xml::Element>& targets, const std::string& with) {
  for (const xml::Element target : targets) {
    if (target.first_child()) return bad_fragment("The element whose text is selected has parts of its own");
  }
  std::string out;
  Rewriter(targets, [&](std::string& text, xml::Element target) {
    append_start(text, target);
    text += '>';
    xml::append_text(text, with);
    append_end(text, target);
  }).write(out, root);
  return out;
}

std::string replace_attributes(xml::Element root, const std::vector<xml::Element>& targets, const std::string& name,
                               const std::string& with) {
  std::string out;
  Rewriter(targets, [&](std::string& text, xml::Element target) {
    append_start(text, target, name);
    text += ' ';
    text += name;
    text += "=\"";
    xml::append_attribute(text, with);
    text += "\">";
    text += target.inner_xml();
    append_end(text, target);
  }).write(out, root);
  return out;
}

}  // namespace

Result<FragmentPath> FragmentPath::parse(const Fragment& fragment) {
  if (!fragment.dialect.empty() && fragment.dialect != kXPathDialect) {
    Fault fault = make_fault(FaultCode::FragmentDialectNotSupported,
                             "The fragment dialect " + fragment.dialect.substr(0, 200) + " is not supported");
    fault.detail_xml = xml::Writer().leaf("w:FragmentDialect", kXPathDialect).take();
    return fault;
  }
  FragmentPath path;
  const std::string_view whole = base::trimmed(fragment.path);
  if (whole.empty()) return bad_path(whole, "is empty");
  if (whole == "." || whole == "/") return path;
  std::string_view rest = whole;
  if (rest.starts_with("./")) rest.remove_prefix(2);
  if (rest.starts_with('/')) {
    path.absolute_ = true;
    rest.remove_prefix(1);
  }
  for (bool more = true; more;) {
    const auto slash = rest.find('/');
    more = slash != std::string_view::npos;
    std::string_view part = base::trimmed(rest.substr(0, slash));
    rest = more ? rest.substr(slash + 1) : std::string_view();
    if (part == "text()" || part.starts_with('@')) {
      if (more) return bad_path(whole, "goes on behind text() or an attribute");
      if (part.starts_with('@')) {
        const auto name = local_name(part.substr(1));
        if (!name) return bad_path(whole, "has an attribute without a name");
        path.attribute_ = *name;
        path.end_ = End::Attribute;
      } else {
        path.end_ = End::Text;
      }
      break;
    }
    Step step;
    if (part.ends_with(']')) {
      const auto open = part.find('[');
      if (open == std::string_view::npos) return bad_path(whole, "has a bracket too many");
      const std::string_view digits = base::trimmed(part.substr(open + 1, part.size() - open - 2));
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
      if (error != std::errc() || end != digits.data() + digits.size() || step.index == 0) {
        return bad_path(whole, "has a predicate that is not a number from 1 on");
      }
      part = base::trimmed(part.substr(0, open));
    }
    const auto name = local_name(part);
    if (!name) return bad_path(whole, "has a step that is not a name");
    step.name = *name;
    if (path.steps_.size() == kMaxSteps) return bad_path(whole, "has too many steps");
    path.steps_.push_back(std::move(step));
  }
  return path;
}

std::vector<xml::Element> FragmentPath::find(xml::Element representation) const {
  std::vector<xml::Element> found{representation};
  auto step = steps_.begin();
  if (absolute_ && step != steps_.end()) {
    if (representation.local_name() != step->name || step->index > 1) return {};
    ++step;
  }
  for (; step != steps_.end(); ++step) {
    std::vector<xml::Element> next;
    for (const xml::Element element : found) {
      std::size_t position = 0;
      for (const xml::Element child : element.children()) {
        if (child.local_name() != step->name) continue;
        if (step->index == 0 || ++position == step->index) next.push_back(child);
      }
    }
    found = std::move(next);
  }
  if (end_ == End::Attribute) {
    std::erase_if(found, [&](xml::Element element) { return !element.attribute(attribute_); });
  }
  return found;
}

std::string FragmentPath::select(xml::Element representation) const {
  std::string out;
  for (const xml::Element element : find(representation)) {
    if (end_ == End::Element) out += element.outer_xml();
    if (end_ == End::Text) xml::append_text(out, element.text());
    if (end_ == End::Attribute) xml::append_text(out, element.attribute(attribute_).value_or(""));
  }
  return out;
}

Result<std::string> FragmentPath::replace(xml::Element representation, xml::Element fragment) const {
  // What is bound outside of the representation is declared in it from here on.
  const auto alone = xml::Document::parse(representation.outer_xml());
  if (!alone.ok()) return make_fault(FaultCode::InternalError);
  const xml::Element root = alone->root();
  const std::vector<xml::Element> targets = find(root);
  if (targets.empty()) {
    return make_fault(FaultCode::InvalidFragmentPath, "The fragment path selects nothing that could be replaced");
  }
  if (end_ == End::Element) return replace_elements(root, targets, fragment);
  if (fragment.first_child()) return bad_fragment("The fragment holds an element, where a text is selected");
  if (end_ == End::Text) return replace_texts(root, targets, fragment.text());
  return replace_attributes(root, targets, attribute_, fragment.text());
}

}  // namespace wsman
