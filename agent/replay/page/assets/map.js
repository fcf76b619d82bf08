"use strict";

// The memory's map from above, as packed by from_above.py; it follows the steps that are shown.
function makeMap(packed, data) {
  const counts = numbers(Uint32Array, packed.counts);
  const columns = numbers(Uint32Array, packed.columns);
  const heights = numbers(Uint8Array, packed.heights);
  const labels = numbers(Uint8Array, packed.labels);
  if (!columns.length) return null;
  let [left, right, low, high] = [2048, 0, 2048, 0];
  for (const column of columns) {
    const [x, y] = [column & 2047, column >>> 11 & 2047];
    left = Math.min(left, x); right = Math.max(right, x);
    low = Math.min(low, y); high = Math.max(high, y);
  }
  const [width, height] = [right - left + 1, high - low + 1];
  const shown = data.floors.map(() => ({
    heights: new Uint8Array(width * height), labels: new Uint8Array(width * height),
  }));
  const picture = document.createElement("canvas");
  picture.width = width; picture.height = height;
  const cell = packed.cell;
  const map = {
    picture, cell, at: -1, next: 0,
    west: (packed.origin[0] + left) * cell, east: (packed.origin[0] + right + 1) * cell,
    south: (packed.origin[1] + low) * cell, north: (packed.origin[1] + high + 1) * cell,
    follow(step) {
      if (step < map.at) {
        for (const layer of shown) { layer.heights.fill(0); layer.labels.fill(0); }
        map.at = -1; map.next = 0;
      }
      while (map.at < step) {
        map.at += 1;
        for (const end = map.next + counts[map.at]; map.next < end; map.next += 1) {
          const column = columns[map.next], layer = shown[column >>> 22];
          const place = (high - (column >>> 11 & 2047)) * width + (column & 2047) - left;
          layer.heights[place] = heights[map.next];
          layer.labels[place] = labels[map.next];
        }
      }
    },
    under(x, y, layer) {
      const [column, row] = [Math.floor((x - map.west) / cell), Math.floor((map.north - y) / cell)];
      if (column < 0 || row < 0 || column >= width || row >= height) return null;
      const place = row * width + column;
      const level = shown[layer].heights[place];
      return level ? { height: metres(level), label: shown[layer].labels[place] } : null;
    },
    paint(layer, theme) {
      const pixels = new ImageData(width, height);
      const words = new Uint32Array(pixels.data.buffer);  // a pixel each
      const palette = paletteOf(theme), known = new Uint32Array(1 << 16);  // 0: none yet, for no colour is clear
      const { heights: levels, labels: names } = shown[layer];
      for (let place = 0; place < levels.length; place += 1) {
        if (!levels[place]) continue;
        const key = levels[place] << 8 | names[place];
        known[key] ||= new Uint32Array(Uint8ClampedArray.from(palette(levels[place], names[place])).buffer)[0];
        words[place] = known[key];
      }
      picture.getContext("2d").putImageData(pixels, 0, 0);
    },
  };
  const metres = (level) => packed.range[0] + (level - 1) / 254 * (packed.range[1] - packed.range[0]);

  function paletteOf(theme) {
    const mixed = (from, to, part) => from.map((value, n) => value + (to[n] - value) * part);
    const hues = data.mapNames.map((_, n) => tint(n, theme.tint));
    return (level, label) => {
      const height = metres(level);
      if (label && !data.structure[label]) {
        const goal = data.goalCategory && data.mapNames[label] === data.goalCategory;
        return [...(goal ? theme.goalCells : hues[label]), 255];
      }
      if (Math.abs(height) < 0.16) return [...theme.ground, 255];
      if (height < 0) return [...theme.below, 255];
      return [...mixed(theme.low, theme.high, Math.min(1, height / 1.6)), 255];
    };
  }
  return map;
}

// The memory's graph of places, as packed by places.py; it follows the steps that are shown.
function makePlaces(changes) {
  if (!changes) return null;
  const known = {
    nodes: new Map(), edges: new Map(), at: -1,
    follow(step) {
      if (step < known.at) { known.nodes.clear(); known.edges.clear(); known.at = -1; }
      while (known.at < step) {
        known.at += 1;
        const { put = [], gone = [], join = [], part = [] } = changes[known.at] || {};
        for (const [id, x, y, layer] of put) known.nodes.set(id, [x, y, layer]);
        for (const ends of join) known.edges.set(ends.join(), ends);
        for (const ends of part) known.edges.delete(ends.join());
        for (const [id] of gone) known.nodes.delete(id);
      }
    },
  };
  return known;
}

// Hues as far from each other as may be, by the golden angle.
function tint(n, [saturation, lightness]) {
  const hue = n * 137.508 % 360;
  const reach = saturation * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((k) => {
    const turn = (k + hue / 30) % 12;
    return 255 * (lightness - reach * Math.max(-1, Math.min(turn - 3, 9 - turn, 1)));
  });
}

const numbers = (kind, text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new kind(bytes.buffer);
};
