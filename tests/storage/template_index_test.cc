#include "storage/template_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/storage/store_fixture.h"

namespace storage_test {
namespace {

using ::testing::SizeIs;

events::Event event_of(const std::string& provider, const std::string& data) {
  return events::Event::parse("<Event><System><Provider Name='" + provider +
                              "'/><EventID>1</EventID></System><EventData><Data Name='x'>" + data +
                              "</Data></EventData></Event>")
      .value();
}

std::string joined(const storage::CutBatch& batch, std::size_t event) {
  const auto& cut = batch.events[event];
  std::string xml;
  batch.shapes[cut.shape].known.skeleton->join(batch.values_of(cut), xml);
  return xml;
}

TEST(Cutter, CutsEventsOfOneKindWithOneSkeleton) {
  const storage::TemplateIndex index;
  storage::Cutter cutter;
  storage::CutBatch batch;
  const auto first = event_of("a", "1"), second = event_of("a", "2"), other = event_of("b", "1");
  for (const auto* event : {&first, &second, &other}) cutter.cut(*event, index, batch);
  EXPECT_THAT(batch.shapes, SizeIs(2));
  EXPECT_EQ(batch.events[0].shape, batch.events[1].shape);
  EXPECT_EQ(joined(batch, 0), first.xml);
  EXPECT_EQ(joined(batch, 1), second.xml);
  EXPECT_EQ(joined(batch, 2), other.xml);
}

TEST(Cutter, TakesTheTemplateThatTheStoreHas) {
  storage::TemplateIndex index;
  storage::Cutter cutter;
  const auto event = event_of("a", "1");
  storage::CutBatch before;
  cutter.cut(event, index, before);
  EXPECT_EQ(before.shapes[0].known.id, 0u);
  index.add(before.shapes[0].hash, {17, before.shapes[0].known.skeleton});
  storage::CutBatch after;
  cutter.cut(event, index, after);
  EXPECT_EQ(after.shapes[0].known.id, 17u);
}

TEST(Cutter, KeepsRawTextWhole) {
  const storage::TemplateIndex index;
  storage::Cutter cutter;
  storage::CutBatch batch;
  events::Event raw;
  raw.xml = "no event";
  raw.quality = events::Quality::Raw;
  cutter.cut(raw, index, batch);
  EXPECT_EQ(batch.events[0].shape, storage::CutBatch::kWhole);
}

TEST(Cutter, CutsCoarselyWhatComesInTooManyKinds) {
  const storage::TemplateIndex index;
  storage::Cutter cutter;
  storage::CutBatch batch;
  std::vector<events::Event> events;
  for (std::size_t i = 0; i < storage::kMaxNewShapes + 100; ++i) events.push_back(event_of("p" + std::to_string(i), "x"));
  for (const auto& event : events) cutter.cut(event, index, batch);
  EXPECT_THAT(batch.shapes, SizeIs(storage::kMaxNewShapes + 1));
  EXPECT_EQ(joined(batch, events.size() - 1), events.back().xml);
}

TEST(TemplateIndex, HasRoomForSoManyFineTemplatesAndThenForCoarseOnes) {
  storage::TemplateIndex index;
  const auto skeleton = events::Skeleton::parse("<Event><System><EventID>1</EventID></System></Event>").value();
  for (std::uint32_t id = 1; id <= storage::kMaxFineTemplates; ++id) {
    EXPECT_TRUE(index.takes(events::Grain::Fine));
    index.add(id, {id, skeleton});
  }
  EXPECT_FALSE(index.takes(events::Grain::Fine));
  EXPECT_TRUE(index.takes(events::Grain::Coarse));
  for (auto id = storage::kMaxFineTemplates; id < storage::kMaxTemplates; ++id) {
    index.add(id, {static_cast<std::uint32_t>(id), skeleton});
  }
  EXPECT_FALSE(index.takes(events::Grain::Coarse));
}

}  // namespace
}  // namespace storage_test
