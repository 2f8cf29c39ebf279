#include "engine/wsman/wql.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/base/comparison.h"
#include "engine/base/encoding.h"
#include "engine/wsman/property.h"

namespace wsman {
namespace {

constexpr std::size_t kMaxText = 64 << 10;
constexpr std::size_t kMaxConditions = 500;
constexpr std::size_t kMaxNesting = 32;
constexpr std::size_t kMaxProperties = 256;
constexpr std::size_t kMaxPattern = 1000;

Fault bad_query(std::size_t position, std::string_view problem) {
  return make_fault(FaultCode::CannotProcessFilter,
                    "The WQL query is not valid at position " + std::to_string(position + 1) + ": " + std::string(problem));
}

struct Token {
  enum class Kind : std::uint8_t { Word, Text, Number, Symbol, End };
  Kind kind = Kind::End;
  std::string text;
  std::size_t at = 0;

  bool is(std::string_view word) const { return kind == Kind::Word && base::equal_ignoring_case(text, word); }
  bool is_symbol(std::string_view symbol) const { return kind == Kind::Symbol && text == symbol; }
};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<Token> next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    Token token;
    token.at = at_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '"' || c == '\'') return quoted(c, std::move(token));
    const bool sign =
        (c == '-' || c == '+') && at_ + 1 < text_.size() && (is_digit(text_[at_ + 1]) || text_[at_ + 1] == '.');
    if (is_digit(c) || sign) return number(std::move(token));
    if (is_word_character(c)) {
      token.kind = Token::Kind::Word;
      while (at_ < text_.size() && is_word_character(text_[at_])) token.text += text_[at_++];
      return token;
    }
    token.kind = Token::Kind::Symbol;
    for (const std::string_view symbol : {"<>", "!=", "<=", ">=", "<", ">", "=", "(", ")", ",", ".", "*", "{", "}"}) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      token.text = symbol;
      at_ += symbol.size();
      return token;
    }
    return bad_query(at_, "a character that has no meaning here");
  }

 private:
  Result<Token> quoted(char quote, Token token) {
    token.kind = Token::Kind::Text;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return token;
      }
      const bool escape = text_[at_] == '\\' && at_ + 1 < text_.size();
      if (escape && (text_[at_ + 1] == '\\' || text_[at_ + 1] == '"' || text_[at_ + 1] == '\'')) ++at_;
      token.text += text_[at_];
    }
    return bad_query(token.at, "a text without an end");
  }

  Result<Token> number(Token token) {
    token.kind = Token::Kind::Number;
    token.text += text_[at_++];
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool exponent_sign = (c == '-' || c == '+') && (token.text.back() == 'e' || token.text.back() == 'E') &&
                                 token.text.find('x') == std::string::npos;
      if (!is_word_character(c) && c != '.' && !exponent_sign) break;
      token.text += text_[at_++];
    }
    if (!parse_any_number(token.text)) return bad_query(token.at, "a number that cannot be read");
    return token;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

using base::Comparison;

std::optional<Comparison> comparison_of(const Token& token) {
  if (token.is_symbol("=")) return Comparison::Equal;
  if (token.is_symbol("<>") || token.is_symbol("!=")) return Comparison::NotEqual;
  if (token.is_symbol("<")) return Comparison::Less;
  if (token.is_symbol("<=")) return Comparison::LessOrEqual;
  if (token.is_symbol(">")) return Comparison::Greater;
  if (token.is_symbol(">=")) return Comparison::GreaterOrEqual;
  return std::nullopt;
}

struct Literal {
  enum class Kind : std::uint8_t { Null, Text, Number, Boolean };
  Kind kind = Kind::Null;
  std::string text;
  std::optional<long double> number;
  std::optional<bool> boolean;
  std::optional<base::WallTime> time;
};

Literal literal_of(Literal::Kind kind, std::string text) {
  Literal literal;
  literal.kind = kind;
  literal.number = parse_any_number(text);
  literal.boolean = parse_any_boolean(text);
  if (kind == Literal::Kind::Text) literal.time = parse_any_datetime(text);
  literal.text = std::move(text);
  return literal;
}

/// A condition, or others that are joined.
struct Node {
  enum class Kind : std::uint8_t { And, Or, Not, Compare, Like, IsA, Null };
  Kind kind = Kind::And;
  std::vector<Node> parts;
  std::vector<std::string> property;  ///< names, outermost first
  Comparison comparison = Comparison::Equal;
  Literal literal;
  bool negated = false;  ///< IS NOT NULL
};

