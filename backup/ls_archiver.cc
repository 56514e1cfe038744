#include "backup/ls_archiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "format/backup_path.h"
#include "format/log_file_header.h"
#include "format/lsn.h"

namespace obbak::backup {
namespace {

using format::kLogFileHeaderArea;
using format::Lsn;
using format::PieceId;
using format::Scn;

constexpr std::size_t kCopySize = std::size_t{1} << 20;

constexpr const char* kSendError = "SEND LOG TO ARCHIVE_DEST ERROR";
constexpr const char* kRecycled = "OBSERVER CLOG RECYCLED BEFORE ARCHIVED";

// Log bytes that are recorded in the file of max_lsn.
std::uint64_t RecordedInFile(const LsProgress& progress) {
  return progress.max_lsn - progress.FileStart();
}

std::string PathOf(const LsProgress& progress) {
  return format::Print(
      {.kind = format::PathKind::kLogFile,
       .ls = progress.ls,
       .file = static_cast<std::int64_t>(format::ArchiveFileIdOf(progress.max_lsn)),
       .dest = progress.dest,
       .round = progress.round,
       .piece = progress.piece});
}

Result<Bytes> HeaderOf(Lsn start) {
  return format::HeaderArea<format::ArchiveFileHeader>::Write({.start_lsn = start});
}

// A new object of that name with the first `size` bytes of the old one.
io::Task<Status> CopyBeginning(io::MediumReader& from, io::MediumWriter& to, std::uint64_t size) {
  Bytes buffer(kCopySize);
  for (std::uint64_t at = 0; at < size;) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kCopySize, size - at));
    const Result<std::size_t> read = co_await from.Read(at, std::span(buffer).first(want));
    if (!read) co_return Fail(read.error());
    if (*read == 0) co_return Fail(ErrorCode::kIoError, "the file has become shorter");
    Status written = co_await to.Write(ByteView(buffer).first(*read));
    if (!written) co_return written;
    at += *read;
  }
  co_return Status();
}

// False when it has fewer bytes.
io::Task<Result<bool>> CutObject(io::Medium& medium, std::string path, std::uint64_t size) {
  const auto reader = co_await medium.Open(path);
  if (!reader && reader.error().code() == ErrorCode::kFileNotExist) co_return false;
  if (!reader) co_return Fail(reader.error());
  if ((*reader)->size() <= size) co_return (*reader)->size() == size;
  const auto writer = co_await medium.Create(path);
  if (!writer) co_return Fail(writer.error());
  Status status = co_await CopyBeginning(**reader, **writer, size);
  if (!status) {
    co_await (*writer)->Abort();
    co_return Fail(std::move(status).error());
  }
  if (status = co_await (*writer)->Complete(); !status) co_return Fail(std::move(status).error());
  co_return true;
}

}  // namespace

LsProgress FirstProgress(const RoundStatus& round, const engine::LogStream& stream) {
  // Not above what a log stream born in this round has as its first SCN.
  const Scn before{std::max(stream.record().create_scn(), round.start_scn.value - 1)};
  const PieceSchedule schedule = PieceSchedule::Of(round);
  const PieceId piece = schedule.PieceOfGroup(before);
  const Lsn start = stream.clog().LocateCoarsely(round.start_scn);
  return {.dest = round.dest,
          .round = round.round,
          .piece = piece,
          .ls = stream.id(),
          .start_scn = std::max(schedule.StartOf(piece), round.start_scn),
          .min_lsn = start,
          .max_lsn = start,
          .checkpoint_scn = before,
          .reason = {}};
}

LsArchiver::LsArchiver(engine::TenantCore& core, engine::LogStream& stream, DestinationOwner owner,
                       Options options)
    : core_(core),
      stream_(stream),
      owner_(owner),
      rows_(owner.catalogue),
      options_(std::move(options)),
      working_(core.env.loop) {}

io::Task<Status> LsArchiver::Work(io::Medium& medium, SendExtent extent) {
  const io::Mutex::Guard lock = co_await working_.Lock();
  co_return co_await WorkAlone(medium, extent);
}

io::Task<io::Mutex::Guard> LsArchiver::Pause() {
  ++waiting_to_pause_;
  io::Mutex::Guard lock = co_await working_.Lock();
  --waiting_to_pause_;
  co_return lock;
}

