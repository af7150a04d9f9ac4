//! Signed IPAs. What is inside of the signatures is checked by tests/clients/verify_ipa.py, which
//! shares nothing with what wrote them: `APPDEPOT_KEEP_SIGNED=FOLDER cargo test -p package-writer
//! --test ios` leaves the files for it.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod support;

use std::io::Cursor;

use p12_keystore::Pkcs12Archive;
use package_reader::testing::Apk;
use package_reader::testing::archive::{Part, zip};
use package_reader::{Platform, RefusalCode, profile_contents, read_metadata};
use package_writer::{Identity, Refusal, WriteError, insert, sign_ios};
use plist::Value;
use support::ios::{
    APP, Kind, NOW, certificate, executable, info, ipa, parts, profile_list, profile_of,
};
use support::{Folder, PASSWORD, by_name, entries, fixture, identity};

fn profile() -> Vec<u8> {
    profile_of(profile_list(
        "A1B2C3D4E5.com.example.*",
        &[&certificate()],
        NOW + 1,
    ))
}

fn try_sign(ipa: &[u8], identity: &Identity, profile: &[u8]) -> Result<Vec<u8>, WriteError> {
    let folder = Folder::new();
    let (source, target, scratch) = (
        folder.file("source", ipa),
        folder.path("target"),
        folder.path("scratch"),
    );
    std::fs::create_dir(&scratch).unwrap();
    let result = sign_ios(&source, &target, identity, profile, NOW, &scratch);
    assert_eq!(
        std::fs::read_dir(&scratch).unwrap().count(),
        0,
        "the scratch folder is empty again"
    );
    assert_eq!(
        folder.names(),
        if result.is_ok() {
            vec!["scratch", "source", "target"]
        } else {
            vec!["scratch", "source"]
        }
    );
    result.map(|()| std::fs::read(target).unwrap())
}

fn signed(ipa: &[u8]) -> Vec<u8> {
    try_sign(ipa, &identity("ios.p12"), &profile()).unwrap()
}

fn refusal(ipa: &[u8], identity: &Identity, profile: &[u8]) -> Refusal {
    match try_sign(ipa, identity, profile) {
        Err(WriteError::Refused(refusal)) => {
            assert!(
                refusal.reason.ends_with('.')
                    && refusal.reason.len() < 400
                    && !refusal.reason.contains("/tmp"),
                "{refusal}"
            );
            refusal
        }
        other => panic!("{:?}", other.map(|bytes| bytes.len())),
    }
}

/// The content of an entry, unpacked.
fn content(ipa: &[u8], name: &str) -> Vec<u8> {
    let mut archive = package_reader::Archive::open(Cursor::new(ipa), ipa.len() as u64).unwrap();
    archive
        .read(name, 1 << 24)
        .unwrap()
        .unwrap_or_else(|| panic!("{name} is not there"))
}

#[test]
fn an_app_is_signed_and_nothing_else_changes() {
    let before = ipa();
    let after = signed(&before);
    let (old, new) = (entries(&before), entries(&after));
    // Signing writes these; everything else is there as it was, in its place.
    let changed = [
        "Example",
        "embedded.mobileprovision",
        "_CodeSignature/CodeResources",
        "Frameworks/Inner.framework/Inner",
        "Frameworks/libplain.dylib",
    ]
    .into_iter()
    .chain(["PlugIns/Share.appex/Share"]);
    let changed: Vec<String> = changed.map(|file| format!("{APP}/{file}")).collect();
    for (old, new) in old.iter().zip(&new) {
        assert_eq!(
            (&old.name, old.external, old.made_by),
            (&new.name, new.external, new.made_by)
        );
        assert_eq!(
            changed.contains(&old.name),
            old.content() != new.content(),
            "{}",
            old.name
        );
    }
    let added: Vec<&str> = new[old.len()..]
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    let expected = [
        "Frameworks/Inner.framework/_CodeSignature/CodeResources",
        "PlugIns/Share.appex/_CodeSignature/CodeResources",
        "PlugIns/Share.appex/embedded.mobileprovision",
    ];
    assert_eq!(added, expected.map(|file| format!("{APP}/{file}")));
    assert_eq!(after, signed(&before), "the same again");

    let length = after.len() as u64;
    let package = read_metadata(Cursor::new(&after), length, Platform::Ios).unwrap();
    assert_eq!(
        (package.identifier.as_str(), package.version_code.as_str()),
        ("com.example.app", "7")
    );
    let told = package.profile.unwrap();
    assert_eq!(
        (told.name.as_str(), told.kind.as_str()),
        ("Example Profile", "enterprise")
    );
    assert_eq!(
        content(&after, &format!("{APP}/embedded.mobileprovision")),
        profile()
    );

    let resources = plist::Value::from_reader_xml(Cursor::new(content(
        &after,
        &format!("{APP}/_CodeSignature/CodeResources"),
    )))
    .unwrap();
    let sealed = resources.as_dictionary().unwrap()["files2"]
        .as_dictionary()
        .unwrap();
    for file in [
        "appdepot/policy.json",
        "Assets.car",
        "embedded.mobileprovision",
        "Frameworks/Inner.framework/Inner",
        "PlugIns/Share.appex/Share",
    ] {
        assert!(sealed.contains_key(file), "{file} is sealed");
    }
    // The program says for whom it is signed; the library for nobody in particular.
    let has = |file: &str, text: &str| {
        content(&after, &format!("{APP}/{file}"))
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(
        has("Example", "<string>A1B2C3D4E5.com.example.app</string>")
            && !has("Example", "com.example.*")
    );
    assert!(has(
        "PlugIns/Share.appex/Share",
        "<string>A1B2C3D4E5.com.example.app.share</string>"
    ));
    assert!(
        has("Example", "aps-environment")
            && !has("Frameworks/Inner.framework/Inner", "aps-environment")
    );

    if let Ok(folder) = std::env::var("APPDEPOT_KEEP_SIGNED") {
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join("unsigned.ipa"), before).unwrap();
        std::fs::write(folder.join("signed.ipa"), &after).unwrap();
        std::fs::write(folder.join("again.ipa"), signed(&after)).unwrap();
    }
}

