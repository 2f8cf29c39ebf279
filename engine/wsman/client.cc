#include "engine/wsman/client.h"

#include <charconv>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

// Source: wsman-protocol, section 8.4.
constexpr std::uint32_t kRelatesToMismatch = 2150858995;
constexpr std::uint32_t kNoBody = 2150858996;
constexpr std::uint32_t kNoData = 2150858997;
constexpr std::uint32_t kNoReference = 2150858992;
constexpr std::uint32_t kNoContext = 2150858993;
constexpr std::uint32_t kNoFragment = 2150858994;
constexpr std::uint32_t kTooManyItems = 2150859075;
constexpr std::uint32_t kTimedOut = 2150858793;

base::Error answer_error(std::uint32_t number, const std::string& what) {
  return base::make_error(base::win32_code(number), what);
}

Message message_for(const Client::Target& target, std::string_view action, std::string body) {
  Message message;
  message.headers.action = action;
  message.headers.resource_uri = target.resource_uri;
  message.headers.selectors = target.selectors;
  message.headers.options = target.options;
  message.body = std::move(body);
  message.headers.fragment = target.fragment;
  return message;
}

/// The elements in the order of the schema.
std::string enumerate_body(const Client::Enumeration& what) {
  xml::Writer body;
  body.open("n:Enumerate").empty("w:OptimizeEnumeration").leaf("w:MaxElements", std::to_string(what.page_items));
  if (!what.mode.empty()) body.leaf("w:EnumerationMode", what.mode);
  if (what.filter) {
    body.open("w:Filter");
    if (!what.filter->dialect.empty()) body.attribute("Dialect", what.filter->dialect);
    // A QueryList goes in as XML, an expression as text.
    const bool is_xml = base::trimmed(what.filter->text).starts_with('<');
    if (is_xml) {
      body.raw(what.filter->text);
    } else {
      body.text(what.filter->text);
    }
    body.close();
  }
  if (!what.polymorphism.empty()) body.leaf("b:PolymorphismMode", what.polymorphism);
  for (const std::string& name : what.include_properties) body.leaf("b:IncludeResultProperty", name);
  body.close();
  return body.take();
}

std::string release_body(const std::string& context) {
  return xml::Writer().open("n:Release").leaf("n:EnumerationContext", context).take();
}

std::string pull_body(const std::string& context, const Client::Enumeration& what) {
  xml::Writer body;
  body.open("n:Pull").leaf("n:EnumerationContext", context);
  if (what.max_time) body.leaf("n:MaxTime", base::format_duration(*what.max_time));
  body.leaf("n:MaxElements", std::to_string(what.page_items));
  if (what.max_characters) body.leaf("n:MaxCharacters", std::to_string(*what.max_characters));
  return body.take();
}

/// The reply, which has a body.
base::Result<Envelope> with_body(std::optional<Envelope> reply) {
  if (!reply) return answer_error(kNoData, "the answer is empty");
  if (!reply->body()) return answer_error(kNoBody, "the answer has no body");
  return std::move(*reply);
}

base::Result<Envelope> with_data(std::optional<Envelope> reply) {
  if (!reply) return answer_error(kNoData, "the answer is empty");
  return std::move(*reply);
}

/// What answers a request for a fragment is one.
base::Result<void> check_fragment(const Envelope& reply, bool asked) {
  if (!asked || !reply.body() || reply.body().is(ns::kWsman, "XmlFragment")) return {};
  return answer_error(kNoFragment, "the answer holds no XmlFragment");
}

std::optional<std::uint64_t> count_estimate(const Envelope& reply) {
  const xml::Element header = reply.document.root().child(ns::kSoap, "Header");
  const std::string text = trimmed_text(header.child(ns::kWsman, "TotalItemsCountEstimate"));
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

/// The child in either of the two namespaces: the specifications put it into one here and into the other there, and services
/// differ.
xml::Element child_of_either(xml::Element parent, std::string_view name) {
  const xml::Element found = parent.child(ns::kWsman, name);
  return found ? found : parent.child(ns::kEnumeration, name);
}

/// Reads a response; `context` becomes that of the next Pull. The first response has to name one, or the end.
base::Result<void> read_page(Client::Page& page, std::string& context, std::size_t page_items) {
  const xml::Element response = page.envelope.body();
  for (const xml::Element item : child_of_either(response, "Items").children()) page.items.push_back(item);
  if (page.items.size() > page_items) return answer_error(kTooManyItems, "the answer holds more items than were asked for");
  page.bookmark = page.envelope.headers.bookmark;
  page.total = count_estimate(page.envelope);
  page.end = static_cast<bool>(child_of_either(response, "EndOfSequence"));
  const xml::Element next = response.child(ns::kEnumeration, "EnumerationContext");
  const std::string name = trimmed_text(next);
  if (page.end) return {};
  // Without a new context the old one holds; one that is empty is the end, for some services.
  if (!next && !context.empty() && !page.items.empty()) return {};
  if (name.empty() && context.empty()) return answer_error(kNoContext, "the answer has no enumeration context");
  context = name;
  page.end = name.empty();
  return {};
}

}  // namespace

struct Client::State {
  State(std::unique_ptr<Transport> t, ClientOptions o) : transport(std::move(t)), options(std::move(o)) {}
  std::unique_ptr<Transport> transport;
  ClientOptions options;
  std::string session_id = "uuid:" + base::new_guid();
};

Client::Client(std::unique_ptr<Transport> transport, ClientOptions options)
    : state_(std::make_unique<State>(std::move(transport), std::move(options))) {}
Client::~Client() = default;

const ClientOptions& Client::options() const {
  return state_->options;
}

