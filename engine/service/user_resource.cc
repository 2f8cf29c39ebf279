#include "engine/service/user_resource.h"

#include "engine/base/encoding.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace service {
namespace {

wsman::Item item_of(const User& user) {
  xml::Writer writer;
  writer.open("u:User").attribute("xmlns:u", wsman::resource::kUser).leaf("u:Name", user.name);
  for (const std::string& group : user.groups) writer.leaf("u:Group", group);
  wsman::Item item;
  item.xml = writer.take();
  item.selectors.push_back({"Name", user.name, {}});
  return item;
}

wsman::Result<std::string> name_of(const wsman::Call& call) {
  for (const wsman::Selector& selector : call.headers.selectors) {
    if (!base::equal_ignoring_case(selector.name, "Name")) {
      return wsman::make_fault(wsman::FaultCode::UnexpectedSelectors, "A user has the selector Name and no other.");
    }
  }
  const auto name = call.headers.find_selector("Name");
  if (!name) return wsman::make_fault(wsman::FaultCode::InsufficientSelectors, "Name the user with the selector Name.");
  return *name;
}

/// A request's body.
struct Document {
  std::string name;
  UserChange change;
};

wsman::Result<Document> read_document(xml::Element body) {
  const auto malformed = [](std::string reason) {
    return wsman::make_fault(wsman::FaultCode::SchemaValidationError, std::move(reason));
  };
  if (!body.is(wsman::resource::kUser, "User")) return malformed("The body is not a User.");
  Document document;
  for (const xml::Element child : body.children()) {
    const std::string_view name = child.local_name();
    if (child.namespace_uri() != wsman::resource::kUser || child.first_child()) {
      return malformed("An element of User is in another namespace, or holds elements.");
    }
    std::string text = child.text();
    if (name == "Name") {
      document.name = base::trimmed(text);
    } else if (name == "Group") {
      if (!document.change.groups) document.change.groups.emplace();
      if (const auto group = base::trimmed(text); !group.empty()) document.change.groups->emplace_back(group);
    } else if (name == "Password") {
      if (document.change.password) return malformed("Password is there twice.");
      document.change.password = auth::Secret(text);
      auth::wipe(text);
    } else {
      return malformed("There is no element " + std::string(name.substr(0, 100)) + " in User.");
    }
  }
  return document;
}

}  // namespace

std::string_view UserResource::uri() const {
  return wsman::resource::kUser;
}

std::optional<bool> UserResource::may_use(const auth::Principal& who, std::string_view) const {
  return who.administrator ? std::nullopt : std::optional<bool>(false);
}

wsman::AsyncResult<wsman::Item> UserResource::get(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const std::string name, name_of(call));
  const auto user = users_.find(name);
  if (!user) co_return wsman::make_fault(wsman::FaultCode::ResourceNotFound, "There is no user " + name + ".");
  co_return item_of(*user);
}

wsman::AsyncResult<wsman::Item> UserResource::put(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const std::string name, name_of(call));
  ASSIGN_OR_CO_RETURN(Document document, read_document(call.body));
  if (!document.name.empty() && !base::equal_ignoring_case(document.name, name)) {
    co_return wsman::make_fault(wsman::FaultCode::InvalidRepresentation, "The name of a user cannot be changed.");
  }
  CO_RETURN_IF_ERROR(co_await users_.change(name, std::move(document.change), call.who.name));
  co_return co_await get(call);
}

wsman::AsyncResult<wsman::Item> UserResource::create(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(Document document, read_document(call.body));
  // The name may stand in the body, in the selectors, or in both.
  if (!call.headers.selectors.empty()) {
    ASSIGN_OR_CO_RETURN(const std::string name, name_of(call));
    if (!document.name.empty() && !base::equal_ignoring_case(document.name, name)) {
      co_return wsman::make_fault(wsman::FaultCode::InvalidRepresentation, "The selector names another user than the body.");
    }
    document.name = name;
  }
  const std::string name = document.name;
  CO_RETURN_IF_ERROR(co_await users_.create(name, std::move(document.change), call.who.name));
  co_return item_of(User{name, {}});
}

wsman::AsyncResult<void> UserResource::remove(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const std::string name, name_of(call));
  co_return co_await users_.remove(name, call.who.name);
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> UserResource::enumerate(const wsman::Call& call,
                                                                               wsman::EnumerateRequest) {
  if (!call.headers.selectors.empty()) {
    co_return wsman::make_fault(wsman::FaultCode::UnexpectedSelectors, "An enumeration of users takes no selectors.");
  }
  std::vector<wsman::Item> items;
  for (const User& user : users_.list()) items.push_back(item_of(user));
  co_return wsman::enumerate_items(std::move(items));
}

}  // namespace service
