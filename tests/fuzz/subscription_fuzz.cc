// Any bytes as a subscription file: they are refused, or what was understood is written so that it reads the same, means the
// same to sources, and shows no password.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "subscriptions/subscription.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = subscriptions::decode_subscription_file(std::string(reinterpret_cast<const char*>(data), size));
  if (!text.ok()) return 0;
  auto definition = subscriptions::parse_subscription(*text);
  if (!definition.ok() || !subscriptions::validate(*definition).ok()) return 0;
  using subscriptions::Passwords;
  const std::string given = subscriptions::to_xml(*definition, Passwords::Given);
  auto again = subscriptions::parse_subscription(given);
  must(again.ok() && subscriptions::validate(*again).ok());
  must(subscriptions::to_xml(*again, Passwords::Given) == given);
  must(subscriptions::source_visible_version(*again) == subscriptions::source_visible_version(*definition));
  must(subscriptions::identifier_of(*again) == subscriptions::identifier_of(*definition));
  // What is shown does not depend on the passwords.
  subscriptions::Subscription other = *definition;
  if (!other.common_password.empty()) other.common_password = "another";
  for (auto& source : other.sources) {
    if (!source.password.empty()) source.password = "another";
  }
  must(subscriptions::to_xml(other) == subscriptions::to_xml(*definition));
  must(subscriptions::to_xml(other, Passwords::Marked) == subscriptions::to_xml(*definition, Passwords::Marked));
  must(subscriptions::to_terse(other) == subscriptions::to_terse(*definition));
  return 0;
}
