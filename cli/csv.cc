#include "cli/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace obbak::cli {
namespace {

constexpr char kQuote = '"';
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

CsvReader::CsvReader(CsvOptions options) : options_(options) {
  assert(options.delimiter != kQuote && options.delimiter != '\r' && options.delimiter != '\n');
}

void CsvReader::Feed(std::string_view chunk) {
  assert(rest_.empty() && !finished_);
  rest_ = chunk;
  SkipByteOrderMark();
}

// The mark may come in pieces; what looked like one and is none goes back in front.
void CsvReader::SkipByteOrderMark() {
  while (mark_matched_ < kByteOrderMark.size() && !rest_.empty()) {
    if (rest_.front() != kByteOrderMark[mark_matched_]) {
      if (mark_matched_ > 0) {
        BeginRecord();
        record_ = kByteOrderMark.substr(0, mark_matched_);
        state_ = State::kUnquoted;
      }
      mark_matched_ = kByteOrderMark.size();
      return;
    }
    rest_.remove_prefix(1);
    ++mark_matched_;
  }
}

Result<bool> CsvReader::Next() {
  while (!rest_.empty()) {
    Result<bool> step = Step();
    if (!step || *step) return step;
  }
  return finished_ ? EndOfInput() : false;
}

Result<bool> CsvReader::Step() {
  switch (state_) {
    case State::kRecordBegin:
      BeginRecord();
      return false;
    case State::kFieldBegin:
      if (rest_.front() == kQuote) {
        rest_.remove_prefix(1);
        field_quoted_ = true;
        state_ = State::kQuoted;
      } else {
        state_ = State::kUnquoted;
      }
      return false;
    case State::kUnquoted: {
      const char stops[] = {options_.delimiter, '\r', '\n', kQuote};
      const std::size_t size =
          std::min(rest_.find_first_of(std::string_view(stops, sizeof(stops))), rest_.size());
      if (Status status = Take(size); !status) return Fail(status.error());
      if (rest_.empty()) return false;
      if (rest_.front() == kQuote) {
        return Wrong(ErrorCode::kInvalidData, "a quote inside a field that doesn't begin with one");
      }
      return AtSeparator(rest_.front());
    }
    case State::kQuoted: {
      const std::size_t size = std::min(rest_.find(kQuote), rest_.size());
      if (Status status = Take(size); !status) return Fail(status.error());
      if (rest_.empty()) return false;
      rest_.remove_prefix(1);
      state_ = State::kQuoteInQuoted;
      return false;
    }
    case State::kQuoteInQuoted:
      if (rest_.front() != kQuote) return AtSeparator(rest_.front());
      state_ = State::kQuoted;
      if (Status status = Take(1); !status) return Fail(status.error());
      return false;
    case State::kCarriageReturn:
      if (rest_.front() == '\n') return AtSeparator('\n');
      return Wrong(ErrorCode::kInvalidData, "a carriage return without a line feed");
    case State::kSkipLine:
      SkipRestOfLine();
      return false;
  }
  return false;
}

// After a field: it ends, and so may the record.
Result<bool> CsvReader::AtSeparator(char c) {
  if (c != options_.delimiter && c != '\r' && c != '\n') {
    return Wrong(ErrorCode::kInvalidData, "something behind the quote that ends a field");
  }
  const bool after_return = state_ == State::kCarriageReturn;
  if (!after_return) {
    if (Status status = EndField(); !status) return Fail(status.error());
  }
  rest_.remove_prefix(1);
  if (c == options_.delimiter) {
    state_ = State::kFieldBegin;
  } else if (c == '\r') {
    state_ = State::kCarriageReturn;
  } else {
    ++line_;
    EndRecord();
    return !fields_.empty();
  }
  return false;
}

Result<bool> CsvReader::EndOfInput() {
  if (mark_matched_ > 0 && mark_matched_ < kByteOrderMark.size()) {
    BeginRecord();
    record_ = kByteOrderMark.substr(0, std::exchange(mark_matched_, kByteOrderMark.size()));
    state_ = State::kUnquoted;
  }
  switch (state_) {
    case State::kRecordBegin:
      return false;
    case State::kSkipLine:
      state_ = State::kRecordBegin;
      return false;
    case State::kQuoted: {
      auto error = Wrong(ErrorCode::kInvalidData, "a quoted field doesn't end");
      state_ = State::kRecordBegin;
      return error;
    }
    case State::kCarriageReturn: {
      auto error = Wrong(ErrorCode::kInvalidData, "a carriage return without a line feed");
      state_ = State::kRecordBegin;
      return error;
    }
    case State::kFieldBegin:
    case State::kUnquoted:
    case State::kQuoteInQuoted:
      break;
  }
  if (Status status = EndField(); !status) {
    state_ = State::kRecordBegin;
    return Fail(status.error());
  }
  EndRecord();
  return !fields_.empty();
}

void CsvReader::SkipRestOfLine() {
  const std::size_t end = rest_.find('\n');
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (end == std::string_view::npos) return;
  ++line_;
  state_ = State::kRecordBegin;
}

void CsvReader::BeginRecord() {
  record_line_ = line_;
  record_.clear();
  ranges_.clear();
  fields_.clear();
  field_begin_ = 0;
  field_quoted_ = false;
  state_ = State::kFieldBegin;
}

// What is too much is refused at the same byte however the chunks are cut.
Status CsvReader::Take(std::size_t size) {
  const std::size_t field_room = options_.max_field_size - (record_.size() - field_begin_);
  const std::size_t record_room = options_.max_record_size - record_.size();
  const std::string_view run = rest_.substr(0, std::min({size, field_room, record_room}));
  record_.append(run);
  rest_.remove_prefix(run.size());
  line_ += static_cast<std::uint64_t>(std::ranges::count(run, '\n'));
  if (run.size() == size) return {};
  const bool is_field = field_room <= record_room;
  return Wrong(ErrorCode::kSizeOverflow,
               fmt::format("a {} of more than {} bytes", is_field ? "field" : "record",
                           is_field ? options_.max_field_size : options_.max_record_size));
}

Status CsvReader::EndField() {
  if (ranges_.size() == options_.max_fields) {
    return Wrong(ErrorCode::kSizeOverflow,
                 fmt::format("a record of more than {} fields", options_.max_fields));
  }
  ranges_.push_back({.begin = field_begin_, .end = record_.size(), .quoted = field_quoted_});
  field_begin_ = record_.size();
  field_quoted_ = false;
  return {};
}

void CsvReader::EndRecord() {
  state_ = State::kRecordBegin;
  fields_.clear();
  const bool is_empty_line = ranges_.size() == 1 && record_.empty() && !ranges_[0].quoted;
  if (is_empty_line) return;
  const std::string_view record = record_;
  for (const FieldRange& range : ranges_) {
    fields_.push_back(
        {.text = record.substr(range.begin, range.end - range.begin), .quoted = range.quoted});
  }
}

std::unexpected<Error> CsvReader::Wrong(ErrorCode code, std::string message) {
  state_ = State::kSkipLine;
  return Fail(code, fmt::format("line {}: {}", line_, std::move(message)));
}

void AppendCsvRecord(std::string& out, std::span<const CsvField> fields, char delimiter) {
  const char specials[] = {delimiter, '\r', '\n', kQuote};
  // A record of one empty field would be an empty line, and a mark may stand only once.
  const bool is_empty_line = fields.size() == 1 && fields[0].text.empty();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view text = fields[i].text;
    if (i > 0) out.push_back(delimiter);
    const bool quoted =
        fields[i].quoted || is_empty_line || text.starts_with(kByteOrderMark) ||
        text.find_first_of(std::string_view(specials, sizeof(specials))) != std::string_view::npos;
    if (!quoted) {
      out.append(text);
      continue;
    }
    out.push_back(kQuote);
    for (const char c : text) out.append(c == kQuote ? 2 : 1, c);
    out.push_back(kQuote);
  }
  out.push_back('\n');
}

}  // namespace obbak::cli
