"""A study that loses workers, is killed and goes on: the same tables, and nothing fitted twice.

One cluster of one worker serves all tests; fits are of few draws, so that all of them fail their
diagnostics, and must be shown all the same.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import dask
import psutil
import pytest
from distributed import LocalCluster

from bayes_alliance import cli
from bayes_alliance.compare import study as module
from bayes_alliance.compare.specifications import specification
from bayes_alliance.compare.study import inputs, one, open_study, run, seal
from bayes_alliance.data import load
from bayes_alliance.errors import InputError

DATA = ("europe",)
SPECIFICATIONS = [
    specification(DATA),
    specification(DATA, frames=False),
    # changes nothing of the null theory: shares the fit of the defaults
    specification(DATA, priors="sceptical of prospect"),
]
SMALL = {"draws": 20, "tune": 20, "chains": 2, "seed": 1}
NOWHERE = "tcp://127.0.0.1:9"
"""No scheduler: whoever asks it for a fit fails."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A worker that the tests may kill."""
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        memory_limit=None,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as made:
        yield made


@pytest.fixture(scope="module")
def whole(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that nothing disturbed."""
    store = tmp_path_factory.mktemp("whole")
    told: list[tuple[int, int, str]] = []
    count = run(
        SPECIFICATIONS,
        ["null"],
        store,
        scheduler=cluster.scheduler_address,
        tell=lambda *words: told.append(words),
        **SMALL,
    )
    assert count == 2, "two of the three specifications come to the same fit"
    assert [words[:2] for words in told] == [(0, 0), (0, 2), (1, 2), (2, 2)]
    assert told[2][2].startswith("null, default: R-hat")
    return store


def files(store: Path) -> list[Path]:
    return sorted((store / "fits").glob("*.json"))


def changed(store: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in files(store)}


def numbers(store: Path) -> dict[str, dict]:
    """All that is stored, but for how long it took."""
    found = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in files(store)}
    for result in found.values():
        del result["seconds"], result["digest"]
    return found


def wait_for(store: Path, seconds: float = 600) -> None:
    """Wait for the first result."""
    until = time.monotonic() + seconds
    while not files(store) and time.monotonic() < until:
        time.sleep(0.05)
    assert files(store), "no result came"


def test_every_specification_has_a_file_that_says_what_it_is(whole: Path) -> None:
    assert {p.name for p in files(whole)} == {f"{s.hash}-null.json" for s in SPECIFICATIONS}
    found = open_study(whole)
    assert found.specifications == SPECIFICATIONS
    for s in SPECIFICATIONS:
        result = found.results[s.hash, "null"]
        assert result["specification"] == dict(s.changed)
        assert result["inputs"]["data"] == s.load().hash
        assert set(result["scores"]["indicators"]) == set(s.load().episodes["case"])
        assert set(result["seconds"]) == {"compile", "sample", "summarise", "score"}
        assert result["hypotheses"] == {}


def test_fits_that_fail_their_diagnostics_are_stored_as_failed(whole: Path) -> None:
    for result in open_study(whole).results.values():
        assert any(problem.startswith("bulk ESS") for problem in result["problems"])


def test_a_study_that_is_done_fits_nothing_and_needs_no_worker(whole: Path) -> None:
    before = changed(whole)
    assert run(SPECIFICATIONS, ["null"], whole, scheduler=NOWHERE, **SMALL) == 0
    assert changed(whole) == before


def test_a_killed_worker_costs_its_fit_alone(
    whole: Path, cluster: LocalCluster, tmp_path: Path
) -> None:
    killed: list[tuple[int, dict[str, int]]] = []

    def kill() -> None:
        wait_for(tmp_path)
        (nanny,) = cluster.workers.values()
        killed.append((nanny.pid, changed(tmp_path)))
        os.kill(nanny.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    run(SPECIFICATIONS, ["null"], tmp_path, scheduler=cluster.scheduler_address, **SMALL)
    killer.join()
    ((pid, there),) = killed
    assert len(there) < len(SPECIFICATIONS), "the worker was killed too late to lose anything"
    assert next(iter(cluster.workers.values())).pid != pid
    after = changed(tmp_path)
    assert {name: after[name] for name in there} == there, "a fit that was done was made again"
    assert numbers(tmp_path) == numbers(whole)


def test_a_fit_that_kills_its_workers_is_said_to_be_missing(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    told: list[str] = []

    def kill() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if any(worker.processing for worker in cluster.scheduler.workers.values()):
                os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.warns(UserWarning, match="1 of 1 fits are missing.*want of memory"):
        run(
            SPECIFICATIONS[:1],
            ["null"],
            tmp_path,
            scheduler=cluster.scheduler_address,
            tell=lambda done, total, words: told.append(words),
            **SMALL,
        )
    killer.join()
    assert "killed, probably for want of memory" in told[-1]
    assert files(tmp_path) == []


HALF = """
import sys
from bayes_alliance.compare.specifications import specification
from bayes_alliance.compare.study import run
if __name__ == "__main__":
    data = ("europe",)
    specifications = [
        specification(data),
        specification(data, frames=False),
        specification(data, priors="sceptical of prospect"),
    ]
    run(specifications, ["null"], sys.argv[1], workers=1, draws=20, tune=20, chains=2, seed=1)
"""


def test_a_study_killed_half_way_goes_on_and_refits_nothing(
    whole: Path, cluster: LocalCluster, tmp_path: Path
) -> None:
    store, script = tmp_path / "store", tmp_path / "half.py"
    script.write_text(HALF, encoding="utf-8")
    process = subprocess.Popen([sys.executable, str(script), str(store)])
    try:
        wait_for(store)
        workers = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait()
    before = changed(store)
    assert 0 < len(before) < len(SPECIFICATIONS), "the study was killed too late"
    assert psutil.wait_procs(workers, timeout=60)[1] == [], "its workers live on"
    run(SPECIFICATIONS, ["null"], store, scheduler=cluster.scheduler_address, **SMALL)
    after = changed(store)
    assert {name: after[name] for name in before} == before, "a fit was made twice"
    assert numbers(store) == numbers(whole)


def test_results_of_other_tables_are_made_again_and_others_kept(
    whole: Path, cluster: LocalCluster, tmp_path: Path
) -> None:
    first = SPECIFICATIONS[0]
    run([first], ["null"], tmp_path, scheduler=cluster.scheduler_address, **SMALL)
    path = tmp_path / "fits" / f"{first.hash}-null.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["inputs"]["data"] = "0" * 64
    path.write_text(json.dumps(seal(stored)), encoding="utf-8")
    assert run([first], ["null"], tmp_path, scheduler=cluster.scheduler_address, **SMALL) == 1
    assert numbers(tmp_path)[path.name] == numbers(whole)[path.name]


def test_workers_with_other_versions_are_refused(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "versions", lambda: {"pymc": "0"})
    with pytest.raises(InputError, match="workers with the same versions"):
        run(SPECIFICATIONS, ["null"], tmp_path, scheduler=cluster.scheduler_address, **SMALL)
    assert files(tmp_path) == []


def test_a_specification_that_cannot_be_fitted_gives_a_failed_result() -> None:
    data = load(*DATA)
    impossible = SMALL | {"draws": 0}
    wanted = inputs("null", data, {}, impossible)
    result = one("null", zlib.compress(pickle.dumps(data)), {}, impossible, wanted)
    (problem,) = result["problems"]
    assert problem.startswith("no fit: InputError") and "draws" in problem
    assert result["scores"] == {}


def test_what_a_result_depends_on() -> None:
    data = load(*DATA)
    base = inputs("null", data, {}, SMALL)
    assert base == inputs("null", load(*DATA), {}, SMALL)
    assert base != inputs("null", load("asia"), {}, SMALL)
    assert base != inputs("null", data, {"hazard_0": {"sigma": 2.0}}, SMALL)
    assert base != inputs("null", data, {}, SMALL | {"draws": 30})
    assert base != inputs("threat", data, {}, SMALL)
    assert json.loads(json.dumps(base)) == base


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a study none of whose fits is made."""
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    with pytest.raises(InputError, match="address of a running dask scheduler"):
        run(SPECIFICATIONS, ["null"], tmp_path, scheduler=NOWHERE, **SMALL)
    assert dask.config.get("scheduler", None) is None, "other work would look for the client"
    return tmp_path


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"draws": 30}, "draws"),
        ({"seed": 2}, "seed"),
        ({"specifications": [specification(["asia"])]}, "data"),
    ],
)
def test_a_folder_of_another_study_is_refused(asked: Path, other: dict, part: str) -> None:
    given = {"specifications": SPECIFICATIONS, "theories": ["null"], **SMALL, **other}
    before = (asked / "study.json").read_bytes()
    with pytest.raises(InputError, match=f"study.json, column '{part}'.*a folder of its own"):
        run(store=asked, scheduler=NOWHERE, **given)
    assert (asked / "study.json").read_bytes() == before


