// What answers requests: a resource sees what is asked, who asks and until when, and returns data. Envelopes, faults on the
// wire, enumeration contexts and limits are the dispatcher's.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/principal.h"
#include "engine/base/budget.h"
#include "engine/base/task.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/fault.h"

namespace wsman {

/// One request, seen by a resource. Lives as long as the call.
struct Call {
  const Headers& headers;
  const auth::Principal& who;
  xml::Element body;  ///< s:Body's child; null if empty
  base::SteadyTime deadline;
  std::string path;     ///< of the HTTP request: "/wsman/SubscriptionManager/WEC"
  std::string address;  ///< the peer's network address
};

/// XML of one instance (an element with its own namespace declarations), and what identifies it.
struct Item {
  std::string xml;
  std::vector<Selector> selectors;
  /// XML for the w:Bookmark header of the message in which this item is the last one; usually empty.
  std::string bookmark;
};

/// A filter that came with an Enumerate. `dialect` is empty where none was named.
struct Filter {
  std::string dialect;
  std::string text;  ///< text, or the XML inside
};

struct EnumerateRequest {
  std::optional<Filter> filter;
};

/// The items of one enumeration, piece by piece. One call at a time.
class Enumerator {
 public:
  virtual ~Enumerator() = default;
  struct Page {
    std::vector<Item> items;
    bool end = false;  ///< nothing comes after these
  };
  /// At most `budget.items` items of at most `budget.bytes` in all (a single item may be larger: the dispatcher then answers
  /// the right fault). Waits until `budget.until` at most where nothing is there yet.
  virtual AsyncResult<Page> next(base::Budget budget) = 0;
};

/// An operation that is not overridden answers ActionNotSupported. Thread-safe.
class Resource {
 public:
  virtual ~Resource() = default;
  /// The resource URI; compared without case.
  virtual std::string_view uri() const = 0;
  /// Whether this principal may use the resource at all; the default lets administrators only.
  virtual bool may_use(const auth::Principal& who, std::string_view action) const;
  /// Whether it heeds the option of this name; the default knows none. A request that insists on another option
  /// (MustComply) is refused with InvalidOptions.
  virtual bool knows_option(std::string_view name) const;

  virtual AsyncResult<Item> get(const Call& call);
  /// Returns the new representation.
  virtual AsyncResult<Item> put(const Call& call);
  /// Returns the new instance, of which only the selectors are told.
  virtual AsyncResult<Item> create(const Call& call);
  virtual AsyncResult<void> remove(const Call& call);
  virtual AsyncResult<std::unique_ptr<Enumerator>> enumerate(const Call& call, EnumerateRequest request);
  /// A custom action; `method` is what follows the resource URI and a slash. Returns the XML of the response body.
  virtual AsyncResult<std::string> invoke(const Call& call, std::string method);
};

/// An enumerator over items that are there already.
std::unique_ptr<Enumerator> enumerate_items(std::vector<Item> items);

}  // namespace wsman
