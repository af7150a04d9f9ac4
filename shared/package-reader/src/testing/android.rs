//! APKs: binary XML, tables of resources, signatures.

use sha2::{Digest, Sha256};

use super::archive::{Part, zip};

/// A value in binary XML or in a table.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// A number.
    Number(u32),
    /// A reference to a resource.
    Reference(u32),
}

/// Android's own attributes that the builder knows, with their ids.
const KNOWN: [(&str, u32); 11] = [
    ("label", 0x0101_0001),
    ("icon", 0x0101_0002),
    ("name", 0x0101_0003),
    ("src", 0x0101_0119),
    ("drawable", 0x0101_0199),
    ("minSdkVersion", 0x0101_020c),
    ("versionCode", 0x0101_021b),
    ("versionName", 0x0101_021c),
    ("targetSdkVersion", 0x0101_0270),
    ("roundIcon", 0x0101_052c),
    ("versionCodeMajor", 0x0101_0576),
];

const ANDROID: &str = "http://schemas.android.com/apk/res/android";

/// Writes a binary XML document.
#[derive(Clone, Debug)]
pub struct XmlWriter {
    strings: Vec<String>,
    nodes: Vec<u8>,
    open: Vec<u32>,
}

impl Default for XmlWriter {
    fn default() -> XmlWriter {
        XmlWriter {
            strings: KNOWN.iter().map(|(name, _)| (*name).to_owned()).collect(),
            nodes: Vec::new(),
            open: Vec::new(),
        }
    }
}

fn chunk(kind: u16, header: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = kind.to_le_bytes().to_vec();
    out.extend_from_slice(&(8 + header.len() as u16).to_le_bytes());
    let padding = (4 - (header.len() + body.len()) % 4) % 4;
    out.extend_from_slice(&((8 + header.len() + body.len() + padding) as u32).to_le_bytes());
    out.extend_from_slice(header);
    out.extend_from_slice(body);
    out.extend(std::iter::repeat_n(0, padding));
    out
}

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// A pool of strings in UTF-16, which has no small limit of length.
pub fn string_pool(strings: &[String]) -> Vec<u8> {
    let mut offsets = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for string in strings {
        offsets.extend_from_slice(&(data.len() as u32).to_le_bytes());
        let units: Vec<u16> = string.encode_utf16().collect();
        if units.len() > 0x7fff {
            data.extend_from_slice(&(0x8000 | (units.len() >> 16) as u16).to_le_bytes());
        }
        data.extend_from_slice(&(units.len() as u16).to_le_bytes());
        data.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        data.extend_from_slice(&[0, 0]);
    }
    let start = 28 + offsets.len() as u32;
    chunk(
        0x0001,
        &words(&[strings.len() as u32, 0, 0, start, 0]),
        &[offsets, data].concat(),
    )
}

impl XmlWriter {
    fn string(&mut self, text: &str) -> u32 {
        let known = self
            .strings
            .iter()
            .skip(KNOWN.len())
            .position(|string| string == text);
        known.map_or_else(
            || {
                self.strings.push(text.to_owned());
                self.strings.len() - 1
            },
            |at| at + KNOWN.len(),
        ) as u32
    }

    /// Begins an element. Attributes that Android knows get its namespace and id.
    pub fn start(&mut self, name: &str, attributes: &[(&str, Value)]) -> &mut XmlWriter {
        let name = self.string(name);
        let mut encoded = Vec::new();
        for (attribute, value) in attributes {
            let (namespace, index) = match KNOWN.iter().position(|(known, _)| known == attribute) {
                Some(index) => (self.string(ANDROID), index as u32),
                None => (u32::MAX, self.string(attribute)),
            };
            let (raw, kind, data) = match value {
                Value::Text(text) => {
                    let text = self.string(text);
                    (text, 0x03, text)
                }
                Value::Number(number) => (u32::MAX, 0x10, *number),
                Value::Reference(id) => (u32::MAX, 0x01, *id),
            };
            encoded.extend(words(&[namespace, index, raw, 8 | kind << 24, data]));
        }
        let mut body = words(&[u32::MAX, name, 20 << 16 | 20, attributes.len() as u32, 0]);
        body.extend(encoded);
        self.nodes
            .extend(chunk(0x0102, &words(&[1, u32::MAX]), &body));
        self.open.push(name);
        self
    }

