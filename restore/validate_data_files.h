// The large files of a backup set, each checked by itself while it streams by: data files, index
// files, tablet_info files. docs/spec/backup-data-files.md §3, §5, §14.
#pragma once

#include <cstdint>
#include <vector>

#include "format/backup_index_file.h"
#include "format/backup_index_records.h"
#include "format/tablet_info_file.h"
#include "io/loop.h"
#include "io/medium.h"
#include "io/task.h"
#include "restore/validate_facts.h"
#include "restore/validate_findings.h"
#include "restore/validate_reading.h"

namespace obbak::restore {

// What the checks of files share.
struct FileChecks {
  io::Loop& loop;
  io::Medium& medium;
  ReadMeter& meter;
};

// Every byte: file header, records with all they hold, lists, trailer. Damage is reported; the
// facts are of what could be read. `id`: what the path says, which every entry must say too.
io::Task<DataFileFacts> CheckDataFile(FileChecks checks, FoundFile file,
                                      format::BackupDataFileId id, Reporter found);

template <class Entry>
struct IndexFileFacts {
  bool readable = false;       // the file is a right tree
  std::vector<Entry> entries;  // of the leaves that could be read
};
// Entry: BackupMacroRangeIndex or BackupMetaIndex.
template <class Entry>
io::Task<IndexFileFacts<Entry>> CheckIndexFile(FileChecks checks, FoundFile file,
                                               format::IndexOrder order, Reporter found);

struct TabletInfoFacts {
  bool readable = false;
  std::vector<TabletFacts> tablets;
};
io::Task<TabletInfoFacts> CheckTabletInfoFile(FileChecks checks, FoundFile file, Reporter found);

}  // namespace obbak::restore
