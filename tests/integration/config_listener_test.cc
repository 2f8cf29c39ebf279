// Listeners of a real collector: made, changed and removed while it runs.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <regex>

#include "engine/wsman/names.h"
#include "tests/integration/config_client.h"
#include "tests/integration/raw_client.h"

namespace integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHost = "host7.lab.example";

/// A port that was free a moment ago.
unsigned free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(descriptor);
  return ntohs(address.sin_port);
}

std::string listener_body(const std::string& inside = {}) {
  return "<p:Listener xmlns:p=\"" + config_uri("listener") + "\">" + inside + "</p:Listener>";
}

std::string port_element(unsigned port) {
  return "<p:Port>" + std::to_string(port) + "</p:Port>";
}

class Listeners : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_collector();
    stack_.issue(kHost);
  }

  /// The status that a request to the URL is answered with, or curl's "000".
  std::string status_of(const std::string& url, std::vector<std::string> options = {}) {
    std::vector<std::string> line{"curl",      "--silent",    "--max-time",   "10",     "--output",
                                  "/dev/null", "--write-out", "%{http_code}", "--data", ""};
    for (auto& option : options) line.push_back(std::move(option));
    line.push_back(url);
    return test_support::run_command(line).out;
  }
  std::string http_status(unsigned port, const std::string& path = "/wsman") {
    return status_of("http://127.0.0.1:" + std::to_string(port) + path);
  }
  void restart() {
    stack_.collector().terminate();
    stack_.start_collector();
  }
  /// Puts the certificate of `host` into the service's store; its thumbprint.
  std::string store_certificate(const std::string& host) {
    stack_.issue(host);
    const auto folder = stack_.collector_state() / "certificates";
    std::filesystem::create_directories(folder);
    for (const std::string end : {".pem", ".key"}) std::filesystem::copy(stack_.pki() / (host + end), folder / (host + end));
    return thumbprint_of(folder / (host + ".pem"));
  }
  static std::string thumbprint_of(const std::filesystem::path& certificate) {
    const auto shown =
        test_support::run_command({"openssl", "x509", "-in", certificate.string(), "-noout", "-fingerprint", "-sha1"});
    std::string thumbprint;
    for (const char c : shown.out.substr(shown.out.find('=') + 1)) {
      if (c != ':' && c != '\n') thumbprint += c;
    }
    return thumbprint;
  }

  const Selectors http_{{"Address", "IP:127.0.0.1"}, {"Transport", "HTTP"}};
  const Selectors https_{{"Address", "IP:127.0.0.1"}, {"Transport", "HTTPS"}};
  const Selectors star_{{"Address", "*"}, {"Transport", "HTTP"}};
  Stack stack_;
  ConfigClient config_{stack_};
};

TEST_F(Listeners, OfTheFileIsShownWithItsPortItsCertificateAndItsAddress) {
  const ConfigReply reply = config_.enumerate("listener");
  EXPECT_EQ(reply.status, 200) << reply.fault;
  EXPECT_THAT(reply.body, ::testing::ContainsRegex(
                              "<cfg:Listener xmlns:cfg=\"[^\"]*/config/listener\" xmlns:xsi=\"[^\"]*\">"
                              "<cfg:Address>IP:127.0.0.1</cfg:Address><cfg:Transport>HTTPS</cfg:Transport><cfg:Port>" +
                              std::to_string(stack_.port()) +
                              "</cfg:Port><cfg:Hostname></cfg:Hostname><cfg:Enabled>true</cfg:Enabled>"
                              "<cfg:URLPrefix>wsman</cfg:URLPrefix><cfg:CertificateThumbprint>[0-9A-F]{40}"
                              "</cfg:CertificateThumbprint><cfg:ListeningOn>127.0.0.1</cfg:ListeningOn></cfg:Listener>"));
}

