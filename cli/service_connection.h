// From a tool's command line to the service that it talks to.

#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/arguments.h"
#include "cli/console.h"
#include "engine/base/result.h"
#include "engine/base/task.h"
#include "engine/wsman/client.h"

namespace cli {

/// Gives a tool its client. Programs pass connect_to_service; tests pass one over wsman::loopback_transport. The client is
/// made and destroyed inside the task that run_blocking runs, because its sockets belong to that task's context.
using ConnectFunction = std::function<base::Result<std::unique_ptr<wsman::Client>>(const Arguments&)>;

/// Connects as the options of connection_options() say. Without /r, to the control socket: --state DIR, else the variable
/// MUSTER_STATE, gives DIR/control.sock; else the collector's and then the forwarder's below /run/muster. With /r, over the
/// network as winrm does, under the settings in winrm/config/client of this machine's service where it runs; a host without
/// a transport means HTTPS with Basic and with a certificate. `console`, which outlives it, is where a password is asked
/// for.
///
/// Errors: Win32::ServerUnavailable where nobody listens (also later, from the client's calls), Win32::AccessDenied where
/// the socket may not be used, Win32::InvalidParameter for options that do not go together, those of plan_connection().
ConnectFunction service_connector(Console& console);

/// A control socket and the way through it.
struct ControlSocket {
  std::filesystem::path path;
  std::unique_ptr<wsman::Transport> transport;
};
/// The same socket, for tools that make their own client. Heeds only --state. Errors: as above.
base::Result<ControlSocket> open_control_socket(const Arguments& arguments);
/// a:To of messages over a control socket.
inline constexpr std::string_view kControlAddress = "http://localhost:5985/wsman";

/// Runs `task` on an io_context and this thread until it ends, and returns what it returns. One call is one run of a tool.
template <typename T>
T run_blocking(base::Task<T> task) {
  boost::asio::io_context context(1);
  auto work = boost::asio::make_work_guard(context);
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr exception, T value) {
    failure = exception;
    result.emplace(std::move(value));
    work.reset();
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

}  // namespace cli
