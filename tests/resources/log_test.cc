#include "engine/resources/log.h"

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
using test_support::IsOkAndHolds;
using test_support::LogService;
using testing::ElementsAre;

class LogTest : public testing::Test {
 protected:
  LogTest() { service_.deliver("ForwardedEvents", {event_xml(1, "a"), event_xml(2, "b")}); }

  static wsman::Client::Target target(const std::string& name) {
    wsman::Client::Target target;
    target.resource_uri = wsman::resource::kLog;
    if (!name.empty()) target.selectors.push_back({"Name", name, {}});
    return target;
  }

  base::Result<LogDescription> get(const std::string& name, bool administrator = true) {
    auto client = service_.client(administrator);
    auto reply = test_support::run(client->get(target(name)));
    if (!reply.ok()) return std::move(reply).error();
    LogDescription log;
    RETURN_IF_ERROR(read_log(reply->body(), log));
    return log;
  }

  base::Result<LogDescription> put(const std::string& name, const std::string& elements) {
    auto client = service_.client();
    auto reply =
        test_support::run(client->put(target(name), "<l:Log xmlns:l=\"urn:muster:wsman:1:log\">" + elements + "</l:Log>"));
    if (!reply.ok()) return std::move(reply).error();
    return get(name);
  }

  LogService service_;
};

TEST_F(LogTest, GetTellsPropertiesAndStatus) {
  const auto log = get("forwardedevents");
  ASSERT_THAT(log, IsOk());
  EXPECT_EQ(log->name, "ForwardedEvents");
  EXPECT_TRUE(log->enabled);
  EXPECT_EQ(log->records, 2u);
  EXPECT_EQ(log->oldest_record, 1u);
  EXPECT_EQ(log->newest_record, 2u);
  EXPECT_GT(log->size, 0u);
  EXPECT_EQ(log->text_bytes, 2 * event_xml(1, "a").size());
}

TEST_F(LogTest, EnumerateListsAllByName) {
  service_.deliver("Another", {event_xml(1, "a")});
  std::vector<std::string> names;
  auto client = service_.client();
  std::function<bool(wsman::Client::Page&)> take = [&](wsman::Client::Page& page) {
    for (const xml::Element item : page.items) {
      LogDescription log;
      EXPECT_THAT(read_log(item, log), IsOk());
      names.push_back(log.name);
    }
    return true;
  };
  ASSERT_THAT(test_support::run(client->enumerate(target(""), std::nullopt, 10, std::move(take))), IsOk());
  EXPECT_THAT(names, ElementsAre("Another", "ForwardedEvents"));
}

TEST_F(LogTest, ALogThatDoesNotExistIsNotFound) {
  EXPECT_THAT(get("NoSuchLog"), IsError(Win32::EvtChannelNotFound, "NoSuchLog"));
  EXPECT_THAT(put("NoSuchLog", ""), IsError(Win32::EvtChannelNotFound, "NoSuchLog"));
}

TEST_F(LogTest, GetWithoutANameLacksASelector) {
  EXPECT_THAT(get(""), IsError(base::win32_code(wsman::row_of(wsman::FaultCode::InsufficientSelectors).windows_code)));
}

TEST_F(LogTest, PutChangesWhatItNamesAndNothingElse) {
  const auto changed = put("ForwardedEvents", "<l:MaxSize>1048577</l:MaxSize><l:RecordCount>99</l:RecordCount>");
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->max_size, 1048576u + 65536u);
  EXPECT_EQ(changed->records, 2u);
  EXPECT_TRUE(changed->enabled);
  const auto again = put("ForwardedEvents", "<l:Enabled>false</l:Enabled><l:Retention>true</l:Retention>");
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->enabled);
  EXPECT_TRUE(again->retention);
  EXPECT_EQ(again->max_size, 1048576u + 65536u);
}

TEST_F(LogTest, PutRefusesValuesOutOfRange) {
  for (const char* elements : {"<l:MaxSize>1048575</l:MaxSize>", "<l:MaxSize>many</l:MaxSize>", "<l:MaxSize>-1</l:MaxSize>",
                               "<l:Enabled>perhaps</l:Enabled>", "<l:AutoBackup>true</l:AutoBackup>",
                               "<l:MaxSize>18446744073709551615</l:MaxSize>"}) {
    EXPECT_THAT(put("ForwardedEvents", elements), IsError(Win32::InvalidParameter)) << elements;
  }
  EXPECT_EQ(get("ForwardedEvents")->max_size, 1ull << 30);
}

