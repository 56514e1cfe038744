// Files that both destinations have: their identity and the check file.
// docs/spec/encoding-and-metadata.md §6.1, §6.2.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>

#include "format/backup_enums.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/metadata_header_spec.h"
#include "format/rules.h"

namespace obbak::format {

// `format.obbak`: whose destination this is. Written once, never changed (§6.1).
struct BackupFormatDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kFormatFile};

  FixedString<128> cluster_name;
  FixedString<64> tenant_name;
  BackupPathString
      path;  // the destination's root, `root?host=...` on object storage; never credentials
  std::int64_t cluster_id = 0;
  TenantId tenant_id;
  std::int64_t incarnation = 1;
  DestId dest_id;
  VarintEnum<BackupDestType> dest_type;
  Timestamp ts;  // creation

  bool operator==(const BackupFormatDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupFormatDesc, (),
                      (cluster_name, tenant_name, path, cluster_id, tenant_id, incarnation, dest_id,
                       dest_type, ts))
void CheckRules(const BackupFormatDesc& desc, Rules& rules);

// `check_file/<tenant>_connect_file_<time>.obbak`: who has checked that the destination can be
// reached (§6.2).
struct BackupCheckDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kCheckFile};

  FixedString<128> cluster_name;
  FixedString<64> tenant_name;
  BackupPathString path;
  std::int64_t cluster_id = 0;
  TenantId tenant_id;
  std::int64_t incarnation = 1;
  Timestamp ts;

  bool operator==(const BackupCheckDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupCheckDesc, (),
                      (cluster_name, tenant_name, path, cluster_id, tenant_id, incarnation, ts))
void CheckRules(const BackupCheckDesc& desc, Rules& rules);

}  // namespace obbak::format
