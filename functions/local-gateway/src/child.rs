//! Child processes: what reads the files of strangers may die without the server.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The address space of a child, in bytes.
pub const ADDRESS_SPACE: u64 = 4 << 30;

/// How a child ended.
pub enum Ended {
    /// It did what it was to do.
    Done,
    /// It failed and may be tried again.
    Failed,
    /// It died, or took too long.
    Crashed(String),
}

/// This program. On Linux by a name that leads to the very file that runs, also after another build
/// or version took its place.
fn own_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe().unwrap_or_default()
    }
}

/// Runs this program with that first argument and environment on one event, for at most `timeout`.
pub async fn run(
    argument: &str,
    environment: Vec<(&'static str, String)>,
    event: &Value,
    timeout: Duration,
) -> Ended {
    // What a child leaves that dies goes with its folder.
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            tracing::error!(%error, argument, "a child got no folder");
            return Ended::Failed;
        }
    };
    let mut command = Command::new(own_program());
    command.env("TMPDIR", folder.path());
    command
        .arg(argument)
        .env_remove("APPDEPOT_ADMIN_PASSWORD")
        .envs(environment)
        .stdin(std::process::Stdio::piped())
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            tracing::error!(%error, argument, "a child could not be started");
            return Ended::Failed;
        }
    };
    if let Some(mut input) = child.stdin.take()
        && let Err(error) = input.write_all(event.to_string().as_bytes()).await
    {
        tracing::warn!(%error, argument, "a child did not take its event");
    }
    match tokio::time::timeout(timeout, child.wait()).await {
        Err(_) => Ended::Crashed("it took too long".to_owned()),
        Ok(Err(error)) => Ended::Crashed(error.to_string()),
        Ok(Ok(status)) if status.success() => Ended::Done,
        Ok(Ok(status)) if status.code() == Some(1) => Ended::Failed,
        Ok(Ok(status)) => Ended::Crashed(status.to_string()),
    }
}
