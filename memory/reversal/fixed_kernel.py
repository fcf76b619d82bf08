"""The reversible token's couplings on whole numbers, compiled.

Sums in a stated order, of IEEE additions, multiplications, divisions and square roots only: no BLAS, no
library's exp, nothing that depends on the batch, the lane in it or the threads. So the same row gives the
same bits whatever it is computed with, and turning back finds what the write added.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from numba import njit

from .masks import MIX_1, MIX_2, NO_DROPOUT, STREAM

_STREAM, _MIX_1, _MIX_2 = (np.uint64(number % 2**64) for number in (STREAM, MIX_1, MIX_2))
_LOG2_E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
_TAYLOR = np.array([1 / math.factorial(power) for power in range(13, -1, -1)])
_SMALLEST = -700.0


class Weights(NamedTuple):
    """Of all layers, the layer first; matrices with the input first."""

    passed: np.ndarray
    f_weight: np.ndarray
    position: np.ndarray
    joint: np.ndarray
    joint_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray
    g_weight: np.ndarray
    inner: np.ndarray
    inner_bias: np.ndarray
    outer: np.ndarray
    outer_bias: np.ndarray


class Rules(NamedTuple):
    """What else the couplings need: ``unit`` is 2**fraction_bits, ``half`` is 2**(residue_bits - 1)."""

    heads: int
    unit: float
    half: int
    dropped_below: int
    kept_scale: float


@njit(cache=True)
@no_type_check
def write(x1, x2, seeds, weights, rules):
    """Makes tokens and observations, (n, d) int64, new tokens and residues, in place."""
    update = np.empty(x1.shape)
    for layer in range(len(weights.passed)):
        _attend(layer, x2, weights, rules, update)
        _add(x1, update, 1, 2 * layer, seeds, rules)
        _feed(layer, x1, weights, rules, update)
        _add(x2, update, 1, 2 * layer + 1, seeds, rules)
        _wrap(x2, rules.half)


@njit(cache=True)
@no_type_check
def invert(x1, x2, seeds, weights, rules):
    """Makes tokens and residues, (n, d) int64, the tokens before and the observations, in place."""
    update = np.empty(x1.shape)
    for layer in range(len(weights.passed) - 1, -1, -1):
        _feed(layer, x1, weights, rules, update)
        _add(x2, update, -1, 2 * layer + 1, seeds, rules)
        _wrap(x2, rules.half)
        _attend(layer, x2, weights, rules, update)
        _add(x1, update, -1, 2 * layer, seeds, rules)


@njit(cache=True)
@no_type_check
def _add(stream, update, sign, place, seeds, rules):
    n, width = stream.shape
    for row in range(n):
        masked = seeds[row] != NO_DROPOUT and rules.dropped_below > 0
        for column in range(width):
            value = update[row, column]
            if masked:
                kept = _hash(seeds[row], column + 1 + place * width) >= np.uint64(rules.dropped_below)
                value = value * rules.kept_scale if kept else 0.0
            stream[row, column] += sign * np.int64(math.floor(value * rules.unit + 0.5))


@njit(cache=True)
@no_type_check
def _hash(seed, entry):
    hashed = np.uint64(seed) * _MIX_2 + np.uint64(entry) * _STREAM
    hashed = (hashed ^ (hashed >> np.uint64(30))) * _MIX_1
    hashed = (hashed ^ (hashed >> np.uint64(27))) * _MIX_2
    return (hashed ^ (hashed >> np.uint64(31))) >> np.uint64(11)


@njit(cache=True)
@no_type_check
def _wrap(stream, half):
    for row in range(stream.shape[0]):
        for column in range(stream.shape[1]):
            stream[row, column] = ((stream[row, column] + half) & (2 * half - 1)) - half


@njit(cache=True)
@no_type_check
def _attend(layer, x, weights, rules, update):
    n, width = x.shape
    part = weights.out.shape[1]
    normal, parts, found = np.empty((n, width)), np.empty((n, width)), np.empty((n, width))
    for row in range(n):
        _damp(x[row], rules.unit, normal[row])
        for column in range(width):
            scaled = normal[row, column] * weights.f_weight[layer, column]
            parts[row, column] = scaled + weights.position[layer, column]
    count = n * (width // part)
    joint = np.empty((count, 3 * part))
    linear(parts.reshape(count, part), weights.joint[layer], weights.joint_bias[layer], joint)
    for row in range(n):
        rows = joint[row * (width // part) : (row + 1) * (width // part)]
        _mix(rows, rules.heads, found[row])
    linear(
        found.reshape(count, part), weights.out[layer], weights.out_bias[layer], update.reshape(count, part)
    )
    for row in range(n):
        for column in range(width):
            update[row, column] += weights.passed[layer, column] * normal[row, column]


@njit(cache=True)
@no_type_check
def _mix(joint, heads, found):
    slots, part = joint.shape[0], joint.shape[1] // 3
    each = part // heads
    scale = 1 / math.sqrt(each)
    scores = np.empty(slots)
    for head in range(heads):
        for asking in range(slots):
            most = -math.inf
            for asked in range(slots):
                score = 0.0
                for i in range(head * each, (head + 1) * each):
                    score += joint[asking, i] * joint[asked, part + i]
                scores[asked] = score * scale
                most = max(most, scores[asked])
            total = 0.0
            for asked in range(slots):
                scores[asked] = _exp(scores[asked] - most)
                total += scores[asked]
            for i in range(head * each, (head + 1) * each):
                value = 0.0
                for asked in range(slots):
                    value += scores[asked] * joint[asked, 2 * part + i]
                found[asking * part + i] = value / total


@njit(cache=True)
@no_type_check
def _feed(layer, x, weights, rules, update):
    n, width = x.shape
    normal, inner = np.empty((n, width)), np.empty((n, weights.inner.shape[2]))
    for row in range(n):
        _damp(x[row], rules.unit, normal[row])
        for column in range(width):
            normal[row, column] *= weights.g_weight[layer, column]
    linear(normal, weights.inner[layer], weights.inner_bias[layer], inner)
    for row in range(n):
        for column in range(inner.shape[1]):
            value = inner[row, column]
            away = _exp(-abs(value))
            inner[row, column] = value * (1.0 if value >= 0 else away) / (1.0 + away)
    linear(inner, weights.outer[layer], weights.outer_bias[layer], update)


@njit(cache=True)
@no_type_check
def _damp(x, unit, out):
    total = 0.0
    for column in range(len(x)):
        value = x[column] / unit
        out[column] = value
        total += value * value
    length = math.sqrt(1.0 + total / len(x))
    for column in range(len(x)):
        out[column] /= length


@njit(cache=True)
@no_type_check
def linear(x, matrix, bias, out):
    """Writes ``x @ matrix + bias`` to ``out``, summed over the inputs in their order."""
    for row in range(x.shape[0]):
        for column in range(matrix.shape[1]):
            out[row, column] = bias[column]
    whole = matrix.shape[0] // 4 * 4
    for i in range(0, whole, 4):  # four at a time, for sums to stay in registers; in the same order
        for row in range(x.shape[0]):
            a, b, c, d = x[row, i], x[row, i + 1], x[row, i + 2], x[row, i + 3]
            for column in range(matrix.shape[1]):
                total = out[row, column] + a * matrix[i, column]
                total = total + b * matrix[i + 1, column]
                total = total + c * matrix[i + 2, column]
                out[row, column] = total + d * matrix[i + 3, column]
    for i in range(whole, matrix.shape[0]):
        for row in range(x.shape[0]):
            for column in range(matrix.shape[1]):
                out[row, column] += x[row, i] * matrix[i, column]


@njit(cache=True)
@no_type_check
def _exp(x):
    """Of numbers not above 0; what a library gives differs from one to the next in the last bit."""
    if x < _SMALLEST:
        return 0.0
    power = math.floor(x * _LOG2_E + 0.5)
    rest = (x - power * _LN2_HIGH) - power * _LN2_LOW
    found = 0.0
    for factor in _TAYLOR:
        found = found * rest + factor
    return math.ldexp(found, int(power))
