// Whether a block is what it should be: every event of it read, cut, and encoded again.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/block.h"

namespace storage {

/// An event that was read during a check.
struct CheckedEvent {
  std::uint64_t record = 0;
  std::string_view xml;
  std::uint32_t sender = 0;
  std::uint32_t template_id = 0;
  std::uint64_t template_hash = 0;  ///< what Splitter::hash() says of its skeleton
};

/// Keeps its buffers: one thread, one object.
class BlockChecker {
 public:
  /// May be empty; called for each event.
  using Visit = std::function<void(const CheckedEvent&)>;

  /// The block as it should be: its summary and its keys are right. The events themselves are those of the block, and only
  /// say the same in other frames. Errors: Errc::Corrupt where an event cannot be read, those of `frames`.
  base::Result<EncodedBlock> check(const BlockSummary& summary, std::unique_ptr<FrameSource> frames,
                                   const TemplateSource& templates, const Visit& visit);

 private:
  base::Result<void> add(Block& block, std::size_t row, const Visit& visit);

  BlockBuilder builder_;
  events::Splitter splitter_;
  std::vector<std::string> texts_;
};

}  // namespace storage
