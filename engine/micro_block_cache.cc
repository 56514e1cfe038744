#include "engine/micro_block_cache.h"

#include <boost/container_hash/hash.hpp>
#include <cassert>
#include <utility>

namespace obbak::engine {

const format::MicroBlockReader& MicroBlockCache::Pin::operator*() const {
  assert(entry_ != nullptr);
  return entry_->reader;
}

std::size_t MicroBlockCache::Hash::operator()(const MicroBlockAddress& address) const {
  // The rest follows from these: an id is that of one block, an offset that of one micro block.
  std::size_t hash = 0;
  boost::hash_combine(hash, address.macro_id.first);
  boost::hash_combine(hash, address.macro_id.second);
  boost::hash_combine(hash, address.offset);
  return hash;
}

MicroBlockCache::MicroBlockCache(std::size_t capacity) : capacity_(capacity) {}

MicroBlockCache::~MicroBlockCache() {
  assert(unused_.size() == entries_.size());
  unused_.clear();
}

MicroBlockCache::Pin MicroBlockCache::MakePin(Entry& entry) {
  if (entry.pins++ == 0) unused_.erase(unused_.iterator_to(entry));
  return Pin(*this, entry);
}

void MicroBlockCache::Unpin(Entry& entry) {
  if (--entry.pins > 0) return;
  unused_.push_back(entry);
  Shrink();
}

void MicroBlockCache::Shrink() {
  while (statistics_.bytes > capacity_ && !unused_.empty()) {
    Entry& oldest = unused_.front();
    unused_.pop_front();
    statistics_.bytes -= oldest.charge();
    --statistics_.blocks;
    ++statistics_.evictions;
    entries_.erase(MicroBlockAddress(oldest.address));
  }
}

MicroBlockCache::Pin MicroBlockCache::Find(const MicroBlockAddress& address) {
  const auto found = entries_.find(address);
  if (found == entries_.end()) {
    ++statistics_.misses;
    return {};
  }
  ++statistics_.hits;
  return MakePin(*found->second);
}

Result<MicroBlockCache::Pin> MicroBlockCache::Insert(const MicroBlockAddress& address,
                                                     ByteView stored) {
  if (const auto found = entries_.find(address); found != entries_.end())
    return MakePin(*found->second);
  auto entry = std::make_unique<Entry>();
  entry->address = address;
  const Result<format::MicroBlockHeader> header = format::ReadMicroBlockHeader(stored);
  if (!header) return Fail(header.error());
  // The reader points into the entry: at what was decompressed, or at a copy.
  Bytes unused;
  if (!header->is_compressed()) {
    const ByteView block = stored.first(header->block_size());
    entry->bytes.assign(block.begin(), block.end());
    stored = entry->bytes;
  }
  const Result<format::MicroBlockReader> reader = format::MicroBlockReader::Open(
      stored, address.compressor, header->is_compressed() ? entry->bytes : unused);
  if (!reader) return Fail(reader.error());
  entry->reader = *reader;
  statistics_.bytes += entry->charge();
  ++statistics_.blocks;
  Entry& kept = *entry;
  entries_.emplace(address, std::move(entry));
  unused_.push_back(kept);
  Pin pin = MakePin(kept);
  Shrink();
  return pin;
}

}  // namespace obbak::engine
