#include "cli/pki.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "cli/arguments.h"
#include "cli/certificates.h"
#include "cli/json.h"
#include "engine/base/clock.h"
#include "engine/base/file_system.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

constexpr std::array kInitOptions{
    OptionRow{"", "name", ValueKind::Text, "CN", "The authority's name. Default: \"Muster CA\" and the day."},
};
constexpr std::array kIssueOptions{
    OptionRow{"", "san", ValueKind::Text, "NAME", "A further DNS name or IP address of the host; may be repeated.", 0, 0,
              true},
};
constexpr std::array kShowOptions{
    OptionRow{"", "json", ValueKind::Flag, "", "Print one JSON object."},
};
constexpr std::array kCommands{
    CommandRow{"init", "", "DIR", 1, 1, kInitOptions, "Makes an authority: DIR/ca.pem and its private key DIR/ca.key.",
               false},
    CommandRow{"issue", "", "DIR HOST", 2, 2, kIssueOptions,
               "Issues a certificate of the authority in DIR for the machine HOST: DIR/HOST.pem and DIR/HOST.key.", false},
    CommandRow{"show", "", "FILE", 1, 1, kShowOptions, "Shows what a certificate says, and its issuer's thumbprint.", false},
};
constexpr ToolRow kTool{"muster pki", "Makes and shows certificates.", kCommands};

base::Result<void> require_absent(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) return {};
  return base::make_error(base::Win32::FileExists, path.string() + " is there already, and is not overwritten.");
}

/// Both files or none.
base::Result<void> write_pair(const KeyPair& pair, const std::filesystem::path& certificate,
                              const std::filesystem::path& key) {
  RETURN_IF_ERROR(require_absent(certificate));
  RETURN_IF_ERROR(require_absent(key));
  RETURN_IF_ERROR(base::create_file(key, pair.key, 0600));
  auto written = base::create_file(certificate, pair.certificate, 0644);
  if (!written.ok()) ::unlink(key.c_str());
  return written;
}

void print_thumbprint(Console& console, const CertificateDescription& description) {
  console.out << "Valid until: " << base::format_utc(description.not_after, 0) << '\n';
  console.out << "Thumbprint: " << description.thumbprint << '\n';
}

base::Result<void> init(Console& console, const Arguments& arguments) {
  const std::filesystem::path directory = arguments.positional[0];
  const base::WallTime now = base::system_clock().wall();
  const std::string name = arguments.value_or("name", "Muster CA " + base::format_utc(now, 0).substr(0, 10));
  RETURN_IF_ERROR(require_absent(directory / "ca.pem"));
  RETURN_IF_ERROR(require_absent(directory / "ca.key"));
  ASSIGN_OR_RETURN(const KeyPair pair, make_authority(name, now));
  RETURN_IF_ERROR(base::make_directories(directory, 0700));
  RETURN_IF_ERROR(write_pair(pair, directory / "ca.pem", directory / "ca.key"));
  ASSIGN_OR_RETURN(const CertificateDescription made, describe_certificate(pair.certificate, {}));
  console.out << "Made " << (directory / "ca.pem").string() << " and " << (directory / "ca.key").string() << ".\n"
              << "Subject: " << made.subject << '\n';
  print_thumbprint(console, made);
  return {};
}

