// Definitions of collector-initiated subscriptions, and what a collector says of their sources.

#pragma once

#include <string>
#include <vector>

#include "tests/integration/stack.h"

namespace integration {

/// Who the fake sources let in.
inline constexpr const char* kSourceUser = "reader";
inline constexpr const char* kSourcePassword = "correct horse battery";

/// What a definition says; the rest is fixed.
struct InitiatedHere {
  std::string id = "here";
  std::string mode = "Pull";  ///< or "Push"
  std::string uri = "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog";
  std::string dialect;  ///< empty: Windows' own
  std::string query = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>";
  std::string transport = "http";
  unsigned port = 0;
  bool read_existing = true;
  unsigned max_items = 20;
  unsigned heartbeat_ms = 1000;
  std::vector<std::string> addresses{"127.0.0.1"};
  std::string user = kSourceUser;
  std::string password = kSourcePassword;
};
std::string definition_of(const InitiatedHere& subscription);

/// Makes the subscription, or changes the one of that id. Fails the test where it is refused.
void create(const Stack& stack, const InitiatedHere& subscription);
void change(const Stack& stack, const InitiatedHere& subscription);

/// What `wecutil gr` says of one source.
struct SourceReport {
  std::string status;
  unsigned long error = 0;
  std::string message;
};
SourceReport report_of(const Stack& stack, const std::string& id, const std::string& address);
/// Waits until `wecutil gr` says of a source that it is Active, or that its last error is `error`.
bool becomes_active(const Stack& stack, const std::string& id, const std::string& address);
bool fails_with(const Stack& stack, const std::string& id, const std::string& address, unsigned long error);

/// Starts a collector that sources can be told the address of: its port is in its configuration.
void start_reachable(Stack& stack);

/// Configuration of a collector that gives passwords over HTTP.
inline constexpr const char* kUnencrypted = "[winrm.client]\nAllowUnencrypted = true\n";

}  // namespace integration
