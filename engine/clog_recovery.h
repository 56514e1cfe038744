// Recovery of a clog: reading it to its end, and making that end clean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/clog.h"
#include "engine/clog_files.h"
#include "engine/env.h"
#include "format/ls_meta_records.h"
#include "io/task.h"

namespace obbak::engine {

// Where a ClogWriter goes on.
struct ClogTail {
  // Behind the last group.
  format::PalfBaseInfo position;
  // Of the block at position.curr_lsn; without a file when that block has not begun.
  ClogFiles::BlockFile file;
  // The log's bytes of the file's page that position.curr_lsn is in.
  Bytes page;
};

// What Clog::Open promises. `files` has been loaded; it learns each block's base.
io::Task<Result<ClogTail>> RecoverClog(Env env, ClogFiles& files, const format::PalfBaseInfo& start,
                                       std::size_t tail_search, ClogReplay replay,
                                       format::Lsn torn_from);

}  // namespace obbak::engine
