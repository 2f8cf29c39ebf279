// Subscriptions at a forwarder: made by curl, delivered over TLS to a subscriber in Python.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using test_support::CommandResult;
using test_support::eventually;
using test_support::run_command;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kHost = "host7.lab.example";
constexpr const char* kUser = "reader";
constexpr const char* kPassword = "correct horse battery";
const std::string kEventing = "http://schemas.xmlsoap.org/ws/2004/08/eventing/";
const std::string kEnumeration = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/";
const std::string kWsman = "http://schemas.dmtf.org/wbem/wsman/1/wsman/";

class Eventing : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.issue(kHost);
    start_forwarder();
    const auto added = run_command({(bin_directory() / "muster").string(), "user", "add", kUser, "--group", "Administrators",
                                    "--state", (stack_.directory() / kHost).string()},
                                   std::string(kPassword) + "\n");
    ASSERT_EQ(added.status, 0) << added.err;
  }

  std::string pem(const std::string& name) const { return (stack_.pki() / name).string(); }

  void start_forwarder() {
    const auto quoted = [&](const std::string& name) { return "\"" + pem(name) + "\""; };
    stack_.write(
        "forwarder.toml",
        "[winrm.service.auth]\nBasic = true\n[[winrm.listener]]\nAddress = \"IP:127.0.0.1\"\nTransport = \"HTTPS\"\n"
        "Port = 0\nCertificate = " +
            quoted("localhost.pem") + "\nPrivateKey = " + quoted("localhost.key") + "\n[forwarder]\ncomputer = \"" + kHost +
            "\"\n[forwarder.tls]\nCertificate = " + quoted(std::string(kHost) + ".pem") +
            "\nPrivateKey = " + quoted(std::string(kHost) + ".key") + "\nCA = " + quoted("ca.pem") +
            "\n[[forwarder.source]]\ntype = \"file\"\npath = \"" + (stack_.directory() / "*.log").string() +
            "\"\nread_existing = true\n");
    forwarder_ = std::make_unique<test_support::Process>(std::vector<std::string>{
        (bin_directory() / "muster-forwarder").string(), "--config", (stack_.directory() / "forwarder.toml").string(),
        "--state", (stack_.directory() / kHost).string()});
    const auto ready = forwarder_->wait_for_line("ready on https://");
    ASSERT_TRUE(ready) << forwarder_->error_output();
    port_ = ready->substr(ready->rfind(':') + 1);
  }

  void start_subscriber(const std::string& port = "0") {
    subscriber_ = std::make_unique<test_support::Process>(
        std::vector<std::string>{"env", "--chdir=" + stack_.directory().string(), "python3",
                                 std::filesystem::path(MUSTER_INTEGRATION_DIRECTORY) / "subscriber.py", pem("localhost.pem"),
                                 pem("localhost.key"), pem("ca.pem"), port});
    const auto ready = subscriber_->wait_for_line("ready on ");
    ASSERT_TRUE(ready) << subscriber_->error_output();
    subscriber_port_ = ready->substr(ready->rfind(' ') + 1);
  }

  void append(int from, int to) {
    std::ofstream out(stack_.directory() / "a.log", std::ios::app);
    for (int i = from; i <= to; ++i) out << "2024-05-01T10:15:30.123456+00:00 host7 app[42]: line " << i << "\n";
  }

  /// The reply's body; its HTTP status goes to `status_`.
  std::string post(const std::string& action, const std::string& body, const std::string& headers = {}) {
    const auto file = stack_.write(
        "request.xml",
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' "
        "xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' "
        "xmlns:n='http://schemas.xmlsoap.org/ws/2004/09/enumeration' "
        "xmlns:e='http://schemas.xmlsoap.org/ws/2004/08/eventing' "
        "xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>"
        "<s:Header><a:To>https://localhost:" +
            port_ +
            "/wsman</a:To><w:ResourceURI s:mustUnderstand='true'>"
            "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</w:ResourceURI><a:ReplyTo><a:Address "
            "s:mustUnderstand='true'>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"
            "<a:Action s:mustUnderstand='true'>" +
            action + "</a:Action><a:MessageID>uuid:0F4D2C9A-1111-4A5B-8C3D-000000000001</a:MessageID>" + headers +
            "</s:Header><s:Body>" + body + "</s:Body></s:Envelope>");
    const CommandResult result = run_command({"curl", "--silent", "--show-error", "--max-time", "60", "--cacert",
                                              pem("ca.pem"), "--user", std::string(kUser) + ":" + kPassword, "--data-binary",
                                              "@" + file.string(), "-H", "Content-Type: application/soap+xml;charset=UTF-8",
                                              "-H", "Expect:", "https://localhost:" + port_ + "/wsman"});
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  }

  static std::string part(const std::string& text, const std::string& pattern) {
    std::smatch found;
    return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : std::string();
  }
  static std::string filter() {
    return "<w:Filter Dialect='http://schemas.microsoft.com/win/2004/08/events/eventquery'><QueryList><Query Id='0'>"
           "<Select Path='Linux-Syslog/Operational'>*</Select></Query></QueryList></w:Filter>"
           "<w:Bookmark>http://schemas.dmtf.org/wbem/wsman/1/wsman/bookmark/earliest</w:Bookmark><w:SendBookmarks/>";
  }

  /// Subscribes and answers the identifier.
  std::string subscribe(const std::string& mode, const std::string& delivery = {}, const std::string& behind = {}) {
    std::string reply;
    const std::string options =
        "<w:OptionSet><w:Option Name='IgnoreChannelError' xsi:nil='true'/><w:Option Name='CDATA' xsi:nil='true'/>"
        "</w:OptionSet>";
    reply = post(
        kEventing + "Subscribe",
        "<e:Subscribe><e:Delivery Mode='" + mode + "'>" + delivery + "</e:Delivery>" + behind + filter() + "</e:Subscribe>",
        options);
    const std::string id = part(reply, "<e:Identifier>([^<]*)</e:Identifier>");
    EXPECT_FALSE(id.empty()) << reply;
    return id;
  }
  std::string push(const std::string& mode, const std::string& more = "<w:MaxTime>PT0.1S</w:MaxTime>") {
    return subscribe(mode,
                     "<e:NotifyTo><a:Address>https://localhost:" + subscriber_port_ +
                         "/events</a:Address><a:ReferenceParameters><e:Identifier>OURS</e:Identifier>"
                         "</a:ReferenceParameters></e:NotifyTo><w:ConnectionRetry Total='60'>PT0.5S</w:ConnectionRetry>" +
                         more);
  }
  std::string manage(const std::string& operation, const std::string& id, const std::string& inside = {}) {
    return post(kEventing + operation, "<e:" + operation + ">" + inside + "</e:" + operation + ">",
                "<e:Identifier>" + id + "</e:Identifier>");
  }
  std::string pull(const std::string& id) {
    return post(kEnumeration + "Pull",
                "<n:Pull><n:EnumerationContext>" + id + "</n:EnumerationContext><n:MaxElements>100</n:MaxElements></n:Pull>",
                "<w:OperationTimeout>PT2S</w:OperationTimeout>");
  }

  /// The lines that begin with `word` of what the subscriber says, without it.
  std::vector<std::string> said(const std::string& word) const {
    std::vector<std::string> lines;
    std::istringstream in(subscriber_->error_output());
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(word + " ")) lines.push_back(line.substr(word.size() + 1));
    }
    return lines;
  }
  static std::vector<std::string> lines(int from, int to) {
    std::vector<std::string> all;
    for (int i = from; i <= to; ++i) all.push_back("line " + std::to_string(i));
    return all;
  }

  Stack stack_;
  std::unique_ptr<test_support::Process> forwarder_;
  std::unique_ptr<test_support::Process> subscriber_;
  std::string port_;
  std::string subscriber_port_;
};

