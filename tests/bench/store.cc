// What the event store can do: taking events in, growing, and answering.
//
//   bench_store append --events FILE.gz --count N [--group 500] [--mean 1200] [--senders 1]
//   bench_store growth --events FILE.gz --count N            rate at the end beside the rate at 1 million
//   bench_store query  --events FILE.gz --count N [--store DIR] [--load]
//
// Each prints one line of JSON. `append` measures in the same run the plain design: one table with a row an event and
// indexes on time, channel and time, event id, computer and time. `query` fills a store of N events over seven days (or
// takes the one that an earlier run has left in DIR) and asks it; cold is after its files were dropped from the page cache.
// With --load it also measures how much taking in slows down while questions are asked.

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/iso8601.h"
#include "events/query.h"
#include "storage/event_store.h"
#include "tests/bench/corpus.h"
#include "tests/bench/generator.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::string_view kLog = "ForwardedEvents";

struct Options {
  std::string events;
  std::size_t count = 200'000;
  std::size_t group = 500;
  std::size_t mean = 1200;
  std::size_t senders = 1;
  std::uint64_t seed = 1;
  std::string store;
  bool load = false;
  bool mixed = false;
};

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "bench_store: %s\n", text.c_str());
  std::exit(1);
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Largest resident size so far, in MB.
double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double disk_bytes(const std::filesystem::path& directory) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

void drop_from_page_cache(const std::filesystem::path& directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const int file = ::open(entry.path().c_str(), O_RDONLY);
    if (file < 0) continue;
    ::fdatasync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
}

bench::GeneratorOptions generator_options(const Options& options) {
  bench::GeneratorOptions made;
  made.seed = options.seed;
  made.mean_bytes = options.mean;
  made.rare_every = std::max<std::size_t>(options.count / 100, 1);
  const std::chrono::nanoseconds week = std::chrono::hours(7 * 24);
  made.step = week / static_cast<std::int64_t>(options.count);
  made.start = std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now()) - week;
  return made;
}

std::unique_ptr<storage::EventStore> open_store(const std::filesystem::path& directory) {
  storage::EventStoreOptions options;
  options.default_max_size = 1ull << 40;
  auto store = storage::EventStore::open(directory, options);
  if (!store.ok()) fail(store.error().message());
  return std::move(*store);
}

/// The time and the CPU time that only the work of interest has used.
struct Spent {
  double seconds = 0;
  double cpu = 0;
};

/// Makes events in portions outside of the measured time and appends them, `options.senders` groups at a time.
class Filler {
 public:
  Filler(storage::EventStore& store, bench::Generator& generator, const Options& options)
      : store_(store), generator_(generator), options_(options) {}

  Spent fill(std::size_t count) {
    Spent spent;
    for (std::size_t done = 0; done < count;) {
      std::vector<storage::DeliveredBatch> batches;
      const std::size_t portion = std::min<std::size_t>(count - done, 40 * options_.group);
      for (std::size_t made = 0; made < portion;) {
        const std::size_t size = std::min(options_.group, portion - made);
        batches.push_back(batch(size));
        made += size;
      }
      done += portion;
      const double cpu = cpu_seconds();
      const auto begin = Clock::now();
      append_all(std::move(batches));
      spent.seconds += Seconds(Clock::now() - begin).count();
      spent.cpu += cpu_seconds() - cpu;
    }
    return spent;
  }

 private:
  storage::DeliveredBatch batch(std::size_t size) {
    storage::DeliveredBatch made;
    made.log = kLog;
    made.subscription = "bench";
    made.machine = "source.lab.example";
    made.address = "192.0.2.1";
    made.bookmark = "<BookmarkList/>";
    made.received = std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
    made.events.reserve(size);
    generator_.draw_computer();
    for (std::size_t i = 0; i < size; ++i) {
      made.events.push_back(events::Event::from_wire(options_.mixed ? generator_.next() : generator_.next_of_computer()));
    }
    return made;
  }

  static base::Task<void> append_some(storage::EventStore& store, std::vector<storage::DeliveredBatch>& batches,
                                      std::atomic<std::size_t>& next) {
    for (;;) {
      const std::size_t mine = next++;
      if (mine >= batches.size()) co_return;
      const std::size_t size = batches[mine].events.size();
      auto result = co_await store.append(std::move(batches[mine]));
      if (!result.ok()) fail(result.error().message());
      if (result->stored != size) fail("events were taken for duplicates");
    }
  }

