#include "storage/search_plan.h"

#include <algorithm>

#include "engine/base/iso8601.h"

namespace storage {
namespace {

using events::Comparison;
using events::Truth;
using events::ValueTest;

// With more key ranges than this, tests of the same value in several kinds of events share one.
constexpr std::size_t kNarrowRanges = 64;
// Of all formulas together, a test counting as eight. A long query put to thousands of templates would take gigabytes: the
// events of templates beyond these are asked one by one.
constexpr std::size_t kMaxBoundNodes = 2'000'000;
// Tests of times beyond these are not worth remembering.
constexpr std::size_t kMaxKnownTimes = 32;
// Whole seconds within what nanoseconds since 1970 can tell.
constexpr std::int64_t kLatest = 9'223'372'036'000'000'000;

constexpr TimeSpan kNever{1, 0};

bool is_order(Comparison comparison) {
  return comparison != Comparison::Equal && comparison != Comparison::NotEqual;
}

bool same(const ValueTest& left, const ValueTest& right) {
  return left.op == right.op && left.comparison == right.comparison && left.constant.type == right.constant.type &&
         left.constant.text == right.constant.text && left.constant.time == right.constant.time &&
         events::compare(left.constant.number, right.constant.number) == 0 && left.has_reference == right.has_reference &&
         left.reference_is_first == right.reference_is_first && left.reference == right.reference;
}

// When a test of an order between times holds: it changes its mind only once on the way from the first to the last time.
TimeSpan ordered_times(const ValueTest& test, bool is_attribute, base::WallTime now) {
  const auto holds = [&](std::int64_t time) {
    return test.holds(base::format_utc(base::WallTime(std::chrono::nanoseconds(time)), 9), is_attribute, now);
  };
  const bool first = holds(-kLatest);
  if (first == holds(kLatest)) return first ? TimeSpan{} : kNever;
  std::int64_t low = -kLatest;
  std::int64_t high = kLatest;
  while (static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) > 1) {
    const auto distance = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    const auto middle = static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + distance / 2);
    (holds(middle) == first ? low : high) = middle;
  }
  TimeSpan span;
  (first ? span.last : span.first) = first ? low : high;
  return span;
}

}  // namespace

SearchPlan::SearchPlan(const events::Query& query, const std::optional<events::TextSearch>& text, const std::string& path,
                       base::WallTime now)
    : query_(query), text_(text), path_(path), now_(now) {}

const SearchPlan::Shape& SearchPlan::shape(std::uint32_t template_id, const TemplateSource& templates) {
  if (const auto known = shapes_.find(template_id); known != shapes_.end()) return *known->second;
  auto shape = std::make_unique<Shape>();
  if (template_id != kWholeTemplate) {
    // Where it cannot be found, opening the block will say so.
    if (auto skeleton = templates.find(template_id); skeleton.ok()) shape->skeleton = std::move(*skeleton);
  }
  if (shape->skeleton && bound_nodes_ < kMaxBoundNodes) bind(*shape);
  return *shapes_.emplace(template_id, std::move(shape)).first->second;
}

void SearchPlan::bind(Shape& shape) {
  events::Formula formula;
  auto root = query_.bind(*shape.skeleton, path_, formula);
  if (root && text_) {
    const auto text = text_->bind(*shape.skeleton, formula);
    root = text ? std::optional(formula.add_and({*root, *text})) : std::nullopt;
  }
  if (!root) return;
  formula.finish(*root);
  shape.constant = formula.constant();
  shape.formula = std::move(formula);
  for (const auto& test : shape.formula->tests()) {
    shape.tests.push_back(test_of(test, *shape.skeleton));
    shape.has_keys = shape.has_keys || shape.tests.back().kind == Test::Kind::Keys;
  }
  bound_nodes_ += shape.formula->nodes().size() + 8 * shape.formula->tests().size();
}

SearchPlan::Test SearchPlan::test_of(const ValueTest& test, const events::Skeleton& skeleton) {
  Test answer;
  if (test.op != ValueTest::Op::Compare && test.op != ValueTest::Op::TimeDiff) return answer;
  const auto& hole = skeleton.holes()[test.hole];
  if (hole.field == events::Field::Time) {
    bool found = false;
    answer.span = times_of(test, hole.is_attribute, found);
    if (found) answer.kind = Test::Kind::Time;
    return answer;
  }
  if (test.op != ValueTest::Op::Compare) return answer;
  const auto& system = skeleton.system();
  std::optional<std::uint16_t> event_id;
  if (system.knows(events::Field::EventId)) event_id = system.event_id;
  auto range = keys_of(test, hole, event_id);
  if (range && ranges_.size() >= kNarrowRanges) range = keys_of(test, hole, std::nullopt);
  if (!range) return answer;
  answer.kind = Test::Kind::Keys;
  answer.slot = slot_of(*range);
  return answer;
}

TimeSpan SearchPlan::times_of(const ValueTest& test, bool is_attribute, bool& found) {
  const bool compares = test.op == ValueTest::Op::Compare;
  if (compares && test.constant.type != events::Constant::Type::Time) return {};
  if (compares && test.comparison == Comparison::Equal) {
    found = true;
    const auto time = test.constant.time.time_since_epoch().count();
    return {time, time};
  }
  if (!is_order(test.comparison)) return {};
  found = true;
  // All templates have the same few tests.
  for (const auto& known : known_times_) {
    if (known.is_attribute == is_attribute && same(known.test, test)) return known.span;
  }
  const auto span = ordered_times(test, is_attribute, now_);
  if (known_times_.size() < kMaxKnownTimes) known_times_.push_back({test, is_attribute, span});
  return span;
}

std::uint32_t SearchPlan::slot_of(ValueKeyRange range) {
  const auto key = std::uint64_t{range.first} << 32 | range.last;
  const auto [place, added] = slots_.try_emplace(key, static_cast<std::uint32_t>(ranges_.size()));
  if (added) ranges_.push_back(range);
  return place->second;
}

Truth SearchPlan::decide_time(TimeSpan test, TimeSpan times) {
  // Times beyond these were cut to them, and do not compare as they did.
  if (times.first < -kLatest || times.last > kLatest) return Truth::Unknown;
  if (test.first > test.last || times.last < test.first || times.first > test.last) return Truth::False;
  // An event without a readable time counts as of 1970, and satisfies nothing.
  const bool may_lack = times.first <= 0 && times.last >= 0;
  return !may_lack && test.first <= times.first && times.last <= test.last ? Truth::True : Truth::Unknown;
}

bool SearchPlan::selects(const events::Event& event) const {
  return query_.matches(event, path_, now_) && (!text_ || text_->matches(event));
}

}  // namespace storage
