#include "engine/wsman/filter.h"

#include <algorithm>

#include "engine/base/encoding.h"
#include "engine/wsman/names.h"
#include "engine/wsman/property.h"
#include "engine/wsman/xml_text.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

constexpr std::size_t kMaxSelectors = 64;
constexpr std::size_t kMaxIncluded = 256;
/// Items that are looked at in one go, however little time there is.
constexpr std::size_t kAtLeast = 1000;

Fault bad_filter(std::string_view problem) {
  return make_fault(FaultCode::CannotProcessFilter, std::string(problem));
}

Result<xml::Document> parse_filter(std::string_view text) {
  auto document = xml::Document::parse(std::string(text));
  if (!document.ok()) return bad_filter("The filter is not one XML element");
  return std::move(*document);
}

Result<std::vector<Selector>> read_selectors(xml::Element set) {
  std::vector<Selector> selectors;
  for (const xml::Element element : set.children()) {
    if (!element.is(ns::kWsman, "Selector")) return bad_filter("The selector filter holds something else than selectors");
    if (selectors.size() == kMaxSelectors) return bad_filter("The selector filter has too many selectors");
    Selector selector;
    selector.name = base::trimmed(element.attribute("Name").value_or(std::string_view()));
    if (selector.name.empty()) return bad_filter("A selector of the filter has no name");
    if (element.first_child()) return bad_filter("A selector of the filter is a reference");
    selector.value = trimmed_text(element);
    selectors.push_back(std::move(selector));
  }
  return selectors;
}

class FilteredEnumerator final : public Enumerator {
 public:
  FilteredEnumerator(std::unique_ptr<Enumerator> source, ItemFilter filter, base::Clock& clock)
      : source_(std::move(source)), filter_(std::move(filter)), clock_(clock) {}

  AsyncResult<Page> next(base::Budget budget) override {
    Page page;
    std::size_t looked_at = 0;
    base::Budget rest = budget;
    while (!page.end) {
      auto more = co_await source_->next(rest);
      if (!more.ok()) co_return std::move(more).error();
      page.end = more->end;
      looked_at += std::max<std::size_t>(more->items.size(), 1);
      for (Item& item : more->items) {
        const auto chosen = filter_.apply(item);
        if (!chosen.ok()) co_return chosen.error();
        if (!*chosen) continue;
        rest.items -= 1;
        rest.bytes -= std::min(rest.bytes, item.xml.size());
        page.items.push_back(std::move(item));
      }
      // What the source gives for the rest of a budget fits; one that is used up it might exceed.
      if (rest.items == 0 || (!page.items.empty() && rest.bytes == 0)) break;
      if (more->items.empty() || (looked_at >= kAtLeast && clock_.steady() >= budget.until)) break;
      if (!page.items.empty()) rest.until = base::SteadyTime::min();
    }
    co_return page;
  }

 private:
  std::unique_ptr<Enumerator> source_;
  ItemFilter filter_;
  base::Clock& clock_;
};

}  // namespace

Result<SelectorFilter> SelectorFilter::parse(std::string_view xml) {
  ASSIGN_OR_RETURN(const xml::Document document, parse_filter(xml));
  if (!document.root().is(ns::kWsman, "SelectorSet")) return bad_filter("The selector filter holds no w:SelectorSet");
  SelectorFilter filter;
  ASSIGN_OR_RETURN(filter.selectors_, read_selectors(document.root()));
  for (std::size_t i = 0; i < filter.selectors_.size(); ++i) {
    const Selector& selector = filter.selectors_[i];
    if (selector.value.find_first_of("'\"") != std::string::npos) {
      return bad_filter("A value of the selector filter holds a quotation mark");
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (base::equal_ignoring_case(filter.selectors_[other].name, selector.name)) {
        return bad_filter("The selector filter names " + selector.name.substr(0, 100) + " twice");
      }
    }
  }
  return filter;
}

Result<bool> SelectorFilter::selects(xml::Element item) const {
  bool all = true;
  for (const Selector& selector : selectors_) {
    const auto found = find_property(item, selector.name);
    const std::string name = selector.name.substr(0, 100);
    if (found.size() > 1) return bad_filter("The property " + name + " is an array, which a selector filter cannot compare");
    if (found.empty()) {
      all = false;
      continue;
    }
    if (is_datetime(found.front())) {
      return bad_filter("The property " + name + " is a datetime, which a selector filter cannot compare");
    }
    if (found.front().first_child()) return bad_filter("The property " + name + " has parts of its own");
    const auto value = value_of(found.front());
    if (!value || !base::equal_ignoring_case(*value, selector.value)) all = false;
  }
  return all;
}

