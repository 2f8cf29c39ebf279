// A configuration over a real state store, and a service that remembers what it was told.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/config/configuration.h"
#include "engine/xml/document.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace config {

using test_support::IsOk;
using test_support::run_on;

/// Remembers what it was told, and has one certificate and one address.
class FakeEffects final : public Effects {
 public:
  void apply(const Current& current) override {
    ++applied;
    timeouts.emplace_back(current.values.text(Id::MaxTimeoutms), current.values.text(Id::MaxBatchItems));
    envelope = current.values.text(Id::MaxEnvelopeSizekb);
  }
  std::vector<ServerCertificate> certificates() override {
    return {{std::string(40, 'A'), {"*.lab.example"}, true}, {std::string(40, 'B'), {"client.test"}, false}};
  }
  bool has_address(const std::string& address) override { return address == "*" || address == "IP:192.0.2.7"; }
  Listening listening_on(const ListenerKey&) override { return {}; }
  std::string host_name() override { return "host.lab.example"; }
  bool has_user(const std::string& name) override { return name == "alice"; }
  std::vector<std::string> resources() override { return {"urn:built-in"}; }

  int applied = 0;
  std::vector<std::pair<std::string, std::string>> timeouts;  ///< MaxTimeoutms and MaxBatchItems of each apply()
  std::string envelope;
};

class ConfigurationTest : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }

  void open(Foundation foundation) {
    configuration_.reset();
    store_.reset();
    auto store = storage::StateStore::open(directory_.path());
    ASSERT_THAT(store, IsOk());
    store_ = std::move(*store);
    auto opened = Configuration::open(*store_, pool_, std::move(foundation));
    ASSERT_THAT(opened, IsOk());
    configuration_ = std::move(*opened);
    configuration_->attach(effects_);
  }

  /// The number of the fault, or 0.
  std::uint32_t set(std::vector<std::pair<Id, std::string>> values) {
    Given given;
    for (auto& [id, text] : values) given.emplace_back(&setting_of(id), std::move(text));
    return number(run_on(loop_.executor(), configuration_->set(std::move(given))));
  }
  std::uint32_t create(std::string_view address, std::string_view transport, ListenerChange change = {}) {
    return number(run_on(loop_.executor(), configuration_->create_listener(*make_listener_key(address, transport), change)));
  }
  std::uint32_t change(std::string_view address, std::string_view transport, ListenerChange change) {
    return number(run_on(loop_.executor(), configuration_->change_listener(*make_listener_key(address, transport), change)));
  }
  std::uint32_t create_mapping(std::string_view subject, CertMappingChange change) {
    auto key = make_cert_mapping_key(std::string(40, 'A'), subject, "*");
    return number(run_on(loop_.executor(), configuration_->create_mapping(*key, std::move(change))));
  }
  /// With a whole document, of which `inside` is what stands in the root.
  std::uint32_t put_plugin(std::string name, const std::string& attributes, const std::string& inside, bool create) {
    auto document = xml::Document::parse("<PlugInConfiguration xmlns='" + std::string(kPluginNamespace) + "' " + attributes +
                                         ">" + inside + "</PlugInConfiguration>");
    if (!document.ok()) return 1;
    auto change = read_plugin(document->root(), name);
    if (!change.ok()) return wsman::windows_code_of(change.error());
    auto task = create ? configuration_->create_plugin(std::move(name), std::move(*change))
                       : configuration_->change_plugin(std::move(name), std::move(*change));
    return number(run_on(loop_.executor(), std::move(task)));
  }
  std::uint32_t create_plugin(std::string name, const std::string& resource = "urn:resource") {
    return put_plugin(std::move(name), "Filename='%windir%\\system32\\wevtfwd.dll' SDKVersion='1'",
                      "<Resources><Resource ResourceUri='" + resource + "'><Capability Type='Get'/></Resource></Resources>",
                      true);
  }
  std::uint32_t set_security(std::string uri, std::string sddl) {
    PluginSaid said;
    said.set(PluginAttribute::SecuritySddl, std::move(sddl));
    return number(run_on(loop_.executor(), configuration_->change_security(std::move(uri), std::move(said))));
  }
  std::string text(Id id) { return configuration_->current()->values.text(id); }
  std::vector<std::string> listeners() {
    std::vector<std::string> all;
    for (const Listener& one : configuration_->current()->listeners) {
      all.push_back(one.key.address + " " + std::string(one.key.transport()) + " " + std::to_string(one.port) + " " +
                    one.hostname);
    }
    return all;
  }
  static std::uint32_t number(const wsman::Result<void>& result) {
    return result.ok() ? 0 : wsman::windows_code_of(result.error());
  }

  test_support::TemporaryDirectory directory_;
  test_support::Loop loop_;
  base::BlockingPool pool_{4};
  FakeEffects effects_;
  std::unique_ptr<storage::StateStore> store_;
  std::unique_ptr<Configuration> configuration_;
};

}  // namespace config
