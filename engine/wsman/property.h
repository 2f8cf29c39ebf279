// An instance's XML seen as properties, as filters see it: each child element is one, and several of one name are an array.
//
// Source: wmi-cim, sections 2 and 8.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/xml/element.h"

namespace wsman {

/// The elements of the property `name` (case does not count); none where the instance has no such property.
std::vector<xml::Element> find_property(xml::Element instance, std::string_view name);

/// The text of one value: of a datetime or the like the text within. Nothing where it is null (xsi:nil).
std::optional<std::string> value_of(xml::Element property);

/// True for a value that is a datetime in an element of its own.
bool is_datetime(xml::Element property);

/// A point in time in CIM's form, "20240501101530.000000+120" (the zone in minutes), or in that of XML Schema.
std::optional<base::WallTime> parse_any_datetime(std::string_view text);

/// A whole or real number, decimal or "0x…".
std::optional<long double> parse_any_number(std::string_view text);

/// "true", "false", "1", "0" in any case.
std::optional<bool> parse_any_boolean(std::string_view text);

/// The order of two texts, ASCII letters without case: negative, 0, positive.
int compare_ignoring_case(std::string_view left, std::string_view right);

/// The properties that are named as a w:XmlFragment: in no namespace, sorted by name, null where the instance has none.
std::string project(xml::Element instance, const std::vector<std::string>& names);

}  // namespace wsman
