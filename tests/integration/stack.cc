#include "tests/integration/stack.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "engine/base/die.h"

namespace integration {

using test_support::CommandResult;
using test_support::run_command;

std::filesystem::path bin_directory() {
  return MUSTER_BIN_DIRECTORY;
}

namespace {

std::string muster() {
  return (bin_directory() / "muster").string();
}

void must(const CommandResult& result, const std::string& what) {
  if (result.status != 0) base::die(what + " failed: " + result.err + result.out);
}

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Stack::Stack(Placement placement) : placement_(std::move(placement)) {
  must(run_command({muster(), "pki", "init", pki().string(), "--name", "Test CA"}), "pki init");
  issue(placement_.collector_name);
  const CommandResult fingerprint =
      run_command({"openssl", "x509", "-in", (pki() / "ca.pem").string(), "-noout", "-fingerprint", "-sha1"});
  must(fingerprint, "openssl");
  for (const char c : fingerprint.out.substr(fingerprint.out.find('=') + 1)) {
    if (c != ':' && c != '\n') authority_ += c;
  }
}

void Stack::issue(const std::string& host) {
  must(run_command({muster(), "pki", "issue", pki().string(), host}), "pki issue " + host);
}

void Stack::start_collector(const std::string& extra) {
  const auto pem = [&](const std::string& name) { return "\"" + (pki() / name).string() + "\""; };
  directory_.write("collector.toml",
                   "[winrm]\nMaxEnvelopeSizekb = 500\n[winrm.service.auth]\nCertificate = true\n"
                   "[[winrm.listener]]\nAddress = \"IP:" +
                       placement_.collector_address + "\"\nTransport = \"HTTPS\"\nPort = " + std::to_string(port_) +
                       "\nCertificate = " + pem(placement_.collector_name + ".pem") + "\nPrivateKey = " +
                       pem(placement_.collector_name + ".key") + "\nClientCA = " + pem("ca.pem") + "\n" + extra);
  collector_ = std::make_unique<test_support::Process>(joined(
      placement_.before_collector, {(bin_directory() / "muster-collector").string(), "--config",
                                    (directory_ / "collector.toml").string(), "--state", collector_state().string()}));
  const auto ready = collector_->wait_for_line("ready on https://");
  ASSERT_TRUE(ready) << collector_->error_output();
  port_ = static_cast<unsigned>(std::stoul(ready->substr(ready->rfind(':') + 1)));
}

void Stack::start_forwarder(const std::string& name, const std::string& glob, const std::string& extra,
                            const std::string& keys) {
  if (!std::filesystem::exists(pki() / (name + ".pem"))) issue(name);
  const auto pem = [&](const std::string& file) { return "\"" + (pki() / file).string() + "\""; };
  directory_.write(name + ".toml",
                   "[forwarder]\n" + keys + "computer = \"" + name + "\"\nsubscription_managers = [\"Server=" + url() +
                       "/SubscriptionManager/WEC,Refresh=1\"]\n[forwarder.tls]\nCertificate = " + pem(name + ".pem") +
                       "\nPrivateKey = " + pem(name + ".key") + "\nCA = " + pem("ca.pem") +
                       "\n[[forwarder.source]]\ntype = \"file\"\npath = \"" + glob + "\"\nread_existing = true\n" + extra);
  forwarders_[name] = std::make_unique<test_support::Process>(
      joined(placement_.before_forwarder,
             {(bin_directory() / "muster-forwarder").string(), "--config", (directory_ / (name + ".toml")).string(),
              "--state", (directory_.path() / name).string()}));
}

CommandResult Stack::tool(const std::string& name, std::vector<std::string> arguments) const {
  return tool_at(collector_state(), name, std::move(arguments));
}

CommandResult Stack::tool_at(const std::filesystem::path& state, const std::string& name,
                             std::vector<std::string> arguments) const {
  std::vector<std::string> line{"env", "MUSTER_STATE=" + state.string(), muster(), name};
  for (auto& argument : arguments) line.push_back(std::move(argument));
  return run_command(line);
}

std::string Stack::subscription_xml(const SubscriptionText& subscription) const {
  std::string xml =
      "<Subscription xmlns=\"http://schemas.microsoft.com/2006/03/windows/events/subscription\"><SubscriptionId>" +
      subscription.id + "</SubscriptionId><SubscriptionType>SourceInitiated</SubscriptionType><Enabled>" +
      (subscription.enabled ? "true" : "false") + "</Enabled>" +
      "<Uri>http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog</Uri><ConfigurationMode>Custom</ConfigurationMode>"
      "<Delivery Mode=\"Push\"><Batching>";
  if (subscription.max_items != 0) xml += "<MaxItems>" + std::to_string(subscription.max_items) + "</MaxItems>";
  xml += "<MaxLatencyTime>" + std::to_string(subscription.max_latency_ms) +
         "</MaxLatencyTime></Batching><PushSettings><Heartbeat Interval=\"" + std::to_string(subscription.heartbeat_ms) +
         "\"/></PushSettings></Delivery><Query><![CDATA[" + subscription.query + "]]></Query><ReadExistingEvents>" +
         (subscription.read_existing ? "true" : "false") +
         "</ReadExistingEvents><TransportName>https</TransportName><ContentFormat>" + subscription.content_format +
         "</ContentFormat><LogFile>" + subscription.log_file + "</LogFile>" +
         "<AllowedSourceNonDomainComputers><AllowedIssuerCAList><IssuerCA>" + authority_ +
         "</IssuerCA></AllowedIssuerCAList><AllowedSubjectList><Subject>" + subscription.allowed_subject +
         "</Subject></AllowedSubjectList>";
  if (!subscription.denied_subject.empty()) {
    xml += "<DeniedSubjectList><Subject>" + subscription.denied_subject + "</Subject></DeniedSubjectList>";
  }
  return xml + "</AllowedSourceNonDomainComputers></Subscription>";
}

void Stack::create_subscription(const SubscriptionText& subscription) {
  const auto file = directory_.write(subscription.id + ".xml", subscription_xml(subscription));
  const CommandResult created = tool("wecutil", {"cs", file.string()});
  ASSERT_EQ(created.status, 0) << created.err;
}

Stack::Reply Stack::post(const std::string& host, const std::string& path, const std::string& body,
                         std::vector<std::string> headers) const {
  test_support::TemporaryDirectory files;
  const auto in = files.write("request", body);
  std::vector<std::string> line{"curl",
                                "--silent",
                                "--show-error",
                                "--max-time",
                                "30",
                                "--cacert",
                                (pki() / "ca.pem").string(),
                                "--data-binary",
                                "@" + in.string(),
                                "--output",
                                (files / "body").string(),
                                "--dump-header",
                                (files / "head").string(),
                                "--write-out",
                                "%{http_code}",
                                "-H",
                                "Expect:"};
  if (!host.empty()) {
    for (const std::string part : {"--cert", "--key"}) {
      line.push_back(part);
      line.push_back((pki() / (host + (part == "--cert" ? ".pem" : ".key"))).string());
    }
  }
  bool typed = false;
  for (auto& header : headers) {
    typed = typed || header.starts_with("Content-Type:");
    line.push_back("-H");
    line.push_back(std::move(header));
  }
  if (!typed) {
    line.push_back("-H");
    line.push_back("Content-Type: application/soap+xml;charset=UTF-16");
  }
  line.push_back("https://localhost:" + std::to_string(port_) + path);
  const CommandResult result = run_command(line);
  Reply reply;
  reply.status = result.out.empty() ? 0 : std::stoi(result.out);
  reply.error = result.err;
  reply.headers = slurp(files / "head");
  reply.body = slurp(files / "body");
  return reply;
}

std::vector<std::string> Stack::messages(const std::string& log, const std::string& query) const {
  const CommandResult result = tool("wevtutil", {"qe", log, "/q:" + query});
  EXPECT_EQ(result.status, 0) << result.err;
  std::vector<std::string> found;
  static const std::regex pattern("<Data Name='MESSAGE'>([^<]*)</Data>");
  for (std::sregex_iterator at(result.out.begin(), result.out.end(), pattern), end; at != end; ++at)
    found.push_back((*at)[1]);
  return found;
}

}  // namespace integration
