// A query, an empty line, and an event or a skeleton: where all of them are what they should be, the bound formula answers
// for the event as the tree evaluator does, and nothing goes wrong otherwise. The query is searched for as a text, too.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "events/query.h"
#include "events/skeleton.h"
#include "events/text_search.h"

namespace {

base::WallTime now() {
  return *base::parse_datetime("2024-05-01T12:00:00Z");
}

/// Calls `bind(formula)` and compares where `truth` is known.
template <typename Bind>
void check(const events::Skeleton& skeleton, const std::vector<std::string_view>& values, const bool* truth,
           const Bind& bind) {
  events::Formula formula;
  const auto root = bind(formula);
  if (!root) {
    if (!formula.tests().empty()) std::abort();
    return;
  }
  formula.finish(*root);
  const bool answer = formula.holds(skeleton, values, now());
  if (formula.constant() != events::Truth::Unknown && (formula.constant() == events::Truth::True) != answer) std::abort();
  if (truth != nullptr && *truth != answer) std::abort();
}

void check_event(const events::Query& query, const events::TextSearch* search, const std::string& text) {
  const auto event = events::Event::parse(text);
  if (!event.ok()) return;
  const auto document = xml::Document::parse(event->xml);
  if (!document.ok()) std::abort();
  const bool selected = query.matches(document->root(), "log", now());
  if (query.matches(*event, "log", now()) != selected) std::abort();
  const bool found = search != nullptr && search->matches(*event);
  for (const events::Grain grain : {events::Grain::Fine, events::Grain::Coarse}) {
    events::Splitter splitter;
    if (!splitter.split(event->xml, grain)) continue;
    const auto skeleton = events::Skeleton::parse(splitter.skeleton());
    if (!skeleton.ok()) continue;
    const std::vector<std::string_view> values(splitter.values().begin(), splitter.values().end());
    check(**skeleton, values, &selected, [&](events::Formula& formula) { return query.bind(**skeleton, "log", formula); });
    if (search != nullptr) {
      check(**skeleton, values, &found, [&](events::Formula& formula) { return search->bind(**skeleton, formula); });
    }
  }
}

void check_skeleton(const events::Query& query, const events::TextSearch* search, const std::string& text) {
  std::string holes = text;
  for (char& c : holes) {
    if (c == '~') c = events::kHole;
  }
  const auto skeleton = events::Skeleton::parse(holes);
  if (!skeleton.ok()) return;
  constexpr std::string_view kValues[] = {"4624", "x", " ", "a&amp;b", "2024-05-01T10:00:00Z", "&#", "<", "\x01"};
  std::vector<std::string_view> values;
  for (std::size_t i = 0; i < (*skeleton)->holes().size(); ++i) values.push_back(kValues[i % std::size(kValues)]);
  check(**skeleton, values, nullptr, [&](events::Formula& formula) { return query.bind(**skeleton, "log", formula); });
  if (search != nullptr) {
    check(**skeleton, values, nullptr, [&](events::Formula& formula) { return search->bind(**skeleton, formula); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = input.find("\n\n");
  if (end == std::string_view::npos) return 0;
  const auto query = events::Query::parse(input.substr(0, end), "log");
  const std::string text(input.substr(end + 2));
  const auto search = events::TextSearch::make(std::string(input.substr(0, end)), size % 2 == 0);
  const events::TextSearch* const searched = search.ok() ? &*search : nullptr;
  check_event(query.ok() ? *query : events::Query(), searched, text);
  check_skeleton(query.ok() ? *query : events::Query(), searched, text);
  return 0;
}