/// The order of a value and a literal; nothing where they cannot be compared.
std::optional<int> order_of(const std::string& value, const Literal& literal) {
  const auto number = literal.number ? parse_any_number(value) : std::nullopt;
  if (number) return base::order_of(*number, *literal.number);
  const auto time = literal.time ? parse_any_datetime(value) : std::nullopt;
  if (time) return base::order_of(*time, *literal.time);
  const auto boolean = literal.boolean ? parse_any_boolean(value) : std::nullopt;
  if (boolean) return base::order_of(*boolean, *literal.boolean);
  if (literal.kind == Literal::Kind::Boolean) return std::nullopt;
  return compare_ignoring_case(value, literal.text);
}

/// The values of a property that are not null.
std::vector<std::string> values_of(xml::Element instance, const std::vector<std::string>& property) {
  if (property.size() == 1 && base::equal_ignoring_case(property.front(), "__CLASS")) {
    return {std::string(instance.local_name())};
  }
  std::vector<xml::Element> at{instance};
  for (const std::string& name : property) {
    std::vector<xml::Element> inner;
    for (const xml::Element element : at) {
      for (const xml::Element found : find_property(element, name)) inner.push_back(found);
    }
    at = std::move(inner);
  }
  std::vector<std::string> values;
  for (const xml::Element element : at) {
    if (auto value = value_of(element)) values.push_back(std::move(*value));
  }
  return values;
}

bool holds(const Node& node, xml::Element instance) {
  const auto part = [instance](const Node& inner) { return holds(inner, instance); };
  switch (node.kind) {
    case Node::Kind::And:
      return std::all_of(node.parts.begin(), node.parts.end(), part);
    case Node::Kind::Or:
      return std::any_of(node.parts.begin(), node.parts.end(), part);
    case Node::Kind::Not:
      return !part(node.parts.front());
    case Node::Kind::Null:
      return values_of(instance, node.property).empty() != node.negated;
    case Node::Kind::IsA:
      // An instance is told from its element alone: of what it is derived is not known.
      return base::equal_ignoring_case(instance.local_name(), node.literal.text);
    case Node::Kind::Compare:
    case Node::Kind::Like:
      break;
  }
  const std::vector<std::string> values = values_of(instance, node.property);
  return std::any_of(values.begin(), values.end(), [&node](const std::string& value) {
    if (node.kind == Node::Kind::Like) return matches_like(node.literal.text, value);
    const auto order = order_of(value, node.literal);
    return order && base::satisfies(*order, node.comparison);
  });
}

}  // namespace

struct WqlQuery::State {
  std::string class_name;
  std::vector<std::string> properties;
  std::optional<Node> condition;
};

namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  template <typename State>
  Result<void> parse(State& query) {
    RETURN_IF_ERROR(advance());
    if (token_.is("ASSOCIATORS") || token_.is("REFERENCES")) {
      return bad_query(token_.at, "the resource has no associations");
    }
    if (!token_.is("SELECT")) return bad_query(token_.at, "SELECT is expected");
    RETURN_IF_ERROR(advance());
    if (token_.is_symbol("*")) {
      RETURN_IF_ERROR(advance());
    } else {
      RETURN_IF_ERROR(properties(query.properties));
    }
    if (!token_.is("FROM")) return bad_query(token_.at, "FROM is expected");
    RETURN_IF_ERROR(advance());
    if (token_.kind != Token::Kind::Word) return bad_query(token_.at, "the name of a class is expected");
    query.class_name = token_.text;
    if (token_.is("META_CLASS")) return bad_query(token_.at, "the resource has no schema");
    if (query.class_name.starts_with("__Instance") || query.class_name.starts_with("__Class")) {
      return bad_query(token_.at, "queries of events are for Subscribe");
    }
    RETURN_IF_ERROR(advance());
    if (token_.is("WITHIN")) return bad_query(token_.at, "WITHIN belongs to queries of events, which are for Subscribe");
    if (token_.is("WHERE")) {
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(query.condition, alternatives());
    }
    if (token_.is("GROUP") || token_.is("HAVING")) {
      return bad_query(token_.at, "GROUP and HAVING belong to queries of events, which are for Subscribe");
    }
    if (token_.is("ORDER")) return bad_query(token_.at, "WQL has no ORDER BY");
    if (token_.kind != Token::Kind::End) return bad_query(token_.at, "the query goes on behind its end");
    return {};
  }

 private:
  Result<void> advance() {
    ASSIGN_OR_RETURN(token_, lexer_.next());
    return {};
  }

  Result<void> properties(std::vector<std::string>& names) {
    while (true) {
      if (token_.kind != Token::Kind::Word || token_.is("FROM")) return bad_query(token_.at, "a property is expected");
      if (is_digit(token_.text.front())) return bad_query(token_.at, "a property does not begin with a digit");
      if (names.size() == kMaxProperties) return bad_query(token_.at, "too many properties");
      names.push_back(token_.text);
      RETURN_IF_ERROR(advance());
      if (token_.is_symbol("(")) return bad_query(token_.at, "WQL has no functions");
      if (!token_.is_symbol(",")) return {};
      RETURN_IF_ERROR(advance());
    }
  }

  Result<Node> alternatives() { return joined(Node::Kind::Or, "OR", &Parser::conjunction); }
  Result<Node> conjunction() { return joined(Node::Kind::And, "AND", &Parser::factor); }

  Result<Node> joined(Node::Kind kind, std::string_view word, Result<Node> (Parser::*part)()) {
    Node node;
    node.kind = kind;
    while (true) {
      ASSIGN_OR_RETURN(Node inner, (this->*part)());
      node.parts.push_back(std::move(inner));
      if (!token_.is(word)) return node;
      RETURN_IF_ERROR(advance());
    }
  }

  Result<Node> factor() {
    bool negated = false;
    while (token_.is("NOT")) {
      negated = !negated;
      RETURN_IF_ERROR(advance());
    }
    Node node;
    if (token_.is_symbol("(")) {
      if (++nesting_ > kMaxNesting) return bad_query(token_.at, "too many parentheses in each other");
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(node, alternatives());
      if (!token_.is_symbol(")")) return bad_query(token_.at, "a closing parenthesis is expected");
      RETURN_IF_ERROR(advance());
      --nesting_;
    } else {
      ASSIGN_OR_RETURN(node, condition());
    }
    return negated ? negation_of(std::move(node)) : std::move(node);
  }

  Result<Node> condition() {
    if (++conditions_ > kMaxConditions) return bad_query(token_.at, "too many conditions");
    Node node;
    node.kind = Node::Kind::Compare;
    ASSIGN_OR_RETURN(const auto first, literal());
    if (first) {
      const auto comparison = comparison_of(token_);
      if (!comparison) return bad_query(token_.at, "a comparison is expected");
      RETURN_IF_ERROR(advance());
      RETURN_IF_ERROR(property(node));
      node.comparison = base::mirrored(*comparison);
      node.literal = *first;
      return null_test(std::move(node));
    }
    RETURN_IF_ERROR(property(node));
    if (token_.is("IS")) {
      RETURN_IF_ERROR(advance());
      node.kind = Node::Kind::Null;
      if (token_.is("NOT")) {
        node.negated = true;
        RETURN_IF_ERROR(advance());
      }
      if (!token_.is("NULL")) return bad_query(token_.at, "NULL is expected");
      RETURN_IF_ERROR(advance());
      return node;
    }
    bool negated = false;
    if (token_.is("NOT")) {
      negated = true;
      RETURN_IF_ERROR(advance());
      if (!token_.is("LIKE")) return bad_query(token_.at, "LIKE is expected");
    }
    const std::size_t at = token_.at;
    if (token_.is("LIKE")) {
      node.kind = Node::Kind::Like;
    } else if (token_.is("ISA")) {
      node.kind = Node::Kind::IsA;
    } else if (const auto comparison = comparison_of(token_)) {
      node.comparison = *comparison;
    } else {
      return bad_query(at, "a comparison is expected");
    }
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(auto value, literal());
    if (!value) return bad_query(token_.at, "a value is expected");
    if (node.kind != Node::Kind::Compare && value->kind != Literal::Kind::Text) {
      return bad_query(at, "a text is expected behind LIKE and ISA");
    }
    if (node.kind == Node::Kind::Like && value->text.size() > kMaxPattern) return bad_query(at, "the pattern is too long");
    node.literal = std::move(*value);
    ASSIGN_OR_RETURN(node, null_test(std::move(node)));
    return negated ? negation_of(std::move(node)) : std::move(node);
  }

  static Node negation_of(Node node) {
    Node outer;
    outer.kind = Node::Kind::Not;
    outer.parts.push_back(std::move(node));
    return outer;
  }

  /// "= NULL" asks what IS NULL asks.
  Result<Node> null_test(Node node) {
    if (node.literal.kind != Literal::Kind::Null) return node;
    if (node.comparison != Comparison::Equal && node.comparison != Comparison::NotEqual) {
      return bad_query(token_.at, "NULL has no order");
    }
    node.kind = Node::Kind::Null;
    node.negated = node.comparison == Comparison::NotEqual;
    return node;
  }

  Result<std::optional<Literal>> literal() {
    std::optional<Literal> value;
    if (token_.kind == Token::Kind::Text) value = literal_of(Literal::Kind::Text, token_.text);
    if (token_.kind == Token::Kind::Number) value = literal_of(Literal::Kind::Number, token_.text);
    if (token_.is("TRUE") || token_.is("FALSE")) value = literal_of(Literal::Kind::Boolean, token_.text);
    if (token_.is("NULL")) value = Literal();
    if (value) RETURN_IF_ERROR(advance());
    return value;
  }

  Result<void> property(Node& node) {
    while (true) {
      const bool keyword = token_.is("AND") || token_.is("OR") || token_.is("LIKE") || token_.is("IS") || token_.is("ISA");
      if (token_.kind != Token::Kind::Word || keyword) return bad_query(token_.at, "a property is expected");
      if (node.property.size() == 8) return bad_query(token_.at, "too many names in a property");
      node.property.push_back(token_.text);
      RETURN_IF_ERROR(advance());
      if (!token_.is_symbol(".")) return {};
      RETURN_IF_ERROR(advance());
    }
  }

  Lexer lexer_;
  Token token_;
  std::size_t conditions_ = 0;
  std::size_t nesting_ = 0;
};

