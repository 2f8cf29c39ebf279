#include "engine/wsman/notifier.h"

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include "engine/base/deadline.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/wsman/enumeration.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDefaultMaxTime{900'000};
constexpr milliseconds kDefaultHeartbeat{900'000};
constexpr milliseconds kShortestHeartbeat{100};
constexpr milliseconds kFirstRetry{500};
constexpr milliseconds kEndTimeout{500};
constexpr auto kReadLimit = std::chrono::seconds(1);
constexpr auto kReadRetry = std::chrono::seconds(1);
constexpr std::size_t kMaxItems = 10'000;
/// A batch is held in memory, whatever the subscriber would take.
constexpr std::uint64_t kMaxOctets = 16u << 20;
/// What is read at once: each event brings its bookmark, which may be long.
constexpr std::size_t kPageItems = 512;
/// More than the length up to which write_envelope() looks for the prefixes that a body uses.
constexpr std::size_t kLongBody = 64 << 10;
constexpr std::size_t kByteOrderMark = 2;

// Source: wef-wire, section 12; wsman-protocol, section 8.
constexpr std::uint32_t kDestinationUnreachable = 2150858770;
constexpr std::uint32_t kDeliveryRefused = 2150858804;
constexpr std::uint32_t kResourceNotFound = 2150858752;
constexpr std::uint32_t kInvalidResourceUri = 2150858811;
constexpr std::uint32_t kHttpNotFound = 2150859027;
constexpr std::uint32_t kHttpTooLarge = 2150859025;
constexpr std::uint32_t kEnvelopeTooLarge = 2150858823;

/// Answers after which the same batch would be refused again.
bool is_refusal(const base::Error& error) {
  if (error.code.category() != base::win32_category()) return false;
  const std::uint32_t code = base::win32_number(error.code);
  return code == static_cast<std::uint32_t>(base::Win32::AccessDenied) || code == kDeliveryRefused ||
         code == kResourceNotFound || code == kInvalidResourceUri || code == kHttpNotFound ||
         code == kDestinationUnreachable;
}

/// Answers after which a smaller message may fare better.
bool says_too_large(const base::Error& error) {
  if (error.code.category() != base::win32_category()) return false;
  const std::uint32_t code = base::win32_number(error.code);
  return code == kHttpTooLarge || code == kEnvelopeTooLarge;
}

/// Spreads retries of many sources: 80 to 120 hundredths.
milliseconds with_jitter(milliseconds delay) {
  static thread_local std::minstd_rand random(std::random_device{}());
  return milliseconds(delay.count() * std::uniform_int_distribution<milliseconds::rep>(80, 120)(random) / 100);
}

Charset charset_of(const SubscribeRequest& how) {
  return base::equal_ignoring_case(how.content_encoding, "UTF-8") ? Charset::Utf8 : Charset::Utf16;
}

}  // namespace

DeliveryBounds delivery_bounds(const Limits& limits) {
  return {limits.max_envelope_size, limits.max_timeout};
}

base::Task<void> NotifierGuide::passed(const std::string&) {
  co_return;
}

Notifier::Notifier(NotifierOptions options, Connect connect, base::Clock& clock, NotifierGuide& guide)
    : options_(std::move(options)),
      connect_(std::move(connect)),
      clock_(clock),
      guide_(guide),
      share_(options_.rate),
      session_id_("uuid:" + base::new_guid()),
      bookmark_(options_.bookmark),
      last_contact_(clock.steady()) {}

Notifier::~Notifier() = default;

base::Result<void> Notifier::prepare() {
  const SubscribeRequest& how = options_.how;
  auto transport = connect_(how.notify_to, how);
  if (!transport) {
    return base::make_error(base::Win32::InvalidUrl, "events must not be sent to " + how.notify_to.address);
  }
  ClientOptions client;
  client.to = how.notify_to.address;
  client.machine_id = options_.machine;
  client_ = std::make_unique<Client>(std::move(transport), std::move(client));
  fixed_octets_ = octets_without_events();
  if (fixed_octets_ >= how.max_envelope_size) {
    return base::make_error(base::Win32::InvalidParameter, "a MaxEnvelopeSize of " + std::to_string(how.max_envelope_size) +
                                                               " leaves no room for an event");
  }
  return {};
}

/// Of one message, at most: with every header, and a count of dropped events.
std::size_t Notifier::octets_without_events() const {
  Message message = message_for(action::kEvents);
  if (options_.how.send_bookmarks) message.headers.bookmark = "";
  message.headers.operation_timeout = client_->options().operation_timeout;
  message.body = "<w:Events>" + dropped_element(std::numeric_limits<std::uint64_t>::max()) + "</w:Events>" +
                 std::string(kLongBody, ' ');
  const Charset charset = charset_of(options_.how);
  const std::size_t octets = encoded_size(write_envelope(message), charset);
  return charset == Charset::Utf8 ? octets - kLongBody : octets - 2 * kLongBody + kByteOrderMark;
}

