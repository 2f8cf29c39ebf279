#include "cli/arguments.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/config/text_rules.h"

namespace cli {
namespace {

/// Calls `visit(name)` for each of "a|b|c" until it answers true.
template <typename Visit>
bool any_of_words(std::string_view words, Visit visit) {
  while (!words.empty()) {
    const auto bar = words.find('|');
    if (visit(words.substr(0, bar))) return true;
    if (bar == std::string_view::npos) break;
    words.remove_prefix(bar + 1);
  }
  return false;
}

bool is_named(std::string_view names, std::string_view name) {
  return any_of_words(names, [&](std::string_view word) { return base::equal_ignoring_case(word, name); });
}

std::string_view first_word(std::string_view words) {
  return words.substr(0, words.find('|'));
}

std::string_view key_of(const OptionRow& row) {
  return first_word(row.name.empty() ? row.long_name : row.name);
}

std::string_view long_of(const OptionRow& row) {
  return first_word(row.long_name.empty() ? row.name : row.long_name);
}

const OptionRow* find_option(std::span<const OptionRow> rows, std::string_view name) {
  for (const OptionRow& row : rows) {
    if (is_named(row.name, name) || is_named(row.long_name, name)) return &row;
  }
  return nullptr;
}

const OptionRow* find_option(const CommandRow& command, std::string_view name) {
  if (const OptionRow* row = find_option(command.options, name)) return row;
  return command.connects ? find_option(connection_options(), name) : nullptr;
}

/// Short names are as near to each other as to anything, so only long ones are guessed.
constexpr std::size_t kShortestGuess = 3;

void add_words(std::vector<std::string>& names, std::string_view words) {
  any_of_words(words, [&](std::string_view word) {
    if (word.size() >= kShortestGuess) names.emplace_back(word);
    return false;
  });
}

/// " Did you mean NAME?", or nothing.
std::string guess(std::string_view name, const std::vector<std::string>& names, std::string_view prefix) {
  if (name.size() < kShortestGuess) return {};
  const std::string nearest = config::nearest_name(name, names);
  return nearest.empty() ? std::string() : " Did you mean " + std::string(prefix) + nearest + "?";
}

std::string guess_option(const CommandRow& command, std::string_view name) {
  std::vector<std::string> names;
  const auto add = [&names](std::span<const OptionRow> rows) {
    for (const OptionRow& row : rows) {
      add_words(names, row.name);
      add_words(names, row.long_name);
    }
  };
  add(command.options);
  if (command.connects) add(connection_options());
  return guess(name, names, "--");
}

std::string guess_command(const ToolRow& tool, std::string_view name) {
  std::vector<std::string> names;
  for (const CommandRow& row : tool.commands) {
    add_words(names, row.name);
    add_words(names, row.long_name);
  }
  return guess(name, names, "");
}

/// An option as it stands on the command line.
struct Given {
  std::string name;
  std::optional<std::string> value;
};

/// Nothing for what is an argument.
std::optional<Given> split_option(std::string_view text) {
  std::string_view separators = ":";
  std::string_view rest = text;
  if (rest.starts_with("--")) {
    rest.remove_prefix(2);
    separators = "=:";
  } else if (rest.starts_with('/') || rest.starts_with('-')) {
    rest.remove_prefix(1);
  } else {
    return std::nullopt;
  }
  if (rest.empty()) return std::nullopt;
  const auto end = rest.find_first_of(separators);
  const std::string_view name = rest.substr(0, end);
  if (text.front() == '/' && name.find('/') != std::string_view::npos) return std::nullopt;
  Given given{std::string(name), std::nullopt};
  if (end != std::string_view::npos) given.value = std::string(rest.substr(end + 1));
  return given;
}

base::Result<std::string> read_number(const OptionRow& row, const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || at != end || number < row.min || number > row.max) {
    return usage("Invalid value for property " + std::string(long_of(row)) + ".");
  }
  return std::to_string(number);
}

base::Result<std::string> read_value(const OptionRow& row, const Given& given) {
  switch (row.kind) {
    case ValueKind::Flag:
      if (!given.value) return std::string("true");
      [[fallthrough]];
    case ValueKind::Boolean: {
      const std::string value = base::to_lower(given.value.value_or(""));
      if (value == "true" || value == "false") return value;
      return usage("Invalid option " + given.name + ". Option is not Boolean.");
    }
    case ValueKind::Number:
      return read_number(row, given.value.value_or(""));
    case ValueKind::Choice: {
      std::string chosen;
      const bool known = any_of_words(row.value, [&](std::string_view word) {
        chosen = word;
        return base::equal_ignoring_case(word, given.value.value_or(""));
      });
      if (known) return chosen;
      break;
    }
    case ValueKind::Text:
      if (given.value) return *given.value;
      break;
  }
  std::string what = "Invalid value for option " + given.name + ".";
  if (row.kind == ValueKind::Choice) {
    std::string words;
    any_of_words(row.value, [&](std::string_view word) {
      words += (words.empty() ? "" : ", ") + std::string(word);
      return false;
    });
    what += " Valid values: " + words + ".";
    if (base::equal_ignoring_case(given.value.value_or(""), "json")) what += " For JSON use --json.";
  }
  return usage(std::move(what));
}

void print_options(std::ostream& out, std::span<const OptionRow> rows) {
  for (const OptionRow& row : rows) {
    std::string left = "  ";
    const std::string_view value = row.kind == ValueKind::Boolean ? "true|false" : row.value;
    const std::string shown = row.kind == ValueKind::Flag ? "" : ":" + std::string(value);
    if (!row.name.empty()) left += "/" + std::string(first_word(row.name)) + shown;
    if (!row.name.empty() && !row.long_name.empty()) left += ", ";
    if (!row.long_name.empty()) {
      left += "--" + std::string(first_word(row.long_name));
      if (row.kind != ValueKind::Flag) left += "=" + std::string(row.name.empty() ? value : "...");
    }
    out << left << "\n      " << row.help << '\n';
  }
}

}  // namespace

