#include "engine/wsman/envelope.h"

#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/wsman/messages.h"

namespace wsman {
namespace {

using test_support::IsFault;
using test_support::IsOk;
using test_support::RequestText;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kBookmark =
    "<BookmarkList><Bookmark Channel=\"System\" RecordId='9043'  IsCurrent=\"true\"/></BookmarkList>";

RequestText get_request() {
  return RequestText(action::kGet).resource(resource::kLog);
}

TEST(Envelope, HeadersAreRead) {
  auto request = get_request();
  request.block("w:MaxEnvelopeSize", "<w:MaxEnvelopeSize s:mustUnderstand=\"true\">512000</w:MaxEnvelopeSize>")
      .block("w:OperationTimeout", "<w:OperationTimeout>PT0.500S</w:OperationTimeout>")
      .block("w:Locale", "<w:Locale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>")
      .block("m:MachineID",
             "<m:MachineID xmlns:m=\"http://schemas.microsoft.com/wbem/wsman/1/machineid\""
             " s:mustUnderstand=\"false\">host7.lab.example</m:MachineID>")
      .block("e:Identifier", "<e:Identifier>5D0F3C11-3333-4F4E-8B77-0A0B0C0D0E0F</e:Identifier>")
      .block("w:AckRequested", "<w:AckRequested/>")
      .block("w:SelectorSet", "<w:SelectorSet><w:Selector Name=\"Name\">System</w:Selector></w:SelectorSet>")
      .block("w:OptionSet",
             "<w:OptionSet><w:Option Name=\"CDATA\" xsi:nil=\"true\"/>"
             "<w:Option Name=\"ContentFormat\" MustComply=\"true\">Raw</w:Option></w:OptionSet>");
  auto envelope = read_envelope(request.text());
  ASSERT_THAT(envelope, IsOk());
  const Headers& h = envelope->headers;
  EXPECT_EQ(h.action, action::kGet);
  EXPECT_EQ(h.to, "http://wec.lab.example:5985/wsman");
  EXPECT_EQ(h.reply_to, kAnonymous);
  EXPECT_EQ(h.message_id, RequestText::kMessageId);
  EXPECT_EQ(h.resource_uri, resource::kLog);
  EXPECT_EQ(h.max_envelope_size, 512000u);
  EXPECT_EQ(h.operation_timeout, std::chrono::milliseconds(500));
  EXPECT_EQ(h.locale, "en-US");
  EXPECT_EQ(h.machine_id, "host7.lab.example");
  EXPECT_EQ(h.identifier, "5D0F3C11-3333-4F4E-8B77-0A0B0C0D0E0F");
  EXPECT_TRUE(h.ack_requested);
  EXPECT_EQ(h.find_selector("name"), "System");
  EXPECT_EQ(h.find_option("CDATA"), "true");
  EXPECT_EQ(h.find_option("ContentFormat"), "Raw");
  EXPECT_TRUE(h.options[1].must_comply);
  EXPECT_TRUE(envelope->not_understood.empty());
}

TEST(Envelope, HeaderTextIsTrimmedAndPrefixesAreFree) {
  auto envelope = read_envelope(
      "<soap:Envelope xmlns:soap='http://www.w3.org/2003/05/soap-envelope' "
      "xmlns='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'"
      " xmlns:wsa='http://schemas.xmlsoap.org/ws/2004/08/addressing'><soap:Header><ResourceURI>\r\n  urn:x \t</ResourceURI>"
      "<wsa:MessageID> urn:uuid:abc </wsa:MessageID></soap:Header><soap:Body/></soap:Envelope>");
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->headers.resource_uri, "urn:x");
  EXPECT_EQ(envelope->headers.message_id, "urn:uuid:abc");
  EXPECT_FALSE(envelope->body());
}

TEST(Envelope, BookmarkIsKeptByteForByte) {
  auto envelope =
      read_envelope(get_request().block("w:Bookmark", "<w:Bookmark>" + std::string(kBookmark) + "</w:Bookmark>").text());
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->headers.bookmark, kBookmark);
}

TEST(Envelope, BookmarkKeepsEntitiesCommentsAndCdata) {
  const std::string odd = "<B Channel=\"a&amp;b&#13;>\"><!-- </w:Bookmark> --><![CDATA[</w:Bookmark>]]><B/></B>";
  auto envelope = read_envelope(get_request().block("w:Bookmark", "<w:Bookmark>" + odd + "</w:Bookmark>").text());
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->headers.bookmark, odd);
}

