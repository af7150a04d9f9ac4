//! Apps of iOS with real executable files, and profiles for them.

use super::{PASSWORD, fixture};
use p12_keystore::Pkcs12Archive;
use package_reader::testing::archive::{Part, zip};
use package_reader::testing::ios::{dictionary, profile, property_list};
use plist::{Dictionary, Value};
use std::time::{Duration, SystemTime};

/// 2026-01-01, when apps are signed here.
pub const NOW: u64 = 1_767_225_600;

pub const APP: &str = "Payload/Example.app";

/// What an executable file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Program,
    Library,
}

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn name(text: &str) -> Vec<u8> {
    let mut name = text.as_bytes().to_vec();
    name.resize(16, 0);
    name
}

fn longs(values: &[u64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn segment(
    title: &str,
    address: u64,
    memory: u64,
    start: u64,
    length: u64,
    section: Option<(u64, u64)>,
) -> Vec<u8> {
    let mut body = [
        name(title),
        longs(&[address, memory, start, length]),
        words(&[5, 5, u32::from(section.is_some()), 0]),
    ]
    .concat();
    if let Some((start, length)) = section {
        body.extend(
            [
                name("__text"),
                name(title),
                longs(&[address + start, length]),
                words(&[start as u32, 2, 0, 0, 0x8000_0400, 0, 0, 0]),
            ]
            .concat(),
        );
    }
    command(0x19, &body)
}

fn command(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (8 + body.len()).next_multiple_of(8);
    let mut out = [words(&[kind, length as u32]), body.to_vec()].concat();
    out.resize(length, 0);
    out
}

/// A program of iOS 15 for arm64 that ends at once, or a library without anything, with that many
/// pages of code.
pub fn executable(kind: Kind, pages: u64) -> Vec<u8> {
    let text = pages * 0x4000;
    let code = text - 8;
    let base = if kind == Kind::Program {
        0x1_0000_0000
    } else {
        0
    };
    let mut commands = Vec::new();
    if kind == Kind::Program {
        commands.push(segment("__PAGEZERO", 0, base, 0, 0, None));
    }
    commands.push(segment("__TEXT", base, text, 0, text, Some((code, 8))));
    commands.push(segment("__LINKEDIT", base + text, 0x4000, text, 24, None));
    if kind == Kind::Library {
        commands.push(command(
            0xd,
            &[
                words(&[24, 2, 0x1_0000, 0x1_0000]),
                b"@rpath/library\0".to_vec(),
            ]
            .concat(),
        ));
    }
    commands.push(command(0x2, &words(&[text as u32, 0, text as u32, 24])));
    commands.push(command(0xb, &[0; 72]));
    commands.push(command(0x1b, &[7; 16]));
    commands.push(command(0x32, &words(&[2, 15 << 16, 17 << 16, 0])));
    if kind == Kind::Program {
        commands.push(command(
            0xe,
            &[words(&[12]), b"/usr/lib/dyld\0".to_vec()].concat(),
        ));
        commands.push(command(0x8000_0028, &longs(&[code, 0])));
    }
    let body = commands.concat();
    let kind = if kind == Kind::Program { 2 } else { 6 };
    let mut out = words(&[
        0xfeed_facf,
        0x0100_000c,
        0,
        kind,
        commands.len() as u32,
        body.len() as u32,
        0x0020_0085,
        0,
    ]);
    out.extend(body);
    let start = out.len();
    out.resize(code as usize, 0);
    // Something in each page that is not zero.
    for at in (start..code as usize).step_by(4096) {
        out[at] = (at >> 12) as u8 | 1;
    }
    out[start..start + 64].fill(0);
    // mov w0, #0; ret
    out.extend(words(&[0x5280_0000, 0xd65f_03c0]));
    out.extend([0; 24]);
    out
}

/// The same for iOS 9, which knows only SHA-1 in signatures.
pub fn old(mut program: Vec<u8>) -> Vec<u8> {
    let at = program
        .windows(12)
        .position(|window| window == [0x32, 0, 0, 0, 24, 0, 0, 0, 2, 0, 0, 0])
        .unwrap()
        + 12;
    program[at..at + 4].copy_from_slice(&words(&[9 << 16]));
    program
}

/// The programs in one file, as for several processors.
pub fn universal(programs: &[Vec<u8>]) -> Vec<u8> {
    let mut out = [0xcafe_babe_u32, programs.len() as u32]
        .map(u32::to_be_bytes)
        .concat();
    let mut at = 0x4000;
    for (number, program) in programs.iter().enumerate() {
        let record = [0x0100_000c, number as u32 * 2, at, program.len() as u32, 14]
            .map(u32::to_be_bytes)
            .concat();
        out.extend(record);
        at = (at + program.len() as u32).next_multiple_of(0x4000);
    }
    for program in programs {
        out.resize(out.len().next_multiple_of(0x4000), 0);
        out.extend(program);
    }
    out
}

pub fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

pub fn info(identifier: &str, executable: &str, kind: &str) -> Vec<u8> {
    let info = dictionary(&[
        ("CFBundleIdentifier", text(identifier)),
        ("CFBundleExecutable", text(executable)),
        ("CFBundlePackageType", text(kind)),
        ("CFBundleVersion", text("7")),
        ("CFBundleShortVersionString", text("1.2")),
        ("MinimumOSVersion", text("15.0")),
    ]);
    property_list(info, true)
}

/// An app with a framework, a library, an extension and resources, which was signed by somebody
/// else.
pub fn parts() -> Vec<Part> {
    let file = |path: &str, content: &[u8]| Part::deflated(format!("{APP}/{path}"), content);
    vec![
        Part::stored("Payload/", b""),
        Part {
            mode: 0o40_755,
            ..Part::stored(format!("{APP}/"), b"")
        },
        file("Info.plist", &info("com.example.app", "Example", "APPL")),
        Part {
            mode: 0o100_755,
            ..file("Example", &executable(Kind::Program, 3))
        },
        file("Assets.car", &[1; 70_000]),
        file("en.lproj/Localizable.strings", b"\"a\" = \"b\";"),
        file("appdepot/policy.json", b"{\"a\":1}"),
        file(
            "embedded.mobileprovision",
            &profile_of(profile_list("Z9Y8X7W6V5.com.example.app", &[], NOW)),
        ),
        file("_CodeSignature/CodeResources", b"the old one"),
        file(
            "Frameworks/Inner.framework/Info.plist",
            &info("com.example.inner", "Inner", "FMWK"),
        ),
        Part {
            mode: 0o100_755,
            ..file(
                "Frameworks/Inner.framework/Inner",
                &executable(Kind::Library, 1),
            )
        },
        Part {
            mode: 0o100_644,
            ..file(
                "Frameworks/libplain.dylib",
                &universal(&[executable(Kind::Library, 1), executable(Kind::Library, 2)]),
            )
        },
        file(
            "PlugIns/Share.appex/Info.plist",
            &info("com.example.app.share", "Share", "XPC!"),
        ),
        Part {
            mode: 0o100_755,
            ..file(
                "PlugIns/Share.appex/Share",
                &old(executable(Kind::Program, 1)),
            )
        },
        Part {
            mode: 0o120_755,
            ..Part::stored(
                format!("{APP}/Current.strings"),
                b"en.lproj/Localizable.strings",
            )
        },
        Part::stored("iTunesMetadata.plist", b"not part of the app"),
    ]
}

pub fn ipa() -> Vec<u8> {
    zip(&parts())
}

/// The list in a profile: for that application identifier, certificates and time of expiry.
pub fn profile_list(application: &str, certificates: &[&[u8]], expires: u64) -> Dictionary {
    let entitlements = dictionary(&[
        ("application-identifier", text(application)),
        ("com.apple.developer.team-identifier", text("A1B2C3D4E5")),
        ("get-task-allow", Value::Boolean(false)),
        (
            "keychain-access-groups",
            Value::Array(vec![text(application), text("com.apple.token")]),
        ),
        ("aps-environment", text("production")),
    ]);
    dictionary(&[
        ("Name", text("Example Profile")),
        ("UUID", text("00000000-1111-2222-3333-444444444444")),
        ("TeamName", text("Example Ltd")),
        ("TeamIdentifier", Value::Array(vec![text("A1B2C3D4E5")])),
        ("ProvisionsAllDevices", Value::Boolean(true)),
        (
            "ExpirationDate",
            Value::Date((SystemTime::UNIX_EPOCH + Duration::from_secs(expires)).into()),
        ),
        (
            "DeveloperCertificates",
            Value::Array(
                certificates
                    .iter()
                    .map(|der| Value::Data(der.to_vec()))
                    .collect(),
            ),
        ),
        ("Entitlements", Value::Dictionary(entitlements)),
    ])
}

/// A profile around a list.
pub fn profile_of(list: Dictionary) -> Vec<u8> {
    profile(&property_list(list, false), false)
}

/// The certificate in ios.p12.
pub fn certificate() -> Vec<u8> {
    Pkcs12Archive::from_pkcs12(&fixture("ios.p12"), PASSWORD)
        .unwrap()
        .certs[0]
        .cert
        .as_der()
        .to_vec()
}

/// A profile for every app that is signed with ios.p12.
pub fn any_profile() -> Vec<u8> {
    profile_of(profile_list("A1B2C3D4E5.*", &[&certificate()], NOW + 1))
}
