"""What is counted in a compiled program."""

import jax
import numpy as np
import pytest

from benchmarks.layer import hlo

HLO = """\
HloModule jit_f, entry_computation_layout={(f32[4,8]{1,0})->f32[4,8]{1,0}}

%region_0.1 (a.1: f32[], b.1: f32[]) -> f32[] {
  %a.1 = f32[] parameter(0)
  %b.1 = f32[] parameter(1)
  ROOT %add.1 = f32[] add(%a.1, %b.1), metadata={op_name="add"}
}

%parallel_fusion.2 (p.2: f32[4,8]) -> f32[4,8] {
  %p.2 = f32[4,8]{1,0} parameter(0)
  %wrapped.2 = f32[4,8]{1,0} fusion(%p.2), kind=kLoop, calls=%fused_computation
  %copy-start.2 = (f32[4,8]{1,0}, f32[4,8]{1,0}, u32[]) copy-start(%wrapped.2)
  ROOT %copy-done.2 = f32[4,8]{1,0} copy-done(%copy-start.2)
}

ENTRY %main.9 (x.1: f32[4,8], i.1: bf16[4,8]) -> (f32[4,8], bf16[4,8]) {
  %x.1 = f32[4,8]{1,0:T(8,128)} parameter(0), metadata={op_name="x (the input)"}
  %i.1 = bf16[4,8]{1,0} parameter(1)
  %constant.0 = f32[] constant(0)
  %two = (f32[4,8]{1,0:T(8,128)}, bf16[4,8]{1,0}) fusion(%x.1, %i.1), calls=%f
  %first.3 = f32[4,8]{1,0} get-tuple-element(%two), index=0
  %second.3 = bf16[4,8]{1,0} get-tuple-element(%two), index=1
  %sum = f32[4,8]{1,0} reduce-window(%first.3, %constant.0), to_apply=%region_0.1
  %flat = f32[32]{0} bitcast(%sum)
  %back = f32[4,8]{1,0} bitcast(%flat)
  %call = f32[4,8]{1,0} call(%back), to_apply=%parallel_fusion.2
  %kernel = f32[4,8]{1,0} custom-call(f32[4,8]{1,0} %call), custom_call_target="one"
  ROOT %tuple.1 = (f32[4,8]{1,0}, bf16[4,8]{1,0}) tuple(%kernel, %second.3)
}
"""


def test_kernels_and_bytes_of_a_module():
    array = 4 * 8 * 4
    # The fusion reads and writes one array of each dtype, the window sum reads its
    # initial value as well, the call counts as the fusion and the copy in it, which is
    # made in the background.
    expected = 2 * (array + array // 2) + (2 * array + 4) + 4 * array + 2 * array
    assert hlo.work(HLO) == hlo.Work(kernels=4, bytes=expected)


# As a TPU's programs are printed: S(1) is fast memory.
TPU = """\
HloModule jit_f, is_scheduled=true

ENTRY %main.2 (x.1: bf16[8,32]) -> bf16[8,32] {
  %x.1 = bf16[8,32]{1,0:T(8,128)(2,1)} parameter(0)
  %slice-start = ((bf16[8,32]{1,0:T(8,128)}), bf16[2,32]{1,0:T(8,128)S(1)}, \
s32[]{:S(2)}) slice-start(%x.1), slice={[0:2], [0:32]}
  %slice-done = bf16[2,32]{1,0:T(8,128)S(1)} slice-done(%slice-start)
  %near = bf16[8,32]{1,0:S(1)} custom-call(%slice-done), \
custom_call_target="ConcatBitcast"
  %border = ((bf16[2,32]{1,0}), bf16[2,32]{1,0}, u32[]{:S(2)}, u32[]{:S(2)}) \
collective-permute-start(%slice-done), channel_id=1
  %got = bf16[2,32]{1,0} collective-permute-done(%border)
  %sum = bf16[2,32]{1,0} all-reduce(%got), to_apply=%region
  %square = f32[8,32]{1,0:S(1)} multiply(%near, %near)
  ROOT %y = bf16[8,32]{1,0} fusion(%square, %x.1, %x.1, %sum), kind=kLoop, calls=%f
}
"""


def test_fast_memory_and_what_devices_exchange():
    array, border = 8 * 32 * 2, 2 * 32 * 2
    # The slice is read; both exchanges name two ends or one; y is written, and x, which
    # is named twice, read twice.
    expected = border + 2 * border + border + array + 2 * array + border
    assert hlo.work(TPU) == hlo.Work(2, expected, ("all-reduce", "collective-permute"))


def test_kernels_of_a_compiled_copy():
    copy = jax.jit(lambda x: x * 2).lower(np.ones((64, 64), np.float32)).compile()
    assert hlo.work(copy.as_text() or "") == hlo.Work(kernels=1, bytes=2 * 64 * 64 * 4)


@pytest.mark.parametrize("text", ["", "ENTRY", HLO.partition("ENTRY")[0]])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="an HLO module with an ENTRY computation"):
        hlo.work(text)