void LsArchiver::KeepLog() {
  const auto setting = rows_.Dest();
  is_mandatory_ = setting && *setting && (*setting)->dest.binding == io::ArchiveBinding::kMandatory;
  stream_.KeepLogFrom(format::kInvalidLsn);
  const auto round = rows_.Round();
  if (!is_mandatory_ || !round || !*round) return;
  switch ((*round)->state) {
    case RoundState::kBeginning:
    case RoundState::kDoing:
    case RoundState::kSuspending:
    case RoundState::kSuspend:
      break;
    default:
      return;
  }
  const auto last = rows_.LastProgressOf(**round, ls());
  if (last) KeepLogOf(*last ? **last : FirstProgress(**round, stream_));
}

void LsArchiver::KeepLogOf(const LsProgress& progress) {
  const bool goes_on =
      progress.state == ArchiveLsState::kDoing || progress.state == ArchiveLsState::kSuspend;
  stream_.KeepLogFrom(is_mandatory_ && goes_on ? progress.max_lsn : format::kInvalidLsn);
}

io::Task<Status> LsArchiver::WorkAlone(io::Medium& medium, SendExtent extent) {
  const auto current = rows_.Round();
  if (!current) co_return Fail(current.error());
  if (!*current) co_return Status();
  const RoundStatus round = **current;
  if (!IsActive(round.state)) {
    // An interrupted round needs no logs any more.
    if (is_mandatory_) KeepLog();
    co_return Status();
  }
  if (Status status = co_await Follow(round); !status) co_return status;
  if (!progress_) co_return Status();

  const ArchiveLsState state = progress_->state;
  if (round.state == RoundState::kStopping) {
    if (state == ArchiveLsState::kStop) co_return Status();
    co_return co_await Stop(round, medium);
  }
  if (state == ArchiveLsState::kInterrupted || state == ArchiveLsState::kStop) co_return Status();
  if (round.state == RoundState::kSuspending) {
    if (state == ArchiveLsState::kSuspend) co_return Status();
    co_return co_await SetState(ArchiveLsState::kSuspend);
  }
  if (state == ArchiveLsState::kSuspend) {
    if (Status status = co_await SetState(ArchiveLsState::kDoing); !status) co_return status;
  }
  co_return co_await Send(round, medium, extent);
}

io::Task<Status> LsArchiver::Follow(const RoundStatus& round) {
  if (progress_ && progress_->round == round.round) co_return Status();
  ForgetReader();
  unsent_since_.reset();
  KeepLog();
  Result<std::optional<LsProgress>> last = rows_.LastProgressOf(round, ls());
  if (!last) co_return Fail(std::move(last).error());
  progress_ = *std::move(last);
  if (progress_ || !IsSending(round.state)) co_return Status();
  // Born since the round began.
  co_return co_await Record(FirstProgress(round, stream_));
}

io::Task<Status> LsArchiver::Record(LsProgress progress) {
  CatalogueEdit edit;
  PutProgress(edit, progress);
  if (Status status = co_await owner_.catalogue.Apply(std::move(edit)); !status) co_return status;
  progress_ = std::move(progress);
  KeepLogOf(*progress_);
  co_return Status();
}

io::Task<Status> LsArchiver::SetState(ArchiveLsState state) {
  LsProgress progress = *progress_;
  progress.state = state;
  ForgetReader();
  co_return co_await Record(std::move(progress));
}

io::Task<Status> LsArchiver::Interrupt(std::string reason) {
  core_.env.log.Write(LogLevel::kError,
                      fmt::format("archiving of log stream {} is interrupted at LSN {}: {}",
                                  ls().value, progress_->max_lsn.value, reason));
  LsProgress progress = *progress_;
  progress.state = ArchiveLsState::kInterrupted;
  progress.reason = std::move(reason);
  ForgetReader();
  co_return co_await Record(std::move(progress));
}

io::Task<Status> LsArchiver::Stop(const RoundStatus& round, io::Medium& medium) {
  const Result<bool> is_whole = co_await CutUnrecorded(round, medium);
  if (!is_whole) {
    const auto now = static_cast<std::int64_t>(core_.env.clock.NowNs() / 1000);
    if (!MayForceStop(round, {now})) co_return Fail(is_whole.error());
    core_.env.log.Write(LogLevel::kWarning, is_whole.error().ToString());
  } else {
    progress_->lost = !*is_whole;
  }
  if (progress_->lost) {
    core_.env.log.Write(LogLevel::kError, fmt::format("archived log is lost: {}/{}",
                                                      medium.location(), PathOf(*progress_)));
  }
  co_return co_await SetState(ArchiveLsState::kStop);
}