std::span<const OptionRow> connection_options() {
  static constexpr std::array kRows{
      OptionRow{"r", "remote", ValueKind::Text, "HOST",
                "The computer to ask, or [TRANSPORT://]HOST[:PORT][/PREFIX]. Default: the service on this machine."},
      OptionRow{"u", "username", ValueKind::Text, "USER", "The user to connect as; only with /r."},
      OptionRow{"p", "password", ValueKind::Text, "PASSWORD", "That user's password; * asks for it."},
      OptionRow{"a", "authentication", ValueKind::Choice, "Default|Negotiate|Kerberos|NTLM|Basic|Certificate",
                "How to authenticate; only with /r. This version has Basic and Certificate, over HTTPS."},
      OptionRow{"", "certificate", ValueKind::Text, "THUMBPRINT",
                "The client certificate to connect with: its thumbprint, or the path of a PEM file; only with /r."},
      OptionRow{"", "cacert", ValueKind::Text, "FILE",
                "The authorities to trust, PEM, instead of the system's; only with /r."},
      OptionRow{"uni", "unicode", ValueKind::Boolean, "", "true: UTF-16 output, with its mark."},
      OptionRow{"", "state", ValueKind::Text, "DIR",
                "The state directory of the service to ask: its control socket is DIR/control.sock. Default: the variable "
                "MUSTER_STATE, then the collector on this machine, then the forwarder."},
  };
  return kRows;
}

std::optional<std::string> Arguments::find(std::string_view option) const {
  const auto at = values_.find(option);
  return at == values_.end() ? std::nullopt : std::optional(at->second.back());
}

std::string Arguments::value_or(std::string_view option, std::string_view otherwise) const {
  return find(option).value_or(std::string(otherwise));
}

bool Arguments::flag(std::string_view option, bool otherwise) const {
  const auto value = find(option);
  return value ? *value == "true" : otherwise;
}

std::optional<std::uint64_t> Arguments::number(std::string_view option) const {
  const auto value = find(option);
  if (!value) return std::nullopt;
  std::uint64_t number = 0;
  std::from_chars(value->data(), value->data() + value->size(), number);
  return number;
}

std::vector<std::string> Arguments::all(std::string_view option) const {
  const auto at = values_.find(option);
  return at == values_.end() ? std::vector<std::string>{} : at->second;
}

void Arguments::add(std::string option, std::string value) {
  values_[std::move(option)].push_back(std::move(value));
}

const CommandRow* find_command(const ToolRow& tool, std::string_view name) {
  for (const CommandRow& row : tool.commands) {
    if (is_named(row.name, name) || is_named(row.long_name, name)) return &row;
  }
  return nullptr;
}

