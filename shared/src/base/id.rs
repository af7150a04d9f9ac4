//! Identifiers: the tenant's id, guids, and the one id of an app in its three spellings.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::code::Code;

/// Lower-case base32 of RFC 4648 without padding, the alphabet of RHMAP's guids (`[a-z2-7]`).
pub fn base32() -> Encoding {
    static ENCODING: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
        let mut specification = Specification::new();
        specification
            .symbols
            .push_str("abcdefghijklmnopqrstuvwxyz234567");
        // The symbols are a constant of 32 distinct characters: this cannot fail.
        specification
            .encoding()
            .unwrap_or(data_encoding::BASE32_NOPAD)
    });
    ENCODING.clone()
}

/// `N` bytes from the operating system's generator.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    rand::random()
}

/// The tenant's id: 8 lower-case hex digits, the beginning of every key of every record of that
/// tenant.
///
/// It is the beginning of the SHA-256 of the tenant's name, so that a name leads to its records
/// without a look-up. A new tenant whose name would collide with another's id is refused when
/// it is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId([u8; 4]);

impl TenantId {
    /// The id of the tenant of that name; case does not count.
    pub fn of_name(name: &str) -> Self {
        let digest = Sha256::digest(name.to_lowercase().as_bytes());
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct MalformedId;

impl fmt::Display for MalformedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed identifier")
    }
}

impl std::error::Error for MalformedId {}

impl FromStr for TenantId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let bytes = data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| MalformedId)?;
        Ok(Self(bytes.try_into().map_err(|_| MalformedId)?))
    }
}

macro_rules! serde_as_text {
    ($name:ty) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = crate::base::lenient::text(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

serde_as_text!(TenantId);

/// A guid of RHMAP: 24 characters of `[A-Za-z0-9_-]`. Ours are lower-case base32 of 15 random
/// bytes; the older ones of the original product are URL-safe base64.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(String);

impl Guid {
    /// A new guid with 120 random bits.
    pub fn random() -> Self {
        Self(base32().encode(&random_bytes::<15>()))
    }

    /// The guid's 24 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Guid {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let fits = text.len() == 24
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedId)
        }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(Guid);

impl Guid {
    /// The guid that always comes of these texts: 120 bits of their hash.
    pub fn derived(from: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for text in from {
            // The length before each keeps ("ab", "c") and ("a", "bc") apart.
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        Self(base32().encode(&digest.finalize()[..15]))
    }
}

/// The id of a team: 24 lower-case hex digits (003 9.2.2 `_id`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TeamId(String);

impl TeamId {
    /// A new one with 96 random bits. It is no secret.
    pub fn random() -> Self {
        Self(data_encoding::HEXLOWER.encode(&random_bytes::<12>()))
    }

    /// The id that always comes of these texts.
    pub fn derived(from: &[&str]) -> Self {
        Self(data_encoding::HEXLOWER.encode(&Sha256::digest(from.join("\0").as_bytes())[..12]))
    }

    /// The 24 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TeamId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let fits = text.len() == 24
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedId)
        }
    }
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(TeamId);

/// The type of a store item's binary (003 2.6.5.1).
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Debug,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = MalformedId, parse_err_fn = unknown_type)]
pub enum BinaryType {
    /// An Android package.
    Android,
    /// An iOS package for the iPhone.
    Iphone,
    /// An iOS package for the iPad.
    Ipad,
    /// An iOS package for every device.
    Ios,
}

impl BinaryType {
    /// All of them, in the order of the numbers in an app's id.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The words of all of them, for a sentence: `android, iphone, ipad, ios`.
    pub fn words() -> String {
        <Self as strum::VariantNames>::VARIANTS.join(", ")
    }

    /// The word of the documents: `android`, `iphone`, `ipad` or `ios`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The content type under which such a binary is kept and handed out.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Android => "application/vnd.android.package-archive",
            Self::Iphone | Self::Ipad | Self::Ios => "application/octet-stream",
        }
    }

    /// The extension of the names of packages of that type, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Android => "apk",
            Self::Iphone | Self::Ipad | Self::Ios => "ipa",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Android => 1,
            Self::Iphone => 2,
            Self::Ipad => 3,
            Self::Ios => 4,
        }
    }
}

fn unknown_type(_: &str) -> MalformedId {
    MalformedId
}

