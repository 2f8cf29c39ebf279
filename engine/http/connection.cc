#include "engine/http/connection.h"

#include <array>
#include <ctime>

#include "engine/base/log.h"
#include "engine/http/reader.h"
#include "engine/http/watchdog.h"

namespace http {
namespace {

/// A body that nobody wants is read and thrown away up to here, so that the peer gets to see the answer.
constexpr std::size_t kMaxDrained = 4 << 20;
constexpr std::chrono::milliseconds kDrainLimit{2000};
/// What a body has to come at while others wait, in octets a second, and how often a slower one is looked at.
constexpr std::size_t kPace = 32 << 10;
constexpr std::chrono::milliseconds kLookAgain{500};
/// Small bodies go out with their head in one write.
constexpr std::size_t kJoinedBody = 16 << 10;

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "";
  }
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  // Not strftime's %a and %b: those speak the locale's language.
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                parts.tm_sec);
  return text.data();
}

/// What a response says depends on the request in these ways.
struct Manner {
  bool stay = false;      ///< the connection goes on
  bool http_1_0 = false;  ///< which ends connections unless told otherwise
  bool head = false;      ///< the answer to HEAD has no body
};

std::string head_of(const Response& response, const Manner& manner) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += reason_of(response.status);
  head += "\r\n";
  response.fields.append_to(head);
  head += "Date: " + http_date() + "\r\n";
  if (response.status != 204) head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  if (!manner.stay) head += "Connection: close\r\n";
  if (manner.stay && manner.http_1_0) head += "Connection: Keep-Alive\r\n";
  head += "\r\n";
  return head;
}

base::AsyncResult<void> write_response(Stream& stream, Response response, Manner manner) {
  std::string head = head_of(response, manner);
  if (response.status == 204 || manner.head) response.body.clear();
  if (response.body.size() <= kJoinedBody) {
    head += response.body;
    co_return co_await stream.write(head);
  }
  CO_RETURN_IF_ERROR(co_await stream.write(head));
  co_return co_await stream.write(response.body);
}

/// Ends our side, then reads on for a moment: closing at once with unread bytes would reset the connection, and the peer
/// would lose the answer that we have just sent.
base::Task<void> linger(Stream& stream, ReadBuffer& buffer, Watchdog& watchdog) {
  co_await stream.shutdown();
  watchdog.arm(kDrainLimit);
  std::size_t drained = 0;
  while (drained < kMaxDrained) {
    buffer.consume(buffer.unread().size());
    auto got = co_await buffer.fill(stream);
    if (!got.ok() || *got == 0) co_return;
    drained += *got;
  }
}

/// Retry-After for those whom we have no room for: not all at the same time.
std::string retry_after() {
  static std::atomic<unsigned> turn{0};
  return std::to_string(5 + turn++ % 26);
}

/// 0: the connection ends without an answer.
unsigned status_for(const base::Error& error, const Watchdog& watchdog) {
  // Not 408: a slow sender gets from Windows what it gets here (wsman-protocol, section 3).
  if (watchdog.expired()) return 500;
  if (error.code == ReadErrc::HeaderTooLarge) return 431;
  if (error.code == ReadErrc::BodyTooLarge) return 413;
  if (error.code == ReadErrc::Malformed) return 400;
  if (error.code == ReadErrc::NoRoom) return 503;
  return 0;
}

/// The marks of a connection that is between requests.
class IdleMark {
 public:
  explicit IdleMark(ConnectionState& state) : state_(state) { state_.idle = true; }
  ~IdleMark() { state_.idle = false; }

 private:
  ConnectionState& state_;
};

class ServerConnection {
  using Clock = std::chrono::steady_clock;

 public:
  ServerConnection(Stream& stream, const ListenerOptions& options, Handler& handler, ConnectionState& state,
                   base::Executor executor)
      : stream_(stream), options_(options), handler_(handler), state_(state), watchdog_(std::move(executor), [this] {
          end_step();
        }) {
    connection_.peer = stream.peer();
  }

  base::Task<void> run() {
    // Each await stands alone: g++ 12 destroys the awaitable twice where it is an operand of &&.
    while (!state_.stopping) {
      const bool ready = co_await wait_for_request();
      if (!ready) co_return;
      const bool stay = co_await serve_one();
      if (!stay) co_return;
      served_ = true;
    }
  }

 private:
  base::Task<bool> wait_for_request() {
    if (!buffer_.empty()) co_return true;
    buffer_.release();
    // Who has said nothing yet has nothing to be silent between.
    watchdog_.arm(served_ ? options_.idle_timeout : std::min(options_.idle_timeout, retrieval_timeout()));
    const IdleMark mark(state_);
    auto readable = co_await stream_.wait_readable();
    co_return readable.ok();
  }

