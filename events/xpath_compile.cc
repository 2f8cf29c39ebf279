#include <algorithm>
#include <iterator>
#include <optional>

#include "engine/base/win32.h"
#include "events/xpath.h"

namespace events::xpath {
namespace {

using base::Win32;
using Op = Expression::Op;

struct Token {
  enum class Kind : std::uint8_t {
    Name,
    Literal,
    Number,
    LeftParenthesis,
    RightParenthesis,
    LeftBracket,
    RightBracket,
    Comma,
    Slash,
    At,
    Star,
    DoubleColon,
    Compares,
    Foreign,  ///< XPath that events do not have: // .. . + - | $
    Bad,      ///< no token at all
    End,
  };
  Kind kind = Kind::End;
  Comparison comparison = Comparison::Equal;
  std::size_t at = 0;
  std::string_view text;  ///< of a literal, without its quotes
};
using Kind = Token::Kind;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) {
  return begins_name(c) || is_digit(c) || c == '-' || c == '.';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Whether a sign in this place belongs to a number: there is no arithmetic that it could be instead.
bool expects_operand(const std::vector<Token>& tokens) {
  if (tokens.empty()) return true;
  switch (tokens.back().kind) {
    case Kind::Compares:
    case Kind::LeftParenthesis:
    case Kind::LeftBracket:
    case Kind::Comma:
      return true;
    default:
      return false;
  }
}

/// The end of the number at `at`, which begins with a sign, a digit or a point.
std::size_t number_end(std::string_view text, std::size_t at) {
  const auto peek = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  std::size_t i = at;
  if (peek(i) == '0' && (peek(i + 1) == 'x' || peek(i + 1) == 'X')) {
    i += 2;
    while (continues_name(peek(i))) ++i;
    return i;
  }
  if (peek(i) == '+' || peek(i) == '-') ++i;
  while (is_digit(peek(i))) ++i;
  if (peek(i) == '.') {
    ++i;
    while (is_digit(peek(i))) ++i;
  }
  if (peek(i) == 'e' || peek(i) == 'E') {
    const std::size_t digits = i + (peek(i + 1) == '+' || peek(i + 1) == '-' ? 2 : 1);
    if (is_digit(peek(digits))) {
      i = digits;
      while (is_digit(peek(i))) ++i;
    }
  }
  return i;
}

/// Cuts `text` into tokens. Stops behind a Bad one, and with one token more than allowed.
std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  const auto add = [&](Kind kind, std::size_t length, Comparison comparison = Comparison::Equal) {
    tokens.push_back(Token{kind, comparison, at, text.substr(at, length)});
    at += length;
  };
  for (;;) {
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at >= text.size() || tokens.size() > kMaxTokens) break;
    const char c = text[at];
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    const bool numeric = is_digit(c) || (c == '.' && is_digit(next)) ||
                         ((c == '-' || c == '+') && (is_digit(next) || next == '.') && expects_operand(tokens));
    if (numeric) {
      const std::size_t end = number_end(text, at);
      if (end < text.size() && continues_name(text[end])) {
        at = end;
        add(Kind::Bad, 0);
        break;
      }
      add(Kind::Number, end - at);
    } else if (begins_name(c)) {
      std::size_t end = at;
      while (end < text.size() && continues_name(text[end])) ++end;
      add(Kind::Name, end - at);
    } else if (c == '\'' || c == '"') {
      const auto end = text.find(c, at + 1);
      if (end == std::string_view::npos) {
        add(Kind::Bad, 0);
        break;
      }
      tokens.push_back(Token{Kind::Literal, Comparison::Equal, at, text.substr(at + 1, end - at - 1)});
      at = end + 1;
    } else if (c == '(') {
      add(Kind::LeftParenthesis, 1);
    } else if (c == ')') {
      add(Kind::RightParenthesis, 1);
    } else if (c == '[') {
      add(Kind::LeftBracket, 1);
    } else if (c == ']') {
      add(Kind::RightBracket, 1);
    } else if (c == ',') {
      add(Kind::Comma, 1);
    } else if (c == '/') {
      next == '/' ? add(Kind::Foreign, 2) : add(Kind::Slash, 1);
    } else if (c == '@') {
      add(Kind::At, 1);
    } else if (c == '*') {
      add(Kind::Star, 1);
    } else if (c == ':' && next == ':') {
      add(Kind::DoubleColon, 2);
    } else if (c == '=') {
      add(Kind::Compares, 1, Comparison::Equal);
    } else if (c == '!' && next == '=') {
      add(Kind::Compares, 2, Comparison::NotEqual);
    } else if (c == '<') {
      next == '=' ? add(Kind::Compares, 2, Comparison::LessOrEqual) : add(Kind::Compares, 1, Comparison::Less);
    } else if (c == '>') {
      next == '=' ? add(Kind::Compares, 2, Comparison::GreaterOrEqual) : add(Kind::Compares, 1, Comparison::Greater);
    } else if (c == '.' || c == '+' || c == '-' || c == '|' || c == '$') {
      add(Kind::Foreign, c == '.' && next == '.' ? 2 : 1);
    } else {
      add(Kind::Bad, 0);
      break;
    }
  }
  if (tokens.empty() || tokens.back().kind != Kind::Bad) add(Kind::End, 0);
  return tokens;
}

