// Others push where a source of a collector-initiated subscription is to push: as if they were it, or for another one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/fakes/openwsman_source.h"
#include "tests/fakes/source_log.h"
#include "tests/integration/initiated_here.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using fakes::OpenwsmanSource;
using fakes::SourceLog;
using fakes::SourceServerOptions;
using test_support::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string text_between(const std::string& text, const std::string& begin, const std::string& end) {
  const auto from = text.find(begin);
  if (from == std::string::npos) return {};
  return text.substr(from + begin.size(), text.find(end, from + begin.size()) - from - begin.size());
}

/// A source that takes subscriptions and pushes nothing by itself; a test pushes for it, with certificates.
class Strangers : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.issue("stranger.example.org");
    start_reachable(stack_);
    SourceServerOptions options;
    options.user = kSourceUser;
    options.password = kSourcePassword;
    auto tls = http::TlsServerContext::load({stack_.pki() / "localhost.pem", stack_.pki() / "localhost.key", {}, false});
    ASSERT_THAT(tls, test_support::IsOk());
    options.tls = *tls;
    fakes::OpenwsmanSourceOptions how;
    how.heartbeat = std::chrono::hours(1);
    source_ = std::make_unique<OpenwsmanSource>(log_, options, how);
    first_ = subscribe("first");
    second_ = subscribe("second");
  }

  struct Target {
    std::string path;
    std::string identifier;
  };
  Target subscribe(const std::string& id) {
    const std::size_t before = source_->asked(wsman::action::kSubscribe).size();
    InitiatedHere subscription;
    subscription.id = id;
    subscription.mode = "Push";
    subscription.uri = "http://schemas.dmtf.org/wbem/wscim/1/*";
    subscription.dialect = wsman::kWqlDialect;
    subscription.query = "SELECT * FROM CIM_AlertIndication";
    subscription.transport = "https";
    subscription.port = source_->port();
    subscription.addresses = {"localhost"};
    subscription.heartbeat_ms = 3'600'000;
    create(stack_, subscription);
    EXPECT_TRUE(becomes_active(stack_, id, "localhost")) << stack_.collector().error_output();
    const auto asked = source_->asked(wsman::action::kSubscribe);
    EXPECT_GT(asked.size(), before);
    const std::string notify = text_between(asked.back().text, "<e:NotifyTo>", "</e:NotifyTo>");
    const std::string address = text_between(notify, "<a:Address>", "</a:Address>");
    return {address.substr(address.find("/wsman")), text_between(notify, "<e:Identifier>", "</e:Identifier>")};
  }

  Stack::Reply push(const std::string& who, const std::string& path, const std::string& identifier, std::string_view action,
                    const std::string& body, const std::string& machine = "localhost") {
    wsman::Message message;
    message.headers.action = action;
    message.headers.to = "https://localhost" + path;
    message.headers.message_id = wsman::new_message_id();
    message.headers.reply_to = wsman::kAnonymous;
    message.headers.identifier = identifier;
    message.headers.machine_id = machine;
    message.headers.ack_requested = true;
    message.body = body;
    return stack_.post(who, path, wsman::write_envelope(message), {"Content-Type: application/soap+xml;charset=UTF-8"});
  }
  Stack::Reply push_event(const std::string& who, const Target& target, const std::string& text,
                          const std::string& machine = "localhost") {
    pushed_.write(text);
    return push(who, target.path, target.identifier, wsman::action::kEvents,
                "<w:Events><w:Event Action='http://schemas.dmtf.org/wbem/wsman/1/wsman/Event'><![CDATA[" +
                    pushed_.behind(pushed_.last() - 1, 1).front().xml + "]]></w:Event></w:Events>",
                machine);
  }

  Stack stack_;
  SourceLog log_;
  SourceLog pushed_;  ///< what tests push, each event under a number of its own
  std::unique_ptr<OpenwsmanSource> source_;
  Target first_;
  Target second_;
};

constexpr const char* kEnd =
    "<e:SubscriptionEnd><e:Status>http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceCancelling</e:Status>"
    "</e:SubscriptionEnd>";

TEST_F(Strangers, NobodyElseMayPushOrEndWhatIsTheSources) {
  const auto event = push_event("stranger.example.org", first_, "from a stranger");
  EXPECT_EQ(event.status, 500);
  EXPECT_THAT(event.body, HasSubstr("w:AccessDenied"));
  const auto end = push("stranger.example.org", first_.path, first_.identifier, wsman::action::kSubscriptionEnd, kEnd);
  EXPECT_THAT(end.body, HasSubstr("w:AccessDenied"));
  // Whoever says so in a header is still no other one.
  EXPECT_THAT(push_event("stranger.example.org", first_, "as the source", "localhost").body, HasSubstr("w:AccessDenied"));
  EXPECT_THAT(stack_.messages(), IsEmpty());
  EXPECT_EQ(report_of(stack_, "first", "localhost").status, "Active");
  EXPECT_EQ(source_->asked(wsman::action::kSubscribe).size(), 2u);
}

TEST_F(Strangers, TheSourceMayPushAndItsMachineIdChangesNothing) {
  EXPECT_EQ(push_event("localhost", first_, "one").status, 200);
  EXPECT_EQ(push_event("localhost", first_, "two", "renamed.example.org").status, 200);
  EXPECT_TRUE(eventually([&] { return stack_.messages().size() == 2; }));
  // It is known under its Address, whatever it calls itself.
  EXPECT_THAT(stack_.tool("wecutil", {"gr", "first"}).out, Not(HasSubstr("renamed.example.org")));
}

TEST_F(Strangers, AnIdentifierThatIsNobodysIsRefused) {
  const auto reply = push("localhost", "/wsman/subscriptions/00000000-0000-4000-8000-000000000000",
                          "00000000-0000-4000-8000-000000000000", wsman::action::kHeartbeat, "<w:Events/>");
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, HasSubstr("DestinationUnreachable"));
}

TEST_F(Strangers, TheEndOfOneSubscriptionIsNotThatOfAnother) {
  EXPECT_EQ(push("localhost", first_.path, first_.identifier, wsman::action::kSubscriptionEnd, kEnd).status, 200);
  // That one is made again after a while; the other one is left alone.
  EXPECT_TRUE(eventually([&] { return source_->asked(wsman::action::kSubscribe).size() >= 3; }, std::chrono::seconds(60)));
  EXPECT_EQ(report_of(stack_, "second", "localhost").status, "Active");
  const auto asked = source_->asked(wsman::action::kSubscribe);
  EXPECT_THAT(asked.back().text, HasSubstr(first_.identifier));
  EXPECT_EQ(push_event("localhost", second_, "still there").status, 200);
}

}  // namespace
}  // namespace integration
