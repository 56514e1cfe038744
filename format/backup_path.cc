#include "format/backup_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <cassert>
#include <chrono>
#include <iterator>
#include <limits>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "format/path_grammar.h"

namespace obbak::format {
namespace {

// ---- The variables ----

enum Slot : std::size_t {
  kSet,
  kSetKind,
  kLs,
  kDataType,
  kIndex,
  kTurn,
  kRetry,
  kFile,
  kTenant,
  kAccess,
  kDest,
  kRound,
  kPiece,
  kScn,
  kTime,
  kEndTime,
  kPartStart,
  kPartEnd,
  kSlotCount,
};
static_assert(kSlotCount <= PathValues::kSlots);

// The member of BackupPath behind each slot, in the order of Slot.
constexpr auto kMembers = std::tuple{
    [](auto& p) -> auto& { return p.set; },        [](auto& p) -> auto& { return p.set_kind; },
    [](auto& p) -> auto& { return p.ls; },         [](auto& p) -> auto& { return p.data_type; },
    [](auto& p) -> auto& { return p.index; },      [](auto& p) -> auto& { return p.turn; },
    [](auto& p) -> auto& { return p.retry; },      [](auto& p) -> auto& { return p.file; },
    [](auto& p) -> auto& { return p.tenant; },     [](auto& p) -> auto& { return p.access; },
    [](auto& p) -> auto& { return p.dest; },       [](auto& p) -> auto& { return p.round; },
    [](auto& p) -> auto& { return p.piece; },      [](auto& p) -> auto& { return p.scn; },
    [](auto& p) -> auto& { return p.time; },       [](auto& p) -> auto& { return p.end_time; },
    [](auto& p) -> auto& { return p.part.start; }, [](auto& p) -> auto& { return p.part.end; },
};
static_assert(std::tuple_size_v<decltype(kMembers)> == kSlotCount);

constexpr std::uint64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
// All ones mean "no SCN" and "no tenant".
constexpr std::uint64_t kMaxUint64 = std::numeric_limits<std::uint64_t>::max() - 1;

constexpr std::string_view kSetKindWords[] = {"full", "inc"};
constexpr std::string_view kDataTypeWords[] = {"sys", "minor", "major"};
constexpr std::string_view kLevelWords[] = {"", "minor", "major"};
constexpr std::string_view kIndexWords[] = {"macro_range_index", "meta_index", "sec_meta_index"};
constexpr std::string_view kAccessWords[] = {"overwriter", "appender", "multipart_writer"};

constexpr PathVariable Number(std::string_view name, Slot slot, std::uint64_t max = kMaxInt64) {
  return {.name = name, .slot = slot, .form = VariableForm::kNumber, .max = max};
}
constexpr PathVariable Word(std::string_view name, Slot slot,
                            std::span<const std::string_view> words) {
  return {.name = name, .slot = slot, .form = VariableForm::kWord, .words = words};
}
constexpr PathVariable Tag(std::string_view name, Slot slot) {
  return {.name = name, .slot = slot, .form = VariableForm::kTimeTag};
}

constexpr PathVariable kVariables[] = {
    Number("set", kSet),
    Word("kind", kSetKind, kSetKindWords),
    Number("ls", kLs),
    Word("dtype", kDataType, kDataTypeWords),
    Word("level", kDataType, kLevelWords),
    Word("index", kIndex, kIndexWords),
    Number("turn", kTurn),
    Number("retry", kRetry),
    Number("file", kFile),
    Number("tenant", kTenant, kMaxUint64),
    Word("access", kAccess, kAccessWords),
    Number("dest", kDest),
    Number("round", kRound),
    Number("piece", kPiece),
    Number("scn", kScn, kMaxUint64),
    // File 0 of a checkpoint directory is something else.
    {.name = "checkpoint",
     .slot = kScn,
     .form = VariableForm::kNumber,
     .min = 1,
     .max = kMaxUint64},
    Tag("time", kTime),
    Tag("end_time", kEndTime),
    Number("start", kPartStart),
    {.name = "end",
     .slot = kPartEnd,
     .form = VariableForm::kNumber,
     .max = kMaxInt64,
     .above = kPartStart},
};

// ---- The table ----

struct Row {
  PathKind kind{};
  PathFacts facts;
  PathPattern pattern;
};

constexpr std::uint8_t kBoth =
    static_cast<std::uint8_t>(LayoutProfile::k430) | static_cast<std::uint8_t>(LayoutProfile::k435);
constexpr std::uint8_t kOnly430 = static_cast<std::uint8_t>(LayoutProfile::k430);
constexpr std::uint8_t kOnly435 = static_cast<std::uint8_t>(LayoutProfile::k435);
constexpr std::uint8_t kOthers = 0;

consteval Row MakeRow(PathKind kind, std::string_view name, DestKind dest, EntryForm form,
                      std::uint8_t writers, std::string_view pattern, std::string_view meaning) {
  return {kind, {name, pattern, dest, form, writers, meaning}, PathPattern(pattern, kVariables)};
}

constexpr auto kFileForm = EntryForm::kFile;
constexpr auto kDir = EntryForm::kDirectory;
constexpr auto kParts = EntryForm::kFileOrParts;
constexpr auto kData = DestKind::kData;
constexpr auto kArchive = DestKind::kArchive;
constexpr auto kShared = DestKind::kDataOrArchive;

constexpr Row kRows[] = {
    // docs/spec/layout.md §2.1, §3.1: both destinations
    MakeRow(PathKind::kFormatFile, "FormatFile", kShared, kFileForm, kBoth, "format.obbak",
            "identity of the destination"),
    MakeRow(PathKind::kCheckDir, "CheckDir", kShared, kDir, kBoth, "check_file",
            "connection checks"),
    MakeRow(PathKind::kConnectFile, "ConnectFile", kShared, kFileForm, kBoth,
            "check_file/{tenant}_connect_file_{time}.obbak",
            "identity of the tenant that checked the connection"),
    MakeRow(PathKind::kPermissionFile, "PermissionFile", kShared, kParts, kBoth,
            "check_file/{tenant}_{access}_permission_file_{time}.obbak",
            "left-over of a permission probe"),
    MakeRow(
        PathKind::kPermissionPart, "PermissionPart", kShared, kFileForm, kBoth,
        "check_file/{tenant}_appender_permission_file_{time}.obbak/@APD_PART@{start}-{end}.obbak",
        "bytes of an append probe on object storage"),
    MakeRow(PathKind::kPermissionFormatMeta, "PermissionFormatMeta", kShared, kFileForm, kBoth,
            "check_file/{tenant}_appender_permission_file_{time}.obbak/@APD_PART@FORMAT_META.obbak",
            "mark of an append probe made of parts"),
    MakeRow(PathKind::kPermissionSealMeta, "PermissionSealMeta", kShared, kFileForm, kBoth,
            "check_file/{tenant}_appender_permission_file_{time}.obbak/@APD_PART@SEAL_META.obbak",
            "list of parts of a finished append probe"),

    // §2: data destination
    MakeRow(PathKind::kBackupSetsDir, "BackupSetsDir", kData, kDir, kBoth, "backup_sets",
            "start and end marks of all backup sets"),
    MakeRow(PathKind::kBackupSetStart, "BackupSetStart", kData, kFileForm, kBoth,
            "backup_sets/backup_set_{set}_{kind}_start.obbak", "mark: the backup set was begun"),
    MakeRow(PathKind::kBackupSetEndSuccess, "BackupSetEndSuccess", kData, kFileForm, kBoth,
            "backup_sets/backup_set_{set}_{kind}_end_success_{time}.obbak",
            "mark: the backup set is complete; the time is its smallest restorable one"),
    MakeRow(PathKind::kBackupSetEndFailed, "BackupSetEndFailed", kData, kFileForm, kOthers,
            "backup_sets/backup_set_{set}_{kind}_end_failed_{time}.obbak",
            "mark: the backup set failed"),
    MakeRow(PathKind::kBackupSetDir, "BackupSetDir", kData, kDir, kBoth, "backup_set_{set}_{kind}",
            "one backup set"),
    MakeRow(PathKind::kBackupSetInnerMark, "BackupSetInnerMark", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/backup_set_{set}_{kind}_{time}_{end_time}.obbak",
            "mark: start of required log replay and smallest restorable time of the set"),
    MakeRow(PathKind::kSingleBackupSetInfo, "SingleBackupSetInfo", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/single_backup_set_info.obbak",
            "full description of this backup set"),
    MakeRow(PathKind::kTenantBackupSetInfos, "TenantBackupSetInfos", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/tenant_backup_set_infos.obbak",
            "descriptions of all backup sets of the tenant up to this one"),
    MakeRow(PathKind::kInfosDir, "InfosDir", kData, kDir, kBoth, "backup_set_{set}_{kind}/infos",
            "tenant-level metadata and indexes of the set"),
    MakeRow(PathKind::kLocalityInfo, "LocalityInfo", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/infos/locality_info.obbak",
            "tenant and cluster names, locality, time zone, compatibility mode"),
    MakeRow(PathKind::kDiagnoseInfo, "DiagnoseInfo", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/infos/diagnose_info.obbak",
            "locality and description of the set, for diagnosis"),
    MakeRow(PathKind::kTenantParameter, "TenantParameter", kData, kFileForm, kOnly435,
            "backup_set_{set}_{kind}/infos/tenant_parameter.obbak",
            "tenant parameters that differ from their defaults"),
    MakeRow(PathKind::kDeletedTabletInfo, "DeletedTabletInfo", kData, kFileForm, kOthers,
            "backup_set_{set}_{kind}/infos/deleted_tablet_info.obbak",
            "deleted tablets (sets of 4.1)"),
    MakeRow(PathKind::kMviewDepTabletList, "MviewDepTabletList", kData, kFileForm, kOthers,
            "backup_set_{set}_{kind}/infos/major_compaction_mview_dep_tablet_list.obbak",
            "tablets that materialized views depend on (later versions)"),
    MakeRow(PathKind::kMetaInfoDir, "MetaInfoDir", kData, kDir, kBoth,
            "backup_set_{set}_{kind}/infos/meta_info", "log stream metadata of the set"),
    MakeRow(PathKind::kLsAttrInfo, "LsAttrInfo", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/infos/meta_info/ls_attr_info.{turn}.obbak",
            "log streams of the tenant at the backup SCN"),
    MakeRow(PathKind::kLsMetaInfos, "LsMetaInfos", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/infos/meta_info/ls_meta_infos.obbak",
            "metadata of all log streams, merged"),
    MakeRow(PathKind::kRootKey, "RootKey", kData, kFileForm, kOthers,
            "backup_set_{set}_{kind}/infos/meta_info/root_key.obbak",
            "root key of transparent encryption (enterprise builds)"),
    MakeRow(PathKind::kMetaTabletLsInfo, "MetaTabletLsInfo", kData, kFileForm, kOthers,
            "backup_set_{set}_{kind}/infos/meta_info/tablet_log_stream_info.obbak",
            "tablets of each log stream, at a place where no version writes them"),
    MakeRow(PathKind::kTableListDir, "TableListDir", kData, kDir, kOnly435,
            "backup_set_{set}_{kind}/infos/table_list", "names of the tables in the set"),
    MakeRow(PathKind::kTableListPart, "TableListPart", kData, kFileForm, kOnly435,
            "backup_set_{set}_{kind}/infos/table_list/table_list.{scn}.{file}.obbak",
            "one part of the table names"),
    MakeRow(PathKind::kTableListMeta, "TableListMeta", kData, kFileForm, kOnly435,
            "backup_set_{set}_{kind}/infos/table_list/table_list_meta_info.{scn}.obbak",
            "first and last table of each part of the table names"),
    MakeRow(PathKind::kDataInfoDir, "DataInfoDir", kData, kDir, kBoth,
            "backup_set_{set}_{kind}/infos/{level}_data_info_turn_{turn}",
            "tenant-level indexes of one turn"),
    MakeRow(
        PathKind::kTabletLsInfo, "TabletLsInfo", kData, kFileForm, kBoth,
        "backup_set_{set}_{kind}/infos/{level}_data_info_turn_{turn}/tablet_log_stream_info.obbak",
        "tablets of each log stream in one turn"),
    MakeRow(PathKind::kTenantIndex, "TenantIndex", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/infos/{level}_data_info_turn_{turn}/"
            "tenant_{level}_data_{index}.{retry}.obbak",
            "index over the data of all log streams"),
    MakeRow(PathKind::kDataInfoDir41, "DataInfoDir41", kData, kDir, kOthers,
            "backup_set_{set}_{kind}/infos/data_info_turn_{turn}",
            "tenant-level indexes of one turn (sets of 4.1)"),
    MakeRow(PathKind::kTabletLsInfo41, "TabletLsInfo41", kData, kFileForm, kOthers,
            "backup_set_{set}_{kind}/infos/data_info_turn_{turn}/tablet_log_stream_info.obbak",
            "tablets of each log stream in one turn (sets of 4.1)"),
    MakeRow(PathKind::kTenantIndex41, "TenantIndex41", kData, kFileForm, kOthers,
            "backup_set_{set}_{kind}/infos/data_info_turn_{turn}/"
            "tenant_{level}_data_{index}.{retry}.obbak",
            "index over the data of all log streams (sets of 4.1)"),
    MakeRow(PathKind::kSysDataInfoDir, "SysDataInfoDir", kData, kDir, kOthers,
            "backup_set_{set}_{kind}/infos/_data_info_turn_{turn}",
            "tenant-level indexes of sys data, which no version writes"),
    MakeRow(PathKind::kSysTabletLsInfo, "SysTabletLsInfo", kData, kFileForm, kOthers,
            "backup_set_{set}_{kind}/infos/_data_info_turn_{turn}/tablet_log_stream_info.obbak",
            "tablets of each log stream for sys data, which no version writes"),
    MakeRow(PathKind::kSysTenantIndex, "SysTenantIndex", kData, kFileForm, kOthers,
            "backup_set_{set}_{kind}/infos/_data_info_turn_{turn}/"
            "tenant_sys_data_{index}.{retry}.obbak",
            "index over the sys data of all log streams, which no version writes"),
    MakeRow(PathKind::kSetLsDir, "SetLsDir", kData, kDir, kBoth,
            "backup_set_{set}_{kind}/logstream_{ls}", "one log stream in a backup set"),
    MakeRow(PathKind::kLsMetaInfoDir, "LsMetaInfoDir", kData, kDir, kBoth,
            "backup_set_{set}_{kind}/logstream_{ls}/meta_info_turn_{turn}_retry_{retry}",
            "metadata of one log stream"),
    MakeRow(PathKind::kLsMetaInfo, "LsMetaInfo", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/logstream_{ls}/meta_info_turn_{turn}_retry_{retry}/"
            "ls_meta_info.obbak",
            "metadata package of one log stream"),
    MakeRow(PathKind::kTabletInfo, "TabletInfo", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/logstream_{ls}/meta_info_turn_{turn}_retry_{retry}/"
            "tablet_info.{file}.obbak",
            "tablet metadata of one log stream"),
    MakeRow(PathKind::kLsDataDir, "LsDataDir", kData, kDir, kBoth,
            "backup_set_{set}_{kind}/logstream_{ls}/{dtype}_data_turn_{turn}_retry_{retry}",
            "data of one log stream"),
    MakeRow(PathKind::kMacroBlockData, "MacroBlockData", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/logstream_{ls}/{dtype}_data_turn_{turn}_retry_{retry}/"
            "macro_block_data.{file}.obbak",
            "macro blocks and tablet metadata of one log stream"),
    MakeRow(PathKind::kLsIndex, "LsIndex", kData, kFileForm, kBoth,
            "backup_set_{set}_{kind}/logstream_{ls}/{dtype}_data_turn_{turn}_retry_{retry}/"
            "{index}.obbak",
            "index over the data of one log stream"),
    MakeRow(PathKind::kComplementLogDir, "ComplementLogDir", kData, kDir, kBoth,
            "backup_set_{set}_{kind}/complement_log",
            "small archive destination with the logs that make the set consistent"),

    // §3: archive destination
    MakeRow(PathKind::kRoundsDir, "RoundsDir", kArchive, kDir, kBoth, "rounds",
            "start and end of all archive rounds"),
    MakeRow(PathKind::kRoundStart, "RoundStart", kArchive, kFileForm, kBoth,
            "rounds/round_d{dest}r{round}_start.obarc",
            "start SCN, base piece and switch interval of a round"),
    MakeRow(PathKind::kRoundEnd, "RoundEnd", kArchive, kFileForm, kBoth,
            "rounds/round_d{dest}r{round}_end.obarc", "last SCN of a stopped round"),
    MakeRow(PathKind::kPiecesDir, "PiecesDir", kArchive, kDir, kBoth, "pieces",
            "start and end of all pieces"),
    MakeRow(PathKind::kPieceStart, "PieceStart", kArchive, kFileForm, kBoth,
            "pieces/piece_d{dest}r{round}p{piece}_start_{time}.obarc", "start SCN of a piece"),
    MakeRow(PathKind::kPieceEnd, "PieceEnd", kArchive, kFileForm, kBoth,
            "pieces/piece_d{dest}r{round}p{piece}_end_{time}.obarc", "last SCN of a frozen piece"),
    MakeRow(PathKind::kPieceDir, "PieceDir", kArchive, kDir, kBoth, "piece_d{dest}r{round}p{piece}",
            "one piece of the log archive"),
    MakeRow(PathKind::kPieceInnerMark, "PieceInnerMark", kArchive, kFileForm, kBoth,
            "piece_d{dest}r{round}p{piece}/piece_d{dest}r{round}p{piece}_{time}_{end_time}.obarc",
            "start and last SCN of a frozen piece"),
    MakeRow(PathKind::kSinglePieceInfo, "SinglePieceInfo", kArchive, kFileForm, kBoth,
            "piece_d{dest}r{round}p{piece}/single_piece_info.obarc",
            "full description of a frozen piece"),
    MakeRow(PathKind::kTenantArchivePieceInfos, "TenantArchivePieceInfos", kArchive, kFileForm,
            kBoth, "piece_d{dest}r{round}p{piece}/tenant_archive_piece_infos.obarc",
            "description of this piece and of all frozen ones before it"),
    MakeRow(PathKind::kPieceFileInfo, "PieceFileInfo", kArchive, kFileForm, kBoth,
            "piece_d{dest}r{round}p{piece}/file_info.obarc",
            "files of all log streams of a frozen piece"),
    MakeRow(PathKind::kPieceCheckpointDir, "PieceCheckpointDir", kArchive, kDir, kBoth,
            "piece_d{dest}r{round}p{piece}/checkpoint", "archiving progress of an active piece"),
    MakeRow(PathKind::kPieceCheckpointInfo, "PieceCheckpointInfo", kArchive, kFileForm, kBoth,
            "piece_d{dest}r{round}p{piece}/checkpoint/checkpoint_info.0.obarc",
            "description of the piece at its first checkpoint"),
    MakeRow(PathKind::kPieceCheckpointMarker, "PieceCheckpointMarker", kArchive, kFileForm,
            kOnly430, "piece_d{dest}r{round}p{piece}/checkpoint/checkpoint_info.{checkpoint}.obarc",
            "mark: all log streams are archived up to this SCN"),
    MakeRow(PathKind::kPieceCheckpointScn, "PieceCheckpointScn", kArchive, kFileForm, kOnly435,
            "piece_d{dest}r{round}p{piece}/checkpoint/checkpoint.{checkpoint}.obarc",
            "mark: all log streams are archived up to this SCN (later documents)"),
    MakeRow(PathKind::kPieceLsDir, "PieceLsDir", kArchive, kDir, kBoth,
            "piece_d{dest}r{round}p{piece}/logstream_{ls}", "one log stream in a piece"),
    MakeRow(PathKind::kLsFileInfo, "LsFileInfo", kArchive, kFileForm, kBoth,
            "piece_d{dest}r{round}p{piece}/logstream_{ls}/file_info.obarc",
            "files of one log stream of a frozen piece"),
    MakeRow(PathKind::kLsLogDir, "LsLogDir", kArchive, kDir, kBoth,
            "piece_d{dest}r{round}p{piece}/logstream_{ls}/log", "archived log of one log stream"),
    MakeRow(PathKind::kLogFile, "LogFile", kArchive, kParts, kBoth,
            "piece_d{dest}r{round}p{piece}/logstream_{ls}/log/{file}.obarc",
            "archived log of one log stream"),
    // §6.2: its parts on a medium without append
    MakeRow(PathKind::kLogPart, "LogPart", kArchive, kFileForm, kBoth,
            "piece_d{dest}r{round}p{piece}/logstream_{ls}/log/{file}.obarc/"
            "@APD_PART@{start}-{end}.obarc",
            "one run of bytes of an archived log file"),
    MakeRow(
        PathKind::kLogFormatMeta, "LogFormatMeta", kArchive, kFileForm, kBoth,
        "piece_d{dest}r{round}p{piece}/logstream_{ls}/log/{file}.obarc/@APD_PART@FORMAT_META.obarc",
        "mark of an archived log file made of parts"),
    MakeRow(
        PathKind::kLogSealMeta, "LogSealMeta", kArchive, kFileForm, kBoth,
        "piece_d{dest}r{round}p{piece}/logstream_{ls}/log/{file}.obarc/@APD_PART@SEAL_META.obarc",
        "list of parts of a full archived log file"),
    MakeRow(PathKind::kSchemaMetaDir, "SchemaMetaDir", kArchive, kDir, kBoth,
            "piece_d{dest}r{round}p{piece}/logstream_{ls}/schema_meta",
            "where the data dictionary is in the log"),
    MakeRow(PathKind::kSchemaMeta, "SchemaMeta", kArchive, kFileForm, kBoth,
            "piece_d{dest}r{round}p{piece}/logstream_{ls}/schema_meta/{scn}.obarc",
            "where the data dictionary is in the log, up to the snapshot at this SCN"),

    // §7: cluster parameter destination
    MakeRow(PathKind::kClusterParameter, "ClusterParameter", DestKind::kClusterParameter, kFileForm,
            kOnly435, "cluster_parameter.{time}.obbak",
            "cluster parameters that differ from their defaults"),
};
constexpr PathPattern kComplementLog("backup_set_{set}_{kind}/complement_log/", kVariables);

static_assert(std::size(kRows) == kPathKindCount);
static_assert([] {
  for (std::size_t i = 0; i < kPathKindCount; ++i) {
    if (static_cast<std::size_t>(kRows[i].kind) != i) return false;
  }
  return true;
}());

// What 4.3.2 and later write instead of the minor and major directories (layout.md §5, C9).
constexpr std::string_view kNewerComponents[] = {"user_data_turn_", "user_data_info_turn_",
                                                 "fused_meta_info_turn_"};

const Row& RowOf(PathKind kind) { return kRows[static_cast<std::size_t>(kind)]; }

bool Overlap(DestKind a, DestKind b) {
  return (static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b)) != 0;
}

// ---- BackupPath <-> values ----

template <class T>
std::uint64_t ToRaw(const T& member) {
  if constexpr (std::is_same_v<T, TimeTag>) {
    return static_cast<std::uint64_t>(member.value.time_since_epoch().count());
  } else if constexpr (requires { member.value; }) {
    return static_cast<std::uint64_t>(member.value);
  } else {
    return static_cast<std::uint64_t>(member);
  }
}

template <class T>
void FromRaw(std::uint64_t raw, T& member) {
  if constexpr (std::is_same_v<T, TimeTag>) {
    member.value = std::chrono::local_seconds(std::chrono::seconds(static_cast<std::int64_t>(raw)));
  } else if constexpr (requires { member.value; }) {
    member.value = static_cast<decltype(member.value)>(raw);
  } else {
    member = static_cast<T>(raw);
  }
}

// Calls visit(slot, member of `path`) for every slot.
template <class Path, class Visitor>
void ForEachMember(Path& path, Visitor visit) {
  [&]<std::size_t... slot>(std::index_sequence<slot...>) {
    (visit(slot, std::get<slot>(kMembers)(path)), ...);
  }(std::make_index_sequence<kSlotCount>());
}

PathValues ToValues(const BackupPath& path) {
  PathValues values;
  ForEachMember(path,
                [&](std::size_t slot, const auto& member) { values.Set(slot, ToRaw(member)); });
  return values;
}

BackupPath FromValues(PathKind kind, const PathValues& values) {
  BackupPath path{.kind = kind};
  ForEachMember(path, [&](std::size_t slot, auto& member) {
    if (values.Has(slot)) FromRaw(values.Get(slot), member);
  });
  return path;
}

std::optional<std::string> TryPrint(const BackupPath& path) {
  const Row& row = RowOf(path.kind);
  const PathValues values = ToValues(path);
  std::string text;
  if (path.in_complement_log) {
    if (!Overlap(row.facts.dest, DestKind::kArchive)) return std::nullopt;
    if (!kComplementLog.Print(values, text)) return std::nullopt;
  }
  if (!row.pattern.Print(values, text)) return std::nullopt;
  return text;
}

// ---- Parsing ----

std::unexpected<Error> Misfit(std::string_view path, std::size_t offset) {
  const std::string_view rest = path.substr(offset);
  const std::string_view component = rest.substr(0, rest.find('/'));
  const std::string_view parent = path.substr(0, offset);
  const bool newer = std::ranges::any_of(
      kNewerComponents, [&](std::string_view prefix) { return component.starts_with(prefix); });
  if (newer) {
    return Fail(Error(ErrorCode::kNotSupported,
                      fmt::format("unsupported backup compatible version: \"{}\" is a name of "
                                  "sets written by 4.3.2 or later",
                                  component))
                    .WithPath(std::string(path)));
  }
  std::string message =
      parent.empty() ? fmt::format("\"{}\" is no name of the layout", component)
                     : fmt::format("\"{}\" is no name of the layout below {}", component, parent);
  return Fail(Error(ErrorCode::kInvalidData, std::move(message)).WithPath(std::string(path)));
}

std::string_view DestText(DestKind dest) {
  switch (dest) {
    case DestKind::kData:
      return "data backup";
    case DestKind::kArchive:
      return "log archive";
    case DestKind::kDataOrArchive:
      return "data backup or log archive";
    case DestKind::kClusterParameter:
      return "cluster parameter backup";
    case DestKind::kAny:
      return "any";
  }
  return "unknown";
}

}  // namespace

