// Settings of winrm/config that a running collector obeys from the next request on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <regex>
#include <thread>

#include "engine/wsman/names.h"
#include "storage/database.h"
#include "tests/integration/config_client.h"
#include "tests/integration/raw_client.h"

namespace integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHost = "host7.lab.example";

class ActingSetting : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_collector();
    stack_.issue(kHost);
  }

  void set(const std::string& path, const std::string& root, const std::string& name, const std::string& value) {
    const ConfigReply reply = config_.set(path, root, "<cfg:" + name + ">" + value + "</cfg:" + name + ">");
    ASSERT_EQ(reply.status, 200) << reply.fault;
  }
  Stack::Reply post(const std::string& body) {
    return stack_.post(kHost, "/wsman", body, {"Content-Type: application/soap+xml;charset=UTF-8"});
  }
  std::string remote_request() { return config_envelope(std::string(wsman::action::kGet), "", ""); }
  /// Opens an enumeration and leaves it open.
  std::string open_enumeration() {
    const ConfigReply reply = config_.send(std::string(wsman::action::kEnumerate), "listener", "<n:Enumerate/>");
    EXPECT_EQ(reply.status, 200) << reply.fault;
    std::smatch found;
    EXPECT_TRUE(std::regex_search(reply.body, found, std::regex("EnumerationContext>([^<]+)<")));
    return found[1];
  }
  ConfigReply pull(const std::string& context) {
    return config_.send(std::string(wsman::action::kPull), "listener",
                        "<n:Pull><n:EnumerationContext>" + context + "</n:EnumerationContext></n:Pull>");
  }

  Stack stack_;
  ConfigClient config_{stack_};
};

TEST_F(ActingSetting, MaxEnvelopeSizekbBoundsTheNextRequest) {
  const std::string padded = remote_request() + std::string(100'000, ' ');
  EXPECT_EQ(post(padded).status, 500);
  set("", "Config", "MaxEnvelopeSizekb", "64");
  EXPECT_EQ(post(padded).status, 413);
  set("", "Config", "MaxEnvelopeSizekb", "128");
  EXPECT_EQ(post(padded).status, 500);
}

TEST_F(ActingSetting, MaxBatchItemsBoundsTheNextPage) {
  ASSERT_EQ(config_
                .create("listener",
                        "<p:Listener xmlns:p=\"" + config_uri("listener") + "\"><p:Enabled>false</p:Enabled></p:Listener>",
                        {{"Address", "*"}, {"Transport", "HTTP"}})
                .status,
            200);
  EXPECT_THAT(config_.enumerate("listener").body, HasSubstr("EndOfSequence"));
  set("", "Config", "MaxBatchItems", "1");
  const std::string page = config_.enumerate("listener").body;
  EXPECT_THAT(page, AllOf(HasSubstr("cfg:Listener"), Not(HasSubstr("EndOfSequence"))));
}

/// Holds up whoever would change the configuration.
class LockedStore {
 public:
  explicit LockedStore(const Stack& stack) {
    auto opened = storage::Database::open(stack.collector_state() / "state.db", {});
    EXPECT_TRUE(opened.ok());
    database_ = std::move(*opened);
    EXPECT_TRUE(database_->begin().ok());
  }
  ~LockedStore() { database_->rollback(); }

 private:
  std::unique_ptr<storage::Database> database_;
};

TEST_F(ActingSetting, MaxTimeoutmsBoundsWhatAClientAllows) {
  set("", "Config", "MaxTimeoutms", "500");
  const auto put = [&] {
    return config_.send(
        std::string(wsman::action::kPut), "winrs",
        "<p:Winrs xmlns:p=\"" + config_uri("winrs") + "\"><p:MaxShellsPerUser>7</p:MaxShellsPerUser></p:Winrs>", {},
        "<w:OperationTimeout>PT20S</w:OperationTimeout>");
  };
  std::future<ConfigReply> answer;
  {
    const LockedStore lock(stack_);
    answer = std::async(std::launch::async, put);
    answer.wait_for(std::chrono::milliseconds(1500));
  }
  const ConfigReply reply = answer.get();
  EXPECT_EQ(reply.fault, "2150858793");
  EXPECT_EQ(reply.subcode, "w:TimedOut");
  set("", "Config", "MaxTimeoutms", "20000");
  {
    const LockedStore lock(stack_);
    answer = std::async(std::launch::async, put);
    answer.wait_for(std::chrono::milliseconds(1500));
  }
  EXPECT_EQ(answer.get().status, 200);
}

TEST_F(ActingSetting, MaxConnectionsLetsOneMoreWaitAndThenRefusesIt) {
  ASSERT_EQ(config_
                .create("service/certmapping",
                        "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") +
                            "\"><p:UserName>root</p:UserName></p:CertMapping>",
                        {{"Issuer", stack_.authority()}, {"Subject", kHost}, {"URI", "*"}})
                .status,
            200);
  set("service", "Service", "MaxConnections", "1");
  const auto put = [&] {
    return post(config_envelope(
                    std::string(wsman::action::kPut), "winrs",
                    "<p:Winrs xmlns:p=\"" + config_uri("winrs") + "\"><p:MaxShellsPerUser>7</p:MaxShellsPerUser></p:Winrs>"))
        .status;
  };
  const auto get = [&] { return post(remote_request()).status; };
  const auto later = [](auto ask) { return std::async(std::launch::async, ask); };
  constexpr std::chrono::milliseconds kStep{1000};
  std::future<int> first;
  std::future<int> second;
  std::future<int> third;
  {
    const LockedStore lock(stack_);
    // The first has the one place until the store gives up on it, after 5 s; then it is the second's, and the third, which
    // waits for 5 s as well, has waited in vain.
    first = later(put);
    EXPECT_EQ(first.wait_for(kStep), std::future_status::timeout);
    second = later(put);
    EXPECT_EQ(second.wait_for(kStep), std::future_status::timeout);
    third = later(get);
    EXPECT_EQ(third.get(), 503);
  }
  EXPECT_EQ(first.get(), 500);
  EXPECT_EQ(second.get(), 200);
  EXPECT_EQ(get(), 200);
}

