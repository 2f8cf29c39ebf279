#include <array>

#include "events/xpath.h"

namespace events::xpath {
namespace {

using Op = Expression::Op;

/// Where an expression stands in an event, as far as that is certain before there is one.
enum class Place : std::uint8_t {
  Root,  ///< above the event
  Event,
  System,
  Provider,
  EventId,
  Version,
  Level,
  Task,
  Opcode,
  Keywords,
  TimeCreated,
  RecordId,
  Correlation,
  Execution,
  Channel,
  Computer,
  Container,
  Security,
  Elsewhere,
};

struct Child {
  std::string_view name;
  Place place;
  Field field;  ///< that its text is
};

// Source: event-xml, section 3.
constexpr std::array kSystemChildren{
    Child{"Provider", Place::Provider, Field::None},
    Child{"EventID", Place::EventId, Field::EventId},
    Child{"Version", Place::Version, Field::Version},
    Child{"Level", Place::Level, Field::Level},
    Child{"Task", Place::Task, Field::Task},
    Child{"Opcode", Place::Opcode, Field::Opcode},
    Child{"Keywords", Place::Keywords, Field::Keywords},
    Child{"TimeCreated", Place::TimeCreated, Field::None},
    Child{"EventRecordID", Place::RecordId, Field::RecordId},
    Child{"Correlation", Place::Correlation, Field::None},
    Child{"Execution", Place::Execution, Field::None},
    Child{"Channel", Place::Channel, Field::Channel},
    Child{"Computer", Place::Computer, Field::Computer},
    Child{"Container", Place::Container, Field::None},
    Child{"Security", Place::Security, Field::None},
};

struct Attribute {
  Place place;
  std::string_view name;
  Field field;
};

constexpr std::array kAttributes{
    Attribute{Place::Provider, "Name", Field::Provider},
    Attribute{Place::Provider, "Guid", Field::ProviderGuid},
    Attribute{Place::Provider, "EventSourceName", Field::EventSourceName},
    Attribute{Place::EventId, "Qualifiers", Field::Qualifiers},
    Attribute{Place::TimeCreated, "SystemTime", Field::Time},
    Attribute{Place::TimeCreated, "RawTime", Field::None},
    Attribute{Place::Correlation, "ActivityID", Field::ActivityId},
    Attribute{Place::Correlation, "RelatedActivityID", Field::RelatedActivityId},
    Attribute{Place::Execution, "ProcessID", Field::ProcessId},
    Attribute{Place::Execution, "ThreadID", Field::ThreadId},
    Attribute{Place::Execution, "ProcessorID", Field::None},
    Attribute{Place::Execution, "SessionID", Field::None},
    Attribute{Place::Execution, "KernelTime", Field::None},
    Attribute{Place::Execution, "UserTime", Field::None},
    Attribute{Place::Execution, "ProcessorTime", Field::None},
    Attribute{Place::Security, "UserID", Field::UserId},
    Attribute{Place::Security, "UserId", Field::None},
};

// Source: event-xml, sections 2, 4 and 5.
constexpr std::array<std::string_view, 8> kEventChildren{
    "System",          "EventData",           "UserData",      "DebugData",
    "BinaryEventData", "ProcessingErrorData", "RenderingInfo", "SubscriptionBookmarkEvent"};

bool is_event_child(std::string_view name) {
  for (const std::string_view child : kEventChildren) {
    if (child == name) return true;
  }
  return false;
}

/// Recurses as deep as the compiler's nesting at most.
class Resolver {
 public:
  explicit Resolver(Program& program) : program_(program) {}

  void expression(std::uint32_t index, Place place) {
    const Expression expression = program_.expressions[index];
    switch (expression.op) {
      case Op::Or:
      case Op::And:
        links(expression.range, place);
        break;
      case Op::Not:
        this->expression(expression.range.first, place);
        break;
      case Op::Exists:
      case Op::Compare:
      case Op::TimeDiff:
        path(expression.range, place);
        break;
      case Op::Band:
        for (std::uint32_t i = 0; i < expression.range.count; ++i) {
          const BandOperand& operand = program_.bands[expression.range.first + i];
          if (operand.is_path) path(operand.path, place);
        }
        break;
      case Op::Position:
        break;
    }
  }

 private:
  void links(Range range, Place place) {
    for (std::uint32_t i = 0; i < range.count; ++i) expression(program_.links[range.first + i], place);
  }

  void path(Range range, Place place) {
    for (std::uint32_t i = 0; i < range.count; ++i) {
      Step& step = program_.steps[range.first + i];
      if (step.attribute) {
        attribute(step, place);
      } else {
        place = element(step, place);
        step.target = target_of(place);
        links(step.predicates, place);
      }
    }
  }

  static Step::Target target_of(Place place) {
    switch (place) {
      case Place::Root:
      case Place::Elsewhere:
        return Step::Target::Elsewhere;
      case Place::Event:
        return Step::Target::Event;
      case Place::System:
        return Step::Target::System;
      default:
        return Step::Target::SystemChild;
    }
  }

  Place element(Step& step, Place place) {
    if (place == Place::Root) return Place::Event;
    if (step.any) return Place::Elsewhere;
    if (place == Place::Event) {
      if (step.name == "System") return Place::System;
      if (!is_event_child(step.name)) add_unknown(step.name);
    } else if (place == Place::System) {
      for (const Child& child : kSystemChildren) {
        if (child.name != step.name) continue;
        step.field = child.field;
        return child.place;
      }
      add_unknown(step.name);
    }
    return Place::Elsewhere;
  }

  void attribute(Step& step, Place place) {
    if (step.any || place == Place::Elsewhere || place == Place::Event) return;
    for (const Attribute& attribute : kAttributes) {
      if (attribute.place != place || attribute.name != step.name) continue;
      step.field = attribute.field;
      return;
    }
    add_unknown("@" + step.name);
  }

  void add_unknown(const std::string& name) {
    for (const std::string& known : program_.unknown_names) {
      if (known == name) return;
    }
    program_.unknown_names.push_back(name);
  }

  Program& program_;
};

}  // namespace

void resolve(Program& program, std::uint32_t expression) {
  Resolver(program).expression(expression, Place::Root);
}

}  // namespace events::xpath
