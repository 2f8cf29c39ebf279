#include "engine/base/die.h"

#include <cstdio>
#include <cstdlib>

namespace base {

void die(std::string_view what, std::source_location where) {
  std::fprintf(stderr, "%s:%u: %.*s\n", where.file_name(), static_cast<unsigned>(where.line()),
               static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace base
