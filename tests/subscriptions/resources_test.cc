#include "subscriptions/resources.h"

#include <gmock/gmock.h>

#include "engine/wsman/dispatcher.h"
#include "engine/wsman/eventing.h"
#include "engine/wsman/names.h"
#include "subscriptions/status_document.h"
#include "tests/subscriptions/manager_fixture.h"

namespace subscriptions {
namespace {

using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace action = wsman::action;
namespace resource = wsman::resource;

auth::Principal administrator() {
  auth::Principal principal;
  principal.scheme = auth::Principal::Scheme::LocalPeer;
  principal.name = "root";
  principal.administrator = true;
  return principal;
}

/// Requests through the real dispatcher, as text.
class ResourcesTest : public ManagerFixture {
 protected:
  ResourcesTest() : definitions_(*manager_), status_(*manager_), list_(*manager_) {
    dispatcher_.add(definitions_);
    dispatcher_.add(status_);
    dispatcher_.add(list_);
  }

  static wsman::Message request(std::string_view act, std::string_view uri, std::string body = {}) {
    wsman::Message message;
    message.headers.action = act;
    message.headers.to = "https://collector.example.org:5986/wsman/SubscriptionManager/WEC";
    message.headers.message_id = wsman::new_message_id();
    message.headers.reply_to = wsman::kAnonymous;
    message.headers.resource_uri = uri;
    message.headers.max_envelope_size = 512'000;
    message.body = std::move(body);
    return message;
  }
  static wsman::Message on(std::string id, std::string_view act, std::string body = {}) {
    wsman::Message message = request(act, resource::kSubscriptionDefinition, std::move(body));
    message.headers.selectors.push_back(wsman::Selector{"SubscriptionId", std::move(id), {}});
    return message;
  }
  static wsman::Message enumerate(std::string_view uri) {
    return request(action::kEnumerate, uri,
                   "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>32000</w:MaxElements></n:Enumerate>");
  }

  wsman::Envelope ask(const wsman::Message& message, auth::Principal who = administrator()) {
    auto envelope = wsman::read_envelope(wsman::write_envelope(message));
    EXPECT_TRUE(envelope.ok());
    wsman::Caller caller{std::move(who), "/wsman/SubscriptionManager/WEC", "192.0.2.7"};
    auto reply = wait(dispatcher_.dispatch(std::move(*envelope), std::move(caller)));
    EXPECT_TRUE(reply.has_value());
    return std::move(*wsman::read_envelope(wsman::write_envelope(*reply)));
  }
  /// The code and the number of the fault that answers.
  std::pair<wsman::FaultCode, std::uint32_t> fault(const wsman::Message& message, auth::Principal who = administrator()) {
    const wsman::Envelope reply = ask(message, std::move(who));
    const auto fault = reply.fault();
    if (!fault) return {wsman::FaultCode::InternalError, 0};
    reason_ = fault->reason;
    return {fault->code, wsman::windows_code_of(*fault)};
  }
  static std::vector<xml::Element> items_of(const wsman::Envelope& reply) {
    std::vector<xml::Element> items;
    for (const xml::Element item : reply.body().child(wsman::ns::kWsman, "Items").children()) items.push_back(item);
    return items;
  }

