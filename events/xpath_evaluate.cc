#include <array>
#include <optional>

#include "events/xpath.h"

namespace events::xpath {
namespace {

using Op = Expression::Op;

/// A matched node: an element, or an attribute of it.
struct Node {
  xml::Element element;
  bool is_attribute = false;
  std::string_view attribute_name;
  std::string_view attribute_value;
};

/// The text of everything in `element`, in document order. The parser bounds the depth.
void append_deep_text(std::string& out, xml::Element element) {
  // Text between children is layout in events; what is directly inside stands before them.
  out += element.text();
  for (const xml::Element child : element.children()) append_deep_text(out, child);
}

class TreeEvaluator {
 public:
  TreeEvaluator(const Program& program, xml::Element event, base::WallTime now)
      : program_(program), event_(event), now_(now) {}

  bool holds_for_event(std::uint32_t expression) const { return holds(expression, Context{xml::Element(), 0, true}); }

 private:
  struct Context {
    xml::Element element;
    std::size_t position = 0;
    bool at_root = false;  ///< above the event
  };

  bool holds(std::uint32_t index, const Context& context) const {
    const Expression& expression = program_.expressions[index];
    switch (expression.op) {
      case Op::Or:
        for (std::uint32_t i = 0; i < expression.range.count; ++i) {
          if (holds(program_.links[expression.range.first + i], context)) return true;
        }
        return false;
      case Op::And:
        for (std::uint32_t i = 0; i < expression.range.count; ++i) {
          if (!holds(program_.links[expression.range.first + i], context)) return false;
        }
        return true;
      case Op::Not:
        return !holds(expression.range.first, context);
      case Op::Exists:
        return any_node(expression.range, context, [](const Node&) { return true; });
      case Op::Compare: {
        const Constant& constant = program_.constants[expression.constant];
        return any_node(expression.range, context, [&](const Node& node) {
          std::string buffer;
          const bool ignore_case = constant.type == Constant::Type::Text && is_name(node);
          return compare(text_of(node, buffer), expression.comparison, constant, ignore_case);
        });
      }
      case Op::Band: {
        const BandOperand& first = program_.bands[expression.range.first];
        const BandOperand& second = program_.bands[expression.range.first + 1];
        return any_bits(first, context, [&](std::uint64_t left) {
          return any_bits(second, context, [&](std::uint64_t right) { return (left & right) != 0; });
        });
      }
      case Op::TimeDiff: {
        const Constant& limit = program_.constants[expression.constant];
        return any_node(expression.range, context, [&](const Node& node) {
          std::string buffer;
          const auto time = parse_time(text_of(node, buffer));
          return time && compare(time_difference(expression, *time, now_), expression.comparison, limit);
        });
      }
      case Op::Position:
        return compare(Number::of(std::uint64_t{context.position}), expression.comparison,
                       program_.constants[expression.constant]);
    }
    return false;
  }

  /// Provider, channel and computer names compare without case. Source: event-query, section 3.3.
  bool is_name(const Node& node) const {
    const std::string_view element = node.element.local_name();
    const bool named = node.is_attribute ? element == "Provider" &&
                                               (node.attribute_name == "Name" || node.attribute_name == "EventSourceName")
                                         : element == "Channel" || element == "Computer";
    if (!named) return false;
    const xml::Element parent = node.element.parent();
    return parent.local_name() == "System" && parent.parent() == event_;
  }

  static std::string_view text_of(const Node& node, std::string& buffer) {
    if (node.is_attribute) return node.attribute_value;
    if (!node.element.first_child()) return node.element.text(buffer);
    append_deep_text(buffer, node.element);
    return buffer;
  }

  template <typename Accept>
  bool any_bits(const BandOperand& operand, const Context& context, Accept accept) const {
    if (!operand.is_path) return accept(operand.bits);
    return any_node(operand.path, context, [&](const Node& node) {
      std::string buffer;
      const auto number = parse_number(text_of(node, buffer));
      const auto bits = number ? number->bits() : std::nullopt;
      return bits && accept(*bits);
    });
  }

  /// Whether `accept` says yes to one of the nodes at the path, in document order.
  template <typename Accept>
  bool any_node(Range path, const Context& context, const Accept& accept) const {
    const Step* const first = program_.steps.data() + path.first;
    const Step* const last = first + path.count;
    if (!context.at_root) return walk(first, last, context.element, accept);
    // The event is the only child of the root, and the compiler has seen to it that the step's name fits.
    Counters counters{};
    return enter(first, last, event_, counters, accept);
  }

  /// How many nodes have passed the predicates in front of each: the positions in XPath's sense.
  using Counters = std::array<std::size_t, kMaxPredicatesOfStep>;

