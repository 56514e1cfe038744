// Any bytes as any kind of metadata file: what a reader accepts must be written back and accepted
// again, and an inspection must explain every byte it claims to have decoded.
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "cli/dump_view.h"
#include "cli/hex_view.h"
#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/destination_records.h"
#include "format/dissection_json.h"
#include "format/later_records.h"
#include "format/ls_meta_records.h"
#include "format/metadata_file.h"
#include "format/storage_object_meta.h"

namespace {

using obbak::ByteView;
using namespace obbak::format;  // NOLINT(google-build-using-namespace): every record by its name

template <class R>
void ReadWriteRead(ByteView file) {
  const auto record = MetadataFile<R>::Read(file);
  if (!record) return;
  const auto written = MetadataFile<R>::Write(*record);
  if (!written) std::abort();
  const auto again = MetadataFile<R>::Read(*written);
  if (!again || !(*again == *record)) std::abort();
}

void CheckSegments(const Dissection& dissection, std::size_t size) {
  std::size_t at = 0;
  for (const Segment& segment : Segments(dissection)) {
    if (segment.begin < at || segment.end <= segment.begin || segment.end > size) std::abort();
    at = segment.end;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView file = std::as_bytes(std::span(data, size));
  ReadWriteRead<BackupFormatDesc>(file);
  ReadWriteRead<BackupCheckDesc>(file);
  ReadWriteRead<ExternBackupSetInfoDesc>(file);
  ReadWriteRead<TenantBackupSetInfosDesc>(file);
  ReadWriteRead<ExternTenantLocalityInfoDesc>(file);
  ReadWriteRead<ExternTenantDiagnoseInfoDesc>(file);
  ReadWriteRead<BackupDataLsAttrDesc>(file);
  ReadWriteRead<BackupDataTabletToLsDesc>(file);
  ReadWriteRead<BackupDeletedTabletToLsDesc>(file);
  ReadWriteRead<BackupLsMetaInfo>(file);
  ReadWriteRead<BackupLsMetaInfosDesc>(file);
  ReadWriteRead<SinglePieceDesc>(file);
  ReadWriteRead<PieceCheckpointDesc>(file);
  ReadWriteRead<TenantArchivePieceInfosDesc>(file);
  ReadWriteRead<PieceInfoDesc>(file);
  ReadWriteRead<BackupPartialTableListDesc>(file);
  ReadWriteRead<BackupTableListMetaInfoDesc>(file);
  ReadWriteRead<ExternParamInfoDesc>(file);
  for (const MetadataFileType* type : RecognizeMetadataFile(file)) {
    const Inspection inspection = type->inspect(file);
    CheckSegments(inspection.dissection, size);
    ToJson(inspection.dissection);
    obbak::cli::DumpText(type->record, inspection.dissection);
    obbak::cli::HexText(file, inspection.dissection);
  }
  if (const auto meta = ReadSealMeta(file)) {
    if (!WriteSealMeta(*meta)) std::abort();
  }
  CheckSegments(InspectSealMeta(file).dissection, size);
  return 0;
}
