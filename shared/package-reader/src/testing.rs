//! Builders of apps and of hostile files, for tests. Everything in them is invented.
//!
//! Builders panic where a test that uses them is wrong.

#![allow(clippy::expect_used, reason = "builders panic where a test is wrong")]

pub mod android;
pub mod archive;
pub mod hostile;
pub mod ios;

pub use android::Apk;
pub use hostile::{Hostile, hostile, read_with_fallback};
pub use ios::{Ipa, ProfileKind};

/// A small valid APK of that package, version code, version name and label; not signed.
pub fn apk(package: &str, version_code: u32, version_name: &str, label: &str) -> Vec<u8> {
    Apk {
        package: package.to_owned(),
        version_code,
        version_name: version_name.to_owned(),
        label: label.to_owned(),
        ..Apk::default()
    }
    .build()
}

/// A small valid IPA of that bundle identifier, `CFBundleVersion`, `CFBundleShortVersionString` and
/// display name.
pub fn ipa(bundle_id: &str, version: &str, short_version: &str, name: &str) -> Vec<u8> {
    Ipa {
        bundle_id: bundle_id.to_owned(),
        version: version.to_owned(),
        short_version: short_version.to_owned(),
        name: name.to_owned(),
        ..Ipa::default()
    }
    .build()
}

/// A PNG of a colourful pattern with soft edges.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbaImage::from_fn(width, height, |x, y| {
        image::Rgba(pattern(x, y, width, height))
    });
    let mut out = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut out, image::ImageFormat::Png)
        .expect("a pattern can be encoded");
    out.into_inner()
}

/// A JPEG of the same pattern.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let [red, green, blue, _] = pattern(x, y, width, height);
        image::Rgb([red, green, blue])
    });
    let mut out = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut out, image::ImageFormat::Jpeg)
        .expect("a pattern can be encoded");
    out.into_inner()
}

/// The pattern's pixel at a place: red, green, blue, opacity.
pub fn pattern(x: u32, y: u32, width: u32, height: u32) -> [u8; 4] {
    let share = |value: u32, of: u32| (u64::from(value) * 255 / u64::from(of.max(1))) as u8;
    let edge = x.min(y).min(width - 1 - x).min(height - 1 - y);
    [
        share(x, width),
        share(y, height),
        200,
        (60 + edge * 40).min(255) as u8,
    ]
}
