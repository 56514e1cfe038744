// RecordLayout: how the fields of a record are framed. Split from format/record.h so that a
// record's declaration does not pull in the codec.
#pragma once

namespace obbak::format {

enum class RecordLayout {
  kEnveloped,           // version, 5-byte length, fields by Codec; the default
  kBare,                // fields by Codec, no frame
  kCompatible,          // version, 5-byte length, bits that say which fields follow, those fields
  kPackedBigEndian,     // fixed widths without gaps
  kPackedLittleEndian,  // fixed widths without gaps; padding is a field
};

}  // namespace obbak::format
