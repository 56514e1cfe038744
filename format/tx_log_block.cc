#include "format/tx_log_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "format/checksum.h"
#include "format/lsn.h"
#include "format/tx_log_codec.h"

namespace obbak::format {
namespace {

// What the entry number of a block header takes at most; a server reserves that much and fills what
// it has not used with zeros when the number is written in its old form.
constexpr std::size_t kReservedEntryNo = 9;

// Width of the type before each log.
constexpr std::size_t kTxLogTypeSize = 8;

std::size_t VarintSize(std::int64_t value) {
  Encoder out;
  out.Varint64(static_cast<std::uint64_t>(value));
  return out.bytes().size();
}

void EncodeHeader(Encoder& out, const TxLogBlockHeader& header) {
  const std::size_t begin = out.bytes().size();
  EncodeValue(out, header);
  if (!header.old_log_entry_no) return;
  const std::size_t used = VarintSize(*header.old_log_entry_no);
  const std::size_t handle = begin + 1 + EnvelopeLength(0).size();
  for (std::size_t i = used; i < kReservedEntryNo; ++i) out.Fixed8(0);
  out.EndEnvelope(handle);
}

std::int32_t BarrierOf(const TxBufferNode& node) {
  switch (node.type) {
    case TxDataSourceType::kCreateTablet:
    case TxDataSourceType::kDeleteTablet:
    case TxDataSourceType::kUnbindTablet:
    case TxDataSourceType::kStartTransferOut:
    case TxDataSourceType::kStartTransferIn:
    case TxDataSourceType::kFinishTransferOut:
    case TxDataSourceType::kStartTransferOutPrepare:
      return kPreBarrier;
    case TxDataSourceType::kFinishTransferIn:
    case TxDataSourceType::kStartTransferOutV2:
    case TxDataSourceType::kTransferMoveTxCtx:
      return kStrictBarrier;
    default:
      return kNoBarrier;
  }
}

// The barrier of the log that ends a transaction with these nodes.
std::int32_t EndBarrierOf(const std::vector<TxBufferNode>& nodes) {
  const bool strict = std::ranges::any_of(nodes, [](const TxBufferNode& node) {
    return node.type == TxDataSourceType::kStartTransferIn ||
           node.type == TxDataSourceType::kStartTransferOutV2 ||
           node.type == TxDataSourceType::kTransferMoveTxCtx;
  });
  return strict ? kStrictBarrier : kNoBarrier;
}

// Barrier flags are bits, and the strict one has those of the other.
struct BarrierVisitor {
  std::int32_t operator()(const TxMultiDataSourceLog& log) const {
    std::int32_t barrier = kNoBarrier;
    for (const TxBufferNode& node : log.data) barrier |= BarrierOf(node);
    return barrier;
  }
  std::int32_t operator()(const TxCommitLog& log) const {
    return EndBarrierOf(log.multi_source_data);
  }
  std::int32_t operator()(const TxAbortLog& log) const {
    return EndBarrierOf(log.multi_source_data);
  }
  std::int32_t operator()(const TxStartWorkingLog&) const { return kStrictBarrier; }
  std::int32_t operator()(const auto&) const { return kNoBarrier; }
};

}  // namespace

std::string TxSeqTag::Text(std::int64_t value) {
  if (value == 0) return "unset";
  if ((value & kTxSeqForm) == 0 || value < 0) return {};
  const std::int64_t count = (value & ~kTxSeqForm) >> kTxSeqBranchBits;
  const std::int64_t branch = value & ((std::int64_t{1} << kTxSeqBranchBits) - 1);
  return fmt::format("{}, branch {}", count, branch);
}

TxLogType TypeOf(const TxLog& log) {
  return std::visit([](const auto& one) { return one.kType; }, log);
}

std::int32_t BarrierOf(const TxLog& log) { return std::visit(BarrierVisitor{}, log); }

std::int64_t StartWorkingReplayHint(LsId ls) {
  const auto hash = [](std::uint64_t value, std::uint64_t seed) {
    Encoder bytes;
    bytes.FixedLittleEndian(value, 8);
    return MurmurHash64A(bytes.bytes(), seed);
  };
  const std::uint64_t seed = hash(static_cast<std::uint64_t>(ls.value), 0);
  const std::uint64_t hint = hash(static_cast<std::uint64_t>(TxLogType::kStartWorking), seed);
  const auto as_signed = static_cast<std::int64_t>(hint);
  // The magnitude of the smallest number has no positive form; a server keeps it as it is.
  return static_cast<std::int64_t>(as_signed < 0 ? ~hint + 1 : hint);
}

void EncodeTxLogType(Encoder& out, TxLogType type) {
  out.FixedBigEndian(static_cast<std::uint64_t>(type), kTxLogTypeSize);
}

TxLogType DecodeTxLogType(Decoder& in) {
  Decoder::Scope scope(in, "tx_log_type", FieldKind::kValue);
  const auto type = static_cast<TxLogType>(in.FixedBigEndian(kTxLogTypeSize));
  if (in.tracing()) scope.SetValue(static_cast<std::int64_t>(type), std::string(NameOf(type)));
  return type;
}

void SkipTxLogBody(Decoder& in, TxLogType type) {
  if (type == TxLogType::kBigSegment) {
    TxBigSegmentHeader header;
    DecodeField(in, "header", header);
    in.Take(header.part_length);
    return;
  }
  // An envelope of any version.
  in.Varint64();
  in.Take(in.Varint64());
}

TxLogBlockBuilder::TxLogBlockBuilder(const TxLogBlockHeader& header)
    : base_{.log_type = LogBaseType::kTransService, .replay_hint = header.tx_id.value.value} {
  out_.Raw(StoreBaseHeader(base_));
  EncodeHeader(out_, header);
}

Result<Bytes> TxLogBlockBuilder::StartWorking(LsId ls) {
  TxLogBlockHeader header;
  header.org_cluster_id = 1;
  header.old_log_entry_no = 1;
  header.log_entry_no = {1};
  header.cluster_version = DataVersion{1};
  TxLogBlockBuilder builder(header);
  builder.base_.replay_hint = StartWorkingReplayHint(ls);
  builder.Add(TxStartWorkingLog{TxStartWorkingLog::kServerEpoch});
  return std::move(builder).Finish();
}

void TxLogBlockBuilder::Add(const TxLog& log) {
  EncodeTxLogType(out_, TypeOf(log));
  std::visit([&](const auto& one) { EncodeValue(out_, one); }, log);
  base_.flag |= BarrierOf(log);
  empty_ = false;
}

Result<Bytes> TxLogBlockBuilder::Finish() && {
  if (empty_) return Fail(ErrorCode::kInvalidArgument, "a transaction log block needs a log");
  if (size() > kMaxTxLogSize) {
    return Fail(
        ErrorCode::kSizeOverflow,
        fmt::format("transaction log block of {} bytes is longer than {}", size(), kMaxTxLogSize));
  }
  out_.Overwrite(0, StoreBaseHeader(base_));
  return std::move(out_).Finish();
}

Result<TxLogBlockReader> TxLogBlockReader::Open(ByteView block) {
  const Result<LogBaseHeader> base = LoadBaseHeader(block);
  if (!base) return Fail(base.error());
  if (base->log_type != LogBaseType::kTransService) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("log type is {}, that of transaction logs is {}",
                                  static_cast<int>(base->log_type),
                                  static_cast<int>(LogBaseType::kTransService)))
                    .WithOffset(2)
                    .WithField("base_header.log_type"));
  }
  TxLogBlockReader reader(block);
  reader.base_ = *base;
  Decoder in(block, nullptr, LogBaseHeader::kSize);
  DecodeField(in, "block_header", reader.header_);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  reader.position_ = in.position();
  return reader;
}

Result<std::optional<TxLogView>> TxLogBlockReader::Next() {
  if (position_ == block_.size()) return std::nullopt;
  Decoder in(block_, nullptr, position_);
  TxLogView view;
  view.offset = position_;
  view.type = DecodeTxLogType(in);
  const std::size_t body = in.position();
  SkipTxLogBody(in, view.type);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  view.body = in.ReadSince(body);
  position_ = in.position();
  return view;
}

Result<TxLog> DecodeTxLog(const TxLogView& view) {
  Decoder in(view.body);
  TxLog log;
  const bool known = VisitTxLogType(view.type, [&]<class Log>(Log&&) {
    DecodeField(in, "body", log.emplace<std::remove_cvref_t<Log>>());
  });
  if (!known) {
    return Fail(Error(ErrorCode::kNotSupported, fmt::format("transaction log type {:#x} is unknown",
                                                            static_cast<std::uint64_t>(view.type)))
                    .WithOffset(view.offset));
  }
  if (Status status = in.status(); !status) {
    return Fail(std::move(status).error().ShiftOffset(view.offset + kTxLogTypeSize));
  }
  return log;
}

}  // namespace obbak::format
