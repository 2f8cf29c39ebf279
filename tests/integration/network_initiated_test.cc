// A collector that subscribes at a forwarder, each in a network of its own, joined by a way with the troubles of real ones:
// whatever happens on it, each line is there once at the end, in order, in whichever mode.

#include <thread>

#include "tests/integration/network_fixture.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using namespace std::chrono_literals;
using test_support::run_command;

constexpr char kUser[] = "collector";
constexpr char kPassword[] = "correct horse battery";

/// The parameter is the delivery mode of the definition.
class NetworkInitiated : public NetworkFixture, public ::testing::WithParamInterface<std::string> {
 protected:
  void start() {
    stack_->issue(kForwarderAddress);
    // What a source is told of this collector's port stands in the configuration only from its second start on.
    stack_->start_collector();
    ASSERT_EQ(stack_->collector().terminate(), 0);
    stack_->start_collector(std::string("[collector]\npublic_name = \"") + kCollectorAddress + "\"\n" + kQuickToNotice);
    start_forwarder();
    const auto added = run_command({(bin_directory() / "muster").string(), "user", "add", kUser, "--group", "Administrators",
                                    "--state", state().string()},
                                   std::string(kPassword) + "\n");
    ASSERT_EQ(added.status, 0) << added.err;
    const auto created = stack_->tool("wecutil", {"cs", stack_->write("here.xml", definition()).string()});
    ASSERT_EQ(created.status, 0) << created.err;
  }

  void start_forwarder() {
    const auto pem = [&](const std::string& suffix) {
      return "\"" + (stack_->pki() / (kForwarderAddress + suffix)).string() + "\"";
    };
    const std::string tls = "\nCertificate = " + pem(".pem") + "\nPrivateKey = " + pem(".key");
    stack_->write("source.toml",
                  std::string("[winrm.service.auth]\nBasic = true\n") + kQuickToNotice +
                      "[[winrm.listener]]\nAddress = \"IP:" + kForwarderAddress + "\"\nTransport = \"HTTPS\"\nPort = 0" +
                      tls + "\n[forwarder]\ncomputer = \"" + kForwarderAddress + "\"\n[forwarder.tls]" + tls + "\nCA = \"" +
                      (stack_->pki() / "ca.pem").string() + "\"\n[[forwarder.source]]\ntype = \"file\"\npath = \"" +
                      file_.string() + "\"\nread_existing = true\n");
    std::vector<std::string> line = near_->prefix();
    for (const std::string& part :
         {(bin_directory() / "muster-forwarder").string(), std::string("--config"),
          (stack_->directory() / "source.toml").string(), std::string("--state"), state().string()}) {
      line.push_back(part);
    }
    forwarder_ = std::make_unique<test_support::Process>(line);
    const auto ready = forwarder_->wait_for_line("ready on https://");
    ASSERT_TRUE(ready) << forwarder_->error_output();
    port_ = std::to_string(std::stoul(ready->substr(ready->rfind(':') + 1)));
  }

  std::string definition() const {
    return "<Subscription xmlns='http://schemas.microsoft.com/2006/03/windows/events/subscription'><SubscriptionId>here"
           "</SubscriptionId><SubscriptionType>CollectorInitiated</SubscriptionType><Enabled>true</Enabled>"
           "<Uri>http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Uri><ConfigurationMode>Custom"
           "</ConfigurationMode><Delivery Mode='" +
           GetParam() +
           "'><Batching><MaxItems>7</MaxItems><MaxLatencyTime>50</MaxLatencyTime></Batching><PushSettings><Heartbeat "
           "Interval='1000'/></PushSettings></Delivery><Query><![CDATA[<QueryList><Query Id='0'><Select "
           "Path='Linux-Syslog/Operational'>*</Select></Query></QueryList>]]></Query><ReadExistingEvents>true"
           "</ReadExistingEvents><TransportName>https</TransportName><TransportPort>" +
           port_ +
           "</TransportPort><ContentFormat>Events</ContentFormat><LogFile>ForwardedEvents</LogFile><CredentialsType>Basic"
           "</CredentialsType><EventSources><EventSource Enabled='true'><Address>" +
           kForwarderAddress + "</Address><UserName>" + kUser + "</UserName><Password>" + kPassword +
           "</Password></EventSource></EventSources></Subscription>";
  }

  /// As an administrator would where the schedule of attempts has come to long pauses.
  void retry_now() { EXPECT_EQ(stack_->tool("wecutil", {"rs", "here", kForwarderAddress}).status, 0); }
  /// Loss may meet several attempts in a row, and then the schedule has come to long pauses, too.
  bool comes_to(std::size_t count) {
    for (int round = 0; round < 6; ++round) {
      if (test_support::eventually([&] { return stored() >= count; }, 20s)) return true;
      retry_now();
    }
    return false;
  }
  std::filesystem::path state() const { return stack_->directory() / "source"; }
  std::string told() override {
    return stack_->collector().error_output() + forwarder_->error_output() + stack_->tool("wecutil", {"gr", "here"}).out;
  }

  std::unique_ptr<test_support::Process> forwarder_;
  std::string port_;
};

TEST_P(NetworkInitiated, EveryLineArrivesOnceDespiteLossDelayAndACut) {
  Trouble trouble;
  trouble.loss = 0.05;
  trouble.delay = 40ms;
  trouble.jitter = 10ms;
  trouble.reorder = 0.02;
  link_->set_both(trouble);
  write_lines(40);
  start();
  ASSERT_TRUE(comes_to(40)) << told();
  write_lines(20);
  link_->set_both(cut_off());
  const auto until = std::chrono::steady_clock::now() + (long_run() ? 180s : 3s);
  while (std::chrono::steady_clock::now() < until) {
    write_lines(2);
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_LT(stored(), static_cast<std::size_t>(written_));
  link_->set_both(trouble);
  if (long_run()) retry_now();
  ASSERT_TRUE(comes_to(static_cast<std::size_t>(written_))) << told();
  expect_every_line_once();
}

TEST_P(NetworkInitiated, EveryLineArrivesOnceThoughOneDirectionIsCut) {
  write_lines(10);
  start();
  ASSERT_TRUE(stored_eventually(10)) << told();
  for (const Direction direction : {Direction::ToFar, Direction::ToNear}) {
    SCOPED_TRACE(direction == Direction::ToFar ? "to the collector" : "to the forwarder");
    link_->set(direction, cut_off());
    const auto lost = link_->lost(direction);
    write_lines(30);
    // Long enough for more than one attempt to be met.
    ASSERT_TRUE(test_support::eventually([&] { return link_->lost(direction) >= lost + 6; }, kPatience)) << told();
    link_->set(direction, {});
    if (direction == Direction::ToNear) retry_now();
    ASSERT_TRUE(comes_to(static_cast<std::size_t>(written_))) << told();
  }
  expect_every_line_once();
}

INSTANTIATE_TEST_SUITE_P(EachMode, NetworkInitiated, ::testing::Values("Pull", "Push"),
                         [](const auto& mode) { return mode.param; });

}  // namespace
}  // namespace integration
