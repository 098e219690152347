"""Arithmetic of single elements: what each scalar operation is in LLVM's terms.

Exponentials and logarithms are written out, so that LLVM can compute several at once; the rest is
what the processor or the C library has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from pytensor import scalar as ps
from pytensor.graph.basic import Constant
from pytensor.scalar.math import Log1mexp

DOUBLE, FLOAT, LONG, BIT = ir.DoubleType(), ir.FloatType(), ir.IntType(64), ir.IntType(1)
SUM = ("contract",)
"""A product and a sum may be rounded once."""

LN2_HIGH = 0.693147180369123816490
"""Logarithm of two to 33 bits, so that its product with an exponent is exact."""
LN2_LOW = 1.90821492927058770002e-10
SHIFTER = 1.5 * 2.0**52
"""Added to a number, it leaves the nearest integer in the last bits."""
SHIFTER_BITS = int(np.array(SHIFTER).view(np.int64))
HALF_ROOT_BITS = int(np.array(math.sqrt(0.5)).view(np.int64))
EXP_TERMS, LOG_TERMS = 13, 9


class Unsupported(Exception):
    """A graph that this package cannot write loops for."""


def type_of(dtype: str) -> ir.Type:
    """LLVM's type of an element in a register.

    Parameters
    ----------
    dtype : str
        NumPy's name.

    Returns
    -------
    llvmlite.ir.Type
        The type; a truth value is one bit.
    """
    if dtype == "bool":
        return BIT
    if dtype == "float64":
        return DOUBLE
    if dtype == "float32":
        return FLOAT
    if dtype.startswith(("int", "uint")):
        return ir.IntType(8 * np.dtype(dtype).itemsize)
    raise Unsupported(f"numbers of type {dtype}")


def constant(value, dtype: str) -> ir.Constant:
    """A constant element.

    Parameters
    ----------
    value : number
        Its value.
    dtype : str
        NumPy's name of its type.

    Returns
    -------
    llvmlite.ir.Constant
        The constant.
    """
    kind = type_of(dtype)
    return kind(float(value) if kind in (DOUBLE, FLOAT) else int(value))


def cast(b: ir.IRBuilder, value: ir.Value, source: str, target: str) -> ir.Value:
    """The same number as another type.

    Parameters
    ----------
    b : llvmlite.ir.IRBuilder
        Where code is written.
    value : llvmlite.ir.Value
        Number.
    source, target : str
        NumPy's names of the types.

    Returns
    -------
    llvmlite.ir.Value
        Number of the other type.
    """
    if source == target:
        return value
    to, real = type_of(target), source.startswith("float")
    signed = source.startswith("int")
    if target == "bool":
        zero = constant(0, source)
        return b.fcmp_unordered("!=", value, zero) if real else b.icmp_signed("!=", value, zero)
    if target.startswith("float"):
        if real:
            return b.fpext(value, to) if target == "float64" else b.fptrunc(value, to)
        return b.sitofp(value, to) if signed else b.uitofp(value, to)
    if real:
        return _whole(b, value, source, target)
    if to.width < type_of(source).width:
        return b.trunc(value, to)
    if to.width == type_of(source).width:
        return value
    return b.sext(value, to) if signed else b.zext(value, to)


def _whole(b: ir.IRBuilder, value: ir.Value, source: str, target: str) -> ir.Value:
    """A real number without its fraction; what is too large, or no number, is the least integer."""
    if target == "uint64":
        raise Unsupported("large whole numbers of real ones")
    fits = b.and_(
        b.fcmp_ordered(">=", value, constant(-(2.0**63), source)),
        b.fcmp_ordered("<", value, constant(2.0**63, source)),
    )
    whole = b.select(fits, b.fptosi(value, LONG), LONG(-(2**63)))
    return cast(b, whole, "int64", target)


def _polynomial(b: ir.IRBuilder, x: ir.Value, coefficients: list[float]) -> ir.Value:
    """Value of a polynomial, coefficients from the highest power down."""
    value: ir.Value = DOUBLE(coefficients[0])
    for coefficient in coefficients[1:]:
        value = b.fma(value, x, DOUBLE(coefficient))
    return value


def _power_of_two(b: ir.IRBuilder, k: ir.Value) -> ir.Value:
    """2^k for an integer k of a normal number."""
    return b.bitcast(b.shl(b.add(k, LONG(1023)), LONG(52)), DOUBLE)


def _reduced(b: ir.IRBuilder, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """K and r of x = k log 2 + r, |r| <= log(2) / 2."""
    shifted = b.fma(x, DOUBLE(1 / math.log(2)), DOUBLE(SHIFTER))
    k = b.sub(b.bitcast(shifted, LONG), LONG(SHIFTER_BITS))
    whole = b.fsub(shifted, DOUBLE(SHIFTER))
    r = b.fma(whole, DOUBLE(-LN2_HIGH), x)
    return k, b.fma(whole, DOUBLE(-LN2_LOW), r)


def write_exp(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """exp(x) = 2^k exp(r), r = x - k log 2, by the series of exp at |r| <= log(2) / 2.

    Parameters
    ----------
    b : llvmlite.ir.IRBuilder
        Where code is written.
    x : llvmlite.ir.Value
        Double.

    Returns
    -------
    llvmlite.ir.Value
        Double, within 0.9 units in the last place; 0 and infinity beyond the range.
    """
    x = b.select(b.fcmp_ordered(">", x, DOUBLE(710.0)), DOUBLE(710.0), x)
    x = b.select(b.fcmp_ordered("<", x, DOUBLE(-746.0)), DOUBLE(-746.0), x)
    k, r = _reduced(b, x)
    series = _polynomial(b, r, [1 / math.factorial(n) for n in range(EXP_TERMS, -1, -1)])
    half = b.ashr(k, LONG(1))  # in two steps, for results that are no normal numbers
    first = b.fmul(series, _power_of_two(b, half))
    return b.fmul(first, _power_of_two(b, b.sub(k, half)))


def write_expm1(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """exp(x) - 1 = 2^k (exp(r) - 1) + 2^k - 1, by the series of exp(r) - 1.

    Parameters
    ----------
    b : llvmlite.ir.IRBuilder
        Where code is written.
    x : llvmlite.ir.Value
        Double.

    Returns
    -------
    llvmlite.ir.Value
        Double, within two units in the last place.
    """
    x = b.select(b.fcmp_ordered(">", x, DOUBLE(710.0)), DOUBLE(710.0), x)
    x = b.select(b.fcmp_ordered("<", x, DOUBLE(-50.0)), DOUBLE(-50.0), x)
    k, r = _reduced(b, x)
    series = _polynomial(b, r, [1 / math.factorial(n) for n in range(EXP_TERMS, 1, -1)])
    part = b.fma(b.fmul(r, r), series, r)
    half = _power_of_two(b, b.sub(k, LONG(1)))  # a half of 2^k, which may be too large
    rest = b.fsub(half, DOUBLE(0.5))
    value = b.fmul(DOUBLE(2.0), b.fma(half, part, rest))
    tiny = b.fcmp_ordered("<", call(b, "llvm.fabs.f64", x), DOUBLE(2.0**-54))
    return b.select(tiny, x, value)


def write_log(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """log(x) = k log 2 + log(m), log(m) = 2 artanh(s), s = (m - 1) / (m + 1), by its series.

    Parameters
    ----------
    b : llvmlite.ir.IRBuilder
        Where code is written.
    x : llvmlite.ir.Value
        Double.

    Returns
    -------
    llvmlite.ir.Value
        Double, within 1.01 units in the last place; minus infinity at 0, no number below.
    """
    tiny = b.fcmp_ordered("<", x, DOUBLE(2.0**-1022))
    scaled = b.select(tiny, b.fmul(x, DOUBLE(2.0**54)), x)
    bits = b.bitcast(scaled, LONG)
    k = b.ashr(b.sub(bits, LONG(HALF_ROOT_BITS)), LONG(52))
    m = b.bitcast(b.sub(bits, b.shl(k, LONG(52))), DOUBLE)  # from sqrt(1/2) to sqrt(2)
    k = b.sub(k, b.select(tiny, LONG(54), LONG(0)))
    whole = b.fsub(b.bitcast(b.add(k, LONG(SHIFTER_BITS)), DOUBLE), DOUBLE(SHIFTER))
    f = b.fsub(m, DOUBLE(1.0))
    s = b.fdiv(f, b.fadd(m, DOUBLE(1.0)))
    square = b.fmul(s, s)
    series = _polynomial(b, square, [2 / (2 * n + 1) for n in range(LOG_TERMS, 0, -1)])
    # 2 s = f - s f exactly, and f needs no rounding
    small = b.fma(b.fmul(s, square), series, b.fmul(whole, DOUBLE(LN2_LOW)))
    rest = b.fsub(small, b.fmul(s, f))
    value = b.fma(whole, DOUBLE(LN2_HIGH), b.fadd(f, rest))
    value = b.select(b.fcmp_ordered("==", x, DOUBLE(math.inf)), x, value)
    value = b.select(b.fcmp_ordered("==", x, DOUBLE(0.0)), DOUBLE(-math.inf), value)
    return b.select(b.fcmp_unordered("<", x, DOUBLE(0.0)), DOUBLE(math.nan), value)


def write_log1p(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """log(1 + x), with what the sum loses given back.

    Parameters
    ----------
    b : llvmlite.ir.IRBuilder
        Where code is written.
    x : llvmlite.ir.Value
        Double.

    Returns
    -------
    llvmlite.ir.Value
        Double, within 1.5 units in the last place.
    """
    u = b.fadd(x, DOUBLE(1.0))
    lost = b.fsub(x, b.fsub(u, DOUBLE(1.0)))
    value = b.fadd(call(b, "log", u), b.fdiv(lost, u))
    plain = b.or_(b.fcmp_unordered("==", x, DOUBLE(math.inf)), b.fcmp_ordered("<=", u, DOUBLE(0.0)))
    return b.select(plain, call(b, "log", u), value)


WRITTEN = {"exp": write_exp, "expm1": write_expm1, "log": write_log, "log1p": write_log1p}


def call(b: ir.IRBuilder, name: str, *arguments: ir.Value) -> ir.Value:
    """Call a function of doubles: one that is written out here, LLVM's own, or the C library's.

    Parameters
    ----------
    b : llvmlite.ir.IRBuilder
        Where code is written.
    name : str
        Name of the function.
    *arguments : llvmlite.ir.Value
        Doubles.

    Returns
    -------
    llvmlite.ir.Value
        Double.
    """
    module = b.module
    own = f"ba_{name}" if name in WRITTEN else name
    found = module.globals.get(own)
    if found is None:
        kind = ir.FunctionType(DOUBLE, [DOUBLE] * len(arguments))
        found = ir.Function(module, kind, own)
        found.attributes.add("nounwind")
        if name in WRITTEN:
            found.linkage = "internal"
            found.attributes.add("alwaysinline")
            inner = ir.IRBuilder(found.append_basic_block())
            inner.ret(WRITTEN[name](inner, found.args[0]))
    return b.call(found, arguments)


def _add(b, *xs):
    total = xs[0]
    for x in xs[1:]:
        total = b.fadd(total, x, flags=SUM)
    return total


def _mul(b, *xs):
    total = xs[0]
    for x in xs[1:]:
        total = b.fmul(total, x, flags=SUM)
    return total


def _chain(name: str) -> Callable:
    def write(b, *xs):
        total = xs[0]
        for x in xs[1:]:
            total = getattr(b, name)(total, x)
        return total

    return write


def _sigmoid(b, x):
    return b.fdiv(DOUBLE(1.0), b.fadd(DOUBLE(1.0), call(b, "exp", b.fneg(x))))


def _softplus(b, x):
    positive = b.select(b.fcmp_ordered(">", x, DOUBLE(0.0)), x, DOUBLE(0.0))
    minus = b.fneg(call(b, "llvm.fabs.f64", x))
    return b.fadd(positive, call(b, "log1p", call(b, "exp", minus)))


def _log1mexp(b, x):
    """Log of 1 - exp(x), x < 0 (Maechler 2012, "Accurately computing log(1 - exp(-|a|))")."""
    far = call(b, "log1p", b.fneg(call(b, "exp", x)))
    near = call(b, "log", b.fneg(call(b, "expm1", x)))
    return b.select(b.fcmp_ordered("<", x, DOUBLE(-math.log(2))), far, near)


def _larger(sign: str) -> Callable:
    def write(b, x, y):
        first = b.or_(b.fcmp_ordered(sign, x, y), b.fcmp_unordered("uno", x, x))
        return b.select(first, x, y)

    return write


def _sign(b, x):
    above = b.select(b.fcmp_ordered(">", x, DOUBLE(0.0)), DOUBLE(1.0), DOUBLE(0.0))
    below = b.select(b.fcmp_ordered("<", x, DOUBLE(0.0)), DOUBLE(-1.0), above)
    return b.select(b.fcmp_unordered("uno", x, x), x, below)


def _library(name: str) -> Callable:
    return lambda b, *xs: call(b, name, *xs)


REAL: dict[type, Callable] = {
    ps.Add: _add,
    ps.Mul: _mul,
    ps.Sub: lambda b, x, y: b.fsub(x, y, flags=SUM),
    ps.TrueDiv: lambda b, x, y: b.fdiv(x, y),
    ps.Neg: lambda b, x: b.fneg(x),
    ps.Reciprocal: lambda b, x: b.fdiv(DOUBLE(1.0), x),
    ps.Sqr: lambda b, x: b.fmul(x, x, flags=SUM),
    ps.Sqrt: _library("llvm.sqrt.f64"),
    ps.Abs: _library("llvm.fabs.f64"),
    ps.Floor: _library("llvm.floor.f64"),
    ps.Ceil: _library("llvm.ceil.f64"),
    ps.Exp: _library("exp"),
    ps.Log: _library("log"),
    ps.Log1p: _library("log1p"),
    ps.Expm1: _library("expm1"),
    ps.Tanh: _library("tanh"),
    ps.Pow: _library("pow"),
    ps.GammaLn: _library("lgamma"),
    ps.Erf: _library("erf"),
    ps.Erfc: _library("erfc"),
    ps.Sigmoid: _sigmoid,
    ps.Softplus: _softplus,
    ps.Sign: _sign,
    Log1mexp: _log1mexp,
    ps.ScalarMaximum: _larger(">"),
    ps.ScalarMinimum: _larger("<"),
}
"""Operations on doubles."""
WHOLE: dict[type, Callable] = {
    ps.Add: _chain("add"),
    ps.Mul: _chain("mul"),
    ps.Sub: _chain("sub"),
    ps.Neg: lambda b, x: b.neg(x),
    ps.Sqr: lambda b, x: b.mul(x, x),
    ps.AND: _chain("and_"),
    ps.OR: _chain("or_"),
    ps.XOR: _chain("xor"),
    ps.Invert: lambda b, x: b.not_(x),
    ps.ScalarMaximum: lambda b, x, y: b.select(b.icmp_signed(">", x, y), x, y),
    ps.ScalarMinimum: lambda b, x, y: b.select(b.icmp_signed("<", x, y), x, y),
    ps.Abs: lambda b, x: b.select(b.icmp_signed("<", x, x.type(0)), b.neg(x), x),
}
"""Operations on integers and truth values."""
SIGNED = (ps.ScalarMaximum, ps.ScalarMinimum, ps.Abs, ps.IntDiv, ps.Mod)
"""Those that are written for signed integers alone."""
COMPARED = {ps.EQ: "==", ps.NEQ: "!=", ps.LT: "<", ps.LE: "<=", ps.GT: ">", ps.GE: ">="}


def _floored(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Quotient and remainder of integers as NumPy has them: the remainder has the sign of y.

    Both are 0 for y = 0. The processor would trap there, and at the least integer by -1, even where
    a condition says that the result is of no use.
    """
    zero, one = x.type(0), x.type(1)
    none = b.icmp_signed("==", y, zero)
    turned = b.icmp_signed("==", y, x.type(-1))
    divisor = b.select(b.or_(none, turned), one, y)
    quotient, remainder = b.sdiv(x, divisor), b.srem(x, divisor)
    off = b.and_(
        b.icmp_signed("!=", remainder, zero),
        b.icmp_signed("<", b.xor(remainder, divisor), zero),
    )
    quotient = b.select(turned, b.neg(x), b.sub(quotient, b.zext(off, x.type)))
    remainder = b.add(remainder, b.select(off, divisor, zero))
    return b.select(none, zero, quotient), remainder


