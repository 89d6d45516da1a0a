export * from "./custom.js";
