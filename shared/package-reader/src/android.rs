//! Reading an APK.

mod chunks;
mod document;
mod resources;

use std::io::{Read, Seek};

use crate::archive::Archive;
use crate::icon::{self, Icon};
use crate::isolation::isolated;
use crate::package::{Package, Platform, TEXT, tidy};
use crate::refusal::{ReadError, RefusalCode, refused};
use document::{Attribute, Document, Element};
use resources::Resources;

/// The entry that makes an archive an APK.
pub(crate) const MANIFEST: &str = "AndroidManifest.xml";
const RESOURCES: &str = "resources.arsc";

/// Bytes, unpacked.
const MAX_MANIFEST: u64 = 2 * 1024 * 1024;
const MAX_RESOURCES: u64 = 32 * 1024 * 1024;
const MAX_PICTURE: u64 = 8 * 1024 * 1024;
const MAX_DRAWABLE: u64 = 256 * 1024;

const PERMISSIONS: usize = 512;
/// Pictures tried as an icon until one can be read, and drawings looked into for pictures.
const PICTURES: usize = 4;
const DRAWINGS: usize = 8;

// Ids of Android's own attributes.
const LABEL: u32 = 0x0101_0001;
const ICON: u32 = 0x0101_0002;
const NAME: u32 = 0x0101_0003;
const SRC: u32 = 0x0101_0119;
const DRAWABLE: u32 = 0x0101_0199;
const MIN_SDK: u32 = 0x0101_020c;
const VERSION_CODE: u32 = 0x0101_021b;
const VERSION_NAME: u32 = 0x0101_021c;
const TARGET_SDK: u32 = 0x0101_0270;
const VERSION_CODE_MAJOR: u32 = 0x0101_0576;

/// Reads what an APK says about itself.
pub(crate) fn read<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Package, ReadError> {
    let manifest = read_manifest(archive)?;
    // Without the table an app can still be listed, by its package name; so nothing about the table
    // is a refusal except that it contradicts itself.
    let resources = match archive.read(RESOURCES, MAX_RESOURCES) {
        Ok(resources) => resources,
        Err(ReadError::Refused(refusal)) if refusal.code != RefusalCode::Ambiguous => None,
        Err(error) => return Err(error),
    };
    let (mut package, icon) = isolated("The manifest", || {
        let table = resources
            .as_deref()
            .and_then(|bytes| Resources::parse(bytes).ok());
        interpret(&manifest, table.as_ref())
    })?;
    if let (Some(id), Some(resources)) = (icon, &resources) {
        package.icon = find_icon(archive, resources, id)?;
    }
    package.partial = archive.starved();
    Ok(package)
}

/// The manifest's bytes.
pub(crate) fn read_manifest<R: Read + Seek>(
    archive: &mut Archive<R>,
) -> Result<Vec<u8>, ReadError> {
    archive.read(MANIFEST, MAX_MANIFEST)?.ok_or_else(|| {
        refused(
            RefusalCode::NotAnApp,
            "The archive has no AndroidManifest.xml, so it is not an app.",
        )
    })
}

/// Checks that a manifest is not built to overwhelm a parser.
pub(crate) fn check_manifest(manifest: &[u8]) -> Result<(), ReadError> {
    Document::parse(manifest, "The manifest").map(|_| ())
}

/// Values of attributes, through the table where they refer to it.
struct Values<'a> {
    document: &'a Document<'a>,
    resources: Option<&'a Resources<'a>>,
}

impl Values<'_> {
    fn attribute(&self, element: &Element<'_>, id: u32) -> Result<Option<Attribute>, ReadError> {
        self.document.attribute(element, id)
    }

    fn text(&self, element: &Element<'_>, id: u32) -> Result<Option<String>, ReadError> {
        Ok(self
            .attribute(element, id)?
            .and_then(|attribute| match attribute.value.reference() {
                Some(reference) => self.resources?.text(reference, TEXT),
                None => self.document.text(&attribute, TEXT),
            }))
    }

    fn number(&self, element: &Element<'_>, id: u32) -> Result<Option<u32>, ReadError> {
        Ok(self
            .text(element, id)?
            .and_then(|text| match text.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                // Version codes above 2³¹ are printed as negative numbers.
                None => text
                    .parse::<u32>()
                    .ok()
                    .or_else(|| text.parse::<i32>().ok().map(|number| number as u32)),
            }))
    }
}

