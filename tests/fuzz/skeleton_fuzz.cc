// Any bytes as an event that is cut, as a skeleton, and as events cut by one who has met others before.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/xml/document.h"
#include "events/event.h"
#include "events/skeleton.h"

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

bool same(const events::Splitter& a, const events::Splitter& b) {
  return a.hash() == b.hash() && a.skeleton() == b.skeleton() &&
         std::equal(a.values().begin(), a.values().end(), b.values().begin(), b.values().end());
}

/// What is cut comes together again, and what its skeleton says is what the event says.
void check_cut(const std::string& text, events::Grain grain) {
  // It has met what came before: the original of this change, as a rule.
  static events::Splitter kept;
  events::Splitter fresh;
  const bool cut = fresh.split(text, grain);
  check(kept.split(text, grain) == cut);
  if (!cut) return;
  check(same(kept, fresh) && fresh.is(fresh.skeleton()));
  const auto event = events::Event::parse(text);
  const auto skeleton = events::Skeleton::parse(fresh.skeleton());
  if (!skeleton.ok()) return;
  check((*skeleton)->holes().size() == fresh.values().size());
  std::string joined;
  (*skeleton)->join(fresh.values(), joined);
  check(joined == text);
  if (!event.ok()) return;
  check(((*skeleton)->system().known & ~event->system.known) == 0);
  if ((*skeleton)->system().knows(events::Field::EventId)) check((*skeleton)->system().event_id == event->system.event_id);
  if ((*skeleton)->system().knows(events::Field::Channel)) check((*skeleton)->system().channel == event->system.channel);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_cut(text, events::Grain::Fine);
  check_cut(text, events::Grain::Coarse);
  if (const auto skeleton = events::Skeleton::parse(text); skeleton.ok()) {
    // Any plain value fits any hole.
    const std::vector<std::string_view> values((*skeleton)->holes().size(), "v");
    std::string joined;
    (*skeleton)->join(values, joined);
    check(events::Event::parse(joined).ok());
  }
  return 0;
}