base::AsyncResult<std::optional<Envelope>> Client::exchange(Message request) {
  const ClientOptions& options = state_->options;
  Headers& headers = request.headers;
  if (headers.to.empty()) headers.to = options.to;
  if (headers.message_id.empty()) headers.message_id = new_message_id();
  if (headers.reply_to.empty()) headers.reply_to = kAnonymous;
  if (headers.session_id.empty()) headers.session_id = state_->session_id;
  if (headers.machine_id.empty()) headers.machine_id = options.machine_id;
  if (headers.locale.empty()) headers.locale = "en-US";
  if (headers.data_locale.empty()) headers.data_locale = "en-US";
  if (!headers.operation_timeout) headers.operation_timeout = options.operation_timeout;
  if (!headers.max_envelope_size) headers.max_envelope_size = options.max_envelope_size;
  const std::string message_id = headers.message_id;
  const auto limit = *headers.operation_timeout + options.network_delay;
  ASSIGN_OR_CO_RETURN(auto reply, co_await state_->transport->round_trip(std::move(request), limit));
  if (!reply) co_return std::optional<Envelope>();
  if (auto fault = reply->fault()) co_return as_error(*fault);
  // A GUID is the same in either case, and some services change it.
  if (!base::equal_ignoring_case(reply->headers.relates_to, message_id)) {
    co_return answer_error(kRelatesToMismatch, "the answer belongs to another message");
  }
  co_return std::move(reply);
}

base::AsyncResult<Envelope> Client::get(Target target) {
  Message message = message_for(target, action::kGet, {});
  ASSIGN_OR_CO_RETURN(auto answer, co_await exchange(std::move(message)));
  ASSIGN_OR_CO_RETURN(Envelope reply, with_body(std::move(answer)));
  CO_RETURN_IF_ERROR(check_fragment(reply, target.fragment.has_value()));
  co_return reply;
}

base::AsyncResult<Envelope> Client::put(Target target, std::string xml) {
  Message message = message_for(target, action::kPut, std::move(xml));
  ASSIGN_OR_CO_RETURN(auto answer, co_await exchange(std::move(message)));
  ASSIGN_OR_CO_RETURN(Envelope reply, with_data(std::move(answer)));
  CO_RETURN_IF_ERROR(check_fragment(reply, target.fragment.has_value()));
  co_return reply;
}

base::AsyncResult<Envelope> Client::create(Target target, std::string xml) {
  Message message = message_for(target, action::kCreate, std::move(xml));
  ASSIGN_OR_CO_RETURN(auto answer, co_await exchange(std::move(message)));
  ASSIGN_OR_CO_RETURN(Envelope reply, with_body(std::move(answer)));
  if (!reply.body().is(ns::kTransfer, "ResourceCreated")) {
    co_return answer_error(kNoReference, "the answer does not name what was created");
  }
  co_return reply;
}

base::AsyncResult<void> Client::remove(Target target) {
  Message message = message_for(target, action::kDelete, {});
  CO_RETURN_IF_ERROR(co_await exchange(std::move(message)));
  co_return base::Result<void>();
}

base::AsyncResult<Envelope> Client::invoke(Target target, std::string method, std::string body) {
  const bool whole = method.find("://") != std::string::npos;
  Message message = message_for(target, whole ? method : target.resource_uri + "/" + method, std::move(body));
  ASSIGN_OR_CO_RETURN(auto answer, co_await exchange(std::move(message)));
  co_return with_data(std::move(answer));
}

base::AsyncResult<Envelope> Client::identify() {
  // No header at all, so nothing to fill in or to check.
  xml::Writer w;
  w.open("wsmid:Identify").attribute("xmlns:wsmid", ns::kIdentity);
  Message message;
  message.body = w.take();
  auto sent =
      state_->transport->round_trip(std::move(message), state_->options.operation_timeout + state_->options.network_delay);
  ASSIGN_OR_CO_RETURN(auto reply, co_await std::move(sent));
  ASSIGN_OR_CO_RETURN(Envelope answer, with_body(std::move(reply)));
  if (auto fault = answer.fault()) co_return as_error(*fault);
  co_return answer;
}

base::AsyncResult<void> Client::enumerate(Target target, std::optional<Filter> filter, std::size_t page_items,
                                          std::function<bool(Page&)> take) {
  Enumeration what;
  what.filter = std::move(filter);
  what.page_items = page_items;
  co_return co_await enumerate(std::move(target), std::move(what), std::move(take));
}

base::AsyncResult<void> Client::enumerate(Target target, Enumeration what, std::function<bool(Page&)> take) {
  Message message = message_for(target, action::kEnumerate, enumerate_body(what));
  if (target.bookmark) message.headers.bookmark = target.bookmark;
  message.headers.request_total_items = what.count;
  std::string context;
  for (;;) {
    Page page;
    auto answer = co_await exchange(std::move(message));
    // A search that finds nothing in time goes on with the next Pull: the context is still there.
    const bool nothing_yet = !answer.ok() && !context.empty() && answer.error().code == base::win32_code(kTimedOut);
    if (!nothing_yet) {
      ASSIGN_OR_CO_RETURN(auto reply, std::move(answer));
      ASSIGN_OR_CO_RETURN(page.envelope, with_body(std::move(reply)));
      CO_RETURN_IF_ERROR(read_page(page, context, what.page_items));
    }
    const bool more = take(page);
    if (page.end) co_return base::Result<void>();
    if (!more) {
      Message release = message_for(target, action::kRelease, release_body(context));
      // A context that cannot be released expires by itself.
      [[maybe_unused]] auto ignored = co_await exchange(std::move(release));
      co_return base::Result<void>();
    }
    message = message_for(target, action::kPull, pull_body(context, what));
  }
}

}  // namespace wsman
