"""Operations counted as they run, to hold formulas against."""

from collections.abc import Callable

from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def count_flops(compute: Callable[[], object]) -> int:
    """Operations of the products (and convolutions) of a call, a multiply-add being 2.

    Attention is computed unfused meanwhile: ``torch.utils.flop_counter`` does not know the CPU's fused kernel
    and would count nothing.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        compute()
    return int(counter.get_total_flops())
