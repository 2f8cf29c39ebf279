// Messages as a Windows source sends them, composed by hand and posted by curl; replies checked byte by byte where Windows
// cares.
//
// Source: wef-wire, sections 4, 6, 7.1, 8 and 15.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "engine/base/utf16.h"
#include "engine/wsman/sldc.h"
#include "tests/integration/stack.h"

namespace integration {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kMessageId = "uuid:0F4D2C9A-1111-4A5B-8C3D-00000000000a";
constexpr const char* kBookmark =
    "<BookmarkList><Bookmark Channel=\"System\" RecordId=\"9043\" IsCurrent=\"true\"/></BookmarkList>";

std::string wide(const std::string& text) {
  return base::utf8_to_utf16le_with_mark(text);
}

/// The reply as UTF-8; it must be UTF-16 with its mark.
std::string narrow(const std::string& bytes) {
  EXPECT_TRUE(bytes.starts_with("\xFF\xFE")) << "no byte order mark";
  return base::utf16_to_utf8(std::string_view(bytes).substr(2), base::Utf16Order::LittleEndian).text;
}

std::string event(int record, const std::string& extra = {}) {
  return "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
         "Name='Microsoft-Windows-Kernel-General' "
         "Guid='{a68ca8b7-004f-d7b6-a698-07e2de0f1f5d}'/><EventID>12</EventID><Version>0</Version><Level>4</Level><Task>1</"
         "Task>"
         "<Opcode>0</Opcode><Keywords>0x8000000000000080</Keywords><TimeCreated SystemTime='2024-05-01T10:15:30.1234567Z'/>"
         "<EventRecordID>" +
         std::to_string(record) +
         "</EventRecordID><Correlation/><Execution ProcessID='4' "
         "ThreadID='8'/><Channel>System</Channel><Computer>host7.lab.example"
         "</Computer><Security UserID='S-1-5-18'/></System><EventData><Data Name='N'>" +
         std::to_string(record) + extra + "</Data></EventData></Event>";
}

class Interop : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_collector();
    SubscriptionText subscription;
    subscription.query = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>";
    stack_.create_subscription(subscription);
    stack_.issue("host7.lab.example");
  }

  std::string header(const std::string& to, const std::string& action, const std::string& extra) {
    return "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
           "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
           "xmlns:e=\"http://schemas.xmlsoap.org/ws/2004/08/eventing\" "
           "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" "
           "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "
           "xmlns:p=\"http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd\">"
           "<s:Header><a:To>" +
           to +
           "</a:To><m:MachineID xmlns:m=\"http://schemas.microsoft.com/wbem/wsman/1/machineid\" "
           "s:mustUnderstand=\"false\">host7.lab.example</m:MachineID><a:ReplyTo><a:Address s:mustUnderstand=\"true\">"
           "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><a:Action "
           "s:mustUnderstand=\"true\">" +
           action + "</a:Action><w:MaxEnvelopeSize s:mustUnderstand=\"true\">512000</w:MaxEnvelopeSize><a:MessageID>" +
           kMessageId +
           "</a:MessageID><w:Locale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/><p:DataLocale xml:lang=\"en-US\" "
           "s:mustUnderstand=\"false\"/><p:SessionId "
           "s:mustUnderstand=\"false\">uuid:0F4D2C9A-2222-4A5B-8C3D-000000000001</p:SessionId>"
           "<p:OperationID s:mustUnderstand=\"false\">uuid:0F4D2C9A-3333-4A5B-8C3D-000000000001</p:OperationID>"
           "<p:SequenceId s:mustUnderstand=\"false\">1</p:SequenceId><w:OperationTimeout>PT60.000S</w:OperationTimeout>" +
           extra + "</s:Header>";
  }

  std::string enumerate_message() {
    return header(stack_.url() + "/SubscriptionManager/WEC", "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate",
                  "<w:ResourceURI "
                  "s:mustUnderstand=\"true\">http://schemas.microsoft.com/wbem/wsman/1/SubscriptionManager/Subscription"
                  "</w:ResourceURI>") +
           "<s:Body><n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>32000</w:MaxElements></n:Enumerate></s:Body></"
           "s:Envelope>";
  }

  /// Enumerates and keeps the delivery path and the identifier of the only offer.
  std::string enumerate() {
    const auto reply = stack_.post("host7.lab.example", "/wsman/SubscriptionManager/WEC", wide(enumerate_message()));
    EXPECT_EQ(reply.status, 200) << reply.error;
    const std::string xml = narrow(reply.body);
    std::smatch match;
    if (std::regex_search(xml, match,
                          std::regex("<a:Address>[A-Za-z]+://localhost:\\d+(/wsman/subscriptions/[^<]+)</a:Address>"))) {
      path_ = match[1];
    }
    if (std::regex_search(xml, match, std::regex("Identifier[^>]*>([0-9A-Fa-f-]{36})<"))) identifier_ = match[1];
    EXPECT_FALSE(path_.empty()) << xml;
    EXPECT_FALSE(identifier_.empty()) << xml;
    return xml;
  }

  std::string delivery(const std::string& action, const std::string& body, const std::string& extra = {}) {
    return header(stack_.url().substr(0, stack_.url().size() - 6) + path_, action,
                  "<e:Identifier>" + identifier_ + "</e:Identifier><w:AckRequested/>" + extra) +
           "<s:Body>" + body + "</s:Body></s:Envelope>";
  }

  std::string events_message(const std::vector<std::string>& events) {
    std::string body = "<w:Events>";
    for (const auto& text : events) {
      body += "<w:Event Action=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Event\"><![CDATA[" + text + "]]></w:Event>";
    }
    return delivery("http://schemas.dmtf.org/wbem/wsman/1/wsman/Events", body + "</w:Events>",
                    std::string("<w:Bookmark>") + kBookmark + "</w:Bookmark>");
  }

  void expect_ack(const Stack::Reply& reply) {
    ASSERT_EQ(reply.status, 200) << reply.error << reply.body;
    EXPECT_THAT(reply.headers, HasSubstr("Content-Type: application/soap+xml;charset=UTF-16"));
    const std::string xml = narrow(reply.body);
    EXPECT_THAT(xml, HasSubstr("<a:Action>http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack</a:Action>"));
    EXPECT_THAT(xml, HasSubstr(std::string("<a:RelatesTo>") + kMessageId + "</a:RelatesTo>"));
    EXPECT_THAT(xml, HasSubstr("<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"));
    EXPECT_THAT(xml, EndsWith("<s:Body/></s:Envelope>"));
    // Whoever echoes the OperationID promises to keep replies for retransmission.
    EXPECT_THAT(xml, AllOf(Not(HasSubstr("OperationID")), Not(HasSubstr("SequenceId"))));
  }

  std::string stored() { return stack_.tool("wevtutil", {"qe", "ForwardedEvents"}).out; }
  std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  Stack stack_;
  std::string path_;
  std::string identifier_;
};

