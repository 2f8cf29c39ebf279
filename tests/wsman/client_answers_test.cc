// What a client makes of answers, and what it sends for them.

#include <gtest/gtest.h>

#include "engine/base/win32.h"
#include "engine/wsman/client.h"
#include "engine/wsman/names.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"

namespace wsman {
namespace {

using test_support::IsError;
using test_support::IsOk;
using test_support::run;

/// What a service answers, one body after the other, and what it was asked.
struct Script {
  std::vector<std::string> bodies;
  std::string header;  ///< of each answer, besides the usual ones
  std::vector<Message> sent;
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(Script& script) : script_(script) {}
  base::AsyncResult<std::optional<Envelope>> round_trip(Message request, std::chrono::milliseconds) override {
    script_.sent.push_back(request);
    const std::size_t at = script_.sent.size() - 1;
    if (at >= script_.bodies.size()) co_return std::optional<Envelope>();
    Message reply = reply_to(request.headers, request.headers.action + "Response", script_.bodies[at]);
    if (!script_.header.empty()) reply.headers.extra.push_back(script_.header);
    auto envelope = read_envelope(write_envelope(reply));
    if (!envelope.ok()) co_return as_error(envelope.error());
    co_return std::optional<Envelope>(std::move(*envelope));
  }

 private:
  Script& script_;
};

Client client_of(Script& script) {
  ClientOptions options;
  options.to = "http://wec.lab.example:5985/wsman";
  return Client(std::make_unique<ScriptedTransport>(script), options);
}

Client::Target target() {
  Client::Target target;
  target.resource_uri = "urn:test:things";
  return target;
}

Client::Target fragment_target(std::string dialect = {}) {
  Client::Target with = target();
  with.fragment = Fragment{"Name", std::move(dialect)};
  return with;
}

std::string response(const std::string& name, const std::string& inside) {
  return "<n:" + name + "Response>" + inside + "</n:" + name + "Response>";
}

TEST(ClientAnswers, AnEmptyOneIsAnError) {
  Script script;
  EXPECT_THAT(run(client_of(script).get(target())), IsError(base::win32_code(2150858997)));
}

TEST(ClientAnswers, OneWithoutABodyIsAnError) {
  Script script{{""}, {}, {}};
  EXPECT_THAT(run(client_of(script).get(target())), IsError(base::win32_code(2150858996)));
}

TEST(ClientAnswers, ACreateNamesWhatIsCreated) {
  Script script{{"<a/>"}, {}, {}};
  EXPECT_THAT(run(client_of(script).create(target(), "<a/>")), IsError(base::win32_code(2150858992)));
}

TEST(ClientAnswers, AFragmentIsInItsWrapper) {
  Script wrong{{"<a/>"}, {}, {}};
  EXPECT_THAT(run(client_of(wrong).get(fragment_target())), IsError(base::win32_code(2150858994)));
  Script right{{"<w:XmlFragment/>"}, {}, {}};
  EXPECT_THAT(run(client_of(right).get(fragment_target())), IsOk());
  Script nothing{{""}, {}, {}};
  EXPECT_THAT(run(client_of(nothing).put(fragment_target(), "<w:XmlFragment/>")), IsOk());
}

TEST(ClientAnswers, FragmentsAndTypedOptionsAreSent) {
  Script script{{"<w:XmlFragment/>"}, {}, {}};
  auto wanted = fragment_target("urn:d");
  Option option;
  option.name = "a";
  option.value = "true";
  option.must_comply = true;
  option.type = "boolean";
  wanted.options.push_back(option);
  EXPECT_THAT(run(client_of(script).get(wanted)), IsOk());
  const auto envelope = read_envelope(write_envelope(script.sent.front()));
  ASSERT_TRUE(envelope.ok());
  ASSERT_TRUE(envelope->headers.fragment);
  EXPECT_EQ(envelope->headers.fragment->path, "Name");
  EXPECT_EQ(envelope->headers.fragment->dialect, "urn:d");
  ASSERT_EQ(envelope->headers.options.size(), 1u);
  EXPECT_TRUE(envelope->headers.options.front().must_comply);
  EXPECT_EQ(envelope->headers.options.front().type, "boolean");
}

TEST(ClientAnswers, AnEnumerationNeedsAContextOrItsEnd) {
  const auto take = [](Client::Page&) { return true; };
  Client::Enumeration what;
  Script neither{{response("Enumerate", "")}, {}, {}};
  EXPECT_THAT(run(client_of(neither).enumerate(target(), what, take)), IsError(base::win32_code(2150858993)));
  Script end{{response("Enumerate", "<w:EndOfSequence/>")}, {}, {}};
  EXPECT_THAT(run(client_of(end).enumerate(target(), what, take)), IsOk());
}

TEST(ClientAnswers, APullWithoutANewContextGoesOnWithTheOldOne) {
  Client::Enumeration what;
  std::size_t items = 0;
  const auto take = [&](Client::Page& page) {
    items += page.items.size();
    return true;
  };
  Script script{{response("Enumerate", "<n:EnumerationContext>c</n:EnumerationContext>"),
                 response("Pull", "<n:Items><a/></n:Items>"), response("Pull", "<n:Items><a/></n:Items><n:EndOfSequence/>")},
                {},
                {}};
  EXPECT_THAT(run(client_of(script).enumerate(target(), what, take)), IsOk());
  EXPECT_EQ(items, 2u);
  EXPECT_NE(script.sent.back().body.find(">c<"), std::string::npos);
}

TEST(ClientAnswers, MoreItemsThanWereAskedForAreAnError) {
  Client::Enumeration what;
  what.page_items = 2;
  const auto take = [](Client::Page&) { return true; };
  Script script{{response("Enumerate", "<w:Items><a/><a/><a/></w:Items><w:EndOfSequence/>")}, {}, {}};
  EXPECT_THAT(run(client_of(script).enumerate(target(), what, take)), IsError(base::win32_code(2150859075)));
}

TEST(ClientAnswers, AnEnumerationSaysAllThatItMay) {
  Client::Enumeration what;
  what.page_items = 7;
  what.max_characters = 5000;
  what.max_time = std::chrono::seconds(2);
  what.count = true;
  what.mode = "EnumerateEPR";
  what.polymorphism = "None";
  what.include_properties = {"Name"};
  std::optional<std::uint64_t> total;
  const auto take = [&](Client::Page& page) {
    if (page.total) total = page.total;
    return true;
  };
  Script script{
      {response("Enumerate", "<n:EnumerationContext>c</n:EnumerationContext>"), response("Pull", "<n:EndOfSequence/>")},
      "<w:TotalItemsCountEstimate>12</w:TotalItemsCountEstimate>",
      {}};
  EXPECT_THAT(run(client_of(script).enumerate(target(), what, take)), IsOk());
  EXPECT_EQ(total, 12u);
  ASSERT_EQ(script.sent.size(), 2u);
  EXPECT_TRUE(script.sent[0].headers.request_total_items);
  EXPECT_EQ(script.sent[0].body,
            "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>7</w:MaxElements>"
            "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode><b:PolymorphismMode>None</b:PolymorphismMode>"
            "<b:IncludeResultProperty>Name</b:IncludeResultProperty></n:Enumerate>");
  EXPECT_EQ(script.sent[1].body,
            "<n:Pull><n:EnumerationContext>c</n:EnumerationContext><n:MaxTime>PT2.000S</n:MaxTime>"
            "<n:MaxElements>7</n:MaxElements><n:MaxCharacters>5000</n:MaxCharacters></n:Pull>");
}

TEST(ClientAnswers, ARedirectIsNotFollowed) {
  const std::string fault =
      "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:InternalError</s:Value></s:Subcode></s:Code>"
      "<s:Reason><s:Text xml:lang='en-US'>x</s:Text></s:Reason><s:Detail><f:WSManFault "
      "xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' Code='2150859161' Machine=''><f:Message>x"
      "<Location>http://elsewhere.example/wsman</Location></f:Message></f:WSManFault></s:Detail></s:Fault>";
  Script script{{fault, "<a/>"}, {}, {}};
  EXPECT_THAT(run(client_of(script).get(target())), IsError(base::win32_code(2150859161)));
  EXPECT_EQ(script.sent.size(), 1u);
}

}  // namespace
}  // namespace wsman
