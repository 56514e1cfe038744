// ClogReader: reads the durable groups of a clog that is open.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "format/lsn.h"
#include "io/task.h"

namespace obbak::format {
struct LogGroup;
class LogReader;
}  // namespace obbak::format

namespace obbak::engine {

class Clog;

// Follows a log from some group on, across block files, checking it as format::LogReader does.
//
//   ClogReader reader(clog, lsn);
//   for (;;) {
//     auto groups = co_await reader.Read();
//     if (!groups) co_return Fail(groups.error());
//     if (groups->empty()) { co_await clog.WaitBeyond(reader.lsn()) (and check it); continue; }
//     for (const format::LogGroup& group : *groups) ...
//   }
class ClogReader {
 public:
  // `start` is where a group begins: the start of a block, or what a reader's lsn() said. The clog
  // must outlive the reader.
  ClogReader(Clog& clog, format::Lsn start);
  ClogReader(const ClogReader&) = delete;
  ClogReader& operator=(const ClogReader&) = delete;
  ~ClogReader();

  // The next groups, padding groups included; views that live until the next call. Empty: lsn() is
  // the log's durable end, for now. Fails with kErrOutOfLowerBound when the block at lsn() has been
  // recycled, and with file and offset on damage.
  io::Task<Result<std::span<const format::LogGroup>>> Read();

  // Where the next group begins.
  format::Lsn lsn() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace obbak::engine
