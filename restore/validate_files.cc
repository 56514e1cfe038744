#include "restore/validate_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/backup_file_headers.h"
#include "format/common_header.h"
#include "format/later_records.h"
#include "format/metadata_file.h"
#include "format/record.h"
#include "format/schema_meta_file.h"
#include "io/sync.h"

namespace obbak::restore {
namespace {

using format::PathKind;

// Thousands of sets or pieces, or a million tablets.
constexpr std::uint64_t kMaxMetadataFile = std::uint64_t{64} << 20;

io::Task<void> WorkOff(std::size_t& next, std::size_t count,
                       const std::function<io::Task<void>(std::size_t index)>& work) {
  while (next < count) co_await work(next++);
}

// Readers take a file that goes on behind its record; nobody writes one.
void CheckEnd(std::string_view name, ByteView file, const Reporter& found) {
  constexpr std::size_t kHeader = format::BackupCommonHeader::kSize;
  const auto header = format::DecodeRecord<format::BackupCommonHeader>(file.first(kHeader));
  if (!header) return;
  const std::uint64_t end = kHeader + static_cast<std::uint64_t>(header->data_zlength) +
                            static_cast<std::uint64_t>(header->align_length);
  if (end >= file.size()) return;
  found.Odd(0, name, "", fmt::format("{} bytes behind the record", file.size() - end));
}

// One destination on its way through the checks of its files.
class DestReader {
 public:
  DestReader(FileChecks checks, DestIdentity identity, const Tree& files, Reporter found)
      : checks_(checks), files_(files), found_(std::move(found)) {
    dest_.format = std::move(identity.format);
    dest_.is_archive = identity.is_archive;
    dest_.medium = found_.subject().medium;
    dest_.location = checks_.medium.location();
    dest_.tree = &files;
    if (dest_.is_archive) dest_.archive.format = dest_.format;
  }

  io::Task<DestFacts> Run(std::size_t concurrency) {
    const auto read = [this](std::size_t index) { return ReadFile(files_[index]); };
    co_await ForAll(checks_.loop, files_.size(), concurrency, read);
    for (auto& [id, set] : dest_.sets) {
      if (set.complement) SortMarks(*set.complement);
    }
    SortMarks(dest_.archive);
    co_return std::move(dest_);
  }

 private:
  static void SortMarks(ArchiveFacts& archive) {
    for (auto& [dest, rounds] : archive.rounds) {
      for (auto& [round, facts] : rounds) {
        for (auto& [id, piece] : facts.pieces) std::ranges::sort(piece.checkpoint_marks);
      }
    }
  }

  Reporter About(const format::BackupPath& path) const { return found_.About(path); }

  // Maps do not move what they hold, so these references last.
  SetFacts& SetOf(const format::BackupPath& path) {
    const auto [at, is_new] = dest_.sets.try_emplace(path.set);
    SetFacts& set = at->second;
    if (is_new) set.kind = path.set_kind;
    // Of two sets with one id, a full and an incremental one, the second is only counted.
    return set.kind == path.set_kind ? set : second_set_;
  }
  ArchiveFacts& ArchiveOf(const format::BackupPath& path) {
    if (!path.in_complement_log) return dest_.archive;
    SetFacts& set = SetOf(path);
    if (!set.complement) set.complement.emplace();
    return *set.complement;
  }
  RoundFacts& RoundOf(const format::BackupPath& path) {
    return ArchiveOf(path).rounds[path.dest][path.round];
  }
  PieceFacts& PieceOf(const format::BackupPath& path) { return RoundOf(path).pieces[path.piece]; }

  static Attempt AttemptOf(const format::BackupPath& path) {
    return {path.ls, path.turn, path.retry};
  }
  DataAttemptFacts& DataOf(const format::BackupPath& path) {
    return SetOf(path).data[{path.data_type, AttemptOf(path)}];
  }
  IndexFacts& TenantIndexOf(const format::BackupPath& path) {
    return SetOf(path).tenant_indexes[{path.data_type, path.turn}][path.retry];
  }

  template <class R>
  io::Task<std::optional<R>> Read(const FoundFile& file) {
    const Result<Bytes> bytes =
        co_await ReadWhole(checks_.medium, file.name, kMaxMetadataFile, checks_.meter);
    if (!bytes) {
      About(file.path).Damage(file.name, bytes.error());
      co_return std::nullopt;
    }
    Result<R> record = format::MetadataFile<R>::Read(*bytes);
    if (!record) {
      About(file.path).Damage(file.name, std::move(record).error());
      co_return std::nullopt;
    }
    CheckEnd(file.name, *bytes, About(file.path));
    co_return *std::move(record);
  }

