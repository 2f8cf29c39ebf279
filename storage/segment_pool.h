// Connections to the files of a store, lent to whoever reads.

#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "storage/catalogue.h"
#include "storage/segment_file.h"

namespace storage {

/// Opens files and keeps a few of them open. Thread-safe; outlives what it has lent.
class SegmentPool {
 public:
  /// A reader on loan; goes back by itself.
  class Lease {
   public:
    Lease() = default;
    ~Lease() { give_back(); }
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept {
      give_back();
      pool_ = other.pool_;
      file_ = other.file_;
      finished_ = other.finished_;
      epoch_ = other.epoch_;
      reader_ = std::move(other.reader_);
      return *this;
    }
    explicit operator bool() const { return reader_ != nullptr; }
    SegmentReader& operator*() const { return *reader_; }
    SegmentReader* operator->() const { return reader_.get(); }

   private:
    friend class SegmentPool;
    void give_back() {
      if (reader_) pool_->put(*this);
    }
    SegmentPool* pool_ = nullptr;
    std::int64_t file_ = 0;
    bool finished_ = false;
    std::uint64_t epoch_ = 0;
    std::unique_ptr<SegmentReader> reader_;
  };

  /// `still`: see SegmentReader::open().
  explicit SegmentPool(bool still) : still_(still) {}

  /// Errors: those of SegmentReader::open().
  base::Result<Lease> borrow(const std::filesystem::path& path, std::int64_t file, bool finished);
  /// Closes what is not lent; what is lent will be closed when it comes back.
  void let_go(std::int64_t file);
  void close();

 private:
  struct Idle {
    std::int64_t file = 0;
    bool finished = false;
    std::unique_ptr<SegmentReader> reader;
  };
  void put(Lease& lease);

  const bool still_;
  std::mutex mutex_;
  std::uint64_t epoch_ = 0;
  bool closed_ = false;
  std::list<Idle> idle_;  // the one used last in front
};

}  // namespace storage
