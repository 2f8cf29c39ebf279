// Security descriptors as text that a person can edit: one part a line, each explained in a comment.
//
// Source: winrm-config, section 7.3.

#pragma once

#include <string>
#include <string_view>

namespace cli {

/// False for a descriptor with conditions (literals in quotes, octet strings behind '#'), which would not come back as it
/// was.
bool can_be_explained(std::string_view sddl);

/// `sddl` in its canonical form, with a line for each part (owner, group, flags, entry) and a comment behind it. What is no
/// security descriptor stands on one line as it is, without white space.
std::string explain_sddl(std::string_view sddl);

/// The security descriptor in such a text: comments ('#' to the end of the line) and white space go.
std::string sddl_of(std::string_view text);

}  // namespace cli
