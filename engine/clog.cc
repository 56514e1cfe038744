#include "engine/clog.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "engine/clog_files.h"
#include "engine/clog_recovery.h"
#include "engine/clog_writer.h"
#include "format/ls_meta_records.h"

namespace obbak::engine {
namespace {

using format::Lsn;
using format::PalfBaseInfo;
using format::Scn;

Status CheckStart(const PalfBaseInfo& base) {
  if (base.curr_lsn < format::kLsnLimit && OffsetInBlock(base.curr_lsn) == 0) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("LSN {} is not the start of a block", base.curr_lsn.value));
}

}  // namespace

Clog::Clog(std::unique_ptr<ClogFiles> files, std::unique_ptr<ClogWriter> writer)
    : files_(std::move(files)), writer_(std::move(writer)) {}
Clog::~Clog() = default;

io::Task<Result<std::unique_ptr<Clog>>> Clog::Create(Env env, std::string dir, format::LsId ls_id,
                                                     const PalfBaseInfo& base,
                                                     ClogOptions options) {
  if (Status valid = CheckStart(base); !valid) co_return Fail(std::move(valid).error());
  auto files = std::make_unique<ClogFiles>(env, std::move(dir), ls_id, options.zero_ahead,
                                           options.max_spare_files);
  if (Status empty = co_await files->CheckEmpty(); !empty) co_return Fail(std::move(empty).error());
  // The least SCN that the first entry can have stands in the header until there is one.
  const std::uint64_t block_id = BlockIdOf(base.curr_lsn);
  Result<ClogFiles::BlockFile> file =
      co_await files->Begin(block_id, Scn{base.prev_log_info.scn.value + 1});
  if (!file) co_return Fail(std::move(file).error());
  files->block(block_id).base = base;
  ClogTail tail{.position = base, .file = *std::move(file), .page = {}};
  auto writer = std::make_unique<ClogWriter>(env, *files, options, std::move(tail));
  co_return std::unique_ptr<Clog>(new Clog(std::move(files), std::move(writer)));
}

io::Task<Result<std::unique_ptr<Clog>>> Clog::Open(Env env, std::string dir, format::LsId ls_id,
                                                   const PalfBaseInfo& start, ClogOptions options,
                                                   ClogReplay replay, Lsn torn_from) {
  if (Status valid = CheckStart(start); !valid) co_return Fail(std::move(valid).error());
  auto files = std::make_unique<ClogFiles>(env, std::move(dir), ls_id, options.zero_ahead,
                                           options.max_spare_files);
  if (Status loaded = co_await files->Load(BlockIdOf(start.curr_lsn)); !loaded)
    co_return Fail(std::move(loaded).error());
  Result<ClogTail> tail =
      co_await RecoverClog(env, *files, start, options.tail_search, std::move(replay), torn_from);
  if (!tail) co_return Fail(std::move(tail).error());
  auto writer = std::make_unique<ClogWriter>(env, *files, options, *std::move(tail));
  co_return std::unique_ptr<Clog>(new Clog(std::move(files), std::move(writer)));
}

io::Task<Status> Clog::Close() { return writer_->Close(); }
Result<Clog::Appended> Clog::Append(Scn lower_bound, ByteView payload) {
  return writer_->Append(lower_bound, payload);
}
Result<Clog::Appended> Clog::AppendRaw(const format::LogGroup& group) {
  return writer_->AppendRaw(group);
}
io::Task<Status> Clog::AwaitRoom() { return writer_->AwaitRoom(); }
io::Task<Status> Clog::WaitDurable(Lsn end_lsn) { return writer_->WaitDurable(end_lsn); }
io::Task<Status> Clog::WaitBeyond(Lsn lsn) { return writer_->WaitBeyond(lsn); }

Lsn Clog::end_lsn() const { return writer_->end_lsn(); }
Scn Clog::max_scn() const { return writer_->max_scn(); }
Lsn Clog::durable_end_lsn() const { return writer_->durable_end_lsn(); }
Scn Clog::durable_end_scn() const { return writer_->durable_end_scn(); }

Lsn Clog::base_lsn() const { return format::BlockStart(files_->blocks().begin()->first); }

Lsn Clog::LocateCoarsely(Scn scn) const {
  const auto& blocks = files_->blocks();
  auto found = blocks.begin();
  for (auto it = blocks.begin(); it != blocks.end(); ++it) {
    if (it->second.first_scn.IsValid() && it->second.first_scn <= scn) found = it;
  }
  return format::BlockStart(found->first);
}

Result<PalfBaseInfo> Clog::BaseInfo(Lsn block_start) const {
  const auto found = files_->blocks().find(BlockIdOf(block_start));
  if (found == files_->blocks().end() || !found->second.base ||
      found->second.base->curr_lsn != block_start) {
    return Fail(ErrorCode::kEntryNotExist,
                fmt::format("nothing is known of a block at LSN {}", block_start.value));
  }
  return *found->second.base;
}

io::Task<Status> Clog::Recycle(Lsn keep_from) { return files_->Recycle(BlockIdOf(keep_from)); }

}  // namespace obbak::engine
