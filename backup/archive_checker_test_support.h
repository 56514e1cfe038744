// What a strict reader demands of an archive destination: rules 33 to 42 of
// docs/spec/consistency.md, written down once more for tests, from the bytes of the tree alone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "format/archive_records.h"
#include "format/backup_path.h"
#include "format/destination_records.h"
#include "format/log_file_reader.h"
#include "format/log_group.h"
#include "format/lsn.h"
#include "format/metadata_file.h"
#include "format/schema_meta_file.h"
#include "format/time_tag.h"
#include "io/sim_image.h"

namespace obbak::backup {

// Files below `dir`, by their paths in it.
inline std::map<std::string, Bytes> TreeOf(const io::SimImage& image, const std::string& dir) {
  std::map<std::string, Bytes> tree;
  const std::function<void(io::SimImage::NodeId, const std::string&)> walk =
      [&](io::SimImage::NodeId node, const std::string& path) {
        for (const auto& [name, child] : image.entries(node)) {
          const std::string below = path.empty() ? name : path + "/" + name;
          if (image.IsDirectory(child)) {
            walk(child, below);
            continue;
          }
          const io::SimFile& file = image.file(child);
          Bytes bytes(file.size());
          EXPECT_EQ(file.Read(0, bytes), bytes.size()) << below;
          tree.emplace(below, std::move(bytes));
        }
      };
  const io::SimImage::NodeId root = image.Find(dir);
  if (root != io::SimImage::kNoNode) walk(root, "");
  return tree;
}

// What one round has of one log stream.
struct ArchivedLog {
  format::Lsn begin;
  Bytes bytes;
  // Of its groups, in order.
  std::vector<format::Scn> scns;

  format::Lsn end() const { return begin + bytes.size(); }
};

class ArchiveChecker {
 public:
  struct Options {
    std::chrono::seconds utc_offset{0};
    // Left by a crash: the last file of a log may end in a torn group, temporary objects may lie
    // about, and a piece may be half-way to being frozen.
    bool is_torn = false;
  };
  using RoundLs = std::pair<format::RoundId, format::LsId>;

  ArchiveChecker(std::map<std::string, Bytes> tree, Options options)
      : tree_(std::move(tree)), options_(options) {}

  // Every violation is a test failure.
  void Check() {
    for (const auto& [path, bytes] : tree_) Sort(path, bytes);
    for (const auto& [round, start] : round_starts_) CheckRound(round, start);
    CheckRoundsFollow();
  }

