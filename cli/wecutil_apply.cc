#include "cli/wecutil_apply.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "cli/json.h"
#include "cli/line_difference.h"
#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "subscriptions/passwords.h"

namespace cli {
namespace {

using base::Win32;
using subscriptions::Passwords;
using subscriptions::Subscription;

constexpr std::size_t kMaxFiles = 10'000;
constexpr std::string_view kDefinitions = wsman::resource::kSubscriptionDefinition;

enum class Step { None, Create, Change, Delete };

std::string_view name_of(Step step) {
  switch (step) {
    case Step::None:
      return "None";
    case Step::Create:
      return "Create";
    case Step::Change:
      return "Change";
    case Step::Delete:
      return "Delete";
  }
  return {};
}

/// What becomes of one subscription.
struct Item {
  std::string id;
  std::string file;  ///< empty where none defines it
  std::optional<Subscription> wanted;
  std::optional<Subscription> current;
  Step step = Step::None;
};

class FolderApplication {
 public:
  explicit FolderApplication(WecutilRun& run) : run_(run) {}

  base::Task<int> apply() {
    read_folder(run_.arguments.positional[0]);
    if (status_ != 0) co_return give_up();
    const auto listed = co_await list_current();
    if (!listed.ok()) co_return fail_wecutil(run_.console, "enumerate subscriptions", listed.error());
    for (auto& [key, item] : items_) co_await plan(item);
    if (status_ != 0) co_return give_up();
    show();
    if (run_.arguments.flag("dry-run")) {
      summarise();
      co_return changes() == 0 ? 0 : 1;
    }
    for (auto& [key, item] : items_) {
      if (item.step == Step::None) continue;
      auto done = co_await carry_out(item);
      if (!done.ok()) {
        run_.console.err << done_ << " of " << changes() << " changes were made.\n";
        co_return fail_wecutil(run_.console, "apply subscription " + item.id, done.error());
      }
      ++done_;
    }
    summarise();
    co_return 0;
  }

 private:
  // The files.

  void read_folder(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code failure;
    for (std::filesystem::directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure)) {
      const std::string name = at->path().filename().string();
      std::error_code ignored;
      if (name.starts_with('.') || !base::to_lower(name).ends_with(".xml") || !at->is_regular_file(ignored)) continue;
      files.push_back(at->path());
    }
    if (failure) return refuse(folder.string(), base::make_error(failure, "read the folder"));
    if (files.size() > kMaxFiles) return refuse(folder.string(), usage("It holds more than 10000 definitions."));
    if (files.empty() && run_.arguments.flag("delete")) {
      return refuse(folder.string(), usage("It holds no definition, and --delete would delete every subscription."));
    }
    std::sort(files.begin(), files.end());
    for (const std::filesystem::path& file : files) read(file);
  }

  void read(const std::filesystem::path& file) {
    auto wanted = read_subscription_file(file);
    if (!wanted.ok()) return refuse(file.string(), wanted.error());
    if (const auto valid = subscriptions::validate(*wanted); !valid.ok()) return refuse(file.string(), valid.error());
    const auto [item, added] = items_.try_emplace(base::to_lower(wanted->id));
    if (!added) {
      return refuse(file.string(), base::make_error(Win32::AlreadyExists, "Another file defines the subscription " +
                                                                              wanted->id + ": " + item->second.file));
    }
    item->second.id = wanted->id;
    item->second.file = file.filename().string();
    item->second.wanted = std::move(*wanted);
  }

  void refuse(const std::string& where, const base::Error& error) {
    run_.console.err << where << ": ";
    const int status = fail_wecutil(run_.console, "read subscription", error);
    if (status_ == 0) status_ = status;
  }

  int give_up() {
    run_.console.err << "Nothing was changed.\n";
    return status_;
  }

  // The service.

  base::AsyncResult<void> list_current() {
    wsman::Client::Target target;
    target.resource_uri = kDefinitions;
    std::optional<base::Error> broken;
    auto take = [&](wsman::Client::Page& page) {
      for (const xml::Element element : page.items) {
        auto current = subscriptions::parse_subscription(element.outer_xml());
        if (!current.ok()) {
          broken = std::move(current).error();
          return false;
        }
        Item& item = items_[base::to_lower(current->id)];
        item.id = current->id;
        item.current = std::move(*current);
      }
      return true;
    };
    CO_RETURN_IF_ERROR(co_await run_.client.enumerate(std::move(target), std::nullopt, kWecutilPage, take));
    if (broken) co_return std::move(*broken);
    co_return base::Result<void>();
  }

