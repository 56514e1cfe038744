// What a file of a destination is, told from its name and its bytes, and what can be said about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_path.h"
#include "format/inspection.h"

namespace obbak::format {

struct FileReport {
  // The kind of file that the name says it is; empty when it is not a name of a destination.
  std::optional<PathKind> kind;
  // One line for people, with the ids that the path tells.
  std::string meaning;
  // The record that the file holds, such as "BackupFormatDesc"; empty for a mark without content.
  std::string_view record;
  Inspection inspection;
};

// Inspects `file`, whose path is `path` (absolute, relative to anything, or just its last
// component). The name decides what the file should be; a name that says nothing leaves it to the
// header. Where both speak, they must agree: ids in the name and in the content are compared too.
// kNotSupported for files of a destination that this program cannot take apart, kInvalidData for
// files that are none.
Result<FileReport> InspectFile(std::string_view path, ByteView file);

}  // namespace obbak::format
