// A fleet of simulated Windows sources against a real collector: for load, soak and what idle machines cost.
//
//   bench_fleet --events FILE.gz [--sources 100] [--subscriptions 2] [--rate 300] [--seconds 30] [--burst 1000
//   --burst-seconds 5]
//               [--restart-after 10] [--latency-ms 2000] [--heartbeat-ms 60000] [--sldc] [--utf8]
//               [--progress SECONDS] [--resend SHARE] [--reconnect SHARE] [--cut SHARE] [--garbage SHARE]
//
// --rate is of all machines together, events a second. Every machine has its own certificate, record ids and connections,
// and delivers until everything is acknowledged. In the end each machine's count of acknowledged events is compared with
// what the collector's store holds of it; a difference is the exit status 1. Prints one line of JSON.

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <regex>
#include <thread>
#include <unordered_map>

#include "tests/bench/corpus.h"
#include "tests/bench/fleet_source.h"
#include "tests/integration/stack.h"
#include "tests/support/run.h"
#include "tests/support/test_pki.h"

namespace {

using Seconds = std::chrono::duration<double>;
using std::chrono::milliseconds;

struct Options {
  std::string events;
  std::size_t sources = 100;
  std::size_t subscriptions = 2;
  double rate = 300;
  double seconds = 30;
  double burst = 0;
  double burst_seconds = 0;
  double restart_after = 0;
  unsigned latency_ms = 2000;
  unsigned heartbeat_ms = 60'000;
  double refresh_seconds = 60;
  double progress = 0;
  bool sldc = false;
  bool utf8 = false;
  bench::FleetFaults faults;
};

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "bench_fleet: %s\n", text.c_str());
  std::exit(1);
}

std::string channel(std::size_t number) {
  static const char* const kKnown[] = {"System", "Application", "Security", "Setup"};
  return number < std::size(kKnown) ? kKnown[number] : "Channel-" + std::to_string(number) + "/Operational";
}

/// As many descriptors as this process may have: a fleet needs one for each connection.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Adds the fleet's own authority to those that the collector trusts.
void trust(const integration::Stack& stack, const test_support::TestAuthority& authority) {
  std::ifstream in(authority.certificate(), std::ios::binary);
  std::ofstream out(stack.pki() / "ca.pem", std::ios::binary | std::ios::app);
  out << in.rdbuf();
}

void subscribe(integration::Stack& stack, const std::string& authority, const Options& options) {
  for (std::size_t i = 0; i < options.subscriptions; ++i) {
    integration::SubscriptionText text;
    text.id = "fleet" + std::to_string(i);
    text.query = "<QueryList><Query Id='0'><Select Path='" + channel(i) + "'>*</Select></Query></QueryList>";
    text.max_latency_ms = options.latency_ms;
    text.heartbeat_ms = options.heartbeat_ms;
    std::string xml = stack.subscription_xml(text);
    const auto at = xml.find(stack.authority());
    if (at == std::string::npos) fail("the subscription names no authority");
    xml.replace(at, stack.authority().size(), authority);
    const auto made = stack.tool("wecutil", {"cs", stack.write(text.id + ".xml", xml).string()});
    if (made.status != 0) fail(made.err);
  }
}

/// Events in the store by machine.
std::unordered_map<std::string, std::uint64_t> stored(const integration::Stack& stack) {
  const auto counted = stack.tool("wevtutil", {"stats", "ForwardedEvents", "--by", "machine", "--json"});
  if (counted.status != 0) fail(counted.err);
  std::unordered_map<std::string, std::uint64_t> counts;
  static const std::regex kLine("\"Machine\":\"([^\"]*)\",\"Events\":([0-9]+)");
  for (std::sregex_iterator at(counted.out.begin(), counted.out.end(), kLine), end; at != end; ++at) {
    counts[(*at)[1]] = std::stoull((*at)[2]);
  }
  return counts;
}

/// What the collector believes to have lost of a fleet that loses nothing.
std::uint64_t believed_lost(const integration::Stack& stack) {
  const auto status = stack.tool("wevtutil", {"gli", "ForwardedEvents", "--json"});
  std::smatch match;
  if (status.status != 0 || !std::regex_search(status.out, match, std::regex("\"lostRecords\":([0-9]+)"))) fail(status.err);
  return std::stoull(match[1]);
}

/// Runs the fleet on a thread of its own while it lives.
class Fleet {
 public:
  Fleet(bench::FleetPlan& plan, bench::FleetTally& tally) : plan_(plan), tally_(tally) {
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Fleet() {
    test_support::run_on(context_.get_executor(), tasks_.stop());
    work_.reset();
    thread_.join();
  }

  void add(bench::FleetSourceOptions options) {
    sources_.push_back(std::make_unique<bench::FleetSource>(std::move(options), plan_, tally_, sources_.size() + 1));
  }
  void start() {
    for (const auto& source : sources_) source->start(tasks_);
  }
  /// How many machines have been acknowledged something since `when`.
  std::size_t heard_since(base::SteadyTime when) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sources_, [when](const auto& source) { return source->last_contact() >= when; }));
  }
  bool at_rest() const { return tasks_.size() == 0; }
  const std::vector<std::unique_ptr<bench::FleetSource>>& sources() const { return sources_; }

 private:
  bench::FleetPlan& plan_;
  bench::FleetTally& tally_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ = boost::asio::make_work_guard(context_);
  std::vector<std::unique_ptr<bench::FleetSource>> sources_;
  base::TaskGroup tasks_{context_.get_executor()};
  std::thread thread_;
};