  /// Depth: one level for each level of the document.
  template <typename Accept>
  bool walk(const Step* step, const Step* last, xml::Element from, const Accept& accept) const {
    if (step->attribute) return any_attribute(*step, from, accept);
    Counters counters{};
    for (const xml::Element child : from.children()) {
      if (!step->any && child.local_name() != step->name) continue;
      if (enter(step, last, child, counters, accept)) return true;
    }
    return false;
  }

  template <typename Accept>
  bool enter(const Step* step, const Step* last, xml::Element element, Counters& counters, const Accept& accept) const {
    for (std::uint32_t i = 0; i < step->predicates.count; ++i) {
      const Context context{element, ++counters[i], false};
      if (!holds(program_.links[step->predicates.first + i], context)) return false;
    }
    if (step + 1 == last) return accept(Node{element});
    return walk(step + 1, last, element, accept);
  }

  template <typename Accept>
  bool any_attribute(const Step& step, xml::Element element, const Accept& accept) const {
    if (step.any) {
      bool found = false;
      element.for_each_attribute([&](const xml::Element::Attribute& attribute) {
        const bool declaration = attribute.name == "xmlns" || attribute.name.starts_with("xmlns:");
        found = found || (!declaration && accept(Node{element, true, attribute.name, attribute.value}));
      });
      return found;
    }
    auto value = element.attribute(step.name);
    // Sysmon for Linux writes the user its own way.
    if (!value && step.field == Field::UserId) value = element.attribute("UserId");
    return value && accept(Node{element, true, step.name, *value});
  }

  const Program& program_;
  xml::Element event_;
  base::WallTime now_;
};

Truth truth(bool value) {
  return value ? Truth::True : Truth::False;
}

/// Evaluates over the fields of System. Each answer but Unknown is the tree evaluator's for the same event: a field is only
/// used where the XML states it once and plainly, which also means that the elements above it are there and are single.
class SystemEvaluator {
 public:
  SystemEvaluator(const Program& program, const System& system, base::WallTime now)
      : program_(program), system_(system), now_(now) {}

  Truth holds(std::uint32_t index) const {
    const Expression& expression = program_.expressions[index];
    switch (expression.op) {
      case Op::Or:
        return all_or_any(expression.range, Truth::True);
      case Op::And:
        return all_or_any(expression.range, Truth::False);
      case Op::Not: {
        const Truth inner = holds(expression.range.first);
        return inner == Truth::Unknown ? inner : truth(inner == Truth::False);
      }
      case Op::Exists:
        return read(expression.range).exists;
      case Op::Compare: {
        const Reading reading = read(expression.range);
        if (reading.on_way != Truth::True) return reading.on_way;
        return compare_field(reading.field, expression.comparison, program_.constants[expression.constant]);
      }
      case Op::Band: {
        const Bits first = bits_of(program_.bands[expression.range.first]);
        const Bits second = bits_of(program_.bands[expression.range.first + 1]);
        if (first.there == Truth::False || second.there == Truth::False) return Truth::False;
        if (first.there != Truth::True || second.there != Truth::True) return Truth::Unknown;
        return truth((first.bits & second.bits) != 0);
      }
      case Op::TimeDiff: {
        const Reading reading = read(expression.range);
        if (reading.on_way != Truth::True) return reading.on_way;
        if (reading.field != Field::Time || !system_.knows(Field::Time)) return Truth::Unknown;
        return truth(compare(time_difference(expression, system_.time, now_), expression.comparison,
                             program_.constants[expression.constant]));
      }
      case Op::Position:
        break;
    }
    return Truth::Unknown;
  }

 private:
  /// What a path comes to.
  struct Reading {
    Truth on_way = Truth::Unknown;  ///< every predicate on it; False where no node can match
    Truth exists = Truth::Unknown;  ///< a node matches
    Field field = Field::None;      ///< what is at its end
  };

  struct Bits {
    Truth there = Truth::Unknown;
    std::uint64_t bits = 0;
  };

  /// `decisive` ends the search: True for or, False for and.
  Truth all_or_any(Range range, Truth decisive) const {
    bool unknown = false;
    for (std::uint32_t i = 0; i < range.count; ++i) {
      const Truth part = holds(program_.links[range.first + i]);
      if (part == decisive) return decisive;
      unknown = unknown || part == Truth::Unknown;
    }
    if (unknown) return Truth::Unknown;
    return decisive == Truth::True ? Truth::False : Truth::True;
  }

