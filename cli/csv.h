// CSV as RFC 4180 has it, read from chunks of a file as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obbak::cli {

struct CsvField {
  std::string_view text;
  // Whether it stood in quotes: what tells an empty text from no text at all.
  bool quoted = false;
  bool operator==(const CsvField&) const = default;
};

struct CsvOptions {
  char delimiter = ',';  // neither a quote nor the end of a line
  std::size_t max_field_size = std::size_t{1} << 20;
  std::size_t max_record_size = std::size_t{16} << 20;
  std::size_t max_fields = 4096;
};

// Records end with LF or CRLF, the last one also with the file. Quoted fields hold anything, quotes
// doubled. Empty lines, and a byte order mark in front of everything, are passed over. Memory is
// bounded by one record. The first record is a record like any other: who wants a header reads it.
//
//   for (;;) {
//     Result<bool> found = reader.Next();
//     if (!found) report it, then stop or go on;
//     else if (*found) use(reader.fields());
//     else if (there is another chunk) reader.Feed(chunk);
//     else if (reader.AtEnd()) break;
//     else reader.Finish();
//   }
class CsvReader {
 public:
  explicit CsvReader(CsvOptions options = {});

  // The bytes after those before. They must stay until Next() has said false.
  void Feed(std::string_view chunk);
  // There are no more.
  void Finish() { finished_ = true; }

  // Moves to the next record. False: it takes another chunk to know, or AtEnd(). An error
  // (kInvalidData, kSizeOverflow) names the line, and after it the reader goes on with the next
  // line.
  Result<bool> Next();
  bool AtEnd() const { return finished_ && state_ == State::kRecordBegin && rest_.empty(); }

  // Of the record that Next() has found; live until Next() or Feed() is called.
  std::span<const CsvField> fields() const { return fields_; }
  // The line on which that record, or the one that is being read, begins; from 1.
  std::uint64_t line() const { return record_line_; }

 private:
  enum class State {
    kRecordBegin,
    kFieldBegin,
    kUnquoted,
    kQuoted,
    kQuoteInQuoted,   // the end of the field, or the first half of a quote
    kCarriageReturn,  // a line feed must follow
    kSkipLine,        // after an error
  };
  struct FieldRange {
    std::size_t begin;
    std::size_t end;
    bool quoted;
  };

  // One step: takes a run of bytes that mean the same. True: a record is complete.
  Result<bool> Step();
  Result<bool> EndOfInput();
  Result<bool> AtSeparator(char c);
  void SkipByteOrderMark();
  void SkipRestOfLine();
  void BeginRecord();
  // Adds the first `size` bytes of what is left to the field.
  Status Take(std::size_t size);
  Status EndField();
  // Precondition: the last field has ended.
  void EndRecord();
  std::unexpected<Error> Wrong(ErrorCode code, std::string message);

  CsvOptions options_;
  std::string_view rest_;
  bool finished_ = false;
  State state_ = State::kRecordBegin;
  std::size_t mark_matched_ = 0;  // bytes of the byte order mark so far
  std::uint64_t line_ = 1;
  std::uint64_t record_line_ = 1;
  std::string record_;
  std::size_t field_begin_ = 0;
  bool field_quoted_ = false;
  std::vector<FieldRange> ranges_;
  std::vector<CsvField> fields_;
};

// Adds a record that CsvReader reads back as the same fields: quoted ones stay so, others are
// quoted where it is necessary.
void AppendCsvRecord(std::string& out, std::span<const CsvField> fields, char delimiter = ',');

}  // namespace obbak::cli
