#include "cli/table_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

#include "base/utf8.h"
#include "cli/csv.h"

namespace obbak::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kNullText = "NULL";
constexpr std::string_view kGap = "  ";

bool IsRightAligned(OutputKind kind) { return kind != OutputKind::kText; }

// On one line: what would move the cursor is shown as in C.
std::string Visible(std::string_view text) {
  std::string visible;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      visible += "\\n";
    } else if (c == '\t') {
      visible += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(visible), "\\x{:02x}", byte);
    } else {
      visible += c;
    }
  }
  return visible;
}

std::string Cell(const std::optional<std::string>& value) {
  return value ? Visible(*value) : std::string(kNullText);
}

void Append(std::string& out, std::string_view text, std::size_t width, bool right) {
  const std::size_t used = DisplayWidth(text);
  const std::size_t padding = used < width ? width - used : 0;
  if (right) out.append(padding, ' ');
  out += text;
  if (!right) out.append(padding, ' ');
}

void EndLine(std::string& out) {
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
}

bool FitsJsonNumber(std::string_view digits) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  return error == std::errc() && end == digits.end() && value >= -kExact && value <= kExact;
}

std::string JsonValue(const std::optional<std::string>& value, OutputKind kind) {
  if (!value) return "null";
  const bool is_number =
      (kind == OutputKind::kInteger && FitsJsonNumber(*value)) ||
      (kind == OutputKind::kReal && value->find_first_not_of("0123456789+-.eE") == value->npos);
  return is_number ? *value : json::serialize(json::string(ToUtf8(*value)));
}

std::string JsonObject(std::span<const OutputColumn> columns, const OutputRow& row) {
  std::string out = "{";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ", ";
    fmt::format_to(std::back_inserter(out), "{}: {}",
                   json::serialize(json::string(columns[i].name)),
                   JsonValue(row[i], columns[i].kind));
  }
  return out + "}";
}

void AppendTabs(std::string& out, const OutputRow& row) {
  std::vector<CsvField> fields;
  for (const auto& value : row) {
    // An empty text in quotes is not NULL.
    fields.push_back({.text = value ? std::string_view(*value) : std::string_view(),
                      .quoted = value && value->empty()});
  }
  AppendCsvRecord(out, fields, '\t');
}

std::string SectionJson(const Section& section) {
  if (section.single) return JsonObject(section.columns, section.rows.front());
  std::string out = "[";
  for (const OutputRow& row : section.rows) {
    out += (&row == section.rows.data() ? "\n    " : ",\n    ") + JsonObject(section.columns, row);
  }
  return out + (section.rows.empty() ? "]" : "\n  ]");
}

void PrintSectionsAsJson(const std::vector<Section>& sections, const Console& console) {
  std::string out = "{";
  for (const Section& section : sections) {
    out += &section == sections.data() ? "\n  " : ",\n  ";
    out += json::serialize(json::string(section.name)) + ": " + SectionJson(section);
  }
  console.out(out + "\n}\n");
}

// One line per column.
void PrintSingle(const Section& section, OutputFormat format, const Console& console) {
  std::size_t width = 0;
  for (const OutputColumn& column : section.columns) width = std::max(width, column.name.size());
  std::string out;
  for (std::size_t i = 0; i < section.columns.size(); ++i) {
    const std::string& name = section.columns[i].name;
    const auto& value = section.rows.front()[i];
    if (format == OutputFormat::kTabs) {
      AppendTabs(out, {name, value});
    } else {
      Append(out, name, width, false);
      out += kGap;
      out += Cell(value);
      EndLine(out);
    }
  }
  console.out(out);
}

// Where every character takes two columns.
constexpr std::pair<char32_t, char32_t> kWide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

}  // namespace

OutputFormat ChooseFormat(bool as_json, const Console& console) {
  if (as_json) return OutputFormat::kJson;
  return console.out_is_terminal ? OutputFormat::kAligned : OutputFormat::kTabs;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t character = size == 1 ? lead : lead & (0xffU >> (size + 1));
    for (std::size_t k = 1; k < size && i + k < text.size(); ++k) {
      character = character << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    }
    const bool wide = std::ranges::any_of(kWide, [character](const auto& range) {
      return character >= range.first && character <= range.second;
    });
    width += wide ? 2 : 1;
    i += size;
  }
  return width;
}

TableOutput::TableOutput(std::vector<OutputColumn> columns, OutputFormat format,
                         const Console& console)
    : columns_(std::move(columns)), format_(format), console_(console) {
  for (const OutputColumn& column : columns_) widths_.push_back(DisplayWidth(column.name));
}

void TableOutput::Add(OutputRow row) {
  assert(row.size() == columns_.size());
  group_.push_back(std::move(row));
  if (group_.size() == kGroupRows) PrintGroup();
}

void TableOutput::Finish() {
  PrintGroup();
  PrintHeader();
}

void TableOutput::PrintHeader() {
  if (header_printed_ || format_ == OutputFormat::kJson) return;
  header_printed_ = true;
  std::string out;
  if (format_ == OutputFormat::kTabs) {
    OutputRow names;
    for (const OutputColumn& column : columns_) names.emplace_back(column.name);
    AppendTabs(out, names);
  } else {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += kGap;
      Append(out, columns_[i].name, widths_[i], IsRightAligned(columns_[i].kind));
    }
    EndLine(out);
  }
  console_.out(out);
}

void TableOutput::PrintGroup() {
  if (group_.empty()) return;
  if (format_ == OutputFormat::kAligned) {
    for (const OutputRow& row : group_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths_[i] = std::max(widths_[i], DisplayWidth(Cell(row[i])));
      }
    }
  }
  PrintHeader();
  std::string out;
  for (const OutputRow& row : group_) {
    switch (format_) {
      case OutputFormat::kAligned:
        for (std::size_t i = 0; i < row.size(); ++i) {
          if (i > 0) out += kGap;
          Append(out, Cell(row[i]), widths_[i], IsRightAligned(columns_[i].kind));
        }
        EndLine(out);
        break;
      case OutputFormat::kTabs:
        AppendTabs(out, row);
        break;
      case OutputFormat::kJson:
        out += JsonObject(columns_, row) + "\n";
        break;
    }
  }
  console_.out(out);
  group_.clear();
}

void PrintSections(const std::vector<Section>& sections, OutputFormat format,
                   const Console& console) {
  if (format == OutputFormat::kJson) return PrintSectionsAsJson(sections, console);
  for (const Section& section : sections) {
    const std::string_view gap = &section == sections.data() ? "" : "\n";
    console.out(fmt::format("{}{}:\n", gap, section.name));
    if (section.single) {
      PrintSingle(section, format, console);
      continue;
    }
    TableOutput table(section.columns, format, console);
    for (const OutputRow& row : section.rows) table.Add(row);
    table.Finish();
  }
}

}  // namespace obbak::cli
