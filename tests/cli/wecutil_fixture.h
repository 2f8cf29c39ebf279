// wecutil against the engine of a collector in this process.

#pragma once

#include <gmock/gmock.h>

#include <map>

#include "cli/wecutil.h"
#include "engine/base/win32.h"
#include "engine/wsman/client.h"
#include "engine/wsman/dispatcher.h"
#include "subscriptions/resources.h"
#include "tests/cli/tool_run.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace cli {

inline constexpr std::string_view kSubscriptionFile = R"(<?xml version="1.0" encoding="UTF-8"?>
<Subscription xmlns="http://schemas.microsoft.com/2006/03/windows/events/subscription">
  <SubscriptionId>linux-baseline</SubscriptionId>
  <SubscriptionType>SourceInitiated</SubscriptionType>
  <Description>Baseline</Description>
  <ConfigurationMode>MinLatency</ConfigurationMode>
  <Query><![CDATA[<QueryList><Query Id="0"><Select Path="Linux-Audit/Operational">*</Select></Query></QueryList>]]></Query>
  <ReadExistingEvents>true</ReadExistingEvents>
  <TransportName>https</TransportName>
  <Locale Language="en-US"/>
  <AllowedSourceNonDomainComputers>
    <AllowedIssuerCAList><IssuerCA>0123456789ABCDEF0123456789ABCDEF01234567</IssuerCA></AllowedIssuerCAList>
    <AllowedSubjectList><Subject>*.example.org</Subject></AllowedSubjectList>
  </AllowedSourceNonDomainComputers>
</Subscription>
)";

/// A machine without a network, and with the programs that a test gives it.
class FakeMachine final : public WinrmSurroundings {
 public:
  base::Result<ControlSocket> connect_local(const Arguments&) override {
    if (!running) return base::make_error(base::Win32::ServerUnavailable, "No service listens.");
    return ControlSocket{socket, nullptr};
  }
  base::Result<std::unique_ptr<wsman::Transport>> connect_remote(RemoteConnection) override {
    return base::make_error(base::Win32::NotSupported, "There is no network here.");
  }
  base::Result<CommandOutput> run(const std::vector<std::string>& command) override {
    std::string line;
    for (const std::string& word : command) line += (line.empty() ? "" : " ") + word;
    commands.push_back(line);
    if (line.starts_with("systemctl start")) running = true;
    const auto answer = answers.find(line);
    if (answer == answers.end()) return base::make_error(std::make_error_code(std::errc::no_such_file_or_directory), line);
    return answer->second;
  }
  base::Result<void> edit(const std::filesystem::path&) override { return {}; }

  bool running = true;
  std::filesystem::path socket = "/run/muster/collector.sock";
  std::map<std::string, CommandOutput> answers;
  std::vector<std::string> commands;
};

/// The tool against the engine of a collector in this process, with its stores on disk.
class WecutilFixture : public testing::Test {
 protected:
  WecutilFixture() {
    storage::EventStoreOptions options;
    options.clock = &clock_;
    events_ = std::move(*storage::EventStore::open(directory_ / "events", options));
    state_ = std::move(*storage::StateStore::open(directory_.path()));
    subscriptions::ManagerOptions manager;
    manager.secret_key.file = directory_ / "secrets.key";
    manager_ = std::move(*subscriptions::Manager::open(*state_, *events_, pool_, manager, clock_));
    definitions_ = std::make_unique<subscriptions::SubscriptionDefinitionResource>(*manager_);
    status_ = std::make_unique<subscriptions::SubscriptionStatusResource>(*manager_);
    dispatcher_.add(*definitions_);
    dispatcher_.add(*status_);
    caller_.who.scheme = auth::Principal::Scheme::LocalPeer;
    caller_.who.name = "root";
    caller_.who.administrator = true;
    caller_.path = "/wsman";
  }
  ~WecutilFixture() override { test_support::run(events_->stop()); }

  /// `input` is what a person types.
  ToolRun run(std::vector<std::string> words, std::string input = {}) {
    const ConnectFunction connect = [this](const Arguments&) -> base::Result<std::unique_ptr<wsman::Client>> {
      if (!running_) return base::make_error(base::Win32::ServerUnavailable, "No service listens.");
      wsman::ClientOptions options;
      options.to = "http://localhost:5985/wsman";
      return std::make_unique<wsman::Client>(wsman::loopback_transport(dispatcher_, caller_), options);
    };
    return run_tool([&](Console& console) { return run_wecutil(console, words, connect, machine_); }, std::move(input));
  }
  std::string file(std::string_view content = kSubscriptionFile) {
    return directory_.write("subscription.xml", content).string();
  }
  void create() { ASSERT_EQ(run({"cs", file()}).status, 0); }
  subscriptions::Subscription definition() { return *manager_->find("linux-baseline"); }

  void update(storage::DeliveryUpdate update) {
    update.subscription = "linux-baseline";
    ASSERT_THAT(test_support::run(events_->update_delivery(std::move(update))), test_support::IsOk());
  }
  void hear_from(std::string machine) {
    storage::DeliveryUpdate heard;
    heard.machine = std::move(machine);
    heard.heartbeat = clock_.wall();
    update(std::move(heard));
  }

  test_support::TemporaryDirectory directory_;
  test_support::FakeClock clock_;
  base::BlockingPool pool_{2};
  std::unique_ptr<storage::EventStore> events_;
  std::unique_ptr<storage::StateStore> state_;
  std::unique_ptr<subscriptions::Manager> manager_;
  std::unique_ptr<wsman::Resource> definitions_;
  std::unique_ptr<wsman::Resource> status_;
  wsman::Dispatcher dispatcher_{wsman::DispatcherOptions{}};
  wsman::Caller caller_;
  FakeMachine machine_;
  bool running_ = true;
};

}  // namespace cli
