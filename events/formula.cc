#include "events/formula.h"

#include <algorithm>

#include "events/raw_value.h"
#include "events/text_match.h"

namespace events {
namespace {

std::optional<std::uint64_t> bits_of(std::string_view text) {
  const auto number = parse_number(text);
  return number ? number->bits() : std::nullopt;
}

}  // namespace

bool ValueTest::holds(std::string_view raw, bool is_attribute, base::WallTime now, std::string_view raw_other) const {
  std::string buffer;
  const std::string_view text = plain_text(raw, is_attribute, buffer);
  switch (op) {
    case Op::Compare:
      return compare(text, comparison, constant, ignore_case);
    case Op::Band: {
      const auto value = bits_of(text);
      return value && (*value & bits) != 0;
    }
    case Op::BandValues: {
      std::string other_buffer;
      const auto value = bits_of(text);
      const auto other = bits_of(plain_text(raw_other, false, other_buffer));
      return value && other && (*value & *other) != 0;
    }
    case Op::TimeDiff: {
      const auto time = parse_time(text);
      return time && compare(difference(*time, now), comparison, constant);
    }
    case Op::Contains:
      return contains_ignoring_case(text, constant.text);
    case Op::HasWord:
      return has_word_ignoring_case(text, constant.text);
  }
  return false;
}

Number ValueTest::difference(base::WallTime value, base::WallTime now) const {
  const base::WallTime other = has_reference ? reference : now;
  return reference_is_first ? milliseconds_between(other, value) : milliseconds_between(value, other);
}

Truth Formula::constant() const {
  switch (nodes_[root_].op) {
    case Node::Op::False:
      return Truth::False;
    case Node::Op::True:
      return Truth::True;
    default:
      return Truth::Unknown;
  }
}

bool Formula::holds(const Skeleton& skeleton, std::span<const std::string_view> values, base::WallTime now) const {
  const auto& holes = skeleton.holes();
  return decide([&](const ValueTest& test) {
           const bool known = test.hole < values.size() && test.hole < holes.size() && test.other_hole < values.size();
           return known && test.holds(values[test.hole], holes[test.hole].is_attribute, now, values[test.other_hole])
                      ? Truth::True
                      : Truth::False;
         }) == Truth::True;
}

std::uint32_t Formula::add_constant(bool value) {
  return value ? kTrue : kFalse;
}

std::uint32_t Formula::add_node(Node node) {
  nodes_.push_back(node);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::uint32_t Formula::add_test(ValueTest test) {
  tests_.push_back(std::move(test));
  return add_node(Node{Node::Op::Test, static_cast<std::uint32_t>(tests_.size() - 1), 0});
}

std::uint32_t Formula::add_not(std::uint32_t node) {
  if (node == kFalse) return kTrue;
  if (node == kTrue) return kFalse;
  if (nodes_[node].op == Node::Op::Not) return nodes_[node].first;
  return add_node(Node{Node::Op::Not, node, 0});
}

std::uint32_t Formula::add_and(const std::vector<std::uint32_t>& nodes) {
  return add_chain(Node::Op::And, nodes);
}

std::uint32_t Formula::add_or(const std::vector<std::uint32_t>& nodes) {
  return add_chain(Node::Op::Or, nodes);
}

std::uint32_t Formula::add_chain(Node::Op op, const std::vector<std::uint32_t>& nodes) {
  const std::uint32_t decisive = op == Node::Op::Or ? kTrue : kFalse;
  const std::uint32_t neutral = op == Node::Op::Or ? kFalse : kTrue;
  if (std::find(nodes.begin(), nodes.end(), decisive) != nodes.end()) return decisive;
  std::vector<std::uint32_t> parts;
  for (const std::uint32_t node : nodes) {
    if (node == neutral) continue;
    const Node& part = nodes_[node];
    if (part.op == op) {
      // One level for what is one chain: whoever plans by the formula sees all its parts.
      parts.insert(parts.end(), links_.begin() + part.first, links_.begin() + part.first + part.count);
    } else {
      parts.push_back(node);
    }
  }
  if (parts.empty()) return neutral;
  if (parts.size() == 1) return parts.front();
  const auto first = static_cast<std::uint32_t>(links_.size());
  links_.insert(links_.end(), parts.begin(), parts.end());
  return add_node(Node{op, first, static_cast<std::uint32_t>(parts.size())});
}

void Formula::rewind(const Mark& mark) {
  nodes_.resize(mark.nodes);
  links_.resize(mark.links);
  tests_.erase(tests_.begin() + static_cast<std::ptrdiff_t>(mark.tests), tests_.end());
}

}  // namespace events
