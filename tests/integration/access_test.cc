// Who may do what: a real collector, asked over TLS by a user whom a certificate stands for, and over the control socket.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>

#include "engine/wsman/names.h"
#include "tests/integration/config_client.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHost = "host7.lab.example";
constexpr const char* kDenied = "Code=\"5\"";
/// A user of every Linux machine who is nobody's administrator.
constexpr const char* kUser = "daemon";

class Access : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_collector(std::string("[access.sids]\nER = [\"") + kUser + "\"]\n");
    stack_.issue(kHost);
    ASSERT_EQ(config_
                  .create("service/certmapping",
                          "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") + "\"><p:UserName>" + kUser +
                              "</p:UserName></p:CertMapping>",
                          {{"Issuer", stack_.authority()}, {"Subject", kHost}, {"URI", "*"}})
                  .status,
              200);
  }

  /// As the user, over the network.
  std::string send(const std::string& envelope) {
    return stack_.post(kHost, "/wsman", envelope, {"Content-Type: application/soap+xml;charset=UTF-8"}).body;
  }
  std::string get_config() { return send(config_envelope(std::string(wsman::action::kGet), "", "")); }
  std::string put_config() {
    return send(
        config_envelope(std::string(wsman::action::kPut), "",
                        "<p:Config xmlns:p=\"" + config_uri("") + "\"><p:MaxBatchItems>100</p:MaxBatchItems></p:Config>"));
  }
  std::string enumerate(std::string_view uri, const std::string& log) {
    std::string envelope =
        config_envelope(std::string(wsman::action::kEnumerate), "", "<n:Enumerate><w:OptimizeEnumeration/></n:Enumerate>",
                        {}, "<w:OptionSet><w:Option Name=\"Path\">" + log + "</w:Option></w:OptionSet>");
    const std::string other = config_uri("");
    return send(envelope.replace(envelope.find(other), other.size(), uri));
  }
  std::string read_log(const std::string& log) { return enumerate(wsman::resource::kEventLog, log); }

  static std::string user_sid() { return "S-1-22-1-" + std::to_string(::getpwnam(kUser)->pw_uid); }

  ConfigReply set_root(const std::string& sddl) {
    return config_.set("service", "Service", "<cfg:RootSDDL>" + sddl + "</cfg:RootSDDL>");
  }

  /// What `query` finds in Muster/Operational, as soon as it finds something.
  std::string recorded(const std::string& query) {
    std::string found;
    EXPECT_TRUE(test_support::eventually([&] {
      found = stack_.tool("wevtutil", {"qe", "Muster/Operational", "/q:" + query, "/f:XML"}).out;
      return !found.empty();
    }));
    return found;
  }

  Stack stack_;
  ConfigClient config_{stack_};
};

TEST_F(Access, EventLogReadersReadAndChangeNothing) {
  EXPECT_THAT(get_config(), HasSubstr("<cfg:MaxEnvelopeSizekb>500<"));
  EXPECT_THAT(read_log("ForwardedEvents"), AllOf(HasSubstr("EnumerateResponse"), Not(HasSubstr(kDenied))));
  EXPECT_THAT(put_config(), HasSubstr(kDenied));
}

TEST_F(Access, RootSddlHoldsFromTheNextRequestOn) {
  const auto set = [&](const std::string& sddl) {
    return stack_.tool("winrm", {"set", "winrm/config/service", "@{RootSDDL=\"" + sddl + "\"}"});
  };
  EXPECT_EQ(set("O:NSG:BAD:P(A;;GA;;;BA)(A;;GW;;;ER)").status, 0);
  EXPECT_THAT(get_config(), HasSubstr(kDenied));
  EXPECT_THAT(put_config(), HasSubstr("<cfg:MaxBatchItems>100<"));
  EXPECT_EQ(set("O:NSG:BAD:P(D;;GW;;;" + user_sid() + ")(A;;GA;;;BA)(A;;GRGW;;;ER)").status, 0);
  EXPECT_THAT(get_config(), HasSubstr("<cfg:MaxBatchItems>100<"));
  EXPECT_THAT(put_config(), HasSubstr(kDenied));
  // What cannot be read changes nothing.
  EXPECT_THAT(set("D:(A;;GA;;;ZZ)").err, HasSubstr("character"));
  EXPECT_THAT(set("O:NSG:BA").status, ::testing::Ne(0));
  EXPECT_THAT(get_config(), HasSubstr("<cfg:MaxBatchItems>100<"));
}

