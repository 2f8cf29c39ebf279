// Who answers HTTP requests.

#pragma once

#include <any>
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

/// The memory for one body, asked for as its bytes come: who sends slowly holds no more than what he has sent. Given back
/// when it goes. One strand.
class BodyRoom {
 public:
  virtual ~BodyRoom() = default;
  /// Whether there is room for the first `received` bytes. False: read no more before wait() has said that there is.
  virtual bool reach(std::size_t received) = 0;
  /// Waits until there is room for all `size` bytes; reach() says so from then on. False: there was none in time.
  virtual base::Task<bool> wait(std::size_t size) = 0;
  /// Asked now and then while a body comes slowly. True ends it as if the time for its retrieval were over: others wait for
  /// what it holds.
  virtual bool wanted_elsewhere() const = 0;
};

/// The answer to a request's head, before its body is read.
struct Admission {
  /// Set: send this instead. The body stays unread, and so the connection ends, unless the body is so small (64 KiB) that it
  /// is read past: a client that authenticates in several steps needs its connection.
  std::optional<Response> refusal;
  /// The body may have this many bytes; a longer one is answered 413.
  std::size_t max_body = 0;
  /// Set: where the body's bytes have their place. Kept until the response is written. Without room in time the answer is
  /// 503.
  std::shared_ptr<BodyRoom> room;
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
