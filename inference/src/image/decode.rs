//! Files to pictures: PNG, JPEG, WebP, GIF (its first frame) and BMP, turned as the camera was held.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use mtor_shared::problem::{Problem, ProblemCode};

use super::Picture;

/// Pixels that a picture may have: more than the cameras of phones take by default.
pub const PIXEL_LIMIT: u64 = 50_000_000;
/// Memory that a decoder may take: 50 megapixels of four bytes, and what it works with.
const MEMORY_LIMIT: u64 = 288 << 20;

/// What lies behind transparent pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// White paper.
    White,
    /// White behind dark pictures and black behind bright ones, so that writing can be read.
    Contrast,
}

/// Decodes a file; what kind it is, its first bytes say.
///
/// # Errors
///
/// `unsupported` where it is no picture of a known kind, `too-large` where it has too many pixels, `bad-request` where
/// it is damaged.
pub fn decode(bytes: &[u8], background: Background) -> Result<Picture, Problem> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| unknown())?;
    let format = reader.format().ok_or_else(unknown)?;
    if !matches!(
        format,
        ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif | ImageFormat::Bmp
    ) {
        return Err(unknown());
    }
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXEL_LIMIT {
        return Err(too_large(format!("{width} x {height} pixels")));
    }
    if width == 0 || height == 0 {
        return Err(damaged("it has no pixels"));
    }
    if decoder.total_bytes() > MEMORY_LIMIT {
        return Err(too_large(format!("{} MB once it is unpacked", decoder.total_bytes() / 1_000_000)));
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MEMORY_LIMIT);
    decoder.set_limits(limits).map_err(refused)?;
    // A picture whose notes are damaged is shown as it lies.
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let has_alpha = picture.color().has_alpha();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels =
        if has_alpha { over(&picture.into_rgba8(), background) } else { picture.into_rgb8().into_raw() };
    Picture::new(width, height, pixels).ok_or_else(|| damaged("it has no pixels"))
}

/// Lays transparent pixels over a background.
fn over(picture: &image::RgbaImage, background: Background) -> Vec<u8> {
    let pixels = picture.as_raw().as_chunks::<4>().0;
    let behind = match background {
        Background::White => 255,
        Background::Contrast => {
            // The brightness of what can be seen, as television weighs colours.
            let (mut sum, mut count) = (0.0f64, 0u64);
            for [r, g, b, a] in pixels {
                if *a > 0 {
                    sum += 0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b);
                    count += 1;
                }
            }
            if count == 0 || sum / (count as f64) < 128.0 { 255 } else { 0 }
        }
    };
    let mix = |colour: u8, alpha: u8| {
        let alpha = u32::from(alpha);
        ((u32::from(colour) * alpha + behind * (255 - alpha)) / 255) as u8
    };
    pixels.iter().flat_map(|[r, g, b, a]| [mix(*r, *a), mix(*g, *a), mix(*b, *a)]).collect()
}

fn unknown() -> Problem {
    Problem::new(
        ProblemCode::Unsupported,
        "This file is no picture that MTOR reads.",
        "Choose a PNG, JPEG, WebP, GIF or BMP file.",
    )
}

fn too_large(what: impl std::fmt::Display) -> Problem {
    Problem::new(
        ProblemCode::TooLarge,
        format!("The picture has {what}, and MTOR takes {} million pixels at most.", PIXEL_LIMIT / 1_000_000),
        "Make it smaller and try again.",
    )
}

fn damaged(what: impl std::fmt::Display) -> Problem {
    Problem::new(
        ProblemCode::BadRequest,
        format!("The picture is damaged: {what}."),
        "Save it again, or choose another one.",
    )
}

