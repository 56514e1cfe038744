// DestStore: the metadata files of one destination, by their paths (format/backup_path.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_path.h"
#include "format/metadata_file.h"
#include "io/medium.h"
#include "io/task.h"

namespace obbak::dest {

// What a listing found below a directory of the layout.
struct Listing {
  std::vector<format::BackupPath> known;  // in order of their names
  // Names that no destination has there; readers that may ignore them do, a strict one reports.
  std::vector<std::string> unknown;
};

// Copied freely. It must outlive the tasks it gives, the medium must outlive both.
class DestStore {
 public:
  // `kind`: what the destination is for, or kDataOrArchive while nobody knows.
  DestStore(io::Medium& medium, format::DestKind kind) : medium_(&medium), kind_(kind) {}
  // The archive inside a set's complement_log/ of the data destination `data`: takes and gives
  // paths without `in_complement_log`, as any archive does.
  static DestStore ComplementLog(const DestStore& data, format::BackupSetId set,
                                 format::BackupSetKind set_kind);

  io::Medium& medium() const { return *medium_; }
  // Of a file or directory, relative to the medium's root.
  std::string PathOf(const format::BackupPath& path) const;
  // For messages: with the medium's location in front.
  std::string FullPathOf(const format::BackupPath& path) const;

  // The record of a file that passes every check; the error names the file.
  template <class R>
  io::Task<Result<R>> Read(format::BackupPath path) const {
    Result<Bytes> file = co_await ReadBytes(path);
    if (!file) co_return Fail(std::move(file).error());
    Result<R> record = format::MetadataFile<R>::Read(*file);
    if (!record) co_return Fail(std::move(record).error().WithPath(FullPathOf(path)));
    co_return record;
  }
  // The same; none when there is no such file.
  template <class R>
  io::Task<Result<std::optional<R>>> ReadIfThere(format::BackupPath path) const {
    Result<R> record = co_await Read<R>(path);
    if (record) co_return std::optional<R>(*std::move(record));
    if (record.error().code() == ErrorCode::kFileNotExist) co_return std::optional<R>();
    co_return Fail(std::move(record).error());
  }
  // Whole and durable, or not at all; replaces an older file.
  template <class R>
  io::Task<Status> Write(format::BackupPath path, R record) const {
    Result<Bytes> file = format::MetadataFile<R>::Write(record);
    if (!file) co_return Fail(std::move(file).error().WithPath(FullPathOf(path)));
    co_return co_await medium_->Put(PathOf(path), *file);
  }
  // Unless the file is there already, whatever it holds.
  template <class R>
  io::Task<Status> WriteOnce(format::BackupPath path, R record) const {
    Result<bool> there = co_await medium_->Exists(PathOf(path));
    if (!there) co_return Fail(std::move(there).error());
    if (*there) co_return Status();
    co_return co_await Write(std::move(path), std::move(record));
  }

  io::Task<Result<Bytes>> ReadBytes(format::BackupPath path) const;
  // The children of a directory of the layout; `directory`: one of the *Dir kinds.
  io::Task<Result<Listing>> List(format::BackupPath directory) const;
  // Of the root, which has no path of its own.
  io::Task<Result<Listing>> ListRoot() const;

 private:
  // No metadata file is larger: thousands of sets or pieces.
  static constexpr std::uint64_t kMaxMetadataFile = std::uint64_t{64} << 20;

  io::Task<Result<Listing>> ListBelow(std::string directory) const;

  io::Medium* medium_;
  format::DestKind kind_;
  // Of a complement log: the set that it belongs to.
  std::optional<std::pair<format::BackupSetId, format::BackupSetKind>> complement_of_;
};

}  // namespace obbak::dest
