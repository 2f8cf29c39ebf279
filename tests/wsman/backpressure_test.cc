// Many senders and little memory, over real sockets.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "engine/auth/local_peer.h"
#include "engine/http/client.h"
#include "engine/http/listener.h"
#include "engine/wsman/endpoint.h"
#include "engine/wsman/names.h"
#include "tests/support/temporary_directory.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::eventually;
using test_support::RequestText;
using test_support::run_on;
using test_support::Service;

constexpr std::size_t kBody = 60'000;

/// A socket that is written to by hand.
class RawSender {
 public:
  explicit RawSender(const std::filesystem::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawSender() { ::close(socket_); }
  RawSender(const RawSender&) = delete;
  RawSender& operator=(const RawSender&) = delete;

  bool send(const std::string& bytes) {
    return connected_ && ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  /// What the peer says first.
  std::string read_some() {
    std::string text(4096, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(::recv(socket_, text.data(), text.size(), 0), 0)));
    return text;
  }

 private:
  int socket_;
  bool connected_ = false;
};

class Backpressure : public ::testing::Test {
 protected:
  ~Backpressure() override {
    if (listener_) run_on(service_.loop.executor(), listener_->stop(std::chrono::milliseconds(100)));
  }

  void serve(std::size_t budget, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    service_.resource.items = {test_support::thing("one")};
    EndpointOptions options;
    options.body_budget = budget;
    endpoint_ = std::make_unique<Endpoint>(options, service_.dispatcher, std::vector<auth::Authenticator*>{&local_});
    http::ListenerOptions listening;
    listening.unix_path = directory_.path() / "socket";
    listening.body_patience = patience;
    listener_ = std::make_unique<http::Listener>(service_.loop.executor(), listening, *endpoint_);
    ASSERT_TRUE(listener_->start().ok());
  }

  static std::string head() {
    return "POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
           "application/soap+xml;charset=UTF-8\r\nContent-Length: " +
           std::to_string(kBody) + "\r\n\r\n";
  }
  /// A Get that is padded to kBody.
  static http::Request request() {
    http::Request request;
    request.head.fields.add("Content-Type", "application/soap+xml;charset=UTF-8");
    request.body = RequestText(action::kGet)
                       .resource(test_support::kFakeUri)
                       .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name='Name'>one</w:Selector></w:SelectorSet>")
                       .text();
    const auto end = request.body.rfind('<');
    request.body.insert(end, kBody - request.body.size(), ' ');
    return request;
  }
  std::unique_ptr<http::Client> client() {
    http::ClientOptions options;
    options.unix_path = directory_.path() / "socket";
    return std::make_unique<http::Client>(*http::Url::parse("http://localhost/wsman"), options);
  }
  static base::Task<unsigned> status_of(http::Client& client) {
    auto reply = co_await client.exchange(request(), std::chrono::seconds(60));
    co_return reply.ok() ? reply->status : 0;
  }
  /// The statuses of so many requests that are sent at the same time, over a connection each.
  std::vector<unsigned> all_at_once(std::size_t count) {
    std::vector<std::unique_ptr<http::Client>> clients;
    std::vector<std::future<unsigned>> answers;
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(client());
      answers.push_back(boost::asio::co_spawn(boost::asio::make_strand(client_loop_.executor()), status_of(*clients.back()),
                                              boost::asio::use_future));
    }
    std::vector<unsigned> statuses;
    for (auto& answer : answers) statuses.push_back(answer.get());
    return statuses;
  }

  test_support::TemporaryDirectory directory_;
  auth::LocalPeerAuthenticator local_;
  Service service_;
  test_support::Loop client_loop_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<http::Listener> listener_;
};

TEST_F(Backpressure, MoreThanThereIsRoomForWaitsAndIsServed) {
  serve(3 * kBody);
  EXPECT_EQ(all_at_once(40), std::vector<unsigned>(40, 200));
}

TEST_F(Backpressure, SendersOfAByteHoldNobodyUp) {
  serve(3 * kBody);
  std::vector<std::unique_ptr<RawSender>> slow;
  for (int i = 0; i < 60; ++i) {
    slow.push_back(std::make_unique<RawSender>(directory_.path() / "socket"));
    ASSERT_TRUE(slow.back()->send(head() + "<"));
  }
  ASSERT_TRUE(eventually([&] { return listener_->connections() == 60; }));
  EXPECT_EQ(all_at_once(10), std::vector<unsigned>(10, 200));
  EXPECT_EQ(listener_->connections(), 70u);
}

TEST_F(Backpressure, WhoStopsInTheMiddleIsEndedOnceOthersNeedTheRoom) {
  serve(4 * kBody, std::chrono::milliseconds(100));
  std::vector<std::unique_ptr<RawSender>> stalled;
  for (int i = 0; i < 6; ++i) {
    stalled.push_back(std::make_unique<RawSender>(directory_.path() / "socket"));
    ASSERT_TRUE(stalled.back()->send(head() + std::string(kBody - 10, ' ')));
  }
  ASSERT_TRUE(eventually([&] { return listener_->connections() == 6; }));
  EXPECT_EQ(all_at_once(3), std::vector<unsigned>(3, 200));
}

TEST_F(Backpressure, AloneASlowSenderHasItsTime) {
  serve(4 * kBody, std::chrono::milliseconds(1));
  RawSender slow(directory_.path() / "socket");
  const std::string body = request().body;
  ASSERT_TRUE(slow.send(head() + body.substr(0, 30'000)));
  ASSERT_TRUE(eventually([&] { return listener_->connections() == 1; }));
  EXPECT_EQ(all_at_once(1), std::vector<unsigned>(1, 200));
  ASSERT_TRUE(slow.send(body.substr(30'000)));
  EXPECT_TRUE(slow.read_some().starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace wsman
