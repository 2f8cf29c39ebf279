#include "cli/wevtutil_publishers.h"

#include <charconv>
#include <functional>
#include <optional>

#include "cli/json.h"
#include "engine/base/win32.h"
#include "engine/resources/publisher.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

using resources::Publisher;

constexpr std::size_t kPageItems = 1'000;
constexpr std::string_view kNamespace = "http://schemas.microsoft.com/win/2004/08/events";

std::string hexadecimal(std::uint64_t number) {
  char text[16];
  const auto [end, failure] = std::to_chars(std::begin(text), std::end(text), number, 16);
  return failure == std::errc() ? std::string(text, end) : std::string();
}

/// One publisher on its way out.
struct Printing {
  std::ostream& out;
  const Publisher& publisher;
  bool events;    ///< /ge
  bool messages;  ///< /gm: texts rather than their numbers
};

/// "key: value" behind `depth` pairs of blanks, without the blank where there is no value.
void line(std::ostream& out, int depth, std::string_view key, std::string_view value) {
  out << std::string(static_cast<std::size_t>(depth) * 2, ' ') << key << ':' << (value.empty() ? "" : " ") << value << '\n';
}

/// Muster has no message files: the number of a message is 0.
std::string message(const Printing& printing, const std::string& text) {
  return printing.messages ? text : "0";
}

void print_named(Printing& printing, std::string_view list, std::string_view entry,
                 const std::vector<Publisher::Named>& names) {
  line(printing.out, 0, list, "");
  for (const Publisher::Named& named : names) {
    line(printing.out, 1, entry, "");
    line(printing.out, 2, "name", named.name);
    if (entry == "keyword") {
      line(printing.out, 2, "mask", hexadecimal(named.value));
    } else {
      if (entry == "task") line(printing.out, 2, "eventGUID", "00000000-0000-0000-0000-000000000000");
      line(printing.out, 2, "value", std::to_string(named.value));
    }
    if (entry == "opcode") {
      line(printing.out, 2, "task", "0");
      line(printing.out, 2, "opcode", std::to_string(named.value));
    }
    line(printing.out, 2, "message", message(printing, named.name));
  }
}

void print_text(Printing printing) {
  const Publisher& publisher = printing.publisher;
  std::ostream& out = printing.out;
  line(out, 0, "name", publisher.name);
  line(out, 0, "guid", publisher.guid);
  for (const std::string_view key : {"helpLink", "resourceFileName", "messageFileName"}) line(out, 0, key, "");
  line(out, 0, "message", message(printing, publisher.name));
  line(out, 0, "channels", "");
  for (std::size_t i = 0; i < publisher.channels.size(); ++i) {
    line(out, 1, "channel", "");
    line(out, 2, "name", publisher.channels[i]);
    line(out, 2, "id", std::to_string(i + 16));
    line(out, 2, "flags", "0");
    line(out, 2, "message", message(printing, publisher.channels[i]));
  }
  print_named(printing, "levels", "level", publisher.levels);
  print_named(printing, "opcodes", "opcode", publisher.opcodes);
  print_named(printing, "tasks", "task", publisher.tasks);
  print_named(printing, "keywords", "keyword", publisher.keywords);
  if (!printing.events) return;
  line(out, 0, "events", "");
  for (const Publisher::EventKind& event : publisher.events) {
    line(out, 1, "event", "");
    line(out, 2, "value", std::to_string(event.id));
    line(out, 2, "version", std::to_string(event.version));
    line(out, 2, "opcode", std::to_string(event.opcode));
    line(out, 2, "channel", event.channel);
    line(out, 2, "level", std::to_string(event.level));
    line(out, 2, "task", std::to_string(event.task));
    line(out, 2, "keywords", "0x" + hexadecimal(event.keywords));
    line(out, 2, "message", message(printing, event.message));
  }
}

void write_named(xml::Writer& writer, std::string_view list, std::string_view entry,
                 const std::vector<Publisher::Named>& names) {
  writer.open(list);
  for (const Publisher::Named& named : names) {
    writer.open(entry).attribute("name", named.name);
    writer.attribute(entry == "keyword" ? "mask" : "value",
                     entry == "keyword" ? "0x" + hexadecimal(named.value) : std::to_string(named.value));
    writer.attribute("message", named.name).close();
  }
  writer.close();
}

