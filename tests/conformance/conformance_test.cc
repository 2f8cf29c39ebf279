// Plays each file of this folder against the endpoint and the dispatcher.

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/auth/certificate.h"
#include "engine/auth/local_peer.h"
#include "engine/wsman/endpoint.h"
#include "engine/wsman/eventing.h"
#include "engine/wsman/names.h"
#include "tests/conformance/case_file.h"
#include "tests/conformance/pattern.h"
#include "tests/conformance/wire.h"
#include "tests/wsman/fakes.h"
#include "tests/wsman/subscription_fixture.h"

namespace conformance {
namespace {

using test_support::run_on;

/// The list that sources enumerate, with as many subscriptions as a case asks for.
class SubscriptionList final : public wsman::Resource {
 public:
  std::string_view uri() const override { return wsman::resource::kSubscriptionList; }
  std::optional<bool> may_use(const auth::Principal& who, std::string_view) const override {
    return who.scheme == auth::Principal::Scheme::Certificate;
  }
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call&, wsman::EnumerateRequest) override {
    std::vector<wsman::Item> items;
    for (int i = 1; i <= count; ++i) items.push_back(offer(i));
    co_return wsman::enumerate_items(std::move(items));
  }

  int count = 0;

 private:
  static wsman::Item offer(int number) {
    const std::string identifier = "5D0F3C11-3333-4F4E-8B77-00000000000" + std::to_string(number);
    wsman::OfferedSubscription offered;
    offered.version = "7C1B0E52-2222-4D0E-9A61-00000000000" + std::to_string(number);
    wsman::SubscribeRequest& subscribe = offered.subscribe;
    subscribe.resource_uri = wsman::resource::kEventLog;
    subscribe.mode = wsman::kModeEvents;
    subscribe.notify_to.address = "https://wec.lab.example:5986/wsman/subscriptions/" + identifier;
    subscribe.notify_to.identifier = identifier;
    subscribe.notify_to.profile = auth::kMutualProfile;
    subscribe.notify_to.issuer_thumbprints = {"1F0A5E3C77B94D20A1C64E9B8D2F60135CA7E89C"};
    subscribe.end_to = subscribe.notify_to;
    subscribe.heartbeats = std::chrono::seconds(900);
    subscribe.max_time = std::chrono::seconds(30);
    subscribe.dialect = wsman::kEventQueryDialect;
    subscribe.filter =
        "<QueryList><Query Id=\"0\"><Select Path=\"System\">*[System[(Level=1 or Level=2)]]</Select></Query></QueryList>";
    subscribe.bookmark = "<BookmarkList><Bookmark Channel=\"System\" RecordId=\"9041\" IsCurrent=\"true\"/></BookmarkList>";
    subscribe.subscription_name = "Lab " + std::to_string(number);
    subscribe.compression = true;
    subscribe.content_format = "Raw";
    subscribe.ignore_channel_error = true;
    wsman::Item item;
    item.xml = wsman::write_offer(offered);
    return item;
  }
};

/// The service of one case and one connection to it.
class Player {
 public:
  explicit Player(const Case& played) : endpoint_({}, service_.dispatcher, {&local_, &certificate_}) {
    service_.dispatcher.add(list_);
    service_.resource.items = {test_support::thing("one"), test_support::thing("two"), test_support::thing("three"),
                               test_support::thing("large", 40'000)};
    for (const wsman::Item& item : service_.resource.items) happenings_.add(item);
    service_.resource.make_subscription = [this](const wsman::SubscribeRequest&) {
      return wsman::Result<std::unique_ptr<wsman::Enumerator>>(happenings_.subscribe());
    };
    service_.dispatcher.serve_subscriptions(service_.loop.executor(), routes_);
    const auto about = [&](const std::string& key) {
      const auto found = played.about.find(key);
      return found == played.about.end() ? std::string() : found->second;
    };
    if (const auto count = about("subscriptions"); !count.empty()) list_.count = std::stoi(count);
    if (about("sink") == "refuses") {
      service_.sink.answer = wsman::make_fault(wsman::FaultCode::DeliveryRefused, "The subscription is gone");
    }
    if (about("sink") == "full") {
      service_.sink.answer = wsman::make_fault(wsman::FaultCode::EndpointUnavailable, "The disk is full");
    }
    connection_.peer.address = "192.0.2.7:49210";
    connection_.peer.transport = base::Peer::Transport::Tls;
    if (about("as") == "machine") {
      connection_.peer.certificate.emplace().dns_names = {"host7.lab.example"};
    } else if (about("as") == "administrator") {
      connection_.peer.transport = base::Peer::Transport::Unix;
      connection_.peer.process = base::PeerProcess{0, 0, 1};
    }
  }

  ~Player() {
    const auto end = [](wsman::Dispatcher& dispatcher) -> base::Task<bool> {
      co_await dispatcher.end_subscriptions();
      co_return true;
    };
    run_on(service_.loop.executor(), end(service_.dispatcher));
  }

  void play(const Exchange& exchange) {
    service_.sink.taken.clear();
    const http::Response response = send(exchange.request);
    for (const std::string& problem : differences(exchange.answer, response, names_)) ADD_FAILURE() << problem;
    std::vector<std::string> delivered;
    for (const wsman::Delivery& taken : service_.sink.taken) describe(taken, delivered);
    for (const std::string& line : exchange.delivered) {
      const std::string wanted = expanded(line, names_);
      const bool there = std::find(delivered.begin(), delivered.end(), wanted) != delivered.end();
      EXPECT_TRUE(there) << "not delivered: " << wanted;
    }
    EXPECT_EQ(exchange.delivered.size(), delivered.size()) << ::testing::PrintToString(delivered);
  }

 private:
  http::Response send(const Part& part) {
    http::Request request = request_of(part, names_);
    auto admission = run_on(service_.loop.executor(), endpoint_.admit(request.head, connection_));
    if (admission.refusal) return std::move(*admission.refusal);
    EXPECT_LE(request.body.size(), admission.max_body);
    return run_on(service_.loop.executor(), endpoint_.handle(std::move(request), connection_));
  }

  static void describe(const wsman::Delivery& taken, std::vector<std::string>& lines) {
    using Kind = wsman::Delivery::Kind;
    const char* kind = taken.kind == Kind::Events ? "events" : taken.kind == Kind::Heartbeat ? "heartbeat" : "end";
    lines.push_back(std::string(kind) + " for " + taken.identifier + " at " + taken.path + " from " + taken.who.name);
    if (!taken.machine_id.empty()) lines.push_back("machine " + taken.machine_id);
    if (taken.bookmark) lines.push_back("bookmark " + *taken.bookmark);
    if (taken.dropped != 0) lines.push_back("dropped " + std::to_string(taken.dropped));
    for (const std::string& event : taken.events) lines.push_back("event " + event);
    if (!taken.end_status.empty()) lines.push_back("status " + taken.end_status);
    if (taken.end_code != 0) lines.push_back("code " + std::to_string(taken.end_code));
    if (!taken.end_message.empty()) lines.push_back("message " + taken.end_message);
  }

  test_support::Service service_;
  test_support::FakeCollector subscriber_{service_.clock};
  wsman_test::Routes routes_{subscriber_};
  wsman_test::Happenings happenings_{service_.clock};
  SubscriptionList list_;
  auth::LocalPeerAuthenticator local_;
  auth::CertificateAuthenticator certificate_;
  wsman::Endpoint endpoint_;
  http::Connection connection_;
  Names names_;
};

class Conformance : public ::testing::TestWithParam<std::string> {};

TEST_P(Conformance, AnswersAsSpecified) {
  const auto played = read_case(std::filesystem::path(MUSTER_CONFORMANCE_CASES) / (GetParam() + ".txt"));
  ASSERT_TRUE(played.ok()) << played.error().message();
  SCOPED_TRACE(played->about.at("name") + " (" + played->about.at("spec") + ")");
  Player player(*played);
  for (std::size_t i = 0; i < played->exchanges.size(); ++i) {
    SCOPED_TRACE("exchange " + std::to_string(i + 1));
    player.play(played->exchanges[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, Conformance, ::testing::ValuesIn(case_files(MUSTER_CONFORMANCE_CASES)),
                         [](const auto& instance) { return as_test_name(instance.param); });

}  // namespace
}  // namespace conformance
