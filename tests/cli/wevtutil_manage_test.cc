// wevtutil's commands that change, export and count, against a real store.

#include <filesystem>

#include "cli/export_format.h"
#include "cli/import.h"
#include "cli/json_reader.h"
#include "cli/store_tool.h"
#include "cli/wevtutil.h"
#include "engine/base/file_system.h"
#include "engine/base/utf16.h"
#include "engine/xml/document.h"
#include "tests/cli/tool_run.h"
#include "tests/resources/log_service.h"
#include "tests/support/matchers.h"
#include "tests/support/process.h"

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

class WevtutilManageTest : public testing::Test {
 protected:
  ConnectFunction connection() {
    return
        [this](const Arguments&) -> base::Result<std::unique_ptr<wsman::Client>> { return service_.client(administrator_); };
  }
  ToolRun run(std::vector<std::string> words) {
    return run_tool([&](Console& console) { return run_wevtutil(console, words, connection()); });
  }
  ToolRun import(std::vector<std::string> words) {
    return run_tool([&](Console& console) { return run_import(console, words, connection()); });
  }

  void deliver(std::uint64_t first, std::uint64_t last) {
    std::vector<std::string> events;
    for (std::uint64_t i = first; i <= last; ++i) events.push_back(event_xml(i, "x", static_cast<unsigned>(i)));
    service_.deliver(kLog, std::move(events));
  }

  std::string file(std::string_view name) const { return (folder_ / name).string(); }
  std::string content(std::string_view name) const { return base::read_file(folder_ / name).value(); }
  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_.path()), {}));
  }

  LogService service_;
  TemporaryDirectory folder_;
  bool administrator_ = true;
};

// sl

TEST_F(WevtutilManageTest, SetsWhatIsNamedAndShowsIt) {
  deliver(1, 1);
  ASSERT_EQ(
      run({"sl", kLog, "/e:FALSE", "/rt:true", "/ab:true", "/ms:2000000", "/maxage:90d", "/maxcount:5000", "/q:true"}).err,
      "");
  const std::string out = run({"gl", kLog}).out;
  EXPECT_THAT(out,
              AllOf(HasSubstr("enabled: false\n"), HasSubstr("  retention: true\n"), HasSubstr("  autoBackup: true\n"),
                    HasSubstr("  maxSize: 2031616\n"), HasSubstr("  maxAge: 7776000\n"), HasSubstr("  maxRecords: 5000\n")));
  ASSERT_EQ(run({"set-log", kLog, "--enabled=true", "--autobackup=false"}).status, 0);
  EXPECT_THAT(run({"gl", kLog}).out, AllOf(HasSubstr("enabled: true\n"), HasSubstr("  retention: true\n")));
}

TEST_F(WevtutilManageTest, AConfigurationGoesRoundByAFile) {
  deliver(1, 1);
  ASSERT_EQ(run({"sl", kLog, "/rt:true", "/ms:9000960", "/i:custom", "/ca:O:BAG:SYD:(A;;0x1;;;SY)", "/ma:12h"}).err, "");
  folder_.write("log.xml", run({"gl", kLog, "/f:xml"}).out);
  folder_.write("log16.xml", base::utf8_to_utf16le_with_mark(run({"gl", kLog, "/f:xml"}).out));
  const std::string before = run({"gl", kLog}).out;
  for (const char* name : {"log.xml", "log16.xml"}) {
    ASSERT_EQ(run({"sl", kLog, "/rt:false", "/ms:1048576", "/i:system", "/ma:0"}).status, 0);
    ASSERT_EQ(run({"sl", "/c:" + file(name)}).err, "");
    EXPECT_EQ(run({"gl", kLog}).out, before);
  }
}

TEST_F(WevtutilManageTest, AFileThatLacksElementsLeavesThemAlone) {
  deliver(1, 1);
  ASSERT_EQ(run({"sl", kLog, "/rt:true", "/ms:9000960"}).status, 0);
  folder_.write("log.xml",
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<channel name=\"ForwardedEvents\" "
                "xmlns=\"http://schemas.microsoft.com/win/2004/08/events\">\n  <logging>\n"
                "    <autoBackup>true</autoBackup>\n  </logging>\n  <publishing>\n  </publishing>\n</channel>\n");
  ASSERT_EQ(run({"sl", "/c:" + file("log.xml")}).err, "");
  EXPECT_THAT(run({"gl", kLog}).out, AllOf(HasSubstr("  retention: true\n  autoBackup: true\n  maxSize: 9043968\n")));
}

