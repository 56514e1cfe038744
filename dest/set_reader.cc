#include "dest/set_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace obbak::dest {
namespace {

using format::BackupPath;
using format::BackupSetFileDesc;
using format::DataType;
using format::IndexKind;
using format::LsId;
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

std::pair<std::int64_t, std::int64_t> AttemptOf(const BackupPath& path) {
  return {path.turn, path.retry};
}

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

}  // namespace obbak::dest
