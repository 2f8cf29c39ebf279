#include "cli/wecutil_options.h"

#include <algorithm>
#include <array>

#include "cli/wecutil.h"
#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

using base::Result;
using base::Win32;
using subscriptions::ConfigurationMode;
using subscriptions::ContentFormat;
using subscriptions::EventSource;
using subscriptions::Subscription;
using subscriptions::Type;

constexpr std::uint64_t kMost32 = 4'294'967'295;
constexpr std::size_t kMaxFile = 8 << 20;

constexpr OptionRow kJson{"", "json", ValueKind::Flag, "", "Print JSON instead (an extension)."};
constexpr OptionRow kCommonUser{"cun", "commonusername", ValueKind::Text, "USER",
                                "The user for every source; collector-initiated subscriptions only."};
constexpr OptionRow kCommonPassword{"cup", "commonuserpassword", ValueKind::Text, "PASSWORD",
                                    "That user's password; only with /cun."};

constexpr std::array kListOptions{kJson};
constexpr std::array kGetOptions{
    OptionRow{"f", "format", ValueKind::Choice, "XML|Terse", "XML, which cs can read, or lines of text. Default: Terse."},
    OptionRow{"u|uni", "unicode", ValueKind::Flag, "", "Accepted for compatibility. Output is always UTF-8."},
    kJson,
};
constexpr std::array kCreateOptions{kCommonUser, kCommonPassword};
constexpr std::array kQuickOptions{
    OptionRow{"q", "quiet", ValueKind::Flag, "", "Do not ask for confirmation."},
};
constexpr std::array kSetOptions{
    OptionRow{"c", "config", ValueKind::Text, "FILE", "Take the whole definition from a file; excludes other options."},
    OptionRow{"e", "enabled", ValueKind::Flag, "", "Enable or disable the subscription."},
    OptionRow{"d", "description", ValueKind::Text, "TEXT", "What it is for."},
    OptionRow{"ex", "expires", ValueKind::Text, "yyyy-MM-ddThh:mm:ss[.sss][Z]",
              "When it ends, in local time without Z. Nothing: never."},
    OptionRow{"uri", "uri", ValueKind::Text, "URI", "The resource that events are asked of."},
    OptionRow{"cm", "configurationmode", ValueKind::Choice, "Normal|Custom|MinLatency|MinBandwidth",
              "How eagerly events are delivered."},
    OptionRow{"q", "query", ValueKind::Text, "QUERYLIST", "Which events are wanted."},
    OptionRow{"dia", "dialect", ValueKind::Text, "URI", "The query's language."},
    OptionRow{"tn", "transportname", ValueKind::Choice, "http|https", "The transport to deliver over."},
    OptionRow{"tp", "transportport", ValueKind::Number, "PORT", "Its port. Default: 5985 for http, 5986 for https.", 1,
              65535},
    OptionRow{"dm", "deliverymode", ValueKind::Choice, "pull|push", "Collector-initiated and Custom only."},
    OptionRow{"dmi", "deliverymaxitems", ValueKind::Number, "COUNT", "Events in a batch at most; Custom only.", 1, kMost32},
    OptionRow{"dmlt", "deliverymaxlatencytime", ValueKind::Number, "MS",
              "Milliseconds that an event may wait for its batch; Custom only.", 1, kMost32},
    OptionRow{"hi", "heartbeatinterval", ValueKind::Number, "MS",
              "Milliseconds of silence after which a source sends a heartbeat; Custom only.", 1, kMost32},
    OptionRow{"cf", "contentformat", ValueKind::Choice, "Events|RenderedText", "Events with or without rendered texts."},
    OptionRow{"l", "locale", ValueKind::Text, "TAG", "The language of rendered texts: en-US."},
    OptionRow{"ree", "readexistingevents", ValueKind::Flag, "", "Whether events from before the subscription are wanted."},
    OptionRow{"lf", "logfile", ValueKind::Text, "LOG", "The log that events are put into. Default: ForwardedEvents."},
    OptionRow{"pn", "publishername", ValueKind::Text, "NAME", "The provider that owns that log."},
    OptionRow{"essp", "", ValueKind::Boolean, "", "Collector-initiated subscriptions only."},
    OptionRow{"hn", "hostname", ValueKind::Text, "NAME", "The name by which sources are to reach this collector."},
    OptionRow{"ct", "credentialstype", ValueKind::Choice, "default|negotiate|digest|basic|localmachine",
              "Collector-initiated subscriptions only."},
    kCommonUser,
    kCommonPassword,
    OptionRow{"esa", "eventsourceaddress", ValueKind::Text, "HOST", "The event source that the next five are about."},
    OptionRow{"ese", "eventsourceenabled", ValueKind::Flag, "", "Enable or disable that source."},
    OptionRow{"aes", "addeventsource", ValueKind::Flag, "", "Add it."},
    OptionRow{"res", "removeeventsource", ValueKind::Flag, "", "Remove it."},
    OptionRow{"un", "username", ValueKind::Text, "USER", "Collector-initiated subscriptions only."},
    OptionRow{"up", "userpassword", ValueKind::Text, "PASSWORD", "Collector-initiated subscriptions only."},
    OptionRow{"ica", "allowedissuerca", ValueKind::Text, "THUMBPRINT,...",
              "The authorities whose certificates are admitted."},
    OptionRow{"as", "allowedsubject", ValueKind::Text, "NAME,...", "The DNS names that are admitted; * is a wildcard."},
    OptionRow{"ds", "deniedsubject", ValueKind::Text, "NAME,...", "The DNS names that are refused in any case."},
    OptionRow{"adc", "alloweddomaincomputers", ValueKind::Text, "SDDL", "The domain's computers that are admitted."},
};

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
constexpr std::array kCommands{
    CommandRow{"es", "enum-subscription", "", 0, 0, kListOptions, "Lists the subscriptions."},
    CommandRow{"gs", "get-subscription", "SUBID", 1, 1, kGetOptions, "Shows a subscription's definition."},
    CommandRow{"gr", "get-subscriptionruntimestatus", "SUBID [SOURCE...]", 1, kAny, kListOptions,
               "Shows how a subscription and its sources fare."},
    CommandRow{"ss", "set-subscription", "SUBID | /c:FILE", 0, 1, kSetOptions, "Changes a subscription's definition."},
    CommandRow{"cs", "create-subscription", "FILE", 1, 1, kCreateOptions, "Creates a subscription from a file."},
    CommandRow{"ds", "delete-subscription", "SUBID", 1, 1, {}, "Deletes a subscription. Events that it brought stay."},
    CommandRow{"rs",
               "retry-subscription",
               "SUBID [SOURCE...]",
               1,
               kAny,
               {},
               "Retries a subscription (not available in this version).",
               false},
    CommandRow{"qc", "quick-config", "", 0, 0, kQuickOptions, "Sets up the service (not available in this version).", false},
};

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto item = base::trimmed(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

void set_text(const Arguments& arguments, std::string_view option, std::string& target) {
  if (auto value = arguments.find(option)) target = std::move(*value);
}

void set_list(const Arguments& arguments, std::string_view option, std::vector<std::string>& target) {
  if (const auto value = arguments.find(option)) target = split_list(*value);
}

base::Error not_for(std::string_view option, std::string_view kind) {
  return usage("Option " + std::string(option) + " is not for " + std::string(kind) + " subscriptions.");
}

Result<void> check_kind(const Arguments& arguments, Type type) {
  const bool source_initiated = type == Type::SourceInitiated;
  if (source_initiated) {
    for (const std::string_view option : {"dm", "ct", "cun", "cup", "un", "up", "essp"}) {
      if (arguments.has(option)) return not_for(option, "source-initiated");
    }
    return {};
  }
  for (const std::string_view option : {"ica", "as", "ds", "adc"}) {
    if (arguments.has(option)) return not_for(option, "collector-initiated");
  }
  for (const std::string_view option : {"cup", "up", "essp"}) {
    if (!arguments.has(option)) continue;
    return base::make_error(Win32::NotSupported, "Option " + std::string(option) +
                                                     " cannot be served: this version keeps no credentials of sources.");
  }
  return {};
}

void set_mode(Subscription& subscription, ConfigurationMode mode) {
  if (mode == subscription.mode) return;
  if (mode == ConfigurationMode::Custom) {
    subscription.max_items = subscription.resolved_max_items();
    subscription.max_latency = subscription.resolved_max_latency();
    subscription.heartbeat = subscription.resolved_heartbeat();
    subscription.delivery_mode = subscription.resolved_delivery_mode();
  } else {
    subscription.max_items.reset();
    subscription.max_latency.reset();
    subscription.heartbeat.reset();
    subscription.delivery_mode.reset();
  }
  subscription.mode = mode;
}

Result<void> apply_delivery(const Arguments& arguments, Subscription& subscription) {
  if (const auto mode = arguments.find("cm")) set_mode(subscription, *subscriptions::find_configuration_mode(*mode));
  for (const std::string_view option : {"dm", "dmi", "dmlt", "hi"}) {
    if (arguments.has(option) && subscription.mode != ConfigurationMode::Custom) {
      return usage("Option " + std::string(option) + " needs configuration mode Custom: add /cm:Custom.");
    }
  }
  if (const auto mode = arguments.find("dm")) subscription.delivery_mode = subscriptions::find_delivery_mode(*mode);
  if (const auto items = arguments.number("dmi")) subscription.max_items = static_cast<std::uint32_t>(*items);
  if (const auto time = arguments.number("dmlt")) subscription.max_latency = std::chrono::milliseconds(*time);
  if (const auto time = arguments.number("hi")) subscription.heartbeat = std::chrono::milliseconds(*time);
  set_text(arguments, "hn", subscription.host_name);
  return {};
}

Result<void> apply_source(const Arguments& arguments, Subscription& subscription) {
  const auto address = arguments.find("esa");
  if (!address) return {};
  auto& sources = subscription.sources;
  auto source = std::find_if(sources.begin(), sources.end(), [&](const EventSource& each) {
    return base::equal_ignoring_case(each.address, *address) ||
           base::equal_ignoring_case(each.address, "[" + *address + "]");
  });
  if (arguments.flag("res")) {
    if (source == sources.end()) {
      return base::make_error(Win32::NotFound, "The subscription has no event source " + *address + ".");
    }
    sources.erase(source);
    return {};
  }
  if (source != sources.end() && arguments.flag("aes")) {
    return base::make_error(Win32::AlreadyExists, "The subscription has the event source " + *address + " already.");
  }
  if (source == sources.end()) {
    // Sources of a source-initiated subscription come by themselves: one is listed only in order to be disabled.
    if (!arguments.flag("aes") && subscription.type == Type::CollectorInitiated) {
      return base::make_error(Win32::NotFound, "The subscription has no event source " + *address + "; /aes adds it.");
    }
    source = sources.insert(sources.end(), EventSource{*address, true, {}});
  }
  if (arguments.has("ese")) source->enabled = arguments.flag("ese");
  set_text(arguments, "un", source->user_name);
  return {};
}

Result<void> apply_content(const Arguments& arguments, Subscription& subscription) {
  if (const auto format = arguments.find("cf")) {
    subscription.content_format = *subscriptions::find_content_format(*format);
    if (subscription.content_format == ContentFormat::Events) subscription.locale.clear();
  }
  if (arguments.has("l") && subscription.content_format != ContentFormat::RenderedText) {
    return usage("Option l needs content format RenderedText.");
  }
  set_text(arguments, "l", subscription.locale);
  if (arguments.has("ree")) subscription.read_existing_events = arguments.flag("ree");
  return {};
}

}  // namespace