TEST_F(ActingSetting, EnumerationTimeoutmsEndsIdleEnumerations) {
  const std::string kept = open_enumeration();
  EXPECT_EQ(pull(kept).status, 200);
  const std::string forgotten = open_enumeration();
  set("service", "Service", "EnumerationTimeoutms", "500");
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  const ConfigReply reply = pull(forgotten);
  EXPECT_EQ(reply.fault, "2150858779");
  EXPECT_EQ(reply.subcode, "n:InvalidEnumerationContext");
}

TEST_F(ActingSetting, MaxConcurrentOperationsPerUserRefusesOneEnumerationTooMany) {
  set("service", "Service", "MaxConcurrentOperationsPerUser", "1");
  const std::string context = open_enumeration();
  const ConfigReply second = config_.enumerate("listener");
  EXPECT_EQ(second.fault, "2150859174");
  EXPECT_EQ(second.subcode, "w:InternalError");
  // What is open can be read to its end, and then there is room again.
  EXPECT_EQ(pull(context).status, 200);
  EXPECT_EQ(config_.enumerate("listener").status, 200);
}

TEST_F(ActingSetting, MaxPacketRetrievalTimeSecondsEndsASlowRequest) {
  const auto pem = [&](const char* end) { return stack_.pki() / (std::string(kHost) + end); };
  RawClient client(stack_.port(), pem(".pem"), pem(".key"));
  const std::string ask = "POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  client.send(ask);
  EXPECT_THAT(client.receive("\r\n\r\n"), HasSubstr("200 OK"));
  set("service", "Service", "MaxPacketRetrievalTimeSeconds", "1");
  // On the connection that is open already.
  client.send(ask.substr(0, 20));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(client.receive("\r\n\r\n"), HasSubstr("HTTP/1.1 500"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900));
}

