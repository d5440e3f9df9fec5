"""What may be read from files of models and weights: code, sizes, and the time it may take."""

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saliency.core.errors import InputError
from saliency.core.validation import boolean, shown, whole_number

MAX_MODEL_BYTES = 8 * 2**30
WEIGHTS_TIMEOUT = 300.0  # seconds
MAX_TIMEOUT = 1e6  # seconds; more would overflow in the system call
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class FileRules:
    """Rules for reading files of models and weights.

    Args:
        trust: whether code in a file may run. A trusted HDF5 file is read directly, without a process of its own.
        max_model_bytes: largest size of a file, and of the contents that it declares.
        weights_timeout: largest time for reading an untrusted HDF5 file, in seconds.
    """

    trust: bool = False
    max_model_bytes: int = MAX_MODEL_BYTES
    weights_timeout: float = WEIGHTS_TIMEOUT

    @classmethod
    def checked(cls, trust: Any, max_model_bytes: Any, weights_timeout: Any) -> "FileRules":
        """Return the rules of a user.

        Raises:
            InputError: if ``trust`` is not a boolean, or a limit is not a number above 0.
        """
        is_number = isinstance(weights_timeout, int | float) and not isinstance(weights_timeout, bool)
        if not (is_number and 0 < weights_timeout <= MAX_TIMEOUT):
            rule = f"must be a number of seconds above 0, at most {MAX_TIMEOUT:g}"
            raise InputError(f"`weights_timeout` (={shown(weights_timeout)}) {rule}")
        size = whole_number("max_model_bytes", max_model_bytes, least=1, most=None)
        return cls(boolean("trust", trust), size, float(weights_timeout))

    def check_size(self, argument: str, file: Path) -> None:
        """Check the size of a file and the sizes that it declares, before anything is allocated for it.

        HDF5 and safetensors need no check here: the sizes of HDF5 datasets are checked when the file is copied, and the
        safetensors library maps the file and refuses a header that declares another size than the file has.

        Args:
            argument: name of the argument that the file was given as.
            file: an existing file of any format.

        Raises:
            InputError: if a size is above ``max_model_bytes``, or the file is a damaged zip archive or not a regular file.
        """
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"`{argument}` ({file}) must be a regular file")
        self._check(argument, file, "has", status.st_size)
        self._check(argument, file, "declares", _archive_size(argument, file))

    def _check(self, argument: str, file: Path, verb: str, size: int) -> None:
        if size > self.max_model_bytes:
            raise InputError(
                f"`{argument}` ({file}) {verb} {size} bytes; at most {self.max_model_bytes} are read: "
                "`max_model_bytes` sets the limit"
            )


DEFAULT_RULES = FileRules()


def _archive_size(argument: str, file: Path) -> int:
    """Return the size of the contents of a zip file: of a Torch checkpoint, a .keras file or an .npz file; 0 for others."""
    try:
        if not zipfile.is_zipfile(file):  # which raises errors, too
            return 0
        with zipfile.ZipFile(file) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"`{argument}` ({file}) is a damaged zip archive: {error}") from error
