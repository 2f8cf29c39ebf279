#include "engine/service/settings.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/config/text_rules.h"
#include "engine/service/settings_draft.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace service {
namespace {

constexpr std::size_t kMaxFileSize = 1 << 20;
constexpr std::int64_t kMaxPort = 65'535;
constexpr std::size_t kMaxMember = 256;
constexpr std::size_t kMaxMembers = 100;

/// Takes one value over into `Target`. Returns what is wrong and what would be valid, or nothing.
template <typename Target>
using Reader = std::function<std::string(const toml::node&, Target&, const Place&)>;

template <typename Target>
using Readers = std::map<std::string_view, Reader<Target>>;

// Where a member pointer leads from what is being read.
template <typename Value>
Value& at(SettingsDraft& draft, Value SettingsDraft::*member) {
  return draft.*member;
}
template <typename Value>
Value& at(SettingsDraft& draft, Value Settings::*member) {
  return draft.settings.*member;
}
template <typename Value>
Value& at(SettingsDraft& draft, Value CollectorSettings::*member) {
  return draft.settings.collector.*member;
}
template <typename Value>
Value& at(SettingsDraft& draft, Value ForwarderSettings::*member) {
  return draft.settings.forwarder.*member;
}
template <typename Value>
Value& at(SettingsDraft& draft, Value TlsSettings::*member) {
  return draft.settings.forwarder.tls.*member;
}
template <typename Value>
Value& at(ListenerDraft& draft, Value ListenerSettings::*member) {
  return draft.settings.*member;
}
template <typename Value>
Value& at(SourceDraft& draft, Value SourceSettings::*member) {
  return draft.settings.*member;
}

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::string wrong_kind(const toml::node& node, std::string_view valid) {
  return base::format_text("is {}; valid: {}", kind_of(node), valid);
}

std::string wrong_text(std::string_view text, std::string_view valid) {
  return base::format_text("\"{}\" is not possible; valid: {}", text, valid);
}

template <typename Target = SettingsDraft, typename Member>
Reader<Target> number(Member member, std::int64_t min, std::int64_t max) {
  return [=](const toml::node& node, Target& target, const Place&) -> std::string {
    const std::string valid = base::format_text("a whole number, {} to {}", min, max);
    const auto value = node.value_exact<std::int64_t>();
    if (!value) return wrong_kind(node, valid);
    if (*value < min || *value > max) return base::format_text("{} is out of range; valid: {}", *value, valid);
    auto& into = at(target, member);
    into = static_cast<std::remove_reference_t<decltype(into)>>(*value);
    return {};
  };
}

template <typename Target = SettingsDraft, typename Member>
Reader<Target> flag(Member member) {
  return [member](const toml::node& node, Target& target, const Place&) -> std::string {
    const auto value = node.value_exact<bool>();
    if (!value) return wrong_kind(node, "true or false");
    at(target, member) = *value;
    return {};
  };
}

using Rule = bool (*)(std::string_view);

template <typename Target = SettingsDraft>
Reader<Target> text(Rule rule, std::string valid) {
  return [rule, valid](const toml::node& node, Target&, const Place&) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (!value) return wrong_kind(node, valid);
    return rule(*value) ? std::string() : wrong_text(*value, valid);
  };
}

template <typename Target = SettingsDraft, typename Member>
Reader<Target> text(Member member, Rule rule, std::string valid) {
  return [member, check = text<Target>(rule, std::move(valid))](const toml::node& node, Target& target, const Place& place) {
    std::string wrong = check(node, target, place);
    if (wrong.empty()) at(target, member) = *node.value_exact<std::string>();
    return wrong;
  };
}

/// A path; a relative one counts from the folder of the configuration file.
template <typename Target = SettingsDraft, typename Member>
Reader<Target> path(Member member) {
  return [member](const toml::node& node, Target& target, const Place& place) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (!value) return wrong_kind(node, "a path in quotes");
    if (value->empty() || value->find('\0') != std::string::npos) return wrong_text(*value, "a path");
    at(target, member) = (std::filesystem::path(place.file).parent_path() / *value).lexically_normal().string();
    return {};
  };
}

