import cjs from "./index.js";

export const express = cjs.express;
export const fastify = cjs.fastify;
export const hapi = cjs.hapi;
export const koa = cjs.koa;
export const loopback = cjs.loopback;
export const awsLambda = cjs.awsLambda;
export const custom = cjs.custom;
export default cjs;
