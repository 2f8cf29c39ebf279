// A Windows machine as a source of collector-initiated subscriptions in mode Pull.
//
// Source: wef-wire, sections 9 and 11; wsman-protocol, section 9.

#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "tests/fakes/source_log.h"
#include "tests/fakes/source_server.h"

namespace fakes {

/// In what the specifications leave open sources may differ.
struct WindowsSourceOptions {
  enum class Items { Cdata, Inline, Bare };
  Items items = Items::Cdata;
  bool bookmark_in_header = true;  ///< else inside n:PullResponse
  bool new_contexts = true;        ///< every answer names another EnumerationContext
  /// A Pull waits so long at most, whatever its OperationTimeout.
  std::chrono::milliseconds longest_wait{200};
};

/// Serves the event log's resource: Identify, Subscribe, Pull, Release, Unsubscribe. Renew is always UnableToRenew. Whatever
/// else the subscriber may ask is ActionNotSupported.
class WindowsSource final : public SourceServer {
 public:
  WindowsSource(SourceLog& log, SourceServerOptions server = {}, WindowsSourceOptions options = {});
  ~WindowsSource() override;

  /// As after a restart of the machine: nobody is subscribed any more.
  void forget_subscriptions();
  std::size_t subscriptions() const;

 private:
  struct Subscription {
    std::uint64_t position = 0;  ///< the last record that was handed out
    std::string context;
  };
  using Answered = base::Task<http::Response>;

  Answered answer(wsman::Envelope envelope, wsman::Charset charset) override;
  http::Response identify(wsman::Charset charset) const;
  http::Response subscribe(const wsman::Envelope& request, wsman::Charset charset);
  Answered pull(wsman::Envelope request, wsman::Charset charset);
  http::Response end(const wsman::Envelope& request, const std::string& id, wsman::Charset charset);
  http::Response fault(wsman::FaultCode code, const wsman::Envelope& request, wsman::Charset charset) const;
  std::string items_of(const std::vector<SourceLog::Record>& records) const;
  /// Empty where no subscription has that context.
  std::string find_by_context(const std::string& context) const;

  SourceLog& log_;
  WindowsSourceOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, Subscription> subscriptions_;
};

}  // namespace fakes