  void append_all(std::vector<storage::DeliveredBatch> batches) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::future<void>> done;
    for (std::size_t sender = 0; sender < options_.senders; ++sender) {
      done.push_back(boost::asio::co_spawn(loop_.executor(), append_some(store_, batches, next), boost::asio::use_future));
    }
    for (auto& one : done) one.get();
  }

  storage::EventStore& store_;
  bench::Generator& generator_;
  const Options& options_;
  test_support::Loop loop_;
};

void check(int code, sqlite3* connection) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
  fail(sqlite3_errmsg(connection));
}

/// The plain design, fed with the same events.
Spent plain_indexed_table(const std::filesystem::path& file, bench::Generator& generator, const Options& options,
                          std::size_t count) {
  sqlite3* connection = nullptr;
  check(sqlite3_open(file.c_str(), &connection), connection);
  const char* schema =
      "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE events (id INTEGER PRIMARY KEY, time INTEGER, computer TEXT, channel TEXT, event_id INTEGER, xml TEXT);"
      "CREATE INDEX events_time ON events (time);"
      "CREATE INDEX events_channel ON events (channel, time);"
      "CREATE INDEX events_event_id ON events (event_id);"
      "CREATE INDEX events_computer ON events (computer, time);";
  check(sqlite3_exec(connection, schema, nullptr, nullptr, nullptr), connection);
  sqlite3_stmt* insert = nullptr;
  const char* sql = "INSERT INTO events (time, computer, channel, event_id, xml) VALUES (?, ?, ?, ?, ?)";
  check(sqlite3_prepare_v2(connection, sql, -1, &insert, nullptr), connection);
  const auto text = [&](int place, const std::string& value) {
    sqlite3_bind_text(insert, place, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  };
  Spent spent;
  for (std::size_t done = 0; done < count;) {
    std::vector<events::Event> portion;
    for (std::size_t i = 0; i < 40 * options.group && done < count; ++i, ++done) {
      if (i % options.group == 0) generator.draw_computer();
      portion.push_back(events::Event::from_wire(options.mixed ? generator.next() : generator.next_of_computer()));
    }
    const double cpu = cpu_seconds();
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < portion.size();) {
      check(sqlite3_exec(connection, "BEGIN", nullptr, nullptr, nullptr), connection);
      for (std::size_t k = 0; k < options.group && i < portion.size(); ++k, ++i) {
        const auto& event = portion[i];
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
    spent.seconds += Seconds(Clock::now() - begin).count();
    spent.cpu += cpu_seconds() - cpu;
  }
  sqlite3_finalize(insert);
  sqlite3_close(connection);
  return spent;
}

double rate(std::size_t events, const Spent& spent) {
  return static_cast<double>(events) / spent.seconds;
}

void append(const Options& options, const std::vector<std::string>& samples) {
  const test_support::TemporaryDirectory directory;
  bench::Generator generator(samples, generator_options(options));
  auto store = open_store(directory / "store");
  Spent spent = Filler(*store, generator, options).fill(options.count);
  const double cpu = cpu_seconds();
  const auto begin = Clock::now();
  test_support::run(store->stop());
  store.reset();
  const double stop_seconds = Seconds(Clock::now() - begin).count();
  spent.cpu += cpu_seconds() - cpu;
  const double memory = peak_megabytes();
  const double bytes = disk_bytes(directory / "store");

  // A quarter is enough for the plain design, and its rate only falls with the rest.
  const std::size_t plain_count = std::max<std::size_t>(options.count / 4, std::min<std::size_t>(options.count, 100'000));
  bench::Generator again(samples, generator_options(options));
  const Spent plain = plain_indexed_table(directory / "plain.db", again, options, plain_count);
  const auto count = static_cast<double>(options.count);
  std::printf(
      "{\"bench\":\"append\",\"events\":%zu,\"group\":%zu,\"senders\":%zu,\"mean_bytes\":%.0f,\"events_per_s\":%.0f,"
      "\"cpu_us_per_event\":%.2f,\"stop_s\":%.2f,\"baseline_events_per_s\":%.0f,\"baseline_cpu_us_per_event\":%.2f,"
      "\"ratio\":%.2f,\"bytes_per_event_on_disk\":%.1f,\"peak_mb\":%.0f}\n",
      options.count, options.group, options.senders, generator.mean_bytes(), rate(options.count, spent),
      spent.cpu * 1e6 / count, stop_seconds, rate(plain_count, plain), plain.cpu * 1e6 / static_cast<double>(plain_count),
      rate(options.count, spent) / rate(plain_count, plain), bytes / count, memory);
}

void growth(const Options& options, const std::vector<std::string>& samples) {
  const test_support::TemporaryDirectory directory;
  bench::Generator generator(samples, generator_options(options));
  auto store = open_store(directory / "store");
  Filler filler(*store, generator, options);
  const std::size_t window = std::min<std::size_t>(options.count / 2, 1'000'000);
  const Spent first = filler.fill(window);
  if (options.count > 2 * window) filler.fill(options.count - 2 * window);
  const Spent last = filler.fill(window);
  test_support::run(store->stop());
  const double per = 1e6 / static_cast<double>(window);
  std::printf(
      "{\"bench\":\"growth\",\"events\":%zu,\"window\":%zu,\"first_events_per_s\":%.0f,\"last_events_per_s\":%.0f,"
      "\"ratio\":%.2f,\"first_cpu_us\":%.2f,\"last_cpu_us\":%.2f,\"bytes_per_event_on_disk\":%.1f,\"peak_mb\":%.0f}\n",
      options.count, window, rate(window, first), rate(window, last), rate(window, last) / rate(window, first),
      first.cpu * per, last.cpu * per, disk_bytes(directory / "store") / static_cast<double>(options.count),
      peak_megabytes());
}

std::string user_query(const char* user) {
  return "*[System[(EventID=" + std::string(bench::kUserEvent) + ")] and EventData[Data[@Name='TargetUserName']='" + user +
         "']]";
}

events::Query compile(const std::string& text) {
  auto query = events::Query::parse(text, kLog);
  if (!query.ok()) fail(query.error().message());
  return *query;
}

struct Answer {
  double milliseconds = 0;
  std::size_t events = 0;
};

Answer ask(storage::EventStore& store, const std::string& xpath, std::size_t items) {
  const auto query = compile(xpath);
  const auto begin = Clock::now();
  Answer answer;
  events::Bookmark after;
  for (;;) {
    storage::ReadRequest request;
    request.query = query;
    request.direction = storage::Direction::NewestFirst;
    request.after = after;
    request.budget.items = items - answer.events;
    auto result = test_support::run(store.read(std::move(request)));
    if (!result.ok()) fail(result.error().message());
    answer.events += result->events.size();
    after = result->position;
    if (result->at_end || answer.events >= items) break;
  }
  answer.milliseconds = Seconds(Clock::now() - begin).count() * 1000;
  return answer;
}

Answer count_levels(storage::EventStore& store) {
  storage::CountRequest request;
  request.query = compile("*[System[TimeCreated[timediff(@SystemTime) <= 86400000]]]");
  request.by = {storage::CountBy::Level};
  request.bucket = std::chrono::hours(1);
  const auto begin = Clock::now();
  auto result = test_support::run(store.count(std::move(request)));
  if (!result.ok()) fail(result.error().message());
  return {Seconds(Clock::now() - begin).count() * 1000, result->events};
}

/// The median of some runs.
template <typename Question>
Answer median(const Question& question) {
  std::vector<Answer> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(question());
  std::sort(answers.begin(), answers.end(), [](auto& left, auto& right) { return left.milliseconds < right.milliseconds; });
  return answers[answers.size() / 2];
}

template <typename Question>
std::string measured(const char* name, const std::filesystem::path& directory, std::unique_ptr<storage::EventStore>& store,
                     const Question& question) {
  test_support::run(store->stop());
  store.reset();
  drop_from_page_cache(directory);
  store = open_store(directory);
  const Answer cold = question();
  const Answer warm = median(question);
  char text[200];
  std::snprintf(text, sizeof text, ",\"%s\":{\"events\":%zu,\"cold_ms\":%.1f,\"warm_ms\":%.1f}", name, warm.events,
                cold.milliseconds, warm.milliseconds);
  return text;
}

void query(const Options& options, const std::vector<std::string>& samples) {
  std::optional<test_support::TemporaryDirectory> temporary;
  std::filesystem::path directory = options.store;
  if (directory.empty()) directory = temporary.emplace() / "store";
  auto store = open_store(directory);
  bench::Generator generator(samples, generator_options(options));
  if (!test_support::run(store->find_log(std::string(kLog)))->has_value())
    Filler(*store, generator, options).fill(options.count);
  const double filled_memory = peak_megabytes();

  std::string line = "{\"bench\":\"query\",\"events\":" + std::to_string(options.count);
  line += measured("frequent", directory, store, [&] { return ask(*store, user_query(bench::kFrequentUser), 100); });
  line += measured("rare", directory, store, [&] { return ask(*store, user_query(bench::kRareUser), 100); });
  line += measured("absent", directory, store, [&] { return ask(*store, user_query("absent.needle"), 100); });
  line += measured("levels_by_hour", directory, store, [&] { return count_levels(*store); });

  // No summary and no index can help: an order of texts, over a field that many kinds of events have.
  const auto scan = [&] { return ask(*store, "*[EventData[Data[@Name='LogonType']>11]]", 100); };
  scan();
  const double cpu = cpu_seconds();
  const Answer scanned = scan();
  const double scan_cpu = cpu_seconds() - cpu;
  const auto count = static_cast<double>(options.count);
  char text[300];
  std::snprintf(text, sizeof text,
                ",\"scan\":{\"events\":%zu,\"events_per_s\":%.0f,\"events_per_cpu_s\":%.0f},\"fill_peak_mb\":%.0f,"
                "\"peak_mb\":%.0f,\"bytes_per_event_on_disk\":%.1f}",
                scanned.events, count / scanned.milliseconds * 1000, count / scan_cpu, filled_memory, peak_megabytes(),
                disk_bytes(directory) / count);
  line += text;
  std::puts(line.c_str());

  if (options.load) {
    Options more = options;
    more.seed += 1;
    more.senders = 8;
    more.group = 100;
    auto later = generator_options(more);
    later.start += std::chrono::hours(7 * 24);
    bench::Generator fresh(samples, later);
    Filler filler(*store, fresh, more);
    const Spent alone = filler.fill(400'000);
    std::atomic<bool> done = false;
    std::atomic<std::size_t> asked = 0;
    std::thread questions([&] {
      while (!done) {
        ask(*store, user_query(bench::kRareUser), 100);
        count_levels(*store);
        ++asked;
        // A person's pace, not a loop's.
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
    const Spent busy = filler.fill(400'000);
    done = true;
    questions.join();
    std::printf(
        "{\"bench\":\"load\",\"alone_events_per_s\":%.0f,\"with_questions_events_per_s\":%.0f,\"ratio\":%.2f,"
        "\"questions\":%zu}\n",
        rate(400'000, alone), rate(400'000, busy), rate(400'000, busy) / rate(400'000, alone), asked.load());
  }
  test_support::run(store->stop());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("What the event store can do");
  const auto common = [&](CLI::App* command) {
    command->add_option("--events", options.events, "Samples, one event a line, gzipped")->required();
    command->add_option("--count", options.count, "Events");
    command->add_option("--group", options.group, "Events of one append");
    command->add_option("--mean", options.mean, "Mean size of an event in bytes; 0 takes all samples");
    command->add_option("--senders", options.senders, "Appends at a time");
    command->add_flag("--mixed", options.mixed,
                      "Each event of an append from another of 600 computers, as relays send them");
    command->add_option("--seed", options.seed, "Of the generator");
    return command;
  };
  auto* appending = common(app.add_subcommand("append"));
  auto* growing = common(app.add_subcommand("growth"));
  auto* asking = common(app.add_subcommand("query"));
  asking->add_option("--store", options.store, "Where the store is kept for the next run");
  asking->add_flag("--load", options.load, "Also measures taking in while questions are asked");
  app.require_subcommand(1);
  CLI11_PARSE(app, argc, argv);
  if (options.count == 0 || options.group == 0 || options.senders == 0) fail("nothing to do");
  const auto samples = bench::read_events(options.events);
  if (appending->parsed()) append(options, samples);
  if (growing->parsed()) growth(options, samples);
  if (asking->parsed()) query(options, samples);
  return 0;
}
