#include "engine/block_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "format/crc32c.h"
#include "format/le_bytes.h"
#include "format/macro_block_header.h"
#include "io/aligned_bytes.h"

namespace obbak::engine {
namespace {

using format::LoadLe;
using format::StoreLe;

constexpr std::uint64_t kSlotSize = format::kMacroBlockSize;
constexpr std::size_t kSuperblockSize = io::Disk::kAlignment;

// The superblock, little-endian; zeros behind it up to kSuperblockSize.
constexpr std::string_view kMagic = "OBBAKBLK";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kVersionOffset = 8;    // u32
constexpr std::size_t kSlotSizeOffset = 12;  // u32
constexpr std::size_t kClusterOffset = 16;   // i64
constexpr std::size_t kTenantOffset = 24;    // u64
constexpr std::size_t kChecksumOffset = 32;  // u64: Crc64 of the bytes before

void EncodeSuperblock(const BlockFile::Options& options, std::span<std::byte> out) {
  std::ranges::fill(out, std::byte{0});
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  StoreLe(out.data() + kVersionOffset, kVersion);
  StoreLe(out.data() + kSlotSizeOffset, static_cast<std::uint32_t>(kSlotSize));
  StoreLe(out.data() + kClusterOffset, options.cluster_id);
  StoreLe(out.data() + kTenantOffset, options.tenant_id);
  StoreLe(out.data() + kChecksumOffset, format::Crc64(out.first(kChecksumOffset)));
}

Status CheckSuperblock(const BlockFile::Options& options, ByteView bytes) {
  if (AsText(bytes.first(kMagic.size())) != kMagic) {
    return Fail(Error(ErrorCode::kInvalidData, "this is no block file").WithOffset(0));
  }
  const auto stored = LoadLe<std::uint64_t>(bytes.data() + kChecksumOffset);
  if (const std::uint64_t sum = format::Crc64(bytes.first(kChecksumOffset)); sum != stored) {
    return Fail(Error(ErrorCode::kChecksumError,
                      fmt::format("the superblock's checksum is {:#x}, it says {:#x}", sum, stored))
                    .WithOffset(kChecksumOffset));
  }
  const auto version = LoadLe<std::uint32_t>(bytes.data() + kVersionOffset);
  const auto slot_size = LoadLe<std::uint32_t>(bytes.data() + kSlotSizeOffset);
  if (version != kVersion || slot_size != kSlotSize) {
    return Fail(Error(ErrorCode::kVersionNotMatch,
                      fmt::format("block file of version {} with blocks of {} bytes; this program "
                                  "knows version {} with {}",
                                  version, slot_size, kVersion, kSlotSize))
                    .WithOffset(kVersionOffset));
  }
  const auto cluster = LoadLe<std::int64_t>(bytes.data() + kClusterOffset);
  const auto tenant = LoadLe<std::uint64_t>(bytes.data() + kTenantOffset);
  if (cluster != options.cluster_id || tenant != options.tenant_id) {
    return Fail(
        Error(ErrorCode::kStateNotMatch,
              fmt::format("the block file belongs to tenant {} of cluster {}, not to tenant "
                          "{} of cluster {}",
                          tenant, cluster, options.tenant_id, options.cluster_id))
            .WithOffset(kClusterOffset));
  }
  return {};
}

std::uint64_t FileOffset(const format::MacroBlockId& id) {
  return static_cast<std::uint64_t>(id.second) * kSlotSize;
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

BlockFile::BlockFile(io::Loop& loop, Options options, std::unique_ptr<io::File> file)
    : options_(std::move(options)), file_(std::move(file)), slots_(1), growing_(loop) {}

io::Task<Result<std::unique_ptr<BlockFile>>> BlockFile::Create(io::Loop& loop, io::Disk& disk,
                                                               Options options) {
  assert(options.max_size >= 2 * kSlotSize);
  Result<std::unique_ptr<io::File>> file =
      co_await disk.Open(options.path, {.create = true, .exclusive = true, .direct = true});
  if (!file) co_return Fail(std::move(file).error());
  if (Status status = co_await (*file)->Allocate(0, kSlotSize); !status)
    co_return Fail(std::move(status).error());
  const io::AlignedBytes superblock(kSuperblockSize);
  EncodeSuperblock(options, superblock.span());
  if (Status status = co_await (*file)->Write(0, superblock.span(), io::Durability::kDurable);
      !status) {
    co_return Fail(std::move(status).error());
  }
  if (Status status = co_await disk.SyncDirectory(ParentOf(options.path)); !status)
    co_return Fail(std::move(status).error());
  co_return std::unique_ptr<BlockFile>(new BlockFile(loop, std::move(options), *std::move(file)));
}

io::Task<Result<std::unique_ptr<BlockFile>>> BlockFile::Open(io::Loop& loop, io::Disk& disk,
                                                             Options options) {
  Result<std::unique_ptr<io::File>> file = co_await disk.Open(options.path, {.direct = true});
  if (!file) co_return Fail(std::move(file).error());
  const io::AlignedBytes superblock(kSuperblockSize);
  const Result<std::size_t> read = co_await (*file)->Read(0, superblock.span());
  if (!read) co_return Fail(read.error());
  if (*read != kSuperblockSize) {
    co_return Fail(Error(ErrorCode::kInvalidData, "this is no block file: it ends too early")
                       .WithPath(options.path)
                       .WithOffset(*read));
  }
  if (Status status = CheckSuperblock(options, superblock.span()); !status)
    co_return Fail(std::move(status).error().WithPath(options.path));
  std::unique_ptr<BlockFile> blocks(new BlockFile(loop, std::move(options), *std::move(file)));
  blocks->AddSlots(blocks->file_->size());
  co_return blocks;
}

void BlockFile::AddSlots(std::uint64_t file_size) {
  for (std::size_t i = slots_.size(); i < file_size / kSlotSize; ++i) {
    slots_.emplace_back();
    free_.insert(i);
  }
}

io::Task<Status> BlockFile::Grow() {
  const auto lock = co_await growing_.Lock();
  // Somebody else may have grown the file, or given a block back, meanwhile.
  if (!free_.empty()) co_return Status();
  const std::uint64_t size = slots_.size() * kSlotSize;
  const std::uint64_t limit = options_.max_size / kSlotSize * kSlotSize;
  if (size >= limit) {
    co_return Fail(Error(ErrorCode::kServerOutofDiskSpace,
                         fmt::format("all {} macro blocks are in use", slots_.size() - 1))
                       .WithPath(options_.path)
                       .WithAdvice("raise the data file's maximum size, or drop data"));
  }
  const std::uint64_t growth =
      std::clamp(options_.growth / kSlotSize * kSlotSize, kSlotSize, limit - size);
  if (Status status = co_await file_->Allocate(size, growth); !status) co_return status;
  AddSlots(size + growth);
  co_return Status();
}

io::Task<Result<format::MacroBlockId>> BlockFile::Allocate() {
  while (free_.empty()) {
    if (Status status = co_await Grow(); !status) co_return Fail(std::move(status).error());
  }
  const std::size_t index = *free_.begin();
  free_.erase(free_.begin());
  slots_[index] = {.first = next_first_++, .references = 1};
  co_return format::MacroBlockId{.first = slots_[index].first,
                                 .second = static_cast<std::int64_t>(index)};
}

BlockFile::Slot* BlockFile::Find(const format::MacroBlockId& id) {
  const auto index = static_cast<std::size_t>(id.second);
  if (id.second <= 0 || index >= slots_.size()) return nullptr;
  return &slots_[index];
}

Status BlockFile::AddReference(const format::MacroBlockId& id) {
  Slot* const slot = Find(id);
  if (slot == nullptr) {
    return Fail(
        Locate(Error(ErrorCode::kInvalidData,
                     fmt::format("there is no such block; the file has {} slots", slots_.size())),
               id));
  }
  if (slot->references == 0) {
    free_.erase(static_cast<std::size_t>(id.second));
    slot->first = id.first;
    next_first_ = std::max(next_first_, id.first + 1);
  } else if (slot->first != id.first) {
    return Fail(Locate(Error(ErrorCode::kInvalidData,
                             fmt::format("write {} lies here, not {}", slot->first, id.first)),
                       id));
  }
  ++slot->references;
  return {};
}

void BlockFile::Release(const format::MacroBlockId& id) {
  Slot* const slot = Find(id);
  assert(slot != nullptr && slot->references > 0 && slot->first == id.first);
  if (--slot->references == 0) free_.insert(static_cast<std::size_t>(id.second));
}

io::Task<Status> BlockFile::Write(const format::MacroBlockId& id, ByteView bytes) {
  assert(Find(id) != nullptr && Find(id)->first == id.first && bytes.size() <= kSlotSize);
  Status status = co_await file_->Write(FileOffset(id), bytes, io::Durability::kNone);
  if (!status) co_return status;
  ++statistics_.blocks_written;
  statistics_.bytes_written += bytes.size();
  co_return status;
}

io::Task<Status> BlockFile::Sync() { co_return co_await file_->Sync(); }

io::Task<Status> BlockFile::Read(const format::MacroBlockId& id, std::size_t offset,
                                 std::span<std::byte> bytes) {
  assert(offset + bytes.size() <= kSlotSize);
  const Result<std::size_t> read = co_await file_->Read(FileOffset(id) + offset, bytes);
  if (!read) co_return Fail(read.error());
  ++statistics_.reads;
  statistics_.bytes_read += *read;
  if (*read != bytes.size()) {
    co_return Fail(Locate(Error(ErrorCode::kInvalidData,
                                fmt::format("the file ends within the block, {} of {} bytes read",
                                            *read, bytes.size())),
                          id, offset));
  }
  co_return Status();
}

Error BlockFile::Locate(Error error, const format::MacroBlockId& id, std::size_t offset) const {
  return std::move(error).WithOffset(0).ShiftOffset(offset).WithPath(
      fmt::format("{} macro block {}", options_.path, id.second));
}

BlockFile::Statistics BlockFile::statistics() const {
  Statistics statistics = statistics_;
  statistics.slots = slots_.size() - 1;
  statistics.used_slots = statistics.slots - free_.size();
  statistics.max_slots = std::max(statistics.slots, options_.max_size / kSlotSize - 1);
  return statistics;
}

}  // namespace obbak::engine
