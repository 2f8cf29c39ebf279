// How many bytes of events may be on their way into the store at a time.

#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/base/task.h"

namespace storage {

/// Lets callers in, first come, first served, while no more than `limit` bytes are inside; more than that at once goes in
/// alone. Thread-safe. Owned by a shared_ptr.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  explicit Admission(std::size_t limit) : limit_(limit) {}

  /// Bytes that are inside until this goes. Nothing where admission was closed. Keeps the Admission alive.
  class Place {
   public:
    Place() = default;
    Place(std::shared_ptr<Admission> admission, std::size_t bytes) : admission_(std::move(admission)), bytes_(bytes) {}
    Place(Place&& other) noexcept : admission_(std::move(other.admission_)), bytes_(other.bytes_) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(admission_, other.admission_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Place() {
      if (admission_ != nullptr) admission_->leave(bytes_);
    }
    explicit operator bool() const { return admission_ != nullptr; }

   private:
    std::shared_ptr<Admission> admission_;
    std::size_t bytes_ = 0;
  };

  /// Waits until there is room. Not interrupted by cancellation.
  base::Task<Place> enter(std::size_t bytes);

  /// While held, nobody comes in.
  void hold(bool held);
  /// Sends everybody away, for good.
  void close();

 private:
  class Waiting {
   public:
    explicit Waiting(std::size_t bytes) : bytes_(bytes) {}
    virtual ~Waiting() = default;
    virtual void answer(bool let_in) = 0;
    std::size_t bytes() const { return bytes_; }

   private:
    std::size_t bytes_;
  };
  template <typename Handler>
  class WaitingHandler final : public Waiting {
   public:
    WaitingHandler(std::size_t bytes, Handler handler)
        : Waiting(bytes), handler_(std::move(handler)), work_(base::asio::make_work_guard(handler_)) {}
    void answer(bool let_in) override {
      auto executor = work_.get_executor();
      base::asio::post(executor, [handler = std::move(handler_), work = std::move(work_), let_in]() mutable {
        std::move(handler)(let_in);
      });
    }

   private:
    Handler handler_;
    decltype(base::asio::make_work_guard(std::declval<Handler&>())) work_;
  };

  bool fits(std::size_t bytes) const { return inside_ == 0 || (inside_ <= limit_ && bytes <= limit_ - inside_); }
  /// Whether these bytes are in at once; `closed` where they never will be.
  bool try_enter(std::size_t bytes, bool& closed);
  void push(std::unique_ptr<Waiting> waiting);
  void leave(std::size_t bytes);
  void let_in();

  const std::size_t limit_;
  std::mutex mutex_;
  std::size_t inside_ = 0;
  bool held_ = false;
  bool closed_ = false;
  std::deque<std::unique_ptr<Waiting>> waiting_;
};

}  // namespace storage
