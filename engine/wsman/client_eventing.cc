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

// Source: wsman-protocol, section 8.4, and the list of error codes.
constexpr std::uint32_t kNoData = 2150858997;
constexpr std::uint32_t kNoBody = 2150858996;
constexpr std::uint32_t kBadContext = 2150858993;
constexpr std::uint32_t kBadManager = 2150859006;
constexpr std::uint32_t kTooManyItems = 2150859075;
constexpr std::uint32_t kTimedOut = 2150858793;

// What is sent back with every later request. A source that wants more wants to hurt.
constexpr std::size_t kMaxEcho = 32;
constexpr std::size_t kMaxEchoBytes = 16 << 10;
constexpr std::size_t kMaxAddressBytes = 2048;
constexpr std::size_t kMaxContextBytes = 16 << 10;

base::Error answer_error(std::uint32_t number, const std::string& what) {
  return base::make_error(base::win32_code(number), what);
}

/// The reply, whose body is the answer to what was asked.
base::Result<Envelope> with_response(std::optional<Envelope> reply, std::string_view space, std::string_view name,
                                     std::uint32_t otherwise) {
  if (!reply) return answer_error(kNoData, "the answer is empty");
  if (!reply->body()) return answer_error(kNoBody, "the answer has no body");
  if (!reply->body().is(space, name)) {
    return answer_error(otherwise, "the answer holds no " + std::string(name) + ", but " +
                                       std::string(reply->body().local_name().substr(0, 100)));
  }
  return std::move(*reply);
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
base::Result<void> read_manager(xml::Element manager, Client::Subscribed& subscribed) {
  const std::string address = trimmed_text(manager.child(ns::kAddressing, "Address"));
  if (base::to_lower(address.substr(0, 4)) == "http" && address != kAnonymous) subscribed.address = address;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const xml::Element container : manager.children()) {
    if (!container.is(ns::kAddressing, "ReferenceProperties") && !container.is(ns::kAddressing, "ReferenceParameters")) {
      continue;
    }
    for (const xml::Element property : container.children()) {
      if (property.is(ns::kEventing, "Identifier")) {
        subscribed.identifier = trimmed_text(property);
      } else if (property.is(ns::kWsman, "ResourceURI")) {
        subscribed.resource_uri = trimmed_text(property);
      } else if (++count <= kMaxEcho) {
        subscribed.echo.push_back(property.outer_xml());
        bytes += subscribed.echo.back().size();
      }
    }
  }
  const bool bounded = count <= kMaxEcho && bytes <= kMaxEchoBytes && subscribed.address.size() <= kMaxAddressBytes &&
                       subscribed.resource_uri.size() <= kMaxAddressBytes &&
                       subscribed.identifier.size() <= kMaxAddressBytes;
  if (!bounded) return answer_error(kBadManager, "the manager of the subscription has a reference beyond all bounds");
  return {};
}

/// The context of the next Pull.
base::Result<std::string> read_context(xml::Element response) {
  std::string context = trimmed_text(response.child(ns::kEnumeration, "EnumerationContext"));
  if (context.size() > kMaxContextBytes) return answer_error(kBadContext, "the answer has a context beyond all bounds");
  return context;
}

/// The events of a PullResponse. Some services give an event without n:Items around it.
void read_pulled(xml::Element response, Client::Pulled& pulled) {
  for (const xml::Element part : response.children()) {
    const bool ours = part.namespace_uri() == ns::kEnumeration || part.namespace_uri() == ns::kWsman;
    if (ours && part.local_name() == "Items") {
      read_pulled_items(part, pulled.events, pulled.dropped);
    } else if (ours && part.local_name() == "EndOfSequence") {
      pulled.end = true;
    } else if (!ours) {
      pulled.events.push_back(part.outer_xml());
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
  ASSIGN_OR_CO_RETURN(auto answer, co_await exchange(std::move(message)));
  ASSIGN_OR_CO_RETURN(const Envelope reply,
                      with_response(std::move(answer), ns::kEventing, "SubscribeResponse", kBadManager));
  const xml::Element response = reply.body();
  Subscribed subscribed;
  subscribed.resource_uri = request.resource_uri;
  CO_RETURN_IF_ERROR(read_manager(response.child(ns::kEventing, "SubscriptionManager"), subscribed));
  ASSIGN_OR_CO_RETURN(subscribed.context, read_context(response));
  if (request.mode == kModePull && subscribed.context.empty()) {
    co_return answer_error(kBadContext, "the answer has no enumeration context");
  }
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
  ASSIGN_OR_CO_RETURN(const Envelope envelope, with_response(std::move(*reply), ns::kEnumeration, "PullResponse", kNoBody));
  const xml::Element response = envelope.body();
  ASSIGN_OR_CO_RETURN(std::string context, read_context(response));
  read_pulled(response, pulled);
  if (pulled.events.size() > max_events) {
    co_return answer_error(kTooManyItems, "the answer holds more events than were asked for");
  }
  pulled.bookmark = envelope.headers.bookmark;
  if (!pulled.bookmark) {
    if (const xml::Element inside = response.child(ns::kWsman, "Bookmark")) {
      pulled.bookmark = inside.inner_xml();
      if (pulled.bookmark->size() > EnvelopeLimits().bookmark_bytes) {
        co_return as_error(make_fault(FaultCode::EncodingLimit, "The bookmark is too large"));
      }
    }
  }
  // Without a new one the old one holds.
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
  if (!reply) co_return answer_error(kNoData, "the answer is empty");
  subscribed.expires = read_expires(reply->body());
  co_return base::Result<void>();
}

base::AsyncResult<void> Client::get_status(Subscribed& subscribed) {
  Message message = message_to(subscribed, action::kGetStatus, "<e:GetStatus/>");
  ASSIGN_OR_CO_RETURN(auto reply, co_await exchange(std::move(message)));
  if (!reply) co_return answer_error(kNoData, "the answer is empty");
  subscribed.expires = read_expires(reply->body());
  co_return base::Result<void>();
}

base::AsyncResult<void> Client::unsubscribe(const Subscribed& subscribed) {
  Message message = message_to(subscribed, action::kUnsubscribe, "<e:Unsubscribe/>");
  CO_RETURN_IF_ERROR(co_await exchange(std::move(message)));
  co_return base::Result<void>();
}

}  // namespace wsman
