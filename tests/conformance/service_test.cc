// The cases that need no resource of our own making, sent over HTTP to a collector that runs: to its control socket as an
// administrator, over TLS as a machine. At the end it is counted which faults were seen from outside.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "engine/http/client.h"
#include "engine/http/tls.h"
#include "engine/wsman/envelope.h"
#include "tests/conformance/case_file.h"
#include "tests/conformance/pattern.h"
#include "tests/conformance/wire.h"
#include "tests/integration/stack.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace conformance {
namespace {

using test_support::IsOk;
using test_support::Loop;
using test_support::run_on;

constexpr const char* kMachine = "host7.lab.example";
/// What of the catalogue of faults has to be seen from outside, at least.
constexpr std::size_t kWanted = 60;

/// The collector of all cases, and the faults that it has answered: subcode, detail, number.
struct World {
  World() {
    stack.issue(kMachine);
    stack.start_collector();
  }
  integration::Stack stack;
  std::set<std::string> faults;
};

World* world = nullptr;

class Environment final : public ::testing::Environment {
 public:
  void SetUp() override { world = new World; }
  void TearDown() override {
    std::cout << world->faults.size() << " faults seen over HTTP (subcode, detail, number):\n";
    for (const std::string& fault : world->faults) std::cout << "  " << fault << "\n";
    // Where a filter leaves cases out there is nothing to count.
    const auto& unit = *::testing::UnitTest::GetInstance();
    if (unit.test_to_run_count() == unit.total_test_count()) {
      EXPECT_GE(world->faults.size(), kWanted);
    }
    delete world;
    world = nullptr;
  }
};

const auto* const environment = ::testing::AddGlobalTestEnvironment(new Environment);

http::Client connect(const std::string& as) {
  http::Url url;
  url.host = "localhost";
  url.target = "/";
  http::ClientOptions options;
  if (as == "administrator") {
    options.unix_path = world->stack.collector_state() / "control.sock";
    return http::Client(std::move(url), std::move(options));
  }
  url.tls = true;
  url.port = static_cast<std::uint16_t>(world->stack.port());
  http::TlsClientOptions tls;
  tls.ca = world->stack.pki() / "ca.pem";
  tls.certificate = world->stack.pki() / (std::string(kMachine) + ".pem");
  tls.private_key = world->stack.pki() / (std::string(kMachine) + ".key");
  auto context = http::TlsClientContext::load(tls);
  EXPECT_THAT(context, IsOk());
  if (context.ok()) options.tls = std::move(*context);
  return http::Client(std::move(url), std::move(options));
}

void remember_fault(const http::Response& response) {
  wsman::Charset charset{};
  const auto type = response.fields.find("Content-Type").value_or("");
  auto text = wsman::decode_text(response.body, type, charset);
  if (!text.ok()) return;
  const auto envelope = wsman::read_envelope(std::move(*text));
  if (!envelope.ok()) return;
  if (!envelope->body().is("http://www.w3.org/2003/05/soap-envelope", "Fault")) return;
  const auto body = envelope->body();
  const auto code = body.child("Code");
  const auto detail = body.child("Detail");
  std::string name = code.child("Subcode") ? code.child("Subcode").child("Value").text() : code.child("Value").text();
  std::string particular = detail.child("FaultDetail").text();
  particular.erase(0, particular.rfind('/') == std::string::npos ? 0 : particular.rfind('/') + 1);
  if (!particular.empty()) name += " " + particular;
  world->faults.insert(name + " " + std::string(detail.child("WSManFault").attribute("Code").value_or("")));
}

/// The machine that a fault names is the one that the tests run on.
Part of_this_machine(Part part) {
  const std::string fixed = "Machine=\"wec.lab.example\"";
  if (const auto at = part.text.find(fixed); at != std::string::npos)
    part.text.replace(at, fixed.size(), "Machine=\"{{any}}\"");
  return part;
}

struct Source {
  std::string name;
  std::filesystem::path file;
};

void PrintTo(const Source& source, std::ostream* out) {
  *out << source.name;
}

std::vector<Source> sources() {
  const std::filesystem::path folder = MUSTER_CONFORMANCE_CASES;
  std::vector<Source> found;
  for (const std::string& name : case_files(folder)) {
    const auto read = read_case(folder / (name + ".txt"));
    if (read.ok() && read->about.contains("anywhere")) found.push_back({name, folder / (name + ".txt")});
  }
  for (const std::string& name : case_files(folder / "service")) {
    found.push_back({"service-" + name, folder / "service" / (name + ".txt")});
  }
  return found;
}

class OverHttp : public ::testing::TestWithParam<Source> {};

TEST_P(OverHttp, AnswersAsSpecified) {
  const auto played = read_case(GetParam().file);
  ASSERT_THAT(played, IsOk());
  SCOPED_TRACE(played->about.at("name") + " (" + played->about.at("spec") + ")");
  Loop loop;
  http::Client client = connect(played->about.at("as"));
  Names names;
  for (std::size_t i = 0; i < played->exchanges.size(); ++i) {
    SCOPED_TRACE("exchange " + std::to_string(i + 1));
    auto request = request_of(played->exchanges[i].request, names);
    const auto response = run_on(loop.executor(), client.exchange(std::move(request), std::chrono::seconds(30)));
    ASSERT_THAT(response, IsOk());
    remember_fault(*response);
    for (const std::string& problem : differences(of_this_machine(played->exchanges[i].answer), *response, names)) {
      ADD_FAILURE() << problem;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, OverHttp, ::testing::ValuesIn(sources()),
                         [](const auto& instance) { return as_test_name(instance.param.name); });

}  // namespace
}  // namespace conformance
