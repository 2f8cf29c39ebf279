#include "engine/wsman/eventing.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

using std::chrono::milliseconds;

// What a Subscribe from outside may hold at most. The envelope's own size bounds the rest.
constexpr std::size_t kMaxReferenceProperties = 32;
constexpr std::size_t kMaxReferencePropertyBytes = 8 << 10;
constexpr std::size_t kMaxAddressBytes = 2048;
constexpr std::size_t kMaxThumbprints = 64;
constexpr std::size_t kMaxOptions = 64;
constexpr std::size_t kMaxPolicyDepth = 16;

// Windows' numbers for what is wrong with a Subscribe (wsman-protocol, section 9.1).
constexpr std::uint32_t kNotifyToMissing = 2150858912;
constexpr std::uint32_t kNotifyToWithoutAddress = 2150858913;
constexpr std::uint32_t kNotifyToUnusable = 2150858914;
constexpr std::uint32_t kEndToUnusable = 2150858902;
constexpr std::uint32_t kBadHeartbeats = 2150858916;
constexpr std::uint32_t kBadConnectionRetry = 2150859103;
constexpr std::uint32_t kBadContentEncoding = 2150859255;
constexpr std::uint32_t kBatchesInAnotherMode = 2150858900;
constexpr std::uint32_t kBadDeliveryMode = 2150858920;

// ---------------------------------------------------------------- writing

std::string_view text_of(OversizePolicy policy) {
  switch (policy) {
    case OversizePolicy::Notify:
      return "Notify";
    case OversizePolicy::Skip:
      return "Skip";
    case OversizePolicy::CancelSubscription:
      return "CancelSubscription";
  }
  return "Notify";
}

bool is_identifier(std::string_view property) {
  const auto name_end = property.find_first_of(" \t\r\n/>");
  const std::string_view name = property.substr(0, name_end);
  return name == "<Identifier" || name.ends_with(":Identifier");
}

void write_mandatory(xml::Writer& out, std::string_view name, std::string_view text) {
  out.open(name).attribute("s:mustUnderstand", "true").text(text).close();
}

void write_locale(xml::Writer& out, const std::string& locale) {
  if (locale.empty()) return;
  for (const std::string_view name : {"w:Locale", "p:DataLocale"}) {
    out.open(name).attribute("xml:lang", locale).attribute("s:mustUnderstand", "false").close();
  }
}

void write_policy(xml::Writer& out, const NotifyAddress& to) {
  if (to.profile.empty()) return;
  out.open("c:Policy").attribute("xmlns:c", ns::kPolicy).attribute("xmlns:auth", ns::kAuthentication).open("c:ExactlyOne");
  // One alternative for each issuer: a certificate has only one.
  const std::size_t alternatives = std::max<std::size_t>(1, to.issuer_thumbprints.size());
  for (std::size_t i = 0; i < alternatives; ++i) {
    out.open("c:All").open("auth:Authentication").attribute("Profile", to.profile);
    if (i < to.issuer_thumbprints.size()) {
      out.open("auth:ClientCertificate").open("auth:Thumbprint").attribute("Role", "issuer");
      out.text(to.issuer_thumbprints[i]).close().close();
    }
    out.close().close();
  }
  out.close().close();
}

void write_address(xml::Writer& out, std::string_view name, const NotifyAddress& to) {
  if (to.address.empty()) return;
  out.open(name).leaf("a:Address", to.address);
  const bool has_identifier = std::any_of(to.reference_properties.begin(), to.reference_properties.end(), is_identifier);
  if (!to.identifier.empty() || !to.reference_properties.empty()) {
    out.open("a:ReferenceProperties");
    if (!has_identifier && !to.identifier.empty()) out.leaf("e:Identifier", to.identifier);
    for (const std::string& property : to.reference_properties) out.raw(property);
    out.close();
  }
  write_policy(out, to);
  out.close();
}

void write_options(xml::Writer& out, const SubscribeRequest& request) {
  out.open("w:OptionSet").attribute("xmlns:xsi", ns::kXsi);
  for (const Option& option : subscribe_options(request)) {
    out.open("w:Option").attribute("Name", option.name);
    if (option.nil) {
      out.attribute("xsi:nil", "true").close();
    } else {
      out.text(option.value).close();
    }
  }
  out.close();
}

