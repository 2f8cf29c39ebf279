// ChannelAccess: who may read, fill and empty a log that the resources themselves are open to.

#include "engine/resources/log_access.h"

#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "tests/resources/log_service.h"
#include "tests/support/matchers.h"

namespace resources {
namespace {

using base::Win32;
using test_support::event_xml;
using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;

constexpr const char* kLog = "ForwardedEvents";

auth::Principal member_of(std::string group) {
  auth::Principal who;
  who.scheme = auth::Principal::Scheme::Basic;
  who.name = "alice";
  who.groups = {std::move(group)};
  return who;
}

class LogAccessTest : public testing::Test {
 protected:
  LogAccessTest() {
    service_.control_access("D:P(A;;GA;;;AU)");
    service_.deliver(kLog, {event_xml(1, "a"), event_xml(2, "b"), event_xml(3, "c")});
  }

  static wsman::Client::Target target(std::string_view uri) {
    wsman::Client::Target target;
    target.resource_uri = uri;
    return target;
  }
  static wsman::Client::Target log() {
    wsman::Client::Target named = target(wsman::resource::kLog);
    named.selectors.push_back({"Name", kLog, {}});
    return named;
  }

  /// How many items come; after each page `between` is called.
  base::Result<int> read(const auth::Principal& who, std::string_view uri, std::function<void()> between = {}) {
    auto client = service_.client(who);
    int items = 0;
    wsman::Client::Target logs = target(uri);
    logs.options.push_back({kPathOption.data(), kLog, false});
    std::function<bool(wsman::Client::Page&)> take = [&](wsman::Client::Page& page) {
      items += static_cast<int>(page.items.size());
      if (between) between();
      return true;
    };
    auto done = test_support::run(client->enumerate(logs, std::nullopt, 1, std::move(take)));
    if (!done.ok()) return std::move(done).error();
    return items;
  }

  base::Result<void> protect(const std::string& sddl, const auth::Principal* who = nullptr) {
    auto client = who == nullptr ? service_.client() : service_.client(*who);
    auto done = test_support::run(client->put(
        log(), "<l:Log xmlns:l=\"urn:muster:wsman:1:log\"><l:ChannelAccess>" + sddl + "</l:ChannelAccess></l:Log>"));
    if (!done.ok()) return std::move(done).error();
    return {};
  }

  base::Result<void> import(const auth::Principal& who, const wsman::Client::Target& into) {
    auto client = service_.client(who);
    auto done = test_support::run(client->invoke(
        into, "Import",
        "<l:Import xmlns:l=\"urn:muster:wsman:1:log\"><l:Event><![CDATA[" + event_xml(9, "i") + "]]></l:Event></l:Import>"));
    if (!done.ok()) return std::move(done).error();
    return {};
  }

  base::Result<void> clear(const auth::Principal& who, bool by_delete) {
    auto client = service_.client(who);
    if (by_delete) return test_support::run(client->remove(log()));
    auto done = test_support::run(client->invoke(log(), "Clear", "<l:Clear xmlns:l=\"urn:muster:wsman:1:log\"/>"));
    if (!done.ok()) return std::move(done).error();
    return {};
  }

