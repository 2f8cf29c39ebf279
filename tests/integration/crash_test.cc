// Collector and forwarder, one of them or both, are killed at random moments while lines are written: at the end each line
// is there once, in order.

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace integration {
namespace {

using test_support::eventually;

/// Writes numbered lines to a file, some each millisecond, until it is stopped: enough for the stores to seal files.
class Generator {
 public:
  Generator(const std::filesystem::path& file, std::chrono::milliseconds pause)
      : thread_([this, file, pause] {
          while (!stop_) {
            std::ofstream out(file, std::ios::app);
            for (int i = 0; i < 40; ++i) out << "May  1 10:15:30 host app[1]: line " << written_++ << "\n";
            out.close();
            std::this_thread::sleep_for(pause);
          }
        }) {}
  ~Generator() { stop(); }
  int stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return written_;
  }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> written_ = 0;
  std::thread thread_;
};

constexpr std::chrono::milliseconds kFast{2};
constexpr std::chrono::milliseconds kSlow{10};

/// How the collector asks for events; the text goes into its configuration.
struct Coding {
  std::string name;
  std::string configuration;
  int rounds;
  std::chrono::milliseconds pause;  ///< of who writes the lines

  int rounds_to_run() const { return std::getenv("MUSTER_LONG") != nullptr ? 200 : rounds; }
};

class Crash : public ::testing::TestWithParam<Coding> {};

TEST_P(Crash, EveryLineIsStoredOnceAndInOrder) {
  Stack stack;
  const auto file = stack.directory() / "numbers.log";
  std::ofstream(file).close();
  stack.start_collector(GetParam().configuration);
  stack.create_subscription({});
  stack.start_forwarder("host7.lab.example", file.string());
  ASSERT_TRUE(stack.forwarder("host7.lab.example").wait_for_line("started, delivering"))
      << stack.forwarder("host7.lab.example").error_output();

  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int total = 0;
  {
    Generator generator(file, GetParam().pause);
    for (int round = 0; round < GetParam().rounds_to_run(); ++round) {
      // The moment is the point of the test: random, but bounded.
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
      const auto whom = random() % 3;
      const bool collector = whom != 0;
      const bool forwarder = whom != 1;
      if (collector) stack.collector().kill();
      if (forwarder) stack.forwarder("host7.lab.example").kill();
      if (collector) stack.start_collector(GetParam().configuration);
      if (forwarder) stack.start_forwarder("host7.lab.example", file.string());
    }
    total = generator.stop();
  }
  ASSERT_TRUE(eventually([&] { return static_cast<int>(stack.messages().size()) >= total; }, std::chrono::seconds(120)))
      << stack.messages().size() << " of " << total << "\n"
      << stack.forwarder("host7.lab.example").error_output();
  // Or the test would say nothing of what happens while events are sealed.
  if (GetParam().pause == kFast) {
    EXPECT_FALSE(std::filesystem::is_empty(stack.collector_state() / "segments"));
  }
  const auto messages = stack.messages();
  ASSERT_EQ(static_cast<int>(messages.size()), total);
  for (int i = 0; i < total; ++i) ASSERT_EQ(messages[static_cast<std::size_t>(i)], "line " + std::to_string(i));
}

INSTANTIATE_TEST_SUITE_P(
    EachCoding, Crash,
    ::testing::Values(Coding{"Utf16", "", 7, kFast}, Coding{"Sldc", "[collector]\ncompression = true\n", 4, kSlow},
                      Coding{"Utf8AndSldc", "[collector]\ncompression = true\ncontent_encoding = \"UTF-8\"\n", 4, kSlow}),
    [](const auto& coding) { return coding.param.name; });

}  // namespace
}  // namespace integration
