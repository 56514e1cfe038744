// `obbak inspect` on clog block files and archived log files.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "cli/console.h"
#include "cli/inspect_command.h"
#include "format/log_file_reader.h"

namespace obbak::cli {

// Prints one line per log entry, with `options.rows` the row changes below it, or with kHex every
// byte of every group. JSON is one object per line. Ends with how far the log goes: a torn tail is
// the normal end of a log that is being written, damage is a failure.
int InspectLog(std::string_view path, ByteView file, format::LogFileKind kind,
               const InspectOptions& options, const Console& console);

}  // namespace obbak::cli