def test_whatever_answers_and_is_no_scheduler_is_refused_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes calls and says nothing
        port = mute.getsockname()[1]
        wrong = [f"{kind}://127.0.0.1:{port}" for kind in ("tcp", "tls", "ws", "ucx", "inproc")]
        for address in (*wrong, f"127.0.0.1:{port}", "", "tcp://", "tcp://[::1", "tcp://a:999999"):
            began = time.monotonic()
            with pytest.raises(InputError, match="the address of a running dask scheduler"):
                module._reach(address)
            assert time.monotonic() - began < 5


@pytest.mark.parametrize("content", ["", "{", "[]", '{"inputs": {}}', "\udcff", "[" * 100_000])
@pytest.mark.parametrize("name", ["study.json", f"fits/{SPECIFICATIONS[0].hash}-null.json"])
def test_a_broken_file_is_named(asked: Path, name: str, content: str) -> None:
    (asked / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    for read in (open_study, lambda s: run(SPECIFICATIONS, ["null"], s, **SMALL)):
        with pytest.raises(InputError, match=Path(name).name) as said:
            read(asked)
        assert "without the file it is made again" in str(said.value)


def test_results_of_several_versions_are_not_shown_as_one(whole: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(whole, tmp_path / "store"))
    assert len(open_study(store).results) == 3
    path = files(store)[0]
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["inputs"]["versions"]["pymc"] = "0"
    path.write_text(json.dumps(seal(stored)), encoding="utf-8")
    with pytest.raises(InputError, match="one version"):
        open_study(store)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"specifications": []}, "specifications"),
        ({"specifications": [specification(), specification(DATA)]}, "same data"),
        ({"theories": []}, "theories"),
        ({"theories": ["null", "null"]}, "theories"),
        ({"theories": ["nul"]}, "nul"),
        ({"draws": 5}, "draws"),
        ({"chains": True}, "chains"),
        ({"workers": 0}, "workers"),
        ({"workers": 2, "scheduler": NOWHERE}, "workers"),
    ],
)
def test_what_no_study_can_be_made_of_is_refused(given: dict, part: str, tmp_path: Path) -> None:
    usual: dict = {"specifications": SPECIFICATIONS, "theories": ["null"], **SMALL}
    with pytest.raises(InputError, match=part):
        run(store=tmp_path / "store", **(usual | given))
    assert not (tmp_path / "store").exists()


