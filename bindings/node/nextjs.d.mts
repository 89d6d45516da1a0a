export * from "./nextjs.js";
declare const common: typeof import("./nextjs.js", { with: { "resolution-mode": "require" } });
declare const of: typeof common.default;
export default of;
