#include "cli/pki.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>

#include "cli/certificates.h"
#include "engine/base/clock.h"
#include "engine/base/file_system.h"
#include "tests/cli/tool_run.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace cli {
namespace {

using test_support::IsError;
using test_support::IsOk;
using test_support::TemporaryDirectory;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

ToolRun pki(std::vector<std::string> words) {
  return run_tool([&](Console& console) { return run_pki(console, words); });
}

/// What the program openssl says, and whether it was content.
struct Verdict {
  int status = 0;
  std::string text;
};

Verdict openssl(const std::string& arguments) {
  FILE* pipe = ::popen(("openssl " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {-1, "cannot start openssl"};
  Verdict verdict;
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) verdict.text.append(buffer.data(), got);
  verdict.status = WEXITSTATUS(::pclose(pipe));
  return verdict;
}

class Pki : public testing::Test {
 protected:
  void make_authority_in_folder() { ASSERT_EQ(pki({"init", dir(), "--name=Lab CA"}).status, 0); }
  std::string dir() const { return folder_.path().string(); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  mode_t mode(const std::string& name) const {
    struct stat status {};
    return ::stat(file(name).c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }

  TemporaryDirectory folder_;
};

TEST_F(Pki, InitMakesAnAuthorityThatOpensslAccepts) {
  make_authority_in_folder();
  EXPECT_EQ(openssl("verify -x509_strict -CAfile " + file("ca.pem") + " " + file("ca.pem")).status, 0);
  const std::string text = openssl("x509 -noout -text -in " + file("ca.pem")).text;
  EXPECT_THAT(text, AllOf(HasSubstr("Subject: CN = Lab CA"), HasSubstr("CA:TRUE, pathlen:0"),
                          HasSubstr("Certificate Sign, CRL Sign"), HasSubstr("prime256v1")));
}

TEST_F(Pki, KeysAreInPkcs8AndTheOwnersOnly) {
  make_authority_in_folder();
  ASSERT_EQ(pki({"issue", dir(), "host7.lab.example"}).status, 0);
  for (const char* key : {"ca.key", "host7.lab.example.key"}) {
    EXPECT_EQ(mode(key), 0600u) << key;
    EXPECT_THAT(*base::read_file(file(key)), HasSubstr("-----BEGIN PRIVATE KEY-----"));
  }
  EXPECT_EQ(mode("ca.pem"), 0644u);
}

TEST_F(Pki, IssuesCertificatesForServersAndClientsThatOpensslAccepts) {
  make_authority_in_folder();
  ASSERT_EQ(pki({"issue", dir(), "host7.lab.example"}).status, 0);
  for (const char* purpose : {"sslserver", "sslclient"}) {
    const Verdict verdict =
        openssl("verify -x509_strict -purpose " + std::string(purpose) + " -verify_hostname host7.lab.example -CAfile " +
                file("ca.pem") + " " + file("host7.lab.example.pem"));
    EXPECT_EQ(verdict.status, 0) << verdict.text;
  }
  const std::string text = openssl("x509 -noout -text -in " + file("host7.lab.example.pem")).text;
  EXPECT_THAT(text, AllOf(HasSubstr("CA:FALSE"), HasSubstr("DNS:host7.lab.example"),
                          HasSubstr("TLS Web Server Authentication, TLS Web Client Authentication")));
}

TEST_F(Pki, FurtherNamesAreDnsNamesOrAddresses) {
  make_authority_in_folder();
  ASSERT_EQ(pki({"issue", dir(), "192.0.2.7", "--san=localhost", "--san=2001:db8::7", "--san=*.lab.example"}).status, 0);
  EXPECT_THAT(openssl("x509 -noout -ext subjectAltName -in " + file("192.0.2.7.pem")).text,
              HasSubstr("IP Address:192.0.2.7, DNS:localhost, IP Address:2001:DB8:0:0:0:0:0:7, DNS:*.lab.example"));
  EXPECT_EQ(openssl("verify -verify_ip 2001:db8::7 -CAfile " + file("ca.pem") + " " + file("192.0.2.7.pem")).status, 0);
}

TEST_F(Pki, NothingIsOverwritten) {
  make_authority_in_folder();
  const std::string before = *base::read_file(file("ca.key"));
  const ToolRun again = pki({"init", dir()});
  EXPECT_EQ(again.status, 80);
  EXPECT_THAT(again.err, HasSubstr("ca.pem is there already"));
  EXPECT_EQ(*base::read_file(file("ca.key")), before);

  folder_.write("a.example.key", "precious");
  EXPECT_EQ(pki({"issue", dir(), "a.example"}).status, 80);
  EXPECT_EQ(*base::read_file(file("a.example.key")), "precious");
  EXPECT_FALSE(std::filesystem::exists(file("a.example.pem")));
  EXPECT_EQ(pki({"issue", dir(), "ca"}).status, 80);
}

TEST_F(Pki, ShowPrintsNamesDatesAndTheIssuersThumbprint) {
  make_authority_in_folder();
  ASSERT_EQ(pki({"issue", dir(), "host7.lab.example", "--san=192.0.2.7"}).status, 0);
  const auto thumbprint = [&](const std::string& name) {
    std::string text = openssl("x509 -noout -fingerprint -sha1 -in " + file(name)).text;
    text.erase(0, text.find('=') + 1);
    std::erase(text, ':');
    std::erase(text, '\n');
    return text;
  };
  const ToolRun shown = pki({"show", file("host7.lab.example.pem")});
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("Subject: CN=host7.lab.example\n"), HasSubstr("Names: host7.lab.example, 192.0.2.7\n"),
                    HasSubstr("Issuer: CN=Lab CA\n"), HasSubstr("Use: server, client\n")));
  EXPECT_THAT(shown.out, AllOf(HasSubstr("\nThumbprint: " + thumbprint("host7.lab.example.pem") + "\n"),
                               HasSubstr("Issuer thumbprint: " + thumbprint("ca.pem") + "\n")));
  EXPECT_THAT(shown.out, HasSubstr("Valid until: 20"));
  EXPECT_THAT(pki({"show", file("ca.pem")}).out, HasSubstr("Issuer thumbprint: " + thumbprint("ca.pem")));
  EXPECT_THAT(pki({"show", file("host7.lab.example.pem"), "--json"}).out,
              HasSubstr("\"IssuerThumbprint\":\"" + thumbprint("ca.pem") + "\""));
}

TEST_F(Pki, ShowFallsBackToTheKeyIdentifierOfAnIssuerThatIsNotThere) {
  make_authority_in_folder();
  ASSERT_EQ(pki({"issue", dir(), "host7.lab.example"}).status, 0);
  TemporaryDirectory elsewhere;
  const auto alone = elsewhere.write("host.pem", *base::read_file(file("host7.lab.example.pem")));
  EXPECT_THAT(pki({"show", alone.string()}).out, testing::ContainsRegex("Authority key identifier: [0-9A-F]{40}\n"));
  // An authority of the same name that has not signed it does not count.
  ASSERT_EQ(pki({"init", elsewhere.path().string(), "--name=Lab CA"}).status, 0);
  EXPECT_THAT(pki({"show", alone.string()}).out, HasSubstr("Issuer thumbprint: not known"));
}

TEST_F(Pki, BadInputIsNamed) {
  EXPECT_EQ(pki({"issue", dir(), "a.example"}).status, 2);
  make_authority_in_folder();
  for (const char* host : {"../evil", "a b", "-x.example", "a..b", "*.lab.example", "", "1.2.3", "a.example-"}) {
    const ToolRun run = pki({"issue", dir(), "--", host});
    EXPECT_EQ(run.status, 87) << host;
    EXPECT_THAT(run.err, HasSubstr("neither a host name nor an IP address")) << host;
  }
  EXPECT_THAT(pki({"issue", dir(), "a.example", "--san=b c"}).err, HasSubstr("\"b c\" is neither"));
  EXPECT_EQ(pki({"show", file("missing.pem")}).status, 2);
  EXPECT_THAT(pki({"show", file("ca.key")}).err, HasSubstr("there is no certificate in it"));
  EXPECT_EQ(pki({"init", dir() + "/other", "--name=" + std::string(65, 'x')}).status, 87);
  EXPECT_FALSE(std::filesystem::exists(dir() + "/other"));
  EXPECT_EQ(pki({"frobnicate"}).status, 87);
  EXPECT_EQ(pki({"init"}).status, 87);
}

TEST_F(Pki, AKeyThatIsNotTheAuthoritysIsRefused) {
  make_authority_in_folder();
  TemporaryDirectory other;
  ASSERT_EQ(pki({"init", other.path().string()}).status, 0);
  folder_.write("ca.key", *base::read_file(other / "ca.key"));
  EXPECT_THAT(pki({"issue", dir(), "a.example"}).err, HasSubstr("does not belong to its certificate"));
  folder_.write("ca.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
  EXPECT_THAT(pki({"issue", dir(), "a.example"}).err, HasSubstr("cannot be read"));
}

TEST(Certificates, ALeafIsNoAuthority) {
  const base::WallTime now = base::system_clock().wall();
  const auto ca = make_authority("Lab CA", now);
  ASSERT_THAT(ca, IsOk());
  const auto leaf = issue_certificate(*ca, {"a.example"}, now);
  ASSERT_THAT(leaf, IsOk());
  EXPECT_THAT(issue_certificate(*leaf, {"b.example"}, now), IsError(std::errc::invalid_argument, "not one of an authority"));
}

TEST(Certificates, LeavesLast825DaysAndNeverLongerThanTheirAuthority) {
  const base::WallTime now = base::system_clock().wall();
  const auto ca = make_authority("Lab CA", now);
  ASSERT_THAT(ca, IsOk());
  const auto fresh = describe_certificate(issue_certificate(*ca, {"a.example"}, now)->certificate, {});
  ASSERT_THAT(fresh, IsOk());
  EXPECT_EQ(fresh->not_after - fresh->not_before, std::chrono::days(825));
  const auto late =
      describe_certificate(issue_certificate(*ca, {"a.example"}, now + std::chrono::days(3600))->certificate, {});
  ASSERT_THAT(late, IsOk());
  EXPECT_EQ(late->not_after, describe_certificate(ca->certificate, {})->not_after);
  EXPECT_THAT(issue_certificate(*ca, {"a.example"}, now + std::chrono::days(3700)),
              IsError(std::errc::invalid_argument, "expired"));
}

TEST(Certificates, AnAuthorityIsSpelledInItsOwnLetters) {
  const auto ca = make_authority("Prüfstand", base::system_clock().wall());
  ASSERT_THAT(ca, IsOk());
  EXPECT_EQ(describe_certificate(ca->certificate, {})->subject, "CN=Prüfstand");
  EXPECT_THAT(make_authority("\xff", base::system_clock().wall()), IsError(std::errc::invalid_argument));
  EXPECT_THAT(make_authority("", base::system_clock().wall()), IsError(std::errc::invalid_argument));
}

TEST(Certificates, ANameTooLongForASubjectStandsAmongTheNamesOnly) {
  const base::WallTime now = base::system_clock().wall();
  const auto ca = make_authority("Lab CA", now);
  const std::string host = std::string(60, 'h') + ".lab.example";
  const auto described = describe_certificate(issue_certificate(*ca, {host}, now)->certificate, ca->certificate);
  ASSERT_THAT(described, IsOk());
  EXPECT_EQ(described->subject, "");
  EXPECT_THAT(described->names, ElementsAre(host));
  EXPECT_EQ(described->issuer_thumbprint, describe_certificate(ca->certificate, {})->thumbprint);
}

}  // namespace
}  // namespace cli
