export * from "./index.js";
declare const common: typeof import("./index.js", { with: { "resolution-mode": "require" } });
declare const of: typeof common.default;
export default of;
