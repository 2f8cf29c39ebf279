#include "engine/base/win32.h"

#include <array>
#include <string_view>

#include "engine/base/wsman_text.h"

namespace base {
namespace {

struct Entry {
  Win32 code;
  std::string_view text;
};

constexpr std::array kTexts{
    Entry{Win32::FileNotFound, "The system cannot find the file specified."},
    Entry{Win32::PathNotFound, "The system cannot find the path specified."},
    Entry{Win32::AccessDenied, "Access is denied."},
    Entry{Win32::NotEnoughMemory, "Not enough memory resources are available to process this command."},
    Entry{Win32::InvalidData, "The data is invalid."},
    Entry{Win32::SharingViolation, "The process cannot access the file because it is being used by another process."},
    Entry{Win32::HandleEof, "Reached the end of the file."},
    Entry{Win32::NotSupported, "The request is not supported."},
    Entry{Win32::BadNetPath, "The network path was not found."},
    Entry{Win32::FileExists, "The file exists."},
    Entry{Win32::InvalidParameter, "The parameter is incorrect."},
    Entry{Win32::DiskFull, "There is not enough space on the disk."},
    Entry{Win32::AlreadyExists, "Cannot create a file when that file already exists."},
    Entry{Win32::NotFound, "Element not found."},
    Entry{Win32::Cancelled, "The operation was canceled by the user."},
    Entry{Win32::ConnectionRefused, "The remote computer refused the network connection."},
    Entry{Win32::InternalError, "An internal error occurred."},
    Entry{Win32::Timeout, "This operation returned because the timeout period expired."},
    Entry{Win32::EventlogFileCorrupt, "The event log file is corrupted."},
    Entry{Win32::UnknownInterface, "The interface is unknown."},
    Entry{Win32::ServerUnavailable, "The RPC server is unavailable."},
    Entry{Win32::ResourceNotOnline, "The cluster resource is not online."},
    Entry{Win32::InvalidUrl, "The URL is invalid."},
    Entry{Win32::SecureFailure, "A security error occurred."},
    Entry{Win32::EvtInvalidChannelPath, "The specified channel path is invalid."},
    Entry{Win32::EvtInvalidQuery, "The specified query is invalid."},
    Entry{Win32::EvtChannelNotFound, "The specified channel could not be found."},
    Entry{Win32::EvtMalformedXml, "The specified XML text was not well-formed."},
    Entry{Win32::EvtSubscriptionToDirectChannel,
          "The caller is trying to subscribe to a direct channel which is not allowed."},
    Entry{Win32::EvtQueryResultStale, "The query result is stale or invalid and must be recreated."},
    Entry{Win32::EvtQueryResultInvalidPosition, "The query result is currently at an invalid position."},
    Entry{Win32::EvtFilterAlreadyScoped,
          "An expression can only be followed by a change-of-scope operation if it evaluates to a "
          "node set and is not already part of another change-of-scope operation."},
    Entry{Win32::EvtFilterNotElementSet, "A step operation must involve an element set."},
    Entry{Win32::EvtFilterInvalidArgument,
          "Left hand side arguments to binary operators must be attributes, nodes or variables. "
          "Right hand side arguments must be constants."},
    Entry{Win32::EvtFilterInvalidTest,
          "A step operation must involve a node test or, in the case of a predicate, an expression "
          "to test each node in the set."},
    Entry{Win32::EvtFilterInvalidType, "This data type is currently unsupported."},
    Entry{Win32::EvtFilterParseError, "A syntax error occurred."},
    Entry{Win32::EvtFilterUnsupportedOperator, "This operator is unsupported by this implementation of the filter."},
    Entry{Win32::EvtFilterUnexpectedToken, "The token encountered was unexpected."},
    Entry{Win32::EvtInvalidOperationOverEnabledChannel,
          "The requested operation cannot be performed over an enabled direct channel. The channel must first be disabled."},
    Entry{Win32::EvtFilterTooComplex, "The query is too complex."},
    Entry{Win32::EvtCannotOpenChannelOfQuery, "One of the channels of the query could not be opened."},
    Entry{Win32::EvtFilterOutOfRange, "A number in the query is out of range."},
    Entry{Win32::EcSubscriptionCannotActivate, "The subscription was saved, but it cannot be activated at this time."},
    Entry{Win32::EcLogDisabled,
          "The log of the subscription is disabled and cannot be used to log events. It must be enabled "
          "first."},
    Entry{Win32::EcCircularForwarding,
          "A subscription that forwards events from the local computer to itself may not query its "
          "own destination log."},
    Entry{Win32::EcCredentialStoreFull, "The credential store that is used to save credentials is full."},
    Entry{Win32::EcCredentialNotFound, "The credential used by this subscription cannot be found in the credential store."},
    Entry{Win32::EcNoActiveChannel, "No active channel is found for the query."},
};

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "win32"; }
  std::string message(int code) const override {
    for (const Entry& entry : kTexts) {
      if (static_cast<int>(entry.code) == code) return std::string(entry.text);
    }
    if (const auto text = wsman_text(static_cast<std::uint32_t>(code)); !text.empty()) return std::string(text);
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string hex;
    for (auto rest = static_cast<std::uint32_t>(code); rest != 0 || hex.empty(); rest >>= 4)
      hex.insert(hex.begin(), kHex[rest & 15]);
    return "Error 0x" + hex + ".";
  }
};

}  // namespace

const std::error_category& win32_category() {
  static const Category category;
  return category;
}

std::error_code make_error_code(Win32 code) {
  return {static_cast<int>(code), win32_category()};
}
std::error_code win32_code(std::uint32_t number) {
  return {static_cast<int>(number), win32_category()};
}

std::uint32_t win32_number(const std::error_code& code) {
  if (code.category() == win32_category()) return static_cast<std::uint32_t>(code.value());
  const auto is = [&](std::errc condition) { return code == condition; };
  Win32 number = Win32::InternalError;
  if (is(std::errc::no_such_file_or_directory)) number = Win32::FileNotFound;
  if (is(std::errc::not_a_directory)) number = Win32::PathNotFound;
  if (is(std::errc::permission_denied) || is(std::errc::operation_not_permitted)) number = Win32::AccessDenied;
  // Windows does not open a directory as a file either.
  if (is(std::errc::is_a_directory) || is(std::errc::read_only_file_system)) number = Win32::AccessDenied;
  if (is(std::errc::file_exists)) number = Win32::FileExists;
  if (is(std::errc::no_space_on_device)) number = Win32::DiskFull;
  if (is(std::errc::connection_refused)) number = Win32::ConnectionRefused;
  if (is(std::errc::timed_out)) number = Win32::Timeout;
  if (is(std::errc::invalid_argument)) number = Win32::InvalidParameter;
  if (is(std::errc::not_supported)) number = Win32::NotSupported;
  return static_cast<std::uint32_t>(number);
}

}  // namespace base
