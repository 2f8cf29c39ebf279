#include "engine/wsman/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "engine/auth/certificate.h"
#include "engine/auth/local_peer.h"
#include "engine/wsman/names.h"
#include "engine/wsman/sldc.h"
#include "tests/support/matchers.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::IsOk;
using test_support::RequestText;
using test_support::run_on;
using test_support::Service;

constexpr std::string_view kIdentify =
    "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'"
    " xmlns:i='http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd'><s:Header/><s:Body><i:Identify/></s:Body>"
    "</s:Envelope>";

/// A scheme of two legs: "Dance step1" and "Dance step2"; and the last word is "bow".
class DanceAuthenticator final : public auth::Authenticator {
 public:
  std::string_view challenge() const override { return "Dance style=\"waltz\""; }
  bool claims(std::string_view authorization, const base::Peer&) const override {
    return authorization.starts_with("Dance");
  }
  std::unique_ptr<auth::Conversation> begin(const base::Peer&) override {
    class Steps final : public auth::Conversation {
     public:
      base::AsyncResult<auth::Step> step(std::string token) override {
        auth::Step step;
        if (token != (++legs_ == 1 ? "step1" : "step2")) {
          co_return base::make_error(std::errc::permission_denied, "out of step");
        }
        step.token = legs_ == 1 ? "go on" : "bow";
        step.accepted = legs_ == 2;
        step.principal.scheme = auth::Principal::Scheme::Negotiate;
        step.principal.name = "dancer";
        step.principal.administrator = true;
        co_return step;
      }

     private:
      int legs_ = 0;
    };
    return std::make_unique<Steps>();
  }
};

/// Speaks for one request at a time.
class WordAuthenticator final : public auth::Authenticator {
 public:
  std::string_view challenge() const override { return "Basic realm=\"WSMAN\""; }
  bool claims(std::string_view authorization, const base::Peer&) const override {
    return authorization.starts_with("Basic ");
  }
  std::unique_ptr<auth::Conversation> begin(const base::Peer&) override {
    class Word final : public auth::Conversation {
     public:
      base::AsyncResult<auth::Step> step(std::string token) override {
        if (token == "hush") co_return base::make_error(std::errc::device_or_resource_busy, "too many words");
        if (token != "sesame") co_return base::make_error(std::errc::permission_denied, "wrong word");
        auth::Step step;
        step.accepted = true;
        step.principal.scheme = auth::Principal::Scheme::Basic;
        step.principal.name = "ali";
        step.principal.administrator = true;
        co_return step;
      }
    };
    return std::make_unique<Word>();
  }
};

class EndpointTest : public ::testing::Test {
 protected:
  EndpointTest() { make({}); }

  void make(EndpointOptions options, DispatcherOptions dispatcher = {}) {
    endpoint_.reset();
    service_ = std::make_unique<Service>(std::move(dispatcher));
    service_->resource.items = {test_support::thing("one")};
    endpoint_ = std::make_unique<Endpoint>(std::move(options), service_->dispatcher,
                                           std::vector<auth::Authenticator*>{&local_, &certificate_, &dance_, &word_});
  }

  /// The connection of a machine with a certificate.
  void connect_with_certificate() {
    connection_.peer.transport = base::Peer::Transport::Tls;
    connection_.peer.certificate.emplace();
    connection_.peer.certificate->dns_names = {"host7.lab.example"};
  }
  void connect_locally() {
    connection_.peer.transport = base::Peer::Transport::Unix;
    connection_.peer.process = base::PeerProcess{0, 0, 1};
  }

  static http::Request post(std::string body, std::string content_type = "application/soap+xml;charset=UTF-8") {
    http::Request request;
    request.head.target = "/wsman";
    request.head.fields.add("Content-Type", std::move(content_type));
    request.head.content_length = body.size();
    request.body = std::move(body);
    return request;
  }
  static http::Request get_one() {
    return post(RequestText(action::kGet)
                    .resource(test_support::kFakeUri)
                    .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name='Name'>one</w:Selector></w:SelectorSet>")
                    .text());
  }

