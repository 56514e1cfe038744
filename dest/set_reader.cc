#include "dest/set_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "format/backup_block.h"
#include "format/common_header.h"

namespace obbak::dest {
namespace {

using format::BackupPath;
using format::BackupSetFileDesc;
using format::DataType;
using format::IndexKind;
using format::LsId;
using format::MigrationTabletParam;
using format::PathKind;

std::string_view Word(DataType type) {
  switch (type) {
    case DataType::kSys:
      return "sys";
    case DataType::kMinor:
      return "minor";
    case DataType::kMajor:
      return "major";
  }
  return "unknown";
}

Attempt AttemptOf(const BackupPath& path) { return {path.turn, path.retry}; }

// The path with the newest attempt among those that `wanted` takes.
template <class F>
const BackupPath* Newest(const Listing& listing, F wanted) {
  const BackupPath* newest = nullptr;
  for (const BackupPath& path : listing.known) {
    if (!wanted(path)) continue;
    if (newest == nullptr || AttemptOf(*newest) < AttemptOf(path)) newest = &path;
  }
  return newest;
}

}  // namespace

SetName NameOf(const BackupSetFileDesc& desc) {
  const bool full = desc.backup_type.value == format::BackupType::kFull;
  return {.id = desc.backup_set_id,
          .kind = full ? format::BackupSetKind::kFull : format::BackupSetKind::kInc};
}

io::Task<Result<std::vector<SetMarks>>> ListSets(DestStore data) {
  const Result<Listing> listing = co_await data.List({.kind = PathKind::kBackupSetsDir});
  if (!listing) co_return Fail(listing.error());
  std::map<std::pair<format::BackupSetId, format::BackupSetKind>, SetMarks> sets;
  for (const BackupPath& path : listing->known) {
    SetMarks& marks = sets[{path.set, path.set_kind}];
    marks.name = {path.set, path.set_kind};
    if (path.kind == PathKind::kBackupSetStart) marks.start = true;
    if (path.kind == PathKind::kBackupSetEndSuccess) marks.end_success = true;
    if (path.kind == PathKind::kBackupSetEndFailed) marks.end_failed = true;
  }
  std::vector<SetMarks> result;
  for (const auto& [name, marks] : sets) result.push_back(marks);
  co_return result;
}

io::Task<Result<std::vector<BackupSetFileDesc>>> ReadCompleteSets(DestStore data) {
  const Result<std::vector<SetMarks>> sets = co_await ListSets(data);
  if (!sets) co_return Fail(sets.error());
  std::vector<BackupSetFileDesc> complete;
  for (const SetMarks& marks : *sets) {
    if (!marks.end_success) continue;
    const SetReader set(data, marks.name);
    Result<BackupSetFileDesc> desc = co_await set.ReadDesc();
    if (desc) {
      complete.push_back(*std::move(desc));
    } else if (desc.error().code() != ErrorCode::kFileNotExist) {
      co_return Fail(std::move(desc).error());
    }
  }
  co_return complete;
}

io::Task<Result<BackupSetFileDesc>> SetReader::ReadDesc() const {
  BackupPath path = Path(PathKind::kSingleBackupSetInfo);
  const std::string full_path = store_.FullPathOf(path);
  Result<format::ExternBackupSetInfoDesc> info =
      co_await store_.Read<format::ExternBackupSetInfoDesc>(std::move(path));
  if (!info) co_return Fail(std::move(info).error());
  if (NameOf(info->backup_set_file) == name_) co_return std::move(info->backup_set_file);
  const SetName other = NameOf(info->backup_set_file);
  const bool full = other.kind == format::BackupSetKind::kFull;
  co_return Fail(
      Error(ErrorCode::kInvalidData, fmt::format("it describes another set: {}, {}", other.id.value,
                                                 full ? "full" : "incremental"))
          .WithPath(full_path)
          .WithField("backup_set_file.backup_set_id"));
}

io::Task<Result<format::ExternTenantLocalityInfoDesc>> SetReader::ReadLocality() const {
  return store_.Read<format::ExternTenantLocalityInfoDesc>(Path(PathKind::kLocalityInfo));
}

io::Task<Result<format::BackupDataLsAttrDesc>> SetReader::ReadLsAttrs(
    std::int64_t meta_turn) const {
  BackupPath path = Path(PathKind::kLsAttrInfo);
  path.turn = meta_turn;
  return store_.Read<format::BackupDataLsAttrDesc>(std::move(path));
}

io::Task<Result<format::BackupLsMetaInfosDesc>> SetReader::ReadLsMetas() const {
  return store_.Read<format::BackupLsMetaInfosDesc>(Path(PathKind::kLsMetaInfos));
}

io::Task<Result<format::BackupDataTabletToLsDesc>> SetReader::ReadTabletMap(
    DataType type, std::int64_t turn) const {
  BackupPath path = Path(PathKind::kTabletLsInfo);
  path.data_type = type;
  path.turn = turn;
  return store_.Read<format::BackupDataTabletToLsDesc>(std::move(path));
}

io::Task<Result<BackupPath>> SetReader::FindTenantIndex(DataType type, IndexKind index,
                                                        std::int64_t turn) const {
  BackupPath directory = Path(PathKind::kDataInfoDir);
  directory.data_type = type;
  directory.turn = turn;
  const Result<Listing> listing = co_await store_.List(directory);
  if (!listing) co_return Fail(listing.error());
  const BackupPath* newest = Newest(*listing, [&](const BackupPath& path) {
    return path.kind == PathKind::kTenantIndex && path.data_type == type && path.index == index;
  });
  if (newest != nullptr) co_return *newest;
  co_return Fail(Error(ErrorCode::kBackupMetaIndexNotExist,
                       fmt::format("there is no tenant-level index of {} data", Word(type)))
                     .WithPath(store_.FullPathOf(directory)));
}

io::Task<Result<BackupPath>> SetReader::FindLsIndex(LsId ls, DataType type, IndexKind index,
                                                    std::int64_t turn) const {
  BackupPath directory = Path(PathKind::kSetLsDir);
  directory.ls = ls;
  const Result<Listing> listing = co_await store_.List(directory);
  if (!listing) co_return Fail(listing.error());
  const BackupPath* newest = Newest(*listing, [&](const BackupPath& path) {
    return path.kind == PathKind::kLsDataDir && path.data_type == type && path.turn == turn;
  });
  if (newest == nullptr) {
    co_return Fail(Error(ErrorCode::kBackupMetaIndexNotExist,
                         fmt::format("there is no {} data of turn {}", Word(type), turn))
                       .WithPath(store_.FullPathOf(directory)));
  }
  BackupPath path = *newest;
  path.kind = PathKind::kLsIndex;
  path.index = index;
  co_return path;
}

io::Task<Result<Attempt>> SetReader::FindMetaAttempt(LsId ls) const {
  BackupPath directory = Path(PathKind::kSetLsDir);
  directory.ls = ls;
  const Result<Listing> listing = co_await store_.List(directory);
  if (!listing) co_return Fail(listing.error());
  const BackupPath* newest = Newest(
      *listing, [](const BackupPath& path) { return path.kind == PathKind::kLsMetaInfoDir; });
  if (newest != nullptr) co_return AttemptOf(*newest);
  co_return Fail(Error(ErrorCode::kBackupFileNotExist, "there is no metadata of the log stream")
                     .WithPath(store_.FullPathOf(directory)));
}

io::Task<Result<std::unique_ptr<TabletInfoReader>>> TabletInfoReader::Open(SetReader set, LsId ls) {
  const Result<Attempt> attempt = co_await set.FindMetaAttempt(ls);
  if (!attempt) co_return Fail(attempt.error());
  BackupPath directory = set.Path(PathKind::kLsMetaInfoDir);
  directory.ls = ls;
  directory.turn = attempt->turn;
  directory.retry = attempt->retry;
  Result<Listing> listing = co_await set.store().List(directory);
  if (!listing) co_return Fail(std::move(listing).error());
  std::vector<BackupPath> files = std::move(listing->known);
  std::erase_if(files, [](const BackupPath& path) {
    return path.kind != PathKind::kTabletInfo || path.file == 0;
  });
  std::ranges::sort(files, {}, &BackupPath::file);
  for (std::size_t i = 0; i == 0 || i < files.size(); ++i) {
    const auto expected = static_cast<std::int64_t>(i) + 1;
    if (i < files.size() && files[i].file == expected) continue;
    co_return Fail(
        Error(ErrorCode::kBackupFileNotExist, fmt::format("tablet_info.{} is missing", expected))
            .WithPath(set.store().FullPathOf(directory)));
  }
  co_return std::unique_ptr<TabletInfoReader>(new TabletInfoReader(set.store(), std::move(files)));
}

io::Task<Status> TabletInfoReader::OpenNext() {
  Result<std::shared_ptr<ObjectReader>> file =
      co_await ObjectReader::Open(store_, files_[next_file_++]);
  if (!file) co_return Fail(std::move(file).error());
  const std::uint64_t size = (*file)->size();
  const auto tail_size = std::min<std::uint64_t>(size, format::kTabletInfoEndSize);
  const Result<Bytes> tail = co_await (*file)->Read({size - tail_size, tail_size});
  if (!tail) co_return Fail(tail.error());
  Result<format::TabletInfoTrailer> trailer = format::DecodeTabletInfoEnd(*tail, size);
  if (!trailer) co_return Fail((*file)->Locate(std::move(trailer).error()));
  reader_.emplace(*std::move(file),
                  format::ByteRange{0, static_cast<std::uint64_t>(trailer->length)});
  rest_ = trailer->tablet_cnt;
  co_return Status();
}

io::Task<Result<std::optional<MigrationTabletParam>>> TabletInfoReader::Next() {
  while (!reader_ || reader_->remaining() == 0) {
    if (rest_ != 0) {
      co_return Fail(reader_->object().Locate(
          Error(ErrorCode::kInvalidData, fmt::format("says {} tablets more than there are", rest_))
              .WithField("trailer.tablet_cnt")));
    }
    if (next_file_ == files_.size()) co_return std::optional<MigrationTabletParam>();
    if (Status opened = co_await OpenNext(); !opened) co_return Fail(std::move(opened).error());
  }
  Result<MigrationTabletParam> tablet = co_await ReadTablet();
  if (!tablet) co_return Fail(std::move(tablet).error());
  --rest_;
  co_return std::optional(*std::move(tablet));
}

io::Task<Result<MigrationTabletParam>> TabletInfoReader::ReadTablet() {
  const std::uint64_t at = reader_->offset();
  const auto fails = [&](const Error& error) { return Fail(reader_->object().Locate(error, at)); };
  Result<ByteView> bytes = co_await reader_->Peek(format::BackupCommonHeader::kSize);
  if (!bytes) co_return Fail(std::move(bytes).error());
  const Result<format::BackupCommonHeader> header =
      format::DecodeBlockHeader(*bytes, format::kTabletRecord);
  if (!header) co_return fails(header.error());
  const std::uint64_t size = format::BlockSizeOf(*header);
  if (size > reader_->remaining() ||
      size > MigrationTabletParam::kMaxSize + format::kBackupAlignment) {
    co_return fails(
        Error(ErrorCode::kInvalidData,
              fmt::format("a record of {} bytes where {} are left", size, reader_->remaining())));
  }
  bytes = co_await reader_->Peek(static_cast<std::size_t>(size));
  if (!bytes) co_return Fail(std::move(bytes).error());
  Result<MigrationTabletParam> tablet =
      format::DecodeTabletRecord(bytes->first(static_cast<std::size_t>(size)));
  if (!tablet) co_return fails(tablet.error());
  reader_->Consume(static_cast<std::size_t>(size));
  co_return tablet;
}

}  // namespace obbak::dest
