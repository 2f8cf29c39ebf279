// Requests that are not what they say, or not HTTP: the right answer or an end, and the service goes on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <regex>

#include "engine/wsman/names.h"
#include "tests/integration/config_client.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kHost = "host7.lab.example";
constexpr std::size_t kMegabyte = 1 << 20;

/// The status of each response in what a server has said.
std::vector<int> statuses_in(const std::string& said) {
  std::vector<int> statuses;
  for (auto at = said.find("HTTP/1.1 "); at != std::string::npos; at = said.find("HTTP/1.1 ", at + 1)) {
    statuses.push_back(std::stoi(said.substr(at + 9, 3)));
  }
  return statuses;
}

std::string identify_body() {
  return "<s:Envelope xmlns:s=\"" + std::string(wsman::ns::kSoap) + "\"><s:Header/><s:Body><i:Identify xmlns:i=\"" +
         std::string(wsman::ns::kIdentity) + "\"/></s:Body></s:Envelope>";
}

/// A request's head with these fields, "Name: value\r\n" each.
std::string head(const std::string& fields, const std::string& line = "POST /wsman HTTP/1.1") {
  return line + "\r\nHost: localhost\r\nContent-Type: application/soap+xml;charset=UTF-8\r\n" + fields + "\r\n";
}

std::string identify() {
  const std::string body = identify_body();
  return head("Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
}

std::string in_hex(std::size_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%zx", number);
  return text;
}

/// Identify as chunks, whose only line and trailer are these.
std::string chunked_identify(const std::string& extension = {}, const std::string& trailer = {}) {
  const std::string body = identify_body();
  return head("Transfer-Encoding: chunked\r\n") + in_hex(body.size()) + extension + "\r\n" + body + "\r\n0\r\n" + trailer +
         "\r\n";
}

class HostileHttp : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    stack_.start_collector();
    stack_.issue(kHost);
    expect_served();
    memory_ = stack_.collector().memory();
  }
  void TearDown() override {
    expect_served();
    EXPECT_TRUE(stack_.collector().running());
  }

  std::unique_ptr<RawClient> connect() {
    return std::make_unique<RawClient>(stack_.port(), stack_.pki() / (std::string(kHost) + ".pem"),
                                       stack_.pki() / (std::string(kHost) + ".key"));
  }
  /// What the service says to `input` until it ends the connection.
  std::string converse(std::string_view input) {
    const auto client = connect();
    while (!input.empty()) {
      // A service that has refused stops reading.
      const std::size_t sent = client->send_some(input.substr(0, 16 << 10));
      if (sent == 0) break;
      input.remove_prefix(sent);
    }
    return client->receive_rest();
  }
  void expect_served() {
    const auto client = connect();
    client->send(identify());
    EXPECT_THAT(client->receive("IdentifyResponse>"), StartsWith("HTTP/1.1 200"));
  }
  std::size_t growth() {
    const std::size_t now = stack_.collector().memory();
    return now > memory_ ? now - memory_ : 0;
  }

  Stack stack_;
  ConfigClient config_{stack_};
  std::size_t memory_ = 0;
};

