"use strict";

const { SessionClaim, PrimitiveClaim, PrimitiveArrayClaim, BooleanClaim } = require("../../lib/claims.js");

module.exports = { SessionClaim, PrimitiveClaim, PrimitiveArrayClaim, BooleanClaim };
