// Any text as a security descriptor: it is refused, or its canonical form reads the same, says the same about everybody, and
// comes back from the lines that a person edits.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/sddl_text.h"
#include "engine/auth/security_descriptor.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

using Descriptor = auth::SecurityDescriptor;

void check_rules(const Descriptor& descriptor, const auth::AccessToken& token) {
  for (const auth::RightsOf rights_of : {auth::resource_rights, auth::event_log_rights}) {
    const bool read = descriptor.check(token, auth::rights::kRead, rights_of);
    const bool write = descriptor.check(token, auth::rights::kWrite, rights_of);
    const bool both = descriptor.check(token, auth::rights::kRead | auth::rights::kWrite, rights_of);
    must(both == (read && write));
    if (descriptor.check(token, auth::rights::kAll, rights_of)) must(both);
    if (!descriptor.controls_access()) must(both);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto descriptor = Descriptor::parse(text);
  if (descriptor.ok()) {
    const std::string canonical = descriptor->text();
    const auto again = Descriptor::parse(canonical);
    must(again.ok() && *again == *descriptor && again->text() == canonical);
    const auth::Sid user = auth::Sid::unix_user(1000);
    check_rules(*descriptor, auth::AccessToken({}));
    check_rules(*descriptor, auth::AccessToken({auth::sid::kEveryone, user, auth::sid::kAdministrators}));
    if (descriptor->owner) check_rules(*descriptor, auth::AccessToken({*descriptor->owner}));
  }
  if (const auto sid = auth::Sid::parse(text)) must(auth::Sid::parse(sid->text()) == sid);
  const std::string lines = cli::explain_sddl(text);
  const bool plain = descriptor.ok() && descriptor->text().find('#') == std::string::npos;
  const bool has_space = descriptor.ok() && descriptor->text().find(' ') != std::string::npos;
  // Blanks only stand in what is kept as it came.
  if (plain && !has_space) must(cli::sddl_of(lines) == descriptor->text());
  return 0;
}
