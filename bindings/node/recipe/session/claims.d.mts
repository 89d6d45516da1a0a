export * from "./claims.js";
