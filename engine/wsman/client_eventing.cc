// Subscriptions at sources.

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/wsman/client.h"
#include "engine/wsman/delivery_read.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

constexpr std::uint32_t kNoBody = 2150858996;
constexpr std::uint32_t kTimedOut = 2150858793;
constexpr std::size_t kMaxEcho = 32;

base::Error no_body() {
  return base::make_error(base::win32_code(kNoBody), "the answer has no body");
}

/// A message to the manager of a subscription.
Message message_to(const Client::Subscribed& subscribed, std::string_view action, std::string body) {
  Message message;
  message.headers.action = action;
  message.headers.to = subscribed.address;
  message.headers.resource_uri = subscribed.resource_uri;
  message.headers.identifier = subscribed.identifier;
  message.headers.extra = subscribed.echo;
  message.body = std::move(body);
  return message;
}

/// Both spellings of what is to be echoed.
void read_manager(xml::Element manager, Client::Subscribed& subscribed) {
  const std::string address = trimmed_text(manager.child(ns::kAddressing, "Address"));
  if (base::to_lower(address.substr(0, 4)) == "http" && address != kAnonymous) subscribed.address = address;
  for (const xml::Element container : manager.children()) {
    if (!container.is(ns::kAddressing, "ReferenceProperties") && !container.is(ns::kAddressing, "ReferenceParameters")) {
      continue;
    }
    for (const xml::Element property : container.children()) {
      if (property.is(ns::kEventing, "Identifier")) {
        subscribed.identifier = trimmed_text(property);
      } else if (property.is(ns::kWsman, "ResourceURI")) {
        subscribed.resource_uri = trimmed_text(property);
      } else if (subscribed.echo.size() < kMaxEcho) {
        subscribed.echo.push_back(property.outer_xml());
      }
    }
  }
}

/// Nothing where the subscription does not end: no time at all says so, too.
std::optional<std::chrono::milliseconds> read_expires(xml::Element response) {
  const std::string text = trimmed_text(response.child(ns::kEventing, "Expires"));
  if (const auto duration = base::parse_duration(text)) {
    return duration->count() == 0 ? std::nullopt : duration;
  }
  if (const auto moment = base::parse_datetime(text)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*moment - base::system_clock().wall());
    return std::max(left, std::chrono::milliseconds(1));
  }
  return std::nullopt;
}

}  // namespace

base::AsyncResult<Client::Subscribed> Client::subscribe(SubscribeRequest request) {
  Message message;
  message.headers.action = action::kSubscribe;
  message.headers.resource_uri = request.resource_uri;
  message.headers.options = subscribe_options(request);
  message.body = subscribe_body(request);
  ASSIGN_OR_CO_RETURN(auto reply, co_await exchange(std::move(message)));
  if (!reply || !reply->body()) co_return no_body();
  const xml::Element response = reply->body();
  Subscribed subscribed;
  subscribed.resource_uri = request.resource_uri;
  read_manager(response.child(ns::kEventing, "SubscriptionManager"), subscribed);
  subscribed.context = trimmed_text(response.child(ns::kEnumeration, "EnumerationContext"));
  subscribed.expires = read_expires(response);
  co_return subscribed;
}

base::AsyncResult<Client::Pulled> Client::pull(Subscribed& subscribed, std::size_t max_events) {
  xml::Writer body;
  body.open("n:Pull").leaf("n:EnumerationContext", subscribed.context);
  body.leaf("n:MaxElements", std::to_string(max_events)).close();
  Message message = message_to(subscribed, action::kPull, body.take());
  auto reply = co_await exchange(std::move(message));
  Pulled pulled;
  if (!reply.ok()) {
    if (reply.error().code == base::win32_code(kTimedOut)) co_return pulled;
    co_return std::move(reply).error();
  }
  if (!*reply || !(*reply)->body()) co_return no_body();
  const Envelope& envelope = **reply;
  const xml::Element response = envelope.body();
  for (const std::string_view space : {ns::kEnumeration, ns::kWsman}) {
    read_event_items(response.child(space, "Items"), pulled.events, pulled.dropped);
    if (response.child(space, "EndOfSequence")) pulled.end = true;
  }
  pulled.bookmark = envelope.headers.bookmark;
  if (!pulled.bookmark) {
    if (const xml::Element inside = response.child(ns::kWsman, "Bookmark")) pulled.bookmark = inside.inner_xml();
  }
  std::string context = trimmed_text(response.child(ns::kEnumeration, "EnumerationContext"));
  if (!context.empty()) subscribed.context = std::move(context);
  co_return pulled;
}

base::AsyncResult<void> Client::renew(Subscribed& subscribed, std::string expires) {
  xml::Writer body;
  body.open("e:Renew");
  if (!expires.empty()) body.leaf("e:Expires", expires);
  body.close();
  Message message = message_to(subscribed, action::kRenew, body.take());
  ASSIGN_OR_CO_RETURN(auto reply, co_await exchange(std::move(message)));
  if (!reply) co_return no_body();
  subscribed.expires = read_expires(reply->body());
  co_return base::Result<void>();
}

base::AsyncResult<void> Client::get_status(Subscribed& subscribed) {
  Message message = message_to(subscribed, action::kGetStatus, "<e:GetStatus/>");
  ASSIGN_OR_CO_RETURN(auto reply, co_await exchange(std::move(message)));
  if (!reply) co_return no_body();
  subscribed.expires = read_expires(reply->body());
  co_return base::Result<void>();
}

base::AsyncResult<void> Client::unsubscribe(const Subscribed& subscribed) {
  Message message = message_to(subscribed, action::kUnsubscribe, "<e:Unsubscribe/>");
  CO_RETURN_IF_ERROR(co_await exchange(std::move(message)));
  co_return base::Result<void>();
}

}  // namespace wsman
