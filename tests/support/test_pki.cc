#include "tests/support/test_pki.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>

#include "engine/base/die.h"
#include "engine/base/encoding.h"

namespace test_support {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

void require(bool holds, const char* attempted) {
  if (!holds) base::die(attempted);
}

Key make_key() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  require(key != nullptr, "OpenSSL made no key");
  return Key(key, ::EVP_PKEY_free);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr, "OpenSSL refused an extension");
  require(::X509_add_ext(certificate, extension, -1) == 1, "OpenSSL added no extension");
  ::X509_EXTENSION_free(extension);
}

/// What every certificate has; not signed yet.
Certificate make_certificate(const std::string& common_name, EVP_PKEY* key, X509* issuer, std::chrono::seconds from,
                             std::chrono::seconds until) {
  Certificate certificate(::X509_new(), ::X509_free);
  ::X509_set_version(certificate.get(), X509_VERSION_3);
  unsigned char serial[16];
  require(::RAND_bytes(serial, sizeof serial) == 1, "OpenSSL made no serial number");
  serial[0] &= 0x7f;
  BIGNUM* number = ::BN_bin2bn(serial, sizeof serial, nullptr);
  ::BN_to_ASN1_INTEGER(number, ::X509_get_serialNumber(certificate.get()));
  ::BN_free(number);
  std::time_t now = std::time(nullptr);
  ::X509_time_adj_ex(::X509_getm_notBefore(certificate.get()), 0, from.count(), &now);
  ::X509_time_adj_ex(::X509_getm_notAfter(certificate.get()), 0, until.count(), &now);
  ::X509_set_pubkey(certificate.get(), key);
  if (!common_name.empty()) {
    ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0);
  }
  ::X509_set_issuer_name(certificate.get(), ::X509_get_subject_name(issuer != nullptr ? issuer : certificate.get()));
  return certificate;
}

std::string thumbprint_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int length = ::i2d_X509(certificate, &der);
  require(length > 0, "OpenSSL encoded no certificate");
  unsigned char digest[SHA_DIGEST_LENGTH];
  ::SHA1(der, static_cast<std::size_t>(length), digest);
  ::OPENSSL_free(der);
  return base::to_hex({reinterpret_cast<char*>(digest), sizeof digest});
}

void write_certificates(const std::filesystem::path& path, const std::vector<Certificate>& certificates) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  require(file != nullptr, "cannot write a certificate's file");
  for (const Certificate& certificate : certificates) ::PEM_write_X509(file, certificate.get());
  std::fclose(file);
}

void write_key(const std::filesystem::path& path, EVP_PKEY* key) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  require(file != nullptr, "cannot write a key's file");
  ::PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

std::string next_file_name() {
  static std::atomic<int> made = 0;
  return "certificate-" + std::to_string(++made);
}

std::string alternative_names(const CertificateRequest& request) {
  std::string value;
  for (const std::string& name : request.dns_names) value += (value.empty() ? "DNS:" : ",DNS:") + name;
  for (const std::string& address : request.addresses) value += (value.empty() ? "IP:" : ",IP:") + address;
  return value;
}

const char* extended_usage(CertificateRequest::Usage usage) {
  switch (usage) {
    case CertificateRequest::Usage::Server:
      return "serverAuth";
    case CertificateRequest::Usage::Client:
      return "clientAuth";
    case CertificateRequest::Usage::Both:
      break;
  }
  return "serverAuth,clientAuth";
}

}  // namespace

struct TestAuthority::State {
  std::filesystem::path directory;
  Key key;
  Certificate certificate;
  std::vector<Certificate> chain;  ///< itself and what is above it, without the root
  std::filesystem::path path;
  std::string thumbprint;