/// The id of an app: 120 bits = 48 of time, 69 random, 3 for the type of binary (0 = the item
/// itself).
///
/// RHMAP prints it as a 24-character guid, WSO2 as a UUIDv8, Apperian as the 22-character base64url
/// of the UUID's bytes. All three are parsed, none needs a look-up. Made in order of time, so that
/// a listing by id is a listing by creation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId([u8; 15]);

const TYPE_BITS: u8 = 0b111;

impl AppId {
    /// A new item's id, made at `now`.
    pub fn new(now: Timestamp) -> Self {
        let mut bytes = [0; 15];
        bytes[..6].copy_from_slice(&now.0.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random_bytes::<9>());
        bytes[14] &= !TYPE_BITS;
        Self(bytes)
    }

    /// The id of the item itself, whatever binary of it this id names.
    pub fn item(self) -> Self {
        let mut bytes = self.0;
        bytes[14] &= !TYPE_BITS;
        Self(bytes)
    }

    /// The id of this item's binary of that type: stable over all its versions.
    pub fn binary(self, kind: BinaryType) -> Self {
        let mut bytes = self.item().0;
        bytes[14] |= kind.number();
        Self(bytes)
    }

    /// The type of binary that this id names, `None` for the item itself.
    pub fn kind(self) -> Option<BinaryType> {
        BinaryType::ALL
            .iter()
            .copied()
            .find(|kind| kind.number() == self.0[14] & TYPE_BITS)
    }

    /// 30 hex digits, the sort key under which the item is kept: text order is creation order.
    pub fn sort_key(self) -> String {
        data_encoding::HEXLOWER.encode(&self.item().0)
    }

    /// Reads a [`sort_key`](Self::sort_key) back.
    ///
    /// # Errors
    /// Malformed for what is not 30 hex digits of an item's id.
    pub fn from_sort_key(text: &str) -> Result<Self, MalformedId> {
        let bytes = data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| MalformedId)?;
        Self::checked(bytes.try_into().map_err(|_| MalformedId)?)
    }

    /// RHMAP's spelling: 24 characters of `[a-z2-7]`.
    pub fn guid(self) -> String {
        base32().encode(&self.0)
    }

    /// WSO2's spelling: the UUIDv8 that holds the 120 bits (version and variant take the other 8,
    /// two of them zero).
    pub fn uuid(self) -> String {
        let hex = data_encoding::HEXLOWER.encode(&self.uuid_bytes());
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    /// Apperian's spelling: the 22-character base64url of the UUID's 16 bytes.
    pub fn base64url(self) -> String {
        URL_SAFE_NO_PAD.encode(self.uuid_bytes())
    }

    /// 48 bits, `8`, 12 bits, `10`, 60 bits, and two zero bits.
    fn uuid_bytes(self) -> [u8; 16] {
        let mut wide = [0; 16];
        wide[1..].copy_from_slice(&self.0);
        let value = u128::from_be_bytes(wide);
        let (time, middle, low) = (value >> 72, (value >> 60) & 0xfff, value & ((1 << 60) - 1));
        ((time << 80) | (8 << 76) | (middle << 64) | (0b10 << 62) | (low << 2)).to_be_bytes()
    }

    fn from_uuid_bytes(bytes: [u8; 16]) -> Result<Self, MalformedId> {
        let value = u128::from_be_bytes(bytes);
        if (value >> 76) & 0xf != 8 || (value >> 62) & 0b11 != 0b10 || value & 0b11 != 0 {
            return Err(MalformedId);
        }
        let packed = ((value >> 80) << 72)
            | (((value >> 64) & 0xfff) << 60)
            | ((value >> 2) & ((1 << 60) - 1));
        let mut id = [0; 15];
        id.copy_from_slice(&packed.to_be_bytes()[1..]);
        Self::checked(id)
    }

    fn checked(bytes: [u8; 15]) -> Result<Self, MalformedId> {
        if bytes[14] & TYPE_BITS > 4 {
            Err(MalformedId)
        } else {
            Ok(Self(bytes))
        }
    }
}

