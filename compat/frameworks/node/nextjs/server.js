// Serves what `next build` made, and says when it does.
const http = require("node:http");
const next = require("next");

const port = Number(process.env.PORT);
const app = next({ dev: false, dir: __dirname, hostname: "127.0.0.1", port });
app.prepare().then(() => http.createServer(app.getRequestHandler()).listen(port, "127.0.0.1", () => console.log("ready")));
