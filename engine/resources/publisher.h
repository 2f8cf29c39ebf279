// Those who make events, over WS-Management: what `wevtutil ep gp` ask for.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/resources/event_logs.h"
#include "engine/wsman/resource.h"
#include "engine/xml/element.h"

namespace resources {

/// What is known of a provider's events: from a table for those that Muster's own programs make, for others from the events
/// that the logs hold and the names in their RenderingInfo. A value.
struct Publisher {
  /// A level, opcode, task or keyword.
  struct Named {
    std::uint64_t value = 0;
    std::string name;  ///< may be empty
    bool operator==(const Named&) const = default;
  };
  struct EventKind {
    std::uint32_t id = 0;
    std::uint32_t version = 0;
    std::uint32_t level = 0;
    std::uint32_t opcode = 0;
    std::uint32_t task = 0;
    std::uint64_t keywords = 0;
    std::string channel;
    std::string message;     ///< with %1 for what differs; empty where it is not known
    std::uint64_t held = 0;  ///< how many events of this kind the logs hold
  };
  std::string name;
  std::string guid;  ///< without braces; may be empty
  std::vector<std::string> channels;
  std::vector<Named> levels, opcodes, tasks, keywords;
  std::vector<EventKind> events;
};

/// The providers: Enumerate gives their names (`<p:Publisher><p:Name/></p:Publisher>`) sorted without case, Get with the
/// selector Name gives one. Everything in the namespace urn:muster:wsman:1:publisher:
///
///     <p:Publisher xmlns:p="urn:muster:wsman:1:publisher">
///       <p:Name/> <p:Guid/> <p:Channel/>*
///       <p:Level Value="2" Name="Error"/>* <p:Opcode Value="" Name=""/>* <p:Task Value="" Name=""/>*
///       <p:Keyword Value="36028797018963968" Name="Classic"/>*
///       <p:Event Id="" Version="" Level="" Opcode="" Task="" Keywords="" Channel="" Held="">message</p:Event>*
///     </p:Publisher>
///
/// Faults: ResourceNotFound with 2 for a provider that nothing is known of; InsufficientSelectors.
class PublisherResource final : public wsman::Resource {
 public:
  /// `logs` outlives the resource.
  explicit PublisherResource(EventLogs& logs) : logs_(logs) {}
  std::string_view uri() const override;
  wsman::Features features() const override { return wsman::item_features(); }
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;

 private:
  EventLogs& logs_;
};

std::string publisher_to_xml(const Publisher& publisher);
/// Errors: std::errc::invalid_argument where it is none.
base::Result<Publisher> read_publisher(xml::Element element);

/// The providers of Muster's own programs.
std::span<const Publisher> own_publishers();

}  // namespace resources