const ToolRow& wecutil_tool() {
  static constexpr ToolRow kTool{"wecutil", "Manages the subscriptions of an event collector.", kCommands};
  return kTool;
}

Result<void> check_set_options(const Arguments& arguments) {
  bool others = false;
  for (const OptionRow& row : kSetOptions) {
    if (row.name != "c" && row.name != "cun" && row.name != "cup") others = others || arguments.has(row.name);
  }
  if (arguments.has("c")) {
    if (others) return usage("Option c goes together with options cun and cup only.");
  } else if (arguments.positional.empty()) {
    return usage("Required argument(s) is/are not specified.");
  } else if (!others && !arguments.has("cun") && !arguments.has("cup")) {
    return usage("Nothing to change is specified.");
  }
  if (arguments.has("cup") && !arguments.has("cun")) return usage("Option cup needs option cun.");
  if (arguments.has("up") && !arguments.has("un")) return usage("Option up needs option un.");
  for (const std::string_view option : {"ese", "aes", "res", "un", "up"}) {
    if (arguments.has(option) && !arguments.has("esa")) {
      return usage("Option " + std::string(option) + " needs option esa.");
    }
  }
  if (arguments.flag("aes") && arguments.flag("res")) return usage("Options aes and res exclude each other.");
  if (arguments.has("esa") && base::trimmed(*arguments.find("esa")).empty()) return usage("Invalid value for option esa.");
  return {};
}