#[test]
fn a_document_is_sealed() {
    let folder = Folder::new();
    let (source, changed) = (folder.file("source", &ipa()), folder.path("changed"));
    insert(
        Platform::Ios,
        &source,
        &changed,
        &[("new.json", b"{\"new\":true}")],
    )
    .unwrap();
    let after = signed(&std::fs::read(changed).unwrap());
    let resources = content(&after, &format!("{APP}/_CodeSignature/CodeResources"));
    assert!(
        resources
            .windows(17)
            .any(|window| window == b"appdepot/new.json")
    );
    assert_eq!(
        content(&after, &format!("{APP}/appdepot/new.json")),
        b"{\"new\":true}"
    );
    // Signed once more, there are no new files, and the app is the same.
    let again = signed(&after);
    assert_eq!(
        by_name(&again).keys().collect::<Vec<_>>(),
        by_name(&after).keys().collect::<Vec<_>>()
    );
}

#[test]
fn the_profile_has_to_fit() {
    let (ipa, keys, certificate) = (ipa(), identity("ios.p12"), certificate());
    let with = |application: &str| {
        profile_of(profile_list(
            application,
            &[b"another", &certificate],
            NOW + 1,
        ))
    };
    for application in [
        "A1B2C3D4E5.*",
        "A1B2C3D4E5.com.*",
        "A1B2C3D4E5.com.example.*",
    ] {
        try_sign(&ipa, &keys, &with(application)).unwrap();
    }
    for (application, word) in [
        ("A1B2C3D4E5.com.example.app", "com.example.app.share"),
        ("A1B2C3D4E5.com.example.app.*", "com.example.app"),
        ("A1B2C3D4E5.com.exam*", "not for com.example.app"),
        ("A1B2C3D4E5.com.other", "com.other"),
        ("A1B2C3D4E5.", "com.example.app"),
        ("nothing", "no app"),
    ] {
        let refusal = refusal(&ipa, &keys, &with(application));
        assert!(
            refusal.code == RefusalCode::WrongProfile && refusal.reason.contains(word),
            "{application}: {refusal}"
        );
    }
    let code = |list| refusal(&ipa, &keys, &profile_of(list)).code;
    assert_eq!(
        code(profile_list("A1B2C3D4E5.*", &[b"another"], NOW + 1)),
        RefusalCode::WrongProfile
    );
    assert_eq!(
        code(profile_list("A1B2C3D4E5.*", &[&certificate], NOW)),
        RefusalCode::Expired
    );
    assert_eq!(
        code(
            [("Name".to_owned(), Value::from("empty"))]
                .into_iter()
                .collect()
        ),
        RefusalCode::WrongProfile
    );
    assert_eq!(refusal(&ipa, &keys, b"text").code, RefusalCode::Unreadable);
    assert_eq!(
        refusal(&ipa, &identity("rsa.p12"), &profile()).code,
        RefusalCode::WrongProfile
    );
    // A key on a curve signs as well.
    let keys_on_curve = Pkcs12Archive::from_pkcs12(&fixture("ec.p12"), PASSWORD).unwrap();
    let of_curve = profile_of(profile_list(
        "A1B2C3D4E5.*",
        &[keys_on_curve.certs[0].cert.as_der()],
        NOW + 1,
    ));
    try_sign(&ipa, &identity("ec.p12"), &of_curve).unwrap();
    // Without its extension the app fits a profile for itself alone.
    let alone: Vec<Part> = parts()
        .into_iter()
        .filter(|part| !String::from_utf8_lossy(&part.name).contains("PlugIns"))
        .collect();
    try_sign(&zip(&alone), &keys, &with("A1B2C3D4E5.com.example.app")).unwrap();
    assert_eq!(
        profile_contents(&profile()).unwrap().certificates,
        [certificate]
    );
}

