// How many events a second the collector takes in, acknowledged after commit, over TLS.
//
//   bench_ingest --events FILE.gz --count N [--connections 8] [--batch 100] [--utf8]
//
// Starts the real collector, delivers as so many sources (one connection each) and prints one line of JSON. The baseline, in
// the same run: the same events inserted by a bare loop into one SQLite table with a time index, committed each batch.

#include <sqlite3.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <future>
#include <iostream>
#include <regex>
#include <thread>

#include "engine/base/iso8601.h"
#include "engine/base/utf16.h"
#include "engine/http/client.h"
#include "engine/wsman/names.h"
#include "events/event.h"
#include "tests/bench/corpus.h"
#include "tests/bench/ingest_parts.h"
#include "tests/integration/stack.h"
#include "tests/support/run.h"

namespace {

using Seconds = std::chrono::duration<double>;

struct Options {
  std::string events;
  std::size_t count = 100'000;
  std::size_t connections = 8;
  std::size_t batch = 100;
  bool utf8 = false;
};

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "bench_ingest: %s\n", text.c_str());
  std::exit(1);
}

/// A delivery that is encoded once and then only patched: its digits have fixed places.
struct Prepared {
  std::string body;
  std::size_t message_id_at = 0;
  std::vector<std::size_t> record_at;
  std::vector<std::size_t> computer_at;
  std::size_t stride = 1;
};

Prepared prepare(const std::vector<bench::Variable>& events, std::size_t from, std::size_t batch, const std::string& to,
                 const std::string& identifier, bool utf8) {
  std::string text = "<s:Envelope xmlns:s=\"" + std::string(wsman::ns::kSoap) + "\" xmlns:a=\"" +
                     std::string(wsman::ns::kAddressing) + "\" xmlns:e=\"" + std::string(wsman::ns::kEventing) +
                     "\" xmlns:w=\"" + std::string(wsman::ns::kWsman) + "\"><s:Header><a:To>" + to +
                     "</a:To><a:ReplyTo><a:Address>" + std::string(wsman::kAnonymous) +
                     "</a:Address></a:ReplyTo><a:Action>" + std::string(wsman::action::kEvents) +
                     "</a:Action><a:MessageID>uuid:00000000-0000-4000-8000-";
  std::vector<std::size_t> places{text.size()};
  text += "000000000000</a:MessageID><e:Identifier>" + identifier +
          "</e:Identifier><w:Bookmark><BookmarkList><Bookmark Channel=\"System\" RecordId=\"1\" "
          "IsCurrent=\"true\"/></BookmarkList>"
          "</w:Bookmark><w:AckRequested/></s:Header><s:Body><w:Events>";
  Prepared prepared;
  for (std::size_t i = 0; i < batch; ++i) {
    const bench::Variable& event = events[(from + i) % events.size()];
    text += "<w:Event Action=\"" + std::string(wsman::action::kEvent) + "\"><![CDATA[";
    prepared.record_at.push_back(text.size() + event.record_at);
    prepared.computer_at.push_back(text.size() + event.computer_at);
    text += event.xml + "]]></w:Event>";
  }
  text += "</w:Events></s:Body></s:Envelope>";
  prepared.message_id_at = places[0];
  if (utf8) {
    prepared.body = std::move(text);
    return prepared;
  }
  // Places move with the characters before them that are more than one byte in UTF-8.
  prepared.stride = 2;
  prepared.body = base::utf8_to_utf16le_with_mark(text);
  std::vector<std::size_t*> moved{&prepared.message_id_at};
  for (auto& place : prepared.record_at) moved.push_back(&place);
  for (auto& place : prepared.computer_at) moved.push_back(&place);
  for (auto* place : moved) *place = 2 + 2 * base::utf16_length(std::string_view(text).substr(0, *place));
  return prepared;
}

struct Totals {
  std::atomic<std::size_t> events = 0;
  std::atomic<std::size_t> bytes = 0;
};