TEST_F(WevtutilManageTest, WhatALogCannotHaveIsRefused) {
  deliver(1, 1);
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"sl", kLog, "/ms:1048575"}, "MaxSize"},
      {{"sl", kLog, "/ms:lots"}, "Invalid value for property maxsize."},
      {{"sl", kLog, "/ab:true"}, "AutoBackup needs Retention."},
      {{"sl", kLog, "/i:custom"}, "Option ca is required"},
      {{"sl", kLog, "/i:nowhere"}, "Invalid value for option i."},
      {{"sl", kLog, "/ca:nonsense"}, "ChannelAccess"},
      {{"sl", kLog, "/ma:soon"}, "Invalid value for option ma."},
      {{"sl", kLog, "/l:3"}, "Analytic and Debug"},
      {{"sl", kLog, "/fm:2"}, "Analytic and Debug"},
      {{"sl", kLog, "/fm:17"}, "Invalid value for property filemax."},
      {{"sl", kLog, "/e:ja"}, "Invalid option e. Option is not Boolean."},
      {{"sl", kLog}, "Required argument(s) is/are not specified."},
      {{"sl", "/e:true"}, "Required argument(s) is/are not specified."},
      {{"sl", kLog, "/c:x.xml"}, "Option c is not allowed together"},
      {{"sl", "/c:x.xml", "/e:true"}, "Option c is not allowed together"},
  };
  for (const auto& [words, text] : cases) {
    const ToolRun result = run(words);
    EXPECT_EQ(result.status, 87) << text;
    EXPECT_THAT(result.err, AllOf(HasSubstr(text), HasSubstr("The parameter is incorrect."))) << text;
  }
  EXPECT_EQ(run({"sl", kLog, "/lfn:/tmp/x"}).status, 50);
  EXPECT_EQ(run({"sl", "/c:" + file("missing.xml")}).status, 2);
  folder_.write("other.xml", "<channel/>");
  EXPECT_EQ(run({"sl", "/c:" + file("other.xml")}).status, 13);
}

TEST_F(WevtutilManageTest, SettingWithoutRightsOrLogSaysSo) {
  EXPECT_EQ(run({"sl", "NoSuchLog", "/e:true"}).status, 15007 % 256);
  deliver(1, 1);
  administrator_ = false;
  const ToolRun result = run({"sl", kLog, "/e:true"});
  EXPECT_EQ(result.status, 5);
  EXPECT_THAT(result.err, HasSubstr("Failed to save configuration or activate log ForwardedEvents."));
}

// epl

TEST_F(WevtutilManageTest, ExportsXmlThatIsOneDocument) {
  deliver(1, 1203);
  service_.deliver(kLog, {"<no event"});
  ASSERT_EQ(run({"epl", kLog, file("out.xml")}).err, "");
  const auto document = xml::Document::parse(content("out.xml"));
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().local_name(), "Events");
  EXPECT_EQ(document->root().child_count(), 1204u);
  EXPECT_EQ(files_in_folder(), 1u);
}

TEST_F(WevtutilManageTest, ExportsWhatAQuerySelects) {
  deliver(1, 5);
  ASSERT_EQ(run({"export-log", kLog, file("out.xml"), "/q:*[System[EventID>3]]"}).err, "");
  EXPECT_EQ(ids(content("out.xml")), "4 5");
  folder_.write("query.xml",
                "<QueryList><Query Path='ForwardedEvents'><Select>*[System[EventID=2]]</Select></Query></QueryList>");
  ASSERT_EQ(run({"epl", file("query.xml"), file("two.xml"), "/sq:true"}).err, "");
  EXPECT_EQ(ids(content("two.xml")), "2");
}

TEST_F(WevtutilManageTest, ATargetThatIsThereIsReplacedOnlyWhereThatIsAskedFor) {
  deliver(1, 2);
  folder_.write("out.xml", "before");
  const ToolRun refused = run({"epl", kLog, file("out.xml")});
  EXPECT_EQ(refused.status, 80);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("Failed to export log ForwardedEvents."), HasSubstr("The file exists."),
                                 HasSubstr("/ow:true")));
  EXPECT_EQ(content("out.xml"), "before");
  EXPECT_EQ(run({"epl", kLog, file("out.xml"), "/ow:true"}).status, 0);
  EXPECT_EQ(ids(content("out.xml")), "1 2");
}

