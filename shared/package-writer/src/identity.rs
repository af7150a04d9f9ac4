//! Keys with their certificates, as people are given them.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use apk::error::KeyError;
use apk::sign::{Certificate, PrivateKey, SigningIdentity};
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as KeystoreError;
use package_reader::RefusalCode;
use zeroize::Zeroizing;

use crate::failure::{WriteError, refused};

/// Bytes of a PKCS#12 file, at most.
pub const IDENTITY_BYTES: usize = 64 * 1024;

/// Bytes of a private key: enough for RSA with 8192 bits, with which even a check of the key takes
/// seconds.
const KEY_BYTES: usize = 5 * 1024;
/// Certificates in a file, and links of a chain.
const CERTIFICATES: usize = 32;
const CHAIN: usize = 8;
/// Rounds of all derivations of keys that can be seen without the password, together.
const ROUNDS: u64 = 3_000_000;
/// Derivations inside of what is encrypted cannot be counted beforehand.
const PATIENCE: Duration = Duration::from_secs(8);
/// Most files that are opened at once: whatever nobody waits for any more still computes.
const AT_ONCE: usize = 4;
static OPENING: AtomicUsize = AtomicUsize::new(0);

/// A file that is being opened: counted until its thread has ended, whoever waits for it.
struct Opening;

impl Opening {
    fn begin() -> Option<Self> {
        let opening = Self;
        (OPENING.fetch_add(1, Ordering::Relaxed) < AT_ONCE).then_some(opening)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        OPENING.fetch_sub(1, Ordering::Relaxed);
    }
}
/// The identifier of scrypt, which may ask for a gigabyte of memory.
const SCRYPT: [u8; 11] = [
    0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b,
];
const COMMON_NAME: &str = "2.5.4.3";

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with that many bits, 2048 or more.
    Rsa(u32),
    /// ECDSA on the curve P-256.
    P256,
    /// ECDSA on the curve P-384.
    P384,
}

impl fmt::Display for KeyKind {
    /// As in `RSA 2048`, `EC P-256`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa(bits) => write!(f, "RSA {bits}"),
            KeyKind::P256 => f.write_str("EC P-256"),
            KeyKind::P384 => f.write_str("EC P-384"),
        }
    }
}

/// A private key with the certificate that belongs to it, and the certificates above that. Its
/// `Debug` form does not show the key.
#[derive(Clone)]
pub struct Identity {
    signing: SigningIdentity,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("subject", &self.subject())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Opens a PKCS#12 file (`.p12`, `.pfx`) that has one private key and its certificate. It may
    /// be encrypted in the modern way (PBES2 with AES) or the old ones (3DES, RC2 with 40 bits).
    ///
    /// # Errors
    ///
    /// [`WriteError::Refused`]: `wrong_password`; `unsupported_key` if the file has no key, more
    /// than one, or another than RSA with 2048 bits or more or ECDSA on P-256 or P-384, or if it is
    /// encrypted in another way; `unreadable` if it is damaged or none of its certificates belongs
    /// to the key; `too_large` for more than [`IDENTITY_BYTES`] or what takes too long to open.
    /// [`WriteError::File`] if no thread can be started, `ResourceBusy` while four other files are
    /// being opened for longer than it waits.
    pub fn from_pkcs12(bytes: &[u8], password: &str) -> Result<Identity, WriteError> {
        if bytes.len() > IDENTITY_BYTES {
            return Err(refused(
                RefusalCode::TooLarge,
                "The key file is bigger than the 64 KB that are accepted.",
            ));
        }
        if bytes.windows(SCRYPT.len()).any(|window| window == SCRYPT) {
            return Err(refused(
                RefusalCode::UnsupportedKey,
                "The key file is encrypted with scrypt, which is not supported: use PBKDF2.",
            ));
        }
        if rounds(bytes, 0) > ROUNDS {
            return Err(too_slow());
        }
        let began = Instant::now();
        let opening = loop {
            match Opening::begin() {
                Some(opening) => break opening,
                None if began.elapsed() > PATIENCE => {
                    return Err(WriteError::File(io::ErrorKind::ResourceBusy.into()));
                }
                None => thread::sleep(Duration::from_millis(20)),
            }
        };
        let (sender, receiver) = mpsc::channel();
        let (bytes, password) = (
            Zeroizing::new(bytes.to_vec()),
            Zeroizing::new(password.to_owned()),
        );
        thread::Builder::new()
            .name("package-writer".into())
            .spawn(move || {
                let opened = open(&bytes, &password);
                drop(opening);
                // Nobody waits any more if it took too long.
                drop(sender.send(opened));
            })?;
        match receiver.recv_timeout(PATIENCE) {
            Ok(opened) => opened,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(too_slow()),
            // It panicked.
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(damaged()),
        }
    }

    /// When the certificate expires, in seconds since 1970.
    pub fn not_after(&self) -> u64 {
        self.certificate()
            .x509()
            .tbs_certificate()
            .validity()
            .not_after
            .to_unix_duration()
            .as_secs()
    }

    /// The common name of the certificate's subject, at most 256 characters and no control
    /// characters; the whole subject if it has none.
    pub fn subject(&self) -> String {
        let subject = self.certificate().x509().tbs_certificate().subject();
        let name = subject
            .iter()
            .find(|part| part.oid.to_string() == COMMON_NAME)
            .and_then(|part| text(part.value.value()));
        let name = name.unwrap_or_else(|| subject.to_string());
        name.chars().filter(|c| !c.is_control()).take(256).collect()
    }

