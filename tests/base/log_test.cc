#include "engine/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace {

using ::testing::ElementsAre;

class Log : public ::testing::Test {
 protected:
  ~Log() override {
    base::set_log_sink(nullptr);
    base::set_log_level(base::LogLevel::Info);
  }
};

TEST_F(Log, HolesAreFilledInOrder) {
  EXPECT_EQ(base::format_text("{} of {} from {}", 1, 2u, "web1"), "1 of 2 from web1");
  EXPECT_EQ(base::format_text("{} and {}", 1), "1 and {}");
  EXPECT_EQ(base::format_text("none", 1), "none");
}

TEST_F(Log, LinesLessUrgentThanTheLevelAreDropped) {
  std::vector<std::string> lines;
  base::set_log_sink([&](base::LogLevel, std::string_view text) { lines.emplace_back(text); });
  base::set_log_level(base::LogLevel::Warning);
  base::log_error("one");
  base::log_warning("two");
  base::log_notice("three");
  base::log_debug("four");
  EXPECT_THAT(lines, ElementsAre("one", "two"));
}

TEST_F(Log, APeerCannotForgeALine) {
  ::testing::internal::CaptureStderr();
  base::log_info("user {}", "eve\nerror: forged\x1b[2J");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::EndsWith("user eve\\x0aerror: forged\\x1b[2J\n"));
}

}  // namespace