template <typename Value>
using Choices = std::vector<std::pair<std::string_view, Value>>;

/// One of a few words in any case.
template <typename Target = SettingsDraft, typename Value, typename Member>
Reader<Target> choice(Member member, Choices<Value> choices) {
  return [member, choices](const toml::node& node, Target& target, const Place&) -> std::string {
    std::string valid;
    for (const auto& [word, value] : choices) valid += (valid.empty() ? "\"" : ", \"") + std::string(word) + "\"";
    const auto given = node.value_exact<std::string>();
    if (!given) return wrong_kind(node, valid);
    for (const auto& [word, value] : choices) {
      if (config::edit_distance(*given, word) != 0) continue;
      at(target, member) = value;
      return {};
    }
    return wrong_text(*given, valid);
  };
}

bool is_group_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && text.find_first_of(":,\n\t ") == std::string_view::npos;
}

bool is_provider(std::string_view text) {
  return config::is_channel(text);
}

std::string read_source_type(const toml::node& node, SourceDraft& source, const Place&) {
  constexpr std::string_view kValid = "\"journal\", \"file\"";
  const auto type = node.value_exact<std::string>();
  if (!type) return wrong_kind(node, kValid);
  if (*type == "audit" || *type == "kmsg" || *type == "sel") {
    return base::format_text("\"{}\" is a source that this version does not have yet; valid: {}", *type, kValid);
  }
  if (*type != "journal" && *type != "file") return wrong_text(*type, kValid);
  source.settings.type = *type;
  return {};
}

std::string read_managers(const toml::node& node, SettingsDraft& draft, const Place& place) {
  constexpr std::string_view kValid = "a list of texts \"Server=URL,Refresh=SECONDS,IssuerCA=THUMBPRINT\"";
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong_kind(node, kValid);
  draft.managers.clear();
  for (const toml::node& item : *list) {
    const auto value = item.value_exact<std::string>();
    if (!value) return wrong_kind(item, kValid);
    draft.managers.push_back({*value, Place{place.file, item.source().begin.line}});
  }
  return {};
}

bool is_member(std::string_view text) {
  if (text.starts_with('@')) text.remove_prefix(1);
  if (text.empty() || text.size() > kMaxMember || text != base::trimmed(text)) return false;
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

std::string read_members(std::string_view key, const toml::node& node, auth::SidMembers& members) {
  const std::string shown = "\"" + std::string(key.substr(0, kMaxMember)) + "\"";
  const auto sid = auth::Sid::parse(key);
  if (!sid) return shown + " is no SID; valid: a token such as ER, or S-1-…";
  if (!auth::Identities::can_be_given(*sid)) {
    return shown + " says how somebody came or which number an account has, and cannot be given";
  }
  members.sid = *sid;
  constexpr std::string_view kValid = "a list of at most 100 names of users, or of groups with an @ in front";
  const toml::array* list = node.as_array();
  if (list == nullptr) return shown + " " + wrong_kind(node, kValid);
  if (list->size() > kMaxMembers) return base::format_text("{} has too many; valid: {}", shown, kValid);
  for (const toml::node& item : *list) {
    const auto member = item.value_exact<std::string>();
    if (!member) return shown + ": a member " + wrong_kind(item, kValid);
    if (!is_member(*member)) return shown + ": " + wrong_text(*member, kValid);
    members.members.push_back(*member);
  }
  return {};
}

/// [access.sids]; a later file takes the place of an earlier one SID by SID.
std::string read_sids(const toml::node& node, SettingsDraft& draft, const Place&) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return wrong_kind(node, "a table [access.sids]");
  std::vector<auth::SidMembers>& known = draft.settings.access.sids;
  for (const auto& [key, value] : *table) {
    auth::SidMembers members;
    if (std::string wrong = read_members(key.str(), value, members); !wrong.empty()) return wrong;
    std::erase_if(known, [&](const auth::SidMembers& one) { return one.sid == members.sid; });
    known.push_back(std::move(members));
  }
  return {};
}

