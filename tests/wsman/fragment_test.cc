#include "engine/wsman/fragment.h"

#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "tests/support/matchers.h"
#include "tests/wsman/messages.h"

namespace wsman {
namespace {

using test_support::IsFault;
using test_support::IsOk;
using test_support::IsOkAndHolds;

constexpr const char* kService =
    "<p:Win32_Service xmlns:p='urn:s'><p:Name>winrm</p:Name><p:Path>/a</p:Path><p:Path>/b</p:Path>"
    "<p:Auth Source='GPO'><p:Basic>true</p:Basic></p:Auth></p:Win32_Service>";

Result<FragmentPath> path(std::string text, std::string dialect = {}) {
  return FragmentPath::parse(Fragment{std::move(text), std::move(dialect)});
}

std::string selected(const std::string& text) {
  const auto document = xml::Document::parse(kService);
  const auto parsed = path(text);
  if (!parsed.ok()) return "fault: " + parsed.error().reason;
  return parsed->select(document->root());
}

Result<std::string> replaced(const std::string& text, const std::string& content) {
  const auto document = xml::Document::parse(kService);
  const auto fragment =
      xml::Document::parse("<w:XmlFragment xmlns:w='urn:w' xmlns:p='urn:s'>" + content + "</w:XmlFragment>");
  ASSIGN_OR_RETURN(const FragmentPath parsed, path(text));
  return parsed.replace(document->root(), fragment->root());
}

TEST(Fragment, SelectsAnElementByItsRelativeOrAbsolutePath) {
  const std::string name = "<p:Name xmlns:p='urn:s'>winrm</p:Name>";
  EXPECT_EQ(selected("Name"), name);
  EXPECT_EQ(selected("./Name"), name);
  EXPECT_EQ(selected("/Win32_Service/Name"), name);
  EXPECT_EQ(selected(" /p:Win32_Service/p:Name "), name);
  EXPECT_EQ(selected("Auth/Basic"), "<p:Basic xmlns:p='urn:s'>true</p:Basic>");
}

TEST(Fragment, SelectsTextsAndAttributes) {
  EXPECT_EQ(selected("Name/text()"), "winrm");
  EXPECT_EQ(selected("/Win32_Service/Name/text()"), "winrm");
  EXPECT_EQ(selected("Auth/@Source"), "GPO");
  EXPECT_EQ(selected("Name/@Source"), "");
}

TEST(Fragment, SelectsElementsOfArraysTogetherOrByIndex) {
  EXPECT_EQ(selected("Path"), "<p:Path xmlns:p='urn:s'>/a</p:Path><p:Path xmlns:p='urn:s'>/b</p:Path>");
  EXPECT_EQ(selected("Path[2]"), "<p:Path xmlns:p='urn:s'>/b</p:Path>");
  EXPECT_EQ(selected("Path[3]"), "");
}

TEST(Fragment, ADotIsTheWholeRepresentation) {
  EXPECT_TRUE(selected(".").starts_with("<p:Win32_Service"));
  EXPECT_EQ(selected("/Win32_Service"), selected("."));
}

TEST(Fragment, NamesAreCaseSensitive) {
  EXPECT_EQ(selected("name"), "");
  EXPECT_EQ(selected("/win32_service/Name"), "");
}

TEST(Fragment, APathOutsideOfLevelOneIsRefused) {
  for (const char* bad : {"",           "//Name",  "Name[", "Name[0]",     "Name[x]",     "Name[last()]", "Name]",
                          "..",         "../Name", "*",     "Name/",       "text()/Name", "@a/b",         "@",
                          "Name[1][2]", "a b",     "1a",    "count(Name)", "Name='x'",    "a:b:c"}) {
    EXPECT_THAT(path(bad), IsFault(FaultCode::InvalidFragmentPath)) << bad;
  }
  std::string deep = "a";
  for (int i = 0; i < 15; ++i) deep += "/a";
  EXPECT_THAT(path(deep), IsOk());
  EXPECT_THAT(path(deep + "/a"), IsFault(FaultCode::InvalidFragmentPath, "too many steps"));
}

TEST(Fragment, AnotherDialectIsRefusedWithThoseThatThereAre) {
  EXPECT_THAT(path("Name", "http://www.w3.org/TR/1999/REC-xpath-19991116"), IsOk());
  const auto other = path("Name", "http://www.w3.org/TR/xpath20");
  ASSERT_THAT(other, IsFault(FaultCode::FragmentDialectNotSupported));
  EXPECT_EQ(windows_code_of(other.error()), 2150858896u);
  EXPECT_EQ(other.error().detail_xml, "<w:FragmentDialect>http://www.w3.org/TR/1999/REC-xpath-19991116</w:FragmentDialect>");
}

TEST(Fragment, ReplacesAnElement) {
  const auto whole = replaced("Name", "<p:Name>sshd</p:Name>");
  ASSERT_THAT(whole, IsOk());
  const auto document = xml::Document::parse(*whole);
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().child("urn:s", "Name").text(), "sshd");
  EXPECT_EQ(document->root().child_count(), 4u);
  EXPECT_EQ(document->root().child("Auth").child("Basic").text(), "true");
  EXPECT_EQ(document->root().child("Auth").attribute("Source"), "GPO");
}

TEST(Fragment, ReplacesAnElementFarWithin) {
  const auto whole = replaced("Auth/Basic", "<p:Basic>false</p:Basic>");
  ASSERT_THAT(whole, IsOk());
  const auto document = xml::Document::parse(*whole);
  EXPECT_EQ(document->root().child("Auth").child("Basic").text(), "false");
  EXPECT_EQ(document->root().child("Auth").attribute("Source"), "GPO");
  EXPECT_EQ(document->root().child("Name").text(), "winrm");
}

TEST(Fragment, ReplacesAWholeArray) {
  const auto whole = replaced("Path", "<p:Path>/1</p:Path><p:Path>/2</p:Path><p:Path>/3</p:Path>");
  ASSERT_THAT(whole, IsOk());
  const auto document = xml::Document::parse(*whole);
  std::string texts;
  for (const xml::Element child : document->root().children()) texts += child.text() + " ";
  EXPECT_EQ(texts, "winrm /1 /2 /3  ");
}

TEST(Fragment, ReplacesOneOfAnArray) {
  const auto whole = replaced("Path[1]", "<p:Path>/1</p:Path>");
  ASSERT_THAT(whole, IsOk());
  const auto document = xml::Document::parse(*whole);
  EXPECT_EQ(document->root().child("Path").text(), "/1");
  EXPECT_EQ(document->root().child("Path").next_sibling().text(), "/b");
}

TEST(Fragment, ReplacesTextsAndAttributes) {
  auto whole = replaced("Name/text()", "a &lt; b");
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(xml::Document::parse(*whole)->root().child("Name").text(), "a < b");
  whole = replaced("Auth/@Source", "\"x\"");
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(xml::Document::parse(*whole)->root().child("Auth").attribute("Source"), "\"x\"");
  EXPECT_EQ(xml::Document::parse(*whole)->root().child("Auth").child("Basic").text(), "true");
}

TEST(Fragment, ReplacesTheWholeRepresentation) {
  EXPECT_THAT(replaced(".", "<p:Win32_Service/>"), IsOkAndHolds("<p:Win32_Service xmlns:p='urn:s'/>"));
}

TEST(Fragment, WhatDoesNotFitTheSelectionIsRefused) {
  EXPECT_THAT(replaced("Name", "<p:Path>/1</p:Path>"), IsFault(FaultCode::InvalidFragment));
  EXPECT_THAT(replaced("Name", ""), IsFault(FaultCode::InvalidFragment));
  EXPECT_THAT(replaced("Name", "sshd"), IsFault(FaultCode::InvalidFragment));
  EXPECT_THAT(replaced("Name/text()", "<p:Name>sshd</p:Name>"), IsFault(FaultCode::InvalidFragment));
  EXPECT_THAT(replaced("Auth/text()", "x"), IsFault(FaultCode::InvalidFragment));
  EXPECT_THAT(replaced(".", "<p:Win32_Service/><p:Win32_Service/>"), IsFault(FaultCode::InvalidFragment));
}

TEST(Fragment, NothingSelectedCannotBeReplaced) {
  const auto nothing = replaced("Nothing", "<p:Nothing/>");
  ASSERT_THAT(nothing, IsFault(FaultCode::InvalidFragmentPath));
  EXPECT_EQ(windows_code_of(nothing.error()), 2150858899u);
}

}  // namespace
}  // namespace wsman
