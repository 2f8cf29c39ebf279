// Any bytes as HTTP requests and as HTTP responses: bounded, and the same whether they come at once or in pieces.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/http/reader.h"
#include "tests/fakes/memory_stream.h"

namespace {

constexpr std::size_t kMaxHeader = 2'000;
constexpr std::size_t kMaxBody = 10'000;

/// All that the reader made of the bytes, as one text. Which error it was may depend on the pieces: a header that is both
/// malformed and cut short is either.
struct Outcome {
  std::string text;
  bool ended = false;
};

void describe(const http::Fields& fields, std::string& text) {
  for (const auto& [name, value] : fields) text += name + ": " + value + "\n";
}

base::Task<void> read_requests(http::Stream& stream, Outcome& outcome) {
  http::ReadBuffer buffer;
  for (;;) {
    http::RequestReader reader(stream, buffer, kMaxHeader);
    auto head = co_await reader.read_head();
    if (!head.ok()) {
      outcome.text += "error";
      break;
    }
    outcome.text += head->method + " " + head->target + "\n";
    describe(head->fields, outcome.text);
    auto body = co_await reader.read_body(kMaxBody);
    if (!body.ok()) {
      outcome.text += "error";
      break;
    }
    if (body->size() > kMaxBody) std::abort();
    if (head->content_length && *head->content_length != body->size()) std::abort();
    outcome.text += *body + (reader.keep_alive() ? "\nstay\n" : "\nend\n");
    if (!reader.keep_alive()) break;
  }
  outcome.ended = true;
}

base::Task<void> read_responses(http::Stream& stream, Outcome& outcome) {
  http::ReadBuffer buffer;
  for (bool keep_alive = true; keep_alive;) {
    bool any_byte = false;
    auto response = co_await http::read_response(stream, buffer, kMaxBody, keep_alive, any_byte);
    if (!response.ok()) {
      outcome.text += "error";
      break;
    }
    if (response->body.size() > kMaxBody) std::abort();
    outcome.text += std::to_string(response->status) + "\n";
    describe(response->fields, outcome.text);
    outcome.text += response->body;
  }
  outcome.ended = true;
}

base::Task<void> send(http::Stream& stream, std::string bytes) {
  auto sent = co_await stream.write(bytes);
  if (!sent.ok()) std::abort();
  co_await stream.shutdown();
}

void finish(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

template <typename Read>
std::string outcome_of(Read read, std::string_view bytes, std::size_t piece) {
  boost::asio::io_context context;
  fakes::MemoryStreamOptions options;
  options.max_read = piece;
  auto pair = fakes::MemoryStream::make_pair(context.get_executor(), {}, options);
  Outcome outcome;
  boost::asio::co_spawn(context, send(*pair.first, std::string(bytes)), finish);
  boost::asio::co_spawn(context, read(*pair.second, outcome), finish);
  context.run();
  if (!outcome.ended) std::abort();
  return outcome.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 20'000) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = 1 + size % 7;
  if (const auto a = outcome_of(read_requests, bytes, 1 << 20), b = outcome_of(read_requests, bytes, piece); a != b) {
    fprintf(stderr, "WHOLE:\n%s\nPIECES:\n%s\n", a.c_str(), b.c_str());
    std::abort();
  }
  if (const auto a = outcome_of(read_responses, bytes, 1 << 20), b = outcome_of(read_responses, bytes, piece); a != b) {
    fprintf(stderr, "WHOLE:\n%s\nPIECES:\n%s\n", a.c_str(), b.c_str());
    std::abort();
  }
  return 0;
}
