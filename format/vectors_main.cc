// vectors DIR: checks every golden vector of every *.json file in DIR against our encoders and
// decoders.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "format/vector_checks.h"

namespace {

using obbak::Bytes;
using obbak::Result;
using obbak::Status;
using obbak::format::Vector;
using obbak::format::VectorChecks;
namespace json = boost::json;

struct Tally {
  std::size_t checked = 0;
  std::size_t failed = 0;
};

class Walker {
 public:
  // Checks one file; false if it can't be read as a list of vectors.
  bool Walk(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    boost::system::error_code error;
    const json::value root = json::parse(text, error);
    if (error || !root.is_array()) {
      fmt::print(stderr, "{}: not a JSON array of vectors{}\n", file.string(),
                 error ? ": " + error.message() : "");
      return false;
    }
    std::size_t index = 0;
    for (const json::value& entry : root.get_array())
      CheckEntry(file.filename().string(), index++, entry);
    return true;
  }

  // Prints how many of each struct were checked; true if none failed.
  bool Report() const {
    Tally total;
    fmt::print("{:>8} {:>8}  {}\n", "checked", "failed", "struct");
    for (const auto& [name, tally] : tallies_) {
      fmt::print("{:>8} {:>8}  {}\n", tally.checked, tally.failed, name);
      total.checked += tally.checked;
      total.failed += tally.failed;
    }
    fmt::print("{:>8} {:>8}  in all, {} structs\n", total.checked, total.failed, tallies_.size());
    return total.failed == 0 && total.checked > 0;
  }

 private:
  void CheckEntry(const std::string& file, std::size_t index, const json::value& entry) {
    const json::object* object = entry.if_object();
    const json::value* name = object == nullptr ? nullptr : object->if_contains("struct");
    const json::value* hex = object == nullptr ? nullptr : object->if_contains("hex");
    const json::value* fields = object == nullptr ? nullptr : object->if_contains("fields");
    if (name == nullptr || !name->is_string() || hex == nullptr || !hex->is_string() ||
        fields == nullptr || !fields->is_object()) {
      Complain(file, index, "?", "has no struct, hex or fields");
      return;
    }
    const std::string struct_name(name->get_string());
    if (!checks_.Knows(struct_name)) {
      Complain(file, index, struct_name, "no check knows this struct");
      return;
    }
    const Result<Bytes> bytes = obbak::FromHex(std::string_view(hex->get_string()));
    if (!bytes) {
      Complain(file, index, struct_name, bytes.error().ToString());
      return;
    }
    const Status status = checks_.Check(Vector{struct_name, fields->get_object(), *bytes});
    if (status) {
      ++tallies_[struct_name].checked;
    } else {
      Complain(file, index, struct_name, status.error().ToString());
    }
  }

  void Complain(const std::string& file, std::size_t index, const std::string& struct_name,
                std::string_view what) {
    ++tallies_[struct_name].failed;
    fmt::print(stderr, "{}[{}] {}: {}\n", file, index, struct_name, what);
  }

  VectorChecks checks_ = VectorChecks::All();
  std::map<std::string, Tally> tallies_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || std::string_view(argv[1]).starts_with('-')) {
    fmt::print(argc == 2 ? stdout : stderr,
               "usage: vectors DIR\n"
               "Checks every vector of every *.json file in DIR and prints how many of each struct "
               "were checked.\n"
               "example: vectors testdata/vectors\n");
    return argc == 2 ? 0 : 2;
  }
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  if (error || files.empty()) {
    fmt::print(stderr, "{}: {}\n", argv[1], error ? error.message() : "holds no *.json file");
    return 2;
  }
  std::ranges::sort(files);
  Walker walker;
  bool readable = true;
  for (const auto& file : files) readable = walker.Walk(file) && readable;
  return walker.Report() && readable ? 0 : 1;
}
