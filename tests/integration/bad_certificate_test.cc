// Clients that may not come in: what they see, and what the collector's log tells its administrator.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/stack.h"
#include "tests/support/run.h"
#include "tests/support/test_pki.h"

namespace integration {
namespace {

using test_support::CertificateRequest;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class BadCertificate : public ::testing::Test {
 protected:
  void SetUp() override {
    // The collector trusts the second authority as well, which can make certificates that no sane one makes.
    std::ofstream(stack_.pki() / "ca.pem", std::ios::app) << std::ifstream(trusted_.certificate()).rdbuf();
    stack_.start_collector();
  }

  /// Makes `identity` known to the stack as `name`.
  void install(const std::string& name, const test_support::Identity& identity) {
    std::filesystem::copy_file(identity.certificate, stack_.pki() / (name + ".pem"));
    std::filesystem::copy_file(identity.private_key, stack_.pki() / (name + ".key"));
  }
  Stack::Reply post_as(const test_support::Identity& identity) {
    install("bad", identity);
    return stack_.post("bad", "/wsman", "x");
  }
  /// The line says who was refused, and why.
  void expect_logged(const std::string& reason) {
    const auto line = stack_.collector().wait_for_line("refused: ", std::chrono::seconds(10));
    ASSERT_TRUE(line) << stack_.collector().error_output();
    EXPECT_THAT(*line, AllOf(HasSubstr("connection from 127.0.0.1"), HasSubstr(reason)));
  }
  /// Others are served as before.
  void expect_serving() {
    stack_.issue("good.lab.example");
    EXPECT_EQ(stack_.post("good.lab.example", "/wsman", "").status, 200);
  }

  test_support::TemporaryDirectory files_;
  test_support::TestAuthority trusted_{files_.path(), "Second CA"};
  Stack stack_;
};

TEST_F(BadCertificate, OneForServersIsRefusedInTheHandshake) {
  CertificateRequest request;
  request.common_name = "host7.lab.example";
  request.dns_names = {"host7.lab.example"};
  request.usage = CertificateRequest::Usage::Server;
  const auto reply = post_as(trusted_.issue(request));
  EXPECT_EQ(reply.status, 0);
  expect_logged("certificate of the peer refused: unsuitable certificate purpose");
  expect_serving();
}

TEST_F(BadCertificate, AnExpiredOneIsRefusedInTheHandshake) {
  CertificateRequest request;
  request.common_name = "host7.lab.example";
  request.not_before = -std::chrono::hours(48);
  request.not_after = -std::chrono::hours(24);
  const auto reply = post_as(trusted_.issue(request));
  EXPECT_EQ(reply.status, 0);
  expect_logged("certificate of the peer refused: certificate has expired");
  expect_serving();
}

TEST_F(BadCertificate, OneThatIsNotValidYetIsRefusedInTheHandshake) {
  CertificateRequest request;
  request.common_name = "host7.lab.example";
  request.not_before = std::chrono::hours(24);
  request.not_after = std::chrono::hours(48);
  const auto reply = post_as(trusted_.issue(request));
  EXPECT_EQ(reply.status, 0);
  expect_logged("certificate of the peer refused: certificate is not yet valid");
  expect_serving();
}

TEST_F(BadCertificate, OneOfAnUnknownIssuerIsRefusedInTheHandshake) {
  const test_support::TestPki stranger;
  const auto reply = post_as(stranger.client("host7.lab.example"));
  EXPECT_EQ(reply.status, 0);
  expect_logged("certificate of the peer refused: ");
  expect_logged("issuer certificate");
  expect_serving();
}

TEST_F(BadCertificate, NoneIsAnsweredWith401) {
  const auto reply = stack_.post("", "/wsman", "x");
  EXPECT_EQ(reply.status, 401);
  expect_serving();
}

TEST_F(BadCertificate, SomethingThatIsNotTlsIsRefused) {
  const auto plain = test_support::run_command({"curl", "--silent", "--show-error", "--max-time", "10",
                                                "http://localhost:" + std::to_string(stack_.port()) + "/wsman"});
  EXPECT_NE(plain.status, 0);
  expect_logged("TLS handshake: ");
  expect_serving();
}

TEST_F(BadCertificate, ATrustedIssuerThatNoSubscriptionAllowsGetsNothing) {
  stack_.create_subscription({});
  CertificateRequest request;
  request.common_name = "host8.lab.example";
  request.dns_names = {"host8.lab.example"};
  install("host8.lab.example", trusted_.issue(request));
  const auto file = stack_.write("a.log", "May  1 10:15:30 host app[1]: line 1\n");
  stack_.start_forwarder("host8.lab.example", file.string());
  stack_.start_forwarder("host7.lab.example", file.string());
  ASSERT_TRUE(test_support::eventually([&] { return stack_.messages().size() == 1; }));
  EXPECT_THAT(stack_.tool("wecutil", {"gr", "all"}).out,
              AllOf(HasSubstr("host7.lab.example"), ::testing::Not(HasSubstr("host8.lab.example"))));
}

TEST_F(BadCertificate, AForwarderSaysWhyTheCollectorRefusesIt) {
  CertificateRequest request;
  request.common_name = "host7.lab.example";
  request.usage = CertificateRequest::Usage::Server;
  install("host7.lab.example", trusted_.issue(request));
  const auto file = stack_.write("a.log", "May  1 10:15:30 host app[1]: line 1\n");
  stack_.start_forwarder("host7.lab.example", file.string());
  const auto line = stack_.forwarder("host7.lab.example").wait_for_line("cannot get subscriptions from");
  ASSERT_TRUE(line) << stack_.forwarder("host7.lab.example").error_output();
  EXPECT_THAT(*line, AllOf(HasSubstr(stack_.url()), AnyOf(HasSubstr("alert"), HasSubstr("certificate"))));
  EXPECT_TRUE(stack_.forwarder("host7.lab.example").running());
}

TEST_F(BadCertificate, AForwarderDoesNotTrustACollectorOfAnotherAuthority) {
  const test_support::TestPki stranger;
  stack_.issue("host7.lab.example");
  const auto file = stack_.write("a.log", "May  1 10:15:30 host app[1]: line 1\n");
  const auto ca = stack_.pki() / "ca.pem";
  std::filesystem::copy_file(stranger.authorities(), ca, std::filesystem::copy_options::overwrite_existing);
  stack_.start_forwarder("host7.lab.example", file.string());
  const auto line = stack_.forwarder("host7.lab.example").wait_for_line("cannot get subscriptions from");
  ASSERT_TRUE(line) << stack_.forwarder("host7.lab.example").error_output();
  EXPECT_THAT(*line, HasSubstr("certificate of the peer refused: "));
}

}  // namespace
}  // namespace integration