/// The text of a setting of winrm/config, if the node is of its kind.
std::optional<std::string> text_of(const toml::node& node, config::Kind kind) {
  switch (kind) {
    case config::Kind::Number:
      if (const auto value = node.value_exact<std::int64_t>()) return std::to_string(*value);
      return std::nullopt;
    case config::Kind::Boolean:
      if (const auto value = node.value_exact<bool>()) return *value ? "true" : "false";
      return std::nullopt;
    case config::Kind::Text:
      break;
  }
  return node.value_exact<std::string>();
}

Reader<SettingsDraft> winrm_reader(const config::Setting& setting) {
  return [&setting](const toml::node& node, SettingsDraft& draft, const Place&) -> std::string {
    const auto given = text_of(node, setting.kind);
    if (!given) return wrong_kind(node, config::valid_values(setting));
    auto checked = config::check(setting, *given);
    if (!checked.ok()) return checked.error().what;
    config::Layers& said = draft.settings.winrm_said;
    (draft.reading_policy ? said.policy : said.file)[setting.id] = std::move(checked).value();
    return {};
  };
}

std::string read_disable_run_as(const toml::node& node, SettingsDraft& draft, const Place& place) {
  if (!draft.reading_policy) return "is for policy only";
  return flag(&Settings::run_as_disabled)(node, draft, place);
}

