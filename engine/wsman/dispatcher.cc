#include "engine/wsman/dispatcher.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <mutex>
#include <unordered_map>

#include "engine/base/deadline.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/wsman/delivery_read.h"
#include "engine/wsman/enumeration.h"
#include "engine/wsman/fragment_transfer.h"
#include "engine/wsman/names.h"
#include "engine/wsman/reference.h"
#include "engine/wsman/request_checks.h"
#include "engine/wsman/subscriptions.h"

namespace wsman {
namespace {

constexpr std::chrono::milliseconds kPullGrace{500};
constexpr std::chrono::seconds kExpireEvery{1};

using Reply = std::optional<Message>;

std::string cut(std::string_view text) {
  return std::string(text.substr(0, 200));
}

/// Turns an exception, which is a bug in a resource, into a fault: nothing below may end the connection.
template <typename T>
AsyncResult<T> guarded(AsyncResult<T> operation) {
  try {
    co_return co_await std::move(operation);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) co_return make_fault(FaultCode::TimedOut);
    base::log_error("an operation threw: {}", error.what());
  } catch (const std::exception& error) {
    base::log_error("an operation threw: {}", error.what());
  }
  co_return make_fault(FaultCode::InternalError);
}

/// Cancels `operation` at `deadline`; it has ended when this returns.
template <typename T>
AsyncResult<T> until(base::Clock& clock, base::SteadyTime deadline, AsyncResult<T> operation) {
  auto work = guarded(std::move(operation));
  auto wait = clock.sleep_until(deadline);
  auto outcome = co_await base::first_of(std::move(work), std::move(wait));
  if (outcome) co_return std::move(*outcome);
  co_return make_fault(FaultCode::TimedOut);
}

/// Windows knows fragments only in Get and Put.
bool takes_fragment(std::string_view action, const Resource& resource) {
  return (action == action::kGet || action == action::kPut) && resource.features().fragments;
}

/// The answer to w:RequestEPR.
std::string requested_epr(const Headers& request, const Item& item) {
  const std::string_view uri = item.resource_uri.empty() ? request.resource_uri : item.resource_uri;
  const auto& selectors = item.selectors.empty() ? request.selectors : item.selectors;
  return "<w:RequestedEPR>" + endpoint_reference(uri, selectors) + "</w:RequestedEPR>";
}

/// The method's name where `action` is `resource_uri`, a slash and a name.
std::optional<std::string> method_of(std::string_view action, std::string_view resource_uri) {
  if (action.size() < resource_uri.size() + 2 || action[resource_uri.size()] != '/') return std::nullopt;
  if (!base::equal_ignoring_case(action.substr(0, resource_uri.size()), resource_uri)) return std::nullopt;
  return std::string(action.substr(resource_uri.size() + 1));
}

/// Whether a reply to `request` without a body fits into `limit` octets: a long MessageID, escaped, may be the larger part.
bool leaves_room(const Headers& request, Charset charset, std::uint64_t limit) {
  constexpr std::size_t kShort = 256;  // with these no envelope is too small
  if (request.message_id.size() <= kShort) return true;
  return frame_size(reply_to(request, request.action + "Response", "").headers, charset) + kShort <= limit;
}

/// The fault as a message of at most `limit` octets. What is least needed goes first: its own words (those of the table
/// stay), then its details, then the long MessageID that it answers.
Message fitting_message(Fault fault, const Headers& request, std::uint64_t limit, Charset charset,
                        const std::string& machine) {
  Message message = fault_message(fault, request.message_id, machine);
  const auto fits = [&] { return frame_size(message.headers, charset) + encoded_size(message.body, charset) <= limit; };
  if (fits()) return message;
  fault.reason.clear();
  message = fault_message(fault, request.message_id, machine);
  if (fits()) return message;
  fault.detail_xml.clear();
  fault.not_understood_name.clear();
  message = fault_message(fault, request.message_id, machine);
  if (!fits()) message.headers.relates_to.clear();
  return message;
}

}  // namespace

struct Dispatcher::State {
  explicit State(DispatcherOptions o)
      : options(std::move(o)),
        enumerations(options),
        subscriptions(
            options,
            [this](const Resource& resource, const auth::Principal& who, const std::string& address) {
              return permits(resource, who, address, resource.uri(), action::kSubscribe);
            },
            [this] { return current_limits(); }),
        limits(options) {}

