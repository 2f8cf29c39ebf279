#include "events/query.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/base/encoding.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "events/formula_chain.h"
#include "events/skeleton_tree.h"
#include "events/xpath.h"
#include "events/xpath_bind.h"

namespace events {
namespace {

using base::Win32;
using xpath::Truth;

/// In UTF-16 code units, which is how Windows bounds it. Source: event-query, section 5.
constexpr std::size_t kMaxTextLength = 1 << 20;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kFileScheme = "file://";

base::Error invalid(std::string what) {
  return base::make_error(Win32::EvtInvalidQuery, std::move(what));
}

bool is_file(std::string_view path) {
  return base::equal_ignoring_case(path.substr(0, kFileScheme.size()), kFileScheme);
}

/// The attribute where it says something.
std::string_view path_of(xml::Element element, std::string_view otherwise) {
  const auto path = element.attribute("Path");
  return path && !path->empty() ? *path : otherwise;
}

/// One Select or Suppress.
struct Clause {
  std::size_t path = 0;  ///< in Program::paths
  std::uint32_t expression = 0;
};

/// One Query element.
struct Part {
  std::vector<Clause> selects;
  std::vector<Clause> suppresses;
};

base::Result<void> check_length(std::string_view text) {
  if (base::utf16_length(text) > kMaxTextLength) {
    return invalid(make_error_code(Win32::EvtFilterTooComplex).message() + " (it is longer than " +
                   std::to_string(kMaxTextLength) + " characters)");
  }
  return {};
}

}  // namespace

struct Query::Program {
  std::string text;
  std::vector<std::string> paths;
  std::vector<Part> parts;
  xpath::Program xpath;

  /// The number of `path`, which is added where it is new.
  std::size_t path_number(std::string_view path) {
    if (const auto known = find_path(path)) return *known;
    paths.emplace_back(path);
    return paths.size() - 1;
  }

  std::optional<std::size_t> find_path(std::string_view path) const {
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (base::equal_ignoring_case(paths[i], path)) return i;
    }
    return std::nullopt;
  }

  base::Result<Clause> clause(xml::Element element, std::string_view path) {
    if (path.empty()) return invalid("A " + std::string(element.local_name()) + " names no log");
    if (element.first_child()) return invalid("A " + std::string(element.local_name()) + " holds something else than text");
    auto expression = xpath::compile(element.text(), xpath);
    if (!expression.ok()) {
      base::Error error = std::move(expression).error();
      error.what += " of the " + std::string(element.local_name()) + " for " + std::string(path);
      return error;
    }
    return Clause{path_number(path), *expression};
  }

  base::Result<Part> part(xml::Element query, std::string_view default_path) {
    Part part;
    const auto id = query.attribute("Id");
    if (id) {
      const std::string_view digits = base::trimmed(*id);
      std::int64_t number = 0;
      const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (failure != std::errc() || end != digits.data() + digits.size()) {
        return invalid("The Id '" + std::string(*id) + "' is not a number");
      }
    }
    default_path = path_of(query, default_path);
    // A Suppress may stand in front of its Select, and paths() has only what is selected from.
    std::vector<xml::Element> suppresses;
    for (const xml::Element element : query.children()) {
      if (element.local_name() == "Suppress") {
        suppresses.push_back(element);
      } else if (element.local_name() == "Select") {
        ASSIGN_OR_RETURN(Clause select, clause(element, path_of(element, default_path)));
        part.selects.push_back(select);
      } else {
        return invalid("A Query has no " + std::string(element.local_name()));
      }
    }
    if (part.selects.empty()) return invalid("A Query selects nothing");
    for (const xml::Element element : suppresses) {
      const std::string_view path = path_of(element, default_path);
      bool selected = false;
      for (const Clause& select : part.selects) {
        selected = selected || base::equal_ignoring_case(paths[select.path], path);
      }
      if (!selected) return invalid("A Suppress for '" + std::string(path) + "' has no Select of that log beside it");
      ASSIGN_OR_RETURN(Clause suppress, clause(element, path));
      part.suppresses.push_back(suppress);
    }
    return part;
  }