#[test]
fn an_expired_certificate_is_refused() {
    let folder = Folder::new();
    let source = folder.file("source", &ipa());
    let keys = identity("ios.p12");
    let late = keys.not_after();
    let profile = profile_of(profile_list("A1B2C3D4E5.*", &[&certificate()], late + 100));
    let result = sign_ios(
        &source,
        &folder.path("target"),
        &keys,
        &profile,
        late,
        &folder.path(""),
    );
    assert!(
        matches!(result, Err(WriteError::Refused(refusal)) if refusal.code == RefusalCode::Expired)
    );
}

/// The app with one of its files exchanged, or another.
fn with(file: &str, content: &[u8]) -> Vec<u8> {
    let name = format!("{APP}/{file}");
    let mut parts = parts();
    let part = Part {
        mode: 0o100_755,
        ..Part::deflated(&name, content)
    };
    match parts.iter_mut().find(|part| part.name == name.as_bytes()) {
        Some(old) => *old = part,
        None => parts.push(part),
    }
    zip(&parts)
}

fn link(file: &str, target: &str) -> Vec<u8> {
    let mut parts = parts();
    parts.push(Part {
        mode: 0o120_755,
        ..Part::stored(format!("{APP}/{file}"), target.as_bytes())
    });
    zip(&parts)
}

