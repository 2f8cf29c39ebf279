// One server connection: request after request until one side ends it.

#pragma once

#include <atomic>
#include <memory>

#include "engine/http/listener.h"
#include "engine/http/stream.h"

namespace http {

/// What a connection and its listener share. `idle` and `stream` belong to the connection's strand.
struct ConnectionState {
  Stream* stream = nullptr;  ///< null before and after
  bool idle = false;         ///< between requests: may be closed without loss
  std::atomic<bool> stopping = false;
  /// Takes the place of ListenerOptions::retrieval_timeout from the next request on, unless it is 0.
  std::atomic<std::chrono::milliseconds> retrieval_timeout{std::chrono::milliseconds(0)};
};

/// Serves `stream`, on the strand that awaits it, until the peer ends, a limit is reached, a response says so, or
/// `state->stopping` is set. Never fails: trouble with one peer ends its connection.
base::Task<void> serve_connection(std::unique_ptr<Stream> stream, const ListenerOptions& options, Handler& handler,
                                  std::shared_ptr<ConnectionState> state);

}  // namespace http
