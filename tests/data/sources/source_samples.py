"""Small made-up files in the layout of each source, and means to write changed ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources import (
    atop,
    capitals,
    contiguity,
    gml,
    majors,
    mid,
    mindist,
    nmc,
    polity,
    rivalries,
    states,
    troops,
    vdem,
    wars,
)
from bayes_alliance.data.sources.layout import Layout

Rows = list[list[str]]


@dataclass(frozen=True)
class Sample:
    """A made-up file: its rows, the header first, so that row n of the file is at n - 1."""

    rows: Rows
    layout: Layout
    read: Callable[[Path], pd.DataFrame]
    schema: DataFrameSchema

    def changed(self, row: int, column: str, value: str) -> Rows:
        """Rows in which one cell is another."""
        rows = [list(cells) for cells in self.rows]
        rows[row - 1][self.rows[0].index(column)] = value
        return rows

    def headers(self, column: str) -> tuple[str, ...]:
        """Headers of a canonical column: one, or year, month and day."""
        return self.layout.headers(self.rows[0])[column]

    def dates(self) -> list[tuple[str, ...]]:
        """Headers of all columns that are read, those of a date together."""
        return list(self.layout.headers(self.rows[0]).values())


def text_of(rows: Rows, end: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue()


def write(folder: Path, rows: Rows) -> Path:
    path = folder / "made-up.csv"
    path.write_text(text_of(rows), encoding="utf-8", newline="")
    return path


def _rows(text: str) -> Rows:
    return [line.split(",") for line in text.split()]


def _wide(always: dict[str, str], *rows: dict[str, str]) -> Rows:
    """Rows that differ from what is always so in a few columns."""
    return [list(always), *([*(always | row).values()] for row in rows)]


_PROVISIONS = dict.fromkeys(
    (
        "ineffect bilat maxphase wartime estmode term defense offense neutral nonagg consul active"
        " conditio defcon offcon neucon concon asymm specthrt statthr1 statthr2 conwtin milcon"
        " milaid intcom subord organ1 orgpurp1 organ2 orgpurp2 base contrib"
    ).split(),
    "0",
) | {"source": "1", "version": "4.01"}


def _dates(**days: str) -> dict[str, str]:
    """Year, month and day, written with hyphens, in three columns."""
    ends = {"beg": "yr mo day", "end": "yr mo day"}
    names = {
        name: [f"{name}{part}" for part in ends[name].split()]
        if name in ends
        else [f"{part}{name}" for part in ("yr", "mo", "day")]
        for name in days
    }
    return {
        header: part
        for name, text in days.items()
        for header, part in zip(names[name], text.split("-"), strict=True)
    }


_MEMS = dict.fromkeys(("mem1", "mem2", "mem3", "mem4"), "")
_ALLIANCES = _wide(
    {"atopid": "", "cowid": ""} | _dates(beg="0-0-0", end="0-0-0") | _PROVISIONS | _MEMS,
    {"atopid": "1005", "defense": "1", "active": "1", "mem1": "2", "mem2": "200", "mem3": "220"}
    | _dates(beg="1949-4-4", end="1966-7-1"),
    {"atopid": "1010", "consul": "1", "ineffect": "1", "mem1": "365", "mem2": "710"}
    | _dates(beg="1950-2-14", end="0-0-0"),
    {"atopid": "1020", "estmode": "", "milaid": "3", "mem1": "220", "mem2": "8152"}
    | _dates(beg="1874-3-15", end="1883-8-"),
)
_MEMBERS = _wide(
    {"atopid": "1005", "member": "", "phase": "0"}
    | _dates(ent="1949-4-4", exit="1966-7-1")
    | _PROVISIONS
    | {"termmode": "0", "termcaus": "0", "obvary": "0"},
    {"member": "2", "phase": "1", "maxphase": "3", "defense": "1"},
    {"member": "2", "phase": "2", "maxphase": "3", "ineffect": "1"}
    | _dates(ent="1966-7-1", exit="0-0-0"),
    {"member": "2", "phase": "3", "maxphase": "3", "ineffect": "1"}
    | _dates(ent="1966-7-1", exit="0-0-0"),
    {"member": "200", "phase": "1", "maxphase": "3", "specthrt": "", "statthr1": "365"},
    {"atopid": "1010", "member": "651"} | _dates(ent="1945-3-22", exit="1979-3-31"),
    {"atopid": "1010", "member": "651", "ineffect": "1"} | _dates(ent="1989-5-", exit="0-0-0"),
    {"atopid": "1020", "member": "8152"} | _dates(ent="1874-3-15", exit="1874-3-"),
)

_SIDES = "sidea1,sidea2,fatality1,fatality2,fatalpre1,fatalpre2,hiact1,hiact2,hostlev1,hostlev2"
_DISPUTES = [
    ("2,10,20,1950,1,1", "1,0,0,3,0,120,16,7,4,3,1,0"),
    ("2,20,10,1950,1,1", "0,1,3,0,120,0,7,16,3,4,0,1"),
    ("2,10,20,1951,1,0", "1,0,0,-9,-9,-9,16,-9,4,1,1,1"),
    ("2,20,10,1951,1,0", "0,1,-9,0,-9,-9,-9,16,1,4,1,1"),
    ("7,10,30,1951,1,1", "1,0,0,0,0,0,1,0,2,1,1,1"),
    ("7,30,10,1951,1,1", "0,1,0,0,0,0,0,1,1,2,1,1"),
]
_REVISIONS = [
    "1,0,1,0,-9,-9",
    "0,1,0,1,-9,-9",
    "1,0,2,0,1,0",
    "0,1,0,2,0,1",
    *["-9,-9,4,3,0,0"] * 2,
]
_REVISIONS[-1] = "-9,-9,3,4,0,0"

SAMPLES: dict[str, Sample] = {
    "atop_alliances": Sample(_ALLIANCES, atop.ALLIANCE_LEVEL, atop.read_alliances, atop.ALLIANCES),
    "atop_members": Sample(_MEMBERS, atop.MEMBER_LEVEL, atop.read_members, atop.MEMBERS),
    "atop_dyads": Sample(
        _rows("""ddyad,stateA,stateB,year,atopally,defense,offense,neutral,nonagg,consul
            10020,10,20,1950,1,1,0,0,0,1
            20010,20,10,1950,1,0,0,0,1,0
            10020,10,20,1951,1,0,0,0,0,1"""),
        atop.DYAD_YEARS,
        atop.read_dyads,
        atop.DYADS,
    ),
    "nmc": Sample(
        _rows("""stateabb,ccode,year,milex,milper,irst,pec,tpop,upop,cinc,version
            AAA,10,1950,100,10,5,20,1000,100,0.2,2025
            AAA,10,1951,-9,11,5.5,20,1010,-9,2.5e-1,2025
            BBB,20,1950,,9,0,0,900,90,.1,2025"""),
        nmc.LAYOUT,
        nmc.read,
        nmc.SCHEMA,
    ),
    "majors": Sample(
        _rows("""ccode,styear,stmonth,stday,endyear,endmonth,endday,version
            10,1820,1,1,1935,6,22,2016
            10,1946,2,28,2016,12,31,2016
            20,1890,4,1,2016,12,31,2016"""),
        majors.LAYOUT,
        majors.read,
        majors.SCHEMA,
    ),
    "states": Sample(
        _rows("""stateabb,ccode,statenme,styear,stmonth,stday,endyear,endmonth,endday,version
            AAA,10,Aland,1820,1,1,1935,6,22,2016
            AAA,10,Aland,1946,2,28,2016,12,31,2016
            BBB,20,Beland,1890,4,1,2016,12,31,2016"""),
        states.LAYOUT,
        states.read,
        states.SCHEMA,
    ),
    "contiguity": Sample(
        _rows("""ccode1,ccode2,conttype,stdate,enddate
            10,20,1,1920-01-01,1950-03-01
            10,20,2,1950-03-01,2016-12-01
            10,30,0,1900-01-01,2016-12-01
            10,30,5,1910-01-01,1911-01-01
            20,10,1,1920-01-01,1950-03-01
            20,10,2,1950-03-01,2016-12-01
            30,10,0,1900-01-01,2016-12-01
            30,10,5,1910-01-01,1911-01-01"""),
        contiguity.DIRECTED,
        contiguity.read,
        contiguity.SCHEMA,
    ),
    "contdir": Sample(
        _rows("""dyad,statelno,statelab,statehno,statehab,conttype,begin,end,version
            10020,10,AAA,20,BBB,1,192001,195003,3.2
            10020,10,AAA,20,BBB,2,195003,201612,3.2
            10030,10,AAA,30,CCC,5,191001,191101,3.2"""),
        contiguity.UNDIRECTED,
        contiguity.read,
        contiguity.SCHEMA,
    ),
    "contdird": Sample(
        _rows("""dyad,state1no,state1ab,state2no,state2ab,year,conttype,version
            10020,10,AAA,20,BBB,1920,1,3.2
            10020,10,AAA,20,BBB,1921,1,3.2
            10020,10,AAA,20,BBB,1922,2,3.2
            10020,10,AAA,20,BBB,1924,2,3.2
            20010,20,BBB,10,AAA,1920,1,3.2
            20010,20,BBB,10,AAA,1921,1,3.2
            20010,20,BBB,10,AAA,1922,2,3.2
            20010,20,BBB,10,AAA,1924,2,3.2"""),
        contiguity.YEARLY,
        contiguity.read,
        contiguity.SCHEMA,
    ),
    "mindist": Sample(
        _rows("""ccode1,ccode2,year,mindist
            10,20,1950,0.0
            10,20,1951,12.5
            10,30,1950,7000"""),
        mindist.LAYOUT,
        mindist.read,
        mindist.SCHEMA,
    ),
    "capitals": Sample(
        _rows("""ccode,statenme,capital,stdate,enddate,lat,lng
            10,Aland,Aton,1816-01-01,1920-04-20,10.5,-20.25
            10,Aland,Bton,1920-04-21,2024-12-31,11,-21
            20,Beland,Ceton,1816-01-01,2024-12-31,-33.1,151"""),
        capitals.LAYOUT,
        capitals.read,
        capitals.SCHEMA,
    ),
    "mid": Sample(
        _rows(
            f"dispnum,ccode1,ccode2,year,dispongoing,disponset,{_SIDES},orig1,orig2\n"
            + "\n".join(",".join(parts) for parts in _DISPUTES)
        ),
        mid.LAYOUT,
        mid.read,
        mid.SCHEMA,
    ),
    "gml": Sample(
        _rows(
            f"dispnum,ccode1,ccode2,year,midongoing,midonset,{_SIDES},orig1,orig2,"
            "revstate1,revstate2,revtype11,revtype12,revtype21,revtype22\n"
            + "\n".join(
                ",".join([*parts, revision])
                for parts, revision in zip(_DISPUTES, _REVISIONS, strict=True)
            )
        ),
        gml.LAYOUT,
        gml.read,
        gml.SCHEMA,
    ),
    "wars": Sample(
        _rows(
            "warnum,ccode1,ccode2,year,cowinterongoing,cowinteronset,sidea1,sidea2,initiator1,"
            """initiator2,outcome1,outcome2,batdeath1,batdeath2,resume
            3,10,20,1864,1,1,1,2,1,0,1,2,400,-9,0
            3,20,10,1864,1,1,2,1,0,1,2,1,-9,400,0
            3,10,20,1864,1,1,1,2,1,0,,,400,-9,1
            3,20,10,1864,1,1,2,1,0,1,,,-9,400,1"""
        ),
        wars.LAYOUT,
        wars.read,
        wars.SCHEMA,
    ),
    "tss": Sample(
        _rows("""tssr_id,ccode1,ccode2,start,end,positional,spatial,ideological,interventionary
            1,10,20,1494,1918,1,1,,
            2,10,20,1919,2020,,,1,0
            3,10,30,1950,1950,,,,"""),
        rivalries.TSS,
        rivalries.read,
        rivalries.SCHEMA,
    ),
    "td": Sample(
        _rows("""rivalryno,ccode1,ccode2,styear,endyear,type1,type2,type3
            1,10,20,1494,1918,spatial,positional,
            2,10,20,1919,2010,ideological,,
            3,10,30,1950,1950,interventionary,positional,spatial"""),
        rivalries.TD,
        rivalries.read,
        rivalries.SCHEMA,
    ),
    "polity": Sample(
        _rows("""ccode,scode,year,polity,polity2
            365,RUS,1921,-1,-1.0
            365,RUS,1922,-1,-1.0
            364,USR,1922,-7,-7.0
            364,USR,1923,-7,-7.0
            305,AUS,1918,-66,
            305,AUS,1919,8,8.0"""),
        polity.LAYOUT,
        polity.read,
        polity.SCHEMA,
    ),
    "vdem": Sample(
        _rows("""country_name,COWcode,year,v2x_polyarchy
            Aland,10.0,1815,0.05
            Aland,10.0,1816,
            Nowhere,,1815,0.2
            Nowhere,,1815,0.3
            Beland,20.0,1815,0.9"""),
        vdem.LAYOUT,
        vdem.read,
        vdem.SCHEMA,
    ),
    "troops": Sample(
        _rows("""countryname,ccode,iso3c,year,troops,region
            Aland,10,ALA,1950,1200,Europe
            Aland,10,ALA,1951,0,Europe
            Afloat,1003,,1950,77,Afloat"""),
        troops.LAYOUT,
        troops.read,
        troops.SCHEMA,
    ),
}
"""A made-up file of every layout."""
