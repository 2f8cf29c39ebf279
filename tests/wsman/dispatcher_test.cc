#include "engine/wsman/dispatcher.h"

#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::administrator;
using test_support::kFakeUri;
using test_support::RequestText;
using test_support::run_on;
using test_support::Service;
using test_support::thing;

RequestText request(std::string_view action) {
  return RequestText(action).resource(kFakeUri);
}

RequestText get(std::string_view name) {
  return request(action::kGet)
      .block("w:SelectorSet",
             "<w:SelectorSet><w:Selector Name='Name'>" + std::string(name) + "</w:Selector></w:SelectorSet>");
}

TEST(Dispatcher, GetAnswersTheInstance) {
  Service service;
  service.resource.items = {thing("one")};
  auto reply = service.send(get("one"));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse");
  EXPECT_EQ(reply.headers.relates_to, RequestText::kMessageId);
  EXPECT_EQ(reply.headers.to, kAnonymous);
  EXPECT_TRUE(reply.body().is("urn:test", "Thing"));
}

TEST(Dispatcher, PutAnswersTheNewRepresentation) {
  Service service;
  auto reply = service.send(request(action::kPut).body("<t:Thing xmlns:t='urn:test'>new</t:Thing>"));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/09/transfer/PutResponse");
  EXPECT_EQ(reply.body().text(), "new");
}

TEST(Dispatcher, CreateAnswersAReferenceToTheInstance) {
  Service service;
  auto reply = service.send(request(action::kCreate).body("<t:Thing xmlns:t='urn:test'>a&amp;b</t:Thing>"));
  const auto created = reply.body();
  ASSERT_TRUE(created.is(ns::kTransfer, "ResourceCreated"));
  EXPECT_EQ(created.child(ns::kAddressing, "Address").text(), kAnonymous);
  const auto parameters = created.child(ns::kAddressing, "ReferenceParameters");
  EXPECT_EQ(parameters.child(ns::kWsman, "ResourceURI").text(), kFakeUri);
  const auto selector = parameters.child(ns::kWsman, "SelectorSet").first_child();
  EXPECT_EQ(selector.attribute("Name"), "Name");
  EXPECT_EQ(selector.text(), "a&b");
}

TEST(Dispatcher, DeleteAnswersAnEmptyBody) {
  Service service;
  service.resource.items = {thing("one")};
  auto reply = service.send(request(action::kDelete));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/09/transfer/DeleteResponse");
  EXPECT_FALSE(reply.body());
  EXPECT_TRUE(service.resource.items.empty());
}

TEST(Dispatcher, CustomActionIsTheResourceUriAndAMethod) {
  Service service;
  auto reply =
      service.send(RequestText("URN:test:things/Polish").resource(kFakeUri).body("<t:In xmlns:t='urn:test'>7</t:In>"));
  EXPECT_EQ(reply.headers.action, "URN:test:things/PolishResponse");
  EXPECT_TRUE(reply.body().is("urn:test", "Polish_OUTPUT"));
  EXPECT_EQ(reply.body().text(), "7");
}

TEST(Dispatcher, ResourceUriComparesWithoutCase) {
  Service service;
  service.resource.items = {thing("one")};
  EXPECT_FALSE(service.send(get("one").resource("URN:TEST:Things")).fault());
}

TEST(Dispatcher, MissingHeadersHaveTheirFaults) {
  Service service;
  EXPECT_EQ(service.fault_of(get("one").block("a:Action", "")), FaultCode::MessageInformationHeaderRequired);
  EXPECT_EQ(service.fault_of(get("one").block("a:To", "")), FaultCode::MessageInformationHeaderRequired);
  EXPECT_EQ(service.fault_of(get("one").block("a:ReplyTo", "")), FaultCode::MessageInformationHeaderRequired);
  EXPECT_EQ(service.fault_of(get("one").block("a:MessageID", "")), FaultCode::InvalidMessageInformationHeader);
  EXPECT_EQ(service.fault_of(get("one").block("a:MessageID", "<a:MessageID> </a:MessageID>")),
            FaultCode::InvalidMessageInformationHeader);
  EXPECT_EQ(service.fault_of(get("one").block("w:ResourceURI", "")), FaultCode::InvalidResourceUri);
}

