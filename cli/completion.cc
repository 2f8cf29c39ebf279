#include "cli/completion.h"

#include <algorithm>
#include <span>

#include "cli/arguments.h"
#include "cli/user_tool.h"
#include "cli/wecutil.h"
#include "cli/wevtutil.h"
#include "cli/winrm_arguments.h"

namespace cli {
namespace {

/// A tool as shells see it.
struct Described {
  std::string_view name;
  const ToolRow& tool;
  std::span<const OptionRow> connection;
  char prefix;  ///< of its options, where nothing was typed yet
  /// What often stands where an argument does.
  std::string_view arguments;
};

std::vector<Described> described_tools() {
  return {
      {"wecutil", wecutil_tool(), connection_options(), '/', ""},
      {"wevtutil", wevtutil_tool(), connection_options(), '/', ""},
      {"user", user_tool(), connection_options(), '-', ""},
      {"winrm", winrm_tool(), winrm_connection_switches(), '-',
       "winrm/config winrm/config/client winrm/config/client/auth winrm/config/client/defaultports winrm/config/listener "
       "winrm/config/plugin winrm/config/service winrm/config/service/auth winrm/config/service/certmapping "
       "winrm/config/service/defaultports winrm/config/winrs wmicimv2/ wmi/root/cimv2/ cimv2/ shell/cmd"},
  };
}

/// The words of "a|b|c", each with `before` and `behind`.
void append_words(std::string& out, std::string_view words, std::string_view before, std::string_view behind) {
  while (!words.empty()) {
    const auto end = std::min(words.find('|'), words.size());
    if (!out.empty()) out += ' ';
    out += before;
    out += words.substr(0, end);
    out += behind;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

std::string_view first_word(std::string_view words) {
  return words.substr(0, words.find('|'));
}

/// "-name:" for those that take a value.
void append_options(std::string& out, std::span<const OptionRow> rows) {
  for (const OptionRow& row : rows) {
    const bool flag = row.kind == ValueKind::Flag;
    if (!row.name.empty()) append_words(out, first_word(row.name), "-", flag ? "" : ":");
    // Tools in Windows' form have long names for Linux besides.
    if (!row.long_name.empty() && row.name.empty()) append_words(out, first_word(row.long_name), "--", flag ? "" : "=");
  }
}

std::string_view values_of(const OptionRow& row) {
  if (row.kind == ValueKind::Boolean || row.kind == ValueKind::Flag) return "true|false";
  return row.kind == ValueKind::Choice ? row.value : std::string_view();
}

/// One case of a shell's case statement: its patterns, and the words that it prints.
void append_case(std::string& out, const std::string& patterns, std::string_view words) {
  if (words.empty()) return;
  out += "    " + patterns + ") echo '";
  out += words;
  out += "' ;;\n";
}

/// "winrm get"|"winrm g": a tool and any name of a command.
std::string patterns_of(const Described& tool, std::string_view names, std::string_view other_names) {
  std::string patterns;
  for (std::string_view words : {names, other_names}) {
    while (!words.empty()) {
      const auto end = std::min(words.find('|'), words.size());
      if (!patterns.empty()) patterns += '|';
      patterns += "'" + std::string(tool.name) + " " + std::string(words.substr(0, end)) + "'";
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  }
  return patterns;
}

void append_values(std::string& out, const Described& tool, std::span<const OptionRow> rows,
                   std::vector<std::string>& done) {
  for (const OptionRow& row : rows) {
    if (values_of(row).empty()) continue;
    const std::string patterns = patterns_of(tool, row.name, row.long_name);
    if (std::find(done.begin(), done.end(), patterns) != done.end()) continue;
    done.push_back(patterns);
    std::string words;
    append_words(words, values_of(row), "", "");
    append_case(out, patterns, words);
  }
}

/// Functions that bash and zsh share: they print words for "TOOL COMMAND", options first.
std::string tables(const std::vector<std::string_view>& tools) {
  std::string commands;
  std::string options;
  std::string arguments;
  std::string values;
  for (const Described& tool : described_tools()) {
    std::string names;
    std::vector<std::string> done;
    for (const CommandRow& row : tool.tool.commands) {
      append_words(names, first_word(row.name), "", "");
      // The other tools' commands have a short and a long name, winrm's a full one and short forms.
      if (tool.prefix == '/') append_words(names, first_word(row.long_name), "", "");
      std::string words;
      append_options(words, row.options);
      if (row.connects) append_options(words, tool.connection);
      append_case(options, patterns_of(tool, row.name, row.long_name), words);
      append_values(values, tool, row.options, done);
    }
    append_values(values, tool, tool.connection, done);
    append_case(commands, "'" + std::string(tool.name) + "'", names);
    append_case(arguments, "'" + std::string(tool.name) + "'", tool.arguments);
  }
  std::string names;
  for (const std::string_view tool : tools) append_words(names, tool, "", "");
  append_case(commands, "'muster'", names);
  append_case(commands, "'completion'", "bash zsh");
  const auto function = [](std::string_view name, std::string_view subject, const std::string& cases) {
    return std::string(name) + "() {\n  case \"" + std::string(subject) + "\" in\n" + cases + "  esac\n}\n\n";
  };
  return function("_muster_commands", "$1", commands) + function("_muster_options", "$1 $2", options) +
         function("_muster_values", "$1 $2", values) + function("_muster_arguments", "$1", arguments);
}

constexpr std::string_view kBash = R"sh(_muster_complete() {
  local line=${COMP_LINE:0:COMP_POINT} cur tool command name value choices
  local -a words
  cur=${line##*[[:space:]]}
  read -ra words <<< "${line:0:${#line}-${#cur}}"
  tool=${words[0]##*/}
  words=("${words[@]:1}")
  if [[ $tool == muster && ${#words[@]} -gt 0 ]]; then
    tool=${words[0],,}
    words=("${words[@]:1}")
  fi
  command=${words[0],,}
  COMPREPLY=()
  if [[ ${#words[@]} -eq 0 && $cur != [-/]* ]]; then
    choices=$(_muster_commands "$tool")
  elif [[ $cur == [-/]*:* || $cur == --*=* ]]; then
    name=${cur%%[:=]*}
    value=${name##*[-/]}
    choices=
    for value in $(_muster_values "$tool" "${value,,}"); do
      choices+=" ${cur:0:${#name}+1}$value"
    done
    if [[ -z $choices ]]; then
      compopt -o default 2> /dev/null
      return
    fi
  elif [[ $cur == [-/]* && $cur != /?*/* ]]; then
    choices=$(_muster_options "$tool" "$command")
    if [[ $cur == /* ]]; then
      choices=" $choices"
      choices=${choices// -/ /}
    fi
  elif [[ $cur != /* ]]; then
    choices=$(_muster_arguments "$tool")
  fi
  if [[ -z $choices ]]; then
    compopt -o default 2> /dev/null
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=/] ]]; then
    compopt -o nospace 2> /dev/null
  fi
  # Readline replaces only what follows the last of its own word breaks.
  local kept=${cur%"${cur##*[:=]}"} i
  for i in "${!COMPREPLY[@]}"; do
    COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
  done
}
)sh";

constexpr std::string_view kZsh = R"sh(_muster_complete() {
  local cur=${words[CURRENT]} tool=${words[1]:t} command name value choices
  local -a before open closed
  before=("${(@)words[2,CURRENT-1]}")
  if [[ $tool == muster && ${#before} -gt 0 ]]; then
    tool=${before[1]:l}
    before=("${(@)before[2,-1]}")
  fi
  command=${before[1]:l}
  if [[ ${#before} -eq 0 && $cur != [-/]* ]]; then
    choices=$(_muster_commands "$tool")
  elif [[ $cur == [-/]*:* || $cur == --*=* ]]; then
    name=${cur%%[:=]*}
    value=${name##*[-/]}
    for value in ${=$(_muster_values "$tool" "${value:l}")}; do
      choices+=" ${cur[1,${#name}+1]}$value"
    done
    if [[ -z $choices ]]; then
      compset -P '*[:=]'
    fi
  elif [[ $cur == [-/]* && $cur != /?*/* ]]; then
    choices=$(_muster_options "$tool" "$command")
    if [[ $cur == /* ]]; then
      choices=" $choices"
      choices=${choices// -/ /}
    fi
  elif [[ $cur != /* ]]; then
    choices=$(_muster_arguments "$tool")
  fi
  if [[ -z $choices ]]; then
    _files
    return
  fi
  for value in ${=choices}; do
    if [[ $value == *[:=/] ]]; then open+=("$value"); else closed+=("$value"); fi
  done
  compadd -Q -S '' -a open
  compadd -Q -a closed
}
)sh";

constexpr std::string_view kZshEnd = R"sh(
# Loaded by the completion system, or sourced.
if [[ ${funcstack[1]} == _muster ]]; then
  _muster_complete "$@"
else
  compdef _muster_complete )sh";

}  // namespace

std::string completion_script(std::string_view shell, const std::vector<std::string_view>& tools) {
  std::string names = "muster";
  for (const Described& tool : described_tools()) {
    // Those that have a link of their own.
    if (tool.name == tool.tool.name) names += " " + std::string(tool.name);
  }
  const std::string comment = "# Completion of Muster's tools, made by 'muster completion " + std::string(shell) + "'.\n\n";
  if (shell == "bash") {
    return comment + tables(tools) + std::string(kBash) + "\ncomplete -F _muster_complete " + names + "\n";
  }
  if (shell == "zsh") {
    return "#compdef " + names + "\n" + comment + tables(tools) + std::string(kZsh) + std::string(kZshEnd) + names +
           "\nfi\n";
  }
  return {};
}

int run_completion(Console& console, const std::vector<std::string>& arguments, const std::vector<std::string_view>& tools) {
  if (arguments.size() == 1 && asks_for_help(arguments.front())) {
    console.out << "Prints a script that completes the tools' command lines.\n\nUsage: muster completion bash|zsh\n\n"
                   "bash:  source <(muster completion bash)\nzsh:   source <(muster completion zsh)\n";
    return 0;
  }
  const std::string script = arguments.size() == 1 ? completion_script(arguments.front(), tools) : std::string();
  if (script.empty()) return print_error(console, usage("Say for which shell: muster completion bash, or zsh."));
  console.out << script;
  return 0;
}

}  // namespace cli
