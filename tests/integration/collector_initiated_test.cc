// A collector that subscribes at a forwarder: the real programs over TLS on loopback.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using test_support::CommandResult;
using test_support::eventually;
using test_support::run_command;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kUser = "collector";
constexpr const char* kPassword = "correct horse battery";

class CollectorInitiated : public ::testing::Test {
 protected:
  void start_forwarder() {
    const auto quoted = [&](const std::string& name) { return "\"" + (stack_.pki() / name).string() + "\""; };
    stack_.write(
        "source.toml",
        "[winrm.service.auth]\nBasic = true\n[[winrm.listener]]\nAddress = \"IP:127.0.0.1\"\nTransport = \"HTTPS\"\n"
        "Port = " +
            port_ + "\nCertificate = " + quoted("localhost.pem") + "\nPrivateKey = " + quoted("localhost.key") +
            "\n[forwarder]\ncomputer = \"localhost\"\n[forwarder.tls]\nCertificate = " + quoted("localhost.pem") +
            "\nPrivateKey = " + quoted("localhost.key") + "\nCA = " + quoted("ca.pem") +
            "\n[[forwarder.source]]\ntype = \"file\"\npath = \"" + (stack_.directory() / "*.log").string() +
            "\"\nread_existing = true\n");
    forwarder_ = std::make_unique<test_support::Process>(
        std::vector<std::string>{(bin_directory() / "muster-forwarder").string(), "--config",
                                 (stack_.directory() / "source.toml").string(), "--state", state().string()});
    const auto ready = forwarder_->wait_for_line("ready on https://");
    ASSERT_TRUE(ready) << forwarder_->error_output();
    port_ = std::to_string(std::stoul(ready->substr(ready->rfind(':') + 1)));
  }
  std::filesystem::path state() const { return stack_.directory() / "source"; }

  void add_user(const std::string& password = kPassword) {
    const auto added = run_command({(bin_directory() / "muster").string(), "user", "add", kUser, "--group", "Administrators",
                                    "--state", state().string()},
                                   password + "\n");
    ASSERT_EQ(added.status, 0) << added.err;
  }

  std::string definition(const std::string& mode, bool enabled = true) const {
    return "<Subscription xmlns='http://schemas.microsoft.com/2006/03/windows/events/subscription'><SubscriptionId>here"
           "</SubscriptionId><SubscriptionType>CollectorInitiated</SubscriptionType><Enabled>" +
           std::string(enabled ? "true" : "false") +
           "</Enabled><Uri>http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Uri><ConfigurationMode>Custom"
           "</ConfigurationMode><Delivery Mode='" +
           mode +
           "'><Batching><MaxItems>20</MaxItems><MaxLatencyTime>200</MaxLatencyTime></Batching><PushSettings><Heartbeat "
           "Interval='2000'/></PushSettings></Delivery><Query><![CDATA[<QueryList><Query Id='0'><Select "
           "Path='Linux-Syslog/Operational'>*</Select></Query></QueryList>]]></Query><ReadExistingEvents>true"
           "</ReadExistingEvents><TransportName>https</TransportName><TransportPort>" +
           port_ +
           "</TransportPort><ContentFormat>Events</ContentFormat><LogFile>ForwardedEvents</LogFile><CredentialsType>Basic"
           "</CredentialsType><EventSources><EventSource Enabled='true'><Address>localhost</Address><UserName>" +
           kUser + "</UserName><Password>" + kPassword + "</Password></EventSource></EventSources></Subscription>";
  }
  void create(const std::string& mode) {
    const auto file = stack_.write("here.xml", definition(mode));
    const CommandResult created = stack_.tool("wecutil", {"cs", file.string()});
    ASSERT_EQ(created.status, 0) << created.err;
  }

