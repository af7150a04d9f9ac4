//! Measures the functions as they are deployed, and judges by ratios to two yardsticks of the same
//! run: see `docs/performance.md`.

mod analysis;
mod binaries;
mod canned;
mod failure;
mod http;
mod measure;
mod report;
mod runtime;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use failure::Failure;
use measure::{Bench, Effort, UPLOAD_RECEIVED};

/// Measures the Lambda functions against two yardsticks that are built alike and run in turn with
/// them. Ends with 1 where a gate does not hold.
#[derive(Parser)]
struct Arguments {
    /// Fewer runs.
    #[arg(long)]
    quick: bool,
    /// The functions to build and measure, by commas; or `all`.
    #[arg(long, default_value = "all")]
    functions: String,
    /// Where the results go as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let workspace = binaries::Workspace::find()?;
    let functions = workspace.chosen(&arguments.functions)?;
    let folder = tempfile::tempdir()?;
    let binaries = workspace.build(&functions, folder.path())?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let scene = runtime.block_on(canned::Scene::new())?;
    let endpoint = canned::endpoint(&scene)?;
    let address = format!("http://{}", endpoint.address);
    let effort = if arguments.quick {
        Effort {
            starts: 7,
            processes: 3,
            invokes: 1_000,
        }
    } else {
        Effort {
            starts: 21,
            processes: 7,
            invokes: 2_000,
        }
    };
    let environment = canned::environment(folder.path(), &address, &address)?;
    let bench = Bench {
        binaries: &binaries,
        environment,
        folder: folder.path(),
        scene: &scene,
        effort,
    };

    let mut report = report::Report::default();
    bench.starts(&mut report)?;
    bench.warm(&mut report)?;
    bench.memory(&mut report)?;
    bench.sizes(&mut report)?;
    if let Some(binary) = binaries
        .iter()
        .find(|binary| binary.name == UPLOAD_RECEIVED)
    {
        runtime.block_on(analysis::run(binary, folder.path(), &mut report))?;
    }

    println!("{}", report.text());
    if let Some(path) = &arguments.json {
        std::fs::write(path, format!("{:#}\n", report.json()))?;
    }
    Ok(report.passes())
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("A gate does not hold.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
