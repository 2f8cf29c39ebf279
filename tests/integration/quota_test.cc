// Quotas that requests in progress use up, in a real collector: a change of its configuration is held up by a lock on its
// state, which is what a slow disk does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>

#include "engine/wsman/names.h"
#include "tests/integration/config_client.h"
#include "tests/integration/raw_client.h"

namespace integration {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kHost = "host7.lab.example";

/// Nobody else writes into the database while it lives.
class WriteLock {
 public:
  explicit WriteLock(const std::filesystem::path& file) {
    EXPECT_EQ(sqlite3_open(file.c_str(), &database_), SQLITE_OK);
    sqlite3_busy_timeout(database_, 2000);
    EXPECT_EQ(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~WriteLock() { sqlite3_close(database_); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  sqlite3* database_ = nullptr;
};

class Quota : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_collector();
    stack_.issue(kHost);
    const std::string user =
        "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") + "\"><p:UserName>root</p:UserName></p:CertMapping>";
    const Selectors key{{"Issuer", stack_.authority()}, {"Subject", kHost}, {"URI", "*"}};
    ASSERT_EQ(config_.create("service/certmapping", user, key).status, 200);
  }

  void set(const std::string& name, const std::string& value) {
    const ConfigReply reply = config_.set("service", "Service", "<cfg:" + name + ">" + value + "</cfg:" + name + ">");
    ASSERT_EQ(reply.status, 200) << reply.fault;
  }
  std::unique_ptr<RawClient> connect() {
    const std::string host = kHost;
    return std::make_unique<RawClient>(stack_.port(), stack_.pki() / (host + ".pem"), stack_.pki() / (host + ".key"));
  }
  static std::string http(const std::string& envelope) {
    return "POST /wsman HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
           "application/soap+xml;charset=UTF-8\r\nContent-Length: " +
           std::to_string(envelope.size()) + "\r\n\r\n" + envelope;
  }
  static std::string get() { return http(config_envelope(std::string(wsman::action::kGet), "", "")); }
  static std::string enumerate() {
    return http(config_envelope(std::string(wsman::action::kEnumerate), "listener", "<n:Enumerate/>"));
  }
  static std::string change() {
    return http(config_envelope(
        std::string(wsman::action::kPut), "",
        "<cfg:Config xmlns:cfg=\"" + config_uri("") + "\"><cfg:MaxBatchItems>31000</cfg:MaxBatchItems></cfg:Config>"));
  }
  static std::string answer(RawClient& client) { return client.receive("</s:Envelope>"); }
  /// Asked again and again on one connection until the answer holds `part`.
  bool comes_to_hold(const std::string& request, const std::string& part, std::string& last) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      const auto client = connect();
      client->send(request);
      last = answer(*client);
      if (last.find(part) != std::string::npos) return true;
    }
    return false;
  }

  Stack stack_;
  ConfigClient config_{stack_};
};

TEST_F(Quota, RequestBeyondMaxConnectionsWaitsAndIsThenToldToComeLater) {
  set("MaxConnections", "1");
  const auto first = connect();
  const auto second = connect();
  const auto third = connect();
  {
    const WriteLock slow_disk(stack_.collector_state() / "state.db");
    first->send(change());
    // What waits for its turn gets it in its order; the third of them has waited for as long as anybody may.
    second->send(change());
    const auto start = std::chrono::steady_clock::now();
    third->send(get());
    EXPECT_THAT(third->receive("\r\n\r\n"), StartsWith("HTTP/1.1 503"));
    EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(4500));
  }
  EXPECT_THAT(answer(*first), StartsWith("HTTP/1.1 "));
  EXPECT_THAT(answer(*second), StartsWith("HTTP/1.1 "));
  third->send(get());
  EXPECT_THAT(answer(*third), StartsWith("HTTP/1.1 200"));
}

TEST_F(Quota, RequestBeyondMaxConcurrentOperationsPerUserIsRefusedByItsNumber) {
  const auto busy = connect();
  set("MaxConcurrentOperationsPerUser", "1");
  {
    const WriteLock slow_disk(stack_.collector_state() / "state.db");
    busy->send(change());
    std::string refused;
    EXPECT_TRUE(comes_to_hold(get(), "Code=\"2150859174\"", refused));
    EXPECT_THAT(refused, AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("w:QuotaLimit")));
    EXPECT_TRUE(comes_to_hold(enumerate(), "Code=\"2150859174\"", refused));
    EXPECT_THAT(refused, AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("w:InternalError")));
    // Others have quotas of their own.
    EXPECT_EQ(config_.get("").status, 200);
  }
  EXPECT_THAT(answer(*busy), StartsWith("HTTP/1.1 200"));
  const auto later = connect();
  later->send(get());
  EXPECT_THAT(answer(*later), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace integration