  /// As http::Connection does it: the head, the body's limit, the body.
  http::Response send(http::Request request) {
    auto admission = run_on(service_->loop.executor(), endpoint_->admit(request.head, connection_));
    if (admission.refusal) return std::move(*admission.refusal);
    if (request.body.size() > admission.max_body) {
      http::Response response;
      response.status = 413;
      return response;
    }
    return run_on(service_->loop.executor(), endpoint_->handle(std::move(request), connection_));
  }

  static std::vector<std::string> challenges(const http::Response& response) {
    std::vector<std::string> all;
    for (const auto& [name, value] : response.fields) {
      if (name == "WWW-Authenticate") all.push_back(value);
    }
    return all;
  }
  static FaultCode fault_of(const http::Response& response) {
    Charset charset{};
    auto text = decode_text(response.body, *response.fields.find("Content-Type"), charset);
    auto envelope = read_envelope(std::move(text).value());
    return envelope->fault().value().code;
  }

  auth::LocalPeerAuthenticator local_;
  auth::CertificateAuthenticator certificate_;
  DanceAuthenticator dance_;
  WordAuthenticator word_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Endpoint> endpoint_;
  http::Connection connection_;
};

TEST_F(EndpointTest, RequestIsAnsweredInItsOwnEncoding) {
  connect_locally();
  const auto plain = send(get_one());
  EXPECT_EQ(plain.status, 200u);
  EXPECT_EQ(plain.fields.find("Content-Type"), "application/soap+xml;charset=UTF-8");
  EXPECT_EQ(plain.fields.find("Server"), "Microsoft-HTTPAPI/2.0");
  EXPECT_EQ(plain.body.substr(0, 11), "<s:Envelope");

  const auto wide = send(post(encode_text(get_one().body, Charset::Utf16), "application/soap+xml;charset=UTF-16"));
  EXPECT_EQ(wide.status, 200u);
  EXPECT_EQ(wide.fields.find("Content-Type"), "application/soap+xml;charset=UTF-16");
  EXPECT_EQ(wide.body.substr(0, 4), std::string("\xFF\xFE<\0", 4));
}

TEST_F(EndpointTest, FaultGoesOutWithStatus500) {
  connect_locally();
  auto request = post(RequestText(action::kGet).resource("urn:nothing").text());
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 500u);
  EXPECT_EQ(fault_of(response), FaultCode::InvalidResourceUri);
}

TEST_F(EndpointTest, OnlyPostIsAllowed) {
  connect_locally();
  auto request = get_one();
  request.head.method = "GET";
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 405u);
  EXPECT_EQ(response.fields.find("Allow"), "POST");
}

TEST_F(EndpointTest, PathBeginsWithThePrefixInAnyCase) {
  connect_locally();
  for (const std::string target : {"/wsman", "/WSMan", "/wsman/", "/wsman?PSVersion=7.4.6", "/wsman/SubscriptionManager/WEC",
                                   "http://wec.lab.example:5985/wsman"}) {
    auto request = get_one();
    request.head.target = target;
    EXPECT_EQ(send(std::move(request)).status, 200u) << target;
  }
  for (const std::string target : {"/", "", "/wsmanx", "/other/wsman", "wsman"}) {
    auto request = get_one();
    request.head.target = target;
    EXPECT_EQ(send(std::move(request)).status, 404u) << target;
  }
}

TEST_F(EndpointTest, DeliveryLearnsThePathWithoutItsQuery) {
  connect_locally();
  auto request = post(RequestText(action::kHeartbeat).text());
  request.head.target = "/wsman/subscriptions/5D0F?x=1";
  EXPECT_EQ(send(std::move(request)).status, 200u);
  EXPECT_EQ(service_->sink.taken.at(0).path, "/wsman/subscriptions/5D0F");
}

