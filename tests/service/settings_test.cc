#include "engine/service/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace {

using service::Program;
using service::Settings;
using test_support::IsError;
using test_support::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kListener[] =
    "[[winrm.listener]]\nTransport = \"HTTPS\"\nCertificate = \"/c.pem\"\nPrivateKey = \"/c.key\"\n";
constexpr char kClientTls[] = "[forwarder.tls]\nCertificate = \"/f.pem\"\nPrivateKey = \"/f.key\"\nCA = \"/ca.pem\"\n";

class SettingsFile : public ::testing::Test {
 protected:
  base::Result<Settings> load(std::string_view content, Program program = Program::Collector) {
    return service::load_settings(directory_.write("muster.toml", content), directory_ / "policy.d", program);
  }

  void write_policy(std::string_view name, std::string_view content) {
    std::filesystem::create_directories(directory_ / "policy.d");
    directory_.write("policy.d/" + std::string(name), content);
  }

  /// The complaint about `content`, without the folder in front.
  std::string complaint(std::string_view content, Program program = Program::Collector) {
    const auto settings = load(content, program);
    if (settings.ok()) return "no complaint";
    EXPECT_EQ(settings.error().code, std::errc::invalid_argument);
    const std::string folder = directory_.path().string() + "/";
    std::string text = settings.error().message();
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
    return text;
  }

  test_support::TemporaryDirectory directory_;
};

TEST_F(SettingsFile, EmptyFileGivesTheBuiltInDefaults) {
  const auto settings = load("");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->winrm.max_envelope_size_kb, 150u);
  EXPECT_EQ(settings->winrm.enumeration_timeout_ms, 60'000u);
  EXPECT_FALSE(settings->winrm.auth_certificate);
  EXPECT_THAT(settings->listeners, IsEmpty());
  EXPECT_EQ(settings->admin_group, "muster-admins");
}

