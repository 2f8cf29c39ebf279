#include "events/bookmark.h"

#include "engine/base/win32.h"
#include "tests/support/matchers.h"

namespace events {
namespace {

using test_support::IsError;
using testing::Eq;
using testing::Optional;

TEST(Bookmark, ReadsChannelsAndTheCurrentOne) {
  const auto bookmark = Bookmark::parse(
      "<BookmarkList Direction='backward'>\n  <Bookmark Channel='Application' RecordId='2004' IsCurrent='true'/>\n"
      "  <Bookmark Channel=\"System\" RecordId=\"88\"/>\n</BookmarkList>");
  ASSERT_TRUE(bookmark.ok());
  EXPECT_THAT(bookmark->find("Application"), Optional(Eq(2004u)));
  EXPECT_THAT(bookmark->find("System"), Optional(Eq(88u)));
  EXPECT_EQ(bookmark->find("Setup"), std::nullopt);
  EXPECT_EQ(bookmark->current, "Application");
}

TEST(Bookmark, AcceptsAnyOrderCaseOfTrueAndNamespace) {
  const auto bookmark = Bookmark::parse(
      "<?xml version='1.0'?><BookmarkList xmlns='urn:any'><Bookmark IsCurrent='True' RecordId='7' Channel='a/b'/>"
      "</BookmarkList>");
  ASSERT_TRUE(bookmark.ok());
  EXPECT_EQ(bookmark->current, "a/b");
  EXPECT_THAT(bookmark->find("A/B"), Optional(Eq(7u)));
}

TEST(Bookmark, WritesWhatItReads) {
  Bookmark bookmark;
  bookmark.set("System", 88);
  bookmark.set("It's <Log>", 1);
  bookmark.set("SYSTEM", 89);
  EXPECT_EQ(bookmark.to_xml(),
            "<BookmarkList><Bookmark Channel='System' RecordId='89' IsCurrent='true'/>"
            "<Bookmark Channel='It&apos;s &lt;Log&gt;' RecordId='1'/></BookmarkList>");
  const auto again = Bookmark::parse(bookmark.to_xml());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->to_xml(), bookmark.to_xml());
}

TEST(Bookmark, AnEmptyListIsAPositionBeforeEverything) {
  const auto bookmark = Bookmark::parse("<BookmarkList/>");
  ASSERT_TRUE(bookmark.ok());
  EXPECT_TRUE(bookmark->entries.empty());
  EXPECT_EQ(bookmark->to_xml(), "<BookmarkList></BookmarkList>");
}

TEST(Bookmark, RefusesTextThatIsNoXml) {
  EXPECT_THAT(Bookmark::parse(""), IsError(base::Win32::EvtMalformedXml));
  EXPECT_THAT(Bookmark::parse("<BookmarkList><Bookmark"), IsError(base::Win32::EvtMalformedXml));
  EXPECT_THAT(Bookmark::parse(kEarliestBookmark), IsError(base::Win32::EvtMalformedXml));
}

TEST(Bookmark, RefusesWhatLacksAPart) {
  EXPECT_THAT(Bookmark::parse("<Event/>"), IsError(base::Win32::InvalidData));
  EXPECT_THAT(Bookmark::parse("<BookmarkList><Bookmark RecordId='1'/></BookmarkList>"), IsError(base::Win32::InvalidData));
  EXPECT_THAT(Bookmark::parse("<BookmarkList><Bookmark Channel='System'/></BookmarkList>"),
              IsError(base::Win32::InvalidData));
}

TEST(Bookmark, RefusesRecordNumbersOutsideTheirType) {
  for (const char* number : {"", "-1", "x", "1x", "9223372036854775808", "99999999999999999999"}) {
    EXPECT_THAT(
        Bookmark::parse("<BookmarkList><Bookmark Channel='S' RecordId='" + std::string(number) + "'/></BookmarkList>"),
        IsError(base::Win32::InvalidData))
        << number;
  }
  EXPECT_TRUE(Bookmark::parse("<BookmarkList><Bookmark Channel='S' RecordId='9223372036854775807'/></BookmarkList>").ok());
}

TEST(Bookmark, RefusesMoreChannelsThanAQueryCanHave) {
  std::string xml = "<BookmarkList>";
  for (int i = 0; i < 2000; ++i) xml += "<Bookmark Channel='c" + std::to_string(i) + "' RecordId='1'/>";
  EXPECT_THAT(Bookmark::parse(xml + "</BookmarkList>"), IsError(base::Win32::InvalidData, "too many channels"));
}

}  // namespace
}  // namespace events
