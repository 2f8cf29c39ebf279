#include "tests/integration/raw_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

namespace integration {

namespace {

void limit_waits(int descriptor) {
  const timeval limit{10, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

}  // namespace

struct RawClient::State {
  int descriptor = -1;
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
};

RawClient::RawClient(unsigned port) : state_(std::make_unique<State>()) {
  state_->descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  limit_waits(state_->descriptor);
  EXPECT_EQ(::connect(state_->descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

RawClient::RawClient(const std::filesystem::path& socket) : state_(std::make_unique<State>()) {
  state_->descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  limit_waits(state_->descriptor);
  EXPECT_EQ(::connect(state_->descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

RawClient::RawClient(unsigned port, const std::filesystem::path& certificate, const std::filesystem::path& key)
    : RawClient(port) {
  state_->context = ::SSL_CTX_new(::TLS_client_method());
  EXPECT_EQ(::SSL_CTX_use_certificate_chain_file(state_->context, certificate.c_str()), 1);
  EXPECT_EQ(::SSL_CTX_use_PrivateKey_file(state_->context, key.c_str(), SSL_FILETYPE_PEM), 1);
  state_->ssl = ::SSL_new(state_->context);
  ::SSL_set_fd(state_->ssl, state_->descriptor);
  EXPECT_EQ(::SSL_connect(state_->ssl), 1);
}

RawClient::~RawClient() {
  ::SSL_free(state_->ssl);
  ::SSL_CTX_free(state_->context);
  ::close(state_->descriptor);
}

void RawClient::send(std::string_view bytes) {
  const auto size = static_cast<int>(bytes.size());
  if (state_->ssl != nullptr) {
    EXPECT_EQ(::SSL_write(state_->ssl, bytes.data(), size), size);
  } else {
    EXPECT_EQ(::send(state_->descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(size));
  }
}

std::size_t RawClient::send_some(std::string_view bytes) {
  if (state_->ssl == nullptr) {
    const ssize_t sent = ::send(state_->descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  }
  const int flags = ::fcntl(state_->descriptor, F_GETFL);
  ::fcntl(state_->descriptor, F_SETFL, flags | O_NONBLOCK);
  const int sent = ::SSL_write(state_->ssl, bytes.data(), static_cast<int>(bytes.size()));
  ::fcntl(state_->descriptor, F_SETFL, flags);
  return static_cast<std::size_t>(std::max(sent, 0));
}

void RawClient::end() {
  if (state_->ssl != nullptr) ::SSL_shutdown(state_->ssl);
  ::shutdown(state_->descriptor, SHUT_WR);
}

std::string RawClient::receive(std::string_view end) {
  std::string all;
  char piece[4096];
  while (end.empty() || all.find(end) == std::string::npos) {
    const auto got = state_->ssl != nullptr ? static_cast<ssize_t>(::SSL_read(state_->ssl, piece, sizeof piece))
                                            : ::recv(state_->descriptor, piece, sizeof piece, 0);
    if (got <= 0) break;
    all.append(piece, static_cast<std::size_t>(got));
  }
  return all;
}

}  // namespace integration
