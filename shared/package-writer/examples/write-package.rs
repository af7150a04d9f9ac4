//! Changes or signs a package, for comparison with the tools of others.
//!
//! ```sh
//! write-package insert android|ios SOURCE TARGET FILE...
//! write-package sign-android SOURCE TARGET KEYS.p12 PASSWORD
//! write-package sign-ios SOURCE TARGET KEYS.p12 PASSWORD PROFILE SCRATCH
//! ```

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use package_writer::{Identity, Platform, WriteError, insert, sign_android, sign_ios};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn identity(file: &str, password: &str) -> Result<Identity, WriteError> {
    let identity = Identity::from_pkcs12(&std::fs::read(file)?, password)?;
    println!(
        "{} {} {}",
        identity.fingerprint(),
        identity.key_kind(),
        identity.subject()
    );
    Ok(identity)
}

fn run(arguments: &[&str]) -> Result<(), WriteError> {
    match arguments {
        ["insert", platform, source, target, files @ ..] => {
            let platform = if *platform == "ios" {
                Platform::Ios
            } else {
                Platform::Android
            };
            let mut documents = Vec::new();
            for file in files {
                let name = Path::new(file)
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                documents.push((name, std::fs::read(file)?));
            }
            let documents: Vec<(&str, &[u8])> = documents
                .iter()
                .map(|(name, content)| (*name, content.as_slice()))
                .collect();
            insert(platform, source.as_ref(), target.as_ref(), &documents)
        }
        ["sign-android", source, target, keys, password] => {
            sign_android(source.as_ref(), target.as_ref(), &identity(keys, password)?)
        }
        ["sign-ios", source, target, keys, password, profile, scratch] => {
            let now = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs());
            sign_ios(
                source.as_ref(),
                target.as_ref(),
                &identity(keys, password)?,
                &std::fs::read(profile)?,
                now,
                scratch.as_ref(),
            )
        }
        _ => Err(std::io::Error::other("see the beginning of write-package.rs").into()),
    }
}