TEST(Envelope, BookmarkThatBorrowsAPrefixStandsAlone) {
  auto envelope =
      read_envelope(get_request().block("w:Bookmark", "<w:Bookmark><p:List><p:At n='1'/></p:List></w:Bookmark>").text());
  ASSERT_THAT(envelope, IsOk());
  ASSERT_TRUE(envelope->headers.bookmark.has_value());
  auto alone = xml::Document::parse(*envelope->headers.bookmark);
  ASSERT_THAT(alone, IsOk());
  EXPECT_TRUE(alone->root().is(ns::kMicrosoft, "List"));
}

TEST(Envelope, BookmarkMayBeAnAddress) {
  auto envelope = read_envelope(get_request().block("w:Bookmark", "<w:Bookmark>\n urn:earliest </w:Bookmark>").text());
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->headers.bookmark, "urn:earliest");
}

TEST(Envelope, BookmarkOverItsLimitIsRefused) {
  EnvelopeLimits limits;
  limits.bookmark_bytes = 20;
  EXPECT_THAT(
      read_envelope(get_request().block("w:Bookmark", "<w:Bookmark>" + std::string(kBookmark) + "</w:Bookmark>").text(),
                    limits),
      IsFault(FaultCode::EncodingLimit));
}

TEST(Envelope, UnknownMandatoryHeadersAreListed) {
  auto envelope = read_envelope(get_request()
                                    .block("1", "<x:Odd xmlns:x='urn:odd' s:mustUnderstand='1'/>")
                                    .block("2", "<x:Odder xmlns:x='urn:odd' mustUnderstand=' true '/>")
                                    .block("3", "<x:Fine xmlns:x='urn:odd' s:mustUnderstand='false'/>")
                                    .text());
  ASSERT_THAT(envelope, IsOk());
  ASSERT_EQ(envelope->not_understood.size(), 2u);
  EXPECT_EQ(envelope->not_understood[0], std::make_pair(std::string("urn:odd"), std::string("Odd")));
  EXPECT_EQ(envelope->not_understood[1].second, "Odder");
}

TEST(Envelope, BothSpellingsOfOperationIdAreRead) {
  auto envelope = read_envelope(get_request()
                                    .block("o", "<p:OperationId s:mustUnderstand='true'>uuid:1</p:OperationId>")
                                    .block("q", "<p:SequenceID>7</p:SequenceID>")
                                    .text());
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->headers.operation_id, "uuid:1");
  EXPECT_EQ(envelope->headers.sequence_id, 7u);
  EXPECT_TRUE(envelope->retransmission);
}

TEST(Envelope, MalformedInputHasItsFault) {
  const auto with = [](std::string_view xml) { return read_envelope(get_request().block("x", xml).text()); };
  EXPECT_THAT(read_envelope(""), IsFault(FaultCode::SchemaValidationError));
  EXPECT_THAT(read_envelope("<a"), IsFault(FaultCode::SchemaValidationError));
  EXPECT_THAT(read_envelope("<Other/>"), IsFault(FaultCode::SchemaValidationError));
  EXPECT_THAT(read_envelope("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body/></s:Envelope>"),
              IsFault(FaultCode::VersionMismatch));
  EXPECT_THAT(read_envelope("<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header/></s:Envelope>"),
              IsFault(FaultCode::SchemaValidationError, "no body"));
  EXPECT_THAT(read_envelope("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"), IsFault(FaultCode::SchemaValidationError));
  EXPECT_THAT(read_envelope("<?target?><a/>"), IsFault(FaultCode::SchemaValidationError));
  EXPECT_THAT(with("<w:OperationTimeout>PT-1S</w:OperationTimeout>"), IsFault(FaultCode::InvalidMessageInformationHeader));
  EXPECT_THAT(with("<w:OperationTimeout>soon</w:OperationTimeout>"), IsFault(FaultCode::InvalidMessageInformationHeader));
  EXPECT_THAT(with("<w:MaxEnvelopeSize>-1</w:MaxEnvelopeSize>"), IsFault(FaultCode::InvalidMessageInformationHeader));
  EXPECT_THAT(with("<p:SequenceId>one</p:SequenceId>"), IsFault(FaultCode::InvalidMessageInformationHeader));
  EXPECT_THAT(with("<a:MessageID>uuid:2</a:MessageID>"), IsFault(FaultCode::InvalidMessageInformationHeader, "twice"));
  EXPECT_THAT(with("<w:FragmentTransfer>Name</w:FragmentTransfer>"), IsFault(FaultCode::InvalidMessageInformationHeader));
  EXPECT_THAT(with("<w:SelectorSet><w:Selector Name='A'>1</w:Selector><w:Selector Name='a'>2</w:Selector></w:SelectorSet>"),
              IsFault(FaultCode::DuplicateSelectors));
  EXPECT_THAT(with("<w:SelectorSet><w:Selector>1</w:Selector></w:SelectorSet>"), IsFault(FaultCode::UnexpectedSelectors));
  EXPECT_THAT(with("<w:OptionSet><w:Option>1</w:Option></w:OptionSet>"), IsFault(FaultCode::OptionsInvalidName));
  EXPECT_THAT(with("<a:FaultTo><a:Address/></a:FaultTo>"), IsFault(FaultCode::InvalidMessageInformationHeader, "FaultTo"));
  EXPECT_THAT(with("<w:MaxEnvelopeSize Policy='Cut'>8192</w:MaxEnvelopeSize>"),
              IsFault(FaultCode::UnsupportedMaxEnvelopePolicy));
}

