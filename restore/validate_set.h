// Rules 1 to 8 of docs/spec/consistency.md §6: what the metadata files of backup sets say of each
// other.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "format/ids.h"
#include "format/time_tag.h"
#include "restore/validate_files.h"
#include "restore/validate_findings.h"

namespace obbak::restore {

// Whether all names of a destination live in one time zone (rules 4 and 33). The first name tells
// which one.
class NameZone {
 public:
  // `tag` stands in the name of `path` for `scn`.
  void Check(int rule, std::string_view path, format::TimeTag tag, format::Scn scn,
             const Reporter& found);

 private:
  std::optional<std::chrono::seconds> offset_;
};

// What the rules of one set share: its records, and where they lie.
class SetView {
 public:
  // All must outlive the view.
  SetView(const DestFacts& dest, format::BackupSetId id, const SetFacts& facts)
      : dest_(&dest), id_(id), facts_(&facts) {}

  format::BackupSetId id() const { return id_; }
  const SetFacts& facts() const { return *facts_; }
  const DestFacts& dest() const { return *dest_; }
  const format::BackupSetFileDesc& desc() const { return *facts_->desc; }

  // A path of this set.
  format::BackupPath Path(format::PathKind kind) const {
    return {.kind = kind, .set = id_, .set_kind = facts_->kind};
  }
  std::string Name(format::PathKind kind) const { return NameOf(Path(kind)); }
  bool Has(const format::BackupPath& path) const { return HasFile(*dest_->tree, NameOf(path)); }

  // The final turn of a phase's data, of log stream `ls` for sys data.
  std::int64_t FinalTurn(format::DataType type, format::LsId ls) const;
  // The newest meta attempt of a log stream; null without one.
  const std::pair<const Attempt, MetaAttemptFacts>* NewestMeta(format::LsId ls) const;
  // The log streams whose metadata the set has, and what it says of one.
  const format::LsAttr* AttrOf(format::LsId ls) const;
  const format::BackupDataLsAttrDesc* ls_attrs() const;

 private:
  const DestFacts* dest_;
  format::BackupSetId id_;
  const SetFacts* facts_;
};

// Every set of the destination; of complete ones also what restore/validate_ls_meta.h checks.
void CheckSets(const DestFacts& dest, NameZone& zone, const Reporter& found);

}  // namespace obbak::restore
