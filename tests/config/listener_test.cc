#include "engine/config/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/xml/document.h"

namespace {

using config::Listener;
using config::ListenerChange;
using config::make_listener_key;
using ::testing::HasSubstr;

constexpr char kOpen[] = "<p:Listener xmlns:p='http://schemas.microsoft.com/wbem/wsman/1/config/listener'>";

std::uint32_t refusal(std::string_view address, std::string_view transport) {
  const auto key = make_listener_key(address, transport);
  return key.ok() ? 0 : wsman::windows_code_of(key.error());
}

TEST(ListenerKey, HasOneFormForAllSpellings) {
  EXPECT_EQ(make_listener_key("ip:192.0.2.7", "http")->address, "IP:192.0.2.7");
  EXPECT_EQ(make_listener_key(" IP:[2001:DB8:0::7] ", "HTTPS")->address, "IP:2001:db8::7");
  EXPECT_EQ(make_listener_key("mac:00-aa-BB-33-44-55", "HTTP")->address, "MAC:00-AA-BB-33-44-55");
  EXPECT_EQ(make_listener_key("*", "hTTpS")->transport(), "HTTPS");
}

TEST(ListenerKey, ThatIsNoneHasWindowsNumber) {
  for (const char* wrong : {"", "all", "**", "IP:", "IP:1.2.3", "192.0.2.7", "IP:host", "MAC:00-11", "MAC:00:11:22:33:44:55",
                            "MAC:00-11-22-33-44-GG"}) {
    EXPECT_EQ(refusal(wrong, "HTTP"), 2150858889u) << wrong;
  }
  EXPECT_EQ(refusal("*", "FTP"), 2150858817u);
}

TEST(ListenerDocument, WhatIsWrittenReadsAsTheSame) {
  Listener listener;
  listener.key = *make_listener_key("*", "HTTPS");
  listener.port = 443;
  listener.hostname = "host.lab.example";
  listener.enabled = false;
  listener.url_prefix = "a/b";
  listener.thumbprint = "1212131238D84023982E381F20391A2935301923";
  auto document = xml::Document::parse(config::write_listener(listener, {"192.0.2.7", "::1"}));
  ASSERT_TRUE(document.ok());
  const auto read = config::read_listener(document->root(), listener.key);
  ASSERT_TRUE(read.ok()) << read.error().reason;
  Listener same;
  same.key = listener.key;
  config::apply(*read, same);
  EXPECT_EQ(config::write_listener(same, {}), config::write_listener(listener, {}));
}

TEST(ListenerDocument, WithoutAddressesShowsNil) {
  Listener listener;
  listener.key = *make_listener_key("*", "HTTP");
  EXPECT_THAT(config::write_listener(listener, {}), HasSubstr("<cfg:ListeningOn xsi:nil=\"true\"/>"));
}

TEST(ListenerDocument, OfPolicyAndOfCompatibilitySaysSo) {
  Listener listener;
  listener.key = *make_listener_key("*", "HTTP");
  listener.source = config::Source::Policy;
  EXPECT_THAT(config::write_listener(listener, {}), HasSubstr("Source=\"GPO\""));
  listener.source = config::Source::Stored;
  listener.compatibility = true;
  EXPECT_THAT(config::write_listener(listener, {}), HasSubstr("Source=\"Compatibility\""));
}

TEST(ListenerDocument, WhatIsNotGivenIsNotChanged) {
  auto document = xml::Document::parse(std::string(kOpen) + "<p:Hostname/></p:Listener>");
  const auto key = make_listener_key("*", "HTTP");
  const auto read = config::read_listener(document->root(), *key);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->hostname, "");
  EXPECT_FALSE(read->port || read->enabled || read->url_prefix || read->thumbprint);
}

}  // namespace
