// What WS-Management costs: Get against a bare HTTP echo of the same sizes over the same listener, and a long Enumerate.
//
//   bench_wsman [--seconds 1] [--rounds 5] [--connections 64] [--threads 1] [--items 100000] [--batch 1000] [--only TEXT]
//
// One process serves, another asks. Echo and Get take turns, round by round; the figures are medians of the rounds. Prints a
// table, and one line of JSON. The server's CPU is that of its process; allocations are those of operator new, so without
// what OpenSSL takes for itself.

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <optional>
#include <thread>

#include "engine/auth/certificate.h"
#include "engine/auth/local_peer.h"
#include "engine/config/resources.h"
#include "engine/http/listener.h"
#include "engine/wsman/endpoint.h"
#include "engine/wsman/names.h"
#include "tests/bench/http_load.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_pki.h"

namespace {

std::atomic<std::uint64_t> allocations = 0;

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

struct Options {
  double seconds = 1;
  std::size_t rounds = 5;
  std::size_t connections = 64;
  unsigned threads = 1;
  std::size_t items = 100'000;
  std::size_t batch = 1000;
  std::string only;
};

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "bench_wsman: %s\n", text.c_str());
  std::exit(1);
}

/// Answers every request with the same bytes, as a handler without SOAP would.
class Echo final : public http::Handler {
 public:
  void set_answer(std::string answer) { answer_ = std::move(answer); }

  base::Task<http::Admission> admit(const http::RequestHead&, http::Connection&) override {
    http::Admission admission;
    admission.max_body = 1 << 20;
    co_return admission;
  }
  base::Task<http::Response> handle(http::Request, http::Connection&) override {
    http::Response response;
    response.fields.add("Server", "Microsoft-HTTPAPI/2.0");
    response.fields.add("Content-Type", "application/soap+xml;charset=UTF-8");
    response.body = answer_;
    co_return response;
  }

 private:
  std::string answer_;
};

/// As many items as wished, made when they are asked for.
class ManyItems final : public wsman::Resource {
 public:
  static constexpr std::string_view kUri = "urn:bench:items";

  explicit ManyItems(std::size_t count) : count_(count) {}
  std::string_view uri() const override { return kUri; }
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call&, wsman::EnumerateRequest) override {
    co_return std::make_unique<Items>(count_);
  }

 private:
  class Items final : public wsman::Enumerator {
   public:
    explicit Items(std::size_t count) : count_(count) {}
    wsman::AsyncResult<Page> next(base::Budget budget) override {
      Page page;
      for (; next_ < count_ && page.items.size() < budget.items; ++next_) {
        wsman::Item item;
        const std::string number = std::to_string(next_);
        item.xml = "<t:Item xmlns:t=\"urn:bench:items\"><t:Name>service" + number +
                   "</t:Name><t:State>Running</t:State><t:StartMode>Auto</t:StartMode><t:DisplayName>The service number " +
                   number +
                   "</t:DisplayName><t:PathName>/usr/lib/systemd/system/one-of-the-services.service</t:PathName>"
                   "<t:Description>Keeps something going that somebody needs</t:Description></t:Item>";
        item.selectors = {{"Name", "service" + number, {}}};
        page.items.push_back(std::move(item));
      }
      page.end = next_ == count_;
      co_return page;
    }

   private:
    std::size_t count_;
    std::size_t next_ = 0;
  };

  std::size_t count_;
};

class NoEffects final : public config::Effects {
 public:
  void apply(const config::Current&) override {}
  std::vector<config::ServerCertificate> certificates() override { return {}; }
  bool has_address(const std::string&) override { return true; }
  config::Listening listening_on(const config::ListenerKey&) override { return {{"127.0.0.1", "::1"}, 5985}; }
  std::string host_name() override { return "localhost"; }
  bool has_user(const std::string&) override { return false; }
  std::vector<std::string> resources() override { return {}; }
};

