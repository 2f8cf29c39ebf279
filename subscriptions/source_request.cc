#include "subscriptions/source_request.h"

#include <algorithm>

#include "engine/base/iso8601.h"
#include "engine/wsman/names.h"
#include "subscriptions/offer.h"

namespace subscriptions {

std::vector<std::string_view> delivery_modes(const Subscription& definition) {
  if (definition.resolved_delivery_mode() == DeliveryMode::Pull) return {wsman::kModePull};
  return {wsman::kModeEvents, wsman::kModePushWithAck, wsman::kModePush};
}

wsman::SubscribeRequest subscribe_request(const Subscription& definition, const SourceQuirks& quirks, std::string_view mode,
                                          const std::optional<std::string>& bookmark, const SubscribeLimits& limits) {
  const bool pull = mode == wsman::kModePull;
  wsman::SubscribeRequest request;
  request.resource_uri = definition.uri;
  request.mode = mode;
  request.dialect = definition.dialect.empty() ? std::string(wsman::kEventQueryDialect) : definition.dialect;
  request.filter = filter_of(definition.query);
  request.max_envelope_size = limits.max_envelope_size;
  if (!pull) request.heartbeats = definition.resolved_heartbeat();
  if (mode == wsman::kModeEvents) {
    request.max_elements = definition.resolved_max_items();
    request.max_time = definition.resolved_max_latency();
  }
  if (quirks.expires.count() != 0) request.expires = base::format_duration(quirks.expires);
  request.cdata = false;
  request.send_bookmarks = quirks.windows_words;
  request.content_encoding.clear();
  if (!quirks.windows_words) return request;
  request.bookmark = starting_bookmark(definition, bookmark);
  // What is pulled comes in the encoding of the question.
  request.content_encoding = pull ? "UTF-8" : limits.content_encoding;
  request.compression = !pull && limits.compression;
  request.subscription_name = definition.id;
  request.cdata = true;
  const bool rendered = definition.content_format == ContentFormat::RenderedText;
  request.content_format = rendered ? "RenderedText" : "Raw";
  if (rendered) request.locale = definition.locale;
  request.ignore_channel_error = true;
  request.read_existing_events = definition.read_existing_events;
  return request;
}

}  // namespace subscriptions
