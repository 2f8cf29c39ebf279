#include "engine/wsman/access.h"

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

/// Says what it is told to, and keeps what it was asked.
class FakeAccess final : public AccessControl {
 public:
  bool permits(const AccessRequest& request) override {
    asked.push_back(request.who.name + " " + std::string(request.resource_uri) + " " + std::string(request.action));
    rights.push_back(request.right);
    return allow;
  }

  bool allow = true;
  std::vector<std::string> asked;
  std::vector<Right> rights;
};

RequestText get(std::string_view uri) {
  return RequestText(action::kGet)
      .resource(uri)
      .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name='Name'>one</w:Selector></w:SelectorSet>");
}

TEST(Access, ReadingIsGetEnumerationsAndSubscriptions) {
  for (const auto read : {action::kGet, action::kEnumerate, action::kPull, action::kRelease, action::kSubscribe,
                          action::kRenew, action::kGetStatus, action::kUnsubscribe}) {
    EXPECT_EQ(right_of(read, false), Right::Read) << read;
  }
}

TEST(Access, WritingIsPutCreateAndDelete) {
  for (const auto write : {action::kPut, action::kCreate, action::kDelete}) {
    EXPECT_EQ(right_of(write, false), Right::Write) << write;
  }
}

TEST(Access, EveryOtherActionIsExecuting) {
  EXPECT_EQ(right_of("urn:test:things/Polish", false), Right::Execute);
  EXPECT_EQ(right_of("", false), Right::Execute);
}

TEST(Access, AllRequestsToShellsAreExecuting) {
  EXPECT_EQ(right_of(action::kGet, true), Right::Execute);
  EXPECT_EQ(right_of(action::kDelete, true), Right::Execute);
}

TEST(Access, DispatcherAsksWithTheResourceAndTheRight) {
  Service service;
  FakeAccess access;
  service.dispatcher.set_access_control(access);
  service.resource.items = {thing("one")};
  auto caller = administrator("ada");
  caller.who.administrator = false;
  EXPECT_TRUE(service.send(get("URN:Test:Things"), caller).body().is("urn:test", "Thing"));
  EXPECT_EQ(access.asked, std::vector<std::string>{"ada urn:test:things " + std::string(action::kGet)});
  EXPECT_EQ(access.rights, std::vector<Right>{Right::Read});
}

TEST(Access, WhoIsNotPermittedGetsAccessDenied) {
  Service service;
  FakeAccess access;
  access.allow = false;
  service.dispatcher.set_access_control(access);
  EXPECT_EQ(service.fault_of(get(kFakeUri)), FaultCode::AccessDenied);
}

TEST(Access, AResourceThatDecidesItselfIsNotAskedFor) {
  Service service;
  FakeAccess access;
  service.dispatcher.set_access_control(access);
  service.resource.allowed = false;
  EXPECT_EQ(service.fault_of(get(kFakeUri)), FaultCode::AccessDenied);
  EXPECT_TRUE(access.asked.empty());
}

TEST(Access, EveryPullIsAskedForAgain) {
  Service service;
  FakeAccess access;
  service.dispatcher.set_access_control(access);
  service.resource.items = {thing("one"), thing("two")};
  auto begun = service.send(RequestText(action::kEnumerate).resource(kFakeUri).body("<n:Enumerate/>"));
  const auto context = begun.body().child(ns::kEnumeration, "EnumerationContext").text();
  access.allow = false;
  EXPECT_EQ(service.fault_of(
                RequestText(action::kPull)
                    .resource(kFakeUri)
                    .body("<n:Pull><n:EnumerationContext>" + std::string(context) + "</n:EnumerationContext></n:Pull>")),
            FaultCode::AccessDenied);
}

TEST(Routing, AResourceThatTakesWhatIsBelowAnswersThere) {
  Service service;
  service.resource.below = true;
  service.resource.items = {thing("one")};
  EXPECT_TRUE(service.send(get("urn:test:things/a/B")).body().is("urn:test", "Thing"));
}

TEST(Routing, BelowOtherResourcesThereIsNothing) {
  Service service;
  EXPECT_EQ(service.fault_of(get("urn:test:things/a")), FaultCode::InvalidResourceUri);
}

TEST(Routing, OnlyWholePartsOfAUriCount) {
  Service service;
  service.resource.below = true;
  EXPECT_EQ(service.fault_of(get("urn:test:thingsandmore")), FaultCode::InvalidResourceUri);
}

TEST(Routing, AMethodBelowAResourceIsNamedByTheWholeUri) {
  Service service;
  service.resource.below = true;
  auto reply = service.send(
      RequestText("urn:test:things/a/Polish").resource("urn:test:things/a").body("<t:Polish_INPUT xmlns:t='urn:test'/>"));
  EXPECT_EQ(reply.headers.action, "urn:test:things/a/PolishResponse");
}

}  // namespace
}  // namespace wsman
