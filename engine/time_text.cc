#include "engine/time_text.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <system_error>

#include "format/ids.h"

namespace obbak::engine {
namespace {

namespace chrono = std::chrono;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kMaxTime = 839 * kHour - kSecond;
constexpr std::size_t kFractionDigits = 6;
// Behind the fraction's microseconds.
constexpr std::size_t kNanoDigits = 3;
constexpr int kFirstYear = 1901;

constexpr std::int32_t DaysOf(chrono::year_month_day date) {
  return static_cast<std::int32_t>(chrono::sys_days(date).time_since_epoch().count());
}
constexpr std::int32_t kFirstDay = DaysOf(chrono::year(1000) / chrono::January / chrono::day(1));
constexpr std::int32_t kLastDay = DaysOf(chrono::year(9999) / chrono::December / chrono::day(31));

// Takes parts off the front of a text; once one is missing, nothing more is there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }

  bool Accept(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) { ok_ = Accept(c) && ok_; }

  // A number of `min` to `max` digits.
  int Number(std::size_t min, std::size_t max) {
    std::size_t size = 0;
    int number = 0;
    for (; size < max && size < rest_.size() && IsDigit(rest_[size]); ++size) {
      number = number * 10 + (rest_[size] - '0');
    }
    ok_ = ok_ && size >= min;
    rest_.remove_prefix(size);
    return number;
  }

  // ":MM:SS" and a fraction, in microseconds.
  std::int64_t MinutesAndSeconds() {
    Expect(':');
    const int minutes = Number(2, 2);
    Expect(':');
    const int seconds = Number(2, 2);
    ok_ = ok_ && minutes < 60 && seconds < 60;
    return minutes * kMinute + seconds * kSecond + Fraction();
  }

  std::optional<std::int32_t> Date() {
    const int year = Number(4, 4);
    Expect('-');
    const int month = Number(2, 2);
    Expect('-');
    const int day = Number(2, 2);
    const chrono::year_month_day date(chrono::year(year),
                                      chrono::month(static_cast<unsigned>(month)),
                                      chrono::day(static_cast<unsigned>(day)));
    if (!ok_ || !date.ok()) return std::nullopt;
    const std::int32_t days = DaysOf(date);
    if (days < kFirstDay || days > kLastDay) return std::nullopt;
    return days;
  }

 private:
  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }

  std::int64_t Fraction() {
    if (!Accept('.')) return 0;
    const std::size_t before = rest_.size();
    std::int64_t fraction = Number(1, kFractionDigits);
    for (std::size_t i = before - rest_.size(); i < kFractionDigits; ++i) fraction *= 10;
    return fraction;
  }

  std::string_view rest_;
  bool ok_ = true;
};

// ".5" without trailing zeros, "" for none.
std::string FractionText(std::int64_t micros) {
  if (micros == 0) return {};
  std::string text = fmt::format(".{:06}", micros);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string ClockText(std::int64_t micros) {
  return fmt::format("{:02}:{:02}:{:02}{}", micros / kHour, micros % kHour / kMinute,
                     micros % kMinute / kSecond, FractionText(micros % kSecond));
}

}  // namespace

std::optional<std::int32_t> ParseDate(std::string_view text) {
  Scanner in(text);
  const std::optional<std::int32_t> days = in.Date();
  return in.AtEnd() ? days : std::nullopt;
}

std::optional<std::string> DateText(std::int32_t days) {
  if (days < kFirstDay || days > kLastDay) return std::nullopt;
  const chrono::year_month_day date = chrono::sys_days(chrono::days(days));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::optional<std::int64_t> ParseDateTime(std::string_view text) {
  Scanner in(text);
  const std::optional<std::int32_t> days = in.Date();
  if (!days) return std::nullopt;
  const std::int64_t midnight = *days * kDay;
  if (in.AtEnd()) return midnight;
  if (!in.Accept('T')) in.Expect(' ');
  const int hours = in.Number(2, 2);
  const std::int64_t time = hours * kHour + in.MinutesAndSeconds();
  if (!in.AtEnd() || hours >= 24) return std::nullopt;
  return midnight + time;
}

std::optional<std::string> DateTimeText(std::int64_t micros) {
  const auto days = chrono::floor<chrono::days>(chrono::microseconds(micros)).count();
  if (days < kFirstDay || days > kLastDay) return std::nullopt;
  const std::optional<std::string> date = DateText(static_cast<std::int32_t>(days));
  return fmt::format("{} {}", *date, ClockText(micros - days * kDay));
}

std::optional<std::uint64_t> ParseDateTimeNanos(std::string_view text) {
  // The digits behind the microseconds.
  std::uint64_t nanos = 0;
  const std::size_t point = text.find('.');
  if (point != text.npos && text.size() - point - 1 > kFractionDigits) {
    std::string rest(text.substr(point + 1 + kFractionDigits));
    text.remove_suffix(rest.size());
    if (rest.size() > kNanoDigits) return std::nullopt;
    rest.resize(kNanoDigits, '0');
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), nanos);
    if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  }
  const std::optional<std::int64_t> micros = ParseDateTime(text);
  constexpr std::int64_t kMaxMicros = static_cast<std::int64_t>(format::Scn::kMaxValue / 1000) - 1;
  if (!micros || *micros < 0 || *micros > kMaxMicros) return std::nullopt;
  return static_cast<std::uint64_t>(*micros) * 1000 + nanos;
}

std::optional<std::int64_t> ParseTime(std::string_view text) {
  Scanner in(text);
  const bool negative = in.Accept('-');
  const int hours = in.Number(1, 3);
  const std::int64_t time = hours * kHour + in.MinutesAndSeconds();
  if (!in.AtEnd() || time > kMaxTime) return std::nullopt;
  return negative ? -time : time;
}

std::optional<std::string> TimeText(std::int64_t micros) {
  if (micros < -kMaxTime || micros > kMaxTime) return std::nullopt;
  return micros < 0 ? "-" + ClockText(-micros) : ClockText(micros);
}

std::optional<std::uint8_t> ParseYear(std::string_view text) {
  Scanner in(text);
  const int year = in.Number(4, 4);
  if (!in.AtEnd()) return std::nullopt;
  if (year == 0) return std::uint8_t{0};
  if (year < kFirstYear || year >= kFirstYear + 255) return std::nullopt;
  return static_cast<std::uint8_t>(year - kFirstYear + 1);
}

std::string YearText(std::uint8_t year) {
  return year == 0 ? "0000" : fmt::to_string(year + kFirstYear - 1);
}

}  // namespace obbak::engine
