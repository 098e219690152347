"""Spoilt tables, and rules of the codebook read from the cells by the csv module alone."""

from __future__ import annotations

import csv
import io
import math
import re
import shutil
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from engine import NASTY, RIGHT, Fault, source, spoilt_bytes, text

from bayes_alliance.bundled import bundled
from bayes_alliance.data.load import load

Rows = list[list[str]]
NAMES = ("episodes", "clients", "years", "codings")
DESIGNS = (
    "none",
    *(f"{n}_{c}" for n in ("bilateral", "trilateral", "multilateral") for c in ("weak", "strong")),
)
THEATRES = ("europe", "asia", "americas", "middle-east", "africa")
SLUG, STATE, STATES = r"[a-z0-9]+(-[a-z0-9]+)*", r"[A-Z]{3}", r"[A-Z]{3}(\+[A-Z]{3})*"
DAY = "day"
COLUMNS: dict[str, dict[str, tuple[Any, bool]]] = {
    "episodes": {
        "episode": (SLUG, False),
        "name": (r"(?s).*\S.*", False),
        "theatre": (THEATRES, False),
        "patron": (STATE, False),
        "adversary": (STATE, True),
        "date": (DAY, False),
        "proposal": (DESIGNS, True),
        "outcome": ((*DESIGNS, "refused"), False),
        "commitment": (("none", "consult", "defend"), True),
        "initiative": (("clients", "patron"), True),
        "frame": (("gain", "loss"), True),
        "threat_statement": (("low", "moderate", "high"), True),
        "fallback_of": (SLUG, True),
        "accession_to": (SLUG, True),
        "start": (DAY, True),
        "end": (DAY, True),
        "ended": (("in_force", "dissolved", "lapsed", "shrunk", "replaced"), True),
    },
    "clients": {
        "episode": (SLUG, False),
        "client": (STATE, False),
        "capability_ratio": ((1e-4, 1e6, float), True),
        "patron_ratio": ((1e-4, 1e6, float), True),
        "forces_ratio": ((0, 1e5, float), True),
        "distance_km": ((0, 20040, float), True),
        "land_access": (("sea", "landmass", "contiguous"), True),
        "occupied": ((0, 1, int), True),
        "disputes": ((0, 100, int), True),
        "fear": (("none", "some", "strong"), True),
        "polyarchy": ((0, 1, float), True),
        "polyarchy_gap": ((-1, 1, float), True),
    },
    "years": {
        "patron": (STATE, False),
        "theatre": (THEATRES, False),
        "year": ((1816, 2025, int), False),
        "adversary": (STATES, True),
        "power_ratio": ((0, 1e4, float), True),
        "forces_ratio": ((0, 1e4, float), True),
        "distance_km": ((0, 20040, float), True),
        "polyarchy_gap": ((-1, 1, float), True),
        "disputes": ((0, 100, int), False),
    },
    "codings": {
        "table": (NAMES[:3], False),
        "episode": (rf"\*|{SLUG}", False),
        "client": (rf"\*|{STATE}", False),
        "column": (r"(?s).+", False),
        "source": (r"(?s).+", False),
        "confidence": ((0, 1, float), False),
        "note": (r"(?s).+", True),
    },
}
"""What may stand in each column, and whether it may be empty."""
KEYS = {
    "episodes": ("episode",),
    "clients": ("episode", "client"),
    "years": ("patron", "theatre", "year"),
    "codings": ("table", "episode", "client", "column"),
}
SPECIAL = (
    *(
        "1e309",
        "-1",
        "NaN",
        "inf",
        "1_000",
        "１",
        " 5",
        "5 ",
        "0x10",
        "1e5",
        "+3",
        "007",
        "1,5",
        "--1",
    ),
    *(
        "1947-02-30",
        "1947-3-4",
        "47-03-04",
        "03/04/1947",
        "1815-12-31",
        "2026-01-01",
        "1947-03-04T00:00",
    ),
    *(
        "AUS",
        "DEU",
        "IRQ",
        "usa",
        "US",
        "USA",
        "RUS",
        "RUS+RUS",
        "RUS+",
        "+",
        "USA+RUS",
        "JPN",
        "XXX",
    ),
    *(
        "none",
        "refused",
        "in_force",
        "dissolved",
        "contiguous",
        "multilateral_strong",
        "bilateral_weak",
    ),
    *("dunkirk-1947", "pacific-pact-1951", "*", "1945-1950", "0", "1", "9000", "0.5"),
)


