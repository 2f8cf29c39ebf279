#include "tests/fakes/fake_collector.h"

#include <algorithm>

#include "engine/base/die.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"

namespace test_support {
namespace {

ReceivedMessage read(std::string text, base::SteadyTime at) {
  ReceivedMessage message;
  message.at = at;
  auto envelope = wsman::read_envelope(text);
  if (!envelope.ok()) base::die("a source has sent an envelope that cannot be read: " + envelope.error().reason);
  message.text = std::move(text);
  message.headers = envelope->headers;
  const xml::Element body = envelope->body();
  for (const xml::Element item : body.children()) {
    if (item.is(wsman::ns::kWsman, "Event")) {
      const xml::Element inside = item.first_child();
      message.events.push_back(inside ? inside.outer_xml() : std::string(item.text()));
    } else if (item.is(wsman::ns::kWsman, "DroppedEvents")) {
      message.dropped = std::stoull(std::string(item.text()));
    } else if (item.is(wsman::ns::kEventing, "Status")) {
      message.end_status = item.text();
    } else if (item.is(wsman::ns::kFault, "WSManFault")) {
      message.end_code = item.attribute("Code").value_or("");
    }
  }
  return message;
}

}  // namespace

class FakeCollector::Link final : public wsman::Transport {
 public:
  explicit Link(FakeCollector& collector) : collector_(collector) {}
  base::AsyncResult<std::optional<wsman::Envelope>> round_trip(wsman::Message request, std::chrono::milliseconds) override {
    co_return co_await collector_.take(std::move(request));
  }

 private:
  FakeCollector& collector_;
};

std::unique_ptr<wsman::Transport> FakeCollector::connect() {
  return std::make_unique<Link>(*this);
}

void FakeCollector::answer_once(std::string_view action, Script script) {
  std::lock_guard lock(mutex_);
  once_.push_back({std::string(action), script});
}

void FakeCollector::answer_always(std::string_view action, Script script) {
  std::lock_guard lock(mutex_);
  always_.insert(always_.begin(), {std::string(action), script});
}

void FakeCollector::take_at_most(std::size_t octets) {
  std::lock_guard lock(mutex_);
  at_most_ = octets;
}

void FakeCollector::offer(std::vector<wsman::OfferedSubscription> offers) {
  std::lock_guard lock(mutex_);
  offers_ = std::move(offers);
}

FakeCollector::Script FakeCollector::script_for(std::string_view action) {
  const auto fits = [&](const Rule& rule) { return rule.action.empty() || rule.action == action; };
  if (const auto rule = std::find_if(once_.begin(), once_.end(), fits); rule != once_.end()) {
    const Script script = rule->script;
    once_.erase(rule);
    return script;
  }
  const auto rule = std::find_if(always_.begin(), always_.end(), fits);
  return rule != always_.end() ? rule->script : Script(Answer::Ack);
}

std::string FakeCollector::offers_xml() const {
  std::string xml = "<n:EnumerateResponse><n:EnumerationContext/><w:Items>";
  for (const auto& offer : offers_) xml += wsman::write_offer(offer);
  return xml + "</w:Items><w:EndOfSequence/></n:EnumerateResponse>";
}

base::AsyncResult<std::optional<wsman::Envelope>> FakeCollector::take(wsman::Message request) {
  ReceivedMessage message = read(wsman::write_envelope(request), clock_.steady());
  Script script;
  wsman::Message reply;
  {
    std::lock_guard lock(mutex_);
    if (message.text.size() > at_most_) {
      received_.push_back(std::move(message));
      // ERROR_WSMAN_HTTP_REQUEST_TOO_LARGE_STATUS
      co_return base::make_error(base::win32_code(2150859025), "HTTP status 413");
    }
    script = script_for(message.headers.action);
    if (script == Script(Answer::Ack)) {
      events_.insert(events_.end(), message.events.begin(), message.events.end());
    }
    const bool enumerates = message.is(wsman::action::kEnumerate);
    reply = enumerates ? wsman::reply_to(message.headers, std::string(wsman::action::kEnumerate) + "Response", offers_xml())
                       : wsman::reply_to(message.headers, wsman::action::kAck, "");
    received_.push_back(std::move(message));
  }
  if (const auto* code = std::get_if<wsman::FaultCode>(&script)) {
    reply = wsman::fault_message(wsman::make_fault(*code), reply.headers.relates_to, "wec.lab.example");
  } else {
    switch (std::get<Answer>(script)) {
      case Answer::Ack:
        break;
      case Answer::Nothing:
        co_return std::optional<wsman::Envelope>();
      case Answer::AnotherAck:
        reply.headers.relates_to = wsman::new_message_id();
        break;
      case Answer::NotAnAck:
        reply.headers.action = wsman::action::kEvents;
        break;
      case Answer::Silence:
        co_await clock_.sleep_until(base::SteadyTime::max());
        co_return base::make_error(std::errc::timed_out, "no answer");
      case Answer::Unreachable:
        co_return base::make_error(std::errc::connection_refused, "connecting");
      case Answer::Unauthorised:
        co_return base::make_error(base::Win32::AccessDenied, "HTTP status 401");
    }
  }
  auto answer = wsman::read_envelope(wsman::write_envelope(reply));
  if (!answer.ok()) base::die("the answer of the fake collector cannot be read: " + answer.error().reason);
  co_return std::optional<wsman::Envelope>(std::move(*answer));
}

std::vector<ReceivedMessage> FakeCollector::received() const {
  std::lock_guard lock(mutex_);
  return received_;
}

std::vector<ReceivedMessage> FakeCollector::received(std::string_view action) const {
  auto messages = received();
  std::erase_if(messages, [&](const ReceivedMessage& message) { return !message.is(action); });
  return messages;
}

std::vector<std::string> FakeCollector::events() const {
  std::lock_guard lock(mutex_);
  return events_;
}

}  // namespace test_support
