// Rules 15 and 44 to 49 of docs/spec/consistency.md §6: backup sets against the archives that they
// are restored with.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "restore/validate_archive.h"
#include "restore/validate_files.h"
#include "restore/validate_log.h"
#include "restore/validate_set.h"

namespace obbak::restore {

// An archive with its logs read.
struct ReadArchive {
  ArchiveView view;
  const ArchiveLogs* logs = nullptr;

  // Of all pieces that are not empty, in ascending order.
  std::vector<format::TenantArchivePieceAttr> Pieces() const;
  // Whether the round of that piece, which is one of Pieces(), has no end.
  bool GoesOn(const format::ArchivePieceKey& key) const;
};

// What the sets of a data destination want to know of the logs.
void AskFor(const DestFacts& data, LogQuestions& questions);
// The same for one set, for its complement log.
void AskFor(const SetView& set, LogQuestions& questions);

// Every complete set of `data` against `archives`, of which there may be none.
void CheckSetsAgainstArchives(const DestFacts& data, std::span<const ReadArchive> archives,
                              const Reporter& found);
// A set against the logs inside it.
void CheckSetAgainstComplement(const SetView& set, const ReadArchive& complement,
                               const Reporter& found);

}  // namespace obbak::restore
