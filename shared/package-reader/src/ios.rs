//! Reading an IPA.

use std::io::{Read, Seek};

use plist::{Dictionary, Value};

use crate::archive::Archive;
use crate::icon::{self, Icon};
use crate::isolation::isolated;
use crate::package::{Package, Platform, tidy};
use crate::profile::{self, MAX_PROFILE};
use crate::property_list::{self, MAX_LIST};
use crate::refusal::{ReadError, RefusalCode, quoted, refused};

/// Bytes, unpacked.
const MAX_PICTURE: u64 = 8 * 1024 * 1024;

/// Names of icons that are looked for, and pictures tried until one can be read.
const NAMES: usize = 64;
const PICTURES: usize = 3;

/// The folders `Payload/<name>.app` of an archive, without a slash at the end.
pub(crate) fn apps<R: Read + Seek>(archive: &Archive<R>) -> Vec<String> {
    let mut apps: Vec<String> = Vec::new();
    for name in archive.names() {
        let Some(inner) = name.strip_prefix(b"Payload/") else {
            continue;
        };
        let Some(end) = inner.iter().position(|byte| *byte == b'/') else {
            continue;
        };
        let Ok(app) = std::str::from_utf8(&name[..b"Payload/".len() + end]) else {
            continue;
        };
        if app.ends_with(".app")
            && apps.last().is_none_or(|last| last != app)
            && !apps.iter().any(|a| a == app)
        {
            apps.push(app.to_owned());
            if apps.len() > 2 {
                break;
            }
        }
    }
    apps
}

/// The folder `Payload/<name>.app` of the one app in an archive, without a slash at the end.
///
/// # Errors
///
/// An archive without an app, or with more than one, is refused.
pub fn app_folder<R: Read + Seek>(archive: &Archive<R>) -> Result<String, ReadError> {
    match apps(archive).as_slice() {
        [app] => Ok(app.clone()),
        [] => Err(no_app(archive)),
        [first, second, ..] => Err(refused(
            RefusalCode::Ambiguous,
            format!(
                "The archive holds more than one app: {} and {}.",
                quoted(first.as_bytes()),
                quoted(second.as_bytes())
            ),
        )),
    }
}

/// Reads what an IPA says about itself.
pub(crate) fn read<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Package, ReadError> {
    let app = app_folder(archive)?;
    let list = archive
        .read(&format!("{app}/Info.plist"), MAX_LIST)?
        .ok_or_else(|| {
            refused(
                RefusalCode::NotAnApp,
                format!("{} has no Info.plist.", quoted(app.as_bytes())),
            )
        })?;
    let (mut package, names) = isolated("Info.plist", || {
        interpret(&property_list::parse(&list, "Info.plist")?)
    })?;
    match archive.read(&format!("{app}/embedded.mobileprovision"), MAX_PROFILE) {
        Ok(Some(bytes)) => {
            package.profile = Some(isolated("The provisioning profile", || {
                profile::parse(&bytes)
            })?);
        }
        Ok(None) => {}
        Err(_) if archive.starved() => {}
        Err(error) => return Err(error),
    }
    package.icon = find_icon(archive, &app, &names)?;
    package.partial = archive.starved();
    Ok(package)
}

fn no_app<R: Read + Seek>(archive: &Archive<R>) -> ReadError {
    let below = archive.names().any(|name| {
        let name = String::from_utf8_lossy(name);
        !name.starts_with("__MACOSX/")
            && name.contains("/Payload/")
            && name.ends_with(".app/Info.plist")
    });
    refused(
        RefusalCode::NotAnApp,
        if below {
            "The folder “Payload” is inside of another folder; it has to be at the top of the \
            archive."
        } else {
            "The archive has no folder “Payload” with an app in it."
        },
    )
}

