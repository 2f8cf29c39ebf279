#include "tests/bench/http_load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::string_view kContextMark = "@CONTEXT@";
constexpr std::size_t kReadSize = 64 << 10;

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "bench: %s\n", text.c_str());
  std::_Exit(1);
}

/// What the parent asks for; two texts follow it. Both sides are the same program.
struct Job {
  bool enumerates = false;
  std::array<char, 108> unix_path{};
  std::uint16_t port = 0;
  std::size_t connections = 1;
  double seconds = 0;
  unsigned status = 200;
  std::size_t first_size = 0;
  std::size_t second_size = 0;
};

void write_all(int channel, const void* from, std::size_t size) {
  const char* at = static_cast<const char*>(from);
  while (size != 0) {
    const ssize_t written = ::write(channel, at, size);
    if (written <= 0) fail("the other process is gone");
    at += written;
    size -= static_cast<std::size_t>(written);
  }
}

/// False at the end of the channel.
bool read_all(int channel, void* into, std::size_t size) {
  char* at = static_cast<char*>(into);
  while (size != 0) {
    const ssize_t got = ::read(channel, at, size);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

double own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// One connection and the response that comes over it.
class Connection {
 public:
  Connection(const Job& job, SSL_CTX* context) {
    const bool local = job.unix_path[0] != '\0';
    descriptor_ = ::socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int connected = -1;
    if (local) {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::copy(job.unix_path.begin(), job.unix_path.end(), address.sun_path);
      connected = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    } else {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(job.port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      connected = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
      const int on = 1;
      ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (connected != 0) fail(std::string("cannot connect: ") + std::strerror(errno));
    if (!local) {
      ssl_ = ::SSL_new(context);
      ::SSL_set_fd(ssl_, descriptor_);
      if (::SSL_connect(ssl_) != 1) fail("the TLS handshake failed");
    }
    ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
  }
  ~Connection() {
    ::SSL_free(ssl_);
    ::close(descriptor_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int descriptor() const { return descriptor_; }
  Clock::time_point sent_at() const { return sent_at_; }

  /// Requests are small: an empty socket takes them whole.
  void send(std::string_view request) {
    response_.clear();
    expected_ = 0;
    sent_at_ = Clock::now();
    const ssize_t sent = ssl_ != nullptr ? ::SSL_write(ssl_, request.data(), static_cast<int>(request.size()))
                                         : ::send(descriptor_, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(request.size())) fail("a request was not taken whole");
  }

  /// Reads what is there; true once the response is complete.
  bool receive(unsigned status) {
    for (;;) {
      const std::size_t had = response_.size();
      response_.resize(had + kReadSize);
      const ssize_t got = read_some(response_.data() + had);
      response_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0) return false;
      if (got == 0) fail("the server closed a connection");
      if (expected_ == 0) read_head(status);
      if (expected_ != 0 && response_.size() >= expected_) return true;
    }
  }

  std::string_view body() const { return std::string_view(response_).substr(head_); }

 private:
  /// -1: nothing is there.
  ssize_t read_some(char* into) {
    if (ssl_ == nullptr) {
      const ssize_t got = ::recv(descriptor_, into, kReadSize, 0);
      if (got < 0 && errno != EAGAIN) fail("cannot read");
      return got;
    }
    const int got = ::SSL_read(ssl_, into, static_cast<int>(kReadSize));
    if (got > 0) return got;
    if (::SSL_get_error(ssl_, got) != SSL_ERROR_WANT_READ) fail("the TLS connection ended");
    return -1;
  }

  void read_head(unsigned status) {
    constexpr std::string_view kLength = "Content-Length: ";
    const std::string_view text(response_);
    const auto end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return;
    const auto length = text.find(kLength);
    if (length > end || text.substr(9, 3) != std::to_string(status)) fail("unexpected answer: " + response_);
    head_ = end + 4;
    std::size_t size = 0;
    std::from_chars(text.data() + length + kLength.size(), text.data() + end, size);
    expected_ = head_ + size;
  }

  int descriptor_ = -1;
  SSL* ssl_ = nullptr;
  Clock::time_point sent_at_;
  std::string response_;
  std::size_t head_ = 0;
  std::size_t expected_ = 0;  ///< octets of the whole response; 0: the head is not complete
};

/// Connections and a way to wait for them.
class Client {
 public:
  Client(const Job& job, SSL_CTX* context) : job_(job), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (std::size_t i = 0; i < job.connections; ++i) {
      connections_.push_back(std::make_unique<Connection>(job, context));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = connections_.back().get();
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, connections_.back()->descriptor(), &event);
    }
  }
  ~Client() { ::close(poll_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  LoadReport repeat(const std::string& request) {
    for (const auto& connection : connections_) connection->send(request);
    // Every connection once, so that handshakes and first allocations are over.
    std::size_t first = 0;
    while (first < connections_.size()) {
      for_each_answer([&](Connection& connection) {
        ++first;
        connection.send(request);
      });
    }
    LoadReport report;
    std::vector<std::uint32_t> times;
    times.reserve(1 << 20);
    const double cpu = own_cpu();
    const auto begin = Clock::now();
    auto now = begin;
    while (now - begin < std::chrono::duration<double>(job_.seconds)) {
      for_each_answer([&](Connection& connection) {
        now = Clock::now();
        times.push_back(static_cast<std::uint32_t>((now - connection.sent_at()).count()));
        report.bytes += connection.body().size();
        connection.send(request);
      });
    }
    report.operations = times.size();
    report.elapsed = Microseconds(now - begin).count();
    report.cpu = own_cpu() - cpu;
    report.p50 = percentile(times, 0.50);
    report.p99 = percentile(times, 0.99);
    // The last answers, so that the server is quiet again.
    for (std::size_t left = connections_.size(); left != 0;) for_each_answer([&](Connection&) { --left; });
    return report;
  }

  LoadReport enumerate(const std::string& enumerate, const std::string& pull) {
    LoadReport report;
    const double cpu = own_cpu();
    const auto begin = Clock::now();
    std::string request = http_request("/wsman", enumerate);
    for (bool end = false; !end;) {
      connections_.front()->send(request);
      bool answered = false;
      while (!answered) {
        for_each_answer([&](Connection& connection) {
          answered = true;
          const std::string_view body = connection.body();
          ++report.operations;
          report.bytes += body.size();
          for (auto at = body.find("</t:Item>"); at != std::string_view::npos; at = body.find("</t:Item>", at + 1)) {
            ++report.items;
          }
          end = body.find("EndOfSequence") != std::string_view::npos;
          if (!end) request = http_request("/wsman", with_context(pull, body));
        });
      }
    }
    report.elapsed = Microseconds(Clock::now() - begin).count();
    report.cpu = own_cpu() - cpu;
    return report;
  }

 private:
  template <typename Take>
  void for_each_answer(Take take) {
    std::array<epoll_event, 64> ready;
    const int count = ::epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()), 10'000);
    if (count <= 0) fail("no answer in ten seconds");
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(ready[static_cast<std::size_t>(i)].data.ptr);
      if (connection.receive(job_.status)) take(connection);
    }
  }

  static std::string with_context(std::string pull, std::string_view response) {
    constexpr std::string_view kOpen = "<n:EnumerationContext>";
    const auto from = response.find(kOpen);
    if (from == std::string_view::npos) fail("an answer without a context: " + std::string(response.substr(0, 1000)));
    const auto value = response.substr(from + kOpen.size());
    return pull.replace(pull.find(kContextMark), kContextMark.size(), value.substr(0, value.find('<')));
  }

  static double percentile(std::vector<std::uint32_t>& times, double share) {
    if (times.empty()) return 0;
    const auto place = times.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size() - 1));
    std::nth_element(times.begin(), place, times.end());
    return static_cast<double>(*place) / 1000;
  }

  const Job& job_;
  int poll_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

/// The child's life.
[[noreturn]] void serve(int channel, const LoadIdentity& identity) {
  SSL_CTX* context = ::SSL_CTX_new(::TLS_client_method());
  if (::SSL_CTX_use_certificate_chain_file(context, identity.certificate.c_str()) != 1 ||
      ::SSL_CTX_use_PrivateKey_file(context, identity.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("cannot read the client's certificate");
  }
  Job job;
  while (read_all(channel, &job, sizeof job)) {
    std::string first(job.first_size, '\0');
    std::string second(job.second_size, '\0');
    if (!read_all(channel, first.data(), first.size()) || !read_all(channel, second.data(), second.size())) break;
    Client client(job, context);
    const LoadReport report = job.enumerates ? client.enumerate(first, second) : client.repeat(first);
    write_all(channel, &report, sizeof report);
  }
  std::_Exit(0);
}

LoadReport ask(int channel, Job job, const Target& target, const std::string& first, const std::string& second) {
  const std::string path = target.unix_path.string();
  if (path.size() >= job.unix_path.size()) fail("the socket's path is too long");
  std::copy(path.begin(), path.end(), job.unix_path.begin());
  job.port = target.port;
  job.first_size = first.size();
  job.second_size = second.size();
  write_all(channel, &job, sizeof job);
  write_all(channel, first.data(), first.size());
  write_all(channel, second.data(), second.size());
  LoadReport report;
  if (!read_all(channel, &report, sizeof report)) fail("the client has failed");
  return report;
}

}  // namespace

LoadProcess::LoadProcess(LoadIdentity identity) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("no sockets");
  child_ = ::fork();
  if (child_ < 0) fail("no process");
  if (child_ == 0) {
    ::close(ends[0]);
    serve(ends[1], identity);
  }
  ::close(ends[1]);
  channel_ = ends[0];
}

LoadProcess::~LoadProcess() {
  ::close(channel_);
  ::waitpid(child_, nullptr, 0);
}

LoadReport LoadProcess::repeat(const Target& target, const std::string& request, std::size_t connections, double seconds,
                               unsigned status) {
  Job job;
  job.connections = connections;
  job.seconds = seconds;
  job.status = status;
  return ask(channel_, job, target, request, {});
}

LoadReport LoadProcess::enumerate(const Target& target, const std::string& enumerate, const std::string& pull) {
  Job job;
  job.enumerates = true;
  return ask(channel_, job, target, enumerate, pull);
}

std::string http_request(std::string_view path, std::string_view body) {
  std::string request = "POST ";
  request += path;
  request += " HTTP/1.1\r\nHost: localhost:5985\r\nConnection: Keep-Alive\r\nUser-Agent: Microsoft WinRM Client\r\n";
  request += "Content-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: " + std::to_string(body.size());
  request += "\r\n\r\n";
  request += body;
  return request;
}

}  // namespace bench
