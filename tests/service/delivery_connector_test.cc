#include "engine/service/delivery_connector.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "engine/auth/certificate.h"
#include "engine/wsman/names.h"
#include "tests/support/run.h"

namespace service {
namespace {

using boost::asio::ip::tcp;
using wsman::FaultCode;

/// Somebody who listens.
class Ear {
 public:
  explicit Ear(const char* address) : acceptor_(context_, tcp::endpoint(boost::asio::ip::make_address(address), 0)) {}
  std::string url(const std::string& host, const std::string& scheme = "http") const {
    return scheme + "://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/events";
  }
  void close() { acceptor_.close(); }

 private:
  boost::asio::io_context context_;
  tcp::acceptor acceptor_;
};

class DeliveryConnectorTest : public ::testing::Test {
 protected:
  DeliveryConnectorTest() {
    who_.scheme = auth::Principal::Scheme::Basic;
    who_.name = "reader";
  }
  wsman::Result<wsman::Connect> find() {
    return test_support::run(connector_.find(wsman::Subscriber{who_, address_}, how_));
  }
  /// The fault's code; fails the test where there is none.
  FaultCode refusal() {
    auto found = find();
    if (found.ok()) {
      ADD_FAILURE() << "it was let through";
      return FaultCode::InternalError;
    }
    return found.error().code;
  }

  auth::Principal who_;
  std::string address_ = "127.0.0.1:49210";
  wsman::SubscribeRequest how_;
  DeliveryConnector connector_{nullptr};
};

TEST_F(DeliveryConnectorTest, KnowsThePeersAddress) {
  EXPECT_EQ(host_of_peer("192.0.2.7:49210"), "192.0.2.7");
  EXPECT_EQ(host_of_peer("[2001:db8::7]:49210"), "2001:db8::7");
  EXPECT_EQ(host_of_peer("[::ffff:192.0.2.7]:49210"), "192.0.2.7");
  EXPECT_EQ(host_of_peer("unix"), "");
  EXPECT_EQ(host_of_peer(""), "");
}

TEST_F(DeliveryConnectorTest, LeadsToTheSubscribersOwnAddress) {
  const Ear ear("127.0.0.1");
  how_.notify_to.address = ear.url("127.0.0.1");
  auto found = find();
  ASSERT_TRUE(found.ok()) << found.error().reason;
  EXPECT_NE((*found)(how_.notify_to, how_), nullptr);
}

TEST_F(DeliveryConnectorTest, LeadsToANameOfTheSubscribersOwnAddress) {
  const Ear ear("127.0.0.1");
  how_.notify_to.address = ear.url("localhost");
  EXPECT_TRUE(find().ok());
}

TEST_F(DeliveryConnectorTest, LeadsNobodyToAnotherAddress) {
  const Ear ear("127.0.0.2");
  how_.notify_to.address = ear.url("127.0.0.2");
  EXPECT_EQ(refusal(), FaultCode::UnusableAddress);
}

TEST_F(DeliveryConnectorTest, LeadsNobodyElsewhereAtTheEnd) {
  const Ear own("127.0.0.1");
  const Ear other("127.0.0.2");
  how_.notify_to.address = own.url("127.0.0.1");
  how_.end_to.address = other.url("127.0.0.2");
  EXPECT_EQ(refusal(), FaultCode::UnusableAddress);
}

TEST_F(DeliveryConnectorTest, LeadsNobodyAnywhereWhoseAddressIsUnknown) {
  const Ear ear("127.0.0.1");
  how_.notify_to.address = ear.url("127.0.0.1");
  address_ = "unix";
  EXPECT_EQ(refusal(), FaultCode::UnusableAddress);
}

TEST_F(DeliveryConnectorTest, LeadsAdministratorsWhereTheyWant) {
  const Ear ear("127.0.0.2");
  how_.notify_to.address = ear.url("127.0.0.2");
  who_.administrator = true;
  EXPECT_TRUE(find().ok());
}

TEST_F(DeliveryConnectorTest, GivesNoTransportToAnAddressThatWasNotLookedAt) {
  const Ear ear("127.0.0.1");
  how_.notify_to.address = ear.url("127.0.0.1");
  auto found = find();
  ASSERT_TRUE(found.ok());
  wsman::NotifyAddress other;
  other.address = ear.url("127.0.0.2");
  EXPECT_EQ((*found)(other, how_), nullptr);
}

TEST_F(DeliveryConnectorTest, WantsSomebodyToListen) {
  Ear ear("127.0.0.1");
  how_.notify_to.address = ear.url("127.0.0.1");
  ear.close();
  EXPECT_EQ(refusal(), FaultCode::UnusableAddress);
}

TEST_F(DeliveryConnectorTest, SendsNothingInClearToWhoeverHasShownACertificate) {
  const Ear ear("127.0.0.1");
  how_.notify_to.address = ear.url("127.0.0.1");
  who_.scheme = auth::Principal::Scheme::Certificate;
  EXPECT_EQ(refusal(), FaultCode::UnsupportedInsecureAddress);
}

TEST_F(DeliveryConnectorTest, SendsNothingOverTlsWithoutACertificate) {
  const Ear ear("127.0.0.1");
  how_.notify_to.address = ear.url("127.0.0.1", "https");
  EXPECT_EQ(refusal(), FaultCode::EventDeliverToUnusable);
}

TEST_F(DeliveryConnectorTest, RefusesAPolicyThatItCannotSatisfy) {
  const Ear ear("127.0.0.1");
  how_.notify_to.address = ear.url("127.0.0.1");
  how_.notify_to.profile = std::string(wsman::kProfilePrefix) + "http/spnego-kerberos";
  EXPECT_EQ(refusal(), FaultCode::EventDeliverToUnusable);
}

}  // namespace
}  // namespace service
