// What requests may take at a time of what all share.

#include "tests/wsman/endpoint_fixture.h"

namespace wsman {
namespace {

using EndpointSharesTest = EndpointTest;

TEST_F(EndpointSharesTest, BodiesWaitForTheirShareOfMemory) {
  EndpointOptions options;
  options.body_budget = 4000;
  options.body_wait = std::chrono::milliseconds(10);
  make(options);
  connect_locally();
  http::RequestHead head = get_one().head;
  head.content_length = 4000;
  auto first = run_on(service_->loop.executor(), endpoint_->admit(head, connection_)).room;
  http::Connection other = connection_;
  auto second = run_on(service_->loop.executor(), endpoint_->admit(head, other)).room;
  ASSERT_TRUE(first && second);
  // Three quarters for what comes, the rest for who has to wait.
  EXPECT_TRUE(first->reach(3000));
  EXPECT_FALSE(first->reach(3001));
  EXPECT_FALSE(second->reach(1));
  EXPECT_TRUE(run_on(service_->loop.executor(), first->wait(4000)));
  EXPECT_TRUE(first->reach(4000));
  EXPECT_FALSE(run_on(service_->loop.executor(), second->wait(4000)));
  first.reset();
  EXPECT_TRUE(second->reach(3000));
}

TEST_F(EndpointSharesTest, WhoSendsSlowlyHoldsNoMoreThanHeHasSent) {
  EndpointOptions options;
  options.body_budget = 4000;
  make(options);
  connect_locally();
  http::RequestHead head = get_one().head;
  head.content_length = 4000;
  std::vector<http::Connection> connections(200, connection_);
  std::vector<std::shared_ptr<http::BodyRoom>> slow;
  for (auto& connection : connections) {
    slow.push_back(run_on(service_->loop.executor(), endpoint_->admit(head, connection)).room);
    ASSERT_TRUE(slow.back()->reach(1));
  }
  http::Connection other = connection_;
  auto quick = run_on(service_->loop.executor(), endpoint_->admit(head, other)).room;
  EXPECT_TRUE(quick->reach(2800));
  EXPECT_TRUE(run_on(service_->loop.executor(), quick->wait(3800)));
}

TEST_F(EndpointSharesTest, WhoeverHoldsMuchLearnsThatOthersWait) {
  EndpointOptions options;
  options.body_budget = 40'000;
  make(options);
  connect_locally();
  http::RequestHead head = get_one().head;
  head.content_length = 40'000;
  const auto room = [&] {
    http::Connection other = connection_;
    return run_on(service_->loop.executor(), endpoint_->admit(head, other)).room;
  };
  auto small = room();
  auto large = room();
  auto late = room();
  auto last = room();
  EXPECT_TRUE(small->reach(1));
  EXPECT_TRUE(large->reach(29'999));
  EXPECT_TRUE(run_on(service_->loop.executor(), late->wait(10'000)));
  EXPECT_FALSE(large->wanted_elsewhere());
  auto waiting = boost::asio::co_spawn(service_->loop.executor(), last->wait(10'000), boost::asio::use_future);
  EXPECT_TRUE(test_support::eventually([&] { return large->wanted_elsewhere(); }));
  EXPECT_TRUE(late->wanted_elsewhere());
  EXPECT_FALSE(small->wanted_elsewhere());
  late.reset();
  EXPECT_TRUE(waiting.get());
}

TEST_F(EndpointSharesTest, OneCallerCannotTakeTheRoomOfOthers) {
  EndpointOptions options;
  options.caller_body_bytes = 1000;
  make(options);
  connect_locally();
  http::RequestHead head = get_one().head;
  head.content_length = 1000;
  const auto room = [&] {
    http::Connection other = connection_;
    other.session.reset();
    return run_on(service_->loop.executor(), endpoint_->admit(head, other)).room;
  };
  auto first = room();
  auto second = room();
  EXPECT_TRUE(first->reach(750));
  EXPECT_FALSE(second->reach(1));
  connection_ = {};
  connect_with_certificate();
  EXPECT_TRUE(room()->reach(750));
}

TEST_F(EndpointSharesTest, CallerWithTooManyConnectionsIsToldToComeAgain) {
  EndpointOptions options;
  options.caller_connections = 2;
  make(options);
  connect_locally();
  std::vector<http::Connection> connections(3, connection_);
  std::vector<unsigned> statuses;
  const auto head = get_one().head;
  const auto ask = [&](http::Connection& connection) {
    auto admission = run_on(service_->loop.executor(), endpoint_->admit(head, connection));
    return admission.refusal ? admission.refusal->status : 200u;
  };
  for (auto& connection : connections) statuses.push_back(ask(connection));
  EXPECT_EQ(statuses, (std::vector<unsigned>{200, 200, 503}));
  EXPECT_EQ(ask(connections.front()), 200u);
  connection_ = {};
  connect_with_certificate();
  EXPECT_EQ(ask(connection_), 200u);
  connections.erase(connections.begin());
  EXPECT_EQ(ask(connections.back()), 200u);
}

TEST_F(EndpointSharesTest, LargeRequestsOfOneCallerWaitForEachOther) {
  EndpointOptions options;
  options.caller_deliveries = 1;
  options.turn_wait = std::chrono::milliseconds(10);
  make(options);
  connect_locally();
  test_support::FakeClock never;
  service_->resource.stall = &never;
  const auto large = [] {
    auto request = get_one();
    request.body.insert(request.body.rfind('<'), 20'000, ' ');
    return request;
  };
  const auto head = get_one().head;
  http::Connection second = connection_;
  http::Connection stranger;
  stranger.peer.transport = base::Peer::Transport::Tls;
  stranger.peer.certificate.emplace();
  stranger.peer.certificate->dns_names = {"host7.lab.example"};
  for (auto* connection : {&connection_, &second, &stranger}) {
    ASSERT_FALSE(run_on(service_->loop.executor(), endpoint_->admit(head, *connection)).refusal);
  }
  auto first =
      boost::asio::co_spawn(service_->loop.executor(), endpoint_->handle(large(), connection_), boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return never.sleepers() == 1; }));
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(large(), second)).status, 503u);
  service_->resource.stall = nullptr;
  EXPECT_NE(run_on(service_->loop.executor(), endpoint_->handle(large(), stranger)).status, 503u);
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(get_one(), second)).status, 200u);
  service_->clock.advance(std::chrono::hours(1));
  first.get();
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(large(), second)).status, 200u);
}

TEST_F(EndpointSharesTest, ExpandedBodiesWaitForTheirShareOfMemory) {
  const auto compressed = [] {
    auto request = post(sldc_compress(get_one().body));
    request.head.fields.add("Content-Encoding", "SLDC");
    return request;
  };
  EndpointOptions options;
  options.expansion_budget = 8 * compressed().body.size();
  options.body_wait = std::chrono::milliseconds(10);
  make(options);
  connect_locally();
  test_support::FakeClock never;
  service_->resource.stall = &never;
  auto request = compressed();
  run_on(service_->loop.executor(), endpoint_->admit(request.head, connection_));
  http::Connection other = connection_;
  auto first = boost::asio::co_spawn(service_->loop.executor(), endpoint_->handle(compressed(), connection_),
                                     boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return never.sleepers() == 1; }));
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(compressed(), other)).status, 503u);
  // One that is not compressed needs none.
  service_->resource.stall = nullptr;
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(get_one(), other)).status, 200u);
  service_->clock.advance(std::chrono::hours(1));
  EXPECT_EQ(first.get().status, 500u);
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(compressed(), other)).status, 200u);
}

}  // namespace
}  // namespace wsman
