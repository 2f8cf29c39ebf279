// Certificate authorities that live as long as a test: keys on P-256, files in PEM.

#pragma once

#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace test_support {

/// What a certificate is to say.
struct CertificateRequest {
  enum class Usage { Server, Client, Both };

  std::string common_name;  ///< may be empty
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;  ///< IP addresses, as text
  Usage usage = Usage::Both;
  /// Counted from now; negative ones lie in the past.
  std::chrono::seconds not_before = -std::chrono::hours(1);
  std::chrono::seconds not_after = std::chrono::hours(24);
};

/// A certificate and its key, on disk.
struct Identity {
  std::filesystem::path certificate;  ///< the leaf, then the intermediates below the root
  std::filesystem::path leaf;         ///< the leaf alone: what Windows sends
  std::filesystem::path private_key;
  std::string thumbprint;  ///< SHA-1 of the leaf's DER, 40 capital hexadecimal digits
};

/// A certificate authority. Failures of OpenSSL end the test program.
class TestAuthority {
 public:
  /// A self-signed root whose files go to `directory`.
  TestAuthority(std::filesystem::path directory, const std::string& name);

  /// An authority that this one vouches for.
  TestAuthority intermediate(const std::string& name) const;
  Identity issue(const CertificateRequest& request) const;

  /// Its own certificate's file.
  const std::filesystem::path& certificate() const;
  const std::string& thumbprint() const;

 private:
  struct State;
  explicit TestAuthority(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// What most tests need: a root, an intermediate below it, and hosts that the intermediate vouches for.
class TestPki {
 public:
  TestPki();

  const TestAuthority& root() const { return root_; }
  const TestAuthority& intermediate() const { return intermediate_; }
  /// The certificates of both authorities in one file: what to trust.
  const std::filesystem::path& authorities() const { return authorities_; }
  /// A server that is localhost, 127.0.0.1 and ::1.
  Identity server() const;
  /// A client named `name` in its common name and its dNSName.
  Identity client(const std::string& name) const;
  const TemporaryDirectory& directory() const { return directory_; }

 private:
  TemporaryDirectory directory_;
  TestAuthority root_;
  TestAuthority intermediate_;
  std::filesystem::path authorities_;
};

/// Writes the files one after the other into one named `name` in `directory`: a bundle of authorities.
std::filesystem::path join_files(const TemporaryDirectory& directory, std::string_view name,
                                 std::initializer_list<std::filesystem::path> files);

}  // namespace test_support
