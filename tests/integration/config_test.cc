// winrm/config of a real collector: what it says, how it is changed, and that it lasts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/database.h"
#include "storage/state_store.h"
#include "tests/integration/config_client.h"

namespace integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class WinrmConfig : public ::testing::Test {
 protected:
  void SetUp() override { stack_.start_collector(); }

  Stack stack_;
  ConfigClient config_{stack_};
};

TEST_F(WinrmConfig, WholeDocumentHasTheElementsOfWindowsInItsOrder) {
  const ConfigReply reply = config_.get("");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(
      reply.body,
      "<cfg:Config xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config\">"
      "<cfg:MaxEnvelopeSizekb>500</cfg:MaxEnvelopeSizekb><cfg:MaxTimeoutms>60000</cfg:MaxTimeoutms>"
      "<cfg:MaxBatchItems>32000</cfg:MaxBatchItems><cfg:MaxProviderRequests>25</cfg:MaxProviderRequests>"
      "<cfg:Client><cfg:NetworkDelayms>5000</cfg:NetworkDelayms><cfg:URLPrefix>wsman</cfg:URLPrefix>"
      "<cfg:AllowUnencrypted>false</cfg:AllowUnencrypted><cfg:Auth><cfg:Basic>true</cfg:Basic>"
      "<cfg:Digest>true</cfg:Digest><cfg:Kerberos>true</cfg:Kerberos><cfg:Negotiate>true</cfg:Negotiate>"
      "<cfg:Certificate>true</cfg:Certificate><cfg:CredSSP>false</cfg:CredSSP></cfg:Auth>"
      "<cfg:DefaultPorts><cfg:HTTP>5985</cfg:HTTP><cfg:HTTPS>5986</cfg:HTTPS></cfg:DefaultPorts>"
      "<cfg:TrustedHosts></cfg:TrustedHosts></cfg:Client>"
      "<cfg:Service><cfg:RootSDDL>O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;ER)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)</cfg:RootSDDL>"
      "<cfg:MaxConcurrentOperations>100</cfg:MaxConcurrentOperations>"
      "<cfg:MaxConcurrentOperationsPerUser>1500</cfg:MaxConcurrentOperationsPerUser>"
      "<cfg:EnumerationTimeoutms>60000</cfg:EnumerationTimeoutms><cfg:MaxConnections>300</cfg:MaxConnections>"
      "<cfg:MaxPacketRetrievalTimeSeconds>120</cfg:MaxPacketRetrievalTimeSeconds>"
      "<cfg:AllowUnencrypted>false</cfg:AllowUnencrypted><cfg:Auth><cfg:Basic>false</cfg:Basic>"
      "<cfg:Kerberos>true</cfg:Kerberos><cfg:Negotiate>true</cfg:Negotiate><cfg:Certificate>true</cfg:Certificate>"
      "<cfg:CredSSP>false</cfg:CredSSP><cfg:CbtHardeningLevel>Relaxed</cfg:CbtHardeningLevel></cfg:Auth>"
      "<cfg:DefaultPorts><cfg:HTTP>5985</cfg:HTTP><cfg:HTTPS>5986</cfg:HTTPS></cfg:DefaultPorts>"
      "<cfg:IPv4Filter>*</cfg:IPv4Filter><cfg:IPv6Filter>*</cfg:IPv6Filter>"
      "<cfg:EnableCompatibilityHttpListener>false</cfg:EnableCompatibilityHttpListener>"
      "<cfg:EnableCompatibilityHttpsListener>false</cfg:EnableCompatibilityHttpsListener>"
      "<cfg:CertificateThumbprint></cfg:CertificateThumbprint><cfg:AllowRemoteAccess>true</cfg:AllowRemoteAccess>"
      "</cfg:Service><cfg:Winrs><cfg:AllowRemoteShellAccess>true</cfg:AllowRemoteShellAccess>"
      "<cfg:IdleTimeout>180000</cfg:IdleTimeout><cfg:MaxConcurrentUsers>5</cfg:MaxConcurrentUsers>"
      "<cfg:MaxShellRunTime>28800000</cfg:MaxShellRunTime><cfg:MaxProcessesPerShell>15</cfg:MaxProcessesPerShell>"
      "<cfg:MaxMemoryPerShellMB>150</cfg:MaxMemoryPerShellMB><cfg:MaxShellsPerUser>5</cfg:MaxShellsPerUser>"
      "</cfg:Winrs></cfg:Config>");
}