  // Of a file whose name is all that counts.
  io::Task<void> ReadSetMark(const FoundFile& file) {
    if (file.size == 0) {
      // layout.md §1.4: written by other tools.
      About(file.path).Odd(0, file.name, "", "the mark is empty, a server's has 54 bytes");
      co_return;
    }
    co_await Read<format::ExternBackupSetPlaceholderDesc>(file);
  }

  io::Task<void> ReadFile(const FoundFile& file) {
    Count(file);
    if (file.path.set.value > 0 && !file.path.in_complement_log) return ReadSetFile(file);
    return ReadArchiveFile(file);
  }

  void Count(const FoundFile& file) {
    if (file.path.set.value > 0) {
      SetFacts& set = SetOf(file.path);
      if (&set == &second_set_) {
        About(file.path).Broken(1, file.name, "backup_set_id",
                                "there is another backup set with this id");
      }
      ++set.files;
      set.bytes += file.size;
    }
    if (file.path.piece.value > 0) {
      PieceFacts& piece = PieceOf(file.path);
      ++piece.files;
      piece.bytes += file.size;
    }
  }

  // NOLINTNEXTLINE(readability-function-size): one line per kind of file.
  io::Task<void> ReadSetFile(const FoundFile& file) {
    const format::BackupPath& path = file.path;
    SetFacts& set = SetOf(path);
    switch (path.kind) {
      case PathKind::kBackupSetStart:
        set.has_start_mark = true;
        co_return co_await ReadSetMark(file);
      case PathKind::kBackupSetEndSuccess:
        set.success_marks.push_back(path.time);
        co_return co_await ReadSetMark(file);
      case PathKind::kBackupSetEndFailed:
        set.failed_marks.push_back(path.time);
        co_return co_await ReadSetMark(file);
      case PathKind::kBackupSetInnerMark:
        set.inner_marks.emplace_back(path.time, path.end_time);
        co_return co_await ReadSetMark(file);
      case PathKind::kSingleBackupSetInfo: {
        auto record = co_await Read<format::ExternBackupSetInfoDesc>(file);
        if (record) set.desc = std::move(record->backup_set_file);
        co_return;
      }
      case PathKind::kTenantBackupSetInfos: {
        auto record = co_await Read<format::TenantBackupSetInfosDesc>(file);
        if (record) set.all_sets = std::move(record->backup_set_infos);
        co_return;
      }
      case PathKind::kLocalityInfo:
        set.locality = co_await Read<format::ExternTenantLocalityInfoDesc>(file);
        co_return;
      case PathKind::kDiagnoseInfo:
        set.diagnose = co_await Read<format::ExternTenantDiagnoseInfoDesc>(file);
        co_return;
      case PathKind::kLsAttrInfo: {
        auto record = co_await Read<format::BackupDataLsAttrDesc>(file);
        if (record) set.ls_attrs[path.turn] = *std::move(record);
        co_return;
      }
      case PathKind::kLsMetaInfos: {
        auto record = co_await Read<format::BackupLsMetaInfosDesc>(file);
        if (record) set.ls_metas = std::move(record->ls_meta_packages);
        co_return;
      }
      case PathKind::kTabletLsInfo: {
        auto record = co_await Read<format::BackupDataTabletToLsDesc>(file);
        if (record) set.tablet_maps[{path.data_type, path.turn}] = *std::move(record);
        co_return;
      }
      case PathKind::kTenantIndex:
        co_return co_await ReadIndex(file, TenantIndexOf(path));
      case PathKind::kLsMetaInfo: {
        MetaAttemptFacts& attempt = set.metas[AttemptOf(path)];
        auto record = co_await Read<format::BackupLsMetaInfo>(file);
        if (record) attempt.ls_meta = std::move(record->ls_meta_package);
        co_return;
      }
      case PathKind::kTabletInfo: {
        TabletInfoFacts& facts = set.metas[AttemptOf(path)].tablet_info[path.file];
        facts = co_await CheckTabletInfoFile(checks_, file, About(path));
        co_return;
      }
      case PathKind::kMacroBlockData: {
        DataFileFacts& facts = DataOf(path).files[path.file];
        const format::BackupDataFileId id{path.set, path.ls, path.turn, path.retry, path.file};
        facts = co_await CheckDataFile(checks_, file, id, About(path));
        co_return;
      }
      case PathKind::kLsIndex:
        co_return co_await ReadIndex(file, DataOf(path).indexes);
      case PathKind::kTenantParameter:
        co_await Read<format::ExternParamInfoDesc>(file);
        co_return;
      case PathKind::kDeletedTabletInfo:
        co_await Read<format::BackupDeletedTabletToLsDesc>(file);
        co_return;
      case PathKind::kTableListPart:
        co_await Read<format::BackupPartialTableListDesc>(file);
        co_return;
      case PathKind::kTableListMeta: {
        const auto record = co_await Read<format::BackupTableListMetaInfoDesc>(file);
        if (record && record->scn != path.scn)
          About(path).Broken(0, file.name, "scn", "is not that of the name");
        co_return;
      }
      default:
        co_return NotRead(file);
    }
  }

