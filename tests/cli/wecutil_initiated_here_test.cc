// wecutil with collector-initiated subscriptions: users, passwords, retries.

#include "engine/base/iso8601.h"
#include "tests/cli/wecutil_fixture.h"

namespace cli {
namespace {

using test_support::IsOk;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kPull = R"(
<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
  <SubscriptionId>pull</SubscriptionId>
  <Query><![CDATA[<QueryList><Query Id="0"><Select Path="System">*</Select></Query></QueryList>]]></Query>
  <CredentialsType>Basic</CredentialsType>
  <EventSources>
    <EventSource Enabled="true"><Address>a.example.org</Address><UserName>reader</UserName><Password>*</Password></EventSource>
    <EventSource Enabled="true"><Address>b.example.org</Address></EventSource>
  </EventSources>
</Subscription>)";

class NoConnector final : public subscriptions::Connector {
 public:
  void definition_changed(const std::string&) override {}
  void retry(const std::string&, const std::vector<std::string>& addresses) override { retried = addresses; }
  std::vector<std::string> retried;
};

class WecutilPull : public WecutilFixture {
 protected:
  WecutilPull() { manager_->set_connector(&connector_); }
  ~WecutilPull() override { manager_->set_connector(nullptr); }
  std::string password_of(std::string address) {
    const auto found = test_support::run(manager_->credentials("pull", std::move(address)));
    return found.ok() ? found->user_name + ":" + found->password : std::to_string(found.error().code.value());
  }
  NoConnector connector_;
};

TEST_F(WecutilPull, CsAsksForThePasswordsThatAreAsterisks) {
  const ToolRun created = run({"cs", file(kPull)}, "hunter2\n");
  EXPECT_EQ(created.status, 0) << created.err;
  EXPECT_THAT(created.err, AllOf(HasSubstr("Password for reader of a.example.org: "), Not(HasSubstr("hunter2"))));
  EXPECT_EQ(password_of("a.example.org"), "reader:hunter2");
  EXPECT_EQ(password_of("b.example.org"), ":");
}

TEST_F(WecutilPull, NoPasswordMeansNothingIsCreated) {
  for (const std::string typed : {"", "\n", "*\n"}) {
    EXPECT_NE(run({"cs", file(kPull)}, typed).status, 0);
    EXPECT_FALSE(manager_->find("pull").has_value());
  }
}

TEST_F(WecutilPull, PasswordsAreNeverPrinted) {
  ASSERT_EQ(run({"cs", file(kPull), "/cun:everyone", "/cup:sesame"}).status, 0);
  ASSERT_EQ(run({"ss", "pull", "/esa:a.example.org", "/un:reader", "/up:hunter2"}).status, 0);
  EXPECT_THAT(run({"gs", "pull"}).out,
              AllOf(HasSubstr("CommonUserName: everyone\nCommonPassword: *\n"),
                    HasSubstr("\tAddress: a.example.org\n\tEnabled: true\n\tUserName: reader\n\tPassword: *\n")));
  EXPECT_THAT(run({"gs", "pull", "/f:xml"}).out, AllOf(HasSubstr("<UserName>reader</UserName>"), Not(HasSubstr("assword"))));
  EXPECT_THAT(run({"gs", "pull", "--json"}).out, HasSubstr("\"UserName\":\"reader\",\"Password\":\"*\""));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"gs", "pull"}, {"gs", "pull", "/f:xml"}, {"gs", "pull", "--json"}, {"gr", "pull"}}) {
    EXPECT_THAT(run(words).out, AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("sesame"))));
  }
}

TEST_F(WecutilPull, SsKeepsWhatItDoesNotName) {
  ASSERT_EQ(run({"cs", file(kPull)}, "hunter2\n").status, 0);
  ASSERT_EQ(run({"ss", "pull", "/d:text", "/cun:everyone", "/cup:*"}, "sesame\n").status, 0);
  EXPECT_EQ(password_of("a.example.org"), "reader:hunter2");
  EXPECT_EQ(password_of("b.example.org"), "everyone:sesame");
  std::string changed(kPull);
  changed.replace(changed.find("<Password>*</Password>"), 22, "");
  ASSERT_EQ(run({"ss", "/c:" + file(changed)}).status, 0);
  EXPECT_EQ(password_of("a.example.org"), "reader:hunter2");
  ASSERT_EQ(run({"ss", "pull", "/esa:a.example.org", "/un:other"}).status, 0);
  EXPECT_EQ(password_of("a.example.org"), "15084");
}

