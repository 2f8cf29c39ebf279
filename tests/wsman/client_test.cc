#include "engine/wsman/client.h"

#include <gtest/gtest.h>

#include "engine/auth/local_peer.h"
#include "engine/base/win32.h"
#include "engine/http/listener.h"
#include "engine/wsman/endpoint.h"
#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::administrator;
using test_support::IsError;
using test_support::IsOk;
using test_support::kFakeUri;
using test_support::run_on;
using test_support::Service;
using test_support::thing;

Client::Target target(std::string name = "") {
  Client::Target target;
  target.resource_uri = kFakeUri;
  if (!name.empty()) target.selectors.push_back(Selector{"Name", std::move(name), ""});
  return target;
}

ClientOptions options() {
  ClientOptions options;
  options.to = "http://wec.lab.example:5985/wsman";
  return options;
}

/// Answers what a test has prepared.
class ScriptedTransport final : public Transport {
 public:
  base::AsyncResult<std::optional<Envelope>> round_trip(Message request, std::chrono::milliseconds limit) override {
    sent.push_back(request);
    timeout = limit;
    Message reply = reply_to(request.headers, action::kAck, "");
    if (!relates_to.empty()) reply.headers.relates_to = relates_to;
    auto envelope = read_envelope(write_envelope(reply));
    co_return std::optional<Envelope>(std::move(envelope).value());
  }

  std::vector<Message> sent;
  std::chrono::milliseconds timeout{};
  std::string relates_to;
};

TEST(Client, OperationsRoundTrip) {
  Service service;
  service.resource.items = {thing("one")};
  Client client(loopback_transport(service.dispatcher, administrator()), options());
  const auto run = [&](auto task) { return run_on(service.loop.executor(), std::move(task)); };

  auto got = run(client.get(target("one")));
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->body().text(), "one");
  auto put = run(client.put(target("one"), "<t:Thing xmlns:t='urn:test'>new</t:Thing>"));
  ASSERT_THAT(put, IsOk());
  EXPECT_EQ(put->body().text(), "new");
  auto created = run(client.create(target(), "<t:Thing xmlns:t='urn:test'>two</t:Thing>"));
  ASSERT_THAT(created, IsOk());
  EXPECT_TRUE(created->body().is(ns::kTransfer, "ResourceCreated"));
  auto invoked = run(client.invoke(target(), "Polish", "<t:In xmlns:t='urn:test'>7</t:In>"));
  ASSERT_THAT(invoked, IsOk());
  EXPECT_EQ(invoked->body().text(), "7");
  EXPECT_THAT(run(client.remove(target())), IsOk());
  EXPECT_TRUE(service.resource.items.empty());
}

TEST(Client, FaultIsAnErrorWithItsNumberAndText) {
  Service service;
  Client client(loopback_transport(service.dispatcher, administrator()), options());
  EXPECT_THAT(run_on(service.loop.executor(), client.get(target("none"))),
              IsError(base::win32_code(2150858752), "no instance"));
}

TEST(Client, EnumeratesPageByPage) {
  Service service;
  for (int i = 0; i < 10; ++i) service.resource.items.push_back(thing("t" + std::to_string(i)));
  Client client(loopback_transport(service.dispatcher, administrator()), options());
  std::vector<std::string> seen;
  std::vector<std::string> bookmarks;
  auto take = [&](Client::Page& page) {
    for (xml::Element item : page.items) seen.push_back(item.text());
    bookmarks.push_back(page.bookmark.value_or(""));
    return true;
  };
  Filter filter;
  filter.text = "*[System]";
  EXPECT_THAT(run_on(service.loop.executor(), client.enumerate(target(), filter, 4, take)), IsOk());
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_THAT(bookmarks, ::testing::ElementsAre("<At>t3</At>", "<At>t7</At>", "<At>t9</At>"));
  EXPECT_EQ(service.resource.last_filter->text, "*[System]");
  EXPECT_EQ(service.dispatcher.open_contexts(), 0u);
}

TEST(Client, ReleasesAnEnumerationThatIsNotWantedAnyMore) {
  Service service;
  for (int i = 0; i < 10; ++i) service.resource.items.push_back(thing("t" + std::to_string(i)));
  Client client(loopback_transport(service.dispatcher, administrator()), options());
  std::size_t pages = 0;
  auto take = [&](Client::Page&) { return ++pages < 2; };
  EXPECT_THAT(run_on(service.loop.executor(), client.enumerate(target(), std::nullopt, 2, take)), IsOk());
  EXPECT_EQ(pages, 2u);
  EXPECT_EQ(service.dispatcher.open_contexts(), 0u);
}

/// Has nothing to give twice, and then one thing.
class SlowEnumerator final : public Enumerator {
 public:
  AsyncResult<Page> next(base::Budget) override {
    Page page;
    if (++asked_ > 3) {
      page.items.push_back(thing("late"));
      page.end = true;
    }
    co_return page;
  }

