#include "engine/http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "engine/base/log.h"
#include "tests/http/served.h"
#include "tests/support/matchers.h"

namespace {

using http_test::Caller;
using http_test::client_context;
using http_test::Served;
using http_test::server_context;
using test_support::CertificateRequest;
using test_support::Identity;
using test_support::IsError;
using test_support::IsOk;
using test_support::TestAuthority;
using test_support::TestPki;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A server that remembers who came, and callers with certificates of all kinds.
class Tls : public ::testing::Test {
 protected:
  void serve(std::shared_ptr<http::TlsServerContext> context, http::ListenerOptions options = {}) {
    options.tls = std::move(context);
    served = std::make_unique<Served>(std::move(options));
    served->handler().answer = [this](const http::Request&, http::Connection& connection) {
      peer = connection.peer;
      return http::Response{};
    };
    ASSERT_THAT(served->start(), IsOk());
  }

  base::Result<http::Response> call(std::shared_ptr<http::TlsClientContext> context, std::string url = {}) {
    http::ClientOptions options;
    options.tls = std::move(context);
    Caller caller(*served, url.empty() ? served->url() : url, std::move(options));
    return caller.post("hello");
  }

  std::string url_of(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(served->listener().port()) + "/";
  }

  TestPki pki;
  std::unique_ptr<Served> served;
  base::Peer peer;
};

/// What the service logs while it lives.
class LogLines {
 public:
  LogLines() {
    base::set_log_sink([this](base::LogLevel, std::string_view line) {
      std::lock_guard lock(mutex_);
      text_ += line;
      text_ += '\n';
    });
  }
  ~LogLines() { base::set_log_sink(nullptr); }
  bool have(const std::string& part) {
    return test_support::eventually([&] {
      std::lock_guard lock(mutex_);
      return text_.find(part) != std::string::npos;
    });
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

TEST_F(Tls, TellsTheClientsNamesAndTheThumbprintsOfItsChain) {
  serve(server_context(pki));
  CertificateRequest request;
  request.common_name = "host7.lab.example";
  request.dns_names = {"host7.lab.example", "HOST7"};
  request.usage = CertificateRequest::Usage::Client;
  const Identity identity = pki.intermediate().issue(request);
  ASSERT_THAT(call(client_context(pki, identity)), IsOk());
  EXPECT_EQ(peer.transport, base::Peer::Transport::Tls);
  EXPECT_THAT(peer.address, HasSubstr("127.0.0.1:"));
  ASSERT_TRUE(peer.certificate);
  EXPECT_EQ(peer.certificate->subject, "CN=host7.lab.example");
  EXPECT_EQ(peer.certificate->common_name, "host7.lab.example");
  EXPECT_THAT(peer.certificate->dns_names, ElementsAre("host7.lab.example", "HOST7"));
  EXPECT_EQ(peer.certificate->thumbprint, identity.thumbprint);
  EXPECT_THAT(peer.certificate->issuer_thumbprints, ElementsAre(pki.intermediate().thumbprint(), pki.root().thumbprint()));
  const auto valid_for = peer.certificate->not_after - std::chrono::system_clock::now();
  EXPECT_GT(valid_for, std::chrono::hours(23));
  EXPECT_LT(valid_for, std::chrono::hours(25));
}

TEST_F(Tls, AcceptsAClientThatSendsItsChainAsWell) {
  serve(server_context(pki));
  const Identity identity = pki.client("host7.lab.example");
  http::TlsClientOptions options;
  options.certificate = identity.certificate;
  options.private_key = identity.private_key;
  options.ca = pki.root().certificate();
  ASSERT_THAT(call(http::TlsClientContext::load(options).value()), IsOk());
  EXPECT_THAT(peer.certificate->issuer_thumbprints, ElementsAre(pki.intermediate().thumbprint(), pki.root().thumbprint()));
}

TEST_F(Tls, RefusesAnExpiredClientCertificateAndSaysSo) {
  LogLines log;
  serve(server_context(pki));
  const Identity good = pki.client("host7.lab.example");
  CertificateRequest request;
  request.common_name = "old.lab.example";
  request.not_before = -std::chrono::hours(10);
  request.not_after = -std::chrono::hours(1);
  const Identity expired = pki.intermediate().issue(request);
  // Our own client refuses to load it, so a bare one has to bring it.
  http::TlsClientOptions options;
  options.ca = pki.root().certificate();
  auto context = http::TlsClientContext::load(options).value();
  ASSERT_EQ(::SSL_CTX_use_certificate_file(context->native(), expired.leaf.c_str(), SSL_FILETYPE_PEM), 1);
  ASSERT_EQ(::SSL_CTX_use_PrivateKey_file(context->native(), expired.private_key.c_str(), SSL_FILETYPE_PEM), 1);
  EXPECT_THAT(call(context), IsError(std::errc::protocol_error, "certificate expired"));
  EXPECT_TRUE(log.have("certificate has expired (CN=old.lab.example)"));
  EXPECT_THAT(call(client_context(pki, good)), IsOk());
}

TEST_F(Tls, RefusesAClientOfAnotherAuthority) {
  LogLines log;
  serve(server_context(pki));
  const TestAuthority other(pki.directory().path(), "Somebody Else");
  CertificateRequest request;
  request.common_name = "host7.lab.example";
  EXPECT_THAT(call(client_context(pki, other.issue(request))), IsError(std::errc::protocol_error, "unknown ca"));
  EXPECT_TRUE(log.have("unable to get local issuer certificate"));
}

TEST_F(Tls, RefusesAClientWhoseCertificateIsForServers) {
  LogLines log;
  serve(server_context(pki));
  CertificateRequest request;
  request.common_name = "host7.lab.example";
  request.usage = CertificateRequest::Usage::Server;
  EXPECT_THAT(call(client_context(pki, pki.intermediate().issue(request))),
              IsError(std::errc::protocol_error, "unsupported certificate"));
  EXPECT_TRUE(log.have("certificate purpose"));
}

TEST_F(Tls, RefusesAClientWithoutACertificateWhereOneIsRequired) {
  LogLines log;
  serve(server_context(pki));
  EXPECT_THAT(call(client_context(pki)), IsError(std::errc::protocol_error, "certificate required"));
  EXPECT_TRUE(log.have("peer did not return a certificate"));
}

TEST_F(Tls, LetsAClientWithoutACertificateInWhereNoneIsRequired) {
  serve(server_context(pki, false));
  ASSERT_THAT(call(client_context(pki)), IsOk());
  EXPECT_FALSE(peer.certificate);
}

TEST_F(Tls, RefusesABadCertificateEvenWhereNoneIsRequired) {
  serve(server_context(pki, false));
  const TestAuthority other(pki.directory().path(), "Somebody Else");
  CertificateRequest request;
  request.common_name = "host7.lab.example";
  EXPECT_THAT(call(client_context(pki, other.issue(request))), IsError(std::errc::protocol_error, "unknown ca"));
}

TEST_F(Tls, VerifiesTheServersNameOrAddress) {
  serve(server_context(pki, false));
  EXPECT_THAT(call(client_context(pki), url_of("localhost")), IsOk());
  EXPECT_THAT(call(client_context(pki), url_of("127.0.0.1")), IsOk());
}

TEST_F(Tls, RefusesAServerWithAnotherName) {
  CertificateRequest request;
  request.common_name = "elsewhere.lab.example";
  request.dns_names = {"elsewhere.lab.example"};
  request.addresses = {"192.0.2.1"};
  const Identity identity = pki.intermediate().issue(request);
  http::TlsServerOptions options;
  options.certificate = identity.certificate;
  options.private_key = identity.private_key;
  serve(http::TlsServerContext::load(options).value());
  EXPECT_THAT(call(client_context(pki), url_of("localhost")), IsError(std::errc::protocol_error, "hostname mismatch"));
  EXPECT_THAT(call(client_context(pki), url_of("127.0.0.1")), IsError(std::errc::protocol_error, "IP address mismatch"));
}

TEST_F(Tls, RefusesAServerOfAnUnknownAuthority) {
  serve(server_context(pki, false));
  const TestAuthority other(pki.directory().path(), "Somebody Else");
  http::TlsClientOptions options;
  options.ca = other.certificate();
  EXPECT_THAT(call(http::TlsClientContext::load(options).value()),
              IsError(std::errc::protocol_error, "unable to get local issuer certificate"));
}

TEST_F(Tls, TakesAServerOfAnUnknownAuthorityWhereThatIsInsistedOn) {
  CertificateRequest request;
  request.dns_names = {"localhost"};
  const Identity identity = pki.intermediate().issue(request);
  http::TlsServerOptions server;
  server.certificate = identity.leaf;
  server.private_key = identity.private_key;
  serve(http::TlsServerContext::load(server).value());
  const TestAuthority other(pki.directory().path(), "Somebody Else");
  http::TlsClientOptions options;
  options.ca = other.certificate();
  options.skip_authority_check = true;
  const auto context = http::TlsClientContext::load(options).value();
  EXPECT_THAT(call(context, url_of("localhost")), IsOk());
  EXPECT_THAT(call(context, url_of("127.0.0.1")), IsError(std::errc::protocol_error, "IP address mismatch"));
}

TEST_F(Tls, TakesAServerWithAnotherNameWhereThatIsInsistedOn) {
  CertificateRequest request;
  request.dns_names = {"elsewhere.lab.example"};
  const Identity identity = pki.intermediate().issue(request);
  http::TlsServerOptions server;
  server.certificate = identity.certificate;
  server.private_key = identity.private_key;
  serve(http::TlsServerContext::load(server).value());
  http::TlsClientOptions options;
  options.ca = pki.authorities();
  options.skip_name_check = true;
  const auto context = http::TlsClientContext::load(options).value();
  EXPECT_THAT(call(context, url_of("localhost")), IsOk());
  EXPECT_THAT(call(context, url_of("127.0.0.1")), IsOk());
  options.ca = TestAuthority(pki.directory().path(), "Somebody Else").certificate();
  EXPECT_THAT(call(http::TlsClientContext::load(options).value(), url_of("127.0.0.1")),
              IsError(std::errc::protocol_error, "unable to get local issuer certificate"));
}

TEST_F(Tls, SpeaksTls12AsOldWindowsDoes) {
  serve(server_context(pki));
  auto context = client_context(pki, pki.client("host7.lab.example"));
  SSL_CTX_set_max_proto_version(context->native(), TLS1_2_VERSION);
  ASSERT_THAT(call(context), IsOk());
  EXPECT_EQ(peer.certificate->common_name, "host7.lab.example");
}

TEST_F(Tls, RefusesTls11) {
  LogLines log;
  serve(server_context(pki, false));
  auto context = client_context(pki);
  SSL_CTX_set_min_proto_version(context->native(), TLS1_1_VERSION);
  SSL_CTX_set_max_proto_version(context->native(), TLS1_1_VERSION);
  // TLS 1.1's own hash is below the default security level, which would keep the client from even asking.
  ::SSL_CTX_set_security_level(context->native(), 0);
  EXPECT_THAT(call(context), IsError(std::errc::protocol_error, "protocol version"));
  EXPECT_TRUE(log.have("unsupported protocol"));
}

TEST_F(Tls, PicksHttp11WhereTheClientOffersMore) {
  serve(server_context(pki, false));
  auto context = client_context(pki);
  const unsigned char offered[] = "\x02h2\x08http/1.1";
  ASSERT_EQ(::SSL_CTX_set_alpn_protos(context->native(), offered, sizeof offered - 1), 0);
  EXPECT_THAT(call(context), IsOk());
}

TEST_F(Tls, CarriesALongBodyBothWays) {
  serve(server_context(pki));
  served->handler().answer = nullptr;
  served->handler().max_body = 8 << 20;
  http::ClientOptions options;
  options.tls = client_context(pki, pki.client("host7.lab.example"));
  Caller caller(*served, served->url(), std::move(options));
  const std::string body(3'000'000, 'x');
  for (int i = 0; i < 2; ++i) {
    const auto response = caller.post(body);
    ASSERT_THAT(response, IsOk());
    EXPECT_TRUE(response->body == body);
  }
}

TEST_F(Tls, ConnectsAnewWhereTheServerHasEndedTheIdleConnection) {
  http::ListenerOptions limits;
  limits.idle_timeout = std::chrono::milliseconds(30);
  serve(server_context(pki), limits);
  http::ClientOptions options;
  options.tls = client_context(pki, pki.client("host7.lab.example"));
  Caller caller(*served, served->url(), std::move(options));
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(caller.post("hello"), IsOk());
    ASSERT_TRUE(test_support::eventually([&] { return served->listener().connections() == 0; }));
  }
}

TEST_F(Tls, ServesEverybodyWhereHundredsComeAtOnce) {
  http::ListenerOptions patient;
  patient.handshake_timeout = std::chrono::seconds(60);
  serve(server_context(pki), patient);
  http::ClientOptions options;
  options.tls = client_context(pki, pki.client("host7.lab.example"));
  options.connect_timeout = std::chrono::seconds(60);
  const auto url = http::Url::parse(served->url());
  ASSERT_THAT(url, IsOk());
  // More than may be half-way at one time.
  test_support::Loop loop;
  std::vector<std::unique_ptr<http::Client>> clients;
  std::vector<std::future<base::Result<http::Response>>> answers;
  for (int i = 0; i < 400; ++i) {
    clients.push_back(std::make_unique<http::Client>(*url, options));
    http::Request request;
    answers.push_back(boost::asio::co_spawn(boost::asio::make_strand(loop.executor()),
                                            clients.back()->exchange(std::move(request), std::chrono::seconds(60)),
                                            boost::asio::use_future));
  }
  for (auto& answer : answers) EXPECT_THAT(answer.get(), IsOk());
}

TEST_F(Tls, EndsAHandshakeThatDoesNotBegin) {
  http::ListenerOptions options;
  options.handshake_timeout = std::chrono::milliseconds(50);
  LogLines log;
  serve(server_context(pki), options);
  boost::asio::io_context context;
  boost::asio::ip::tcp::socket silent(context);
  silent.connect({boost::asio::ip::make_address("127.0.0.1"), served->listener().port()});
  char byte = 0;
  boost::system::error_code error;
  silent.read_some(boost::asio::buffer(&byte, 1), error);
  EXPECT_EQ(error, boost::asio::error::eof);
  EXPECT_TRUE(log.have("handshake took too long"));
}

TEST_F(Tls, UsesANewContextForNewConnectionsOnly) {
  serve(server_context(pki));
  http::ClientOptions options;
  options.tls = client_context(pki, pki.client("host7.lab.example"));
  Caller caller(*served, served->url(), options);
  ASSERT_THAT(caller.post(), IsOk());
  const TestPki renewed;
  served->listener().replace_tls(server_context(renewed));
  EXPECT_THAT(caller.post(), IsOk());
  Caller later(*served, served->url(), options);
  EXPECT_THAT(later.post(), IsError(std::errc::protocol_error, "certificate signature failure"));
  EXPECT_THAT(call(client_context(renewed, renewed.client("host7.lab.example"))), IsOk());
}

TEST(TlsServerContext, NamesTheFileThatIsWrong) {
  const TestPki pki;
  const Identity identity = pki.server();
  const Identity other = pki.server();
  const auto text = pki.directory().write("text.pem", "no certificate");
  const auto missing = pki.directory() / "missing.pem";
  const http::TlsServerOptions good{identity.certificate, identity.private_key, pki.authorities(), false};
  ASSERT_THAT(http::TlsServerContext::load(good), IsOk());

  auto options = good;
  options.certificate = missing;
  EXPECT_THAT(http::TlsServerContext::load(options), IsError(std::errc::no_such_file_or_directory, missing.string()));
  options = good;
  options.private_key = missing;
  EXPECT_THAT(http::TlsServerContext::load(options), IsError(std::errc::no_such_file_or_directory, missing.string()));
  options = good;
  options.client_ca = missing;
  EXPECT_THAT(http::TlsServerContext::load(options), IsError(std::errc::no_such_file_or_directory, missing.string()));
  options = good;
  options.certificate = text;
  EXPECT_THAT(http::TlsServerContext::load(options),
              IsError(std::errc::invalid_argument, text.string() + " is not a PEM certificate"));
  options = good;
  options.client_ca = text;
  EXPECT_THAT(http::TlsServerContext::load(options),
              IsError(std::errc::invalid_argument, text.string() + " holds no PEM certificate"));
  options = good;
  options.private_key = text;
  EXPECT_THAT(http::TlsServerContext::load(options),
              IsError(std::errc::invalid_argument, "private key file " + text.string()));
  options = good;
  options.private_key = other.private_key;
  EXPECT_THAT(http::TlsServerContext::load(options),
              IsError(std::errc::invalid_argument, "does not belong to the certificate"));
}

TEST(TlsServerContext, RefusesACertificateThatIsNotValidNow) {
  const TestPki pki;
  CertificateRequest request;
  request.common_name = "localhost";
  request.not_before = -std::chrono::hours(2);
  request.not_after = -std::chrono::hours(1);
  Identity identity = pki.intermediate().issue(request);
  EXPECT_THAT(http::TlsServerContext::load({identity.certificate, identity.private_key, {}, false}),
              IsError(std::errc::invalid_argument, identity.certificate.string() + " has expired"));
  request.not_before = std::chrono::hours(1);
  request.not_after = std::chrono::hours(2);
  identity = pki.intermediate().issue(request);
  EXPECT_THAT(http::TlsServerContext::load({identity.certificate, identity.private_key, {}, false}),
              IsError(std::errc::invalid_argument, identity.certificate.string() + " is not valid yet"));
}

TEST(TlsClientContext, KnowsItsIssuerFromTheAuthoritiesOrItsOwnChain) {
  const TestPki pki;
  const Identity identity = pki.client("host7.lab.example");
  const std::string issuer = pki.intermediate().thumbprint();
  auto context = http::TlsClientContext::load({identity.leaf, identity.private_key, pki.authorities()});
  ASSERT_THAT(context, IsOk());
  EXPECT_EQ((*context)->issuer_thumbprint(), issuer);
  context = http::TlsClientContext::load({identity.certificate, identity.private_key, pki.root().certificate()});
  ASSERT_THAT(context, IsOk());
  EXPECT_EQ((*context)->issuer_thumbprint(), issuer);
  context = http::TlsClientContext::load({identity.leaf, identity.private_key, pki.root().certificate()});
  ASSERT_THAT(context, IsOk());
  EXPECT_EQ((*context)->issuer_thumbprint(), "");
}

TEST(TlsClientContext, NamesTheFileThatIsWrong) {
  const TestPki pki;
  const Identity identity = pki.client("host7.lab.example");
  const auto missing = pki.directory() / "missing.pem";
  EXPECT_THAT(http::TlsClientContext::load({missing, identity.private_key, pki.authorities()}),
              IsError(std::errc::no_such_file_or_directory, missing.string()));
  EXPECT_THAT(http::TlsClientContext::load({identity.leaf, identity.private_key, missing}),
              IsError(std::errc::no_such_file_or_directory, missing.string()));
  EXPECT_THAT(http::TlsClientContext::load({identity.leaf, pki.client("other").private_key, pki.authorities()}),
              IsError(std::errc::invalid_argument, "does not belong to the certificate"));
}

}  // namespace
