// A collector at a source that answers wrongly: `wecutil gr` says what was wrong, and nobody else suffers.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fakes/hostile_source.h"
#include "tests/fakes/windows_source.h"
#include "tests/integration/initiated_here.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using fakes::HostileSource;
using fakes::Misdeed;
using fakes::SourceLog;
using fakes::SourceServerOptions;
using fakes::WindowsSource;

constexpr const char* kHostile = "127.0.0.2";
constexpr const char* kHonest = "127.0.0.3";

struct Case {
  Misdeed misdeed;
  const char* at;
  unsigned long error;
};

// Source: wsman-protocol, section 8.4, and the list of error codes.
constexpr Case kCases[] = {
    {Misdeed::Silence, "Pull", 2150859046},        {Misdeed::CloseUnread, "", 2150858770},
    {Misdeed::CloseMidway, "Pull", 2150858770},    {Misdeed::EndlessBody, "Pull", 2150858770},
    {Misdeed::NotHttp, "Subscribe", 2150858770},   {Misdeed::Html, "Subscribe", 2150858999},
    {Misdeed::Moved, "Subscribe", 2150859024},     {Misdeed::Unauthorised, "Subscribe", 5},
    {Misdeed::Doctype, "Pull", 2150858817},        {Misdeed::OtherBody, "Subscribe", 2150859006},
    {Misdeed::OtherRelatesTo, "Pull", 2150858995}, {Misdeed::NoContext, "Subscribe", 2150858993},
    {Misdeed::TooManyItems, "Pull", 2150859075},
};

TEST(HostileSources, EachMisdeedIsToldAndOthersGoOn) {
  Stack stack;
  stack.start_collector(kUnencrypted);
  HostileSource hostile(Misdeed::None, "", kHostile);
  SourceServerOptions server;
  server.address = kHonest;
  server.port = hostile.port();
  SourceLog log;
  WindowsSource honest(log, server);
  InitiatedHere subscription;
  subscription.port = hostile.port();
  subscription.addresses = {kHostile, kHonest};
  create(stack, subscription);
  ASSERT_TRUE(becomes_active(stack, "here", kHonest)) << stack.collector().error_output();

  for (const Case& one : kCases) {
    SCOPED_TRACE("misdeed " + std::to_string(static_cast<int>(one.misdeed)) + " at " + one.at);
    hostile.become(one.misdeed, one.at);
    ASSERT_EQ(stack.tool("wecutil", {"rs", "here", kHostile}).status, 0);
    EXPECT_TRUE(fails_with(stack, "here", kHostile, one.error)) << stack.tool("wecutil", {"gr", "here"}).out;
    EXPECT_EQ(report_of(stack, "here", kHonest).status, "Active");
  }
  EXPECT_EQ(hostile.followed(), 0u);

  log.write("honest");
  EXPECT_TRUE(test_support::eventually([&] {
    const auto messages = stack.messages();
    return std::count(messages.begin(), messages.end(), "honest") == 1;
  })) << stack.collector().error_output();
  hostile.become(Misdeed::None, "");
  ASSERT_EQ(stack.tool("wecutil", {"rs", "here", kHostile}).status, 0);
  EXPECT_TRUE(becomes_active(stack, "here", kHostile)) << stack.tool("wecutil", {"gr", "here"}).out;
  EXPECT_TRUE(stack.collector().running());
}

}  // namespace
}  // namespace integration
