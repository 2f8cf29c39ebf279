#include "engine/resources/event_log.h"

#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "tests/resources/log_service.h"
#include "tests/support/matchers.h"

namespace resources {
namespace {

using base::Win32;
using test_support::event_xml;
using test_support::IsError;
using test_support::IsOk;
using test_support::LogService;
using testing::ElementsAre;
using testing::SizeIs;

constexpr char kLog[] = "ForwardedEvents";

/// What an enumeration gives.
struct Answer {
  std::vector<LogRecord> records;
  std::vector<std::string> bookmarks;
  std::vector<std::size_t> pages;
};

class EventLogTest : public testing::Test {
 protected:
  struct Question {
    std::string filter;
    std::string dialect = std::string(wsman::kEventQueryDialect);
    std::string path;
    bool newest_first = false;
    std::string bookmark;
    std::size_t page_items = 100;
    std::size_t stop_after = 1000;  ///< pages
    bool administrator = true;
  };

  base::Result<Answer> ask(Question question) {
    Answer answer;
    auto client = service_.client(question.administrator);
    wsman::Client::Target target;
    target.resource_uri = wsman::resource::kEventLog;
    if (!question.path.empty()) target.options.push_back({"Path", question.path});
    if (question.newest_first) target.options.push_back({"ReverseDirection", "true"});
    if (!question.bookmark.empty()) target.bookmark = question.bookmark;
    std::optional<wsman::Filter> filter;
    if (!question.filter.empty()) filter = wsman::Filter{question.dialect, question.filter};
    std::function<bool(wsman::Client::Page&)> take = [&](wsman::Client::Page& page) {
      for (const xml::Element item : page.items) {
        auto record = parse_event_item(item);
        EXPECT_THAT(record, IsOk());
        if (record.ok()) answer.records.push_back(std::move(*record));
      }
      if (page.bookmark) answer.bookmarks.push_back(*page.bookmark);
      answer.pages.push_back(page.items.size());
      return answer.pages.size() < question.stop_after;
    };
    auto done =
        test_support::run(client->enumerate(std::move(target), std::move(filter), question.page_items, std::move(take)));
    if (!done.ok()) return std::move(done).error();
    return answer;
  }

  std::vector<std::uint64_t> numbers(Question question) {
    std::vector<std::uint64_t> numbers;
    auto answer = ask(std::move(question));
    EXPECT_THAT(answer, IsOk());
    if (answer.ok()) {
      for (const LogRecord& record : answer->records) numbers.push_back(record.record);
    }
    return numbers;
  }

  static std::string list(const std::string& path, const std::string& xpath) {
    return "<QueryList><Query Id=\"0\" Path=\"" + path + "\"><Select>" + xpath + "</Select></Query></QueryList>";
  }

  void deliver(std::size_t count, std::uint64_t first = 1) {
    std::vector<std::string> events;
    for (std::size_t i = 0; i < count; ++i) events.push_back(event_xml(first + i, "x", static_cast<unsigned>(first + i)));
    service_.deliver(kLog, std::move(events));
  }

