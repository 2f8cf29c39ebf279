#include "engine/http/reader.h"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>

#include "engine/base/encoding.h"

namespace http {
namespace {

namespace bhttp = boost::beast::http;

/// A body of hundreds of kilobytes read in pieces of a few hundred bytes costs twelve times as much.
constexpr std::size_t kReadSize = 64 << 10;
constexpr std::size_t kMaxInterimResponses = 10;
constexpr std::size_t kSmallestChunk = std::string_view("0\r\n\r\n").size();
constexpr std::size_t kMaxChunkLine = 16 << 10;
constexpr std::size_t kMaxResponseHeader = 64 << 10;

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "http"; }
  std::string message(int code) const override {
    switch (static_cast<ReadErrc>(code)) {
      case ReadErrc::EndOfStream:
        return "the peer closed the connection";
      case ReadErrc::Incomplete:
        return "the peer closed the connection in the middle of a message";
      case ReadErrc::Malformed:
        return "the message is not HTTP/1.1";
      case ReadErrc::HeaderTooLarge:
        return "the message's header is too large";
      case ReadErrc::BodyTooLarge:
        return "the message's body is too large";
      case ReadErrc::NoRoom:
        return "there is no memory for the message's body now";
    }
    return "unknown HTTP error";
  }
};

base::Error parse_error(const boost::system::error_code& code) {
  ReadErrc result = ReadErrc::Malformed;
  if (code == bhttp::error::header_limit) result = ReadErrc::HeaderTooLarge;
  if (code == bhttp::error::body_limit) result = ReadErrc::BodyTooLarge;
  return base::make_error(result, code.message());
}

/// Feeds `parser` until `done` holds. Errors: those of the stream, and ReadErrc.
template <typename Parser, typename Done>
base::AsyncResult<void> feed(Stream& stream, ReadBuffer& buffer, Parser& parser, std::size_t max_header_bytes, Done done,
                             bool* any_byte) {
  // Beast's own limit holds for what it sees at a time, which is less than the whole header where that comes in pieces.
  std::size_t header_bytes = 0;
  while (!done(parser)) {
    const std::string_view unread = buffer.unread();
    boost::system::error_code error;
    std::size_t used = 0;
    // Where a last chunk comes in pieces, Beast asserts that it sees five bytes of it at a time. A chunked body that is not
    // complete always has that many still to come.
    const std::size_t least = parser.is_header_done() && parser.chunked() ? kSmallestChunk : 1;
    if (unread.size() >= least) {
      const bool in_header = !parser.is_header_done();
      used = parser.put(boost::asio::const_buffer(unread.data(), unread.size()), error);
      buffer.consume(used);
      if (error && error != bhttp::error::need_more) co_return parse_error(error);
      if (in_header) {
        header_bytes += used;
        if (header_bytes + (parser.is_header_done() ? 0 : buffer.unread().size()) > max_header_bytes)
          co_return base::make_error(ReadErrc::HeaderTooLarge, "");
      }
      if (done(parser)) break;
      if (used != 0 && !buffer.empty() && error != bhttp::error::need_more) continue;
      // After the header only a chunk's first line and the trailer are taken whole, and those are short.
      if (parser.is_header_done() && buffer.unread().size() > kMaxChunkLine)
        co_return base::make_error(ReadErrc::Malformed, "a chunk's line or the trailer does not end");
    }
    ASSIGN_OR_CO_RETURN(const std::size_t got, co_await buffer.fill(stream));
    if (got != 0) {
      if (any_byte != nullptr) *any_byte = true;
      continue;
    }
    if (!parser.got_some()) co_return base::make_error(ReadErrc::EndOfStream, "");
    parser.put_eof(error);
    if (error) co_return base::make_error(ReadErrc::Incomplete, "");
  }
  co_return base::Result<void>();
}

template <typename Message>
Fields fields_of(const Message& message) {
  Fields fields;
  for (const auto& field : message) fields.add(std::string(field.name_string()), std::string(field.value()));
  return fields;
}

}  // namespace

