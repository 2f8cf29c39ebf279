// XPath as a filter of items: Level 1 of DSP0226, and predicates that compare.
//
// Source: wsman-protocol, section 7.5; DSP0226, annex D.

#pragma once

#include <memory>
#include <string_view>

#include "engine/wsman/fault.h"
#include "engine/xml/element.h"

namespace wsman {

/// A condition such as `Enabled='true'`, `/Publisher[Name='A']`, `*[Size > 10 and not(Type)]`, `Level[@Value=2]`. An
/// expression that is a path holds where the path selects something. Relative paths begin at the item and around it, so that
/// both `Name` and `Item/Name` select; names are case sensitive and their prefixes do not count. Steps go to children only,
/// and absolute paths do not stand in predicates, so that an evaluation takes time in proportion to item and expression.
/// Immutable.
class ItemXPath {
 public:
  /// Faults: CannotProcessFilter, which tells the position; also for what is outside of this subset, and for more than
  /// 64 KiB, 500 steps and comparisons, or 32 brackets in each other.
  static Result<ItemXPath> parse(std::string_view text);

  ItemXPath(ItemXPath&&) noexcept;
  ItemXPath& operator=(ItemXPath&&) noexcept;
  ~ItemXPath();

  bool selects(xml::Element item) const;

 private:
  struct State;
  explicit ItemXPath(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wsman
