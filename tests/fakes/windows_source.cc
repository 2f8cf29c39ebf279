#include "tests/fakes/windows_source.h"

#include <algorithm>
#include <charconv>

#include "engine/base/clock.h"
#include "engine/base/encoding.h"
#include "engine/wsman/eventing.h"
#include "engine/wsman/fault.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/writer.h"

namespace fakes {
namespace {

constexpr std::string_view kMachine = "host7.lab.example";
constexpr std::string_view kEarliest = "http://schemas.dmtf.org/wbem/wsman/1/wsman/bookmark/earliest";
constexpr std::chrono::milliseconds kStep{10};

std::uint64_t number_in(std::string_view text, std::uint64_t otherwise) {
  std::uint64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Where to go on; nothing where the bookmark is none.
std::optional<std::uint64_t> position_of(const wsman::SubscribeRequest& request, const SourceLog& log) {
  if (!request.bookmark) return request.read_existing_events ? 0 : log.last();
  if (*request.bookmark == kEarliest) return 0;
  auto document = xml::Document::parse(*request.bookmark);
  if (!document.ok() || document->root().name() != "BookmarkList") return std::nullopt;
  std::uint64_t position = 0;
  for (const xml::Element entry : document->root().children()) {
    const auto number = entry.attribute("RecordId");
    if (!number) return std::nullopt;
    // What the bookmark does not name is read from its beginning.
    if (entry.attribute("Channel") == log.channel()) position = number_in(*number, 0);
  }
  return position;
}

}  // namespace

WindowsSource::WindowsSource(SourceLog& log, SourceServerOptions server, WindowsSourceOptions options)
    : SourceServer(std::move(server)), log_(log), options_(options) {
  start();
}

WindowsSource::~WindowsSource() {
  stop();
}

void WindowsSource::forget_subscriptions() {
  std::lock_guard lock(mutex_);
  subscriptions_.clear();
}

std::size_t WindowsSource::subscriptions() const {
  std::lock_guard lock(mutex_);
  return subscriptions_.size();
}

base::Task<http::Response> WindowsSource::answer(wsman::Envelope envelope, wsman::Charset charset) {
  const std::string& action = envelope.headers.action;
  if (action.empty() && envelope.body().local_name() == "Identify") co_return identify(charset);
  if (envelope.headers.resource_uri != wsman::resource::kEventLog) {
    co_return fault(wsman::FaultCode::InvalidResourceUri, envelope, charset);
  }
  if (action == wsman::action::kSubscribe) co_return subscribe(envelope, charset);
  if (action == wsman::action::kPull) co_return co_await pull(std::move(envelope), charset);
  if (action == wsman::action::kUnsubscribe) co_return end(envelope, envelope.headers.identifier, charset);
  if (action == wsman::action::kRelease) {
    const std::string context = wsman::trimmed_text(envelope.body().child(wsman::ns::kEnumeration, "EnumerationContext"));
    co_return end(envelope, find_by_context(context), charset);
  }
  const bool renews = action == wsman::action::kRenew;
  co_return fault(renews ? wsman::FaultCode::UnableToRenew : wsman::FaultCode::ActionNotSupported, envelope, charset);
}

http::Response WindowsSource::identify(wsman::Charset charset) const {
  xml::Writer body;
  body.open("wsmid:IdentifyResponse").attribute("xmlns:wsmid", wsman::ns::kIdentity);
  body.leaf("wsmid:ProtocolVersion", wsman::ns::kWsman).leaf("wsmid:ProductVendor", "Microsoft Corporation");
  body.leaf("wsmid:ProductVersion", "OS: 10.0.20348 SP: 0.0 Stack: 3.0");
  wsman::Message message;
  message.body = body.take();
  return reply(message, charset);
}

http::Response WindowsSource::subscribe(const wsman::Envelope& request, wsman::Charset charset) {
  auto wanted = wsman::read_subscribe(request.document.root());
  if (!wanted.ok())
    return soap(
        500, wsman::write_envelope(wsman::fault_message(wanted.error(), request.headers.message_id, std::string(kMachine))),
        charset);
  if (wanted->dialect != wsman::kEventQueryDialect) {
    return fault(wsman::FaultCode::FilteringRequestedUnavailable, request, charset);
  }
  if (wanted->mode != wsman::kModePull) {
    return fault(wsman::FaultCode::DeliveryModeRequestedUnavailable, request, charset);
  }
  const auto position = position_of(*wanted, log_);
  if (!position) return fault(wsman::FaultCode::InvalidBookmark, request, charset);
  const std::string id = base::new_guid();
  Subscription subscription;
  subscription.position = *position;
  subscription.context = "uuid:" + base::new_guid();
  xml::Writer body;
  body.open("e:SubscribeResponse").open("e:SubscriptionManager").leaf("a:Address", url());
  body.open("a:ReferenceProperties").leaf("w:ResourceURI", wsman::resource::kEventLog).leaf("e:Identifier", id);
  body.close().close().leaf("e:Expires", "PT0.000S").leaf("n:EnumerationContext", subscription.context);
  {
    std::lock_guard lock(mutex_);
    subscriptions_[id] = subscription;
  }
  return reply(wsman::reply_to(request.headers, request.headers.action + "Response", body.take()), charset);
}

std::string WindowsSource::find_by_context(const std::string& context) const {
  std::lock_guard lock(mutex_);
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription.context == context) return id;
  }
  return {};
}

