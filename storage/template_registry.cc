#include "storage/template_registry.h"

#include <mutex>

namespace storage {

base::Result<std::shared_ptr<const events::Skeleton>> TemplateRegistry::find(std::uint32_t id) const {
  {
    std::shared_lock lock(mutex_);
    if (const auto known = known_.find(id); known != known_.end()) return known->second;
  }
  ASSIGN_OR_RETURN(auto text, load_(id));
  auto skeleton = events::Skeleton::parse(std::move(text));
  if (!skeleton.ok()) {
    return base::make_error(Errc::Corrupt, "the template " + std::to_string(id) + ": " + skeleton.error().message());
  }
  std::unique_lock lock(mutex_);
  return known_.try_emplace(id, std::move(*skeleton)).first->second;
}

void TemplateRegistry::put(std::uint32_t id, std::shared_ptr<const events::Skeleton> skeleton) {
  std::unique_lock lock(mutex_);
  known_.insert_or_assign(id, std::move(skeleton));
}

void TemplateRegistry::remove(std::uint32_t id) {
  std::unique_lock lock(mutex_);
  known_.erase(id);
}

}  // namespace storage