base::Result<void> issue(Console& console, const Arguments& arguments) {
  const std::filesystem::path directory = arguments.positional[0];
  const std::string& host = arguments.positional[1];
  // The host's name becomes the name of files, and a wildcard is no host.
  if (host.starts_with('*') || (!is_dns_name(host) && !is_ip_address(host))) {
    return usage("\"" + host + "\" is neither a host name nor an IP address.");
  }
  std::vector<std::string> names{host};
  for (const std::string& name : arguments.all("san")) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  const std::filesystem::path certificate = directory / (host + ".pem");
  const std::filesystem::path key = directory / (host + ".key");
  RETURN_IF_ERROR(require_absent(certificate));
  RETURN_IF_ERROR(require_absent(key));
  KeyPair authority;
  ASSIGN_OR_RETURN(authority.certificate, base::read_file(directory / "ca.pem", kMaxFileBytes));
  ASSIGN_OR_RETURN(authority.key, base::read_file(directory / "ca.key", kMaxFileBytes));
  auto pair = issue_certificate(authority, names, base::system_clock().wall());
  if (!pair.ok())
    return base::with_context(std::move(pair).error(), "Cannot issue with the authority in " + directory.string());
  RETURN_IF_ERROR(write_pair(*pair, certificate, key));
  ASSIGN_OR_RETURN(const CertificateDescription made, describe_certificate(pair->certificate, authority.certificate));
  console.out << "Made " << certificate.string() << " and " << key.string() << ".\n";
  print_thumbprint(console, made);
  console.out << "Issuer thumbprint: " << made.issuer_thumbprint << '\n';
  return {};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string use_of(const CertificateDescription& description) {
  std::vector<std::string> uses;
  if (description.authority) uses.push_back("authority");
  if (!description.authority && description.server_use) uses.push_back("server");
  if (!description.authority && description.client_use) uses.push_back("client");
  return joined(uses);
}

void print_json(Console& console, const CertificateDescription& description) {
  JsonArray names;
  for (const std::string& name : description.names) names.text(name);
  JsonObject object;
  object.text("Subject", description.subject).raw("Names", names.take()).text("Issuer", description.issuer);
  object.text("SerialNumber", description.serial).text("Use", use_of(description));
  object.text("NotBefore", base::format_utc(description.not_before, 0));
  object.text("NotAfter", base::format_utc(description.not_after, 0));
  object.text("Thumbprint", description.thumbprint).text("IssuerThumbprint", description.issuer_thumbprint);
  object.text("AuthorityKeyId", description.authority_key_id);
  console.out << object.take() << '\n';
}

base::Result<void> show(Console& console, const Arguments& arguments) {
  const std::filesystem::path file = arguments.positional[0];
  if (std::error_code failure; std::filesystem::is_directory(file, failure)) {
    return base::make_error(base::Win32::InvalidData, file.string() +
                                                          " is a directory. Name one of the certificates in it: " +
                                                          (file / "ca.pem").string() + ", for instance.");
  }
  ASSIGN_OR_RETURN(const std::string text, base::read_file(file, kMaxFileBytes));
  const auto authorities = base::read_file(file.parent_path() / "ca.pem", kMaxFileBytes);
  auto described = describe_certificate(text, authorities.value_or(std::string()));
  if (!described.ok()) return base::with_context(std::move(described).error(), file.string());
  const CertificateDescription& description = *described;
  if (arguments.flag("json")) {
    print_json(console, description);
    return {};
  }
  console.out << "Subject: " << description.subject << '\n'
              << "Names: " << joined(description.names) << '\n'
              << "Issuer: " << description.issuer << '\n'
              << "Serial number: " << description.serial << '\n'
              << "Use: " << use_of(description) << '\n'
              << "Valid from: " << base::format_utc(description.not_before, 0) << '\n';
  print_thumbprint(console, description);
  if (!description.issuer_thumbprint.empty()) {
    console.out << "Issuer thumbprint: " << description.issuer_thumbprint << '\n';
  } else {
    console.out << "Issuer thumbprint: not known, the issuer's certificate is not beside it in ca.pem\n"
                << "Authority key identifier: " << description.authority_key_id << '\n';
  }
  return {};
}

}  // namespace

int run_pki(Console& console, std::vector<std::string> words) {
  auto parsed = parse_command(console, kTool, words);
  if (!parsed.command) return parsed.status;
  base::Result<void> outcome;
  if (parsed.command->name == "init") outcome = init(console, parsed.arguments);
  if (parsed.command->name == "issue") outcome = issue(console, parsed.arguments);
  if (parsed.command->name == "show") outcome = show(console, parsed.arguments);
  return outcome.ok() ? 0 : print_error(console, outcome.error());
}

}  // namespace cli
