#include "forwarder/feed.h"

#include <algorithm>
#include <random>

#include "engine/base/deadline.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"
#include "forwarder/start_position.h"

namespace forwarder {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kStateKind = "feed";
constexpr milliseconds kDefaultMaxTime{900'000};
constexpr milliseconds kDefaultHeartbeat{900'000};
constexpr milliseconds kShortestHeartbeat{100};
constexpr milliseconds kFirstRetry{500};
constexpr milliseconds kEndTimeout{500};
constexpr auto kReadLimit = std::chrono::seconds(1);
constexpr auto kReadRetry = std::chrono::seconds(1);
constexpr auto kSaveInterval = std::chrono::seconds(30);

// Source: wef-wire, section 12; wsman-protocol, section 8.
constexpr std::uint32_t kWsmanDestinationUnreachable = 2150858770;
constexpr std::uint32_t kWsmanDeliveryRefused = 2150858804;
constexpr std::uint32_t kWsmanResourceNotFound = 2150858752;
constexpr std::uint32_t kWsmanInvalidResourceUri = 2150858811;
constexpr std::uint32_t kHttpNotFound = 2150859027;

/// Answers after which the same batch would be refused again.
bool is_refusal(const base::Error& error) {
  if (error.code.category() != base::win32_category()) return false;
  const std::uint32_t code = base::win32_number(error.code);
  return code == static_cast<std::uint32_t>(base::Win32::AccessDenied) || code == kWsmanDeliveryRefused ||
         code == kWsmanResourceNotFound || code == kWsmanInvalidResourceUri || code == kHttpNotFound ||
         code == kWsmanDestinationUnreachable;
}

/// Spreads retries of many sources: 80 to 120 hundredths.
milliseconds with_jitter(milliseconds delay) {
  static thread_local std::minstd_rand random(std::random_device{}());
  return milliseconds(delay.count() * std::uniform_int_distribution<milliseconds::rep>(80, 120)(random) / 100);
}

}  // namespace

Feed::Feed(FeedOptions options, storage::EventStore& events, storage::StateStore& state, base::BlockingPool& pool,
           Connect connect, base::Clock& clock)
    : options_(std::move(options)),
      events_(events),
      state_(state),
      pool_(pool),
      connect_(std::move(connect)),
      clock_(clock),
      session_id_("uuid:" + base::new_guid()) {}

base::Task<void> Feed::run() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  if (auto checked = check(); !checked.ok()) {
    co_await give_up(FeedEnd::Unusable, std::move(checked).error());
    co_return;
  }
  auto prepared = co_await prepare();
  if (!prepared.ok()) {
    co_await give_up(FeedEnd::Unready, std::move(prepared).error());
    co_return;
  }
  base::log_notice("subscription {} started, delivering to {}", how.subscription_name, how.notify_to.address);
  co_await serve();
}

base::Task<void> Feed::give_up(FeedEnd end, base::Error why) {
  base::log_error("subscription {} cannot be served: {}", options_.offer.subscribe.subscription_name, why.message());
  const std::uint32_t number = base::win32_number(why.code);
  co_await say_end("SourceCancelling", number, why.message());
  end_ = end;
}

/// What later attempts will not change.
base::Result<void> Feed::check() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  if (how.mode != wsman::kModeEvents) {
    return base::make_error(base::Win32::NotSupported, "the delivery mode " + how.mode + " is not supported");
  }
  ASSIGN_OR_RETURN(query_, events::Query::parse(how.filter, ""));
  auto transport = connect_(how.notify_to, how);
  if (!transport) {
    return base::make_error(base::Win32::InvalidUrl, "events must not be sent to " + how.notify_to.address);
  }
  wsman::ClientOptions client;
  client.to = how.notify_to.address;
  client.machine_id = options_.computer;
  client_ = std::make_unique<wsman::Client>(std::move(transport), std::move(client));
  fixed_octets_ = wire_size_without_events(delivery_message(wsman::action::kEvents), query_, how);
  if (fixed_octets_ >= how.max_envelope_size) {
    return base::make_error(base::Win32::InvalidParameter, "a MaxEnvelopeSize of " + std::to_string(how.max_envelope_size) +
                                                               " leaves no room for an event");
  }
  return {};
}

