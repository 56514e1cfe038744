#include "engine/standby_replay.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "engine/checkpoint.h"
#include "engine/clog_reader.h"
#include "engine/standby.h"
#include "format/group_rewrite.h"

namespace obbak::engine {
namespace {

using format::LogGroup;
using format::LsId;
using format::Lsn;
using format::Scn;

// Readers get their turn after so many entries.
constexpr int kEntriesPerTurn = 256;
// A log stream is frozen, and its log recycled, when it has grown by so many times what its
// MemTables may take: not everything in a log is rows.
constexpr std::uint64_t kLogPerFreeze = 4;

Error OfLogStream(Error error, LsId ls) {
  return std::move(error).WithField("log stream " + std::to_string(ls.value));
}

}  // namespace

// Where the replay is in one log: first in the local one, then, behind its end, in a source.
class StandbyReplay::Head {
 public:
  // `proposal_id`: of the groups that it takes over.
  Head(LogStream& stream, Lsn start, LogGroupSources* sources, std::int64_t proposal_id)
      : stream_(&stream),
        sources_(sources),
        proposal_id_(proposal_id),
        local_(std::make_unique<ClogReader>(stream.clog(), start)),
        next_lsn_(start) {}

  LogStream& stream() const { return *stream_; }
  bool has_entry() const { return group_.has_value(); }
  const format::LogEntry& entry() const { return *at_; }
  Scn scn() const { return at_->scn(); }
  // Of the entry's group, or of the next one when that could not be had.
  Lsn lsn() const { return group_ ? group_->lsn : next_lsn_; }

  // The sources have nothing behind the local log's end.
  bool is_exhausted() const { return sources_ != nullptr && !has_entry(); }

  // It is, and the log ends before `target`.
  Error EndedBefore(Scn target) const {
    const std::optional<Error> reason = source_ == nullptr ? std::nullopt : source_->EndReason();
    // There will never be more.
    if (reason && reason->code() == ErrorCode::kNotSupported) {
      return OfLogStream(*reason, stream_->id());
    }
    Error error(ErrorCode::kEntryNotExist, "the log ends at SCN " +
                                               std::to_string(stream_->clog().max_scn().value) +
                                               ", before SCN " + std::to_string(target.value) +
                                               (reason ? ": " + reason->message() : ""));
    if (reason && !reason->path().empty()) error = std::move(error).WithPath(reason->path());
    if (reason && reason->offset()) error = std::move(error).WithOffset(*reason->offset());
    return OfLogStream(
        std::move(error).WithAdvice("wait until more is archived, or name an earlier SCN"),
        stream_->id());
  }

  // To the first entry above `applied`, from the start. Up to there the local log has all.
  io::Task<Status> Seek(Scn applied) {
    Status status = co_await EnterGroup();
    while (status && has_entry() && scn() <= applied) {
      if (!is_local_) co_return Fail(OfLogStream(MissingLog(applied), stream_->id()));
      status = co_await Advance();
    }
    co_return status;
  }

  io::Task<Status> Advance() {
    if (++at_ != group_->entries().end()) co_return Status();
    co_return co_await EnterGroup();
  }

  // Sees to it that the entry's group is in the local log. Returns the bytes that this has added.
  io::Task<Result<std::size_t>> TakeOver() {
    if (is_local_) co_return std::size_t{0};
    if (Status status = co_await Append(*group_); !status) co_return Fail(status.error());
    is_local_ = true;
    co_return group_->bytes.size();
  }

 private:
  Error MissingLog(Scn applied) const {
    return Error(ErrorCode::kInvalidData, "the tenant is at SCN " + std::to_string(applied.value) +
                                              ", but its log lacks the group at LSN " +
                                              std::to_string(group_->lsn.value))
        .WithAdvice("restore once more");
  }

  io::Task<Status> Append(const LogGroup& group) {
    Clog& clog = stream_->clog();
    if (Status status = co_await clog.AwaitRoom(); !status) co_return status;
    Bytes bytes(group.bytes.begin(), group.bytes.end());
    format::MarkRawWrite(bytes, proposal_id_, clog.durable_end_lsn());
    const auto header = std::span(bytes).first<format::LogGroupEntryHeader::kSize>();
    const Result<Clog::Appended> appended =
        clog.AppendRaw({group.lsn, format::LoadGroupHeader(header), bytes});
    if (!appended) co_return Fail(appended.error());
    co_return Status();
  }

