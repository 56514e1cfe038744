#include "format/data_dict_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "format/log_base_header.h"
#include "format/obj_codec.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// What a DDL transaction carries that changes no schema.
constexpr std::string_view kNoSchemaChange{"ddl_trans commit\0", 17};

Result<Bytes> EncodeMeta(const DictMeta& meta) {
  return std::visit([](const auto& record) { return EncodeRecord(record); }, meta);
}

Bytes EncodeHeader(const DictMetaHeader& header) {
  Encoder out;
  EncodeValue(out, header);
  return out.bytes();
}

void Append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// A meta's fields, at the top of `in`'s current section.
template <class Meta>
DictMeta DecodeMetaAs(Decoder& in) {
  Meta meta;
  DecodeField(in, "meta", meta);
  return meta;
}

DictMeta DecodeMeta(Decoder& in, DictMetaType type) {
  switch (type) {
    case DictMetaType::kTenant:
      return DecodeMetaAs<DictTenantMeta>(in);
    case DictMetaType::kDatabase:
      return DecodeMetaAs<DictDatabaseMeta>(in);
    case DictMetaType::kTable:
      break;
  }
  return DecodeMetaAs<DictTableMeta>(in);
}

DictMetaHeader DecodeHeader(Decoder& in) {
  const std::size_t begin = in.position();
  DictMetaHeader header;
  DecodeField(in, "header", header);
  if (!in.ok()) return header;
  Rules rules;
  CheckRules(header, rules);
  for (const Violation& violation : rules.violations()) {
    in.Fail(violation.field == "version" ? ErrorCode::kNotSupported : ErrorCode::kInvalidData,
            begin, fmt::format("{} {}", violation.field, violation.requirement));
  }
  return header;
}

// Calls `part(header, bytes)` for a part of a split meta, `full(meta)` for a whole one.
void DecodeMetas(Decoder& in, const auto& full, const auto& part) {
  const Decoder::Scope array(in, "metas", FieldKind::kArray);
  for (std::int64_t i = 0; in.ok() && in.remaining() > 0; ++i) {
    const Decoder::Scope element(in, i, FieldKind::kRecord);
    const DictMetaHeader header = DecodeHeader(in);
    if (!in.ok()) return;
    if (header.storage_type == DictMetaStorageType::kFull) {
      const Decoder::Section section(in, static_cast<std::uint64_t>(header.dict_serialized_length));
      DictMeta meta = DecodeMeta(in, header.meta_type);
      if (in.ok()) full(header, std::move(meta));
    } else {
      const std::size_t begin = in.position();
      const ByteView bytes = in.Take(in.remaining());
      in.Frame("part", begin,
               fmt::format("{} of a meta's {} bytes", bytes.size(), header.dict_serialized_length));
      part(in, header, bytes);
    }
  }
}

// The header of a dictionary entry, checked.
void DecodeBaseHeader(Decoder& in) {
  const std::size_t begin = in.position();
  LogBaseHeader base_header;
  DecodeField(in, "base_header", base_header);
  if (in.ok() && base_header.log_type != LogBaseType::kDataDict) {
    in.Fail(ErrorCode::kInvalidData, begin + 2,
            fmt::format("log_type is {}, a dictionary entry has {}",
                        static_cast<int>(base_header.log_type),
                        static_cast<int>(LogBaseType::kDataDict)));
  }
}

// Spreads metas over entries.
class DictionaryWriter {
 public:
  DictionaryWriter(Scn snapshot_scn, std::int64_t now_us, std::size_t max_entry_size)
      : snapshot_scn_(snapshot_scn),
        base_header_(StoreBaseHeader({.log_type = LogBaseType::kDataDict, .replay_hint = now_us})),
        max_entry_size_(max_entry_size) {}

  Status Add(const DictMeta& meta) {
    const Result<Bytes> bytes = EncodeMeta(meta);
    if (!bytes) return Fail(bytes.error());
    DictMetaHeader header{.snapshot_scn = snapshot_scn_,
                          .meta_type = TypeOf(meta),
                          .dict_serialized_length = static_cast<std::int64_t>(bytes->size())};
    const Bytes stored = EncodeHeader(header);
    const std::size_t needed = stored.size() + bytes->size();
    if (!entry_.empty() && entry_.size() + needed > max_entry_size_) Flush();
    if (base_header_.size() + needed > max_entry_size_) return Split(header, *bytes);
    Open();
    Append(entry_, stored);
    Append(entry_, *bytes);
    return {};
  }

  std::vector<Bytes> Finish() && {
    Flush();
    return std::move(entries_);
  }

 private:
  Status Split(DictMetaHeader header, ByteView rest) {
    const std::size_t frame = base_header_.size() + EncodeHeader(header).size();
    if (frame >= max_entry_size_) {
      return Fail(ErrorCode::kSizeOverflow,
                  fmt::format("entries of {} bytes have no room for a dictionary's parts",
                              max_entry_size_));
    }
    header.storage_type = DictMetaStorageType::kFirst;
    while (!rest.empty()) {
      const std::size_t size = std::min(rest.size(), max_entry_size_ - frame);
      if (size == rest.size()) header.storage_type = DictMetaStorageType::kLast;
      Open();
      Append(entry_, EncodeHeader(header));
      Append(entry_, rest.first(size));
      Flush();
      rest = rest.subspan(size);
      header.storage_type = DictMetaStorageType::kMiddle;
    }
    return {};
  }

