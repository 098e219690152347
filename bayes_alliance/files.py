"""The one way to write: whole or not at all, whoever else writes there.

What is written stands under a name of its own beside its target until it is complete and on the
disk; then it takes the target's place in one step. A writer that was killed leaves the old content,
and its rest is removed by the next writer of the folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bayes_alliance.errors import InputError

try:
    import fcntl
except ImportError:  # no POSIX: names are unique there too, but folders are not locked
    fcntl = None  # type: ignore[assignment]

PATIENCE = 30.0
"""Seconds to wait for a folder that another process holds."""


MADE: list[Path] = []
"""Folders that `writable` made, before anything is in them: a refusal takes them away again."""


def writable(out: str | Path) -> Path:
    """Make the folder, or say at once that nothing can be written there.

    Parameters
    ----------
    out : str or pathlib.Path
        Folder.

    Returns
    -------
    pathlib.Path
        The folder, which exists.

    Raises
    ------
    InputError
        If it cannot be made or written.
    """
    with _said("a folder that can be written", out):
        folder = _named(out)
        MADE.extend(place for place in (folder, *folder.parents) if not place.exists())
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    return folder


def target(out: str | Path, endings: tuple[str, ...] = (), room: int = 0) -> Path:
    """Say at once, before long work, that a file cannot be written.

    Parameters
    ----------
    out : str or pathlib.Path
        File; its folder is made.
    endings : tuple of str
        What its name may end in; anything by default.
    room : int
        Bytes that it will need.

    Returns
    -------
    pathlib.Path
        The file, with links followed.

    Raises
    ------
    InputError
        If the ending is another, the place cannot be written, or is taken by something else than
        a file.
    """
    if endings and Path(out).suffix not in endings:
        raise InputError(f"a file name ending in {' or '.join(endings)}", file=str(out))
    with _said("a place that can be written", out):
        path = Path(os.path.realpath(_named(out)))
        writable(path.parent)
        with contextlib.suppress(FileNotFoundError):
            kind = os.stat(path).st_mode
            if not stat.S_ISREG(kind) and not (stat.S_ISDIR(kind) and path.suffix == ".zarr"):
                raise InputError("a file, or a name that is free", file=str(out))
            if not os.access(path, os.W_OK):
                raise InputError("a file that may be changed", file=str(out))
        free = shutil.disk_usage(path.parent).free
    if room > free:
        words = f"a place with {room / 1e6:,.0f} MB of room ({free / 1e6:,.0f} MB are free)"
        raise InputError(words, file=str(out))
    return path


def write_bytes(path: str | Path, content: bytes | memoryview) -> Path:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : str or pathlib.Path
        File.
    content : bytes
        Content.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If it cannot be written; what was there before stays.
    """
    return write_set({Path(path): content})[0]


def write_text(path: str | Path, text: str) -> Path:
    """Write text as UTF-8, its lines as they are, whole or not at all.

    Parameters
    ----------
    path : str or pathlib.Path
        File.
    text : str
        Content.

    Returns
    -------
    pathlib.Path
        The file.
    """
    return write_bytes(path, text.encode("utf-8"))