TEST(Envelope, OptionsHaveTypes) {
  const auto option = [](const std::string& inside) {
    return read_envelope(
        get_request()
            .block("o", "<w:OptionSet xmlns:xs='http://www.w3.org/2001/XMLSchema'>" + inside + "</w:OptionSet>")
            .text());
  };
  auto good = option(
      "<w:Option Name='a' Type='xs:boolean'>true</w:Option><w:Option Name='b' Type='xs:int'>-5</w:Option>"
      "<w:Option Name='c' Type='xs:unsignedInt'>5</w:Option><w:Option Name='d' Type='xs:string'>x</w:Option>"
      "<w:Option Name='e' Type='xs:boolean' xsi:nil='true'/><w:Option Name='a'>again</w:Option>");
  ASSERT_THAT(good, IsOk());
  ASSERT_EQ(good->headers.options.size(), 6u);
  EXPECT_EQ(good->headers.options[0].type, "boolean");
  EXPECT_TRUE(good->headers.options[4].nil);
  EXPECT_THAT(option("<w:Option Name='a' Type='xs:boolean'>yes</w:Option>"), IsFault(FaultCode::OptionsInvalidValue));
  EXPECT_THAT(option("<w:Option Name='a' Type='xs:unsignedInt'>-1</w:Option>"), IsFault(FaultCode::OptionsInvalidValue));
  EXPECT_THAT(option("<w:Option Name='a' Type='odd:boolean'>true</w:Option>"), IsFault(FaultCode::OptionsInvalidValue));
}

TEST(Envelope, ASelectorMayBeAReference) {
  const auto selector = [](const std::string& inside) {
    return read_envelope(
        get_request().block("x", "<w:SelectorSet><w:Selector Name='A'>" + inside + "</w:Selector></w:SelectorSet>").text());
  };
  const auto reference = [](const std::string& inside) {
    return "<a:EndpointReference><a:Address>urn:a</a:Address><a:ReferenceParameters><w:ResourceURI>urn:r</w:ResourceURI>"
           "<w:SelectorSet><w:Selector Name='B'>" +
           inside + "</w:Selector></w:SelectorSet></a:ReferenceParameters></a:EndpointReference>";
  };
  auto good = selector(reference("1"));
  ASSERT_THAT(good, IsOk());
  ASSERT_EQ(good->headers.selectors.size(), 1u);
  EXPECT_EQ(good->headers.selectors[0].value, "");
  const auto kept = xml::Document::parse(good->headers.selectors[0].endpoint_reference);
  ASSERT_THAT(kept, IsOk());
  EXPECT_TRUE(kept->root().is(ns::kAddressing, "EndpointReference"));

  const auto nested = selector(reference(reference("1")));
  ASSERT_THAT(nested, IsFault(FaultCode::InvalidSelectors));
  EXPECT_EQ(windows_code_of(nested.error()), 2150858879u);
  EXPECT_THAT(selector(reference("1") + reference("2")), IsFault(FaultCode::InvalidSelectorValue));
  EXPECT_THAT(selector("text" + reference("1")), IsFault(FaultCode::InvalidSelectorValue));
  EXPECT_THAT(selector("<w:Other/>"), IsFault(FaultCode::InvalidSelectorValue));
  EXPECT_THAT(selector("<a:EndpointReference/>"), IsFault(FaultCode::InvalidSelectorValue));
}

