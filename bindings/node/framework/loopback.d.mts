export * from "./loopback.js";