TEST_F(Interop, EnumerateOffersTheSubscription) {
  const std::string xml = enumerate();
  EXPECT_THAT(xml, AllOf(HasSubstr("EnumerateResponse</a:Action>"), HasSubstr("<w:Items>"), HasSubstr("<w:EndOfSequence/>"),
                         HasSubstr(std::string("<a:RelatesTo>") + kMessageId + "</a:RelatesTo>")));
  EXPECT_THAT(xml, AllOf(HasSubstr("Role=\"issuer\">" + stack_.authority() + "<"),
                         HasSubstr("Mode=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Events\""),
                         HasSubstr("PT2.000S</w:Heartbeats>"), HasSubstr("PT0.200S</w:MaxTime>"), HasSubstr("SendBookmarks"),
                         HasSubstr("<w:ContentEncoding>UTF-16<")));
  EXPECT_THAT(xml, HasSubstr("bookmark/earliest"));
}

TEST_F(Interop, TheVersionStaysOverARestart) {
  const std::regex version("Version[^>]*>(uuid:[0-9A-F-]{36})<");
  std::smatch before;
  std::smatch after;
  const std::string first = enumerate();
  ASSERT_TRUE(std::regex_search(first, before, version)) << first;
  ASSERT_EQ(stack_.collector().terminate(), 0);
  stack_.start_collector();
  const std::string second = enumerate();
  ASSERT_TRUE(std::regex_search(second, after, version)) << second;
  EXPECT_EQ(before[1], after[1]);
}

