#include "engine/wsman/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/wsman/messages.h"

namespace wsman {
namespace {

using test_support::IsFault;
using test_support::IsOk;
using test_support::IsOkAndHolds;
using test_support::run;
using ::testing::ElementsAre;

constexpr const char* kThing =
    "<t:Thing xmlns:t='urn:t' "
    "xmlns:cim='http://schemas.dmtf.org/wbem/wscim/1/common'><t:Name>One</t:Name><t:Size>10</t:Size>"
    "<t:Tag>a</t:Tag><t:Tag>b</t:Tag><t:When><cim:Datetime>2024-05-01T10:00:00Z</cim:Datetime></t:When>"
    "<t:Level Value='2'>Error</t:Level><t:Inner><t:Deep>x</t:Deep></t:Inner></t:Thing>";

std::string selector_set(const std::string& inside) {
  return "<w:SelectorSet xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'>" + inside + "</w:SelectorSet>";
}

Result<bool> applied(std::string_view dialect, const std::string& text, const std::string& uri = "urn:test:things") {
  Filter filter{std::string(dialect), text};
  ASSIGN_OR_RETURN(const ItemFilter made, ItemFilter::make(filter, {}, uri));
  Item item;
  item.xml = kThing;
  return made.apply(item);
}

Result<bool> by_selector(const std::string& inside) {
  return applied(kSelectorDialect, selector_set(inside));
}

Result<bool> by_xpath(const std::string& text) {
  return applied(kXPathDialect, text);
}

TEST(SelectorFilter, AllPairsMustHold) {
  EXPECT_THAT(by_selector("<w:Selector Name='Name'>One</w:Selector>"), IsOkAndHolds(true));
  EXPECT_THAT(by_selector("<w:Selector Name='name'>ONE</w:Selector><w:Selector Name='Size'>10</w:Selector>"),
              IsOkAndHolds(true));
  EXPECT_THAT(by_selector("<w:Selector Name='Name'>One</w:Selector><w:Selector Name='Size'>11</w:Selector>"),
              IsOkAndHolds(false));
  EXPECT_THAT(by_selector("<w:Selector Name='Nothing'>One</w:Selector>"), IsOkAndHolds(false));
  EXPECT_THAT(by_selector(""), IsOkAndHolds(true));
}

TEST(SelectorFilter, WhatItCannotCompareIsRefused) {
  const std::string name = "<w:Selector Name='Name'>One</w:Selector>";
  for (const std::string& bad :
       {name + name, name + "<w:Selector Name='NAME'>One</w:Selector>", std::string("<w:Selector Name='Tag'>a</w:Selector>"),
        std::string("<w:Selector Name='When'>2024</w:Selector>"), std::string("<w:Selector Name='Inner'>x</w:Selector>"),
        std::string("<w:Selector Name='Name'>O'ne</w:Selector>"), std::string("<w:Selector Name='Name'>O\"ne</w:Selector>"),
        std::string("<w:Selector>One</w:Selector>"), std::string("<w:Option Name='Name'>One</w:Option>"),
        std::string("<w:Selector Name='Name'><a/></w:Selector>")}) {
    EXPECT_THAT(by_selector(bad), IsFault(FaultCode::CannotProcessFilter)) << bad;
  }
  EXPECT_THAT(applied(kSelectorDialect, "Name=One"), IsFault(FaultCode::CannotProcessFilter));
  EXPECT_THAT(applied(kSelectorDialect, "<a/>"), IsFault(FaultCode::CannotProcessFilter));
  EXPECT_THAT(applied(kSelectorDialect, selector_set(name), "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*"),
              IsFault(FaultCode::CannotProcessFilter, "one class"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "<w:Selector Name='a" + std::to_string(i) + "'>1</w:Selector>";
  EXPECT_THAT(by_selector(many), IsFault(FaultCode::CannotProcessFilter, "too many"));
}

TEST(ItemXPath, APathHoldsWhereItSelects) {
  for (const char* yes : {"Name", "/Thing", "/Thing/Name", "Thing/Name", "*", "Inner/Deep", "Level/@Value", "Tag[2]", ".",
                          "t:Name", "Name/text()", "/t:Thing/t:Inner/*", "./Name"}) {
    EXPECT_THAT(by_xpath(yes), IsOkAndHolds(true)) << yes;
  }
  for (const char* no : {"name", "/Name", "Tag[3]", "Level/@value", "Deep", "/Thing[2]"}) {
    EXPECT_THAT(by_xpath(no), IsOkAndHolds(false)) << no;
  }
}

TEST(ItemXPath, ComparesTextsAndNumbers) {
  for (const char* yes : {"Name='One'", "'One' = Name", "Name!=\"Two\"", "Size=10", "Size = 10.0", "Size<11", "Size <= 10",
                          "9 < Size", "Size >= '10'", "Tag='b'", "Tag!='b'", "Level/@Value=2", "Inner='x'",
                          "Inner/Deep!='y'", "/Thing/Name='One'", "Name != 5"}) {
    EXPECT_THAT(by_xpath(yes), IsOkAndHolds(true)) << yes;
  }
  for (const char* no :
       {"Name='one'", "Name < 5", "Name = 5", "Size>10", "Nothing='x'", "Nothing!='x'", "Size > -.5 and false()"}) {
    EXPECT_THAT(by_xpath(no), IsOkAndHolds(false)) << no;
  }
}

TEST(ItemXPath, JoinsWithAndOrNot) {
  EXPECT_THAT(by_xpath("Name='One' and Size=10"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("Name='Two' and Size=10 or Tag='a'"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("Name='Two' and (Size=10 or Tag='a')"), IsOkAndHolds(false));
  EXPECT_THAT(by_xpath("not(Name='Two')"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("not(Nothing) and not(not(Name))"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("true()"), IsOkAndHolds(true));
}

TEST(ItemXPath, PredicatesSelect) {
  EXPECT_THAT(by_xpath("*[Name='One' and Size > 9]"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("Thing[Inner[Deep='x']]"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("Level[@Value='2']"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("Level[@Value='3']"), IsOkAndHolds(false));
  EXPECT_THAT(by_xpath("Tag[.='b']"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("Tag[1][.='b']"), IsOkAndHolds(false));
  EXPECT_THAT(by_xpath("Tag['b'=.]"), IsOkAndHolds(true));
  EXPECT_THAT(by_xpath("*[2]"), IsOkAndHolds(true));
}

TEST(ItemXPath, WhatIsOutsideOfTheSubsetIsRefused) {
  for (const char* bad :
       {"",           " ",        "//Name",  "Thing//Name", "../a",  "Name[",    "Name[]",   "Name]",
        "Name=",      "=1",       "Name='x", "Name=Size",   "1=1",   "count(a)", "Name[/a]", "Name and",
        "a:b:c",      "child::a", "@*",      "(Name",       "Name)", "Tag[0]",   "Tag[1.5]", "Tag[.='a'][1]",
        "Name=1.2.3", "a/",       "last()",  "$a",          "a|b",   "text()"}) {
    EXPECT_THAT(by_xpath(bad), IsFault(FaultCode::CannotProcessFilter)) << bad;
  }
}

TEST(ItemXPath, IsBounded) {
  std::string many = "a";
  for (int i = 1; i < 250; ++i) many += " or a";
  EXPECT_THAT(by_xpath(many), IsOk());
  EXPECT_THAT(by_xpath(many + " or " + many), IsFault(FaultCode::CannotProcessFilter, "too many parts"));
  EXPECT_THAT(by_xpath(std::string(32, '(') + "a" + std::string(32, ')')), IsOk());
  EXPECT_THAT(by_xpath(std::string(33, '(') + "a" + std::string(33, ')')), IsFault(FaultCode::CannotProcessFilter));
  EXPECT_THAT(by_xpath("a='" + std::string(64 << 10, 'x') + "'"), IsFault(FaultCode::CannotProcessFilter, "too long"));
}

TEST(ItemFilter, ASelectListMakesAFragment) {
  Filter filter{std::string(kWqlDialect), "select When, name, Nothing from Thing where Size = 10"};
  const auto made = ItemFilter::make(filter, {}, "urn:test:things");
  ASSERT_THAT(made, IsOk());
  Item item;
  item.xml = kThing;
  ASSERT_THAT(made->apply(item), IsOkAndHolds(true));
  EXPECT_EQ(item.xml,
            "<w:XmlFragment xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "
            "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><Name>One</Name><Nothing xsi:nil=\"true\"/>"
            "<When><Datetime>2024-05-01T10:00:00Z</Datetime></When></w:XmlFragment>");
}

TEST(ItemFilter, PropertiesThatAreIncludedMakeAFragment) {
  const auto made = ItemFilter::make(std::nullopt, {"Level"}, "urn:test:things");
  ASSERT_THAT(made, IsOk());
  Item item;
  item.xml = kThing;
  ASSERT_THAT(made->apply(item), IsOkAndHolds(true));
  EXPECT_NE(item.xml.find("<Level Value=\"2\">Error</Level></w:XmlFragment>"), std::string::npos) << item.xml;
}

std::string association(const std::string& kind, const std::string& inside) {
  return "<b:" + kind +
         " xmlns:b='http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd' "
         "xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' "
         "xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'>" +
         inside + "</b:" + kind + ">";
}

constexpr const char* kObject =
    "<b:Object><a:Address>x</a:Address><a:ReferenceParameters><w:ResourceURI>urn:s</w:ResourceURI><w:SelectorSet>"
    "<w:Selector Name='Name'>dbus</w:Selector></w:SelectorSet></a:ReferenceParameters></b:Object>";

TEST(AssociationFilter, IsRead) {
  const auto filter = parse_association_filter(association(
      "AssociatedInstances", std::string(kObject) + "<b:AssociationClassName>D</b:AssociationClassName><b:Role>A</b:Role>"
                                                    "<b:ResultClassName>S</b:ResultClassName><b:ResultRole>R</b:ResultRole>"
                                                    "<b:IncludeResultProperty>Name</b:IncludeResultProperty>"));
  ASSERT_THAT(filter, IsOk());
  EXPECT_EQ(filter->kind, AssociationFilter::Kind::AssociatedInstances);
  EXPECT_EQ(filter->resource_uri, "urn:s");
  ASSERT_EQ(filter->selectors.size(), 1u);
  EXPECT_EQ(filter->selectors.front().value, "dbus");
  EXPECT_EQ(filter->association_class, "D");
  EXPECT_EQ(filter->role, "A");
  EXPECT_EQ(filter->result_class, "S");
  EXPECT_EQ(filter->result_role, "R");
  EXPECT_THAT(filter->include_properties, ElementsAre("Name"));
}

TEST(AssociationFilter, TheObjectMayBeAWholeReference) {
  std::string nested = kObject;
  nested.replace(nested.find("<b:Object>"), 10, "<b:Object><a:EndpointReference>");
  nested.replace(nested.find("</b:Object>"), 11, "</a:EndpointReference></b:Object>");
  const auto filter = parse_association_filter(association("AssociationInstances", nested));
  ASSERT_THAT(filter, IsOk());
  EXPECT_EQ(filter->kind, AssociationFilter::Kind::AssociationInstances);
  EXPECT_EQ(filter->resource_uri, "urn:s");
}

TEST(AssociationFilter, AMalformedOneIsRefused) {
  for (const std::string& bad :
       {std::string("x"), std::string("<a/>"), association("Associated", kObject), association("AssociatedInstances", ""),
        association("AssociatedInstances", "<b:Object/>"),
        association("AssociationInstances", std::string(kObject) + "<b:ResultRole>R</b:ResultRole>")}) {
    EXPECT_THAT(parse_association_filter(bad), IsFault(FaultCode::CannotProcessFilter)) << bad;
  }
}

TEST(Filters, AreForThoseWhoOfferThem) {
  Features none;
  EXPECT_THAT(who_filters(Filter{"", "a"}, none), IsFault(FaultCode::FilteringNotSupported));
  EXPECT_THAT(who_filters(Filter{std::string(kWqlDialect), "a"}, none), IsFault(FaultCode::FilteringNotSupported));
  Features engine;
  engine.dialects = {kXPathDialect, kWqlDialect};
  EXPECT_THAT(who_filters(Filter{"", "a"}, engine), IsOkAndHolds(FilterBy::Engine));
  EXPECT_THAT(who_filters(Filter{std::string(kWqlDialect), "a"}, engine), IsOkAndHolds(FilterBy::Engine));
  Features own;
  own.native_dialects = {kEventQueryDialect};
  EXPECT_THAT(who_filters(Filter{std::string(kEventQueryDialect), "a"}, own), IsOkAndHolds(FilterBy::Resource));
  EXPECT_THAT(who_filters(Filter{"", "a"}, own), IsOkAndHolds(FilterBy::Resource));
}

TEST(Filters, AnUnknownDialectIsRefusedWithThoseThatThereAre) {
  Features features;
  features.dialects = {kXPathDialect};
  features.native_dialects = {kEventQueryDialect};
  const auto refused = who_filters(Filter{"http://schemas.dmtf.org/wbem/cql/1/dsp0202.pdf", "a"}, features);
  ASSERT_THAT(refused, IsFault(FaultCode::FilterDialectRequestedUnavailable));
  EXPECT_EQ(refused.error().detail_xml,
            "<n:SupportedDialect>http://schemas.microsoft.com/win/2004/08/events/eventquery</n:SupportedDialect>"
            "<n:SupportedDialect>http://www.w3.org/TR/1999/REC-xpath-19991116</n:SupportedDialect>");
  const auto associations = Filter{std::string(kAssociationDialect), association("AssociatedInstances", kObject)};
  EXPECT_THAT(who_filters(associations, features), IsFault(FaultCode::FilterDialectRequestedUnavailable));
  EXPECT_THAT(who_filters(Filter{std::string(kAssociationDialect), "<a/>"}, features),
              IsFault(FaultCode::CannotProcessFilter));
}

Item numbered(int number) {
  Item item;
  item.xml = "<Thing><Number>" + std::to_string(number) + "</Number></Thing>";
  return item;
}

/// Gives items one by one, as many as there are asked for, and counts them.
class Counting final : public Enumerator {
 public:
  explicit Counting(int end) : end_(end) {}
  AsyncResult<Page> next(base::Budget budget) override {
    Page page;
    largest_ask = std::max(largest_ask, budget.items);
    for (std::size_t i = 0; i < std::min<std::size_t>(budget.items, 100) && given < end_; ++i) {
      page.items.push_back(numbered(given++));
    }
    page.end = given == end_;
    co_return page;
  }
  int given = 0;
  std::size_t largest_ask = 0;

 private:
  int end_;
};

base::Budget budget_of(std::size_t items, base::SteadyTime until) {
  base::Budget budget;
  budget.items = items;
  budget.bytes = 1 << 20;
  budget.until = until;
  return budget;
}

ItemFilter where(const std::string& condition) {
  Filter filter{std::string(kWqlDialect), "select * from Thing where " + condition};
  return ItemFilter::make(filter, {}, "urn:test:things").value();
}

TEST(FilteredEnumerator, GoesOnUntilThePageIsFull) {
  auto source = std::make_unique<Counting>(10'000);
  Counting& counting = *source;
  const auto items = filtered(std::move(source), where("Number >= 500"), base::system_clock());
  const auto page = run(items->next(budget_of(3, base::SteadyTime::max())));
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->items.size(), 3u);
  EXPECT_NE(page->items.front().xml.find(">500<"), std::string::npos);
  EXPECT_FALSE(page->end);
  EXPECT_LE(counting.largest_ask, 3u);
  EXPECT_EQ(counting.given, 503);
}

TEST(FilteredEnumerator, EndsWithItsSource) {
  const auto items = filtered(std::make_unique<Counting>(250), where("Number = 7"), base::system_clock());
  const auto page = run(items->next(budget_of(1000, base::SteadyTime::max())));
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->items.size(), 1u);
  EXPECT_TRUE(page->end);
}

TEST(FilteredEnumerator, GivesUpForNowWhenTheTimeIsOver) {
  auto source = std::make_unique<Counting>(1'000'000);
  Counting& counting = *source;
  const auto items = filtered(std::move(source), where("Number = -1"), base::system_clock());
  const auto page = run(items->next(budget_of(1000, base::SteadyTime::min())));
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->items.size(), 0u);
  EXPECT_FALSE(page->end);
  EXPECT_EQ(counting.given, 1000);
}

}  // namespace
}  // namespace wsman
