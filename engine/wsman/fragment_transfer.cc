#include "engine/wsman/fragment_transfer.h"

#include "engine/base/log.h"
#include "engine/wsman/fragment.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"

namespace wsman {
namespace {

Result<xml::Document> representation(const Item& item) {
  auto document = xml::Document::parse(item.xml);
  if (document.ok()) return std::move(*document);
  base::log_error("the XML of an instance cannot be read: {}", document.error().message());
  return make_fault(FaultCode::InternalError);
}

Result<void> keep_fragment(Item& item, const FragmentPath& path) {
  ASSIGN_OR_RETURN(const xml::Document document, representation(item));
  const std::string selected = path.select(document.root());
  item.xml = selected.empty() ? "<w:XmlFragment/>" : "<w:XmlFragment>" + selected + "</w:XmlFragment>";
  return {};
}

}  // namespace

AsyncResult<Item> get_fragment(Resource& resource, const Call& call) {
  ASSIGN_OR_CO_RETURN(const FragmentPath path, FragmentPath::parse(*call.headers.fragment));
  ASSIGN_OR_CO_RETURN(Item item, co_await resource.get(call));
  CO_RETURN_IF_ERROR(keep_fragment(item, path));
  co_return item;
}

AsyncResult<Item> put_fragment(Resource& resource, const Call& call) {
  ASSIGN_OR_CO_RETURN(const FragmentPath path, FragmentPath::parse(*call.headers.fragment));
  if (!call.body.is(ns::kWsman, "XmlFragment")) {
    co_return make_fault(FaultCode::InvalidFragment, "The body holds no w:XmlFragment");
  }
  ASSIGN_OR_CO_RETURN(const Item item, co_await resource.get(call));
  ASSIGN_OR_CO_RETURN(const xml::Document before, representation(item));
  ASSIGN_OR_CO_RETURN(std::string whole, path.replace(before.root(), call.body));
  auto document = xml::Document::parse(std::move(whole));
  if (!document.ok()) co_return make_fault(FaultCode::InvalidFragment, "The instance would not be well-formed");
  const Call put{call.headers, call.who, document->root(), call.deadline, call.path, call.address};
  ASSIGN_OR_CO_RETURN(Item changed, co_await resource.put(put));
  CO_RETURN_IF_ERROR(keep_fragment(changed, path));
  co_return changed;
}

}  // namespace wsman
