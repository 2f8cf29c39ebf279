#include "storage/event_count.h"

#include <memory>
#include <unordered_map>

#include "storage/block_search.h"
#include "storage/count_keys.h"
#include "storage/event_search.h"

namespace storage {
namespace {

using events::Truth;
using KeyId = CountGroups::KeyId;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
// The clock is asked each time so many summaries have been enough.
constexpr std::size_t kBlocksPerClock = 64;

/// Rounded down; the first one that time can tell for what lies before it.
std::int64_t bucket_of(std::int64_t time, std::int64_t length) {
  if (length == 0) return 0;
  auto bucket = time / length;
  if (time % length < 0) --bucket;
  if (bucket < std::numeric_limits<std::int64_t>::min() / length) ++bucket;
  return bucket * length;
}

/// What an hour and a block have in common.
TimeSpan hour_within(std::int32_t hour, TimeSpan times) {
  // Whole hours since 1970 can be more than nanoseconds tell, where a file is damaged.
  constexpr std::int64_t kMostHours = std::numeric_limits<std::int64_t>::max() / kHour - 1;
  if (hour > kMostHours || hour < -kMostHours) return times;
  const auto start = std::int64_t{hour} * kHour;
  return {std::max(start, times.first), std::min(start + kHour - 1, times.last)};
}

class LogCounter {
 public:
  LogCounter(LogSource& source, const CountRequest& request, LogRow log, base::Clock& clock, const CancelFlag& cancelled,
             CountGroups& groups)
      : source_(source),
        request_(request),
        clock_(clock),
        name_(log.log.properties.name),
        plan_(request.query, request.text, name_, clock.wall()),
        scan_(source, plan_, std::move(log), Direction::OldestFirst, std::nullopt, cancelled),
        groups_(groups) {
    // A span beyond all of time is all of time.
    const auto seconds = std::min<std::int64_t>(request.bucket.count(), std::numeric_limits<std::int64_t>::max() / kSecond);
    bucket_ = std::max<std::int64_t>(seconds, 0) * kSecond;
  }

  base::Result<void> begin() { return scan_.begin(); }

  /// False where the time was over first.
  base::Result<bool> run() {
    for (std::size_t blocks = 1;; ++blocks) {
      ASSIGN_OR_RETURN(const bool more, scan_.next());
      if (!more) return true;
      opened_ = false;
      auto done = count_block();
      if (!done.ok()) RETURN_IF_ERROR(scan_.give_up(done.error()));
      if ((opened_ || blocks % kBlocksPerClock == 0) && clock_.steady() >= request_.until) return false;
    }
  }

  const LogRow& log() const { return scan_.log(); }
  std::uint64_t unreadable() const { return scan_.unreadable(); }

 private:
  /// How the events of a template are counted.
  struct Counted {
    bool from_summary = false;  ///< every key is a constant
    bool from_text = false;     ///< some key stands in the event's text only
    std::vector<KeyPlace> places;
    std::vector<KeyId> keys;  ///< of the constant ones
  };
  using Counts = std::vector<BlockSummary::Count>;

  const Counted& counted(std::uint32_t template_id) {
    auto& known = counted_[template_id];
    if (known) return *known;
    known = std::make_unique<Counted>();
    const auto& shape = scan_.shape(template_id);
    known->from_summary = true;
    for (const auto by : request_.by) {
      KeyPlace place;
      if (shape.skeleton) {
        place = place_of(by, *shape.skeleton, name_);
      } else if (by == CountBy::Log) {
        place.kind = KeyPlace::Kind::Constant;
        place.constant = name_;
      } else if (by == CountBy::Machine) {
        place.kind = KeyPlace::Kind::Sender;
      }
      known->from_summary = known->from_summary && place.kind == KeyPlace::Kind::Constant;
      known->from_text = known->from_text || place.kind == KeyPlace::Kind::Text;
      known->keys.push_back(place.kind == KeyPlace::Kind::Constant ? groups_.id_of(place.constant) : 0);
      known->places.push_back(std::move(place));
    }
    return *known;
  }

  /// Adds to `sure` what the summary tells of a template in the current block; false where the rows have to be asked.
  bool count_summary(Counts::const_iterator first, Counts::const_iterator last, Counts& sure) {
    const auto id = first->template_id;
    const auto answer = scan_.decide(id, scan_.times());
    if (answer == Truth::False) return true;
    if (!scan_.all_in_view() || bucket_ % kHour != 0 || !counted(id).from_summary) return false;
    const auto before = sure.size();
    for (auto count = first; count != last; ++count) {
      auto of_hour = answer;
      if (answer == Truth::Unknown) of_hour = scan_.decide(id, hour_within(count->hour, scan_.times()));
      if (of_hour == Truth::Unknown) {
        sure.resize(before);
        return false;
      }
      if (of_hour == Truth::True) sure.push_back(*count);
    }
    return true;
  }

