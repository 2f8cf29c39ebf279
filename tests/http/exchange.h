// A handler that remembers, and conversations with a server connection over memory.

#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "engine/http/connection.h"
#include "engine/http/handler.h"
#include "tests/fakes/memory_stream.h"

namespace http_test {

/// Answers 200 with the request's own body, unless told otherwise before the first request. Thread-safe.
class RecordingHandler : public http::Handler {
 public:
  std::size_t max_body = 1 << 20;
  /// Admits everything where not set.
  std::function<std::optional<http::Response>(const http::RequestHead&)> refuse;
  std::function<http::Response(const http::Request&, http::Connection&)> answer;
  /// What admissions say where others wait for the memory of a body.
  std::function<bool()> wanted_elsewhere;
  /// Room for bodies until wait() has been awaited; it takes so long, and says so.
  std::size_t room = std::numeric_limits<std::size_t>::max();
  std::chrono::milliseconds room_delay{0};
  bool room_comes = true;
  /// How long admit() waits.
  std::chrono::milliseconds admission_delay{0};

  base::Task<http::Admission> admit(const http::RequestHead& head, http::Connection& connection) override;
  base::Task<http::Response> handle(http::Request request, http::Connection& connection) override;

  std::vector<http::Request> requests() const;
  /// How many requests' heads have been seen.
  std::size_t admissions() const;

 private:
  mutable std::mutex mutex_;
  std::vector<http::Request> requests_;
  std::size_t admissions_ = 0;
};

/// "POST / HTTP/1.1" with a Content-Length, and `fields` ("Name: value\r\n" each).
std::string post(const std::string& body, const std::string& fields = {});

/// Sends `input` to a server connection, ends, and gives what the server said until it ended as well.
std::string converse(http::Handler& handler, const std::string& input, fakes::MemoryStreamOptions server_side = {},
                     http::ListenerOptions options = {});

/// The same, without our end's end: the server must end by itself.
std::string converse_until_closed(http::Handler& handler, const std::string& input, http::ListenerOptions options = {});

/// The responses in `output`, one after the other, interim ones included. Fails the test where they are malformed.
std::vector<http::Response> responses_in(std::string_view output);
std::vector<unsigned> statuses_in(std::string_view output);

}  // namespace http_test