TEST_F(EndpointTest, OtherMediaTypesAreRefused) {
  connect_locally();
  EXPECT_EQ(send(post(get_one().body, "text/xml")).status, 415u);
  EXPECT_EQ(send(post(get_one().body, "")).status, 415u);
  EXPECT_EQ(send(post(get_one().body, "multipart/encrypted;boundary=\"Encrypted Boundary\"")).status, 415u);
  EXPECT_EQ(send(post(get_one().body, " Application/SOAP+xml ; Charset=\"utf-8\" ")).status, 200u);
  auto coded = get_one();
  coded.head.fields.add("Content-Encoding", "gzip");
  EXPECT_EQ(send(std::move(coded)).status, 415u);
}

TEST_F(EndpointTest, BodyOverTheLimitIsRefusedWithoutSoap) {
  connect_locally();
  auto request = post(std::string(150 * 1024 + 4097, ' '));
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 413u);
  EXPECT_TRUE(response.body.empty());
  auto chunked = post(std::string(150 * 1024 + 4097, ' '));
  chunked.head.content_length.reset();
  EXPECT_EQ(send(std::move(chunked)).status, 413u);
}

TEST_F(EndpointTest, CompressedBodyIsExpanded) {
  connect_locally();
  for (const std::string coding : {"SLDC", "sldc"}) {
    auto request = post(sldc_compress(encode_text(get_one().body, Charset::Utf16)), "application/soap+xml;charset=UTF-16");
    request.head.fields.add("Content-Encoding", coding);
    EXPECT_EQ(send(std::move(request)).status, 200u);
  }
}

TEST_F(EndpointTest, BodyMarkedAsCompressedMayBePlain) {
  connect_locally();
  auto request = post(encode_text(RequestText(action::kEnd).block("a:ReplyTo", "").text(), Charset::Utf16),
                      "application/soap+xml;charset=UTF-16");
  request.head.fields.add("Content-Encoding", "SLDC");
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 204u);
  EXPECT_TRUE(response.body.empty());
}

TEST_F(EndpointTest, TruncatedCompressionIsAFault) {
  connect_locally();
  const std::string whole = sldc_compress(get_one().body);
  auto request = post(whole.substr(0, whole.size() / 2));
  request.head.fields.add("Content-Encoding", "SLDC");
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 500u);
  EXPECT_EQ(fault_of(response), FaultCode::EncodingType);
}

TEST_F(EndpointTest, DecompressionBombIsRefused) {
  EndpointOptions options;
  options.max_decompressed_bytes = 100'000;
  make(options);
  connect_locally();
  auto request = post(sldc_compress(std::string(1 << 20, 'a')));
  request.head.fields.add("Content-Encoding", "SLDC");
  EXPECT_EQ(send(std::move(request)).status, 413u);
}

TEST_F(EndpointTest, ExpansionIsBoundedByThePlainLimitToo) {
  DispatcherOptions small;
  small.max_envelope_size = 32 << 10;
  make({}, small);
  connect_locally();
  auto request = post(sldc_compress(std::string(2 << 20, 'a')));
  ASSERT_LT(request.body.size(), 32u << 10);
  request.head.fields.add("Content-Encoding", "SLDC");
  EXPECT_EQ(send(std::move(request)).status, 413u);
}

TEST_F(EndpointTest, RequestBeyondMaxConnectionsIsToldToComeLater) {
  EndpointOptions options;
  options.max_requests = 1;
  options.request_wait = std::chrono::milliseconds(20);
  make(options);
  connect_locally();
  test_support::FakeClock never;
  service_->resource.stall = &never;
  auto request = get_one();
  run_on(service_->loop.executor(), endpoint_->admit(request.head, connection_));
  http::Connection other = connection_;
  auto first =
      boost::asio::co_spawn(service_->loop.executor(), endpoint_->handle(get_one(), connection_), boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return never.sleepers() == 1; }));
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(get_one(), other)).status, 503u);

  // One place more, while the first is still at work.
  endpoint_->set_max_requests(2);
  service_->resource.stall = nullptr;
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(get_one(), other)).status, 200u);
  service_->clock.advance(std::chrono::hours(1));
  EXPECT_EQ(first.get().status, 500u);
}

