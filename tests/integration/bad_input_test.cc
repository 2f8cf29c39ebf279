// Input that is wrong: definitions, queries and messages, given to the real programs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/utf16.h"
#include "tests/integration/stack.h"

namespace integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHost = "host7.lab.example";
constexpr const char* kMessageId = "uuid:0F4D2C9A-1111-4A5B-8C3D-00000000000a";
constexpr const char* kListUri = "http://schemas.microsoft.com/wbem/wsman/1/SubscriptionManager/Subscription";
constexpr const char* kEnumerate = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate";

std::string replaced(std::string text, const std::string& part, const std::string& by) {
  const auto at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return at == std::string::npos ? text : text.replace(at, part.size(), by);
}

class BadDefinition : public ::testing::Test {
 protected:
  void SetUp() override { stack_.start_collector(); }

  test_support::CommandResult create(const std::string& xml) {
    return stack_.tool("wecutil", {"cs", stack_.write("bad.xml", xml).string()});
  }

  Stack stack_;
  const std::string good_ = stack_.subscription_xml({});
};

TEST_F(BadDefinition, AnUnknownElementIsNamed) {
  const auto result = create(replaced(good_, "<Enabled>true</Enabled>", "<Enabled>true</Enabled><Colour>red</Colour>"));
  EXPECT_EQ(result.status, 87);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, AllOf(StartsWith("Failed to create subscription. Error = 0x57.\nThe parameter is incorrect.\n"),
                                HasSubstr("Colour: there is no such element in Subscription")));
}

TEST_F(BadDefinition, MalformedXmlIsNamed) {
  const auto result = create(good_.substr(0, good_.size() / 2));
  EXPECT_EQ(result.status, 15008 % 256);
  EXPECT_THAT(result.err, StartsWith("Failed to create subscription. Error = 0x3aa0.\n"
                                     "The specified XML text was not well-formed.\n"));
}

TEST_F(BadDefinition, AnEntityIsNotExpanded) {
  const auto result = create("<!DOCTYPE x [<!ENTITY a 'System'>]>" + good_);
  EXPECT_EQ(result.status, 15008 % 256);
  EXPECT_EQ(stack_.tool("wecutil", {"es"}).out, "");
}

TEST_F(BadDefinition, AWrongExpressionIsToldWithItsPosition) {
  const auto result = create(replaced(good_, ">*</Select>", ">*[System[EventID=]]</Select>"));
  EXPECT_EQ(result.status, 15001 % 256);
  EXPECT_THAT(result.err, AllOf(StartsWith("Failed to create subscription. Error = 0x3a99.\n"
                                           "The specified query is invalid.\n"),
                                HasSubstr("position 17")));
  EXPECT_EQ(stack_.tool("wecutil", {"es"}).out, "");
}

TEST_F(BadDefinition, AFileThatIsNotThereIsError2) {
  const auto result = stack_.tool("wecutil", {"cs", (stack_.directory() / "none.xml").string()});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, StartsWith("Failed to create subscription. Error = 0x2.\n"));
}

TEST_F(BadDefinition, AnIdThatIsTakenLeavesTheFirstAsItWas) {
  ASSERT_EQ(create(good_).status, 0);
  const auto result = create(replaced(good_, "<Enabled>true", "<Enabled>false"));
  EXPECT_EQ(result.status, 183);
  EXPECT_THAT(stack_.tool("wecutil", {"gs", "all"}).out, HasSubstr("Enabled: true"));
}

TEST_F(BadDefinition, ALocaleBesideEventsIsPassedOver) {
  const auto result = create(replaced(good_, "</ContentFormat>", "</ContentFormat><Locale Language=\"en-US\"/>"));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(stack_.tool("wecutil", {"gs", "all"}).out,
              AllOf(HasSubstr("ContentFormat: Events"), Not(HasSubstr("Locale"))));
  const auto both = stack_.tool("wecutil", {"ss", "all", "/cf:Events", "/l:en-US"});
  EXPECT_EQ(both.status, 87);
}

