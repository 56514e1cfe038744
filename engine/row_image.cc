#include "engine/row_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <string>
#include <utility>

#include "format/column.h"
#include "format/le_bytes.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::LoadLe;
using format::ObjMeta;
using format::ObjValueKind;
using format::ObjView;
using format::StoreLe;

Status InColumn(Status status, std::size_t column) {
  if (status) return status;
  return Fail(std::move(status).error().WithField(fmt::format("column[{}]", column)));
}

constexpr ObjMeta kNullMeta{format::ObjType::kNull, 6, format::kCollationBinary, -1};

template <class T>
bool Fits(std::uint64_t number) {
  const auto value = static_cast<std::int64_t>(number);
  return std::in_range<T>(value);
}

// Whether an object of `type` can hold a cell: objects of small integers have fewer bytes.
bool FitsObject(const ObjMeta& type, const Datum& cell) {
  if (!cell.is_word()) return true;
  switch (format::ValueKindOf(type.type)) {
    case ObjValueKind::kInt8:
      return Fits<std::int8_t>(cell.word());
    case ObjValueKind::kUInt8:
      return Fits<std::uint8_t>(cell.word());
    case ObjValueKind::kInt32:
      return Fits<std::int32_t>(cell.word());
    case ObjValueKind::kUInt32:
      return Fits<std::uint32_t>(cell.word());
    default:
      return true;
  }
}

Status CheckKey(const ObjMeta& type, const Datum& cell) {
  if (Status status = format::CheckKeyCell(type, cell); !status) return status;
  if (FitsObject(type, cell)) return {};
  return Fail(ErrorCode::kInvalidData,
              fmt::format("{} is out of the range of {}", cell.AsInt(), NameOf(type.type)));
}

// A cell of one, two or four bytes from the low end of `number`.
template <class T>
Datum SmallCell(std::uint64_t number, Arena& arena) {
  std::byte* bytes = arena.Allocate(sizeof(T), 1);
  StoreLe(bytes, static_cast<T>(number));
  return Datum::Of({bytes, sizeof(T)});
}

// A cell whose length the type fixes.
Datum NumberCell(const ObjMeta& type, std::uint64_t number, Arena& arena) {
  switch (format::FixedCellSize(type)) {
    case 1:
      return SmallCell<std::uint8_t>(number, arena);
    case 4:
      return SmallCell<std::uint32_t>(number, arena);
    default:
      return Datum::UInt(number);
  }
}

// NUMBER: a descriptor before the digits.
Datum DecimalCell(const ObjView& object, Arena& arena) {
  const ByteView digits = AsByteView(object.text);
  std::byte* bytes = arena.Allocate(sizeof(std::uint32_t) + digits.size(), 1);
  StoreLe(bytes, static_cast<std::uint32_t>(object.number));
  std::ranges::copy(digits, bytes + sizeof(std::uint32_t));
  return Datum::Of({bytes, sizeof(std::uint32_t) + digits.size()});
}

void SetNumber(const ObjMeta& type, const Datum& cell, ObjView& object) {
  switch (cell.size()) {
    case 1:
      object.number = std::to_integer<std::uint64_t>(cell.bytes()[0]);
      break;
    case 4:
      // Of these only dates are signed.
      object.number =
          format::CellKindOf(type) == format::CellKind::kDate
              ? static_cast<std::uint64_t>(std::int64_t{LoadLe<std::int32_t>(cell.bytes().data())})
              : LoadLe<std::uint32_t>(cell.bytes().data());
      break;
    default:
      object.number = cell.word();
  }
}

// `bytes` must outlive the object.
void SetValue(const ObjMeta& type, const Datum& cell, ByteView bytes, ObjView& object) {
  switch (format::ValueKindOf(type.type)) {
    case ObjValueKind::kString:
      object.text = AsText(bytes);
      break;
    case ObjValueKind::kDecimalInt:
      object.number = static_cast<std::uint64_t>(std::int64_t{type.scale});
      object.text = AsText(bytes);
      break;
    case ObjValueKind::kNumber:
      object.number = LoadLe<std::uint32_t>(bytes.data());
      object.text = AsText(bytes.subspan(sizeof(std::uint32_t)));
      break;
    default:
      SetNumber(type, cell, object);
  }
}

