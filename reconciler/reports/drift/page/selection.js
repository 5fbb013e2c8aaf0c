// The chosen images, and the command, document or table that is about exactly these.

const chosen = new Set();
const tray = byId("tray");
const result = byId("result");

const inOrder = () => [...chosen].sort((a, b) => a.number - b.number);

const choose = (image, isChosen = !chosen.has(image)) => {
  if (isChosen) chosen.add(image);
  else chosen.delete(image);
  choiceChanged();
};

const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

const escaped = (text) =>
  text.replace(UNSEEN, (letter) =>
    [...Array(letter.length).keys()]
      .map((at) => `\\u${letter.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );

// One word for a shell. What cannot be seen is written out: $'...' is understood by bash, ksh and zsh.
const quoted = (text) => {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!text.match(UNSEEN)) return `'${text.replaceAll("'", `'"'"'`)}'`;
  const inner = text.replace(/[\\']/g, "\\$&");
  return `$'${inner.replace(UNSEEN, (letter) => {
    const code = letter.codePointAt(0).toString(16);
    return letter.length > 1 ? `\\U${code.padStart(8, "0")}` : `\\u${code.padStart(4, "0")}`;
  })}'`;
};

const byDataset = (found) =>
  datasets
    .map((dataset, place) => [dataset, found.filter((image) => image.dataset === place)])
    .filter(([, own]) => own.length);

const commandFor = (found, remedy) =>
  byDataset(found)
    .map(([dataset, own]) => {
      const { start, end } = dataset[remedy];
      const options = own.map((image) => `--source-ref ${quoted(image.ref)}`);
      const parts = [start, ...options, end.trim()].filter(Boolean);
      return own.length === 1 ? parts.join(" ") : parts.join(" \\\n  ");
    })
    .join(" &&\n");

const documentFor = (found) =>
  byDataset(found)
    .flatMap(([dataset, own]) =>
      own.map((image) =>
        [
          "---",
          "apiVersion: reconciler/v1",
          "kind: Acknowledgement",
          `dataset: ${dataset.name}`,
          `match: ${escaped(JSON.stringify(image.ref))}`,
          `classes: [${image.classes.join(", ")}]`,
          `until: ${dataset.until}`,
          "reason: to be given",
        ].join("\n"),
      ),
    )
    .join("\n");

// RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe.
const cell = (value) => {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

const COLUMNS = {
  dataset: (image) => datasets[image.dataset].name,
  source_ref: (image) => image.ref,
  classes: (image) => image.classes.join(" "),
  cause: (image) => image.cause,
  lowest_iou: (image) => image.iou,
  labels: (image) => [...image.labels].join("; "),
  origin: (image) => image.place,
  what: (image) => (image.events ?? []).map(eventWords).join("; "),
};

const tableFor = (found) =>
  [Object.keys(COLUMNS), ...found.map((image) => Object.values(COLUMNS).map((of) => of(image)))]
    .map((row) => `${row.map(cell).join(",")}\r\n`)
    .join("");

// `*` and `?` in a source-ref are wild in a command: it may be about images that were not chosen.
const alsoMatched = (found) => {
  const wild = found.filter((image) => /[*?]/.test(image.ref));
  const parts = { "**": ".*", "*": "[^/]*", "?": "[^/]" };
  return images.filter((other) =>
    !found.includes(other) &&
    wild.some((image) => {
      const pattern = image.ref.split(/(\*\*|\*|\?)/).map((part) => parts[part] ?? part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
      return other.dataset === image.dataset && new RegExp(`^${pattern.join("")}$`, "su").test(other.ref);
    }),
  );
};

const effectOf = (found, remedy) => {
  if (remedy === "ignore") {
    const [first] = byDataset(found)[0];
    return `Commit this to the specs, with a reason: the images stay in the report and raise no alarm until ${first.until}.`;
  }
  const effects = byDataset(found).map(([dataset]) => dataset[remedy].effect);
  if (remedy === "revert") {
    for (const first of new Set(found.map((image) => image.first).filter(Boolean))) {
      const number = found.filter((image) => image.first === first).length;
      effects.push(`${number < found.length ? `For ${number.toLocaleString("en")} of them, first` : "First"} ${first}`);
    }
  }
  const others = alsoMatched(found).length;
  const more = others ? [`A name with * or ? also matches ${counted(others, "image")} not selected.`] : [];
  return [...new Set(effects), ...more].join(" ");
};

// What can be done about images: the name of a remedy, and the images to which it applies.
const remediesFor = (found) =>
  ["keep", "revert", "ignore"].map((remedy) => [
    remedy,
    found.filter((image) => image.remedies?.includes(remedy) && (remedy !== "ignore" || datasets[image.dataset].until)),
  ]);

const textFor = (found, remedy) => (remedy === "ignore" ? documentFor(found) : commandFor(found, remedy));

// Where a page may not write to the clipboard, the text is selected where it stands.
const copy = async (button, text, node) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!node) return;
    getSelection().selectAllChildren(node);
    document.execCommand("copy");
  }
  button.dataset.name ??= button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = button.dataset.name), 1500);
};

const showResult = (action, text, effect) => {
  result.hidden = false;
  result.dataset.action = action;
  byId("effect").textContent = effect;
  byId("text").textContent = text;
  for (const button of tray.querySelectorAll("[data-action]")) {
    button.ariaExpanded = String(button.dataset.action === action);
  }
};

const hideResult = () => {
  result.hidden = true;
  delete result.dataset.action;
  for (const button of tray.querySelectorAll("[data-action]")) button.ariaExpanded = "false";
};

const saveTable = (found) => {
  const address = URL.createObjectURL(new Blob([tableFor(found)], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: address, download: "drift.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
};

const act = (action) => {
  const found = inOrder();
  if (action === "csv") return saveTable(found);
  if (result.dataset.action === action) return hideResult();
  if (action === "paths") {
    return showResult(action, found.map((image) => image.ref).join("\n"), "One source-ref a line.");
  }
  const [, own] = remediesFor(found).find(([remedy]) => remedy === action);
  showResult(action, textFor(own, action), effectOf(own, action));
};

const showTray = () => {
  const found = inOrder();
  tray.hidden = !found.length;
  const shown = new Set(matching);
  const hidden = found.filter((image) => !shown.has(image)).length;
  const more = hidden ? `, ${hidden.toLocaleString("en")} not shown` : "";
  byId("selected").textContent = `${found.length.toLocaleString("en")} selected${more}`;
  for (const [remedy, own] of remediesFor(found)) {
    const button = tray.querySelector(`[data-action=${remedy}]`);
    const name = remedy[0].toUpperCase() + remedy.slice(1);
    button.textContent = own.length === found.length ? name : `${name} ${own.length.toLocaleString("en")}`;
    button.disabled = !own.length;
  }
  hideResult();
};