BatchLimits Notifier::limits() const {
  const SubscribeRequest& how = options_.how;
  BatchLimits limits;
  limits.charset = charset_of(how);
  const std::uint64_t allowed = std::min(how.max_envelope_size, guide_.bounds().max_envelope_size);
  const auto whole = static_cast<std::size_t>(std::min(allowed, kMaxOctets));
  limits.octets = whole - std::min(whole, fixed_octets_);
  limits.octets_together = octets_together_;
  limits.wrapped = how.mode == kModeEvents;
  limits.items = 1;
  if (limits.wrapped) {
    limits.items = static_cast<std::size_t>(std::min<std::uint64_t>(how.max_elements.value_or(kMaxItems), kMaxItems));
  }
  limits.items = std::min(limits.items, share_.most_at_once());
  limits.cdata = how.cdata;
  limits.bookmarks = how.send_bookmarks;
  return limits;
}

milliseconds Notifier::heartbeat_interval() const {
  return std::max(options_.how.heartbeats.value_or(kDefaultHeartbeat), kShortestHeartbeat);
}

bool Notifier::acknowledged() const {
  return options_.how.mode != kModePush;
}

void Notifier::finish(NotifierEnd end, base::Error trouble) {
  trouble_ = std::move(trouble);
  end_ = end;
}

base::Task<void> Notifier::run(Enumerator& source) {
  last_contact_ = clock_.steady();
  Message first = message_for(action::kHeartbeat);
  const Sent opened = co_await send(std::move(first));
  if (opened != Sent::Yes) co_return;
  bool told = false;
  for (;;) {
    if (!guide_.may_go_on()) {
      finish(NotifierEnd::Stopped, {});
      co_return;
    }
    auto batch = co_await next_batch(source);
    if (end() == NotifierEnd::TooLarge) co_return;
    if (!batch.ok()) {
      if (batch.error().code == base::Win32::AccessDenied) {
        finish(NotifierEnd::Denied, std::move(batch).error());
        co_return;
      }
      if (!told)
        base::log_error("subscription {}: reading events: {}", options_.how.subscription_name, batch.error().message());
      told = true;
      co_await clock_.sleep_for(kReadRetry);
      continue;
    }
    told = false;
    const Sent turn = co_await wait_for_turn(batch->items());
    if (turn == Sent::Stop) co_return;
    const Sent sent = co_await send_batch(*batch);
    if (sent == Sent::Stop) co_return;
    if (sent == Sent::TooLarge) {
      take_back(*batch);
      continue;
    }
    bookmark_ = batch->bookmark();
    if (!bookmark_.empty()) co_await guide_.passed(bookmark_);
    // Where the source has ended, next_batch() has nothing to wait for.
    if (finished_ && kept_.empty()) {
      finish(NotifierEnd::Finished, {});
      co_return;
    }
  }
}

bool Notifier::leave_out(EventBatch& batch, const Item& event) {
  const SubscribeRequest& how = options_.how;
  const std::uint64_t limit = std::min(how.max_envelope_size, guide_.bounds().max_envelope_size);
  const std::string what = "an event of " + std::to_string(event.xml.size()) +
                           " bytes exceeds MaxEnvelopeSize, or what the subscriber takes: " + std::to_string(limit);
  if (how.oversize == OversizePolicy::CancelSubscription) {
    // What came before it is delivered first.
    if (!batch.holds_something()) finish(NotifierEnd::TooLarge, base::make_error(base::Win32::InvalidData, what));
    return false;
  }
  if (!std::exchange(told_too_large_, true)) base::log_warning("subscription {}: left out: {}", how.subscription_name, what);
  batch.leave_out(event, how.oversize == OversizePolicy::Notify);
  return true;
}