Result<void> apply_set_options(const Arguments& arguments, Subscription& subscription) {
  RETURN_IF_ERROR(check_kind(arguments, subscription.type));
  if (arguments.has("e")) subscription.enabled = arguments.flag("e");
  set_text(arguments, "d", subscription.description);
  if (const auto expires = arguments.find("ex")) {
    subscription.expires.reset();
    if (!expires->empty()) {
      subscription.expires = subscriptions::parse_expires(*expires);
      if (!subscription.expires) return usage("Invalid value for option ex.");
    }
  }
  set_text(arguments, "uri", subscription.uri);
  set_text(arguments, "q", subscription.query);
  set_text(arguments, "dia", subscription.dialect);
  set_text(arguments, "tn", subscription.transport_name);
  if (const auto port = arguments.number("tp")) subscription.transport_port = static_cast<std::uint16_t>(*port);
  RETURN_IF_ERROR(apply_delivery(arguments, subscription));
  RETURN_IF_ERROR(apply_content(arguments, subscription));
  set_text(arguments, "lf", subscription.log_file);
  set_text(arguments, "pn", subscription.publisher_name);
  set_text(arguments, "ct", subscription.credentials_type);
  set_text(arguments, "cun", subscription.common_user_name);
  RETURN_IF_ERROR(apply_source(arguments, subscription));
  set_list(arguments, "ica", subscription.allowed_issuers);
  set_list(arguments, "as", subscription.allowed_subjects);
  set_list(arguments, "ds", subscription.denied_subjects);
  set_text(arguments, "adc", subscription.allowed_domain_computers);
  return {};
}

Result<void> apply_common_user(const Arguments& arguments, Subscription& subscription) {
  if (arguments.has("cup") && !arguments.has("cun")) return usage("Option cup needs option cun.");
  RETURN_IF_ERROR(check_kind(arguments, subscription.type));
  set_text(arguments, "cun", subscription.common_user_name);
  return {};
}

Result<Subscription> read_subscription_file(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(std::string text, base::read_file(path, kMaxFile));
  const std::string_view bytes = text;
  const bool little = bytes.starts_with("\xFF\xFE");
  const bool big = bytes.starts_with("\xFE\xFF");
  if (little || big) {
    const auto order = little ? base::Utf16Order::LittleEndian : base::Utf16Order::BigEndian;
    text = base::utf16_to_utf8(bytes.substr(2), order).text;
  } else if (!base::is_valid_utf8(text)) {
    return base::make_error(Win32::InvalidData, path.string() + " is neither UTF-8 nor UTF-16 with a byte order mark");
  }
  return subscriptions::parse_subscription(text);
}

}  // namespace cli
