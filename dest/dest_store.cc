#include "dest/dest_store.h"

#include <string>
#include <utility>

namespace obbak::dest {

DestStore DestStore::ComplementLog(const DestStore& data, format::BackupSetId set,
                                   format::BackupSetKind set_kind) {
  DestStore store = data;
  store.complement_of_ = {set, set_kind};
  return store;
}

std::string DestStore::PathOf(const format::BackupPath& path) const {
  if (!complement_of_) return format::Print(path);
  format::BackupPath inside = path;
  inside.in_complement_log = true;
  inside.set = complement_of_->first;
  inside.set_kind = complement_of_->second;
  return format::Print(inside);
}

std::string DestStore::FullPathOf(const format::BackupPath& path) const {
  return medium_->location() + "/" + PathOf(path);
}

io::Task<Result<Bytes>> DestStore::ReadBytes(format::BackupPath path) const {
  return io::ReadAll(*medium_, PathOf(path), kMaxMetadataFile);
}

io::Task<Result<Listing>> DestStore::List(format::BackupPath directory) const {
  return ListBelow(PathOf(directory));
}

io::Task<Result<Listing>> DestStore::ListRoot() const {
  if (!complement_of_) return ListBelow("");
  return ListBelow(format::Print({.kind = format::PathKind::kComplementLogDir,
                                  .set = complement_of_->first,
                                  .set_kind = complement_of_->second}));
}

io::Task<Result<Listing>> DestStore::ListBelow(std::string directory) const {
  Result<std::vector<io::DirEntry>> entries = co_await medium_->List(directory);
  if (!entries) co_return Fail(std::move(entries).error());
  Listing listing;
  for (io::DirEntry& entry : *entries) {
    const std::string path = directory.empty() ? entry.name : directory + "/" + entry.name;
    Result<format::BackupPath> parsed = format::ParseBackupPath(path, kind_);
    if (!parsed) {
      listing.unknown.push_back(std::move(entry.name));
      continue;
    }
    if (complement_of_) {
      parsed->in_complement_log = false;
      parsed->set = {};
      parsed->set_kind = {};
    }
    listing.known.push_back(*std::move(parsed));
  }
  co_return listing;
}

}  // namespace obbak::dest
