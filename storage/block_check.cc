#include "storage/block_check.h"

namespace storage {

base::Result<EncodedBlock> BlockChecker::check(const BlockSummary& summary, std::unique_ptr<FrameSource> frames,
                                               const TemplateSource& templates, const Visit& visit) {
  ASSIGN_OR_RETURN(auto block, Block::open(summary, std::move(frames), templates));
  builder_.begin(summary.first_record);
  texts_.clear();
  texts_.reserve(block->rows());
  for (std::size_t row = 0; row < block->rows(); ++row) RETURN_IF_ERROR(add(*block, row, visit));
  if (block->rows() == 0) return base::make_error(Errc::Corrupt, "a block without events");
  auto again = builder_.encode(1);
  texts_.clear();
  return again;
}

base::Result<void> BlockChecker::add(Block& block, std::size_t row, const Visit& visit) {
  ASSIGN_OR_RETURN(auto text, block.xml(row));
  const auto& xml = texts_.emplace_back(std::move(text));
  if (xml.size() > kMaxEventText) return base::make_error(Errc::Corrupt, "an event is too large");
  const base::WallTime time{std::chrono::nanoseconds(block.time(row))};
  const BlockBuilder::Arrival arrival{block.received(row), block.sender(row)};
  const auto& shape = block.templates()[block.template_of(row)];
  CheckedEvent event{block.record(row), xml, arrival.sender, shape.id, 0};
  if (!shape.skeleton) {
    builder_.add_whole(xml, time, arrival, block.quality(row));
  } else {
    const auto& skeleton = shape.skeleton->text();
    bool fits = splitter_.split(xml, events::Grain::Fine) && splitter_.is(skeleton);
    if (!fits) fits = splitter_.split(xml, events::Grain::Coarse) && splitter_.is(skeleton);
    if (!fits || splitter_.values().size() != shape.skeleton->holes().size()) {
      return base::make_error(Errc::Corrupt, "an event that is not of its template's kind");
    }
    event.template_hash = splitter_.hash();
    builder_.add(shape, splitter_.values(), time, arrival, block.quality(row));
  }
  if (visit) visit(event);
  return {};
}

}  // namespace storage