TEST_F(WinrmConfig, PartsHaveResourcesInNamespacesOfTheirOwn) {
  EXPECT_THAT(
      config_.get("client/auth").body,
      StartsWith("<cfg:Auth xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/client/auth\"><cfg:Basic>"));
  EXPECT_THAT(config_.get("Service/DefaultPorts").body,
              AllOf(StartsWith("<cfg:DefaultPorts xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/service/"
                               "defaultports\"><cfg:HTTP>5985</cfg:HTTP>"),
                    Not(HasSubstr("URLPrefix"))));
  for (const char* path : {"client", "client/defaultports", "service", "service/auth", "winrs"}) {
    EXPECT_EQ(config_.get(path).status, 200) << path;
  }
}

TEST_F(WinrmConfig, PutChangesWhatIsGivenAndAnswersTheWhole) {
  const ConfigReply reply = config_.set("service", "Service", "<cfg:EnumerationTimeoutms>240000</cfg:EnumerationTimeoutms>");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, AllOf(HasSubstr("<cfg:EnumerationTimeoutms>240000</cfg:EnumerationTimeoutms>"),
                                HasSubstr("<cfg:MaxConnections>300</cfg:MaxConnections>")));
  EXPECT_EQ(config_.value("service", "EnumerationTimeoutms"), "240000");
}

TEST_F(WinrmConfig, WholeDocumentThatIsSentBackChangesNothingAndIsNoError) {
  const std::string whole = config_.get("").body;
  const ConfigReply reply = config_.put("", whole);
  EXPECT_EQ(reply.status, 200) << reply.fault;
  EXPECT_EQ(reply.body, whole);
}

TEST_F(WinrmConfig, WhatWasSetLastsOverARestart) {
  EXPECT_EQ(config_.set("winrs", "winrs", "<cfg:MaxShellsPerUser>7</cfg:MaxShellsPerUser>").status, 200);
  stack_.collector().terminate();
  stack_.start_collector();
  EXPECT_EQ(config_.value("winrs", "MaxShellsPerUser"), "7");
}

TEST_F(WinrmConfig, RestoreForgetsAllThatWasSet) {
  EXPECT_EQ(config_.set("", "Config", "<cfg:MaxEnvelopeSizekb>64</cfg:MaxEnvelopeSizekb>").status, 200);
  const ConfigReply reply = config_.invoke("", "Restore");
  EXPECT_EQ(reply.status, 200) << reply.fault;
  EXPECT_EQ(reply.body, "<cfg:Restore_OUTPUT xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config\"/>");
  EXPECT_EQ(config_.value("", "MaxEnvelopeSizekb"), "500");
}

TEST_F(WinrmConfig, NamespacesOfOtherClientsAreTaken) {
  for (const std::string& ns : {config_uri("winrs") + ".xsd", config_uri(""), config_uri("WINRS")}) {
    const ConfigReply reply =
        config_.put("winrs", "<p:winrs xmlns:p=\"" + ns + "\"><p:IdleTimeout>60000</p:IdleTimeout></p:winrs>");
    EXPECT_EQ(reply.status, 200) << ns;
  }
}

/// A Put that Windows refuses, and how.
struct Refused {
  const char* name;
  const char* path;
  const char* root;
  const char* elements;
  const char* number;
  const char* subcode;
};

void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.name;
}

