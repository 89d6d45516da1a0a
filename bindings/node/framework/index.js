"use strict";

const { BaseRequest, BaseResponse } = require("../lib/http.js");

const frameworks = ["express", "fastify", "hapi", "koa", "loopback", "awsLambda", "custom"];
module.exports = { BaseRequest, BaseResponse };
for (const name of frameworks) Object.defineProperty(module.exports, name, { enumerable: true, get: () => require(`./${name}.js`) });
