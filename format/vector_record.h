// The check of a vector whose struct is a record or a metadata file.
#pragma once

#include "format/common_header.h"
#include "format/dissection_json.h"
#include "format/metadata_file.h"
#include "format/record.h"
#include "format/record_json.h"
#include "format/vector_checks.h"

namespace obbak::format {

// Success when the leaves of `dissection` cover 0..size without gap or overlap.
Status ExpectEveryByteNamed(const Dissection& dissection, std::size_t size);

// fields -> record -> bytes, bytes -> record, bytes -> dissection -> fields, and every byte has a
// name.
template <class R>
Status CheckRecordVector(const Vector& vector) {
  const boost::json::value fields = WriteOutShorthands(vector.fields);
  R expected;
  if (Status status = FromJson(fields, expected); !status) return status;
  if (Status status = ExpectBytes(vector, EncodeRecord(expected)); !status) return status;
  Dissection dissection;
  const Result<R> decoded = DecodeRecord<R>(vector.bytes, &dissection);
  if (!decoded) return Fail(decoded.error());
  if (!(*decoded == expected))
    return Fail(ErrorCode::kInvalidData, "decoded record differs from the fields");
  if (Status status = ExpectFields(fields, ToJson(dissection, "record")); !status) return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

// The same for a whole file, through the reader and the writer that backup and restore use.
template <class R>
Status CheckFileVector(const Vector& vector) {
  const boost::json::value fields = WriteOutShorthands(vector.fields);
  const boost::json::object* object = fields.if_object();
  const boost::json::value* payload = object->if_contains("payload");
  const boost::json::value* common_header = object->if_contains("common_header");
  if (payload == nullptr || common_header == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                "the vector of a file must have common_header and payload");
  }
  R expected;
  if (Status status = FromJson(*payload, expected); !status) return status;
  if (Status status = ExpectBytes(vector, MetadataFile<R>::Write(expected)); !status) return status;
  const Result<R> read = MetadataFile<R>::Read(vector.bytes);
  if (!read) return Fail(read.error());
  if (!(*read == expected))
    return Fail(ErrorCode::kInvalidData, "read record differs from the fields");
  const Inspection inspection = MetadataFile<R>::Inspect(vector.bytes);
  if (Status status = ExpectFields(*common_header, ToJson(inspection.dissection, "header"));
      !status)
    return status;
  if (Status status = ExpectFields(*payload, ToJson(inspection.dissection, "payload")); !status)
    return status;
  return ExpectEveryByteNamed(inspection.dissection, vector.bytes.size());
}

}  // namespace obbak::format