fn refused(error: ImageError) -> Problem {
    match error {
        ImageError::Limits(_) => too_large("more than fits into memory"),
        ImageError::Unsupported(error) => Problem::new(
            ProblemCode::Unsupported,
            format!("This kind of picture is not supported ({error})."),
            "Save it as PNG or JPEG.",
        ),
        error => damaged(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder, codecs};

    /// A red pixel on the left, a blue one on the right, in one of the lossless formats.
    fn png(pixels: &[u8], width: u32, kind: ExtendedColorType) -> Vec<u8> {
        let mut file = Vec::new();
        codecs::png::PngEncoder::new(&mut file)
            .write_image(pixels, width, 1, kind)
            .expect("it can be encoded");
        file
    }

    const RED_BLUE: [u8; 6] = [255, 0, 0, 0, 0, 255];

    #[test]
    fn every_format_is_decoded() {
        let picture = image::RgbImage::from_raw(2, 1, RED_BLUE.to_vec()).expect("two pixels");
        for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif] {
            let mut file = Cursor::new(Vec::new());
            picture.write_to(&mut file, format).expect("it can be encoded");
            let got = decode(file.get_ref(), Background::White).expect("it can be decoded");
            assert_eq!((got.width(), got.height(), got.pixels()), (2, 1, RED_BLUE.as_slice()), "{format:?}");
        }
        let grey = image::RgbImage::from_pixel(16, 8, image::Rgb([90, 90, 90]));
        let mut file = Cursor::new(Vec::new());
        grey.write_to(&mut file, ImageFormat::Jpeg).expect("it can be encoded");
        let got = decode(file.get_ref(), Background::White).expect("it can be decoded");
        assert!(got.pixels().iter().all(|value| value.abs_diff(90) <= 1));
    }

    #[test]
    fn deep_colours_become_bytes() {
        // 16 bits, big-endian in PNG, native in memory.
        let deep: Vec<u8> = [0xffffu16, 0x8080, 0].iter().flat_map(|value| value.to_ne_bytes()).collect();
        let file = png(&deep, 1, ExtendedColorType::Rgb16);
        assert_eq!(decode(&file, Background::White).expect("it can be decoded").pixels(), [255, 128, 0]);
    }

    #[test]
    fn what_is_transparent_shows_the_background() {
        let clear = png(&[0, 0, 0, 0, 10, 20, 30, 255], 2, ExtendedColorType::Rgba8);
        let got = decode(&clear, Background::White).expect("it can be decoded");
        assert_eq!(got.pixels(), [255, 255, 255, 10, 20, 30]);
        let bright = png(&[0, 0, 0, 0, 250, 250, 250, 255], 2, ExtendedColorType::Rgba8);
        let got = decode(&bright, Background::Contrast).expect("it can be decoded");
        assert_eq!(got.pixels(), [0, 0, 0, 250, 250, 250], "white writing is shown on black");
    }

    #[test]
    fn a_photo_is_turned_as_the_camera_was_held() {
        let mut file = Cursor::new(Vec::new());
        let halves =
            image::RgbImage::from_fn(32, 16, |x, _| image::Rgb(if x < 16 { [250; 3] } else { [5; 3] }));
        halves.write_to(&mut file, ImageFormat::Jpeg).expect("it can be encoded");
        let plain = file.into_inner();
        // An APP1 segment right behind the start: Exif, little-endian, one entry: orientation (0x112) = 6.
        let exif = [
            b"Exif\0\0II*\0\x08\0\0\0".as_slice(),
            &[1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let mut turned = plain[..2].to_vec();
        turned.extend([0xff, 0xe1]);
        turned.extend((exif.len() as u16 + 2).to_be_bytes());
        turned.extend(exif);
        turned.extend(&plain[2..]);
        let got = decode(&turned, Background::White).expect("it can be decoded");
        assert_eq!((got.width(), got.height()), (16, 32));
        assert!(got.at(8, 2)[0] > 200 && got.at(8, 29)[0] < 50, "its left side is its top now");
    }

    #[test]
    fn damaged_and_foreign_files_are_refused() {
        let whole = png(&RED_BLUE, 2, ExtendedColorType::Rgb8);
        for end in 8..whole.len() - 12 {
            let problem = decode(&whole[..end], Background::White).expect_err("it is cut off");
            assert_eq!(problem.code, ProblemCode::BadRequest, "{end}: {problem}");
        }
        for file in [b"".as_slice(), b"hello", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>"] {
            assert_eq!(
                decode(file, Background::White).expect_err("no picture").code,
                ProblemCode::Unsupported
            );
        }
    }

    #[test]
    fn a_small_file_that_claims_to_be_huge_is_refused_before_memory_is_taken() {
        // A BMP header with a size of 30,000 x 30,000 and no pixels.
        let mut file = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        file.extend(30_000u32.to_le_bytes());
        file.extend(30_000u32.to_le_bytes());
        file.extend([1, 0, 24, 0]);
        file.extend([0; 24]);
        let problem = decode(&file, Background::White).expect_err("it is too large");
        assert_eq!(problem.code, ProblemCode::TooLarge, "{problem}");
    }
}
