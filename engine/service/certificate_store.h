// The certificates that listeners may name by their thumbprints.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/config/configuration.h"
#include "engine/http/tls.h"

namespace service {

/// Those of the folder `STATE/certificates` (NAME.pem with the key inside or in NAME.key beside it), and those that the
/// listeners of the configuration file bring along. The folder is looked through at each call: a new certificate needs no
/// restart. Immutable; blocks.
class CertificateStore {
 public:
  explicit CertificateStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// At most 1,000; files that are none are passed over.
  std::vector<config::ServerCertificate> certificates(const std::vector<config::Listener>& listeners) const;

  /// What the listener's TLS is made of. The authorities of clients are the listener's own ClientCA, else
  /// STATE/certificates/ca.pem, else those of the first listener of the file that names any. Errors:
  /// std::errc::no_such_file_or_directory where nothing has its thumbprint.
  base::Result<http::TlsServerOptions> tls_of(const config::Listener& listener,
                                              const std::vector<config::Listener>& listeners) const;

 private:
  struct Entry {
    config::ServerCertificate certificate;
    std::filesystem::path file;
    std::filesystem::path key;
  };
  std::vector<Entry> entries(const std::vector<config::Listener>& listeners) const;

  const std::filesystem::path directory_;
};

}  // namespace service