fn spoilt(at: usize, word: u32) -> Vec<u8> {
    let mut program = executable(Kind::Program, 3);
    program[at..at + 4].copy_from_slice(&word.to_le_bytes());
    with("Example", &program)
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let keys = identity("ios.p12");
    let mut encrypted = executable(Kind::Program, 3);
    let at = encrypted
        .windows(8)
        .position(|window| window == [0x1b, 0, 0, 0, 24, 0, 0, 0])
        .unwrap();
    encrypted[at..at + 24].copy_from_slice(
        &[0x2c_u32, 24, 0x4000, 0x4000, 1, 0]
            .map(u32::to_le_bytes)
            .concat(),
    );
    let cases: Vec<(&str, Vec<u8>, RefusalCode, &str)> = vec![
        (
            "a script",
            with("Example", b"#!/bin/sh"),
            RefusalCode::Unreadable,
            "no program of iOS",
        ),
        (
            "an empty file",
            with("Example", b""),
            RefusalCode::Unreadable,
            "no program of iOS",
        ),
        (
            "no executable",
            with("Info.plist", &info("com.example.app", "Missing", "APPL")),
            RefusalCode::Unreadable,
            "Missing",
        ),
        (
            "a path out",
            with(
                "Info.plist",
                &info("com.example.app", "../../../etc/passwd", "APPL"),
            ),
            RefusalCode::Unreadable,
            "no executable",
        ),
        (
            "only a head",
            with("Example", &executable(Kind::Program, 1)[..40]),
            RefusalCode::Unreadable,
            "damaged",
        ),
        (
            "from the store",
            with("Example", &encrypted),
            RefusalCode::Unreadable,
            "App Store",
        ),
        (
            "too many commands",
            spoilt(16, 1 << 30),
            RefusalCode::Unreadable,
            "damaged",
        ),
        (
            "commands beyond the end",
            spoilt(20, 1 << 30),
            RefusalCode::Unreadable,
            "damaged",
        ),
        (
            "a command without length",
            spoilt(36, 0),
            RefusalCode::Unreadable,
            "damaged",
        ),
        (
            "a section in the commands",
            spoilt(32 + 72 + 72 + 48, 540),
            RefusalCode::Unreadable,
            "no room",
        ),
        (
            "many processors",
            with(
                "Example",
                &[0xcafe_babe_u32, 1 << 30].map(u32::to_be_bytes).concat(),
            ),
            RefusalCode::Unreadable,
            "damaged",
        ),
        (
            "a link to a file outside",
            link("Out", "../../../../../../../../etc/passwd"),
            RefusalCode::Unreadable,
            "leads out",
        ),
        (
            "an absolute link",
            link("Out", "/etc/passwd"),
            RefusalCode::Unreadable,
            "leads out",
        ),
        (
            "a link to nothing",
            link("Out", "missing"),
            RefusalCode::Unreadable,
            "leads out",
        ),
        (
            "a link to itself",
            link("Out", "Out"),
            RefusalCode::Unreadable,
            "leads out",
        ),
        (
            "something under a link",
            with("Current.strings/file", b"1"),
            RefusalCode::Ambiguous,
            "two entries",
        ),
        (
            "something under a file",
            with("Assets.car/file", b"1"),
            RefusalCode::Ambiguous,
            "two entries",
        ),
        (
            "a folder and a file",
            with("en.lproj", b"1"),
            RefusalCode::Ambiguous,
            "two entries",
        ),
        (
            "a dot",
            with("./file", b"1"),
            RefusalCode::Unreadable,
            "forbidden name",
        ),
        (
            "two slashes",
            with("en.lproj//file", b"1"),
            RefusalCode::Unreadable,
            "forbidden name",
        ),
        (
            "a long name",
            with(&"a".repeat(300), b"1"),
            RefusalCode::Unreadable,
            "forbidden name",
        ),
        (
            "a line break",
            with("a\nb", b"1"),
            RefusalCode::Unreadable,
            "forbidden name",
        ),
        (
            "a deep list",
            with(
                "More.bundle/Info.plist",
                &[b"<plist><dict>".to_vec(), b"<key>a</key><dict>".repeat(200)].concat(),
            ),
            RefusalCode::TooDeep,
            "levels",
        ),
        (
            "a broken list",
            with("More.bundle/Info.plist", b"text"),
            RefusalCode::Unreadable,
            "damaged",
        ),
        (
            "an extension without a name",
            with("PlugIns/Share.appex/Info.plist", &info("", "Share", "XPC!")),
            RefusalCode::Unreadable,
            "identifier",
        ),
        (
            "an APK",
            Apk::default().build(),
            RefusalCode::WrongType,
            "Android",
        ),
    ];
    for (name, ipa, code, word) in cases {
        println!("{name}");
        let refusal = refusal(&ipa, &keys, &profile());
        assert!(
            refusal.code == code && refusal.reason.contains(word),
            "{refusal}"
        );
    }
    let many: Vec<Part> = (0..300)
        .map(|number| {
            Part::deflated(
                format!("{APP}/{number}.bundle/Info.plist"),
                &info("com.example.b", "b", "BNDL"),
            )
        })
        .collect();
    assert_eq!(
        refusal(&zip(&[parts(), many].concat()), &keys, &profile()).code,
        RefusalCode::TooManyEntries
    );
    let deep: Vec<Part> = (1..12)
        .map(|depth| {
            Part::deflated(
                format!("{APP}/{}Info.plist", "a.bundle/".repeat(depth)),
                &info("com.example.b", "b", "BNDL"),
            )
        })
        .collect();
    assert_eq!(
        refusal(&zip(&[parts(), deep].concat()), &keys, &profile()).code,
        RefusalCode::TooDeep
    );
}

#[test]
fn links_inside_stay() {
    let before = link("Frameworks/Again", "../Frameworks/Inner.framework");
    let after = by_name(&signed(&before));
    assert_eq!(
        after[&format!("{APP}/Frameworks/Again")].content(),
        by_name(&before)[&format!("{APP}/Frameworks/Again")].content()
    );
}

#[test]
fn a_damaged_program_is_refused_or_signed_but_never_kills() {
    let program = executable(Kind::Program, 1);
    let keys = identity("ios.p12");
    let small = |program: &[u8]| {
        zip(&[
            Part::deflated(
                format!("{APP}/Info.plist"),
                &info("com.example.app", "Example", "APPL"),
            ),
            Part::deflated(format!("{APP}/Example"), program),
        ])
    };
    let signed = signed(&small(&program));
    let whole = content(&signed, &format!("{APP}/Example"));
    // The commands and the beginning of the signature, both of which are parsed.
    let signature = whole
        .windows(4)
        .position(|window| window == [0xfa, 0xde, 0x0c, 0xc0])
        .unwrap();
    for at in (0..600)
        .step_by(12)
        .chain((signature..signature + 400).step_by(12))
    {
        let mut changed = whole.clone();
        changed[at..at + 4].fill(if at % 8 == 0 { 0xff } else { 0x80 });
        match try_sign(&small(&changed), &keys, &profile()) {
            Ok(_) | Err(WriteError::Refused(_)) => {}
            Err(WriteError::File(error)) => panic!("byte {at}: {error}"),
        }
    }
}
