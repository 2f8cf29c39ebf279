#include "forwarder/enrolment.h"

#include <algorithm>
#include <set>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"

namespace forwarder {
namespace {

constexpr std::size_t kMaxOffers = 1000;
constexpr std::size_t kPageItems = 32'000;
/// For all of a collector's feeds together to say that they end.
constexpr auto kFarewells = std::chrono::milliseconds(1000);
constexpr auto kFirstRetry = std::chrono::milliseconds(1000);

}  // namespace

/// A feed and the task that runs it.
struct Enrolment::Running {
  Running(FeedOptions options, Enrolment& owner, base::Executor executor)
      : feed(std::move(options), owner.events_, owner.state_, owner.pool_, owner.connect_, owner.clock_),
        task(std::move(executor)) {}
  Feed feed;
  base::TaskGroup task;  // last: its child uses the feed
};

Enrolment::Enrolment(base::Executor executor, EnrolmentOptions options,
                     std::function<std::unique_ptr<wsman::Transport>()> connect_manager, Connect connect,
                     storage::EventStore& events, storage::StateStore& state, base::BlockingPool& pool, base::Clock& clock)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      connect_manager_(std::move(connect_manager)),
      connect_(std::move(connect)),
      events_(events),
      state_(state),
      pool_(pool),
      clock_(clock) {}

Enrolment::~Enrolment() = default;

base::Task<void> Enrolment::run() {
  std::chrono::milliseconds retry = kFirstRetry;
  const std::chrono::milliseconds refresh = options_.manager.refresh;
  bool told = false;
  for (;;) {
    auto offers = co_await enumerate();
    std::chrono::milliseconds pause = refresh;
    if (offers.ok()) {
      if (told) base::log_notice("{} answers again", options_.manager.url);
      told = false;
      retry = kFirstRetry;
      co_await apply(std::move(*offers));
    } else {
      if (!told) base::log_warning("cannot get subscriptions from {}: {}", options_.manager.url, offers.error().message());
      told = true;
      // Sooner than Refresh, which may be hours, but ever more slowly.
      pause = std::min(retry, refresh);
      retry = std::min(retry * 2, std::chrono::milliseconds(300'000));
    }
    co_await clock_.sleep_for(pause);
  }
}

base::AsyncResult<std::vector<wsman::OfferedSubscription>> Enrolment::enumerate() {
  wsman::ClientOptions client_options;
  client_options.to = options_.manager.url;
  client_options.machine_id = options_.computer;
  wsman::Client client(connect_manager_(), client_options);
  std::vector<wsman::OfferedSubscription> offers;
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kSubscriptionList;
  std::function<bool(wsman::Client::Page&)> take = [&offers](wsman::Client::Page& page) {
    for (const xml::Element item : page.items) {
      auto offer = wsman::read_offer(item);
      if (offer.ok()) {
        offers.push_back(std::move(*offer));
      } else {
        base::log_error("a subscription that the collector offers cannot be read: {}", offer.error().reason);
      }
    }
    return offers.size() < kMaxOffers;
  };
  std::optional<wsman::Filter> no_filter;
  CO_RETURN_IF_ERROR(co_await client.enumerate(std::move(target), std::move(no_filter), kPageItems, std::move(take)));
  co_return offers;
}

base::Task<void> Enrolment::apply(std::vector<wsman::OfferedSubscription> offers) {
  std::set<std::string> offered;
  for (const auto& offer : offers) offered.insert(base::to_upper(offer.subscribe.notify_to.identifier));
  std::vector<std::string> gone;
  for (const auto& [identifier, running] : feeds_) {
    if (!offered.contains(identifier)) gone.push_back(identifier);
  }
  for (const std::string& identifier : gone) {
    co_await end_feed(identifier, "SourceCancelling", static_cast<std::uint32_t>(base::Win32::Cancelled),
                      "The subscription is no longer offered.");
  }
  for (wsman::OfferedSubscription& offer : offers) {
    const std::string identifier = base::to_upper(offer.subscribe.notify_to.identifier);
    const auto known = feeds_.find(identifier);
    if (known != feeds_.end()) {
      const Feed& feed = known->second->feed;
      const bool same = base::equal_ignoring_case(feed.offer().version, offer.version);
      if (same && feed.end() == FeedEnd::Running) continue;
      // A feed that cannot be served will not fare better for being asked again in the same words.
      if (same && feed.end() == FeedEnd::Unusable) continue;
      co_await known->second->task.stop();
      feeds_.erase(known);
    }
    start_feed(std::move(offer));
  }
}

void Enrolment::start_feed(wsman::OfferedSubscription offer) {
  FeedOptions feed;
  const std::string identifier = base::to_upper(offer.subscribe.notify_to.identifier);
  feed.state_key = options_.manager.url + "|" + identifier;
  feed.offer = std::move(offer);
  feed.computer = options_.computer;
  auto running = std::make_unique<Running>(std::move(feed), *this, executor_);
  running->task.spawn("subscription " + identifier, running->feed.run());
  feeds_.emplace(identifier, std::move(running));
}

base::Task<void> Enrolment::end_feed(std::string identifier, std::string status, std::uint32_t code, std::string reason) {
  const auto found = feeds_.find(identifier);
  if (found == feeds_.end()) co_return;
  Running& running = *found->second;
  co_await running.task.stop();
  base::log_notice("subscription {} ended: {}", running.feed.offer().subscribe.subscription_name, reason);
  if (running.feed.end() == FeedEnd::Running) co_await running.feed.say_end(std::move(status), code, std::move(reason));
  feeds_.erase(found);
}

base::Task<void> Enrolment::stop() {
  const base::SteadyTime last = clock_.steady() + kFarewells;
  while (!feeds_.empty()) {
    if (clock_.steady() >= last) {
      // The others are seen to be silent when their heartbeats stay away.
      co_await feeds_.begin()->second->task.stop();
      feeds_.erase(feeds_.begin());
      continue;
    }
    co_await end_feed(feeds_.begin()->first, "SourceShuttingDown", static_cast<std::uint32_t>(base::Win32::UnknownInterface),
                      "The forwarder is stopping.");
  }
}

}  // namespace forwarder
