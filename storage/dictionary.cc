#include "storage/dictionary.h"

namespace storage {

base::Result<Dictionary> Dictionary::open(Database& database, const std::string& table, const std::string& columns,
                                          int count) {
  std::string places;
  for (int i = 1; i <= count; ++i) places += (i == 1 ? "?" : ", ?") + std::to_string(i);
  Dictionary dictionary;
  ASSIGN_OR_RETURN(dictionary.find_,
                   database.prepare("SELECT id FROM " + table + " WHERE (" + columns + ") = (" + places + ")"));
  ASSIGN_OR_RETURN(dictionary.add_,
                   database.prepare("INSERT INTO " + table + " (" + columns + ") VALUES (" + places + ") RETURNING id"));
  return dictionary;
}

base::Result<std::int64_t> Dictionary::id_of(std::initializer_list<std::string_view> texts) {
  key_.clear();
  for (const auto text : texts) {
    const auto size = static_cast<std::uint32_t>(text.size());
    key_.append(reinterpret_cast<const char*>(&size), sizeof size);
    key_.append(text);
  }
  if (key_ == last_key_) return last_id_;
  std::int64_t id = 0;
  if (const auto known = cache_.find(key_); known != cache_.end()) {
    id = known->second;
  } else {
    int parameter = 0;
    for (const auto text : texts) {
      ++parameter;
      find_.bind(parameter, text);
      add_.bind(parameter, text);
    }
    ASSIGN_OR_RETURN(const bool found, find_.step());
    if (found) {
      id = find_.integer(0);
      find_.reset();
    } else {
      ASSIGN_OR_RETURN(const bool added, add_.step());
      if (added) id = add_.integer(0);
      RETURN_IF_ERROR(add_.run());
    }
    if (cache_.size() >= kMaxCached) cache_.clear();
    cache_.emplace(key_, id);
  }
  last_key_ = key_;
  last_id_ = id;
  return id;
}

void Dictionary::forget() {
  cache_.clear();
  last_key_.clear();
}

}  // namespace storage
