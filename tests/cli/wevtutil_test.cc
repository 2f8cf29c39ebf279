#include "cli/wevtutil.h"

#include <filesystem>
#include <map>

#include "engine/base/file_system.h"
#include "engine/base/utf16.h"
#include "engine/xml/document.h"
#include "tests/cli/tool_run.h"
#include "tests/resources/log_service.h"
#include "tests/support/matchers.h"

namespace cli {
namespace {

using test_support::event_xml;
using test_support::IsOk;
using test_support::LogService;
using test_support::TemporaryDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kLog[] = "ForwardedEvents";

class WevtutilTest : public testing::Test {
 protected:
  ToolRun run(std::vector<std::string> words) {
    return run_tool([&](Console& console) {
      return run_wevtutil(console, words, [&](const Arguments&) -> base::Result<std::unique_ptr<wsman::Client>> {
        return service_.client(administrator_);
      });
    });
  }

  void deliver(std::uint64_t first, std::uint64_t last) {
    std::vector<std::string> events;
    for (std::uint64_t i = first; i <= last; ++i) events.push_back(event_xml(i, "x", static_cast<unsigned>(i)));
    service_.deliver(kLog, std::move(events));
  }

  std::string file(std::string_view name) const { return (folder_ / name).string(); }

  LogService service_;
  TemporaryDirectory folder_;
  bool administrator_ = true;
};

TEST_F(WevtutilTest, PrintsXmlOldestFirstOneEventALine) {
  const std::string first = event_xml(1, "a");
  const std::string second = event_xml(2, "b");
  service_.deliver(kLog, {first, second});
  const ToolRun result = run({"qe", kLog});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, first + "\n" + second + "\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(WevtutilTest, CountsFromEitherEnd) {
  deliver(1, 5);
  EXPECT_EQ(ids(run({"qe", kLog, "/c:2"}).out), "1 2");
  EXPECT_EQ(ids(run({"qe", kLog, "/c:2", "/rd:true"}).out), "5 4");
  EXPECT_EQ(ids(run({"QUERY-EVENTS", "forwardedevents", "--count=1"}).out), "1");
}

TEST_F(WevtutilTest, PrintsMoreThanOnePageInOrder) {
  deliver(1, 1203);
  const ToolRun result = run({"qe", kLog, "/c:1201"});
  std::string expected;
  for (int i = 1; i <= 1201; ++i) expected += (i == 1 ? "" : " ") + std::to_string(i);
  EXPECT_EQ(ids(result.out), expected);
}

TEST_F(WevtutilTest, SelectsByXPathAndByQueryList) {
  deliver(1, 5);
  EXPECT_EQ(ids(run({"qe", kLog, "/q:*[System[(EventID=2 or EventID=5)]]"}).out), "2 5");
  EXPECT_EQ(ids(run({"qe", kLog,
                     "/q:<QueryList><Query Id='0' Path='ForwardedEvents'><Select>*[System[EventID &lt; 3]]"
                     "</Select></Query></QueryList>"})
                    .out),
            "1 2");
}

TEST_F(WevtutilTest, ReadsAQueryListFromAFileInEitherEncoding) {
  deliver(1, 5);
  const std::string list =
      "<?xml version=\"1.0\"?>\r\n<!-- mine -->\r\n<QueryList>\r\n <Query Id=\"0\" Path=\"ForwardedEvents\">\r\n"
      "  <Select>*[System[(EventID=1 or\r\n EventID=4)]]</Select>\r\n  <Suppress>*[System[EventID=1]]</Suppress>\r\n"
      " </Query>\r\n</QueryList>\r\n";
  folder_.write("utf8.xml", list);
  folder_.write("utf16.xml", base::utf8_to_utf16le_with_mark(list));
  EXPECT_EQ(ids(run({"qe", file("utf8.xml"), "/sq:true"}).out), "4");
  EXPECT_EQ(ids(run({"qe", file("utf16.xml"), "/sq:true"}).out), "4");
}

TEST_F(WevtutilTest, ABadQueryFileIsAnError) {
  deliver(1, 1);
  EXPECT_EQ(run({"qe", file("missing.xml"), "/sq:true"}).status, 2);
  folder_.write("broken.xml", "<QueryList><Query>");
  EXPECT_EQ(run({"qe", file("broken.xml"), "/sq:true"}).status, 15008 % 256);
  folder_.write("entity.xml", "<!DOCTYPE q [<!ENTITY a 'b'>]><QueryList/>");
  EXPECT_EQ(run({"qe", file("entity.xml"), "/sq:true"}).status, 15008 % 256);
  folder_.write("other.xml", "<QueryList><Query Path='NoSuchLog'><Select>*</Select></Query></QueryList>");
  const ToolRun result = run({"qe", file("other.xml"), "/sq:true"});
  EXPECT_EQ(result.status, 15007 % 256);
  EXPECT_THAT(result.err, HasSubstr("NoSuchLog"));
}

TEST_F(WevtutilTest, ABookmarkOverSeveralLogsGoesOnInEach) {
  deliver(1, 2);
  service_.deliver("Another", {event_xml(1, "x", 11, 1)});
  folder_.write(
      "both.xml",
      "<QueryList><Query><Select Path='ForwardedEvents'>*</Select><Select Path='Another'>*</Select></Query></QueryList>");
  const std::vector<std::string> poll{"qe", file("both.xml"), "/sq:true", "/bm:" + file("mark.xml"),
                                      "/sbm:" + file("mark.xml")};
  EXPECT_EQ(ids(run(poll).out), "1 2 11");
  service_.deliver("Another", {event_xml(2, "x", 12, 2)});
  deliver(3, 3);
  EXPECT_EQ(ids(run(poll).out), "3 12");
  EXPECT_EQ(ids(run(poll).out), "");
}

TEST_F(WevtutilTest, NoMatchIsSuccessAndSilence) {
  deliver(1, 2);
  const ToolRun result = run({"qe", kLog, "/q:*[System[EventID=9]]"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "");
}

TEST_F(WevtutilTest, AMisspeltSystemNameGetsAWarning) {
  deliver(1, 2);
  const ToolRun result = run({"qe", kLog, "/q:*[System[(Bogus=1)]]"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, AllOf(HasSubstr("Warning"), HasSubstr("Bogus")));
}

TEST_F(WevtutilTest, ARootElementMakesOneDocument) {
  deliver(1, 3);
  service_.deliver(kLog, {"<no event"});
  const ToolRun result = run({"qe", kLog, "/e:root"});
  EXPECT_THAT(result.out, StartsWith("<root>\n<Event "));
  const auto document = xml::Document::parse(result.out);
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().local_name(), "root");
  EXPECT_EQ(document->root().child_count(), 4u);
}

TEST_F(WevtutilTest, WhatIsNoEventIsCarriedInOne) {
  service_.deliver(kLog, {"<no event"});
  const auto document = xml::Document::parse(run({"qe", kLog}).out);
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().child("ProcessingErrorData").child("EventPayload").text(), "3C6E6F206576656E74");
}

TEST_F(WevtutilTest, XmlLeavesRenderingInfoOutAndRenderedXmlHasIt) {
  std::string rendered = event_xml(1, "a");
  rendered.insert(rendered.find("</Event>"), "<RenderingInfo Culture='en-US'><Message>hello</Message></RenderingInfo>");
  service_.deliver(kLog, {rendered, event_xml(2, "b")});
  EXPECT_THAT(run({"qe", kLog}).out, Not(HasSubstr("RenderingInfo")));
  const std::string out = run({"qe", kLog, "/f:renderedxml"}).out;
  EXPECT_THAT(out, HasSubstr("<Message>hello</Message>"));
  EXPECT_THAT(out.substr(out.find('\n')), HasSubstr("<RenderingInfo Culture="));
}

TEST_F(WevtutilTest, TextHasABlockForEachEvent) {
  service_.deliver(kLog, {event_xml(1, "erste Zeile", 100), event_xml(2, "ü", 101)});
  const std::string out = run({"qe", kLog, "/f:text"}).out;
  EXPECT_THAT(out, StartsWith("Event[0]\n  Log Name: Lab/Operational\n  Source: Lab\n  Date: 2024-05-01T10:00:00.0000000Z\n"
                              "  Event ID: 100\n"));
  EXPECT_THAT(out, HasSubstr("\n\nEvent[1]\n"));
  EXPECT_THAT(out, HasSubstr("ü"));
}

TEST_F(WevtutilTest, JsonHasAnObjectForEachEvent) {
  service_.deliver(kLog, {event_xml(7, "a &lt;b&gt;", 100), "<no event"});
  const std::string out = run({"qe", kLog, "--json"}).out;
  EXPECT_THAT(out, StartsWith("{\"Log\":\"ForwardedEvents\",\"RecordId\":1,\"Received\":\"20"));
  EXPECT_THAT(out,
              AllOf(HasSubstr("\"Machine\":\"a.lab.example\",\"Quality\":\"Good\",\"Provider\":\"Lab\",\"EventID\":100,"),
                    HasSubstr("\"Keywords\":\"0x8000000000000000\",\"TimeCreated\":\"2024-05-01T10:00:00.0000000Z\","
                              "\"EventRecordID\":7,"),
                    HasSubstr("\"EventData\":[{\"Name\":\"Text\",\"Value\":\"a <b>\"}]")));
  EXPECT_THAT(out, HasSubstr("\n{\"Log\":\"ForwardedEvents\",\"RecordId\":2,"));
  EXPECT_THAT(out, HasSubstr("\"Quality\":\"Raw\",\"Text\":\"<no event\"}\n"));
}

TEST_F(WevtutilTest, AnEventTooLargeForTheServiceIsShownInPartWithAWarning) {
  service_.deliver(kLog, {event_xml(1, "a"), event_xml(2, std::string(300'000, 'x'), 42), event_xml(3, "b", 43)});
  const ToolRun result = run({"qe", kLog});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(ids(result.out), "1 42 43");
  EXPECT_LT(result.out.size(), 5000u);
  EXPECT_THAT(result.err, HasSubstr("Warning: event 2 of ForwardedEvents is larger"));
}

TEST_F(WevtutilTest, ABookmarkFileMakesAPollThatReturnsOnlyWhatIsNew) {
  const std::vector<std::string> poll{"qe", kLog, "/bm:" + file("mark.xml"), "/sbm:" + file("mark.xml")};
  deliver(1, 3);
  EXPECT_EQ(ids(run(poll).out), "1 2 3");
  EXPECT_EQ(ids(run(poll).out), "");
  deliver(4, 5);
  EXPECT_EQ(ids(run(poll).out), "4 5");
  deliver(6, 6);
  EXPECT_EQ(ids(run(poll).out), "6");
  EXPECT_THAT(*base::read_file(file("mark.xml")),
              HasSubstr("<Bookmark Channel='ForwardedEvents' RecordId='6' IsCurrent='true'/>"));
}

TEST_F(WevtutilTest, TheBookmarkIsThatOfTheLastEventPrinted) {
  deliver(1, 5);
  EXPECT_EQ(ids(run({"qe", kLog, "/c:2", "/sbm:" + file("mark.xml")}).out), "1 2");
  EXPECT_EQ(ids(run({"qe", kLog, "/bm:" + file("mark.xml")}).out), "3 4 5");
  EXPECT_EQ(ids(run({"qe", kLog, "/bm:" + file("mark.xml"), "/rd:true"}).out), "1");
}

TEST_F(WevtutilTest, ABadBookmarkFileIsAnError) {
  deliver(1, 1);
  EXPECT_EQ(run({"qe", kLog, "/bm:" + file("missing.xml")}).status, 2);
  folder_.write("bad.xml", "<BookmarkList");
  const ToolRun result = run({"qe", kLog, "/bm:" + file("bad.xml")});
  EXPECT_EQ(result.status, 15008 % 256);
  EXPECT_EQ(result.out, "");
}

TEST_F(WevtutilTest, ASavedBookmarkAndReadingBackwardsDoNotGoTogether) {
  const ToolRun result = run({"qe", kLog, "/rd:true", "/sbm:" + file("mark.xml")});
  EXPECT_EQ(result.status, 87);
  EXPECT_THAT(result.err, AllOf(HasSubstr("sbm"), HasSubstr("oldest"), HasSubstr("The parameter is incorrect.")));
}

TEST_F(WevtutilTest, AnUnknownLogIsNotFound) {
  const ToolRun query = run({"qe", "NoSuchLog"});
  EXPECT_EQ(query.status, 15007 % 256);
  EXPECT_THAT(query.err, AllOf(HasSubstr("Failed to open event query."),
                               HasSubstr("The specified channel could not be found."), HasSubstr("15007")));
  const ToolRun get = run({"gl", "NoSuchLog"});
  EXPECT_EQ(get.status, 15007 % 256);
  EXPECT_THAT(get.err, HasSubstr("Failed to read configuration for log NoSuchLog."));
  const ToolRun info = run({"gli", "NoSuchLog"});
  EXPECT_EQ(info.status, 15007 % 256);
  EXPECT_THAT(info.err, HasSubstr("Failed to read log status information for log NoSuchLog."));
}

TEST_F(WevtutilTest, ASyntaxErrorIsToldWithItsPosition) {
  deliver(1, 1);
  const ToolRun result = run({"qe", kLog, "/q:*[System["});
  EXPECT_EQ(result.status, 15001 % 256);
  EXPECT_THAT(result.err, AllOf(HasSubstr("A syntax error occurred at position 9"), HasSubstr("Failed to open event query."),
                                HasSubstr("The specified query is invalid.")));
}

TEST_F(WevtutilTest, AnUnsupportedFunctionIsToldInWindowsWords) {
  deliver(1, 1);
  const ToolRun result = run({"qe", kLog, "/q:*[EventData[contains(Data,'x')]]"});
  EXPECT_EQ(result.status, 15001 % 256);
  EXPECT_THAT(result.err, AllOf(HasSubstr("This operator is unsupported by this implementation of the filter."),
                                HasSubstr("Failed to open event query."), HasSubstr("The specified query is invalid.")));
}

TEST_F(WevtutilTest, UsageErrorsAre87) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"qe", kLog, "/c:0"}, "Invalid value for property count."},
      {{"qe", kLog, "/zz:1"}, "Invalid option zz. Option is not valid."},
      {{"qe", kLog, "/rd:ja"}, "Invalid option rd. Option is not Boolean."},
      {{"qe", kLog, "/f:csv"}, "Invalid value for option f."},
      {{"qe"}, "Required argument(s) is/are not specified."},
      {{"qe", kLog, "/q", "*"}, "Too many arguments are specified."},
      {{"qe", kLog, "/e:two words"}, "Invalid value for option e."},
      {{"qe", "q.xml", "/sq:true", "/q:*"}, "Option q is not allowed together with option sq."},
      {{"qe", kLog, "--json", "/f:text"}, "Option json is not allowed together with option f."},
      {{"qe", kLog, "/lf:true", "/sbm:x"}, "Option sbm is not allowed together with option lf."},
      {{"frobnicate"}, "frobnicate"},
  };
  for (const auto& [words, text] : cases) {
    const ToolRun result = run(words);
    EXPECT_EQ(result.status, 87) << text;
    EXPECT_THAT(result.err, AllOf(HasSubstr(text), HasSubstr("The parameter is incorrect."))) << text;
    EXPECT_EQ(result.out, "") << text;
  }
}

TEST_F(WevtutilTest, WithoutRightsAccessIsDenied) {
  deliver(1, 1);
  administrator_ = false;
  for (const std::string command : {"qe", "gl", "gli"}) {
    const ToolRun result = run({command, kLog});
    EXPECT_EQ(result.status, 5) << command;
    EXPECT_THAT(result.err, HasSubstr("Access is denied."));
  }
  EXPECT_THAT(run({"el"}).err, HasSubstr("Failed to open channel enumeration."));
}

TEST_F(WevtutilTest, WithoutAServiceTheInterfaceIsUnknown) {
  const ToolRun result = run_tool([&](Console& console) {
    return run_wevtutil(console, {"qe", kLog, "--state=" + file("")});
  });
  EXPECT_EQ(result.status, 1717 % 256);
  EXPECT_THAT(result.err, AllOf(HasSubstr("Failed to open event query."), HasSubstr("The interface is unknown.")));
  const ToolRun remote = run_tool([&](Console& console) { return run_wevtutil(console, {"el", "/r:elsewhere"}); });
  EXPECT_EQ(remote.status, 50);
}

TEST_F(WevtutilTest, ListsTheLogs) {
  deliver(1, 2);
  service_.deliver("Another Log", {event_xml(1, "x")});
  EXPECT_EQ(run({"el"}).out, "Another Log\nForwardedEvents\n");
  EXPECT_THAT(run({"enum-logs", "--json"}).out, HasSubstr("\n{\"name\":\"ForwardedEvents\",\"enabled\":true,"));
}

TEST_F(WevtutilTest, ShowsALogsConfiguration) {
  deliver(1, 2);
  EXPECT_EQ(run({"gl", "forwardedevents"}).out,
            "name: ForwardedEvents\nenabled: true\ntype: Operational\nowningPublisher:\nisolation: Application\n"
            "channelAccess: O:BAG:SYD:(A;;0xf0007;;;SY)(A;;0x7;;;BA)(A;;0x1;;;S-1-5-32-573)\nlogging:\n  logFileName:\n  "
            "retention: false\n"
            "  autoBackup: false\n  maxSize: 1073741824\npublishing:\n  fileMax: 1\n");
  const auto document = xml::Document::parse(run({"gl", kLog, "/f:xml"}).out);
  ASSERT_THAT(document, IsOk());
  EXPECT_TRUE(document->root().is("http://schemas.microsoft.com/win/2004/08/events", "channel"));
  EXPECT_EQ(document->root().attribute("name"), kLog);
  EXPECT_EQ(document->root().child("logging").child("maxSize").text(), "1073741824");
}

TEST_F(WevtutilTest, ShowsALogsStatusInSevenLines) {
  deliver(1, 3);
  for (const std::string command : {"gli", "get-loginfo", "get-log-info"}) {
    EXPECT_THAT(run({command, kLog}).out,
                testing::MatchesRegex("creationTime: [0-9T:-]+\\.[0-9][0-9][0-9]Z\nlastAccessTime: [^\n]*Z\n"
                                      "lastWriteTime: [^\n]*Z\nfileSize: [0-9]+\nattributes: 32\n"
                                      "numberOfLogRecords: 3\noldestRecordNumber: 1\n"));
  }
}

TEST_F(WevtutilTest, ManifestsAreNotSupported) {
  for (const std::string command : {"im", "um", "install-manifest"}) {
    const ToolRun result = run({command, "x.man"});
    EXPECT_EQ(result.status, 50) << command;
    EXPECT_THAT(result.err, HasSubstr("is not supported"));
  }
}

TEST_F(WevtutilTest, HelpGoesToStandardOutput) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{}, {"/?"}, {"-?"}, {"/h"}, {"qe", "/?"}, {"gl", "--help"}}) {
    const ToolRun result = run(words);
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, HasSubstr("wevtutil"));
    EXPECT_EQ(result.err, "");
  }
}

