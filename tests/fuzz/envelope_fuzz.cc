// Any bytes as the body of a request: decoded, read, and dispatched as far as a delivery goes. What is read can be written
// and read again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/base/die.h"
#include "engine/wsman/delivery_read.h"
#include "engine/wsman/envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  wsman::Charset charset{};
  auto text = wsman::decode_text(bytes, "", charset);
  if (!text.ok()) return 0;
  std::string relates_to;
  auto envelope = wsman::read_envelope(std::move(*text), {}, &relates_to);
  if (!envelope.ok()) {
    const auto answer = wsman::read_envelope(wsman::write_envelope(wsman::fault_message(envelope.error(), relates_to, "m")));
    if (!answer.ok() || !answer->fault()) base::die("the fault that answers cannot be read");
    return 0;
  }
  envelope->fault();
  if (wsman::is_delivery(envelope->headers.action)) {
    [[maybe_unused]] const auto delivery = wsman::read_delivery(*envelope);
  }
  wsman::Message again;
  again.headers = envelope->headers;
  const auto copy = wsman::read_envelope(wsman::write_envelope(again));
  if (!copy.ok()) base::die("what was read cannot be read again");
  // A character that XML forbids cannot be echoed; it becomes a question mark.
  std::string expected = envelope->headers.message_id;
  for (char& c : expected) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') c = '?';
  }
  if (copy->headers.message_id != expected) base::die("the MessageID has changed");
  const wsman::Headers& before = envelope->headers;
  const wsman::Headers& after = copy->headers;
  if (after.options.size() != before.options.size() || after.selectors.size() != before.selectors.size() ||
      after.fragment.has_value() != before.fragment.has_value() || after.request_epr != before.request_epr ||
      after.request_total_items != before.request_total_items) {
    base::die("a header is lost");
  }
  for (std::size_t i = 0; i < before.options.size(); ++i) {
    if (after.options[i].type != before.options[i].type) base::die("the type of an option has changed");
  }
  return 0;
}