TEST_F(SettingsFile, EverySettingOfTheServicesIsTakenOver) {
  const auto settings = load(R"(
[winrm]
MaxEnvelopeSizekb = 500
MaxTimeoutms = 500
MaxBatchItems = 4294967295
[winrm.service]
MaxConcurrentOperationsPerUser = 1
EnumerationTimeoutms = 240000
MaxConnections = 25
MaxPacketRetrievalTimeSeconds = 30
AllowUnencrypted = true
[winrm.service.auth]
Basic = true
Kerberos = false
Negotiate = false
Certificate = true
CredSSP = true
[[winrm.listener]]
Address = "IP:[2001:db8::7]"
Transport = "https"
Port = 0
Certificate = "/tls/host.pem"
PrivateKey = "/tls/host.key"
ClientCA = "/tls/ca.pem"
Enabled = true
Hostname = "collector.example.org"
URLPrefix = "wsman"
[collector]
public_name = "collector.example.org:5986"
compression = true
content_encoding = "utf-8"
max_log_size = 1048576
[service]
admin_group = "operators"
log_level = "debug"
)");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->winrm.max_envelope_size_kb, 500u);
  EXPECT_EQ(settings->winrm.max_timeout_ms, 500u);
  EXPECT_EQ(settings->winrm.max_batch_items, 4'294'967'295u);
  EXPECT_EQ(settings->winrm.max_concurrent_operations_per_user, 1u);
  EXPECT_EQ(settings->winrm.enumeration_timeout_ms, 240'000u);
  EXPECT_EQ(settings->winrm.max_connections, 25u);
  EXPECT_EQ(settings->winrm.max_packet_retrieval_time_seconds, 30u);
  EXPECT_TRUE(settings->winrm.allow_unencrypted);
  EXPECT_TRUE(settings->winrm.auth_basic);
  EXPECT_FALSE(settings->winrm.auth_kerberos);
  EXPECT_FALSE(settings->winrm.auth_negotiate);
  EXPECT_TRUE(settings->winrm.auth_certificate);
  EXPECT_TRUE(settings->winrm.auth_cred_ssp);
  ASSERT_EQ(settings->listeners.size(), 1u);
  const service::ListenerSettings& listener = settings->listeners.front();
  EXPECT_EQ(listener.address, "IP:[2001:db8::7]");
  EXPECT_TRUE(listener.https);
  EXPECT_EQ(listener.port, 0);
  EXPECT_EQ(listener.certificate, "/tls/host.pem");
  EXPECT_EQ(listener.private_key, "/tls/host.key");
  EXPECT_EQ(listener.client_ca, "/tls/ca.pem");
  EXPECT_EQ(listener.hostname, "collector.example.org");
  EXPECT_EQ(listener.url_prefix, "wsman");
  EXPECT_EQ(settings->collector.public_name, "collector.example.org:5986");
  EXPECT_TRUE(settings->collector.compression);
  EXPECT_EQ(settings->collector.content_encoding, "UTF-8");
  EXPECT_EQ(settings->collector.max_log_size, 1'048'576u);
  EXPECT_EQ(settings->admin_group, "operators");
  EXPECT_EQ(settings->log_level, base::LogLevel::Debug);
}

TEST_F(SettingsFile, EverySettingOfAForwarderIsTakenOver) {
  const auto settings = load(std::string(R"(
[forwarder]
subscription_managers = [
  "Server=https://one.example.org:5986/wsman/SubscriptionManager/WEC,Refresh=60",
  "Server=https://two.example.org:5986/wsman/SubscriptionManager/WEC",
]
computer = "web1.example.org"
max_log_size = 2000000
[[forwarder.source]]
type = "journal"
[[forwarder.source]]
type = "file"
path = "/var/log/*.log"
channel = "Web/Access"
provider = "nginx"
read_existing = true
)") + kClientTls,
                             Program::Forwarder);
  ASSERT_THAT(settings, IsOk());
  const service::ForwarderSettings& forwarder = settings->forwarder;
  EXPECT_THAT(forwarder.subscription_managers, ElementsAre(HasSubstr("one.example.org"), HasSubstr("two.example.org")));
  EXPECT_EQ(forwarder.computer, "web1.example.org");
  EXPECT_EQ(forwarder.max_log_size, 2'000'000u);
  EXPECT_EQ(forwarder.tls.certificate, "/f.pem");
  EXPECT_EQ(forwarder.tls.private_key, "/f.key");
  EXPECT_EQ(forwarder.tls.ca, "/ca.pem");
  ASSERT_EQ(forwarder.sources.size(), 2u);
  EXPECT_EQ(forwarder.sources[0].type, "journal");
  EXPECT_EQ(forwarder.sources[0].channel, "Linux-Journal/Operational");
  EXPECT_EQ(forwarder.sources[0].provider, "Linux-Journal");
  EXPECT_FALSE(forwarder.sources[0].from_beginning);
  EXPECT_EQ(forwarder.sources[1].path, "/var/log/*.log");
  EXPECT_EQ(forwarder.sources[1].channel, "Web/Access");
  EXPECT_EQ(forwarder.sources[1].provider, "nginx");
  EXPECT_TRUE(forwarder.sources[1].from_beginning);
}

TEST_F(SettingsFile, WindowsSettingsThatNothingObeysYetAreAccepted) {
  const auto settings = load(R"toml(
[winrm]
MaxProviderRequests = 25
[winrm.client]
NetworkDelayms = 5000
URLPrefix = "wsman"
AllowUnencrypted = false
TrustedHosts = "*.example.org,<local>"
[winrm.client.auth]
Basic = true
Digest = true
Kerberos = true
Negotiate = true
Certificate = true
CredSSP = false
[winrm.client.defaultports]
HTTP = 5985
HTTPS = 5986
[winrm.service]
RootSDDL = "O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)"
MaxConcurrentOperations = 100
IPv4Filter = "192.0.2.1-192.0.2.9"
IPv6Filter = "*"
EnableCompatibilityHttpListener = false
EnableCompatibilityHttpsListener = false
CertificateThumbprint = ""
AllowRemoteAccess = true
[winrm.service.auth]
CbtHardeningLevel = "relaxed"
[winrm.winrs]
AllowRemoteShellAccess = true
IdleTimeout = 7200000
MaxConcurrentUsers = 5
MaxShellRunTime = 28800000
MaxProcessesPerShell = 0
MaxMemoryPerShellMB = 150
MaxShellsPerUser = 5
)toml");
  EXPECT_THAT(settings, IsOk());
}

TEST_F(SettingsFile, ListenerWithoutPortTakesTheServicesDefaultPort) {
  const auto settings =
      load(std::string(kListener) + "[[winrm.listener]]\nTransport = \"HTTP\"\n[winrm.service.defaultports]\nHTTP = 80\n");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->listeners[0].port, 5986);
  EXPECT_EQ(settings->listeners[1].port, 80);
}

TEST_F(SettingsFile, RelativePathsCountFromTheFilesFolder) {
  const auto settings = load("[[winrm.listener]]\nCertificate = \"tls/host.pem\"\nPrivateKey = \"../host.key\"\n");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->listeners[0].certificate, directory_ / "tls/host.pem");
  EXPECT_EQ(settings->listeners[0].private_key, directory_.path().parent_path() / "host.key");
}