/// A set of LIKE that begins at `at` behind the bracket: whether `c` is in it, and where it ends; npos where it has no end.
std::pair<bool, std::size_t> in_set(std::string_view pattern, std::size_t at, char c) {
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  const std::size_t first = at;
  while (at < pattern.size() && (pattern[at] != ']' || at == first)) {
    const bool range =
        at + 2 < pattern.size() && (pattern[at + 1] == '-' || pattern[at + 1] == '=') && pattern[at + 2] != ']';
    const char low = pattern[at];
    const char high = range ? pattern[at + 2] : low;
    if (static_cast<unsigned char>(c) >= static_cast<unsigned char>(low) &&
        static_cast<unsigned char>(c) <= static_cast<unsigned char>(high)) {
      found = true;
    }
    at += range ? 3 : 1;
  }
  if (at == pattern.size()) return {false, std::string_view::npos};
  return {found != negated, at + 1};
}

/// How many octets the character at `at` takes.
std::size_t character_size(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return end - at;
}

}  // namespace

bool matches_like(std::string_view raw_pattern, std::string_view raw_text) {
  const std::string pattern = base::to_lower(raw_pattern);
  const std::string text = base::to_lower(raw_text);
  // Going back to the last % is enough: an earlier one can match no more than it did.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t after_percent = std::string::npos;
  std::size_t restart = 0;
  while (t < text.size()) {
    bool matched = false;
    if (p < pattern.size() && pattern[p] == '%') {
      after_percent = ++p;
      restart = t;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '_') {
      ++p;
      t += character_size(text, t);
      matched = true;
    } else if (p < pattern.size() && pattern[p] == '[') {
      const auto [in, behind] = in_set(pattern, p + 1, text[t]);
      if (in && behind != std::string::npos) {
        p = behind;
        ++t;
        matched = true;
      }
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
      matched = true;
    }
    if (matched) continue;
    if (after_percent == std::string::npos) return false;
    p = after_percent;
    t = ++restart;
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

WqlQuery::WqlQuery(std::unique_ptr<State> state) : state_(std::move(state)) {}
WqlQuery::WqlQuery(WqlQuery&&) noexcept = default;
WqlQuery& WqlQuery::operator=(WqlQuery&&) noexcept = default;
WqlQuery::~WqlQuery() = default;

Result<WqlQuery> WqlQuery::parse(std::string_view text) {
  if (text.size() > kMaxText) return make_fault(FaultCode::CannotProcessFilter, "The WQL query is too long");
  auto state = std::make_unique<State>();
  RETURN_IF_ERROR(Parser(text).parse(*state));
  return WqlQuery(std::move(state));
}

const std::string& WqlQuery::class_name() const {
  return state_->class_name;
}

const std::vector<std::string>& WqlQuery::properties() const {
  return state_->properties;
}

bool WqlQuery::selects(xml::Element instance) const {
  if (!base::equal_ignoring_case(instance.local_name(), state_->class_name)) return false;
  return !state_->condition || holds(*state_->condition, instance);
}

}  // namespace wsman
