// A world for winrm: a WS-Management service with a configuration in this process, a network, and a machine whose commands
// answer as a test says.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/winrm_surroundings.h"
#include "engine/wsman/dispatcher.h"
#include "engine/wsman/resource.h"
#include "tests/cli/tool_run.h"

namespace cli {

/// Instances that are kept as they came, by their selectors.
class StoredResource final : public wsman::Resource {
 public:
  StoredResource(std::string uri, std::vector<wsman::Item> items) : items(std::move(items)), uri_(std::move(uri)) {}

  std::string_view uri() const override { return uri_; }
  /// Says that it has all, so that requests reach it.
  wsman::Features features() const override;
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> create(const wsman::Call& call) override;
  wsman::AsyncResult<void> remove(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;
  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override;

  std::vector<wsman::Item> items;
  /// What methods answer: (method, body).
  std::function<wsman::Result<std::string>(const std::string&, xml::Element)> methods;
  /// What put answers, where it is no success.
  std::optional<wsman::Fault> put_fault;

 private:
  std::vector<wsman::Item>::iterator find(const wsman::Call& call);

  std::string uri_;
};

/// One thread.
class WinrmWorld final : public WinrmSurroundings {
 public:
  WinrmWorld();
  ~WinrmWorld() override;

  base::Result<ControlSocket> connect_local(const Arguments& switches) override;
  base::Result<std::unique_ptr<wsman::Transport>> connect_remote(RemoteConnection plan) override;
  base::Result<CommandOutput> run(const std::vector<std::string>& command) override;
  base::Result<void> edit(const std::filesystem::path& file) override;

  /// The tool in this world.
  ToolRun winrm(std::vector<std::string> words, std::string input = {});

  StoredResource config;
  StoredResource client;
  StoredResource service;
  StoredResource ports;
  StoredResource listeners;
  StoredResource services;    ///< Win32_Service
  StoredResource everything;  ///< wmicimv2/*
  StoredResource security;

  bool running = true;  ///< somebody listens on the control socket
  std::filesystem::path socket = "/run/muster/collector.sock";
  /// The last message that was sent to the service on the machine or over the network.
  std::optional<wsman::Message> sent;
  /// How long its sender was ready to wait.
  std::chrono::milliseconds patience{};
  std::optional<RemoteConnection> plan;
  /// What the next messages get instead of the service's answer.
  std::vector<base::Error> network_errors;
  /// Each command that was run, its words joined by blanks, and what the commands of the machine answer. There is no
  /// other program.
  std::vector<std::string> commands;
  std::map<std::string, CommandOutput> answers;
  /// Called where a command is run, before it answers.
  std::function<void(const std::string&)> on_command;
  /// What a person does to the text in the editor.
  std::function<std::string(std::string)> editor;

 private:
  class Line;
  std::unique_ptr<wsman::Transport> connect();

  wsman::Dispatcher dispatcher_;
};

}  // namespace cli
