"""The computed columns: numbers checked by hand, and what must hold for any."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_data_build import needs_sources, published

from bayes_alliance.data import columns as c
from bayes_alliance.data.build import sources
from bayes_alliance.data.universe import NEVER, pacts, promises
from bayes_alliance.errors import InputError

# --- values by state and year -------------------------------------------------------------------

STATES = [2, 3, 999]
PAIRS = [(2, 3), (2, 999), (3, 999)]

panels = st.dictionaries(
    st.tuples(st.sampled_from(STATES), st.integers(1900, 1920)),
    st.one_of(st.none(), st.floats(0, 10)),
    min_size=1,
    max_size=25,
).filter(lambda values: any(v is not None for v in values.values()))


def panel(values: dict[tuple[int, int], float | None]) -> c.Panel:
    rows = [(s, y, v) for (s, y), v in values.items()]
    table = pd.DataFrame(rows, columns=["ccode", "year", "x"]).astype({"x": float})
    return c.Panel(table, ["ccode"], "x")


@given(
    panels, st.sampled_from([*STATES, 500]), st.integers(1890, 1930), st.integers(0, 12), st.data()
)
def test_nearest_is_that_of_a_brute_force_look_up(values, state, year, within, data) -> None:
    order = data.draw(st.permutations(list(values.items())))
    found = panel(dict(order)).nearest((state,), year, within)
    own = [(abs(y - year), y, v) for (s, y), v in values.items() if s == state and v is not None]
    near = [case for case in own if case[0] <= within]
    assert found == (min(near)[2] if near else None)


@given(panels, st.sampled_from([*STATES, 500]), st.integers(1890, 1930))
def test_latest_is_that_of_a_brute_force_look_up(values, state, year) -> None:
    before = [(y, v) for (s, y), v in values.items() if s == state and v is not None and y <= year]
    assert panel(values).latest((state,), year) == (max(before)[1] if before else None)
    known = [y for (_, y), v in values.items() if v is not None]
    assert panel(values).last_year == max(known)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(PAIRS), st.integers(1900, 1910)), st.floats(0, 9), min_size=1
    )
)
def test_pairs_are_kept_apart(values) -> None:
    rows = [(a, b, y, v) for ((a, b), y), v in values.items()]
    table = pd.DataFrame(rows, columns=["ccode1", "ccode2", "year", "km"])
    found = c.Panel(table, ["ccode1", "ccode2"], "km")
    for (pair, year), value in values.items():
        assert found.nearest(pair, year, 0) == value
    assert found.nearest((3, 2), 1905, 100) is None  # the lower code comes first


@given(
    st.lists(st.tuples(st.integers(1900, 1920), st.integers(0, 9)), max_size=6),
    st.integers(1895, 1925),
    st.integers(0, 9),
)
def test_covers_is_whether_a_year_is_shared(found, first, length) -> None:
    spans = [(since, since + more) for since, more in found]
    shared = any(
        year in range(since, until + 1)
        for since, until in spans
        for year in range(first, first + length + 1)
    )
    assert c.covers(spans, first, first + length) == shared


def test_theatre_is_that_of_most() -> None:
    assert c.theatre([200, 220, 731]) == "europe"
    assert c.theatre([731, 200]) == "asia"  # a tie: the first client's
    assert [c.theatre([s]) for s in (20, 325, 560, 651, 645, 840)] == [
        "americas",
        "europe",
        "africa",
        "middle-east",
        "middle-east",
        "asia",
    ]


# --- distance over the sphere -------------------------------------------------------------------

LONDON, PARIS, MOSCOW = (51.5074, -0.1278), (48.8566, 2.3522), (55.7558, 37.6173)
TOKYO, SYDNEY, BERLIN = (35.6762, 139.6503), (-33.8688, 151.2093), (52.5200, 13.4050)
HALF = math.pi * c.EARTH_KM

places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("first", "second", "km"),
    [
        (LONDON, PARIS, 344),
        (PARIS, MOSCOW, 2487),
        (BERLIN, MOSCOW, 1608),
        (TOKYO, SYDNEY, 7823),
        ((0.0, 0.0), (0.0, 180.0), HALF),
        ((90.0, 0.0), (-90.0, 77.0), HALF),
        ((0.0, 179.5), (0.0, -179.5), 111.2),  # across the date line
    ],
)
def test_great_circle_of_known_pairs(first, second, km: float) -> None:
    assert c.great_circle(first, second) == pytest.approx(km, rel=0.003)


@given(places, places, places)
def test_great_circle_is_a_distance(first, second, third) -> None:
    apart = c.great_circle(first, second)
    assert 0 <= apart <= HALF * (1 + 1e-9)
    assert apart == pytest.approx(c.great_circle(second, first), abs=1e-6)
    assert c.great_circle(first, first) == 0
    # near the other side of the earth the formula is good to some ten metres
    around = c.great_circle(first, third) + c.great_circle(third, second)
    assert apart <= around + 0.05


# --- numbers checked by hand --------------------------------------------------------------------


@pytest.fixture(scope="module")
def data() -> c.Published:
    if not sources().is_dir():
        pytest.skip("the published data are not there (BAYES_ALLIANCE_SOURCES)")
    return published()


@pytest.fixture(scope="module")
def code(data: c.Published) -> dict[str, int]:
    return data.codes


def test_codes_of_germany_russia_and_taiwan(code: dict[str, int]) -> None:
    wanted = {"GMY": 255, "GFR": 260, "GDR": 265, "RUS": 365, "TAW": 713, "RVN": 817, "ROK": 732}
    assert {name: code[name] for name in wanted} == wanted


def test_capabilities(data: c.Published, code: dict[str, int]) -> None:
    rus, frn = code["RUS"], code["FRN"]
    assert c.cinc(data, rus, 1947) == pytest.approx(0.145217, rel=1e-4)
    found = c.capability_ratio(data, rus, frn, 1947)
    assert found == pytest.approx(0.145217 / 0.034979, rel=1e-4)
    assert c.capability_ratio(data, frn, rus, 1947) == pytest.approx(1 / found)
    low = pd.DataFrame({"ccode": [5], "year": [1920], "x": [1e-9]})
    assert c.cinc(world(cinc=c.Panel(low, ["ccode"], "x")), 5, 1920) == c.CINC_FLOOR
    assert c.cinc(data, code["CZE"], 2000) is None  # there was none
    last = data.cinc.last_year
    assert c.cinc(data, rus, 2025) == c.cinc(data, rus, last)
    assert c.ratio(None, 1.0) is c.ratio(1.0, None) is c.ratio(1.0, 0.0) is None


def test_forces(data: c.Published, code: dict[str, int]) -> None:
    table = data.tables["nmc"].set_index(["ccode", "year"])["milper"]
    rus, ice = code["RUS"], code["ICE"]
    wanted = (table[rus, 1949] + 1) / (table[ice, 1949] + 1)
    assert table[ice, 1949] == 0
    assert c.forces_ratio(data, rus, ice, 1949) == pytest.approx(wanted)
    assert c.forces_ratio(data, rus, 9, 1949) is None


def test_polyarchy(data: c.Published, code: dict[str, int]) -> None:
    assert c.polyarchy(data, code["FRN"], 1947) == pytest.approx(0.708, abs=5e-4)
    assert c.polyarchy(data, code["FRN"], 2025) == c.polyarchy(data, code["FRN"], 2019)


def test_distances(data: c.Published, code: dict[str, int]) -> None:
    def km(adversary: str, client: str, year: int) -> float:
        found = c.distance(data, code[adversary], code[client], year)
        assert found is not None
        return found

    assert km("RUS", "TUR", 1952) == 0
    assert km("CHN", "ROK", 1953) == 0  # Chinese forces in North Korea
    assert km("CHN", "ROK", 1975) > 200  # and after they went home
    assert km("RUS", "FRN", 1939) > 900  # before the army stood in Germany
    assert km("RUS", "FRN", 1947) < 300
    assert km("RUS", "JPN", 1951) == 4  # by hand: the islets off Hokkaido
    assert km("CHN", "UKG", 1960) == 0 < km("CHN", "UKG", 1998)  # by hand: Hong Kong
    # before borders were measured: Petersburg and Paris
    assert km("RUS", "FRN", 1850) == pytest.approx(2160, rel=0.01)


def test_disputes(data: c.Published, code: dict[str, int]) -> None:
    rus, tur, usa = code["RUS"], code["TUR"], code["USA"]
    assert c.territorial_disputes(data, rus, tur, 1952) == 1  # the Straits
    # their year itself does not count, and after ten years they are over
    (year,) = set(data.territorial[tur, rus][:, 0]) & set(range(1942, 1952))
    assert c.territorial_disputes(data, rus, tur, year) == 0
    assert c.territorial_disputes(data, rus, tur, year + 10) >= 1
    assert c.begun_disputes(data, [rus], [usa], 1949) == 1  # Berlin
    assert c.begun_disputes(data, [rus], [usa, code["UKG"], code["FRN"]], 1949) == 1
    assert c.begun_disputes(data, [usa], [rus], 1949) == 0
    assert c.begun_disputes(data, [], [usa], 1949) == 0
    assert c.territorial_disputes(data, rus, tur, 2025) is None  # the source ends in 2010
    assert c.territorial_disputes(data, rus, tur, 2020) is not None


def test_begun_disputes_are_those_of_a_plain_count(data: c.Published) -> None:
    mid = data.tables["mid"]
    for first, second, year in ((365, 2, 1962), (710, 713, 1958), (255, 220, 1914), (740, 710, 37)):
        year = year if year > 1000 else 1900 + year
        rows = mid[
            (mid["ccode1"] == first)
            & (mid["ccode2"] == second)
            & mid["year"].between(year - 4, year)
            & (mid["sidea1"] == 1)
            & (mid["hostlev1"] >= 4)
            & (mid["onset"] == 1)
        ]
        wanted = rows["dispnum"].nunique()
        assert wanted > 0
        assert c.begun_disputes(data, [first], [second], year) == wanted


@pytest.mark.parametrize(
    ("adversary", "client", "year", "way"),
    [
        ("RUS", "UKG", 1949, "sea"),
        ("RUS", "JPN", 1951, "sea"),
        ("RUS", "ICE", 1949, "sea"),
        ("RUS", "FRN", 1947, "landmass"),
        ("RUS", "BEL", 1949, "landmass"),
        ("CHN", "ROK", 1975, "landmass"),
        ("RUS", "TUR", 1952, "contiguous"),
        ("RUS", "NOR", 1949, "contiguous"),
        ("RUS", "GFR", 1955, "contiguous"),  # by the army in East Germany
        ("CHN", "ROK", 1953, "contiguous"),  # by the army in North Korea
        ("GMY", "FRN", 1914, "contiguous"),
        ("CHN", "UKG", 1960, "contiguous"),  # by hand: Hong Kong
        ("FRN", "USA", 1900, "sea"),
    ],
)
def test_land_access(data: c.Published, code, adversary, client, year, way) -> None:
    assert c.land_access(data, code[adversary], code[client], year) == way


def test_land_access_and_distance_agree(data: c.Published) -> None:
    """Who is contiguous is 0 km away, and a landmass is symmetric."""
    for adversary in (365, 710, 255, 740):
        for year in (1910, 1938, 1955, 1990):
            here = [s for s in c.states(data, year) if s != adversary]
            if adversary not in c.states(data, year):
                continue
            for client in here:
                way = c.land_access(data, adversary, client, year)
                if way == "contiguous":
                    assert c.distance(data, adversary, client, year) == 0, (adversary, client, year)
                if c.by_land(data, adversary, client, year):
                    assert way == "contiguous"
                    assert c.by_land(data, client, adversary, year)


def test_forward_bases_begin_with_the_state(data: c.Published, code: dict[str, int]) -> None:
    bases = c.forward_bases(data, code["RUS"], 1950)
    assert bases[0] == code["RUS"] and code["GDR"] in bases
    assert c.forward_bases(data, code["RUS"], 2005)[0] == code["RUS"]
    assert code["GDR"] not in c.forward_bases(data, code["RUS"], 2005)
    assert c.forward_bases(data, code["ICE"], 1950) == [code["ICE"]]


# --- a world made up, where every number is known -----------------------------------------------

EMPTY_PANEL = pd.DataFrame({"ccode": [900], "year": [2000], "x": [0.0]})


def world(**changes) -> c.Published:
    """Three states in a row on the land (2 by 3 by 4) and an island (5), from 1900 to 1950."""
    day = pd.Timestamp
    states = pd.DataFrame(
        {"ccode": [2, 3, 4, 5], "start": [day("1816-01-01")] * 4, "end": [day("2016-12-31")] * 4}
    )
    empty = c.Panel(EMPTY_PANEL, ["ccode"], "x")
    tables = {
        "mid": pd.DataFrame({"year": [2014]}),
        "gml": pd.DataFrame({"year": [2010]}),
        "tss": pd.DataFrame({"end": [2020]}),
        "states": states,
        "majors": states[states["ccode"] == 2],
        "capitals": pd.DataFrame(
            {
                "ccode": [2, 3, 4, 5],
                "start": [day("1816-01-01")] * 4,
                "end": [day("2024-12-31")] * 4,
                "lat": [0.0, 0.0, 0.0, 0.0],
                "lng": [0.0, 10.0, 20.0, 90.0],
            }
        ),
    }
    land = c.spells([2, 3, 3, 4], [3, 2, 4, 3], [1900] * 4, [1950] * 4)
    given = {
        "tables": tables,
        "codes": {"AAA": 2, "BBB": 3, "CCC": 4, "DDD": 5},
        "cinc": empty,
        "personnel": empty,
        "polyarchy": empty,
        "distance": empty,
        "land": land,
        "rivals": {},
        "occupied": {},
        "hosts": {},
        "held": {},
        "disputes": {},
        "territorial": {},
    }
    return c.Published(**(given | changes))


def test_ways_over_a_made_up_map() -> None:
    data = world()
    assert c.land_access(data, 2, 3, 1920) == "contiguous"
    assert c.land_access(data, 2, 4, 1920) == "landmass"
    assert c.land_access(data, 2, 5, 1920) == "sea"
    assert c.land_access(data, 2, 4, 1899) == "sea"  # before the borders
    assert c.land_access(data, 2, 3, 1990) == "contiguous"  # as in the last year of the source
    abroad = world(hosts={2: [(5, 1920, 1925)]})
    assert [c.land_access(abroad, 2, 5, y) for y in (1919, 1920, 1925, 1926)] == [
        "sea",
        "contiguous",
        "contiguous",
        "sea",
    ]
    assert c.distance(abroad, 2, 5, 1922) == 0
    assert c.distance(abroad, 2, 5, 1926) == pytest.approx(HALF / 2)


def test_hand_coded_distance_comes_before_all_else() -> None:
    data = world(held={(3, 2): [(1910, 1912, 7.0)], (5, 2): [(1910, 1912, 0.0)]})
    assert [c.distance(data, 2, 3, y) for y in (1909, 1910, 1912, 1913)] == [0, 7, 7, 0]
    assert c.land_access(data, 2, 5, 1911) == "contiguous"
    assert c.distance(data, 5, 2, 1911) == pytest.approx(HALF / 2)  # not the other way round


def test_occupied_leaves_out_the_year_of_decision() -> None:
    data = world(occupied={(2, 3): [(1920, 1922)]})
    found = {y: c.occupied(data, 2, 3, y) for y in range(1918, 1936)}
    assert [y for y, yes in found.items() if yes] == list(range(1921, 1933))
    assert c.occupied(data, 2, 4, 1925) == 1  # a neighbour on land was occupied
    assert c.occupied(data, 2, 5, 1925) == 0
    assert c.occupied(data, 4, 3, 1925) == 0  # by another


@settings(deadline=None)  # other work may hold the machine
@given(
    since=st.integers(1900, 1940),
    length=st.integers(0, 8),
    year=st.integers(1890, 1960),
)
def test_occupied_window(since: int, length: int, year: int) -> None:
    data = world(occupied={(2, 5): [(since, since + length)]})
    years = set(range(since, since + length + 1))
    assert c.occupied(data, 2, 5, year) == int(bool(years & set(range(year - 10, year))))


def test_rivals_decide_the_adversary() -> None:
    """Of the named, then great rivals, then others, then the clients' own."""
    known = pd.DataFrame({"ccode": [2, 3, 4, 5], "year": [1920] * 4, "x": [0.3, 0.1, 0.1, 0.2]})
    cinc = c.Panel(known, ["ccode"], "x")
    none = world(cinc=cinc)
    assert c.adversary(none, 3, [4], 1920) is None
    assert c.adversary(none, 3, [4], 1920, named=[5]) == 5
    assert c.adversary(none, 3, [4], 1920, named=[4, 3]) is None  # those inside are none
    own = {3: {2: [(1900, 1930)], 5: [(1900, 1930)]}}
    assert c.adversary(world(cinc=cinc, rivals=own), 3, [4], 1920) == 2  # the major power
    assert c.adversary(world(cinc=cinc, rivals=own), 3, [4], 1931) is None
    assert c.adversary(world(cinc=cinc, rivals=own), 3, [4, 2], 1920) == 5
    theirs = {4: {5: [(1900, 1930)]}}
    assert c.adversary(world(cinc=cinc, rivals=theirs), 3, [4], 1920) == 5
    both = {3: {5: [(1900, 1930)], 2: [(1900, 1930)]}, 4: {5: [(1900, 1930)]}}
    minor = world(cinc=cinc, rivals=both)
    assert c.adversary(minor, 3, [4], 1920) == 2  # a great power before a rival of the client
    named = c.adversary(minor, 3, [4], 1920, named=[2, 5])
    assert named == 5  # of two, the one that is rival to most clients


