// No response is larger than the request allows, whatever is in it: swept over sizes, encodings and characters.

#include <gtest/gtest.h>

#include "engine/wsman/names.h"
#include "engine/xml/writer.h"
#include "tests/wsman/fakes.h"

namespace wsman {
namespace {

using test_support::RequestText;
using test_support::run_on;

constexpr std::string_view kUri = "urn:test:sized";

/// Answers whatever it is asked with as much text as it is told, or with a fault as long.
class SizedResource final : public Resource {
 public:
  std::string_view uri() const override { return kUri; }

  AsyncResult<Item> get(const Call&) override { co_return answer(); }
  AsyncResult<Item> put(const Call&) override { co_return answer(); }
  AsyncResult<Item> create(const Call&) override { co_return answer(); }
  AsyncResult<std::string> invoke(const Call&, std::string) override {
    ASSIGN_OR_CO_RETURN(Item item, answer());
    co_return item.xml;
  }
  AsyncResult<std::unique_ptr<Enumerator>> enumerate(const Call&, EnumerateRequest) override {
    if (fault) co_return *fault;
    std::vector<Item> items;
    for (int i = 0; i < 5; ++i) items.push_back(item());
    co_return enumerate_items(std::move(items));
  }

  std::string text;
  std::optional<Fault> fault;

 private:
  Result<Item> answer() const {
    if (fault) return *fault;
    return item();
  }
  Item item() const {
    Item item;
    item.xml = "<t:Thing xmlns:t='urn:test'>" + xml::escaped_text(text) + "</t:Thing>";
    item.selectors = {{"Name", text.substr(0, text.size() / 2 / unit * unit), {}}};
    return item;
  }

 public:
  std::size_t unit = 1;  ///< bytes of a character
};

struct Sweep {
  Charset charset;
  std::string_view character;
};

class ResponseSize : public ::testing::TestWithParam<Sweep> {
 protected:
  ResponseSize() { service_.dispatcher.add(resource_); }

  /// The answer as it goes over the wire.
  std::string send(RequestText request, std::uint64_t limit) {
    request.resource(kUri).block("m", "<w:MaxEnvelopeSize>" + std::to_string(limit) + "</w:MaxEnvelopeSize>");
    wsman::Caller caller = test_support::administrator();
    caller.charset = GetParam().charset;
    auto envelope = read_envelope(request.text());
    EXPECT_TRUE(envelope.ok());
    auto reply = run_on(service_.loop.executor(), service_.dispatcher.dispatch(std::move(*envelope), caller));
    EXPECT_TRUE(reply.has_value());
    message_ = std::move(*reply);
    return encode_text(write_envelope(message_), caller.charset);
  }
  bool is_fault() const { return message_.body.starts_with("<s:Fault>"); }

  std::string text(std::size_t bytes) const {
    std::string all;
    while (all.size() + GetParam().character.size() <= bytes) all += GetParam().character;
    return all;
  }
  RequestText long_message_id(std::string_view action) const {
    RequestText request(action);
    request.block("a:MessageID", "<a:MessageID>" + xml::escaped_text(text(2000)) + "</a:MessageID>");
    return request;
  }