  std::string reason_;
  SubscriptionDefinitionResource definitions_;
  SubscriptionStatusResource status_;
  SubscriptionListResource list_;
  wsman::Dispatcher dispatcher_{wsman::DispatcherOptions{}};
};

TEST_F(ResourcesTest, CreateStoresAndGetAnswersADefinition) {
  const auto created = ask(request(action::kCreate, resource::kSubscriptionDefinition, std::string(kSourceInitiatedSample)));
  EXPECT_FALSE(created.fault().has_value());
  const auto got = ask(on("LINUX-baseline", action::kGet));
  const auto definition = parse_subscription(got.body().outer_xml());
  ASSERT_THAT(definition, IsOk());
  EXPECT_EQ(to_xml(*definition), to_xml(*manager_->find("linux-baseline")));
}

TEST_F(ResourcesTest, PutReplacesADefinition) {
  ASSERT_THAT(create(sample()), IsOk());
  Subscription changed = sample();
  changed.description = "new";
  const auto reply = ask(on("linux-baseline", action::kPut, to_xml(changed)));
  EXPECT_FALSE(reply.fault().has_value());
  EXPECT_EQ(manager_->find("linux-baseline")->description, "new");
}

TEST_F(ResourcesTest, DeleteRemovesADefinition) {
  ASSERT_THAT(create(sample()), IsOk());
  EXPECT_FALSE(ask(on("linux-baseline", action::kDelete)).fault().has_value());
  EXPECT_THAT(manager_->ids(), IsEmpty());
}

TEST_F(ResourcesTest, EnumerateListsDefinitionsOrOnlyTheirIds) {
  ASSERT_THAT(create(sample("a")), IsOk());
  ASSERT_THAT(create(sample("b")), IsOk());
  wsman::Message message = enumerate(resource::kSubscriptionDefinition);
  const auto whole = ask(message);
  ASSERT_THAT(items_of(whole), SizeIs(2));
  EXPECT_THAT(parse_subscription(items_of(whole)[1].outer_xml()), IsOk());
  message.headers.options.push_back(wsman::Option{"IdentifiersOnly", "true", false, false});
  const auto ids = ask(message);
  ASSERT_THAT(items_of(ids), SizeIs(2));
  EXPECT_EQ(items_of(ids)[0].child_count(), 1u);
  EXPECT_EQ(items_of(ids)[0].child("SubscriptionId").text(), "a");
}

TEST_F(ResourcesTest, AnswersTheNumbersOfWindows) {
  ASSERT_THAT(create(sample()), IsOk());
  const auto definition = resource::kSubscriptionDefinition;
  EXPECT_EQ(fault(on("unknown", action::kGet)).second, 2u);
  EXPECT_EQ(fault(on("unknown", action::kDelete)).second, 2u);
  EXPECT_EQ(fault(on("unknown", action::kPut, to_xml(sample("unknown")))).second, 2u);
  EXPECT_EQ(fault(on("other", action::kPut, to_xml(sample()))), std::pair(wsman::FaultCode::InvalidParameterValue, 87u));
  EXPECT_EQ(fault(request(action::kCreate, definition, to_xml(sample()))), std::pair(wsman::FaultCode::AlreadyExists, 183u));
  EXPECT_EQ(fault(request(action::kCreate, definition, "<Subscription xmlns='urn:x'/>")),
            std::pair(wsman::FaultCode::InvalidParameterValue, 87u));
  EXPECT_EQ(fault(request(action::kGet, definition)).first, wsman::FaultCode::InsufficientSelectors);
  EXPECT_EQ(fault(request(action::kCreate, definition)).first, wsman::FaultCode::MissingValues);
}

TEST_F(ResourcesTest, SaysWhereAQueryIsWrong) {
  Subscription bad = sample("bad");
  bad.query = "<QueryList><Query Id='0'><Select Path='System'>*[System[</Select></Query></QueryList>";
  EXPECT_EQ(fault(request(action::kCreate, resource::kSubscriptionDefinition, to_xml(bad))),
            std::pair(wsman::FaultCode::InvalidParameter, 15001u));
  EXPECT_THAT(reason_, HasSubstr("position"));
}

TEST_F(ResourcesTest, DefinitionsAndStatusAreForAdministrators) {
  ASSERT_THAT(create(sample()), IsOk());
  const auth::Principal who = machine("a.lab.example.org");
  EXPECT_EQ(fault(on("linux-baseline", action::kGet), who).first, wsman::FaultCode::AccessDenied);
  EXPECT_EQ(fault(enumerate(resource::kSubscriptionDefinition), who).first, wsman::FaultCode::AccessDenied);
  EXPECT_EQ(fault(enumerate(resource::kSubscriptionStatus), who).first, wsman::FaultCode::AccessDenied);
}

TEST_F(ResourcesTest, StatusListsTheSourcesThatWereAskedFor) {
  ASSERT_THAT(create(sample()), IsOk());
  hear_from("a.lab.example.org");
  hear_from("b.lab.example.org");
  wsman::Message message = on("linux-baseline", action::kGet);
  message.headers.resource_uri = resource::kSubscriptionStatus;
  const auto all = ask(message);
  const auto status = read_status(all.body());
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->id, "linux-baseline");
  ASSERT_THAT(status->sources, SizeIs(2));
  EXPECT_EQ(status->sources[0].status, RunTimeStatus::Active);
  EXPECT_EQ(status->sources[0].delivery.last_heartbeat, clock_.wall());
  message.headers.selectors.push_back(wsman::Selector{"Source", "B.lab.example.org", {}});
  const auto one = ask(message);
  ASSERT_THAT(read_status(one.body())->sources, SizeIs(1));
  EXPECT_EQ(read_status(one.body())->sources[0].address, "b.lab.example.org");
}

TEST_F(ResourcesTest, StatusIsEnumeratedSourceBySource) {
  ASSERT_THAT(create(sample()), IsOk());
  hear_from("a.lab.example.org");
  wsman::Message message = enumerate(resource::kSubscriptionStatus);
  message.headers.selectors.push_back(wsman::Selector{"SubscriptionId", "linux-baseline", {}});
  const auto reply = ask(message);
  const auto items = items_of(reply);
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(read_status(items[0])->id, "linux-baseline");
  EXPECT_THAT(read_status(items[0])->sources, IsEmpty());
  EXPECT_EQ(read_status(items[1])->sources[0].address, "a.lab.example.org");
}

TEST_F(ResourcesTest, AMachineEnumeratesWhatItMayHave) {
  ASSERT_THAT(create(sample()), IsOk());
  const auto reply = ask(enumerate(resource::kSubscriptionList), machine("a.lab.example.org"));
  const auto items = items_of(reply);
  ASSERT_THAT(items, SizeIs(1));
  const auto offer = wsman::read_offer(items[0]);
  ASSERT_TRUE(offer.ok());
  EXPECT_EQ(offer->version, source_visible_version(sample()));
  EXPECT_EQ(offer->subscribe.notify_to.address,
            "https://collector.example.org:5986/wsman/subscriptions/" + identifier_of(sample()));
  EXPECT_THAT(offer->subscribe.notify_to.issuer_thumbprints, ElementsAre(kIssuer));
}

TEST_F(ResourcesTest, AnEmptyListIsAValidAnswer) {
  ASSERT_THAT(create(sample()), IsOk());
  const auto reply = ask(enumerate(resource::kSubscriptionList), machine("a.example.com"));
  EXPECT_FALSE(reply.fault().has_value());
  EXPECT_THAT(items_of(reply), IsEmpty());
  EXPECT_TRUE(reply.body().child(wsman::ns::kWsman, "EndOfSequence"));
}

TEST_F(ResourcesTest, TheListIsForAuthenticatedMachines) {
  EXPECT_EQ(fault(enumerate(resource::kSubscriptionList), auth::Principal{}).first, wsman::FaultCode::AccessDenied);
}

}  // namespace
}  // namespace subscriptions
