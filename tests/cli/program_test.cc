// The program as it is started by people, and services on control sockets that it talks to.

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "engine/auth/certificate.h"
#include "tests/cli/controlled_service.h"
#include "tests/support/process.h"
#include "tests/support/test_pki.h"

namespace cli {
namespace {

using test_support::CommandResult;
using test_support::event_xml;
using test_support::LogService;
using test_support::run_command;
using test_support::TemporaryDirectory;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kLog[] = "ForwardedEvents";
const std::filesystem::path kProgram = MUSTER_PROGRAM;

/// A service's logs over TLS, for clients with certificates and for strangers.
class RemoteService {
 public:
  RemoteService()
      : endpoint_(wsman::EndpointOptions{}, logs_.dispatcher(), {&certificates_}),
        listener_(loop_.executor(), options(), endpoint_) {
    const auto started = listener_.start();
    if (!started.ok()) base::die(started.error().message());
  }
  ~RemoteService() {
    test_support::run_on(loop_.executor(), [](http::Listener& listener) -> base::Task<int> {
      co_await listener.stop();
      co_return 0;
    }(listener_));
  }

  /// winrm, asking this service.
  CommandResult winrm(std::vector<std::string> words, const std::string& input = {}) const {
    words.insert(words.begin(), (kProgram.parent_path() / "winrm").string());
    words.push_back("-r:https://localhost:" + std::to_string(listener_.port()) + "/wsman");
    return run_command(words, input);
  }
  std::string authorities() const { return "-ca:" + pki_.authorities().string(); }
  /// A file that holds both the certificate and its key.
  std::string identity() const {
    return "-c:" +
           test_support::join_files(pki_.directory(), "alice.pem", {identity_.certificate, identity_.private_key}).string();
  }

 private:
  http::ListenerOptions options() const {
    const test_support::Identity server = pki_.server();
    http::TlsServerOptions tls;
    tls.certificate = server.certificate;
    tls.private_key = server.private_key;
    tls.client_ca = pki_.authorities();
    auto context = http::TlsServerContext::load(tls);
    if (!context.ok()) base::die(context.error().message());
    http::ListenerOptions options;
    options.address = "127.0.0.1";
    options.tls = std::move(*context);
    return options;
  }

  test_support::TestPki pki_;
  test_support::Identity identity_ = pki_.client("alice.lab.example");
  LogService logs_;
  auth::CertificateAuthenticator certificates_;
  test_support::Loop loop_;
  wsman::Endpoint endpoint_;
  http::Listener listener_;
};

std::string tool(const std::string& name) {
  return (kProgram.parent_path() / name).string();
}

TEST(Program, AsksTheServiceWhoseStateDirectoryIsNamed) {
  ControlledService service;
  service.deliver(2);
  const CommandResult listed = run_command({kProgram, "wevtutil", "el", "--state", service.state()});
  EXPECT_EQ(listed.status, 0);
  EXPECT_EQ(listed.out, "ForwardedEvents\n");
  EXPECT_EQ(listed.err, "");
}

TEST(Program, TheNameThatItIsStartedByChoosesTheTool) {
  ControlledService service;
  service.deliver(1);
  EXPECT_EQ(run_command({tool("wevtutil"), "qe", kLog, "--state=" + service.state()}).out, event_xml(1, "x") + "\n");
  EXPECT_THAT(run_command({tool("wecutil"), "/?"}).out, HasSubstr("create-subscription"));
  EXPECT_THAT(run_command({tool("winrm"), "id", "--state=" + service.state()}).out, HasSubstr("Stack: 3.0"));
  const CommandResult winrs = run_command({tool("winrs"), "-r:host", "uptime"});
  EXPECT_EQ(winrs.status, 50);
  EXPECT_THAT(winrs.err, HasSubstr("not available in this version"));
}

TEST(Program, TheVariableMusterStateNamesTheService) {
  ControlledService service;
  service.deliver(1);
  EXPECT_EQ(run_command({"env", "MUSTER_STATE=" + service.state(), kProgram, "wevtutil", "el"}).out, "ForwardedEvents\n");
  TemporaryDirectory other;
  const std::string state = "--state=" + other.path().string();
  EXPECT_EQ(run_command({"env", "MUSTER_STATE=" + service.state(), kProgram, "wevtutil", "el", state}).status, 1717 % 256);
}

TEST(Program, PrintsManyPages) {
  ControlledService service;
  service.deliver(1750);
  const CommandResult result = run_command({kProgram, "wevtutil", "qe", kLog, "--state=" + service.state()});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1750);
}

TEST(Program, AReaderThatEndsEarlyEndsItQuietly) {
  ControlledService service;
  service.deliver(10'000);
  const CommandResult result =
      run_command({"bash", "-c", "\"$0\" wevtutil qe \"$1\" --state=\"$2\" | head -n 3; echo ${PIPESTATUS[0]}", kProgram,
                   kLog, service.state()});
  EXPECT_THAT(result.out, AllOf(StartsWith(event_xml(1, "x") + "\n"), EndsWith("</Event>\n141\n")));
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 4);
  EXPECT_EQ(result.err, "");
}

TEST(Program, AFullDiskIsAnError) {
  ControlledService service;
  service.deliver(1);
  const CommandResult result =
      run_command({"bash", "-c", "\"$0\" wevtutil el --state=\"$1\" > /dev/full", kProgram, service.state()});
  EXPECT_EQ(result.status, 112);
  EXPECT_THAT(result.err, HasSubstr("There is not enough space on the disk."));
}

TEST(Program, AServiceThatHasGoneIsUnavailable) {
  ControlledService service;
  service.stop();
  const CommandResult result = run_command({kProgram, "wevtutil", "el", "--state=" + service.state()});
  EXPECT_EQ(result.status, 1717 % 256);
  EXPECT_THAT(result.err, AllOf(HasSubstr("control.sock"), HasSubstr("The interface is unknown.")));
}

TEST(Program, ASocketThatNobodyServesAnyMoreIsUnavailable) {
  TemporaryDirectory folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (folder / "control.sock").c_str());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(descriptor);
  EXPECT_EQ(run_command({kProgram, "wevtutil", "el", "--state=" + folder.path().string()}).status, 1717 % 256);
}

