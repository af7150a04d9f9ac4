//! Signing IPAs.

mod bundle;
mod executable;

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;
use std::thread;

use apple_codesign::cryptography::InMemoryPrivateKey;
use apple_codesign::{
    AppleCodesignError, BundleSigner, CodeSignatureFlags, SettingsScope, SigningSettings,
};
use chrono::DateTime;
use package_reader::{
    Platform, ProfileContents, RefusalCode, app_folder, profile_contents, property_list, quoted,
    read_metadata,
};
use plist::{Dictionary, Value};
use x509_certificate::CapturedX509Certificate;

use crate::android::one_line;
use crate::archive;
use crate::failure::{WriteError, guarded, refused};
use crate::identity::Identity;
use crate::profile::check_identity;
use bundle::Bundle;

pub use bundle::UNPACKED_BYTES;
pub use executable::EXECUTABLE_BYTES;

/// The entitlement that says which app it is.
const APPLICATION: &str = "application-identifier";
/// Where an app has its profile.
const PROFILE: &str = "embedded.mobileprovision";
/// Bytes of stack for parsers of others.
const STACK: usize = 64 * 1024 * 1024;

/// Signs the IPA at `source` into `target`, which may be the same, with an identity and the
/// provisioning profile that was made for it: `now`, in seconds since 1970, is the time that the
/// signature tells. The app is unpacked in a new folder of `scratch`, which is removed again; that
/// takes as much room as the app has unpacked, at most [`UNPACKED_BYTES`].
///
/// The profile replaces the app's own. The entitlements are those of the profile, for the app's
/// identifier where the profile has a `*`. Frameworks and libraries are signed too, without
/// entitlements; extensions and apps inside of the app get the same profile, which must fit their
/// identifiers. Entries keep their order and attributes, and those whose content does not change
/// their packed bytes; what signing adds comes last. The same input gives the same bytes if the key
/// is RSA.
///
/// Memory: 40 MB, and the largest executable file (at most [`EXECUTABLE_BYTES`]) about three times,
/// whatever else the app has.
///
/// # Errors
///
/// [`WriteError::Refused`]: `expired` if the profile or the certificate is; `wrong_profile` if the
/// profile does not name the certificate or is not for the app or for one of its extensions;
/// `unsupported_key` for P-384; `unreadable` and others if the app is damaged, can be read in two
/// ways, is encrypted or its executable is none. [`WriteError::File`] if reading or writing failed.
pub fn sign_ios(
    source: &Path,
    target: &Path,
    identity: &Identity,
    profile: &[u8],
    now: u64,
    scratch: &Path,
) -> Result<(), WriteError> {
    guarded("The app is damaged and cannot be signed.", || {
        let contents = profile_contents(profile)?;
        check_identity(&contents, identity, now)?;
        let file = File::open(source)?;
        let length = file.metadata()?.len();
        let package = read_metadata(BufReader::new(file), length, Platform::Ios)?;
        let entitlements = entitlements_for(&contents, &package.identifier).ok_or_else(|| {
            refused(
                RefusalCode::WrongProfile,
                format!(
                    "The provisioning profile is for {}, not for {}.",
                    scope(&contents),
                    package.identifier
                ),
            )
        })?;
        let mut archive = archive::open(source)?;
        let app = app_folder(&archive)?;
        let folder = tempfile::Builder::new()
            .prefix("signing-")
            .tempdir_in(scratch)?;
        // Whoever signs tells apps by the end of their folder's name.
        let bundle = Bundle::unpack(&mut archive, &app, &folder.path().join("Application.app"))?;
        check_executables(&bundle)?;
        let mut scopes = vec![(SettingsScope::Main, entitlements)];
        put_profile(&bundle, "", profile)?;
        for (path, identifier) in extensions(&bundle)? {
            let entitlements = entitlements_for(&contents, &identifier).ok_or_else(|| {
                let reason = format!(
                    "The provisioning profile is for {}, not for {identifier}, \
                    which is inside of the app.",
                    scope(&contents)
                );
                refused(RefusalCode::WrongProfile, reason)
            })?;
            put_profile(&bundle, &path, profile)?;
            scopes.push((SettingsScope::Path(path), entitlements));
        }
        let team = contents.profile.team.first().map(String::as_str);
        sign(&bundle, identity, team, &scopes, now)?;
        let file = bundle.pack(&mut archive, target)?;
        folder.close()?;
        file.persist(target)
            .map_err(|error| WriteError::File(error.error))?;
        Ok(())
    })
}

