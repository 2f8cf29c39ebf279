#include "subscriptions/admission.h"

#include <gmock/gmock.h>

#include "subscriptions/manager.h"
#include "tests/subscriptions/definitions.h"

namespace subscriptions {
namespace {

TEST(Admission, WantsAnAllowedIssuerAndAnAllowedSubject) {
  EXPECT_TRUE(admits(sample(), machine("a.lab.example.org")));
  EXPECT_FALSE(admits(sample(), machine("a.example.com")));
  auth::Principal foreign = machine("a.lab.example.org");
  foreign.issuers = {std::string(40, 'F')};
  EXPECT_FALSE(admits(sample(), foreign));
}

TEST(Admission, DeniedWins) {
  EXPECT_FALSE(admits(sample(), machine("kiosk7.lab.example.org")));
  Subscription all = sample();
  all.allowed_subjects = {"kiosk7.lab.example.org"};
  EXPECT_FALSE(admits(all, machine("kiosk7.lab.example.org")));
}

TEST(Admission, ComparesEachNameOfTheCertificateWithoutCase) {
  auth::Principal several = machine("a.example.com");
  several.names.push_back("A.LAB.example.org");
  EXPECT_TRUE(admits(sample(), several));
  several.names.push_back("Kiosk1.lab.example.org");
  EXPECT_FALSE(admits(sample(), several)) << "one denied name is enough";
}

TEST(Admission, AdmitsNobodyWhereNothingIsListed) {
  Subscription nobody = sample();
  nobody.allowed_issuers.clear();
  EXPECT_FALSE(admits(nobody, machine("a.lab.example.org")));
  nobody = sample();
  nobody.allowed_subjects.clear();
  EXPECT_FALSE(admits(nobody, machine("a.lab.example.org")));
}

TEST(Admission, LooksAtTheWholeVerifiedChain) {
  auth::Principal behind_intermediate = machine("a.lab.example.org");
  behind_intermediate.issuers = {std::string(40, 'E'), std::string(kIssuer)};
  EXPECT_TRUE(admits(sample(), behind_intermediate));
  EXPECT_EQ(allowed_issuer_of(sample(), behind_intermediate), std::string(kIssuer));
}

TEST(Admission, IsForCertificatesOnly) {
  for (const auto scheme : {auth::Principal::Scheme::None, auth::Principal::Scheme::LocalPeer,
                            auth::Principal::Scheme::Basic, auth::Principal::Scheme::Kerberos}) {
    auth::Principal other = machine("a.lab.example.org");
    other.scheme = scheme;
    other.administrator = true;
    EXPECT_FALSE(admits(sample(), other));
  }
}

TEST(Admission, IsNotForCollectorInitiatedSubscriptions) {
  Subscription pull = sample();
  pull.type = Type::CollectorInitiated;
  EXPECT_FALSE(admits(pull, machine("a.lab.example.org")));
}

TEST(Admission, ASddlForTheDomainAdmitsNoCertificate) {
  Subscription domain = sample();
  domain.allowed_issuers.clear();
  domain.allowed_subjects.clear();
  domain.allowed_domain_computers = kDefaultSourceSddl;
  EXPECT_FALSE(admits(domain, machine("a.lab.example.org")));
}

TEST(Admission, KnowsASourceThatIsDisabledByName) {
  Subscription subscription = sample();
  subscription.sources = {EventSource{"A.lab.example.org", false, {}}, EventSource{"HOST7", false, {}},
                          EventSource{"b.lab.example.org", true, {}}};
  EXPECT_TRUE(is_disabled_by_name(subscription, machine("a.lab.example.org")));
  EXPECT_TRUE(is_disabled_by_name(subscription, machine("host7.lab.example.org")));
  EXPECT_FALSE(is_disabled_by_name(subscription, machine("b.lab.example.org")));
  EXPECT_FALSE(is_disabled_by_name(subscription, machine("host77.lab.example.org")));
}

}  // namespace
}  // namespace subscriptions