std::string envelope(std::string_view action, std::string_view resource, std::string_view selectors, std::string_view body) {
  std::string text = "<s:Envelope xmlns:s=\"" + std::string(wsman::ns::kSoap) + "\" xmlns:a=\"" +
                     std::string(wsman::ns::kAddressing) + "\" xmlns:n=\"" + std::string(wsman::ns::kEnumeration) +
                     "\" xmlns:w=\"" + std::string(wsman::ns::kWsman) + "\" xmlns:p=\"" +
                     std::string(wsman::ns::kMicrosoft) +
                     "\"><s:Header><a:To>http://localhost:5985/wsman</a:To><w:ResourceURI s:mustUnderstand=\"true\">";
  text += resource;
  text += "</w:ResourceURI><a:ReplyTo><a:Address s:mustUnderstand=\"true\">";
  text += wsman::kAnonymous;
  text += "</a:Address></a:ReplyTo><a:Action s:mustUnderstand=\"true\">";
  text += action;
  text +=
      "</a:Action><w:MaxEnvelopeSize s:mustUnderstand=\"true\">4194304</w:MaxEnvelopeSize>"
      "<a:MessageID>uuid:11111111-2222-4333-8444-555555555555</a:MessageID>"
      "<w:Locale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/><p:DataLocale xml:lang=\"en-US\" "
      "s:mustUnderstand=\"false\"/>"
      "<p:SessionId s:mustUnderstand=\"false\">uuid:21111111-2222-4333-8444-555555555555</p:SessionId>"
      "<p:OperationID s:mustUnderstand=\"false\">uuid:31111111-2222-4333-8444-555555555555</p:OperationID>"
      "<p:SequenceId s:mustUnderstand=\"false\">1</p:SequenceId>";
  text += selectors;
  text += "<w:OperationTimeout>PT60.000S</w:OperationTimeout></s:Header><s:Body>";
  text += body;
  text += "</s:Body></s:Envelope>";
  return text;
}

/// The service under test, and the echo beside it, each on a UNIX socket and with TLS.
class Server {
 public:
  Server(const test_support::TestPki& pki, const Options& options)
      : items_(options.items), context_(2), work_(context_.get_executor()) {
    auto store = storage::StateStore::open(directory_.path());
    if (!store.ok()) fail(store.error().message());
    store_ = std::move(*store);
    config::Foundation foundation;
    config::Listener listener;
    listener.key.address = "*";
    listener.port = 5985;
    foundation.listeners.push_back(listener);
    auto opened = config::Configuration::open(*store_, pool_, std::move(foundation));
    if (!opened.ok()) fail(opened.error().message());
    configuration_ = std::move(*opened);
    configuration_->attach(effects_);

    wsman::DispatcherOptions limits;
    limits.max_envelope_size = 4 << 20;
    limits.machine = "localhost";
    dispatcher_.emplace(limits);
    resources_ = config::make_resources(*configuration_);
    for (const auto& resource : resources_) dispatcher_->add(*resource);
    dispatcher_->add(items_);
    endpoint_.emplace(wsman::EndpointOptions(), *dispatcher_, std::vector<auth::Authenticator*>{&local_, &certificates_});
    endpoint_->set_mapper([](const auth::Principal& who, std::string_view) {
      auth::Principal mapped = who;
      mapped.administrator = true;
      return mapped;
    });

    const auto identity = pki.server();
    http::TlsServerOptions tls;
    tls.certificate = identity.certificate;
    tls.private_key = identity.private_key;
    tls.client_ca = pki.authorities();
    auto loaded = http::TlsServerContext::load(tls);
    if (!loaded.ok()) fail(loaded.error().message());
    listen(*endpoint_, "wsman", *loaded);
    listen(echo_, "echo", *loaded);
    for (unsigned i = 0; i < options.threads; ++i) threads_.emplace_back([this] { context_.run(); });
  }

  ~Server() {
    for (const auto& listener : listeners_) {
      boost::asio::co_spawn(context_, listener->stop(std::chrono::milliseconds(100)), boost::asio::use_future).get();
    }
    work_.reset();
    for (std::thread& thread : threads_) thread.join();
  }

  Echo& echo() { return echo_; }
  bench::Target target(const std::string& handler, bool tls) const {
    return targets_.at(handler + (tls ? " tls" : " unix"));
  }

 private:
  void listen(http::Handler& handler, const std::string& name, const std::shared_ptr<http::TlsServerContext>& tls) {
    http::ListenerOptions local;
    local.unix_path = directory_.path() / name;
    targets_[name + " unix"].unix_path = local.unix_path;
    start(std::move(local), handler);
    http::ListenerOptions secured;
    secured.address = "127.0.0.1";
    secured.tls = tls;
    start(std::move(secured), handler);
    targets_[name + " tls"].port = listeners_.back()->port();
  }
  void start(http::ListenerOptions options, http::Handler& handler) {
    listeners_.push_back(std::make_unique<http::Listener>(context_.get_executor(), std::move(options), handler));
    const auto started = listeners_.back()->start();
    if (!started.ok()) fail(started.error().message());
  }

  test_support::TemporaryDirectory directory_;
  base::BlockingPool pool_{1};
  std::unique_ptr<storage::StateStore> store_;
  NoEffects effects_;
  std::unique_ptr<config::Configuration> configuration_;
  std::vector<std::unique_ptr<wsman::Resource>> resources_;
  ManyItems items_;
  auth::LocalPeerAuthenticator local_;
  auth::CertificateAuthenticator certificates_;
  Echo echo_;
  std::optional<wsman::Dispatcher> dispatcher_;
  std::optional<wsman::Endpoint> endpoint_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::unique_ptr<http::Listener>> listeners_;
  std::map<std::string, bench::Target> targets_;
  std::vector<std::thread> threads_;
};