  io::Task<Status> EnterGroup() {
    group_.reset();
    for (;;) {
      const Result<std::optional<LogGroup>> next = co_await NextGroup();
      if (!next) co_return Fail(OfLogStream(next.error(), stream_->id()));
      if (!next->has_value()) co_return Status();
      const LogGroup group = **next;
      next_lsn_ = group.end_lsn();
      if (group.header.group_size > 0) {
        group_ = group;
        at_ = group_->entries().begin();
        co_return Status();
      }
      // Its entries were cut off; those of the next group must have their place in the log.
      if (is_local_) continue;
      Status status = co_await Append(group);
      if (!status) co_return Fail(OfLogStream(status.error(), stream_->id()));
    }
  }

  io::Task<Result<std::optional<LogGroup>>> NextGroup() {
    is_local_ = local_ != nullptr;
    if (local_ != nullptr && groups_.empty()) {
      const auto groups = co_await local_->Read();
      if (!groups) co_return Fail(groups.error());
      groups_ = *groups;
    }
    if (!groups_.empty()) {
      const LogGroup group = groups_.front();
      groups_ = groups_.subspan(1);
      co_return group;
    }
    local_.reset();
    is_local_ = false;
    if (sources_ == nullptr) co_return std::nullopt;
    if (source_ == nullptr) {
      auto source = co_await sources_->Open(stream_->id(), stream_->clog().end_lsn());
      if (!source) co_return Fail(std::move(source).error());
      source_ = *std::move(source);
    }
    co_return co_await source_->Next();
  }

