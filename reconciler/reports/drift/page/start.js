// Joins the parts, and starts the page.

const keys = byId("keys");
const paper = byId("paper");

function choiceChanged() {
  for (const [image, node] of tiles) node.ariaSelected = String(chosen.has(image));
  grid.classList.toggle("choosing", chosen.size > 0);
  if (light.image) byId("pick").checked = chosen.has(light.image);
  showTray();
  remember();
}

let cardsBefore = null;
function matchingChanged() {
  const focused = matching.indexOf(document.activeElement?.image);
  current = Math.max(0, focused);
  lastChosen = current;
  grid.hidden = !matching.length;
  if (cardsBefore !== state.density) for (const node of tiles.values()) node.remove();
  if (cardsBefore !== state.density) tiles.clear();
  grid.className = `${state.density}${chosen.size ? " choosing" : ""}`;
  const above = byId("images").getBoundingClientRect().top;
  if (cardsBefore !== null && above < 0) byId("images").scrollIntoView();
  cardsBefore = state.density;
  measure();
  render();
  if (chosen.size) showTray();
}

// A link may have brought other filters, or an image.
const follow = () => {
  // Back from an open image: it closes, and everything else stays as it is now.
  if (light.leaving || (light.pushed && !/[#&]image=/.test(location.hash))) {
    Object.assign(light, { leaving: false, pushed: false });
    if (table.open && !/[#&]image=/.test(location.hash)) table.close();
    else remember();
    return;
  }
  const image = recall();
  apply();
  choiceChanged();
  if (image) {
    current = Math.max(0, matching.indexOf(image));
    moveTo(current, { focus: false });
    openImage(image, false);
  } else if (table.open) table.close();
};

// Keys of the page; what somebody types into a field is theirs.
const pressed = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || table.open || keys.open) return;
  if (event.target.closest("input, select, textarea")) return;
  const isInGrid = grid.contains(document.activeElement);
  const start = isInGrid ? current : -1;
  const actions = {
    j: () => moveTo(isInGrid ? start + 1 : current),
    k: () => moveTo(isInGrid ? start - 1 : current),
    x: () => matching[current] && chooseAt(current, false),
    "/": () => find.focus(),
    "?": () => keys.showModal(),
    Escape: () => {
      chosen.clear();
      choiceChanged();
    },
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
};

// On paper nobody scrolls: every image that matches.
const onPaper = () => paper.replaceChildren(...matching.map((image) => tile(image)));

const start = () => {
  watchFilters();
  watchGrid(openImage);
  watchTable();
  addEventListener("hashchange", follow);
  addEventListener("keydown", pressed);
  addEventListener("beforeprint", onPaper);
  addEventListener("afterprint", () => paper.replaceChildren());
  table.addEventListener("keydown", (event) => event.key === "?" && keys.showModal());
  byId("help").addEventListener("click", () => keys.showModal());
  byId("keys-close").addEventListener("click", () => keys.close());
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    moveTo(current);
  });
  for (const button of document.querySelectorAll(".unfold button")) {
    button.addEventListener("click", () => {
      const rest = byId(button.getAttribute("aria-controls"));
      rest.hidden = !rest.hidden;
      button.ariaExpanded = String(!rest.hidden);
    });
  }
  tray.addEventListener("click", (event) => {
    const { action } = event.target.closest("[data-action]")?.dataset ?? {};
    if (event.target.closest("button") && action) act(action);
  });
  tray.querySelector(".copy").addEventListener("click", (event) => copy(event.target, byId("text").textContent, byId("text")));
  byId("all").addEventListener("click", () => {
    for (const image of matching) chosen.add(image);
    choiceChanged();
  });
  byId("invert").addEventListener("click", () => {
    for (const image of matching) if (!chosen.delete(image)) chosen.add(image);
    choiceChanged();
  });
  byId("clear").addEventListener("click", () => {
    chosen.clear();
    choiceChanged();
  });
  follow();
};

start();
