//! The pictures a stand-in Kaltura serves as thumbnails: real JPEG bytes, drawn on the spot.
//!
//! Nothing is stored: a picture follows from its seed and its size, so the same seed and version always
//! give the same bytes, and a new version another picture. What the pictures show is in [`scene`].

mod scene;

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor, rgb_to_ycbcr};

use scene::{Colour, Scene};

/// What Kaltura answers to 0×0 and to 640×480 for an entry that is not ready or deleted: a Flash film, with 200.
///
/// An uncompressed SWF of version 6, 640 by 480, with one empty frame. Source: PROTOCOL E.6.
pub const STAND_IN_SWF: &[u8] = &[
    b'F', b'W', b'S', 6, 25, 0, 0, 0, // magic, version, length of the file
    0x78, 0x00, 0x06, 0x40, 0x00, 0x00, 0x12, 0xc0,
    0x00, // frame: 15 bits a number, 0 to 12800 and 0 to 9600 twips
    0, 12, 1, 0, // 12 frames a second, one frame
    0x40, 0x00, // show frame
    0x00, 0x00, // end
];

/// A picture's width and height in pixels, each 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    width: u16,
    height: u16,
}

/// A width or height beyond Kaltura's 10,000; it answers 404 with `X-Kaltura: error-25`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a thumbnail of {width} by {height} pixels is larger than 10000 a side: ask for less")]
pub struct TooLarge {
    /// The width asked for; 0 when none was.
    pub width: u32,
    /// The height asked for; 0 when none was.
    pub height: u32,
}

impl Size {
    /// What our pictures are when nothing is made smaller.
    pub const ORIGINAL: Self = Self { width: 1280, height: 720 };

    /// The size served for the `width` and `height` of a request: the largest 16:9 picture in the box asked for.
    ///
    /// Neither given is a box of 120×90, so 120×68; one given (or the other 0) leaves the other open; 0×0 is the original.
    /// Source: PROTOCOL E.6 and the capture `thumbnail.entry` (type 1, fit and keep the aspect).
    ///
    /// # Errors
    /// [`TooLarge`] beyond 10,000 a side.
    pub fn asked(width: Option<u32>, height: Option<u32>) -> Result<Self, TooLarge> {
        let (w, h) = (width.unwrap_or(0), height.unwrap_or(0));
        match (w, h) {
            (0, 0) if width.is_some() && height.is_some() => Ok(Self::ORIGINAL),
            (0, 0) => Ok(Self::fitting(120, 90)),
            (w, h) if w > 10_000 || h > 10_000 => Err(TooLarge { width: w, height: h }),
            (w, 0) => Ok(Self::fitting(w, 10_000)),
            (0, h) => Ok(Self::fitting(10_000, h)),
            (w, h) => Ok(Self::fitting(w, h)),
        }
    }

    /// Width in pixels.
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Height in pixels.
    pub const fn height(self) -> u16 {
        self.height
    }

    /// The largest 16:9 size in a box of at most 10,000 a side.
    fn fitting(width: u32, height: u32) -> Self {
        let side = |pixels: u32| u16::try_from(pixels.clamp(1, 10_000)).unwrap_or(10_000);
        let by_width = (width * 9 + 8) / 16;
        if by_width <= height {
            Self { width: side(width), height: side(by_width) }
        } else {
            Self { width: side((height * 16 + 4) / 9), height: side(height) }
        }
    }
}

/// The JPEG of a thumbnail: what `seed` shows, a new picture with every `version`.
pub fn thumbnail(seed: u64, version: i64, size: Size) -> Vec<u8> {
    let frame = seed ^ version.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    jpeg(&Scene::from_seed(frame, size.width, size.height), size)
}

/// The stock picture served for sound without a thumbnail of its own: grey, with a wave. The same for every entry.
pub fn stock_audio(size: Size) -> Vec<u8> {
    jpeg(&Scene::sound_wave(size.width, size.height), size)
}

fn jpeg(scene: &Scene, size: Size) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32 * 1024);
    let mut encoder = Encoder::new(&mut bytes, 80);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder
        .encode_image(Canvas { scene, size })
        .expect("a picture of 1 to 10,000 pixels a side into memory can be encoded");
    bytes
}

/// Hands the encoder one row at a time, so that a large picture needs no large buffer of ours.
struct Canvas<'a> {
    scene: &'a Scene,
    size: Size,
}

impl ImageBuffer for Canvas<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.size.width
    }

    fn height(&self) -> u16 {
        self.size.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        for Colour([red, green, blue]) in self.scene.row(y) {
            let (luma, cb, cr) = rgb_to_ycbcr(red as u8, green as u8, blue as u8);
            buffers[0].push(luma);
            buffers[1].push(cb);
            buffers[2].push(cr);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn asked(width: impl Into<Option<u32>>, height: impl Into<Option<u32>>) -> (u16, u16) {
        let size = Size::asked(width.into(), height.into()).unwrap();
        (size.width(), size.height())
    }

    /// Width and height as the JPEG's own frame header says.
    fn frame_size(jpeg: &[u8]) -> (u16, u16) {
        let mut at = 2;
        while jpeg[at + 1] != 0xc0 {
            at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        }
        let number = |at: usize| u16::from_be_bytes([jpeg[at], jpeg[at + 1]]);
        (number(at + 7), number(at + 5))
    }

    #[test]
    fn a_thumbnail_fits_the_box_asked_for_as_kaltura_makes_it() {
        assert_eq!(asked(None, None), (120, 68));
        assert_eq!(asked(120, 90), (120, 68));
        assert_eq!(asked(0, 0), (1280, 720));
        assert_eq!(asked(640, None), (640, 360));
        assert_eq!(asked(640, 0), (640, 360));
        assert_eq!(asked(None, 360), (640, 360));
        assert_eq!(asked(1, None), (1, 1));
        assert_eq!(asked(10_000, 1), (2, 1));
        assert_eq!(Size::asked(Some(10_001), None), Err(TooLarge { width: 10_001, height: 0 }));
    }

    #[test]
    fn a_picture_is_a_jpeg_of_the_size_asked_for() {
        for (width, height) in [(1, 1), (16, 9), (120, 68), (333, 187), (640, 360)] {
            let size = Size { width, height };
            for bytes in [thumbnail(7, 1, size), stock_audio(size)] {
                assert_eq!(&bytes[..3], &[0xff, 0xd8, 0xff]);
                assert_eq!(&bytes[bytes.len() - 2..], &[0xff, 0xd9]);
                assert_eq!(frame_size(&bytes), (width, height));
            }
        }
    }

    #[test]
    fn the_same_seed_and_version_give_the_same_bytes_and_another_version_does_not() {
        let size = Size { width: 160, height: 90 };
        let first = thumbnail(7, 100_002, size);
        assert_eq!(thumbnail(7, 100_002, size), first);
        assert_ne!(thumbnail(7, 100_012, size), first);
    }

    #[test]
    fn two_hundred_entries_have_two_hundred_pictures() {
        let size = Size { width: 48, height: 27 };
        let pictures: HashSet<_> = (0..200).map(|number| thumbnail(number, 1, size)).collect();
        assert_eq!(pictures.len(), 200);
    }

    #[test]
    fn the_flash_film_says_its_own_length() {
        assert_eq!(&STAND_IN_SWF[..3], b"FWS");
        assert_eq!(u32::from_le_bytes(STAND_IN_SWF[4..8].try_into().unwrap()) as usize, STAND_IN_SWF.len());
    }
}