double server_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// One round, or the medians of several. Microseconds.
struct Figures {
  double rate = 0;  ///< operations a second
  double p50 = 0;
  double p99 = 0;
  double server_cpu = 0;
  double client_cpu = 0;
  double allocations = 0;
};

template <typename Run>
Figures measure(Run run) {
  const std::uint64_t allocated = allocations;
  const double cpu = server_cpu();
  const bench::LoadReport report = run();
  const auto operations = static_cast<double>(report.operations);
  return {operations / report.elapsed * 1e6,
          report.p50,
          report.p99,
          (server_cpu() - cpu) / operations,
          report.cpu / operations,
          static_cast<double>(allocations - allocated) / operations};
}

double median(const std::vector<Figures>& rounds, double Figures::*part) {
  std::vector<double> values;
  for (const Figures& round : rounds) values.push_back(round.*part);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Figures medians(const std::vector<Figures>& rounds) {
  Figures all;
  for (auto part :
       {&Figures::rate, &Figures::p50, &Figures::p99, &Figures::server_cpu, &Figures::client_cpu, &Figures::allocations}) {
    all.*part = median(rounds, part);
  }
  return all;
}

void print_row(const std::string& name, const Figures& figures) {
  std::printf("%-34s %9.0f %9.1f %9.1f %9.1f %9.1f %9.1f", name.c_str(), figures.rate, figures.p50, figures.p99,
              figures.server_cpu, figures.client_cpu, figures.allocations);
}

std::string json_of(const Figures& figures) {
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(),
                "{\"per_s\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"server_cpu_us\":%.1f,\"client_cpu_us\":%.1f,"
                "\"allocations\":%.1f}",
                figures.rate, figures.p50, figures.p99, figures.server_cpu, figures.client_cpu, figures.allocations);
  return text.data();
}

struct Subject {
  std::string name;
  std::string request;
  std::size_t answer_size = 0;
};

/// How large the answer to `request` is.
std::size_t size_of_answer(bench::LoadProcess& load, const Server& server, const std::string& request) {
  const bench::LoadReport report = load.repeat(server.target("wsman", false), request, 1, 0.01);
  return report.bytes / report.operations;
}

std::string compare(bench::LoadProcess& load, Server& server, const Subject& subject, bool tls, std::size_t connections,
                    const Options& options) {
  const std::string name =
      subject.name + (tls ? ", TLS, " : ", UNIX, ") + std::to_string(connections) + (connections == 1 ? " conn" : " conns");
  if (name.find(options.only) == std::string::npos) return {};
  server.echo().set_answer(std::string(subject.answer_size, 'x'));
  std::vector<Figures> echo;
  std::vector<Figures> get;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (const std::string& handler : {std::string("echo"), std::string("wsman")}) {
      (handler == "echo" ? echo : get).push_back(measure([&] {
        return load.repeat(server.target(handler, tls), subject.request, connections, options.seconds);
      }));
    }
  }
  const Figures bare = medians(echo);
  const Figures full = medians(get);
  // Echo and Get of one round had the same neighbours: the ratio of each pair, then the middle one.
  std::vector<Figures> ratios(options.rounds);
  for (std::size_t i = 0; i < options.rounds; ++i) {
    ratios[i].rate = get[i].rate / echo[i].rate;
    ratios[i].server_cpu = echo[i].server_cpu / get[i].server_cpu;
  }
  const Figures ratio = medians(ratios);
  print_row("echo as " + name, bare);
  std::printf("\n");
  print_row(name, full);
  std::printf("   %.2f of the echo's rate, %.2f by CPU\n", ratio.rate, ratio.server_cpu);
  std::fflush(stdout);
  std::array<char, 160> frame{};
  std::snprintf(frame.data(), frame.size(),
                "{\"subject\":\"%s\",\"transport\":\"%s\",\"connections\":%zu,\"request_bytes\":%zu,\"answer_bytes\":%zu,",
                subject.name.c_str(), tls ? "tls" : "unix", connections, subject.request.size(), subject.answer_size);
  std::array<char, 80> ratio_text{};
  std::snprintf(ratio_text.data(), ratio_text.size(), ",\"ratio\":%.3f,\"cpu_ratio\":%.3f}", ratio.rate, ratio.server_cpu);
  return frame.data() + ("\"echo\":" + json_of(bare)) + ",\"get\":" + json_of(full) + ratio_text.data();
}

