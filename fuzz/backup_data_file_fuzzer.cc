// Backup data files, tablet_info files and the metas inside them. The first byte chooses; checksums
// keep damage out of the inside of files, so the metas are also fed alone.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "format/backup_data_file.h"
#include "format/backup_inspect.h"
#include "format/sstable_meta.h"
#include "format/tablet_info_file.h"
#include "format/tablet_meta.h"

namespace obbak::format {
namespace {

void Require(bool promise) {
  if (!promise) std::abort();
}

// Parts cover the file without gap; what verification accepts, the reader reads.
void InspectFile(BackupFileKind kind, ByteView file) {
  std::uint64_t at = 0;
  bool clean = true;
  Require(ForEachBlock(kind, RandomAccess::Of(file), {}, [&](const InspectedBlock& block) {
            Require(block.offset == at);
            at += block.bytes.size();
            clean = clean && block.inspection.findings.empty();
            return true;
          }).has_value());
  Require(at == file.size());
  const bool verified = VerifyBackupFile(kind, RandomAccess::Of(file)).has_value();
  Require(verified == (clean && !file.empty()));
  const bool readable =
      kind == BackupFileKind::kData
          ? ReadBackupDataFileIndex(RandomAccess::Of(file)).has_value()
          : ForEachTablet(RandomAccess::Of(file), [](const MigrationTabletParam&) -> Status {
              return {};
            }).has_value();
  Require(readable || !verified);
}

// A record that is accepted is written, and its bytes give it back.
template <class Record>
void RoundTrip(const Result<Record>& record, Result<Record> (*decode)(ByteView, Dissection*)) {
  if (!record) return;
  const Result<Bytes> bytes = EncodeMeta(*record);
  Require(bytes.has_value());
  const Result<Record> again = decode(*bytes, nullptr);
  Require(again.has_value() && *again == *record);
}

template <class Record>
void DecodeRecordAlone(ByteView bytes, Result<Record> (*decode)(ByteView, Dissection*)) {
  Dissection dissection;
  const Result<Record> record = decode(bytes, &dissection);
  Require(record.has_value() == decode(bytes, nullptr).has_value());
  RoundTrip(record, decode);
}

// Records made of the input are found where the writer says.
void WriteFile(ByteView input) {
  Bytes file;
  BackupDataFileWriter writer({.backup_set_id = {1}, .ls_id = {1001}, .turn_id = 1},
                              [&](ByteView bytes) -> Status {
                                file.insert(file.end(), bytes.begin(), bytes.end());
                                return {};
                              });
  std::int64_t seq = 0;
  while (!input.empty() && seq < 64) {
    const std::size_t size =
        std::min(input.size(), std::to_integer<std::size_t>(input[0]) + std::size_t{1});
    const LogicMacroBlockId id{
        .data_seq = {seq++}, .logic_version = 1, .tablet_id = 200001, .info = 0};
    const auto index = writer.AppendMacroBlock(id, input.first(size));
    Require(index.has_value());
    const ByteView payload =
        DecodeMacroRecord(ByteView(file).subspan(static_cast<std::size_t>(index->offset),
                                                 static_cast<std::size_t>(index->length)))
            .value();
    Require(std::ranges::equal(payload, input.first(size)));
    input = input.subspan(size);
  }
  Require(writer.Finish().has_value());
  Require(VerifyBackupFile(BackupFileKind::kData, RandomAccess::Of(file)).has_value());
}

void Run(ByteView input) {
  if (input.empty()) return;
  const int choice = std::to_integer<int>(input[0]) % 6;
  input = input.subspan(1);
  switch (choice) {
    case 0:
      return InspectFile(BackupFileKind::kData, input);
    case 1:
      return InspectFile(BackupFileKind::kTabletInfo, input);
    case 2:
      return DecodeRecordAlone(input, DecodeBackupTabletMeta);
    case 3:
      return DecodeRecordAlone(input, DecodeBackupSstableMetas);
    case 4:
      return DecodeRecordAlone(input, DecodeBackupMacroBlockIdMappingsMeta);
    default:
      return WriteFile(input);
  }
}

}  // namespace
}  // namespace obbak::format

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obbak::format::Run(std::as_bytes(std::span(data, size)));
  return 0;
}
