// A collector at sources of other makes: the real program, and sources that behave as those do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/fakes/openwsman_source.h"
#include "tests/fakes/windows_source.h"
#include "tests/integration/initiated_here.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using fakes::OpenwsmanSource;
using fakes::OpenwsmanSourceOptions;
using fakes::SourceLog;
using fakes::SourceServerOptions;
using fakes::WindowsSource;
using test_support::eventually;
using test_support::run_command;
using ::testing::HasSubstr;

SourceServerOptions protected_source() {
  SourceServerOptions options;
  options.user = kSourceUser;
  options.password = kSourcePassword;
  return options;
}

SourceServerOptions protected_source(const Stack& stack) {
  SourceServerOptions options = protected_source();
  auto tls = http::TlsServerContext::load({stack.pki() / "localhost.pem", stack.pki() / "localhost.key", {}, false});
  EXPECT_THAT(tls, test_support::IsOk());
  if (tls.ok()) options.tls = *tls;
  return options;
}

void write(SourceLog& log, int from, int to) {
  for (int i = from; i <= to; ++i) log.write("line " + std::to_string(i));
}

std::vector<std::string> lines(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i <= to; ++i) all.push_back("line " + std::to_string(i));
  return all;
}

bool comes_to(const Stack& stack, std::size_t count) {
  return eventually([&] { return stack.messages().size() >= count; }, std::chrono::seconds(60));
}

InitiatedHere indications(unsigned port) {
  InitiatedHere subscription;
  subscription.uri = "http://schemas.dmtf.org/wbem/wscim/1/*";
  subscription.dialect = wsman::kWqlDialect;
  subscription.query = "SELECT * FROM CIM_AlertIndication";
  subscription.transport = "https";
  subscription.port = port;
  subscription.addresses = {"localhost"};
  return subscription;
}

// ---------------------------------------------------------------- Windows

TEST(SourcesOfOthers, WindowsIsPulledAndGoesOnAtTheBookmarkAfterAKillOfEitherSide) {
  Stack stack;
  stack.start_collector(kUnencrypted);
  SourceLog log;
  write(log, 1, 50);
  WindowsSource source(log, protected_source());
  InitiatedHere subscription;
  subscription.port = source.port();
  create(stack, subscription);
  ASSERT_TRUE(comes_to(stack, 50)) << stack.collector().error_output();
  EXPECT_TRUE(becomes_active(stack, "here", "127.0.0.1"));

  source.stop();
  source.forget_subscriptions();
  write(log, 51, 70);
  source.start();
  ASSERT_TRUE(comes_to(stack, 70)) << stack.collector().error_output();

  stack.collector().kill();
  write(log, 71, 90);
  stack.start_collector(kUnencrypted);
  ASSERT_TRUE(comes_to(stack, 90)) << stack.collector().error_output();
  EXPECT_EQ(stack.messages(), lines(1, 90));
  EXPECT_EQ(source.unauthorised(), 0u);
  // Not from the beginning, with what the store has already thrown away again.
  const auto subscribes = source.asked(wsman::action::kSubscribe);
  ASSERT_GE(subscribes.size(), 3u);
  EXPECT_THAT(subscribes.back().text, HasSubstr("RecordId=\"70\""));
}

TEST(SourcesOfOthers, ADeletedSubscriptionIsEndedAtTheSource) {
  Stack stack;
  stack.start_collector(kUnencrypted);
  SourceLog log;
  WindowsSource source(log, protected_source());
  InitiatedHere subscription;
  subscription.port = source.port();
  create(stack, subscription);
  ASSERT_TRUE(eventually([&] { return source.subscriptions() == 1; })) << stack.collector().error_output();
  EXPECT_EQ(stack.tool("wecutil", {"ds", "here"}).status, 0);
  EXPECT_TRUE(eventually([&] { return source.subscriptions() == 0; })) << stack.collector().error_output();
}

TEST(SourcesOfOthers, TwoCollectorsHaveOneDefinitionAndBothGetEverything) {
  Stack first;
  Stack second;
  first.start_collector(kUnencrypted);
  second.start_collector(kUnencrypted);
  SourceLog log;
  write(log, 1, 30);
  WindowsSource source(log, protected_source());
  InitiatedHere subscription;
  subscription.port = source.port();
  create(first, subscription);
  create(second, subscription);
  for (const Stack* stack : {&first, &second}) {
    ASSERT_TRUE(comes_to(*stack, 30));
    EXPECT_EQ(stack->messages(), lines(1, 30));
  }
  EXPECT_EQ(source.subscriptions(), 2u);
  // What becomes of one is nothing to the other.
  EXPECT_EQ(first.tool("wecutil", {"ds", "here"}).status, 0);
  EXPECT_TRUE(eventually([&] { return source.subscriptions() == 1; }));
  write(log, 31, 35);
  ASSERT_TRUE(comes_to(second, 35));
  EXPECT_EQ(second.messages(), lines(1, 35));
  EXPECT_EQ(first.messages(), lines(1, 30));
}

