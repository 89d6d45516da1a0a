export * from "./hapi.js";
