// ObITable::TableKey: which SSTable. docs/spec/backup-data-files.md §10.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>

#include "format/field_types.h"
#include "format/ids.h"
#include "format/rules.h"

namespace obbak::format {

// ObITable::TableType.
enum class ITableType : std::int32_t {
  kMajor = 10,
  kMinor = 11,
  kMini = 12,
  kMetaMajor = 13,
  kDdlDump = 14,
  kRemoteLogicalMinor = 15,
  kDdlMem = 16,
  kColumnOriented = 17,
  kNormalColumnGroup = 18,
  kRowkeyColumnGroup = 19,
  kColumnOrientedMeta = 20,
  kDdlMergeCo = 21,
  kDdlMergeCg = 22,
  kDdlMemCo = 23,
  kDdlMemCg = 24,
};
constexpr auto EnumNames(ITableType) {
  return std::to_array<NamedValue<ITableType>>({{ITableType::kMajor, "MAJOR"},
                                                {ITableType::kMinor, "MINOR"},
                                                {ITableType::kMini, "MINI"},
                                                {ITableType::kMetaMajor, "META_MAJOR"},
                                                {ITableType::kDdlDump, "DDL_DUMP"},
                                                {ITableType::kRemoteLogicalMinor, "REMOTE_MINOR"},
                                                {ITableType::kDdlMem, "DDL_MEM"},
                                                {ITableType::kColumnOriented, "CO_MAJOR"},
                                                {ITableType::kNormalColumnGroup, "CG_MAJOR"},
                                                {ITableType::kRowkeyColumnGroup, "ROWKEY_MAJOR"},
                                                {ITableType::kColumnOrientedMeta, "CO_META"},
                                                {ITableType::kDdlMergeCo, "DDL_MERGE_CO"},
                                                {ITableType::kDdlMergeCg, "DDL_MERGE_CG"},
                                                {ITableType::kDdlMemCo, "DDL_MEM_CO"},
                                                {ITableType::kDdlMemCg, "DDL_MEM_CG"}});
}
// MAJOR and the three kinds of column store majors: the SCN slots of their key are versions.
constexpr bool IsMajor(ITableType type) {
  return type == ITableType::kMajor || type == ITableType::kColumnOriented ||
         type == ITableType::kNormalColumnGroup || type == ITableType::kRowkeyColumnGroup;
}

// share::ObScnRange; of a major: base_version and snapshot_version.
struct ScnRange {
  Scn start_scn{kMinScn};
  Scn end_scn{kMinScn};
  bool operator==(const ScnRange&) const = default;
};
BOOST_DESCRIBE_STRUCT(ScnRange, (), (start_scn, end_scn))

struct TableKey {
  TabletId tablet_id;
  ScnRange scn_range;
  std::uint16_t column_group_idx = 0;
  ITableType table_type = ITableType::kMajor;

  Scn snapshot_version() const { return scn_range.end_scn; }
  bool operator==(const TableKey&) const = default;
};
BOOST_DESCRIBE_STRUCT(TableKey, (), (tablet_id, scn_range, column_group_idx, table_type))
void CheckRules(const TableKey& key, Rules& rules);

}  // namespace obbak::format
