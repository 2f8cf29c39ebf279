#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::administrator;
using test_support::kFakeUri;
using test_support::RequestText;
using test_support::Service;
using test_support::thing;

RequestText enumerate(std::string_view inside) {
  return RequestText(action::kEnumerate).resource(kFakeUri).body("<n:Enumerate>" + std::string(inside) + "</n:Enumerate>");
}

RequestText optimized(int max_elements, std::string_view more = "") {
  return enumerate("<w:OptimizeEnumeration/><w:MaxElements>" + std::to_string(max_elements) + "</w:MaxElements>" +
                   std::string(more));
}

RequestText pull(std::string_view context, std::string_view more = "") {
  return RequestText(action::kPull)
      .resource(kFakeUri)
      .body("<n:Pull><n:EnumerationContext>" + std::string(context) + "</n:EnumerationContext>" + std::string(more) +
            "</n:Pull>");
}

RequestText release(std::string_view context) {
  return RequestText(action::kRelease)
      .resource(kFakeUri)
      .body("<n:Release><n:EnumerationContext>" + std::string(context) + "</n:EnumerationContext></n:Release>");
}

std::string context_of(const Envelope& reply) {
  return reply.body().child(ns::kEnumeration, "EnumerationContext").text();
}

RequestText& limited(RequestText& request, int octets) {
  return request.block("m", "<w:MaxEnvelopeSize>" + std::to_string(octets) + "</w:MaxEnvelopeSize>");
}

std::vector<Item> things(int count, std::size_t padding = 0) {
  std::vector<Item> items;
  for (int i = 0; i < count; ++i) items.push_back(thing("t" + std::to_string(i), padding));
  return items;
}

/// Has nothing, ever; or what a test puts in.
class SlowEnumerator final : public Enumerator {
 public:
  explicit SlowEnumerator(base::Clock& clock) : clock_(clock) {}
  AsyncResult<Page> next(base::Budget budget) override {
    co_await clock_.sleep_until(budget.until);
    co_return Page{};
  }

 private:
  base::Clock& clock_;
};

TEST(Enumeration, OptimisedAndCompleteAsWindowsAnswersIt) {
  Service service;
  service.resource.items = things(3);
  auto reply = service.send(optimized(32000));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/09/enumeration/EnumerateResponse");
  const auto body = reply.body();
  ASSERT_TRUE(body.is(ns::kEnumeration, "EnumerateResponse"));
  ASSERT_TRUE(body.child(ns::kEnumeration, "EnumerationContext"));
  EXPECT_EQ(context_of(reply), "");
  EXPECT_EQ(body.child(ns::kWsman, "Items").child_count(), 3u);
  EXPECT_TRUE(body.child(ns::kWsman, "EndOfSequence"));
  EXPECT_EQ(service.dispatcher.open_contexts(), 0u);
}

TEST(Enumeration, EmptyListHasNoItemsElement) {
  Service service;
  const auto reply = service.send(optimized(10));
  EXPECT_FALSE(reply.body().child(ns::kWsman, "Items"));
  EXPECT_TRUE(reply.body().child(ns::kWsman, "EndOfSequence"));
}

TEST(Enumeration, WithoutOptimisationThereIsJustAContext) {
  Service service;
  service.resource.items = things(1);
  auto reply = service.send(enumerate(""));
  EXPECT_THAT(context_of(reply), ::testing::StartsWith("uuid:"));
  EXPECT_EQ(reply.body().child_count(), 1u);
  EXPECT_EQ(service.dispatcher.open_contexts(), 1u);
}

TEST(Enumeration, PagesBringEveryItemOnceAndInOrder) {
  Service service;
  service.resource.items = things(10);
  std::vector<std::string> seen;
  auto reply = service.send(optimized(3));
  const auto collect = [&](xml::Element items) {
    for (xml::Element item : items.children()) seen.push_back(item.text());
  };
  collect(reply.body().child(ns::kWsman, "Items"));
  EXPECT_FALSE(reply.body().child(ns::kWsman, "EndOfSequence"));
  for (int i = 0; i < 10; ++i) {
    reply = service.send(pull(context_of(reply), "<n:MaxElements>3</n:MaxElements>"));
    ASSERT_TRUE(reply.body().is(ns::kEnumeration, "PullResponse"));
    collect(reply.body().child(ns::kEnumeration, "Items"));
    if (reply.body().child(ns::kEnumeration, "EndOfSequence")) break;
  }
  EXPECT_FALSE(reply.body().child(ns::kEnumeration, "EnumerationContext"));
  std::vector<std::string> all;
  for (const auto& item : things(10)) all.push_back(item.selectors[0].value);
  EXPECT_EQ(seen, all);
  EXPECT_EQ(service.dispatcher.open_contexts(), 0u);
}