TEST_F(WevtutilTest, ReadsACopyOfAStoreWithoutAService) {
  deliver(1, 3);
  service_.deliver("Another", {event_xml(9, "x", 9, 30)});
  service_.stop();
  const std::string directory = service_.directory().string();
  EXPECT_EQ(ids(run({"qe", directory, "/lf:true"}).out), "1 2 3 9");
  EXPECT_EQ(ids(run({"qe", directory, "/lf:true", "/rd:true", "/c:2"}).out), "9 3");
  EXPECT_EQ(ids(run({"qe", directory, "/lf:true", "/q:*[System[EventID=2]]"}).out), "2");
  EXPECT_THAT(run({"gli", directory, "/lf:true"}).out, HasSubstr("numberOfLogRecords: 4\n"));
}

TEST_F(WevtutilTest, ReadingACopyChangesNoByteOfIt) {
  deliver(1, 3);
  service_.stop();
  const auto contents = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(service_.directory())) {
      if (entry.is_regular_file()) files[entry.path().string()] = base::read_file(entry.path()).value();
    }
    return files;
  };
  const auto before = contents();
  EXPECT_EQ(ids(run({"qe", service_.directory().string(), "/lf:true"}).out), "1 2 3");
  EXPECT_EQ(contents(), before);
}

TEST_F(WevtutilTest, ACopyThatIsNoneIsNamed) {
  const ToolRun missing = run({"qe", file("no/such"), "/lf:true"});
  EXPECT_EQ(missing.status, 3);
  EXPECT_THAT(missing.err, HasSubstr("The system cannot find the path specified."));
  folder_.write("saved.evtx", "ElfFile");
  const ToolRun corrupt = run({"qe", file("saved.evtx"), "/lf:true"});
  EXPECT_EQ(corrupt.status, 1500 % 256);
  EXPECT_THAT(corrupt.err, HasSubstr("The event log file is corrupted."));
  EXPECT_EQ(run({"qe", file(""), "/lf:true"}).status, 13);
  EXPECT_FALSE(std::filesystem::exists(file("events.db")));
}

TEST_F(WevtutilTest, AStoreThatAServiceUsesIsLeftAlone) {
  deliver(1, 1);
  const auto lock = base::DirectoryLock::acquire(service_.directory());
  ASSERT_THAT(lock, IsOk());
  const ToolRun result = run({"qe", service_.directory().string(), "/lf:true"});
  EXPECT_EQ(result.status, 32);
  EXPECT_THAT(result.err, HasSubstr("--state="));
}

TEST_F(WevtutilTest, OutputThatNobodyTakesEndsTheRunAndLeavesTheBookmark) {
  deliver(1, 1200);
  std::ostringstream err;
  std::istringstream in;
  std::ostream out(nullptr);
  Console console{out, err, in};
  EXPECT_EQ(
      run_wevtutil(console, {"qe", kLog, "/sbm:" + file("mark.xml")},
                   [&](const Arguments&) -> base::Result<std::unique_ptr<wsman::Client>> { return service_.client(); }),
      0);
  EXPECT_EQ(err.str(), "");
  EXPECT_FALSE(std::filesystem::exists(file("mark.xml")));
}

}  // namespace
}  // namespace cli
