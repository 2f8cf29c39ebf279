#include "engine/http/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/http/exchange.h"

namespace {

using fakes::MemoryStreamOptions;
using http_test::converse;
using http_test::converse_until_closed;
using http_test::post;
using http_test::RecordingHandler;
using http_test::responses_in;
using http_test::statuses_in;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kPlain = "POST /wsman?PSVersion=7.4.6 HTTP/1.1\r\n";

TEST(ServerConnection, AnswersARequestWithItsLengthAndDate) {
  RecordingHandler handler;
  const auto responses = responses_in(converse(handler, post("hello")));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].status, 200u);
  EXPECT_EQ(responses[0].body, "hello");
  EXPECT_EQ(responses[0].fields.find("Content-Length"), "5");
  // RFC 9110, 5.6.7: IMF-fixdate.
  EXPECT_TRUE(std::regex_match(std::string(responses[0].fields.find("Date").value_or("")),
                               std::regex("(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [A-Z][a-z]{2} [0-9]{4} "
                                          "[0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT")));
  EXPECT_FALSE(responses[0].fields.find("Connection"));
}

TEST(ServerConnection, HandsOverMethodTargetFieldsAndBody) {
  RecordingHandler handler;
  converse(handler, kPlain +
                        "Host: collector\r\nContent-Type: application/soap+xml;charset=UTF-16\r\n"
                        "X-Twice: 1\r\nx-twice: 2\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_THAT(handler.requests(), SizeIs(1));
  const http::Request request = handler.requests()[0];
  EXPECT_EQ(request.head.method, "POST");
  EXPECT_EQ(request.head.target, "/wsman?PSVersion=7.4.6");
  EXPECT_EQ(request.head.fields.find("content-type"), "application/soap+xml;charset=UTF-16");
  EXPECT_EQ(request.head.fields.find("X-Twice"), "1");
  EXPECT_EQ(request.head.content_length, 3u);
  EXPECT_EQ(request.body, "abc");
}

TEST(ServerConnection, ServesPipelinedRequestsInOrder) {
  RecordingHandler handler;
  const auto responses = responses_in(converse(handler, post("one") + post("") + post("three")));
  ASSERT_THAT(responses, SizeIs(3));
  EXPECT_EQ(responses[0].body, "one");
  EXPECT_EQ(responses[1].body, "");
  EXPECT_EQ(responses[2].body, "three");
}

TEST(ServerConnection, KeepsTheSessionFromRequestToRequest) {
  RecordingHandler handler;
  handler.answer = [](const http::Request&, http::Connection& connection) {
    http::Response response;
    if (const auto* seen = std::any_cast<int>(&connection.session)) response.body = std::to_string(*seen);
    connection.session = 42;
    return response;
  };
  const auto responses = responses_in(converse(handler, post("") + post("")));
  ASSERT_THAT(responses, SizeIs(2));
  EXPECT_EQ(responses[0].body, "");
  EXPECT_EQ(responses[1].body, "42");
}

TEST(ServerConnection, ReadsAMessageThatIsCutAnywhere) {
  const std::string messages[] = {
      post("body\r\n\r\n"),
      kPlain + "Transfer-Encoding: chunked\r\n\r\n4;x=\"y\"\r\nbody\r\n4\r\n\r\n\r\n\r\n0\r\nT: v\r\n\r\n"};
  for (const std::string& message : messages) {
    for (std::size_t cut = 1; cut < message.size(); ++cut) {
      RecordingHandler handler;
      MemoryStreamOptions server_side;
      server_side.cut_at = cut;
      EXPECT_THAT(statuses_in(converse(handler, message, server_side)), ElementsAre(200u)) << "cut at " << cut;
      ASSERT_THAT(handler.requests(), SizeIs(1)) << "cut at " << cut;
      EXPECT_EQ(handler.requests()[0].body, "body\r\n\r\n") << "cut at " << cut;
    }
  }
}

TEST(ServerConnection, ReadsAnEmptyChunkedBodyThatComesByteByByte) {
  // Beast asserts here, if it is let.
  RecordingHandler handler;
  MemoryStreamOptions server_side;
  server_side.max_read = 1;
  EXPECT_THAT(statuses_in(converse(handler, kPlain + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", server_side)),
              ElementsAre(200u));
}

TEST(ServerConnection, ReadsMessagesThatComeByteByByte) {
  RecordingHandler handler;
  MemoryStreamOptions server_side;
  server_side.max_read = 1;
  const auto responses = responses_in(converse(handler, post("first") + post("second"), server_side));
  ASSERT_THAT(responses, SizeIs(2));
  EXPECT_EQ(responses[0].body, "first");
  EXPECT_EQ(responses[1].body, "second");
}

TEST(ServerConnection, ReadsALongBodyWhole) {
  RecordingHandler handler;
  std::string body(900'000, ' ');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7 + i / 256);
  const auto responses = responses_in(converse(handler, post(body) + post("next")));
  ASSERT_THAT(responses, SizeIs(2));
  EXPECT_TRUE(responses[0].body == body);
  EXPECT_EQ(responses[1].body, "next");
}

TEST(ServerConnection, EndsQuietlyWhereTheMessageIsIncomplete) {
  const std::string message = post("body");
  for (std::size_t length = 0; length < message.size(); ++length) {
    RecordingHandler handler;
    EXPECT_EQ(converse(handler, message.substr(0, length)), "") << "after " << length;
    EXPECT_THAT(handler.requests(), IsEmpty()) << "after " << length;
  }
}

TEST(ServerConnection, EndsWhereAReadOrAWriteFails) {
  for (std::size_t failing = 0; failing < 20; ++failing) {
    RecordingHandler handler;
    MemoryStreamOptions server_side;
    server_side.max_read = 16;
    server_side.fail_read = failing;
    converse(handler, post("one") + post("two"), server_side);
  }
  for (std::size_t failing = 0; failing < 2; ++failing) {
    RecordingHandler handler;
    MemoryStreamOptions server_side;
    server_side.fail_write = failing;
    converse(handler, post("one") + post("two") + post("three"), server_side);
    EXPECT_THAT(handler.requests(), SizeIs(failing + 1));
  }
}

TEST(ServerConnection, AnswersABodyOverTheLimitWith413WithoutReadingIt) {
  RecordingHandler handler;
  handler.max_body = 10;
  const auto responses = responses_in(converse_until_closed(handler, "POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n"));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].status, 413u);
  EXPECT_EQ(responses[0].body, "");
  EXPECT_EQ(responses[0].fields.find("Connection"), "close");
  EXPECT_THAT(handler.requests(), IsEmpty());
}

TEST(ServerConnection, TakesABodyOfExactlyTheLimit) {
  RecordingHandler handler;
  handler.max_body = 10;
  EXPECT_THAT(statuses_in(converse(handler, post("0123456789"))), ElementsAre(200u));
}

TEST(ServerConnection, AnswersALengthThatNobodyCanHoldWith413) {
  RecordingHandler handler;
  EXPECT_THAT(statuses_in(converse_until_closed(handler, "POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n")),
              ElementsAre(413u));
}

TEST(ServerConnection, AnswersChunksOverTheLimitWith413) {
  RecordingHandler handler;
  handler.max_body = 10;
  EXPECT_THAT(statuses_in(converse_until_closed(
                  handler, kPlain + "Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n")),
              ElementsAre(413u));
  EXPECT_THAT(handler.requests(), IsEmpty());
}

TEST(ServerConnection, ReadsAChunkedBodyAndSaysNoLength) {
  RecordingHandler handler;
  EXPECT_THAT(
      statuses_in(converse(handler, kPlain + "Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n0\r\n\r\n" + post("next"))),
      ElementsAre(200u, 200u));
  ASSERT_THAT(handler.requests(), SizeIs(2));
  EXPECT_EQ(handler.requests()[0].body, "12345678");
  EXPECT_EQ(handler.requests()[0].head.content_length, std::nullopt);
  EXPECT_EQ(handler.requests()[1].body, "next");
}

TEST(ServerConnection, AnswersALargeHeaderWith431) {
  http::ListenerOptions options;
  options.max_header_bytes = 1000;
  RecordingHandler handler;
  const std::string many_fields = [] {
    std::string fields;
    for (int i = 0; i < 100; ++i) fields += "Field-" + std::to_string(i) + ": value\r\n";
    return fields;
  }();
  for (const std::string& input : {post("", "Long: " + std::string(2000, 'x') + "\r\n"), post("", many_fields),
                                   "POST /" + std::string(2000, 'x') + " HTTP/1.1\r\n\r\n"}) {
    for (const std::size_t max_read : {std::size_t{1}, std::size_t{100}, MemoryStreamOptions::kNever}) {
      MemoryStreamOptions server_side;
      server_side.max_read = max_read;
      EXPECT_THAT(statuses_in(converse(handler, input, server_side, options)), ElementsAre(431u)) << max_read;
    }
  }
  EXPECT_EQ(handler.admissions(), 0u);
}

TEST(ServerConnection, CountsTheHeaderAloneNotTheBody) {
  http::ListenerOptions options;
  options.max_header_bytes = 1000;
  RecordingHandler handler;
  EXPECT_THAT(statuses_in(converse(handler, post(std::string(5000, 'x')) + post(std::string(5000, 'y')), {}, options)),
              ElementsAre(200u, 200u));
}

TEST(ServerConnection, AnswersWhatIsNotHttpWith400) {
  const std::string inputs[] = {
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting\r\n\r\n",
      "POST / HTTP/2.0\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "POST /\r\n\r\n",
      "POST / HTTP/1.1\r\nno colon\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
  };
  for (const std::string& input : inputs) {
    RecordingHandler handler;
    EXPECT_THAT(statuses_in(converse_until_closed(handler, input)), ElementsAre(400u)) << input;
    EXPECT_THAT(handler.requests(), IsEmpty()) << input;
  }
}

TEST(ServerConnection, RefusesAChunkWhoseExtensionNeverEnds) {
  RecordingHandler handler;
  const std::string head = kPlain + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& flood : {"5;" + std::string(300'000, 'x'), "0\r\nTrailer: " + std::string(300'000, 'x')}) {
    MemoryStreamOptions server_side;
    server_side.max_read = 4096;
    EXPECT_THAT(statuses_in(converse(handler, head + flood, server_side)), ElementsAre(400u));
  }
}

TEST(ServerConnection, IgnoresEmptyLinesBeforeARequest) {
  // RFC 9112, 2.2.
  RecordingHandler handler;
  EXPECT_THAT(statuses_in(converse(handler, "\r\n" + post("one") + "\r\n" + post("two"))), ElementsAre(200u, 200u));
}

TEST(ServerConnection, SaysContinueToAClientThatWaitsForIt) {
  RecordingHandler handler;
  const std::string output =
      converse(handler, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n" + std::string("body"),
               MemoryStreamOptions{.max_read = 60});
  EXPECT_THAT(output, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "));
  ASSERT_THAT(handler.requests(), SizeIs(1));
  EXPECT_EQ(handler.requests()[0].body, "body");
}

TEST(ServerConnection, DoesNotSayContinueWhereTheBodyIsNotWanted) {
  RecordingHandler handler;
  handler.max_body = 3;
  EXPECT_THAT(
      statuses_in(converse_until_closed(handler, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")),
      ElementsAre(413u));
}

TEST(ServerConnection, DoesNotSayContinueToHttp10) {
  RecordingHandler handler;
  EXPECT_THAT(statuses_in(converse(handler, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody")),
              ElementsAre(200u));
}

TEST(ServerConnection, ClosesAfterARequestThatAsksForIt) {
  RecordingHandler handler;
  const auto responses = responses_in(converse_until_closed(handler, post("one", "Connection: close\r\n") + post("two")));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].fields.find("Connection"), "close");
  EXPECT_THAT(handler.requests(), SizeIs(1));
}

TEST(ServerConnection, ClosesAfterAResponseThatAsksForIt) {
  RecordingHandler handler;
  handler.answer = [](const http::Request&, http::Connection&) {
    http::Response response;
    response.close = true;
    return response;
  };
  EXPECT_THAT(statuses_in(converse_until_closed(handler, post("one") + post("two"))), ElementsAre(200u));
}

TEST(ServerConnection, ToleratesHttp10) {
  RecordingHandler handler;
  const auto once = responses_in(converse_until_closed(handler, "POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody"));
  ASSERT_THAT(once, SizeIs(1));
  EXPECT_EQ(once[0].body, "body");
  EXPECT_EQ(once[0].fields.find("Connection"), "close");
}

TEST(ServerConnection, TellsHttp10ThatTheConnectionStays) {
  RecordingHandler handler;
  const std::string request = "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody";
  const auto responses = responses_in(converse(handler, request + request));
  ASSERT_THAT(responses, SizeIs(2));
  EXPECT_EQ(responses[0].fields.find("Connection"), "Keep-Alive");
}

TEST(ServerConnection, PassesOtherMethodsToTheHandler) {
  RecordingHandler handler;
  handler.answer = [](const http::Request& request, http::Connection&) {
    http::Response response;
    response.status = request.head.method == "POST" ? 200 : 405;
    return response;
  };
  EXPECT_THAT(statuses_in(converse(handler, "GET / HTTP/1.1\r\n\r\nBREW /pot HTTP/1.1\r\n\r\n" + post(""))),
              ElementsAre(405u, 405u, 200u));
}

TEST(ServerConnection, SendsNoBodyInAnswerToHead) {
  RecordingHandler handler;
  handler.answer = [](const http::Request&, http::Connection&) {
    http::Response response;
    response.body = "five!";
    return response;
  };
  const std::string output = converse(handler, "HEAD / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(output, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(output, Not(HasSubstr("five!")));
}

TEST(ServerConnection, SendsNeitherBodyNorLengthWith204) {
  RecordingHandler handler;
  handler.answer = [](const http::Request&, http::Connection&) {
    http::Response response;
    response.status = 204;
    return response;
  };
  const auto responses = responses_in(converse(handler, post("")));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].status, 204u);
  EXPECT_FALSE(responses[0].fields.find("Content-Length"));
}

TEST(ServerConnection, GoesOnAfterARefusalWhoseBodyIsSmall) {
  // Windows authenticates on the connection that was refused.
  RecordingHandler handler;
  bool refused = false;
  handler.refuse = [&refused](const http::RequestHead&) -> std::optional<http::Response> {
    if (std::exchange(refused, true)) return std::nullopt;
    http::Response response;
    response.status = 401;
    return response;
  };
  EXPECT_THAT(statuses_in(converse(handler, post("first") + post("second"))), ElementsAre(401u, 200u));
  ASSERT_THAT(handler.requests(), SizeIs(1));
  EXPECT_EQ(handler.requests()[0].body, "second");
}

TEST(ServerConnection, EndsAfterARefusalWhoseBodyIsLarge) {
  RecordingHandler handler;
  handler.refuse = [](const http::RequestHead&) -> std::optional<http::Response> {
    http::Response response;
    response.status = 401;
    return response;
  };
  const auto responses = responses_in(converse(handler, post(std::string(200'000, 'x')) + post("second")));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].status, 401u);
  EXPECT_EQ(responses[0].fields.find("Connection"), "close");
  EXPECT_THAT(handler.requests(), IsEmpty());
}

TEST(ServerConnection, HoldsWhatTheAdmissionHoldsUntilTheResponseIsWritten) {
  class HoldingHandler final : public http::Handler {
    class Room final : public http::BodyRoom {
      bool reach(std::size_t) override { return true; }
      base::Task<bool> wait(std::size_t) override { co_return true; }
      bool wanted_elsewhere() const override { return false; }
    };

   public:
    std::weak_ptr<void> held;
    bool held_in_handle = false;
    base::Task<http::Admission> admit(const http::RequestHead&, http::Connection&) override {
      http::Admission admission;
      admission.room = std::make_shared<Room>();
      held = admission.room;
      co_return admission;
    }
    base::Task<http::Response> handle(http::Request, http::Connection&) override {
      held_in_handle = !held.expired();
      http::Response response;
      co_return response;
    }
  } handler;
  converse(handler, post(""));
  EXPECT_TRUE(handler.held_in_handle);
  EXPECT_TRUE(handler.held.expired());
}

TEST(ServerConnection, AnswersASlowSenderWith500AndCloses) {
  RecordingHandler handler;
  http::ListenerOptions options;
  options.retrieval_timeout = std::chrono::milliseconds(30);
  for (const std::string& beginning : {std::string("POST / HT"), post("body").substr(0, post("body").size() - 1)}) {
    EXPECT_THAT(statuses_in(converse_until_closed(handler, beginning, options)), ElementsAre(500u));
  }
  EXPECT_THAT(handler.requests(), IsEmpty());
}

TEST(ServerConnection, EndsASlowBodyForWhichOthersWait) {
  RecordingHandler handler;
  handler.wanted_elsewhere = [] { return true; };
  http::ListenerOptions options;
  options.body_patience = std::chrono::milliseconds(200);
  const std::string whole = post("body");
  EXPECT_THAT(statuses_in(converse_until_closed(handler, whole.substr(0, whole.size() - 1), options)), ElementsAre(500u));
  EXPECT_THAT(statuses_in(converse(handler, whole, {}, options)), ElementsAre(200u));
}

TEST(ServerConnection, LeavesASlowBodyItsTimeWhereNobodyWaits) {
  RecordingHandler handler;
  int asked = 0;
  handler.wanted_elsewhere = [&asked] {
    ++asked;
    return false;
  };
  http::ListenerOptions options;
  options.body_patience = std::chrono::milliseconds(10);
  options.retrieval_timeout = std::chrono::milliseconds(700);
  const std::string whole = post("body");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(statuses_in(converse_until_closed(handler, whole.substr(0, whole.size() - 1), options)), ElementsAre(500u));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(690));
  EXPECT_GE(asked, 2);
}

TEST(ServerConnection, DoesNotCountTheWaitForAdmissionAgainstTheSender) {
  RecordingHandler handler;
  handler.admission_delay = std::chrono::milliseconds(600);
  http::ListenerOptions options;
  options.retrieval_timeout = std::chrono::milliseconds(500);
  EXPECT_THAT(statuses_in(converse(handler, post("body"), {}, options)), ElementsAre(200u));
}

TEST(ServerConnection, DoesNotCountTheWaitForRoomAgainstTheSender) {
  RecordingHandler handler;
  handler.room = 2;
  handler.room_delay = std::chrono::milliseconds(600);
  handler.wanted_elsewhere = [] { return true; };
  http::ListenerOptions options;
  options.retrieval_timeout = std::chrono::milliseconds(500);
  options.body_patience = std::chrono::milliseconds(400);
  const auto responses = responses_in(converse(handler, post("body"), {}, options));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].status, 200u);
  EXPECT_EQ(responses[0].body, "body");
}

TEST(ServerConnection, ReadsABodyThatWaitsForRoomAtAnyByte) {
  const std::string text(3000, 'b');
  for (const std::size_t room : {0u, 1u, 1500u, 2999u}) {
    for (const bool chunked : {false, true}) {
      RecordingHandler handler;
      handler.room = room;
      MemoryStreamOptions server_side;
      server_side.cut_at = 1000;
      const std::string message =
          chunked ? kPlain + "Transfer-Encoding: chunked\r\n\r\nbb8\r\n" + text + "\r\n0\r\n\r\n" : post(text);
      const auto responses = responses_in(converse(handler, message + post("next"), server_side));
      ASSERT_THAT(responses, SizeIs(2));
      EXPECT_EQ(responses[0].body, text);
      EXPECT_EQ(responses[1].body, "next");
    }
  }
}

TEST(ServerConnection, AnswersABodyThatFindsNoRoomInTimeWith503AndWhenToComeAgain) {
  RecordingHandler handler;
  handler.room = 2;
  handler.room_comes = false;
  const auto responses = responses_in(converse(handler, post("body")));
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].status, 503u);
  // RFC 9110, 10.2.3: seconds.
  EXPECT_TRUE(
      std::regex_match(std::string(responses[0].fields.find("Retry-After").value_or("")), std::regex("[1-9][0-9]*")));
  EXPECT_EQ(responses[0].fields.find("Connection"), "close");
  EXPECT_THAT(handler.requests(), IsEmpty());
}

TEST(ServerConnection, GivesWhoHasAskedForNothingYetTheTimeOfARequestOnly) {
  RecordingHandler handler;
  http::ListenerOptions options;
  options.retrieval_timeout = std::chrono::milliseconds(100);
  EXPECT_EQ(converse_until_closed(handler, "", options), "");
}

TEST(ServerConnection, ClosesWithoutAWordAfterTheIdleTime) {
  RecordingHandler handler;
  http::ListenerOptions options;
  options.idle_timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(converse_until_closed(handler, "", options), "");
  EXPECT_THAT(statuses_in(converse_until_closed(handler, post("one"), options)), ElementsAre(200u));
}

}  // namespace
