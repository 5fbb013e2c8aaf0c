// The images as tiles. Only those near the screen are in the page; one of them is the tab stop.

const GAP = 16;
const TILE = 220; // pixels, at least
const CARD = 540;
const NEAR = 500; // pixels beyond the screen in which tiles are kept
const grid = byId("grid");
const bar = document.querySelector(".bar");
const tiles = new Map();
let room = { columns: 1, width: TILE, height: TILE, gap: GAP, cards: false, picture: TILE };
let current = 0;
let lastChosen = 0;

const tags = (image) => {
  const lost = (image.lost ?? []).map((label) => element("span", { class: "label git" }, label));
  const gained = (image.gained ?? []).map((label) => element("span", { class: "label aws" }, label));
  return lost.length + gained.length ? element("span", { class: "labels-changed" }, ...lost, ...gained) : "";
};

const eventList = (events) =>
  element(
    "ul",
    { class: "events" },
    ...events.map(([text, detail]) =>
      element("li", {}, text, detail ? element("span", { class: "detail" }, detail) : ""),
    ),
  );

const note = (image) =>
  image.known !== undefined
    ? `acknowledged: ${image.known}`
    : image.lapsed
      ? `acknowledged until ${image.lapsed[0]}, and no longer: ${image.lapsed[1]}`
      : "";

const caught = (image) => {
  const words = [datasets.length > 1 ? datasets[image.dataset].name : "", image.why ?? CAUSES[image.cause], image.age];
  return words.filter(Boolean).join(" · ");
};

const words = (image) => {
  const events = image.events ?? [];
  const left = events.length - 5 + (image.more ?? 0);
  return element(
    "span",
    { class: "words" },
    eventList(events.slice(0, 5)),
    left > 0 ? element("span", { class: "detail" }, `and ${counted(left, "more change")}`) : "",
    element("span", { class: "detail" }, [caught(image), note(image), image.place].filter(Boolean).join(" · ")),
  );
};

// The classes of an image, and what its first relabelled box became; labels of the whole image stand in its picture.
const what = (image) => {
  if (!image.became || image.lost) return classWords(image);
  const [[before, after], ...more] = image.became;
  return `${classWords(image)}: ${before} → ${after}${more.length ? `, ${more.length} more` : ""}`;
};

const tile = (image, { cards = false, picture = TILE } = {}) =>
  element(
    "div",
    { class: "tile", "aria-label": said(image) },
    element(
      "span",
      { class: "picture" },
      drawing(image, { part: image.region, width: picture }),
      image.region ? inset(image) : "",
      element("span", { class: `mark ${image.classes[0]}`, "aria-hidden": "true" }),
      element("span", { class: "check", "aria-hidden": "true" }),
      tags(image),
    ),
    element(
      "span",
      { class: "about" },
      element("span", { class: "name", title: image.shown ?? image.ref }, cards ? element("span", { class: "where" }, image.where) : "", image.name),
      element(
        "span",
        { class: "kind-line" },
        element("span", { class: "what" }, what(image)),
        image.iou === undefined ? "" : element("span", { class: "iou" }, `IoU ${overlap(image.iou)}`),
      ),
      cards ? words(image) : "",
    ),
  );

const measure = () => {
  const width = grid.clientWidth;
  const cards = state.density === "cards";
  const isNarrow = width < 560;
  const least = cards ? CARD : TILE;
  const columns = isNarrow ? (cards ? 1 : 2) : Math.max(1, Math.floor((width + GAP) / (least + GAP)));
  const gap = isNarrow ? 10 : GAP;
  const each = (width - gap * (columns - 1)) / columns;
  const picture = cards && !isNarrow ? Math.min(each * 0.5, 360) : each; // as in the style sheet
  const height = cards ? picture * 0.75 + (isNarrow ? 230 : 0) : picture * 0.75 + 54;
  room = { columns, width: each, height: Math.round(height), gap, cards, picture };
  const rows = Math.ceil(matching.length / columns);
  grid.style.height = `${Math.max(0, rows * (room.height + gap) - gap)}px`;
};

const placeOf = (index) => ({
  x: (index % room.columns) * (room.width + room.gap),
  y: Math.floor(index / room.columns) * (room.height + room.gap),
});

