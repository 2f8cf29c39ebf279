// Authentication by TLS client certificate: the chain was verified in the handshake, here it gets a name.

#pragma once

#include "engine/auth/authenticator.h"

namespace auth {

inline constexpr std::string_view kMutualProfile = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual";

/// Claims a peer with a certificate, with Authorization absent or being the profile's URI. The name is the first dNSName,
/// else the common name, in small letters; a certificate with neither is refused. The names are the dNSNames and the common
/// name, as written: whoever denies one of them denies the certificate.
class CertificateAuthenticator final : public Authenticator {
 public:
  std::string_view challenge() const override { return kMutualProfile; }
  bool offers(const base::Peer& peer) const override { return peer.transport != base::Peer::Transport::Plain; }
  bool claims(std::string_view authorization, const base::Peer& peer) const override;
  std::unique_ptr<Conversation> begin(const base::Peer& peer) override;
};

}  // namespace auth
