// Fragments and references of instances, asked of a dispatcher.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::kFakeUri;
using test_support::kPartsUri;
using test_support::RequestText;
using test_support::Service;
using test_support::thing;
using ::testing::HasSubstr;

RequestText part(std::string_view action, std::string_view path, std::string_view attributes = "") {
  return RequestText(action)
      .resource(kPartsUri)
      .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name='Name'>bolt</w:Selector></w:SelectorSet>")
      .block("f", "<w:FragmentTransfer s:mustUnderstand='true' " + std::string(attributes) + ">" + std::string(path) +
                      "</w:FragmentTransfer>");
}

RequestText put(std::string_view path, std::string_view content) {
  return part(action::kPut, path).body("<w:XmlFragment xmlns:t='urn:test'>" + std::string(content) + "</w:XmlFragment>");
}

xml::Element header_of(const Envelope& reply, std::string_view name) {
  return reply.document.root().child(ns::kSoap, "Header").child(ns::kWsman, name);
}

TEST(FragmentTransfer, GetAnswersThePartAndRepeatsTheHeader) {
  Service service;
  const auto reply = service.send(part(action::kGet, "Name"));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse");
  const auto header = header_of(reply, "FragmentTransfer");
  ASSERT_TRUE(header);
  EXPECT_EQ(header.text(), "Name");
  EXPECT_EQ(header.attribute(ns::kSoap, "mustUnderstand"), "true");
  ASSERT_TRUE(reply.body().is(ns::kWsman, "XmlFragment"));
  EXPECT_EQ(reply.body().child("urn:test", "Name").text(), "bolt");
  EXPECT_EQ(reply.body().child_count(), 1u);
}

TEST(FragmentTransfer, GetOfATextAnswersBareText) {
  Service service;
  EXPECT_EQ(service.send(part(action::kGet, "/Part/Size/text()")).body().text(), "10");
  EXPECT_EQ(service.send(part(action::kGet, "Inner/@Unit")).body().text(), "mm");
}

TEST(FragmentTransfer, NothingSelectedIsAnEmptyFragment) {
  Service service;
  const auto reply = service.send(part(action::kGet, "Nothing"));
  ASSERT_TRUE(reply.body().is(ns::kWsman, "XmlFragment"));
  EXPECT_FALSE(reply.body().first_child());
  EXPECT_EQ(reply.body().text(), "");
}

TEST(FragmentTransfer, PutReplacesThePart) {
  Service service;
  const auto reply = service.send(put("Size", "<t:Size>12</t:Size>"));
  EXPECT_EQ(reply.headers.action, "http://schemas.xmlsoap.org/ws/2004/09/transfer/PutResponse");
  EXPECT_TRUE(header_of(reply, "FragmentTransfer"));
  EXPECT_EQ(reply.body().child("urn:test", "Size").text(), "12");
  EXPECT_THAT(service.parts.items.front().xml, HasSubstr(">12<"));
  EXPECT_THAT(service.parts.items.front().xml, HasSubstr(">bolt<"));
  EXPECT_EQ(service.send(put("Tag[1]/text()", "brass")).body().text(), "brass");
}

TEST(FragmentTransfer, WrongOnesHaveTheirFaults) {
  Service service;
  EXPECT_EQ(service.fault_of(part(action::kGet, "Name", "Dialect='urn:odd'")), FaultCode::FragmentDialectNotSupported);
  EXPECT_EQ(service.fault_of(part(action::kGet, "//Name")), FaultCode::InvalidFragmentPath);
  EXPECT_EQ(service.fault_of(put("Nothing", "<t:Nothing/>")), FaultCode::InvalidFragmentPath);
  EXPECT_EQ(service.fault_of(put("Size", "<t:Name>x</t:Name>")), FaultCode::InvalidFragment);
  EXPECT_EQ(service.fault_of(part(action::kPut, "Size").body("<t:Size xmlns:t='urn:test'>1</t:Size>")),
            FaultCode::InvalidFragment);
  EXPECT_EQ(service.fault_of(part(action::kGet, "Name").resource(kFakeUri)), FaultCode::FragmentTransferNotSupported);
  EXPECT_EQ(service.fault_of(part(action::kDelete, "Name")), FaultCode::FragmentTransferNotSupported);
}

TEST(FragmentTransfer, TheDialectsThatThereAreStandInTheDetail) {
  Service service;
  const auto reply = service.send(part(action::kGet, "Name", "Dialect='urn:odd'"));
  const auto dialect = reply.body().child(ns::kSoap, "Detail").child(ns::kWsman, "FragmentDialect");
  EXPECT_EQ(dialect.text(), "http://www.w3.org/TR/1999/REC-xpath-19991116");
}

TEST(RequestEpr, IsAnsweredWithTheReference) {
  Service service;
  auto request = RequestText(action::kGet)
                     .resource(kPartsUri)
                     .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name='Name'>bolt</w:Selector></w:SelectorSet>")
                     .block("e", "<w:RequestEPR/>");
  const auto reply = service.send(request);
  const auto reference = header_of(reply, "RequestedEPR").child(ns::kAddressing, "EndpointReference");
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference.child(ns::kAddressing, "Address").text(), kAnonymous);
  const auto parameters = reference.child(ns::kAddressing, "ReferenceParameters");
  EXPECT_EQ(parameters.child(ns::kWsman, "ResourceURI").text(), kPartsUri);
  EXPECT_EQ(parameters.child(ns::kWsman, "SelectorSet").first_child().text(), "bolt");
}

TEST(RequestEpr, IsNotAnsweredWhereItIsNotAsked) {
  Service service;
  service.resource.items = {thing("one")};
  const auto reply =
      service.send(RequestText(action::kGet)
                       .resource(kFakeUri)
                       .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name='Name'>one</w:Selector></w:SelectorSet>"));
  EXPECT_FALSE(header_of(reply, "RequestedEPR"));
}

TEST(RequestChecks, ABodyOfAnotherOperationIsAMismatch) {
  Service service;
  EXPECT_EQ(service.fault_of(RequestText(action::kGet).resource(kPartsUri).body("<n:Enumerate/>")),
            FaultCode::ActionMismatch);
  EXPECT_EQ(service.fault_of(RequestText(action::kPull).resource(kPartsUri).body("<n:Release/>")),
            FaultCode::ActionMismatch);
  EXPECT_EQ(service.fault_of(RequestText(action::kEnumerate).resource(kPartsUri).body("<e:Subscribe/>")),
            FaultCode::ActionMismatch);
}

TEST(RequestChecks, AnActionThatIsNoUriHasItsNumber) {
  Service service;
  const auto fault = service.send(RequestText("Get").resource(kPartsUri)).fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->code, FaultCode::ActionNotSupported);
  EXPECT_EQ(fault->windows_code, 2150858753u);
}

TEST(RequestChecks, EitherLocaleThatIsInsistedOnIsToldByItsName) {
  Service service;
  const auto insisted = [&](std::string_view header) {
    return service.fault_of(RequestText(action::kGet).resource(kPartsUri).block("l", header));
  };
  EXPECT_EQ(insisted("<w:Locale xml:lang='de' s:mustUnderstand='true'/>"), FaultCode::UnsupportedLocale);
  EXPECT_EQ(insisted("<p:DataLocale xml:lang='de' s:mustUnderstand='true'/>"), FaultCode::UnsupportedDataLocale);
}

}  // namespace
}  // namespace wsman
