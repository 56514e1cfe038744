// LogSource against archives made of random logs, cut into pieces anywhere.
#include "dest/log_source.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dest/dest_test_support.h"
#include "format/log_file_header.h"
#include "format/log_test_support.h"
#include "format/object_parts.h"
#include "format/storage_object_meta.h"
#include "io/random.h"

namespace obbak::dest {
namespace {

using format::ArchiveFileHeader;
using format::BackupPath;
using format::LsId;
using format::Lsn;
using format::PalfBaseInfo;
using format::PathKind;
using format::Scn;
using format::TenantArchivePieceAttr;
using format::TestLog;
using ::testing::HasSubstr;

constexpr LsId kLs{1001};

// A log that begins shortly before the end of a block, so that it crosses into the next one.
TestLog CrossingLog(std::uint64_t seed, std::size_t groups) {
  PalfBaseInfo start;
  start.prev_log_info = {.log_id = 77,
                         .scn = Scn{1'600'000'000'000'000'000},
                         .lsn = Lsn{format::kPalfBlockSize - 200'056},
                         .log_proposal_id = 1,
                         .accum_checksum = 4711};
  start.curr_lsn = Lsn{format::kPalfBlockSize - 200'000};
  TestLog log(start, seed);
  log.AddGroups(groups, 5, 6000);
  return log;
}

// An archive of that log: piece i has the groups up to cuts[i], the last one all others.
class LogSourceTest : public testing::Test {
 protected:
  enum class Last { kFrozen, kActive };

  static PieceName Name(std::size_t piece) {
    return {{1002}, {1}, {static_cast<std::int64_t>(piece) + 1}};
  }
  std::size_t GroupBegin(const TestLog& log, std::size_t group) const {
    return group == 0 ? 0 : log.group_ends()[group - 1];
  }
  BackupPath LogPath(std::size_t piece, std::uint64_t file) const {
    BackupPath path = Name(piece).Path(PathKind::kLogFile);
    path.ls = kLs;
    path.file = static_cast<std::int64_t>(file);
    return path;
  }

  void Archive(const TestLog& log, const std::vector<std::size_t>& cuts, Last last) {
    std::size_t begin = 0;
    pieces_.clear();
    for (std::size_t piece = 0; piece <= cuts.size(); ++piece) {
      const bool is_last = piece == cuts.size();
      const std::size_t end = is_last ? log.bytes().size() : GroupBegin(log, cuts[piece]);
      const bool frozen = !is_last || last == Last::kFrozen;
      WritePiece(piece, log, begin, end, frozen);
      begin = end;
    }
  }

  // Bytes [begin, end) of the log become what piece `piece` has of it.
  void WritePiece(std::size_t piece, const TestLog& log, std::size_t begin, std::size_t end,
                  bool frozen) {
    const Lsn origin = log.start().curr_lsn;
    format::SingleLsInfoDesc info{.dest_id = Name(piece).dest,
                                  .round_id = Name(piece).round,
                                  .piece_id = Name(piece).piece,
                                  .ls_id = kLs,
                                  .start_scn = Scn{1},
                                  .checkpoint_scn = Scn{1},
                                  .min_lsn = (origin + begin).value,
                                  .max_lsn = (origin + end).value,
                                  .filelist = {},
                                  .deleted = false};
    while (begin < end) {
      const Lsn lsn = origin + begin;
      const std::size_t size = std::min<std::size_t>(end - begin, format::BytesLeftInBlock(lsn));
      Bytes file = format::HeaderArea<ArchiveFileHeader>::Write({.start_lsn = lsn}).value();
      const ByteView part = ByteView(log.bytes()).subspan(begin, size);
      file.insert(file.end(), part.begin(), part.end());
      const std::uint64_t id = format::ArchiveFileIdOf(lsn);
      world_->Put(store(), LogPath(piece, id), file);
      info.filelist.push_back(
          {static_cast<std::int64_t>(id), static_cast<std::int64_t>(file.size())});
      begin += size;
    }
    if (frozen) WriteInfo(piece, info);
    world_->Put(store(), Name(piece).Path(PathKind::kPieceStart), {});
    TenantArchivePieceAttr attr;
    attr.key = {.tenant_id = {1002},
                .dest_id = Name(piece).dest,
                .round_id = Name(piece).round,
                .piece_id = Name(piece).piece};
    attr.status.value =
        frozen ? format::ArchivePieceStatus::kFrozen : format::ArchivePieceStatus::kActive;
    attr.checkpoint_scn = Scn{Scn::kMaxValue};
    pieces_.push_back(attr);
  }
  void WriteInfo(std::size_t piece, const format::SingleLsInfoDesc& info) {
    BackupPath path = Name(piece).Path(PathKind::kLsFileInfo);
    path.ls = kLs;
    world_->Write(store(), path, info);
  }
  format::SingleLsInfoDesc ReadInfo(std::size_t piece) {
    BackupPath path = Name(piece).Path(PathKind::kLsFileInfo);
    path.ls = kLs;
    return world_->Run(store().Read<format::SingleLsInfoDesc>(path)).value();
  }

  Result<std::unique_ptr<LogSource>> Open(PalfBaseInfo position) {
    return world_->Run(LogSource::Open(store(), pieces_, kLs, position.curr_lsn));
  }
  // All further groups.
  Result<Bytes> ReadRest(LogSource& source) {
    Bytes bytes;
    while (true) {
      const auto group = world_->Run(source.Next());
      if (!group) return Fail(group.error());
      if (!*group) return bytes;
      bytes.insert(bytes.end(), (*group)->bytes.begin(), (*group)->bytes.end());
    }
  }
  // All groups from the position on.
  Result<Bytes> ReadFrom(const PalfBaseInfo& position) {
    Result<std::unique_ptr<LogSource>> source = Open(position);
    if (!source) return Fail(source.error());
    return ReadRest(**source);
  }
  DestStore store() { return in_complement_log_ ? Complement() : world_->archive(); }
  DestStore Complement() {
    return DestStore::ComplementLog(world_->data(), {7}, format::BackupSetKind::kFull);
  }
  // Keeps the first `size` bytes of a file, and then `zeros` zeros.
  void Cut(const BackupPath& path, std::size_t size, std::size_t zeros = 0) {
    Bytes bytes = world_->Run(store().ReadBytes(path)).value();
    ASSERT_LE(size, bytes.size());
    bytes.resize(size);
    bytes.resize(size + zeros);
    world_->Put(store(), path, bytes);
  }

  // Makes a plain log file one in parts, some of which overlap. Nothing when there is no such file.
  std::vector<BackupPath> SplitIntoParts(const BackupPath& path, io::Random& random, bool sealed) {
    const Result<Bytes> bytes = world_->Run(store().ReadBytes(path));
    if (!bytes) return {};
    world_->Remove(store(), path);
    const auto put = [&](PathKind kind, format::ObjectPart part, ByteView content) {
      BackupPath object = path;
      object.kind = kind;
      object.part = part;
      world_->Put(store(), object, content);
      return object;
    };
    std::vector<format::ObjectPart> parts;
    std::vector<BackupPath> paths;
    for (std::size_t begin = 0; begin < bytes->size();) {
      const std::size_t size =
          std::min(bytes->size() - begin, std::size_t{5000} + random.Below(20'000));
      // A write that was tried again when there was more.
      const std::size_t retried = std::min(bytes->size() - begin, size + random.Below(3) * 1000);
      for (const std::size_t length : {size, retried}) {
        const format::ObjectPart part{begin, begin + length};
        const ByteView content = ByteView(*bytes).subspan(begin, length);
        if (length == size || size != retried)
          paths.push_back(put(PathKind::kLogPart, part, content));
        parts.push_back(part);
      }
      begin += retried - std::min<std::size_t>(retried - 1, random.Below(2) * 100);
      if (parts.back().end == bytes->size()) break;
    }
    if (sealed) {
      const auto kept = format::CleanParts(parts);
      const auto seal = format::WriteSealMeta({.length = {bytes->size()}, .parts = kept});
      EXPECT_TRUE(Succeeded(seal));
      put(PathKind::kLogSealMeta, {}, *seal);
    } else {
      put(PathKind::kLogFormatMeta, {}, AsByteView(format::kFormatMetaContent));
    }
    return paths;
  }

  std::unique_ptr<DestWorld> world_ = std::make_unique<DestWorld>();
  std::vector<TenantArchivePieceAttr> pieces_;
  bool in_complement_log_ = false;
};

// The positions behind each group, the first one before all.
std::vector<PalfBaseInfo> PositionsIn(const TestLog& log) {
  std::vector<PalfBaseInfo> positions{log.start()};
  format::LogReader reader(log.start(), format::LogMedium::kAppended);
  ByteView rest = log.bytes();
  while (reader.Next(rest, true) == format::LogReader::Outcome::kGroup) {
    positions.push_back(reader.position());
    rest = rest.subspan(reader.group().bytes.size());
  }
  return positions;
}

TEST_F(LogSourceTest, WholeLogIsReadWhateverThePieces) {
  io::Random random(1);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    world_ = std::make_unique<DestWorld>(seed);
    const TestLog log = CrossingLog(seed, 60);
    std::vector<std::size_t> cuts(random.Below(6));
    // Equal cuts make pieces without logs.
    for (std::size_t& cut : cuts) cut = random.Below(log.group_ends().size() + 1);
    std::ranges::sort(cuts);
    in_complement_log_ = random.OneIn(4);
    Archive(log, cuts, random.OneIn(2) ? Last::kFrozen : Last::kActive);
    const auto read = ReadFrom(log.start());
    ASSERT_TRUE(Succeeded(read));
    ASSERT_TRUE(*read == log.bytes());
  }
}

TEST_F(LogSourceTest, ReadingBeginsAtAnyGroup) {
  const TestLog log = CrossingLog(2, 60);
  Archive(log, {10, 10, 30, 50}, Last::kActive);
  const std::vector<PalfBaseInfo> positions = PositionsIn(log);
  ASSERT_EQ(positions.size(), log.group_ends().size() + 1);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const Bytes expected(log.bytes().begin() + static_cast<std::ptrdiff_t>(GroupBegin(log, i)),
                         log.bytes().end());
    const auto read = ReadFrom(positions[i]);
    ASSERT_TRUE(Succeeded(read));
    ASSERT_TRUE(*read == expected) << i;
    const auto source = world_->Run(LogSource::Open(store(), pieces_, kLs, positions[i].curr_lsn));
    ASSERT_TRUE(Succeeded(source));
    ASSERT_TRUE(ReadRest(**source).value() == expected) << i;
    EXPECT_EQ((*source)->lsn(), positions.back().curr_lsn);
  }
}

TEST_F(LogSourceTest, LogThatTheArchiveHasNotYetIsItsEnd) {
  const TestLog log = CrossingLog(5, 20);
  Archive(log, {10}, Last::kActive);
  PalfBaseInfo position = log.position();
  EXPECT_TRUE(ReadFrom(position).value().empty());
  position.curr_lsn = position.curr_lsn + 5000;
  EXPECT_TRUE(ReadFrom(position).value().empty());
  pieces_.clear();
  EXPECT_TRUE(ReadFrom(log.start()).value().empty());
}

TEST_F(LogSourceTest, LogThatTheArchiveHasNoMoreIsRecycled) {
  const TestLog log = CrossingLog(6, 40);
  Archive(log, {10, 20}, Last::kFrozen);
  pieces_.erase(pieces_.begin());
  const auto read = ReadFrom(log.start());
  EXPECT_EQ(CodeOf(read), ErrorCode::kArchiveLogRecycled);
  EXPECT_THAT(read.error().ToString(), HasSubstr("log stream 1001 is needed from LSN"));
  // A piece that is in the plan, but that a clean-up has removed.
  Archive(log, {10, 20}, Last::kFrozen);
  world_->Remove(store(), Name(1).Path(PathKind::kPieceStart));
  EXPECT_EQ(CodeOf(ReadFrom(log.start())), ErrorCode::kArchiveLogRecycled);
}

TEST_F(LogSourceTest, GapBetweenPiecesIsNoticed) {
  const TestLog log = CrossingLog(7, 40);
  Archive(log, {10, 20}, Last::kActive);
  pieces_.erase(pieces_.begin() + 1);
  const auto read = ReadFrom(log.start());
  EXPECT_EQ(CodeOf(read), ErrorCode::kArchiveRoundNotContinuous);
}

TEST_F(LogSourceTest, LogStreamsThatComeAndGoAreFollowed) {
  const TestLog log = CrossingLog(8, 40);
  Archive(log, {0, 0, 25, 40}, Last::kFrozen);
  // Not there yet in the first piece, nothing in the second, deleted in the third.
  BackupPath info = Name(0).Path(PathKind::kLsFileInfo);
  info.ls = kLs;
  world_->Remove(store(), info);
  format::SingleLsInfoDesc third = ReadInfo(2);
  third.deleted = true;
  WriteInfo(2, third);
  const auto source = Open(log.start()).value();
  EXPECT_EQ(ReadRest(*source).value().size(), GroupBegin(log, 25));
  EXPECT_TRUE(source->deleted());
  EXPECT_FALSE(source->tail());
  const auto other =
      world_->Run(LogSource::Open(store(), pieces_, LsId{1002}, log.start().curr_lsn));
  EXPECT_TRUE(ReadRest(**other).value().empty());
}

TEST_F(LogSourceTest, FrozenFilesMustBeAsTheirListSays) {
  const TestLog log = CrossingLog(9, 60);
  const std::uint64_t id = format::ArchiveFileIdOf(log.start().curr_lsn);
  const auto expect_damage = [&](const char* text) {
    const auto read = ReadFrom(log.start());
    ASSERT_FALSE(read);
    EXPECT_EQ(CodeOf(read), ErrorCode::kInvalidData);
    EXPECT_THAT(read.error().ToString(), HasSubstr(text));
    EXPECT_THAT(read.error().path(), HasSubstr("piece_d1002r1p"));
  };
  Archive(log, {10, 50}, Last::kActive);
  Cut(LogPath(0, id), format::kLogFileHeaderArea + GroupBegin(log, 9));
  expect_damage("the list of its piece says");
  Archive(log, {10, 50}, Last::kActive);
  format::SingleLsInfoDesc info = ReadInfo(0);
  info.max_lsn += 100;
  WriteInfo(0, info);
  expect_damage("before the piece's log does");
  Archive(log, {10, 50}, Last::kActive);
  info = ReadInfo(1);
  ASSERT_GT(info.filelist.size(), 1u);
  info.filelist.pop_back();
  WriteInfo(1, info);
  expect_damage("is missing");
}

TEST_F(LogSourceTest, AnyFlippedBitIsNoticedAndNamed) {
  const TestLog log = CrossingLog(10, 40);
  io::Random random(10);
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    Archive(log, {15, 25}, Last::kFrozen);
    const std::size_t piece = random.Below(3);
    const format::SingleLsInfoDesc info = ReadInfo(piece);
    const auto& file = info.filelist[random.Below(info.filelist.size())];
    const auto size = static_cast<std::size_t>(file.size_bytes) - format::kLogFileHeaderArea;
    const std::size_t offset =
        random.OneIn(5) ? random.Below(32) : format::kLogFileHeaderArea + random.Below(size);
    const BackupPath path = LogPath(piece, static_cast<std::uint64_t>(file.file_id));
    world_->Damage(store(), path, offset);
    const auto read = ReadFrom(log.start());
    // Only what stands in a padding entry behind its header is protected by nothing.
    if (read) {
      EXPECT_TRUE(file.file_id == 1);
      continue;
    }
    EXPECT_THAT(read.error().path(), HasSubstr(store().FullPathOf(path)));
    if (offset >= 4096) {
      ASSERT_TRUE(read.error().offset());
      // At the latest where the group's header or entry ends that is wrong.
      EXPECT_LE(*read.error().offset(), offset + format::LogGroupEntryHeader::kSize);
    }
  }
}

TEST_F(LogSourceTest, TornTailOfTheNewestActivePieceIsTheEndForNow) {
  const TestLog log = CrossingLog(11, 30);
  Archive(log, {10}, Last::kActive);
  pieces_.back().checkpoint_scn = Scn{1};
  const std::uint64_t id = format::ArchiveFileIdOf(log.position().curr_lsn);
  const BackupPath path = LogPath(1, id);
  const std::size_t groups = log.group_ends().size();
  const std::size_t last = log.bytes().size() - GroupBegin(log, groups - 1);
  const std::size_t size = world_->Run(store().ReadBytes(path)).value().size();
  const Bytes whole = world_->Run(store().ReadBytes(path)).value();
  for (const std::size_t cut : {std::size_t{1}, last / 2, last - 1, last}) {
    SCOPED_TRACE(cut);
    world_->Put(store(), path, whole);
    Cut(path, size - cut);
    const auto source = Open(log.start()).value();
    const auto read = ReadRest(*source);
    ASSERT_TRUE(Succeeded(read));
    EXPECT_EQ(read->size(), GroupBegin(log, groups - 1));
    EXPECT_EQ(source->tail().has_value(), cut < last);
    EXPECT_FALSE(source->deleted());
  }
}

TEST_F(LogSourceTest, ZerosThatACrashLeftAreTheEndOnlyBehindTheCheckpoint) {
  const TestLog log = CrossingLog(12, 30);
  Archive(log, {10}, Last::kActive);
  const BackupPath path = LogPath(1, format::ArchiveFileIdOf(log.position().curr_lsn));
  const std::size_t size = world_->Run(store().ReadBytes(path)).value().size();
  const std::size_t groups = log.group_ends().size();
  const std::size_t last = log.bytes().size() - GroupBegin(log, groups - 1);
  Cut(path, size - last, last);
  pieces_.back().checkpoint_scn = PositionsIn(log)[groups - 1].prev_log_info.scn;
  const auto source = Open(log.start()).value();
  EXPECT_EQ(ReadRest(*source).value().size(), GroupBegin(log, groups - 1));
  EXPECT_TRUE(source->tail());
  ++pieces_.back().checkpoint_scn.value;
  EXPECT_FALSE(ReadFrom(log.start()));
}

TEST_F(LogSourceTest, OnlyTheNewestFileOfTheNewestPieceHasATail) {
  const TestLog log = CrossingLog(17, 60);
  const Lsn start = log.start().curr_lsn;
  const std::uint64_t first_id = format::ArchiveFileIdOf(start);
  // A file behind the torn one.
  Archive(log, {}, Last::kActive);
  pieces_.back().checkpoint_scn = Scn{1};
  const std::size_t size = world_->Run(store().ReadBytes(LogPath(0, first_id))).value().size();
  Cut(LogPath(0, first_id), size - 10);
  EXPECT_EQ(CodeOf(ReadFrom(log.start())), ErrorCode::kInvalidData);
  // A piece behind the torn one.
  Archive(log, {10}, Last::kActive);
  pieces_.front().status.value = format::ArchivePieceStatus::kActive;
  pieces_.front().checkpoint_scn = Scn{1};
  Cut(LogPath(0, first_id), format::kLogFileHeaderArea + GroupBegin(log, 10) - 10);
  EXPECT_EQ(CodeOf(ReadFrom(log.start())), ErrorCode::kInvalidData);
}

TEST_F(LogSourceTest, LogOfALaterVersionIsNoTail) {
  const TestLog log = CrossingLog(18, 20);
  Archive(log, {}, Last::kActive);
  pieces_.back().checkpoint_scn = Scn{1};
  const BackupPath path = LogPath(0, format::ArchiveFileIdOf(log.start().curr_lsn));
  Bytes bytes = world_->Run(store().ReadBytes(path)).value();
  const std::size_t version = format::kLogFileHeaderArea + GroupBegin(log, 19) + 3;
  bytes[version] = std::byte{2};
  world_->Put(store(), path, bytes);
  EXPECT_EQ(CodeOf(ReadFrom(log.start())), ErrorCode::kNotSupported);
}

TEST_F(LogSourceTest, FileWhoseHeaderWasNeverCompletedIsNoFileYet) {
  const TestLog log = CrossingLog(13, 60);
  for (const bool zeros : {false, true}) {
    SCOPED_TRACE(zeros);
    Archive(log, {10}, Last::kActive);
    const std::uint64_t id = format::ArchiveFileIdOf(log.position().curr_lsn);
    Cut(LogPath(1, id), 0, zeros ? 9000 : 100);
    const auto read = ReadFrom(log.start());
    ASSERT_TRUE(Succeeded(read));
    EXPECT_EQ(read->size(), format::BytesLeftInBlock(log.start().curr_lsn));
    // The only file of the log stream.
    Archive(log, {log.group_ends().size()}, Last::kActive);
    world_->Put(store(), LogPath(1, id), Bytes(zeros ? 9000 : 100));
    EXPECT_TRUE(ReadFrom(log.start()).value() == log.bytes());
  }
}

TEST_F(LogSourceTest, FilesInPartsAreReadLikeWholeOnes) {
  const TestLog log = CrossingLog(15, 60);
  io::Random random(15);
  for (const bool sealed : {false, true}) {
    SCOPED_TRACE(sealed);
    world_ = std::make_unique<DestWorld>();
    Archive(log, {20, 40}, Last::kActive);
    for (std::size_t piece = 0; piece < 3; ++piece) {
      for (const std::uint64_t id : {1u, 2u}) SplitIntoParts(LogPath(piece, id), random, sealed);
    }
    const auto read = ReadFrom(log.start());
    ASSERT_TRUE(Succeeded(read));
    EXPECT_TRUE(*read == log.bytes());
  }
}

TEST_F(LogSourceTest, PartsThatAreMissingOrCutAreNoticed) {
  const TestLog log = CrossingLog(16, 60);
  io::Random random(16);
  const std::uint64_t id = format::ArchiveFileIdOf(log.start().curr_lsn);
  const BackupPath path = LogPath(0, id);
  Archive(log, {60}, Last::kActive);
  const std::vector<BackupPath> parts = SplitIntoParts(path, random, /*sealed=*/false);
  ASSERT_GT(parts.size(), 2u);
  const Bytes middle = world_->Run(store().ReadBytes(parts[1])).value();
  world_->Put(store(), parts[1], ByteView(middle).first(middle.size() - 1));
  const auto cut = ReadFrom(log.start());
  EXPECT_EQ(CodeOf(cut), ErrorCode::kInvalidData);
  EXPECT_THAT(cut.error().path(), HasSubstr(store().FullPathOf(parts[1])));
  world_->Remove(store(), parts[1]);
  EXPECT_FALSE(ReadFrom(log.start()));
  // Without the mark it is no file.
  BackupPath mark = path;
  mark.kind = PathKind::kLogFormatMeta;
  world_->Remove(store(), mark);
  EXPECT_EQ(CodeOf(ReadFrom(log.start())), ErrorCode::kFileNotExist);
}

TEST_F(LogSourceTest, SampleArchiveIsReadAcrossItsBlocks) {
  world_->AddSamples();
  const auto pieces = world_->Run(ReadAllPieces(store())).value();
  const Bytes file = world_->Run(store().ReadBytes(LogPath(pieces.size() - 1, 1))).value();
  const auto header = format::HeaderArea<format::ArchiveFileHeader>::Read(
      ByteView(file).first(format::kLogFileHeaderArea));
  const auto source =
      world_->Run(LogSource::Open(store(), {pieces.back()}, kLs, header->start_lsn)).value();
  const auto read = ReadRest(*source);
  ASSERT_TRUE(Succeeded(read));
  EXPECT_EQ(read->size(), 9216u + 10683u - 2 * format::kLogFileHeaderArea);
}

TEST_F(LogSourceTest, LogIsReadOnWhereASourceStopped) {
  const TestLog log = CrossingLog(14, 60);
  Archive(log, {10, 40}, Last::kActive);
  Lsn at = log.start().curr_lsn;
  Bytes read;
  io::Random random(14);
  while (true) {
    const auto source = world_->Run(LogSource::Open(store(), pieces_, kLs, at)).value();
    bool end = false;
    for (std::uint64_t n = random.Below(7); n > 0 && !end; --n) {
      const auto group = world_->Run(source->Next()).value();
      end = !group;
      if (group) read.insert(read.end(), group->bytes.begin(), group->bytes.end());
    }
    at = source->lsn();
    if (end) break;
  }
  EXPECT_TRUE(read == log.bytes());
}

}  // namespace
}  // namespace obbak::dest