TEST(Enumeration, DefaultsToOneElement) {
  Service service;
  service.resource.items = things(5);
  auto reply = service.send(enumerate("<w:OptimizeEnumeration/>"));
  EXPECT_EQ(reply.body().child(ns::kWsman, "Items").child_count(), 1u);
  reply = service.send(pull(context_of(reply)));
  EXPECT_EQ(reply.body().child(ns::kEnumeration, "Items").child_count(), 1u);
}

TEST(Enumeration, BatchIsBoundedByOurLimit) {
  DispatcherOptions options;
  options.max_batch_items = 2;
  Service service(options);
  service.resource.items = things(5);
  EXPECT_EQ(service.send(optimized(100)).body().child(ns::kWsman, "Items").child_count(), 2u);
}

TEST(Enumeration, PagesShrinkToTheEnvelopeInEitherEncoding) {
  for (const Charset charset : {Charset::Utf8, Charset::Utf16}) {
    Service service;
    service.resource.items = things(40, 1000);
    auto caller = administrator();
    caller.charset = charset;
    auto first = optimized(100);
    auto reply = service.send(limited(first, 20'000), caller);
    std::size_t seen = reply.body().child(ns::kWsman, "Items").child_count();
    EXPECT_GT(seen, charset == Charset::Utf8 ? 13u : 4u);
    for (int i = 0; i < 40 && seen < 40; ++i) {
      auto next = pull(context_of(reply), "<n:MaxElements>100</n:MaxElements>");
      auto envelope = read_envelope(limited(next, 20'000).text());
      ASSERT_THAT(envelope, test_support::IsOk());
      auto message =
          test_support::run_on(service.loop.executor(), service.dispatcher.dispatch(std::move(envelope).value(), caller));
      EXPECT_LE(encode_text(write_envelope(*message), charset).size(), 20'000u);
      auto read = read_envelope(write_envelope(*message));
      ASSERT_THAT(read, test_support::IsOk());
      reply = std::move(read).value();
      ASSERT_FALSE(reply.fault());
      seen += reply.body().child(ns::kEnumeration, "Items").child_count();
    }
    EXPECT_EQ(seen, 40u);
  }
}

TEST(Enumeration, ItemThatCannotFitIsKeptForALargerEnvelope) {
  Service service;
  service.resource.items = {thing("small"), thing("large", 20'000)};
  auto reply = service.send(enumerate(""));
  const std::string context = context_of(reply);
  service.send(pull(context));
  auto narrow = pull(context);
  EXPECT_EQ(service.fault_of(limited(narrow, 9000)), FaultCode::MaxEnvelopeSizeExceeded);
  reply = service.send(pull(context));
  ASSERT_FALSE(reply.fault());
  EXPECT_EQ(reply.body().child(ns::kEnumeration, "Items").first_child().text().substr(0, 5), "large");
  EXPECT_TRUE(reply.body().child(ns::kEnumeration, "EndOfSequence"));
}

TEST(Enumeration, MaxCharactersBoundsThePage) {
  Service service;
  service.resource.items = things(10, 100);
  auto reply = service.send(enumerate(""));
  reply = service.send(pull(context_of(reply), "<n:MaxElements>10</n:MaxElements><n:MaxCharacters>500</n:MaxCharacters>"));
  EXPECT_EQ(reply.body().child(ns::kEnumeration, "Items").child_count(), 3u);
}

TEST(Enumeration, BookmarkOfTheLastItemStandsInTheHeader) {
  Service service;
  service.resource.items = things(3);
  auto reply = service.send(optimized(2));
  EXPECT_EQ(reply.headers.bookmark, "<At>t1</At>");
  reply = service.send(pull(context_of(reply)));
  EXPECT_EQ(reply.headers.bookmark, "<At>t2</At>");
}

TEST(Enumeration, ModesGiveReferences) {
  Service service;
  service.resource.items = things(1);
  auto reply = service.send(optimized(5, "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>"));
  auto reference = reply.body().child(ns::kWsman, "Items").first_child();
  ASSERT_TRUE(reference.is(ns::kAddressing, "EndpointReference"));
  const auto parameters = reference.child(ns::kAddressing, "ReferenceParameters");
  EXPECT_EQ(parameters.child(ns::kWsman, "ResourceURI").text(), kFakeUri);
  EXPECT_EQ(parameters.child(ns::kWsman, "SelectorSet").first_child().text(), "t0");

  reply = service.send(optimized(5, "<w:EnumerationMode>EnumerateObjectAndEPR</w:EnumerationMode>"));
  const auto both = reply.body().child(ns::kWsman, "Items").first_child();
  ASSERT_TRUE(both.is(ns::kWsman, "Item"));
  EXPECT_TRUE(both.first_child().is("urn:test", "Thing"));
  EXPECT_TRUE(both.first_child().next_sibling().is(ns::kAddressing, "EndpointReference"));

  EXPECT_EQ(service.fault_of(optimized(5, "<w:EnumerationMode>Other</w:EnumerationMode>")),
            FaultCode::UnsupportedEnumerationMode);
  service.resource.items[0].selectors.clear();
  EXPECT_EQ(service.fault_of(optimized(5, "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>")),
            FaultCode::UnsupportedEnumerationMode);
}

TEST(Enumeration, FilterReachesTheResource) {
  Service service;
  service.send(optimized(1, "<w:Filter Dialect='" + std::string(kEventQueryDialect) + "'> text </w:Filter>"));
  ASSERT_TRUE(service.resource.last_filter.has_value());
  EXPECT_EQ(service.resource.last_filter->dialect, kEventQueryDialect);
  EXPECT_EQ(service.resource.last_filter->text, "text");
  service.send(optimized(1, "<n:Filter><QueryList><Query Id='0'/></QueryList></n:Filter>"));
  EXPECT_EQ(service.resource.last_filter->text, "<QueryList><Query Id='0'/></QueryList>");
  EXPECT_EQ(service.fault_of(optimized(1, "<n:Filter>a</n:Filter><w:Filter>b</w:Filter>")), FaultCode::CannotProcessFilter);
}

TEST(Enumeration, ExpirationIsADuration) {
  Service service;
  EXPECT_FALSE(service.send(optimized(1, "<n:Expires>PT10M</n:Expires>")).fault());
  EXPECT_EQ(service.fault_of(optimized(1, "<n:Expires>2024-05-01T10:00:00Z</n:Expires>")),
            FaultCode::UnsupportedEnumerationExpiration);
  EXPECT_EQ(service.fault_of(optimized(1, "<n:Expires>PT0S</n:Expires>")), FaultCode::InvalidEnumerationExpiration);
  EXPECT_EQ(service.fault_of(optimized(1, "<n:Expires>soon</n:Expires>")), FaultCode::InvalidEnumerationExpiration);
}

TEST(Enumeration, BodyMustFitTheAction) {
  Service service;
  EXPECT_EQ(service.fault_of(enumerate("").body("")), FaultCode::SchemaValidationError);
  EXPECT_EQ(service.fault_of(enumerate("").body("<n:Pull/>")), FaultCode::ActionMismatch);
  EXPECT_EQ(service.fault_of(optimized(0)), FaultCode::SchemaValidationError);
  EXPECT_EQ(service.fault_of(optimized(-1)), FaultCode::SchemaValidationError);
}

TEST(Enumeration, ContextBelongsToItsUser) {
  Service service;
  service.resource.items = things(3);
  const std::string context = context_of(service.send(enumerate("")));
  EXPECT_EQ(service.fault_of(pull(context), administrator("another")), FaultCode::InvalidEnumerationContext);
  EXPECT_EQ(service.fault_of(release(context), administrator("another")), FaultCode::InvalidEnumerationContext);
  auto same_name = administrator();
  same_name.who.issuers = {"00"};
  EXPECT_EQ(service.fault_of(pull(context), same_name), FaultCode::InvalidEnumerationContext);
  EXPECT_FALSE(service.send(pull(context)).fault());
}

TEST(Enumeration, RightsAreAskedForOnEachPull) {
  Service service;
  service.resource.items = things(3);
  const std::string context = context_of(service.send(enumerate("")));
  service.resource.allowed = false;
  EXPECT_EQ(service.fault_of(pull(context)), FaultCode::AccessDenied);
}

TEST(Enumeration, ReleaseEndsIt) {
  Service service;
  service.resource.items = things(3);
  const std::string context = context_of(service.send(enumerate("")));
  const auto reply = service.send(release(context));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/09/enumeration/ReleaseResponse");
  EXPECT_FALSE(reply.body());
  EXPECT_EQ(service.fault_of(pull(context)), FaultCode::InvalidEnumerationContext);
  EXPECT_EQ(service.fault_of(release(context)), FaultCode::InvalidEnumerationContext);
}

TEST(Enumeration, IdleContextExpires) {
  Service service;
  service.resource.items = things(5);
  const std::string context = context_of(service.send(enumerate("")));
  service.clock.advance(std::chrono::seconds(59));
  EXPECT_FALSE(service.send(pull(context)).fault());
  service.clock.advance(std::chrono::seconds(60));
  EXPECT_EQ(service.fault_of(pull(context)), FaultCode::InvalidEnumerationContext);
  service.dispatcher.expire_contexts();
  EXPECT_EQ(service.dispatcher.open_contexts(), 0u);
}

TEST(Enumeration, NoOneTakesAllContexts) {
  DispatcherOptions options;
  options.max_contexts = 8;
  Service service(options);
  for (int user = 0; user < 4; ++user) {
    const auto caller = administrator("u" + std::to_string(user));
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(service.send(enumerate(""), caller).fault());
    EXPECT_EQ(service.fault_of(enumerate(""), caller), FaultCode::QuotaLimit);
  }
  EXPECT_EQ(service.fault_of(enumerate(""), administrator("another")), FaultCode::QuotaLimit);
  // What needs no context is still answered.
  EXPECT_FALSE(service.send(optimized(1)).fault());
}

TEST(Enumeration, ShorterIdleTimeHoldsForOpenContextsToo) {
  Service service;
  service.resource.items = things(5);
  const std::string context = context_of(service.send(enumerate("")));
  Limits limits;
  limits.enumeration_timeout = std::chrono::milliseconds(500);
  limits.max_batch_items = 2;
  service.dispatcher.set_limits(limits);
  EXPECT_EQ(service.send(optimized(100)).body().child(ns::kWsman, "Items").child_count(), 2u);
  service.clock.advance(std::chrono::milliseconds(500));
  EXPECT_EQ(service.fault_of(pull(context)), FaultCode::InvalidEnumerationContext);
}

TEST(Enumeration, OpenOnesCountAsOperationsOfTheirUser) {
  DispatcherOptions options;
  options.max_operations_per_user = 2;
  Service service(options);
  service.resource.items = things(5);
  const std::string context = context_of(service.send(enumerate("")));
  EXPECT_FALSE(service.send(enumerate("")).fault());
  const auto fault = service.send(enumerate("")).fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, FaultCode::InternalError);
  EXPECT_EQ(fault->windows_code, 2150859174u);
  // Other operations go on, and other users are not concerned.
  EXPECT_FALSE(service.send(pull(context)).fault());
  EXPECT_FALSE(service.send(enumerate(""), administrator("another")).fault());
}

TEST(Enumeration, PullWithoutNewsTimesOutAndGoesOn) {
  Service service;
  service.resource.make_enumerator = [&] { return std::make_unique<SlowEnumerator>(service.clock); };
  const std::string context = context_of(service.send(enumerate("")));
  for (int i = 0; i < 2; ++i) {
    auto envelope = read_envelope(pull(context, "<n:MaxTime>PT5S</n:MaxTime>").text());
    auto reply = boost::asio::co_spawn(service.loop.executor(),
                                       service.dispatcher.dispatch(std::move(envelope).value(), administrator()),
                                       boost::asio::use_future);
    ASSERT_TRUE(test_support::eventually([&] { return service.clock.sleepers() == 2; }));
    // Meanwhile nobody else may pull.
    EXPECT_EQ(service.fault_of(pull(context)), FaultCode::PullInProgress);
    service.clock.advance(std::chrono::seconds(5));
    EXPECT_NE(reply.get()->body.find("w:TimedOut"), std::string::npos);
  }
  EXPECT_EQ(service.dispatcher.open_contexts(), 1u);
}

TEST(Enumeration, PullThatOverrunsItsTimeEndsTheEnumeration) {
  class StuckEnumerator final : public Enumerator {
   public:
    explicit StuckEnumerator(base::Clock& clock) : clock_(clock) {}
    AsyncResult<Page> next(base::Budget) override {
      co_await clock_.sleep_until(base::SteadyTime::max());
      co_await clock_.sleep_until(base::SteadyTime::max());
      co_return Page{};
    }

   private:
    base::Clock& clock_;
  };
  Service service;
  service.resource.make_enumerator = [&] { return std::make_unique<StuckEnumerator>(service.clock); };
  const std::string context = context_of(service.send(enumerate("")));
  auto envelope = read_envelope(pull(context).text());
  auto reply = boost::asio::co_spawn(service.loop.executor(),
                                     service.dispatcher.dispatch(std::move(envelope).value(), administrator()),
                                     boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return service.clock.sleepers() == 2; }));
  service.clock.advance(std::chrono::hours(1));
  EXPECT_NE(reply.get()->body.find("w:TimedOut"), std::string::npos);
  EXPECT_EQ(service.dispatcher.open_contexts(), 0u);
}

}  // namespace
}  // namespace wsman
