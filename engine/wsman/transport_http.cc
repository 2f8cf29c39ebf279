// Messages over HTTP.

#include <algorithm>
#include <array>

#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/wsman/client.h"
#include "engine/wsman/delivery_read.h"
#include "engine/wsman/names.h"
#include "engine/wsman/sldc.h"

namespace wsman {
namespace {

// What a client makes of a status without a SOAP body. Source: wsman-protocol, section 8.4.
constexpr std::uint32_t kHttpTooLarge = 2150859025;
constexpr std::uint32_t kHttpUnavailable = 2150859026;
constexpr std::uint32_t kHttpNotFound = 2150859027;
constexpr std::uint32_t kHttpOther = 2150859023;
constexpr std::uint32_t kHttpRedirect = 2150859024;
constexpr std::uint32_t kNotSoap = 2150858999;
constexpr std::uint32_t kOtherEncoding = 2150859000;
constexpr std::uint32_t kHttpServerError = 2150859120;
constexpr std::uint32_t kHttpBadRequest = 2150859121;

/// What a client may add to the number: only what anybody knows, and what the service itself has said.
std::string advice(const http::Response& response, bool basic) {
  std::string text;
  if (response.status == 401 && basic) {
    text =
        ": user name or password is not accepted; after several wrong ones a service may refuse the right one for a while";
  } else if (response.status == 401) {
    text = ": the way to log on, or the certificate, is not accepted";
  }
  const auto later = response.fields.find("Retry-After");
  if ((response.status == 401 || response.status == 429 || response.status == 503) && later && later->size() <= 10 &&
      !later->empty() && later->find_first_not_of("0123456789") == std::string_view::npos) {
    text += "; it may be asked again in " + std::string(*later) + " seconds";
  }
  return text;
}

base::Error status_error(const http::Response& response, const http::Url& url, bool basic) {
  const unsigned status = response.status;
  // A redirection is not followed: whoever answers may not choose where credentials go.
  std::uint32_t number = status >= 300 && status < 400 ? kHttpRedirect : kHttpOther;
  switch (status) {
    case 400:
      number = kHttpBadRequest;
      break;
    case 401:
    case 403:
      number = static_cast<std::uint32_t>(base::Win32::AccessDenied);
      break;
    case 404:
      number = kHttpNotFound;
      break;
    case 413:
      number = kHttpTooLarge;
      break;
    case 500:
      number = kHttpServerError;
      break;
    case 503:
      number = kHttpUnavailable;
      break;
    default:
      break;
  }
  return base::make_error(base::win32_code(number), url.authority() + " answered with HTTP status " +
                                                        std::to_string(status) + advice(response, basic));
}

/// Windows gives every fault 500, others the sender's 400, and openwsman each a status of its own. Of who may not even ask,
/// is sent elsewhere, or has sent too much, the status alone counts.
bool carries_fault(unsigned status) {
  return status >= 400 && status != 401 && status != 403 && status != 407 && status != 413;
}

/// What may be done twice: deliveries are, since the store knows what it has.
bool is_repeatable(std::string_view action) {
  static constexpr std::array kActions{
      action::kGet,       action::kPut,           action::kDelete,    action::kEnumerate, action::kEvents,
      action::kEvent,     action::kDroppedEvents, action::kHeartbeat, action::kEnd,       action::kSubscriptionEnd,
      action::kGetStatus, action::kRenew,         std::string_view()};
  return std::find(kActions.begin(), kActions.end(), action) != kActions.end();
}

class HttpTransport final : public Transport {
 public:
  HttpTransport(http::Url url, http::ClientOptions client, HttpTransportOptions options)
      : client_(std::move(url), std::move(client)), options_(std::move(options)) {}

  base::AsyncResult<std::optional<Envelope>> round_trip(Message request, std::chrono::milliseconds timeout) override {
    http::Request message;
    http::Fields& fields = message.head.fields;
    fields.add("Content-Type", std::string(content_type_of(options_.charset)));
    fields.add("User-Agent", "Microsoft WinRM Client");
    for (const auto& [name, value] : options_.fields) fields.add(name, value);
    message.repeatable = is_repeatable(request.headers.action);
    const bool delivers = is_delivery(request.headers.action);
    if (!options_.authorization.empty()) fields.add("Authorization", options_.authorization);
    message.body = encode_text(write_envelope(request), options_.charset);
    if (options_.compress) {
      fields.add("Content-Encoding", "SLDC");
      message.body = sldc_compress(message.body);
    }
    ASSIGN_OR_CO_RETURN(auto response, co_await client_.exchange(std::move(message), timeout));
    co_return read(std::move(response), delivers);
  }

 private:
  base::Result<std::optional<Envelope>> read(http::Response response, bool delivers) const {
    const bool success = response.status >= 200 && response.status < 300;
    if (success && response.body.empty()) return std::optional<Envelope>();
    const std::string_view type = response.fields.find("Content-Type").value_or("");
    const bool soap = base::to_lower(type).find("application/soap+xml") != std::string::npos;
    if (success && !soap) {
      return base::make_error(base::win32_code(kNotSoap),
                              client_.url().authority() + " answered with content that is not SOAP");
    }
    const bool basic = options_.authorization.starts_with("Basic ");
    if (!soap || (!success && !carries_fault(response.status))) return status_error(response, client_.url(), basic);
    Charset charset = Charset::Utf8;
    auto text = decode_text(response.body, type, charset);
    if (!text.ok()) return as_error(text.error());
    // Nobody but a service that says so is taken to have changed the encoding. To a delivery it may: an Ack is an Ack.
    if (!delivers && charset != options_.charset && base::to_lower(type).find("charset") != std::string::npos) {
      return base::make_error(base::win32_code(kOtherEncoding),
                              client_.url().authority() + " answered in another encoding than it was asked in");
    }
    auto envelope = read_envelope(std::move(*text));
    const bool usual = success || response.status == 500 || response.status == 400;
    if (!usual && (!envelope.ok() || !envelope->fault())) return status_error(response, client_.url(), basic);
    if (!envelope.ok()) {
      return base::with_context(as_error(envelope.error()),
                                "the answer of " + client_.url().authority() + " cannot be read");
    }
    return std::optional<Envelope>(std::move(*envelope));
  }

  http::Client client_;
  HttpTransportOptions options_;
};

}  // namespace

std::unique_ptr<Transport> http_transport(http::Url url, http::ClientOptions client, HttpTransportOptions options) {
  return std::make_unique<HttpTransport>(std::move(url), std::move(client), std::move(options));
}

}  // namespace wsman
