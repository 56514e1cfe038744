#include "restore/validate_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "dest/dest_store.h"
#include "dest/log_file.h"
#include "format/log_base_header.h"
#include "format/log_file_header.h"
#include "format/log_reader.h"
#include "format/mds_payload.h"
#include "format/tx_log_block.h"

namespace obbak::restore {
namespace {

using format::LogReader;
using format::Lsn;
using format::Scn;

// What the entries of a log say, beyond being whole.
class EntryReader {
 public:
  EntryReader(const LogQuestions& questions, LogFacts& facts)
      : questions_(questions), facts_(facts) {}

  Status Take(const format::LogEntry& entry) {
    facts_.has_ended = false;
    const Result<format::LogBaseHeader> base = format::LoadBaseHeader(entry.payload);
    if (!base) return Fail(base.error());
    switch (base->log_type) {
      case format::LogBaseType::kTransService:
        return TakeTransaction(entry);
      case format::LogBaseType::kTimestamp:
        return TakeLimit(entry, facts_.timestamp_limit);
      case format::LogBaseType::kTransId:
        return TakeLimit(entry, facts_.tx_id_limit);
      case format::LogBaseType::kKeepAlive:
        return DecodeOnly<format::KeepAliveLogBody>(entry);
      case format::LogBaseType::kGcLs: {
        const auto log = format::LogPayload<format::GcLsLog>::Decode(entry.payload);
        if (!log) return Fail(log.error());
        facts_.has_ended = log->body.log_type == format::GcLsLogType::kOfflineLs;
        return {};
      }
      default:
        return {};
    }
  }

 private:
  template <class Body>
  static Status DecodeOnly(const format::LogEntry& entry) {
    const auto log = format::LogPayload<Body>::Decode(entry.payload);
    if (!log) return Fail(log.error());
    return {};
  }

  static Status TakeLimit(const format::LogEntry& entry, std::int64_t& limit) {
    const auto log = format::LogPayload<format::PresistIdLog>::Decode(entry.payload);
    if (!log) return Fail(log.error());
    limit = std::max(limit, log->body.limit_id);
    return {};
  }

  Status TakeTransaction(const format::LogEntry& entry) {
    Result<format::TxLogBlockReader> block = format::TxLogBlockReader::Open(entry.payload);
    if (!block) return Fail(std::move(block).error());
    facts_.max_tx_id = std::max(facts_.max_tx_id, block->header().tx_id.value.value);
    while (true) {
      const Result<std::optional<format::TxLogView>> view = block->Next();
      if (!view) return Fail(view.error());
      if (!*view) return {};
      if ((*view)->type != format::TxLogType::kMultiDataSource) continue;
      const Result<format::TxLog> log = format::DecodeTxLog(**view);
      if (!log) return Fail(log.error());
      for (const format::TxBufferNode& node : std::get<format::TxMultiDataSourceLog>(*log).data)
        TakeNode(node, entry.scn());
    }
  }

  // A node that does not decode is bytes to the log around it.
  void TakeNode(const format::TxBufferNode& node, Scn scn) {
    const Result<format::MdsPayload> payload = format::DecodeMdsPayload(node);
    if (!payload) return;
    if (const auto* attr = std::get_if<format::LsAttr>(&*payload)) {
      if (attr->operation_type == format::LsOperationType::kCreateEnd)
        facts_.created_log_streams.try_emplace(attr->id, scn);
    } else if (const auto* create = std::get_if<format::BatchCreateTabletArg>(&*payload)) {
      for (const format::CreateTabletInfo& info : create->tablets) {
        for (const format::TabletId tablet : info.tablet_ids)
          TakeTablet(TabletEvent::Kind::kArrived, tablet, scn);
      }
    } else if (const auto* arrival = std::get_if<format::TxStartTransferInInfo>(&*payload)) {
      for (const format::MigrationTabletParam& param : arrival->tablet_meta_list)
        TakeTablet(TabletEvent::Kind::kArrived, param.tablet_id, scn);
    } else if (const auto* removed = std::get_if<format::BatchRemoveTabletArg>(&*payload)) {
      for (const format::TabletId tablet : removed->tablet_ids)
        TakeTablet(TabletEvent::Kind::kRemoved, tablet, scn);
    }
  }

