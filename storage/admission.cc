#include "storage/admission.h"

namespace storage {

base::Task<Admission::Place> Admission::enter(std::size_t bytes) {
  bool closed = false;
  if (try_enter(bytes, closed)) co_return Place(shared_from_this(), bytes);
  if (closed) co_return Place();
  auto initiate = [this](auto handler, std::size_t size) {
    push(std::make_unique<WaitingHandler<decltype(handler)>>(size, std::move(handler)));
  };
  const bool let_in = co_await base::asio::async_initiate<const base::asio::use_awaitable_t<>, void(bool)>(
      initiate, base::asio::use_awaitable, bytes);
  if (!let_in) co_return Place();
  co_return Place(shared_from_this(), bytes);
}

bool Admission::try_enter(std::size_t bytes, bool& closed) {
  std::lock_guard lock(mutex_);
  closed = closed_;
  if (closed_ || held_ || !waiting_.empty() || !fits(bytes)) return false;
  inside_ += bytes;
  return true;
}

void Admission::push(std::unique_ptr<Waiting> waiting) {
  std::unique_lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    waiting->answer(false);
    return;
  }
  waiting_.push_back(std::move(waiting));
  // Room may have come since the caller has looked.
  let_in();
}

void Admission::leave(std::size_t bytes) {
  std::lock_guard lock(mutex_);
  inside_ -= bytes;
  let_in();
}

void Admission::hold(bool held) {
  std::lock_guard lock(mutex_);
  held_ = held;
  let_in();
}

void Admission::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& waiting : waiting_) waiting->answer(false);
  waiting_.clear();
}

void Admission::let_in() {
  while (!held_ && !waiting_.empty() && fits(waiting_.front()->bytes())) {
    inside_ += waiting_.front()->bytes();
    waiting_.front()->answer(true);
    waiting_.pop_front();
  }
}

}  // namespace storage
