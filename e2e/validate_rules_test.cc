// Each invariant of docs/spec/consistency.md §6, broken in a real destination by a record that is
// right by itself: checksums hold, and the record's own rules.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "e2e/validate_test_support.h"
#include "format/archive_records.h"
#include "format/backup_data_file.h"
#include "format/backup_set_records.h"
#include "format/destination_records.h"
#include "format/ls_meta_records.h"
#include "format/metadata_file.h"
#include "format/sstable_meta.h"
#include "format/tablet_info_file.h"
#include "format/tablet_meta.h"

namespace obbak::e2e {
namespace {

using format::Scn;
using format::TabletId;

const std::string kSet1 = "backup_set_1_full/";
const std::string kSet2 = "backup_set_2_inc/";
const std::string kInfo = "single_backup_set_info.obbak";
const std::string kLsMetas = "infos/meta_info/ls_meta_infos.obbak";
const std::string kMinorMap = "infos/minor_data_info_turn_1/tablet_log_stream_info.obbak";
const std::string kPiece2 = "piece_d1001r1p2/";

class Rules : public testing::Test {
 protected:
  // Rewrites the record of a metadata file.
  template <class R>
  void Edit(MemoryMedium& medium, const std::string& path, const std::function<void(R&)>& change) {
    ASSERT_TRUE(medium.files.contains(path)) << path;
    auto record = format::MetadataFile<R>::Read(medium.files[path]);
    ASSERT_TRUE(record) << record.error().ToString();
    change(*record);
    auto bytes = format::MetadataFile<R>::Write(*record);
    ASSERT_TRUE(bytes) << bytes.error().ToString();
    medium.files[path] = *std::move(bytes);
  }
  void EditSet(const std::string& set,
               const std::function<void(format::BackupSetFileDesc&)>& change) {
    Edit<format::ExternBackupSetInfoDesc>(all_.data, set + kInfo,
                                          [&](auto& record) { change(record.backup_set_file); });
  }
  void EditLs(const std::string& set, format::LsId ls,
              const std::function<void(format::LsMetaPackage&)>& change) {
    Edit<format::BackupLsMetaInfosDesc>(all_.data, set + kLsMetas, [&](auto& record) {
      for (format::LsMetaPackage& package : record.ls_meta_packages) {
        if (package.ls_meta.ls_id == ls) change(package);
      }
    });
  }
  void EditMap(const std::string& set,
               const std::function<void(format::BackupDataTabletToLsDesc&)>& change) {
    for (const std::string level : {"minor", "major"}) {
      Edit<format::BackupDataTabletToLsDesc>(
          all_.data, set + "infos/" + level + "_data_info_turn_1/tablet_log_stream_info.obbak",
          change);
    }
  }

