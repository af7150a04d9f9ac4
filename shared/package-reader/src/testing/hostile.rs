//! Files that nobody should accept, and files that are accepted with less than they promise.

use plist::Value as Item;

use super::android::{Apk, Table, Value, XmlWriter, der};
use super::archive::{Frame, Part, framed, zip};
use super::ios::{Ipa, apple_png_of, dictionary, profile, property_list};
use crate::{Platform, RefusalCode};

/// A file and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// What is wrong with it.
    pub name: &'static str,
    /// What it is uploaded as.
    pub platform: Platform,
    /// The file.
    pub bytes: Vec<u8>,
    /// The code with which it is to be refused.
    pub expected: RefusalCode,
}

/// A file that is read although something in it is spoilt: label and icon fall back.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// What is wrong with it.
    pub name: &'static str,
    /// What it is uploaded as.
    pub platform: Platform,
    /// The file.
    pub bytes: Vec<u8>,
    /// The label that it is to get.
    pub label: &'static str,
    /// Whether an icon is found nevertheless.
    pub icon: bool,
}

const APP: &str = "Payload/Example.app";

/// An APK with one entry exchanged.
fn apk_with(name: &str, part: Part) -> Vec<u8> {
    zip(&exchanged(Apk::default().parts(), name, part))
}

/// An IPA with one entry exchanged.
fn ipa_with(file: &str, part: Part) -> Vec<u8> {
    zip(&exchanged(
        Ipa::default().parts(),
        &format!("{APP}/{file}"),
        part,
    ))
}

fn exchanged(mut parts: Vec<Part>, name: &str, part: Part) -> Vec<Part> {
    let old = parts
        .iter_mut()
        .find(|part| part.name == name.as_bytes())
        .expect("the entry is there");
    *old = part;
    parts
}

fn apk_with_manifest(manifest: &[u8]) -> Vec<u8> {
    apk_with(
        "AndroidManifest.xml",
        Part::deflated("AndroidManifest.xml", manifest),
    )
}

fn ipa_with_info(info: &[u8]) -> Vec<u8> {
    ipa_with(
        "Info.plist",
        Part::deflated(format!("{APP}/Info.plist"), info),
    )
}

fn ipa_with_profile(content: &[u8]) -> Vec<u8> {
    let name = "embedded.mobileprovision";
    ipa_with(name, Part::deflated(format!("{APP}/{name}"), content))
}

fn cut(mut bytes: Vec<u8>, percent: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() * percent / 100);
    bytes
}

/// A manifest with that many elements inside each other.
fn deep_manifest(depth: usize) -> Vec<u8> {
    let mut xml = Apk::default().manifest_writer();
    for _ in 0..depth {
        xml.start("a", &[]);
    }
    xml.unfinished()
}

/// A binary property list from objects that are already encoded; the last one is the root.
fn binary_list(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for object in objects {
        offsets.extend_from_slice(&(out.len() as u32).to_be_bytes());
        out.extend_from_slice(object);
    }
    let table = out.len() as u64;
    out.extend(offsets);
    out.extend([0, 0, 0, 0, 0, 0, 4, 4]);
    for value in [objects.len() as u64, objects.len() as u64 - 1, table] {
        out.extend_from_slice(&value.to_be_bytes());
    }
    out
}

/// An array of references in a binary property list.
fn binary_array(references: &[u32]) -> Vec<u8> {
    let mut out = vec![0xa0 | references.len() as u8];
    out.extend(
        references
            .iter()
            .flat_map(|reference| reference.to_be_bytes()),
    );
    out
}

/// Forty arrays, each of which has the one before twice: 2⁴⁰ elements in half a kilobyte.
pub fn doubling_list() -> Vec<u8> {
    let mut objects = vec![vec![0x09]];
    objects.extend((0..40).map(|i| binary_array(&[i, i])));
    binary_list(&objects)
}

/// Arrays inside each other, in the binary form.
fn deep_binary_list(depth: u32) -> Vec<u8> {
    let mut objects = vec![vec![0x09]];
    objects.extend((0..depth).map(|i| binary_array(&[i])));
    binary_list(&objects)
}

