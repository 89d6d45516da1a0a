// Lets Node run the applications that are written in TypeScript, for the decorators: each file is translated as it is loaded.
const { readFileSync } = require("node:fs");
const ts = require("typescript");

const compilerOptions = {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2022,
    esModuleInterop: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    useDefineForClassFields: false,
};
require.extensions[".ts"] = (module, file) =>
    module._compile(ts.transpileModule(readFileSync(file, "utf8"), { compilerOptions }).outputText, file);
