#include "tests/wsman/source_client.h"

#include "engine/base/die.h"
#include "engine/base/encoding.h"

namespace source_client {
namespace {

constexpr std::string_view kEventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event";

wsman::Client make_client(const std::string& text, const Options& options) {
  auto url = http::Url::parse(text);
  if (!url.ok()) base::die("a test's URL: " + text);
  http::ClientOptions http;
  http.max_response_bytes = options.max_response_bytes;
  wsman::HttpTransportOptions transport;
  transport.charset = options.charset;
  if (!options.user.empty()) {
    transport.authorization = "Basic " + base::to_base64(options.user + ":" + options.password);
  }
  wsman::ClientOptions client;
  client.to = text;
  client.operation_timeout = options.operation_timeout;
  client.network_delay = options.network_delay;
  return wsman::Client(wsman::http_transport(*url, http, transport), client);
}

}  // namespace

SourceClient::SourceClient(const std::string& url, Options options) : client_(make_client(url, options)) {}

wsman::SubscribeRequest event_log_request() {
  wsman::SubscribeRequest request;
  request.resource_uri = wsman::resource::kEventLog;
  request.mode = wsman::kModePull;
  request.dialect = wsman::kEventQueryDialect;
  request.filter = "<QueryList><Query Id='0'><Select Path='System'>*</Select></Query></QueryList>";
  request.read_existing_events = true;
  return request;
}

wsman::SubscribeRequest indication_request() {
  wsman::SubscribeRequest request;
  request.resource_uri = "http://schemas.dmtf.org/wbem/wscim/1/*";
  request.mode = wsman::kModePull;
  request.dialect = wsman::kWqlDialect;
  request.filter = "SELECT * FROM CIM_AlertIndication";
  request.content_encoding = "UTF-8";
  return request;
}

std::vector<std::string> messages_of(const std::vector<std::string>& events) {
  std::vector<std::string> messages;
  for (const std::string& event : events) {
    auto document = xml::Document::parse(event);
    const bool is_event = document.ok() && document->root().is(kEventNamespace, "Event");
    const xml::Element data = is_event ? document->root().child("EventData").child("Data") : xml::Element();
    messages.push_back(data ? data.text() : "?");
  }
  return messages;
}

}  // namespace source_client