std::string enumerate(bench::LoadProcess& load, const Server& server, bool tls, const Options& options) {
  const std::string name = tls ? "Enumerate, TLS" : "Enumerate, UNIX";
  if (name.find(options.only) == std::string::npos) return {};
  const std::string start = envelope(wsman::action::kEnumerate, ManyItems::kUri, "", "<n:Enumerate/>");
  const std::string pull = envelope(wsman::action::kPull, ManyItems::kUri, "",
                                    "<n:Pull><n:EnumerationContext>@CONTEXT@</n:EnumerationContext><n:MaxElements>" +
                                        std::to_string(options.batch) + "</n:MaxElements></n:Pull>");
  std::vector<Figures> rounds;
  double megabytes = 0;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    bench::LoadReport report;
    const std::uint64_t allocated = allocations;
    const double cpu = server_cpu();
    report = load.enumerate(server.target("wsman", tls), start, pull);
    const double spent = server_cpu() - cpu;
    if (report.items != options.items) fail("an enumeration gave " + std::to_string(report.items) + " items");
    const auto items = static_cast<double>(report.items);
    megabytes = static_cast<double>(report.bytes) / 1e6;
    Figures figures;
    figures.rate = items / report.elapsed * 1e6;
    figures.server_cpu = spent / items;
    figures.client_cpu = report.cpu / items;
    figures.allocations = static_cast<double>(allocations - allocated) / items;
    rounds.push_back(figures);
  }
  const Figures all = medians(rounds);
  const double mb_per_s = megabytes * all.rate / static_cast<double>(options.items);
  std::printf("%s of %zu items by %zu: %.0f items/s, %.0f MB/s, %.2f us of CPU and %.1f allocations an item\n", name.c_str(),
              options.items, options.batch, all.rate, mb_per_s, all.server_cpu, all.allocations);
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(),
                "{\"subject\":\"enumerate\",\"transport\":\"%s\",\"items\":%zu,\"batch\":%zu,\"items_per_s\":%.0f,"
                "\"mb_per_s\":%.1f,\"server_cpu_us_per_item\":%.2f,\"allocations_per_item\":%.1f}",
                tls ? "tls" : "unix", options.items, options.batch, all.rate, mb_per_s, all.server_cpu, all.allocations);
  return text.data();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures WS-Management against a bare HTTP echo.");
  app.add_option("--seconds", options.seconds, "Length of one round")->check(CLI::Range(0.05, 600.0));
  app.add_option("--rounds", options.rounds, "Rounds, of which the median counts")->check(CLI::Range(1, 1000));
  app.add_option("--connections", options.connections, "Connections besides one")->check(CLI::Range(1, 5000));
  app.add_option("--threads", options.threads, "Threads of the server")->check(CLI::Range(1, 64));
  app.add_option("--items", options.items, "Items to enumerate")->check(CLI::Range(1, 10'000'000));
  app.add_option("--batch", options.batch, "Items in one Pull")->check(CLI::Range(1, 8000));
  app.add_option("--only", options.only, "Only what has this in its name: \"listener, UNIX\", \"64\", \"Enumerate\"");
  CLI11_PARSE(app, argc, argv);

  const test_support::TestPki pki;
  const test_support::Identity client = pki.client("client.test");
  bench::LoadProcess load({client.certificate, client.private_key});
  Server server(pki, options);

  std::vector<Subject> subjects;
  subjects.push_back(
      {"listener", bench::http_request("/wsman", envelope(wsman::action::kGet, config::kListenerUri,
                                                          "<w:SelectorSet><w:Selector Name=\"Address\">*</w:Selector>"
                                                          "<w:Selector Name=\"Transport\">HTTP</w:Selector></w:SelectorSet>",
                                                          ""))});
  subjects.push_back({"config", bench::http_request(
                                    "/wsman", envelope(wsman::action::kGet, config::uri_of(config::Node::Config), "", ""))});
  for (Subject& subject : subjects) subject.answer_size = size_of_answer(load, server, subject.request);

  std::printf("%-34s %9s %9s %9s %9s %9s %9s\n", "", "per s", "p50 us", "p99 us", "CPU us", "client us", "allocs");
  std::vector<std::string> lines;
  for (const bool tls : {false, true}) {
    for (const std::size_t connections : {std::size_t{1}, options.connections}) {
      for (const Subject& subject : subjects) lines.push_back(compare(load, server, subject, tls, connections, options));
    }
    lines.push_back(enumerate(load, server, tls, options));
  }
  std::string json;
  for (const std::string& line : lines) {
    if (line.empty()) continue;
    json += (json.empty() ? "" : ",") + line;
  }
  std::printf("{\"bench\":\"wsman\",\"seconds\":%g,\"rounds\":%zu,\"threads\":%u,\"results\":[%s]}\n", options.seconds,
              options.rounds, options.threads, json.c_str());
  return 0;
}
