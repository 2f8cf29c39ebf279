#include "subscriptions/source_connector.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/base/encoding.h"
#include "engine/base/log.h"

namespace subscriptions {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestSpread{30'000};
constexpr milliseconds kFarewells{5'000};

/// All of a definition that a session would have to be made anew for. A password is not in it: it is read for each attempt.
std::string asked_of(const Subscription& definition, const EventSource& source) {
  std::string asked = source_visible_version(definition);
  for (const std::string_view part :
       {name_of(definition.resolved_delivery_mode()), std::string_view(definition.credentials_type),
        std::string_view(source.user_name.empty() ? definition.common_user_name : source.user_name)}) {
    asked.append("\n").append(part);
  }
  return asked;
}

}  // namespace

SourceConnector::SourceConnector(base::Executor executor, Manager& manager, storage::EventStore& events,
                                 SourceRoutes& routes, EventIntake& intake, base::Clock& clock,
                                 SourceConnectorOptions options)
    : executor_(executor),
      manager_(manager),
      connecting_(options.connecting),
      options_(std::move(options)),
      parts_{manager, events, routes, intake, clock, connecting_, options_.limits},
      random_(std::random_device{}()),
      wake_(executor, 1),
      sessions_(executor),
      supervisor_(executor) {}

SourceConnector::~SourceConnector() = default;

void SourceConnector::start() {
  {
    const std::lock_guard guard(mutex_);
    for (const std::string& id : manager_.ids()) changed_.insert(id);
  }
  supervisor_.spawn("sources", supervise());
}

base::Task<void> SourceConnector::stop() {
  co_await supervisor_.stop();
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    for (auto& [id, sources] : sources_) {
      for (auto& [address, running] : sources) running.session->stop();
    }
    sources_.clear();
  }
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  const auto last = std::chrono::steady_clock::now() + kFarewells;
  while (sessions_.size() != 0 && std::chrono::steady_clock::now() < last) {
    timer.expires_after(milliseconds(10));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  co_await sessions_.stop();
}

void SourceConnector::definition_changed(const std::string& id) {
  {
    const std::lock_guard guard(mutex_);
    changed_.insert(id);
  }
  wake_.try_send(boost::system::error_code());
}

base::Task<void> SourceConnector::supervise() {
  for (;;) {
    std::set<std::string> changed;
    {
      const std::lock_guard guard(mutex_);
      changed.swap(changed_);
    }
    for (const std::string& id : changed) reconcile(id);
    boost::system::error_code error;
    co_await wake_.async_receive(boost::asio::redirect_error(boost::asio::use_awaitable, error));
  }
}

void SourceConnector::reconcile(const std::string& id) {
  const auto found = manager_.find(id);
  std::shared_ptr<const Subscription> definition;
  if (found && found->type == Type::CollectorInitiated && found->enabled) {
    definition = std::make_shared<const Subscription>(*found);
  }
  std::map<std::string, const EventSource*> wanted;
  if (definition) {
    for (const EventSource& source : definition->sources) {
      if (source.enabled) wanted[base::to_lower(source.address)] = &source;
    }
  }
  const std::lock_guard guard(mutex_);
  if (stopping_) return;
  Sources& sources = sources_[base::to_lower(id)];
  for (auto at = sources.begin(); at != sources.end();) {
    const auto still = wanted.find(at->first);
    if (still != wanted.end() && at->second.asked == asked_of(*definition, *still->second)) {
      at->second.session->set_definition(definition);
      wanted.erase(still);
      ++at;
    } else {
      at->second.session->stop();
      at = sources.erase(at);
    }
  }
  const milliseconds spread = std::min(options_.spread * static_cast<milliseconds::rep>(wanted.size()), kLongestSpread);
  std::uniform_int_distribution<milliseconds::rep> delay(0, spread.count());
  for (const auto& [key, source] : wanted) {
    auto session = std::make_shared<SourceSession>(parts_, executor_, definition, source->address);
    sessions_.spawn("source " + source->address, SourceSession::run(session, milliseconds(delay(random_))));
    sources[key] = Running{asked_of(*definition, *source), std::move(session)};
  }
  if (sources.empty()) sources_.erase(base::to_lower(id));
}

std::shared_ptr<SourceSession> SourceConnector::find(const std::string& id, const std::string& address) const {
  const std::lock_guard guard(mutex_);
  const auto sources = sources_.find(base::to_lower(id));
  if (sources == sources_.end()) return nullptr;
  const auto found = sources->second.find(base::to_lower(address));
  return found == sources->second.end() ? nullptr : found->second.session;
}

void SourceConnector::retry(const std::string& id, const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    if (const auto session = find(id, address)) session->retry();
  }
}

bool SourceConnector::expects(const std::string& id, const std::string& address, std::string_view path) {
  const auto session = find(id, address);
  return !session || session->expects(path);
}

void SourceConnector::heard(const std::string& id, const std::string& address, const SourceNews& news) {
  if (const auto session = find(id, address)) session->heard(news);
}

std::string_view SourceConnector::ack_action(const std::string& id, const std::string& address) const {
  const auto session = find(id, address);
  return session ? session->ack_action() : std::string_view();
}

std::size_t SourceConnector::sessions() const {
  return sessions_.size();
}

}  // namespace subscriptions
