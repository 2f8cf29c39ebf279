#include "engine/wsman/enumeration.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "engine/base/iso8601.h"
#include "engine/base/utf16.h"
#include "engine/wsman/filter.h"
#include "engine/wsman/names.h"
#include "engine/wsman/reference.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

// What write_envelope() may add to a large message for namespace declarations.
constexpr std::size_t kDeclarations = 1024;
constexpr std::uint32_t kPullParametersChanged = 2150859181;
constexpr std::size_t kMaxIncluded = 256;

/// The part of an enumeration that one message carries.
struct Page {
  std::string items;  ///< XML, without the element around them
  std::string bookmark;
  std::size_t count = 0;
  bool end = false;
};

/// How much may go into one message.
struct PageLimit {
  std::size_t items = 1;
  std::size_t octets = 0;      ///< encoded, bookmark included
  std::size_t characters = 0;  ///< without the bookmark; 0 is no limit of its own
  Charset charset = Charset::Utf8;
  base::SteadyTime until;
};

Result<std::string> text_of(Item& item, const EnumerationContext& context) {
  if (context.mode == EnumerationMode::Object) return std::move(item.xml);
  if (item.selectors.empty()) return make_fault(FaultCode::UnsupportedEnumerationMode);
  const std::string_view uri = item.resource_uri.empty() ? context.resource->uri() : std::string_view(item.resource_uri);
  std::string reference = endpoint_reference(uri, item.selectors);
  if (context.mode == EnumerationMode::Reference) return reference;
  return "<w:Item>" + item.xml + reference + "</w:Item>";
}

/// In valid UTF-8.
std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// The next item does not fit into this message, but would have fitted into the first one.
Fault parameters_changed() {
  Fault fault = make_fault(FaultCode::InternalError,
                           "MaxEnvelopeSize or MaxCharacters is smaller than with the Enumerate, and too small");
  fault.windows_code = kPullParametersChanged;
  return fault;
}

/// Appends kept items while they fit.
Result<void> take_kept(EnumerationContext& context, const PageLimit& limit, Page& page, std::size_t& used) {
  std::size_t characters = characters_in(page.items);
  while (!context.kept.empty() && page.count < limit.items) {
    Item& item = context.kept.front();
    ASSIGN_OR_RETURN(std::string text, text_of(item, context));
    const std::size_t size = encoded_size(text, limit.charset);
    characters += limit.characters == 0 ? 0 : characters_in(text);
    if (used + size + encoded_size(item.bookmark, limit.charset) > limit.octets ||
        (limit.characters != 0 && characters > limit.characters)) {
      // It stays for a later Pull, whole.
      if (context.mode == EnumerationMode::Object) item.xml = std::move(text);
      break;
    }
    used += size;
    page.items += text;
    page.bookmark = std::move(item.bookmark);
    ++page.count;
    context.kept.pop_front();
  }
  return {};
}

/// Whether the next item, which does not fit now, would fit into a message like the one that began the enumeration.
bool would_have_fitted(const EnumerationContext& context, const PageLimit& limit) {
  Item item = context.kept.front();
  const auto text = text_of(item, context);
  if (!text.ok()) return false;
  const std::size_t octets = encoded_size(*text, limit.charset) + encoded_size(item.bookmark, limit.charset);
  return octets <= context.first_octets;
}

/// One page: what is kept, and then what the source has. Errors: MaxEnvelopeSizeExceeded where not even one item fits; it is
/// kept.
AsyncResult<Page> read_page(EnumerationContext& context, PageLimit limit) {
  Page page;
  std::size_t used = 0;
  CO_RETURN_IF_ERROR(take_kept(context, limit, page, used));
  if (context.kept.empty() && !context.source_ended && page.count < limit.items) {
    base::Budget budget;
    budget.items = limit.items - page.count;
    // No character takes more octets in UTF-16 than twice what it takes in UTF-8.
    budget.bytes = (limit.octets - used) / (limit.charset == Charset::Utf16 ? 2 : 1);
    budget.until = page.count == 0 ? limit.until : base::SteadyTime::min();
    auto more = co_await context.source->next(budget);
    if (!more.ok()) co_return std::move(more).error();
    context.source_ended = more->end;
    for (Item& item : more->items) context.kept.push_back(std::move(item));
    CO_RETURN_IF_ERROR(take_kept(context, limit, page, used));
  }
  if (page.count == 0 && !context.kept.empty()) {
    if (would_have_fitted(context, limit)) co_return parameters_changed();
    co_return make_fault(FaultCode::MaxEnvelopeSizeExceeded, "An item does not fit into MaxEnvelopeSize");
  }
  page.end = context.source_ended && context.kept.empty();
  co_return page;
}