  LogService service_;
};

TEST_F(EventLogTest, GivesTheEventsThatAQueryListSelectsOldestFirst) {
  deliver(4);
  EXPECT_THAT(numbers({.filter = list(kLog, "*[System[EventID=2 or EventID=4]]")}), ElementsAre(2, 4));
  EXPECT_THAT(numbers({.filter = list(kLog, "*")}), ElementsAre(1, 2, 3, 4));
}

TEST_F(EventLogTest, TakesAnXPathTogetherWithTheOptionPath) {
  deliver(3);
  EXPECT_THAT(numbers({.filter = "*[System[EventID=3]]", .path = kLog}), ElementsAre(3));
  EXPECT_THAT(numbers({.path = kLog}), ElementsAre(1, 2, 3));
}

TEST_F(EventLogTest, ReverseDirectionGivesTheNewestFirst) {
  deliver(3);
  EXPECT_THAT(numbers({.path = kLog, .newest_first = true}), ElementsAre(3, 2, 1));
}

TEST_F(EventLogTest, AnItemCarriesTheEventsTextAndWhereItLies) {
  const std::string xml = event_xml(77, "a &amp; b &lt;c&gt; ]]&gt; ü");
  service_.deliver(kLog, {xml});
  const auto answer = ask({.path = "forwardedevents"});
  ASSERT_THAT(answer, IsOk());
  ASSERT_THAT(answer->records, SizeIs(1));
  const LogRecord& record = answer->records[0];
  EXPECT_EQ(record.event.xml, xml);
  EXPECT_EQ(record.event.quality, events::Quality::Good);
  EXPECT_EQ(record.log, kLog);
  EXPECT_EQ(record.record, 1u);
  EXPECT_EQ(record.machine, "a.lab.example");
  EXPECT_LT(base::system_clock().wall() - record.received, std::chrono::hours(1));
}

TEST_F(EventLogTest, WhatIsNoEventIsGivenRaw) {
  service_.deliver(kLog, {"this is <no event ]]> at all"});
  const auto answer = ask({.path = kLog});
  ASSERT_THAT(answer, IsOk());
  ASSERT_THAT(answer->records, SizeIs(1));
  EXPECT_EQ(answer->records[0].event.quality, events::Quality::Raw);
  EXPECT_EQ(answer->records[0].event.xml, "this is <no event ]]> at all");
}

TEST_F(EventLogTest, PagesHoldAtMostMaxElements) {
  deliver(10);
  const auto answer = ask({.path = kLog, .page_items = 3});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->records, SizeIs(10));
  for (const std::size_t items : answer->pages) EXPECT_LE(items, 3u);
}

TEST_F(EventLogTest, PagesStayBelowTheEnvelopesLimitAndLoseNothing) {
  std::vector<std::string> events;
  for (unsigned i = 1; i <= 40; ++i) events.push_back(event_xml(i, std::string(40'000, 'x')));
  service_.deliver(kLog, std::move(events));
  const auto answer = ask({.path = kLog});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->records, SizeIs(40));
  EXPECT_GT(answer->pages.size(), 10u);
}

TEST_F(EventLogTest, AnEventLargerThanAMessageIsCutToItsSystemPart) {
  service_.deliver(
      kLog, {event_xml(1, "a"), event_xml(2, std::string(300'000, 'x'), 42), std::string(300'000, 'y'), event_xml(4, "b")});
  const auto answer = ask({.path = kLog});
  ASSERT_THAT(answer, IsOk());
  ASSERT_THAT(answer->records, SizeIs(4));
  EXPECT_FALSE(answer->records[0].cut);
  EXPECT_FALSE(answer->records[3].cut);
  for (const std::size_t large : {1u, 2u}) {
    EXPECT_TRUE(answer->records[large].cut);
    const auto document = xml::Document::parse(answer->records[large].event.xml);
    ASSERT_THAT(document, IsOk());
    EXPECT_EQ(document->root().child("ProcessingErrorData").child("ErrorCode").text(), "122");
    EXPECT_TRUE(document->root().child("System").is(events::kEventNamespace, "System"));
  }
  EXPECT_EQ(events::Event::parse(answer->records[1].event.xml)->system.event_id, 42);
  EXPECT_EQ(events::Event::parse(answer->records[1].event.xml)->system.record_id, 2u);
}

TEST_F(EventLogTest, BeginsBehindABookmark) {
  deliver(5);
  const std::string bookmark =
      "<BookmarkList><Bookmark Channel='ForwardedEvents' RecordId='3' IsCurrent='true'/></BookmarkList>";
  EXPECT_THAT(numbers({.path = kLog, .bookmark = bookmark}), ElementsAre(4, 5));
  EXPECT_THAT(numbers({.path = kLog, .newest_first = true, .bookmark = bookmark}), ElementsAre(2, 1));
}

TEST_F(EventLogTest, EachPageTellsTheBookmarkOfItsLastItem) {
  deliver(5);
  const auto first = ask({.path = kLog, .page_items = 2, .stop_after = 1});
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(first->bookmarks, SizeIs(1));
  EXPECT_EQ(events::Bookmark::parse(first->bookmarks[0])->find(kLog), 2u);
  EXPECT_THAT(numbers({.path = kLog, .bookmark = first->bookmarks[0]}), ElementsAre(3, 4, 5));
}

TEST_F(EventLogTest, ALogThatDoesNotExistIsNotFound) {
  EXPECT_THAT(ask({.path = "NoSuchLog"}), IsError(Win32::EvtChannelNotFound, "NoSuchLog"));
}

TEST_F(EventLogTest, ABadQueryIsRefusedWithItsPosition) {
  deliver(1);
  EXPECT_THAT(ask({.filter = "*[System[", .path = kLog}), IsError(Win32::EvtInvalidQuery, "position 9"));
  EXPECT_THAT(ask({.filter = "*"}), IsError(Win32::EvtInvalidQuery, "Name the log"));
  EXPECT_THAT(ask({}), IsError(Win32::EvtInvalidQuery, "Name the log"));
}

TEST_F(EventLogTest, AnotherDialectIsRefused) {
  deliver(1);
  EXPECT_THAT(ask({.filter = "select * from x", .dialect = "http://schemas.microsoft.com/wbem/wsman/1/WQL", .path = kLog}),
              IsError(base::win32_code(wsman::row_of(wsman::FaultCode::FilterDialectRequestedUnavailable).windows_code)));
}

TEST_F(EventLogTest, AnUnreadableBookmarkIsRefused) {
  deliver(1);
  EXPECT_THAT(ask({.path = kLog, .bookmark = "<BookmarkList><Bookmark Channel='x'/></BookmarkList>"}),
              IsError(base::win32_code(wsman::row_of(wsman::FaultCode::InvalidBookmark).windows_code)));
}

TEST_F(EventLogTest, IsForAdministratorsOnly) {
  deliver(1);
  EXPECT_THAT(ask({.path = kLog, .administrator = false}), IsError(Win32::AccessDenied));
}

TEST(EventItem, IsReadBackAsItWasWritten) {
  LogRecord record;
  record.log = "Lab \"quoted\" & <co>";
  record.record = 18446744073709551615ull;
  record.received = *base::parse_datetime("2024-05-01T10:15:30.1234567Z");
  record.machine = "a.lab.example";
  record.event.xml = "<Event><![CDATA[x]]></Event>";
  record.event.quality = events::Quality::Repaired;
  const auto document = xml::Document::parse(event_item(record));
  ASSERT_THAT(document, IsOk());
  const auto read = parse_event_item(document->root());
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->log, record.log);
  EXPECT_EQ(read->record, record.record);
  EXPECT_EQ(read->received, record.received);
  EXPECT_EQ(read->machine, record.machine);
  EXPECT_EQ(read->event.xml, record.event.xml);
  EXPECT_EQ(read->event.quality, record.event.quality);
}

TEST(EventItem, WhatIsNoneIsAnError) {
  for (const char* text : {"<x/>", "<w:Event xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'/>",
                           "<w:Event xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd' "
                           "xmlns:m='urn:muster:wsman:1:event' m:Log='a' m:RecordId='1x'/>"}) {
    const auto document = xml::Document::parse(text);
    ASSERT_THAT(document, IsOk());
    EXPECT_THAT(parse_event_item(document->root()), IsError(std::errc::invalid_argument)) << text;
  }
}

}  // namespace
}  // namespace resources
