// Who answers HTTP requests.

#pragma once

#include <any>
#include <functional>
#include <memory>
#include <optional>

#include "engine/base/peer.h"
#include "engine/base/task.h"
#include "engine/http/message.h"

namespace http {

/// What a connection carries from one request to the next besides its peer: authentication that is bound to the connection
/// keeps its state in `session`. One strand.
struct Connection {
  base::Peer peer;
  std::any session;
};

/// The answer to a request's head, before its body is read.
struct Admission {
  /// Set: send this instead. The body stays unread, and so the connection ends, unless the body is so small (64 KiB) that it
  /// is read past: a client that authenticates in several steps needs its connection.
  std::optional<Response> refusal;
  /// The body may have this many bytes; a longer one is answered 413.
  std::size_t max_body = 0;
  /// Kept until the response is written: a share of a memory budget, say.
  std::shared_ptr<void> hold;
  /// Set: asked now and then, on the connection's strand, while a body comes slowly. True ends it as if the time for its
  /// retrieval were over: others wait for what it holds.
  std::function<bool()> wanted_elsewhere;
};

/// Thread-safe: called from the strand of each connection.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Decides on the head alone. May wait; meanwhile the body is not read, so TCP pushes back on the sender, and the time for
  /// the retrieval of the request does not run.
  virtual base::Task<Admission> admit(const RequestHead& head, Connection& connection) = 0;
  virtual base::Task<Response> handle(Request request, Connection& connection) = 0;
};

}  // namespace http
