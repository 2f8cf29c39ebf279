// What is left of a query once it is known what kind of event is asked: tests of values, joined by and, or, not.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "events/skeleton.h"
#include "events/truth.h"
#include "events/value.h"

namespace events {

/// One test of the values of one event.
struct ValueTest {
  enum class Op : std::uint8_t {
    Compare,     ///< the value compares with `constant`
    Band,        ///< the value and `bits` share a bit
    BandValues,  ///< the value and that of `other_hole` share a bit
    TimeDiff,    ///< milliseconds between the value and now, or `reference`, compare with `constant`
    Contains,    ///< the text contains `constant.text`, ASCII letters compared without case
    HasWord,     ///< the same, with no letter, digit or byte above 127 on either side of it
  };
  Op op = Op::Compare;
  std::uint32_t hole = 0;
  std::uint32_t other_hole = 0;
  Comparison comparison = Comparison::Equal;
  bool ignore_case = false;
  Constant constant;
  std::uint64_t bits = 0;
  bool has_reference = false;
  bool reference_is_first = false;
  base::WallTime reference{};

  /// Answers for a raw value, as Splitter cuts it: references are resolved here, and white space alone is the empty text in
  /// an element. `raw_other` matters for BandValues only.
  bool holds(std::string_view raw, bool is_attribute, base::WallTime now, std::string_view raw_other = {}) const;
  /// What TimeDiff compares for a value that is known to be this time.
  Number difference(base::WallTime value, base::WallTime now) const;
};

/// A Boolean formula over the values of the events of one skeleton. False until it is finished. A value.
class Formula {
 public:
  struct Node {
    enum class Op : std::uint8_t { False, True, And, Or, Not, Test };
    Op op = Op::False;
    /// Test: the index into tests(). Not: the node. And, Or: the first of `count` entries of links().
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<std::uint32_t>& links() const { return links_; }
  const std::vector<ValueTest>& tests() const { return tests_; }
  std::uint32_t root() const { return root_; }

  /// True or False where no value matters.
  Truth constant() const;

  /// The answer for one event. `values` as Splitter cuts them.
  bool holds(const Skeleton& skeleton, std::span<const std::string_view> values, base::WallTime now) const;

  /// The answer where each test is answered by `ask(const ValueTest&) -> Truth`: for deciding about many events at once.
  template <typename Ask>
  Truth decide(const Ask& ask) const {
    return decide_node(root_, ask);
  }

  /// Making one: each returns the new node's index; constants are folded on the way. finish() makes `root` the root.
  std::uint32_t add_constant(bool value);
  std::uint32_t add_test(ValueTest test);
  std::uint32_t add_not(std::uint32_t node);
  std::uint32_t add_and(const std::vector<std::uint32_t>& nodes);
  std::uint32_t add_or(const std::vector<std::uint32_t>& nodes);
  void finish(std::uint32_t root) { root_ = root; }

  /// Forgets what was added since: for a part that has come to a constant. No node that stays may refer to what goes.
  struct Mark {
    std::size_t nodes = 0;
    std::size_t links = 0;
    std::size_t tests = 0;
  };
  Mark mark() const { return Mark{nodes_.size(), links_.size(), tests_.size()}; }
  void rewind(const Mark& mark);

  /// The nodes that every formula has.
  static constexpr std::uint32_t kFalse = 0;
  static constexpr std::uint32_t kTrue = 1;

 private:
  std::uint32_t add_node(Node node);
  std::uint32_t add_chain(Node::Op op, const std::vector<std::uint32_t>& nodes);

  template <typename Ask>
  Truth decide_node(std::uint32_t index, const Ask& ask) const {
    const Node& node = nodes_[index];
    switch (node.op) {
      case Node::Op::False:
        return Truth::False;
      case Node::Op::True:
        return Truth::True;
      case Node::Op::Test:
        return ask(tests_[node.first]);
      case Node::Op::Not: {
        const Truth inner = decide_node(node.first, ask);
        return inner == Truth::Unknown ? inner : (inner == Truth::True ? Truth::False : Truth::True);
      }
      case Node::Op::And:
      case Node::Op::Or: {
        const Truth decisive = node.op == Node::Op::Or ? Truth::True : Truth::False;
        bool unknown = false;
        for (std::uint32_t i = 0; i < node.count; ++i) {
          const Truth part = decide_node(links_[node.first + i], ask);
          if (part == decisive) return decisive;
          unknown = unknown || part == Truth::Unknown;
        }
        if (unknown) return Truth::Unknown;
        return decisive == Truth::True ? Truth::False : Truth::True;
      }
    }
    return Truth::Unknown;
  }

  std::vector<Node> nodes_{Node{Node::Op::False}, Node{Node::Op::True}};
  std::vector<std::uint32_t> links_;
  std::vector<ValueTest> tests_;
  std::uint32_t root_ = kFalse;
};

}  // namespace events
