//! Signing APKs.

use std::path::Path;

use apk::sign::{SignError, Signer};
use apk::types::ApiLevel;
use package_reader::{Platform, RefusalCode, read_metadata};

use crate::archive;
use crate::failure::{WriteError, guarded, refused};
use crate::identity::Identity;
use crate::insert::rewrite;

/// Signs the APK at `source` into `target`, which may be the same: schemes 2 and 3, and scheme 1 if
/// Android before 7.0 may install it. Signatures that it has are replaced.
///
/// The entries keep their order, names and packed bytes; all are dated 1980-01-01 with the mode
/// 644, and what is not compressed is aligned as [`insert`](crate::insert()) does it. The same
/// input gives the same bytes. Whether the certificate has expired is not asked: Android does not
/// either.
///
/// # Errors
///
/// [`WriteError::Refused`] if the file is no whole and unambiguous APK below 4 GB, or
/// `unsupported_key` if it may be installed where the key is not known. [`WriteError::File`] if
/// reading or writing failed.
pub fn sign_android(source: &Path, target: &Path, identity: &Identity) -> Result<(), WriteError> {
    guarded("The app is damaged and cannot be signed.", || {
        let file = std::fs::File::open(source)?;
        let length = file.metadata()?.len();
        let package = read_metadata(std::io::BufReader::new(file), length, Platform::Android)?;
        let mut archive = archive::open(source)?;
        // The signer takes only what is laid out plainly.
        let plain = rewrite(&mut archive, Platform::Android, target, &[])?;
        drop(archive);
        let mut signer = Signer::new(identity.android());
        if let Some(level) = package
            .min_os
            .parse()
            .ok()
            .and_then(|level: u32| ApiLevel::try_new(level).ok())
        {
            signer = signer.min_sdk(level);
        }
        signer.sign(plain.path(), target).map_err(failure)
    })
}

fn failure(error: apk::Error) -> WriteError {
    use apk::error::ZipError;
    match error {
        apk::Error::File { source, .. }
        | apk::Error::Io(source)
        | apk::Error::Zip(ZipError::Io(source)) => WriteError::File(source),
        apk::Error::Sign(SignError::EcdsaJarRequiresApi18 { .. }) => refused(
            RefusalCode::UnsupportedKey,
            "The app can be installed on Android before 4.3, which knows no signatures by elliptic \
            curves: use an RSA key.",
        ),
        other => refused(
            RefusalCode::Unreadable,
            format!(
                "The app cannot be signed: {}.",
                one_line(&other.to_string())
            ),
        ),
    }
}

/// Text of others for a sentence: at most 200 characters, no control characters.
pub(crate) fn one_line(text: &str) -> String {
    text.trim_end_matches('.')
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect()
}
