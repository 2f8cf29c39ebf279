#include "engine/wsman/item_xpath.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/comparison.h"
#include "engine/base/encoding.h"
#include "engine/wsman/property.h"

namespace wsman {
namespace {

constexpr std::size_t kMaxText = 64 << 10;
constexpr std::size_t kMaxParts = 500;
constexpr std::size_t kMaxNesting = 32;

using base::Comparison;

struct Expression;

struct Step {
  std::string name;                    ///< local name; "*" is any
  std::size_t position = 0;            ///< from 1 on; 0 takes all
  std::vector<Expression> predicates;  ///< applied in their order, behind the position
};

struct Path {
  bool absolute = false;
  std::vector<Step> steps;
  std::string attribute;  ///< empty where the path selects elements
};

struct Literal {
  std::string text;
  std::optional<long double> number;  ///< only of a number, which has no quotes
};

struct Expression {
  enum class Kind : std::uint8_t { And, Or, Not, Exists, Compare, Constant };
  Kind kind = Kind::Exists;
  std::vector<Expression> parts;
  Path path;
  Comparison comparison = Comparison::Equal;
  Literal literal;
  bool constant = false;
};

Fault bad_expression(std::size_t position, std::string_view problem) {
  return make_fault(FaultCode::CannotProcessFilter, "The XPath filter is not valid at position " +
                                                        std::to_string(position + 1) + ": " + std::string(problem));
}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> parse() {
    ASSIGN_OR_RETURN(Expression expression, alternatives());
    skip();
    if (at_ != text_.size()) return bad("the expression goes on behind its end");
    return expression;
  }

 private:
  Fault bad(std::string_view problem) const { return bad_expression(at_, problem); }