void write_header(xml::Writer& out, const SubscribeRequest& request) {
  out.open("s:Header").leaf("a:To", kAnonymous);
  write_mandatory(out, "w:ResourceURI", request.resource_uri);
  out.open("a:ReplyTo");
  write_mandatory(out, "a:Address", kAnonymous);
  out.close();
  write_mandatory(out, "a:Action", action::kSubscribe);
  write_mandatory(out, "w:MaxEnvelopeSize", std::to_string(request.max_envelope_size));
  out.leaf("a:MessageID", "uuid:" + base::new_guid());
  write_locale(out, request.locale);
  out.open("p:OperationID").attribute("s:mustUnderstand", "false").text("uuid:" + base::new_guid()).close();
  out.open("p:SequenceId").attribute("s:mustUnderstand", "false").text("1").close();
  write_options(out, request);
  out.close();
}

void write_delivery(xml::Writer& out, const SubscribeRequest& request) {
  out.open("e:Delivery").attribute("Mode", request.mode.empty() ? kModePush : std::string_view(request.mode));
  if (request.heartbeats) out.leaf("w:Heartbeats", base::format_duration(*request.heartbeats));
  write_address(out, "e:NotifyTo", request.notify_to);
  out.open("w:ConnectionRetry").attribute("Total", std::to_string(request.retry_total));
  out.text(base::format_duration(request.retry_interval)).close();
  if (request.max_elements) out.leaf("w:MaxElements", std::to_string(*request.max_elements));
  if (request.max_time) out.leaf("w:MaxTime", base::format_duration(*request.max_time));
  out.open("w:MaxEnvelopeSize").attribute("Policy", text_of(request.oversize));
  out.text(std::to_string(request.max_envelope_size)).close();
  write_locale(out, request.locale);
  if (!request.content_encoding.empty()) out.leaf("w:ContentEncoding", request.content_encoding);
  out.close();
}

/// XML goes in as it is, anything else (the earliest URI, a plain XPath) as text.
void write_content(xml::Writer& out, const std::string& content) {
  const std::string_view text = base::trimmed(content);
  if (text.starts_with('<')) {
    out.raw(text);
  } else {
    out.text(text);
  }
}

void write_body(xml::Writer& out, const SubscribeRequest& request) {
  out.open("e:Subscribe");
  write_address(out, "e:EndTo", request.end_to);
  write_delivery(out, request);
  if (!request.expires.empty()) out.leaf("e:Expires", request.expires);
  if (!request.filter.empty()) {
    out.open("w:Filter")
        .attribute("Dialect", request.dialect.empty() ? kEventQueryDialect : std::string_view(request.dialect));
    write_content(out, request.filter);
    out.close();
  }
  if (request.bookmark) {
    out.open("w:Bookmark");
    write_content(out, *request.bookmark);
    out.close();
  }
  if (request.send_bookmarks) out.empty("w:SendBookmarks");
  out.close();
}

void write_envelope_of(xml::Writer& out, const SubscribeRequest& request) {
  out.open("s:Envelope").attribute("xmlns:s", ns::kSoap).attribute("xmlns:a", ns::kAddressing);
  out.attribute("xmlns:e", ns::kEventing).attribute("xmlns:w", ns::kWsman).attribute("xmlns:p", ns::kMicrosoft);
  write_header(out, request);
  out.open("s:Body");
  write_body(out, request);
  out.close().close();
}

// ---------------------------------------------------------------- reading

Fault fault_of(FaultCode code, std::string reason, std::uint32_t windows_code = 0) {
  Fault fault;
  fault.code = code;
  fault.reason = std::move(reason);
  fault.windows_code = windows_code;
  return fault;
}

Fault invalid(std::string reason, std::uint32_t windows_code = 0) {
  return fault_of(FaultCode::InvalidMessage, std::move(reason), windows_code);
}

std::string text_of(xml::Element element) {
  return std::string(base::trimmed(element.text()));
}

