#include "format/backup_inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "format/backup_data_file.h"
#include "format/backup_list_blocks.h"
#include "format/sstable_meta_codec.h"
#include "format/tablet_info_file.h"
#include "format/tablet_meta_codec.h"

namespace obbak::format {
namespace {

using Findings = std::vector<Error>;

// The record that fills `bytes` from `begin` on, with its rules.
template <class R>
std::optional<R> InspectRecord(ByteView bytes, std::size_t begin, Dissection* trace,
                               Findings& findings) {
  Decoder in(bytes, trace, begin);
  R record;
  DecodeField(in, "payload", record);
  if (in.ok() && in.remaining() > 0) {
    in.Fail(ErrorCode::kDeserializeError, in.position(), "bytes are left over after the record");
  }
  if (Status status = in.status(); !status) {
    findings.push_back(std::move(status).error());
    return std::nullopt;
  }
  Rules rules;
  CheckRules(record, rules);
  AppendViolations(rules.violations(), "payload", ErrorCode::kErrUnexpected, trace, findings);
  return record;
}

void InspectSstableMetas(ByteView bytes, std::size_t begin, const BackupMetaKey& key,
                         Dissection* trace, Findings& findings) {
  Decoder in(bytes, trace, begin);
  const Decoder::Scope scope(in, "payload", FieldKind::kArray);
  std::int64_t count = 0;
  do {
    BackupSstableMeta meta;
    DecodeField(in, count, meta);
    if (!in.ok()) break;
    Rules rules;
    CheckRules(meta, rules);
    rules.Require(meta.tablet_id == key.tablet_id, "tablet_id", "must be that of the meta index");
    // The dissection of this array is still open, so offsets can't be looked up.
    AppendViolations(rules.violations(), fmt::format("payload[{}]", count),
                     ErrorCode::kErrUnexpected, nullptr, findings);
    ++count;
  } while (in.remaining() > 0);
  if (Status status = in.status(); !status) findings.push_back(std::move(status).error());
}

void InspectMeta(ByteView bytes, std::size_t begin, const BackupMetaKey& key, Dissection* trace,
                 Findings& findings) {
  switch (key.meta_type) {
    case BackupMetaType::kTabletMeta: {
      const auto meta = InspectRecord<BackupTabletMeta>(bytes, begin, trace, findings);
      if (meta && meta->tablet_id != key.tablet_id) {
        findings.push_back(Error(ErrorCode::kErrUnexpected, "must be that of the meta index")
                               .WithField("payload.tablet_id")
                               .WithOffset(begin));
      }
      return;
    }
    case BackupMetaType::kSstableMeta:
      return InspectSstableMetas(bytes, begin, key, trace, findings);
    case BackupMetaType::kMacroBlockIdMappingMeta:
      InspectRecord<BackupMacroBlockIdMappingsMeta>(bytes, begin, trace, findings);
      return;
  }
}

void InspectOpaque(ByteView bytes, std::size_t begin, Dissection* trace, Findings&) {
  if (trace != nullptr && begin < bytes.size()) {
    trace->AddFraming("payload", begin, bytes.size(),
                      fmt::format("{} bytes", bytes.size() - begin));
  }
}

template <class Entry>
void InspectList(ByteView bytes, std::size_t begin, Dissection* trace, Findings& findings) {
  Decoder in(bytes, trace, begin);
  std::vector<Entry> entries;
  DecodeEntries(in, entries);
  if (Status status = in.status(); !status) findings.push_back(std::move(status).error());
}

// What the walks over all kinds of files share.
class Walk {
 public:
  Walk(const RandomAccess& file, const InspectOptions& options, const BlockVisitor& visitor)
      : file_(file), options_(options), visitor_(visitor) {}

 protected:
  using Inspect = std::function<void(ByteView bytes, Dissection* trace, Findings& findings)>;

  // Reads a block and shows it. `inspect` reports offsets relative to the block.
  Status Visit(BackupPart part, ByteRange range, const Inspect& inspect) {
    if (stopped_) return {};
    const Result<Bytes> bytes = file_.Read(range);
    if (!bytes) return Fail(bytes.error());
    InspectedBlock block{.part = part, .offset = range.offset, .bytes = *bytes, .inspection = {}};
    Findings findings;
    inspect(*bytes, options_.dissect ? &block.inspection.dissection : nullptr, findings);
    for (Error& error : findings) {
      block.inspection.findings.push_back(std::move(error).ShiftOffset(range.offset));
    }
    stopped_ = !visitor_(block);
    return {};
  }

  // A block of records or index entries, whose payload `payload` dissects.
  Status VisitBlock(BackupPart part, ByteRange range, const BlockSpec& spec,
                    const PayloadInspector& payload) {
    return Visit(part, range, [&](ByteView bytes, Dissection* trace, Findings& findings) {
      InspectBlock(bytes, spec, payload, trace, findings);
    });
  }