TEST_F(WevtutilManageTest, AFailedExportLeavesNothing) {
  deliver(1, 2);
  const ToolRun nowhere = run({"epl", kLog, "/no/such/dir/x.xml"});
  EXPECT_EQ(nowhere.status, 3);
  EXPECT_THAT(nowhere.err, AllOf(HasSubstr("Failed to export log ForwardedEvents."),
                                 HasSubstr("The system cannot find the path specified.")));
  for (const char* name : {"a.xml", "a.csv", "a.jsonl", "a.mlog"}) {
    EXPECT_EQ(run({"epl", "NoSuchLog", file(name)}).status, 15007 % 256);
    EXPECT_EQ(run({"epl", kLog, file(name), "/q:*[System["}).status, 15001 % 256);
  }
  EXPECT_EQ(files_in_folder(), 0u);
}

TEST_F(WevtutilManageTest, WindowsOwnFormatIsNotWritten) {
  deliver(1, 1);
  const ToolRun result = run({"epl", kLog, file("out.evtx")});
  EXPECT_EQ(result.status, 50);
  EXPECT_THAT(result.err, AllOf(HasSubstr(".evtx is read but not written"), HasSubstr(".mlog"), HasSubstr(".csv")));
  EXPECT_EQ(files_in_folder(), 0u);
}

TEST_F(WevtutilManageTest, CsvHasEventViewersColumnsAndANamedMessage) {
  service_.deliver(kLog, {event_xml(1, "=cmd|&#10;\"quoted\", and", 100), event_xml(2, "plain", 101)});
  ASSERT_EQ(run({"epl", kLog, file("out.csv")}).err, "");
  EXPECT_EQ(content("out.csv"),
            "Level,Date and Time,Source,Event ID,Task Category,Message\r\n"
            "Information,2024-05-01T10:00:00.0000000Z,Lab,100,None,\"Text==cmd|\n\"\"quoted\"\", and\"\r\n"
            "Information,2024-05-01T10:00:00.0000000Z,Lab,101,None,Text=plain\r\n");
  ASSERT_EQ(run({"epl", kLog, file("classic.csv"), "/classic:true"}).err, "");
  EXPECT_THAT(content("classic.csv"), AllOf(StartsWith("Level,Date and Time,Source,Event ID,Task Category\r\nInformation,"),
                                            HasSubstr("/2024 "), Not(HasSubstr("2024-05"))));
  ASSERT_EQ(run({"epl", kLog, file("out.txt")}).err, "");
  EXPECT_THAT(content("out.txt"), AllOf(StartsWith("Level\tDate and Time\tSource\tEvent ID\tTask Category\tMessage\r\n"),
                                        HasSubstr("\tNone\t\"Text=plain\"\r\n")));
}

