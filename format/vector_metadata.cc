#include <fmt/format.h>

#include <string>

#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/destination_records.h"
#include "format/later_records.h"
#include "format/ls_meta_records.h"
#include "format/vector_checks.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

template <class R>
void AddRecord(VectorChecks& checks, std::string_view name) {
  checks.Add(fmt::format("Ob{}", name), CheckRecordVector<R>);
}

template <class R>
void AddFile(VectorChecks& checks, std::string_view name) {
  AddRecord<R>(checks, name);
  checks.Add(fmt::format("file:Ob{}", name), CheckFileVector<R>);
}

}  // namespace

Status ExpectEveryByteNamed(const Dissection& dissection, std::size_t size) {
  std::size_t at = 0;
  for (const Segment& segment : Segments(dissection)) {
    const Field& field = dissection.fields()[segment.field];
    if (segment.begin != at || field.kind == FieldKind::kRecord ||
        field.kind == FieldKind::kArray) {
      return Fail(Error(ErrorCode::kErrUnexpected, "bytes without a name")
                      .WithOffset(at)
                      .WithField(field.name));
    }
    at = segment.end;
  }
  if (at != size) {
    return Fail(
        Error(ErrorCode::kErrUnexpected, "bytes after the last field have no name").WithOffset(at));
  }
  return {};
}

void AddMetadataChecks(VectorChecks& checks) {
  AddRecord<BackupCommonHeader>(checks, "BackupCommonHeader");
  AddRecord<LsAttr>(checks, "LSAttr");
  AddRecord<LsMetaPackage>(checks, "LSMetaPackage");
  AddFile<BackupFormatDesc>(checks, "BackupFormatDesc");
  AddFile<BackupCheckDesc>(checks, "BackupCheckDesc");
  AddFile<ExternBackupSetPlaceholderDesc>(checks, "ExternBackupSetPlaceholderDesc");
  AddFile<ExternBackupSetInfoDesc>(checks, "ExternBackupSetInfoDesc");
  AddFile<TenantBackupSetInfosDesc>(checks, "TenantBackupSetInfosDesc");
  AddFile<ExternTenantLocalityInfoDesc>(checks, "ExternTenantLocalityInfoDesc");
  AddFile<ExternTenantDiagnoseInfoDesc>(checks, "ExternTenantDiagnoseInfoDesc");
  AddFile<BackupDataLsAttrDesc>(checks, "BackupDataLSAttrDesc");
  AddFile<BackupDataTabletToLsDesc>(checks, "BackupDataTabletToLSDesc");
  AddFile<BackupDeletedTabletToLsDesc>(checks, "BackupDeletedTabletToLSDesc");
  AddFile<BackupLsMetaInfo>(checks, "BackupLSMetaInfo");
  AddFile<BackupLsMetaInfosDesc>(checks, "BackupLSMetaInfosDesc");
  AddFile<RoundStartDesc>(checks, "RoundStartDesc");
  AddFile<RoundEndDesc>(checks, "RoundEndDesc");
  AddFile<PieceStartDesc>(checks, "PieceStartDesc");
  AddFile<PieceEndDesc>(checks, "PieceEndDesc");
  AddFile<PieceInnerPlaceholderDesc>(checks, "PieceInnerPlaceholderDesc");
  AddFile<SinglePieceDesc>(checks, "SinglePieceDesc");
  AddFile<PieceCheckpointDesc>(checks, "PieceCheckpointDesc");
  AddFile<TenantArchivePieceInfosDesc>(checks, "TenantArchivePieceInfosDesc");
  AddFile<SingleLsInfoDesc>(checks, "SingleLSInfoDesc");
  AddFile<PieceInfoDesc>(checks, "PieceInfoDesc");
  AddFile<BackupPartialTableListDesc>(checks, "BackupPartialTableListDesc");
  AddFile<BackupTableListMetaInfoDesc>(checks, "BackupTableListMetaInfoDesc");
  AddFile<ExternParamInfoDesc>(checks, "ExternParamInfoDesc");
}

}  // namespace obbak::format