def start(op: ps.ScalarOp, dtype: str) -> float:
    """What a reduction is before its first term.

    Parameters
    ----------
    op : pytensor.scalar.ScalarOp
        What joins the terms.
    dtype : str
        Their type.

    Returns
    -------
    float or int
        Number that changes no other.

    Raises
    ------
    Unsupported
        If the operation is not known here.
    """
    kind = type(op)
    if kind in (ps.AND, ps.OR) and dtype == "bool":
        return kind is ps.AND
    if kind in (ps.Add, ps.Mul) and dtype != "bool":
        return int(kind is ps.Mul)
    if kind in (ps.ScalarMaximum, ps.ScalarMinimum) and dtype.startswith(("int", "float")):
        real = dtype.startswith("float")
        least, most = (-math.inf, math.inf) if real else _range(dtype)
        return least if kind is ps.ScalarMaximum else most
    raise Unsupported(f"{op} of many {dtype}")


def _range(dtype: str) -> tuple[int, int]:
    """Least and largest integer of a type."""
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _composed(
    b: ir.IRBuilder, op: ps.Composite, values: list[ir.Value], dtypes: list[str]
) -> ir.Value:
    """Several operations in one, as PyTensor makes of whole powers."""
    inner: Any = op.fgraph
    known: dict[Any, ir.Value] = {
        v: cast(b, value, dtype, v.type.dtype)
        for v, value, dtype in zip(inner.inputs, values, dtypes, strict=True)
    }
    for node in inner.toposort():
        types = [v.type.dtype for v in node.inputs]
        for v, dtype in zip(node.inputs, types, strict=True):
            if isinstance(v, Constant):
                known[v] = constant(v.data, dtype)
        of = [known[v] for v in node.inputs]
        out = node.outputs[0]
        known[out] = write(b, node.op, of, types, out.type.dtype)
    return known[inner.outputs[0]]


