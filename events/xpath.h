// The compiled form of XPath expressions: flat tables that point into each other by index, made once and then only read.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/xml/element.h"
#include "events/event.h"
#include "events/truth.h"
#include "events/value.h"

namespace events::xpath {

/// Bounds of one expression. Source: event-query, section 9.
inline constexpr std::size_t kMaxTokens = 10'000;
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxPredicatesOfStep = 8;

/// A run of entries in one of Program's tables.
struct Range {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

struct Step {
  bool attribute = false;
  bool any = false;  ///< *
  std::string name;
  Range predicates;  ///< of links: expressions
  /// What resolve() finds out: the field of System that the step reads, None where it reads none or it depends on the event.
  Field field = Field::None;
  /// What an element step leads to, for answers that need no XML.
  enum class Target : std::uint8_t { Elsewhere, Event, System, SystemChild };
  Target target = Target::Elsewhere;
};

/// One side of band(): a path, or bits.
struct BandOperand {
  bool is_path = false;
  Range path;  ///< of steps
  std::uint64_t bits = 0;
};

struct Expression {
  enum class Op : std::uint8_t {
    Or,        ///< of the expressions that `range` of links names
    And,       ///< likewise
    Not,       ///< of the expression `range.first`
    Exists,    ///< the path `range` of steps matches
    Compare,   ///< some node of the path compares with `constant`
    Band,      ///< bands[range.first] and bands[range.first + 1] have a bit in common
    TimeDiff,  ///< milliseconds between the time at the path and now, or `reference`, compare with `constant`
    Position,  ///< the context's position compares with `constant`
  };
  Op op = Op::Or;
  Comparison comparison = Comparison::Equal;
  Range range;
  std::uint32_t constant = 0;
  bool has_reference = false;
  bool reference_is_first = false;  ///< timediff('T', path)
  base::WallTime reference{};
};

struct Program {
  std::vector<Expression> expressions;
  std::vector<std::uint32_t> links;
  std::vector<Step> steps;
  std::vector<Constant> constants;
  std::vector<BandOperand> bands;
  /// Names below Event or System that no event has ("Bogus", "@Nmae"), each once.
  std::vector<std::string> unknown_names;
};

/// Adds `text` to `program` and returns the index of its expression. Errors: Win32::EvtInvalidQuery, with the reason and the
/// position in the text. Needs stack for kMaxDepth levels, however long the text is.
base::Result<std::uint32_t> compile(std::string_view text, Program& program);

/// The second half of compile(): finds out which steps read which System fields, and which names exist nowhere.
void resolve(Program& program, std::uint32_t expression);

using events::Truth;

/// Answers from the System fields alone, as evaluate() would from the XML of the same event, or Unknown.
Truth evaluate_system(const Program& program, std::uint32_t expression, const System& system, base::WallTime now);

/// Whether the event that `event` is the root of is selected.
bool evaluate(const Program& program, std::uint32_t expression, xml::Element event, base::WallTime now);

/// Whether `expression` selects events that cannot be read: only a bare * does.
bool selects_anything(const Program& program, std::uint32_t expression);

/// The difference that `expression`, a TimeDiff, compares for an event of that time.
Number time_difference(const Expression& expression, base::WallTime value, base::WallTime now);

}  // namespace events::xpath
