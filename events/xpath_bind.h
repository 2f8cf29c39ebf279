// XPath expressions over all events of one skeleton at once.

#pragma once

#include <cstdint>
#include <optional>

#include "events/formula.h"
#include "events/skeleton_tree.h"
#include "events/xpath.h"

namespace events::xpath {

/// What one Binder may cost and give: elements and expressions looked at, and nodes added to the formula.
inline constexpr std::size_t kMaxBindSteps = 4'000'000;
inline constexpr std::size_t kMaxFormulaNodes = 4'096;

/// Asks expressions of one program about the events of one skeleton: evaluate() with tests in place of values. One thread.
class Binder {
 public:
  /// All three must outlive it.
  Binder(const Program& program, const SkeletonTree& tree, Formula& formula)
      : program_(program), tree_(tree), formula_(formula), nodes_before_(formula.nodes().size()) {}

  /// Adds to the formula what evaluate() answers for each event, and returns the node. Nothing, and nothing added, where
  /// that depends on more than tests of single values, or is beyond the bounds.
  std::optional<std::uint32_t> bind(std::uint32_t expression);

 private:
  /// A node of the formula; nothing where the answer is none.
  using Bound = std::optional<std::uint32_t>;

  /// Where an expression is evaluated.
  struct Context {
    std::uint32_t element = SkeletonTree::kNone;  ///< kNone above the event
    std::optional<std::size_t> position;          ///< nothing where it depends on values
  };
  /// How many nodes have passed the predicates in front of one, if that is the same in all events.
  struct Counter {
    std::size_t count = 0;
    bool certain = true;
  };
  /// A matched node: an element, or an attribute of it.
  struct Node {
    std::uint32_t element = 0;
    const SkeletonTree::Attribute* attribute = nullptr;
  };

  Bound holds(std::uint32_t index, const Context& context);
  Bound all_or_any(Range range, bool decisive, const Context& context);
  Bound compare_node(const Expression& expression, const Node& node);
  Bound compare_time(const Expression& expression, const Node& node);
  Bound band(const Expression& expression, const Context& context);
  template <typename Accept>
  Bound any_bits(const BandOperand& operand, const Context& context, const Accept& accept);

  template <typename Accept>
  Bound any_node(Range path, const Context& context, const Accept& accept);
  template <typename Accept>
  Bound walk(const Step* step, const Step* last, std::uint32_t from, const Accept& accept);
  template <typename Accept>
  Bound enter(const Step* step, const Step* last, std::uint32_t element, Counter* counters, const Accept& accept);
  template <typename Accept>
  Bound any_attribute(const Step& step, std::uint32_t element, const Accept& accept);

  std::optional<SkeletonTree::Value> text_of(const Node& node, std::string& buffer) const;
  bool is_name(const Node& node) const;
  Bound test(ValueTest test);
  /// False when there is nothing left to spend.
  bool spend();

  const Program& program_;
  const SkeletonTree& tree_;
  Formula& formula_;
  const std::size_t nodes_before_;
  std::size_t steps_ = 0;
};

}  // namespace events::xpath
