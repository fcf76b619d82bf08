"""What the processor can do, as far as Numba may use it: other instructions would end the program."""

import platform

from numba.core import config
from numba.core.codegen import get_host_cpu_features

_ARM = ("aarch64", "arm64")
_EVERY_ARM_HAS = ("f16c", "fma")
"""By their names on x86; without these two, LLVM calls functions that Numba does not bring."""


def processor_has(feature: str) -> bool:
    """Whether compiled code may use a feature of the processor.

    Args:
        feature: by LLVM's name on x86: ``"f16c"``, ``"fma"``, ``"avx512vnni"``.
    """
    if platform.machine().lower() in _ARM:
        return feature in _EVERY_ARM_HAS
    # Numba's own settings may ask for less than there is: NUMBA_CPU_NAME=generic leaves nothing of these.
    asked: str | None = config.__dict__["CPU_FEATURES"]
    features = get_host_cpu_features() if asked is None else asked
    return f"+{feature}" in features.split(",")
