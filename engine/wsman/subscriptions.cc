#include "engine/wsman/subscriptions.h"

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/wsman/enumeration.h"
#include "engine/wsman/event_batch.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestLife = std::chrono::hours(24 * 365);
constexpr std::size_t kPageItems = 512;
/// Room in a response for the count of events that were left out, in characters.
constexpr std::size_t kDroppedRoom = 160;
/// For all subscribers together to be told that this service stops.
constexpr milliseconds kFarewells{1000};
constexpr milliseconds kFarewellStep{5};
/// ERROR_WSMAN_NO_ACK
constexpr std::uint32_t kNoAck = 2150858800;

constexpr std::array kModes{kModePush, kModePushWithAck, kModeEvents, kModePull};

Result<void> check_mode(const std::string& mode, bool pushes) {
  std::string offered;
  for (const std::string_view known : kModes) {
    if (!pushes && known != kModePull) continue;
    if (mode == known) return {};
    offered += "<e:SupportedDeliveryMode>" + std::string(known) + "</e:SupportedDeliveryMode>";
  }
  Fault fault = make_fault(FaultCode::DeliveryModeRequestedUnavailable);
  fault.detail_xml = std::move(offered);
  return fault;
}

/// How long a subscription is to live; nothing where it does not end by itself.
Result<std::optional<milliseconds>> read_expires(std::string_view text, base::Clock& clock) {
  if (text.empty()) return std::optional<milliseconds>();
  std::optional<milliseconds> life = base::parse_duration(text);
  if (!life) {
    const auto moment = base::parse_datetime(text);
    if (!moment) return make_fault(FaultCode::InvalidExpirationTime, "Expires is neither a duration nor a time");
    const base::WallTime now = clock.wall();
    // A time that has passed is as good as no time at all.
    life = *moment > now ? std::chrono::duration_cast<milliseconds>(*moment - now) : milliseconds(0);
  }
  if (life->count() <= 0) return make_fault(FaultCode::InvalidExpirationTime, "Expires is over already");
  return std::optional<milliseconds>(std::min(*life, kLongestLife));
}

/// Captured from Windows: nothing at all stands for no end.
std::string expires_text(std::optional<milliseconds> life) {
  return base::format_duration(life.value_or(milliseconds(0)));
}

/// What stands in e:SubscriptionManager.
std::string manager_of(const Subscription& subscription, const std::string& to) {
  const std::string scheme = base::to_lower(to.substr(0, 4));
  xml::Writer w;
  w.leaf("a:Address", scheme == "http" ? std::string_view(to) : kAnonymous);
  w.open("a:ReferenceProperties").leaf("w:ResourceURI", subscription.resource->uri());
  w.leaf("e:Identifier", subscription.id).close();
  return w.take();
}

Result<xml::Element> eventing_body(const Envelope& request, std::string_view name) {
  const xml::Element body = request.body();
  if (!body) return make_fault(FaultCode::InvalidMessage, "The body is empty");
  if (!body.is(ns::kEventing, name)) {
    return make_fault(FaultCode::ActionMismatch,
                      "The body " + std::string(body.local_name().substr(0, 100)) + " does not fit the action");
  }
  return body;
}

Message response(const Envelope& request, std::string body) {
  return reply_to(request.headers, request.headers.action + "Response", std::move(body));
}

std::string expires_response(std::string_view name, std::optional<milliseconds> life) {
  xml::Writer w;
  w.open(name).leaf("e:Expires", expires_text(life)).close();
  return w.take();
}

std::string pull_response(const std::optional<std::string>& context, const EventBatch& batch, bool end) {
  std::string out = "<n:PullResponse>";
  if (context) out += "<n:EnumerationContext>" + *context + "</n:EnumerationContext>";
  if (batch.holds_something()) out += "<n:Items>" + batch.wrapped_xml() + "</n:Items>";
  if (end) out += "<n:EndOfSequence/>";
  return out + "</n:PullResponse>";
}

}  // namespace

namespace {

/// What a Pull has taken out of its subscription: goes back unless the Pull is answered.
class Taken {
 public:
  explicit Taken(Subscription& subscription) : subscription_(subscription) {}
  ~Taken() {
    if (kept_) return;
    for (; !events_.empty(); events_.pop_back()) subscription_.kept.push_front(std::move(events_.back()));
    subscription_.lost += lost_;
    if (subscription_.passed.empty()) subscription_.passed = std::move(passed_);
  }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;

