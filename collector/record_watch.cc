#include "collector/record_watch.h"

#include <algorithm>
#include <optional>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/service/operational_log.h"
#include "engine/xml/document.h"
#include "events/bookmark.h"

namespace collector {
namespace {

/// Positions that are held at one time; the stored bookmarks have the rest.
constexpr std::size_t kMaxKnown = 100'000;

constexpr std::uint16_t kSecurityLogCleared = 1102;
constexpr std::uint16_t kLogCleared = 104;
constexpr std::string_view kWindowsEventLog = "Microsoft-Windows-Eventlog";

/// The log that `event` says was cleared; nothing for other events.
std::optional<std::string> cleared_log(const events::Event& event) {
  const events::System& system = event.system;
  if (system.event_id != kSecurityLogCleared && system.event_id != kLogCleared) return std::nullopt;
  const bool windows = base::equal_ignoring_case(system.provider, kWindowsEventLog);
  if (windows && system.event_id == kSecurityLogCleared) return base::to_lower(system.channel);
  if (system.event_id != kLogCleared || !(windows || system.provider == service::kProvider)) return std::nullopt;
  // The log is named inside: UserData/LogFileCleared/Channel, or our own Data.
  const auto document = xml::Document::parse(event.xml);
  if (!document.ok()) return std::nullopt;
  for (const xml::Element part : document->root().children()) {
    for (const xml::Element child : part.children()) {
      if (part.local_name() == "EventData" && child.attribute("Name") == "Channel") return base::to_lower(child.text());
      for (const xml::Element leaf : child.children()) {
        if (part.local_name() == "UserData" && leaf.local_name() == "Channel") return base::to_lower(leaf.text());
      }
    }
  }
  return std::nullopt;
}

std::string key_of(const std::string& subscription, const std::string& machine) {
  return base::to_lower(subscription) + "\n" + base::to_lower(machine);
}

std::string_view text_of(RecordFinding::Kind kind) {
  switch (kind) {
    case RecordFinding::Kind::Lost:
      return "Events of a machine were lost before they could be delivered";
    case RecordFinding::Kind::Cleared:
      return "Events of a machine went with its log when that was cleared, before they could be delivered";
    case RecordFinding::Kind::Restart:
      return "A machine numbers the events of its log from the beginning again";
  }
  return "";
}

}  // namespace

BatchRecords::BatchRecords(const std::vector<events::Event>& events, const std::vector<std::string>& channels) {
  if (channels.empty()) return;
  std::vector<std::string> watched;
  for (const std::string& channel : channels) watched.push_back(base::to_lower(channel));
  for (const events::Event& event : events) {
    if (auto cleared = cleared_log(event)) cleared_.push_back(std::move(*cleared));
    if (!event.system.record_id || *event.system.record_id == 0) continue;
    std::string channel = base::to_lower(event.system.channel);
    if (std::ranges::find(watched, channel) == watched.end()) continue;
    spellings_.try_emplace(channel, event.system.channel);
    channels_[std::move(channel)].push_back(*event.system.record_id);
  }
  for (auto& [channel, numbers] : channels_) {
    std::ranges::sort(numbers);
    numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  }
}

bool BatchRecords::tells_of_clearing(const std::string& channel) const {
  return std::ranges::find(cleared_, channel) != cleared_.end();
}

std::vector<RecordFinding> judge(const BatchRecords& batch, std::map<std::string, std::uint64_t>& last, bool all_new,
                                 std::uint64_t dropped) {
  using Kind = RecordFinding::Kind;
  std::vector<RecordFinding> findings;
  for (const auto& [channel, numbers] : batch.channels()) {
    const auto [place, first_ever] = last.try_emplace(channel, 0);
    std::uint64_t& at = place->second;
    if (first_ever) at = numbers.front() - 1;
    if (numbers.back() <= at) {
      // Sent before, or a log that was made anew; only new events can tell.
      if (!all_new) continue;
      findings.push_back({Kind::Restart, batch.spelling(channel), numbers.front(), numbers.back(), 0});
      at = numbers.front() - 1;
    }
    for (const std::uint64_t number : numbers) {
      if (number <= at) continue;
      if (number != at + 1) {
        const Kind kind = batch.tells_of_clearing(channel) ? Kind::Cleared : Kind::Lost;
        const std::uint64_t admitted = kind == Kind::Lost ? std::min(dropped, number - at - 1) : 0;
        dropped -= admitted;
        findings.push_back({kind, batch.spelling(channel), at + 1, number - 1, admitted});
      }
      at = number;
    }
  }
  return findings;
}

RecordWatch::RecordWatch(storage::EventStore& store, subscriptions::LossLedger& ledger, base::BlockingPool& pool,
                         base::Clock& clock, std::string computer)
    : store_(store), ledger_(ledger), pool_(pool), clock_(clock), computer_(std::move(computer)) {}

base::AsyncResult<RecordWatch::Positions> RecordWatch::positions(std::string subscription, std::string machine) {
  {
    std::lock_guard lock(mutex_);
    const auto known = known_.find(key_of(subscription, machine));
    if (known != known_.end()) co_return known->second;
  }
  Positions positions;
  ASSIGN_OR_CO_RETURN(const auto stored, co_await store_.find_bookmark(subscription, machine));
  if (!stored) co_return positions;
  const auto bookmark = events::Bookmark::parse(*stored);
  // A machine's bookmark is its own affair: one that is no list of ours says nothing.
  if (!bookmark.ok()) co_return positions;
  for (const auto& entry : bookmark->entries) positions[base::to_lower(entry.channel)] = entry.record_id;
  co_return positions;
}

base::Task<void> RecordWatch::stored(Batch batch) {
  const auto findings = judge(batch.records, batch.before, batch.all_new, batch.dropped);
  if (batch.dropped != 0 && batch.bookmark) {
    // Everything up to its bookmark has been accounted for.
    const auto bookmark = events::Bookmark::parse(*batch.bookmark);
    for (const auto& entry : bookmark.ok() ? bookmark->entries : std::vector<events::Bookmark::Entry>()) {
      std::uint64_t& at = batch.before[base::to_lower(entry.channel)];
      at = std::max(at, entry.record_id);
    }
  }
  {
    std::lock_guard lock(mutex_);
    if (known_.size() >= kMaxKnown) known_.clear();
    known_[key_of(batch.subscription, batch.machine)] = batch.before;
  }
  if (batch.dropped != 0) co_await left_out(batch.subscription, batch.machine, batch.dropped);
  for (const RecordFinding& finding : findings) {
    if (finding.kind == RecordFinding::Kind::Lost && finding.admitted == finding.last - finding.first + 1) continue;
    if (finding.kind == RecordFinding::Kind::Restart) {
      const auto restart = [&] { return ledger_.restart(batch.subscription, batch.machine, finding.channel); };
      const auto done = co_await pool_.run(restart);
      if (!done.ok()) base::log_error("the losses of {} were not written down: {}", batch.machine, done.error().message());
    }
    bool news = true;
    if (finding.kind == RecordFinding::Kind::Lost) {
      // Which of them the machine has counted nobody knows: the first ones stand for them.
      const std::uint64_t first = finding.first + finding.admitted;
      const subscriptions::Loss loss{batch.subscription, batch.machine, finding.channel, batch.log, first,
                                     finding.last,       clock_.wall()};
      const auto add = [&] { return ledger_.add(loss); };
      const auto added = co_await pool_.run(add);
      if (!added.ok()) base::log_error("the losses of {} were not written down: {}", batch.machine, added.error().message());
      news = !added.ok() || *added;
    }
    if (news) co_await tell(batch, finding);
  }
}

base::Task<void> RecordWatch::forget(std::string subscription, bool removed) {
  {
    std::lock_guard lock(mutex_);
    const std::string prefix = key_of(subscription, "");
    std::erase_if(known_, [&](const auto& known) { return known.first.starts_with(prefix); });
  }
  if (!removed) co_return;
  const auto forget = [&] { return ledger_.forget(subscription); };
  const auto done = co_await pool_.run(forget);
  if (!done.ok()) base::log_error("the losses of {} were not removed: {}", subscription, done.error().message());
}

base::Task<void> RecordWatch::left_out(std::string subscription, std::string machine, std::uint64_t events) {
  events::Draft draft = service::operational_draft(computer_, clock_.wall());
  draft.system.event_id = service::kEventsLeftOutEvent;
  draft.system.level = 3;
  draft.data.emplace_back(
      "Message",
      base::format_text("A machine says that it left out events, which exceed the size limit of their delivery or "
                        "had gone from its own store: {} on {} (subscription {})",
                        events, machine, subscription));
  draft.data.emplace_back("Subscription", std::move(subscription));
  draft.data.emplace_back("Machine", std::move(machine));
  draft.data.emplace_back("Count", std::to_string(events));
  co_await keep(std::move(draft));
}

base::Task<void> RecordWatch::tell(const Batch& batch, const RecordFinding& finding) {
  using Kind = RecordFinding::Kind;
  events::Draft draft = service::operational_draft(computer_, clock_.wall());
  draft.system.event_id = finding.kind == Kind::Lost      ? service::kEventsLostEvent
                          : finding.kind == Kind::Cleared ? service::kEventsClearedEvent
                                                          : service::kRecordsRestartedEvent;
  draft.system.level = finding.kind == Kind::Lost ? 2 : 4;
  draft.data.emplace_back(
      "Message", base::format_text("{}: records {} to {} of {} on {} (subscription {})", text_of(finding.kind),
                                   finding.first, finding.last, finding.channel, batch.machine, batch.subscription));
  draft.data.emplace_back("Subscription", batch.subscription);
  draft.data.emplace_back("Machine", batch.machine);
  draft.data.emplace_back("Channel", finding.channel);
  draft.data.emplace_back("FirstRecordID", std::to_string(finding.first));
  draft.data.emplace_back("LastRecordID", std::to_string(finding.last));
  if (finding.kind != Kind::Restart)
    draft.data.emplace_back("Count", std::to_string(finding.last - finding.first + 1 - finding.admitted));
  co_await keep(std::move(draft));
}

base::Task<void> RecordWatch::keep(events::Draft draft) {
  storage::LocalBatch told;
  told.log = service::kOperationalLog;
  told.drafts.push_back(std::move(draft));
  const auto kept = co_await store_.append_local(std::move(told));
  if (!kept.ok()) base::log_error("a loss was found, and no event says so: {}", kept.error().message());
}

}  // namespace collector
