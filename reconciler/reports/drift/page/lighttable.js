// One image, large: what git has and what AWS has, over one another, one by one, or side by side.

const table = byId("lighttable");
const panes = byId("panes");
const panel = byId("panel");
const fade = byId("fade");
const modes = [...table.querySelectorAll("input[name=mode]")];
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const BLINK = 500; // milliseconds for each side
// pushed: whether going back closes the image; leaving: whether the page is on its way back after it was closed.
const light = { image: null, unchanged: true, blink: "", timer: 0, pushed: false, leaving: false };

const mode = () => modes.find((one) => one.checked).value;

const stageOf = () => {
  const { width, height } = panes.firstElementChild.getBoundingClientRect();
  return { width: Math.max(width, 1), height: Math.max(height, 1) };
};

const sidesShown = () => {
  if (light.blink) return [light.blink];
  if (mode() === "both") return ["git", "aws"];
  return [mode() === "overlay" ? "both" : mode()];
};

const SIDES = { git: "git", aws: "AWS", both: "" };

const pane = (side) =>
  element(
    "div",
    { class: "pane", "data-side": side },
    shape("svg", { class: "canvas", role: "img", "aria-label": `${SIDES[side]} ${said(light.image)}`.trim() }),
    shape("svg", { class: "captions", "aria-hidden": "true" }),
    SIDES[side] ? element("span", { class: `side-name ${side}` }, SIDES[side]) : "",
  );

const updateView = () => {
  const stage = stageOf();
  const part = partOfView(stage).join(" ");
  for (const each of panes.children) {
    const [canvas, layer] = each.children;
    canvas.setAttribute("viewBox", part);
    drawCaptions(layer, light.image, each.dataset.side, toStage, stage);
  }
};

const updateFade = () => {
  const share = fade.value / 100;
  const isFaded = mode() === "overlay" && !light.blink;
  for (const [side, rest] of [["git", 1 - share], ["aws", share]]) {
    for (const group of panes.querySelectorAll(`.side.${side}`)) {
      group.style.opacity = isFaded ? Math.min(1, 2 * rest) : 1;
    }
  }
  fade.disabled = mode() !== "overlay";
};

const drawPanes = () => {
  const shown = sidesShown();
  panes.classList.toggle("two", shown.length > 1);
  if (panes.children.length !== shown.length || [...panes.children].some((one, at) => one.dataset.side !== shown[at])) {
    panes.replaceChildren(...shown.map(pane));
  }
  for (const each of panes.children) {
    draw(each.firstElementChild, light.image, { side: each.dataset.side });
    each.firstElementChild.classList.toggle("only-changed", !light.unchanged);
  }
  updateFade();
  updateView();
};

const fit = () => {
  showPart([0, 0, ...light.image.size], stageOf());
  updateView();
};

const zoomToChange = () => {
  showPart(light.image.region ?? [0, 0, ...light.image.size], stageOf());
  updateView();
};

const setMode = (value) => {
  const before = panes.children.length;
  for (const one of modes) one.checked = one.value === value;
  drawPanes();
  if (panes.children.length !== before) fit();
};

const toggleUnchanged = () => {
  light.unchanged = !light.unchanged;
  byId("unchanged").ariaPressed = String(light.unchanged);
  drawPanes();
};

// While held: git, then AWS, and so on; without motion, git alone, and AWS when it is let go.
const blinkStart = () => {
  if (light.timer) return;
  const turn = () => {
    light.blink = light.blink === "git" ? "aws" : "git";
    drawPanes();
  };
  turn();
  light.timer = setInterval(() => calm.matches || turn(), BLINK);
};

const blinkEnd = () => {
  if (!light.timer) return;
  clearInterval(light.timer);
  Object.assign(light, { timer: 0, blink: "" });
  drawPanes();
};

const chips = (image) => {
  const kinds = [["git", image.lost, "only in git"], ["aws", image.gained, "only in AWS"], ["both", image.kept, "on both sides"]];
  const found = kinds.flatMap(([side, labels, where]) =>
    (labels ?? []).map((label) => element("li", { class: `label ${side}` }, label, element("span", { class: "sr" }, `, ${where}`))),
  );
  return found.length ? element("ul", { class: "chips", "aria-label": "Labels of the whole image" }, ...found) : "";
};

const SIGNS = { "-": "git", "+": "aws", " ": "same", "": "gap" };

const difference = (image) => {
  if (!image.lines) return "";
  const rows = image.lines.map(([sign, ...parts]) =>
    element(
      "li",
      { class: SIGNS[sign] },
      element("span", { class: "sign", "aria-label": { "-": "git", "+": "AWS" }[sign] ?? false }, sign === "-" ? "−" : sign || "⋯"),
      element("code", {}, ...parts.map((part, at) => (at % 2 && part ? element("mark", {}, part) : part))),
    ),
  );
  return element(
    "details",
    {},
    element("summary", {}, "Lines"),
    element("ol", { class: "lines", tabindex: "0", role: "region", "aria-label": "Lines of git and of AWS" }, ...rows),
  );
};

const fields = (image) =>
  (image.fields ?? []).map(([path, git, aws]) =>
    element("div", { class: "field" }, element("code", {}, path), element("span", { class: "git" }, git), " → ", element("span", { class: "aws" }, aws)),
  );