TEST_F(BadDefinition, AWrongQueryOfTheViewerIsToldWithItsPosition) {
  const auto result = stack_.tool("wevtutil", {"qe", "ForwardedEvents", "/q:*[System[EventID=]]"});
  EXPECT_EQ(result.status, 15001 % 256);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("A syntax error occurred at position 17"), HasSubstr("The specified query is invalid.")));
}

/// A message with one thing wrong, and what it is answered.
struct BadMessage {
  std::string name;
  std::string part;         ///< of the good message
  std::string replacement;  ///< for that part
  std::string code;         ///< of SOAP, or its subcode
  std::string number;       ///< WSManFault/@Code, or ""
};

void PrintTo(const BadMessage& message, std::ostream* out) {
  *out << message.name;
}

std::string good_message(const std::string& url) {
  return "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
         "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
         "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" "
         "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header><a:To>" +
         url + "</a:To><w:ResourceURI s:mustUnderstand=\"true\">" + kListUri +
         "</w:ResourceURI><a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address>"
         "</a:ReplyTo><a:Action s:mustUnderstand=\"true\">" +
         kEnumerate + "</a:Action><a:MessageID>" + kMessageId +
         "</a:MessageID></s:Header><s:Body><n:Enumerate><w:OptimizeEnumeration/></n:Enumerate></s:Body></s:Envelope>";
}

std::vector<BadMessage> bad_messages() {
  const std::string action = std::string("<a:Action s:mustUnderstand=\"true\">") + kEnumerate + "</a:Action>";
  const std::string id = std::string("<a:MessageID>") + kMessageId + "</a:MessageID>";
  const std::string header = "</s:Header>";
  const std::string enumerate = "<n:Enumerate><w:OptimizeEnumeration/></n:Enumerate>";
  return {
      {"WithoutAction", action, "", "a:MessageInformationHeaderRequired", "2150858769"},
      {"WithoutMessageId", id, "", "a:InvalidMessageInformationHeader", "2150858767"},
      {"WithoutTo", "<a:To>", "<a:From>", "a:MessageInformationHeaderRequired", "2150858769"},
      {"UnknownAction", "enumeration/Enumerate<", "enumeration/Divine<", "a:ActionNotSupported", "2150858771"},
      {"UnknownResource", "SubscriptionManager/Subscription<", "SubscriptionManager/Nothing<", "a:DestinationUnreachable",
       "2150858811"},
      {"UnknownHeader", header, "<x:Odd xmlns:x=\"urn:odd\" s:mustUnderstand=\"true\">1</x:Odd>" + header,
       "s:MustUnderstand", ""},
      {"UnknownHeaderAsNumber", header, "<x:Odd xmlns:x=\"urn:odd\" s:mustUnderstand=\"1\"/>" + header, "s:MustUnderstand",
       ""},
      {"OtherEnvelope", "2003/05/soap-envelope", "2099/01/soap-envelope", "s:VersionMismatch", ""},
      {"CutOff", "</s:Envelope>", "", "w:SchemaValidationError", ""},
      {"EntityDeclaration", "<s:Envelope", "<!DOCTYPE x [<!ENTITY a 'b'>]><s:Envelope", "w:SchemaValidationError", ""},
      {"UndeclaredPrefix", enumerate, "<q:Enumerate/>", "a:ActionNotSupported", "2150858801"},
  };
}

class Posted : public ::testing::TestWithParam<BadMessage> {
 protected:
  // One collector for all: that it goes on answering is part of the claim.
  static void SetUpTestSuite() {
    stack_ = new Stack;
    stack_->start_collector();
    stack_->issue(kHost);
  }
  static void TearDownTestSuite() {
    delete stack_;
    stack_ = nullptr;
  }

