#include "format/storage_object_meta.h"

#include <fmt/format.h>

#include <utility>

#include "format/inspect_record.h"

namespace obbak::format {

void CheckRules(const StorageObjectMeta& meta, Rules& rules) {
  rules.Require(meta.type == StorageObjectMetaType::kSimulateAppend, "type",
                "must be 2 (SIMULATE_APPEND)");
  rules.Require(!meta.parts.empty(), "parts", "must not be empty");
  const Status parts = CheckParts(meta.parts);
  rules.Require(parts.has_value(), "parts", parts ? "" : parts.error().message());
  rules.Require(meta.length.value == LogicalLength(meta.parts), "length",
                "must be the end of the last part");
}

Result<Bytes> WriteSealMeta(const StorageObjectMeta& meta) {
  if (Status status = ValidateForWrite(meta); !status) return Fail(std::move(status).error());
  return EncodeRecord(meta);
}

Result<StorageObjectMeta> ReadSealMeta(ByteView object) {
  Inspection inspection;
  Findings findings(inspection);
  std::optional<StorageObjectMeta> meta = InspectRecord<StorageObjectMeta>(object, 0, findings);
  if (!inspection.findings.empty()) return Fail(std::move(inspection.findings.front()));
  return std::move(*meta);
}

Inspection InspectSealMeta(ByteView object) {
  Inspection inspection;
  Findings findings(inspection);
  InspectRecord<StorageObjectMeta>(object, 0, findings);
  return inspection;
}

Inspection InspectFormatMeta(ByteView object) {
  Inspection inspection;
  const std::size_t node = inspection.dissection.Open("content", FieldKind::kValue, 0);
  inspection.dissection.SetValue(node, std::string(AsText(object)), {});
  inspection.dissection.Close(node, object.size());
  Findings(inspection)
      .Require(AsText(object) == kFormatMetaContent, ErrorCode::kInvalidData, "content",
               fmt::format("must be the {} bytes \"{}\"", kFormatMetaContent.size(),
                           kFormatMetaContent));
  return inspection;
}

}  // namespace obbak::format
