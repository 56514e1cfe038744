#include <fmt/format.h>

#include <string>
#include <utility>

#include "format/backup_block.h"
#include "format/backup_index_file.h"
#include "format/tablet_info_file.h"
#include "restore/validate_data_files.h"
#include "restore/validate_stream_check.h"

namespace obbak::restore {
namespace {

using format::BackupMultiLevelIndexTrailer;

template <class Entry>
class IndexFileCheck : StreamCheck {
 public:
  IndexFileCheck(FileChecks checks, const FoundFile& file, format::IndexOrder order, Reporter found)
      : StreamCheck(checks, file, std::move(found)), tree_(order) {}

  io::Task<IndexFileFacts<Entry>> Run() {
    constexpr std::uint64_t kTrailer = BackupMultiLevelIndexTrailer::kSize;
    if (!co_await Open() || !IsAtLeast(format::kFileHeaderBlockSize + kTrailer))
      co_return std::move(facts_);
    co_await CheckHeader(format::kIndexFileSpec<Entry>.file_type);
    const std::uint64_t end = reader_->size() - kTrailer;
    FileWindow window(*reader_, name_, format::kFileHeaderBlockSize, end, checks_.meter);
    while (!damaged_ && window.offset() < end) co_await CheckBlock(window);
    const Result<Bytes> tail = co_await ReadPart(end, reader_->size());
    if (!tail) {
      Damage(tail.error());
    } else {
      CheckTrailer(*tail, end);
    }
    facts_.readable = !damaged_;
    co_return std::move(facts_);
  }

 private:
  io::Task<void> CheckBlock(FileWindow& window) {
    Status filled = co_await window.Fill(format::BackupCommonHeader::kSize);
    Result<std::uint64_t> size = std::uint64_t{0};
    if (filled) {
      size = format::IndexBlockSize<Entry>(window.bytes());
      if (size) filled = co_await window.Fill(*size);
    }
    if (!filled) co_return Damage(std::move(filled).error());
    if (!size) co_return DamageAt(window.offset(), std::move(size).error());
    if (*size > window.bytes().size()) {
      co_return DamageAt(window.offset(), Error(ErrorCode::kInvalidArgument,
                                                fmt::format("a block of {} bytes where {} are left",
                                                            *size, window.bytes().size())));
    }
    Take(window.bytes().first(*size), window.offset());
    window.Drop(*size);
  }

  void Take(ByteView bytes, std::uint64_t offset) {
    Result<format::IndexBlock<Entry>> block = format::DecodeIndexBlock<Entry>(bytes);
    if (!block) return DamageAt(offset, std::move(block).error());
    if (Status added = tree_.Add(*block, {offset, bytes.size()}); !added)
      return Damage(std::move(added).error());
    facts_.entries.insert(facts_.entries.end(), block->entries.begin(), block->entries.end());
  }

  void CheckTrailer(ByteView tail, std::uint64_t offset) {
    const auto trailer = format::DecodeTrailer<BackupMultiLevelIndexTrailer>(tail);
    if (!trailer) return DamageAt(offset, trailer.error());
    if (damaged_) return;
    if (Status whole = tree_.Finish(*trailer); !whole) Damage(std::move(whole).error());
  }

  void DamageAt(std::uint64_t offset, Error error) {
    Damage(std::move(error).ShiftOffset(offset).WithOffset(offset));
  }

  format::IndexTreeCheck<Entry> tree_;
  IndexFileFacts<Entry> facts_;
};

class TabletInfoCheck : StreamCheck {
 public:
  TabletInfoCheck(FileChecks checks, const FoundFile& file, Reporter found)
      : StreamCheck(checks, file, std::move(found)), number_(file.path.file) {}

  io::Task<TabletInfoFacts> Run() {
    if (!co_await Open() || !IsAtLeast(format::kTabletInfoEndSize)) co_return std::move(facts_);
    const std::uint64_t end = reader_->size() - format::kTabletInfoEndSize;
    const Result<Bytes> tail = co_await ReadPart(end, reader_->size());
    if (!tail) {
      Damage(tail.error());
      co_return std::move(facts_);
    }
    FileWindow window(*reader_, name_, 0, end, checks_.meter);
    while (!damaged_ && window.offset() < end) co_await CheckRecord(window);
    CheckEnd(*tail, end);
    facts_.readable = !damaged_;
    co_return std::move(facts_);
  }

 private:
  io::Task<void> CheckRecord(FileWindow& window) {
    const std::uint64_t offset = window.offset();
    Status filled = co_await window.Fill(format::BackupCommonHeader::kSize);
    if (!filled) co_return Damage(std::move(filled).error());
    const auto header = format::DecodeBlockHeader(window.bytes(), format::kTabletRecord);
    if (!header) co_return DamageAt(offset, header.error());
    const std::uint64_t size = format::BlockSizeOf(*header);
    filled = co_await window.Fill(size);
    if (!filled) co_return Damage(std::move(filled).error());
    if (size > window.bytes().size()) {
      co_return DamageAt(offset, Error(ErrorCode::kBackupFileNotExist,
                                       fmt::format("a record of {} bytes where {} are left", size,
                                                   window.bytes().size())));
    }
    const auto param = format::DecodeTabletRecord(window.bytes().first(size));
    if (!param) co_return DamageAt(offset, param.error());
    facts_.tablets.push_back(FactsOf(*param));
    window.Drop(size);
  }

  void CheckEnd(ByteView tail, std::uint64_t offset) {
    const auto trailer = format::DecodeTabletInfoEnd(tail, offset + tail.size());
    if (!trailer) return DamageAt(offset, trailer.error());
    const auto differs = [&](std::string_view field, auto is, auto should) {
      if (static_cast<std::uint64_t>(is) == static_cast<std::uint64_t>(should)) return;
      damaged_ = true;
      found_.Broken(17, name_, field, fmt::format("is {}, must be {}", is, should));
    };
    differs("file_id", trailer->file_id, number_);
    differs("length", trailer->length, offset);
    if (!damaged_) differs("tablet_cnt", trailer->tablet_cnt, facts_.tablets.size());
  }

  void DamageAt(std::uint64_t offset, Error error) {
    Damage(std::move(error).ShiftOffset(offset).WithOffset(offset));
  }

  std::int64_t number_;
  TabletInfoFacts facts_;
};

}  // namespace

template <class Entry>
io::Task<IndexFileFacts<Entry>> CheckIndexFile(FileChecks checks, FoundFile file,
                                               format::IndexOrder order, Reporter found) {
  IndexFileCheck<Entry> check(checks, file, order, std::move(found));
  co_return co_await check.Run();
}
template io::Task<IndexFileFacts<format::BackupMacroRangeIndex>> CheckIndexFile(
    FileChecks checks, FoundFile file, format::IndexOrder order, Reporter found);
template io::Task<IndexFileFacts<format::BackupMetaIndex>> CheckIndexFile(FileChecks checks,
                                                                          FoundFile file,
                                                                          format::IndexOrder order,
                                                                          Reporter found);

io::Task<TabletInfoFacts> CheckTabletInfoFile(FileChecks checks, FoundFile file, Reporter found) {
  TabletInfoCheck check(checks, file, std::move(found));
  co_return co_await check.Run();
}

}  // namespace obbak::restore