  test_support::LogService service_;
  const auth::Principal reader_ = member_of("Event Log Readers");
  const auth::Principal stranger_ = member_of("Users");
};

TEST_F(LogAccessTest, EventLogReadersReadByDefault) {
  EXPECT_THAT(read(reader_, wsman::resource::kEventLog), IsOkAndHolds(3));
  EXPECT_THAT(read(stranger_, wsman::resource::kEventLog), IsError(Win32::AccessDenied, "ForwardedEvents"));
}

TEST_F(LogAccessTest, WhoMayNotReadMayNotCountEither) {
  EXPECT_THAT(read(reader_, wsman::resource::kCount), IsOk());
  EXPECT_THAT(read(stranger_, wsman::resource::kCount), IsError(Win32::AccessDenied));
}

TEST_F(LogAccessTest, EventLogReadersChangeNothingByDefault) {
  EXPECT_THAT(protect("D:(A;;GA;;;WD)", &reader_), IsError(Win32::AccessDenied));
  EXPECT_THAT(import(reader_, log()), IsError(Win32::AccessDenied));
  EXPECT_THAT(import(reader_, target(wsman::resource::kLog)), IsError(Win32::AccessDenied));
  EXPECT_THAT(clear(reader_, false), IsError(Win32::AccessDenied));
  EXPECT_THAT(clear(reader_, true), IsError(Win32::AccessDenied));
}

TEST_F(LogAccessTest, ChannelAccessHoldsFromTheNextRequestOn) {
  ASSERT_THAT(protect("D:(A;;0x1;;;BU)(A;;0x7;;;BA)"), IsOk());
  EXPECT_THAT(read(stranger_, wsman::resource::kEventLog), IsOkAndHolds(3));
  EXPECT_THAT(read(reader_, wsman::resource::kEventLog), IsError(Win32::AccessDenied));
}

TEST_F(LogAccessTest, ChannelAccessIsAskedAgainAtEachPull) {
  int pages = 0;
  const auto outcome = read(reader_, wsman::resource::kEventLog, [&] {
    if (++pages == 1) {
      EXPECT_THAT(protect("D:(A;;0x7;;;BA)"), IsOk());
    }
  });
  EXPECT_THAT(outcome, IsError(Win32::AccessDenied));
  EXPECT_EQ(pages, 1);
}

TEST_F(LogAccessTest, ASubscriberNeedsTheRightToRead) {
  wsman::SubscribeRequest request;
  request.resource_uri = wsman::resource::kEventLog;
  request.mode = wsman::kModePull;
  request.dialect = wsman::kEventQueryDialect;
  request.filter = "<QueryList><Query Id=\"0\"><Select Path=\"ForwardedEvents\">*</Select></Query></QueryList>";
  request.read_existing_events = true;
  auto stranger = service_.client(stranger_);
  EXPECT_THAT(test_support::run(stranger->subscribe(request)), IsError(Win32::AccessDenied));

  auto reader = service_.client(reader_);
  auto subscribed = test_support::run(reader->subscribe(request));
  ASSERT_THAT(subscribed, IsOk());
  const auto pulled = test_support::run(reader->pull(*subscribed, 10));
  ASSERT_THAT(pulled, IsOk());
  EXPECT_EQ(pulled->events.size(), 3u);
  ASSERT_THAT(protect("D:(A;;0x7;;;BA)"), IsOk());
  service_.deliver(kLog, {event_xml(4, "d")});
  EXPECT_THAT(test_support::run(reader->pull(*subscribed, 10)), IsError(Win32::AccessDenied));
}

TEST_F(LogAccessTest, RootSddlIsAskedAgainAtEachPull) {
  int pages = 0;
  const auto outcome = read(reader_, wsman::resource::kEventLog, [&] {
    if (++pages == 1) service_.control_access("D:P(A;;GA;;;BA)");
  });
  EXPECT_THAT(outcome, IsError(Win32::AccessDenied));
  EXPECT_EQ(pages, 1);
}

TEST_F(LogAccessTest, WritingAndClearingAreRightsOfTheirOwn) {
  ASSERT_THAT(protect("D:(A;;0x2;;;BU)(A;;0x4;;;ER)(A;;0x7;;;BA)"), IsOk());
  EXPECT_THAT(read(stranger_, wsman::resource::kEventLog), IsError(Win32::AccessDenied));
  EXPECT_THAT(import(stranger_, log()), IsOk());
  EXPECT_THAT(clear(stranger_, false), IsError(Win32::AccessDenied));
  EXPECT_THAT(import(reader_, log()), IsError(Win32::AccessDenied));
  EXPECT_THAT(clear(reader_, true), IsOk());
  EXPECT_THAT(protect("D:(A;;0x1;;;WD)", &stranger_), IsOk());
  EXPECT_THAT(protect("D:(A;;0x1;;;WD)", &stranger_), IsError(Win32::AccessDenied));
}

TEST_F(LogAccessTest, ALogThatIsMadeByImportIsAsOneWithoutChannelAccess) {
  wsman::Client::Target other = target(wsman::resource::kLog);
  other.selectors.push_back({"Name", "Lab/New", {}});
  EXPECT_THAT(import(reader_, other), IsError(Win32::AccessDenied));
  EXPECT_THAT(import(member_of("Administrators"), other), IsOk());
}

TEST_F(LogAccessTest, WithoutAListOfEntriesItIsRefused) {
  EXPECT_THAT(protect("O:BA"), IsError(Win32::InvalidParameter, "no list D:"));
  EXPECT_THAT(protect("D:NO_ACCESS_CONTROL"), IsError(Win32::InvalidParameter, "no list D:"));
  EXPECT_THAT(protect("D:(A;;0x1;;;ZZ)"), IsError(Win32::InvalidParameter, "character 13"));
}

TEST_F(LogAccessTest, RootOnTheControlSocketIsNeverLockedOut) {
  ASSERT_THAT(protect("D:(D;;GA;;;WD)"), IsOk());
  auth::Principal root = member_of("Users");
  root.scheme = auth::Principal::Scheme::LocalPeer;
  auth::LocalUser user;
  root.local = std::make_shared<auth::LocalUser>(user);
  EXPECT_THAT(read(member_of("Administrators"), wsman::resource::kEventLog), IsError(Win32::AccessDenied));
  EXPECT_THAT(read(root, wsman::resource::kEventLog), IsOkAndHolds(3));
  EXPECT_THAT(protect("", &root), IsOk());
  EXPECT_THAT(read(reader_, wsman::resource::kEventLog), IsOkAndHolds(3));
}

}  // namespace
}  // namespace resources