TEST_F(EndpointTest, WithoutRemoteAccessEveryRequestIsRefusedByItsNumber) {
  connect_locally();
  endpoint_->set_remote_access(false);
  const auto response = send(get_one());
  EXPECT_EQ(response.status, 500u);
  EXPECT_NE(response.body.find("Code=\"2150859229\""), std::string::npos);
  endpoint_->set_remote_access(true);
  EXPECT_EQ(send(get_one()).status, 200u);
}

TEST_F(EndpointTest, SchemeThatIsOfferedNoLongerEndsItsSessions) {
  connect_locally();
  EXPECT_EQ(send(get_one()).status, 200u);
  endpoint_->set_authenticators({&certificate_});
  EXPECT_EQ(send(get_one()).status, 401u);
  endpoint_->set_authenticators({&local_});
  EXPECT_EQ(send(get_one()).status, 200u);
}

TEST_F(EndpointTest, CertificateMayStandForAUserButASourceStaysItsMachine) {
  connect_with_certificate();
  EXPECT_EQ(fault_of(send(get_one())), FaultCode::AccessDenied);
  std::vector<std::string> asked;
  endpoint_->set_mapper([&](const auth::Principal& who, std::string_view uri) {
    asked.push_back(who.name + " " + std::string(uri));
    std::optional<auth::Principal> user = who;
    user->name = "ali";
    user->administrator = true;
    return user;
  });
  EXPECT_EQ(send(get_one()).status, 200u);
  EXPECT_EQ(asked, std::vector<std::string>{"host7.lab.example " + std::string(test_support::kFakeUri)});
  send(post(RequestText(action::kEnumerate).resource(resource::kSubscriptionList).body("<n:Enumerate/>").text()));
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(EndpointTest, PathIsBelowItsPrefixAsAWhole) {
  for (const char* below : {"/wsman", "/WSMAN/", "/wsman/a?b", "http://h:1/wsman", "/wsman-anon/identify"}) {
    EXPECT_TRUE(is_below(below, "wsman")) << below;
  }
  for (const char* other : {"/", "/wsmanx", "wsman", "/a/wsman", ""}) EXPECT_FALSE(is_below(other, "wsman")) << other;
  EXPECT_TRUE(is_below("/a/b/c", "a/b"));
  EXPECT_FALSE(is_below("/a", "a/b"));
}

TEST_F(EndpointTest, MalformedBodiesAreFaults) {
  connect_locally();
  EXPECT_EQ(fault_of(send(post("not xml"))), FaultCode::SchemaValidationError);
  EXPECT_EQ(fault_of(send(post("<!DOCTYPE x [<!ENTITY y 'z'>]><x/>"))), FaultCode::SchemaValidationError);
  EXPECT_EQ(fault_of(send(post("<x/>", "application/soap+xml;charset=KOI8-R"))), FaultCode::CharacterSet);
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += "<a>";
  EXPECT_EQ(fault_of(send(post(deep))), FaultCode::EncodingLimit);
  const std::string lone = std::string("\xFF\xFE\x00\xD8", 4);
  EXPECT_EQ(fault_of(send(post(lone, "application/soap+xml;charset=UTF-16"))), FaultCode::SchemaValidationError);
}

TEST_F(EndpointTest, FaultOfABrokenHeaderNamesTheRequest) {
  connect_locally();
  auto text = RequestText(action::kGet).block("t", "<w:OperationTimeout>PT-1S</w:OperationTimeout>").text();
  const auto response = send(post(text));
  EXPECT_NE(response.body.find("<a:RelatesTo>" + std::string(RequestText::kMessageId)), std::string::npos);
}

TEST_F(EndpointTest, StrangerIsToldEverySchemeInALineOfItsOwn) {
  connection_.peer.transport = base::Peer::Transport::Tls;
  const auto response = send(get_one());
  EXPECT_EQ(response.status, 401u);
  EXPECT_TRUE(response.body.empty());
  EXPECT_THAT(challenges(response),
              ::testing::ElementsAre(auth::kMutualProfile, "Dance style=\"waltz\"", "Basic realm=\"WSMAN\""));
}

TEST_F(EndpointTest, SchemesThatNeedTlsAreNotOfferedWithoutIt) {
  EXPECT_THAT(challenges(send(get_one())), ::testing::ElementsAre("Dance style=\"waltz\"", "Basic realm=\"WSMAN\""));
}

TEST_F(EndpointTest, CertificateSpeaksForTheConnection) {
  connect_with_certificate();
  auto heartbeat = post(RequestText(action::kHeartbeat).text());
  heartbeat.head.fields.add("Authorization", std::string(auth::kMutualProfile));
  EXPECT_EQ(send(heartbeat).status, 200u);
  EXPECT_EQ(send(post(RequestText(action::kHeartbeat).text())).status, 200u);
  EXPECT_EQ(send(std::move(heartbeat)).status, 200u);
  ASSERT_EQ(service_->sink.taken.size(), 3u);
  EXPECT_EQ(service_->sink.taken[2].who.name, "host7.lab.example");
  EXPECT_EQ(service_->sink.taken[2].who.scheme, auth::Principal::Scheme::Certificate);
}

TEST_F(EndpointTest, ConversationGoesOverSeveralRequests) {
  auto first = post("");
  first.head.fields.add("Authorization", "Dance step1");
  auto response = send(std::move(first));
  EXPECT_EQ(response.status, 401u);
  EXPECT_FALSE(response.close);
  EXPECT_THAT(challenges(response), ::testing::ElementsAre("Dance go on"));

  auto second = post("");
  second.head.fields.add("Authorization", "Dance step2");
  response = send(std::move(second));
  EXPECT_EQ(response.status, 200u);
  EXPECT_TRUE(response.body.empty());
  EXPECT_THAT(challenges(response), ::testing::ElementsAre("Dance bow"));

  response = send(get_one());
  EXPECT_EQ(response.status, 200u);
  EXPECT_TRUE(challenges(response).empty());
}

TEST_F(EndpointTest, FailedConversationBeginsAnew) {
  auto wrong = post("");
  wrong.head.fields.add("Authorization", "Dance stumble");
  auto response = send(std::move(wrong));
  EXPECT_EQ(response.status, 401u);
  EXPECT_EQ(challenges(response).size(), 2u);
  EXPECT_TRUE(response.close);
  auto again = post("");
  again.head.fields.add("Authorization", "Dance step1");
  EXPECT_THAT(challenges(send(std::move(again))), ::testing::ElementsAre("Dance go on"));
}

TEST_F(EndpointTest, AuthorizationOnAnAuthenticatedConnectionStartsOver) {
  for (const std::string token : {"Dance step1", "Dance step2"}) {
    auto leg = post("");
    leg.head.fields.add("Authorization", token);
    send(std::move(leg));
  }
  EXPECT_EQ(send(get_one()).status, 200u);
  auto leg = post("");
  leg.head.fields.add("Authorization", "Dance step1");
  EXPECT_EQ(send(std::move(leg)).status, 401u);
  EXPECT_EQ(send(get_one()).status, 401u);
}

TEST_F(EndpointTest, ASchemeThatIsBusyIsNoRefusal) {
  auto request = get_one();
  request.head.fields.add("Authorization", "Basic hush");
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 503u);
  // RFC 9110, 10.2.3: seconds.
  EXPECT_THAT(std::string(response.fields.find("Retry-After").value_or("")), ::testing::MatchesRegex("[1-9][0-9]*"));
  EXPECT_TRUE(challenges(response).empty());
}

