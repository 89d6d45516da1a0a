export * from "./awsLambda.js";