/// The application identifier of a profile without the team before it: a bundle identifier, or the
/// beginning of some and `*`.
fn pattern(contents: &ProfileContents) -> Option<(&str, &str)> {
    contents
        .entitlements
        .get(APPLICATION)
        .and_then(Value::as_string)?
        .split_once('.')
}

/// What a profile is for, for a sentence.
fn scope(contents: &ProfileContents) -> String {
    pattern(contents).map_or_else(
        || "no app".to_owned(),
        |(_, pattern)| quoted(pattern.as_bytes()),
    )
}

/// The entitlements for an app of that identifier, as a property list; `None` if the profile is not
/// for it.
fn entitlements_for(contents: &ProfileContents, identifier: &str) -> Option<String> {
    let (team, pattern) = pattern(contents)?;
    let fits = match pattern.strip_suffix('*') {
        Some(beginning) => {
            (beginning.is_empty() || beginning.ends_with('.'))
                && identifier.len() > beginning.len()
                && identifier.starts_with(beginning)
        }
        None => identifier == pattern,
    };
    if !fits {
        return None;
    }
    let mut entitlements = contents.entitlements.clone();
    let (open, exact) = (format!("{team}.{pattern}"), format!("{team}.{identifier}"));
    entitlements.insert(APPLICATION.to_owned(), Value::String(exact.clone()));
    if pattern.ends_with('*')
        && let Some(groups) = entitlements
            .get_mut("keychain-access-groups")
            .and_then(Value::as_array_mut)
    {
        for group in groups
            .iter_mut()
            .filter(|group| group.as_string() == Some(&open))
        {
            *group = Value::String(exact.clone());
        }
    }
    let mut xml = Vec::new();
    Value::Dictionary(entitlements)
        .to_writer_xml(&mut xml)
        .ok()?;
    String::from_utf8(xml).ok()
}

fn read_list(bundle: &Bundle, folder: &str) -> Result<Dictionary, WriteError> {
    let name = if folder.is_empty() {
        "Info.plist".to_owned()
    } else {
        format!("{folder}/Info.plist")
    };
    let path = bundle.path(&name);
    // Links lead to nothing outside, but also to folders.
    if !path.is_file() {
        return Err(refused(
            RefusalCode::Unreadable,
            format!("{} is no file.", quoted(name.as_bytes())),
        ));
    }
    if path.metadata()?.len() > 2 * 1024 * 1024 {
        return Err(refused(
            RefusalCode::TooLarge,
            format!(
                "{} is bigger than the 2 MB that are accepted.",
                quoted(name.as_bytes())
            ),
        ));
    }
    Ok(property_list(&fs::read(path)?, &quoted(name.as_bytes()))?)
}

/// Checks that the app has an executable, and that each executable file can be signed.
fn check_executables(bundle: &Bundle) -> Result<(), WriteError> {
    let list = read_list(bundle, "")?;
    let name = list
        .get("CFBundleExecutable")
        .and_then(Value::as_string)
        .unwrap_or_default();
    if !bundle
        .files
        .iter()
        .any(|file| file == name && !file.contains('/'))
    {
        return Err(refused(
            RefusalCode::Unreadable,
            format!(
                "The app has no executable file: its Info.plist names {}.",
                quoted(name.as_bytes())
            ),
        ));
    }
    if !executable::is_executable(&bundle.path(name))? {
        return Err(refused(
            RefusalCode::Unreadable,
            format!(
                "The app's executable file {} is no program of iOS (Mach-O).",
                quoted(name.as_bytes())
            ),
        ));
    }
    for file in &bundle.files {
        if executable::is_executable(&bundle.path(file))? {
            executable::check(&bundle.path(file), file.as_bytes())?;
        }
    }
    Ok(())
}

