#include "subscriptions/source_session.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/base/deadline.h"
#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "subscriptions/run_time_status.h"

namespace subscriptions {
namespace {

using base::Win32;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kCannotConnect = 2150858770;
constexpr std::uint32_t kNoAnswer = 2150859046;
constexpr std::uint32_t kNameNotResolved = 2150859193;
constexpr std::uint32_t kTlsFailed = 2150859194;
constexpr std::uint32_t kNoHeartbeat = 2150858763;
constexpr std::uint32_t kModeUnavailable = 2150858782;
constexpr std::uint32_t kInvalidContext = 2150858779;
constexpr std::uint32_t kSourceEnded = 2150858760;
constexpr std::uint32_t kInvalidBookmark = 2150858808;
constexpr std::uint32_t kBookmarkExpired = 2150858832;

/// For one answer that needs no waiting at the source.
constexpr seconds kAnswer{20};
constexpr seconds kFarewell{3};
constexpr std::chrono::minutes kLongestQueue{30};
constexpr seconds kLongestPull{60};
constexpr seconds kWorks{60};
constexpr seconds kExpired{60};
/// Where a definition names no number.
constexpr std::uint32_t kPullItems = 100;

base::Error numbered(std::uint32_t number, std::string text) {
  return base::make_error(base::win32_code(number), std::move(text));
}

base::Error stopped() {
  return base::make_error(Win32::Cancelled, "The subscription ends.");
}

/// What Windows and we make of bookmarks. Those of others are their own business.
bool is_bookmark_list(const std::string& bookmark) {
  const auto document = xml::Document::parse(bookmark);
  return document.ok() && document->root().local_name() == "BookmarkList";
}

/// What goes wrong below WS-Management has the numbers of Windows' client.
std::uint32_t number_of(const base::Error& error) {
  if (error.code.category() == base::win32_category()) return static_cast<std::uint32_t>(error.code.value());
  if (error.code == std::errc::timed_out) return kNoAnswer;
  if (error.code == std::errc::protocol_error) return kTlsFailed;
  const std::string_view category = error.code.category().name();
  const bool resolving =
      category.find("netdb") != std::string_view::npos || category.find("addrinfo") != std::string_view::npos;
  return resolving ? kNameNotResolved : kCannotConnect;
}

/// For LastError's text: what the number says is not said once more.
std::string text_of(const base::Error& error) {
  const bool numbered = error.code.category() == base::win32_category();
  return numbered && !error.what.empty() ? error.what : error.message();
}

}  // namespace

SourceSession::SourceSession(const SessionParts& parts, const base::Executor& executor,
                             std::shared_ptr<const Subscription> definition, std::string address)
    : parts_(parts),
      id_(definition->id),
      address_(std::move(address)),
      identifier_(source_identifier_of(id_, address_)),
      definition_(std::move(definition)),
      stop_(executor),
      wake_(executor, 1),
      random_(std::random_device{}()) {}

// ---------------------------------------------------------------- from outside

void SourceSession::stop() {
  stopping_ = true;
  stop_.close();
  wake_.try_send(boost::system::error_code());
}

void SourceSession::retry() {
  again_ = true;
  retry_ = true;
  wake_.try_send(boost::system::error_code());
}

void SourceSession::set_definition(std::shared_ptr<const Subscription> definition) {
  {
    const std::lock_guard guard(mutex_);
    definition_ = std::move(definition);
  }
  retry_ = true;
  wake_.try_send(boost::system::error_code());
}

bool SourceSession::expects(std::string_view path) const {
  const std::lock_guard guard(mutex_);
  return current_path_.empty() || path.ends_with(current_path_);
}

void SourceSession::heard(const SourceNews& news) {
  {
    const std::lock_guard guard(mutex_);
    heard_at_ = parts_.clock.steady();
    if (news.ended) end_ = news;
  }
  // A sign of life only moves a deadline, at which it is looked at.
  if (news.ended) wake_.try_send(boost::system::error_code());
}

std::string_view SourceSession::ack_action() const {
  return quirks_of(kind_).ack_action;
}

// ---------------------------------------------------------------- small things

std::shared_ptr<const Subscription> SourceSession::definition() const {
  const std::lock_guard guard(mutex_);
  return definition_;
}

bool SourceSession::goes_on() const {
  return !stopping_ && is_served(*definition(), parts_.clock.wall());
}

std::optional<SourceNews> SourceSession::take_news() {
  const std::lock_guard guard(mutex_);
  return std::exchange(end_, std::nullopt);
}

base::Task<void> SourceSession::wait_stop() {
  boost::system::error_code closed;
  co_await stop_.async_receive(boost::asio::redirect_error(boost::asio::use_awaitable, closed));
}

base::Task<void> SourceSession::wait_wake() {
  boost::system::error_code error;
  co_await wake_.async_receive(boost::asio::redirect_error(boost::asio::use_awaitable, error));
}

base::Task<void> SourceSession::pause(std::chrono::nanoseconds duration) {
  if (stopping_) co_return;
  auto sleeping = parts_.clock.sleep_for(duration);
  auto waking = wait_wake();
  co_await base::first_of(std::move(sleeping), std::move(waking));
}

template <typename T>
base::AsyncResult<T> SourceSession::unless_stopped(base::AsyncResult<T> task) {
  auto stopping = wait_stop();
  auto outcome = co_await base::first_of(std::move(task), std::move(stopping));
  if (outcome) co_return std::move(*outcome);
  co_return stopped();
}

// ---------------------------------------------------------------- the life of a session

base::Task<void> SourceSession::run(std::shared_ptr<SourceSession> self, milliseconds delay) {
  const base::SteadyTime begin = self->parts_.clock.steady() + delay;
  while (self->goes_on() && !self->retry_ && self->parts_.clock.steady() < begin) {
    co_await self->pause(begin - self->parts_.clock.steady());
  }
  while (!self->stopping_) {
    co_await self->work();
    co_await self->drop_subscription();
    // It has expired. If that was the fault of a clock that is wrong, it will be put right.
    if (!self->stopping_) co_await self->pause(kExpired);
  }
}

base::Task<void> SourceSession::work() {
  while (goes_on()) {
    retry_ = again_ = false;
    lasting_ = refused_ = false;
    auto outcome = co_await subscribe();
    if (outcome.ok()) {
      schedule_.accepted(parts_.clock.steady());
      co_await tell_active();
      if (delivery_modes(*definition()).front() == wsman::kModePull) {
        outcome = co_await pull_events();
      } else {
        outcome = co_await watch();
      }
      // Who asked for a retry meanwhile had it.
      retry_ = false;
    }
    if (outcome.ok() || !goes_on()) break;
    if (again_) {
      schedule_.reset();
      continue;
    }
    base::Error why = std::move(outcome).error();
    co_await wait_after(std::move(why));
  }
}

base::AsyncResult<void> SourceSession::subscribe() {
  auto taking = parts_.connecting.take(1, kLongestQueue);
  auto stopping = wait_stop();
  auto place = co_await base::first_of(std::move(taking), std::move(stopping));
  if (!place || !*place) co_return stopped();
  CO_RETURN_IF_ERROR(co_await open());
  CO_RETURN_IF_ERROR(co_await identify());
  if (stopping_) co_return stopped();
  // Of an earlier attempt: it would go on there beside the new one.
  co_await drop_subscription();
  const auto modes = delivery_modes(*definition());
  bool at_bookmark = true;
  for (;;) {
    auto done = co_await subscribe_in(modes.at(mode_), at_bookmark);
    if (done.ok()) break;
    refused_ = done.error().code.category() == base::win32_category();
    const std::uint32_t number = number_of(done.error());
    if (at_bookmark && (number == kInvalidBookmark || number == kBookmarkExpired)) {
      // It would be refused for ever. What is passed over now shows by the numbers of the records.
      base::log_warning("subscription {}: {} refuses the bookmark, so it begins anew there: {}", id_, address_,
                        done.error().message());
      at_bookmark = false;
      continue;
    }
    if (number != kModeUnavailable || mode_ + 1 == modes.size()) {
      mode_ = 0;
      co_return std::move(done).error();
    }
    ++mode_;
  }
  co_return base::Result<void>();
}

base::AsyncResult<void> SourceSession::open() {
  const auto wanted = definition();
  ASSIGN_OR_CO_RETURN(const Credentials credentials, co_await parts_.manager.credentials(id_, address_));
  auto route = parts_.routes.to_source(*wanted, address_, credentials);
  if (!route.ok()) {
    lasting_ = true;
    co_return std::move(route).error();
  }
  wsman::ClientOptions options;
  options.to = route->url;
  options.operation_timeout = std::clamp<milliseconds>(wanted->resolved_heartbeat(), kAnswer, kLongestPull);
  options.network_delay = route->network_delay;
  options.max_envelope_size = parts_.limits.max_envelope_size;
  host_ = route->host;
  client_ = std::make_unique<wsman::Client>(std::move(route->transport), std::move(options));
  co_return base::Result<void>();
}

/// Who answers, but does not say who he is, is treated as the specification says.
base::AsyncResult<void> SourceSession::identify() {
  auto asking = client_->identify();
  auto limited = base::within(kAnswer, host_ + " has not answered", std::move(asking));
  auto identity = co_await unless_stopped(std::move(limited));
  if (identity.ok()) {
    kind_ = recognise(*identity);
  } else if (identity.error().code.category() != base::win32_category()) {
    co_return std::move(identity).error();
  }
  co_return base::Result<void>();
}

base::AsyncResult<void> SourceSession::subscribe_in(std::string_view mode, bool at_bookmark) {
  const auto wanted = definition();
  ASSIGN_OR_CO_RETURN(const auto state, co_await parts_.events.find_delivery_state(id_, address_));
  std::optional<std::string> bookmark;
  if (state && at_bookmark) bookmark = state->bookmark;
  wsman::SubscribeRequest request = subscribe_request(*wanted, quirks_of(kind_), mode, bookmark, parts_.limits);
  if (mode != wsman::kModePull) {
    const std::string path = identifier_ + "/" + base::to_lower(base::new_guid().substr(0, 8));
    auto here = parts_.routes.to_here(*wanted, path);
    if (!here.ok()) {
      lasting_ = true;
      co_return std::move(here).error();
    }
    request.notify_to = std::move(*here);
    request.notify_to.identifier = identifier_;
    if (!quirks_of(kind_).windows_words) request.notify_to.profile.clear();
    request.end_to = request.notify_to;
    const std::lock_guard guard(mutex_);
    current_path_ = path;
    end_.reset();
    heard_at_ = parts_.clock.steady();
  }
  auto asking = client_->subscribe(std::move(request));
  // Not given up in the middle: nobody would know of what the source has made of it.
  auto limited = base::within(kAnswer, host_ + " has not answered", std::move(asking));
  ASSIGN_OR_CO_RETURN(subscribed_, co_await std::move(limited));
  plan_renewal();
  co_return base::Result<void>();
}

void SourceSession::plan_renewal() {
  renew_at_ = base::SteadyTime::max();
  if (subscribed_->expires) renew_at_ = parts_.clock.steady() + *subscribed_->expires / 2;
}

base::AsyncResult<void> SourceSession::renew() {
  const auto asked = quirks_of(kind_).expires;
  const std::string expires = base::format_duration(asked.count() != 0 ? milliseconds(asked) : *subscribed_->expires);
  auto asking = client_->renew(*subscribed_, expires);
  auto limited = base::within(kAnswer, host_ + " has not answered", std::move(asking));
  CO_RETURN_IF_ERROR(co_await unless_stopped(std::move(limited)));
  plan_renewal();
  co_return base::Result<void>();
}

base::Task<void> SourceSession::drop_subscription() {
  if (!subscribed_ || !client_) co_return;
  const wsman::Client::Subscribed old = std::move(*subscribed_);
  subscribed_.reset();
  auto asking = client_->unsubscribe(old);
  auto limited = base::within(kFarewell, host_ + " has not answered", std::move(asking));
  const auto done = co_await std::move(limited);
  if (!done.ok()) base::log_debug("{} was not told the end of subscription {}: {}", address_, id_, done.error().message());
}

// ---------------------------------------------------------------- events

base::AsyncResult<void> SourceSession::pull_events() {
  const base::SteadyTime begun = parts_.clock.steady();
  const std::uint32_t items = definition()->resolved_max_items().value_or(kPullItems);
  const auto between = std::clamp<milliseconds>(definition()->resolved_heartbeat(), seconds(1), kLongestPull);
  while (goes_on()) {
    if (renew_at_ <= parts_.clock.steady()) CO_RETURN_IF_ERROR(co_await renew());
    const base::SteadyTime asked = parts_.clock.steady();
    auto pulling = client_->pull(*subscribed_, items);
    auto pulled = co_await unless_stopped(std::move(pulling));
    if (!pulled.ok()) {
      // What is not there needs no end.
      if (number_of(pulled.error()) == kInvalidContext) subscribed_.reset();
      co_return std::move(pulled).error();
    }
    const bool empty = pulled->events.empty();
    const bool end = pulled->end;
    CO_RETURN_IF_ERROR(co_await store(std::move(*pulled)));
    const base::SteadyTime now = parts_.clock.steady();
    if (!empty || now - begun >= kWorks) schedule_.worked();
    if (end) {
      subscribed_.reset();
      co_return numbered(kSourceEnded, address_ + " has ended the subscription");
    }
    if (empty && now - asked < seconds(1)) co_await pause(between);
  }
  co_return stopped();
}

base::AsyncResult<void> SourceSession::store(wsman::Client::Pulled pulled) {
  auto admitted = parts_.manager.admit_source(id_, address_);
  if (!admitted.ok()) co_return wsman::as_error(admitted.error());
  wsman::Delivery delivery;
  const bool nothing = pulled.events.empty() && !pulled.bookmark && pulled.dropped == 0;
  delivery.kind = nothing ? wsman::Delivery::Kind::Heartbeat : wsman::Delivery::Kind::Events;
  delivery.address = host_;
  delivery.events = std::move(pulled.events);
  delivery.bookmark = std::move(pulled.bookmark);
  if (delivery.bookmark && kind_ != SourceKind::Unknown && !is_bookmark_list(*delivery.bookmark)) {
    base::log_warning("subscription {}: {} names a bookmark that is none", id_, address_);
    delivery.bookmark.reset();
  }
  delivery.dropped = pulled.dropped;
  auto taken = co_await parts_.intake.take(std::move(delivery), std::move(*admitted));
  if (!taken.ok()) co_return wsman::as_error(taken.error());
  co_return base::Result<void>();
}

base::AsyncResult<void> SourceSession::watch() {
  const base::SteadyTime begun = parts_.clock.steady();
  while (goes_on() && !again_) {
    if (const auto news = take_news()) {
      subscribed_.reset();
      std::string text = address_ + " has ended the subscription";
      if (!news->message.empty()) text += ": " + news->message;
      co_return numbered(news->code != 0 ? news->code : kSourceEnded, std::move(text));
    }
    const auto wanted = definition();
    const auto interval = wanted->resolved_heartbeat();
    const base::SteadyTime now = parts_.clock.steady();
    base::SteadyTime silent;
    {
      const std::lock_guard guard(mutex_);
      silent = heard_at_ + interval + std::max<milliseconds>(interval / 10, seconds(5));
    }
    if (now >= silent) co_return numbered(kNoHeartbeat, address_ + " has been silent for longer than its heartbeats allow");
    if (now - begun >= kWorks) schedule_.worked();
    if (renew_at_ <= now) {
      CO_RETURN_IF_ERROR(co_await renew());
      continue;
    }
    std::chrono::nanoseconds rest = std::min(silent, renew_at_) - now;
    if (wanted->expires) rest = std::min<std::chrono::nanoseconds>(rest, *wanted->expires - parts_.clock.wall());
    co_await pause(std::max<std::chrono::nanoseconds>(rest, milliseconds(1)));
  }
  co_return stopped();
}

// ---------------------------------------------------------------- how it fares

base::Task<void> SourceSession::tell_active() {
  base::log_notice("subscription {}: {} ({}) has taken it", id_, address_, quirks_of(kind_).name);
  warned_ = false;
  SourceAttempt attempt;
  attempt.status = RunTimeStatus::Active;
  co_await report(std::move(attempt));
}

base::Task<void> SourceSession::wait_after(base::Error why) {
  const double chance = std::uniform_real_distribution<double>(0, 1)(random_);
  const milliseconds length = schedule_.next(chance, refused_);
  SourceAttempt attempt;
  attempt.status = lasting_ || schedule_.exhausted() ? RunTimeStatus::Inactive : RunTimeStatus::Trying;
  attempt.error = number_of(why);
  attempt.message = text_of(why);
  attempt.error_time = parts_.clock.wall();
  if (!lasting_) attempt.next_retry = *attempt.error_time + length;
  if (!warned_) base::log_warning("subscription {}: {}: {}", id_, address_, attempt.message);
  warned_ = true;
  co_await report(std::move(attempt));
  const base::SteadyTime until = lasting_ ? base::SteadyTime::max() : parts_.clock.steady() + length;
  while (goes_on() && !retry_) {
    const base::SteadyTime now = parts_.clock.steady();
    if (now >= until) co_return;
    co_await pause(std::min<std::chrono::nanoseconds>(until - now, std::chrono::hours(1)));
  }
  schedule_.reset();
}

base::Task<void> SourceSession::report(SourceAttempt attempt) {
  const auto told = co_await parts_.manager.report(id_, address_, std::move(attempt));
  if (!told.ok()) base::log_error("the status of {} cannot be kept: {}", address_, told.error().message());
}

}  // namespace subscriptions
