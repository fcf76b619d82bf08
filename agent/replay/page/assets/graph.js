"use strict";

// The graph of panoramas, drawn beneath the walk; only ways and places near what is shown are drawn.
function makeGraph(graph) {
  if (!graph) return null;
  const { nodes, edges, gold } = graph;
  const around = nodes.map(() => []);
  for (const [a, b] of edges) { around[a].push(b); around[b].push(a); }
  const away = (node, [x, y]) => Math.hypot(nodes[node][0] - x, nodes[node][1] - y);
  const nearest = (point, layer) => {
    let best = -1;
    nodes.forEach((node, n) => {
      const here = node[2] === layer || !nodes.some((other) => other[2] === layer);
      if (here && (best < 0 || away(n, point) < away(best, point))) best = n;
    });
    return best;
  };
  const standing = new Map();  // by step: which panorama the body was at
  return {
    gold,
    at(step, pose, layer) {
      if (!standing.has(step)) standing.set(step, nearest(pose, layer));
      return standing.get(step);
    },
    under(draw, layer, theme) {
      const shown = (n) => nodes[n][2] === layer;
      const far = edges.filter(([a, b]) => !shown(a) && !shown(b));
      const near = edges.filter(([a, b]) => shown(a) || shown(b));
      const ends = (pairs) => pairs.map(([a, b]) => [nodes[a], nodes[b]]);
      draw.lines(ends(far), theme.wayFar, 1);
      draw.lines(ends(near), theme.way, 1.5);
      draw.dots(nodes.filter((node) => node[2] !== layer), theme.wayFar, 1.5);
      draw.dots(nodes.filter((node) => node[2] === layer), theme.pano, 2.2);
      if (gold.length > 1) draw.line(gold, theme.gold, 9);
    },
    candidates(draw, step, pose, layer, theme) {
      const here = this.at(step, pose, layer);
      if (here < 0) return;
      draw.lines(around[here].map((n) => [nodes[here], nodes[n]]), theme.option, 2);
      draw.dots(around[here].map((n) => nodes[n]), theme.option, 4);
    },
  };
}

// By falling weight, so that the best stay on top; each with the number of the part that it is at.
function drawHypotheses(hypotheses, { pen, place, mark, ratio, theme }) {
  const size = (weight) => 4 + 9 * Math.sqrt(weight);
  for (const [x, y, weight] of [...hypotheses].reverse()) {
    pen.globalAlpha = 0.35 + 0.5 * weight;
    mark([x, y], "dot", theme.supposed, size(weight));
    pen.globalAlpha = 1;
  }
  pen.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  pen.textAlign = "left";
  const taken = [];
  for (const [x, y, weight, clause] of hypotheses) {
    const [u, v] = place([x, y]);
    if (clause < 0 || taken.some(([a, b]) => Math.hypot(a - u, b - v) < 18 * ratio)) continue;
    taken.push([u, v]);
    const at = [u + (size(weight) + 3) * ratio, v - size(weight) * ratio];
    pen.lineWidth = 3 * ratio;
    pen.strokeStyle = theme.halo;
    pen.strokeText(clause + 1, ...at);
    pen.fillStyle = theme.supposed;
    pen.fillText(clause + 1, ...at);
  }
}

// The instruction with the part marked that a step follows, and the hypotheses with theirs.
function makeInstruction(told, box, list, steps) {
  if (!told) return null;
  const { pieces, clauses, followed } = told;
  const begins = new Map();
  clauses.forEach(([first], n) => { begins.set(first, [...(begins.get(first) || []), n + 1]); });
  const spans = pieces.map((text, n) => {
    const made = document.createElement("span");
    made.textContent = text;
    if (begins.has(n) && clauses.length > 1) made.dataset.part = begins.get(n).join(" ");
    return made;
  });
  box.replaceChildren(...spans);
  const said = (clause) => clause >= 0 && clause < clauses.length
    ? pieces.slice(...clauses[clause]).join("").trim() : "";
  const any = steps.some((step) => step.hypotheses.length);
  list.hidden = !any;
  return {
    clauses: clauses.length,
    any,
    show(step) {
      const now = followed[step];
      spans.forEach((made, n) => {
        const marked = Boolean(now) && n >= now[0] && n < now[1];
        made.classList.toggle("now", marked);
        if (marked && n === now[0]) made.setAttribute("aria-current", "step");
        else made.removeAttribute("aria-current");
      });
      const first = spans.find((made) => made.classList.contains("now"));
      if (first) {
        const [top, low] = [first.offsetTop - box.offsetTop, first.offsetTop - box.offsetTop + first.offsetHeight];
        if (top < box.scrollTop || low > box.scrollTop + box.clientHeight) box.scrollTop = top - 8;
      }
      if (!any) return;
      const rows = steps[step].hypotheses.map(([, , weight, clause]) => {
        const row = document.createElement("li"), bar = document.createElement("meter");
        bar.value = weight;
        bar.title = weight.toFixed(3);
        const text = document.createElement("span");
        text.textContent = said(clause);
        const number = document.createElement("b");
        number.textContent = clause < 0 ? "" : clause + 1;
        const share = document.createElement("span");
        share.textContent = weight < 0.005 ? "<0.01" : weight.toFixed(2);
        row.append(bar, share, number, text);
        return row;
      });
      list.querySelector("ol").replaceChildren(...rows);
    },
  };
}
