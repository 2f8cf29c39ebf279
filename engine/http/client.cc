#include "engine/http/client.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "engine/http/connector.h"
#include "engine/http/reader.h"
#include "engine/http/socket_stream.h"
#include "engine/http/tls_stream.h"
#include "engine/http/watchdog.h"

namespace http {
namespace {

/// Small bodies go out with their head in one write.
constexpr std::size_t kJoinedBody = 16 << 10;
/// A connection that has lain idle for longer may be about to be closed by the server.
constexpr std::chrono::seconds kFresh{1};
/// How often within the time of silence that is allowed it is looked for.
constexpr int kLooks = 4;

/// Cancels what waits on a stream once the whole of it has taken too long, or the other end's host shows no sign of life.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  Patience(base::Executor executor, Stream& stream, std::chrono::milliseconds timeout, std::chrono::milliseconds silence)
      : stream_(stream), timeout_(timeout), silence_(silence), begun_(Clock::now()), watchdog_(std::move(executor), [this] {
          look();
        }) {
    arm();
  }
  ~Patience() {
    if (probing_) stream_.probe(std::chrono::seconds(0));
  }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  bool ended() const { return watchdog_.expired(); }
  std::string reason() const {
    return silent_ ? "'s host has not acknowledged anything for " + std::to_string(silence_.count()) + " ms"
                   : " has not answered in " + std::to_string(timeout_.count()) + " ms";
  }

 private:
  void arm() { watchdog_.arm(std::min<Clock::duration>(begun_ + timeout_ - Clock::now(), silence_ / kLooks)); }

  void look() {
    const auto spent = Clock::now() - begun_;
    // Before this request nobody had anything to acknowledge.
    silent_ = std::min<Clock::duration>(stream_.silence(), spent) >= silence_;
    if (silent_ || spent >= timeout_) {
      stream_.cancel();
      return;
    }
    // Only now: an answer mostly comes at once.
    if (!std::exchange(probing_, true)) {
      const auto interval = std::chrono::duration_cast<std::chrono::seconds>(silence_ / kLooks);
      stream_.probe(std::clamp(interval, std::chrono::seconds(1), std::chrono::seconds(30)));
    }
    arm();
  }

  Stream& stream_;
  const std::chrono::milliseconds timeout_;
  const std::chrono::milliseconds silence_;
  const Clock::time_point begun_;
  bool silent_ = false;
  bool probing_ = false;
  Watchdog watchdog_;
};

}  // namespace

struct Client::State {
  State(Url u, ClientOptions o) : url(std::move(u)), options(std::move(o)) {}
  Url url;
  ClientOptions options;
  std::unique_ptr<Stream> stream;
  ReadBuffer buffer;
  bool used = false;  ///< a response has come over this connection
  std::chrono::steady_clock::time_point last_used;

  /// How far one request has come.
  struct Progress {
    bool any_byte = false;  ///< of the response
    bool may_stay = false;  ///< the connection can take another request
  };

  void close() {
    if (stream) stream->close();
    stream.reset();
    buffer.release();
    used = false;
  }

  base::AsyncResult<void> connect() {
    const bool local = !options.unix_path.empty();
    if (!local && url.tls && !options.tls)
      co_return base::make_error(std::errc::invalid_argument, "https needs a TLS context");
    const auto begun = std::chrono::steady_clock::now();
    auto attempt = local ? connect_unix(options.unix_path, options.connect_timeout)
                         : connect_tcp(options.connect_host.empty() ? url.host : options.connect_host, url.port,
                                       options.connect_timeout);
    ASSIGN_OR_CO_RETURN(auto socket, co_await std::move(attempt));
    prepare_socket(socket);
    base::Peer peer = peer_of(socket);
    if (local || !url.tls) {
      stream = socket_stream(std::move(socket), std::move(peer));
      co_return base::Result<void>();
    }
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    auto handshake = connect_tls(std::move(socket), std::move(peer), options.tls, url.host,
                                 std::max(options.connect_timeout - spent, std::chrono::milliseconds(1)));
    auto secured = co_await std::move(handshake);
    if (!secured.ok()) co_return base::with_context(std::move(secured).error(), url.authority());
    stream = std::move(*secured);
    co_return base::Result<void>();
  }

  std::string head_of(const Request& request) const {
    const std::string& target = request.head.target == "/" ? url.target : request.head.target;
    std::string head =
        request.head.method + " " + target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\nConnection: Keep-Alive\r\n";
    request.head.fields.append_to(head);
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n";
    return head;
  }

  base::AsyncResult<Response> attempt(const Request& request, std::chrono::milliseconds timeout, Progress& progress) {
    Patience patience(co_await boost::asio::this_coro::executor, *stream, timeout, options.silence_timeout);
    auto response = co_await send_and_receive(request, progress);
    if (!response.ok() && patience.ended()) {
      co_return base::make_error(std::errc::timed_out, url.authority() + patience.reason());
    }
    co_return response;
  }

  base::AsyncResult<Response> send_and_receive(const Request& request, Progress& progress) {
    std::string head = head_of(request);
    const bool joined = request.body.size() <= kJoinedBody;
    if (joined) head += request.body;
    auto sent = co_await stream->write(head);
    if (sent.ok() && !joined) sent = co_await stream->write(request.body);
    if (!sent.ok() && sent.error().code == std::errc::operation_canceled) co_return std::move(sent).error();
    // A server that refuses early stops reading: what it has answered is worth more than our failure to go on writing.
    bool keep_alive = false;
    auto response = co_await read_response(*stream, buffer, options.max_response_bytes, keep_alive, progress.any_byte);
    if (!response.ok()) {
      // So does what TLS has to say against us.
      if (!sent.ok() && !progress.any_byte && response.error().code != std::errc::protocol_error)
        co_return base::with_context(std::move(sent).error(), url.authority());
      co_return base::with_context(std::move(response).error(), url.authority());
    }
    // Bytes behind the response are no answer to anything that we have asked or shall ask.
    progress.may_stay = sent.ok() && keep_alive && buffer.empty();
    co_return response;
  }
};

Client::Client(Url url, ClientOptions options) : state_(std::make_unique<State>(std::move(url), std::move(options))) {}
Client::~Client() = default;

base::AsyncResult<Response> Client::exchange(Request request, std::chrono::milliseconds timeout) {
  State& state = *state_;
  for (;;) {
    // Closed unless all went well: after a cancellation, say, a late answer would be taken for the next request's.
    struct CloseUnlessKept {
      State& state;
      bool keep = false;
      ~CloseUnlessKept() {
        if (!keep) state.close();
      }
    } guard{state};
    if (!request.repeatable && state.stream) {
      // Of a server that closes behind each answer the end has come by now.
      const bool idle = std::chrono::steady_clock::now() - state.last_used > kFresh;
      if (idle || !state.stream->is_quiet()) state.close();
    }
    const bool kept = state.stream != nullptr && state.used;
    if (!state.stream) CO_RETURN_IF_ERROR(co_await state.connect());
    State::Progress progress;
    auto response = co_await state.attempt(request, timeout, progress);
    if (response.ok()) {
      state.used = guard.keep = progress.may_stay;
      state.last_used = std::chrono::steady_clock::now();
      if (guard.keep) state.buffer.release();
      co_return response;
    }
    const std::error_code code = response.error().code;
    if (!kept || !request.repeatable || progress.any_byte || code == std::errc::timed_out ||
        code == std::errc::operation_canceled)
      co_return response;
    // The server has closed a connection that lay idle: once more, on a new one.
  }
}

void Client::close() {
  state_->close();
}
const Url& Client::url() const {
  return state_->url;
}

}  // namespace http
