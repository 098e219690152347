"""The shipped tables follow from the published data, and what is written is whole."""

from __future__ import annotations

import functools
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_alliance.bundled import bundled
from bayes_alliance.cli import app
from bayes_alliance.data import build, fields, load
from bayes_alliance.data.asymmetric import read_coding
from bayes_alliance.data.columns import Published
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.universe_schema import LATEST, UNIVERSE
from bayes_alliance.data.validate import read_table
from bayes_alliance.errors import InputError

needs_sources = pytest.mark.skipif(
    not build.sources().is_dir(),
    reason="the published data are not there (BAYES_ALLIANCE_SOURCES)",
)

BUILT = ("states", "clients", "years", "latest", *(f"asymmetric/{name}" for name in UNIVERSE))
SECONDS = 60.0


@functools.cache
def published() -> Published:
    """The published data, read once for all modules of tests that import this."""
    return Published.read(build.sources(), read_coding(bundled("data", "coding")))


@functools.cache
def built() -> tuple[dict[str, str], float]:
    """The tables made again, and the seconds of the processor that took."""
    begun = time.process_time()
    return build.build(bundled("data"), build.sources()), time.process_time() - begun


@needs_sources
@pytest.mark.parametrize("name", BUILT)
def test_shipped_table_comes_out_byte_for_byte(name: str) -> None:
    wanted, _ = built()
    text = wanted[f"{name}.csv"]
    same = bundled("data", f"{name}.csv").read_bytes() == text.encode()
    assert same, build.differences(bundled("data"), {f"{name}.csv": text})[:5]


@needs_sources
def test_nothing_else_is_built_and_it_takes_less_than_a_minute() -> None:
    wanted, seconds = built()
    assert set(wanted) == {f"{name}.csv" for name in BUILT} | set(build.CODED)
    assert seconds < SECONDS


@needs_sources
def test_a_changed_number_is_reported_and_mended(tmp_path: Path) -> None:
    wanted, _ = built()
    build.write(tmp_path, wanted)
    path = tmp_path / "clients.csv"
    right = path.read_text(encoding="utf-8")
    wrong = right.replace("dunkirk-1947,FRN,4.152", "dunkirk-1947,FRN,5")
    assert wrong != right
    path.write_text(wrong, encoding="utf-8", newline="\n")
    (line,) = build.differences(tmp_path, wanted)
    assert "clients.csv row 2" in line and "FRN,5," in line and "FRN,4.152," in line
    assert build.write(tmp_path, wanted) == [path]
    assert path.read_text(encoding="utf-8") == right


@needs_sources
def test_what_is_coded_by_hand_is_left_as_it_is() -> None:
    """Only the computed columns of clients.csv come from the sources."""
    wanted, _ = built()
    lines = [line.split(",") for line in wanted["clients.csv"].splitlines()]
    clients = pd.DataFrame(lines[1:], columns=lines[0])
    coded = read_table(bundled("data", "clients.csv"), TABLES["clients"])
    for column in {*TABLES["clients"].columns} - {*build.COMPUTED, "occupied"}:
        assert clients[column].tolist() == coded[column].fillna("").tolist(), column


# --- what the tables are made of ----------------------------------------------------------------


def test_environment_names_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAYES_ALLIANCE_SOURCES", str(tmp_path / "elsewhere"))
    assert build.sources() == tmp_path / "elsewhere"
    monkeypatch.delenv("BAYES_ALLIANCE_SOURCES")
    assert build.sources().parts[-2:] == ("shared", "sources")


def test_missing_folder_of_sources_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="BAYES_ALLIANCE_SOURCES") as caught:
        build.check_sources(tmp_path / "nowhere")
    assert caught.value.file == str(tmp_path / "nowhere")
    build.check_sources(tmp_path)


def test_missing_folder_of_sources_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        build.build(bundled("data"), tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value.file)


