#include "engine/http/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "engine/http/tls_certificates.h"

namespace http {
namespace {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, ContextDeleter>;

base::Error openssl_error(const std::string& what) {
  const unsigned long code = ::ERR_peek_last_error();
  const char* reason = code != 0 ? ::ERR_reason_error_string(code) : nullptr;
  ::ERR_clear_error();
  return base::make_error(std::errc::invalid_argument, what + (reason != nullptr ? ": " + std::string(reason) : ""));
}

base::Result<void> check_readable(const std::filesystem::path& file, const std::string& what) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return base::errno_error(what + " " + file.string());
  ::close(descriptor);
  return {};
}

base::Result<Context> make_context(const SSL_METHOD* method) {
  Context context(::SSL_CTX_new(method));
  if (!context) return openssl_error("cannot set up TLS");
  // A key under a passphrase is an error like any other: OpenSSL's own way is to ask at the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return -1; });
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Idle connections are many: none keeps a read buffer, and no session is remembered, so that every chain is verified anew.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

/// Loads certificate and key, and sees that they belong together and are valid now.
base::Result<void> use_identity(SSL_CTX* context, const std::filesystem::path& certificate,
                                const std::filesystem::path& key) {
  RETURN_IF_ERROR(check_readable(certificate, "certificate file"));
  RETURN_IF_ERROR(check_readable(key, "private key file"));
  if (::SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return openssl_error("certificate file " + certificate.string() + " is not a PEM certificate");
  }
  if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const int reason = ERR_GET_REASON(::ERR_peek_last_error());
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
      return openssl_error("private key " + key.string() + " does not belong to the certificate " + certificate.string());
    }
    return openssl_error("private key file " + key.string() + " holds no PEM key that can be read without a passphrase");
  }
  X509* leaf = ::SSL_CTX_get0_certificate(context);
  if (::X509_cmp_current_time(::X509_get0_notAfter(leaf)) < 0) {
    return base::make_error(std::errc::invalid_argument, "the certificate " + certificate.string() + " has expired");
  }
  if (::X509_cmp_current_time(::X509_get0_notBefore(leaf)) > 0) {
    return base::make_error(std::errc::invalid_argument, "the certificate " + certificate.string() + " is not valid yet");
  }
  return {};
}

base::Result<void> trust(SSL_CTX* context, const std::filesystem::path& authorities) {
  RETURN_IF_ERROR(check_readable(authorities, "CA file"));
  if (::SSL_CTX_load_verify_locations(context, authorities.c_str(), nullptr) != 1) {
    return openssl_error("CA file " + authorities.string() + " holds no PEM certificate");
  }
  return {};
}

int choose_http_1_1(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                    unsigned int in_length, void*) {
  static const unsigned char kHttp11[] = "\x08http/1.1";
  if (::SSL_select_next_proto(const_cast<unsigned char**>(out), out_length, kHttp11, sizeof kHttp11 - 1, in, in_length) ==
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

/// The thumbprint of the authority that issued the context's own certificate, among its chain file and its trusted
/// authorities.
std::string own_issuer(SSL_CTX* context) {
  X509* leaf = ::SSL_CTX_get0_certificate(context);
  if (leaf == nullptr) return {};
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context, &chain);
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    X509* candidate = sk_X509_value(chain, i);
    if (X509_check_issued(candidate, leaf) == X509_V_OK) return thumbprint_of(candidate);
  }
  STACK_OF(X509_OBJECT)* objects = ::X509_STORE_get0_objects(::SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    X509* candidate = ::X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (candidate != nullptr && X509_check_issued(candidate, leaf) == X509_V_OK) return thumbprint_of(candidate);
  }
  return {};
}

}  // namespace

base::Result<std::shared_ptr<TlsServerContext>> TlsServerContext::load(const TlsServerOptions& options) {
  ASSIGN_OR_RETURN(auto context, make_context(::TLS_server_method()));
  RETURN_IF_ERROR(use_identity(context.get(), options.certificate, options.private_key));
  if (!options.client_ca.empty()) {
    RETURN_IF_ERROR(trust(context.get(), options.client_ca));
    SSL_CTX_set_client_CA_list(context.get(), ::SSL_load_client_CA_file(options.client_ca.c_str()));
    SSL_CTX_set_verify(context.get(),
                       SSL_VERIFY_PEER | (options.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       note_refused_subject);
    SSL_CTX_set_verify_depth(context.get(), 8);
  }
  SSL_CTX_set_alpn_select_cb(context.get(), choose_http_1_1, nullptr);
  return std::shared_ptr<TlsServerContext>(new TlsServerContext(context.release()));
}

TlsServerContext::~TlsServerContext() {
  ::SSL_CTX_free(context_);
}

base::Result<std::shared_ptr<TlsClientContext>> TlsClientContext::load(const TlsClientOptions& options) {
  ASSIGN_OR_RETURN(auto context, make_context(::TLS_client_method()));
  if (!options.certificate.empty() || !options.private_key.empty()) {
    RETURN_IF_ERROR(use_identity(context.get(), options.certificate, options.private_key));
  }
  if (options.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else {
    RETURN_IF_ERROR(trust(context.get(), options.ca));
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER,
                     options.skip_authority_check ? accept_any_authority : note_refused_subject);
  // A genuine collector may ask for the certificate only after the request: TLS 1.3 does so by post-handshake
  // authentication, TLS 1.2 by renegotiation.
  SSL_CTX_set_post_handshake_auth(context.get(), 1);
  SSL_CTX_clear_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  std::string issuer = own_issuer(context.get());
  auto result = std::shared_ptr<TlsClientContext>(new TlsClientContext(context.release()));
  result->issuer_thumbprint_ = std::move(issuer);
  result->skips_name_check_ = options.skip_name_check;
  return result;
}

TlsClientContext::~TlsClientContext() {
  ::SSL_CTX_free(context_);
}

}  // namespace http
