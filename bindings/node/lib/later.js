"use strict";

// Whether it has to be waited for. By what it can do: promises of other libraries, and those that take the place of the global ones, are no
// less to be waited for, and a check of a session is not over before they say so.
const isLater = (value) => typeof value?.then === "function";

module.exports = { isLater };
