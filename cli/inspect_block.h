// `obbak inspect` on macro blocks, and on backup files that are made of blocks.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "cli/console.h"
#include "cli/inspect_command.h"
#include "format/backup_inspect.h"

namespace obbak::cli {

// A macro block on its own: its headers, with `options.rows` its rows, or with kHex every byte.
int InspectMacroBlockFile(std::string_view path, ByteView file, const InspectOptions& options,
                          const Console& console);

// A data, index or tablet_info file block by block, in the order of the file; macro blocks inside a
// data file are looked into. JSON is one object per block and line.
int InspectBackupFile(std::string_view path, ByteView file, format::BackupFileKind kind,
                      const InspectOptions& options, const Console& console);

}  // namespace obbak::cli
