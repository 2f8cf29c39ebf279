// What a service is configured with: the TOML file, policy above it, built-in defaults below.
//
// Source: design of the outer face ("State and configuration"); winrm-config for names, ranges and defaults.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/identities.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/config/values.h"

namespace service {

/// What the parts of a service obey of winrm/config. The keys are Windows' names; those that nothing obeys yet are checked
/// for type and range all the same, so that a configuration stays valid when they come to act.
struct WinrmSettings {
  std::uint32_t max_envelope_size_kb = 150;  ///< MaxEnvelopeSizekb, 32 to 1,039,440
  std::uint32_t max_timeout_ms = 60'000;     ///< MaxTimeoutms, 500 to 4,294,967,295
  std::uint32_t max_batch_items = 32'000;    ///< MaxBatchItems, 1 to 4,294,967,295
  std::uint32_t max_concurrent_operations_per_user = 1500;
  std::uint32_t enumeration_timeout_ms = 60'000;
  std::uint32_t max_connections = 300;  ///< requests in progress at one time
  std::uint32_t max_packet_retrieval_time_seconds = 120;
  bool allow_unencrypted = false;
  bool auth_basic = false;
  bool auth_kerberos = true;
  bool auth_negotiate = true;
  bool auth_certificate = false;
  bool auth_cred_ssp = false;
};
WinrmSettings winrm_settings(const config::Values& values);

/// [[winrm.listener]]
struct ListenerSettings {
  std::string address = "*";  ///< "*", "IP:192.0.2.7", "IP:[2001:db8::7]"
  bool https = true;          ///< Transport = "HTTPS" or "HTTP"
  std::uint16_t port = 5986;  ///< 0 lets the system choose; 5986 or 5985 where it is not given
  bool enabled = true;
  std::string hostname;
  std::string url_prefix = "wsman";
  std::filesystem::path certificate;
  std::filesystem::path private_key;
  std::filesystem::path client_ca;
  bool from_policy = false;
};

/// [[forwarder.source]]
struct SourceSettings {
  std::string
      type;  ///< "journal" or "file" ("audit", "kmsg", "sel" are known names that are not there yet: an error says so)
  std::string path;             ///< file: a glob; journal: a folder of journal files, or empty for the host's own
  std::string channel;          ///< default by type: Linux-Journal/Operational, Linux-Syslog/Operational
  std::string provider;         ///< default by type: Linux-Journal, Linux-Syslog
  bool from_beginning = false;  ///< read_existing: where there is no position yet, begin with the oldest instead of now
};

/// [forwarder.tls]
struct TlsSettings {
  std::filesystem::path certificate;
  std::filesystem::path private_key;
  std::filesystem::path ca;
};

/// [forwarder]
struct ForwarderSettings {
  std::vector<std::string> subscription_managers;  ///< Windows' policy strings
  TlsSettings tls;
  std::vector<SourceSettings> sources;
  std::string computer;                      ///< the Computer of events and the MachineID; default: the host's FQDN
  std::uint64_t max_log_size = 64ull << 20;  ///< octets of each local log, 1 MiB to 1 PiB
  /// Over all subscriptions together, 0 to 1,000,000; 0: no limit.
  std::uint32_t max_events_per_second = 0;
};

/// [collector]
struct CollectorSettings {
  std::string public_name;                  ///< host, or host:port, of NotifyTo addresses; default: what the source used
  bool compression = false;                 ///< offer SLDC
  std::string content_encoding = "UTF-16";  ///< or "UTF-8"
  std::uint64_t max_log_size = 1ull << 30;  ///< octets of a log that nobody has configured, 1 MiB to 1 PiB
  /// Days without a sign of life after which a source that nobody lists is forgotten, 0 to 36,500; 0: never.
  std::uint64_t forget_sources_after = 30;
};

/// [access]
struct AccessSettings {
  std::vector<auth::SidMembers> sids;  ///< [access.sids]: who has which SID, in place of the defaults
};

struct Settings {
  WinrmSettings winrm;        ///< what files, policy and defaults come to, without what `winrm set` stored
  config::Layers winrm_said;  ///< the same by source; its stored layer is empty
  std::vector<ListenerSettings> listeners;
  bool run_as_disabled = false;  ///< [winrm.service] DisableRunAs, of policy only: plugins act as nobody else
  CollectorSettings collector;
  ForwarderSettings forwarder;
  AccessSettings access;
  std::string admin_group = "muster-admins";        ///< [service] admin_group
  base::LogLevel log_level = base::LogLevel::Info;  ///< [service] log_level: error, warning, notice, info, debug
};

enum class Program { Collector, Forwarder };

/// Reads `file` and then every *.toml of `policy_directory` in the order of their names (a missing folder is an empty one);
/// a later value wins, and a later file's listeners, sources or subscription managers take the place of the earlier ones.
/// Relative paths count from the folder of the file that they stand in. A missing `file` is an error. Errors:
/// std::errc::invalid_argument with a line "FILE:LINE: KEY: what is wrong; what would be valid" for each unknown key, wrong
/// type, value out of range, and combination that cannot work (an HTTPS listener without certificate); the system's error
/// for a file that cannot be read.
base::Result<Settings> load_settings(const std::filesystem::path& file, const std::filesystem::path& policy_directory,
                                     Program program);

/// A policy string: `Server=https://…/wsman/SubscriptionManager/WEC,Refresh=60,IssuerCA=<hex>`.
struct SubscriptionManagerAddress {
  std::string url;  ///< scheme in lower case, with a port (5985 or 5986 where none was written) and a path
  std::chrono::seconds refresh{900};
  std::string issuer_ca;  ///< 40 capital hex digits, or empty
};
/// Keys in any case and order; blanks around them are allowed. Errors: std::errc::invalid_argument saying what is wrong.
base::Result<SubscriptionManagerAddress> parse_subscription_manager(std::string_view text);

}  // namespace service
