#include "forwarder/feed.h"

#include <algorithm>
#include <random>

#include "engine/base/deadline.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"
#include "events/render.h"

namespace forwarder {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kStateKind = "feed";
constexpr milliseconds kDefaultMaxTime{900'000};
constexpr milliseconds kDefaultHeartbeat{900'000};
/// Headers, namespaces and the bookmark of a delivery, in characters; the bookmark of 256 channels would need more, see
/// size_of.
constexpr std::size_t kEnvelopeOverhead = 4096;
/// <w:Event Action="…"><![CDATA[…]]></w:Event>
constexpr std::size_t kItemOverhead = 100;
constexpr std::size_t kMaxItemsOfBatch = 10'000;
constexpr milliseconds kFarewell{1000};

constexpr std::uint32_t kWsmanDestinationUnreachable = 2150858770;
constexpr std::uint32_t kWsmanDeliveryRefused = 2150858804;
constexpr std::uint32_t kWsmanResourceNotFound = 2150858752;
constexpr std::uint32_t kWsmanInvalidResourceUri = 2150858811;
constexpr std::uint32_t kHttpNotFound = 2150859027;

/// Answers after which the same batch would be refused again.
bool is_refusal(std::uint32_t code) {
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
  const std::string name = options_.offer.subscribe.subscription_name;
  auto prepared = co_await prepare();
  if (!prepared.ok()) {
    const auto number = base::win32_number(prepared.error().code);
    base::log_error("subscription {} cannot be served: {}", name, prepared.error().message());
    co_await say_end("SourceCancelling", number, prepared.error().message());
    finish(FeedEnd::Unusable);
    co_return;
  }
  base::log_notice("subscription {} started, delivering to {}", name, options_.offer.subscribe.notify_to.address);
  co_await serve();
}

base::AsyncResult<void> Feed::prepare() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  if (how.mode != wsman::kModeEvents) {
    co_return base::make_error(base::Win32::NotSupported, "the delivery mode " + how.mode + " is not supported");
  }
  ASSIGN_OR_CO_RETURN(query_, events::Query::parse(how.filter, ""));
  if (!how.ignore_channel_error) {
    for (const std::string& path : query_.paths()) {
      ASSIGN_OR_CO_RETURN(auto log, co_await events_.find_log(path));
      if (!log) co_return base::make_error(base::Win32::EvtChannelNotFound, "channel " + path);
    }
  }
  ASSIGN_OR_CO_RETURN(position_, co_await start_position());
  client_ = std::make_unique<wsman::Client>(connect_(how.notify_to, how), [&] {
    wsman::ClientOptions client;
    client.to = how.notify_to.address;
    client.machine_id = options_.computer;
    return client;
  }());
  last_contact_ = clock_.steady();
  last_remembered_ = clock_.steady();
  co_await remember(true);
  co_return base::Result<void>();
}

base::AsyncResult<events::Bookmark> Feed::start_position() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  events::Bookmark position;
  if (how.bookmark && *how.bookmark != events::kEarliestBookmark) {
    auto offered = events::Bookmark::parse(*how.bookmark);
    if (!offered.ok()) {
      // Reading everything again costs time; the collector drops what it has. To begin at the end would lose events.
      base::log_warning("subscription {}: the collector's bookmark cannot be read ({}): everything is sent again",
                        how.subscription_name, offered.error().message());
      co_return position;
    }
    position = std::move(*offered);
  } else if (!how.bookmark) {
    const std::string key = options_.state_key;
    ASSIGN_OR_CO_RETURN(auto kept, co_await pool_.run([this, &key] { return state_.find(std::string(kStateKind), key); }));
    auto own = kept ? events::Bookmark::parse(*kept) : base::Result<events::Bookmark>(base::Error{});
    if (own.ok()) {
      position = std::move(*own);
    } else if (!how.read_existing_events) {
      for (const std::string& path : query_.paths()) {
        ASSIGN_OR_CO_RETURN(auto log, co_await events_.find_log(path));
        if (log) position.set(path, log->status.newest_record);
      }
    }
  }
  // What the bookmark says must be possible: a store that was made anew counts from 1 again, and a bounded one forgets.
  events::Bookmark checked;
  for (const auto& entry : position.entries) {
    ASSIGN_OR_CO_RETURN(auto log, co_await events_.find_log(entry.channel));
    if (log && entry.record_id > log->status.newest_record) {
      base::log_warning(
          "subscription {}: the bookmark of {} is at record {}, the log ends at {}: the log was made anew, reading from its "
          "beginning",
          how.subscription_name, entry.channel, entry.record_id, log->status.newest_record);
      continue;
    }
    if (log && log->status.records != 0 && entry.record_id + 1 < log->status.oldest_record) {
      base::log_warning("subscription {}: {} events of {} were overwritten before they could be forwarded",
                        how.subscription_name, log->status.oldest_record - entry.record_id - 1, entry.channel);
    }
    checked.set(entry.channel, entry.record_id);
  }
  if (checked.find(position.current)) checked.current = position.current;
  co_return checked;
}

base::Task<void> Feed::serve() {
  const milliseconds heartbeat = options_.offer.subscribe.heartbeats.value_or(kDefaultHeartbeat);
  // The first message is a heartbeat: it shows that the way is open before any event is taken.
  wsman::Message first = delivery_message(wsman::action::kHeartbeat);
  const Sent opened = co_await send(std::move(first));
  if (opened == Sent::Stop) co_return;
  for (;;) {
    auto batch = co_await next_batch();
    if (!batch.ok()) {
      base::log_error("subscription {}: reading the local store: {}", options_.offer.subscribe.subscription_name,
                      batch.error().message());
      co_await clock_.sleep_for(std::chrono::seconds(1));
      continue;
    }
    const bool holds_something = !batch->events.empty() || batch->dropped != 0;
    if (holds_something || clock_.steady() >= last_contact_ + heartbeat) {
      wsman::Message message = holds_something ? events_message(*batch) : delivery_message(wsman::action::kHeartbeat);
      const Sent sent = co_await send(std::move(message));
      if (sent == Sent::Stop) co_return;
    }
    position_ = std::move(batch->bookmark);
    co_await remember(false);
  }
}

std::size_t Feed::size_of(std::string_view event) const {
  return options_.offer.subscribe.content_encoding == "UTF-8" ? event.size() : 2 * base::utf16_length(event);
}

base::AsyncResult<Feed::Batch> Feed::next_batch() {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  const bool rendered = how.content_format == "RenderedText";
  const std::size_t unit = how.content_encoding == "UTF-8" ? 1 : 2;
  const std::size_t bookmark_size = 2 * position_.to_xml().size();
  const std::size_t fixed = unit * (kEnvelopeOverhead + bookmark_size);
  const std::size_t room = how.max_envelope_size > fixed ? static_cast<std::size_t>(how.max_envelope_size) - fixed : 0;
  const std::size_t most = std::min<std::size_t>(how.max_elements.value_or(kMaxItemsOfBatch), kMaxItemsOfBatch);
  const milliseconds max_time = how.max_time.value_or(kDefaultMaxTime);
  const base::SteadyTime heartbeat_due = last_contact_ + how.heartbeats.value_or(kDefaultHeartbeat);

  Batch batch;
  batch.bookmark = position_;
  events::Bookmark read_to = position_;
  std::size_t used = 0;
  std::optional<base::SteadyTime> send_at;
  for (;;) {
    const std::uint64_t seen = events_.generation();
    storage::ReadRequest request;
    request.query = query_;
    request.after = read_to;
    request.ignore_missing_logs = how.ignore_channel_error;
    request.budget.items = most - batch.events.size();
    request.budget.bytes = std::max<std::size_t>((room - used) / unit, 1);
    ASSIGN_OR_CO_RETURN(auto found, co_await events_.read(std::move(request)));
    for (storage::StoredEvent& stored : found.events) {
      std::string text = rendered ? events::with_rendering_info(stored.event) : std::move(stored.event.xml);
      const std::size_t size = size_of(text) + unit * kItemOverhead;
      if (size > room) {
        base::log_warning("subscription {}: record {} of {} is larger ({} octets) than MaxEnvelopeSize allows",
                          how.subscription_name, stored.record, stored.log, size);
        if (how.oversize == wsman::OversizePolicy::CancelSubscription) {
          co_await say_end("SourceCancelling", static_cast<std::uint32_t>(base::Win32::InvalidData),
                           "An event exceeds MaxEnvelopeSize.");
          finish(FeedEnd::Unusable);
          co_return base::make_error(std::errc::operation_canceled, "an event exceeds MaxEnvelopeSize");
        }
        if (how.oversize == wsman::OversizePolicy::Notify) ++batch.dropped;
        batch.bookmark.set(stored.log, stored.record);
        continue;
      }
      if (used + size > room || batch.events.size() == most) co_return batch;
      used += size;
      batch.events.push_back(std::move(text));
      batch.bookmark.set(stored.log, stored.record);
    }
    // Everything that was read is in the batch: what was looked at and not selected need not be looked at again.
    const std::string current = batch.bookmark.current;
    batch.bookmark = found.position;
    if (!current.empty()) batch.bookmark.current = current;
    read_to = batch.bookmark;
    if (batch.events.size() >= most) co_return batch;
    if (!found.at_end) {
      // Nearly full is full: to look for one more event that fits would cost a read for each batch.
      if (used >= room - room / 10) co_return batch;
      continue;
    }
    const base::SteadyTime now = clock_.steady();
    const bool holds_something = !batch.events.empty() || batch.dropped != 0;
    if (holds_something && !send_at) send_at = now + max_time;
    // A heartbeat that falls due while events wait is not sent: the events themselves follow soon and say the same.
    const base::SteadyTime until = send_at.value_or(heartbeat_due);
    if (now >= until) co_return batch;
    co_await events_.wait_past(seen, until);
  }
}

wsman::Message Feed::delivery_message(std::string_view action) const {
  wsman::Message message;
  message.headers.action = action;
  message.headers.to = options_.offer.subscribe.notify_to.address;
  message.headers.session_id = session_id_;
  message.headers.ack_requested = true;
  message.headers.extra = options_.offer.subscribe.notify_to.reference_properties;
  message.body = "<w:Events/>";
  return message;
}

wsman::Message Feed::events_message(const Batch& batch) const {
  wsman::Message message = delivery_message(wsman::action::kEvents);
  if (options_.offer.subscribe.send_bookmarks) message.headers.bookmark = batch.bookmark.to_xml();
  const std::string start = "<w:Event Action=\"" + std::string(wsman::action::kEvent) + "\">";
  std::string& body = message.body;
  body = "<w:Events>";
  for (const std::string& event : batch.events) {
    body += start;
    xml::append_cdata(body, event);
    body += "</w:Event>";
  }
  if (batch.dropped != 0) {
    body += "<w:DroppedEvents Action=\"" + std::string(wsman::action::kDroppedEvents) + "\">" +
            std::to_string(batch.dropped) + "</w:DroppedEvents>";
  }
  body += "</w:Events>";
  return message;
}

base::Task<Feed::Sent> Feed::send(wsman::Message message) {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  milliseconds delay(500);
  unsigned failures = 0;
  bool told = false;
  if (end() != FeedEnd::Running) co_return Sent::Stop;
  for (;;) {
    auto reply = co_await client_->exchange(message);
    base::Error trouble;
    if (reply.ok()) {
      if (*reply && (*reply)->headers.action == wsman::action::kAck) {
        if (told) base::log_notice("subscription {}: delivering again", how.subscription_name);
        last_contact_ = clock_.steady();
        co_return Sent::Yes;
      }
      trouble = base::make_error(base::Win32::InvalidData, "the answer is not an Ack");
    } else {
      trouble = std::move(reply).error();
    }
    if (trouble.code.category() == base::win32_category() && is_refusal(base::win32_number(trouble.code))) {
      base::log_error("subscription {}: the collector refuses deliveries: {}", how.subscription_name, trouble.message());
      finish(FeedEnd::Refused);
      co_return Sent::Stop;
    }
    if (!told)
      base::log_warning("subscription {}: not delivered, trying again: {}", how.subscription_name, trouble.message());
    told = true;
    // Within the first ConnectionRetry interval we ask more often, so that a restarted collector is found at once.
    if (delay >= how.retry_interval && ++failures >= std::max(1u, how.retry_total)) {
      base::log_error("subscription {}: given up after {} attempts: {}", how.subscription_name, failures, trouble.message());
      finish(FeedEnd::Unreachable);
      co_return Sent::Stop;
    }
    co_await clock_.sleep_for(with_jitter(delay));
    delay = std::min(delay * 2, std::max(how.retry_interval, milliseconds(500)));
  }
}

base::Task<void> Feed::say_end(std::string status, std::uint32_t code, std::string reason) {
  const wsman::SubscribeRequest& how = options_.offer.subscribe;
  const wsman::NotifyAddress& to = how.end_to.address.empty() ? how.notify_to : how.end_to;
  wsman::ClientOptions options;
  options.to = to.address;
  options.machine_id = options_.computer;
  options.operation_timeout = milliseconds(500);
  options.network_delay = milliseconds(0);
  wsman::Client client(connect_(to, how), options);

  wsman::Message message;
  message.headers.action = wsman::action::kSubscriptionEnd;
  message.headers.to = to.address;
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
  // Whoever stops does not wait for a collector that takes connections and says nothing.
  auto said = client.exchange(std::move(message));
  auto reply = co_await base::within(kFarewell, "saying the end", std::move(said));
  if (!reply.ok())
    base::log_debug("subscription {}: the end was not acknowledged: {}", how.subscription_name, reply.error().message());
}

base::Task<void> Feed::remember(bool now) {
  // The collector's own bookmark is what counts; this one serves while it has none, so a little staleness is harmless.
  if (!now && clock_.steady() < last_remembered_ + std::chrono::seconds(30)) co_return;
  last_remembered_ = clock_.steady();
  std::string text = position_.to_xml();
  if (text == remembered_) co_return;
  const std::string key = options_.state_key;
  auto kept = co_await pool_.run([this, &key, &text] { return state_.put(std::string(kStateKind), key, text); });
  if (kept.ok()) {
    remembered_ = std::move(text);
  } else {
    base::log_warning("the position of {} was not written down: {}", key, kept.error().message());
  }
}

}  // namespace forwarder
