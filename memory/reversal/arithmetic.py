"""In which numbers a chain of tokens is kept: whole ones, exact to the bit, or floating point."""

import copy
import hashlib
import json
import zlib
from abc import ABC, abstractmethod

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped, UInt32
from torch import Tensor

from placecell.errors import ConfigError, PlacecellError

from ..reversible import ReversibleMemoryToken
from . import fixed_kernel
from .fixed_kernel import Rules, Weights
from .masks import threshold

Rows = Shaped[np.ndarray, "n d"]
Seeds = Int64[np.ndarray, " n"]

LANES = 16
"""So many rows are computed at once at most: more don't fit the cache. The bits don't depend on it."""


class Arithmetic(ABC):
    """Writes and turns back tokens as arrays, of a copy of a model's weights.

    Args:
        head_type: of the tokens.
        residue_type: of residues and observations.
    """

    head_type: np.dtype
    residue_type: np.dtype

    @abstractmethod
    def stored(self, embeddings: Float[np.ndarray, "n e"]) -> Rows:
        """The model's observations of embeddings, as they are written and given back."""

    @abstractmethod
    def values(self, kept: Rows) -> Float[np.ndarray, "n d"]:
        """What stored tokens or observations stand for."""

    @abstractmethod
    def write(self, heads: Rows, observations: Rows, seeds: Seeds) -> tuple[Rows, Rows]:
        """The new tokens and the residues."""

    @abstractmethod
    def invert(self, heads: Rows, residues: Rows, seeds: Seeds) -> tuple[Rows, Rows]:
        """The tokens before and the observations."""


class FixedPoint(Arithmetic):
    """Whole multiples of 2**-fraction_bits: turned back to the bit.

    Tokens are int64. Residues have ``residue_bits``, and their sums wrap: what overflows is still turned back
    exactly. An observation has to fit. 20 of 32 bits hold numbers to +-2048 in steps of 1e-6; 11 of 16 bits
    hold +-16 in steps of 5e-4, those that half precision has at 1.

    Args:
        model: whose weights are copied; float32 or float64.
        fraction_bits: of tokens, residues and observations.
        residue_bits: 16 or 32.

    Raises:
        ConfigError: bits that there are not, or weights that are not finite.
    """

    head_type = np.dtype(np.int64)

    def __init__(self, model: ReversibleMemoryToken, fraction_bits: int = 20, residue_bits: int = 32) -> None:
        if residue_bits not in (16, 32) or not 0 < fraction_bits < residue_bits:
            raise ConfigError(
                expected="residues of 16 or 32 bits, some of them behind the point",
                came=f"residue_bits {residue_bits}, fraction_bits {fraction_bits}",
                fix="set residue_bits 32 and fraction_bits 20, or 16 and 11",
            )
        self.residue_type = np.dtype(np.int16 if residue_bits == 16 else np.int32)
        self._adapter = _array(model.adapter.weight.T), _array(model.adapter.bias)
        self._weights = _weights(model)
        if not all(bool(np.isfinite(array).all()) for array in (*self._adapter, *self._weights)):
            raise ConfigError(expected="finite weights", came="NaN or infinity", fix="load a trained token")
        self._rules = Rules(
            model.heads,
            2.0**fraction_bits,
            1 << (residue_bits - 1),
            threshold(model.dropout),
            1 / (1 - model.dropout),
        )

    def stored(self, embeddings: Float[np.ndarray, "n e"]) -> Rows:
        """Observations rounded to the grid; the same bits in any batch.

        Raises:
            PlacecellError: embeddings of another width, or an observation that is not finite or does not fit.
        """
        matrix, bias = self._adapter
        if embeddings.shape[1] != len(matrix):
            raise PlacecellError(
                expected=f"embeddings of width {len(matrix)}",
                came=f"{embeddings.shape[1]}",
                fix="build the token with the width of your encoder's embeddings",
            )
        observations = np.empty((len(embeddings), len(bias)))
        fixed_kernel.linear(embeddings.astype(np.float64), matrix, bias, observations)
        rounded = np.floor(observations * self._rules.unit + 0.5)
        fits = (rounded >= -self._rules.half) & (rounded < self._rules.half)  # false of NaN
        if not bool(fits.all()):
            raise PlacecellError(
                expected=f"observations of numbers within +-{self._rules.half / self._rules.unit:g}",
                came=f"{observations[~fits][0]:g}",
                fix="pass embeddings of unit length",
            )
        return rounded.astype(self.residue_type)

    def values(self, kept: Rows) -> Float[np.ndarray, "n d"]:
        """float64, exactly."""
        return kept / self._rules.unit

    def write(self, heads: Rows, observations: Rows, seeds: Seeds) -> tuple[Rows, Rows]:
        """The new tokens and the residues; the same bits in any batch."""
        return self._run(fixed_kernel.write, heads, observations, seeds)

    def invert(self, heads: Rows, residues: Rows, seeds: Seeds) -> tuple[Rows, Rows]:
        """The tokens before and the observations, to the bit."""
        return self._run(fixed_kernel.invert, heads, residues, seeds)

    def _run(self, kernel: object, heads: Rows, others: Rows, seeds: Seeds) -> tuple[Rows, Rows]:
        x1, x2 = heads.astype(np.int64), others.astype(np.int64)  # copies: the kernel works in place
        for first in range(0, len(x1), LANES):
            rows = slice(first, first + LANES)
            kernel(x1[rows], x2[rows], seeds[rows], self._weights, self._rules)  # type: ignore[operator]
        return x1, x2.astype(self.residue_type)


