// SEAL_META: the list of parts of a finished file on a medium without append. One record without
// common header or checksum, so readers check it against itself and against the parts.
// docs/spec/layout.md §6.4.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/field_types.h"
#include "format/inspection.h"
#include "format/object_parts.h"
#include "format/rules.h"

namespace obbak::format {

// ObStorageObjectMetaType.
enum class StorageObjectMetaType : std::int32_t { kNormal = 0, kDir = 1, kSimulateAppend = 2 };
constexpr auto EnumNames(StorageObjectMetaType) {
  return std::to_array<NamedValue<StorageObjectMetaType>>(
      {{StorageObjectMetaType::kNormal, "NORMAL"},
       {StorageObjectMetaType::kDir, "DIR"},
       {StorageObjectMetaType::kSimulateAppend, "SIMULATE_APPEND"}});
}

struct StorageObjectMeta {
  Enveloped<std::uint64_t> length;  // of the logical file: the end of its last part
  StorageObjectMetaType type = StorageObjectMetaType::kSimulateAppend;
  std::vector<ObjectPart> parts;  // cleaned: starts and ends strictly increase
  bool operator==(const StorageObjectMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(StorageObjectMeta, (), (length, type, parts))
void CheckRules(const StorageObjectMeta& meta, Rules& rules);

// The bytes of the SEAL_META object. Fails when the list breaks a rule.
Result<Bytes> WriteSealMeta(const StorageObjectMeta& meta);
// The list, if it fulfils all rules.
Result<StorageObjectMeta> ReadSealMeta(ByteView object);
// Top-level node "payload".
Inspection InspectSealMeta(ByteView object);
// Top-level node "content"; the nine bytes of kFormatMetaContent are all that is allowed.
Inspection InspectFormatMeta(ByteView object);

}  // namespace obbak::format
