#include "dest/log_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "format/object_parts.h"
#include "format/storage_object_meta.h"
#include "io/medium.h"

namespace obbak::dest {
namespace {

using format::BackupPath;
using format::ObjectPart;
using format::PathKind;

BackupPath PathOfPart(BackupPath path, const ObjectPart& part) {
  path.kind = PathKind::kLogPart;
  path.part = part;
  return path;
}

// A logical file made of parts. Keeps the part that was read last open.
class PartsReader final : public io::MediumReader {
 public:
  // `parts` has passed CheckParts.
  PartsReader(DestStore archive, BackupPath path, std::vector<ObjectPart> parts)
      : archive_(archive), path_(std::move(path)), parts_(std::move(parts)) {}

  std::uint64_t size() const override { return format::LogicalLength(parts_); }

  io::Task<Result<std::size_t>> Read(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset >= size()) co_return std::size_t{0};
    const Result<std::vector<format::PartRead>> reads =
        format::PlanRead(parts_, offset, out.size());
    if (!reads) co_return Fail(Error(reads.error()).WithPath(archive_.FullPathOf(path_)));
    std::size_t done = 0;
    for (const format::PartRead& read : *reads) {
      const Result<std::shared_ptr<ObjectReader>> part = co_await OpenPart(read.part);
      if (!part) co_return Fail(part.error());
      const auto size = static_cast<std::size_t>(read.length);
      if (Status status = co_await (*part)->Read(read.offset, out.subspan(done, size)); !status)
        co_return Fail(std::move(status).error());
      done += size;
    }
    co_return done;
  }

 private:
  io::Task<Result<std::shared_ptr<ObjectReader>>> OpenPart(std::size_t index) {
    if (open_ != nullptr && open_index_ == index) co_return open_;
    Result<std::shared_ptr<ObjectReader>> part =
        co_await ObjectReader::Open(archive_, PathOfPart(path_, parts_[index]));
    if (!part) co_return Fail(std::move(part).error());
    if ((*part)->size() != parts_[index].size()) {
      co_return Fail((*part)->Locate(
          Error(ErrorCode::kInvalidData, fmt::format("it has {} bytes, its name says {}",
                                                     (*part)->size(), parts_[index].size()))));
    }
    open_ = *part;
    open_index_ = index;
    co_return *std::move(part);
  }

  DestStore archive_;
  BackupPath path_;
  std::vector<ObjectPart> parts_;
  std::shared_ptr<ObjectReader> open_;
  std::size_t open_index_ = 0;
};

// The parts that a finished file lists; none when it is not finished.
io::Task<Result<std::optional<std::vector<ObjectPart>>>> SealedParts(DestStore archive,
                                                                     BackupPath path) {
  path.kind = PathKind::kLogSealMeta;
  const Result<Bytes> bytes = co_await archive.ReadBytes(path);
  if (!bytes) {
    if (bytes.error().code() == ErrorCode::kFileNotExist)
      co_return std::optional<std::vector<ObjectPart>>();
    co_return Fail(bytes.error());
  }
  Result<format::StorageObjectMeta> meta = format::ReadSealMeta(*bytes);
  if (!meta) co_return Fail(std::move(meta).error().WithPath(archive.FullPathOf(path)));
  co_return std::move(meta->parts);
}

// The parts that are there; none when this is no logical file.
io::Task<Result<std::optional<std::vector<ObjectPart>>>> ListedParts(DestStore archive,
                                                                     BackupPath path) {
  const Result<Listing> listing = co_await archive.List(path);
  if (!listing) co_return Fail(listing.error());
  bool is_file = false;
  std::vector<ObjectPart> parts;
  for (const BackupPath& entry : listing->known) {
    if (entry.kind == PathKind::kLogFormatMeta) is_file = true;
    if (entry.kind == PathKind::kLogPart) parts.push_back(entry.part);
  }
  if (!is_file) co_return std::optional<std::vector<ObjectPart>>();
  if (!listing->unknown.empty()) {
    co_return Fail(Error(ErrorCode::kInvalidData,
                         fmt::format("'{}' is no part of a log file", listing->unknown.front()))
                       .WithPath(archive.FullPathOf(path)));
  }
  co_return format::CleanParts(std::move(parts));
}

}  // namespace

io::Task<Result<std::shared_ptr<ObjectReader>>> OpenLogFile(DestStore archive, BackupPath path) {
  Result<std::shared_ptr<ObjectReader>> plain = co_await ObjectReader::Open(archive, path);
  if (plain) co_return plain;
  // There is none, or it is a directory.
  const ErrorCode code = plain.error().code();
  if (code != ErrorCode::kFileNotExist && code != ErrorCode::kInvalidArgument) co_return plain;
  Result<std::optional<std::vector<ObjectPart>>> parts = co_await SealedParts(archive, path);
  if (parts && !*parts) parts = co_await ListedParts(archive, path);
  if (!parts) co_return Fail(std::move(parts).error());
  if (!*parts) {
    co_return Fail(Error(ErrorCode::kFileNotExist, "there is no such log file")
                       .WithPath(archive.FullPathOf(path)));
  }
  std::string full_path = archive.FullPathOf(path);
  if (Status valid = format::CheckParts(**parts); !valid)
    co_return Fail(std::move(valid).error().WithPath(std::move(full_path)));
  auto reader = std::make_unique<PartsReader>(archive, std::move(path), **std::move(parts));
  co_return std::make_shared<ObjectReader>(std::move(full_path), std::move(reader));
}

}  // namespace obbak::dest
