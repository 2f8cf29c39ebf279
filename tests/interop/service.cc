#include "tests/interop/service.h"

#include <pwd.h>
#include <unistd.h>

#include <regex>

#include "engine/base/die.h"

namespace interop {
namespace {

using test_support::CommandResult;
using test_support::run_command;

std::string program_path(const std::string& name) {
  return std::string(MUSTER_BIN_DIRECTORY) + "/" + name;
}

CommandResult must(CommandResult result, const std::string& what) {
  if (result.status != 0) base::die(what + " failed: " + result.err + result.out);
  return result;
}

unsigned port_of(const test_support::Process& process, const std::string& line) {
  const auto ready = const_cast<test_support::Process&>(process).wait_for_line(line);
  if (!ready) base::die("no " + line + ": " + process.error_output());
  return static_cast<unsigned>(std::stoul(ready->substr(ready->rfind(':') + 1)));
}

}  // namespace

Service::Service(const std::string& program) {
  const std::string muster = program_path("muster");
  must(run_command({muster, "pki", "init", pki().string()}), "pki init");
  for (const char* host : {"localhost", "host7.lab.example"}) {
    must(run_command({muster, "pki", "issue", pki().string(), host}), "pki issue");
  }
  const auto pem = [&](const char* name) { return "\"" + (pki() / name).string() + "\"\n"; };
  const auto file =
      directory_.write("service.toml",
                       "[winrm]\nMaxEnvelopeSizekb = 500\n[winrm.service.auth]\nBasic = true\nCertificate = true\n"
                       "[[winrm.listener]]\nAddress = \"IP:127.0.0.1\"\nTransport = \"HTTPS\"\nPort = 0\n"
                       "Certificate = " +
                           pem("localhost.pem") + "PrivateKey = " + pem("localhost.key") + "ClientCA = " + pem("ca.pem") +
                           "[[winrm.listener]]\nAddress = \"IP:127.0.0.1\"\nTransport = \"HTTP\"\nPort = 0\n");
  process_ = std::make_unique<test_support::Process>(std::vector<std::string>{
      program_path(program), "--config", file.string(), "--state", (directory_.path() / "state").string()});
  https_port_ = port_of(*process_, "ready on https://");
  http_port_ = port_of(*process_, "ready on http://");

  must(tool({"user", "add", "alice", "--group", "Administrators"}, std::string(kPassword) + "\n"), "user add alice");
  must(tool({"user", "add", "bob"}, "word\n"), "user add bob");
  const CommandResult shown = must(run_command({muster, "pki", "show", authority().string()}), "pki show");
  std::smatch thumbprint;
  if (!std::regex_search(shown.out, thumbprint, std::regex("Thumbprint: ([0-9A-F]{40})"))) base::die(shown.out);
  // Whom the control socket takes for an administrator: the service's own user.
  const passwd* self = ::getpwuid(::geteuid());
  must(tool({"winrm", "create",
             "winrm/config/service/certmapping?Issuer=" + thumbprint[1].str() + "+Subject=host7.lab.example+URI=*",
             "@{UserName=\"" + std::string(self != nullptr ? self->pw_name : "root") + "\"}"}),
       "create a mapping");
}

CommandResult Service::tool(std::vector<std::string> words, const std::string& input) const {
  words.insert(words.begin(), {"env", "MUSTER_STATE=" + (directory_.path() / "state").string(), program_path("muster")});
  return run_command(words, input);
}

CommandResult Service::stranger(std::vector<std::string> words, const std::string& input) {
  words.insert(words.begin(), {"env", "MUSTER_STATE=/nonexistent", program_path("muster")});
  return run_command(words, input);
}

void Service::set(const std::string& resource, const std::string& values) const {
  must(tool({"winrm", "set", resource, values}), "winrm set " + resource);
}

}  // namespace interop
