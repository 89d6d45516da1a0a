// "What happened", newest first.

const list = document.querySelector("#log");
const empty = document.querySelector("#log-empty");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const KEPT = 200;

export function log(kind, text) {
    const line = document.createElement("li");
    line.className = kind;
    const time = document.createElement("time");
    const now = new Date();
    time.dateTime = now.toISOString();
    time.textContent = clock.format(now);
    const what = document.createElement("span");
    what.textContent = text;
    line.append(time, what);
    list.prepend(line);
    while (list.childElementCount > KEPT) list.lastElementChild.remove();
    empty.hidden = true;
}

document.querySelector("#clear-log").addEventListener("click", () => {
    list.replaceChildren();
    empty.hidden = false;
});
