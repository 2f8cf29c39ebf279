#include "subscriptions/subscription.h"

#include <array>

#include "engine/base/encoding.h"

namespace subscriptions {
namespace {

using std::chrono::milliseconds;

template <typename Enum>
struct Named {
  Enum value;
  std::string_view name;
};

constexpr std::array kTypes{
    Named<Type>{Type::SourceInitiated, "SourceInitiated"},
    Named<Type>{Type::CollectorInitiated, "CollectorInitiated"},
};
constexpr std::array kModes{
    Named<ConfigurationMode>{ConfigurationMode::Normal, "Normal"},
    Named<ConfigurationMode>{ConfigurationMode::Custom, "Custom"},
    Named<ConfigurationMode>{ConfigurationMode::MinLatency, "MinLatency"},
    Named<ConfigurationMode>{ConfigurationMode::MinBandwidth, "MinBandwidth"},
};
constexpr std::array kDeliveryModes{
    Named<DeliveryMode>{DeliveryMode::Push, "Push"},
    Named<DeliveryMode>{DeliveryMode::Pull, "Pull"},
};
constexpr std::array kContentFormats{
    Named<ContentFormat>{ContentFormat::Events, "Events"},
    Named<ContentFormat>{ContentFormat::RenderedText, "RenderedText"},
};

template <typename Enum, std::size_t kCount>
std::string_view name_in(const std::array<Named<Enum>, kCount>& table, Enum value) {
  for (const auto& row : table) {
    if (row.value == value) return row.name;
  }
  return {};
}

template <typename Enum, std::size_t kCount>
std::optional<Enum> find_in(const std::array<Named<Enum>, kCount>& table, std::string_view name) {
  for (const auto& row : table) {
    if (base::equal_ignoring_case(row.name, name)) return row.value;
  }
  return std::nullopt;
}

// Source: wecutil, section 6. Custom falls back to Normal's times where a definition leaves one out.
constexpr milliseconds kNormalTime{900'000};

milliseconds preset_latency(ConfigurationMode mode) {
  switch (mode) {
    case ConfigurationMode::MinLatency:
      return milliseconds(30'000);
    case ConfigurationMode::MinBandwidth:
      return milliseconds(21'600'000);
    case ConfigurationMode::Normal:
    case ConfigurationMode::Custom:
      break;
  }
  return kNormalTime;
}

milliseconds preset_heartbeat(ConfigurationMode mode) {
  switch (mode) {
    case ConfigurationMode::MinLatency:
      return milliseconds(3'600'000);
    case ConfigurationMode::MinBandwidth:
      return milliseconds(21'600'000);
    case ConfigurationMode::Normal:
    case ConfigurationMode::Custom:
      break;
  }
  return kNormalTime;
}

}  // namespace

DeliveryMode Subscription::resolved_delivery_mode() const {
  if (type == Type::SourceInitiated) return DeliveryMode::Push;
  if (mode == ConfigurationMode::Custom && delivery_mode) return *delivery_mode;
  return mode == ConfigurationMode::Normal || mode == ConfigurationMode::Custom ? DeliveryMode::Pull : DeliveryMode::Push;
}

milliseconds Subscription::resolved_max_latency() const {
  return mode == ConfigurationMode::Custom ? max_latency.value_or(kNormalTime) : preset_latency(mode);
}

milliseconds Subscription::resolved_heartbeat() const {
  return mode == ConfigurationMode::Custom ? heartbeat.value_or(kNormalTime) : preset_heartbeat(mode);
}

std::optional<std::uint32_t> Subscription::resolved_max_items() const {
  if (mode == ConfigurationMode::Custom) return max_items;
  // Normal's five items are what a collector pulls; a source that pushes is not told a number it was not given.
  if (mode == ConfigurationMode::Normal && type == Type::CollectorInitiated) return 5;
  return std::nullopt;
}

std::uint16_t Subscription::resolved_port() const {
  if (transport_port) return *transport_port;
  return base::equal_ignoring_case(transport_name, "https") ? 5986 : 5985;
}

std::string_view name_of(Type type) {
  return name_in(kTypes, type);
}
std::string_view name_of(ConfigurationMode mode) {
  return name_in(kModes, mode);
}
std::string_view name_of(DeliveryMode mode) {
  return name_in(kDeliveryModes, mode);
}
std::string_view name_of(ContentFormat format) {
  return name_in(kContentFormats, format);
}
std::optional<Type> find_type(std::string_view name) {
  return find_in(kTypes, name);
}
std::optional<ConfigurationMode> find_configuration_mode(std::string_view name) {
  return find_in(kModes, name);
}
std::optional<DeliveryMode> find_delivery_mode(std::string_view name) {
  return find_in(kDeliveryModes, name);
}
std::optional<ContentFormat> find_content_format(std::string_view name) {
  return find_in(kContentFormats, name);
}

}  // namespace subscriptions
