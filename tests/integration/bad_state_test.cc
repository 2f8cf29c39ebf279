// What a service finds when it starts, or starts to read its configuration again, and cannot use.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "tests/integration/stack.h"
#include "tests/support/run.h"
#include "tests/support/test_pki.h"

namespace integration {
namespace {

using test_support::CommandResult;
using test_support::eventually;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHost = "host7.lab.example";

class BadState : public ::testing::Test {
 protected:
  // Programs that are expected to end by themselves.
  CommandResult run_collector(std::vector<std::string> more = {}) {
    return run("muster-collector", "collector", stack_.collector_state(), std::move(more));
  }
  CommandResult run_at(const std::filesystem::path& state) { return run("muster-collector", "collector", state); }
  CommandResult run(const std::string& program, const std::string& name, const std::filesystem::path& state,
                    std::vector<std::string> more = {}) {
    std::vector<std::string> line{(bin_directory() / program).string(), "--config",
                                  (stack_.directory() / (name + ".toml")).string(), "--state", state.string()};
    for (auto& argument : more) line.push_back(std::move(argument));
    return test_support::run_command(line, "", std::chrono::seconds(20));
  }

  std::string config() {
    std::ifstream file(stack_.directory() / "collector.toml");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void configure(const std::string& text) { stack_.write("collector.toml", text); }
  void replace(std::string text, const std::string& part, const std::string& by) {
    const auto at = text.find(part);
    ASSERT_NE(at, std::string::npos) << part;
    configure(text.replace(at, part.size(), by));
  }
  void sql(const std::filesystem::path& database, const std::string& statement) {
    const auto done = test_support::run_command({"sqlite3", database.string(), statement});
    ASSERT_EQ(done.status, 0) << done.err;
  }
  /// Starts and ends a collector, so that there are a configuration and stores.
  void make_state() {
    stack_.start_collector();
    ASSERT_EQ(stack_.collector().terminate(), 0);
  }

  Stack stack_;
};

TEST_F(BadState, AStoreOfANewerVersionIsLeftAlone) {
  make_state();
  for (const std::string name : {"events.db", "state.db"}) {
    const auto file = stack_.collector_state() / name;
    sql(file, "PRAGMA user_version=99");
    const auto result = run_collector();
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr("muster-collector: "), HasSubstr(file.string() + " has version 99"),
                                  HasSubstr("written by a later version of Muster")));
    sql(file, name == "events.db" ? "PRAGMA user_version=2" : "PRAGMA user_version=1");
  }
  stack_.start_collector();
}

TEST_F(BadState, AFileThatIsNoStoreIsLeftAlone) {
  make_state();
  for (const std::string name : {"events.db", "state.db"}) {
    const auto file = stack_.collector_state() / name;
    std::filesystem::rename(file, stack_.directory() / "kept");
    const std::string noise(8192, 'n');
    std::ofstream(file) << noise;
    const auto result = run_collector();
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr(file.string()), HasSubstr("damaged, or not a file of Muster")));
    std::ifstream after(file);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(after), {}), noise);
    std::filesystem::rename(stack_.directory() / "kept", file);
  }
}

TEST_F(BadState, ADatabaseOfAnotherProgramIsLeftAlone) {
  make_state();
  const auto file = stack_.collector_state() / "events.db";
  std::filesystem::remove(file);
  sql(file, "CREATE TABLE mine (x)");
  const auto result = run_collector();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr(file.string() + " is not this kind of file of Muster"));
  sql(file, "SELECT * FROM mine");
}

TEST_F(BadState, AForwarderDoesNotTakeTheDirectoryOfARunningCollector) {
  stack_.start_collector();
  stack_.start_forwarder(kHost, "/none");
  const auto result = run("muster-forwarder", kHost, stack_.collector_state());
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("is in use by process " + std::to_string(stack_.collector().pid())));
}

