// How a CSV file is cut into chunks does not matter, and its records, written again, are the same.
// The first byte of the input says how large chunks are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "cli/csv.h"

namespace {

using obbak::cli::CsvField;
using obbak::cli::CsvOptions;
using obbak::cli::CsvReader;

// Small, so that limits are met.
constexpr CsvOptions kOptions{.max_field_size = 64, .max_record_size = 256, .max_fields = 16};

struct Outcome {
  std::vector<std::vector<std::string>> records;
  std::vector<std::string> errors;
  std::string rewritten;
};

void Add(std::span<const CsvField> fields, Outcome& outcome) {
  std::vector<std::string>& texts = outcome.records.emplace_back();
  for (const CsvField& field : fields) texts.emplace_back(field.text);
  AppendCsvRecord(outcome.rewritten, fields);
}

Outcome Read(std::string_view text, std::size_t chunk_size) {
  CsvReader reader(kOptions);
  Outcome outcome;
  for (;;) {
    const auto found = reader.Next();
    if (!found) {
      outcome.errors.push_back(found.error().ToString());
    } else if (*found) {
      Add(reader.fields(), outcome);
    } else if (!text.empty()) {
      const std::string_view chunk = text.substr(0, chunk_size);
      text.remove_prefix(chunk.size());
      reader.Feed(chunk);
    } else if (reader.AtEnd()) {
      return outcome;
    } else {
      reader.Finish();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = obbak::AsText(std::as_bytes(std::span(data, size))).substr(1);
  const Outcome whole = Read(text, std::max<std::size_t>(text.size(), 1));
  const Outcome cut = Read(text, std::size_t{data[0]} + 1);
  if (cut.records != whole.records || cut.errors != whole.errors) std::abort();
  const Outcome again = Read(whole.rewritten, whole.rewritten.size() + 1);
  if (again.records != whole.records || !again.errors.empty()) std::abort();
  return 0;
}
