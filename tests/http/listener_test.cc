#include "engine/http/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include "tests/http/served.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using http_test::Caller;
using http_test::post;
using http_test::Served;
using test_support::eventually;
using test_support::IsError;
using test_support::IsOk;
using test_support::TemporaryDirectory;
using ::testing::HasSubstr;

/// A connection whose reads and writes block.
class RawConnection {
 public:
  explicit RawConnection(Served& served) : socket_(context()) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), served.listener().port()});
  }
  void send(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }
  /// The next response's bytes; empty at the end.
  std::string receive() {
    char bytes[4096];
    boost::system::error_code error;
    const std::size_t got = socket_.read_some(asio::buffer(bytes), error);
    return {bytes, got};
  }
  /// Waits for the server's end.
  bool ended() { return receive().empty(); }

 private:
  /// One for all: each has three descriptors of its own.
  static asio::io_context& context() {
    static asio::io_context context;
    return context;
  }

  tcp::socket socket_;
};

/// Room for `wanted` descriptors, or as much of it as the system allows.
std::size_t raise_descriptor_limit(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(std::max<rlim_t>(limit.rlim_cur, wanted), limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

TEST(Listener, ListensOnAPortOfTheSystemsChoice) {
  Served served;
  ASSERT_THAT(served.start(), IsOk());
  EXPECT_NE(served.listener().port(), 0);
  Caller caller(served, served.url());
  const auto response = caller.post("hello");
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->body, "hello");
}

TEST(Listener, NamesTheAddressThatIsTaken) {
  Served first;
  ASSERT_THAT(first.start(), IsOk());
  http::ListenerOptions options;
  options.port = first.listener().port();
  Served second(options);
  EXPECT_THAT(second.start(), IsError(std::errc::address_in_use, "127.0.0.1 port " + std::to_string(options.port)));
}

TEST(Listener, NeedsAnAddress) {
  http::ListenerOptions options;
  options.address = "collector.lab.example";
  Served served(options);
  EXPECT_THAT(served.start(), IsError(std::errc::invalid_argument, "collector.lab.example"));
}

TEST(Listener, TakesBothFamiliesAtTheIPv6AnyAddress) {
  http::ListenerOptions options;
  options.address = "::";
  Served served(options);
  if (!served.start().ok()) GTEST_SKIP() << "no IPv6 on this machine";
  std::string address;
  served.handler().answer = [&address](const http::Request&, http::Connection& connection) {
    address = connection.peer.address;
    return http::Response{};
  };
  Caller v4(served, served.url());
  ASSERT_THAT(v4.post(), IsOk());
  EXPECT_THAT(address, ::testing::StartsWith("127.0.0.1:"));
  Caller v6(served, "http://[::1]:" + std::to_string(served.listener().port()) + "/");
  ASSERT_THAT(v6.post(), IsOk());
  EXPECT_THAT(address, ::testing::StartsWith("[::1]:"));
}

TEST(Listener, CountsItsConnections) {
  Served served;
  ASSERT_THAT(served.start(), IsOk());
  EXPECT_EQ(served.listener().connections(), 0u);
  {
    RawConnection one(served);
    RawConnection two(served);
    EXPECT_TRUE(eventually([&] { return served.listener().connections() == 2; }));
  }
  EXPECT_TRUE(eventually([&] { return served.listener().connections() == 0; }));
}

TEST(Listener, ClosesConnectionsBeyondTheLimit) {
  http::ListenerOptions options;
  options.max_connections = 2;
  Served served(options);
  ASSERT_THAT(served.start(), IsOk());
  auto first = std::make_unique<RawConnection>(served);
  RawConnection second(served);
  ASSERT_TRUE(eventually([&] { return served.listener().connections() == 2; }));
  RawConnection third(served);
  EXPECT_TRUE(third.ended());
  first.reset();
  ASSERT_TRUE(eventually([&] { return served.listener().connections() == 1; }));
  Caller caller(served, served.url());
  EXPECT_THAT(caller.post(), IsOk());
}

TEST(Listener, OutlivesAShortageOfDescriptors) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the vptr sanitizer looks at memory through a pipe: without descriptors it reports what is not there";
#endif
  Served served;
  ASSERT_THAT(served.start(), IsOk());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  RawConnection waiting(served);
  ASSERT_TRUE(eventually([&] { return served.listener().connections() == 1; }));
  asio::io_context context;
  tcp::socket socket(context);
  socket.open(tcp::v4());
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(socket.native_handle()) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  // Fill what is free below the limit.
  std::vector<int> fillers;
  for (int filler = ::dup(0); filler >= 0; filler = ::dup(0)) fillers.push_back(filler);
  socket.connect({asio::ip::make_address("127.0.0.1"), served.listener().port()});
  asio::write(socket, asio::buffer(post("late")));
  EXPECT_EQ(served.listener().connections(), 1u);
  for (const int filler : fillers) ::close(filler);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  char bytes[1000];
  const std::size_t got = socket.read_some(asio::buffer(bytes));
  EXPECT_THAT(std::string(bytes, got), HasSubstr("HTTP/1.1 200"));
}