TEST(Dispatcher, RepliesGoToTheAnonymousAddressOnly) {
  Service service;
  EXPECT_EQ(
      service.fault_of(get("one").block("a:ReplyTo", "<a:ReplyTo><a:Address>http://else.example</a:Address></a:ReplyTo>")),
      FaultCode::UnsupportedAddressingMode);
  EXPECT_EQ(
      service.fault_of(get("one").block("a:FaultTo", "<a:FaultTo><a:Address>http://else.example</a:Address></a:FaultTo>")),
      FaultCode::UnsupportedAddressingMode);
}

TEST(Dispatcher, UnknownThingsHaveTheirFaults) {
  Service service;
  EXPECT_EQ(service.fault_of(get("one").resource("urn:test:nothing")), FaultCode::InvalidResourceUri);
  EXPECT_EQ(service.fault_of(request("urn:test:unheard-of")), FaultCode::ActionNotSupported);
  EXPECT_EQ(service.fault_of(request(action::kSubscribe)), FaultCode::InvalidMessage);
  EXPECT_EQ(service.fault_of(get("none")), FaultCode::ResourceNotFound);
  EXPECT_EQ(service.fault_of(request(action::kPut)), FaultCode::MissingValues);
}

TEST(Dispatcher, MandatoryHeadersThatAreNotUnderstoodAreNamed) {
  Service service;
  auto reply = service.send(get("one").block("x", "<x:Odd xmlns:x='urn:odd' s:mustUnderstand='true'/>"));
  ASSERT_TRUE(reply.fault().has_value());
  EXPECT_EQ(reply.fault()->code, FaultCode::MustUnderstand);
  const auto block = reply.document.root().child(ns::kSoap, "Header").child(ns::kSoap, "NotUnderstood");
  EXPECT_EQ(block.attribute("qname"), "q:Odd");
  EXPECT_EQ(service.fault_of(get("one").block("x", "<w:Locale xml:lang='de' s:mustUnderstand='true'/>")),
            FaultCode::UnsupportedLocale);
  EXPECT_EQ(service.fault_of(get("one").block("x", "<w:FragmentTransfer s:mustUnderstand='true'>A</w:FragmentTransfer>")),
            FaultCode::FragmentTransferNotSupported);
}

TEST(Dispatcher, RetransmissionIsNotUnderstood) {
  Service service;
  EXPECT_EQ(service.fault_of(get("one").block("o", "<p:OperationID s:mustUnderstand='true'>uuid:1</p:OperationID>")),
            FaultCode::MustUnderstand);
}

TEST(Dispatcher, OperationIdIsNotEchoed) {
  Service service;
  service.resource.items = {thing("one")};
  auto reply = service.send(get("one")
                                .block("o", "<p:OperationID s:mustUnderstand='false'>uuid:1</p:OperationID>")
                                .block("q", "<p:SequenceId>1</p:SequenceId>"));
  EXPECT_FALSE(reply.fault());
  EXPECT_EQ(reply.headers.operation_id, "");
  EXPECT_FALSE(reply.headers.sequence_id.has_value());
}

TEST(Dispatcher, SequenceBeginsWithOne) {
  Service service;
  EXPECT_EQ(service.fault_of(get("one").block("q", "<p:SequenceId>2</p:SequenceId>")),
            FaultCode::InvalidMessageInformationHeader);
}

TEST(Dispatcher, StrangersAreDenied) {
  Service service;
  auto caller = administrator();
  caller.who.administrator = false;
  const auto fault = service.send(get("one"), caller).fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, FaultCode::AccessDenied);
  EXPECT_EQ(windows_code_of(*fault), 5u);
}

TEST(Dispatcher, FaultNamesTheMachineAndTheRequest) {
  Service service;
  auto reply = service.send(get("none"));
  EXPECT_EQ(reply.headers.relates_to, RequestText::kMessageId);
  const auto detail = reply.body().child(ns::kSoap, "Detail").child(ns::kFault, "WSManFault");
  EXPECT_EQ(detail.attribute("Machine"), "wec.lab.example");
}

