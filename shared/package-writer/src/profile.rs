//! Provisioning profiles, and the identities that they were made for.

use package_reader::{ProfileContents, RefusalCode, profile_contents, quoted};

use crate::failure::{WriteError, guarded, refused};
use crate::identity::{Identity, KeyKind};

/// Checks that an identity may sign iOS apps with this provisioning profile at `now`, in seconds
/// since 1970. Gives when the profile expires, in the same seconds. For which apps it is, is not
/// asked.
///
/// # Errors
///
/// [`WriteError::Refused`]: `expired` if the profile or the certificate is; `wrong_profile` if the
/// profile does not name the certificate; `unsupported_key` for P-384; `unreadable` if the profile
/// is damaged.
pub fn check_profile(profile: &[u8], identity: &Identity, now: u64) -> Result<u64, WriteError> {
    guarded("The provisioning profile is damaged.", || {
        let contents = profile_contents(profile)?;
        check_identity(&contents, identity, now)?;
        Ok(contents.expires_at.unwrap_or(now))
    })
}

/// Whether the identity may sign with the profile now.
pub(crate) fn check_identity(
    contents: &ProfileContents,
    identity: &Identity,
    now: u64,
) -> Result<(), WriteError> {
    if identity.key_kind() == KeyKind::P384 {
        return Err(refused(
            RefusalCode::UnsupportedKey,
            "iOS apps cannot be signed with a key on the curve P-384: use the RSA key that Apple \
            certified.",
        ));
    }
    if identity.not_after() <= now {
        return Err(refused(
            RefusalCode::Expired,
            format!(
                "The certificate {} has expired.",
                quoted(identity.subject().as_bytes())
            ),
        ));
    }
    match contents.expires_at {
        None => {
            return Err(refused(
                RefusalCode::WrongProfile,
                "The provisioning profile does not say when it expires.",
            ));
        }
        Some(expires) if expires <= now => {
            return Err(refused(
                RefusalCode::Expired,
                format!(
                    "The provisioning profile {} has expired.",
                    quoted(contents.profile.name.as_bytes())
                ),
            ));
        }
        Some(_) => {}
    }
    let certificate = identity.chain().next();
    if !contents
        .certificates
        .iter()
        .any(|known| Some(known.as_slice()) == certificate)
    {
        let reason = format!(
            "The provisioning profile was not made for the certificate {}.",
            quoted(identity.subject().as_bytes())
        );
        return Err(refused(RefusalCode::WrongProfile, reason));
    }
    Ok(())
}
