// Answers queries for a program that is not ours, which compares: see compare_with_lxml.py.
//
//   query_answers EVENTS NOW < QUERIES
//
// EVENTS has one event a line, QUERIES one expression a line. For each expression one line: the numbers of the events that
// it selects, from 0, with blanks between them, or "invalid". Answers come from bound formulas, as a store's do.

#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/iso8601.h"
#include "events/query.h"
#include "events/skeleton.h"

namespace {

struct Stored {
  events::Event event;
  std::shared_ptr<const events::Skeleton> skeleton;  ///< null where it is kept whole
  std::vector<std::string_view> values;
};

std::vector<std::unique_ptr<Stored>> read_events(const char* path) {
  std::ifstream file(path);
  std::map<std::string, std::shared_ptr<const events::Skeleton>> skeletons;
  std::vector<std::unique_ptr<Stored>> all;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    auto stored = std::make_unique<Stored>();
    stored->event = events::Event::from_wire(std::move(line));
    events::Splitter splitter;
    if (splitter.split(stored->event.xml, events::Grain::Fine)) {
      auto& skeleton = skeletons[splitter.skeleton()];
      if (!skeleton) {
        if (auto parsed = events::Skeleton::parse(splitter.skeleton()); parsed.ok()) skeleton = *parsed;
      }
      stored->skeleton = skeleton;
      stored->values.assign(splitter.values().begin(), splitter.values().end());
    }
    all.push_back(std::move(stored));
  }
  return all;
}

bool selects(const events::Query& query, const Stored& stored,
             std::map<const events::Skeleton*, std::unique_ptr<events::Formula>>& formulas, base::WallTime now) {
  if (!stored.skeleton) return query.matches(stored.event, "log", now);
  const auto [at, added] = formulas.try_emplace(stored.skeleton.get());
  if (added) {
    auto formula = std::make_unique<events::Formula>();
    if (const auto root = query.bind(*stored.skeleton, "log", *formula)) {
      formula->finish(*root);
      at->second = std::move(formula);
    }
  }
  return at->second ? at->second->holds(*stored.skeleton, stored.values, now) : query.matches(stored.event, "log", now);
}

}  // namespace

int main(int argc, char** argv) {
  const auto now = argc == 3 ? base::parse_datetime(argv[2]) : std::nullopt;
  if (!now) {
    std::cerr << "usage: query_answers EVENTS NOW < QUERIES\n";
    return 2;
  }
  const auto all = read_events(argv[1]);
  for (std::string text; std::getline(std::cin, text);) {
    const auto query = events::Query::parse_xpath("log", text);
    if (!query.ok()) {
      std::cout << "invalid\n";
      continue;
    }
    std::map<const events::Skeleton*, std::unique_ptr<events::Formula>> formulas;
    std::string line;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (selects(*query, *all[i], formulas, *now)) line += (line.empty() ? "" : " ") + std::to_string(i);
    }
    std::cout << line << "\n";
  }
  return 0;
}