base::AsyncResult<void> Feed::prepare() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  if (!how.ignore_channel_error) {
    for (const std::string& path : query_.paths()) {
      ASSIGN_OR_CO_RETURN(auto log, co_await events_.find_log(path));
      if (!log) co_return base::make_error(base::Win32::ResourceNotOnline, "there is no channel " + path);
    }
  }
  const std::string kind(kStateKind);
  ASSIGN_OR_CO_RETURN(auto remembered, co_await pool_.run([this, &kind] { return state_.find(kind, options_.state_key); }));
  ASSIGN_OR_CO_RETURN(position_, co_await find_start(how, query_.paths(), remembered, events_));
  last_contact_ = clock_.steady();
  // From now on the beginning is known: what comes before the first delivery is not passed over after a restart.
  co_await save_position();
  co_return base::Result<void>();
}

base::Task<void> Feed::serve() {
  const std::string& name = options_.offer.subscribe.subscription_name;
  // The first message is a heartbeat: it shows that the way is open before any event is taken.
  wsman::Message first = delivery_message(wsman::action::kHeartbeat);
  const Sent opened = co_await send(std::move(first));
  if (opened == Sent::Stop) co_return;
  bool told = false;
  for (;;) {
    auto batch = co_await next_batch();
    if (end() != FeedEnd::Running) co_return;
    if (!batch.ok()) {
      if (!told) base::log_error("subscription {}: reading the local store: {}", name, batch.error().message());
      told = true;
      co_await clock_.sleep_for(kReadRetry);
      continue;
    }
    told = false;
    const Sent sent = co_await send_batch(*batch);
    if (sent == Sent::Stop) co_return;
    position_ = batch->position();
    if (clock_.steady() >= last_saved_ + kSaveInterval) co_await save_position();
    // A source that is faster than the delivery makes the bounded store overwrite what was not delivered yet: that is never
    // silent.
    [[maybe_unused]] auto logged = co_await log_gaps(name, position_, events_);
  }
}

base::Task<Feed::Sent> Feed::send_batch(const DeliveryBatch& batch) {
  wsman::Message message;
  if (batch.holds_something()) {
    message = delivery_message(wsman::action::kEvents);
    if (options_.offer.subscribe.send_bookmarks) message.headers.bookmark = batch.position().to_xml();
    message.body = batch.body();
  } else if (clock_.steady() >= last_contact_ + heartbeat_interval()) {
    message = delivery_message(wsman::action::kHeartbeat);
  } else {
    co_return Sent::Yes;
  }
  co_return co_await send(std::move(message));
}

milliseconds Feed::heartbeat_interval() const {
  return std::max(options_.offer.subscribe.heartbeats.value_or(kDefaultHeartbeat), kShortestHeartbeat);
}

base::AsyncResult<DeliveryBatch> Feed::next_batch() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  const milliseconds max_time = how.max_time.value_or(kDefaultMaxTime);
  DeliveryBatch batch(how, fixed_octets_, position_);
  // Events that wait go out when a heartbeat would be due: they say the same, and more.
  base::SteadyTime until = last_contact_ + heartbeat_interval();
  bool waits = false;
  bool told = false;
  for (;;) {
    const std::uint64_t seen = events_.generation();
    storage::ReadRequest request;
    request.query = query_;
    request.after = batch.position();
    request.ignore_missing_logs = how.ignore_channel_error;
    request.budget.items = batch.items_left();
    request.budget.bytes = batch.bytes_left();
    request.budget.until = clock_.steady() + kReadLimit;
    ASSIGN_OR_CO_RETURN(auto found, co_await events_.read(std::move(request)));
    for (const storage::StoredEvent& stored : found.events) {
      const DeliveryBatch::Added added = batch.add(stored);
      if (added == DeliveryBatch::Added::Yes) continue;
      if (added == DeliveryBatch::Added::Full) co_return batch;
      const std::string what = "record " + std::to_string(stored.record) + " of " + stored.log +
                               " exceeds MaxEnvelopeSize, " + std::to_string(how.max_envelope_size);
      if (how.oversize == wsman::OversizePolicy::CancelSubscription) {
        // What came before it is delivered first.
        if (batch.holds_something()) co_return batch;
        auto why = base::make_error(base::Win32::InvalidData, what);
        co_await give_up(FeedEnd::Unusable, why);
        co_return why;
      }
      if (!told) base::log_warning("subscription {}: left out: {}", how.subscription_name, what);
      told = true;
      batch.leave_out(stored, how.oversize == wsman::OversizePolicy::Notify);
    }
    batch.pass(std::move(found.position));
    const base::SteadyTime now = clock_.steady();
    if (batch.holds_something() && !std::exchange(waits, true)) until = std::min(until, now + max_time);
    if (batch.is_full()) co_return batch;
    // While more is there the batch is filled, if that goes quickly.
    if (now >= (found.at_end ? until : until + kReadLimit)) co_return batch;
    if (found.at_end) co_await events_.wait_past(seen, until);
  }
}

