// Two networks, joined by a way that gives trouble on demand, and lines that are to come through.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/integration/lossy_link.h"
#include "tests/integration/stack.h"

namespace integration {

inline constexpr char kCollectorAddress[] = "10.89.0.1";
inline constexpr char kForwarderAddress[] = "10.89.7.1";
/// Silence of twice as long makes a service connect anew.
inline constexpr char kQuickToNotice[] = "[winrm.client]\nNetworkDelayms = 500\n";
inline constexpr std::chrono::seconds kPatience{90};

/// MUSTER_LONG is set: cuts of minutes, more of everything.
bool long_run();
Trouble cut_off();

/// The collector is far, the forwarder near. Tests are skipped where no networks can be made.
class NetworkFixture : public ::testing::Test {
 protected:
  void SetUp() override;

  /// For a failure's message: what the forwarder says.
  virtual std::string told() = 0;

  void write_lines(int count);
  std::size_t stored() { return stack_->messages().size(); }
  bool stored_eventually(std::size_t count);
  /// Waits for all that was written.
  void expect_every_line_once();

  const unsigned seed_;
  std::unique_ptr<NetworkNamespace> near_;
  std::unique_ptr<NetworkNamespace> far_;
  std::unique_ptr<LossyLink> link_;
  std::unique_ptr<Stack> stack_;
  std::filesystem::path file_;  ///< what the forwarder is to read
  int written_ = 0;

  NetworkFixture();
};

}  // namespace integration
