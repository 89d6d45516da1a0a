// From the results of `run` (language, framework, version, mode, database, outcome; tabs between) to a table framework ×
// version × step in Markdown, with a note for each cell that is not simply green. Ends with 1 when one is red, or none is there.

import { readFileSync } from "node:fs";

const outcome = /^(ok|not ok|cannot) ([^:]+)(?:: (.*))?$/;
const results = readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean).map((line) => {
    const [language, framework, version, mode, database, text] = line.split("\t");
    const [, kind, step, why] = outcome.exec(text) ?? [null, "not ok", "start", text];
    return { language, framework, version, mode, database, kind, step, why };
});

const rows = new Map();
for (const result of results) {
    const key = `${result.language} ${result.framework} ${result.version}`;
    rows.set(key, [...(rows.get(key) ?? []), result]);
}
const steps = [...new Set(results.map((result) => result.step))];
const notes = [];
// One number per text, however many cells it explains.
function note(text) {
    if (!notes.includes(text)) notes.push(text);
    return `<sup>${notes.indexOf(text) + 1}</sup>`;
}
const MARKS = { ok: "✓", cannot: "–", "not ok": "✗" };
function cell(of, combinations) {
    if (of.length === 0) return "";
    const worst = ["not ok", "cannot", "ok"].find((kind) => of.some((result) => result.kind === kind));
    const odd = of.filter((result) => result.kind === worst && worst !== "ok");
    const where = new Set(odd.map((result) => result.mode));
    const only = where.size < combinations ? `${[...where].join(", ")}: ` : "";
    return MARKS[worst] + [...new Set(odd.map((result) => note(only + result.why)))].join(" ");
}

const lines = [`| framework | SDK | modes | databases | ${steps.join(" | ")} |`, `|---|---|---|---|${steps.map(() => "---").join("|")}|`];
for (const list of rows.values()) {
    const [{ language, framework, version }] = list;
    const modes = [...new Set(list.map((result) => result.mode))];
    const databases = [...new Set(list.map((result) => result.database))];
    const cells = steps.map((step) => cell(list.filter((result) => result.step === step), modes.length));
    lines.push(`| ${framework} | ${language} ${version} | ${modes.join(", ")} | ${databases.join(", ")} | ${cells.join(" | ")} |`);
}
console.log(lines.join("\n"));
if (notes.length) console.log(`\n${notes.map((text, index) => `${index + 1}. ${text.replaceAll("|", "\\|")}`).join("\n")}`);
process.exit(results.length === 0 || results.some((result) => result.kind === "not ok") ? 1 : 0);
