//! What is built is read back.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

use std::io::Cursor;

use package_reader::testing::{Apk, Ipa, ProfileKind, jpeg, png};
use package_reader::{Package, Platform, read_metadata, store_icon, testing};

fn read(bytes: &[u8], platform: Platform) -> Package {
    read_metadata(Cursor::new(bytes), bytes.len() as u64, platform)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn pixels(png: &[u8]) -> image::RgbaImage {
    image::load_from_memory(png).unwrap().into_rgba8()
}

#[test]
fn apk() {
    for (label_in_table, adaptive_icon) in [(true, false), (false, true), (true, true)] {
        let app = Apk {
            package: "org.example.über_app".replace('ü', "u"),
            version_code: 4_000_000_000,
            version_name: "4.5.6-beta+7".to_owned(),
            label: "Ünïcode 🚀 Label".to_owned(),
            label_in_table,
            adaptive_icon,
            min_sdk: Some(21),
            target_sdk: Some(35),
            permissions: vec![
                "android.permission.CAMERA".to_owned(),
                "org.example.OWN".to_owned(),
            ],
            ..Apk::default()
        };
        let package = read(&app.build(), Platform::Android);
        assert_eq!(package.platform, Platform::Android);
        assert_eq!(package.identifier, app.package);
        assert_eq!(package.version_code, "4000000000");
        assert_eq!(package.version_name, app.version_name);
        assert_eq!(package.label, app.label);
        assert_eq!(
            (package.min_os.as_str(), package.target_sdk),
            ("21", Some(35))
        );
        assert_eq!(package.permissions, app.permissions);
        assert_eq!((package.device_family.len(), &package.profile), (0, &None));
        let icon = package.icon.unwrap();
        assert_eq!((icon.width, icon.height), (96, 96));
        assert_eq!(
            pixels(&icon.png),
            pixels(&png(96, 96)),
            "the sharpest icon, unchanged"
        );
    }
}

#[test]
fn apk_defaults() {
    let app = Apk {
        min_sdk: None,
        target_sdk: None,
        permissions: Vec::new(),
        icon: 0,
        ..Apk::default()
    };
    let package = read(&app.build(), Platform::Android);
    assert_eq!(
        (package.min_os.as_str(), package.target_sdk),
        ("1", Some(1))
    );
    assert_eq!(package.icon, None);
    let many = (0..600)
        .map(|i| format!("p.{i}.{}", "x".repeat(400)))
        .collect();
    let package = read(
        &Apk {
            permissions: many,
            ..Apk::default()
        }
        .build(),
        Platform::Android,
    );
    assert_eq!(package.permissions.len(), 512);
    assert!(
        package
            .permissions
            .iter()
            .all(|permission| permission.len() == 256)
    );
}

#[test]
fn ipa() {
    for (binary, indefinite) in [(true, false), (false, true)] {
        let app = Ipa {
            bundle_id: "org.example.Some-App".to_owned(),
            version: "42".to_owned(),
            short_version: "4.5.6".to_owned(),
            name: "Ünïcode 🚀".to_owned(),
            min_os: "16.4".to_owned(),
            families: vec![1, 2],
            binary,
            indefinite,
            profile: Some((ProfileKind::Development, 7, 1_893_456_000)),
            ..Ipa::default()
        };
        let package = read(&app.build(), Platform::Ios);
        assert_eq!(package.platform, Platform::Ios);
        assert_eq!(package.identifier, app.bundle_id);
        assert_eq!(
            (package.version_code.as_str(), package.version_name.as_str()),
            ("42", "4.5.6")
        );
        assert_eq!((package.label, package.min_os.as_str()), (app.name, "16.4"));
        assert_eq!(package.device_family, ["iphone", "ipad"]);
        assert_eq!((package.target_sdk, package.permissions.len()), (None, 0));
        let profile = package.profile.unwrap();
        assert_eq!(
            (profile.name.as_str(), profile.kind.as_str()),
            ("Example Profile", "development")
        );
        assert_eq!(profile.uuid, "00000000-1111-2222-3333-444444444444");
        assert_eq!(
            (profile.team, profile.team_name.as_str()),
            (vec!["A1B2C3D4E5".to_owned()], "Example Team")
        );
        assert_eq!(
            (profile.expires.as_str(), profile.devices),
            ("2030-01-01T00:00:00Z", 7)
        );
        let icon = package.icon.unwrap();
        assert_eq!((icon.width, icon.height), (120, 120));
        // Multiplying with the opacity and back loses a little.
        let expected = pixels(&png(120, 120));
        for (is, should) in pixels(&icon.png).pixels().zip(expected.pixels()) {
            assert_eq!(is.0[3], should.0[3]);
            assert!(
                is.0.iter()
                    .zip(should.0)
                    .all(|(is, should)| is.abs_diff(should) <= 5),
                "{is:?} {should:?}"
            );
        }
    }
}

#[test]
fn the_first_certificate_of_a_profile_to_expire_is_read() {
    let day = |day: u64| 1_893_456_000 + day * 86_400;
    let cases: [(Vec<u64>, &str); 4] = [
        (vec![], ""),
        (vec![day(0)], "2030-01-01T00:00:00Z"),
        (vec![day(20), day(10), day(30)], "2030-01-11T00:00:00Z"),
        // 2060: the other type of time.
        (vec![2_840_140_800], "2060-01-01T00:00:00Z"),
    ];
    for (certificates, expected) in cases {
        let app = Ipa {
            certificates,
            ..Ipa::default()
        };
        let profile = read(&app.build(), Platform::Ios).profile.unwrap();
        assert_eq!(
            (
                profile.certificate_expires.as_str(),
                profile.expires.as_str()
            ),
            (expected, "2030-01-01T00:00:00Z")
        );
        let written = serde_json::to_value(&profile).unwrap();
        assert_eq!(
            written
                .get("certificateExpires")
                .and_then(|said| said.as_str()),
            Some(expected).filter(|said| !said.is_empty())
        );
    }
}

#[test]
fn kinds_of_profiles() {
    let kinds = [
        (ProfileKind::Development, "development", 2),
        (ProfileKind::AdHoc, "ad-hoc", 2),
        (ProfileKind::Enterprise, "enterprise", 0),
        (ProfileKind::AppStore, "app-store", 0),
    ];
    for (kind, name, devices) in kinds {
        let app = Ipa {
            profile: Some((kind, 2, 0)),
            ..Ipa::default()
        };
        let profile = read(&app.build(), Platform::Ios).profile.unwrap();
        assert_eq!((profile.kind.as_str(), profile.devices), (name, devices));
    }
    let package = read(
        &Ipa {
            profile: None,
            icon: 0,
            families: vec![],
            ..Ipa::default()
        }
        .build(),
        Platform::Ios,
    );
    assert_eq!((package.profile, package.icon), (None, None));
    assert_eq!(package.device_family, ["iphone"]);
}

#[test]
fn short_forms() {
    let package = read(&testing::apk("a.b", 3, "3.0", "Label"), Platform::Android);
    assert_eq!(
        (
            package.identifier.as_str(),
            package.version_code.as_str(),
            package.label.as_str()
        ),
        ("a.b", "3", "Label")
    );
    let package = read(&testing::ipa("a.b", "3", "3.0", "Label"), Platform::Ios);
    assert_eq!(
        (
            package.identifier.as_str(),
            package.version_code.as_str(),
            package.label.as_str()
        ),
        ("a.b", "3", "Label")
    );
}

#[test]
fn the_serialized_form_has_everything_but_the_icon() {
    let package = read(&Ipa::default().build(), Platform::Ios);
    let json = serde_json::to_value(&package).unwrap();
    assert_eq!(json["platform"], "ios");
    assert_eq!(json["versionName"], "1.0");
    assert_eq!(json["profile"]["kind"], "ad-hoc");
    assert_eq!(json.get("icon"), None);
    let back: Package = serde_json::from_value(json).unwrap();
    assert_eq!(
        back,
        Package {
            icon: None,
            ..package
        }
    );
}

#[test]
fn icons_for_lists() {
    for (bytes, width, height) in [
        (png(64, 32), 64, 32),
        (png(1024, 512), 128, 64),
        (jpeg(2000, 2000), 128, 128),
        (testing::ios::apple_png(180, 180), 128, 128),
    ] {
        let icon = store_icon(&bytes).unwrap();
        assert!(icon.len() <= 16_384);
        let icon = image::load_from_memory_with_format(&icon, image::ImageFormat::Png).unwrap();
        assert_eq!((icon.width(), icon.height()), (width, height));
    }
}

#[test]
fn noise_fits_too() {
    let mut state = 1u32;
    let noise = image::RgbaImage::from_fn(512, 512, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgba(state.to_be_bytes())
    });
    let mut bytes = Cursor::new(Vec::new());
    noise.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    assert!(store_icon(bytes.get_ref()).unwrap().len() <= 16_384);
}