  LogStream* stream_;
  LogGroupSources* sources_;
  std::int64_t proposal_id_;
  std::unique_ptr<ClogReader> local_;
  std::span<const LogGroup> groups_;  // of local_, still to come
  std::unique_ptr<LogGroupSource> source_;
  Lsn next_lsn_;
  std::optional<LogGroup> group_;
  format::LogEntries::Iterator at_;
  bool is_local_ = true;
};

StandbyReplay::StandbyReplay(TenantCore& core) : core_(&core) {
  progress_.applied = format::kMinScn;
  for (const auto& [ls, stream] : core.streams) {
    positions_[ls] = frozen_at_[ls] = Lsn{stream->record().clog_base_lsn()};
  }
}
StandbyReplay::~StandbyReplay() = default;

io::Task<Status> StandbyReplay::ReplayTo(Scn target, LogGroupSources* sources,
                                         ReportReplay report) {
  const auto lock = co_await core_->maintenance.Lock();
  if (Status status = core_->CheckUsable(); !status) co_return status;
  report_ = std::move(report);
  std::vector<std::unique_ptr<Head>> heads;
  Status status;
  for (const auto& [ls, stream] : core_->streams) {
    // The reader shows what is durable, and the source goes on behind what is appended.
    status = co_await stream->clog().WaitDurable(stream->clog().end_lsn());
    if (!status) co_return status;
    heads.push_back(std::make_unique<Head>(*stream, positions_.at(ls), sources,
                                           core_->engine.clog.proposal_id));
    status = co_await heads.back()->Seek(applied());
    if (!status) co_return status;
  }
  status = co_await Merge(heads, target);
  report_ = {};
  for (const auto& head : heads) {
    positions_[head->stream().id()] = head->lsn();
    // Of several entries with one SCN some are applied, and some are not.
    const bool is_torn = head->has_entry() && head->scn() <= applied();
    if (!status && is_torn) core_->Break(status.error());
  }
  if (!status) co_return status;
  for (const auto& head : heads) {
    if (!head->is_exhausted() || head->stream().clog().max_scn() >= target) continue;
    co_return Fail(head->EndedBefore(target));
  }
  progress_.applied = std::max(progress_.applied, target);
  co_return Status();
}

// What a log may have behind its end is not known: nothing above it is applied.
Scn StandbyReplay::LimitOf(const std::vector<std::unique_ptr<Head>>& heads, Scn target) {
  for (const auto& head : heads) {
    if (head->is_exhausted()) target = std::min(target, head->stream().clog().max_scn());
  }
  return target;
}

io::Task<Status> StandbyReplay::Merge(std::vector<std::unique_ptr<Head>>& heads, Scn target) {
  for (;;) {
    Head* least = nullptr;
    const Scn limit = LimitOf(heads, target);
    Scn next = limit;  // of the others
    for (const auto& head : heads) {
      if (!head->has_entry() || head->scn() > limit) continue;
      if (least == nullptr || head->scn() < least->scn()) {
        if (least != nullptr) next = std::min(next, least->scn());
        least = head.get();
      } else {
        next = std::min(next, head->scn());
      }
    }
    if (least == nullptr) co_return Status();
    if (Status status = co_await ApplyRun(*least, next); !status) co_return status;
  }
}

io::Task<Status> StandbyReplay::ApplyRun(Head& head, Scn limit) {
  for (int entries = 1; head.has_entry() && head.scn() <= limit; ++entries) {
    if (core_->stop.stop_requested()) {
      co_return Fail(ErrorCode::kCanceled, "the tenant is being closed");
    }
    if (Status status = co_await Apply(head); !status) co_return status;
    if (Status status = co_await head.Advance(); !status) co_return status;
    // At `limit` another log may have an entry of the same SCN.
    if (applied() == limit) continue;
    if (Status status = co_await CheckpointIfDue(); !status) co_return status;
    if (entries % kEntriesPerTurn == 0) co_await core_->env.loop.Yield();
  }
  if (report_) report_(progress_);
  co_return Status();
}

io::Task<Status> StandbyReplay::Apply(Head& head) {
  LogStream& stream = head.stream();
  const Result<std::size_t> bytes = co_await head.TakeOver();
  if (!bytes) co_return Fail(OfLogStream(bytes.error(), stream.id()));
  Status status = stream.Replay(head.entry());
  if (status) {
    progress_.applied = head.scn();
    ++progress_.entries;
    progress_.log_bytes += *bytes;
    status = co_await FlushArrivals(stream);
  }
  if (!status) core_->Break(status.error());
  co_return status;
}

// Who moves a tablet has flushed it before; a log does not say that.
io::Task<Status> StandbyReplay::FlushArrivals(LogStream& stream) {
  for (const LogStream::Arrival& arrival : stream.TakeArrivals()) {
    const LogStream* from = core_->FindStream(arrival.from);
    if (from == nullptr) continue;
    const auto found = from->tablets().find(arrival.tablet);
    if (found == from->tablets().end()) continue;
    const std::shared_ptr<Tablet> tablet = found->second;
    tablet->Freeze(applied());
    while (!tablet->frozen().empty()) {
      if (!tablet->frozen().front().memtable->IsDecided()) {
        co_return Fail(
            Error(ErrorCode::kNotSupported,
                  "a tablet moves to another log stream while transactions on it are open")
                .WithField("tablet " + std::to_string(arrival.tablet.value)));
      }
      if (Status status = co_await FlushOldest(*core_, tablet); !status) co_return status;
    }
  }
  co_return Status();
}

bool StandbyReplay::IsFreezeDue(const LogStream& stream) const {
  return stream.active_bytes() >= core_->engine.freeze_trigger ||
         stream.clog().end_lsn() - frozen_at_.at(stream.id()) >=
             kLogPerFreeze * core_->engine.freeze_trigger;
}

io::Task<Status> StandbyReplay::CheckpointIfDue() {
  std::size_t active = 0;
  bool is_due = false;
  for (const auto& [ls, stream] : core_->streams) {
    active += stream->active_bytes();
    is_due = is_due || IsFreezeDue(*stream);
  }
  // What is undecided stays in memory beside this.
  const bool is_full = active > core_->engine.memstore_limit / 2;
  if (!is_due && !is_full) co_return Status();
  for (const auto& [ls, stream] : core_->streams) {
    if (!is_full && !IsFreezeDue(*stream)) continue;
    stream->FreezeAt(applied());
    frozen_at_[ls] = stream->clog().end_lsn();
  }
  Status status = co_await CheckpointStandby(*core_);
  if (!status) core_->Break(status.error());
  co_return status;
}

}  // namespace obbak::engine