def write_set(contents: Mapping[Path, bytes | memoryview]) -> list[Path]:
    """Write several files; none changes until all are on the disk.

    Parameters
    ----------
    contents : mapping of pathlib.Path to bytes
        Contents by file.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    InputError
        If one cannot be written; all are then as they were.
    """
    parts: dict[Path, Path] = {}
    shown: Path = next(iter(contents), Path())
    try:
        for shown, content in contents.items():
            with _said("a place that can be written", shown):
                path = target(shown)
                if path.is_dir():
                    raise InputError("a file, or a name that is free", file=str(shown))
                parts[path] = part = _part(path)
                with open(part, "xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                if path.exists():
                    shutil.copymode(path, part)
        with contextlib.ExitStack() as held:
            if len(parts) > 1:  # readers of the set wait
                for folder in sorted({path.parent for path in parts}):
                    held.enter_context(locked(folder))
            with _said("a place that can be written", shown):
                for path, part in parts.items():
                    os.replace(part, path)
                for folder in {path.parent for path in parts}:
                    _settle(folder)
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink()
    return list(contents)


@contextlib.contextmanager
def new_folder(path: str | Path, ours: Callable[[Path], bool]) -> Iterator[Path]:
    """Fill a folder that takes the place of another when the statement ends.

    Parameters
    ----------
    path : str or pathlib.Path
        The folder.
    ours : callable
        Whether a folder that is there already, and not empty, may be replaced.

    Yields
    ------
    pathlib.Path
        An empty folder to fill.

    Raises
    ------
    InputError
        If something else is there, or nothing can be written; what was there before stays.
    """
    with _said("a place that can be written", path):
        place = Path(os.path.realpath(_named(path)))
        writable(place.parent)
        part = _part(place)
        try:
            replaceable(place, ours)
            part.mkdir()
            yield part
            for file in (part, *part.rglob("*")):
                _settle(file)
            with locked(place.parent):
                replaceable(place, ours)
                if place.exists():
                    _exchange(part, place)
                else:
                    os.rename(part, place)
                _settle(place.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def replaceable(path: Path, ours: Callable[[Path], bool]) -> None:
    """Refuse to replace what somebody else may have put there.

    Parameters
    ----------
    path : pathlib.Path
        Folder, or a name that is free.
    ours : callable
        Whether a folder that is not empty may be replaced.

    Raises
    ------
    InputError
        If it may not.
    """
    if not os.path.lexists(path):
        return
    if not path.is_dir() or (any(path.iterdir()) and not ours(path)):
        words = "a name that is free, an empty folder or what bayes_alliance wrote itself"
        raise InputError(words, file=str(path))


@contextlib.contextmanager
def locked(folder: Path, shared: bool = False) -> Iterator[None]:
    """Hold a folder against other processes and threads; no file of a lock is left behind.

    Parameters
    ----------
    folder : pathlib.Path
        Folder.
    shared : bool
        Whether to read, with others that read, while nobody exchanges anything.

    Yields
    ------
    None
        Within the statement.

    Raises
    ------
    InputError
        If another process does not let go of it.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    words = f"a folder that no other process holds for {PATIENCE:.0f} seconds"
                    raise InputError(words, file=str(folder)) from None
                time.sleep(0.01)
            except OSError:  # a file system that knows no locks
                break
            else:
                break
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _part(path: Path) -> Path:
    """A name that nobody has beside a target, after what killed writers of it left is gone."""
    host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
    mine = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]}-{host}-"
    for left in path.parent.glob(f"{mine}*.part"):
        writer = left.name.removeprefix(mine).partition("-")[0]
        if writer.isdigit() and not _lives(int(writer)):
            with contextlib.suppress(OSError):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return path.with_name(f"{mine}{os.getpid()}-{secrets.token_hex(6)}.part")


def _lives(process: int) -> bool:
    """Whether a process of this machine is there."""
    if os.name != "posix":
        return True  # a signal would end it there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _settle(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    if os.name != "posix":
        return  # folders cannot be opened there
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise  # a file system without it is as good as it can be
    finally:
        os.close(handle)


def _exchange(part: Path, place: Path) -> None:
    """Let two folders change places in one step, or in two where the system has none for it."""
    library = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    a, b = os.fsencode(part), os.fsencode(place)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        if library.renameat2(here, a, here, b, exchange) == 0:  # type: ignore[union-attr]
            return
    elif hasattr(library, "renamex_np") and library.renamex_np(a, b, 2) == 0:  # type: ignore[union-attr]
        return
    aside = place.with_name(f"{place.name}.old")
    os.rename(place, aside)
    try:
        os.rename(part, place)
    except OSError:
        os.rename(aside, place)
        raise
    os.rename(aside, part)


@contextlib.contextmanager
def _said(words: str, path: str | Path) -> Iterator[None]:
    """The system's errors in one sentence."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(f"{words} ({why})", file=str(path)) from None


def _named(path: str | Path) -> Path:
    """A path that the system can take."""
    if not isinstance(path, (str, os.PathLike)) or "\0" in os.fspath(path):
        raise InputError("a path without NUL", value=path)
    return Path(path)
