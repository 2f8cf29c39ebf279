// Any text as Basic credentials, in base64 as it comes and with base64 put on: what is read keeps the bounds and is UTF-8.
// And any text as a stored hash: no password has it, unless it is one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/auth/basic.h"
#include "engine/auth/password_hash.h"
#include "engine/base/encoding.h"
#include "engine/base/utf16.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_token(std::string_view token) {
  const auto read = auth::read_basic_token(token);
  if (!read.ok()) return;
  check(!read->user.empty() && read->user.size() + read->domain.size() <= 256);
  check(read->password.view().size() <= 1024);
  check(read->user.find(':') == std::string::npos && read->domain.find('\\') == std::string::npos);
  check(base::is_valid_utf8(read->user) && base::is_valid_utf8(read->domain) && base::is_valid_utf8(read->password.view()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_token(text);
  check_token(base::to_base64(text));
  // What would take long is left to the tests.
  if (text.find("ln=4,r=1,p=1") != std::string_view::npos) auth::verify_password(text, "x");
  return 0;
}
