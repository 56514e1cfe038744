#include "format/metadata_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/common_header.h"
#include "format/crc32c.h"
#include "format/destination_records.h"
#include "format/later_records.h"
#include "format/ls_meta_records.h"
#include "format/record.h"
#include "format/rules.h"

namespace obbak::format {
namespace {

constexpr std::size_t kHeaderSize = BackupCommonHeader::kSize;

// Collects what is wrong, with the offset that the dissection knows for a field.
class Findings {
 public:
  explicit Findings(Inspection& inspection) : inspection_(inspection) {}

  void Require(bool holds, ErrorCode code, std::string_view field, std::string message) {
    if (holds) return;
    Error error = Error(code, std::move(message)).WithField(std::string(field));
    if (const Field* node = inspection_.dissection.Find(field))
      error = std::move(error).WithOffset(node->begin);
    inspection_.findings.push_back(std::move(error));
  }
  void Add(Error error) { inspection_.findings.push_back(std::move(error)); }

 private:
  Inspection& inspection_;
};

// The checks of the header that need no payload (§4.3, §4.4), in the reference's order, then the
// stricter ones.
void CheckHeader(const BackupCommonHeader& header, const MetadataHeaderSpec& spec,
                 std::size_t file_size, Findings& findings) {
  const auto expect = [&](auto found, auto expected, ErrorCode code, std::string_view field) {
    findings.Require(found == expected, code, field,
                     fmt::format("is {}, expected {}", found, expected));
  };
  const std::int16_t checksum = header.ComputeChecksum();
  findings.Require(header.header_checksum == checksum, ErrorCode::kChecksumError,
                   "header.header_checksum",
                   fmt::format("is {:#06x}, the header's fields give {:#06x}",
                               static_cast<std::uint16_t>(header.header_checksum),
                               static_cast<std::uint16_t>(checksum)));
  const auto available = static_cast<std::int64_t>(file_size - kHeaderSize);
  findings.Require(
      header.data_zlength >= 0 && header.data_zlength <= available, ErrorCode::kInvalidArgument,
      "header.data_zlength",
      fmt::format("is {}, the file has {} bytes after the header", header.data_zlength, available));
  expect(header.data_type, static_cast<std::uint16_t>(spec.data_type), ErrorCode::kInvalidData,
         "header.data_type");
  expect(header.data_version, spec.data_version, ErrorCode::kVersionNotMatch,
         "header.data_version");
  expect(header.header_version, BackupCommonHeader::kHeaderVersion, ErrorCode::kInvalidError,
         "header.header_version");
  expect(header.compressor_type, spec.compressor_type, ErrorCode::kInvalidError,
         "header.compressor_type");
  expect(header.header_length, static_cast<std::int16_t>(kHeaderSize), ErrorCode::kInvalidError,
         "header.header_length");
  expect(header.padding, std::uint32_t{0}, ErrorCode::kInvalidError, "header.padding");
  expect(header.data_length, header.data_zlength, ErrorCode::kInvalidError, "header.data_length");
  expect(header.align_length, std::int64_t{0}, ErrorCode::kInvalidError, "header.align_length");
}

// Decodes header and payload and makes every check. Null unless the payload could be decoded.
template <class R>
std::optional<R> InspectFile(ByteView file, Inspection& inspection) {
  Findings findings(inspection);
  if (file.size() < kHeaderSize) {
    findings.Add(
        Error(ErrorCode::kInvalidArgument,
              fmt::format("file of {} bytes is shorter than the {}-byte common header", file.size(),
                          kHeaderSize))
            .WithOffset(file.size())
            .WithAdvice(file.empty() ? "an empty file is what an interrupted copy leaves" : ""));
  }
  BackupCommonHeader header;
  {
    Decoder in(file, &inspection.dissection);
    DecodeField(in, "header", header);
    if (!in.ok()) return std::nullopt;
  }
  CheckHeader(header, R::kFile, file.size(), findings);

  const std::size_t available = file.size() - kHeaderSize;
  const std::size_t payload_size =
      header.data_zlength < 0 ? available
                              : std::min(available, static_cast<std::size_t>(header.data_zlength));
  const std::size_t end = kHeaderSize + payload_size;
  const std::uint64_t checksum = Crc64(file.subspan(kHeaderSize, payload_size));
  findings.Require(
      checksum == static_cast<std::uint64_t>(header.data_checksum), ErrorCode::kChecksumError,
      "header.data_checksum",
      fmt::format("is {:#x}, the payload's {} bytes give {:#x}",
                  static_cast<std::uint64_t>(header.data_checksum), payload_size, checksum));

  R record;
  Decoder in(file.first(end), &inspection.dissection, kHeaderSize);
  DecodeField(in, "payload", record);
  if (Status status = in.status(); !status) {
    findings.Add(std::move(status).error());
    return std::nullopt;
  }
  if (in.position() < end) {
    inspection.dissection.AddFraming("unknown", in.position(), end, "payload behind the record");
  }
  if (end < file.size())
    inspection.dissection.AddFraming("extra", end, file.size(), "bytes after the payload");

  Rules rules;
  CheckRules(record, rules);
  AppendViolations(rules.violations(), "payload", ErrorCode::kErrUnexpected, &inspection.dissection,
                   inspection.findings);
  return record;
}

}  // namespace

template <class R>
Result<Bytes> MetadataFile<R>::Write(const R& record) {
  Rules rules;
  CheckRules(record, rules);
  if (Status status = rules.ToStatus(ErrorCode::kInvalidArgument); !status) {
    return Fail(std::move(status).error());
  }
  Result<Bytes> payload = EncodeRecord(record);
  if (!payload) return payload;
  Encoder out;
  EncodeValue(out, BackupCommonHeader::ForPayload(static_cast<std::uint16_t>(R::kFile.data_type),
                                                  R::kFile.data_version, R::kFile.compressor_type,
                                                  *payload));
  out.Raw(*payload);
  return std::move(out).Finish();
}

template <class R>
Result<R> MetadataFile<R>::Read(ByteView file) {
  Inspection inspection;
  std::optional<R> record = InspectFile<R>(file, inspection);
  if (!inspection.findings.empty()) return Fail(std::move(inspection.findings.front()));
  return std::move(*record);
}

template <class R>
Inspection MetadataFile<R>::Inspect(ByteView file) {
  Inspection inspection;
  InspectFile<R>(file, inspection);
  return inspection;
}

template struct MetadataFile<BackupFormatDesc>;
template struct MetadataFile<BackupCheckDesc>;
template struct MetadataFile<ExternBackupSetPlaceholderDesc>;
template struct MetadataFile<ExternBackupSetInfoDesc>;
template struct MetadataFile<TenantBackupSetInfosDesc>;
template struct MetadataFile<ExternTenantLocalityInfoDesc>;
template struct MetadataFile<ExternTenantDiagnoseInfoDesc>;
template struct MetadataFile<BackupDataLsAttrDesc>;
template struct MetadataFile<BackupDataTabletToLsDesc>;
template struct MetadataFile<BackupDeletedTabletToLsDesc>;
template struct MetadataFile<BackupLsMetaInfo>;
template struct MetadataFile<BackupLsMetaInfosDesc>;
template struct MetadataFile<RoundStartDesc>;
template struct MetadataFile<RoundEndDesc>;
template struct MetadataFile<PieceStartDesc>;
template struct MetadataFile<PieceEndDesc>;
template struct MetadataFile<PieceInnerPlaceholderDesc>;
template struct MetadataFile<SinglePieceDesc>;
template struct MetadataFile<PieceCheckpointDesc>;
template struct MetadataFile<TenantArchivePieceInfosDesc>;
template struct MetadataFile<SingleLsInfoDesc>;
template struct MetadataFile<PieceInfoDesc>;
template struct MetadataFile<BackupPartialTableListDesc>;
template struct MetadataFile<BackupTableListMetaInfoDesc>;
template struct MetadataFile<ExternParamInfoDesc>;

std::span<const MetadataFileType> MetadataFileTypes() {
  const auto type = []<class R>(std::string_view name, std::type_identity<R>) {
    return MetadataFileType{
        .record = name, .header = R::kFile, .inspect = &MetadataFile<R>::Inspect};
  };
  static const std::array kTypes = {
      type("BackupFormatDesc", std::type_identity<BackupFormatDesc>()),
      type("BackupCheckDesc", std::type_identity<BackupCheckDesc>()),
      type("ExternBackupSetPlaceholderDesc", std::type_identity<ExternBackupSetPlaceholderDesc>()),
      type("ExternBackupSetInfoDesc", std::type_identity<ExternBackupSetInfoDesc>()),
      type("TenantBackupSetInfosDesc", std::type_identity<TenantBackupSetInfosDesc>()),
      type("ExternTenantLocalityInfoDesc", std::type_identity<ExternTenantLocalityInfoDesc>()),
      type("ExternTenantDiagnoseInfoDesc", std::type_identity<ExternTenantDiagnoseInfoDesc>()),
      type("BackupDataLSAttrDesc", std::type_identity<BackupDataLsAttrDesc>()),
      type("BackupDataTabletToLSDesc", std::type_identity<BackupDataTabletToLsDesc>()),
      type("BackupDeletedTabletToLSDesc", std::type_identity<BackupDeletedTabletToLsDesc>()),
      type("BackupLSMetaInfo", std::type_identity<BackupLsMetaInfo>()),
      type("BackupLSMetaInfosDesc", std::type_identity<BackupLsMetaInfosDesc>()),
      type("RoundStartDesc", std::type_identity<RoundStartDesc>()),
      type("RoundEndDesc", std::type_identity<RoundEndDesc>()),
      type("PieceStartDesc", std::type_identity<PieceStartDesc>()),
      type("PieceEndDesc", std::type_identity<PieceEndDesc>()),
      type("PieceInnerPlaceholderDesc", std::type_identity<PieceInnerPlaceholderDesc>()),
      type("SinglePieceDesc", std::type_identity<SinglePieceDesc>()),
      type("PieceCheckpointDesc", std::type_identity<PieceCheckpointDesc>()),
      type("TenantArchivePieceInfosDesc", std::type_identity<TenantArchivePieceInfosDesc>()),
      type("SingleLSInfoDesc", std::type_identity<SingleLsInfoDesc>()),
      type("PieceInfoDesc", std::type_identity<PieceInfoDesc>()),
      type("BackupPartialTableListDesc", std::type_identity<BackupPartialTableListDesc>()),
      type("BackupTableListMetaInfoDesc", std::type_identity<BackupTableListMetaInfoDesc>()),
      type("ExternParamInfoDesc", std::type_identity<ExternParamInfoDesc>()),
  };
  return kTypes;
}

const MetadataFileType* FindMetadataFileType(std::string_view record) {
  for (const MetadataFileType& type : MetadataFileTypes()) {
    if (type.record == record) return &type;
  }
  return nullptr;
}

std::vector<const MetadataFileType*> RecognizeMetadataFile(ByteView file) {
  std::vector<const MetadataFileType*> same_type;
  std::vector<const MetadataFileType*> accepting;
  if (file.size() < kHeaderSize) return same_type;
  const auto data_type = static_cast<BackupFileType>(std::to_integer<unsigned>(file[0]) |
                                                     std::to_integer<unsigned>(file[1]) << 8);
  for (const MetadataFileType& type : MetadataFileTypes()) {
    if (type.header.data_type != data_type) continue;
    same_type.push_back(&type);
    if (type.inspect(file).findings.empty()) accepting.push_back(&type);
  }
  return accepting.empty() ? same_type : accepting;
}

}  // namespace obbak::format