# --- institutions -------------------------------------------------------------------------------

PROVISIONS = ("milcon", "intcom", "base", "milaid", "subord", "contrib", "orgpurp1", "orgpurp2")


@pytest.mark.parametrize(
    ("level", "set_"),
    [
        (0, {}),
        (0, {"milcon": 1}),
        (1, {"milcon": 2}),
        (2, {"milcon": 3}),
        (2, {"intcom": 1}),
        (2, {"base": 1}),
        (0, {"milaid": 2}),
        (1, {"milaid": 3}),
        (1, {"subord": 1}),
        (1, {"contrib": 1}),
        (1, {"orgpurp1": 1}),
        (1, {"orgpurp2": 4}),
        (0, {"orgpurp1": 2}),
        (2, {"contrib": 1, "base": 3}),
        (None, {"milcon": None, "intcom": None, "base": None}),
    ],
)
def test_institutions_of_provisions(level: int | None, set_: dict) -> None:
    row = pd.Series(dict.fromkeys(PROVISIONS, 0.0) | set_, dtype=float)
    assert c.institutions(row) == level


@needs_sources
def test_institutions_are_those_that_atop_publishes() -> None:
    """ATOP gives Leeds & Anac's index of each alliance; by its provisions it comes out again."""
    published_ = pd.read_csv(
        sources() / "atop-alliance-level.csv", usecols=["atopid", "milinst"]
    ).set_index("atopid")["milinst"]
    table = published().tables["atop_alliances"].set_index("atopid")[list(PROVISIONS)]
    ours = table.astype(float).apply(c.institutions, axis=1)
    both = pd.DataFrame({"ours": ours, "atop": published_}).dropna()
    assert len(both) == 736
    assert both["atop"].value_counts().to_dict() == {0: 507, 1: 140, 2: 89}
    assert both[both["ours"] != both["atop"]].empty


