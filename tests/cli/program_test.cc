// The program as it is started by people, and services on control sockets that it talks to.

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "engine/auth/local_peer.h"
#include "engine/base/die.h"
#include "engine/http/listener.h"
#include "engine/wsman/endpoint.h"
#include "tests/resources/log_service.h"
#include "tests/support/process.h"

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

/// A service's logs behind a control socket.
class ControlledService {
 public:
  ControlledService()
      : endpoint_(wsman::EndpointOptions{}, logs_.dispatcher(), {&peers_}),
        listener_(loop_.executor(), options(), endpoint_) {
    const auto started = listener_.start();
    if (!started.ok()) base::die(started.error().message());
  }
  ~ControlledService() { stop(); }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    test_support::run_on(loop_.executor(), [](http::Listener& listener) -> base::Task<int> {
      co_await listener.stop();
      co_return 0;
    }(listener_));
  }

  std::string state() const { return folder_.path().string(); }
  LogService& logs() { return logs_; }

  void deliver(std::uint64_t count) {
    std::vector<std::string> events;
    for (std::uint64_t i = 1; i <= count; ++i) events.push_back(event_xml(i, "x"));
    logs_.deliver(kLog, std::move(events));
  }

 private:
  http::ListenerOptions options() const {
    http::ListenerOptions options;
    options.unix_path = folder_ / "control.sock";
    return options;
  }

  TemporaryDirectory folder_;
  LogService logs_;
  auth::LocalPeerAuthenticator peers_;
  test_support::Loop loop_;
  wsman::Endpoint endpoint_;
  http::Listener listener_;
  bool stopped_ = false;
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
  EXPECT_EQ(run_command({"env", "MUSTER_STATE=" + service.state(), kProgram, "wevtutil", "el", state}).status, 1722 % 256);
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
  EXPECT_EQ(result.status, 1722 % 256);
  EXPECT_THAT(result.err, AllOf(HasSubstr("control.sock"), HasSubstr("The RPC server is unavailable.")));
}

TEST(Program, ASocketThatNobodyServesAnyMoreIsUnavailable) {
  TemporaryDirectory folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (folder / "control.sock").c_str());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(descriptor);
  EXPECT_EQ(run_command({kProgram, "wevtutil", "el", "--state=" + folder.path().string()}).status, 1722 % 256);
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

}  // namespace
}  // namespace cli
