// Metadata files: a common header and one record, written and read whole.
// docs/spec/encoding-and-metadata.md §4.4, §11.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/inspection.h"
#include "format/metadata_header_spec.h"

namespace obbak::format {

// Files whose record is R. Defined for every record that has a `kFile` (instantiated in
// metadata_file.cc).
template <class R>
struct MetadataFile {
  // The complete file. Fails when the record breaks one of its own rules, so that nothing invalid
  // is ever written.
  static Result<Bytes> Write(const R& record);

  // The record of a file that passes every check. The error names offset, field and the rule that
  // does not hold.
  static Result<R> Read(ByteView file);

  // All checks, none of which stops the others where they can still be made.
  static Inspection Inspect(ByteView file);
};

// One kind of metadata file, for programs that learn the kind from the file.
struct MetadataFileType {
  std::string_view record;  // the record's name, OceanBase's without `Ob`
  MetadataHeaderSpec header;
  Inspection (*inspect)(ByteView file);
};

// All kinds.
std::span<const MetadataFileType> MetadataFileTypes();

// The kind with that record name, null if there is none.
const MetadataFileType* FindMetadataFileType(std::string_view record);

// The kinds that a file of this header and payload can be: more than one where OceanBase gives two
// kinds the same type and the payload fits both; none when the header is that of no metadata file.
std::vector<const MetadataFileType*> RecognizeMetadataFile(ByteView file);

}  // namespace obbak::format