TEST_F(Listeners, AreEnumeratedAsReferencesToo) {
  EXPECT_THAT(config_.enumerate("listener", "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>").body,
              AllOf(HasSubstr("<w:Selector Name=\"Address\">IP:127.0.0.1</w:Selector>"),
                    HasSubstr("<w:Selector Name=\"Transport\">HTTPS</w:Selector>"), Not(HasSubstr("cfg:Listener"))));
}

TEST_F(Listeners, CreatedOneAcceptsAndDeletedOneDoesNot) {
  const unsigned port = free_port();
  const ConfigReply made = config_.create("listener", listener_body(port_element(port)), http_);
  EXPECT_EQ(made.status, 200) << made.fault;
  EXPECT_THAT(made.body, HasSubstr("<x:ResourceCreated>"));
  // Nobody can authenticate without TLS yet: the answer says that somebody is there.
  EXPECT_EQ(http_status(port), "401");
  EXPECT_THAT(config_.get("listener", http_).body, HasSubstr("<cfg:ListeningOn>127.0.0.1</cfg:ListeningOn>"));

  EXPECT_EQ(config_.create("listener", listener_body(), http_).fault, "2150858803");
  EXPECT_EQ(config_.remove("listener", http_).status, 200);
  EXPECT_EQ(http_status(port), "000");
  EXPECT_EQ(config_.get("listener", http_).fault, "2150858752");
}

TEST_F(Listeners, ConnectionsOfOthersGoOnMeanwhile) {
  RawClient client(stack_.port(), stack_.pki() / (std::string(kHost) + ".pem"),
                   stack_.pki() / (std::string(kHost) + ".key"));
  const std::string ask = "POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  client.send(ask);
  EXPECT_THAT(client.receive("\r\n\r\n"), HasSubstr("200 OK"));
  const unsigned port = free_port();
  EXPECT_EQ(config_.create("listener", listener_body(port_element(port)), http_).status, 200);
  client.send(ask);
  EXPECT_THAT(client.receive("\r\n\r\n"), HasSubstr("200 OK"));
  EXPECT_EQ(config_.put("listener", listener_body("<p:URLPrefix>other</p:URLPrefix>"), http_).status, 200);
  EXPECT_EQ(config_.remove("listener", http_).status, 200);
  client.send(ask);
  EXPECT_THAT(client.receive("\r\n\r\n"), HasSubstr("200 OK"));
}

TEST_F(Listeners, PortCanBeChangedThereAndBack) {
  const unsigned first = free_port();
  const unsigned second = free_port();
  EXPECT_EQ(config_.create("listener", listener_body(port_element(first)), http_).status, 200);
  EXPECT_EQ(config_.put("listener", listener_body(port_element(second)), http_).status, 200);
  EXPECT_EQ(http_status(first), "000");
  EXPECT_EQ(http_status(second), "401");
  EXPECT_EQ(config_.put("listener", listener_body(port_element(first)), http_).status, 200);
  EXPECT_EQ(http_status(first), "401");
}

TEST_F(Listeners, OneThatIsNotEnabledDoesNotListen) {
  const unsigned port = free_port();
  EXPECT_EQ(config_.create("listener", listener_body(port_element(port)), http_).status, 200);
  const ConfigReply reply = config_.put("listener", listener_body("<p:Enabled>false</p:Enabled>"), http_);
  EXPECT_THAT(reply.body, HasSubstr("<cfg:ListeningOn xsi:nil=\"true\"/>"));
  EXPECT_EQ(http_status(port), "000");
  EXPECT_EQ(config_.put("listener", listener_body("<p:Enabled>true</p:Enabled>"), http_).status, 200);
  EXPECT_EQ(http_status(port), "401");
}

TEST_F(Listeners, PrefixDecidesWhichPathIsServed) {
  const unsigned port = free_port();
  EXPECT_EQ(config_.create("listener", listener_body(port_element(port) + "<p:URLPrefix>a/b</p:URLPrefix>"), http_).status,
            200);
  EXPECT_EQ(http_status(port), "404");
  EXPECT_EQ(http_status(port, "/A/b/c?d"), "401");
  EXPECT_EQ(http_status(port, "/a"), "404");
  EXPECT_EQ(http_status(port, "/a/bc"), "404");
}

