#include "engine/wsman/fault.h"

#include <gtest/gtest.h>

#include "engine/base/win32.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/wsman/messages.h"

namespace wsman {
namespace {

using test_support::IsOk;

const int kCodes = static_cast<int>(fault_rows().size());

Result<Envelope> sent(const Fault& fault) {
  return read_envelope(write_envelope(fault_message(fault, "uuid:1", "host.example")));
}

TEST(Fault, EveryCodeSurvivesTheWire) {
  for (int i = 0; i < kCodes; ++i) {
    const auto code = static_cast<FaultCode>(i);
    auto envelope = sent(make_fault(code, "why & wherefore"));
    ASSERT_THAT(envelope, IsOk());
    EXPECT_EQ(envelope->headers.action, action_of(code));
    auto fault = envelope->fault();
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->code, code) << row_of(code).subcode;
    EXPECT_EQ(windows_code_of(*fault), row_of(code).windows_code);
    EXPECT_EQ(fault->reason, "why & wherefore");
  }
}

TEST(Fault, EveryFaultGoesOutWithStatus500AndWithoutAFullStop) {
  for (int i = 0; i < kCodes; ++i) {
    const FaultRow& row = row_of(static_cast<FaultCode>(i));
    EXPECT_EQ(row.http_status, 500u);
    EXPECT_FALSE(row.text.empty());
    EXPECT_NE(row.text.back(), '.');
  }
}

TEST(Fault, MessageHasWindowsShape) {
  Fault fault = make_fault(FaultCode::UnexpectedSelectors, "No selector Color");
  fault.detail_xml = "<x:More xmlns:x='urn:x'/>";
  auto envelope = sent(fault);
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->headers.action, "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault");
  EXPECT_EQ(envelope->headers.relates_to, "uuid:1");
  EXPECT_EQ(envelope->headers.to, kAnonymous);
  const auto body = envelope->body();
  const auto code = body.child(ns::kSoap, "Code");
  EXPECT_EQ(code.child(ns::kSoap, "Value").text(), "s:Sender");
  EXPECT_EQ(code.child(ns::kSoap, "Subcode").child(ns::kSoap, "Value").text(), "w:InvalidSelectors");
  EXPECT_EQ(code.lookup_namespace("w"), ns::kWsman);
  const auto text = body.child(ns::kSoap, "Reason").child(ns::kSoap, "Text");
  EXPECT_EQ(text.attribute(ns::kXml, "lang"), "en-US");
  auto detail = body.child(ns::kSoap, "Detail").first_child();
  EXPECT_TRUE(detail.is(ns::kWsman, "FaultDetail"));
  EXPECT_EQ(detail.text(), "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/UnexpectedSelectors");
  detail = detail.next_sibling();
  EXPECT_TRUE(detail.is("urn:x", "More"));
  detail = detail.next_sibling();
  EXPECT_TRUE(detail.is(ns::kFault, "WSManFault"));
  EXPECT_EQ(detail.attribute("Code"), "2150858843");
  EXPECT_EQ(detail.attribute("Machine"), "host.example");
  EXPECT_EQ(detail.child(ns::kFault, "Message").text(), "No selector Color");
}

TEST(Fault, NotUnderstoodNamesTheHeader) {
  Fault fault = make_fault(FaultCode::MustUnderstand);
  fault.not_understood_namespace = "urn:odd";
  fault.not_understood_name = "Odd";
  auto envelope = sent(fault);
  ASSERT_THAT(envelope, IsOk());
  const auto block = envelope->document.root().child(ns::kSoap, "Header").child(ns::kSoap, "NotUnderstood");
  ASSERT_TRUE(block);
  EXPECT_EQ(block.attribute("qname"), "q:Odd");
  EXPECT_EQ(block.lookup_namespace("q"), "urn:odd");
}

TEST(Fault, LongReasonIsCutBetweenCharacters) {
  std::string reason = "x";
  while (reason.size() < 10'000) reason += "\xC3\xA4";
  const std::string text = write_envelope(fault_message(make_fault(FaultCode::InternalError, reason), "", ""));
  EXPECT_LT(text.size(), 4096u);
  auto envelope = read_envelope(text);
  ASSERT_THAT(envelope, IsOk());
  EXPECT_EQ(envelope->fault()->reason.size() % 2, 1u);
}

TEST(Fault, NestedProviderFaultsGiveTheInnermostText) {
  auto envelope = read_envelope(
      "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' "
      "xmlns:q='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'>"
      "<s:Body><s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>q:TimedOut</s:Value></s:Subcode></s:Code>"
      "<s:Reason><s:Text>general. </s:Text></s:Reason><s:Detail><f:WSManFault"
      " xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' Code='1717' Machine=''><f:Message>"
      "<f:ProviderFault provider='Event Forwarding Plugin'><f:WSManFault Code='1717'><f:Message>inner. </f:Message>"
      "</f:WSManFault></f:ProviderFault></f:Message></f:WSManFault></s:Detail></s:Fault></s:Body></s:Envelope>");
  ASSERT_THAT(envelope, IsOk());
  auto fault = envelope->fault();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, FaultCode::TimedOut);
  EXPECT_EQ(fault->windows_code, 1717u);
  EXPECT_EQ(fault->reason, "inner.");
}

TEST(Fault, InternalErrorsKeepTheirTextToThemselves) {
  const Fault fault = as_fault(base::make_error(std::errc::io_error, "/var/lib/secret"), "a test");
  EXPECT_EQ(fault.code, FaultCode::InternalError);
  EXPECT_EQ(fault.reason.find("secret"), std::string::npos);
  EXPECT_EQ(windows_code_of(fault), 1359u);
}

TEST(Fault, WindowsErrorsAreToldWithTheirNumber) {
  const Fault fault = as_fault(base::make_error(base::Win32::EvtChannelNotFound, "No log X"), "a test");
  EXPECT_EQ(fault.code, FaultCode::InternalError);
  EXPECT_EQ(windows_code_of(fault), 15007u);
  EXPECT_NE(fault.reason.find("No log X"), std::string::npos);
  EXPECT_EQ(as_fault(base::make_error(base::Win32::AccessDenied, ""), "").code, FaultCode::AccessDenied);
  EXPECT_EQ(as_fault(base::make_error(base::win32_code(2150858803), ""), "").code, FaultCode::AlreadyExists);
  EXPECT_EQ(as_fault(base::make_error(std::errc::no_space_on_device, "x"), "a test").code, FaultCode::EndpointUnavailable);
}

TEST(Fault, BecomesAnErrorWithItsNumber) {
  const base::Error error = as_error(make_fault(FaultCode::TimedOut, "too slow"));
  EXPECT_EQ(error.code, base::win32_code(2150858793));
  EXPECT_EQ(error.what, "too slow");
}

}  // namespace
}  // namespace wsman
