// Filters, modes, counts and changed limits of enumerations, asked of a dispatcher.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::kFakeUri;
using test_support::kPartsUri;
using test_support::RequestText;
using test_support::Service;
using test_support::thing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kOptimized = "<w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements>";

RequestText enumerate(std::string_view inside, std::string_view uri = kPartsUri) {
  return RequestText(action::kEnumerate)
      .resource(uri)
      .body("<n:Enumerate xmlns:b='http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd'>" + std::string(inside) +
            "</n:Enumerate>");
}

RequestText filtered_by(std::string_view dialect, std::string_view text, std::string_view more = "") {
  const std::string attribute = dialect.empty() ? "" : " Dialect='" + std::string(dialect) + "'";
  return enumerate(kOptimized + std::string(more) + "<w:Filter" + attribute + ">" + std::string(text) + "</w:Filter>");
}

RequestText pull(std::string_view uri, std::string_view context, std::string_view more = "") {
  return RequestText(action::kPull)
      .resource(uri)
      .body("<n:Pull><n:EnumerationContext>" + std::string(context) + "</n:EnumerationContext>" + std::string(more) +
            "</n:Pull>");
}

std::string context_of(const Envelope& reply) {
  return reply.body().child(ns::kEnumeration, "EnumerationContext").text();
}

std::vector<std::string> names_in(const Envelope& reply) {
  std::vector<std::string> names;
  for (const xml::Element item : reply.body().child(ns::kWsman, "Items").children()) {
    names.push_back(item.child("Name").text());
  }
  return names;
}

TEST(FilteredEnumeration, SelectorsXPathAndWqlSelect) {
  Service service;
  const auto selector =
      filtered_by(kSelectorDialect,
                  "<w:SelectorSet><w:Selector Name='Enabled'>false</w:Selector><w:Selector Name='size'>30</w:Selector>"
                  "</w:SelectorSet>");
  EXPECT_THAT(names_in(service.send(selector)), ElementsAre("washer"));
  EXPECT_THAT(names_in(service.send(filtered_by(kXPathDialect, "Size &gt; 10"))), ElementsAre("nut", "washer"));
  EXPECT_THAT(names_in(service.send(filtered_by("", "Part[Name='bolt']"))), ElementsAre("bolt"));
  EXPECT_THAT(names_in(service.send(filtered_by(kWqlDialect, "select * from Part where Name like '%t' and Size &lt; 25"))),
              ElementsAre("bolt", "nut"));
  EXPECT_THAT(names_in(service.send(filtered_by(kWqlDialect, "select * from Other"))), IsEmpty());
}

TEST(FilteredEnumeration, TheResourceDoesNotSeeAFilterOfTheEngine) {
  Service service;
  service.send(filtered_by("", "Size=10"));
  EXPECT_FALSE(service.parts.last.filter);
}

TEST(FilteredEnumeration, ASelectListGivesFragments) {
  Service service;
  const auto reply = service.send(filtered_by(kWqlDialect, "select Size, Name from Part where Size = 20"));
  const auto item = reply.body().child(ns::kWsman, "Items").first_child();
  ASSERT_TRUE(item.is(ns::kWsman, "XmlFragment"));
  EXPECT_EQ(item.first_child().name(), "Name");
  EXPECT_EQ(item.first_child().namespace_uri(), "");
  EXPECT_EQ(item.child_count(), 2u);
}

TEST(FilteredEnumeration, IncludedPropertiesGiveFragmentsAndReferencesStay) {
  Service service;
  const auto reply =
      service.send(enumerate(std::string(kOptimized) + "<w:EnumerationMode>EnumerateObjectAndEPR</w:EnumerationMode>"
                                                       "<b:IncludeResultProperty>Name</b:IncludeResultProperty>"));
  const auto item = reply.body().child(ns::kWsman, "Items").first_child();
  ASSERT_TRUE(item.is(ns::kWsman, "Item"));
  EXPECT_EQ(item.first_child().child("Name").text(), "bolt");
  EXPECT_EQ(item.first_child().child_count(), 1u);
  EXPECT_TRUE(item.child(ns::kAddressing, "EndpointReference"));
  EXPECT_EQ(service.fault_of(enumerate("<b:IncludeResultProperty>a b</b:IncludeResultProperty>")),
            FaultCode::SchemaValidationError);
}

TEST(FilteredEnumeration, GoesOnInPulls) {
  Service service;
  auto reply = service.send(enumerate("<n:Filter>Size &gt; 10</n:Filter>"));
  reply = service.send(pull(kPartsUri, context_of(reply)));
  EXPECT_EQ(reply.body().child(ns::kEnumeration, "Items").first_child().child("Name").text(), "nut");
  reply = service.send(pull(kPartsUri, context_of(reply)));
  EXPECT_EQ(reply.body().child(ns::kEnumeration, "Items").first_child().child("Name").text(), "washer");
  EXPECT_TRUE(reply.body().child(ns::kEnumeration, "EndOfSequence"));
}

