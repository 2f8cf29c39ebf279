#include "cli/user_tool.h"

#include <unistd.h>

#include <array>

#include "cli/json.h"
#include "cli/password.h"
#include "engine/auth/identities.h"
#include "engine/auth/secret.h"
#include "engine/base/win32.h"
#include "engine/config/text_rules.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

constexpr OptionRow kGroup{"",
                           "group",
                           ValueKind::Text,
                           "NAME",
                           "A group that the user belongs to: Administrators, \"Remote Management Users\", \"Event Log "
                           "Readers\", or the token of one in a security descriptor; may be repeated.",
                           0,
                           0,
                           true};
constexpr std::array kAddOptions{kGroup};
constexpr std::array kListOptions{OptionRow{"", "json", ValueKind::Flag, "", "Print one JSON object a line."}};
constexpr std::array kCommands{
    CommandRow{"add", "", "NAME", 1, 1, kAddOptions, "Adds a user; asks for his password."},
    CommandRow{"password", "", "NAME", 1, 1, {}, "Gives a user another password."},
    CommandRow{"remove", "", "NAME", 1, 1, {}, "Removes a user."},
    CommandRow{"list", "", "", 0, 0, kListOptions, "Lists the users and their groups."},
};
constexpr ToolRow kTool{"muster user", "Manages the users of Basic authentication.", kCommands};

using Target = wsman::Client::Target;

constexpr std::uint32_t kNotFound = 2150858752;

Target target_of(const std::string& name) {
  Target target;
  target.resource_uri = wsman::resource::kUser;
  target.selectors.push_back({"Name", name, {}});
  return target;
}

std::string document(const Arguments& arguments, std::string_view password) {
  xml::Writer writer;
  writer.open("u:User").attribute("xmlns:u", wsman::resource::kUser).leaf("u:Name", arguments.positional[0]);
  for (const std::string& group : arguments.all("group")) writer.leaf("u:Group", group);
  writer.leaf("u:Password", password);
  return writer.take();
}

/// Whether there is such a user, before anybody types a password in vain.
base::AsyncResult<bool> is_known(Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  Target target = target_of(arguments.positional[0]);
  const auto found = co_await client->get(std::move(target));
  if (found.ok()) co_return true;
  if (base::win32_number(found.error().code) == kNotFound) co_return false;
  co_return found.error();
}

base::Result<void> check_name(const std::string& command, const Arguments& arguments, const ConnectFunction& connect) {
  const std::string& name = arguments.positional[0];
  ASSIGN_OR_RETURN(const bool known, run_blocking(is_known(arguments, connect)));
  if (known == (command == "password")) return {};
  if (known) return base::make_error(base::Win32::AlreadyExists, "There is a user " + name + " already.");
  return base::make_error(base::win32_code(kNotFound), "There is no user " + name + ".");
}

/// A group may be one that [access.sids] of the service names, so another one is no error.
void warn_of_groups(Console& console, const Arguments& arguments) {
  for (const std::string& group : arguments.all("group")) {
    if (auth::is_known_group(group)) continue;
    const std::string nearest = config::nearest_name(group, auth::known_groups());
    console.err << "Warning: " << group << " is no group that gives a right by itself; it counts only where [access.sids] "
                << "of the service names it." << (nearest.empty() ? "" : " Did you mean " + nearest + "?") << '\n';
  }
}

base::AsyncResult<void> add(Arguments arguments, std::string password, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  std::string body = document(arguments, password);
  auth::wipe(password);
  Target target = target_of(arguments.positional[0]);
  auto made = co_await client->create(std::move(target), std::move(body));
  if (!made.ok()) co_return std::move(made).error();
  co_return base::Result<void>{};
}

base::AsyncResult<void> change_password(Arguments arguments, std::string password, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  std::string body = document(arguments, password);
  auth::wipe(password);
  Target target = target_of(arguments.positional[0]);
  auto changed = co_await client->put(std::move(target), std::move(body));
  if (!changed.ok()) co_return std::move(changed).error();
  co_return base::Result<void>{};
}

base::AsyncResult<void> remove(Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  Target target = target_of(arguments.positional[0]);
  co_return co_await client->remove(std::move(target));
}

void print_user(Console& console, xml::Element user, bool json) {
  const std::string name = user.child(wsman::resource::kUser, "Name").text();
  JsonArray groups;
  std::string listed;
  for (const xml::Element child : user.children()) {
    if (!child.is(wsman::resource::kUser, "Group")) continue;
    groups.text(child.text());
    listed += (listed.empty() ? "" : ", ") + child.text();
  }
  if (json) {
    JsonObject object;
    object.text("Name", name).raw("Groups", groups.take());
    console.out << object.take() << '\n';
  } else {
    console.out << name << (listed.empty() ? "" : ": " + listed) << '\n';
  }
}

base::AsyncResult<void> list(Console& console, Arguments arguments, ConnectFunction connect) {
  ASSIGN_OR_CO_RETURN(const auto client, connect(arguments));
  Target target;
  target.resource_uri = wsman::resource::kUser;
  const bool json = arguments.flag("json");
  std::function<bool(wsman::Client::Page&)> take = [&console, json](wsman::Client::Page& page) {
    for (const xml::Element user : page.items) print_user(console, user, json);
    return true;
  };
  std::optional<wsman::Filter> no_filter;
  co_return co_await client->enumerate(std::move(target), std::move(no_filter), 1000, std::move(take));
}

std::string failure_of(std::string_view command, const std::string& name) {
  if (command == "list") return "Failed to list the users.";
  if (command == "add") return "Failed to add the user " + name + ".";
  if (command == "remove") return "Failed to remove the user " + name + ".";
  return "Failed to change the password of " + name + ".";
}

}  // namespace

const ToolRow& user_tool() {
  return kTool;
}

int run_user(Console& console, std::vector<std::string> words) {
  return run_user(console, std::move(words), service_connector(console));
}

int run_user(Console& console, std::vector<std::string> words, const ConnectFunction& connect) {
  ParsedCommand parsed = parse_command(console, kTool, words);
  if (parsed.command == nullptr) return parsed.status;
  const std::string_view command = parsed.command->name;
  const std::string name = parsed.arguments.positional.empty() ? std::string() : parsed.arguments.positional[0];
  base::Result<void> outcome;
  if (command == "list") {
    outcome = run_blocking(list(console, std::move(parsed.arguments), connect));
  } else if (command == "remove") {
    outcome = run_blocking(remove(std::move(parsed.arguments), connect));
  } else {
    if (auto checked = check_name(std::string(command), parsed.arguments, connect); !checked.ok()) {
      return print_error(console, checked.error(), failure_of(command, name));
    }
    warn_of_groups(console, parsed.arguments);
    auto password = ask_new_password(console, name);
    if (!password.ok()) return print_error(console, password.error());
    outcome = command == "add" ? run_blocking(add(std::move(parsed.arguments), std::move(*password), connect))
                               : run_blocking(change_password(std::move(parsed.arguments), std::move(*password), connect));
  }
  if (outcome.ok()) return 0;
  return print_error(console, outcome.error(), failure_of(command, name));
}

}  // namespace cli