void wait(double seconds) {
  std::this_thread::sleep_for(Seconds(seconds));
}

double seconds_since(base::SteadyTime begin) {
  return Seconds(base::system_clock().steady() - begin).count();
}

/// Waits until each machine has been heard since `begin`; how long that took, or -1.
double wait_for_all(const Fleet& fleet, base::SteadyTime begin, milliseconds limit) {
  const bool all = test_support::eventually([&] { return fleet.heard_since(begin) == fleet.sources().size(); }, limit);
  return all ? seconds_since(begin) : -1;
}

/// What one phase of steady load came to.
struct Phase {
  double rate = 0;
  double p50 = 0;
  double p99 = 0;
  double cpu = 0;  ///< of the collector, share of a core
};

/// Waits, and tells each `every` seconds (0: never) how it goes.
void wait_and_tell(integration::Stack& stack, const bench::FleetTally& tally, double seconds, double every) {
  const auto begin = base::system_clock().steady();
  for (double left = seconds; left > 0; left = seconds - seconds_since(begin)) {
    wait(every > 0 ? std::min(left, every) : left);
    if (every <= 0) continue;
    std::fprintf(stderr, "fleet: %.0f s: %llu events, %llu failures, Ack p99 %.1f ms, collector %.0f MB\n",
                 seconds_since(begin), static_cast<unsigned long long>(tally.events()),
                 static_cast<unsigned long long>(tally.failures()), tally.quantile(0.99),
                 static_cast<double>(stack.collector().memory()) / 1e6);
  }
}