TEST_F(SettingsFile, UnknownKeyIsRefusedAndTheNearestNameProposed) {
  EXPECT_EQ(complaint("[winrm]\n\nMaxEnvelopeSizeKB2 = 500\n"),
            "muster.toml:3: winrm.MaxEnvelopeSizeKB2: is unknown; did you mean MaxEnvelopeSizekb?");
}

TEST_F(SettingsFile, UnknownKeyLikeNoOtherGetsTheListOfNames) {
  EXPECT_EQ(complaint("[service]\nanswer_to_everything = 42\n"),
            "muster.toml:2: service.answer_to_everything: is unknown; valid: admin_group, log_level");
}

TEST_F(SettingsFile, UnknownTableIsRefused) {
  EXPECT_EQ(complaint("[colector]\n"), "muster.toml:1: colector: is unknown; did you mean collector?");
}

TEST_F(SettingsFile, UnknownKeyOfAListenerIsRefused) {
  EXPECT_EQ(complaint(std::string(kListener) + "Prot = 1\n"),
            "muster.toml:5: winrm.listener.Prot: is unknown; did you mean Port?");
}

TEST_F(SettingsFile, NumberOutOfRangeIsRefusedWithTheRange) {
  EXPECT_EQ(complaint("[winrm]\nMaxEnvelopeSizekb = 31\n"),
            "muster.toml:2: winrm.MaxEnvelopeSizekb: 31 is out of range; valid: a whole number, 32 to 1039440");
  EXPECT_THAT(complaint("[winrm]\nMaxEnvelopeSizekb = 1039441\n"), HasSubstr("out of range"));
  EXPECT_THAT(complaint("[winrm.service]\nMaxConnections = -1\n"), HasSubstr("out of range"));
}

TEST_F(SettingsFile, WrongTypeIsRefusedWithWhatWouldBeValid) {
  EXPECT_EQ(complaint("[winrm]\nMaxTimeoutms = \"60000\"\n"),
            "muster.toml:2: winrm.MaxTimeoutms: is a text; valid: a whole number, 500 to 4294967295");
  EXPECT_EQ(complaint("[winrm.service.auth]\nBasic = 1\n"),
            "muster.toml:2: winrm.service.auth.Basic: is a whole number; valid: true or false");
  EXPECT_THAT(complaint("winrm = 3\n"), HasSubstr("muster.toml:1: winrm: is a whole number; valid: a table [winrm]"));
  EXPECT_THAT(complaint("[winrm]\nlistener = 3\n"), HasSubstr("valid: tables [[winrm.listener]]"));
}

TEST_F(SettingsFile, ReadOnlySettingOfWindowsCannotBeChanged) {
  EXPECT_THAT(complaint("[winrm]\nMaxProviderRequests = 26\n"), HasSubstr("valid: only 25"));
}

TEST_F(SettingsFile, SeveralMistakesAreAllNamedByLine) {
  EXPECT_EQ(complaint("[winrm]\nMaxTimeoutms = 1\n[service]\nadmin_group = \"\"\n[collector]\ncompression = 1\n"),
            "muster.toml:2: winrm.MaxTimeoutms: 1 is out of range; valid: a whole number, 500 to 4294967295\n"
            "muster.toml:4: service.admin_group: \"\" is not possible; valid: the name of a group\n"
            "muster.toml:6: collector.compression: is a whole number; valid: true or false");
}

TEST_F(SettingsFile, OfVeryManyMistakesTheRestIsCounted) {
  std::string content = "[service]\n";
  for (int i = 0; i < 25; ++i) content += "key" + std::to_string(i) + " = 1\n";
  EXPECT_THAT(complaint(content), ::testing::EndsWith("\nand 5 more"));
}