TEST_F(Listeners, TwoOfOnePortShareItByTheirPrefixes) {
  const unsigned port = free_port();
  EXPECT_EQ(config_.create("listener", listener_body(port_element(port)), http_).status, 200);
  EXPECT_EQ(config_.create("listener", listener_body(port_element(port) + "<p:URLPrefix>other</p:URLPrefix>"), star_).status,
            200);
  EXPECT_EQ(http_status(port), "401");
  EXPECT_EQ(http_status(port, "/other"), "401");
  EXPECT_EQ(config_.remove("listener", star_).status, 200);
  EXPECT_EQ(http_status(port), "401");
  EXPECT_EQ(http_status(port, "/other"), "404");
}

TEST_F(Listeners, PortThatAnotherTransportHasIsNotListenedOn) {
  const ConfigReply made = config_.create("listener", listener_body(port_element(stack_.port())), http_);
  EXPECT_EQ(made.status, 200) << made.fault;
  EXPECT_THAT(config_.get("listener", http_).body, HasSubstr("<cfg:ListeningOn xsi:nil=\"true\"/>"));
  EXPECT_TRUE(stack_.collector().running());
}

TEST_F(Listeners, FiltersSayWhichAddressesAStarStandsFor) {
  const unsigned port = free_port();
  EXPECT_EQ(config_.create("listener", listener_body(port_element(port)), star_).status, 200);
  const auto filter = [&](const std::string& v4, const std::string& v6) {
    return config_
        .set("service", "Service", "<cfg:IPv4Filter>" + v4 + "</cfg:IPv4Filter><cfg:IPv6Filter>" + v6 + "</cfg:IPv6Filter>")
        .status;
  };
  EXPECT_EQ(filter("127.0.0.1-127.0.0.1", ""), 200);
  EXPECT_THAT(config_.get("listener", star_).body,
              HasSubstr("</cfg:CertificateThumbprint><cfg:ListeningOn>127.0.0.1</cfg:ListeningOn></cfg:Listener>"));
  EXPECT_EQ(http_status(port), "401");
  EXPECT_EQ(status_of("http://127.0.0.2:" + std::to_string(port) + "/wsman"), "000");

  EXPECT_EQ(filter("203.0.113.1-203.0.113.9", ""), 200);
  EXPECT_THAT(config_.get("listener", star_).body, HasSubstr("<cfg:ListeningOn xsi:nil=\"true\"/>"));
  EXPECT_EQ(http_status(port), "000");

  EXPECT_EQ(filter("*", "*"), 200);
  EXPECT_EQ(http_status(port), "401");
  EXPECT_EQ(status_of("http://127.0.0.2:" + std::to_string(port) + "/wsman"), "401");
}

TEST_F(Listeners, CertificateOfTheStoreIsFoundByItsThumbprint) {
  const std::string thumbprint = store_certificate("other.lab.example");
  const unsigned port = free_port();
  const Selectors key{{"Address", "*"}, {"Transport", "https"}};
  const ConfigReply made =
      config_.create("listener",
                     listener_body(port_element(port) + "<p:Hostname>other.lab.example</p:Hostname>" +
                                   "<p:CertificateThumbprint>" + thumbprint + "</p:CertificateThumbprint>"),
                     key);
  EXPECT_EQ(made.status, 200) << made.fault;
  const std::string url = "https://other.lab.example:" + std::to_string(port) + "/wsman";
  const std::vector<std::string> trust{"--cacert", (stack_.pki() / "ca.pem").string(), "--resolve",
                                       "other.lab.example:" + std::to_string(port) + ":127.0.0.1"};
  EXPECT_EQ(status_of(url, trust), "401");
  // Clients' certificates are verified as on the listener of the file.
  std::vector<std::string> known = trust;
  known.insert(known.end(), {"--cert", (stack_.pki() / (std::string(kHost) + ".pem")).string(), "--key",
                             (stack_.pki() / (std::string(kHost) + ".key")).string()});
  EXPECT_EQ(status_of(url, known), "200");
}

