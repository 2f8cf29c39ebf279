// What answers requests: a resource sees what is asked, who asks and until when, and returns data. Envelopes, faults on the
// wire, enumeration contexts and limits are the dispatcher's.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/principal.h"
#include "engine/base/budget.h"
#include "engine/base/task.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/eventing.h"
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
  /// Of the operation in a quota: what outlives the call, an enumeration or a subscription, keeps it.
  std::shared_ptr<void> place = nullptr;
};

/// XML of one instance (an element with its own namespace declarations), and what identifies it.
struct Item {
  std::string xml;
  std::vector<Selector> selectors;
  /// XML for the w:Bookmark header of the message in which this item is the last one; usually empty.
  std::string bookmark;
  /// Of references to it, where that is not the URI of the resource that gave it.
  std::string resource_uri = {};
  /// Of an event: `xml` need not be well-formed, and goes out as text only.
  bool opaque = false;
  /// Of an event: how many the source had before it and could not keep until now.
  std::uint64_t lost_before = 0;
};

/// A filter that came with an Enumerate. `dialect` is empty where none was named.
struct Filter {
  std::string dialect;
  std::string text;  ///< text, or the XML inside
};

/// The forms of an enumeration's items.
enum class EnumerationMode : std::uint8_t { Object, Reference, ObjectAndReference };

/// b:PolymorphismMode: what of instances of derived classes is told.
enum class Polymorphism : std::uint8_t { IncludeSubClassProperties, ExcludeSubClassProperties, None };

struct EnumerateRequest {
  std::optional<Filter> filter;  ///< only one that the resource takes natively (Features::native_dialects)
  EnumerationMode mode = EnumerationMode::Object;
  Polymorphism polymorphism = Polymorphism::IncludeSubClassProperties;
  std::vector<std::string> include_properties;  ///< b:IncludeResultProperty; empty: all
};

/// What of the engine's optional services a resource lets its clients have.
struct Features {
  /// Dialects that the engine applies to the items: kSelectorDialect, kXPathDialect, kWqlDialect.
  std::vector<std::string_view> dialects;
  /// Dialects that the resource understands by itself and gets in EnumerateRequest::filter.
  std::vector<std::string_view> native_dialects;
  bool fragments = false;     ///< FragmentTransfer for Get and Put
  bool references = true;     ///< EnumerateEPR and EnumerateObjectAndEPR, where its items have selectors
  bool polymorphism = false;  ///< b:PolymorphismMode other than the default
};

/// All that the engine can do over items that are XML: filters in its dialects, and fragments.
Features item_features();

/// The items of one enumeration, piece by piece. One call at a time.
class Enumerator {
 public:
  virtual ~Enumerator() = default;
  struct Page {
    std::vector<Item> items;
    bool end = false;  ///< nothing comes after these
    /// XML of the position behind all that was looked at, where that is further than the last item; of subscriptions.
    std::string bookmark;
    /// Where there is no item to tell it: Item::lost_before of one behind that position.
    std::uint64_t lost = 0;
  };
  /// At most `budget.items` items of at most `budget.bytes` in all (a single item may be larger: the dispatcher then answers
  /// the right fault). Waits until `budget.until` at most where nothing is there yet.
  virtual AsyncResult<Page> next(base::Budget budget) = 0;
  /// How many items there are in all, where that is known without reading them.
  virtual std::optional<std::uint64_t> total() const { return std::nullopt; }
};

/// An operation that is not overridden answers ActionNotSupported. Thread-safe.
class Resource {
 public:
  virtual ~Resource() = default;
  /// The resource URI; compared without case.
  virtual std::string_view uri() const = 0;
  /// True where it answers for every URI below its own, too, unless another resource is nearer.
  virtual bool takes_below() const;
  /// True where every request needs the right to execute.
  virtual bool is_shell() const;
  /// Whether this principal may use the resource, where the resource decides that by itself; nothing, the default, leaves it
  /// to the dispatcher's AccessControl.
  virtual std::optional<bool> may_use(const auth::Principal& who, std::string_view action) const;
  /// The default offers references, and no filters or fragments.
  virtual Features features() const;
  /// True where `action` is answered from memory, without waiting for anything: no time need be kept then, which costs more
  /// than such an answer. The default is false.
  virtual bool answers_at_once(std::string_view action) const;
  /// Whether it heeds the option of this name; the default knows none. A request that insists on another option
  /// (MustComply) is refused with OptionsNotSupported.
  virtual bool knows_option(std::string_view name) const;

  virtual AsyncResult<Item> get(const Call& call);
  /// Returns the new representation.
  virtual AsyncResult<Item> put(const Call& call);
  /// Returns the new instance, of which only the selectors are told.
  virtual AsyncResult<Item> create(const Call& call);
  virtual AsyncResult<void> remove(const Call& call);
  virtual AsyncResult<std::unique_ptr<Enumerator>> enumerate(const Call& call, EnumerateRequest request);
  /// The events of a subscription, each with its bookmark: next() waits until budget.until for more, and `end` is never set
  /// while the subscription can go on. Delivery, batches, retries, expiry are the engine's; of `request` the resource looks
  /// at the filter, the bookmark and what concerns the form of an event.
  virtual AsyncResult<std::unique_ptr<Enumerator>> subscribe(const Call& call, const SubscribeRequest& request);
  /// A custom action; `method` is what follows the resource URI and a slash. Returns the XML of the response body.
  virtual AsyncResult<std::string> invoke(const Call& call, std::string method);
};

/// An enumerator over items that are there already.
std::unique_ptr<Enumerator> enumerate_items(std::vector<Item> items);

}  // namespace wsman
