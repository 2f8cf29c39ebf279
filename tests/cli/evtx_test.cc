// Log files of Windows, as tests/data/make_evtx.py makes them.

#include <fstream>

#include "cli/event_file.h"
#include "engine/base/win32.h"
#include "events/event.h"
#include "tests/support/matchers.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace cli {
namespace {

using base::Win32;
using test_support::IsError;
using test_support::IsOk;
using test_support::TemporaryDirectory;

class EvtxTest : public testing::Test {
 protected:
  std::filesystem::path make(const std::string& count, const std::vector<std::string>& options = {}) {
    const std::filesystem::path file = folder_ / "made.evtx";
    std::vector<std::string> command{"python3", MUSTER_TEST_DATA "/make_evtx.py", file.string(), count};
    command.insert(command.end(), options.begin(), options.end());
    EXPECT_EQ(test_support::run_command(command).status, 0);
    return file;
  }

  /// Every event of the file, until the first error.
  static base::Result<std::vector<std::string>> read(const std::filesystem::path& path, std::uint64_t& unreadable) {
    ASSIGN_OR_RETURN(const auto file, EventFile::open(path));
    std::vector<std::string> events;
    for (;;) {
      ASSIGN_OR_RETURN(auto event, file->next());
      unreadable = file->unreadable();
      if (!event) return events;
      events.push_back(std::move(*event));
    }
  }

  TemporaryDirectory folder_;
};

TEST_F(EvtxTest, GivesEventsInOurOwnForm) {
  std::uint64_t unreadable = 0;
  const auto events = read(make("3"), unreadable);
  ASSERT_THAT(events, IsOk());
  ASSERT_EQ(events->size(), 3u);
  EXPECT_EQ(unreadable, 0u);
  EXPECT_EQ((*events)[1].find("> <"), std::string::npos);
  EXPECT_EQ((*events)[1].find('\n'), std::string::npos);
  const events::Event event = events::Event::from_wire((*events)[1]);
  EXPECT_EQ(event.quality, events::Quality::Good);
  EXPECT_EQ(event.system.event_id, 102);
  EXPECT_EQ(event.system.channel, "Lab/Operational");
  EXPECT_EQ(event.system.record_id, 2u);
  EXPECT_NE(event.xml.find("<Data Name=\"Text\">Grüße 2 &lt; 3</Data>"), std::string::npos);
}

TEST_F(EvtxTest, CountsWhatIsDamagedAndGoesOn) {
  std::uint64_t unreadable = 0;
  const auto events = read(make("3", {"--damage"}), unreadable);
  ASSERT_THAT(events, IsOk());
  EXPECT_FALSE(events->empty());
  EXPECT_GE(unreadable, 1u);
}

TEST_F(EvtxTest, NoPieceOfAFileIsTakenForAWholeOne) {
  const auto file = make("40");
  std::string whole(std::istreambuf_iterator<char>(std::ifstream(file, std::ios::binary).rdbuf()), {});
  for (std::size_t size = 8; size < whole.size(); size += 4099) {
    folder_.write("cut.evtx", whole.substr(0, size));
    std::uint64_t unreadable = 0;
    const auto events = read(folder_ / "cut.evtx", unreadable);
    if (events.ok()) {
      EXPECT_LE(events->size(), 40u);
    } else {
      EXPECT_THAT(events, IsError(Win32::EventlogFileCorrupt)) << size;
    }
  }
}

TEST_F(EvtxTest, RubbishInAFileEndsNothingButItsReader) {
  const auto file = make("40");
  const std::string whole(std::istreambuf_iterator<char>(std::ifstream(file, std::ios::binary).rdbuf()), {});
  std::uint32_t seed = 1;
  for (int round = 0; round < 60; ++round) {
    std::string bad = whole;
    for (int i = 0; i < 8; ++i) {
      seed = seed * 1664525 + 1013904223;
      bad[8 + (seed >> 8) % 20'000] = static_cast<char>(seed >> 3);
    }
    folder_.write("bad.evtx", bad);
    std::uint64_t unreadable = 0;
    const auto events = read(folder_ / "bad.evtx", unreadable);
    if (events.ok()) continue;
    EXPECT_THAT(events, IsError(Win32::EventlogFileCorrupt));
  }
}

}  // namespace
}  // namespace cli
