// Filters of enumerations: which dialects there are, and those that the engine applies to a resource's items.
//
// Source: wsman-protocol, section 7.5; wmi-cim, section 8.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "engine/wsman/item_xpath.h"
#include "engine/wsman/resource.h"
#include "engine/wsman/wql.h"

namespace wsman {

/// Property = value pairs, all of which must hold; texts compare without case. Immutable.
class SelectorFilter {
 public:
  /// `xml` is a w:SelectorSet. Faults: CannotProcessFilter for other XML, duplicate names, references, values with quotes,
  /// and more than 64 selectors.
  static Result<SelectorFilter> parse(std::string_view xml);
  /// Faults: CannotProcessFilter where a property that is named is an array, a datetime or has parts of its own.
  Result<bool> selects(xml::Element item) const;

 private:
  std::vector<Selector> selectors_;
};

/// What an association filter asks for. A value.
struct AssociationFilter {
  enum class Kind { AssociatedInstances, AssociationInstances };
  Kind kind = Kind::AssociatedInstances;
  std::string resource_uri;  ///< of the object at the one end, with its selectors
  std::vector<Selector> selectors;
  std::string association_class;
  std::string role;
  std::string result_class;
  std::string result_role;
  std::vector<std::string> include_properties;
};
/// `xml` is a b:AssociatedInstances or b:AssociationInstances. Faults: CannotProcessFilter.
Result<AssociationFilter> parse_association_filter(std::string_view xml);

/// A filter that the engine applies, and the part of an item that is told. Movable.
class ItemFilter {
 public:
  /// `resource_uri` is that of the enumeration: "…/*" names no class, which the selector dialect needs. `include` are the
  /// properties that are told, all where it is empty. Faults: CannotProcessFilter.
  static Result<ItemFilter> make(const std::optional<Filter>& filter, std::vector<std::string> include,
                                 std::string_view resource_uri);
  /// False where the item is not selected; else it is what is told of it.
  Result<bool> apply(Item& item) const;

 private:
  std::variant<std::monostate, SelectorFilter, ItemXPath, WqlQuery> test_;
  std::vector<std::string> include_;
};

/// Who applies a filter.
enum class FilterBy { Engine, Resource };
/// Faults: FilteringNotSupported where the resource offers no dialect, FilterDialectRequestedUnavailable with the list of
/// those that it offers; CannotProcessFilter for an association filter that is malformed.
Result<FilterBy> who_filters(const Filter& filter, const Features& features);

/// The items of `source` that `filter` lets through. A page may be empty before the end: so it is when the time of the
/// budget is over and at least 1,000 items were looked at.
std::unique_ptr<Enumerator> filtered(std::unique_ptr<Enumerator> source, ItemFilter filter, base::Clock& clock);

}  // namespace wsman
