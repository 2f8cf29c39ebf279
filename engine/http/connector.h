// Connections to servers, each within a limit of time. Only for the .cc files of this folder.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/http/socket_stream.h"

namespace http {

/// Looks `host` up, unless it is an address, and connects to the first of its addresses that answers. `limit` holds for all
/// of it; each address gets its share, so that one that drops packets does not use up the others' time. Errors: the
/// resolver's, the last address's, std::errc::timed_out.
base::AsyncResult<Socket> connect_tcp(std::string host, std::uint16_t port, std::chrono::milliseconds limit);

/// Errors: the system's, std::errc::filename_too_long, std::errc::timed_out.
base::AsyncResult<Socket> connect_unix(std::filesystem::path path, std::chrono::milliseconds limit);

}  // namespace http