  void append(int from, int to) {
    std::ofstream out(stack_.directory() / "a.log", std::ios::app);
    for (int i = from; i <= to; ++i) out << "2024-05-01T10:15:30.123456+00:00 host7 app[42]: line " << i << "\n";
  }
  static std::vector<std::string> lines(int from, int to) {
    std::vector<std::string> all;
    for (int i = from; i <= to; ++i) all.push_back("line " + std::to_string(i));
    return all;
  }
  std::string status() const { return stack_.tool("wecutil", {"gr", "here"}).out; }
  bool comes_to(int last) {
    // A source that a loaded machine did not answer in time is tried again after seconds, or after a minute.
    return eventually([&] { return stack_.messages().size() >= static_cast<std::size_t>(last); }, std::chrono::seconds(90));
  }
  std::string told() const { return stack_.collector().error_output() + forwarder_->error_output() + status(); }

  mutable Stack stack_;
  std::unique_ptr<test_support::Process> forwarder_;
  std::string port_ = "0";
};

TEST_F(CollectorInitiated, EventsArePulledOnceEachOverRestartsOfEitherSide) {
  stack_.start_collector();
  start_forwarder();
  add_user();
  append(1, 50);
  create("Pull");
  ASSERT_TRUE(comes_to(50)) << told();
  EXPECT_THAT(status(), HasSubstr("RunTimeStatus: Active"));
  append(51, 60);
  ASSERT_TRUE(comes_to(60)) << told();

  EXPECT_EQ(forwarder_->terminate(), 0);
  append(61, 80);
  start_forwarder();
  ASSERT_TRUE(comes_to(80)) << told();

  EXPECT_EQ(stack_.collector().terminate(), 0);
  append(81, 100);
  stack_.start_collector();
  ASSERT_TRUE(comes_to(100)) << told();
  EXPECT_EQ(stack_.messages(), lines(1, 100));
}

TEST_F(CollectorInitiated, AWrongPasswordIsToldAndARetryFindsItRight) {
  stack_.start_collector();
  start_forwarder();
  append(1, 3);
  create("Pull");
  ASSERT_TRUE(eventually([&] { return status().find("LastError: 5\n") != std::string::npos; })) << told();
  EXPECT_THAT(status(), HasSubstr("RunTimeStatus: Trying"));
  EXPECT_THAT(status(), HasSubstr("NextRetryTime: "));
  add_user();
  EXPECT_EQ(stack_.tool("wecutil", {"rs", "here", "localhost"}).status, 0);
  ASSERT_TRUE(comes_to(3)) << told();
  EXPECT_THAT(status(), Not(HasSubstr("NextRetryTime: ")));
}

TEST_F(CollectorInitiated, EventsArePushedOnceEachOverRestartsOfEitherSide) {
  // What a source is told of this collector's port stands in the configuration only from its second start on.
  stack_.start_collector();
  EXPECT_EQ(stack_.collector().terminate(), 0);
  const std::string name = "[collector]\npublic_name = \"localhost\"\n";
  stack_.start_collector(name);
  start_forwarder();
  add_user();
  append(1, 50);
  create("Push");
  ASSERT_TRUE(comes_to(50)) << told();
  EXPECT_THAT(status(), HasSubstr("RunTimeStatus: Active"));
  EXPECT_THAT(status(), HasSubstr("LastHeartbeatTime: "));

  EXPECT_EQ(forwarder_->terminate(), 0);
  append(51, 60);
  start_forwarder();
  ASSERT_TRUE(comes_to(60)) << told();

  stack_.collector().kill();
  append(61, 80);
  stack_.start_collector(name);
  ASSERT_TRUE(comes_to(80)) << told();
  // The subscription of the collector that was killed is refused, and not only doubled.
  ASSERT_TRUE(eventually([&] {
    return stack_.collector().error_output().find("Another subscription has taken the place") != std::string::npos;
  })) << told();
  append(81, 100);
  ASSERT_TRUE(comes_to(100)) << told();
  EXPECT_EQ(stack_.messages(), lines(1, 100));

  EXPECT_EQ(stack_.tool("wecutil", {"ss", "here", "/e:false"}).status, 0);
  EXPECT_THAT(status(), HasSubstr("RunTimeStatus: Disabled"));
}

}  // namespace
}  // namespace integration