Readers<SettingsDraft> make_setting_readers() {
  Readers<SettingsDraft> readers = {
      {"access.sids", read_sids},
      {"collector.public_name",
       text(&CollectorSettings::public_name, config::is_authority, "a host name or address, with :PORT or without")},
      {"collector.compression", flag(&CollectorSettings::compression)},
      {"collector.content_encoding",
       choice(&CollectorSettings::content_encoding, Choices<std::string>{{"UTF-16", "UTF-16"}, {"UTF-8", "UTF-8"}})},
      {"collector.forget_sources_after", number(&CollectorSettings::forget_sources_after, 0, 36'500)},
      {"collector.max_log_size", number(&CollectorSettings::max_log_size, 1ll << 20, 1ll << 50)},
      {"forwarder.subscription_managers", read_managers},
      {"forwarder.computer", text(&ForwarderSettings::computer, config::is_host, "a host name")},
      {"forwarder.max_events_per_second", number(&ForwarderSettings::max_events_per_second, 0, 1'000'000)},
      {"forwarder.max_log_size", number(&ForwarderSettings::max_log_size, 1ll << 20, 1ll << 50)},
      {"forwarder.tls.Certificate", path(&TlsSettings::certificate)},
      {"forwarder.tls.PrivateKey", path(&TlsSettings::private_key)},
      {"forwarder.tls.CA", path(&TlsSettings::ca)},
      {"winrm.service.DisableRunAs", read_disable_run_as},
      {"service.admin_group", text(&Settings::admin_group, is_group_name, "the name of a group")},
      {"service.log_level", choice(&Settings::log_level, Choices<base::LogLevel>{{"error", base::LogLevel::Error},
                                                                                 {"warning", base::LogLevel::Warning},
                                                                                 {"notice", base::LogLevel::Notice},
                                                                                 {"info", base::LogLevel::Info},
                                                                                 {"debug", base::LogLevel::Debug}})},
  };
  for (const config::Setting& setting : config::settings()) readers.emplace(setting.key, winrm_reader(setting));
  return readers;
}

const Readers<SettingsDraft>& setting_readers() {
  static const Readers<SettingsDraft> readers = make_setting_readers();
  return readers;
}

std::string read_port(const toml::node& node, ListenerDraft& listener, const Place& place) {
  std::string wrong = number<ListenerDraft>(&ListenerSettings::port, 0, kMaxPort)(node, listener, place);
  if (wrong.empty()) listener.port = listener.settings.port;
  return wrong;
}

const Readers<ListenerDraft>& listener_readers() {
  using L = ListenerSettings;
  static const Readers<ListenerDraft> readers = {
      {"Address",
       text<ListenerDraft>(&L::address, config::is_listener_address, "\"*\", \"IP:192.0.2.7\", \"IP:[2001:db8::7]\"")},
      {"Transport", choice<ListenerDraft>(&L::https, Choices<bool>{{"HTTPS", true}, {"HTTP", false}})},
      {"Port", read_port},
      {"Certificate", path<ListenerDraft>(&L::certificate)},
      {"PrivateKey", path<ListenerDraft>(&L::private_key)},
      {"ClientCA", path<ListenerDraft>(&L::client_ca)},
      {"Enabled", flag<ListenerDraft>(&L::enabled)},
      {"Hostname",
       text<ListenerDraft>(
           &L::hostname, [](std::string_view name) { return name.empty() || name == "*" || config::is_host(name); },
           "a host name, an address, \"*\" or empty")},
      {"URLPrefix", text<ListenerDraft>(&L::url_prefix, config::is_url_prefix,
                                        std::string(config::setting_of(config::Id::ClientUrlPrefix).valid))},
  };
  return readers;
}

const Readers<SourceDraft>& source_readers() {
  using S = SourceSettings;
  static const Readers<SourceDraft> readers = {
      {"type", read_source_type},
      {"path", path<SourceDraft>(&S::path)},
      {"channel", text<SourceDraft>(&S::channel, config::is_channel, "a log's name such as \"Linux-Syslog/Operational\"")},
      {"provider", text<SourceDraft>(&S::provider, is_provider, "a provider's name such as \"Linux-Syslog\"")},
      {"read_existing", flag<SourceDraft>(&S::from_beginning)},
  };
  return readers;
}

/// Every table that a key stands in: "winrm", "winrm.service", …
const std::set<std::string_view>& table_names() {
  static const auto names = [] {
    std::set<std::string_view> all;
    for (const auto& [name, reader] : setting_readers()) {
      for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1))
        all.insert(name.substr(0, dot));
    }
    return all;
  }();
  return names;
}

/// Reads one file into the draft.
class FileReader {
 public:
  FileReader(std::string file, SettingsDraft& draft, Problems& problems)
      : file_(std::move(file)), draft_(draft), problems_(problems) {}

