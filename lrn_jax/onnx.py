"""To ONNX with jax2onnx: `lrn` as the operator LRN. Imported only when asked for.

Without it, ``implementation="plain"`` is exported as ordinary operations.
"""

# pyright: reportMissingImports=false

from typing import Any

import numpy as np

from . import conventions
from ._programs import HYPERPARAMETERS, OPERAND

__all__ = ["register"]


def register() -> None:
    """Makes `jax2onnx.to_onnx` write `lrn`, and its modules, as the operator LRN.

    Call it once, before the export. The operator normalizes along axis 1, so a
    Transpose stands on either side of it where the axis is another. onnxruntime runs it
    on four axes in float32, so arrays with another number of axes are reshaped, and
    float16 and bfloat16 are cast, to that and back.

    ONNX has one number for each of `bias`, `alpha` and `beta`, in float32, and windows
    along one axis that reach as far to both sides, or one element further after.
    For anything else, and for derivatives, `to_onnx` raises a NotImplementedError:
    export that with ``implementation="plain"``.

    onnxruntime runs odd sizes alone. On CPUs it slides its sum along the channels, by
    adding and subtracting, so a weak channel behind one 10,000 times as strong can
    become infinite or NaN there (1.32); ``implementation="plain"`` has no such sum.

    Raises:
      ModuleNotFoundError: If jax2onnx is not installed.

    Example:
      ``import lrn_jax.onnx``, ``lrn_jax.onnx.register()``, and then
      ``jax2onnx.to_onnx(network, [("batch", 227, 227, 3)])``.
    """
    try:
        from jax2onnx.plugins import plugin_system
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "lrn_jax.onnx needs jax2onnx: pip install 'lrn_jax[jax2onnx]'"
        ) from error

    class Plugin(plugin_system.PrimitiveLeafPlugin):
        def lower(self, ctx: Any, eqn: Any) -> None:
            _lower(ctx, eqn)

    plugin_system.register_primitive(jaxpr_primitive="lrn")(Plugin)


def _lower(context: Any, equation: Any) -> None:
    """Adds the nodes for one call of the primitive."""
    from onnx_ir import DataType, TensorType

    aval = equation.invars[0].aval
    axis, attributes = _axis_and_attributes(aval, equation.params)

    def add(operator: str, *inputs: Any, dtype: Any = DataType.FLOAT, **options: Any):
        make = getattr(context.builder, operator)
        value = make(*inputs, **options, _outputs=[context.fresh_name(operator)])
        value.type = TensorType(dtype)
        return value

    x = context.get_value_for_var(equation.invars[0])
    order = [*range(aval.ndim)]
    if aval.ndim > 1:
        order[1], order[axis] = axis, 1  # its own inverse
    is_ordered, is_float32 = order == sorted(order), x.dtype == DataType.FLOAT

    y = x if is_float32 else add("Cast", x, to=DataType.FLOAT)
    y = y if is_ordered else add("Transpose", y, perm=order)
    if aval.ndim == 4:
        y = add("LRN", y, **attributes)
    else:
        shape = add("Shape", y, dtype=DataType.INT64)
        # 0 keeps an axis, -1 is what remains.
        sizes = {1: [1, -1, 1, 1], 2: [0, 0, 1, 1]}.get(aval.ndim, [0, 0, -1, 1])
        four = add("Constant", value_ints=sizes, dtype=DataType.INT64)
        y = add("Reshape", add("LRN", add("Reshape", y, four), **attributes), shape)
    y = y if is_ordered else add("Transpose", y, perm=order)
    y = y if is_float32 else add("Cast", y, to=x.dtype, dtype=x.dtype)
    y.shape = x.shape
    context.bind_value_for_var(equation.outvars[0], y)


def _axis_and_attributes(x: Any, parameters: Any) -> tuple[int, dict[str, Any]]:
    """Returns the axis of the window and the attributes of the operator.

    Raises:
      NotImplementedError: If the operator has no such window or numbers.
    """
    try:
        if parameters["part"] != "normalize":
            raise ValueError("The operator LRN of ONNX has no derivative.")
        if x.dtype == np.float64:
            raise ValueError(
                "`x` must not be float64: the operator LRN of ONNX has its numbers in "
                "float32."
            )
        numbers = {name: parameters[name] for name in HYPERPARAMETERS}
        for name, number in numbers.items():
            if number == OPERAND:
                raise ValueError(
                    f"`{name}` must be a number, but got an array: the operator LRN of "
                    "ONNX has one number, which is part of the model."
                )
        window = parameters["window"]
        axes = [axis for axis, extents in enumerate(window) if extents != (0, 0)]
        if len(axes) > 1:
            raise ValueError(
                f"`axis` must be one axis, but got {tuple(axes)}: the operator LRN of "
                "ONNX has no box."
            )
        axis = axes[0] if axes else min(1, len(window) - 1)
        attributes = conventions.to_onnx(depth_radius=window[axis], **numbers, axis=1)
        limits = np.finfo(np.float32)
        smallest, largest = map(float, (limits.tiny, limits.max))
        for name in HYPERPARAMETERS:
            if not smallest <= attributes[name] <= largest:
                raise ValueError(
                    f"`{name}` must be positive in ONNX and within float32, but got "
                    f"{attributes[name]} there."
                )
    except ValueError as error:
        raise NotImplementedError(
            f'{error} Export it with `implementation="plain"`, as ordinary operations.'
        ) from None
    return axis, {**attributes}
