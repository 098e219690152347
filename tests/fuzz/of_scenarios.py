"""Spoilt scenarios, and rules of docs/scenarios.md read from the file by tomllib alone."""

from __future__ import annotations

import copy
import csv
import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from engine import NUMBERS, RIGHT, Fault, source, spoilt_bytes, text

from bayes_alliance.bundled import bundled
from bayes_alliance.forecast.scenario import Scenario, parse, read

THEATRES = ("europe", "asia", "americas", "middle-east", "africa")
LEVELS = ("none", "consult", "defend")
TODAY = ("none", "bilateral", "trilateral", "multilateral_weak", "multilateral_strong")
CLIENT: dict[str, Any] = {
    "capability_ratio": (1e-4, 1e6, float),
    "patron_ratio": (1e-4, 1e6, float),
    "forces_ratio": (0, 1e5, float),
    "distance_km": (0, 20040, float),
    "land_access": ("sea", "landmass", "contiguous"),
    "occupied": (0, 1, int),
    "disputes": (0, 100, int),
    "fear": ("none", "some", "strong"),
    "polyarchy": (0, 1, float),
    "polyarchy_gap": (-1, 1, float),
}
THREAT: dict[str, Any] = {
    "power_ratio": (0, 1e4, float),
    "forces_ratio": (0, 1e4, float),
    "distance_km": (0, 20040, float),
    "polyarchy_gap": (-1, 1, float),
    "disputes": (0, 100, int),
}
REQUIRED = {"name", "title", "question", "patron", "adversary", "theatre", "year", "horizon",
            "initiative", "today", "clients", "commitment", "sources"}  # fmt: skip
OPTIONAL = {"statement", "threat", "path", "interventions", "share", "notes"}


def is_number(value: object) -> bool:
    """A number of Python that stands for one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def value_wrong(given: Any, allowed: Any) -> str | None:
    """Why a value, certain or not, may not stand there."""
    codes = isinstance(allowed[0], str)
    if isinstance(given, Mapping):
        if any(key in given for key in ("mean", "sd", "low", "high", "probability")) and not codes:
            wanted = {"mean", "sd"} if "mean" in given else {"low", "high", "probability"}
            if set(given) != wanted or not all(is_number(v) for v in given.values()):
                return "no distribution"
            inner = [given[k] for k in ("mean", "low", "high") if k in given]
            if not all(allowed[0] <= v <= allowed[1] for v in inner):
                return "a distribution out of range"
            if "low" in given and not given["low"] < given["high"]:
                return "an interval without length"
            return None if given.get("sd", 1) > 0 else "no spread"
        if not given or not all(is_number(v) and 0 <= v <= 1 for v in given.values()):
            return "no probabilities"
        if abs(math.fsum(given.values()) - 1) > 1e-5:
            return "probabilities that do not sum to 1"
        for key in given:
            if codes and key not in allowed:
                return "another code"
            if not codes and not (
                allowed[2] is int and key.isdecimal() and allowed[0] <= int(key) <= allowed[1]
            ):
                return "no count"
        return None
    if codes:
        return None if isinstance(given, str) and given in allowed else "no code"
    if not is_number(given) or not allowed[0] <= given <= allowed[1]:
        return "no number within bounds"
    if allowed[2] is int and not isinstance(given, int):
        return "no whole number"
    return None


def promises_wrong(given: Any) -> str | None:
    """Why promises may not stand there."""
    if isinstance(given, str):
        return None if given in LEVELS else "no level"
    if not isinstance(given, Mapping) or not set(LEVELS) <= set(given) <= {*LEVELS, "certainty"}:
        return "not the three levels"
    p = [given[level] for level in LEVELS]
    if not all(is_number(v) and 0 <= v <= 1 for v in p) or abs(math.fsum(p) - 1) > 1e-5:
        return "no probabilities"
    sure = given.get("certainty", 1)
    return None if is_number(sure) and 1 <= sure <= 1e6 else "no certainty"


def is_line(value: object) -> bool:
    """One line of text with something on it."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and not re.search(r"[\x00-\x1f\x7f-\x9f]", value)
    )


