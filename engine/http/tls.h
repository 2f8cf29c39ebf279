// TLS 1.2 and 1.3 by OpenSSL on the socket itself: five times less memory for an idle connection than Asio's ssl::stream.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"

struct ssl_ctx_st;

namespace http {

/// Files are PEM. A certificate file holds the leaf first, then the intermediates to send.
struct TlsServerOptions {
  std::filesystem::path certificate;
  std::filesystem::path private_key;
  /// Authorities that clients' certificates are verified against, intermediates included (Windows sends only its leaf).
  /// Empty: no client certificate is asked for.
  std::filesystem::path client_ca;
  /// Refuse the handshake of a client without a certificate. Otherwise it connects without an identity.
  bool require_client_certificate = false;
};

/// Immutable, thread-safe. ALPN, if offered, picks http/1.1 only.
class TlsServerContext {
 public:
  /// Errors: what is wrong with which file (missing, not PEM, key does not belong to the certificate, expired).
  static base::Result<std::shared_ptr<TlsServerContext>> load(const TlsServerOptions& options);
  ~TlsServerContext();
  ssl_ctx_st* native() const { return context_; }

 private:
  explicit TlsServerContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

/// What a certificate says of itself. Nobody has verified it.
struct CertificateFile {
  std::string thumbprint;          ///< SHA-1 of the DER, 40 capital hexadecimal digits
  std::vector<std::string> names;  ///< the common name, then the dNSNames
  bool for_servers = false;        ///< its extended key usage allows Server Authentication, or it has none
};
/// Reads the first certificate of a PEM file. Errors: the system's; std::errc::invalid_argument where there is none.
base::Result<CertificateFile> read_certificate_file(const std::filesystem::path& file);

struct TlsClientOptions {
  std::filesystem::path certificate;  ///< both empty: no client certificate
  std::filesystem::path private_key;
  std::filesystem::path ca;  ///< authorities for the server's certificate; empty: the system's
  /// For those who insist: take a server's certificate whoever has signed it (dates and names still count), and whatever
  /// name stands in it.
  bool skip_authority_check = false;
  bool skip_name_check = false;
};

/// Immutable, thread-safe. The server's certificate is verified, and its name against the URL's host, unless the options say
/// otherwise. Post-handshake
/// authentication is enabled, since a genuine collector's HTTP stack may ask for the certificate late.
class TlsClientContext {
 public:
  static base::Result<std::shared_ptr<TlsClientContext>> load(const TlsClientOptions& options);
  ~TlsClientContext();
  ssl_ctx_st* native() const { return context_; }
  /// The client certificate's own issuer thumbprint (SHA-1 of the issuing authority's DER where `ca` or the file's chain
  /// holds it, capital hex), or empty.
  const std::string& issuer_thumbprint() const { return issuer_thumbprint_; }
  bool skips_name_check() const { return skips_name_check_; }

 private:
  explicit TlsClientContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
  std::string issuer_thumbprint_;
  bool skips_name_check_ = false;
};

}  // namespace http