  void Open() {
    if (entry_.empty()) Append(entry_, base_header_);
  }
  void Flush() {
    if (!entry_.empty()) entries_.push_back(std::exchange(entry_, {}));
  }

  Scn snapshot_scn_;
  std::array<std::byte, LogBaseHeader::kSize> base_header_;
  std::size_t max_entry_size_;
  Bytes entry_;
  std::vector<Bytes> entries_;
};

}  // namespace

Result<std::vector<Bytes>> EncodeDictionary(std::span<const DictMeta> metas, Scn snapshot_scn,
                                            std::int64_t now_us, std::size_t max_entry_size) {
  DictionaryWriter writer(snapshot_scn, now_us, max_entry_size);
  for (const DictMeta& meta : metas) {
    if (Status status = writer.Add(meta); !status) return Fail(std::move(status).error());
  }
  return std::move(writer).Finish();
}

Status DictionaryReader::Add(ByteView payload, Dissection* trace) {
  Decoder in(payload, trace);
  DecodeBaseHeader(in);
  const auto misplaced = [&](DictMetaStorageType type) {
    in.Fail(ErrorCode::kInvalidData, LogBaseHeader::kSize,
            fmt::format("part {} {}", NameOf(type),
                        open_ ? "inside another meta" : "without the parts before it"));
  };
  const auto full = [&](const DictMetaHeader& header, DictMeta meta) {
    if (open_) return misplaced(header.storage_type);
    if (metas_.empty()) snapshot_scn_ = header.snapshot_scn;
    metas_.push_back(std::move(meta));
  };
  const auto part = [&](Decoder& entry, const DictMetaHeader& header, ByteView bytes) {
    const bool first = header.storage_type == DictMetaStorageType::kFirst;
    if (first == open_.has_value()) return misplaced(header.storage_type);
    if (first) open_ = header;
    DictMetaHeader same = *open_;
    same.storage_type = header.storage_type;
    if (!(same == header))
      return entry.Fail(ErrorCode::kInvalidData, LogBaseHeader::kSize, "part of another meta");
    Append(parts_, bytes);
    const auto length = static_cast<std::uint64_t>(header.dict_serialized_length);
    const bool last = header.storage_type == DictMetaStorageType::kLast;
    if (last ? parts_.size() != length : parts_.size() >= length) {
      return entry.Fail(
          ErrorCode::kInvalidData, entry.position(),
          fmt::format("the parts up to here have {} bytes, the meta {}", parts_.size(), length));
    }
    if (!last) return;
    Decoder joined(parts_);
    DictMeta meta = DecodeMeta(joined, header.meta_type);
    if (joined.ok() && joined.remaining() > 0)
      joined.Fail(ErrorCode::kDeserializeError, joined.position(), "bytes are left over");
    if (Status status = joined.status(); !status) {
      return entry.Fail(status.error().code(), entry.position(),
                        fmt::format("the meta put together: {}", status.error().ToString()));
    }
    if (metas_.empty()) snapshot_scn_ = header.snapshot_scn;
    metas_.push_back(std::move(meta));
    open_.reset();
    parts_.clear();
  };
  DecodeMetas(in, full, part);
  return in.status();
}

Result<std::vector<DictMeta>> DictionaryReader::Finish() && {
  if (open_) {
    return Fail(ErrorCode::kInvalidData, fmt::format("the dump ends after {} of a meta's {} bytes",
                                                     parts_.size(), open_->dict_serialized_length));
  }
  return std::move(metas_);
}

Result<Bytes> EncodeDdlTrans(std::span<const DictMeta> metas) {
  Bytes out;
  if (metas.empty()) Append(out, AsByteView(kNoSchemaChange));
  for (const DictMeta& meta : metas) {
    const Result<Bytes> bytes = EncodeMeta(meta);
    if (!bytes) return bytes;
    Append(out, EncodeHeader({.meta_type = TypeOf(meta),
                              .dict_serialized_length = static_cast<std::int64_t>(bytes->size())}));
    Append(out, *bytes);
  }
  return out;
}

Result<std::vector<DictMeta>> DecodeDdlTrans(ByteView payload, Dissection* trace) {
  std::vector<DictMeta> metas;
  if (AsText(payload) == kNoSchemaChange) {
    if (trace != nullptr) trace->AddFraming("message", 0, payload.size(), "no schema was changed");
    return metas;
  }
  Decoder in(payload, trace);
  if (payload.empty()) in.Fail(ErrorCode::kDeserializeError, 0, "is empty");
  DecodeMetas(
      in, [&](const DictMetaHeader&, DictMeta meta) { metas.push_back(std::move(meta)); },
      [](Decoder& entry, const DictMetaHeader&, ByteView) {
        entry.Fail(ErrorCode::kInvalidData, entry.position(),
                   "a DDL transaction has whole metas only");
      });
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  return metas;
}

void DissectDictEntry(Decoder& in) {
  DecodeBaseHeader(in);
  DecodeMetas(
      in, [](const DictMetaHeader&, const DictMeta&) {},
      [](Decoder&, const DictMetaHeader&, ByteView) {});
}

}  // namespace obbak::format
