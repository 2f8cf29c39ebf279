#include "engine/wsman/admission.h"

#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::administrator;
using test_support::kFakeUri;
using test_support::RequestText;
using test_support::Service;
using test_support::thing;

/// Has as many places as it is told.
class FakeAdmission final : public Admission {
 public:
  Result<Place> admit(const Call& call) override {
    ++asked;
    if (call.headers.action == action::kPull || call.headers.action == action::kRelease) return Place();
    if (taken.use_count() > places) return make_fault(FaultCode::QuotaLimit);
    return Place(taken);
  }
  long held() const { return taken.use_count() - 1; }

  long places = 1;
  int asked = 0;
  std::shared_ptr<int> taken = std::make_shared<int>();
};

RequestText get() {
  return RequestText(action::kGet)
      .resource(kFakeUri)
      .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name='Name'>one</w:Selector></w:SelectorSet>");
}

class Admitted : public ::testing::Test {
 protected:
  Admitted() {
    service_.dispatcher.set_admission(admission_);
    for (const char* name : {"one", "two", "three"}) service_.resource.items.push_back(thing(name));
  }
  std::string enumerate() {
    const RequestText request = RequestText(action::kEnumerate).resource(kFakeUri).body("<n:Enumerate/>");
    return service_.send(request).body().child(ns::kEnumeration, "EnumerationContext").text();
  }
  Envelope ask(std::string_view action, std::string_view name, const std::string& context, const std::string& more = {}) {
    const std::string element(name);
    return service_.send(RequestText(action).resource(kFakeUri).body(
        "<n:" + element + "><n:EnumerationContext>" + context + "</n:EnumerationContext>" + more + "</n:" + element + ">"));
  }

  FakeAdmission admission_;
  Service service_;
};

TEST_F(Admitted, PlaceIsGivenBackWithTheAnswer) {
  EXPECT_TRUE(service_.send(get()).body());
  EXPECT_EQ(admission_.held(), 0);
  admission_.places = 0;
  EXPECT_EQ(service_.fault_of(get()), FaultCode::QuotaLimit);
}

TEST_F(Admitted, EnumerationKeepsItsPlaceUntilItsEnd) {
  const std::string context = enumerate();
  EXPECT_EQ(admission_.held(), 1);
  EXPECT_EQ(service_.fault_of(get()), FaultCode::QuotaLimit);
  ask(action::kPull, "Pull", context);
  EXPECT_EQ(admission_.held(), 1);
  ask(action::kPull, "Pull", context, "<n:MaxElements>10</n:MaxElements>");
  EXPECT_EQ(admission_.held(), 0);
}

TEST_F(Admitted, ReleasedAndExpiredEnumerationsGiveTheirPlacesBack) {
  ask(action::kRelease, "Release", enumerate());
  EXPECT_EQ(admission_.held(), 0);
  enumerate();
  EXPECT_EQ(admission_.held(), 1);
  service_.clock.advance(std::chrono::hours(1));
  service_.dispatcher.expire_contexts();
  EXPECT_EQ(admission_.held(), 0);
}

TEST_F(Admitted, WhoMayNotUseTheResourceTakesNoPlace) {
  Caller stranger = administrator("stranger");
  stranger.who.administrator = false;
  EXPECT_EQ(service_.fault_of(get(), stranger), FaultCode::AccessDenied);
  EXPECT_EQ(admission_.asked, 0);
}

}  // namespace
}  // namespace wsman