    /// Ends the innermost element.
    pub fn end(&mut self) -> &mut XmlWriter {
        let name = self.open.pop().expect("an element is open");
        self.nodes.extend(chunk(
            0x0103,
            &words(&[1, u32::MAX]),
            &words(&[u32::MAX, name]),
        ));
        self
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, Value)]) -> &mut XmlWriter {
        self.start(name, attributes).end()
    }

    /// The document, with everything ended.
    pub fn finish(&mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.end();
        }
        self.unfinished()
    }

    /// The document, with what is open left open.
    pub fn unfinished(&self) -> Vec<u8> {
        let ids: Vec<u32> = KNOWN.iter().map(|(_, id)| *id).collect();
        let pool = string_pool(&self.strings);
        chunk(
            0x0003,
            &[],
            &[pool, chunk(0x0180, &[], &words(&ids)), self.nodes.clone()].concat(),
        )
    }
}

/// A table of resources of the package 0x7f. Ids are `0x7f000000 | type << 16 | entry`, types count
/// from 1.
#[derive(Clone, Debug, Default)]
pub struct Table {
    strings: Vec<String>,
    types: Vec<u8>,
    kinds: Vec<u8>,
}

impl Table {
    /// Adds the entries of a type for a density (0 for none) and a language (two letters, or
    /// empty).
    pub fn add(
        &mut self,
        kind: u8,
        density: u16,
        language: &str,
        entries: &[Option<Value>],
    ) -> &mut Table {
        let mut offsets = Vec::new();
        let mut items = Vec::new();
        for entry in entries {
            let Some(value) = entry else {
                offsets.push(u32::MAX);
                continue;
            };
            offsets.push(items.len() as u32);
            let (kind, data) = match value {
                Value::Text(text) => {
                    self.strings.push(text.clone());
                    (0x03, self.strings.len() as u32 - 1)
                }
                Value::Number(number) => (0x10, *number),
                Value::Reference(id) => (0x01, *id),
            };
            items.extend(words(&[8, 0, 8 | kind << 24, data]));
        }
        let mut config = vec![0u8; 64];
        config[0] = 64;
        config[8..8 + language.len()].copy_from_slice(language.as_bytes());
        config[14..16].copy_from_slice(&density.to_le_bytes());
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
            let flags = words(&vec![0; entries.len()]);
            let spec = words(&[u32::from(kind), entries.len() as u32]);
            self.types.extend(chunk(0x0202, &spec, &flags));
        }
        let start = 84 + 4 * entries.len() as u32;
        let mut header = words(&[u32::from(kind), entries.len() as u32, start]);
        header.extend(config);
        self.types
            .extend(chunk(0x0201, &header, &[words(&offsets), items].concat()));
        self
    }

    /// The table.
    pub fn build(&self) -> Vec<u8> {
        let names: Vec<String> = (1..=self.kinds.iter().copied().max().unwrap_or(0))
            .map(|kind| format!("type{kind}"))
            .collect();
        let (types, keys) = (string_pool(&names), string_pool(&["key".to_owned()]));
        let mut header = words(&[0x7f]);
        header.extend([0; 256]);
        header.extend(words(&[288, 0, 288 + types.len() as u32, 0, 0]));
        let package = chunk(0x0200, &header, &[types, keys, self.types.clone()].concat());
        chunk(
            0x0002,
            &words(&[1]),
            &[string_pool(&self.strings), package].concat(),
        )
    }
}