  void TakeTablet(TabletEvent::Kind kind, format::TabletId tablet, Scn scn) {
    if (questions_.tablets.contains(tablet)) facts_.tablet_events.push_back({kind, tablet, scn});
  }

  const LogQuestions& questions_;
  LogFacts& facts_;
};

class LogCheck {
 public:
  LogCheck(FileChecks checks, format::LsId ls, const LogQuestions& questions, Reporter found)
      : checks_(checks),
        entries_(questions, facts_),
        found_(found.About(ls)),
        about_piece_(found_) {
    const auto positions = questions.positions.find(ls);
    if (positions != questions.positions.end()) positions_ = &positions->second;
  }

  io::Task<LogFacts> Run(std::vector<LogSegment> segments) {
    for (std::size_t i = 0; i < segments.size(); ++i) {
      segment_ = &segments[i];
      about_piece_ = found_.About(segment_->round, segment_->piece);
      piece_ = &facts_.pieces[segment_->piece];
      // What a crash left is the end of the log, so nothing may follow it.
      const bool is_last =
          i + 1 == segments.size() ||
          std::all_of(segments.begin() + static_cast<std::ptrdiff_t>(i) + 1, segments.end(),
                      [](const LogSegment& later) { return later.files.empty(); });
      for (const FoundFile& file : segment_->files) {
        is_newest_ = is_last && !segment_->is_frozen && &file == &segment_->files.back();
        co_await CheckFile(file);
      }
      if (!piece_->readable) facts_.readable = false;
    }
    co_return std::move(facts_);
  }

 private:
  io::Task<void> CheckFile(const FoundFile& file) {
    name_ = file.name;
    const dest::DestStore store(checks_.medium, file.path.in_complement_log
                                                    ? format::DestKind::kData
                                                    : format::DestKind::kArchive);
    const auto opened = co_await dest::OpenLogFile(store, file.path);
    if (!opened) co_return Damage(opened.error());
    io::MediumReader& medium_reader = (*opened)->reader();
    FileWindow window(medium_reader, file.name, 0, medium_reader.size(), checks_.meter);
    Status filled = co_await window.Fill(format::kLogFileHeaderArea);
    if (!filled) co_return Damage(std::move(filled).error());
    if (!BeginFile(file, window.bytes(), medium_reader.size())) co_return;
    window.Drop(format::kLogFileHeaderArea);
    co_await CheckGroups(window);
  }

  // False when the file cannot be read on.
  bool BeginFile(const FoundFile& file, ByteView bytes, std::uint64_t size) {
    if (bytes.size() < format::kLogFileHeaderArea) {
      // The first write into a file holds the header and more.
      DamageAt(0, Error(ErrorCode::kInvalidData,
                        fmt::format("{} bytes are too short for a header", bytes.size())));
      return false;
    }
    const auto header = format::HeaderArea<format::ArchiveFileHeader>::Read(
        bytes.first(format::kLogFileHeaderArea));
    if (!header) {
      DamageAt(0, header.error());
      return false;
    }
    const Lsn start = header->start_lsn;
    if (format::ArchiveFileIdOf(start) != static_cast<std::uint64_t>(file.path.file)) {
      Broken(40, "start_lsn",
             fmt::format("is {}, which is the business of file {}", start.value,
                         format::ArchiveFileIdOf(start)));
      return false;
    }
    if (size - format::kLogFileHeaderArea > format::BytesLeftInBlock(start))
      Broken(40, "", "the file is longer than its block");
    if (piece_->min_lsn == format::kInvalidLsn) piece_->min_lsn = piece_->max_lsn = start;
    if (reader_ && reader_->lsn() == start) return true;
    if (reader_) {
      Broken(40, "start_lsn",
             fmt::format("is {}, the log before ends at {}", start.value, reader_->lsn().value));
    }
    reader_.emplace(start, format::LogMedium::kAppended);
    return true;
  }