constexpr Refused kRefused[] = {
    {"OutOfRange", "", "Config", "<cfg:MaxEnvelopeSizekb>31</cfg:MaxEnvelopeSizekb>", "2150858817",
     "w:SchemaValidationError"},
    {"NoNumber", "", "Config", "<cfg:MaxTimeoutms>soon</cfg:MaxTimeoutms>", "2150858817", "w:SchemaValidationError"},
    {"NoBoolean", "service", "Service", "<cfg:AllowUnencrypted>maybe</cfg:AllowUnencrypted>", "2150858817",
     "w:SchemaValidationError"},
    {"UnknownElement", "service", "Service", "<cfg:Colour>red</cfg:Colour>", "2150858817", "w:SchemaValidationError"},
    {"ElementTwice", "", "Config", "<cfg:MaxTimeoutms>1000</cfg:MaxTimeoutms><cfg:MaxTimeoutms>1000</cfg:MaxTimeoutms>",
     "2150858817", "w:SchemaValidationError"},
    {"ElementsInAValue", "", "Config", "<cfg:MaxTimeoutms><cfg:MaxTimeoutms/></cfg:MaxTimeoutms>", "2150858817",
     "w:SchemaValidationError"},
    {"OtherRoot", "service", "Client", "", "2150858817", "w:SchemaValidationError"},
    {"Deprecated", "", "Config", "<cfg:MaxProviderRequests>26</cfg:MaxProviderRequests>", "2150859182", "w:InternalError"},
    {"DeprecatedOfTheService", "service", "Service", "<cfg:MaxConcurrentOperations>1</cfg:MaxConcurrentOperations>",
     "2150859182", "w:InternalError"},
    {"DeprecatedOfShells", "winrs", "Winrs", "<cfg:MaxShellRunTime>1</cfg:MaxShellRunTime>", "2150859182",
     "w:InternalError"},
    {"ReadOnly", "service/defaultports", "DefaultPorts", "<cfg:HTTP>80</cfg:HTTP>", "2150859071", "w:InternalError"},
    {"SecurityDescriptor", "service", "Service", "<cfg:RootSDDL>everybody</cfg:RootSDDL>", "2150859100", "w:InternalError"},
    {"TrustedHosts", "client", "Client", "<cfg:TrustedHosts>*,a</cfg:TrustedHosts>", "2150858911", "w:InternalError"},
    {"IpFilter", "service", "Service", "<cfg:IPv4Filter>192.0.2.9-192.0.2.1</cfg:IPv4Filter>", "2150858988",
     "w:InternalError"},
    {"CbtHardeningLevel", "service/auth", "Auth", "<cfg:CbtHardeningLevel>Lax</cfg:CbtHardeningLevel>", "2150859192",
     "w:InternalError"},
    {"Port", "client/defaultports", "DefaultPorts", "<cfg:HTTP>65536</cfg:HTTP>", "2150858972", "w:InternalError"},
    {"UnknownCertificate", "service", "Service",
     "<cfg:CertificateThumbprint>1212131238d84023982e381f20391a2935301923</cfg:CertificateThumbprint>", "2150858882",
     "w:InternalError"},
};

class RefusedPut : public ::testing::TestWithParam<Refused> {
 protected:
  static void SetUpTestSuite() {
    stack_ = new Stack;
    stack_->start_collector();
  }
  static void TearDownTestSuite() {
    delete stack_;
    stack_ = nullptr;
  }
  static Stack* stack_;
};

Stack* RefusedPut::stack_ = nullptr;

TEST_P(RefusedPut, IsTheFaultOfWindowsAndChangesNothing) {
  const Refused& refused = GetParam();
  const ConfigClient config(*stack_);
  const std::string before = config.get("").body;
  // A good value in front: all or nothing.
  const std::string good = std::string(refused.path) == "" ? "<cfg:MaxBatchItems>20</cfg:MaxBatchItems>" : "";
  const ConfigReply reply = config.set(refused.path, refused.root, good + refused.elements);
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.fault, refused.number);
  EXPECT_EQ(reply.subcode, refused.subcode);
  EXPECT_EQ(config.get("").body, before);
}

