// One run of winrm at work: its client, and what it saw of faults.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/console.h"
#include "cli/winrm_arguments.h"
#include "cli/winrm_output.h"
#include "cli/winrm_surroundings.h"
#include "engine/base/result.h"
#include "engine/wsman/client.h"
#include "engine/xml/document.h"

namespace cli {

/// A client, and the last fault that came through its transport. One strand.
class WinrmSession {
 public:
  /// `remote`: who is asked, where that is another machine; errors of the network are then told as Windows' client tells
  /// them.
  WinrmSession(std::unique_ptr<wsman::Transport> transport, wsman::ClientOptions options, std::optional<http::Url> remote);

  wsman::Client& client() { return *client_; }
  bool is_remote() const { return remote_; }

  /// Writes a failure of one of the client's calls, with the service's own fault where it was one. Returns the exit status.
  int fail(Console& console, OutputFormat format, const base::Error& error) const;

  struct LastFault {
    xml::Document envelope;
    std::uint32_t number = 0;
  };

 private:
  std::shared_ptr<LastFault> last_fault_;
  bool remote_;
  std::unique_ptr<wsman::Client> client_;
};

/// Connects as the switches say: to a service of this machine, or over the network, for which the settings in
/// winrm/config/client of this machine's service hold where it runs. Asks for a password where one is needed.
base::AsyncResult<std::unique_ptr<WinrmSession>> open_session(Console& console, const Arguments& switches,
                                                              WinrmSurroundings& surroundings);

}  // namespace cli
