#include "engine/clog_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "format/log_group.h"
#include "format/log_headers.h"
#include "format/log_reader.h"

namespace obbak::engine {
namespace {

using format::GroupEntryBuilder;
using format::kLogFileSize;
using format::Lsn;
using format::PalfBaseInfo;
using format::Scn;

// Zeros are written so many at a time: few enough that a commit beside them is hardly delayed.
constexpr std::size_t kZeroPiece = std::size_t{256} << 10;
// Raw groups are written so many bytes at a time. Not more than one group may have: what recovery
// erases behind a torn write.
constexpr std::size_t kRawWrite = std::size_t{1} << 20;
static_assert(kRawWrite <= format::kMaxGroupEntrySize);
// From here on the next file is made ready.
constexpr std::uint64_t kPrepareNextAt = kLogFileSize / 2;

}  // namespace

ClogWriter::ClogWriter(Env env, ClogFiles& files, const ClogOptions& options, ClogTail tail)
    : env_(env),
      files_(files),
      options_(options),
      builder_(tail.position, options.proposal_id),
      max_scn_(tail.position.prev_log_info.scn),
      durable_end_lsn_(tail.position.curr_lsn),
      durable_end_scn_(max_scn_),
      page_(std::move(tail.page)),
      file_(std::move(tail.file.file)),
      block_id_(BlockIdOf(tail.position.curr_lsn)),
      file_end_(OffsetInClogFile(tail.position.curr_lsn)),
      written_end_(tail.file.written_end),
      work_(env.loop),
      room_(env.loop),
      beyond_(env.loop),
      zeroed_(env.loop),
      tasks_(env.loop) {
  tasks_.Spawn(WriteLoop());
}

io::Task<Status> ClogWriter::Close() {
  closing_ = true;
  work_.WakeAll();
  beyond_.WakeAll();
  co_await tasks_.Join();
  if (failure_) co_return Fail(*failure_);
  co_return Status();
}

Result<Clog::Appended> ClogWriter::Append(Scn lower_bound, ByteView payload) {
  assert(!closing_);
  if (failure_) return Fail(*failure_);
  for (;;) {
    const GroupEntryBuilder::Room room = builder_.RoomFor(payload.size());
    if (room == GroupEntryBuilder::Room::kFits) break;
    if (room == GroupEntryBuilder::Room::kSealFirst) {
      Seal();
      continue;
    }
    const PalfBaseInfo before = builder_.position();
    Result<ByteView> padding = builder_.Pad(durable_end_lsn_);
    if (!padding) return Fail(std::move(padding).error());
    pending_.push_back(NewPending());
    Lay(*pending_.back(), before, *padding);
  }
  const bool was_open = open();
  const Result<GroupEntryBuilder::Appended> appended = builder_.Append(lower_bound, payload);
  if (!appended) return Fail(appended.error());
  if (!was_open) pending_.push_back(NewPending());
  max_scn_ = appended->scn;
  work_.WakeAll();
  return Clog::Appended{.lsn = appended->lsn, .end_lsn = builder_.end_lsn(), .scn = appended->scn};
}

Result<Clog::Appended> ClogWriter::AppendRaw(const format::LogGroup& group) {
  assert(!closing_);
  if (failure_) return Fail(*failure_);
  if (open()) Seal();
  const PalfBaseInfo before = builder_.position();
  if (group.lsn != before.curr_lsn) {
    return Fail(ErrorCode::kStateNotMatch,
                fmt::format("the group belongs to LSN {}, the log ends at {}", group.lsn.value,
                            before.curr_lsn.value));
  }
  format::LogReader checker(before, format::LogMedium::kAppended);
  if (checker.Next(group.bytes, true) != format::LogReader::Outcome::kGroup)
    return Fail(checker.error());
  builder_ = GroupEntryBuilder(checker.position(), options_.proposal_id);
  if (Joins(group.lsn, group.bytes.size())) {
    Join(group.bytes);
  } else {
    pending_.push_back(NewPending());
    pending_.back()->is_raw = true;
    Lay(*pending_.back(), before, group.bytes);
  }
  max_scn_ = checker.position().prev_log_info.scn;
  work_.WakeAll();
  return Clog::Appended{.lsn = group.lsn, .end_lsn = builder_.end_lsn(), .scn = max_scn_};
}

io::Task<Status> ClogWriter::AwaitRoom() {
  while (!failure_ && end_lsn() - durable_end_lsn_ > options_.max_backlog) co_await room_.Wait();
  if (failure_) co_return Fail(*failure_);
  co_return Status();
}

io::Task<Status> ClogWriter::WaitDurable(Lsn end_lsn) {
  assert(end_lsn <= this->end_lsn());
  while (durable_end_lsn_ < end_lsn) {
    if (failure_) co_return Fail(*failure_);
    co_await PendingAt(end_lsn).durable.Wait();
  }
  co_return Status();
}

io::Task<Status> ClogWriter::WaitBeyond(Lsn lsn) {
  while (durable_end_lsn_ <= lsn) {
    if (failure_) co_return Fail(*failure_);
    if (closing_) co_return Fail(ErrorCode::kCanceled, "the log is being closed");
    co_await beyond_.Wait();
  }
  co_return Status();
}

std::unique_ptr<ClogWriter::Pending> ClogWriter::NewPending() {
  if (spare_ == nullptr) return std::make_unique<Pending>(env_.loop);
  spare_->is_raw = spare_->is_being_written = false;
  return std::move(spare_);
}

ClogWriter::Pending& ClogWriter::PendingAt(Lsn end_lsn) {
  const auto sealed_end = pending_.end() - (open() ? 1 : 0);
  const auto found = std::partition_point(
      pending_.begin(), sealed_end, [&](const auto& group) { return group->end_lsn < end_lsn; });
  return **found;
}

void ClogWriter::Seal() {
  const PalfBaseInfo before = builder_.position();
  Pending& group = *pending_.back();
  Lay(group, before, builder_.Seal(durable_end_lsn_));
}

void ClogWriter::Lay(Pending& group, const PalfBaseInfo& before, ByteView bytes) {
  const Lsn begin = before.curr_lsn;
  group.size = io::AlignUp(page_.size() + bytes.size());
  group.offset = OffsetInClogFile(begin) - page_.size();
  group.end_lsn = begin + bytes.size();
  group.end_scn = builder_.position().prev_log_info.scn;
  group.begins_block = OffsetInBlock(begin) == 0;
  if (group.begins_block) {
    const ByteView entry = bytes.subspan(format::LogGroupEntryHeader::kSize);
    // A raw group may have lost all its entries.
    group.first_scn =
        entry.empty() ? group.end_scn
                      : format::LoadEntryHeader(entry.first<format::LogEntryHeader::kSize>()).scn;
    group.base = before;
  }

  const std::size_t wanted = group.is_raw ? std::max(group.size, kRawWrite) : group.size;
  if (group.pages.size() < wanted) group.pages = io::AlignedBytes(wanted);
  std::byte* const to = group.pages.span().data();
  const std::size_t end = page_.size() + bytes.size();
  if (!page_.empty()) std::memcpy(to, page_.data(), page_.size());
  std::memcpy(to + page_.size(), bytes.data(), bytes.size());
  std::memset(to + end, 0, group.size - end);
  group.used = end;
  page_.assign(to + io::AlignDown(end), to + end);
}

bool ClogWriter::Joins(Lsn begin, std::size_t size) const {
  if (pending_.empty() || OffsetInBlock(begin) == 0) return false;
  const Pending& last = *pending_.back();
  return last.is_raw && !last.is_being_written && last.used + size <= kRawWrite;
}

void ClogWriter::Join(ByteView bytes) {
  Pending& last = *pending_.back();
  std::byte* const to = last.pages.span().data();
  std::memcpy(to + last.used, bytes.data(), bytes.size());
  last.used += bytes.size();
  last.size = io::AlignUp(last.used);
  std::memset(to + last.used, 0, last.size - last.used);
  last.end_lsn = last.end_lsn + bytes.size();
  last.end_scn = builder_.position().prev_log_info.scn;
  page_.assign(to + io::AlignDown(last.used), to + last.used);
}

io::Task<void> ClogWriter::WriteLoop() {
  while (!failure_) {
    if (pending_.empty()) {
      if (closing_) break;
      co_await work_.Wait();
      continue;
    }
    if (pending_.size() == 1 && open()) Seal();
    Pending& group = *pending_.front();
    group.is_being_written = true;
    Status written = co_await Write(group);
    if (!written) {
      Break(std::move(written).error());
      break;
    }
    Finish(group);
    StartBackgroundWork();
  }
}

io::Task<Status> ClogWriter::Write(Pending& group) {
  if (group.begins_block) {
    if (Status begun = co_await BeginBlock(group); !begun) co_return begun;
  }
  const std::uint64_t end = group.offset + group.size;
  if (end > written_end_) co_await ClaimFile(end);
  co_return co_await file_->Write(group.offset, group.pages.span().first(group.size),
                                  io::Durability::kDurable);
}

io::Task<Status> ClogWriter::BeginBlock(const Pending& group) {
  const std::uint64_t block_id = BlockIdOf(group.base.curr_lsn);
  const bool has_file = file_ != nullptr && block_id == block_id_;
  if (has_file) {
    if (Status written = co_await files_.WriteHeader(*file_, block_id, group.first_scn); !written)
      co_return written;
  } else {
    // Nothing may still be writing to the old file.
    co_await ClaimFile(kLogFileSize);
    Result<ClogFiles::BlockFile> begun = co_await files_.Begin(block_id, group.first_scn);
    if (!begun) co_return Fail(std::move(begun).error());
    file_ = std::move(begun->file);
    written_end_ = begun->written_end;
    block_id_ = block_id;
  }
  files_.block(block_id) = {.first_scn = group.first_scn, .base = group.base};
  co_return Status();
}

void ClogWriter::Finish(Pending& group) {
  durable_end_lsn_ = group.end_lsn;
  durable_end_scn_ = group.end_scn;
  file_end_ = group.offset + group.size;
  group.durable.WakeAll();
  room_.WakeAll();
  beyond_.WakeAll();
  spare_ = std::move(pending_.front());
  pending_.pop_front();
}

void ClogWriter::Break(Error error) {
  if (failure_) return;
  env_.log.Write(LogLevel::kError, fmt::format("the log stream's log is broken at LSN {}: {}",
                                               durable_end_lsn_.value, error.ToString()));
  failure_ = std::move(error);
  for (const std::unique_ptr<Pending>& group : pending_) group->durable.WakeAll();
  work_.WakeAll();
  room_.WakeAll();
  beyond_.WakeAll();
  zeroed_.WakeAll();
}

void ClogWriter::StartBackgroundWork() {
  if (closing_ || failure_) return;
  // Under a backlog the log itself is the fastest way to write the file.
  const bool behind = pending_.size() > 1;
  if (!zeroing_ && !behind && written_end_ < kLogFileSize &&
      written_end_ < file_end_ + options_.zero_ahead / 2) {
    zeroing_ = true;
    tasks_.Spawn(ZeroAhead(std::min(io::AlignDown(file_end_ + options_.zero_ahead), kLogFileSize)));
  }
  if (file_end_ >= kPrepareNextAt && preparing_ != block_id_ + 1) {
    preparing_ = block_id_ + 1;
    tasks_.Spawn(PrepareNext(block_id_ + 1));
  }
}

io::Task<void> ClogWriter::ZeroAhead(std::uint64_t target) {
  const io::AlignedBytes zeros(kZeroPiece);
  std::ranges::fill(zeros.span(), std::byte{});
  while (written_end_ < target && !claiming_ && !closing_ && !failure_) {
    const std::size_t size = std::min<std::size_t>(kZeroPiece, target - written_end_);
    Status written =
        co_await file_->Write(written_end_, zeros.span().first(size), io::Durability::kDurable);
    if (!written) {
      Break(std::move(written).error());
      break;
    }
    written_end_ += size;
  }
  zeroing_ = false;
  zeroed_.WakeAll();
}

io::Task<void> ClogWriter::ClaimFile(std::uint64_t end) {
  claiming_ = true;
  while (zeroing_) co_await zeroed_.Wait();
  claiming_ = false;
  written_end_ = std::max(written_end_, end);
}

io::Task<void> ClogWriter::PrepareNext(std::uint64_t block_id) {
  // A failure may pass; Begin tries again when the file is needed.
  const Status prepared = co_await files_.Prepare(block_id);
  if (!prepared) {
    env_.log.Write(LogLevel::kWarning, fmt::format("the next log file cannot be made ready: {}",
                                                   prepared.error().ToString()));
  }
}

}  // namespace obbak::engine
