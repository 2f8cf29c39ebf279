// A part of the configuration as an XML document, and what a document says.
//
// Source: winrm-config, sections 2.1 to 2.3.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/config/values.h"
#include "engine/wsman/fault.h"
#include "engine/xml/element.h"

namespace config {

/// "http://schemas.microsoft.com/wbem/wsman/1/config/client/auth"
std::string uri_of(Node node);

/// Whether documents of the resource `uri` may stand in this namespace: its own, that with ".xsd" behind it, and that of the
/// whole configuration, in any case.
bool is_namespace_of(std::string_view namespace_uri, std::string_view uri);

/// What a Put may hold at the root: the element `name` in any case, in a namespace of `uri`. Faults: SchemaValidationError,
/// InvalidNamespace.
wsman::Result<void> check_root(xml::Element root, std::string_view uri, std::string_view name);

/// `node` and all below it, in Windows' order, in the namespace of the node's own resource. What policy owns is marked.
std::string write_document(Node node, const Values& values);

/// Texts as they were given, not yet checked.
using Given = std::vector<std::pair<const Setting*, std::string>>;

/// Reads a whole or partial document of `node`. The elements may come in any order. Faults: those of check_root();
/// SchemaValidationError for an element that is unknown, is there twice, or holds elements where a value belongs.
wsman::Result<Given> read_document(Node node, xml::Element root);

}  // namespace config
