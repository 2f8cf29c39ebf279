// A file of events, as XML in two ways of being cut into pieces, which must not differ, and as a line of JSON.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/event_file.h"
#include "events/event.h"

namespace {

std::vector<std::string> split(std::string_view text, std::size_t piece) {
  cli::EventSplitter splitter;
  std::vector<std::string> events;
  const auto drain = [&] {
    while (auto event = splitter.next()) events.push_back(std::move(*event));
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    splitter.add(text.substr(at, piece));
    drain();
  }
  splitter.end();
  drain();
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> events = split(text, size + 1);
  if (events != split(text, 13)) std::abort();
  for (const std::string& event : events) {
    if (event.front() != '<' || event.back() != '>') std::abort();
  }
  if (const auto object = cli::parse_json(text); object.ok()) {
    if (auto event = cli::event_from_json(*object)) events::Event::from_wire(std::move(*event));
  }
  return 0;
}