TEST_F(BadState, WhatIsWrongInAConfigurationIsNamedWithItsPlace) {
  make_state();
  const std::string good = config();
  const std::string file = (stack_.directory() / "collector.toml").string();
  const auto expect = [&](const std::string& line, const std::string& message) {
    replace(good, "MaxEnvelopeSizekb = 500", line);
    for (const auto& result : {run_collector(), run_collector({"--check"})}) {
      EXPECT_EQ(result.status, 2);
      EXPECT_THAT(result.err, HasSubstr(file + ":2: " + message));
      EXPECT_EQ(result.out, "");
    }
  };
  expect("MaxEnvelopeSize = 500", "winrm.MaxEnvelopeSize: is unknown; did you mean MaxEnvelopeSizekb?");
  expect("MaxEnvelopeSizekb = \"500\"", "winrm.MaxEnvelopeSizekb: is a text; valid: a whole number, 32 to ");
  expect("MaxEnvelopeSizekb = 31", "winrm.MaxEnvelopeSizekb: 31 is out of range; valid: a whole number, 32 to ");
  expect("MaxEnvelopeSizekb = 5 5", "");
  configure(good);
  const auto checked = run_collector({"--check"});
  EXPECT_EQ(checked.status, 0);
  EXPECT_EQ(checked.out, file + ": the configuration is valid\n");
  EXPECT_EQ(checked.err, "");
}

TEST_F(BadState, ACheckNamesGroupsThatThisHostDoesNotHave) {
  make_state();
  configure(config() + "[access.sids]\nER = [\"@no-such-group-here\", \"@root\", \"@Event Log Readers\"]\n");
  const auto checked = run_collector({"--check"});
  EXPECT_EQ(checked.status, 0);
  EXPECT_THAT(checked.err, HasSubstr("this host has no group no-such-group-here;"));
  EXPECT_THAT(checked.err, Not(AnyOf(HasSubstr("group root"), HasSubstr("Event Log Readers"))));
}

TEST_F(BadState, ACheckComparesIssuerCaWithTheCertificate) {
  stack_.start_collector();
  stack_.start_forwarder(kHost, "/none");
  ASSERT_TRUE(stack_.forwarder(kHost).terminate().has_value());
  const auto file = stack_.directory() / (std::string(kHost) + ".toml");
  std::ifstream in(file);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  const auto check_with = [&](const std::string& issuer) {
    std::string text = good;
    const auto at = text.find("Refresh=1");
    text.insert(at, "IssuerCA=" + issuer + ",");
    std::ofstream(file) << text;
    return run("muster-forwarder", kHost, stack_.directory() / "unused", {"--check"});
  };
  const auto wrong = check_with("00112233445566778899AABBCCDDEEFF00112233");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("IssuerCA 00112233445566778899AABBCCDDEEFF00112233"),
                               HasSubstr("is not the issuer of"), HasSubstr(stack_.authority())));
  EXPECT_EQ(check_with(stack_.authority()).status, 0);
}

TEST_F(BadState, AConfigurationThatCannotBeReadIsNamed) {
  make_state();
  const auto file = stack_.directory() / "collector.toml";
  std::filesystem::remove(file);
  auto result = run_collector();
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr(file.string() + ": No such file or directory"));
  std::filesystem::create_directory(file);
  result = run_collector();
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr(file.string() + ": Is a directory"));
}

TEST_F(BadState, TlsFilesThatCannotBeUsedAreNamed) {
  make_state();
  const std::string good = config();
  const test_support::TestPki other;
  test_support::CertificateRequest request;
  request.common_name = "localhost";
  request.not_before = -std::chrono::hours(48);
  request.not_after = -std::chrono::hours(24);
  const auto expired = other.root().issue(request);
  const std::string pem = (stack_.pki() / "localhost.pem").string();
  const std::string key = (stack_.pki() / "localhost.key").string();
  const std::string ca = (stack_.pki() / "ca.pem").string();
  const auto expect = [&](const std::string& message) {
    for (const auto& result : {run_collector(), run_collector({"--check"})}) {
      EXPECT_EQ(result.status, 2);
      EXPECT_THAT(result.err, AllOf(HasSubstr("muster-collector: "), HasSubstr(message)));
    }
  };
  replace(good, pem, pem + ".none");
  expect("certificate file " + pem + ".none: No such file or directory");
  replace(good, key, key + ".none");
  expect("private key file " + key + ".none: No such file or directory");
  replace(good, ca, ca + ".none");
  expect("CA file " + ca + ".none: No such file or directory");
  replace(good, pem, key);
  expect("certificate file " + key + " is not a PEM certificate");
  replace(good, key, expired.private_key.string());
  expect("private key " + expired.private_key.string() + " does not belong to the certificate " + pem);
  replace(good, pem, expired.certificate.string());
  replace(config(), key, expired.private_key.string());
  expect("the certificate " + expired.certificate.string() + " has expired");
}

