// The sets of a data destination, and what one of them says about itself. docs/spec/layout.md §2,
// docs/spec/procedures.md §4.3.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "dest/data_files.h"
#include "dest/dest_store.h"
#include "format/backup_path.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "format/ls_meta_records.h"
#include "io/task.h"

namespace obbak::dest {

// What the marks in backup_sets/ say of a set. It is complete only with `end_success`.
struct SetMarks {
  SetName name;
  bool start = false;
  bool end_success = false;
  bool end_failed = false;
  bool operator==(const SetMarks&) const = default;
};

// Every set that has a mark, ascending.
io::Task<Result<std::vector<SetMarks>>> ListSets(DestStore data);

// What single_backup_set_info says of each complete set, ascending; sets without that file are left
// out, one that cannot be read is an error.
io::Task<Result<std::vector<format::BackupSetFileDesc>>> ReadCompleteSets(DestStore data);

// The name of the set that `desc` describes.
SetName NameOf(const format::BackupSetFileDesc& desc);

// One set. Copied freely; it must outlive the tasks it gives, the store's medium must outlive both.
class SetReader {
 public:
  SetReader(DestStore store, SetName name) : store_(store), name_(name) {}

  const DestStore& store() const { return store_; }
  const SetName& name() const { return name_; }
  // A path with the set's name in it.
  format::BackupPath Path(format::PathKind kind) const {
    return {.kind = kind, .set = name_.id, .set_kind = name_.kind};
  }

  io::Task<Result<format::BackupSetFileDesc>> ReadDesc() const;
  io::Task<Result<format::ExternTenantLocalityInfoDesc>> ReadLocality() const;
  io::Task<Result<format::BackupDataLsAttrDesc>> ReadLsAttrs(std::int64_t meta_turn) const;
  io::Task<Result<format::BackupLsMetaInfosDesc>> ReadLsMetas() const;
  // `type`: minor or major.
  io::Task<Result<format::BackupDataTabletToLsDesc>> ReadTabletMap(format::DataType type,
                                                                   std::int64_t turn) const;

  // The tenant's index of minor or major data in that turn, with the greatest retry.
  // kBackupMetaIndexNotExist.
  io::Task<Result<format::BackupPath>> FindTenantIndex(format::DataType type,
                                                       format::IndexKind index,
                                                       std::int64_t turn) const;
  // The log stream's own index in that turn, with the greatest retry: of sys data the only one.
  // kBackupMetaIndexNotExist.
  io::Task<Result<format::BackupPath>> FindLsIndex(format::LsId ls, format::DataType type,
                                                   format::IndexKind index,
                                                   std::int64_t turn) const;

 private:
  DestStore store_;
  SetName name_;
};

}  // namespace obbak::dest
