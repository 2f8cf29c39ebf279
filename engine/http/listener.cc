#include "engine/http/listener.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <future>
#include <list>
#include <mutex>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/task_group.h"
#include "engine/http/connection.h"
#include "engine/http/socket_stream.h"
#include "engine/http/tls_stream.h"

namespace http {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::seconds kCloseLimit{5};
constexpr std::size_t kMaxUnixPath = 107;
constexpr std::size_t kMaxWaitingHandshakes = 256;
constexpr std::chrono::milliseconds kHandshakePause{2};

/// `wanted`, or fewer where the process may not have so many descriptors: what is beyond is better closed at once than left
/// waiting, and files, stores and other listeners need some, too.
std::size_t affordable_connections(std::size_t wanted) {
  constexpr std::size_t kOthers = 256;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
  return std::min(wanted, descriptors - std::min(kOthers, descriptors / 2));
}

/// Lets a line of one kind through at most once in `interval`.
class RareLine {
 public:
  explicit RareLine(std::chrono::steady_clock::duration interval) : interval_(interval) {}
  bool due() {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return false;
    next_ = now + interval_;
    return true;
  }

 private:
  std::chrono::steady_clock::duration interval_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_{};
};

base::Error address_error(const boost::system::error_code& code, const std::string& address) {
  return base::make_error(std::error_code(code), "cannot listen on " + address);
}

/// True where somebody answers on the socket.
bool answers(const std::filesystem::path& path) {
  asio::io_context context;
  asio::local::stream_protocol::socket probe(context);
  boost::system::error_code error;
  probe.connect(asio::local::stream_protocol::endpoint(path.string()), error);
  return !error;
}

}  // namespace

struct Listener::State : std::enable_shared_from_this<Listener::State> {
  State(base::Executor e, ListenerOptions o, Handler& h)
      : executor(std::move(e)),
        options(std::move(o)),
        handler(h),
        tcp(asio::make_strand(executor)),
        local(asio::make_strand(executor)),
        tasks(executor) {}

  struct Open {
    base::Executor strand;
    std::shared_ptr<ConnectionState> state;
  };

  base::Executor executor;
  ListenerOptions options;
  Handler& handler;
  asio::ip::tcp::acceptor tcp;
  asio::local::stream_protocol::acceptor local;
  std::mutex mutex;
  std::list<Open> open;
  std::shared_ptr<TlsServerContext> tls;
  std::chrono::milliseconds retrieval_timeout{0};  ///< 0: the options'
  bool stopping = false;
  std::atomic<std::uint16_t> port = 0;
  RareLine full_line{std::chrono::minutes(1)};
  RareLine accept_line{std::chrono::minutes(1)};
  RareLine handshake_line{std::chrono::seconds(1)};
  std::unique_ptr<HandshakePool> handshakes;  ///< made for the first that there is
  base::TaskGroup tasks;

  HandshakePool& handshake_pool() {
    std::lock_guard lock(mutex);
    if (!handshakes) handshakes = std::make_unique<HandshakePool>();
    return *handshakes;
  }
  std::size_t waiting_handshakes() {
    std::lock_guard lock(mutex);
    return handshakes ? handshakes->busy() : 0;
  }
  std::size_t count() {
    std::lock_guard lock(mutex);
    return open.size();
  }

