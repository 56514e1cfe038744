#include "format/backup_index_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "format/backup_list_blocks.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// Whether the entry that a search ended at is what was looked for.
bool Matches(const BackupMacroRangeIndex&, const LogicMacroBlockId&) { return true; }
bool Matches(const BackupMetaIndex& entry, const BackupMetaKey& key) {
  return entry.meta_key == key;
}

// The kind of block that says so itself; a leaf where it is neither.
template <class Entry>
const BlockSpec& SpecOf(ByteView block) {
  const IndexFileSpec& spec = kIndexFileSpec<Entry>;
  Decoder in(block);
  const std::uint64_t data_type = in.FixedLittleEndian(2);
  return in.ok() && data_type == static_cast<std::uint64_t>(spec.branch.type) ? spec.branch
                                                                              : spec.leaf;
}

// The payload in `bytes` from `begin` on.
template <class Entry>
void DecodePayload(ByteView bytes, std::size_t begin, const BlockSpec& spec,
                   IndexBlock<Entry>& block, Dissection* trace, std::vector<Error>& findings) {
  Decoder in(bytes, trace, begin);
  BackupMultiLevelIndexHeader header;
  DecodeField(in, "index_header", header);
  if (in.ok()) {
    const bool is_leaf = spec.type == kIndexFileSpec<Entry>.leaf.type;
    Rules rules;
    CheckRules(header, rules);
    rules.Require(header.backup_type == static_cast<std::int16_t>(spec.type), "backup_type",
                  "must be the common header's data_type");
    rules.Require((header.index_level == 0) == is_leaf, "index_level",
                  "must be 0 in leaves and in no other block");
    AppendViolations(rules.violations(), "index_header", ErrorCode::kInvalidData, trace, findings);
    block.level = header.index_level;
    is_leaf ? DecodeEntries(in, block.entries) : DecodeEntries(in, block.children);
  }
  if (Status status = in.status(); !status) findings.push_back(std::move(status).error());
}

Error TreeError(std::uint64_t offset, std::string message) {
  return Error(ErrorCode::kInvalidData, std::move(message)).WithOffset(offset);
}

}  // namespace

template <class Entry>
BackupIndexFileWriter<Entry>::BackupIndexFileWriter(ByteSink sink, IndexOrder order)
    : sink_(std::move(sink)), order_(order) {}

template <class Entry>
Status BackupIndexFileWriter<Entry>::Fails(Error error) {
  closed_ = true;
  return Fail(std::move(error));
}

template <class Entry>
Status BackupIndexFileWriter<Entry>::Emit(ByteView bytes) {
  if (offset_ == 0) {
    const Bytes header = EncodeFileHeaderBlock(kIndexFileSpec<Entry>.file_type);
    if (Status status = sink_(header); !status) return Fails(std::move(status).error());
    offset_ = header.size();
  }
  if (Status status = sink_(bytes); !status) return Fails(std::move(status).error());
  offset_ += bytes.size();
  return {};
}

template <class Entry>
template <class Item>
Status BackupIndexFileWriter<Entry>::WriteBlock(const std::vector<Item>& items, std::int32_t level,
                                                std::vector<IndexIndex>& above) {
  const BlockSpec& spec = level == 0 ? kIndexFileSpec<Entry>.leaf : kIndexFileSpec<Entry>.branch;
  Encoder payload;
  EncodeValue(payload,
              BackupMultiLevelIndexHeader{.backup_type = static_cast<std::int16_t>(spec.type),
                                          .index_level = level});
  for (const Item& item : items) EncodeValue(payload, item);
  const Bytes block = EncodeBlock(spec, payload.bytes());
  const std::uint64_t begin = std::max<std::uint64_t>(offset_, kFileHeaderBlockSize);
  if constexpr (std::is_same_v<Item, Entry>) {
    above.push_back({.end_key = items.back()});
  } else {
    above.push_back({.end_key = items.back().end_key});
  }
  above.back().offset = static_cast<std::int64_t>(begin);
  above.back().length = static_cast<std::int64_t>(block.size());
  return Emit(block);
}

