"""The policy repository as it lies in its directory: read whole, by fixed rules, into memory.

    **/*.rego                  policy modules, and tests where the name ends in _test.rego
    **/data/NAME.yaml          data for the policy (`data.NAME`; of a pack: `data.DIR.NAME`)
    **/cases/NAME.yaml         decisions with their input, for `exeat policy test`

Everything else (pages, licences, hidden folders) is left alone. The directory itself may be a symbolic link, because
git-sync moves one; inside it links are refused, for they would let a revision change without its files changing.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from snapshot.located import RepositoryRefused

MAX_FILE = 1 << 20  # bytes; a module of this size takes OPA seconds to compile
MAX_TOTAL = 16 << 20
MAX_FILES = 1000
MAX_DEPTH = 8
FORMAT = "exeat-snapshot-1"  # of the digest and of what is made of the files; raise it when either changes

CONNECTIONS = "data/connections.yaml"
MASKING = "data/masking.yaml"
ROLES = "data/roles.yaml"


@dataclass(frozen=True)
class Repository:
    """`files`: content by path relative to the root, with `/`, sorted."""

    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """`sha256:` of the listing."""
        return "sha256:" + hashlib.sha256(self.listing).hexdigest()

    @property
    def listing(self) -> bytes:
        """The files as `sha256sum` prints them, under the name of the format, so that it can be made by hand."""
        lines = [f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(self.files.items())]
        return (FORMAT + "\n" + "".join(lines)).encode()

    def text(self, path: str) -> str:
        """Raises RepositoryRefused when it is missing or not UTF-8."""
        if path not in self.files:
            raise RepositoryRefused(path, 0, "no such file in the policy repository")
        try:
            return self.files[path].decode("utf-8")
        except UnicodeDecodeError as error:
            line = self.files[path][: error.start].count(b"\n") + 1
            raise RepositoryRefused(path, line, "not UTF-8") from None

    def modules(self) -> list[str]:
        """Paths of policy modules and tests."""
        return [path for path in self.files if path.endswith(".rego")]

    def data_files(self) -> list[str]:
        return [path for path in self.files if PurePosixPath(path).parent.name == "data"]

    def cases(self) -> list[str]:
        return [path for path in self.files if PurePosixPath(path).parent.name == "cases"]


def is_test(path: str) -> bool:
    return path.endswith("_test.rego")


def read(path: Path) -> Repository:
    """Raises RepositoryRefused."""
    try:
        root = path.resolve(strict=True)
    except OSError:
        raise RepositoryRefused(str(path), 0, "there is no policy repository") from None
    if not root.is_dir():
        raise RepositoryRefused(str(path), 0, "the policy repository is not a directory")
    files: dict[str, bytes] = {}
    total = 0
    for name, _ in _walk(root):
        content = _content(root, name)
        total += len(content)
        if len(files) >= MAX_FILES or total > MAX_TOTAL:
            raise RepositoryRefused(name, 0, f"the repository has more than {MAX_FILES} files or {MAX_TOTAL} bytes")
        files[name] = content
    return Repository(dict(sorted(files.items())))


def stamp(path: Path) -> tuple[object, ...]:
    """Changes whenever a file of the repository does; cheap enough to ask every second."""
    try:
        root = path.resolve(strict=True)
        found = [(name, info.st_ino, info.st_size, info.st_mtime_ns) for name, info in _walk(root)]
        found += [(item.name, *_mark(item)) for item in root.glob("policy.sig")]  # signature.py: no file of the tree
    except (OSError, RepositoryRefused) as error:
        return (type(error).__name__, str(error))
    return (str(root), *found)


def _mark(path: Path) -> tuple[int, int, int]:
    info = path.stat()
    return info.st_ino, info.st_size, info.st_mtime_ns


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The repository's own files, sorted within each folder."""
    pending = [("", 0)]
    while pending:
        folder, depth = pending.pop()
        for entry in sorted(os.scandir(root / folder), key=lambda item: item.name):
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith("."):
                continue
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                if depth >= MAX_DEPTH:
                    raise RepositoryRefused(name, 0, f"folders are nested deeper than {MAX_DEPTH}")
                pending.append((name, depth + 1))
            elif _is_ours(name):
                _check(name, info)
                yield name, info
            elif stat.S_ISLNK(info.st_mode):
                raise RepositoryRefused(name, 0, "symbolic links are refused in a policy repository")


def _is_ours(name: str) -> bool:
    path = PurePosixPath(name)
    if path.suffix == ".rego":
        return True
    if path.parent.name not in ("data", "cases") or path.suffix == ".md":
        return False
    if path.suffix != ".yaml":
        # `connections.yml` would be passed over in silence, and its author would not know
        raise RepositoryRefused(name, 0, "files in data/ and cases/ are named *.yaml")
    return True


def _check(name: str, info: os.stat_result) -> None:
    if stat.S_ISLNK(info.st_mode):
        raise RepositoryRefused(name, 0, "symbolic links are refused in a policy repository")
    if not stat.S_ISREG(info.st_mode):
        raise RepositoryRefused(name, 0, "not a regular file")
    if info.st_size > MAX_FILE:
        raise RepositoryRefused(name, 0, f"larger than {MAX_FILE} bytes")
    if not name.isascii() or not name.isprintable():
        raise RepositoryRefused(ascii(name), 0, "file names are plain ASCII")


def _content(root: Path, name: str) -> bytes:
    """Read without following a link that was put there after the look at it."""
    try:
        handle = os.open(root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise RepositoryRefused(name, 0, f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE:
        raise RepositoryRefused(name, 0, f"larger than {MAX_FILE} bytes")
    return content


def commit(path: Path) -> str:
    """The commit that is checked out where the repository lies, "" outside of git.

    Read from git's own files (gitrepository-layout(5)): running git in a foreign directory would run what its
    configuration names.
    """
    try:
        root = path.resolve(strict=True)
        for folder in (root, *root.parents):
            if (folder / ".git").exists():
                return _head(folder / ".git")
    except (OSError, UnicodeDecodeError):
        pass
    return ""


def _head(git: Path) -> str:
    if git.is_file():  # a worktree or submodule: `gitdir: PATH`
        git = (git.parent / git.read_text("utf-8").strip().removeprefix("gitdir: ")).resolve()
    head = (git / "HEAD").read_text("utf-8").strip()
    if not head.startswith("ref: "):
        return _hex(head)
    name = head.removeprefix("ref: ")
    common = git / "commondir"
    places = [git, (git / common.read_text("utf-8").strip()).resolve()] if common.is_file() else [git]
    for place in places:
        if (place / name).is_file():
            return _hex((place / name).read_text("utf-8").strip())
        packed = place / "packed-refs"
        for line in packed.read_text("utf-8").splitlines() if packed.is_file() else []:
            digest, _, ref = line.partition(" ")
            if ref == name:
                return _hex(digest)
    return ""


def _hex(text: str) -> str:
    return text if len(text) in (40, 64) and all(digit in "0123456789abcdef" for digit in text) else ""