io::Task<Result<bool>> LsArchiver::CutUnrecorded(const RoundStatus& round, io::Medium& medium) {
  // In a directory that is not mounted nothing is lost.
  Status status =
      co_await CheckFormatFile(owner_, medium, format::BackupDestType::kArchiveLog, round.dest);
  if (!status) co_return Fail(std::move(status).error());
  const std::string path = PathOf(*progress_);
  const std::uint64_t recorded = RecordedInFile(*progress_);
  if (recorded > 0) co_return co_await CutObject(medium, path, kLogFileHeaderArea + recorded);
  if (status = co_await medium.Remove(path); !status) co_return Fail(std::move(status).error());
  co_return true;
}

Lsn LsArchiver::SendLimit(SendExtent extent) {
  const engine::Clog& clog = stream_.clog();
  const Lsn sent = progress_->max_lsn;
  const Lsn durable = clog.durable_end_lsn();
  if (durable <= sent) {
    unsent_since_.reset();
    return sent;
  }
  const std::chrono::nanoseconds now = core_.env.loop.SteadyNow();
  if (!unsent_since_) unsent_since_ = now;
  const std::chrono::nanoseconds lag = options_.lag_target;
  const bool has_waited = now - *unsent_since_ >= lag;
  const bool is_behind = clog.durable_end_scn().value >=
                         progress_->checkpoint_scn.value + static_cast<std::uint64_t>(lag.count());
  if (extent == SendExtent::kEverything || has_waited || is_behind) return durable;
  return std::max(sent, format::BlockStart(format::BlockIdOf(durable)));
}

io::Task<Status> LsArchiver::Send(const RoundStatus& round, io::Medium& medium, SendExtent extent) {
  const Lsn limit = SendLimit(extent);
  if (limit <= progress_->max_lsn) co_return Status();
  // A directory that is not mounted must not be filled with logs.
  Status status =
      co_await CheckFormatFile(owner_, medium, format::BackupDestType::kArchiveLog, round.dest);
  if (!status) co_return status;
  status = co_await SendUpTo(limit, round, medium);
  if (status) {
    unsent_since_.reset();
    co_return status;
  }
  ForgetReader();
  co_return co_await Judge(std::move(status).error(), round, medium);
}

io::Task<Status> LsArchiver::SendUpTo(Lsn limit, const RoundStatus& round, io::Medium& medium) {
  while (progress_->max_lsn < limit) {
    if (ShouldYield()) co_return Fail(ErrorCode::kCanceled, "archiving is told to pause");
    const Result<Run> run = co_await NextRun(round);
    if (!run) co_return Fail(run.error());
    if (run->bytes.empty()) co_return Status();
    if (run->piece > progress_->piece) {
      Status switched = co_await SwitchPiece(round, run->piece);
      if (!switched) co_return switched;
    }
    const Lsn block_end = format::BlockStart(format::BlockIdOf(progress_->max_lsn) + 1);
    const bool is_complete = stream_.clog().durable_end_lsn() >= block_end;
    io::Task<Status> write = is_complete && RecordedInFile(*progress_) == 0
                                 ? WriteWholeFile(*run, round, medium)
                                 : AppendRun(*run, medium);
    if (Status status = co_await std::move(write); !status) co_return status;
  }
  co_return Status();
}

io::Task<Status> LsArchiver::Judge(Error error, const RoundStatus& round, io::Medium& medium) {
  switch (error.code()) {
    case ErrorCode::kErrOutOfLowerBound:
      co_return co_await Interrupt(kRecycled);
    case ErrorCode::kBackupPwriteOffsetNotMatch:
    case ErrorCode::kBackupPwriteContentNotMatch: {
      // Unless it is another directory altogether, for the moment.
      Status ours =
          co_await CheckFormatFile(owner_, medium, format::BackupDestType::kArchiveLog, round.dest);
      if (!ours) co_return ours;
      core_.env.log.Write(LogLevel::kError, error.ToString());
      co_return co_await Interrupt(kSendError);
    }
    case ErrorCode::kCanceled:
      // To give way to a pause is no failure.
      if (!options_.stop.stop_requested()) co_return Status();
      co_return Fail(std::move(error));
    default:
      co_return Fail(std::move(error));
  }
}