  Reading read(Range path) const {
    Reading reading;
    bool unknown = false;
    bool seen = false;  // the node that the steps so far lead to is certainly there
    for (std::uint32_t i = 0; i < path.count; ++i) {
      const Step& step = program_.steps[path.first + i];
      reading.field = step.field;
      if (step.attribute ? step.field == Field::None : step.target == Step::Target::Elsewhere) return {};
      seen = (step.field != Field::None && system_.knows(step.field)) || step.target == Step::Target::Event ||
             (step.target == Step::Target::System && system_.known != 0);
      for (std::uint32_t k = 0; k < step.predicates.count; ++k) {
        const Truth predicate = holds(program_.links[step.predicates.first + k]);
        if (predicate == Truth::False) return Reading{Truth::False, Truth::False, Field::None};
        unknown = unknown || predicate == Truth::Unknown;
        // What a predicate has found below the node proves that the node is there.
        seen = seen || predicate == Truth::True;
      }
    }
    if (unknown) return {};
    reading.on_way = Truth::True;
    reading.exists = seen ? Truth::True : Truth::Unknown;
    return reading;
  }

  Bits bits_of(const BandOperand& operand) const {
    if (!operand.is_path) return Bits{Truth::True, operand.bits};
    const Reading reading = read(operand.path);
    if (reading.on_way != Truth::True) return Bits{reading.on_way, 0};
    const auto number = number_of(reading.field);
    return number ? Bits{Truth::True, *number} : Bits{};
  }

  /// The value of a known numeric field.
  std::optional<std::uint64_t> number_of(Field field) const {
    if (!system_.knows(field)) return std::nullopt;
    switch (field) {
      case Field::EventId:
        return system_.event_id;
      case Field::Qualifiers:
        return system_.qualifiers;
      case Field::Version:
        return system_.version;
      case Field::Level:
        return system_.level;
      case Field::Task:
        return system_.task;
      case Field::Opcode:
        return system_.opcode;
      case Field::Keywords:
        return system_.keywords;
      case Field::RecordId:
        return system_.record_id;
      case Field::ProcessId:
        return system_.process_id;
      case Field::ThreadId:
        return system_.thread_id;
      default:
        return std::nullopt;
    }
  }

  const std::string* text_of(Field field) const {
    if (!system_.knows(field)) return nullptr;
    switch (field) {
      case Field::Provider:
        return &system_.provider;
      case Field::ProviderGuid:
        return &system_.provider_guid;
      case Field::EventSourceName:
        return &system_.event_source_name;
      case Field::ActivityId:
        return &system_.activity_id;
      case Field::RelatedActivityId:
        return &system_.related_activity_id;
      case Field::Channel:
        return &system_.channel;
      case Field::Computer:
        return &system_.computer;
      case Field::UserId:
        return &system_.user_id;
      default:
        return nullptr;
    }
  }

  Truth compare_field(Field field, Comparison comparison, const Constant& constant) const {
    if (const auto number = number_of(field)) {
      if (constant.type != Constant::Type::Number) return Truth::Unknown;
      return truth(compare(Number::of(*number), comparison, constant));
    }
    if (const std::string* const text = text_of(field)) {
      const bool ignore_case =
          field == Field::Provider || field == Field::EventSourceName || field == Field::Channel || field == Field::Computer;
      return truth(compare(*text, comparison, constant, ignore_case));
    }
    if (field == Field::Time && system_.knows(field) && constant.type == Constant::Type::Time) {
      return truth(compare(system_.time, comparison, constant));
    }
    return Truth::Unknown;
  }

  const Program& program_;
  const System& system_;
  base::WallTime now_;
};

bool is_bare_star(const Program& program, Range path) {
  if (path.count != 1) return false;
  const Step& step = program.steps[path.first];
  return step.any && !step.attribute && step.predicates.count == 0;
}

}  // namespace

Truth evaluate_system(const Program& program, std::uint32_t expression, const System& system, base::WallTime now) {
  return SystemEvaluator(program, system, now).holds(expression);
}

bool evaluate(const Program& program, std::uint32_t expression, xml::Element event, base::WallTime now) {
  return TreeEvaluator(program, event, now).holds_for_event(expression);
}

bool selects_anything(const Program& program, std::uint32_t index) {
  const Expression& expression = program.expressions[index];
  const auto part = [&](std::uint32_t i) { return selects_anything(program, program.links[expression.range.first + i]); };
  switch (expression.op) {
    case Op::Or:
      for (std::uint32_t i = 0; i < expression.range.count; ++i) {
        if (part(i)) return true;
      }
      return false;
    case Op::And:
      for (std::uint32_t i = 0; i < expression.range.count; ++i) {
        if (!part(i)) return false;
      }
      return true;
    case Op::Exists:
      return is_bare_star(program, expression.range);
    default:
      return false;
  }
}

Number time_difference(const Expression& expression, base::WallTime value, base::WallTime now) {
  const base::WallTime other = expression.has_reference ? expression.reference : now;
  return expression.reference_is_first ? milliseconds_between(other, value) : milliseconds_between(value, other);
}

}  // namespace events::xpath
