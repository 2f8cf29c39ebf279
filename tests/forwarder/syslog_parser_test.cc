#include "forwarder/syslog_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <random>

#include "engine/base/iso8601.h"

namespace forwarder {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;

base::WallTime at(std::string_view text) {
  return base::parse_datetime(text).value();
}

class SyslogParserTest : public ::testing::Test {
 protected:
  SyslogParserTest() { set_zone("UTC"); }
  ~SyslogParserTest() override { set_zone("UTC"); }
  static void set_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  SyslogLine parse(std::string_view line, std::string_view reference = "2024-05-02T00:00:00Z") {
    return parser_.parse(lines_.emplace_back(line), at(reference));
  }
  SyslogParser parser_;
  std::deque<std::string> lines_;  // results point into them
};

TEST_F(SyslogParserTest, ReadsTheFirstExampleOfRfc5424) {
  const auto line = parse(
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xEF\xBB\xBF'su root' failed for lonvick on "
      "/dev/pts/8");
  EXPECT_EQ(line.format, SyslogLine::Format::Rfc5424);
  EXPECT_THAT(line.pri, Optional(34u));
  EXPECT_EQ(line.timestamp, "2003-10-11T22:14:15.003Z");
  EXPECT_THAT(line.time, Optional(at("2003-10-11T22:14:15.003Z")));
  EXPECT_EQ(line.hostname, "mymachine.example.com");
  EXPECT_EQ(line.app_name, "su");
  EXPECT_EQ(line.proc_id, "");
  EXPECT_EQ(line.msg_id, "ID47");
  EXPECT_THAT(line.structured, IsEmpty());
  EXPECT_EQ(line.message, "'su root' failed for lonvick on /dev/pts/8");
}

TEST_F(SyslogParserTest, ReadsStructuredData) {
  const auto line = parse(
      "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 evntslog 8710 ID47 [exampleSDID@32473 iut=\"3\" "
      "eventSource=\"App \\\"x\\\" \\\\ [y\\]\" eventID=\"1011\"][examplePriority@32473 class=\"high\"][empty] An "
      "application");
  EXPECT_THAT(line.time, Optional(at("2003-08-24T12:14:15.000003Z")));
  EXPECT_EQ(line.proc_id, "8710");
  EXPECT_THAT(line.structured,
              ElementsAre(Pair("exampleSDID@32473.iut", "3"), Pair("exampleSDID@32473.eventSource", "App \"x\" \\ [y]"),
                          Pair("exampleSDID@32473.eventID", "1011"), Pair("examplePriority@32473.class", "high"),
                          Pair("empty", "")));
  EXPECT_EQ(line.message, "An application");
}

TEST_F(SyslogParserTest, ReadsRfc5424WithoutAMessageOrATime) {
  EXPECT_EQ(parse("<14>1 2024-05-01T10:15:30Z h a 1 - [x y=\"z\"]").message, "");
  EXPECT_EQ(parse("<14>1 2024-05-01T10:15:30Z h a 1 - -").message, "");
  const auto line = parse("<14>1 - - - - - - text");
  EXPECT_EQ(line.format, SyslogLine::Format::Rfc5424);
  EXPECT_EQ(line.time, std::nullopt);
  EXPECT_EQ(line.timestamp, "");
  EXPECT_EQ(line.hostname, "");
  EXPECT_EQ(line.message, "text");
}

TEST_F(SyslogParserTest, KeepsMalformedStructuredDataInTheMessage) {
  for (const std::string data : {"[x y=\"z", "[x y=z] m", "[x y=\"z\"]m", "[ y=\"z\"] m", "[x =\"z\"] m", "[", "[x", "{}"}) {
    const auto line = parse("<14>1 2024-05-01T10:15:30Z h a 1 - " + data);
    EXPECT_THAT(line.structured, IsEmpty()) << data;
    EXPECT_EQ(line.message, data);
  }
}

TEST_F(SyslogParserTest, BoundsTheNumberOfParameters) {
  std::string data = "[x";
  for (int i = 0; i < 300; ++i) data += " p=\"\"";
  const auto line = parse("<14>1 2024-05-01T10:15:30Z h a 1 - " + data + "] m");
  EXPECT_THAT(line.structured, IsEmpty());
  EXPECT_EQ(line.message, data + "] m");
}

TEST_F(SyslogParserTest, ReadsTheTraditionalForm) {
  const auto line = parse("May  1 10:15:30 host7 sshd[812]: Accepted publickey for root");
  EXPECT_EQ(line.format, SyslogLine::Format::Traditional);
  EXPECT_EQ(line.pri, std::nullopt);
  EXPECT_EQ(line.timestamp, "May  1 10:15:30");
  EXPECT_THAT(line.time, Optional(at("2024-05-01T10:15:30Z")));
  EXPECT_EQ(line.hostname, "host7");
  EXPECT_EQ(line.app_name, "sshd");
  EXPECT_EQ(line.proc_id, "812");
  EXPECT_EQ(line.message, "Accepted publickey for root");
}

TEST_F(SyslogParserTest, ReadsTheTraditionalFormWithPriority) {
  const auto line =
      parse("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8", "2003-12-01T00:00:00Z");
  EXPECT_THAT(line.pri, Optional(34u));
  EXPECT_THAT(line.time, Optional(at("2003-10-11T22:14:15Z")));
  EXPECT_EQ(line.hostname, "mymachine");
  EXPECT_EQ(line.app_name, "su");
  EXPECT_EQ(line.message, "'su root' failed for lonvick on /dev/pts/8");
}

TEST_F(SyslogParserTest, ReadsTheIsoForm) {
  const auto line = parse("2024-05-01T10:15:30.123456+02:00 host7 systemd[1]: Started backup.service - Backup.");
  EXPECT_EQ(line.format, SyslogLine::Format::Iso);
  EXPECT_EQ(line.timestamp, "2024-05-01T10:15:30.123456+02:00");
  EXPECT_THAT(line.time, Optional(at("2024-05-01T08:15:30.123456Z")));
  EXPECT_EQ(line.hostname, "host7");
  EXPECT_EQ(line.app_name, "systemd");
  EXPECT_EQ(line.proc_id, "1");
  EXPECT_EQ(line.message, "Started backup.service - Backup.");
}

TEST_F(SyslogParserTest, ReadsTags) {
  struct Case {
    const char* rest;
    const char* host;
    const char* app;
    const char* process;
    const char* message;
  };
  for (const Case& one : {
           Case{"h kernel: [   12.3] eth0: up", "h", "kernel", "", "[   12.3] eth0: up"},
           Case{"h postfix/smtpd[99]: connect", "h", "postfix/smtpd", "99", "connect"},
           Case{"h su(pam_unix)[7]: opened", "h", "su(pam_unix)", "7", "opened"},
           Case{"h CRON[3] no colon", "h", "CRON", "3", "no colon"},
           Case{"h app: ", "h", "app", "", ""},
           Case{"h app:", "h", "app", "", ""},
           Case{"app: no host", "", "app", "", "no host"},
           Case{"app[5]: no host", "", "app", "5", "no host"},
           Case{"h -- MARK --", "h", "", "", "-- MARK --"},
           Case{"h last message repeated 3 times", "h", "", "", "last message repeated 3 times"},
           Case{"h http://x/ opened", "h", "", "", "http://x/ opened"},
           Case{"fe80::1 app: v6", "fe80::1", "app", "", "v6"},
           Case{"h app:  two blanks", "h", "app", "", " two blanks"},
           Case{"h", "", "", "", "h"},
       }) {
    const auto line = parse(std::string("May  1 10:15:30 ") + one.rest);
    EXPECT_EQ(line.hostname, one.host) << one.rest;
    EXPECT_EQ(line.app_name, one.app) << one.rest;
    EXPECT_EQ(line.proc_id, one.process) << one.rest;
    EXPECT_EQ(line.message, one.message) << one.rest;
  }
}

TEST_F(SyslogParserTest, TakesOtherLinesAsTheyAre) {
  for (const char* text :
       {"", "x", "just text", "Mai  1 10:15:30 h a: b", "May 32 10:15:30 h a: b", "May  1 25:15:30 h a: b", "May  1 10:15",
        "2024-05-01 10:15:30 h a: b", "2024-13-01T10:15:30Z h a: b", "<192>May  1 10:15:30 h a: b", "<>x", "<1", "<1x>y"}) {
    const auto line = parse(text);
    EXPECT_EQ(line.format, SyslogLine::Format::Plain) << text;
    EXPECT_EQ(line.message, text);
    EXPECT_EQ(line.time, std::nullopt);
    EXPECT_EQ(line.pri, std::nullopt);
  }
}

TEST_F(SyslogParserTest, TakesThePriorityOffAnyLine) {
  const auto line = parse("<191>free text");
  EXPECT_THAT(line.pri, Optional(191u));
  EXPECT_EQ(line.format, SyslogLine::Format::Plain);
  EXPECT_EQ(line.message, "free text");
  const auto broken = parse("<34>1 yesterday h a - - - m");
  EXPECT_THAT(broken.pri, Optional(34u));
  EXPECT_EQ(broken.message, "1 yesterday h a - - - m");
}

TEST_F(SyslogParserTest, InfersTheYearFromTheReference) {
  struct Case {
    const char* stamp;
    const char* reference;
    const char* time;
  };
  for (const Case& one : {
           Case{"Dec 31 23:59:59", "2024-01-01T00:00:10Z", "2023-12-31T23:59:59Z"},
           Case{"Jan  1 00:00:05", "2023-12-31T23:59:58Z", "2024-01-01T00:00:05Z"},
           Case{"May  1 10:00:00", "2024-05-01T09:00:00Z", "2024-05-01T10:00:00Z"},
           Case{"May  3 10:00:00", "2024-05-01T09:00:00Z", "2023-05-03T10:00:00Z"},
           Case{"Jun  1 10:00:00", "2024-05-31T23:00:00Z", "2024-06-01T10:00:00Z"},
           Case{"Feb 29 10:00:00", "2024-03-01T00:00:00Z", "2024-02-29T10:00:00Z"},
           Case{"Feb 29 10:00:00", "2023-03-01T00:00:00Z", "2020-02-29T10:00:00Z"},
           Case{"Jan  1 00:00:00", "2024-12-31T12:00:00Z", "2025-01-01T00:00:00Z"},
       }) {
    const auto line = parse(std::string(one.stamp) + " h a: b", one.reference);
    EXPECT_THAT(line.time, Optional(at(one.time))) << one.stamp << " at " << one.reference;
  }
}

TEST_F(SyslogParserTest, TakesTraditionalStampsAsLocalTime) {
  set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  EXPECT_THAT(parse("May  1 10:15:30 h a: b").time, Optional(at("2024-05-01T08:15:30Z")));
  EXPECT_THAT(parse("Jan  9 10:15:30 h a: b").time, Optional(at("2024-01-09T09:15:30Z")));
  EXPECT_THAT(parse("Jan  9 10:45:31.25 h a: b").time, Optional(at("2024-01-09T09:45:31.25Z")));
}

TEST_F(SyslogParserTest, SurvivesEveryCutAndNoise) {
  const std::string full =
      "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 evntslog 8710 ID47 [ex@32473 iut=\"3\\\"\"][p class=\"high\"] An "
      "app";
  const std::string traditional = "<34>Oct 11 22:14:15.123 mymachine su[123]: 'su root' failed";
  for (const std::string& text : {full, traditional, full.substr(5), traditional.substr(4)}) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) parse(text.substr(0, cut));
  }
  std::mt19937 random(5);
  static constexpr std::string_view kAlphabet = "<>1[]\"\\= -:MayOct1023T.Z";
  for (int round = 0; round < 50'000; ++round) {
    std::string noise;
    for (std::size_t i = random() % 60; i != 0; --i) noise += kAlphabet[random() % kAlphabet.size()];
    parse(noise);
  }
}

TEST(SyslogNames, AreThoseOfTheStandard) {
  EXPECT_EQ(facility_name(0), "kern");
  EXPECT_EQ(facility_name(4), "auth");
  EXPECT_EQ(facility_name(10), "authpriv");
  EXPECT_EQ(facility_name(23), "local7");
  EXPECT_EQ(facility_name(24), "");
  EXPECT_EQ(severity_name(0), "emerg");
  EXPECT_EQ(severity_name(7), "debug");
  EXPECT_EQ(severity_name(8), "");
}

}  // namespace
}  // namespace forwarder
