#include "tests/events/corpus.h"

#include <fstream>
#include <sstream>

namespace events::corpus {
namespace {

std::vector<std::string> lines_of(const std::string& name) {
  std::ifstream file(std::string(MUSTER_TEST_DATA "/") + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() != '#') lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::vector<PublishedQuery> queries() {
  std::vector<PublishedQuery> queries;
  for (const std::string& line : lines_of("queries.txt")) {
    std::istringstream fields(line);
    PublishedQuery query;
    for (std::string* field : {&query.id, &query.source, &query.kind, &query.channel, &query.meaning, &query.xpath}) {
      std::getline(fields, *field, '\t');
    }
    queries.push_back(std::move(query));
  }
  return queries;
}

std::vector<Event> events() {
  std::vector<Event> events;
  for (std::string& line : lines_of("windows-events.xmlines")) events.push_back(Event::from_wire(std::move(line)));
  return events;
}

}  // namespace events::corpus
