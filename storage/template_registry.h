// The templates of a store in memory, shared by its writer and its readers.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "storage/block.h"

namespace storage {

/// Thread-safe. Knows what was put into it; what it does not know it asks `load` for, once.
class TemplateRegistry final : public TemplateSource {
 public:
  /// `load` gives the text of a template, from the catalogue or a file; called from any thread, several at a time.
  using Load = std::function<base::Result<std::string>(std::uint32_t id)>;
  explicit TemplateRegistry(Load load) : load_(std::move(load)) {}

  base::Result<std::shared_ptr<const events::Skeleton>> find(std::uint32_t id) const override;
  void put(std::uint32_t id, std::shared_ptr<const events::Skeleton> skeleton);
  void remove(std::uint32_t id);

 private:
  Load load_;
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::uint32_t, std::shared_ptr<const events::Skeleton>> known_;
};

}  // namespace storage
