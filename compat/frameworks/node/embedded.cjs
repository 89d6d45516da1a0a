// The one setting in which an application with a core of its own differs: read before it, by NODE_OPTIONS.
const supertokens = require("supertokens-node");

const { init } = supertokens.default;
const embedded = { database: process.env.DATABASE_URL, settings: { access_token_validity: 3 } };
supertokens.init = supertokens.default.init = (config) => init({ ...config, supertokens: { embedded } });
