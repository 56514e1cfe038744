// The multi-data-source state of a tablet: who created, dropped, transferred or bound it.
// docs/spec/system-data.md §1.7, docs/spec/backup-data-files.md §11.2.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>

#include "format/field_types.h"
#include "format/ids.h"
#include "format/tablet_mds_data.h"
#include "format/tx_ids.h"

namespace obbak::format {

// ObTabletStatus.
enum class TabletStatus : std::uint8_t {
  kCreating = 0,
  kNormal = 1,
  kDeleting = 2,
  kDeleted = 3,
  kTransferOut = 4,
  kTransferIn = 5,
  kTransferOutDeleted = 6,
};
constexpr auto EnumNames(TabletStatus) {
  return std::to_array<NamedValue<TabletStatus>>(
      {{TabletStatus::kCreating, "CREATING"},
       {TabletStatus::kNormal, "NORMAL"},
       {TabletStatus::kDeleting, "DELETING"},
       {TabletStatus::kDeleted, "DELETED"},
       {TabletStatus::kTransferOut, "TRANSFER_OUT"},
       {TabletStatus::kTransferIn, "TRANSFER_IN"},
       {TabletStatus::kTransferOutDeleted, "TRANSFER_OUT_DELETED"}});
}

// ObTabletMdsUserDataType: which change gave a tablet its status.
enum class TabletMdsUserDataType : std::int32_t {
  kNone = 0,
  kCreateTablet = 1,
  kRemoveTablet = 2,
  kStartTransferOut = 3,
  kStartTransferIn = 4,
  kFinishTransferOut = 5,
  kFinishTransferIn = 6,
  kStartTransferOutPrepare = 7,
};
constexpr auto EnumNames(TabletMdsUserDataType) {
  using enum TabletMdsUserDataType;
  return std::to_array<NamedValue<TabletMdsUserDataType>>(
      {{kNone, "NONE"},
       {kCreateTablet, "CREATE_TABLET"},
       {kRemoveTablet, "REMOVE_TABLET"},
       {kStartTransferOut, "START_TRANSFER_OUT"},
       {kStartTransferIn, "START_TRANSFER_IN"},
       {kFinishTransferOut, "FINISH_TRANSFER_OUT"},
       {kFinishTransferIn, "FINISH_TRANSFER_IN"},
       {kStartTransferOutPrepare, "START_TRANSFER_OUT_PREPARE"}});
}

// ObTabletCreateDeleteMdsUserData.
struct TabletCreateDeleteMdsUserData {
  RawByte<TabletStatus> tablet_status{TabletStatus::kNormal};
  Scn transfer_scn;
  LsId transfer_ls_id;
  TabletMdsUserDataType data_type = TabletMdsUserDataType::kNone;
  Scn create_commit_scn;
  std::int64_t create_commit_version = -1;
  Scn delete_commit_scn;
  std::int64_t delete_commit_version = -1;
  std::int64_t transfer_out_commit_version = -1;
  bool operator==(const TabletCreateDeleteMdsUserData&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletCreateDeleteMdsUserData, (),
                      (tablet_status, transfer_scn, transfer_ls_id, data_type, create_commit_scn,
                       create_commit_version, delete_commit_scn, delete_commit_version,
                       transfer_out_commit_version))

// ObTabletBindingMdsUserData: the tablets that belong to a data tablet.
struct TabletBindingMdsUserData {
  bool redefined = false;
  std::int64_t snapshot_version = 0x7FFFFFFFFFFFFFFF;
  std::int64_t schema_version = 0x7FFFFFFFFFFFFFFF;
  TabletId data_tablet_id;
  TabletId hidden_tablet_id;
  TabletId lob_meta_tablet_id;
  TabletId lob_piece_tablet_id;
  bool operator==(const TabletBindingMdsUserData&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletBindingMdsUserData, (),
                      (redefined, snapshot_version, schema_version, data_tablet_id,
                       hidden_tablet_id, lob_meta_tablet_id, lob_piece_tablet_id))

// Units of the tablets' MDS table (table id 1).
inline constexpr std::uint8_t kTabletMdsTable = 1;
inline constexpr std::uint8_t kTabletStatusUnit = 0;
inline constexpr std::uint8_t kTabletBindingUnit = 1;
// MdsDumpNode::status of a node that is in a tablet's meta.
inline constexpr std::uint32_t kMdsStatusCommitted = 0x130101;
inline constexpr std::uint32_t kMdsStatusUncommitted = 0x100101;

// What crc_check_number of a key and a node must be, unless it is MdsDumpNode::kUnchecked (§1.7).
std::uint32_t MdsChecksum(const MdsDumpKey& key);
std::uint32_t MdsChecksum(const MdsDumpNode& node);

// The committed pair of a tablet's status or binding, with its checksums. `user_data` is the
// encoding of one of the records above.
MdsDumpKv CommittedMdsKv(std::uint8_t unit, TxId writer, Scn redo_scn, Scn end_scn,
                         Scn trans_version, std::string user_data);

}  // namespace obbak::format
