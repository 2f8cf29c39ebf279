#include "forwarder/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/iso8601.h"
#include "forwarder/make_source.h"
#include "tests/support/fake_clock.h"

namespace forwarder {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;
using ::testing::Pair;

base::WallTime at(std::string_view text) {
  return base::parse_datetime(text).value();
}

events::Draft of_line(std::string_view text, unsigned part = 0) {
  SyslogParser parser;
  const auto modified = at("2024-05-01T12:00:00Z");
  const auto common = common_system(kSyslogProvider, kSyslogChannel, "a.example.org");
  return draft_of(parser.parse(text, modified), common, LineOrigin{"/var/log/syslog", part, modified});
}

events::Draft of_entry(std::vector<JournalField> fields) {
  return draft_of(std::move(fields), at("2024-05-01T12:00:00Z"),
                  common_system(kJournalProvider, kJournalChannel, "a.example.org"));
}

TEST(SyslogMapping, FillsSystem) {
  const events::Draft draft = of_line("<27>1 2024-05-01T10:15:30.5Z host7 backup 812 ID7 - disk almost full");
  EXPECT_EQ(draft.system.provider, "Linux-Syslog");
  EXPECT_THAT(draft.system.provider_guid, ::testing::MatchesRegex("\\{[0-9a-f-]{36}\\}"));
  EXPECT_EQ(draft.system.event_id, 1);
  EXPECT_EQ(draft.system.level, 2);
  EXPECT_EQ(draft.system.task, 4);
  EXPECT_EQ(draft.system.opcode, 0);
  EXPECT_EQ(draft.system.keywords, 0x8000000000000000u);
  EXPECT_EQ(draft.system.time, at("2024-05-01T10:15:30.5Z"));
  EXPECT_EQ(draft.system.channel, "Linux-Syslog/Operational");
  EXPECT_EQ(draft.system.computer, "a.example.org");
  EXPECT_THAT(draft.system.process_id, Optional(812u));
  EXPECT_THAT(draft.system.thread_id, Optional(812u));
}

TEST(SyslogMapping, KeepsEveryPartAsData) {
  const events::Draft draft =
      of_line("<27>1 2024-05-01T10:15:30.5Z host7 backup x-1 ID7 [a@1 k=\"v\" l=\"w\"] disk almost full");
  EXPECT_THAT(draft.data,
              ElementsAre(Pair("PRI", "27"), Pair("FACILITY", "daemon"), Pair("SEVERITY", "err"),
                          Pair("TIMESTAMP", "2024-05-01T10:15:30.5Z"), Pair("HOSTNAME", "host7"), Pair("APP-NAME", "backup"),
                          Pair("PROCID", "x-1"), Pair("MSGID", "ID7"), Pair("a@1.k", "v"), Pair("a@1.l", "w"),
                          Pair("MESSAGE", "disk almost full"), Pair("FILE", "/var/log/syslog")));
  EXPECT_EQ(draft.system.process_id, std::nullopt);
}

TEST(SyslogMapping, GivesAPlainLineTheFilesTimeAndTheLevelInformation) {
  const events::Draft draft = of_line("just text");
  EXPECT_EQ(draft.system.time, at("2024-05-01T12:00:00Z"));
  EXPECT_EQ(draft.system.level, 4);
  EXPECT_EQ(draft.system.task, 0);
  EXPECT_THAT(draft.data, ElementsAre(Pair("MESSAGE", "just text"), Pair("FILE", "/var/log/syslog")));
}

TEST(SyslogMapping, MarksThePartsOfALine) {
  EXPECT_THAT(of_line("just text", 3).data,
              ElementsAre(Pair("MESSAGE", "just text"), Pair("FILE", "/var/log/syslog"), Pair("LINE_PART", "3")));
}

TEST(SyslogMapping, GivesEachSeverityItsLevel) {
  const std::uint8_t levels[] = {1, 1, 1, 2, 3, 4, 4, 5};
  for (unsigned severity = 0; severity < 8; ++severity) {
    for (unsigned facility : {0u, 1u, 10u, 23u}) {
      const events::Draft draft = of_line("<" + std::to_string(facility * 8 + severity) + ">May  1 10:15:30 h a: m");
      EXPECT_EQ(draft.system.level, levels[severity]);
      EXPECT_EQ(draft.system.task, facility + 1);
    }
  }
}

TEST(SyslogMapping, PassesAWholeEventThrough) {
  const std::string event =
      "<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/><EventID>1</EventID>"
      "<Channel>Linux-Sysmon/Operational</Channel><Computer>host7</Computer><Security UserId=\"0\"/></System></Event>";
  EXPECT_EQ(of_line("May  1 10:15:30 host7 sysmon: " + event).ready_xml, event);
  EXPECT_EQ(of_line("<14>1 2024-05-01T10:15:30Z host7 sysmon 7 - - " + event + " ").ready_xml, event);
  EXPECT_EQ(of_line("May  1 10:15:30 host7 sysmon: <EventList></EventList>").ready_xml, "");
  EXPECT_EQ(of_line("May  1 10:15:30 host7 sysmon: <Event>cut").ready_xml, "");
  EXPECT_EQ(of_entry({{"MESSAGE", event}}).ready_xml, event);
}

TEST(JournalMapping, FillsSystem) {
  const events::Draft draft = of_entry({{"_SOURCE_REALTIME_TIMESTAMP", "1714558530123456"},
                                        {"PRIORITY", "3"},
                                        {"SYSLOG_FACILITY", "3"},
                                        {"_PID", "812"},
                                        {"TID", "813"},
                                        {"_UID", "1000"},
                                        {"_SYSTEMD_INVOCATION_ID", "11111111222233334444555555555555"},
                                        {"_HOSTNAME", "host7"},
                                        {"MESSAGE", "text"}});
  EXPECT_EQ(draft.system.provider, "Linux-Journal");
  EXPECT_EQ(draft.system.provider_guid, "{6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b10}");
  EXPECT_EQ(draft.system.time, at("2024-05-01T10:15:30.123456Z"));
  EXPECT_EQ(draft.system.level, 2);
  EXPECT_EQ(draft.system.task, 4);
  EXPECT_EQ(draft.system.event_id, 1);
  EXPECT_EQ(draft.system.computer, "a.example.org");
  EXPECT_THAT(draft.system.process_id, Optional(812u));
  EXPECT_THAT(draft.system.thread_id, Optional(813u));
  EXPECT_EQ(draft.system.user_id, "S-1-22-1-1000");
  EXPECT_EQ(draft.system.activity_id, "{11111111-2222-3333-4444-555555555555}");
  EXPECT_EQ(draft.data.size(), 9u);
}

TEST(JournalMapping, TakesAFullHostNameAsComputer) {
  EXPECT_EQ(of_entry({{"_HOSTNAME", "b.example.org"}}).system.computer, "b.example.org");
}

TEST(JournalMapping, DoesWithoutFields) {
  const events::Draft draft = of_entry({});
  EXPECT_EQ(draft.system.time, at("2024-05-01T12:00:00Z"));
  EXPECT_EQ(draft.system.level, 4);
  EXPECT_EQ(draft.system.task, 0);
  EXPECT_EQ(draft.system.user_id, "");
}

TEST(JournalMapping, PassesOverUnusableValues) {
  const events::Draft draft = of_entry({{"PRIORITY", "high"},
                                        {"SYSLOG_FACILITY", "65535"},
                                        {"_PID", "-1"},
                                        {"_UID", "root"},
                                        {"_SOURCE_REALTIME_TIMESTAMP", "99999999999999999999"},
                                        {"_SYSTEMD_INVOCATION_ID", "xyz"}});
  EXPECT_EQ(draft.system.level, 4);
  EXPECT_EQ(draft.system.task, 0);
  EXPECT_EQ(draft.system.process_id, std::nullopt);
  EXPECT_EQ(draft.system.user_id, "");
  EXPECT_EQ(draft.system.activity_id, "");
  EXPECT_EQ(draft.system.time, at("2024-05-01T12:00:00Z"));
  EXPECT_EQ(draft.data.size(), 6u);
}

TEST(JournalMapping, KnowsMessagesByTheirId) {
  const std::pair<const char*, int> known[] = {
      {"39f53479d3a045ac8e11786248231fbf", 10}, {"9d1aaa27d60140bd96365438aad20286", 11},
      {"be02cf6855d2428ba40df7e9d022f03d", 12}, {"8d45620c1a4348dbb17410da57c60c66", 20},
      {"3354939424b4456d9802ca8333ed424a", 21}, {"FC2E22BC6EE647B6B90729AB34A250B1", 30},
      {"00000000000000000000000000000000", 1}};
  for (const auto& [id, event_id] : known) EXPECT_EQ(of_entry({{"MESSAGE_ID", id}}).system.event_id, event_id) << id;
}

TEST(MakeSource, KnowsFilesAndTheJournal) {
  base::BlockingPool pool(1);
  test_support::FakeClock clock;
  service::SourceSettings settings;
  settings.type = "file";
  settings.path = "/var/log/x.log";
  settings.channel = "Mine/Operational";
  auto file = make_source(settings, "a.example.org", pool, clock);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->name(), "file:/var/log/x.log");
  EXPECT_EQ(file->channel(), "Mine/Operational");
  settings = {};
  settings.type = "journal";
  auto journal = make_source(settings, "a.example.org", pool, clock);
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(journal->name(), "journal");
  EXPECT_EQ(journal->channel(), "Linux-Journal/Operational");
  settings.type = "sel";
  EXPECT_EQ(make_source(settings, "a.example.org", pool, clock), nullptr);
}

}  // namespace
}  // namespace forwarder
