#include "format/sample_destination.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "format/archive_records.h"
#include "format/backup_path.h"
#include "format/backup_set_records.h"
#include "format/destination_records.h"
#include "format/later_records.h"
#include "format/ls_meta_records.h"
#include "format/lsn.h"
#include "format/metadata_file.h"
#include "format/sample_log.h"
#include "format/sample_tenant.h"
#include "format/storage_object_meta.h"

namespace obbak::format {
namespace {

using namespace sample;

constexpr std::string_view kDataRoot = "file:///data/nfs/backup";
constexpr std::string_view kArchiveRoot = "file:///data/nfs/archive";
constexpr std::int64_t kClusterId = 1;
constexpr std::int64_t kDayMicros = 86'400'000'000;

// SCNs of one backup set, in seconds after the start of the round.
struct SetTimes {
  std::uint64_t start;        // job and task start
  std::uint64_t backup;       // log stream list
  std::uint64_t consistent;   // tablet map
  std::uint64_t min_restore;  // end of the major stage
};
constexpr SetTimes kFullTimes{.start = 161, .backup = 163, .consistent = 171, .min_restore = 211};
constexpr SetTimes kIncTimes{
    .start = 94'341, .backup = 94'343, .consistent = 94'351, .min_restore = 94'411};

class Builder {
 public:
  explicit Builder(std::string_view directory) : directory_(directory) {}

  template <class R>
  void Add(const BackupPath& path, const R& record) {
    AddBytes(path, MetadataFile<R>::Write(record));
  }
  void AddBytes(const BackupPath& path, Result<Bytes> bytes) {
    if (!bytes) {
      if (!error_) error_ = std::move(bytes).error().WithPath(Print(path));
      return;
    }
    files_.push_back({directory_ + "/" + Print(path), std::move(*bytes)});
  }
  void Fail(const Error& error) {
    if (!error_) error_ = error;
  }
  Status MoveInto(std::vector<SampleFile>& files) {
    if (error_) return std::unexpected(std::move(*error_));
    std::ranges::move(files_, std::back_inserter(files));
    return {};
  }

