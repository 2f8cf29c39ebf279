// What an idle authenticated connection costs the collector in memory.
//
//   bench_idle [--connections 1000]

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "engine/http/client.h"
#include "engine/wsman/names.h"
#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace {

/// The collector takes no more than a thousand of one machine.
constexpr std::size_t kOfOneMachine = 500;

base::Task<bool> identify(http::Client& client) {
  http::Request request;
  request.head.fields.add("Content-Type", "application/soap+xml;charset=UTF-8");
  request.body = "<s:Envelope xmlns:s=\"" + std::string(wsman::ns::kSoap) + "\"><s:Header/><s:Body><i:Identify xmlns:i=\"" +
                 std::string(wsman::ns::kIdentity) + "\"/></s:Body></s:Envelope>";
  auto reply = co_await client.exchange(std::move(request), std::chrono::seconds(30));
  if (!reply.ok()) std::fprintf(stderr, "%s\n", reply.error().message().c_str());
  co_return reply.ok() && reply->status == 200;
}

}  // namespace

/// As many descriptors as this process, and so the collector that it starts, may have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char** argv) {
  std::size_t connections = 1000;
  CLI::App app("Measures the memory of idle connections.");
  app.add_option("--connections", connections, "Connections")->check(CLI::Range(1, 20000));
  CLI11_PARSE(app, argc, argv);
  raise_descriptor_limit();
  integration::Stack stack;
  stack.start_collector();
  const auto identity = [&stack](const std::string& name) {
    stack.issue(name);
    return http::TlsClientContext::load(
        {stack.pki() / (name + ".pem"), stack.pki() / (name + ".key"), stack.pki() / "ca.pem"});
  };
  auto url = http::Url::parse(stack.url());
  if (!url.ok()) return 1;
  std::shared_ptr<http::TlsClientContext> tls;
  test_support::Loop loop;
  std::vector<std::unique_ptr<http::Client>> clients;
  const std::size_t before = stack.collector().memory();
  for (std::size_t i = 0; i < connections; ++i) {
    if (i % kOfOneMachine == 0) {
      auto loaded = identity("source" + std::to_string(i / kOfOneMachine));
      if (!loaded.ok()) return 1;
      tls = std::move(*loaded);
    }
    http::ClientOptions options;
    options.tls = tls;
    clients.push_back(std::make_unique<http::Client>(*url, options));
    if (!test_support::run_on(loop.executor(), identify(*clients.back()))) return 1;
  }
  const std::size_t after = stack.collector().memory();
  std::printf("{\"bench\":\"idle\",\"connections\":%zu,\"memory_mb\":%.1f,\"kib_per_connection\":%.1f}\n", connections,
              static_cast<double>(after) / 1e6,
              static_cast<double>(after - before) / 1024 / static_cast<double>(connections));
  return 0;
}