Phase measure(integration::Stack& stack, bench::FleetTally& tally, double seconds, double progress) {
  tally.reset_times();
  const auto events = tally.events();
  const auto cpu = stack.collector().cpu_time();
  const auto begin = base::system_clock().steady();
  wait_and_tell(stack, tally, seconds, progress);
  const double took = seconds_since(begin);
  Phase phase;
  phase.rate = static_cast<double>(tally.events() - events) / took;
  phase.p50 = tally.quantile(0.5);
  phase.p99 = tally.quantile(0.99);
  phase.cpu = Seconds(stack.collector().cpu_time() - cpu).count() / took;
  return phase;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Plays a fleet of Windows sources against a collector.");
  app.add_option("--events", options.events, "Event XML, one a line, .gz or plain")->required();
  app.add_option("--sources", options.sources, "Machines")->check(CLI::Range(1, 20'000));
  app.add_option("--subscriptions", options.subscriptions, "Subscriptions, a channel each")->check(CLI::Range(1, 100));
  app.add_option("--rate", options.rate, "Events a second of all machines together")->check(CLI::NonNegativeNumber);
  app.add_option("--seconds", options.seconds, "Of steady load")->check(CLI::PositiveNumber);
  app.add_option("--burst", options.burst, "Events a second of the burst after it")->check(CLI::NonNegativeNumber);
  app.add_option("--burst-seconds", options.burst_seconds, "Of the burst")->check(CLI::NonNegativeNumber);
  app.add_option("--restart-after", options.restart_after, "Restart the collector under load after so many seconds more");
  app.add_option("--latency-ms", options.latency_ms, "MaxLatencyTime of the subscriptions");
  app.add_option("--heartbeat-ms", options.heartbeat_ms, "Heartbeat interval of the subscriptions");
  app.add_option("--refresh-seconds", options.refresh_seconds, "Between two Enumerates of a machine");
  app.add_option("--progress", options.progress, "Tell how it goes each so many seconds")->check(CLI::NonNegativeNumber);
  app.add_flag("--sldc", options.sldc, "Compress deliveries");
  app.add_flag("--utf8", options.utf8, "Deliver in UTF-8 instead of UTF-16");
  const auto share = [&](const char* name, double& value, const char* text) {
    app.add_option(name, value, text)->check(CLI::Range(0.0, 1.0));
  };
  share("--resend", options.faults.resend, "Share of the deliveries whose Ack is taken for lost");
  share("--reconnect", options.faults.reconnect, "Share after which the connection is closed");
  share("--cut", options.faults.cut, "Share that is cut off before the Ack, and sent again");
  share("--garbage", options.faults.garbage, "Share before which garbage is sent");
  CLI11_PARSE(app, argc, argv);
  raise_descriptor_limit();

  bench::FleetPlan plan;
  for (std::size_t i = 0; i < options.subscriptions; ++i) plan.channels.push_back(channel(i));
  for (std::string& line : bench::read_events(options.events)) {
    if (line.size() <= 2500 && line.find("<Channel>") != std::string::npos) plan.samples.push_back(std::move(line));
  }
  if (plan.samples.empty()) fail("no usable events");
  plan.refresh = std::chrono::duration_cast<milliseconds>(Seconds(options.refresh_seconds));
  plan.notice = milliseconds(std::clamp<unsigned>(options.latency_ms, 500, 5000));
  plan.utf8 = options.utf8;
  plan.sldc = options.sldc;
  plan.faults = options.faults;

  integration::Stack stack;
  const test_support::TestAuthority authority(stack.directory(), "Fleet");
  trust(stack, authority);
  stack.start_collector(options.sldc ? "[collector]\ncompression = true\n" : "");
  subscribe(stack, authority.thumbprint(), options);

  bench::FleetTally tally;
  Fleet fleet(plan, tally);
  for (std::size_t i = 0; i < options.sources; ++i) {
    test_support::CertificateRequest request;
    request.common_name = "source" + std::to_string(i) + ".fleet.example";
    request.dns_names = {request.common_name};
    request.usage = test_support::CertificateRequest::Usage::Client;
    const auto identity = authority.issue(request);
    auto tls = http::TlsClientContext::load({identity.certificate, identity.private_key, stack.pki() / "ca.pem"});
    if (!tls.ok()) fail(tls.error().message());
    fleet.add({request.common_name, stack.url(), *tls});
  }
  const auto memory_before = stack.collector().memory();
  const auto enrol_begin = base::system_clock().steady();
  fleet.start();
  const double enrolled = wait_for_all(fleet, enrol_begin, std::chrono::minutes(20));
  if (enrolled < 0) fail("not all machines were enrolled and heard");
  const auto memory_idle = stack.collector().memory();

  const auto machines = static_cast<double>(options.sources);
  plan.rate = options.rate / machines;
  wait(std::min(options.latency_ms / 1000.0, 30.0));
  const Phase steady = measure(stack, tally, options.seconds, options.progress);
  Phase burst;
  if (options.burst > 0 && options.burst_seconds > 0) {
    plan.rate = options.burst / machines;
    burst = measure(stack, tally, options.burst_seconds, options.progress);
    plan.rate = options.rate / machines;
  }
  double recovered = 0;
  const auto peak = stack.collector().peak_memory();
  if (options.restart_after > 0) {
    wait(options.restart_after);
    stack.collector().terminate();
    stack.start_collector(options.sldc ? "[collector]\ncompression = true\n" : "");
    recovered = wait_for_all(fleet, base::system_clock().steady(), std::chrono::minutes(10));
  }
  plan.producing = false;
  const bool done = test_support::eventually([&] { return fleet.at_rest(); }, std::chrono::minutes(10));
  if (!done) std::fprintf(stderr, "bench_fleet: the fleet did not come to rest\n");

  const auto counts = stored(stack);
  const std::uint64_t false_alarms = believed_lost(stack);
  std::uint64_t acknowledged = 0;
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
  for (const auto& source : fleet.sources()) {
    const auto found = counts.find(source->name());
    const std::uint64_t held = found == counts.end() ? 0 : found->second;
    const std::uint64_t owed = source->acknowledged();
    acknowledged += owed;
    missing += owed > held ? owed - held : 0;
    extra += held > owed ? held - owed : 0;
  }
  const auto each = [&](std::size_t bytes) {
    return static_cast<double>(bytes) / (machines * static_cast<double>(options.subscriptions));
  };
  std::printf(
      "{\"bench\":\"fleet\",\"sources\":%zu,\"subscriptions\":%zu,\"enrol_seconds\":%.1f,\"events\":%llu,\"missing\":%llu,"
      "\"extra\":%llu,\"false_alarms\":%llu,\"deliveries\":%llu,\"heartbeats\":%llu,\"enumerations\":%llu,\"failures\":%llu,"
      "\"steady\":{\"events_per_s\":%.0f,\"ack_p50_ms\":%.1f,\"ack_p99_ms\":%.1f,\"collector_cores\":%.2f},"
      "\"burst\":{\"events_per_s\":%.0f,\"ack_p50_ms\":%.1f,\"ack_p99_ms\":%.1f,\"collector_cores\":%.2f},"
      "\"restart_seconds\":%.1f,\"memory_idle_mb\":%.0f,\"kib_per_source_and_subscription\":%.1f,\"memory_peak_mb\":%.0f}\n",
      options.sources, options.subscriptions, enrolled, static_cast<unsigned long long>(acknowledged),
      static_cast<unsigned long long>(missing), static_cast<unsigned long long>(extra),
      static_cast<unsigned long long>(false_alarms), static_cast<unsigned long long>(tally.deliveries()),
      static_cast<unsigned long long>(tally.heartbeats.load()), static_cast<unsigned long long>(tally.enumerations.load()),
      static_cast<unsigned long long>(tally.failures()), steady.rate, steady.p50, steady.p99, steady.cpu, burst.rate,
      burst.p50, burst.p99, burst.cpu, recovered, static_cast<double>(memory_idle) / 1e6,
      each(memory_idle - std::min(memory_idle, memory_before)) / 1024, static_cast<double>(peak) / 1e6);
  return done && missing == 0 && extra == 0 && false_alarms == 0 ? 0 : 1;
}
