// The templates of a file that stands for itself.

#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "events/skeleton.h"
#include "storage/block.h"

namespace storage {

/// Gives skeletons numbers, from 1. One thread.
class OwnTemplates final : public TemplateSource {
 public:
  /// Cuts a text, finely or, where there are too many kinds of events, coarsely. The values are splitter().values(). Nothing
  /// where the text is to be kept whole.
  std::optional<Template> cut(std::string_view xml);
  const events::Splitter& splitter() const { return splitter_; }

  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override;

 private:
  std::optional<Template> find_cut(events::Grain grain);

  events::Splitter splitter_;
  std::unordered_multimap<std::uint64_t, Template> by_hash_;
  std::vector<std::shared_ptr<const events::Skeleton>> by_number_;
};

}  // namespace storage
