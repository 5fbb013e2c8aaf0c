(() => {
  "use strict";
  const STEP = 30;
  const byId = (id) => document.getElementById(id);
  const cards = byId("cards");
  const more = byId("more");
  const kinds = [...document.querySelectorAll("button.kind")];
  const choices = ["label", "cause", "dataset"].map(byId).filter(Boolean);
  const find = byId("find");

  // Every card: those that stand in the page, and those that wait as text.
  const all = [...cards.children].map((node) => ({ facts: JSON.parse(node.dataset.facts), node }));
  for (const { facts, html } of JSON.parse(byId("rest").textContent)) all.push({ facts, html });
  byId("rest").remove();

  let matching = all;
  let shown = 0;

  const nodeOf = (card) => {
    if (!card.node) {
      const holder = document.createElement("template");
      holder.innerHTML = card.html;
      card.node = holder.content.firstElementChild;
      card.html = null;
    }
    return card.node;
  };

  const showMore = () => {
    const next = matching.slice(shown, shown + STEP);
    cards.append(...next.map(nodeOf));
    shown += next.length;
    return next.length > 0;
  };

  const watcher = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting) && showMore()) {
        watcher.unobserve(more);
        watcher.observe(more); // asks again, should there still be room
      }
    },
    { rootMargin: "1500px" },
  );

  const wanted = () => ({
    classes: kinds.filter((kind) => kind.ariaPressed === "true").map((kind) => kind.dataset.class),
    text: find.value.trim().toLowerCase(),
    ...Object.fromEntries(choices.map((choice) => [choice.id, choice.value])),
  });

  const matches = ({ facts }, want) =>
    (!want.classes.length || facts.classes.some((kind) => want.classes.includes(kind))) &&
    (!want.label || facts.labels.includes(want.label)) &&
    (!want.cause || facts.cause === want.cause) &&
    (!want.dataset || facts.dataset === want.dataset) &&
    (!want.text || facts.text.includes(want.text));

  const apply = () => {
    const want = wanted();
    matching = all.filter((card) => matches(card, want));
    shown = 0;
    cards.replaceChildren();
    showMore();
    watcher.unobserve(more);
    watcher.observe(more);
    const total = all.length.toLocaleString("en");
    const number = matching.length.toLocaleString("en");
    const noun = all.length === 1 ? "image" : "images";
    byId("count").textContent = number === total ? `${total} ${noun}` : `${number} of ${total} ${noun}`;
    byId("none").hidden = matching.length > 0;
    remember(want);
  };

  // The filters stand in the address, so that a link shows what its sender saw.
  const remember = (want) => {
    const hash = new URLSearchParams();
    for (const kind of want.classes) hash.append("class", kind);
    for (const { id } of choices) if (want[id]) hash.set(id, want[id]);
    if (want.text) hash.set("find", want.text);
    const address = hash.toString() ? `#${hash}` : location.pathname + location.search;
    try {
      history.replaceState(null, "", address);
    } catch {
      // a page in a sandbox has no address of its own
    }
  };

  const recall = () => {
    const hash = new URLSearchParams(location.hash.slice(1));
    const classes = hash.getAll("class");
    for (const kind of kinds) kind.ariaPressed = String(classes.includes(kind.dataset.class));
    for (const choice of choices) {
      const value = hash.get(choice.id) ?? "";
      choice.value = [...choice.options].some((option) => option.value === value) ? value : "";
    }
    find.value = hash.get("find") ?? "";
    if ([...hash.keys()].some((key) => key !== "images")) apply();
  };

  for (const kind of kinds) {
    kind.addEventListener("click", () => {
      kind.ariaPressed = String(kind.ariaPressed !== "true");
      apply();
    });
  }
  for (const choice of choices) choice.addEventListener("change", apply);
  find.addEventListener("input", apply);
  byId("reset").addEventListener("click", () => {
    for (const kind of kinds) kind.ariaPressed = "false";
    for (const choice of choices) choice.value = "";
    find.value = "";
    apply();
    find.focus();
  });

  // j and k go from image to image while the reader is among the images.
  cards.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !"jk".includes(event.key)) return;
    const here = event.target.closest(".card");
    if (event.key === "j" && !here.nextElementSibling) showMore();
    const there = event.key === "j" ? here.nextElementSibling : here.previousElementSibling;
    if (there) {
      event.preventDefault();
      there.focus();
      there.scrollIntoView({ block: "nearest" });
    }
  });

  cards.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });

  shown = all.filter((card) => card.node).length;
  watcher.observe(more);
  recall();
})();
