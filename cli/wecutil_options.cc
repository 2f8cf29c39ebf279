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
                                    "That user's password, or * to be asked for it; only with /cun."};

constexpr std::array kListOptions{
    kJson,
    OptionRow{"", "bom", ValueKind::Flag, "", "Begin with a byte order mark, as Windows does (an extension)."},
};
constexpr std::array kStatusOptions{
    OptionRow{"PurgeInactiveES", "", ValueKind::Number, "DAYS",
              "First forget the event sources that were not heard of for so many days.", 1, 36'500},
    kJson,
};
constexpr std::array kApplyOptions{
    OptionRow{"", "dry-run", ValueKind::Flag, "", "Only show what would change. Exit status 1 where something would."},
    OptionRow{"", "delete", ValueKind::Flag, "", "Delete the subscriptions that the folder does not define."},
    kJson,
};
constexpr std::array kGetOptions{
    OptionRow{"f", "format", ValueKind::Choice, "XML|Terse", "XML, which cs can read, or lines of text. Default: Terse."},
    OptionRow{"uni", "unicode", ValueKind::Flag, "", "UTF-16 output, with its mark; also /u, /u:true and /u:unicode."},
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
    OptionRow{"essp", "", ValueKind::Flag, "",
              "Append the port to the service principal name of the sources; collector-initiated subscriptions only."},
    OptionRow{"hn", "hostname", ValueKind::Text, "NAME", "The name by which sources are to reach this collector."},
    OptionRow{"ct", "credentialstype", ValueKind::Choice, "default|negotiate|digest|basic|localmachine",
              "Collector-initiated subscriptions only."},
    kCommonUser,
    kCommonPassword,
    OptionRow{"esa", "eventsourceaddress", ValueKind::Text, "HOST", "The event source that the next five are about."},
    OptionRow{"ese", "eventsourceenabled", ValueKind::Flag, "", "Enable or disable that source."},
    OptionRow{"aes", "addeventsource", ValueKind::Flag, "", "Add it."},
    OptionRow{"res", "removeeventsource", ValueKind::Flag, "", "Remove it."},
    OptionRow{"un", "username", ValueKind::Text, "USER", "Its user; collector-initiated subscriptions only."},
    OptionRow{"up", "userpassword", ValueKind::Text, "PASSWORD", "That user's password, or * to be asked for it."},
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
    CommandRow{"gr", "get-subscriptionruntimestatus", "SUBID [SOURCE...]", 1, kAny, kStatusOptions,
               "Shows how a subscription and its sources fare."},
    CommandRow{"ss", "set-subscription", "SUBID | /c:FILE", 0, 1, kSetOptions, "Changes a subscription's definition."},
    CommandRow{"cs", "create-subscription", "FILE", 1, 1, kCreateOptions, "Creates a subscription from a file."},
    CommandRow{"ds", "delete-subscription", "SUBID", 1, 1, {}, "Deletes a subscription. Events that it brought stay."},
    CommandRow{"rs", "retry-subscription", "SUBID [SOURCE...]", 1, kAny, {}, "Tries inactive event sources again."},
    CommandRow{"qc", "quick-config", "", 0, 0, kQuickOptions, "Makes this machine ready to collect events."},
    CommandRow{"apply", "", "DIR", 1, 1, kApplyOptions,
               "Makes the subscriptions be those of a folder of files (an extension)."},
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
  return {};
}

/// The password in an option: as it is, or asked for where it is an asterisk.
Result<std::string> password_in(const Arguments& arguments, std::string_view option, const std::string& user,
                                const AskPassword& ask) {
  std::string password = arguments.value_or(option, "");
  if (password != subscriptions::kKeptPassword) return password;
  return ask(user);
}

Result<void> apply_common_account(const Arguments& arguments, Subscription& subscription, const AskPassword& ask) {
  if (!arguments.has("cun")) return {};
  subscription.common_user_name = *arguments.find("cun");
  subscription.common_password.clear();
  if (!arguments.has("cup")) return {};
  ASSIGN_OR_RETURN(subscription.common_password, password_in(arguments, "cup", subscription.common_user_name, ask));
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

Result<void> apply_source(const Arguments& arguments, Subscription& subscription, const AskPassword& ask) {
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
  if (!arguments.has("un")) return {};
  // The service keeps the password of a user who stays the same.
  source->user_name = *arguments.find("un");
  source->password.clear();
  if (!arguments.has("up")) return {};
  ASSIGN_OR_RETURN(source->password, password_in(arguments, "up", source->user_name + " of " + source->address, ask));
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

Result<void> apply_set_options(const Arguments& arguments, Subscription& subscription, const AskPassword& ask) {
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
  if (arguments.has("essp")) subscription.append_port_to_spn = arguments.flag("essp");
  RETURN_IF_ERROR(apply_common_account(arguments, subscription, ask));
  RETURN_IF_ERROR(apply_source(arguments, subscription, ask));
  set_list(arguments, "ica", subscription.allowed_issuers);
  set_list(arguments, "as", subscription.allowed_subjects);
  set_list(arguments, "ds", subscription.denied_subjects);
  set_text(arguments, "adc", subscription.allowed_domain_computers);
  return {};
}

Result<void> complete_file(const Arguments& arguments, Subscription& subscription, const AskPassword& ask) {
  if (arguments.has("cup") && !arguments.has("cun")) return usage("Option cup needs option cun.");
  RETURN_IF_ERROR(check_kind(arguments, subscription.type));
  if (arguments.has("cun")) {
    // Source: wecutil, section 3: the common user takes the place of the sources' own.
    for (EventSource& source : subscription.sources) {
      source.user_name.clear();
      source.password.clear();
    }
    return apply_common_account(arguments, subscription, ask);
  }
  if (subscription.common_password == subscriptions::kKeptPassword) {
    ASSIGN_OR_RETURN(subscription.common_password, ask(subscription.common_user_name));
  }
  for (EventSource& source : subscription.sources) {
    if (source.password != subscriptions::kKeptPassword) continue;
    ASSIGN_OR_RETURN(source.password, ask(source.user_name + " of " + source.address));
  }
  return {};
}

Result<Subscription> read_subscription_file(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(std::string bytes, base::read_file(path, kMaxFile));
  auto text = subscriptions::decode_subscription_file(std::move(bytes));
  if (!text.ok()) return base::with_context(std::move(text).error(), path.string());
  return subscriptions::parse_subscription(*text);
}

std::vector<std::string> with_windows_unicode(std::vector<std::string> words) {
  for (std::string& word : words) {
    if (word.size() < 2 || (word[0] != '/' && word[0] != '-') || word[1] == '-') continue;
    const std::string rest = base::to_lower(std::string_view(word).substr(1));
    if (rest == "u" || rest == "u:true" || rest == "u:unicode" || rest == "uni:unicode") word = "/uni:true";
    if (rest == "u:false") word = "/uni:false";
  }
  return words;
}

}  // namespace cli