/// An app.
#[derive(Clone, Debug)]
pub struct Apk {
    /// The package name.
    pub package: String,
    /// `versionCode`.
    pub version_code: u32,
    /// `versionName`.
    pub version_name: String,
    /// The label.
    pub label: String,
    /// Whether the label stands in the table of resources, behind two references, or in the
    /// manifest itself.
    pub label_in_table: bool,
    /// `minSdkVersion`.
    pub min_sdk: Option<u32>,
    /// `targetSdkVersion`.
    pub target_sdk: Option<u32>,
    /// Names of the permissions that it uses.
    pub permissions: Vec<String>,
    /// Pixels of the icon's side in its sharpest variant; 0 for no icon.
    pub icon: u32,
    /// Whether the icon is also there as a drawing for newer systems.
    pub adaptive_icon: bool,
    /// Further entries.
    pub more: Vec<(String, Vec<u8>)>,
}

impl Default for Apk {
    fn default() -> Apk {
        Apk {
            package: "com.example.app".to_owned(),
            version_code: 1,
            version_name: "1.0".to_owned(),
            label: "Example".to_owned(),
            label_in_table: true,
            min_sdk: Some(24),
            target_sdk: Some(34),
            permissions: vec!["android.permission.INTERNET".to_owned()],
            icon: 96,
            adaptive_icon: false,
            more: Vec::new(),
        }
    }
}

const LABEL: u32 = 0x7f01_0000;
const ICON: u32 = 0x7f02_0000;
const FOREGROUND: u32 = 0x7f03_0000;

impl Apk {
    /// The manifest.
    pub fn manifest(&self) -> Vec<u8> {
        self.manifest_writer().finish()
    }

    /// The manifest before it is finished: inside of its root.
    pub fn manifest_writer(&self) -> XmlWriter {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut xml = XmlWriter::default();
        xml.start(
            "manifest",
            &[
                ("versionCode", Value::Number(self.version_code)),
                ("versionName", text(&self.version_name)),
                ("package", text(&self.package)),
            ],
        );
        let sdks = [
            ("minSdkVersion", self.min_sdk),
            ("targetSdkVersion", self.target_sdk),
        ];
        let sdks: Vec<_> = sdks
            .into_iter()
            .filter_map(|(name, sdk)| Some((name, Value::Number(sdk?))))
            .collect();
        if !sdks.is_empty() {
            xml.empty("uses-sdk", &sdks);
        }
        for permission in &self.permissions {
            xml.empty("uses-permission", &[("name", text(permission))]);
        }
        let label = if self.label_in_table {
            Value::Reference(LABEL)
        } else {
            text(&self.label)
        };
        let mut attributes = vec![("label", label)];
        if self.icon > 0 {
            attributes.push(("icon", Value::Reference(ICON)));
        }
        xml.start("application", &attributes);
        xml.start(
            "activity",
            &[("name", text(".Main")), ("label", text("Not the label"))],
        )
        .end()
        .end();
        xml
    }

    /// The table of resources.
    pub fn table(&self) -> Vec<u8> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let mut table = Table::default();
        table.add(1, 0, "fr", &[text("Étiquette"), text("Étiquette")]);
        table.add(
            1,
            0,
            "",
            &[Some(Value::Reference(LABEL + 1)), text(&self.label)],
        );
        if self.icon > 0 && self.adaptive_icon {
            table.add(2, 0xfffe, "", &[text("res/icon-any.xml")]);
            table.add(3, 160, "", &[text("res/front-m.png")]);
            table.add(3, 480, "", &[text("res/front-xx.png")]);
        } else if self.icon > 0 {
            table.add(2, 120, "", &[text("res/icon-l.png")]);
            table.add(2, 480, "", &[text("res/icon-xx.png")]);
            table.add(2, 160, "", &[text("res/icon-m.png")]);
        }
        table.build()
    }

    /// Its entries, for those who want to spoil some.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = vec![
            Part::deflated("AndroidManifest.xml", &self.manifest()),
            Part::stored("resources.arsc", &self.table()),
            Part::deflated("classes.dex", b"dex\n035\0"),
        ];
        if self.icon > 0 {
            let (small, large) = (
                super::png(self.icon.div_ceil(4), self.icon.div_ceil(4)),
                super::png(self.icon, self.icon),
            );
            if self.adaptive_icon {
                let mut xml = XmlWriter::default();
                xml.start("adaptive-icon", &[]);
                xml.empty("background", &[("drawable", Value::Reference(0x7f04_0000))]);
                xml.empty("foreground", &[("drawable", Value::Reference(FOREGROUND))]);
                parts.push(Part::deflated("res/icon-any.xml", &xml.finish()));
                parts.push(Part::stored("res/front-m.png", &small));
                parts.push(Part::stored("res/front-xx.png", &large));
            } else {
                parts.push(Part::stored("res/icon-l.png", &small));
                parts.push(Part::stored("res/icon-m.png", &small));
                parts.push(Part::stored("res/icon-xx.png", &large));
            }
        }
        parts.extend(
            self.more
                .iter()
                .map(|(name, content)| Part::deflated(name, content)),
        );
        parts
    }

    /// The unsigned APK.
    pub fn build(&self) -> Vec<u8> {
        zip(&self.parts())
    }

    /// The APK signed with a key that is made from `signer`: schemes 2 and 3, and 1 if an old
    /// system may install it. Also gives the SHA-256 of the certificate. Works in a temporary file.
    pub fn build_signed(&self, signer: &str) -> (Vec<u8>, String) {
        sign(&self.build(), signer)
    }
}

