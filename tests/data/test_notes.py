"""What is taken for certain is said, and states are called by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bayes_alliance.cli import app
from bayes_alliance.data import load, states
from bayes_alliance.data.load import assumed, check_files
from bayes_alliance.errors import InputError
from bayes_alliance.fit import fit
from bayes_alliance.forecast import scenario
from bayes_alliance.process.containers import arrays

if TYPE_CHECKING:
    from conftest import Copy

E, C, Y, K = "episodes.csv", "clients.csv", "years.csv", "codings.csv"
WITHOUT = (
    "112 of 112 values are taken for certain (confidence 1), as there is no codings.csv: "
    "15 of 15 of commitment, 6 of 6 of frame, 12 of 12 of threat_statement, 24 of 24 of fear, "
    "55 of 55 of disputes"
)


def test_tables_without_codings_say_what_is_taken_for_certain(copy: Copy) -> None:
    assert load(copy.folder).notes == ()
    (copy.folder / K).unlink()
    data = load(copy.folder)
    assert data.notes == (WITHOUT,)
    assert check_files([copy.folder])[1] == f"note: {WITHOUT}"


def test_what_is_counted_is_what_the_models_take_for_certain(copy: Copy) -> None:
    """The confidences that the models read: 1 where a value has none."""
    copy.write(K, [row for row in copy.read(K) if row[3] not in ("frame", "fear")])
    data = load(copy.folder)
    counts = {name: n for name, (n, _) in assumed(data).items() if n}
    assert counts == {"frame": 6, "fear": 24}
    assert "as codings.csv has none for them" in data.notes[0]
    found = arrays(data)
    assert (found["frame_confidence"][1] == 1).all()
    assert (found["statement_confidence"][1] < 1).any()


def test_a_fit_says_how_much_it_took_for_certain(copy: Copy) -> None:
    (copy.folder / K).unlink()
    few = {"draws": 10, "tune": 10, "chains": 1}
    assert fit("null", load(copy.folder), **few).attrs["confidence_assumed"] == 112
    assert fit("null", load("europe", "asia"), **few).attrs["confidence_assumed"] == 0


def test_the_command_line_says_it(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    (copy.folder / K).unlink()
    for words in (["describe", str(copy.folder)], ["check", str(copy.folder)]):
        app(["data", *words], standalone_mode=False)
        said = capsys.readouterr()
        assert "taken for certain" in said.out + said.err
    assert load(copy.folder, frames=False).notes[0].startswith("106 of 106 values")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("NZL", "NZL is New Zealand in ISO 3166, which is NEW here"),
        ("gbr", "GBR is United Kingdom in ISO 3166, which is UKG here"),
        ("RUS+FRA", "FRA is France in ISO 3166, which is FRN here"),
        ("Japan", "'JPN' (Japan)"),
        ("Zealand", "'NEW' (New Zealand)"),
        ("USX", "'USA' (United States of America)"),
    ],
)
def test_a_hint_names_the_state_that_was_meant(given: str, words: str) -> None:
    assert words in states.hint(given)


def test_every_code_of_iso_leads_to_a_state() -> None:
    for iso, here in states._ISO.items():
        assert here in states.states(), iso
        assert iso != here


def test_codes_that_mean_another_state_elsewhere() -> None:
    said = states.elsewhere(states.states())
    assert [sentence[:3] for sentence in said] == ["SWZ", "AUS", "CZE", "MNG", "MAC", "SLV", "KOR"]
    assert "AUS is Austria here; in ISO 3166 AUS is Australia, which is AUL here" in said


def test_a_code_of_iso_in_the_tables_is_noted(copy: Copy) -> None:
    """Whoever writes AUS for Australia is told that it is Austria, and where Austria lies."""
    for episode in ("anzus-1951", "pacific-pact-1951"):
        copy.set(C, copy.row(C, episode, "AUL"), "client", "AUS")
    copy.write(K, [row for row in copy.read(K) if row[2] != "AUL"])
    notes = load(copy.folder).notes
    assert "AUS is Austria here; in ISO 3166 AUS is Australia, which is AUL here" in notes
    assert any(note.startswith("the client Austria (AUS) lies in Europe") for note in notes)


def test_messages_name_states_in_full(copy: Copy) -> None:
    copy.set(C, copy.row(C, "anzus-1951", "NEW"), "client", "USA")
    with pytest.raises(InputError, match=r"United States of America \(USA\)"):
        load(copy.folder)


def test_a_scenario_notes_codes_and_clients_elsewhere() -> None:
    content = scenario.read_toml(scenario.bundled("data", "scenarios", "quad-status-quo.toml"))
    clients = dict(content["clients"])
    clients["AUS"] = clients.pop("AUL")
    notes = scenario.parse(content | {"clients": clients}).notes
    assert "Note: AUS is Austria here; in ISO 3166 AUS is Australia, which is AUL here." in notes
    assert "the client Austria (AUS) lies in Europe" in notes
    assert "Note:" not in scenario.parse(content).notes
    clients["NZL"] = clients.pop("AUS")
    with pytest.raises(InputError, match="NZL is New Zealand in ISO 3166, which is NEW here"):
        scenario.parse(content | {"clients": clients})