TEST(Dispatcher, OptionsThatAreInsistedOnMustBeKnown) {
  Service service;
  service.resource.items = {thing("one")};
  const auto with = [](std::string_view name, std::string_view insists) {
    return get("one").block("o", "<w:OptionSet><w:Option Name='" + std::string(name) + "' MustComply='" +
                                     std::string(insists) + "'>1</w:Option></w:OptionSet>");
  };
  EXPECT_FALSE(service.send(with("Known", "true")).fault());
  EXPECT_FALSE(service.send(with("Unknown", "false")).fault());
  const auto fault = service.send(with("Unknown", "true")).fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, FaultCode::OptionsNotSupported);
  EXPECT_EQ(fault->windows_code, 2150858833u);
}

TEST(Dispatcher, ExceptionOfAResourceIsAnInternalError) {
  Service service;
  service.resource.throws = true;
  EXPECT_EQ(service.fault_of(get("one")), FaultCode::InternalError);
}

TEST(Dispatcher, ResourceThatAnswersAtOnceIsServedLikeAnyOther) {
  Service service;
  service.resource.items = {test_support::thing("one")};
  service.resource.at_once = true;
  EXPECT_EQ(service.send(get("one")).headers.action, std::string(action::kGet) + "Response");
  EXPECT_EQ(service.fault_of(get("two")), FaultCode::ResourceNotFound);
  EXPECT_EQ(service.fault_of(get("one").block("t", "<w:OperationTimeout>PT0S</w:OperationTimeout>")), FaultCode::TimedOut);
  service.resource.throws = true;
  EXPECT_EQ(service.fault_of(get("one")), FaultCode::InternalError);
}

TEST(Dispatcher, OperationTimeoutEndsTheOperation) {
  Service service;
  test_support::FakeClock never;
  service.resource.stall = &never;
  auto envelope = read_envelope(get("one").block("t", "<w:OperationTimeout>PT5.000S</w:OperationTimeout>").text());
  ASSERT_THAT(envelope, test_support::IsOk());
  auto reply = boost::asio::co_spawn(service.loop.executor(),
                                     service.dispatcher.dispatch(std::move(envelope).value(), administrator()),
                                     boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return service.clock.sleepers() == 1; }));
  service.clock.advance(std::chrono::milliseconds(4999));
  EXPECT_EQ(reply.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  service.clock.advance(std::chrono::milliseconds(1));
  auto message = reply.get();
  ASSERT_TRUE(message.has_value());
  EXPECT_NE(message->body.find("2150858793"), std::string::npos);
  EXPECT_EQ(never.sleepers(), 0u);
}

TEST(Dispatcher, TimeoutIsCappedByOurs) {
  DispatcherOptions options;
  options.max_timeout = std::chrono::seconds(2);
  Service service(options);
  test_support::FakeClock never;
  service.resource.stall = &never;
  auto envelope = read_envelope(get("one").block("t", "<w:OperationTimeout>P1D</w:OperationTimeout>").text());
  auto reply = boost::asio::co_spawn(service.loop.executor(),
                                     service.dispatcher.dispatch(std::move(envelope).value(), administrator()),
                                     boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return service.clock.sleepers() == 1; }));
  service.clock.advance(std::chrono::seconds(2));
  EXPECT_NE(reply.get()->body.find("w:TimedOut"), std::string::npos);
}

TEST(Dispatcher, ZeroTimeoutTimesOutAtOnce) {
  Service service;
  EXPECT_EQ(service.fault_of(get("one").block("t", "<w:OperationTimeout>PT0S</w:OperationTimeout>")), FaultCode::TimedOut);
}

