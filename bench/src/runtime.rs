//! Lambda's Runtime API, and a function that runs against it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::http::{self, Head, Server};

/// How long a function may take for anything but reading a large file.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What the function told the Runtime API.
enum Told {
    /// It asks for an invocation.
    Polled,
    /// It answers one.
    Answered(Vec<u8>),
    /// It reports that it failed.
    Failed(String),
}

/// The Runtime API of one function's process.
struct RuntimeApi {
    server: Server,
    told: Receiver<Told>,
    invocations: Sender<Vec<u8>>,
}

impl RuntimeApi {
    fn start() -> io::Result<Self> {
        let (tell, told) = channel();
        let (invocations, waiting) = channel::<Vec<u8>>();
        let waiting = Mutex::new(waiting);
        let server = Server::start(move |mut from, mut to| {
            while let Some(head) = Head::read(&mut from)? {
                let body = http::read_body(&mut from, head.framing())?;
                // Nobody listens once the measurement is over.
                let tell = |what| tell.send(what).map_err(io::Error::other);
                if head.first.starts_with("GET ") {
                    tell(Told::Polled)?;
                    let event = waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .recv()
                        .map_err(io::Error::other)?;
                    let headers = [
                        ("content-type", "application/json"),
                        (
                            "lambda-runtime-aws-request-id",
                            "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                        ),
                        ("lambda-runtime-deadline-ms", "4102444800000"),
                        (
                            "lambda-runtime-invoked-function-arn",
                            "arn:aws:lambda:us-east-1:123456789012:function:bench",
                        ),
                        (
                            "lambda-runtime-trace-id",
                            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;\
                            Sampled=0",
                        ),
                    ];
                    http::answer(&mut to, "200 OK", &headers, &event)?;
                } else {
                    let path = head.first.split(' ').nth(1).unwrap_or_default();
                    let answered = path.ends_with("/response");
                    // Told before it is acknowledged: the next poll may come by another connection.
                    tell(if answered {
                        Told::Answered(body)
                    } else {
                        Told::Failed(String::from_utf8_lossy(&body).into_owned())
                    })?;
                    http::answer(&mut to, "202 Accepted", &[], b"")?;
                }
            }
            Ok(())
        })?;
        Ok(Self {
            server,
            told,
            invocations,
        })
    }
}

/// A function's process. It is ended when this is dropped.
pub struct Function {
    api: RuntimeApi,
    child: Child,
    log: PathBuf,
    answers: VecDeque<Vec<u8>>,
}

/// What a function is started with.
pub struct Launch<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its whole environment but what Lambda sets.
    pub environment: &'a [(String, OsString)],
    /// Where it works and logs.
    pub folder: &'a Path,
}

impl Function {
    /// Starts it and waits until it asks for its first invocation.
    ///
    /// # Errors
    /// When it does not come so far.
    pub fn start(launch: &Launch<'_>) -> Result<Self, Failure> {
        let api = RuntimeApi::start()?;
        let log = launch.folder.join("log");
        let mut command = Command::new(launch.program);
        command.env_clear().current_dir(launch.folder);
        command.envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_REGION", "us-east-1"),
        ]);
        command.env("AWS_LAMBDA_RUNTIME_API", api.server.address.to_string());
        command.env("TMPDIR", launch.folder);
        command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(File::create(launch.folder.join("out"))?)
            .stderr(File::create(&log)?);
        let child = command.spawn()?;
        let mut function = Self {
            api,
            child,
            log,
            answers: VecDeque::new(),
        };
        function.wait_for_poll(PATIENCE)?;
        Ok(function)
    }

    fn wait_for_poll(&mut self, patience: Duration) -> Result<(), Failure> {
        let until = Instant::now() + patience;
        loop {
            match self.api.told.recv_timeout(Duration::from_millis(20)) {
                Ok(Told::Polled) => return Ok(()),
                Ok(Told::Answered(body)) => self.answers.push_back(body),
                Ok(Told::Failed(report)) => return Err(self.failed(&format!("reported {report}"))),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.failed("the Runtime API stopped"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(self.failed(&format!("ended: {status}")));
            }
            if Instant::now() > until {
                return Err(self.failed("took too long"));
            }
        }
    }

    fn failed(&self, why: &str) -> Failure {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        format!(
            "the function {why}; the end of its log: {}",
            last.into_iter().rev().collect::<Vec<_>>().join("\n")
        )
        .into()
    }

    /// Has it handle an event and come back for the next; gives its answer.
    ///
    /// # Errors
    /// When it fails or takes longer than `patience`.
    pub fn invoke(&mut self, event: &[u8], patience: Duration) -> Result<Vec<u8>, Failure> {
        self.api.invocations.send(event.to_vec())?;
        self.wait_for_poll(patience)?;
        self.answers
            .pop_front()
            .ok_or_else(|| self.failed("asked for the next event without an answer"))
    }

    /// The CPU time that it has used since it was started, in nanoseconds, once it has come to
    /// rest.
    ///
    /// The kernel adds what a thread used when the thread goes to sleep, so this asks until nothing
    /// is added any more.
    ///
    /// # Errors
    /// When the process is gone, or does not come to rest.
    pub fn cpu(&self) -> Result<u64, Failure> {
        let (mut before, mut alike) = (self.cpu_now()?, 0);
        for _ in 0..500 {
            thread::sleep(Duration::from_micros(300));
            let now = self.cpu_now()?;
            alike = if now == before { alike + 1 } else { 0 };
            before = now;
            if alike == 3 {
                return Ok(now);
            }
        }
        Err(self.failed("does not come to rest"))
    }

    /// The sum over its threads of the first number of `schedstat`: nanoseconds on a CPU.
    fn cpu_now(&self) -> Result<u64, Failure> {
        let mut sum = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(sum)
    }

    /// The most memory that it ever had resident, in kB.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn peak_kb(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .ok_or("no VmHWM in the process's status")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
