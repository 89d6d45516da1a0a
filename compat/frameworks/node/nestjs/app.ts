// Nest.js, along the six steps of the Backend Integration page.

// step 2: initialise
import supertokens from "supertokens-node";
import Session from "supertokens-node/recipe/session";
import { createSession, role } from "../session.cjs";

const port = Number(process.env.PORT);
const websiteDomain = "http://localhost:3000";

supertokens.init({
    framework: "express",
    supertokens: { connectionURI: process.env.CORE_URL!, apiKey: process.env.API_KEY },
    appInfo: {
        appName: "compat",
        apiDomain: `http://localhost:${port}`,
        websiteDomain,
        apiBasePath: "/auth",
        websiteBasePath: "/auth",
    },
    recipeList: [Session.init()],
});

// step 4: the error handler, as a filter for the SDK's errors
import "reflect-metadata";
import { Body, Catch, Controller, createParamDecorator, Get, HttpCode, Module, Post, Req, Res, UseGuards } from "@nestjs/common";
import type { ArgumentsHost, CanActivate, ExceptionFilter, ExecutionContext } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { Error as SuperTokensError } from "supertokens-node";
import { errorHandler, middleware } from "supertokens-node/framework/express";

@Catch(SuperTokensError)
class SuperTokensFilter implements ExceptionFilter {
    private handle = errorHandler();

    catch(error: Error, host: ArgumentsHost) {
        const http = host.switchToHttp();
        const response = http.getResponse();
        if (!response.headersSent) return this.handle(error, http.getRequest(), response, http.getNext());
    }
}

// step 5: a guard for routes that need a session
import { verifySession } from "supertokens-node/recipe/session/framework/express";
import type { VerifySessionOptions } from "supertokens-node/recipe/session";

class NeedsSession implements CanActivate {
    constructor(private options?: VerifySessionOptions) {}

    async canActivate(context: ExecutionContext) {
        const http = context.switchToHttp();
        let failed: unknown;
        await verifySession(this.options)(http.getRequest(), http.getResponse(), (error) => (failed = error));
        if (failed) throw failed;
        return !http.getResponse().headersSent;
    }
}

const CurrentSession = createParamDecorator((_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest().session);
const onlyAdmins = (validators: any[]) => [...validators, role.validators.hasValue("admin")];

@Controller()
class Api {
    @Post("/login")
    @HttpCode(200)
    async login(@Req() req: any, @Res({ passthrough: true }) res: any, @Body() { userId, payload }: any) {
        const session = await createSession(req, res, userId, payload);
        return { userId, handle: session.getHandle() };
    }

    @Get("/session")
    @UseGuards(new NeedsSession())
    about(@CurrentSession() session: any) {
        return { userId: session.getUserId(), handle: session.getHandle(), payload: session.getAccessTokenPayload() };
    }

    @Get("/session-checked")
    @UseGuards(new NeedsSession({ checkDatabase: true }))
    aboutChecked(@CurrentSession() session: any) {
        return this.about(session);
    }

    @Get("/optional")
    @UseGuards(new NeedsSession({ sessionRequired: false }))
    whoever(@CurrentSession() session?: any) {
        return { userId: session?.getUserId() ?? null };
    }

    @Post("/merge")
    @HttpCode(200)
    @UseGuards(new NeedsSession())
    async merge(@CurrentSession() session: any, @Body() change: any) {
        await session.mergeIntoAccessTokenPayload(change);
        return {};
    }

    @Get("/claim")
    @UseGuards(new NeedsSession({ overrideGlobalClaimValidators: onlyAdmins }))
    admin(@CurrentSession() session: any) {
        return this.whoever(session);
    }
}

@Module({ controllers: [Api] })
class Application {}

// step 3: CORS, then the SuperTokens APIs
async function start() {
    const app = await NestFactory.create(Application, { logger: ["error"] });
    app.enableCors({ origin: websiteDomain, allowedHeaders: ["content-type", ...supertokens.getAllCORSHeaders()], credentials: true });
    app.use(middleware());
    app.useGlobalFilters(new SuperTokensFilter());
    await app.listen(port, "127.0.0.1");
    console.log("ready");
}
start();
