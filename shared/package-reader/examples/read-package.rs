//! Prints what is in an APK or IPA as JSON: `read-package [--remote] [--signature] [--icon
//! FILE.png] FILE`.
//!
//! `--remote` reads as over a network, with a budget of 2 MB, and tells what that costs on standard
//! error.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::ExitCode;

use package_reader::{
    BlockCache, Package, Platform, ReadError, apk_signature, ipa_signature, read_metadata,
};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let (mut remote, mut signature, mut icon, mut path) = (false, false, None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--remote" => remote = true,
            "--signature" => signature = true,
            "--icon" => icon = arguments.next(),
            _ => path = Some(PathBuf::from(argument)),
        }
    }
    let Some(path) = path else {
        eprintln!("usage: read-package [--remote] [--signature] [--icon FILE.png] FILE");
        return ExitCode::from(2);
    };
    let is_ios = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("ipa"));
    let platform = if is_ios {
        Platform::Ios
    } else {
        Platform::Android
    };
    let read = || -> Result<_, ReadError> {
        let mut file = File::open(&path)?;
        let length = file.metadata()?.len();
        if !remote {
            return read_metadata(file, length, platform);
        }
        let fetch = |offset, length| {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(offset))?;
            (&mut file).take(length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let mut cache = BlockCache::new(fetch, length, 2_000_000);
        let package = read_metadata(&mut cache, length, platform);
        eprintln!(
            "{} bytes of {length} in {} requests",
            cache.fetched(),
            cache.requests()
        );
        package
    };
    let package = match read() {
        Ok(package) => package,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    match shown(&package, icon, signature.then_some(&path), is_ios) {
        Ok(json) => {
            println!("{json:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What is printed: the package, the size of its icon, which is written to the file `icon`, and
/// what the signature of the file `signed` is worth.
fn shown(
    package: &Package,
    icon: Option<String>,
    signed: Option<&PathBuf>,
    is_ios: bool,
) -> Result<Value, Box<dyn Error>> {
    let mut json = serde_json::to_value(package)?;
    if let Some(found) = &package.icon {
        json["icon"] =
            json!({"width": found.width, "height": found.height, "bytes": found.png.len()});
        if let Some(file) = icon {
            std::fs::write(file, &found.png)?;
        }
    }
    if let Some(path) = signed {
        let verdict = if is_ios {
            ipa_signature(path)
        } else {
            apk_signature(path)
        };
        json["signature"] = serde_json::to_value(verdict)?;
    }
    Ok(json)
}
