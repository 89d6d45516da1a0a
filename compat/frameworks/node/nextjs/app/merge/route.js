import { sessionRoute } from "../../lib/app";

export const POST = sessionRoute(async (session, request) => {
    await session.mergeIntoAccessTokenPayload(await request.json());
    return {};
});
export const dynamic = "force-dynamic";
export const fetchCache = "force-no-store";