INSTANTIATE_TEST_SUITE_P(WinrmConfig, RefusedPut, ::testing::ValuesIn(kRefused),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_F(WinrmConfig, OtherNamespaceIsRefused) {
  const ConfigReply reply = config_.put("winrs", "<p:Winrs xmlns:p=\"urn:other\"/>");
  EXPECT_EQ(reply.fault, "2150858840");
  EXPECT_EQ(reply.subcode, "x:InvalidRepresentation");
}

TEST_F(WinrmConfig, WhatAResourceDoesNotOfferIsRefused) {
  EXPECT_EQ(config_.enumerate("").fault, "2150858771");
  EXPECT_EQ(config_.remove("service", {}).fault, "2150858771");
  EXPECT_EQ(config_.invoke("service", "Restore").fault, "2150858771");
  EXPECT_EQ(config_.get("shell").fault, "2150858811");
  EXPECT_EQ(config_.get("client", {{"Name", "x"}}).fault, "2150858843");
  EXPECT_EQ(config_.enumerate("listener", "<w:Filter>x</w:Filter>").fault, "2150858776");
  EXPECT_EQ(config_
                .send("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", "client", "", {},
                      "<w:FragmentTransfer s:mustUnderstand=\"true\">URLPrefix</w:FragmentTransfer>")
                .fault,
            "2150858871");
}

TEST_F(WinrmConfig, PolicyOwnsItsValuesAndSaysSo) {
  std::filesystem::create_directories(stack_.directory() / "policy.d");
  stack_.write("policy.d/10.toml", "[winrm.service]\nAllowUnencrypted = false\n");
  stack_.collector().terminate();
  stack_.start_collector();
  EXPECT_THAT(config_.get("service").body, HasSubstr("<cfg:AllowUnencrypted Source=\"GPO\">false</cfg:AllowUnencrypted>"));
  EXPECT_EQ(config_.set("service", "Service", "<cfg:AllowUnencrypted>true</cfg:AllowUnencrypted>").fault, "2150858890");
  EXPECT_EQ(config_.set("service", "Service", "<cfg:AllowUnencrypted>FALSE</cfg:AllowUnencrypted>").status, 200);
}

TEST_F(WinrmConfig, CertificateMappingsAreMadeChangedAndRemoved) {
  const Selectors key{
      {"Issuer", "1212131238d84023982e381f20391a2935301923"}, {"Subject", "alice@example.com"}, {"URI", "*"}};
  const auto body = [](const std::string& inside) {
    return "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") + "\">" + inside + "</p:CertMapping>";
  };
  const ConfigReply made =
      config_.create("service/certmapping", body("<p:UserName>alice</p:UserName><p:Password>secret</p:Password>"), key);
  EXPECT_EQ(made.status, 200) << made.fault;
  EXPECT_THAT(made.body, HasSubstr("<w:Selector Name=\"Subject\">alice@example.com</w:Selector>"));
  EXPECT_EQ(config_.get("service/certmapping", key).body,
            "<cfg:CertMapping xmlns:cfg=\"http://schemas.microsoft.com/wbem/wsman/1/config/service/certmapping\">"
            "<cfg:URI>*</cfg:URI><cfg:Subject>alice@example.com</cfg:Subject>"
            "<cfg:Issuer>1212131238D84023982E381F20391A2935301923</cfg:Issuer><cfg:UserName>alice</cfg:UserName>"
            "<cfg:Enabled>true</cfg:Enabled><cfg:Password></cfg:Password></cfg:CertMapping>");
  EXPECT_EQ(config_.create("service/certmapping", body("<p:UserName>bob</p:UserName>"), key).fault, "2150858803");
  EXPECT_EQ(config_.put("service/certmapping", body("<p:URI>x</p:URI>"), key).fault, "2150859122");
  EXPECT_THAT(config_.put("service/certmapping", body("<p:Enabled>false</p:Enabled>"), key).body,
              HasSubstr("<cfg:Enabled>false</cfg:Enabled>"));
  stack_.collector().terminate();
  stack_.start_collector();
  EXPECT_THAT(config_.enumerate("service/certmapping").body, HasSubstr("<cfg:UserName>alice</cfg:UserName>"));
  EXPECT_EQ(config_.remove("service/certmapping", key).status, 200);
  EXPECT_EQ(config_.get("service/certmapping", key).fault, "2150858752");
}