base::AsyncResult<EventBatch> Notifier::next_batch(Enumerator& source) {
  const SubscribeRequest& how = options_.how;
  milliseconds max_time = how.mode == kModeEvents ? how.max_time.value_or(kDefaultMaxTime) : milliseconds(0);
  if (hurry_) max_time = milliseconds(0);
  EventBatch batch(limits(), bookmark_);
  taken_.clear();
  taken_passed_.clear();
  taken_lost_ = 0;
  dropped_told_ = false;
  // Events that wait go out when a heartbeat would be due: they say the same, and more.
  base::SteadyTime until = last_contact_ + heartbeat_interval();
  bool waits = false;
  bool drained = false;
  for (;;) {
    while (!kept_.empty()) {
      Kept& next = kept_.front();
      EventBatch::Added added = EventBatch::Added::TooLarge;
      if (!next.refused) added = batch.add(next.event);
      if (added == EventBatch::Added::Full) co_return batch;
      if (added == EventBatch::Added::TooLarge && !leave_out(batch, next.event)) co_return batch;
      next.sent = added == EventBatch::Added::Yes;
      taken_.push_back(std::move(next));
      kept_.pop_front();
    }
    hurry_ = false;
    batch.lose(lost_);
    taken_lost_ += std::exchange(lost_, 0);
    if (!passed_.empty()) {
      batch.pass(passed_);
      taken_passed_ = std::exchange(passed_, {});
    }
    const base::SteadyTime now = clock_.steady();
    if (batch.holds_something() && !std::exchange(waits, true)) until = std::min(until, now + max_time);
    if (batch.is_full() || finished_) co_return batch;
    // While more is there the batch is filled, if that goes quickly.
    const base::SteadyTime ask_again = guide_.ask_again();
    if (now >= (drained ? until : until + kReadLimit) || (drained && now >= ask_again)) co_return batch;
    base::Budget budget;
    budget.items = std::min(batch.items_left(), kPageItems);
    budget.bytes = batch.bytes_left();
    budget.until = std::min(until, ask_again);
    auto page = co_await source.next(budget);
    if (!page.ok()) {
      // What is there goes first.
      if (batch.holds_something()) co_return batch;
      co_return as_error(page.error());
    }
    drained = page->items.empty();
    finished_ = page->end;
    for (Item& event : page->items) kept_.push_back({std::move(event)});
    passed_ = std::move(page->bookmark);
    lost_ += page->lost;
  }
}

/// A batch that is too large for the subscriber: what is in it comes into smaller ones.
void Notifier::take_back(const EventBatch& batch) {
  if (batch.items() > 1) {
    octets_together_ = batch.octets() / 2;
    base::log_info("subscription {}: a batch of {} events is too large for the subscriber", options_.how.subscription_name,
                   batch.items());
  }
  if (dropped_told_) {
    std::erase_if(taken_, [](const Kept& kept) { return !kept.sent; });
    for (Kept& kept : taken_) kept.event.lost_before = 0;
    taken_lost_ = 0;
  }
  for (; !taken_.empty(); taken_.pop_back()) {
    Kept& kept = taken_.back();
    kept.refused = kept.refused || (kept.sent && batch.items() == 1);
    kept_.push_front(std::move(kept));
  }
  lost_ += taken_lost_;
  if (passed_.empty()) passed_ = std::move(taken_passed_);
  hurry_ = true;
}

/// Until so many events may be sent; the subscriber hears meanwhile that this source is alive.
base::Task<Notifier::Sent> Notifier::wait_for_turn(std::size_t events) {
  for (;;) {
    const bool granted = co_await share_.take(events, last_contact_ + heartbeat_interval());
    if (granted) co_return Sent::Yes;
    Message heartbeat = message_for(action::kHeartbeat);
    const Sent sent = co_await send(std::move(heartbeat));
    if (sent == Sent::Stop) co_return sent;
  }
}

base::Task<Notifier::Sent> Notifier::send_batch(const EventBatch& batch) {
  const SubscribeRequest& how = options_.how;
  if (!batch.holds_something()) {
    if (clock_.steady() < last_contact_ + heartbeat_interval()) co_return Sent::Yes;
    Message heartbeat = message_for(action::kHeartbeat);
    co_return co_await send(std::move(heartbeat));
  }
  Message message = message_for(action::kEvents);
  if (how.send_bookmarks) message.headers.bookmark = batch.bookmark();
  if (how.mode == kModeEvents) {
    message.body = "<w:Events>" + batch.wrapped_xml() + "</w:Events>";
    const bool replaceable = batch.items() != 0;
    co_return co_await send(std::move(message), replaceable);
  }
  if (batch.dropped() != 0) {
    Message dropped = message;
    dropped.headers.action = action::kDroppedEvents;
    dropped.headers.message_id = new_message_id();
    dropped.body = dropped_element(batch.dropped());
    // The bookmark goes with the event behind them, if there is one.
    if (batch.items() != 0) dropped.headers.bookmark.reset();
    const Sent sent = co_await send(std::move(dropped));
    if (sent != Sent::Yes || batch.items() == 0) co_return sent;
    dropped_told_ = true;
  }
  message.headers.action = action::kEvent;
  message.body = batch.events_xml();
  co_return co_await send(std::move(message), true);
}

