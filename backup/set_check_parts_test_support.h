// What the parts of the checker share (backup/set_check_test_support.h).
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/set_check_test_support.h"
#include "format/backup_path.h"
#include "format/ls_meta_records.h"
#include "format/metadata_file.h"
#include "format/tablet_meta.h"

namespace obbak::backup {

using CheckedPaths = std::vector<std::pair<std::string, format::BackupPath>>;

// A destination in memory, and what was found in it.
class TreeCheck {
 public:
  TreeCheck(const Tree& tree, const CheckedPaths& paths, SetCheck& result)
      : tree_(tree), paths_(paths), result_(result) {}

 protected:
  template <class... Args>
  void Expect(bool holds, int rule, fmt::format_string<Args...> text, Args&&... args) {
    if (holds) return;
    result_.findings.push_back(
        fmt::format("rule {}: {}", rule, fmt::format(text, std::forward<Args>(args)...)));
  }

  const Bytes* Find(const format::BackupPath& path) {
    const auto found = tree_.find(format::Print(path));
    return found == tree_.end() ? nullptr : &found->second;
  }
  template <class R>
  std::optional<R> Read(const format::BackupPath& path, int rule) {
    const Bytes* bytes = Find(path);
    Expect(bytes != nullptr, rule, "{} is missing", format::Print(path));
    if (bytes == nullptr) return {};
    const Result<R> record = format::MetadataFile<R>::Read(*bytes);
    if (!record) return {};  // CheckFile has said so
    return *record;
  }
  static format::BackupPath In(const format::BackupPath& set, format::PathKind kind) {
    format::BackupPath path{.kind = kind};
    path.set = set.set;
    path.set_kind = set.set_kind;
    return path;
  }

  const Tree& tree_;
  const CheckedPaths& paths_;
  SetCheck& result_;
};

// What the rules need of one set.
struct CheckedSet {
  format::BackupSetFileDesc desc;
  format::BackupDataLsAttrDesc attrs;
  std::map<format::LsId, format::LsMetaPackage> metas;
  // tablet_info of the last attempt.
  std::map<format::LsId, std::map<format::TabletId, format::MigrationTabletParam>> tablets;
  std::map<format::DataType, std::vector<format::BackupDataTabletToLsDesc>> maps;  // by turn
};

// The last attempt at the metadata of a log stream of the set with that mark.
std::pair<std::int64_t, std::int64_t> LastMetaAttempt(const CheckedPaths& paths,
                                                      const format::BackupPath& mark,
                                                      format::LsId ls);

// Rules 21 to 32: indexes, metas, mappings, macro blocks and statistics.
void CheckSetData(const Tree& tree, const CheckedPaths& paths, const format::BackupPath& mark,
                  const CheckedSet& set, SetCheck& result);

}  // namespace obbak::backup
