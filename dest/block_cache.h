// BlockCache: blocks of index and data files; the least recently used ones give way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "base/bytes.h"

namespace obbak::dest {

// Belongs to one loop's thread.
class BlockCache {
 public:
  // Bytes that it may hold.
  explicit BlockCache(std::size_t capacity) : capacity_(capacity) {}

  // A number under which one file's blocks are kept.
  std::uint64_t NewFile() { return next_file_++; }

  // Null when it is not there.
  std::shared_ptr<const Bytes> Find(std::uint64_t file, std::uint64_t offset);
  void Insert(std::uint64_t file, std::uint64_t offset, std::shared_ptr<const Bytes> block);

  std::size_t size() const { return size_; }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct Block {
    Key key;
    std::shared_ptr<const Bytes> bytes;
  };

  std::size_t capacity_;
  std::size_t size_ = 0;
  std::uint64_t next_file_ = 0;
  // The last used first.
  std::list<Block> blocks_;
  std::map<Key, std::list<Block>::iterator> places_;
};

}  // namespace obbak::dest
