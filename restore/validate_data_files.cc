#include "restore/validate_data_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "format/backup_block.h"
#include "format/backup_data_file.h"
#include "format/backup_file_headers.h"
#include "format/random_access.h"
#include "restore/validate_stream_check.h"

namespace obbak::restore {
namespace {

using format::BackupDataFileTrailer;
using format::ByteRange;

// No data file has larger lists: 2048 blocks are the usual number, a million still fits.
constexpr std::uint64_t kMaxLists = std::uint64_t{256} << 20;

class DataFileCheck : StreamCheck {
 public:
  DataFileCheck(FileChecks checks, const FoundFile& file, format::BackupDataFileId id,
                Reporter found)
      : StreamCheck(checks, file, std::move(found)), id_(id) {}

  io::Task<DataFileFacts> Run() {
    if (!co_await Open()) co_return std::move(facts_);
    facts_.size = reader_->size();
    if (!IsAtLeast(format::kFileHeaderBlockSize + BackupDataFileTrailer::kSize))
      co_return std::move(facts_);
    co_await CheckHeader(format::BackupDataFileType::kData);
    const bool listed = co_await ReadLists();
    if (!listed) co_return std::move(facts_);
    facts_.readable = true;
    FileWindow window(*reader_, name_, format::kFileHeaderBlockSize,
                      static_cast<std::uint64_t>(index_.trailer.macro_index_offset), checks_.meter);
    const bool streamed = co_await CheckRecords(window, index_.macro_blocks, facts_.blocks);
    if (streamed) co_await CheckRecords(window, index_.metas, facts_.metas);
    co_return std::move(facts_);
  }

 private:
  // A record on its way through the worker pool.
  template <class Index, class Facts>
  struct Batch {
    std::span<const Index> entries;
    ByteView bytes;
    std::vector<Result<Facts>> results;
  };

  // The trailer and, in one read, the lists before it.
  io::Task<bool> ReadLists() {
    const std::uint64_t size = reader_->size();
    const std::uint64_t end = size - BackupDataFileTrailer::kSize;
    Result<Bytes> tail = co_await ReadPart(end, size);
    if (tail) {
      Result<BackupDataFileTrailer> trailer = format::DecodeBackupDataFileTrailer(*tail, size);
      if (!trailer) {
        Damage(std::move(trailer).error());
        co_return false;
      }
      facts_.trailer = *trailer;
    } else {
      Damage(std::move(tail).error());
      co_return false;
    }
    const auto begin = static_cast<std::uint64_t>(facts_.trailer.macro_index_offset);
    if (end - begin > kMaxLists) {
      Damage(Error(ErrorCode::kSizeOverflow, fmt::format("lists of {} bytes", end - begin)));
      co_return false;
    }
    Result<Bytes> lists = co_await ReadPart(begin, end);
    if (!lists) {
      Damage(std::move(lists).error());
      co_return false;
    }
    lists->insert(lists->end(), tail->begin(), tail->end());
    co_return TakeLists(*lists, begin);
  }

  bool TakeLists(const Bytes& lists, std::uint64_t begin) {
    const format::RandomAccess access(reader_->size(), [&](ByteRange range) -> Result<Bytes> {
      if (range.offset < begin)
        return Fail(ErrorCode::kErrUnexpected, "a list that begins before the lists");
      const auto at = lists.begin() + static_cast<std::ptrdiff_t>(range.offset - begin);
      return Bytes(at, at + static_cast<std::ptrdiff_t>(range.length));
    });
    Result<format::BackupDataFileIndex> index = format::ReadBackupDataFileIndex(access);
    if (!index) {
      Damage(std::move(index).error());
      return false;
    }
    index_ = *std::move(index);
    if (!AllAreOfThisFile(index_.macro_blocks) || !AllAreOfThisFile(index_.metas)) return false;
    TakeRanges(ByteView(lists), begin);
    return true;
  }

  template <class Index>
  bool AllAreOfThisFile(const std::vector<Index>& entries) {
    for (const Index& entry : entries) {
      if (entry.file() == id_) continue;
      damaged_ = true;
      found_.Broken(31, name_, "backup_set_id, ls_id, turn_id, retry_id, file_id",
                    fmt::format("an entry is of set {}, log stream {}, turn {}, retry {}, file {}",
                                entry.backup_set_id.value, entry.ls_id.value, entry.turn_id,
                                entry.retry_id, entry.file_id));
      return false;
    }
    return true;
  }

  // The list blocks were decoded already; this is about where each lies.
  void TakeRanges(ByteView lists, std::uint64_t begin) {
    std::uint64_t at = 0;
    const auto end = static_cast<std::uint64_t>(facts_.trailer.macro_index_length);
    while (at < end) {
      const auto header = format::DecodeBlockHeader(lists.subspan(at), format::kMacroIndexList);
      if (!header) return;
      const std::uint64_t size = format::BlockSizeOf(*header);
      if (size > end - at) return;
      const auto entries = format::DecodeMacroIndexBlock(lists.subspan(at, size));
      if (!entries) return;
      const auto ranges = format::RangesOfIndexBlock(*entries, {begin + at, size});
      facts_.ranges.insert(facts_.ranges.end(), ranges.begin(), ranges.end());
      at += size;
    }
  }

