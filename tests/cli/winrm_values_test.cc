#include "cli/winrm_values.h"

#include <gmock/gmock.h>

#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "tests/support/matchers.h"

namespace cli {
namespace {

using base::Win32;
using test_support::IsError;
using test_support::IsOkAndHolds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

NamedValue named(std::string name, std::string value) {
  return NamedValue{std::move(name), std::move(value)};
}

// cli-winrm, section 1.5.
TEST(WinrmValues, AreNamesWithValuesInQuotes) {
  EXPECT_THAT(parse_values(R"(@{MaxEnvelopeSizekb="500"})"), IsOkAndHolds(ElementsAre(named("MaxEnvelopeSizekb", "500"))));
  EXPECT_THAT(parse_values(R"(@{Hostname="h";Port="1"})"),
              IsOkAndHolds(ElementsAre(named("Hostname", "h"), named("Port", "1"))));
}

TEST(WinrmValues, MayHaveBlanksAroundTheirParts) {
  EXPECT_THAT(parse_values(" @{ a = \"1\" ; b = \" 2 \" } "), IsOkAndHolds(ElementsAre(named("a", "1"), named("b", " 2 "))));
}

TEST(WinrmValues, MayBeNoneAtAll) {
  EXPECT_THAT(parse_values("@{}"), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(parse_values("{}"), IsOkAndHolds(IsEmpty()));
}

TEST(WinrmValues, KnowTheWordForNoValue) {
  EXPECT_THAT(parse_values("@{a=$null;b=\"$null\"}"),
              IsOkAndHolds(ElementsAre(NamedValue{"a", std::nullopt}, named("b", "$null"))));
  EXPECT_THAT(parse_values("@{a=$NULL}"), IsOkAndHolds(ElementsAre(NamedValue{"a", std::nullopt})));
}

TEST(WinrmValues, KeepWhatSeparatesThemWhereItIsQuoted) {
  EXPECT_THAT(parse_values("@{a=\"x;y=}z\"}"), IsOkAndHolds(ElementsAre(named("a", "x;y=}z"))));
}

TEST(WinrmValues, TakeABackslashAsItIsOnWindows) {
  EXPECT_THAT(parse_values(R"(@{a="C:\dir\";b="c"})"), IsOkAndHolds(ElementsAre(named("a", R"(C:\dir\)"), named("b", "c"))));
}

TEST(WinrmValues, TakeABackslashBeforeAQuoteAsItIsMeant) {
  EXPECT_THAT(parse_values(R"(@{a="say \"no\""})"), IsOkAndHolds(ElementsAre(named("a", "say \"no\""))));
}

TEST(WinrmValues, MayHaveColonsInTheirNames) {
  EXPECT_THAT(parse_values("{wmi:timeout=\"5\"}"), IsOkAndHolds(ElementsAre(named("wmi:timeout", "5"))));
}

TEST(WinrmValues, AreRefusedWithThePosition) {
  EXPECT_THAT(parse_values("@{a=500}"), IsError(Win32::InvalidParameter, "position 5"));
  EXPECT_THAT(parse_values("@{a=500}"), IsError(Win32::InvalidParameter, "single quotes"));
  EXPECT_THAT(parse_values("@{=\"1\"}"), IsError(Win32::InvalidParameter, "a name is expected"));
  EXPECT_THAT(parse_values("@{a=\"1\" b=\"2\"}"), IsError(Win32::InvalidParameter, "';' or '}'"));
  EXPECT_THAT(parse_values("@{a=\"1}"), IsError(Win32::InvalidParameter, "no closing"));
  EXPECT_THAT(parse_values("@{a=\"1\"}x"), IsError(Win32::InvalidParameter, "nothing may follow"));
  EXPECT_THAT(parse_values("@{a=\"1\";}"), IsError(Win32::InvalidParameter, "a name is expected"));
  EXPECT_THAT(parse_values("a=\"1\""), IsError(Win32::InvalidParameter, "position 1"));
  EXPECT_THAT(parse_values(""), IsError(Win32::InvalidParameter));
}

TEST(WinrmValues, AreRefusedWhereANameComesTwice) {
  EXPECT_THAT(parse_values("@{a=\"1\";a=\"2\"}"), IsError(Win32::InvalidParameter, "a is given more than once"));
}

// cli-winrm, section 1.6.
TEST(WinrmResource, ExpandsAliasesInAnyCase) {
  EXPECT_EQ(expand_alias("winrm/config"), "http://schemas.microsoft.com/wbem/wsman/1/config");
  EXPECT_EQ(expand_alias("WinRM/Config/Listener"), "http://schemas.microsoft.com/wbem/wsman/1/Config/Listener");
  EXPECT_EQ(expand_alias("wsman/config"), "http://schemas.microsoft.com/wbem/wsman/1/config");
  EXPECT_EQ(expand_alias("wmi/root/cimv2/X"), "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/X");
  EXPECT_EQ(expand_alias("wmicimv2/Win32_Service"),
            "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Service");
  EXPECT_EQ(expand_alias("cimv2/CIM_X"), "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_X");
  EXPECT_EQ(expand_alias("shell/cmd"), "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd");
  EXPECT_EQ(expand_alias("shell"), "http://schemas.microsoft.com/wbem/wsman/1/windows/shell");
}

TEST(WinrmResource, LeavesOtherUrisAlone) {
  EXPECT_EQ(expand_alias("http://example.org/winrm/config"), "http://example.org/winrm/config");
  EXPECT_EQ(expand_alias("winrmx/config"), "winrmx/config");
}