TEST(FilteredEnumeration, WrongFiltersHaveTheirFaults) {
  Service service;
  EXPECT_EQ(service.fault_of(filtered_by(kWqlDialect, "select")), FaultCode::CannotProcessFilter);
  EXPECT_EQ(service.fault_of(filtered_by(kXPathDialect, "//a")), FaultCode::CannotProcessFilter);
  EXPECT_EQ(service.fault_of(filtered_by(kSelectorDialect, "Name=a")), FaultCode::CannotProcessFilter);
  const auto array =
      filtered_by(kSelectorDialect, "<w:SelectorSet><w:Selector Name='Tag'>steel</w:Selector></w:SelectorSet>");
  EXPECT_EQ(service.fault_of(array), FaultCode::CannotProcessFilter);
  EXPECT_EQ(service.fault_of(enumerate("<w:Filter>a</w:Filter><n:Filter>a</n:Filter>")), FaultCode::CannotProcessFilter);
  EXPECT_EQ(service.fault_of(enumerate("<w:Filter Dialect='urn:odd'>a</w:Filter>")),
            FaultCode::FilterDialectRequestedUnavailable);
  const auto reply = service.send(enumerate("<w:Filter Dialect='urn:odd'>a</w:Filter>"));
  std::vector<std::string> offered;
  for (const xml::Element child : reply.body().child(ns::kSoap, "Detail").children()) {
    if (child.is(ns::kEnumeration, "SupportedDialect")) offered.push_back(child.text());
  }
  EXPECT_THAT(offered,
              ElementsAre("http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter",
                          "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://schemas.microsoft.com/wbem/wsman/1/WQL"));
}

TEST(Polymorphism, IsPassedOnToThoseWhoOfferIt) {
  Service service;
  service.send(enumerate("<b:PolymorphismMode>ExcludeSubClassProperties</b:PolymorphismMode>"));
  EXPECT_EQ(service.parts.last.polymorphism, Polymorphism::ExcludeSubClassProperties);
  service.send(enumerate("<b:PolymorphismMode>None</b:PolymorphismMode>"));
  EXPECT_EQ(service.parts.last.polymorphism, Polymorphism::None);
  service.send(enumerate("<b:PolymorphismMode>IncludeSubClassProperties</b:PolymorphismMode>"));
  EXPECT_EQ(service.parts.last.polymorphism, Polymorphism::IncludeSubClassProperties);
  EXPECT_EQ(service.fault_of(enumerate("<b:PolymorphismMode>Odd</b:PolymorphismMode>")),
            FaultCode::PolymorphismModeNotSupported);
}

TEST(Polymorphism, IsRefusedElsewhere) {
  Service service;
  service.resource.items = {thing("one")};
  EXPECT_EQ(service.fault_of(enumerate("<b:PolymorphismMode>None</b:PolymorphismMode>", kFakeUri)),
            FaultCode::PolymorphismModeNotSupported);
  const auto reply = service.send(enumerate("<b:PolymorphismMode>IncludeSubClassProperties</b:PolymorphismMode>", kFakeUri));
  EXPECT_FALSE(reply.fault());
}

xml::Element estimate_in(const Envelope& reply) {
  return reply.document.root().child(ns::kSoap, "Header").child(ns::kWsman, "TotalItemsCountEstimate");
}

TEST(CountEstimate, IsToldWhereItIsKnown) {
  Service service;
  const std::string wish = "<w:RequestTotalItemsCountEstimate/>";
  EXPECT_EQ(estimate_in(service.send(enumerate("").block("c", wish))).text(), "3");
  EXPECT_EQ(estimate_in(service.send(enumerate(kOptimized).block("c", wish))).text(), "3");
  const Envelope reply = service.send(filtered_by("", "Size=10").block("c", wish));
  const auto unknown = estimate_in(reply);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown.attribute(ns::kXsi, "nil"), "true");
  EXPECT_FALSE(estimate_in(service.send(enumerate(""))));
}

TEST(MaxCharacters, AreCharactersAndNotOctets) {
  Service service;
  Item item = thing("one");
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\xC3\xA4";
  item.xml = "<t:Thing xmlns:t='urn:test'>" + wide + "</t:Thing>";
  service.resource.items = {item, item};
  const std::size_t characters = item.xml.size() - 100;
  const auto limited = [&](std::size_t count) {
    auto reply = service.send(enumerate("", kFakeUri));
    return service.send(
        pull(kFakeUri, context_of(reply),
             "<n:MaxElements>5</n:MaxElements><n:MaxCharacters>" + std::to_string(count) + "</n:MaxCharacters>"));
  };
  EXPECT_EQ(limited(2 * characters).body().child(ns::kEnumeration, "Items").child_count(), 2u);
  EXPECT_EQ(limited(2 * characters - 1).body().child(ns::kEnumeration, "Items").child_count(), 1u);
  EXPECT_EQ(limited(characters - 1).fault()->code, FaultCode::MaxEnvelopeSizeExceeded);
}

TEST(ChangedPull, ASmallerLimitThanBeforeIsRefusedWhereTheNextItemNeedsTheLargerOne) {
  Service service;
  service.resource.items = {thing("one"), thing("two", 9'500), thing("three")};
  auto opened = enumerate("<w:OptimizeEnumeration/><w:MaxElements>1</w:MaxElements>", kFakeUri);
  opened.block("m", "<w:MaxEnvelopeSize>16000</w:MaxEnvelopeSize>");
  auto reply = service.send(opened);
  ASSERT_FALSE(reply.fault());
  ASSERT_EQ(reply.body().child(ns::kWsman, "Items").child_count(), 1u);
  const std::string context = context_of(reply);
  auto smaller = pull(kFakeUri, context);
  smaller.block("m", "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>");
  const auto refused = service.send(smaller).fault();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->windows_code, 2150859181u);
  // The enumeration goes on with what it began with.
  auto larger = pull(kFakeUri, context);
  larger.block("m", "<w:MaxEnvelopeSize>16000</w:MaxEnvelopeSize>");
  EXPECT_EQ(service.send(larger).body().child(ns::kEnumeration, "Items").child_count(), 1u);
}

}  // namespace
}  // namespace wsman