  base::Result<void> count_block() {
    const auto& counts = scan_.summary().counts;
    Counts sure;
    std::vector<std::uint32_t> open;  // templates whose rows have to be asked, rising
    for (auto first = counts.begin(); first != counts.end();) {
      auto last = first;
      while (last != counts.end() && last->template_id == first->template_id) ++last;
      if (!count_summary(first, last, sure)) open.push_back(first->template_id);
      first = last;
    }
    if (!open.empty()) {
      opened_ = true;
      ASSIGN_OR_RETURN(auto block, scan_.open());
      if (!block) return {};
      for (std::uint32_t index = 0; index < (*block)->templates().size(); ++index) {
        if (!std::binary_search(open.begin(), open.end(), (*block)->templates()[index].id)) continue;
        RETURN_IF_ERROR(count_rows(*block, index));
      }
    }
    for (const auto& count : sure) {
      groups_.add(bucket_of(std::int64_t{count.hour} * kHour, bucket_), counted(count.template_id).keys, count.events);
    }
    return {};
  }

  base::Result<void> count_rows(OpenBlock& block, std::uint32_t index) {
    ASSIGN_OR_RETURN(const auto selected, select_events_of(block, index, scan_, plan_));
    if (!selected.any()) return {};
    const auto& how = counted(block->templates()[index].id);
    const auto& shape = scan_.shape(block->templates()[index].id);
    const auto rows = block->rows_of(index);

    struct Source {
      const Column* column = nullptr;
      bool is_attribute = false;
      std::vector<std::optional<KeyId>> of_code;
    };
    std::vector<Source> sources(request_.by.size());
    for (std::size_t i = 0; i < request_.by.size(); ++i) {
      if (how.from_text || how.places[i].kind != KeyPlace::Kind::Hole) continue;
      ASSIGN_OR_RETURN(sources[i].column, block->column(index, how.places[i].hole));
      sources[i].is_attribute = shape.skeleton->holes()[how.places[i].hole].is_attribute;
      if (sources[i].column->kind() == Column::Kind::Dictionary)
        sources[i].of_code.resize(sources[i].column->entries().size());
    }

    auto keys = how.keys;
    std::string buffer;
    for (std::size_t place = 0; place < rows.size(); ++place) {
      const auto row = rows[place];
      if (!selected.test(place) || !scan_.in_view(block->record(row))) continue;
      std::optional<events::Event> event;
      if (how.from_text) {
        ASSIGN_OR_RETURN(event, read_event(*block, row));
      }
      for (std::size_t i = 0; i < request_.by.size(); ++i) {
        const auto by = request_.by[i];
        const auto kind = how.places[i].kind;
        if (kind == KeyPlace::Kind::Sender) {
          keys[i] = machine_of(block->sender(row));
        } else if (kind != KeyPlace::Kind::Constant && event) {
          keys[i] = groups_.id_of(key_of(by, event->system));
        } else if (kind == KeyPlace::Kind::Hole) {
          auto& from = sources[i];
          if (from.of_code.empty()) {
            keys[i] = groups_.id_of(key_of(by, from.column->value(place, buffer), from.is_attribute));
          } else {
            auto& known = from.of_code[from.column->code(place)];
            if (!known) known = groups_.id_of(key_of(by, from.column->value(place, buffer), from.is_attribute));
            keys[i] = *known;
          }
        }
      }
      groups_.add(bucket_of(block->time(row), bucket_), keys, 1);
    }
    return {};
  }

  KeyId machine_of(std::uint32_t sender) {
    const auto known = machines_.find(sender);
    if (known != machines_.end()) return known->second;
    std::string machine;
    if (sender != 0) {
      if (const auto found = source_.sender(sender); found.ok()) machine = (*found)->machine;
    }
    return machines_[sender] = groups_.id_of(machine);
  }

  LogSource& source_;
  const CountRequest& request_;
  base::Clock& clock_;
  const std::string name_;
  SearchPlan plan_;
  LogScan scan_;
  CountGroups& groups_;
  std::int64_t bucket_ = 0;
  bool opened_ = false;
  std::unordered_map<std::uint32_t, std::unique_ptr<Counted>> counted_;
  std::unordered_map<std::uint32_t, KeyId> machines_;
};

}  // namespace

base::Result<CountResult> count_events(LogSource& source, const CountRequest& request, base::Clock& clock,
                                       const CancelFlag& cancelled, std::vector<std::int64_t>* touched) {
  CountGroups groups;
  std::vector<std::unique_ptr<LogCounter>> counters;
  RETURN_IF_ERROR(source.begin());
  const auto open = [&]() -> base::Result<void> {
    ASSIGN_OR_RETURN(auto logs, logs_of_query(source, request.query, request.ignore_missing_logs));
    for (auto& log : logs) {
      if (touched != nullptr) touched->push_back(log.id);
      counters.push_back(std::make_unique<LogCounter>(source, request, std::move(log), clock, cancelled, groups));
      RETURN_IF_ERROR(counters.back()->begin());
    }
    return {};
  };
  auto opened = open();
  source.end();
  if (!opened.ok()) return std::move(opened).error();

  CountResult result;
  for (auto& counter : counters) {
    ASSIGN_OR_RETURN(const bool finished, counter->run());
    result.unreadable += counter->unreadable();
    if (finished) continue;
    result.complete = false;
    break;
  }
  result.counts = groups.counts(request.bucket.count() > 0);
  result.events = groups.events();
  result.complete = result.complete && groups.complete();
  return result;
}

}  // namespace storage