STUDY = ("compare", "--study", "--data", "europe", "--theories", "null")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((*STUDY, "--scheduler", NOWHERE), "scheduler"),
        ((*STUDY, "--scheduler", "nothing"), "scheduler"),
        ((*STUDY, "--scheduler", "ftp://nothing:1"), "scheduler"),
        ((*STUDY, "--theories", "nul"), "nul"),
        ((*STUDY, "--data", "nowhere"), "nowhere"),
        ((*STUDY, "--limit", "0"), "limit"),
        ((*STUDY, "--draws", "1"), "draws"),
        ((*STUDY, "--information", "all"), "information"),
        ((*STUDY, "fit.nc"), "study"),
        ((*STUDY, "--by", "theatre"), "study"),
        (("compare",), "--study"),
        (("compare", "a.nc", "--workers", "2"), "workers"),
    ],
)
def test_a_wrong_word_gives_one_message(
    words: tuple[str, ...],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    monkeypatch.setattr(sys, "argv", ["bayes-alliance", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr()
    message = [line for line in said.err.splitlines() if not line.startswith("[")]
    assert end.value.code == 2
    assert said.out == "" and len(message) == 1, said.err
    assert part in message[0] and "expected" in message[0]


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("kept", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["bayes-alliance", *STUDY, "--out", str(file / "sub")])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "can be written" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "kept"


def test_the_command_writes_tables_sentences_and_says_where(
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = Path(shutil.copytree(whole, tmp_path / "store"))
    small = [f"--{name}={value}" for name, value in SMALL.items()]
    words = (*STUDY, "--limit", "2", "--out", str(store), *small, "--scheduler", NOWHERE)
    before = changed(store)
    for more in ((), ("--json",)):
        monkeypatch.setattr(sys, "argv", ["bayes-alliance", *words, *more])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
        said = capsys.readouterr().out
        if more:
            empty = {"comparison": [], "hypotheses": [], "sentences": {}}
            assert json.loads(said) == empty
        else:
            assert str(store) in said
    assert {"comparison.csv", "hypotheses.csv", "sentences.txt"} <= {
        path.name for path in store.iterdir()
    }
    assert changed(store) == before
    assert open_study(store).specifications == SPECIFICATIONS[:2]


def test_a_fit_made_for_one_specification_serves_the_others_that_come_to_it(
    whole: Path, tmp_path: Path
) -> None:
    store = Path(shutil.copytree(whole, tmp_path / "store"))
    (store / "fits" / f"{SPECIFICATIONS[2].hash}-null.json").unlink()
    assert run(SPECIFICATIONS, ["null"], store, scheduler=NOWHERE, **SMALL) == 0
    assert numbers(store) == numbers(whole)
