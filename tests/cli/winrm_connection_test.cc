#include "cli/winrm_connection.h"

#include <gmock/gmock.h>

#include "cli/winrm_arguments.h"
#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "tests/support/matchers.h"
#include "tests/support/test_pki.h"

namespace cli {
namespace {

using test_support::IsError;
using test_support::IsOk;

base::Result<std::string> url_of(std::string_view remote, bool use_ssl = false, const ClientSettings& settings = {}) {
  ASSIGN_OR_RETURN(const http::Url url, parse_remote(remote, use_ssl, settings));
  return std::string(url.tls ? "https://" : "http://") + url.authority() + url.target;
}

auto is_code(std::uint32_t number) {
  return IsError(base::win32_code(number));
}

base::Result<RemoteConnection> plan(std::vector<std::string> words, const ClientSettings& settings = {}) {
  words.insert(words.begin(), {"get", "winrm/config"});
  ASSIGN_OR_RETURN(const WinrmArguments parsed, parse_winrm_arguments(words));
  return plan_connection(parsed.switches, settings, [] { return base::Result<std::string>(std::string("typed")); });
}

TEST(WinrmRemote, SaysWhatElseToTryWhereNobodyAnswers) {
  const auto told = [](const std::string& remote, std::errc code) {
    const auto url = parse_remote(remote, false, ClientSettings{});
    return told_as_windows(base::make_error(code, "connecting to host"), *url).message();
  };
  for (const std::errc code : {std::errc::connection_refused, std::errc::timed_out, std::errc::host_unreachable}) {
    EXPECT_THAT(told("host", code), testing::HasSubstr("port 5985 over HTTP; a service with an HTTPS listener is reached as "
                                                       "https://host:5986 (winrm: -usessl)."));
    EXPECT_THAT(told("https://host", code),
                testing::HasSubstr("port 443 over HTTPS; another one is named as in https://host:PORT."));
  }
  EXPECT_THAT(told("host", std::errc::protocol_error), testing::Not(testing::HasSubstr("Asked was")));
}

// cli-winrm, section 1.3.
TEST(WinrmRemote, HasTheDefaultPortsOfTheSettings) {
  EXPECT_THAT(url_of("host"), test_support::IsOkAndHolds("http://host:5985/wsman"));
  EXPECT_THAT(url_of("host", true), test_support::IsOkAndHolds("https://host:5986/wsman"));
  ClientSettings settings;
  settings.http_port = 80;
  settings.url_prefix = "management";
  EXPECT_THAT(url_of("host", false, settings), test_support::IsOkAndHolds("http://host:80/management"));
}

TEST(WinrmRemote, HasTheDefaultPortsOfAUrlWhereItIsOne) {
  EXPECT_THAT(url_of("http://host"), test_support::IsOkAndHolds("http://host:80/wsman"));
  EXPECT_THAT(url_of("HTTPS://host"), test_support::IsOkAndHolds("https://host:443/wsman"));
}

TEST(WinrmRemote, MayNamePortPathAndIpv6) {
  EXPECT_THAT(url_of("host:5985/other"), test_support::IsOkAndHolds("http://host:5985/other"));
  EXPECT_THAT(url_of("https://srv:5986/wsman"), test_support::IsOkAndHolds("https://srv:5986/wsman"));
  EXPECT_THAT(url_of("[::1]:5985"), test_support::IsOkAndHolds("http://[::1]:5985/wsman"));
  EXPECT_THAT(url_of("http://[::1]"), test_support::IsOkAndHolds("http://[::1]:80/wsman"));
}

TEST(WinrmRemote, IsRefusedWithTheCodeForWhatIsWrong) {
  for (const std::string_view remote : {"", "http://", "a b", "[::1", "[x]:1", "::1", "user@host", "host?x", "[::1]x"}) {
    EXPECT_THAT(url_of(remote), is_code(2150858969)) << remote;
  }
  EXPECT_THAT(url_of("ftp://host"), is_code(2150858970));
  for (const std::string_view remote : {"host:", "host:0", "host:65536", "host:http"}) {
    EXPECT_THAT(url_of(remote), is_code(2150858971)) << remote;
  }
  EXPECT_THAT(url_of("http://host", true), is_code(2150859198));
}

// winrm-config, section 3.2.
TEST(WinrmTrustedHosts, AreComparedAsTheUserTypes) {
  EXPECT_FALSE(is_trusted_host("", "host"));
  EXPECT_TRUE(is_trusted_host("*", "host"));
  EXPECT_TRUE(is_trusted_host("a, HOST ,b", "host"));
  EXPECT_TRUE(is_trusted_host("*.example.org", "a.example.org"));
  EXPECT_TRUE(is_trusted_host("web*", "web7"));
  EXPECT_FALSE(is_trusted_host("web*", "xweb7"));
  EXPECT_TRUE(is_trusted_host("<local>", "host"));
  EXPECT_FALSE(is_trusted_host("<local>", "host.example.org"));
  EXPECT_TRUE(is_trusted_host("[2001:db8::7]", "2001:db8::7"));
  EXPECT_FALSE(is_trusted_host("a,b", "c"));
}

TEST(WinrmClientSettings, AreReadFromTheResource) {
  const auto document = xml::Document::parse(
      "<c:Client xmlns:c='u'><c:NetworkDelayms>700</c:NetworkDelayms><c:URLPrefix>x</c:URLPrefix>"
      "<c:AllowUnencrypted>TRUE</c:AllowUnencrypted><c:Auth><c:Basic>0</c:Basic><c:CredSSP>1</c:CredSSP></c:Auth>"
      "<c:DefaultPorts><c:HTTP>81</c:HTTP><c:HTTPS>99999</c:HTTPS></c:DefaultPorts><c:TrustedHosts> a </c:TrustedHosts>"
      "</c:Client>");
  const ClientSettings settings = read_client_settings(document->root());
  EXPECT_EQ(settings.network_delay, std::chrono::milliseconds(700));
  EXPECT_EQ(settings.url_prefix, "x");
  EXPECT_TRUE(settings.allow_unencrypted);
  EXPECT_FALSE(settings.basic);
  EXPECT_TRUE(settings.digest);
  EXPECT_TRUE(settings.credssp);
  EXPECT_EQ(settings.http_port, 81);
  EXPECT_EQ(settings.https_port, 5986);
  EXPECT_EQ(settings.trusted_hosts, "a");
}

TEST(WinrmConnection, SendsBasicCredentialsOverHttps) {
  const auto planned = plan({"-r:host", "-ssl", "-auth:basic", "-u:alice", "-p:x", "-skipCAcheck", "-encoding:utf-16"});
  ASSERT_THAT(planned, IsOk());
  EXPECT_EQ(planned->scheme, "Basic");
  EXPECT_EQ(planned->username, "alice");
  EXPECT_EQ(planned->password, "x");
  EXPECT_TRUE(planned->tls.skip_authority_check);
  EXPECT_FALSE(planned->tls.skip_name_check);
  EXPECT_EQ(planned->charset, wsman::Charset::Utf16);
}

TEST(WinrmConnection, AsksForAPasswordThatIsNotGiven) {
  EXPECT_EQ(plan({"-r:https://host", "-auth:basic", "-u:alice"})->password, "typed");
  EXPECT_EQ(plan({"-r:https://host", "-auth:basic", "-u:alice", "-p:*"})->password, "typed");
}

// cli-winrm, section 1.4, and the numbers of wsman-error-codes.
TEST(WinrmConnection, RefusesCredentialsThatDoNotFit) {
  EXPECT_THAT(plan({"-r:https://h", "-auth:none", "-u:a", "-p:b"}), is_code(2150858923));
  EXPECT_THAT(plan({"-r:https://h", "-auth:basic"}), is_code(2150858928));
  EXPECT_THAT(plan({"-r:https://h", "-auth:basic", "-c:x"}), is_code(2150858929));
  EXPECT_THAT(plan({"-r:https://h", "-auth:certificate"}), is_code(2150858932));
  EXPECT_THAT(plan({"-r:https://h", "-auth:credssp"}), is_code(2150859169));
  EXPECT_THAT(plan({"-r:https://h", "-auth:basic", "-u:a:b", "-p:x"}), IsError(base::Win32::InvalidParameter, "colon"));
}

TEST(WinrmConnection, RefusesWhatTheTransportCannotDo) {
  ClientSettings open;
  open.allow_unencrypted = true;
  open.trusted_hosts = "*";
  EXPECT_THAT(plan({"-r:h", "-c:x"}, open), is_code(2150858968));
  EXPECT_THAT(plan({"-r:https://h", "-auth:none", "-unencrypted"}, open), is_code(2150858967));
  EXPECT_THAT(plan({"-r:h", "-auth:none", "-skipcncheck"}, open), IsError(base::Win32::InvalidParameter, "HTTPS"));
  EXPECT_THAT(plan({"-r:h", "-auth:none", "-pac:no_proxy"}, open), is_code(2150859185));
  EXPECT_THAT(plan({"-r:h", "-auth:negotiate", "-defaultcreds"}, open), is_code(2150859184));
  EXPECT_THAT(plan({"-r:https://h", "-auth:none", "-spnport"}, open), is_code(2150858926));
  EXPECT_THAT(plan({"-r:192.0.2.1", "-auth:kerberos"}, open), is_code(2150859019));
}

TEST(WinrmConnection, ObeysTheSettings) {
  ClientSettings settings;
  settings.basic = settings.digest = settings.kerberos = settings.negotiate = settings.certificate = false;
  EXPECT_THAT(plan({"-r:https://h", "-auth:basic", "-u:a", "-p:b"}, settings), is_code(2150858975));
  EXPECT_THAT(plan({"-r:https://h", "-auth:digest", "-u:a", "-p:b"}, settings), is_code(2150858976));
  EXPECT_THAT(plan({"-r:https://h"}, settings), is_code(2150858977));
  EXPECT_THAT(plan({"-r:https://h", "-auth:kerberos"}, settings), is_code(2150858978));
  EXPECT_THAT(plan({"-r:https://h", "-c:x"}, settings), is_code(2150858979));
  EXPECT_THAT(plan({"-r:https://h", "-auth:credssp", "-u:a", "-p:b"}, settings), is_code(2150859170));
  EXPECT_THAT(plan({"-r:h", "-auth:basic", "-u:a", "-p:b"}), is_code(2150858974));
  settings = {};
  settings.allow_unencrypted = true;
  EXPECT_THAT(plan({"-r:h", "-auth:basic", "-u:a", "-p:b"}, settings), is_code(2150858980));
}

TEST(WinrmConnection, SaysWhichSchemesItDoesNotHave) {
  EXPECT_THAT(plan({"-r:https://h", "-u:a", "-p:b"}), IsError(base::Win32::NotSupported, "Negotiate"));
  EXPECT_THAT(plan({"-r:h", "-auth:kerberos"}), IsError(base::Win32::NotSupported, "Kerberos"));
  EXPECT_THAT(plan({"-r:https://h", "-auth:none", "-pac:winhttp_settings"}), IsError(base::Win32::NotSupported, "proxy"));
}

TEST(WinrmCertificate, IsFoundByItsThumbprintAndByItsPath) {
  test_support::TestPki pki;
  const test_support::Identity identity = pki.client("alice");
  const auto folder = identity.certificate.parent_path();
  const auto found = find_client_certificate(identity.thumbprint, {"/nonexistent", folder});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(find_client_certificate(identity.certificate.string(), {})->certificate, identity.certificate);
  EXPECT_THAT(find_client_certificate(std::string(40, '0'), {folder}), is_code(2150858882));
  EXPECT_THAT(find_client_certificate("nothing", {folder}), is_code(2150858935));
}

}  // namespace
}  // namespace cli
