//! The checksums that clients send along, ask for, and check themselves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// Whether a checksum is that of the bytes, or that of the parts' checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[serde(rename = "FULL_OBJECT")]
    FullObject,
    #[serde(rename = "COMPOSITE")]
    Composite,
}

impl Kind {
    pub(crate) fn dto(self) -> dto::ChecksumType {
        dto::ChecksumType::from_static(match self {
            Self::FullObject => dto::ChecksumType::FULL_OBJECT,
            Self::Composite => dto::ChecksumType::COMPOSITE,
        })
    }
}

/// The algorithms of S3.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The checksums of two stretches can be made into that of both, for these.
    const fn combinable(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    pub(crate) fn of_header(header: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }
}

/// Checksums in base64, as they travel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Checksums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

impl From<dto::Checksum> for Checksums {
    fn from(sums: dto::Checksum) -> Self {
        Self {
            crc32: sums.checksum_crc32,
            crc32c: sums.checksum_crc32c,
            crc64nvme: sums.checksum_crc64nvme,
            sha1: sums.checksum_sha1,
            sha256: sums.checksum_sha256,
        }
    }
}

impl Checksums {
    pub(crate) fn get(&self, algorithm: Algorithm) -> Option<&str> {
        match algorithm {
            Algorithm::Crc32 => self.crc32.as_deref(),
            Algorithm::Crc32c => self.crc32c.as_deref(),
            Algorithm::Crc64Nvme => self.crc64nvme.as_deref(),
            Algorithm::Sha1 => self.sha1.as_deref(),
            Algorithm::Sha256 => self.sha256.as_deref(),
        }
    }

    pub(crate) fn set(&mut self, algorithm: Algorithm, value: String) {
        let place = match algorithm {
            Algorithm::Crc32 => &mut self.crc32,
            Algorithm::Crc32c => &mut self.crc32c,
            Algorithm::Crc64Nvme => &mut self.crc64nvme,
            Algorithm::Sha1 => &mut self.sha1,
            Algorithm::Sha256 => &mut self.sha256,
        };
        *place = Some(value);
    }

    pub(crate) fn present(&self) -> impl Iterator<Item = (Algorithm, &str)> {
        Algorithm::ALL
            .iter()
            .copied()
            .filter_map(|algorithm| Some((algorithm, self.get(algorithm)?)))
    }

    /// What S3 keeps: the checksum that the client chose, else the one that S3 computes of its own.
    pub(crate) fn kept(&self, chosen: &[Algorithm]) -> Self {
        let mut kept = Self::default();
        for (algorithm, value) in self.present() {
            if chosen.contains(&algorithm)
                || (chosen.is_empty() && algorithm == Algorithm::Crc64Nvme)
            {
                kept.set(algorithm, value.to_owned());
            }
        }
        kept
    }
}

/// Computes, besides CRC64NVME which every object has, the checksums that are asked for.
pub(crate) fn hasher(wanted: &[Algorithm]) -> ChecksumHasher {
    ChecksumHasher {
        crc32: wanted.contains(&Algorithm::Crc32).then(Crc32::new),
        crc32c: wanted.contains(&Algorithm::Crc32c).then(Crc32c::new),
        crc64nvme: Some(Crc64Nvme::new()),
        sha1: wanted.contains(&Algorithm::Sha1).then(Sha1::new),
        sha256: wanted.contains(&Algorithm::Sha256).then(Sha256::new),
    }
}

/// Refuses what is not even a checksum of that kind.
pub(crate) fn check_form(sums: &Checksums) -> S3Result<()> {
    for (algorithm, value) in sums.present() {
        if BASE64.decode(value).map(|bytes| bytes.len()) != Ok(algorithm.bytes()) {
            return Err(s3_error!(
                InvalidRequest,
                "Value for {} header is invalid.",
                algorithm.header()
            ));
        }
    }
    Ok(())
}

/// Refuses bytes that are not those which the client meant to send.
pub(crate) fn check_match(declared: &Checksums, computed: &Checksums) -> S3Result<()> {
    for (algorithm, value) in declared.present() {
        if computed.get(algorithm) != Some(value) {
            return Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                algorithm.name()
            ));
        }
    }
    Ok(())
}

/// The checksum of the object whose stretches have these checksums and lengths.
pub(crate) fn combine<'a>(
    algorithm: Algorithm,
    parts: impl IntoIterator<Item = (&'a Checksums, u64)>,
) -> Option<String> {
    let crc = algorithm.combinable()?;
    let mut whole: Option<u64> = None;
    for (sums, size) in parts {
        let sum = BASE64
            .decode(sums.get(algorithm)?)
            .ok()?
            .into_iter()
            .fold(0, |number, byte| number << 8 | u64::from(byte));
        whole = Some(match whole {
            Some(before) => crc_fast::checksum_combine(crc, before, sum, size),
            None => sum,
        });
    }
    let bytes = whole?.to_be_bytes();
    Some(BASE64.encode(&bytes[bytes.len() - algorithm.bytes()..]))
}

/// The checksum of the parts' checksums, with their number behind it.
pub(crate) fn compose<'a>(
    algorithm: Algorithm,
    parts: impl IntoIterator<Item = &'a Checksums>,
) -> Option<String> {
    let mut all = Vec::new();
    let mut count = 0_usize;
    for sums in parts {
        all.extend(BASE64.decode(sums.get(algorithm)?).ok()?);
        count += 1;
    }
    let digest = match algorithm {
        Algorithm::Crc32 => Crc32::checksum(&all).to_vec(),
        Algorithm::Crc32c => Crc32c::checksum(&all).to_vec(),
        Algorithm::Crc64Nvme => return None,
        Algorithm::Sha1 => Sha1::checksum(&all).to_vec(),
        Algorithm::Sha256 => Sha256::checksum(&all).to_vec(),
    };
    Some(format!("{}-{count}", BASE64.encode(digest)))
}

/// The entity tag of a multipart object: the MD5 of its parts' MD5s, and their number.
pub(crate) fn multipart_etag<'a>(part_etags: impl IntoIterator<Item = &'a str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0_usize;
    for etag in part_etags {
        let digest: Vec<u8> = (0..etag.len() / 2)
            .filter_map(|at| u8::from_str_radix(etag.get(2 * at..2 * at + 2)?, 16).ok())
            .collect();
        md5.update(&digest);
        count += 1;
    }
    format!("{}-{count}", hex(&md5.finalize()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(bytes: &[u8]) -> Checksums {
        let mut hasher = hasher(Algorithm::ALL);
        hasher.update(bytes);
        hasher.finalize().into()
    }

    #[test]
    fn combined_checksums_are_those_of_the_whole() {
        let parts: [&[u8]; 4] = [b"one ", b"", b"two and ", b"three"];
        let each: Vec<_> = parts
            .iter()
            .map(|part| (sums(part), part.len() as u64))
            .collect();
        let whole = sums(&parts.concat());
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let combined = combine(algorithm, each.iter().map(|(sums, size)| (sums, *size)));
            assert_eq!(combined.as_deref(), whole.get(algorithm));
        }
        let sha = combine(
            Algorithm::Sha256,
            each.iter().map(|(sums, size)| (sums, *size)),
        );
        assert_eq!(sha, None);
    }

    #[test]
    fn a_checksum_of_the_wrong_length_is_refused() {
        let mut sums = Checksums::default();
        sums.set(Algorithm::Crc32, "AAAA".to_owned());
        assert!(check_form(&sums).is_err());
        sums.set(Algorithm::Crc32, "AAAAAA==".to_owned());
        assert!(check_form(&sums).is_ok());
    }
}
