#include "engine/auth/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace {

using test_support::IsError;
using test_support::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

base::Peer tls_peer(std::vector<std::string> dns_names, std::string common_name) {
  base::Peer peer;
  peer.transport = base::Peer::Transport::Tls;
  peer.certificate.emplace();
  peer.certificate->subject = "CN=" + common_name;
  peer.certificate->common_name = std::move(common_name);
  peer.certificate->dns_names = std::move(dns_names);
  peer.certificate->issuer_thumbprints = {"AA", "BB"};
  return peer;
}

base::Result<auth::Step> authenticate(const base::Peer& peer) {
  auth::CertificateAuthenticator authenticator;
  auto conversation = authenticator.begin(peer);
  return test_support::run(conversation->step(""));
}

TEST(CertificateAuthenticator, TakesTheFirstDnsNameForTheName) {
  const auto step = authenticate(tls_peer({"host7.lab.example", "alias.lab.example"}, "host7"));
  ASSERT_THAT(step, IsOk());
  EXPECT_TRUE(step->accepted);
  EXPECT_EQ(step->token, "");
  EXPECT_EQ(step->principal.scheme, auth::Principal::Scheme::Certificate);
  EXPECT_EQ(step->principal.name, "host7.lab.example");
  EXPECT_THAT(step->principal.names, Contains("host7.lab.example"));
  EXPECT_THAT(step->principal.names, Contains("alias.lab.example"));
  EXPECT_FALSE(step->principal.administrator);
}

TEST(CertificateAuthenticator, TakesTheCommonNameWhereThereIsNoDnsName) {
  const auto step = authenticate(tls_peer({}, "host7.lab.example"));
  ASSERT_THAT(step, IsOk());
  EXPECT_EQ(step->principal.name, "host7.lab.example");
  EXPECT_THAT(step->principal.names, ElementsAre("host7.lab.example"));
}

TEST(CertificateAuthenticator, SpellsOneNameOneWay) {
  EXPECT_EQ(authenticate(tls_peer({"HOST7.Lab.Example"}, ""))->principal.name, "host7.lab.example");
}

TEST(CertificateAuthenticator, DoesNotCountANameTwice) {
  EXPECT_THAT(authenticate(tls_peer({"host7.lab.example"}, "HOST7.lab.example"))->principal.names,
              ElementsAre("host7.lab.example"));
}

TEST(CertificateAuthenticator, RefusesACertificateWithoutAName) {
  EXPECT_THAT(authenticate(tls_peer({}, "")), IsError(std::errc::permission_denied));
}

TEST(CertificateAuthenticator, RefusesAPeerWithoutACertificate) {
  EXPECT_THAT(authenticate(base::Peer{}), IsError(std::errc::permission_denied));
}

TEST(CertificateAuthenticator, KeepsTheChainsThumbprintsInOrder) {
  EXPECT_THAT(authenticate(tls_peer({"host7"}, ""))->principal.issuers, ElementsAre("AA", "BB"));
}

TEST(CertificateAuthenticator, ClaimsAPeerWithACertificateThatAsksForNothingElse) {
  const auth::CertificateAuthenticator authenticator;
  const auto peer = tls_peer({"host7"}, "");
  // wsman-protocol, section 13: the URI is the whole value.
  const std::string profile = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual";
  EXPECT_EQ(authenticator.challenge(), profile);
  EXPECT_TRUE(authenticator.claims("", peer));
  EXPECT_TRUE(authenticator.claims(profile, peer));
  EXPECT_TRUE(authenticator.claims(" " + profile + " ", peer));
  EXPECT_FALSE(authenticator.claims("Basic dXNlcjpwYXNz", peer));
  EXPECT_FALSE(authenticator.claims("Negotiate YII=", peer));
  EXPECT_FALSE(authenticator.claims("", base::Peer{}));
  EXPECT_FALSE(authenticator.claims(profile, base::Peer{}));
}

}  // namespace
