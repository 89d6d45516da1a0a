// The same names from an ES module.
import supertokens, { init } from "supertokens-rs";
import { middleware } from "supertokens-rs/framework/express";
import Session, { createNewSession } from "supertokens-rs/recipe/session";
import { PrimitiveClaim } from "supertokens-rs/recipe/session/claims";
import NextJS, { getSSRSession } from "supertokens-rs/nextjs";

const claim = new PrimitiveClaim<number>({ key: "n", fetchValue: () => 1 });
supertokens.init({ appInfo: { appName: "x", apiDomain: "x", websiteDomain: "x" }, supertokens: { embedded: "sqlite:x" }, recipeList: [Session.init()] });
export const all = [init, middleware, createNewSession, claim.validators.hasValue(1), getSSRSession, NextJS.withSession];