base::Task<void> deliver(std::vector<Prepared>& bodies, http::Client& client, std::size_t source, std::size_t count,
                         std::size_t batch, bool utf8, Totals& totals) {
  std::size_t record = 1;
  for (std::size_t sent = 0, at = 0; sent < count; sent += batch, ++at) {
    Prepared& body = bodies[at % bodies.size()];
    bench::put_digits(body.body.data() + body.message_id_at, at, 12, body.stride);
    for (std::size_t i = 0; i < body.record_at.size(); ++i) {
      bench::put_digits(body.body.data() + body.record_at[i], record++, 10, body.stride);
      bench::put_digits(body.body.data() + body.computer_at[i], source, 6, body.stride);
    }
    http::Request request;
    request.head.fields.add("Content-Type",
                            utf8 ? "application/soap+xml;charset=UTF-8" : "application/soap+xml;charset=UTF-16");
    request.body = body.body;
    auto reply = co_await client.exchange(std::move(request), std::chrono::seconds(60));
    if (!reply.ok()) fail(reply.error().message());
    if (reply->status != 200) fail("status " + std::to_string(reply->status) + " " + reply->body);
    totals.events += body.record_at.size();
    totals.bytes += body.body.size();
  }
}

/// The same events into one table with an index on time.
double baseline(const std::vector<bench::Variable>& events, std::size_t count, std::size_t batch,
                const std::filesystem::path& folder) {
  sqlite3* database = nullptr;
  sqlite3_open((folder / "baseline.db").c_str(), &database);
  sqlite3_exec(database,
               "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events(id INTEGER PRIMARY KEY, time INTEGER, "
               "xml TEXT);"
               "CREATE INDEX events_time ON events(time);",
               nullptr, nullptr, nullptr);
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(database, "INSERT INTO events(time, xml) VALUES(?, ?)", -1, &insert, nullptr);
  std::vector<long long> times;
  for (const auto& event : events) {
    auto parsed = events::Event::parse(event.xml);
    times.push_back(parsed.ok() ? parsed->system.time.time_since_epoch().count() : 0);
  }
  const auto begin = std::chrono::steady_clock::now();
  std::string xml;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % batch == 0) sqlite3_exec(database, i == 0 ? "BEGIN" : "COMMIT; BEGIN", nullptr, nullptr, nullptr);
    const auto& event = events[i % events.size()];
    xml = event.xml;
    bench::put_digits(xml.data() + event.record_at, i + 1, 10, 1);
    sqlite3_bind_int64(insert, 1, times[i % events.size()] + static_cast<long long>(i));
    sqlite3_bind_text(insert, 2, xml.data(), static_cast<int>(xml.size()), SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE) fail(sqlite3_errmsg(database));
    sqlite3_reset(insert);
  }
  sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr);
  const Seconds took = std::chrono::steady_clock::now() - begin;
  sqlite3_finalize(insert);
  sqlite3_close(database);
  return static_cast<double>(count) / took.count();
}

std::size_t size_on_disk(const std::filesystem::path& folder) {
  std::size_t total = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    struct stat status {};
    if (entry.is_regular_file() && ::stat(entry.path().c_str(), &status) == 0)
      total += static_cast<std::size_t>(status.st_blocks) * 512;
  }
  return total;
}

