// How many machines a second a collector can tell their subscriptions, against Identify on the same connections.
//
//   bench_enumerate [--subscriptions 50] [--connections 64] [--seconds 1] [--rounds 5] [--utf8]
//
// The collector is the real program behind TLS with client certificates; every subscription has a stored bookmark of the
// machine that asks. Identify passes through the same reading, authentication, envelopes and writing, and says next to
// nothing. The two take turns, round by round; the figures are medians of the rounds. Prints one line of JSON.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "engine/wsman/envelope.h"
#include "engine/wsman/eventing.h"
#include "engine/wsman/names.h"
#include "tests/bench/http_load.h"
#include "tests/integration/stack.h"

namespace {

using Seconds = std::chrono::duration<double>;

constexpr const char* kMachine = "source0";
constexpr const char* kUtf8 = "Content-Type: application/soap+xml;charset=UTF-8";

struct Options {
  std::size_t subscriptions = 50;
  std::size_t connections = 64;
  double seconds = 1;
  std::size_t rounds = 5;
  bool utf8 = false;
};

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "bench_enumerate: %s\n", text.c_str());
  std::exit(1);
}

/// Source: wef-wire, section 8.1.
std::string enumerate_text() {
  return "<s:Envelope xmlns:s=\"" + std::string(wsman::ns::kSoap) + "\" xmlns:a=\"" + std::string(wsman::ns::kAddressing) +
         "\" xmlns:n=\"" + std::string(wsman::ns::kEnumeration) + "\" xmlns:w=\"" + std::string(wsman::ns::kWsman) +
         "\" xmlns:p=\"" + std::string(wsman::ns::kMicrosoft) +
         "\"><s:Header><a:To>https://localhost:5986/wsman/SubscriptionManager/WEC</a:To><w:ResourceURI "
         "s:mustUnderstand=\"true\">" +
         std::string(wsman::resource::kSubscriptionList) +
         "</w:ResourceURI><m:MachineID xmlns:m=\"http://schemas.microsoft.com/wbem/wsman/1/machineid\" "
         "s:mustUnderstand=\"false\">" +
         kMachine + "</m:MachineID><a:ReplyTo><a:Address s:mustUnderstand=\"true\">" + std::string(wsman::kAnonymous) +
         "</a:Address></a:ReplyTo><a:Action s:mustUnderstand=\"true\">" + std::string(wsman::action::kEnumerate) +
         "</a:Action><w:MaxEnvelopeSize s:mustUnderstand=\"true\">512000</w:MaxEnvelopeSize><a:MessageID>"
         "uuid:0F4D2C9A-1111-4A5B-8C3D-000000000001</a:MessageID><w:OperationTimeout>PT60.000S</w:OperationTimeout>"
         "</s:Header><s:Body><n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>32000</w:MaxElements></n:Enumerate></"
         "s:Body>"
         "</s:Envelope>";
}

std::string identify_text() {
  return "<s:Envelope xmlns:s=\"" + std::string(wsman::ns::kSoap) + "\"><s:Header/><s:Body><i:Identify xmlns:i=\"" +
         std::string(wsman::ns::kIdentity) + "\"/></s:Body></s:Envelope>";
}

std::string delivery_text(const std::string& identifier, const std::string& bookmark) {
  wsman::Message message;
  message.headers.action = wsman::action::kHeartbeat;
  message.headers.to = "https://localhost:5986/wsman/subscriptions/" + identifier;
  message.headers.message_id = wsman::new_message_id();
  message.headers.reply_to = wsman::kAnonymous;
  message.headers.ack_requested = true;
  message.headers.machine_id = kMachine;
  message.headers.bookmark = bookmark;
  message.headers.action = wsman::action::kEvents;
  message.body = "<w:Events></w:Events>";
  return wsman::write_envelope(message);
}

void subscribe(integration::Stack& stack, const Options& options) {
  for (std::size_t i = 0; i < options.subscriptions; ++i) {
    integration::SubscriptionText text;
    text.id = "baseline" + std::to_string(i);
    text.query = "<QueryList><Query Id='0'><Select Path='Security'>*[System[(EventID=4624 or EventID=4625 or EventID=" +
                 std::to_string(4700 + i) +
                 ")]]</Select><Select Path='System'>*[System[Level&lt;=3]]</Select></Query></QueryList>";
    stack.create_subscription(text);
  }
}