  const std::map<RoundLs, ArchivedLog>& logs() const { return logs_; }
  const std::map<format::RoundId, format::RoundStartDesc>& round_starts() const {
    return round_starts_;
  }
  const std::map<format::RoundId, format::RoundEndDesc>& round_ends() const { return round_ends_; }
  std::size_t frozen_pieces() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        pieces_, [](const auto& entry) { return entry.second.single.has_value(); }));
  }
  std::size_t pieces() const { return pieces_.size(); }
  // What a reader takes for restorable; none: nothing is.
  std::optional<format::Scn> RestorableUpTo() const {
    for (auto entry = pieces_.rbegin(); entry != pieces_.rend(); ++entry) {
      const Piece& piece = entry->second;
      if (piece.single) {
        if (piece.single->piece.file_status != format::BackupFileStatus::kAvailable) continue;
        return piece.single->piece.checkpoint_scn;
      }
      if (piece.checkpoint) return std::max(piece.checkpoint->checkpoint_scn, NewestMark(piece));
    }
    return std::nullopt;
  }

 private:
  using PieceKey = std::pair<format::RoundId, format::PieceId>;
  struct LsPart {
    std::map<std::int64_t, const Bytes*> files;
    std::optional<format::SingleLsInfoDesc> info;
    Bytes info_bytes;
  };
  struct Piece {
    std::optional<format::PieceStartDesc> start;
    std::optional<format::PieceEndDesc> end;
    std::optional<format::PieceInnerPlaceholderDesc> inner;
    std::optional<format::SinglePieceDesc> single;
    std::optional<format::TenantArchivePieceInfosDesc> infos;
    std::optional<format::PieceCheckpointDesc> checkpoint;
    std::optional<format::PieceInfoDesc> info;
    std::vector<format::Scn> marks;
    std::map<format::LsId, LsPart> parts;
  };

  template <class R>
  std::optional<R> Read(const std::string& path, const Bytes& bytes) {
    Result<R> record = format::MetadataFile<R>::Read(bytes);
    EXPECT_TRUE(record) << path << ": " << record.error().ToString();
    if (!record) return std::nullopt;
    return *std::move(record);
  }

  // Rule 33, ids.
  template <class R>
  std::optional<R> ReadOf(const format::BackupPath& path, const std::string& name,
                          const Bytes& bytes) {
    std::optional<R> record = Read<R>(name, bytes);
    if (!record) return std::nullopt;
    EXPECT_EQ(record->dest_id, path.dest) << name;
    EXPECT_EQ(record->round_id, path.round) << name;
    if constexpr (requires { record->piece_id; }) {
      EXPECT_EQ(record->piece_id, path.piece) << name;
    }
    return record;
  }

  void ExpectTag(const std::string& name, format::TimeTag tag, format::Scn scn) {
    EXPECT_EQ(tag, format::TimeTag::FromScn(scn, options_.utc_offset)) << name;
  }

  void Sort(const std::string& name, const Bytes& bytes) {
    using format::PathKind;
    const bool is_temporary = name.find('/') == std::string::npos && name != "format.obbak";
    if (is_temporary && options_.is_torn) return;
    const auto parsed = format::ParseBackupPath(name, format::DestKind::kArchive);
    ASSERT_TRUE(parsed) << name << ": " << parsed.error().ToString();
    const format::BackupPath& path = *parsed;
    switch (path.kind) {
      case PathKind::kFormatFile: {
        const auto format = Read<format::BackupFormatDesc>(name, bytes);
        ASSERT_TRUE(format);
        EXPECT_EQ(format->dest_type.value, format::BackupDestType::kArchiveLog);
        dest_ = format->dest_id;
        return;
      }
      case PathKind::kConnectFile:
        Read<format::BackupCheckDesc>(name, bytes);
        return;
      case PathKind::kRoundStart:
        if (const auto start = ReadOf<format::RoundStartDesc>(path, name, bytes))
          round_starts_[path.round] = *start;
        return;
      case PathKind::kRoundEnd:
        if (const auto end = ReadOf<format::RoundEndDesc>(path, name, bytes))
          round_ends_[path.round] = *end;
        return;
      default:
        SortPiece(path, name, bytes);
    }
  }

  void SortPiece(const format::BackupPath& path, const std::string& name, const Bytes& bytes) {
    using format::PathKind;
    EXPECT_EQ(path.dest, dest_) << name;
    Piece& piece = pieces_[{path.round, path.piece}];
    switch (path.kind) {
      case PathKind::kPieceStart:
        piece.start = ReadOf<format::PieceStartDesc>(path, name, bytes);
        ExpectTag(name, path.time, piece.start->start_scn);
        return;
      case PathKind::kPieceEnd:
        piece.end = ReadOf<format::PieceEndDesc>(path, name, bytes);
        ExpectTag(name, path.time, piece.end->end_scn);
        return;
      case PathKind::kPieceInnerMark:
        piece.inner = ReadOf<format::PieceInnerPlaceholderDesc>(path, name, bytes);
        ExpectTag(name, path.time, piece.inner->start_scn);
        ExpectTag(name, path.end_time, piece.inner->checkpoint_scn);
        return;
      case PathKind::kSinglePieceInfo: {
        piece.single = Read<format::SinglePieceDesc>(name, bytes);
        const format::ArchivePieceKey& key = piece.single->piece.key;
        EXPECT_EQ(key.dest_id, path.dest) << name;
        EXPECT_EQ(key.round_id, path.round) << name;
        EXPECT_EQ(key.piece_id, path.piece) << name;
        return;
      }
      case PathKind::kTenantArchivePieceInfos:
        piece.infos = ReadOf<format::TenantArchivePieceInfosDesc>(path, name, bytes);
        return;
      case PathKind::kPieceFileInfo:
        piece.info = ReadOf<format::PieceInfoDesc>(path, name, bytes);
        return;
      case PathKind::kPieceCheckpointInfo:
        piece.checkpoint = ReadOf<format::PieceCheckpointDesc>(path, name, bytes);
        return;
      case PathKind::kPieceCheckpointMarker:
        EXPECT_TRUE(bytes.empty()) << name;
        piece.marks.push_back(path.scn);
        return;
      case PathKind::kLsFileInfo: {
        LsPart& part = piece.parts[path.ls];
        part.info = ReadOf<format::SingleLsInfoDesc>(path, name, bytes);
        EXPECT_EQ(part.info->ls_id, path.ls) << name;
        return;
      }
      case PathKind::kLogFile:
        piece.parts[path.ls].files[path.file] = &bytes;
        return;
      case PathKind::kSchemaMeta: {
        const auto meta = format::SchemaMetaFile::Read(bytes);
        ASSERT_TRUE(meta) << name << ": " << meta.error().ToString();
        EXPECT_EQ(meta->timestamp, path.scn) << name;
        EXPECT_EQ(path.ls, format::kSysLsId) << name;
        return;
      }
      default:
        ADD_FAILURE() << "nobody writes " << name;
    }
  }

  static format::Scn NewestMark(const Piece& piece) {
    return piece.marks.empty() ? format::kMinScn : std::ranges::max(piece.marks);
  }

  // The end of the round's checkpoints: RE has it, or the newest mark.
  void CheckRound(format::RoundId id, const format::RoundStartDesc& start) {
    SCOPED_TRACE("round " + std::to_string(id.value));
    const auto end = round_ends_.find(id);
    if (end != round_ends_.end()) {
      EXPECT_EQ(end->second.dest_id, start.dest_id);
      EXPECT_EQ(end->second.start_scn, start.start_scn);
      EXPECT_EQ(end->second.base_piece_id, start.base_piece_id);
      EXPECT_EQ(end->second.piece_switch_interval, start.piece_switch_interval);
      EXPECT_LE(start.start_scn, end->second.checkpoint_scn);
    }
    format::PieceId expected = start.base_piece_id;
    for (const auto& [key, piece] : pieces_) {
      if (key.first != id) continue;
      SCOPED_TRACE("piece " + std::to_string(key.second.value));
      const bool has_mark = piece.start.has_value();
      // Logs may come before the first checkpoint that knows of the piece.
      if (!has_mark) {
        EXPECT_FALSE(piece.single || piece.end || piece.inner || piece.infos || piece.info ||
                     piece.checkpoint || !piece.marks.empty());
        EXPECT_TRUE(end == round_ends_.end());
      } else {
        EXPECT_EQ(key.second, expected) << "pieces are missing before";
      }
      expected = {key.second.value + 1};
      CheckPiece(key, piece, start);
      if (end != round_ends_.end()) {
        EXPECT_TRUE(piece.single) << "the round has ended";
      }
    }
    CheckLogs(id, start);
    CheckCheckpoints(id);
  }

  void CheckPiece(const PieceKey& key, const Piece& piece, const format::RoundStartDesc& round) {
    const auto interval = static_cast<std::uint64_t>(round.piece_switch_interval) * 1000;
    const auto index = static_cast<std::uint64_t>(key.second.value - round.base_piece_id.value);
    ASSERT_GE(key.second, round.base_piece_id);
    const format::Scn start{round.start_scn.value + index * interval};
    const format::Scn end{start.value + interval};
    if (piece.start) {
      EXPECT_EQ(piece.start->start_scn, start);
    }
    if (piece.infos) {
      EXPECT_EQ(piece.infos->start_scn, start);
      EXPECT_EQ(piece.infos->end_scn, end);
      CheckHistory(key, *piece.infos);
    }
    if (piece.checkpoint) {
      EXPECT_TRUE(piece.infos) << "readers need it";
      EXPECT_EQ(piece.checkpoint->start_scn, start);
      EXPECT_EQ(piece.checkpoint->end_scn, end);
    }
    if (piece.single) CheckFrozen(piece, start, end);
    if (!options_.is_torn) {
      EXPECT_EQ(piece.single.has_value(), piece.end.has_value());
      EXPECT_EQ(piece.single.has_value(), piece.inner.has_value());
      EXPECT_EQ(piece.single.has_value(), piece.info.has_value());
      EXPECT_LE(piece.marks.size(), 1U);
      EXPECT_EQ(piece.marks.empty(), !piece.checkpoint.has_value());
    }
    if (piece.end) {
      EXPECT_TRUE(piece.single);
    }
    if (!piece.marks.empty() && !piece.single) {
      ASSERT_TRUE(piece.checkpoint);
      EXPECT_GE(NewestMark(piece), piece.checkpoint->checkpoint_scn);
    }
  }

  // Rule 36.
  void CheckHistory(const PieceKey& key, const format::TenantArchivePieceInfosDesc& infos) {
    std::vector<format::TenantArchivePieceAttr> frozen;
    for (const auto& [other, piece] : pieces_) {
      if (other.second < key.second && piece.single) frozen.push_back(piece.single->piece);
    }
    // A piece becomes available when all before it are frozen, and they never change.
    EXPECT_EQ(infos.his_frozen_pieces, frozen);
  }

  // Rules 37, 39, 42.
  void CheckFrozen(const Piece& piece, format::Scn start, format::Scn end) {
    const format::TenantArchivePieceAttr& attr = piece.single->piece;
    EXPECT_EQ(attr.status.value, format::ArchivePieceStatus::kFrozen);
    EXPECT_EQ(attr.start_scn, start);
    EXPECT_EQ(attr.end_scn, end);
    EXPECT_LE(attr.start_scn, attr.checkpoint_scn);
    EXPECT_LE(attr.checkpoint_scn, attr.max_scn);
    EXPECT_LT(attr.checkpoint_scn.value, end.value + 1000);
    EXPECT_TRUE(piece.start);
    EXPECT_TRUE(piece.infos);
    ASSERT_TRUE(piece.inner);
    EXPECT_EQ(piece.inner->start_scn, start);
    EXPECT_EQ(piece.inner->checkpoint_scn, attr.checkpoint_scn);
    if (piece.end) {
      EXPECT_EQ(piece.end->end_scn, attr.checkpoint_scn);
    }

    ASSERT_TRUE(piece.info);
    std::vector<format::SingleLsInfoDesc> infos;
    std::int64_t bytes = 0;
    format::Scn checkpoint = format::kMaxScn;
    format::Scn max = start;
    for (const auto& [ls, part] : piece.parts) {
      SCOPED_TRACE("log stream " + std::to_string(ls.value));
      ASSERT_TRUE(part.info);
      infos.push_back(*part.info);
      CheckFileList(part);
      bytes += static_cast<std::int64_t>(part.info->max_lsn - part.info->min_lsn);
      checkpoint = std::min(checkpoint, part.info->checkpoint_scn);
      max = std::max(max, part.info->checkpoint_scn);
      EXPECT_EQ(part.info->start_scn, start);
    }
    EXPECT_EQ(piece.info->filelist, infos);
    EXPECT_EQ(attr.checkpoint_scn, std::max(start, checkpoint));
    EXPECT_EQ(attr.max_scn, max);
    EXPECT_EQ(attr.input_bytes, bytes);
    EXPECT_EQ(attr.output_bytes, bytes);
  }

  void CheckFileList(const LsPart& part) {
    std::vector<format::ArchiveLogFile> files;
    std::uint64_t data = 0;
    for (const auto& [id, file] : part.files) {
      ASSERT_GE(file->size(), format::kLogFileHeaderArea);
      files.push_back({.file_id = id, .size_bytes = static_cast<std::int64_t>(file->size())});
      data += file->size() - format::kLogFileHeaderArea;
    }
    EXPECT_EQ(part.info->filelist, files);
    EXPECT_EQ(part.info->max_lsn - part.info->min_lsn, data);
    if (files.empty()) return;
    EXPECT_EQ(files.front().file_id,
              static_cast<std::int64_t>(part.info->min_lsn / format::kPalfBlockSize + 1));
    for (std::size_t i = 1; i < files.size(); ++i) {
      EXPECT_EQ(files[i].file_id, files[i - 1].file_id + 1);
    }
  }

  // Rules 40, 41.
  void CheckLogs(format::RoundId id, const format::RoundStartDesc& round) {
    std::map<format::LsId, std::optional<format::PalfBaseInfo>> positions;
    std::set<format::LsId> torn;
    for (const auto& [key, piece] : pieces_) {
      if (key.first != id) continue;
      for (const auto& [ls, part] : piece.parts) {
        SCOPED_TRACE("piece " + std::to_string(key.second.value) + " log stream " +
                     std::to_string(ls.value));
        ArchivedLog& log = logs_[{id, ls}];
        std::optional<format::PalfBaseInfo>& position = positions[ls];
        if (part.info && position) {
          EXPECT_EQ(part.info->min_lsn, log.end().value);
        }
        for (const auto& [file_id, bytes] : part.files) {
          ASSERT_FALSE(torn.contains(ls)) << "there is more behind a torn file";
          if (!ReadLogFile(file_id, *bytes, key.second, round, log, position)) torn.insert(ls);
        }
        if (part.info && position) {
          EXPECT_EQ(part.info->max_lsn, log.end().value);
          if (!log.scns.empty()) {
            EXPECT_EQ(part.info->checkpoint_scn, log.scns.back());
          }
        }
      }
    }
  }

  // False: it ends in a torn group.
  bool ReadLogFile(std::int64_t file_id, const Bytes& bytes, format::PieceId piece,
                   const format::RoundStartDesc& round, ArchivedLog& log,
                   std::optional<format::PalfBaseInfo>& position) {
    constexpr auto kKind = format::LogFileKind::kArchive;
    if (options_.is_torn && bytes.size() < format::kLogFileHeaderArea) return false;
    auto reader = position ? format::LogFileReader::Open(bytes, kKind, *position)
                           : format::LogFileReader::Open(bytes, kKind);
    if (!reader && options_.is_torn) return false;
    EXPECT_TRUE(reader) << file_id << ": " << reader.error().ToString();
    if (!reader) return true;
    EXPECT_EQ(file_id,
              static_cast<std::int64_t>(reader->start_lsn().value / format::kPalfBlockSize + 1));
    if (log.scns.empty()) log.begin = reader->start_lsn();
    EXPECT_EQ(reader->start_lsn(), log.end()) << "file " << file_id;
    format::LogReader::Outcome outcome;
    while ((outcome = reader->Next()) == format::LogReader::Outcome::kGroup) {
      const format::LogGroup& group = reader->group();
      EXPECT_EQ(PieceOf(group.header.max_scn, round), piece) << "LSN " << group.lsn.value;
      log.scns.push_back(group.header.max_scn);
      log.bytes.insert(log.bytes.end(), group.bytes.begin(), group.bytes.end());
    }
    if (!log.scns.empty()) position = reader->position();
    if (outcome == format::LogReader::Outcome::kEnd) return true;
    EXPECT_TRUE(options_.is_torn) << "file " << file_id << ": " << reader->error().ToString();
    return false;
  }

  static format::PieceId PieceOf(format::Scn scn, const format::RoundStartDesc& round) {
    const std::uint64_t start = round.start_scn.value / 1000;
    const std::uint64_t at = std::max(scn, round.start_scn).value / 1000;
    const auto index = (at - start) / static_cast<std::uint64_t>(round.piece_switch_interval);
    return {round.base_piece_id.value + static_cast<std::int64_t>(index)};
  }

  // Rule 38 and what a checkpoint promises: nothing is claimed that is not there.
  void CheckCheckpoints(format::RoundId id) {
    for (const auto& [key, piece] : pieces_) {
      if (key.first != id || piece.single || !piece.checkpoint) continue;
      for (const auto& [round_ls, log] : logs_) {
        if (round_ls.first != id) continue;
        ASSERT_FALSE(log.scns.empty());
        EXPECT_LE(NewestMark(piece), log.scns.back())
            << "log stream " << round_ls.second.value << " is not archived so far";
      }
    }
    const auto end = round_ends_.find(id);
    if (end == round_ends_.end()) return;
    for (const auto& [round_ls, log] : logs_) {
      if (round_ls.first != id || end->second.checkpoint_scn == end->second.start_scn) continue;
      ASSERT_FALSE(log.scns.empty());
      EXPECT_LE(end->second.checkpoint_scn, log.scns.back());
    }
  }

  // Rule 35.
  void CheckRoundsFollow() {
    std::optional<format::RoundId> last;
    for (const auto& [id, start] : round_starts_) {
      if (last) {
        EXPECT_EQ(id.value, last->value + 1);
        EXPECT_TRUE(round_ends_.contains(*last));
        format::PieceId highest{0};
        for (const auto& [key, piece] : pieces_) {
          if (key.first == *last) highest = std::max(highest, key.second);
        }
        EXPECT_EQ(start.base_piece_id.value, highest.value + 1);
      }
      last = id;
    }
  }

  std::map<std::string, Bytes> tree_;
  Options options_;
  format::DestId dest_;
  std::map<format::RoundId, format::RoundStartDesc> round_starts_;
  std::map<format::RoundId, format::RoundEndDesc> round_ends_;
  std::map<PieceKey, Piece> pieces_;
  std::map<RoundLs, ArchivedLog> logs_;
};

// Every archived byte is the clog's, as far as that is still there.
inline void ExpectSameAsClog(const io::SimImage& image, const std::string& tenant_dir,
                             const std::map<ArchiveChecker::RoundLs, ArchivedLog>& logs) {
  for (const auto& [round_ls, log] : logs) {
    const std::string dir = tenant_dir + "/clog/" + std::to_string(round_ls.second.value) + "/";
    for (format::Lsn at = log.begin; at < log.end();) {
      const std::uint64_t size = std::min(format::BytesLeftInBlock(at), log.end() - at);
      const io::SimImage::NodeId node = image.Find(dir + std::to_string(format::BlockIdOf(at)));
      if (node != io::SimImage::kNoNode) {
        Bytes there(size);
        EXPECT_EQ(image.file(node).Read(format::OffsetInClogFile(at), there), size);
        const auto from = log.bytes.begin() + static_cast<std::ptrdiff_t>(at - log.begin);
        EXPECT_TRUE(std::equal(there.begin(), there.end(), from))
            << "log stream " << round_ls.second.value << " from LSN " << at.value;
      }
      at = at + size;
    }
  }
}

}  // namespace obbak::backup