void print_xml(Printing printing) {
  const Publisher& publisher = printing.publisher;
  xml::Writer writer;
  writer.open("provider").attribute("name", publisher.name).attribute("guid", publisher.guid);
  writer.attribute("xmlns", kNamespace).open("channels");
  for (const std::string& channel : publisher.channels) writer.open("channel").attribute("name", channel).close();
  writer.close();
  write_named(writer, "levels", "level", publisher.levels);
  write_named(writer, "opcodes", "opcode", publisher.opcodes);
  write_named(writer, "tasks", "task", publisher.tasks);
  write_named(writer, "keywords", "keyword", publisher.keywords);
  if (printing.events) {
    writer.open("events");
    for (const Publisher::EventKind& event : publisher.events) {
      writer.open("event").attribute("value", std::to_string(event.id)).attribute("version", std::to_string(event.version));
      writer.attribute("opcode", std::to_string(event.opcode)).attribute("channel", event.channel);
      writer.attribute("level", std::to_string(event.level)).attribute("task", std::to_string(event.task));
      writer.attribute("keywords", "0x" + hexadecimal(event.keywords));
      writer.attribute("message", message(printing, event.message)).close();
    }
    writer.close();
  }
  printing.out << writer.take() << '\n';
}

void print_json(Printing printing) {
  const Publisher& publisher = printing.publisher;
  const auto named = [](const std::vector<Publisher::Named>& names) {
    JsonArray array;
    for (const Publisher::Named& name : names) {
      JsonObject object;
      array.raw(object.text("name", name.name).number("value", name.value).take());
    }
    return array.take();
  };
  JsonArray channels;
  for (const std::string& channel : publisher.channels) channels.text(channel);
  JsonObject object;
  object.text("name", publisher.name).text("guid", publisher.guid).raw("channels", channels.take());
  object.raw("levels", named(publisher.levels)).raw("opcodes", named(publisher.opcodes));
  object.raw("tasks", named(publisher.tasks)).raw("keywords", named(publisher.keywords));
  if (printing.events) {
    JsonArray events;
    for (const Publisher::EventKind& event : publisher.events) {
      JsonObject kind;
      kind.number("value", event.id).number("level", event.level).number("opcode", event.opcode).number("task", event.task);
      kind.text("keywords", "0x" + hexadecimal(event.keywords)).text("channel", event.channel);
      events.raw(kind.text("message", event.message).number("held", event.held).take());
    }
    object.raw("events", events.take());
  }
  printing.out << object.take() << '\n';
}

}  // namespace

base::AsyncResult<void> list_publishers(Console& console, Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  std::optional<base::Error> failure;
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kPublisher;
  std::function<bool(wsman::Client::Page&)> take = [&](wsman::Client::Page& page) {
    for (const xml::Element item : page.items) {
      auto publisher = resources::read_publisher(item);
      if (!publisher.ok()) {
        failure = std::move(publisher).error();
        return false;
      }
      JsonObject object;
      console.out << (arguments.flag("json") ? object.text("name", publisher->name).take() : publisher->name) << '\n';
    }
    return console.out.good();
  };
  auto listed = co_await client->enumerate(std::move(target), std::nullopt, kPageItems, std::move(take));
  if (failure) co_return std::move(*failure);
  co_return listed;
}

base::AsyncResult<void> show_publisher(Console& console, Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  wsman::Client::Target target;
  target.resource_uri = wsman::resource::kPublisher;
  target.selectors.push_back({"Name", arguments.positional[0], {}});
  auto reply = co_await client->get(std::move(target));
  if (!reply.ok()) co_return std::move(reply).error();
  ASSIGN_OR_CO_RETURN(const Publisher publisher, resources::read_publisher(reply->body()));
  const Printing printing{console.out, publisher, arguments.flag("ge"), arguments.flag("gm")};
  if (arguments.flag("json")) {
    print_json(printing);
  } else if (arguments.value_or("f", "Text") == "XML") {
    print_xml(printing);
  } else {
    print_text(printing);
  }
  co_return base::Result<void>{};
}

}  // namespace cli
