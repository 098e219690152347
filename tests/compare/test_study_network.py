"""A study's own scheduler listens to nobody else, and what decides a study's numbers is its key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bayes_alliance.compare.study import CODE, _client, imported, module_file

PACKAGE = module_file("fit").parent


def listening(process: int) -> set[str]:
    """Addresses on which a process listens, in the kernel's hexadecimal words."""
    held = {os.readlink(f) for f in Path(f"/proc/{process}/fd").iterdir() if f.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in held:
                found.add(local.partition(":")[0])
    return found


def children(process: int) -> list[int]:
    """A process and those that it began."""
    own = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(p for child in own for p in children(int(child)))]


@pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="needs Linux's /proc")
def test_a_study_listens_on_the_loopback_address_and_takes_no_stranger() -> None:
    before = listening(os.getpid())
    with _client(None, 1) as client:
        heard = set().union(*(listening(p) for p in children(os.getpid()))) - before
        assert heard, "nothing listens: nothing was seen"
        assert heard <= {"0100007F"}, "not on 127.0.0.1 alone"
        address = client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        stranger = (
            "import distributed, sys\n"
            "try:\n"
            "    distributed.Client(sys.argv[1].replace('tls://', 'tcp://'), timeout=3)\n"
            "except (OSError, TimeoutError): print('refused')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", stranger, address], capture_output=True, text=True, timeout=90
        )
        assert done.stdout.strip() == "refused"
        assert client.submit(sum, [1, 2]).result(timeout=30) == 3


def test_all_that_decides_the_numbers_is_in_the_digest() -> None:
    files = {str(f.relative_to(PACKAGE)) for f in imported([module_file(name) for name in CODE])}
    compiler = {f"machine/{f.name}" for f in (PACKAGE / "machine").glob("*.py")} - {
        "machine/__init__.py"
    }
    assert compiler | {"density.py", "compare/refits.py", "data/load.py"} <= files
    assert "process/integrated.py" in files
    assert not {f for f in files if f.startswith(("report/", "cli"))}


def test_an_import_within_a_function_counts(tmp_path: Path) -> None:
    own = tmp_path / "theory.py"
    own.write_text("def terms():\n    from bayes_alliance.process import cells\n")
    found = imported([own])
    assert own in found and PACKAGE / "process/cells.py" in found
