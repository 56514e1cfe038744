#include "format/inspect_file.h"

#include <gtest/gtest.h>

#include <string>

#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/metadata_file.h"

namespace obbak::format {
namespace {

Bytes PieceStart(std::int64_t piece) {
  return MetadataFile<PieceStartDesc>::Write({DestId{1002}, RoundId{1}, PieceId{piece}, Scn{5}})
      .value();
}

TEST(InspectFileTest, ComparesIdsInNameAndContent) {
  const FileReport good =
      InspectFile("pieces/piece_d1002r1p3_start_20230111T193049.obarc", PieceStart(3)).value();
  EXPECT_TRUE(good.inspection.findings.empty());
  EXPECT_EQ(good.record, "PieceStartDesc");

  const FileReport moved =
      InspectFile("pieces/piece_d1002r1p3_start_20230111T193049.obarc", PieceStart(4)).value();
  ASSERT_EQ(moved.inspection.findings.size(), 1U);
  EXPECT_EQ(moved.inspection.findings[0].field(), "payload.piece_id");
  EXPECT_EQ(moved.inspection.findings[0].message(), "is 4, the file's name says 3");
}

TEST(InspectFileTest, AllowsTheArchivesDestIdInsideAComplementLog) {
  const FileReport report =
      InspectFile(
          "backup_set_1_full/complement_log/pieces/piece_d1001r1p3_start_20230111T193049.obarc",
          PieceStart(3))
          .value();
  EXPECT_TRUE(report.inspection.findings.empty());
}

TEST(InspectFileTest, ReportsAFileUnderTheNameOfAnotherKind) {
  const FileReport report = InspectFile("rounds/round_d1002r1_start.obarc", PieceStart(3)).value();
  ASSERT_FALSE(report.inspection.findings.empty());
  EXPECT_EQ(report.inspection.findings[0].field(), "header.data_type");
}

TEST(InspectFileTest, TellsAmbiguousNamesApartByTheirContent) {
  const Bytes piece =
      MetadataFile<PieceInfoDesc>::Write({DestId{1}, RoundId{1}, PieceId{1}, {}}).value();
  EXPECT_EQ(InspectFile("file_info.obarc", piece)->record, "PieceInfoDesc");
  const Bytes stream =
      MetadataFile<SingleLsInfoDesc>::Write(
          {DestId{1}, RoundId{1}, PieceId{1}, LsId{1001}, Scn{1}, Scn{2}, 0, 0, {}})
          .value();
  EXPECT_EQ(InspectFile("file_info.obarc", stream)->record, "SingleLSInfoDesc");
}

TEST(InspectFileTest, LetsTheHeaderSpeakWhereTheNameIsSilent) {
  const FileReport report = InspectFile("/tmp/renamed.bin", PieceStart(3)).value();
  EXPECT_EQ(report.record, "PieceStartDesc");
  EXPECT_FALSE(report.kind.has_value());
  EXPECT_EQ(InspectFile("/tmp/renamed.bin", Bytes(10)).error().code(), ErrorCode::kInvalidData);
}

TEST(InspectFileTest, HoldsMarksWithoutContentToBeingEmpty) {
  const std::string marker = "piece_d1r1p1/checkpoint/checkpoint_info.17.obarc";
  EXPECT_TRUE(InspectFile(marker, {})->inspection.findings.empty());
  EXPECT_FALSE(InspectFile(marker, Bytes(1))->inspection.findings.empty());
}

TEST(InspectFileTest, AcceptsBackupSetMarksWithAndWithoutContent) {
  const std::string mark = "backup_sets/backup_set_1_full_start.obbak";
  EXPECT_TRUE(InspectFile(mark, {})->inspection.findings.empty());
  const Bytes content = MetadataFile<ExternBackupSetPlaceholderDesc>::Write({}).value();
  EXPECT_TRUE(InspectFile(mark, content)->inspection.findings.empty());
  EXPECT_FALSE(InspectFile("format.obbak", {})->inspection.findings.empty());
}

}  // namespace
}  // namespace obbak::format