  base::Result<void> listen_tcp() {
    boost::system::error_code error;
    const std::string shown = options.address + " port " + std::to_string(options.port);
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return base::make_error(std::errc::invalid_argument, "\"" + options.address + "\" is not an IP address");
    const asio::ip::tcp::endpoint endpoint(address, options.port);
    tcp.open(endpoint.protocol(), error);
    if (error) return address_error(error, shown);
    tcp.set_option(asio::socket_base::reuse_address(true), error);
    if (address.is_v6()) tcp.set_option(asio::ip::v6_only(options.only_v6), error);
    tcp.bind(endpoint, error);
    if (!error) tcp.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      boost::system::error_code ignored;
      tcp.close(ignored);
      return address_error(error, shown);
    }
    port = tcp.local_endpoint(error).port();
    tasks.spawn_on(tcp.get_executor(), "accept " + shown, accept(tcp));
    return {};
  }

  base::Result<void> listen_unix() {
    const std::string path = options.unix_path.string();
    if (path.size() > kMaxUnixPath) {
      return base::make_error(std::errc::filename_too_long,
                              "the socket's path " + path + " is longer than " + std::to_string(kMaxUnixPath) + " bytes");
    }
    std::error_code status_error;
    if (std::filesystem::is_socket(options.unix_path, status_error)) {
      if (answers(options.unix_path))
        return base::make_error(std::errc::address_in_use, "another process answers on " + path);
      std::filesystem::remove(options.unix_path, status_error);
    }
    boost::system::error_code error;
    local.open(asio::local::stream_protocol(), error);
    // Nobody may connect between bind() and chmod().
    const mode_t mask = ::umask(0177);
    if (!error) local.bind(asio::local::stream_protocol::endpoint(path), error);
    ::umask(mask);
    if (!error && ::chmod(path.c_str(), options.unix_mode) != 0) error.assign(errno, boost::system::generic_category());
    if (!error) local.listen(asio::socket_base::max_listen_connections, error);
    if (error) return address_error(error, path);
    tasks.spawn_on(local.get_executor(), "accept " + path, accept(local));
    return {};
  }

  template <typename Acceptor>
  base::Task<void> accept(Acceptor& acceptor) {
    auto self = shared_from_this();
    while (acceptor.is_open()) {
      // Whoever comes now waits cheaper in the kernel's queue than as half a handshake.
      while (acceptor.is_open() && waiting_handshakes() >= kMaxWaitingHandshakes) {
        co_await base::system_clock().sleep_for(kHandshakePause);
      }
      if (!acceptor.is_open()) co_return;
      base::Executor strand = asio::make_strand(executor);
      boost::system::error_code error;
      auto socket = co_await acceptor.async_accept(strand, asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted || !acceptor.is_open()) co_return;
      if (error) {
        // Out of descriptors, most likely: the queue stays, so an immediate retry would only spin.
        if (accept_line.due()) base::log_error("cannot accept connections: {}", error.message());
        co_await base::system_clock().sleep_for(kAcceptPause);
        continue;
      }
      add(Socket(std::move(socket)), std::move(strand));
    }
  }

  void add(Socket socket, base::Executor strand) {
    auto state = std::make_shared<ConnectionState>();
    std::list<Open>::iterator place;
    std::shared_ptr<TlsServerContext> context;
    {
      std::lock_guard lock(mutex);
      if (stopping) return;
      if (open.size() >= affordable_connections(options.max_connections)) {
        if (full_line.due()) base::log_warning("{} connections are open: a further one was refused", open.size());
        return;
      }
      state->retrieval_timeout = retrieval_timeout;
      place = open.insert(open.end(), Open{strand, state});
      context = tls;
    }
    auto registration = std::make_unique<Registration>(shared_from_this(), place);
    tasks.spawn_on(strand, "connection",
                   serve(std::move(socket), std::move(context), std::move(state), std::move(registration)));
  }

  /// Takes the connection off the list, however it ends: even where it is dropped before it begins.
  class Registration {
   public:
    Registration(std::shared_ptr<State> owner, std::list<Open>::iterator place) : owner_(std::move(owner)), place_(place) {}
    ~Registration() {
      std::lock_guard lock(owner_->mutex);
      owner_->open.erase(place_);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    std::shared_ptr<State> owner_;
    std::list<Open>::iterator place_;
  };

  base::Task<void> serve(Socket socket, std::shared_ptr<TlsServerContext> context, std::shared_ptr<ConnectionState> state,
                         std::unique_ptr<Registration>) {
    prepare_socket(socket);
    base::Peer peer = peer_of(socket);
    std::unique_ptr<Stream> stream;
    if (context) {
      auto accepting = accept_tls(std::move(socket), peer, std::move(context), options.handshake_timeout, handshake_pool());
      auto accepted = co_await std::move(accepting);
      if (!accepted.ok()) {
        const std::error_code code = accepted.error().code;
        const bool worth_a_line = code != std::errc::connection_reset && code != std::errc::operation_canceled;
        if (worth_a_line && handshake_line.due()) {
          base::log_warning("connection from {} refused: {}", peer.address, accepted.error().message());
        }
        co_return;
      }
      stream = std::move(*accepted);
    } else {
      stream = socket_stream(std::move(socket), std::move(peer));
    }
    co_await serve_connection(std::move(stream), options, handler, std::move(state));
  }

  /// Between requests a connection ends at once; another one ends after its answer.
  void end_idle() {
    std::vector<Open> now;
    {
      std::lock_guard lock(mutex);
      stopping = true;
      now.assign(open.begin(), open.end());
    }
    for (Open& one : now) {
      one.state->stopping = true;
      asio::post(one.strand, [state = one.state] {
        if (state->idle && state->stream != nullptr) state->stream->close();
      });
    }
  }
};

Listener::Listener(base::Executor executor, ListenerOptions options, Handler& handler)
    : state_(std::make_shared<State>(std::move(executor), std::move(options), handler)) {
  state_->tls = state_->options.tls;
}

Listener::~Listener() = default;

base::Result<void> Listener::start() {
  return state_->options.unix_path.empty() ? state_->listen_tcp() : state_->listen_unix();
}

std::uint16_t Listener::port() const {
  return state_->port;
}

std::size_t Listener::connections() const {
  return state_->count();
}

void Listener::replace_tls(std::shared_ptr<TlsServerContext> tls) {
  std::lock_guard lock(state_->mutex);
  state_->tls = std::move(tls);
}

void Listener::set_retrieval_timeout(std::chrono::milliseconds timeout) {
  std::lock_guard lock(state_->mutex);
  state_->retrieval_timeout = timeout;
  for (State::Open& one : state_->open) one.state->retrieval_timeout = timeout;
}

void Listener::close() {
  auto closed = std::make_shared<std::promise<void>>();
  auto done = closed->get_future();
  asio::post(state_->tcp.get_executor(), [state = state_, closed] {
    boost::system::error_code ignored;
    state->tcp.close(ignored);
    closed->set_value();
  });
  // An executor that has stopped closes nothing; but then nobody accepts either.
  if (done.wait_for(kCloseLimit) != std::future_status::ready) base::log_warning("a listener did not close in time");
}

base::Task<void> Listener::stop(std::chrono::milliseconds grace) {
  auto state = state_;
  // A caller that is itself being cancelled must still see its connections end.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  asio::post(state->tcp.get_executor(), [state] {
    boost::system::error_code ignored;
    state->tcp.close(ignored);
  });
  asio::post(state->local.get_executor(), [state] {
    boost::system::error_code ignored;
    if (state->local.is_open()) {
      state->local.close(ignored);
      std::error_code file_error;
      std::filesystem::remove(state->options.unix_path, file_error);
    }
  });
  state->end_idle();
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto end = std::chrono::steady_clock::now() + grace;
  while (state->count() != 0 && std::chrono::steady_clock::now() < end) {
    timer.expires_after(std::chrono::milliseconds(5));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_await state->tasks.stop(std::chrono::milliseconds(500));
}

}  // namespace http