TEST_F(Listeners, ThatLosesItsCertificateFileGoesOnWithWhatItHas) {
  const std::string thumbprint = store_certificate("other.lab.example");
  const unsigned port = free_port();
  const Selectors key{{"Address", "*"}, {"Transport", "HTTPS"}};
  const std::string named = port_element(port) + "<p:Hostname>other.lab.example</p:Hostname>";
  EXPECT_EQ(config_.create("listener", listener_body(named), key).status, 200);
  std::filesystem::remove(stack_.collector_state() / "certificates/other.lab.example.pem");
  EXPECT_EQ(config_.set("", "Config", "<cfg:MaxTimeoutms>50000</cfg:MaxTimeoutms>").status, 200);
  EXPECT_EQ(status_of("https://127.0.0.1:" + std::to_string(port) + "/wsman", {"--insecure"}), "401");
}

TEST_F(Listeners, WithoutThumbprintACertificateOfTheNameIsChosen) {
  const std::string thumbprint = store_certificate("other.lab.example");
  const Selectors key{{"Address", "*"}, {"Transport", "HTTPS"}};
  const std::string named = port_element(free_port()) + "<p:Hostname>other.lab.example</p:Hostname>";
  EXPECT_EQ(config_.create("listener", listener_body(named), key).status, 200);
  EXPECT_THAT(config_.get("listener", key).body,
              HasSubstr("<cfg:CertificateThumbprint>" + thumbprint + "</cfg:CertificateThumbprint>"));
}

TEST_F(Listeners, WhatCannotBeIsTheFaultOfWindows) {
  const Selectors star_https{{"Address", "*"}, {"Transport", "HTTPS"}};
  const std::string thumbprint = store_certificate("other.lab.example");
  const auto with = [](const std::string& digits) {
    return "<p:CertificateThumbprint>" + digits + "</p:CertificateThumbprint>";
  };
  const std::string name = "<p:Hostname>other.lab.example</p:Hostname>";
  const std::string unknown(40, 'A');
  const auto fault = [&](const std::string& inside, const Selectors& key) {
    return config_.create("listener", listener_body(inside), key).fault;
  };
  EXPECT_EQ(fault("", {{"Address", "everywhere"}, {"Transport", "HTTP"}}), "2150858889");
  EXPECT_EQ(fault("", {{"Address", "IP:1.2.3"}, {"Transport", "HTTP"}}), "2150858889");
  EXPECT_EQ(fault("", {{"Address", "IP:203.0.113.77"}, {"Transport", "HTTP"}}), "2150858889");
  EXPECT_EQ(fault("", {{"Address", "MAC:00-11-22-33-44-5F"}, {"Transport", "HTTP"}}), "2150858875");
  EXPECT_EQ(fault("", {{"Address", "*"}, {"Transport", "SMTP"}}), "2150858817");
  EXPECT_EQ(fault("", {{"Address", "*"}}), "2150858842");
  EXPECT_EQ(fault("", {{"Address", "*"}, {"Transport", "HTTP"}, {"Colour", "red"}}), "2150858843");
  EXPECT_EQ(fault("<p:Port>0</p:Port>", star_), "2150858972");
  EXPECT_EQ(fault("<p:Port>65536</p:Port>", star_), "2150858972");
  EXPECT_EQ(fault("<p:URLPrefix>/wsman</p:URLPrefix>", star_), "2150858817");
  EXPECT_EQ(fault("<p:Colour>red</p:Colour>", star_), "2150858817");
  EXPECT_EQ(fault("<p:Transport>HTTPS</p:Transport>", star_), "2150858989");
  EXPECT_EQ(fault(with(thumbprint), star_), "2150858987");
  EXPECT_EQ(fault(name + with(unknown), star_https), "2150858882");
  EXPECT_EQ(fault(name + with("12"), star_https), "2150858882");
  EXPECT_EQ(fault("<p:Hostname>third.lab.example</p:Hostname>" + with(thumbprint), star_https), "2150858985");
  EXPECT_EQ(fault("<p:Hostname>third.lab.example</p:Hostname>", star_https), "2150858983");
  EXPECT_EQ(config_.put("listener", listener_body(), star_).fault, "2150858752");
  EXPECT_EQ(config_.put("listener", listener_body("<p:Address>*</p:Address>"), https_).fault, "2150858989");
}