TEST_F(EndpointTest, BasicSpeaksForOneRequest) {
  auto request = get_one();
  request.head.fields.add("Authorization", "Basic sesame");
  EXPECT_EQ(send(request).status, 200u);
  EXPECT_EQ(send(get_one()).status, 401u);
}

TEST_F(EndpointTest, EmptyBodyOfAnAuthenticatedConnectionIsFine) {
  connect_with_certificate();
  auto request = post("", "application/soap+xml;charset=UTF-16");
  request.head.fields.add("Content-Encoding", "SLDC");
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 200u);
  EXPECT_TRUE(response.body.empty());
}

TEST_F(EndpointTest, IdentifyTellsStrangersLittle) {
  auto request = post(std::string(kIdentify));
  request.head.fields.add("WSMANIDENTIFY", "Unauthenticated");
  const auto response = send(std::move(request));
  EXPECT_EQ(response.status, 200u);
  EXPECT_NE(response.body.find("<wsmid:ProductVersion>OS: 0.0.0 SP: 0.0 Stack: 3.0<"), std::string::npos);
  EXPECT_EQ(response.body.find("SecurityProfile"), std::string::npos);
  EXPECT_EQ(response.body.find("a:MessageID"), std::string::npos);

  auto other = post(std::string(kIdentify));
  other.head.target = "/wsman-anon/identify";
  EXPECT_EQ(send(std::move(other)).status, 200u);
}