const describe = (node, image, index) => {
  node.id = `i${image.number}`;
  node.role = "option";
  node.tabIndex = index === current ? 0 : -1;
  node.ariaSelected = String(chosen.has(image));
  node.ariaPosInSet = String(index + 1);
  node.ariaSetSize = String(matching.length);
};

const put = (index) => {
  const image = matching[index];
  let node = tiles.get(image);
  if (!node) {
    node = tile(image, room);
    node.image = image;
    tiles.set(image, node);
    grid.append(node);
  }
  const { x, y } = placeOf(index);
  node.style.transform = `translate(${x}px, ${y}px)`;
  node.style.width = `${room.width}px`;
  node.style.height = `${room.height}px`;
  describe(node, image, index);
  return node;
};

const render = () => {
  const top = -grid.getBoundingClientRect().top;
  const pitch = room.height + room.gap;
  const first = Math.max(0, Math.floor((top - NEAR) / pitch)) * room.columns;
  const last = Math.min(matching.length, Math.ceil((top + innerHeight + NEAR) / pitch) * room.columns);
  const near = new Set(matching.slice(first, last));
  if (matching[current]) near.add(matching[current]);
  for (const [image, node] of tiles) {
    if (near.has(image)) continue;
    node.remove();
    tiles.delete(image);
  }
  for (let index = first; index < last; index++) put(index);
  if (matching[current] && (current < first || current >= last)) put(current);
};

let waiting = false;
const renderSoon = () => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    render();
  });
};

const redraw = () => {
  for (const node of tiles.values()) node.remove();
  tiles.clear();
  measure();
  render();
};

const bringIntoView = (index) => {
  const { y } = placeOf(index);
  const { top } = grid.getBoundingClientRect();
  const above = bar.offsetHeight + 12;
  const below = innerHeight - (tray.hidden ? 0 : tray.offsetHeight) - 12;
  if (top + y < above) scrollBy(0, top + y - above);
  else if (top + y + room.height > below) scrollBy(0, top + y + room.height - below);
};

const moveTo = (index, { focus = true } = {}) => {
  if (!matching.length) return;
  current = between(index, 0, matching.length - 1);
  bringIntoView(current);
  render();
  if (focus) tiles.get(matching[current]).focus({ preventScroll: true });
};

const chooseThrough = (index) => {
  const isChosen = !chosen.has(matching[index]);
  const [low, high] = [Math.min(lastChosen, index), Math.max(lastChosen, index)];
  for (const image of matching.slice(low, high + 1)) {
    if (isChosen) chosen.add(image);
    else chosen.delete(image);
  }
  choiceChanged();
};

const chooseAt = (index, isRange) => {
  current = index;
  if (isRange) chooseThrough(index);
  else choose(matching[index]);
  lastChosen = index;
};

const STEPS = {
  ArrowRight: () => 1,
  ArrowLeft: () => -1,
  ArrowDown: () => room.columns,
  ArrowUp: () => -room.columns,
  PageDown: () => room.columns * Math.max(1, Math.floor(innerHeight / (room.height + room.gap)) - 1),
  PageUp: () => -STEPS.PageDown(),
  Home: () => -matching.length,
  End: () => matching.length,
};

const watchGrid = (open) => {
  grid.addEventListener("click", (event) => {
    const node = event.target.closest(".tile");
    if (!node) return;
    const index = matching.indexOf(node.image);
    if (event.target.closest(".check") || event.shiftKey || event.ctrlKey || event.metaKey) {
      event.preventDefault();
      chooseAt(index, event.shiftKey);
      moveTo(index);
    } else {
      current = index;
      open(node.image);
    }
  });
  grid.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.metaKey;
    if (event.altKey || (isCommand && event.key !== "a")) return;
    if (isCommand) {
      for (const image of matching) chosen.add(image);
      choiceChanged();
    } else if (STEPS[event.key]) {
      const next = current + STEPS[event.key]();
      const isStep = event.key === "ArrowDown" || event.key === "ArrowUp";
      if (!isStep || (next >= 0 && next < matching.length)) moveTo(next);
    } else if (event.key === "Enter") {
      open(matching[current]);
    } else if (event.key === " ") {
      chooseAt(current, event.shiftKey);
    } else {
      return;
    }
    event.preventDefault();
  });
  addEventListener("scroll", renderSoon, { passive: true });
  new ResizeObserver(() => {
    measure();
    renderSoon();
  }).observe(grid);
};
