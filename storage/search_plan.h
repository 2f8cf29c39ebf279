// What a search asks of the blocks of one log: which of them can be passed over, and which of their events are selected.

#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "events/formula.h"
#include "events/query.h"
#include "events/skeleton.h"
#include "events/text_search.h"
#include "storage/block.h"
#include "storage/value_key.h"

namespace storage {

/// Points in time, ns since 1970, both ends included; empty where the first one is behind the last.
struct TimeSpan {
  std::int64_t first = std::numeric_limits<std::int64_t>::min();
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
};

/// A query and a text, put to each template once. One thread.
class SearchPlan {
 public:
  /// `query`, `text` and `path` must outlive the plan.
  SearchPlan(const events::Query& query, const std::optional<events::TextSearch>& text, const std::string& path,
             base::WallTime now);

  /// A test as it can be answered for a whole block.
  struct Test {
    enum class Kind : std::uint8_t {
      Open,  ///< only the values know
      Time,  ///< holds for events whose time is in `span`
      Keys,  ///< holds only where the block has a key of key_ranges()[slot]
    };
    Kind kind = Kind::Open;
    TimeSpan span;
    std::uint32_t slot = 0;
  };

  /// A template in the eyes of the plan.
  struct Shape {
    std::shared_ptr<const events::Skeleton> skeleton;  ///< null for whole events and where it cannot be found
    std::optional<events::Formula> formula;            ///< nothing where events are asked one by one
    events::Truth constant = events::Truth::Unknown;
    std::vector<Test> tests;  ///< like formula->tests()
    bool has_keys = false;
  };
  /// Valid as long as the plan.
  const Shape& shape(std::uint32_t template_id, const TemplateSource& templates);

  /// The answer for all events of a template with times in `times`. `may_hold(slot)` says whether a value of that key range
  /// can be among them.
  template <typename MayHold>
  events::Truth decide(const Shape& shape, TimeSpan times, const MayHold& may_hold) const {
    if (!shape.formula || shape.constant != events::Truth::Unknown) return shape.constant;
    const events::ValueTest* const first = shape.formula->tests().data();
    return shape.formula->decide([&](const events::ValueTest& asked) {
      const Test& test = shape.tests[static_cast<std::size_t>(&asked - first)];
      if (test.kind == Test::Kind::Time) return decide_time(test.span, times);
      if (test.kind == Test::Kind::Keys && !may_hold(test.slot)) return events::Truth::False;
      return events::Truth::Unknown;
    });
  }
  /// From the times alone.
  events::Truth decide(const Shape& shape, TimeSpan times) const {
    return decide(shape, times, [](std::uint32_t) { return true; });
  }

  std::span<const ValueKeyRange> key_ranges() const { return ranges_; }
  bool selects(const events::Event& event) const;
  base::WallTime now() const { return now_; }

 private:
  static events::Truth decide_time(TimeSpan test, TimeSpan times);
  Test test_of(const events::ValueTest& test, const events::Skeleton& skeleton);
  TimeSpan times_of(const events::ValueTest& test, bool is_attribute, bool& found);
  std::uint32_t slot_of(ValueKeyRange range);
  void bind(Shape& shape);

  const events::Query& query_;
  const std::optional<events::TextSearch>& text_;
  const std::string& path_;
  base::WallTime now_;
  std::unordered_map<std::uint32_t, std::unique_ptr<const Shape>> shapes_;
  std::size_t bound_nodes_ = 0;
  std::vector<ValueKeyRange> ranges_;
  std::unordered_map<std::uint64_t, std::uint32_t> slots_;
  struct KnownTimes {
    events::ValueTest test;
    bool is_attribute = false;
    TimeSpan span;
  };
  std::vector<KnownTimes> known_times_;
};

}  // namespace storage