const PathFacts& Facts(PathKind kind) { return RowOf(kind).facts; }

bool IsPrintable(const BackupPath& path) { return TryPrint(path).has_value(); }

std::string Print(const BackupPath& path) {
  std::optional<std::string> text = TryPrint(path);
  assert(text);
  return text ? *std::move(text) : std::string();
}

std::string PrintInSet(const BackupPath& path) {
  std::string text = Print(path);
  const std::size_t slash = text.find('/');
  assert(text.starts_with("backup_set_") && slash != std::string::npos);
  return slash == std::string::npos ? std::string() : text.substr(slash + 1);
}

Result<BackupPath> ParseBackupPath(std::string_view relative_path, DestKind dest) {
  PathValues set;
  const PathMatch prefix = kComplementLog.Match(relative_path, set);
  const std::size_t begin = prefix.complete ? prefix.consumed : 0;
  PathValues values;
  const DestKind admitted = prefix.complete ? DestKind::kArchive : DestKind::kAny;
  const auto search = FindRow(std::span<const Row>(kRows), relative_path.substr(begin), values,
                              [&](const Row& row) { return Overlap(row.facts.dest, admitted); });
  if (search.row == nullptr) return Misfit(relative_path, begin + search.misfit);

  const DestKind home = prefix.complete ? DestKind::kData : search.row->facts.dest;
  if (!Overlap(home, dest)) {
    return Fail(Error(ErrorCode::kInvalidData,
                      fmt::format("this is a name of a {} destination, not of a {} destination",
                                  DestText(home), DestText(dest)))
                    .WithPath(std::string(relative_path)));
  }
  BackupPath path = FromValues(search.row->kind, values);
  if (prefix.complete) {
    path.in_complement_log = true;
    FromRaw(set.Get(kSet), path.set);
    FromRaw(set.Get(kSetKind), path.set_kind);
  }
  return path;
}

