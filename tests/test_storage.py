"""Files of fits: whole, checked when opened, and nothing else is opened."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayes_alliance.data import load
from bayes_alliance.diagnostics import diagnose
from bayes_alliance.errors import InputError
from bayes_alliance.fit import fit
from bayes_alliance.process.priors import load_priors
from bayes_alliance.storage import accepted, checksum, data_of, open_fit, priors_of, read, save
from bayes_alliance.structure import ATTRIBUTES, GROUPS, TABLES


@pytest.fixture(scope="module")
def small() -> xr.DataTree:
    """The smallest fit; what it says of the world does not matter."""
    return fit("null", load("europe"), draws=20, tune=20, chains=2)


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_saving_and_opening_is_the_identity(ending, small, tmp_path: Path):
    tree = small
    path = save(tree, tmp_path / "below" / f"fit{ending}")
    opened = open_fit(path)
    assert list(path.parent.iterdir()) == [path], "no other files are left"
    assert set(opened.children) == set(tree.children)
    for group in tree.children:
        xr.testing.assert_equal(opened[group].to_dataset(), tree[group].to_dataset())
    assert dict(opened.attrs) == dict(tree.attrs)
    assert diagnose(opened) == diagnose(tree)
    again = small.copy()
    again.attrs["seconds"] = 7.0
    save(again, path)
    assert open_fit(path).attrs["seconds"] == 7, "saving again replaces"


def test_a_fit_carries_its_data_and_priors(fits, data):
    for theory, tree in fits.items():
        back = data_of(tree)
        assert back.hash == data.hash and back.name == data.name
        assert list(back.episodes["episode"]) == list(data.episodes["episode"])
        assert priors_of(tree) == load_priors(theory)


def test_changed_priors_must_be_named_to_open(small, tmp_path: Path):
    path = save(small, tmp_path / "fit.nc")
    with pytest.raises(InputError) as caught:
        open_fit(path, priors={"hazard_0": {"sigma": 2.0}})
    wanted = load_priors("null", {"hazard_0": {"sigma": 2.0}}).hash
    assert caught.value.column == "priors_hash"
    assert wanted[:12] in str(caught.value)
    assert small.attrs["priors_hash"][:12] in str(caught.value)


def test_a_fit_of_other_data_is_refused(small, tmp_path: Path):
    path = save(small, tmp_path / "fit.nc")
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
def test_unknown_endings_are_refused(name, small, tmp_path: Path):
    with pytest.raises(InputError, match=r"ending in .nc or .zarr"):
        save(small, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_a_place_that_cannot_be_written_is_refused(ending, small, tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("in the way\n")
    with pytest.raises(InputError, match="that can be written"):
        save(small, file / "below" / f"fit{ending}")
    with pytest.raises(InputError, match="that can be written"):
        save(small, file / f"fit{ending}")
    assert list(tmp_path.iterdir()) == [file] and file.read_text() == "in the way\n"


def test_a_folder_is_not_replaced_by_a_file(small, tmp_path: Path):
    (tmp_path / "fit.nc").mkdir()
    with pytest.raises(InputError, match=r"fit.nc"):
        save(small, tmp_path / "fit.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_what_files_cannot_hold_is_refused_and_the_old_file_stays(ending, small, tmp_path: Path):
    path = save(small, tmp_path / f"fit{ending}")
    for value in (object(), True, None, "a\0b", "\udcff", 2**70, [1], {"a": 1}):
        broken = small.copy()
        broken.attrs["odd"] = value
        with pytest.raises(InputError, match=r"'odd'.*text without NUL"):
            save(broken, path)
    assert open_fit(path).attrs["theory"] == "null"
    assert list(tmp_path.iterdir()) == [path], "no part is left"


def test_a_folder_of_the_user_is_not_replaced(small, tmp_path: Path):
    path = save(small, tmp_path / "x.zarr")
    save(small, path)
    (path / "thesis.tex").write_text("years of work")
    other = tmp_path / "y.zarr"
    xr.Dataset({"x": ("t", [1.0, 2.0])}).to_zarr(other, consolidated=False)
    for taken in (path, other):
        with pytest.raises(InputError, match="wrote itself"):
            save(small, taken)
    assert (path / "thesis.tex").read_text() == "years of work" and (other / "x").is_dir()
    with pytest.raises(InputError):
        open_fit(path)


def test_the_checksum_is_of_the_contents(small, tmp_path: Path):
    trees = [read(save(small, tmp_path / f"fit{ending}")) for ending in (".nc", ".zarr")]
    assert {checksum(tree) for tree in trees} == {checksum(small)}
    with xr.open_datatree(tmp_path / "fit.nc", engine="netcdf4") as tree:  # by others too
        assert tree.attrs["checksum"] == checksum(small)
        xr.testing.assert_identical(tree["posterior"].to_dataset(), small["posterior"].to_dataset())


def _changed(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes with one of the things that happen to files."""
    size, kind = len(content), rng.integers(6)
    at, to = sorted(rng.integers(0, size + 1, size=2))
    if kind == 0:
        return content[:at]
    if kind == 1:
        flipped = bytearray(content)
        flipped[rng.integers(size)] ^= 1 << rng.integers(8)
        return bytes(flipped)
    if kind == 2:
        return content[:at] + bytes(to - at + 1) + content[to + 1 :]
    if kind == 3:
        return content[:at] + content[to + 1 :]
    if kind == 4:
        return content + rng.bytes(rng.integers(1, 200))
    return content[:at] + rng.bytes(8) + content[at + 8 :]


