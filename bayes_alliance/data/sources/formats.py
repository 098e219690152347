"""Opens published tables in the formats in which they are handed on.

Text separated by commas, semicolons, tabs or bars (``.csv``, ``.txt``, ``.tab``, ``.tsv``), Stata
(``.dta``), R (``.rds``, ``.rda``, ``.RData``), Excel (``.xlsx``) and Parquet, each also in a ZIP
file, whose members are named like files in a folder (``atop.zip/atop5_1a.csv``).  Only the columns
that are asked for are kept, so that a file of thousands of columns fits into memory.

Text is read by the ``csv`` module and not by pandas, which fills up a row that is cut off.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_alliance.data.validate import LINE, Problem, refuse
from bayes_alliance.errors import InputError

TEXT = (".csv", ".txt", ".tab", ".tsv")
SUFFIXES = (*TEXT, ".dta", ".rds", ".rda", ".rdata", ".xlsx", ".parquet")
MOST_BYTES = 4 << 30
"""Size of the largest member of a ZIP file that is unpacked."""

_MARKS = ",;\t|"
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True)
class Opened:
    """A table of a file whose cells are not read yet.

    Parameters
    ----------
    file : str
        The file, and the part of it where it has several tables.
    header : list of str
        Names of its columns, empty where a column has none.
    row : int
        Line of the header.
    cells : callable
        Gives the columns at some places, indexed by line, named by their headers, and notes.
    """

    file: str
    header: list[str]
    row: int
    cells: Callable[[list[int]], tuple[pd.DataFrame, list[str]]]


def tables(path: Path) -> Iterator[Opened]:
    """Open the tables of a file.

    Parameters
    ----------
    path : pathlib.Path
        The file; a member of a ZIP file as if that were a folder.

    Yields
    ------
    Opened
        Each table; it can be read until the next is asked for.
    """
    archive = next((part for part in (path, *path.parents) if part.suffix.lower() == ".zip"), None)
    if archive is not None and archive.is_file():
        yield from _unpacked(archive, path)
        return
    if not path.is_file():
        other = "; there is something else of that name" if path.exists() else ""
        raise InputError(f"a file {path.name}{other}", file=str(path))
    yield from _tables(path, str(path))


def members(archive: Path) -> list[str]:
    """List the tables in a ZIP file.

    Parameters
    ----------
    archive : pathlib.Path
        The file.

    Returns
    -------
    list of str
        Names of the members that are tables by their suffix.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            names = content.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"a ZIP file ({error})", file=str(archive)) from None
    known = [name for name in names if name.lower().endswith(SUFFIXES)]
    return [name for name in known if not name.startswith("__MACOSX/")]


def _unpacked(archive: Path, path: Path) -> Iterator[Opened]:
    """Tables of one member of a ZIP file, or of all."""
    wanted = path.relative_to(archive).as_posix()
    names = [name for name in members(archive) if wanted in (".", name)]
    if not names:
        raise InputError(f"a ZIP file with a table ({', '.join(SUFFIXES)})", file=str(path))
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(archive) as content:
        for number, name in enumerate(names):
            file = f"{archive}/{name}"
            if content.getinfo(name).file_size > MOST_BYTES:
                raise InputError(f"a table of at most {MOST_BYTES} bytes", file=file)
            part = Path(folder, f"{number}{Path(name).suffix}")
            try:
                with content.open(name) as packed, part.open("wb") as out:
                    while block := packed.read(1 << 20):
                        out.write(block)
            except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
                words = f"a ZIP file that can be unpacked ({error})"
                raise InputError(words, file=file) from None
            yield from _tables(part, file)
            part.unlink()


