#include "tests/fakes/hostile_source.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <mutex>

#include "engine/base/clock.h"
#include "engine/base/encoding.h"
#include "engine/base/task_group.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/names.h"
#include "tests/fakes/source_log.h"
#include "tests/support/run.h"

namespace fakes {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kDepth = 20'000;
constexpr std::size_t kHuge = 1 << 20;
constexpr std::size_t kMany = 5'000;
constexpr std::size_t kMaxItems = 3'000;
constexpr std::chrono::milliseconds kDrip{20};

std::string http_answer(std::string_view status, std::string_view type, const std::string& body,
                        std::string_view fields = {}) {
  std::string text = "HTTP/1.1 " + std::string(status) + "\r\n";
  if (!type.empty()) text += "Content-Type: " + std::string(type) + "\r\n";
  text += std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return text + body;
}

std::string soap_answer(const std::string& envelope) {
  return http_answer("200 OK", "application/soap+xml;charset=UTF-8", envelope);
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

/// Of a header or a body; the whole text is small and ours or the client's own.
std::string text_between(const std::string& text, std::string_view begin, std::string_view end) {
  const auto from = text.find(begin);
  if (from == std::string::npos) return {};
  const auto to = text.find(end, from + begin.size());
  return text.substr(from + begin.size(), to - from - begin.size());
}

/// 0 while the head is incomplete.
std::size_t request_size(const std::string& text) {
  const auto head = text.find("\r\n\r\n");
  if (head == std::string::npos) return 0;
  std::size_t length = 0;
  const auto field = text.find("Content-Length: ");
  if (field != std::string::npos && field < head) std::from_chars(text.data() + field + 16, text.data() + head, length);
  return head + 4 + length;
}

/// One answer: bytes, and what comes behind them.
struct Answer {
  std::string bytes;
  std::string repeat;  ///< sent again and again, for ever
  std::chrono::milliseconds pause{0};
  bool close = false;
  bool silent = false;
};

}  // namespace

struct HostileSource::State {
  State(const std::string& address, std::uint16_t port)
      : acceptor(loop.executor(), tcp::endpoint(asio::ip::make_address(address), port)), tasks(loop.executor()) {}

  test_support::Loop loop;
  tcp::acceptor acceptor;
  std::mutex mutex;
  Misdeed misdeed = Misdeed::None;
  std::string at;
  std::vector<std::string> asked;
  std::size_t followed = 0;
  std::size_t closed = 0;
  SourceLog log;
  base::TaskGroup tasks;

  base::Task<void> accept() {
    for (;;) {
      boost::system::error_code error;
      tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      tasks.spawn_on(loop.executor(), "hostile source", converse(std::move(socket)));
    }
  }

  bool closes_unread() {
    std::lock_guard lock(mutex);
    return misdeed == Misdeed::CloseUnread;
  }

  base::Task<void> converse(tcp::socket socket) {
    std::string unread;
    while (!closes_unread()) {
      const bool come = co_await read_request(socket, unread);
      if (!come) co_return;
      const std::size_t size = request_size(unread);
      const std::string request = unread.substr(0, size);
      unread.erase(0, size);
      const Answer answer = answer_to(request);
      const bool sent = co_await send(socket, answer.bytes);
      if (!sent) co_return;
      bool more = !answer.repeat.empty();
      while (more) {
        if (answer.pause.count() != 0) co_await base::system_clock().sleep_for(answer.pause);
        more = co_await send(socket, answer.repeat);
      }
      if (answer.close) {
        socket.close();
        std::lock_guard lock(mutex);
        ++closed;
      }
      if (answer.close || !answer.repeat.empty()) co_return;
    }
  }

