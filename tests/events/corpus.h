// The published queries and the real events that the tests of this folder share.

#pragma once

#include <string>
#include <vector>

#include "events/event.h"

namespace events::corpus {

/// One line of tests/data/queries.txt.
struct PublishedQuery {
  std::string id;
  std::string source;
  std::string kind;  ///< Select or Suppress
  std::string channel;
  std::string meaning;
  std::string xpath;
};

std::vector<PublishedQuery> queries();

/// tests/data/windows-events.xmlines, one of each provider and event id.
std::vector<Event> events();

}  // namespace events::corpus
