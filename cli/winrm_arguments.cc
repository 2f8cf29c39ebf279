#include "cli/winrm_arguments.h"

#include <array>
#include <charconv>
#include <limits>

#include "cli/winrm_values.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();

constexpr OptionRow kFormat{"format", "f", ValueKind::Choice, "xml|pretty|text|json",
                            "How results are printed; json is an extension. Default: text."};
constexpr OptionRow kOptions{"options", "", ValueKind::Text, "{NAME=\"VALUE\";...}", "Options for the resource."};
constexpr OptionRow kFile{"file", "", ValueKind::Text, "PATH",
                          "The XML document to send, instead of @{...}; - reads standard input."};
constexpr OptionRow kFragment{"fragment", "", ValueKind::Text, "XPATH", "The part of the instance that is meant."};
constexpr OptionRow kDialect{"dialect", "", ValueKind::Text, "DIALECT",
                             "The language of -filter (wql, selector, association or a URI; default wql) or of -fragment "
                             "(a URI)."};
constexpr OptionRow kFilter{"filter", "", ValueKind::Text, "FILTER", "Which instances are wanted."};
constexpr OptionRow kJson{"json", "", ValueKind::Flag, "", "The same as -format:json."};

constexpr std::array kTransferSwitches{kFormat, kDialect, kFilter, kFragment, kFile, kOptions, kJson};
constexpr std::array kEnumerateSwitches{
    kFormat,
    kDialect,
    kFilter,
    kOptions,
    OptionRow{"returntype", "", ValueKind::Choice, "object|epr|objectandepr",
              "Instances, references to them, or both. Default: object."},
    OptionRow{"shallow", "", ValueKind::Flag, "", "Only instances of the class itself, none of derived classes."},
    OptionRow{"basepropertiesonly", "", ValueKind::Flag, "", "Of derived instances only the properties of the class."},
    OptionRow{"associations", "", ValueKind::Flag, "",
              "With -dialect:association: the associations themselves, not what they lead to."},
    kJson,
};
constexpr std::array kIdentifySwitches{kFormat, kJson};
constexpr OptionRow kState{"state", "", ValueKind::Text, "DIR",
                           "The state directory of the service on this machine to use: its control socket is "
                           "DIR/control.sock. Default: the variable MUSTER_STATE, then the collector, then the forwarder."};
constexpr std::array kQuickConfigSwitches{
    OptionRow{"quiet", "q", ValueKind::Flag, "", "Make the changes without asking."},
    OptionRow{"transport", "", ValueKind::Choice, "http|https", "What to listen on. Default: http."},
    OptionRow{"force", "", ValueKind::Flag, "", "Do not look at the network's kind; do not ask."},
    kState,
};
constexpr std::array kLocalSwitches{kState};