  void take_event() {
    events_.push_back(std::move(subscription_.kept.front()));
    subscription_.kept.pop_front();
  }
  void take_rest() {
    lost_ += std::exchange(subscription_.lost, 0);
    if (!subscription_.passed.empty()) passed_ = std::exchange(subscription_.passed, {});
  }
  void keep() { kept_ = true; }

 private:
  Subscription& subscription_;
  std::vector<Item> events_;
  std::uint64_t lost_ = 0;
  std::string passed_;
  bool kept_ = false;
};

}  // namespace

/// The notifier of a subscription, and the task that runs it.
class Pusher final : public NotifierGuide {
 public:
  Pusher(Subscriptions& owner, const Subscription& subscription, NotifierOptions options, Connect connect,
         base::Executor executor)
      : owner_(owner),
        subscription_(subscription),
        notifier(std::move(options), std::move(connect), *owner.options_.clock, *this),
        task(std::move(executor)) {}

  bool may_go_on() override {
    if (!owner_.table_.lives(subscription_.id, owner_.options_.clock->steady())) return false;
    revoked = !owner_.permits_(*subscription_.resource, subscription_.owner, subscription_.address);
    return !revoked;
  }
  base::SteadyTime ask_again() override { return owner_.table_.expiry(subscription_.id).value_or(base::SteadyTime::max()); }
  DeliveryBounds bounds() override { return delivery_bounds(owner_.limits_()); }

 private:
  Subscriptions& owner_;
  const Subscription& subscription_;

 public:
  bool revoked = false;
  Notifier notifier;
  base::TaskGroup task;  // last: its child uses the notifier
};

Subscription::Subscription() = default;
Subscription::~Subscription() = default;

Subscriptions::Subscriptions(const DispatcherOptions& options, Permits permits, std::function<Limits()> limits)
    : options_(options),
      permits_(std::move(permits)),
      limits_(std::move(limits)),
      table_(SubscriptionLimits{options.max_subscriptions, options.max_pushed_subscriptions}) {}

Subscriptions::~Subscriptions() = default;

void Subscriptions::serve(base::Executor executor, DeliveryRoutes& routes) {
  std::lock_guard lock(mutex_);
  routes_ = &routes;
  tasks_ = std::make_unique<base::TaskGroup>(std::move(executor));
}

// ---------------------------------------------------------------- the operations

AsyncResult<Message> Subscriptions::subscribe(const Envelope& request, const Caller& caller, Resource& resource,
                                              const Call& call) {
  CO_RETURN_IF_ERROR(eventing_body(request, "Subscribe"));
  DeliveryRoutes* routes = nullptr;
  base::Executor executor;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) co_return make_fault(FaultCode::EndpointUnavailable, "The service is stopping");
    routes = routes_;
    if (tasks_) executor = tasks_->executor();
  }
  auto subscription = std::make_shared<Subscription>();
  ASSIGN_OR_CO_RETURN(subscription->how, read_subscribe(request.document.root()));
  const SubscribeRequest& how = subscription->how;
  CO_RETURN_IF_ERROR(check_mode(how.mode, routes != nullptr));
  const bool pushes = how.mode != kModePull;
  ASSIGN_OR_CO_RETURN(const auto life, read_expires(how.expires, *options_.clock));
  CO_RETURN_IF_ERROR(table_.check_room(caller.who, pushes));

  subscription->id = "uuid:" + base::new_guid();
  subscription->resource = &resource;
  subscription->owner = caller.who;
  subscription->address = caller.address;
  subscription->place = call.place;
  subscription->share = EventRate::Share(routes != nullptr ? routes->rate() : nullptr);
  if (subscription->how.subscription_name.empty()) subscription->how.subscription_name = subscription->id;
  const std::string manager = manager_of(*subscription, request.headers.to);
  Connect connect;
  if (pushes) {
    Subscriber subscriber{caller.who, caller.address};
    auto route = routes->find(subscriber, how);
    ASSIGN_OR_CO_RETURN(connect, co_await std::move(route));
  }
  auto source = co_await resource.subscribe(call, how);
  if (!source.ok()) co_return std::move(source).error();
  subscription->source = std::move(source).value();
  if (pushes) {
    NotifierOptions options;
    options.how = how;
    options.machine = options_.machine;
    options.manager = manager;
    options.rate = routes->rate();
    subscription->pusher =
        std::make_unique<Pusher>(*this, *subscription, std::move(options), std::move(connect), std::move(executor));
    if (auto ready = subscription->pusher->notifier.prepare(); !ready.ok()) {
      co_return make_fault(FaultCode::InvalidMessage, ready.error().what);
    }
  }
  std::optional<base::SteadyTime> expires;
  if (life) expires = options_.clock->steady() + *life;
  CO_RETURN_IF_ERROR(start(subscription, expires));
  base::log_notice("{} ({}) subscribed to {}: {}", caller.who.name, caller.address, resource.uri(), subscription->id);

  xml::Writer w;
  w.open("e:SubscribeResponse").open("e:SubscriptionManager").raw(manager).close();
  w.leaf("e:Expires", expires_text(life));
  if (!pushes) w.leaf("n:EnumerationContext", subscription->id);
  w.close();
  co_return response(request, w.take());
}