  const DispatcherOptions options;
  Enumerations enumerations;
  Subscriptions subscriptions;
  std::unordered_map<std::string, Resource*> resources;  ///< by URI in lower case
  AccessControl* access = nullptr;
  Admission* admission = nullptr;
  DeliverySink* sink = nullptr;

  mutable std::mutex mutex;
  Limits limits;
  std::unordered_map<std::string, std::size_t> operations;  ///< in progress, by user
  base::SteadyTime expired_at;

  /// One operation of a user's quota, while it lives.
  class Slot {
   public:
    /// `open`: what the user has open besides.
    Slot(State& state, const auth::Principal& who, std::size_t open)
        : state_(state), user_(std::to_string(static_cast<int>(who.scheme)) + who.name) {
      std::lock_guard lock(state_.mutex);
      granted_ = ++state_.operations[user_] + open <= state_.limits.max_operations_per_user;
    }
    ~Slot() {
      std::lock_guard lock(state_.mutex);
      const auto place = state_.operations.find(user_);
      if (--place->second == 0) state_.operations.erase(place);
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    bool granted() const { return granted_; }

   private:
    State& state_;
    const std::string user_;
    bool granted_ = false;
  };

  Limits current_limits() const {
    std::lock_guard lock(mutex);
    return limits;
  }
  /// The resource of this URI, else the nearest one above it that takes what is below; null where there is none.
  Resource* find_resource(std::string_view uri) const;
  bool permits(const Resource& resource, const auth::Principal& who, const std::string& address,
               std::string_view resource_uri, std::string_view action) const;
  AsyncResult<Reply> process(Envelope& request, const Caller& caller);
  AsyncResult<Message> deliver(Envelope& request, const Caller& caller);
  AsyncResult<Message> operate(const Envelope& request, const Caller& caller, Resource& resource, const Call& call);
  Result<Message> bounded(const Envelope& request, const Caller& caller, Message reply, FaultCode excess) const;
  void expire_sometimes();
};

Resource* Dispatcher::State::find_resource(std::string_view uri) const {
  std::string name = base::to_lower(uri);
  if (const auto exact = resources.find(name); exact != resources.end()) return exact->second;
  while (true) {
    const auto slash = name.rfind('/');
    if (slash == std::string::npos) return nullptr;
    name.resize(slash);
    const auto above = resources.find(name);
    if (above != resources.end() && above->second->takes_below()) return above->second;
  }
}

bool Dispatcher::State::permits(const Resource& resource, const auth::Principal& who, const std::string& address,
                                std::string_view resource_uri, std::string_view action) const {
  if (const auto decided = resource.may_use(who, action)) return *decided;
  if (access == nullptr) return who.administrator;
  if (!resource.takes_below()) resource_uri = resource.uri();
  const AccessRequest request{who, address, resource_uri, action, right_of(action, resource.is_shell())};
  return access->permits(request);
}

AsyncResult<Reply> Dispatcher::State::process(Envelope& request, const Caller& caller) {
  const Headers& headers = request.headers;
  CO_RETURN_IF_ERROR(check_understood(request));
  CO_RETURN_IF_ERROR(check_addressing(request));
  if (headers.action == action::kEnd) co_return Reply();
  if (!leaves_room(headers, caller.charset, response_limit(headers, current_limits()))) {
    co_return make_fault(FaultCode::MaxEnvelopeSizeExceeded, "The MessageID alone fills MaxEnvelopeSize");
  }

  expire_sometimes();
  // What is open is an operation in progress; it hinders only those who would open one more.
  const bool enumerates = headers.action == action::kEnumerate;
  const bool opens = enumerates || headers.action == action::kSubscribe;
  Slot slot(*this, caller.who, opens ? enumerations.open_by(caller.who) + subscriptions.open_by(caller.who) : 0);
  if (!slot.granted()) {
    // Captured from Windows: an Enumerate is refused in other words than the rest.
    Fault fault = make_fault(enumerates ? FaultCode::InternalError : FaultCode::QuotaLimit,
                             std::string(row_of(FaultCode::QuotaLimit).text));
    fault.windows_code = 2150859174;  // the quota of operations of one user
    co_return fault;
  }
  const auto longest = current_limits().max_timeout;
  const auto allowed = std::min(headers.operation_timeout.value_or(longest), longest);
  if (allowed.count() == 0) co_return make_fault(FaultCode::TimedOut);
  const base::SteadyTime deadline = options.clock->steady() + allowed;

  if (is_delivery(headers.action) && sink != nullptr) {
    ASSIGN_OR_CO_RETURN(Message ack, co_await until(*options.clock, deadline, deliver(request, caller)));
    co_return Reply(std::move(ack));
  }
  if (headers.resource_uri.empty()) {
    if (is_delivery(headers.action)) co_return make_fault(FaultCode::ActionNotSupported);
    co_return make_fault(FaultCode::InvalidResourceUri, "The header ResourceURI is missing");
  }
  Resource* const found = find_resource(headers.resource_uri);
  if (found == nullptr) {
    co_return make_fault(FaultCode::InvalidResourceUri, "There is no resource " + cut(headers.resource_uri));
  }
  Resource& resource = *found;
  if (!permits(resource, caller.who, caller.address, headers.resource_uri, headers.action)) {
    co_return make_fault(FaultCode::AccessDenied);
  }
  if (headers.fragment && !takes_fragment(headers.action, resource)) {
    co_return make_fault(FaultCode::FragmentTransferNotSupported);
  }
  CO_RETURN_IF_ERROR(check_options(headers, resource));

  Call call{headers, caller.who, request.body(), deadline, caller.path, caller.address};
  if (admission != nullptr) {
    ASSIGN_OR_CO_RETURN(call.place, admission->admit(call));
  }
  auto operation = operate(request, caller, resource, call);
  if (resource.answers_at_once(headers.action)) {
    ASSIGN_OR_CO_RETURN(Message reply, co_await guarded(std::move(operation)));
    co_return Reply(std::move(reply));
  }
  const auto grace = headers.action == action::kPull ? kPullGrace : std::chrono::milliseconds(0);
  ASSIGN_OR_CO_RETURN(Message reply, co_await until(*options.clock, deadline + grace, std::move(operation)));
  co_return Reply(std::move(reply));
}

AsyncResult<Message> Dispatcher::State::deliver(Envelope& request, const Caller& caller) {
  ASSIGN_OR_CO_RETURN(Delivery delivery, read_delivery(request));
  // The events are out of it, and it may wait long for the disk: a large text and tree less in memory meanwhile.
  request.document = xml::Document();
  delivery.path = caller.path;
  delivery.address = caller.address;
  delivery.who = caller.who;
  CO_RETURN_IF_ERROR(co_await sink->deliver(std::move(delivery)));
  co_return reply_to(request.headers, sink->ack_action(request.headers.identifier, caller.path), "");
}

AsyncResult<Message> Dispatcher::State::operate(const Envelope& request, const Caller& caller, Resource& resource,
                                                const Call& call) {
  const std::string& asked = request.headers.action;
  const std::string response = asked + "Response";
  FaultCode excess = FaultCode::UnreportableSuccess;
  std::string body;
  if (asked == action::kSubscribe) co_return co_await subscriptions.subscribe(request, caller, resource, call);
  if (asked == action::kRenew) co_return subscriptions.renew(request, caller, resource);
  if (asked == action::kGetStatus) co_return subscriptions.get_status(request, caller, resource);
  if (asked == action::kUnsubscribe) co_return co_await subscriptions.unsubscribe(request, caller, resource);
  Item item;
  const bool fragment = request.headers.fragment.has_value();
  if (asked == action::kEnumerate || asked == action::kPull || asked == action::kRelease) {
    if (asked != action::kEnumerate && call.body && subscriptions.holds(context_id(call.body))) {
      if (asked == action::kRelease) co_return subscriptions.release(request, caller, resource);
      co_return co_await subscriptions.pull(request, caller, resource, call, current_limits());
    }
    // These keep to the limit by themselves.
    if (asked == action::kEnumerate)
      co_return co_await enumerations.enumerate(request, caller, resource, call, current_limits());
    if (asked == action::kPull) co_return co_await enumerations.pull(request, caller, resource, call, current_limits());
    co_return enumerations.release(request, caller);
  }
  if (asked == action::kGet) {
    auto got = fragment ? get_fragment(resource, call) : resource.get(call);
    ASSIGN_OR_CO_RETURN(item, co_await std::move(got));
    body = std::move(item.xml);
    excess = FaultCode::MaxEnvelopeSizeExceeded;
  } else if (asked == action::kPut || asked == action::kCreate) {
    if (!call.body) co_return make_fault(FaultCode::MissingValues, "The body is empty");
    if (asked == action::kPut) {
      auto put = fragment ? put_fragment(resource, call) : resource.put(call);
      ASSIGN_OR_CO_RETURN(item, co_await std::move(put));
      body = std::move(item.xml);
    } else {
      ASSIGN_OR_CO_RETURN(item, co_await resource.create(call));
      body = "<x:ResourceCreated>" + reference_parts(request.headers.resource_uri, item.selectors) + "</x:ResourceCreated>";
    }
  } else if (asked == action::kDelete) {
    CO_RETURN_IF_ERROR(co_await resource.remove(call));
  } else if (auto method = method_of(asked, request.headers.resource_uri)) {
    ASSIGN_OR_CO_RETURN(body, co_await resource.invoke(call, std::move(*method)));
  } else {
    co_return make_fault(FaultCode::ActionNotSupported, "The action " + cut(asked) + " is not supported");
  }
  Message answer = reply_to(request.headers, response, std::move(body));
  const bool of_instance = asked == action::kGet || asked == action::kPut || asked == action::kCreate;
  if (fragment && of_instance) answer.headers.fragment = request.headers.fragment;
  if (request.headers.request_epr && of_instance) answer.headers.extra.push_back(requested_epr(request.headers, item));
  co_return bounded(request, caller, std::move(answer), excess);
}

Result<Message> Dispatcher::State::bounded(const Envelope& request, const Caller& caller, Message reply,
                                           FaultCode excess) const {
  const std::size_t size = frame_size(reply.headers, caller.charset) + encoded_size(reply.body, caller.charset);
  if (size > response_limit(request.headers, current_limits())) return make_fault(excess);
  return reply;
}

void Dispatcher::State::expire_sometimes() {
  {
    std::lock_guard lock(mutex);
    const base::SteadyTime now = options.clock->steady();
    if (now - expired_at < kExpireEvery) return;
    expired_at = now;
  }
  enumerations.expire();
  subscriptions.expire();
}

Dispatcher::Dispatcher(DispatcherOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Dispatcher::~Dispatcher() = default;

void Dispatcher::add(Resource& resource) {
  state_->resources[base::to_lower(resource.uri())] = &resource;
}

std::vector<std::string> Dispatcher::resource_uris() const {
  std::vector<std::string> uris;
  for (const auto& [name, resource] : state_->resources) uris.emplace_back(resource->uri());
  return uris;
}

void Dispatcher::set_access_control(AccessControl& access) {
  state_->access = &access;
}

void Dispatcher::set_admission(Admission& admission) {
  state_->admission = &admission;
}

void Dispatcher::set_delivery_sink(DeliverySink& sink) {
  state_->sink = &sink;
}

base::Task<std::optional<Message>> Dispatcher::dispatch(Envelope request, Caller caller) {
  auto outcome = co_await state_->process(request, caller);
  if (outcome.ok()) co_return std::move(outcome).value();
  const Fault& fault = outcome.error();
  const std::string& activity = request.headers.activity_id;
  if (!activity.empty()) base::log_debug("the activity {} ends with a fault", cut(activity));
  base::log_debug("{} ({}): {} answered with {} {}", caller.who.name, caller.address, request.headers.action,
                  windows_code_of(fault), fault.reason);
  co_return fitting_message(fault, request.headers, response_limit(request.headers, limits()), caller.charset,
                            state_->options.machine);
}

void Dispatcher::serve_subscriptions(base::Executor executor, DeliveryRoutes& routes) {
  state_->subscriptions.serve(std::move(executor), routes);
}

base::Task<void> Dispatcher::end_subscriptions() {
  co_await state_->subscriptions.stop();
}

std::size_t Dispatcher::open_subscriptions() const {
  return state_->subscriptions.size();
}

void Dispatcher::expire_contexts() {
  state_->enumerations.expire();
  state_->subscriptions.expire();
}

std::size_t Dispatcher::open_contexts() const {
  return state_->enumerations.size();
}

void Dispatcher::set_limits(const Limits& limits) {
  {
    std::lock_guard lock(state_->mutex);
    state_->limits = limits;
  }
  state_->enumerations.set_idle_limit(limits.enumeration_timeout);
}

Limits Dispatcher::limits() const {
  return state_->current_limits();
}

const DispatcherOptions& Dispatcher::options() const {
  return state_->options;
}

std::uint64_t response_limit(const Headers& request, const Limits& limits) {
  return std::min(request.max_envelope_size.value_or(limits.max_envelope_size), limits.max_envelope_size);
}

}  // namespace wsman