TEST(CsvCell, IsNeverAFormula) {
  for (const std::string text : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx"}) EXPECT_EQ(csv_cell(text, true), "'" + text);
  EXPECT_EQ(csv_cell("\rx", true), "\"'\rx\"");
  EXPECT_EQ(csv_cell("=1,2", true), "\"'=1,2\"");
  EXPECT_EQ(csv_cell("=1+1", false), "=1+1");
  EXPECT_EQ(csv_cell("a=b", true), "a=b");
}

TEST_F(WevtutilManageTest, ExportedFilesAreReadBack) {
  deliver(1, 5);
  for (const char* name : {"out.xml", "out.jsonl", "out.mlog", "out.anything"}) {
    ASSERT_EQ(run({"epl", kLog, file(name)}).err, "") << name;
    EXPECT_EQ(ids(run({"qe", file(name), "/lf:true"}).out), "1 2 3 4 5") << name;
    EXPECT_EQ(ids(run({"qe", file(name), "/lf:true", "/rd:true", "/c:2"}).out), "5 4") << name;
    EXPECT_EQ(ids(run({"qe", file(name), "/lf:true", "/q:*[System[EventID=2]]"}).out), "2") << name;
    EXPECT_THAT(run({"gli", file(name), "/lf:true"}).out, HasSubstr("numberOfLogRecords: 5\n")) << name;
    EXPECT_EQ(ids(run({"qe", file(name), "/lf:true",
                       "/q:<QueryList><Query Path='file://C:\\x.evtx'><Select>*[System[EventID=3]]</Select></Query>"
                       "</QueryList>"})
                      .out),
              "3")
        << name;
  }
  const std::string before = run({"qe", kLog}).out;
  EXPECT_EQ(run({"qe", file("out.xml"), "/lf:true"}).out, before);
  EXPECT_EQ(run({"qe", file("out.mlog"), "/lf:true"}).out, before);
}

TEST_F(WevtutilManageTest, AFileIsExportedInAnotherForm) {
  deliver(1, 3);
  ASSERT_EQ(run({"epl", kLog, file("out.mlog")}).err, "");
  ASSERT_EQ(run({"epl", file("out.mlog"), file("out.xml"), "/lf:true", "/q:*[System[EventID>1]]"}).err, "");
  EXPECT_EQ(ids(content("out.xml")), "2 3");
}

TEST_F(WevtutilManageTest, ArchivingPutsTextsIntoTheFile) {
  deliver(1, 2);
  for (const char* name : {"out.xml", "out.mlog"}) {
    ASSERT_EQ(run({"epl", kLog, file(name)}).err, "");
    ASSERT_EQ(run({"al", file(name), "/l:en-US"}).err, "") << name;
    const std::string out = run({"qe", file(name), "/lf:true", "/f:RenderedXml"}).out;
    EXPECT_THAT(out, HasSubstr("<RenderingInfo Culture=")) << name;
    EXPECT_EQ(ids(out), "1 2") << name;
  }
  EXPECT_THAT(content("out.xml"), HasSubstr("<RenderingInfo Culture="));
  EXPECT_EQ(run({"al", file("out.csv")}).status, 50);
  EXPECT_EQ(run({"al", file("missing.xml")}).status, 3);
}

// cl

TEST_F(WevtutilManageTest, ClearingLeavesAnEventAboutIt) {
  deliver(1, 3);
  ASSERT_EQ(run({"cl", kLog}).err, "");
  EXPECT_EQ(run({"qe", kLog}).out, "");
  const std::string told = run({"qe", "Muster/Operational"}).out;
  EXPECT_EQ(ids(told), "104");
  EXPECT_THAT(
      told,
      AllOf(HasSubstr("<Data Name='SubjectUserName'>root</Data>"), HasSubstr("<Data Name='Channel'>ForwardedEvents</Data>"),
            HasSubstr("<Data Name='EventCount'>3</Data>"), HasSubstr("<Computer>collector.lab.example</Computer>")));
  deliver(4, 4);
  EXPECT_EQ(run({"qe", kLog, "--json"}).out.substr(0, 40), "{\"Log\":\"ForwardedEvents\",\"RecordId\":4,\"R");
}

TEST_F(WevtutilManageTest, ABackupHoldsWhatIsCleared) {
  deliver(1, 1203);
  ASSERT_EQ(run({"clear-log", kLog, "/bu:" + file("old.xml")}).err, "");
  EXPECT_EQ(run({"qe", kLog}).out, "");
  const auto document = xml::Document::parse(content("old.xml"));
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->root().child_count(), 1203u);
  EXPECT_THAT(run({"qe", "Muster/Operational"}).out,
              AllOf(HasSubstr("<Data Name='EventCount'>1203</Data>"), HasSubstr("old.xml</Data>")));
}

TEST_F(WevtutilManageTest, WithoutABackupNothingIsCleared) {
  deliver(1, 3);
  folder_.write("old.xml", "before");
  EXPECT_EQ(run({"cl", kLog, "/bu:" + file("old.xml")}).status, 80);
  EXPECT_EQ(run({"cl", kLog, "/bu:/no/such/dir/old.xml"}).status, 3);
  EXPECT_EQ(run({"cl", kLog, "/bu:" + file("old.evtx")}).status, 50);
  EXPECT_EQ(ids(run({"qe", kLog}).out), "1 2 3");
  const ToolRun result = run({"cl", "NoSuchLog"});
  EXPECT_EQ(result.status, 15007 % 256);
  EXPECT_THAT(result.err, HasSubstr("Failed to clear log NoSuchLog."));
}

