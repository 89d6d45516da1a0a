//! `supertokens-lambda-gateway [--events rest|http] [--stage NAME] [--port PORT] PROGRAM …`: starts a Lambda function by its program, and is
//! API Gateway to it.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use supertokens_lambda_gateway::{Events, Gateway, runtime, serve};
use tokio::net::TcpListener;
use tokio::process::Command;

/// An API Gateway on this machine, with one Lambda function behind it.
#[derive(Parser)]
struct Options {
    /// Which kind of API: `rest` (payload format 1.0) or `http` (2.0, also that of function URLs).
    #[arg(long, env = "EVENTS", default_value = "http", value_parser = ["rest", "http"])]
    events: String,
    /// A stage whose name begins every address.
    #[arg(long, env = "STAGE")]
    stage: Option<String>,
    /// Where to listen; 0 takes any free port.
    #[arg(long, env = "PORT", default_value_t = 3001)]
    port: u16,
    /// The function's program and its arguments. It is told its address in `PUBLIC_ADDRESS`, and the stage in `STAGE`.
    #[arg(required = true, trailing_var_arg = true)]
    program: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let options = Options::parse();
    let events = if options.events == "rest" { Events::Rest } else { Events::Http };
    let taken = |error| format!("port {} cannot be had ({error}): choose another with --port", options.port);
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await.map_err(taken)?;
    let api = TcpListener::bind(("127.0.0.1", 0)).await?;
    let origin = format!("http://localhost:{}", listener.local_addr()?.port());
    let address = options.stage.as_ref().map_or_else(|| origin.clone(), |stage| format!("{origin}/{stage}"));
    let (program, arguments) = options.program.split_first().ok_or("which program?")?;
    let mut function = Command::new(program)
        .args(arguments)
        .env("AWS_LAMBDA_RUNTIME_API", api.local_addr()?.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "local")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("PUBLIC_ADDRESS", &origin)
        .envs(options.stage.iter().map(|stage| ("STAGE", stage)))
        .kill_on_drop(true)
        .spawn()?;
    let invoke = runtime::listen(api);
    #[expect(clippy::print_stdout, reason = "whoever starts it wants to know where to look")]
    {
        println!("Open {address} in a browser. Ctrl+C stops.");
    }
    tokio::select! {
        () = serve(listener, Gateway { events, stage: options.stage }, invoke) => {}
        ended = function.wait() => return Err(format!("the function has ended: {}", ended?).into()),
        stopped = stop_signal() => stopped?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