TEST_F(HostileHttp, OneThatSaysItsLengthInTwoWaysIsRefusedAndNothingBehindItIsRead) {
  for (const std::string& fields : {
           std::string("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
           std::string("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
           std::string("Content-Length: 5\r\nContent-Length: 6\r\n"),
           std::string("Content-Length: 5, 6\r\n"),
           std::string("Content-Length: +5\r\n"),
           std::string("Content-Length: -5\r\n"),
           std::string("Content-Length: 0x5\r\n"),
           std::string("Content-Length: 5 5\r\n"),
           std::string("Content-Length:\r\n"),
           std::string("Content-Length: 99999999999999999999999\r\n"),
           std::string("Transfer-Encoding: xchunked\r\n"),
           std::string("Transfer-Encoding: identity\r\n"),
           std::string("Transfer-Encoding: chunked, identity\r\n"),
           std::string("Transfer-Encoding: gzip, chunked\r\n"),
           std::string("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
           std::string("Transfer-Encoding: \x0b"
                       "chunked\r\n"),
           std::string("Transfer-Encoding : chunked\r\n"),
           std::string("Content-Length : 5\r\n"),
           std::string("Content-Length: 5\nTransfer-Encoding: chunked\r\n"),
       }) {
    const std::string said = converse(head(fields) + "hello" + identify());
    EXPECT_THAT(statuses_in(said), ElementsAre(AnyOf(400, 413, 415))) << fields << said;
  }
}

TEST_F(HostileHttp, HeadThatIsNotOneIsRefused) {
  for (const std::string& fields : {
           std::string("X: a\0b\r\n", 8),
           std::string("X: a\rb\r\n"),
           std::string("X: a\nb\r\n"),
           std::string(": nameless\r\n"),
           std::string("Two Words: x\r\n"),
           std::string("X\x01: y\r\n"),
           std::string("no colon at all\r\n"),
       }) {
    EXPECT_THAT(statuses_in(converse(head(fields) + identify())), ElementsAre(400)) << fields;
  }
  for (const std::string& line :
       {std::string("POST /wsman HTTP/3.0"), std::string("POST /wsman"), std::string("POST  /wsman HTTP/1.1"),
        std::string("POST /ws man HTTP/1.1"), std::string("\x16\x03\x01 hello"), std::string("POST /wsman HTTP/1.1 x"),
        std::string("POST /wsman\0 HTTP/1.1", 21)}) {
    EXPECT_THAT(statuses_in(converse(head("Content-Length: 0\r\n", line) + identify())), ElementsAre(400)) << line;
  }
}

TEST_F(HostileHttp, HeadOfMegabytesIsRefusedAndNotKept) {
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  std::string folded = "X: a\r\n";
  for (int i = 0; i < 100'000; ++i) folded += " folded\r\n";
  for (const std::string& fields :
       {many, "X: " + std::string(2 * kMegabyte, 'y') + "\r\n", std::string(2 * kMegabyte, 'X') + ": y\r\n", folded}) {
    EXPECT_THAT(statuses_in(converse(head(fields))), ElementsAre(431)) << fields.substr(0, 40);
  }
  EXPECT_THAT(statuses_in(converse(head("", "POST /" + std::string(2 * kMegabyte, 'w') + " HTTP/1.1"))), ElementsAre(431));
  EXPECT_LT(growth(), 8 * kMegabyte);
}

TEST_F(HostileHttp, ChunksOfHonestClientsAreReadWithExtensionsAndTrailers) {
  for (const std::string& request : {chunked_identify(), chunked_identify(";name=value"),
                                     chunked_identify(";name=\"quoted\""), chunked_identify("", "X-Checksum: 1\r\n")}) {
    const auto client = connect();
    client->send(request);
    EXPECT_THAT(client->receive("IdentifyResponse>"), StartsWith("HTTP/1.1 200")) << request;
  }
}

TEST_F(HostileHttp, ChunksThatAreNoneAreRefused) {
  for (const std::string& body : {
           std::string("FFFFFFFFFFFFFFFFF\r\n"),
           std::string("7FFFFFFFFFFFFFFF\r\n"),
           std::string("-1\r\n"),
           std::string("0x5\r\nhello\r\n0\r\n\r\n"),
           std::string("five\r\nhello\r\n0\r\n\r\n"),
           std::string("\r\nhello\r\n0\r\n\r\n"),
           std::string("5\nhello\r\n0\r\n\r\n"),
           std::string("5\r\nhelloXX0\r\n\r\n"),
           "5;" + std::string(64 << 10, 'x') + "\r\nhello\r\n0\r\n\r\n",
           "5\r\nhello\r\n0\r\n" + std::string(64 << 10, 'X') + ": y\r\n\r\n",
       }) {
    EXPECT_THAT(statuses_in(converse(head("Transfer-Encoding: chunked\r\n") + body + identify())),
                ElementsAre(AnyOf(400, 413, 431)))
        << body.substr(0, 40);
  }
}

TEST_F(HostileHttp, BodyOverTheLimitIs413WithAndWithoutALength) {
  const std::string large(2 * kMegabyte, ' ');
  EXPECT_THAT(statuses_in(converse(head("Content-Length: " + std::to_string(large.size()) + "\r\n") + large)),
              ElementsAre(413));
  EXPECT_THAT(statuses_in(converse(head("Content-Length: 18446744073709551615\r\n"))), ElementsAre(413));
  std::string chunks;
  for (int i = 0; i < 32; ++i) chunks += "10000\r\n" + std::string(64 << 10, ' ') + "\r\n";
  EXPECT_THAT(statuses_in(converse(head("Transfer-Encoding: chunked\r\n") + chunks + "0\r\n\r\n")), ElementsAre(413));
  EXPECT_LT(growth(), 8 * kMegabyte);
}

TEST_F(HostileHttp, TargetMayBeAbsoluteAndMustBeOurs) {
  const std::string length = "Content-Length: " + std::to_string(identify_body().size()) + "\r\nConnection: close\r\n";
  const auto asked = [&](const std::string& target) {
    return statuses_in(converse(head(length, "POST " + target + " HTTP/1.1") + identify_body()));
  };
  EXPECT_THAT(asked("https://localhost:5986/wsman"), ElementsAre(200));
  EXPECT_THAT(asked("HTTPS://elsewhere.example/WSMAN?PSVersion=7.4.6"), ElementsAre(200));
  for (const std::string target : {"https://localhost:5986", "https://", "*", "localhost:5986", "/", "//wsman",
                                   "/wsman/../x/", "/wsmanx", "/%77sman", "https:///wsman/%00"}) {
    EXPECT_THAT(asked(target), ElementsAre(AnyOf(404, 400, 200))) << target;
  }
  EXPECT_THAT(asked("/other"), ElementsAre(404));
}

TEST_F(HostileHttp, ClientThatWaitsToBeToldToGoOnIsTold) {
  const std::string body = identify_body();
  const auto client = connect();
  client->send(head("Expect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_THAT(client->receive("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  client->send(body);
  EXPECT_THAT(client->receive("IdentifyResponse>"), StartsWith("HTTP/1.1 200"));
  // Nothing to wait for.
  client->send(head("Expect: 100-continue\r\nContent-Length: 0\r\n"));
  EXPECT_THAT(statuses_in(client->receive("\r\n\r\n")), ElementsAre(200));
  // Refused on its head alone.
  client->send(head("Expect: 100-continue\r\nContent-Length: 100000000\r\n"));
  EXPECT_THAT(statuses_in(client->receive_rest()), ElementsAre(413));
}

TEST_F(HostileHttp, ClientThatIsToldToGoOnAndDoesNotIsEndedInTime) {
  ASSERT_EQ(
      config_.set("service", "Service", "<cfg:MaxPacketRetrievalTimeSeconds>1</cfg:MaxPacketRetrievalTimeSeconds>").status,
      200);
  const auto client = connect();
  client->send(head("Expect: 100-continue\r\nContent-Length: 100\r\n"));
  EXPECT_THAT(statuses_in(client->receive_rest()), ElementsAre(100, 500));
}

TEST_F(HostileHttp, ByteNowAndThenIsEndedAfterTheTimeOfTheWholeRequest) {
  ASSERT_EQ(
      config_.set("service", "Service", "<cfg:MaxPacketRetrievalTimeSeconds>2</cfg:MaxPacketRetrievalTimeSeconds>").status,
      200);
  const std::string request = head("Content-Length: 1000\r\n") + std::string(1000, 'x');
  const std::size_t head_size = request.size() - 1000;
  const auto client = connect();
  const auto start = std::chrono::steady_clock::now();
  // The head in a second and a half; the body does not get another two.
  std::size_t sent = 0;
  EXPECT_FALSE(test_support::eventually(
      [&] {
        const std::size_t piece = sent < head_size ? std::min<std::size_t>(1, head_size - sent) : 1;
        const bool taken = client->send_some(std::string_view(request).substr(sent, piece)) == piece;
        sent += piece;
        return !taken || sent == request.size();
      },
      std::chrono::milliseconds(1500)));
  EXPECT_THAT(statuses_in(client->receive_rest()), ElementsAre(500));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(1900));
  EXPECT_LT(took, std::chrono::milliseconds(3400));
}

TEST_F(HostileHttp, ClientThatEndsItsSideIsAnsweredAllTheSame) {
  const auto over_tls = connect();
  over_tls->send(identify());
  over_tls->end();
  EXPECT_THAT(over_tls->receive_rest(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("IdentifyResponse>")));
  RawClient local(stack_.collector_state() / "control.sock");
  local.send(identify() + identify());
  local.end();
  EXPECT_THAT(statuses_in(local.receive_rest()), ElementsAre(200, 200));
}

TEST_F(HostileHttp, RequestsInARowAreAnsweredInTheirOrder) {
  constexpr int kCount = 200;
  std::string requests;
  for (int i = 0; i < kCount; ++i) {
    std::string body = config_envelope(std::string(wsman::action::kGet), "", "");
    body = std::regex_replace(body, std::regex("(MessageID[^>]*>)[^<]*<"), "$1uuid:number-" + std::to_string(i) + "<");
    requests += head("Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
  }
  const auto client = connect();
  client->send(requests);
  client->end();
  const std::string said = client->receive_rest();
  EXPECT_EQ(statuses_in(said).size(), static_cast<std::size_t>(kCount));
  std::size_t at = 0;
  for (int i = 0; i < kCount && at != std::string::npos; ++i) {
    at = said.find("RelatesTo>uuid:number-" + std::to_string(i) + "<", at);
  }
  EXPECT_NE(at, std::string::npos);
}

TEST_F(HostileHttp, RequestsWhoseAnswersNobodyReadsAreNotCollected) {
  std::vector<std::unique_ptr<RawClient>> clients;
  std::string requests;
  while (requests.size() < 60'000) requests += identify();
  std::size_t sent = 0;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(connect());
    // Until the service stops reading, because its answers are not taken.
    std::size_t taken = 0;
    EXPECT_TRUE(test_support::eventually([&] {
      std::size_t some = 0;
      for (std::size_t got = 1; got != 0; some += got) got = clients.back()->send_some(requests);
      taken += some;
      return some == 0 && taken > kMegabyte / 4;
    }));
    sent += taken;
    expect_served();
  }
  EXPECT_GT(sent, kMegabyte);
  // A read buffer, a request and an answer each.
  EXPECT_LT(growth(), 8 * kMegabyte);
}

}  // namespace
}  // namespace integration
