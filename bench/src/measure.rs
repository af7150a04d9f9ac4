//! The measurements of start-up, of the warm path, of memory and of size.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;

use crate::binaries::{Binary, F0, H0, packed_size};
use crate::canned::Scene;
use crate::failure::Failure;
use crate::report::{Report, Row, float, median};
use crate::runtime::{Function, Launch, PATIENCE};

/// Start-up without the warming read, over that of F0.
const MAX_INIT: f64 = 1.3;
/// Start-up with the warming read and the first request, over the start-up of F0.
const MAX_FIRST: f64 = 4.0;
/// The authorised read, over H0.
const MAX_READ: f64 = 5.0;
/// Peak memory after [`MEMORY_INVOKES`].
const MEMORY_LIMIT_KB: f64 = 10_240.0;
/// How many invocations the peak of memory is read after.
const MEMORY_INVOKES: usize = 1_000;
/// The zipped function, without and with the bucket's client, in MB.
const ZIP_LIMITS_MB: (f64, f64) = (3.1, 4.3);
/// The function that reads uploads carries the readers of binaries: its size is reported, not
/// gated.
pub const UPLOAD_RECEIVED: &str = "upload-received";
/// The function whose warm path is measured.
const READER: &str = "rhmap-store-items";

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Starts of each program.
    pub starts: usize,
    /// Processes in which the warm path is measured.
    pub processes: usize,
    /// Invocations in each.
    pub invokes: usize,
}

/// What all measurements share.
pub struct Bench<'a> {
    /// The yardsticks and the functions.
    pub binaries: &'a [Binary],
    /// The environment of a function.
    pub environment: Vec<(String, OsString)>,
    /// Where functions work.
    pub folder: &'a Path,
    /// The records and requests.
    pub scene: &'a Scene,
    /// How much is measured.
    pub effort: Effort,
}

/// The status and path of a function's first request.
type First = (u64, String);

const MICRO: f64 = 1_000.0;