TEST_F(SettingsFile, OneOfAFewWordsIsTakenInAnyCase) {
  EXPECT_THAT(complaint("[service]\nlog_level = \"loud\"\n"),
              HasSubstr("\"loud\" is not possible; valid: \"error\", \"warning\", \"notice\", \"info\", \"debug\""));
  const auto settings = load("[service]\nlog_level = \"Warning\"\n");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->log_level, base::LogLevel::Warning);
}

TEST_F(SettingsFile, SidsAreGivenToUsersAndGroups) {
  const auto settings =
      load("[access.sids]\nER = [\"alice\", \"@auditors\"]\nS-1-5-21-1-2-3-512 = [\"@domain admins\"]\nRM = []\n");
  ASSERT_THAT(settings, IsOk());
  const auto members = [](const char* sid, std::vector<std::string> names) {
    return auth::SidMembers{*auth::Sid::parse(sid), std::move(names)};
  };
  EXPECT_THAT(settings->access.sids,
              ::testing::UnorderedElementsAre(members("ER", {"alice", "@auditors"}), members("RM", {}),
                                              members("S-1-5-21-1-2-3-512", {"@domain admins"})));
}

TEST_F(SettingsFile, PolicyTakesThePlaceOfAFileSidBySid) {
  write_policy("10.toml", "[access.sids]\nS-1-5-32-573 = [\"bob\"]\n");
  const auto settings = load("[access.sids]\nER = [\"alice\"]\nRM = [\"alice\"]\n");
  ASSERT_THAT(settings, IsOk());
  EXPECT_THAT(settings->access.sids,
              ::testing::UnorderedElementsAre(auth::SidMembers{auth::sid::kEventLogReaders, {"bob"}},
                                              auth::SidMembers{auth::sid::kRemoteManagement, {"alice"}}));
}

TEST_F(SettingsFile, SidsThatCannotBeGivenAreRefused) {
  const auto wrong = [&](const std::string& line) { return complaint("[access.sids]\n" + line + "\n"); };
  EXPECT_THAT(wrong("XX = []"), HasSubstr("muster.toml:1: access.sids: \"XX\" is no SID"));
  for (const char* way : {"WD", "AN", "AU", "NU", "IU", "S-1-22-1-0"}) {
    EXPECT_THAT(wrong(std::string(way) + " = [\"alice\"]"), HasSubstr("cannot be given")) << way;
  }
  EXPECT_THAT(wrong("ER = \"alice\""), HasSubstr("is a text; valid: a list of at most 100 names"));
  EXPECT_THAT(wrong("ER = [1]"), HasSubstr("is a whole number"));
  for (const char* name : {"", "@", " alice", "alice\\n"}) {
    EXPECT_THAT(wrong("ER = [\"" + std::string(name) + "\"]"), HasSubstr("is not possible")) << name;
  }
  EXPECT_THAT(wrong("ER = [\"" + std::string(257, 'x') + "\"]"), HasSubstr("is not possible"));
  std::string many = "ER = [";
  for (int i = 0; i < 101; ++i) many += "\"a\",";
  EXPECT_THAT(wrong(many + "]"), HasSubstr("has too many"));
  EXPECT_THAT(complaint("[access]\nsids = 1\n"), HasSubstr("is a whole number; valid: a table [access.sids]"));
}

TEST_F(SettingsFile, SyntaxErrorIsRefusedWithItsLine) {
  EXPECT_THAT(complaint("[winrm]\nMaxTimeoutms = \n"), HasSubstr("muster.toml:2:"));
}

TEST_F(SettingsFile, KeyGivenTwiceIsRefused) {
  EXPECT_THAT(complaint("[winrm]\nMaxTimeoutms = 500\nMaxTimeoutms = 600\n"), HasSubstr("muster.toml:3:"));
}

TEST_F(SettingsFile, MissingFileIsAnError) {
  EXPECT_THAT(service::load_settings(directory_ / "none.toml", directory_ / "policy.d", Program::Collector),
              IsError(std::errc::no_such_file_or_directory, "none.toml"));
}

TEST_F(SettingsFile, FileOverTheLimitIsAnError) {
  EXPECT_THAT(load(std::string((1 << 20) + 1, '#')), IsError(std::errc::file_too_large));
}

