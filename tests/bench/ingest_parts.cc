#include "tests/bench/ingest_parts.h"

#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "engine/wsman/delivery_read.h"
#include "engine/wsman/envelope.h"
#include "events/event.h"
#include "storage/event_store.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace bench {
namespace {

/// Appends that wait at the same time, as with so many connections.
constexpr std::size_t kAtATime = 8;

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "measure_parts: %s\n", text.c_str());
  std::exit(1);
}

double cpu_microseconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// Decrypts records as TLS 1.3 does.
class Decryption {
 public:
  Decryption() : context_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {}

  std::vector<std::string> encrypt(const std::string& body) {
    std::vector<std::string> records;
    for (std::size_t at = 0; at < body.size(); at += kRecord) {
      const auto size = static_cast<int>(std::min(kRecord, body.size() - at));
      std::string record(static_cast<std::size_t>(size) + kTag, '\0');
      int written = 0;
      EVP_EncryptInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce_.data());
      EVP_EncryptUpdate(context_.get(), bytes(record), &written, constant(body) + at, size);
      EVP_EncryptFinal_ex(context_.get(), bytes(record) + written, &written);
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_GCM_GET_TAG, kTag, bytes(record) + size);
      records.push_back(std::move(record));
    }
    return records;
  }

  void decrypt(std::vector<std::string>& records, std::string& to) {
    std::size_t at = 0;
    for (auto& record : records) {
      const auto size = static_cast<int>(record.size() - kTag);
      int written = 0;
      EVP_DecryptInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce_.data());
      EVP_DecryptUpdate(context_.get(), bytes(to) + at, &written, constant(record), size);
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_GCM_SET_TAG, kTag, bytes(record) + size);
      if (EVP_DecryptFinal_ex(context_.get(), bytes(to) + at + written, &written) != 1) fail("a record does not decrypt");
      at += static_cast<std::size_t>(size);
    }
  }

 private:
  static constexpr std::size_t kRecord = 16384;
  static constexpr int kTag = 16;
  static unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
  static const unsigned char* constant(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }

  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;
  std::array<unsigned char, 32> key_{1, 2, 3};
  std::array<unsigned char, 12> nonce_{4, 5, 6};
};

/// A body through the kernel, in pieces as a socket takes them.
double receive_microseconds(const std::vector<std::string>& bodies) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) fail("no sockets");
  std::string to(65536, '\0');
  double reading = 0;
  for (const auto& body : bodies) {
    for (std::size_t at = 0; at < body.size();) {
      const auto sent = ::write(ends[0], body.data() + at, std::min<std::size_t>(65536, body.size() - at));
      if (sent <= 0) fail("cannot write");
      at += static_cast<std::size_t>(sent);
      const double begin = cpu_microseconds();
      for (ssize_t left = sent; left > 0;) {
        const auto got = ::read(ends[1], to.data(), to.size());
        if (got <= 0) fail("cannot read");
        left -= got;
      }
      reading += cpu_microseconds() - begin;
    }
  }
  ::close(ends[0]);
  ::close(ends[1]);
  return reading;
}

base::Task<void> append_some(storage::EventStore& store, std::vector<storage::DeliveredBatch>& batches, std::size_t& next) {
  while (next < batches.size()) {
    auto& batch = batches[next++];
    auto result = co_await store.append(std::move(batch));
    if (!result.ok()) fail(result.error().message());
  }
}

}  // namespace

IngestParts measure_parts(const std::vector<std::string>& bodies, std::size_t count, const std::string& content_type) {
  IngestParts parts;
  const test_support::TemporaryDirectory directory;
  storage::EventStoreOptions options;
  options.default_max_size = 1ull << 40;
  auto store = storage::EventStore::open(directory / "store", options);
  if (!store.ok()) fail(store.error().message());
  Decryption decryption;
  std::uint64_t record = 0;
  std::size_t measured = 0;
  test_support::Loop loop;
  while (measured < count) {
    std::vector<storage::DeliveredBatch> batches;
    for (const auto& body : bodies) {
      auto records = decryption.encrypt(body);
      std::string plain(body.size(), '\0');
      double begin = cpu_microseconds();
      decryption.decrypt(records, plain);
      double end = cpu_microseconds();
      parts.tls += end - begin;

      begin = cpu_microseconds();
      wsman::Charset charset{};
      auto text = wsman::decode_text(plain, content_type, charset);
      end = cpu_microseconds();
      if (!text.ok()) fail("a body does not decode");
      parts.decode += end - begin;

      begin = cpu_microseconds();
      auto envelope = wsman::read_envelope(std::move(*text));
      if (!envelope.ok()) fail("an envelope does not parse");
      auto delivery = wsman::read_delivery(*envelope);
      if (!delivery.ok()) fail("a delivery does not parse");
      end = cpu_microseconds();
      parts.envelope += end - begin;

      storage::DeliveredBatch made;
      made.log = "ForwardedEvents";
      made.subscription = "bench";
      made.machine = "source" + std::to_string(batches.size());
      made.bookmark = "<BookmarkList/>";
      begin = cpu_microseconds();
      for (auto& event : delivery->events) made.events.push_back(events::Event::from_wire(std::move(event)));
      end = cpu_microseconds();
      parts.event += end - begin;
      for (auto& event : made.events) event.system.record_id = ++record;
      measured += made.events.size();
      batches.push_back(std::move(made));
    }
    parts.receive += receive_microseconds(bodies);
    const double begin = cpu_microseconds();
    std::size_t next = 0;  // touched on the loop's thread only
    std::vector<std::future<void>> running;
    for (std::size_t i = 0; i < kAtATime; ++i) {
      running.push_back(
          boost::asio::co_spawn(loop.executor(), append_some(**store, batches, next), boost::asio::use_future));
    }
    for (auto& one : running) one.get();
    parts.store += cpu_microseconds() - begin;
  }
  const double begin = cpu_microseconds();
  test_support::run((*store)->stop());
  parts.store += cpu_microseconds() - begin;
  for (double* part : {&parts.tls, &parts.receive, &parts.decode, &parts.envelope, &parts.event, &parts.store}) {
    *part /= static_cast<double>(measured);
  }
  return parts;
}

}  // namespace bench
