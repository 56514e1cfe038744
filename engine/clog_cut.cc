#include "engine/clog_cut.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "engine/clog_files.h"
#include "format/lsn.h"
#include "io/aligned_bytes.h"

namespace obbak::engine {
namespace {

using format::Lsn;

constexpr std::size_t kPiece = std::size_t{1} << 20;

// The log up to the cut, and behind it `group` and zeros up to the page's end.
io::Task<Status> WriteEnd(io::File& file, std::uint64_t offset, ByteView group) {
  const std::uint64_t page = io::AlignDown(offset);
  const std::size_t before = offset - page;
  const io::AlignedBytes bytes(std::max(io::AlignUp(before + group.size()), io::Disk::kAlignment));
  std::ranges::fill(bytes.span(), std::byte{});
  if (before > 0) {
    const auto first = bytes.span().first(io::Disk::kAlignment);
    const Result<std::size_t> read = co_await file.Read(page, first);
    if (!read) co_return Fail(read.error());
    std::ranges::fill(first.subspan(before), std::byte{});
  }
  if (!group.empty()) std::memcpy(bytes.span().data() + before, group.data(), group.size());
  co_return co_await file.Write(page, bytes.span());
}

io::Task<Status> WriteZeros(io::File& file, std::uint64_t from, std::uint64_t end) {
  const io::AlignedBytes zeros(kPiece);
  std::ranges::fill(zeros.span(), std::byte{});
  for (std::uint64_t at = from; at < end; at += kPiece) {
    const std::size_t size = std::min<std::size_t>(kPiece, end - at);
    Status status = co_await file.Write(at, zeros.span().first(size));
    if (!status) co_return status;
  }
  co_return Status();
}

}  // namespace

io::Task<Status> CutClog(Env env, std::string dir, format::LsId ls, pb::LogCut cut) {
  const ClogFiles files(env, dir, ls, /*zero_ahead=*/0, /*max_spares=*/0);
  const Lsn lsn{cut.lsn()};
  const Lsn end{cut.end_lsn()};
  const std::uint64_t block = BlockIdOf(lsn);
  // A log that is exactly full has no file for the block behind it.
  for (std::uint64_t later = BlockIdOf(end); later > block; --later) {
    Status status = co_await env.disk.Remove(files.PathOf(later));
    if (!status && status.error().code() != ErrorCode::kFileNotExist) co_return status;
  }
  if (Status status = co_await env.disk.SyncDirectory(dir); !status) co_return status;

  Result<std::unique_ptr<io::File>> file =
      co_await env.disk.Open(files.PathOf(block), {.direct = true});
  if (!file) co_return Fail(std::move(file).error());
  const std::uint64_t offset = OffsetInClogFile(lsn);
  const std::uint64_t old_end =
      BlockIdOf(end) == block ? io::AlignUp(OffsetInClogFile(end)) : format::kLogFileSize;
  const ByteView group = AsByteView(cut.group());
  Status status = co_await WriteEnd(**file, offset, group);
  if (status) status = co_await WriteZeros(**file, io::AlignUp(offset + group.size()), old_end);
  if (status) status = co_await (*file)->Sync();
  co_return status;
}

}  // namespace obbak::engine