TEST_F(Listeners, DocumentSentBackAsItCameChangesNothing) {
  const std::string document = config_.get("listener", https_).body;
  const ConfigReply reply = config_.put("listener", document, https_);
  EXPECT_EQ(reply.status, 200) << reply.fault;
  EXPECT_EQ(reply.body, document);
}

TEST_F(Listeners, WhatWasCreatedIsThereAfterARestart) {
  const unsigned port = free_port();
  EXPECT_EQ(config_.create("listener", listener_body(port_element(port)), http_).status, 200);
  restart();
  EXPECT_EQ(http_status(port), "401");
}

TEST_F(Listeners, OneOfTheFileThatWasDeletedStaysAwayUntilRestore) {
  const unsigned port = stack_.port();
  EXPECT_EQ(config_.remove("listener", https_).status, 200);
  const std::string url = "https://127.0.0.1:" + std::to_string(port) + "/wsman";
  EXPECT_EQ(status_of(url, {"--insecure"}), "000");
  EXPECT_EQ(config_.get("listener", https_).fault, "2150858752");
  EXPECT_EQ(config_.invoke("", "Restore").status, 200);
  EXPECT_THAT(config_.get("listener", https_).body, HasSubstr("<cfg:ListeningOn>127.0.0.1</cfg:ListeningOn>"));
}

TEST_F(Listeners, OneOfPolicyCannotBeChanged) {
  const unsigned port = free_port();
  std::filesystem::create_directories(stack_.directory() / "policy.d");
  stack_.write("policy.d/10.toml", "[[winrm.listener]]\nAddress = \"IP:127.0.0.1\"\nTransport = \"HTTP\"\nPort = " +
                                       std::to_string(port) + "\n");
  // The listener of the file, whose ready line a start waits for, is gone: so it is read at run time.
  stack_.collector().send_signal(SIGHUP);
  ASSERT_TRUE(stack_.collector().wait_for_line("configuration read again"));
  EXPECT_THAT(config_.enumerate("listener").body,
              AllOf(HasSubstr("Source=\"GPO\"><cfg:Address>IP:127.0.0.1</cfg:Address><cfg:Transport>HTTP</cfg:Transport>"),
                    Not(HasSubstr("HTTPS"))));
  EXPECT_EQ(http_status(port), "401");
  EXPECT_EQ(config_.put("listener", listener_body("<p:Enabled>false</p:Enabled>"), http_).fault, "2150858890");
  EXPECT_EQ(config_.remove("listener", http_).fault, "2150858890");
}

TEST_F(Listeners, QuickConfigurationFindsAndMakesWhatIsMissing) {
  const auto ask = [&](const std::string& method, const std::string& transport) {
    const std::string uri = config_uri("service");
    return config_.send(uri + "/" + method, "service",
                        "<p:" + method + "_INPUT xmlns:p=\"" + uri + "\"><p:Transport>" + transport +
                            "</p:Transport></p:" + method + "_INPUT>");
  };
  EXPECT_THAT(config_.invoke("service", "AnalyzeService").body,
              HasSubstr("<cfg:RemotingEnabled>true</cfg:RemotingEnabled>"));
  EXPECT_THAT(ask("Analyze", "https").body, HasSubstr("<cfg:RemotingEnabled>true</cfg:RemotingEnabled>"));
  EXPECT_THAT(ask("Analyze", "http").body,
              AllOf(HasSubstr("<cfg:RemotingEnabled>false</cfg:RemotingEnabled>"), HasSubstr("HTTP://*"),
                    HasSubstr("<cfg:EnableRemoting_INPUT><cfg:Transport>http</cfg:Transport></cfg:EnableRemoting_INPUT>")));
  EXPECT_THAT(ask("EnableRemoting", "http").body, HasSubstr("<cfg:Status>succeeded</cfg:Status>"));
  EXPECT_THAT(config_.get("listener", star_).body, HasSubstr("<cfg:Port>5985</cfg:Port>"));
  EXPECT_THAT(ask("Analyze", "http").body, HasSubstr("<cfg:RemotingEnabled>true</cfg:RemotingEnabled>"));
  EXPECT_EQ(ask("Analyze", "smtp").fault, "2150858817");
  EXPECT_EQ(ask("Paint", "http").fault, "2150858771");
}