TEST(Program, APathTooLongForASocketIsNamed) {
  const CommandResult result = run_command({kProgram, "wevtutil", "el", "--state=/" + std::string(200, 'x')});
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("File name too long"));
}

TEST(Program, HelpAndVersionGoToStandardOutput) {
  EXPECT_THAT(run_command({kProgram, "--version"}).out, testing::MatchesRegex("muster [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  for (const char* word : {"--help", "/?"}) {
    const CommandResult result = run_command({kProgram, word});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("wecutil"), HasSubstr("pki")));
    EXPECT_EQ(result.err, "");
  }
  EXPECT_EQ(run_command({kProgram, "frobnicate"}).status, 87);
}

TEST(RemoteWinrm, IdentifiesAServiceAsAStranger) {
  RemoteService service;
  const CommandResult shown = service.winrm({"id", "-auth:none", service.authorities()});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("ProductVersion = OS: 0.0.0 SP: 0.0 Stack: 3.0\n"));
}

TEST(RemoteWinrm, IsKnownByItsCertificate) {
  RemoteService service;
  const CommandResult shown = service.winrm({"id", service.identity(), service.authorities(), "-encoding:utf-16"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("Stack: 3.0\n"), HasSubstr("secprofile/https/mutual\n")));
  EXPECT_THAT(shown.out, testing::Not(HasSubstr("OS: 0.0.0")));
}

TEST(RemoteWinrm, TrustsNoServerOfAnUnknownAuthority) {
  RemoteService service;
  const CommandResult refused = service.winrm({"id", "-auth:none"});
  EXPECT_EQ(refused.status, 2150859194u % 256);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("unable to get local issuer certificate"), HasSubstr("0x803381BA")));
  EXPECT_EQ(service.winrm({"id", "-auth:none", "-skipcacheck"}).status, 0);
}

TEST(RemoteWinrm, SaysThatAStrangerIsDenied) {
  RemoteService service;
  const CommandResult denied =
      service.winrm({"get", "winrm/config", "-auth:basic", "-u:alice", service.authorities()}, "secret\n");
  EXPECT_EQ(denied.status, 5);
  EXPECT_THAT(denied.err,
              AllOf(HasSubstr("Password for alice: "), HasSubstr("0x80070005"), HasSubstr("Access is denied.\n")));
}

}  // namespace
}  // namespace cli