impl FromStr for AppId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        match text.len() {
            24 => {
                let bytes = base32().decode(text.as_bytes()).map_err(|_| MalformedId)?;
                Self::checked(bytes.try_into().map_err(|_| MalformedId)?)
            }
            36 => {
                let dashes = [8, 13, 18, 23];
                let right = text
                    .bytes()
                    .enumerate()
                    .all(|(at, b)| (b == b'-') == dashes.contains(&at));
                let hex: String = text
                    .chars()
                    .filter(|c| *c != '-')
                    .collect::<String>()
                    .to_lowercase();
                let bytes = data_encoding::HEXLOWER
                    .decode(hex.as_bytes())
                    .map_err(|_| MalformedId)?;
                let bytes = bytes.try_into().map_err(|_| MalformedId)?;
                if right {
                    Self::from_uuid_bytes(bytes)
                } else {
                    Err(MalformedId)
                }
            }
            22 => {
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| MalformedId)?;
                Self::from_uuid_bytes(bytes.try_into().map_err(|_| MalformedId)?)
            }
            _ => Err(MalformedId),
        }
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.guid())
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.guid())
    }
}

serde_as_text!(AppId);

/// The id of an app as a client wrote it: ours, or a well-formed guid of other origin, which
/// nothing here answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppRef {
    /// An id in one of our three spellings.
    Ours(AppId),
    /// 24 characters that this product never made.
    Foreign,
}

impl AppRef {
    /// The item that is named.
    ///
    /// # Errors
    /// Not found `invalid_guid` for an id of other origin.
    pub fn ours(&self) -> Result<AppId, crate::base::error::Error> {
        match self {
            Self::Ours(id) => Ok(id.item()),
            Self::Foreign => Err(crate::base::error::Error::not_found(
                Code::InvalidGuid.beside("There is no app with this guid in this domain"),
            )),
        }
    }

    /// The item or binary that is named.
    ///
    /// # Errors
    /// As [`ours`](Self::ours).
    pub fn exact(&self) -> Result<AppId, crate::base::error::Error> {
        match self {
            Self::Ours(id) => Ok(*id),
            Self::Foreign => Err(crate::base::error::Error::not_found(
                Code::InvalidGuid.beside("There is no app with this guid in this domain"),
            )),
        }
    }
}

impl FromStr for AppRef {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        match text.parse() {
            Ok(id) => Ok(Self::Ours(id)),
            Err(_) => text.parse::<Guid>().map(|_| Self::Foreign),
        }
    }
}

impl<'de> Deserialize<'de> for AppRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::base::lenient::text(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock;

    #[test]
    fn an_app_id_survives_its_three_spellings() {
        for round in 0..10_000_i64 {
            let item = AppId::new(clock::Timestamp(1_700_000_000_000 + round * 977_431));
            for id in [
                item,
                item.binary(BinaryType::Android),
                item.binary(BinaryType::Ios),
            ] {
                assert_eq!(id.guid().parse(), Ok(id));
                assert_eq!(id.uuid().parse(), Ok(id));
                assert_eq!(id.base64url().parse(), Ok(id));
                assert_eq!(
                    (id.guid().len(), id.uuid().len(), id.base64url().len()),
                    (24, 36, 22)
                );
                assert_eq!(id.item(), item);
                assert_eq!(AppId::from_sort_key(&id.sort_key()), Ok(item));
            }
            assert_eq!(item.kind(), None);
            assert_eq!(item.binary(BinaryType::Ipad).kind(), Some(BinaryType::Ipad));
            assert_eq!(&item.uuid()[14..15], "8");
        }
    }

    #[test]
    fn later_items_sort_later() {
        let (earlier, later) = (
            AppId::new(clock::Timestamp(1_000)),
            AppId::new(clock::Timestamp(1_001)),
        );
        assert!(earlier.sort_key() < later.sort_key());
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "abc",
            "ABCDEFGHIJKLMNOPQRSTUVWX",
            "........................",
            "5w477lfgy3jrnovri7gctsb8",
            "'; drop table apps; --   ",
        ] {
            assert_eq!(text.parse::<AppId>(), Err(MalformedId), "{text}");
        }
        assert_eq!("ajBTU-_UMtc7ggOCL6MbZRP_".parse(), Ok(AppRef::Foreign));
        assert_eq!(
            "ajBTU-_UMtc7ggOCL6MbZRP".parse::<AppRef>(),
            Err(MalformedId)
        );
        assert!("ajBTU/_UMtc7ggOCL6MbZRP_".parse::<Guid>().is_err());
    }

    #[test]
    fn a_handle_comes_from_the_name() {
        assert_eq!(TenantId::of_name("Dev"), TenantId::of_name("dev"));
        assert_eq!(
            TenantId::of_name("dev").to_string().parse(),
            Ok(TenantId::of_name("dev"))
        );
    }
}