TEST_F(Listeners, QuickConfigurationForTlsNeedsACertificate) {
  EXPECT_EQ(config_.remove("listener", https_).status, 200);
  const std::string uri = config_uri("service");
  const ConfigReply reply = config_.send(
      uri + "/EnableRemoting", "service",
      "<p:EnableRemoting_INPUT xmlns:p=\"" + uri + "\"><p:Transport>https</p:Transport></p:EnableRemoting_INPUT>");
  EXPECT_EQ(reply.fault, "2150859029");
  EXPECT_EQ(reply.subcode, "w:InternalError");
  EXPECT_EQ(config_.get("listener", {{"Address", "*"}, {"Transport", "HTTPS"}}).fault, "2150858752");
}

TEST_F(Listeners, CertificateThatIsNotForServersIsRefused) {
  const auto folder = stack_.collector_state() / "certificates";
  std::filesystem::create_directories(folder);
  const auto made = test_support::run_command({"openssl",
                                               "req",
                                               "-x509",
                                               "-newkey",
                                               "ec",
                                               "-pkeyopt",
                                               "ec_paramgen_curve:P-256",
                                               "-nodes",
                                               "-days",
                                               "2",
                                               "-subj",
                                               "/CN=client.lab.example",
                                               "-addext",
                                               "subjectAltName=DNS:client.lab.example",
                                               "-addext",
                                               "extendedKeyUsage=clientAuth",
                                               "-keyout",
                                               (folder / "client.key").string(),
                                               "-out",
                                               (folder / "client.pem").string()});
  ASSERT_EQ(made.status, 0) << made.err;
  const std::string inside = "<p:Hostname>client.lab.example</p:Hostname>";
  const Selectors key{{"Address", "*"}, {"Transport", "HTTPS"}};
  EXPECT_EQ(config_
                .create("listener",
                        listener_body(inside + "<p:CertificateThumbprint>" + thumbprint_of(folder / "client.pem") +
                                      "</p:CertificateThumbprint>"),
                        key)
                .fault,
            "2150858990");
  EXPECT_EQ(config_.create("listener", listener_body(inside), key).fault, "2150858983");
}

TEST_F(Listeners, CompatibilityListenerIsShownAndCanOnlyBeRead) {
  EXPECT_EQ(
      config_.set("service", "Service", "<cfg:EnableCompatibilityHttpListener>true</cfg:EnableCompatibilityHttpListener>")
          .status,
      200);
  EXPECT_THAT(config_.enumerate("listener").body,
              ::testing::ContainsRegex("Source=\"Compatibility\"><cfg:Address>\\*</cfg:Address>"
                                       "<cfg:Transport>HTTP</cfg:Transport><cfg:Port>80</cfg:Port>"));
  EXPECT_EQ(config_.remove("listener", star_).fault, "2150859071");
  EXPECT_EQ(config_.put("listener", listener_body("<p:Enabled>false</p:Enabled>"), star_).fault, "2150859071");
  EXPECT_EQ(
      config_.set("service", "Service", "<cfg:EnableCompatibilityHttpListener>false</cfg:EnableCompatibilityHttpListener>")
          .status,
      200);
  EXPECT_THAT(config_.enumerate("listener").body, Not(HasSubstr("Compatibility")));
}

}  // namespace
}  // namespace integration