TEST_F(WevtutilManageTest, AnEmptyLogIsClearedWithAnEmptyBackup) {
  deliver(1, 1);
  ASSERT_EQ(run({"cl", kLog}).status, 0);
  ASSERT_EQ(run({"cl", kLog, "/bu:" + file("old.xml")}).err, "");
  EXPECT_EQ(ids(content("old.xml")), "");
}

// Output

TEST_F(WevtutilManageTest, UnicodeMakesTheOutputUtf16) {
  service_.deliver(kLog, {event_xml(1, std::string(9000, 'x') + "Grüße \xF0\x9F\x98\x80")});
  const std::string wide = run({"qe", kLog, "/uni:true"}).out;
  ASSERT_THAT(wide, StartsWith("\xFF\xFE"));
  EXPECT_EQ(base::utf16_to_utf8(std::string_view(wide).substr(2), base::Utf16Order::LittleEndian).text,
            run({"qe", kLog}).out);
}

// muster import

TEST_F(WevtutilManageTest, ImportingAgainStoresNothingTwice) {
  folder_.write("one.xml", "<Events>" + event_xml(1, "a", 1) + event_xml(2, "b", 2) + "</Events>");
  EXPECT_EQ(import({file("one.xml")}).out, file("one.xml") + ": 2 events stored, 0 duplicates, 0 unreadable\n");
  EXPECT_EQ(import({file("one.xml")}).out, file("one.xml") + ": 0 events stored, 2 duplicates, 0 unreadable\n");
  EXPECT_EQ(run({"qe", "Lab/Operational"}).out, event_xml(1, "a", 1) + "\n" + event_xml(2, "b", 2) + "\n");
}

TEST_F(WevtutilManageTest, ImportsIntoANamedLogFromSeveralFiles) {
  deliver(1, 3);
  ASSERT_EQ(run({"epl", kLog, file("a.jsonl")}).err, "");
  ASSERT_EQ(run({"epl", kLog, file("b.mlog"), "/q:*[System[EventID=2]]"}).err, "");
  folder_.write("c.xml", event_xml(9, "c", 9) + "\n<no event\n");
  const ToolRun result = import({"/log:Imported", file("a.jsonl"), file("b.mlog"), file("c.xml"), "--json"});
  EXPECT_EQ(result.status, 13);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"Stored\":3,\"Duplicates\":0,\"Unreadable\":0}"),
                                HasSubstr("\"Stored\":0,\"Duplicates\":1,\"Unreadable\":0}"),
                                HasSubstr("\"Stored\":1,\"Duplicates\":0,\"Unreadable\":1}")));
  EXPECT_EQ(ids(run({"qe", "Imported"}).out), "1 2 3 9");
}

TEST_F(WevtutilManageTest, ImportsMoreThanOneRequestTakes) {
  std::string text = "<Events>\n";
  for (std::uint64_t i = 1; i <= 4500; ++i) text += event_xml(i, "x", 1) + "\n";
  folder_.write("many.xml", text + "</Events>");
  EXPECT_EQ(import({"/log:Imported", file("many.xml")}).out,
            file("many.xml") + ": 4500 events stored, 0 duplicates, 0 unreadable\n");
}

TEST_F(WevtutilManageTest, ImportSaysWhatItCannotRead) {
  folder_.write("table.csv", "Level,Date\r\n");
  const ToolRun result = import({file("table.csv"), file("missing.xml")});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("Failed to import " + file("table.csv")), HasSubstr("The data is invalid."),
                                HasSubstr("The system cannot find the file specified.")));
  EXPECT_EQ(import({"/log:Muster/Operational", file("missing.xml")}).status, 2);
  folder_.write("one.xml", event_xml(1, "a"));
  EXPECT_EQ(import({"/log:Muster/Operational", file("one.xml")}).status, 87);
  EXPECT_EQ(import({"/zz:1"}).status, 87);
  administrator_ = false;
  EXPECT_EQ(import({file("one.xml")}).status, 5);
}