TEST_F(Access, ChannelAccessHoldsBesideRootSddl) {
  const auto protect = [&](const std::string& sddl) {
    return stack_.tool("wevtutil", {"sl", "ForwardedEvents", "/ca:" + sddl}).err;
  };
  EXPECT_EQ(protect("O:BAG:SYD:(A;;0x7;;;BA)"), "");
  EXPECT_THAT(read_log("ForwardedEvents"), HasSubstr(kDenied));
  EXPECT_THAT(read_log("Muster/Operational"), Not(HasSubstr(kDenied)));
  EXPECT_EQ(protect("O:BAG:SYD:(A;;0x7;;;BA)(A;;0x1;;;ER)"), "");
  EXPECT_THAT(read_log("ForwardedEvents"), Not(HasSubstr(kDenied)));
}

TEST_F(Access, AuditsShowInTheServicesOwnLog) {
  EXPECT_THAT(put_config(), HasSubstr(kDenied));
  const std::string denied = recorded("*[System[EventID=4656] and EventData[Data[@Name='AccessGranted']='false']]");
  EXPECT_THAT(denied,
              AllOf(HasSubstr(std::string("<Data Name='SubjectUserName'>") + kUser + "</Data>"),
                    HasSubstr("<Data Name='ObjectName'>" + config_uri("") + "</Data>"),
                    HasSubstr("<Data Name='AccessList'>Write</Data>"), HasSubstr("<Data Name='IpAddress'>127.0.0.1<")));
  // The mapping was made over the control socket: a write that succeeded.
  EXPECT_THAT(recorded("*[System[EventID=4656] and EventData[Data[@Name='AccessGranted']='true']]"),
              HasSubstr("<Data Name='ObjectName'>" + config_uri("service/certmapping") + "</Data>"));
}

TEST_F(Access, AUserOfThisHostComesByTheControlSocketAsHimself) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can become another user";
  using std::filesystem::perms;
  const perms passable = perms::owner_all | perms::group_exec | perms::others_exec;
  std::filesystem::permissions(stack_.directory(), passable);
  std::filesystem::permissions(stack_.collector_state(), passable);
  const auto ask = [&](std::string_view action, const std::string& body) {
    return test_support::run_command({"setpriv", "--reuid", kUser, "--regid", kUser, "--clear-groups", "curl", "--silent",
                                      "--unix-socket", (stack_.collector_state() / "control.sock").string(), "-H",
                                      "Content-Type: application/soap+xml;charset=UTF-8", "--data-binary",
                                      config_envelope(std::string(action), "", body), "http://localhost/wsman"})
        .out;
  };
  EXPECT_THAT(ask(wsman::action::kGet, ""), HasSubstr("<cfg:MaxEnvelopeSizekb>500<"));
  EXPECT_THAT(ask(wsman::action::kPut,
                  "<p:Config xmlns:p=\"" + config_uri("") + "\"><p:MaxBatchItems>100</p:MaxBatchItems></p:Config>"),
              HasSubstr(kDenied));
}

TEST_F(Access, AMachineThatIsNoUserGetsNothing) {
  const std::string other = "host8.lab.example";
  stack_.issue(other);
  const auto reply = stack_.post(other, "/wsman", config_envelope(std::string(wsman::action::kGet), "", ""),
                                 {"Content-Type: application/soap+xml;charset=UTF-8"});
  EXPECT_THAT(reply.body, HasSubstr(kDenied));
}

