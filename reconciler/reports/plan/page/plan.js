// Draws what a plan does to the boxes of an image, before and after, once the image comes near the screen.

const MOST = 340; // pixels a side
const SIDES = { aws: "Before", git: "After" };

const pane = (image, side) => {
  const stage = element("span", { class: "stage" });
  const layer = shape("svg", { class: "captions", "aria-hidden": "true" });
  const name = element("figcaption", {}, `${SIDES[side]}${image.region ? ", enlarged" : ""}`);
  const part = image.region ?? [0, 0, ...image.size];
  stage.style.aspectRatio = `${part[2]} / ${part[3]}`;
  stage.style.maxWidth = `${Math.min(1, part[2] / part[3]) * MOST}px`;
  stage.append(drawing(image, { part, side, width: 300 }), layer);
  return { node: element("div", { class: "pane" }, name, stage), stage, layer, part, side };
};

const captionsOf = (image, { stage, layer, part, side }) => {
  const { width, height } = stage.getBoundingClientRect();
  const unit = width / part[2];
  const toScreen = ([, x, y, wide, high]) => ({
    x: (x - part[0]) * unit, y: (y - part[1]) * unit, width: wide * unit, height: high * unit,
  });
  drawCaptions(layer, image, side, toScreen, { width, height });
};

const show = (figure) => {
  const image = images[Number(figure.dataset.image)];
  const sides = image.only ? [image.only] : ["aws", "git"];
  const panes = sides.map((side) => pane(image, side));
  figure.replaceChildren(...panes.map(({ node }) => node));
  if (image.region) panes.at(-1).stage.append(inset(image));
  for (const one of panes) captionsOf(image, one);
};

const near = new IntersectionObserver(
  (found) => {
    for (const { isIntersecting, target } of found) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      show(target);
    }
  },
  { rootMargin: "400px" },
);
for (const figure of document.querySelectorAll("figure")) near.observe(figure);
addEventListener("beforeprint", () => document.querySelectorAll("figure:empty").forEach(show));
