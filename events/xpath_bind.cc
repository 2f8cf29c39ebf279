#include "events/xpath_bind.h"

#include <array>

#include "events/formula_chain.h"

namespace events::xpath {
namespace {

using Op = Expression::Op;
using Value = SkeletonTree::Value;

constexpr bool kOr = true;
constexpr bool kAnd = false;

}  // namespace

std::optional<std::uint32_t> Binder::bind(std::uint32_t expression) {
  const Formula::Mark before = formula_.mark();
  const Bound bound = holds(expression, Context{});
  if (!bound || *bound == Formula::kTrue || *bound == Formula::kFalse) formula_.rewind(before);
  return bound;
}

bool Binder::spend() {
  return ++steps_ <= kMaxBindSteps && formula_.nodes().size() - nodes_before_ < kMaxFormulaNodes;
}

Binder::Bound Binder::holds(std::uint32_t index, const Context& context) {
  if (!spend()) return std::nullopt;
  const Expression& expression = program_.expressions[index];
  switch (expression.op) {
    case Op::Or:
      return all_or_any(expression.range, kOr, context);
    case Op::And:
      return all_or_any(expression.range, kAnd, context);
    case Op::Not: {
      const Bound inner = holds(expression.range.first, context);
      return inner ? Bound(formula_.add_not(*inner)) : inner;
    }
    case Op::Exists:
      return any_node(expression.range, context, [](const Node&) { return Bound(Formula::kTrue); });
    case Op::Compare:
      return any_node(expression.range, context, [&](const Node& node) { return compare_node(expression, node); });
    case Op::Band:
      return band(expression, context);
    case Op::TimeDiff:
      return any_node(expression.range, context, [&](const Node& node) { return compare_time(expression, node); });
    case Op::Position:
      if (!context.position) return std::nullopt;
      return formula_.add_constant(compare(Number::of(std::uint64_t{*context.position}), expression.comparison,
                                           program_.constants[expression.constant]));
  }
  return std::nullopt;
}

Binder::Bound Binder::all_or_any(Range range, bool decisive, const Context& context) {
  FormulaChain chain(formula_, decisive);
  for (std::uint32_t i = 0; i < range.count; ++i) {
    if (chain.add(holds(program_.links[range.first + i], context))) break;
  }
  return chain.finish();
}

Binder::Bound Binder::test(ValueTest test) {
  return formula_.add_test(std::move(test));
}

std::optional<Value> Binder::text_of(const Node& node, std::string& buffer) const {
  if (node.attribute != nullptr) return node.attribute->value;
  return tree_.deep_text(node.element, buffer);
}

bool Binder::is_name(const Node& node) const {
  const auto& element = tree_[node.element];
  const bool named =
      node.attribute != nullptr
          ? element.local_name == "Provider" && (node.attribute->name == "Name" || node.attribute->name == "EventSourceName")
          : element.local_name == "Channel" || element.local_name == "Computer";
  if (!named || element.parent == SkeletonTree::kNone) return false;
  const auto& parent = tree_[element.parent];
  return parent.local_name == "System" && parent.parent == 0;
}

Binder::Bound Binder::compare_node(const Expression& expression, const Node& node) {
  std::string buffer;
  const auto value = text_of(node, buffer);
  if (!value) return std::nullopt;
  const Constant& constant = program_.constants[expression.constant];
  const bool ignore_case = constant.type == Constant::Type::Text && is_name(node);
  if (!value->is_hole()) return formula_.add_constant(compare(value->text, expression.comparison, constant, ignore_case));
  ValueTest test;
  test.op = ValueTest::Op::Compare;
  test.hole = value->hole;
  test.comparison = expression.comparison;
  test.ignore_case = ignore_case;
  test.constant = constant;
  return this->test(std::move(test));
}

Binder::Bound Binder::compare_time(const Expression& expression, const Node& node) {
  std::string buffer;
  const auto value = text_of(node, buffer);
  if (!value) return std::nullopt;
  const Constant& limit = program_.constants[expression.constant];
  if (!value->is_hole()) {
    const auto time = parse_time(value->text);
    if (!time) return Formula::kFalse;
    if (!expression.has_reference) return std::nullopt;
    return formula_.add_constant(compare(time_difference(expression, *time, {}), expression.comparison, limit));
  }
  ValueTest test;
  test.op = ValueTest::Op::TimeDiff;
  test.hole = value->hole;
  test.comparison = expression.comparison;
  test.constant = limit;
  test.has_reference = expression.has_reference;
  test.reference_is_first = expression.reference_is_first;
  test.reference = expression.reference;
  return this->test(std::move(test));
}

/// `accept` gets a hole's number, or bits, of each node (or of the constant).
template <typename Accept>
Binder::Bound Binder::any_bits(const BandOperand& operand, const Context& context, const Accept& accept) {
  if (!operand.is_path) return accept(std::nullopt, operand.bits);
  return any_node(operand.path, context, [&](const Node& node) -> Bound {
    std::string buffer;
    const auto value = text_of(node, buffer);
    if (!value) return std::nullopt;
    if (value->is_hole()) return accept(std::optional(value->hole), 0);
    const auto number = parse_number(value->text);
    const auto bits = number ? number->bits() : std::nullopt;
    return bits ? accept(std::nullopt, *bits) : Bound(Formula::kFalse);
  });
}

Binder::Bound Binder::band(const Expression& expression, const Context& context) {
  using Hole = std::optional<std::uint32_t>;
  const BandOperand& first = program_.bands[expression.range.first];
  const BandOperand& second = program_.bands[expression.range.first + 1];
  return any_bits(first, context, [&](Hole left, std::uint64_t left_bits) {
    return any_bits(second, context, [&, left, left_bits](Hole right, std::uint64_t right_bits) -> Bound {
      if (!left && !right) return formula_.add_constant((left_bits & right_bits) != 0);
      ValueTest test;
      test.op = left && right ? ValueTest::Op::BandValues : ValueTest::Op::Band;
      test.hole = left ? *left : *right;
      test.other_hole = left && right ? *right : test.hole;
      test.bits = left ? right_bits : left_bits;
      return this->test(std::move(test));
    });
  });
}

/// An `or` of what `accept` says to each node at the path, each under the predicates on the way to it.
template <typename Accept>
Binder::Bound Binder::any_node(Range path, const Context& context, const Accept& accept) {
  const Step* const first = program_.steps.data() + path.first;
  const Step* const last = first + path.count;
  if (context.element != SkeletonTree::kNone) return walk(first, last, context.element, accept);
  std::array<Counter, kMaxPredicatesOfStep> counters{};
  return enter(first, last, 0, counters.data(), accept);
}

/// Depth: one level for each level of the document.
template <typename Accept>
Binder::Bound Binder::walk(const Step* step, const Step* last, std::uint32_t from, const Accept& accept) {
  if (step->attribute) return any_attribute(*step, from, accept);
  FormulaChain any(formula_, kOr);
  std::array<Counter, kMaxPredicatesOfStep> counters{};
  for (std::uint32_t child = tree_[from].first_child; child != SkeletonTree::kNone; child = tree_[child].next_sibling) {
    if (!spend()) return std::nullopt;
    if (!step->any && tree_[child].local_name != step->name) continue;
    if (any.add(enter(step, last, child, counters.data(), accept))) break;
  }
  return any.finish();
}

template <typename Accept>
Binder::Bound Binder::enter(const Step* step, const Step* last, std::uint32_t element, Counter* counters,
                            const Accept& accept) {
  FormulaChain all(formula_, kAnd);
  bool passes = true;  // the predicates so far, in every event
  for (std::uint32_t i = 0; i < step->predicates.count; ++i) {
    Counter& counter = counters[i];
    // Where the element does not get here its position does not matter: it fails anyhow.
    ++counter.count;
    const Context context{element, counter.certain ? std::optional(counter.count) : std::nullopt};
    counter.certain = counter.certain && passes;
    const Bound predicate = holds(program_.links[step->predicates.first + i], context);
    passes = passes && predicate == Bound(Formula::kTrue);
    if (all.add(predicate)) return all.finish();
  }
  all.add(step + 1 == last ? accept(Node{element}) : walk(step + 1, last, element, accept));
  return all.finish();
}

template <typename Accept>
Binder::Bound Binder::any_attribute(const Step& step, std::uint32_t number, const Accept& accept) {
  const auto& element = tree_[number];
  if (!step.any) {
    const SkeletonTree::Attribute* attribute = tree_.find_attribute(element, step.name);
    // Sysmon for Linux writes the user its own way.
    if (attribute == nullptr && step.field == Field::UserId) attribute = tree_.find_attribute(element, "UserId");
    return attribute != nullptr ? accept(Node{number, attribute}) : Bound(Formula::kFalse);
  }
  FormulaChain any(formula_, kOr);
  const SkeletonTree::Attribute* const attributes = tree_.attributes(element);
  for (std::uint32_t i = 0; i < element.attribute_count; ++i) {
    if (!spend()) return std::nullopt;
    if (attributes[i].is_declaration()) continue;
    if (any.add(accept(Node{number, &attributes[i]}))) break;
  }
  return any.finish();
}

}  // namespace events::xpath