constexpr std::array kConnection{
    OptionRow{"remote", "r|machine", ValueKind::Text, "[TRANSPORT://]HOST[:PORT][/PREFIX]",
              "The computer to ask. Default: the service on this machine."},
    OptionRow{"authentication", "a|auth", ValueKind::Choice, "None|Basic|Digest|Kerberos|Negotiate|Certificate|CredSSP",
              "How to say who asks."},
    OptionRow{"username", "u|un", ValueKind::Text, "USER", "The user to connect as."},
    OptionRow{"password", "p", ValueKind::Text, "PASSWORD", "That user's password; without it you are asked."},
    OptionRow{"certificate", "c", ValueKind::Text, "THUMBPRINT",
              "The client certificate: its thumbprint, or the path of a PEM file. Implies -authentication:Certificate."},
    OptionRow{"usessl", "ssl", ValueKind::Flag, "", "HTTPS."},
    OptionRow{"unencrypted", "", ValueKind::Flag, "", "No encryption of messages over HTTP."},
    OptionRow{"encoding", "", ValueKind::Choice, "utf-8|utf-16", "The encoding of messages. Default: utf-8."},
    OptionRow{"spnport", "", ValueKind::Flag, "", "The port is part of the service's name (Kerberos, Negotiate)."},
    OptionRow{"defaultcreds", "", ValueKind::Flag, "", "Allow implicit credentials with Negotiate over HTTPS."},
    OptionRow{"skipcacheck", "", ValueKind::Flag, "", "Whoever signed the server's certificate. Only HTTPS."},
    OptionRow{"skipcncheck", "", ValueKind::Flag, "", "Whatever name the server's certificate holds. Only HTTPS."},
    OptionRow{"skiprevocationcheck", "", ValueKind::Flag, "",
              "Do not ask whether the server's certificate was revoked (this version never asks). Only HTTPS."},
    OptionRow{"proxyaccess", "pac", ValueKind::Choice, "ie_settings|winhttp_settings|auto_detection|no_proxy",
              "How to find a proxy. Only HTTPS; this version knows no_proxy alone."},
    OptionRow{"proxyauth", "pa", ValueKind::Choice, "Basic|Digest|Negotiate", "How to say to the proxy who asks."},
    OptionRow{"proxyusername", "pu", ValueKind::Text, "USER", "The user for the proxy."},
    OptionRow{"proxypassword", "pp", ValueKind::Text, "PASSWORD", "That user's password."},
    OptionRow{"timeout", "", ValueKind::Number, "MS", "The time for one request.", 500, kMost32},
    OptionRow{"ca", "", ValueKind::Text, "FILE",
              "The authorities to trust, PEM, instead of the system's. Only HTTPS. An extension."},
    kState,
};

constexpr std::array kOperations{
    CommandRow{"get", "g", "URI[?SELECTORS]", 1, 1, kTransferSwitches, "Shows an instance."},
    CommandRow{"set", "s|put|p", "URI[?SELECTORS] {@{...} | -file:PATH}", 1, 1, kTransferSwitches, "Changes an instance."},
    CommandRow{"create", "c", "URI[?SELECTORS] [@{...} | -file:PATH]", 1, 1, kTransferSwitches, "Creates an instance."},
    CommandRow{"delete", "d", "URI[?SELECTORS]", 1, 1, kTransferSwitches, "Deletes an instance."},
    CommandRow{"enumerate", "e|enum", "URI", 1, 1, kEnumerateSwitches, "Lists the instances."},
    CommandRow{"invoke", "i", "ACTION URI[?SELECTORS] [@{...} | -file:PATH]", 2, 2, kTransferSwitches, "Calls a method."},
    CommandRow{"identify", "id", "", 0, 0, kIdentifySwitches, "Asks what serves there, and in which version."},
    CommandRow{"quickconfig", "qc", "", 0, 0, kQuickConfigSwitches,
               "Makes this machine ready for remote management: service, listener, firewall.", false},
    CommandRow{"configsddl", "", "[URI]", 0, 1, kLocalSwitches, "Edits who may use a resource, or all resources.", false},
    CommandRow{"helpmsg", "", "CODE", 1, 1, {}, "Says what an error code means.", false},
    CommandRow{"help", "", "[TOPIC]", 0, 1, {}, "Explains the tool.", false},
};

bool is_named(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const auto bar = std::min(names.find('|'), names.size());
    if (base::equal_ignoring_case(names.substr(0, bar), name)) return true;
    names.remove_prefix(std::min(bar + 1, names.size()));
  }
  return false;
}

const OptionRow* find_switch(std::span<const OptionRow> rows, std::string_view name) {
  for (const OptionRow& row : rows) {
    if (is_named(row.name, name) || is_named(row.long_name, name)) return &row;
  }
  return nullptr;
}

const OptionRow* find_switch(const CommandRow& operation, std::string_view name) {
  if (const OptionRow* row = find_switch(operation.options, name)) return row;
  return operation.connects ? find_switch(kConnection, name) : nullptr;
}