/// What write_content() has written.
std::string content_of(xml::Element element) {
  const xml::Element child = element.first_child();
  return child ? child.outer_xml() : text_of(element);
}

Result<std::uint64_t> read_number(xml::Element element, std::uint64_t least) {
  const std::string text = text_of(element);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least) {
    return invalid(std::string(element.local_name()) + " is not a number from " + std::to_string(least) + " on");
  }
  return value;
}

Result<milliseconds> read_duration(xml::Element element, std::uint32_t windows_code = 0) {
  const auto value = base::parse_duration(text_of(element));
  if (!value) return invalid(std::string(element.local_name()) + " is not a duration", windows_code);
  return *value;
}

/// A whole address with host, as a source could post to.
bool is_usable(std::string_view address) {
  if (address.size() > kMaxAddressBytes) return false;
  const auto scheme_end = address.find("://");
  if (scheme_end == std::string_view::npos) return false;
  const std::string_view scheme = address.substr(0, scheme_end);
  if (!base::equal_ignoring_case(scheme, "http") && !base::equal_ignoring_case(scheme, "https")) return false;
  const std::string_view rest = address.substr(scheme_end + 3);
  const bool blanks = std::any_of(rest.begin(), rest.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20; });
  return !blanks && !rest.empty() && rest.front() != '/' && rest.front() != ':';
}

/// One auth:Authentication of the policy.
struct Alternative {
  std::string profile;
  std::vector<std::string> issuers;
};

std::string normal_thumbprint(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ' && c != ':' && c != '\t' && c != '\r' && c != '\n') digits += c;
  }
  digits = base::to_upper(digits);
  return digits.size() == 40 && base::parse_hex(digits) ? digits : std::string();
}

void collect_alternatives(xml::Element element, std::size_t depth, std::vector<Alternative>& found) {
  for (const xml::Element child : element.children()) {
    if (found.size() >= kMaxThumbprints) return;
    if (!child.is(ns::kAuthentication, "Authentication")) {
      if (depth < kMaxPolicyDepth) collect_alternatives(child, depth + 1, found);
      continue;
    }
    Alternative alternative;
    alternative.profile = base::trimmed(child.attribute("Profile").value_or(""));
    for (const xml::Element certificate : child.children()) {
      if (!certificate.is(ns::kAuthentication, "ClientCertificate")) continue;
      for (const xml::Element thumbprint : certificate.children()) {
        if (!thumbprint.is(ns::kAuthentication, "Thumbprint")) continue;
        if (!base::equal_ignoring_case(thumbprint.attribute("Role").value_or("issuer"), "issuer")) continue;
        if (std::string text = normal_thumbprint(thumbprint.text());
            !text.empty() && alternative.issuers.size() < kMaxThumbprints) {
          alternative.issuers.push_back(std::move(text));
        }
      }
    }
    found.push_back(std::move(alternative));
  }
}

/// Among alternatives, that which fits the address: over HTTPS a certificate, if it is one of them.
void choose_profile(const std::vector<Alternative>& alternatives, NotifyAddress& to) {
  if (alternatives.empty()) return;
  const std::string scheme = base::to_lower(std::string_view(to.address).substr(0, to.address.find(':')));
  const std::string prefix = std::string(kProfilePrefix) + scheme + "/";
  const auto rank = [&](const Alternative& alternative) {
    if (!alternative.profile.starts_with(prefix)) return 2;
    return alternative.profile.ends_with("/mutual") ? 0 : 1;
  };
  const auto best = std::min_element(alternatives.begin(), alternatives.end(),
                                     [&](const Alternative& a, const Alternative& b) { return rank(a) < rank(b); });
  to.profile = best->profile;
  for (const Alternative& alternative : alternatives) {
    if (alternative.profile != to.profile) continue;
    for (const std::string& issuer : alternative.issuers) {
      auto& known = to.issuer_thumbprints;
      if (known.size() < kMaxThumbprints && std::find(known.begin(), known.end(), issuer) == known.end()) {
        known.push_back(issuer);
      }
    }
  }
}