@needs_sources
def test_missing_source_file_is_named(tmp_path: Path) -> None:
    for source in build.sources().iterdir():
        if source.name != "tss_rivalries.csv":
            (tmp_path / source.name).symlink_to(source)
    with pytest.raises(InputError, match="a source file") as caught:
        build.build(bundled("data"), tmp_path)
    assert caught.value.file == str(tmp_path / "tss_rivalries.csv")


def test_missing_tables_coded_by_hand_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        build.build(tmp_path, tmp_path)
    assert str(tmp_path / "coding") in str(caught.value.file)


# --- cells --------------------------------------------------------------------------------------


def cell(value: object) -> str:
    return build.as_csv(pd.DataFrame({"x": pd.Series([value, "end"], dtype=object)})).split("\n")[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.15158, "4.152"),
        (250.26, "250.3"),
        (13503.2, "13500"),
        (0.0, "0"),
        (-0.1764, "-0.1764"),
        (2.0, "2"),
        (1999, "1999"),
        (12345, "12345"),  # whole numbers are not rounded
        (0.00012344, "0.0001234"),
        (pd.Timestamp("1949-04-04"), "1949-04-04"),
        (pd.NaT, '""'),
        (None, '""'),
        (float("nan"), '""'),
        ("a, b", '"a, b"'),
    ],
)
def test_cells_as_text(value: object, text: str) -> None:
    assert cell(value) == text


NUMBERS = fields.table(
    "numbers", "Numbers", "Numbers.", ["x"], {"x": fields.number("X", "Number.", "", -1e7, 1e7)}
)


@given(st.floats(-1e6, 1e6))
def test_numbers_survive_being_written(
    tmp_path_factory: pytest.TempPathFactory, value: float
) -> None:
    """What is written is read again as a number, with four digits, and 0 has no sign.

    The difference of two equal means can be 1e-17 below 0.
    """
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    text = cell(value)
    path.write_text(f"x\n{text}\n", encoding="utf-8")
    read = float(read_table(path, NUMBERS)["x"].iloc[0])
    assert read == pytest.approx(value, rel=5.1e-4, abs=1e-9)
    assert text != "-0"


def test_columns_are_in_the_order_of_the_schemas() -> None:
    schemas = TABLES | {"latest": LATEST} | {f"asymmetric/{n}": s for n, s in UNIVERSE.items()}
    for name in BUILT:
        schema = schemas[name]
        with bundled("data", f"{name}.csv").open(encoding="utf-8") as file:
            assert file.readline().rstrip("\n").split(",") == list(schema.columns)


# --- writing ------------------------------------------------------------------------------------

WANTED = {"states.csv": "a,b\n1,2\n", "asymmetric/years.csv": "x\né\n"}


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def as_bytes(wanted: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in wanted.items()}


def test_write_makes_folders_and_leaves_no_other_file(tmp_path: Path) -> None:
    out = tmp_path / "new" / "data"
    assert build.write(out, WANTED) == [out / name for name in WANTED]
    assert content(out) == as_bytes(WANTED)


def test_write_leaves_unchanged_files_alone(tmp_path: Path) -> None:
    build.write(tmp_path, WANTED)
    before = {name: (tmp_path / name).stat() for name in WANTED}
    assert build.write(tmp_path, WANTED) == []
    assert build.write(tmp_path, WANTED | {"states.csv": "a,b\n1,3\n"}) == [tmp_path / "states.csv"]
    after = {name: (tmp_path / name).stat() for name in WANTED}
    kept = "asymmetric/years.csv"
    assert (after[kept].st_ino, after[kept].st_mtime_ns) == (
        before[kept].st_ino,
        before[kept].st_mtime_ns,
    )
    assert (tmp_path / "states.csv").read_text(encoding="utf-8") == "a,b\n1,3\n"


def test_files_with_other_bytes_are_written_and_reported(tmp_path: Path) -> None:
    """Line ends and a byte order mark are bytes too."""
    build.write(tmp_path, WANTED)
    path = tmp_path / "states.csv"
    for other in (b"a,b\r\n1,2\r\n", b"\xef\xbb\xbfa,b\n1,2\n", b"a,b\n1,2", b"a,b\n1,2\n\xff\n"):
        path.write_bytes(other)
        assert build.differences(tmp_path, WANTED), other
        assert build.write(tmp_path, WANTED) == [path], other
        assert content(tmp_path) == as_bytes(WANTED), other