  void skip() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool take(std::string_view symbol) {
    skip();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  bool next_is(std::string_view symbol) {
    skip();
    return text_.substr(at_).starts_with(symbol);
  }

  /// "and", "or": a whole word.
  bool take_word(std::string_view word) {
    skip();
    if (!text_.substr(at_).starts_with(word)) return false;
    const std::size_t behind = at_ + word.size();
    if (behind < text_.size() && (is_name_start(text_[behind]) || is_digit(text_[behind]) || text_[behind] == '-'))
      return false;
    at_ = behind;
    return true;
  }

  /// "not(": the name of a function and its bracket.
  bool take_function(std::string_view name) {
    const std::size_t before = at_;
    if (take_word(name) && take("(")) return true;
    at_ = before;
    return false;
  }

  Result<Expression> alternatives() { return joined(Expression::Kind::Or, "or", &Parser::conjunction); }
  Result<Expression> conjunction() { return joined(Expression::Kind::And, "and", &Parser::primary); }

  Result<Expression> joined(Expression::Kind kind, std::string_view word, Result<Expression> (Parser::*part)()) {
    ASSIGN_OR_RETURN(Expression first, (this->*part)());
    if (!take_word(word)) return first;
    Expression all;
    all.kind = kind;
    all.parts.push_back(std::move(first));
    do {
      ASSIGN_OR_RETURN(Expression next, (this->*part)());
      all.parts.push_back(std::move(next));
    } while (take_word(word));
    return all;
  }

  Result<Expression> nested() {
    if (++nesting_ > kMaxNesting) return bad("too many brackets in each other");
    ASSIGN_OR_RETURN(Expression inner, alternatives());
    --nesting_;
    return inner;
  }

  Result<Expression> primary() {
    if (++parts_ > kMaxParts) return bad("the expression has too many parts");
    Expression expression;
    if (take("(")) {
      ASSIGN_OR_RETURN(expression, nested());
      if (!take(")")) return bad("a closing parenthesis is expected");
      return expression;
    }
    if (take_function("not")) {
      expression.kind = Expression::Kind::Not;
      ASSIGN_OR_RETURN(Expression inner, nested());
      expression.parts.push_back(std::move(inner));
      if (!take(")")) return bad("a closing parenthesis is expected");
      return expression;
    }
    const bool is_true = take_function("true");
    if (is_true || take_function("false")) {
      expression.kind = Expression::Kind::Constant;
      expression.constant = is_true;
      if (!take(")")) return bad("a closing parenthesis is expected");
      return expression;
    }
    return comparison();
  }

  Result<Expression> comparison() {
    Expression expression;
    ASSIGN_OR_RETURN(auto left, literal());
    if (left) {
      const auto wanted = operation();
      if (!wanted) return bad("a comparison is expected");
      ASSIGN_OR_RETURN(expression.path, path());
      expression.kind = Expression::Kind::Compare;
      expression.comparison = base::mirrored(*wanted);
      expression.literal = std::move(*left);
      return expression;
    }
    ASSIGN_OR_RETURN(expression.path, path());
    const auto wanted = operation();
    if (!wanted) return expression;
    ASSIGN_OR_RETURN(auto right, literal());
    if (!right) return bad("a text in quotes or a number is expected");
    expression.kind = Expression::Kind::Compare;
    expression.comparison = *wanted;
    expression.literal = std::move(*right);
    return expression;
  }

  std::optional<Comparison> operation() {
    if (take("!=")) return Comparison::NotEqual;
    if (take("<=")) return Comparison::LessOrEqual;
    if (take(">=")) return Comparison::GreaterOrEqual;
    if (take("=")) return Comparison::Equal;
    if (take("<")) return Comparison::Less;
    if (take(">")) return Comparison::Greater;
    return std::nullopt;
  }

  Result<std::optional<Literal>> literal() {
    skip();
    if (at_ == text_.size()) return std::optional<Literal>();
    Literal value;
    const char c = text_[at_];
    if (c == '"' || c == '\'') {
      const auto end = text_.find(c, at_ + 1);
      if (end == std::string_view::npos) return bad("a text without an end");
      value.text = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return std::optional<Literal>(std::move(value));
    }
    const std::string_view digits = text_.substr(at_ + (c == '-' ? 1 : 0));
    const bool number =
        digits.size() > 1 && digits.front() == '.' ? is_digit(digits[1]) : !digits.empty() && is_digit(digits.front());
    if (!number) return std::optional<Literal>();
    std::size_t end = at_ + 1;
    while (end < text_.size() && (is_digit(text_[end]) || text_[end] == '.')) ++end;
    value.text = text_.substr(at_, end - at_);
    value.number = parse_any_number(value.text);
    if (!value.number) return bad("a number that cannot be read");
    at_ = end;
    return std::optional<Literal>(std::move(value));
  }

  /// A name without its prefix, or "*".
  Result<std::string> name() {
    if (take("*")) return std::string("*");
    for (bool prefix = true;; prefix = false) {
      skip();
      if (at_ == text_.size() || !is_name_start(text_[at_])) return bad("a name is expected");
      const std::size_t begin = at_;
      while (at_ < text_.size() &&
             (is_name_start(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '-' || text_[at_] == '.')) {
        ++at_;
      }
      const bool colon = at_ < text_.size() && text_[at_] == ':';
      if (!colon) return std::string(text_.substr(begin, at_ - begin));
      if (!prefix || text_.substr(at_).starts_with("::")) return bad("axes are not supported");
      ++at_;
    }
  }

  Result<Path> path() {
    Path path;
    if (next_is("//")) return bad("// is not supported");
    if (next_is("..")) return bad(".. is not supported");
    path.absolute = take("/");
    if (path.absolute && predicates_ != 0) return bad("an absolute path cannot stand in a predicate");
    if (!path.absolute && take(".")) {
      if (!take("/")) return path;
      if (next_is("/")) return bad("// is not supported");
    }
    while (true) {
      if (take("@")) {
        ASSIGN_OR_RETURN(path.attribute, name());
        if (path.attribute == "*") return bad("@* is not supported");
        return path;
      }
      ASSIGN_OR_RETURN(Step step, this->step());
      const bool is_text = step.name == "text" && take("(");
      if (is_text) {
        if (!take(")") || path.steps.empty()) return bad("text() stands behind the name of an element");
        return path;
      }
      if (next_is("(")) return bad("this function is not supported");
      RETURN_IF_ERROR(predicates(step));
      path.steps.push_back(std::move(step));
      if (!take("/")) return path;
      if (next_is("/")) return bad("// is not supported");
    }
  }

  Result<Step> step() {
    if (++parts_ > kMaxParts) return bad("the expression has too many parts");
    Step step;
    ASSIGN_OR_RETURN(step.name, name());
    return step;
  }

  Result<void> predicates(Step& step) {
    while (take("[")) {
      ASSIGN_OR_RETURN(const auto position, literal());
      if (position) {
        if (next_is("]")) {
          const bool whole = position->number && *position->number >= 1 && *position->number <= 1'000'000'000 &&
                             position->text.find('.') == std::string::npos;
          if (!whole || step.position != 0 || !step.predicates.empty()) return bad("a position stands first, from 1 on");
          step.position = static_cast<std::size_t>(*position->number);
          take("]");
          continue;
        }
        at_ -= position->text.size() + (position->number ? 0 : 2);
      }
      ++predicates_;
      ASSIGN_OR_RETURN(Expression condition, nested());
      --predicates_;
      step.predicates.push_back(std::move(condition));
      if (!take("]")) return bad("a closing bracket is expected");
    }
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t parts_ = 0;
  std::size_t nesting_ = 0;
  std::size_t predicates_ = 0;
};

bool holds(const Expression& expression, xml::Element context, bool top);

bool is_named(xml::Element element, const Step& step) {
  return step.name == "*" || element.local_name() == step.name;
}

bool passes(xml::Element element, const Step& step) {
  return std::all_of(step.predicates.begin(), step.predicates.end(),
                     [&](const Expression& predicate) { return holds(predicate, element, false); });
}

using Visit = std::function<bool(std::string_view text)>;

/// The text of an element and all within it.
void append_string_value(std::string& out, xml::Element element) {
  out += element.text();
  for (const xml::Element child : element.children()) append_string_value(out, child);
}

/// Calls `visit` with the string value of what the steps from `at` on select within `context`, until it answers true.
bool visit_steps(const Path& path, std::size_t at, xml::Element context, const Visit& visit) {
  if (at == path.steps.size()) {
    if (!path.attribute.empty()) {
      const auto value = context.attribute(path.attribute);
      return value && visit(*value);
    }
    std::string text;
    append_string_value(text, context);
    return visit(text);
  }
  const Step& step = path.steps[at];
  std::size_t position = 0;
  for (const xml::Element child : context.children()) {
    if (!is_named(child, step)) continue;
    if (step.position != 0 && ++position != step.position) continue;
    if (passes(child, step) && visit_steps(path, at + 1, child, visit)) return true;
  }
  return false;
}

/// As visit_steps, beginning at the document, whose only child is `item`.
bool visit_from_document(const Path& path, xml::Element item, const Visit& visit) {
  if (path.steps.empty()) return visit_steps(path, 0, item, visit);
  const Step& first = path.steps.front();
  return is_named(item, first) && first.position <= 1 && passes(item, first) && visit_steps(path, 1, item, visit);
}

bool visit_path(const Path& path, xml::Element context, bool top, const Visit& visit) {
  if (path.absolute) return visit_from_document(path, context, visit);
  if (visit_steps(path, 0, context, visit)) return true;
  return top && !path.steps.empty() && visit_from_document(path, context, visit);
}

bool compare(std::string_view text, Comparison comparison, const Literal& literal) {
  const bool ordered = comparison != Comparison::Equal && comparison != Comparison::NotEqual;
  if (!literal.number && !ordered) return (text == literal.text) == (comparison == Comparison::Equal);
  const auto right = literal.number ? literal.number : parse_any_number(literal.text);
  const auto left = parse_any_number(text);
  // Not a number: unequal to all, and without an order.
  if (!left || !right) return comparison == Comparison::NotEqual;
  return base::satisfies(base::order_of(*left, *right), comparison);
}

bool holds(const Expression& expression, xml::Element context, bool top) {
  const auto part = [&](const Expression& inner) { return holds(inner, context, top); };
  switch (expression.kind) {
    case Expression::Kind::And:
      return std::all_of(expression.parts.begin(), expression.parts.end(), part);
    case Expression::Kind::Or:
      return std::any_of(expression.parts.begin(), expression.parts.end(), part);
    case Expression::Kind::Not:
      return !part(expression.parts.front());
    case Expression::Kind::Constant:
      return expression.constant;
    case Expression::Kind::Exists:
      return visit_path(expression.path, context, top, [](std::string_view) { return true; });
    case Expression::Kind::Compare:
      return visit_path(expression.path, context, top,
                        [&](std::string_view text) { return compare(text, expression.comparison, expression.literal); });
  }
  return false;
}

}  // namespace

struct ItemXPath::State {
  Expression expression;
};

ItemXPath::ItemXPath(std::unique_ptr<State> state) : state_(std::move(state)) {}
ItemXPath::ItemXPath(ItemXPath&&) noexcept = default;
ItemXPath& ItemXPath::operator=(ItemXPath&&) noexcept = default;
ItemXPath::~ItemXPath() = default;

Result<ItemXPath> ItemXPath::parse(std::string_view text) {
  if (text.size() > kMaxText) return make_fault(FaultCode::CannotProcessFilter, "The XPath filter is too long");
  if (base::trimmed(text).empty()) return make_fault(FaultCode::CannotProcessFilter, "The XPath filter is empty");
  auto state = std::make_unique<State>();
  ASSIGN_OR_RETURN(state->expression, Parser(text).parse());
  return ItemXPath(std::move(state));
}

bool ItemXPath::selects(xml::Element item) const {
  return holds(state_->expression, item, true);
}

}  // namespace wsman
