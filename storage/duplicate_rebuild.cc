#include "storage/duplicate_rebuild.h"

#include <algorithm>

#include "events/event.h"
#include "storage/duplicates.h"

namespace storage {
namespace {

// As wide as Duplicates makes a run.
constexpr std::uint64_t kMaxSpan = 4096;

}  // namespace

void DuplicateRebuild::add(const std::string& log, const std::string& machine, const CheckedEvent& event) {
  // This host's own events are never sent twice.
  if (machine.empty()) return;
  const auto parsed = events::Event::from_wire(std::string(event.xml));
  const auto key = key_of(parsed, 0);
  auto& origin = origins_[Key(log, machine, parsed.system.computer, parsed.system.channel)];
  origin.latest_time = std::max(origin.latest_time, key.time);
  if (key.hashed) {
    origin.runs.push_back({true, key.key, key.key, event.record, event.record});
    origin.is_open = false;
    return;
  }
  origin.highest_record_id = std::max(origin.highest_record_id, key.key);
  if (origin.is_open) {
    auto& run = origin.runs.back();
    const auto low = std::min(run.low, key.key);
    const auto high = std::max(run.high, key.key);
    if (static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) < kMaxSpan) {
      run = {false, low, high, run.first_record, event.record};
      return;
    }
  }
  origin.runs.push_back({false, key.key, key.key, event.record, event.record});
  origin.is_open = true;
}

base::Result<void> DuplicateRebuild::write(Database& catalogue) {
  RETURN_IF_ERROR(catalogue.execute("DELETE FROM batches; DELETE FROM runs"));
  ASSIGN_OR_RETURN(auto find_log, catalogue.prepare("SELECT id FROM logs WHERE name = ?1"));
  ASSIGN_OR_RETURN(auto add_origin,
                   catalogue.prepare("INSERT OR IGNORE INTO origins (machine, computer, channel) VALUES (?1, ?2, ?3)"));
  ASSIGN_OR_RETURN(auto find_origin,
                   catalogue.prepare("SELECT id FROM origins WHERE machine = ?1 AND computer = ?2 AND channel = ?3"));
  ASSIGN_OR_RETURN(
      auto set_mark,
      catalogue.prepare("INSERT INTO marks (log, origin, highest_record_id, latest_time) VALUES (?1, ?2, ?3, ?4) "
                        "ON CONFLICT DO UPDATE SET highest_record_id = max(highest_record_id, ?3), "
                        "latest_time = max(latest_time, ?4)"));
  ASSIGN_OR_RETURN(auto add_run, catalogue.prepare("INSERT OR IGNORE INTO runs (log, origin, hashed, low_key, high_key, "
                                                   "first_record, last_record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  for (const auto& [key, origin] : origins_) {
    const auto& [log_name, machine, computer, channel] = key;
    ASSIGN_OR_RETURN(const bool known, find_log.bind(1, std::string_view(log_name)).step());
    if (!known) continue;
    const auto log = find_log.integer(0);
    find_log.reset();
    for (auto* statement : {&add_origin, &find_origin}) {
      statement->bind(1, std::string_view(machine)).bind(2, std::string_view(computer)).bind(3, std::string_view(channel));
    }
    RETURN_IF_ERROR(add_origin.run());
    ASSIGN_OR_RETURN(const bool found, find_origin.step());
    const auto id = found ? find_origin.integer(0) : 0;
    find_origin.reset();
    RETURN_IF_ERROR(set_mark.bind(1, log).bind(2, id).bind(3, origin.highest_record_id).bind(4, origin.latest_time).run());
    for (const auto& run : origin.runs) {
      add_run.bind(1, log).bind(2, id).bind(3, std::int64_t{run.hashed}).bind(4, run.low).bind(5, run.high);
      add_run.bind(6, static_cast<std::int64_t>(run.first_record)).bind(7, static_cast<std::int64_t>(run.last_record));
      RETURN_IF_ERROR(add_run.run());
    }
  }
  return {};
}

}  // namespace storage
