// Metadata files that came after 4.3.0.1 (layout profile 4.3.5). docs/spec/encoding-and-metadata.md
// §10, docs/spec/layout.md §7.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "format/field_types.h"
#include "format/ids.h"
#include "format/metadata_header_spec.h"
#include "format/rules.h"

namespace obbak::format {

// One table of the tenant.
struct BackupTableListItem {
  FixedString<2049> database_name;
  FixedString<2049> table_name;
  bool operator==(const BackupTableListItem&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupTableListItem, (), (database_name, table_name))

// `infos/table_list/table_list.<scn>.<part>.obbak`: tables in order of database, then name.
struct BackupPartialTableListDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kTableListFile};
  std::vector<BackupTableListItem> items;
  bool operator==(const BackupPartialTableListDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupPartialTableListDesc, (), (items))
void CheckRules(const BackupPartialTableListDesc& desc, Rules& rules);

// First and last table of one part.
struct BackupPartialTableListMeta {
  BackupTableListItem start_key;
  BackupTableListItem end_key;
  bool operator==(const BackupPartialTableListMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupPartialTableListMeta, (), (start_key, end_key))

// `infos/table_list/table_list_meta_info.<scn>.obbak`: how many tables in how many parts.
struct BackupTableListMetaInfoDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kTableListMetaFile};
  Scn scn;
  std::int64_t count = 0;
  std::int64_t batch_size = 0;  // tables per part
  std::vector<BackupPartialTableListMeta> partial_metas;
  bool operator==(const BackupTableListMetaInfoDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupTableListMetaInfoDesc, (), (scn, count, batch_size, partial_metas))
void CheckRules(const BackupTableListMetaInfoDesc& desc, Rules& rules);

// One parameter that differs from its default.
struct BackupParam {
  FixedString<129> name;
  std::string value;
  bool operator==(const BackupParam&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupParam, (), (name, value))

// `infos/tenant_parameter.obbak` and, with the sys tenant, `cluster_parameter.<time>.obbak`.
struct ExternParamInfoDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kParametersInfo};
  TenantId tenant_id;
  std::vector<BackupParam> param_array;
  bool operator==(const ExternParamInfoDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(ExternParamInfoDesc, (), (tenant_id, param_array))
void CheckRules(const ExternParamInfoDesc& desc, Rules& rules);

}  // namespace obbak::format