def write(
    b: ir.IRBuilder, op: ps.ScalarOp, values: list[ir.Value], dtypes: list[str], out: str
) -> ir.Value:
    """Write a scalar operation.

    Parameters
    ----------
    b : llvmlite.ir.IRBuilder
        Where code is written.
    op : pytensor.scalar.ScalarOp
        The operation.
    values : list of llvmlite.ir.Value
        Its arguments.
    dtypes : list of str
        Their types.
    out : str
        Type of the result.

    Returns
    -------
    llvmlite.ir.Value
        The result.

    Raises
    ------
    Unsupported
        If the operation is not known here.
    """
    kind = type(op)
    if kind in (ps.Cast, ps.Identity):
        return cast(b, values[0], dtypes[0], out)
    if isinstance(op, ps.Composite) and len(op.outputs) == 1:
        return _composed(b, op, values, dtypes)
    if kind is ps.Second:
        return cast(b, values[1], dtypes[1], out)
    if kind is ps.Switch:
        chosen = cast(b, values[0], dtypes[0], "bool")
        either = (cast(b, v, d, out) for v, d in zip(values[1:], dtypes[1:], strict=True))
        return b.select(chosen, *either)
    if kind in COMPARED:
        common = str(np.result_type(*dtypes))
        if common.startswith("float") and all("int" in d for d in dtypes):
            raise Unsupported(f"{op} of {', '.join(dtypes)}")
        x, y = (cast(b, v, d, common) for v, d in zip(values, dtypes, strict=True))
        if common.startswith("float"):
            different = kind is ps.NEQ
            compare = b.fcmp_unordered if different else b.fcmp_ordered
            return compare(COMPARED[kind], x, y)
        signed = b.icmp_signed if common.startswith("int") else b.icmp_unsigned
        return signed(COMPARED[kind], x, y)
    if kind is ps.IsNan:
        wide = cast(b, values[0], dtypes[0], "float64")
        return b.fcmp_unordered("uno", wide, wide)
    if kind is ps.IsInf:
        wide = call(b, "llvm.fabs.f64", cast(b, values[0], dtypes[0], "float64"))
        return b.fcmp_ordered("==", wide, DOUBLE(math.inf))
    if out.startswith("float"):
        known = REAL.get(kind)
        wide = [cast(b, v, d, "float64") for v, d in zip(values, dtypes, strict=True)]
        if known is not None:
            return cast(b, known(b, *wide), "float64", out)
    elif all(not d.startswith("float") for d in dtypes):
        same = [cast(b, v, d, out) for v, d in zip(values, dtypes, strict=True)]
        if kind in SIGNED and not out.startswith("int"):
            raise Unsupported(f"{op} of {', '.join(dtypes)}")
        if kind in (ps.IntDiv, ps.Mod):
            return _floored(b, *same)[kind is ps.Mod]
        if out == "bool" and kind in (ps.Add, ps.Mul):
            kind = ps.OR if kind is ps.Add else ps.AND
        if kind in WHOLE and not (out == "bool" and kind in (ps.Sub, ps.Neg)):
            return WHOLE[kind](b, *same)
    raise Unsupported(f"{op} of {', '.join(dtypes)}")