TEST_F(Interop, HeartbeatIsAcknowledged) {
  enumerate();
  expect_ack(stack_.post("host7.lab.example", path_,
                         wide(delivery("http://schemas.dmtf.org/wbem/wsman/1/wsman/Heartbeat", "<w:Events></w:Events>"))));
}

TEST_F(Interop, EventsAreStoredAndTheBookmarkComesBack) {
  enumerate();
  expect_ack(stack_.post("host7.lab.example", path_, wide(events_message({event(9042), event(9043)}))));
  EXPECT_EQ(count(stored(), "<Event "), 2u);
  EXPECT_THAT(enumerate(), HasSubstr(kBookmark));
}

TEST_F(Interop, ABatchThatComesTwiceIsStoredOnce) {
  enumerate();
  const std::string message = wide(events_message({event(9042), event(9043)}));
  expect_ack(stack_.post("host7.lab.example", path_, message));
  expect_ack(stack_.post("host7.lab.example", path_, message));
  EXPECT_EQ(count(stored(), "<Event "), 2u);
}

TEST_F(Interop, ACompressedBodyWithItsTrailerIsRead) {
  enumerate();
  const std::string body = wsman::sldc_compress(wide(events_message({event(1), event(2), event(3)})));
  expect_ack(stack_.post("host7.lab.example", path_, body, {"Content-Encoding: SLDC"}));
  EXPECT_EQ(count(stored(), "<Event "), 3u);
}

TEST_F(Interop, ABodyMarkedAsCompressedThatIsNotIsReadAsItIs) {
  enumerate();
  expect_ack(stack_.post("host7.lab.example", path_, wide(events_message({event(1)})), {"Content-Encoding: SLDC"}));
}

TEST_F(Interop, ATruncatedCompressedBodyIsRefused) {
  enumerate();
  std::string body = wsman::sldc_compress(wide(events_message({event(1)})));
  body.resize(body.size() / 2);
  const auto reply = stack_.post("host7.lab.example", path_, body, {"Content-Encoding: SLDC"});
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(count(stored(), "<Event "), 0u);
}