/// The extensions and apps inside of the app, with their identifiers. Checks all lists that tell of
/// bundles on the way.
fn extensions(bundle: &Bundle) -> Result<Vec<(String, String)>, WriteError> {
    let mut found = Vec::new();
    for folder in &bundle.nested {
        let list = read_list(bundle, folder)?;
        if folder.ends_with(".appex") || folder.ends_with(".app") {
            let identifier = list
                .get("CFBundleIdentifier")
                .and_then(Value::as_string)
                .unwrap_or_default();
            let plain = !identifier.is_empty()
                && identifier.len() <= 255
                && identifier
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
            if !plain {
                return Err(refused(
                    RefusalCode::Unreadable,
                    format!("{} has no valid identifier.", quoted(folder.as_bytes())),
                ));
            }
            found.push((folder.clone(), identifier.to_owned()));
        }
    }
    Ok(found)
}

/// Signs the app where it is unpacked.
fn sign(
    bundle: &Bundle,
    identity: &Identity,
    team: Option<&str>,
    scopes: &[(SettingsScope, String)],
    now: u64,
) -> Result<(), WriteError> {
    let key = InMemoryPrivateKey::from_pkcs8_der(identity.private_key()?.as_slice())
        .map_err(|error| failure(&error.to_string(), bundle))?;
    let time = i64::try_from(now)
        .ok()
        .and_then(|now| DateTime::from_timestamp(now, 0));
    let time = time.ok_or_else(|| {
        WriteError::File(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this is no time",
        ))
    })?;
    // A deep stack for what parses lists; all of them are limited in depth or length.
    thread::scope(|threads| {
        let thread = thread::Builder::new()
            .name("package-writer".into())
            .stack_size(STACK)
            .spawn_scoped(threads, || -> Result<(), Box<AppleCodesignError>> {
                let mut settings = SigningSettings::default();
                let mut chain = identity.chain();
                if let Some(leaf) = chain.next() {
                    settings.set_signing_key(
                        &key,
                        CapturedX509Certificate::from_der(leaf)
                            .map_err(AppleCodesignError::from)?,
                    );
                }
                // Apple's own certificates are known; those in the key file are taken if it is not
                // one of Apple's.
                if settings.chain_apple_certificates().is_none() {
                    for certificate in chain {
                        settings.chain_certificate_der(certificate)?;
                    }
                }
                settings.set_signing_time(time);
                if let Some(team) = team {
                    settings.set_team_id(team);
                }
                for (scope, entitlements) in scopes {
                    settings.set_entitlements_xml(scope.clone(), entitlements)?;
                    settings.set_code_signature_flags(scope.clone(), CodeSignatureFlags::empty());
                }
                let mut signer = BundleSigner::new_from_path(bundle.root())?;
                signer.collect_nested_bundles()?;
                signer.write_signed_bundle(bundle.root(), &settings)?;
                Ok(())
            })?;
        match thread.join() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => match *error {
                AppleCodesignError::Io(error) if !is_of_the_app(&error) => {
                    Err(WriteError::File(error))
                }
                error => Err(failure(&error.to_string(), bundle)),
            },
            Err(_) => Err(refused(
                RefusalCode::Unreadable,
                "The app is damaged and cannot be signed.",
            )),
        }
    })
}

/// Whether an error comes from what the app has where a file or a folder is expected.
fn is_of_the_app(error: &io::Error) -> bool {
    use io::ErrorKind::{
        AlreadyExists, InvalidData, IsADirectory, NotADirectory, NotFound, UnexpectedEof,
    };
    [
        AlreadyExists,
        InvalidData,
        IsADirectory,
        NotADirectory,
        NotFound,
        UnexpectedEof,
    ]
    .contains(&error.kind())
}

/// Puts the profile into the app or one that is inside of it.
fn put_profile(bundle: &Bundle, folder: &str, profile: &[u8]) -> Result<(), WriteError> {
    fs::write(bundle.path(folder).join(PROFILE), profile).map_err(|error| {
        if is_of_the_app(&error) {
            return refused(
                RefusalCode::Unreadable,
                format!(
                    "The app has something else in the \
                place of its provisioning profile ({PROFILE})."
                ),
            );
        }
        WriteError::File(error)
    })
}

/// A refusal with what the signer says, without the place where the app is unpacked.
fn failure(text: &str, bundle: &Bundle) -> WriteError {
    let text = text
        .replace(&format!("{}/", bundle.root().display()), "")
        .replace(&bundle.root().display().to_string(), "the app");
    refused(
        RefusalCode::Unreadable,
        format!("The app cannot be signed: {}.", one_line(&text)),
    )
}