Result<NotifyAddress> read_address(xml::Element element, std::string_view name) {
  NotifyAddress to;
  const xml::Element address = element.child(ns::kAddressing, "Address");
  to.address = text_of(address);
  for (const xml::Element container : element.children()) {
    if (!container.is(ns::kAddressing, "ReferenceProperties") && !container.is(ns::kAddressing, "ReferenceParameters")) {
      continue;
    }
    for (const xml::Element property : container.children()) {
      std::string text = property.outer_xml();
      auto& known = to.reference_properties;
      if (std::find(known.begin(), known.end(), text) != known.end()) continue;
      if (known.size() == kMaxReferenceProperties || text.size() > kMaxReferencePropertyBytes) {
        return invalid("the reference properties of " + std::string(name) + " are too many or too large");
      }
      if (to.identifier.empty() && property.is(ns::kEventing, "Identifier")) to.identifier = text_of(property);
      known.push_back(std::move(text));
    }
  }
  std::vector<Alternative> alternatives;
  for (const xml::Element policy : element.children()) {
    if (policy.is(ns::kPolicy, "Policy") || policy.is(ns::kPolicy2004, "Policy")) {
      collect_alternatives(policy, 0, alternatives);
    }
  }
  if (alternatives.size() >= kMaxThumbprints) {
    return fault_of(FaultCode::PolicyTooComplex, "the policy of " + std::string(name) + " has too many alternatives");
  }
  choose_profile(alternatives, to);
  return to;
}

Result<void> read_retry(xml::Element element, SubscribeRequest& request) {
  if (!element) return {};
  ASSIGN_OR_RETURN(request.retry_interval, read_duration(element));
  if (const auto total = element.attribute("Total")) {
    const std::string_view text = base::trimmed(*total);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), request.retry_total);
    if (error != std::errc() || end != text.data() + text.size()) return invalid("ConnectionRetry/@Total is not a number");
  }
  if ((request.retry_total == 0) != (request.retry_interval.count() == 0)) {
    return fault_of(FaultCode::InternalError, "ConnectionRetry needs both an interval and a number of attempts, or neither",
                    kBadConnectionRetry);
  }
  return {};
}

Result<void> read_envelope_size(xml::Element element, SubscribeRequest& request) {
  if (!element) return {};
  ASSIGN_OR_RETURN(request.max_envelope_size, read_number(element, 1));
  const std::string_view policy = base::trimmed(element.attribute("Policy").value_or("Notify"));
  if (base::equal_ignoring_case(policy, "Notify")) {
    request.oversize = OversizePolicy::Notify;
  } else if (base::equal_ignoring_case(policy, "Skip")) {
    request.oversize = OversizePolicy::Skip;
  } else if (base::equal_ignoring_case(policy, "CancelSubscription")) {
    request.oversize = OversizePolicy::CancelSubscription;
  } else {
    return invalid("MaxEnvelopeSize/@Policy is not CancelSubscription, Skip or Notify");
  }
  return {};
}

