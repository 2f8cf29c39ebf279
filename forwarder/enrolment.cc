#include "forwarder/enrolment.h"

#include <algorithm>
#include <random>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"

namespace forwarder {
namespace {

constexpr std::size_t kMaxOffers = 1000;
constexpr std::size_t kPageItems = 32'000;
constexpr std::size_t kMaxPages = 1000;
/// For all of a collector's feeds together to say that they end.
constexpr auto kFarewells = std::chrono::milliseconds(1000);
constexpr auto kFirstRetry = std::chrono::milliseconds(1000);
constexpr auto kLongestRetry = std::chrono::milliseconds(300'000);

/// Up to a fifth less: machines that lost the same collector at the same moment do not all come back at the same moment.
std::chrono::nanoseconds jittered(std::chrono::nanoseconds pause) {
  thread_local std::minstd_rand random{std::random_device()()};
  return pause - std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(pause.count()) *
                                                                    std::uniform_real_distribution<>(0, 0.2)(random)));
}

/// What stays the same over the versions of a subscription.
std::string key_of(const wsman::OfferedSubscription& offer) {
  const wsman::NotifyAddress& to = offer.subscribe.notify_to;
  // A collector that tells its subscriptions apart by their addresses need not send identifiers.
  return to.identifier.empty() ? to.address : base::to_upper(to.identifier);
}

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
  bool told_none = false;
  for (;;) {
    auto offers = co_await enumerate();
    std::chrono::milliseconds pause = refresh;
    if (offers.ok()) {
      if (told) base::log_notice("{} answers again", options_.manager.url);
      told = false;
      retry = kFirstRetry;
      const bool none = offers->empty();
      if (none && !told_none) {
        base::log_notice("{} answers and offers no subscription to {}", options_.manager.url, options_.computer);
      }
      told_none = none;
      co_await apply(std::move(*offers));
    } else {
      if (!told) base::log_warning("cannot get subscriptions from {}: {}", options_.manager.url, offers.error().message());
      told = true;
      // Sooner than Refresh, which may be hours, but ever more slowly.
      pause = std::min(retry, refresh);
      retry = std::min(retry * 2, kLongestRetry);
    }
    co_await clock_.sleep_for(jittered(pause));
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
  std::size_t pages = 0;
  std::function<bool(wsman::Client::Page&)> take = [&offers, &pages](wsman::Client::Page& page) {
    for (const xml::Element item : page.items) {
      auto offer = wsman::read_offer(item);
      if (offer.ok()) {
        offers.push_back(std::move(*offer));
      } else {
        base::log_error("a subscription that the collector offers cannot be read: {}", offer.error().reason);
      }
    }
    return offers.size() < kMaxOffers && ++pages < kMaxPages;
  };
  std::optional<wsman::Filter> no_filter;
  CO_RETURN_IF_ERROR(co_await client.enumerate(std::move(target), std::move(no_filter), kPageItems, std::move(take)));
  co_return offers;
}

base::Task<void> Enrolment::apply(std::vector<wsman::OfferedSubscription> offers) {
  std::map<std::string, wsman::OfferedSubscription> offered;
  for (wsman::OfferedSubscription& offer : offers) {
    std::string key = key_of(offer);
    const std::string name = offer.subscribe.subscription_name;
    if (!offered.try_emplace(std::move(key), std::move(offer)).second) {
      base::log_warning("subscription {}: passed over, another one has the same identifier", name);
    }
  }
  std::vector<std::string> gone;
  for (const auto& [key, running] : feeds_) {
    if (!offered.contains(key)) gone.push_back(key);
  }
  for (const std::string& key : gone) {
    co_await end_feed(key, "SourceCancelling", static_cast<std::uint32_t>(base::Win32::Cancelled),
                      "The subscription is no longer offered.", true);
  }
  for (auto& [key, offer] : offered) {
    const auto known = feeds_.find(key);
    if (known != feeds_.end()) {
      const Feed& feed = known->second->feed;
      const bool same = base::equal_ignoring_case(feed.offer().version, offer.version);
      // A feed that is unusable will not fare better for being asked again in the same words.
      if (same && (feed.end() == FeedEnd::Running || feed.end() == FeedEnd::Unusable)) continue;
      co_await known->second->task.stop();
      feeds_.erase(known);
    }
    start_feed(key, std::move(offer));
  }
}

void Enrolment::start_feed(std::string key, wsman::OfferedSubscription offer) {
  FeedOptions feed;
  feed.state_key = options_.manager.url + "|" + key;
  feed.offer = std::move(offer);
  feed.computer = options_.computer;
  feed.bounds = options_.bounds;
  feed.memory = options_.memory;
  feed.rate = options_.rate;
  feed.progress = options_.progress;
  auto running = std::make_unique<Running>(std::move(feed), *this, executor_);
  running->task.spawn("subscription " + key, running->feed.run());
  feeds_.emplace(std::move(key), std::move(running));
}

/// False where the collector was told and did not answer.
base::Task<bool> Enrolment::end_feed(std::string key, std::string status, std::uint32_t code, std::string reason,
                                     bool tell) {
  const auto found = feeds_.find(key);
  if (found == feeds_.end()) co_return true;
  Running& running = *found->second;
  co_await running.task.stop();
  base::log_notice("subscription {} ended: {}", running.feed.offer().subscribe.subscription_name, reason);
  bool answered = true;
  if (running.feed.end() == FeedEnd::Running) {
    co_await running.feed.save_position();
    if (tell) answered = co_await running.feed.say_end(std::move(status), code, std::move(reason));
  }
  feeds_.erase(found);
  co_return answered;
}

base::Task<void> Enrolment::stop() {
  const base::SteadyTime last = clock_.steady() + kFarewells;
  bool tell = true;
  while (!feeds_.empty()) {
    const bool answered =
        co_await end_feed(feeds_.begin()->first, "SourceShuttingDown",
                          static_cast<std::uint32_t>(base::Win32::UnknownInterface), "The forwarder is stopping.", tell);
    // Half a second for each of many subscriptions would be long; the others are seen to be silent soon enough.
    tell = tell && answered && clock_.steady() < last;
  }
}

}  // namespace forwarder