  io::Task<void> ReadIndex(const FoundFile& file, IndexFacts& facts) {
    const format::BackupPath& path = file.path;
    if (path.index == format::IndexKind::kMacroRange) {
      const auto order = path.data_type == format::DataType::kMajor ? format::IndexOrder::kAscending
                                                                    : format::IndexOrder::kAny;
      facts.macro_range =
          co_await CheckIndexFile<format::BackupMacroRangeIndex>(checks_, file, order, About(path));
      co_return;
    }
    auto entries = co_await CheckIndexFile<format::BackupMetaIndex>(
        checks_, file, format::IndexOrder::kAscending, About(path));
    (path.index == format::IndexKind::kMeta ? facts.meta : facts.sec_meta) = std::move(entries);
  }

  io::Task<void> ReadArchiveFile(const FoundFile& file) {
    const format::BackupPath& path = file.path;
    switch (path.kind) {
      case PathKind::kFormatFile:
        // That of the root is known already.
        if (path.in_complement_log) {
          ArchiveFacts& archive = ArchiveOf(path);
          archive.format = co_await Read<format::BackupFormatDesc>(file);
        }
        co_return;
      case PathKind::kConnectFile:
        co_return co_await ReadConnectFile(file);
      case PathKind::kRoundStart:
        RoundOf(path).start = co_await Read<format::RoundStartDesc>(file);
        co_return;
      case PathKind::kRoundEnd:
        RoundOf(path).has_end = true;
        RoundOf(path).end = co_await Read<format::RoundEndDesc>(file);
        co_return;
      case PathKind::kPieceStart:
        PieceOf(path).start_marks.emplace_back(path.time,
                                               co_await Read<format::PieceStartDesc>(file));
        co_return;
      case PathKind::kPieceEnd:
        PieceOf(path).end_marks.emplace_back(path.time, co_await Read<format::PieceEndDesc>(file));
        co_return;
      case PathKind::kSchemaMeta:
        co_return co_await ReadSchemaMeta(file);
      default:
        if (path.piece.value == 0) co_return NotRead(file);
        co_return co_await ReadPieceFile(file);
    }
  }

  io::Task<void> ReadPieceFile(const FoundFile& file) {
    const format::BackupPath& path = file.path;
    PieceFacts& piece = PieceOf(path);
    switch (path.kind) {
      case PathKind::kPieceInnerMark: {
        auto record = co_await Read<format::PieceInnerPlaceholderDesc>(file);
        piece.inner_marks.push_back({path.time, path.end_time, std::move(record)});
        co_return;
      }
      case PathKind::kSinglePieceInfo:
        piece.has_single_info = true;
        piece.single_info = co_await Read<format::SinglePieceDesc>(file);
        co_return;
      case PathKind::kTenantArchivePieceInfos:
        piece.piece_infos = co_await Read<format::TenantArchivePieceInfosDesc>(file);
        co_return;
      case PathKind::kPieceFileInfo:
        piece.has_file_info = true;
        piece.file_info = co_await Read<format::PieceInfoDesc>(file);
        co_return;
      case PathKind::kPieceCheckpointInfo:
        piece.has_checkpoint = true;
        piece.checkpoint = co_await Read<format::PieceCheckpointDesc>(file);
        co_return;
      case PathKind::kPieceCheckpointMarker:
      case PathKind::kPieceCheckpointScn:
        piece.checkpoint_marks.push_back(path.scn);
        if (file.size != 0) {
          About(path).Damage(
              file.name,
              Error(ErrorCode::kInvalidData,
                    fmt::format("a checkpoint mark is empty, this one has {} bytes", file.size)));
        }
        co_return;
      case PathKind::kLsFileInfo: {
        LsPieceFacts& ls = piece.log_streams[path.ls];
        ls.file_info = co_await Read<format::SingleLsInfoDesc>(file);
        co_return;
      }
      case PathKind::kLogFile:
        // Read later, in the order of the log.
        piece.log_streams[path.ls].log_files[path.file] = {file.size};
        co_return;
      default:
        co_return NotRead(file);
    }
  }

