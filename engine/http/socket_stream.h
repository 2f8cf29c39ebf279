// A Stream over a bare socket: TCP or UNIX.

#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <memory>

#include "engine/http/stream.h"

namespace http {

using Socket = boost::asio::generic::stream_protocol::socket;

/// Takes the socket over; keepalive and no-delay are set on TCP.
std::unique_ptr<Stream> socket_stream(Socket socket, base::Peer peer);

/// Sets what every TCP connection of ours has: keepalive, for peers that are silent for an hour behind a forgetful NAT, a
/// limit of three minutes on bytes that are not acknowledged, so that a peer that has vanished does not hold a connection
/// for a quarter of an hour, and no-delay. Harmless on a UNIX socket.
void prepare_socket(Socket& socket);

/// See Stream::silence() and Stream::probe(). Nothing on a UNIX socket.
std::chrono::milliseconds silence_of(Socket& socket);
void probe_peer(Socket& socket, std::chrono::seconds interval);

/// Stream::is_quiet() of a socket.
bool is_quiet(int socket);

/// "192.0.2.7:49210" or "[2001:db8::7]:49210" for TCP; "unix" otherwise, with the credentials of the process in `peer`.
base::Peer peer_of(Socket& socket);

}  // namespace http