  base::Task<void> plan(Item& item) {
    if (!item.wanted) {
      item.step = run_.arguments.flag("delete") ? Step::Delete : Step::None;
      co_return;
    }
    leave_out_unknown_passwords(item);
    auto target = subscription_target(kDefinitions, item.id);
    std::string xml = subscriptions::to_xml(*item.wanted, Passwords::Given);
    const auto checked = co_await run_.client.invoke(std::move(target), "Check", std::move(xml));
    if (!checked.ok()) {
      refuse(item.file, checked.error());
      co_return;
    }
    const std::string change(checked->body().child(kDefinitions, "Change").text());
    if (change == "Create") item.step = Step::Create;
    if (change == "Change") item.step = Step::Change;
  }

  /// A file under version control holds asterisks; whoever has the passwords sets them once, with ss.
  void leave_out_unknown_passwords(Item& item) {
    Subscription& wanted = *item.wanted;
    const auto current_source = [&item](const std::string& address) -> const subscriptions::EventSource* {
      if (!item.current) return nullptr;
      for (const auto& source : item.current->sources) {
        if (base::equal_ignoring_case(source.address, address)) return &source;
      }
      return nullptr;
    };
    const bool common = item.current && !item.current->common_password.empty() &&
                        base::equal_ignoring_case(item.current->common_user_name, wanted.common_user_name);
    if (wanted.common_password == subscriptions::kKeptPassword && !common) {
      wanted.common_password.clear();
      missing_.push_back("wecutil ss \"" + item.id + "\" /cun:" + wanted.common_user_name + " /cup:*");
    }
    for (subscriptions::EventSource& source : wanted.sources) {
      if (source.password != subscriptions::kKeptPassword) continue;
      const auto* current = current_source(source.address);
      if (current != nullptr && !current->password.empty() &&
          base::equal_ignoring_case(current->user_name, source.user_name)) {
        continue;
      }
      source.password.clear();
      missing_.push_back("wecutil ss \"" + item.id + "\" /esa:" + source.address + " /un:" + source.user_name + " /up:*");
    }
  }

  base::AsyncResult<void> carry_out(Item& item) {
    auto target = subscription_target(kDefinitions, item.id);
    if (item.step == Step::Delete) co_return co_await run_.client.remove(std::move(target));
    std::string xml = subscriptions::to_xml(*item.wanted, Passwords::Given);
    if (item.step == Step::Create) {
      target.selectors.clear();
      const auto created = co_await run_.client.create(std::move(target), std::move(xml));
      if (!created.ok()) co_return created.error();
    } else {
      const auto changed = co_await run_.client.put(std::move(target), std::move(xml));
      if (!changed.ok()) co_return changed.error();
    }
    co_return base::Result<void>();
  }

  // What is printed.

  std::size_t count(Step step) const {
    return static_cast<std::size_t>(
        std::count_if(items_.begin(), items_.end(), [step](const auto& item) { return item.second.step == step; }));
  }
  std::size_t changes() const { return items_.size() - count(Step::None); }

  void show() {
    JsonArray array;
    for (auto& [key, item] : items_) {
      if (run_.arguments.flag("json")) {
        JsonObject object;
        object.text("SubscriptionId", item.id).text("Change", name_of(item.step));
        if (!item.file.empty()) object.text("File", item.file);
        array.raw(object.take());
      } else if (item.step != Step::None) {
        show(item);
      }
    }
    if (run_.arguments.flag("json")) run_.console.out << array.take() << '\n';
  }

  void show(const Item& item) {
    std::ostream& out = run_.console.out;
    out << name_of(item.step) << " " << item.id;
    if (!item.file.empty()) out << " (" << item.file << ")";
    out << '\n';
    std::string before;
    std::string after;
    if (item.current) before = subscriptions::to_xml(*item.current, Passwords::Marked);
    if (item.wanted) {
      // As the service would tell it: what is not given stays, what is given is not shown.
      Subscription settled = *item.wanted;
      if (item.current) settled.id = item.current->id;
      const auto fresh = subscriptions::settle_passwords(settled, item.current ? &*item.current : nullptr);
      after = subscriptions::to_xml(settled, Passwords::Marked);
      if (fresh.ok() && before == after) out << "  a password\n";
    }
    for (const std::string& line : line_difference(before, after)) out << "  " << line << '\n';
  }

  void summarise() {
    for (const std::string& command : missing_) run_.console.err << "A password is still to be set: " << command << '\n';
    if (run_.arguments.flag("json")) return;
    const bool dry = run_.arguments.flag("dry-run");
    run_.console.out << count(Step::Create) << (dry ? " to create, " : " created, ") << count(Step::Change)
                     << (dry ? " to change, " : " changed, ") << count(Step::Delete) << (dry ? " to delete, " : " deleted, ")
                     << count(Step::None) << " left as they are.\n";
  }

  WecutilRun& run_;
  std::map<std::string, Item> items_;  ///< by id in lower case
  std::vector<std::string> missing_;   ///< commands that set the passwords that are not known
  int status_ = 0;                     ///< of the first error
  std::size_t done_ = 0;
};

}  // namespace

base::Task<int> apply_folder(WecutilRun& run) {
  FolderApplication application(run);
  co_return co_await application.apply();
}

}  // namespace cli
