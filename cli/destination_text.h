// Destinations as people name them: URIs, or directories of this host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/console.h"
#include "io/backup_dest.h"
#include "io/log_archive_dest.h"

namespace obbak::cli {

// "backup" and "/data/backup" become "file:///..." with the absolute path; what has a scheme stays.
std::string UriOf(std::string_view text);
// The other way round, for what has to be a directory here. kNotSupported for object storage.
Result<std::string> DirectoryOf(std::string_view text);

// A URI or a directory. Keys that a server would ignore silently get a warning. No error quotes the
// text, which may have secrets.
Result<io::BackupDest> ParseDestination(std::string_view text, const Console& console);

// "DEST,DEST": what a restore reads.
Result<std::vector<io::BackupDest>> ParseDestinations(std::string_view text,
                                                      const Console& console);

// "LOCATION=DEST [BINDING=..] [PIECE_SWITCH_INTERVAL=..]", or nothing but the DEST.
Result<io::LogArchiveDest> ParseArchiveDestination(std::string_view text,
                                                   const io::PieceSwitchIntervalRange& range,
                                                   const Console& console);

}  // namespace obbak::cli
