#include "tests/storage/recorded_disk.h"

#include <algorithm>
#include <fstream>
#include <random>

namespace storage_test {
namespace {

constexpr std::uint64_t kSector = 512;

void write_at(std::string& content, std::uint64_t offset, std::string_view data) {
  if (content.size() < offset + data.size()) content.resize(offset + data.size());
  std::copy(data.begin(), data.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

void DiskReplay::go_to(std::size_t point) {
  for (; at_ < point; ++at_) apply(changes_[at_]);
}

void DiskReplay::apply(const DiskChange& change) {
  using Kind = DiskChange::Kind;
  const auto known = current_.find(change.name);
  const bool is_about_content = change.kind == Kind::Write || change.kind == Kind::Truncate || change.kind == Kind::SyncFile;
  // Of a file that has lost its name nothing will be left in any case.
  if (is_about_content && known == current_.end()) return;
  switch (change.kind) {
    case Kind::Write:
      write_at(known->second->current, change.offset, change.data);
      known->second->unsynced.push_back(&change);
      return;
    case Kind::Truncate:
      known->second->current.resize(change.offset);
      known->second->unsynced.push_back(&change);
      return;
    case Kind::SyncFile:
      known->second->durable = known->second->current;
      known->second->unsynced.clear();
      return;
    case Kind::Appear: {
      auto file = std::make_shared<File>();
      file->durable = file->current = change.data;
      current_[change.name] = file;
      durable_[change.name] = file;
      return;
    }
    case Kind::SyncNames:
      durable_ = current_;
      pending_.clear();
      return;
    case Kind::Create:
      current_[change.name] = std::make_shared<File>();
      pending_.emplace_back(&change, current_[change.name]);
      return;
    case Kind::Remove:
      pending_.emplace_back(&change, nullptr);
      current_.erase(change.name);
      return;
    case Kind::Rename:
      pending_.emplace_back(&change, known->second);
      current_[change.to] = known->second;
      current_.erase(change.name);
      return;
  }
}

void DiskReplay::write_to(const std::filesystem::path& folder, std::optional<unsigned> seed) const {
  std::mt19937 random(seed.value_or(0));
  Names names = durable_;
  if (seed) {
    // A journal keeps changes of names in their order, so that a part from the beginning has come through.
    const auto kept = random() % (pending_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) {
      const auto& [change, file] = pending_[i];
      if (change->kind != DiskChange::Kind::Create) names.erase(change->name);
      if (file) names[change->kind == DiskChange::Kind::Rename ? change->to : change->name] = file;
    }
  }
  std::filesystem::create_directories(folder);
  for (const auto& [name, file] : names) {
    std::string content = file->durable;
    for (const auto* change : file->unsynced) {
      if (!seed || random() % 4 == 0) continue;
      if (change->kind == DiskChange::Kind::Truncate) {
        content.resize(change->offset);
        continue;
      }
      const bool torn = random() % 3 == 0;
      for (std::uint64_t at = 0; at < change->data.size();) {
        const auto end =
            std::min<std::uint64_t>(change->data.size(), ((change->offset + at) / kSector + 1) * kSector - change->offset);
        if (!torn || random() % 2 == 0) write_at(content, change->offset + at, {change->data.data() + at, end - at});
        at = end;
      }
    }
    const auto path = folder / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }
}

}  // namespace storage_test