  static base::Task<bool> send(tcp::socket& socket, const std::string& bytes) {
    boost::system::error_code error;
    co_await asio::async_write(socket, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  /// False at the client's end.
  static base::Task<bool> read_request(tcp::socket& socket, std::string& unread) {
    for (;;) {
      if (const std::size_t size = request_size(unread); size != 0 && unread.size() >= size) co_return true;
      char bytes[4096];
      boost::system::error_code error;
      const std::size_t got =
          co_await socket.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      unread.append(bytes, got);
    }
  }

  Answer answer_to(const std::string& request);
  Answer misbehave(Misdeed how, const wsman::Headers& headers, const std::string& action);
  std::string right_answer(const wsman::Headers& headers, const std::string& action);
  std::string url() const {
    return "http://" + acceptor.local_endpoint().address().to_string() + ":" +
           std::to_string(acceptor.local_endpoint().port()) + "/wsman";
  }

  static std::string enveloped(const wsman::Headers& headers, const std::string& body) {
    return wsman::write_envelope(wsman::reply_to(headers, headers.action + "Response", body));
  }
  std::string subscribe_response(const std::string& identifier, const std::string& properties,
                                 const std::string& context) const;
  std::string pull_response(std::size_t items, const std::string& bookmark);
};

std::string HostileSource::State::subscribe_response(const std::string& identifier, const std::string& properties,
                                                     const std::string& context) const {
  return "<e:SubscribeResponse><e:SubscriptionManager><a:Address>" + url() +
         "</a:Address><a:ReferenceProperties><w:ResourceURI>" + std::string(wsman::resource::kEventLog) +
         "</w:ResourceURI><e:Identifier>" + identifier + "</e:Identifier>" + properties +
         "</a:ReferenceProperties></e:SubscriptionManager><e:Expires>PT0.000S</e:Expires>" + context +
         "</e:SubscribeResponse>";
}

std::string HostileSource::State::pull_response(std::size_t items, const std::string& bookmark) {
  std::string body = "<n:PullResponse><n:EnumerationContext>c</n:EnumerationContext><n:Items>";
  for (std::size_t i = 0; i < items; ++i) {
    log.write("from a hostile source");
    body += "<w:Event Action='http://schemas.dmtf.org/wbem/wsman/1/wsman/Event'><![CDATA[" +
            log.behind(log.last() - 1, 1).front().xml + "]]></w:Event>";
  }
  return body + "</n:Items><w:Bookmark>" + (bookmark.empty() ? log.bookmark_at(log.last()) : bookmark) +
         "</w:Bookmark></n:PullResponse>";
}

std::string HostileSource::State::right_answer(const wsman::Headers& headers, const std::string& action) {
  if (action == "Identify") {
    wsman::Message message;
    message.body = "<i:IdentifyResponse xmlns:i='" + std::string(wsman::ns::kIdentity) +
                   "'><i:ProductVendor>Microsoft Corporation</i:ProductVendor></i:IdentifyResponse>";
    return wsman::write_envelope(message);
  }
  if (action == "Subscribe") {
    return enveloped(headers, subscribe_response("HOSTILE", "", "<n:EnumerationContext>c</n:EnumerationContext>"));
  }
  if (action == "Pull") return enveloped(headers, pull_response(1, ""));
  return enveloped(headers, "");
}

Answer HostileSource::State::answer_to(const std::string& request) {
  if (request.starts_with("POST /elsewhere")) {
    std::lock_guard lock(mutex);
    ++followed;
  }
  wsman::Charset charset = wsman::Charset::Utf8;
  const std::string type = text_between(request, "Content-Type: ", "\r\n");
  auto text = wsman::decode_text(request.substr(request.find("\r\n\r\n") + 4), type, charset);
  auto envelope = wsman::read_envelope(text.ok() ? std::move(*text) : std::string());
  if (!envelope.ok()) return {http_answer("400 Bad Request", "", "")};
  std::string action = envelope->headers.action.substr(envelope->headers.action.rfind('/') + 1);
  if (action.empty()) action = "Identify";
  Misdeed how = Misdeed::None;
  {
    std::lock_guard lock(mutex);
    asked.push_back(action);
    if (at.empty() || at == action) how = misdeed;
    // Or nobody who is subscribed already would ask for that again.
    if (misdeed != Misdeed::None && at == "Subscribe" && action == "Pull") how = Misdeed::CloseAtOnce;
  }
  return misbehave(how, envelope->headers, action);
}

Answer HostileSource::State::misbehave(Misdeed how, const wsman::Headers& headers, const std::string& action) {
  const std::string right = right_answer(headers, action);
  const std::string elsewhere = "Location: " + url().substr(0, url().rfind('/')) + "/elsewhere\r\n";
  const auto subscribed = [&](const std::string& identifier, const std::string& properties, const std::string& context) {
    return soap_answer(enveloped(headers, subscribe_response(identifier, properties, context)));
  };
  const auto related = [&](const std::string& relates_to) {
    wsman::Message message = wsman::reply_to(headers, headers.action + "Response",
                                             action == "Pull" ? pull_response(1, "") : "<e:SubscribeResponse/>");
    message.headers.relates_to = relates_to;
    return soap_answer(wsman::write_envelope(message));
  };
  switch (how) {
    case Misdeed::None:
    case Misdeed::CloseUnread:
      return {soap_answer(right)};
    case Misdeed::Silence: {
      Answer answer;
      answer.repeat = " ";
      answer.pause = std::chrono::hours(1);
      return answer;
    }
    case Misdeed::CloseBehind: {
      Answer answer{soap_answer(right)};
      answer.close = true;
      return answer;
    }
    case Misdeed::CloseAtOnce: {
      Answer answer;
      answer.close = true;
      return answer;
    }
    case Misdeed::CloseMidway: {
      Answer answer{soap_answer(right)};
      answer.bytes.resize(answer.bytes.size() / 2);
      answer.close = true;
      return answer;
    }
    case Misdeed::EndlessBody: {
      Answer answer{
          "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml;charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n"};
      answer.repeat = "10000\r\n" + std::string(0x10000, ' ') + "\r\n";
      return answer;
    }
    case Misdeed::EndlessHead: {
      Answer answer{"HTTP/1.1 200 OK\r\n"};
      answer.repeat = "X-More: " + std::string(4000, 'x') + "\r\n";
      return answer;
    }
    case Misdeed::DripBody: {
      Answer answer{"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: 100000\r\n\r\n"};
      answer.repeat = " ";
      answer.pause = kDrip;
      return answer;
    }
    case Misdeed::NotHttp: {
      Answer answer{"\x16\x03\x01 this is not the answer that you are waiting for\r\n\r\n"};
      answer.close = true;
      return answer;
    }
    case Misdeed::Html:
      return {http_answer("200 OK", "text/html", "<html><body>Welcome</body></html>")};
    case Misdeed::HtmlError:
      return {http_answer("500 Internal Server Error", "text/html", "<html><body>Sorry</body></html>")};
    case Misdeed::Moved:
      return {http_answer("301 Moved Permanently", "", "", elsewhere)};
    case Misdeed::MovedTemporarily:
      return {http_answer("307 Temporary Redirect", "", "", elsewhere)};
    case Misdeed::Empty:
      return {http_answer("200 OK", "", "")};
    case Misdeed::Unauthorised:
      return {http_answer("401 Unauthorized", "", "", "WWW-Authenticate: Basic realm=\"x\"\r\n")};
    case Misdeed::Unreadable:
      return {soap_answer("<s:Envelope><not closed")};
    case Misdeed::NotAnEnvelope:
      return {soap_answer("<greeting>hello</greeting>")};
    case Misdeed::Soap11:
      return {soap_answer("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body/></s:Envelope>")};
    case Misdeed::NoBody:
      return {soap_answer("<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header/></s:Envelope>")};
    case Misdeed::EmptyBody:
      return {soap_answer(enveloped(headers, ""))};
    case Misdeed::OtherBody:
      return {soap_answer(enveloped(headers, "<x:Something xmlns:x='urn:x'/>"))};
    case Misdeed::OtherRelatesTo:
      return {related(wsman::new_message_id())};
    case Misdeed::NoRelatesTo:
      return {related("")};
    case Misdeed::DeepXml:
      return {soap_answer(enveloped(headers, repeated("<x>", kDepth) + repeated("</x>", kDepth)))};
    case Misdeed::Doctype:
      return {soap_answer("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>" + right)};
    case Misdeed::ManyHeaders: {
      wsman::Message message = wsman::reply_to(headers, headers.action + "Response", "");
      message.headers.extra.push_back(repeated("<x:More xmlns:x='urn:x'/>", kMany));
      return {soap_answer(wsman::write_envelope(message))};
    }
    case Misdeed::NoContext:
      return {subscribed("HOSTILE", "", "")};
    case Misdeed::HugeContext: {
      const std::string huge = "<n:EnumerationContext>" + std::string(kHuge, 'c') + "</n:EnumerationContext>";
      if (action == "Subscribe") return {subscribed("HOSTILE", "", huge)};
      return {soap_answer(enveloped(headers, "<n:PullResponse>" + huge + "</n:PullResponse>"))};
    }
    case Misdeed::HugeIdentifier:
      return {subscribed(std::string(kHuge, 'i'), "", "<n:EnumerationContext>c</n:EnumerationContext>")};
    case Misdeed::ManyProperties:
      return {subscribed("HOSTILE", repeated("<x:More xmlns:x='urn:x'>more</x:More>", kMany),
                         "<n:EnumerationContext>c</n:EnumerationContext>")};
    case Misdeed::TooManyItems:
      return {soap_answer(enveloped(headers, pull_response(kMaxItems, "")))};
    case Misdeed::HugeBookmark:
      return {
          soap_answer(enveloped(headers, pull_response(1, "<BookmarkList>" + std::string(kHuge, 'b') + "</BookmarkList>")))};
    case Misdeed::BadBookmark:
      return {soap_answer(enveloped(headers, pull_response(1, "no bookmark at all")))};
  }
  return {};
}

HostileSource::HostileSource(Misdeed misdeed, std::string at, const std::string& address, std::uint16_t port)
    : state_(std::make_unique<State>(address, port)) {
  become(misdeed, std::move(at));
  state_->tasks.spawn_on(state_->loop.executor(), "hostile source", state_->accept());
}

HostileSource::~HostileSource() {
  test_support::run_on(state_->loop.executor(), state_->tasks.stop(std::chrono::milliseconds(0)));
}

void HostileSource::become(Misdeed misdeed, std::string at) {
  std::lock_guard lock(state_->mutex);
  state_->misdeed = misdeed;
  state_->at = std::move(at);
}

std::uint16_t HostileSource::port() const {
  return state_->acceptor.local_endpoint().port();
}

std::string HostileSource::url() const {
  return state_->url();
}

std::vector<std::string> HostileSource::asked() const {
  std::lock_guard lock(state_->mutex);
  return state_->asked;
}

std::size_t HostileSource::asked(std::string_view action) const {
  std::lock_guard lock(state_->mutex);
  return static_cast<std::size_t>(std::count(state_->asked.begin(), state_->asked.end(), action));
}

std::size_t HostileSource::closed() const {
  std::lock_guard lock(state_->mutex);
  return state_->closed;
}

std::size_t HostileSource::followed() const {
  std::lock_guard lock(state_->mutex);
  return state_->followed;
}

}  // namespace fakes