  static std::string message() {
    std::string text = good_message(stack_->url());
    text = replaced(text, GetParam().part, GetParam().replacement);
    if (GetParam().name == "WithoutTo") text = replaced(text, "</a:To>", "</a:From>");
    return text;
  }
  static Stack::Reply post(const std::string& body, const std::string& charset) {
    return stack_->post(kHost, "/wsman/SubscriptionManager/WEC", body,
                        {"Content-Type: application/soap+xml;charset=" + charset});
  }
  void expect_fault(const Stack::Reply& reply, const std::string& xml) {
    EXPECT_EQ(reply.status, 500) << reply.error;
    EXPECT_THAT(xml, HasSubstr("<s:Value>" + GetParam().code + "</s:Value>"));
    if (!GetParam().number.empty()) {
      EXPECT_THAT(xml, HasSubstr("Code=\"" + GetParam().number + "\""));
    }
  }

  static Stack* stack_;
};

Stack* Posted::stack_ = nullptr;

TEST_P(Posted, InUtf8IsAFaultInUtf8) {
  const auto reply = post(message(), "UTF-8");
  EXPECT_THAT(reply.headers, HasSubstr("charset=UTF-8"));
  expect_fault(reply, reply.body);
  EXPECT_EQ(post(good_message(stack_->url()), "UTF-8").status, 200);
}

TEST_P(Posted, InUtf16IsAFaultInUtf16) {
  const auto reply = post(base::utf8_to_utf16le_with_mark(message()), "UTF-16");
  EXPECT_THAT(reply.headers, HasSubstr("charset=UTF-16"));
  ASSERT_THAT(reply.body, StartsWith("\xFF\xFE"));
  expect_fault(reply, base::utf16_to_utf8(std::string_view(reply.body).substr(2), base::Utf16Order::LittleEndian).text);
}

INSTANTIATE_TEST_SUITE_P(Messages, Posted, ::testing::ValuesIn(bad_messages()),
                         [](const auto& instance) { return instance.param.name; });

class BadBody : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_collector();
    stack_.issue(kHost);
  }
  void TearDown() override {
    const auto good = post(good_message(stack_.url()), "UTF-8");
    EXPECT_EQ(good.status, 200) << good.error << good.body;
    EXPECT_TRUE(stack_.collector().running());
  }
  Stack::Reply post(const std::string& body, const std::string& charset) {
    return stack_.post(kHost, "/wsman/SubscriptionManager/WEC", body,
                       {"Content-Type: application/soap+xml;charset=" + charset});
  }

  Stack stack_;
};

TEST_F(BadBody, HalfAUtf16UnitIsAFault) {
  const auto reply = post(base::utf8_to_utf16le_with_mark(good_message(stack_.url())) + "<", "UTF-16");
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.headers, HasSubstr("application/soap+xml"));
}

TEST_F(BadBody, TextThatIsNotUtf8IsRepairedOrAFaultAndNothingWorse) {
  const auto reply = post(replaced(good_message(stack_.url()), kMessageId, "\xC3\x28\xFF\xF8"), "UTF-8");
  EXPECT_THAT(reply.status, ::testing::AnyOf(200, 500));
  EXPECT_THAT(reply.headers, HasSubstr("application/soap+xml"));
}

TEST_F(BadBody, XmlNestedAHundredThousandDeepIsAFault) {
  std::string deep = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body>";
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  const auto reply = post(deep, "UTF-8");
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, HasSubstr("w:EncodingLimit"));
}

TEST_F(BadBody, AnEmptyOneIsAnsweredWithoutSoap) {
  const auto reply = post("", "UTF-8");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "");
}

TEST_F(BadBody, AnUnknownCharsetIsAFault) {
  const auto reply = post(good_message(stack_.url()), "EBCDIC");
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, HasSubstr("w:EncodingLimit"));
}

TEST_F(BadBody, ThousandsOfAttributesAreAFaultOrAnAnswerInTime) {
  std::string many = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"";
  for (int i = 0; i < 20'000; ++i) many += " a" + std::to_string(i) + "=\"\"";
  const auto start = std::chrono::steady_clock::now();
  const auto reply = post(many + "/>", "UTF-8");
  EXPECT_EQ(reply.status, 500);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace integration
