// Express with sessions and the core inside, in one file: node express.cjs, then http://localhost:3001.
//   curl -c jar -H 'st-auth-mode: cookie' -X POST localhost:3001/login/anna
//   curl -b jar localhost:3001/me
"use strict";

const cors = require("cors");
const express = require("express");
const supertokens = require("supertokens-rs");
const { errorHandler, middleware } = require("supertokens-rs/framework/express");
const Session = require("supertokens-rs/recipe/session");
const { verifySession } = require("supertokens-rs/recipe/session/framework/express");

const port = Number(process.env.PORT ?? 3001);
const websiteDomain = "http://localhost:3000";

supertokens.init({
    framework: "express",
    supertokens: { embedded: process.env.DATABASE_URL ?? "sqlite:auth.db" },
    appInfo: { appName: "example", apiDomain: `http://localhost:${port}`, websiteDomain },
    recipeList: [Session.init()],
});

const app = express();
app.use(cors({ origin: websiteDomain, allowedHeaders: ["content-type", ...supertokens.getAllCORSHeaders()], credentials: true }));
app.use(middleware());

// Whoever asks gets in: put your own way of knowing people here.
app.post("/login/:name", async (req, res, next) => {
    try {
        const session = await Session.createNewSession(req, res, "public", supertokens.convertToRecipeUserId(req.params.name), { role: "guest" });
        res.json({ userId: session.getUserId() });
    } catch (error) {
        next(error);
    }
});

app.get("/me", verifySession(), (req, res) => {
    res.json({ userId: req.session.getUserId(), payload: req.session.getAccessTokenPayload() });
});

app.use(errorHandler());

supertokens.ready().then(() => app.listen(port, "127.0.0.1", () => console.log(`http://localhost:${port}`)));
