// step 3: the SuperTokens APIs
import { getAppDirRequestHandler } from "supertokens-node/nextjs";
import { preflight, withCors } from "../../../lib/app";

const handler = withCors((request) => getAppDirRequestHandler(Response)(request));

export { handler as GET, handler as POST, preflight as OPTIONS };
export const dynamic = "force-dynamic";
export const fetchCache = "force-no-store";