Result<void> Subscriptions::start(const Pointer& subscription, std::optional<base::SteadyTime> expires) {
  {
    // Under the lock: what is in the table is there for stop() to end.
    std::lock_guard lock(mutex_);
    if (stopped_) return make_fault(FaultCode::EndpointUnavailable, "The service is stopping");
    RETURN_IF_ERROR(table_.add(subscription, expires, options_.clock->steady()));
  }
  // The task may run at once, up to its end; where stop() was faster, it does not start.
  if (subscription->pusher) subscription->pusher->task.spawn("subscription " + subscription->id, push(*subscription));
  return {};
}

base::Task<void> Subscriptions::push(Subscription& subscription) {
  Pusher& pusher = *subscription.pusher;
  Notifier& notifier = pusher.notifier;
  co_await notifier.run(*subscription.source);
  std::string status;
  std::string reason = notifier.trouble().message();
  std::uint32_t number = base::win32_number(notifier.trouble().code);
  if (notifier.end() == NotifierEnd::Unreachable) {
    status = "DeliveryFailure";
    if (number == 0) number = kNoAck;
  } else if (notifier.end() == NotifierEnd::TooLarge) {
    status = "SourceCancelling";
  } else if (notifier.end() == NotifierEnd::Finished) {
    status = "SourceCancelling";
    number = static_cast<std::uint32_t>(base::Win32::Cancelled);
    reason = "The source has no more events.";
  } else if (pusher.revoked || notifier.end() == NotifierEnd::Denied) {
    status = "SourceCancelling";
    number = static_cast<std::uint32_t>(base::Win32::AccessDenied);
    reason = "The subscriber may not read these events any more.";
  }
  if (!status.empty()) co_await notifier.say_end(std::move(status), number, std::move(reason));
  base::log_notice("subscription {} ended", subscription.id);
  retire(subscription.id);
}

void Subscriptions::retire(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    Pointer ended = table_.remove(id);
    if (!ended || !ended->pusher) return;
    ended_.emplace(id, std::move(ended));
  }
  tasks_->spawn("end of subscription", reap(id));
}

base::Task<void> Subscriptions::reap(std::string id) {
  Pointer ended;
  {
    std::lock_guard lock(mutex_);
    const auto found = ended_.find(id);
    if (found == ended_.end()) co_return;
    ended = found->second;
  }
  co_await ended->pusher->task.stop();
  std::lock_guard lock(mutex_);
  ended_.erase(id);
}

Result<Subscriptions::Pointer> Subscriptions::find(const Envelope& request, const Caller& caller, const Resource& resource,
                                                   FaultCode unknown) const {
  const std::string& id = request.headers.identifier;
  if (id.empty()) return make_fault(FaultCode::InvalidMessage, "The header Identifier is missing");
  Pointer found = table_.find(id, caller.who, resource, options_.clock->steady());
  if (!found) return make_fault(unknown, "There is no such subscription");
  return found;
}

Result<Message> Subscriptions::renew(const Envelope& request, const Caller& caller, Resource& resource) {
  ASSIGN_OR_RETURN(const xml::Element body, eventing_body(request, "Renew"));
  ASSIGN_OR_RETURN(const auto life, read_expires(trimmed_text(body.child(ns::kEventing, "Expires")), *options_.clock));
  ASSIGN_OR_RETURN(const Pointer found, find(request, caller, resource, FaultCode::UnableToRenew));
  std::optional<base::SteadyTime> expires;
  if (life) expires = options_.clock->steady() + *life;
  if (!table_.renew(found->id, expires)) return make_fault(FaultCode::UnableToRenew);
  return response(request, expires_response("e:RenewResponse", life));
}

