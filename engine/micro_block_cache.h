// MicroBlockCache: decompressed micro blocks, least recently used out first.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "format/compressor.h"
#include "format/macro_block_ids.h"
#include "format/micro_block_reader.h"

namespace obbak::engine {

// Which micro block. Ids of macro blocks are never used twice, so nothing has to be forgotten when
// a macro block is freed.
struct MicroBlockAddress {
  format::MacroBlockId macro_id;
  std::uint32_t offset = 0;  // in the macro block
  std::uint32_t size = 0;    // as stored, header included
  format::CompressorType compressor = format::CompressorType::kNone;

  bool operator==(const MicroBlockAddress&) const = default;
};

// Of data and index alike. Single-threaded. Holds at most its capacity, plus what is pinned: what
// is in use is never thrown out.
class MicroBlockCache {
  struct Entry;

 public:
  struct Statistics {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
    std::size_t bytes = 0;   // held now
    std::size_t blocks = 0;  // held now
  };

  // A micro block in use. Must not outlive the cache.
  class Pin {
   public:
    Pin() = default;
    Pin(Pin&& other) noexcept
        : cache_(other.cache_), entry_(std::exchange(other.entry_, nullptr)) {}
    Pin& operator=(Pin&& other) noexcept {
      std::swap(cache_, other.cache_);
      std::swap(entry_, other.entry_);
      return *this;
    }
    ~Pin() {
      if (entry_ != nullptr) cache_->Unpin(*entry_);
    }

    explicit operator bool() const { return entry_ != nullptr; }
    // Precondition: there is a block.
    const format::MicroBlockReader& operator*() const;
    const format::MicroBlockReader* operator->() const { return &**this; }

   private:
    friend class MicroBlockCache;
    Pin(MicroBlockCache& cache, Entry& entry) : cache_(&cache), entry_(&entry) {}

    MicroBlockCache* cache_ = nullptr;
    Entry* entry_ = nullptr;
  };

  // `capacity` in bytes; 0 keeps nothing but what is pinned.
  explicit MicroBlockCache(std::size_t capacity);
  MicroBlockCache(const MicroBlockCache&) = delete;
  MicroBlockCache& operator=(const MicroBlockCache&) = delete;
  // Precondition: nothing is pinned.
  ~MicroBlockCache();

  // The block, if it is here; otherwise no block. Counts a hit or a miss.
  Pin Find(const MicroBlockAddress& address);
  // Checks and decompresses the micro block at the begin of `stored`, and keeps it; another
  // coroutine may have been faster. Errors are those of MicroBlockReader::Open.
  Result<Pin> Insert(const MicroBlockAddress& address, ByteView stored);

  std::size_t capacity() const { return capacity_; }
  const Statistics& statistics() const { return statistics_; }

 private:
  struct Hash {
    std::size_t operator()(const MicroBlockAddress& address) const;
  };
  struct Entry : boost::intrusive::list_base_hook<> {
    MicroBlockAddress address;
    Bytes bytes;
    format::MicroBlockReader reader;
    std::uint32_t pins = 0;

    std::size_t charge() const { return sizeof(*this) + bytes.size(); }
  };

  Pin MakePin(Entry& entry);
  void Unpin(Entry& entry);
  void Shrink();

  std::size_t capacity_;
  std::unordered_map<MicroBlockAddress, std::unique_ptr<Entry>, Hash> entries_;
  // Those without pins, least recently used first.
  boost::intrusive::list<Entry> unused_;
  Statistics statistics_;
};

}  // namespace obbak::engine