bool is_known_anywhere(std::string_view name) {
  for (const CommandRow& row : kOperations) {
    if (find_switch(row, name) != nullptr) return true;
  }
  return false;
}

/// A switch as it stands on the command line.
struct Given {
  std::string name;
  std::optional<std::string> value;
};

bool is_switch(std::string_view word) {
  return word.size() > 1 && (word.front() == '-' || word.front() == '/');
}

Given split_switch(std::string_view word) {
  const bool is_long = word.starts_with("--");
  word.remove_prefix(is_long ? 2 : 1);
  const auto end = std::min(word.find_first_of(is_long ? "=:" : ":"), word.size());
  Given given{std::string(word.substr(0, end)), std::nullopt};
  if (end < word.size()) given.value = std::string(word.substr(end + 1));
  return given;
}

base::Result<std::string> read_choice(const OptionRow& row, std::string_view text) {
  // Scripts of old write "-format:#pretty".
  if (row.name == kFormat.name && text.starts_with('#')) text.remove_prefix(1);
  std::string_view words = row.value;
  while (!words.empty()) {
    const auto bar = std::min(words.find('|'), words.size());
    if (base::equal_ignoring_case(words.substr(0, bar), text)) return std::string(words.substr(0, bar));
    words.remove_prefix(std::min(bar + 1, words.size()));
  }
  return usage("Invalid value for switch " + std::string(row.name) + ": " + std::string(text) + ". It is one of " +
               std::string(row.value) + ".");
}

base::Result<std::string> read_value(const OptionRow& row, const Given& given) {
  const std::string name(row.name);
  if (row.kind == ValueKind::Flag) {
    if (!given.value || base::equal_ignoring_case(*given.value, "true")) return std::string("true");
    if (base::equal_ignoring_case(*given.value, "false")) return std::string("false");
    return usage("The switch " + name + " takes no value.");
  }
  if (!given.value) return usage("The switch " + name + " needs a value: -" + name + ":" + std::string(row.value) + ".");
  std::string value = *given.value;
  if (value.starts_with('"') || value.ends_with('"')) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') {
      return usage("The quotation marks around the value of switch " + name + " do not match.");
    }
    value = value.substr(1, value.size() - 2);
  }
  if (row.kind == ValueKind::Choice) return read_choice(row, value);
  if (row.kind != ValueKind::Number) return value;
  std::uint64_t number = 0;
  const auto [at, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failure != std::errc() || at != value.data() + value.size() || number < row.min || number > row.max) {
    return usage("Invalid value for switch " + name + ": " + value + ". It is a number from " + std::to_string(row.min) +
                 " to " + std::to_string(row.max) + ".");
  }
  return std::to_string(number);
}

/// A list of values that a shell has cut at its blanks, put together again.
std::string whole_list(std::span<const std::string> words, std::size_t& at) {
  std::string list = words[at];
  while (!base::trimmed(list).ends_with('}') && at + 1 < words.size()) list += ' ' + words[++at];
  return list;
}

bool has_any(const Arguments& switches, std::initializer_list<std::string_view> names, std::string& found) {
  for (const std::string_view name : names) {
    if (!switches.has(name)) continue;
    found = name;
    return true;
  }
  return false;
}

/// What goes together. What depends on the transport is judged where the address is known.
base::Result<void> check_switches(const CommandRow& operation, const Arguments& switches) {
  if (!operation.connects) return {};
  std::string found;
  if (!switches.has("remote") &&
      has_any(switches,
              {"encoding", "unencrypted", "usessl", "skipcacheck", "skipcncheck", "skiprevocationcheck", "ca", "spnport",
               "defaultcreds", "proxyaccess", "proxyauth", "authentication", "username", "password", "certificate"},
              found)) {
    return usage("The switch " + found + " is allowed only together with -remote.");
  }
  if (switches.has("remote") && switches.has("state"))
    return usage("-state names a service on this machine: leave out -remote.");
  if (switches.has("certificate") && has_any(switches, {"username", "password"}, found)) {
    return usage("The switches certificate and " + found + " exclude each other.");
  }
  if (switches.has("password") && !switches.has("username")) return usage("The switch password needs -username.");
  if (switches.has("proxypassword") && !switches.has("proxyusername")) {
    return usage("The switch proxypassword needs -proxyusername.");
  }
  if (has_any(switches, {"proxyauth", "proxyusername"}, found) && !switches.has("proxyaccess")) {
    return usage("The switch " + found + " needs -proxyaccess.");
  }
  if (switches.flag("shallow") && switches.flag("basepropertiesonly")) {
    return usage("The switches shallow and basepropertiesonly exclude each other.");
  }
  return {};
}

}  // namespace