/// With every header that the client would add, so that its size is known.
Message Notifier::message_for(std::string_view action) const {
  Message message;
  Headers& headers = message.headers;
  const ClientOptions& client = client_->options();
  headers.action = action;
  headers.to = client.to;
  headers.message_id = new_message_id();
  headers.reply_to = kAnonymous;
  headers.session_id = session_id_;
  headers.machine_id = client.machine_id;
  headers.locale = "en-US";
  headers.data_locale = "en-US";
  headers.operation_timeout = std::min(client.operation_timeout, guide_.bounds().max_timeout);
  headers.max_envelope_size = client.max_envelope_size;
  headers.ack_requested = acknowledged();
  headers.extra = options_.how.notify_to.reference_properties;
  message.body = "<w:Events/>";
  return message;
}

base::Task<Notifier::Sent> Notifier::send(Message message, bool replaceable) {
  const SubscribeRequest& how = options_.how;
  const std::string& name = how.subscription_name;
  milliseconds delay = std::min(kFirstRetry, how.retry_interval);
  unsigned counted = 0;
  for (unsigned attempts = 1;; ++attempts) {
    if (!guide_.may_go_on()) {
      finish(NotifierEnd::Stopped, {});
      co_return Sent::Stop;
    }
    auto reply = co_await client_->exchange(message);
    base::Error trouble;
    if (!reply.ok()) {
      trouble = std::move(reply).error();
    } else if (!acknowledged() || (*reply && (*reply)->headers.action == action::kAck)) {
      last_contact_ = clock_.steady();
      if (attempts != 1) base::log_notice("subscription {}: delivering again", name);
      co_return Sent::Yes;
    } else {
      trouble = base::make_error(base::Win32::InvalidData, "the answer is not an Ack");
    }
    if (replaceable && says_too_large(trouble)) co_return Sent::TooLarge;
    if (is_refusal(trouble)) {
      base::log_error("subscription {}: deliveries are refused: {}", name, trouble.message());
      finish(NotifierEnd::Refused, std::move(trouble));
      co_return Sent::Stop;
    }
    if (delay >= how.retry_interval && ++counted >= how.retry_total) {
      base::log_error("subscription {}: given up after {} attempts: {}", name, attempts, trouble.message());
      finish(NotifierEnd::Unreachable, std::move(trouble));
      co_return Sent::Stop;
    }
    if (attempts == 1) base::log_warning("subscription {}: not delivered, trying again: {}", name, trouble.message());
    co_await clock_.sleep_for(with_jitter(delay));
    delay = std::min(delay * 2, how.retry_interval);
    // A new message, though the same batch: the answer to the one before may still be on its way.
    message.headers.message_id = new_message_id();
  }
}

base::Task<bool> Notifier::say_end(std::string status, std::uint32_t code, std::string reason) {
  const SubscribeRequest& how = options_.how;
  const NotifyAddress& to = how.end_to.address.empty() ? how.notify_to : how.end_to;
  auto transport = connect_(to, how);
  if (!transport) co_return false;
  ClientOptions options;
  options.to = to.address;
  options.machine_id = options_.machine;
  options.operation_timeout = kEndTimeout;
  options.network_delay = milliseconds(0);
  Client client(std::move(transport), std::move(options));

  Message message;
  message.headers.action = action::kSubscriptionEnd;
  message.headers.session_id = session_id_;
  message.headers.ack_requested = true;
  message.headers.extra = to.reference_properties;
  xml::Writer body;
  body.open("e:SubscriptionEnd");
  body.open("e:SubscriptionManager").raw(options_.manager).close();
  body.leaf("e:Status", "http://schemas.xmlsoap.org/ws/2004/08/eventing/" + status);
  body.open("f:WSManFault").attribute("xmlns:f", ns::kFault).attribute("Code", std::to_string(code));
  body.attribute("Machine", options_.machine).leaf("f:Message", reason).close();
  message.body = body.take();
  auto exchange = client.exchange(std::move(message));
  auto limit = clock_.sleep_for(kEndTimeout);
  auto reply = co_await base::first_of(std::move(exchange), std::move(limit));
  if (!reply) {
    base::log_debug("subscription {}: the end was not acknowledged in time", how.subscription_name);
    co_return false;
  }
  if (!reply->ok()) {
    base::log_debug("subscription {}: the end was not acknowledged: {}", how.subscription_name, reply->error().message());
    // A fault is an answer too.
    co_return reply->error().code.category() == base::win32_category();
  }
  co_return true;
}

}  // namespace wsman
