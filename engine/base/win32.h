// Win32 error codes that Muster's tools print and its faults carry, with their system texts.

#pragma once

#include <cstdint>
#include <string>
#include <system_error>

namespace base {

/// The numbers are Windows' own (winerror.h); the texts are what its FormatMessage gives in English, or near it.
enum class Win32 : std::uint32_t {
  FileNotFound = 2,
  PathNotFound = 3,
  AccessDenied = 5,
  NotEnoughMemory = 8,
  InvalidData = 13,
  SharingViolation = 32,
  HandleEof = 38,
  NotSupported = 50,
  BadNetPath = 53,
  FileExists = 80,
  InvalidParameter = 87,
  DiskFull = 112,
  AlreadyExists = 183,
  NotFound = 1168,
  Cancelled = 1223,
  ConnectionRefused = 1225,
  InternalError = 1359,
  Timeout = 1460,
  EventlogFileCorrupt = 1500,
  UnknownInterface = 1717,
  ServerUnavailable = 1722,
  ResourceNotOnline = 5004,
  InvalidUrl = 12005,
  SecureFailure = 12175,
  EvtInvalidChannelPath = 15000,
  EvtInvalidQuery = 15001,
  EvtChannelNotFound = 15007,
  EvtMalformedXml = 15008,
  EvtSubscriptionToDirectChannel = 15009,
  EvtQueryResultStale = 15011,
  EvtQueryResultInvalidPosition = 15012,
  EvtFilterAlreadyScoped = 15014,
  EvtFilterNotElementSet = 15015,
  EvtFilterInvalidArgument = 15016,
  EvtFilterInvalidTest = 15017,
  EvtFilterInvalidType = 15018,
  EvtFilterParseError = 15019,
  EvtFilterUnsupportedOperator = 15020,
  EvtFilterUnexpectedToken = 15021,
  EvtInvalidOperationOverEnabledChannel = 15022,
  EvtFilterTooComplex = 15026,
  EvtCannotOpenChannelOfQuery = 15036,
  EvtFilterOutOfRange = 15038,
  EcSubscriptionCannotActivate = 15080,
  EcLogDisabled = 15081,
  EcCircularForwarding = 15082,
  EcCredentialStoreFull = 15083,
  EcCredentialNotFound = 15084,
  EcNoActiveChannel = 15085,
};

/// The category whose codes are Win32 numbers or WS-Man HRESULTs (0x8033….), unsigned.
const std::error_category& win32_category();
std::error_code make_error_code(Win32 code);
/// A code that came over the wire, as the number that it is.
std::error_code win32_code(std::uint32_t number);
/// The Win32 number that describes `code` best: its own where it is of win32_category, a translation of errno values, else
/// InternalError.
std::uint32_t win32_number(const std::error_code& code);

}  // namespace base

template <>
struct std::is_error_code_enum<base::Win32> : std::true_type {};
