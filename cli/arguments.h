// Command lines in Windows' form, described by tables: /q:VALUE, -q:VALUE, and as an extension --query=VALUE.
//
// Parser, help texts, manual pages and completion all read the same tables. Source: wevtutil, section 2; wecutil, section 2.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"
#include "engine/base/result.h"

namespace cli {

enum class ValueKind {
  Text,     ///< any text; it may be empty, but the colon must be there
  Number,   ///< decimal digits, min to max
  Choice,   ///< one of the words in `value`, any case
  Boolean,  ///< "true" or "false", any case, required
  Flag,     ///< the same, or nothing, which means true
};

/// One option of a command.
struct OptionRow {
  /// The short name, and the long one; either may be empty. Aliases follow after '|': "get-loginfo|get-log-info". Names
  /// compare without case.
  std::string_view name;
  std::string_view long_name;
  ValueKind kind = ValueKind::Text;
  /// What help shows as the value: "XPATH"; for a Choice the words, "XML|Text|RenderedXml".
  std::string_view value;
  std::string_view help;
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  bool repeatable = false;
};

/// One command of a tool.
struct CommandRow {
  std::string_view name;
  std::string_view long_name;
  std::string_view arguments;  ///< what help shows: "SUBID [SOURCE...]"
  std::size_t min_arguments = 0;
  std::size_t max_arguments = 0;
  std::span<const OptionRow> options;
  std::string_view help;
  /// It talks to a service: connection_options() are its options too. Its own go before them where names are equal.
  bool connects = true;
};

/// A tool with commands.
struct ToolRow {
  std::string_view name;
  std::string_view help;
  std::span<const CommandRow> commands;
};

/// /r /u /p /a, --state: where a tool connects and as whom.
std::span<const OptionRow> connection_options();

/// A command line that was understood. Options are asked for by the first short name of their row (the long one where there
/// is no short one).
class Arguments {
 public:
  bool help = false;  ///< help was asked for; nothing else was checked then
  std::vector<std::string> positional;

  bool has(std::string_view option) const { return values_.contains(option); }
  /// The value where the option was given: a Choice in the table's spelling, a Boolean as "true" or "false".
  std::optional<std::string> find(std::string_view option) const;
  std::string value_or(std::string_view option, std::string_view otherwise) const;
  bool flag(std::string_view option, bool otherwise = false) const;
  std::optional<std::uint64_t> number(std::string_view option) const;
  /// Every value of a repeatable option.
  std::vector<std::string> all(std::string_view option) const;

  void add(std::string option, std::string value);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// The command of that name, short or long, without case; null if there is none.
const CommandRow* find_command(const ToolRow& tool, std::string_view name);

/// Understands what follows the command's name. "--name VALUE" may be two arguments, Windows' forms are one. Options and
/// arguments come in any order; "--" ends the options; an argument that begins with a slash and holds a second one before
/// any colon is a path and no option ("/var/lib/copy").
///
/// Errors: Win32::InvalidParameter with Windows' text, unknown options first: "Invalid option zz. Option is not valid.",
/// "Invalid option ge. Option is not Boolean.", "Invalid value for option f.", "Invalid value for property count.",
/// "Required argument(s) is/are not specified.", "Too many arguments are specified."
base::Result<Arguments> parse_arguments(const CommandRow& command, std::span<const std::string> arguments);

/// True for the ways to ask for help: /? -? /h -h --help help.
bool asks_for_help(std::string_view argument);

/// What parse_command() made of a tool's command line.
struct ParsedCommand {
  /// Null where there is nothing to do: help was printed (status 0), or a usage error.
  const CommandRow* command = nullptr;
  Arguments arguments;
  int status = 0;
};

/// Understands `words`, the command's name first; prints help and usage errors. No words at all ask for help.
ParsedCommand parse_command(Console& console, const ToolRow& tool, std::span<const std::string> words);

void print_help(Console& console, const ToolRow& tool);
void print_help(Console& console, const ToolRow& tool, const CommandRow& command);

/// Runs `command` with a console that writes in the encoding that /uni asks for.
int run_encoded(Console& console, const Arguments& arguments, const std::function<int(Console&)>& command);

/// Prints `error` of a usage kind, and where help is to be had. Returns the exit status.
int usage_error(Console& console, const ToolRow& tool, const base::Error& error);

/// The error for a command line that breaks a rule: Win32::InvalidParameter.
base::Error usage(std::string what);

}  // namespace cli