def test_changed_bytes_are_refused(small, tmp_path: Path):
    path, rng = save(small, tmp_path / "fit.nc"), np.random.default_rng(1)
    whole = path.read_bytes()
    for _ in range(300):
        changed = _changed(whole, rng)
        if changed == whole:
            continue
        path.write_bytes(changed)
        with pytest.raises(InputError) as caught:
            open_fit(path)
        assert caught.value.file == str(path) and "\n" not in str(caught.value)
    path.write_bytes(whole)
    open_fit(path)


def test_changed_bytes_of_a_folder_are_refused(small, tmp_path: Path):
    path, rng = save(small, tmp_path / "fit.zarr"), np.random.default_rng(2)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    for _ in range(60):
        file = files[rng.integers(len(files))]
        whole = file.read_bytes()
        changed = _changed(whole, rng)
        if changed == whole:
            continue
        if rng.integers(4):
            file.write_bytes(changed)
        else:
            file.unlink()
        with pytest.raises(InputError):
            open_fit(path)
        file.write_bytes(whole)
    open_fit(path)


MUTATIONS = {
    "group": lambda groups, name, rng: groups.pop(name),
    "other group": lambda groups, name, rng: groups.update(other=groups[name]),
    "variable": lambda groups, name, rng: groups.update({name: _without(groups[name], rng)}),
    "name": lambda groups, name, rng: groups.update({name: _renamed(groups[name], rng)}),
    "type": lambda groups, name, rng: groups.update({name: _retyped(groups[name], rng)}),
    "size": lambda groups, name, rng: groups.update({name: _cut(groups[name])}),
    "dimension": lambda groups, name, rng: groups.update({name: _summed(groups[name], rng)}),
    "labels": lambda groups, name, rng: groups.update({name: _relabelled(groups[name], rng)}),
}


def _pick(group: xr.Dataset, rng: np.random.Generator) -> str:
    names = sorted(map(str, group.data_vars))
    return names[rng.integers(len(names))]


def _without(group, rng):
    return group.drop_vars(_pick(group, rng))


def _renamed(group, rng):
    return group.rename({_pick(group, rng): "other"})


def _retyped(group, rng):
    name = _pick(group, rng)
    return group.assign({name: xr.full_like(group[name], "a text", dtype=object)})


def _cut(group):
    return group.isel({d: slice(0, -1) for d in list(group.dims)[-1:]})


def _summed(group, rng):
    name = _pick(group, rng)
    over = group[name].dims[-1:]
    return group.assign({name: group[name].max(over) if over else group[name].expand_dims("new")})


