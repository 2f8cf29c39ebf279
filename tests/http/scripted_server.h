// A server that says what a test tells it to, on real TCP connections.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace http_test {

/// What happens on one connection, from its beginning to its end.
struct Script {
  /// For each request that comes (a head and the body that its Content-Length announces): what is sent back.
  std::vector<std::string> answers;
  /// After the last answer: close, or else keep silent until the client closes.
  bool close = true;
};

/// Plays one script per connection, in order; further connections are closed at once.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<Script> scripts);
  ~ScriptedServer();

  std::string url() const;
  std::size_t connections() const;
  /// Every request so far, as it came.
  std::vector<std::string> requests() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace http_test