Result<Message> Subscriptions::get_status(const Envelope& request, const Caller& caller, Resource& resource) {
  RETURN_IF_ERROR(eventing_body(request, "GetStatus"));
  ASSIGN_OR_RETURN(const Pointer found, find(request, caller, resource, FaultCode::ResourceNotFound));
  std::optional<milliseconds> left;
  if (const auto expires = table_.expiry(found->id)) {
    const auto rest = std::chrono::duration_cast<milliseconds>(*expires - options_.clock->steady());
    // Nothing at all would say that it does not end.
    left = std::max(rest, milliseconds(1));
  }
  return response(request, expires_response("e:GetStatusResponse", left));
}

AsyncResult<Message> Subscriptions::unsubscribe(const Envelope& request, const Caller& caller, Resource& resource) {
  CO_RETURN_IF_ERROR(eventing_body(request, "Unsubscribe"));
  ASSIGN_OR_CO_RETURN(const Pointer found, find(request, caller, resource, FaultCode::ResourceNotFound));
  if (const Pointer ended = table_.remove(found->id)) {
    // Whoever has unsubscribed gets nothing any more.
    if (ended->pusher) co_await ended->pusher->task.stop();
    base::log_notice("{} ({}) unsubscribed: {}", caller.who.name, caller.address, ended->id);
  }
  co_return response(request, "");
}

Result<Message> Subscriptions::release(const Envelope& request, const Caller& caller, Resource& resource) {
  ASSIGN_OR_RETURN(const xml::Element body, enumeration_body(request, "Release"));
  const std::string id = context_id(body);
  const Pointer found = table_.find(id, caller.who, resource, options_.clock->steady());
  if (!found || !found->is_pulled()) return make_fault(FaultCode::InvalidEnumerationContext);
  table_.remove(id);
  return response(request, "");
}

// ---------------------------------------------------------------- Pull

AsyncResult<Message> Subscriptions::pull(const Envelope& request, const Caller& caller, Resource& resource, const Call& call,
                                         Limits limits) {
  ASSIGN_OR_CO_RETURN(const xml::Element body, enumeration_body(request, "Pull"));
  const std::string id = context_id(body);
  ASSIGN_OR_CO_RETURN(const Pointer subscription, table_.borrow(id, caller.who, resource, options_.clock->steady()));
  /// However the Pull ends, the subscription lives on.
  struct Loan {
    SubscriptionTable& table;
    const std::string& id;
    base::Clock& clock;
    ~Loan() { table.give_back(id, clock.steady()); }
  } loan{table_, subscription->id, *options_.clock};
  co_return co_await pull_from(*subscription, request, caller, call, limits);
}

