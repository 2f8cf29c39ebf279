// The annotated samples that are installed.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engine/service/settings.h"
#include "tests/support/matchers.h"
#include "tests/support/temporary_directory.h"

namespace {

using service::Program;
using test_support::IsOk;

const std::filesystem::path kDeploy = MUSTER_DEPLOY_DIRECTORY;

/// The sample with what it only suggests taken as said: "#key = value" becomes "key = value".
std::string with_suggestions(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream out;
  for (std::string line; std::getline(in, line);) {
    const bool suggestion = line.size() > 2 && line[0] == '#' && line[1] != ' ';
    out << (suggestion ? line.substr(1) : line) << '\n';
  }
  return std::move(out).str();
}

TEST(SampleConfiguration, CollectorsIsValidAndAllowsTheEnvelopesOfWindows) {
  const auto settings = service::load_settings(kDeploy / "collector.toml", kDeploy / "none", Program::Collector);
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->winrm.max_envelope_size_kb, 500u);
  EXPECT_TRUE(settings->winrm.auth_certificate);
  ASSERT_EQ(settings->listeners.size(), 1u);
  EXPECT_EQ(settings->listeners[0].port, 5986);
}

TEST(SampleConfiguration, ForwardersIsValid) {
  const auto settings = service::load_settings(kDeploy / "forwarder.toml", kDeploy / "none", Program::Forwarder);
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->forwarder.subscription_managers.size(), 1u);
  EXPECT_EQ(settings->forwarder.sources.size(), 2u);
}

TEST(SampleConfiguration, SuggestionsAreValidToo) {
  test_support::TemporaryDirectory directory;
  for (const auto& [name, program] :
       {std::pair{"collector.toml", Program::Collector}, std::pair{"forwarder.toml", Program::Forwarder}}) {
    const auto file = directory.write(name, with_suggestions(kDeploy / name));
    EXPECT_THAT(service::load_settings(file, kDeploy / "none", program), IsOk());
  }
}

TEST(SampleConfiguration, SuggestedValuesAreTheDefaults) {
  test_support::TemporaryDirectory directory;
  const auto file = directory.write("collector.toml", with_suggestions(kDeploy / "collector.toml"));
  const auto suggested = service::load_settings(file, kDeploy / "none", Program::Collector);
  ASSERT_THAT(suggested, IsOk());
  const service::Settings defaults;
  EXPECT_EQ(suggested->winrm.max_connections, defaults.winrm.max_connections);
  EXPECT_EQ(suggested->winrm.max_packet_retrieval_time_seconds, defaults.winrm.max_packet_retrieval_time_seconds);
  EXPECT_EQ(suggested->collector.compression, defaults.collector.compression);
  EXPECT_EQ(suggested->collector.content_encoding, defaults.collector.content_encoding);
  EXPECT_EQ(suggested->collector.max_log_size, defaults.collector.max_log_size);
  EXPECT_EQ(suggested->collector.forget_sources_after, defaults.collector.forget_sources_after);
  EXPECT_EQ(suggested->admin_group, defaults.admin_group);
  EXPECT_EQ(suggested->log_level, defaults.log_level);
}

}  // namespace
