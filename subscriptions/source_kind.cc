#include "subscriptions/source_kind.h"

#include <array>

#include "engine/base/encoding.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"

namespace subscriptions {
namespace {

constexpr std::string_view kOpenwsmanAck = "http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/Ack";

/// In the order of SourceKind.
constexpr std::array kQuirks{
    SourceQuirks{SourceKind::Unknown, "an unknown service"},
    SourceQuirks{SourceKind::Windows, "Windows"},
    SourceQuirks{SourceKind::Muster, "Muster", true, std::chrono::minutes(10)},
    SourceQuirks{SourceKind::Openwsman, "openwsman", false, std::chrono::minutes(60), kOpenwsmanAck},
};

}  // namespace

SourceKind recognise(const wsman::Envelope& identity) {
  const std::string vendor =
      base::to_lower(wsman::trimmed_text(identity.body().child(wsman::ns::kIdentity, "ProductVendor")));
  if (vendor.starts_with("microsoft")) return SourceKind::Windows;
  if (vendor.starts_with("muster")) return SourceKind::Muster;
  if (vendor.starts_with("openwsman")) return SourceKind::Openwsman;
  return SourceKind::Unknown;
}

const SourceQuirks& quirks_of(SourceKind kind) {
  return kQuirks.at(static_cast<std::size_t>(kind));
}

}  // namespace subscriptions