TEST_F(LogTest, PutRefusesWhatIsNoIsolationAgeOrDescriptor) {
  for (const char* elements : {"<l:Isolation>Shared</l:Isolation>", "<l:Isolation>Custom</l:Isolation>",
                               "<l:ChannelAccess>all of you</l:ChannelAccess>", "<l:MaxAge>3153600001</l:MaxAge>",
                               "<l:MaxAge>18446744073709551615</l:MaxAge>", "<l:MaxRecords>-1</l:MaxRecords>"}) {
    EXPECT_THAT(put("ForwardedEvents", elements), IsError(Win32::InvalidParameter)) << elements;
  }
}

TEST_F(LogTest, ClearRemovesOnlyWhatTheCallerHasSeen) {
  auto client = service_.client();
  const auto clear = [&](const std::string& newest) -> base::Result<std::string> {
    auto reply = test_support::run(client->invoke(
        target("ForwardedEvents"), std::string(kClearMethod),
        "<l:Clear xmlns:l=\"urn:muster:wsman:1:log\"><l:NewestRecord>" + newest + "</l:NewestRecord></l:Clear>"));
    if (!reply.ok()) return std::move(reply).error();
    return reply->body().child(wsman::resource::kLog, "Events").text();
  };
  EXPECT_THAT(clear("1"), IsError(Win32::EvtQueryResultStale));
  EXPECT_THAT(clear("many"), IsError(Win32::InvalidParameter));
  EXPECT_EQ(get("ForwardedEvents")->records, 2u);
  EXPECT_THAT(clear("2"), IsOkAndHolds("2"));
  EXPECT_EQ(get("ForwardedEvents")->records, 0u);
}

TEST_F(LogTest, DeleteEmptiesALog) {
  auto client = service_.client();
  ASSERT_THAT(test_support::run(client->remove(target("ForwardedEvents"))), IsOk());
  EXPECT_EQ(get("ForwardedEvents")->records, 0u);
  EXPECT_THAT(test_support::run(client->remove(target("NoSuchLog"))), IsError(Win32::EvtChannelNotFound));
}

TEST_F(LogTest, ImportTellsWhatBecameOfTheEvents) {
  auto client = service_.client();
  const std::string body = "<l:Import xmlns:l=\"urn:muster:wsman:1:log\"><l:Event><![CDATA[" + event_xml(7, "x") +
                           "]]></l:Event><l:Event><![CDATA[" + event_xml(7, "x") +
                           "]]></l:Event><l:Event>&lt;no event</l:Event></l:Import>";
  auto reply = test_support::run(client->invoke(target("Imported"), std::string(kImportMethod), body));
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->body().child(wsman::resource::kLog, "Stored").text(), "1");
  EXPECT_EQ(reply->body().child(wsman::resource::kLog, "Duplicates").text(), "1");
  EXPECT_EQ(reply->body().child(wsman::resource::kLog, "Unreadable").text(), "1");
  const std::string own = "<l:Import xmlns:l=\"urn:muster:wsman:1:log\"><l:Event>" + std::string("&lt;Event/&gt;") +
                          "</l:Event><l:Other/></l:Import>";
  EXPECT_FALSE(test_support::run(client->invoke(target("Imported"), std::string(kImportMethod), own)).ok());
}

TEST_F(LogTest, IsForAdministratorsOnly) {
  EXPECT_THAT(get("ForwardedEvents", false), IsError(Win32::AccessDenied));
}

TEST(LogXml, IsReadBackAsItWasWritten) {
  LogDescription log;
  log.name = "Lab/<Operational>";
  log.enabled = false;
  log.type = "Operational";
  log.owning_publisher = "Lab & co";
  log.retention = true;
  log.auto_backup = true;
  log.max_size = 1052672;
  log.size = 12;
  log.records = 3;
  log.oldest_record = 4;
  log.newest_record = 6;
  log.overwritten = 3;
  const auto document = xml::Document::parse(log_to_xml(log));
  ASSERT_THAT(document, IsOk());
  LogDescription read;
  ASSERT_THAT(read_log(document->root(), read), IsOk());
  EXPECT_EQ(log_to_xml(read), log_to_xml(log));
  EXPECT_EQ(read.name, log.name);
}

}  // namespace
}  // namespace resources
