//! What any application with the SDK must do, as a Lambda function behind an HTTP API or a function URL: events of payload format 2.0.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test: what is missing fails it")]

mod standard;

use std::net::TcpListener;
use std::process::ExitCode;

use supertokens_lambda_gateway::{Events, Gateway};
use supertokens_testkit::fdi::{Framework, Listening, Serve, StandardApp, run_contract_and};

const GATEWAY: Gateway = Gateway { events: Events::Http, stage: None };

fn main() -> ExitCode {
    run_contract_and(standard::events::SUBJECTS, Framework { name: "lambda", build, listen, lacks: standard::LACKS })
}

fn build(app: StandardApp) -> Serve {
    standard::build(app, GATEWAY)
}

fn listen(app: StandardApp, socket: TcpListener) -> Listening {
    standard::listen(app, socket, GATEWAY)
}
