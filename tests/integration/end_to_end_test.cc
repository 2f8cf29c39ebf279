// A host's log lines, forwarded, collected, stored and queried: by the real programs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using test_support::eventually;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class EndToEnd : public ::testing::Test {
 protected:
  void append(const std::string& name, const std::string& line) {
    std::ofstream(stack_.directory() / name, std::ios::app) << line << "\n";
  }
  std::string line(int number) { return "2024-05-01T10:15:30.123456+00:00 host7 app[42]: line " + std::to_string(number); }
  std::string glob(const std::string& pattern) { return (stack_.directory() / pattern).string(); }

  Stack stack_;
};

TEST_F(EndToEnd, LinesOfAFileArriveInForwardedEvents) {
  append("a.log", line(1));
  append("a.log", line(2));
  stack_.start_collector();
  stack_.create_subscription({});
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  EXPECT_TRUE(eventually([&] { return stack_.messages().size() == 2; }))
      << stack_.forwarder("host7.lab.example").error_output();
  EXPECT_THAT(stack_.messages(), ElementsAre("line 1", "line 2"));

  const auto event = stack_.tool("wevtutil", {"qe", "ForwardedEvents", "/c:1"});
  EXPECT_THAT(event.out, AllOf(HasSubstr("<Provider Name='Linux-Syslog'"), HasSubstr("<EventRecordID>1</EventRecordID>"),
                               HasSubstr("<Channel>Linux-Syslog/Operational</Channel>"),
                               HasSubstr("<Computer>host7.lab.example</Computer>"),
                               HasSubstr("SystemTime='2024-05-01T10:15:30.1234560Z'")));
  const auto text = stack_.tool("wevtutil", {"qe", "ForwardedEvents", "/c:1", "/rd:true", "/f:text"});
  EXPECT_THAT(text.out, AllOf(HasSubstr("Event[0]\n"), HasSubstr("line 2")));
}

TEST_F(EndToEnd, StatusShowsTheSourceAsActive) {
  append("a.log", line(1));
  stack_.start_collector();
  stack_.create_subscription({});
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  EXPECT_TRUE(eventually([&] {
    const auto status = stack_.tool("wecutil", {"gr", "all"});
    return status.out.find(
               "\t\thost7.lab.example\n\t\t\tRunTimeStatus: Active\n\t\t\tLastError: 0\n\t\t\tLastHeartbeatTime: ") !=
           std::string::npos;
  })) << stack_.tool("wecutil", {"gr", "all"}).out;
}

TEST_F(EndToEnd, NothingIsLostOrDoubledWhenEitherSideIsStartedAgain) {
  stack_.start_collector();
  stack_.create_subscription({});
  append("a.log", line(1));
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 1; }))
      << stack_.forwarder("host7.lab.example").error_output();

  EXPECT_EQ(stack_.forwarder("host7.lab.example").terminate(), 0);
  append("a.log", line(2));
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 2; }));

  EXPECT_EQ(stack_.collector().terminate(), 0);
  append("a.log", line(3));
  stack_.start_collector();
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 3; }));
  EXPECT_THAT(stack_.messages(), ElementsAre("line 1", "line 2", "line 3"));
}

TEST_F(EndToEnd, RenderedTextCarriesTheMessage) {
  append("a.log", line(1));
  stack_.start_collector();
  SubscriptionText subscription;
  subscription.content_format = "RenderedText";
  stack_.create_subscription(subscription);
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  ASSERT_TRUE(eventually([&] { return !stack_.messages().empty(); }));
  const auto event = stack_.tool("wevtutil", {"qe", "ForwardedEvents", "/f:RenderedXml"});
  EXPECT_THAT(event.out, HasSubstr("<RenderingInfo Culture='en-US'><Message>line 1</Message>"));
}

TEST_F(EndToEnd, RenderedEventsAreShownAsXmlAndAsText) {
  append("a.log", "<27>1 2024-05-01T10:15:30.123456+00:00 host7 app 42 - - disk almost full");
  stack_.start_collector();
  SubscriptionText subscription;
  subscription.content_format = "RenderedText";
  stack_.create_subscription(subscription);
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  ASSERT_TRUE(eventually([&] { return !stack_.messages().empty(); }));
  // Priority 27 is facility 3, daemon, with severity 3, error.
  const auto xml = stack_.tool("wevtutil", {"qe", "ForwardedEvents", "/f:RenderedXml"});
  EXPECT_THAT(xml.out, HasSubstr("<RenderingInfo Culture='en-US'><Message>disk almost full</Message><Level>Error</Level>"
                                 "<Task>daemon</Task><Opcode>Info</Opcode><Channel>Linux-Syslog/Operational</Channel>"
                                 "<Provider>Linux-Syslog</Provider><Keywords></Keywords></RenderingInfo></Event>"));
  // It came so: the tool would add what is missing.
  EXPECT_NE(stack_.tool("wevtutil", {"qe", "ForwardedEvents", "/q:*[RenderingInfo]"}).out, "");
  const auto text = stack_.tool("wevtutil", {"qe", "ForwardedEvents", "/f:Text"});
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("  Source: Linux-Syslog\n"), HasSubstr("  Task: daemon\n"), HasSubstr("  Level: Error\n"),
                    HasSubstr("  Opcode: Info\n"), HasSubstr("  Description: \ndisk almost full\n")));
}

