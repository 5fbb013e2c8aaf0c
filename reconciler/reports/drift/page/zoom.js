// Which part of an image the stage shows: fit, zoom and drag, with a wheel, a pointer or two fingers.

const view = { x: 0, y: 0, scale: 1 };
const FARTHEST = 0.25;
const NEAREST = 40;

// Room around an image, in which captions stand.
const margin = (stage) => (Math.min(stage.width, stage.height) < 420 ? 30 : 48);

const showPart = ([x, y, width, height], stage) => {
  const free = margin(stage);
  const scale = Math.min((stage.width - 2 * free) / width, (stage.height - 2 * free) / height);
  view.scale = Math.max(scale, 0.01);
  view.x = x + width / 2 - stage.width / 2 / view.scale;
  view.y = y + height / 2 - stage.height / 2 / view.scale;
};

const zoomAt = (x, y, factor, image, stage) => {
  const fit = Math.min(stage.width / image.size[0], stage.height / image.size[1]);
  const scale = between(view.scale * factor, fit * FARTHEST, Math.max(NEAREST, fit));
  view.x += x / view.scale - x / scale;
  view.y += y / view.scale - y / scale;
  view.scale = scale;
};

const partOfView = (stage) => [view.x, view.y, stage.width / view.scale, stage.height / view.scale];

const toStage = ([, x, y, width, height]) => ({
  x: (x - view.x) * view.scale,
  y: (y - view.y) * view.scale,
  width: width * view.scale,
  height: height * view.scale,
});

// Calls back after each gesture. Two pointers zoom by their distance, about the middle between them.
const watchGestures = (panes, imageOf, stageOf, changed) => {
  const pointers = new Map();
  const place = (event) => {
    const { left, top } = event.target.closest(".pane").getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  panes.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      zoomAt(...place(event), 2 ** ((-event.deltaY * lines) / (event.ctrlKey ? 100 : 300)), imageOf(), stageOf());
      changed();
    },
    { passive: false },
  );
  panes.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    panes.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  panes.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const after = [event.clientX, event.clientY];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const [was, is] = [before, after].map(([x, y]) => Math.hypot(x - other[0], y - other[1]));
      const { left, top } = panes.getBoundingClientRect();
      zoomAt((after[0] + other[0]) / 2 - left, (after[1] + other[1]) / 2 - top, is / (was || 1), imageOf(), stageOf());
    } else {
      view.x -= (after[0] - before[0]) / view.scale;
      view.y -= (after[1] - before[1]) / view.scale;
    }
    pointers.set(event.pointerId, after);
    changed();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    panes.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
};
