// SetContents: what the last set of a chain says is to be made - log streams, and which tablets are
// on them. docs/spec/consistency.md §1.3, docs/spec/backup-data-files.md §8, §15.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dest/block_cache.h"
#include "dest/data_files.h"
#include "dest/index_file.h"
#include "dest/set_reader.h"
#include "format/backup_set_records.h"
#include "format/ids.h"
#include "format/ls_meta_records.h"
#include "format/sstable_meta.h"
#include "format/tablet_meta.h"
#include "io/task.h"

namespace obbak::restore {

// An SSTable, and where its data macro blocks lie, in the order of meta.logic_id_list.
struct BackedUpSstable {
  format::BackupSstableMeta meta;
  std::vector<format::BackupPhysicalId> blocks;
};

// What a set has of one tablet in one kind of data.
struct BackedUpTablet {
  // None: the tablet was dropped before its turn came.
  std::optional<format::MigrationTabletParam> meta;
  std::vector<BackedUpSstable> sstables;  // oldest first
  // The records that say so; none without them.
  std::optional<format::BackupMetaIndex> meta_record;
  std::optional<format::BackupMetaIndex> sstables_record;
};

// The metas of one kind of data, by tablet: those of the tenant's minor or major data, or a log
// stream's sys data.
class DataMetas {
 public:
  // `files` must outlive it.
  static io::Task<Result<std::unique_ptr<DataMetas>>> OfTenant(dest::SetReader set,
                                                               format::DataType type,
                                                               std::int64_t turn,
                                                               dest::DataFiles& files,
                                                               dest::BlockCache& cache);
  static io::Task<Result<std::unique_ptr<DataMetas>>> OfLogStream(dest::SetReader set,
                                                                  format::LsId ls,
                                                                  std::int64_t turn,
                                                                  dest::DataFiles& files,
                                                                  dest::BlockCache& cache);

  // Errors name the file and offset; kErrUnexpected when the tablet's records contradict each
  // other.
  io::Task<Result<BackedUpTablet>> Read(format::TabletId tablet);
  // An error that does not say where gets the place of the tablet's record about its SSTables, or
  // else of its meta.
  Error Locate(const BackedUpTablet& tablet, Error error) const;

 private:
  DataMetas(format::DataType type, dest::DataFiles& files,
            std::unique_ptr<dest::MetaIndexFile> metas,
            std::unique_ptr<dest::MetaIndexFile> mappings)
      : type_(type), files_(&files), metas_(std::move(metas)), mappings_(std::move(mappings)) {}

  static io::Task<Result<std::unique_ptr<DataMetas>>> Open(
      dest::SetReader set, format::DataType type, format::BackupPath metas,
      format::BackupPath mappings, dest::DataFiles& files, dest::BlockCache& cache);
  // The payload of a meta record; none when the tablet has none of that kind.
  struct Record {
    format::BackupMetaIndex place;
    Bytes bytes;
  };
  io::Task<Result<std::optional<Record>>> ReadRecord(dest::MetaIndexFile& index,
                                                     format::BackupMetaKey key);
  // An offset counts from the begin of the payload.
  Error At(const format::BackupMetaIndex& record, Error error) const;
  io::Task<Status> ReadSstables(format::TabletId tablet, BackedUpTablet& found);

  format::DataType type_;
  dest::DataFiles* files_;
  std::unique_ptr<dest::MetaIndexFile> metas_;
  std::unique_ptr<dest::MetaIndexFile> mappings_;
};

// A log stream, as it was when its meta was backed up.
struct BackedUpLogStream {
  format::LsAttr attr;
  format::LsMetaPackage package;
};

// Those of the set, log stream 1 first. kErrUnexpected when one has no meta.
io::Task<Result<std::vector<BackedUpLogStream>>> ReadLogStreams(dest::SetReader set,
                                                                std::int64_t meta_turn);

// The tablets that the set has data of, but for the inner ones: all that the maps of all turns
// list.
io::Task<Result<std::vector<format::TabletId>>> ReadTablets(dest::SetReader set,
                                                            const format::BackupSetFileDesc& desc);

}  // namespace obbak::restore
