//! Pictures: what is taken in, and what is kept of it.

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::bufread::DeflateDecoder;
use flate2::write::ZlibEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops::FilterType as Sampling;
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, RgbaImage,
};

use crate::isolation::isolated;
use crate::refusal::{ReadError, Refusal, RefusalCode, refused};

/// Pixels of a side of a picture that is taken in.
const SIDE: u32 = 4096;
/// Bytes of it.
const BYTES: usize = 8 * 1024 * 1024;
/// Bytes of a picture of which an icon is made that is uploaded on its own.
const ICON_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that decoding may take: 4096 × 4096 pixels of 4 bytes, and something to work with.
const MEMORY: u64 = 72 * 1024 * 1024;

/// Pixels of a side of a package's icon.
const PACKAGE_SIDE: u32 = 512;
/// Bytes of an icon in a list.
const LISTED_BYTES: usize = 16 * 1024;
/// How an icon is made smaller until it fits: pixels of a side and bits of a colour. The last one
/// always fits.
const LISTED: [(u32, u32); 7] = [
    (128, 8),
    (128, 6),
    (128, 5),
    (96, 6),
    (96, 5),
    (64, 5),
    (48, 8),
];

const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// An app's icon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icon {
    /// A PNG that was written anew: nothing of the original file is in it but its pixels. At most
    /// 512 × 512 pixels.
    pub png: Vec<u8>,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// Makes the icon for lists: a PNG or JPEG (also Apple's own variant of PNG) of at most 8 MiB and
/// 4096 × 4096 pixels in, a PNG of at most 128 × 128 pixels and 16,384 bytes out. Proportions are
/// kept and nothing is enlarged.
///
/// # Errors
///
/// `not_an_archive` if it is neither PNG nor JPEG, `too_large` if it has too many bytes or pixels,
/// `unreadable` if it is damaged, and `unreadable` also if this machine has no memory for a thread.
pub fn store_icon(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let result = isolated("The picture", || {
        if is_webp(bytes) {
            return Err(neither());
        }
        listed(&decode(bytes)?)
    });
    result.map_err(|error| match error {
        ReadError::Refused(refusal) => refusal,
        ReadError::Source(error) => Refusal::new(
            RefusalCode::Unreadable,
            format!("The picture could not be looked at: {error}."),
        ),
    })
}

/// The icon for lists of a picture.
fn listed(picture: &RgbaImage) -> Result<Vec<u8>, ReadError> {
    for (side, bits) in LISTED {
        let mut small = fitted(picture, side);
        if bits < 8 {
            reduce_colours(&mut small, bits);
        }
        let png = encode(&small)?;
        if png.len() <= LISTED_BYTES {
            return Ok(png);
        }
    }
    Err(refused(
        RefusalCode::TooLarge,
        "The picture cannot be made small enough.",
    ))
}

/// Decodes a picture of at most 4096 × 4096 pixels, however many bytes it has, to see that it is
/// one; gives the icon for lists of one of at most [`ICON_BYTES`].
pub(crate) fn verified(bytes: &[u8], format: ImageFormat) -> Result<Option<Vec<u8>>, ReadError> {
    let picture = decode_standard(bytes, format)?;
    if bytes.len() <= ICON_BYTES {
        listed(&picture).map(Some)
    } else {
        Ok(None)
    }
}

/// The icon of a package from the bytes of a picture in it.
pub(crate) fn package_icon(bytes: &[u8]) -> Result<Icon, ReadError> {
    isolated("The icon", || {
        let picture = fitted(&decode(bytes)?, PACKAGE_SIDE);
        Ok(Icon {
            png: encode(&picture)?,
            width: picture.width(),
            height: picture.height(),
        })
    })
}

fn damaged() -> ReadError {
    refused(RefusalCode::Unreadable, "The picture is damaged.")
}

fn too_large() -> ReadError {
    refused(
        RefusalCode::TooLarge,
        "The picture is larger than 4096 × 4096 pixels or than is accepted in bytes.",
    )
}

fn neither() -> ReadError {
    refused(
        RefusalCode::NotAnArchive,
        "The picture is neither PNG nor JPEG.",
    )
}

/// Android's build tools make launcher icons WebP; people upload PNG and JPEG.
fn is_webp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
}

fn decode(bytes: &[u8]) -> Result<RgbaImage, ReadError> {
    if bytes.len() > BYTES {
        return Err(too_large());
    }
    let format = if bytes.starts_with(&PNG) {
        ImageFormat::Png
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        ImageFormat::Jpeg
    } else if is_webp(bytes) {
        ImageFormat::WebP
    } else {
        return Err(neither());
    };
    if format == ImageFormat::Png
        && let Some(apple) = standard_png(bytes)?
    {
        let mut picture = decode_standard(&apple, format)?;
        for pixel in picture.pixels_mut() {
            pixel.0 = straight(pixel.0);
        }
        return Ok(picture);
    }
    decode_standard(bytes, format)
}

fn decode_standard(bytes: &[u8], format: ImageFormat) -> Result<RgbaImage, ReadError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let explain = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => too_large(),
        _ => damaged(),
    };
    let decoder = reader.into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    if width > SIDE || height > SIDE || decoder.total_bytes() > MEMORY {
        return Err(too_large());
    }
    if width == 0 || height == 0 {
        return Err(damaged());
    }
    Ok(DynamicImage::from_decoder(decoder)
        .map_err(explain)?
        .into_rgba8())
}

