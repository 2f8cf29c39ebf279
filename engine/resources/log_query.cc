#include "engine/resources/log_query.h"

#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"

namespace resources {

bool is_query_option(std::string_view name) {
  for (const std::string_view known : {kPathOption, kTextOption, kWholeWordsOption}) {
    if (base::equal_ignoring_case(name, known)) return true;
  }
  return false;
}

wsman::Result<events::Query> compile_query(const wsman::Call& call, const wsman::EnumerateRequest& request) {
  const std::string path = call.headers.find_option(kPathOption).value_or("");
  std::string text = "*";
  if (request.filter) {
    const std::string& dialect = request.filter->dialect;
    if (!dialect.empty() && dialect != wsman::kEventQueryDialect) {
      return wsman::make_fault(wsman::FaultCode::FilteringRequestedUnavailable,
                               "Event logs are filtered in the dialect of event queries.");
    }
    text = request.filter->text;
  }
  if (path.empty() && !text.starts_with('<')) {
    wsman::Fault fault = wsman::make_fault(wsman::FaultCode::CannotProcessFilter,
                                           "Name the log: with a QueryList, or with the option Path beside an XPath.");
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::EvtInvalidQuery);
    return fault;
  }
  auto query = events::Query::parse(text, path);
  if (query.ok()) return std::move(query).value();
  wsman::Fault fault = wsman::make_fault(wsman::FaultCode::CannotProcessFilter, query.error().message());
  fault.windows_code = base::win32_number(query.error().code);
  return fault;
}

wsman::Result<std::optional<events::TextSearch>> compile_text(const wsman::Call& call) {
  auto text = call.headers.find_option(kTextOption);
  if (!text) return std::optional<events::TextSearch>();
  auto search = events::TextSearch::make(std::move(*text), call.headers.find_option(kWholeWordsOption) == "true");
  if (!search.ok()) return invalid_value(wsman::FaultCode::InvalidOptions, search.error().what);
  return std::optional(std::move(*search));
}

wsman::Fault log_not_found(const std::string& name) {
  wsman::Fault fault = wsman::make_fault(wsman::FaultCode::ResourceNotFound, "There is no log " + name + ".");
  fault.windows_code = static_cast<std::uint32_t>(base::Win32::EvtChannelNotFound);
  return fault;
}

wsman::Fault log_fault(const base::Error& error, std::string_view attempted) {
  if (error.code == base::Win32::EvtChannelNotFound) {
    wsman::Fault fault = wsman::make_fault(wsman::FaultCode::ResourceNotFound, error.what);
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::EvtChannelNotFound);
    return fault;
  }
  return wsman::as_fault(error, attempted);
}

wsman::Fault invalid_value(wsman::FaultCode code, std::string reason) {
  wsman::Fault fault = wsman::make_fault(code, std::move(reason));
  fault.windows_code = static_cast<std::uint32_t>(base::Win32::InvalidParameter);
  return fault;
}

}  // namespace resources
