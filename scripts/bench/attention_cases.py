"""What ``placecell-bench attention`` measures: attention along plans, and modules with their projections."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from placecell.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from placecell.agent.attention.plan import AttentionPlan

Size = tuple[int, int]
Call = Callable[[], Any]

WIDTH, HEADS = 256, 8
RADIAL_FRAMES = 16
ROUTED_REGIONS, ROUTED_TOP_K = 8, 4

PLANS = (
    "window_8",
    "shifted_window_8",
    "neighborhood_7",
    "neighborhood_24_stride_8",
    "halo_8_3",
    "s2",
    "radial",
    "routed",
)
MODULES = ("hilo_2", "hilo_4", "window_layer_8", "davit_channels", "inline", "biformer")
READOUTS = ("efficient_probing",)
CASES = (*PLANS, *MODULES, *READOUTS)

PEERS = {
    "plan": "scaled_dot_product_attention",
    "module": "full attention layer",
    "readout": "full attention layer, mean of tokens",
}
"""Who stands beside each kind: like is compared with like, projections with projections."""


@dataclass(frozen=True)
class Place:
    """Where, and in what numbers, it is computed: a device's and a dtype's name."""

    device: str = "cpu"
    dtype: str = "float32"

    def put(self, made: "Tensor") -> "Tensor":
        """A tensor there."""
        import torch

        return made.to(self.device, getattr(torch, self.dtype))


CPU = Place()


@dataclass(frozen=True)
class Work:
    """One case on one map, ready to be called.

    Attributes:
        name: of the case.
        kind: "plan", "module" or "readout": which peer it is like.
        forward: one call without gradients.
        both: the same with gradients, and the backward pass.
        flops: operations of a forward call by the formula, a multiply-add being 2.
        density: share of pairs that the plan computes; None of a module.
        plan: to draw; None of a module, and where it depends on the input.
    """

    name: str
    kind: str
    forward: Call
    both: Call
    flops: int
    density: float | None = None
    plan: "AttentionPlan | None" = None


def kind_of(name: str) -> str:
    """ "plan", "module" or "readout"."""
    return "plan" if name in PLANS else "module" if name in MODULES else "readout"


def plan_of(name: str, size: Size) -> "AttentionPlan":
    """The plan of a case.

    Raises:
        ConfigError: the pattern does not apply to a map of this size.
    """
    from placecell.agent.attention import patterns, temporal

    if name == "radial":
        tokens = size[0] * size[1]
        return temporal.radial(RADIAL_FRAMES, tokens // RADIAL_FRAMES)
    made: dict[str, Callable[[], AttentionPlan]] = {
        "window_8": lambda: patterns.window(size, 8),
        "shifted_window_8": lambda: patterns.shifted_window(size, 8),
        "neighborhood_7": lambda: patterns.neighborhood(size, 7),
        "neighborhood_24_stride_8": lambda: patterns.neighborhood(size, 24, stride=8),
        "halo_8_3": lambda: patterns.halo(size, 8, 3),
        "s2": lambda: temporal.s2(size, HEADS),
    }
    return made[name]()


def module_of(name: str) -> Any:  # an nn.Module with flops(gh, gw), which nn.Module does not declare
    """The module of a case, with the projections that it comes with."""
    from placecell.agent.attention.layer import attention_layer
    from placecell.agent.attention.modules import ChannelAttention, EfficientProbing, HiLo, InLine
    from placecell.agent.attention.routed import BiFormer

    made: dict[str, Callable[[], nn.Module]] = {
        "hilo_2": lambda: HiLo(WIDTH, HEADS, 2),
        "hilo_4": lambda: HiLo(WIDTH, HEADS, 4),
        "window_layer_8": lambda: attention_layer("window", WIDTH, HEADS),
        "davit_channels": lambda: ChannelAttention(WIDTH, HEADS),
        "inline": lambda: InLine(WIDTH, HEADS),
        "biformer": lambda: BiFormer(WIDTH, HEADS, ROUTED_REGIONS, ROUTED_TOP_K),
        "efficient_probing": lambda: EfficientProbing(WIDTH),
    }
    return made[name]()


def work(name: str, size: Size, place: Place = CPU) -> Work:
    """A case on a map.

    Raises:
        ConfigError: it does not apply to a map of this size.
    """
    kind = kind_of(name)
    if kind == "plan":
        return _planned(name, size, place)
    module = module_of(name)
    return _module(name, kind, module, size, place, flops=module.flops(*size))


def peer(kind: str, size: Size, place: Place = CPU) -> Work:
    """What cases of a kind are measured against: full attention of the same width and heads."""
    from torch.nn.functional import scaled_dot_product_attention

    from placecell.agent.attention.layer import attention_layer

    n = size[0] * size[1]
    if kind == "plan":
        return on_plan(PEERS[kind], scaled_dot_product_attention, size, place, 4 * n * n * WIDTH, 1.0)
    full: Any = attention_layer("full", WIDTH, HEADS)
    return _module(PEERS[kind], kind, full, size, place, flops=full.flops(*size), mean=kind == "readout")


def _planned(name: str, size: Size, place: Place) -> Work:
    from placecell.agent.attention.attend import attend

    if name == "routed":
        return _routed(size, place)
    plan = plan_of(name, size)
    flops = plan.flops(WIDTH // HEADS, HEADS, 1)
    return on_plan(name, lambda q, k, v: attend(q, k, v, plan), size, place, flops, plan.density, plan)


def _routed(size: Size, place: Place) -> Work:
    """BiFormer's choice and the attention along it, both in the time: the plan is never known before."""
    from placecell.agent.attention.attend import attend
    from placecell.agent.attention.routed import check_regions, route

    check_regions(size, ROUTED_REGIONS, ROUTED_TOP_K)
    n, count = size[0] * size[1], ROUTED_REGIONS**2
    flops = 4 * n * (n // count) * ROUTED_TOP_K * WIDTH + 2 * count**2 * WIDTH

    def call(q: "Tensor", k: "Tensor", v: "Tensor") -> "Tensor":
        return attend(q, k, v, route(q, k, size, ROUTED_REGIONS, ROUTED_TOP_K))

    return on_plan("routed", call, size, place, flops, ROUTED_TOP_K / count)


def on_plan(
    name: str,
    call: Callable[..., "Tensor"],
    size: Size,
    place: Place,
    flops: int,
    density: float,
    plan: "AttentionPlan | None" = None,
) -> Work:
    """A call of q, k, v (1, heads, tokens, width of a head), all of width ``WIDTH`` together."""
    import torch

    made = torch.Generator().manual_seed(9)
    shape = (1, HEADS, size[0] * size[1], WIDTH // HEADS)
    q, k, v, pull = (place.put(torch.randn(shape, generator=made)) for _ in range(4))
    learned = [x.clone().requires_grad_() for x in (q, k, v)]

    def forward() -> "Tensor":
        with torch.no_grad():
            return call(q, k, v)

    def both() -> tuple["Tensor", ...]:
        return torch.autograd.grad(call(*learned), learned, pull)

    return Work(name, "plan", forward, both, flops, density, plan)


def _module(
    name: str,
    kind: str,
    module: "nn.Module",
    size: Size,
    place: Place,
    *,
    flops: int,
    mean: bool = False,
) -> Work:
    import torch

    made = torch.Generator().manual_seed(9)
    module = module.to(place.device, getattr(torch, place.dtype))
    x = place.put(torch.randn((1, *size, WIDTH), generator=made))
    learned = x.clone().requires_grad_()
    wanted = [learned, *module.parameters()]

    def call(tokens: "Tensor") -> "Tensor":
        if mean:
            return module(tokens).mean((1, 2))
        return module(tokens.flatten(1, 2) if kind == "readout" else tokens)

    def forward() -> "Tensor":
        with torch.no_grad():
            return call(x)

    pull = place.put(torch.randn(forward().shape, generator=made))

    def both() -> tuple["Tensor", ...]:
        return torch.autograd.grad(call(learned), wanted, pull)

    return Work(name, kind, forward, both, flops)


def require_known(names: tuple[str, ...]) -> None:
    """Raise ConfigError unless all are cases."""
    for name in names:
        if name not in CASES:
            raise ConfigError(
                expected=f"cases of {', '.join(CASES)}", came=name, fix="name one of them in --only"
            )
