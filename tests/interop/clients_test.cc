// Clients of others against both services: what they make of our answers is what counts.
//
// Source of the expected values: wsman-protocol, sections 3, 5, 8.3, 10 and 13; talk.py for what the Python libraries do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/interop/service.h"

namespace interop {
namespace {

using test_support::CommandResult;
using test_support::run_command;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A service for each test, by the name of its program.
class Clients : public ::testing::TestWithParam<std::string> {
 protected:
  std::vector<std::string> basic() const { return {"--auth", "basic", "--user", "alice", "--password", kPassword}; }
  std::vector<std::string> certificate() const {
    return {"--auth", "certificate", "--certificate", service_.certificate().string(), "--key", service_.key().string()};
  }

  /// Lets a library of `python` do all that talk.py knows. Skips the test where the library is not there.
  void talk(const std::string& python, const std::string& library, std::vector<std::string> words) const {
    words.insert(words.begin(),
                 {python, MUSTER_INTEROP_DIRECTORY "/talk.py", library, "--ca", service_.authority().string(), "--port"});
    words.insert(words.begin() + 6, std::to_string(service_.https_port()));
    const CommandResult done = run_command(words);
    if (done.status == 77) GTEST_SKIP() << done.out;
    EXPECT_EQ(done.status, 0) << done.out << done.err << service_.log();
    const bool refused = std::find(words.begin(), words.end(), "--refused") != words.end();
    EXPECT_THAT(done.out, HasSubstr(refused ? "refused\n" : "Fault\n"));
  }
  void talk_from_pypi(const std::string& library, std::vector<std::string> words) const {
    const CommandResult made =
        run_command({MUSTER_INTEROP_DIRECTORY "/python_from_pypi", MUSTER_INTEROP_PYTHON}, {}, std::chrono::minutes(4));
    if (made.status == 77) GTEST_SKIP() << made.out;
    ASSERT_EQ(made.status, 0) << made.out << made.err;
    talk(made.out.substr(0, made.out.find('\n')), library, std::move(words));
  }

  Service service_{GetParam()};
};

std::vector<std::string> with(std::vector<std::string> words, const std::string& more) {
  words.push_back(more);
  return words;
}

constexpr const char* kDebianPython = "/usr/bin/python3";

TEST_P(Clients, PywinrmOfDebianWithBasic) {
  talk(kDebianPython, "pywinrm", basic());
}
TEST_P(Clients, PywinrmOfDebianWithACertificate) {
  talk(kDebianPython, "pywinrm", certificate());
}
TEST_P(Clients, PywinrmOfPypiWithBasic) {
  talk_from_pypi("pywinrm", basic());
}
TEST_P(Clients, PywinrmOfPypiWithACertificate) {
  talk_from_pypi("pywinrm", certificate());
}
TEST_P(Clients, PypsrpWithBasic) {
  talk_from_pypi("pypsrp", basic());
}
TEST_P(Clients, PypsrpWithACertificate) {
  talk_from_pypi("pypsrp", certificate());
}

TEST_P(Clients, TellTheirUsersThatThePasswordIsWrong) {
  const std::vector<std::string> wrong{"--auth", "basic", "--user", "alice", "--password", "wrong", "--refused"};
  talk(kDebianPython, "pywinrm", wrong);
  talk_from_pypi("pypsrp", wrong);
}

TEST_P(Clients, PywinrmOfDebianWithoutTls) {
  service_.set("winrm/config/service", "@{AllowUnencrypted=\"true\"}");
  auto words = with(basic(), "--http");
  // The last word on the port counts.
  words.insert(words.end(), {"--port", std::to_string(service_.http_port())});
  talk(kDebianPython, "pywinrm", words);
}

TEST_P(Clients, PypsrpWithoutTls) {
  service_.set("winrm/config/service", "@{AllowUnencrypted=\"true\"}");
  auto words = with(basic(), "--http");
  words.insert(words.end(), {"--port", std::to_string(service_.http_port())});
  talk_from_pypi("pypsrp", words);
}

/// curl and envelopes written by hand.
class Curl : public Clients {
 protected:
  struct Reply {
    int status = 0;
    std::string head;
    std::string body;
    std::string error;
  };

