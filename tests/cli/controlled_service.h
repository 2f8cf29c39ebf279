// A service that the program talks to over its control socket.

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/auth/local_peer.h"
#include "engine/base/die.h"
#include "engine/http/listener.h"
#include "engine/wsman/endpoint.h"
#include "tests/resources/log_service.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace cli {

/// A service's logs behind a control socket.
class ControlledService {
 public:
  ControlledService()
      : endpoint_(wsman::EndpointOptions{}, logs_.dispatcher(), {&peers_}),
        listener_(loop_.executor(), options(), endpoint_) {
    const auto started = listener_.start();
    if (!started.ok()) base::die(started.error().message());
  }
  ~ControlledService() { stop(); }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    test_support::run_on(loop_.executor(), [](http::Listener& listener) -> base::Task<int> {
      co_await listener.stop();
      co_return 0;
    }(listener_));
  }

  std::string state() const { return folder_.path().string(); }
  test_support::LogService& logs() { return logs_; }

  /// Events 1 to `count`, or from another one on, in ForwardedEvents.
  void deliver(std::uint64_t count, std::uint64_t first = 1) {
    std::vector<std::string> events;
    for (std::uint64_t i = first; i <= count; ++i) events.push_back(test_support::event_xml(i, "x"));
    logs_.deliver("ForwardedEvents", std::move(events));
  }

 private:
  http::ListenerOptions options() const {
    http::ListenerOptions options;
    options.unix_path = folder_ / "control.sock";
    return options;
  }

  test_support::TemporaryDirectory folder_;
  test_support::LogService logs_;
  auth::LocalPeerAuthenticator peers_;
  test_support::Loop loop_;
  wsman::Endpoint endpoint_;
  http::Listener listener_;
  bool stopped_ = false;
};

}  // namespace cli