AsyncResult<Message> Subscriptions::pull_from(Subscription& subscription, const Envelope& request, const Caller& caller,
                                              const Call& call, Limits limits) {
  const SubscribeRequest& how = subscription.how;
  ASSIGN_OR_CO_RETURN(const PullRequest wanted, read_pull(request, caller, limits));
  base::Clock& clock = *options_.clock;
  base::SteadyTime until = call.deadline;
  if (wanted.max_time) until = std::min(until, clock.steady() + *wanted.max_time);
  // The answer is the heartbeat: a subscriber that wants one hears at least so often that this source is alive.
  if (how.heartbeats) until = std::min(until, clock.steady() + *how.heartbeats);
  if (const auto expires = table_.expiry(subscription.id)) until = std::min(until, *expires);

  const std::uint64_t room = response_limit(request.headers, limits);
  const std::uint64_t largest = std::min(how.max_envelope_size, limits.max_envelope_size);
  BatchLimits bounds;
  bounds.items = std::min(wanted.items, subscription.share.most_at_once());
  bounds.charset = caller.charset;
  bounds.cdata = how.cdata;
  bounds.bookmarks = how.send_bookmarks;
  const std::size_t frame = kDroppedRoom * (caller.charset == Charset::Utf16 ? 2 : 1) +
                            static_cast<std::size_t>(room > largest ? room - largest : 0);
  bounds.octets = wanted.octets - std::min(wanted.octets, frame);
  if (wanted.characters != 0) {
    const std::size_t width = caller.charset == Charset::Utf16 ? 2 : 1;
    bounds.octets = std::min(bounds.octets, std::min(wanted.characters, bounds.octets) * width);
  }
  EventBatch batch(bounds, subscription.bookmark);
  bool drained = false;
  Taken taken(subscription);
  for (;;) {
    bool full = false;
    while (!subscription.kept.empty() && !full) {
      const Item& event = subscription.kept.front();
      const EventBatch::Added added = batch.add(event);
      full = added == EventBatch::Added::Full;
      if (full) break;
      if (added == EventBatch::Added::TooLarge) {
        // What the subscriber could take in a larger message waits for one.
        if (room < largest && !batch.holds_something()) co_return make_fault(FaultCode::MaxEnvelopeSizeExceeded);
        full = room < largest || (how.oversize == OversizePolicy::CancelSubscription && batch.holds_something());
        if (full) break;
        if (how.oversize == OversizePolicy::CancelSubscription) {
          table_.remove(subscription.id);
          co_return make_fault(FaultCode::MaxEnvelopeSizeExceeded,
                               "An event exceeds MaxEnvelopeSize: the subscription ends");
        }
        batch.leave_out(event, how.oversize == OversizePolicy::Notify);
      }
      taken.take_event();
    }
    if (subscription.kept.empty()) {
      batch.lose(subscription.lost);
      if (!subscription.passed.empty()) batch.pass(subscription.passed);
      taken.take_rest();
    }
    full = full || batch.is_full();
    const base::SteadyTime now = clock.steady();
    if (full || subscription.source_ended || (batch.holds_something() && drained) || (drained && now >= until)) break;
    base::Budget budget;
    budget.items = std::min(batch.items_left(), kPageItems);
    budget.bytes = batch.bytes_left();
    // What comes later is for the next Pull.
    budget.until = batch.holds_something() ? base::SteadyTime::min() : until;
    auto page = co_await subscription.source->next(budget);
    if (!page.ok()) {
      if (batch.holds_something()) break;
      co_return std::move(page).error();
    }
    drained = page->items.empty();
    subscription.source_ended = page->end;
    for (Item& event : page->items) subscription.kept.push_back(std::move(event));
    subscription.passed = std::move(page->bookmark);
    subscription.lost += page->lost;
  }
  const bool granted = co_await subscription.share.take(batch.items(), until);
  if (!granted) co_return make_fault(FaultCode::TimedOut, "This source has reached its limit of events in a second");
  taken.keep();
  subscription.bookmark = batch.bookmark();
  const bool ended = subscription.source_ended && subscription.kept.empty();
  if (!batch.holds_something() && !ended) co_return make_fault(FaultCode::TimedOut, "No event became available in time");
  if (ended) table_.remove(subscription.id);
  Message message = response(request, pull_response(ended ? std::nullopt : std::optional(subscription.id), batch, ended));
  if (how.send_bookmarks && !batch.bookmark().empty()) message.headers.bookmark = batch.bookmark();
  co_return message;
}

// ---------------------------------------------------------------- the end

void Subscriptions::expire() {
  for (const std::string& id : table_.expired(options_.clock->steady())) {
    base::log_info("subscription {} expired", id);
    retire(id);
  }
}

namespace {

base::Task<void> say_farewell(Notifier& notifier, base::TaskGroup& task) {
  co_await task.stop();
  if (notifier.end() != NotifierEnd::Running) co_return;
  std::string status = "SourceShuttingDown";
  std::string reason = "The service is stopping.";
  co_await notifier.say_end(std::move(status), static_cast<std::uint32_t>(base::Win32::UnknownInterface), std::move(reason));
}

}  // namespace

base::Task<void> Subscriptions::stop() {
  std::vector<Pointer> all;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) co_return;
    all = table_.remove_all();
  }
  if (!tasks_) co_return;
  base::TaskGroup farewells(tasks_->executor());
  for (const Pointer& subscription : all) {
    if (!subscription->pusher) continue;
    Pusher& pusher = *subscription->pusher;
    farewells.spawn("farewell", say_farewell(pusher.notifier, pusher.task));
  }
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  const auto last = std::chrono::steady_clock::now() + kFarewells;
  while (farewells.size() != 0 && std::chrono::steady_clock::now() < last) {
    timer.expires_after(kFarewellStep);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  co_await farewells.stop();
  co_await tasks_->stop();
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, ended] : ended_) all.push_back(std::move(ended));
    ended_.clear();
  }
  for (const Pointer& subscription : all) {
    if (subscription->pusher) co_await subscription->pusher->task.stop();
  }
}

}  // namespace wsman
