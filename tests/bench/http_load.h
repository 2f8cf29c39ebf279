// A client that keeps a server busy, in a process of its own: what it costs is not charged to the server.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

/// Where to: a UNIX socket, or TLS on a port of this host.
struct Target {
  std::filesystem::path unix_path;  ///< empty: TLS
  std::uint16_t port = 0;
};

/// What a client saw. Times in microseconds.
struct LoadReport {
  std::uint64_t operations = 0;
  std::uint64_t items = 0;  ///< enumerations only
  std::uint64_t bytes = 0;  ///< of response bodies
  double elapsed = 0;
  double cpu = 0;  ///< the client's own
  double p50 = 0;
  double p99 = 0;
};

/// Client certificate of TLS connections. The server's is taken as it is.
struct LoadIdentity {
  std::filesystem::path certificate;
  std::filesystem::path private_key;
};

/// The client's process. Make it before the first thread: it is a fork. A failure on either side ends the program with a
/// message.
class LoadProcess {
 public:
  explicit LoadProcess(LoadIdentity identity);
  ~LoadProcess();
  LoadProcess(const LoadProcess&) = delete;
  LoadProcess& operator=(const LoadProcess&) = delete;

  /// Sends `request`, a whole HTTP request, over so many kept connections for so long, each connection again as soon as it
  /// is answered. Every answer must have `status`. The first answers, connections and handshakes among them, do not count.
  LoadReport repeat(const Target& target, const std::string& request, std::size_t connections, double seconds,
                    unsigned status = 200);
  /// Sends `enumerate`, then `pull`, in which "@CONTEXT@" stands for the enumeration's context, until the sequence ends.
  /// Both are heads' fields and a body; what is needed of the head is added.
  LoadReport enumerate(const Target& target, const std::string& enumerate, const std::string& pull);

 private:
  int child_ = -1;
  int channel_ = -1;
};

/// `body` as an HTTP request to `path`.
std::string http_request(std::string_view path, std::string_view body);

}  // namespace bench