/// Lets the machine have a bookmark for each subscription, as after its first delivery.
void deliver_once(const integration::Stack& stack, const Options& options) {
  const auto offered = stack.post(kMachine, "/wsman/SubscriptionManager/WEC", enumerate_text(), {kUtf8});
  if (offered.status != 200 || offered.body.find("EndOfSequence") == std::string::npos) {
    fail("not all subscriptions are told in one answer: " + offered.body.substr(0, 500));
  }
  constexpr std::string_view kPath = "/wsman/subscriptions/";
  std::vector<std::string> identifiers;
  for (auto at = offered.body.find(kPath); at != std::string::npos; at = offered.body.find(kPath, at + 1)) {
    identifiers.push_back(offered.body.substr(at + kPath.size(), 36));
  }
  std::sort(identifiers.begin(), identifiers.end());
  identifiers.erase(std::unique(identifiers.begin(), identifiers.end()), identifiers.end());
  if (identifiers.size() != options.subscriptions) fail("the machine is not offered every subscription");
  for (const std::string& identifier : identifiers) {
    const auto reply = stack.post(kMachine, std::string(kPath) + identifier,
                                  delivery_text(identifier,
                                                "<BookmarkList><Bookmark Channel=\"Security\" RecordId=\"4294967\" "
                                                "IsCurrent=\"true\"/><Bookmark Channel=\"System\" RecordId=\"12345\"/>"
                                                "</BookmarkList>"),
                                  {kUtf8});
    if (reply.status != 200) fail("a delivery was refused: " + reply.body);
  }
}

std::string request_of(const std::string& path, const std::string& text, bool utf8) {
  const auto charset = utf8 ? wsman::Charset::Utf8 : wsman::Charset::Utf16;
  const std::string body = wsman::encode_text(text, charset);
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nConnection: Keep-Alive\r\nUser-Agent: Microsoft WinRM Client\r\n" +
         "Content-Type: " + std::string(wsman::content_type_of(charset)) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Figures {
  double rate = 0;
  double p50 = 0;
  double p99 = 0;
  double cpu = 0;  ///< of the collector, microseconds an operation
  double bytes = 0;
};

double median(const std::vector<Figures>& rounds, double Figures::*part) {
  std::vector<double> values;
  for (const Figures& round : rounds) values.push_back(round.*part);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string json_of(const std::vector<Figures>& rounds) {
  std::array<char, 200> text{};
  std::snprintf(text.data(), text.size(),
                "{\"per_s\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"collector_cpu_us\":%.1f,\"answer_bytes\":%.0f}",
                median(rounds, &Figures::rate), median(rounds, &Figures::p50), median(rounds, &Figures::p99),
                median(rounds, &Figures::cpu), median(rounds, &Figures::bytes));
  return text.data();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures Enumerate of a machine's subscriptions against Identify.");
  app.add_option("--subscriptions", options.subscriptions, "Offered to the machine")->check(CLI::Range(1, 1000));
  app.add_option("--connections", options.connections, "That ask at the same time")->check(CLI::Range(1, 5000));
  app.add_option("--seconds", options.seconds, "Length of one round")->check(CLI::Range(0.05, 600.0));
  app.add_option("--rounds", options.rounds, "Rounds, of which the median counts")->check(CLI::Range(1, 1000));
  app.add_flag("--utf8", options.utf8, "Ask in UTF-8 instead of UTF-16");
  CLI11_PARSE(app, argc, argv);

  integration::Stack stack;
  stack.issue(kMachine);
  const auto file = [&](const std::string& suffix) { return stack.pki() / (kMachine + suffix); };
  bench::LoadProcess load({file(".pem"), file(".key")});
  stack.start_collector();
  subscribe(stack, options);
  deliver_once(stack, options);

  bench::Target target;
  target.port = static_cast<std::uint16_t>(stack.port());
  const auto measure = [&](const std::string& request) {
    const auto cpu = stack.collector().cpu_time();
    const bench::LoadReport report = load.repeat(target, request, options.connections, options.seconds);
    const auto operations = static_cast<double>(report.operations);
    const double spent = Seconds(stack.collector().cpu_time() - cpu).count() * 1e6;
    return Figures{operations / report.elapsed * 1e6, report.p50, report.p99, spent / operations,
                   static_cast<double>(report.bytes) / operations};
  };
  const std::string identify = request_of("/wsman", identify_text(), options.utf8);
  const std::string enumerate = request_of("/wsman/SubscriptionManager/WEC", enumerate_text(), options.utf8);
  std::vector<Figures> bare;
  std::vector<Figures> full;
  std::vector<Figures> ratios;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    bare.push_back(measure(identify));
    full.push_back(measure(enumerate));
    ratios.push_back({full.back().rate / bare.back().rate});
  }
  std::printf(
      "{\"bench\":\"enumerate\",\"subscriptions\":%zu,\"connections\":%zu,\"seconds\":%g,\"rounds\":%zu,\"charset\":\"%s\","
      "\"identify\":%s,\"enumerate\":%s,\"ratio\":%.3f}\n",
      options.subscriptions, options.connections, options.seconds, options.rounds, options.utf8 ? "UTF-8" : "UTF-16",
      json_of(bare).c_str(), json_of(full).c_str(), median(ratios, &Figures::rate));
  return 0;
}
