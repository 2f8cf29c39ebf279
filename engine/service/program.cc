#include "engine/service/program.h"

#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <thread>

#include "engine/auth/identities.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/http/tls.h"
#include "engine/service/remote_management.h"

namespace service {
namespace {

struct CommandLine {
  std::string config;
  std::string state;
  bool check = false;
};

std::filesystem::path policy_directory(const CommandLine& line) {
  return std::filesystem::path(line.config).parent_path() / "policy.d";
}

/// A collector that trusts another issuer would never let this forwarder in.
base::Result<void> check_issuers(const ForwarderSettings& forwarder, const http::TlsClientContext& tls) {
  const std::string& own = tls.issuer_thumbprint();
  for (const std::string& text : forwarder.subscription_managers) {
    const auto manager = parse_subscription_manager(text);
    if (!manager.ok() || manager->issuer_ca.empty() || own.empty()) continue;
    if (base::equal_ignoring_case(manager->issuer_ca, own)) continue;
    return base::make_error(std::errc::invalid_argument, "IssuerCA " + manager->issuer_ca + " of " + manager->url +
                                                             " is not the issuer of " + forwarder.tls.certificate.string() +
                                                             ", which is " + own);
  }
  return {};
}

/// A group may be one of Basic users' records, or come later, so another one is no error.
void warn_of_groups(const Settings& settings) {
  for (const auth::SidMembers& row : settings.access.sids) {
    for (const std::string& member : row.members) {
      if (!member.starts_with('@') || auth::is_known_group(member.substr(1))) continue;
      if (::getgrnam(member.c_str() + 1) != nullptr) continue;
      std::fprintf(stderr,
                   "warning: [access.sids]: this host has no group %s; it counts only for Basic users whose record has it\n",
                   member.c_str() + 1);
    }
  }
}

/// Loads what --check checks besides the settings themselves.
base::Result<void> check_files(const Settings& settings) {
  RETURN_IF_ERROR(check_listener_files(settings));
  const TlsSettings& client = settings.forwarder.tls;
  if (!client.certificate.empty()) {
    http::TlsClientOptions tls{client.certificate, client.private_key, client.ca};
    auto loaded = http::TlsClientContext::load(tls);
    if (!loaded.ok()) return std::move(loaded).error();
    return check_issuers(settings.forwarder, **loaded);
  }
  return {};
}

int fail(const ProgramDescription& program, const base::Error& error, int status) {
  std::fprintf(stderr, "%s: %s\n", program.name.c_str(), error.message().c_str());
  return status;
}

/// Runs until a signal ends it.
base::Task<void> run_until_signal(const ProgramDescription& program, const CommandLine& line, Host& host, Service& service,
                                  boost::asio::signal_set& signals, int& status) {
  auto outcome = co_await host.prepare();
  if (outcome.ok()) outcome = co_await service.prepare();
  if (outcome.ok()) outcome = host.start();
  if (outcome.ok()) outcome = service.start();
  if (!outcome.ok()) {
    status = fail(program, outcome.error(), 1);
  } else {
    ::sd_notify(0, "READY=1");
    for (;;) {
      boost::system::error_code error;
      const int number = co_await signals.async_wait(base::asio::redirect_error(base::asio::use_awaitable, error));
      if (error || number != SIGHUP) break;
      ::sd_notify(0, "RELOADING=1");
      auto settings = load_settings(line.config, policy_directory(line), program.program);
      auto reloaded = base::Result<void>();
      if (settings.ok()) {
        reloaded = co_await host.reload(std::move(*settings));
      } else {
        reloaded = settings.error();
      }
      if (!reloaded.ok()) base::log_error("the configuration was not read again: {}", reloaded.error().message());
      ::sd_notify(0, "READY=1");
    }
    ::sd_notify(0, "STOPPING=1");
  }
  co_await service.stop();
  co_await host.stop();
}

/// Every connection needs a descriptor: as many as the administrator lets us have, not as many as a shell begins with.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) base::log_warning("the limit of open files stays as it is");
}

int serve(const ProgramDescription& program, const CommandLine& line, Settings settings) {
  // A peer that goes away must not end the process.
  ::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow is a full disk to the stores, and no reason to end either.
  ::signal(SIGXFSZ, SIG_IGN);
  base::set_log_level(settings.log_level);
  raise_descriptor_limit();
  const std::size_t threads = std::max(2u, std::min(8u, std::thread::hardware_concurrency()));
  boost::asio::io_context context(static_cast<int>(threads));

  HostOptions options;
  options.program = program.name;
  options.control_name = program.control_name;
  options.state = line.state;
  options.computer = settings.forwarder.computer.empty() ? host_fqdn() : settings.forwarder.computer;
  options.max_log_size =
      program.program == Program::Collector ? settings.collector.max_log_size : settings.forwarder.max_log_size;
  options.settings = std::move(settings);
  auto host = Host::open(context, std::move(options));
  if (!host.ok()) return fail(program, host.error(), 1);
  std::unique_ptr<Service> service = program.make(**host);

  boost::asio::signal_set signals(context, SIGTERM, SIGINT, SIGHUP);
  int status = 0;
  bool finished = false;
  // On a strand: what races inside it (a wait against its limit) must not do so on two threads.
  base::asio::co_spawn(base::asio::make_strand(context), run_until_signal(program, line, **host, *service, signals, status),
                       [&finished](std::exception_ptr failure) {
                         if (failure) std::rethrow_exception(failure);
                         finished = true;
                       });
  std::vector<std::thread> workers;
  for (std::size_t i = 1; i < threads; ++i) workers.emplace_back([&context] { context.run(); });
  context.run();
  for (auto& worker : workers) worker.join();
  return finished ? status : 1;
}

}  // namespace

int run_program(const ProgramDescription& program, int argc, char** argv) {
  CommandLine line{program.default_config, program.default_state};
  CLI::App app(program.summary, program.name);
  app.add_option("--config", line.config, "Configuration file")->capture_default_str();
  app.add_option("--state", line.state, "State directory: stores, settings, control socket")->capture_default_str();
  app.add_flag("--check", line.check, "Check the configuration and exit");
  app.set_version_flag("--version", program.name + " " + MUSTER_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  auto settings = load_settings(line.config, policy_directory(line), program.program);
  if (!settings.ok()) return fail(program, settings.error(), 2);
  if (auto checked = check_files(*settings); !checked.ok()) return fail(program, checked.error(), 2);
  if (line.check) {
    warn_of_groups(*settings);
    std::printf("%s: the configuration is valid\n", line.config.c_str());
    return 0;
  }
  return serve(program, line, std::move(*settings));
}

}  // namespace service