  Reply post(bool tls, const std::string& body, std::vector<std::string> more) const {
    test_support::TemporaryDirectory files;
    const unsigned port = tls ? service_.https_port() : service_.http_port();
    std::vector<std::string> line{"curl",
                                  "--silent",
                                  "--show-error",
                                  "--max-time",
                                  "30",
                                  "--cacert",
                                  service_.authority().string(),
                                  "--data-binary",
                                  "@" + files.write("body", body).string(),
                                  "--include",
                                  "-H",
                                  "Content-Type: application/soap+xml;charset=UTF-8",
                                  "-H",
                                  "Expect:",
                                  std::string(tls ? "https" : "http") + "://localhost:" + std::to_string(port) + "/wsman"};
    line.insert(line.end(), more.begin(), more.end());
    const CommandResult result = run_command(line);
    Reply reply;
    reply.error = result.err;
    const auto middle = result.out.find("\r\n\r\n");
    if (middle == std::string::npos) return reply;
    reply.head = result.out.substr(0, middle + 2);
    reply.body = result.out.substr(middle + 4);
    reply.status = std::stoi(reply.head.substr(reply.head.find(' ') + 1));
    return reply;
  }

  static std::string envelope(const std::string& action, const std::string& uri, const std::string& body = {}) {
    return "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
           "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
           "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" "
           "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header><a:To>http://localhost/wsman</a:To>"
           "<w:ResourceURI s:mustUnderstand=\"true\">" +
           uri +
           "</w:ResourceURI><a:ReplyTo><a:Address s:mustUnderstand=\"true\">"
           "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"
           "<a:Action s:mustUnderstand=\"true\">" +
           action +
           "</a:Action>"
           "<a:MessageID>uuid:0F4D2C9A-1111-4A5B-8C3D-000000000001</a:MessageID></s:Header><s:Body>" +
           body + "</s:Body></s:Envelope>";
  }
  static std::string get(const std::string& uri) {
    return envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", uri);
  }
  static std::string get_config() { return get("http://schemas.microsoft.com/wbem/wsman/1/config"); }
  static std::string identify() {
    return "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:wsmid=\"http://schemas.dmtf.org/wbem/"
           "wsman/identity/1/wsmanidentity.xsd\"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>";
  }
  static std::vector<std::string> as_alice() { return {"--user", std::string("alice:") + kPassword}; }
  std::vector<std::string> as_host() const {
    return {"--cert", service_.certificate().string(), "--key", service_.key().string()};
  }
};

TEST_P(Curl, IsToldTheSchemesOfTheTransport) {
  const Reply tls = post(true, get_config(), {});
  EXPECT_EQ(tls.status, 401) << tls.error;
  EXPECT_EQ(tls.body, "");
  EXPECT_THAT(tls.head, HasSubstr("WWW-Authenticate: Basic realm=\"WSMAN\"\r\n"));
  EXPECT_THAT(tls.head,
              HasSubstr("WWW-Authenticate: http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual\r\n"));
  const Reply plain = post(false, get_config(), {});
  EXPECT_EQ(plain.status, 401) << plain.error;
  EXPECT_THAT(plain.head, Not(HasSubstr("WWW-Authenticate")));
}

TEST_P(Curl, UsesPasswordAndCertificateOnOneListener) {
  for (const auto& who : {as_alice(), as_host()}) {
    const Reply reply = post(true, get_config(), who);
    EXPECT_EQ(reply.status, 200) << reply.error << reply.body;
    EXPECT_THAT(reply.body, HasSubstr("<cfg:MaxEnvelopeSizekb>500</cfg:MaxEnvelopeSizekb>"));
  }
  auto both = as_host();
  for (const auto& word : as_alice()) both.push_back(word);
  EXPECT_EQ(post(true, get_config(), both).status, 200);
}

TEST_P(Curl, MayNameTheHostBeforeTheUserOrSendLatin1) {
  EXPECT_EQ(post(true, get_config(), {"--user", std::string(".\\alice:") + kPassword}).status, 200);
  EXPECT_EQ(post(true, get_config(), {"--user", std::string("ELSEWHERE\\alice:") + kPassword}).status, 401);
  EXPECT_EQ(post(true, get_config(), {"--user", "ALICE:p\xE4ssword: 1"}).status, 200);
}

TEST_P(Curl, IsDeniedWhereTheUserIsNoAdministrator) {
  const Reply reply = post(true, get_config(), {"--user", "bob:word"});
  EXPECT_EQ(reply.status, 500) << reply.error;
  EXPECT_THAT(reply.body, AllOf(HasSubstr("w:AccessDenied"), HasSubstr("Code=\"5\"")));
}

TEST_P(Curl, SeesTheNumberOfAFault) {
  const Reply reply = post(true, get("urn:nothing"), as_alice());
  EXPECT_EQ(reply.status, 500) << reply.error;
  EXPECT_THAT(reply.body, AllOf(HasSubstr("a:DestinationUnreachable"), HasSubstr("Code=\"2150858811\"")));
}

TEST_P(Curl, IsToldTheProfilesOfTheTransport) {
  const std::string profile = "secprofile/";
  const Reply tls = post(true, identify(), as_alice());
  EXPECT_THAT(tls.body, AllOf(HasSubstr(profile + "https/basic<"), HasSubstr(profile + "https/mutual<"),
                              Not(HasSubstr(profile + "http/"))));
  service_.set("winrm/config/service", "@{AllowUnencrypted=\"true\"}");
  EXPECT_THAT(post(false, identify(), as_alice()).body,
              AllOf(HasSubstr(profile + "http/basic<"), Not(HasSubstr(profile + "https/"))));
  const Reply stranger = post(false, identify(), {"-H", "WSMANIDENTIFY: unauthenticated"});
  EXPECT_EQ(stranger.status, 200);
  EXPECT_THAT(stranger.body, AllOf(HasSubstr("OS: 0.0.0 SP: 0.0 Stack: 3.0"), Not(HasSubstr(profile))));
}

TEST_P(Curl, MayUseClearTextWhereThatIsAllowedFromTheNextRequestOn) {
  EXPECT_EQ(post(false, get_config(), as_alice()).status, 401);
  service_.set("winrm/config/service", "@{AllowUnencrypted=\"true\"}");
  const Reply reply = post(false, get_config(), as_alice());
  EXPECT_EQ(reply.status, 200) << reply.error << reply.body;
  EXPECT_THAT(post(false, get_config(), {}).head, HasSubstr("WWW-Authenticate: Basic realm=\"WSMAN\"\r\n"));
  service_.set("winrm/config/service", "@{AllowUnencrypted=\"false\"}");
  EXPECT_EQ(post(false, get_config(), as_alice()).status, 401);
}

TEST_P(Curl, IsRefusedOnceBasicOrTheUserIsGone) {
  EXPECT_EQ(post(true, get_config(), as_alice()).status, 200);
  service_.set("winrm/config/service/auth", "@{Basic=\"false\"}");
  const Reply off = post(true, get_config(), as_alice());
  EXPECT_EQ(off.status, 401);
  EXPECT_THAT(off.head, Not(HasSubstr("Basic")));
  service_.set("winrm/config/service/auth", "@{Basic=\"true\"}");
  EXPECT_EQ(post(true, get_config(), as_alice()).status, 200);
  ASSERT_EQ(service_.tool({"user", "password", "alice"}, "another\n").status, 0);
  EXPECT_EQ(post(true, get_config(), as_alice()).status, 401);
  EXPECT_EQ(post(true, get_config(), {"--user", "alice:another"}).status, 200);
  ASSERT_EQ(service_.tool({"user", "remove", "alice"}).status, 0);
  EXPECT_EQ(post(true, get_config(), {"--user", "alice:another"}).status, 401);
}

TEST_P(Curl, LeavesNoPasswordInTheLog) {
  post(true, get_config(), as_alice());
  post(true, get_config(), {"--user", "alice:hunter2"});
  post(true, get_config(), {"-H", "Authorization: Basic aHVudGVyMg=="});
  EXPECT_THAT(service_.log(), AllOf(HasSubstr("wrong password: alice"), Not(HasSubstr("hunter2")),
                                    Not(HasSubstr("aHVudGVyMg")), Not(HasSubstr("ssword: 1"))));
}

const auto kServices = ::testing::Values("muster-collector", "muster-forwarder");
const auto kNameOf = [](const auto& info) { return info.param.substr(info.param.find('-') + 1); };
INSTANTIATE_TEST_SUITE_P(Both, Clients, kServices, kNameOf);
INSTANTIATE_TEST_SUITE_P(Both, Curl, kServices, kNameOf);

}  // namespace
}  // namespace interop
