// A collector and forwarders as real processes over TLS on loopback, driven by the real tools.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace integration {

/// The folder with the programs under test.
std::filesystem::path bin_directory();

/// What a subscription file says; the rest is fixed (source-initiated, https, our authority).
struct SubscriptionText {
  std::string id = "all";
  std::string query = "<QueryList><Query Id='0'><Select Path='Linux-Syslog/Operational'>*</Select></Query></QueryList>";
  std::string allowed_subject = "*";
  std::string denied_subject;
  std::string content_format = "Events";
  bool read_existing = true;
  bool enabled = true;
  unsigned max_items = 0;  ///< 0: not set
  unsigned max_latency_ms = 200;
  unsigned heartbeat_ms = 2000;
  std::string log_file = "ForwardedEvents";
};

/// Where the programs run, and how forwarders reach the collector.
struct Placement {
  std::string collector_name = "localhost";  ///< in its URL and its certificate
  std::string collector_address = "127.0.0.1";
  /// What is put before the programs' command lines.
  std::vector<std::string> before_collector = {};
  std::vector<std::string> before_forwarder = {};
};

class Stack {
 public:
  /// Makes the PKI.
  explicit Stack(Placement placement = {});

  const std::filesystem::path& directory() const { return directory_.path(); }
  /// Writes a file beside the configuration and returns its path.
  std::filesystem::path write(const std::string& name, const std::string& content) const {
    return directory_.write(name, content);
  }
  std::filesystem::path pki() const { return directory_.path() / "pki"; }
  /// SHA-1 thumbprint of our authority.
  const std::string& authority() const { return authority_; }

  /// Starts the collector (again) on the port of its first start. `extra` is appended to its configuration.
  void start_collector(const std::string& extra = {});
  /// Starts a forwarder that reads the files of `glob`. `keys` go into its [forwarder] table, `extra` behind its source.
  void start_forwarder(const std::string& name, const std::string& glob, const std::string& extra = {},
                       const std::string& keys = {});
  test_support::Process& collector() { return *collector_; }
  test_support::Process& forwarder(const std::string& name) { return *forwarders_.at(name); }
  unsigned port() const { return port_; }
  std::string url() const { return "https://" + placement_.collector_name + ":" + std::to_string(port_) + "/wsman"; }
  std::filesystem::path collector_state() const { return directory_.path() / "collector"; }

  /// Runs a tool of `muster` against the collector's control socket: tool("wecutil", {"es"}).
  test_support::CommandResult tool(const std::string& name, std::vector<std::string> arguments) const;
  test_support::CommandResult tool_at(const std::filesystem::path& state, const std::string& name,
                                      std::vector<std::string> arguments) const;
  void create_subscription(const SubscriptionText& subscription);
  std::string subscription_xml(const SubscriptionText& subscription) const;
  void issue(const std::string& host);

  /// curl -X POST with `body` as client `host`; the reply's status and body.
  struct Reply {
    int status = 0;
    std::string headers;
    std::string body;
    std::string error;
  };
  Reply post(const std::string& host, const std::string& path, const std::string& body,
             std::vector<std::string> headers = {}) const;

  /// The values of Data[@Name='MESSAGE'] of all events in `log`, oldest first by arrival.
  std::vector<std::string> messages(const std::string& log = "ForwardedEvents", const std::string& query = "*") const;

 private:
  Placement placement_;
  test_support::TemporaryDirectory directory_;
  std::string authority_;
  unsigned port_ = 0;
  std::unique_ptr<test_support::Process> collector_;
  std::map<std::string, std::unique_ptr<test_support::Process>> forwarders_;
};

}  // namespace integration
