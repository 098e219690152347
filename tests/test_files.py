"""Files are whole whoever writes them, and nobody else's are replaced."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bayes_alliance import files
from bayes_alliance.errors import InputError
from bayes_alliance.files import (
    locked,
    new_folder,
    target,
    writable,
    write_bytes,
    write_set,
    write_text,
)

SIZE = 400_000


def ours(folder: Path) -> bool:
    return (folder / "ours").exists()


def _write(path: Path, letter: bytes, times: int) -> None:
    for _ in range(times):
        write_bytes(path, letter * SIZE)


def _fill(path: Path, letter: str, times: int) -> None:
    for _ in range(times):
        with new_folder(path, ours) as part:
            for name in ("ours", "a", "b"):
                (part / name).write_text(letter * 1000)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_every_read_beside_several_writers_is_whole(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "one"
    work, letters = (_write, (b"a", b"b", b"c")) if kind == "file" else (_fill, ("a", "b", "c"))
    work(path, letters[0], 1)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=work, args=(path, letter, 40)) for letter in letters]
    for writer in writers:
        writer.start()
    reads = 0
    while any(writer.is_alive() for writer in writers):
        if kind == "file":
            found = path.read_bytes()
            assert len(found) == SIZE and len(set(found)) == 1
        else:
            with locked(tmp_path, shared=True):
                texts = [(path / name).read_text() for name in ("ours", "a", "b")]
            assert len(set("".join(texts))) == 1 and {len(t) for t in texts} == {1000}
        reads += 1
        time.sleep(0.002)
    assert reads > 10 and [writer.exitcode for writer in writers] == [0, 0, 0]
    assert os.listdir(tmp_path) == ["one"], "nothing is left beside the target"


KILLED = """
import os, sys
from pathlib import Path
from bayes_alliance import files
step, path = int(sys.argv[1]), Path(sys.argv[2])
count = 0
def counted(name, of=os):
    real = getattr(of, name)
    def run(*given, **named):
        global count
        count += 1
        if count == step:
            os.kill(os.getpid(), 9)
        return real(*given, **named)
    setattr(of, name, run)
for name in ("replace", "rename", "fsync", "unlink", "rmdir"):
    counted(name)
counted("_exchange", files)
if path.suffix:
    files.write_bytes(path, b"new" * 1000)
else:
    with files.new_folder(path, lambda folder: (folder / "ours").exists()) as part:
        for name in ("ours", "a"):
            (part / name).write_text("new")
"""


@pytest.mark.parametrize("name", ["one.csv", "one"])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_kill_at_any_step_leaves_the_old_or_the_new(step: int, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix:
        write_bytes(path, b"old" * 1000)
    else:
        with new_folder(path, ours) as part:
            for inner in ("ours", "a"):
                (part / inner).write_text("old")
    subprocess.run([sys.executable, "-c", KILLED, str(step), str(path)], check=False)
    found = [path.read_bytes()] if path.suffix else [p.read_bytes() for p in path.iterdir()]
    assert {f.decode()[:3] for f in found} in ({"old"}, {"new"})
    assert len(found) == (1 if path.suffix else 2)
    # the next writer clears away what the killed one left
    write_bytes(path, b"next") if path.suffix else _fill(path, "next", 1)
    assert os.listdir(tmp_path) == [name]


def test_what_is_not_ours_is_not_replaced(tmp_path: Path) -> None:
    thesis = tmp_path / "x.zarr" / "thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(InputError, match="wrote itself"), new_folder(thesis.parent, ours):
        pass
    assert thesis.read_text() == "years of work"
    for name, make in (("device", lambda p: os.mkfifo(p)), ("folder", lambda p: p.mkdir())):
        path = tmp_path / name
        make(path)
        with pytest.raises(InputError, match="a file, or a name that is free"):
            write_bytes(path, b"x")


def test_a_probe_is_never_a_file_of_the_user(tmp_path: Path) -> None:
    (tmp_path / ".writable").write_text("mine")
    writable(tmp_path)
    assert (tmp_path / ".writable").read_text() == "mine"
    assert os.listdir(tmp_path) == [".writable"]


def test_a_link_is_followed_and_the_mode_kept(tmp_path: Path) -> None:
    real = tmp_path / "real.txt"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "link.txt").symlink_to(real)
    write_text(tmp_path / "link.txt", "new\r\n")
    assert (tmp_path / "link.txt").is_symlink() and real.read_bytes() == b"new\r\n"
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "name",
    ["x" * 250 + ".nc", "x" * 256 + ".nc", "ä" * 125 + ".nc", "a\0b.nc", "a\nb.nc", "\udcff.nc"],
)
def test_any_name_is_written_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    for act in (target, lambda path: write_bytes(path, b"content")):
        try:
            act(tmp_path / name)
        except InputError as error:
            assert len(str(error).splitlines()) == 1 and len(str(error)) <= 500
            assert "\0" in name or len(os.fsencode(name)) > 255
    assert all((tmp_path / found).read_bytes() == b"content" for found in os.listdir(tmp_path))


def test_a_set_changes_whole_or_not_at_all(tmp_path: Path) -> None:
    old = {tmp_path / name: b"old" for name in "abc"}
    write_set(old)
    (tmp_path / "d").mkdir()
    with pytest.raises(InputError):
        write_set({**{path: b"new" for path in old}, tmp_path / "d": b"new"})
    assert {path.read_bytes() for path in old} == {b"old"}
    assert sorted(os.listdir(tmp_path)) == list("abcd")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "one.bin"
    write_bytes(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(InputError, match="File too large"):
            write_bytes(path, bytes(20_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["one.bin"]


def test_room_is_asked_for_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="MB of room"):
        target(tmp_path / "x.nc", room=10**18)


def test_a_folder_that_is_held_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    with locked(tmp_path), pytest.raises(InputError, match="no other process"), locked(tmp_path):
        pass


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from bayes_alliance.files import locked\n"
    code += "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
    with locked(tmp_path):
        pass