  using Meta = std::variant<format::BackupTabletMeta, std::vector<format::BackupSstableMeta>,
                            format::BackupMacroBlockIdMappingsMeta>;
  // Rewrites the metas of a data file, whose sizes must stay what they are in units of 4096.
  void EditMetas(const std::string& path, const std::function<void(Meta& meta)>& change) {
    const Bytes file = all_.data.files.at(path);
    const auto access = format::RandomAccess::Of(file);
    const auto index = format::ReadBackupDataFileIndex(access);
    ASSERT_TRUE(index) << index.error().ToString();
    Bytes out;
    format::BackupDataFileWriter writer(index->metas.front().file(), [&](ByteView bytes) {
      out.insert(out.end(), bytes.begin(), bytes.end());
      return Status();
    });
    const auto record = [&](const auto& entry) {
      return ByteView(file).subspan(static_cast<std::size_t>(entry.offset),
                                    static_cast<std::size_t>(entry.length));
    };
    for (const format::BackupMacroBlockIndex& entry : index->macro_blocks) {
      const auto block = format::DecodeMacroRecord(record(entry));
      ASSERT_TRUE(block && writer.AppendMacroBlock(entry.logic_id, *block));
    }
    for (const format::BackupMetaIndex& entry : index->metas) {
      const auto payload = format::DecodeMetaRecord(record(entry));
      ASSERT_TRUE(payload);
      Meta meta = Decode(entry.meta_key, *payload);
      change(meta);
      const Result<Bytes> bytes =
          std::visit([](const auto& value) { return format::EncodeMeta(value); }, meta);
      ASSERT_TRUE(bytes) << bytes.error().ToString();
      const auto written = writer.AppendMeta(entry.meta_key, *bytes);
      ASSERT_TRUE(written && written->offset == entry.offset && written->length == entry.length);
    }
    ASSERT_TRUE(writer.Finish());
    all_.data.files[path] = std::move(out);
  }
  static Meta Decode(const format::BackupMetaKey& key, ByteView payload) {
    switch (key.meta_type) {
      case format::BackupMetaType::kTabletMeta:
        return *format::DecodeBackupTabletMeta(payload);
      case format::BackupMetaType::kSstableMeta:
        return *format::DecodeBackupSstableMetas(payload);
      case format::BackupMetaType::kMacroBlockIdMappingMeta:
        break;
    }
    return *format::DecodeBackupMacroBlockIdMappingsMeta(payload);
  }
  // The same for one kind of meta; the first one for which `change` says that it changed something.
  template <class M>
  void EditOneMeta(const std::string& path, const std::function<bool(M& meta)>& change) {
    bool changed = false;
    EditMetas(path, [&](Meta& meta) {
      M* one = std::get_if<M>(&meta);
      if (one != nullptr && !changed) changed = change(*one);
    });
    EXPECT_TRUE(changed) << path;
  }
  void EditTablet(const std::string& path,
                  const std::function<void(format::MigrationTabletParam&)>& change) {
    EditOneMeta<format::BackupTabletMeta>(path, [&](format::BackupTabletMeta& meta) {
      if (meta.tablet_id.value < 200'000) return false;
      change(meta.tablet_meta);
      return true;
    });
  }
  void EditSstable(const std::string& path,
                   const std::function<void(format::BackupSstableMeta&)>& change) {
    EditOneMeta<std::vector<format::BackupSstableMeta>>(
        path, [&](std::vector<format::BackupSstableMeta>& metas) {
          if (metas.back().logic_id_list.empty()) return false;
          change(metas.back());
          return true;
        });
  }

  // What is found must name the rule.
  void ExpectRule(int rule) {
    const ValidationReport report = ValidateAll(all_);
    const bool is_named = std::ranges::any_of(
        report.findings, [&](const restore::Finding& finding) { return finding.rule == rule; });
    EXPECT_TRUE(is_named) << "rule " << rule << "\n" << Text(report);
    all_ = Chain();
  }

  Destinations all_ = Chain();
};

std::string DataFile(const std::string& set, int ls, const std::string& type) {
  return set + "logstream_" + std::to_string(ls) + "/" + type +
         "_data_turn_1_retry_0/macro_block_data.0.obbak";
}

TEST_F(Rules, OfTheSet) {
  EditSet(kSet1, [](auto& desc) { desc.dest_id.value += 7; });
  ExpectRule(1);
  EditSet(kSet1, [](auto& desc) { desc.backup_path = {"file:///elsewhere"}; });
  ExpectRule(1);
  EditSet(kSet2, [](auto& desc) { desc.prev_inc_backup_set_id = {}; });
  ExpectRule(2);
  all_.data.files.erase("backup_sets/backup_set_1_full_end_success_20240101T000000.obbak");
  ExpectRule(2);
  EditSet(kSet1, [](auto& desc) { desc.consistent_scn.value = desc.min_restore_scn.value + 1; });
  ExpectRule(3);
  EditSet(kSet1, [](auto& desc) { desc.date = 20230101; });
  ExpectRule(3);
  EditSet(kSet1, [](auto& desc) { desc.min_restore_scn.value += 1'000'000'000; });
  ExpectRule(4);
  EditSet(kSet1, [](auto& desc) { desc.min_restore_scn.value += kHour; });
  ExpectRule(4);
  Edit<format::TenantBackupSetInfosDesc>(
      all_.data, kSet2 + "tenant_backup_set_infos.obbak",
      [](auto& record) { record.backup_set_infos.erase(record.backup_set_infos.begin()); });
  ExpectRule(5);
  Edit<format::TenantBackupSetInfosDesc>(all_.data, kSet2 + "tenant_backup_set_infos.obbak",
                                         [](auto& record) { record.backup_set_infos.pop_back(); });
  ExpectRule(5);
  Edit<format::ExternTenantLocalityInfoDesc>(all_.data, kSet1 + "infos/locality_info.obbak",
                                             [](auto& record) { ++record.cluster_id; });
  ExpectRule(6);
  EditSet(kSet2, [](auto& desc) { desc.tenant_compatible.value = 0x0000000400020000; });
  ExpectRule(7);
  EditSet(kSet1, [](auto& desc) { desc.backup_compatible = format::BackupCompatible::kVersion43; });
  ExpectRule(7);
  EditSet(kSet1, [](auto& desc) { desc.major_turn_id = 2; });
  ExpectRule(8);
  EditSet(kSet1, [](auto& desc) { ++desc.stats.finish_macro_block_count; });
  ExpectRule(32);
}

TEST_F(Rules, OfLogStreams) {
  Edit<format::BackupDataLsAttrDesc>(all_.data, kSet1 + "infos/meta_info/ls_attr_info.1.obbak",
                                     [](auto& record) { record.ls_attr_array.pop_back(); });
  ExpectRule(9);
  EditLs(kSet1, {1001}, [](auto& package) { ++package.ls_meta.rebuild_seq; });
  ExpectRule(10);
  EditLs(kSet1, {1001}, [](auto& package) { package.ls_meta.tenant_id.value += 2; });
  ExpectRule(11);
  EditLs(kSet1, {1001}, [](auto& package) { package.ls_meta.clog_base_lsn.value += 10; });
  ExpectRule(12);
  EditLs(kSet1, {1001}, [](auto& package) { package.palf_meta.prev_log_info.log_id = 3; });
  ExpectRule(12);
  EditLs(kSet1, {1001}, [](auto& package) { ++package.palf_meta.prev_log_info.scn.value; });
  ExpectRule(13);
  EditLs(kSet1, {1001}, [](auto& package) { package.ls_meta.clog_checkpoint_scn = Scn{5}; });
  ExpectRule(14);
  EditLs(kSet1, {1001},
         [](auto& package) { package.ls_meta.all_id_meta.value.items[0].limited_id = 9; });
  ExpectRule(16);
  EditSet(kSet1, [](auto& desc) { ++desc.start_replay_scn.value; });
  ExpectRule(15);
}

TEST_F(Rules, OfTabletMaps) {
  EditMap(kSet1, [](auto& map) { --map.backup_scn.value; });
  ExpectRule(19);
  Edit<format::BackupDataTabletToLsDesc>(all_.data, kSet1 + kMinorMap, [](auto& map) {
    map.tablet_to_ls.back().tablet_id_list.pop_back();
  });
  ExpectRule(19);
  EditMap(kSet1, [](auto& map) {
    auto& list = map.tablet_to_ls.back().tablet_id_list;
    list.push_back(list.back());
  });
  ExpectRule(20);
  // A tablet that nobody backed up and nobody dropped; and none that the log created.
  for (const int rule : {21, 49}) {
    EditMap(kSet1,
            [](auto& map) { map.tablet_to_ls.back().tablet_id_list.push_back(TabletId{299'999}); });
    ExpectRule(rule);
  }
  EditMap(kSet1, [](auto& map) { map.tablet_to_ls.back().tablet_id_list.pop_back(); });
  ExpectRule(21);
}

TEST_F(Rules, OfTabletInfos) {
  const std::string path = kSet1 + "logstream_1001/meta_info_turn_1_retry_0/tablet_info.1.obbak";
  const auto rewrite = [&](const std::function<bool(format::MigrationTabletParam&)>& change) {
    const Bytes file = all_.data.files.at(path);
    Bytes out;
    format::TabletInfoFileWriter writer(1, [&](ByteView bytes) {
      out.insert(out.end(), bytes.begin(), bytes.end());
      return Status();
    });
    ASSERT_TRUE(format::ForEachTablet(format::RandomAccess::Of(file),
                                      [&](const format::MigrationTabletParam& param) -> Status {
                                        format::MigrationTabletParam changed = param;
                                        if (!change(changed)) return {};
                                        return writer.Append(changed);
                                      }));
    ASSERT_TRUE(writer.Finish());
    all_.data.files[path] = std::move(out);
  };
  rewrite([](auto& param) { return param.tablet_id != TabletId{49'402}; });
  ExpectRule(17);
  rewrite([](auto& param) {
    param.ls_id = {1002};
    return true;
  });
  ExpectRule(17);
  rewrite([](auto& param) {
    param.clog_checkpoint_scn.value.value += 100 * kHour;
    return true;
  });
  ExpectRule(18);
}

TEST_F(Rules, OfTablets) {
  const std::string minor = DataFile(kSet1, 1001, "minor");
  const std::string major = DataFile(kSet1, 1001, "major");
  EditTablet(minor, [](auto& param) { param.transfer_info.has_transfer_table = true; });
  ExpectRule(22);
  EditTablet(minor, [](auto& param) { param.ls_id = {1002}; });
  ExpectRule(22);
  EditTablet(minor, [](auto& param) { param.start_scn = param.clog_checkpoint_scn; });
  ExpectRule(23);
  EditTablet(major, [](auto& param) { param.table_store_flag.value = 0; });
  ExpectRule(24);
  EditTablet(major, [](auto& param) { ++param.report_status.data_checksum; });
  ExpectRule(24);
  EditTablet(major, [](auto& param) {
    auto& columns = param.storage_schema.column_array;
    columns[0].meta_type.type = format::ObjType::kUInt64;
    for (auto& key : param.storage_schema.rowkey_array)
      key.meta_type.type = format::ObjType::kUInt64;
  });
  ExpectRule(29);
  EditTablet(major, [](auto& param) { param.storage_schema.schema_version = 1; });
  ExpectRule(30);
}

TEST_F(Rules, OfSstables) {
  for (const std::string& path : {DataFile(kSet1, 1001, "minor"), DataFile(kSet2, 1001, "major"),
                                  DataFile(kSet1, 1, "major")}) {
    EditSstable(path, [](auto& meta) { ++meta.sstable_meta.basic_meta.data_macro_block_count; });
    ExpectRule(25);
    EditSstable(path, [](auto& meta) { ++meta.logic_id_list.back().data_seq.value; });
    ExpectRule(25);
    EditOneMeta<format::BackupMacroBlockIdMappingsMeta>(path, [](auto& mappings) {
      if (mappings.id_map_list.empty() || mappings.id_map_list.back().id_pair_list.empty())
        return false;
      // 4096 further.
      mappings.id_map_list.back().id_pair_list.back().physical_id.extent_word.value +=
          std::uint64_t{1} << 24;
      return true;
    });
    ExpectRule(26);
    EditOneMeta<format::BackupMacroBlockIdMappingsMeta>(path, [](auto& mappings) {
      if (mappings.id_map_list.empty() || mappings.id_map_list.back().id_pair_list.empty())
        return false;
      // Another set.
      mappings.id_map_list.back().id_pair_list.back().physical_id.extent_word.value += 5;
      return true;
    });
    ExpectRule(26);
    EditSstable(path, [](auto& meta) { ++meta.sstable_meta.basic_meta.row_count; });
    ExpectRule(27);
    EditSstable(path, [](auto& meta) { ++meta.sstable_meta.basic_meta.occupy_size; });
    ExpectRule(27);
    EditSstable(path, [](auto& meta) { ++meta.sstable_meta.basic_meta.data_checksum; });
    ExpectRule(27);
  }
  EditSstable(DataFile(kSet1, 1001, "minor"),
              [](auto& meta) { meta.sstable_meta.basic_meta.schema_version = 1; });
  ExpectRule(30);
  EditSstable(DataFile(kSet1, 1001, "major"),
              [](auto& meta) { ++meta.sstable_meta.column_checksums.back(); });
  ExpectRule(27);
}

// What a restore finds wrong between the records of a tablet.
TEST_F(Rules, ThatARestoreMeetsAreNamedWithTheirPlace) {
  const auto restore = [&](Scn point) {
    io::SimWorld world(1);
    const io::MediumFactory media =
        [&](const io::BackupDest& dest) -> Result<std::unique_ptr<io::Medium>> {
      const bool is_archive = dest == *io::BackupDest::Parse(kArchiveUri);
      return std::make_unique<MemoryMedium>(is_archive ? all_.archive : all_.data);
    };
    const auto source = world.loop().Run(restore::OpenRestoreSource(
        {*io::BackupDest::Parse(kDataUri), *io::BackupDest::Parse(kArchiveUri)}, media));
    EXPECT_TRUE(source) << source.error().ToString();
    auto plan = world.loop().Run(restore::MakeRestorePlan(*source, {.scn = point, .time = {}}));
    EXPECT_TRUE(plan) << plan.error().ToString();
    restore::RestoreOptions options;
    options.dir = "/restored";
    options.tenant_name = "restored";
    options.engine = engine::SmallEngine();
    return world.loop().Run(
        restore::Restore(engine::EnvOf(world), *source, *std::move(plan), options));
  };
  const Scn end = ValidateAll(all_).sets[0].desc.min_restore_scn;
  ASSERT_TRUE(restore(end));
  for (const std::string type : {"minor", "major"}) {
    const std::string path = DataFile(kSet1, 1001, type);
    std::string tablet;
    EditSstable(path, [&](auto& meta) {
      ++meta.sstable_meta.basic_meta.row_count;
      tablet = "tablet " + std::to_string(meta.tablet_id.value);
    });
    const auto restored = restore(end);
    ASSERT_FALSE(restored);
    const Error& error = restored.error();
    EXPECT_TRUE(error.path().ends_with(path)) << error.ToString();
    EXPECT_TRUE(error.offset()) << error.ToString();
    EXPECT_EQ(error.field(), tablet + ", row_count");
    all_ = Chain();
  }
}

TEST_F(Rules, OfIndexes) {
  const auto drop_last = [&](const std::string& path) {
    Bytes& file = all_.data.files.at(path);
    std::optional<format::BackupMetaIndex> last;
    FilteredMetaIndex(file, [&](const auto& entry) {
      last = entry;
      return true;
    });
    file = FilteredMetaIndex(file, [&](const auto& entry) { return entry != *last; });
  };
  drop_last(kSet1 + "logstream_1001/minor_data_turn_1_retry_0/sec_meta_index.obbak");
  ExpectRule(31);
  drop_last(kSet1 + "infos/major_data_info_turn_1/tenant_major_data_sec_meta_index.0.obbak");
  ExpectRule(31);
  drop_last(kSet2 + "infos/minor_data_info_turn_1/tenant_minor_data_meta_index.0.obbak");
  ExpectRule(31);
  // The index of the full set in the place of that of the incremental one.
  const std::string ranges =
      "infos/major_data_info_turn_1/tenant_major_data_macro_range_index.0.obbak";
  all_.data.files[kSet2 + ranges] = all_.data.files[kSet1 + ranges];
  ExpectRule(31);
}

TEST_F(Rules, OfATabletThatWasDroppedAfterTheSet) {
  all_ = {};
  Tenant1002 tenant;
  tenant.Write();
  const auto table = tenant.source().tenant().catalog().ResolveTable("t0");
  ASSERT_TRUE(table);
  const TabletId tablet = (*table)->tablets().front();
  tenant.Backup(BackupType::kFull);
  const auto lose = [&] {
    for (const std::string type : {"minor", "major"}) {
      for (const std::string index : {"meta", "sec_meta"}) {
        Bytes& file = all_.data.files.at(kSet1 + "infos/" + type + "_data_info_turn_1/tenant_" +
                                         type + "_data_" + index + "_index.0.obbak");
        file = FilteredMetaIndex(
            file, [&](const auto& entry) { return entry.meta_key.tablet_id != tablet; });
      }
    }
  };
  tenant.CatchUp();
  tenant.CopyTo(all_);
  lose();
  ExpectRule(21);
  // That it was dropped later is no reason for not having it.
  tenant.Drop("t0");
  tenant.CatchUp();
  all_ = {};
  tenant.CopyTo(all_);
  lose();
  ExpectRule(21);
}

TEST_F(Rules, OfRoundsAndPieces) {
  MemoryMedium& archive = all_.archive;
  Edit<format::PieceStartDesc>(archive, "pieces/piece_d1001r1p2_start_20240101T010000.obarc",
                               [](auto& record) { ++record.piece_id.value; });
  ExpectRule(33);
  Edit<format::PieceEndDesc>(archive, "pieces/piece_d1001r1p2_end_20240101T010000.obarc",
                             [](auto& record) { record.end_scn.value += 5 * kHour; });
  ExpectRule(33);
  Edit<format::RoundStartDesc>(archive, "rounds/round_d1001r1_start.obarc",
                               [](auto& record) { record.piece_switch_interval += 1000; });
  ExpectRule(35);
  Edit<format::RoundStartDesc>(archive, "rounds/round_d1001r1_start.obarc", [](auto& record) {
    record.piece_switch_interval = std::int64_t{8} * 86'400'000'000;
  });
  ExpectRule(34);
  Edit<format::TenantArchivePieceInfosDesc>(
      archive, "piece_d1001r1p4/tenant_archive_piece_infos.obarc",
      [](auto& record) { ++record.his_frozen_pieces[1].max_scn.value; });
  ExpectRule(36);
  Edit<format::TenantArchivePieceInfosDesc>(
      archive, "piece_d1001r1p4/tenant_archive_piece_infos.obarc",
      [](auto& record) { record.his_frozen_pieces.pop_back(); });
  ExpectRule(36);
  Edit<format::SinglePieceDesc>(archive, kPiece2 + "single_piece_info.obarc",
                                [](auto& record) { --record.piece.checkpoint_scn.value; });
  ExpectRule(37);
  Edit<format::SinglePieceDesc>(archive, kPiece2 + "single_piece_info.obarc",
                                [](auto& record) { --record.piece.checkpoint_scn.value; });
  ExpectRule(42);
  Edit<format::SinglePieceDesc>(archive, kPiece2 + "single_piece_info.obarc",
                                [](auto& record) { ++record.piece.input_bytes; });
  ExpectRule(42);
  // The archive promises more than it has.
  archive.files["piece_d1001r1p4/checkpoint/checkpoint_info.1704078100000000000.obarc"] = {};
  ExpectRule(38);
  Edit<format::BackupFormatDesc>(all_.archive, "format.obbak",
                                 [](auto& record) { ++record.cluster_id; });
  ExpectRule(44);
}

TEST_F(Rules, OfAnActivePieceThatHasLostItsLogs) {
  const auto remove = [&](std::string_view prefix) {
    std::erase_if(all_.archive.files,
                  [&](const auto& file) { return file.first.starts_with(prefix); });
  };
  remove("piece_d1001r1p4/logstream_");
  const ValidationReport report = ValidateAll(all_);
  ASSERT_EQ(report.pieces.size(), 4u);
  EXPECT_FALSE(report.pieces.back().intact);
  ASSERT_FALSE(report.windows.empty());
  EXPECT_LE(report.windows.back().to, report.pieces.back().attr.start_scn);
  ExpectRule(38);
  remove("piece_d1001r1p4/logstream_1001/");
  ExpectRule(38);

  // With nothing before it.
  for (const std::string piece : {"piece_d1001r1p1", "piece_d1001r1p2", "piece_d1001r1p3"}) {
    remove(piece);
    remove("pieces/" + piece);
  }
  remove("piece_d1001r1p4/logstream_");
  ExpectRule(38);
}

TEST_F(Rules, OfArchivedLogs) {
  const auto edit_both = [&](const std::function<void(format::SingleLsInfoDesc&)>& change) {
    Edit<format::SingleLsInfoDesc>(all_.archive, kPiece2 + "logstream_1001/file_info.obarc",
                                   change);
    Edit<format::PieceInfoDesc>(all_.archive, kPiece2 + "file_info.obarc", [&](auto& record) {
      for (format::SingleLsInfoDesc& info : record.filelist) {
        if (info.ls_id == format::LsId{1001}) change(info);
      }
    });
  };
  Edit<format::SingleLsInfoDesc>(all_.archive, kPiece2 + "logstream_1001/file_info.obarc",
                                 [](auto& record) { record.deleted = true; });
  ExpectRule(39);
  edit_both([](auto& info) { info.filelist.back().size_bytes += 10; });
  ExpectRule(39);
  edit_both([](auto& info) {
    info.min_lsn += 10;
    info.max_lsn += 10;
  });
  ExpectRule(40);
  edit_both([](auto& info) { --info.checkpoint_scn.value; });
  ExpectRule(41);
  Edit<format::PieceInfoDesc>(all_.archive, kPiece2 + "file_info.obarc",
                              [](auto& record) { record.filelist.pop_back(); });
  ExpectRule(39);
  // A log whose first piece is gone, and with it the groups that the set begins with.
  all_.archive.files.erase("piece_d1001r1p1/logstream_1001/log/1.obarc");
  ExpectRule(45);
}

TEST_F(Rules, OfKeysAcrossMacroBlocks) {
  all_ = Long();
  // The wide table's major, wherever it lies.
  std::size_t swapped = 0;
  for (const int ls : {1001, 1002}) {
    EditMetas(DataFile(kSet1, ls, "major"), [&](Meta& meta) {
      if (auto* sstables = std::get_if<std::vector<format::BackupSstableMeta>>(&meta)) {
        auto& list = sstables->back().logic_id_list;
        if (list.size() < 2) return;
        std::swap(list[0], list[1]);
        ++swapped;
      } else if (auto* mappings = std::get_if<format::BackupMacroBlockIdMappingsMeta>(&meta)) {
        if (mappings->id_map_list.empty()) return;
        auto& pairs = mappings->id_map_list.back().id_pair_list;
        if (pairs.size() >= 2) std::swap(pairs[0], pairs[1]);
      }
    });
  }
  EXPECT_GT(swapped, 0u);
  ExpectRule(28);
}

TEST_F(Rules, OfASetsPlaceInItsLog) {
  const auto edit = [&](const std::function<void(format::PalfBaseInfo&)>& change) {
    all_ = Long();
    int changed = 0;
    for (const int ls : {1001, 1002}) {
      EditLs(kSet2, {ls}, [&](format::LsMetaPackage& package) {
        if (package.palf_meta.curr_lsn == format::Lsn{0}) return;
        change(package.palf_meta);
        ++changed;
      });
    }
    EXPECT_GT(changed, 0);
  };
  for (const int rule : {45, 46}) {
    edit([](auto& palf) { ++palf.prev_log_info.accum_checksum; });
    ExpectRule(rule);
    edit([](auto& palf) { ++palf.prev_log_info.log_id; });
    ExpectRule(rule);
  }
  edit([](auto& palf) { --palf.prev_log_info.scn.value; });
  ExpectRule(46);
  edit([](auto& palf) { ++palf.prev_log_info.log_proposal_id; });
  ExpectRule(46);
}

}  // namespace
}  // namespace obbak::e2e