def _relabelled(group, rng):
    d = next(iter(group.coords), None)
    return group.assign_coords({d: group[d].to_numpy()[::-1]}) if d else group.drop_vars(group)


@pytest.mark.parametrize("kind", MUTATIONS)
@pytest.mark.parametrize("group", GROUPS)
def test_a_changed_tree_is_refused_by_name(kind, group, small):
    rng = np.random.default_rng([*kind.encode(), *group.encode()])
    groups = {name: of.to_dataset() for name, of in small.children.items()}
    MUTATIONS[kind](groups, group, rng)
    changed = xr.DataTree.from_dict(groups)
    changed.attrs = dict(small.attrs)
    if group == "tables" and kind == "size":
        return  # texts have no size
    if group == "sample_stats" and kind == "variable":
        changed["sample_stats"] = changed["sample_stats"].to_dataset().drop_vars("energy")
    with pytest.raises(InputError) as caught:
        accepted(changed, Path("fit.nc"))
    assert caught.value.file == "fit.nc" and caught.value.column is not None


def test_a_changed_tree_with_a_new_checksum_is_refused(small, tmp_path: Path):
    changed = small.copy()
    del changed["posterior"]["hazard_0"]
    for ending in (".nc", ".zarr"):
        with pytest.raises(InputError, match=r"posterior with hazard_0"):
            open_fit(save(changed, tmp_path / f"fit{ending}"))


@pytest.mark.parametrize("name", ATTRIBUTES)
@pytest.mark.parametrize("value", [None, "", "a text", 0, -1, 1.5])
def test_changed_attributes_are_refused_by_name(name, value, small):
    changed = small.copy()
    if value is None:
        del changed.attrs[name]
    else:
        changed.attrs[name] = value
    if name == "data_name" and value == "a text":
        return  # a name of one's own
    free = {"seed", "seconds", "seconds_sample", "seconds_compile", "tune"}
    if (name in free and isinstance(value, int | float)) or small.attrs[name] == value:
        return
    with pytest.raises(InputError) as caught:
        accepted(changed, Path("fit.nc"))
    assert caught.value.file == "fit.nc"


@pytest.mark.parametrize("table", [*TABLES, "priors"])
@pytest.mark.parametrize("text", ["", "\n", "a,b\n1,2,3\n", "[]", "{}", "3", '{"parameters": 3}'])
def test_changed_tables_are_refused_by_name(table, text, small):
    changed = small.copy(deep=True)
    changed["tables"] = changed["tables"].to_dataset().assign({table: ((), text)})
    with pytest.raises(InputError) as caught:
        accepted(changed, Path("fit.nc"))
    assert caught.value.file == "fit.nc" and "tables" in str(caught.value.column)


def test_no_module_is_imported_that_a_file_names(small, tmp_path: Path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "evil").mkdir()
    for name in ("__init__", "module"):
        (tmp_path / "evil" / f"{name}.py").write_text("raise SystemExit('imported')\n")
    for named in ("this", "evil", "evil.module", "antigravity.x", "../evil", "bayes_alliance.cli"):
        changed = small.copy()
        changed.attrs["theory"] = named
        path = save(changed, tmp_path / "fit.nc")
        before = set(sys.modules)
        with pytest.raises(InputError, match=r"theory of your own to open it with"):
            open_fit(path)
        with pytest.raises(InputError, match="a fit of the theory 'null'"):
            open_fit(path, theory="null")
        assert not {"this", "evil", "antigravity"} & (set(sys.modules) - before)


def test_a_pipe_and_a_huge_file_are_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.nc")
    with open(tmp_path / "huge.nc", "wb") as file:
        file.truncate(10**11)
    for path in (tmp_path / "pipe.nc", tmp_path / "huge.nc", Path("/dev/zero")):
        began = time.perf_counter()
        with pytest.raises(InputError):
            open_fit(path)
        assert time.perf_counter() - began < 5


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_a_full_disk_leaves_the_old_fit(ending, small, tmp_path: Path):
    path = save(small, tmp_path / f"fit{ending}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(InputError, match="File too large"):
            save(small, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    open_fit(path)
    assert list(tmp_path.iterdir()) == [path]