TEST_F(Eventing, EventsArePushedOnceEach) {
  start_subscriber();
  append(1, 50);
  const std::string id = push(kWsman + "Events");
  ASSERT_TRUE(eventually([&] { return said("event").size() >= 50; })) << forwarder_->error_output();
  append(51, 100);
  ASSERT_TRUE(eventually([&] { return said("event").size() >= 100; }));
  EXPECT_EQ(said("event"), lines(1, 100));
  EXPECT_EQ(said("got").front(), "Heartbeat OURS ");

  EXPECT_THAT(manage("GetStatus", id), HasSubstr("<e:Expires>PT0.000S</e:Expires>"));
  EXPECT_THAT(manage("Renew", id, "<e:Expires>PT10M</e:Expires>"), HasSubstr("<e:Expires>PT600.000S</e:Expires>"));
  EXPECT_THAT(manage("Unsubscribe", id), HasSubstr("UnsubscribeResponse"));
  append(101, 101);
  // Whoever pulls sees that the event is there.
  const std::string pulled = subscribe(kWsman + "Pull");
  ASSERT_TRUE(eventually([&] { return pull(pulled).find("line 101") != std::string::npos; }));
  EXPECT_EQ(said("event").size(), 100u);
  EXPECT_THAT(manage("GetStatus", id), HasSubstr("2150858752"));
}