TEST_F(WinrmConfig, CertificateMappingsHaveRulesForPasswords) {
  const Selectors key{{"Issuer", "1212131238d84023982e381f20391a2935301923"}, {"Subject", "alice"}, {"URI", "*"}};
  const auto body = [](const std::string& password) {
    return "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") +
           "\"><p:UserName>alice</p:UserName><p:Password>" + password + "</p:Password></p:CertMapping>";
  };
  EXPECT_EQ(config_.create("service/certmapping", body(""), key).fault, "2150859115");
  EXPECT_EQ(config_.create("service/certmapping", body(std::string(257, 'x')), key).fault, "2150859114");
  EXPECT_EQ(config_.create("service/certmapping", body(std::string(256, 'x')), key).status, 200);
  EXPECT_EQ(config_.put("service/certmapping", body(std::string(257, 'x')), key).fault, "2150859114");
  // Who changes a mapping sends the password back as it is shown.
  EXPECT_EQ(config_.put("service/certmapping", body(""), key).status, 200);
}

TEST_F(WinrmConfig, CertificateMappingsHaveALimit) {
  const std::string issuer(40, 'A');
  stack_.collector().terminate();
  {
    auto store = storage::StateStore::open(stack_.collector_state());
    ASSERT_TRUE(store.ok());
    std::vector<storage::DocumentChange> mappings;
    for (int i = 0; i < 1000; ++i) {
      const std::string subject = "host" + std::to_string(i);
      mappings.push_back({"winrm.certmapping", issuer + " " + subject + " *",
                          "<cfg:CertMapping xmlns:cfg=\"" + config_uri("service/certmapping") +
                              "\"><cfg:URI>*</cfg:URI><cfg:Subject>" + subject + "</cfg:Subject><cfg:Issuer>" + issuer +
                              "</cfg:Issuer><cfg:UserName>alice</cfg:UserName></cfg:CertMapping>"});
    }
    ASSERT_TRUE((*store)->write(mappings).ok());
  }
  stack_.start_collector();
  const std::string body =
      "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") + "\"><p:UserName>alice</p:UserName></p:CertMapping>";
  const Selectors more{{"Issuer", issuer}, {"Subject", "more"}, {"URI", "*"}};
  EXPECT_EQ(config_.create("service/certmapping", body, more).fault, "2150859091");
  EXPECT_EQ(config_.remove("service/certmapping", {{"Issuer", issuer}, {"Subject", "host7"}, {"URI", "*"}}).status, 200);
  EXPECT_EQ(config_.create("service/certmapping", body, more).status, 200);
}

TEST_F(WinrmConfig, FailedWriteOfTheStoreIsAFaultAndChangesNothing) {
  const std::string before = config_.get("").body;
  auto database = storage::Database::open(stack_.collector_state() / "state.db", {});
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE((*database)
                  ->execute("CREATE TRIGGER failing BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'no more'); END")
                  .ok());
  const ConfigReply reply = config_.set("", "Config", "<cfg:MaxTimeoutms>1000</cfg:MaxTimeoutms>");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.subcode, "w:InternalError");
  EXPECT_EQ(config_.get("").body, before);
  ASSERT_TRUE((*database)->execute("DROP TRIGGER failing").ok());
  EXPECT_EQ(config_.set("", "Config", "<cfg:MaxTimeoutms>1000</cfg:MaxTimeoutms>").status, 200);
}

TEST_F(WinrmConfig, CertificateMappingsWithWrongKeysAreRefused) {
  const std::string issuer = "1212131238d84023982e381f20391a2935301923";
  const auto fault = [&](const std::string& by, const std::string& subject, const std::string& uri) {
    return config_
        .create("service/certmapping", "<p:CertMapping xmlns:p=\"" + config_uri("service/certmapping") + "\"/>",
                {{"Issuer", by}, {"Subject", subject}, {"URI", uri}})
        .fault;
  };
  EXPECT_EQ(fault("1234", "a", "*"), "2150859106");
  EXPECT_EQ(fault(issuer, "a*b", "*"), "2150859105");
  EXPECT_EQ(fault(issuer, "a", "x y"), "2150859104");
  EXPECT_EQ(fault(issuer, "a", "*"), "2150859116");
  EXPECT_EQ(config_.get("service/certmapping", {{"Issuer", issuer}}).fault, "2150858842");
}

}  // namespace
}  // namespace integration
