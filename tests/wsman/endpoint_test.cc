#include "tests/wsman/endpoint_fixture.h"

namespace wsman {
namespace {

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