  // Bytes that are no block, in pieces; `reason` goes with the first.
  Status VisitUnreadable(ByteRange range, const Error& reason) {
    constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
    bool first = true;
    while (range.length > 0 && !stopped_) {
      const std::uint64_t length = std::min(range.length, kPiece);
      const Status status = Visit(BackupPart::kUnreadable, {range.offset, length},
                                  [&](ByteView bytes, Dissection* trace, Findings& findings) {
                                    if (trace != nullptr)
                                      trace->AddFraming("unreadable", 0, bytes.size());
                                    if (first) findings.push_back(reason);
                                  });
      if (!status) return status;
      first = false;
      range = {range.offset + length, range.length - length};
    }
    return {};
  }

  Status VisitFileHeader(BackupDataFileType type) {
    return Visit(BackupPart::kFileHeader, {0, kFileHeaderBlockSize},
                 [&](ByteView bytes, Dissection* trace, Findings& findings) {
                   InspectFileHeaderBlock(bytes, type, trace, findings);
                 });
  }

  // The file is shorter than its fixed parts.
  Status VisitTooShort(std::uint64_t least) {
    return VisitUnreadable(
        {0, file_.size()},
        Error(ErrorCode::kErrUnexpected,
              fmt::format("such a file has at least {} bytes, this one {}", least, file_.size())));
  }

  // The size of the block at `at` if its header is one of `spec` and it ends by `end`.
  Result<std::uint64_t> SizeAt(std::uint64_t at, std::uint64_t end, const BlockSpec& spec) {
    const Result<Bytes> head =
        file_.Read({at, std::min<std::uint64_t>(end - at, BackupCommonHeader::kSize)});
    if (!head) return Fail(head.error());
    const Result<BackupCommonHeader> header = DecodeBlockHeader(*head, spec);
    if (!header) return Fail(header.error());
    const std::uint64_t size = BlockSizeOf(*header);
    if (size > end - at) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("a block of {} bytes where {} are left", size, end - at));
    }
    return size;
  }

  static std::uint64_t NextBoundary(std::uint64_t at, std::uint64_t end) {
    return std::min(end, (at / kBackupAlignment + 1) * kBackupAlignment);
  }

  const RandomAccess& file_;
  const InspectOptions& options_;
  const BlockVisitor& visitor_;
  bool stopped_ = false;
};

class DataFileWalk : Walk {
 public:
  using Walk::Walk;

  Status Run() {
    constexpr std::uint64_t kLeast = kFileHeaderBlockSize + BackupDataFileTrailer::kSize;
    if (file_.size() < kLeast) return VisitTooShort(kLeast);
    const std::uint64_t end = file_.size() - BackupDataFileTrailer::kSize;
    const Result<BackupDataFileIndex> index = ReadBackupDataFileIndex(file_);
    Status status = VisitFileHeader(BackupDataFileType::kData);
    if (status) status = index ? VisitIndexed(*index) : Scan(kFileHeaderBlockSize, end);
    if (!status) return status;
    return Visit(BackupPart::kTrailer, {end, BackupDataFileTrailer::kSize},
                 [&](ByteView bytes, Dissection* trace, Findings& findings) {
                   InspectTrailer<BackupDataFileTrailer>(bytes, trace, findings);
                   // Offsets of the file, while the others are relative to the trailer.
                   if (!index) findings.push_back(Error(index.error()).ShiftOffset(0 - end));
                 });
  }

 private:
  Status VisitIndexed(const BackupDataFileIndex& index) {
    for (const BackupMacroBlockIndex& entry : index.macro_blocks) {
      const Status status =
          VisitBlock(BackupPart::kMacroBlock, RangeOf(entry), kMacroRecord, InspectOpaque);
      if (!status || stopped_) return status;
    }
    for (const BackupMetaIndex& entry : index.metas) {
      const Status status =
          VisitBlock(BackupPart::kMeta, RangeOf(entry), kMetaRecord,
                     [&](ByteView bytes, std::size_t begin, Dissection* trace, Findings& findings) {
                       InspectMeta(bytes, begin, entry.meta_key, trace, findings);
                     });
      if (!status || stopped_) return status;
    }
    return Scan(static_cast<std::uint64_t>(index.trailer.macro_index_offset),
                static_cast<std::uint64_t>(index.trailer.offset));
  }

