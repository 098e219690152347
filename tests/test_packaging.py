from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAKE = shutil.which("make")
needs_make = pytest.mark.skipif(MAKE is None, reason="make is not installed")


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


class Machine:
    """A machine of fakes: a checkout whose path has a space, a PATH of chosen Pythons, a home."""

    # Answers the finder's question, makes an "environment" and "installs" into it; writes down
    # what it was asked to do.
    FAKE = """\
    #!/bin/sh
    case "$*" in
        -c*ensurepip*) echo "{version} {modules} {beneath}" ;;
        "-m venv"*) echo venv >>"{log}"; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
        "-m pip"*) echo pip >>"{log}"; cp "$0" .venv/bin/bayes-alliance ;;
        *) echo "$*" >>"{log}" ;;
    esac
    """

    def __init__(self, tmp: Path, python_version: str = "3.13") -> None:
        self.bin = tmp / "bin"
        self.home = tmp / "home"
        self.checkout = tmp / "a check out"
        self.log = tmp / "log"
        for folder in (self.bin, self.home, self.checkout / "scripts"):
            folder.mkdir(parents=True)
        for tool in ("awk", "cat", "cksum", "cp", "dirname", "mkdir", "rm", "sed", "sh"):
            found = shutil.which(tool)
            assert found is not None, f"{tool} is not on PATH"
            (self.bin / tool).symlink_to(found)
        shutil.copy(ROOT / "scripts" / "find-python", self.checkout / "scripts")
        shutil.copy(ROOT / "Makefile", self.checkout)
        for name in ("pyproject.toml", "constraints.txt"):
            (self.checkout / name).write_text("as it is\n")
        (self.checkout / ".python-version").write_text(python_version + "\n")

    def python(
        self, path: str | Path, version: str, modules: str = "complete", beneath: object = None
    ) -> Path:
        file = self.bin / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = self.FAKE.format(
            version=version, modules=modules, beneath=beneath or file, log=self.log
        )
        file.write_text(re.sub("^    ", "", text, flags=re.MULTILINE))
        file.chmod(0o755)
        return file

    def shim(self, name: str) -> None:
        """Put a pyenv shim of a version that is switched off on PATH, where it is of no use."""
        file = self.bin / name
        file.write_text("#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n")
        file.chmod(0o755)

    def run(self, *command: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            cwd=self.checkout,
            env={"PATH": str(self.bin), "HOME": str(self.home), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def find(self, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.bin / "sh", self.checkout / "scripts" / "find-python", **env)

    def make(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        assert MAKE is not None
        return self.run(MAKE, *arguments, **env)

    def done(self) -> list[str]:
        """Return what the fakes were asked to do since the last call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


def test_an_old_python_alone_is_refused_in_one_message(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.python("python3", "3.9")
    got = machine.find()
    assert got.returncode == 2
    assert got.stdout == ""
    assert got.stderr.count("No Python 3.12 or newer was found") == 1
    assert "python3: is Python 3.9" in got.stderr
    assert "python3.13: not found" in got.stderr
    assert "make PYTHON=" in got.stderr


def test_a_new_python_is_found_behind_an_old_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.python("python3", "3.9")
    new = machine.python("python", "3.13")
    got = machine.find()
    assert (got.returncode, got.stdout, got.stderr) == (0, f"{new}\n", "")


@pytest.mark.parametrize("written", ["3.12", "3.12.1", "python-3.12", "3.12\n3.13"])
def test_python_version_decides_among_those_that_would_do(tmp_path: Path, written: str) -> None:
    machine = Machine(tmp_path, python_version=written)
    machine.python("python3.14", "3.14")
    machine.python("python3.13", "3.13")
    wanted = machine.python("python3.12", "3.12")
    assert machine.find().stdout == f"{wanted}\n"


def test_a_name_on_path_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.shim("python3.13")
    machine.python("python3.14", "3.14")
    installed = machine.python(machine.home / ".pyenv/versions/3.13.0/bin/python", "3.13")
    assert machine.find().stdout == f"{installed}\n"


def test_any_pyenv_version_serves_when_path_has_none(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.shim("python3")
    root = tmp_path / "pyenv root"
    machine.python(root / "versions/3.9.18/bin/python", "3.9")
    installed = machine.python(root / "versions/3.12.1/bin/python", "3.12")
    assert machine.find(PYENV_ROOT=str(root)).stdout == f"{installed}\n"


def test_a_python_that_cannot_make_environments_is_passed_over(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.python("python3.13", "3.13", modules="incomplete")
    assert "without the modules venv and ensurepip" in machine.find().stderr
    other = machine.python("python3.12", "3.12")
    assert machine.find().stdout == f"{other}\n"


def test_the_python_beneath_an_active_environment_is_taken(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.python("python3.13", "3.13", beneath="/usr/bin/beneath python")
    assert machine.find().stdout == "/usr/bin/beneath python\n"


def test_the_override_comes_first_and_says_so_when_it_will_not_do(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    usual = machine.python("python3.13", "3.13")
    named = machine.python(tmp_path / "other" / "py", "3.12")
    assert machine.find(PYTHON=str(named)).stdout == f"{named}\n"
    got = machine.find(PYTHON="python2")
    assert got.stdout == f"{usual}\n"
    assert "PYTHON=python2 will not do" in got.stderr


def test_the_finder_answers_for_a_real_python(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    got = machine.find(PYTHON=sys.executable, PYTHONHOME="/nowhere", PYTHONPATH="/nowhere")
    assert got.returncode == 0, got.stderr
    version = subprocess.run(
        [got.stdout.strip(), "-c", "import sys; print(sys.version_info >= (3, 12))"],
        capture_output=True,
        text=True,
    )
    assert version.stdout == "True\n"


@needs_make
def test_setup_installs_once_and_again_only_for_a_reason(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.python("python3.13", "3.13")
    stamp = machine.checkout / ".venv" / ".installed"

    def setup(**env: str) -> list[str]:
        got = machine.make("setup", **env)
        assert got.returncode == 0, got.stderr
        return [line for line in machine.done() if line in ("venv", "pip")]

    assert setup() == ["venv", "pip"]
    assert setup() == []
    (machine.checkout / "constraints.txt").write_text("changed\n")
    assert setup() == ["pip"]
    assert setup() == []
    (machine.checkout / ".python-version").write_text("3.12\n")
    assert setup() == ["venv", "pip"]
    stamp.unlink()  # as an installation that was broken off leaves it
    assert setup() == ["venv", "pip"]
    (machine.checkout / ".venv" / "bin" / "python").unlink()
    assert setup() == ["venv", "pip"]
    other = str(machine.python("other", "3.12"))
    assert setup(PYTHON=other) == ["venv", "pip"]
    assert setup() == []  # the environment made with an override stays in use without it


@needs_make
def test_two_targets_at_once_share_one_setup(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.python("python3.13", "3.13")
    got = machine.make("-j2", "report", "test")
    assert got.returncode == 0, got.stderr
    done = machine.done()
    assert [line for line in done if line in ("venv", "pip")] == ["venv", "pip"]
    assert any(line.startswith("reproduce --out reports/latest") for line in done)
    assert any(line.startswith("-m pytest") for line in done)


@needs_make
def test_make_stops_politely_without_a_python(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.python("python3", "3.9")
    got = machine.make("report")
    assert got.returncode == 2
    assert got.stderr.count("No Python 3.12 or newer was found") == 1
    assert not (machine.checkout / ".venv").exists()


@needs_make
def test_help_lists_every_documented_target(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    assert targets >= {"help", "report", "test", "lint", "setup", "clean"}
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony is not None and set(phony[1].split()) == targets

    got = Machine(tmp_path).make()
    listed = dict(re.findall(r"^make ([a-z]+) +(\S.*)$", got.stdout, flags=re.MULTILINE))
    assert set(listed) == targets

    pages = [ROOT / "README.md", ROOT / "reports" / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), flags=re.MULTILINE))
        assert named <= targets, f"{page.relative_to(ROOT)} names a target that does not exist"


def test_the_wheel_carries_tables_and_priors_and_no_reports(tmp_path: Path) -> None:
    for module in ("hatchling", "pip"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed (the test extra has hatchling)")
    command = "-m pip wheel --quiet --no-deps --no-build-isolation --disable-pip-version-check"
    built = subprocess.run(
        [sys.executable, *command.split(), "--wheel-dir", str(tmp_path), str(ROOT)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "bayes_alliance/py.typed",
        "bayes_alliance/report/page/template.html.j2",
        "bayes_alliance/_bundled/data/episodes.csv",
        "bayes_alliance/_bundled/models/occupation.toml",
    } <= names
    bundle = "bayes_alliance/_bundled/"
    for folder in ("data", "models"):
        here = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        packed = {name.removeprefix(bundle) for name in names if name.startswith(bundle + folder)}
        assert packed == here
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bayes_alliance"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_version_is_the_same_everywhere() -> None:
    version = project()["version"]
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"^version: (.*)$", citation, flags=re.MULTILINE) == [version]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_required_package_has_its_version_in_the_constraints() -> None:
    def normal(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    metadata = project()
    assert isinstance(metadata["dependencies"], list)
    assert isinstance(metadata["optional-dependencies"], dict)
    required = [*metadata["dependencies"], *metadata["optional-dependencies"]["test"]]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {normal(line.split("==")[0]) for line in lines if "==" in line}
    assert {normal(re.split(r"[\[<>=!~; ]", name)[0]) for name in required} <= pinned


def test_no_file_names_a_registry_or_a_home() -> None:
    # Put together here, so that this file does not hold what it looks for.
    hosts = ["python" + "hosted", "py" + "pi.org", "npm" + "js.org"]
    homes = [rf"(?<![\w.~}}])/{folder}/\w" for folder in ("home", "Users", "root")]
    pattern = re.compile("|".join([*map(re.escape, hosts), *homes]))

    command = "git ls-files -z --cached --others --exclude-standard"
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no telling which files are kept")
    listed = subprocess.run(
        command.split(), cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    found = []
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file():
            hit = pattern.search(path.read_text(errors="ignore"))
            if hit:
                found.append(f"{name}: {hit[0]}")
    assert found == []