def rows_of(content: bytes) -> Rows:
    """The records of a file, blank lines left out."""
    read = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    return [row for row in read if row]


def written(rows: Rows) -> bytes:
    """Records as a file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def wrong(tables: dict[str, bytes], states: set[str]) -> str | None:
    """What is wrong with tables, by rules of the codebook; None if nothing is."""
    read: dict[str, list[dict[str, str]]] = {}
    for name, content in tables.items():
        try:
            header, *rows = rows_of(content)
        except (UnicodeDecodeError, csv.Error, ValueError):
            return f"{name} is no CSV in UTF-8"
        if b"\0" in content:
            return f"{name} holds a NUL"
        if sorted(header) != sorted(COLUMNS[name]):
            return f"{name} has other columns"
        if any(len(row) != len(header) for row in rows) or (not rows and name != "codings"):
            return f"{name} has rows of another length, or none"
        read[name] = [dict(zip(header, row, strict=True)) for row in rows]
        for row in read[name]:
            for column, cell in row.items():
                if (bad := _cell(cell, *COLUMNS[name][column])) is not None:
                    return f"{name}.{column}: {cell!r} is {bad}"
        keys = [tuple(_plain(row[k]) for k in KEYS[name]) for row in read[name]]
        if len(set(keys)) < len(keys):
            return f"{name} has a key twice"
    return _together(read, states)


def _plain(cell: str) -> str:
    return str(int(float(cell))) if re.fullmatch(r"[+-]?\d+(\.0*)?", cell) else cell


def _cell(cell: str, allowed: Any, empty: bool) -> str | None:
    """Why a cell may not stand there."""
    if not cell:
        return None if empty else "empty"
    if allowed == DAY:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", cell, re.ASCII):
            return "no date"
        try:
            day = date.fromisoformat(cell)
        except ValueError:
            return "no date"
        return None if date(1816, 1, 1) <= day <= date(2025, 12, 31) else "out of range"
    if isinstance(allowed, str):
        return None if re.fullmatch(allowed, cell) else "of another form"
    if allowed[-1] in (int, float):
        low, high, kind = allowed
        if not cell.isascii() or not re.fullmatch(r"[-+0-9.eE]+", cell):
            return "no number"
        try:
            number = float(cell)
        except ValueError:
            return "no number"
        if kind is int and number != int(number) if math.isfinite(number) else True:
            return "no whole number"
        return None if low <= number <= high else "out of range"
    return None if cell in allowed else "no code"


def _together(read: dict[str, list[dict[str, str]]], states: set[str]) -> str | None:
    """What contradicts itself."""
    episodes = {row["episode"]: row for row in read["episodes"]}
    clients: dict[str, list[dict[str, str]]] = {}
    for row in read["clients"]:
        clients.setdefault(row["episode"], []).append(row)
        one = episodes.get(row["episode"])
        if one is None:
            return "a client of no episode"
        if row["client"] in (one["patron"], one["adversary"]):
            return "a client that is patron or adversary"
        if (
            row["land_access"] == "contiguous"
            and row["distance_km"]
            and float(row["distance_km"]) > 1000
        ):
            return "contiguous from afar"
    named = [row["name"] for row in read["episodes"]]
    if len(set(named)) < len(named):
        return "a name twice"
    for name, table in read.items():
        for row in table:
            for column in ("patron", "adversary", "client"):
                cell = row.get(column, "*")
                if (
                    name != "codings"
                    and cell not in ("", "*")
                    and not set(cell.split("+")) <= states
                ):
                    return f"{cell} is no state"
    for row in read["years"]:
        against = row["adversary"].split("+")
        if row["patron"] in against or len(set(against)) < len(against):
            return "a patron against itself, or an adversary twice"
    for key, row in episodes.items():
        if key not in clients:
            return "an episode without clients"
        if row["patron"] == row["adversary"]:
            return "a patron against itself"
        design = row["outcome"] not in ("none", "refused")
        if design != bool(row["start"]) or bool(row["ended"]) != bool(row["start"]):
            return "a design without a start, or a start without one"
        if row["end"] and not row["start"]:
            return "an end without a start"
        if bool(row["end"]) == (row["ended"] == "in_force") and row["start"]:
            return "in force and ended"
        if (row["start"] and row["start"] < row["date"]) or (
            row["end"] and row["end"] <= row["start"]
        ):
            return "days in another order"
        if (
            row["outcome"].startswith("multilateral")
            and len(clients[key]) < 2
            and not row["accession_to"]
        ):
            return "multilateral with one client"
        for column in ("fallback_of", "accession_to"):
            if not row[column]:
                continue
            other = episodes.get(row[column])
            if other is None or other is row:
                return f"{column} names no other episode"
            if (other["outcome"] == "refused") != (column == "fallback_of") or other[
                "outcome"
            ] == "none":
                return f"{column} names another kind of episode"
            if row["date"] < other["date"]:
                return f"{column} of a later episode"
        if row["fallback_of"]:
            other = episodes[row["fallback_of"]]
            if any(row[k] != other[k] for k in ("theatre", "patron", "adversary", "proposal")):
                return "a fallback from another case"
            known = {c["client"] for c in clients[row["fallback_of"]]}
            if not {c["client"] for c in clients[key]} <= known:
                return "a fallback with other clients"
        if row["outcome"] == "refused" and not any(
            o["fallback_of"] == key for o in episodes.values()
        ):
            return "a refusal without what came of it"
        last = row["end"] or ("2025" if row["start"] else row["date"])
        wanted = range(max(1816, int(row["date"][:4]) - 5), int(last[:4]) + 1)
        have = {
            int(float(y["year"]))
            for y in read["years"]
            if (y["patron"], y["theatre"]) == (row["patron"], row["theatre"])
        }
        if not have.issuperset(wanted):
            return "a year that is missing"
    return None


class Tables:
    """Folders of tables."""

    name, share = "tables", 0.2

    def set_up(self, folder: Path) -> None:
        """A few episodes of the bundled tables, with a refusal and an accession."""
        self.folder = folder / "tables"
        kept = ("dunkirk-1947", "north-atlantic-1949", "north-atlantic-1952", "pacific-pact-1951",
                "us-philippines-1951", "anzus-1951", "us-japan-1951", "us-taiwan-1954")  # fmt: skip
        whole = {name: rows_of(bundled("data", f"{name}.csv").read_bytes()) for name in NAMES}
        self.states = {row[0] for row in rows_of(bundled("data", "states.csv").read_bytes())[1:]}
        episodes = whole["episodes"]
        self.base = dict(whole)
        self.base["episodes"] = [episodes[0], *(r for r in episodes if r[0] in kept)]
        self.base["clients"] = [r for r in whole["clients"] if r[0] in ("episode", *kept)]
        places = {(r[3], r[2]) for r in self.base["episodes"]}
        self.base["years"] = [r for r in whole["years"] if (r[0], r[1]) in places]
        pairs = {(r[0], r[1]) for r in self.base["clients"]}
        of_all = {c for _, c in pairs}
        self.base["codings"] = [
            r
            for r in whole["codings"]
            if (r[1] in (*kept, "episode", "*") or r[0] == "years")
            and (
                r[2] in ("*", "client")
                or (r[2] in of_all if r[1] == "*" else (r[1], r[2]) in pairs)
            )
        ]
        untouched = {name: written(rows) for name, rows in self.base.items()}
        assert wrong(untouched, self.states) is None, wrong(untouched, self.states)
        assert self._try(untouched) == RIGHT

    def attempt(self, seed: int) -> str:
        """Spoil one thing, or a few."""
        rng = source(self.name, seed)
        tables = {name: [list(row) for row in rows] for name, rows in self.base.items()}
        how = rng.choice(
            (cell, cell, cell, contradiction, contradiction, rows_changed, columns_changed)
        )
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            how(rng, tables)
        contents = {name: written(rows) for name, rows in tables.items()}
        if rng.random() < 0.2:
            name = rng.choice(NAMES)
            contents[name] = bytes_changed(rng, contents[name])
        if rng.random() < 0.03:
            del contents[rng.choice(NAMES)]
        return self._try(contents, rng.choice(NAMES) if rng.random() < 0.01 else None)

    def _try(self, contents: dict[str, bytes], as_folder: str | None = None) -> str:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        for name, content in contents.items():
            if name == as_folder:
                (self.folder / f"{name}.csv").mkdir()
            else:
                (self.folder / f"{name}.csv").write_bytes(content)
        data = load(self.folder)
        if as_folder in contents or not {"episodes", "clients", "years"} <= set(contents):
            raise Fault("accepted without a table")
        if (why := wrong(contents, self.states)) is not None:
            raise Fault(f"accepted: {why}")
        for name in NAMES[:3]:
            same(name, rows_of(contents[name]), getattr(data, name))
        return RIGHT


def same(name: str, rows: Rows, frame: Any) -> None:
    """Compare what was loaded with the cells of the file."""
    header, *records = rows
    if name == "years":  # of theatres without an episode nothing is kept
        place = header.index("theatre")
        records = [r for r in records if r[place] in set(frame["theatre"])]
    if len(records) != len(frame):
        raise Fault(f"{name}: {len(records)} rows became {len(frame)}")
    for column, (allowed, _) in COLUMNS[name].items():
        place = header.index(column)
        for record, value in zip(records, frame[column].tolist(), strict=True):
            cell, missing = record[place], value is None or value != value
            if not cell:
                right = missing
            elif missing:
                right = False
            elif allowed == DAY:
                right = value.strftime("%Y-%m-%d") == cell
            elif not isinstance(allowed, str) and allowed[-1] in (int, float):
                right = float(cell) == float(value)
            else:
                right = str(value) == cell
            if not right:
                raise Fault(f"{name}.{column}: {cell!r} became {value!r}")


def cell(rng: Random, tables: dict[str, Rows]) -> None:
    """Something else in a cell."""
    name = rng.choice(NAMES)
    rows = tables[name]
    if len(rows) < 2:
        return
    row, place = rng.choice(rows[1:]), rng.randrange(len(rows[0]))
    if place >= len(row):
        return
    other = rng.choice(rows[1:])
    row[place] = rng.choice(
        (
            lambda: rng.choice(SPECIAL),
            lambda: rng.choice(NASTY),
            lambda: text(rng),
            lambda: "",
            lambda: other[place] if place < len(other) else "",
            lambda: rng.choice(other) if other else "",
            lambda: row[place] + rng.choice((" ", "0", ".", "x", "\n")),
        )
    )()


def contradiction(rng: Random, tables: dict[str, Rows]) -> None:
    """Cells that are right each by itself, and not together."""
    header = {name: rows[0] for name, rows in tables.items()}

    def put(name: str, column: str, value: str, where: str = "") -> None:
        rows = [r for r in tables[name][1:] if where in r] if where else tables[name][1:]
        if rows and column in header[name]:
            place = header[name].index(column)
            row = rng.choice(rows)
            if place < len(row):
                row[place] = value

    episode = rng.choice([r[0] for r in tables["episodes"][1:] if r] or [""])
    state = rng.choice(("USA", "RUS", "CHN", "UKG", "JPN", "FRN", "AUS", "IRQ"))
    day = f"{rng.randrange(1930, 2020)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}"
    changes = (
        lambda: put("episodes", "patron", state),
        lambda: put("episodes", "adversary", state),
        lambda: put("episodes", rng.choice(("date", "start", "end")), day),
        lambda: put("episodes", rng.choice(("fallback_of", "accession_to")), episode),
        lambda: put(
            "episodes", rng.choice(("proposal", "outcome")), rng.choice((*DESIGNS, "refused"))
        ),
        lambda: put("episodes", "ended", rng.choice(("in_force", "lapsed", ""))),
        lambda: put("episodes", "name", rng.choice(("Dunkirk 1947", " ", "a\x1bb"))),
        lambda: put("episodes", "theatre", rng.choice(THEATRES)),
        lambda: put("clients", "client", state),
        lambda: put("clients", "episode", episode),
        lambda: put("clients", "distance_km", "9000", "contiguous"),
        lambda: put("clients", "land_access", "contiguous"),
        lambda: put("years", "adversary", rng.choice(("RUS+RUS", "USA", "RUS+CHN", "CHN+USA", ""))),
        lambda: put("years", "year", str(rng.randrange(1810, 2030))),
        lambda: put("codings", "confidence", rng.choice(("0", "1", "1.1", "-0.1", "0.5"))),
        lambda: put("codings", "column", rng.choice(header["clients"])),
        lambda: put("codings", "episode", rng.choice((episode, "1950", "1950-1940", "*"))),
    )
    rng.choice(changes)()


def rows_changed(rng: Random, tables: dict[str, Rows]) -> None:
    """Rows that are fewer, more, or in another order."""
    name = rng.choice(NAMES)
    header, *rows = tables[name]
    kind = rng.randrange(7)
    if rows and kind == 0:
        del rows[rng.randrange(len(rows))]
    elif rows and kind == 1:
        rows.insert(rng.randrange(len(rows)), list(rng.choice(rows)))
    elif kind == 2:
        rng.shuffle(rows)
    elif kind == 3:
        rows.append([text(rng) for _ in header])
    elif rows and kind == 4:
        rng.choice(rows).append(rng.choice(("", "x")))
    elif rows and kind == 5:
        del rng.choice(rows)[-1:]
    elif kind == 6:
        rows = rows[: rng.randrange(len(rows) + 1)]
    tables[name] = [header, *rows]


def columns_changed(rng: Random, tables: dict[str, Rows]) -> None:
    """Columns that are fewer, more, of another name, or in another order."""
    name = rng.choice(NAMES)
    rows = tables[name]
    place, kind = rng.randrange(len(rows[0])), rng.randrange(6)
    if kind == 0:
        for row in rows:
            del row[place : place + 1]
    elif kind == 1:
        rows[0][place] = rng.choice(
            (text(rng), rows[0][place].upper(), rows[0][place] + " ", "x" * 5000)
        )
    elif kind == 2:
        order = list(range(len(rows[0])))
        rng.shuffle(order)
        tables[name] = [[row[p] for p in order] for row in rows if len(row) == len(order)]
    elif kind == 3:
        for row in rows:
            row.append(row[place] if place < len(row) else "")
    elif kind == 4:
        for i, row in enumerate(rows):
            row.append("note 2" if not i else "x")
    else:
        rows[0] = list(rng.choice(tables[rng.choice(NAMES)]))


def bytes_changed(rng: Random, content: bytes) -> bytes:
    """Another form of the same, or a spoilt one."""
    kind = rng.randrange(8)
    if kind == 0:
        return b"\xef\xbb\xbf" + content
    if kind == 1:
        return content.replace(b"\n", b"\r\n")
    if kind == 2:
        return content.replace(b"\n", b"\n\n")
    if kind == 3:
        return content.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-32", "utf-7")))
    if kind == 4:
        return content.replace(b",", rng.choice((b";", b"\t")))
    if kind == 5:
        return b""
    return spoilt_bytes(rng, content)