  void read_table(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string name = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
      const Place place{file_, key.source().begin.line};
      if (const auto reader = setting_readers().find(name); reader != setting_readers().end()) {
        complain(place, name, reader->second(node, draft_, place));
      } else if (table_names().contains(name)) {
        if (name == "forwarder.tls") draft_.tls = place;
        if (const toml::table* inner = node.as_table(); inner != nullptr) {
          read_table(*inner, name);
        } else {
          complain(place, name, wrong_kind(node, "a table [" + name + "]"));
        }
      } else if (name == "winrm.listener") {
        read_list(place, name, node, listener_readers(), draft_.listeners);
      } else if (name == "forwarder.source") {
        read_list(place, name, node, source_readers(), draft_.sources);
      } else {
        complain(place, name, unknown_key(name));
      }
    }
  }

 private:
  void complain(const Place& place, const std::string& name, const std::string& wrong) {
    if (!wrong.empty()) problems_.add(place, name, wrong);
  }

  template <typename Item>
  void read_list(const Place& place, const std::string& name, const toml::node& node, const Readers<Item>& readers,
                 std::vector<Item>& into) {
    const toml::array* list = node.as_array();
    if (list == nullptr || !std::ranges::all_of(*list, [](const toml::node& item) { return item.is_table(); })) {
      return complain(place, name, wrong_kind(node, "tables [[" + name + "]]"));
    }
    into.clear();
    for (const toml::node& item : *list) into.push_back(read_item(name, *item.as_table(), readers));
    if constexpr (std::is_same_v<Item, ListenerDraft>) {
      for (Item& item : into) item.settings.from_policy = draft_.reading_policy;
    }
  }

  template <typename Item>
  Item read_item(const std::string& name, const toml::table& table, const Readers<Item>& readers) {
    Item item;
    item.place = Place{file_, table.source().begin.line};
    for (const auto& [key, node] : table) {
      const Place place{file_, key.source().begin.line};
      const std::string full_name = name + "." + std::string(key.str());
      if (const auto reader = readers.find(key.str()); reader != readers.end()) {
        complain(place, full_name, reader->second(node, item, place));
        continue;
      }
      std::vector<std::string> names;
      for (const auto& [known, unused] : readers) names.emplace_back(known);
      complain(place, full_name, unknown(key.str(), names));
    }
    return item;
  }

  static std::string unknown(std::string_view name, const std::vector<std::string>& known) {
    const std::string nearest = config::nearest_name(name, known);
    if (!nearest.empty()) return "is unknown; did you mean " + nearest + "?";
    std::string all;
    for (const std::string& candidate : known) all += (all.empty() ? "" : ", ") + candidate;
    return "is unknown; valid: " + all;
  }

  static std::string unknown_key(const std::string& name) {
    const auto dot = name.rfind('.');
    const std::string parent = dot == std::string::npos ? std::string() : name.substr(0, dot + 1);
    std::set<std::string> siblings;
    for (const auto& [known, reader] : setting_readers()) {
      if (known.starts_with(parent))
        siblings.emplace(known.substr(parent.size(), known.find('.', parent.size()) - parent.size()));
    }
    if (parent == "winrm.") siblings.emplace("listener");
    if (parent == "forwarder.") siblings.emplace("source");
    const std::vector<std::string> names(siblings.begin(), siblings.end());
    return unknown(std::string_view(name).substr(parent.size()), names);
  }

  std::string file_;
  SettingsDraft& draft_;
  Problems& problems_;
};

base::Result<void> read_settings_file(const std::filesystem::path& path, SettingsDraft& draft, Problems& problems) {
  auto content = base::read_file(path, kMaxFileSize);
  if (!content.ok()) return std::move(content).error();
  const std::string file = path.string();
  const toml::parse_result parsed = toml::parse(*content, file);
  if (!parsed) {
    problems.add(Place{file, parsed.error().source().begin.line}, "", parsed.error().description());
    return {};
  }
  FileReader(file, draft, problems).read_table(parsed.table(), "");
  return {};
}

base::Result<std::vector<std::filesystem::path>> policy_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error == std::errc::no_such_file_or_directory) return files;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (entries->path().extension() == ".toml") files.push_back(entries->path());
  }
  if (error) return base::make_error(error, directory.string());
  std::ranges::sort(files);
  return files;
}

}  // namespace

base::Result<Settings> load_settings(const std::filesystem::path& file, const std::filesystem::path& policy_directory,
                                     Program program) {
  SettingsDraft draft;
  Problems problems;
  draft.file = draft.tls = Place{file.string(), 0};
  RETURN_IF_ERROR(read_settings_file(file, draft, problems));
  ASSIGN_OR_RETURN(const auto policies, policy_files(policy_directory));
  draft.reading_policy = true;
  for (const auto& policy : policies) RETURN_IF_ERROR(read_settings_file(policy, draft, problems));
  // What depends on a value that could not be read would only repeat the complaint.
  if (!problems.empty()) return base::make_error(std::errc::invalid_argument, problems.text());
  Settings settings = finish_settings(std::move(draft), program, problems);
  if (!problems.empty()) return base::make_error(std::errc::invalid_argument, problems.text());
  return settings;
}

}  // namespace service
