#include "tests/wsman/messages.h"

namespace test_support {

RequestText::RequestText(std::string_view action) {
  block("a:To", "<a:To>http://wec.lab.example:5985/wsman</a:To>");
  block("a:ReplyTo",
        "<a:ReplyTo><a:Address s:mustUnderstand=\"true\">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
        "</a:Address></a:ReplyTo>");
  block("a:Action", "<a:Action s:mustUnderstand=\"true\">" + std::string(action) + "</a:Action>");
  block("a:MessageID", "<a:MessageID>" + std::string(kMessageId) + "</a:MessageID>");
}

RequestText& RequestText::block(std::string_view name, std::string_view xml) {
  for (Block& known : blocks_) {
    if (known.name != name) continue;
    known.xml = xml;
    return *this;
  }
  blocks_.push_back(Block{std::string(name), std::string(xml)});
  return *this;
}

RequestText& RequestText::resource(std::string_view uri) {
  return block("w:ResourceURI", "<w:ResourceURI s:mustUnderstand=\"true\">" + std::string(uri) + "</w:ResourceURI>");
}

RequestText& RequestText::body(std::string_view xml) {
  body_ = xml;
  return *this;
}

std::string RequestText::text() const {
  std::string out =
      "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\""
      " xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
      " xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\""
      " xmlns:e=\"http://schemas.xmlsoap.org/ws/2004/08/eventing\""
      " xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\""
      " xmlns:p=\"http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd\""
      " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><s:Header>";
  for (const Block& known : blocks_) out += known.xml;
  out += "</s:Header><s:Body>" + body_ + "</s:Body></s:Envelope>";
  return out;
}

}  // namespace test_support
