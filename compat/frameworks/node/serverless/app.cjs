// API Gateway as far as our functions see it: a request becomes an event in payload format 1.0 (REST API) or 2.0 (HTTP API), and
// what the function returns becomes the answer. Usage: app.cjs 1.0|2.0

const http = require("node:http");
const functions = require("./handler.cjs");

const format = process.argv[2];
const routes = {
    "POST /login": functions.login,
    "GET /session": functions.session,
    "GET /session-checked": functions.sessionChecked,
    "GET /optional": functions.optional,
    "POST /merge": functions.merge,
    "GET /claim": functions.claim,
};

// Of a header that came twice the first format keeps the last in `headers` and all in `multiValueHeaders`.
function eventOfFirst(request, url, body) {
    const parameters = Object.fromEntries(url.searchParams);
    const multiValueHeaders = {};
    for (let i = 0; i < request.rawHeaders.length; i += 2) (multiValueHeaders[request.rawHeaders[i]] ??= []).push(request.rawHeaders[i + 1]);
    return {
        resource: "/{proxy+}",
        path: url.pathname,
        httpMethod: request.method,
        headers: Object.fromEntries(Object.entries(multiValueHeaders).map(([name, values]) => [name, values.at(-1)])),
        multiValueHeaders,
        queryStringParameters: Object.keys(parameters).length ? parameters : null,
        requestContext: { httpMethod: request.method, path: `/prod${url.pathname}`, stage: "prod", protocol: "HTTP/1.1" },
        body: body || null,
        isBase64Encoded: false,
    };
}

// The second takes cookies out of the headers.
function eventOfSecond(request, url, body) {
    const { cookie, ...headers } = request.headers;
    const parameters = Object.fromEntries(url.searchParams);
    return {
        version: "2.0",
        routeKey: "$default",
        rawPath: url.pathname,
        rawQueryString: url.search.slice(1),
        ...(cookie === undefined ? {} : { cookies: cookie.split(/; */) }),
        headers,
        ...(Object.keys(parameters).length ? { queryStringParameters: parameters } : {}),
        requestContext: { http: { method: request.method, path: url.pathname, protocol: "HTTP/1.1" }, stage: "$default" },
        ...(body ? { body } : {}),
        isBase64Encoded: false,
    };
}

async function answer(request, response) {
    const url = new URL(request.url, "http://gateway");
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const preflight = request.method === "OPTIONS" ? request.headers["access-control-request-method"] : request.method;
    const wanted = url.pathname.startsWith("/auth/") ? functions.auth : routes[`${preflight} ${url.pathname}`];
    if (!wanted) return response.writeHead(404).end();
    const event = (format === "1.0" ? eventOfFirst : eventOfSecond)(request, url, body);
    const given = await wanted(event, { awsRequestId: "local" });
    for (const [name, value] of Object.entries(given.headers ?? {})) response.setHeader(name, String(value));
    for (const [name, values] of Object.entries(given.multiValueHeaders ?? {})) if (values.length) response.setHeader(name, values.map(String));
    if (given.cookies?.length) response.setHeader("set-cookie", given.cookies);
    response.writeHead(given.statusCode).end(given.body);
}

const server = http.createServer((request, response) =>
    answer(request, response).catch((error) => {
        console.error(error);
        // What the gateway says for a function that threw.
        response.writeHead(format === "1.0" ? 502 : 500, { "content-type": "application/json" }).end('{"message":"Internal server error"}');
    }),
);
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