/// What a part of an expression is before it is known whether a comparison follows.
struct Operand {
  enum class Type : std::uint8_t { Boolean, Path, Position, TimeDiff, Constant };
  Type type = Type::Boolean;
  std::uint32_t expression = 0;  ///< Boolean
  Expression pending;            ///< Path, TimeDiff
  Token constant;                ///< Constant
  std::size_t at = 0;
};

/// Recursive descent. It recurses for parentheses, predicates and functions, which kMaxDepth bounds; chains of `or`, `and`
/// and steps are loops.
class Compiler {
 public:
  Compiler(std::string_view text, Program& program) : text_(text), program_(program), tokens_(tokens_of(text)) {}

  base::Result<std::uint32_t> compile() {
    if (tokens_.size() > kMaxTokens + 1) return error(Win32::EvtFilterTooComplex, tokens_[kMaxTokens].at);
    ASSIGN_OR_RETURN(Operand selector, either());
    if (peek().kind != Kind::End) return unexpected();
    return truth_of(selector);
  }

 private:
  /// What the expression at hand is about: no position is known for events.
  enum class Level { Root, Event, Inside };

  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(next_ + ahead, tokens_.size() - 1)]; }
  const Token& take() { return tokens_[next_ < tokens_.size() - 1 ? next_++ : next_]; }
  bool take_if(Kind kind) {
    if (peek().kind != kind) return false;
    take();
    return true;
  }
  /// `and` and `or` are names unless they stand behind an operand.
  bool take_word(std::string_view lower, std::string_view upper) {
    if (peek().kind != Kind::Name || (peek().text != lower && peek().text != upper)) return false;
    take();
    return true;
  }

  base::Error error(Win32 reason, std::size_t at) const {
    std::size_t position = 0;
    for (const char c : text_.substr(0, at)) position += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    const std::string place = "at position " + std::to_string(position);
    if (reason == Win32::EvtFilterParseError) {
      return base::make_error(Win32::EvtInvalidQuery, "A syntax error occurred " + place);
    }
    return base::make_error(Win32::EvtInvalidQuery, make_error_code(reason).message() + " (" + place + ")");
  }

  /// The error for the token at hand, which does not fit where it stands.
  base::Error unexpected() const {
    const Token& token = peek();
    const bool foreign = token.kind == Kind::Foreign || token.kind == Kind::Star ||
                         (token.kind == Kind::Name && (token.text == "div" || token.text == "mod"));
    return error(foreign ? Win32::EvtFilterUnsupportedOperator : Win32::EvtFilterParseError, token.at);
  }

  std::uint32_t add(Expression expression) {
    program_.expressions.push_back(expression);
    return static_cast<std::uint32_t>(program_.expressions.size() - 1);
  }
  Range add_links(const std::vector<std::uint32_t>& links) {
    const Range range{static_cast<std::uint32_t>(program_.links.size()), static_cast<std::uint32_t>(links.size())};
    program_.links.insert(program_.links.end(), links.begin(), links.end());
    return range;
  }
  std::uint32_t add_constant(std::string_view text) {
    program_.constants.push_back(Constant::of(text));
    return static_cast<std::uint32_t>(program_.constants.size() - 1);
  }

  base::Result<std::uint32_t> truth_of(const Operand& operand) {
    switch (operand.type) {
      case Operand::Type::Boolean:
        return operand.expression;
      case Operand::Type::Path: {
        Expression exists = operand.pending;
        exists.op = Op::Exists;
        return add(exists);
      }
      default:
        return error(Win32::EvtFilterInvalidTest, operand.at);
    }
  }

  base::Result<Operand> either() {
    return chain(Op::Or, "or", "OR", [this] { return chain(Op::And, "and", "AND", [this] { return comparison(); }); });
  }

  template <typename Part>
  base::Result<Operand> chain(Op op, std::string_view lower, std::string_view upper, Part part) {
    ASSIGN_OR_RETURN(Operand first, part());
    if (peek().kind != Kind::Name || (peek().text != lower && peek().text != upper)) return first;
    ASSIGN_OR_RETURN(const std::uint32_t first_truth, truth_of(first));
    std::vector<std::uint32_t> links{first_truth};
    while (take_word(lower, upper)) {
      ASSIGN_OR_RETURN(Operand further, part());
      ASSIGN_OR_RETURN(const std::uint32_t truth, truth_of(further));
      links.push_back(truth);
    }
    Operand all;
    all.at = first.at;
    all.expression = add(Expression{.op = op, .range = add_links(links)});
    return all;
  }

  base::Result<Operand> comparison() {
    ASSIGN_OR_RETURN(Operand left, operand());
    if (peek().kind != Kind::Compares) return left;
    const Token& sign = take();
    Comparison comparison = sign.comparison;
    const bool truth_word = peek().kind == Kind::Name && (peek().text == "true" || peek().text == "false");
    ASSIGN_OR_RETURN(Operand right, truth_word ? constant() : operand());
    // 'x' = Data is tolerated, 5 = Data is the documented error.
    if (left.type == Operand::Type::Constant && left.constant.kind == Kind::Literal) {
      std::swap(left, right);
      comparison = base::mirrored(comparison);
    }
    if (left.type == Operand::Type::Constant || right.type != Operand::Type::Constant) {
      return error(Win32::EvtFilterInvalidArgument, sign.at);
    }
    Operand result;
    result.at = left.at;
    Expression expression = left.pending;
    expression.comparison = comparison;
    expression.constant = add_constant(right.constant.text);
    const Constant& constant = program_.constants[expression.constant];
    const bool number = constant.type == Constant::Type::Number;
    switch (left.type) {
      case Operand::Type::Path:
        expression.op = Op::Compare;
        break;
      case Operand::Type::Position:
        if (!number) return error(Win32::EvtFilterInvalidType, right.at);
        expression.op = Op::Position;
        break;
      case Operand::Type::TimeDiff:
        if (!number) return error(Win32::EvtFilterInvalidType, right.at);
        expression.op = Op::TimeDiff;
        break;
      case Operand::Type::Boolean: {
        const bool equality = comparison == Comparison::Equal || comparison == Comparison::NotEqual;
        if (!equality || (!number && constant.type != Constant::Type::Boolean)) {
          return error(Win32::EvtFilterInvalidType, right.at);
        }
        const bool wanted = number ? compare(constant.number, Number()) != 0 : constant.boolean;
        result.expression = left.expression;
        if (wanted != (comparison == Comparison::Equal)) {
          result.expression = add(Expression{.op = Op::Not, .range = Range{left.expression, 1}});
        }
        return result;
      }
      case Operand::Type::Constant:
        break;
    }
    result.expression = add(expression);
    return result;
  }

  base::Result<Operand> operand() {
    const Token& token = peek();
    switch (token.kind) {
      case Kind::LeftParenthesis: {
        take();
        RETURN_IF_ERROR(descend(token));
        ASSIGN_OR_RETURN(Operand inner, either());
        --depth_;
        if (!take_if(Kind::RightParenthesis)) return unexpected();
        if (peek().kind == Kind::LeftBracket || peek().kind == Kind::Slash) {
          return error(Win32::EvtFilterAlreadyScoped, peek().at);
        }
        return inner;
      }
      case Kind::Literal:
      case Kind::Number:
        return constant();
      case Kind::Name:
        if (peek(1).kind == Kind::LeftParenthesis) return function();
        [[fallthrough]];
      case Kind::Star:
      case Kind::At:
        return path();
      case Kind::Slash:
        return error(Win32::EvtFilterUnsupportedOperator, token.at);
      default:
        return unexpected();
    }
  }

  base::Result<Operand> constant() {
    Operand result;
    result.type = Operand::Type::Constant;
    result.constant = take();
    result.at = result.constant.at;
    if (result.constant.kind == Kind::Number && !parse_number(result.constant.text)) {
      return error(Win32::EvtFilterOutOfRange, result.at);
    }
    return result;
  }

  base::Result<void> descend(const Token& where) {
    if (++depth_ > kMaxDepth) return error(Win32::EvtFilterTooComplex, where.at);
    return {};
  }

  base::Result<Operand> function() {
    const Token& name = take();
    const Token& parenthesis = take();
    Operand result;
    result.at = name.at;
    if (name.text == "position") {
      if (level_ != Level::Inside) return error(Win32::EvtFilterInvalidTest, name.at);
      result.type = Operand::Type::Position;
    } else if (name.text == "band") {
      RETURN_IF_ERROR(descend(parenthesis));
      ASSIGN_OR_RETURN(const BandOperand first, band_operand());
      if (!take_if(Kind::Comma)) return unexpected();
      ASSIGN_OR_RETURN(const BandOperand second, band_operand());
      --depth_;
      const auto place = static_cast<std::uint32_t>(program_.bands.size());
      program_.bands.push_back(first);
      program_.bands.push_back(second);
      result.expression = add(Expression{.op = Op::Band, .range = Range{place, 2}});
    } else if (name.text == "timediff") {
      RETURN_IF_ERROR(descend(parenthesis));
      RETURN_IF_ERROR(time_operands(result));
      --depth_;
    } else {
      return error(Win32::EvtFilterUnsupportedOperator, name.at);
    }
    if (!take_if(Kind::RightParenthesis)) return unexpected();
    return result;
  }

  base::Result<BandOperand> band_operand() {
    ASSIGN_OR_RETURN(const Operand side, either());
    BandOperand result;
    if (side.type == Operand::Type::Path) {
      result.is_path = true;
      result.path = side.pending.range;
      return result;
    }
    if (side.type != Operand::Type::Constant) return error(Win32::EvtFilterInvalidArgument, side.at);
    const auto number = parse_number(side.constant.text);
    const auto bits = number ? number->bits() : std::nullopt;
    if (!bits) return error(Win32::EvtFilterInvalidType, side.at);
    result.bits = *bits;
    return result;
  }

  base::Result<void> time_operands(Operand& result) {
    result.type = Operand::Type::TimeDiff;
    ASSIGN_OR_RETURN(Operand first, either());
    if (!take_if(Kind::Comma)) {
      if (first.type != Operand::Type::Path) return error(Win32::EvtFilterInvalidArgument, first.at);
      result.pending = first.pending;
      return {};
    }
    ASSIGN_OR_RETURN(Operand second, either());
    const bool constant_first = first.type == Operand::Type::Constant;
    const Operand& path = constant_first ? second : first;
    const Operand& reference = constant_first ? first : second;
    if (path.type != Operand::Type::Path || reference.type != Operand::Type::Constant) {
      return error(Win32::EvtFilterInvalidArgument, second.at);
    }
    const Constant time = Constant::of(reference.constant.text);
    if (time.type != Constant::Type::Time) return error(Win32::EvtFilterInvalidType, reference.at);
    result.pending = path.pending;
    result.pending.has_reference = true;
    result.pending.reference_is_first = constant_first;
    result.pending.reference = time.time;
    return {};
  }

  base::Result<Operand> path() {
    Operand result;
    result.type = Operand::Type::Path;
    result.at = peek().at;
    std::vector<Step> steps;
    const Level around = level_;
    do {
      if (!steps.empty() && steps.back().attribute) return error(Win32::EvtFilterAlreadyScoped, peek().at);
      const Token& first = peek();
      ASSIGN_OR_RETURN(Step step, node_test());
      if (steps.empty() && around == Level::Root && (step.attribute || !(step.any || step.name == "Event"))) {
        return base::with_context(error(Win32::EvtFilterInvalidTest, first.at), "A query begins with * or Event");
      }
      if (peek().kind == Kind::LeftBracket && step.attribute) return error(Win32::EvtFilterNotElementSet, peek().at);
      level_ = around == Level::Root && steps.empty() ? Level::Event : Level::Inside;
      std::vector<std::uint32_t> predicates;
      while (peek().kind == Kind::LeftBracket) {
        if (predicates.size() == kMaxPredicatesOfStep) return error(Win32::EvtFilterTooComplex, peek().at);
        ASSIGN_OR_RETURN(const std::uint32_t truth, predicate());
        predicates.push_back(truth);
      }
      step.predicates = add_links(predicates);
      steps.push_back(std::move(step));
    } while (take_if(Kind::Slash));
    level_ = around;
    if (peek().kind == Kind::Foreign) return unexpected();
    result.pending.range =
        Range{static_cast<std::uint32_t>(program_.steps.size()), static_cast<std::uint32_t>(steps.size())};
    program_.steps.insert(program_.steps.end(), std::make_move_iterator(steps.begin()),
                          std::make_move_iterator(steps.end()));
    return result;
  }

  base::Result<Step> node_test() {
    Step step;
    step.attribute = take_if(Kind::At);
    if (!step.attribute && peek().kind == Kind::Name && peek(1).kind == Kind::DoubleColon) {
      const Token& axis = take();
      take();
      if (axis.text != "attribute" && axis.text != "child") return error(Win32::EvtFilterUnsupportedOperator, axis.at);
      step.attribute = axis.text == "attribute";
    }
    if (peek().kind != Kind::Star && peek().kind != Kind::Name) return unexpected();
    // text(), node() and comment() look like functions.
    if (peek().kind == Kind::Name && peek(1).kind == Kind::LeftParenthesis) {
      return error(Win32::EvtFilterUnsupportedOperator, peek().at);
    }
    const Token& name = take();
    step.any = name.kind == Kind::Star;
    step.name = name.text;
    return step;
  }

  base::Result<std::uint32_t> predicate() {
    const Token& bracket = take();
    RETURN_IF_ERROR(descend(bracket));
    std::uint32_t truth = 0;
    if (peek().kind == Kind::Number && peek(1).kind == Kind::RightBracket) {
      ASSIGN_OR_RETURN(const Operand number, constant());
      const auto index = parse_number(number.constant.text);
      if (!index->whole || index->negative || level_ != Level::Inside) return error(Win32::EvtFilterInvalidTest, number.at);
      truth = add(Expression{.op = Op::Position, .constant = add_constant(number.constant.text)});
    } else {
      ASSIGN_OR_RETURN(const Operand test, either());
      ASSIGN_OR_RETURN(truth, truth_of(test));
    }
    if (!take_if(Kind::RightBracket)) return unexpected();
    --depth_;
    return truth;
  }

  std::string_view text_;
  Program& program_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  std::size_t depth_ = 0;
  Level level_ = Level::Root;
};

}  // namespace

base::Result<std::uint32_t> compile(std::string_view text, Program& program) {
  ASSIGN_OR_RETURN(const std::uint32_t expression, Compiler(text, program).compile());
  resolve(program, expression);
  return expression;
}

}  // namespace events::xpath