TEST(Listener, ServesManyIdleConnectionsAndForgetsThem) {
  const std::size_t count = std::min<std::size_t>(1000, (raise_descriptor_limit(2200) - 200) / 2);
  Served served;
  ASSERT_THAT(served.start(), IsOk());
  {
    std::vector<std::unique_ptr<RawConnection>> connections;
    for (std::size_t i = 0; i < count; ++i) {
      connections.push_back(std::make_unique<RawConnection>(served));
      connections.back()->send(post("x"));
      ASSERT_THAT(connections.back()->receive(), HasSubstr("HTTP/1.1 200"));
    }
    EXPECT_EQ(served.listener().connections(), count);
  }
  EXPECT_TRUE(eventually([&] { return served.listener().connections() == 0; }));
}

TEST(Listener, EndsIdleConnectionsAtOnceWhenItStops) {
  Served served;
  ASSERT_THAT(served.start(), IsOk());
  RawConnection silent(served);
  RawConnection used(served);
  used.send(post("x"));
  ASSERT_THAT(used.receive(), HasSubstr("200"));
  ASSERT_TRUE(eventually([&] { return served.listener().connections() == 2; }));
  const auto begun = std::chrono::steady_clock::now();
  served.stop(std::chrono::seconds(30));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(used.ended());
  EXPECT_EQ(served.listener().connections(), 0u);
}

TEST(Listener, LetsARequestFinishWhenItStops) {
  Served served;
  ASSERT_THAT(served.start(), IsOk());
  served.handler().admission_delay = std::chrono::milliseconds(200);
  RawConnection busy(served);
  busy.send(post("in time"));
  ASSERT_TRUE(eventually([&] { return served.handler().admissions() == 1; }));
  served.stop(std::chrono::seconds(30));
  const std::string response = busy.receive();
  EXPECT_THAT(response, HasSubstr("in time"));
  EXPECT_THAT(response, HasSubstr("Connection: close"));
  EXPECT_TRUE(busy.ended());
}

TEST(Listener, EndsARequestThatOutstaysTheGrace) {
  Served served;
  ASSERT_THAT(served.start(), IsOk());
  RawConnection stuck(served);
  stuck.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return served.handler().admissions() == 1; }));
  served.stop(std::chrono::milliseconds(20));
  EXPECT_TRUE(stuck.ended());
  EXPECT_EQ(served.listener().connections(), 0u);
}

TEST(Listener, AcceptsNoMoreOnceStopped) {
  Served served;
  ASSERT_THAT(served.start(), IsOk());
  Caller caller(served, served.url());
  ASSERT_THAT(caller.post(), IsOk());
  served.stop();
  EXPECT_THAT(caller.post(), IsError(std::errc::connection_refused));
}

TEST(Listener, FreesTheDescriptorOfAPeerThatTakesNoResponse) {
  http::ListenerOptions options;
  options.write_timeout = std::chrono::milliseconds(50);
  Served served(options);
  ASSERT_THAT(served.start(), IsOk());
  served.handler().answer = [](const http::Request&, http::Connection&) {
    http::Response response;
    response.body.assign(64 << 20, 'x');
    return response;
  };
  RawConnection deaf(served);
  deaf.send(post("x"));
  ASSERT_TRUE(eventually([&] { return !served.handler().requests().empty(); }));
  EXPECT_TRUE(eventually([&] { return served.listener().connections() == 0; }));
}