TEST_F(SettingsFile, PolicyWinsOverTheFile) {
  write_policy("10-size.toml", "[winrm]\nMaxEnvelopeSizekb = 300\n");
  const auto settings = load("[winrm]\nMaxEnvelopeSizekb = 500\nMaxTimeoutms = 700\n");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->winrm.max_envelope_size_kb, 300u);
  EXPECT_EQ(settings->winrm.max_timeout_ms, 700u);
}

TEST_F(SettingsFile, WhatFileAndPolicySayOfTheTreeIsKeptApart) {
  write_policy("10.toml", "[winrm.service]\nAllowUnencrypted = true\n[[winrm.listener]]\nTransport = \"HTTP\"\n");
  const auto settings = load("[winrm]\nMaxTimeoutms = 700\n[winrm.service]\nAllowUnencrypted = false\n");
  ASSERT_THAT(settings, IsOk());
  const config::Values values(settings->winrm_said);
  EXPECT_EQ(values.source(config::Id::MaxTimeoutms), config::Source::File);
  EXPECT_EQ(values.source(config::Id::AllowUnencrypted), config::Source::Policy);
  EXPECT_EQ(values.source(config::Id::MaxBatchItems), config::Source::Default);
  EXPECT_TRUE(settings->winrm.allow_unencrypted);
  ASSERT_EQ(settings->listeners.size(), 1u);
  EXPECT_TRUE(settings->listeners[0].from_policy);
}

TEST_F(SettingsFile, LaterPolicyWinsOverTheEarlierByName) {
  write_policy("20-b.toml", "[winrm]\nMaxEnvelopeSizekb = 200\n");
  write_policy("10-a.toml", "[winrm]\nMaxEnvelopeSizekb = 100\n");
  write_policy("30-c.conf", "not TOML and not read\n");
  const auto settings = load("");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->winrm.max_envelope_size_kb, 200u);
}

TEST_F(SettingsFile, PolicysListTakesThePlaceOfTheFiles) {
  write_policy("10.toml", "[[winrm.listener]]\nTransport = \"HTTP\"\nPort = 81\n");
  const auto settings = load(std::string(kListener));
  ASSERT_THAT(settings, IsOk());
  ASSERT_EQ(settings->listeners.size(), 1u);
  EXPECT_EQ(settings->listeners[0].port, 81);
}

TEST_F(SettingsFile, MistakeInAPolicyNamesThePolicysFile) {
  write_policy("10.toml", "\n[winrm]\nMaxTimeoutms = 1\n");
  EXPECT_THAT(complaint(""), HasSubstr("policy.d/10.toml:3: winrm.MaxTimeoutms: "));
}

TEST_F(SettingsFile, PolicyAloneDisablesRunAs) {
  EXPECT_THAT(complaint("[winrm.service]\nDisableRunAs = true\n"),
              HasSubstr(":2: winrm.service.DisableRunAs: is for policy only"));
  write_policy("10.toml", "[winrm.service]\nDisableRunAs = true\n");
  const auto settings = load("");
  ASSERT_THAT(settings, IsOk());
  EXPECT_TRUE(settings->run_as_disabled);
}

TEST_F(SettingsFile, HttpsListenerNeedsCertificateAndKey) {
  const std::string text = complaint("\n[[winrm.listener]]\nPort = 5986\n");
  EXPECT_THAT(text, HasSubstr("muster.toml:2: winrm.listener.Certificate: is missing"));
  EXPECT_THAT(text, HasSubstr("muster.toml:2: winrm.listener.PrivateKey: is missing"));
}

TEST_F(SettingsFile, ListenerThatIsNotEnabledNeedsNothing) {
  EXPECT_THAT(load("[[winrm.listener]]\nEnabled = false\n"), IsOk());
}

TEST_F(SettingsFile, CertificateAuthenticationNeedsTheClientsAuthorities) {
  EXPECT_THAT(complaint(std::string("[winrm.service.auth]\nCertificate = true\n") + kListener),
              HasSubstr("muster.toml:3: winrm.listener.ClientCA: is missing"));
}

