// wevtutil stats, ep and gp, text search, and the queries that Get-WinEvent makes of a hashtable.

#include "cli/wevtutil.h"
#include "engine/xml/document.h"
#include "tests/cli/tool_run.h"
#include "tests/resources/log_service.h"
#include "tests/support/matchers.h"

namespace cli {
namespace {

using test_support::event_xml;
using test_support::IsOk;
using test_support::LogService;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kLog[] = "ForwardedEvents";

class WevtutilCountTest : public testing::Test {
 protected:
  ToolRun run(std::vector<std::string> words) {
    return run_tool([&](Console& console) {
      return run_wevtutil(console, words, [&](const Arguments&) -> base::Result<std::unique_ptr<wsman::Client>> {
        return service_.client();
      });
    });
  }

  static std::string with(std::string text, std::string_view from, std::string_view to) {
    return text.replace(text.find(from), from.size(), to);
  }

  void deliver_some() {
    service_.deliver(kLog, {event_xml(1, "alpha", 100, 0), event_xml(2, "beta", 100, 10),
                            with(event_xml(3, "gamma", 101, 20), "<Level>4<", "<Level>2<"),
                            with(event_xml(4, "delta", 100, 50), "T10:", "T12:")});
  }

  static std::string ids(const std::string& out) {
    std::string found;
    for (std::size_t at = out.find("<EventRecordID>"); at != std::string::npos; at = out.find("<EventRecordID>", at + 1)) {
      found += (found.empty() ? "" : " ") + out.substr(at + 15, out.find('<', at + 15) - at - 15);
    }
    return found;
  }

  LogService service_;
};

TEST_F(WevtutilCountTest, CountsByLevelMostFirst) {
  deliver_some();
  const ToolRun result = run({"stats", kLog});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out,
            "Level          Events\n"
            "4 Information       3\n"
            "2 Error             1\n"
            "4 events.\n");
}

TEST_F(WevtutilCountTest, CountsInBuckets) {
  deliver_some();
  EXPECT_EQ(run({"stats", kLog, "--by=eventid", "--bucket=1h", "--json"}).out,
            "{\"Time\":\"2024-05-01T10:00:00Z\",\"EventID\":100,\"Events\":2}\n"
            "{\"Time\":\"2024-05-01T10:00:00Z\",\"EventID\":101,\"Events\":1}\n"
            "{\"Time\":\"2024-05-01T12:00:00Z\",\"EventID\":100,\"Events\":1}\n"
            "{\"Total\":4,\"Complete\":true}\n");
  EXPECT_EQ(run({"stats", kLog, "/by:EventID", "/bucket:1h", "/c:1", "/q:*[System[EventID<200]]"}).out,
            "Time                  EventID  Events\n"
            "2024-05-01T10:00:00Z  100           2\n"
            "2024-05-01T12:00:00Z  100           1\n"
            "4 events; 1 row left out.\n");
}

TEST_F(WevtutilCountTest, CountsBySeveralKeysAndWhatAQuerySelects) {
  deliver_some();
  EXPECT_EQ(
      run({"stats", kLog, "--by=provider,computer,channel,log,machine", "--json"}).out,
      "{\"Provider\":\"Lab\",\"Computer\":\"a.lab.example\",\"Channel\":\"Lab/Operational\",\"Log\":\"ForwardedEvents\","
      "\"Machine\":\"a.lab.example\",\"Events\":4}\n{\"Total\":4,\"Complete\":true}\n");
  EXPECT_THAT(run({"stats", kLog, "/q:*[System[Level=2]]", "--json"}).out, HasSubstr("{\"Total\":1,\"Complete\":true}\n"));
  EXPECT_THAT(run({"stats", kLog, "/text:BETA", "--json"}).out, HasSubstr("{\"Total\":1,\"Complete\":true}\n"));
  EXPECT_THAT(run({"stats", kLog, "/text:nothing"}).out, HasSubstr("0 events.\n"));
}

TEST_F(WevtutilCountTest, WhatCannotBeCountedIsAUsageError) {
  deliver_some();
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"stats", kLog, "--by=colour"}, "Keys are level, provider, eventid"},
      {{"stats", kLog, "--bucket=0"}, "Invalid value for option bucket."},
      {{"stats", kLog, "--bucket=soon"}, "Invalid value for option bucket."},
      {{"stats", kLog, "/c:0"}, "Invalid value for property count."},
      {{"stats", kLog, "--word"}, "Option word is allowed only together with option text."},
      {{"stats"}, "Required argument(s) is/are not specified."},
  };
  for (const auto& [words, text] : cases) {
    const ToolRun result = run(words);
    EXPECT_EQ(result.status, 87) << text;
    EXPECT_THAT(result.err, HasSubstr(text));
  }
  EXPECT_EQ(run({"stats", "NoSuchLog"}).status, 15007 % 256);
  EXPECT_EQ(run({"stats", kLog, "/q:*[System["}).status, 15001 % 256);
}

