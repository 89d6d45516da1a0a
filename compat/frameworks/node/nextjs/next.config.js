// The SDK stays a package of its own, outside the bundle.
const packages = ["supertokens-node"];
const major = Number(require("next/package.json").version.split(".")[0]);

module.exports = major < 15 ? { experimental: { serverComponentsExternalPackages: packages } } : { serverExternalPackages: packages };
