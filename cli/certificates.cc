#include "cli/certificates.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cctype>
#include <memory>
#include <optional>
#include <span>

#include "engine/base/encoding.h"
#include "engine/base/utf16.h"

namespace cli {
namespace {

using std::chrono::days;

constexpr auto kAuthorityLifetime = days(3652);
constexpr auto kLeafLifetime = days(825);
/// Clocks of the hosts that are to believe the certificate may be behind ours.
constexpr auto kBackdated = std::chrono::minutes(10);
/// X.509's ub-common-name.
constexpr std::size_t kMaxCommonName = 64;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

base::Error invalid(std::string what) {
  return base::make_error(std::errc::invalid_argument, std::move(what));
}

/// The oldest reason in OpenSSL's queue, which is emptied.
base::Error library_error(const std::string& attempted) {
  const unsigned long code = ERR_get_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return base::make_error(std::errc::invalid_argument, reason == nullptr ? attempted : attempted + ": " + reason);
}

Bio reading(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string content_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

/// An encrypted key must not make the library ask the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

std::vector<Certificate> read_certificates(std::string_view text) {
  std::vector<Certificate> found;
  const Bio bio = reading(text);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) found.emplace_back(certificate);
  ERR_clear_error();
  return found;
}

base::Result<std::string> certificate_to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return library_error("cannot write the certificate");
  return content_of(bio);
}

base::Result<std::string> key_to_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return library_error("cannot write the private key");
  }
  return content_of(bio);
}

base::Result<Key> make_key() {
  Key key(EVP_EC_gen("P-256"));
  if (!key) return library_error("cannot make a private key");
  return key;
}

bool set_time(ASN1_TIME* into, base::WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return ASN1_TIME_set(into, static_cast<time_t>(seconds)) != nullptr;
}

base::WallTime time_of(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return base::WallTime(std::chrono::seconds(timegm(&parts)));
}

bool add_common_name(X509_NAME* name, std::string_view text) {
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// A certificate with everything but names, extensions and signature.
base::Result<Certificate> begin_certificate(EVP_PKEY* key, base::WallTime not_before, base::WallTime not_after) {
  Certificate certificate(X509_new());
  const Number serial(BN_new());
  // 126 random bits below a set one: positive, unique, and of constant length.
  const bool made = certificate && serial && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                    BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) != nullptr &&
                    set_time(X509_getm_notBefore(certificate.get()), not_before) &&
                    set_time(X509_getm_notAfter(certificate.get()), not_after) &&
                    X509_set_pubkey(certificate.get(), key) == 1;
  if (!made) return library_error("cannot make a certificate");
  return certificate;
}

base::Result<KeyPair> signed_pair(Certificate certificate, const Key& key, EVP_PKEY* signer) {
  if (X509_sign(certificate.get(), signer, EVP_sha256()) == 0) return library_error("cannot sign the certificate");
  KeyPair pair;
  ASSIGN_OR_RETURN(pair.certificate, certificate_to_pem(certificate.get()));
  ASSIGN_OR_RETURN(pair.key, key_to_pem(key.get()));
  return pair;
}

/// The bytes of an address, 4 or 16; empty where `text` is none.
std::string address_bytes(std::string_view text) {
  std::array<char, 16> bytes{};
  const std::string name(text);
  if (::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 16);
  return {};
}

bool add_alternative_names(X509* certificate, const std::vector<std::string>& names, bool critical) {
  const Names list(GENERAL_NAMES_new());
  if (!list) return false;
  for (const std::string& text : names) {
    const std::string address = address_bytes(text);
    const std::string& value = address.empty() ? text : address;
    ASN1_STRING* string = address.empty() ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
    GENERAL_NAME* name = GENERAL_NAME_new();
    if (string == nullptr || name == nullptr || ASN1_STRING_set(string, value.data(), static_cast<int>(value.size())) != 1) {
      ASN1_STRING_free(string);
      GENERAL_NAME_free(name);
      return false;
    }
    GENERAL_NAME_set0_value(name, address.empty() ? GEN_DNS : GEN_IPADD, string);
    if (sk_GENERAL_NAME_push(list.get(), name) == 0) {
      GENERAL_NAME_free(name);
      return false;
    }
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1;
}

/// The authority that is to sign, after its parts have been checked against each other.
struct Signer {
  Certificate certificate;
  Key key;
};

base::Result<Signer> read_signer(const KeyPair& authority, base::WallTime now) {
  std::vector<Certificate> certificates = read_certificates(authority.certificate);
  if (certificates.empty()) return invalid("the authority's file holds no certificate");
  Signer signer;
  signer.certificate = std::move(certificates.front());
  signer.key = Key(PEM_read_bio_PrivateKey(reading(authority.key).get(), nullptr, no_password, nullptr));
  if (!signer.key) return library_error("the authority's private key cannot be read (is it encrypted?)");
  if (X509_check_private_key(signer.certificate.get(), signer.key.get()) != 1) {
    ERR_clear_error();
    return invalid("the authority's private key does not belong to its certificate");
  }
  if (X509_check_ca(signer.certificate.get()) != 1) return invalid("the authority's certificate is not one of an authority");
  if (time_of(X509_get0_notAfter(signer.certificate.get())) <= now) return invalid("the authority has expired");
  return signer;
}

std::string one_line(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  // RFC 2253's form escapes control characters; UTF-8 stays readable.
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  return content_of(bio);
}

std::string thumbprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha1(), digest.data(), &size) != 1) return {};
  return base::to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