/// Signs an APK; see [`Apk::build_signed`].
pub fn sign(apk: &[u8], signer: &str) -> (Vec<u8>, String) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!(
        "package-reader-{}-{number}.apk",
        std::process::id()
    ));
    std::fs::write(&path, apk).expect("a temporary file can be written");
    let identity = identity(signer);
    let fingerprint = identity.certificate().sha256_fingerprint();
    apk::sign::Signer::new(identity)
        .sign_file(&path)
        .expect("the APK can be signed");
    let signed = std::fs::read(&path).expect("the signed file can be read");
    std::fs::remove_file(&path).expect("the temporary file can be removed");
    (
        signed,
        fingerprint
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    )
}

/// Distinguished encoding: a tag, a length, the contents.
pub fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let content = contents.concat();
    let mut out = vec![tag];
    match content.len() {
        length @ 0..0x80 => out.push(length as u8),
        length @ 0x80..0x100 => out.extend([0x81, length as u8]),
        length @ 0x100..0x1_0000 => out.extend([0x82, (length >> 8) as u8, length as u8]),
        length => out.extend([
            0x83,
            (length >> 16) as u8,
            (length >> 8) as u8,
            length as u8,
        ]),
    }
    out.extend(content);
    out
}

/// A P-256 key that is the hash of a name, with a certificate whose own signature nobody checks.
fn identity(name: &str) -> apk::sign::SigningIdentity {
    const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    const ECDSA_SHA256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    let secret = Sha256::digest(name.as_bytes());
    let key = der(
        0x30,
        &[
            &der(0x02, &[&[1]]),
            &der(0x04, &[&secret]),
            &der(0xa0, &[&P256]),
        ],
    );
    let key = apk::sign::PrivateKey::from_sec1_der(&key).expect("a hash is a key");
    let public = key
        .public_key()
        .to_spki_der()
        .expect("a public key can be encoded");
    let algorithm = der(0x30, &[&ECDSA_SHA256]);
    let subject = der(
        0x30,
        &[&der(
            0x31,
            &[&der(0x30, &[&COMMON_NAME, &der(0x0c, &[name.as_bytes()])])],
        )],
    );
    let validity = der(
        0x30,
        &[
            &der(0x17, &[b"250101000000Z"]),
            &der(0x17, &[b"450101000000Z"]),
        ],
    );
    let body = der(
        0x30,
        &[
            &der(0xa0, &[&der(0x02, &[&[2]])]),
            &der(0x02, &[&[1]]),
            &algorithm,
            &subject,
            &validity,
            &subject,
            &public,
        ],
    );
    let signature = der(0x30, &[&der(0x02, &[&[1]]), &der(0x02, &[&[1]])]);
    let certificate = der(0x30, &[&body, &algorithm, &der(0x03, &[&[0], &signature])]);
    let certificate =
        apk::sign::Certificate::from_der(&certificate).expect("the certificate is well-formed");
    apk::sign::SigningIdentity::new(key, vec![certificate])
        .expect("key and certificate belong together")
}
