// Index files macro_range_index, meta_index, sec_meta_index, of a log stream or of the tenant: a
// tree of blocks of up to 256 entries, leaves first, root last. docs/spec/backup-data-files.md §5.
//
// Everything here is instantiated for the two kinds of entries, BackupMacroRangeIndex and
// BackupMetaIndex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_block.h"
#include "format/backup_data_file.h"
#include "format/backup_file_headers.h"
#include "format/backup_index_records.h"
#include "format/random_access.h"

namespace obbak::format {

// What tells the files of one kind of entries from those of the other.
struct IndexFileSpec {
  BackupDataFileType file_type;
  BlockSpec leaf;
  BlockSpec branch;
};
template <class Entry>
inline constexpr IndexFileSpec kIndexFileSpec = {};
template <>
inline constexpr IndexFileSpec kIndexFileSpec<BackupMacroRangeIndex> = {
    .file_type = BackupDataFileType::kMacroRangeIndex,
    .leaf = {BackupBlockType::kMacroRangeIndex},
    .branch = {BackupBlockType::kMacroData}};
template <>
inline constexpr IndexFileSpec kIndexFileSpec<BackupMetaIndex> = {
    .file_type = BackupDataFileType::kMetaIndex,
    .leaf = {BackupBlockType::kMetaIndex},
    .branch = {BackupBlockType::kMetaData}};

// The macro range indexes of sys and minor data need not be in key order, because nobody looks
// anything up in them (§6); all others are strictly ascending.
enum class IndexOrder { kAscending, kAny };

// Writes one index file from front to back. Holds one block and one entry of every block.
template <class Entry>
class BackupIndexFileWriter {
 public:
  explicit BackupIndexFileWriter(ByteSink sink, IndexOrder order = IndexOrder::kAscending);

  // kInvalidArgument for an entry whose rules do not hold or whose key is not above the last one.
  // After a failure the file is worthless and every later call fails.
  Status Append(const Entry& entry);

  // Writes the levels above the leaves and the trailer. The file is complete then.
  Result<BackupMultiLevelIndexTrailer> Finish();

 private:
  using IndexIndex = BackupIndexIndex<Entry>;

  Status Emit(ByteView bytes);
  // Writes one block of `level` and remembers it in `above`.
  template <class Item>
  Status WriteBlock(const std::vector<Item>& items, std::int32_t level,
                    std::vector<IndexIndex>& above);
  Status Fails(Error error);

  ByteSink sink_;
  IndexOrder order_;
  std::uint64_t offset_ = 0;
  bool closed_ = false;
  std::vector<Entry> leaf_;  // the block that is being filled
  std::optional<Entry> last_;
  std::vector<IndexIndex> leaves_;  // what level 1 will hold
};

// One block of an index file. A leaf has entries, a branch has children.
template <class Entry>
struct IndexBlock {
  std::int32_t level = 0;
  std::vector<Entry> entries;
  std::vector<BackupIndexIndex<Entry>> children;

  std::size_t size() const { return level == 0 ? entries.size() : children.size(); }
  const Entry& last() const { return level == 0 ? entries.back() : children.back().end_key; }
};

// The block that fills `block`: header, checksum, multi-level header and each entry's rules are
// checked; the order of keys is not.
template <class Entry>
Result<IndexBlock<Entry>> DecodeIndexBlock(ByteView block);
// The same for people, see InspectBlock; an empty block when anything is wrong with it.
template <class Entry>
IndexBlock<Entry> InspectIndexBlock(ByteView block, Dissection* trace,
                                    std::vector<Error>& findings);
// Bytes of the index block that begins with `head` (48 bytes).
template <class Entry>
Result<std::uint64_t> IndexBlockSize(ByteView head);

// A look-up, as the blocks it needs one after the other: for callers whose reads are asynchronous.
//
//   IndexSearch<BackupMetaIndex> search(trailer, key);
//   while (const auto range = search.needed()) { ...read...; search.Feed(block); }
//   search.found()
template <class Entry>
class IndexSearch {
 public:
  using Key = typename Entry::Key;

  IndexSearch(const BackupMultiLevelIndexTrailer& trailer, const Key& key);

  // The block to read next; none when the search is over.
  std::optional<ByteRange> needed() const { return needed_; }
  // The bytes of that block. After a failure the search is over.
  Status Feed(ByteView block);
  // Of metas the entry with that key; of macro ranges the first that does not end below it, which
  // may begin above it.
  const std::optional<Entry>& found() const { return found_; }

 private:
  Status FeedBranch(const IndexBlock<Entry>& block, ByteRange range);

  Key key_;
  std::optional<ByteRange> needed_;
  std::int32_t level_;  // of the block that is needed
  std::optional<Entry> found_;
};

// The trailer of an index file.
Result<BackupMultiLevelIndexTrailer> ReadIndexTrailer(const RandomAccess& file);

// The whole search. None when there is no such entry.
template <class Entry>
Result<std::optional<Entry>> FindInIndex(const RandomAccess& file, const typename Entry::Key& key);

// Every entry in file order, by reading the leaves from front to back. Stops at the first failure,
// the visitor's own included.
template <class Entry>
Status ForEachIndexEntry(const RandomAccess& file,
                         const std::function<Status(const Entry& entry)>& visitor);

// Checks block after block whether a whole file is one tree: levels, counts, order, and that every
// branch names exactly the blocks below it. Holds one entry of every block of two levels.
template <class Entry>
class IndexTreeCheck {
 public:
  explicit IndexTreeCheck(IndexOrder order) : order_(order) {}

  // The next block of the file, which lies at `range`.
  Status Add(const IndexBlock<Entry>& block, ByteRange range);
  // The file's end: the trailer must name the root.
  Status Finish(const BackupMultiLevelIndexTrailer& trailer) const;

 private:
  Status EnterLevel(std::int32_t level);
  Status AddLeaf(const IndexBlock<Entry>& block);
  Status AddBranch(const IndexBlock<Entry>& block);

  IndexOrder order_;
  std::int32_t level_ = 0;
  bool short_block_ = false;  // the level's last block can be the only one that is not full
  std::optional<Entry> last_entry_;
  std::vector<BackupIndexIndex<Entry>> below_;    // blocks of the level below
  std::size_t claimed_ = 0;                       // how many of them the level names so far
  std::vector<BackupIndexIndex<Entry>> current_;  // blocks of this level
};

}  // namespace obbak::format