TEST_F(WevtutilCountTest, SearchesForText) {
  service_.deliver(kLog,
                   {event_xml(1, "session opened for root"), event_xml(2, "Session closed"), event_xml(3, "sessions")});
  EXPECT_EQ(ids(run({"qe", kLog, "/text:SESSION"}).out), "1 2 3");
  EXPECT_EQ(ids(run({"qe", kLog, "/text:session", "/word:true"}).out), "1 2");
  EXPECT_EQ(ids(run({"qe", kLog, "--text", "session", "/rd:true", "/c:1"}).out), "3");
  EXPECT_EQ(run({"qe", kLog, "/text:absent"}).out, "");
  EXPECT_EQ(run({"qe", kLog, "/text:"}).status, 87);
}

TEST_F(WevtutilCountTest, ListsProvidersOfItsOwnAndOfTheEvents) {
  deliver_some();
  EXPECT_EQ(run({"ep"}).out, "Lab\nLinux-Journal\nLinux-Syslog\nMuster\n");
  EXPECT_THAT(run({"enum-publishers", "--json"}).out, StartsWith("{\"name\":\"Lab\"}\n"));
}

TEST_F(WevtutilCountTest, ShowsAProviderOfTheTable) {
  const ToolRun result = run({"gp", "muster", "/ge:true", "/gm:true"});
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, StartsWith("name: Muster\nguid: 3b6e2c0d-8f0a-4a5e-9a40-5d5f3c7c1e01\nhelpLink:\n"));
  EXPECT_THAT(result.out, AllOf(HasSubstr("channels:\n  channel:\n    name: Muster/Operational\n    id: 16\n    flags: 0\n"),
                                HasSubstr("levels:\n  level:\n    name: Critical\n    value: 1\n"),
                                HasSubstr("keywords:\n  keyword:\n    name: Classic\n    mask: 80000000000000\n"),
                                HasSubstr("events:\n  event:\n    value: 1\n    version: 0\n    opcode: 0\n"),
                                HasSubstr("    value: 104\n"), HasSubstr("    message: The log %2 was cleared by %1.\n")));
  EXPECT_THAT(run({"gp", "Muster"}).out, AllOf(Not(HasSubstr("events:")), HasSubstr("    message: 0\n")));
}