 private:
  std::string directory_;
  std::vector<SampleFile> files_;
  std::optional<Error> error_;
};

BackupFormatDesc FormatDesc(std::string_view root, DestId dest, BackupDestType type) {
  BackupFormatDesc desc;
  desc.cluster_name.value = "obcluster";
  desc.tenant_name.value = "mysql";
  desc.path.value = root;
  desc.cluster_id = kClusterId;
  desc.tenant_id = kTenant;
  desc.dest_id = dest;
  desc.dest_type.value = type;
  desc.ts = Timestamp{static_cast<std::int64_t>(kStart / 1000) - 29'000'000};
  return desc;
}

BackupCheckDesc CheckDesc(std::string_view root) {
  BackupCheckDesc desc;
  desc.cluster_name.value = "obcluster";
  desc.tenant_name.value = "mysql";
  desc.path.value = root;
  desc.cluster_id = kClusterId;
  desc.tenant_id = kTenant;
  desc.ts = Timestamp{static_cast<std::int64_t>(kStart / 1000) - 29'000'000};
  return desc;
}

void AddIdentity(Builder& out, std::string_view root, DestId dest, BackupDestType type) {
  out.Add({.kind = PathKind::kFormatFile}, FormatDesc(root, dest, type));
  const TimeTag checked = TimeTag::FromScn(Scn{kStart - 29 * kSecond}, kZone);
  out.Add({.kind = PathKind::kConnectFile, .tenant = kTenant, .time = checked}, CheckDesc(root));
}

BackupSetFileDesc SetDesc(BackupSetId id, BackupSetKind kind, const SetTimes& times) {
  BackupSetFileDesc desc;
  const bool full = kind == BackupSetKind::kFull;
  desc.backup_set_id = id;
  desc.tenant_id = kTenant;
  desc.dest_id = kDataDest;
  desc.backup_type.value = full ? BackupType::kFull : BackupType::kInc;
  desc.date = full ? 20230111 : 20230112;
  if (!full) {
    desc.prev_full_backup_set_id = BackupSetId{1};
    desc.prev_inc_backup_set_id = BackupSetId{1};
  }
  const std::int64_t tablets = full ? 8 : 12;
  const std::int64_t blocks = full ? 40 : 5;
  desc.stats = {.input_bytes = blocks * 2'097'152 + tablets * 1'100,
                .output_bytes = blocks * 2'101'248,
                .tablet_count = tablets,
                .finish_tablet_count = tablets,
                .macro_block_count = full ? 40 : 43,
                .finish_macro_block_count = blocks};
  desc.start_time = MicrosAfter(times.start);
  desc.end_time = MicrosAfter(times.min_restore + 2);
  desc.status = BackupSetStatus::kSuccess;
  desc.backup_path.value = kDataRoot;
  desc.start_replay_scn = After(times.start - 31);
  desc.min_restore_scn = After(times.min_restore);
  desc.tenant_compatible = kDataVersion4301;
  desc.meta_turn_id = 1;
  desc.cluster_version = kDataVersion4301;
  desc.minor_turn_id = 1;
  desc.major_turn_id = 1;
  desc.consistent_scn = After(times.consistent);
  return desc;
}

ExternTenantLocalityInfoDesc LocalityDesc(BackupSetId id) {
  ExternTenantLocalityInfoDesc desc;
  desc.tenant_id = kTenant;
  desc.backup_set_id = id;
  desc.cluster_id = kClusterId;
  desc.compat_mode = CompatMode::kMysql;
  desc.tenant_name.value = "mysql";
  desc.cluster_name.value = "obcluster";
  desc.locality.value = "FULL{1}@zone1";
  desc.primary_zone.value = "RANDOM";
  desc.sys_time_zone.value = "+08:00";
  desc.sys_time_zone_wrap.tz_info_offset.offset = static_cast<std::int32_t>(kZone.count());
  return desc;
}

LsAttr AttrOf(LsId ls) {
  return {.id = ls,
          .ls_group_id = ls == kSysLsId ? 0 : static_cast<std::uint64_t>(ls.value),
          .status = LsStatus::kNormal,
          .operation_type = LsOperationType::kCreateEnd,
          .create_scn = CreateScn(ls),
          .flag = {}};
}

LsMetaPackage PackageOf(LsId ls, const SetTimes& times) {
  LsMetaPackage package;
  LsMeta& meta = package.ls_meta;
  meta.tenant_id = kTenant;
  meta.ls_id = ls;
  meta.ls_persistent_state.value = LsPersistentState::kNormal;
  // The system log stream is dumped before the list of log streams is taken, the others after it.
  meta.clog_checkpoint_scn = After(ls == kSysLsId ? times.backup - 1 : times.backup + 1);
  meta.rebuild_seq = 0;
  meta.gc_state = GcState::kNormal;
  if (ls == kSysLsId) {
    auto& ids = meta.all_id_meta.value.items;
    ids[0] = {.limited_id = static_cast<std::int64_t>(After(times.backup + 9).value),
              .latest_log_ts = After(times.backup - 2)};
    ids[1] = {.limited_id = 1'000'001, .latest_log_ts = After(1)};
  }
  package.palf_meta.prev_log_info.scn = CreateScn(ls);
  package.dup_ls_meta.ls_id = ls;
  return package;
}

BackupDataTabletToLsInfo TabletsOf(LsId ls) {
  BackupDataTabletToLsInfo info{.ls_id = ls, .tablet_id_list = {}};
  if (ls == kSysLsId) {
    info.tablet_id_list = {TabletId{1}, TabletId{101}};
  } else {
    info.tablet_id_list = {TabletId{49'401}, TabletId{49'402}, TabletId{49'403},
                           TabletId{199'000 + static_cast<std::uint64_t>(ls.value)}};
  }
  return info;
}

void AddBackupSet(Builder& out, BackupSetId id, BackupSetKind kind, const SetTimes& times,
                  const std::vector<LsId>& streams,
                  const std::vector<BackupSetFileDesc>& all_sets) {
  BackupPath in_set{.set = id, .set_kind = kind, .turn = 1};
  const auto at = [&](PathKind path_kind) {
    BackupPath path{.kind = path_kind, .set = id, .set_kind = kind};
    return path;
  };
  const auto at_turn = [&](PathKind path_kind, DataType type = DataType::kSys) {
    BackupPath path = in_set;
    path.kind = path_kind;
    path.data_type = type;
    return path;
  };
  const BackupSetFileDesc& set = all_sets.back();
  const ExternBackupSetPlaceholderDesc mark;

  out.Add(at(PathKind::kBackupSetStart), mark);
  BackupDataLsAttrDesc attrs{.backup_scn = After(times.backup), .ls_attr_array = {}};
  BackupDataTabletToLsDesc tablets{.backup_scn = After(times.consistent), .tablet_to_ls = {}};
  BackupLsMetaInfosDesc packages;
  for (const LsId ls : streams) {
    attrs.ls_attr_array.push_back(AttrOf(ls));
    tablets.tablet_to_ls.push_back(TabletsOf(ls));
    packages.ls_meta_packages.push_back(PackageOf(ls, times));
    BackupPath path = at_turn(PathKind::kLsMetaInfo);
    path.ls = ls;
    out.Add(path, BackupLsMetaInfo{packages.ls_meta_packages.back()});
  }
  out.Add(at_turn(PathKind::kLsAttrInfo), attrs);
  out.Add(at(PathKind::kLsMetaInfos), packages);
  out.Add(at_turn(PathKind::kTabletLsInfo, DataType::kMinor), tablets);
  out.Add(at_turn(PathKind::kTabletLsInfo, DataType::kMajor), tablets);
  out.Add(at(PathKind::kLocalityInfo), LocalityDesc(id));
  out.Add(at(PathKind::kSingleBackupSetInfo), ExternBackupSetInfoDesc{set});
  out.Add(at(PathKind::kTenantBackupSetInfos), TenantBackupSetInfosDesc{all_sets});
  out.Add(at(PathKind::kDiagnoseInfo),
          ExternTenantDiagnoseInfoDesc{kTenant, LocalityDesc(id), set});
  BackupPath inner = at(PathKind::kBackupSetInnerMark);
  inner.time = Tag(After(times.start));
  inner.end_time = Tag(set.min_restore_scn);
  out.Add(inner, mark);
  BackupPath end = at(PathKind::kBackupSetEndSuccess);
  end.time = inner.end_time;
  out.Add(end, mark);
}

// What layout profile 4.3.5 and the readers of older sets add to a set.
void AddLaterFiles(Builder& out, BackupSetId id, BackupSetKind kind, const SetTimes& times) {
  const BackupTableListItem first{.database_name = {"test"}, .table_name = {"accounts"}};
  const BackupTableListItem last{.database_name = {"test"}, .table_name = {"unicode_data"}};
  const BackupPath base{.set = id, .set_kind = kind, .file = 1, .scn = After(times.min_restore)};
  BackupPath part = base;
  part.kind = PathKind::kTableListPart;
  out.Add(part, BackupPartialTableListDesc{{first, last}});
  BackupPath list = base;
  list.kind = PathKind::kTableListMeta;
  list.file = 0;
  out.Add(list, BackupTableListMetaInfoDesc{.scn = After(times.min_restore),
                                            .count = 2,
                                            .batch_size = 20'000,
                                            .partial_metas = {{first, last}}});
  out.Add({.kind = PathKind::kTenantParameter, .set = id, .set_kind = kind},
          ExternParamInfoDesc{kTenant,
                              {{{"undo_retention"}, "3600"}, {{"archive_lag_target"}, "60s"}}});
  out.Add({.kind = PathKind::kDeletedTabletInfo, .set = id, .set_kind = kind},
          BackupDeletedTabletToLsDesc{{TabletsOf(kUserLsId)}});
}

void BuildDataDestination(Builder& out) {
  AddIdentity(out, kDataRoot, kDataDest, BackupDestType::kBackupData);
  const BackupSetFileDesc full = SetDesc(BackupSetId{1}, BackupSetKind::kFull, kFullTimes);
  const BackupSetFileDesc inc = SetDesc(BackupSetId{2}, BackupSetKind::kInc, kIncTimes);
  const std::vector<LsId> before{kSysLsId, kUserLsId};
  const std::vector<LsId> after{kSysLsId, kUserLsId, LsId{1002}};
  AddBackupSet(out, full.backup_set_id, BackupSetKind::kFull, kFullTimes, before, {full});
  AddBackupSet(out, inc.backup_set_id, BackupSetKind::kInc, kIncTimes, after, {full, inc});
  AddLaterFiles(out, inc.backup_set_id, BackupSetKind::kInc, kIncTimes);
}

// What a frozen piece has of one log stream's log: the bytes from `begin` to `end`.
struct PieceLog {
  LsId ls;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// A log of which each of the first two pieces has a part of its own.
PieceLog LogOfPiece(LsId ls, std::int64_t piece) {
  constexpr std::uint64_t kPart = 1'048'576;
  const auto begin = static_cast<std::uint64_t>(piece - 1) * kPart;
  const bool is_before_third = ls == kUserLsId && piece == 2;
  return {
      .ls = ls, .begin = begin, .end = is_before_third ? kThirdPieceStartLsn.value : begin + kPart};
}

TenantArchivePieceAttr FrozenPiece(std::int64_t piece, const std::vector<PieceLog>& logs) {
  TenantArchivePieceAttr attr;
  attr.key = {kTenant, kArchiveDest, kRound, PieceId{piece}};
  attr.file_count = static_cast<std::int64_t>(logs.size());
  attr.start_scn = PieceStart(piece);
  attr.checkpoint_scn = PieceStart(piece + 1);
  attr.max_scn = PieceStart(piece + 1);
  attr.end_scn = PieceStart(piece + 1);
  for (const PieceLog& log : logs)
    attr.input_bytes += static_cast<std::int64_t>(log.end - log.begin);
  attr.output_bytes = attr.input_bytes;
  attr.status.value = ArchivePieceStatus::kFrozen;
  attr.path.value = kArchiveRoot;
  return attr;
}

BackupPath InPiece(PathKind kind, std::int64_t piece) {
  return {.kind = kind, .dest = kArchiveDest, .round = kRound, .piece = PieceId{piece}};
}

void AddFrozenFiles(Builder& out, const TenantArchivePieceAttr& attr,
                    const std::vector<PieceLog>& logs) {
  const std::int64_t piece = attr.key.piece_id.value;
  PieceInfoDesc all{kArchiveDest, kRound, attr.key.piece_id, {}};
  for (const auto& [ls, begin, end] : logs) {
    SingleLsInfoDesc info{.dest_id = kArchiveDest,
                          .round_id = kRound,
                          .piece_id = attr.key.piece_id,
                          .ls_id = ls,
                          .start_scn = std::max(attr.start_scn, CreateScn(ls)),
                          .checkpoint_scn = attr.checkpoint_scn,
                          .min_lsn = begin,
                          .max_lsn = end,
                          .filelist = {{.file_id = 1,
                                        .size_bytes = static_cast<std::int64_t>(kLogFileHeaderArea +
                                                                                (end - begin))}}};
    BackupPath path = InPiece(PathKind::kLsFileInfo, piece);
    path.ls = ls;
    out.Add(path, info);
    all.filelist.push_back(std::move(info));
  }
  out.Add(InPiece(PathKind::kPieceFileInfo, piece), all);
  BackupPath inner = InPiece(PathKind::kPieceInnerMark, piece);
  inner.time = Tag(attr.start_scn);
  inner.end_time = Tag(attr.checkpoint_scn);
  out.Add(inner, PieceInnerPlaceholderDesc{kArchiveDest, kRound, attr.key.piece_id, attr.start_scn,
                                           attr.checkpoint_scn});
  out.Add(InPiece(PathKind::kSinglePieceInfo, piece), SinglePieceDesc{attr});
  BackupPath end_mark = InPiece(PathKind::kPieceEnd, piece);
  end_mark.time = inner.end_time;
  out.Add(end_mark, PieceEndDesc{kArchiveDest, kRound, attr.key.piece_id, attr.checkpoint_scn});
}

void AddPiece(Builder& out, std::int64_t piece, Scn checkpoint,
              const std::vector<TenantArchivePieceAttr>& frozen_before) {
  BackupPath start = InPiece(PathKind::kPieceStart, piece);
  start.time = Tag(PieceStart(piece));
  out.Add(start, PieceStartDesc{kArchiveDest, kRound, PieceId{piece}, PieceStart(piece)});
  TenantArchivePieceInfosDesc infos;
  infos.tenant_id = kTenant;
  infos.dest_id = kArchiveDest;
  infos.round_id = kRound;
  infos.piece_id = PieceId{piece};
  infos.start_scn = PieceStart(piece);
  infos.end_scn = PieceStart(piece + 1);
  infos.path.value = kArchiveRoot;
  infos.his_frozen_pieces = frozen_before;
  out.Add(InPiece(PathKind::kTenantArchivePieceInfos, piece), infos);
  PieceCheckpointDesc first_checkpoint;
  first_checkpoint.tenant_id = kTenant;
  first_checkpoint.dest_id = kArchiveDest;
  first_checkpoint.round_id = kRound;
  first_checkpoint.piece_id = PieceId{piece};
  first_checkpoint.start_scn = PieceStart(piece);
  first_checkpoint.checkpoint_scn = Scn{PieceStart(piece).value + 12 * kSecond};
  first_checkpoint.max_scn = first_checkpoint.checkpoint_scn;
  first_checkpoint.end_scn = PieceStart(piece + 1);
  out.Add(InPiece(PathKind::kPieceCheckpointInfo, piece), first_checkpoint);
  BackupPath marker = InPiece(PathKind::kPieceCheckpointMarker, piece);
  marker.scn = checkpoint;
  out.AddBytes(marker, Bytes());
}

void BuildArchiveDestination(Builder& out) {
  AddIdentity(out, kArchiveRoot, kArchiveDest, BackupDestType::kArchiveLog);
  const BackupPath round_start{
      .kind = PathKind::kRoundStart, .dest = kArchiveDest, .round = kRound};
  out.Add(round_start, RoundStartDesc{kArchiveDest, kRound, Scn{kStart}, PieceId{1}, kDayMicros});
  const std::vector<PieceLog> first_logs = {LogOfPiece(kSysLsId, 1), LogOfPiece(kUserLsId, 1)};
  const std::vector<PieceLog> second_logs = {LogOfPiece(kSysLsId, 2), LogOfPiece(kUserLsId, 2),
                                             LogOfPiece(LsId{1002}, 2)};
  const TenantArchivePieceAttr first = FrozenPiece(1, first_logs);
  const TenantArchivePieceAttr second = FrozenPiece(2, second_logs);
  AddPiece(out, 1, Scn{first.checkpoint_scn.value - 40 * kSecond}, {});
  AddFrozenFiles(out, first, first_logs);
  AddPiece(out, 2, Scn{second.checkpoint_scn.value - 40 * kSecond}, {first});
  AddFrozenFiles(out, second, second_logs);
  const Scn end{PieceStart(3).value + 3'600 * kSecond};
  AddPiece(out, 3, end, {first, second});
}

// A destination whose only round was stopped an hour after it began.
void BuildStoppedArchive(Builder& out) {
  AddIdentity(out, kArchiveRoot, kArchiveDest, BackupDestType::kArchiveLog);
  BackupPath round{.kind = PathKind::kRoundStart, .dest = kArchiveDest, .round = kRound};
  out.Add(round, RoundStartDesc{kArchiveDest, kRound, Scn{kStart}, PieceId{1}, kDayMicros});
  std::vector<PieceLog> logs;
  for (const LsId ls : {kSysLsId, kUserLsId}) {
    const Result<SampleLog> log = BuildSampleLog(ls);
    if (!log) return out.Fail(log.error());
    logs.push_back({.ls = ls, .begin = 0, .end = log->bytes.size()});
  }
  TenantArchivePieceAttr piece = FrozenPiece(1, logs);
  piece.checkpoint_scn = After(3'600);
  piece.max_scn = piece.checkpoint_scn;
  AddPiece(out, 1, After(3'560), {});
  AddFrozenFiles(out, piece, logs);
  round.kind = PathKind::kRoundEnd;
  out.Add(round, RoundEndDesc{kArchiveDest, kRound, Scn{kStart}, piece.checkpoint_scn, PieceId{1},
                              kDayMicros});
}

void BuildS3Archive(Builder& out) {
  BackupPath path = InPiece(PathKind::kLogFormatMeta, 3);
  path.ls = kSysLsId;
  path.file = 2;
  const ByteView content = AsByteView(kFormatMetaContent);
  out.AddBytes(path, Bytes(content.begin(), content.end()));
  path.kind = PathKind::kLogSealMeta;
  out.AddBytes(path, WriteSealMeta({.length = {67'108'864},
                                    .parts = {{0, 32'472'973}, {32'472'973, 67'108'864}}}));
}

void BuildClusterParameters(Builder& out) {
  out.Add({.kind = PathKind::kClusterParameter, .time = Tag(After(kIncTimes.start))},
          ExternParamInfoDesc{TenantId{1}, {{{"backup_lease_takeover_time"}, "20s"}}});
}

}  // namespace

Result<std::vector<SampleFile>> SampleDestinations() {
  struct Part {
    std::string_view directory;
    void (*build)(Builder& out);
  };
  constexpr Part kParts[] = {{"cluster_parameters_backup_dest", BuildClusterParameters},
                             {"data_backup_dest", BuildDataDestination},
                             {"log_archive_dest", BuildArchiveDestination},
                             {"log_archive_dest_s3", BuildS3Archive},
                             {"log_archive_dest_stopped", BuildStoppedArchive}};
  std::vector<SampleFile> files;
  for (const Part& part : kParts) {
    Builder out(part.directory);
    part.build(out);
    if (Status status = out.MoveInto(files); !status) return Fail(std::move(status).error());
  }
  std::ranges::sort(files, {}, &SampleFile::path);
  return files;
}

}  // namespace obbak::format
