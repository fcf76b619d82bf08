"""A graph without the nodes at which there is nothing to choose: junctions, and the chains between them.

A walk leaves long rows of places that have two neighbours. A search over junctions alone visits a tenth of
the nodes of a street map and finds the same ways: chains are taken whole, or in part where a way begins or
ends.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float64, Int32
from numba import njit

from placecell.heap import pop, push


class Junctions(NamedTuple):
    """What :func:`contract` makes of a graph in compressed rows, and the scratch that a search needs.

    A junction is a node that has not two neighbours, or one node of a ring of such that have. The chain
    between two junctions holds both ends; its code as a way is ``2 * chain``, plus 1 backwards, and -1 for a
    bare edge. ``best``, ``before``, ``via`` and ``done`` are of junctions; ``best`` is inf and ``done`` false
    between searches.
    """

    chain_of: Int32[np.ndarray, " n"]
    """Of each node its chain; -1 for a junction."""
    at: Int32[np.ndarray, " n"]
    """Of each node where it stands in ``chain_nodes``; of a junction its number."""
    node: Int32[np.ndarray, " j"]
    points: Float64[np.ndarray, "j 3"]
    rows: Int32[np.ndarray, " j1"]
    to: Int32[np.ndarray, " w"]
    cost: Float64[np.ndarray, " w"]
    way: Int32[np.ndarray, " w"]
    chains: Int32[np.ndarray, " c1"]
    chain_nodes: Int32[np.ndarray, " l"]
    chain_costs: Float64[np.ndarray, " l"]
    """From the first node of the chain."""
    best: Float64[np.ndarray, " j"]
    before: Int32[np.ndarray, " j"]
    via: Int32[np.ndarray, " j"]
    done: np.ndarray
    touched: Int32[np.ndarray, " j"]
    keys: Float64[np.ndarray, " k"]
    items: Int32[np.ndarray, " k"]
    path: Int32[np.ndarray, " p"]


def contract(
    indptr: Int32[np.ndarray, " n1"],
    indices: Int32[np.ndarray, " m2"],
    costs: Float64[np.ndarray, " m2"],
    positions: Float64[np.ndarray, "n 3"],
) -> Junctions:
    """The junctions and chains of an undirected graph without loops or double edges."""
    n = len(indptr) - 1
    chain_of, at, node, rows, to, cost, way, chains, chain_nodes, chain_costs = _contract(
        indptr, indices, costs
    )
    j, room = len(node), len(to) + 4
    return Junctions(
        chain_of,
        at,
        node,
        np.ascontiguousarray(positions[node]),
        rows,
        to,
        cost,
        way,
        chains,
        chain_nodes,
        chain_costs,
        best=np.full(j, np.inf),
        before=np.zeros(j, np.int32),
        via=np.zeros(j, np.int32),
        done=np.zeros(j, np.bool_),
        touched=np.zeros(j, np.int32),
        keys=np.zeros(room),
        items=np.zeros(room, np.int32),
        path=np.zeros(2 * n + 4, np.int32),
    )


@njit(cache=True)
@no_type_check
def _contract(indptr, indices, costs):
    n, m = len(indptr) - 1, len(indices)
    chain_of, at = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    node, rows = np.empty(n, np.int32), np.zeros(n + 1, np.int32)
    to, cost, way = np.empty(m, np.int32), np.empty(m), np.empty(m, np.int32)
    # Every chain has a node of its own and two ends.
    chains, nodes, sums = np.zeros(n + 1, np.int32), np.empty(3 * n, np.int32), np.empty(3 * n)
    junctions, ways, count, used = 0, 0, 0, 0
    for i in range(n):
        if indptr[i + 1] - indptr[i] != 2:
            node[junctions], at[i] = i, junctions
            junctions += 1
    done, seeking = 0, 0
    while True:
        if done == junctions:
            # What no chain has reached is a ring; its first node stands in as a junction.
            while seeking < n and at[seeking] >= 0:
                seeking += 1
            if seeking == n:
                break
            node[junctions], at[seeking] = seeking, junctions
            junctions += 1
        for edge in range(indptr[node[done]], indptr[node[done] + 1]):
            first = indices[edge]
            if at[first] >= 0 and chain_of[first] < 0:
                to[ways], cost[ways], way[ways] = at[first], costs[edge], -1
                ways += 1
                continue
            if chain_of[first] >= 0:
                # Known from its other end; a ring's only end needs it no second time.
                chain = chain_of[first]
                low, high = chains[chain], chains[chain + 1] - 1
                if nodes[low] != nodes[high]:
                    to[ways], cost[ways], way[ways] = at[nodes[low]], sums[high], 2 * chain + 1
                    ways += 1
                continue
            nodes[used], sums[used] = node[done], 0.0
            last, here, total = node[done], first, costs[edge]
            used += 1
            while at[here] < 0 and indptr[here + 1] - indptr[here] == 2:
                nodes[used], sums[used] = here, total
                chain_of[here], at[here] = count, used
                used += 1
                onward = indptr[here]
                if indices[onward] == last:
                    onward += 1
                last, here, total = here, indices[onward], total + costs[onward]
            nodes[used], sums[used] = here, total
            used += 1
            count += 1
            chains[count] = used
            if here != node[done]:
                to[ways], cost[ways], way[ways] = at[here], total, 2 * (count - 1)
                ways += 1
        done += 1
        rows[done] = ways
    return (
        chain_of,
        at,
        node[:junctions].copy(),
        rows[: junctions + 1].copy(),
        to[:ways].copy(),
        cost[:ways].copy(),
        way[:ways].copy(),
        chains[: count + 1].copy(),
        nodes[:used].copy(),
        sums[:used].copy(),
    )


@njit(cache=True)
@no_type_check
def search(net, target, per_metre, start, goal):
    """A* over junctions: the cost (inf where no way leads) and the nodes of the cheapest way to a node, which
    stands at ``target`` (3,).
    """
    # Names of their own, and no calls: handing the arrays on would take longer than what is done with them.
    points, rows, to, costs, codes = net.points, net.rows, net.to, net.cost, net.way
    best, before, via, done, touched = net.best, net.before, net.via, net.done, net.touched
    keys, items = net.keys, net.items
    gx, gy, gz = target[0], target[1], target[2]
    (goal_low, goal_high), (rest_low, rest_high) = _ends(net, goal)
    starts, offsets = _ends(net, start)
    total, end, size, marks, junction = np.inf, -1, 0, 0, -1
    if net.chain_of[start] >= 0 and net.chain_of[start] == net.chain_of[goal]:
        total = abs(net.chain_costs[net.at[start]] - net.chain_costs[net.at[goal]])
    low, high, so_far = 0, 2 if starts[1] >= 0 else 1, 0.0
    while True:
        for way in range(low, high):
            if junction < 0:
                other, cost, code = starts[way], offsets[way], np.int32(-2 - way)
            else:
                other, cost, code = to[way], so_far + costs[way], codes[way]
            if cost >= best[other]:
                continue
            if best[other] == np.inf:
                touched[marks] = other
                marks += 1
            best[other], before[other], via[other] = cost, junction, code
            if other == goal_low and cost + rest_low < total:
                total, end = cost + rest_low, 2 * other
            if other == goal_high and cost + rest_high < total:
                total, end = cost + rest_high, 2 * other + 1
            dx, dy, dz = points[other, 0] - gx, points[other, 1] - gy, points[other, 2] - gz
            left = per_metre * np.sqrt(dx * dx + dy * dy + dz * dz)
            if cost + left < total:
                size = push(keys, items, size, cost + left, other)
        # What the line says is left never says too much: nothing in the heap leads to a cheaper way then.
        while size > 0 and done[items[0]]:
            _, size = pop(keys, items, size)
        if size == 0 or keys[0] >= total:
            break
        junction, size = pop(keys, items, size)
        done[junction] = True
        low, high, so_far = rows[junction], rows[junction + 1], best[junction]
    path = _path(net, start, goal, total, end)
    for mark in range(marks):
        best[touched[mark]], done[touched[mark]] = np.inf, False
    return total, path


@njit(cache=True)
@no_type_check
def _ends(net, node):
    """The junctions by which a node is reached (-1 none), and what they are away from it."""
    chain = net.chain_of[node]
    if chain < 0:
        return (net.at[node], np.int32(-1)), (0.0, np.inf)
    low, high = net.chains[chain], net.chains[chain + 1] - 1
    along = net.chain_costs[net.at[node]]
    ends = net.at[net.chain_nodes[low]], net.at[net.chain_nodes[high]]
    return ends, (along, net.chain_costs[high] - along)


@njit(cache=True)
@no_type_check
def _path(net, start, goal, total, end):
    """The nodes of the way that was found, written from the goal back to the start."""
    path, length = net.path, 1
    if total == np.inf:
        return path[:0].copy()
    path[0] = goal
    if end < 0:
        length = _along(net, net.at[goal], net.at[start], path, length)
        return path[:length][::-1].copy()
    junction, side = end // 2, end % 2
    if net.chain_of[goal] >= 0:
        chain = net.chain_of[goal]
        edge = net.chains[chain] if side == 0 else net.chains[chain + 1] - 1
        length = _along(net, net.at[goal], edge, path, length)
    while net.before[junction] >= 0:
        via = net.via[junction]
        if via < 0:
            path[length] = net.node[net.before[junction]]
            length += 1
        else:
            low, high = net.chains[via // 2], net.chains[via // 2 + 1] - 1
            # The way went forwards, so that it is written backwards.
            since, until = (high, low) if via % 2 == 0 else (low, high)
            length = _along(net, since, until, path, length)
        junction = net.before[junction]
    if net.chain_of[start] >= 0:
        chain = net.chain_of[start]
        edge = net.chains[chain] if net.via[junction] == -2 else net.chains[chain + 1] - 1
        length = _along(net, edge, net.at[start], path, length)
    return path[:length][::-1].copy()


@njit(cache=True)
@no_type_check
def _along(net, since, until, path, length):
    """Writes the nodes of a chain after the one at ``since``, up to and with the one at ``until``."""
    step = 1 if until > since else -1
    while since != until:
        since += step
        path[length] = net.chain_nodes[since]
        length += 1
    return length