Result<AssociationFilter> parse_association_filter(std::string_view xml) {
  ASSIGN_OR_RETURN(const xml::Document document, parse_filter(xml));
  const xml::Element root = document.root();
  AssociationFilter filter;
  if (root.is(ns::kCimBinding, "AssociationInstances")) {
    filter.kind = AssociationFilter::Kind::AssociationInstances;
  } else if (!root.is(ns::kCimBinding, "AssociatedInstances")) {
    return bad_filter("The association filter is neither b:AssociatedInstances nor b:AssociationInstances");
  }
  xml::Element object = root.child(ns::kCimBinding, "Object");
  if (!object) return bad_filter("The association filter names no object");
  if (const auto nested = object.child(ns::kAddressing, "EndpointReference")) object = nested;
  const xml::Element parameters = object.child(ns::kAddressing, "ReferenceParameters");
  filter.resource_uri = trimmed_text(parameters.child(ns::kWsman, "ResourceURI"));
  if (filter.resource_uri.empty()) return bad_filter("The object of the association filter has no resource URI");
  if (const auto set = parameters.child(ns::kWsman, "SelectorSet")) {
    ASSIGN_OR_RETURN(filter.selectors, read_selectors(set));
  }
  const auto text = [root](std::string_view name) { return trimmed_text(root.child(ns::kCimBinding, name)); };
  filter.association_class = text("AssociationClassName");
  filter.role = text("Role");
  filter.result_class = text("ResultClassName");
  filter.result_role = text("ResultRole");
  if (filter.kind == AssociationFilter::Kind::AssociationInstances &&
      !(filter.association_class.empty() && filter.result_role.empty())) {
    return bad_filter("AssociationClassName and ResultRole have no meaning for association instances");
  }
  for (const xml::Element child : root.children()) {
    if (!child.is(ns::kCimBinding, "IncludeResultProperty")) continue;
    if (filter.include_properties.size() == kMaxIncluded)
      return bad_filter("The association filter names too many properties");
    filter.include_properties.push_back(trimmed_text(child));
  }
  return filter;
}

Result<ItemFilter> ItemFilter::make(const std::optional<Filter>& filter, std::vector<std::string> include,
                                    std::string_view resource_uri) {
  ItemFilter made;
  made.include_ = std::move(include);
  if (!filter) return made;
  if (filter->dialect == kSelectorDialect) {
    if (resource_uri.ends_with('*')) return bad_filter("A selector filter needs a resource of one class");
    ASSIGN_OR_RETURN(made.test_, SelectorFilter::parse(filter->text));
  } else if (filter->dialect == kWqlDialect) {
    ASSIGN_OR_RETURN(WqlQuery query, WqlQuery::parse(filter->text));
    if (made.include_.empty()) made.include_ = query.properties();
    made.test_ = std::move(query);
  } else {
    ASSIGN_OR_RETURN(made.test_, ItemXPath::parse(filter->text));
  }
  return made;
}

Result<bool> ItemFilter::apply(Item& item) const {
  if (std::holds_alternative<std::monostate>(test_) && include_.empty()) return true;
  const auto document = xml::Document::parse(item.xml);
  if (!document.ok()) return make_fault(FaultCode::InternalError);
  const xml::Element root = document->root();
  bool chosen = true;
  if (const auto* selectors = std::get_if<SelectorFilter>(&test_)) {
    ASSIGN_OR_RETURN(chosen, selectors->selects(root));
  } else if (const auto* xpath = std::get_if<ItemXPath>(&test_)) {
    chosen = xpath->selects(root);
  } else if (const auto* query = std::get_if<WqlQuery>(&test_)) {
    chosen = query->selects(root);
  }
  if (chosen && !include_.empty()) item.xml = project(root, include_);
  return chosen;
}

Result<FilterBy> who_filters(const Filter& filter, const Features& features) {
  if (features.dialects.empty() && features.native_dialects.empty()) return make_fault(FaultCode::FilteringNotSupported);
  const auto offers = [](const std::vector<std::string_view>& dialects, std::string_view dialect) {
    return std::find(dialects.begin(), dialects.end(), dialect) != dialects.end();
  };
  if (filter.dialect == kAssociationDialect) RETURN_IF_ERROR(parse_association_filter(filter.text));
  const std::string_view dialect = filter.dialect.empty() ? kXPathDialect : std::string_view(filter.dialect);
  if (offers(features.native_dialects, dialect)) return FilterBy::Resource;
  if (offers(features.dialects, dialect)) return FilterBy::Engine;
  // Without a dialect, a resource that knows only its own takes that.
  if (filter.dialect.empty() && features.dialects.empty()) return FilterBy::Resource;
  Fault fault = make_fault(FaultCode::FilterDialectRequestedUnavailable,
                           "The filter dialect " + std::string(dialect.substr(0, 200)) + " is not supported");
  for (const auto* list : {&features.native_dialects, &features.dialects}) {
    for (const std::string_view known : *list) fault.detail_xml += xml::Writer().leaf("n:SupportedDialect", known).take();
  }
  return fault;
}

std::unique_ptr<Enumerator> filtered(std::unique_ptr<Enumerator> source, ItemFilter filter, base::Clock& clock) {
  return std::make_unique<FilteredEnumerator>(std::move(source), std::move(filter), clock);
}

}  // namespace wsman
