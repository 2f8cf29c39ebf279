#include "engine/auth/certificate.h"

#include <algorithm>

#include "engine/base/encoding.h"

namespace auth {
namespace {

class CertificateConversation final : public Conversation {
 public:
  explicit CertificateConversation(std::optional<base::PeerCertificate> certificate)
      : certificate_(std::move(certificate)) {}

  base::AsyncResult<Step> step(std::string) override {
    if (!certificate_) co_return base::make_error(std::errc::permission_denied, "no client certificate");
    Step step;
    Principal& who = step.principal;
    who.scheme = Principal::Scheme::Certificate;
    who.names = certificate_->dns_names;
    const std::string& common = certificate_->common_name;
    const bool known = std::any_of(who.names.begin(), who.names.end(),
                                   [&](const std::string& name) { return base::equal_ignoring_case(name, common); });
    if (!common.empty() && !known) who.names.push_back(common);
    if (who.names.empty()) {
      co_return base::make_error(std::errc::permission_denied,
                                 "the certificate " + certificate_->subject + " has neither a DNS name nor a common name");
    }
    // DNS names mean the same in any case; one spelling keeps one source one source.
    who.name = base::to_lower(who.names.front());
    who.issuers = certificate_->issuer_thumbprints;
    step.accepted = true;
    co_return step;
  }

 private:
  std::optional<base::PeerCertificate> certificate_;
};

}  // namespace

bool CertificateAuthenticator::claims(std::string_view authorization, const base::Peer& peer) const {
  return peer.certificate.has_value() &&
         (authorization.empty() || base::equal_ignoring_case(base::trimmed(authorization), kMutualProfile));
}

std::unique_ptr<Conversation> CertificateAuthenticator::begin(const base::Peer& peer) {
  return std::make_unique<CertificateConversation>(peer.certificate);
}

}  // namespace auth