Result<void> read_delivery(xml::Element delivery, SubscribeRequest& request) {
  request.mode = base::trimmed(delivery.attribute("Mode").value_or(kModePush));
  if (request.mode.empty()) return invalid("the Mode of Delivery is empty", kBadDeliveryMode);
  if (const xml::Element notify = delivery.child(ns::kEventing, "NotifyTo")) {
    ASSIGN_OR_RETURN(request.notify_to, read_address(notify, "NotifyTo"));
    const std::string& address = request.notify_to.address;
    if (address.empty()) return invalid("NotifyTo has no Address", kNotifyToWithoutAddress);
    if (!is_usable(address)) return invalid("the Address of NotifyTo is not usable", kNotifyToUnusable);
  } else if (request.mode != kModePull) {
    return invalid("Delivery has no NotifyTo", kNotifyToMissing);
  }
  if (const xml::Element heartbeats = delivery.child(ns::kWsman, "Heartbeats")) {
    ASSIGN_OR_RETURN(request.heartbeats, read_duration(heartbeats, kBadHeartbeats));
    if (request.heartbeats->count() == 0) return invalid("Heartbeats must be longer than nothing", kBadHeartbeats);
  }
  RETURN_IF_ERROR(read_retry(delivery.child(ns::kWsman, "ConnectionRetry"), request));
  if (const xml::Element elements = delivery.child(ns::kWsman, "MaxElements")) {
    ASSIGN_OR_RETURN(request.max_elements, read_number(elements, 1));
  }
  if (const xml::Element time = delivery.child(ns::kWsman, "MaxTime")) {
    ASSIGN_OR_RETURN(request.max_time, read_duration(time));
  }
  if (request.mode != kModeEvents && (request.max_elements || request.max_time)) {
    return fault_of(FaultCode::UnsupportedFormat, "MaxElements and MaxTime are for deliveries in batches",
                    kBatchesInAnotherMode);
  }
  RETURN_IF_ERROR(read_envelope_size(delivery.child(ns::kWsman, "MaxEnvelopeSize"), request));
  if (const xml::Element locale = delivery.child(ns::kWsman, "Locale")) {
    request.locale = base::trimmed(locale.attribute(ns::kXml, "lang").value_or(""));
  }
  if (const xml::Element encoding = delivery.child(ns::kWsman, "ContentEncoding")) {
    const std::string text = base::to_upper(text_of(encoding));
    if (text != "UTF-16" && text != "UTF-8") {
      return fault_of(FaultCode::UnsupportedFeature, "ContentEncoding is neither UTF-8 nor UTF-16", kBadContentEncoding);
    }
    request.content_encoding = text;
  }
  return {};
}

Result<void> read_filter(xml::Element subscribe, SubscribeRequest& request) {
  xml::Element filter = subscribe.child(ns::kWsman, "Filter");
  const xml::Element other = subscribe.child(ns::kEventing, "Filter");
  if (filter && other) return invalid("Subscribe has two filters");
  if (!filter) filter = other;
  if (!filter) return {};
  request.dialect = base::trimmed(filter.attribute("Dialect").value_or(kEventQueryDialect));
  if (request.dialect != kEventQueryDialect) {
    Fault fault = fault_of(FaultCode::FilteringRequestedUnavailable, "the filter's dialect is not that of event queries");
    fault.detail_xml = "<e:SupportedDialect>" + std::string(kEventQueryDialect) + "</e:SupportedDialect>";
    return fault;
  }
  request.filter = content_of(filter);
  return {};
}

void read_options(xml::Element header, SubscribeRequest& request) {
  request.cdata = false;
  std::size_t count = 0;
  for (const xml::Element option : header.child(ns::kWsman, "OptionSet").children()) {
    if (!option.is(ns::kWsman, "Option") || ++count > kMaxOptions) continue;
    const std::string_view name = base::trimmed(option.attribute("Name").value_or(""));
    const std::string value = text_of(option);
    const std::string_view nil = base::trimmed(option.attribute(ns::kXsi, "nil").value_or(""));
    const auto is_true = [](std::string_view text) { return base::equal_ignoring_case(text, "true") || text == "1"; };
    const auto is_false = [](std::string_view text) { return base::equal_ignoring_case(text, "false") || text == "0"; };
    // Present means set, unless it says otherwise.
    const bool set = is_true(nil) || (value.empty() ? !is_false(nil) : !is_false(value));
    if (base::equal_ignoring_case(name, "SubscriptionName")) {
      request.subscription_name = value;
    } else if (base::equal_ignoring_case(name, "Compression")) {
      request.compression = base::equal_ignoring_case(value, "SLDC");
    } else if (base::equal_ignoring_case(name, "CDATA")) {
      request.cdata = set;
    } else if (base::equal_ignoring_case(name, "ContentFormat")) {
      request.content_format = base::equal_ignoring_case(value, "RenderedText") ? "RenderedText"
                               : base::equal_ignoring_case(value, "Raw")        ? "Raw"
                                                                                : value;
    } else if (base::equal_ignoring_case(name, "IgnoreChannelError")) {
      request.ignore_channel_error = set;
    } else if (base::equal_ignoring_case(name, "ReadExistingEvents")) {
      request.read_existing_events = set;
    }
  }
}

}  // namespace

