// `tablet_info.<n>.obbak`: the metas of all tablets of a log stream.
// docs/spec/backup-data-files.md §14.
#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"
#include "format/common_header.h"
#include "format/random_access.h"
#include "format/record_layout.h"
#include "format/rules.h"
#include "format/tablet_meta.h"

namespace obbak::format {

// ObTabletInfoTrailer: the payload of the last block.
struct TabletInfoTrailer {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 48;

  std::int64_t version = 1;
  std::int64_t total_length = kSize;
  std::int64_t file_id = 1;
  std::int64_t tablet_cnt = 0;
  std::int64_t offset = 0;  // of the first record
  std::int64_t length = 0;  // of all records
  bool operator==(const TabletInfoTrailer&) const = default;
};
BOOST_DESCRIBE_STRUCT(TabletInfoTrailer, (),
                      (version, total_length, file_id, tablet_cnt, offset, length))
void CheckRules(const TabletInfoTrailer& trailer, Rules& rules);

// Header and trailer: the file's last bytes.
inline constexpr std::size_t kTabletInfoEndSize =
    BackupCommonHeader::kSize + TabletInfoTrailer::kSize;

// Writes one file from front to back. After a failure the file is worthless and every later call
// fails.
class TabletInfoFileWriter {
 public:
  // Files of one attempt are numbered from 1.
  TabletInfoFileWriter(std::int64_t file_id, ByteSink sink);

  // kInvalidArgument when the param's rules do not hold, kSizeOverflow when it is too large.
  Status Append(const MigrationTabletParam& param);
  Result<TabletInfoTrailer> Finish();

  // Whether a file that should not exceed `limit` bytes (backup_data_file_size) has room for a
  // param of `param_size` bytes.
  bool HasRoomFor(std::size_t param_size, std::uint64_t limit) const;

 private:
  Status Emit(ByteView bytes);

  ByteSink sink_;
  bool closed_ = false;
  TabletInfoTrailer trailer_;
};

// The trailer of a file of `file_size` bytes from its last 96.
Result<TabletInfoTrailer> DecodeTabletInfoEnd(ByteView tail, std::uint64_t file_size);
Result<TabletInfoTrailer> ReadTabletInfoTrailer(const RandomAccess& file);

// The tablet in one record, header, checksum, padding and rules checked.
Result<MigrationTabletParam> DecodeTabletRecord(ByteView record);

// Every tablet in file order; checks that there are as many as the trailer says and that they fill
// the file. Stops at the first failure, the visitor's own included.
Status ForEachTablet(const RandomAccess& file,
                     const std::function<Status(const MigrationTabletParam& param)>& visitor);

}  // namespace obbak::format
