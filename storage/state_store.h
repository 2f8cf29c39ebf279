// All that a service must remember besides events: subscriptions, settings, users. Small documents, by kind and key.

#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "storage/errc.h"

namespace storage {

/// A document as it is to become; nothing where it is to go.
struct DocumentChange {
  std::string kind;
  std::string key;
  std::optional<std::string> text;
};

/// Durable documents in one SQLite database (state.db, readable by its owner only).
///
/// Thread-safe; every call blocks for the length of a small transaction, so call it at start, or on a BlockingPool.
class StateStore {
 public:
  /// Errors: Errc::TooNew, Errc::Corrupt, Errc::Io.
  static base::Result<std::unique_ptr<StateStore>> open(const std::filesystem::path& directory);
  ~StateStore();

  /// Durable on return. Errors: Errc::Full, Errc::Io.
  base::Result<void> put(const std::string& kind, const std::string& key, const std::string& text);
  base::Result<void> remove(const std::string& kind, const std::string& key);
  /// All of `changes`, durable on return, or none of them. Errors: Errc::Full, Errc::Io.
  base::Result<void> write(const std::vector<DocumentChange>& changes);
  base::Result<std::optional<std::string>> find(const std::string& kind, const std::string& key);
  /// Keys and texts of a kind, sorted by key.
  base::Result<std::vector<std::pair<std::string, std::string>>> list(const std::string& kind);

 private:
  struct State;
  explicit StateStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace storage
