#include "engine/resources/publisher.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <tuple>

#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/resources/log_query.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "events/render.h"

namespace resources {
namespace {

/// The newest events of a provider whose RenderingInfo is read for names.
constexpr std::size_t kLearnEvents = 300;
constexpr std::size_t kLearnBytes = 4 << 20;
/// Kinds of events that are told of one provider.
constexpr std::size_t kMaxKinds = 2'000;

struct LessIgnoringCase {
  bool operator()(const std::string& left, const std::string& right) const {
    return base::to_lower(left) < base::to_lower(right);
  }
};
using Names = std::map<std::string, std::uint64_t, LessIgnoringCase>;

template <typename T>
T number_of(std::string_view text) {
  T number{};
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
  return number;
}

void add_name(std::vector<Publisher::Named>& names, std::uint64_t value, std::string_view name) {
  const auto at = std::lower_bound(names.begin(), names.end(), value,
                                   [](const Publisher::Named& named, std::uint64_t v) { return named.value < v; });
  if (at == names.end() || at->value != value) {
    names.insert(at, {value, std::string(name)});
  } else if (at->name.empty()) {
    at->name = name;
  }
}

/// The names of all logs, in pieces as large as one query may be.
base::AsyncResult<std::vector<std::vector<std::string>>> log_names(EventLogs& logs) {
  auto all = co_await logs.logs();
  if (!all.ok()) co_return std::move(all).error();
  std::vector<std::vector<std::string>> pieces;
  for (LogDescription& log : *all) {
    if (log.records == 0) continue;
    if (pieces.empty() || pieces.back().size() == events::kMaxChannelsOfQuery) pieces.emplace_back();
    pieces.back().push_back(std::move(log.name));
  }
  co_return pieces;
}

base::Result<events::Query> query_of(const std::vector<std::string>& logs, const std::string& xpath) {
  xml::Writer writer;
  writer.open("QueryList").open("Query").attribute("Id", "0");
  for (const std::string& log : logs) writer.open("Select").attribute("Path", log).text(xpath).close();
  return events::Query::parse_list(writer.take());
}

base::AsyncResult<Names> names_seen(EventLogs& logs, base::SteadyTime until) {
  Names names;
  ASSIGN_OR_CO_RETURN(const auto pieces, co_await log_names(logs));
  for (const auto& piece : pieces) {
    LogCountRequest request;
    ASSIGN_OR_CO_RETURN(request.query, query_of(piece, "*"));
    request.by.push_back(CountKey::Provider);
    request.until = until;
    ASSIGN_OR_CO_RETURN(const LogCounts counts, co_await logs.count(std::move(request)));
    for (const LogCounts::Group& group : counts.groups) {
      if (!group.keys.front().empty()) names[group.keys.front()] += group.events;
    }
  }
  co_return names;
}

/// Takes over what a RenderingInfo says.
void learn_names(const events::Event& event, Publisher& publisher) {
  const events::System& system = event.system;
  if (publisher.guid.empty() && system.provider_guid.size() > 2) {
    const std::string_view guid = system.provider_guid;
    publisher.guid = guid.starts_with('{') ? guid.substr(1, guid.size() - 2) : guid;
  }
  if (event.xml.find("RenderingInfo") == std::string::npos) return;
  const auto document = xml::Document::parse(event.xml);
  if (!document.ok()) return;
  const xml::Element info = document->root().child("RenderingInfo");
  if (const std::string level = info.child("Level").text(); !level.empty()) add_name(publisher.levels, system.level, level);
  if (const std::string name = info.child("Opcode").text(); !name.empty()) add_name(publisher.opcodes, system.opcode, name);
  if (const std::string name = info.child("Task").text(); !name.empty()) add_name(publisher.tasks, system.task, name);
  // Which name belongs to which bit is certain only where there is one of each. The highest bits are the channel's.
  const std::uint64_t bits = system.keywords & 0x00ff'ffff'ffff'ffffull;
  const xml::Element keywords = info.child("Keywords");
  if (keywords.child_count() == 1 && bits != 0 && (bits & (bits - 1)) == 0) {
    add_name(publisher.keywords, bits, keywords.first_child().text());
  }
}

const std::vector<CountKey> kKindKeys{CountKey::EventId, CountKey::Level,    CountKey::Opcode,
                                      CountKey::Task,    CountKey::Keywords, CountKey::Channel};

void add_kind(const LogCounts::Group& group, Publisher& publisher) {
  Publisher::EventKind kind;
  kind.id = number_of<std::uint32_t>(group.keys[0]);
  kind.level = number_of<std::uint32_t>(group.keys[1]);
  kind.opcode = number_of<std::uint32_t>(group.keys[2]);
  kind.task = number_of<std::uint32_t>(group.keys[3]);
  kind.keywords = number_of<std::uint64_t>(group.keys[4]);
  kind.channel = group.keys[5];
  kind.held = group.events;
  add_name(publisher.levels, kind.level, events::level_name(static_cast<std::uint8_t>(kind.level)));
  add_name(publisher.opcodes, kind.opcode, events::opcode_name(static_cast<std::uint8_t>(kind.opcode)));
  if (kind.task != 0) add_name(publisher.tasks, kind.task, "");
  if (!kind.channel.empty() &&
      std::find(publisher.channels.begin(), publisher.channels.end(), kind.channel) == publisher.channels.end()) {
    publisher.channels.push_back(kind.channel);
  }
  const auto known = std::find_if(publisher.events.begin(), publisher.events.end(), [&](const Publisher::EventKind& other) {
    return other.id == kind.id && other.channel == kind.channel && other.level == kind.level &&
           other.opcode == kind.opcode && other.task == kind.task && other.keywords == kind.keywords;
  });
  if (known != publisher.events.end()) {
    known->held += kind.held;
  } else if (publisher.events.size() < kMaxKinds) {
    publisher.events.push_back(std::move(kind));
  }
}

/// Adds what the logs tell of the provider. False where they hold no event of it.
base::AsyncResult<bool> learn(EventLogs& logs, Publisher& publisher, base::SteadyTime until) {
  const char quote = publisher.name.find('\'') == std::string::npos ? '\'' : '"';
  if (publisher.name.find(quote) != std::string::npos) co_return false;
  const std::string xpath = "*[System[Provider[@Name=" + (quote + publisher.name) + quote + "]]]";
  bool any = false;
  ASSIGN_OR_CO_RETURN(const auto pieces, co_await log_names(logs));
  std::vector<LogCounts::Group> groups;
  for (const auto& piece : pieces) {
    LogRead read;
    ASSIGN_OR_CO_RETURN(read.query, query_of(piece, xpath));
    read.newest_first = true;
    read.budget = base::Budget{kLearnEvents, kLearnBytes, until};
    LogCountRequest request;
    request.query = read.query;
    request.by = kKindKeys;
    request.until = until;
    ASSIGN_OR_CO_RETURN(LogCounts counts, co_await logs.count(std::move(request)));
    if (counts.groups.empty()) continue;
    any = true;
    ASSIGN_OR_CO_RETURN(const LogRecords found, co_await logs.read(std::move(read)));
    for (const LogRecord& record : found.records) learn_names(record.event, publisher);
    std::move(counts.groups.begin(), counts.groups.end(), std::back_inserter(groups));
  }
  // The names that the events bring go before the general ones.
  for (const LogCounts::Group& group : groups) add_kind(group, publisher);
  std::sort(publisher.events.begin(), publisher.events.end(), [](const auto& left, const auto& right) {
    return std::tie(left.id, left.channel, left.level) < std::tie(right.id, right.channel, right.level);
  });
  co_return any;
}

}  // namespace

std::string_view PublisherResource::uri() const {
  return wsman::resource::kPublisher;
}

wsman::AsyncResult<wsman::Item> PublisherResource::get(const wsman::Call& call) {
  const auto name = call.headers.find_selector("Name");
  if (!name) {
    co_return wsman::make_fault(wsman::FaultCode::InsufficientSelectors, "Name the provider with the selector Name.");
  }
  Publisher publisher;
  publisher.name = *name;
  bool known = false;
  for (const Publisher& own : own_publishers()) {
    if (!base::equal_ignoring_case(own.name, *name)) continue;
    publisher = own;
    known = true;
  }
  if (!known) {
    auto names = co_await names_seen(logs_, call.deadline);
    if (!names.ok()) co_return log_fault(names.error(), "looking for a provider");
    if (const auto at = names->find(*name); at != names->end()) {
      publisher.name = at->first;
      known = true;
    }
  }
  auto learnt = co_await learn(logs_, publisher, call.deadline);
  if (!learnt.ok()) co_return log_fault(learnt.error(), "looking for the events of a provider");
  if (!known && !*learnt) {
    wsman::Fault fault =
        wsman::make_fault(wsman::FaultCode::ResourceNotFound, "Nothing is known of a provider " + *name + ".");
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::FileNotFound);
    co_return fault;
  }
  wsman::Item item;
  item.xml = publisher_to_xml(publisher);
  item.selectors.push_back({"Name", publisher.name, {}});
  co_return item;
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> PublisherResource::enumerate(const wsman::Call& call,
                                                                                    wsman::EnumerateRequest) {
  auto names = co_await names_seen(logs_, call.deadline);
  if (!names.ok()) co_return log_fault(names.error(), "listing the providers");
  for (const Publisher& own : own_publishers()) names->try_emplace(own.name, 0);
  std::vector<wsman::Item> items;
  for (const auto& [name, count] : *names) {
    Publisher publisher;
    publisher.name = name;
    wsman::Item item;
    item.xml = publisher_to_xml(publisher);
    item.selectors.push_back({"Name", name, {}});
    items.push_back(std::move(item));
  }
  co_return wsman::enumerate_items(std::move(items));
}

std::string publisher_to_xml(const Publisher& publisher) {
  xml::Writer writer;
  writer.open("p:Publisher").attribute("xmlns:p", wsman::resource::kPublisher);
  writer.leaf("p:Name", publisher.name);
  if (!publisher.guid.empty()) writer.leaf("p:Guid", publisher.guid);
  for (const std::string& channel : publisher.channels) writer.leaf("p:Channel", channel);
  const auto named = [&](std::string_view element, const std::vector<Publisher::Named>& names) {
    for (const Publisher::Named& name : names) {
      writer.open(element).attribute("Value", std::to_string(name.value)).attribute("Name", name.name).close();
    }
  };
  named("p:Level", publisher.levels);
  named("p:Opcode", publisher.opcodes);
  named("p:Task", publisher.tasks);
  named("p:Keyword", publisher.keywords);
  for (const Publisher::EventKind& event : publisher.events) {
    writer.open("p:Event").attribute("Id", std::to_string(event.id)).attribute("Version", std::to_string(event.version));
    writer.attribute("Level", std::to_string(event.level)).attribute("Opcode", std::to_string(event.opcode));
    writer.attribute("Task", std::to_string(event.task)).attribute("Keywords", std::to_string(event.keywords));
    writer.attribute("Channel", event.channel).attribute("Held", std::to_string(event.held));
    writer.text(event.message).close();
  }
  return writer.take();
}

base::Result<Publisher> read_publisher(xml::Element element) {
  if (!element.is(wsman::resource::kPublisher, "Publisher")) {
    return base::make_error(std::errc::invalid_argument, "an item of the answer is no publisher");
  }
  Publisher publisher;
  const auto named = [](xml::Element item) {
    return Publisher::Named{number_of<std::uint64_t>(item.attribute("Value").value_or("")),
                            std::string(item.attribute("Name").value_or(""))};
  };
  for (const xml::Element child : element.children()) {
    const std::string_view name = child.local_name();
    if (name == "Name") publisher.name = child.text();
    if (name == "Guid") publisher.guid = child.text();
    if (name == "Channel") publisher.channels.push_back(child.text());
    if (name == "Level") publisher.levels.push_back(named(child));
    if (name == "Opcode") publisher.opcodes.push_back(named(child));
    if (name == "Task") publisher.tasks.push_back(named(child));
    if (name == "Keyword") publisher.keywords.push_back(named(child));
    if (name != "Event") continue;
    const auto number = [&](std::string_view attribute) {
      return number_of<std::uint32_t>(child.attribute(attribute).value_or(""));
    };
    Publisher::EventKind& event = publisher.events.emplace_back();
    event.id = number("Id");
    event.version = number("Version");
    event.level = number("Level");
    event.opcode = number("Opcode");
    event.task = number("Task");
    event.keywords = number_of<std::uint64_t>(child.attribute("Keywords").value_or(""));
    event.held = number_of<std::uint64_t>(child.attribute("Held").value_or(""));
    event.channel = child.attribute("Channel").value_or("");
    event.message = child.text();
  }
  return publisher;
}

}  // namespace resources