const commands = (image) =>
  remediesFor([image])
    .filter(([, found]) => found.length)
    .map(([remedy, found]) => {
      const code = element("code", {}, textFor(found, remedy));
      const name = image.due ? "Apply" : remedy[0].toUpperCase() + remedy.slice(1);
      const button = element("button", { type: "button", class: "copy", "aria-label": `Copy: ${name}` }, "Copy");
      button.addEventListener("click", () => copy(button, code.textContent, code));
      return element(
        "details",
        { class: "remedy" },
        element("summary", {}, name),
        element("p", { class: "detail" }, effectOf(found, remedy)),
        element("div", { class: "copyable" }, element("pre", {}, code), button),
      );
    });

const paragraph = (text) => (text ? element("p", { class: "detail" }, text) : "");

const showPanel = (image) => {
  const before = [...panel.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
  const open = new Set(panel.childElementCount ? before : ["Lines"]);
  panel.replaceChildren(
    element("p", { class: "kind-line" }, element("span", { class: `mark ${image.classes[0]}`, "aria-hidden": "true" }), classWords(image)),
    eventList(image.events ?? []),
    paragraph(image.more ? `and ${counted(image.more, "more change")}` : ""),
    chips(image),
    ...fields(image),
    paragraph(note(image)),
    paragraph(caught(image)),
    image.place ? element("p", { class: "detail" }, element("code", {}, image.place)) : "",
    paragraph(image.hint),
    image.iou === undefined ? "" : element("p", { class: "detail" }, "IoU: the area that both boxes share, divided by the area that they cover together. 1.00 is the same box."),
    ...commands(image),
    difference(image),
  );
  for (const one of panel.querySelectorAll("details")) one.open = open.has(one.firstElementChild.textContent);
  panel.scrollTop = 0;
};

const showImage = (image) => {
  light.image = image;
  state.image = image.id;
  remember();
  table.querySelector("#title .where").textContent = image.where;
  table.querySelector("#title .name").textContent = image.name;
  const at = matching.indexOf(image);
  byId("position").textContent = at < 0 ? "" : `${(at + 1).toLocaleString("en")} of ${matching.length.toLocaleString("en")}`;
  byId("pick").checked = chosen.has(image);
  byId("previous").disabled = at <= 0;
  byId("next").disabled = at < 0 || at + 1 >= matching.length;
  byId("zoom").disabled = !image.region;
  showPanel(image);
  drawPanes();
  fit();
};

// An image that was opened on the page is a step of its own in the history: on a phone, Back closes it.
const openImage = (image, isStep = true) => {
  light.image = image;
  if (isStep && !table.open && !light.leaving) light.pushed = keepStep();
  if (!table.open) table.showModal();
  byId("title").focus();
  showImage(image);
};

const step = (by) => {
  const next = matching[matching.indexOf(light.image) + by];
  if (!next) return;
  current = matching.indexOf(next);
  showImage(next);
};

const TABLE_KEYS = {
  j: () => step(1), k: () => step(-1), ArrowRight: () => step(1), ArrowLeft: () => step(-1),
  x: () => choose(light.image), u: toggleUnchanged, z: zoomToChange, 0: fit,
  1: () => setMode("overlay"), 2: () => setMode("git"), 3: () => setMode("aws"), 4: () => setMode("both"),
  "+": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5),
};

const zoomBy = (factor) => {
  const stage = stageOf();
  zoomAt(stage.width / 2, stage.height / 2, factor, light.image, stage);
  updateView();
};

const watchTable = () => {
  table.addEventListener("close", () => {
    blinkEnd();
    state.image = "";
    light.leaving = light.pushed;
    light.pushed = false;
    if (light.leaving) history.back();
    else remember();
    if (matching[current]) moveTo(current);
  });
  table.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isField = event.target.matches("input[type=radio], input[type=range]");
    if (isField && event.key.startsWith("Arrow")) return;
    if (event.key === " ") {
      if (event.target.matches("button, input, summary, pre")) return;
      blinkStart();
    } else if (TABLE_KEYS[event.key]) TABLE_KEYS[event.key]();
    else return;
    event.preventDefault();
  });
  table.addEventListener("keyup", (event) => event.key === " " && blinkEnd());
  addEventListener("blur", blinkEnd);
  const blink = byId("blink");
  blink.addEventListener("pointerdown", blinkStart);
  blink.addEventListener("keydown", (event) => event.key === " " && blinkStart());
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) blink.addEventListener(end, blinkEnd);
  for (const one of modes) one.addEventListener("change", () => setMode(one.value));
  fade.addEventListener("input", updateFade);
  byId("fit").addEventListener("click", fit);
  byId("zoom").addEventListener("click", zoomToChange);
  byId("unchanged").addEventListener("click", toggleUnchanged);
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("link").addEventListener("click", (event) => copy(event.target, location.href));
  byId("close").addEventListener("click", () => table.close());
  byId("pick").addEventListener("change", () => choose(light.image, byId("pick").checked));
  watchGestures(panes, () => light.image, stageOf, updateView);
  new ResizeObserver(() => table.open && fit()).observe(panes);
};
