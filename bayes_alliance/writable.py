"""Whether a folder can be written, asked before long work begins."""

from __future__ import annotations

from pathlib import Path

from bayes_alliance.errors import InputError


def writable(out: str | Path) -> Path:
    """Make the folder, or say at once that nothing can be written there.

    Parameters
    ----------
    out : str or pathlib.Path
        Folder.

    Returns
    -------
    pathlib.Path
        The folder, which exists.

    Raises
    ------
    InputError
        If it cannot be made or written.
    """
    folder = Path(out)
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"a folder that can be written ({error.strerror})", file=str(folder)
        ) from None
    return folder
