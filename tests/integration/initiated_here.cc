#include "tests/integration/initiated_here.h"

#include <gtest/gtest.h>

#include "tests/support/run.h"

namespace integration {
namespace {

/// What stands behind `name` in the lines of one source.
std::string value_of(const std::string& lines, const std::string& name) {
  const auto at = lines.find(name + ": ");
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 2;
  return lines.substr(from, lines.find('\n', from) - from);
}

}  // namespace

std::string definition_of(const InitiatedHere& subscription) {
  std::string xml =
      "<Subscription xmlns='http://schemas.microsoft.com/2006/03/windows/events/subscription'><SubscriptionId>" +
      subscription.id +
      "</SubscriptionId><SubscriptionType>CollectorInitiated</SubscriptionType><Enabled>true</Enabled><Uri>" +
      subscription.uri + "</Uri><ConfigurationMode>Custom</ConfigurationMode><Delivery Mode='" + subscription.mode +
      "'><Batching><MaxItems>" + std::to_string(subscription.max_items) +
      "</MaxItems><MaxLatencyTime>200</MaxLatencyTime></Batching><PushSettings>" +
      (subscription.mode == "Push" ? "<HostName>localhost</HostName>" : "") + "<Heartbeat Interval='" +
      std::to_string(subscription.heartbeat_ms) + "'/></PushSettings></Delivery><Query><![CDATA[" + subscription.query +
      "]]></Query>";
  if (!subscription.dialect.empty()) xml += "<Dialect>" + subscription.dialect + "</Dialect>";
  xml += std::string("<ReadExistingEvents>") + (subscription.read_existing ? "true" : "false") +
         "</ReadExistingEvents><TransportName>" + subscription.transport + "</TransportName><TransportPort>" +
         std::to_string(subscription.port) +
         "</TransportPort><ContentFormat>Events</ContentFormat><LogFile>ForwardedEvents</LogFile><CredentialsType>Basic"
         "</CredentialsType><EventSources>";
  for (const std::string& address : subscription.addresses) {
    xml += "<EventSource Enabled='true'><Address>" + address + "</Address><UserName>" + subscription.user +
           "</UserName><Password>" + subscription.password + "</Password></EventSource>";
  }
  return xml + "</EventSources></Subscription>";
}

void create(const Stack& stack, const InitiatedHere& subscription) {
  const auto file = stack.write(subscription.id + ".xml", definition_of(subscription));
  const auto created = stack.tool("wecutil", {"cs", file.string()});
  ASSERT_EQ(created.status, 0) << created.err;
}

void change(const Stack& stack, const InitiatedHere& subscription) {
  const auto file = stack.write(subscription.id + ".xml", definition_of(subscription));
  const auto changed = stack.tool("wecutil", {"ss", "/c:" + file.string()});
  ASSERT_EQ(changed.status, 0) << changed.err;
}

SourceReport report_of(const Stack& stack, const std::string& id, const std::string& address) {
  const std::string all = stack.tool("wecutil", {"gr", id}).out;
  const auto begin = all.find("\n\t\t" + address + "\n");
  if (begin == std::string::npos) return {};
  // The next source's name has one tab less than what is said of this one.
  const std::string rest = all.substr(begin + 3 + address.size());
  std::size_t end = 0;
  while (end != std::string::npos && (end == 0 || rest.compare(end, 4, "\n\t\t\t") == 0)) end = rest.find('\n', end + 1);
  const std::string lines = rest.substr(0, end);
  SourceReport report;
  report.status = value_of(lines, "RunTimeStatus");
  report.error = std::strtoul(value_of(lines, "LastError").c_str(), nullptr, 10);
  report.message = value_of(lines, "ErrorMessage");
  return report;
}

bool becomes_active(const Stack& stack, const std::string& id, const std::string& address) {
  return test_support::eventually([&] { return report_of(stack, id, address).status == "Active"; },
                                  std::chrono::seconds(60));
}

bool fails_with(const Stack& stack, const std::string& id, const std::string& address, unsigned long error) {
  return test_support::eventually(
      [&] {
        const SourceReport report = report_of(stack, id, address);
        return report.error == error && report.status != "Active" && !report.message.empty();
      },
      std::chrono::seconds(60));
}

void start_reachable(Stack& stack) {
  stack.start_collector();
  EXPECT_EQ(stack.collector().terminate(), 0);
  stack.start_collector();
}

}  // namespace integration