std::span<const OptionRow> winrm_connection_switches() {
  return kConnection;
}

const ToolRow& winrm_tool() {
  static constexpr ToolRow kTool{
      "winrm", "Reads and changes what a WS-Management service offers: its own configuration first of all.", kOperations};
  return kTool;
}

base::Result<WinrmArguments> parse_winrm_arguments(std::span<const std::string> words) {
  WinrmArguments parsed;
  if (words.empty() || asks_for_help(words.front())) {
    if (words.size() > 1) parsed.topic = words[1];
    return parsed;
  }
  const CommandRow* operation = find_command(winrm_tool(), words.front());
  if (operation == nullptr) return usage("Unknown operation: " + words.front() + ".");
  std::string first_switch;
  for (std::size_t at = 1; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (looks_like_values(word)) {
      if (parsed.values) return usage("Only one list of values is allowed.");
      parsed.values = whole_list(words, at);
      continue;
    }
    // A code may be negative.
    const bool is_number = operation->name == "helpmsg" && word.size() > 1 && word[1] >= '0' && word[1] <= '9';
    if (!is_switch(word) || is_number) {
      if (!first_switch.empty()) return usage("The argument " + word + " must come before the switch " + first_switch + ".");
      parsed.positional.push_back(word);
      continue;
    }
    if (asks_for_help(word)) {
      parsed.topic = operation->name;
      return parsed;
    }
    if (first_switch.empty()) first_switch = word;
    Given given = split_switch(word);
    if (given.name.empty()) return usage("A switch has no name: " + word + ".");
    const OptionRow* row = find_switch(*operation, given.name);
    if (row == nullptr && is_known_anywhere(given.name)) {
      return usage("Switch not allowed with the given operation: " + given.name + ".");
    }
    if (row == nullptr) return usage("Unknown switch: " + given.name + ".");
    const bool takes_next = word.starts_with("--") && !given.value && row->kind != ValueKind::Flag;
    if (takes_next && at + 1 < words.size()) given.value = words[++at];
    if (parsed.switches.has(row->name)) return usage("The switch " + std::string(row->name) + " is given more than once.");
    ASSIGN_OR_RETURN(std::string value, read_value(*row, given));
    parsed.switches.add(std::string(row->name), std::move(value));
  }
  if (operation->name == "help") {
    if (!parsed.positional.empty()) parsed.topic = parsed.positional.front();
    return parsed;
  }
  parsed.operation = operation;
  if (parsed.positional.size() > operation->max_arguments) {
    return usage("Too many arguments: " + parsed.positional[operation->max_arguments] + ".");
  }
  if (parsed.positional.size() < operation->min_arguments) {
    return usage("Arguments are missing: winrm " + std::string(operation->name) + " " + std::string(operation->arguments) +
                 ".");
  }
  const bool takes_values = operation->arguments.find("@{") != std::string_view::npos;
  if (parsed.values && !takes_values)
    return usage("The operation " + std::string(operation->name) + " takes no list of values.");
  if (parsed.values && parsed.switches.has("file")) return usage("Either a list of values or -file, not both.");
  RETURN_IF_ERROR(check_switches(*operation, parsed.switches));
  return parsed;
}

}  // namespace cli
