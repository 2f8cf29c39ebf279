#include "engine/wsman/endpoint.h"

#include <algorithm>
#include <any>
#include <atomic>
#include <mutex>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/wsman/byte_budget.h"
#include "engine/wsman/caller_shares.h"
#include "engine/wsman/delivery_read.h"
#include "engine/wsman/identify.h"
#include "engine/wsman/names.h"
#include "engine/wsman/sldc.h"

namespace wsman {
namespace {

constexpr std::string_view kAnonymousPath = "/wsman-anon/identify";
constexpr std::size_t kIdentifyBytes = 8 << 10;
/// What SLDC makes of event XML, as a rule, and what no honest body reaches.
constexpr std::size_t kUsualExpansion = 8;
constexpr std::size_t kMostExpansion = 32;

/// What a connection keeps of its authentication. One strand.
struct Session {
  auth::Authenticator* scheme = nullptr;        ///< of `running`, or of the principal
  std::unique_ptr<auth::Conversation> running;  ///< between two legs
  auth::Principal who;                          ///< accepted, for this request at least
  std::shared_ptr<auth::MessageProtection> protection;
  std::string token;      ///< the scheme's last word, for the next response
  bool stranger = false;  ///< this request was let in without authentication, for Identify
  std::string caller;     ///< whose `share` it is
  std::shared_ptr<CallerShares::Share> share;
};

// std::any wants what it holds to be copyable.
Session& session_of(http::Connection& connection) {
  if (!connection.session.has_value()) connection.session = std::make_shared<Session>();
  return **std::any_cast<std::shared_ptr<Session>>(&connection.session);
}

/// Basic speaks for one request; every other scheme for the connection.
bool stays(auth::Principal::Scheme scheme) {
  return scheme != auth::Principal::Scheme::None && scheme != auth::Principal::Scheme::Basic;
}
/// Known from the transport alone: asking again would give the same again.
bool is_transport_identity(auth::Principal::Scheme scheme) {
  return scheme == auth::Principal::Scheme::Certificate || scheme == auth::Principal::Scheme::LocalPeer;
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

std::string token_of(std::string_view authorization) {
  const auto space = authorization.find(' ');
  return space == std::string_view::npos ? std::string() : std::string(base::trimmed(authorization.substr(space)));
}

/// The path of a request target in its usual or its absolute form, without the query.
std::string_view path_of(std::string_view target) {
  if (const auto scheme = target.find("://"); scheme != std::string_view::npos && target.front() != '/') {
    const auto slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

bool is_within(std::string_view path, std::string_view prefix) {
  if (path.empty() || path.front() != '/') return false;
  path.remove_prefix(1);
  if (!base::equal_ignoring_case(path.substr(0, prefix.size()), prefix)) return false;
  return prefix.empty() || path.size() == prefix.size() || path[prefix.size()] == '/';
}

/// Deliveries, and whatever is as large as one: what EndpointOptions::caller_deliveries counts.
bool is_weighty(const http::Request& request) {
  constexpr std::size_t kWeighty = 16 << 10;
  return request.body.size() > kWeighty || path_of(request.head.target).find("/subscriptions/") != std::string_view::npos;
}

std::string_view field(const http::RequestHead& head, std::string_view name) {
  return base::trimmed(head.fields.find(name).value_or(std::string_view()));
}

http::Response bare(unsigned status, bool close = false) {
  http::Response response;
  response.status = status;
  response.fields.add("Server", "Microsoft-HTTPAPI/2.0");
  response.close = close;
  return response;
}

http::Response soap(const Message& message, Charset charset) {
  http::Response response = bare(message.body.starts_with("<s:Fault>") ? 500 : 200);
  response.fields.add("Content-Type", std::string(content_type_of(charset)));
  std::string text = write_envelope(message);
  response.body = charset == Charset::Utf8 ? std::move(text) : encode_text(text, charset);
  return response;
}

/// Nobody can be served now: come again, but not all at the same time.
http::Response busy(bool close = false) {
  static std::atomic<unsigned> turn{0};
  http::Response response = bare(503, close);
  response.fields.add("Retry-After", std::to_string(5 + turn++ % 26));
  return response;
}

bool is_soap(std::string_view content_type) {
  return base::equal_ignoring_case(base::trimmed(content_type.substr(0, content_type.find(';'))), "application/soap+xml");
}

/// Where the bytes of one body are counted.
///
/// What comes may take three quarters of the budget. Who finds no more waits for all that is missing at once: whatever
/// others hold that wait too, the last quarter is free again when those have finished that have all they need.
class Room final : public http::BodyRoom {
 public:
  /// The caller's own bytes come first: who waits for those holds nobody up.
  Room(std::shared_ptr<CallerShares::Share> caller, const EndpointOptions& options, ByteBudget& bodies)
      : caller_(std::move(caller)),
        own_(caller_->bodies, options.caller_body_bytes / 4),
        common_(bodies, options.body_budget / 4),
        limit_(options.body_wait) {}

  bool reach(std::size_t received) override { return own_.reach(received) && common_.reach(received); }
  base::Task<bool> wait(std::size_t size) override {
    const bool own = co_await own_.wait(size, limit_);
    if (!own) co_return false;
    co_return co_await common_.wait(size, limit_);
  }
  bool wanted_elsewhere() const override { return own_.wanted() || common_.wanted(); }

 private:
  class Part {
   public:
    Part(ByteBudget& budget, std::size_t reserve) : budget_(budget), reserve_(reserve), early_(budget) {}
    bool reach(std::size_t received) {
      return rest_ || received <= early_.bytes() || early_.grow(received - early_.bytes(), reserve_);
    }
    base::Task<bool> wait(std::size_t size, std::chrono::milliseconds limit) {
      if (reach(size)) co_return true;
      rest_ = co_await budget_.take(std::min(size - early_.bytes(), reserve_), limit);
      co_return rest_ != nullptr;
    }
    bool wanted() const { return budget_.waiting() != 0 && (rest_ || early_.bytes() >= kWorthTaking); }

   private:
    /// Who has sent less takes nothing from anybody.
    static constexpr std::size_t kWorthTaking = 4 << 10;

    ByteBudget& budget_;
    const std::size_t reserve_;
    GrowingShare early_;
    std::shared_ptr<void> rest_;
  };

  const std::shared_ptr<CallerShares::Share> caller_;
  Part own_;
  Part common_;
  const std::chrono::milliseconds limit_;
};

enum class Coding { None, Sldc, Unknown };

Coding coding_of(const http::RequestHead& head) {
  const std::string_view name = field(head, "Content-Encoding");
  if (name.empty() || base::equal_ignoring_case(name, "identity")) return Coding::None;
  return base::equal_ignoring_case(name, "SLDC") ? Coding::Sldc : Coding::Unknown;
}

}  // namespace

struct Endpoint::State {
  State(EndpointOptions o, Dispatcher& d, std::vector<auth::Authenticator*> a)
      : options(std::move(o)),
        dispatcher(d),
        offered(std::make_shared<const Schemes>(std::move(a))),
        bodies(options.body_budget),
        callers({options.caller_body_bytes, options.caller_deliveries, options.caller_connections}),
        expansions(options.expansion_budget),
        places(options.max_requests) {}

  using Schemes = std::vector<auth::Authenticator*>;

  const EndpointOptions options;
  Dispatcher& dispatcher;
  mutable std::mutex mutex;
  std::shared_ptr<const Schemes> offered;
  ByteBudget bodies;
  CallerShares callers;
  ByteBudget expansions;
  ByteBudget places;
  std::atomic<bool> remote_access = true;
  Mapper mapper;

  std::size_t max_body() const { return dispatcher.limits().max_envelope_size + options.wrapping_bytes; }
  std::shared_ptr<const Schemes> schemes() const {
    std::lock_guard lock(mutex);
    return offered;
  }
  /// False where the caller has too many connections.
  bool join(Session& session) {
    if (session.share && session.caller == session.who.name) return true;
    session.caller = session.who.name;
    session.share = callers.join(session.caller);
    return session.share != nullptr;
  }
  bool offers(const auth::Authenticator* scheme) const {
    const auto now = schemes();
    return std::find(now->begin(), now->end(), scheme) != now->end();
  }

  http::Response challenge(const base::Peer& peer, bool close) const;
  auth::Authenticator* claimant(std::string_view authorization, const base::Peer& peer) const;
  base::Task<std::optional<http::Response>> authenticate(const http::RequestHead& head, Session& session,
                                                         const base::Peer& peer);
  std::optional<http::Response> check_form(const http::RequestHead& head) const;
  std::vector<std::string> profiles(const base::Peer& peer) const;
  http::Response answer_stranger(const http::Request& request, const base::Peer& peer) const;
  auth::Principal mapped(const auth::Principal& who, const Headers& headers) const;
  /// An expanded body and its share of memory; no text where there was no share in time.
  struct Expansion {
    std::shared_ptr<void> share;
    std::optional<base::Result<std::string>> text;
  };
  base::Task<Expansion> expand(std::string_view body);
  base::Task<http::Response> answer(http::Request request, const Session& session, const base::Peer& peer);
  http::Response refuse(const Fault& fault, const std::string& relates_to, Charset charset) const;
};

http::Response Endpoint::State::challenge(const base::Peer& peer, bool close) const {
  http::Response response = bare(401, close);
  const auto now = schemes();
  for (const auth::Authenticator* scheme : *now) {
    const std::string_view text = scheme->challenge();
    if (!text.empty() && scheme->offers(peer)) response.fields.add("WWW-Authenticate", std::string(text));
  }
  return response;
}

auth::Authenticator* Endpoint::State::claimant(std::string_view authorization, const base::Peer& peer) const {
  const auto now = schemes();
  const auto found = std::find_if(now->begin(), now->end(), [&](const auth::Authenticator* scheme) {
    return scheme->offers(peer) && scheme->claims(authorization, peer);
  });
  return found == now->end() ? nullptr : *found;
}

/// One leg of authentication; the response where the request may not go on.
base::Task<std::optional<http::Response>> Endpoint::State::authenticate(const http::RequestHead& head, Session& session,
                                                                        const base::Peer& peer) {
  const std::string_view authorization = field(head, "Authorization");
  if (offers(session.scheme)) {
    if (stays(session.who.scheme) && authorization.empty()) co_return std::nullopt;
    if (is_transport_identity(session.who.scheme) && session.scheme->claims(authorization, peer)) co_return std::nullopt;
  }
  auth::Authenticator* scheme = claimant(authorization, peer);
  if (scheme != session.scheme) session.running.reset();
  session.scheme = scheme;
  session.who = {};
  session.protection.reset();
  session.token.clear();
  if (scheme == nullptr) co_return challenge(peer, false);

  if (!session.running) session.running = scheme->begin(peer);
  auto step = co_await session.running->step(token_of(authorization));
  if (!step.ok()) {
    session.running.reset();
    base::log_notice("{}: not authenticated: {}", peer.address, step.error().message());
    if (step.error().code == std::errc::device_or_resource_busy) co_return busy(true);
    co_return challenge(peer, true);
  }
  if (!step->accepted) {
    http::Response response = bare(401);
    std::string value(first_word(scheme->challenge()));
    if (!step->token.empty()) value += " " + step->token;
    response.fields.add("WWW-Authenticate", std::move(value));
    co_return response;
  }
  session.running.reset();
  session.who = std::move(step->principal);
  session.protection = std::move(step->protection);
  session.token = std::move(step->token);
  co_return std::nullopt;
}

/// What the head alone says against the body.
std::optional<http::Response> Endpoint::State::check_form(const http::RequestHead& head) const {
  if (head.content_length.value_or(0) > max_body()) return bare(413, true);
  if (head.content_length == 0u) return std::nullopt;
  if (!is_soap(field(head, "Content-Type")) || coding_of(head) == Coding::Unknown) return bare(415, true);
  return std::nullopt;
}

std::vector<std::string> Endpoint::State::profiles(const base::Peer& peer) const {
  const std::string transport = peer.transport == base::Peer::Transport::Tls ? "https/" : "http/";
  std::vector<std::string> names;
  const auto add = [&](std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  };
  const auto now = schemes();
  for (const auth::Authenticator* scheme : *now) {
    if (!scheme->offers(peer)) continue;
    const std::string_view name = first_word(scheme->challenge());
    if (name == "Basic") add(transport + "basic");
    if (name == "Negotiate" || name == "Kerberos") add(transport + "spnego-kerberos");
    if (name.starts_with(kProfilePrefix)) add(std::string(name.substr(kProfilePrefix.size())));
  }
  return names;
}

auth::Principal Endpoint::State::mapped(const auth::Principal& who, const Headers& headers) const {
  if (!mapper || who.scheme != auth::Principal::Scheme::Certificate) return who;
  // A source is known as the machine that its certificate names, whoever else it may stand for.
  if (is_delivery(headers.action) || base::equal_ignoring_case(headers.resource_uri, resource::kSubscriptionList))
    return who;
  return mapper(who, headers.resource_uri).value_or(who);
}

/// Identify and nothing else.
http::Response Endpoint::State::answer_stranger(const http::Request& request, const base::Peer& peer) const {
  Charset charset = Charset::Utf8;
  auto text = decode_text(request.body, field(request.head, "Content-Type"), charset);
  if (!text.ok()) return challenge(peer, true);
  auto envelope = read_envelope(std::move(text).value());
  if (!envelope.ok() || !is_identify(*envelope)) return challenge(peer, true);
  return soap(identify_response(options.product_vendor, {}, false), charset);
}

http::Response Endpoint::State::refuse(const Fault& fault, const std::string& relates_to, Charset charset) const {
  return soap(fault_message(fault, relates_to, dispatcher.options().machine), charset);
}

/// In two steps: what the usual body expands to is tried first, so that one need not reserve what hardly any needs.
base::Task<Endpoint::State::Expansion> Endpoint::State::expand(std::string_view body) {
  const std::size_t most = std::min(options.max_decompressed_bytes, kMostExpansion * max_body());
  const std::size_t usual = std::min(most, kUsualExpansion * body.size());
  Expansion expansion;
  for (const std::size_t limit : {usual, most}) {
    // Given back first: who holds a share must not wait for another.
    expansion.share.reset();
    expansion.share = co_await expansions.take(limit, options.body_wait);
    if (!expansion.share) {
      expansion.text.reset();
      break;
    }
    expansion.text = sldc_decompress(body, limit);
    if (expansion.text->ok() || expansion.text->error().code != SldcErrc::TooLarge || limit == most) break;
  }
  co_return expansion;
}

base::Task<http::Response> Endpoint::State::answer(http::Request request, const Session& session, const base::Peer& peer) {
  const std::string content_type(field(request.head, "Content-Type"));
  Charset charset = Charset::Utf8;
  // A source may mark a body as compressed which is not.
  Expansion expansion;
  if (coding_of(request.head) == Coding::Sldc && looks_like_sldc(request.body)) {
    expansion = co_await expand(request.body);
    if (!expansion.text) co_return busy();
    base::Result<std::string>& expanded = *expansion.text;
    if (!expanded.ok()) {
      base::log_warning("{} ({}): {}", session.who.name, peer.address, expanded.error().message());
      if (expanded.error().code == SldcErrc::TooLarge) co_return bare(413, true);
      // The body cannot tell its encoding; what the head says of it is next best.
      if (!decode_text({}, content_type, charset).ok()) charset = Charset::Utf8;
      co_return refuse(make_fault(FaultCode::EncodingType), {}, charset);
    }
    request.body = std::move(expanded).value();
  }
  auto text = decode_text(request.body, content_type, charset);
  if (!text.ok()) co_return refuse(text.error(), {}, charset);
  std::string().swap(request.body);

  std::string relates_to;
  auto envelope = read_envelope(std::move(text).value(), {}, &relates_to);
  if (!envelope.ok()) co_return refuse(envelope.error(), relates_to, charset);
  if (is_identify(*envelope)) {
    co_return soap(identify_response(options.product_vendor, profiles(peer), true), charset);
  }
  if (!remote_access) {
    Fault fault = make_fault(FaultCode::AccessDenied, "The service takes no remote requests (AllowRemoteAccess)");
    fault.windows_code = 2150859229;
    co_return refuse(fault, envelope->headers.message_id, charset);
  }
  Caller caller;
  caller.who = mapped(session.who, envelope->headers);
  caller.path = path_of(request.head.target);
  caller.address = peer.address;
  caller.charset = charset;
  auto reply = co_await dispatcher.dispatch(std::move(envelope).value(), std::move(caller));
  if (!reply) co_return bare(204);
  co_return soap(*reply, charset);
}

bool is_below(std::string_view target, std::string_view url_prefix) {
  const std::string_view path = path_of(target);
  return is_within(path, url_prefix) || base::equal_ignoring_case(path, kAnonymousPath);
}

http::Response not_found() {
  return bare(404, true);
}

Endpoint::Endpoint(EndpointOptions options, Dispatcher& dispatcher, std::vector<auth::Authenticator*> authenticators)
    : state_(std::make_unique<State>(std::move(options), dispatcher, std::move(authenticators))) {}
Endpoint::~Endpoint() = default;

void Endpoint::set_authenticators(std::vector<auth::Authenticator*> authenticators) {
  auto offered = std::make_shared<const State::Schemes>(std::move(authenticators));
  std::lock_guard lock(state_->mutex);
  state_->offered = std::move(offered);
}

void Endpoint::set_mapper(Mapper mapper) {
  state_->mapper = std::move(mapper);
}

void Endpoint::set_max_requests(std::size_t max_requests) {
  state_->places.resize(max_requests);
}

void Endpoint::set_remote_access(bool allowed) {
  state_->remote_access = allowed;
}

base::Task<http::Admission> Endpoint::admit(const http::RequestHead& head, http::Connection& connection) {
  Session& session = session_of(connection);
  session.stranger = false;
  http::Admission admission;

  if (head.method != "POST") {
    admission.refusal = bare(405, true);
    admission.refusal->fields.add("Allow", "POST");
    co_return admission;
  }
  const std::string_view path = path_of(head.target);
  const bool anonymous_path = state_->options.anonymous_identify && base::equal_ignoring_case(path, kAnonymousPath);
  if (!anonymous_path && !is_within(path, state_->options.url_prefix)) {
    admission.refusal = not_found();
    co_return admission;
  }
  admission.refusal = state_->check_form(head);
  if (admission.refusal) co_return admission;

  const bool asks_as_stranger =
      anonymous_path ||
      (state_->options.anonymous_identify && field(head, "Authorization").empty() && !stays(session.who.scheme) &&
       base::equal_ignoring_case(field(head, "WSMANIDENTIFY"), "unauthenticated"));
  if (asks_as_stranger) {
    session.stranger = true;
    admission.max_body = kIdentifyBytes;
  } else {
    admission.refusal = co_await state_->authenticate(head, session, connection.peer);
    if (!admission.refusal && !state_->join(session)) admission.refusal = busy(true);
    if (admission.refusal) co_return admission;
    admission.max_body = state_->max_body();
  }
  // A stranger's body is small.
  const std::size_t length = std::min<std::uint64_t>(head.content_length.value_or(admission.max_body), admission.max_body);
  if (length != 0 && session.share && !session.stranger) {
    admission.room = std::make_shared<Room>(session.share, state_->options, state_->bodies);
  }
  co_return admission;
}

base::Task<http::Response> Endpoint::handle(http::Request request, http::Connection& connection) {
  Session& session = session_of(connection);
  if (session.stranger) co_return state_->answer_stranger(request, connection.peer);

  http::Response response;
  if (request.body.empty()) {
    // The last leg of an authentication, or one that needed none.
    response = bare(200);
  } else {
    // Where session.protection is set, this is the place to unseal the body (multipart/encrypted) before, and to seal the
    // response after; until a scheme offers protection there is none.
    if (session.protection) co_return bare(415, true);
    std::shared_ptr<void> turn;
    if (session.share && is_weighty(request)) {
      const auto share = session.share;
      turn = co_await share->deliveries.take(1, state_->options.turn_wait);
      if (!turn) co_return busy();
    }
    std::shared_ptr<void> place = state_->places.try_take(1);
    if (!place) place = co_await state_->places.take(1, state_->options.request_wait);
    if (!place) co_return busy();
    response = co_await state_->answer(std::move(request), session, connection.peer);
  }
  if (!session.token.empty() && session.scheme != nullptr) {
    response.fields.add("WWW-Authenticate", std::string(first_word(session.scheme->challenge())) + " " + session.token);
    session.token.clear();
  }
  co_return response;
}

}  // namespace wsman
