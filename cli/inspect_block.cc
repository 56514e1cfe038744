#include "cli/inspect_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <string>
#include <utility>

#include "cli/dump_view.h"
#include "cli/hex_view.h"
#include "format/common_header.h"
#include "format/dissection_json.h"
#include "format/macro_block_inspection.h"
#include "format/macro_block_reader.h"

namespace obbak::cli {
namespace {

namespace json = boost::json;
using format::BackupPart;
using format::InspectedBlock;
using format::Inspection;

// ob_admin's title of a part.
std::string_view TitleOf(BackupPart part) {
  switch (part) {
    case BackupPart::kFileHeader:
      return "Backup File Header";
    case BackupPart::kMacroBlock:
      return "Macro Block";
    case BackupPart::kMeta:
      return "Backup Meta";
    case BackupPart::kMacroIndex:
      return "Backup Macro Block Index";
    case BackupPart::kMetaIndex:
      return "Backup Meta Index";
    case BackupPart::kIndexLeaf:
    case BackupPart::kIndexBranch:
      return "Backup Multi Level Index";
    case BackupPart::kTablet:
      return "Backup Tablet Meta";
    case BackupPart::kTrailer:
      return "Trailer";
    case BackupPart::kUnreadable:
      return "unreadable bytes";
  }
  return "";
}

bool IsPrintable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
}

// A cell of a column whose type the block does not tell. Eight bytes are a number, unless all of
// them are letters, which in a number means that it is above 2 * 10^18; other texts are texts, or
// hexadecimal when they are none.
std::string CellText(const format::Datum& cell) {
  if (cell.is_null()) return "NULL";
  if (cell.is_nop()) return "NOP";
  const std::string_view text = AsText(cell.bytes());
  const bool ascii = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (cell.is_word() && !ascii) return fmt::to_string(cell.AsInt());
  return IsPrintable(text) ? fmt::format("'{}'", text) : "0x" + ToHex(cell.bytes());
}

// One line per row: "INSERT (1, 2, 'abc')".
Status PrintRows(ByteView block, const Console& console) {
  const Result<format::MacroBlockReader> reader = format::MacroBlockReader::Open(block);
  if (!reader) return Fail(reader.error());
  format::MacroBlockCursor cursor(*reader);
  Status status = cursor.SeekToFirst();
  for (std::size_t number = 0; status && cursor.Valid(); ++number) {
    std::string cells;
    for (const format::Datum& cell : cursor.cells())
      cells += (cells.empty() ? "" : ", ") + CellText(cell);
    console.out(fmt::format("|ROW[{}]:dml={},mvcc={:#04x},trans_id={}|({})\n", number,
                            format::NameOf(cursor.flags().dml), cursor.flags().mvcc.bits,
                            cursor.flags().trans_id, cells));
    status = cursor.Next();
  }
  return status;
}

class BackupFilePrinter {
 public:
  BackupFilePrinter(std::string_view path, const InspectOptions& options, const Console& console)
      : path_(path), options_(options), console_(console) {}

  void Print(const InspectedBlock& block) {
    switch (options_.output) {
      case InspectOutput::kDump:
        Dump(block);
        break;
      case InspectOutput::kJson:
        Json(block);
        break;
      case InspectOutput::kHex:
        Hex(block);
        break;
    }
    for (const Error& finding : block.inspection.findings) Complain(finding);
  }

  void Complain(const Error& error) {
    status_ = console_.Fail(Error(error).WithPath(std::string(path_)));
  }

  int status() const { return status_; }

 private:
  static ByteView MacroBlockOf(const InspectedBlock& block) {
    constexpr std::size_t kHeader = format::BackupCommonHeader::kSize;
    return block.bytes.size() > kHeader ? block.bytes.subspan(kHeader) : ByteView();
  }

  void Dump(const InspectedBlock& block) {
    if (block.part == BackupPart::kMacroBlock) {
      console_.out(fmt::format("macro block {} at offset {}, {} bytes\n", macro_blocks_++,
                               block.offset, block.bytes.size()));
      if (options_.rows) Rows(block);
      return;
    }
    console_.out(fmt::format("{} at offset {}, {} bytes\n", BackupPartName(block.part),
                             block.offset, block.bytes.size()));
    console_.out(DumpBlockText(TitleOf(block.part), block.inspection.dissection));
  }

  void Rows(const InspectedBlock& block) {
    const Status status = PrintRows(MacroBlockOf(block), console_);
    if (!status)
      Complain(Error(status.error()).ShiftOffset(block.offset + format::BackupCommonHeader::kSize));
  }

  void Json(const InspectedBlock& block) const {
    json::object object{{"part", BackupPartName(block.part)},
                        {"offset", format::JsonNumber(block.offset)},
                        {"size", format::JsonNumber(std::uint64_t{block.bytes.size()})}};
    json::value content = format::ToJson(block.inspection.dissection);
    for (auto& [key, value] : content.get_object()) object[key] = std::move(value);
    console_.out(json::serialize(object) + "\n");
  }

  void Hex(const InspectedBlock& block) {
    console_.out(fmt::format("{} at offset {}\n", BackupPartName(block.part), block.offset));
    console_.out(HexText(block.bytes, block.inspection.dissection, block.offset));
    if (block.part != BackupPart::kMacroBlock) return;
    const std::size_t base = block.offset + format::BackupCommonHeader::kSize;
    console_.out(fmt::format("macro block at offset {}\n", base));
    console_.out(HexText(MacroBlockOf(block),
                         format::InspectMacroBlock(MacroBlockOf(block)).dissection, base));
  }

  std::string_view path_;
  const InspectOptions& options_;
  const Console& console_;
  std::size_t macro_blocks_ = 0;
  int status_ = kSuccess;
};

}  // namespace

int InspectMacroBlockFile(std::string_view path, ByteView file, const InspectOptions& options,
                          const Console& console) {
  const Inspection inspection = format::InspectMacroBlock(file);
  switch (options.output) {
    case InspectOutput::kHex:
      console.out(HexText(file, inspection.dissection));
      break;
    case InspectOutput::kJson:
      console.out(format::PrettyJson(format::ToJson(inspection.dissection)) + "\n");
      break;
    case InspectOutput::kDump:
      console.out(DumpHeadersText(inspection.dissection));
      break;
  }
  int status = kSuccess;
  for (const Error& finding : inspection.findings) {
    status = console.Fail(Error(finding).WithPath(std::string(path)));
  }
  if (options.rows && options.output == InspectOutput::kDump) {
    if (Status rows = PrintRows(file, console); !rows) {
      status = console.Fail(std::move(rows).error().WithPath(std::string(path)));
    }
  }
  return status;
}

int InspectBackupFile(std::string_view path, ByteView file, format::BackupFileKind kind,
                      const InspectOptions& options, const Console& console) {
  BackupFilePrinter printer(path, options, console);
  const Status status = format::ForEachBlock(kind, format::RandomAccess::Of(file), {},
                                             [&](const InspectedBlock& block) {
                                               printer.Print(block);
                                               return true;
                                             });
  if (!status) printer.Complain(status.error());
  return printer.status();
}

}  // namespace obbak::cli