TEST_F(Eventing, EachModeDeliversWhatItIsFor) {
  start_subscriber();
  append(1, 3);
  push(kWsman + "PushWithAck", "");
  ASSERT_TRUE(eventually([&] { return said("event").size() >= 3; })) << forwarder_->error_output();
  EXPECT_EQ(said("event"), lines(1, 3));
  EXPECT_THAT(said("got"), ElementsAre("Heartbeat OURS ", "Event OURS ", "Event OURS ", "Event OURS "));
  push(kEventing + "DeliveryModes/Push", "");
  ASSERT_TRUE(eventually([&] { return said("event").size() >= 6; }));
}

TEST_F(Eventing, EventsArePulledOnceEach) {
  append(1, 20);
  const std::string id = subscribe(kWsman + "Pull", {}, "<e:Expires>PT10M</e:Expires>");
  std::string all;
  ASSERT_TRUE(eventually([&] {
    all += pull(id);
    return all.find("line 20<") != std::string::npos;
  }));
  std::vector<std::string> got;
  static const std::regex pattern("<Data Name='MESSAGE'>([^<]*)</Data>");
  for (std::sregex_iterator at(all.begin(), all.end(), pattern), end; at != end; ++at) got.push_back((*at)[1]);
  EXPECT_EQ(got, lines(1, 20));
  EXPECT_THAT(pull(id), HasSubstr("2150858793"));
  append(21, 21);
  ASSERT_TRUE(eventually([&] { return pull(id).find("line 21<") != std::string::npos; }));
  EXPECT_THAT(manage("Unsubscribe", id), HasSubstr("UnsubscribeResponse"));
  EXPECT_THAT(pull(id), HasSubstr("InvalidEnumerationContext"));
}

TEST_F(Eventing, AForwarderThatStopsSaysSo) {
  start_subscriber();
  push(kWsman + "Events");
  ASSERT_TRUE(eventually([&] { return !said("got").empty(); }));
  EXPECT_EQ(forwarder_->terminate(), 0);
  ASSERT_TRUE(eventually([&] { return said("got").size() >= 2; }));
  EXPECT_EQ(said("got").back(), "SubscriptionEnd OURS SourceShuttingDown");
}

TEST_F(Eventing, ASubscriberThatWasKilledMissesNothing) {
  start_subscriber();
  push(kWsman + "Events");
  append(1, 200);
  ASSERT_TRUE(eventually([&] { return !said("event").empty(); }));
  subscriber_->kill();
  std::vector<std::string> got = said("event");
  append(201, 300);
  start_subscriber(subscriber_port_);
  ASSERT_TRUE(eventually([&] {
    const auto more = said("event");
    return !more.empty() && more.back() == "line 300";
  })) << forwarder_->error_output();
  for (const std::string& line : said("event")) got.push_back(line);
  // What was not acknowledged comes again; nothing is missing.
  std::vector<std::string> once;
  for (const std::string& line : got) {
    if (std::find(once.begin(), once.end(), line) == once.end()) once.push_back(line);
  }
  EXPECT_EQ(once, lines(1, 300));
}

TEST_F(Eventing, ARefusalEndsASubscription) {
  start_subscriber();
  const std::string id = push(kWsman + "Events");
  ASSERT_TRUE(eventually([&] { return !said("got").empty(); }));
  stack_.write("refuse", "");
  append(1, 1);
  ASSERT_TRUE(eventually([&] { return manage("GetStatus", id).find("2150858752") != std::string::npos; }));
  EXPECT_THAT(said("got"), ElementsAre("Heartbeat OURS ", "Events OURS "));
}

TEST_F(Eventing, NobodyListensWhereEventsAreToGo) {
  start_subscriber();
  subscriber_->kill();
  EXPECT_THAT(post(kEventing + "Subscribe", "<e:Subscribe><e:Delivery Mode='" + kWsman +
                                                "Events'><e:NotifyTo><a:Address>https://localhost:" + subscriber_port_ +
                                                "/</a:Address></e:NotifyTo></e:Delivery>" + filter() + "</e:Subscribe>"),
              HasSubstr("2150858901"));
}

TEST_F(Eventing, AnExpiredSubscriptionIsGone) {
  start_subscriber();
  const std::string id = subscribe(kWsman + "Events",
                                   "<e:NotifyTo><a:Address>https://localhost:" + subscriber_port_ +
                                       "/events</a:Address></e:NotifyTo><w:MaxTime>PT0S</w:MaxTime>",
                                   "<e:Expires>PT1S</e:Expires>");
  ASSERT_TRUE(eventually([&] { return manage("GetStatus", id).find("2150858752") != std::string::npos; }));
  append(1, 1);
  const std::string pulled = subscribe(kWsman + "Pull");
  ASSERT_TRUE(eventually([&] { return pull(pulled).find("line 1<") != std::string::npos; }));
  EXPECT_THAT(said("event"), IsEmpty());
}

}  // namespace
}  // namespace integration
