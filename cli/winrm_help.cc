#include "cli/winrm_help.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "cli/arguments.h"
#include "cli/winrm_arguments.h"
#include "cli/winrm_output.h"
#include "cli/winrm_values.h"
#include "engine/base/encoding.h"

namespace cli {
namespace {

struct Topic {
  std::string_view name;
  std::string_view summary;
  std::string_view text;
};

constexpr std::array kTopics{
    Topic{"uris", "How resources are named.",
          R"(A resource is named by a URI, and an instance of it by selectors behind the URI:

  winrm get winrm/config
  winrm get winrm/config/listener?Address=*+Transport=HTTPS
  winrm get wmicimv2/Win32_Service?Name=sshd

Selectors are joined by '+'. A value goes on to the next '+'; one that holds a '+' stands in double quotes. The first part of a
URI may be an alias: see 'winrm help aliases'. In a shell, put a URI with '*', '?' or '&' into single quotes.
)"},
    Topic{"aliases", "Short names for long URIs.", ""},
    Topic{"config", "The configuration of the service and of clients.",
          R"(  winrm get winrm/config                 all of it
  winrm get winrm/config/client          what clients of this machine may do
  winrm get winrm/config/service         the service: limits, schemes, permissions
  winrm get winrm/config/winrs           remote shells
  winrm enumerate winrm/config/listener  the listeners

Change a setting by naming it:

  winrm set winrm/config '@{MaxEnvelopeSizekb="500"}'
  winrm set winrm/config/service/auth '@{Basic="false"}'
  winrm set winrm/config/client '@{TrustedHosts="*.example.org,192.0.2.7"}'

Listeners are created, changed and deleted while the service runs:

  winrm create 'winrm/config/listener?Address=*+Transport=HTTP'
  winrm create 'winrm/config/listener?Address=IP:192.0.2.7+Transport=HTTPS' '@{Hostname="host.example.org";CertificateThumbprint="..."}'
  winrm set 'winrm/config/listener?Address=*+Transport=HTTP' '@{Enabled="false"}'
  winrm delete 'winrm/config/listener?Address=*+Transport=HTTP'

Plugins say which resources are served, for whom, and how much at one time:

  winrm enumerate winrm/config/plugin
  winrm get 'winrm/config/plugin?Name="Event Forwarding Plugin"' -format:pretty
  winrm set 'winrm/config/plugin?Name="Event Forwarding Plugin"' '@{Enabled="false"}'
  winrm set 'winrm/config/plugin?Name="Event Forwarding Plugin"' -file:plugin.xml
  winrm enumerate winrm/config/resource      all resources with their permissions; winrm configsddl URI edits those

  winrm invoke Restore winrm/config '@{}'           the defaults again
  winrm invoke Restore winrm/config/plugin '@{}'    those of plugins only

A value that an administrator has set by policy is shown with [Source="GPO"] and cannot be changed.
)"},
    Topic{
        "certmapping", "Which user a client certificate stands for.",
        R"(A client that shows a certificate is the user that an entry names. The entry says who signed the certificate (the thumbprint
of the authority), for whom (a name in it, with one '*'), and which resources it is good for (a URI that may end in '*').

  winrm create 'winrm/config/service/certmapping?Issuer=1212...+Subject=*@example.org+URI=*' '@{UserName="alice";Password="..."}'
  winrm enumerate winrm/config/service/certmapping -remote:HOST
  winrm set 'winrm/config/service/certmapping?Issuer=...+Subject=...+URI=*' '@{Enabled="false"}'
  winrm delete 'winrm/config/service/certmapping?Issuer=...+Subject=...+URI=*'

The service must allow the scheme: winrm set winrm/config/service/auth '@{Certificate="true"}'.
)"},
    Topic{"customremoteshell", "A resource of old.",
          R"(winrm/config/winrs/customremoteshell belonged to the first version of WinRM and is not served any more.
)"},
    Topic{"input", "How values are given.",
          R"(set, create and invoke take values in one of two ways:

  '@{NAME="VALUE";NAME2="VALUE2"}'   in single quotes, because of the shell; $null without quotes stands for no value
  -file:PATH                         an XML document, in UTF-8 or UTF-16; -file:- reads standard input

set reads the instance, replaces the values that are named, and writes it back; with a file it writes what the file holds. Without
either it reads standard input. Names are case sensitive. A quotation mark inside a value is written \".
)"},
    Topic{"filters", "How enumerate chooses instances.",
          R"(  winrm enumerate 'wmicimv2/*' -filter:"select * from Win32_Service where State='Running'"
  winrm enumerate wmi/root/cimv2/Win32_Service -dialect:selector '-filter:{State="Running"}'
  winrm enumerate 'wmicimv2/*' -dialect:association '-filter:{object=wmicimv2/Win32_Service?Name=sshd;resultclassname=Win32_Service}'

The parts of an association filter are object, associationclassname, role, resultclassname, resultrole and
includeresultproperty (names with commas between). With -associations the associations themselves are listed.
)"},
    Topic{"switches", "All switches.", ""},
    Topic{"remoting", "How to reach another machine.",
          R"(  winrm get winrm/config -remote:https://host.example.org:5986 -authentication:Basic -username:alice
  winrm identify -remote:host -authentication:None
  winrm get winrm/config -remote:host -usessl -certificate:THUMBPRINT

A host alone is asked on the default ports (5985, 5986) and the path of winrm/config/client; a URL has the ports of a URL (80 and
443). Over HTTP the host must stand in TrustedHosts, and passwords go only where AllowUnencrypted is true.

Without -remote the service of this machine is asked over its control socket: the one in the directory --state names, else in the
directory that the variable MUSTER_STATE names, else the collector's, else the forwarder's.
)"},
    Topic{"auth", "How to say who asks.",
          R"(  None         nobody; enough for identify
  Basic        -username and -password; over HTTPS, or over HTTP where AllowUnencrypted is true
  Certificate  -certificate: a thumbprint, looked for in ~/.config/muster/tls and /etc/muster/tls, or the path of a PEM file;
               the key stands in the same file, or beside it with the ending .key

Digest, Kerberos, Negotiate and CredSSP are known by name and not available in this version.
)"},
    Topic{
        "proxy", "Proxies.",
        R"(-proxyaccess:no_proxy says that no proxy is to be used, which is what this version does. Other values are refused.
)"},
};

std::string_view first_word(std::string_view words) {
  return words.substr(0, words.find('|'));
}

/// "get | g"
std::string names_of(const CommandRow& row) {
  return std::string(row.name) + (row.long_name.empty() ? "" : " | " + std::string(first_word(row.long_name)));
}

void print_switches(std::ostream& out, std::span<const OptionRow> rows) {
  for (const OptionRow& row : rows) {
    out << "  -" << row.name;
    if (row.kind != ValueKind::Flag) out << ':' << row.value;
    std::string_view others = row.long_name;
    while (!others.empty()) {
      out << ", -" << first_word(others);
      others.remove_prefix(std::min(first_word(others).size() + 1, others.size()));
    }
    out << "\n      " << row.help << '\n';
  }
}

void print_tool(std::ostream& out) {
  const ToolRow& tool = winrm_tool();
  out << tool.help << "\n\nUsage: winrm OPERATION [ACTION] [URI[?NAME=VALUE[+NAME=VALUE]...]] [@{NAME=\"VALUE\";...}] "
      << "[-SWITCH[:VALUE]]...\n\nCommands:\n";
  std::size_t width = 0;
  for (const CommandRow& row : tool.commands) width = std::max(width, names_of(row).size());
  for (const CommandRow& row : tool.commands) {
    std::string left = names_of(row);
    left.resize(width, ' ');
    out << "  " << left << "  " << row.help << '\n';
  }
  out << "\nTopics ('winrm help TOPIC'):\n";
  for (const Topic& topic : kTopics) {
    std::string left(topic.name);
    left.resize(std::max<std::size_t>(left.size(), 18), ' ');
    out << "  " << left << "  " << topic.summary << '\n';
  }
  out << "\nA switch may begin with '-' or '/'; as an extension it may be written --name=VALUE. Names are not case "
         "sensitive.\n"
         "'winrm OPERATION -?' explains an operation.\n";
}

void print_operation(std::ostream& out, const CommandRow& row) {
  out << row.help << "\n\nUsage: winrm " << row.name;
  if (!row.arguments.empty()) out << ' ' << row.arguments;
  if (row.connects || !row.options.empty()) out << " [-SWITCH[:VALUE]]...";
  out << '\n';
  if (!row.options.empty()) {
    out << "\nSwitches:\n";
    print_switches(out, row.options);
  }
  if (row.connects) {
    out << "\nConnection:\n";
    print_switches(out, winrm_connection_switches());
  }
}

void print_all_switches(std::ostream& out) {
  std::vector<std::string_view> done;
  const auto print = [&](std::span<const OptionRow> rows) {
    for (const OptionRow& row : rows) {
      if (std::find(done.begin(), done.end(), row.name) != done.end()) continue;
      done.push_back(row.name);
      print_switches(out, {&row, 1});
    }
  };
  for (const CommandRow& row : winrm_tool().commands) print(row.options);
  print(winrm_connection_switches());
}

void print_topic(std::ostream& out, const Topic& topic) {
  out << topic.summary << "\n\n" << topic.text;
  if (topic.name == "aliases") {
    for (const Alias& alias : aliases()) {
      std::string left(alias.name);
      left.resize(10, ' ');
      out << "  " << left << alias.uri << '\n';
    }
    out << "\nAn alias is the first part of a URI, in any case; it is expanded on the command line only.\n";
  }
  if (topic.name == "switches") print_all_switches(out);
}

std::optional<std::uint32_t> parse_code(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (!negative && (text.starts_with("0x") || text.starts_with("0X"))) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint32_t number = 0;
  const auto [at, failure] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (failure != std::errc() || at != text.data() + text.size() || text.empty()) return std::nullopt;
  if (negative && number > 0x80000000u) return std::nullopt;
  return negative ? 0u - number : number;
}

}  // namespace

std::vector<std::string_view> winrm_topics() {
  std::vector<std::string_view> names;
  for (const Topic& topic : kTopics) names.push_back(topic.name);
  return names;
}

int print_winrm_help(Console& console, const std::string& topic) {
  if (topic.empty()) {
    print_tool(console.out);
    return 0;
  }
  for (const Topic& row : kTopics) {
    if (!base::equal_ignoring_case(row.name, topic)) continue;
    print_topic(console.out, row);
    return 0;
  }
  if (const CommandRow* row = find_command(winrm_tool(), topic)) {
    print_operation(console.out, *row);
    return 0;
  }
  console.err << "Error: Unknown topic: " << topic << ".\n\nType \"winrm -?\" for help.\n";
  return exit_status(usage(""));
}

int print_message_of(Console& console, const std::string& code) {
  const auto number = parse_code(base::trimmed(code));
  if (!number) {
    console.err << "Error: This is no error code: " << code << ".\n\nType \"winrm -?\" for help.\n";
    return exit_status(usage(""));
  }
  console.out << text_of_code(*number) << '\n';
  return 0;
}

}  // namespace cli
