#include "format/tablet_info_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/backup_block.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// What the reference writer keeps free for the trailer when it decides on a new file.
constexpr std::uint64_t kReserved = 1024;

}  // namespace

void CheckRules(const TabletInfoTrailer& trailer, Rules& rules) {
  rules.Require(trailer.version == 1, "version", "must be 1");
  rules.Require(trailer.total_length == static_cast<std::int64_t>(TabletInfoTrailer::kSize),
                "total_length", "must be 48");
  rules.Require(trailer.file_id > 0, "file_id", "must be greater than 0");
  rules.Require(trailer.tablet_cnt >= 0, "tablet_cnt", "must not be negative");
  rules.Require(trailer.offset == 0, "offset", "must be 0");
  rules.Require(
      trailer.length >= 0 && trailer.length % static_cast<std::int64_t>(kBackupAlignment) == 0,
      "length", "must be a multiple of 4096");
}

TabletInfoFileWriter::TabletInfoFileWriter(std::int64_t file_id, ByteSink sink)
    : sink_(std::move(sink)) {
  trailer_.file_id = file_id;
}

Status TabletInfoFileWriter::Emit(ByteView bytes) {
  Status status = sink_(bytes);
  closed_ = !status.has_value();
  return status;
}

Status TabletInfoFileWriter::Append(const MigrationTabletParam& param) {
  if (closed_) return Fail(ErrorCode::kStateNotMatch, "the file is finished or has failed");
  const Result<Bytes> payload = EncodeMeta(param);
  if (!payload) return Fail(payload.error());
  if (payload->size() > MigrationTabletParam::kMaxSize) {
    return Fail(
        ErrorCode::kSizeOverflow,
        fmt::format("a tablet meta of {} bytes is above the limit of 2 MiB", payload->size()));
  }
  const Bytes record = EncodeBlock(kTabletRecord, *payload);
  if (Status status = Emit(record); !status) return status;
  ++trailer_.tablet_cnt;
  trailer_.length += static_cast<std::int64_t>(record.size());
  return {};
}

Result<TabletInfoTrailer> TabletInfoFileWriter::Finish() {
  if (closed_) return Fail(ErrorCode::kStateNotMatch, "the file is finished or has failed");
  Rules rules;
  CheckRules(trailer_, rules);
  Status status = rules.ToStatus(ErrorCode::kInvalidArgument);
  if (status) status = Emit(EncodeBlock(kTabletInfoEnd, EncodeRecord(trailer_).value()));
  closed_ = true;
  if (!status) return Fail(std::move(status).error());
  return trailer_;
}

bool TabletInfoFileWriter::HasRoomFor(std::size_t param_size, std::uint64_t limit) const {
  const std::uint64_t record = BlockSize(param_size, BlockPadding::kAligned);
  return static_cast<std::uint64_t>(trailer_.length) + record + kReserved <= limit;
}

Result<TabletInfoTrailer> DecodeTabletInfoEnd(ByteView tail, std::uint64_t file_size) {
  const Result<BackupBlock> block = DecodeBlock(tail, kTabletInfoEnd);
  if (!block) return Fail(block.error());
  Result<TabletInfoTrailer> trailer = DecodeRecord<TabletInfoTrailer>(block->payload);
  if (!trailer) return trailer;
  Rules rules;
  CheckRules(*trailer, rules);
  if (Status status = rules.ToStatus(ErrorCode::kErrUnexpected); !status) {
    return Fail(std::move(status).error());
  }
  if (static_cast<std::uint64_t>(trailer->length) + kTabletInfoEndSize != file_size) {
    return Fail(
        Error(ErrorCode::kInvalidData, fmt::format("is {}, the file has {} bytes with its trailer",
                                                   trailer->length, file_size))
            .WithField("trailer.length"));
  }
  return trailer;
}

Result<TabletInfoTrailer> ReadTabletInfoTrailer(const RandomAccess& file) {
  if (file.size() < kTabletInfoEndSize) {
    return Fail(ErrorCode::kErrUnexpected,
                fmt::format("a tablet_info file has at least {} bytes, this one {}",
                            kTabletInfoEndSize, file.size()));
  }
  const std::uint64_t at = file.size() - kTabletInfoEndSize;
  const Result<Bytes> tail = file.Read({at, kTabletInfoEndSize});
  if (!tail) return Fail(tail.error());
  Result<TabletInfoTrailer> trailer = DecodeTabletInfoEnd(*tail, file.size());
  if (!trailer) return Fail(std::move(trailer).error().ShiftOffset(at));
  return trailer;
}

Result<MigrationTabletParam> DecodeTabletRecord(ByteView record) {
  const Result<BackupBlock> block = DecodeBlock(record, kTabletRecord);
  if (!block) return Fail(block.error());
  Result<MigrationTabletParam> param = DecodeMigrationTabletParam(block->payload);
  if (!param) return Fail(std::move(param).error().ShiftOffset(BackupCommonHeader::kSize));
  return param;
}

Status ForEachTablet(const RandomAccess& file,
                     const std::function<Status(const MigrationTabletParam& param)>& visitor) {
  const Result<TabletInfoTrailer> trailer = ReadTabletInfoTrailer(file);
  if (!trailer) return Fail(trailer.error());
  const auto end = static_cast<std::uint64_t>(trailer->length);
  std::int64_t count = 0;
  for (std::uint64_t at = 0; at < end; ++count) {
    const auto fails = [&](Error error) { return Fail(std::move(error).ShiftOffset(at)); };
    const Result<Bytes> head = file.Read({at, BackupCommonHeader::kSize});
    if (!head) return Fail(head.error());
    const Result<BackupCommonHeader> header = DecodeBlockHeader(*head, kTabletRecord);
    if (!header) return fails(header.error());
    const std::uint64_t size = BlockSizeOf(*header);
    if (size > end - at || size > MigrationTabletParam::kMaxSize + kBackupAlignment) {
      return fails(Error(ErrorCode::kInvalidData,
                         fmt::format("a record of {} bytes where {} are left", size, end - at)));
    }
    const Result<Bytes> record = file.Read({at, size});
    if (!record) return Fail(record.error());
    const Result<MigrationTabletParam> param = DecodeTabletRecord(*record);
    if (!param) return fails(param.error());
    if (Status status = visitor(*param); !status) return status;
    at += size;
  }
  if (count == trailer->tablet_cnt) return {};
  return Fail(Error(ErrorCode::kInvalidData,
                    fmt::format("is {}, the file has {} tablets", trailer->tablet_cnt, count))
                  .WithField("trailer.tablet_cnt"));
}

}  // namespace obbak::format
