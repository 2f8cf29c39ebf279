#include "tests/bench/fleet_source.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "engine/base/deadline.h"
#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/wsman/names.h"
#include "engine/wsman/sldc.h"

namespace bench {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswerLimit{60'000};
constexpr milliseconds kConnectLimit{60'000};
constexpr std::chrono::hours kLong{1};
constexpr milliseconds kFirstRetry{500};
constexpr milliseconds kLongestRetry{10'000};
constexpr milliseconds kDefaultMaxTime{900'000};
constexpr milliseconds kDefaultHeartbeat{900'000};
constexpr std::size_t kDefaultItems = 100;
/// Of an envelope beside its events.
constexpr std::size_t kFrame = 8 << 10;

base::Clock& real_time() {
  return base::system_clock();
}

/// The text between `open` and `close` replaced; unchanged where there is none.
void replace_between(std::string& xml, std::string_view open, std::string_view close, std::string_view text) {
  const auto from = xml.find(open);
  if (from == std::string::npos) return;
  const auto start = from + open.size();
  const auto end = xml.find(close, start);
  if (end != std::string::npos) xml.replace(start, end - start, text);
}

}  // namespace

void FleetTally::acknowledged(std::size_t events, std::size_t octets, std::chrono::microseconds took) {
  events_ += events;
  octets_ += octets;
  ++deliveries_;
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 8));
  const auto power = static_cast<std::size_t>(std::bit_width(us) - 1);
  const auto eighth = static_cast<std::size_t>(us >> (power - 3)) & 7;
  ++times_[std::min(power * 8 + eighth, kBuckets - 1)];
}

void FleetTally::failed(const std::string& why) {
  // The first few tell what is going on; all of them would drown it.
  if (failures_++ < 5) std::fprintf(stderr, "fleet: %s\n", why.c_str());
}

double FleetTally::quantile(double share) const {
  std::uint64_t all = 0;
  for (const auto& bucket : times_) all += bucket;
  if (all == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += times_[i];
    if (seen >= wanted) return std::ldexp(1.0 + static_cast<double>(i % 8 + 1) / 8.0, static_cast<int>(i / 8)) / 1000.0;
  }
  return 0;
}

void FleetTally::reset_times() {
  for (auto& bucket : times_) bucket = 0;
}

/// A channel of this machine: its events are numbered from 1, and what an event says follows from its number.
struct FleetSource::Log {
  std::string channel;
  std::uint64_t newest = 0;
};

struct FleetSource::Subscription {
  wsman::OfferedSubscription offer;
  std::size_t log = 0;
  std::uint64_t next = 1;  ///< the record after the last acknowledged one
  std::unique_ptr<http::Client> client;
  bool connected = false;
  std::string session = "uuid:" + base::new_guid();
};

FleetSource::FleetSource(FleetSourceOptions options, FleetPlan& plan, FleetTally& tally, std::uint64_t seed)
    : options_(std::move(options)), plan_(plan), tally_(tally), random_(seed), made_at_(real_time().steady()) {
  for (const std::string& channel : plan_.channels) logs_.push_back({channel, 0});
}

FleetSource::~FleetSource() = default;

base::AsyncResult<void> FleetSource::enrol() {
  const std::string url = options_.collector + "/SubscriptionManager/WEC";
  ASSIGN_OR_CO_RETURN(http::Url parsed, http::Url::parse(url));
  http::ClientOptions http_options;
  http_options.tls = options_.tls;
  http_options.connect_timeout = kConnectLimit;
  const auto turn = co_await plan_.connecting.take(1, kLong);
  wsman::HttpTransportOptions how;
  how.charset = plan_.utf8 ? wsman::Charset::Utf8 : wsman::Charset::Utf16;
  wsman::ClientOptions client_options;
  client_options.to = url;
  client_options.machine_id = options_.name;
  wsman::Client client(wsman::http_transport(std::move(parsed), std::move(http_options), std::move(how)),
                       std::move(client_options));
  std::vector<wsman::OfferedSubscription> offers;
  std::function<bool(wsman::Client::Page&)> take = [&offers](wsman::Client::Page& page) {
    for (const xml::Element item : page.items) {
      auto offer = wsman::read_offer(item);
      if (offer.ok()) offers.push_back(std::move(*offer));
    }
    return true;
  };
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kSubscriptionList;
  std::optional<wsman::Filter> none;
  CO_RETURN_IF_ERROR(co_await client.enumerate(std::move(target), std::move(none), 32'000, std::move(take)));
  ++tally_.enumerations;
  if (enrolled_) co_return base::Result<void>();
  for (wsman::OfferedSubscription& offer : offers) {
    auto subscription = std::make_unique<Subscription>();
    // The first of our channels that the query names.
    while (subscription->log < logs_.size() &&
           offer.subscribe.filter.find("\"" + logs_[subscription->log].channel + "\"") == std::string::npos &&
           offer.subscribe.filter.find("'" + logs_[subscription->log].channel + "'") == std::string::npos) {
      ++subscription->log;
    }
    if (subscription->log == logs_.size()) continue;
    subscription->offer = std::move(offer);
    subscriptions_.push_back(std::move(subscription));
  }
  enrolled_ = !subscriptions_.empty();
  if (!enrolled_) co_return base::make_error(std::errc::no_message, "no subscription is offered to " + options_.name);
  co_return base::Result<void>();
}

base::Task<void> FleetSource::enrol_until_offered() {
  milliseconds delay = kFirstRetry;
  for (;;) {
    auto outcome = co_await enrol();
    if (outcome.ok() || !plan_.producing) co_return;
    tally_.failed(outcome.error().message());
    co_await real_time().sleep_for(delay);
    delay = std::min(delay * 2, kLongestRetry);
  }
}

void FleetSource::start(base::TaskGroup& tasks) {
  tasks.spawn_on(tasks.executor(), options_.name, run(tasks));
}

base::Task<void> FleetSource::run(base::TaskGroup& tasks) {
  co_await enrol_until_offered();
  made_at_ = real_time().steady();
  for (const auto& subscription : subscriptions_) tasks.spawn_on(tasks.executor(), options_.name, serve(*subscription));
  while (plan_.producing) {
    co_await wait_until(real_time().steady() + plan_.refresh);
    if (!plan_.producing) break;
    auto again = co_await enrol();
    if (!again.ok()) tally_.failed(again.error().message());
  }
}

/// Or until nothing is produced any more.
base::Task<void> FleetSource::wait_until(base::SteadyTime due) {
  while (plan_.producing && real_time().steady() < due) {
    co_await real_time().sleep_until(std::min(due, real_time().steady() + plan_.notice));
  }
}

void FleetSource::make_events() {
  const base::SteadyTime now = real_time().steady();
  const std::chrono::duration<double> past = now - made_at_;
  made_at_ = now;
  if (!plan_.producing) return;
  owed_ += past.count() * plan_.rate;
  for (; owed_ >= 1; owed_ -= 1) {
    const auto least = std::ranges::min_element(logs_, {}, &Log::newest);
    ++least->newest;
  }
}

std::string FleetSource::event_text(std::uint64_t number, const Log& log) const {
  std::string xml = plan_.samples[(number * 7919 + log.channel.size() * 31) % plan_.samples.size()];
  replace_between(xml, "<EventRecordID>", "</EventRecordID>", std::to_string(number));
  replace_between(xml, "<Channel>", "</Channel>", log.channel);
  replace_between(xml, "<Computer>", "</Computer>", options_.name);
  return xml;
}

base::Task<void> FleetSource::serve(Subscription& subscription) {
  const wsman::SubscribeRequest& how = subscription.offer.subscribe;
  const milliseconds latency = how.max_time.value_or(kDefaultMaxTime);
  const milliseconds heartbeat = how.heartbeats.value_or(kDefaultHeartbeat);
  const std::size_t items = std::min<std::uint64_t>(how.max_elements.value_or(kDefaultItems), 1000);
  const std::size_t room = (how.max_envelope_size - kFrame) / (plan_.utf8 ? 1 : 2);
  // Machines do not keep step with each other.
  co_await real_time().sleep_for(milliseconds(random_() % static_cast<std::uint64_t>(latency.count())));
  co_await send(subscription, wsman::action::kHeartbeat, "<w:Events></w:Events>", 0);
  base::SteadyTime beat = real_time().steady();
  for (;;) {
    make_events();
    const Log& log = logs_[subscription.log];
    while (subscription.next <= log.newest) {
      std::string body = "<w:Events>";
      std::size_t count = 0;
      while (count < items && subscription.next + count <= log.newest) {
        std::string event = event_text(subscription.next + count, log);
        if (count != 0 && body.size() + event.size() + 128 > room) break;
        body += "<w:Event Action=\"";
        body += wsman::action::kEvent;
        body += "\"><![CDATA[" + event + "]]></w:Event>";
        ++count;
      }
      body += "</w:Events>";
      co_await send(subscription, wsman::action::kEvents, std::move(body), count);
      subscription.next += count;
      acknowledged_ += count;
      beat = real_time().steady();
    }
    if (!plan_.producing) co_return;
    if (real_time().steady() >= beat + heartbeat) {
      co_await send(subscription, wsman::action::kHeartbeat, "<w:Events></w:Events>", 0);
      ++tally_.heartbeats;
      beat = real_time().steady();
    }
    co_await wait_until(real_time().steady() + std::min(latency, heartbeat));
  }
}

/// Until it is acknowledged.
base::Task<void> FleetSource::send(Subscription& subscription, std::string_view action, std::string body,
                                   std::size_t events) {
  milliseconds delay = kFirstRetry;
  bool again = chance(plan_.faults.resend);
  for (;;) {
    auto outcome = co_await attempt(subscription, action, body, events);
    if (outcome.ok() && !again) co_return;
    if (outcome.ok()) {
      again = false;
      continue;
    }
    tally_.failed(options_.name + ": " + outcome.error().message());
    co_await real_time().sleep_for(delay);
    delay = std::min(delay * 2, kLongestRetry);
  }
}

base::AsyncResult<void> FleetSource::attempt(Subscription& subscription, std::string_view action, const std::string& body,
                                             std::size_t events) {
  const wsman::NotifyAddress& to = subscription.offer.subscribe.notify_to;
  if (!subscription.client) {
    ASSIGN_OR_CO_RETURN(http::Url url, http::Url::parse(to.address));
    http::ClientOptions http_options;
    http_options.tls = options_.tls;
    http_options.connect_timeout = kConnectLimit;
    subscription.client = std::make_unique<http::Client>(std::move(url), std::move(http_options));
  }
  const wsman::Charset charset = plan_.utf8 ? wsman::Charset::Utf8 : wsman::Charset::Utf16;
  wsman::Message message;
  wsman::Headers& headers = message.headers;
  headers.action = action;
  headers.to = to.address;
  headers.message_id = wsman::new_message_id();
  headers.reply_to = wsman::kAnonymous;
  headers.session_id = subscription.session;
  headers.operation_id = "uuid:" + base::new_guid();
  headers.sequence_id = 1;
  headers.machine_id = options_.name;
  headers.locale = "en-US";
  headers.data_locale = "en-US";
  headers.operation_timeout = kAnswerLimit;
  headers.max_envelope_size = subscription.offer.subscribe.max_envelope_size;
  headers.ack_requested = true;
  headers.extra = to.reference_properties;
  if (events != 0) {
    headers.bookmark = "<BookmarkList><Bookmark Channel=\"" + logs_[subscription.log].channel + "\" RecordId=\"" +
                       std::to_string(subscription.next + events - 1) + "\" IsCurrent=\"true\"/></BookmarkList>";
  }
  message.body = body;

  http::Request request;
  request.head.fields.add("Content-Type", std::string(wsman::content_type_of(charset)));
  request.head.fields.add("User-Agent", "Microsoft WinRM Client");
  request.body = wsman::encode_text(wsman::write_envelope(message), charset);
  if (plan_.sldc) {
    request.head.fields.add("Content-Encoding", "SLDC");
    request.body = wsman::sldc_compress(request.body);
  }
  const std::size_t octets = request.body.size();
  if (chance(plan_.faults.garbage)) co_await send_garbage(subscription);
  if (chance(plan_.faults.cut)) {
    auto exchange = subscription.client->exchange(request, kAnswerLimit);
    auto cut = real_time().sleep_for(milliseconds(random_() % 5));
    [[maybe_unused]] auto lost = co_await base::first_of(std::move(exchange), std::move(cut));
    subscription.connected = false;
    subscription.client->close();
  }
  std::shared_ptr<void> turn;
  if (!std::exchange(subscription.connected, false)) turn = co_await plan_.connecting.take(1, kLong);
  const base::SteadyTime begin = real_time().steady();
  ASSIGN_OR_CO_RETURN(http::Response response, co_await subscription.client->exchange(std::move(request), kAnswerLimit));
  subscription.connected = true;
  turn.reset();
  const base::SteadyTime end = real_time().steady();
  if (response.status != 200) {
    co_return base::make_error(std::errc::protocol_error, "HTTP status " + std::to_string(response.status));
  }
  wsman::Charset came = charset;
  auto text = wsman::decode_text(response.body, response.fields.find("Content-Type").value_or(""), came);
  if (!text.ok()) co_return base::make_error(std::errc::protocol_error, "the answer cannot be read");
  auto reply = wsman::read_envelope(std::move(*text));
  if (!reply.ok() || reply->headers.action != wsman::action::kAck || reply->headers.relates_to != headers.message_id) {
    co_return base::make_error(std::errc::protocol_error, "the answer is not our Ack");
  }
  tally_.acknowledged(events, octets, std::chrono::duration_cast<std::chrono::microseconds>(end - begin));
  last_contact_ = end.time_since_epoch().count();
  if (chance(plan_.faults.reconnect)) {
    subscription.client->close();
    subscription.connected = false;
  }
  co_return base::Result<void>();
}

/// Something that a service must refuse without harm to what follows.
base::Task<void> FleetSource::send_garbage(Subscription& subscription) {
  static constexpr std::array<std::string_view, 4> kGarbage{"<s:Envelope", "\xff\xfe<\0a\0", "{\"not\": \"soap\"}",
                                                            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"};
  http::Request request;
  request.head.fields.add("Content-Type", "application/soap+xml;charset=UTF-8");
  request.body = kGarbage[random_() % kGarbage.size()];
  auto refused = co_await subscription.client->exchange(std::move(request), kAnswerLimit);
  if (refused.ok() && refused->status == 200) tally_.failed("garbage was accepted");
}

}  // namespace bench