TEST_F(EndpointTest, StrangersGetNothingButIdentify) {
  auto request = get_one();
  request.head.fields.add("WSMANIDENTIFY", "unauthenticated");
  EXPECT_EQ(send(std::move(request)).status, 401u);
  auto other = get_one();
  other.head.target = "/wsman-anon/identify";
  EXPECT_EQ(send(std::move(other)).status, 401u);
  EXPECT_EQ(send(post(std::string(kIdentify))).status, 401u);
  auto large = post(std::string(9000, ' '));
  large.head.target = "/wsman-anon/identify";
  EXPECT_EQ(send(std::move(large)).status, 413u);
}

TEST_F(EndpointTest, AnonymousIdentifyCanBeTurnedOff) {
  EndpointOptions options;
  options.anonymous_identify = false;
  make(options);
  auto request = post(std::string(kIdentify));
  request.head.fields.add("WSMANIDENTIFY", "unauthenticated");
  EXPECT_EQ(send(std::move(request)).status, 401u);
  auto other = post(std::string(kIdentify));
  other.head.target = "/wsman-anon/identify";
  EXPECT_EQ(send(std::move(other)).status, 404u);
}

TEST_F(EndpointTest, IdentifyTellsTheAuthenticatedMore) {
  connect_with_certificate();
  const auto response = send(post(std::string(kIdentify)));
  EXPECT_EQ(response.status, 200u);
  auto envelope = read_envelope(response.body);
  ASSERT_THAT(envelope, IsOk());
  const auto body = envelope->body();
  ASSERT_TRUE(body.is(ns::kIdentity, "IdentifyResponse"));
  EXPECT_EQ(body.child("ProtocolVersion").text(), "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd");
  EXPECT_EQ(body.child("ProductVendor").text(), "Muster");
  EXPECT_NE(body.child("ProductVersion").text(), "OS: 0.0.0 SP: 0.0 Stack: 3.0");
  EXPECT_EQ(body.child("SecurityProfiles").first_child().text(),
            "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual");
}