  /// False where the connection is to end.
  base::Task<bool> serve_one() {
    const std::chrono::milliseconds retrieval = retrieval_timeout();
    const auto begun = Clock::now();
    watchdog_.arm(retrieval);
    RequestReader reader(stream_, buffer_, options_.max_header_bytes);
    auto head = co_await reader.read_head();
    if (!head.ok()) co_return co_await refuse(status_for(head.error(), watchdog_));
    watchdog_.disarm();
    const auto left = retrieval - (Clock::now() - begun);
    Admission admission = co_await handler_.admit(*head, connection_);
    watchdog_.arm(retrieval);
    if (admission.refusal) co_return co_await refuse_unread(std::move(*admission.refusal), *head, reader);
    if (head->content_length && *head->content_length > admission.max_body) co_return co_await refuse(413);
    if (reader.expects_continue()) {
      auto told = co_await stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
      if (!told.ok()) co_return false;
    }
    begin_body(left, head->content_length.value_or(admission.max_body), admission);
    PausingRoom room(*this);
    auto body = co_await reader.read_body(admission.max_body, admission.room ? &room : nullptr);
    room_ = nullptr;
    if (!body.ok()) co_return co_await refuse(status_for(body.error(), watchdog_));
    watchdog_.disarm();
    Manner manner = manner_of(*head, reader);
    Request request{std::move(*head), std::move(*body)};
    // A connection that will be idle for an hour must not keep the read buffer while its answer is made either.
    if (buffer_.empty()) buffer_.release();
    Response response = co_await handler_.handle(std::move(request), connection_);
    manner.stay = manner.stay && !response.close && !state_.stopping;
    co_return co_await answer(std::move(response), manner);
  }

  /// The time that the peer has to wait for room is not its own.
  class PausingRoom final : public BodyRoom {
   public:
    explicit PausingRoom(ServerConnection& connection) : connection_(connection), room_(*connection.room_) {}
    bool reach(std::size_t received) override { return room_.reach(received); }
    bool wanted_elsewhere() const override { return room_.wanted_elsewhere(); }
    base::Task<bool> wait(std::size_t size) override {
      const auto begun = Clock::now();
      connection_.watchdog_.disarm();
      const bool there = co_await room_.wait(size);
      connection_.go_on_with_body(Clock::now() - begun);
      co_return there;
    }

   private:
    ServerConnection& connection_;
    BodyRoom& room_;
  };

  /// The request has `left` of its time; one that is slow has less where others wait for what it holds.
  void begin_body(Clock::duration left, std::uint64_t size, const Admission& admission) {
    room_ = admission.room.get();
    const std::chrono::milliseconds fair = options_.body_patience + std::chrono::milliseconds(size * 1000 / kPace);
    body_until_ = fair_until_ = Clock::now() + left;
    if (room_ != nullptr) fair_until_ = std::min(fair_until_, Clock::now() + fair);
    watchdog_.arm(fair_until_ - Clock::now());
  }

  void go_on_with_body(Clock::duration waited) {
    body_until_ += waited;
    fair_until_ += waited;
    watchdog_.arm(std::max<Clock::duration>(fair_until_ - Clock::now(), kLookAgain));
  }

  /// The limit of the present step is reached.
  void end_step() {
    const auto left = body_until_ - Clock::now();
    if (room_ != nullptr && left > Clock::duration::zero() && !room_->wanted_elsewhere()) {
      watchdog_.arm(std::min<Clock::duration>(kLookAgain, left));
    } else {
      stream_.cancel();
    }
  }

  std::chrono::milliseconds retrieval_timeout() const {
    const std::chrono::milliseconds changed = state_.retrieval_timeout;
    return changed.count() != 0 ? changed : options_.retrieval_timeout;
  }

  static Manner manner_of(const RequestHead& head, const RequestReader& reader) {
    return {reader.keep_alive(), reader.version() < 11, head.method == "HEAD"};
  }

  base::Task<bool> answer(Response response, Manner manner) {
    watchdog_.arm(options_.write_timeout);
    auto written = co_await write_response(stream_, std::move(response), manner);
    if (!written.ok()) co_return false;
    if (manner.stay) co_return true;
    if (state_.stopping) {
      co_await stream_.shutdown();
    } else {
      co_await linger(stream_, buffer_, watchdog_);
    }
    co_return false;
  }

  /// Answers without SOAP, and ends.
  base::Task<bool> refuse(unsigned status) {
    if (status == 0) co_return false;
    Response response;
    response.status = status;
    if (status == 503) response.fields.add("Retry-After", retry_after());
    const Manner last;
    co_return co_await answer(std::move(response), last);
  }

  /// Sends the handler's refusal. The connection goes on where the body is small enough to be read past: a client in the
  /// middle of an authentication needs the same connection.
  base::Task<bool> refuse_unread(Response response, const RequestHead& head, RequestReader& reader) {
    constexpr std::size_t kReadPast = 64 << 10;
    Manner manner = manner_of(head, reader);
    if (response.close || state_.stopping || reader.expects_continue()) manner.stay = false;
    if (!head.content_length || *head.content_length > kReadPast) manner.stay = false;
    if (manner.stay) {
      auto body = co_await reader.read_body(kReadPast);
      manner.stay = body.ok();
    }
    co_return co_await answer(std::move(response), manner);
  }

  Stream& stream_;
  const ListenerOptions& options_;
  Handler& handler_;
  ConnectionState& state_;
  ReadBuffer buffer_;
  Connection connection_;
  bool served_ = false;           ///< a request at least
  BodyRoom* room_ = nullptr;      ///< of the body that is read
  Clock::time_point body_until_;  ///< its last moment
  Clock::time_point fair_until_;  ///< the same where others wait for what it holds
  Watchdog watchdog_;
};

}  // namespace

base::Task<void> serve_connection(std::unique_ptr<Stream> stream, const ListenerOptions& options, Handler& handler,
                                  std::shared_ptr<ConnectionState> state) {
  state->stream = stream.get();
  struct Clear {
    ConnectionState& state;
    ~Clear() { state.stream = nullptr; }
  } const clear{*state};
  ServerConnection connection(*stream, options, handler, *state, co_await boost::asio::this_coro::executor);
  co_await connection.run();
  stream->close();
}

}  // namespace http
