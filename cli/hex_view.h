// A file's bytes with the name, value and byte range of every field beside them.
#pragma once

#include <string>

#include "base/bytes.h"
#include "format/dissection.h"

namespace obbak::cli {

// One line per field, more for a field longer than 16 bytes: offset and bytes at the left, the
// field's range (end exclusive), name and value at the right, indented by depth. Bytes that no
// field explains are marked as such.
// `base` is added to every offset shown, for bytes that are a part of a file.
std::string HexText(ByteView file, const format::Dissection& dissection, std::size_t base = 0);

}  // namespace obbak::cli
