import cjs from "./index.js";

export default cjs.default;