TEST_F(ActingSetting, AllowRemoteAccessLeavesOnlyTheControlSocket) {
  set("service", "Service", "AllowRemoteAccess", "false");
  const auto refused = post(remote_request());
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.body, HasSubstr("Code=\"2150859229\""));
  set("service", "Service", "AllowRemoteAccess", "true");
  EXPECT_THAT(post(remote_request()).body, HasSubstr("Code=\"5\""));
}

TEST_F(ActingSetting, CertificateMappingMakesTheOwnerOfACertificateAUser) {
  const std::string config_only = config_uri("") + "*";
  const Selectors key{{"Issuer", stack_.authority()}, {"Subject", kHost}, {"URI", config_only}};
  const auto body = [](const std::string& inside) {
    return "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") + "\">" + inside + "</p:CertMapping>";
  };
  EXPECT_THAT(post(remote_request()).body, HasSubstr("Code=\"5\""));
  ASSERT_EQ(config_.create("service/certmapping", body("<p:UserName>root</p:UserName>"), key).status, 200);
  EXPECT_THAT(post(remote_request()).body, HasSubstr("<cfg:MaxEnvelopeSizekb>500</cfg:MaxEnvelopeSizekb>"));

  // Administrators of the network may make listeners as local ones do, and the one that they came by goes on.
  const std::string create =
      config_envelope(std::string(wsman::action::kCreate), "listener",
                      "<p:Listener xmlns:p=\"" + config_uri("listener") + "\"><p:Enabled>false</p:Enabled></p:Listener>",
                      {{"Address", "*"}, {"Transport", "HTTP"}});
  EXPECT_EQ(post(create).status, 200);
  EXPECT_EQ(config_.get("listener", {{"Address", "*"}, {"Transport", "HTTP"}}).status, 200);

  EXPECT_EQ(config_.put("service/certmapping", body("<p:Enabled>false</p:Enabled>"), key).status, 200);
  EXPECT_THAT(post(remote_request()).body, HasSubstr("Code=\"5\""));
  EXPECT_EQ(config_.put("service/certmapping", body("<p:Enabled>true</p:Enabled><p:UserName>no-such-user</p:UserName>"), key)
                .status,
            200);
  EXPECT_THAT(post(remote_request()).body, HasSubstr("Code=\"5\""));
}

TEST_F(ActingSetting, ListenerCanBeDeletedByARequestThatCameThroughIt) {
  ASSERT_EQ(config_
                .create("service/certmapping",
                        "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") +
                            "\"><p:UserName>root</p:UserName></p:CertMapping>",
                        {{"Issuer", stack_.authority()}, {"Subject", kHost}, {"URI", "*"}})
                .status,
            200);
  const std::string remove = config_envelope(std::string(wsman::action::kDelete), "listener", "",
                                             {{"Address", "IP:127.0.0.1"}, {"Transport", "HTTPS"}});
  EXPECT_EQ(post(remove).status, 200);
  EXPECT_EQ(post(remove).status, 0);
}

TEST_F(ActingSetting, CertificateSaysWhetherCertificatesAuthenticate) {
  EXPECT_EQ(post(remote_request()).status, 500);
  set("service/auth", "Auth", "Certificate", "false");
  EXPECT_EQ(post(remote_request()).status, 401);
  set("service/auth", "Auth", "Certificate", "true");
  EXPECT_EQ(post(remote_request()).status, 500);
}

TEST_F(ActingSetting, CertificateEndsTheTrustInOpenConnectionsToo) {
  const auto pem = [&](const char* end) { return stack_.pki() / (std::string(kHost) + end); };
  RawClient client(stack_.port(), pem(".pem"), pem(".key"));
  const std::string ask = "POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  client.send(ask);
  EXPECT_THAT(client.receive("\r\n\r\n"), HasSubstr("200 OK"));
  set("service/auth", "Auth", "Certificate", "false");
  client.send(ask);
  EXPECT_THAT(client.receive("\r\n\r\n"), HasSubstr("401 Unauthorized"));
}

}  // namespace
}  // namespace integration
