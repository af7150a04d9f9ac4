//! Pictures and documents that are uploaded on their own: what they are, by their content and never
//! by their name.

use std::io::Cursor;

use image::ImageFormat;

use crate::archive::Archive;
use crate::icon;
use crate::isolation::isolated;
use crate::refusal::{ReadError, Refusal, RefusalCode, refused};

/// Bytes of a picture or document, at most.
pub const STATIC_BYTES: u64 = 20 * 1024 * 1024;
/// Bytes of the list of an office document's parts, at most.
const CONTENT_TYPES: u64 = 1024 * 1024;
/// Bytes of an OpenDocument's own media type, at most.
const MEDIA_TYPE: u64 = 256;
/// How near to its end a PDF says that it ends: as far as readers of PDF look for it.
const PDF_TAIL: usize = 1024;

/// What a picture or document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
#[allow(missing_docs, reason = "the names of the formats")]
pub enum StaticKind {
    Png,
    #[strum(to_string = "jpg")]
    Jpeg,
    Gif,
    WebP,
    Pdf,
    Docx,
    Xlsx,
    Pptx,
    Odt,
    Ods,
    Odp,
    Doc,
    Xls,
    Ppt,
}

impl StaticKind {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The extension of its files, in lower case and without the dot.
    pub fn extension(self) -> &'static str {
        self.into()
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            StaticKind::Png => "image/png",
            StaticKind::Jpeg => "image/jpeg",
            StaticKind::Gif => "image/gif",
            StaticKind::WebP => "image/webp",
            StaticKind::Pdf => "application/pdf",
            StaticKind::Docx => {
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
            }
            StaticKind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            StaticKind::Pptx => {
                "application/vnd.openxmlformats-officedocument.presentationml.presentation"
            }
            StaticKind::Odt => "application/vnd.oasis.opendocument.text",
            StaticKind::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            StaticKind::Odp => "application/vnd.oasis.opendocument.presentation",
            StaticKind::Doc => "application/msword",
            StaticKind::Xls => "application/vnd.ms-excel",
            StaticKind::Ppt => "application/vnd.ms-powerpoint",
        }
    }
}

/// A picture or document that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticContent {
    /// What it is.
    pub kind: StaticKind,
    /// The icon for lists that was made of it, as [`store_icon`](crate::store_icon) makes it: for
    /// pictures of at most 4 MiB.
    pub icon: Option<Vec<u8>>,
}

/// Says what a picture or document is. A picture is decoded to see that it is one; of a document
/// the frame is read, and one with macros is refused as anything else is that is not of
/// [`StaticKind`].
///
/// # Errors
///
/// `wrong_type` for what is none of these, `too_large` beyond [`STATIC_BYTES`] or 4096 × 4096
/// pixels, `truncated` for a PDF without its end, `unreadable` for a damaged file, and what the
/// reader of archives says of an archive.
pub fn static_content(bytes: &[u8]) -> Result<StaticContent, Refusal> {
    let result = isolated("The file", || {
        if bytes.len() as u64 > STATIC_BYTES {
            return Err(refused(
                RefusalCode::TooLarge,
                "The file is larger than 20 MB.",
            ));
        }
        if let Some((kind, format)) = picture(bytes) {
            return Ok(StaticContent {
                kind,
                icon: icon::verified(bytes, format)?,
            });
        }
        Ok(StaticContent {
            kind: document(bytes)?,
            icon: None,
        })
    });
    result.map_err(|error| match error {
        ReadError::Refused(refusal) => refusal,
        ReadError::Source(error) => Refusal::new(
            RefusalCode::Unreadable,
            format!("The file could not be looked at: {error}."),
        ),
    })
}

fn neither() -> ReadError {
    let reason = "The file is not an image (PNG, JPEG, GIF, WebP) and no document (PDF, Word, \
        Excel, PowerPoint, OpenDocument; none with macros).";
    refused(RefusalCode::WrongType, reason)
}