/// One string in very many places.
fn repeating_list() -> Vec<u8> {
    let mut text = vec![0x5f, 0x12];
    text.extend_from_slice(&100_000u32.to_be_bytes());
    text.extend(std::iter::repeat_n(b'a', 100_000));
    let mut all = vec![0xaf, 0x12];
    all.extend_from_slice(&50_000u32.to_be_bytes());
    all.extend(std::iter::repeat_n([0; 4], 50_000).flatten());
    binary_list(&[text, all])
}

fn deep_xml_list(depth: usize) -> Vec<u8> {
    let mut out = b"<?xml version=\"1.0\"?><plist version=\"1.0\">".to_vec();
    out.extend_from_slice(&b"<array>".repeat(depth));
    out.extend_from_slice(&b"</array>".repeat(depth));
    out.extend_from_slice(b"</plist>");
    out
}

fn zeros(megabytes: usize) -> Vec<u8> {
    vec![0; megabytes << 20]
}

/// Every hostile file. Makes some tens of megabytes.
pub fn hostile() -> Vec<Hostile> {
    use RefusalCode::*;
    let mut all = Vec::new();
    let mut add = |platform, expected, name, bytes| {
        all.push(Hostile {
            name,
            platform,
            bytes,
            expected,
        })
    };
    let (android, ios) = (Platform::Android, Platform::Ios);
    let apk = || Apk::default().build();
    let ipa = || Ipa::default().build();
    let text = |text: &str| Value::Text(text.to_owned());
    let item = |text: &str| Item::String(text.to_owned());

    // No archives.
    add(android, NotAnArchive, "an empty file", Vec::new());
    add(ios, NotAnArchive, "an empty file as IPA", Vec::new());
    add(
        android,
        NotAnArchive,
        "plain text",
        b"This is not an app.\n".repeat(1000),
    );
    add(
        ios,
        NotAnArchive,
        "a web page",
        b"<!DOCTYPE html><title>Sign in</title>".to_vec(),
    );
    add(android, NotAnArchive, "a picture", super::png(64, 64));
    add(android, NotAnArchive, "one byte", vec![b'P']);

    // The wrong thing.
    add(ios, WrongType, "an APK as IPA", apk());
    add(android, WrongType, "an IPA as APK", ipa());
    add(
        android,
        Ambiguous,
        "APK and IPA in one",
        zip(&[Apk::default().parts(), Ipa::default().parts()].concat()),
    );
    add(android, NotAnApp, "an archive without entries", zip(&[]));
    add(
        android,
        NotAnApp,
        "an archive of archives",
        zip(&[Part::deflated(
            "0.zip",
            &zip(&[Part::deflated("0", &zeros(1))]),
        )]),
    );
    add(
        android,
        NotAnApp,
        "an app bundle",
        zip(&[Part::deflated("base/manifest/AndroidManifest.xml", b"\x0a")]),
    );
    add(ios, NotAnApp, "an IPA one folder down", {
        let mut parts = Ipa::default().parts();
        parts
            .iter_mut()
            .for_each(|part| part.name = [b"Export/", part.name.as_slice()].concat());
        zip(&parts)
    });
    add(
        ios,
        NotAnApp,
        "an app without Info.plist",
        zip(&[Part::stored(format!("{APP}/Example"), b"x")]),
    );

    // Cut short.
    for (name, percent) in [
        ("an APK cut at 5 %", 5),
        ("an APK cut at 50 %", 50),
        ("an APK cut at 90 %", 90),
        ("an APK cut at 99 %", 99),
    ] {
        add(android, Truncated, name, cut(apk(), percent));
    }
    add(android, Truncated, "an APK without its last byte", {
        let mut bytes = apk();
        bytes.pop();
        bytes
    });
    add(ios, Truncated, "an IPA cut at 50 %", cut(ipa(), 50));
    add(ios, Truncated, "a list of entries beyond the end", {
        let mut bytes = ipa();
        let at = bytes.len() - 6;
        bytes[at..at + 4].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
        bytes
    });

    // Two ways to read it.
    let doubled = |mut parts: Vec<Part>, name: &str| {
        let part = parts
            .iter()
            .find(|part| part.name == name.as_bytes())
            .expect("the entry is there")
            .clone();
        parts.push(part);
        zip(&parts)
    };
    add(
        android,
        Ambiguous,
        "two manifests",
        doubled(Apk::default().parts(), "AndroidManifest.xml"),
    );
    add(
        android,
        Ambiguous,
        "two tables of resources",
        doubled(Apk::default().parts(), "resources.arsc"),
    );
    add(
        ios,
        Ambiguous,
        "two Info.plist",
        doubled(Ipa::default().parts(), &format!("{APP}/Info.plist")),
    );
    add(
        ios,
        Ambiguous,
        "two profiles",
        doubled(
            Ipa::default().parts(),
            &format!("{APP}/embedded.mobileprovision"),
        ),
    );
    add(ios, Ambiguous, "two apps", {
        let mut parts = Ipa::default().parts();
        parts.push(Part::stored("Payload/Other.app/Info.plist", b"x"));
        zip(&parts)
    });
    let around = |frame: Frame| framed(&Apk::default().parts(), &frame);
    add(
        android,
        Ambiguous,
        "bytes after the archive",
        around(Frame {
            after: vec![7; 300],
            ..Frame::default()
        }),
    );
    add(
        android,
        Ambiguous,
        "an executable before the archive",
        around(Frame {
            before: b"dex\n035\0".repeat(40),
            ..Frame::default()
        }),
    );
    add(
        android,
        Ambiguous,
        "an archive that starts later than it says",
        {
            around(Frame {
                before: vec![7; 300],
                offsets_from_first: true,
                ..Frame::default()
            })
        },
    );
    add(android, Ambiguous, "an end in the comment of an end", {
        around(Frame {
            comment: zip(&[Part::stored("AndroidManifest.xml", b"other")]),
            ..Frame::default()
        })
    });
    add(
        android,
        Ambiguous,
        "fewer entries than it says",
        around(Frame {
            count: Some(99),
            ..Frame::default()
        }),
    );
    add(
        android,
        Ambiguous,
        "more entries than it says",
        around(Frame {
            count: Some(1),
            ..Frame::default()
        }),
    );
    add(android, Ambiguous, "entries on top of each other", {
        let mut parts = Apk::default().parts();
        let first = parts.len();
        parts.push(Part::deflated("a", &zeros(1)));
        for _ in 0..1000 {
            parts.push(Part {
                shares: Some(first),
                ..Part::deflated("b", b"")
            });
        }
        zip(&parts)
    });
    let manifest = || Part::deflated("AndroidManifest.xml", &Apk::default().manifest());
    let spoilt = |part: Part| apk_with("AndroidManifest.xml", part);
    add(
        android,
        Ambiguous,
        "two names for an entry",
        spoilt(Part {
            local_name: Some(b"AndroidManifest.old".to_vec()),
            ..manifest()
        }),
    );
    add(android, Ambiguous, "a second name in an extra field", {
        let mut extra = vec![0x75, 0x70, 10, 0, 1, 0, 0, 0, 0];
        extra.extend_from_slice(b"x.xml");
        spoilt(Part {
            extra,
            ..manifest()
        })
    });
    add(
        android,
        Ambiguous,
        "two sizes for an entry",
        spoilt(Part {
            local_unpacked: Some(5),
            ..manifest()
        }),
    );
    add(android, Ambiguous, "a manifest with two roots", {
        let mut xml = Apk::default().manifest_writer();
        xml.end()
            .empty("manifest", &[("package", text("com.example.other"))]);
        apk_with_manifest(&xml.finish())
    });
    add(android, Ambiguous, "a manifest with two packages", {
        let mut xml = XmlWriter::default();
        xml.start(
            "manifest",
            &[
                ("package", text("com.example.one")),
                ("package", text("com.example.two")),
            ],
        );
        apk_with_manifest(&xml.finish())
    });

    // Names that lead elsewhere.
    for (name, entry) in [
        (
            "a name that leads outside",
            &b"lib/../../../etc/cron.d/evil"[..],
        ),
        ("an absolute name", b"/etc/passwd"),
        ("a name with backslashes", b"..\\..\\evil.dll"),
        ("a name with a drive", b"C:/evil.dll"),
        ("a name with NUL", b"AndroidManifest.xml\0.txt"),
    ] {
        let mut parts = Apk::default().parts();
        parts.push(Part::stored(entry, b"evil"));
        add(android, Unreadable, name, zip(&parts));
    }
    add(ios, Unreadable, "a name that is 60 KB long", {
        let mut parts = Ipa::default().parts();
        parts.push(Part::stored("a".repeat(60_000), b"x"));
        zip(&parts)
    });

    // Not understood, or damaged.
    add(
        android,
        Unreadable,
        "an encrypted manifest",
        spoilt(Part {
            flags: 1,
            ..manifest()
        }),
    );
    add(
        android,
        Unreadable,
        "a manifest in an unknown compression",
        spoilt(Part {
            method: 12,
            ..manifest()
        }),
    );
    add(
        android,
        Unreadable,
        "a manifest with a wrong checksum",
        spoilt(Part {
            crc: 7,
            ..manifest()
        }),
    );
    add(
        android,
        Unreadable,
        "a manifest that is a link",
        spoilt(Part {
            mode: 0o120_777,
            ..manifest()
        }),
    );
    add(
        android,
        Unreadable,
        "a manifest whose packed bytes are noise",
        spoilt(Part {
            packed: vec![0xff; 500],
            ..manifest()
        }),
    );
    add(
        android,
        Unreadable,
        "a stored manifest of another size",
        spoilt(Part {
            unpacked: 9,
            ..Part::stored("AndroidManifest.xml", b"12345")
        }),
    );
    add(
        android,
        Unreadable,
        "one part of several",
        around(Frame {
            disk: 1,
            ..Frame::default()
        }),
    );
    add(
        android,
        Unreadable,
        "a manifest in plain XML",
        apk_with_manifest(b"<manifest package=\"com.example.app\"/>"),
    );
    add(
        android,
        Unreadable,
        "a manifest that ends early",
        apk_with_manifest(&cut(Apk::default().manifest(), 60)),
    );
    add(
        android,
        Unreadable,
        "an empty manifest",
        apk_with_manifest(b""),
    );
    add(
        android,
        Unreadable,
        "a manifest without a package",
        apk_with_manifest(&XmlWriter::default().start("manifest", &[]).finish()),
    );
    add(android, Unreadable, "a package name with markup", {
        apk_with_manifest(
            &Apk {
                package: "<script>alert(1)</script>".to_owned(),
                ..Apk::default()
            }
            .manifest(),
        )
    });
    add(
        android,
        NotAnApp,
        "a manifest of something else",
        apk_with_manifest(&XmlWriter::default().start("resources", &[]).finish()),
    );
    add(android, NotAnApp, "one part of a split app", {
        let attributes = [
            ("package", text("com.example.app")),
            ("split", text("config.de")),
        ];
        apk_with_manifest(&XmlWriter::default().start("manifest", &attributes).finish())
    });

    // Too much.
    let bomb = |name: &str, size: u64| Part {
        unpacked: size,
        ..Part::deflated(name, &zeros(64))
    };
    add(
        android,
        TooLarge,
        "a manifest that unpacks to 64 MB",
        spoilt(bomb("AndroidManifest.xml", 64 << 20)),
    );
    add(
        android,
        TooLarge,
        "a manifest that hides that it unpacks to 64 MB",
        spoilt(bomb("AndroidManifest.xml", 1000)),
    );
    add(
        android,
        TooLarge,
        "an archive that claims to unpack to 1 PB",
        {
            let mut parts = Apk::default().parts();
            parts.push(Part {
                unpacked: 1 << 50,
                ..Part::deflated("assets/big", b"x")
            });
            zip(&parts)
        },
    );
    add(
        ios,
        TooLarge,
        "an Info.plist that hides that it unpacks to 64 MB",
        ipa_with("Info.plist", bomb(&format!("{APP}/Info.plist"), 1000)),
    );
    add(
        ios,
        TooLarge,
        "a profile that unpacks to 64 MB",
        ipa_with(
            "embedded.mobileprovision",
            bomb(&format!("{APP}/embedded.mobileprovision"), 64 << 20),
        ),
    );
    add(
        android,
        TooLarge,
        "a manifest of a million elements inside each other",
        apk_with_manifest(&deep_manifest(1_000_000)),
    );
    add(android, TooLarge, "a manifest that repeats a long text", {
        let mut xml = Apk::default().manifest_writer();
        let long = "a".repeat(200_000);
        xml.start("b", &[("label", text(&long)), ("name", text(&long))]);
        for _ in 0..5000 {
            xml.empty("c", &[("other", text(&long))]);
        }
        apk_with_manifest(&xml.finish())
    });
    let many = |count: usize| {
        let mut parts = Apk::default().parts();
        parts.extend((0..count).map(|i| Part::stored(format!("{i:x}"), b"")));
        parts
    };
    add(
        android,
        TooManyEntries,
        "65,001 entries",
        zip(&many(64_996)),
    );
    add(
        android,
        TooManyEntries,
        "70,000 entries and a number that overflowed",
        {
            framed(
                &many(70_000),
                &Frame {
                    count: Some(70_000 & 0xffff),
                    ..Frame::default()
                },
            )
        },
    );
    add(
        android,
        TooManyEntries,
        "200,000 entries, in zip64",
        framed(
            &many(200_000),
            &Frame {
                zip64: true,
                ..Frame::default()
            },
        ),
    );

    // Too deep, or growing.
    add(
        android,
        TooDeep,
        "a manifest of 40,000 elements inside each other",
        apk_with_manifest(&deep_manifest(40_000)),
    );
    add(
        ios,
        TooLarge,
        "a property list that doubles forty times",
        ipa_with_info(&doubling_list()),
    );
    add(
        ios,
        TooLarge,
        "a property list that repeats a long text",
        ipa_with_info(&repeating_list()),
    );
    add(
        ios,
        TooDeep,
        "an XML property list of 100,000 levels",
        ipa_with_info(&deep_xml_list(100_000)),
    );
    add(
        ios,
        TooDeep,
        "a binary property list of 100,000 levels",
        ipa_with_info(&deep_binary_list(100_000)),
    );
    add(
        ios,
        Unreadable,
        "a property list that contains itself",
        ipa_with_info(&binary_list(&[binary_array(&[1]), binary_array(&[0])])),
    );
    add(
        ios,
        Unreadable,
        "a property list that is a list",
        ipa_with_info(&binary_list(&[binary_array(&[])])),
    );
    add(
        ios,
        Unreadable,
        "a web page as Info.plist",
        ipa_with_info(b"<!DOCTYPE html><p>Not found</p>"),
    );
    add(
        ios,
        Unreadable,
        "an Info.plist without an identifier",
        ipa_with_info(&property_list(
            dictionary(&[("CFBundleVersion", item("1"))]),
            true,
        )),
    );
    add(ios, Unreadable, "a bundle identifier with markup", {
        ipa_with_info(&property_list(
            dictionary(&[("CFBundleIdentifier", item("\"><script>"))]),
            false,
        ))
    });
    add(ios, NotAnApp, "an extension as an app", {
        let list = dictionary(&[
            ("CFBundlePackageType", item("XPC!")),
            ("CFBundleIdentifier", item("com.example.x")),
        ]);
        ipa_with_info(&property_list(list, true))
    });

    // Profiles.
    add(
        ios,
        Unreadable,
        "a web page as profile",
        ipa_with_profile(b"<!DOCTYPE html><title>Sign in</title>"),
    );
    add(ios, Unreadable, "an empty profile", ipa_with_profile(b""));
    add(
        ios,
        Unreadable,
        "a bare property list as profile",
        ipa_with_profile(&deep_xml_list(3)),
    );
    add(
        ios,
        Unreadable,
        "a profile that nests 100,000 times",
        ipa_with_profile(&[0x30, 0x80].repeat(100_000)),
    );
    add(
        ios,
        Unreadable,
        "a profile of another type",
        ipa_with_profile(&der(0x30, &[&der(0x06, &[&[42]]), &der(0xa0, &[&[5, 0]])])),
    );
    add(
        ios,
        TooLarge,
        "a profile that doubles forty times",
        ipa_with_profile(&profile(&doubling_list(), false)),
    );
    add(
        ios,
        TooDeep,
        "a profile of 100,000 levels",
        ipa_with_profile(&profile(&deep_xml_list(100_000), true)),
    );
    all
}

