// winrm/config of a running collector, asked over its control socket.

#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/stack.h"

namespace integration {

/// What came back: the body's XML, or the number of a fault.
struct ConfigReply {
  int status = 0;
  std::string body;
  std::string fault;    ///< WSManFault/@Code, empty where there was none
  std::string subcode;  ///< "w:InternalError"
};

using Selectors = std::vector<std::pair<std::string, std::string>>;

class ConfigClient {
 public:
  explicit ConfigClient(const Stack& stack) : stack_(stack) {}

  ConfigReply get(const std::string& path, const Selectors& selectors = {}) const;
  ConfigReply put(const std::string& path, const std::string& body, const Selectors& selectors = {}) const;
  ConfigReply create(const std::string& path, const std::string& body, const Selectors& selectors) const;
  ConfigReply remove(const std::string& path, const Selectors& selectors) const;
  ConfigReply enumerate(const std::string& path, const std::string& inside = {}) const;
  ConfigReply invoke(const std::string& path, const std::string& method) const;
  /// Any request: `body` is what stands in s:Body.
  ConfigReply send(const std::string& action, const std::string& path, const std::string& body,
                   const Selectors& selectors = {}, const std::string& headers = {}) const;

  /// Put of one element: set("service", "Service", "<cfg:MaxConnections>1</cfg:MaxConnections>").
  ConfigReply set(const std::string& path, const std::string& root, const std::string& elements,
                  const Selectors& selectors = {}) const;
  /// The text of the first element of that name in Get of `path`.
  std::string value(const std::string& path, const std::string& element) const;

 private:
  const Stack& stack_;
};

std::string config_uri(const std::string& path);
/// A whole envelope, as a client of the network sends it too.
std::string config_envelope(const std::string& action, const std::string& path, const std::string& body,
                            const Selectors& selectors = {}, const std::string& headers = {});

}  // namespace integration
