// Timeline: sets, pieces and what can be restored, drawn over one axis of time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "format/ids.h"

namespace obbak::cli {

// Rows of one picture, from the earliest SCN at the left to the latest at the right.
class Timeline {
 public:
  // Precondition: from < to.
  Timeline(format::Scn from, format::Scn to, std::size_t width = 72)
      : from_(from), to_(to), width_(width) {}

  struct Span {
    format::Scn from;
    format::Scn to;
    std::string name;  // shown inside if there is room
  };
  // `line` is what spans are made of: "─", "━".
  void AddSpans(std::string label, const std::vector<Span>& spans, std::string_view line);
  // A point, with a text beside it.
  void AddMark(std::string label, format::Scn at, std::string_view mark, std::string_view text);

  // The axis with its times above, then the rows; a line each.
  std::string ToText() const;

 private:
  struct Row {
    std::string label;
    std::string picture;
  };

  // 0 to width - 1.
  std::size_t ColumnOf(format::Scn scn) const;

  format::Scn from_;
  format::Scn to_;
  std::size_t width_;
  std::vector<Row> rows_;
};

}  // namespace obbak::cli
