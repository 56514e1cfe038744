// ArchiveView: what a backup needs of the log archive.
#pragma once

#include "backup/archiver.h"
#include "base/result.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::backup {

class ArchiveView {
 public:
  virtual ~ArchiveView() = default;
  virtual ArchiveStatus status() const = 0;
  // Returns when the archive has every log stream up to `scn`, which their logs have passed.
  virtual io::Task<Status> CatchUpTo(format::Scn scn) = 0;
};

// That of an archiver, which outlives it.
class ArchiverView final : public ArchiveView {
 public:
  explicit ArchiverView(Archiver& archiver) : archiver_(archiver) {}
  ArchiveStatus status() const override { return archiver_.status(); }
  io::Task<Status> CatchUpTo(format::Scn scn) override { return archiver_.CatchUpTo(scn); }

 private:
  Archiver& archiver_;
};

}  // namespace obbak::backup