/// Files in which only the label or the icon is spoilt: they are read, with what is left.
pub fn read_with_fallback() -> Vec<Fallback> {
    let mut all = Vec::new();
    let mut add = |name, bytes, label, icon| {
        all.push(Fallback {
            name,
            platform: Platform::Android,
            bytes,
            label,
            icon,
        });
    };
    let with_table =
        |table: &[u8]| apk_with("resources.arsc", Part::deflated("resources.arsc", table));
    let reference = |id| Some(Value::Reference(id));
    let package = "com.example.app";

    let mut cyclic = Table::default();
    cyclic.add(1, 0, "", &[reference(0x7f01_0001), reference(0x7f01_0000)]);
    cyclic.add(2, 480, "", &[reference(0x7f02_0000)]);
    add(
        "a label and an icon that refer to themselves",
        with_table(&cyclic.build()),
        package,
        false,
    );

    let mut long = Table::default();
    let chain: Vec<_> = (1..=1000).map(|i| reference(0x7f01_0000 + i)).collect();
    long.add(1, 0, "", &chain);
    add(
        "a label behind a thousand references",
        with_table(&long.build()),
        package,
        false,
    );

    let mut wide = Table::default();
    for density in 1..2000 {
        wide.add(
            2,
            density,
            "",
            &[reference(0x7f02_0000 + u32::from(density))],
        );
    }
    add(
        "an icon that branches",
        with_table(&wide.build()),
        package,
        false,
    );

    add(
        "a table of noise",
        with_table(&[0x5a; 5000]),
        package,
        false,
    );
    add(
        "a table that ends early",
        with_table(&cut(Apk::default().table(), 70)),
        package,
        false,
    );
    add(
        "a table that unpacks to 64 MB",
        with_table(&zeros(64)),
        package,
        false,
    );
    add(
        "a table of nothing but chunks",
        {
            let mut table = vec![2, 0, 12, 0];
            let pool = super::android::string_pool(&[]);
            let count = 1_900_000;
            table.extend_from_slice(&((12 + pool.len() + count * 8) as u32).to_le_bytes());
            table.extend_from_slice(&1u32.to_le_bytes());
            table.extend(pool);
            table.extend(std::iter::repeat_n([0, 0, 8, 0, 8, 0, 0, 0], count).flatten());
            with_table(&table)
        },
        package,
        false,
    );
    add(
        "no table",
        zip(&Apk::default()
            .parts()
            .into_iter()
            .filter(|p| p.name != b"resources.arsc")
            .collect::<Vec<_>>()),
        package,
        false,
    );
    add(
        "a sharp icon that is no picture",
        apk_with(
            "res/icon-xx.png",
            Part::stored("res/icon-xx.png", b"RIFF....WEBPVP8 "),
        ),
        "Example",
        true,
    );
    add(
        "a sharp icon of 65,000 × 65,000 pixels",
        apk_with(
            "res/icon-xx.png",
            Part::stored("res/icon-xx.png", &flood_png()),
        ),
        "Example",
        true,
    );
    all.push(Fallback {
        name: "an Apple icon that unpacks to 64 MB",
        platform: Platform::Ios,
        bytes: {
            let bomb = apple_png_of(40, 40, &super::archive::deflate(&zeros(64)));
            ipa_with(
                "AppIcon60x60@2x.png",
                Part::deflated(format!("{APP}/AppIcon60x60@2x.png"), &bomb),
            )
        },
        label: "Example",
        icon: true,
    });
    all
}

/// A PNG that claims 65,000 × 65,000 pixels.
pub fn flood_png() -> Vec<u8> {
    let mut png = super::png(8, 8);
    png[16..20].copy_from_slice(&65_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&65_000u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    png
}
