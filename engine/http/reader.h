// Messages read from a Stream by Beast's parsers, which do no I/O themselves.

#pragma once

#include <memory>
#include <string>
#include <system_error>

#include "engine/base/task.h"
#include "engine/http/handler.h"
#include "engine/http/message.h"
#include "engine/http/stream.h"

namespace http {

enum class ReadErrc {
  EndOfStream = 1,  ///< the peer ended before the first byte of a message
  Incomplete,       ///< the peer ended inside a message
  Malformed,        ///< not HTTP/1.x
  HeaderTooLarge,
  BodyTooLarge,
  NoRoom,  ///< BodyRoom::wait() has failed
};
std::error_code make_error_code(ReadErrc code);

/// The bytes read and not yet used, of one direction of a connection. Its memory is given back while nothing is in it.
class ReadBuffer {
 public:
  std::string_view unread() const { return {bytes_.get() + used_, filled_ - used_}; }
  bool empty() const { return used_ == filled_; }
  void consume(std::size_t count) { used_ += count; }
  /// Reads more behind what is there; 0 at the end of the stream.
  base::AsyncResult<std::size_t> fill(Stream& stream);
  void release();

 private:
  void make_room();

  std::unique_ptr<char[]> bytes_;  ///< not a string, which would be zeroed before every read
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
};

/// One request, in two steps: the head, then, if it is wanted, the body. One strand.
class RequestReader {
 public:
  RequestReader(Stream& stream, ReadBuffer& buffer, std::size_t max_header_bytes);
  ~RequestReader();

  /// Errors: ReadErrc, or the transport's.
  base::AsyncResult<RequestHead> read_head();
  /// 10 or 11.
  unsigned version() const;
  bool keep_alive() const;
  /// The client waits to be told before it sends the body, and has sent nothing of it yet.
  bool expects_continue() const;
  /// The body, at most `max_bytes`. With `room` nothing is read from the stream while that has none, besides what one read
  /// brings. Errors as above, BodyTooLarge and NoRoom among them.
  base::AsyncResult<std::string> read_body(std::size_t max_bytes, BodyRoom* room = nullptr);

 private:
  base::AsyncResult<void> skip_empty_lines();

  struct State;
  std::unique_ptr<State> state_;
};

/// One whole response; interim ones (100 Continue) are passed over. `keep_alive` says whether the connection may be used
/// again.
base::AsyncResult<Response> read_response(Stream& stream, ReadBuffer& buffer, std::size_t max_body_bytes, bool& keep_alive,
                                          bool& any_byte);

}  // namespace http

template <>
struct std::is_error_code_enum<http::ReadErrc> : std::true_type {};
