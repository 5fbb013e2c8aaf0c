// The data of the page, and the elements that the other parts make.

const byId = (id) => document.getElementById(id);
const { classes: CLASSES, causes: CAUSES, datasets, images } = JSON.parse(byId("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

const filled = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== ""));
  return node;
};

// Whatever comes from outside becomes an attribute or a text node, never markup.
const element = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);
const shape = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

const labelsOf = (image) => {
  const boxes = (image.boxes ?? []).flat().filter(Boolean);
  const whole = [image.lost, image.gained, image.kept].flatMap((labels) => labels ?? []);
  return new Set([...whole, ...boxes.map(([label]) => label)]);
};

images.forEach((image, number) => {
  const path = image.shown ?? image.ref;
  const slash = path.lastIndexOf("/") + 1;
  image.number = number;
  image.where = path.slice(0, slash);
  image.name = path.slice(slash) || path;
  image.labels = labelsOf(image);
  image.text = `${path} ${image.place ?? ""}`.toLowerCase();
});

const counted = (number, one, many = `${one}s`) =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

// What is not whole never reads as 1.00, nor what is something as 0.00.
const overlap = (iou) => (iou > 0 && iou < 1 ? Math.min(Math.max(iou, 0.01), 0.99) : iou).toFixed(2);
const classWords = (image) => {
  const state = [image.known === undefined ? "" : "acknowledged", image.due ? "apply pending" : ""];
  return [...image.classes.map((kind) => CLASSES[kind]), ...state].filter(Boolean).join(" · ");
};
const eventWords = ([text, detail]) => (detail ? `${text} (${detail})` : text);
const said = (image) =>
  [`${image.name}: ${classWords(image)}`, ...(image.events ?? []).slice(0, 4).map(eventWords)].join(". ");