/// With every header that the client would add, so that its size is known.
wsman::Message Feed::delivery_message(std::string_view action) const {
  wsman::Message message;
  wsman::Headers& headers = message.headers;
  const wsman::ClientOptions& client = client_->options();
  headers.action = action;
  headers.to = client.to;
  headers.message_id = wsman::new_message_id();
  headers.reply_to = wsman::kAnonymous;
  headers.session_id = session_id_;
  headers.machine_id = client.machine_id;
  headers.locale = "en-US";
  headers.data_locale = "en-US";
  headers.operation_timeout = client.operation_timeout;
  headers.max_envelope_size = client.max_envelope_size;
  headers.ack_requested = true;
  headers.extra = options_.offer.subscribe.notify_to.reference_properties;
  message.body = "<w:Events/>";
  return message;
}

base::Task<Feed::Sent> Feed::send(wsman::Message message) {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  const std::string& name = how.subscription_name;
  milliseconds delay = std::min(kFirstRetry, how.retry_interval);
  unsigned counted = 0;
  for (unsigned attempts = 1;; ++attempts) {
    auto reply = co_await client_->exchange(message);
    base::Error trouble;
    if (!reply.ok()) {
      trouble = std::move(reply).error();
    } else if (*reply && (*reply)->headers.action == wsman::action::kAck) {
      last_contact_ = clock_.steady();
      if (attempts != 1) base::log_notice("subscription {}: delivering again", name);
      co_return Sent::Yes;
    } else {
      trouble = base::make_error(base::Win32::InvalidData, "the answer is not an Ack");
    }
    if (is_refusal(trouble)) {
      base::log_error("subscription {}: the collector refuses deliveries: {}", name, trouble.message());
      end_ = FeedEnd::Refused;
      co_return Sent::Stop;
    }
    if (delay >= how.retry_interval && ++counted >= how.retry_total) {
      base::log_error("subscription {}: given up after {} attempts: {}", name, attempts, trouble.message());
      end_ = FeedEnd::Unreachable;
      co_return Sent::Stop;
    }
    if (attempts == 1) base::log_warning("subscription {}: not delivered, trying again: {}", name, trouble.message());
    co_await clock_.sleep_for(with_jitter(delay));
    delay = std::min(delay * 2, how.retry_interval);
    // A new message, though the same batch: the answer to the one before may still be on its way.
    message.headers.message_id = wsman::new_message_id();
  }
}

base::Task<bool> Feed::say_end(std::string status, std::uint32_t code, std::string reason) {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  const wsman::NotifyAddress& to = how.end_to.address.empty() ? how.notify_to : how.end_to;
  auto transport = connect_(to, how);
  if (!transport) co_return false;
  wsman::ClientOptions options;
  options.to = to.address;
  options.machine_id = options_.computer;
  options.operation_timeout = kEndTimeout;
  options.network_delay = milliseconds(0);
  wsman::Client client(std::move(transport), std::move(options));

  wsman::Message message;
  message.headers.action = wsman::action::kSubscriptionEnd;
  message.headers.session_id = session_id_;
  message.headers.ack_requested = true;
  message.headers.extra = to.reference_properties;
  xml::Writer body;
  body.open("e:SubscriptionEnd");
  body.open("e:SubscriptionManager").leaf("a:Address", to.address);
  body.open("a:ReferenceProperties").leaf("e:Identifier", to.identifier).close().close();
  body.leaf("e:Status", "http://schemas.xmlsoap.org/ws/2004/08/eventing/" + status);
  body.open("f:WSManFault").attribute("xmlns:f", wsman::ns::kFault).attribute("Code", std::to_string(code));
  body.attribute("Machine", options_.computer).leaf("f:Message", reason).close();
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

base::Task<void> Feed::save_position() {
  // The collector's own bookmark is what counts; this one serves while it has none, so a little staleness is harmless.
  last_saved_ = clock_.steady();
  std::string text = position_.to_xml();
  if (text == saved_) co_return;
  const std::string kind(kStateKind);
  auto kept = co_await pool_.run([this, &kind, &text] { return state_.put(kind, options_.state_key, text); });
  if (kept.ok()) {
    saved_ = std::move(text);
  } else {
    base::log_warning("the position of {} was not written down: {}", options_.state_key, kept.error().message());
  }
}

}  // namespace forwarder
