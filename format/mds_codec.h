// Encoding of multi-data-source payloads inside records; see format/record.h.
// docs/spec/system-data.md §1.3.
#pragma once

#include "format/mds_records.h"
#include "format/record.h"
#include "format/storage_schema_codec.h"
#include "format/tablet_meta_codec.h"

namespace obbak::format {

template <>
struct Codec<FullTableSchema> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 6;
  static void Encode(Encoder&, const FullTableSchema&) {}
  static void Decode(Decoder& in, FullTableSchema&) {
    in.Fail(ErrorCode::kNotSupported, in.position(),
            "full table schemas, as before data version 4.2.2, are not supported");
  }
};

}  // namespace obbak::format
