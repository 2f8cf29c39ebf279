// Texts that many events share, kept once and named by a number.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/database.h"

namespace storage {

/// The writer's view of one dictionary table: `id`, then columns of text that are unique together. One thread.
class Dictionary {
 public:
  /// `columns` is the list of the text columns as in SQL, for instance "machine, computer, channel".
  static base::Result<Dictionary> open(Database& database, const std::string& table, const std::string& columns, int count);

  /// The number of these texts (as many as there are columns), which get one where they have none.
  base::Result<std::int64_t> id_of(std::initializer_list<std::string_view> texts);

  /// To be called when a transaction was rolled back: the numbers given out in it are void.
  void forget();

 private:
  Statement find_;
  Statement add_;
  // A peer chooses the texts, so their number is bounded here; the table knows the rest.
  static constexpr std::size_t kMaxCached = 1u << 16;
  std::unordered_map<std::string, std::int64_t> cache_;
  std::string key_;
  std::string last_key_;  // events come in rows from the same source
  std::int64_t last_id_ = 0;
};

}  // namespace storage
