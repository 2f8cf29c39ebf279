// OpenSSL's reads and writes on a socket. Only for the .cc files of this folder.

#pragma once

#include <openssl/bio.h>

namespace http {

/// A BIO that never blocks and never raises SIGPIPE, which OpenSSL's own socket BIO does where the peer is gone. The
/// descriptor stays the caller's. Ends the process where there is no memory for it.
BIO* make_socket_bio(int descriptor);

}  // namespace http
