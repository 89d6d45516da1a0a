"use strict";

const frameworks = ["express", "fastify", "hapi", "koa", "loopback", "awsLambda", "custom"];
for (const name of frameworks) Object.defineProperty(module.exports, name, { enumerable: true, get: () => require(`./${name}.js`) });
