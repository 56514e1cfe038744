#include "backup/catalogue.h"

#include <fmt/format.h>

#include <map>

namespace obbak::backup {

std::string RowKey(std::string_view table, std::initializer_list<std::int64_t> ids) {
  std::string key = fmt::format("backup/{}", table);
  // All int64 have as many digits then, and sort as numbers do.
  for (const std::int64_t id : ids) key += fmt::format("/{:019}", id);
  return key;
}

std::string RowPrefix(std::string_view table, std::initializer_list<std::int64_t> ids) {
  return RowKey(table, ids) + '/';
}

void CatalogueEdit::PutBytes(std::string key, std::string value) {
  rows_.push_back({.key = std::move(key), .value = std::move(value)});
}

void CatalogueEdit::Remove(std::string key) {
  rows_.push_back({.key = std::move(key), .value = std::nullopt});
}

io::Task<Status> Catalogue::Apply(CatalogueEdit edit) {
  if (edit.empty()) co_return Status();
  // The manifest removes first and then puts; so each row gets its last change only.
  std::map<std::string, std::optional<std::string>> last;
  for (CatalogueEdit::Change& change : edit.rows_) {
    last[std::move(change.key)] = std::move(change.value);
  }
  engine::pb::Edit changes;
  for (auto& [key, value] : last) {
    if (!value) {
      changes.add_removed_rows(key);
      continue;
    }
    engine::pb::Row& row = *changes.add_rows();
    row.set_key(key);
    row.set_value(*std::move(value));
  }
  co_return co_await manifest_->Apply(std::move(changes));
}

const std::string* Catalogue::Find(std::string_view key) const {
  const auto& rows = manifest_->state().rows();
  const auto row = rows.find(key);
  return row == rows.end() ? nullptr : &row->second.value();
}

Error Catalogue::NotParsed(std::string_view key) {
  return Error(ErrorCode::kInvalidData,
               fmt::format("the manifest's row {} is not what this program writes there", key))
      .WithAdvice("the tenant's directory was written by another version of this program");
}

}  // namespace obbak::backup
