// How fast the event store takes batches, beside a bare loop of inserts into one table with a time index.
//
//   zcat events.xmlines.gz | store_append [events [batch [senders]]]
//
// Standard input: one event a line. They are repeated with fresh record ids, times and computers. One line of JSON comes
// out.

#include <sqlite3.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <filesystem>
#include <future>
#include <iostream>
#include <string>
#include <vector>

#include "storage/event_store.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace {

using Seconds = std::chrono::duration<double>;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Load {
  std::vector<events::Event> samples;
  std::size_t events = 200'000;
  std::size_t batch = 100;
  std::size_t senders = 8;
};

events::Event nth(const Load& load, std::size_t n, std::size_t sender) {
  events::Event event = load.samples[n % load.samples.size()];
  event.system.record_id = n + 1;
  event.system.time = base::WallTime(std::chrono::milliseconds(1'714'557'600'000 + n));
  event.system.computer = "host" + std::to_string(sender) + ".lab.example";
  return event;
}

base::Task<std::size_t> send(storage::EventStore& store, const Load& load, std::size_t sender) {
  std::size_t stored = 0;
  const std::size_t share = load.events / load.senders;
  for (std::size_t done = 0; done < share; done += load.batch) {
    storage::DeliveredBatch batch;
    batch.log = "ForwardedEvents";
    batch.subscription = "bench";
    batch.machine = "host" + std::to_string(sender);
    batch.address = "192.0.2.1";
    batch.bookmark = std::to_string(done);
    for (std::size_t i = done; i < std::min(share, done + load.batch); ++i) batch.events.push_back(nth(load, i, sender));
    auto result = co_await store.append(std::move(batch));
    if (!result.ok()) {
      std::cerr << result.error().message() << "\n";
      break;
    }
    stored += result->stored;
  }
  co_return stored;
}

void check(int code, sqlite3* connection) {
  if (code == SQLITE_OK || code == SQLITE_DONE) return;
  std::cerr << sqlite3_errmsg(connection) << "\n";
  std::exit(1);
}

double baseline(const std::filesystem::path& file, const Load& load) {
  sqlite3* connection = nullptr;
  check(sqlite3_open(file.c_str(), &connection), connection);
  const char* schema =
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE events (id INTEGER PRIMARY KEY, time INTEGER, computer TEXT, channel TEXT, event_id INTEGER, xml TEXT);"
      "CREATE INDEX events_time ON events (time)";
  check(sqlite3_exec(connection, schema, nullptr, nullptr, nullptr), connection);
  sqlite3_stmt* insert = nullptr;
  const char* sql = "INSERT INTO events (time, computer, channel, event_id, xml) VALUES (?, ?, ?, ?, ?)";
  check(sqlite3_prepare_v2(connection, sql, -1, &insert, nullptr), connection);
  const auto begin = std::chrono::steady_clock::now();
  const auto text = [&](int place, const std::string& value) {
    sqlite3_bind_text(insert, place, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  };
  for (std::size_t n = 0; n < load.events;) {
    check(sqlite3_exec(connection, "BEGIN", nullptr, nullptr, nullptr), connection);
    for (std::size_t i = 0; i < load.batch && n < load.events; ++i, ++n) {
      const auto event = nth(load, n, 0);
      sqlite3_bind_int64(insert, 1, event.system.time.time_since_epoch().count());
      text(2, event.system.computer);
      text(3, event.system.channel);
      sqlite3_bind_int64(insert, 4, event.system.event_id);
      text(5, event.xml);
      check(sqlite3_step(insert), connection);
      sqlite3_reset(insert);
    }
    check(sqlite3_exec(connection, "COMMIT", nullptr, nullptr, nullptr), connection);
  }
  const Seconds took = std::chrono::steady_clock::now() - begin;
  sqlite3_finalize(insert);
  sqlite3_close(connection);
  return took.count();
}

}  // namespace

int main(int count, char** arguments) {
  Load load;
  if (count > 1) load.events = std::stoul(arguments[1]);
  if (count > 2) load.batch = std::stoul(arguments[2]);
  if (count > 3) load.senders = std::stoul(arguments[3]);
  for (std::string line; std::getline(std::cin, line);) load.samples.push_back(events::Event::from_wire(line));
  if (load.samples.empty() || load.batch == 0 || load.senders == 0) {
    std::cerr << "usage: store_append [events [batch [senders]]] < events\n";
    return 2;
  }

  const test_support::TemporaryDirectory directory;
  test_support::Loop loop;
  auto store = storage::EventStore::open(directory.path(), {});
  if (!store.ok()) {
    std::cerr << store.error().message() << "\n";
    return 1;
  }
  const double cpu = cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::future<std::size_t>> answers;
  for (std::size_t sender = 0; sender < load.senders; ++sender) {
    answers.push_back(boost::asio::co_spawn(loop.executor(), send(**store, load, sender), boost::asio::use_future));
  }
  std::size_t stored = 0;
  for (auto& answer : answers) stored += answer.get();
  const Seconds took = std::chrono::steady_clock::now() - begin;
  const double cpu_used = cpu_seconds() - cpu;
  test_support::run_on(loop.executor(), (*store)->stop());

  const double base_seconds = baseline(directory / "baseline.db", load);
  const auto per_event = [](double value, std::size_t events) { return value / static_cast<double>(events); };
  const auto size = [&](const char* name) { return static_cast<double>(std::filesystem::file_size(directory / name)); };
  std::cout << "{\"events_per_s\":" << static_cast<std::uint64_t>(static_cast<double>(stored) / took.count())
            << ",\"cpu_us_per_event\":" << per_event(cpu_used * 1e6, stored)
            << ",\"bytes_per_event_on_disk\":" << per_event(size("events.db"), stored)
            << ",\"baseline_events_per_s\":" << static_cast<std::uint64_t>(static_cast<double>(load.events) / base_seconds)
            << ",\"baseline_bytes_per_event_on_disk\":" << per_event(size("baseline.db"), load.events) << "}" << std::endl;
  return 0;
}