std::string response_body(std::string_view response, std::string_view prefix, const std::optional<std::string>& context,
                          const Page& page) {
  std::string out;
  out.reserve(page.items.size() + 256);
  const auto tag = [&](std::string_view before, std::string_view name, std::string_view behind) {
    out += before;
    out += prefix;
    out += name;
    out += behind;
  };
  out += "<n:";
  out += response;
  out += '>';
  if (context) {
    out += context->empty() ? "<n:EnumerationContext/>" : "<n:EnumerationContext>" + *context + "</n:EnumerationContext>";
  }
  if (page.count != 0) {
    tag("<", ":Items", ">");
    out += page.items;
    tag("</", ":Items", ">");
  }
  if (page.end) tag("<", ":EndOfSequence", "/>");
  out += "</n:";
  out += response;
  out += '>';
  return out;
}

/// The answer to w:RequestTotalItemsCountEstimate.
std::string count_estimate(std::optional<std::uint64_t> total) {
  if (!total) return "<w:TotalItemsCountEstimate xsi:nil=\"true\"/>";
  return "<w:TotalItemsCountEstimate>" + std::to_string(*total) + "</w:TotalItemsCountEstimate>";
}

/// The octets that are left for items in a response to `request`.
std::size_t room_for_items(const Envelope& request, const Caller& caller, const Limits& limits) {
  Page empty;
  empty.count = 1;
  empty.end = true;
  Message frame = reply_to(request.headers, std::string(action::kEnumerate) + "Response",
                           response_body("EnumerateResponse", "w", std::string(64, 'x'), empty));
  frame.headers.bookmark = "";
  const std::size_t taken = encoded_size(write_envelope(frame) + std::string(kDeclarations, ' '), caller.charset);
  const std::uint64_t limit = response_limit(request.headers, limits);
  return limit > taken ? limit - taken : 0;
}

Result<std::optional<std::size_t>> read_count(xml::Element body, std::string_view uri, std::string_view name) {
  const xml::Element element = body.child(uri, name);
  if (!element) return std::optional<std::size_t>();
  const std::string text = trimmed_text(element);
  std::size_t count = 0;
  const auto outcome = std::from_chars(text.data(), text.data() + text.size(), count);
  if (outcome.ec == std::errc::result_out_of_range) count = std::numeric_limits<std::size_t>::max();
  if (outcome.ptr != text.data() + text.size() || text.empty() || count == 0) {
    return make_fault(FaultCode::SchemaValidationError, std::string(name) + " must be a number above zero");
  }
  return std::optional<std::size_t>(count);
}

Result<EnumerationMode> read_mode(xml::Element body) {
  const xml::Element element = body.child(ns::kWsman, "EnumerationMode");
  if (!element) return EnumerationMode::Object;
  const std::string mode = trimmed_text(element);
  if (mode == "EnumerateEPR") return EnumerationMode::Reference;
  if (mode == "EnumerateObjectAndEPR") return EnumerationMode::ObjectAndReference;
  return make_fault(FaultCode::UnsupportedEnumerationMode);
}

Result<void> check_expiration(xml::Element body) {
  const xml::Element element = body.child(ns::kEnumeration, "Expires");
  if (!element) return {};
  const std::string text = trimmed_text(element);
  // A context lives as long as it is used (EnumerationTimeoutms); a duration is taken as a wish.
  if (const auto duration = base::parse_duration(text); duration && duration->count() > 0) return {};
  if (base::parse_datetime(text)) return make_fault(FaultCode::UnsupportedEnumerationExpiration);
  return make_fault(FaultCode::InvalidEnumerationExpiration);
}

/// b:PolymorphismMode. Whoever knows no classes refuses to tell them apart.
Result<Polymorphism> read_polymorphism(xml::Element body, const Features& features) {
  const xml::Element element = body.child(ns::kCimBinding, "PolymorphismMode");
  if (!element) return Polymorphism::IncludeSubClassProperties;
  const std::string mode = trimmed_text(element);
  if (mode == "IncludeSubClassProperties") return Polymorphism::IncludeSubClassProperties;
  if (features.polymorphism && mode == "ExcludeSubClassProperties") return Polymorphism::ExcludeSubClassProperties;
  if (features.polymorphism && mode == "None") return Polymorphism::None;
  return make_fault(FaultCode::PolymorphismModeNotSupported);
}

bool is_property_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

Result<std::vector<std::string>> read_included(xml::Element body) {
  std::vector<std::string> names;
  for (const xml::Element child : body.children()) {
    if (!child.is(ns::kCimBinding, "IncludeResultProperty")) continue;
    names.push_back(trimmed_text(child));
    if (!is_property_name(names.back()) || names.size() > kMaxIncluded) {
      return make_fault(FaultCode::SchemaValidationError, "IncludeResultProperty names no property, or there are too many");
    }
  }
  return names;
}

