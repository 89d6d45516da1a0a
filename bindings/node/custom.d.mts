export * from "./custom.js";
declare const common: typeof import("./custom.js", { with: { "resolution-mode": "require" } });
declare const of: typeof common.default;
export default of;