class FloatingPoint(Arithmetic):
    """float32 by torch: turned back within the tolerance that ``memory.reversible`` states.

    Args:
        model: of which a copy is kept.
    """

    head_type = residue_type = np.dtype(np.float32)

    def __init__(self, model: ReversibleMemoryToken) -> None:
        self._model = copy.deepcopy(model).cpu().float()

    def stored(self, embeddings: Float[np.ndarray, "n e"]) -> Rows:
        """Observations as float32.

        Raises:
            PlacecellError: embeddings of another width, or an observation that is not finite.
        """
        with torch.no_grad():
            observations = self._model.observe(*_tensors(embeddings.astype(np.float32))).numpy()
        if not bool(np.isfinite(observations).all()):
            raise PlacecellError(
                expected="observations of finite numbers", came="NaN or infinity", fix="check the embeddings"
            )
        return observations

    def values(self, kept: Rows) -> Float[np.ndarray, "n d"]:
        """Themselves."""
        return kept

    def write(self, heads: Rows, observations: Rows, seeds: Seeds) -> tuple[Rows, Rows]:
        """The new tokens and the residues."""
        with torch.no_grad():
            written = self._model.write(*_tensors(heads, observations, seeds))
        return written.token.numpy(), written.residue.numpy()

    def invert(self, heads: Rows, residues: Rows, seeds: Seeds) -> tuple[Rows, Rows]:
        """The tokens before and the observations, nearly."""
        with torch.no_grad():
            token, observation = self._model.invert(*_tensors(heads, residues, seeds))
        return token.numpy(), observation.numpy()


def checksums(observations: Rows) -> UInt32[np.ndarray, " n"]:
    """32 bits of each stored observation, by which one that was given back is known to be the one written."""
    return np.array([zlib.crc32(row) for row in np.ascontiguousarray(observations)], np.uint32)


def identity(model: ReversibleMemoryToken, mode: str) -> str:
    """A name of sizes, weights and mode: chains can be turned back only with those that wrote them."""
    digest = hashlib.sha256(f"{mode} {json.dumps(model.config(), sort_keys=True)}".encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()


def _tensors(*arrays: np.ndarray) -> list[Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]


def _array(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().cpu().numpy())


def _weights(model: ReversibleMemoryToken) -> Weights:
    state = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}

    def stacked(kind: str, name: str) -> np.ndarray:
        layers = [state[f"{kind}.{layer}.{name}"] for layer in range(model.depth)]
        return np.stack([np.ascontiguousarray(layer.T) for layer in layers])  # matrices with the input first

    return Weights(
        passed=stacked("attentions", "passed"),
        f_weight=stacked("attentions", "weight"),
        position=np.stack([state[f"attentions.{n}.position"].ravel() for n in range(model.depth)]),
        joint=stacked("attentions", "joint.weight"),
        joint_bias=stacked("attentions", "joint.bias"),
        out=stacked("attentions", "out.weight"),
        out_bias=stacked("attentions", "out.bias"),
        g_weight=stacked("feeds", "weight"),
        inner=stacked("feeds", "inner.weight"),
        inner_bias=stacked("feeds", "inner.bias"),
        outer=stacked("feeds", "outer.weight"),
        outer_bias=stacked("feeds", "outer.bias"),
    )