TEST(WinrmResource, HasSelectorsJoinedByPlus) {
  const auto address = parse_resource("winrm/config/listener?Address=*+Transport=HTTPS");
  ASSERT_THAT(address, test_support::IsOk());
  EXPECT_EQ(address->uri, "http://schemas.microsoft.com/wbem/wsman/1/config/listener");
  ASSERT_EQ(address->selectors.size(), 2u);
  EXPECT_EQ(address->selectors[0].name, "Address");
  EXPECT_EQ(address->selectors[0].value, "*");
  EXPECT_EQ(address->selectors[1].name, "Transport");
  EXPECT_EQ(address->selectors[1].value, "HTTPS");
}

TEST(WinrmResource, TakesSelectorValuesAsTheyAre) {
  const auto address = parse_resource("http://x/Y?Path=a=b%20&c?d+Name=\"x+y\"+Empty=");
  ASSERT_THAT(address, test_support::IsOk());
  ASSERT_EQ(address->selectors.size(), 3u);
  EXPECT_EQ(address->selectors[0].value, "a=b%20&c?d");
  EXPECT_EQ(address->selectors[1].value, "x+y");
  EXPECT_EQ(address->selectors[2].value, "");
}

TEST(WinrmResource, RefusesWhatIsNotComplete) {
  EXPECT_THAT(parse_resource(""), IsError(Win32::InvalidParameter));
  EXPECT_THAT(parse_resource("winrm/config/"), IsError(Win32::InvalidParameter, "not complete"));
  EXPECT_THAT(parse_resource("winrm/config?"), IsError(Win32::InvalidParameter, "NAME=VALUE"));
  EXPECT_THAT(parse_resource("winrm/config?=x"), IsError(Win32::InvalidParameter, "NAME=VALUE"));
  EXPECT_THAT(parse_resource("winrm/config?a=1+b"), IsError(Win32::InvalidParameter, "NAME=VALUE"));
  EXPECT_THAT(parse_resource("winrm/config?a=1+A=2"), IsError(Win32::InvalidParameter, "more than once"));
}

TEST(WinrmFilter, IsWqlByDefault) {
  const auto filter = make_filter("", "select * from Win32_Service", false);
  ASSERT_THAT(filter, test_support::IsOk());
  EXPECT_EQ(filter->dialect, "http://schemas.microsoft.com/wbem/wsman/1/WQL");
  EXPECT_EQ(filter->text, "select * from Win32_Service");
}

// wsman-protocol, section 7.5.
TEST(WinrmFilter, MakesASelectorSet) {
  const auto filter = make_filter("Selector", "{State=\"Running\"}", false);
  ASSERT_THAT(filter, test_support::IsOk());
  EXPECT_EQ(filter->dialect, "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter");
  EXPECT_EQ(filter->text, "<w:SelectorSet><w:Selector Name=\"State\">Running</w:Selector></w:SelectorSet>");
}

// wmi-cim, section 8.3: parts in the order of the schema.
TEST(WinrmFilter, MakesAnAssociationFilter) {
  const auto filter =
      make_filter("association",
                  "{object=wmicimv2/Win32_Service?Name=dbus;resultrole=Dependent;resultclassname=Win32_Service;"
                  "associationclassname=Win32_DependentService;role=Antecedent;includeresultproperty=Name,State}",
                  false);
  ASSERT_THAT(filter, test_support::IsOk());
  EXPECT_EQ(filter->dialect, "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/associationFilter");
  EXPECT_EQ(filter->text,
            "<b:AssociatedInstances><b:Object>"
            "<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address><a:ReferenceParameters>"
            "<w:ResourceURI>http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Service</w:ResourceURI>"
            "<w:SelectorSet><w:Selector Name=\"Name\">dbus</w:Selector></w:SelectorSet></a:ReferenceParameters></b:Object>"
            "<b:AssociationClassName>Win32_DependentService</b:AssociationClassName><b:Role>Antecedent</b:Role>"
            "<b:ResultClassName>Win32_Service</b:ResultClassName><b:ResultRole>Dependent</b:ResultRole>"
            "<b:IncludeResultProperty>Name</b:IncludeResultProperty>"
            "<b:IncludeResultProperty>State</b:IncludeResultProperty></b:AssociatedInstances>");
}

TEST(WinrmFilter, AsksForTheAssociationsThemselves) {
  const auto filter = make_filter("association", "{object=wmicimv2/Win32_Service?Name=dbus}", true);
  ASSERT_THAT(filter, test_support::IsOk());
  EXPECT_THAT(filter->text, testing::StartsWith("<b:AssociationInstances>"));
  EXPECT_THAT(make_filter("association", "{object=a/b;resultrole=x}", true), IsError(Win32::InvalidParameter));
  EXPECT_THAT(make_filter("wql", "select", true), IsError(Win32::InvalidParameter, "-associations"));
}

TEST(WinrmFilter, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(make_filter("sql", "x", false), IsError(Win32::InvalidParameter, "sql"));
  EXPECT_THAT(make_filter("association", "{role=x}", false), IsError(Win32::InvalidParameter, "object"));
  EXPECT_THAT(make_filter("association", "{object=a/b;color=red}", false), IsError(Win32::InvalidParameter, "color"));
  EXPECT_THAT(make_filter("association", "object=a/b", false), IsError(Win32::InvalidParameter));
  EXPECT_THAT(make_filter("selector", "{a=$null}", false), IsError(Win32::InvalidParameter, "$null"));
}

}  // namespace
}  // namespace cli