base::Result<Arguments> parse_arguments(const CommandRow& command, std::span<const std::string> arguments) {
  Arguments parsed;
  std::vector<std::pair<const OptionRow*, Given>> given;
  bool options_ended = false;
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    const std::string& argument = *at;
    if (!options_ended && argument == "--") {
      options_ended = true;
      continue;
    }
    auto option = options_ended ? std::nullopt : split_option(argument);
    if (!option) {
      parsed.positional.push_back(argument);
      continue;
    }
    const OptionRow* row = find_option(command, option->name);
    if (row == nullptr && asks_for_help(argument)) {
      parsed.help = true;
      return parsed;
    }
    // A path right below the root looks like an option.
    if (std::error_code failure; row == nullptr && argument.front() == '/' && std::filesystem::exists(argument, failure)) {
      parsed.positional.push_back(argument);
      continue;
    }
    if (row == nullptr) {
      return usage("Invalid option " + option->name + ". Option is not valid." + guess_option(command, option->name));
    }
    // Windows' own forms hold their value; "--name VALUE" is what people type on Linux.
    const bool takes_next = argument.starts_with("--") && !option->value && row->kind != ValueKind::Flag;
    if (takes_next && std::next(at) != arguments.end()) option->value = *++at;
    given.emplace_back(row, std::move(*option));
  }
  // A value in an argument of its own shows here first, and Windows says it in these words.
  if (parsed.positional.size() > command.max_arguments) return usage("Too many arguments are specified.");
  for (auto& [row, option] : given) {
    ASSIGN_OR_RETURN(std::string value, read_value(*row, option));
    if (!row->repeatable && parsed.has(key_of(*row))) {
      return usage("Invalid option " + option.name + ". Option is specified more than once.");
    }
    parsed.add(std::string(key_of(*row)), std::move(value));
  }
  if (parsed.positional.size() < command.min_arguments) return usage("Required argument(s) is/are not specified.");
  return parsed;
}

bool asks_for_help(std::string_view argument) {
  static constexpr std::array<std::string_view, 9> kForms{"/?", "-?", "/h", "-h", "--help", "-help", "/help", "help", "--?"};
  return std::any_of(kForms.begin(), kForms.end(),
                     [&](std::string_view form) { return base::equal_ignoring_case(form, argument); });
}

ParsedCommand parse_command(Console& console, const ToolRow& tool, std::span<const std::string> words) {
  ParsedCommand parsed;
  if (words.empty() || asks_for_help(words.front())) {
    print_help(console, tool);
    return parsed;
  }
  const CommandRow* command = find_command(tool, words.front());
  if (command == nullptr) {
    parsed.status = usage_error(
        console, tool,
        usage("Invalid command " + words.front() + ". Command is not valid." + guess_command(tool, words.front())));
    return parsed;
  }
  auto arguments = parse_arguments(*command, words.subspan(1));
  if (!arguments.ok()) {
    parsed.status = usage_error(console, tool, arguments.error());
  } else if (arguments->help) {
    print_help(console, tool, *command);
  } else {
    parsed.command = command;
    parsed.arguments = std::move(*arguments);
  }
  return parsed;
}

void print_help(Console& console, const ToolRow& tool) {
  console.out << tool.help << "\n\nUsage: " << tool.name << " COMMAND [ARGUMENT...] [/OPTION:VALUE...]\n\nCommands:\n";
  std::size_t width = 0;
  for (const CommandRow& row : tool.commands) {
    width = std::max(width, row.name.size() + first_word(row.long_name).size() + 3);
  }
  for (const CommandRow& row : tool.commands) {
    std::string left(row.name);
    if (!row.long_name.empty()) left += " | " + std::string(first_word(row.long_name));
    left.resize(std::max(width, left.size()), ' ');
    console.out << "  " << left << "  " << row.help << '\n';
  }
  console.out << "\nOptions may also be written -NAME:VALUE and --long-name=VALUE. Names and enumerated values are not case "
                 "sensitive.\n'"
              << tool.name << " COMMAND /?' explains a command.\n";
}

void print_help(Console& console, const ToolRow& tool, const CommandRow& command) {
  console.out << command.help << "\n\nUsage: " << tool.name << ' ' << command.name;
  if (!command.arguments.empty()) console.out << ' ' << command.arguments;
  if (command.connects || !command.options.empty()) console.out << " [/OPTION:VALUE...]";
  console.out << '\n';
  if (!command.options.empty()) {
    console.out << "\nOptions:\n";
    print_options(console.out, command.options);
  }
  if (command.connects) {
    console.out << "\nConnection:\n";
    print_options(console.out, connection_options());
  }
}

int run_encoded(Console& console, const Arguments& arguments, const std::function<int(Console&)>& command) {
  if (!arguments.flag("uni")) return command(console);
  int status = 0;
  {
    Utf16Buffer buffer(console.out);
    std::ostream out(&buffer);
    Console wide{out, console.err, console.in, console.err_is_terminal, console.out_descriptor};
    status = command(wide);
  }
  console.out.flush();
  return status;
}

int usage_error(Console& console, const ToolRow& tool, const base::Error& error) {
  const int status = print_error(console, error);
  console.err << "'" << tool.name << " /?' shows the commands and their options.\n";
  return status;
}

base::Error usage(std::string what) {
  return base::make_error(base::Win32::InvalidParameter, std::move(what));
}

}  // namespace cli