Datum CellOf(const ObjMeta& type, const ObjView& object, Arena& arena) {
  switch (format::ValueKindOf(type.type)) {
    case ObjValueKind::kString:
    case ObjValueKind::kDecimalInt:
      return Datum::Of(AsByteView(object.text));
    case ObjValueKind::kNumber:
      return DecimalCell(object, arena);
    default:
      return NumberCell(type, object.number, arena);
  }
}

}  // namespace

std::size_t ImageColumns(const StoredColumns& columns, DmlFlag dml) {
  const bool key_only = dml == DmlFlag::kDelete || dml == DmlFlag::kLock;
  return key_only ? columns.key_count : columns.size();
}

Status CheckRow(const StoredColumns& columns, DmlFlag dml, std::span<const Datum> cells) {
  const std::size_t count = ImageColumns(columns, dml);
  if (cells.size() < count) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} of a row takes {} columns, not {}",
                                                         NameOf(dml), count, cells.size()));
  }
  for (std::size_t i = 0; i < columns.key_count; ++i) {
    if (Status status = CheckKey(columns.types[i], cells[i]); !status) {
      return InColumn(std::move(status), i);
    }
  }
  for (std::size_t i = columns.key_count; i < count; ++i) {
    if (Status status = format::CheckCell(columns.types[i], cells[i]); !status) {
      return InColumn(std::move(status), i);
    }
  }
  return {};
}

ByteView EncodeRowImage(const StoredColumns& columns, DmlFlag dml, std::span<const Datum> cells,
                        Arena& arena) {
  const std::span<const Datum> stored = cells.first(ImageColumns(columns, dml));
  const std::size_t most = format::MaxFlatRowSize(stored);
  std::byte* image = arena.Reserve(most, 1);
  const std::size_t size = format::WriteFlatRow({.flags = {.dml = dml}, .cells = stored},
                                                columns.key_count, {image, most});
  arena.Keep(image, size);
  return {image, size};
}

Status RowImageReader::Read(DmlFlag dml, ByteView image, std::span<Datum> cells) {
  assert(cells.size() == columns_.size());
  if (Status status = row_.Reset(image); !status) return status;
  const std::size_t count = ImageColumns(columns_, dml);
  if (row_.rowkey_count() != columns_.key_count || row_.column_count() > columns_.size() ||
      row_.column_count() < count || row_.flags().dml != dml) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("{} of a row with {} columns, {} of them key, holds a row image for {} "
                            "with {} columns, {} of them key",
                            NameOf(dml), columns_.size(), columns_.key_count,
                            NameOf(row_.flags().dml), row_.column_count(), row_.rowkey_count()));
  }
  std::ranges::fill(cells.subspan(count), Datum::Nop());
  return row_.ReadCells(cells.first(count));
}

Status DecodeRowImage(const StoredColumns& columns, DmlFlag dml, ByteView image,
                      std::span<Datum> cells) {
  if (Status status = RowImageReader(columns).Read(dml, image, cells); !status) return status;
  return CheckRow(columns, dml, cells);
}

void KeyToObjects(const StoredColumns& columns, std::span<const Datum> cells,
                  std::span<ObjView> objects) {
  assert(cells.size() >= columns.key_count && objects.size() == columns.key_count);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    objects[i] = ObjView{};
    objects[i].meta = cells[i].is_null() ? kNullMeta : columns.types[i];
    if (cells[i].is_value()) SetValue(columns.types[i], cells[i], cells[i].bytes(), objects[i]);
  }
}

Status KeyFromObjects(const StoredColumns& columns, std::span<const ObjView> objects, Arena& arena,
                      std::span<Datum> cells) {
  assert(cells.size() == columns.key_count);
  if (objects.size() != columns.key_count) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("a key of {} objects for a table with {} key columns", objects.size(),
                            columns.key_count));
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const ObjMeta& type = columns.types[i];
    const ObjView& object = objects[i];
    if (object.meta.type == format::ObjType::kNull) {
      cells[i] = Datum();
      continue;
    }
    const bool other_scale = type.type == format::ObjType::kDecimalInt &&
                             object.number != static_cast<std::uint64_t>(std::int64_t{type.scale});
    if (object.meta.type != type.type || other_scale) {
      return InColumn(Fail(ErrorCode::kInvalidData, fmt::format("the object {} is no {} of the key",
                                                                ToText(object), NameOf(type.type))),
                      i);
    }
    cells[i] = CellOf(type, object, arena);
    if (Status status = format::CheckKeyCell(type, cells[i]); !status) {
      return InColumn(std::move(status), i);
    }
  }
  return {};
}

}  // namespace obbak::engine
