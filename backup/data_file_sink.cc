#include "backup/data_file_sink.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>

#include "format/macro_block_header.h"
#include "format/macro_block_ids.h"

namespace obbak::backup {
namespace {

using format::BackupMetaType;

// A file is closed when its metas have grown to this.
constexpr std::size_t kMaxMetaBytes = std::size_t{8} << 20;
// Collected metas are written when there are so many bytes of them.
constexpr std::size_t kMetaWriteSize = std::size_t{1} << 20;

constexpr std::array<std::byte, format::kBackupAlignment> kZeros{};

}  // namespace

struct DataFileSink::Block {
  MacroItem item;
  std::shared_ptr<const engine::Sstable> sstable;
  format::BackupPhysicalId* place;
  io::Buffer buffer;
  format::CheckedMacroBlock checked;
  std::optional<Status> read;  // how reading has ended
};

struct DataFileSink::OpenFile {
  OpenFile(std::unique_ptr<io::MediumWriter> writer, const format::BackupDataFileId& id)
      : out(std::move(writer)), data(id, out.sink()) {}

  ObjectSink out;
  format::BackupDataFileWriter data;
};

DataFileSink::DataFileSink(SetContext& context, AttemptId attempt)
    : context_(context),
      attempt_(attempt),
      max_items_(std::max<std::size_t>(
          static_cast<std::size_t>(context.options.data_file_size / format::kMacroBlockSize), 2)),
      reads_(context.core.env.loop),
      block_read_(context.core.env.loop) {}

DataFileSink::~DataFileSink() { assert(file_ == nullptr && blocks_.empty()); }

io::Task<Status> DataFileSink::ReadAndCheck(DataFileSink& sink, Block& block) {
  engine::BlockFile& file = *sink.context_.core.blocks;
  const format::MacroBlockId& place = block.item.place;
  const std::span<std::byte> memory = block.buffer.span();
  Status status = co_await file.Read(place, 0, memory.first(block.item.max_size));
  if (!status) co_return status;
  const auto check = [bytes = ByteView(memory).first(block.item.max_size)] {
    return format::CheckMacroBlock(bytes);
  };
  const Result<format::CheckedMacroBlock> checked =
      co_await sink.context_.core.env.loop.Offload(check);
  if (!checked) co_return Fail(file.Locate(checked.error(), place));
  block.checked = *checked;
  co_return Status();
}

io::Task<void> DataFileSink::Read(DataFileSink& sink, Block& block) {
  block.read = co_await ReadAndCheck(sink, block);
  sink.block_read_.WakeAll();
}

std::string DataFileSink::PathOfFile() const {
  format::BackupPath path = context_.Path(format::PathKind::kMacroBlockData, attempt_);
  path.file = files_;
  return context_.store.PathOf(path);
}

io::Task<Status> DataFileSink::OpenNextFile() {
  auto writer = co_await context_.store.medium().Create(PathOfFile());
  if (!writer) co_return Fail(std::move(writer).error());
  const format::BackupDataFileId id{.backup_set_id = context_.set(),
                                    .ls_id = attempt_.ls,
                                    .turn_id = attempt_.turn,
                                    .retry_id = attempt_.retry,
                                    .file_id = files_};
  file_ = std::make_unique<OpenFile>(*std::move(writer), id);
  co_return Status();
}

io::Task<Status> DataFileSink::MakeRoom() {
  if (Status status = context_.CheckRunning(); !status) co_return status;
  if (items_ >= max_items_ || meta_bytes_ >= kMaxMetaBytes) {
    if (Status status = co_await CloseFile(); !status) co_return status;
  }
  ++items_;
  if (file_ != nullptr) co_return Status();
  co_return co_await OpenNextFile();
}

io::Task<Status> DataFileSink::AddBlock(MacroItem item,
                                        std::shared_ptr<const engine::Sstable> sstable,
                                        format::BackupPhysicalId& place) {
  if (Status status = co_await MakeRoom(); !status) co_return status;
  // Who waits for a buffer has none: sinks that wait for each other's would wait for ever.
  io::Buffer buffer = context_.buffers.TryAcquire();
  while (buffer.empty() && !blocks_.empty()) {
    if (Status status = co_await WriteBlock(); !status) co_return status;
    buffer = context_.buffers.TryAcquire();
  }
  if (buffer.empty()) buffer = co_await context_.buffers.Acquire();
  Block& block = *blocks_.emplace_back(std::make_unique<Block>());
  block.buffer = std::move(buffer);
  block.item = item;
  block.sstable = std::move(sstable);
  block.place = &place;
  reads_.Spawn(Read(*this, block));
  if (blocks_.size() <= kReadAhead) co_return Status();
  co_return co_await WriteBlock();
}

io::Task<Status> DataFileSink::AddMeta(format::BackupMetaKey key, Bytes payload) {
  if (Status status = co_await MakeRoom(); !status) co_return status;
  meta_bytes_ += payload.size();
  metas_.push_back({key, std::move(payload)});
  co_return Status();
}

void DataFileSink::EndTablet(format::TabletId tablet,
                             std::unique_ptr<format::BackupMacroBlockIdMappingsMeta> mappings) {
  for (const auto& sstable : mappings->id_map_list) {
    meta_bytes_ += sstable.id_pair_list.size() * sizeof(format::BackupMacroBlockIdPair);
  }
  ended_.push_back({tablet, std::move(mappings)});
}

io::Task<Status> DataFileSink::WriteBlock() {
  const Block& block = *blocks_.front();
  while (!block.read) co_await block_read_.Wait();
  Status status = *block.read;
  if (status) status = co_await WriteRecord(block);
  if (status) blocks_.pop_front();
  co_return status;
}

io::Task<Status> DataFileSink::WriteRecord(const Block& block) {
  const std::size_t size = block.checked.used_size;
  const Result<format::BackupDataFileWriter::Place> place =
      file_->data.PlaceMacroBlock(block.item.id, size, block.checked.checksum);
  if (!place) co_return Fail(place.error());
  const Result<format::BackupPhysicalId> id = format::BackupPhysicalId::Of(place->index);
  if (!id) co_return Fail(id.error());
  *block.place = *id;
  Status status = co_await file_->out.Write(ByteView(block.buffer.span()).first(size));
  if (status) status = co_await file_->out.Write(ByteView(kZeros).first(place->padding));
  ++macro_blocks_;
  context_.bytes_done += size;
  context_.ReportProgress();
  co_return status;
}

io::Task<Status> DataFileSink::WriteMetas() {
  for (const Meta& meta : metas_) {
    const auto index = file_->data.AppendMeta(meta.key, meta.payload);
    if (!index) co_return Fail(index.error());
    if (Status status = co_await file_->out.Drain(kMetaWriteSize); !status) co_return status;
  }
  for (const Ended& ended : ended_) {
    const Result<Bytes> payload = format::EncodeMeta(*ended.mappings);
    if (!payload) co_return Fail(payload.error());
    const format::BackupMetaKey key{ended.tablet, BackupMetaType::kMacroBlockIdMappingMeta};
    const auto index = file_->data.AppendMeta(key, *payload);
    if (!index) co_return Fail(index.error());
    if (Status status = co_await file_->out.Drain(kMetaWriteSize); !status) co_return status;
  }
  const auto trailer = file_->data.Finish();
  if (!trailer) co_return Fail(trailer.error());
  co_return Status();
}

io::Task<Status> DataFileSink::CloseFile() {
  while (!blocks_.empty()) {
    if (Status status = co_await WriteBlock(); !status) co_return status;
  }
  if (Status status = co_await WriteMetas(); !status) co_return status;
  Status status;
  if (status = co_await file_->out.End(std::move(status)); !status) {
    file_.reset();
    // It may be there though nobody can be sure; the next attempt does not count on it.
    (void)co_await context_.store.medium().Remove(PathOfFile());
    co_return status;
  }
  CountFile(file_->data.size());
  file_.reset();
  ++files_;
  items_ = 0;
  macro_blocks_ = 0;
  meta_bytes_ = 0;
  metas_.clear();
  ended_.clear();
  co_return Status();
}

void DataFileSink::CountFile(std::uint64_t size) {
  format::BackupStats& stats = context_.desc.stats;
  stats.output_bytes += static_cast<std::int64_t>(size);
  stats.input_bytes += macro_blocks_ * static_cast<std::int64_t>(format::kMacroBlockSize);
  stats.finish_macro_block_count += macro_blocks_;
  stats.macro_block_count = std::max(stats.macro_block_count, stats.finish_macro_block_count);
  for (const Meta& meta : metas_) {
    stats.input_bytes += static_cast<std::int64_t>(meta.payload.size());
    const bool is_tablet = meta.key.meta_type == BackupMetaType::kTabletMeta;
    if (is_tablet && attempt_.type != format::DataType::kMinor) ++stats.finish_tablet_count;
  }
  context_.ReportProgress();
}

io::Task<Status> DataFileSink::End(Status status) {
  if (status && file_ != nullptr) status = co_await CloseFile();
  co_await reads_.Join();
  blocks_.clear();
  if (file_ != nullptr) {
    status = co_await file_->out.End(std::move(status));
    file_.reset();
  }
  co_return status;
}

}  // namespace obbak::backup
