"""What XLA makes of `lrn` for machines that are not here.

Bounds are what jax 0.10.2 and 0.12.0 give, the larger of the two. A version that fuses
less, stores more or exchanges more fails here. A compiler that is not installed is
skipped: ``make aot`` installs all of them.
"""

import jax
import pytest

from benchmarks.aot.programs import PROGRAMS, Program, compile_for
from benchmarks.aot.targets import TARGETS

# Kernels, passes over memory, temporary memory in arrays of the size of x, exchanges.
Bound = tuple[int, float, float, int]

GPU: dict[tuple[str, str], Bound] = {
    # Read x, write y: the least there is.
    ("forward", "float32"): (1, 2, 0, 0),
    ("forward", "bfloat16"): (1, 2, 0, 0),
    # x, the cotangent, y, the gradient, in one kernel: both are known at the start.
    ("forward_and_backward", "float32"): (1, 4, 0, 0),
    ("forward_and_backward", "bfloat16"): (1, 4, 0, 0),
}
# What goes back is stored, in float32: x, the cotangent, y, that; the first two again,
# that, the gradient.
GPU_LONG: dict[tuple[str, str], Bound] = {
    **GPU,
    ("forward_and_backward", "float32"): (2, 8, 1, 0),
    # Window sums are stored, too: for float32 in rows it takes more than 17 elements.
    ("forward_and_backward", "bfloat16"): (2, 14, 4, 0),
}
# Sums and u are stored (4), and read with x and the cotangent for all the rest (6). For
# an A100, sums over all elements are apart. The other kernels are of single numbers.
GPU_LEARNED: dict[tuple[str, str], Bound] = {
    ("h100", "forward"): (4, 2, 0, 0),
    ("a100", "forward"): (4, 2, 0, 0),
    ("h100", "forward_and_backward"): (9, 10, 2, 0),
    ("a100", "forward_and_backward"): (10, 13, 3, 0),
}
# The borders are exchanged, and joined to a copy of x.
GPU_CHANNELS: dict[str, Bound] = {
    "forward": (5, 7, 1.3, 2),
    "forward_and_backward": (17, 32.4, 3.4, 2),
}

# Squares (which read x twice), window sums, and the rest, each on its own.
TPU: dict[tuple[str, str], Bound] = {
    ("forward", "float32"): (3, 8, 2, 0),
    ("forward", "bfloat16"): (3, 11, 4, 0),
    ("forward_and_backward", "float32"): (7, 22, 3, 0),
    ("forward_and_backward", "bfloat16"): (7, 32, 6, 0),
}
# GoogLeNet's arrays, channels first: XLA makes the channels the outermost axis, and
# fuses the window sums.
TPU_OUTERMOST: dict[tuple[str, str], Bound] = {
    ("forward", "float32"): (1, 2, 0, 0),
    ("forward", "bfloat16"): (1, 2, 0, 0),
    ("forward_and_backward", "float32"): (3, 11, 2, 0),
    ("forward_and_backward", "bfloat16"): (3, 14, 4, 0),
}
# Long windows of bfloat16 are fused with the rest.
TPU_LONG: dict[tuple[str, str], Bound] = {
    **TPU,
    ("forward", "bfloat16"): (2, 2, 0, 0),
    ("forward_and_backward", "bfloat16"): (5, 16, 4.1, 0),
}
# Of a quarter of the array, some stays in the fast memory.
TPU_BATCH: dict[str, Bound] = {
    "forward": (3, 6, 1.3, 0),
    "forward_and_backward": (7, 18, 4, 0),
}
TPU_CHANNELS: dict[str, Bound] = {
    "forward": (6, 3.2, 0.1, 2),
    "forward_and_backward": (12, 11.3, 3.1, 6),
}
TPU_LEARNED: dict[str, Bound] = {
    "forward": (12, 8, 2, 0),
    "forward_and_backward": (20, 19, 3, 0),
}


def bound(target: str, program: Program) -> Bound:
    problem, platform = program.problem, TARGETS[target].platform
    mode, kind = problem.mode, (problem.mode, problem.dtype)
    if problem.variant == "learned":
        on_gpu = platform == "cuda"
        return GPU_LEARNED[target, mode] if on_gpu else TPU_LEARNED[mode]
    if platform == "cuda":
        if program.divided == "channels":
            return GPU_CHANNELS[mode]
        return (GPU_LONG if problem.radius == 8 else GPU)[kind]
    if program.divided != "nothing":
        return {"batch": TPU_BATCH, "channels": TPU_CHANNELS}[program.divided][mode]
    if problem.radius == 8:
        return TPU_LONG[kind]
    outermost = problem.layout == "NCHW" and problem.case.startswith("googlenet")
    return (TPU_OUTERMOST if outermost else TPU)[kind]


def name(program: Program) -> str:
    return "-".join(map(str, program.identity.values()))


@pytest.mark.parametrize("program", PROGRAMS, ids=name)
@pytest.mark.parametrize("target", TARGETS)
def test_program_is_within_its_bounds(target, program):
    if missing := TARGETS[target].missing():
        pytest.skip(f"no {', '.join(missing)} installed: {TARGETS[target].extra}")
    found = compile_for(target, program)
    kernels, passes, temporary, exchanges = bound(target, program)
    assert 0 < found["kernels"] <= kernels
    # x and y are in memory whatever it does: less means that it was not understood.
    assert 2 <= found["passes"] <= 1.02 * passes
    assert found["temporary"] <= temporary + 0.05
    # Only the borders: whatever gathers the channels is another kind.
    assert {*found["collectives"]} <= {"collective-permute"}
    assert len(found["collectives"]) <= exchanges
    assert jax.default_backend() == "cpu"