  io::Task<void> ReadConnectFile(const FoundFile& file) {
    ++dest_.check_files;
    const auto record = co_await Read<format::BackupCheckDesc>(file);
    if (!record || !dest_.format) co_return;
    if (record->tenant_id != dest_.format->tenant_id || record->tenant_id != file.path.tenant ||
        record->cluster_id != dest_.format->cluster_id ||
        record->incarnation != dest_.format->incarnation) {
      found_.Broken(1, file.name, "tenant_id, cluster_id, incarnation",
                    "are not those of format.obbak");
    }
  }

  io::Task<void> ReadSchemaMeta(const FoundFile& file) {
    const Result<Bytes> bytes =
        co_await ReadWhole(checks_.medium, file.name, kMaxMetadataFile, checks_.meter);
    if (!bytes) {
      About(file.path).Damage(file.name, bytes.error());
      co_return;
    }
    const auto record = format::SchemaMetaFile::Read(*bytes);
    if (!record) {
      About(file.path).Damage(file.name, record.error());
      co_return;
    }
    // The piece knows the log stream.
    PieceOf(file.path).log_streams.try_emplace(file.path.ls);
    if (record->timestamp != file.path.scn)
      About(file.path).Broken(33, file.name, "timestamp", "is not that of the name");
    if (dest_.format && record->body.tenant_id != dest_.format->tenant_id)
      About(file.path).Broken(33, file.name, "tenant_id", "is not that of format.obbak");
  }

  void NotRead(const FoundFile& file) {
    About(file.path).Odd(0, file.name, "",
                         "a file of another release or another tool, whose content is not checked");
  }

  FileChecks checks_;
  const Tree& files_;
  Reporter found_;
  DestFacts dest_;
  SetFacts second_set_;
};

}  // namespace

io::Task<void> ForAll(io::Loop& loop, std::size_t count, std::size_t concurrency,
                      std::function<io::Task<void>(std::size_t index)> work) {
  std::size_t next = 0;
  io::TaskGroup workers(loop);
  for (std::size_t i = 0; i < std::min(std::max<std::size_t>(concurrency, 1), count); ++i)
    workers.Spawn(WorkOff(next, count, work));
  co_await workers.Join();
}

io::Task<Result<DestIdentity>> IdentifyDest(FileChecks checks, Reporter found) {
  DestIdentity identity;
  const std::string name(format::Facts(PathKind::kFormatFile).pattern);
  const Result<Bytes> bytes =
      co_await ReadWhole(checks.medium, name, kMaxMetadataFile, checks.meter);
  if (!bytes && bytes.error().code() != ErrorCode::kFileNotExist) co_return Fail(bytes.error());
  if (bytes) {
    Result<format::BackupFormatDesc> record =
        format::MetadataFile<format::BackupFormatDesc>::Read(*bytes);
    if (record) {
      CheckEnd(name, *bytes, found);
      identity.is_archive = record->dest_type.value == format::BackupDestType::kArchiveLog;
      identity.format = *std::move(record);
      co_return identity;
    }
    found.Damage(name, std::move(record).error());
  } else {
    found.Damage(name, Error(ErrorCode::kBackupFormatFileNotExist,
                             "the destination does not say what it is"));
  }
  // Without the file, whatever is there says it.
  const Result<std::vector<io::DirEntry>> entries = co_await checks.medium.List("");
  if (!entries) co_return Fail(entries.error());
  identity.is_archive = std::ranges::any_of(*entries, [](const io::DirEntry& entry) {
    return !format::ParseBackupPath(entry.name, format::DestKind::kData) &&
           format::ParseBackupPath(entry.name, format::DestKind::kArchive);
  });
  co_return identity;
}

io::Task<DestFacts> ReadDest(FileChecks checks, DestIdentity identity, const Tree& files,
                             std::size_t concurrency, Reporter found) {
  DestReader reader(checks, std::move(identity), files, std::move(found));
  co_return co_await reader.Run(concurrency);
}

}  // namespace obbak::restore