def wrong(content: Any, states: set[str]) -> str | None:
    """What is wrong with a whole scenario; None if nothing is."""
    if not isinstance(content, Mapping) or not REQUIRED <= set(content) <= REQUIRED | OPTIONAL:
        return "keys that are missing or unknown"
    c = content
    if not isinstance(c["name"], str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", c["name"]):
        return "a name of another form"
    if not is_line(c["title"]) or not is_line(c["question"]):
        return "a title or question that is no line"
    against = c["adversary"].split("+") if isinstance(c["adversary"], str) else []
    if c["patron"] not in states or not against or not set(against) <= states:
        return "a patron or adversary that is no state"
    if c["patron"] in against or len(set(against)) < len(against):
        return "an adversary twice, or the patron"
    year, last = c["year"], c["horizon"]
    if type(year) is not int or type(last) is not int or not 2026 <= year <= last <= 2200:
        return "years in another order"
    for key, codes in (
        ("theatre", THEATRES),
        ("initiative", ("clients", "patron")),
        ("today", TODAY),
    ):
        if not isinstance(c[key], str) or c[key] not in codes:
            return f"no {key}"
    if not isinstance(c["clients"], Mapping) or not c["clients"]:
        return "no clients"
    for client, row in c["clients"].items():
        if client not in states or client == c["patron"] or client in against:
            return "a client that is no state, the patron or the adversary"
        if not isinstance(row, Mapping) or not set(row) <= set(CLIENT):
            return "other indicators"
        for key, given in row.items():
            if (why := value_wrong(given, CLIENT[key])) is not None:
                return f"{client}.{key}: {given!r} is {why}"
    if (why := promises_wrong(c["commitment"])) is not None:
        return f"commitment: {why}"
    if "statement" in c and (why := value_wrong(c["statement"], ("low", "moderate", "high"))):
        return f"statement: {why}"
    for key in ("threat", "path"):
        rows = c.get(key, {})
        if not isinstance(rows, Mapping) or not set(rows) <= {
            *THREAT,
            *(["between"] * (key == "path")),
        }:
            return f"other keys of {key}"
    for key, given in c.get("threat", {}).items():
        if (why := value_wrong(given, THREAT[key])) is not None:
            return f"threat.{key}: {why}"
    if "between" in c.get("path", {}) and c["path"]["between"] not in ("hold", "linear"):
        return "path.between"
    for key, entries in c.get("path", {}).items():
        if key == "between":
            continue
        if not isinstance(entries, Mapping) or not entries:
            return "a path without years"
        for at, given in entries.items():
            if not re.fullmatch(r"\d{4}", at, re.ASCII) or not year <= int(at) <= last:
                return "a path out of the years"
            if (why := value_wrong(given, THREAT[key])) is not None:
                return f"path.{key}: {why}"
    if (why := _levers(c.get("interventions", []), year, last, c["clients"])) is not None:
        return why
    share = c.get("share", 0)
    if isinstance(share, Mapping):
        if set(share) != {"mean", "sd"} or not all(
            is_number(v) and 0 < v < 1 for v in share.values()
        ):
            return "no share"
    elif not is_number(share) or not 0 <= share <= 1:
        return "no share"
    if not isinstance(c.get("notes", ""), str) or not isinstance(c["sources"], Mapping):
        return "notes or sources that are no text"
    return None


def _levers(given: Any, year: int, last: int, clients: Mapping[str, Any]) -> str | None:
    """What is wrong with interventions."""
    if not isinstance(given, list):
        return "interventions that are no list"
    for one in given:
        if not isinstance(one, Mapping) or not {"from", "set", "source"} <= set(one) <= {
            "from",
            "until",
            "set",
            "source",
        }:
            return "other keys of an intervention"
        begin, end = one["from"], one.get("until", last)
        if type(begin) is not int or type(end) is not int or not year <= begin <= end <= last:
            return "an intervention out of the years"
        what = one["set"]
        if (
            not isinstance(what, Mapping)
            or not what
            or not set(what)
            <= {"credible_occupation", "promises", "statement", "clients", "threat"}
        ):
            return "other levers"
        lever = what.get("credible_occupation", "high")
        levels = lever if isinstance(lever, Mapping) else {next(iter(clients)): lever}
        if any(k not in clients or v not in ("none", "high") for k, v in levels.items()):
            return "no credible occupation"
        if "promises" in what and (why := promises_wrong(what["promises"])):
            return why
        if "statement" in what and (
            why := value_wrong(what["statement"], ("low", "moderate", "high"))
        ):
            return why
        for key, v in what.get("threat", {}).items():
            if key not in THREAT or value_wrong(v, THREAT[key]):
                return "no threat"
        for client, row in what.get("clients", {}).items():
            if client not in clients or any(
                k not in CLIENT or value_wrong(v, CLIENT[k]) for k, v in row.items()
            ):
                return "no indicator"
    return None


def same(content: Mapping[str, Any], found: Scenario) -> None:
    """Compare a scenario with the file."""

    def must(right: bool, what: str) -> None:
        if not right:
            raise Fault(f"{what} is not as the file has it")

    for key in (
        "name",
        "title",
        "question",
        "patron",
        "adversary",
        "theatre",
        "year",
        "horizon",
        "initiative",
        "today",
    ):
        must(getattr(found, key) == content[key], key)
    must(list(found.clients) == list(content["clients"]), "the list of clients")
    for client, row in content["clients"].items():
        for key, given in row.items():
            if not isinstance(given, Mapping):
                must(found.clients[client][key] == given, f"{client}.{key}")
            elif "low" in given and "mean" not in given and "probability" in given:
                value: Any = found.clients[client][key]
                must(given["low"] <= value.centre <= given["high"], f"{client}.{key}'s median")
    given = content["commitment"]
    p = {level: float(level == given) for level in LEVELS} if isinstance(given, str) else given
    must(all(abs(found.commitment[level] - p[level]) < 1e-5 for level in LEVELS), "commitment")
    must(
        found.certainty == (None if isinstance(given, str) else given.get("certainty")), "certainty"
    )
    must(len(found.interventions) == len(content.get("interventions", [])), "interventions")
    for one, asked in zip(found.interventions, content.get("interventions", []), strict=True):
        must(
            (one.first, one.last) == (asked["from"], asked.get("until", content["horizon"])),
            "years",
        )
    for key, entries in content.get("path", {}).items():
        if key != "between":
            for at, v in entries.items():
                must(isinstance(v, Mapping) or found.path[key][int(at)] == v, f"path.{key}")


class Scenarios:
    """Scenarios as mappings and as files."""

    name, share = "scenarios", 0.25

    def set_up(self, folder: Path) -> None:
        """The bundled status quos, and the whole file of the documents."""
        self.file = folder / "mine.toml"
        page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
        self.texts = [page.partition("```toml\n")[2].partition("```")[0]]
        places = sorted(bundled("data", "scenarios").glob("*-status-quo.toml"))
        bundled_ones = [place.read_text(encoding="utf-8") for place in places]
        self.texts += [one for one in bundled_ones if "\nextends" not in one]
        self.base = [tomllib.loads(one) for one in self.texts]
        with open(bundled("data", "states.csv"), encoding="utf-8", newline="") as lines:
            self.states = {row[0] for row in csv.reader(lines)} - {"abbreviation"}
        for content in self.base:
            assert wrong(content, self.states) is None, (
                content["name"],
                wrong(content, self.states),
            )
            same(content, parse(content))

    def attempt(self, seed: int) -> str:
        """Spoil a mapping, or the text of a file."""
        rng = source(self.name, seed)
        at = rng.randrange(len(self.base))
        if rng.random() < 0.5:
            content: Any = copy.deepcopy(self.base[at])
            for _ in range(rng.choice((1, 1, 1, 2, 4))):
                content = spoilt(rng, content)
            return self._judge(content, parse(content))
        self.file.unlink(missing_ok=True)
        written = spoilt_text(rng, self.texts[at])
        self.file.write_bytes(written)
        found = read(self.file)
        try:
            content = tomllib.loads(written.decode("utf-8-sig"))
        except ValueError:
            raise Fault("accepted a file that is no TOML") from None
        if "extends" in content:  # checked by the tests of scenarios
            return RIGHT
        return self._judge(content, found)

    def _judge(self, content: Any, found: Scenario) -> str:
        if (why := wrong(content, self.states)) is not None:
            raise Fault(f"accepted: {why}")
        same(content, found)
        return RIGHT


VALUES: tuple[Any, ...] = (
    *NUMBERS,
    *(
        True,
        False,
        None,
        [],
        {},
        [1],
        [[]],
        {"": 1},
        {"mean": 1, "sd": 0.1},
        {"mean": 0.5, "sd": 5},
    ),
    *({"low": 0.2, "high": 0.8, "probability": 0.9}, {"low": 2, "high": 1, "probability": 0.5}),
    *({"0": 0.5, "1": 0.5}, {"0": 0.5, "00": 0.5}, {"1": 1.0}, {"-1": 1.0}, {"1": 2}, {"low": 1.0}),
    *(
        "high",
        "none",
        "sea",
        "contiguous",
        "asia",
        "USA",
        "CHN",
        "RUS+CHN",
        "CHN+CHN",
        "AUS",
        "Japan",
    ),
    *(2025, 2026, 2027, 2035, 2200, 2201, 9999, "2030", 2030.0),
)


def some(rng: Random) -> Any:
    """A value that somebody might write."""
    return copy.deepcopy(rng.choice(VALUES)) if rng.random() < 0.7 else text(rng)


def spoilt(rng: Random, content: Any) -> Any:
    """A mapping with one thing changed somewhere."""
    if not isinstance(content, dict):
        return content
    inner: Any = content
    while True:
        if not inner:
            return content
        key = rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
        below = inner[key]
        if isinstance(below, (dict, list)) and below and rng.random() < 0.75:
            inner = below
            continue
        break
    kind = rng.randrange(6)
    if kind == 0:
        del inner[key]
    elif kind == 1 and isinstance(inner, dict):
        inner[rng.choice((text(rng), "extends", "JPN", "notes", "share", "2030", "certainty"))] = (
            some(rng)
        )
    elif kind == 2 and isinstance(inner, dict):
        inner[text(rng)] = inner.pop(key)
    elif kind == 3 and isinstance(below, (int, float)) and not isinstance(below, bool):
        inner[key] = rng.choice(
            (-below, below * 10, below + 1, float(below), str(below), below / 3)
        )
    else:
        inner[key] = some(rng)
    if rng.random() < 0.02:
        return rng.choice((None, [], "quad", 3, {}))
    return content


def spoilt_text(rng: Random, whole: str) -> bytes:
    """The text of a file, changed."""
    lines = whole.splitlines(keepends=True)
    at, kind = rng.randrange(len(lines)), rng.randrange(9)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, rng.choice(lines))
    elif kind == 2:
        lines.insert(
            at,
            rng.choice((text(rng) + "\n", "x = [\n", '"""\n', "[[clients]]\n", "[clients.IRN]\n")),
        )
    elif kind == 3:
        deep = rng.choice((100, 2000, 10000))
        lines.insert(
            at,
            rng.choice(
                (
                    "x = " + "[" * deep,
                    ".".join(["a"] * deep) + " = 1",
                    "[" + ".".join(["a"] * deep) + "]",
                    "x = " + '{"a" = ' * deep,
                    '"' + "k" * deep + '" = 1',
                    "x = " + "9" * deep,
                    "# " + "x" * deep,
                )
            )
            + "\n",
        )
    elif kind == 4:
        place = re.search(r"= *(\S+)", lines[at])
        new = rng.choice(
            (
                "1e400",
                "nan",
                "-inf",
                "0x1F",
                "1_0",
                "2027-01-01",
                "07:32:00",
                "true",
                '"\\u001b"',
                '"\\ud800"',
                "+5",
                '"""a\nb"""',
                "'x'",
                "[1, 2]",
                "{}",
            )
        )
        if place:
            lines[at] = lines[at][: place.start(1)] + new + "\n"
    elif kind == 5:
        lines = lines[:at]
    elif kind == 6:
        return b"\xef\xbb\xbf" + whole.replace("\n", "\r\n").encode()
    else:
        return spoilt_bytes(rng, whole.encode())
    return "".join(lines).encode("utf-8", "surrogatepass")