TEST_F(WevtutilCountTest, LearnsAProviderFromItsEvents) {
  std::string rendered = with(event_xml(1, "a", 4711), "<Task>0<", "<Task>7<");
  rendered =
      with(rendered, "<Provider Name='Lab'/>", "<Provider Name='Lab' Guid='{11111111-2222-3333-4444-555555555555}'/>");
  rendered.insert(
      rendered.find("</Event>"),
      "<RenderingInfo Culture='en-US'><Message>m</Message><Level>Hint</Level><Task>Baking</Task></RenderingInfo>");
  service_.deliver(kLog, {rendered});
  const auto document = xml::Document::parse(run({"gp", "Lab", "/ge:true", "/f:xml"}).out);
  ASSERT_THAT(document, IsOk());
  const xml::Element provider = document->root();
  EXPECT_EQ(provider.attribute("name"), "Lab");
  EXPECT_EQ(provider.attribute("guid"), "11111111-2222-3333-4444-555555555555");
  EXPECT_EQ(provider.child("tasks").child("task").attribute("name"), "Baking");
  EXPECT_EQ(provider.child("levels").child("level").attribute("name"), "Hint");
  EXPECT_EQ(provider.child("events").child("event").attribute("value"), "4711");
  EXPECT_EQ(provider.child("channels").child("channel").attribute("name"), "Lab/Operational");
}

TEST_F(WevtutilCountTest, AnUnknownProviderIsNotFound) {
  const ToolRun result = run({"gp", "NoSuchPublisher"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("Failed to open metadata for publisher NoSuchPublisher."),
                                HasSubstr("The system cannot find the file specified.")));
  EXPECT_EQ(run({"gp", "it's \"quoted\""}).status, 2);
}

// What Get-WinEvent sends for a FilterHashtable. Source: wevtutil, section 7.2.
TEST_F(WevtutilCountTest, EveryFragmentOfAHashtableParsesAndSelects) {
  deliver_some();
  std::string user = with(event_xml(5, "omega", 200, 40), "</System>", "<Security UserID='S-1-5-18'/></System>");
  std::string audit = with(event_xml(6, "psi", 201, 41), "0x8000000000000000", "0x8010000000000000");
  std::string named = with(event_xml(7, "alice", 202, 42), "Data Name='Text'", "Data Name='TargetUserName'");
  std::string user_data = with(event_xml(8, "", 203, 43), "<EventData><Data Name='Text'></Data></EventData>",
                               "<UserData><X><TargetUserName>alice</TargetUserName></X></UserData>");
  service_.deliver(kLog, {user, audit, named, user_data});
  const std::vector<std::pair<std::string, std::string>> cases{
      {"*[System/Provider[@Name='Lab' or @Name='Other']]", "1 2 3 4 5 6 7 8"},
      {"*[System/Provider[@Name='lab' or @Name='other']]", "1 2 3 4 5 6 7 8"},
      {"*[((System/EventID=101) or (System/EventID=200))]", "3 5"},
      {"*[((System/Level=1) or (System/Level=2))]", "3"},
      {"*[System[band(Keywords,4503599627370496)]]", "6"},
      {"*[(System/TimeCreated[@SystemTime>='2024-05-01T10:10:00.000Z' and @SystemTime<='2024-05-01T10:40:00.000Z'])]",
       "2 3 5"},
      {"*[(System/Security[@UserID='S-1-5-18'])]", "5"},
      {"*[((EventData/Data='alpha') or (EventData/Data='gamma'))]", "1 3"},
      {"*[((EventData[Data[@Name='TargetUserName']='alice']) or (UserData/*/TargetUserName='alice'))]", "7 8"},
      {"*[System/Provider[@Name='Lab'] and ((System/EventID=100)) and ((System/Level=4)) and ((EventData/Data='beta'))]",
       "2"},
  };
  for (const auto& [xpath, expected] : cases) {
    const ToolRun result = run({"qe", kLog, "/q:" + xpath});
    EXPECT_EQ(result.err, "") << xpath;
    EXPECT_EQ(ids(result.out), expected) << xpath;
  }
  EXPECT_EQ(ids(run({"qe", kLog,
                     "/q:<QueryList><Query Id='0'><Select Path='ForwardedEvents'>*[((System/EventID=100))]</Select>"
                     "<Suppress>*[((EventData/Data='beta'))]</Suppress></Query><Query Id='2'><Select Path='ForwardedEvents'>"
                     "*[((System/EventID=200))]</Select></Query></QueryList>"})
                    .out),
            "1 4 5");
}

}  // namespace
}  // namespace cli
