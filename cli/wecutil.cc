#include "cli/wecutil.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "cli/password.h"
#include "cli/wecutil_apply.h"
#include "cli/wecutil_options.h"
#include "cli/wecutil_print.h"
#include "cli/wecutil_quickconfig.h"
#include "cli/wecutil_run.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"
#include "subscriptions/admission.h"
#include "subscriptions/resources.h"
#include "subscriptions/status_document.h"

namespace cli {
namespace {

using base::Win32;
using subscriptions::Passwords;
using subscriptions::SourceStatus;
using subscriptions::Subscription;
using subscriptions::SubscriptionStatus;
using wsman::Client;

using Run = WecutilRun;

// What a command was doing when it failed. Scripts match on "Failed to …. Error = 0x….".
constexpr std::string_view kOpening = "open subscription";
constexpr std::string_view kEnumerating = "enumerate subscriptions";
constexpr std::string_view kReadingStatus = "get subscription runtime status";
constexpr std::string_view kSaving = "save subscription";
constexpr std::string_view kCreating = "create subscription";
constexpr std::string_view kDeleting = "delete subscription";

constexpr std::string_view kRetrying = "retry subscription";

std::string hexadecimal(std::uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", static_cast<unsigned>(number));
  return text;
}

base::AsyncResult<Subscription> fetch(Client& client, std::string id) {
  auto target = subscription_target(wsman::resource::kSubscriptionDefinition, id);
  ASSIGN_OR_CO_RETURN(const wsman::Envelope reply, co_await client.get(std::move(target)));
  co_return subscriptions::parse_subscription(reply.body().outer_xml());
}

base::AsyncResult<void> save(Client& client, Subscription subscription) {
  auto target = subscription_target(wsman::resource::kSubscriptionDefinition, subscription.id);
  std::string xml = subscriptions::to_xml(subscription, Passwords::Given);
  auto saved = co_await client.put(std::move(target), std::move(xml));
  if (!saved.ok()) co_return std::move(saved).error();
  co_return base::Result<void>();
}

/// The status without its sources.
base::AsyncResult<SubscriptionStatus> fetch_status(Client& client, std::string id) {
  auto target = subscription_target(wsman::resource::kSubscriptionStatus, id);
  base::Result<SubscriptionStatus> status = base::make_error(Win32::InvalidData, "the service's answer is empty");
  auto take = [&status](Client::Page& page) {
    if (!page.items.empty()) status = subscriptions::read_status(page.items.front());
    return false;
  };
  CO_RETURN_IF_ERROR(co_await client.enumerate(std::move(target), std::nullopt, 1, take));
  co_return status;
}

/// Where a definition was stored that the service cannot activate.
base::Task<int> warn_if_inactive(Run& run, const Subscription& subscription) {
  if (subscription.type == subscriptions::Type::SourceInitiated || !subscription.enabled) co_return 0;
  const auto status = co_await fetch_status(run.client, subscription.id);
  if (!status.ok() || status->last_error == 0) co_return 0;
  const base::Error error = base::make_error(Win32::EcSubscriptionCannotActivate, "");
  run.console.err
      << "Warning: the subscription was saved but cannot be activated at this time: " << status->error_message
      << " Later, use retry-subscription to try again and get-subscriptionruntimestatus to see its state. Error = "
      << hexadecimal(base::win32_number(error.code)) << ".\n";
  co_return exit_status(error);
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
  const auto done = co_await run.client.enumerate(std::move(target), std::nullopt, kWecutilPage, take);
  if (!done.ok()) co_return fail_wecutil(run.console, kEnumerating, done.error());
  if (run.arguments.flag("json")) {
    print_ids_json(run.console.out, ids);
    co_return 0;
  }
  // Source: wecutil, section 1, row 3. UTF-16 output has a mark of its own.
  if (run.arguments.flag("bom") && !run.arguments.flag("uni")) run.console.out << "\xEF\xBB\xBF";
  for (const std::string& id : ids) run.console.out << id << '\n';
  co_return 0;
}

base::Task<int> get(Run& run) {
  const auto subscription = co_await fetch(run.client, run.arguments.positional[0]);
  if (!subscription.ok()) co_return fail_wecutil(run.console, kOpening, subscription.error());
  std::ostream& out = run.console.out;
  if (run.arguments.flag("json")) {
    print_subscription_json(out, *subscription);
  } else if (run.arguments.value_or("f", "Terse") == "XML") {
    const std::string_view encoding = run.arguments.flag("uni") ? "UTF-16" : "UTF-8";
    out << "<?xml version=\"1.0\" encoding=\"" << encoding << "\"?>\n" << subscriptions::to_xml(*subscription);
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
    status = fail_wecutil(run.console, kReadingStatus,
                          base::make_error(Win32::FileNotFound, "The subscription has no event source " + wanted + "."));
  }
  return status;
}

/// How many sources went.
base::AsyncResult<std::uint64_t> purge(Client& client, std::string id, std::uint64_t days) {
  auto target = subscription_target(wsman::resource::kSubscriptionStatus, id);
  xml::Writer writer;
  writer.open("ForgetSilent_INPUT").attribute("xmlns", wsman::resource::kSubscriptionStatus);
  writer.leaf("Days", std::to_string(days));
  std::string body = writer.take();
  ASSIGN_OR_CO_RETURN(const wsman::Envelope reply,
                      co_await client.invoke(std::move(target), "ForgetSilent", std::move(body)));
  const std::string text(reply.body().child(wsman::resource::kSubscriptionStatus, "Forgotten").text());
  std::uint64_t forgotten = 0;
  std::from_chars(text.data(), text.data() + text.size(), forgotten);
  co_return forgotten;
}

base::Task<int> get_status(Run& run) {
  if (const auto days = run.arguments.number("PurgeInactiveES")) {
    const auto purged = co_await purge(run.client, run.arguments.positional[0], *days);
    if (!purged.ok()) co_return fail_wecutil(run.console, kReadingStatus, purged.error());
    run.console.err << "Event sources purged: " << *purged << '\n';
  }
  auto target = subscription_target(wsman::resource::kSubscriptionStatus, run.arguments.positional[0]);
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
  const auto done = co_await run.client.enumerate(std::move(target), std::nullopt, kWecutilPage, take);
  if (broken) co_return fail_wecutil(run.console, kReadingStatus, *broken);
  if (!done.ok()) {
    const bool unknown = done.error().code == Win32::FileNotFound;
    co_return fail_wecutil(run.console, unknown ? kOpening : kReadingStatus, done.error());
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
  if (!wanted.ok()) co_return fail_wecutil(run.console, kOpening, wanted.error());
  if (auto applied = complete_file(run.arguments, *wanted, password_prompt(run.console)); !applied.ok()) {
    co_return fail_wecutil(run.console, kOpening, applied.error());
  }
  // Here as well as in the service: the file may say what the document that goes there has no place for.
  if (auto valid = subscriptions::validate(*wanted); !valid.ok()) {
    co_return fail_wecutil(run.console, kSaving, valid.error());
  }
  if (!run.arguments.positional.empty() && !base::equal_ignoring_case(run.arguments.positional[0], wanted->id)) {
    co_return fail_wecutil(run.console, kOpening, usage("The file defines another subscription: " + wanted->id + "."));
  }
  const auto current = co_await fetch(run.client, wanted->id);
  if (!current.ok()) co_return fail_wecutil(run.console, kOpening, current.error());
  const auto saved = co_await save(run.client, *wanted);
  if (!saved.ok()) co_return fail_wecutil(run.console, kSaving, saved.error());
  co_return co_await warn_if_inactive(run, *wanted);
}

base::Task<int> set(Run& run) {
  if (run.arguments.has("c")) co_return co_await set_from_file(run);
  const std::string& id = run.arguments.positional[0];
  auto subscription = co_await fetch(run.client, id);
  if (!subscription.ok()) {
    std::error_code ignored;
    if (subscription.error().code == Win32::FileNotFound && std::filesystem::is_regular_file(id, ignored)) {
      co_return fail_wecutil(run.console, kOpening,
                             usage(id + " is a file: use /c:" + id + " to take the definition from it."));
    }
    co_return fail_wecutil(run.console, kOpening, subscription.error());
  }
  if (auto applied = apply_set_options(run.arguments, *subscription, password_prompt(run.console)); !applied.ok()) {
    co_return fail_wecutil(run.console, kSaving, applied.error());
  }
  if (auto valid = subscriptions::validate(*subscription); !valid.ok()) {
    co_return fail_wecutil(run.console, kSaving, valid.error());
  }
  const auto saved = co_await save(run.client, *subscription);
  if (!saved.ok()) co_return fail_wecutil(run.console, kSaving, saved.error());
  co_return co_await warn_if_inactive(run, *subscription);
}

base::Task<int> create(Run& run) {
  auto subscription = read_subscription_file(run.arguments.positional[0]);
  if (!subscription.ok()) co_return fail_wecutil(run.console, kCreating, subscription.error());
  if (auto applied = complete_file(run.arguments, *subscription, password_prompt(run.console)); !applied.ok()) {
    co_return fail_wecutil(run.console, kCreating, applied.error());
  }
  if (auto valid = subscriptions::validate(*subscription); !valid.ok()) {
    co_return fail_wecutil(run.console, kCreating, valid.error());
  }
  Client::Target target;
  target.resource_uri = wsman::resource::kSubscriptionDefinition;
  std::string xml = subscriptions::to_xml(*subscription, Passwords::Given);
  const auto created = co_await run.client.create(std::move(target), std::move(xml));
  if (!created.ok()) co_return fail_wecutil(run.console, kCreating, created.error());
  co_return co_await warn_if_inactive(run, *subscription);
}

base::Task<int> remove(Run& run) {
  auto target = subscription_target(wsman::resource::kSubscriptionDefinition, run.arguments.positional[0]);
  const auto removed = co_await run.client.remove(std::move(target));
  if (removed.ok()) co_return 0;
  const bool unknown = removed.error().code == Win32::FileNotFound;
  co_return fail_wecutil(run.console, unknown ? kOpening : kDeleting, removed.error());
}

base::Task<int> retry(Run& run) {
  auto target = subscription_target(wsman::resource::kSubscriptionStatus, run.arguments.positional[0]);
  for (std::size_t i = 1; i < run.arguments.positional.size(); ++i) {
    target.selectors.push_back(
        wsman::Selector{std::string(subscriptions::kSourceSelector), run.arguments.positional[i], {}});
  }
  std::string nothing;
  const auto retried = co_await run.client.invoke(std::move(target), "Retry", std::move(nothing));
  if (retried.ok()) co_return 0;
  const bool unknown = retried.error().code == Win32::FileNotFound;
  co_return fail_wecutil(run.console, unknown ? kOpening : kRetrying, retried.error());
}

/// Makes the client inside the task that uses it: its sockets belong to that task's context.
base::Task<int> connect_and_run(const CommandRow& command, Console& console, const Arguments& arguments,
                                const ConnectFunction& connect) {
  auto client = connect(arguments);
  if (!client.ok()) co_return fail_wecutil(console, command.name == "es" ? kEnumerating : kOpening, client.error());
  Run run{console, arguments, **client};
  if (command.name == "es") co_return co_await enumerate(run);
  if (command.name == "gs") co_return co_await get(run);
  if (command.name == "gr") co_return co_await get_status(run);
  if (command.name == "ss") co_return co_await set(run);
  if (command.name == "cs") co_return co_await create(run);
  if (command.name == "rs") co_return co_await retry(run);
  if (command.name == "apply") co_return co_await apply_folder(run);
  co_return co_await remove(run);
}

}  // namespace

int fail_wecutil(Console& console, std::string_view attempted, const base::Error& error) {
  const std::uint32_t number = base::win32_number(error.code);
  const std::string text = base::win32_code(number).message();
  console.err << "Failed to " << attempted << ". Error = " << hexadecimal(number) << ".\n" << text << '\n';
  const std::string detail = error.code.category() == base::win32_category() ? error.what : error.message();
  if (!detail.empty() && detail != text) console.err << detail << '\n';
  return exit_status(error);
}

Client::Target subscription_target(std::string_view resource, const std::string& id) {
  Client::Target target;
  target.resource_uri = resource;
  target.selectors.push_back(wsman::Selector{std::string(subscriptions::kIdSelector), id, {}});
  return target;
}

AskPassword password_prompt(Console& console) {
  return [&console](const std::string& user) -> base::Result<std::string> {
    ASSIGN_OR_RETURN(std::string password, ask_password(console, user));
    if (password.empty() || password == subscriptions::kKeptPassword) return usage("This is no password.");
    return password;
  };
}

int run_wecutil(Console& console, std::vector<std::string> arguments) {
  const auto surroundings = real_surroundings();
  return run_wecutil(console, std::move(arguments), service_connector(console), *surroundings);
}

int run_wecutil(Console& console, std::vector<std::string> arguments, const ConnectFunction& connect,
                WinrmSurroundings& surroundings) {
  const ToolRow& tool = wecutil_tool();
  if (!arguments.empty() && find_command(tool, arguments.front()) == find_command(tool, "gs")) {
    arguments = with_windows_unicode(std::move(arguments));
  }
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
  if (command->name == "ss") {
    if (const auto checked = check_set_options(*parsed); !checked.ok()) return usage_error(console, tool, checked.error());
  }
  return run_encoded(console, *parsed, [&](Console& encoded) {
    if (command->name == "qc") return run_wecutil_quickconfig(encoded, *parsed, connect, surroundings);
    return run_blocking(connect_and_run(*command, encoded, *parsed, connect));
  });
}

}  // namespace cli
