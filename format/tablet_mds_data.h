// ObTabletFullMemoryMdsData: the multi-data-source state inside a tablet's meta.
// docs/spec/backup-data-files.md §11.2, docs/spec/system-data.md §1.7.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "format/field_types.h"
#include "format/ids.h"
#include "format/record_layout.h"
#include "format/storage_schema.h"

namespace obbak::format {

// mds::MdsDumpKey. An absent pair has ids 255.
struct MdsDumpKey {
  std::uint8_t mds_table_id = 255;
  std::uint8_t mds_unit_id = 255;
  // Uninitialised memory in the reference writer for an absent pair; never checked then.
  std::uint32_t crc_check_number = std::numeric_limits<std::uint32_t>::max();
  std::string key;
  bool operator==(const MdsDumpKey&) const = default;
};
BOOST_DESCRIBE_STRUCT(MdsDumpKey, (), (mds_table_id, mds_unit_id, crc_check_number, key))

// mds::MdsDumpNode.
struct MdsDumpNode {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  static constexpr std::uint32_t kUnchecked = std::numeric_limits<std::uint32_t>::max();

  std::uint64_t version = 1;
  std::uint8_t mds_table_id = 255;
  std::uint8_t mds_unit_id = 255;
  std::int64_t writer_id = -1;  // the transaction
  std::int64_t seq_no = -1;
  Scn redo_scn;
  Scn end_scn;
  Scn trans_version;
  Enveloped<std::uint32_t> status;  // [0..3] node, [8..15] writer, [16..19] state, [20] dumped
  std::uint32_t crc_check_number = kUnchecked;
  std::string user_data;  // a record of its own; empty when the pair is absent
  bool operator==(const MdsDumpNode&) const = default;
};
BOOST_DESCRIBE_STRUCT(MdsDumpNode, (),
                      (version, mds_table_id, mds_unit_id, writer_id, seq_no, redo_scn, end_scn,
                       trans_version, status, crc_check_number, user_data))

// mds::MdsDumpKV. A default one is what stands for an absent pair.
struct MdsDumpKv {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;

  std::uint64_t version = 1;
  MdsDumpKey k;
  MdsDumpNode v;
  bool operator==(const MdsDumpKv&) const = default;
};
BOOST_DESCRIBE_STRUCT(MdsDumpKv, (), (version, k, v))

// share::ObTabletAutoincSeq's interval.
struct TabletAutoIncInterval {
  TabletId tablet_id;
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  bool operator==(const TabletAutoIncInterval&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletAutoIncInterval, (), (tablet_id, start, end))

// ObTabletFullMemoryMdsData, without a wrapper.
struct TabletMdsData {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;

  MdsDumpKv tablet_status_uncommitted_kv;
  MdsDumpKv tablet_status_committed_kv;
  MdsDumpKv aux_tablet_info_uncommitted_kv;
  MdsDumpKv aux_tablet_info_committed_kv;
  MediumInfoList medium_info_list;
  Enveloped<std::vector<TabletAutoIncInterval>> auto_inc_seq;
  bool operator==(const TabletMdsData&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletMdsData, (),
                      (tablet_status_uncommitted_kv, tablet_status_committed_kv,
                       aux_tablet_info_uncommitted_kv, aux_tablet_info_committed_kv,
                       medium_info_list, auto_inc_seq))

}  // namespace obbak::format
