// SOAP faults: one table from what went wrong to subcode, detail, HTTP status and Windows' number.
//
// Source: wsman-protocol, section 8; DSP0226 chapter 14.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/task.h"

namespace wsman {

enum class FaultCode {
  VersionMismatch,
  MustUnderstand,
  DataEncodingUnknown,
  AccessDenied,
  ActionNotSupported,
  ActionMismatch,
  AlreadyExists,
  CannotProcessFilter,  ///< n: of an enumeration
  Concurrency,
  DeliveryModeRequestedUnavailable,
  DeliveryRefused,
  DestinationUnreachable,  ///< the address
  InvalidResourceUri,      ///< no such resource
  ResourceNotFound,        ///< no such instance
  EncodingLimit,           ///< the request's own size or form
  CharacterSet,
  MaxEnvelopeSizeExceeded,  ///< the response would be too large for the requester
  MinimumEnvelopeLimit,
  EndpointUnavailable,  ///< temporarily: disk full, shutting down
  EventSourceUnableToProcess,
  EventDeliverToUnusable,
  FilterDialectRequestedUnavailable,
  FilteringNotSupported,
  FilteringRequestedUnavailable,
  FragmentTransferNotSupported,
  InternalError,
  InvalidBookmark,
  InvalidEnumerationContext,
  InvalidExpirationTime,
  InvalidMessage,  ///< e: malformed Subscribe
  InvalidMessageInformationHeader,
  InvalidOptions,
  InvalidParameter,
  InvalidRepresentation,
  InsufficientSelectors,
  UnexpectedSelectors,
  InvalidSelectorValue,
  DuplicateSelectors,
  MessageInformationHeaderRequired,
  NoAck,
  PullInProgress,
  QuotaLimit,  ///< too many operations of this user
  SchemaValidationError,
  TimedOut,
  UnableToRenew,
  UnsupportedFeature,
  UnsupportedAddressingMode,
  UnsupportedEnumerationMode,
  UnsupportedLocale,
  // The particular bounds behind EncodingLimit.
  UriLimitExceeded,
  SelectorLimit,
  OptionLimit,
  EncodingType,         ///< a Content-Encoding that cannot be undone
  UnreportableSuccess,  ///< done, but the response would be too large
  // Of an enumeration's n:Expires; InvalidExpirationTime is the subscription's.
  InvalidEnumerationExpiration,
  UnsupportedEnumerationExpiration,
  InvalidNamespace,  ///< of a representation
  // The rest of the catalogue: some are for resources and for eventing to raise.
  WsmanCannotProcessFilter,  ///< w: of anything but an enumeration
  InvalidFragmentPath,
  RequestTooLarge,  ///< the request itself, in an envelope
  ServiceEnvelopeLimit,
  Whitespace,
  ResourceOffline,  ///< EndpointUnavailable for one resource
  EndpointUnavailableValue,
  UnusableAddress,
  PolicyTooComplex,
  EventFilteringNotSupported,  ///< e: of a subscription
  FilteringRequired,
  FragmentDialectNotSupported,
  BookmarkExpired,
  BookmarkFormat,  ///< a bookmark that cannot be read
  MissingNotifyTo,
  MissingNotifyToAddress,
  InvalidNotifyToAddress,
  InvalidHeartbeat,
  InvalidDeliveryMode,
  InvalidTimeout,
  OptionsNotSupported,
  OptionsInvalidName,
  OptionsInvalidValue,
  ParameterTypeMismatch,
  InvalidParameterName,
  InvalidParameterValue,  ///< of a method
  UnfitRepresentation,    ///< in a way that no detail tells
  MissingValues,
  InvalidFragment,
  InvalidSelectors,
  SelectorTypeMismatch,
  AmbiguousSelectors,
  InvalidXml,  ///< not well-formed, or with what SOAP forbids
  EnumerationTimedOut,
  UnableToRenewEnumeration,
  UnsupportedAuthorizationMode,
  UnsupportedAck,
  UnsupportedAsynchronousRequest,
  UnsupportedOperationTimeout,
  UnsupportedDataLocale,  ///< insisted on
  LocaleNotSupported,
  ExpirationTimeNotSupported,
  UnsupportedDeliveryRetries,
  UnsupportedHeartbeats,
  UnsupportedBookmarks,
  UnsupportedMaxElements,
  UnsupportedMaxTime,
  UnsupportedMaxEnvelopeSize,
  UnsupportedMaxEnvelopePolicy,
  UnsupportedFilteringRequired,
  UnsupportedInsecureAddress,
  UnsupportedFormat,
  UnsupportedSecurityToken,
  UnsupportedMissingValues,
  UnsupportedInvalidValues,
  UnsupportedNamespace,
  UnsupportedOptionSet,
  UnsupportedExpirationType,
  UnsupportedEnumerationExpirationType,
  PolymorphismModeNotSupported,
};

/// A failure that a client learns of. A value.
struct Fault {
  FaultCode code = FaultCode::InternalError;
  /// For the WSManFault message and s:Reason. Says what was wrong with which part; holds no secret and no path.
  std::string reason;
  /// Overrides the table's Windows number where it is not 0 (a Win32 code, or another of the 0x8033…. ones).
  std::uint32_t windows_code = 0;
  /// XML put into s:Detail behind FaultDetail, for instance a list of supported dialects. Usually empty.
  std::string detail_xml;
  /// For MustUnderstand: the header that was not understood.
  std::string not_understood_namespace;
  std::string not_understood_name;
};

/// A row of the table.
struct FaultRow {
  FaultCode code;
  std::string_view soap_code;  ///< "Sender", "Receiver", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown"
  std::string_view subcode;    ///< with Windows' prefix: "w:AccessDenied"; empty for SOAP's own codes
  std::string_view detail;     ///< the name behind faultDetail/, or empty
  std::uint32_t windows_code;
  unsigned http_status;
  std::string_view text;  ///< the general text, in our words
};
const FaultRow& row_of(FaultCode code);
/// The whole table, in the order of FaultCode.
std::span<const FaultRow> fault_rows();
/// Windows' numbers for a row: the one of the table first.
std::vector<std::uint32_t> numbers_of(FaultCode code);
/// The row that a peer's fault belongs to: by all three, else by the row's number, else by subcode ("w:TimedOut", Windows'
/// prefix) and detail name, else InternalError's.
const FaultRow& row_of(std::uint32_t windows_code, std::string_view subcode, std::string_view detail);
/// The number that goes on the wire.
std::uint32_t windows_code_of(const Fault& fault);
/// The a:Action of a message that carries it.
std::string_view action_of(FaultCode code);

template <typename T>
using Result = base::Result<T, Fault>;
template <typename T>
using AsyncResult = base::Task<Result<T>>;

Fault make_fault(FaultCode code, std::string reason = {});

/// The one place where an internal Error becomes what a client may learn: the code's number where it is a Win32 or WS-Man
/// one, its text only for those; else InternalError with a general text, and the error goes to the log with `attempted`.
Fault as_fault(const base::Error& error, std::string_view attempted);

/// A fault that a server has sent us, as an Error: code win32_code(number), the server's text.
base::Error as_error(const Fault& fault);

}  // namespace wsman