# --- promises among clients ---------------------------------------------------------------------

AT = pd.Timestamp("1950-06-15")


def pact(number: int, levels: dict[int, int], entry: str = "1940-01-01", exit_: str = "") -> list:
    until = pd.Timestamp(exit_) if exit_ else NEVER
    return [(number, member, pd.Timestamp(entry), until, n) for member, n in levels.items()]


def promised(*rows: list, patron: int = 2, pairs=((3, 4),), at: pd.Timestamp = AT) -> dict:
    columns = ["atopid", "member", "entry", "exit", "level"]
    table = pd.DataFrame([row for group in rows for row in group], columns=columns)
    return promises(table, patron, list(pairs), at)


def test_weaker_obligation_of_the_two_counts() -> None:
    assert promised(pact(1, {3: 2, 4: 2})) == {(3, 4): 2}
    assert promised(pact(1, {3: 2, 4: 1})) == {(3, 4): 1}
    assert promised(pact(1, {3: 2, 5: 2})) == {(3, 4): 0}


def test_stronger_of_two_pacts_counts() -> None:
    assert promised(pact(1, {3: 1, 4: 1}), pact(2, {3: 2, 4: 2})) == {(3, 4): 2}
    # but not the better half of each
    assert promised(pact(1, {3: 2, 4: 1}), pact(2, {3: 1, 4: 2})) == {(3, 4): 1}


