#include "restore/set_contents.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "engine/ddl_payloads.h"
#include "format/common_header.h"

namespace obbak::restore {
namespace {

using format::BackupMetaType;
using format::DataType;
using format::IndexKind;
using format::LsId;
using format::TabletId;

std::string ToText(const format::TableKey& key) {
  return fmt::format("SSTable ({}, {}] of type {}", key.scn_range.start_scn.value,
                     key.scn_range.end_scn.value, static_cast<int>(key.table_type));
}

// The places of the SSTable's blocks, in the order of its list.
Result<std::vector<format::BackupPhysicalId>> PlacesOf(
    const format::BackupSstableMeta& meta, const format::BackupMacroBlockIdMappingsMeta& mappings) {
  const format::TableKey& key = meta.sstable_meta.table_key;
  const auto mapping =
      std::ranges::find(mappings.id_map_list, key, &format::BackupMacroBlockIdMapping::table_key);
  if (mapping == mappings.id_map_list.end()) {
    return Fail(ErrorCode::kErrUnexpected, ToText(key) + " has no mapping of its macro blocks");
  }
  if (mapping->id_pair_list.size() != meta.logic_id_list.size()) {
    return Fail(ErrorCode::kErrUnexpected,
                fmt::format("{} lists {} macro blocks and maps {}", ToText(key),
                            meta.logic_id_list.size(), mapping->id_pair_list.size()));
  }
  std::map<format::LogicMacroBlockId, format::BackupPhysicalId> places;
  for (const format::BackupMacroBlockIdPair& pair : mapping->id_pair_list) {
    places.emplace(pair.logic_id, pair.physical_id);
  }
  std::vector<format::BackupPhysicalId> ordered;
  for (const format::LogicMacroBlockId& id : meta.logic_id_list) {
    const auto place = places.find(id);
    if (place == places.end()) {
      return Fail(ErrorCode::kErrUnexpected,
                  fmt::format("{} does not say where its macro block (data_seq {}, logic_version "
                              "{}) is",
                              ToText(key), id.data_seq.value, id.logic_version));
    }
    ordered.push_back(place->second);
  }
  return ordered;
}

}  // namespace

io::Task<Result<std::unique_ptr<DataMetas>>> DataMetas::Open(dest::SetReader set, DataType type,
                                                             format::BackupPath metas,
                                                             format::BackupPath mappings,
                                                             dest::DataFiles& files,
                                                             dest::BlockCache& cache) {
  auto meta_index = co_await dest::MetaIndexFile::Open(set.store(), metas, &cache);
  if (!meta_index) co_return Fail(std::move(meta_index).error());
  auto mapping_index = co_await dest::MetaIndexFile::Open(set.store(), mappings, &cache);
  if (!mapping_index) co_return Fail(std::move(mapping_index).error());
  co_return std::unique_ptr<DataMetas>(
      new DataMetas(type, files, *std::move(meta_index), *std::move(mapping_index)));
}

io::Task<Result<std::unique_ptr<DataMetas>>> DataMetas::OfTenant(dest::SetReader set, DataType type,
                                                                 std::int64_t turn,
                                                                 dest::DataFiles& files,
                                                                 dest::BlockCache& cache) {
  const auto metas = co_await set.FindTenantIndex(type, IndexKind::kMeta, turn);
  if (!metas) co_return Fail(metas.error());
  const auto mappings = co_await set.FindTenantIndex(type, IndexKind::kSecMeta, turn);
  if (!mappings) co_return Fail(mappings.error());
  co_return co_await Open(set, type, *metas, *mappings, files, cache);
}

io::Task<Result<std::unique_ptr<DataMetas>>> DataMetas::OfLogStream(dest::SetReader set, LsId ls,
                                                                    std::int64_t turn,
                                                                    dest::DataFiles& files,
                                                                    dest::BlockCache& cache) {
  const auto metas = co_await set.FindLsIndex(ls, DataType::kSys, IndexKind::kMeta, turn);
  if (!metas) co_return Fail(metas.error());
  const auto mappings = co_await set.FindLsIndex(ls, DataType::kSys, IndexKind::kSecMeta, turn);
  if (!mappings) co_return Fail(mappings.error());
  co_return co_await Open(set, DataType::kSys, *metas, *mappings, files, cache);
}

io::Task<Result<std::optional<DataMetas::Record>>> DataMetas::ReadRecord(
    dest::MetaIndexFile& index, format::BackupMetaKey key) {
  const auto entry = co_await index.Find(key);
  if (!entry) co_return Fail(entry.error());
  if (!entry->has_value()) co_return std::optional<Record>();
  Result<Bytes> bytes = co_await files_->ReadMeta(type_, **entry);
  if (!bytes) co_return Fail(std::move(bytes).error());
  co_return Record{**entry, *std::move(bytes)};
}

Error DataMetas::At(const format::BackupMetaIndex& record, Error error) const {
  const auto offset = static_cast<std::uint64_t>(record.offset);
  error = files_->Locate(std::move(error), type_, record.file(),
                         offset + format::BackupCommonHeader::kSize);
  return std::move(error).WithOffset(offset);
}

Error DataMetas::Locate(const BackedUpTablet& tablet, Error error) const {
  const auto& record = tablet.sstables_record ? tablet.sstables_record : tablet.meta_record;
  return record && error.path().empty() ? At(*record, std::move(error)) : error;
}

io::Task<Status> DataMetas::ReadSstables(TabletId tablet, BackedUpTablet& found) {
  const auto record = co_await ReadRecord(*metas_, {tablet, BackupMetaType::kSstableMeta});
  if (!record) co_return Fail(record.error());
  if (!record->has_value()) co_return Status();
  found.sstables_record = (*record)->place;
  const auto mapping =
      co_await ReadRecord(*mappings_, {tablet, BackupMetaType::kMacroBlockIdMappingMeta});
  if (!mapping) co_return Fail(mapping.error());
  if (!mapping->has_value()) {
    co_return Fail(At((*record)->place, Error(ErrorCode::kErrUnexpected,
                                              "SSTables without a mapping of their macro blocks")));
  }
  auto metas = format::DecodeBackupSstableMetas((*record)->bytes);
  if (!metas) co_return Fail(At((*record)->place, std::move(metas).error()));
  const auto mappings = format::DecodeBackupMacroBlockIdMappingsMeta((*mapping)->bytes);
  if (!mappings) co_return Fail(At((*mapping)->place, mappings.error()));
  for (format::BackupSstableMeta& meta : *metas) {
    auto places = PlacesOf(meta, *mappings);
    if (!places) co_return Fail(At((*mapping)->place, std::move(places).error()));
    found.sstables.push_back({std::move(meta), *std::move(places)});
  }
  co_return Status();
}

io::Task<Result<BackedUpTablet>> DataMetas::Read(TabletId tablet) {
  BackedUpTablet found;
  const auto record = co_await ReadRecord(*metas_, {tablet, BackupMetaType::kTabletMeta});
  if (!record) co_return Fail(record.error());
  if (!record->has_value()) co_return found;
  found.meta_record = (*record)->place;
  Result<format::BackupTabletMeta> meta = format::DecodeBackupTabletMeta((*record)->bytes);
  if (!meta) co_return Fail(At(*found.meta_record, std::move(meta).error()));
  found.meta = std::move(meta->tablet_meta);
  if (Status read = co_await ReadSstables(tablet, found); !read)
    co_return Fail(std::move(read).error());
  co_return found;
}

io::Task<Result<std::vector<BackedUpLogStream>>> ReadLogStreams(dest::SetReader set,
                                                                std::int64_t meta_turn) {
  const auto attrs = co_await set.ReadLsAttrs(meta_turn);
  if (!attrs) co_return Fail(attrs.error());
  const auto metas = co_await set.ReadLsMetas();
  if (!metas) co_return Fail(metas.error());
  std::vector<BackedUpLogStream> log_streams;
  for (const format::LsAttr& attr : attrs->ls_attr_array) {
    const auto package = std::ranges::find_if(
        metas->ls_meta_packages,
        [&](const format::LsMetaPackage& other) { return other.ls_meta.ls_id == attr.id; });
    if (package == metas->ls_meta_packages.end()) {
      co_return Fail(
          Error(ErrorCode::kErrUnexpected, fmt::format("log stream {} has no meta", attr.id.value))
              .WithPath(set.store().FullPathOf(set.Path(format::PathKind::kLsMetaInfos))));
    }
    log_streams.push_back({attr, *package});
  }
  std::ranges::sort(log_streams, {}, [](const BackedUpLogStream& ls) { return ls.attr.id; });
  co_return log_streams;
}

io::Task<Result<std::vector<TabletId>>> ReadTablets(dest::SetReader set,
                                                    const format::BackupSetFileDesc& desc) {
  std::set<TabletId> tablets;
  const std::pair<DataType, std::int64_t> kinds[] = {{DataType::kMinor, desc.minor_turn_id},
                                                     {DataType::kMajor, desc.major_turn_id}};
  for (const auto& [type, turns] : kinds) {
    for (std::int64_t turn = 1; turn <= turns; ++turn) {
      const auto map = co_await set.ReadTabletMap(type, turn);
      if (!map) co_return Fail(map.error());
      for (const format::BackupDataTabletToLsInfo& info : map->tablet_to_ls) {
        for (const TabletId id : info.tablet_id_list) {
          if (!engine::IsInnerTablet(id)) tablets.insert(id);
        }
      }
    }
  }
  co_return std::vector<TabletId>(tablets.begin(), tablets.end());
}

}  // namespace obbak::restore