TEST_F(BadState, APortInUseIsNamed) {
  stack_.start_collector();
  const std::string port = std::to_string(stack_.port());
  replace(config(), "Port = 0", "Port = " + port);
  const auto result = run_at(stack_.directory() / "second");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot listen on 127.0.0.1 port " + port + ": Address already in use"));
}

TEST_F(BadState, ASocketsPathThatIsTooLongIsNamed) {
  make_state();
  const std::string state = (stack_.directory() / std::string(120, 'd')).string();
  const auto result = run_at(state);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("the socket's path " + state + "/control.sock is longer than 107 bytes"));
}

TEST_F(BadState, AStateDirectoryThatCannotBeMadeIsNamed) {
  make_state();
  const std::string state = (stack_.directory() / "collector.toml" / "state").string();
  const auto result = run_at(state);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot make the folder " + (stack_.directory() / "collector.toml").string()));
}

TEST_F(BadState, AServiceThatEndsLeavesNoJournalBehind) {
  stack_.start_collector();
  stack_.create_subscription({});
  EXPECT_EQ(stack_.messages().size(), 0u);
  ASSERT_EQ(stack_.collector().terminate(), 0);
  for (const std::string name : {"events.db", "state.db"}) {
    EXPECT_TRUE(std::filesystem::exists(stack_.collector_state() / name));
    EXPECT_FALSE(std::filesystem::exists(stack_.collector_state() / (name + "-wal"))) << name;
  }
}

TEST_F(BadState, ABrokenConfigurationIsNotTakenOverByARunningService) {
  stack_.start_collector();
  stack_.issue(kHost);
  const std::string good = config();
  replace(good, "MaxEnvelopeSizekb = 500", "MaxEnvelopeSizekb = 5");
  stack_.collector().send_signal(SIGHUP);
  const auto line = stack_.collector().wait_for_line("the configuration was not read again: ");
  ASSERT_TRUE(line) << stack_.collector().error_output();
  EXPECT_THAT(*line, HasSubstr("collector.toml:2: winrm.MaxEnvelopeSizekb: 5 is out of range"));
  EXPECT_EQ(stack_.post(kHost, "/wsman", "").status, 200);

  replace(good, "localhost.pem", "none.pem");
  stack_.collector().send_signal(SIGHUP);
  EXPECT_TRUE(stack_.collector().wait_for_line("none.pem: No such file or directory"));
  EXPECT_EQ(stack_.post(kHost, "/wsman", "").status, 200);

  configure(good);
  stack_.collector().send_signal(SIGHUP);
  EXPECT_TRUE(stack_.collector().wait_for_line("configuration read again: "));
  EXPECT_EQ(stack_.post(kHost, "/wsman", "").status, 200);
}

TEST_F(BadState, ALogFileThatVanishesLosesNothingThatWasInIt) {
  const auto file = stack_.directory() / "a.log";
  std::ofstream log(file);
  log << "May  1 10:15:30 host app[1]: line 1\n" << std::flush;
  stack_.start_collector();
  stack_.create_subscription({});
  stack_.start_forwarder(kHost, (stack_.directory() / "*.log").string());
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 1; })) << stack_.forwarder(kHost).error_output();
  log << "May  1 10:15:30 host app[1]: line 2\n" << std::flush;
  std::filesystem::remove(file);
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 2; })) << stack_.forwarder(kHost).error_output();
  std::ofstream(file) << "May  1 10:15:30 host app[1]: line 3\n";
  ASSERT_TRUE(eventually([&] { return stack_.messages().size() == 3; })) << stack_.forwarder(kHost).error_output();
  EXPECT_THAT(stack_.messages(), ::testing::ElementsAre("line 1", "line 2", "line 3"));
}

}  // namespace
}  // namespace integration