    /// SHA-256 of the certificate: 64 lower case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.certificate()
            .sha256_fingerprint()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The kind of the key.
    pub fn key_kind(&self) -> KeyKind {
        match self.signing.key().kind() {
            apk::sign::KeyKind::Rsa { bits } => KeyKind::Rsa(bits),
            apk::sign::KeyKind::EcP256 => KeyKind::P256,
            apk::sign::KeyKind::EcP384 => KeyKind::P384,
        }
    }

    fn certificate(&self) -> &Certificate {
        self.signing.certificate()
    }

    /// The certificate and those above it, in distinguished encoding.
    pub(crate) fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.signing.chain().iter().map(Certificate::der)
    }

    /// The private key as PKCS#8.
    #[cfg(feature = "ios")]
    pub(crate) fn private_key(&self) -> Result<Zeroizing<Vec<u8>>, WriteError> {
        self.signing.key().to_pkcs8_der().map_err(|_| damaged())
    }

    pub(crate) fn android(&self) -> SigningIdentity {
        self.signing.clone()
    }
}

/// UTF-8, or else what is in the old alphabets' common part.
fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

fn damaged() -> WriteError {
    refused(
        RefusalCode::Unreadable,
        "The key file is damaged, or it is no PKCS#12 file (.p12, .pfx).",
    )
}

fn too_slow() -> WriteError {
    refused(
        RefusalCode::TooLarge,
        "The key file takes too long to open: its passwords are derived with too many rounds.",
    )
}

/// The rounds that a file's derivations of keys ask for, wherever it is readable: a salt and a
/// number in one sequence.
fn rounds(mut der: &[u8], depth: usize) -> u64 {
    let mut sum = 0u64;
    let mut salted = false;
    while let Some((tag, content, rest)) = element(der) {
        if tag == 0x02 && salted && content.len() <= 8 {
            sum = sum.saturating_add(
                content
                    .iter()
                    .fold(0, |number, byte| number << 8 | u64::from(*byte)),
            );
        }
        salted = tag == 0x04;
        if (tag & 0x20 != 0 || tag == 0x04) && depth < 32 {
            sum = sum.saturating_add(rounds(content, depth + 1));
        }
        der = rest;
    }
    sum
}

/// The first element of a distinguished encoding: its tag, its content and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length > 0x80 {
        let (digits, after) = rest
            .split_at_checked(length - 0x80)
            .filter(|(digits, _)| digits.len() <= 4)?;
        length = digits
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte));
        rest = after;
    } else if length == 0x80 {
        return None;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn open(bytes: &[u8], password: &str) -> Result<Identity, WriteError> {
    let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(|error| match error {
        KeystoreError::MacError(_) | KeystoreError::UnpadError | KeystoreError::Pkcs5Error(_) => {
            refused(
                RefusalCode::WrongPassword,
                "The password does not open the key file.",
            )
        }
        KeystoreError::UnsupportedEncryptionScheme | KeystoreError::UnsupportedMacAlgorithm => {
            refused(
                RefusalCode::UnsupportedKey,
                "The key file is encrypted in a way that is not supported.",
            )
        }
        KeystoreError::InvalidParameters => too_slow(),
        _ => damaged(),
    })?;
    let [key] = archive.keys.as_slice() else {
        let reason = if archive.keys.is_empty() {
            "The key file has no private key."
        } else {
            "The key file has more than one private key."
        };
        return Err(refused(RefusalCode::UnsupportedKey, reason));
    };
    if key.key.as_der().len() > KEY_BYTES || archive.certs.len() > CERTIFICATES {
        return Err(refused(
            RefusalCode::TooLarge,
            "The key file has a key or a number of certificates that is bigger than what is \
            accepted.",
        ));
    }
    let key = PrivateKey::from_pkcs8_der(key.key.as_der()).map_err(|error| match error {
        KeyError::RsaKeyTooSmall { bits, min } => refused(
            RefusalCode::UnsupportedKey,
            format!("An RSA key of {bits} bits is too weak: use at least {min}."),
        ),
        KeyError::UnsupportedAlgorithm { .. } | KeyError::UnsupportedCurve { .. } => refused(
            RefusalCode::UnsupportedKey,
            "The key is neither RSA nor on the curves P-256 or P-384.",
        ),
        _ => refused(
            RefusalCode::UnsupportedKey,
            "The private key in the key file is damaged.",
        ),
    })?;
    let mut certificates = Vec::new();
    for bag in &archive.certs {
        let certificate = Certificate::from_der(bag.cert.as_der()).map_err(|_| {
            refused(
                RefusalCode::Unreadable,
                "A certificate in the key file is damaged.",
            )
        })?;
        certificates.push(certificate);
    }
    let public = key.public_key();
    let Some(leaf) = certificates
        .iter()
        .position(|certificate| certificate.public_key().is_ok_and(|other| other == public))
    else {
        let reason = if certificates.is_empty() {
            "The key file has no certificate."
        } else {
            "No certificate in the key file belongs to its private key."
        };
        return Err(refused(RefusalCode::Unreadable, reason));
    };
    let mut chain = vec![certificates.swap_remove(leaf)];
    while chain.len() < CHAIN
        && let Some(last) = chain.last()
        && let Some(above) = certificates
            .iter()
            .position(|certificate| certificate.subject() == last.issuer())
    {
        chain.push(certificates.swap_remove(above));
    }
    let signing = SigningIdentity::new(key, chain).map_err(|_| damaged())?;
    Ok(Identity { signing })
}