def test_differences_of_a_missing_longer_and_shorter_file(tmp_path: Path) -> None:
    assert any("states.csv" in line for line in build.differences(tmp_path, WANTED))
    build.write(tmp_path, WANTED)
    assert build.differences(tmp_path, WANTED) == []
    (tmp_path / "states.csv").write_text("a,b\n1,2\n3,4\n", encoding="utf-8", newline="\n")
    assert build.differences(tmp_path, WANTED) == ["states.csv: has 3 lines, sources give 2"]


def test_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="a folder that can be written") as caught:
            build.write(out, WANTED)
        assert caught.value.file == str(out)
    assert content(tmp_path) == {"file": b"mine"}


def test_folder_below_out_that_is_a_file_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "asymmetric").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="a folder that can be written"):
        build.write(tmp_path, WANTED)
    assert content(tmp_path) == {"asymmetric": b"mine"}


def test_table_that_is_a_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "asymmetric" / "years.csv").mkdir(parents=True)
    with pytest.raises(InputError):
        build.write(tmp_path, WANTED)
    assert content(tmp_path) == {}


def test_file_that_a_writer_once_used_is_the_users(tmp_path: Path) -> None:
    build.write(tmp_path, WANTED)
    (tmp_path / "states.half").write_text("mine", encoding="utf-8")
    build.write(tmp_path, WANTED | {"states.csv": "a\n"})
    assert (tmp_path / "states.csv").read_bytes() == b"a\n"
    assert (tmp_path / "states.half").read_text(encoding="utf-8") == "mine"


def test_shipped_tables_can_be_written_elsewhere(tmp_path: Path) -> None:
    """What is shipped passes its own schemas when it is read from another folder."""
    for name, schema in UNIVERSE.items():
        shutil.copy(bundled("data", "asymmetric", f"{name}.csv"), tmp_path)
        assert len(read_table(tmp_path / f"{name}.csv", schema)) > 0


# --- where it is written ------------------------------------------------------------------------


def shipped() -> dict[str, str]:
    """What a build gives: the shipped tables."""
    computed = {f"{n}.csv": bundled("data", f"{n}.csv").read_text(encoding="utf-8") for n in BUILT}
    return computed | build.coded(bundled("data"))


def test_what_is_written_can_be_loaded(tmp_path: Path) -> None:
    build.write(tmp_path / "new", shipped())
    assert load(tmp_path / "new").hash == load("europe", "asia").hash
    assert load(tmp_path / "new").notes == ()


@needs_sources
def test_what_is_built_can_be_loaded(tmp_path: Path) -> None:
    build.write(tmp_path, built()[0])
    assert load(tmp_path).hash == load("europe", "asia").hash


def test_tables_coded_by_hand_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "episodes.csv").write_text("my own work", encoding="utf-8")
    with pytest.raises(InputError, match="not overwritten") as caught:
        build.write(tmp_path, shipped())
    assert caught.value.file == str(tmp_path / "episodes.csv")
    assert content(tmp_path) == {"episodes.csv": b"my own work"}


def test_a_folder_to_write_must_be_named_and_is_not_the_package(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--out"):
        build.place(None)
    package = Path(build.__file__).parents[1]
    for inside in (package, package / "_bundled" / "data"):
        with pytest.raises(InputError, match="outside the package"):
            build.place(inside)
    assert build.place(tmp_path) == tmp_path


def test_the_command_without_a_folder_writes_nothing(tmp_path: Path) -> None:
    before = content(bundled("data"))
    words = ["data", "build", "--sources", str(tmp_path)]
    with pytest.raises(InputError, match="--out"):
        app(words, standalone_mode=False)
    assert content(bundled("data")) == before