  // False when the file cannot be read on.
  template <class Index, class Facts>
  io::Task<bool> CheckRecords(FileWindow& window, const std::vector<Index>& entries,
                              std::vector<Facts>& facts) {
    facts.reserve(entries.size());
    for (std::span<const Index> rest(entries); !rest.empty();) {
      const Status filled = co_await window.Fill(LengthOf(rest.front()));
      if (!filled) {
        Damage(filled.error());
        co_return false;
      }
      Batch<Index, Facts> batch{TakeBatch(rest, window.bytes().size()), window.bytes(), {}};
      const auto check = [&batch] { CheckBatch(batch); };
      co_await checks_.loop.Offload(check);
      Deliver(batch, facts);
      std::size_t size = 0;
      for (const Index& entry : batch.entries) size += LengthOf(entry);
      window.Drop(size);
    }
    co_return true;
  }

  template <class Index>
  static std::size_t LengthOf(const Index& index) {
    return static_cast<std::size_t>(index.length);
  }

  // As many records as are there, taken off the front of `rest`.
  template <class Index>
  static std::span<const Index> TakeBatch(std::span<const Index>& rest, std::size_t bytes) {
    std::size_t count = 0;
    for (std::size_t size = 0; count < rest.size(); ++count) {
      size += LengthOf(rest[count]);
      if (size > bytes) break;
    }
    const std::span<const Index> batch = rest.first(count);
    rest = rest.subspan(count);
    return batch;
  }

  template <class Index, class Facts>
  static void CheckBatch(Batch<Index, Facts>& batch) {
    for (const Index& entry : batch.entries) {
      batch.results.push_back(CheckRecord(batch.bytes.first(LengthOf(entry)), entry));
      batch.bytes = batch.bytes.subspan(LengthOf(entry));
    }
  }

  static Result<MacroBlockFacts> CheckRecord(ByteView record,
                                             const format::BackupMacroBlockIndex& entry) {
    const Result<ByteView> payload = format::DecodeMacroRecord(record);
    if (!payload) return Fail(payload.error());
    Result<MacroBlockFacts> facts = CheckMacroBlock(*payload, entry.logic_id);
    if (facts) return facts;
    return Fail(std::move(facts).error().ShiftOffset(format::BackupCommonHeader::kSize));
  }

  static Result<MetaFacts> CheckRecord(ByteView record, const format::BackupMetaIndex& entry) {
    const Result<ByteView> payload = format::DecodeMetaRecord(record);
    if (!payload) return Fail(payload.error());
    Result<MetaFacts> facts = CheckMeta(*payload, entry);
    if (facts) return facts;
    return Fail(std::move(facts).error().ShiftOffset(format::BackupCommonHeader::kSize));
  }

  template <class Index, class Facts>
  void Deliver(Batch<Index, Facts>& batch, std::vector<Facts>& facts) {
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      Result<Facts>& result = batch.results[i];
      const auto offset = static_cast<std::uint64_t>(batch.entries[i].offset);
      if (!result) {
        Damage(std::move(result).error().ShiftOffset(offset).WithOffset(offset));
        result = Unreadable(batch.entries[i]);
      }
      facts.push_back(*std::move(result));
      SetPlace(facts, batch.entries[i]);
    }
  }

  static MacroBlockFacts Unreadable(const format::BackupMacroBlockIndex& entry) {
    MacroBlockFacts facts;
    facts.logic_id = entry.logic_id;
    return facts;
  }
  static MetaFacts Unreadable(const format::BackupMetaIndex& entry) {
    return {.index = entry, .record = {}};
  }

  static void SetPlace(std::vector<MacroBlockFacts>& facts,
                       const format::BackupMacroBlockIndex& entry) {
    MacroBlockFacts& block = facts.back();
    block.offset = static_cast<std::uint64_t>(entry.offset);
    block.length = static_cast<std::uint64_t>(entry.length);
    // Neighbours mostly are of one table.
    if (facts.size() < 2 || block.column_types == nullptr) return;
    const MacroBlockFacts& before = facts[facts.size() - 2];
    if (before.column_types != nullptr && *before.column_types == *block.column_types)
      block.column_types = before.column_types;
  }
  static void SetPlace(std::vector<MetaFacts>&, const format::BackupMetaIndex&) {}

  format::BackupDataFileId id_;
  format::BackupDataFileIndex index_;
  DataFileFacts facts_;
};

}  // namespace

io::Task<DataFileFacts> CheckDataFile(FileChecks checks, FoundFile file,
                                      format::BackupDataFileId id, Reporter found) {
  DataFileCheck check(checks, file, id, std::move(found));
  co_return co_await check.Run();
}

}  // namespace obbak::restore
