#include "engine/point_read.h"

#include "engine/stored_row.h"
#include "format/micro_block_header.h"

namespace obbak::engine {

PointRead::PointRead(const Sstable& sstable, std::span<const format::Datum> key)
    : sstable_(sstable), key_(key), cursor_(sstable) {
  cursor_.Seek(key_, IndexCursor::Bound::kLower);
}

Result<bool> PointRead::Collect() {
  for (;;) {
    wants_data_ = false;
    const Result<bool> there = cursor_.Continue();
    if (!there || !*there) return there;
    if (!cursor_.Valid()) return true;
    MicroBlockCache::Pin pin = std::exchange(supplied_, {});
    if (!pin) pin = sstable_.store().cache.Find(cursor_.child());
    if (!pin) {
      wants_data_ = true;
      return false;
    }
    blocks_.push_back({cursor_.child(), std::move(pin)});
    const Result<bool> goes_on = GoesOn(*blocks_.back().pin);
    if (!goes_on) {
      return Fail(sstable_.store().blocks.Locate(Error(goes_on.error()), cursor_.child().macro_id,
                                                 cursor_.child().offset));
    }
    if (!*goes_on) return true;
    cursor_.Step(Direction::kForward);
  }
}

const MicroBlockAddress& PointRead::missing() const {
  return wants_data_ ? cursor_.child() : cursor_.missing();
}

void PointRead::Supply(MicroBlockCache::Pin block) {
  if (wants_data_) {
    supplied_ = std::move(block);
  } else {
    cursor_.Supply(std::move(block));
  }
}

Result<bool> PointRead::GoesOn(const format::MicroBlockReader& block) const {
  // Rows of a major SSTable have no flags, and a key only one row.
  if (sstable_.is_major() ||
      (block.header().opt & format::MicroBlockHeader::kIsLastRowLastFlag) != 0) {
    return false;
  }
  const Result<std::size_t> above = block.UpperBound(sstable_.schema().rowkey(), key_);
  if (!above) return Fail(above.error());
  return *above == block.row_count();
}

Status PointRead::Visit(std::int64_t snapshot, VersionSink& sink) const {
  bool done = false;
  for (const Block& block : blocks_) {
    if (Status status = VisitBlock(block, snapshot, sink, done); !status) {
      return Fail(sstable_.store().blocks.Locate(std::move(status).error(), block.address.macro_id,
                                                 block.address.offset));
    }
    if (done) break;
  }
  return {};
}

Status PointRead::VisitBlock(const Block& block, std::int64_t snapshot, VersionSink& sink,
                             bool& done) const {
  const format::MicroBlockReader& rows = *block.pin;
  const std::span<const format::ObjMeta> rowkey = sstable_.schema().rowkey();
  const Result<std::size_t> first = rows.LowerBound(rowkey, key_);
  if (!first) return Fail(first.error());
  StoredRow row(sstable_.schema());
  for (std::size_t i = *first; i < rows.row_count() && !done; ++i) {
    if (Status status = row.Read(rows, i); !status) return status;
    if (format::CompareKeys(rowkey, row.key(), key_) != 0) {
      done = true;
    } else if (row.version().commit_version <= snapshot && !row.is_ghost()) {
      // A shadow row sums up all versions, which the snapshot then sees.
      done = !sink.Take(row.version()) || row.is_shadow();
    }
  }
  return {};
}

}  // namespace obbak::engine