  base::Result<void> list(std::string_view query_list, std::string_view default_path) {
    auto document = xml::Document::parse(std::string(query_list));
    if (!document.ok()) return base::make_error(Win32::EvtMalformedXml, document.error().message());
    const xml::Element root = document->root();
    if (root.local_name() != "QueryList") return invalid("The root element is not QueryList");
    for (const xml::Element element : root.children()) {
      if (element.local_name() != "Query") return invalid("A QueryList has no " + std::string(element.local_name()));
      ASSIGN_OR_RETURN(Part added, part(element, default_path));
      parts.push_back(std::move(added));
    }
    if (parts.empty()) return invalid("The QueryList has no Query");
    if (paths.size() > kMaxChannelsOfQuery) {
      return invalid("The query names more than " + std::to_string(kMaxChannelsOfQuery) + " logs");
    }
    bool files = false;
    bool channels = false;
    for (const std::string& path : paths) (is_file(path) ? files : channels) = true;
    if (files && channels) return invalid("A query cannot read log files and logs at once");
    return {};
  }

  /// The union of the Query elements, each without what it suppresses. `asks` answers for one expression.
  template <typename Ask>
  Truth matches(std::size_t path, const Ask& ask) const {
    const auto any = [&](const std::vector<Clause>& clauses) {
      Truth result = Truth::False;
      for (const Clause& clause : clauses) {
        if (clause.path != path) continue;
        const Truth one = ask(clause.expression);
        if (one == Truth::True) return Truth::True;
        if (one == Truth::Unknown) result = Truth::Unknown;
      }
      return result;
    };
    Truth result = Truth::False;
    for (const Part& part : parts) {
      const Truth selected = any(part.selects);
      if (selected == Truth::False) continue;
      const Truth suppressed = any(part.suppresses);
      if (suppressed == Truth::True) continue;
      if (selected == Truth::True && suppressed == Truth::False) return Truth::True;
      result = Truth::Unknown;
    }
    return result;
  }

  /// The same as a formula over the events of one skeleton.
  std::optional<std::uint32_t> bind(std::size_t path, const Skeleton& skeleton, Formula& formula) const {
    std::optional<SkeletonTree> tree;
    std::optional<xpath::Binder> binder;
    bool no_tree = false;
    // Most kinds of events are decided by what their System says: no tree is needed for them. What compares their time with
    // now must wait until it is asked.
    const bool by_system = !skeleton.system().knows(Field::Time);
    const auto ask = [&](std::uint32_t expression) -> std::optional<std::uint32_t> {
      const Truth quick =
          by_system ? xpath::evaluate_system(xpath, expression, skeleton.system(), base::WallTime()) : Truth::Unknown;
      if (quick != Truth::Unknown) return formula.add_constant(quick == Truth::True);
      if (!tree && !no_tree) {
        tree = SkeletonTree::make(skeleton);
        no_tree = !tree;
        if (tree) binder.emplace(xpath, *tree, formula);
      }
      return binder ? binder->bind(expression) : std::nullopt;
    };
    const auto any = [&](const std::vector<Clause>& clauses) {
      FormulaChain chain(formula, true);
      for (const Clause& clause : clauses) {
        if (clause.path == path && chain.add(ask(clause.expression))) break;
      }
      return chain.finish();
    };
    FormulaChain result(formula, true);
    for (const Part& part : parts) {
      FormulaChain both(formula, false);
      if (!both.add(any(part.selects))) {
        const auto suppressed = any(part.suppresses);
        both.add(suppressed ? std::optional(formula.add_not(*suppressed)) : suppressed);
      }
      if (result.add(both.finish())) break;
    }
    return result.finish();
  }
};