std::string write_subscribe(const SubscribeRequest& request) {
  xml::Writer out;
  write_envelope_of(out, request);
  return out.take();
}

std::string subscribe_body(const SubscribeRequest& request) {
  xml::Writer out;
  write_body(out, request);
  return out.take();
}

std::vector<Option> subscribe_options(const SubscribeRequest& request) {
  std::vector<Option> options;
  const auto text = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) options.push_back(Option{std::string(name), std::string(value)});
  };
  const auto flag = [&](std::string_view name, bool set) {
    if (set) options.push_back(Option{std::string(name), {}, true});
  };
  text("SubscriptionName", request.subscription_name);
  if (request.compression) text("Compression", "SLDC");
  flag("CDATA", request.cdata);
  text("ContentFormat", request.content_format);
  flag("IgnoreChannelError", request.ignore_channel_error);
  flag("ReadExistingEvents", request.read_existing_events);
  return options;
}

Result<SubscribeRequest> read_subscribe(xml::Element envelope) {
  SubscribeRequest request;
  const xml::Element header = envelope.child(ns::kSoap, "Header");
  const xml::Element subscribe = envelope.child(ns::kSoap, "Body").child(ns::kEventing, "Subscribe");
  if (!envelope.is(ns::kSoap, "Envelope") || !subscribe) return invalid("the message holds no Subscribe");
  request.resource_uri = text_of(header.child(ns::kWsman, "ResourceURI"));
  if (const xml::Element locale = header.child(ns::kWsman, "Locale")) {
    request.locale = base::trimmed(locale.attribute(ns::kXml, "lang").value_or(""));
  }
  const xml::Element delivery = subscribe.child(ns::kEventing, "Delivery");
  if (!delivery) return invalid("Subscribe has no Delivery", kNotifyToMissing);
  RETURN_IF_ERROR(read_delivery(delivery, request));
  if (const xml::Element end_to = subscribe.child(ns::kEventing, "EndTo")) {
    ASSIGN_OR_RETURN(request.end_to, read_address(end_to, "EndTo"));
    if (!is_usable(request.end_to.address)) {
      return fault_of(FaultCode::UnsupportedAddressingMode, "the Address of EndTo is missing or not usable", kEndToUnusable);
    }
  }
  request.expires = text_of(subscribe.child(ns::kEventing, "Expires"));
  RETURN_IF_ERROR(read_filter(subscribe, request));
  if (const xml::Element bookmark = subscribe.child(ns::kWsman, "Bookmark")) {
    std::string text = content_of(bookmark);
    if (!text.empty()) request.bookmark = std::move(text);
  }
  request.send_bookmarks = static_cast<bool>(subscribe.child(ns::kWsman, "SendBookmarks"));
  read_options(header, request);
  return request;
}

std::string write_offer(const OfferedSubscription& offer) {
  xml::Writer out;
  out.open("m:Subscription").attribute("xmlns:m", ns::kSubscription).leaf("m:Version", "uuid:" + offer.version);
  write_envelope_of(out, offer.subscribe);
  return out.take();
}

Result<OfferedSubscription> read_offer(xml::Element subscription) {
  if (!subscription.is(ns::kSubscription, "Subscription")) return invalid("the item is not a Subscription");
  OfferedSubscription offer;
  std::string version = text_of(subscription.child(ns::kSubscription, "Version"));
  if (auto guid = base::parse_guid(version)) {
    offer.version = std::move(*guid);
  } else {
    // Only compared, so any text will do.
    if (base::equal_ignoring_case(std::string_view(version).substr(0, 5), "uuid:")) version.erase(0, 5);
    offer.version = std::move(version);
  }
  if (offer.version.empty()) return invalid("the Subscription has no Version");
  const xml::Element envelope = subscription.child(ns::kSoap, "Envelope");
  if (!envelope) return invalid("the Subscription holds no Envelope");
  ASSIGN_OR_RETURN(offer.subscribe, read_subscribe(envelope));
  return offer;
}

}  // namespace wsman
