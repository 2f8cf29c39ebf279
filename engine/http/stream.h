// A connection's bytes, whatever carries them: TCP, TLS, a UNIX socket, or memory in tests.

#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string_view>

#include "engine/base/peer.h"
#include "engine/base/task.h"

namespace http {

/// One strand. Every wait ends early, with std::errc::operation_canceled, when its coroutine is cancelled.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Waits until read_some() would have something to say, without any buffer held meanwhile.
  virtual base::AsyncResult<void> wait_readable() = 0;
  /// Reads at least one byte; 0 is the peer's orderly end. Errors: the transport's.
  virtual base::AsyncResult<std::size_t> read_some(std::span<char> into) = 0;
  /// Writes all of it.
  virtual base::AsyncResult<void> write(std::string_view bytes) = 0;
  /// Sends the orderly end (TLS close_notify, TCP FIN) without waiting for the peer's.
  virtual base::Task<void> shutdown() = 0;
  /// False where something has come from the peer that was not read, its end maybe: as far as is known now.
  virtual bool is_quiet() const { return true; }
  /// Ends the operation in progress, if there is one, with std::errc::operation_canceled; what it has read is lost. The
  /// stream stays usable, except that a write that was cut short leaves it in the middle of a message.
  virtual void cancel() = 0;
  /// Closes at once. Operations in progress end, with std::errc::operation_canceled, and so does every later one.
  virtual void close() = 0;
  /// How long nothing has come from the other end's host, not even an acknowledgement, though bytes or probes are on their
  /// way to it. Zero where none are, and where the transport cannot tell. Since when they are on their way it does not know:
  /// a connection that lay idle before counts from its last use.
  virtual std::chrono::milliseconds silence() { return {}; }
  /// Asks the other end's host each `interval` whether it is there, as long as no bytes are on their way; zero: as seldom as
  /// any other connection does. Harmless where the transport cannot.
  virtual void probe(std::chrono::seconds /*interval*/) {}
  /// What is known of the other end. Valid as long as the stream.
  virtual const base::Peer& peer() const = 0;
};

}  // namespace http
