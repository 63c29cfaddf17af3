// Keeps the network page current. The page is whole without this: it only fetches itself again after something was
// recorded, and puts the new figures in the place of the old ones.

const QUIET_MS = 120; // several events that come together make one fetch
const BETWEEN_FETCHES_MS = 400; // however much is recorded, the page asks no oftener
const ANNOUNCE_EVERY_MS = 20_000; // a screen reader is told now and then, not at every sale
const RETRY_MS = 3_000;

let isFetching = false;
let isStale = false;
let timer = 0;
let announcedAt = 0;

function soon(delay) {
  if (timer === 0) timer = setTimeout(refresh, delay);
}

function positionOf(page) {
  return Number(page.querySelector("#fresh")?.dataset.position ?? 0);
}

async function refresh() {
  timer = 0;
  if (document.hidden) { isStale = true; return; }
  if (isFetching) { isStale = true; return; }
  isFetching = true;
  isStale = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    setTimeout(() => { isFetching = false; if (isStale) soon(0); }, BETWEEN_FETCHES_MS);
  } catch {
    isFetching = false;
    soon(RETRY_MS);
  }
}

function show(next) {
  if (positionOf(next) < positionOf(document)) return;
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = next.getElementById(old.id);
    if (fresh === null || fresh.innerHTML === old.innerHTML) continue;
    const changed = [...fresh.querySelectorAll("tr[id]")].filter((row) => {
      const before = document.getElementById(row.id);
      return before !== null && before.innerHTML !== row.innerHTML;
    });
    old.replaceWith(fresh);
    for (const row of changed) {
      row.classList.add("changed");
      setTimeout(() => row.classList.remove("changed"), 1_500);
    }
  }
  const announcement = document.getElementById("announcement");
  if (announcement !== null && Date.now() - announcedAt > ANNOUNCE_EVERY_MS) {
    announcedAt = Date.now();
    announcement.textContent = announcement.dataset.text;
  }
}

const stream = new EventSource("/api/v1/stream");
stream.onmessage = () => soon(QUIET_MS);
for (const kind of ["position", "head", "event", "sale"]) stream.addEventListener(kind, () => soon(QUIET_MS));
stream.onopen = () => soon(QUIET_MS); // whatever was recorded while the line was down
document.addEventListener("visibilitychange", () => { if (!document.hidden && isStale) soon(0); });
addEventListener("pagehide", () => stream.close());
