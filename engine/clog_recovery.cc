#include "engine/clog_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "format/log_group.h"
#include "format/log_reader.h"
#include "io/aligned_bytes.h"
#include "io/sync.h"

namespace obbak::engine {
namespace {

using format::kLogFileHeaderArea;
using format::kLogFileSize;
using format::LogReader;
using format::Lsn;

constexpr std::size_t kChunk = std::size_t{1} << 20;
// So much is read ahead of what is asked for, in chunks that are all under way at once.
constexpr std::size_t kReadAhead = 4 * kChunk;

// Brings a block file into memory, front to back. The memory is used again for each file.
class BlockLoader {
 public:
  explicit BlockLoader(io::Loop& loop) : memory_(kLogFileSize), arrived_(loop), reads_(loop) {}

  // Precondition: Finish() is done.
  void Start(io::File& file) {
    file_ = &file;
    error_.reset();
    chunks_.clear();
    ready_ = 0;
  }

  // Until the first `size` bytes of the file are in loaded().
  io::Task<Status> Want(std::size_t size) {
    while (chunks_.size() * kChunk < std::min<std::size_t>(size + kReadAhead, kLogFileSize)) {
      chunks_.push_back(false);
      reads_.Spawn(ReadChunk(chunks_.size() - 1));
    }
    while (ready_ < size && !error_) co_await arrived_.Wait();
    if (error_) co_return Fail(*error_);
    co_return Status();
  }

  // Until nothing is being read any more.
  io::Task<void> Finish() { return reads_.Join(); }

  ByteView loaded() const { return memory_.span().first(ready_); }

 private:
  io::Task<void> ReadChunk(std::size_t chunk) {
    const std::span<std::byte> out = memory_.span().subspan(chunk * kChunk, kChunk);
    Result<std::size_t> read = co_await file_->Read(chunk * kChunk, out);
    if (!read) {
      error_ = std::move(read).error();
    } else if (*read != kChunk) {
      error_ = Error(ErrorCode::kIoError, "the file has become shorter")
                   .WithPath(file_->path())
                   .WithOffset(chunk * kChunk + *read);
    }
    chunks_[chunk] = true;
    while (ready_ / kChunk < chunks_.size() && chunks_[ready_ / kChunk]) ready_ += kChunk;
    arrived_.WakeAll();
  }

  io::AlignedBytes memory_;
  io::File* file_ = nullptr;
  std::vector<bool> chunks_;  // asked for; true: arrived
  std::size_t ready_ = 0;     // bytes
  std::optional<Error> error_;
  io::WaitQueue arrived_;
  io::TaskGroup reads_;
};

constexpr const char* kDamageAdvice = "the log is damaged; recover it from a replica or a backup";

class Recovery {
 public:
  Recovery(Env env, ClogFiles& files, const format::PalfBaseInfo& start, std::size_t tail_search,
           ClogReplay replay, Lsn torn_from)
      : env_(env),
        files_(files),
        reader_(start, format::LogMedium::kPreallocated),
        tail_search_(std::max(tail_search, format::kMaxGroupEntrySize)),
        replay_(std::move(replay)),
        torn_from_(torn_from),
        loader_(env.loop) {}

  io::Task<Result<ClogTail>> Run() {
    const std::uint64_t last = files_.blocks().rbegin()->first;
    while (BlockIdOf(reader_.lsn()) < last) {
      if (Status read = co_await ReadBlock(true); !read) co_return Fail(std::move(read).error());
    }
    if (Status read = co_await ReadBlock(false); !read) co_return Fail(std::move(read).error());
    if (Status durable = CheckDurable(last); !durable) co_return Fail(std::move(durable).error());
    co_return co_await CutTail(last);
  }

 private:
  // Reads the log up to the end of the block at lsn(), or to the end of the log if no block
  // follows.
  io::Task<Status> ReadBlock(bool has_successor) {
    const std::uint64_t block_id = BlockIdOf(reader_.lsn());
    files_.block(block_id).base = reader_.position();
    Result<std::unique_ptr<io::File>> file = co_await files_.Open(block_id, true);
    if (!file) co_return Fail(std::move(file).error());
    loader_.Start(**file);
    Status read = co_await ReadGroups(block_id, has_successor);
    co_await loader_.Finish();
    co_return read;
  }

  io::Task<Status> ReadGroups(std::uint64_t block_id, bool has_successor) {
    while (BlockIdOf(reader_.lsn()) == block_id) {
      const std::uint64_t offset = OffsetInClogFile(reader_.lsn());
      const ByteView loaded = loader_.loaded();
      const ByteView data = loaded.subspan(std::min<std::size_t>(offset, loaded.size()));
      const std::size_t enough =
          std::min<std::size_t>(BytesLeftInBlock(reader_.lsn()), tail_search_);
      const LogReader::Outcome outcome = reader_.Next(data, data.size() >= enough);
      switch (outcome) {
        case LogReader::Outcome::kGroup:
          if (Status status = co_await Deliver(); !status) co_return status;
          break;
        case LogReader::Outcome::kNeedMore: {
          const std::size_t needed = std::min(reader_.needed(), enough);
          if (Status status = co_await loader_.Want(offset + needed); !status) co_return status;
          break;
        }
        case LogReader::Outcome::kEnd:
        case LogReader::Outcome::kTornTail:
          if (!has_successor) co_return co_await NoteTail(block_id, offset);
          if (outcome == LogReader::Outcome::kTornTail) co_return Damage(reader_.error(), offset);
          co_return Damage(
              Error(ErrorCode::kInvalidData,
                    fmt::format("the log ends here, but {} follows", files_.PathOf(block_id + 1)))
                  .WithOffset(0),
              offset);
        case LogReader::Outcome::kDamaged:
          // Of several groups in one write some may be there, and those before them not.
          if (!has_successor && reader_.lsn() >= torn_from_) {
            co_return co_await NoteTail(block_id, offset);
          }
          co_return Damage(reader_.error(), offset);
      }
    }
    co_return Status();
  }

