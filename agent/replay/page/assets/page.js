"use strict";
{
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const steps = data.steps;
  const last = steps.length - 1;
  const SPEEDS = [1, 2, 5, 10, 20, 40];  // steps a second
  let now = 0, speed = 2, timer = 0, theme = {};

  const above = data.map && makeMap(data.map, data);
  const places = makePlaces(data.places);
  const graph = makeGraph(data.graph);
  const instruction = makeInstruction(data.instruction, $("instruction"), $("hypotheses"), steps);

  // ---- the canvas

  const canvas = $("map"), pen = canvas.getContext("2d");
  const view = { scale: 1, x: 0, y: 0 };

  function bounds() {
    const points = [...steps.map((step) => step.pose), ...data.goals, ...data.shortest, ...(data.truth || [])];
    if (graph) points.push(...graph.gold, ...steps.flatMap((step) => step.hypotheses));
    const xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
    if (above) { xs.push(above.west, above.east); ys.push(above.south, above.north); }
    const least = (values) => values.reduce((a, b) => Math.min(a, b));
    const most = (values) => values.reduce((a, b) => Math.max(a, b));
    // A graph goes on beyond what was walked: a part of that is shown.
    const rim = graph ? Math.max(2, 0.12 * Math.max(most(xs) - least(xs), most(ys) - least(ys))) : 0.5;
    return [least(xs) - rim, most(xs) + rim, least(ys) - rim, most(ys) + rim];
  }
  const [west, east, south, north] = bounds();

  function fit(target) {
    const ratio = window.devicePixelRatio || 1, box = target.getBoundingClientRect();
    target.width = Math.max(1, Math.round(box.width * ratio));
    target.height = Math.max(1, Math.round(box.height * ratio));
    return ratio;
  }

  function resize() {
    view.ratio = fit(canvas);
    view.scale = Math.min(canvas.width / (east - west), canvas.height / (north - south));
    view.x = canvas.width / 2 - view.scale * (west + east) / 2;
    view.y = canvas.height / 2 + view.scale * (south + north) / 2;
    fit($("timeline"));
    drawMap();
    drawTimeline();
  }

  const place = (point) => [view.x + view.scale * point[0], view.y - view.scale * point[1]];

  function line(points, colour, width, dash = []) {
    if (points.length < 2) return;
    pen.strokeStyle = colour;
    pen.lineWidth = width * view.ratio;
    pen.lineJoin = pen.lineCap = "round";
    pen.setLineDash(dash.map((part) => part * view.ratio));
    pen.beginPath();
    for (const point of points) pen.lineTo(...place(point));
    pen.stroke();
    pen.setLineDash([]);
  }

  // Many short ones of a look, in one stroke and one fill.
  function lines(pairs, colour, width) {
    pen.strokeStyle = colour;
    pen.lineWidth = width * view.ratio;
    pen.lineJoin = pen.lineCap = "round";
    pen.beginPath();
    for (const [a, b] of pairs) { pen.moveTo(...place(a)); pen.lineTo(...place(b)); }
    pen.stroke();
  }

  function dots(points, colour, size) {
    pen.fillStyle = colour;
    pen.beginPath();
    for (const point of points) {
      const [x, y] = place(point), r = size * view.ratio;
      pen.moveTo(x + r, y);
      pen.arc(x, y, r, 0, 7);
    }
    pen.fill();
  }

  const draw = { line, lines, dots };

  function mark(point, shape, colour, size) {
    const [x, y] = place(point), r = size * view.ratio;
    pen.beginPath();
    if (shape === "ring") pen.arc(x, y, r, 0, 7);
    if (shape === "dot") pen.arc(x, y, r, 0, 7);
    if (shape === "diamond") { pen.moveTo(x, y - r); pen.lineTo(x + r, y); pen.lineTo(x, y + r); pen.lineTo(x - r, y); pen.closePath(); }
    if (shape === "square") pen.rect(x - r, y - r, 2 * r, 2 * r);
    if (shape === "star") {
      for (let n = 0; n < 10; n += 1) {
        const [angle, away] = [Math.PI * (n / 5 - 0.5), n % 2 ? r * 0.45 : r];
        pen.lineTo(x + away * Math.cos(angle), y + away * Math.sin(angle));
      }
      pen.closePath();
    }
    pen.lineWidth = 2 * view.ratio;
    if (shape === "ring") { pen.strokeStyle = colour; pen.stroke(); return; }
    pen.strokeStyle = theme.halo;
    pen.stroke();
    pen.fillStyle = colour;
    pen.fill();
  }

  function body([x, y, , yaw]) {
    const [u, v] = place([x, y]), r = 9 * view.ratio;
    pen.beginPath();
    for (const [turn, away] of [[0, 1.25], [2.5, 1], [Math.PI, 0.45], [-2.5, 1]]) {
      pen.lineTo(u + r * away * Math.cos(yaw + turn), v - r * away * Math.sin(yaw + turn));
    }
    pen.closePath();
    pen.lineWidth = 2.5 * view.ratio;
    pen.strokeStyle = theme.halo;
    pen.stroke();
    pen.fillStyle = theme.path;
    pen.fill();
  }

  function drawMap() {
    const step = steps[now];
    pen.fillStyle = theme.unknown;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    if (above) {
      above.follow(now);
      above.paint(step.layer, theme);
      pen.imageSmoothingEnabled = false;
      const [x, y] = place([above.west, above.north]);
      pen.drawImage(above.picture, x, y, (above.east - above.west) * view.scale, (above.north - above.south) * view.scale);
    }
    if (graph) {
      graph.under(draw, step.layer, theme);
      graph.candidates(draw, now, step.pose, step.layer, theme);
    } else line(data.shortest, theme.halo, 5);
    line(data.shortest, theme.shortest, 2.5, [1, 6]);
    if (drifts) line(data.truth.slice(0, now + 1), theme.truth, 2);
    line(step.plan, theme.plan, 2.5, [6, 5]);
    const walked = steps.slice(0, now + 1).flatMap((each, n) => n < now ? [each.pose, ...each.way] : [each.pose]);
    line(walked, theme.halo, 5);
    line(walked, theme.path, 2.5);
    if (places) drawPlaces(step.layer);
    mark(steps[0].pose, "dot", theme.path, 4);
    step.recalled.forEach(([, , , x, y], n) => { if (x !== null && y !== null) mark([x, y], "ring", theme.recalled, n ? 6 : 9); });
    if (step.frontier) mark(step.frontier, "square", theme.frontier, 5);
    if (step.target) mark(step.target, "diamond", theme.plan, 6);
    if (step.candidate) mark(step.candidate, "diamond", theme.candidate, 8);
    for (const goal of data.goals) mark(goal, "star", theme.goal, 9);
    drawHypotheses(step.hypotheses, { pen, place, mark, ratio: view.ratio, theme });
    body(step.pose);
    scaleBar();
  }

  function drawPlaces(layer) {
    places.follow(now);
    const here = (id) => places.nodes.get(id)?.[2] === layer;
    for (const [a, b] of places.edges.values()) {
      if (here(a) || here(b)) line([places.nodes.get(a), places.nodes.get(b)], theme.places, 1.5);
    }
    for (const [id, at] of places.nodes) if (here(id)) mark(at, "dot", theme.places, 3);
  }

  function scaleBar() {
    const metres = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].find((m) => m * view.scale > 48 * view.ratio) || 1000;
    const [x, y, width] = [12 * view.ratio, canvas.height - 14 * view.ratio, metres * view.scale];
    pen.fillStyle = theme.text;
    pen.fillRect(x, y, width, 2 * view.ratio);
    pen.font = `${11 * view.ratio}px system-ui, sans-serif`;
    pen.fillText(`${metres} m`, x, y - 5 * view.ratio);
  }

  const drifts = Boolean(data.truth) && steps.some(({ pose }, n) =>
    Math.hypot(pose[0] - data.truth[n][0], pose[1] - data.truth[n][1]) > 0.05);

  // ---- the line below: distance to the goal, collisions, sights of the goal

  function drawTimeline() {
    const strip = $("timeline"), ink = strip.getContext("2d");
    const { width, height } = strip, pad = 8 * view.ratio;
    const x = (n) => pad + (width - 2 * pad) * (last ? n / last : 0.5);
    ink.clearRect(0, 0, width, height);
    const one = Math.max(view.ratio, (width - 2 * pad) / Math.max(1, last));
    steps.forEach((step, n) => {
      if (step.seen) { ink.fillStyle = theme.seen; ink.fillRect(x(n) - one / 2, 0, one, height); }
    });
    const column = Math.max(...["distance_to_goal", "shortest_path_distance"].map((name) => data.measureNames.indexOf(name)));
    const values = column < 0 ? [] : steps.map((step) => step.measures[column]);
    const most = values.reduce((a, b) => Math.max(a, b ?? 0), 0);
    ink.beginPath();
    values.forEach((value, n) => {
      if (value !== null && most) ink.lineTo(x(n), height - 3 * view.ratio - value / most * (height - 8 * view.ratio));
    });
    ink.strokeStyle = theme.path;
    ink.lineWidth = 1.5 * view.ratio;
    ink.stroke();
    steps.forEach((step, n) => {
      if (step.bumped) { ink.fillStyle = theme.bump; ink.fillRect(x(n) - view.ratio, height - 6 * view.ratio, 2 * view.ratio, 6 * view.ratio); }
    });
    ink.fillStyle = theme.text;
    ink.fillRect(x(now) - view.ratio / 2, 0, view.ratio, height);
  }

  // ---- words and numbers

  function element(name, text, kind) {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  const measured = (value) => value === null || value === undefined ? "–" : Number.isInteger(value) ? `${value}` : value.toFixed(3);
  const age = (count) => count === 0 ? "in this step" : count === 1 ? "a step ago" : `${count} steps ago`;
  const bytes = (count) => count === null ? "–" : count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;

  function tell() {
    const step = steps[now];
    $("number").textContent = now;
    $("action").textContent = step.action;
    if (instruction) instruction.show(now);
    $("words").replaceChildren(...step.words.map((words) => element("li", words)));
    const rows = step.recalled.map(([what, score, seen, x, y, source]) => {
      const row = document.createElement("tr");
      const away = x === null || y === null ? "–" : `${Math.hypot(x - step.pose[0], y - step.pose[1]).toFixed(1)} m`;
      const name = element("td", what);
      name.title = `from ${source}`;
      row.append(name, element("td", measured(score), "number"), element("td", age(seen)), element("td", away, "number"));
      return row;
    });
    if (!rows.length) {
      const row = document.createElement("tr"), none = element("td", "nothing", "faint");
      none.colSpan = 4;
      row.append(none);
      rows.push(row);
    }
    $("recalled").tBodies[0].replaceChildren(...rows);
    const pairs = data.measureNames.map((name, n) => [name.replaceAll("_", " "), measured(step.measures[n])]);
    pairs.push(["memory", bytes(step.bytes)], ["memory items", measured(step.items)]);
    $("measures").replaceChildren(...pairs.map(([name, value]) => {
      const pair = document.createElement("div");
      pair.append(element("dt", name), element("dd", value));
      pair.title = name;
      return pair;
    }));
  }

  function picture() {
    const { steps: known, rgb, depth } = data.images;
    if (!known.length) return;
    let low = 0, high = known.length;  // the latest image at or before this step
    while (high - low > 1) {
      const middle = low + high >> 1;
      if (known[middle] <= now) low = middle; else high = middle;
    }
    if (rgb.length) $("rgb").src = rgb[low];
    $("depth").src = depth[low];
    $("rgb-note").textContent = known[low] === now ? "" : `of step ${known[low]}`;
  }

  // ---- moving

  function show(step) {
    now = Math.max(0, Math.min(last, Math.round(step)));
    const slider = $("slider");
    slider.value = now;
    slider.setAttribute("aria-valuetext", `step ${now} of ${last}: ${steps[now].action}`);
    picture();
    tell();
    drawMap();
    drawTimeline();
  }

  function play(on) {
    clearInterval(timer);
    timer = 0;
    if (on) {
      if (now === last) show(0);
      timer = setInterval(() => { if (now < last) show(now + 1); if (now === last) play(false); }, 1000 / SPEEDS[speed]);
    }
    $("play").classList.toggle("moving", timer !== 0);
    $("play-word").textContent = timer ? "pause" : "play";
    $("play").setAttribute("aria-label", timer ? "pause" : "play");
  }

  function hasten(by) {
    speed = Math.max(0, Math.min(SPEEDS.length - 1, speed + by));
    $("speed").value = speed;
    if (timer) play(true);
  }

  function go(to) { play(false); show(to); }

  const KEYS = {
    " ": () => play(!timer),
    ArrowLeft: (event) => go(now - (event.shiftKey ? 10 : 1)),
    ArrowRight: (event) => go(now + (event.shiftKey ? 10 : 1)),
    Home: () => go(0),
    End: () => go(last),
    "+": () => hasten(1), "=": () => hasten(1),
    "-": () => hasten(-1),
    "[": () => document.querySelector("nav a[rel=prev]")?.click(),
    "]": () => document.querySelector("nav a[rel=next]")?.click(),
    "?": () => $("help").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    // AltGr, with which many keyboards type brackets, may come as ctrl with alt.
    const held = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
    if (held || $("help").open) return;
    if (event.target.closest("select")) return;
    if (event.key === " " && event.target.closest("button, summary, a")) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act(event);
  });

  // ---- the look

  function dress() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(`--${name}`).trim();
    const parts = (name) => value(name).split(" ").map(Number);
    theme = {
      ground: parts("map-ground"), below: parts("map-below"), low: parts("map-low"), high: parts("map-high"),
      goalCells: parts("map-goal"), tint: parts("map-tint"), unknown: value("map-unknown"), halo: value("halo"),
      path: value("path"), truth: value("truth"), shortest: value("shortest"), plan: value("plan"),
      goal: value("goal"), candidate: value("candidate"), frontier: value("frontier"), recalled: value("recalled"), places: value("places"),
      way: value("way"), wayFar: value("way-far"), pano: value("pano"), gold: value("gold"), option: value("option"),
      supposed: value("supposed"), seen: value("seen"), bump: value("bump"), text: value("text"),
    };
  }

  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * view.ratio - view.x) / view.scale;
    const y = (view.y - (event.clientY - box.top) * view.ratio) / view.scale;
    const found = above && above.under(x, y, steps[now].layer);
    const what = found ? `${data.mapNames[found.label] || "not labelled"}, top at ${found.height.toFixed(2)} m` : "";
    $("under").textContent = `x ${x.toFixed(1)} m, y ${y.toFixed(1)} m  ${what}`;
  });
  const rest = data.map && !above ? "The memory held no map in this episode." : "\u00a0";
  canvas.addEventListener("pointerleave", () => { $("under").textContent = rest; });
  $("under").textContent = rest;

  SPEEDS.forEach((rate, n) => {
    const option = element("option", `${rate} steps/s`);
    option.value = n;
    $("speed").append(option);
  });
  $("speed").value = speed;
  $("speed").addEventListener("change", (event) => hasten(Number(event.target.value) - speed));
  $("slider").addEventListener("input", (event) => go(Number(event.target.value)));
  $("first").addEventListener("click", () => go(0));
  $("back").addEventListener("click", () => go(now - 1));
  $("play").addEventListener("click", () => play(!timer));
  $("on").addEventListener("click", () => go(now + 1));
  $("last").addEventListener("click", () => go(last));
  $("help-button").addEventListener("click", () => $("help").showModal());
  $("close").addEventListener("click", () => $("help").close());
  $("truth-key").hidden = !drifts;
  $("places-key").hidden = !places;
  if (graph) {
    for (const name of ["plan", "candidate", "frontier"]) {
      $(`${name}-key`).hidden = !steps.some((step) => Array.isArray(step[name]) && step[name].length);
    }
    $("gold-key").hidden = graph.gold.length < 2;
    $("option-key").hidden = false;
  }
  $("supposed-key").hidden = !steps.some((step) => step.hypotheses.length);
  $("instruction-box").hidden = !instruction;
  $("depth-figure").hidden = !data.images.depth.length;
  if (drifts) $("path-key").textContent = "walked, it believes";
  $("rgb-figure").hidden = !data.images.rgb.length;
  $("far").textContent = data.images.far ? `0 – ${data.images.far} m` : "";
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { dress(); resize(); });
  new ResizeObserver(resize).observe(canvas);
  dress();
  resize();
  show(Number(new URLSearchParams(location.hash.slice(1)).get("step")) || 0);
}