TEST(Envelope, IdentifiersAreBounded) {
  const auto with = [](std::string_view name, const std::string& xml) {
    return read_envelope(get_request().block(name, xml).text());
  };
  const std::string longest(2048, 'x');
  EXPECT_THAT(with("a:MessageID", "<a:MessageID>" + longest + "</a:MessageID>"), IsOk());
  EXPECT_THAT(with("a:MessageID", "<a:MessageID>" + longest + "x</a:MessageID>"),
              IsFault(FaultCode::InvalidMessageInformationHeader, "MessageID"));
  std::string wide;
  for (int i = 0; i < 2048; ++i) wide += "\xC3\xA4";
  EXPECT_THAT(with("i", "<p:ActivityId>" + wide + "</p:ActivityId>"), IsOk());
  EXPECT_THAT(with("i", "<p:ActivityId>" + wide + "x</p:ActivityId>"),
              IsFault(FaultCode::InvalidMessageInformationHeader, "ActivityId"));
  EXPECT_THAT(with("a:To", "<a:To>" + longest + "x</a:To>"), IsFault(FaultCode::UriLimitExceeded));
}

TEST(Envelope, CutAnywhereItIsAFault) {
  const std::string whole = get_request()
                                .block("w:Bookmark", "<w:Bookmark>" + std::string(kBookmark) + "</w:Bookmark>")
                                .body("<w:Events><w:Event><![CDATA[<Event/>]]></w:Event></w:Events>")
                                .text();
  ASSERT_THAT(read_envelope(whole), IsOk());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(read_envelope(whole.substr(0, length)), IsFault(FaultCode::SchemaValidationError)) << length;
  }
}

TEST(Envelope, BoundsHold) {
  std::string deep = "<s:Envelope>";
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_THAT(read_envelope(deep), IsFault(FaultCode::EncodingLimit));

  auto headers = get_request();
  for (int i = 0; i < 100; ++i) headers.block("h" + std::to_string(i), "<x/>");
  EXPECT_THAT(read_envelope(headers.text()), IsFault(FaultCode::EncodingLimit, "headers"));

  const std::string long_text(3000, 'x');
  EXPECT_THAT(read_envelope(get_request().resource(long_text).text()), IsFault(FaultCode::UriLimitExceeded));
  EXPECT_THAT(read_envelope(get_request().block("p", "<p:ActivityId>" + long_text + "</p:ActivityId>").text()),
              IsFault(FaultCode::InvalidMessageInformationHeader));

  std::string selectors = "<w:SelectorSet>";
  std::string options = "<w:OptionSet>";
  for (int i = 0; i < 100; ++i) {
    selectors += "<w:Selector Name='s" + std::to_string(i) + "'>1</w:Selector>";
    options += "<w:Option Name='o" + std::to_string(i) + "'>1</w:Option>";
  }
  EXPECT_THAT(read_envelope(get_request().block("s", selectors + "</w:SelectorSet>").text()),
              IsFault(FaultCode::SelectorLimit));
  EXPECT_THAT(read_envelope(get_request().block("o", options + "</w:OptionSet>").text()), IsFault(FaultCode::OptionLimit));
}

TEST(Envelope, MessageIdIsToldEvenWhenTheRequestIsRefused) {
  std::string relates_to;
  auto envelope =
      read_envelope(get_request().block("x", "<w:OperationTimeout>soon</w:OperationTimeout>").text(), {}, &relates_to);
  EXPECT_THAT(envelope, IsFault(FaultCode::InvalidMessageInformationHeader));
  EXPECT_EQ(relates_to, RequestText::kMessageId);
}

TEST(Envelope, ControlCharactersInCdataPass) {
  std::string body = "<w:Events><w:Event><![CDATA[<Event>\x01\x04\xEF\xBF\xBE</Event>]]></w:Event></w:Events>";
  auto envelope = read_envelope(get_request().body(body).text());
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->body().first_child().text(), "<Event>\x01\x04\xEF\xBF\xBE</Event>");
}

