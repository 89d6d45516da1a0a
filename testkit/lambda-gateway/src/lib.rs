//! What stands between browsers and an AWS Lambda function, on this machine: requests become the events that API Gateway makes of them,
//! answers become responses. The binary starts a function by its own program and speaks the Lambda Runtime API with it; tests call a
//! function in their own process.

pub mod event;
pub mod runtime;
pub mod serve;

pub use event::{Events, Gateway};
pub use serve::{Invoke, serve};
