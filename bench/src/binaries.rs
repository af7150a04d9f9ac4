//! The binaries that are measured: built as they are deployed, copied, and packed.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;

/// The profile of what is deployed.
const PROFILE: &str = "lambda";
/// Programs under `functions/` that never run on Lambda.
const NOT_DEPLOYED: [&str; 1] = ["local-gateway"];
/// The package of the yardsticks, and its programs.
const YARDSTICKS: &str = "appdepot-yardsticks";

/// The smallest function of the runtime.
pub const F0: &str = "yardstick-f0";
/// The smallest function that answers HTTP.
pub const H0: &str = "yardstick-h0";

/// A program to measure.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The function's name.
    pub name: String,
    /// A fresh copy of the program: a file whose pages were brought back after an eviction costs
    /// more to start.
    pub program: PathBuf,
    /// Whether it reaches the bucket.
    pub with_objects: bool,
}

/// The workspace as cargo knows it.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
    /// The names and folders of the functions that are deployed.
    functions: Vec<(String, PathBuf)>,
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// When cargo does not answer.
    pub fn find() -> Result<Self, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or("no workspace")?
            .to_owned();
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(&root)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let target = metadata["target_directory"]
            .as_str()
            .ok_or("no target directory")?
            .into();
        let mut functions = Vec::new();
        for package in metadata["packages"].as_array().ok_or("no packages")? {
            let (Some(name), Some(manifest)) =
                (package["name"].as_str(), package["manifest_path"].as_str())
            else {
                continue;
            };
            let folder = Path::new(manifest).parent().unwrap_or(&root);
            if folder
                .parent()
                .is_some_and(|parent| parent.ends_with("functions"))
                && !NOT_DEPLOYED.contains(&name)
            {
                functions.push((name.to_owned(), folder.to_owned()));
            }
        }
        functions.sort();
        Ok(Self {
            root,
            target,
            functions,
        })
    }

    /// Those functions, or all.
    ///
    /// # Errors
    /// For a name that no function has.
    pub fn chosen(&self, names: &str) -> Result<Vec<(String, PathBuf)>, Failure> {
        if names == "all" {
            return Ok(self.functions.clone());
        }
        let find = |name: &str| {
            self.functions
                .iter()
                .find(|(known, _)| known == name)
                .cloned()
                .ok_or_else(|| format!("there is no function {name}").into())
        };
        names.split(',').map(str::trim).map(find).collect()
    }

    /// Builds functions and yardsticks with the profile of what is deployed, and copies them to
    /// `folder`; the two yardsticks come first. The yardsticks are built by a command of their own,
    /// for features of dependencies are united over what one command builds.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build(
        &self,
        functions: &[(String, PathBuf)],
        folder: &Path,
    ) -> Result<Vec<Binary>, Failure> {
        self.cargo_build(functions.iter().map(|(name, _)| name.as_str()), &[])?;
        let mut built = Vec::new();
        for (name, source) in functions {
            let main = fs::read_to_string(source.join("src").join("main.rs"))?;
            built.push(self.copied(name, folder, main.contains("and_objects"))?);
        }
        self.cargo_build([YARDSTICKS].into_iter(), &["--features", "stock"])?;
        let mut all = vec![
            self.copied(F0, folder, false)?,
            self.copied(H0, folder, false)?,
        ];
        all.append(&mut built);
        Ok(all)
    }

    fn cargo_build<'a>(
        &self,
        packages: impl Iterator<Item = &'a str>,
        options: &[&str],
    ) -> Result<(), Failure> {
        let mut command = cargo();
        command
            .args(["build", "--profile", PROFILE, "--bins"])
            .args(options)
            .current_dir(&self.root);
        for package in packages {
            command.args(["-p", package]);
        }
        if command.status()?.success() {
            Ok(())
        } else {
            Err("the build failed".into())
        }
    }

    fn copied(&self, name: &str, folder: &Path, with_objects: bool) -> Result<Binary, Failure> {
        let program = folder.join(name);
        fs::copy(self.target.join(PROFILE).join(name), &program)?;
        // Written out now, so that nothing is written while something is measured.
        File::open(&program)?.sync_all()?;
        Ok(Binary {
            name: name.to_owned(),
            program,
            with_objects,
        })
    }
}

/// The size of the package that Lambda gets: a zip that holds `bootstrap`, deflated as far as it
/// goes.
///
/// # Errors
/// When the program cannot be read.
pub fn packed_size(binary: &Binary) -> Result<u64, Failure> {
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(9))
        .unix_permissions(0o755);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("bootstrap", options)?;
    archive.write_all(&fs::read(&binary.program)?)?;
    Ok(archive.finish()?.into_inner().len() as u64)
}
