#include "storage/block_merge.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

namespace storage {
namespace {

// Hands the rows of blocks to a builder. What it has handed over stays where it is until it goes.
class Copier {
 public:
  explicit Copier(BlockBuilder& builder) : builder_(builder) {}

  base::Result<void> copy(const SealedBlock& from, const TemplateSource& templates) {
    ASSIGN_OR_RETURN(auto opened, Block::open(from.summary, frames_in_memory(from.frames), templates));
    blocks_.push_back(std::move(opened));
    auto& block = *blocks_.back();
    const auto shapes = block.templates();
    std::vector<std::vector<const Column*>> columns(shapes.size());
    for (std::uint32_t index = 0; index < shapes.size(); ++index) {
      if (!shapes[index].skeleton) continue;
      for (std::uint32_t hole = 0; hole < shapes[index].skeleton->holes().size(); ++hole) {
        ASSIGN_OR_RETURN(const auto* column, block.column(index, hole));
        columns[index].push_back(column);
      }
    }
    for (std::size_t row = 0; row < block.rows(); ++row) {
      const base::WallTime time{std::chrono::nanoseconds(block.time(row))};
      const BlockBuilder::Arrival arrival{block.received(row), block.sender(row)};
      const auto index = block.template_of(row);
      if (!shapes[index].skeleton) {
        ASSIGN_OR_RETURN(const auto xml, block.xml(row));
        builder_.add_whole(keep(xml), time, arrival, block.quality(row));
        continue;
      }
      values_.clear();
      for (const auto* column : columns[index]) {
        const auto value = column->value(block.place_of(row), buffer_);
        const bool is_ours = value.data() >= buffer_.data() && value.data() <= buffer_.data() + buffer_.size();
        values_.push_back(is_ours ? keep(value) : value);
      }
      builder_.add(shapes[index], values_, time, arrival, block.quality(row));
    }
    return {};
  }

 private:
  // Values are many and short: a string each would cost more than all else here.
  std::string_view keep(std::string_view text) {
    if (text.size() > kChunk / 8) return kept_.emplace_back(text);
    if (chunks_.empty() || used_ + text.size() > kChunk) {
      chunks_.push_back(std::make_unique<char[]>(kChunk));
      used_ = 0;
    }
    char* place = chunks_.back().get() + used_;
    std::copy(text.begin(), text.end(), place);
    used_ += text.size();
    return {place, text.size()};
  }

  static constexpr std::size_t kChunk = 64u << 10;

  BlockBuilder& builder_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::deque<std::string> kept_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t used_ = 0;
  std::vector<std::string_view> values_;
  std::string buffer_;
};

}  // namespace

base::Result<EncodedBlock> merge_blocks(BlockBuilder& builder, std::span<const SealedBlock> blocks,
                                        const TemplateSource& templates, int level) {
  builder.begin(blocks.front().summary.first_record);
  Copier copier(builder);
  for (const auto& block : blocks) RETURN_IF_ERROR(copier.copy(block, templates));
  return builder.encode(level);
}

base::Result<void> collect_senders(const SealedBlock& block, const TemplateSource& templates,
                                   std::set<std::uint32_t>& senders) {
  ASSIGN_OR_RETURN(const auto opened, Block::open(block.summary, frames_in_memory(block.frames), templates));
  std::uint32_t last = 0;
  for (std::size_t row = 0; row < opened->rows(); ++row) {
    const auto sender = opened->sender(row);
    if (sender != 0 && sender != last) senders.insert(sender);
    last = sender;
  }
  return {};
}

}  // namespace storage
