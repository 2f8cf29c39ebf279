// The providers of Muster's own programs. Source: event-xml, section 9.

#include <utility>

#include "engine/resources/publisher.h"

namespace resources {
namespace {

using Named = Publisher::Named;

constexpr std::uint64_t kClassic = 0x0080000000000000ull;
constexpr std::uint64_t kOperational = 0x8000000000000000ull;

std::vector<Named> levels() {
  return {{1, "Critical"}, {2, "Error"}, {3, "Warning"}, {4, "Information"}, {5, "Verbose"}};
}

Publisher::EventKind kind(std::uint32_t id, std::string channel, std::string message) {
  Publisher::EventKind event;
  event.id = id;
  event.level = 4;
  event.keywords = kOperational;
  event.channel = std::move(channel);
  event.message = std::move(message);
  return event;
}

/// Task is the syslog facility and one.
std::vector<Named> facilities() {
  static constexpr std::string_view kNames[] = {"kern",   "user",     "mail",    "daemon", "auth",     "syslog",
                                                "lpr",    "news",     "uucp",    "cron",   "authpriv", "ftp",
                                                "ntp",    "security", "console", "clock",  "local0",   "local1",
                                                "local2", "local3",   "local4",  "local5", "local6",   "local7"};
  std::vector<Named> tasks;
  for (const std::string_view name : kNames) tasks.push_back({tasks.size() + 1, std::string(name)});
  return tasks;
}

Publisher muster() {
  const std::string channel = "Muster/Operational";
  Publisher publisher;
  publisher.name = "Muster";
  publisher.guid = "3b6e2c0d-8f0a-4a5e-9a40-5d5f3c7c1e01";
  publisher.channels = {channel};
  publisher.levels = levels();
  publisher.opcodes = {{0, "Info"}};
  publisher.keywords = {{kClassic, "Classic"}};
  publisher.events = {kind(1, channel, "%1"), kind(104, channel, "The log %2 was cleared by %1.")};
  return publisher;
}

/// What the sources of lines have in common; their events are added.
Publisher lines(std::string name, std::string guid, const std::string& channel) {
  Publisher publisher;
  publisher.name = std::move(name);
  publisher.guid = std::move(guid);
  publisher.channels = {channel};
  publisher.levels = levels();
  publisher.opcodes = {{0, "Info"}};
  publisher.tasks = facilities();
  publisher.keywords = {{kClassic, "Classic"}};
  return publisher;
}

Publisher journal() {
  const std::string channel = "Linux-Journal/Operational";
  Publisher publisher = lines("Linux-Journal", "6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b10", channel);
  publisher.events = {kind(1, channel, "The text of the field MESSAGE."), kind(10, channel, "A unit has started."),
                      kind(11, channel, "A unit has stopped."),           kind(12, channel, "A unit has failed."),
                      kind(20, channel, "A session was opened."),         kind(21, channel, "A session was closed."),
                      kind(30, channel, "A process has dumped core.")};
  return publisher;
}

Publisher syslog() {
  const std::string channel = "Linux-Syslog/Operational";
  Publisher publisher = lines("Linux-Syslog", "6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b11", channel);
  publisher.events = {kind(1, channel, "The text of the field MESSAGE.")};
  return publisher;
}

}  // namespace

std::span<const Publisher> own_publishers() {
  static const std::vector<Publisher> kPublishers{journal(), syslog(), muster()};
  return kPublishers;
}

}  // namespace resources