io::Task<Result<LsArchiver::Run>> LsArchiver::NextRun(const RoundStatus& round) {
  if (batch_.empty()) {
    if (!reader_) reader_.emplace(stream_.clog(), progress_->max_lsn);
    const auto groups = co_await reader_->Read();
    if (!groups) co_return Fail(groups.error());
    batch_ = *groups;
  }
  Run run;
  if (batch_.empty()) co_return run;
  const Scn limit = ReplayableScn();
  if (batch_.front().header.max_scn > limit) {
    // By then it may be another group: who becomes a primary cuts its log.
    ForgetReader();
    co_return run;
  }
  const PieceSchedule schedule = PieceSchedule::Of(round);
  run.piece = schedule.PieceOfGroup(batch_.front().header.max_scn);
  const std::byte* const begin = batch_.front().bytes.data();
  for (const format::LogGroup& group : batch_) {
    if (schedule.PieceOfGroup(group.header.max_scn) != run.piece) break;
    if (group.header.max_scn > limit) break;
    ++run.groups;
    run.end_lsn = group.end_lsn();
    run.max_scn = group.header.max_scn;
    run.bytes = {begin, group.bytes.data() + group.bytes.size()};
  }
  co_return run;
}

Scn LsArchiver::ReplayableScn() const {
  const engine::pb::Tenant& tenant = core_.manifest->state().tenant();
  const bool is_primary = tenant.role() == engine::pb::Tenant::PRIMARY;
  return is_primary ? format::kMaxScn : Scn{tenant.sync_scn()};
}

void LsArchiver::ForgetReader() {
  batch_ = {};
  reader_.reset();
}

io::Task<Status> LsArchiver::SwitchPiece(const RoundStatus& round, PieceId piece) {
  CatalogueEdit edit;
  LsProgress progress = *progress_;
  while (progress.piece < piece) {
    progress = EmptyProgress(round, progress, {progress.piece.value + 1});
    PutProgress(edit, progress);
  }
  if (Status status = co_await owner_.catalogue.Apply(std::move(edit)); !status) co_return status;
  progress_ = std::move(progress);
  co_return Status();
}

io::Task<Status> LsArchiver::AppendRun(const Run& run, io::Medium& medium) {
  LsProgress progress = *progress_;
  const std::string path = PathOf(progress);
  const std::uint64_t recorded = RecordedInFile(progress);
  if (recorded == 0) {
    const Result<Bytes> header = HeaderOf(progress.max_lsn);
    if (!header) co_return Fail(header.error());
    Status status = co_await medium.Append(path, 0, *header);
    if (!status) co_return status;
  }
  Status status = co_await medium.Append(path, kLogFileHeaderArea + recorded, run.bytes);
  if (!status) co_return status;
  Take(run);
  progress.max_lsn = run.end_lsn;
  progress.checkpoint_scn = run.max_scn;
  co_return co_await Record(std::move(progress));
}

io::Task<Status> LsArchiver::WriteWholeFile(Run first, const RoundStatus& round,
                                            io::Medium& medium) {
  LsProgress progress = *progress_;
  const auto writer = co_await medium.Create(PathOf(progress));
  if (!writer) co_return Fail(writer.error());
  Status status = co_await FillFile(**writer, first, round, progress);
  if (!status) {
    co_await (*writer)->Abort();
    co_return status;
  }
  if (status = co_await (*writer)->Complete(); !status) co_return status;
  co_return co_await Record(std::move(progress));
}

io::Task<Status> LsArchiver::FillFile(io::MediumWriter& writer, Run first, const RoundStatus& round,
                                      LsProgress& progress) {
  const std::uint64_t block = format::BlockIdOf(progress.max_lsn);
  const Result<Bytes> header = HeaderOf(progress.max_lsn);
  if (!header) co_return Fail(header.error());
  if (Status status = co_await writer.Write(*header); !status) co_return status;
  for (Run run = first;;) {
    if (Status status = co_await writer.Write(run.bytes); !status) co_return status;
    Take(run);
    progress.max_lsn = run.end_lsn;
    progress.checkpoint_scn = run.max_scn;
    if (format::BlockIdOf(run.end_lsn) != block) co_return Status();
    if (ShouldYield()) co_return Fail(ErrorCode::kCanceled, "archiving is told to pause");
    const Result<Run> next = co_await NextRun(round);
    if (!next) co_return Fail(next.error());
    if (next->bytes.empty() || next->piece != progress.piece) co_return Status();
    run = *next;
  }
}

}  // namespace obbak::backup