def test_pacts_with_the_patron_do_not_count() -> None:
    assert promised(pact(1, {2: 2, 3: 2, 4: 2})) == {(3, 4): 0}
    assert promised(pact(1, {2: 2, 3: 2, 4: 2}), pact(2, {3: 1, 4: 1})) == {(3, 4): 1}
    left = pact(1, {3: 2, 4: 2}) + pact(1, {2: 2}, exit_="1945-01-01")
    assert promised(left) == {(3, 4): 2}


@pytest.mark.parametrize(
    ("entry", "exit_", "level"),
    [
        ("1940-01-01", "", 2),
        ("1950-06-14", "", 2),  # the day before
        ("1950-06-15", "", 0),  # the same day is not before
        ("1940-01-01", "1949-06-15", 0),  # over a year before
        ("1940-01-01", "1949-06-16", 2),  # in force a year before
        ("1940-01-01", "1950-06-14", 2),
        ("1949-06-15", "1949-06-16", 2),
        ("1949-07-01", "1950-06-14", 0),  # on neither of the days
    ],
)
def test_pacts_in_force_the_day_or_the_year_before(entry: str, exit_: str, level: int) -> None:
    assert promised(pact(1, {3: 2, 4: 2}, entry, exit_)) == {(3, 4): level}


members = st.dictionaries(st.sampled_from([2, 3, 4, 5]), st.integers(1, 2), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(members, min_size=1, max_size=5))
def test_promises_are_those_of_a_brute_force_look_up(groups) -> None:
    pairs = [(3, 4), (3, 5), (4, 5)]
    rows = [pact(n, levels) for n, levels in enumerate(groups)]
    found = promised(*rows, pairs=pairs)
    for a, b in pairs:
        levels = [min(g[a], g[b]) for g in groups if a in g and b in g and 2 not in g]
        assert found[a, b] == max(levels, default=0)


@needs_sources
def test_western_union_came_before_the_north_atlantic_treaty() -> None:
    data = published()
    at = pd.Timestamp("1949-04-04")
    pairs = [(200, 220), (210, 211), (200, 385), (395, 390)]
    found = promises(pacts(data), 2, pairs, at)
    assert found == {(200, 220): 2, (210, 211): 2, (200, 385): 0, (395, 390): 0}


# --- states that are missing ----------------------------------------------------------------------


def test_a_state_that_the_list_lacks_is_named() -> None:
    """Judged states and states of other sources too: one line, with the state's name."""
    data = world()
    with pytest.raises(InputError, match=r"Japan \(JPN\)") as caught:
        data.codes["JPN"]
    assert (caught.value.column, caught.value.value) == ("stateabb", "JPN")
    with pytest.raises(InputError, match="list of states") as caught:
        data.names[999]
    assert (caught.value.column, caught.value.value) == ("ccode", 999)


def test_a_state_outside_every_theatre_is_named() -> None:
    with pytest.raises(InputError, match="from 2 to 999"):
        c.theatre([1000])
