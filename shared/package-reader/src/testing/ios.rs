//! IPAs: property lists, Apple's pictures, provisioning profiles.

use std::time::{Duration, SystemTime};

use plist::{Dictionary, Value};

use super::android::der;
use super::archive::{Part, deflate, zip};

/// What a provisioning profile is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileKind {
    /// `development`
    Development,
    /// `ad-hoc`
    AdHoc,
    /// `enterprise`
    Enterprise,
    /// `app-store`
    AppStore,
}

/// An app.
#[derive(Clone, Debug)]
pub struct Ipa {
    /// `CFBundleIdentifier`.
    pub bundle_id: String,
    /// `CFBundleVersion`.
    pub version: String,
    /// `CFBundleShortVersionString`.
    pub short_version: String,
    /// `CFBundleDisplayName`.
    pub name: String,
    /// `MinimumOSVersion`.
    pub min_os: String,
    /// `UIDeviceFamily`.
    pub families: Vec<u8>,
    /// Whether property lists are binary.
    pub binary: bool,
    /// Pixels of the icon's side in its biggest variant, in Apple's variant of PNG; 0 for no icon.
    pub icon: u32,
    /// The profile, its number of devices, and when it expires in seconds since 1970.
    pub profile: Option<(ProfileKind, usize, u64)>,
    /// When the certificates in the profile expire, in seconds since 1970.
    pub certificates: Vec<u64>,
    /// Whether the profile has the encoding of indefinite lengths that some real ones have.
    pub indefinite: bool,
    /// Further entries.
    pub more: Vec<(String, Vec<u8>)>,
}

impl Default for Ipa {
    fn default() -> Ipa {
        Ipa {
            bundle_id: "com.example.app".to_owned(),
            version: "1".to_owned(),
            short_version: "1.0".to_owned(),
            name: "Example".to_owned(),
            min_os: "15.0".to_owned(),
            families: vec![1, 2],
            binary: true,
            icon: 120,
            profile: Some((ProfileKind::AdHoc, 3, 1_893_456_000)),
            certificates: Vec::new(),
            indefinite: false,
            more: Vec::new(),
        }
    }
}

/// A property list from pairs.
pub fn dictionary(pairs: &[(&str, Value)]) -> Dictionary {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

/// The bytes of a property list.
pub fn property_list(list: Dictionary, binary: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let value = Value::Dictionary(list);
    let result = if binary {
        value.to_writer_binary(&mut out)
    } else {
        value.to_writer_xml(&mut out)
    };
    result.expect("memory can be written to");
    out
}

/// A profile around a property list.
pub fn profile(list: &[u8], indefinite: bool) -> Vec<u8> {
    let oid = |last: u8| {
        vec![
            0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, last,
        ]
    };
    if indefinite {
        const END: &[u8] = &[0, 0];
        let open = |tag: u8| vec![tag, 0x80];
        let (front, back) = list.split_at(list.len() / 2);
        let text = [
            open(0x24),
            der(0x04, &[front]),
            der(0x04, &[back]),
            END.to_vec(),
        ]
        .concat();
        let inner = [
            open(0x30),
            oid(1),
            open(0xa0),
            text,
            END.to_vec(),
            END.to_vec(),
        ]
        .concat();
        let signed = [
            open(0x30),
            vec![0x02, 1, 1, 0x31, 0],
            inner,
            vec![0x31, 0],
            END.to_vec(),
        ]
        .concat();
        return [
            open(0x30),
            oid(2),
            open(0xa0),
            signed,
            END.to_vec(),
            END.to_vec(),
        ]
        .concat();
    }
    let text = der(0xa0, &[&der(0x04, &[list])]);
    let inner = der(0x30, &[&oid(1), &text]);
    let signed = der(0x30, &[&[0x02, 1, 1, 0x31, 0], &inner, &[0x31, 0]]);
    der(0x30, &[&oid(2), &der(0xa0, &[&signed])])
}

/// The pattern of [`super::pattern`] in Apple's variant of PNG.
pub fn apple_png(width: u32, height: u32) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            let [red, green, blue, alpha] = super::pattern(x, y, width, height);
            let multiplied =
                |colour: u8| ((u32::from(colour) * u32::from(alpha) + 127) / 255) as u8;
            rows.extend([multiplied(blue), multiplied(green), multiplied(red), alpha]);
        }
    }
    apple_png_of(width, height, &deflate(&rows))
}

/// A certificate of nobody, signed by nobody, that expires so many seconds after 1970: as far as
/// reading it needs.
pub fn certificate(expires: u64) -> Vec<u8> {
    let time = |seconds: u64| {
        let date = plist::Date::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .to_xml_format();
        let digits: String = date
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == 'Z')
            .collect();
        // Years to 2049 have two digits (RFC 5280 4.1.2.5).
        if digits.as_str() < "2050" {
            der(0x17, &[&digits.as_bytes()[2..]])
        } else {
            der(0x18, &[digits.as_bytes()])
        }
    };
    let algorithm = der(
        0x30,
        &[
            &[
                0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b,
            ],
            &[5, 0],
        ],
    );
    let (name, bits) = (der(0x30, &[]), der(0x03, &[&[0]]));
    let validity = der(0x30, &[&time(0), &time(expires)]);
    let key = der(0x30, &[&algorithm, &bits]);
    let content = der(
        0x30,
        &[&[2, 1, 1], &algorithm, &name, &validity, &name, &key],
    );
    der(0x30, &[&content, &algorithm, &bits])
}

