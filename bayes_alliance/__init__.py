"""Bayesian models of why some alliances are multilateral and others bilateral.

The public names are below; each is imported when it is first used, so that ``import
bayes_alliance`` costs nothing.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_PUBLIC = {
    "InputError": "errors",
    "build": "theories",
    "check": "check.quantities",
    "checks": "check.quantities",
    "compare": "compare.loo",
    "diagnose": "diagnostics",
    "fit": "fit",
    "forecast": "forecast.forecast",
    "formation": "forecast.formation",
    "horizon": "forecast.horizon",
    "hypotheses": "compare.hypotheses",
    "load": "data.load",
    "open": "storage",
    "report": "report.report",
    "save": "storage",
    "theories": "theories",
}
__all__ = sorted(_PUBLIC)
__version__ = "0.1.0"


def _settle_caches() -> None:
    """Give PyTensor a folder for this process alone where it cannot write in the user's own."""
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    if "compiledir" in flags or os.name != "posix":
        return
    home = os.path.join(os.path.expanduser("~"), ".pytensor")
    try:
        os.makedirs(home, exist_ok=True)
        if os.access(home, os.W_OK | os.X_OK):
            return
    except OSError:
        pass
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="bayes_alliance-")  # readable by this user only
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own = f"base_compiledir={folder}"
    os.environ["PYTENSOR_FLAGS"] = f"{flags},{own}" if flags else own
    os.environ.setdefault("MPLCONFIGDIR", folder)


_settle_caches()


class _Package(ModuleType):
    """A package in which some folders and some functions have one name.

    Importing ``bayes_alliance.compare.loo`` binds the name ``compare`` of the package to the
    folder; here that binding is passed over, so that ``compare`` stays the function.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_PUBLIC[name]}")
    value = getattr(module, {"open": "open_fit"}.get(name, name))
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