TEST_F(EndpointTest, BodiesWaitForTheirShareOfMemory) {
  EndpointOptions options;
  options.body_budget = 4000;
  options.body_wait = std::chrono::milliseconds(10);
  make(options);
  connect_locally();
  http::RequestHead head = get_one().head;
  head.content_length = 4000;
  auto first = run_on(service_->loop.executor(), endpoint_->admit(head, connection_)).room;
  http::Connection other = connection_;
  auto second = run_on(service_->loop.executor(), endpoint_->admit(head, other)).room;
  ASSERT_TRUE(first && second);
  // Three quarters for what comes, the rest for who has to wait.
  EXPECT_TRUE(first->reach(3000));
  EXPECT_FALSE(first->reach(3001));
  EXPECT_FALSE(second->reach(1));
  EXPECT_TRUE(run_on(service_->loop.executor(), first->wait(4000)));
  EXPECT_TRUE(first->reach(4000));
  EXPECT_FALSE(run_on(service_->loop.executor(), second->wait(4000)));
  first.reset();
  EXPECT_TRUE(second->reach(3000));
}

TEST_F(EndpointTest, WhoSendsSlowlyHoldsNoMoreThanHeHasSent) {
  EndpointOptions options;
  options.body_budget = 4000;
  make(options);
  connect_locally();
  http::RequestHead head = get_one().head;
  head.content_length = 4000;
  std::vector<http::Connection> connections(200, connection_);
  std::vector<std::shared_ptr<http::BodyRoom>> slow;
  for (auto& connection : connections) {
    slow.push_back(run_on(service_->loop.executor(), endpoint_->admit(head, connection)).room);
    ASSERT_TRUE(slow.back()->reach(1));
  }
  http::Connection other = connection_;
  auto quick = run_on(service_->loop.executor(), endpoint_->admit(head, other)).room;
  EXPECT_TRUE(quick->reach(2800));
  EXPECT_TRUE(run_on(service_->loop.executor(), quick->wait(3800)));
}

TEST_F(EndpointTest, WhoeverHoldsMuchLearnsThatOthersWait) {
  EndpointOptions options;
  options.body_budget = 40'000;
  make(options);
  connect_locally();
  http::RequestHead head = get_one().head;
  head.content_length = 40'000;
  const auto room = [&] {
    http::Connection other = connection_;
    return run_on(service_->loop.executor(), endpoint_->admit(head, other)).room;
  };
  auto small = room();
  auto large = room();
  auto late = room();
  auto last = room();
  EXPECT_TRUE(small->reach(1));
  EXPECT_TRUE(large->reach(29'999));
  EXPECT_TRUE(run_on(service_->loop.executor(), late->wait(10'000)));
  EXPECT_FALSE(large->wanted_elsewhere());
  auto waiting = boost::asio::co_spawn(service_->loop.executor(), last->wait(10'000), boost::asio::use_future);
  EXPECT_TRUE(test_support::eventually([&] { return large->wanted_elsewhere(); }));
  EXPECT_TRUE(late->wanted_elsewhere());
  EXPECT_FALSE(small->wanted_elsewhere());
  late.reset();
  EXPECT_TRUE(waiting.get());
}

TEST_F(EndpointTest, OneCallerCannotTakeTheRoomOfOthers) {
  EndpointOptions options;
  options.caller_body_bytes = 1000;
  make(options);
  connect_locally();
  http::RequestHead head = get_one().head;
  head.content_length = 1000;
  const auto room = [&] {
    http::Connection other = connection_;
    other.session.reset();
    return run_on(service_->loop.executor(), endpoint_->admit(head, other)).room;
  };
  auto first = room();
  auto second = room();
  EXPECT_TRUE(first->reach(750));
  EXPECT_FALSE(second->reach(1));
  connection_ = {};
  connect_with_certificate();
  EXPECT_TRUE(room()->reach(750));
}

TEST_F(EndpointTest, CallerWithTooManyConnectionsIsToldToComeAgain) {
  EndpointOptions options;
  options.caller_connections = 2;
  make(options);
  connect_locally();
  std::vector<http::Connection> connections(3, connection_);
  std::vector<unsigned> statuses;
  const auto head = get_one().head;
  const auto ask = [&](http::Connection& connection) {
    auto admission = run_on(service_->loop.executor(), endpoint_->admit(head, connection));
    return admission.refusal ? admission.refusal->status : 200u;
  };
  for (auto& connection : connections) statuses.push_back(ask(connection));
  EXPECT_EQ(statuses, (std::vector<unsigned>{200, 200, 503}));
  EXPECT_EQ(ask(connections.front()), 200u);
  connection_ = {};
  connect_with_certificate();
  EXPECT_EQ(ask(connection_), 200u);
  connections.erase(connections.begin());
  EXPECT_EQ(ask(connections.back()), 200u);
}

TEST_F(EndpointTest, LargeRequestsOfOneCallerWaitForEachOther) {
  EndpointOptions options;
  options.caller_deliveries = 1;
  options.request_wait = std::chrono::milliseconds(10);
  make(options);
  connect_locally();
  test_support::FakeClock never;
  service_->resource.stall = &never;
  const auto large = [] {
    auto request = get_one();
    request.body.insert(request.body.rfind('<'), 20'000, ' ');
    return request;
  };
  const auto head = get_one().head;
  http::Connection second = connection_;
  http::Connection stranger;
  stranger.peer.transport = base::Peer::Transport::Tls;
  stranger.peer.certificate.emplace();
  stranger.peer.certificate->dns_names = {"host7.lab.example"};
  for (auto* connection : {&connection_, &second, &stranger}) {
    ASSERT_FALSE(run_on(service_->loop.executor(), endpoint_->admit(head, *connection)).refusal);
  }
  auto first =
      boost::asio::co_spawn(service_->loop.executor(), endpoint_->handle(large(), connection_), boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return never.sleepers() == 1; }));
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(large(), second)).status, 503u);
  service_->resource.stall = nullptr;
  EXPECT_NE(run_on(service_->loop.executor(), endpoint_->handle(large(), stranger)).status, 503u);
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(get_one(), second)).status, 200u);
  service_->clock.advance(std::chrono::hours(1));
  first.get();
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(large(), second)).status, 200u);
}