 private:
  int asked_ = 0;
};

TEST(Client, PullsAgainWhereNothingCameInTime) {
  Service service;
  service.resource.make_enumerator = [] { return std::make_unique<SlowEnumerator>(); };
  Client client(loopback_transport(service.dispatcher, administrator()), options());
  std::vector<std::size_t> pages;
  auto take = [&](Client::Page& page) {
    pages.push_back(page.items.size());
    return true;
  };
  EXPECT_THAT(run_on(service.loop.executor(), client.enumerate(target(), std::nullopt, 4, take)), IsOk());
  EXPECT_THAT(pages, ::testing::ElementsAre(0, 0, 0, 1));
  EXPECT_EQ(service.dispatcher.open_contexts(), 0u);
}

TEST(Client, MayBeStoppedWhileNothingComes) {
  Service service;
  service.resource.make_enumerator = [] { return std::make_unique<SlowEnumerator>(); };
  Client client(loopback_transport(service.dispatcher, administrator()), options());
  std::size_t pages = 0;
  auto take = [&](Client::Page&) { return ++pages < 2; };
  EXPECT_THAT(run_on(service.loop.executor(), client.enumerate(target(), std::nullopt, 4, take)), IsOk());
  EXPECT_EQ(pages, 2u);
  EXPECT_EQ(service.dispatcher.open_contexts(), 0u);
}

TEST(Client, FillsInTheCommonHeaders) {
  auto transport = std::make_unique<ScriptedTransport>();
  ScriptedTransport& script = *transport;
  auto own = options();
  own.machine_id = "host7.lab.example";
  own.operation_timeout = std::chrono::seconds(30);
  Client client(std::move(transport), own);
  Message heartbeat;
  heartbeat.headers.action = action::kHeartbeat;
  EXPECT_THAT(test_support::run(client.exchange(heartbeat)), IsOk());
  const Headers& h = script.sent.at(0).headers;
  EXPECT_EQ(h.to, own.to);
  EXPECT_EQ(h.reply_to, kAnonymous);
  EXPECT_THAT(h.message_id, ::testing::StartsWith("uuid:"));
  EXPECT_THAT(h.session_id, ::testing::StartsWith("uuid:"));
  EXPECT_EQ(h.machine_id, "host7.lab.example");
  EXPECT_EQ(h.max_envelope_size, own.max_envelope_size);
  EXPECT_EQ(h.operation_timeout, own.operation_timeout);
  EXPECT_EQ(script.timeout, std::chrono::seconds(35));
}

TEST(Client, AnswerToAnotherMessageIsAnError) {
  auto transport = std::make_unique<ScriptedTransport>();
  transport->relates_to = "uuid:somebody-else";
  Client client(std::move(transport), options());
  Message heartbeat;
  heartbeat.headers.action = action::kHeartbeat;
  EXPECT_THAT(test_support::run(client.exchange(heartbeat)), IsError(base::win32_code(2150858995)));
}

/// Endpoint and dispatcher behind a real listener on a UNIX socket.
class ClientOverHttpTest : public ::testing::Test {
 protected:
  ClientOverHttpTest() : endpoint_({}, service_.dispatcher, {&local_}) {
    http::ListenerOptions listen;
    listen.unix_path = directory_ / "control.sock";
    listener_ = std::make_unique<http::Listener>(service_.loop.executor(), listen, endpoint_);
    EXPECT_THAT(listener_->start(), IsOk());
    service_.resource.items = {thing("one")};
  }
  ~ClientOverHttpTest() override { run_on(service_.loop.executor(), listener_->stop(std::chrono::milliseconds(0))); }

  std::unique_ptr<Client> client(HttpTransportOptions how, std::string path = "/wsman") {
    http::Url url;
    url.host = "localhost";
    url.port = 5985;
    url.target = std::move(path);
    http::ClientOptions http;
    http.unix_path = directory_ / "control.sock";
    return std::make_unique<Client>(http_transport(url, http, std::move(how)), options());
  }

  test_support::TemporaryDirectory directory_;
  Service service_;
  auth::LocalPeerAuthenticator local_;
  Endpoint endpoint_;
  std::unique_ptr<http::Listener> listener_;
};

TEST_F(ClientOverHttpTest, EncodingsAndCompressionRoundTrip) {
  for (const bool compress : {false, true}) {
    for (const Charset charset : {Charset::Utf8, Charset::Utf16}) {
      HttpTransportOptions how;
      how.charset = charset;
      how.compress = compress;
      auto own = client(how);
      auto got = run_on(service_.loop.executor(), own->get(target("one")));
      ASSERT_THAT(got, IsOk());
      EXPECT_EQ(got->body().text(), "one");
      run_on(service_.loop.executor(), [](std::unique_ptr<Client> c) -> base::Task<void> {
        c.reset();
        co_return;
      }(std::move(own)));
    }
  }
}