  test_support::Service service_;
  SizedResource resource_;
  Message message_;
};

const std::uint64_t kLimits[] = {8192, 8193, 11'000, 20'000};

TEST_P(ResponseSize, OfAnInstanceStaysBelowTheLimitAndIsNotRefusedWithoutNeed) {
  const std::size_t width = GetParam().charset == Charset::Utf16 ? 2 : 1;
  resource_.unit = GetParam().character.size();
  for (const std::uint64_t limit : kLimits) {
    for (std::size_t bytes = 0; bytes < limit + limit / 4; bytes += 1207) {
      resource_.text = text(bytes);
      for (const std::string_view action : {action::kGet, action::kPut, action::kCreate}) {
        const std::string answer = send(RequestText(action).body("<t:Thing xmlns:t='urn:test'/>"), limit);
        ASSERT_LE(answer.size(), limit) << action << " of " << bytes;
        if (action != action::kGet || !is_fault()) continue;
        // What write_envelope() may need around a body is at most this much more than what it did need.
        const std::string body = encode_text(xml::escaped_text(resource_.text), GetParam().charset);
        EXPECT_GT(body.size() + 2000 * width, limit) << bytes;
      }
    }
  }
}

TEST_P(ResponseSize, OfAPageStaysBelowTheLimit) {
  resource_.unit = GetParam().character.size();
  for (const std::uint64_t limit : kLimits) {
    for (std::size_t bytes = 0; bytes < limit / 2; bytes += 1207) {
      resource_.text = text(bytes);
      for (const std::string_view mode : {"", "<w:EnumerationMode>EnumerateObjectAndEPR</w:EnumerationMode>"}) {
        RequestText open(action::kEnumerate);
        open.body("<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>5</w:MaxElements>" + std::string(mode) +
                  "</n:Enumerate>");
        ASSERT_LE(send(open, limit).size(), limit) << bytes;
        for (int pulls = 0; pulls < 5; ++pulls) {
          const auto from = message_.body.find("<n:EnumerationContext>");
          if (from == std::string::npos) break;
          const std::string rest = message_.body.substr(from + 22);
          RequestText pull(action::kPull);
          pull.body("<n:Pull><n:EnumerationContext>" + rest.substr(0, rest.find('<')) +
                    "</n:EnumerationContext><n:MaxElements>5</n:MaxElements></n:Pull>");
          ASSERT_LE(send(pull, limit).size(), limit) << bytes;
        }
      }
    }
  }
}

TEST_P(ResponseSize, OfAFaultStaysBelowTheLimit) {
  for (const std::uint64_t limit : kLimits) {
    for (std::size_t bytes = 0; bytes < limit + limit / 4; bytes += 2503) {
      for (const bool reason : {false, true}) {
        Fault fault = make_fault(FaultCode::ResourceNotFound);
        if (reason) fault.reason = text(bytes);
        fault.detail_xml = "<t:Detail xmlns:t='urn:test'>" + xml::escaped_text(text(bytes)) + "</t:Detail>";
        resource_.fault = fault;
        for (const std::string_view action : {action::kGet, action::kEnumerate}) {
          ASSERT_LE(send(RequestText(action).body("<n:Enumerate/>"), limit).size(), limit) << bytes;
          EXPECT_TRUE(is_fault());
          ASSERT_LE(send(long_message_id(action).body("<n:Enumerate/>"), limit).size(), limit) << bytes;
          EXPECT_TRUE(is_fault());
        }
      }
    }
  }
}

TEST_P(ResponseSize, OfTheAnswerToALongMessageIdStaysBelowTheLimit) {
  for (const std::uint64_t limit : kLimits) {
    for (const std::string_view action : {action::kGet, action::kDelete, action::kRelease, action::kEnumerate}) {
      ASSERT_LE(send(long_message_id(action).body("<n:Enumerate/>"), limit).size(), limit) << action;
    }
  }
}

TEST_P(ResponseSize, OfAFaultIsSpentOnItsOwnWordsWhereTheyFit) {
  Fault fault = make_fault(FaultCode::ResourceNotFound);
  fault.reason = text(400);
  resource_.fault = fault;
  send(RequestText(action::kGet), 8192);
  EXPECT_NE(message_.body.find(xml::escaped_text(fault.reason)), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, ResponseSize,
                         ::testing::Values(Sweep{Charset::Utf8, "a"}, Sweep{Charset::Utf8, "&"},
                                           Sweep{Charset::Utf8, "\u20ac"}, Sweep{Charset::Utf16, "a"},
                                           Sweep{Charset::Utf16, "&"}, Sweep{Charset::Utf16, "\u00e9"},
                                           Sweep{Charset::Utf16, "\U0001F600"}));

}  // namespace
}  // namespace wsman