  /// Makes the authority `name`; `issuer` null: a root.
  static std::shared_ptr<const State> make(std::filesystem::path directory, const std::string& name, const State* issuer) {
    auto state = std::make_shared<State>();
    state->directory = std::move(directory);
    state->key = make_key();
    X509* above = issuer != nullptr ? issuer->certificate.get() : nullptr;
    state->certificate = make_certificate(name, state->key.get(), above, -std::chrono::hours(48), std::chrono::hours(48));
    X509* own = state->certificate.get();
    X509* signer = above != nullptr ? above : own;
    add_extension(own, signer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(own, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(own, signer, NID_subject_key_identifier, "hash");
    require(::X509_sign(own, issuer != nullptr ? issuer->key.get() : state->key.get(), ::EVP_sha256()) > 0,
            "OpenSSL signed no certificate");
    if (issuer != nullptr) {
      state->chain.push_back(state->certificate);
      state->chain.insert(state->chain.end(), issuer->chain.begin(), issuer->chain.end());
    }
    state->path = state->directory / (next_file_name() + "-ca.pem");
    write_certificates(state->path, {state->certificate});
    state->thumbprint = thumbprint_of(own);
    return state;
  }
};

TestAuthority::TestAuthority(std::filesystem::path directory, const std::string& name)
    : state_(State::make(std::move(directory), name, nullptr)) {}
TestAuthority::TestAuthority(std::shared_ptr<const State> state) : state_(std::move(state)) {}

TestAuthority TestAuthority::intermediate(const std::string& name) const {
  return TestAuthority(State::make(state_->directory, name, state_.get()));
}

Identity TestAuthority::issue(const CertificateRequest& request) const {
  const Key key = make_key();
  X509* issuer = state_->certificate.get();
  const Certificate certificate =
      make_certificate(request.common_name, key.get(), issuer, request.not_before, request.not_after);
  add_extension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), issuer, NID_ext_key_usage, extended_usage(request.usage));
  add_extension(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
  if (const std::string names = alternative_names(request); !names.empty()) {
    add_extension(certificate.get(), issuer, NID_subject_alt_name, names);
  }
  require(::X509_sign(certificate.get(), state_->key.get(), ::EVP_sha256()) > 0, "OpenSSL signed no certificate");

  const std::string name = next_file_name();
  Identity identity;
  identity.certificate = state_->directory / (name + "-chain.pem");
  identity.leaf = state_->directory / (name + ".pem");
  identity.private_key = state_->directory / (name + "-key.pem");
  identity.thumbprint = thumbprint_of(certificate.get());
  std::vector<Certificate> chain{certificate};
  chain.insert(chain.end(), state_->chain.begin(), state_->chain.end());
  write_certificates(identity.certificate, chain);
  write_certificates(identity.leaf, {certificate});
  write_key(identity.private_key, key.get());
  return identity;
}

const std::filesystem::path& TestAuthority::certificate() const {
  return state_->path;
}
const std::string& TestAuthority::thumbprint() const {
  return state_->thumbprint;
}

TestPki::TestPki()
    : root_(directory_.path(), "Test Root"),
      intermediate_(root_.intermediate("Test Intermediate")),
      authorities_(join_files(directory_, "authorities.pem", {root_.certificate(), intermediate_.certificate()})) {}

Identity TestPki::server() const {
  CertificateRequest request;
  request.common_name = "localhost";
  request.dns_names = {"localhost"};
  request.addresses = {"127.0.0.1", "::1"};
  request.usage = CertificateRequest::Usage::Server;
  return intermediate_.issue(request);
}

Identity TestPki::client(const std::string& name) const {
  CertificateRequest request;
  request.common_name = name;
  request.dns_names = {name};
  request.usage = CertificateRequest::Usage::Client;
  return intermediate_.issue(request);
}

std::filesystem::path join_files(const TemporaryDirectory& directory, std::string_view name,
                                 std::initializer_list<std::filesystem::path> files) {
  std::ostringstream joined;
  for (const auto& file : files) joined << std::ifstream(file).rdbuf();
  return directory.write(name, joined.str());
}

}  // namespace test_support
