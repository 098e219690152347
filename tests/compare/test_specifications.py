"""Choices of the robustness study: counts by hand, stable names, priors that are what they say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_alliance.compare.specifications import (
    CHOICES,
    CLAIMS,
    CODING,
    choices,
    one_at_a_time,
    random_cross,
    specification,
)
from bayes_alliance.data.variants import Coding
from bayes_alliance.errors import InputError
from bayes_alliance.process.priors import load_priors
from bayes_alliance.theories import NAMES, get

levels = st.fixed_dictionaries({n: st.sampled_from(list(of)) for n, of in CHOICES.items()})


def test_defaults_are_those_of_the_dataset() -> None:
    default = Coding()
    for name, of in CODING.items():
        assert next(iter(of)) == getattr(default, name), name
    assert specification().changed == ()
    assert specification().label == "default"
    assert specification().priors("occupation") == {}


def test_every_coding_option_is_a_choice_and_every_level_is_allowed() -> None:
    assert set(CODING) == set(Coding.__dataclass_fields__)
    for s in one_at_a_time():
        Coding.read({name: level for name, level in s.changed if name in CODING})


def test_each_choice_alone() -> None:
    all_ = one_at_a_time()
    # 2 further k, 2 of strength, 3 priors, and one of ends, pairs, wartime, overlay, recent, frames
    assert len(all_) == 1 + 2 + 2 + 3 + 6
    assert all_[0].changed == ()
    assert all(len(s.changed) == 1 for s in all_[1:])
    assert len({s.hash for s in all_}) == len(all_)


def test_the_small_datasets_have_no_coding_to_choose() -> None:
    assert list(choices(["europe", "asia"])) == ["frames", "priors"]
    assert len(one_at_a_time(["europe"])) == 1 + 1 + 3
    with pytest.raises(InputError, match="'k'"):
        specification(["europe"], k=3.0)


def test_the_cross_is_drawn_by_seed_and_without_repetition() -> None:
    drawn = random_cross(64, 7)
    assert len(set(drawn)) == 64
    assert drawn == random_cross(64, 7)
    assert drawn != random_cross(64, 8)
    for name, of in CHOICES.items():
        assert {s.level(name) for s in drawn} == set(of), f"{name}: a level is never drawn"
    # 2 of frames times 4 of priors
    assert set(random_cross(64, 7, ["europe"])) == set(random_cross(8, 1, ["europe"]))
    assert len(random_cross(64, 7, ["europe"])) == 8


@settings(deadline=None)
@given(levels)
def test_a_specification_keeps_its_levels_and_its_name(chosen: dict) -> None:
    s = specification(**chosen)
    assert {name: s.level(name) for name in CHOICES} == chosen
    turned = dict(reversed(list(chosen.items())))
    assert specification(**turned) == s
    assert specification(**dict(s.changed)).hash == s.hash


def test_names_stay() -> None:
    """Results on disk are found by these."""
    assert specification().hash == "086b88280d"
    assert specification(k=3, priors="wider").hash == "c88d7ca97e"
    assert specification(["europe"]).hash != specification().hash


@pytest.mark.parametrize(
    ("name", "level"),
    [
        *(("k", 2.5), ("k", True), ("frames", 1), ("wartime", 0), ("priors", "narrow")),
        *(("ends", None), ("sampler", "gibbs")),
    ],
)
def test_a_level_that_there_is_not_is_refused(name: str, level: object) -> None:
    with pytest.raises(InputError, match=name):
        specification(**{name: level})  # type: ignore[arg-type]


def test_the_tables_are_those_of_the_choices() -> None:
    data = specification(k=3.0, recent=False, frames=False).load()
    assert data.name == "asymmetric[k=3,recent=False]"
    assert data.episodes["frame"].isna().all()
    assert data.episodes["date"].max().year <= 2016
    assert specification().load().episodes["frame"].notna().any()


@pytest.mark.parametrize("theory", NAMES)
def test_wider_doubles_every_sigma_and_nothing_else(theory: str) -> None:
    before = load_priors(theory).parameters
    after = load_priors(theory, specification(priors="wider").priors(theory)).parameters
    for name, prior in before.items():
        wanted = prior | ({"sigma": 2 * prior["sigma"]} if "sigma" in prior else {})
        assert after[name] == wanted, name


@pytest.mark.parametrize("sceptic_of", CLAIMS)
@pytest.mark.parametrize("theory", NAMES)
def test_a_sceptic_shrinks_the_claims_of_one_theory(theory: str, sceptic_of: str) -> None:
    before = load_priors(theory).parameters
    changes = specification(priors=f"sceptical of {sceptic_of}").priors(theory)
    after = load_priors(theory, changes).parameters
    touched = theory in (sceptic_of, "both")
    assert set(changes) == (set(CLAIMS[sceptic_of]) if touched else set())
    for name, prior in before.items():
        wanted = prior["sigma"] / 4 if name in changes else prior.get("sigma")
        assert after[name].get("sigma") == wanted, name
    assert all(before[name]["mu"] == 0 for name in changes)


@pytest.mark.parametrize("theory", CLAIMS)
def test_the_parameters_of_the_hypotheses_are_among_the_claims(theory: str) -> None:
    named = {h.estimand.partition(":")[0] for h in get(theory).HYPOTHESES}
    assert named & set(load_priors(theory).parameters) <= set(CLAIMS[theory])