  // Whatever blocks the headers show; after damage it goes on at the next multiple of 4096.
  Status Scan(std::uint64_t at, std::uint64_t end) {
    while (at < end && !stopped_) {
      Result<std::uint64_t> size = 0;
      Status status;
      if (const Kind* kind = KindAt(at, end, size)) {
        status = VisitBlock(kind->part, {at, *size}, kind->spec, kind->payload);
        at += *size;
      } else {
        const std::uint64_t next = NextBoundary(at, end);
        status = VisitUnreadable({at, next - at}, size.error());
        at = next;
      }
      if (!status) return status;
    }
    return {};
  }

  struct Kind {
    BackupPart part;
    BlockSpec spec;
    PayloadInspector payload;
  };
  const Kind* KindAt(std::uint64_t at, std::uint64_t end, Result<std::uint64_t>& size) {
    for (const Kind& kind : kinds_) {
      size = SizeAt(at, end, kind.spec);
      if (size) return &kind;
    }
    return nullptr;
  }

  template <class Index>
  static ByteRange RangeOf(const Index& index) {
    return {static_cast<std::uint64_t>(index.offset), static_cast<std::uint64_t>(index.length)};
  }

  const std::array<Kind, 4> kinds_ = {
      Kind{BackupPart::kMacroIndex, kMacroIndexList, InspectList<BackupMacroBlockIndex>},
      Kind{BackupPart::kMetaIndex, kMetaIndexList, InspectList<BackupMetaIndex>},
      Kind{BackupPart::kMeta, kMetaRecord, InspectOpaque},
      Kind{BackupPart::kMacroBlock, kMacroRecord, InspectOpaque}};
};

template <class Entry>
class IndexFileWalk : Walk {
 public:
  using Walk::Walk;

  Status Run() {
    constexpr std::uint64_t kTrailer = BackupMultiLevelIndexTrailer::kSize;
    if (file_.size() < kFileHeaderBlockSize + kTrailer) {
      return VisitTooShort(kFileHeaderBlockSize + kTrailer);
    }
    const std::uint64_t end = file_.size() - kTrailer;
    Status status = VisitFileHeader(kIndexFileSpec<Entry>.file_type);
    for (std::uint64_t at = kFileHeaderBlockSize; status && at < end && !stopped_;) {
      const Result<std::uint64_t> size = BlockSizeAt(at, end);
      // Nothing is aligned here: what follows a broken header can't be found.
      status = size ? VisitIndexBlock({at, *size}) : VisitUnreadable({at, end - at}, size.error());
      if (!size) tree_ok_ = false;
      at = size ? at + *size : end;
    }
    if (!status) return status;
    return Visit(BackupPart::kTrailer, {end, kTrailer},
                 [&](ByteView bytes, Dissection* trace, Findings& findings) {
                   const auto trailer =
                       InspectTrailer<BackupMultiLevelIndexTrailer>(bytes, trace, findings);
                   if (!tree_ok_ || !findings.empty()) return;
                   Status whole = tree_.Finish(trailer);
                   if (!whole) findings.push_back(std::move(whole).error());
                 });
  }

 private:
  Result<std::uint64_t> BlockSizeAt(std::uint64_t at, std::uint64_t end) {
    const Result<Bytes> head =
        file_.Read({at, std::min<std::uint64_t>(end - at, BackupCommonHeader::kSize)});
    if (!head) return Fail(head.error());
    Result<std::uint64_t> size = IndexBlockSize<Entry>(*head);
    if (size && *size > end - at) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("a block of {} bytes where {} are left", *size, end - at));
    }
    return size;
  }

  Status VisitIndexBlock(ByteRange range) {
    // The level is known before the block is shown: leaves have a type of their own.
    const Result<Bytes> head = file_.Read({range.offset, 2});
    if (!head) return Fail(head.error());
    const bool is_leaf =
        std::to_integer<int>((*head)[0]) == static_cast<int>(kIndexFileSpec<Entry>.leaf.type);
    return Visit(is_leaf ? BackupPart::kIndexLeaf : BackupPart::kIndexBranch, range,
                 [&](ByteView bytes, Dissection* trace, Findings& findings) {
                   const IndexBlock<Entry> block = InspectIndexBlock<Entry>(bytes, trace, findings);
                   if (!findings.empty()) tree_ok_ = false;
                   // After damage the tree can't be right; one finding says why.
                   if (!tree_ok_) return;
                   if (Status status = tree_.Add(block, range); !status) {
                     tree_ok_ = false;
                     findings.push_back(std::move(status).error().ShiftOffset(0 - range.offset));
                   }
                 });
  }

  IndexTreeCheck<Entry> tree_{options_.order};
  bool tree_ok_ = true;
};

class TabletInfoWalk : Walk {
 public:
  using Walk::Walk;

