export * as express from "./express";
export * as fastify from "./fastify";
export * as hapi from "./hapi";
export * as koa from "./koa";
export * as loopback from "./loopback";
export * as awsLambda from "./awsLambda";
export * as custom from "./custom";
