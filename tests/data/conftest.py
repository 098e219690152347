"""Copies of the tables that a test may break."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from bayes_alliance.bundled import bundled

FILES = ("episodes.csv", "clients.csv", "years.csv", "codings.csv")


class Copy:
    """A copy of the bundled tables with simple means to change it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FILES:
            shutil.copy(bundled("data", name), folder / name)

    def read(self, file: str) -> list[list[str]]:
        """Rows of a file, the header first, so that row n of the file is at n - 1."""
        return list(csv.reader(io.StringIO((self.folder / file).read_text(encoding="utf-8"))))

    def write(self, file: str, rows: list[list[str]]) -> None:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        (self.folder / file).write_text(out.getvalue(), encoding="utf-8", newline="\n")

    def row(self, file: str, *key: str) -> int:
        """Line of the first row that begins with a key."""
        rows = self.read(file)
        return next(n for n, row in enumerate(rows, 1) if tuple(row[: len(key)]) == key)

    def set(self, file: str, row: int, column: str, value: str) -> None:
        rows = self.read(file)
        rows[row - 1][rows[0].index(column)] = value
        self.write(file, rows)

    def drop(self, file: str, *key: str) -> None:
        self.write(file, [r for r in self.read(file) if tuple(r[: len(key)]) != key])

    def rename(self, file: str, old: str, new: str) -> None:
        rows = self.read(file)
        rows[0][rows[0].index(old)] = new
        self.write(file, rows)


@pytest.fixture(scope="session")
def copy_to() -> type[Copy]:
    return Copy


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)