  Status Run() {
    if (file_.size() < kTabletInfoEndSize) return VisitTooShort(kTabletInfoEndSize);
    const std::uint64_t end = file_.size() - kTabletInfoEndSize;
    std::int64_t tablets = 0;
    for (std::uint64_t at = 0; at < end && !stopped_;) {
      const Result<std::uint64_t> size = SizeAt(at, end, kTabletRecord);
      const std::uint64_t next = size ? at + *size : NextBoundary(at, end);
      const ByteRange range{at, next - at};
      const Status status =
          size ? VisitBlock(BackupPart::kTablet, range, kTabletRecord, InspectTablet)
               : VisitUnreadable(range, size.error());
      if (!status) return status;
      if (size) ++tablets;
      at = next;
    }
    return VisitBlock(
        BackupPart::kTrailer, {end, kTabletInfoEndSize}, kTabletInfoEnd,
        [&](ByteView bytes, std::size_t begin, Dissection* trace, Findings& findings) {
          InspectEnd(bytes, begin, tablets, trace, findings);
        });
  }

 private:
  static void InspectTablet(ByteView bytes, std::size_t begin, Dissection* trace,
                            Findings& findings) {
    InspectRecord<MigrationTabletParam>(bytes, begin, trace, findings);
  }

  void InspectEnd(ByteView bytes, std::size_t begin, std::int64_t tablets, Dissection* trace,
                  Findings& findings) const {
    const auto trailer = InspectRecord<TabletInfoTrailer>(bytes, begin, trace, findings);
    if (!trailer) return;
    Rules rules;
    rules.Require(trailer->tablet_cnt == tablets, "tablet_cnt",
                  fmt::format("must be {}, as many as the file has", tablets));
    rules.Require(static_cast<std::uint64_t>(trailer->length) + kTabletInfoEndSize == file_.size(),
                  "length", "must be what lies before the trailer");
    AppendViolations(rules.violations(), "payload", ErrorCode::kInvalidData, trace, findings);
  }
};

}  // namespace

std::optional<BackupFileKind> RecognizeBackupFile(ByteView head) {
  Decoder in(head);
  BackupFileHeader header;
  DecodeField(in, "header", header);
  if (!in.ok()) return std::nullopt;
  Rules rules;
  CheckRules(header, rules);
  if (rules.violations().empty()) {
    switch (header.file_type) {
      case BackupDataFileType::kData:
        return BackupFileKind::kData;
      case BackupDataFileType::kMacroRangeIndex:
        return BackupFileKind::kMacroRangeIndex;
      case BackupDataFileType::kMetaIndex:
        return BackupFileKind::kMetaIndex;
    }
  }
  if (DecodeBlockHeader(head, kTabletRecord) || DecodeBlockHeader(head, kTabletInfoEnd)) {
    return BackupFileKind::kTabletInfo;
  }
  return std::nullopt;
}

std::string_view BackupPartName(BackupPart part) {
  switch (part) {
    case BackupPart::kFileHeader:
      return "file header";
    case BackupPart::kMacroBlock:
      return "macro block";
    case BackupPart::kMeta:
      return "meta";
    case BackupPart::kMacroIndex:
      return "macro index";
    case BackupPart::kMetaIndex:
      return "meta index";
    case BackupPart::kIndexLeaf:
      return "index leaf";
    case BackupPart::kIndexBranch:
      return "index branch";
    case BackupPart::kTablet:
      return "tablet";
    case BackupPart::kTrailer:
      return "trailer";
    case BackupPart::kUnreadable:
      return "unreadable";
  }
  return {};
}

Status ForEachBlock(BackupFileKind kind, const RandomAccess& file, const InspectOptions& options,
                    const BlockVisitor& visitor) {
  switch (kind) {
    case BackupFileKind::kData:
      return DataFileWalk(file, options, visitor).Run();
    case BackupFileKind::kMacroRangeIndex:
      return IndexFileWalk<BackupMacroRangeIndex>(file, options, visitor).Run();
    case BackupFileKind::kMetaIndex:
      return IndexFileWalk<BackupMetaIndex>(file, options, visitor).Run();
    case BackupFileKind::kTabletInfo:
      return TabletInfoWalk(file, options, visitor).Run();
  }
  return {};
}

Status VerifyBackupFile(BackupFileKind kind, const RandomAccess& file, IndexOrder order) {
  // An empty file has no block that could have a finding.
  if (file.size() == 0) return Fail(ErrorCode::kErrUnexpected, "the file is empty");
  std::optional<Error> first;
  Status status = ForEachBlock(kind, file, {.dissect = false, .order = order},
                               [&](const InspectedBlock& block) {
                                 if (block.inspection.findings.empty()) return true;
                                 first = block.inspection.findings.front();
                                 return false;
                               });
  if (!status) return status;
  if (first) return Fail(std::move(*first));
  return {};
}

}  // namespace obbak::format
