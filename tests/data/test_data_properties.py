"""What must hold for any order of rows and any corrupted cell."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_alliance.data import load
from bayes_alliance.data.schema import TABLES, meta
from bayes_alliance.errors import InputError

if TYPE_CHECKING:
    from conftest import Copy

FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

CODED = [
    (f"{name}.csv", column)
    for name in ("episodes", "clients", "years")
    for column, spec in TABLES[name].columns.items()
    if meta(spec)["kind"] != "text"
]

# No character of it can stand in a number, a date, a code or an abbreviation.
NONSENSE = st.text(alphabet=string.ascii_letters + " é#'\",;!?%\n", min_size=1, max_size=12).map(
    lambda text: "¿" + text
)


@pytest.fixture(scope="module")
def shared(copy_to: type[Copy], tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copy_to(tmp_path_factory.mktemp("tables"))


@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_does_not_matter(shared: Copy, seed: int) -> None:
    wanted = load("europe", "asia").hash
    order = random.Random(seed)
    for file in ("episodes.csv", "clients.csv", "years.csv", "codings.csv"):
        header, *rows = shared.read(file)
        order.shuffle(rows)
        shared.write(file, [header, *rows])
    assert load(shared.folder).hash == wanted


@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_columns_does_not_matter(shared: Copy, seed: int) -> None:
    wanted = load("europe", "asia").hash
    header, *rows = shared.read("clients.csv")
    places = list(range(len(header)))
    random.Random(seed).shuffle(places)
    shared.write("clients.csv", [[row[p] for p in places] for row in [header, *rows]])
    assert load(shared.folder).hash == wanted


@settings(FEW, max_examples=100)
@given(cell=st.sampled_from(CODED), where=st.integers(0, 10**6), value=NONSENSE)
def test_any_corrupted_cell_is_refused(
    copy_to: type[Copy], tmp_path: Path, cell: tuple[str, str], where: int, value: str
) -> None:
    file, column = cell
    copy = copy_to(tmp_path)
    row = 2 + where % (len(copy.read(file)) - 1)
    copy.set(file, row, column, value)
    with pytest.raises(InputError) as caught:
        load(copy.folder)
    error = caught.value
    assert str(error.file).endswith(file)
    assert (error.row, error.column, error.value) == (row, column, value)
    assert "(and" not in error.expected


@settings(FEW, max_examples=50)
@given(
    cell=st.sampled_from([pair for pair in CODED if pair[0] == "clients.csv"]),
    where=st.integers(0, 10**6),
    value=st.text(max_size=8).filter(lambda text: "\0" not in text and "\r" not in text),
)
def test_any_text_is_either_read_or_refused_in_its_place(
    copy_to: type[Copy], tmp_path: Path, cell: tuple[str, str], where: int, value: str
) -> None:
    """Never another exception, and never an error about another table's row."""
    file, column = cell
    copy = copy_to(tmp_path)
    row = 2 + where % (len(copy.read(file)) - 1)
    try:
        copy.set(file, row, column, value)
    except UnicodeEncodeError:  # a lone surrogate cannot be written at all
        return
    try:
        load(copy.folder)
    except InputError as error:
        assert "csv" in str(error.file)
