#include "engine/clog_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "format/log_file_header.h"
#include "io/aligned_bytes.h"

namespace obbak::engine {
namespace {

using format::kLogFileHeaderArea;
using format::kLogFileSize;
using format::LogBlockHeader;
using format::Scn;

constexpr std::string_view kTemporarySuffix = ".tmp";

// Of a name as PathOf makes it: digits without leading zeros.
std::optional<std::uint64_t> ParseBlockId(std::string_view name) {
  std::uint64_t id = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, id);
  if (error != std::errc() || stop != end || fmt::format("{}", id) != name) return std::nullopt;
  return id;
}

}  // namespace

ClogFiles::ClogFiles(Env env, std::string dir, format::LsId ls_id, std::size_t zero_ahead,
                     std::size_t max_spares)
    : env_(env),
      dir_(std::move(dir)),
      ls_id_(ls_id),
      zero_ahead_(io::AlignUp(zero_ahead)),
      max_spares_(max_spares),
      preparing_(env.loop),
      recycling_(env.loop) {}

std::string ClogFiles::PathOf(std::uint64_t block_id) const {
  return fmt::format("{}/{}", dir_, block_id);
}

io::Task<Status> ClogFiles::CheckEmpty() {
  Result<std::vector<io::DirEntry>> entries = co_await env_.disk.List(dir_);
  if (!entries) co_return Fail(std::move(entries).error());
  for (const io::DirEntry& entry : *entries) {
    if (ParseBlockId(entry.name)) {
      co_return Fail(Error(ErrorCode::kEntryExist, "there is a log already")
                         .WithPath(dir_ + "/" + entry.name));
    }
  }
  co_return Status();
}

io::Task<Status> ClogFiles::Load(std::uint64_t start_block) {
  Result<std::vector<io::DirEntry>> entries = co_await env_.disk.List(dir_);
  if (!entries) co_return Fail(std::move(entries).error());
  std::vector<std::uint64_t> ids;
  for (const io::DirEntry& entry : *entries) {
    if (const std::optional<std::uint64_t> id = ParseBlockId(entry.name)) {
      ids.push_back(*id);
    } else if (entry.name.ends_with(kTemporarySuffix)) {
      if (Status removed = co_await env_.disk.Remove(dir_ + "/" + entry.name); !removed)
        co_return removed;
    }
  }
  std::ranges::sort(ids);
  const auto start = std::ranges::lower_bound(ids, start_block);
  std::uint64_t expected = start_block;
  for (auto it = start; it != ids.end(); ++it) {
    if (*it != expected) break;
    ++expected;
  }
  const auto missing = start + static_cast<std::ptrdiff_t>(expected - start_block);
  if (missing != ids.end() || expected == start_block) {
    co_return Fail(
        Error(ErrorCode::kFileNotExist, "a log file is missing").WithPath(PathOf(expected)));
  }
  auto first = start;
  while (first != ids.begin() && *std::prev(first) + 1 == *first) --first;
  for (auto it = ids.begin(); it != first; ++it) {
    if (Status removed = co_await env_.disk.Remove(PathOf(*it)); !removed) co_return removed;
  }
  for (auto it = first; it != ids.end(); ++it) {
    if (Status loaded = co_await LoadHeader(*it); !loaded) co_return loaded;
  }
  co_return Status();
}

io::Task<Status> ClogFiles::LoadHeader(std::uint64_t block_id) {
  Result<std::unique_ptr<io::File>> file = co_await Open(block_id, true);
  if (!file) co_return Fail(std::move(file).error());
  if ((*file)->size() != kLogFileSize) {
    co_return Fail(Error(ErrorCode::kInvalidData, fmt::format("has {} bytes, a log file has {}",
                                                              (*file)->size(), kLogFileSize))
                       .WithPath(PathOf(block_id))
                       .WithOffset(0));
  }
  const io::AlignedBytes area(kLogFileHeaderArea);
  Result<std::size_t> read = co_await (*file)->Read(0, area.span());
  if (!read) co_return Fail(std::move(read).error());
  Result<Scn> first_scn = CheckHeader(area.span().first(*read), block_id);
  if (!first_scn) co_return Fail(std::move(first_scn).error());
  blocks_[block_id] = {.first_scn = *first_scn, .base = std::nullopt};
  co_return Status();
}

Result<Scn> ClogFiles::CheckHeader(ByteView file, std::uint64_t block_id) const {
  Result<LogBlockHeader> header = format::HeaderArea<LogBlockHeader>::Read(file);
  if (!header) return Fail(std::move(header).error().WithPath(PathOf(block_id)));
  if (header->curr_block_id != static_cast<std::int64_t>(block_id) ||
      header->palf_id != ls_id_.value || header->flag != 0) {
    return Fail(Error(ErrorCode::kInvalidData,
                      fmt::format("the header is that of block {} of log stream {}, flag {}",
                                  header->curr_block_id, header->palf_id, header->flag))
                    .WithPath(PathOf(block_id))
                    .WithOffset(0));
  }
  return header->min_scn;
}

io::Task<Result<std::unique_ptr<io::File>>> ClogFiles::Open(std::uint64_t block_id,
                                                            bool read_only) {
  co_return co_await env_.disk.Open(PathOf(block_id), {.direct = true, .read_only = read_only});
}

