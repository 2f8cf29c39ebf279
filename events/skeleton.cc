#include "events/skeleton.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "engine/xml/document.h"

namespace events {
namespace {

constexpr std::string_view kHoleText(&kHole, 1);

base::Error not_a_skeleton(std::string what) {
  return base::make_error(std::errc::invalid_argument, std::move(what));
}

std::string_view local_name(std::string_view name) {
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// The field that the text of a child of System states.
Field field_of_text(std::string_view element) {
  static constexpr std::pair<std::string_view, Field> kTexts[] = {
      {"EventID", Field::EventId}, {"Version", Field::Version},   {"Level", Field::Level},
      {"Task", Field::Task},       {"Opcode", Field::Opcode},     {"Keywords", Field::Keywords},
      {"Channel", Field::Channel}, {"Computer", Field::Computer}, {"EventRecordID", Field::RecordId},
  };
  for (const auto& [name, field] : kTexts) {
    if (name == element) return field;
  }
  return Field::None;
}

/// The field that an attribute of a child of System states.
Field field_of_attribute(const xml::Element& element, std::string_view attribute) {
  struct Place {
    std::string_view element;
    std::string_view attribute;
    Field field;
  };
  static constexpr Place kAttributes[] = {
      {"Provider", "Name", Field::Provider},
      {"Provider", "Guid", Field::ProviderGuid},
      {"Provider", "EventSourceName", Field::EventSourceName},
      {"EventID", "Qualifiers", Field::Qualifiers},
      {"TimeCreated", "SystemTime", Field::Time},
      {"Correlation", "ActivityID", Field::ActivityId},
      {"Correlation", "RelatedActivityID", Field::RelatedActivityId},
      {"Execution", "ProcessID", Field::ProcessId},
      {"Execution", "ThreadID", Field::ThreadId},
      {"Security", "UserID", Field::UserId},
  };
  const std::string_view name = element.local_name();
  for (const Place& place : kAttributes) {
    if (place.element == name && place.attribute == attribute) return place.field;
  }
  if (name == "Security" && attribute == "UserId" && !element.attribute("UserID")) return Field::UserId;
  return Field::None;
}

void forget(System& system, Field field) {
  system.known &= ~(1u << static_cast<unsigned>(field));
}

/// Takes away what the reader took for a text and was a hole.
void forget_holes(System& system) {
  const std::pair<std::string*, Field> texts[] = {
      {&system.provider, Field::Provider},
      {&system.provider_guid, Field::ProviderGuid},
      {&system.event_source_name, Field::EventSourceName},
      {&system.activity_id, Field::ActivityId},
      {&system.related_activity_id, Field::RelatedActivityId},
      {&system.channel, Field::Channel},
      {&system.computer, Field::Computer},
      {&system.user_id, Field::UserId},
  };
  for (const auto& [text, field] : texts) {
    if (*text != kHoleText) continue;
    text->clear();
    forget(system, field);
  }
}

/// Walks over the tree in the order of the text and describes each hole on the way.
class Walk {
 public:
  explicit Walk(std::vector<Skeleton::Hole>& holes) : holes_(holes) {}

  bool run(xml::Element root) {
    std::size_t systems = 0;
    for (const xml::Element child : root.children()) systems += child.local_name() == "System" ? 1 : 0;
    system_ = systems == 1 ? root.child("System") : xml::Element();
    for (const xml::Element field : system_.children()) ++names_[field.local_name()];
    if (!visit(root, 0, false)) return false;
    // What System states twice, it does not state.
    for (auto& hole : holes_) {
      if (stated_[static_cast<std::size_t>(hole.field)] > 1) hole.field = Field::None;
    }
    return true;
  }

 private:
  /// A tree is no deeper than xml::ParseLimits::depth.
  bool visit(xml::Element element, std::size_t depth, bool in_data) {
    const std::string_view name = element.local_name();
    const bool is_data_element = name == "Data";
    const bool is_field = depth == 2 && system_ && element.parent() == system_;
    if (is_field) count_fields(element);
    if (depth == 1) in_data = name == "EventData" || name == "UserData";
    bool ok = true;
    element.for_each_attribute([&](const xml::Element::Attribute& attribute) {
      if (attribute.value != kHoleText) return;
      // Those are never cut: who binds a query relies on them.
      if ((is_data_element && attribute.name == "Name") || attribute.name == "xmlns" ||
          attribute.name.starts_with("xmlns:")) {
        ok = false;
        return;
      }
      auto& hole = holes_.emplace_back();
      hole.is_attribute = true;
      hole.is_data = in_data;
      hole.name = local_name(attribute.name);
      if (is_field) hole.field = field_of_attribute(element, attribute.name);
    });
    if (!ok) return false;
    if (element.text(buffer_) == kHoleText) {
      if (element.first_child()) return false;
      auto& hole = holes_.emplace_back();
      hole.is_data = in_data;
      hole.name = is_data_element ? element.attribute("Name").value_or("") : name;
      if (is_field) hole.field = field_of_text(name);
    }
    for (const xml::Element child : element.children()) {
      if (!visit(child, depth + 1, in_data)) return false;
    }
    return true;
  }

  /// Counts how often System states what this child of it can state, whether in a hole or not.
  void count_fields(xml::Element element) {
    const std::string_view name = element.local_name();
    const std::size_t same = names_[name];
    std::array<std::size_t, kFields> here{};
    ++here[static_cast<std::size_t>(field_of_text(name))];
    element.for_each_attribute([&](const xml::Element::Attribute& attribute) {
      ++here[static_cast<std::size_t>(field_of_attribute(element, attribute.name))];
    });
    for (std::size_t field = 0; field < kFields; ++field) {
      // The element twice is as bad as the attribute twice: only the first is read, and no query may rely on it.
      if (here[field] != 0) stated_[field] += same > 1 ? same : here[field];
    }
  }

  static constexpr std::size_t kFields = static_cast<std::size_t>(Field::UserId) + 1;

  std::vector<Skeleton::Hole>& holes_;
  xml::Element system_;
  std::map<std::string_view, std::size_t> names_;  ///< how many children of System have that name
  std::array<std::size_t, kFields> stated_{};
  std::string buffer_;
};

}  // namespace

base::Result<std::shared_ptr<const Skeleton>> Skeleton::parse(std::string text) {
  if (text.size() > kMaxSkeleton) return not_a_skeleton("the skeleton is too long");
  if (!text.starts_with('<') || !text.ends_with('>') || text.find("<!") != std::string::npos ||
      text.find("<?") != std::string::npos) {
    return not_a_skeleton("the skeleton holds what no event may hold that is cut");
  }
  std::shared_ptr<Skeleton> skeleton(new Skeleton());
  for (auto at = text.find(kHole); at != std::string::npos; at = text.find(kHole, at + 1)) {
    if (skeleton->pieces_.size() == kMaxHoles) return not_a_skeleton("the skeleton has too many holes");
    skeleton->pieces_.push_back(static_cast<std::uint32_t>(at));
  }
  auto document = xml::Document::parse(text);
  if (!document.ok()) return not_a_skeleton(document.error().message());
  const xml::Element root = document->root();
  if (root.local_name() != "Event" || !root.child("System")) return not_a_skeleton("the skeleton is not that of an event");
  skeleton->holes_.reserve(skeleton->pieces_.size());
  if (!Walk(skeleton->holes_).run(root) || skeleton->holes_.size() != skeleton->pieces_.size()) {
    return not_a_skeleton("the skeleton has a hole where no value can be");
  }
  skeleton->system_ = read_system(root);
  forget_holes(skeleton->system_);
  for (const auto& hole : skeleton->holes_) {
    if (hole.field != Field::None) forget(skeleton->system_, hole.field);
  }
  skeleton->text_ = std::move(text);
  return std::shared_ptr<const Skeleton>(std::move(skeleton));
}

std::optional<std::uint32_t> Skeleton::hole_of(Field field) const {
  if (field == Field::None) return std::nullopt;
  for (std::size_t i = 0; i < holes_.size(); ++i) {
    if (holes_[i].field == field) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

void Skeleton::join(std::span<const std::string_view> values, std::string& xml) const {
  std::size_t size = xml.size() + fixed_size();
  for (const auto value : values) size += value.size();
  xml.reserve(size);
  std::size_t from = 0;
  const std::size_t count = std::min(values.size(), pieces_.size());
  for (std::size_t i = 0; i < count; ++i) {
    xml.append(text_, from, pieces_[i] - from);
    xml.append(values[i]);
    from = pieces_[i] + 1;
  }
  xml.append(text_, from);
}

}  // namespace events