TEST_F(SettingsFile, HttpListenerTakesNoCertificate) {
  EXPECT_THAT(complaint("[[winrm.listener]]\nTransport = \"HTTP\"\nCertificate = \"/c.pem\"\n"),
              HasSubstr("belong to an HTTPS listener"));
}

TEST_F(SettingsFile, PrefixThatIsNoneIsRefused) {
  EXPECT_THAT(load(std::string(kListener) + "URLPrefix = \"events/all\"\n"), IsOk());
  EXPECT_THAT(complaint(std::string(kListener) + "URLPrefix = \"/wsman\"\n"),
              HasSubstr("muster.toml:5: winrm.listener.URLPrefix: "));
}

TEST_F(SettingsFile, SecondListenerForOneAddressAndTransportIsRefused) {
  EXPECT_EQ(complaint(std::string(kListener) + kListener + "Port = 5987\n"),
            "muster.toml:5: winrm.listener: Address and Transport are those of the listener at " +
                std::string("muster.toml:1; valid: one listener for each"));
}

TEST_F(SettingsFile, TwoListenersOnOnePortAreRefused) {
  EXPECT_THAT(complaint(std::string(kListener) + "[[winrm.listener]]\nTransport = \"HTTP\"\nPort = 5986\n"),
              HasSubstr("Address and Port are those of the listener at muster.toml:1"));
}

TEST_F(SettingsFile, ListenersAddressIsAStarOrALiteral) {
  EXPECT_THAT(complaint("[[winrm.listener]]\nAddress = \"localhost\"\n"),
              HasSubstr("\"localhost\" is not possible; valid: \"*\", \"IP:192.0.2.7\", \"IP:[2001:db8::7]\""));
}

TEST_F(SettingsFile, SourceThatComesLaterIsNamedAsSuch) {
  EXPECT_EQ(
      complaint("[[forwarder.source]]\ntype = \"audit\"\n", Program::Forwarder),
      "muster.toml:2: forwarder.source.type: \"audit\" is a source that this version does not have yet; valid: \"journal\", "
      "\"file\"");
}

TEST_F(SettingsFile, SourceNeedsAType) {
  EXPECT_THAT(complaint("[[forwarder.source]]\npath = \"/x\"\n"),
              HasSubstr("muster.toml:1: forwarder.source.type: is missing"));
}

TEST_F(SettingsFile, FileSourceNeedsAPath) {
  EXPECT_THAT(complaint("[[forwarder.source]]\ntype = \"file\"\n"),
              HasSubstr("muster.toml:1: forwarder.source.path: is missing"));
}

TEST_F(SettingsFile, SourceGivenTwiceIsRefused) {
  EXPECT_THAT(complaint("[[forwarder.source]]\ntype = \"journal\"\n[[forwarder.source]]\ntype = \"journal\"\n"),
              HasSubstr("muster.toml:3: forwarder.source: has type and path of an earlier source"));
}

TEST_F(SettingsFile, MalformedSubscriptionManagerIsRefusedWithItsLine) {
  EXPECT_THAT(complaint("[forwarder]\nsubscription_managers = [\n  \"Server=collector\"\n]\n", Program::Forwarder),
              HasSubstr("muster.toml:3: forwarder.subscription_managers: Server=collector is not an address"));
}

TEST_F(SettingsFile, SubscriptionManagerOverHttpsNeedsAClientCertificate) {
  constexpr char kManager[] = "[forwarder]\nsubscription_managers = [\"Server=https://c.example.org\"]\n";
  EXPECT_THAT(complaint(kManager, Program::Forwarder), HasSubstr("forwarder.tls.Certificate: is missing"));
  EXPECT_THAT(load(std::string(kManager) + kClientTls, Program::Forwarder), IsOk());
}

TEST_F(SettingsFile, SubscriptionManagerOverHttpIsRefusedUntilThereIsKerberos) {
  EXPECT_THAT(complaint("[forwarder]\nsubscription_managers = [\"Server=http://c.example.org\"]\n", Program::Forwarder),
              HasSubstr("needs Kerberos"));
}

TEST_F(SettingsFile, ClientCertificateAndKeyGoTogether) {
  EXPECT_THAT(complaint("[forwarder.tls]\nCertificate = \"/f.pem\"\n", Program::Forwarder),
              HasSubstr("muster.toml:1: forwarder.tls.PrivateKey: is missing"));
}

}  // namespace
