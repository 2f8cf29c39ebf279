#include "tests/fakes/openwsman_source.h"

#include <algorithm>

#include "engine/base/clock.h"
#include "engine/base/encoding.h"
#include "engine/wsman/fault.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/writer.h"

namespace fakes {
namespace {

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr std::string_view kCqlDialect = "http://schemas.dmtf.org/wbem/cql/1/dsp0202.pdf";
constexpr std::string_view kOwnAck = "http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/Ack";
constexpr std::string_view kOwnHeartbeat = "http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/Heartbeat";
constexpr std::chrono::milliseconds kStep{10};
constexpr std::chrono::seconds kPushTimeout{60};
constexpr std::size_t kBatch = 20;

/// Its statuses; what is not here is 400.
unsigned status_of(wsman::FaultCode code) {
  switch (code) {
    case wsman::FaultCode::TimedOut:
      return 408;
    case wsman::FaultCode::InvalidResourceUri:
      return 503;
    case wsman::FaultCode::ActionNotSupported:
      return 501;
    default:
      return 400;
  }
}

std::string envelope(const std::string& header, const std::string& body) {
  return std::string(kDeclaration) +
         "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
         "xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
         "xmlns:wse=\"http://schemas.xmlsoap.org/ws/2004/08/eventing\" "
         "xmlns:wsen=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" "
         "xmlns:wsman=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">\n  <s:Header>\n" +
         header + "  </s:Header>\n  <s:Body>" + body + "</s:Body>\n</s:Envelope>\n";
}

std::string answer_to(const wsman::Envelope& request, std::string_view action, const std::string& body) {
  return envelope("    <wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>\n    <wsa:Action>" +
                      std::string(action) + "</wsa:Action>\n    <wsa:RelatesTo>" + request.headers.message_id +
                      "</wsa:RelatesTo>\n    <wsa:MessageID>" + wsman::new_message_id() + "</wsa:MessageID>\n",
                  body);
}

/// What is inside the root of `xml`, and the root's own namespace with it.
std::string without_root(const std::string& xml) {
  auto document = xml::Document::parse(xml);
  return document.ok() ? document->root().inner_xml() : std::string();
}

/// The filter in either of its places.
xml::Element filter_in(xml::Element subscribe) {
  const xml::Element found = subscribe.child(wsman::ns::kWsman, "Filter");
  return found ? found : subscribe.child(wsman::ns::kEventing, "Filter");
}

}  // namespace

OpenwsmanSource::OpenwsmanSource(SourceLog& log, SourceServerOptions server, OpenwsmanSourceOptions options)
    : SourceServer([&] {
        server.realm = "OPENWSMAN";
        return std::move(server);
      }()),
      log_(log),
      options_(std::move(options)),
      pushing_(executor()) {
  start();
}

OpenwsmanSource::~OpenwsmanSource() {
  stop();
  test_support::run_on(executor(), pushing_.stop(std::chrono::milliseconds(0)));
}

std::size_t OpenwsmanSource::subscriptions() const {
  std::lock_guard lock(mutex_);
  return subscriptions_.size();
}

std::size_t OpenwsmanSource::cancelled() const {
  std::lock_guard lock(mutex_);
  return cancelled_;
}

std::size_t OpenwsmanSource::acknowledged() const {
  std::lock_guard lock(mutex_);
  return acknowledged_;
}

std::optional<http::Response> OpenwsmanSource::refuse(const http::RequestHead& head) {
  if (head.content_length) return std::nullopt;
  http::Response chunked;
  chunked.status = 411;
  chunked.close = true;
  return chunked;
}

base::Task<http::Response> OpenwsmanSource::answer(wsman::Envelope request, wsman::Charset) {
  const wsman::Headers& headers = request.headers;
  http::Response response;
  if (headers.action.empty() && request.body().local_name() == "Identify") {
    response = identify();
  } else if (headers.resource_uri != options_.resource_uri) {
    response = fault(wsman::FaultCode::InvalidResourceUri, request);
  } else if (headers.action == wsman::action::kSubscribe) {
    response = subscribe(request);
  } else if (headers.action == wsman::action::kPull) {
    response = pull(request);
  } else if (headers.action == wsman::action::kRenew) {
    response = renew(request);
  } else if (headers.action == wsman::action::kUnsubscribe) {
    response = unsubscribe(request);
  } else {
    response = fault(wsman::FaultCode::ActionNotSupported, request);
  }
  response.close = true;
  co_return response;
}

http::Response OpenwsmanSource::identify() const {
  const std::string body =
      "<wsmid:IdentifyResponse xmlns:wsmid=\"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd\">"
      "<wsmid:ProtocolVersion>http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</wsmid:ProtocolVersion>"
      "<wsmid:ProductVendor>Openwsman Project</wsmid:ProductVendor><wsmid:ProductVersion>2.8.1</wsmid:ProductVersion>"
      "</wsmid:IdentifyResponse>";
  return soap(200, envelope("", body), wsman::Charset::Utf8);
}

http::Response OpenwsmanSource::subscribe(const wsman::Envelope& request) {
  const xml::Element wanted = request.body();
  const xml::Element delivery = wanted.child(wsman::ns::kEventing, "Delivery");
  const std::string_view mode = delivery.attribute("Mode").value_or(wsman::kModePush);
  Subscription subscription;
  if (mode == wsman::kModePush) subscription.mode = Mode::Push;
  if (mode == wsman::kModePushWithAck) subscription.mode = Mode::PushWithAck;
  if (mode == wsman::kModeEvents) subscription.mode = Mode::Events;
  if (const xml::Element filter = filter_in(wanted)) {
    const std::string_view dialect = filter.attribute("Dialect").value_or("");
    if (dialect != wsman::kWqlDialect && dialect != kCqlDialect) {
      return fault(wsman::FaultCode::EventFilteringNotSupported, request);
    }
  }
  subscription.position = log_.last();
  if (subscription.mode != Mode::Pull) {
    const xml::Element to = delivery.child(wsman::ns::kEventing, "NotifyTo");
    subscription.notify_to = wsman::trimmed_text(to.child(wsman::ns::kAddressing, "Address"));
    if (subscription.notify_to.empty()) return fault(wsman::FaultCode::InvalidMessage, request);
    // It copies the reference parameters; where there are reference properties, all that NotifyTo holds.
    const bool properties = static_cast<bool>(to.child(wsman::ns::kAddressing, "ReferenceProperties"));
    const xml::Element copied = properties ? to : to.child(wsman::ns::kAddressing, "ReferenceParameters");
    for (const xml::Element child : copied.children()) subscription.echo += child.outer_xml();
  }
  const std::string id = base::to_lower(base::new_guid());
  {
    std::lock_guard lock(mutex_);
    subscriptions_[id] = subscription;
  }
  const bool pulled = subscription.mode == Mode::Pull;
  if (!pulled) pushing_.spawn_on(executor(), "openwsman source", push(id, std::move(subscription)));
  std::string body = "<wse:SubscribeResponse><wse:SubscriptionManager><wsa:Address>" + request.headers.to +
                     "</wsa:Address><wsa:ReferenceParameters><wse:Identifier>uuid:" + id +
                     "</wse:Identifier></wsa:ReferenceParameters></wse:SubscriptionManager>";
  if (const xml::Element expires = wanted.child(wsman::ns::kEventing, "Expires")) {
    body += "<wse:Expires>" + wsman::trimmed_text(expires) + "</wse:Expires>";
  }
  if (pulled) body += "<wsen:EnumerationContext>uuid:" + id + "</wsen:EnumerationContext>";
  body += "</wse:SubscribeResponse>";
  return soap(200, answer_to(request, request.headers.action + "Response", body), wsman::Charset::Utf8);
}

http::Response OpenwsmanSource::pull(const wsman::Envelope& request) {
  std::string id = wsman::trimmed_text(request.body().child(wsman::ns::kEnumeration, "EnumerationContext"));
  if (id.starts_with("uuid:")) id.erase(0, 5);
  std::lock_guard lock(mutex_);
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return fault(wsman::FaultCode::InvalidEnumerationContext, request);
  // One, whatever MaxElements says: it looks for that in the header.
  const auto records = log_.behind(found->second.position, 1);
  if (records.empty()) return fault(wsman::FaultCode::TimedOut, request);
  found->second.position = records.front().id;
  const std::string body = "<wsen:PullResponse><wsen:EnumerationContext>uuid:" + id + "</wsen:EnumerationContext>" +
                           records.front().xml + "</wsen:PullResponse>";
  return soap(200, answer_to(request, options_.event_action, body), wsman::Charset::Utf8);
}

http::Response OpenwsmanSource::renew(const wsman::Envelope& request) {
  const std::string id = request.headers.identifier.substr(std::min<std::size_t>(5, request.headers.identifier.size()));
  if (!is_subscribed(id)) return fault(wsman::FaultCode::UnableToRenew, request);
  const std::string expires = wsman::trimmed_text(request.body().child(wsman::ns::kEventing, "Expires"));
  if (expires.empty()) return fault(wsman::FaultCode::InvalidExpirationTime, request);
  const std::string body = "<wse:RenewResponse><wse:Expires>" + expires + "</wse:Expires></wse:RenewResponse>";
  return soap(200, answer_to(request, request.headers.action + "Response", body), wsman::Charset::Utf8);
}

http::Response OpenwsmanSource::unsubscribe(const wsman::Envelope& request) {
  const std::string id = request.headers.identifier.substr(std::min<std::size_t>(5, request.headers.identifier.size()));
  std::lock_guard lock(mutex_);
  if (subscriptions_.erase(id) == 0) return fault(wsman::FaultCode::InvalidParameter, request);
  return soap(200, answer_to(request, request.headers.action + "Response", ""), wsman::Charset::Utf8);
}

/// It knows nothing of Windows' numbers.
http::Response OpenwsmanSource::fault(wsman::FaultCode code, const wsman::Envelope& request) const {
  const wsman::FaultRow& row = wsman::row_of(code);
  const std::string subcode(row.subcode.substr(row.subcode.find(':') + 1));
  const std::string_view prefix = row.subcode.substr(0, row.subcode.find(':'));
  std::string detail;
  if (!row.detail.empty()) {
    detail = "<s:Detail><wsman:FaultDetail>" + std::string(wsman::kFaultDetailPrefix) + std::string(row.detail) +
             "</wsman:FaultDetail></s:Detail>";
  }
  const std::string own_prefix = prefix == "w" ? "wsman:" : prefix == "e" ? "wse:" : prefix == "n" ? "wsen:" : "wsa:";
  const std::string body = "<s:Fault><s:Code><s:Value>s:" + std::string(row.soap_code) + "</s:Value><s:Subcode><s:Value>" +
                           own_prefix + subcode + "</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang=\"en\">" +
                           std::string(row.text) + "</s:Text></s:Reason>" + detail + "</s:Fault>";
  return soap(status_of(code), answer_to(request, wsman::action_of(code), body), wsman::Charset::Utf8);
}

bool OpenwsmanSource::is_subscribed(const std::string& id) const {
  std::lock_guard lock(mutex_);
  return subscriptions_.contains(id);
}

void OpenwsmanSource::cancel(const std::string& id) {
  std::lock_guard lock(mutex_);
  cancelled_ += subscriptions_.erase(id);
}

std::string OpenwsmanSource::pushed_message(const Subscription& subscription, const std::vector<SourceLog::Record>& records,
                                            const std::string& message_id) const {
  std::string header = "<wsa:To>" + xml::escaped_text(subscription.notify_to) + "</wsa:To>";
  if (subscription.mode != Mode::Push) header += "<wsman:AckRequested/>";
  header += subscription.echo;
  std::string body;
  if (records.empty()) {
    header += "<wsa:Action s:mustUnderstand=\"true\">" + std::string(kOwnHeartbeat) + "</wsa:Action>";
  } else if (subscription.mode == Mode::Events) {
    header += "<wsa:Action>" + std::string(wsman::action::kEvents) + "</wsa:Action>";
    body = "<wsman:Events>";
    for (const SourceLog::Record& record : records) {
      body += "<wsman:Event wsman:Action=\"" + options_.event_action + "\">" + without_root(record.xml) + "</wsman:Event>";
    }
    body += "</wsman:Events>";
  } else {
    header += "<wsman:Action>" + options_.event_action + "</wsman:Action>";
    body = without_root(records.front().xml);
  }
  header += "<wsa:MessageID>" + message_id + "</wsa:MessageID>";
  return envelope(header, body);
}

base::Task<void> OpenwsmanSource::push(std::string id, Subscription subscription) {
  auto url = http::Url::parse(subscription.notify_to);
  if (!url.ok()) co_return;
  const std::size_t most = subscription.mode == Mode::Events ? kBatch : 1;
  base::Clock& clock = base::system_clock();
  base::SteadyTime heard = clock.steady();
  while (is_subscribed(id)) {
    const auto records = log_.behind(subscription.position, most);
    if (records.empty() && clock.steady() - heard < options_.heartbeat) {
      co_await clock.sleep_for(kStep);
      continue;
    }
    heard = clock.steady();
    const std::string message_id = wsman::new_message_id();
    http::Request request;
    request.head.fields.add("Content-Type", "application/soap+xml;charset=UTF-8");
    request.head.fields.add("User-Agent", "openwsman");
    if (!options_.push_user.empty()) {
      request.head.fields.add("Authorization",
                              "Basic " + base::to_base64(options_.push_user + ":" + options_.push_password));
    }
    request.body = pushed_message(subscription, records, message_id);
    // Each over a connection of its own.
    http::Client client(*url, options_.push);
    auto response = co_await client.exchange(std::move(request), kPushTimeout);
    // What was sent is gone, whether it arrived or not.
    if (!records.empty()) subscription.position = records.back().id;
    if (subscription.mode == Mode::Push) continue;
    bool acknowledged = false;
    if (response.ok()) {
      auto ack = wsman::read_envelope(response->body);
      // In its own words, so read without the help of whoever puts up with them.
      acknowledged = ack.ok() && response->body.find(">" + std::string(kOwnAck) + "<") != std::string::npos &&
                     base::equal_ignoring_case(ack->headers.relates_to, message_id);
    }
    if (acknowledged) {
      std::lock_guard lock(mutex_);
      ++acknowledged_;
    } else {
      cancel(id);
    }
  }
}

}  // namespace fakes
