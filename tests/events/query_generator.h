// Queries and changed events for the tests that compare our evaluators with each other.

#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "engine/xml/element.h"
#include "events/event.h"

namespace events::corpus {

/// Makes expressions of the grammar about given events, so that many of them are true of some. The same seed makes the same.
class QueryGenerator {
 public:
  explicit QueryGenerator(std::uint32_t seed) : random_(seed) {}

  /// One expression about the event that `event` is the root of.
  std::string expression(xml::Element event);
  /// A QueryList for the logs "log" and "other" with one to three Queries, some with a Suppress.
  std::string query_list(xml::Element event);
  /// A piece of a text that stands somewhere in the event, changed at times.
  std::string words(xml::Element event);

  std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

 private:
  bool one_in(std::size_t count) { return below(count) == 0; }
  std::string selector(xml::Element event, int depth);
  std::string predicate(xml::Element context, int depth);
  std::string test(xml::Element context, int depth);
  /// Steps from `context` to some node below; `value` is what stands there.
  std::string path(xml::Element context, int depth, std::string& value);
  std::string step(xml::Element to, int depth);
  std::string literal(const std::string& value);
  std::string number();
  std::string number_for_band();
  std::string comparison();

  std::mt19937 random_;
};

/// The event with one to three changes that senders make or could make: references, white space, CDATA, comments, mixed
/// content, doubled fields, values of all types. Not always an event that Event::parse() takes.
std::string changed_event(std::string xml, std::mt19937& random);

/// Handmade events with what the real ones lack.
std::vector<std::string> unusual_events();

}  // namespace events::corpus