Result<std::optional<Filter>> read_filter(xml::Element body) {
  const xml::Element wsman_filter = body.child(ns::kWsman, "Filter");
  const xml::Element enumeration_filter = body.child(ns::kEnumeration, "Filter");
  if (wsman_filter && enumeration_filter) {
    return make_fault(FaultCode::CannotProcessFilter, "There are two filters");
  }
  const xml::Element element = wsman_filter ? wsman_filter : enumeration_filter;
  if (!element) return std::optional<Filter>();
  Filter filter;
  filter.dialect = element.attribute("Dialect").value_or(std::string_view());
  filter.text = element.first_child() ? element.inner_xml() : trimmed_text(element);
  return std::optional<Filter>(std::move(filter));
}

std::string response_action(const Headers& request) {
  return request.action + "Response";
}

/// What the engine does to the items; a filter that the resource takes by itself goes into `wanted`.
Result<std::optional<ItemFilter>> take_item_filter(xml::Element body, std::string_view resource_uri,
                                                   const Features& features, EnumerateRequest& wanted) {
  ASSIGN_OR_RETURN(auto filter, read_filter(body));
  if (filter) {
    ASSIGN_OR_RETURN(const FilterBy by, who_filters(*filter, features));
    if (by == FilterBy::Resource) {
      wanted.filter = std::move(filter);
      return std::optional<ItemFilter>();
    }
  }
  // Properties are left out for those whose items the engine knows to read.
  const bool includes = !wanted.include_properties.empty() && !features.dialects.empty();
  if (!filter && !includes) return std::optional<ItemFilter>();
  auto include = includes ? std::move(wanted.include_properties) : std::vector<std::string>();
  ASSIGN_OR_RETURN(ItemFilter made, ItemFilter::make(filter, std::move(include), resource_uri));
  return std::optional<ItemFilter>(std::move(made));
}

/// A context on loan: unless it is given back, the enumeration ends with it.
class Loan {
 public:
  Loan(EnumerationTable& table, std::unique_ptr<EnumerationContext> context)
      : table_(table), context_(std::move(context)), id_(context_->id) {}
  ~Loan() {
    if (context_) table_.drop(id_);
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

  EnumerationContext& context() { return *context_; }
  void give_back(base::SteadyTime now) { table_.put_back(std::move(context_), now); }

 private:
  EnumerationTable& table_;
  std::unique_ptr<EnumerationContext> context_;
  std::string id_;
};

}  // namespace

std::size_t encoded_size(std::string_view text, Charset charset) {
  return charset == Charset::Utf8 ? text.size() : 2 * base::utf16_length(text);
}

Result<xml::Element> enumeration_body(const Envelope& request, std::string_view name) {
  const xml::Element body = request.body();
  if (!body) return make_fault(FaultCode::SchemaValidationError, "The body is empty");
  if (!body.is(ns::kEnumeration, name)) {
    return make_fault(FaultCode::ActionMismatch,
                      "The body " + std::string(body.local_name().substr(0, 100)) + " does not fit the action");
  }
  return body;
}

std::string context_id(xml::Element body) {
  return trimmed_text(body.child(ns::kEnumeration, "EnumerationContext"));
}

Result<PullRequest> read_pull(const Envelope& request, const Caller& caller, const Limits& limits) {
  ASSIGN_OR_RETURN(const xml::Element body, enumeration_body(request, "Pull"));
  PullRequest pull;
  pull.context = context_id(body);
  ASSIGN_OR_RETURN(const auto max_elements, read_count(body, ns::kEnumeration, "MaxElements"));
  ASSIGN_OR_RETURN(const auto max_characters, read_count(body, ns::kEnumeration, "MaxCharacters"));
  pull.items = std::min(max_elements.value_or(1), limits.max_batch_items);
  pull.octets = room_for_items(request, caller, limits);
  pull.characters = max_characters.value_or(0);
  if (const xml::Element max_time = body.child(ns::kEnumeration, "MaxTime")) {
    pull.max_time = base::parse_duration(trimmed_text(max_time));
    if (!pull.max_time) return make_fault(FaultCode::SchemaValidationError, "MaxTime is not a duration");
  }
  return pull;
}

