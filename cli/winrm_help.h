// What winrm explains: itself, its operations, topics, error codes.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"

namespace cli {

/// Prints the help of an operation or a topic, or of the tool where `topic` is empty. Returns the exit status: 87 where
/// there is no such topic.
int print_winrm_help(Console& console, const std::string& topic);

/// The names of the topics.
std::vector<std::string_view> winrm_topics();

/// Prints the text of an error code in decimal (negative ones too) or hexadecimal ("0x80338012"). Returns the exit status:
/// 87 where it is no number.
int print_message_of(Console& console, const std::string& code);

}  // namespace cli
