#include "tests/integration/config_client.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "engine/wsman/names.h"

namespace integration {
namespace {

std::string first(const std::string& text, const std::string& pattern) {
  std::smatch found;
  return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : std::string();
}

std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string config_uri(const std::string& path) {
  return "http://schemas.microsoft.com/wbem/wsman/1/config" + (path.empty() ? "" : "/" + path);
}

std::string config_envelope(const std::string& action, const std::string& path, const std::string& body,
                            const Selectors& selectors, const std::string& headers) {
  std::string set;
  for (const auto& [name, value] : selectors) set += "<w:Selector Name=\"" + name + "\">" + value + "</w:Selector>";
  if (!set.empty()) set = "<w:SelectorSet>" + set + "</w:SelectorSet>";
  return "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
         "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
         "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" "
         "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header>"
         "<a:To>http://localhost/wsman</a:To><w:ResourceURI s:mustUnderstand=\"true\">" +
         config_uri(path) +
         "</w:ResourceURI><a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address>"
         "</a:ReplyTo><a:Action s:mustUnderstand=\"true\">" +
         action + "</a:Action><a:MessageID>uuid:0F4D2C9A-1111-4A5B-8C3D-00000000000a</a:MessageID>" + set + headers +
         "</s:Header><s:Body>" + body + "</s:Body></s:Envelope>";
}

ConfigReply ConfigClient::send(const std::string& action, const std::string& path, const std::string& body,
                               const Selectors& selectors, const std::string& headers) const {
  test_support::TemporaryDirectory files;
  const auto in = files.write("request", config_envelope(action, path, body, selectors, headers));
  const auto result =
      test_support::run_command({"curl", "--silent", "--show-error", "--max-time", "30", "--unix-socket",
                                 (stack_.collector_state() / "control.sock").string(), "--data-binary", "@" + in.string(),
                                 "--output", (files / "body").string(), "--write-out", "%{http_code}", "-H", "Expect:", "-H",
                                 "Content-Type: application/soap+xml;charset=UTF-8", "http://localhost/wsman"});
  ConfigReply reply;
  reply.status = result.out.empty() ? 0 : std::stoi(result.out);
  EXPECT_NE(reply.status, 0) << result.err;
  const std::string text = slurp(files / "body");
  reply.body = first(text, "<s:Body>([^]*)</s:Body>");
  reply.fault = first(text, "<f:WSManFault[^>]* Code=\"(\\d+)\"");
  reply.subcode = first(text, "<s:Subcode><s:Value>([^<]*)<");
  return reply;
}

ConfigReply ConfigClient::get(const std::string& path, const Selectors& selectors) const {
  return send(std::string(wsman::action::kGet), path, "", selectors);
}

ConfigReply ConfigClient::put(const std::string& path, const std::string& body, const Selectors& selectors) const {
  return send(std::string(wsman::action::kPut), path, body, selectors);
}

ConfigReply ConfigClient::create(const std::string& path, const std::string& body, const Selectors& selectors) const {
  return send(std::string(wsman::action::kCreate), path, body, selectors);
}

ConfigReply ConfigClient::remove(const std::string& path, const Selectors& selectors) const {
  return send(std::string(wsman::action::kDelete), path, "", selectors);
}

ConfigReply ConfigClient::enumerate(const std::string& path, const std::string& inside) const {
  return send(std::string(wsman::action::kEnumerate), path,
              "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements>" + inside + "</n:Enumerate>");
}

ConfigReply ConfigClient::invoke(const std::string& path, const std::string& method) const {
  return send(config_uri(path) + "/" + method, path, "<p:" + method + "_INPUT xmlns:p=\"" + config_uri(path) + "\"/>");
}

ConfigReply ConfigClient::set(const std::string& path, const std::string& root, const std::string& elements,
                              const Selectors& selectors) const {
  return put(path, "<cfg:" + root + " xmlns:cfg=\"" + config_uri(path) + "\">" + elements + "</cfg:" + root + ">",
             selectors);
}

std::string ConfigClient::value(const std::string& path, const std::string& element) const {
  return first(get(path).body, "<cfg:" + element + "[^>]*>([^<]*)<");
}

}  // namespace integration
