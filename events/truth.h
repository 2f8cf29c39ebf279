// An answer that may be open.

#pragma once

#include <cstdint>

namespace events {

enum class Truth : std::uint8_t { False, True, Unknown };

}  // namespace events