std::string get_identifier(integration::Stack& stack) {
  const std::string message =
      "<s:Envelope xmlns:s=\"" + std::string(wsman::ns::kSoap) + "\" xmlns:a=\"" + std::string(wsman::ns::kAddressing) +
      "\" xmlns:w=\"" + std::string(wsman::ns::kWsman) + "\"><s:Header><a:To>" + stack.url() +
      "</a:To><a:ReplyTo><a:Address>" + std::string(wsman::kAnonymous) + "</a:Address></a:ReplyTo><a:Action>" +
      std::string(wsman::action::kEnumerate) + "</a:Action><a:MessageID>uuid:1</a:MessageID><w:ResourceURI>" +
      std::string(wsman::resource::kSubscriptionList) + "</w:ResourceURI></s:Header><s:Body><n:Enumerate xmlns:n=\"" +
      std::string(wsman::ns::kEnumeration) +
      "\"><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements></n:Enumerate></s:Body></s:Envelope>";
  const auto reply =
      stack.post("source0", "/wsman/SubscriptionManager/WEC", message, {"Content-Type: application/soap+xml;charset=UTF-8"});
  std::smatch match;
  if (!std::regex_search(reply.body, match, std::regex("Identifier[^>]*>([0-9A-Fa-f-]{36})<")))
    fail("no offer: " + reply.body + reply.error);
  return match[1];
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures the collector's ingest.");
  app.add_option("--events", options.events, "Event XML, one a line, .gz or plain")->required();
  app.add_option("--count", options.count, "Events to deliver");
  app.add_option("--connections", options.connections, "Connections, a source each")->check(CLI::Range(1, 100));
  app.add_option("--batch", options.batch, "Events in an envelope")->check(CLI::Range(1, 300));
  app.add_flag("--utf8", options.utf8, "Envelopes in UTF-8 instead of UTF-16");
  CLI11_PARSE(app, argc, argv);

  std::vector<bench::Variable> events;
  for (const std::string& line : bench::read_events(options.events)) {
    // Envelopes stay below the limit: the few events of tens of kilobytes would need batches of their own.
    if (line.size() > 2500) continue;
    auto variable = bench::make_variable(line);
    if (!variable.xml.empty()) events.push_back(std::move(variable));
  }
  if (events.empty()) fail("no usable events");

  integration::Stack stack;
  stack.start_collector("[collector]\nmax_log_size = 1099511627776\n");
  integration::SubscriptionText subscription;
  subscription.query = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>";
  stack.create_subscription(subscription);
  for (std::size_t i = 0; i < options.connections; ++i) stack.issue("source" + std::to_string(i));
  const std::string identifier = get_identifier(stack);
  const std::string url = stack.url() + "/subscriptions/" + identifier;

  const std::size_t share = (options.count / options.connections + options.batch - 1) / options.batch * options.batch;
  test_support::Loop loop;  // before the clients, whose sockets belong to it
  std::vector<std::vector<Prepared>> bodies(options.connections);
  std::vector<std::unique_ptr<http::Client>> clients;
  for (std::size_t i = 0; i < options.connections; ++i) {
    const std::size_t different = std::min<std::size_t>(40, share / options.batch + 1);
    for (std::size_t k = 0; k < different; ++k) {
      bodies[i].push_back(prepare(events, (i * 977 + k) * options.batch, options.batch, url, identifier, options.utf8));
    }
    const auto name = "source" + std::to_string(i);
    auto tls =
        http::TlsClientContext::load({stack.pki() / (name + ".pem"), stack.pki() / (name + ".key"), stack.pki() / "ca.pem"});
    if (!tls.ok()) fail(tls.error().message());
    http::ClientOptions client;
    client.tls = *tls;
    auto parsed = http::Url::parse(url);
    if (!parsed.ok()) fail(parsed.error().message());
    clients.push_back(std::make_unique<http::Client>(*parsed, client));
  }

  Totals totals;
  const auto cpu_before = stack.collector().cpu_time();
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::future<void>> running;
  for (std::size_t i = 0; i < options.connections; ++i) {
    running.push_back(boost::asio::co_spawn(loop.executor(),
                                            deliver(bodies[i], *clients[i], i, share, options.batch, options.utf8, totals),
                                            boost::asio::use_future));
  }
  for (auto& one : running) one.get();
  const Seconds took = std::chrono::steady_clock::now() - begin;
  const auto cpu = stack.collector().cpu_time() - cpu_before;
  const auto peak = stack.collector().peak_memory();
  stack.collector().terminate();
  const double count = static_cast<double>(totals.events.load());
  const double on_disk = static_cast<double>(size_on_disk(stack.collector_state()));
  const double base =
      baseline(events, std::min<std::size_t>(totals.events.load(), 200'000), options.batch, stack.directory());
  std::vector<std::string> samples;
  for (const auto& prepared : bodies[0]) samples.push_back(prepared.body);
  const auto parts =
      bench::measure_parts(samples, std::min<std::size_t>(options.count, 200'000),
                           options.utf8 ? "application/soap+xml;charset=UTF-8" : "application/soap+xml;charset=UTF-16");
  const double whole = static_cast<double>(cpu.count()) / count;
  std::printf(
      "{\"bench\":\"ingest\",\"events\":%zu,\"connections\":%zu,\"batch\":%zu,\"encoding\":\"%s\",\"events_per_s\":%.0f,"
      "\"mb_per_s\":%.1f,\"cpu_us_per_event\":%.2f,\"bytes_per_event_on_disk\":%.0f,\"peak_memory_mb\":%.0f,"
      "\"baseline_events_per_s\":%.0f,\"ratio_to_baseline\":%.2f,\"parts_us\":{\"tls\":%.2f,\"receive\":%.2f,\"decode\":%."
      "2f,"
      "\"envelope\":%.2f,\"event\":%.2f,\"store\":%.2f},\"parts_to_whole\":%.2f}\n",
      totals.events.load(), options.connections, options.batch, options.utf8 ? "UTF-8" : "UTF-16", count / took.count(),
      static_cast<double>(totals.bytes.load()) / took.count() / 1e6, whole, on_disk / count, static_cast<double>(peak) / 1e6,
      base, count / took.count() / base, parts.tls, parts.receive, parts.decode, parts.envelope, parts.event, parts.store,
      parts.sum() / whole);
  return 0;
}
