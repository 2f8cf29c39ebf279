// A short way to the System fields of the events that make up nearly all: plainly written, as Windows and we write them.

#pragma once

#include <optional>
#include <string_view>

#include "events/event.h"

namespace events {

/// Reads the System fields in one pass without building a tree. What it returns is what read_system() returns for the parsed
/// text, which then also parses. Nothing where the text is not an event, or is written in a way that needs the real parser:
/// comments, CDATA, declarations, prefixes, references inside System, a second System.
std::optional<System> read_plain_system(std::string_view xml);

}  // namespace events