Result<std::string> JoinRoot(std::string_view root, std::string_view relative_path) {
  // OB_MAX_BACKUP_PATH_LENGTH, which counts the terminating zero.
  constexpr std::size_t kMaxPathLength = 1024;
  std::string_view stripped = root;
  while (stripped.ends_with('/')) stripped.remove_suffix(1);
  if (root.empty() || (stripped.ends_with(':') && root.substr(stripped.size()).starts_with("//"))) {
    return Fail(
        Error(ErrorCode::kInvalidArgument, "the root has no path").WithPath(std::string(root)));
  }
  std::string path = fmt::format("{}/{}", stripped, relative_path);
  if (path.size() >= kMaxPathLength) {
    return Fail(Error(ErrorCode::kSizeOverflow,
                      fmt::format("a path of {} bytes is too long, {} are allowed", path.size(),
                                  kMaxPathLength - 1))
                    .WithPath(std::move(path)));
  }
  return path;
}

Result<std::string> JoinRoot(std::string_view root, const BackupPath& path) {
  const std::optional<std::string> text = TryPrint(path);
  if (!text) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a value of {} can't stand in a path", RowOf(path.kind).facts.pattern));
  }
  return JoinRoot(root, *text);
}

std::string Describe(const BackupPath& path) {
  const Row& row = RowOf(path.kind);
  const PathValues values = ToValues(path);
  std::string list;
  std::bitset<kSlotCount> told;
  const auto tell = [&](const PathVariable& variable) {
    if (told[variable.slot]) return;
    told.set(variable.slot);
    const auto value = PrintVariable(variable, values.Get(variable.slot));
    fmt::format_to(std::back_inserter(list), "{}{} {}", list.empty() ? "" : ", ", variable.name,
                   value ? *value : "?");
  };
  if (path.in_complement_log) kComplementLog.ForEachVariable(tell);
  row.pattern.ForEachVariable(tell);
  return fmt::format("{}{}{}", row.facts.meaning, path.in_complement_log ? ", complement log" : "",
                     list.empty() ? "" : fmt::format(" ({})", list));
}

NameClass ClassifyByName(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::size_t> begins;  // of the components, the longest end first
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '/' && (i == 0 || path[i - 1] == '/')) begins.push_back(i);
  }
  // No path of a destination has more components than this.
  constexpr std::size_t kDeepest = 7;
  if (begins.size() > kDeepest) begins.erase(begins.begin(), begins.end() - kDeepest);

  for (const std::size_t begin : begins) {
    if (const auto parsed = ParseBackupPath(path.substr(begin))) {
      return {.offset = begin, .whole = true, .candidates = {*parsed}};
    }
  }
  NameClass result;
  for (std::size_t i = 0; i < begins.size() && result.candidates.empty(); ++i) {
    const std::string_view tail = path.substr(begins[i]);
    const std::size_t components = begins.size() - i;
    result.offset = begins[i];
    for (const Row& row : kRows) {
      if (row.pattern.components() <= components) continue;
      PathValues values;
      const PathMatch match =
          row.pattern.Match(tail, values, row.pattern.components() - components);
      if (match.complete && match.consumed == tail.size()) {
        result.candidates.push_back(FromValues(row.kind, values));
      }
    }
  }
  return result;
}

}  // namespace obbak::format
