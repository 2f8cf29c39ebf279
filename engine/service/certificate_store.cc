#include "engine/service/certificate_store.h"

#include <algorithm>

#include "engine/base/log.h"

namespace service {
namespace {

constexpr std::size_t kMaxFiles = 1000;
constexpr char kAuthorities[] = "ca.pem";

base::Result<config::ServerCertificate> describe(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(http::CertificateFile read, http::read_certificate_file(file));
  return config::ServerCertificate{std::move(read.thumbprint), std::move(read.names), read.for_servers};
}

}  // namespace

std::vector<CertificateStore::Entry> CertificateStore::entries(const std::vector<config::Listener>& listeners) const {
  std::vector<Entry> found;
  for (const config::Listener& listener : listeners) {
    if (listener.certificate.empty()) continue;
    auto certificate = describe(listener.certificate);
    if (certificate.ok()) found.push_back({std::move(*certificate), listener.certificate, listener.private_key});
  }
  std::error_code error;
  std::filesystem::directory_iterator files(directory_, error);
  for (; !error && files != std::filesystem::directory_iterator() && found.size() < kMaxFiles; files.increment(error)) {
    const std::filesystem::path& file = files->path();
    if (file.extension() != ".pem" || file.filename() == kAuthorities) continue;
    auto certificate = describe(file);
    if (!certificate.ok()) {
      base::log_warning("{} is passed over: {}", file.string(), certificate.error().message());
      continue;
    }
    std::filesystem::path key = file;
    key.replace_extension(".key");
    std::error_code ignored;
    if (!std::filesystem::exists(key, ignored)) key = file;
    found.push_back({std::move(*certificate), file, std::move(key)});
  }
  return found;
}

std::vector<config::ServerCertificate> CertificateStore::certificates(const std::vector<config::Listener>& listeners) const {
  std::vector<config::ServerCertificate> certificates;
  for (Entry& entry : entries(listeners)) certificates.push_back(std::move(entry.certificate));
  return certificates;
}

base::Result<http::TlsServerOptions> CertificateStore::tls_of(const config::Listener& listener,
                                                              const std::vector<config::Listener>& listeners) const {
  http::TlsServerOptions tls;
  tls.client_ca = listener.client_ca;
  if (std::error_code error; tls.client_ca.empty() && std::filesystem::exists(directory_ / kAuthorities, error)) {
    tls.client_ca = directory_ / kAuthorities;
  }
  for (const config::Listener& other : listeners) {
    if (tls.client_ca.empty()) tls.client_ca = other.client_ca;
  }
  if (!listener.certificate.empty() && listener.thumbprint == listener.file_thumbprint) {
    tls.certificate = listener.certificate;
    tls.private_key = listener.private_key;
    return tls;
  }
  auto known = entries(listeners);
  const auto found =
      std::ranges::find_if(known, [&](const Entry& entry) { return entry.certificate.thumbprint == listener.thumbprint; });
  if (found == known.end() || listener.thumbprint.empty()) {
    return base::make_error(std::errc::no_such_file_or_directory, listener.thumbprint.empty()
                                                                      ? "there is no certificate for it"
                                                                      : "there is no certificate " + listener.thumbprint);
  }
  tls.certificate = found->file;
  tls.private_key = found->key;
  return tls;
}

}  // namespace service
