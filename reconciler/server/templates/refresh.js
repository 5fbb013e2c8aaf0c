// Shows the newest state every five seconds, and keeps focus, selection and what a person has opened.
const INTERVAL_MS = 5000;
const connection = document.getElementById("connection");

function report(isLive) {
  connection.hidden = false;
  connection.classList.toggle("lost", !isLive);
  connection.textContent = isLive ? "live" : "no connection to the controller";
}

function keyOf(element) {
  if (element.tagName === "SUMMARY") return `#${CSS.escape(element.parentElement.id)} > summary`;
  if (element.id) return "#" + CSS.escape(element.id);
  return element.getAttribute("href") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : null;
}

async function refresh() {
  if (document.hidden || !document.getSelection().isCollapsed) return;
  let text;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    text = await answer.text();
  } catch {
    report(false);
    return;
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  const [before, after] = [document.getElementById("live"), page.getElementById("live")];
  if (!after) {
    report(false);
    return;
  }
  for (const details of before.querySelectorAll("details[id]")) {
    const same = after.querySelector("#" + CSS.escape(details.id));
    if (same) same.open = details.open;
  }
  const key = before.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  before.replaceWith(after);
  document.title = page.title;
  if (key) document.querySelector("#live " + key)?.focus({ preventScroll: true });
  report(true);
}

report(true);
setInterval(refresh, INTERVAL_MS);
