// Rows as people and programs like them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"

namespace obbak::cli {

enum class OutputFormat {
  kAligned,  // columns aligned, for people
  kTabs,     // CSV with tabs, an empty field for NULL: what `obbak load` reads back
  kJson,     // one object per row and line
};
// What suits the console's standard output.
OutputFormat ChooseFormat(bool json, const Console& console);

enum class OutputKind {
  kText,
  kInteger,  // a JSON number if it fits into 53 bits, else a text
  kReal,     // a JSON number if it is finite
  kDecimal,  // a text to JSON, which rounds; aligned like a number
};

struct OutputColumn {
  std::string name;
  OutputKind kind = OutputKind::kText;
};

// nullopt: NULL.
using OutputRow = std::vector<std::optional<std::string>>;

// Prints rows as they come; aligned ones in groups that share their widths, so that memory is
// bounded. `console` must outlive it.
class TableOutput {
 public:
  TableOutput(std::vector<OutputColumn> columns, OutputFormat format, const Console& console);

  // Precondition: a value for each column.
  void Add(OutputRow row);
  // Prints what is left. A table without rows shows its columns, but as JSON nothing.
  void Finish();

 private:
  static constexpr std::size_t kGroupRows = 1000;

  void PrintGroup();
  void PrintHeader();

  std::vector<OutputColumn> columns_;
  OutputFormat format_;
  const Console& console_;
  bool header_printed_ = false;
  std::vector<std::size_t> widths_;
  std::vector<OutputRow> group_;
};

// One table of a report; `single`: one row, shown as one line per column.
struct Section {
  std::string name;
  std::vector<OutputColumn> columns;
  std::vector<OutputRow> rows;
  bool single = false;
};

// Sections one after the other, each under its name; as JSON, one object with the sections' names.
void PrintSections(const std::vector<Section>& sections, OutputFormat format,
                   const Console& console);

// What a terminal needs to show a text: characters, East Asian wide ones count twice.
std::size_t DisplayWidth(std::string_view text);

}  // namespace obbak::cli
