#include "dest/archive_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "dest/dest_test_support.h"

namespace obbak::dest {
namespace {

using format::PathKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The sample archive: pieces 1 and 2 of round 1 frozen, piece 3 active.
class ArchiveReaderTest : public testing::Test {
 protected:
  static constexpr format::DestId kDest{1002};
  static PieceName Piece(std::int64_t piece) { return {kDest, {1}, {piece}}; }

  void SetUp() override { world_.AddSamples(); }
  DestStore archive() { return world_.archive(); }
  std::vector<std::int64_t> AllPieceIds() {
    const auto pieces = world_.Run(ReadAllPieces(archive()));
    EXPECT_TRUE(Succeeded(pieces));
    std::vector<std::int64_t> ids;
    if (pieces)
      for (const auto& piece : *pieces) ids.push_back(piece.key.piece_id.value);
    return ids;
  }

  DestWorld world_;
};

TEST_F(ArchiveReaderTest, PiecesAreListedInOrderOfTheirNumbers) {
  for (const std::int64_t piece : {10, 4}) {
    format::BackupPath path = Piece(piece).Path(PathKind::kPieceStart);
    path.time = format::TimeTag::FromUnixSeconds(1673600000, std::chrono::seconds(0));
    world_.Put(archive(), path, {});
    // A writer in another time zone.
    path.time = format::TimeTag::FromUnixSeconds(1673600000, std::chrono::hours(3));
    world_.Put(archive(), path, {});
  }
  const auto names = world_.Run(ListPieces(archive()));
  ASSERT_TRUE(Succeeded(names));
  EXPECT_THAT(*names, ElementsAre(Piece(1), Piece(2), Piece(3), Piece(4), Piece(10)));
}

TEST_F(ArchiveReaderTest, FrozenPieceIsWhatItsDescriptionSays) {
  const auto piece = world_.Run(ReadPiece(archive(), Piece(1)));
  ASSERT_TRUE(Succeeded(piece));
  EXPECT_EQ(piece->state, PieceState::kFrozen);
  EXPECT_EQ(piece->attr.status.value, format::ArchivePieceStatus::kFrozen);
  EXPECT_EQ(piece->attr.key.piece_id.value, 1);
}

TEST_F(ArchiveReaderTest, ActivePieceHasTheGreatestCheckpointThatAMarkNames) {
  const auto before = world_.Run(ReadPiece(archive(), Piece(3)));
  ASSERT_TRUE(Succeeded(before));
  EXPECT_EQ(before->state, PieceState::kActive);
  EXPECT_EQ(before->attr.status.value, format::ArchivePieceStatus::kActive);
  EXPECT_EQ(before->attr.checkpoint_scn.value, 1673613049000000000u);
  EXPECT_EQ(before->attr.max_scn.value, 1673613049000000000u);
  EXPECT_EQ(before->attr.key.dest_id, kDest);
  EXPECT_FALSE(before->attr.path.value.empty());
  // The other name of marks counts too, and names that nobody knows don't matter.
  format::BackupPath mark = Piece(3).Path(PathKind::kPieceCheckpointScn);
  mark.scn = {1673613049000000001};
  world_.Put(archive(), mark, {});
  ASSERT_TRUE(Succeeded(
      world_.Run(archive().medium().Put("piece_d1002r1p3/checkpoint/checkpoint_info.9.tmp", {}))));
  const auto after = world_.Run(ReadPiece(archive(), Piece(3)));
  EXPECT_EQ(after->attr.checkpoint_scn.value, 1673613049000000001u);
}

TEST_F(ArchiveReaderTest, ActivePieceWithoutMarksHasTheCheckpointOfItsFirstFile) {
  format::BackupPath mark = Piece(3).Path(PathKind::kPieceCheckpointMarker);
  mark.scn = {1673613049000000000};
  world_.Remove(archive(), mark);
  const auto first = world_.Run(
      archive().Read<format::PieceCheckpointDesc>(Piece(3).Path(PathKind::kPieceCheckpointInfo)));
  ASSERT_TRUE(Succeeded(first));
  const auto piece = world_.Run(ReadPiece(archive(), Piece(3)));
  EXPECT_EQ(piece->attr.checkpoint_scn, first->checkpoint_scn);
  EXPECT_EQ(piece->attr.max_scn, first->max_scn);
}

TEST_F(ArchiveReaderTest, AllPiecesAreTheHistoryOfTheNewestThatIsNotEmpty) {
  EXPECT_THAT(AllPieceIds(), ElementsAre(1, 2, 3));
  format::BackupPath start = Piece(4).Path(PathKind::kPieceStart);
  world_.Put(archive(), start, {});
  EXPECT_EQ(world_.Run(ReadPiece(archive(), Piece(4)))->state, PieceState::kEmpty);
  EXPECT_THAT(AllPieceIds(), ElementsAre(1, 2, 3));
  world_.Remove(archive(), Piece(3).Path(PathKind::kPieceCheckpointInfo));
  EXPECT_THAT(AllPieceIds(), ElementsAre(1, 2));
}

TEST_F(ArchiveReaderTest, ArchiveWithoutPiecesHasNone) {
  const DestStore empty(world_.medium("nothing"), format::DestKind::kArchive);
  EXPECT_THAT(world_.Run(ListPieces(empty)).value(), IsEmpty());
  EXPECT_THAT(world_.Run(ReadAllPieces(empty)).value(), IsEmpty());
}

TEST_F(ArchiveReaderTest, ActivePieceWithoutItsHistoryIsAnError) {
  world_.Remove(archive(), Piece(3).Path(PathKind::kTenantArchivePieceInfos));
  const auto piece = world_.Run(ReadPiece(archive(), Piece(3)));
  EXPECT_EQ(CodeOf(piece), ErrorCode::kFileNotExist);
  EXPECT_THAT(piece.error().ToString(), HasSubstr("piece_d1002r1p3/tenant_archive_piece_infos"));
}

TEST_F(ArchiveReaderTest, DamageAndFilesOfOtherPiecesAreRefused) {
  const auto other =
      world_.Run(archive().ReadBytes(Piece(1).Path(PathKind::kSinglePieceInfo))).value();
  world_.Put(archive(), Piece(2).Path(PathKind::kSinglePieceInfo), other);
  EXPECT_EQ(CodeOf(world_.Run(ReadPiece(archive(), Piece(2)))), ErrorCode::kInvalidData);
  world_.Damage(archive(), Piece(1).Path(PathKind::kSinglePieceInfo), 70);
  EXPECT_EQ(CodeOf(world_.Run(ReadPiece(archive(), Piece(1)))), ErrorCode::kChecksumError);
}

}  // namespace
}  // namespace obbak::dest
