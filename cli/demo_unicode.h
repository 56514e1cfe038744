// The Unicode Character Database as a table of the demonstration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/tenant.h"
#include "format/ids.h"
#include "io/loop.h"
#include "io/task.h"

namespace obbak::cli {

inline constexpr std::string_view kUnicodeTable = "unicode";

struct UnicodeLoad {
  std::uint64_t rows = 0;
  std::uint64_t transactions = 0;
};

// Creates the table and loads the first `rows` lines of `file`, which is UnicodeData.txt: one
// character a line, 15 fields between semicolons, as UAX #44 describes them. kFileNotExist names
// the package that has it.
io::Task<Result<UnicodeLoad>> LoadUnicode(engine::Tenant& tenant, io::Loop& loop, std::string file,
                                          std::optional<std::uint64_t> rows);

// Puts a remark into the row of one character, the first in key order. Returns the commit version.
io::Task<Result<format::Scn>> RemarkOnCharacter(engine::Tenant& tenant);

// DELETE FROM unicode, in one transaction. Returns its commit version and how many rows it took.
struct Wipe {
  format::Scn version;
  std::uint64_t rows = 0;
};
io::Task<Result<Wipe>> WipeUnicode(engine::Tenant& tenant);

}  // namespace obbak::cli