  // What the worker pool did with the bytes of a window.
  struct Chunk {
    ByteView bytes;
    bool is_rest = false;
    std::uint64_t offset = 0;
    std::size_t consumed = 0;
    LogReader::Outcome outcome = LogReader::Outcome::kNeedMore;
    std::vector<std::pair<std::uint64_t, Error>> errors;  // by offset in the file
  };

  io::Task<void> CheckGroups(FileWindow& window) {
    while (true) {
      Chunk chunk;
      chunk.bytes = window.bytes();
      chunk.is_rest = window.is_rest();
      chunk.offset = window.offset();
      const auto read = [this, &chunk] { ReadGroups(chunk); };
      co_await checks_.loop.Offload(read);
      for (auto& [offset, error] : chunk.errors)
        Damage(std::move(error).ShiftOffset(offset).WithOffset(offset));
      Deliver();
      window.Drop(chunk.consumed);
      switch (chunk.outcome) {
        case LogReader::Outcome::kNeedMore: {
          Status filled = co_await window.Fill(reader_->needed());
          if (filled) continue;
          Damage(std::move(filled).error());
          co_return;
        }
        case LogReader::Outcome::kTornTail:
          // The archiver may be writing just now.
          if (!is_newest_) DamageAt(window.offset(), reader_->error());
          co_return;
        case LogReader::Outcome::kDamaged:
          DamageAt(window.offset(), reader_->error());
          co_return;
        case LogReader::Outcome::kGroup:
        case LogReader::Outcome::kEnd:
          co_return;
      }
    }
  }

  // Nothing that follows can be compared with what was read before.
  void DamageAt(std::uint64_t offset, Error error) {
    error = std::move(error).ShiftOffset(offset).WithOffset(offset);
    const bool has_promised = facts_.last_scn.IsValid() ? facts_.last_scn >= segment_->promised_scn
                                                        : segment_->promised_scn.value == 0;
    if (is_newest_ && has_promised) {
      about_piece_.Odd(40, name_, error.field(),
                       fmt::format("offset {}: {}; nothing that the archive promises lies there: a "
                                   "write that a crash cut off, or damage",
                                   error.offset().value_or(offset), error.message()));
    } else {
      Damage(std::move(error));
    }
    reader_.reset();
  }

  // On a worker; touches nothing that the loop touches meanwhile.
  void ReadGroups(Chunk& chunk) {
    ByteView rest = chunk.bytes;
    while (true) {
      chunk.outcome = reader_->Next(rest, chunk.is_rest);
      if (chunk.outcome != LogReader::Outcome::kGroup) return;
      const format::LogGroup& group = reader_->group();
      TakeGroup(group, chunk.offset + chunk.consumed, chunk.errors);
      chunk.consumed += group.bytes.size();
      rest = rest.subspan(group.bytes.size());
    }
  }

  void TakeGroup(const format::LogGroup& group, std::uint64_t offset,
                 std::vector<std::pair<std::uint64_t, Error>>& errors) {
    ++piece_->groups;
    piece_->max_lsn = group.end_lsn();
    piece_->last_scn = facts_.last_scn = group.header.max_scn;
    CheckPiece(group);
    CheckPositions(group);
    if (group.header.IsPadding()) return CheckPadding(group, offset, errors);
    for (const format::LogEntry& entry : group.entries()) {
      ++piece_->entries;
      if (Status taken = entries_.Take(entry); !taken) {
        errors.emplace_back(offset + (entry.lsn - group.lsn) + format::LogEntryHeader::kSize,
                            std::move(taken).error());
      }
    }
  }

