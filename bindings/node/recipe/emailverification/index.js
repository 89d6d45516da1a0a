"use strict";

module.exports = require("../../lib/not-here.js").recipe("EmailVerification");