/// Reads the manifest; also gives the id of the icon's resource.
fn interpret(
    manifest: &[u8],
    resources: Option<&Resources<'_>>,
) -> Result<(Package, Option<u32>), ReadError> {
    let document = Document::parse(manifest, "The manifest")?;
    let values = Values {
        document: &document,
        resources,
    };
    let mut elements = document.elements();
    let root = elements.next().filter(|root| root.name == "manifest");
    let root = root.ok_or_else(|| {
        refused(
            RefusalCode::NotAnApp,
            "AndroidManifest.xml is not the manifest of an app.",
        )
    })?;
    let plain = |name| {
        Ok::<_, ReadError>(
            document
                .plain_attribute(&root, name)?
                .and_then(|a| document.text(&a, TEXT)),
        )
    };
    if plain("split")?.is_some() {
        return Err(refused(
            RefusalCode::NotAnApp,
            "This is one part of an app that is delivered in parts; upload the universal APK \
            instead.",
        ));
    }
    let identifier = plain("package")?.filter(|name| is_package_name(name));
    let identifier = identifier.ok_or_else(|| {
        refused(
            RefusalCode::Unreadable,
            "The manifest does not give a valid package name.",
        )
    })?;
    let minor = values.number(&root, VERSION_CODE)?.unwrap_or(0);
    let major = values.number(&root, VERSION_CODE_MAJOR)?.unwrap_or(0);
    let mut package = Package {
        platform: Platform::Android,
        version_code: (u64::from(major) << 32 | u64::from(minor)).to_string(),
        version_name: tidy(values.text(&root, VERSION_NAME)?.unwrap_or_default()),
        label: String::new(),
        min_os: "1".to_owned(),
        target_sdk: None,
        permissions: Vec::new(),
        device_family: Vec::new(),
        profile: None,
        partial: false,
        icon: None,
        identifier,
    };
    let mut icon = None;
    let (mut has_application, mut has_sdk) = (false, false);
    for element in elements {
        match (element.depth, element.name.as_str()) {
            (0, _) => {
                return Err(refused(
                    RefusalCode::Ambiguous,
                    "The manifest has two roots.",
                ));
            }
            (1, "uses-sdk") if !has_sdk => {
                has_sdk = true;
                if let Some(minimum) = values
                    .text(&element, MIN_SDK)?
                    .map(tidy)
                    .filter(|text| !text.is_empty())
                {
                    package.min_os = minimum;
                }
                package.target_sdk = values.number(&element, TARGET_SDK)?;
            }
            (1, "uses-permission" | "uses-permission-sdk-23") => {
                if package.permissions.len() == PERMISSIONS {
                    continue;
                }
                // Android takes no references here.
                let name = values
                    .attribute(&element, NAME)?
                    .and_then(|name| document.text(&name, TEXT))
                    .map(tidy);
                let name =
                    name.filter(|name| !name.is_empty() && !package.permissions.contains(name));
                package.permissions.extend(name);
            }
            (1, "application") if !has_application => {
                has_application = true;
                package.label = tidy(values.text(&element, LABEL)?.unwrap_or_default());
                icon = values
                    .attribute(&element, ICON)?
                    .and_then(|attribute| attribute.value.reference());
            }
            _ => {}
        }
    }
    if package.label.is_empty() {
        package.label.clone_from(&package.identifier);
    }
    // What is not stated is the minimum.
    package.target_sdk = package.target_sdk.or_else(|| package.min_os.parse().ok());
    Ok((package, icon))
}

fn is_package_name(name: &str) -> bool {
    name.len() <= 255
        && name.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}

/// The sharpest picture of the icon, directly or as the foreground of a drawing. An app without a
/// readable icon has none.
fn find_icon<R: Read + Seek>(
    archive: &mut Archive<R>,
    resources: &[u8],
    id: u32,
) -> Result<Option<Icon>, ReadError> {
    let files = |id| {
        isolated("The table of resources", || {
            Ok(Resources::parse(resources)
                .map(|table| table.files(id))
                .unwrap_or_default())
        })
    };
    let mut open = vec![id];
    let mut asked = Vec::new();
    let mut pictures = 0;
    while let Some(id) = open.pop() {
        if asked.contains(&id) || asked.len() == DRAWINGS {
            continue;
        }
        asked.push(id);
        let (drawings, rasters): (Vec<_>, Vec<_>) = files(id)?
            .into_iter()
            .partition(|f| f.path.ends_with(".xml"));
        for raster in rasters {
            if pictures == PICTURES {
                return Ok(None);
            }
            pictures += 1;
            let Some(bytes) = optional(archive.read(&raster.path, MAX_PICTURE))? else {
                continue;
            };
            if let Some(icon) = optional(icon::package_icon(&bytes).map(Some))? {
                return Ok(Some(icon));
            }
        }
        for drawing in drawings.into_iter().take(DRAWINGS) {
            let Some(bytes) = optional(archive.read(&drawing.path, MAX_DRAWABLE))? else {
                continue;
            };
            let parts = isolated("The icon", || parts_of_drawing(&bytes)).map(Some);
            open.extend(optional(parts)?.unwrap_or_default());
        }
    }
    Ok(None)
}

/// What may be missing without harm: a refusal means that there is none.
fn optional<T>(result: Result<Option<T>, ReadError>) -> Result<Option<T>, ReadError> {
    match result {
        Err(ReadError::Refused(_)) => Ok(None),
        other => other,
    }
}

/// The resources that a drawing is made of, except its background, which alone is not what the app
/// looks like. The first in the drawing is the last here.
fn parts_of_drawing(bytes: &[u8]) -> Result<Vec<u32>, ReadError> {
    let document = Document::parse(bytes, "The icon")?;
    let mut parts = Vec::new();
    for element in document.elements().take(256) {
        let target = match element.name.as_str() {
            "foreground" | "item" | "inset" => DRAWABLE,
            "bitmap" => SRC,
            _ => continue,
        };
        parts.extend(
            document
                .attribute(&element, target)?
                .and_then(|attribute| attribute.value.reference()),
        );
    }
    parts.truncate(DRAWINGS);
    parts.reverse();
    Ok(parts)
}
