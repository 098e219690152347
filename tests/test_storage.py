"""Files of fits: whole, checked when opened, and nothing else is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from bayes_alliance.data import load
from bayes_alliance.diagnostics import diagnose
from bayes_alliance.errors import InputError
from bayes_alliance.process.priors import load_priors
from bayes_alliance.storage import data_of, open_fit, priors_of, save


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_saving_and_opening_is_the_identity(ending, fits, tmp_path: Path):
    tree = fits["occupation"]
    path = save(tree, tmp_path / "below" / f"fit{ending}")
    opened = open_fit(path)
    assert list(path.parent.iterdir()) == [path], "no other files are left"
    assert set(opened.children) == set(tree.children)
    for group in tree.children:
        xr.testing.assert_equal(opened[group].to_dataset(), tree[group].to_dataset())
    assert dict(opened.attrs) == dict(tree.attrs)
    assert diagnose(opened) == diagnose(tree)
    save(fits["null"], tmp_path / "below" / f"fit{ending}")
    assert open_fit(path).attrs["theory"] == "null", "saving again replaces"


def test_a_fit_carries_its_data_and_priors(fits, data):
    for theory, tree in fits.items():
        back = data_of(tree)
        assert back.hash == data.hash and back.name == data.name
        assert list(back.episodes["episode"]) == list(data.episodes["episode"])
        assert priors_of(tree) == load_priors(theory)


def test_changed_priors_must_be_named_to_open(fits, tmp_path: Path):
    path = save(fits["null"], tmp_path / "fit.nc")
    with pytest.raises(InputError) as caught:
        open_fit(path, priors={"hazard_0": {"sigma": 2.0}})
    wanted = load_priors("null", {"hazard_0": {"sigma": 2.0}}).hash
    assert caught.value.column == "priors_hash"
    assert wanted[:12] in str(caught.value)
    assert fits["null"].attrs["priors_hash"][:12] in str(caught.value)


def test_a_fit_of_other_data_is_refused(fits, tmp_path: Path):
    path = save(fits["null"], tmp_path / "fit.nc")
    asia = load("asia")
    with pytest.raises(InputError) as caught:
        open_fit(path, data=asia)
    assert caught.value.column == "data_hash" and asia.hash[:12] in str(caught.value)


def nothing(path: Path) -> None:
    pass


def text(path: Path) -> None:
    path.write_text("not a fit\n")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def folder(path: Path) -> None:
    path.mkdir()
    (path / "a.txt").write_text("not a fit\n")


def other_dataset(path: Path) -> None:
    xr.Dataset({"x": ("t", [1.0, 2.0])}).to_netcdf(path, engine="netcdf4")


def cut_off(path: Path) -> None:
    other_dataset(path)
    path.write_bytes(path.read_bytes()[:-500])


@pytest.mark.parametrize("make", [nothing, text, empty, folder, other_dataset, cut_off])
def test_what_is_no_fit_is_refused(make, tmp_path: Path):
    path = tmp_path / "fit.nc"
    make(path)
    with pytest.raises(InputError, match=r"fit.nc"):
        open_fit(path)


@pytest.mark.parametrize("name", ["fit", "fit.pkl", "fit.nc.gz", ".nc"])
def test_unknown_endings_are_refused(name, fits, tmp_path: Path):
    with pytest.raises(InputError, match=r"ending in .nc or .zarr"):
        save(fits["null"], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_a_place_that_cannot_be_written_is_refused(ending, fits, tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("in the way\n")
    with pytest.raises(InputError, match="a place that can be written"):
        save(fits["null"], file / "below" / f"fit{ending}")
    with pytest.raises(InputError, match="a place that can be written"):
        save(fits["null"], file / f"fit{ending}")
    assert list(tmp_path.iterdir()) == [file] and file.read_text() == "in the way\n"


def test_a_folder_is_not_replaced_by_a_file(fits, tmp_path: Path):
    (tmp_path / "fit.nc").mkdir()
    with pytest.raises(InputError, match=r"fit.nc"):
        save(fits["null"], tmp_path / "fit.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_a_failed_save_leaves_the_old_file(ending, fits, tmp_path: Path):
    path = save(fits["null"], tmp_path / f"fit{ending}")
    broken = fits["null"].copy()
    broken.attrs["cannot be written"] = object()
    with pytest.raises(Exception):  # noqa: B017 - whatever the library raises
        save(broken, path)
    assert open_fit(path).attrs["theory"] == "null"
    assert list(tmp_path.iterdir()) == [path], "no part is left"