def _tables(path: Path, file: str) -> Iterator[Opened]:
    """Tables of a file that is not packed."""
    suffix = path.suffix.lower()
    if suffix in (*TEXT, ""):
        yield _text(path, file)
        return
    readers = {".dta": _stata, ".rds": _r, ".rda": _r, ".rdata": _r, ".xlsx": _excel}
    readers[".parquet"] = _parquet
    if suffix not in readers:
        raise InputError(f"one of the formats {', '.join(SUFFIXES)} or .zip", file=file)
    read = readers[suffix]
    kind = (read.__doc__ or "").rstrip(".").replace("A", "a", 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = read(path, file)
    except InputError:
        raise
    except ImportError as error:
        words = f"the package {error.name} to read this (pip install 'bayes-alliance[sources]')"
        raise InputError(words, file=file) from None
    except Exception as error:  # a damaged file fails anywhere in the reader of its format
        raise InputError(f"{kind} ({type(error).__name__}: {error})", file=file) from None
    yield from opened


def _frame(file: str, frame: pd.DataFrame, row: int = 1) -> Opened:
    """A table that is in memory, the rows below the header numbered as in a spreadsheet."""
    header = [str(name).strip() for name in frame.columns]

    def cells(places: list[int]) -> tuple[pd.DataFrame, list[str]]:
        columns = {header[place]: _plain(frame.iloc[:, place]) for place in places}
        out = pd.DataFrame(columns).reset_index(drop=True)
        out.index = pd.RangeIndex(row + 1, row + 1 + len(out), name=LINE)
        return out, []

    if frame.empty:
        raise InputError("at least one row", file=file)
    return Opened(file, header, row, cells)


def _plain(cells: pd.Series) -> pd.Series:
    """Cells as numbers or texts, as a text file would hold them."""
    kind = cells.dtype
    if pd.api.types.is_datetime64_any_dtype(kind):
        return cells.dt.strftime("%Y-%m-%d").astype(object).fillna("")
    if kind == "float32":  # 0.2 in 32 bits is 0.2, not 0.20000000298
        return cells.map(lambda value: float(str(value))).astype("float64")
    if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_numeric_dtype(kind):
        return cells if kind.kind in "iuf" and not hasattr(kind, "na_value") else _floats(cells)
    return cells.astype(object).map(_cell)


def _floats(cells: pd.Series) -> pd.Series:
    return pd.Series(cells.to_numpy("float64", na_value=math.nan), cells.index)


def _cell(value: object) -> object:
    """One cell of a column of objects."""
    if isinstance(value, (str, int, float)) and value == value:
        return value
    if pd.isna(value):
        return ""
    iso = getattr(value, "isoformat", None)
    return iso()[:10] if iso else str(value)


def _parquet(path: Path, file: str) -> list[Opened]:
    """A Parquet file."""
    return [_frame(file, pd.read_parquet(path))]


def _stata(path: Path, file: str) -> list[Opened]:
    """A Stata file."""
    with pd.read_stata(path, iterator=True) as reader:
        header = list(reader.variable_labels())

    def cells(places: list[int]) -> tuple[pd.DataFrame, list[str]]:
        names = [header[place] for place in places]
        try:
            with pd.read_stata(
                path, columns=names, chunksize=2000, convert_categoricals=False
            ) as chunks:
                return _frame(file, pd.concat(list(chunks))).cells(list(range(len(names))))
        except InputError:
            raise
        except Exception as error:  # damaged or cut off
            words = f"a Stata file that is whole ({type(error).__name__}: {error})"
            raise InputError(words, file=file) from None

    return [Opened(file, header, 1, cells)]


def _r(path: Path, file: str) -> list[Opened]:
    """A file of R."""
    import rdata

    made = rdata.conversion.DEFAULT_CLASS_MAP | {"Date": _r_days}
    read = rdata.read_rds if path.suffix.lower() == ".rds" else rdata.read_rda
    found = read(path, constructor_dict=made)
    named = found if path.suffix.lower() != ".rds" else {"": found}
    frames = {name: frame for name, frame in named.items() if isinstance(frame, pd.DataFrame)}
    if not frames:
        raise InputError("a file of R with a data frame", file=file)
    return [_frame(f"{file}:{name}" if len(frames) > 1 else file, f) for name, f in frames.items()]


def _r_days(values: object, attributes: object) -> object:
    return pd.Series(pd.to_datetime(pd.Series(values, dtype="float64"), unit="D"))


def _excel(path: Path, file: str) -> list[Opened]:
    """An Excel file."""
    sheets = pd.read_excel(
        path, sheet_name=None, header=None, dtype=object, na_filter=False, engine="openpyxl"
    )
    full = {name: sheet for name, sheet in sheets.items() if len(sheet) > 1}
    if not full:
        raise InputError("a sheet with a header line and rows", file=file)
    out = []
    for name, sheet in full.items():
        sheet.columns = sheet.iloc[0]
        blank = (sheet == "").all(axis=1)
        last = blank.index[~blank].max()
        where = f"{file}:{name}" if len(full) > 1 else file
        out.append(_frame(where, sheet.loc[1:last]))
    return out


def _encoding(path: Path, file: str) -> str:
    """UTF-8 if all bytes are, else Latin 1, in which every byte is a character."""
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    encoding, blank = "utf-8-sig", True
    with path.open("rb") as content:
        while block := content.read(1 << 20):
            if b"\0" in block:
                row = line + block[: block.index(b"\0")].count(b"\n")
                raise InputError("text without NUL characters", file=file, row=row, value="\0")
            line += block.count(b"\n")
            blank &= not block.strip()
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                encoding = "latin-1"
                decoder = codecs.getincrementaldecoder("latin-1")()
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            encoding = "latin-1"
    if blank:
        raise InputError("a header line and rows, not an empty file", file=file)
    return encoding


def _records(path: Path, file: str, encoding: str, mark: str) -> Iterator[tuple[int, list[str]]]:
    """Records of a text, each with the line it begins on; skip those without a word."""
    line = 1
    with path.open(encoding=encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=mark, strict=True)
        try:
            for record in reader:
                if any(cell.strip() for cell in record):
                    yield line, record
                line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"CSV ({error})", file=file, row=line) from None


