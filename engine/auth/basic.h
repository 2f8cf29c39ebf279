// Basic authentication: a user's name and password with each request.
//
// Source: RFC 7617; wsman-protocol, sections 10 and 13.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/auth/authenticator.h"
#include "engine/auth/secret.h"
#include "engine/base/clock.h"

namespace auth {

/// Who keeps passwords. Thread-safe.
class PasswordDirectory {
 public:
  virtual ~PasswordDirectory() = default;
  struct Record {
    std::string name;  ///< as the directory spells it
    std::vector<std::string> groups;
  };
  /// The user of that name where the password is his. Nothing where there is no such user, or another password: both take
  /// the same time. Errors: std::errc::device_or_resource_busy where too many wait already.
  virtual base::AsyncResult<std::optional<Record>> verify(std::string user, Secret password) = 0;
  /// Changes whenever a user does: what was verified before counts no longer.
  virtual std::uint64_t generation() const = 0;
};

/// A user's name and password as they came.
struct BasicCredentials {
  std::string user;  ///< without the domain; UTF-8
  std::string domain;
  Secret password;  ///< UTF-8
};

/// Reads what follows "Basic" in Authorization; what is no UTF-8 is Latin-1. Errors: std::errc::invalid_argument for what is
/// no base64, has no colon or no user, holds control characters, or is longer than 256 bytes for the user or 1024 for the
/// password.
base::Result<BasicCredentials> read_basic_token(std::string_view token);

struct BasicOptions {
  /// The domain of a user may be this name, its first label, ".", or missing. Anything else is an unknown user.
  std::string host_name;
  /// How long a password that was right needs no new verification.
  std::chrono::milliseconds remembered{60'000};
  std::size_t max_remembered = 1024;
  /// Wrong passwords that one address (a /64 of IPv6) may send at once, and how long until it may send one more.
  unsigned failures_of_address = 10;
  std::chrono::milliseconds address_pause{5'000};
  /// The same for one user, from addresses at which he was never right: after that, each attempt waits.
  unsigned failures_of_user = 10;
  std::chrono::milliseconds user_pause{30'000};
  std::chrono::milliseconds delay{2'000};
  std::size_t max_delayed = 64;
  /// Addresses, users, and pairs of both that are kept in mind.
  std::size_t max_known = 4096;
  base::Clock* clock = &base::system_clock();
};

/// Verifies users against a directory. Members of the group Administrators are administrators.
///
/// A password that was right is remembered for a while as a keyed hash, for its user and address. Who guesses is slowed down
/// by his address and by the user that he tries, but cannot shut that user out: one who was right before from his address
/// has attempts of his own there, anybody else has to wait a little at worst, and an open connection goes on as it is.
class BasicAuthenticator final : public Authenticator {
 public:
  /// `directory` outlives it.
  BasicAuthenticator(PasswordDirectory& directory, BasicOptions options);
  ~BasicAuthenticator() override;

  /// Passwords in clear text, on connections without TLS: only where this was allowed (AllowUnencrypted). Otherwise it does
  /// not offer itself there, and does not look at what comes.
  void set_allow_unencrypted(bool allowed) { allow_unencrypted_ = allowed; }

  std::string_view challenge() const override { return "Basic realm=\"WSMAN\""; }
  bool offers(const base::Peer& peer) const override;
  bool claims(std::string_view authorization, const base::Peer& peer) const override;
  std::unique_ptr<Conversation> begin(const base::Peer& peer) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::atomic<bool> allow_unencrypted_ = false;
};

}  // namespace auth
