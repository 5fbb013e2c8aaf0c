// Names what changed, outside every changed box, each name joined to its box by a line. In pixels of the screen.

const CAPTION = { height: 20, gap: 12, edge: 4, most: 40 };
const ruler = document.createElement("canvas").getContext("2d");

const overlaps = (one, other, room = 2) =>
  one.x < other.x + other.width + room &&
  other.x < one.x + one.width + room &&
  one.y < other.y + other.height + room &&
  other.y < one.y + one.height + room;

const between = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

// The text for a changed box, the box that it is about, and the rectangle of both of its sides.
const caption = (image, pair, side) => {
  const [before, after] = pair;
  const box = side === "git" ? before : side === "aws" ? after : (image.due ? before : after) ?? after ?? before;
  let text = box[0];
  if (side === "both" && isRelabelled(pair)) {
    text = image.due ? `${after[0]} → ${before[0]}` : `${before[0]} → ${after[0]}`;
  } else if (side === "both" && !image.only && !(before && after)) {
    text = `${Boolean(after) !== Boolean(image.due) ? "+" : "−"} ${text}`;
  }
  const kind = isRelabelled(pair) ? "relabelled" : before && !after ? "git" : "aws";
  return { text, kind: side === "both" ? kind : side, box };
};

// Every place beside a box, the nearest first: above and below, right and left, then further away.
function* placesBeside(box, width, height, stage) {
  const { gap, edge } = CAPTION;
  const left = between(box.x, edge, stage.width - width - edge);
  const right = between(box.x + box.width - width, edge, stage.width - width - edge);
  for (let step = 0; step < 14; step++) {
    const away = gap + step * (height + 4);
    yield { x: left, y: box.y - away - height };
    yield { x: left, y: box.y + box.height + away };
    yield { x: right, y: box.y - away - height };
    yield { x: right, y: box.y + box.height + away };
    for (const down of [0, step * (height + 4)]) {
      yield { x: box.x + box.width + gap, y: box.y + down };
      yield { x: box.x - gap - width, y: box.y + down };
    }
  }
  for (let y = edge; y < stage.height - height - edge; y += height + 4) {
    for (let x = edge; x < stage.width - width - edge; x += 24) yield { x, y };
  }
}

// Gives each caption a place in which it covers no obstacle and no other caption; one without a place is left out.
const arranged = (captions, obstacles, stage) => {
  const taken = [];
  for (const one of [...captions].sort((a, b) => a.box.y - b.box.y || a.box.x - b.box.x)) {
    for (const place of placesBeside(one.box, one.width, CAPTION.height, stage)) {
      const at = { ...place, width: one.width, height: CAPTION.height };
      const isInside =
        at.x >= 0 && at.y >= 0 && at.x + at.width <= stage.width && at.y + at.height <= stage.height;
      if (!isInside || [...obstacles, ...taken].some((other) => overlaps(at, other))) continue;
      taken.push({ ...one, ...at });
      break;
    }
  }
  return taken;
};

// The shortest line from a caption to its box.
const leader = ({ x, y, width, height, box }) => {
  const nearest = (start, size, from, extent) =>
    from + extent < start ? [from + extent, start] : from > start + size ? [from, start + size] : null;
  const across = nearest(box.x, box.width, x, width);
  const down = nearest(box.y, box.height, y, height);
  const sharedX = (Math.max(x, box.x) + Math.min(x + width, box.x + box.width)) / 2;
  const sharedY = (Math.max(y, box.y) + Math.min(y + height, box.y + box.height)) / 2;
  const [x1, x2] = across ?? [Math.min(sharedX, x + 10), Math.min(sharedX, x + 10)].map((at) => between(at, box.x, box.x + box.width));
  const [y1, y2] = down ?? [sharedY, sharedY];
  return { x1, y1, x2, y2 };
};

// A caption where it was placed; a text that is too long is cut off at its edge.
const captionAt = ({ x, y, width, height, text, kind }) => {
  const inner = { x, y, width: width - 4, height, viewBox: `${x} ${y} ${width - 4} ${height}` };
  return shape(
    "g",
    { class: `caption ${kind}` },
    shape("rect", { x, y, width, height, rx: 4 }),
    shape("svg", inner, shape("text", { x: x + 6, y: y + 14.5 }, text)),
  );
};

// Fills the layer above a drawing. `toScreen` gives the rectangle of a box on the stage.
const drawCaptions = (layer, image, side, toScreen, stage) => {
  const pairs = (image.boxes ?? []).filter(
    (pair) => !isSame(pair) && (side === "both" || pair[side === "git" ? 0 : 1]),
  );
  const sideBoxes = pairs.flatMap((pair) =>
    [side === "aws" ? null : pair[0], side === "git" ? null : pair[1]].filter(Boolean),
  );
  ruler.font = getComputedStyle(layer).font;
  const wanted = pairs
    .map((pair) => caption(image, pair, side))
    .map((one) => ({ ...one, box: toScreen(one.box), width: Math.ceil(ruler.measureText(one.text).width) + 12 }))
    .map((one) => ({ ...one, width: Math.min(one.width, stage.width / 2) }))
    .filter(({ box }) => overlaps(box, { x: 0, y: 0, ...stage }, 0));
  const obstacles = sideBoxes.map(toScreen).filter((box) => overlaps(box, { x: 0, y: 0, ...stage }, 0));
  const isTooMany = wanted.length > CAPTION.most;
  const placed = isTooMany ? [] : arranged(wanted, obstacles, stage);
  const arrows = side === "both" ? pairs.filter(isMoved).map((pair) => journey(image, pair)) : [];
  layer.setAttribute("viewBox", `0 0 ${stage.width} ${stage.height}`);
  layer.replaceChildren(
    ...arrows.flatMap((ends) =>
      arrow(
        ends.map(([x, y]) => {
          const at = toScreen(["", x, y, 0, 0]);
          return [at.x, at.y];
        }),
        1,
      ),
    ),
    ...placed.map(leader).map((ends) => shape("line", { class: "casing", ...ends })),
    ...placed.map((one) => shape("line", { class: `leader ${one.kind}`, ...leader(one) })),
    ...placed.map(captionAt),
    ...(isTooMany ? [shape("text", { class: "hint", x: 12, y: stage.height - 14 }, "Zoom in to see the labels")] : []),
  );
};