std::error_code make_error_code(ReadErrc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

base::AsyncResult<std::size_t> ReadBuffer::fill(Stream& stream) {
  make_room();
  ASSIGN_OR_CO_RETURN(const std::size_t got, co_await stream.read_some({bytes_.get() + filled_, capacity_ - filled_}));
  filled_ += got;
  co_return got;
}

void ReadBuffer::make_room() {
  constexpr std::size_t kLeast = kReadSize / 4;
  const std::string_view kept = unread();
  if (kept.empty()) used_ = filled_ = 0;
  if (capacity_ - filled_ >= kLeast) return;
  if (kept.size() + kLeast <= capacity_) {
    std::memmove(bytes_.get(), kept.data(), kept.size());
  } else {
    capacity_ = kept.size() + kReadSize;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
    std::copy(kept.begin(), kept.end(), larger.get());
    bytes_ = std::move(larger);
  }
  used_ = 0;
  filled_ = kept.size();
}

void ReadBuffer::release() {
  bytes_.reset();
  capacity_ = used_ = filled_ = 0;
}

struct RequestReader::State {
  State(Stream& s, ReadBuffer& b) : stream(s), buffer(b) {}
  Stream& stream;
  ReadBuffer& buffer;
  std::size_t max_header_bytes = 0;
  bhttp::request_parser<bhttp::string_body> parser;
};

RequestReader::RequestReader(Stream& stream, ReadBuffer& buffer, std::size_t max_header_bytes)
    : state_(std::make_unique<State>(stream, buffer)) {
  state_->max_header_bytes = max_header_bytes;
  state_->parser.header_limit(static_cast<std::uint32_t>(max_header_bytes));
  // The limit of the body is known once somebody has seen the head; read_body() checks it before a byte is taken.
  state_->parser.body_limit(boost::none);
  state_->parser.eager(false);
}

RequestReader::~RequestReader() = default;

base::AsyncResult<RequestHead> RequestReader::read_head() {
  auto header_done = [](const auto& parser) { return parser.is_header_done(); };
  CO_RETURN_IF_ERROR(co_await skip_empty_lines());
  CO_RETURN_IF_ERROR(
      co_await feed(state_->stream, state_->buffer, state_->parser, state_->max_header_bytes, header_done, nullptr));
  const auto& message = state_->parser.get();
  // Beast reads a message in a transfer coding that it does not know as one without a body: what follows would be taken for
  // the next request.
  if (message.find(bhttp::field::transfer_encoding) != message.end() && !state_->parser.chunked())
    co_return base::make_error(ReadErrc::Malformed, "a transfer coding other than chunked");
  RequestHead head;
  head.method = std::string(message.method_string());
  head.target = std::string(message.target());
  head.fields = fields_of(message);
  if (!state_->parser.chunked()) {
    const auto length = state_->parser.content_length();
    head.content_length = length ? *length : 0;
  }
  co_return head;
}

base::AsyncResult<void> RequestReader::skip_empty_lines() {
  ReadBuffer& buffer = state_->buffer;
  for (std::size_t skipped = 0; skipped <= state_->max_header_bytes; ++skipped) {
    if (buffer.empty()) {
      ASSIGN_OR_CO_RETURN(const std::size_t got, co_await buffer.fill(state_->stream));
      if (got == 0) co_return base::make_error(ReadErrc::EndOfStream, "");
    }
    if (buffer.unread().front() != '\r' && buffer.unread().front() != '\n') co_return base::Result<void>();
    buffer.consume(1);
  }
  co_return base::make_error(ReadErrc::HeaderTooLarge, "");
}

unsigned RequestReader::version() const {
  return state_->parser.get().version();
}

bool RequestReader::keep_alive() const {
  return state_->parser.keep_alive();
}

bool RequestReader::expects_continue() const {
  if (version() < 11 || !state_->buffer.empty() || state_->parser.is_done()) return false;
  const auto expect = state_->parser.get().find(bhttp::field::expect);
  return expect != state_->parser.get().end() &&
         base::equal_ignoring_case(std::string_view(expect->value().data(), expect->value().size()), "100-continue");
}

base::AsyncResult<std::string> RequestReader::read_body(std::size_t max_bytes, BodyRoom* room) {
  const auto length = state_->parser.content_length();
  if (length && *length > max_bytes) co_return base::make_error(ReadErrc::BodyTooLarge, "");
  state_->parser.body_limit(max_bytes);
  state_->parser.eager(true);
  bool full = false;
  auto done = [room, &full](const auto& parser) {
    full = room != nullptr && !room->reach(parser.get().body().size());
    return full || parser.is_done();
  };
  for (;;) {
    CO_RETURN_IF_ERROR(
        co_await feed(state_->stream, state_->buffer, state_->parser, state_->max_header_bytes, done, nullptr));
    if (!full) co_return std::move(state_->parser.get().body());
    if (state_->buffer.empty()) state_->buffer.release();
    const bool there = co_await room->wait(length ? *length : max_bytes);
    if (!there) co_return base::make_error(ReadErrc::NoRoom, "");
  }
}

base::AsyncResult<Response> read_response(Stream& stream, ReadBuffer& buffer, std::size_t max_body_bytes, bool& keep_alive,
                                          bool& any_byte) {
  for (std::size_t interim = 0; interim < kMaxInterimResponses; ++interim) {
    bhttp::response_parser<bhttp::string_body> parser;
    parser.header_limit(kMaxResponseHeader);
    parser.body_limit(max_body_bytes);
    auto done = [](const auto& p) { return p.is_done(); };
    CO_RETURN_IF_ERROR(co_await feed(stream, buffer, parser, kMaxResponseHeader, done, &any_byte));
    auto& message = parser.get();
    if (message.result_int() >= 100 && message.result_int() < 200) continue;
    Response response;
    response.status = message.result_int();
    response.fields = fields_of(message);
    response.body = std::move(message.body());
    keep_alive = parser.keep_alive();
    co_return response;
  }
  co_return base::make_error(ReadErrc::Malformed, "too many interim responses");
}

}  // namespace http