template <class Entry>
Status BackupIndexFileWriter<Entry>::Append(const Entry& entry) {
  if (closed_) return Fail(ErrorCode::kStateNotMatch, "the index file is finished or has failed");
  Rules rules;
  CheckRules(entry, rules);
  if (Status status = rules.ToStatus(ErrorCode::kInvalidArgument); !status) {
    return Fails(std::move(status).error());
  }
  if (order_ == IndexOrder::kAscending && last_ && !(last_->key() < entry.key())) {
    return Fails(Error(ErrorCode::kInvalidArgument, "index entries must have ascending keys"));
  }
  last_ = entry;
  leaf_.push_back(entry);
  if (leaf_.size() < kIndexEntriesPerBlock) return {};
  Status status = WriteBlock(leaf_, 0, leaves_);
  leaf_.clear();
  return status;
}

template <class Entry>
Result<BackupMultiLevelIndexTrailer> BackupIndexFileWriter<Entry>::Finish() {
  if (closed_) return Fail(ErrorCode::kStateNotMatch, "the index file is finished or has failed");
  Status status = leaf_.empty() ? Emit({}) : WriteBlock(leaf_, 0, leaves_);
  BackupMultiLevelIndexTrailer trailer;
  trailer.last_block_offset = kFileHeaderBlockSize;
  std::vector<IndexIndex> level = std::move(leaves_);
  // Even a single leaf gets a level above it.
  for (std::int32_t height = 1; status && !level.empty(); ++height) {
    std::vector<IndexIndex> above;
    for (std::size_t i = 0; status && i < level.size(); i += kIndexEntriesPerBlock) {
      const auto begin = level.begin() + static_cast<std::ptrdiff_t>(i);
      const std::size_t count = std::min(kIndexEntriesPerBlock, level.size() - i);
      status =
          WriteBlock(std::vector(begin, begin + static_cast<std::ptrdiff_t>(count)), height, above);
    }
    trailer.tree_height = height;
    trailer.last_block_offset = above.back().offset;
    trailer.last_block_length = above.back().length;
    level = above.size() > 1 ? std::move(above) : std::vector<IndexIndex>();
  }
  trailer.checksum = trailer.ComputeChecksum();
  if (status) status = Emit(EncodeTrailer(trailer));
  closed_ = true;
  if (!status) return Fail(std::move(status).error());
  return trailer;
}

template <class Entry>
Result<IndexBlock<Entry>> DecodeIndexBlock(ByteView bytes) {
  const BlockSpec& spec = SpecOf<Entry>(bytes);
  const Result<BackupBlock> parts = DecodeBlock(bytes, spec);
  if (!parts) return Fail(parts.error());
  IndexBlock<Entry> block;
  std::vector<Error> findings;
  DecodePayload(bytes.first(BackupCommonHeader::kSize + parts->payload.size()),
                BackupCommonHeader::kSize, spec, block, nullptr, findings);
  if (!findings.empty()) return Fail(std::move(findings.front()));
  return block;
}

template <class Entry>
IndexBlock<Entry> InspectIndexBlock(ByteView bytes, Dissection* trace,
                                    std::vector<Error>& findings) {
  IndexBlock<Entry> block;
  const BlockSpec& spec = SpecOf<Entry>(bytes);
  const std::size_t before = findings.size();
  InspectBlock(
      bytes, spec,
      [&](ByteView payload, std::size_t begin, Dissection* at, std::vector<Error>& found) {
        DecodePayload(payload, begin, spec, block, at, found);
      },
      trace, findings);
  return findings.size() == before ? block : IndexBlock<Entry>();
}

template <class Entry>
Result<std::uint64_t> IndexBlockSize(ByteView head) {
  const Result<BackupCommonHeader> header = DecodeBlockHeader(head, SpecOf<Entry>(head));
  if (!header) return Fail(header.error());
  const std::uint64_t size = BlockSizeOf(*header);
  if (size > kMaxIndexBlockSize) {
    return Fail(ErrorCode::kInvalidData, fmt::format("an index block of {} bytes", size));
  }
  return size;
}

template <class Entry>
IndexSearch<Entry>::IndexSearch(const BackupMultiLevelIndexTrailer& trailer, const Key& key)
    : key_(key), level_(trailer.tree_height) {
  if (trailer.last_block_length == 0) return;
  needed_ = ByteRange{static_cast<std::uint64_t>(trailer.last_block_offset),
                      static_cast<std::uint64_t>(trailer.last_block_length)};
}

