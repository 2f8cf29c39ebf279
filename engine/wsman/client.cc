#include "engine/wsman/client.h"

#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

// Source: wsman-protocol, section 8.4.
constexpr std::uint32_t kRelatesToMismatch = 2150858995;
constexpr std::uint32_t kNoBody = 2150858996;
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
  if (target.fragment) {
    xml::Writer w;
    w.open("w:FragmentTransfer").attribute("s:mustUnderstand", "true");
    if (!target.fragment->dialect.empty()) w.attribute("Dialect", target.fragment->dialect);
    message.headers.extra.push_back(w.text(target.fragment->path).take());
  }
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
  body.close();
  return body.take();
}

std::string context_body(std::string_view element, const std::string& context, std::size_t page_items) {
  xml::Writer body;
  body.open(element).leaf("n:EnumerationContext", context);
  if (page_items != 0) body.leaf("n:MaxElements", std::to_string(page_items));
  body.close();
  return body.take();
}

/// The child in either of the two namespaces: the specifications put it into one here and into the other there, and services
/// differ.
xml::Element child_of_either(xml::Element parent, std::string_view name) {
  const xml::Element found = parent.child(ns::kWsman, name);
  return found ? found : parent.child(ns::kEnumeration, name);
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
  ASSIGN_OR_CO_RETURN(auto reply, co_await exchange(std::move(message)));
  if (!reply || !reply->body()) co_return answer_error(kNoBody, "the answer has no body");
  co_return std::move(*reply);
}

base::AsyncResult<Envelope> Client::put(Target target, std::string xml) {
  Message message = message_for(target, action::kPut, std::move(xml));
  ASSIGN_OR_CO_RETURN(auto reply, co_await exchange(std::move(message)));
  if (!reply) co_return answer_error(kNoBody, "the answer has no body");
  co_return std::move(*reply);
}

base::AsyncResult<Envelope> Client::create(Target target, std::string xml) {
  Message message = message_for(target, action::kCreate, std::move(xml));
  ASSIGN_OR_CO_RETURN(auto reply, co_await exchange(std::move(message)));
  if (!reply) co_return answer_error(kNoBody, "the answer has no body");
  co_return std::move(*reply);
}

base::AsyncResult<void> Client::remove(Target target) {
  Message message = message_for(target, action::kDelete, {});
  CO_RETURN_IF_ERROR(co_await exchange(std::move(message)));
  co_return base::Result<void>();
}

base::AsyncResult<Envelope> Client::invoke(Target target, std::string method, std::string body) {
  const bool whole = method.find("://") != std::string::npos;
  Message message = message_for(target, whole ? method : target.resource_uri + "/" + method, std::move(body));
  ASSIGN_OR_CO_RETURN(auto reply, co_await exchange(std::move(message)));
  if (!reply) co_return answer_error(kNoBody, "the answer has no body");
  co_return std::move(*reply);
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
  if (!reply || !reply->body()) co_return answer_error(kNoBody, "the answer has no body");
  if (auto fault = reply->fault()) co_return as_error(*fault);
  co_return std::move(*reply);
}

base::AsyncResult<void> Client::enumerate(Target target, std::optional<Filter> filter, std::size_t page_items,
                                          std::function<bool(Page&)> take) {
  Enumeration what;
  what.filter = std::move(filter);
  what.page_items = page_items;
  co_return co_await enumerate(std::move(target), std::move(what), std::move(take));
}

base::AsyncResult<void> Client::enumerate(Target target, Enumeration what, std::function<bool(Page&)> take) {
  const std::size_t page_items = what.page_items;
  Message message = message_for(target, action::kEnumerate, enumerate_body(what));
  if (target.bookmark) message.headers.bookmark = target.bookmark;
  std::string context;
  for (;;) {
    Page page;
    auto answer = co_await exchange(std::move(message));
    // A search that finds nothing in time goes on with the next Pull: the context is still there.
    const bool nothing_yet = !answer.ok() && !context.empty() && answer.error().code == base::win32_code(kTimedOut);
    if (!nothing_yet) {
      ASSIGN_OR_CO_RETURN(auto reply, std::move(answer));
      if (!reply || !reply->body()) co_return answer_error(kNoBody, "the answer has no body");
      page.envelope = std::move(*reply);
      const xml::Element response = page.envelope.body();
      for (const xml::Element item : child_of_either(response, "Items").children()) page.items.push_back(item);
      page.bookmark = page.envelope.headers.bookmark;
      context = base::trimmed(response.child(ns::kEnumeration, "EnumerationContext").text());
      page.end = static_cast<bool>(child_of_either(response, "EndOfSequence")) || context.empty();
    }
    const bool more = take(page);
    if (page.end) co_return base::Result<void>();
    if (!more) {
      Message release = message_for(target, action::kRelease, context_body("n:Release", context, 0));
      // A context that cannot be released expires by itself.
      [[maybe_unused]] auto ignored = co_await exchange(std::move(release));
      co_return base::Result<void>();
    }
    message = message_for(target, action::kPull, context_body("n:Pull", context, page_items));
  }
}

}  // namespace wsman