base::Task<bool> echo_often(http::ClientOptions options, std::string url, std::size_t times) {
  http::Client client(http::Url::parse(url).value(), std::move(options));
  for (std::size_t i = 0; i < times; ++i) {
    http::Request request;
    request.body.assign(1 + i * 997 % 40'000, static_cast<char>('a' + i % 26));
    const std::string sent = request.body;
    auto response = co_await client.exchange(std::move(request), std::chrono::seconds(60));
    if (!response.ok() || response->body != sent) co_return false;
  }
  co_return true;
}

base::Task<int> stop_listener(http::Listener& listener) {
  co_await listener.stop();
  co_return 0;
}

TEST(Listener, ServesManyClientsOnSeveralThreads) {
  const test_support::TestPki pki;
  http_test::RecordingHandler handler;
  asio::io_context context;
  auto work = asio::make_work_guard(context);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&context] { context.run(); });
  http::ListenerOptions options;
  options.address = "127.0.0.1";
  options.tls = http_test::server_context(pki);
  http::Listener listener(context.get_executor(), options, handler);
  ASSERT_THAT(listener.start(), IsOk());
  http::ClientOptions client;
  client.tls = http_test::client_context(pki, pki.client("host7.lab.example"));
  const std::string url = "https://localhost:" + std::to_string(listener.port()) + "/";
  std::vector<std::future<bool>> outcomes;
  for (int i = 0; i < 16; ++i) {
    outcomes.push_back(asio::co_spawn(asio::make_strand(context), echo_often(client, url, 20), asio::use_future));
  }
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get());
  EXPECT_THAT(handler.requests(), ::testing::SizeIs(16 * 20));
  test_support::run(stop_listener(listener));
  work.reset();
  for (std::thread& thread : threads) thread.join();
}

class UnixListener : public ::testing::Test {
 protected:
  http::ListenerOptions options() const {
    http::ListenerOptions options;
    options.unix_path = path;
    return options;
  }
  http::ClientOptions client() const {
    http::ClientOptions options;
    options.unix_path = path;
    return options;
  }
  /// A socket file that nobody listens on.
  void leave_dead_socket() const {
    asio::io_context context;
    asio::local::stream_protocol::acceptor acceptor(context, asio::local::stream_protocol::endpoint(path.string()));
  }

  TemporaryDirectory directory;
  std::filesystem::path path = directory / "control.sock";
};

TEST_F(UnixListener, KnowsTheProcessAtTheOtherEnd) {
  Served served(options());
  ASSERT_THAT(served.start(), IsOk());
  base::Peer peer;
  served.handler().answer = [&peer](const http::Request&, http::Connection& connection) {
    peer = connection.peer;
    return http::Response{};
  };
  Caller caller(served, "http://localhost/", client());
  ASSERT_THAT(caller.post("hello"), IsOk());
  EXPECT_EQ(peer.transport, base::Peer::Transport::Unix);
  EXPECT_EQ(peer.address, "unix");
  ASSERT_TRUE(peer.process);
  EXPECT_EQ(peer.process->uid, ::getuid());
  EXPECT_EQ(peer.process->gid, ::getgid());
  EXPECT_EQ(peer.process->pid, ::getpid());
  EXPECT_FALSE(peer.certificate);
}

TEST_F(UnixListener, SetsTheModeOfItsSocket) {
  auto chosen = options();
  chosen.unix_mode = 0600;
  Served served(chosen);
  ASSERT_THAT(served.start(), IsOk());
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(UnixListener, ReplacesADeadSocket) {
  leave_dead_socket();
  ASSERT_TRUE(std::filesystem::exists(path));
  Served served(options());
  ASSERT_THAT(served.start(), IsOk());
  Caller caller(served, "http://localhost/", client());
  EXPECT_THAT(caller.post(), IsOk());
}

TEST_F(UnixListener, LeavesALiveSocketAlone) {
  Served first(options());
  ASSERT_THAT(first.start(), IsOk());
  {
    Served second(options());
    EXPECT_THAT(second.start(), IsError(std::errc::address_in_use, path.string()));
  }
  Caller caller(first, "http://localhost/", client());
  EXPECT_THAT(caller.post(), IsOk());
}

TEST_F(UnixListener, LeavesAFileThatIsNoSocketAlone) {
  directory.write("control.sock", "precious");
  Served served(options());
  EXPECT_THAT(served.start(), IsError(std::errc::address_in_use, path.string()));
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(UnixListener, RemovesItsSocketWhenItStops) {
  Served served(options());
  ASSERT_THAT(served.start(), IsOk());
  ASSERT_TRUE(std::filesystem::exists(path));
  served.stop();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixListener, RefusesAPathThatNoSocketCanHave) {
  path = directory / std::string(150, 'x');
  Served served(options());
  EXPECT_THAT(served.start(), IsError(std::errc::filename_too_long));
}

}  // namespace