TEST(Envelope, ZeroCharacterDoesNotHideWhatFollows) {
  std::string body = "<w:Events><w:Event><![CDATA[a";
  body += '\0';
  body += "b]]></w:Event></w:Events>";
  auto envelope = read_envelope(get_request().body(body).text());
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->body().first_child().text(),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(Envelope, WrittenRequestReadsBackEqual) {
  Message message;
  Headers& h = message.headers;
  h.action = action::kEvents;
  h.to = "https://wec.lab.example:5986/wsman/subscriptions/1?a&b";
  h.message_id = "uuid:1";
  h.reply_to = kAnonymous;
  h.resource_uri = "urn:r";
  h.selectors = {{"Name", "<System>", ""}};
  h.options = {{"CDATA", "", true, false}, {"Format", "Raw & ready", false, true}};
  h.operation_timeout = std::chrono::seconds(60);
  h.max_envelope_size = 512000;
  h.locale = "en-US";
  h.data_locale = "de-DE";
  h.session_id = "uuid:2";
  h.operation_id = "uuid:3";
  h.sequence_id = 1;
  h.machine_id = "host7";
  h.extra = {"<e:Identifier>ID</e:Identifier>"};
  h.bookmark = kBookmark;
  h.ack_requested = true;
  message.body = "<w:Events/>";
  auto envelope = read_envelope(write_envelope(message));
  ASSERT_THAT(envelope, IsOk());
  const Headers& r = envelope->headers;
  EXPECT_EQ(r.action, h.action);
  EXPECT_EQ(r.to, h.to);
  EXPECT_EQ(r.message_id, h.message_id);
  EXPECT_EQ(r.reply_to, h.reply_to);
  EXPECT_EQ(r.resource_uri, h.resource_uri);
  EXPECT_EQ(r.find_selector("Name"), "<System>");
  EXPECT_EQ(r.find_option("CDATA"), "true");
  EXPECT_EQ(r.find_option("Format"), "Raw & ready");
  EXPECT_EQ(r.operation_timeout, h.operation_timeout);
  EXPECT_EQ(r.max_envelope_size, h.max_envelope_size);
  EXPECT_EQ(r.locale, h.locale);
  EXPECT_EQ(r.data_locale, h.data_locale);
  EXPECT_EQ(r.session_id, h.session_id);
  EXPECT_EQ(r.operation_id, h.operation_id);
  EXPECT_EQ(r.sequence_id, h.sequence_id);
  EXPECT_EQ(r.machine_id, h.machine_id);
  EXPECT_EQ(r.identifier, "ID");
  EXPECT_EQ(r.bookmark, h.bookmark);
  EXPECT_TRUE(r.ack_requested);
  EXPECT_TRUE(envelope->not_understood.empty());
  EXPECT_TRUE(envelope->body().is(ns::kWsman, "Events"));
}

TEST(Envelope, ReplyNamesTheRequestAndLeavesOutOperationId) {
  Headers request;
  request.message_id = "uuid:aBc";
  request.operation_id = "uuid:9";
  request.sequence_id = 1;
  const std::string text = write_envelope(reply_to(request, action::kAck, ""));
  EXPECT_THAT(text, StartsWith("<s:Envelope xml:lang=\"en-US\""));
  EXPECT_THAT(text, HasSubstr("<a:RelatesTo>uuid:aBc</a:RelatesTo>"));
  EXPECT_THAT(text, HasSubstr("<s:Body/>"));
  EXPECT_THAT(text, Not(HasSubstr("OperationID")));
  EXPECT_THAT(text, Not(HasSubstr("SequenceId")));
  EXPECT_THAT(text, Not(HasSubstr("mustUnderstand")));
}

TEST(Envelope, PrefixesOfTheBodyAreDeclared) {
  Message message;
  message.headers.relates_to = "uuid:1";
  for (const std::size_t padding : {0u, 100'000u}) {
    message.body =
        "<x:A xsi:nil='true'><e:B/><n:C/><b:D/><m:E/><c:F/><auth:G/><f:H/><p:I/>" + std::string(padding, '.') + "</x:A>";
    auto envelope = read_envelope(write_envelope(message));
    ASSERT_THAT(envelope, IsOk());
    EXPECT_TRUE(envelope->body().is(ns::kTransfer, "A"));
    for (xml::Element child : envelope->body().children()) EXPECT_FALSE(child.namespace_uri().empty()) << child.local_name();
    EXPECT_EQ(envelope->body().attribute(ns::kXsi, "nil"), "true");
  }
}

TEST(Envelope, MessageIdIsAUuidInCapitals) {
  EXPECT_THAT(new_message_id(), ::testing::MatchesRegex("uuid:[0-9A-F-]{36}"));
  EXPECT_NE(new_message_id(), new_message_id());
}

}  // namespace
}  // namespace wsman