AsyncResult<Message> Enumerations::enumerate(const Envelope& request, const Caller& caller, Resource& resource,
                                             const Call& call, Limits limits) {
  ASSIGN_OR_CO_RETURN(const xml::Element body, enumeration_body(request, "Enumerate"));
  const Features features = resource.features();
  EnumerationContext context;
  context.resource = &resource;
  context.owner = caller.who;
  context.place = call.place;
  ASSIGN_OR_CO_RETURN(context.mode, read_mode(body));
  if (context.mode != EnumerationMode::Object && !features.references) {
    co_return make_fault(FaultCode::UnsupportedEnumerationMode);
  }
  CO_RETURN_IF_ERROR(check_expiration(body));
  EnumerateRequest wanted;
  wanted.mode = context.mode;
  ASSIGN_OR_CO_RETURN(wanted.polymorphism, read_polymorphism(body, features));
  ASSIGN_OR_CO_RETURN(wanted.include_properties, read_included(body));
  ASSIGN_OR_CO_RETURN(auto item_filter, take_item_filter(body, request.headers.resource_uri, features, wanted));
  ASSIGN_OR_CO_RETURN(const auto max_elements, read_count(body, ns::kWsman, "MaxElements"));
  const bool optimized = static_cast<bool>(body.child(ns::kWsman, "OptimizeEnumeration"));
  // An optimised enumeration that ends at once needs no place: only those that go on are refused for want of one.
  if (!optimized) CO_RETURN_IF_ERROR(table_.check_room(caller.who));

  auto source = co_await resource.enumerate(call, std::move(wanted));
  if (!source.ok()) co_return std::move(source).error();
  context.source = std::move(source).value();
  // How many of its items a filter lets through is not known before.
  const auto total = item_filter ? std::nullopt : context.source->total();
  if (item_filter) context.source = filtered(std::move(context.source), std::move(*item_filter), *options_.clock);

  Page page;
  if (optimized) {
    PageLimit limit;
    limit.items = std::min(max_elements.value_or(1), limits.max_batch_items);
    limit.octets = room_for_items(request, caller, limits);
    limit.charset = caller.charset;
    // What is there now: items that come later are for Pull.
    limit.until = base::SteadyTime::min();
    context.first_octets = limit.octets;
    auto first = co_await read_page(context, limit);
    if (!first.ok()) co_return std::move(first).error();
    page = std::move(first).value();
  }
  // Captured from Windows: the context of an enumeration that is complete is there, and empty.
  std::string id;
  if (!page.end) {
    ASSIGN_OR_CO_RETURN(id, table_.add(std::move(context), options_.clock->steady()));
  }
  Message message = reply_to(request.headers, response_action(request.headers),
                             response_body("EnumerateResponse", "w", std::move(id), page));
  if (request.headers.request_total_items) message.headers.extra.push_back(count_estimate(total));
  if (!page.bookmark.empty()) message.headers.bookmark = std::move(page.bookmark);
  co_return message;
}

AsyncResult<Message> Enumerations::pull(const Envelope& request, const Caller& caller, Resource& resource, const Call& call,
                                        Limits limits) {
  ASSIGN_OR_CO_RETURN(const PullRequest wanted, read_pull(request, caller, limits));
  const base::SteadyTime now = options_.clock->steady();
  PageLimit limit;
  limit.until = call.deadline;
  if (wanted.max_time) limit.until = std::min(limit.until, now + *wanted.max_time);
  limit.items = wanted.items;
  limit.octets = wanted.octets;
  limit.characters = wanted.characters;
  limit.charset = caller.charset;

  ASSIGN_OR_CO_RETURN(auto taken, table_.take(wanted.context, caller.who, resource, now));
  Loan loan(table_, std::move(taken));
  auto page = co_await read_page(loan.context(), limit);
  const std::string id = loan.context().id;
  if (!page.ok()) {
    const bool goes_on = page.error().code == FaultCode::MaxEnvelopeSizeExceeded ||
                         page.error().code == FaultCode::TimedOut || page.error().windows_code == kPullParametersChanged;
    if (goes_on) {
      loan.give_back(options_.clock->steady());
    }
    co_return std::move(page).error();
  }
  if (page->count == 0 && !page->end) {
    loan.give_back(options_.clock->steady());
    co_return make_fault(FaultCode::TimedOut, "No item became available in time");
  }
  std::optional<std::string> next;
  if (!page->end) {
    next = id;
    loan.give_back(options_.clock->steady());
  }
  Message message =
      reply_to(request.headers, response_action(request.headers), response_body("PullResponse", "n", next, *page));
  if (!page->bookmark.empty()) message.headers.bookmark = std::move(page->bookmark);
  co_return message;
}

Result<Message> Enumerations::release(const Envelope& request, const Caller& caller) {
  ASSIGN_OR_RETURN(const xml::Element body, enumeration_body(request, "Release"));
  RETURN_IF_ERROR(table_.release(context_id(body), caller.who));
  return reply_to(request.headers, response_action(request.headers), "");
}

}  // namespace wsman
