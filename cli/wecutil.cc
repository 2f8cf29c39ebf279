#include "cli/wecutil.h"

#include <algorithm>
#include <cstdio>

#include "cli/wecutil_options.h"
#include "cli/wecutil_print.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "subscriptions/admission.h"
#include "subscriptions/resources.h"
#include "subscriptions/status_document.h"

namespace cli {
namespace {

using base::Win32;
using subscriptions::SourceStatus;
using subscriptions::Subscription;
using subscriptions::SubscriptionStatus;
using wsman::Client;

constexpr std::size_t kPageItems = 1000;

/// One command at work.
struct Run {
  Console& console;
  const Arguments& arguments;
  Client& client;
};

// What a command was doing when it failed. Scripts match on "Failed to …. Error = 0x….".
constexpr std::string_view kOpening = "open subscription";
constexpr std::string_view kEnumerating = "enumerate subscriptions";
constexpr std::string_view kReadingStatus = "get subscription runtime status";
constexpr std::string_view kSaving = "save subscription";
constexpr std::string_view kCreating = "create subscription";
constexpr std::string_view kDeleting = "delete subscription";

std::string hexadecimal(std::uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", static_cast<unsigned>(number));
  return text;
}

int fail(Console& console, std::string_view attempted, const base::Error& error) {
  const std::uint32_t number = base::win32_number(error.code);
  const std::string text = base::win32_code(number).message();
  console.err << "Failed to " << attempted << ". Error = " << hexadecimal(number) << ".\n" << text << '\n';
  const std::string detail = error.code.category() == base::win32_category() ? error.what : error.message();
  if (!detail.empty() && detail != text) console.err << detail << '\n';
  return exit_status(error);
}

Client::Target target_of(std::string_view resource, const std::string& id) {
  Client::Target target;
  target.resource_uri = resource;
  target.selectors.push_back(wsman::Selector{std::string(subscriptions::kIdSelector), id, {}});
  return target;
}

base::AsyncResult<Subscription> fetch(Client& client, std::string id) {
  auto target = target_of(wsman::resource::kSubscriptionDefinition, id);
  ASSIGN_OR_CO_RETURN(const wsman::Envelope reply, co_await client.get(std::move(target)));
  co_return subscriptions::parse_subscription(reply.body().outer_xml());
}

base::AsyncResult<void> save(Client& client, Subscription subscription) {
  auto target = target_of(wsman::resource::kSubscriptionDefinition, subscription.id);
  auto saved = co_await client.put(std::move(target), subscriptions::to_xml(subscription));
  if (!saved.ok()) co_return std::move(saved).error();
  co_return base::Result<void>();
}

/// A definition that was stored and that this version does not serve.
int warn_if_inactive(Console& console, const Subscription& subscription) {
  if (subscription.type == subscriptions::Type::SourceInitiated || !subscription.enabled) return 0;
  const base::Error error = base::make_error(Win32::EcSubscriptionCannotActivate, "");
  console.err << "Warning: the subscription was saved but cannot be activated at this time: this version serves "
                 "source-initiated subscriptions only, and keeps no passwords. Later, use retry-subscription to try again "
                 "and get-subscriptionruntimestatus to see its state. Error = "
              << hexadecimal(base::win32_number(error.code)) << ".\n";
  return exit_status(error);
}

base::Task<int> enumerate(Run& run) {
  Client::Target target;
  target.resource_uri = wsman::resource::kSubscriptionDefinition;
  target.options.push_back(wsman::Option{std::string(subscriptions::kIdsOnlyOption), "true", false, false});
  std::vector<std::string> ids;
  auto take = [&ids](Client::Page& page) {
    for (const xml::Element item : page.items) {
      ids.push_back(item.child(subscriptions::kSubscriptionNamespace, "SubscriptionId").text());
    }
    return true;
  };
  const auto done = co_await run.client.enumerate(std::move(target), std::nullopt, kPageItems, take);
  if (!done.ok()) co_return fail(run.console, kEnumerating, done.error());
  if (run.arguments.flag("json")) {
    print_ids_json(run.console.out, ids);
    co_return 0;
  }
  for (const std::string& id : ids) run.console.out << id << '\n';
  co_return 0;
}

base::Task<int> get(Run& run) {
  const auto subscription = co_await fetch(run.client, run.arguments.positional[0]);
  if (!subscription.ok()) co_return fail(run.console, kOpening, subscription.error());
  std::ostream& out = run.console.out;
  if (run.arguments.flag("json")) {
    print_subscription_json(out, *subscription);
  } else if (run.arguments.value_or("f", "Terse") == "XML") {
    out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" << subscriptions::to_xml(*subscription);
  } else {
    out << subscriptions::to_terse(*subscription);
  }
  co_return 0;
}

/// The sources that were named and are not there. Returns the exit status.
int report_missing(Run& run, const std::vector<SourceStatus>& sources) {
  int status = 0;
  for (std::size_t i = 1; i < run.arguments.positional.size(); ++i) {
    const std::string& wanted = run.arguments.positional[i];
    const bool found = std::any_of(sources.begin(), sources.end(), [&](const SourceStatus& source) {
      return subscriptions::is_address_of(wanted, source.address);
    });
    if (found) continue;
    status = fail(run.console, kReadingStatus,
                  base::make_error(Win32::FileNotFound, "The subscription has no event source " + wanted + "."));
  }
  return status;
}

base::Task<int> get_status(Run& run) {
  auto target = target_of(wsman::resource::kSubscriptionStatus, run.arguments.positional[0]);
  for (std::size_t i = 1; i < run.arguments.positional.size(); ++i) {
    target.selectors.push_back(
        wsman::Selector{std::string(subscriptions::kSourceSelector), run.arguments.positional[i], {}});
  }
  SubscriptionStatus status;
  std::optional<base::Error> broken;
  auto take = [&](Client::Page& page) {
    for (const xml::Element item : page.items) {
      auto read = subscriptions::read_status(item);
      if (!read.ok()) {
        broken = std::move(read).error();
        return false;
      }
      if (!read->id.empty()) {
        status = std::move(*read);
      } else {
        for (SourceStatus& source : read->sources) status.sources.push_back(std::move(source));
      }
    }
    return true;
  };
  const auto done = co_await run.client.enumerate(std::move(target), std::nullopt, kPageItems, take);
  if (broken) co_return fail(run.console, kReadingStatus, *broken);
  if (!done.ok()) {
    const bool unknown = done.error().code == Win32::FileNotFound;
    co_return fail(run.console, unknown ? kOpening : kReadingStatus, done.error());
  }
  if (run.arguments.flag("json")) {
    print_status_json(run.console.out, status);
  } else {
    print_status(run.console.out, status);
  }
  co_return report_missing(run, status.sources);
}

base::Task<int> set_from_file(Run& run) {
  auto wanted = read_subscription_file(*run.arguments.find("c"));
  if (!wanted.ok()) co_return fail(run.console, kOpening, wanted.error());
  if (auto applied = apply_common_user(run.arguments, *wanted); !applied.ok()) {
    co_return fail(run.console, kOpening, applied.error());
  }
  if (!run.arguments.positional.empty() && !base::equal_ignoring_case(run.arguments.positional[0], wanted->id)) {
    co_return fail(run.console, kOpening, usage("The file defines another subscription: " + wanted->id + "."));
  }
  const auto current = co_await fetch(run.client, wanted->id);
  if (!current.ok()) co_return fail(run.console, kOpening, current.error());
  const auto saved = co_await save(run.client, *wanted);
  if (!saved.ok()) co_return fail(run.console, kSaving, saved.error());
  co_return warn_if_inactive(run.console, *wanted);
}

base::Task<int> set(Run& run) {
  if (run.arguments.has("c")) co_return co_await set_from_file(run);
  const std::string& id = run.arguments.positional[0];
  auto subscription = co_await fetch(run.client, id);
  if (!subscription.ok()) {
    std::error_code ignored;
    if (subscription.error().code == Win32::FileNotFound && std::filesystem::is_regular_file(id, ignored)) {
      co_return fail(run.console, kOpening, usage(id + " is a file: use /c:" + id + " to take the definition from it."));
    }
    co_return fail(run.console, kOpening, subscription.error());
  }
  if (auto applied = apply_set_options(run.arguments, *subscription); !applied.ok()) {
    co_return fail(run.console, kSaving, applied.error());
  }
  const auto saved = co_await save(run.client, *subscription);
  if (!saved.ok()) co_return fail(run.console, kSaving, saved.error());
  co_return warn_if_inactive(run.console, *subscription);
}

base::Task<int> create(Run& run) {
  auto subscription = read_subscription_file(run.arguments.positional[0]);
  if (!subscription.ok()) co_return fail(run.console, kCreating, subscription.error());
  if (auto applied = apply_common_user(run.arguments, *subscription); !applied.ok()) {
    co_return fail(run.console, kCreating, applied.error());
  }
  Client::Target target;
  target.resource_uri = wsman::resource::kSubscriptionDefinition;
  const auto created = co_await run.client.create(std::move(target), subscriptions::to_xml(*subscription));
  if (!created.ok()) co_return fail(run.console, kCreating, created.error());
  co_return warn_if_inactive(run.console, *subscription);
}

base::Task<int> remove(Run& run) {
  auto target = target_of(wsman::resource::kSubscriptionDefinition, run.arguments.positional[0]);
  const auto removed = co_await run.client.remove(std::move(target));
  if (removed.ok()) co_return 0;
  const bool unknown = removed.error().code == Win32::FileNotFound;
  co_return fail(run.console, unknown ? kOpening : kDeleting, removed.error());
}

/// Makes the client inside the task that uses it: its sockets belong to that task's context.
base::Task<int> connect_and_run(const CommandRow& command, Console& console, const Arguments& arguments,
                                const ConnectFunction& connect) {
  auto client = connect(arguments);
  if (!client.ok()) co_return fail(console, command.name == "es" ? kEnumerating : kOpening, client.error());
  Run run{console, arguments, **client};
  if (command.name == "es") co_return co_await enumerate(run);
  if (command.name == "gs") co_return co_await get(run);
  if (command.name == "gr") co_return co_await get_status(run);
  if (command.name == "ss") co_return co_await set(run);
  if (command.name == "cs") co_return co_await create(run);
  co_return co_await remove(run);
}

}  // namespace

int run_wecutil(Console& console, std::vector<std::string> arguments) {
  return run_wecutil(console, std::move(arguments), service_connector(console));
}

int run_wecutil(Console& console, std::vector<std::string> arguments, const ConnectFunction& connect) {
  const ToolRow& tool = wecutil_tool();
  if (arguments.empty() || asks_for_help(arguments.front())) {
    print_help(console, tool);
    return 0;
  }
  const CommandRow* command = find_command(tool, arguments.front());
  if (command == nullptr) return usage_error(console, tool, usage("Command " + arguments.front() + " is not supported."));
  const auto parsed = parse_arguments(*command, std::span(arguments).subspan(1));
  if (!parsed.ok()) return usage_error(console, tool, parsed.error());
  if (parsed->help) {
    print_help(console, tool, *command);
    return 0;
  }
  if (command->name == "rs" || command->name == "qc") {
    return print_error(
        console, base::make_error(Win32::NotSupported, "Command " + std::string(command->name) + " is not supported yet."));
  }
  if (command->name == "ss") {
    if (const auto checked = check_set_options(*parsed); !checked.ok()) return usage_error(console, tool, checked.error());
  }
  return run_encoded(console, *parsed,
                     [&](Console& encoded) { return run_blocking(connect_and_run(*command, encoded, *parsed, connect)); });
}

}  // namespace cli
