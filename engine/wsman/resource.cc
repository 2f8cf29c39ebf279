#include "engine/wsman/resource.h"

#include "engine/wsman/names.h"

namespace wsman {
namespace {

class ItemEnumerator final : public Enumerator {
 public:
  explicit ItemEnumerator(std::vector<Item> items) : items_(std::move(items)) {}

  std::optional<std::uint64_t> total() const override { return items_.size(); }

  AsyncResult<Page> next(base::Budget budget) override {
    Page page;
    std::size_t bytes = 0;
    while (at_ < items_.size() && page.items.size() < budget.items) {
      bytes += items_[at_].xml.size();
      if (bytes > budget.bytes && !page.items.empty()) break;
      page.items.push_back(std::move(items_[at_++]));
    }
    page.end = at_ == items_.size();
    co_return page;
  }

 private:
  std::vector<Item> items_;
  std::size_t at_ = 0;
};

}  // namespace

bool Resource::takes_below() const {
  return false;
}

bool Resource::is_shell() const {
  return false;
}

std::optional<bool> Resource::may_use(const auth::Principal&, std::string_view) const {
  return std::nullopt;
}

Features Resource::features() const {
  return {};
}

Features item_features() {
  Features features;
  features.dialects = {kSelectorDialect, kXPathDialect, kWqlDialect};
  features.fragments = true;
  return features;
}

bool Resource::knows_option(std::string_view) const {
  return false;
}

bool Resource::answers_at_once(std::string_view) const {
  return false;
}

AsyncResult<Item> Resource::get(const Call&) {
  co_return make_fault(FaultCode::ActionNotSupported);
}
AsyncResult<Item> Resource::put(const Call&) {
  co_return make_fault(FaultCode::ActionNotSupported);
}
AsyncResult<Item> Resource::create(const Call&) {
  co_return make_fault(FaultCode::ActionNotSupported);
}
AsyncResult<void> Resource::remove(const Call&) {
  co_return make_fault(FaultCode::ActionNotSupported);
}
AsyncResult<std::unique_ptr<Enumerator>> Resource::enumerate(const Call&, EnumerateRequest) {
  co_return make_fault(FaultCode::ActionNotSupported);
}
AsyncResult<std::unique_ptr<Enumerator>> Resource::subscribe(const Call&, const SubscribeRequest&) {
  co_return make_fault(FaultCode::ActionNotSupported);
}
AsyncResult<std::string> Resource::invoke(const Call&, std::string) {
  co_return make_fault(FaultCode::ActionNotSupported);
}

std::unique_ptr<Enumerator> enumerate_items(std::vector<Item> items) {
  return std::make_unique<ItemEnumerator>(std::move(items));
}

}  // namespace wsman
