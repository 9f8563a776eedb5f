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
  %copy-start.2 = f32[4,8]{1,0} copy-start(%wrapped.2)
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
    # initial value as well, the call counts as the fusion and the copy in it.
    expected = 2 * (array + array // 2) + (2 * array + 4) + 4 * array + 2 * array
    assert hlo.work(HLO) == hlo.Work(kernels=5, bytes=expected)


def test_kernels_of_a_compiled_copy():
    copy = jax.jit(lambda x: x * 2).lower(np.ones((64, 64), np.float32)).compile()
    assert hlo.work(copy.as_text() or "") == hlo.Work(kernels=1, bytes=2 * 64 * 64 * 4)


@pytest.mark.parametrize("text", ["", "ENTRY", HLO.partition("ENTRY")[0]])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="an HLO module with an ENTRY computation"):
        hlo.work(text)