io::Task<Status> ClogFiles::Prepare(std::uint64_t block_id) {
  const io::Mutex::Guard lock = co_await preparing_.Lock();
  if (prepared_block_ == block_id) co_return Status();
  const std::string path = TemporaryPath(block_id);
  io::Task<Result<BlockFile>> make = spares_.empty() ? MakeFile(path) : TakeSpare(path);
  Result<BlockFile> made = co_await std::move(make);
  if (!made) co_return Fail(std::move(made).error());
  prepared_ = *std::move(made);
  prepared_block_ = block_id;
  co_return Status();
}

io::Task<Result<ClogFiles::BlockFile>> ClogFiles::MakeFile(std::string path) {
  Result<std::unique_ptr<io::File>> opened =
      co_await env_.disk.Open(path, {.create = true, .direct = true});
  if (!opened) co_return Fail(std::move(opened).error());
  BlockFile made{.file = *std::move(opened), .written_end = kLogFileHeaderArea};
  if (Status status = co_await made.file->Allocate(0, kLogFileSize); !status)
    co_return Fail(std::move(status).error());
  const io::AlignedBytes zeros(kLogFileHeaderArea + std::min(zero_ahead_, format::kPalfBlockSize));
  std::ranges::fill(zeros.span(), std::byte{});
  if (Status status = co_await made.file->Write(0, zeros.span()); !status)
    co_return Fail(std::move(status).error());
  if (Status status = co_await made.file->Sync(); !status)
    co_return Fail(std::move(status).error());
  made.written_end = zeros.size();
  co_return made;
}

io::Task<Result<ClogFiles::BlockFile>> ClogFiles::TakeSpare(std::string path) {
  const std::string spare = std::move(spares_.back());
  spares_.pop_back();
  if (Status status = co_await env_.disk.Rename(spare, path); !status)
    co_return Fail(std::move(status).error());
  Result<std::unique_ptr<io::File>> opened = co_await env_.disk.Open(path, {.direct = true});
  if (!opened) co_return Fail(std::move(opened).error());
  BlockFile taken{.file = *std::move(opened), .written_end = kLogFileSize};
  co_return taken;
}

io::Task<Result<ClogFiles::BlockFile>> ClogFiles::Begin(std::uint64_t block_id, Scn first_scn) {
  if (Status status = co_await Prepare(block_id); !status)
    co_return Fail(std::move(status).error());
  const io::Mutex::Guard lock = co_await preparing_.Lock();
  if (Status status = co_await WriteHeader(*prepared_.file, block_id, first_scn); !status)
    co_return Fail(std::move(status).error());
  if (Status status = co_await env_.disk.Rename(TemporaryPath(block_id), PathOf(block_id)); !status)
    co_return Fail(std::move(status).error());
  if (Status status = co_await env_.disk.SyncDirectory(dir_); !status)
    co_return Fail(std::move(status).error());
  BlockFile begun = std::exchange(prepared_, {});
  prepared_block_.reset();
  // Anew, so that its errors carry its name.
  Result<std::unique_ptr<io::File>> file = co_await Open(block_id, false);
  if (!file) co_return Fail(std::move(file).error());
  begun.file = *std::move(file);
  blocks_[block_id] = {};
  co_return begun;
}

io::Task<Status> ClogFiles::WriteHeader(io::File& file, std::uint64_t block_id, Scn first_scn) {
  const Result<Bytes> header = format::HeaderArea<LogBlockHeader>::Write(
      {.min_lsn = format::BlockStart(block_id),
       .min_scn = first_scn,
       .curr_block_id = static_cast<std::int64_t>(block_id),
       .palf_id = ls_id_.value});
  if (!header) co_return Fail(header.error());
  const io::AlignedBytes area(kLogFileHeaderArea);
  std::memcpy(area.span().data(), header->data(), kLogFileHeaderArea);
  co_return co_await file.Write(0, area.span(), io::Durability::kDurable);
}

io::Task<Status> ClogFiles::Recycle(std::uint64_t block_id) {
  const io::Mutex::Guard lock = co_await recycling_.Lock();
  std::vector<std::string> kept;
  bool changed = false;
  while (blocks_.size() > 1 && blocks_.begin()->first < block_id) {
    const std::uint64_t id = blocks_.begin()->first;
    // First, so that nobody who is woken meanwhile looks for it.
    blocks_.erase(blocks_.begin());
    changed = true;
    const bool keep = spares_.size() + kept.size() < max_spares_;
    io::Task<Status> remove =
        keep ? env_.disk.Rename(PathOf(id), TemporaryPath(id)) : env_.disk.Remove(PathOf(id));
    Status status = co_await std::move(remove);
    if (!status) co_return status;
    if (keep) kept.push_back(TemporaryPath(id));
  }
  if (!changed) co_return Status();
  if (Status status = co_await env_.disk.SyncDirectory(dir_); !status) co_return status;
  // Only now: a file must not be overwritten under a name that a crash could bring back.
  spares_.insert(spares_.end(), kept.begin(), kept.end());
  co_return Status();
}

}  // namespace obbak::engine
