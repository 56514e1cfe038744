#include "cli/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/table_output.h"

namespace obbak::cli {
namespace {

using format::Scn;

// "12:34:56" of "2024-01-01 12:34:56.123456789 UTC".
std::string ClockText(Scn scn) {
  const std::string text = ToText(scn);
  const std::size_t blank = text.find(' ');
  return blank == text.npos ? text : text.substr(blank + 1, 8);
}

std::string Repeated(std::string_view piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

// From one column to another, both included; the name in the middle where there is room.
std::string SpanText(std::size_t columns, std::string_view name, std::string_view line) {
  if (columns == 1) return "│";
  const std::size_t inside = columns - 2;
  const std::size_t name_width = DisplayWidth(name);
  if (name.empty() || name_width > inside) return "├" + Repeated(line, inside) + "┤";
  const std::size_t left = (inside - name_width) / 2;
  return "├" + Repeated(line, left) + std::string(name) +
         Repeated(line, inside - name_width - left) + "┤";
}

}  // namespace

std::size_t Timeline::ColumnOf(Scn scn) const {
  const Scn inside = std::clamp(scn, from_, to_);
  const double part = static_cast<double>(inside.value - from_.value) /
                      static_cast<double>(to_.value - from_.value);
  return std::min(static_cast<std::size_t>(part * static_cast<double>(width_)), width_ - 1);
}

void Timeline::AddSpans(std::string label, const std::vector<Span>& spans, std::string_view line) {
  std::string picture;
  std::size_t used = 0;  // columns
  for (const Span& span : spans) {
    const std::size_t begin = std::max(ColumnOf(span.from), used);
    const std::size_t end = std::max(ColumnOf(span.to) + 1, begin + 1);
    // What begins where another ends shares its column with it, and gives way.
    picture += std::string(begin - used, ' ') + SpanText(end - begin, span.name, line);
    used = end;
  }
  rows_.push_back({std::move(label), std::move(picture)});
}

void Timeline::AddMark(std::string label, Scn at, std::string_view mark, std::string_view text) {
  const std::size_t column = ColumnOf(at);
  const std::size_t text_width = DisplayWidth(text);
  // The text stands at the side where it fits.
  const bool is_left = column + 2 + text_width > width_ && column > text_width;
  std::string picture =
      is_left
          ? std::string(column - text_width - 1, ' ') + std::string(text) + " " + std::string(mark)
          : std::string(column, ' ') + std::string(mark) + " " + std::string(text);
  rows_.push_back({std::move(label), std::move(picture)});
}

std::string Timeline::ToText() const {
  std::size_t label_width = 0;
  for (const Row& row : rows_) label_width = std::max(label_width, DisplayWidth(row.label));
  const std::string first = ClockText(from_);
  const std::string last = ClockText(to_);
  const std::size_t gap =
      width_ > first.size() + last.size() ? width_ - first.size() - last.size() : 1;
  std::string text =
      fmt::format("{:<{}}  {}{}{}\n", "", label_width, first, std::string(gap, ' '), last);
  for (const Row& row : rows_) {
    const std::size_t padding = label_width - DisplayWidth(row.label);
    text += row.label + std::string(padding + 2, ' ') + row.picture + "\n";
  }
  return text;
}

}  // namespace obbak::cli
