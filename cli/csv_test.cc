#include "cli/csv.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace obbak::cli {
namespace {

using Record = std::vector<std::pair<std::string, bool>>;

struct Parsed {
  std::vector<Record> records;
  std::vector<std::uint64_t> lines;
  std::vector<std::string> errors;
  bool operator==(const Parsed&) const = default;
};

// Reads `text` in chunks whose sizes `next_size` says.
template <class NextSize>
Parsed Read(std::string_view text, CsvOptions options, NextSize next_size) {
  CsvReader reader(options);
  Parsed parsed;
  for (;;) {
    const Result<bool> found = reader.Next();
    if (!found) {
      parsed.errors.push_back(found.error().ToString());
    } else if (*found) {
      Record& record = parsed.records.emplace_back();
      for (const CsvField& field : reader.fields()) record.emplace_back(field.text, field.quoted);
      parsed.lines.push_back(reader.line());
    } else if (!text.empty()) {
      const std::string_view chunk = text.substr(0, next_size());
      text.remove_prefix(chunk.size());
      reader.Feed(chunk);
    } else if (reader.AtEnd()) {
      return parsed;
    } else {
      reader.Finish();
    }
  }
}

Parsed Read(std::string_view text, CsvOptions options = {}) {
  return Read(text, options, [] { return std::string_view::npos; });
}

std::vector<std::vector<std::string>> Texts(const Parsed& parsed) {
  std::vector<std::vector<std::string>> records;
  for (const Record& record : parsed.records) {
    std::vector<std::string>& texts = records.emplace_back();
    for (const auto& [text, quoted] : record) texts.push_back(text);
  }
  return records;
}

using Lists = std::vector<std::vector<std::string>>;

TEST(Csv, ReadsWhatTheStandardSays) {
  EXPECT_EQ(Texts(Read("a,b\nc,d\n")), (Lists{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(Texts(Read("a,b\r\nc,d")), (Lists{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(Texts(Read("\"a,\"\"b\"\"\nx\",\n")), (Lists{{"a,\"b\"\nx", ""}}));
  EXPECT_EQ(Texts(Read(",\n\n\r\n\"\"\n")), (Lists{{"", ""}, {""}}));
  EXPECT_EQ(Texts(Read("\xEF\xBB\xBFid\n")), (Lists{{"id"}}));
  EXPECT_EQ(Texts(Read("\xEF\xBBx\n")), (Lists{{"\xEF\xBBx"}}));
  EXPECT_EQ(Texts(Read("\xEF\xBB")), (Lists{{"\xEF\xBB"}}));
  EXPECT_EQ(Texts(Read("a|b,c\n", {.delimiter = '|'})), (Lists{{"a", "b,c"}}));
  EXPECT_TRUE(Read("").records.empty());
}

TEST(Csv, TellsQuotedFieldsFromOthers) {
  const Parsed parsed = Read(",\"\",NULL,\"NULL\"\n");
  EXPECT_EQ(parsed.records.at(0),
            (Record{{"", false}, {"", true}, {"NULL", false}, {"NULL", true}}));
}

TEST(Csv, CountsLinesInsideOfQuotes) {
  EXPECT_EQ(Read("a\n\"b\nb\"\nc\n").lines, (std::vector<std::uint64_t>{1, 2, 4}));
}

TEST(Csv, ErrorsNameTheLineAndTheNextOneIsRead) {
  const auto expect = [](std::string_view text, std::string_view error, const Lists& rest,
                         CsvOptions options = {}) {
    const Parsed parsed = Read(text, options);
    ASSERT_EQ(parsed.errors.size(), 1U) << text;
    EXPECT_NE(parsed.errors[0].find(error), std::string::npos) << parsed.errors[0];
    EXPECT_EQ(Texts(parsed), rest) << text;
  };
  expect("a\nb\"c,\nd\n", "line 2: a quote inside", {{"a"}, {"d"}});
  expect("\"a\" ,b\nd\n", "line 1: something behind", {{"d"}});
  expect("a\rb\nd\n", "line 1: a carriage return", {{"d"}});
  expect("a\r", "line 1: a carriage return", {});
  expect("a\n\"b\n\n", "a quoted field doesn't end", {{"a"}});
  expect("abcd\nd\n", "line 1: a field of more than 3 bytes", {{"d"}}, {.max_field_size = 3});
  expect("ab,cd\nd\n", "line 1: a record of more than 3 bytes", {{"d"}}, {.max_record_size = 3});
  expect("a,b,c\nd\n", "line 1: a record of more than 2 fields", {{"d"}}, {.max_fields = 2});
}

std::string RandomText(std::mt19937_64& random, std::string_view alphabet, std::size_t limit) {
  std::string text;
  for (std::uint64_t i = random() % (limit + 1); i > 0; --i) {
    text.push_back(alphabet[random() % alphabet.size()]);
  }
  return text;
}

TEST(Csv, EveryRecordComesBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    std::vector<Record> written;
    for (std::uint64_t n = random() % 4; n > 0; --n) {
      Record& record = written.emplace_back();
      for (std::uint64_t f = 1 + random() % 4; f > 0; --f) {
        record.emplace_back(RandomText(random, "ab,;\"\r\n \xEF\xBB\xBF", 6), random() % 3 == 0);
      }
      std::vector<CsvField> fields;
      for (const auto& [field, quoted] : record) fields.push_back({field, quoted});
      AppendCsvRecord(text, fields, ';');
    }
    const Parsed parsed = Read(text, {.delimiter = ';'});
    EXPECT_TRUE(parsed.errors.empty()) << text;
    ASSERT_EQ(parsed.records.size(), written.size()) << text;
    for (std::size_t r = 0; r < written.size(); ++r) {
      ASSERT_EQ(parsed.records[r].size(), written[r].size());
      for (std::size_t f = 0; f < written[r].size(); ++f) {
        EXPECT_EQ(parsed.records[r][f].first, written[r][f].first);
        // What stood in quotes still does; quotes may have been added.
        EXPECT_GE(parsed.records[r][f].second, written[r][f].second);
      }
    }
  }
}

TEST(Csv, ItDoesNotMatterHowChunksAreCut) {
  std::mt19937_64 random(2);
  const CsvOptions options{.max_field_size = 7, .max_record_size = 12, .max_fields = 4};
  for (int i = 0; i < 5000; ++i) {
    const std::string text = RandomText(random, "a,\"\r\n\xEF\xBB\xBF", 40);
    const Parsed whole = Read(text, options);
    EXPECT_EQ(Read(text, options, [] { return 1; }), whole) << text;
    EXPECT_EQ(Read(text, options, [&] { return 1 + random() % 9; }), whole) << text;
  }
}

}  // namespace
}  // namespace obbak::cli
