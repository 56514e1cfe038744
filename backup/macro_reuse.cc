#include "backup/macro_reuse.h"

namespace obbak::backup {

io::Task<Status> MacroReuse::AddIndex(format::BackupPath index) {
  auto file = co_await dest::MacroRangeIndexFile::Open(store_, std::move(index), &cache_);
  if (!file) co_return Fail(std::move(file).error());
  indexes_.push_back(*std::move(file));
  co_return Status();
}

io::Task<Result<std::optional<format::BackupPhysicalId>>> MacroReuse::Find(
    format::LogicMacroBlockId id) {
  for (const std::unique_ptr<dest::MacroRangeIndexFile>& index : indexes_) {
    const auto found = co_await files_.FindMacroBlock(*index, format::DataType::kMajor, id);
    if (!found) co_return Fail(found.error());
    if (!found->has_value()) continue;
    const Result<format::BackupPhysicalId> place = format::BackupPhysicalId::Of(**found);
    if (!place) co_return Fail(place.error());
    co_return std::optional<format::BackupPhysicalId>(*place);
  }
  co_return std::optional<format::BackupPhysicalId>();
}

}  // namespace obbak::backup
