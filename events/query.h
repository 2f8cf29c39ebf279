// Event queries: Microsoft's XPath 1.0 subset and the QueryList around it, compiled once and asked for each event.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/xml/element.h"
#include "events/event.h"
#include "events/formula.h"
#include "events/skeleton.h"

namespace events {

/// A compiled query. A value that shares its immutable program; copies are cheap. Thread-safe.
///
/// Source: event-query (the grammar in section 2, the semantics in 3, QueryList in 5, errors in 6).
class Query {
 public:
  /// Selects nothing.
  Query();

  /// Compiles a QueryList document; each Select and Suppress has a path, its own or its Query's, each Suppress a Select of
  /// the same path beside it, and logs and file:// paths do not mix. Errors: Win32::EvtMalformedXml; Win32::EvtInvalidQuery
  /// with what is wrong and where
  /// ("A syntax error occurred at position 9"), positions in characters of the expression; Win32::EvtFilterTooComplex inside
  /// that text where an expression has more than 10,000 tokens or is nested deeper than 64.
  static base::Result<Query> parse_list(std::string_view query_list);

  /// Compiles one XPath expression that asks the log `path`. An empty `xpath` is an error, "*" is everything.
  static base::Result<Query> parse_xpath(std::string_view path, std::string_view xpath);

  /// Compiles whichever of the two `text` is: a QueryList where it begins with '<'. `default_path` is for an XPath and for a
  /// QueryList that names no path.
  static base::Result<Query> parse(std::string_view text, std::string_view default_path);

  /// The logs (channels) that are selected from, each once, in the order of first mention.
  const std::vector<std::string>& paths() const;

  /// The query as it was given.
  const std::string& text() const;

  /// Whether an event read from the log `path` is selected: some Query element selects it and does not suppress it.
  /// `path` compares without case. `now` is for timediff().
  bool matches(const Event& event, std::string_view path, base::WallTime now) const;
  /// The same for a parsed event.
  bool matches(xml::Element event, std::string_view path, base::WallTime now) const;

  /// The question for the log `path` to all events of one skeleton: for each of them the formula's answer is that of
  /// matches(). Adds to `formula` and returns the node; the query need not outlive it. Nothing where it cannot be put so (a
  /// position that depends on values, say): such events are asked one by one.
  std::optional<std::uint32_t> bind(const Skeleton& skeleton, std::string_view path, Formula& formula) const;

  /// Whether events that cannot be read (Quality::Raw) are selected.
  bool selects_raw(std::string_view path) const;

  /// True where every event of the log is selected, whatever it says: by a "*" that nothing of the same Query suppresses.
  bool selects_everything(std::string_view path) const;

  /// Names that no event has below Event or System (a misspelt *[System[Bogus=1]], a forgotten System in *[EventID=1]; with
  /// "@" in front for attributes), for a warning to the person who asks. Each once.
  std::vector<std::string> unknown_system_names() const;

 private:
  struct Program;
  std::shared_ptr<const Program> program_;
};

/// At most this many distinct channels in one query: Windows refuses subscriptions with more.
inline constexpr std::size_t kMaxChannelsOfQuery = 256;

}  // namespace events