template <class Entry>
Status IndexSearch<Entry>::Feed(ByteView bytes) {
  if (!needed_) return Fail(ErrorCode::kStateNotMatch, "the search is over");
  const ByteRange range = *std::exchange(needed_, std::nullopt);
  if (bytes.size() != range.length) {
    return Fail(ErrorCode::kInvalidArgument, "not the block that is needed");
  }
  const Result<IndexBlock<Entry>> block = DecodeIndexBlock<Entry>(bytes);
  if (!block) return Fail(Error(block.error()).ShiftOffset(range.offset));
  if (block->level != level_) {
    return Fail(TreeError(
        range.offset,
        fmt::format("block of level {} where one of level {} must be", block->level, level_)));
  }
  if (level_ > 0) return FeedBranch(*block, range);
  const auto entry = std::ranges::lower_bound(block->entries, key_, {}, &Entry::key);
  if (entry != block->entries.end() && Matches(*entry, key_)) found_ = *entry;
  return {};
}

template <class Entry>
Status IndexSearch<Entry>::FeedBranch(const IndexBlock<Entry>& block, ByteRange range) {
  const auto child =
      std::ranges::lower_bound(block.children, key_, {}, &BackupIndexIndex<Entry>::key);
  if (child == block.children.end()) return {};
  const ByteRange next{static_cast<std::uint64_t>(child->offset),
                       static_cast<std::uint64_t>(child->length)};
  // Children lie before their parent: a search always ends.
  if (next.offset >= range.offset || next.length > range.offset - next.offset ||
      next.length > kMaxIndexBlockSize) {
    return Fail(TreeError(range.offset, "a branch names a block that does not lie before it"));
  }
  needed_ = next;
  --level_;
  return {};
}

Result<BackupMultiLevelIndexTrailer> ReadIndexTrailer(const RandomAccess& file) {
  constexpr std::uint64_t kSize = BackupMultiLevelIndexTrailer::kSize;
  if (file.size() < kFileHeaderBlockSize + kSize) {
    return Fail(ErrorCode::kErrUnexpected,
                fmt::format("an index file has at least {} bytes, this one {}",
                            kFileHeaderBlockSize + kSize, file.size()));
  }
  const std::uint64_t at = file.size() - kSize;
  const Result<Bytes> tail = file.Read({at, kSize});
  if (!tail) return Fail(tail.error());
  Result<BackupMultiLevelIndexTrailer> trailer = DecodeTrailer<BackupMultiLevelIndexTrailer>(*tail);
  if (!trailer) return Fail(std::move(trailer).error().ShiftOffset(at));
  const auto root_end = static_cast<std::uint64_t>(trailer->last_block_offset) +
                        static_cast<std::uint64_t>(trailer->last_block_length);
  if (root_end != at) {
    return Fail(TreeError(
        at, fmt::format("the trailer says that the root ends at {}, it must end here", root_end)));
  }
  if (static_cast<std::uint64_t>(trailer->last_block_length) > kMaxIndexBlockSize) {
    return Fail(TreeError(at, "the trailer's root is larger than any index block"));
  }
  return trailer;
}

template <class Entry>
Result<std::optional<Entry>> FindInIndex(const RandomAccess& file, const typename Entry::Key& key) {
  const Result<BackupMultiLevelIndexTrailer> trailer = ReadIndexTrailer(file);
  if (!trailer) return Fail(trailer.error());
  IndexSearch<Entry> search(*trailer, key);
  while (const std::optional<ByteRange> range = search.needed()) {
    const Result<Bytes> block = file.Read(*range);
    if (!block) return Fail(block.error());
    if (Status status = search.Feed(*block); !status) return Fail(std::move(status).error());
  }
  return search.found();
}

template <class Entry>
Status ForEachIndexEntry(const RandomAccess& file,
                         const std::function<Status(const Entry& entry)>& visitor) {
  const Result<BackupMultiLevelIndexTrailer> trailer = ReadIndexTrailer(file);
  if (!trailer) return Fail(trailer.error());
  const std::uint64_t end = file.size() - BackupMultiLevelIndexTrailer::kSize;
  for (std::uint64_t at = kFileHeaderBlockSize; at < end;) {
    const Result<Bytes> head =
        file.Read({at, std::min<std::uint64_t>(end - at, BackupCommonHeader::kSize)});
    if (!head) return Fail(head.error());
    const Result<std::uint64_t> size = IndexBlockSize<Entry>(*head);
    if (!size) return Fail(Error(size.error()).ShiftOffset(at));
    const Result<Bytes> bytes = file.Read({at, *size});
    if (!bytes) return Fail(bytes.error());
    const Result<IndexBlock<Entry>> block = DecodeIndexBlock<Entry>(*bytes);
    if (!block) return Fail(Error(block.error()).ShiftOffset(at));
    if (block->level > 0) return {};
    for (const Entry& entry : block->entries) {
      if (Status status = visitor(entry); !status) return status;
    }
    at += *size;
  }
  return {};
}

