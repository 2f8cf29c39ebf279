#include "tests/storage/block_fixture.h"

#include <fstream>
#include <stdexcept>

#include "storage/errc.h"

namespace storage::test {
namespace {

class ListeningFrames final : public FrameSource {
 public:
  ListeningFrames(std::span<const std::string> frames, std::set<std::uint32_t>* read) : frames_(frames), read_(read) {}
  base::Result<std::string> read(std::uint32_t number) override {
    if (read_ != nullptr) read_->insert(number);
    return frames_[number];
  }

 private:
  std::span<const std::string> frames_;
  std::set<std::uint32_t>* read_;
};

}  // namespace

std::vector<events::Event> real_events() {
  std::ifstream file(MUSTER_TEST_DATA "/windows-events.xmlines");
  std::vector<events::Event> events;
  for (std::string line; std::getline(file, line);) events.push_back(events::Event::parse(line).value());
  return events;
}

base::Result<std::shared_ptr<const events::Skeleton>> Templates::find(std::uint32_t id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return base::make_error(Errc::Corrupt, "no such template");
  return found->second;
}

const Template& Templates::of(const std::string& skeleton) {
  Template& shape = by_text_[skeleton];
  if (!shape.skeleton) {
    shape.id = static_cast<std::uint32_t>(by_text_.size());
    shape.skeleton = events::Skeleton::parse(skeleton).value();
    by_id_[shape.id] = shape.skeleton;
  }
  return shape;
}

BlockMaker::BlockMaker(std::uint64_t first_record, events::Grain grain_wanted) : grain_(grain_wanted) {
  builder.begin(first_record);
}

void BlockMaker::add(const std::string& xml, base::WallTime time, BlockBuilder::Arrival arrival, events::Quality quality) {
  if (!splitter_.split(xml, grain_)) throw std::invalid_argument("the event cannot be cut: " + xml.substr(0, 1000));
  builder.add(templates.of(splitter_.skeleton()), splitter_.values(), time, arrival, quality);
}
void BlockMaker::add(const events::Event& event, BlockBuilder::Arrival arrival, events::Quality quality) {
  add(event.xml, event.system.time, arrival, quality);
}
void BlockMaker::add(const std::string& xml, BlockBuilder::Arrival arrival, events::Quality quality) {
  add(events::Event::parse(xml).value(), arrival, quality);
}
void BlockMaker::add_at(const std::string& xml, std::int64_t time) {
  add(xml, base::WallTime(std::chrono::nanoseconds(time)), {}, events::Quality::Good);
}
void BlockMaker::add_whole(const std::string& xml, events::Quality quality, BlockBuilder::Arrival arrival) {
  builder.add_whole(xml, base::WallTime(), arrival, quality);
}

std::unique_ptr<Block> BlockMaker::open(std::set<std::uint32_t>* frames_read) {
  if (encoded.frames.empty()) encode();
  return std::move(Block::open(encoded.summary, std::make_unique<ListeningFrames>(encoded.frames, frames_read), templates))
      .value();
}

}  // namespace storage::test