std::string_view bytes_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::vector<std::string> alternative_names(X509* certificate) {
  std::vector<std::string> names;
  const Names list(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list.get()); ++i) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list.get(), i), &kind);
    if (kind != GEN_DNS && kind != GEN_IPADD) continue;
    const std::string_view bytes = bytes_of(static_cast<const ASN1_STRING*>(value));
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (kind == GEN_DNS) {
      names.emplace_back(bytes);
    } else if ((bytes.size() == 4 || bytes.size() == 16) &&
               ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size()) != nullptr) {
      names.emplace_back(text.data());
    }
  }
  return names;
}

bool has_issued(X509* issuer, X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  const bool issued = key != nullptr &&
                      X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(certificate)) == 0 &&
                      X509_verify(certificate, key) == 1;
  ERR_clear_error();
  return issued;
}

}  // namespace

base::Result<KeyPair> make_authority(std::string_view name, base::WallTime now) {
  if (name.empty() || base::utf16_length(base::repaired_utf8(name).text) > kMaxCommonName || !base::is_valid_utf8(name)) {
    return invalid("an authority's name has 1 to 64 characters");
  }
  ASSIGN_OR_RETURN(const Key key, make_key());
  const base::WallTime not_before = now - kBackdated;
  ASSIGN_OR_RETURN(Certificate certificate, begin_certificate(key.get(), not_before, not_before + kAuthorityLifetime));
  X509* x509 = certificate.get();
  const bool made = add_common_name(X509_get_subject_name(x509), name) &&
                    X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1 &&
                    add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    add_extension(x509, x509, NID_subject_key_identifier, "hash") &&
                    add_extension(x509, x509, NID_authority_key_identifier, "keyid:always");
  if (!made) return library_error("cannot make the authority's certificate");
  return signed_pair(std::move(certificate), key, key.get());
}

base::Result<KeyPair> issue_certificate(const KeyPair& authority, const std::vector<std::string>& names,
                                        base::WallTime now) {
  if (names.empty()) return invalid("a certificate needs a name");
  for (const std::string& name : names) {
    if (!is_dns_name(name) && !is_ip_address(name))
      return invalid("\"" + name + "\" is neither a DNS name nor an IP address");
  }
  ASSIGN_OR_RETURN(const Signer signer, read_signer(authority, now));
  ASSIGN_OR_RETURN(const Key key, make_key());
  const base::WallTime not_before = now - kBackdated;
  const base::WallTime not_after =
      std::min<base::WallTime>(not_before + kLeafLifetime, time_of(X509_get0_notAfter(signer.certificate.get())));
  ASSIGN_OR_RETURN(Certificate certificate, begin_certificate(key.get(), not_before, not_after));
  X509* x509 = certificate.get();
  X509* issuer = signer.certificate.get();
  const bool named = names.front().size() <= kMaxCommonName;
  const bool made = (!named || add_common_name(X509_get_subject_name(x509), names.front())) &&
                    X509_set_issuer_name(x509, X509_get_subject_name(issuer)) == 1 &&
                    add_extension(x509, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(x509, issuer, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(x509, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
                    add_extension(x509, issuer, NID_subject_key_identifier, "hash") &&
                    add_extension(x509, issuer, NID_authority_key_identifier, "keyid:always") &&
                    add_alternative_names(x509, names, !named);
  if (!made) return library_error("cannot make the certificate");
  return signed_pair(std::move(certificate), key, signer.key.get());
}

bool is_dns_name(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.empty() || text.size() > 253) return false;
  bool only_digits_and_dots = true;
  std::size_t label = 0;
  char before = '.';
  for (const char c : text) {
    const bool alphanumeric = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (c == '.') {
      if (label == 0 || before == '-') return false;
      label = 0;
    } else {
      if (!alphanumeric && c != '_' && (c != '-' || label == 0)) return false;
      if (++label > 63) return false;
      if (std::isdigit(static_cast<unsigned char>(c)) == 0) only_digits_and_dots = false;
    }
    before = c;
  }
  return label != 0 && before != '-' && !only_digits_and_dots;
}

bool is_ip_address(std::string_view text) {
  return !address_bytes(text).empty();
}

base::Result<CertificateDescription> describe_certificate(const std::string& text, const std::string& authorities) {
  std::vector<Certificate> certificates = read_certificates(text);
  if (certificates.empty()) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    if (X509* der = d2i_X509(nullptr, &bytes, static_cast<long>(text.size()))) certificates.emplace_back(der);
    ERR_clear_error();
  }
  if (certificates.empty()) return invalid("there is no certificate in it");
  X509* certificate = certificates.front().get();

  CertificateDescription description;
  description.subject = one_line(X509_get_subject_name(certificate));
  description.issuer = one_line(X509_get_issuer_name(certificate));
  description.serial = base::to_hex(bytes_of(X509_get0_serialNumber(certificate)));
  description.names = alternative_names(certificate);
  description.not_before = time_of(X509_get0_notBefore(certificate));
  description.not_after = time_of(X509_get0_notAfter(certificate));
  description.thumbprint = thumbprint_of(certificate);
  description.authority = X509_check_ca(certificate) != 0;
  // A certificate without the extension is good for every use.
  const std::uint32_t uses = X509_get_extended_key_usage(certificate);
  description.server_use = (uses & XKU_SSL_SERVER) != 0;
  description.client_use = (uses & XKU_SSL_CLIENT) != 0;
  if (const ASN1_OCTET_STRING* id = X509_get0_authority_key_id(certificate)) {
    description.authority_key_id = base::to_hex(bytes_of(id));
  }
  for (Certificate& other : read_certificates(authorities)) certificates.push_back(std::move(other));
  for (const Certificate& candidate : certificates) {
    if (!has_issued(candidate.get(), certificate)) continue;
    description.issuer_thumbprint = thumbprint_of(candidate.get());
    break;
  }
  return description;
}

}  // namespace cli