TEST_F(Access, ABasicUserHasWhatItsGroupsHave) {
  ASSERT_EQ(config_.set("service/auth", "Auth", "<cfg:Basic>true</cfg:Basic>").status, 200);
  const std::string state = "MUSTER_STATE=" + stack_.collector_state().string();
  const std::string muster = (bin_directory() / "muster").string();
  const auto add = [&](const std::string& user, const std::string& group) {
    return test_support::run_command({"env", state, muster, "user", "add", user, "--group", group}, "word\n").status;
  };
  ASSERT_EQ(add("carol", "Event Log Readers"), 0);
  ASSERT_EQ(add("dave", "Users"), 0);
  const auto as = [&](const std::string& user, std::vector<std::string> words) {
    for (const std::string& word :
         {"/r:https://localhost:" + std::to_string(stack_.port()), std::string("/a:Basic"), "/u:" + user,
          std::string("/p:word"), "--cacert=" + (stack_.pki() / "ca.pem").string()}) {
      words.push_back(word);
    }
    return stack_.tool("wevtutil", std::move(words));
  };
  const auto read = as("carol", {"qe", "Muster/Operational"});
  EXPECT_EQ(read.status, 0) << read.err;
  EXPECT_EQ(as("carol", {"sl", "ForwardedEvents", "/ms:2097152"}).status, 5);
  EXPECT_EQ(as("carol", {"cl", "ForwardedEvents"}).status, 5);
  EXPECT_EQ(as("dave", {"qe", "Muster/Operational"}).status, 5);
  EXPECT_THAT(recorded("*[EventData[Data[@Name='SubjectUserName']='dave']]"),
              AllOf(HasSubstr("<Data Name='AuthenticationPackageName'>Basic</Data>"),
                    HasSubstr("<Data Name='ObjectName'>http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Data>")));
}

TEST_F(Access, WhatIsGivenByConfigurationChangesWithSighup) {
  EXPECT_THAT(get_config(), HasSubstr("<cfg:MaxEnvelopeSizekb>500<"));
  std::string text;
  const auto file = stack_.directory() / "collector.toml";
  {
    std::ifstream in(file);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  stack_.write("collector.toml", text.substr(0, text.find("[access.sids]")));
  stack_.collector().send_signal(SIGHUP);
  ASSERT_TRUE(stack_.collector().wait_for_line("configuration read again"));
  EXPECT_THAT(get_config(), HasSubstr(kDenied));
}

TEST_F(Access, ASecurityDescriptorOfAResourceComesFirst) {
  const std::string uri(wsman::resource::kPublisher);
  const auto put = [&](const std::string& sddl) {
    return config_
        .put("service/security",
             "<c:Security xmlns:c=\"http://schemas.microsoft.com/wbem/wsman/1/config/PluginConfiguration\" Uri=\"" + uri +
                 "\" ExactMatch=\"true\" Sddl=\"" + sddl + "\"/>",
             {{"Uri", uri}})
        .fault;
  };
  EXPECT_THAT(enumerate(uri, ""), Not(HasSubstr(kDenied)));
  ASSERT_EQ(put("D:P(A;;GA;;;BA)"), "");
  EXPECT_THAT(enumerate(uri, ""), HasSubstr(kDenied));
  EXPECT_THAT(get_config(), Not(HasSubstr(kDenied)));
  ASSERT_EQ(put("D:P(A;;GR;;;" + user_sid() + ")"), "");
  EXPECT_THAT(enumerate(uri, ""), Not(HasSubstr(kDenied)));
}

TEST_F(Access, RootOnTheControlSocketSetsABadDescriptorRight) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root is never locked out";
  ASSERT_EQ(set_root("D:P(D;;GA;;;WD)").status, 200);
  EXPECT_THAT(get_config(), HasSubstr(kDenied));
  EXPECT_EQ(config_.get("").status, 200);
  ASSERT_EQ(set_root("D:P(A;;GR;;;ER)").status, 200);
  EXPECT_THAT(get_config(), HasSubstr("<cfg:MaxEnvelopeSizekb>500<"));
}

}  // namespace
}  // namespace integration
