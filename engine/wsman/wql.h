// WQL: the SELECT of data queries, over instances in XML.
//
// Source: wmi-cim, section 8.2.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wsman/fault.h"
#include "engine/xml/element.h"

namespace wsman {

/// SELECT * | property, … FROM class [WHERE …]: comparisons with = <> != < <= > >=, LIKE, IS [NOT] NULL and ISA, joined by
/// AND, OR, NOT and parentheses. Keywords, names and texts compare without case. Immutable.
///
/// A property is a child element of the instance; one that occurs more than once is an array, and a comparison with it holds
/// where it holds for one of its elements. XML says nothing of types, so the literal does: a number compares as such with
/// all that reads as a number, and a text, too, where both sides are numbers or points in time. A comparison with null is
/// false.
class WqlQuery {
 public:
  /// Faults: CannotProcessFilter, which tells the position; also for event queries and for more than 64 KiB, 500 conditions
  /// or 32 parentheses in each other.
  static Result<WqlQuery> parse(std::string_view text);

  WqlQuery(WqlQuery&&) noexcept;
  WqlQuery& operator=(WqlQuery&&) noexcept;
  ~WqlQuery();

  const std::string& class_name() const;
  /// The properties of the SELECT list; empty where it is "*".
  const std::vector<std::string>& properties() const;
  /// Whether `instance` is of the class, which is the name of its element, and satisfies the condition.
  bool selects(xml::Element instance) const;

 private:
  struct State;
  explicit WqlQuery(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// LIKE: % is any run of characters, _ is one, [a-f], [abc] and [^a] are sets. Case does not count.
bool matches_like(std::string_view pattern, std::string_view text);

}  // namespace wsman
