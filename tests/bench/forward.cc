// How many lines a second go from a syslog file to the collector's acknowledgement.
//
//   bench_forward [--lines 1000000]
//
// Starts a real collector and a real forwarder and prints one line of JSON: lines/s from the forwarder's start to the last
// acknowledged event, the forwarder's CPU time and peak memory.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <regex>
#include <thread>

#include "tests/integration/stack.h"

namespace {

std::size_t stored(const integration::Stack& stack) {
  const auto info = stack.tool("wevtutil", {"gli", "ForwardedEvents"});
  std::smatch match;
  return std::regex_search(info.out, match, std::regex("numberOfLogRecords: (\\d+)")) ? std::stoul(match[1]) : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t lines = 1'000'000;
  CLI::App app("Measures a forwarder from file to acknowledgement.");
  app.add_option("--lines", lines, "Lines of the file");
  CLI11_PARSE(app, argc, argv);

  integration::Stack stack;
  const auto file = stack.directory() / "syslog";
  std::size_t bytes = 0;
  {
    std::ofstream out(file);
    for (std::size_t i = 0; i < lines; ++i) {
      const std::string line = "May  1 10:15:30 host7 sshd[" + std::to_string(1000 + i % 5000) +
                               "]: Accepted publickey for user" + std::to_string(i % 97) + " from 192.0.2." +
                               std::to_string(i % 250) + " port " + std::to_string(1024 + i % 60000) +
                               " ssh2: RSA SHA256:" + std::to_string(i * 2654435761u) + "\n";
      bytes += line.size();
      out << line;
    }
  }
  stack.start_collector("[collector]\nmax_log_size = 1099511627776\n");
  integration::SubscriptionText subscription;
  subscription.max_latency_ms = 1000;
  subscription.heartbeat_ms = 60'000;
  stack.create_subscription(subscription);
  const auto begin = std::chrono::steady_clock::now();
  // The local log holds the whole file: what is measured is the way, not what a log that is too small overwrites.
  stack.start_forwarder("host7.lab.example", file.string(), {}, "max_log_size = 17179869184\n");
  auto& forwarder = stack.forwarder("host7.lab.example");
  std::size_t last = 0;
  auto progress = begin;
  for (std::size_t now = 0; (now = stored(stack)) < lines;) {
    if (now != last) progress = std::chrono::steady_clock::now();
    last = now;
    if (!forwarder.running() || std::chrono::steady_clock::now() - progress > std::chrono::seconds(60)) {
      std::fprintf(stderr, "bench_forward: stuck at %zu events\n%s\n", now, forwarder.error_output().c_str());
      return 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double count = static_cast<double>(lines);
  std::printf(
      "{\"bench\":\"forward\",\"lines\":%zu,\"lines_per_s\":%.0f,\"mb_per_s\":%.1f,\"forwarder_cpu_us_per_line\":%.2f,"
      "\"forwarder_peak_memory_mb\":%.0f,\"collector_cpu_us_per_line\":%.2f}\n",
      lines, count / took.count(), static_cast<double>(bytes) / took.count() / 1e6,
      static_cast<double>(forwarder.cpu_time().count()) / count, static_cast<double>(forwarder.peak_memory()) / 1e6,
      static_cast<double>(stack.collector().cpu_time().count()) / count);
  return 0;
}
