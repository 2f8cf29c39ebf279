// What `winrm quickconfig` asks of the service: the methods of …/config/service.
//
// Source: winrm-config, section 8.

#pragma once

#include <string>
#include <string_view>

#include "engine/config/configuration.h"
#include "engine/xml/element.h"

namespace config {

/// AnalyzeService, EnableService, Analyze and EnableRemoting; `body` is the element METHOD_INPUT. Returns METHOD_OUTPUT.
///
/// Who gets an answer has a service that runs: the first two have nothing to do. Analyze finds the service set up where
/// remote access is allowed and a listener of the transport is enabled; EnableRemoting sees to both, with a listener for "*"
/// on the default port. Faults: ActionNotSupported for another method; SchemaValidation; OwnedByPolicy; 2150859029 where
/// HTTPS has no certificate to use.
wsman::AsyncResult<std::string> quick_config(Configuration& configuration, std::string method, xml::Element body);

}  // namespace config