impl Bench<'_> {
    fn start(&self, binary: &Binary, warming: bool) -> Result<Function, Failure> {
        let mut environment = self.environment.clone();
        if !warming {
            environment.push(("APPDEPOT_NO_WARMING".to_owned(), "1".into()));
        }
        Function::start(&Launch {
            program: &binary.program,
            environment: &environment,
            folder: self.folder,
        })
        .map_err(|error| format!("{}: {error}", binary.name).into())
    }

    /// What a program is asked first, and under which path where it answers HTTP.
    fn first_event(&self, binary: &Binary) -> (Vec<u8>, Option<String>) {
        if binary.name == READER || binary.name == H0 {
            let path = "/box/srv/1.1/admin/storeitem/read".to_owned();
            return (self.scene.read_event(), Some(path));
        }
        match self.scene.event_for(&binary.name) {
            Some((event, path)) => (event, Some(path)),
            // Nothing to do is what a triggered function is asked most often.
            None => (br#"{"Records":[]}"#.to_vec(), None),
        }
    }

    /// Has a program answer; anything but a refusal of the request is an error.
    fn ask(&self, binary: &Binary, function: &mut Function, event: &[u8]) -> Result<u64, Failure> {
        let answer = function
            .invoke(event, PATIENCE)
            .map_err(|error| format!("{}: {error}", binary.name))?;
        let status = serde_json::from_slice::<Value>(&answer)?["statusCode"]
            .as_u64()
            .unwrap_or(200);
        // A wrong measurement must not look like a fast one.
        if status >= 500 || (status != 200 && binary.name == READER) {
            return Err(format!(
                "{} answered {status}: {}",
                binary.name,
                String::from_utf8_lossy(&answer)
            )
            .into());
        }
        Ok(status)
    }

    /// Start-up, and start-up with the first request.
    ///
    /// # Errors
    /// When a program does not start or answer.
    pub fn starts(&self, report: &mut Report) -> Result<(), Failure> {
        let mut init: HashMap<&str, Vec<f64>> = HashMap::new();
        let mut first: HashMap<&str, Vec<f64>> = HashMap::new();
        let mut firsts: HashMap<&str, First> = HashMap::new();
        for round in 0..self.effort.starts {
            for at in 0..self.binaries.len() {
                // Another order in each round: nobody always runs after the same neighbour.
                let binary = &self.binaries[(at + round) % self.binaries.len()];
                let function = self.start(binary, false)?;
                init.entry(&binary.name)
                    .or_default()
                    .push(float(function.cpu()?) / MICRO);
                drop(function);
                if binary.name == F0 || binary.name == H0 {
                    continue;
                }
                let mut function = self.start(binary, true)?;
                let (event, path) = self.first_event(binary);
                let status = self.ask(binary, &mut function, &event)?;
                first
                    .entry(&binary.name)
                    .or_default()
                    .push(float(function.cpu()?) / MICRO);
                firsts.insert(
                    &binary.name,
                    (
                        status,
                        path.unwrap_or_else(|| "its event, empty".to_owned()),
                    ),
                );
            }
        }
        let f0 = median(init.entry(F0).or_default());
        report.orientation.push(format!(
            "F0 took {f0:.0} us of CPU to its first poll here, H0 {:.0} us.",
            median(init.entry(H0).or_default())
        ));
        let functions = || {
            self.binaries
                .iter()
                .filter(|binary| binary.name != F0 && binary.name != H0)
        };
        for binary in functions() {
            report.rows.push(Row {
                gate: "Start-up: CPU from exec to the first poll, without the warming read, over \
                    F0",
                subject: binary.name.clone(),
                measured: median(init.entry(&binary.name).or_default()) / f0,
                limit: Some(MAX_INIT),
                unit: "x F0",
                note: String::new(),
            });
        }
        for binary in functions() {
            let (status, path) = firsts.remove(binary.name.as_str()).unwrap_or_default();
            report.rows.push(Row {
                gate: "Start-up with the warming read and the first request: CPU over the start-up \
                    of F0",
                subject: binary.name.clone(),
                measured: median(first.entry(&binary.name).or_default()) / f0,
                limit: Some(MAX_FIRST),
                unit: "x F0",
                note: format!("{path}: {status}"),
            });
        }
        Ok(())
    }

    /// The authorised read when everything is warm.
    ///
    /// # Errors
    /// When a program does not start or answer.
    pub fn warm(&self, report: &mut Report) -> Result<(), Failure> {
        let find = |name: &str| self.binaries.iter().find(|binary| binary.name == name);
        let (Some(h0), Some(reader)) = (find(H0), find(READER)) else {
            return Ok(());
        };
        let (mut hello, mut read) = (Vec::new(), Vec::new());
        for _ in 0..self.effort.processes {
            hello.push(self.per_invoke(h0)?);
            read.push(self.per_invoke(reader)?);
        }
        let (hello, read) = (median(&mut hello), median(&mut read));
        report.orientation.push(format!(
            "H0 took {hello:.1} us of CPU per invocation here, the authorised read {read:.1} us."
        ));
        report.rows.push(Row {
            gate: "Warm: CPU per authorised read of one item, over H0",
            subject: READER.to_owned(),
            measured: read / hello,
            limit: Some(MAX_READ),
            unit: "x H0",
            note: format!(
                "{} processes of {} invocations",
                self.effort.processes, self.effort.invokes
            ),
        });
        Ok(())
    }

    fn per_invoke(&self, binary: &Binary) -> Result<f64, Failure> {
        let mut function = self.start(binary, true)?;
        let event = self.scene.read_event();
        for _ in 0..100 {
            self.ask(binary, &mut function, &event)?;
        }
        let before = function.cpu()?;
        for _ in 0..self.effort.invokes {
            self.ask(binary, &mut function, &event)?;
        }
        Ok(float(function.cpu()? - before) / MICRO / float(self.effort.invokes as u64))
    }

    /// Peak memory after a thousand requests.
    ///
    /// # Errors
    /// When a program does not start or answer.
    pub fn memory(&self, report: &mut Report) -> Result<(), Failure> {
        for binary in self.binaries {
            let mut function = self.start(binary, true)?;
            let (event, _) = self.first_event(binary);
            for _ in 0..MEMORY_INVOKES {
                self.ask(binary, &mut function, &event)?;
            }
            let yardstick = binary.name == F0 || binary.name == H0;
            report.rows.push(Row {
                gate: "Peak memory (VmHWM) after 1,000 invocations with one item",
                subject: binary.name.clone(),
                measured: float(function.peak_kb()?),
                limit: (!yardstick).then_some(MEMORY_LIMIT_KB),
                unit: "kB",
                note: String::new(),
            });
        }
        Ok(())
    }

    /// Size of the package.
    ///
    /// # Errors
    /// When a program cannot be read.
    pub fn sizes(&self, report: &mut Report) -> Result<(), Failure> {
        for binary in self.binaries {
            let limit = match binary.name.as_str() {
                F0 | H0 | UPLOAD_RECEIVED => None,
                _ if binary.with_objects => Some(ZIP_LIMITS_MB.1),
                _ => Some(ZIP_LIMITS_MB.0),
            };
            report.rows.push(Row {
                gate: "Package: zip of the stripped binary, deflate 9",
                subject: binary.name.clone(),
                measured: float(packed_size(binary)?) / 1e6,
                limit,
                unit: "MB",
                note: if binary.with_objects {
                    "with S3".to_owned()
                } else {
                    String::new()
                },
            });
        }
        Ok(())
    }
}
