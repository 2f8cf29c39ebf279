// What a request says about which events it means: for the resources that read and count them.

#pragma once

#include <optional>
#include <string_view>

#include "engine/resources/event_logs.h"
#include "engine/wsman/resource.h"

namespace resources {

/// Options of an Enumerate. Path names the log of an XPath; Text and WholeWords ("true") add a search for text.
inline constexpr std::string_view kPathOption = "Path";
inline constexpr std::string_view kTextOption = "Text";
inline constexpr std::string_view kWholeWordsOption = "WholeWords";

bool is_query_option(std::string_view name);

/// Compiles filter and option Path. Faults: CannotProcessFilter with 15001, 15008 or 15026 for a bad query,
/// FilteringRequestedUnavailable for another dialect.
wsman::Result<events::Query> compile_query(const wsman::Call& call, const wsman::EnumerateRequest& request);

/// The options Text and WholeWords. Faults: InvalidParameter with 87.
wsman::Result<std::optional<events::TextSearch>> compile_text(const wsman::Call& call);

/// A log that does not exist; a fault for any other error. `attempted` is for the service's own log.
wsman::Fault log_not_found(const std::string& name);
wsman::Fault log_fault(const base::Error& error, std::string_view attempted);

/// Tells the Windows code of a wrong value: 87.
wsman::Fault invalid_value(wsman::FaultCode code, std::string reason);

}  // namespace resources