def _text(path: Path, file: str) -> Opened:
    """A text whose cells are separated by commas, semicolons, tabs or bars."""
    encoding = _encoding(path, file)
    headers = {}
    for mark in reversed(_MARKS):  # quoted cells cannot be read with another mark than their own
        try:
            headers[mark] = next(_records(path, file, encoding, mark))
        except InputError:
            if mark == _MARKS[0] and not headers:
                raise
    mark = max(reversed(headers), key=lambda mark: len(headers[mark][1]))
    row, header = headers[mark]
    header = [name.strip() for name in header]
    while header and not header[-1]:
        header.pop()
    notes = []
    if encoding == "latin-1":
        notes.append(f"{file} is not UTF-8 and is read as Latin 1")

    def cells(places: list[int]) -> tuple[pd.DataFrame, list[str]]:
        records = _records(path, file, encoding, mark)
        next(records)
        lines, kept, odd, line, cut = [], [], [], row, None
        for line, record in records:
            if len(record) < len(header) or any(cell.strip() for cell in record[len(header) :]):
                odd.append((line, record))
                continue
            lines.append(line)
            kept.append([record[place] for place in places])
        if line == row:
            raise InputError("at least one row below the header", file=file)
        problems = []
        for where, record in odd:
            words = f"{len(header)} cells as in the header, not {len(record)}"
            cut = where == line and len(record) < len(header)
            words += "; the file is cut off" if cut else ""
            problems.append(Problem(file, where, None, mark.join(record), words))
        refuse(problems)
        index = pd.Index(lines, name=LINE, dtype="int64")
        frame = pd.DataFrame(kept, columns=[header[p] for p in places], index=index, dtype=object)
        said = list(notes)
        with path.open("rb") as content:
            content.seek(-1, 2)
            if content.read() not in b"\r\n":
                said.append(f"{file} has no line end after row {line}: see that this row is whole")
        return _points(frame) if mark != "," else frame, said

    return Opened(file, header, row, cells)


def _points(frame: pd.DataFrame) -> pd.DataFrame:
    """Write decimal commas as points; where there are any, a point is no decimal point."""
    found = {name: frame[name].str.fullmatch(_DECIMAL_COMMA) for name in frame}
    if not any(column.any() for column in found.values()):
        return frame
    # A point is kept out of numbers by what no number has: it is then refused, not misread.
    number = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?\s*", re.ASCII)

    def other(cell: str) -> str:
        if not number.fullmatch(cell) or not set(cell) & set(",."):
            return cell
        return cell.replace(",", ".") if "." not in cell else f"{cell} (with a decimal point)"

    return frame.map(other)