template <class Entry>
Status IndexTreeCheck<Entry>::EnterLevel(std::int32_t level) {
  if (level != level_ + 1 || current_.empty()) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("block of level {} after one of level {}", level, level_));
  }
  if (level_ > 0 && current_.size() == 1) {
    return Fail(ErrorCode::kInvalidData, "a block above the root");
  }
  if (claimed_ != below_.size()) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("level {} names {} of {} blocks", level_, claimed_, below_.size()));
  }
  below_ = std::exchange(current_, {});
  claimed_ = 0;
  level_ = level;
  short_block_ = false;
  return {};
}

template <class Entry>
Status IndexTreeCheck<Entry>::AddLeaf(const IndexBlock<Entry>& block) {
  for (const Entry& entry : block.entries) {
    if (order_ == IndexOrder::kAscending && last_entry_ && !(last_entry_->key() < entry.key())) {
      return Fail(ErrorCode::kInvalidData, "entries are not in ascending order of keys");
    }
    last_entry_ = entry;
  }
  return {};
}

template <class Entry>
Status IndexTreeCheck<Entry>::AddBranch(const IndexBlock<Entry>& block) {
  for (const BackupIndexIndex<Entry>& child : block.children) {
    if (claimed_ == below_.size() || !(child == below_[claimed_])) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("branch entry {} does not describe block {} of the level below",
                              &child - block.children.data(), claimed_));
    }
    ++claimed_;
  }
  return {};
}

template <class Entry>
Status IndexTreeCheck<Entry>::Add(const IndexBlock<Entry>& block, ByteRange range) {
  Status status;
  if (block.level != level_) status = EnterLevel(block.level);
  if (status && short_block_) {
    status = Fail(ErrorCode::kInvalidData, "a block follows one that is not full");
  }
  if (status) status = block.level == 0 ? AddLeaf(block) : AddBranch(block);
  if (!status) return Fail(std::move(status).error().WithOffset(range.offset));
  short_block_ = block.size() < kIndexEntriesPerBlock;
  current_.push_back({.end_key = block.last(),
                      .offset = static_cast<std::int64_t>(range.offset),
                      .length = static_cast<std::int64_t>(range.length)});
  return {};
}

template <class Entry>
Status IndexTreeCheck<Entry>::Finish(const BackupMultiLevelIndexTrailer& trailer) const {
  if (current_.empty()) {
    if (trailer.tree_height == 1 && trailer.last_block_length == 0 &&
        trailer.last_block_offset == static_cast<std::int64_t>(kFileHeaderBlockSize)) {
      return {};
    }
    return Fail(ErrorCode::kInvalidData, "the trailer names a root, the file has no block");
  }
  const bool is_root = level_ > 0 && current_.size() == 1 && claimed_ == below_.size();
  if (!is_root) {
    return Fail(ErrorCode::kInvalidData, "the file does not end with the root of all its blocks");
  }
  if (trailer.tree_height != level_ || trailer.last_block_offset != current_[0].offset ||
      trailer.last_block_length != current_[0].length) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("the trailer does not name the root: height {}, offset {}, length {}",
                            level_, current_[0].offset, current_[0].length));
  }
  return {};
}

#define OBBAK_INDEX_FILE(E)                                                             \
  template class BackupIndexFileWriter<E>;                                              \
  template Result<IndexBlock<E>> DecodeIndexBlock(ByteView);                            \
  template IndexBlock<E> InspectIndexBlock(ByteView, Dissection*, std::vector<Error>&); \
  template Result<std::uint64_t> IndexBlockSize<E>(ByteView);                           \
  template class IndexSearch<E>;                                                        \
  template class IndexTreeCheck<E>;                                                     \
  template Result<std::optional<E>> FindInIndex(const RandomAccess&, const E::Key&);    \
  template Status ForEachIndexEntry(const RandomAccess&, const std::function<Status(const E&)>&)
OBBAK_INDEX_FILE(BackupMacroRangeIndex);
OBBAK_INDEX_FILE(BackupMetaIndex);
#undef OBBAK_INDEX_FILE

}  // namespace obbak::format
