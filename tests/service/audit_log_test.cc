#include "engine/service/audit_log.h"

#include <gmock/gmock.h>

#include "tests/support/fake_clock.h"

namespace service {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using wsman::Right;

class AuditLogTest : public testing::Test {
 protected:
  void attempt(const std::string& user = "alice", const std::string& address = "192.0.2.7:49210", bool granted = false,
               const std::string& uri = "http://example.org/x") {
    auth::Principal who;
    who.scheme = auth::Principal::Scheme::Basic;
    who.name = user;
    log_.record(wsman::AccessRequest{who, address, uri, "urn:action", Right::Write}, granted);
  }

  test_support::FakeClock clock_;
  AuditLog log_{"host.lab.example", clock_};
};

TEST_F(AuditLogTest, TellsWhoWantedWhatFromWhere) {
  attempt();
  const auto drafts = log_.take();
  ASSERT_THAT(drafts, SizeIs(1));
  EXPECT_EQ(drafts[0].system.event_id, kAccessAuditEvent);
  EXPECT_EQ(drafts[0].system.channel, "Muster/Operational");
  EXPECT_EQ(drafts[0].system.computer, "host.lab.example");
  EXPECT_EQ(drafts[0].system.keywords & 0x0030'0000'0000'0000u, 0x0010'0000'0000'0000u);
  EXPECT_THAT(drafts[0].data,
              AllOf(Contains(Pair("SubjectUserName", "alice")), Contains(Pair("AuthenticationPackageName", "Basic")),
                    Contains(Pair("IpAddress", "192.0.2.7")), Contains(Pair("IpPort", "49210")),
                    Contains(Pair("ObjectName", "http://example.org/x")), Contains(Pair("Operation", "urn:action")),
                    Contains(Pair("AccessList", "Write"))));
  EXPECT_THAT(drafts[0].data, AllOf(Contains(Pair("AccessMask", "0x40000000")), Contains(Pair("AccessGranted", "false")),
                                    Contains(Pair("Count", "1"))));
}

TEST_F(AuditLogTest, TellsSuccessFromFailure) {
  attempt("alice", "unix", true);
  const auto drafts = log_.take();
  ASSERT_THAT(drafts, SizeIs(1));
  EXPECT_EQ(drafts[0].system.keywords & 0x0030'0000'0000'0000u, 0x0020'0000'0000'0000u);
  EXPECT_THAT(drafts[0].data, Contains(Pair("AccessGranted", "true")));
}

TEST_F(AuditLogTest, CountsRepetitionsOverAllConnectionsOfAHost) {
  attempt();
  EXPECT_THAT(log_.take(), SizeIs(1));
  for (int port = 1; port <= 100; ++port) attempt("alice", "192.0.2.7:" + std::to_string(port));
  EXPECT_THAT(log_.take(), IsEmpty());
  clock_.advance(AuditLog::kEvery);
  const auto drafts = log_.take();
  ASSERT_THAT(drafts, SizeIs(1));
  EXPECT_THAT(drafts[0].data, AllOf(Contains(Pair("Count", "100")), Contains(Pair("IpPort", "100"))));
  clock_.advance(AuditLog::kEvery);
  EXPECT_THAT(log_.take(), IsEmpty());
}

TEST_F(AuditLogTest, TellsDifferentAttemptsApart) {
  attempt("alice");
  attempt("bob");
  attempt("alice", "192.0.2.8:1");
  attempt("alice", "[2001:db8::7]:1");
  attempt("alice", "[2001:db8::7]:2");
  attempt("alice", "192.0.2.7:1", true);
  EXPECT_THAT(log_.take(), SizeIs(5));
}

TEST_F(AuditLogTest, GivesWhatWaitsAtTheEnd) {
  attempt();
  log_.take();
  attempt();
  EXPECT_THAT(log_.take(true), SizeIs(1));
}

TEST_F(AuditLogTest, KeepsSoManyOfOneHostAndCountsTheRest) {
  for (std::size_t i = 0; i < AuditLog::kMostOfHost + 7; ++i) attempt("user" + std::to_string(i));
  attempt("alice", "192.0.2.8:1");
  const auto drafts = log_.take();
  ASSERT_THAT(drafts, SizeIs(AuditLog::kMostOfHost + 2));
  EXPECT_EQ(drafts.back().system.event_id, kAuditsDiscardedEvent);
  EXPECT_THAT(drafts.back().data, Contains(Pair("AuditsDiscarded", "7")));
}

TEST_F(AuditLogTest, KeepsSoManyInAllAndCountsTheRest) {
  for (std::size_t i = 0; i < AuditLog::kMost + 3; ++i) attempt("alice", "host" + std::to_string(i) + ":1");
  const auto drafts = log_.take();
  ASSERT_THAT(drafts, SizeIs(AuditLog::kMost + 1));
  EXPECT_THAT(drafts.back().data, Contains(Pair("AuditsDiscarded", "3")));
}

TEST_F(AuditLogTest, HasRoomAgainWhenAttemptsAreOld) {
  for (std::size_t i = 0; i < AuditLog::kMostOfHost; ++i) attempt("user" + std::to_string(i));
  log_.take();
  clock_.advance(AuditLog::kEvery);
  EXPECT_THAT(log_.take(), IsEmpty());
  attempt("somebody else");
  EXPECT_THAT(log_.take(), SizeIs(1));
}

TEST_F(AuditLogTest, CutsLongTexts) {
  attempt(std::string(100'000, 'x'));
  EXPECT_THAT(log_.take()[0].data, Contains(Pair("SubjectUserName", std::string(1024, 'x'))));
}

}  // namespace
}  // namespace service
