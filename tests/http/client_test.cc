#include "engine/http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>

#include "engine/base/task_group.h"
#include "engine/http/reader.h"
#include "tests/http/scripted_server.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace {

using http::ReadErrc;
using http_test::Script;
using http_test::ScriptedServer;
using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// One client on a loop of its own.
class Calling {
 public:
  explicit Calling(const std::string& url, http::ClientOptions options = {})
      : client_(http::Url::parse(url).value(), std::move(options)) {}
  ~Calling() { test_support::run_on(loop_.executor(), closed(client_)); }

  base::Result<http::Response> post(std::string body, std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    http::Request request;
    request.body = std::move(body);
    return send(std::move(request), timeout);
  }
  base::Result<http::Response> send(http::Request request, std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    return test_support::run_on(loop_.executor(), client_.exchange(std::move(request), timeout));
  }
  http::Client& client() { return client_; }
  base::Executor executor() { return loop_.executor(); }

 private:
  static base::Task<int> closed(http::Client& client) {
    client.close();
    co_return 0;
  }

  test_support::Loop loop_;
  http::Client client_;
};

std::string answer(const std::string& body, const std::string& fields = {}) {
  return "HTTP/1.1 200 \r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

TEST(HttpClient, SendsHostLengthAndTheCallersFields) {
  ScriptedServer server({{{answer("")}}});
  Calling calling(server.url());
  http::Request request;
  request.head.fields.add("Content-Type", "application/soap+xml;charset=UTF-8");
  request.body = "hello";
  ASSERT_THAT(calling.send(std::move(request)), IsOk());
  ASSERT_THAT(server.requests(), SizeIs(1));
  const std::string sent = server.requests()[0];
  EXPECT_THAT(sent, StartsWith("POST /wsman HTTP/1.1\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nHost: " + calling.client().url().authority() + "\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Type: application/soap+xml;charset=UTF-8\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(sent, ::testing::EndsWith("\r\n\r\nhello"));
}

TEST(HttpClient, SendsTheRequestsOwnTargetWhereItHasOne) {
  ScriptedServer server({{{answer("")}}});
  Calling calling(server.url());
  http::Request request;
  request.head.target = "/wsman/subscriptions/1";
  ASSERT_THAT(calling.send(std::move(request)), IsOk());
  EXPECT_THAT(server.requests(), ElementsAre(StartsWith("POST /wsman/subscriptions/1 HTTP/1.1\r\n")));
}

TEST(HttpClient, GivesStatusFieldsAndBody) {
  ScriptedServer server(
      {{{"HTTP/1.1 401 \r\nWWW-Authenticate: Kerberos\r\nWWW-Authenticate: Negotiate\r\nContent-Length: "
         "4\r\n\r\nbody"}}});
  Calling calling(server.url());
  const auto response = calling.post("");
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->status, 401u);
  EXPECT_EQ(response->body, "body");
  std::vector<std::string> schemes;
  for (const auto& [name, value] : response->fields) {
    if (name == "WWW-Authenticate") schemes.push_back(value);
  }
  EXPECT_THAT(schemes, ElementsAre("Kerberos", "Negotiate"));
}

TEST(HttpClient, KeepsItsConnection) {
  ScriptedServer server({{{answer("one"), answer("two")}}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "one");
  EXPECT_EQ(calling.post("")->body, "two");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, ReadsAChunkedResponse) {
  ScriptedServer server(
      {{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n4\r\n one\r\n0\r\n\r\n", answer("two")}}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "body one");
  EXPECT_EQ(calling.post("")->body, "two");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, ReadsAResponseThatEndsWithTheConnection) {
  ScriptedServer server({{{"HTTP/1.1 200 OK\r\n\r\nuntil the end"}}, {{answer("two")}}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "until the end");
  EXPECT_EQ(calling.post("")->body, "two");
}

TEST(HttpClient, PassesOverInterimResponses) {
  ScriptedServer server({{{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 \r\n\r\n" + answer("real")}}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "real");
}

TEST(HttpClient, GivesUpOnEndlessInterimResponses) {
  std::string endless;
  for (int i = 0; i < 1000; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  ScriptedServer server({{{endless}, false}});
  Calling calling(server.url());
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::Malformed));
}

TEST(HttpClient, TakesA204AsWithoutABody) {
  ScriptedServer server({{{"HTTP/1.1 204 \r\n\r\n", answer("next")}}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->status, 204u);
  EXPECT_EQ(calling.post("")->body, "next");
}

TEST(HttpClient, ConnectsAnewAfterTheServerSaidClose) {
  ScriptedServer server({{{answer("one", "Connection: close\r\n")}}, {{answer("two")}}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "one");
  EXPECT_EQ(calling.post("")->body, "two");
  EXPECT_EQ(server.connections(), 2u);
}

TEST(HttpClient, SendsOnceMoreWhereAKeptConnectionWasClosed) {
  ScriptedServer server({{{answer("one")}, true}, {{answer("two")}, true}, {{answer("three")}, true}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "one");
  EXPECT_EQ(calling.post("again")->body, "two");
  EXPECT_EQ(calling.post(std::string(500'000, 'x'))->body, "three");
}

TEST(HttpClient, DoesNotRepeatWhatIsNotRepeatable) {
  ScriptedServer server({{{answer("one"), ""}, true}, {{answer("two")}, true}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "one");
  http::Request request;
  request.repeatable = false;
  EXPECT_FALSE(calling.send(std::move(request)).ok());
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, DoesNotRepeatWhereTheServerClosesANewConnection) {
  ScriptedServer server({{{""}, true}, {{answer("never")}, true}});
  Calling calling(server.url());
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::EndOfStream));
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, DoesNotRepeatWhereTheResponseHasBegun) {
  ScriptedServer server({{{answer("one"), "HTTP/1.1 200 OK\r\nContent-Le"}, true}, {{answer("never")}, true}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "one");
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::Incomplete));
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, DoesNotRepeatMoreThanOnce) {
  ScriptedServer server({{{answer("one"), ""}, true}, {{""}, true}, {{answer("never")}, true}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "one");
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::EndOfStream));
  EXPECT_EQ(server.connections(), 2u);
}

TEST(HttpClient, DropsAConnectionThatSaysMoreThanItWasAsked) {
  ScriptedServer server({{{answer("one") + answer("smuggled")}, false}, {{answer("two")}}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "one");
  EXPECT_EQ(calling.post("")->body, "two");
  EXPECT_EQ(server.connections(), 2u);
}

TEST(HttpClient, NamesATruncatedResponse) {
  ScriptedServer server({{{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}, true},
                         {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo"}, true}});
  Calling calling(server.url());
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::Incomplete));
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::Incomplete));
}

TEST(HttpClient, RefusesWhatIsNotHttp) {
  ScriptedServer server({{{"SSH-2.0-OpenSSH_9.2\r\n"}, false}});
  Calling calling(server.url());
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::Malformed, calling.client().url().authority()));
}

TEST(HttpClient, RefusesAResponseOverTheLimit) {
  http::ClientOptions options;
  options.max_response_bytes = 10;
  ScriptedServer server({{{answer("0123456789")}, true},
                         {{answer("0123456789a")}, false},
                         {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n"}, false},
                         {{"HTTP/1.1 200 OK\r\n\r\n0123456789a"}, true},
                         {{"HTTP/1.1 200 OK\r\nLong: " + std::string(100'000, 'x') + "\r\n\r\n"}, false}});
  Calling calling(server.url(), options);
  EXPECT_THAT(calling.post(""), IsOk());
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::BodyTooLarge));
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::BodyTooLarge));
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::BodyTooLarge));
  EXPECT_THAT(calling.post(""), IsError(ReadErrc::HeaderTooLarge));
}

TEST(HttpClient, TimesOutWhereNoAnswerComes) {
  ScriptedServer server({{{""}, false}, {{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}, false}, {{answer("ok")}}});
  Calling calling(server.url());
  EXPECT_THAT(calling.post("", std::chrono::milliseconds(50)), IsError(std::errc::timed_out));
  EXPECT_THAT(calling.post("", std::chrono::milliseconds(50)), IsError(std::errc::timed_out));
  EXPECT_EQ(calling.post("")->body, "ok");
}

TEST(HttpClient, DoesNotRepeatAfterATimeout) {
  ScriptedServer server({{{answer("one"), ""}, false}, {{answer("never")}, false}});
  Calling calling(server.url());
  EXPECT_EQ(calling.post("")->body, "one");
  EXPECT_THAT(calling.post("", std::chrono::milliseconds(50)), IsError(std::errc::timed_out));
  EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, ReadsARefusalThatComesBeforeItsBodyIsSent) {
  // The server answers the head and closes; most of the body finds nobody.
  class EarlyServer {
   public:
    EarlyServer() : acceptor_(context_, {boost::asio::ip::make_address("127.0.0.1"), 0}), thread_([this] { serve(); }) {}
    ~EarlyServer() { thread_.join(); }
    std::string url() { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/"; }

   private:
    void serve() {
      boost::asio::ip::tcp::socket socket(context_);
      acceptor_.accept(socket);
      char bytes[1000];
      socket.read_some(boost::asio::buffer(bytes));
      const std::string response = "HTTP/1.1 413 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      socket.send(boost::asio::buffer(response));
      socket.shutdown(boost::asio::socket_base::shutdown_send);
      boost::system::error_code error;
      while (!error) socket.read_some(boost::asio::buffer(bytes), error);
    }
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::thread thread_;
  } server;
  Calling calling(server.url());
  const auto response = calling.post(std::string(3'000'000, 'x'));
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->status, 413u);
}

TEST(HttpClient, SaysThatNobodyListens) {
  std::string url;
  {
    ScriptedServer gone({});
    url = gone.url();
  }
  Calling calling(url);
  EXPECT_THAT(calling.post(""), IsError(std::errc::connection_refused, "127.0.0.1"));
}

TEST(HttpClient, SaysThatANameIsUnknown) {
  Calling calling("http://no-such-host.invalid:5985/");
  EXPECT_THAT(calling.post("").error().what, HasSubstr("no-such-host.invalid"));
}

TEST(HttpClient, ConnectsToALocalhostOfEitherFamily) {
  // localhost is ::1 first on most machines, where nobody listens.
  ScriptedServer server({{{answer("here")}}});
  const auto url = http::Url::parse(server.url()).value();
  Calling calling("http://localhost:" + std::to_string(url.port) + "/");
  EXPECT_EQ(calling.post("")->body, "here");
}

TEST(HttpClient, NeedsATlsContextForHttps) {
  Calling calling("https://127.0.0.1:5986/");
  EXPECT_THAT(calling.post(""), IsError(std::errc::invalid_argument, "TLS"));
}

TEST(HttpClient, RefusesASocketPathThatNoSocketCanHave) {
  http::ClientOptions options;
  options.unix_path = "/tmp/" + std::string(200, 'x');
  Calling calling("http://localhost/", options);
  EXPECT_THAT(calling.post(""), IsError(std::errc::filename_too_long));
}

base::Task<void> call_until_cancelled(http::Client& client, std::atomic<bool>& ended) {
  struct Flag {
    std::atomic<bool>& ended;
    ~Flag() { ended = true; }
  } const flag{ended};
  http::Request request;
  auto response = co_await client.exchange(std::move(request), std::chrono::hours(1));
  EXPECT_THAT(response, IsError(std::errc::operation_canceled));
}

TEST(HttpClient, EndsPolitelyWhenItsTaskIsCancelled) {
  ScriptedServer server({{{""}, false}, {{answer("later")}}});
  Calling calling(server.url());
  base::TaskGroup tasks(calling.executor());
  std::atomic<bool> ended = false;
  tasks.spawn_on(calling.executor(), "call", call_until_cancelled(calling.client(), ended));
  ASSERT_TRUE(test_support::eventually([&] { return !server.requests().empty(); }));
  const auto begun = std::chrono::steady_clock::now();
  boost::asio::co_spawn(calling.executor(), tasks.stop(std::chrono::seconds(30)), boost::asio::use_future).get();
  EXPECT_TRUE(ended);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  EXPECT_EQ(calling.post("")->body, "later");
}

}  // namespace