TEST_F(EndToEnd, ContentFormatEventsSendsNoRenderingInfo) {
  append("a.log", line(1));
  stack_.start_collector();
  stack_.create_subscription({});
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  ASSERT_TRUE(eventually([&] { return !stack_.messages().empty(); }));
  // wevtutil leaves RenderingInfo out of its XML, so the store itself is asked.
  const auto found = stack_.tool("wevtutil", {"qe", "ForwardedEvents", "/q:*[RenderingInfo]"});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(found.out, "");
}

TEST_F(EndToEnd, ALogFileIsMadeAndFilledAndKeepsItsOwnSize) {
  stack_.start_collector();
  SubscriptionText subscription;
  subscription.log_file = "Lab-Linux/Operational";
  stack_.create_subscription(subscription);
  // Before its first event.
  const auto configured = stack_.tool("wevtutil", {"sl", "Lab-Linux/Operational", "/ms:2097152"});
  EXPECT_EQ(configured.status, 0) << configured.err;
  append("a.log", line(1));
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  ASSERT_TRUE(eventually([&] { return stack_.messages("Lab-Linux/Operational").size() == 1; }));
  EXPECT_THAT(stack_.messages(), ::testing::IsEmpty());

  EXPECT_EQ(stack_.collector().terminate(), 0);
  stack_.start_collector();
  append("a.log", line(2));
  ASSERT_TRUE(eventually([&] { return stack_.messages("Lab-Linux/Operational").size() == 2; }));
  EXPECT_THAT(stack_.tool("wevtutil", {"gl", "Lab-Linux/Operational"}).out, HasSubstr("maxSize: 2097152\n"));
  EXPECT_THAT(stack_.tool("wevtutil", {"gl", "ForwardedEvents"}).out, Not(HasSubstr("maxSize: 2097152\n")));
}

TEST_F(EndToEnd, CompressedDeliveriesArrive) {
  for (int i = 0; i < 50; ++i) append("a.log", line(i));
  stack_.start_collector("[collector]\ncompression = true\n");
  stack_.create_subscription({});
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  EXPECT_TRUE(eventually([&] { return stack_.messages().size() == 50; }))
      << stack_.forwarder("host7.lab.example").error_output();
}

TEST_F(EndToEnd, ADeniedSubjectGetsNoSubscription) {
  append("a.log", line(1));
  stack_.start_collector();
  SubscriptionText subscription;
  subscription.denied_subject = "kiosk*";
  stack_.create_subscription(subscription);
  stack_.start_forwarder("kiosk1.lab.example", glob("*.log"));
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 1; }));
  const auto status = stack_.tool("wecutil", {"gr", "all"});
  EXPECT_THAT(status.out, AllOf(HasSubstr("host7.lab.example"), Not(HasSubstr("kiosk1"))));
}

TEST_F(EndToEnd, ADisabledSubscriptionStopsAndStartsAgainWithoutLoss) {
  stack_.start_collector();
  stack_.create_subscription({});
  append("a.log", line(1));
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 1; }));
  ASSERT_EQ(stack_.tool("wecutil", {"ss", "all", "/e:false"}).status, 0);
  ASSERT_TRUE(stack_.forwarder("host7.lab.example").wait_for_line("subscription all ended"))
      << stack_.forwarder("host7.lab.example").error_output();
  append("a.log", line(2));
  ASSERT_EQ(stack_.tool("wecutil", {"ss", "all", "/e:true"}).status, 0);
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 2; }));
  EXPECT_THAT(stack_.messages(), ElementsAre("line 1", "line 2"));
}

TEST_F(EndToEnd, TheForwardersOwnStoreCanBeAsked) {
  append("a.log", line(1));
  stack_.start_collector();
  stack_.start_forwarder("host7.lab.example", glob("*.log"));
  const auto state = stack_.directory() / "host7.lab.example";
  EXPECT_TRUE(eventually([&] {
    return stack_.tool_at(state, "wevtutil", {"qe", "Linux-Syslog/Operational"}).out.find("line 1") != std::string::npos;
  }));
  EXPECT_THAT(stack_.tool_at(state, "wevtutil", {"el"}).out, HasSubstr("Linux-Syslog/Operational\n"));
}

TEST_F(EndToEnd, ASecondServiceOnOneStateDirectoryIsRefused) {
  stack_.start_collector();
  const auto second = test_support::run_command({(bin_directory() / "muster-collector").string(), "--config",
                                                 (stack_.directory() / "collector.toml").string(), "--state",
                                                 stack_.collector_state().string()});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr("is in use by process " + std::to_string(stack_.collector().pid())));
}

TEST_F(EndToEnd, ToolsSayThatNoServiceAnswers) {
  const auto result = stack_.tool("wevtutil", {"el"});
  EXPECT_EQ(result.status, 1717 % 256);
  EXPECT_THAT(result.err, HasSubstr("The interface is unknown."));
}

}  // namespace
}  // namespace integration
