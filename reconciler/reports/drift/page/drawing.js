// Draws an image: its picture or a canvas, what did not change thin and pale, what changed on a casing.

const rectangle = ([, x, y, width, height], kind) =>
  shape("rect", { class: kind, x, y, width: Math.max(width, 0), height: Math.max(height, 0) });

const isSame = (pair) => pair.length === 1;
const isMoved = ([before, after]) =>
  Boolean(before && after) && before.slice(1).some((edge, place) => edge !== after[place + 1]);
const isRelabelled = ([before, after]) => Boolean(before && after) && before[0] !== after[0];

const middle = ([, x, y, width, height]) => [x + width / 2, y + height / 2];

// From where a box was to where it is; for what waits for an apply, the other way round.
const journey = (image, [before, after]) => {
  const ends = [middle(before), middle(after)];
  return image.due ? ends.reverse() : ends;
};

// An arrow whose head takes at most half of it; nothing where it would be a blot. All in the units of `unit`.
const arrow = ([[x1, y1], [x2, y2]], unit) => {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (length < 5 * unit) return [];
  const head = Math.min(8 * unit, length / 2);
  const [across, along] = [(x2 - x1) / length, (y2 - y1) / length];
  const [backX, backY] = [x2 - across * head, y2 - along * head];
  const corner = (side) => `${backX - (side * along * head) / 2},${backY + (side * across * head) / 2}`;
  const points = `${x2},${y2} ${corner(1)} ${corner(-1)}`;
  const shaft = { x1, y1, x2: backX, y2: backY };
  return [
    shape("line", { class: "casing", ...shaft }),
    shape("polygon", { class: "casing", points }),
    shape("line", { class: "arrow", ...shaft }),
    shape("polygon", { class: "arrow", points }),
  ];
};

// The changed boxes of one side: first the casings of both sides are drawn, then the boxes.
const ofSide = (changed, side, kindOf) => {
  const found = changed.map((pair) => [pair[side === "git" ? 0 : 1], pair]).filter(([box]) => box);
  const boxes = found.map(([box, pair]) => rectangle(box, `${kindOf(pair)} ${side}`));
  return shape("g", { class: `side ${side}` }, ...boxes);
};

const casing = () => "casing";
const line = (pair) => (isRelabelled(pair) ? "box relabelled" : "box");

// Where nothing can be shown, the sign for a picture.
const blank = ([, , width, height]) => {
  const unit = Math.min(width, height) / 160;
  const place = `translate(${width / 2} ${height / 2}) scale(${unit})`;
  return shape("path", { class: "blank", transform: place, d: "M-44 30 L-14 -12 L4 10 L16 -3 L44 30 Z M26 -22 a7 7 0 1 0 .1 0" });
};

const pictures = (image, part) => {
  const [width, height] = image.size;
  const whole = { href: image.picture, width, height, preserveAspectRatio: "none" };
  const [address, x, y, wide, high] = image.detail ?? [];
  const detail = { href: address, x, y, width: wide, height: high, preserveAspectRatio: "none" };
  const covers = address && part.every((edge, place) => Math.abs(edge - [x, y, wide, high][place]) < 0.5);
  return [
    ...(image.picture && !covers ? [shape("image", whole)] : []),
    ...(address ? [shape("image", detail)] : []),
  ];
};

// Fills a drawing with the part of an image that its view shows.
const draw = (svg, image, { part = [0, 0, ...image.size], side = "both", unit = 0 } = {}) => {
  const [width, height] = image.size;
  const pairs = image.boxes ?? [];
  const shown = side === "both" ? pairs : pairs.filter((pair) => isSame(pair) || pair[side === "git" ? 0 : 1]);
  const changed = shown.filter((pair) => !isSame(pair));
  const isThere = !image.only || side === "both" || side === image.only;
  const paper = `paper${image.only ? ` ${image.only}` : ""}`;
  const content = isThere ? pictures(image, part) : [];
  svg.replaceChildren(
    shape("rect", { class: paper, width, height }),
    ...content,
    ...(content.length || shown.length ? [] : [blank([0, 0, width, height])]),
    shape("g", { class: "unchanged" }, ...shown.filter(isSame).map(([box]) => rectangle(box, "box same"))),
    ...[casing, line].flatMap((kindOf) =>
      ["git", "aws"].filter((one) => side === "both" || side === one).map((one) => ofSide(changed, one, kindOf)),
    ),
    ...(unit && side === "both"
      ? changed.filter(isMoved).flatMap((pair) => arrow(journey(image, pair), unit))
      : []),
  );
  svg.classList.toggle("pictured", content.length > 0);
  return svg;
};

const drawing = (image, { part = [0, 0, ...image.size], width, ...how }) =>
  draw(
    shape("svg", { class: "drawing", viewBox: part.join(" "), "aria-hidden": "true" }),
    image,
    { part, unit: Math.max(part[2], (part[3] * 4) / 3) / width, ...how },
  );

// Which lower corner of a part has less of what changed in it.
const freeCorner = (image) => {
  const [x, y, width, height] = image.region;
  const changed = (image.boxes ?? []).filter((pair) => !isSame(pair)).flat().filter(Boolean);
  const covered = (from) =>
    changed.reduce((sum, [, left, top, wide, high]) => {
      const across = Math.min(left + wide, from + width / 4) - Math.max(left, from);
      const down = Math.min(top + high, y + height) - Math.max(top, y + height * 0.75);
      return sum + Math.max(across, 0) * Math.max(down, 0);
    }, 0);
  return covered(x) < covered(x + width * 0.75) ? "left" : "right";
};

// The whole image, small, and in it the part that the tile shows.
const inset = (image) => {
  const [width, height] = image.size;
  const [x, y, wide, high] = image.region;
  const small = shape("svg", { class: `inset ${freeCorner(image)}`, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  small.append(
    shape("rect", { class: "paper", width, height }),
    ...(image.picture
      ? [shape("image", { href: image.picture, width, height, preserveAspectRatio: "none" })]
      : []),
    shape("rect", { class: "casing", x, y, width: wide, height: high }),
    shape("rect", { class: "part", x, y, width: wide, height: high }),
  );
  return small;
};
