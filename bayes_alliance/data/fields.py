"""Kinds of columns from which the schemas are made: pandera columns with their metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pandera.pandas import Check, Column, DataFrameSchema

OBSERVED_UNTIL = "2025-12-31"
"""Last day of observation: a design without an end was still in force then."""


LONGEST_NAME = 100
"""Characters of the longest name: names stand in tables and figures."""
_ALWAYS_BAD = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
"""Control characters, and those that turn the direction of a text, but for line ends and tabs."""


def text(title: str, description: str, *, nullable: bool = False, key: bool = False) -> Column:
    """Free text with something to see, without control characters."""
    return Column(
        None,
        [Check.str_matches(rf"^(?=\s*\S)[^{_ALWAYS_BAD}]*\Z")],
        nullable=nullable,
        title=title,
        description=description,
        metadata={
            "kind": "text",
            "key": key,
            "expected": "a text, not blank, without control characters",
        },
    )


def name(title: str, description: str) -> Column:
    """Name on one line, told apart from every other of the table."""
    bad = rf"{_ALWAYS_BAD}\t\n\r"
    return Column(
        None,
        [
            Check.str_matches(rf"^(?=\s*\S)[^{bad}]*\Z"),
            Check.str_length(max_value=LONGEST_NAME),
        ],
        title=title,
        description=description,
        metadata={
            "kind": "text",
            "key": False,
            "distinct": True,
            "expected": f"a text on one line, not blank, of at most {LONGEST_NAME} characters "
            "without control characters",
        },
    )


def slug(title: str, description: str, *, nullable: bool = False, key: bool = False) -> Column:
    """Identifier: lower-case words joined by hyphens."""
    return Column(
        None,
        [Check.str_matches(r"^[a-z0-9]+(-[a-z0-9]+)*\Z")],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "text", "key": key, "expected": "lower-case words joined by hyphens"},
    )


def state(title: str, description: str, *, nullable: bool = False, key: bool = False) -> Column:
    """State, by its COW abbreviation."""
    return Column(
        None,
        [Check.str_matches(r"^[A-Z]{3}\Z")],
        nullable=nullable,
        title=title,
        description=description,
        metadata={
            "kind": "state",
            "key": key,
            "expected": "a COW state abbreviation listed in states.csv",
        },
    )


def category(
    title: str,
    description: str,
    codes: Mapping[str, str],
    *,
    nullable: bool = False,
    ordered: bool = False,
    key: bool = False,
) -> Column:
    """One of some codes, each with its meaning."""
    return Column(
        None,
        [Check.isin(list(codes))],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "category", "codes": dict(codes), "ordered": ordered, "key": key},
    )


def number(
    title: str,
    description: str,
    unit: str,
    low: float,
    high: float,
    *,
    whole: bool = False,
    nullable: bool = False,
    key: bool = False,
) -> Column:
    """Number within bounds; a whole one that may be empty is held as a float."""
    return Column(
        "int64" if whole and not nullable else "float64",
        [Check.in_range(low, high)],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "integer" if whole else "number", "unit": unit, "key": key},
    )


def date(title: str, description: str, *, nullable: bool = False) -> Column:
    """Day within the time of observation."""
    return Column(
        "datetime64[ns]",
        [Check.in_range("1816-01-01", OBSERVED_UNTIL)],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "date", "unit": "ISO 8601 date"},
    )


def table(
    name: str, title: str, description: str, unique: Sequence[str], columns: Mapping[str, Column]
) -> DataFrameSchema:
    """Table with a key."""
    return DataFrameSchema(
        dict(columns),
        name=name,
        title=title,
        description=description,
        unique=list(unique),
        report_duplicates="exclude_first",
        strict=True,
        ordered=False,
    )
