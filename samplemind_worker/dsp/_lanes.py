"""Vectors of eight numbers: types for numba loops whose values stay in registers, and their operations in LLVM.

``load`` reads eight neighbours of an array, ``store`` writes them, ``lanes`` repeats one number; ``+ - *`` act on each
lane. `LANES` are float32, `WIDE` are float64. The compiler maps eight lanes to the registers of the machine: one of
AVX, two of SSE or NEON. Indices are unsigned and not checked.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUntypedClassDecorator=false, reportUntypedFunctionDecorator=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false, reportMissingParameterType=false
# ruff: noqa: ANN001, ANN202, ARG001, PLR0917 -- numba calls these with its own objects, and looks at the names of the arguments
# numba and llvmlite are untyped.

import operator
from typing import Any

import numba as nb
from llvmlite import ir
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

_types: Any = nb.types
_intrinsic: Any = intrinsic
_infer: Any = infer_global
WIDTH = 8
_FLOATS, _INTS = ir.VectorType(ir.FloatType(), WIDTH), ir.VectorType(ir.IntType(32), WIDTH)
_DOUBLES = ir.VectorType(ir.DoubleType(), WIDTH)
_FLAGS = ("contract", "nsz")  # lets the compiler round a product and a sum once


class _Lanes(_types.Type):
    def __init__(self, name: str, vector: Any) -> None:
        self.vector = vector
        super().__init__(name=name)


LANES, WIDE = _Lanes("Lanes", _FLOATS), _Lanes("Wide", _DOUBLES)
_OF: dict[Any, Any] = {_types.f4: LANES, _types.f8: WIDE}


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, dmm, fe_type) -> None:
        super().__init__(dmm, fe_type, fe_type.vector)


class _Operation(AbstractTemplate):
    def generic(self, args, kws):  # noqa: ARG002 -- numba's
        return signature(args[0], *args) if args in {(LANES, LANES), (WIDE, WIDE)} else None


def _define(symbol: Any, instruction: str) -> None:
    _infer(symbol)(type(f"_{instruction}", (_Operation,), {}))

    def build(context, builder, sig, args):
        return getattr(builder, instruction)(*args, flags=_FLAGS)

    lower_builtin(symbol, _Lanes, _Lanes)(build)


for _symbol, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _define(_symbol, _instruction)


def _splat(builder: Any, value: Any) -> Any:
    nothing = ir.Constant(ir.VectorType(value.type, WIDTH), ir.Undefined)
    vector = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(vector, vector, ir.Constant(_INTS, [0] * WIDTH))


def _whole(value: int) -> Any:
    return ir.Constant(_INTS, [value] * WIDTH)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [index]), _OF[array_type.dtype].vector.as_pointer())


def _call(builder: Any, name: str, *args: Any) -> Any:
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_FLOATS, [_FLOATS] * len(args)), f"llvm.{name}.v{WIDTH}f32"
    )
    return builder.call(function, args)


@_intrinsic
def load(_typing, array, index):
    """Read eight numbers of a flat array, from ``index`` on."""

    def build(context, builder, sig, args):
        return builder.load(_pointer(context, builder, sig.args[0], *args), align=sig.args[0].dtype.bitwidth // 8)

    return _OF[array.dtype](array, _types.u8), build


@_intrinsic
def store(_typing, array, index, value):
    """Write eight numbers."""

    def build(context, builder, sig, args):
        place = _pointer(context, builder, sig.args[0], *args[:2])
        builder.store(args[2], place, align=sig.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return _types.void(array, _types.u8, _OF[array.dtype]), build


@_intrinsic
def lanes(_typing, value):
    """Repeat one number."""

    def build(context, builder, sig, args):
        return _splat(builder, args[0])

    return _OF[value](value), build


def _binary(name: str) -> Any:
    def declare(_typing, a, b):
        def build(context, builder, sig, args):
            # A comparison and a selection, which processors have as one instruction.
            less = builder.fcmp_ordered("<", args[0], args[1])
            first, second = args if name == "least" else args[::-1]
            return builder.select(less, first, second)

        return LANES(LANES, LANES), build

    declare.__name__ = name
    return _intrinsic(declare)


least, greatest = _binary("least"), _binary("greatest")


@_intrinsic
def below(_typing, a, b):
    """Return 1 where a < b, else 0."""

    def build(context, builder, sig, args):
        return builder.uitofp(builder.fcmp_ordered("<", *args), _FLOATS)

    return LANES(LANES, LANES), build


@_intrinsic
def any_below(_typing, a, b):
    """Return whether a < b in any lane."""

    def build(context, builder, sig, args):
        bits = builder.bitcast(builder.fcmp_ordered("<", *args), ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(WIDTH), 0))

    return _types.boolean(LANES, LANES), build


@_intrinsic
def divide(_typing, a, b):
    """Divide."""

    def build(context, builder, sig, args):
        return builder.fdiv(*args)

    return LANES(LANES, LANES), build


@_intrinsic
def root(_typing, a):
    """Return the square root."""

    def build(context, builder, sig, args):
        return _call(builder, "sqrt", args[0])

    return LANES(LANES), build


@_intrinsic
def exponent(_typing, a):
    """Return the exponents (floor of log2) of positive numbers."""

    def build(context, builder, sig, args):
        bits = builder.lshr(builder.bitcast(args[0], _INTS), _whole(23))
        return builder.sitofp(builder.sub(bits, _whole(127)), _FLOATS)

    return LANES(LANES), build


@_intrinsic
def mantissa(_typing, a):
    """Return the mantissas of positive numbers, 1 to 2."""

    def build(context, builder, sig, args):
        bits = builder.and_(builder.bitcast(args[0], _INTS), _whole(0x007FFFFF))
        return builder.bitcast(builder.or_(bits, _whole(0x3F800000)), _FLOATS)

    return LANES(LANES), build


@_intrinsic
def widen(_typing, a):
    """Convert float32 to float64."""

    def build(context, builder, sig, args):
        return builder.fpext(args[0], _DOUBLES)

    return WIDE(LANES), build


@_intrinsic
def reverse(_typing, a):
    """Reverse the order of the lanes."""

    def build(context, builder, sig, args):
        return builder.shuffle_vector(args[0], args[0], ir.Constant(_INTS, list(range(WIDTH))[::-1]))

    return LANES(LANES), build


@_intrinsic
def late(_typing, before, now):
    """Return the last two lanes of ``before`` and the first six of ``now``."""

    def build(context, builder, sig, args):
        return builder.shuffle_vector(args[0], args[1], ir.Constant(_INTS, list(range(6, 14))))

    return LANES(LANES, LANES), build


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose an 8 by 8 matrix by exchanging halves, then quarters, then neighbours."""
    for step in (4, 2, 1):
        low = [k if k & step == 0 else k - step + WIDTH for k in range(WIDTH)]
        high = [k + step if k & step == 0 else k + WIDTH for k in range(WIDTH)]
        following: list[Any] = [None] * WIDTH
        for k in range(WIDTH):
            if k & step == 0:
                pair = rows[k], rows[k + step]
                following[k] = builder.shuffle_vector(*pair, ir.Constant(_INTS, low))
                following[k + step] = builder.shuffle_vector(*pair, ir.Constant(_INTS, high))
        rows = following
    return rows


@_intrinsic
def transpose(_typing, a, b, c, d, e, f, g, h):
    """Return the columns of the matrix that consists of these eight rows of lanes."""

    def build(context, builder, sig, args):
        return context.make_tuple(builder, sig.return_type, _transposed(builder, list(args)))

    return _types.UniTuple(LANES, WIDTH)(*[LANES] * WIDTH), build
