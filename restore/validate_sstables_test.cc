// Rules about macro blocks that cannot be read from files, since a file's own rules would stop them
// first, or are easier told by facts.
#include "restore/validate_sstables.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "restore/validate_findings.h"

namespace obbak::restore {
namespace {

using format::DataType;
using format::Datum;
using format::ObjMeta;

constexpr format::TabletId kTablet{200'001};
constexpr format::BackupSetId kSet{1};

// A set with one minor SSTable of two macro blocks, whose keys are of these types.
class TwoBlocks {
 public:
  TwoBlocks(ObjMeta first_type, Datum first_key, ObjMeta second_type, Datum second_key) {
    dest_.tree = &tree_;
    SetFacts& set = dest_.sets[kSet];
    set.desc.emplace();
    set.desc->minor_turn_id = set.desc->major_turn_id = 1;
    file_ = &set.data[{DataType::kMinor, {{1001}, 1, 0}}].files[0];
    file_->readable = true;
    AddBlock(first_type, first_key);
    AddBlock(second_type, second_key);
    IndexFacts& indexes = set.tenant_indexes[{DataType::kMinor, 1}][0];
    indexes.meta.emplace();
    indexes.sec_meta.emplace();
    AddMeta(std::vector{sstable_}, format::BackupMetaType::kSstableMeta, *indexes.meta);
    format::BackupMacroBlockIdMappingsMeta mappings;
    mappings.id_map_list.push_back(mapping_);
    AddMeta(mappings, format::BackupMetaType::kMacroBlockIdMappingMeta, *indexes.sec_meta);
  }

  bool BreaksRule(int rule) {
    FindingList findings(100);
    CheckSstables(SetView(dest_, kSet, dest_.sets.at(kSet)), Reporter(findings, 0, "file:///data"));
    ValidationReport report;
    findings.MoveTo(report);
    for (const Finding& finding : report.findings) {
      if (finding.rule == rule) return true;
    }
    return false;
  }

 private:
  void AddBlock(ObjMeta type, Datum key) {
    MacroBlockFacts block;
    block.logic_id.tablet_id = kTablet.value;
    block.logic_id.data_seq.value = static_cast<std::int64_t>(file_->blocks.size());
    block.offset = 4096 * (file_->blocks.size() + 1);
    block.length = 4096;
    block.readable = true;
    block.rowkey_column_count = block.column_count = 3;
    block.column_types = std::make_shared<const std::vector<ObjMeta>>(
        std::vector{type, ObjMeta::BigInt(), ObjMeta::BigInt()});
    const std::vector<Datum> cells{key, Datum::Int(-5), Datum::Int(0)};
    block.first_key = block.last_key = format::OwnedKey(cells);
    format::BackupMacroBlockIndex place{
        .logic_id = block.logic_id, .backup_set_id = kSet, .ls_id = {1001}, .turn_id = 1};
    place.offset = static_cast<std::int64_t>(block.offset);
    place.length = 4096;
    const auto physical = format::BackupPhysicalId::Of(place);
    ASSERT_TRUE(physical) << physical.error().ToString();
    mapping_.id_pair_list.push_back({block.logic_id, *physical});
    sstable_.logic_id_list.push_back(block.logic_id);
    file_->blocks.push_back(std::move(block));
  }

  template <class Record>
  void AddMeta(Record record, format::BackupMetaType type,
               IndexFileFacts<format::BackupMetaIndex>& index) {
    format::BackupMetaIndex entry;
    entry.meta_key = {kTablet, type};
    entry.backup_set_id = kSet;
    entry.ls_id = {1001};
    entry.turn_id = 1;
    entry.offset = static_cast<std::int64_t>(1'000'000 + file_->metas.size());
    file_->metas.push_back({.index = entry, .record = std::move(record)});
    index.entries.push_back(entry);
  }

  Tree tree_;
  DestFacts dest_;
  DataFileFacts* file_ = nullptr;
  format::BackupSstableMeta sstable_;
  format::BackupMacroBlockIdMapping mapping_;
};

TEST(ValidateSstables, KeysOfBlocksAscend) {
  const ObjMeta type = ObjMeta::BigInt();
  EXPECT_FALSE(TwoBlocks(type, Datum::Int(1), type, Datum::Int(2)).BreaksRule(28));
  EXPECT_TRUE(TwoBlocks(type, Datum::Int(2), type, Datum::Int(1)).BreaksRule(28));
}

// A word read as the place of a text would be a crash.
TEST(ValidateSstables, KeysOfOtherTypesAreNotCompared) {
  const Datum text = Datum::Of(AsByteView("a text"));
  EXPECT_FALSE(
      TwoBlocks(ObjMeta::BigInt(), Datum::Int(7), ObjMeta::Varchar(), text).BreaksRule(28));
  EXPECT_FALSE(
      TwoBlocks(ObjMeta::Varchar(), text, ObjMeta::BigInt(), Datum::Int(7)).BreaksRule(28));
  const ObjMeta date = ObjMeta::Numeric(format::ObjType::kDate);
  EXPECT_FALSE(TwoBlocks(date, Datum(), ObjMeta::Varchar(), text).BreaksRule(28));
  EXPECT_FALSE(TwoBlocks(ObjMeta::Varchar(), Datum::Of({}), date, Datum::Of(AsByteView("1234")))
                   .BreaksRule(28));
}

}  // namespace
}  // namespace obbak::restore
