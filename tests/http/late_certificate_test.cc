// A server that asks for the client's certificate only once it has read the request, as a genuine collector's HTTP stack
// may.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/ip/tcp.hpp>
#include <thread>

#include "tests/http/served.h"
#include "tests/support/matchers.h"

namespace {

using boost::asio::ip::tcp;
using test_support::IsOk;
using test_support::TestPki;

/// Serves one request with OpenSSL alone, blocking, on a thread of its own.
class LateServer {
 public:
  LateServer(const TestPki& pki, int version) : acceptor_(context_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    const auto identity = pki.server();
    tls_ = ::SSL_CTX_new(::TLS_server_method());
    SSL_CTX_set_min_proto_version(tls_, version);
    SSL_CTX_set_max_proto_version(tls_, version);
    // Reading must come back after it has served a handshake, although no data came with it.
    ::SSL_CTX_clear_mode(tls_, SSL_MODE_AUTO_RETRY);
    ::SSL_CTX_use_certificate_chain_file(tls_, identity.certificate.c_str());
    ::SSL_CTX_use_PrivateKey_file(tls_, identity.private_key.c_str(), SSL_FILETYPE_PEM);
    ::SSL_CTX_load_verify_locations(tls_, pki.authorities().c_str(), nullptr);
    // A session that is taken up again needs no certificate.
    SSL_CTX_set_options(tls_, SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
    // Without one, a server that verifies clients refuses to renegotiate.
    ::SSL_CTX_set_session_id_context(tls_, reinterpret_cast<const unsigned char*>("late"), 4);
    thread_ = std::thread([this] { serve(); });
  }
  ~LateServer() {
    join();
    ::SSL_CTX_free(tls_);
  }
  std::string url() const { return "https://localhost:" + std::to_string(acceptor_.local_endpoint().port()) + "/"; }
  /// The common name of the certificate that came late.
  std::string client_name() {
    join();
    return client_name_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  void serve() {
    tcp::socket socket(context_);
    acceptor_.accept(socket);
    SSL* ssl = ::SSL_new(tls_);
    ::SSL_set_fd(ssl, socket.native_handle());
    if (::SSL_accept(ssl) == 1) converse(ssl);
    ::SSL_shutdown(ssl);
    ::SSL_free(ssl);
  }

  void converse(SSL* ssl) {
    char bytes[4096];
    for (std::string request; request.find("hello") == std::string::npos;) {
      const int got = ::SSL_read(ssl, bytes, sizeof bytes);
      if (got > 0) request.append(bytes, static_cast<std::size_t>(got));
      if (got <= 0 && ::SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ) return;
    }
    ::SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    const bool asked =
        ::SSL_version(ssl) == TLS1_3_VERSION ? ::SSL_verify_client_post_handshake(ssl) == 1 : ::SSL_renegotiate(ssl) == 1;
    if (!asked || ::SSL_do_handshake(ssl) != 1) return;
    while (::SSL_get0_peer_certificate(ssl) == nullptr || !::SSL_is_init_finished(ssl)) {
      const int got = ::SSL_peek(ssl, bytes, sizeof bytes);
      if (got <= 0 && ::SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ) return;
    }
    char name[256] = {};
    ::X509_NAME_get_text_by_NID(::X509_get_subject_name(::SSL_get0_peer_certificate(ssl)), NID_commonName, name,
                                sizeof name);
    client_name_ = name;
    const std::string response = "HTTP/1.1 200 \r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    ::SSL_write(ssl, response.data(), static_cast<int>(response.size()));
  }

  boost::asio::io_context context_;
  tcp::acceptor acceptor_;
  SSL_CTX* tls_;
  std::string client_name_;
  std::thread thread_;
};

class LateCertificate : public ::testing::TestWithParam<int> {};

TEST_P(LateCertificate, IsGivenByTheClient) {
  const TestPki pki;
  LateServer server(pki, GetParam());
  http_test::Served loop;
  http::ClientOptions options;
  options.tls = http_test::client_context(pki, pki.client("host7.lab.example"));
  http_test::Caller caller(loop, server.url(), std::move(options));
  const auto response = caller.post("hello");
  EXPECT_THAT(response, IsOk());
  if (response.ok()) {
    EXPECT_EQ(response->body, "ok");
  }
  caller.client().close();
  EXPECT_EQ(server.client_name(), "host7.lab.example");
}

INSTANTIATE_TEST_SUITE_P(ByRenegotiationAndAfterTheHandshake, LateCertificate,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& parameter) { return parameter.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

}  // namespace