std::string WindowsSource::items_of(const std::vector<SourceLog::Record>& records) const {
  xml::Writer items;
  items.open("n:Items");
  for (const SourceLog::Record& record : records) {
    if (options_.items == WindowsSourceOptions::Items::Bare) {
      items.raw(record.xml);
      continue;
    }
    items.open("w:Event").attribute("Action", wsman::action::kEvent);
    if (options_.items == WindowsSourceOptions::Items::Cdata) {
      items.cdata(record.xml);
    } else {
      items.raw(record.xml);
    }
    items.close();
  }
  items.close();
  return items.take();
}

base::Task<http::Response> WindowsSource::pull(wsman::Envelope request, wsman::Charset charset) {
  const xml::Element body = request.body();
  const std::string id = find_by_context(wsman::trimmed_text(body.child(wsman::ns::kEnumeration, "EnumerationContext")));
  const std::uint64_t most = number_in(wsman::trimmed_text(body.child(wsman::ns::kEnumeration, "MaxElements")), 1);
  const auto wait = std::min(options_.longest_wait, request.headers.operation_timeout.value_or(options_.longest_wait));
  const base::SteadyTime deadline = base::system_clock().steady() + wait;
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      const auto found = subscriptions_.find(id);
      if (found == subscriptions_.end()) co_return fault(wsman::FaultCode::InvalidEnumerationContext, request, charset);
      Subscription& subscription = found->second;
      const auto records = log_.behind(subscription.position, most);
      if (!records.empty()) {
        subscription.position = records.back().id;
        if (options_.new_contexts) subscription.context = "uuid:" + base::new_guid();
        const std::string bookmark = log_.bookmark_at(subscription.position);
        xml::Writer response;
        response.open("n:PullResponse").leaf("n:EnumerationContext", subscription.context);
        if (!options_.bookmark_in_header) response.open("w:Bookmark").raw(bookmark).close();
        response.raw(items_of(records));
        auto message = wsman::reply_to(request.headers, request.headers.action + "Response", response.take());
        if (options_.bookmark_in_header) message.headers.bookmark = bookmark;
        co_return reply(message, charset);
      }
    }
    if (base::system_clock().steady() >= deadline) co_return fault(wsman::FaultCode::TimedOut, request, charset);
    co_await base::system_clock().sleep_for(kStep);
  }
}

http::Response WindowsSource::end(const wsman::Envelope& request, const std::string& id, wsman::Charset charset) {
  std::lock_guard lock(mutex_);
  if (subscriptions_.erase(id) == 0) return fault(wsman::FaultCode::DestinationUnreachable, request, charset);
  return reply(wsman::reply_to(request.headers, request.headers.action + "Response", ""), charset);
}

http::Response WindowsSource::fault(wsman::FaultCode code, const wsman::Envelope& request, wsman::Charset charset) const {
  const auto message = wsman::fault_message(wsman::make_fault(code), request.headers.message_id, std::string(kMachine));
  return soap(500, wsman::write_envelope(message), charset);
}

}  // namespace fakes
