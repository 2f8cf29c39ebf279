#include "storage/state_store.h"

#include <mutex>

#include "engine/base/file_system.h"
#include "storage/database.h"
#include "storage/migrations.h"

namespace storage {

struct StateStore::State {
  std::mutex mutex;
  std::unique_ptr<Database> database;
  Statement put, remove, find, list;
};

base::Result<std::unique_ptr<StateStore>> StateStore::open(const std::filesystem::path& directory) {
  RETURN_IF_ERROR(base::make_directories(directory));
  auto state = std::make_unique<State>();
  Database::Options options;
  options.mode = 0600;
  ASSIGN_OR_RETURN(state->database, Database::open(directory / "state.db", options));
  auto& database = *state->database;
  RETURN_IF_ERROR(migrate(database, state_schema()));
  ASSIGN_OR_RETURN(state->put, database.prepare("INSERT INTO documents (kind, key, text) VALUES (?1, ?2, ?3) "
                                                "ON CONFLICT (kind, key) DO UPDATE SET text = excluded.text"));
  ASSIGN_OR_RETURN(state->remove, database.prepare("DELETE FROM documents WHERE kind = ?1 AND key = ?2"));
  ASSIGN_OR_RETURN(state->find, database.prepare("SELECT text FROM documents WHERE kind = ?1 AND key = ?2"));
  ASSIGN_OR_RETURN(state->list, database.prepare("SELECT key, text FROM documents WHERE kind = ?1 ORDER BY key"));
  return std::unique_ptr<StateStore>(new StateStore(std::move(state)));
}

StateStore::StateStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
StateStore::~StateStore() = default;

base::Result<void> StateStore::put(const std::string& kind, const std::string& key, const std::string& text) {
  std::lock_guard lock(state_->mutex);
  return state_->put.bind(1, kind).bind(2, key).bind(3, text).run();
}

base::Result<void> StateStore::remove(const std::string& kind, const std::string& key) {
  std::lock_guard lock(state_->mutex);
  return state_->remove.bind(1, kind).bind(2, key).run();
}

base::Result<void> StateStore::write(const std::vector<DocumentChange>& changes) {
  if (changes.empty()) return {};
  std::lock_guard lock(state_->mutex);
  Database& database = *state_->database;
  RETURN_IF_ERROR(database.begin());
  base::Result<void> outcome;
  for (const DocumentChange& change : changes) {
    outcome = change.text ? state_->put.bind(1, change.kind).bind(2, change.key).bind(3, *change.text).run()
                          : state_->remove.bind(1, change.kind).bind(2, change.key).run();
    if (!outcome.ok()) break;
  }
  if (outcome.ok()) outcome = database.commit();
  if (!outcome.ok()) database.rollback();
  return outcome;
}

base::Result<std::optional<std::string>> StateStore::find(const std::string& kind, const std::string& key) {
  std::lock_guard lock(state_->mutex);
  ASSIGN_OR_RETURN(const bool row, state_->find.bind(1, kind).bind(2, key).step());
  if (!row) return std::optional<std::string>();
  std::optional<std::string> text(state_->find.text(0));
  state_->find.reset();
  return text;
}

base::Result<std::vector<std::pair<std::string, std::string>>> StateStore::list(const std::string& kind) {
  std::lock_guard lock(state_->mutex);
  std::vector<std::pair<std::string, std::string>> documents;
  state_->list.bind(1, kind);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, state_->list.step());
    if (!row) return documents;
    documents.emplace_back(state_->list.text(0), state_->list.text(1));
  }
}

}  // namespace storage
