#include "storage/bookmark_table.h"

#include <utility>

namespace storage {
namespace {

// What an entry takes besides its texts: two strings, a node, a place in the table.
constexpr std::size_t kEntryBytes = 144;

}  // namespace

std::size_t BookmarkTable::size_of(std::string_view machine, std::string_view bookmark) {
  return machine.size() + bookmark.size() + kEntryBytes;
}

BookmarkTable::Answer BookmarkTable::find(std::string_view subscription, std::string_view machine) const {
  const std::lock_guard lock(mutex_);
  const auto machines = kept_.find(subscription);
  if (machines != kept_.end()) {
    const auto found = machines->second.find(machine);
    if (found != machines->second.end()) return {true, found->second};
  }
  return {complete_};
}

std::size_t BookmarkTable::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

base::Result<void> BookmarkTable::load(Database& database) {
  ASSIGN_OR_RETURN(auto rows,
                   database.prepare("SELECT subscription, machine, bookmark FROM deliveries WHERE bookmark IS NOT "
                                    "NULL"));
  const std::lock_guard lock(mutex_);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return {};
    keep(std::string(rows.text(0)), std::string(rows.text(1)), std::string(rows.text(2)));
  }
}

void BookmarkTable::put(std::string_view subscription, std::string_view machine, std::string_view bookmark) {
  pending_.push_back({std::string(subscription), std::string(machine), std::string(bookmark)});
}

void BookmarkTable::forget(std::string_view subscription, std::string_view machine) {
  pending_.push_back({std::string(subscription), std::string(machine), std::nullopt});
}

void BookmarkTable::forget_subscription(std::string_view subscription) {
  pending_.push_back({std::string(subscription), std::nullopt, std::nullopt});
}

void BookmarkTable::commit() {
  if (pending_.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (Change& change : pending_) apply(std::move(change));
  }
  pending_.clear();
}

void BookmarkTable::apply(Change change) {
  if (!change.machine) {
    const auto gone = kept_.find(change.subscription);
    if (gone == kept_.end()) return;
    for (const auto& [machine, bookmark] : gone->second) bytes_ -= size_of(machine, bookmark);
    kept_.erase(gone);
  } else if (change.bookmark) {
    keep(change.subscription, std::move(*change.machine), std::move(*change.bookmark));
  } else {
    drop(change.subscription, *change.machine);
  }
}

void BookmarkTable::keep(const std::string& subscription, std::string machine, std::string bookmark) {
  drop(subscription, machine);
  const std::size_t size = size_of(machine, bookmark);
  if (size > max_bytes_ - bytes_) {
    complete_ = false;
    return;
  }
  bytes_ += size;
  kept_[subscription].emplace(std::move(machine), std::move(bookmark));
}

void BookmarkTable::drop(std::string_view subscription, std::string_view machine) {
  const auto machines = kept_.find(subscription);
  if (machines == kept_.end()) return;
  const auto found = machines->second.find(machine);
  if (found == machines->second.end()) return;
  bytes_ -= size_of(found->first, found->second);
  machines->second.erase(found);
}

}  // namespace storage