TEST_F(WevtutilManageTest, ALogFileOfWindowsIsReadExportedAndImported) {
  const std::string evtx = file("made.evtx");
  ASSERT_EQ(test_support::run_command({"python3", MUSTER_TEST_DATA "/make_evtx.py", evtx, "5"}).status, 0);
  EXPECT_EQ(ids(run({"qe", evtx, "/lf:true", "/rd:true", "/c:2"}).out), "105 104");
  EXPECT_THAT(run({"qe", evtx, "/lf:true", "/f:text", "/c:1"}).out,
              HasSubstr("  Log Name: Lab/Operational\n  Source: Lab\n"));
  ASSERT_EQ(run({"epl", evtx, file("out.jsonl"), "/lf:true", "/q:*[System[EventID=103]]"}).err, "");
  EXPECT_EQ(parse_json(content("out.jsonl"))->find_number("EventID"), 103u);
  EXPECT_EQ(import({evtx}).out, evtx + ": 5 events stored, 0 duplicates, 0 unreadable\n");
  EXPECT_EQ(import({evtx}).out, evtx + ": 0 events stored, 5 duplicates, 0 unreadable\n");
  EXPECT_EQ(ids(run({"qe", "Lab/Operational"}).out), "101 102 103 104 105");
}

TEST_F(WevtutilManageTest, ALogFileOfWindowsThatIsDamagedIsImportedAsFarAsItGoes) {
  const std::string evtx = file("made.evtx");
  ASSERT_EQ(test_support::run_command({"python3", MUSTER_TEST_DATA "/make_evtx.py", evtx, "5", "--damage"}).status, 0);
  const ToolRun result = import({evtx});
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(run({"qe", "Lab/Operational"}).out, HasSubstr("<EventID>101</EventID>"));
}

// muster store

TEST_F(WevtutilManageTest, ARunningServiceCopiesItsStore) {
  deliver(1, 3);
  const auto store = [&](std::vector<std::string> words) {
    return run_tool([&](Console& console) { return run_store(console, words, connection()); });
  };
  ASSERT_EQ(store({"backup", file("copy")}).err, "");
  EXPECT_EQ(ids(run({"qe", file("copy"), "/lf:true"}).out), "1 2 3");
  const ToolRun again = store({"backup", file("copy")});
  EXPECT_EQ(again.status, 183);
  EXPECT_THAT(again.err, HasSubstr("Failed to back up the store to"));
  const ToolRun checked = store({"check", file("copy"), "--json"});
  EXPECT_EQ(checked.status, 0);
  EXPECT_THAT(checked.out, AllOf(HasSubstr("\"Events\":3,\"EventsLost\":0,\"Problems\":[]}")));
  EXPECT_THAT(store({"repair", file("copy")}).out, HasSubstr("3 events, 0 problems"));
  administrator_ = false;
  EXPECT_EQ(store({"backup", file("other")}).status, 5);
}

TEST_F(WevtutilManageTest, DamageIsFoundAndRepaired) {
  deliver(1, 3);
  service_.stop();
  const std::string directory = service_.directory().string();
  const auto store = [&](std::vector<std::string> words) {
    return run_tool([&](Console& console) { return run_store(console, words, connection()); });
  };
  EXPECT_EQ(store({"check", directory}).status, 0);
  std::filesystem::resize_file(service_.directory() / "events.db", 9'000);
  const ToolRun broken = store({"check", directory});
  EXPECT_NE(broken.status, 0);
  EXPECT_EQ(store({"repair", directory}).status, 0);
  EXPECT_EQ(store({"check", directory}).status, 0);
}

TEST_F(WevtutilManageTest, StoreToolsSayWhatTheyCannotLookAfter) {
  const auto store = [&](std::vector<std::string> words) {
    return run_tool([&](Console& console) { return run_store(console, words, connection()); });
  };
  EXPECT_EQ(store({"check", file("missing")}).status, 3);
  EXPECT_EQ(store({"repair", folder_.path().string()}).status, 13);
  const auto lock = base::DirectoryLock::acquire(service_.directory());
  const ToolRun used = store({"check", service_.directory().string()});
  EXPECT_EQ(used.status, 32);
  EXPECT_THAT(used.err, AllOf(HasSubstr("Failed to check"), HasSubstr("Stop that service first.")));
  EXPECT_EQ(files_in_folder(), 0u);
  EXPECT_EQ(store({"frobnicate"}).status, 87);
}

}  // namespace
}  // namespace cli