  // No checksum covers the filling (clog-and-archive.md §6), but every writer leaves it zero.
  static void CheckPadding(const format::LogGroup& group, std::uint64_t offset,
                           std::vector<std::pair<std::uint64_t, Error>>& errors) {
    constexpr std::size_t kBegin = format::LogGroupEntryHeader::kSize +
                                   format::LogEntryHeader::kSize + format::LogBaseHeader::kSize;
    const ByteView filling = group.bytes.subspan(std::min(kBegin, group.bytes.size()));
    const auto odd = std::ranges::find_if(filling, [](std::byte b) { return b != std::byte{0}; });
    if (odd == filling.end()) return;
    errors.emplace_back(offset + kBegin + static_cast<std::uint64_t>(odd - filling.begin()),
                        Error(ErrorCode::kInvalidData, "the padding of a block is not zero"));
  }

  // Rule 41.
  void CheckPiece(const format::LogGroup& group) {
    constexpr std::uint64_t kMicrosecond = 1000;
    const Scn scn = group.header.max_scn;
    const bool is_early = segment_->start_scn.IsValid() && !segment_->is_first_of_round &&
                          scn.value + kMicrosecond < segment_->start_scn.value;
    const bool is_late = segment_->end_scn.IsValid() && scn >= segment_->end_scn;
    if (!is_early && !is_late) return;
    broken_.emplace_back(
        41, "max_scn",
        fmt::format("of the group at LSN {} is {}, not in [{}, {})", group.lsn.value, scn.value,
                    segment_->start_scn.value, segment_->end_scn.value));
  }

  // Rules 45 and 46.
  void CheckPositions(const format::LogGroup& group) {
    if (positions_ == nullptr) return;
    for (const format::PalfBaseInfo& position : *positions_) {
      if (position.curr_lsn == group.lsn) CheckStart(position, group);
      const format::LogInfo& prev = position.prev_log_info;
      if (prev.log_id == 0 || prev.lsn != group.lsn) continue;
      const format::LogGroupEntryHeader& header = group.header;
      if (header.log_id == prev.log_id && header.max_scn == prev.scn &&
          header.proposal_id == prev.log_proposal_id &&
          header.accumulated_checksum == prev.accum_checksum) {
        continue;
      }
      broken_.emplace_back(46, "prev_log_info",
                           fmt::format("the group at LSN {} is not the one that a set names as the "
                                       "last before its log",
                                       group.lsn.value));
    }
  }

  void CheckStart(const format::PalfBaseInfo& position, const format::LogGroup& group) {
    facts_.positions.insert(group.lsn);
    LogReader reader(position, format::LogMedium::kAppended);
    if (reader.Next(group.bytes, true) == LogReader::Outcome::kGroup) return;
    broken_.emplace_back(45, "palf_meta",
                         fmt::format("the group at LSN {} does not follow the log that a set ends "
                                     "with: {}",
                                     group.lsn.value, reader.error().message()));
  }

  void Damage(Error error) {
    piece_->readable = false;
    about_piece_.Damage(name_, std::move(error));
  }
  void Broken(int rule, std::string_view field, std::string message) {
    piece_->readable = false;
    about_piece_.Broken(rule, name_, field, std::move(message));
  }
  void Deliver() {
    for (BrokenRule& broken : broken_) Broken(broken.rule, broken.field, std::move(broken.message));
    broken_.clear();
  }

  struct BrokenRule {
    int rule;
    std::string_view field;
    std::string message;
  };

  FileChecks checks_;
  LogFacts facts_;
  EntryReader entries_;
  const std::vector<format::PalfBaseInfo>* positions_ = nullptr;
  Reporter found_;
  Reporter about_piece_;
  const LogSegment* segment_ = nullptr;
  PieceLog* piece_ = nullptr;
  std::string name_;
  bool is_newest_ = false;
  std::optional<LogReader> reader_;
  std::vector<BrokenRule> broken_;  // found on a worker
};

}  // namespace

io::Task<LogFacts> CheckLog(FileChecks checks, format::LsId ls, std::vector<LogSegment> segments,
                            const LogQuestions& questions, Reporter found) {
  LogCheck check(checks, ls, questions, std::move(found));
  co_return co_await check.Run(std::move(segments));
}

}  // namespace obbak::restore
