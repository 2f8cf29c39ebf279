// Clients for fake sources, and what tests of them ask for.

#pragma once

#include <functional>
#include <string>

#include "engine/wsman/client.h"
#include "engine/wsman/names.h"
#include "tests/fakes/source_server.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace source_client {

struct Options {
  wsman::Charset charset = wsman::Charset::Utf8;
  std::chrono::milliseconds operation_timeout{2'000};
  std::chrono::milliseconds network_delay{3'000};
  std::size_t max_response_bytes = 4 << 20;
  std::string user;
  std::string password;
};

/// A client over HTTP for the source at `url`, with a loop of its own.
class SourceClient {
 public:
  SourceClient(const std::string& url, Options options = {});

  /// Runs what it is asked to the end: client.run(&wsman::Client::identify).
  template <typename T>
  T run(base::Task<T> task) {
    return test_support::run_on(loop_.executor(), std::move(task));
  }
  wsman::Client& operator*() { return client_; }
  wsman::Client* operator->() { return &client_; }

  base::Result<wsman::Client::Subscribed> subscribe(wsman::SubscribeRequest request) {
    return run(client_.subscribe(std::move(request)));
  }
  base::Result<wsman::Client::Pulled> pull(wsman::Client::Subscribed& subscribed, std::size_t most = 10) {
    return run(client_.pull(subscribed, most));
  }

 private:
  test_support::Loop loop_;
  wsman::Client client_;
};

/// For the event log, in mode Pull, from the oldest event on.
wsman::SubscribeRequest event_log_request();
/// As openwsman takes it: indications, by WQL.
wsman::SubscribeRequest indication_request();

/// The texts of Data named MESSAGE in the events, in order; "?" for what is no event.
std::vector<std::string> messages_of(const std::vector<std::string>& events);

}  // namespace source_client
