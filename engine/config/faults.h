// The numbers that Windows answers where a configuration cannot be what a request asks for.
//
// Source: winrm-config, sections 2.3 and 4 to 8.

#pragma once

#include <cstdint>
#include <string>

#include "engine/wsman/fault.h"

namespace config {

enum class Refusal : std::uint32_t {
  SchemaValidation = 2150858817,
  UnknownMacAddress = 2150858875,
  UnknownCertificate = 2150858882,
  ListenerAddress = 2150858889,
  OwnedByPolicy = 2150858890,
  Port = 2150858972,
  NoCertificate = 2150858983,
  NameIsNotTheCertificates = 2150858985,
  ThumbprintWithoutTls = 2150858987,
  KeysChanged = 2150858989,
  CertificateUsage = 2150858990,
  NoCertificateForQuickConfig = 2150859029,
  ReadOnly = 2150859071,
  TooManyMappings = 2150859091,
  SecurityDescriptor = 2150859100,
  MappingUri = 2150859104,
  MappingSubject = 2150859105,
  MappingIssuer = 2150859106,
  PasswordTooLong = 2150859114,
  PasswordBlank = 2150859115,
  UserWithoutPassword = 2150859116,
  MappingKeysChanged = 2150859122,
  FilePath = 2150859153,
  FileMissing = 2150859154,
  TooManyPlugins = 2150859176,  ///< the system's quota
  Deprecated = 2150859182,
  SecurityUri = 2150859183,
  NoSecurity = 2150859199,
  RunAsCredentials = 2150859203,
  RunAsDisabled = 2150859232,
  PluginUsers = 2150859237,
  PluginOperations = 2150859239,
  PluginOperationsPerUser = 2150859240,
};

/// SchemaValidationError for the first, InternalError with the number for all others.
inline wsman::Fault refuse(Refusal why, std::string reason) {
  const bool schema = why == Refusal::SchemaValidation;
  wsman::Fault fault = wsman::make_fault(schema ? wsman::FaultCode::SchemaValidationError : wsman::FaultCode::InternalError,
                                         std::move(reason));
  fault.windows_code = static_cast<std::uint32_t>(why);
  return fault;
}

}  // namespace config