TEST_F(ClientOverHttpTest, EndHasNoReply) {
  auto own = client({});
  Message end;
  end.headers.action = action::kEnd;
  end.headers.resource_uri = resource::kFullDuplex;
  auto reply = run_on(service_.loop.executor(), own->exchange(end));
  ASSERT_THAT(reply, IsOk());
  EXPECT_FALSE(reply->has_value());
}

/// Answers every request alike.
class FixedAnswer final : public http::Handler {
 public:
  base::Task<http::Admission> admit(const http::RequestHead&, http::Connection&) override {
    http::Admission admission;
    admission.max_body = 1 << 20;
    co_return admission;
  }
  base::Task<http::Response> handle(http::Request, http::Connection&) override { co_return answer; }

  http::Response answer;
};

TEST(HttpTransport, EachStatusHasItsNumber) {
  test_support::TemporaryDirectory directory;
  test_support::Loop loop;
  FixedAnswer handler;
  http::ListenerOptions listen;
  listen.unix_path = directory / "answers.sock";
  http::Listener listener(loop.executor(), listen, handler);
  ASSERT_THAT(listener.start(), IsOk());
  std::string told;
  std::string authorization;
  std::string retry_after;
  const auto error_for = [&](unsigned status, std::string type, std::string body) {
    handler.answer = {};
    handler.answer.status = status;
    if (!type.empty()) handler.answer.fields.add("Content-Type", std::move(type));
    if (!retry_after.empty()) handler.answer.fields.add("Retry-After", retry_after);
    handler.answer.body = std::move(body);
    http::Url url;
    url.host = "localhost";
    url.port = 5985;
    url.target = "/wsman";
    http::ClientOptions http;
    http.unix_path = directory / "answers.sock";
    HttpTransportOptions how;
    how.authorization = authorization;
    Client client(http_transport(url, http, how), options());
    auto got = run_on(loop.executor(), client.get(target("one")));
    told = got.ok() ? std::string() : got.error().message();
    return got.ok() ? 0u : base::win32_number(got.error().code);
  };
  EXPECT_EQ(error_for(400, "", ""), 2150859121u);
  EXPECT_EQ(error_for(401, "", ""), 5u);
  EXPECT_EQ(error_for(403, "", ""), 5u);
  EXPECT_EQ(error_for(404, "", ""), 2150859027u);
  EXPECT_EQ(error_for(302, "", ""), 2150859024u);
  EXPECT_EQ(error_for(413, "", ""), 2150859025u);
  EXPECT_EQ(error_for(418, "", ""), 2150859023u);
  EXPECT_EQ(error_for(500, "text/html", "<html/>"), 2150859120u);
  EXPECT_EQ(error_for(503, "", ""), 2150859026u);
  EXPECT_EQ(error_for(200, "text/html", "<html/>"), 2150858999u);
  EXPECT_EQ(error_for(200, "application/soap+xml", "not xml"), row_of(FaultCode::SchemaValidationError).windows_code);
  EXPECT_EQ(error_for(200, "", ""), 2150858997u);
  // What may be behind a refusal is told, and when to come again, where the service says so in seconds.
  authorization = "Basic YTpi";
  EXPECT_EQ(error_for(401, "", ""), 5u);
  EXPECT_THAT(told, ::testing::HasSubstr("user name or password is not accepted; after several wrong ones"));
  EXPECT_THAT(told, ::testing::Not(::testing::HasSubstr("again in")));
  retry_after = "17";
  EXPECT_EQ(error_for(503, "", ""), 2150859026u);
  EXPECT_THAT(told, ::testing::HasSubstr("it may be asked again in 17 seconds"));
  retry_after = "Fri, 31 Dec 1999 23:59:59 GMT";
  EXPECT_EQ(error_for(503, "", ""), 2150859026u);
  EXPECT_THAT(told, ::testing::Not(::testing::HasSubstr("again in")));
  retry_after.clear();
  // Some services answer the sender's mistakes with 400.
  const std::string fault = write_envelope(fault_message(make_fault(FaultCode::AlreadyExists), "uuid:1", "m"));
  EXPECT_EQ(error_for(400, "application/soap+xml;charset=UTF-8", fault), 2150858803u);
  run_on(loop.executor(), listener.stop(std::chrono::milliseconds(0)));
}

TEST_F(ClientOverHttpTest, StatusWithoutSoapHasItsNumber) {
  auto own = client({}, "/elsewhere");
  EXPECT_THAT(run_on(service_.loop.executor(), own->get(target("one"))), IsError(base::win32_code(2150859027)));
}

}  // namespace
}  // namespace wsman
