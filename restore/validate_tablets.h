// Rules 17 to 24 of docs/spec/consistency.md §6: the tablets of a backup set, in tablet_info, in
// the tablet maps and in the indexes.
#pragma once

#include <map>
#include <string>

#include "format/backup_index_records.h"
#include "restore/validate_set.h"

namespace obbak::restore {

// The log stream's inner tablets.
inline constexpr format::TabletId kTxCtxTablet{49401};
inline constexpr format::TabletId kTxDataTablet{49402};
inline constexpr format::TabletId kLockTablet{49403};
constexpr bool IsInner(format::TabletId tablet) {
  return tablet >= kTxCtxTablet && tablet <= kLockTablet;
}

// Which record of a data file an index entry means.
class SetData {
 public:
  // `view` must outlive it; its set has a description.
  explicit SetData(const SetView& view) : view_(&view) {}

  // Null when the file or the record is not there, or damaged.
  const DataFileFacts* File(format::DataType type, const format::BackupDataFileId& id) const;
  const MetaFacts* Meta(format::DataType type, const format::BackupMetaIndex& index) const;

  // The newest attempt's indexes: of the tenant, or for sys data of a log stream; null without any.
  const IndexFacts* Indexes(format::DataType type, format::LsId ls) const;
  std::string IndexName(format::DataType type, format::LsId ls, format::IndexKind kind) const;

 private:
  const SetView* view_;
};

// Where the maps say a tablet is in one phase: in the last turn that lists it.
std::map<format::TabletId, format::LsId> PlacesOf(const SetFacts& set, format::DataType type);

// Tablets that a map lists, but the phase's final index does not: they must have been dropped
// before their turn came. `type`: minor or major.
std::map<format::TabletId, format::LsId> NotBackedUp(const SetView& view, format::DataType type);

// Precondition: the set is complete and has its description.
void CheckTablets(const SetView& view, const Reporter& found);

}  // namespace obbak::restore