TEST(Dispatcher, EnvelopeSizeIsBoundedBothWays) {
  Service service;
  service.resource.items = {thing("small"), thing("large", 20'000)};
  const auto limited = [](std::string_view name, int octets) {
    return get(name).block("m", "<w:MaxEnvelopeSize>" + std::to_string(octets) + "</w:MaxEnvelopeSize>");
  };
  EXPECT_EQ(service.fault_of(limited("small", 8191)), FaultCode::MinimumEnvelopeLimit);
  EXPECT_FALSE(service.send(limited("small", 8192)).fault());
  EXPECT_EQ(service.fault_of(limited("large", 16'000)), FaultCode::MaxEnvelopeSizeExceeded);
  EXPECT_FALSE(service.send(limited("large", 32'000)).fault());
  auto wide = administrator();
  wide.charset = Charset::Utf16;
  EXPECT_EQ(service.fault_of(limited("large", 32'000), wide), FaultCode::MaxEnvelopeSizeExceeded);
}

TEST(Dispatcher, OurEnvelopeLimitHoldsWhateverIsAsked) {
  DispatcherOptions options;
  options.max_envelope_size = 16'000;
  Service service(options);
  service.resource.items = {thing("large", 20'000)};
  EXPECT_EQ(service.fault_of(get("large").block("m", "<w:MaxEnvelopeSize>500000</w:MaxEnvelopeSize>")),
            FaultCode::MaxEnvelopeSizeExceeded);
}

TEST(Dispatcher, ChangeThatCannotBeReportedIsToldSo) {
  Service service;
  EXPECT_EQ(service.fault_of(request(action::kPut)
                                 .block("m", "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>")
                                 .body("<t:Thing xmlns:t='urn:test'>" + std::string(9000, 'x') + "</t:Thing>")),
            FaultCode::UnreportableSuccess);
}

TEST(Dispatcher, OperationsOfOneUserAreCounted) {
  DispatcherOptions options;
  options.max_operations_per_user = 1;
  Service service(options);
  test_support::FakeClock never;
  service.resource.stall = &never;
  auto envelope = read_envelope(get("one").text());
  auto first = boost::asio::co_spawn(service.loop.executor(),
                                     service.dispatcher.dispatch(std::move(envelope).value(), administrator()),
                                     boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return never.sleepers() == 1; }));
  const auto fault = service.send(get("one")).fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, FaultCode::QuotaLimit);
  EXPECT_EQ(fault->windows_code, 2150859174u);
  EXPECT_EQ(service.fault_of(request("urn:test:unheard-of"), administrator("another")), FaultCode::ActionNotSupported);
  service.clock.advance(std::chrono::hours(1));
  first.get();
  EXPECT_EQ(service.fault_of(request("urn:test:unheard-of")), FaultCode::ActionNotSupported);
}

TEST(Dispatcher, ChangedLimitsHoldFromTheNextRequestOn) {
  Service service;
  service.resource.items = {thing("one", 20'000)};
  EXPECT_FALSE(service.send(get("one")).fault());
  Limits limits = service.dispatcher.limits();
  limits.max_envelope_size = 16'000;
  service.dispatcher.set_limits(limits);
  EXPECT_EQ(service.fault_of(get("one")), FaultCode::MaxEnvelopeSizeExceeded);

  limits = {};
  limits.max_timeout = std::chrono::seconds(2);
  service.dispatcher.set_limits(limits);
  test_support::FakeClock never;
  service.resource.stall = &never;
  auto envelope = read_envelope(get("one").text());
  auto reply = boost::asio::co_spawn(service.loop.executor(),
                                     service.dispatcher.dispatch(std::move(envelope).value(), administrator()),
                                     boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return service.clock.sleepers() == 1; }));
  service.clock.advance(std::chrono::seconds(2));
  EXPECT_NE(reply.get()->body.find("w:TimedOut"), std::string::npos);
}

TEST(Dispatcher, EndWantsNoReply) {
  Service service;
  auto envelope = read_envelope(RequestText(action::kEnd)
                                    .resource(resource::kFullDuplex)
                                    .block("a:ReplyTo", "")
                                    .block("o", "<p:OperationID>uuid:1</p:OperationID>")
                                    .text());
  ASSERT_THAT(envelope, test_support::IsOk());
  EXPECT_FALSE(run_on(service.loop.executor(), service.dispatcher.dispatch(std::move(envelope).value(), administrator())));
}

}  // namespace
}  // namespace wsman