fn picture(bytes: &[u8]) -> Option<(StaticKind, ImageFormat)> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => {
            Some((StaticKind::Png, ImageFormat::Png))
        }
        [0xff, 0xd8, 0xff, ..] => Some((StaticKind::Jpeg, ImageFormat::Jpeg)),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => {
            Some((StaticKind::Gif, ImageFormat::Gif))
        }
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some((StaticKind::WebP, ImageFormat::WebP)),
        _ => None,
    }
}

fn document(bytes: &[u8]) -> Result<StaticKind, ReadError> {
    match bytes {
        [b'%', b'P', b'D', b'F', b'-', digit, b'.', ..] if digit.is_ascii_digit() => {
            let tail = &bytes[bytes.len().saturating_sub(PDF_TAIL)..];
            let ends = tail.windows(5).any(|window| window == b"%%EOF");
            if ends {
                Ok(StaticKind::Pdf)
            } else {
                Err(refused(
                    RefusalCode::Truncated,
                    "The PDF ends before it should: the upload is incomplete.",
                ))
            }
        }
        [b'P', b'K', 3, 4, ..] => archived(bytes),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => compound(bytes),
        _ => Err(neither()),
    }
}

/// Office Open XML and OpenDocument: archives that name what they are.
fn archived(bytes: &[u8]) -> Result<StaticKind, ReadError> {
    let mut archive = Archive::open(Cursor::new(bytes), bytes.len() as u64)?;
    if let Some(named) = archive.read("mimetype", MEDIA_TYPE)? {
        let kinds = [StaticKind::Odt, StaticKind::Ods, StaticKind::Odp];
        let kind = kinds
            .into_iter()
            .find(|kind| named.trim_ascii() == kind.media_type().as_bytes());
        // Scripts in other languages are parts of their own; Basic has a folder.
        let scripts = archive
            .names()
            .any(|name| name.starts_with(b"Basic/") || name.starts_with(b"Scripts/"));
        return kind.filter(|_| !scripts).ok_or_else(neither);
    }
    let Some(parts) = archive.read("[Content_Types].xml", CONTENT_TYPES)? else {
        return Err(neither());
    };
    let parts = String::from_utf8_lossy(&parts);
    let kinds = [StaticKind::Docx, StaticKind::Xlsx, StaticKind::Pptx];
    // The type of the main part: that of a document with macros is another.
    let mut found = kinds
        .into_iter()
        .filter(|kind| parts.contains(&format!("{}.main+xml", kind.media_type())));
    let said = parts.to_ascii_lowercase();
    let macros = ["macroenabled", "vbaproject", "macrosheet"]
        .iter()
        .any(|word| said.contains(word))
        || archive
            .names()
            .any(|name| name.to_ascii_lowercase().ends_with(b"vbaproject.bin"));
    match (found.next(), found.next()) {
        (Some(kind), None) if !macros => Ok(kind),
        _ => Err(neither()),
    }
}