/// Apple's variant of PNG around deflated rows.
pub fn apple_png_of(width: u32, height: u32, rows: &[u8]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut add = |kind: &[u8], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        out.extend_from_slice(&(data.len() as u32).to_be_bytes());
        out.extend_from_slice(kind);
        out.extend_from_slice(data);
        out.extend_from_slice(&crc.sum().to_be_bytes());
    };
    add(b"CgBI", &[0x50, 0, 0x20, 0x06]);
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    add(b"IHDR", &[&size[..], &[8, 6, 0, 0, 0]].concat());
    add(b"IDAT", rows);
    add(b"IEND", &[]);
    out
}

impl Ipa {
    /// Its Info.plist.
    pub fn info(&self) -> Dictionary {
        let text = |text: &str| Value::String(text.to_owned());
        let mut info = dictionary(&[
            ("CFBundlePackageType", text("APPL")),
            ("CFBundleIdentifier", text(&self.bundle_id)),
            ("CFBundleVersion", text(&self.version)),
            ("CFBundleShortVersionString", text(&self.short_version)),
            ("CFBundleDisplayName", text(&self.name)),
            ("CFBundleExecutable", text("Example")),
            ("MinimumOSVersion", text(&self.min_os)),
            (
                "UIDeviceFamily",
                Value::Array(
                    self.families
                        .iter()
                        .map(|f| Value::Integer((*f).into()))
                        .collect(),
                ),
            ),
        ]);
        if self.icon > 0 {
            let files = Value::Array(vec![text("AppIcon60x60"), text("AppIcon29x29")]);
            let primary = Value::Dictionary(dictionary(&[("CFBundleIconFiles", files)]));
            let icons = dictionary(&[("CFBundlePrimaryIcon", primary)]);
            info.insert("CFBundleIcons".to_owned(), Value::Dictionary(icons));
        }
        info
    }

    fn profile_list(&self, kind: ProfileKind, devices: usize, expires: u64) -> Dictionary {
        let text = |text: &str| Value::String(text.to_owned());
        let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(expires);
        let debuggable = Value::Boolean(kind == ProfileKind::Development);
        let mut list = dictionary(&[
            ("Name", text("Example Profile")),
            ("UUID", text("00000000-1111-2222-3333-444444444444")),
            ("TeamName", text("Example Team")),
            ("TeamIdentifier", Value::Array(vec![text("A1B2C3D4E5")])),
            ("ExpirationDate", Value::Date(expires.into())),
            (
                "Entitlements",
                Value::Dictionary(dictionary(&[("get-task-allow", debuggable)])),
            ),
        ]);
        if !self.certificates.is_empty() {
            let certificates = self
                .certificates
                .iter()
                .map(|expires| Value::Data(certificate(*expires)))
                .collect();
            list.insert(
                "DeveloperCertificates".to_owned(),
                Value::Array(certificates),
            );
        }
        match kind {
            ProfileKind::Enterprise => {
                list.insert("ProvisionsAllDevices".to_owned(), Value::Boolean(true));
            }
            ProfileKind::AppStore => {}
            ProfileKind::Development | ProfileKind::AdHoc => {
                let devices = (0..devices)
                    .map(|number| text(&format!("{number:040x}")))
                    .collect();
                list.insert("ProvisionedDevices".to_owned(), Value::Array(devices));
            }
        }
        list
    }

    /// Its entries, for those who want to spoil some.
    pub fn parts(&self) -> Vec<Part> {
        let list = |list| property_list(list, self.binary);
        let nested = |kind: &str, id: &str| {
            let text = |text: &str| Value::String(text.to_owned());
            list(dictionary(&[
                ("CFBundlePackageType", text(kind)),
                ("CFBundleIdentifier", text(id)),
            ]))
        };
        let app = "Payload/Example.app";
        let mut parts = vec![
            Part::stored("Payload/", b""),
            Part::deflated(
                format!("{app}/Watch/Wrist.app/Info.plist"),
                &nested("APPL", "com.example.wrist"),
            ),
            Part::deflated(
                format!("{app}/PlugIns/Share.appex/Info.plist"),
                &nested("XPC!", "com.example.share"),
            ),
            Part::deflated(
                format!("{app}/Frameworks/Kit.framework/Info.plist"),
                &nested("FMWK", "com.example.kit"),
            ),
            Part::deflated(format!("{app}/Info.plist"), &list(self.info())),
            Part::deflated(format!("{app}/Example"), b"\xcf\xfa\xed\xfe"),
        ];
        if self.icon > 0 {
            let small = self.icon.div_ceil(4);
            parts.push(Part::deflated(
                format!("{app}/AppIcon29x29.png"),
                &apple_png(small, small),
            ));
            parts.push(Part::deflated(
                format!("{app}/AppIcon60x60@2x.png"),
                &apple_png(self.icon, self.icon),
            ));
        }
        if let Some((kind, devices, expires)) = self.profile {
            let profile = profile(
                &property_list(self.profile_list(kind, devices, expires), false),
                self.indefinite,
            );
            parts.push(Part::deflated(
                format!("{app}/embedded.mobileprovision"),
                &profile,
            ));
        }
        parts.extend(
            self.more
                .iter()
                .map(|(name, content)| Part::deflated(name, content)),
        );
        parts
    }

    /// The IPA.
    pub fn build(&self) -> Vec<u8> {
        zip(&self.parts())
    }
}
