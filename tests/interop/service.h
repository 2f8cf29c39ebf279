// One of the services as a real process, with HTTPS and HTTP, a user and a mapped certificate.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace interop {

/// Listens on 127.0.0.1, offers Basic and Certificate. The user alice with the password "pässword: 1" is an administrator,
/// and so is the owner of the certificate of host7.lab.example; bob with "word" is nobody in particular. Failures end the
/// test program.
class Service {
 public:
  /// `program`: "muster-collector" or "muster-forwarder".
  explicit Service(const std::string& program);

  unsigned https_port() const { return https_port_; }
  unsigned http_port() const { return http_port_; }
  std::filesystem::path authority() const { return pki() / "ca.pem"; }
  std::filesystem::path certificate() const { return pki() / "host7.lab.example.pem"; }
  std::filesystem::path key() const { return pki() / "host7.lab.example.key"; }

  /// Runs a tool against the control socket, `input` being its standard input.
  test_support::CommandResult tool(std::vector<std::string> words, const std::string& input = {}) const;
  /// The same with no service on its own machine.
  static test_support::CommandResult stranger(std::vector<std::string> words, const std::string& input = {});
  /// winrm set RESOURCE @{VALUES}
  void set(const std::string& resource, const std::string& values) const;

  std::string log() const { return process_->error_output(); }

 private:
  std::filesystem::path pki() const { return directory_.path() / "pki"; }

  test_support::TemporaryDirectory directory_;
  unsigned https_port_ = 0;
  unsigned http_port_ = 0;
  std::unique_ptr<test_support::Process> process_;
};

inline constexpr const char* kPassword = "p\xC3\xA4ssword: 1";

}  // namespace interop