fn interpret(list: &Dictionary) -> Result<(Package, Vec<String>), ReadError> {
    let text = |key: &str| match list.get(key) {
        Some(Value::String(text)) => tidy(text.clone()),
        Some(Value::Integer(number)) => number.to_string(),
        Some(Value::Real(number)) => number.to_string(),
        _ => String::new(),
    };
    let first = |keys: &[&str]| {
        keys.iter()
            .map(|key| text(key))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    };
    let kind = text("CFBundlePackageType");
    if !kind.is_empty() && kind != "APPL" {
        return Err(refused(
            RefusalCode::NotAnApp,
            format!(
                "Info.plist describes something else than an app: {}.",
                quoted(kind.as_bytes())
            ),
        ));
    }
    let identifier = text("CFBundleIdentifier");
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if identifier.is_empty() || identifier.len() > 255 || !identifier.chars().all(valid) {
        return Err(refused(
            RefusalCode::Unreadable,
            "Info.plist does not give a valid bundle identifier.",
        ));
    }
    let mut device_family = Vec::new();
    let families = match list.get("UIDeviceFamily") {
        Some(Value::Array(families)) => families.as_slice(),
        Some(family) => std::slice::from_ref(family),
        None => &[],
    };
    for family in families.iter().take(16) {
        let number = family
            .as_signed_integer()
            .or_else(|| family.as_string()?.trim().parse().ok());
        let name = match number {
            Some(1) => "iphone",
            Some(2) => "ipad",
            Some(3) => "tv",
            Some(4) => "watch",
            Some(6) => "mac",
            Some(7) => "vision",
            _ => continue,
        };
        if !device_family.iter().any(|known| known == name) {
            device_family.push(name.to_owned());
        }
    }
    if device_family.is_empty() {
        device_family.push("iphone".to_owned());
    }
    let package = Package {
        platform: Platform::Ios,
        version_code: first(&["CFBundleVersion", "CFBundleShortVersionString"]),
        version_name: first(&["CFBundleShortVersionString", "CFBundleVersion"]),
        label: match first(&["CFBundleDisplayName", "CFBundleName", "CFBundleExecutable"]) {
            label if label.is_empty() => identifier.clone(),
            label => label,
        },
        min_os: text("MinimumOSVersion"),
        target_sdk: None,
        permissions: Vec::new(),
        device_family,
        profile: None,
        partial: false,
        icon: None,
        identifier,
    };
    Ok((package, icon_names(list)))
}

/// The names of icons in an Info.plist, without what tells sizes apart.
fn icon_names(list: &Dictionary) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |value: Option<&Value>| {
        let values = match value {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        for name in values.iter().filter_map(Value::as_string).take(NAMES) {
            let name = base_name(name).to_owned();
            if !name.is_empty()
                && name.len() <= 256
                && names.len() < NAMES
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
    };
    for key in ["CFBundleIcons", "CFBundleIcons~ipad"] {
        let primary = list
            .get(key)
            .and_then(Value::as_dictionary)
            .and_then(|icons| icons.get("CFBundlePrimaryIcon"));
        match primary {
            Some(Value::Dictionary(primary)) => {
                add(primary.get("CFBundleIconFiles"));
                add(primary.get("CFBundleIconName"));
            }
            other => add(other),
        }
    }
    for key in [
        "CFBundleIconFiles",
        "CFBundleIconFiles~ipad",
        "CFBundleIconFile",
    ] {
        add(list.get(key));
    }
    names
}

/// `AppIcon60x60` of `AppIcon60x60@2x~ipad.png`.
fn base_name(name: &str) -> &str {
    let name = name.strip_suffix(".png").unwrap_or(name);
    let name = ["~ipad", "~iphone"]
        .iter()
        .find_map(|device| name.strip_suffix(device))
        .unwrap_or(name);
    ["@2x", "@3x"]
        .iter()
        .find_map(|scale| name.strip_suffix(scale))
        .unwrap_or(name)
}

/// The biggest readable picture with one of the names; without one, the artwork for shops.
fn find_icon<R: Read + Seek>(
    archive: &mut Archive<R>,
    app: &str,
    names: &[String],
) -> Result<Option<Icon>, ReadError> {
    let mut found: Vec<(u64, String)> = Vec::new();
    for (name, entry) in archive.entries() {
        let Some(file) = std::str::from_utf8(name)
            .ok()
            .and_then(|n| n.strip_prefix(app)?.strip_prefix('/'))
        else {
            continue;
        };
        // In the app's own folder, not in one of its extensions.
        if file.contains('/') || !(file.ends_with(".png") || names.iter().any(|name| name == file))
        {
            continue;
        }
        let base = base_name(file);
        let known = names.iter().any(|name| name == base)
            || (names.is_empty() && base.starts_with("AppIcon"));
        if known && entry.unpacked <= MAX_PICTURE {
            found.push((entry.unpacked, format!("{app}/{file}")));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found.dedup();
    let mut candidates: Vec<String> = found
        .into_iter()
        .take(PICTURES)
        .map(|(_, path)| path)
        .collect();
    candidates.push("iTunesArtwork".to_owned());
    for path in candidates {
        let picture = archive
            .read(&path, MAX_PICTURE)
            .and_then(|bytes| match bytes {
                Some(bytes) => icon::package_icon(&bytes).map(Some),
                None => Ok(None),
            });
        match picture {
            Ok(Some(icon)) => return Ok(Some(icon)),
            // An app without a readable icon is still an app.
            Ok(None) | Err(ReadError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
