#include "format/inspect_file.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "format/metadata_file.h"
#include "format/schema_meta_file.h"
#include "format/storage_object_meta.h"

namespace obbak::format {
namespace {

// The kinds of names whose content is a metadata file, and the record it holds.
struct KindOfRecord {
  PathKind kind;
  std::string_view record;
};
constexpr KindOfRecord kRecords[] = {
    {PathKind::kFormatFile, "BackupFormatDesc"},
    {PathKind::kConnectFile, "BackupCheckDesc"},
    {PathKind::kBackupSetStart, "ExternBackupSetPlaceholderDesc"},
    {PathKind::kBackupSetEndSuccess, "ExternBackupSetPlaceholderDesc"},
    {PathKind::kBackupSetEndFailed, "ExternBackupSetPlaceholderDesc"},
    {PathKind::kBackupSetInnerMark, "ExternBackupSetPlaceholderDesc"},
    {PathKind::kSingleBackupSetInfo, "ExternBackupSetInfoDesc"},
    {PathKind::kTenantBackupSetInfos, "TenantBackupSetInfosDesc"},
    {PathKind::kLocalityInfo, "ExternTenantLocalityInfoDesc"},
    {PathKind::kDiagnoseInfo, "ExternTenantDiagnoseInfoDesc"},
    {PathKind::kTenantParameter, "ExternParamInfoDesc"},
    {PathKind::kDeletedTabletInfo, "BackupDeletedTabletToLSDesc"},
    {PathKind::kLsAttrInfo, "BackupDataLSAttrDesc"},
    {PathKind::kLsMetaInfos, "BackupLSMetaInfosDesc"},
    {PathKind::kMetaTabletLsInfo, "BackupDataTabletToLSDesc"},
    {PathKind::kTableListPart, "BackupPartialTableListDesc"},
    {PathKind::kTableListMeta, "BackupTableListMetaInfoDesc"},
    {PathKind::kTabletLsInfo, "BackupDataTabletToLSDesc"},
    {PathKind::kTabletLsInfo41, "BackupDataTabletToLSDesc"},
    {PathKind::kSysTabletLsInfo, "BackupDataTabletToLSDesc"},
    {PathKind::kLsMetaInfo, "BackupLSMetaInfo"},
    {PathKind::kRoundStart, "RoundStartDesc"},
    {PathKind::kRoundEnd, "RoundEndDesc"},
    {PathKind::kPieceStart, "PieceStartDesc"},
    {PathKind::kPieceEnd, "PieceEndDesc"},
    {PathKind::kPieceInnerMark, "PieceInnerPlaceholderDesc"},
    {PathKind::kSinglePieceInfo, "SinglePieceDesc"},
    {PathKind::kTenantArchivePieceInfos, "TenantArchivePieceInfosDesc"},
    {PathKind::kPieceFileInfo, "PieceInfoDesc"},
    {PathKind::kPieceCheckpointInfo, "PieceCheckpointDesc"},
    {PathKind::kLsFileInfo, "SingleLSInfoDesc"},
    {PathKind::kClusterParameter, "ExternParamInfoDesc"},
};

const MetadataFileType* TypeOf(PathKind kind) {
  for (const KindOfRecord& entry : kRecords) {
    if (entry.kind == kind) return FindMetadataFileType(entry.record);
  }
  return nullptr;
}

bool IsBackupSetMark(PathKind kind) {
  const MetadataFileType* type = TypeOf(kind);
  return type != nullptr && type->record == "ExternBackupSetPlaceholderDesc";
}

// A file whose name is its content. Other tools write backup set marks without content too
// (layout.md §1.4).
Inspection InspectEmptyMark(ByteView file) {
  Inspection inspection;
  if (!file.empty()) {
    inspection.dissection.AddFraming("extra", 0, file.size(), "bytes in a file that must be empty");
    inspection.findings.push_back(
        Error(ErrorCode::kInvalidData, fmt::format("must be empty, has {} bytes", file.size()))
            .WithOffset(0));
  }
  return inspection;
}

// Names and contents carry some ids twice; nothing in the bytes protects a file that was put in
// another one's place.
void CompareWithName(const BackupPath& path, Inspection& inspection) {
  Findings findings(inspection);
  const auto expect = [&](std::string_view field, std::uint64_t expected) {
    const Field* node = inspection.dissection.Find(field);
    if (node == nullptr || node->damaged) return;
    findings.Require(ValueText(*node) == fmt::to_string(expected), ErrorCode::kInvalidData, field,
                     fmt::format("is {}, the file's name says {}", ValueText(*node), expected));
  };
  const auto number = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  if (path.tenant != TenantId{}) expect("payload.tenant_id", path.tenant.value);
  if (path.set != BackupSetId{}) {
    expect("payload.backup_set_file.backup_set_id", number(path.set.value));
    expect("payload.backup_set_id", number(path.set.value));
  }
  if (path.ls != LsId{}) {
    expect("payload.ls_id", number(path.ls.value));
    expect("payload.ls_meta_package.ls_meta.ls_id", number(path.ls.value));
  }
  // Below complement_log/ the names carry the data destination's id, the contents that of the
  // archive (layout.md §2.4).
  if (path.dest != DestId{} && !path.in_complement_log) {
    expect("payload.dest_id", number(path.dest.value));
    expect("payload.piece.key.dest_id", number(path.dest.value));
  }
  if (path.round != RoundId{}) {
    expect("payload.round_id", number(path.round.value));
    expect("payload.piece.key.round_id", number(path.round.value));
  }
  if (path.piece != PieceId{}) {
    expect("payload.piece_id", number(path.piece.value));
    expect("payload.piece.key.piece_id", number(path.piece.value));
  }
}

// A file that its name says nothing about: the header decides.
Result<FileReport> InspectByHeader(ByteView file) {
  const std::vector<const MetadataFileType*> types = RecognizeMetadataFile(file);
  if (types.empty()) {
    return Fail(
        Error(ErrorCode::kInvalidData, "neither its name nor its header is that of a backup file")
            .WithAdvice("give the file the name it had in its destination"));
  }
  return FileReport{.kind = std::nullopt,
                    .meaning = "metadata file under a name of its own",
                    .record = types.front()->record,
                    .inspection = types.front()->inspect(file)};
}

// The file as one of the kinds that its name allows; null for kinds that hold no record.
std::optional<FileReport> InspectAs(const BackupPath& path, ByteView file) {
  FileReport report{.kind = path.kind, .meaning = {}, .record = {}, .inspection = {}};
  switch (path.kind) {
    case PathKind::kPieceCheckpointMarker:
    case PathKind::kPieceCheckpointScn:
      report.inspection = InspectEmptyMark(file);
      return report;
    case PathKind::kLogFormatMeta:
    case PathKind::kPermissionFormatMeta:
      report.record = "FORMAT_META";
      report.inspection = InspectFormatMeta(file);
      return report;
    case PathKind::kSchemaMeta:
      report.record = "SchemaMetaFile";
      report.inspection = SchemaMetaFile::Inspect(file);
      return report;
    case PathKind::kLogSealMeta:
    case PathKind::kPermissionSealMeta:
      report.record = "StorageObjectMeta";
      report.inspection = InspectSealMeta(file);
      return report;
    default:
      break;
  }
  const MetadataFileType* type = TypeOf(path.kind);
  if (type == nullptr) return std::nullopt;
  if (file.empty() && IsBackupSetMark(path.kind)) return report;
  report.record = type->record;
  report.inspection = type->inspect(file);
  CompareWithName(path, report.inspection);
  return report;
}

}  // namespace

Result<FileReport> InspectFile(std::string_view path, ByteView file) {
  const NameClass name = ClassifyByName(path);
  if (name.candidates.empty()) return InspectByHeader(file);
  // The kind that fits without a finding, else the first that can be looked into.
  std::optional<FileReport> best;
  for (const BackupPath& candidate : name.candidates) {
    std::optional<FileReport> report = InspectAs(candidate, file);
    if (!report) continue;
    report->meaning = name.whole ? Describe(candidate) : std::string(Facts(candidate.kind).meaning);
    if (report->inspection.findings.empty()) return std::move(*report);
    if (!best) best = std::move(report);
  }
  if (best) return std::move(*best);
  return Fail(ErrorCode::kNotSupported,
              fmt::format("{}: this version cannot take such a file apart",
                          Facts(name.candidates.front().kind).meaning));
}

}  // namespace obbak::format
