(() => {
  "use strict";
  const STEP = 30;
  const GROUP = 100; // cards of a long page that the browser lays out together, or leaves aside
  const NEAR = 1500; // pixels beyond what is seen, in which cards are whole
  const byId = (id) => document.getElementById(id);
  const cards = byId("cards");
  const more = byId("more");
  const kinds = [...document.querySelectorAll("button.kind")];
  const choices = ["label", "cause", "dataset"].map(byId).filter(Boolean);
  const find = byId("find");

  // Every card: those that stand in the page, and those that wait compressed. A card's node is whole while
  // somebody is near it; else it is an empty one of the same height.
  const all = [...cards.children].map((node) => ({ facts: JSON.parse(node.dataset.facts), node }));
  const first = all.length;
  for (const waiting of JSON.parse(byId("rest").textContent)) all.push(waiting);
  byId("rest").remove();
  const isLong = all.length > first;
  const cardOf = new WeakMap(all.slice(0, first).map((card) => [card.node, card]));
  const whole = new Set(all.slice(0, first));

  let matching = all;
  let shown = first;
  let awaited = new Set(); // cards near the reader, which may still be compressed

  const nodeOf = (card) => {
    if (!card.node) {
      card.node = document.createElement("article");
      card.node.className = "card waiting";
      card.node.tabIndex = -1;
      cardOf.set(card.node, card);
    }
    return card.node;
  };

  const fill = (card) => {
    if (whole.has(card) || !card.html) return;
    const holder = document.createElement("template");
    holder.innerHTML = card.html;
    const found = holder.content.firstElementChild;
    card.node.setAttribute("aria-labelledby", found.getAttribute("aria-labelledby"));
    card.node.replaceChildren(...found.childNodes);
    card.node.classList.remove("waiting");
    card.node.style.height = "";
    whole.add(card);
  };

  const empty = (card, height) => {
    card.html ??= card.node.outerHTML;
    card.node.replaceChildren();
    card.node.classList.add("waiting");
    card.node.style.height = height;
    whole.delete(card);
  };

  // What somebody opened, marked, or stands in stays as it is.
  const isUsed = ({ node }) =>
    node.contains(document.activeElement) ||
    node.querySelector("details[open]") ||
    (getSelection().type === "Range" && getSelection().containsNode(node, true));

  // The number of the first of these nodes, from one to another, that does not end above a line of the screen.
  const notAbove = (line, low, high, nodeAt) => {
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nodeAt(middle).getBoundingClientRect().bottom < line) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const cardAt = (line) => {
    const start = GROUP * notAbove(line, 0, cards.children.length, (number) => cards.children[number]);
    const end = Math.min(start + GROUP, shown);
    return notAbove(line, start, end, (number) => matching[number].node);
  };

  // Makes whole what is near the reader, and empties the rest. One for all cards: an observer of 5,000 nodes
  // takes as long as drawing them.
  const settle = () => {
    if (!isLong) return;
    const near = new Set(matching.slice(cardAt(-NEAR), Math.min(cardAt(innerHeight + NEAR) + 1, shown)));
    const left = [...whole].filter((card) => !near.has(card) && !isUsed(card));
    const heights = left.map(({ node }) => (node.isConnected ? `${node.offsetHeight}px` : ""));
    left.forEach((card, index) => empty(card, heights[index]));
    awaited = near;
    near.forEach(fill);
  };

  // Below the nodes stands one room for all that have none yet, so that the scroll bar tells the truth.
  const leaveRoom = () => more.style.setProperty("--waiting", matching.length - shown);

  const append = (node, number) => {
    if (isLong && (shown + number) % GROUP === 0) {
      cards.append(document.createElement("div"));
      cards.lastElementChild.className = "group";
    }
    const place = isLong ? cards.lastElementChild : cards;
    place.append(node);
    if (isLong) place.style.setProperty("--cards", place.childElementCount);
  };

  const showMore = (number = STEP) => {
    const next = matching.slice(shown, shown + number);
    next.map(nodeOf).forEach(append);
    shown += next.length;
    leaveRoom();
    settle();
    return next.length > 0;
  };

  // How many nodes it takes to come to where the reader is.
  const missing = () => {
    const { top, height } = more.getBoundingClientRect();
    return Math.ceil(((innerHeight + NEAR - top) / height) * (matching.length - shown));
  };

  const watcher = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting) && showMore(Math.max(STEP, missing()))) {
        watcher.unobserve(more);
        watcher.observe(more); // asks again, should there still be room
      }
    },
    { rootMargin: `${NEAR}px` },
  );

  const unpack = async (pack) => {
    const bytes = Uint8Array.from(atob(pack), (letter) => letter.charCodeAt(0));
    const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(text).json();
  };

  const unpackAll = async () => {
    for (let at = first; at < all.length; ) {
      const start = at;
      const { pack } = all[start];
      delete all[start].pack;
      for (const html of await unpack(pack)) {
        const card = all[at++];
        card.html = html;
        if (awaited.has(card)) fill(card);
      }
    }
  };

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
    const list = byId("images");
    if (list.getBoundingClientRect().top < 0) list.scrollIntoView();
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
    const here = matching.indexOf(cardOf.get(event.target.closest(".card")));
    if (event.key === "j" && here + 1 === shown) showMore();
    const next = matching[event.key === "j" ? here + 1 : here - 1];
    if (next) {
      const there = next.node;
      event.preventDefault();
      fill(next);
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

  // On paper nobody scrolls.
  addEventListener("beforeprint", () => {
    showMore(matching.length);
    matching.forEach(fill);
  });
  addEventListener("afterprint", settle);
  addEventListener("scroll", settle, { passive: true });
  addEventListener("resize", settle);

  if (isLong) {
    shown = 0;
    [...cards.children].forEach(append);
    shown = first;
  }
  leaveRoom();
  settle();
  unpackAll().catch(() => (byId("old").hidden = false));
  watcher.observe(more);
  recall();
})();
