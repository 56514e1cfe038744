#include "engine/sstable_store.h"

#include <utility>

#include "io/aligned_bytes.h"

namespace obbak::engine {

io::Task<Result<MicroBlockCache::Pin>> LoadMicroBlock(SstableStore store,
                                                      MicroBlockAddress address) {
  const std::size_t begin = io::AlignDown(address.offset);
  const std::size_t end = std::size_t{address.offset} + address.size;
  const io::AlignedBytes buffer(end - begin);
  if (Status status = co_await store.blocks.Read(address.macro_id, begin, buffer.span()); !status)
    co_return Fail(std::move(status).error());
  Result<MicroBlockCache::Pin> pin =
      store.cache.Insert(address, buffer.span().subspan(address.offset - begin, address.size));
  if (!pin)
    co_return Fail(store.blocks.Locate(std::move(pin).error(), address.macro_id, address.offset));
  co_return pin;
}

}  // namespace obbak::engine