/// Word, Excel and PowerPoint before 2007: a file system in a file.
fn compound(bytes: &[u8]) -> Result<StaticKind, ReadError> {
    let damaged = |_| refused(RefusalCode::Unreadable, "The document is damaged.");
    let file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(damaged)?;
    let kinds = [
        ("/WordDocument", StaticKind::Doc),
        ("/Workbook", StaticKind::Xls),
        ("/PowerPoint Document", StaticKind::Ppt),
    ];
    let mut found = kinds
        .into_iter()
        .filter(|(stream, _)| file.is_stream(stream));
    let macros = file.is_storage("/Macros") || file.is_storage("/_VBA_PROJECT_CUR");
    match (found.next(), found.next()) {
        (Some((_, kind)), None) if !macros => Ok(kind),
        _ => Err(neither()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use std::io::Write as _;

    fn code(bytes: &[u8]) -> RefusalCode {
        static_content(bytes).unwrap_err().code
    }

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer
                .start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn legacy(streams: &[&str], storages: &[&str]) -> Vec<u8> {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        for storage in storages {
            file.create_storage(storage).unwrap();
        }
        for stream in streams {
            file.create_stream(stream)
                .unwrap()
                .write_all(b"content")
                .unwrap();
        }
        file.into_inner().into_inner()
    }

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image::DynamicImage::new_rgba8(40, 30)
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn pictures_are_decoded_and_get_an_icon() {
        for (bytes, kind) in [
            (testing::png(300, 200), StaticKind::Png),
            (testing::jpeg(64, 64), StaticKind::Jpeg),
            (encoded(ImageFormat::Gif), StaticKind::Gif),
            (encoded(ImageFormat::WebP), StaticKind::WebP),
        ] {
            let found = static_content(&bytes).unwrap();
            assert_eq!(found.kind, kind);
            assert!(found.icon.unwrap().starts_with(b"\x89PNG"));
            assert_eq!(code(&bytes[..20]), RefusalCode::Unreadable, "{kind:?}");
        }
        assert_eq!(code(b"\x89PNG\r\n\x1a\n<script>"), RefusalCode::Unreadable);
        let mut huge = testing::png(8, 8);
        huge[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(static_content(&huge).is_err());
    }

    #[test]
    fn documents_are_known_by_their_content() {
        assert_eq!(
            static_content(b"%PDF-1.4\n%%EOF\n").unwrap(),
            StaticContent {
                kind: StaticKind::Pdf,
                icon: None
            }
        );
        assert_eq!(code(b"%PDF-1.4\nhalf of it"), RefusalCode::Truncated);
        for kind in [StaticKind::Docx, StaticKind::Xlsx, StaticKind::Pptx] {
            let types = format!(
                "<Types><Override PartName=\"/x.xml\" ContentType=\"{}.main+xml\"/></Types>",
                kind.media_type()
            );
            assert_eq!(
                static_content(&archive(&[
                    ("[Content_Types].xml", types.as_bytes()),
                    ("x.xml", b"<x/>")
                ]))
                .unwrap()
                .kind,
                kind
            );
            let with_macros = archive(&[
                ("[Content_Types].xml", types.as_bytes()),
                ("word/vbaProject.bin", b"x"),
            ]);
            assert_eq!(code(&with_macros), RefusalCode::WrongType);
        }
        for kind in [StaticKind::Odt, StaticKind::Ods, StaticKind::Odp] {
            let named = kind.media_type().as_bytes();
            assert_eq!(
                static_content(&archive(&[("mimetype", named), ("content.xml", b"<x/>")]))
                    .unwrap()
                    .kind,
                kind
            );
            assert_eq!(
                code(&archive(&[
                    ("mimetype", named),
                    ("Basic/Standard/Module1.xml", b"<x/>")
                ])),
                RefusalCode::WrongType
            );
        }
        for (stream, kind) in [
            ("/WordDocument", StaticKind::Doc),
            ("/Workbook", StaticKind::Xls),
            ("/PowerPoint Document", StaticKind::Ppt),
        ] {
            assert_eq!(static_content(&legacy(&[stream], &[])).unwrap().kind, kind);
            assert_eq!(
                code(&legacy(&[stream], &["/Macros"])),
                RefusalCode::WrongType
            );
        }
        assert_eq!(
            code(&legacy(&["/Property"], &[])),
            RefusalCode::WrongType,
            "an installer"
        );
        assert_eq!(
            code(&legacy(&["/WordDocument", "/Workbook"], &[])),
            RefusalCode::WrongType
        );
        assert_eq!(
            code(&legacy(&["/WordDocument"], &[])[..600]),
            RefusalCode::Unreadable
        );
    }

    #[test]
    fn everything_else_is_refused() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
        for text in [
            "",
            "<!DOCTYPE html><script>alert(1)</script>",
            svg,
            "#!/bin/sh\nrm -rf /",
            "This is no image.",
            "MZ\u{0}\u{1}",
        ] {
            assert_eq!(code(text.as_bytes()), RefusalCode::WrongType, "{text}");
        }
        assert_eq!(
            code(&testing::Apk::default().build()),
            RefusalCode::WrongType
        );
        assert_eq!(code(&archive(&[("a.txt", b"a")])), RefusalCode::WrongType);
        assert_eq!(code(&vec![0; 20 * 1024 * 1024 + 1]), RefusalCode::TooLarge);
        let mut hidden = b"<html>".to_vec();
        hidden.extend(testing::png(8, 8));
        assert_eq!(code(&hidden), RefusalCode::WrongType);
    }
}