TEST_F(WecutilPull, RsTriesAgain) {
  ASSERT_EQ(run({"cs", file(kPull)}, "hunter2\n").status, 0);
  EXPECT_EQ(run({"rs", "pull"}).status, 0);
  EXPECT_EQ(connector_.retried.size(), 2u);
  EXPECT_EQ(run({"retry-subscription", "PULL", "b.example.org"}).status, 0);
  EXPECT_EQ(connector_.retried, std::vector<std::string>{"b.example.org"});
  const ToolRun unknown = run({"rs", "nothing"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, StartsWith("Failed to open subscription. Error = 0x2.\n"));
  const ToolRun source = run({"rs", "pull", "z"});
  EXPECT_EQ(source.status, 1168 % 256);
  EXPECT_THAT(source.err, StartsWith("Failed to retry subscription. Error = 0x490.\n"));
  ASSERT_EQ(run({"ss", "pull", "/e:false"}).status, 0);
  const ToolRun disabled = run({"rs", "pull"});
  EXPECT_EQ(disabled.status, 15080 % 256);
  EXPECT_THAT(disabled.err, AllOf(HasSubstr("Error = 0x3ae8."), HasSubstr("disabled")));
}

TEST_F(WecutilPull, RsHasNothingToDoWhereSourcesComeByThemselves) {
  create();
  EXPECT_EQ(run({"rs", "linux-baseline"}).status, 0);
  EXPECT_EQ(run({"rs", "linux-baseline", "a"}).status, 87);
}

// wecutil, section 9.
TEST_F(WecutilPull, GrShowsAttempts) {
  ASSERT_EQ(run({"cs", file(kPull)}, "hunter2\n").status, 0);
  subscriptions::SourceAttempt attempt;
  attempt.error = 5;
  attempt.message = "Access is denied.";
  attempt.error_time = *base::parse_datetime("2024-05-01T10:00:00Z");
  attempt.next_retry = *base::parse_datetime("2024-05-01T11:00:00Z");
  ASSERT_THAT(test_support::run(manager_->report("pull", "a.example.org", attempt)), IsOk());
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(run({"gr", "pull", "a.example.org"}).out,
            "\n"
            "Subscription: pull\n"
            "\tRunTimeStatus: Active\n"
            "\tLastError: 0\n"
            "\tEventSources:\n"
            "\t\ta.example.org\n"
            "\t\t\tRunTimeStatus: Trying\n"
            "\t\t\tLastError: 5\n"
            "\t\t\tErrorMessage: Access is denied.\n"
            "\t\t\tErrorTime: 2024-05-01T10:00:00.000\n"
            "\t\t\tNextRetryTime: 2024-05-01T11:00:00.000\n");
  ::unsetenv("TZ");
  ::tzset();
  EXPECT_THAT(run({"gr", "pull", "--json"}).out, HasSubstr("\"NextRetryTime\":\"2024-05-01T11:00:00.000Z\""));
}

TEST_F(WecutilPull, GrSaysWhyItIsNotActive) {
  manager_->set_connector(nullptr);
  ASSERT_EQ(run({"cs", file(kPull)}, "hunter2\n").status, 15080 % 256);
  EXPECT_THAT(
      run({"gr", "pull"}).out,
      StartsWith("\nSubscription: pull\n\tRunTimeStatus: Inactive\n\tLastError: 15080\n\tErrorMessage: This collector "
                 "does not subscribe at event sources.\n\tEventSources:\n"));
}

TEST_F(WecutilPull, GrPurgesInactiveSources) {
  create();
  hear_from("old.example.org");
  clock_.advance(std::chrono::hours(24 * 8));
  hear_from("new.example.org");
  const ToolRun shown = run({"gr", "linux-baseline", "/PurgeInactiveES:7"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.err, HasSubstr("purged: 1"));
  EXPECT_THAT(shown.out, AllOf(HasSubstr("new.example.org"), Not(HasSubstr("old.example.org"))));
  EXPECT_EQ(run({"gr", "linux-baseline", "/PurgeInactiveES:0"}).status, 87);
}

}  // namespace
}  // namespace cli
