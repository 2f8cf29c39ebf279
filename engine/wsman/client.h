// The engine turned round: requests to a WS-Management service.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/http/client.h"
#include "engine/wsman/dispatcher.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/resource.h"

namespace wsman {

/// Carries one message there and its reply back: HTTP, or a dispatcher in the same process.
class Transport {
 public:
  virtual ~Transport() = default;
  /// The reply; nothing where the service had none to give (204). A fault is a reply like any other. Errors: those of the
  /// transport, and win32_code(5) for 401/403, 2150859027 for 404, 2150859025 for 413, 2150859026 for 503, 2150859024 for a
  /// redirection, 2150858999 for an answer that is no SOAP, 2150859000 for one in another encoding than the request.
  virtual base::AsyncResult<std::optional<Envelope>> round_trip(Message request, std::chrono::milliseconds timeout) = 0;
};

struct HttpTransportOptions {
  Charset charset = Charset::Utf8;
  /// Compress request bodies as SLDC and say so in Content-Encoding.
  bool compress = false;
  std::string authorization;  ///< the Authorization field, if one is to be sent
  http::Fields fields;        ///< further ones, sent with each request
};

/// Over one http::Client. What would do harm or lose something when it is done twice (Create, Pull, custom actions) is never
/// sent again by itself.
std::unique_ptr<Transport> http_transport(http::Url url, http::ClientOptions client, HttpTransportOptions options);
/// Into `dispatcher`, through the text of the envelopes, as `caller`.
std::unique_ptr<Transport> loopback_transport(Dispatcher& dispatcher, Caller caller);

struct ClientOptions {
  std::string to;  ///< a:To: the service's URL
  std::chrono::milliseconds operation_timeout{60'000};
  std::chrono::milliseconds network_delay{5'000};  ///< NetworkDelayms: waited on top of it
  std::uint64_t max_envelope_size = 512'000;
  std::string machine_id;  ///< m:MachineID, sent where it is not empty: a source says its own name
};

/// The operations, in the words of Resource. Every error of the service (a fault) is an Error whose code is
/// base::win32_code(the fault's number). One strand.
class Client {
 public:
  Client(std::unique_ptr<Transport> transport, ClientOptions options);
  ~Client();

  struct Target {
    std::string resource_uri;
    std::vector<Selector> selectors;
    std::vector<Option> options;
    /// XML for the w:Bookmark header of the first request: where an enumeration begins.
    std::optional<std::string> bookmark = std::nullopt;
    /// Of Get and Put: the part that is meant.
    std::optional<Fragment> fragment = std::nullopt;
  };

  /// The response's body element, inside the envelope that owns it. What an answer must hold is checked: 2150858997 where it
  /// is empty, 2150858996 where it has no body, 2150858992 where a Create names nothing, 2150858994 where a fragment is
  /// none.
  base::AsyncResult<Envelope> get(Target target);
  base::AsyncResult<Envelope> put(Target target, std::string xml);
  base::AsyncResult<Envelope> create(Target target, std::string xml);
  base::AsyncResult<void> remove(Target target);
  /// `method` is the last part of the action, or a whole action URI.
  base::AsyncResult<Envelope> invoke(Target target, std::string method, std::string body);
  /// Who serves there: needs no resource, and of some services no authentication.
  base::AsyncResult<Envelope> identify();

  /// One page of an enumeration and its w:Bookmark, if any. The elements live in the envelope.
  struct Page {
    Envelope envelope;
    std::vector<xml::Element> items;
    std::optional<std::string> bookmark;
    std::optional<std::uint64_t> total;  ///< how many items there are in all, where that was asked and is told
    bool end = false;
  };
  /// What an enumeration gives, and how.
  struct Enumeration {
    std::optional<Filter> filter;
    std::size_t page_items = 32'000;  ///< MaxElements of each request
    std::string mode;                 ///< w:EnumerationMode: "EnumerateEPR", "EnumerateObjectAndEPR"; empty: objects
    std::string polymorphism;         ///< b:PolymorphismMode; empty: the service's default
    std::vector<std::string> include_properties = {};  ///< b:IncludeResultProperty; empty: all
    /// Of each Pull: the characters of its items at most, and how long the service may wait for some.
    std::optional<std::size_t> max_characters = std::nullopt;
    std::optional<std::chrono::milliseconds> max_time = std::nullopt;
    bool count = false;  ///< ask how many items there are in all
  };
  /// Calls `take` for each page until the end, or until it answers false (the context is then released). A Pull that the
  /// service ends because nothing came in time gives an empty page, and the next one follows. Errors besides the service's:
  /// 2150858993 for an answer without a context, 2150859075 for one with more items than were asked for.
  base::AsyncResult<void> enumerate(Target target, Enumeration what, std::function<bool(Page&)> take);
  base::AsyncResult<void> enumerate(Target target, std::optional<Filter> filter, std::size_t page_items,
                                    std::function<bool(Page&)> take);

  /// A subscription at a source, as its manager is to be addressed.
  struct Subscribed {
    std::string resource_uri;
    std::string address;            ///< of the manager; empty where it is the service itself
    std::string identifier;         ///< e:Identifier; may be empty
    std::vector<std::string> echo;  ///< the other reference properties and parameters: whole header elements
    std::string context;            ///< of mode Pull
    std::optional<std::chrono::milliseconds> expires;  ///< from now on; nothing where it does not expire
  };
  /// In any mode; to where events are pushed is the request's NotifyTo.
  base::AsyncResult<Subscribed> subscribe(SubscribeRequest request);

  /// What one Pull of a subscription brought.
  struct Pulled {
    std::vector<std::string> events;  ///< the XML of each
    std::uint64_t dropped = 0;        ///< events that the source left out
    std::optional<std::string> bookmark;
    bool end = false;  ///< the subscription has ended
  };
  /// Waits up to the operation timeout for events; none is no error. `subscribed.context` is what the next Pull needs.
  /// There is no Ack: the bookmark of what was stored is where a new subscription goes on.
  base::AsyncResult<Pulled> pull(Subscribed& subscribed, std::size_t max_events);

  /// `expires`: a duration or a time; empty for no end. What was granted stands in `subscribed`.
  base::AsyncResult<void> renew(Subscribed& subscribed, std::string expires);
  base::AsyncResult<void> get_status(Subscribed& subscribed);
  base::AsyncResult<void> unsubscribe(const Subscribed& subscribed);

  /// Sends one message of our own making with the common headers filled in (MessageID, ReplyTo, To, OperationTimeout,
  /// MaxEnvelopeSize unless set) and returns the reply, whose RelatesTo was checked. Faults come as errors.
  base::AsyncResult<std::optional<Envelope>> exchange(Message request);

  const ClientOptions& options() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wsman
