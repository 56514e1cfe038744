#include "format/schema_meta_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "format/crc32c.h"
#include "format/log_file_header.h"
#include "format/lsn.h"
#include "format/record.h"

namespace obbak::format {
namespace {

void DecodeItem(Decoder& in, std::int64_t index, std::int16_t meta_version,
                DataDictMetaInfoItem& item) {
  const Decoder::Scope scope(in, index, FieldKind::kRecord);
  VisitFields(item, [&](std::string_view name, auto& field) {
    if (in.ok() && (meta_version >= 2 || name != "end_scn")) DecodeField(in, name, field);
  });
}

void CheckHeader(const DataDictMetaInfoHeader& header, const DataDictMetaInfo& info,
                 std::size_t items_size, Rules& rules) {
  using H = DataDictMetaInfoHeader;
  rules.Require(header.magic == H::kMagic, "magic", "must be 0x4444 (DD)");
  rules.Require(header.meta_version == 1 || header.meta_version == H::kMetaVersion, "meta_version",
                "must be 1 or 2");
  rules.Require(header.data_size == static_cast<std::int64_t>(items_size), "data_size",
                fmt::format("must be the {} bytes of the items", items_size));
  if (info.items.empty()) return;
  rules.Require(header.max_snapshot_scn == info.items.front().snapshot_scn, "max_snapshot_scn",
                "must be that of the first item");
  rules.Require(header.min_snapshot_scn == info.items.back().snapshot_scn, "min_snapshot_scn",
                "must be that of the last item");
}

void CheckBody(const DataDictMetaInfoHeader& header, const DataDictMetaInfo& info, ByteView items,
               Inspection& inspection) {
  const auto add = [&](const Rules& rules, ErrorCode code) {
    AppendViolations(rules.violations(), "body", code, &inspection.dissection, inspection.findings);
  };
  Rules checksum;
  const std::uint64_t expected = Crc64(items);
  checksum.Require(static_cast<std::uint64_t>(header.checksum) == expected, "checksum",
                   fmt::format("the items give {}", expected));
  add(checksum, ErrorCode::kChecksumError);
  Rules rules;
  CheckHeader(header, info, items.size(), rules);
  CheckRules(info, rules);
  add(rules, ErrorCode::kInvalidData);
}

// `file` up to the end of the body, which begins at `begin`.
std::optional<DataDictMetaInfo> InspectBody(ByteView file, std::size_t begin,
                                            Inspection& inspection) {
  DataDictMetaInfoHeader header;
  DataDictMetaInfo info;
  std::size_t items_begin = 0;
  Decoder in(file, &inspection.dissection, begin);
  {
    const Decoder::Scope body(in, "body", FieldKind::kRecord);
    Codec<DataDictMetaInfoHeader>::Decode(in, header);
    items_begin = in.position();
    const Decoder::Scope array(in, "items", FieldKind::kArray);
    for (std::int64_t i = 0; in.ok() && i < header.item_cnt; ++i)
      DecodeItem(in, i, header.meta_version, info.items.emplace_back());
    if (in.ok() && in.remaining() > 0)
      in.Fail(ErrorCode::kInvalidData, in.position(), "bytes are left over after the items");
  }
  if (Status status = in.status(); !status) {
    inspection.findings.push_back(std::move(status).error());
    return std::nullopt;
  }
  info.tenant_id = header.tenant_id;
  CheckBody(header, info, file.subspan(items_begin), inspection);
  return info;
}

std::optional<SchemaMetaFile> InspectFile(ByteView file, Inspection& inspection) {
  const std::optional<LsMetaFileHeader> header =
      HeaderArea<LsMetaFileHeader>::Inspect(file, inspection);
  if (!header || file.size() < kLogFileHeaderArea) return std::nullopt;
  const std::size_t available = file.size() - kLogFileHeaderArea;
  const auto stated = static_cast<std::uint64_t>(std::max<std::int64_t>(header->data_checksum, 0));
  if (stated > available || stated > SchemaMetaFile::kMaxBodySize) {
    inspection.findings.push_back(
        Error(
            ErrorCode::kInvalidData,
            fmt::format("is {}, the file has {} bytes behind the header area, and {} are the most",
                        header->data_checksum, available, SchemaMetaFile::kMaxBodySize))
            .WithField("header.data_checksum")
            .WithOffset(16));
  }
  const std::size_t end = kLogFileHeaderArea + std::min<std::uint64_t>(stated, available);
  std::optional<DataDictMetaInfo> body =
      InspectBody(file.first(end), kLogFileHeaderArea, inspection);
  if (end < file.size()) {
    inspection.dissection.AddFraming("extra", end, file.size(), "bytes after the body");
    inspection.findings.push_back(
        Error(ErrorCode::kInvalidData, "bytes after the body").WithField("extra").WithOffset(end));
  }
  if (!body) return std::nullopt;
  return SchemaMetaFile{.timestamp = header->timestamp, .body = std::move(*body)};
}

}  // namespace

void CheckRules(const DataDictMetaInfo& info, Rules& rules) {
  rules.Require(info.tenant_id != kInvalidTenantId, "tenant_id", "must not be the invalid id");
  rules.Require(
      !info.items.empty() && info.items.size() <= std::numeric_limits<std::int32_t>::max(),
      "item_cnt", "must be above 0");
  for (std::size_t i = 0; i < info.items.size(); ++i) {
    const DataDictMetaInfoItem& item = info.items[i];
    const std::string path = fmt::format("items[{}]", i);
    rules.Require(item.snapshot_scn.IsValid(), path + ".snapshot_scn", "must be a valid SCN");
    rules.Require(i == 0 || item.snapshot_scn < info.items[i - 1].snapshot_scn,
                  path + ".snapshot_scn", "must be older than the item before it");
    rules.Require(item.start_lsn < item.end_lsn, path + ".end_lsn", "must be above start_lsn");
  }
}

Result<Bytes> EncodeDataDictMetaInfo(const DataDictMetaInfo& info) {
  Rules rules;
  CheckRules(info, rules);
  if (Status status = rules.ToStatus(ErrorCode::kInvalidArgument); !status)
    return Fail(std::move(status).error());
  Encoder items;
  for (const DataDictMetaInfoItem& item : info.items) EncodeValue(items, item);
  Encoder out;
  EncodeValue(out,
              DataDictMetaInfoHeader{.tenant_id = info.tenant_id,
                                     .item_cnt = static_cast<std::int32_t>(info.items.size()),
                                     .min_snapshot_scn = info.items.back().snapshot_scn,
                                     .max_snapshot_scn = info.items.front().snapshot_scn,
                                     .data_size = static_cast<std::int64_t>(items.bytes().size()),
                                     .checksum = static_cast<std::int64_t>(Crc64(items.bytes()))});
  out.Raw(items.bytes());
  return std::move(out).Finish();
}

Result<DataDictMetaInfo> DecodeDataDictMetaInfo(ByteView body) {
  Inspection inspection;
  std::optional<DataDictMetaInfo> info = InspectBody(body, 0, inspection);
  if (!inspection.findings.empty()) return Fail(std::move(inspection.findings.front()));
  return std::move(*info);
}

Result<Bytes> SchemaMetaFile::Write() const {
  const Result<Bytes> encoded = EncodeDataDictMetaInfo(body);
  if (!encoded) return encoded;
  if (encoded->size() > kMaxBodySize) {
    return Fail(ErrorCode::kSizeOverflow,
                fmt::format("the body has {} bytes, at most {} are allowed", encoded->size(),
                            kMaxBodySize));
  }
  Result<Bytes> file = HeaderArea<LsMetaFileHeader>::Write(
      {.timestamp = timestamp, .data_checksum = static_cast<std::int64_t>(encoded->size())});
  if (file) file->insert(file->end(), encoded->begin(), encoded->end());
  return file;
}

Result<SchemaMetaFile> SchemaMetaFile::Read(ByteView file) {
  Inspection inspection;
  std::optional<SchemaMetaFile> read = InspectFile(file, inspection);
  if (!inspection.findings.empty()) return Fail(std::move(inspection.findings.front()));
  return std::move(*read);
}

Inspection SchemaMetaFile::Inspect(ByteView file) {
  Inspection inspection;
  InspectFile(file, inspection);
  return inspection;
}

}  // namespace obbak::format
