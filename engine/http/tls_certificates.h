// What OpenSSL knows about certificates, as our values. Only for the .cc files of this folder.

#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <optional>
#include <string>

#include "engine/base/peer.h"

namespace http {

/// SHA-1 of the DER, 40 capital hexadecimal digits: the form in which Windows names certificates.
std::string thumbprint_of(X509* certificate);

/// The verified certificate of the other end, or nothing where it sent none.
std::optional<base::PeerCertificate> verified_peer_certificate(SSL* ssl);

/// For SSL_CTX_set_verify: leaves OpenSSL's judgement as it is, and writes the subject of a certificate that it refuses into
/// the std::string that is the connection's SSL_set_app_data, if there is one.
int note_refused_subject(int accepted, X509_STORE_CTX* verification);

/// The same, but it is no fault that the certificate's authority is unknown.
int accept_any_authority(int accepted, X509_STORE_CTX* verification);

}  // namespace http
