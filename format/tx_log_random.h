// Random transaction logs for property tests.
#pragma once

#include <deque>
#include <type_traits>
#include <utility>
#include <vector>

#include "format/mds_codec.h"
#include "format/mutator.h"
#include "format/record_random.h"
#include "format/tx_log_block.h"
#include "format/tx_log_codec.h"

namespace obbak::format {

// Makes values whose views borrow from it, so that it must outlive them.
class TxLogRandom {
 public:
  explicit TxLogRandom(std::uint64_t seed) : random_(seed) {}

  RandomSource& source() { return random_; }
  std::uint64_t Below(std::uint64_t bound) { return random_detail::Below(random_, bound); }

  ByteView SomeBytes(std::uint64_t max_size) {
    Bytes& bytes = storage_.emplace_back(Below(max_size + 1));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    return bytes;
  }

  // An object of any type, with a number or a text that fits the type.
  ObjView Object() {
    ObjView object;
    Randomize(random_, object.meta);
    const std::uint64_t bits = random_detail::Bits(random_);
    switch (ValueKindOf(object.meta.type)) {
      case ObjValueKind::kInt8:
        object.number = static_cast<std::uint64_t>(static_cast<std::int8_t>(bits));
        break;
      case ObjValueKind::kUInt8:
        object.number = bits & 0xff;
        break;
      case ObjValueKind::kInt32:
        object.number = static_cast<std::uint64_t>(static_cast<std::int32_t>(bits));
        break;
      case ObjValueKind::kUInt32:
      case ObjValueKind::kFloat:
        object.number = bits & 0xffffffff;
        break;
      case ObjValueKind::kInt64:
      case ObjValueKind::kUInt64:
      case ObjValueKind::kDouble:
        object.number = bits;
        break;
      case ObjValueKind::kString:
        object.text = AsText(SomeBytes(40));
        break;
      case ObjValueKind::kNumber:
        object.number = (bits & 0xffffff00) | Below(10);
        object.text = AsText(storage_.emplace_back(4 * (object.number & 0xff)));
        break;
      case ObjValueKind::kDecimalInt:
        object.number = static_cast<std::uint64_t>(static_cast<std::int32_t>(bits));
        object.text = AsText(SomeBytes(32));
        break;
      case ObjValueKind::kNone:
      case ObjValueKind::kUnknown:
        break;
    }
    return object;
  }

  MemtableMutatorRow Row() {
    MemtableMutatorRow row;
    VisitFields(row, [&](std::string_view, auto& field) {
      using Type = std::remove_reference_t<decltype(field)>;
      if constexpr (std::is_same_v<Type, Rowkey>) {
        std::vector<ObjView> objects(1 + Below(3));
        for (ObjView& object : objects) object = Object();
        field = {objects.size(), storage_.emplace_back(EncodeRowkeyObjects(objects))};
      } else if constexpr (std::is_same_v<Type, RowImage>) {
        field.bytes = SomeBytes(100);
      } else {
        Randomize(random_, field);
      }
    });
    return row;
  }

  MutatorTableLock Lock() {
    MutatorTableLock lock;
    Randomize(random_, lock);
    return lock;
  }

  // A mutator of 1 to `max_rows` rows.
  ByteView Mutator(std::uint64_t max_rows) {
    MutatorBuilder builder;
    for (std::uint64_t rows = 1 + Below(max_rows); rows > 0; --rows) {
      if (Below(4) == 0) {
        builder.Add(Lock());
      } else {
        builder.Add(TabletId{200001 + Below(3)}, Row());
      }
    }
    return storage_.emplace_back(std::move(builder).Finish().value());
  }

  // A log of any type.
  TxLog Log() {
    const auto types = EnumNames(TxLogType{});
    TxLog log;
    VisitTxLogType(types[Below(types.size())].value, [&](auto body) {
      using Body = decltype(body);
      if constexpr (Record<Body>) {
        Randomize(random_, body);
      } else if constexpr (std::is_same_v<Body, TxRedoLog>) {
        body.mutator = Mutator(5);
      } else {
        Randomize(random_, body.header);
        body.part = SomeBytes(50);
        body.header.part_length = body.part.size();
      }
      log = std::move(body);
    });
    return log;
  }

  TxLogBlockHeader BlockHeader() {
    TxLogBlockHeader header;
    Randomize(random_, header);
    header.old_log_entry_no.reset();
    return header;
  }

  // A block of 1 to 4 logs of any type.
  Bytes Block() {
    TxLogBlockBuilder builder(BlockHeader());
    for (std::uint64_t logs = 1 + Below(4); logs > 0; --logs) builder.Add(Log());
    return std::move(builder).Finish().value();
  }

 private:
  RandomSource random_;
  std::deque<Bytes> storage_;
};

}  // namespace obbak::format
