#include "engine/http/tls_certificates.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/http/tls.h"

namespace http {
namespace {

struct NamesDeleter {
  void operator()(GENERAL_NAMES* names) const { ::GENERAL_NAMES_free(names); }
};

std::string text_of(const ASN1_STRING* value) {
  unsigned char* utf8 = nullptr;
  const int length = ::ASN1_STRING_to_UTF8(&utf8, value);
  if (length < 0) return {};
  std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(length));
  ::OPENSSL_free(utf8);
  // A name with a zero byte inside means one thing to some readers and another to others: it names nobody.
  return text.find('\0') == std::string::npos ? text : std::string();
}

std::string common_name_of(X509* certificate) {
  X509_NAME* subject = ::X509_get_subject_name(certificate);
  std::string name;
  for (int at = -1; (at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    name = text_of(::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at)));
  }
  return name;
}

std::string subject_of(X509* certificate) {
  BIO* memory = ::BIO_new(::BIO_s_mem());
  ::X509_NAME_print_ex(memory, ::X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory, &data);
  std::string text(data, length > 0 ? static_cast<std::size_t>(length) : 0);
  ::BIO_free(memory);
  return text;
}

std::vector<std::string> dns_names_of(X509* certificate) {
  std::vector<std::string> result;
  std::unique_ptr<GENERAL_NAMES, NamesDeleter> names(
      static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return result;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    std::string text = text_of(name->d.dNSName);
    if (!text.empty()) result.push_back(std::move(text));
  }
  return result;
}

struct BioDeleter {
  void operator()(BIO* bio) const { ::BIO_free(bio); }
};
struct X509Deleter {
  void operator()(X509* certificate) const { ::X509_free(certificate); }
};

}  // namespace

base::Result<CertificateFile> read_certificate_file(const std::filesystem::path& file) {
  constexpr std::size_t kMaxFile = 1 << 20;
  ASSIGN_OR_RETURN(const std::string content, base::read_file(file, kMaxFile));
  const std::unique_ptr<BIO, BioDeleter> memory(::BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  const std::unique_ptr<X509, X509Deleter> certificate(::PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    ::ERR_clear_error();
    return base::make_error(std::errc::invalid_argument, file.string() + " holds no PEM certificate");
  }
  CertificateFile read;
  read.thumbprint = thumbprint_of(certificate.get());
  if (std::string name = common_name_of(certificate.get()); !name.empty()) read.names.push_back(std::move(name));
  for (std::string& name : dns_names_of(certificate.get())) read.names.push_back(std::move(name));
  const bool limited = (::X509_get_extension_flags(certificate.get()) & EXFLAG_XKUSAGE) != 0;
  read.for_servers = !limited || (::X509_get_extended_key_usage(certificate.get()) & XKU_SSL_SERVER) != 0;
  return read;
}

int note_refused_subject(int accepted, X509_STORE_CTX* verification) {
  if (accepted != 0) return accepted;
  auto* ssl = static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(verification, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* subject = ssl != nullptr ? static_cast<std::string*>(SSL_get_app_data(ssl)) : nullptr;
  X509* certificate = ::X509_STORE_CTX_get_current_cert(verification);
  if (subject != nullptr && certificate != nullptr) *subject = subject_of(certificate);
  return accepted;
}

int accept_any_authority(int accepted, X509_STORE_CTX* verification) {
  if (accepted != 0) return accepted;
  switch (::X509_STORE_CTX_get_error(verification)) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      ::X509_STORE_CTX_set_error(verification, X509_V_OK);
      return 1;
    default:
      return note_refused_subject(accepted, verification);
  }
}

std::string thumbprint_of(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (::X509_digest(certificate, ::EVP_sha1(), digest, &length) != 1) return {};
  return base::to_hex({reinterpret_cast<char*>(digest), length});
}

std::optional<base::PeerCertificate> verified_peer_certificate(SSL* ssl) {
  X509* leaf = ::SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr || ::SSL_get_verify_result(ssl) != X509_V_OK) return std::nullopt;
  base::PeerCertificate peer;
  peer.subject = subject_of(leaf);
  peer.common_name = common_name_of(leaf);
  peer.dns_names = dns_names_of(leaf);
  peer.thumbprint = thumbprint_of(leaf);
  STACK_OF(X509)* chain = ::SSL_get0_verified_chain(ssl);
  for (int i = 1; chain != nullptr && i < sk_X509_num(chain); ++i) {
    peer.issuer_thumbprints.push_back(thumbprint_of(sk_X509_value(chain, i)));
  }
  std::tm until{};
  if (::ASN1_TIME_to_tm(::X509_get0_notAfter(leaf), &until) == 1) {
    peer.not_after = base::WallTime(std::chrono::seconds(::timegm(&until)));
  }
  return peer;
}

}  // namespace http