  // What was durable is no torn tail.
  Status CheckDurable(std::uint64_t last_block) const {
    if (torn_from_ == format::kInvalidLsn || reader_.lsn() >= torn_from_) return {};
    return Fail(Error(ErrorCode::kInvalidData,
                      fmt::format("the log ends at LSN {}, but was durable up to LSN {}",
                                  reader_.lsn().value, torn_from_.value))
                    .WithPath(files_.PathOf(last_block))
                    .WithOffset(OffsetInClogFile(reader_.lsn()))
                    .WithAdvice(kDamageAdvice));
  }

  io::Task<Status> Deliver() {
    const format::LogGroup& group = reader_.group();
    if (OffsetInBlock(group.lsn) == 0) {
      if (Status status = CheckFirst(group); !status) co_return status;
    }
    if (!group.header.IsPadding()) {
      if (Status status = co_await replay_(group); !status) co_return status;
    }
    co_return Status();
  }

  // The block header was written for this group.
  Status CheckFirst(const format::LogGroup& group) {
    const std::uint64_t block_id = BlockIdOf(group.lsn);
    const format::LogEntries entries = group.entries();
    if (group.header.group_size == 0 ||
        entries.begin()->scn() == files_.block(block_id).first_scn) {
      return {};
    }
    return Fail(
        Error(ErrorCode::kInvalidData,
              fmt::format("the header says that the first entry has SCN {}, it has {}",
                          files_.block(block_id).first_scn.value, entries.begin()->scn().value))
            .WithField("header.min_scn")
            .WithPath(files_.PathOf(block_id))
            .WithOffset(16));
  }

  // `error` has an offset behind lsn(), which is at `offset` in its file.
  Status Damage(Error error, std::uint64_t offset) const {
    return Fail(std::move(error)
                    .ShiftOffset(offset)
                    .WithPath(files_.PathOf(BlockIdOf(reader_.lsn())))
                    .WithAdvice(kDamageAdvice));
  }

  // Remembers what is in memory around the log's end, at `offset` of the file.
  io::Task<Status> NoteTail(std::uint64_t block_id, std::uint64_t offset) {
    const std::uint64_t torn_end =
        std::min<std::uint64_t>(io::AlignUp(offset + format::kMaxGroupEntrySize), kLogFileSize);
    if (Status status = co_await loader_.Want(torn_end); !status) co_return status;
    const ByteView torn = loader_.loaded().subspan(offset, torn_end - offset);
    const auto last_used = std::find_if(torn.rbegin(), torn.rend(),
                                        [](std::byte byte) { return byte != std::byte{}; });
    torn_size_ = static_cast<std::size_t>(torn.rend() - last_used);
    const ByteView page =
        loader_.loaded().subspan(io::AlignDown(offset), offset - io::AlignDown(offset));
    page_.assign(page.begin(), page.end());
    if (OffsetInBlock(reader_.lsn()) == 0) files_.block(block_id).first_scn = format::kInvalidScn;
    co_return Status();
  }

  // Erases what the last write before a crash may have left behind the log's end: at most one
  // group, for the next is written only when it is durable. Afterwards nothing of it can be taken
  // for the middle of a log that has grown over it.
  io::Task<Result<ClogTail>> CutTail(std::uint64_t block_id) {
    ClogTail tail{.position = reader_.position(), .file = {}, .page = std::move(page_)};
    Result<std::unique_ptr<io::File>> file = co_await files_.Open(block_id, false);
    if (!file) co_return Fail(std::move(file).error());
    // The last group may be one whose write had not returned: it counts from now on.
    if (Status synced = co_await (*file)->Sync(); !synced)
      co_return Fail(std::move(synced).error());
    if (BlockIdOf(reader_.lsn()) > block_id) co_return tail;  // which is exactly full
    const std::uint64_t end = OffsetInClogFile(reader_.lsn());
    tail.file = {.file = *std::move(file), .written_end = io::AlignUp(end)};
    if (torn_size_ > 0) {
      env_.log.Write(LogLevel::kInfo,
                     fmt::format("{}: the log ends at LSN {}; erasing {} bytes behind it",
                                 files_.PathOf(block_id), reader_.lsn().value, torn_size_));
      const io::AlignedBytes clean(tail.page.size() + torn_size_);
      std::fill(std::ranges::copy(tail.page, clean.span().begin()).out, clean.span().end(),
                std::byte{});
      Status written = co_await tail.file.file->Write(io::AlignDown(end), clean.span(),
                                                      io::Durability::kDurable);
      if (!written) co_return Fail(std::move(written).error());
      tail.file.written_end = io::AlignDown(end) + clean.size();
    }
    co_return tail;
  }

  Env env_;
  ClogFiles& files_;
  LogReader reader_;
  std::size_t tail_search_;
  ClogReplay replay_;
  Lsn torn_from_;
  BlockLoader loader_;
  std::size_t torn_size_ = 0;
  Bytes page_;
};

}  // namespace

io::Task<Result<ClogTail>> RecoverClog(Env env, ClogFiles& files, const format::PalfBaseInfo& start,
                                       std::size_t tail_search, ClogReplay replay, Lsn torn_from) {
  Recovery recovery(env, files, start, tail_search, std::move(replay), torn_from);
  co_return co_await recovery.Run();
}

}  // namespace obbak::engine