/// The picture within a square of `side` pixels.
fn fitted(picture: &RgbaImage, side: u32) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let longest = width.max(height);
    if longest <= side {
        return picture.clone();
    }
    let scaled =
        |length: u32| (u64::from(length) * u64::from(side) / u64::from(longest)).max(1) as u32;
    image::imageops::resize(picture, scaled(width), scaled(height), Sampling::CatmullRom)
}

/// Leaves `bits` of each colour, which packs better.
fn reduce_colours(picture: &mut RgbaImage, bits: u32) {
    let top = (1u32 << bits) - 1;
    for channel in picture.iter_mut() {
        let level = (u32::from(*channel) * top + 127) / 255;
        *channel = (level * 255 / top) as u8;
    }
}

fn encode(picture: &RgbaImage) -> Result<Vec<u8>, ReadError> {
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive)
        .write_image(
            picture.as_raw(),
            picture.width(),
            picture.height(),
            image::ExtendedColorType::Rgba8,
        )
        .map_err(|_| damaged())?;
    Ok(png)
}

/// One pixel of Apple's variant: blue first and multiplied with its opacity.
fn straight([blue, green, red, alpha]: [u8; 4]) -> [u8; 4] {
    let divide = |colour: u8| match u32::from(alpha) {
        0 => 0,
        alpha => ((u32::from(colour) * 255 + alpha / 2) / alpha).min(255) as u8,
    };
    [divide(red), divide(green), divide(blue), alpha]
}

/// Turns Apple's variant of PNG (a `CgBI` chunk first, pixels deflated without the zlib frame) into
/// PNG that decoders understand; its pixels are still Apple's. `None` if it is a normal PNG.
fn standard_png(bytes: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
    let mut rest = &bytes[PNG.len()..];
    let mut out = PNG.to_vec();
    let mut data = Vec::new();
    let mut unpacked = 0;
    let mut is_apple = false;
    while rest.len() >= 12 {
        let length = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let kind: [u8; 4] = [rest[4], rest[5], rest[6], rest[7]];
        let Some(chunk) = rest.get(8..8usize.saturating_add(length)) else {
            break;
        };
        match &kind {
            b"CgBI" => is_apple = true,
            _ if !is_apple => return Ok(None),
            b"IHDR" => {
                if length != 13 {
                    return Err(damaged());
                }
                let side = |at: usize| {
                    u32::from_be_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]])
                };
                let (width, height, depth) = (side(0), side(4), chunk[8]);
                if width > SIDE || height > SIDE {
                    return Err(too_large());
                }
                // Apple's tool leaves nothing but pixels of colours, with opacity or without.
                let channels = match (depth, chunk[9]) {
                    (8, 2) => 3,
                    (8, 6) => 4,
                    _ => return Err(damaged()),
                };
                // A filter byte per row; interlaced pictures have up to seven passes of rows.
                unpacked = u64::from(height) * (u64::from(width) * channels + 7) + 64;
                write_chunk(&mut out, &kind, chunk);
            }
            b"IDAT" => data.extend_from_slice(chunk),
            b"IEND" => break,
            _ => {}
        }
        rest = rest.get(12 + length..).unwrap_or_default();
    }
    if !is_apple {
        return Ok(None);
    }
    let mut rows = Vec::new();
    // Some of these streams have no proper end. Whether all rows are there is for the decoder to
    // say.
    let _ = DeflateDecoder::new(data.as_slice())
        .take(unpacked + 1)
        .read_to_end(&mut rows);
    if rows.is_empty() || rows.len() as u64 > unpacked {
        return Err(damaged());
    }
    let mut framed = ZlibEncoder::new(Vec::new(), Compression::fast());
    let framed = framed
        .write_all(&rows)
        .and_then(|()| framed.finish())
        .map_err(|_| damaged())?;
    write_chunk(&mut out, b"IDAT", &framed);
    write_chunk(&mut out, b"IEND", &[]);
    Ok(Some(out))
}

fn write_chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend_from_slice(kind);
    out.extend_from_slice(data);
    let mut crc = flate2::Crc::new();
    crc.update(&out[start..]);
    out.extend_from_slice(&crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webp_of_a_package_is_read_and_one_of_a_person_is_not() {
        let picture = RgbaImage::from_pixel(40, 30, image::Rgba([10, 200, 30, 255]));
        let mut webp = Cursor::new(Vec::new());
        picture
            .write_to(&mut webp, ImageFormat::WebP)
            .expect("a picture can be encoded");
        let webp = webp.into_inner();
        let icon = package_icon(&webp).expect("a WebP is read");
        assert_eq!(
            (icon.width, icon.height, &icon.png[..8]),
            (40, 30, &PNG[..])
        );
        assert_eq!(
            store_icon(&webp).unwrap_err().code,
            RefusalCode::NotAnArchive
        );
        // The last byte may be padding.
        for cut in 0..webp.len() - 1 {
            assert!(package_icon(&webp[..cut]).is_err(), "cut at {cut}");
        }
    }
}
