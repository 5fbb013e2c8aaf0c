// What is shown, in which order and how: the controls, and the address, so that a link shows what its sender saw.

const MANY = 12; // images up to which a list of cards is easier to read than a grid
const kinds = [...document.querySelectorAll("button.kind[data-class]")];
const cells = [...document.querySelectorAll("button.cell")];
const choices = ["label", "cause", "dataset", "sort"].map(byId).filter(Boolean);
const find = byId("find");
const usual = { sort: "severity", density: images.length > MANY ? "grid" : "cards" };
const KNOWN = ["class", "label", "cause", "dataset", "sort", "from", "to", "find", "density", "image", "selected", "images"];
const MAX_SELECTED = 50; // images of a selection that an address names

const state = { change: null, density: usual.density, image: "", others: [] };
let matching = images;

const ORDERS = {
  severity: (a, b) => a.number - b.number,
  iou: (a, b) => (a.iou ?? 2) - (b.iou ?? 2) || a.number - b.number,
  newest: (a, b) => (b.since ?? 0) - (a.since ?? 0) || a.number - b.number,
  path: (a, b) => (a.ref < b.ref ? -1 : a.ref > b.ref ? 1 : a.dataset - b.dataset),
};

const wanted = () => ({
  classes: kinds.filter((kind) => kind.ariaPressed === "true").map((kind) => kind.dataset.class),
  text: find.value.trim().toLowerCase(),
  change: state.change,
  ...Object.fromEntries(choices.map((choice) => [choice.id, choice.value])),
});

const isOfChange = (image, { from, to, dataset }) =>
  (dataset === undefined || image.dataset === dataset) &&
  Boolean(image.became?.some(([before, after]) => before === from && after === to));

const matches = (image, want) =>
  (!want.classes.length || image.classes.some((kind) => want.classes.includes(kind))) &&
  (!want.label || image.labels.has(want.label)) &&
  (!want.cause || image.cause === want.cause) &&
  (!want.dataset || datasets[image.dataset].name === want.dataset) &&
  (!want.change || isOfChange(image, want.change)) &&
  (!want.text || image.text.includes(want.text));

// Parts of the address that are not ours stay in it.
const remember = () => {
  const want = wanted();
  const found = new URLSearchParams();
  for (const kind of want.classes) found.append("class", kind);
  for (const name of ["label", "cause", "dataset"]) if (want[name]) found.set(name, want[name]);
  if (want.change) {
    found.set("from", want.change.from);
    found.set("to", want.change.to);
  }
  if (want.text) found.set("find", want.text);
  if (want.sort !== usual.sort) found.set("sort", want.sort);
  if (state.density !== usual.density) found.set("density", state.density);
  if (chosen.size && chosen.size <= MAX_SELECTED) {
    found.set("selected", inOrder().map((image) => image.id).join("."));
  }
  if (state.image) found.set("image", state.image);
  const parts = [found.toString(), ...state.others].filter(Boolean).join("&");
  try {
    history.replaceState(null, "", parts ? `#${parts}` : location.pathname + location.search);
  } catch {
    // a page in a sandbox has no address of its own
  }
};

// Add a step to the history, for what Back should undo; tells whether it could.
const keepStep = () => {
  try {
    history.pushState(null, "");
    return true;
  } catch {
    return false;
  }
};

const showControls = () => {
  for (const button of document.querySelectorAll("[data-density]")) {
    button.ariaPressed = String(button.dataset.density === state.density);
  }
  for (const button of cells) {
    const { from, to, dataset } = button.dataset;
    const { change } = state;
    const isOn = change && change.from === from && change.to === to;
    button.ariaPressed = String(Boolean(isOn && (change.dataset ?? Number(dataset)) === Number(dataset)));
  }
  const chip = byId("change");
  chip.hidden = !state.change;
  if (state.change) {
    chip.textContent = `${state.change.from} → ${state.change.to} ✕`;
    chip.ariaLabel = `Show all, not only ${state.change.from} to ${state.change.to}`;
    chip.ariaPressed = "true";
  }
};

const setControls = (hash) => {
  const classes = hash.getAll("class");
  for (const kind of kinds) kind.ariaPressed = String(classes.includes(kind.dataset.class));
  for (const choice of choices) {
    const value = hash.get(choice.id) ?? usual[choice.id] ?? "";
    const isKnown = [...choice.options].some((option) => option.value === value);
    choice.value = isKnown ? value : (usual[choice.id] ?? "");
  }
  find.value = hash.get("find") ?? "";
  state.change = hash.has("from") && hash.has("to") ? { from: hash.get("from"), to: hash.get("to") } : null;
  state.density = ["grid", "cards"].includes(hash.get("density")) ? hash.get("density") : usual.density;
};

const recall = () => {
  const parts = location.hash.slice(1).split("&");
  state.others = parts.filter((part) => part && !KNOWN.includes(part.split("=")[0]));
  const hash = new URLSearchParams(parts.filter((part) => !state.others.includes(part)).join("&"));
  setControls(hash);
  const ids = new Set((hash.get("selected") ?? "").split("."));
  chosen.clear();
  for (const image of images) if (ids.has(image.id)) chosen.add(image);
  return images.find((image) => image.id === hash.get("image"));
};

const apply = () => {
  const want = wanted();
  matching = images.filter((image) => matches(image, want)).sort(ORDERS[want.sort]);
  const noun = images.length === 1 ? "image" : "images";
  const [number, total] = [matching.length, images.length].map((one) => one.toLocaleString("en"));
  byId("count").textContent = number === total ? `${total} ${noun}` : `${number} of ${total} ${noun}`;
  byId("none").hidden = matching.length > 0;
  showControls();
  matchingChanged();
};

const changeFilters = () => {
  apply();
  remember();
};

const showAll = () => {
  setControls(new URLSearchParams({ sort: byId("sort").value, density: state.density }));
  changeFilters();
  find.focus();
};

const watchFilters = () => {
  for (const kind of kinds) {
    kind.addEventListener("click", () => {
      kind.ariaPressed = String(kind.ariaPressed !== "true");
      changeFilters();
    });
  }
  for (const choice of choices) choice.addEventListener("change", changeFilters);
  find.addEventListener("input", changeFilters);
  byId("reset").addEventListener("click", showAll);
  byId("change").addEventListener("click", () => {
    state.change = null;
    changeFilters();
  });
  for (const button of cells) {
    button.addEventListener("click", () => {
      const { from, to, dataset } = button.dataset;
      state.change = button.ariaPressed === "true" ? null : { from, to, dataset: Number(dataset) };
      changeFilters();
    });
  }
  for (const button of document.querySelectorAll("button[data-label]")) {
    button.addEventListener("click", () => {
      const label = byId("label");
      label.value = label.value === button.dataset.label ? "" : button.dataset.label;
      changeFilters();
    });
  }
  for (const button of document.querySelectorAll("[data-density]")) {
    button.addEventListener("click", () => {
      state.density = button.dataset.density;
      changeFilters();
    });
  }
  byId("more").addEventListener("click", () => {
    const isOpen = byId("fields").classList.toggle("open");
    byId("more").ariaExpanded = String(isOpen);
  });
};
