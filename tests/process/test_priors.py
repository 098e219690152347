"""Priors: all are used, all have a reason, and a wrong one is refused by name."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pymc as pm
import pytest

from bayes_alliance.bundled import bundled
from bayes_alliance.errors import InputError
from bayes_alliance.process.containers import FACTORS
from bayes_alliance.process.integrated import LATENT
from bayes_alliance.process.priors import DISTRIBUTIONS, Priors, load_priors
from bayes_alliance.theories import NAMES, build

FILES = ("process", *NAMES)
FIXED = {LATENT, "risk_z", *(f"z_{f}" for f in FACTORS)}
"""Standard normal by construction: their scale is a parameter or an option of its own."""


@pytest.mark.parametrize("file", FILES)
def test_every_prior_has_a_reason(file):
    content = tomllib.loads(bundled("models", f"{file}.toml").read_text(encoding="utf-8"))
    for name, spec in content.get("parameters", {}).items():
        assert len(spec["reason"]) > 10, name
        assert set(spec) == DISTRIBUTIONS[spec["distribution"]][1] | {"distribution", "reason"}


@pytest.mark.parametrize("theory", NAMES)
def test_every_prior_is_used_and_every_parameter_has_one(models, theory):
    used = {rv.name for rv in models[theory].free_RVs} - FIXED
    assert used == set(load_priors(theory).parameters)


@pytest.mark.parametrize("theory", NAMES)
def test_every_option_is_read(theory, data):
    """An option that changes nothing would be a lie: the model must look at each."""
    read = set()

    class Watched(dict):
        def __getitem__(self, key):
            read.add(key)
            return super().__getitem__(key)

    spec = load_priors(theory)
    build(theory, data, Priors(theory, spec.parameters, Watched(spec.options)))
    assert read == set(spec.options)


REFUSED = {
    "beta_9": ({"beta_9": {"sigma": 1.0}}, "beta_9"),
    "beta_1": ({"beta_1": 2.0}, "beta_1"),
    "unknown distribution": ({"beta_1": {"distribution": "cauchy"}}, "beta_1.distribution"),
    "list for a name": ({"beta_1": {"distribution": ["normal"]}}, "beta_1.distribution"),
    "huge": ({"beta_1": {"mu": 10**400}}, "beta_1.mu"),
    "unknown argument": ({"beta_1": {"scale": 2.0}}, "beta_1.scale"),
    "missing argument": ({"beta_1": {"distribution": "beta", "alpha": 1.0}}, "beta_1.beta"),
    "text": ({"beta_1": {"sigma": "1"}}, "beta_1.sigma"),
    "boolean": ({"beta_1": {"sigma": True}}, "beta_1.sigma"),
    "zero": ({"beta_1": {"sigma": 0}}, "beta_1.sigma"),
    "negative": ({"beta_1": {"sigma": -1.0}}, "beta_1.sigma"),
    "infinite": ({"beta_1": {"mu": math.inf}}, "beta_1.mu"),
    "not a number": ({"beta_1": {"mu": math.nan}}, "beta_1.mu"),
    "unknown option": ({"options": {"laps": 0.1}}, "options.laps"),
    "option text": ({"options": {"lapse": "0.1"}}, "options.lapse"),
    "option boolean": ({"options": {"lapse": True}}, "options.lapse"),
    "options no table": ({"options": 0.1}, "options"),
}


@pytest.mark.parametrize(("changes", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_name_the_parameter(changes, place):
    with pytest.raises(InputError) as caught:
        load_priors("occupation", changes)
    assert caught.value.column == place
    assert place in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"lapse": -0.1},
        {"lapse": 1.5},
        {"lapse": math.nan},
        {"lapse": math.inf},
        {"smooth_maximum": 0.0},
        {"smooth_maximum": math.nan},
        {"smooth_maximum": 10**400},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InputError) as caught:
        load_priors("occupation", {"options": options})
    assert next(iter(options)) in str(caught.value)


def test_what_was_not_named_stays():
    plain = load_priors("occupation")
    changed = load_priors("occupation", {"beta_1": {"sigma": 3.0}, "options": {"lapse": 0.01}})
    assert changed.parameters["beta_1"]["sigma"] == 3.0
    assert changed.parameters["beta_1"]["mu"] == plain.parameters["beta_1"]["mu"]
    assert changed.options == plain.options | {"lapse": 0.01}
    others = set(plain.parameters) - {"beta_1"}
    assert all(changed.parameters[n] == plain.parameters[n] for n in others)
    assert load_priors("occupation") == plain, "a change does not leak into the next reading"


def test_another_distribution_forgets_the_old_arguments():
    changed = load_priors(
        "null", {"scale_era": {"distribution": "log_normal", "mu": 0, "sigma": 1}}
    )
    assert changed.parameters["scale_era"] == {"distribution": "log_normal", "mu": 0, "sigma": 1}


def test_the_hash_knows_values_and_not_reasons():
    plain = load_priors("occupation").hash
    assert load_priors("occupation", {"beta_1": {"reason": "another"}}).hash == plain
    assert load_priors("occupation", {"beta_1": {"sigma": 1.6}}).hash != plain
    assert load_priors("occupation", {"options": {"lapse": 0.03}}).hash != plain
    assert len({load_priors(t).hash for t in NAMES}) == len(NAMES)


def test_the_same_number_has_the_same_hash():
    """Whoever writes 1 means 1.0."""
    one = load_priors("null", {"alpha_partner": {"sigma": 1}})
    assert one.hash == load_priors("null", {"alpha_partner": {"sigma": 1.0}}).hash


def test_changes_from_a_file(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text("[beta_1]\nsigma = 2.5\n", encoding="utf-8")
    assert load_priors("occupation", file).parameters["beta_1"]["sigma"] == 2.5
    file.write_text("[beta_1]\nsigma = -2.5\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine.toml.*beta_1.sigma"):
        load_priors("occupation", file)


@pytest.mark.parametrize("content", [b"beta_1 = ", b"\xff\xfe\x00", None], ids=str)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None):
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=r"mine.toml"):
        load_priors("occupation", str(file))


def test_a_changed_prior_reaches_the_model(data):
    model = build("null", data, {"hazard_0": {"mu": 5.0, "sigma": 0.001}})
    draws = pm.draw(model["hazard_0"], draws=100, random_seed=1)
    assert abs(draws.mean() - 5) < 0.001


def test_arguments_have_one_order_and_the_form_passes_over_them():
    """A compiled model reads them by place, whatever the order in which a file names them."""
    plain = load_priors("occupation")
    turned = dict(reversed(plain.parameters.items()))
    assert list(Priors("occupation", turned, plain.options).arguments) == list(plain.arguments)
    changed = load_priors("occupation", {"beta_1": {"sigma": 3.0}})
    assert changed.arguments == plain.arguments | {"beta_1 sigma": 3.0}
    assert changed.form == plain.form
    for other in (
        {"beta_1": {"distribution": "log_normal", "mu": 0.0, "sigma": 1.0}},
        {"options": {"lapse": 0.03}},
    ):
        assert load_priors("occupation", other).form != plain.form


@pytest.mark.parametrize(
    "line", [".".join(["a"] * 9000) + " = 1", "[" + '"a" . ' * 9000 + "b]", "x = {" + "a." * 9000]
)
def test_a_key_of_very_many_parts_is_refused_at_once(line: str, tmp_path: Path) -> None:
    file = tmp_path / "deep.toml"
    file.write_text(f"y = 2\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 2: expected keys of at most"):
        load_priors("null", file)