TEST_F(EndpointTest, ExpandedBodiesWaitForTheirShareOfMemory) {
  const auto compressed = [] {
    auto request = post(sldc_compress(get_one().body));
    request.head.fields.add("Content-Encoding", "SLDC");
    return request;
  };
  EndpointOptions options;
  options.expansion_budget = 8 * compressed().body.size();
  options.body_wait = std::chrono::milliseconds(10);
  make(options);
  connect_locally();
  test_support::FakeClock never;
  service_->resource.stall = &never;
  auto request = compressed();
  run_on(service_->loop.executor(), endpoint_->admit(request.head, connection_));
  http::Connection other = connection_;
  auto first = boost::asio::co_spawn(service_->loop.executor(), endpoint_->handle(compressed(), connection_),
                                     boost::asio::use_future);
  ASSERT_TRUE(test_support::eventually([&] { return never.sleepers() == 1; }));
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(compressed(), other)).status, 503u);
  // One that is not compressed needs none.
  service_->resource.stall = nullptr;
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(get_one(), other)).status, 200u);
  service_->clock.advance(std::chrono::hours(1));
  EXPECT_EQ(first.get().status, 500u);
  EXPECT_EQ(run_on(service_->loop.executor(), endpoint_->handle(compressed(), other)).status, 200u);
}

TEST_F(EndpointTest, BodyThatExpandsMoreThanUsualIsReadAllTheSame) {
  connect_locally();
  std::string padded = get_one().body;
  padded.insert(padded.find("<s:Body"), std::string(100'000, ' '));
  auto request = post(sldc_compress(padded));
  ASSERT_LT(request.body.size() * 8, padded.size());
  request.head.fields.add("Content-Encoding", "SLDC");
  EXPECT_EQ(send(std::move(request)).status, 200u);
}

}  // namespace
}  // namespace wsman
