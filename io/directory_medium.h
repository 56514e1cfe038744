// DirectoryMedium: a directory of a disk, local or NFS, as a Medium.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "io/disk.h"
#include "io/loop.h"
#include "io/medium.h"

namespace obbak::io {

// `directory` is where it lies on `disk`, `location` what files say of it ("file:///backup/data").
// The directory and its parents are made by the first write. Loop and disk must outlive it.
std::unique_ptr<Medium> MakeDirectoryMedium(Loop& loop, Disk& disk, std::string directory,
                                            std::string location);

// Of file:// destinations; kNotSupported for others.
MediumFactory DirectoryMedia(Loop& loop, Disk& disk);

}  // namespace obbak::io
