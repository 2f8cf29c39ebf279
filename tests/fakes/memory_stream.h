// Two connected ends of a byte stream in memory, with the accidents of a real one on demand.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "engine/http/stream.h"

namespace fakes {

/// How one end behaves. Counts begin at 0; kNever: it does not happen.
struct MemoryStreamOptions {
  static constexpr std::size_t kNever = static_cast<std::size_t>(-1);

  /// A read gives at most this many bytes.
  std::size_t max_read = kNever;
  /// No read goes past this place in what was sent: a message is so cut in two there, whatever the size of the buffer.
  std::size_t cut_at = kNever;
  /// This read fails with std::errc::connection_reset, and so does every one after it.
  std::size_t fail_read = kNever;
  /// The same for writes; half of the failing write's bytes arrive.
  std::size_t fail_write = kNever;
  /// A writer waits while this many bytes lie unread at the other end.
  std::size_t capacity = 1 << 20;
};

/// One end. Its transport is base::Peer::Transport::Memory. One strand, the same for both ends.
class MemoryStream final : public http::Stream {
 public:
  using Pair = std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>>;
  /// Both ends wait on `executor`.
  static Pair make_pair(base::Executor executor, MemoryStreamOptions first = {}, MemoryStreamOptions second = {});

  ~MemoryStream() override;
  base::AsyncResult<void> wait_readable() override;
  base::AsyncResult<std::size_t> read_some(std::span<char> into) override;
  base::AsyncResult<void> write(std::string_view bytes) override;
  base::Task<void> shutdown() override;
  void cancel() override;
  void close() override;
  const base::Peer& peer() const override { return peer_; }

  /// How often this end has read and written so far: to fail at each in turn.
  std::size_t reads() const { return reads_; }
  std::size_t writes() const { return writes_; }
  bool closed() const { return closed_; }

 private:
  struct Pipe;
  base::AsyncResult<void> wait(Pipe& pipe);
  MemoryStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, MemoryStreamOptions options);

  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  MemoryStreamOptions options_;
  base::Peer peer_;
  std::size_t reads_ = 0;
  std::size_t writes_ = 0;
  std::size_t taken_ = 0;
  bool closed_ = false;
  bool cancelled_ = false;
};

}  // namespace fakes
