#include "engine/service/operational_log.h"

#include <unistd.h>

#include <deque>
#include <mutex>

#include "engine/base/log.h"
#include "engine/service/audit_log.h"

namespace service {
namespace {

constexpr std::size_t kMaxWaiting = 1000;

struct Line {
  base::LogLevel level;
  base::WallTime time;
  std::string text;
};

std::uint8_t event_level(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::Error:
      return 2;
    case base::LogLevel::Warning:
      return 3;
    case base::LogLevel::Notice:
    case base::LogLevel::Info:
      return 4;
    case base::LogLevel::Debug:
      return 5;
  }
  return 4;
}

events::Draft draft_of(const Line& line, const std::string& computer) {
  events::Draft draft = operational_draft(computer, line.time);
  draft.system.level = event_level(line.level);
  draft.data.emplace_back("Message", line.text);
  return draft;
}

}  // namespace

events::Draft operational_draft(const std::string& computer, base::WallTime time) {
  events::Draft draft;
  draft.system.provider = kProvider;
  draft.system.provider_guid = kProviderGuid;
  draft.system.event_id = kLineEvent;
  draft.system.level = 4;
  draft.system.keywords = 0x8000000000000000ull;
  draft.system.time = time;
  draft.system.process_id = static_cast<std::uint32_t>(::getpid());
  draft.system.thread_id = draft.system.process_id;
  draft.system.channel = kOperationalLog;
  draft.system.computer = computer;
  return draft;
}

struct OperationalLog::State {
  State(storage::EventStore& s, std::string c, base::Clock& k, AuditLog* a)
      : store(s), computer(std::move(c)), clock(k), audits(a) {}
  storage::EventStore& store;
  std::string computer;
  base::Clock& clock;
  AuditLog* const audits;
  std::mutex mutex;
  std::deque<Line> waiting;
  std::size_t lost = 0;
};

OperationalLog::OperationalLog(storage::EventStore& store, std::string computer, base::Clock& clock, AuditLog* audits)
    : state_(std::make_shared<State>(store, std::move(computer), clock, audits)) {
  base::set_log_sink([state = state_](base::LogLevel level, std::string_view text) {
    if (level > base::LogLevel::Notice) return;
    std::lock_guard lock(state->mutex);
    if (state->waiting.size() >= kMaxWaiting) {
      ++state->lost;
      return;
    }
    state->waiting.push_back(Line{level, state->clock.wall(), std::string(text)});
  });
}

OperationalLog::~OperationalLog() {
  base::set_log_sink(nullptr);
}

base::Task<void> OperationalLog::store_waiting(std::shared_ptr<State> state, bool all) {
  storage::LocalBatch batch;
  batch.log = kOperationalLog;
  {
    std::lock_guard lock(state->mutex);
    for (const Line& line : state->waiting) batch.drafts.push_back(draft_of(line, state->computer));
    state->waiting.clear();
    if (state->lost != 0) {
      const Line told{base::LogLevel::Warning, state->clock.wall(),
                      std::to_string(state->lost) + " lines of the service's own log were not kept"};
      batch.drafts.push_back(draft_of(told, state->computer));
      state->lost = 0;
    }
  }
  if (state->audits != nullptr) {
    for (events::Draft& draft : state->audits->take(all)) batch.drafts.push_back(std::move(draft));
  }
  // A failing store has been reported by whoever needed it; to log that here would only feed this queue.
  if (!batch.drafts.empty()) [[maybe_unused]]
    auto ignored = co_await state->store.append_local(batch);
}

base::Task<void> OperationalLog::run() {
  auto state = state_;
  for (;;) {
    co_await store_waiting(state, false);
    co_await state->clock.sleep_for(std::chrono::seconds(1));
  }
}

base::Task<void> OperationalLog::store_rest() {
  return store_waiting(state_, true);
}

}  // namespace service