TEST_F(Interop, ADecompressionBombIsRefused) {
  enumerate();
  const std::string bomb = wsman::sldc_compress(std::string(90 << 20, 'x'));
  ASSERT_LT(bomb.size(), 512'000u * 4);
  const auto reply = stack_.post("host7.lab.example", path_, bomb, {"Content-Encoding: SLDC"});
  EXPECT_THAT(reply.status, ::testing::AnyOf(413, 500));
  EXPECT_TRUE(stack_.collector().running());
}

TEST_F(Interop, OneMalformedEventDoesNotCostTheOthers) {
  enumerate();
  const std::string cut = event(3).substr(0, event(3).size() - 8) + "<RenderingInfo Culture='en-US'><Message>cut in the mid";
  expect_ack(stack_.post("host7.lab.example", path_, wide(events_message({event(1), "<Event>not <closed", cut, event(4)}))));
  const std::string all = stored();
  EXPECT_THAT(all, AllOf(HasSubstr("<EventRecordID>1<"), HasSubstr("<EventRecordID>3<"), HasSubstr("<EventRecordID>4<")));
  EXPECT_THAT(stack_.tool("wevtutil", {"gli", "ForwardedEvents"}).out, HasSubstr("numberOfLogRecords: 4"));
}

TEST_F(Interop, ControlCharactersAndLoneSurrogatesAreReplaced) {
  enumerate();
  std::string body = wide(events_message({event(1,
                                                "a\x01\x04"
                                                "b")}));
  const std::string marker = wide("a\x01").substr(2);
  const auto at = body.find(marker);
  ASSERT_NE(at, std::string::npos);
  body.insert(at, std::string("\x00\xD8", 2));
  expect_ack(stack_.post("host7.lab.example", path_, body));
  EXPECT_THAT(stored(), HasSubstr("1\xEF\xBF\xBD"
                                  "a\xEF\xBF\xBD\xEF\xBF\xBD"
                                  "b</Data>"));
}

TEST_F(Interop, ACdataSplitInTwoIsJoined) {
  enumerate();
  expect_ack(stack_.post("host7.lab.example", path_, wide(events_message({event(1, "x]]]]><![CDATA[>y")}))));
  EXPECT_THAT(stored(), HasSubstr("1x]]>y</Data>"));
}

TEST_F(Interop, TheBookmarkCarrierIsNoEvent) {
  enumerate();
  const std::string carrier =
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
      "Name='Microsoft-Windows-EventForwarder'/>"
      "<EventID>111</EventID><TimeCreated "
      "SystemTime='2024-05-01T10:15:30.123Z'/><Computer>host7.lab.example</Computer></System>"
      "<SubscriptionBookmarkEvent><SubscriptionId></SubscriptionId></SubscriptionBookmarkEvent></Event>";
  expect_ack(stack_.post("host7.lab.example", path_, wide(events_message({carrier}))));
  EXPECT_EQ(stored(), "");
  EXPECT_THAT(enumerate(), HasSubstr(kBookmark));
}

TEST_F(Interop, EndIsAnsweredWith204) {
  const std::string end =
      "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
      "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
      "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "
      "xmlns:p=\"http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd\">"
      "<s:Header><a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To><w:ResourceURI "
      "s:mustUnderstand=\"true\">"
      "http://schemas.microsoft.com/wbem/wsman/1/wsman/FullDuplex</w:ResourceURI><a:Action s:mustUnderstand=\"true\">"
      "http://schemas.microsoft.com/wbem/wsman/1/wsman/End</"
      "a:Action><a:MessageID>uuid:0F4D2C9A-1111-4A5B-8C3D-000000000002</a:MessageID>"
      "<p:OperationID>uuid:0F4D2C9A-3333-4A5B-8C3D-000000000001</p:OperationID></s:Header><s:Body></s:Body></s:Envelope>";
  const auto reply =
      stack_.post("host7.lab.example", "/wsman/SubscriptionManager/WEC", wide(end), {"Content-Encoding: SLDC"});
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(reply.body, "");
}

TEST_F(Interop, SubscriptionEndIsAcknowledgedAndShown) {
  enumerate();
  const std::string body =
      "<e:SubscriptionEnd><e:SubscriptionManager><a:Address>http://x/</a:Address><a:ReferenceProperties><e:Identifier>"
      "E1E1E1E1-5555-4000-8000-00000000ABCD</e:Identifier></a:ReferenceProperties></e:SubscriptionManager><e:Status>"
      "http://schemas.xmlsoap.org/ws/2004/08/eventing/SourceCancelling</e:Status><f:WSManFault "
      "xmlns:f=\"http://schemas.microsoft.com/"
      "wbem/wsman/1/wsmanfault\" Code=\"1717\" "
      "Machine=\"host7.lab.example\"><f:Message>gone</f:Message></f:WSManFault></e:SubscriptionEnd>";
  expect_ack(stack_.post("host7.lab.example", path_,
                         wide(delivery("http://schemas.xmlsoap.org/ws/2004/08/eventing/SubscriptionEnd", body))));
  EXPECT_THAT(stack_.tool("wecutil", {"gr", "all"}).out, HasSubstr("LastError: 1717"));
}

TEST_F(Interop, ADeliveryForAnUnknownSubscriptionIsDestinationUnreachable) {
  enumerate();
  path_ = "/wsman/subscriptions/00000000-0000-4000-8000-000000000000";
  identifier_ = "00000000-0000-4000-8000-000000000000";
  const auto reply = stack_.post("host7.lab.example", path_, wide(events_message({event(1)})));
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(narrow(reply.body),
              AllOf(HasSubstr("a:DestinationUnreachable"), HasSubstr(std::string("<a:RelatesTo>") + kMessageId)));
}

TEST_F(Interop, ADeliveryForADisabledSubscriptionIsRefused) {
  enumerate();
  ASSERT_EQ(stack_.tool("wecutil", {"ss", "all", "/e:false"}).status, 0);
  const auto reply = stack_.post("host7.lab.example", path_, wide(events_message({event(1)})));
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(narrow(reply.body), HasSubstr("w:DeliveryRefused"));
}

TEST_F(Interop, ADeniedSubjectGetsAnEmptyListAndAccessDenied) {
  enumerate();
  ASSERT_EQ(stack_.tool("wecutil", {"ss", "all", "/ds:kiosk*"}).status, 0);
  stack_.issue("kiosk1.lab.example");
  const auto list = stack_.post("kiosk1.lab.example", "/wsman/SubscriptionManager/WEC", wide(enumerate_message()));
  EXPECT_EQ(list.status, 200);
  EXPECT_THAT(narrow(list.body), Not(HasSubstr("<m:Subscription")));
  const auto reply = stack_.post("kiosk1.lab.example", path_, wide(events_message({event(1)})));
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(narrow(reply.body), HasSubstr("w:AccessDenied"));
}

TEST_F(Interop, WithoutACertificateThereIs401) {
  const auto reply = stack_.post("", "/wsman/SubscriptionManager/WEC", wide(enumerate_message()));
  EXPECT_EQ(reply.status, 401) << reply.error;
  EXPECT_THAT(reply.headers, HasSubstr("WWW-Authenticate: "));
  EXPECT_EQ(reply.body, "");
}

TEST_F(Interop, ABodyOverTheLimitIs413WithoutSoap) {
  enumerate();
  const auto reply = stack_.post("host7.lab.example", path_, std::string(600'000, 'x'));
  EXPECT_EQ(reply.status, 413) << reply.error;
  EXPECT_EQ(reply.body, "");
}

TEST_F(Interop, XmlNestedTooDeeplyAndEntitiesAreRefused) {
  enumerate();
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  const std::vector<std::string> typed{"Content-Type: application/soap+xml;charset=UTF-8"};
  EXPECT_EQ(stack_.post("host7.lab.example", path_, deep, typed).status, 500);
  EXPECT_EQ(stack_.post("host7.lab.example", path_, "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>", typed).status, 500);
  expect_ack(stack_.post("host7.lab.example", path_, wide(events_message({event(1)}))));
}

TEST_F(Interop, OtherMethodsAndTypesAreRefused) {
  EXPECT_EQ(stack_.post("host7.lab.example", "/wsman/subscriptions/x", "text", {"Content-Type: text/plain"}).status, 415);
  EXPECT_EQ(stack_.post("host7.lab.example", "/elsewhere", wide(enumerate_message())).status, 404);
}

TEST_F(Interop, Utf8IsAnsweredInUtf8) {
  const auto reply = stack_.post("host7.lab.example", "/wsman/SubscriptionManager/WEC", enumerate_message(),
                                 {"Content-Type: application/soap+xml;charset=UTF-8"});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, StartsWith("<s:Envelope xml:lang=\"en-US\""));
  EXPECT_THAT(reply.headers, HasSubstr("charset=UTF-8"));
}

}  // namespace
}  // namespace integration