TEST(SourcesOfOthers, ARenamedSourceIsLeftAtItsOldNameAndBegunAtItsNew) {
  Stack stack;
  stack.start_collector(kUnencrypted);
  SourceLog log;
  write(log, 1, 10);
  WindowsSource source(log, protected_source());
  InitiatedHere subscription;
  subscription.port = source.port();
  subscription.read_existing = false;
  create(stack, subscription);
  ASSERT_TRUE(becomes_active(stack, "here", "127.0.0.1")) << stack.collector().error_output();
  write(log, 11, 15);
  ASSERT_TRUE(comes_to(stack, 5)) << stack.collector().error_output();

  subscription.addresses = {"localhost"};
  change(stack, subscription);
  ASSERT_TRUE(becomes_active(stack, "here", "localhost")) << stack.collector().error_output();
  // Nobody pulls for the old name any more.
  EXPECT_TRUE(eventually([&] { return source.subscriptions() == 1; })) << stack.collector().error_output();
  write(log, 16, 20);
  ASSERT_TRUE(comes_to(stack, 10)) << stack.collector().error_output();
  EXPECT_EQ(stack.messages(), lines(11, 20));
}

// ---------------------------------------------------------------- openwsman

TEST(SourcesOfOthers, OpenwsmanIsPulled) {
  Stack stack;
  stack.start_collector();
  SourceLog log;
  OpenwsmanSource source(log, protected_source(stack));
  create(stack, indications(source.port()));
  ASSERT_TRUE(becomes_active(stack, "here", "localhost")) << stack.collector().error_output();
  write(log, 1, 25);
  ASSERT_TRUE(comes_to(stack, 25)) << stack.collector().error_output();
  EXPECT_EQ(stack.messages(), lines(1, 25));
  EXPECT_EQ(stack.tool("wecutil", {"ds", "here"}).status, 0);
  EXPECT_TRUE(eventually([&] { return source.subscriptions() == 0; })) << stack.collector().error_output();
}

TEST(SourcesOfOthers, OpenwsmanPushesAndGetsItsOwnAck) {
  Stack stack;
  start_reachable(stack);
  ASSERT_EQ(stack.tool("winrm", {"set", "winrm/config/service/auth", "@{Basic=\"true\"}"}).status, 0);
  // Who pushes is let in as the Address that the definition has.
  const auto added = run_command(
      {(bin_directory() / "muster").string(), "user", "add", "localhost", "--state", stack.collector_state().string()},
      std::string(kSourcePassword) + "\n");
  ASSERT_EQ(added.status, 0) << added.err;
  SourceLog log;
  OpenwsmanSourceOptions how;
  auto tls = http::TlsClientContext::load({{}, {}, stack.pki() / "ca.pem"});
  ASSERT_THAT(tls, test_support::IsOk());
  how.push.tls = *tls;
  // Every message is over a connection of its own, with a password to verify; one that is not taken in time is lost for
  // ever.
  how.heartbeat = std::chrono::seconds(20);
  how.push_user = "localhost";
  how.push_password = kSourcePassword;
  OpenwsmanSource source(log, protected_source(stack), how);
  InitiatedHere subscription = indications(source.port());
  subscription.mode = "Push";
  subscription.heartbeat_ms = 60'000;
  create(stack, subscription);
  ASSERT_TRUE(becomes_active(stack, "here", "localhost")) << stack.collector().error_output();
  for (int i = 0; i < 5; ++i) {
    write(log, 10 * i + 1, 10 * i + 10);
    ASSERT_TRUE(comes_to(stack, static_cast<std::size_t>(10 * i + 10))) << stack.collector().error_output();
  }
  EXPECT_EQ(stack.messages(), lines(1, 50));
  EXPECT_GE(source.acknowledged(), 5u);
  EXPECT_EQ(source.cancelled(), 0u);
}

TEST(SourcesOfOthers, OpenwsmanDoesNotKnowWindowsLog) {
  Stack stack;
  stack.start_collector();
  SourceLog log;
  OpenwsmanSource source(log, protected_source(stack));
  InitiatedHere subscription = indications(source.port());
  subscription.uri = wsman::resource::kEventLog;
  create(stack, subscription);
  EXPECT_TRUE(fails_with(stack, "here", "localhost", 2150858811)) << stack.tool("wecutil", {"gr", "here"}).out;
}

}  // namespace
}  // namespace integration
