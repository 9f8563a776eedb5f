"""A convolution that keeps every core busy on CPU, as XLA's own does not.

It takes the place of ``jax.lax.conv_general_dilated`` in ``flax.linen.Conv(...,
conv_general_dilated=conv_general_dilated)``. Values and gradients are the same up to
rounding; what differs is the program that XLA gets for a CPU. On other platforms, for
several devices and for shapes that do not gain, it gets what it would have got anyway.

XLA:CPU leaves most convolutions to a library (YNNPACK) that shares out the width of the
result among threads, and nothing else: for images 32 pixels wide one core works while
the others wait. The gradient of the kernel, also a convolution, has a result as wide as
the kernel: the same. So something else is laid beside the width here:

- the images of a batch, for the result and for the gradient of the image: pixel w of
  image n stands at w * N + n, and the columns of the kernel stand N apart, which is
  what a dilation of the kernel does;
- the input channels, for the gradient of the kernel, which is a sum of several such
  convolutions, of a few images each, that go on at the same time.

Nothing is computed in vain. The price is a transposed copy of the operands, which are
stored for it, see `apart`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from .apart import apart
from .spatial import Pair, paddings, pair

Shape = tuple[int, ...]
Name = Literal["image", "kernel", "result"]

_LAYOUT = ("NHWC", "HWIO", "NHWC")

# Everything below was measured (AMD EPYC with AVX-512, two cores, jaxlib 0.10.2).
# Many threads find work in a result of the first width; in one of the second, two do.
_WIDE = 128
_HALF_WIDE = 80
# With no more channels on either side, or a result larger than its image, XLA chooses
# another library (Eigen), whose threads share out the batch.
_FEW_CHANNELS = 16
# A row of images that takes more is slower by a few percent, and so are very many small
# convolutions.
_ROW_BYTES = 512 * 2**10
_MOST_PARTS = 8
# Sums of 8 images, or a few more, in an even number go on beside one another and find
# their operands in the cache; more than 16 sums would cost more than that saves.
_FEW_SUMMED = 8
_MOST_SUMS = 16
# With no more filters, the library is slow unless the channels are a multiple of 4.
_FEW_FILTERS = 32


@dataclass(frozen=True)
class _Geometry:
    """What there is to a convolution, besides the numbers."""

    image: Shape
    kernel: Shape
    strides: Pair
    padding: tuple[Pair, Pair]

    @property
    def result(self) -> Shape:
        height, width = (
            (sum(padding) + length - size) // stride + 1
            for padding, length, size, stride in zip(
                self.padding,
                self.image[1:3],
                self.kernel[:2],
                self.strides,
                strict=True,
            )
        )
        return self.image[0], height, width, self.kernel[3]


def conv_general_dilated(
    lhs: Array,
    rhs: Array,
    window_strides: Sequence[int],
    padding: str | Sequence[Pair],
    **options: Any,
) -> Array:
    """Convolves as ``jax.lax.conv_general_dilated`` does, up to rounding.

    Convolutions of float32 over two axes, channels last, without dilation and groups,
    become the primitive of this module, with derivatives of any order and in both
    modes. All others are left to that function.

    Args:
      lhs: Images.
      rhs: The kernel.
      window_strides: A stride for each spatial axis.
      padding: The name of a padding, or a pair for each spatial axis.
      **options: Its other arguments, by name.

    Returns:
      An array.

    Raises:
      TypeError: Or ValueError, as that function does.
    """
    plain = partial(
        lax.conv_general_dilated,
        window_strides=window_strides,
        padding=padding,
        **options,
    )
    result = jax.eval_shape(plain, lhs, rhs)  # raises what is to be raised
    if result.size == 0 or not _is_supported(lhs, rhs, **options):
        return plain(lhs, rhs)
    strides = pair(window_strides)
    both = paddings(padding, lhs.shape[1:3], rhs.shape[:2], strides)
    geometry = _Geometry(lhs.shape, rhs.shape, strides, both)
    return _find("result", geometry, lhs, rhs)


def _is_supported(
    lhs: Array, rhs: Array, dimension_numbers: Any = None, **options: Any
) -> bool:
    if lhs.ndim != 4 or not lhs.dtype == rhs.dtype == jnp.float32:
        return False
    numbers = partial(lax.conv_dimension_numbers, lhs.shape, rhs.shape)
    if numbers(dimension_numbers) != numbers(_LAYOUT):
        return False
    # None of the options, or what they are by default.
    return all(value in (None, 1, (1, 1), [1, 1]) for value in options.values())


# One trilinear form binds the three together: the sum of result * (image convolved with
# kernel). The primitive finds one of them from the two others, as the derivative of
# that form. Its transpose with respect to an operand is itself, finding that operand.
_find_p = Primitive("convolution")


def _find(name: Name, geometry: _Geometry, a: Array, b: Array) -> Array:
    """Returns an array, given the two others in the order of `Name`.

    The result is that of the convolution, image and kernel are gradients.
    """
    return _find_p.bind(a, b, name=name, geometry=geometry)


def _operands(name: Name) -> list[Name]:
    names: tuple[Name, ...] = ("image", "kernel", "result")
    return [other for other in names if other != name]


def _transpose(
    position: int, cotangent: Array, *both, name: Name, geometry: _Geometry
) -> Array:
    """Finds an operand of the primitive, given the other and the cotangent."""
    names = _operands(name)
    known = {name: cotangent, names[1 - position]: both[1 - position]}
    wanted = names[position]
    return _find(wanted, geometry, *(known[other] for other in _operands(wanted)))


def _convolve(image: Array, kernel: Array, geometry: _Geometry) -> Array:
    return lax.conv_general_dilated(
        image,
        kernel,
        geometry.strides,
        geometry.padding,
        dimension_numbers=_LAYOUT,
    )


def _plainly(a: Array, b: Array, *, name: Name, geometry: _Geometry) -> Array:
    """Finds an array as XLA does: the definition, and what most platforms run."""
    if name == "result":
        return _convolve(a, b, geometry)
    like = jax.ShapeDtypeStruct(getattr(geometry, name), a.dtype)
    if name == "image":
        (found,) = jax.linear_transpose(lambda x: _convolve(x, a, geometry), like)(b)
    else:
        (found,) = jax.linear_transpose(lambda w: _convolve(a, w, geometry), like)(b)
    return found


# Whatever runs on CPU is a convolution in _LAYOUT: for others XLA:CPU has no library,
# and inside of loops it does not bring them into this layout.


def _on_cpu(a: Array, b: Array, *, name: Name, geometry: _Geometry) -> Array:
    if name == "result":
        return _result(a, b, geometry)
    if name == "image":
        return _image(a, b, geometry)
    return apart(partial(_kernel, geometry=geometry))(a, b)


def _result(image: Array, kernel: Array, geometry: _Geometry) -> Array:
    if not _images_gain(geometry):
        return _convolve(image, kernel, geometry)
    _, height, width, filters = geometry.result
    part = _part(image.shape)
    vertical, (before, after) = geometry.padding

    @apart
    def convolve(image: Array, kernel: Array) -> Array:
        if filters <= _FEW_FILTERS:
            missing = (0, -image.shape[3] % 4)
            image = jnp.pad(image, ((0, 0), (0, 0), (0, 0), missing))
            kernel = jnp.pad(kernel, ((0, 0), (0, 0), missing, (0, 0)))
        rows = _side_by_side(image, part)
        return lax.conv_general_dilated(
            rows.reshape(*rows.shape[:2], -1, rows.shape[-1]),
            kernel,
            (1, 1),
            (vertical, (before * part, after * part)),
            rhs_dilation=(1, part),
            dimension_numbers=_LAYOUT,
        )

    result = convolve(image, kernel).reshape(-1, height, width, part, filters)
    return result.transpose(0, 3, 1, 2, 4).reshape(geometry.result)


def _images_gain(geometry: _Geometry) -> bool:
    """Whether to lay the images of the batch beside the width."""
    images, height, width, channels = geometry.image
    _, result_height, result_width, filters = geometry.result
    return (
        images > 1
        and channels > 1  # too little to do for what it costs
        and geometry.kernel[:2] != (1, 1)  # which is a matrix product
        and geometry.strides == (1, 1)
        and max(channels, filters) > _FEW_CHANNELS
        and result_height <= height
        and result_width <= min(width, _WIDE - 1)
    )


def _part(shape: Shape) -> int:
    """Returns the number of images to lay side by side."""
    images, _, width, channels = shape
    parts = [n for n in range(1, _MOST_PARTS + 1) if images % n == 0]
    for n in parts:
        if images // n * width * channels * 4 <= _ROW_BYTES:
            return images // n
    return images // parts[-1]


def _summed(images: int, filters: int) -> int:
    """Returns the number of images that one sum of a kernel's gradient is over."""
    fewest = max(_FEW_SUMMED, images // _MOST_SUMS)
    if filters <= _FEW_CHANNELS:  # images play the channels: not as few of them
        fewest = max(fewest, _FEW_CHANNELS + 1)
    even = (n for n in range(fewest, images) if images % n == 0 and n % 2 == 0)
    return next(even, images)


def _side_by_side(x: Array, part: int) -> Array:
    """Returns (parts, height, width, images in a part, channels) of a batch."""
    images, height, width, channels = x.shape
    x = x.reshape(images // part, part, height, width, channels)
    return x.transpose(0, 2, 3, 1, 4)


def _image(kernel: Array, result: Array, geometry: _Geometry) -> Array:
    kernel = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
    vertical, horizontal = (
        # Such that there is a window for each pixel of the image.
        (size - 1 - before, length + before - (count - 1) * stride - 1)
        for (before, _), size, length, count, stride in _axes(geometry)
    )
    padding = (vertical, horizontal)
    if geometry.strides == (1, 1):
        turned = _Geometry(geometry.result, kernel.shape, (1, 1), padding)
        return _result(result, kernel, turned)
    return lax.conv_general_dilated(
        result,
        kernel,
        (1, 1),
        padding,
        lhs_dilation=geometry.strides,
        dimension_numbers=_LAYOUT,
    )


def _kernel(image: Array, result: Array, geometry: _Geometry) -> Array:
    height, width, channels, filters = geometry.kernel
    together = channels if width * channels >= _HALF_WIDE else 1
    vertical, horizontal = (
        # A window as large as the result then takes one step for each row, or column,
        # of the kernel.
        (before, (count - 1) * stride + size - length - before)
        for (before, _), size, length, count, stride in _axes(geometry)
    )

    def from_part(image: Array, result: Array) -> Array:
        """Sums over some images, which play the input channels of a convolution."""
        columns = image.reshape(*image.shape[:3], -1, together)
        columns = columns.transpose(3, 1, 2, 4, 0)
        return lax.conv_general_dilated(
            columns.reshape(*columns.shape[:2], -1, len(image)),
            result,
            (1, 1),
            (vertical, (horizontal[0] * together, horizontal[1] * together)),
            rhs_dilation=(geometry.strides[0], geometry.strides[1] * together),
            dimension_numbers=_LAYOUT,
        )

    part = _summed(len(result), filters)
    kernels = map(
        from_part,
        image.reshape(-1, part, *image.shape[1:]),
        _side_by_side(result, part),
    )
    kernel = reduce(jnp.add, kernels)
    kernel = kernel.reshape(-1, height, width, together, filters)
    return kernel.transpose(1, 2, 0, 3, 4).reshape(geometry.kernel)


def _axes(geometry: _Geometry) -> list[tuple[Pair, int, int, int, int]]:
    """Returns padding, lengths of kernel, image and result, and stride of each axis."""
    axes = zip(
        geometry.padding,
        geometry.kernel[:2],
        geometry.image[1:3],
        geometry.result[1:3],
        geometry.strides,
        strict=True,
    )
    return list(axes)


def _abstract(a: Array, b: Array, *, name: Name, geometry: _Geometry) -> ShapedArray:
    del b
    return ShapedArray(getattr(geometry, name), a.dtype)


def _batch(operands, axes, **parameters):
    return jax.vmap(partial(_plainly, **parameters), axes)(*operands), 0


def _lower_on_cpu(context, *operands, **parameters):
    # Partitioned among several devices the batch would have to be put together first.
    axes = context.module_context.axis_context
    partitioned = isinstance(axes, mlir.ShardingContext) and axes.num_devices > 1
    function = _plainly if partitioned else _on_cpu
    rule = mlir.lower_fun(function, multiple_results=False)
    return rule(context, *operands, **parameters)


_find_p.def_impl(_plainly)
_find_p.def_abstract_eval(_abstract)
ad.defbilinear(_find_p, partial(_transpose, 0), partial(_transpose, 1))
batching.primitive_batchers[_find_p] = _batch
mlir.register_lowering(_find_p, mlir.lower_fun(_plainly, multiple_results=False))
mlir.register_lowering(_find_p, _lower_on_cpu, platform="cpu")
