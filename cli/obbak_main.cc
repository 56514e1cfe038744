// The obbak program: one subcommand per job.
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"
#include "cli/obbak.h"

int main(int argc, char** argv) {
  // Whoever reads from a pipe sees lines as they come.
  std::setvbuf(stdout, nullptr, _IOLBF, std::size_t{1} << 16);
  const obbak::cli::Console console{
      .out = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); },
      .err =
          [](std::string_view text) {
            std::fflush(stdout);
            std::fwrite(text.data(), 1, text.size(), stderr);
          },
      .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
      .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
  };
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int status = obbak::cli::RunObbak(arguments, OBBAK_VERSION, console);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  std::fputs("obbak: the output could not be written\n", stderr);
  return obbak::cli::kFailure;
}