Query::Query() {
  static const auto nothing = std::make_shared<const Program>();
  program_ = nothing;
}

base::Result<Query> Query::parse_list(std::string_view query_list) {
  if (!base::trimmed(query_list).starts_with('<') && !query_list.starts_with(kByteOrderMark)) {
    return base::make_error(Win32::EvtMalformedXml, "The query is no QueryList");
  }
  return parse(query_list, {});
}

base::Result<Query> Query::parse_xpath(std::string_view path, std::string_view xpath) {
  RETURN_IF_ERROR(check_length(xpath));
  auto program = std::make_shared<Program>();
  program->text = xpath;
  ASSIGN_OR_RETURN(const std::uint32_t expression, xpath::compile(xpath, program->xpath));
  program->parts.push_back(Part{{Clause{program->path_number(path), expression}}, {}});
  Query query;
  query.program_ = std::move(program);
  return query;
}

base::Result<Query> Query::parse(std::string_view text, std::string_view default_path) {
  const std::string_view begin = base::trimmed(text.substr(text.starts_with(kByteOrderMark) ? 3 : 0));
  if (!begin.starts_with('<')) return parse_xpath(default_path, text);
  RETURN_IF_ERROR(check_length(text));
  auto program = std::make_shared<Program>();
  program->text = text;
  RETURN_IF_ERROR(program->list(begin, default_path));
  Query query;
  query.program_ = std::move(program);
  return query;
}

const std::vector<std::string>& Query::paths() const {
  return program_->paths;
}

const std::string& Query::text() const {
  return program_->text;
}

bool Query::selects_raw(std::string_view path) const {
  const auto number = program_->find_path(path);
  return number && program_->matches(*number, [&](std::uint32_t expression) {
    return xpath::selects_anything(program_->xpath, expression) ? Truth::True : Truth::False;
  }) == Truth::True;
}

bool Query::selects_everything(std::string_view path) const {
  const auto number = program_->find_path(path);
  if (!number) return false;
  const auto concerns = [&](const Clause& clause) { return clause.path == *number; };
  return std::ranges::any_of(program_->parts, [&](const Part& part) {
    const bool all = std::ranges::any_of(part.selects, [&](const Clause& select) {
      return concerns(select) && xpath::selects_anything(program_->xpath, select.expression);
    });
    return all && std::ranges::none_of(part.suppresses, concerns);
  });
}

std::optional<std::uint32_t> Query::bind(const Skeleton& skeleton, std::string_view path, Formula& formula) const {
  const auto number = program_->find_path(path);
  if (!number) return formula.add_constant(false);
  return program_->bind(*number, skeleton, formula);
}

bool Query::matches(const Event& event, std::string_view path, base::WallTime now) const {
  const auto number = program_->find_path(path);
  if (!number) return false;
  const xpath::Program& xpath = program_->xpath;
  if (event.quality == Quality::Raw) return selects_raw(path);
  const Truth quick = program_->matches(
      *number, [&](std::uint32_t expression) { return xpath::evaluate_system(xpath, expression, event.system, now); });
  if (quick != Truth::Unknown) return quick == Truth::True;
  // The memory of a document is kept for the next event unless this one is unusually large.
  thread_local xml::Document kept;
  xml::Document own;
  xml::Document& document = event.xml.size() > (256 << 10) ? own : kept;
  if (!document.reparse(event.xml).ok()) return selects_raw(path);
  return matches(document.root(), path, now);
}

bool Query::matches(xml::Element event, std::string_view path, base::WallTime now) const {
  const auto number = program_->find_path(path);
  if (!number) return false;
  return program_->matches(*number, [&](std::uint32_t expression) {
    return xpath::evaluate(program_->xpath, expression, event, now) ? Truth::True : Truth::False;
  }) == Truth::True;
}

std::vector<std::string> Query::unknown_system_names() const {
  return program_->xpath.unknown_names;
}

}  // namespace events
