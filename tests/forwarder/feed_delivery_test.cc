// What a feed sends, and when.

#include "tests/forwarder/feed_fixture.h"

namespace forwarder_test {
namespace {

namespace action = wsman::action;
using forwarder::FeedEnd;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

class FeedDelivery : public FeedTest {
 protected:
  static std::vector<std::string> numbered(int count, std::size_t padding = 0) {
    std::vector<std::string> texts;
    for (int i = 1; i <= count; ++i) texts.push_back(std::to_string(i) + std::string(padding, '.'));
    return texts;
  }
  static std::vector<int> up_to(int last) {
    std::vector<int> numbers;
    for (int i = 1; i <= last; ++i) numbers.push_back(i);
    return numbers;
  }
  /// The octets of each Events message as it goes over the wire.
  std::vector<std::size_t> sizes() const {
    const bool utf8 = offer_.subscribe.content_encoding == "UTF-8";
    std::vector<std::size_t> octets;
    for (const auto& message : collector_.received(action::kEvents)) {
      octets.push_back(wsman::encode_text(message.text, utf8 ? wsman::Charset::Utf8 : wsman::Charset::Utf16).size());
    }
    return octets;
  }
  std::vector<std::size_t> counts() const {
    std::vector<std::size_t> counts;
    for (const auto& message : collector_.received(action::kEvents)) counts.push_back(message.events.size());
    return counts;
  }
};

TEST_F(FeedDelivery, BeginsWithAHeartbeat) {
  log({"one"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  const auto first = collector_.received().at(0);
  EXPECT_TRUE(first.is(action::kHeartbeat));
  EXPECT_EQ(first.headers.to, how_.notify_to.address);
  EXPECT_EQ(first.headers.identifier, how_.notify_to.identifier);
  EXPECT_EQ(first.headers.machine_id, "host7.lab.example");
  EXPECT_TRUE(first.headers.ack_requested);
}

TEST_F(FeedDelivery, SendsTheBookmarkOfTheLastEvent) {
  log({"one", "two"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  const auto message = collector_.received(action::kEvents).at(0);
  ASSERT_TRUE(message.headers.bookmark);
  const auto bookmark = events::Bookmark::parse(*message.headers.bookmark);
  ASSERT_TRUE(bookmark.ok());
  EXPECT_EQ(bookmark->find("Application"), 2u);
  EXPECT_EQ(bookmark->current, "Application");
}

TEST_F(FeedDelivery, SendsNoBookmarkWhereNoneIsWanted) {
  log({"one"});
  how_.send_bookmarks = false;
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_FALSE(collector_.received(action::kEvents).at(0).headers.bookmark);
}

TEST_F(FeedDelivery, PutsAtMostMaxElementsIntoABatch) {
  log(numbered(7));
  how_.max_elements = 3;
  start();
  ASSERT_TRUE(gets(3, action::kEvents));
  EXPECT_THAT(counts(), ElementsAre(3, 3, 1));
  EXPECT_EQ(delivered(), up_to(7));
}

TEST_F(FeedDelivery, SendsAFullBatchAtOnce) {
  log(numbered(3));
  how_.max_elements = 3;
  how_.max_time = seconds(600);
  start();
  EXPECT_TRUE(gets(1, action::kEvents));
}

TEST_F(FeedDelivery, LetsABatchWaitForMaxTime) {
  log({"one"});
  how_.max_time = seconds(30);
  start();
  settle();
  advance(seconds(29));
  log({"two"});
  settle();
  EXPECT_THAT(collector_.received(action::kEvents), IsEmpty());
  advance(seconds(1));
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(counts(), ElementsAre(2));
}

TEST_F(FeedDelivery, SendsAHeartbeatInSilence) {
  how_.heartbeats = seconds(60);
  start();
  settle();
  advance(seconds(59));
  EXPECT_THAT(collector_.received(), SizeIs(1));
  advance(seconds(1));
  ASSERT_TRUE(gets(2, action::kHeartbeat));
  advance(seconds(60));
  ASSERT_TRUE(gets(3, action::kHeartbeat));
}

TEST_F(FeedDelivery, CountsTheHeartbeatFromTheLastDelivery) {
  how_.heartbeats = seconds(60);
  start();
  settle();
  advance(seconds(40));
  log({"one"});
  ASSERT_TRUE(gets(1, action::kEvents));
  settle();
  advance(seconds(40));
  settle();
  EXPECT_THAT(collector_.received(action::kHeartbeat), SizeIs(1));
  advance(seconds(20));
  EXPECT_TRUE(gets(2, action::kHeartbeat));
}

TEST_F(FeedDelivery, SendsWaitingEventsWhenAHeartbeatIsDue) {
  log({"one"});
  how_.heartbeats = seconds(60);
  how_.max_time = seconds(21'600);
  start();
  settle();
  advance(seconds(60));
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.received(action::kHeartbeat), SizeIs(1));
}

TEST_F(FeedDelivery, KeepsWithinMaxEnvelopeSizeInUtf16) {
  log(numbered(200, 500));
  how_.max_envelope_size = 40'000;
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 200; }));
  EXPECT_EQ(delivered(), up_to(200));
  const auto octets = sizes();
  EXPECT_THAT(octets, Each(Le(40'000u)));
  EXPECT_GT(octets.at(0), 33'000u) << "and uses it";
}

TEST_F(FeedDelivery, KeepsWithinMaxEnvelopeSizeInUtf8) {
  log(numbered(200, 500));
  how_.content_encoding = "UTF-8";
  how_.max_envelope_size = 40'000;
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 200; }));
  EXPECT_EQ(delivered(), up_to(200));
  const auto octets = sizes();
  EXPECT_THAT(octets, Each(Le(40'000u)));
  EXPECT_GT(octets.at(0), 33'000u);
}

TEST_F(FeedDelivery, CountsCharactersThatAreLongerInOneEncoding) {
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) {
    std::string text;
    for (int n = 0; n < 100; ++n) text += i % 2 == 0 ? "\u4e16" : "\U0001F600";
    texts.push_back(text);
  }
  log(texts);
  how_.max_envelope_size = 30'000;
  for (const char* encoding : {"UTF-16", "UTF-8"}) {
    how_.content_encoding = encoding;
    how_.bookmark = events::kEarliestBookmark;
    const std::size_t before = collector_.events().size();
    const std::size_t messages = collector_.received(action::kEvents).size();
    start();
    ASSERT_TRUE(eventually([&] { return collector_.events().size() >= before + 100; }));
    auto octets = sizes();
    octets.erase(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(messages));
    EXPECT_THAT(octets, Each(Le(30'000u))) << encoding;
    stop();
  }
}

TEST_F(FeedDelivery, CountsWhatCdataAddsToAnEvent) {
  // Each of these three characters ends a section, and takes a new one.
  std::string text;
  for (int i = 0; i < 400; ++i) text += "]]>";
  log(std::vector<std::string>(20, text));
  how_.max_envelope_size = 40'000;
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 20; }));
  EXPECT_THAT(sizes(), Each(Le(40'000u)));
}

TEST_F(FeedDelivery, CountsTheBookmarkOfManyChannels) {
  std::vector<std::string> channels;
  for (int i = 0; i < 60; ++i) channels.push_back("Vendor-Product-Component-" + std::to_string(i) + "/Operational");
  for (const auto& channel : channels) log({std::string(200, 'x'), std::string(200, 'y')}, channel);
  how_.filter = query_of(channels);
  how_.max_envelope_size = 40'000;
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 120; }));
  EXPECT_THAT(sizes(), Each(Le(40'000u)));
}

TEST_F(FeedDelivery, CountsLongReferenceProperties) {
  for (int i = 0; i < 8; ++i) {
    how_.notify_to.reference_properties.push_back("<Revision" + std::to_string(i) + ">" + std::string(1000, 'r') +
                                                  "</Revision" + std::to_string(i) + ">");
  }
  log(numbered(50, 500));
  how_.max_envelope_size = 40'000;
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 50; }));
  EXPECT_THAT(sizes(), Each(Le(40'000u)));
  EXPECT_THAT(collector_.received(action::kEvents).at(0).text, HasSubstr("<Revision7>rrr"));
}

TEST_F(FeedDelivery, TellsHowManyEventsWereTooLarge) {
  log({"one", std::string(30'000, 'x'), std::string(30'000, 'x'), "four"});
  how_.max_envelope_size = 40'000;
  how_.oversize = wsman::OversizePolicy::Notify;
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  const auto message = collector_.received(action::kEvents).at(0);
  EXPECT_EQ(message.dropped, 2u);
  EXPECT_EQ(delivered(), (std::vector<int>{1, 4}));
}

TEST_F(FeedDelivery, TellsOfALargeEventThatIsAlone) {
  log({std::string(30'000, 'x')});
  how_.max_envelope_size = 40'000;
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  const auto message = collector_.received(action::kEvents).at(0);
  EXPECT_EQ(message.dropped, 1u);
  EXPECT_THAT(message.events, IsEmpty());
  EXPECT_THAT(message.headers.bookmark.value_or(""), HasSubstr("RecordId='1'"));
}

TEST_F(FeedDelivery, SkipsWhatIsTooLarge) {
  log({"one", std::string(30'000, 'x'), "three"});
  how_.max_envelope_size = 40'000;
  how_.oversize = wsman::OversizePolicy::Skip;
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_EQ(collector_.received(action::kEvents).at(0).dropped, 0u);
  EXPECT_EQ(delivered(), (std::vector<int>{1, 3}));
}

TEST_F(FeedDelivery, CancelsForAnEventThatIsTooLargeAfterWhatCameBefore) {
  log({"one", std::string(30'000, 'x'), "three"});
  how_.max_envelope_size = 40'000;
  how_.oversize = wsman::OversizePolicy::CancelSubscription;
  start();
  ASSERT_TRUE(ends(FeedEnd::Unusable));
  EXPECT_EQ(delivered(), (std::vector<int>{1}));
  const auto ended = collector_.received(action::kSubscriptionEnd);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end_code, "13");
  EXPECT_EQ(ended[0].headers.identifier, how_.notify_to.identifier);
}

TEST_F(FeedDelivery, SendsRawEventsAsTheyAreStored) {
  log({"one"});
  how_.content_format = "Raw";
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.events().at(0), Not(HasSubstr("RenderingInfo")));
}

TEST_F(FeedDelivery, RendersEventsWhereAsked) {
  log({"one"});
  how_.content_format = "RenderedText";
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.events().at(0), HasSubstr("<RenderingInfo Culture='en-US'><Message>one</Message>"));
}

TEST_F(FeedDelivery, KeepsWithinMaxEnvelopeSizeWithRenderedEvents) {
  log(numbered(200, 500));
  how_.content_format = "RenderedText";
  how_.max_envelope_size = 40'000;
  start();
  ASSERT_TRUE(eventually([&] { return delivered().size() >= 200; }));
  EXPECT_EQ(delivered(), up_to(200));
  EXPECT_THAT(sizes(), Each(Le(40'000u)));
}

TEST_F(FeedDelivery, WrapsEventsInCdata) {
  log({"one"});
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.received(action::kEvents).at(0).text,
              HasSubstr("<w:Event Action=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Event\"><![CDATA[<Event "));
}

TEST_F(FeedDelivery, SendsEventsAsElementsWithoutTheCdataOption) {
  log({"one"});
  how_.cdata = false;
  start();
  ASSERT_TRUE(gets(1, action::kEvents));
  EXPECT_THAT(collector_.received(action::kEvents).at(0).text,
              HasSubstr("<w:Event Action=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Event\"><Event "));
}

}  // namespace
}  // namespace forwarder_test
