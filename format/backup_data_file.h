// Data files `macro_block_data.<n>.obbak`: macro blocks, metas, and lists of where they lie.
// docs/spec/backup-data-files.md §3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_block.h"
#include "format/backup_file_headers.h"
#include "format/backup_index_records.h"
#include "format/random_access.h"

namespace obbak::format {

// Entries of one block of an index, in data files and in index files.
inline constexpr std::size_t kIndexEntriesPerBlock = 256;
// Above every index block that kIndexEntriesPerBlock entries can make.
inline constexpr std::size_t kMaxIndexBlockSize = std::size_t{64} << 10;

// Writes one data file from front to back: any number of macro blocks, then any number of metas.
// Holds no record, but the encoded index entries (some 50 bytes per record) until Finish.
//
// After a failure - of a rule, or of the sink - the file is worthless and every later call fails.
class BackupDataFileWriter {
 public:
  BackupDataFileWriter(const BackupDataFileId& file, ByteSink sink);

  // `macro_block` is what restore gets back: the used part of the block. Its own checksum is the
  // caller's business. kStateNotMatch after the first meta; kSizeOverflow when a stock restore
  // could not read the record.
  Result<BackupMacroBlockIndex> AppendMacroBlock(const LogicMacroBlockId& id, ByteView macro_block);

  // The same for a block that does not pass through here: the sink gets what comes before it, and
  // the caller writes `size` bytes with that Crc64, and then `padding` zeros, right behind.
  struct Place {
    BackupMacroBlockIndex index;
    std::size_t padding = 0;
  };
  Result<Place> PlaceMacroBlock(const LogicMacroBlockId& id, std::size_t size,
                                std::uint64_t checksum);

  // `payload` as the EncodeMeta functions give it.
  Result<BackupMetaIndex> AppendMeta(const BackupMetaKey& key, ByteView payload);

  // Writes the index lists and the trailer. The file is complete then.
  Result<BackupDataFileTrailer> Finish();

  // Bytes of the file so far.
  std::uint64_t size() const { return offset_; }

 private:
  // Entries as the list blocks that they become.
  struct IndexList {
    BlockSpec spec;
    Bytes blocks;   // full ones
    Bytes payload;  // of the block that is being filled
    std::size_t in_block = 0;
    std::int64_t count = 0;
  };
  template <class Index>
  Status AddToList(IndexList& list, const Index& index);
  static void CloseBlock(IndexList& list);
  Status Emit(ByteView bytes);
  Status CheckMacroBlock(std::size_t size) const;
  // Says where the next record with such a payload lies.
  template <class Index>
  Status Locate(std::size_t payload_size, const BlockSpec& record, Index& index) const;
  template <class Index>
  Result<Index> AppendRecord(Index index, IndexList& list, const BlockSpec& record,
                             ByteView payload);

  BackupDataFileId file_;
  ByteSink sink_;
  std::uint64_t offset_ = 0;
  bool failed_ = false;
  bool finished_ = false;
  IndexList macro_list_;
  IndexList meta_list_;
};

// What a data file says it holds.
struct BackupDataFileIndex {
  BackupDataFileTrailer trailer;
  std::vector<BackupMacroBlockIndex> macro_blocks;  // in file order
  std::vector<BackupMetaIndex> metas;               // in file order
};

// Trailer and both lists. Checks that the lists have the trailer's counts, name one file and tile
// it from the file header to the lists without gap. Reads no record.
Result<BackupDataFileIndex> ReadBackupDataFileIndex(const RandomAccess& file);

// The trailer of a file of `file_size` bytes from its last 88.
Result<BackupDataFileTrailer> DecodeBackupDataFileTrailer(ByteView tail, std::uint64_t file_size);

// The entries of one list block; at least one, their rules checked.
Result<std::vector<BackupMacroBlockIndex>> DecodeMacroIndexBlock(ByteView block);
Result<std::vector<BackupMetaIndex>> DecodeMetaIndexBlock(ByteView block);

// The payload of one record, header, checksum and padding checked.
Result<ByteView> DecodeMacroRecord(ByteView record);
Result<ByteView> DecodeMetaRecord(ByteView record);

// The ranges that list block `block_range` with these entries adds to a macro range index: one for
// each run of blocks of one tablet (§6).
std::vector<BackupMacroRangeIndex> RangesOfIndexBlock(
    const std::vector<BackupMacroBlockIndex>& entries, ByteRange block_range);

}  // namespace obbak::format
