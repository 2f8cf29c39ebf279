// Larger blocks out of smaller ones.

#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "storage/block.h"
#include "storage/segment_file.h"

namespace storage {

/// zstd's levels where there is time, and where there is none.
inline constexpr int kLevelAtRest = 3;
inline constexpr int kLevelInHaste = 1;

/// One block with the events of `blocks`, whose records follow each other; together they have no more events and text than a
/// block may have. Errors: Errc::Corrupt.
base::Result<EncodedBlock> merge_blocks(BlockBuilder& builder, std::span<const SealedBlock> blocks,
                                        const TemplateSource& templates, int level);

/// Adds the senders of a block's events to `senders`, but not this host. Errors: Errc::Corrupt.
base::Result<void> collect_senders(const SealedBlock& block, const TemplateSource& templates,
                                   std::set<std::uint32_t>& senders);

}  // namespace storage
